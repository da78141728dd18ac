"""What a row says, read by its kind: values, or why it can't be read. Pure; the same for the trial, the work and a repetition."""

from __future__ import annotations

import datetime as dt
import re
import unicodedata
from collections.abc import Mapping
from dataclasses import dataclass
from decimal import Decimal

from ledger.errors import Refusal
from ledger.imports.kinds import Field, Kind
from ledger.members import walk_ins
from ledger.redeeming import codes
from ledger.redeeming.code_pools import CODE_LONGEST, POOL_LONGEST
from ledger.redeeming.counter import CodeMistyped

WORD_LONGEST = 64
AMOUNT_MOST = 10**12
POINTS_MOST = 10**12
PIECES_MOST = 1_000_000
SKEW = dt.timedelta(minutes=5)

Cells = Mapping[str, str]
"""What a row says, by field."""


@dataclass(eq=False)
class CellMissing(Refusal):
    """The row says nothing under `field`."""

    kind: Kind
    field: Field


@dataclass(eq=False)
class CellUnreadable(Refusal):
    """What the row says under `field` is not of its kind; `said` is left out where it is a secret."""

    kind: Kind
    field: Field
    said: str


@dataclass(eq=False)
class CellTooLong(Refusal):
    """Under `field`, at most so many characters on one line."""

    kind: Kind
    field: Field
    longest: int


@dataclass(eq=False)
class PhoneWithin(Refusal):
    """A mobile number that is no customer number: of abroad, or among other signs. Kept as it stands it would be open to see."""


@dataclass(eq=False)
class NoRefundsHere(Refusal):
    """An amount or a number of pieces below zero: a refund, which goes another way."""


@dataclass(eq=False)
class RowInFuture(Refusal):
    """It says that it happens later than now."""

    at: dt.datetime


@dataclass(eq=False)
class RowTooOld(Refusal):
    """It says that it happened before `since`."""

    at: dt.datetime
    since: dt.datetime


@dataclass(eq=False)
class RowOver(Refusal):
    """What it brings would be over already, on `on`."""

    on: dt.date


@dataclass(frozen=True, slots=True)
class When:
    """What instants and dates of a file are read and judged by. `zone`: of those without an offset."""

    now: dt.datetime
    today: dt.date
    zone: dt.tzinfo
    since: dt.datetime


@dataclass(frozen=True, slots=True)
class PurchaseLine:
    """A line of a purchase: the lines of one document are one bill."""

    document: str
    customer: str
    occurred_at: dt.datetime
    amount_minor: int
    category: str | None
    item: str | None
    pieces: int


@dataclass(frozen=True, slots=True)
class MemberLine:
    """A customer of the merchant's."""

    customer: str


@dataclass(frozen=True, slots=True)
class BalanceLine:
    """What a customer held before; `expires_on` None: as the merchant's points live from today on."""

    customer: str
    points: int
    expires_on: dt.date | None


@dataclass(frozen=True, slots=True)
class CodeLine:
    """A partner code."""

    pool: str
    code: str
    valid_until: dt.date | None


@dataclass(frozen=True, slots=True)
class UsedLine:
    """A voucher that a till took, and when."""

    code: str
    used_at: dt.datetime


AnyLine = PurchaseLine | MemberLine | BalanceLine | CodeLine | UsedLine


def read(kind: Kind, cells: Cells, when: When) -> AnyLine:
    """What a row says.

    Raises:
        CellMissing → CellTooLong → PhoneWithin → CodeMistyped → CellUnreadable → NoRefundsHere → RowInFuture → RowTooOld → RowOver,
        field by field.
    """
    match kind:
        case "purchases":
            return purchase(cells, when)
        case "members":
            return MemberLine(_customer(kind, cells))
        case "balances":
            customer, points = _customer(kind, cells), _whole(kind, cells, "points", POINTS_MOST)
            return BalanceLine(customer, points, _last_day(kind, cells, "expires_on", when))
        case "codes":
            return CodeLine(
                _word(kind, cells, "pool", POOL_LONGEST), _secret(cells), _last_day(kind, cells, "valid_until", when)
            )
        case "used_vouchers":
            return used(cells, when)


def purchase(cells: Cells, when: When) -> PurchaseLine:
    """A line of a purchase, as `read` reads it."""
    kind: Kind = "purchases"
    document, customer = _word(kind, cells, "document"), _customer(kind, cells)
    occurred_at = _instant(kind, cells, "occurred_at", when.zone)
    if occurred_at > when.now + SKEW:
        raise RowInFuture(occurred_at)
    if occurred_at < when.since:
        raise RowTooOld(occurred_at, when.since)
    amount = _amount(kind, cells, "amount")
    pieces = _whole(kind, cells, "pieces", PIECES_MOST) if cells.get("pieces", "").strip() else 1
    return PurchaseLine(
        document, customer, occurred_at, amount, _maybe(kind, cells, "category"), _maybe(kind, cells, "item"), pieces
    )


def used(cells: Cells, when: When) -> UsedLine:
    """A voucher that a till took, as `read` reads it."""
    code = codes.read(_said("used_vouchers", cells, "code")[:CODE_LONGEST])
    if code is None:
        raise CodeMistyped
    used_at = _instant("used_vouchers", cells, "used_at", when.zone)
    if ":" not in _said(
        "used_vouchers", cells, "used_at"
    ):  # two tills may have taken it on one day: minutes tell them apart
        raise CellUnreadable("used_vouchers", "used_at", cells["used_at"][:WORD_LONGEST])
    if used_at > when.now + SKEW:
        raise RowInFuture(used_at)
    return UsedLine(code, used_at)


def _said(kind: Kind, cells: Cells, field: Field) -> str:
    said = unicodedata.normalize("NFKC", cells.get(field, "")).strip()
    if not said:
        raise CellMissing(kind, field)
    return said


def _word(kind: Kind, cells: Cells, field: Field, longest: int = WORD_LONGEST) -> str:
    said = _said(kind, cells, field)
    if len(said) > longest or not said.isprintable():
        raise CellTooLong(kind, field, longest)
    return said


def _customer(kind: Kind, cells: Cells) -> str:
    """A customer's number. A mainland phone alone is one: `customers` knows its owner by a keyed index."""
    said = _word(kind, cells, "customer")
    if walk_ins.read(said) is None and walk_ins.holds_phone(said):
        raise PhoneWithin
    return said


def _maybe(kind: Kind, cells: Cells, field: Field) -> str | None:
    return _word(kind, cells, field) if cells.get(field, "").strip() else None


def _secret(cells: Cells) -> str:
    """A code as it was given: its letters are not ours to change."""
    said = cells.get("code", "").strip()
    if not said:
        raise CellMissing("codes", "code")
    if len(said) > CODE_LONGEST or not said.isprintable():
        raise CellTooLong("codes", "code", CODE_LONGEST)
    return said


_NUMBER = re.compile(r"-?(\d{1,3}(,\d{3})+|\d{1,18})(\.\d{1,9})?")
_UNITS = "¥￥元£$€"


def _number(kind: Kind, cells: Cells, field: Field) -> Decimal:
    said = _said(kind, cells, field)
    bare = said.strip(_UNITS + " ")
    if not _NUMBER.fullmatch(bare) or not bare.isascii():
        raise CellUnreadable(kind, field, said[:WORD_LONGEST])
    found = Decimal(bare.replace(",", ""))
    if found < 0:
        raise NoRefundsHere
    return found


def _amount(kind: Kind, cells: Cells, field: Field) -> int:
    """Money in minor units, exactly."""
    minor = _number(kind, cells, field) * 100
    if minor != int(minor) or minor > AMOUNT_MOST:
        raise CellUnreadable(kind, field, cells[field][:WORD_LONGEST])
    return int(minor)


def _whole(kind: Kind, cells: Cells, field: Field, most: int) -> int:
    found = _number(kind, cells, field)
    if found != int(found) or not 1 <= found <= most:
        raise CellUnreadable(kind, field, cells[field][:WORD_LONGEST])
    return int(found)


_DAY = r"(\d{4})(?:[-/.年])(\d{1,2})(?:[-/.月])(\d{1,2})日?"
_INSTANT = re.compile(_DAY + r"(?:[T ]+(\d{1,2}):(\d{2})(?::(\d{2})(?:\.\d+)?)?\s*(Z|[+-]\d{2}:?\d{2})?)?")
NOON = dt.time(12)
"""Of a purchase that says its day alone."""


def _instant(kind: Kind, cells: Cells, field: Field, zone: dt.tzinfo) -> dt.datetime:
    said = _said(kind, cells, field)
    found = _INSTANT.fullmatch(said)
    try:
        if found is None:
            raise ValueError(said)
        year, month, day, hour, minute, second, offset = found.groups()
        time = NOON if hour is None else dt.time(int(hour), int(minute), int(second or 0))
        at = dt.datetime.combine(dt.date(int(year), int(month), int(day)), time, zone)
        if offset is not None:
            at = dt.datetime.fromisoformat(at.replace(tzinfo=None).isoformat() + offset)
        return at.astimezone(dt.UTC)
    except (ValueError, OverflowError):
        raise CellUnreadable(kind, field, said[:WORD_LONGEST]) from None


def _last_day(kind: Kind, cells: Cells, field: Field, when: When) -> dt.date | None:
    """A last day, today or later; None where nothing is said."""
    if not cells.get(field, "").strip():
        return None
    said = _said(kind, cells, field)
    found = re.fullmatch(_DAY + r"(?:[T ]+0{1,2}:00(?::00)?)?", said)
    try:
        if found is None:
            raise ValueError(said)
        day = dt.date(int(found[1]), int(found[2]), int(found[3]))
    except ValueError:
        raise CellUnreadable(kind, field, said[:WORD_LONGEST]) from None
    if day < when.today:
        raise RowOver(day)
    return day
