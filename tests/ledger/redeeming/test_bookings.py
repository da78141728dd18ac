"""Bookings on the real database: every state beside every event, two after the last place, holds, moves, closed days, no-shows.

After every cell and every race places, points and pieces tell one story (`story`).
"""

from __future__ import annotations

import asyncio
import datetime as dt
import itertools
from collections.abc import Awaitable, Callable
from dataclasses import dataclass
from typing import Any
from zoneinfo import ZoneInfo

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from sqlalchemy import text
from sqlalchemy.exc import IntegrityError
from sqlalchemy.ext.asyncio import AsyncConnection

from ledger.errors import Fault, Refusal
from ledger.members.member import Member
from ledger.merchants import log, staff
from ledger.merchants.authority import NotAllowed
from ledger.merchants.staff import Staff
from ledger.points.audit import audit
from ledger.points.commands import Moment
from ledger.redeeming import (
    bookings,
    closures,
    counter,
    favourites,
    redemptions,
    reminders,
    shelf,
    vouchers,
    watching,
)  # fmt: skip
from ledger.redeeming.booking import Booking, EarlyDays, Hours
from ledger.redeeming.bookings import NotBooked, SlotNeeded, SlotTaken
from ledger.redeeming.browse import browse
from ledger.redeeming.lapses import lapse, missed
from ledger.redeeming.may_redeem import MemberHadAll, No, NoSlotFree, PointsShort, Yes
from ledger.redeeming.offers import Limits, Offer
from ledger.redeeming.redemptions import Redeemed, UndoOver
from ledger.redeeming.vouchers import VoucherTakenBack
from tests.ledger.redeeming.stage import NOW, TODAY, Stage, at, offer, per_unit
from tests.ledger.redeeming.test_browse import agrees
from tests.ledger.redeeming.test_listed_is_had import with_programme

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


TEN = on(1, 10)
"""Tomorrow at ten: what is booked here unless said otherwise."""


async def hold(stage: Stage, who: Member, offer_id: int, starts: dt.datetime = TEN, now: Moment | None = None) -> None:
    async with stage.engine.begin() as tx:
        await bookings.hold(tx, who, offer_id, starts, at=now or at())


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


# -- one member's booking, and everything that can come to it


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


EVENTS: list[Event] = [confirm, leave, move, undo, use, no_show, night, close, sweep]
REACHED: dict[str, tuple[Event, ...]] = {
    "booked": (), "attended": (use,), "missed": (no_show,), "freed": (undo,), "closed": (close,),
}  # fmt: skip
# What is booked, an hour before noon of the day before; by the rows above, in the order of EVENTS.
OUTCOMES = {
    "booked": ["done", "done", "done", "done", "done", "done", "done", "done", "done"],
    "attended": ["done", "done", "VoucherUsed", "VoucherUsed", "VoucherUsed", "done", "done", "done", "done"],
    "missed": ["done", "done", "VoucherExpired", "VoucherExpired", "VoucherExpired", "done", "done", "done", "done"],
    "freed": ["done", "done", "VoucherTakenBack", "done", "VoucherTakenBack", "done", "done", "done", "done"],
    "closed": ["done", "done", "VoucherTakenBack", "done", "VoucherTakenBack", "done", "done", "done", "done"],
}
# What each event makes of what is booked; everything else stays as it is.
MAKES = {"undo": "freed", "use": "attended", "close": "freed"}


@pytest.mark.parametrize("event", EVENTS, ids=lambda event: event.__name__)
@pytest.mark.parametrize("state", OUTCOMES)
async def test_every_event_in_every_state(stage: Stage, state: str, event: Event) -> None:
    case = await a_case(stage, booked=True)
    for before in REACHED[state]:
        assert await case.run(before, when(1, 13) if before is no_show else at()) == "done"
    assert await case.run(event, at()) == OUTCOMES[state][EVENTS.index(event)]
    stays = {"closed": "freed"}.get(state, state)
    expected = MAKES.get(event.__name__, stays) if state == "booked" else stays
    [(hour, _, is_now)] = await places(stage, case.offer_id)
    assert is_now == expected
    assert hour == ("24 09:00" if state == "booked" and event is move else "23 10:00")
    assert await stage.available(case.who) == (500 if expected in ("freed", "missed") else 200)
    await story(stage, case.offer_id)


@pytest.mark.parametrize("event", [confirm, leave, sweep, close], ids=lambda event: event.__name__)
@pytest.mark.parametrize("over", [False, True])
async def test_every_event_while_a_place_is_held_and_when_the_hold_is_over(
    stage: Stage, event: Event, over: bool
) -> None:
    case = await a_case(stage, booked=False)
    outcome = await case.run(event, at(minutes=11 if over else 9))
    left = [state for _, _, state in await places(stage, case.offer_id)]
    assert outcome == "done"
    assert left == {"confirm": ["booked"], "leave": [], "sweep": [] if over else ["held"], "close": []}[event.__name__]
    assert await stage.available(case.who) == (200 if event is confirm else 500)
    await story(stage, case.offer_id)


# -- holding


async def test_a_place_is_held_for_ten_minutes_and_then_anybodys(stage: Stage) -> None:
    [id_] = await stage.publish(wash())
    first, second = await stage.member((500, "-")), await stage.member((500, "-"))
    await hold(stage, first, id_)
    with pytest.raises(SlotTaken) as no:
        await hold(stage, second, id_, now=at(minutes=9))
    assert [each.astimezone(ZONE) for each in no.value.others] == [on(1, 9), on(1, 11), on(2, 9), on(2, 10)]
    await hold(stage, second, id_, now=at(minutes=10))
    assert await places(stage, id_) == [("23 10:00", 1, "held")]
    with pytest.raises(SlotTaken):
        await stage.redeem(first, id_, slot=TEN, when=at(minutes=11))
    assert await stage.available(first) == 500
    assert (await stage.redeem(second, id_, slot=TEN, when=at(minutes=19))).redemption.booked is not None


async def test_what_is_to_come_is_booked_and_neither_held_nor_over_nor_freed(stage: Stage) -> None:
    async def to_come(case: Case, now: Moment) -> int:
        async with stage.engine.begin() as tx:
            return await bookings.to_come(tx, case.offer_id, at=now)

    held, booked = await a_case(stage, booked=False), await a_case(stage, booked=True)
    assert (await to_come(held, at()), await to_come(booked, at())) == (0, 1)
    assert (await to_come(booked, when(1, 10, 59)), await to_come(booked, when(1, 11))) == (1, 0)
    async with stage.engine.begin() as tx:
        await undo(booked, tx, at())
    assert await to_come(booked, at()) == 0


async def test_confirming_after_the_hold_lapsed_works_while_the_place_is_free(stage: Stage) -> None:
    [id_] = await stage.publish(wash())
    who = await stage.member((500, "-"))
    await hold(stage, who, id_)
    assert (await stage.redeem(who, id_, slot=TEN, when=at(minutes=60))).redemption.state == "issued"
    assert await places(stage, id_) == [("23 10:00", 1, "booked")]


async def test_a_member_holds_one_place_of_an_offer_and_may_hold_the_last_again(stage: Stage) -> None:
    [id_] = await stage.publish(wash())
    who = await stage.member((500, "-"))
    for starts in (TEN, TEN, on(2, 9)):
        await hold(stage, who, id_, starts)
    assert await places(stage, id_) == [("24 09:00", 1, "held")]
    async with stage.engine.begin() as tx:
        assert (await bookings.held(tx, who.id, id_, at=at(minutes=9))) is not None
        assert (await bookings.held(tx, who.id, id_, at=at(minutes=10))) is None


async def test_holding_asks_the_predicate_first(stage: Stage) -> None:
    [id_] = await stage.publish(wash())
    with pytest.raises(PointsShort):
        await hold(stage, await stage.member((200, "-")), id_)
    assert await places(stage, id_) == []


@pytest.mark.parametrize(
    "starts", [on(1, 9, 30), on(1, 12), on(0, 11), on(4, 9), on(-1, 10)], ids=["odd", "closed", "over", "far", "gone"]
)
async def test_what_is_not_on_the_calendar_now_is_not_held(stage: Stage, starts: dt.datetime) -> None:
    [id_] = await stage.publish(wash())
    with pytest.raises(SlotTaken):
        await hold(stage, await stage.member((500, "-")), id_, starts)


async def test_a_time_has_to_be_named(stage: Stage) -> None:
    [id_] = await stage.publish(wash())
    with pytest.raises(SlotNeeded):
        await stage.redeem(await stage.member((500, "-")), id_)


async def test_a_place_held_to_the_last_minute_is_confirmed_though_nothing_else_is_free(stage: Stage) -> None:
    [id_] = await stage.publish(wash(booking=rule(days_ahead=1, lead_hours=1)))
    who = await stage.member((500, "-"))
    await hold(stage, who, id_, on(0, 11), when(0, 9, 58))
    assert (await stage.redeem(who, id_, slot=on(0, 11), when=when(0, 10, 5))).redemption.state == "issued"


# -- two at once


async def race(*tries: Awaitable[object]) -> list[object]:
    return list(await asyncio.gather(*tries, return_exceptions=True))


async def test_of_two_after_the_last_place_one_gets_it(stage: Stage) -> None:
    for _ in range(5):
        [id_] = await stage.publish(wash(booking=rule(at_once=2)))
        people = [await stage.member((500, "-")) for _ in range(5)]
        done = await race(*(hold(stage, who, id_) for who in people))
        assert sum(each is None for each in done) == 2 and sum(isinstance(each, SlotTaken) for each in done) == 3
        assert [each[1] for each in await places(stage, id_)] == [1, 2]
        redeemed = await race(*(stage.redeem(who, id_, slot=TEN) for who in people))
        assert sum(isinstance(each, Redeemed) for each in redeemed) == 2
        assert [isinstance(each, Redeemed) for each in redeemed] == [each is None for each in done], (
            "who held it, has it"
        )
        assert [await stage.available(who) for who in people].count(200) == 2
        await story(stage, id_)


async def test_without_holds_two_confirmations_at_once_are_one(stage: Stage) -> None:
    [id_] = await stage.publish(wash())
    people = [await stage.member((500, "-")) for _ in range(4)]
    done = await race(*(stage.redeem(who, id_, slot=TEN) for who in people))
    assert sum(isinstance(each, Redeemed) for each in done) == 1
    assert all(isinstance(each, SlotTaken) for each in done if not isinstance(each, Redeemed))
    await story(stage, id_)


async def test_two_taps_of_one_button_are_one_booking(stage: Stage) -> None:
    case = await a_case(stage, booked=False)
    first, second = await race(
        *(stage.redeem(case.who, case.offer_id, nonce="tap", slot=TEN) for _ in range(2))
    )  # fmt: skip
    assert isinstance(first, Redeemed) and isinstance(second, Redeemed)
    assert first.redemption.id == second.redemption.id and {first.repeated, second.repeated} == {False, True}
    assert second.redemption.booked is not None and second.redemption.booked.starts_at == TEN


async def test_moving_and_cancelling_at_once_leave_one_of_them(stage: Stage) -> None:
    for _ in range(5):
        case = await a_case(stage, booked=True)
        done = await asyncio.gather(case.run(move, at()), case.run(undo, at()), case.run(move, at()))
        assert done[1] == "done"
        [(_, _, state)] = await places(stage, case.offer_id)
        assert state == "freed" and await stage.available(case.who) == 500
        await story(stage, case.offer_id)


async def test_two_who_move_to_one_place_keep_one_place_each(stage: Stage) -> None:
    for _ in range(5):
        [id_] = await stage.publish(wash())
        people = [await stage.member((500, "-")) for _ in range(2)]
        mine = [await stage.redeem(who, id_, slot=on(1, hour)) for who, hour in zip(people, (9, 10), strict=True)]

        async def moves(who: Member, done: Redeemed) -> object:
            async with stage.engine.begin() as tx:
                return await bookings.move(tx, who, done.redemption.id, on(2, 9), at=at())

        done = await race(*(moves(who, each) for who, each in zip(people, mine, strict=True)))
        assert sum(isinstance(each, SlotTaken) for each in done) == 1
        hours = [hour for hour, _, _ in await places(stage, id_)]
        assert "24 09:00" in hours and len(hours) == 2, "who was too late keeps what they had"
        await story(stage, id_)


async def test_closing_a_day_beside_a_confirmation_leaves_nobody_on_it(stage: Stage) -> None:
    for _ in range(5):
        case = await a_case(stage, booked=False)

        async def shut(case: Case, tx: AsyncConnection, now: Moment) -> object:
            return await closures.close(tx, case.manager, TOMORROW, seen=9, grace_days=30, at=now)

        done = await asyncio.gather(case.run(confirm, at()), case.run(shut, at()))
        assert done[1] == "done" and done[0] in ("done", "SlotTaken", "NoSlotFree")
        assert all(state == "freed" for _, _, state in await places(stage, case.offer_id))
        assert await stage.available(case.who) == 500
        await story(stage, case.offer_id)
        async with stage.engine.begin() as tx:
            await closures.reopen(tx, case.manager, TOMORROW, at=at())


async def test_the_schema_itself_has_no_place_for_two(stage: Stage) -> None:
    case = await a_case(stage, booked=True)
    again = text(
        "INSERT INTO booking (offer_id, merchant_id, member_id, redemption_id, starts_at, ends_at, day, place, state, chosen_at,"
        " change_until, kept_until) SELECT offer_id, merchant_id, member_id, -1, starts_at + interval '30 min',"
        " ends_at + interval '30 min', day, place, state, chosen_at, change_until, kept_until FROM booking"
        " WHERE redemption_id = :id"
    )
    with pytest.raises(IntegrityError, match="ex_booking_place"):
        async with stage.engine.begin() as tx:
            await tx.execute(again, {"id": case.id})


@settings(max_examples=25, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(
    st.integers(1, 2),
    st.lists(st.tuples(st.integers(0, 2), st.sampled_from(["hold", "take", "leave", "move", "undo", "grid"]),
                       st.integers(1, 2), st.integers(9, 11), st.booleans()), min_size=4, max_size=14),
)  # fmt: skip
async def test_whatever_members_and_the_merchant_do_no_slot_has_more_than_it_lets_in(
    stage: Stage, capacity: int, acts: list[tuple[int, str, int, int, bool]]
) -> None:
    document = wash(booking=rule(at_once=capacity))
    [id_] = await stage.publish(document)
    people = [await stage.member((900, "-")) for _ in range(3)]
    mine: dict[int, Redeemed] = {}
    for number, (which, act, day, hour, half) in enumerate(acts):
        who, starts = people[which], on(day, hour, 30 if half else 0)
        now = at(minutes=number * 4)
        try:
            if act == "hold":
                await hold(stage, who, id_, starts, now)
            elif act == "take":
                mine[which] = await stage.redeem(who, id_, slot=starts, when=now, nonce=f"n{number}-{which}")
            elif act == "grid":  # the merchant lays the slots anew; what is booked stays
                minutes = 90 if half else 60
                await stage.publish(
                    document.model_copy(update={"booking": rule(at_once=capacity, slot_minutes=minutes)})
                )
            else:
                async with stage.engine.begin() as tx:
                    if act == "leave":
                        await bookings.let_go(tx, who.id, id_)
                    elif which in mine and act == "move":
                        await bookings.move(tx, who, mine[which].redemption.id, starts, at=now)
                    elif which in mine:
                        await redemptions.undo(
                            tx, who.id, mine[which].redemption.id, grace_days=30, at=now, actor="test"
                        )
        except Refusal as no:
            assert isinstance(no, SlotTaken | PointsShort | NoSlotFree | VoucherTakenBack), no
    await story(stage, id_)


# -- changing, in time


async def test_until_the_cut_off_it_comes_back_whole_and_after_it_not(stage: Stage) -> None:
    case = await a_case(stage, booked=True)
    assert case.done is not None and case.done.redemption.booked is not None
    assert case.done.redemption.booked.change_until == on(1, 8)
    assert case.done.redemption.valid_until == TOMORROW
    for late in (when(1, 8), when(1, 9, 59)):
        assert [await case.run(each, late) for each in (undo, move)] == ["UndoOver", "ChangeOver"]
    assert await case.run(undo, when(1, 7, 59)) == "done"
    assert await stage.available(case.who) == 500 and await stage.taken(case.offer_id) == {"0001-01-01": 0}
    await hold(stage, await stage.member((500, "-")), case.offer_id)


async def test_the_undo_window_holds_beside_the_cut_off_but_not_beyond_the_beginning(stage: Stage) -> None:
    [id_] = await stage.publish(wash(booking=rule(cut_off_hours=48)))
    who = await stage.member((900, "-"))
    soon = await stage.redeem(who, id_, slot=TEN, when=when(1, 9, 30))
    assert soon.redemption.undo_until == when(1, 9, 40).now
    near = await stage.redeem(who, id_, slot=on(1, 11), when=when(1, 10, 55))
    assert near.redemption.undo_until == on(1, 11)
    async with stage.engine.begin() as tx:
        undone = await redemptions.undo(tx, who.id, soon.redemption.id, grace_days=1, at=when(1, 9, 39), actor="test")
        assert undone.state == "taken_back"
    with pytest.raises(UndoOver):
        async with stage.engine.begin() as tx:
            await redemptions.undo(tx, who.id, near.redemption.id, grace_days=1, at=when(1, 11), actor="test")


async def test_a_moved_booking_has_its_new_day_and_the_old_place_is_free(stage: Stage) -> None:
    case = await a_case(stage, booked=True)
    async with stage.engine.begin() as tx:
        moved, changed = await bookings.move(tx, case.who, case.id, on(3, 11), at=at())
        assert changed and moved.valid_until == TODAY + dt.timedelta(days=3)
        assert moved.booked is not None and moved.booked.change_until == on(3, 9)
    async with stage.engine.begin() as tx:
        _, changed = await bookings.move(tx, case.who, case.id, on(3, 11), at=at())
        assert not changed
    await hold(stage, await stage.member((500, "-")), case.offer_id)
    with pytest.raises(SlotTaken) as no:
        async with stage.engine.begin() as tx:
            await bookings.move(tx, case.who, case.id, TEN, at=at())
    assert no.value.redemption_id == case.id and TEN not in no.value.others
    assert (await places(stage, case.offer_id))[-1] == ("25 11:00", 1, "booked")


async def test_moving_goes_by_todays_calendar_and_the_promises_of_the_day_of_redeeming(stage: Stage) -> None:
    document = wash()
    case = await a_case(stage, booked=True, document=document)
    afternoon = Hours(weekdays=(1, 2, 3, 4, 5, 6, 7), open=dt.time(14), close=dt.time(16))
    await stage.publish(document.model_copy(update={"booking": rule(hours=(afternoon,), cut_off_hours=48)}))
    async with stage.engine.begin() as tx:
        with pytest.raises(SlotTaken):
            await bookings.move(tx, case.who, case.id, on(2, 9), at=at())
        moved, _ = await bookings.move(tx, case.who, case.id, on(1, 14), at=at())
    assert moved.booked is not None and moved.booked.change_until == on(1, 12), "two hours before, as was said then"
    await stage.publish(document.model_copy(update={"booking": None}))
    async with stage.engine.begin() as tx:
        with pytest.raises(NotBooked):
            await bookings.move(tx, case.who, case.id, on(2, 14), at=at())


async def to_move(case: Case, starts: dt.datetime, now: Moment | None = None) -> bool:
    """Whether a place is held for moving there."""
    async with case.stage.engine.begin() as tx:
        return (await bookings.hold_for_move(tx, case.who, case.id, starts, at=now or at()))[2]


async def test_the_place_that_somebody_moves_to_is_held_for_ten_minutes(stage: Stage) -> None:
    case, other = await a_case(stage, booked=True), await stage.member((500, "-"))
    assert await to_move(case, on(2, 9)) and await to_move(case, on(2, 11)), "the one chosen last"
    assert await places(stage, case.offer_id) == [("23 10:00", 1, "booked"), ("24 11:00", 1, "held")]
    await hold(stage, other, case.offer_id, on(2, 9))
    with pytest.raises(SlotTaken):
        await hold(stage, other, case.offer_id, on(2, 11), when(0, 12, 9))
    with pytest.raises(SlotTaken):
        await to_move(case, on(2, 9))
    async with stage.engine.begin() as tx:
        await bookings.move(tx, case.who, case.id, on(2, 11), at=at())
    await hold(stage, other, case.offer_id, TEN)
    assert await places(stage, case.offer_id) == [("23 10:00", 1, "held"), ("24 11:00", 1, "booked")]
    assert await to_move(case, on(3, 9))
    await hold(stage, other, case.offer_id, on(3, 9), when(0, 12, 10))
    await story(stage, case.offer_id)


async def test_no_place_is_held_for_moving_within_ones_own(stage: Stage) -> None:
    document = wash()
    case = await a_case(stage, booked=True, document=document)
    assert not await to_move(case, TEN)
    await stage.publish(document.model_copy(update={"booking": rule(slot_minutes=30)}))
    assert await to_move(case, on(1, 9)) and not await to_move(case, on(1, 10, 30))
    assert await places(stage, case.offer_id) == [("23 10:00", 1, "booked")]
    async with stage.engine.begin() as tx:
        await bookings.move(tx, case.who, case.id, on(1, 10, 30), at=at())
    assert await places(stage, case.offer_id) == [("23 10:30", 1, "booked")]
    await story(stage, case.offer_id)


async def test_of_two_who_are_about_to_move_to_one_place_one_has_it(stage: Stage) -> None:
    for _ in range(5):
        one = await a_case(stage, booked=True, document=wash())
        two = Case(stage, await stage.member((500, "-")), one.till, one.manager, one.offer_id)
        two.done = await stage.redeem(two.who, one.offer_id, slot=on(1, 9))
        done = await race(to_move(one, on(2, 9)), to_move(two, on(2, 9)))
        assert sorted(type(each).__name__ for each in done) == ["SlotTaken", "bool"]
        await story(stage, one.offer_id)


async def test_a_booking_that_is_moved_to_now_is_not_taken_back_once_it_has_begun(stage: Stage) -> None:
    [id_] = await stage.publish(wash())
    who = await stage.member((500, "-"))
    done = await stage.redeem(who, id_, slot=on(1, 11), when=when(0, 9, 58))
    async with stage.engine.begin() as tx:
        moved, _ = await bookings.move(tx, who, done.redemption.id, on(0, 10), at=when(0, 9, 59))
        assert moved.undo_until == on(0, 10) and moved.valid_until == TODAY
    with pytest.raises(UndoOver):
        async with stage.engine.begin() as tx:
            await redemptions.undo(tx, who.id, done.redemption.id, grace_days=1, at=when(0, 10, 1), actor="test")


async def test_nobody_moves_what_is_not_theirs_or_has_no_time(stage: Stage) -> None:
    case = await a_case(stage, booked=True)
    [plain] = await stage.publish(offer(f"box-{next(_numbers)}", "盒", "Box", "market", per_unit(10)))
    who = await stage.member((500, "-"))
    done = await stage.redeem(who, plain)
    async with stage.engine.begin() as tx:
        with pytest.raises(vouchers.NoSuchRedemption):
            await bookings.move(tx, who, case.id, on(2, 9), at=at())
        with pytest.raises(NotBooked):
            await bookings.move(tx, who, done.redemption.id, on(2, 9), at=at())


# -- nobody came


@pytest.mark.parametrize("unused", ["return", "forfeit"])
async def test_who_does_not_come_is_missed_half_an_hour_after_the_end(stage: Stage, unused: str) -> None:
    case = await a_case(stage, booked=True, document=wash(unused=unused, limits=Limits(stock=9)))
    async with stage.engine.begin() as tx:
        assert await missed(tx, at=when(1, 11, 29), grace_days=30) == []
        [over] = await missed(tx, at=when(1, 11, 30), grace_days=30)
        assert await missed(tx, at=when(1, 11, 30), grace_days=30) == []
    assert over.voucher.state == "expired" and over.voucher.booked is not None
    assert over.voucher.booked.state == "missed" and (over.receipt is None) == (unused == "forfeit")
    assert await stage.available(case.who) == (200 if unused == "forfeit" else 500)
    async with stage.engine.begin() as tx:
        settles = await tx.scalar(text("SELECT settles_on FROM redemption WHERE id = :id"), {"id": case.id})
    assert settles == (TOMORROW if unused == "forfeit" else None)
    assert await case.run(use, when(1, 12)) == "VoucherExpired"


async def test_coming_late_within_the_day_counts_until_somebody_says_otherwise(stage: Stage) -> None:
    case = await a_case(stage, booked=True)
    assert await case.run(use, when(1, 11, 45)) == "done", "the job had not been there yet"
    assert await case.run(no_show, when(1, 11, 50)) == "done"
    assert (await places(stage, case.offer_id))[0][2] == "attended"


async def test_using_and_missing_at_once_are_one_of_them(stage: Stage) -> None:
    for _ in range(5):
        case = await a_case(stage, booked=True)
        done = await asyncio.gather(case.run(use, when(1, 11, 30)), case.run(no_show, when(1, 11, 30)))
        [(_, _, state)] = await places(stage, case.offer_id)
        assert (done[0], state) in {("done", "attended"), ("VoucherExpired", "missed")}
        await story(stage, case.offer_id)


# -- the merchant's days


async def test_closing_a_day_gives_back_whole_what_is_still_to_come_and_opens_again(stage: Stage) -> None:
    case = await a_case(stage, booked=True)
    other = await stage.member((500, "-"))
    await stage.redeem(other, case.offer_id, slot=on(2, 9))
    async with stage.engine.begin() as tx:
        days = await closures.days(tx, case.manager.merchant_id, TODAY, 4)
        assert [(each.booked, each.closed) for each in days] == [(0, False), (1, False), (1, False), (0, False)]
        assert await closures.to_come(tx, case.manager.merchant_id, TOMORROW, at=at()) == 1
        with pytest.raises(closures.MoreBooked):
            await closures.close(tx, case.manager, TOMORROW, seen=0, grace_days=30, at=at())
    async with stage.engine.begin() as tx:
        [told] = await closures.close(tx, case.manager, TOMORROW, seen=1, grace_days=30, at=at())
        assert await closures.close(tx, case.manager, TOMORROW, seen=1, grace_days=30, at=at()) == []
        assert told.member_id == case.who.id and told.booked is not None and told.booked.freed_by == "merchant"
        assert [each.closed for each in await closures.days(tx, case.manager.merchant_id, TODAY, 3)] == [
            False,
            True,
            False,
        ]
        assert [each.what for each in await log.read(tx, case.manager.merchant_id)] == ["day_closed"]
    assert (await stage.available(case.who), await stage.available(other)) == (500, 200)
    with pytest.raises(SlotTaken):
        await hold(stage, case.who, case.offer_id)
    async with stage.engine.begin() as tx:
        for _ in range(2):
            await closures.reopen(tx, case.manager, TOMORROW, at=at())
        assert [each.what for each in await log.read(tx, case.manager.merchant_id)] == ["day_reopened", "day_closed"]
    await hold(stage, case.who, case.offer_id)
    await story(stage, case.offer_id)


async def test_closing_today_leaves_what_is_over(stage: Stage) -> None:
    case = await a_case(stage, booked=True)
    other = await stage.member((500, "-"))
    later = await stage.redeem(other, case.offer_id, slot=on(1, 11))
    async with stage.engine.begin() as tx:
        [told] = await closures.close(tx, case.manager, TOMORROW, seen=1, grace_days=30, at=when(1, 11, 5))
    assert told.id == later.redemption.id


async def test_only_those_who_run_a_merchant_close_its_days_and_only_days_to_come(stage: Stage) -> None:
    case = await a_case(stage, booked=True)
    async with stage.engine.begin() as tx:
        for act in (
            closures.close(tx, case.till, TOMORROW, seen=1, grace_days=1, at=at()),
            closures.reopen(tx, case.till, TOMORROW, at=at()),
        ):
            with pytest.raises(NotAllowed):
                await act
        for days in (-1, 181):
            with pytest.raises(closures.DayNotOpen):
                await closures.reopen(tx, case.manager, TODAY + dt.timedelta(days=days), at=at())


# -- reminders


async def reminded(stage: Stage, now: Moment) -> tuple[list[int], list[int]]:
    async with stage.engine.begin() as tx:
        return (
            [each.id for each in await reminders.evening(tx, at=now, zone=ZONE)],
            [each.id for each in await reminders.soon(tx, at=now, zone=ZONE)],
        )


async def test_who_has_booked_is_reminded_the_evening_before_and_hours_before_once_each(stage: Stage) -> None:
    case = await a_case(stage, booked=True)
    assert await reminded(stage, when(0, 17, 59)) == ([], [])
    assert await reminded(stage, when(0, 18)) == ([case.id], [])
    assert await reminded(stage, when(0, 18, 5)) == ([], [])
    assert await reminded(stage, when(1, 6, 59)) == ([], []), "not at night"
    assert await reminded(stage, when(1, 8)) == ([], [case.id])
    assert await reminded(stage, when(1, 9)) == ([], [])


async def test_a_moved_booking_is_reminded_anew(stage: Stage) -> None:
    case = await a_case(stage, booked=True)
    assert await reminded(stage, when(0, 18)) == ([case.id], [])
    assert await case.run(move, when(0, 19)) == "done"
    assert await reminded(stage, when(0, 20)) == ([], [])
    assert await reminded(stage, when(1, 19)) == ([case.id], [])
    assert await reminded(stage, when(2, 8)) == ([], [case.id])


async def test_who_chose_just_now_or_let_it_go_is_not_reminded(stage: Stage) -> None:
    [id_] = await stage.publish(wash())
    who = await stage.member((900, "-"))
    fresh = await stage.redeem(who, id_, slot=TEN, when=when(0, 16))
    assert await reminded(stage, when(0, 18)) == ([], [])
    assert await reminded(stage, when(0, 19)) == ([fresh.redemption.id], [])
    async with stage.engine.begin() as tx:
        await redemptions.undo(tx, who.id, fresh.redemption.id, grace_days=1, at=when(0, 20), actor="test")
    assert await reminded(stage, when(1, 8)) == ([], [])


# -- the list and the predicate


async def test_a_full_window_is_no_offer_and_says_when_more_opens(stage: Stage) -> None:
    [id_] = await stage.publish(wash(booking=rule(days_ahead=1)))
    member = await stage.member((9000, "-"))
    others = [await stage.member((500, "-")) for _ in range(3)]
    for who, hour in zip(others, (9, 10, 11), strict=True):
        await stage.redeem(who, id_, slot=on(1, hour))
    async with stage.engine.begin() as tx:
        seen = await shelf.judged(tx, member, id_, today=TODAY, now=at().programme_now)
        assert isinstance(seen.verdict, No) and isinstance(seen.verdict.reasons[0], NoSlotFree)
        assert seen.verdict.reasons[0].opens_on == TOMORROW
        mine = await shelf.judged(tx, others[0], id_, today=TODAY, now=at().programme_now)
        assert isinstance(mine.verdict, No)
        then = await shelf.judged(tx, member, id_, today=TOMORROW, now=when(1, 0).programme_now)
        assert isinstance(then.verdict, Yes)
    with pytest.raises(NoSlotFree):
        await hold(stage, member, id_, on(2, 9))
    await agrees(stage, member, [id_], TODAY)


async def test_what_is_booked_is_never_judged_without_the_hour(stage: Stage) -> None:
    [id_] = await stage.publish(wash())
    who = await stage.member((500, "-"))
    with pytest.raises(Fault, match="judged without"):
        async with stage.engine.begin() as tx:
            await shelf.judged(tx, who, id_, today=TODAY)


@settings(max_examples=30, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(
    st.lists(st.tuples(st.integers(1, 2), st.integers(0, 2), st.integers(0, 30), st.integers(1, 7)), min_size=1, max_size=3),
    st.lists(st.tuples(st.integers(0, 2), st.integers(0, 3), st.integers(9, 11), st.sampled_from(["book", "hold"])), max_size=10),
    st.sets(st.integers(0, 4), max_size=3),
    st.integers(0, 23),
    st.sampled_from([0, 299, 300]),
)  # fmt: skip
async def test_whatever_is_booked_held_and_closed_the_list_says_what_redeeming_does(
    stage: Stage,
    rules: list[tuple[int, int, int, int]],
    taken: list[tuple[int, int, int, str]],
    closed: set[int],
    hour: int,
    points: int,
) -> None:
    documents = [
        wash(booking=rule(at_once=capacity, days_ahead=ahead + 2, lead_hours=lead, hours=(
            Hours(weekdays=(weekday, (weekday + 2) % 7 + 1), open=dt.time(9), close=dt.time(12)),)))
        for capacity, ahead, lead, weekday in rules
    ]  # fmt: skip
    ids = await stage.publish(*documents)
    now, member = when(0, hour), await stage.member(*([(points, "-")] if points else []))
    for which, day, at_hour, act in taken:
        who = await stage.member((300, "-"))
        try:
            if act == "hold":
                await hold(stage, who, ids[which % len(ids)], on(day, at_hour), when(0, 0))
            else:
                await stage.redeem(who, ids[which % len(ids)], slot=on(day, at_hour), when=when(0, 0))
        except Refusal:
            continue
    async with stage.engine.begin() as tx:
        await tx.execute(text("DELETE FROM booking_closure"))
        for day in closed:
            await tx.execute(
                text(
                    "INSERT INTO booking_closure (merchant_id, day, closed_at, closed_by) VALUES (:m, :day, :now, 'test')"
                ),
                {"m": stage.merchants["market"].id, "day": TODAY + dt.timedelta(days=day), "now": NOW},
            )
    async with stage.engine.begin() as tx:
        held = await shelf.purse(tx, member, today=TODAY)
        found = await browse(tx, member, today=TODAY, held=held, now=now.programme_now)
        told = {each.listed.id: each.may for each in found.found if each.listed.id in ids}
        judged = {id_: await shelf.judged(tx, member, id_, today=TODAY, now=now.programme_now) for id_ in ids}
    assert told == {id_: isinstance(seen.verdict, Yes) for id_, seen in judged.items()}
    for id_, seen in judged.items():
        async with stage.engine.connect() as tx:
            if isinstance(seen.verdict, Yes):
                await stage.redeem_in(tx, member, id_, when=now, slot=seen.facts.soonest)
            else:
                with pytest.raises(type(seen.verdict.reasons[0])):
                    await stage.redeem_in(tx, member, id_, when=now, slot=on(1, 9))
            await tx.rollback()


async def test_gold_books_further_ahead_and_nobody_else(stage: Stage) -> None:
    await with_programme(stage)
    [id_] = await stage.publish(wash(booking=rule(days_ahead=1, early=(EarlyDays(tiers=("gold",), days=5),))))
    who = await stage.member((500, "-"))
    with pytest.raises(SlotTaken):
        await hold(stage, who, id_, on(6, 9))
    async with stage.engine.begin() as tx:
        await tx.execute(text("UPDATE member SET tier = 'gold' WHERE id = :id"), {"id": who.id})
    await hold(stage, who, id_, on(6, 9))
    assert (await stage.redeem(who, id_, slot=on(6, 9))).redemption.valid_until == TODAY + dt.timedelta(days=6)


async def test_a_paused_offer_keeps_what_is_booked(stage: Stage) -> None:
    case = await a_case(stage, booked=True)
    async with stage.engine.begin() as tx:
        await tx.execute(text("UPDATE offer SET active = false WHERE id = :id"), {"id": case.offer_id})
    assert await case.run(move, at()) == "done" and await case.run(use, when(2, 9)) == "done"


async def test_limits_of_a_member_count_what_is_booked_and_not_what_was_freed(stage: Stage) -> None:
    case = await a_case(stage, booked=True, document=wash(limits=Limits(member_ever=1)))
    async with stage.engine.begin() as tx:
        await stage.give(tx, case.who, (900, "-"))
    with pytest.raises(MemberHadAll):
        await hold(stage, case.who, case.offer_id, on(2, 9))
    assert await case.run(undo, at()) == "done"
    await hold(stage, case.who, case.offer_id, on(2, 9))


async def test_a_favourite_that_was_full_is_back_when_somebody_cancels(stage: Stage) -> None:
    case = await a_case(stage, booked=True, document=wash(booking=rule(days_ahead=1, hours=(
        Hours(weekdays=(1,), open=dt.time(10), close=dt.time(11)),))))  # fmt: skip
    who = await stage.member((500, "-"))
    async with stage.engine.begin() as tx:
        await favourites.keep(tx, who.id, case.offer_id, now=NOW)
        assert (await watching.look(tx, who, at=at())).within_reach == ()
    assert await case.run(undo, at()) == "done"
    async with stage.engine.begin() as tx:
        [back] = (await watching.look(tx, who, at=at())).within_reach
        assert back.listed.id == case.offer_id
