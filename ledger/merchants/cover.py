"""Headroom: points are issued against their issuer's cover, and never beyond it (C2).

The cover is one row, and a hundred tills may issue at once. So each process takes a *slice* of what is free, in a short
transaction of its own, and issues against that in memory: purchases touch no shared row. Slices shrink with what is free; where
the rest is too small to be sliced, headroom is taken from the row itself in the purchase's transaction, to the last fen. What of a
slice is left goes back when the next one is taken; what a process that ended had in hand lapses: `guarantee.count` gives it back.

    row    reserved ≥ cost of what is outstanding, reserved ≤ float + limit when something is taken
    slice  part of `reserved` from the moment it is taken; what was issued against it stays there until the next count

Lock order: cover rows, by merchant, before any account. A slice is never waited for: where another holds the row at that moment,
the purchase takes its headroom itself.
"""

from __future__ import annotations

import asyncio
import datetime as dt
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any, ClassVar, NamedTuple

from sqlalchemy import text
from sqlalchemy.ext.asyncio import AsyncConnection, AsyncEngine

from ledger.errors import Refusal
from ledger.merchants.guarantee import SLICE_SECONDS
from ledger.merchants.merchant import Merchant
from ledger.points.commands import Moment

SHARES = 8
"""A slice is at most this part of what is free."""
AHEAD = 64
"""And at most so many times what is asked for now."""


@dataclass(eq=False)
class CoverExhausted(Refusal):
    """The issuer's cover is used up: it issues again when something is paid in, or its points are used.

    `kept`: it was a purchase, of which a record is kept so that it can be booked then (`earning.declined`).
    """

    merchant_id: int
    name_zh: str
    name_en: str
    kept: bool = False
    may_succeed_later: ClassVar[bool] = True


def exhausted(merchant: Merchant) -> CoverExhausted:
    """The refusal, for the till of this merchant."""
    return CoverExhausted(merchant.id, merchant.name_zh, merchant.name_en)


class Asked(NamedTuple):
    """So many points that a merchant is to issue in its own currency."""

    merchant_id: int
    points: int


class Rate(NamedTuple):
    """What points cost their issuer: `minor` ÷ `points` each."""

    minor: int
    points: int

    def cost(self, points: int) -> int:
        """In minor units, rounded up: the reserve is never too small."""
        return -(-points * self.minor // self.points)


@dataclass(slots=True)
class Slice:
    """What this process may still issue for one merchant. `until` by the clock of whoever asks."""

    id: int
    left: int
    until: dt.datetime
    rate: Rate


@dataclass(slots=True)
class Taken:
    """Which of those asked are covered, in their order. Whoever rolls the transaction back says `undo`; forgetting it costs
    headroom for some minutes only."""

    covered: tuple[bool, ...]
    from_slices: list[tuple[Slice, int]] = field(default_factory=list)

    def undo(self) -> None:
        """Nothing was issued after all."""
        for slice_, minor in self.from_slices:
            slice_.left += minor
        self.from_slices.clear()


_RATE = """
    (SELECT u.value_minor::bigint * coalesce((SELECT (document ->> 'issue_price_bp')::integer FROM programme WHERE one = 1), 10000)
     FROM currency u WHERE u.id = (m.terms ->> 'currency')::smallint) AS rate_minor,
    (SELECT u.value_points::bigint * 10000 FROM currency u WHERE u.id = (m.terms ->> 'currency')::smallint) AS rate_points
"""
_ROWS = f"""
    SELECT c.merchant_id, c.float_minor + c.limit_minor - c.reserved_minor AS free, {_RATE}
    FROM cover c JOIN merchant m ON m.id = c.merchant_id WHERE c.merchant_id = ANY (:ids)
    ORDER BY c.merchant_id FOR NO KEY UPDATE OF c
"""
_LOCKED = text(_ROWS)
_FREE_NOW = text(f"{_ROWS} SKIP LOCKED")
_COVERED = text("SELECT merchant_id FROM cover WHERE merchant_id = ANY (:ids)")
_RESERVE = text("UPDATE cover SET reserved_minor = reserved_minor + :minor WHERE merchant_id = :id")
_CLOSE = text(
    "UPDATE cover_slice SET granted_minor = granted_minor - :unused, until = :now WHERE id = :id RETURNING id"
)
_SLICE = text(
    "INSERT INTO cover_slice (merchant_id, holder, granted_minor, until) VALUES (:id, :holder, :minor, :until) RETURNING id"
)


async def admit(tx: AsyncConnection, asked: Sequence[Asked], slices: Slices | None, at: Moment) -> Taken:
    """Take headroom for each of `asked`, in their order, whole or not at all; before any account is locked.

    Args:
        slices: this process's; None takes from the row itself, in `tx`, whose rollback gives it back.
    """
    totals: dict[int, int] = {}
    for one in asked:
        if one.points > 0:
            totals[one.merchant_id] = totals.get(one.merchant_id, 0) + one.points
    if slices is not None:
        await slices.prepare(totals, at)
    taken = [one.points <= 0 for one in asked]
    from_slices: list[tuple[Slice, int]] = []
    exact: list[int] = []
    for number, one in enumerate(asked):
        if taken[number]:
            continue
        if slices is not None and slices.issues_freely(one.merchant_id, at):
            taken[number] = True
        elif slices is not None and (part := slices.take(one, at)) is not None:
            from_slices.append(part)
            taken[number] = True
        else:
            exact.append(number)
    if exact:
        for number, covered in zip(exact, await _exactly(tx, [asked[i] for i in exact]), strict=True):
            taken[number] = covered
    return Taken(tuple(taken), from_slices)


async def demand(tx: AsyncConnection, merchant: Merchant, points: int, slices: Slices | None, at: Moment) -> Taken:
    """The same for one: `CoverExhausted` where it is not covered."""
    taken = await admit(tx, [Asked(merchant.id, points)], slices, at)
    if not taken.covered[0]:
        raise exhausted(merchant)
    return taken


async def _exactly(tx: AsyncConnection, asked: Sequence[Asked]) -> list[bool]:
    rows = await tx.execute(_LOCKED, {"ids": sorted({one.merchant_id for one in asked})})
    free: dict[int, tuple[int, Rate]] = {
        row.merchant_id: (row.free, Rate(row.rate_minor, row.rate_points)) for row in rows
    }
    reserved: dict[int, int] = {}
    found = []
    for one in asked:
        if one.merchant_id not in free:
            found.append(True)  # no cover, no limit
            continue
        room, rate = free[one.merchant_id]
        so_far, cost = reserved.get(one.merchant_id, 0), rate.cost(one.points)
        fits = so_far + cost <= room
        if fits:
            reserved[one.merchant_id] = so_far + cost
        found.append(fits)
    for merchant_id, minor in sorted(reserved.items()):
        await tx.execute(_RESERVE, {"id": merchant_id, "minor": minor})
    return found


class Slices:
    """The slices of one process, by merchant; `holder` names it."""

    def __init__(self, engine: AsyncEngine, holder: str) -> None:
        self._engine = engine
        self._holder = holder
        self._held: dict[int, Slice] = {}
        self._free_until: dict[int, dt.datetime] = {}
        self._preparing = asyncio.Lock()

    def issues_freely(self, merchant_id: int, at: Moment) -> bool:
        """Whether it had no cover when last looked, within a minute."""
        until = self._free_until.get(merchant_id)
        return until is not None and at.now < until

    def take(self, asked: Asked, at: Moment) -> tuple[Slice, int] | None:
        """Headroom from the slice in hand, in memory alone; None where that does not reach."""
        held = self._held.get(asked.merchant_id)
        if held is None or at.now >= held.until:
            return None
        cost = held.rate.cost(asked.points)
        if cost > held.left:
            return None
        held.left -= cost
        return held, cost

    def _lacks(self, totals: Mapping[int, int], at: Moment) -> list[int]:
        lacking = []
        for merchant_id, points in totals.items():
            held = self._held.get(merchant_id)
            reaches = held is not None and at.now < held.until and held.rate.cost(points) <= held.left
            if not reaches and not self.issues_freely(merchant_id, at):
                lacking.append(merchant_id)
        return sorted(lacking)

    async def prepare(self, totals: Mapping[int, int], at: Moment) -> None:
        """See to it that the slices in hand reach for so many points of each merchant, where there is enough to be sliced."""
        if not self._lacks(totals, at):
            return
        async with self._preparing:
            lacking = self._lacks(totals, at)
            if not lacking:
                return
            async with self._engine.begin() as own:
                rows = (await own.execute(_FREE_NOW, {"ids": lacking})).all()
                fresh = [
                    (row.merchant_id, await self._exchanged(own, row, totals[row.merchant_id], at)) for row in rows
                ]
                covered = set(await own.scalars(_COVERED, {"ids": lacking}))
            for merchant_id, slice_ in fresh:
                if slice_ is None:
                    self._held.pop(merchant_id, None)
                else:
                    self._held[merchant_id] = slice_
            until = at.now + dt.timedelta(seconds=SLICE_SECONDS)
            self._free_until.update((each, until) for each in lacking if each not in covered)

    async def _exchanged(self, own: AsyncConnection, row: Any, points: int, at: Moment) -> Slice | None:
        """Give the rest of the old slice back, take a new one; None where what is free is better taken from the row."""
        merchant_id, free, rate = row.merchant_id, row.free, Rate(row.rate_minor, row.rate_points)
        returned = await self._returned(own, merchant_id, at)
        free += returned
        wanted = rate.cost(points)
        minor = min(free // SHARES, wanted * AHEAD)
        if minor < wanted:
            minor = 0
        if minor != returned:
            await own.execute(_RESERVE, {"id": merchant_id, "minor": minor - returned})
        if not minor:
            return None
        until = at.now + dt.timedelta(seconds=SLICE_SECONDS)
        facts = {"id": merchant_id, "holder": self._holder, "minor": minor, "until": until}
        return Slice(await own.scalar(_SLICE, facts) or 0, minor, until, rate)

    async def _returned(self, own: AsyncConnection, merchant_id: int, at: Moment) -> int:
        """Close the slice in hand; what of it nobody took. One that has run out is left: the count may be forgetting it now."""
        held = self._held.pop(merchant_id, None)
        if held is None or at.now >= held.until:
            return 0
        unused, held.left = held.left, 0
        closed = await own.scalar(_CLOSE, {"id": held.id, "unused": unused, "now": at.now})
        return unused if closed is not None else 0

    async def give_up(self, at: Moment) -> None:
        """Return everything, in an orderly end."""
        async with self._preparing, self._engine.begin() as own:
            for merchant_id in sorted(self._held):
                await own.execute(_LOCKED, {"ids": [merchant_id]})
                if returned := await self._returned(own, merchant_id, at):
                    await own.execute(_RESERVE, {"id": merchant_id, "minor": -returned})
