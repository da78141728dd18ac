"""What tests of bookings share: an hourly washing, one member's booking of it and everything that can come to it, and the one story
that places, points and pieces tell afterwards (`story`).
"""

from __future__ import annotations

import asyncio
import datetime as dt
import itertools
from collections.abc import Awaitable, Callable
from dataclasses import dataclass
from typing import Any
from zoneinfo import ZoneInfo

from sqlalchemy import text
from sqlalchemy.ext.asyncio import AsyncConnection

from ledger.errors import Refusal
from ledger.members.member import Member
from ledger.merchants import outlets, staff
from ledger.merchants.outlets import Outlet
from ledger.merchants.staff import Staff
from ledger.points.audit import audit
from ledger.points.commands import Moment
from ledger.redeeming import (
    bookings,
    closures,
    counter,
    redemptions,
    shelf,
)  # fmt: skip
from ledger.redeeming.booking import Booking, Hours
from ledger.redeeming.lapses import lapse, missed
from ledger.redeeming.offers import Limits, Offer
from ledger.redeeming.redemptions import Redeemed
from tests.ledger.redeeming.stage import NOW, TODAY, Stage, at, offer, per_unit

ZONE = ZoneInfo("Asia/Shanghai")
TOMORROW = TODAY + dt.timedelta(days=1)
_numbers = itertools.count(1)


def rule(**more: Any) -> Booking:
    """Hourly from 9 to 12, one at once, today and three days more, changed until two hours before."""
    hours = Hours(weekdays=(1, 2, 3, 4, 5, 6, 7), open=dt.time(9), close=dt.time(12))
    given = {"slot_minutes": 60, "hours": (hours,), "days_ahead": 3, "cut_off_hours": 2, **more}
    return Booking(**given)


def wash(code: str = "", **more: Any) -> Offer:
    booking = more.pop("booking", rule())
    code = code or f"wash-{next(_numbers)}"
    return offer(code, "洗衣", "Wash", "market", per_unit(300), kind="service", booking=booking, **more)


def on(day: int, hour: int, minute: int = 0) -> dt.datetime:
    """An instant so many days after today, by the clock in Shanghai."""
    return dt.datetime.combine(TODAY + dt.timedelta(days=day), dt.time(hour, minute), ZONE)


def when(day: int, hour: int, minute: int = 0) -> Moment:
    """The same as a moment."""
    return Moment(on(day, hour, minute).astimezone(dt.UTC), TODAY + dt.timedelta(days=day))


async def two_outlets(stage: Stage) -> tuple[Outlet, Outlet]:
    """Two outlets of the market, opened for whoever asks."""
    owner = await manager_of(stage, role="owner")
    async with stage.engine.begin() as tx:
        made = [
            await outlets.open_outlet(tx, by=owner, name=f"{side}店{next(_numbers)}", now=NOW)
            for side in ("江北", "江南")
        ]
    return made[0], made[1]


TEN = on(1, 10)
"""Tomorrow at ten: what is booked here unless said otherwise."""


async def hold(stage: Stage, who: Member, offer_id: int, starts: dt.datetime = TEN, now: Moment | None = None) -> None:
    async with stage.engine.begin() as tx:
        await bookings.hold(tx, who, offer_id, starts, at=now or at())


async def race(*tries: Awaitable[object]) -> list[object]:
    """What each of several comes to that are tried at once: its answer, or what it raised."""
    return list(await asyncio.gather(*tries, return_exceptions=True))


async def places(stage: Stage, offer_id: int) -> list[tuple[str, int, str]]:
    """What the diary of an offer has: hour, place and state."""
    async with stage.engine.begin() as tx:
        rows = await tx.execute(
            text("SELECT starts_at, place, state FROM booking WHERE offer_id = :id ORDER BY starts_at, id"),
            {"id": offer_id},
        )
        return [(f"{row.starts_at.astimezone(ZONE):%d %H:%M}", row.place, row.state) for row in rows]


async def story(stage: Stage, offer_id: int) -> None:
    """Books are whole, and each booking says what its voucher says; no slot has more than its offer lets in."""
    async with stage.engine.begin() as tx:
        assert (await audit(tx)).violations == ()
        rows = await tx.execute(
            text(
                "SELECT r.state, b.state AS booking, r.valid_until = b.day AS same_day, r.points, r.units FROM redemption r"
                " LEFT JOIN booking b ON b.redemption_id = r.id WHERE r.offer_id = :id"
            ),
            {"id": offer_id},
        )
        goes_with = {"issued": "booked", "used": "attended", "taken_back": "freed", "expired": "missed"}
        for row in rows:
            assert row.booking == goes_with[row.state] and row.same_day
        out = await tx.scalar(
            text("SELECT count(*) FROM redemption WHERE offer_id = :id AND state IN ('issued', 'used')"),
            {"id": offer_id},
        )
        taken = await tx.scalar(
            text("SELECT taken FROM offer_stock WHERE offer_id = :id AND day = '0001-01-01'"), {"id": offer_id}
        )
        assert taken is None or taken == out
        most = await tx.scalar(
            text(
                "SELECT coalesce(max(n), 0) FROM (SELECT count(*) AS n FROM booking a JOIN booking b ON a.offer_id = b.offer_id"
                " AND b.starts_at <= a.starts_at AND a.starts_at < b.ends_at AND b.state <> 'freed'"
                " WHERE a.offer_id = :id AND a.state <> 'freed' GROUP BY a.id) n"
            ),
            {"id": offer_id},
        )
        listed = await shelf.one(tx, offer_id)
        assert listed.offer.booking is None or most <= listed.offer.booking.at_once


@dataclass
class Case:
    """One washing for 300 points, held or booked for tomorrow at ten, by somebody who had 500; its counter and its manager."""

    stage: Stage
    who: Member
    till: Staff
    manager: Staff
    offer_id: int
    done: Redeemed | None = None

    @property
    def id(self) -> int:
        return self.done.redemption.id if self.done else 0

    async def run(self, event: Event, now: Moment) -> str:
        """What an event comes to: done, or the refusal's name."""
        try:
            async with self.stage.engine.begin() as tx:
                answer = await event(self, tx, now)
        except Refusal as no:
            return type(no).__name__
        return type(answer).__name__ if isinstance(answer, Refusal) else "done"


Event = Callable[[Case, AsyncConnection, Moment], Awaitable[object]]


async def manager_of(stage: Stage, merchant: str = "market", role: str = "manager") -> Staff:
    async with stage.engine.begin() as tx:
        who = await tx.scalar(text("INSERT INTO member (status) VALUES ('active') RETURNING id"))
        return await staff.add(
            tx,
            merchant_id=stage.merchants[merchant].id,
            member_id=who or 0,
            role=role,
            label="店长",
            by="test",
            now=NOW,
        )


async def a_case(stage: Stage, *, booked: bool, document: Offer | None = None) -> Case:
    [offer_id] = await stage.publish(document or wash(limits=Limits(stock=9)))
    case = Case(stage, await stage.member((500, "-")), await stage.staff("market"), await manager_of(stage), offer_id)
    await hold(stage, case.who, offer_id)
    if booked:
        case.done = await stage.redeem(case.who, offer_id, nonce="first", slot=TEN)
    return case


async def confirm(case: Case, tx: AsyncConnection, now: Moment) -> object:
    return await case.stage.redeem_in(tx, case.who, case.offer_id, nonce="first", when=now, slot=TEN)


async def leave(case: Case, tx: AsyncConnection, now: Moment) -> object:
    return await bookings.let_go(tx, case.who.id, case.offer_id)


async def move(case: Case, tx: AsyncConnection, now: Moment) -> object:
    return await bookings.move(tx, case.who, case.id, on(2, 9), at=now)


async def undo(case: Case, tx: AsyncConnection, now: Moment) -> object:
    return await redemptions.undo(tx, case.who.id, case.id, grace_days=30, at=now, actor="test")


async def use(case: Case, tx: AsyncConnection, now: Moment) -> object:
    assert case.done is not None
    return await counter.use(tx, case.till, case.done.code, vault=case.stage.vault, at=now)


async def no_show(case: Case, tx: AsyncConnection, now: Moment) -> object:
    return await missed(tx, at=now, grace_days=30)


async def night(case: Case, tx: AsyncConnection, now: Moment) -> object:
    return await lapse(tx, at=now, grace_days=30)


async def close(case: Case, tx: AsyncConnection, now: Moment) -> object:
    return await closures.close(tx, case.manager, TOMORROW, seen=1, grace_days=30, at=now)


async def sweep(case: Case, tx: AsyncConnection, now: Moment) -> object:
    return await bookings.prune(tx, at=now)
