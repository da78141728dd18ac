"""A table as an Excel workbook: one sheet, numbers as numbers, and no cell that is run as a formula.

The same rows give the same bytes, whenever they are asked for: a statement can be compared with the one that was had before.
"""

from __future__ import annotations

import io
import re
import zipfile
from collections.abc import Iterable, Sequence

from openpyxl import Workbook
from openpyxl.cell import WriteOnlyCell
from openpyxl.styles import Font

from chat.csv_file import harmless

WIDTH = 16
_SAVED_AT = re.compile(rb"<dcterms:(created|modified)[^>]*>[^<]*</dcterms:\1>")


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
    return _timeless(out)


def _timeless(saved: io.BytesIO) -> bytes:
    """A saved workbook without the moment of saving."""
    out = io.BytesIO()
    with zipfile.ZipFile(saved) as old, zipfile.ZipFile(out, "w", zipfile.ZIP_DEFLATED) as new:
        for name in old.namelist():
            content = old.read(name)
            if name == "docProps/core.xml":
                content = _SAVED_AT.sub(b"", content)
            new.writestr(zipfile.ZipInfo(name, (1980, 1, 1, 0, 0, 0)), content, zipfile.ZIP_DEFLATED)
    return out.getvalue()


def _cell(sheet: object, value: object, *, bold: bool) -> WriteOnlyCell:
    cell = WriteOnlyCell(sheet, value=harmless(value) if isinstance(value, str) else value)
    if bold:
        cell.font = Font(bold=True)
    return cell
