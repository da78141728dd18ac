"""From bytes to rows: encodings, delimiters, workbooks, and every file that is none."""

from __future__ import annotations

import io
import zipfile
from collections.abc import Callable

import pytest

from ledger.imports import reading
from ledger.imports.reading import FileUnreadable, ImportTooLarge, TooManyRows, rows
from tests.bot.importing import csv_of, xlsx_of

TABLE = [["单号", "金额"], ["甲-1", "12.50"], ["甲-2", "8"]]


def cells(content: bytes) -> list[list[str]]:
    return [said for _, said in rows(content)]


@pytest.mark.parametrize("encoding", ["utf-8", "utf-8-sig", "utf-16", "gb18030"])
@pytest.mark.parametrize("delimiter", [",", ";", "\t"])
def test_a_table_is_read_whatever_its_encoding_and_delimiter(encoding: str, delimiter: str) -> None:
    assert cells(csv_of(TABLE, encoding, delimiter)) == TABLE


def test_a_workbook_reads_as_somebody_would_have_typed_it() -> None:
    import datetime as dt

    line = [10086, 12.5, 0.1, dt.datetime(2026, 11, 22, 10, 30), dt.date(2026, 11, 22), True, None, " x "]
    assert cells(xlsx_of([["h"], line])) == [
        ["h"],
        ["10086", "12.5", "0.1", "2026-11-22 10:30:00", "2026-11-22", "TRUE", "", "x"],
    ]


def test_empty_rows_are_left_out_and_the_others_keep_their_numbers() -> None:
    assert [n for n, _ in rows(b"\r\na\r\n\r\n,\r\nb\r\n")] == [2, 5]
    assert [n for n, _ in rows(xlsx_of([["a"], [], ["b"]]))] == [1, 3]
    assert [n for n, _ in rows(b'a,b\r\n"two\r\nlines",b\r\nc,d\r\n')] == [1, 2, 4]


def test_a_formula_is_no_more_than_what_it_was_worth() -> None:
    assert cells(csv_of([["h"], ["=1+1"]])) == [["h"], ["=1+1"]]
    assert cells(xlsx_of([["h"], ["=1+1", "x"]]))[1] == ["", "x"]  # never computed by anybody


def packed(name: str, content: bytes, times: int = 1) -> Callable[[], bytes]:
    """An archive with one file in it, packed when it is asked for."""

    def pack() -> bytes:
        out = io.BytesIO()
        with zipfile.ZipFile(out, "w", zipfile.ZIP_DEFLATED) as archive:
            archive.writestr(name, content * times)
        return out.getvalue()

    return pack


@pytest.mark.parametrize(
    ("content", "why"),
    [
        (b"", "empty"),
        (b"\r\n ,\r\n", "empty"),
        (b"\xff\xff\xff", "encoding"),
        (b"a\0b", "encoding"),
        (b'a\r\n"open', "csv"),
        (b"PK\x03\x04 not really", "xlsx"),
        (b"\xd0\xcf\x11\xe0\xa1\xb1", "xls"),
        (packed("hello.txt", b"hello"), "xlsx"),
        (packed("xl/vbaProject.bin", b"x"), "macros"),
        (packed("xl/worksheets/sheet1.xml", b" ", reading.UNPACKED_MOST + 1), "unpacked"),
    ],
)
def test_what_is_no_table_is_refused_with_its_reason(content: bytes | Callable[[], bytes], why: str) -> None:
    with pytest.raises(FileUnreadable) as no:
        list(rows(content if isinstance(content, bytes) else content()))
    assert no.value.why == why


def test_a_file_with_too_many_bytes_or_rows_is_refused(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(reading, "ROWS_MOST", 3)
    assert len(cells(b"h\na\nb\nc\n")) == 4
    with pytest.raises(TooManyRows):
        list(rows(b"h\na\nb\nc\nd\n"))
    monkeypatch.setattr(reading, "BYTES_MOST", 3)
    with pytest.raises(ImportTooLarge):
        list(rows(b"h\na\n"))
