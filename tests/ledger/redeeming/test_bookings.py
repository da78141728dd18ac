"""What becomes of a booking, on the real database: every state beside every event, changes, no-shows, closed days, reminders.

After every cell places, points and pieces tell one story (`story`). Who gets which place is `test_booking_places`.
"""

from __future__ import annotations

import asyncio
import datetime as dt

import pytest
from sqlalchemy import text

from ledger.merchants import log
from ledger.merchants.authority import NotAllowed
from ledger.points.commands import Moment
from ledger.redeeming import (
    bookings,
    closures,
    redemptions,
    reminders,
    vouchers,
)  # fmt: skip
from ledger.redeeming.booking import Hours
from ledger.redeeming.bookings import NotBooked, SlotTaken
from ledger.redeeming.lapses import missed
from ledger.redeeming.offers import Limits
from ledger.redeeming.redemptions import UndoOver
from tests.ledger.redeeming.booking_scene import (
    TEN,
    TOMORROW,
    ZONE,
    Case,
    Event,
    a_case,
    close,
    confirm,
    hold,
    leave,
    move,
    night,
    no_show,
    on,
    places,
    race,
    rule,
    story,
    sweep,
    undo,
    use,
    wash,
    when,
)
from tests.ledger.redeeming.stage import TODAY, Stage, at, offer, per_unit

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
        return (await bookings.hold_for_move(tx, case.who, case.id, starts, at=now or at()))[1] is not None


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
    [plain] = await stage.publish(offer("plain-box", "盒", "Box", "market", per_unit(10)))
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
