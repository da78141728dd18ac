"""Pictures that people send as papers, for dialogues."""

from __future__ import annotations

import io

import segno


def picture(words: str) -> bytes:
    """A small picture; other words, another picture."""
    out = io.BytesIO()
    segno.make(words).save(out, kind="png", scale=4)
    return out.getvalue()
