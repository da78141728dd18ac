"""Reading a till export: CSV, plain or gzipped, row by row, however large."""

from __future__ import annotations

import csv
import gzip
import io
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import IO

from bot.bilingual import both
from ledger.earning.till_import import Row
from ledger.merchants.mapping import Mapping

ROWS_PER_REPORT = 5000
"""After so many rows the caller hears how far the reading is."""


class ExportUnreadable(Exception):
    """The file is no till export that this mapping can read; its text says why, in both languages."""


class Export:
    """A till export and how to read it. It can be read any number of times."""

    def __init__(self, path: Path, mapping: Mapping) -> None:
        self.path = path
        self.mapping = mapping

    @property
    def size(self) -> int:
        """Bytes on disk: the scale of `rows`' reports."""
        return self.path.stat().st_size

    def rows(self, hear: Callable[[int], None] = lambda position: None) -> Iterator[Row]:
        """The rows in order. `hear` is told the position in bytes on disk now and then.

        Short rows read as if their missing cells were empty.

        Raises:
            ExportUnreadable: no gzip, no text, no CSV, or columns that the mapping names are missing.
        """
        try:
            with self.path.open("rb") as disk:
                yield from self._read(disk, hear)
        except (UnicodeDecodeError, gzip.BadGzipFile, EOFError, LookupError) as error:
            raise ExportUnreadable(both(f"读不了 {self.path.name}:{error}", f"can't be read: {error}")) from error
        except csv.Error as error:
            raise ExportUnreadable(both(f"{self.path.name} 不是 CSV:{error}", f"no CSV: {error}")) from error

    def _read(self, disk: IO[bytes], hear: Callable[[int], None]) -> Iterator[Row]:
        raw: IO[bytes] = gzip.GzipFile(fileobj=disk) if self.path.suffix == ".gz" else disk  # type: ignore[assignment]
        text = io.TextIOWrapper(raw, encoding=self.mapping.encoding, newline="")
        reader = csv.reader(text, delimiter=self.mapping.delimiter, strict=True)
        header = next(reader, [])
        try:
            document, item, quantity, time, price, customer = self.mapping.places(header)
        except ValueError as error:
            raise ExportUnreadable(
                both(
                    f"缺少这些列:{error}。文件里的列:{'、'.join(header)}。用 --mapping 指明列名",
                    f"columns missing: {error}; the file has: {', '.join(header)}; name them with --mapping",
                )
            ) from None
        width = max(document, item, quantity, time, price, customer) + 1
        for number, cells in enumerate(reader, 1):
            if number % ROWS_PER_REPORT == 0:
                hear(disk.tell())
            if not cells:
                continue  # an empty line
            if len(cells) < width:
                cells += [""] * (width - len(cells))
            yield Row(
                number,
                cells[document],
                cells[item],
                cells[quantity],
                cells[time],
                cells[price],
                cells[customer],
            )
        hear(self.size)
