"""Pictures for the chat: QR codes as PNG, in half a millisecond, so they need no process of their own."""

from __future__ import annotations

import io

from PIL import Image

from chat.qr import modules

WIDTH = 400
"""At least so many pixels wide, whatever the amount of data: large enough for a phone."""
QUIET_ZONE = 4
"""Light modules around a QR code, as its standard asks for."""


def qr_png(data: str) -> bytes:
    """A QR code of `data` as PNG, quiet zone included. `ValueError` where it is more than a code holds."""
    rows = modules(data)
    code = Image.frombytes("L", (len(rows), len(rows)), b"".join(row.translate(_GREY) for row in rows))
    side = len(rows) + 2 * QUIET_ZONE
    whole = Image.new("L", (side, side), 255)
    whole.paste(code, (QUIET_ZONE, QUIET_ZONE))
    scale = max(4, -(-WIDTH // side))
    large = whole.convert("1", dither=Image.Dither.NONE).resize((side * scale, side * scale), Image.Resampling.NEAREST)
    png = io.BytesIO()
    large.save(png, "PNG", compress_level=1)
    return png.getvalue()


_GREY = bytes(0 if dark else 255 for dark in range(256))
