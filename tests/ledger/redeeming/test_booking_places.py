"""Places on the real database: held for ten minutes, never two in one, whatever happens at once; and what lists say of full slots.

After every race places, points and pieces tell one story (`story`).
"""

from __future__ import annotations

import asyncio
import datetime as dt

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from sqlalchemy import text
from sqlalchemy.exc import IntegrityError
from sqlalchemy.ext.asyncio import AsyncConnection

from ledger.errors import Fault, Refusal
from ledger.members.member import Member
from ledger.points.commands import Moment
from ledger.redeeming import (
    bookings,
    closures,
    favourites,
    redemptions,
    shelf,
    watching,
)  # fmt: skip
from ledger.redeeming.booking import EarlyDays, Hours
from ledger.redeeming.bookings import SlotNeeded, SlotTaken
from ledger.redeeming.browse import browse
from ledger.redeeming.may_redeem import MemberHadAll, No, NoSlotFree, PointsShort, Yes
from ledger.redeeming.offers import Limits
from ledger.redeeming.redemptions import Redeemed
from ledger.redeeming.vouchers import VoucherTakenBack
from tests.ledger.redeeming.booking_scene import (
    TEN,
    TOMORROW,
    ZONE,
    Case,
    a_case,
    confirm,
    hold,
    move,
    on,
    places,
    race,
    rule,
    story,
    undo,
    use,
    wash,
    when,
)
from tests.ledger.redeeming.stage import NOW, TODAY, Stage, at
from tests.ledger.redeeming.test_browse import agrees
from tests.ledger.redeeming.test_listed_is_had import with_programme

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
