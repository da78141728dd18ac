"""From what happened to the lines of a week: a pure function, so that any past week can be derived again.

A correction moves what is left of the line it corrects, at that line's own prices and split: after so many of its points were
returned, so much of each of its amounts is taken back, rounded down over all returns so far; after a dispute was upheld, all of it.
"""

from __future__ import annotations

import datetime as dt
from collections.abc import Iterable
from dataclasses import dataclass, field
from typing import Literal, NamedTuple

from ledger.clearing.prices import Amounts, Prices, priced

Kind = Literal["redemption", "return", "dispute"]
_ORDER: dict[Kind, int] = {"redemption": 0, "return": 1, "dispute": 2}


class Place(NamedTuple):
    """Where a line stands: its week's Monday, and its number there, from 1."""

    week: dt.date
    number: int


@dataclass(frozen=True, slots=True, kw_only=True)
class Line:
    """One line of a week. Amounts are signed: positive as in a redemption."""

    place: Place
    kind: Kind
    day: dt.date
    entry_id: int
    redemption_id: int | None
    dispute_id: int | None = None
    issuer_id: int
    redeemer_id: int
    currency_id: int
    points: int
    money: str
    amounts: Amounts
    corrects: Place | None = None

    @property
    def operator_minor(self) -> int:
        """What remains with the operator: so the line sums to zero."""
        return self.amounts.issuer_minor - self.amounts.redeemer_minor + self.amounts.fee_minor

    def net_minor(self, merchant_id: int) -> int:
        """What this line brings a merchant (positive) or costs it."""
        pays = self.amounts.issuer_minor if merchant_id == self.issuer_id else 0
        gets = self.amounts.redeemer_minor - self.amounts.fee_minor if merchant_id == self.redeemer_id else 0
        return gets - pays


@dataclass(frozen=True, slots=True)
class Event:
    """A redemption, or the return of one (`undoes`: the burn's entry). `parts`: (issuer, points), ascending, points positive."""

    kind: Literal["redemption", "return"]
    day: dt.date
    entry_id: int
    redemption_id: int | None
    undoes: int | None
    redeemer_id: int
    currency_id: int
    parts: tuple[tuple[int, int], ...]


@dataclass(frozen=True, slots=True)
class Upheld:
    """A dispute that the operator upheld, and the line it is about."""

    dispute_id: int
    day: dt.date
    of: Place


@dataclass(slots=True)
class Standing:
    """A redemption's line, and what its corrections have left of it."""

    line: Line
    points: int
    amounts: Amounts
    upheld: bool = False

    @classmethod
    def fresh(cls, line: Line) -> Standing:
        """As it was derived."""
        return cls(line, line.points, line.amounts)

    def correct(self, *, returned: int = 0, upheld: bool = False) -> Amounts:
        """What must move so that the line stands as it should after this; remembers it."""
        self.points -= returned
        self.upheld = self.upheld or upheld
        gone = self.line.points - self.points
        wanted = (
            Amounts()
            if self.upheld
            else Amounts(*(minor - minor * gone // self.line.points for minor in self.line.amounts))
        )
        moved = Amounts(*(after - before for after, before in zip(wanted, self.amounts, strict=True)))
        self.amounts = wanted
        return moved


@dataclass(slots=True)
class _Week:
    week: dt.date
    prices: Prices
    standing: dict[tuple[int, int], Standing]
    by_place: dict[Place, Standing]
    lines: list[Line] = field(default_factory=list)

    def next(self) -> Place:
        return Place(self.week, len(self.lines) + 1)


def derive(
    week: dt.date, events: Iterable[Event], upheld: Iterable[Upheld], prices: Prices, earlier: Iterable[Standing]
) -> list[Line]:
    """The lines of a week, in the order of its events: by day, redemptions before returns before disputes, then by their ids.

    Args:
        earlier: the lines of earlier weeks that this week's events correct, as they stand after those weeks.
    A return whose redemption has no line yet is left out: both are late, and later weeks count them.
    """
    now = _Week(week, prices, {}, {})
    for each in earlier:
        now.standing[each.line.entry_id, each.line.issuer_id] = each
        now.by_place[each.line.place] = each
    order: list[tuple[tuple[dt.date, int, int], Event | Upheld]] = [
        *(((e.day, _ORDER[e.kind], e.entry_id), e) for e in events),
        *(((u.day, _ORDER["dispute"], u.dispute_id), u) for u in upheld),
    ]
    for _, event in sorted(order, key=lambda one: one[0]):
        match event:
            case Upheld():
                _dispute(now, event)
            case Event(kind="redemption"):
                _redemption(now, event)
            case Event():
                _return(now, event)
    return now.lines


def _redemption(now: _Week, event: Event) -> None:
    found = priced(event.parts, event.redeemer_id, event.currency_id, now.prices)
    for (issuer, points), amounts in zip(event.parts, found, strict=True):
        line = Line(
            place=now.next(),
            kind="redemption",
            day=event.day,
            entry_id=event.entry_id,
            redemption_id=event.redemption_id,
            issuer_id=issuer,
            redeemer_id=event.redeemer_id,
            currency_id=event.currency_id,
            points=points,
            money=now.prices.values[event.currency_id].money,
            amounts=amounts,
        )
        now.lines.append(line)
        now.standing[event.entry_id, issuer] = now.by_place[line.place] = Standing.fresh(line)


def _return(now: _Week, event: Event) -> None:
    for issuer, points in event.parts:
        of = now.standing.get((event.undoes or 0, issuer))
        if of is not None:
            moved = of.correct(returned=points)
            now.lines.append(_correction(now, of, "return", event.day, event.entry_id, -points, moved))


def _dispute(now: _Week, upheld: Upheld) -> None:
    of = now.by_place[upheld.of]
    moved = of.correct(upheld=True)
    made = _correction(now, of, "dispute", upheld.day, of.line.entry_id, 0, moved, upheld.dispute_id)
    now.lines.append(made)


def _correction(
    now: _Week,
    of: Standing,
    kind: Kind,
    day: dt.date,
    entry_id: int,
    points: int,
    amounts: Amounts,
    dispute_id: int | None = None,
) -> Line:
    return Line(
        place=now.next(),
        kind=kind,
        day=day,
        entry_id=entry_id,
        redemption_id=of.line.redemption_id,
        dispute_id=dispute_id,
        issuer_id=of.line.issuer_id,
        redeemer_id=of.line.redeemer_id,
        currency_id=of.line.currency_id,
        points=points,
        money=of.line.money,
        amounts=amounts,
        corrects=of.line.place,
    )
