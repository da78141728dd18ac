"""A merchant's own points become the coalition's common ones, at the published unit values and never above them (R10)."""

from __future__ import annotations

import datetime as dt
import math
from dataclasses import dataclass
from typing import ClassVar

from sqlalchemy.ext.asyncio import AsyncConnection

from ledger.errors import Refusal
from ledger.members import business
from ledger.members.member import Member
from ledger.merchants.merchant import MonthsToMonthEnd, life_ends
from ledger.points import engine, statements
from ledger.points.commands import Exchange, Moment, NotEnoughPoints, Receipt, UnitValue, member
from ledger.points.statements import Currency, LotPart
from ledger.redeeming.offers import Names


@dataclass(eq=False)
class NotExchangeable(Refusal):
    """Only a merchant's own currency becomes common points, and only where both have a value in the same money."""

    currency_id: int


@dataclass(eq=False)
class TooFewToExchange(Refusal):
    """Fewer points than make one common point."""

    points: int
    least: int
    currency: Names


@dataclass(eq=False)
class NotEnoughToExchange(NotEnoughPoints):
    """The engine's refusal, foreseen, with the name of the currency."""

    currency: Names
    may_succeed_later: ClassVar[bool] = True


@dataclass(frozen=True, slots=True)
class Rate:
    """`points` of `source` make `result` of `target`, exactly; smaller parts would be lost to rounding."""

    source: Currency
    target: Currency
    points: int
    result: int

    def whole(self, points: int) -> int:
        """The largest part of `points` that exchanges without loss."""
        return points // self.points * self.points

    def gives(self, points: int) -> int:
        """What `points` become, rounded down once."""
        return points * self.result // self.points

    def must_make_one(self, points: int) -> None:
        """`TooFewToExchange` where `points` are less than the smallest exact exchange."""
        if points < self.points:
            raise TooFewToExchange(points, self.points, _named(self.source))


@dataclass(frozen=True, slots=True)
class Preview:
    """What an exchange would do: the lots that go, each with the last day of what it becomes."""

    rate: Rate
    points: int
    result: int
    lots: tuple[tuple[LotPart, dt.date | None], ...]
    left: int


def rate(source: Currency, target: Currency) -> Rate:
    """The smallest exact exchange of two currencies. `NotExchangeable` where they have none."""
    if source.issuer_id is None or target.issuer_id is not None or source.money != target.money:
        raise NotExchangeable(source.id)
    give, take = source.value_minor * target.value_points, target.value_minor * source.value_points
    if not give or not take:
        raise NotExchangeable(source.id)
    common = math.gcd(give, take)
    return Rate(source, target, take // common, give // common)


def _named(currency: Currency) -> Names:
    return Names(zh=currency.name_zh, en=currency.name_en)


def exchanged_life(today: dt.date, months: int) -> dt.date | None:
    """The last day of common points that are made today; a lot that ends earlier keeps its own."""
    return life_ends(MonthsToMonthEnd(months=months), today)


def _earlier(one: dt.date | None, other: dt.date | None) -> dt.date | None:
    """The earlier of two last days; None is never."""
    return min((day for day in (one, other) if day is not None), default=None)


async def preview(
    tx: AsyncConnection, who: Member, rated: Rate, points: int, *, today: dt.date, life_months: int
) -> Preview:
    """What exchanging `points` would do now. `TooFewToExchange` → `NotEnoughToExchange`."""
    rated.must_make_one(points)
    try:
        lots = await statements.would_burn(tx, who.owner, rated.source.id, points, today=today)
    except NotEnoughPoints as no:
        raise NotEnoughToExchange(**no.facts, currency=_named(rated.source)) from no
    ends = exchanged_life(today, life_months)
    held = await statements.wallet(tx, who.owner, today=today)
    left = next(h.available for h in held if h.currency.id == rated.source.id) - points
    parts = tuple((lot, _earlier(lot.expires_on, ends)) for lot in lots)
    return Preview(rated, points, rated.gives(points), parts, left)


async def exchange(
    tx: AsyncConnection, who: Member, rated: Rate, points: int, *, nonce: str, life_months: int, at: Moment, actor: str
) -> Receipt:
    """Exchange `points` into common ones; the same nonce gives the same receipt. `CompanyRoleTooLow` for who only looks."""
    business.must_buy(who)
    rated.must_make_one(points)
    source, target = rated.source, rated.target
    return await engine.post(
        tx,
        Exchange(
            key=f"exchange:{who.id}:{nonce}",
            owner=member(who.id),
            currency=source.id,
            at=at,
            actor=actor,
            to_currency=target.id,
            points=points,
            value=UnitValue(source.value_minor, source.value_points, source.money),
            to_value=UnitValue(target.value_minor, target.value_points, target.money),
            expires_on=exchanged_life(at.today, life_months),
        ),
    )
