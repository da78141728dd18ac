"""Pictures that people send as papers, for dialogues."""

from __future__ import annotations

from bot.pictures import qr_png


def picture(words: str) -> bytes:
    """A small picture; other words, another picture."""
    return qr_png(words)
