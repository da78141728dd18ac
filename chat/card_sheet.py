"""Paper cards to print oneself: a PDF of A4 pages, ten cards a page, each with its claim code on a strip that is folded away.

A card is 85 × 38 mm when it is folded: on its face whose it is, its number and the QR code that tills scan. Below the face are two
strips. The lower one, with the code, is folded up over the other, so that the code lies inside; both together then go behind the
card and are glued. The font is embedded, so that it prints the same anywhere. Five hundred take a second or two: call it in a
thread.
"""

from __future__ import annotations

import io
from collections.abc import Sequence
from dataclasses import dataclass

from reportlab.lib.pagesizes import A4
from reportlab.lib.units import mm
from reportlab.pdfbase import pdfmetrics
from reportlab.pdfbase.ttfonts import TTFont
from reportlab.pdfgen.canvas import Canvas

from chat.font import FONT_FILE
from chat.qr import modules

COLUMNS, ROWS = 2, 5
PER_PAGE = COLUMNS * ROWS
WIDTH, HEIGHT = 85 * mm, 54 * mm
STRIP = 8 * mm
"""How high each of the two strips is."""
MARGIN = 4 * mm
QR_SIDE = 28 * mm
NAME_SIZE, NAME_SIZE_MIN = 14.0, 7.0

_FONT = "jifen-cards"
_GREY, _LIGHT = 0.45, 0.75


@dataclass(frozen=True, slots=True)
class Face:
    """A card as it is printed: `link` is what its QR code says, `code` is folded away."""

    number: str
    link: str
    code: str


@dataclass(frozen=True, slots=True)
class Lettering:
    """What stands on every card, in one language: the shop, what this is, how it is used; before the claim code, and where to send
    that; how the strips are folded."""

    shop: str
    kind: str
    use: str
    claim: str
    where: str
    fold: str


def card_sheet(cards: Sequence[Face], letters: Lettering) -> bytes:
    """The cards in order, row by row."""
    if _FONT not in pdfmetrics.getRegisteredFontNames():
        pdfmetrics.registerFont(TTFont(_FONT, str(FONT_FILE), subfontIndex=0))
    out = io.BytesIO()
    canvas = Canvas(out, pagesize=A4, invariant=True, pageCompression=True)
    canvas.setTitle(f"{letters.shop} · {letters.kind}")
    left, top = (A4[0] - COLUMNS * WIDTH) / 2, A4[1] - (A4[1] - ROWS * HEIGHT) / 2
    for place, card in enumerate(cards):
        row, column = divmod(place % PER_PAGE, COLUMNS)
        if place and not place % PER_PAGE:
            canvas.showPage()
        canvas.saveState()
        canvas.translate(left + column * WIDTH, top - (row + 1) * HEIGHT)
        _draw(canvas, card, letters)
        canvas.restoreState()
    canvas.save()
    return out.getvalue()


def _draw(canvas: Canvas, card: Face, letters: Lettering) -> None:
    """One card; its lower left corner is where the canvas is."""
    canvas.setLineWidth(0.4)
    canvas.setStrokeGray(_LIGHT)
    canvas.rect(0, 0, WIDTH, HEIGHT)
    canvas.setDash(2, 2)
    for height in (STRIP, 2 * STRIP):
        canvas.line(0, height, WIDTH, height)
    canvas.setDash()

    room = WIDTH - QR_SIDE - 3 * MARGIN
    _write(canvas, letters.shop, MARGIN, HEIGHT - 10 * mm, NAME_SIZE, room)
    _write(canvas, letters.kind, MARGIN, HEIGHT - 15.5 * mm, 9, room, grey=_GREY)
    grouped = " ".join(card.number[start : start + 4] for start in range(0, len(card.number), 4))
    _write(canvas, grouped, MARGIN, HEIGHT - 26 * mm, 13, room)
    _write(canvas, letters.use, MARGIN, HEIGHT - 33 * mm, 7, room, grey=_GREY)
    _qr(canvas, card.link, WIDTH - MARGIN - QR_SIDE, 2 * STRIP + (HEIGHT - 2 * STRIP - QR_SIDE) / 2)

    inside = WIDTH - 2 * MARGIN
    _write(canvas, letters.fold, MARGIN, STRIP + 3 * mm, 6.5, inside, grey=_GREY)
    code = f"{letters.claim} {card.code}"
    _write(canvas, code, MARGIN, 2.8 * mm, 9, inside)
    beside = inside - _length(code, 9) - MARGIN
    _write(
        canvas,
        letters.where,
        WIDTH - MARGIN - min(beside, _length(letters.where, 6.5)),
        2.8 * mm,
        6.5,
        beside,
        grey=_GREY,
    )


def _write(canvas: Canvas, said: str, x: float, y: float, size: float, room: float, grey: float = 0.0) -> None:
    """A line, smaller where it would be too long; what is too long even then is cut."""
    size = max(NAME_SIZE_MIN if size > NAME_SIZE_MIN else 5.0, min(size, size * room / _length(said, size)))
    while _length(said, size) > room + 0.01:
        said = said[:-2] + "…"
    canvas.setFillGray(grey)
    canvas.setFont(_FONT, size)
    canvas.drawString(x, y, said)


def _length(said: str, size: float) -> float:
    return max(1.0, float(pdfmetrics.stringWidth(said, _FONT, size)))


def _qr(canvas: Canvas, link: str, x: float, y: float) -> None:
    """A QR code as one path of runs of dark modules: sharp at any size, and small."""
    rows = modules(link)
    module = QR_SIDE / len(rows)
    path = canvas.beginPath()
    for number, row in enumerate(rows):
        start = 0
        while (start := row.find(1, start)) >= 0:
            end = next((place for place in range(start, len(row)) if not row[place]), len(row))
            path.rect(x + start * module, y + (len(rows) - 1 - number) * module, (end - start) * module, module)
            start = end
    canvas.setFillGray(0)
    canvas.drawPath(path, stroke=0, fill=1)
