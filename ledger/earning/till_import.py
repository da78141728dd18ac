"""A till export, read: which lines make which purchase, and which earlier lines a refund takes back. Pure.

An export lists sales line by line. Lines of one number are one document, at the place of its first line. A document
whose number begins with the adjustment prefix is nobody's purchase; with the refund prefix, a refund that names no
original: each of its lines takes back the same customer's most recent earlier lines of the same item, newest first, at
the price they were bought for.

Nothing is guessed: every row gets one of the `Outcome`s, and what can't be used says why.

    survey(rows)               first reading: what refunds will ask for, and lines that stray from their document
    documents(rows, survey)    second reading: the documents in order
    Matcher.take(document)     a `Purchase`, a `Refund` or nothing, and what became of each row

Memory follows the refunds, not the file: only lines that a refund may ask for are remembered.
"""

from __future__ import annotations

import datetime as dt
from collections.abc import Callable, Iterable, Iterator
from dataclasses import dataclass, field
from decimal import Decimal, InvalidOperation
from functools import lru_cache
from typing import Literal, NamedTuple

from ledger.earning.rules.decision import Decision
from ledger.members import walk_ins

Outcome = Literal[
    "earned",
    "refunded",
    "refunded_in_part",
    "not_matched",
    "no_document",
    "adjustment",
    "no_customer",
    "phone_number",
    "other_customer",
    "price_not_positive",
    "quantity_not_positive",
    "refund_not_negative",
    "unreadable",
    "unreadable_time",
]
COUNTED: frozenset[Outcome] = frozenset({"earned", "refunded", "refunded_in_part"})

LARGEST = 10**12
"""No quantity or price reaches this: their product then stays exact in a `Decimal`'s 28 digits."""

MOST_DECIMALS = 4


class Row(NamedTuple):
    """One line of the export as text. `number` counts data rows from 1."""

    number: int
    document: str
    item: str
    quantity: str
    time: str
    price: str
    customer: str


class RowResult(NamedTuple):
    """What became of a row. Of a refund's quantity, `applied` found its purchase and `rest` did not."""

    number: int
    document: str
    outcome: Outcome
    applied: int = 0
    rest: int = 0


@dataclass(frozen=True, slots=True)
class Document:
    """All lines of one number, in the order of the file."""

    number: str
    rows: tuple[Row, ...]


@dataclass(frozen=True, slots=True)
class Purchase:
    """An invoice: whole minor units of its exact total, rounded down, and what they earn."""

    document: str
    customer: str
    occurred_at: dt.datetime
    amount_minor: int
    decision: Decision


@dataclass(frozen=True, slots=True)
class Taken:
    """What a refund takes back of one purchase: money, and points by the rule that paid; it still `keeps` so many points.
    `refunded_minor` counts every refund of that purchase so far."""

    document: str
    customer: str
    amount_minor: int
    refunded_minor: int
    points: int
    keeps: int


@dataclass(frozen=True, slots=True)
class Refund:
    """A refund document and the purchases that it reached, in order of first touch; none where nothing matched."""

    document: str
    occurred_at: dt.datetime
    taken: tuple[Taken, ...]


@dataclass(slots=True)
class Survey:
    """What a first reading found: rows, what refunds ask for (customer, item), and rows apart from their document."""

    rows: int = 0
    asked: set[tuple[str, str]] = field(default_factory=set)
    stray: dict[str, list[Row]] = field(default_factory=dict)


def survey(rows: Iterable[Row], *, refund_prefix: str) -> Survey:
    """Read the whole export once, to know what the second reading must remember."""
    found = Survey()
    seen: set[str] = set()
    current: str | None = None
    for row in rows:
        found.rows += 1
        if row.document != current:
            if row.document in seen:
                found.stray.setdefault(row.document, []).append(row)
                current = None
            else:
                current = row.document
                seen.add(current)
        if row.customer and row.document.startswith(refund_prefix):
            found.asked.add((row.customer, row.item))
    return found


def documents(rows: Iterable[Row], found: Survey) -> Iterator[Document]:
    """The documents in order of first appearance, each with all of its lines."""
    current: str | None = None
    lines: list[Row] = []
    complete: set[str] = set()
    for row in rows:
        if row.document == current:
            lines.append(row)
            continue
        if current is not None:
            yield Document(current, (*lines, *found.stray.get(current, ())))
            current = None
        if row.document in complete:
            continue  # a stray line: its document has had it
        if row.document in found.stray:
            complete.add(row.document)
        current, lines = row.document, [row]
    if current is not None:
        yield Document(current, (*lines, *found.stray.get(current, ())))


@dataclass(slots=True)
class _Open:
    """A purchase that refunds may still reach."""

    document: str
    customer: str
    occurred_at: dt.datetime
    total: Decimal
    remaining: Decimal
    minor: int
    points: int


@dataclass(slots=True)
class _Line:
    """A purchased line with `left` unreturned pieces."""

    of: _Open
    left: int
    price: Decimal


class Matcher:
    """Takes the documents in order and says what each one is.

    `earns(minor, at, of)` decides what so many minor units earn, left of the `of` bought at an instant; `instant(text)` reads a
    time.
    """

    def __init__(
        self,
        found: Survey,
        *,
        refund_prefix: str,
        adjustment_prefix: str,
        earns: Callable[[int, dt.datetime, int], Decision],
        instant: Callable[[str], dt.datetime],
    ) -> None:
        self._asked = found.asked
        self._refund_prefix = refund_prefix
        self._adjustment_prefix = adjustment_prefix
        self._earns = earns
        self._instant = instant
        self._lines: dict[tuple[str, str], list[_Line]] = {}

    def take(self, document: Document) -> tuple[Purchase | Refund | None, list[RowResult]]:
        """What this document comes to, and the outcome of its rows in their order."""
        number = document.number
        if not number:
            return None, [RowResult(r.number, number, "no_document") for r in document.rows]
        if number.startswith(self._adjustment_prefix):
            return None, [RowResult(r.number, number, "adjustment") for r in document.rows]
        try:
            occurred_at = self._instant(document.rows[0].time)
        except ValueError:
            return None, [RowResult(r.number, number, "unreadable_time") for r in document.rows]
        if number.startswith(self._refund_prefix):
            return self._refund(document, occurred_at)
        return self._purchase(document, occurred_at)

    def _purchase(self, document: Document, occurred_at: dt.datetime) -> tuple[Purchase | None, list[RowResult]]:
        customer = ""
        total = Decimal(0)
        bought: list[tuple[str, int, Decimal]] = []
        results: list[RowResult] = []
        for row in document.rows:
            outcome, quantity, price = _read(row)
            if outcome is None and quantity <= 0:
                outcome = "quantity_not_positive"
            if outcome is None and customer and row.customer != customer:
                outcome = "other_customer"
            if outcome is None:
                outcome = "earned"
                customer = row.customer
                total += quantity * price
                if (customer, row.item) in self._asked:
                    bought.append((row.item, quantity, price))
            results.append(RowResult(row.number, document.number, outcome))
        if not customer:
            return None, results
        minor = int(total * 100)
        decision = self._earns(minor, occurred_at, minor)
        if bought:
            purchase = _Open(document.number, customer, occurred_at, total, total, minor, decision.points)
            for item, quantity, price in bought:
                self._lines.setdefault((customer, item), []).append(_Line(purchase, quantity, price))
        return Purchase(document.number, customer, occurred_at, minor, decision), results

    def _refund(self, document: Document, occurred_at: dt.datetime) -> tuple[Refund, list[RowResult]]:
        touched: dict[str, tuple[_Open, int, int]] = {}
        results: list[RowResult] = []
        for row in document.rows:
            outcome, quantity, _ = _read(row)
            if outcome is None and quantity >= 0:
                outcome = "refund_not_negative"
            if outcome is not None:
                results.append(RowResult(row.number, document.number, outcome))
                continue
            asked = rest = -quantity
            lines = self._lines.get((row.customer, row.item), [])
            while rest and lines:
                line = lines[-1]
                pieces = min(rest, line.left)
                touched.setdefault(line.of.document, (line.of, line.of.minor, line.of.points))
                line.of.remaining -= pieces * line.price
                line.left -= pieces
                rest -= pieces
                if not line.left:
                    lines.pop()
            outcome = "refunded" if not rest else "refunded_in_part" if rest < asked else "not_matched"
            results.append(RowResult(row.number, document.number, outcome, asked - rest, rest))
        return Refund(document.number, occurred_at, tuple(self._settle(*was) for was in touched.values())), results

    def _settle(self, purchase: _Open, minor_before: int, points_before: int) -> Taken:
        """Recompute the purchase on what remains of it; `_before` is how it stood before this refund."""
        purchase.minor, whole = int(purchase.remaining * 100), int(purchase.total * 100)
        purchase.points = self._earns(purchase.minor, purchase.occurred_at, whole).points
        return Taken(
            purchase.document,
            purchase.customer,
            minor_before - purchase.minor,
            whole - purchase.minor,
            points_before - purchase.points,
            purchase.points,
        )


def _read(row: Row) -> tuple[Outcome | None, int, Decimal]:
    """What is wrong with a row whatever its document is, else its quantity and price."""
    if not row.customer:
        return "no_customer", 0, _NOTHING
    if _is_phone(row.customer):
        return "phone_number", 0, _NOTHING
    quantity, price = _whole(row.quantity), _exact(row.price)
    if quantity is None or price is None:
        return "unreadable", 0, _NOTHING
    if price <= 0:
        return "price_not_positive", 0, _NOTHING
    return None, quantity, price


_NOTHING = Decimal(0)


@lru_cache(1 << 14)
def _is_phone(customer: str) -> bool:
    """A customer's number is kept as it stands, so a phone's may be none. Files that merchants bring themselves take phones."""
    return len(customer) >= walk_ins.PHONE_DIGITS and walk_ins.holds_phone(customer)


@lru_cache(1 << 14)
def _whole(written: str) -> int | None:
    """A whole number as exports write it: «12», «-3», also «12.0»."""
    exact = _exact(written)
    return int(exact) if exact is not None and exact == int(exact) else None


@lru_cache(1 << 14)
def _exact(written: str) -> Decimal | None:
    """A decimal number of sane size; None for anything else."""
    if not written.isascii() or not written.replace("-", "", 1).replace(".", "", 1).strip().isdigit():
        return None
    try:
        number = Decimal(written)
    except InvalidOperation:
        return None
    exponent = number.as_tuple().exponent
    sane = isinstance(exponent, int) and exponent >= -MOST_DECIMALS and abs(number) < LARGEST
    return number if sane else None
