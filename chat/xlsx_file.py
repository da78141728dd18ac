"""A table as an Excel workbook: one sheet, numbers as numbers, and no cell that is run as a formula."""

from __future__ import annotations

import io
from collections.abc import Iterable, Sequence

from openpyxl import Workbook
from openpyxl.cell import WriteOnlyCell
from openpyxl.styles import Font

from chat.csv_file import harmless

WIDTH = 16


def xlsx_file(rows: Iterable[Sequence[object]], title: str) -> bytes:
    """The rows, the header first and in bold."""
    book = Workbook(write_only=True)
    sheet = book.create_sheet(title[:31])
    sheet.freeze_panes = "A2"
    for number, row in enumerate(rows):
        if not number:
            for column in range(len(row)):
                sheet.column_dimensions[chr(ord("A") + column)].width = WIDTH
        sheet.append([_cell(sheet, value, bold=not number) for value in row])
    out = io.BytesIO()
    book.save(out)
    return out.getvalue()


def _cell(sheet: object, value: object, *, bold: bool) -> WriteOnlyCell:
    cell = WriteOnlyCell(sheet, value=harmless(value) if isinstance(value, str) else value)
    if bold:
        cell.font = Font(bold=True)
    return cell
