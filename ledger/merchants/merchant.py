"""Merchants: who they are and on what terms they issue and accept points."""

from __future__ import annotations

import calendar
import datetime as dt
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from importlib.resources import files
from typing import Annotated, Any, ClassVar, Literal, NamedTuple, Self

from pydantic import BaseModel, ConfigDict, Field, model_validator
from sqlalchemy import text
from sqlalchemy.ext.asyncio import AsyncConnection

from ledger.errors import Refusal
from ledger.points.reading import run


class _Document(BaseModel):
    model_config = ConfigDict(frozen=True, extra="forbid")


class MonthsToMonthEnd(_Document):
    """So many months, then to that month's last day: 12 from 18 November 2026 ends on 30 November 2027."""

    kind: Literal["months_to_month_end"] = "months_to_month_end"
    months: int = Field(default=12, ge=0, le=600)


class Years(_Document):
    """So many years, the anniversary included; 29 February ends on the 28th where a year has no 29th."""

    kind: Literal["years"] = "years"
    years: int = Field(ge=1, le=50)


class Never(_Document):
    """Points that do not expire."""

    kind: Literal["never"] = "never"


Life = Annotated[MonthsToMonthEnd | Years | Never, Field(discriminator="kind")]


class Terms(_Document):
    """A merchant's terms, stored as JSON with the merchant; lots keep what the terms said when they were earned."""

    currency: int = Field(default=1, description="id of the point currency that this merchant issues")
    life: Life = MonthsToMonthEnd()
    return_days: int = Field(
        default=7, ge=0, le=365, description="earned points are pending so long; 0: available at once"
    )
    accepts_common: bool = Field(default=True, description="whether the coalition's common points can be spent here")
    funds_welcome: bool = Field(default=False, description="whether the programme may issue welcome points in its name")
    transferable: bool = Field(default=True, description="whether its points may be given to others")
    instrument: bool = Field(
        default=False, description="a payment instrument, such as a bank's card: its points are for spending alone"
    )
    cashier_refund_minor: int = Field(
        default=0, ge=0, description="how much of a purchase a cashier may refund; above it a manager does"
    )

    @model_validator(mode="after")
    def _welcome_is_no_spending(self) -> Self:
        if self.instrument and self.funds_welcome:
            raise ValueError("what a payment instrument gives is for spending, not for joining")
        return self


def expires_on(terms: Terms, available_on: dt.date) -> dt.date | None:
    """The last good day of a lot that becomes available on `available_on`; None: it never expires."""
    return life_ends(terms.life, available_on)


def life_ends(life: MonthsToMonthEnd | Years | Never, available_on: dt.date) -> dt.date | None:
    """The last good day of points that live so long from `available_on`; None: they never expire."""
    match life.kind:
        case "never":
            return None
        case "years":
            year = available_on.year + life.years
            last = calendar.monthrange(year, available_on.month)[1]
            return available_on.replace(year=year, day=min(available_on.day, last))
        case "months_to_month_end":
            year, month = divmod(available_on.year * 12 + available_on.month + life.months, 12)
            return dt.date(year, month + 1, 1) - dt.timedelta(days=1)


def available_on(terms: Terms, bought_on: dt.date) -> dt.date:
    """The first day on which points of a purchase may be spent: the day after its return window's last day.

    A window of 7 days from 11 November covers the 11th to the 17th; the points are available on the 18th.
    """
    return bought_on + dt.timedelta(days=terms.return_days)


@dataclass(eq=False)
class NoSuchMerchant(Refusal):
    """Nobody here goes by that id or code."""

    merchant: str


@dataclass(eq=False)
class MerchantMayNotIssue(Refusal):
    """Only a certified merchant issues points; `status` says what it is instead."""

    merchant_id: int
    name_zh: str
    name_en: str
    status: str
    may_succeed_later: ClassVar[bool] = True


@dataclass(eq=False)
class SpendingNeeded(Refusal):
    """A payment instrument's points are for spending alone: nothing is given for opening a card, or without a purchase."""

    merchant_id: int
    name_zh: str
    name_en: str


def status_on(status: str, certified_until: dt.date | None, today: dt.date) -> str:
    """A status as it counts today: past the end of a certificate it is the suspension that the night will write down."""
    ended = status == "certified" and certified_until is not None and certified_until < today
    return "suspended" if ended else status


@dataclass(frozen=True, slots=True)
class Merchant:
    """A merchant with its terms. `money` is the currency code of its prices, `certified_until` the last day of the certificate
    that ends first (None: it has none)."""

    id: int
    code: str
    name_zh: str
    name_en: str
    category: str
    region: str | None
    money: str
    status: str
    terms: Terms
    certified_until: dt.date | None = None

    def status_on(self, today: dt.date) -> str:
        """Its status, a certificate that has ended meanwhile included."""
        return status_on(self.status, self.certified_until, today)

    @property
    def serves(self) -> bool:
        """Whether it hands things over: a suspended one does, a closed one does not."""
        return self.status in ("certified", "suspended")

    def must_issue(self, today: dt.date) -> None:
        """`MerchantMayNotIssue` unless it is certified."""
        if (status := self.status_on(today)) != "certified":
            raise MerchantMayNotIssue(self.id, self.name_zh, self.name_en, status)

    def must_grant(self, today: dt.date) -> None:
        """`MerchantMayNotIssue` → `SpendingNeeded`, unless it may give points without a purchase."""
        self.must_issue(today)
        if self.terms.instrument:
            raise SpendingNeeded(self.id, self.name_zh, self.name_en)


CERTIFIED_FUNCTION = (files("ledger.merchants") / "sql" / "certified_until.sql").read_text("utf-8")
"""The SQL that creates `certified_until`."""

_COLUMNS = (
    "SELECT id, code, name_zh, name_en, category, region, money, status, terms, certified_until(id) AS certified_until"
    " FROM merchant"
)
_ALL = text(f"{_COLUMNS} ORDER BY id")
_NAMES = text("SELECT id, name_zh, name_en, status FROM merchant ORDER BY id")
_BY_IDS = f"{_COLUMNS} WHERE id = ANY ($1::bigint[])"
_BY_CODE = text(f"{_COLUMNS} WHERE code = :code")
_CREATE = text(
    "INSERT INTO merchant (code, name_zh, name_en, category, region, money, status, terms)"
    " VALUES (:code, :name_zh, :name_en, :category, :region, :money, :status, CAST(:terms AS jsonb)) RETURNING id"
)


def _merchant(row: Sequence[Any]) -> Merchant:
    id_, code, name_zh, name_en, category, region, money, status, terms, until = row
    return Merchant(id_, code, name_zh, name_en, category, region, money, status, Terms.model_validate(terms), until)


class Named(NamedTuple):
    """What screens need of a merchant to speak of it."""

    id: int
    name_zh: str
    name_en: str
    status: str


async def names(tx: AsyncConnection) -> dict[int, Named]:
    """Every merchant's name by id, without its terms."""
    return {row.id: Named(*row) for row in await tx.execute(_NAMES)}


async def everyone(tx: AsyncConnection) -> list[Merchant]:
    """Every merchant, oldest first."""
    return [_merchant(row) for row in await tx.execute(_ALL)]


async def by_ids(tx: AsyncConnection, ids: Iterable[int]) -> dict[int, Merchant]:
    """The merchants of these ids; unknown ids are left out."""
    wanted = sorted(set(ids))
    if not wanted:
        return {}
    return {row[0]: _merchant(row) for row in await run(tx, _BY_IDS, wanted)}


async def by_id(tx: AsyncConnection, merchant_id: int) -> Merchant:
    """One merchant, or `NoSuchMerchant`."""
    found = await by_ids(tx, [merchant_id])
    if merchant_id not in found:
        raise NoSuchMerchant(str(merchant_id))
    return found[merchant_id]


async def by_code(tx: AsyncConnection, code: str) -> Merchant:
    """The merchant of this code, or `NoSuchMerchant`."""
    row = (await tx.execute(_BY_CODE, {"code": code})).first()
    if row is None:
        raise NoSuchMerchant(code)
    return _merchant(row)


async def create(
    tx: AsyncConnection,
    *,
    code: str,
    name_zh: str,
    name_en: str,
    category: str,
    terms: Terms,
    region: str | None = None,
    money: str = "CNY",
    status: str = "certified",
) -> Merchant:
    """A new merchant. An existing code is an `IntegrityError`: whoever creates looks first."""
    facts = {"code": code, "name_zh": name_zh, "name_en": name_en, "category": category, "region": region}
    facts |= {"money": money, "status": status}
    made = await tx.scalar(_CREATE, {**facts, "terms": terms.model_dump_json()})
    return Merchant(made, code, name_zh, name_en, category, region, money, status, terms)
