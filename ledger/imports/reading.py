"""From bytes to rows of text: CSV in UTF-8, UTF-16 or GB18030, and Excel workbooks. Nothing of a file is run."""

from __future__ import annotations

import csv
import datetime as dt
import io
import zipfile
from collections.abc import Iterator
from dataclasses import dataclass
from decimal import Decimal
from typing import Any, Literal

import openpyxl

from ledger.errors import Refusal

BYTES_MOST = 8_000_000
ROWS_MOST = 100_000
COLUMNS_MOST = 100
UNPACKED_MOST = 150_000_000
"""What an Excel workbook, which is a compressed archive, may come to."""

Why = Literal["empty", "encoding", "csv", "xlsx", "xls", "macros", "unpacked"]


@dataclass(eq=False)
class FileUnreadable(Refusal):
    """It is no table that can be read. `why`: empty; encoding: no text of a known one; csv; xlsx: a damaged workbook; xls: Excel's
    old format, or locked by a password; macros: it carries programs; unpacked: far larger inside than it looks."""

    why: Why


@dataclass(eq=False)
class ImportTooLarge(Refusal):
    """A file has at most so many bytes."""

    most: int


@dataclass(eq=False)
class TooManyRows(Refusal):
    """A file has at most so many rows."""

    most: int


Row = tuple[int, list[str]]
"""The number of a row as spreadsheets show it, counted from 1, and its cells."""


def rows(content: bytes) -> Iterator[Row]:
    """The rows that say anything, the header first.

    Raises:
        ImportTooLarge → FileUnreadable → TooManyRows, where it is reached.
    """
    if len(content) > BYTES_MOST:
        raise ImportTooLarge(BYTES_MOST)
    if content.startswith(b"\xd0\xcf\x11\xe0"):
        raise FileUnreadable("xls")
    found = _workbook(content) if content.startswith(b"PK\x03\x04") else _csv(content)
    any_ = False
    for count, (number, cells) in enumerate(found):
        if count > ROWS_MOST:
            raise TooManyRows(ROWS_MOST)
        any_ = True
        yield number, cells
    if not any_:
        raise FileUnreadable("empty")


def _csv(content: bytes) -> Iterator[Row]:
    said = _decoded(content)
    if "\0" in said:
        raise FileUnreadable("encoding")
    lines = csv.reader(io.StringIO(said, newline=""), delimiter=_delimiter(said), strict=True)
    number = 1
    try:
        for cells in lines:
            if any(cell.strip() for cell in cells):
                yield number, [cell.strip() for cell in cells[:COLUMNS_MOST]]
            number = lines.line_num + 1
    except csv.Error:
        raise FileUnreadable("csv") from None


def _decoded(content: bytes) -> str:
    """The text. GB18030 comes last: it can read nearly anything, as something."""
    utf_16 = content.startswith((b"\xff\xfe", b"\xfe\xff"))
    for encoding in ("utf-16",) if utf_16 else ("utf-8-sig", "gb18030"):
        try:
            return content.decode(encoding)
        except UnicodeDecodeError:
            continue
    raise FileUnreadable("encoding")


def _delimiter(said: str) -> str:
    head = next((line for line in said.splitlines() if line.strip()), "")
    return max((",", ";", "\t"), key=head.count)


def _workbook(content: bytes) -> Iterator[Row]:
    """The first sheet."""
    try:
        with zipfile.ZipFile(io.BytesIO(content)) as archive:
            inside = archive.infolist()
        if any(each.filename.lower().endswith("vbaproject.bin") for each in inside):
            raise FileUnreadable("macros")
        if sum(each.file_size for each in inside) > UNPACKED_MOST:
            raise FileUnreadable("unpacked")
        book = openpyxl.load_workbook(io.BytesIO(content), read_only=True, data_only=True, keep_links=False)
        try:
            sheet = book.worksheets[0]
            sheet.reset_dimensions()  # what a workbook says of its own size need not be so
            for number, cells in enumerate(sheet.iter_rows(values_only=True, max_col=COLUMNS_MOST), 1):
                read = [_text(cell) for cell in cells]
                while read and not read[-1]:
                    read.pop()  # the library fills rows up
                if read:
                    yield number, read
        finally:
            book.close()
    except Refusal:
        raise
    except Exception as error:  # the library raises whatever it stumbles over
        raise FileUnreadable("xlsx") from error


def _text(cell: Any) -> str:
    """A cell as somebody would have typed it."""
    match cell:
        case None:
            return ""
        case bool():
            return "TRUE" if cell else "FALSE"
        case float() if cell.is_integer() and abs(cell) < 10**15:
            return str(int(cell))
        case float():
            return format(Decimal(repr(cell)), "f")
        case dt.datetime():
            # Excel keeps instants as parts of a day, which are off by microseconds.
            rounded = (cell + dt.timedelta(milliseconds=500)).replace(microsecond=0)
            return rounded.date().isoformat() if rounded.time() == dt.time() else rounded.isoformat(" ")
        case _:
            return str(cell).strip()
