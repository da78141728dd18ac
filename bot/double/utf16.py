"""Offsets in UTF-16 units, which is how Telegram counts in texts."""

from __future__ import annotations


def utf16(text: str) -> int:
    """Length in UTF-16 units."""
    return len(text) if text.isascii() else len(text.encode("utf-16-le", "surrogatepass")) // 2
