"""A whole file, read: its rows by field, which of them happen together, and which can't be read."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, replace

from ledger.errors import Refusal
from ledger.imports import lines
from ledger.imports.kinds import COLUMNS, Kind, places
from ledger.imports.lines import BalanceLine, CodeLine, MemberLine, PurchaseLine, UsedLine, When
from ledger.imports.reading import rows

CELL_LONGEST = 500
LINES_MOST = 1_000
"""Of one document, as over HTTP."""


@dataclass(eq=False)
class RowTwice(Refusal):
    """An earlier row of this file, `row`, says the same customer or code."""

    row: int


@dataclass(eq=False)
class LinesDiffer(Refusal):
    """Rows of one document name different customers or times; `row` is the first of them."""

    document: str
    row: int


@dataclass(eq=False)
class LineUnread(Refusal):
    """Another row of this document, `row`, can't be read: a purchase is booked whole."""

    document: str
    row: int


@dataclass(eq=False)
class TooManyLines(Refusal):
    """A document has at most so many rows."""

    most: int


@dataclass(frozen=True, slots=True)
class ParsedRow:
    """A row. `unit`: the first row of what happens together, None with the refusal that says why it can't be."""

    number: int
    cells: Mapping[str, str]
    unit: int | None
    refusal: Refusal | None = None


def head(kind: Kind, content: bytes, named: Mapping[str, str]) -> dict[str, int]:
    """Where the columns stand. Reads no further than that.

    Raises:
        Those of `reading.rows`, ColumnsMissing.
    """
    header = next(iter(rows(content)))[1]
    return places(kind, header, named)


def parse(kind: Kind, content: bytes, named: Mapping[str, str], when: When) -> list[ParsedRow]:
    """Every row below the header.

    Raises:
        Those of `reading.rows`, ColumnsMissing; FileUnreadable where there is only a header.
    """
    found = rows(content)
    at = places(kind, next(found)[1], named)
    fields = [each.field for each in COLUMNS[kind] if each.field in at]
    first: dict[str, int] = {}
    said: dict[int, PurchaseLine] = {}
    parsed: list[ParsedRow] = []
    for number, cells in found:
        row: dict[str, str] = {f: cells[at[f]][:CELL_LONGEST] for f in fields if at[f] < len(cells)}
        try:
            line = lines.read(kind, row, when)
        except Refusal as no:
            parsed.append(ParsedRow(number, row, None, no))
            continue
        unit = first.setdefault(_key(line), number)
        if isinstance(line, PurchaseLine):
            said[number] = line
            parsed.append(ParsedRow(number, row, unit))
        else:
            no_more = RowTwice(unit) if unit != number else None
            parsed.append(ParsedRow(number, row, None if no_more else unit, no_more))
    return _whole_documents(parsed, said) if kind == "purchases" else parsed


def _key(line: lines.AnyLine) -> str:
    match line:
        case PurchaseLine():
            return line.document
        case MemberLine() | BalanceLine():
            return line.customer
        case CodeLine() | UsedLine():
            return line.code


def _whole_documents(parsed: list[ParsedRow], said: Mapping[int, PurchaseLine]) -> list[ParsedRow]:
    """Documents that can't be booked whole are not booked at all."""
    spoilt: dict[str, Refusal] = {}
    first: dict[str, PurchaseLine] = {}
    counted: dict[str, int] = {}
    units: dict[str, int] = {}
    for row in parsed:
        line = said.get(row.number)
        if line is None:
            document = row.cells.get("document", "").strip()
            spoilt.setdefault(document, LineUnread(document, row.number))
            continue
        begun = first.setdefault(line.document, line)
        units.setdefault(line.document, row.number)
        counted[line.document] = counted.get(line.document, 0) + 1
        if (begun.customer, begun.occurred_at) != (line.customer, line.occurred_at):
            spoilt.setdefault(line.document, LinesDiffer(line.document, units[line.document]))
        if counted[line.document] > LINES_MOST:
            spoilt.setdefault(line.document, TooManyLines(LINES_MOST))
    return [
        replace(row, unit=None, refusal=spoilt[said[row.number].document])
        if row.number in said and said[row.number].document in spoilt
        else row
        for row in parsed
    ]
