"""What makes bytes a picture Telegram takes as a photo: a PNG or JPEG header and sane proportions."""

from __future__ import annotations

import struct

from bot.double.errors import bad

SIDES_SUM_MAX = 10_000
RATIO_MAX = 20


def check(content: bytes) -> tuple[int, int]:
    """Width and height in pixels.

    Raises:
        ApiError 400: not a picture (`IMAGE_PROCESS_FAILED`), or its sides are out of bounds.
    """
    size = _png(content) or _jpeg(content)
    if size is None:
        raise bad("IMAGE_PROCESS_FAILED")
    width, height = size
    if not width or not height or width + height > SIDES_SUM_MAX or max(size) > RATIO_MAX * min(size):
        raise bad("PHOTO_INVALID_DIMENSIONS")
    return width, height


def _png(content: bytes) -> tuple[int, int] | None:
    if content[:8] != b"\x89PNG\r\n\x1a\n" or content[12:16] != b"IHDR" or len(content) < 33:
        return None
    width, height = struct.unpack(">II", content[16:24])
    return width, height


def _jpeg(content: bytes) -> tuple[int, int] | None:
    if content[:2] != b"\xff\xd8":
        return None
    at = 2
    while at + 9 < len(content):
        if content[at] != 0xFF:
            return None
        marker = content[at + 1]
        if 0xC0 <= marker <= 0xCF and marker not in (0xC4, 0xC8, 0xCC):  # a frame header, not a table
            height, width = struct.unpack(">HH", content[at + 5 : at + 9])
            return width, height
        at += 2 + struct.unpack(">H", content[at + 2 : at + 4])[0]
    return None
