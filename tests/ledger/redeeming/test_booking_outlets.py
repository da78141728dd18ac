"""Bookings at outlets: each with places of its own, chosen, moved between and closed one by one.

After every race places, points and pieces tell one story (`story`), at each outlet (`no_more_than_let_in`).
"""

from __future__ import annotations

import datetime as dt
import json
from typing import Any

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from pydantic import ValidationError
from sqlalchemy import text
from sqlalchemy.exc import IntegrityError

from ledger.errors import Refusal
from ledger.members.member import Member
from ledger.merchants import log, outlets
from ledger.merchants.outlets import NoSuchOutlet, Outlet
from ledger.redeeming import bookings, closures, redemptions, shelf, vouchers
from ledger.redeeming.booking import AtOutlet, Booking, Hours
from ledger.redeeming.bookings import SlotNeeded, SlotTaken
from ledger.redeeming.may_redeem import NoSlotFree, PointsShort, Yes
from ledger.redeeming.privileges import NoOutletOfThatName
from ledger.redeeming.redemptions import Redeemed
from ledger.redeeming.vouchers import VoucherTakenBack
from tests.ledger.redeeming.booking_scene import (
    TEN,
    TOMORROW,
    manager_of,
    on,
    places,
    race,
    rule,
    story,
    two_outlets,
    wash,
    when,
)
from tests.ledger.redeeming.stage import NOW, TODAY, Stage, at


def at_both(north: Outlet, south: Outlet, **more: Any) -> Booking:
    """Booked at both outlets, with the same hours."""
    return rule(outlets=(AtOutlet(outlet=north.name), AtOutlet(outlet=south.name)), **more)


async def put_up(stage: Stage, **more: Any) -> tuple[int, Outlet, Outlet]:
    """A washing that is booked at two outlets."""
    north, south = await two_outlets(stage)
    [id_] = await stage.publish(wash(booking=at_both(north, south, **more)))
    return id_, north, south


async def somebody(stage: Stage) -> Member:
    return await stage.member((500, "-"))


async def where(stage: Stage, offer_id: int) -> list[tuple[str, int, str]]:
    """What is taken: outlet, place and state."""
    async with stage.engine.begin() as tx:
        rows = await tx.execute(
            text(
                "SELECT coalesce(o.name, '-') AS name, b.place, b.state FROM booking b"
                " LEFT JOIN outlet o ON o.id = b.outlet_id WHERE b.offer_id = :id ORDER BY b.id"
            ),
            {"id": offer_id},
        )
        return [(row.name, row.place, row.state) for row in rows]


async def no_more_than_let_in(stage: Stage, offer_id: int, most: int) -> None:
    async with stage.engine.begin() as tx:
        found = await tx.scalar(
            text(
                "SELECT coalesce(max(n), 0) FROM (SELECT count(*) AS n FROM booking a JOIN booking b"
                " ON a.offer_id = b.offer_id AND a.outlet_id = b.outlet_id AND b.starts_at <= a.starts_at"
                " AND a.starts_at < b.ends_at AND b.state <> 'freed'"
                " WHERE a.offer_id = :id AND a.state <> 'freed' GROUP BY a.id) n"
            ),
            {"id": offer_id},
        )
    assert found <= most


async def holds(stage: Stage, who: Member, offer_id: int, starts: dt.datetime, outlet_id: int | None) -> None:
    async with stage.engine.begin() as tx:
        await bookings.hold(tx, who, offer_id, starts, outlet_id=outlet_id, at=at())


async def moves(stage: Stage, who: Member, done: Redeemed, starts: dt.datetime, outlet_id: int | None) -> bool:
    async with stage.engine.begin() as tx:
        return (await bookings.move(tx, who, done.redemption.id, starts, outlet_id=outlet_id, at=at()))[1]


def test_a_document_without_outlets_is_the_same_document() -> None:
    said = wash().model_dump(mode="json")["booking"]
    assert "outlets" not in said and "outlets" not in json.loads(rule().model_dump_json())
    own = AtOutlet(outlet="江北店", at_once=3).model_dump(mode="json")
    assert own == {"outlet": "江北店", "at_once": 3}


@pytest.mark.parametrize(
    ("own", "told"),
    [
        ([AtOutlet(outlet="甲"), AtOutlet(outlet="甲")], "an outlet's bookings are said once"),
        (
            [AtOutlet(outlet="甲", hours=(Hours(weekdays=(1,), open=dt.time(9), close=dt.time(9, 30)),))],
            "one slot long",
        ),
    ],
)
def test_what_is_said_of_outlets_follows_the_rules_of_the_whole(own: list[AtOutlet], told: str) -> None:
    with pytest.raises(ValidationError, match=told):
        rule(outlets=tuple(own))


def test_an_outlet_is_as_all_are_but_for_what_it_says_itself() -> None:
    early = Hours(weekdays=(1,), open=dt.time(7), close=dt.time(9))
    booking = rule(at_once=2, outlets=(AtOutlet(outlet="甲"), AtOutlet(outlet="乙", hours=(early,), at_once=5)))
    assert (booking.at("甲").at_once, booking.at("甲").hours) == (2, booking.hours)
    assert (booking.at("乙").at_once, booking.at("乙").hours) == (5, (early,))
    assert booking.at("乙").cut_off_hours == booking.cut_off_hours and not booking.at("乙").outlets


async def test_only_outlets_that_there_are_can_be_named(stage: Stage) -> None:
    north, _ = await two_outlets(stage)
    with pytest.raises(NoOutletOfThatName):
        await stage.publish(wash(booking=rule(outlets=(AtOutlet(outlet=north.name), AtOutlet(outlet="月球店")))))


async def test_another_name_takes_nothing_away_and_a_closed_outlet_takes_no_bookings(stage: Stage) -> None:
    north, south = await two_outlets(stage)
    document = wash(booking=at_both(north, south))
    [id_] = await stage.publish(document)
    owner, who = await manager_of(stage, role="owner"), await somebody(stage)
    done = await stage.redeem(who, id_, slot=TEN, outlet_id=north.id)
    async with stage.engine.begin() as tx:
        await outlets.change(tx, north.id, "name", f"老{north.name}", by=owner, now=NOW)
    await stage.publish(document.model_copy(update={"validity_days": 9}))
    async with stage.engine.begin() as tx:
        booked = (await vouchers.one(tx, who.id, done.redemption.id)).booked
        assert booked is not None and booked.outlet == f"老{north.name}"
        await outlets.close_outlet(tx, south.id, by=owner, now=NOW)
        listed = await shelf.one(tx, id_)
        [open_] = await bookings.all_diaries(tx, listed, at=at())
        assert open_.outlet is not None and open_.outlet.id == north.id
    with pytest.raises(SlotNeeded):
        await stage.redeem(await somebody(stage), id_, slot=TEN, outlet_id=south.id)
    await stage.redeem(await somebody(stage), id_, slot=on(1, 9))  # the only one that is left needs no naming
    async with stage.engine.begin() as tx:
        await outlets.close_outlet(tx, north.id, by=owner, now=NOW)
        seen = await shelf.judged(tx, who, id_, today=TODAY, now=at().programme_now)
    assert not isinstance(seen.verdict, Yes) and isinstance(seen.verdict.reasons[0], NoSlotFree)


async def test_of_two_after_the_last_place_of_an_outlet_one_gets_it_and_the_other_outlet_has_its_own(
    stage: Stage,
) -> None:
    for _ in range(5):
        id_, north, south = await put_up(stage)
        people = [await somebody(stage) for _ in range(5)]
        wanted = (north.id, north.id, north.id, south.id, south.id)
        held = await race(*(holds(stage, who, id_, TEN, outlet) for who, outlet in zip(people, wanted, strict=True)))
        assert [sum(each is None for each in part) for part in (held[:3], held[3:])] == [1, 1]
        done = await race(
            *(stage.redeem(who, id_, slot=TEN, outlet_id=at) for who, at in zip(people, wanted, strict=True))
        )
        assert [isinstance(each, Redeemed) for each in done] == [each is None for each in held], "who held it, has it"
        assert sum(isinstance(each, SlotTaken) for each in done) == 3
        taken = await where(stage, id_)
        assert sorted(taken) == sorted([(north.name, 1, "booked"), (south.name, 1, "booked")])
        await no_more_than_let_in(stage, id_, 1)


async def test_without_holds_confirmations_at_once_are_one_an_outlet(stage: Stage) -> None:
    id_, north, south = await put_up(stage)
    people = [await somebody(stage) for _ in range(6)]
    done = await race(
        *(
            stage.redeem(who, id_, slot=TEN, outlet_id=(north, south)[number % 2].id)
            for number, who in enumerate(people)
        )
    )
    won = [each.redemption.booked.outlet for each in done if isinstance(each, Redeemed) and each.redemption.booked]
    assert sorted(filter(None, won)) == sorted([north.name, south.name])


async def test_an_outlet_has_to_be_named_where_there_are_several(stage: Stage) -> None:
    id_, north, _ = await put_up(stage)
    who = await somebody(stage)
    with pytest.raises(SlotNeeded):
        await stage.redeem(who, id_, slot=TEN)
    await holds(stage, who, id_, TEN, north.id)
    done = await stage.redeem(who, id_, slot=TEN)  # what is held says where
    assert done.redemption.booked is not None and done.redemption.booked.outlet_id == north.id
    again = await stage.redeem(await somebody(stage), id_, slot=on(1, 9), outlet_id=north.id)
    assert again.redemption.booked is not None and again.redemption.booked.outlet == north.name


async def test_the_list_says_the_first_time_that_is_free_at_any_outlet(stage: Stage) -> None:
    north, south = await two_outlets(stage)
    late = Hours(weekdays=(1, 2, 3, 4, 5, 6, 7), open=dt.time(11), close=dt.time(12))
    document = rule(outlets=(AtOutlet(outlet=north.name, hours=(late,)), AtOutlet(outlet=south.name)), days_ahead=1)
    [id_] = await stage.publish(wash(booking=document))
    who = await somebody(stage)
    async with stage.engine.begin() as tx:
        seen = await shelf.judged(tx, who, id_, today=TODAY, now=when(0, 12).programme_now)
    found = seen.facts.openings
    assert found is not None and found.first is not None and found.outlet is not None
    assert (found.first.starts_at, found.outlet.id) == (on(1, 9), south.id)
    for hour in (9, 10, 11):
        await stage.redeem(await somebody(stage), id_, slot=on(1, hour), outlet_id=south.id, when=when(0, 12))
    async with stage.engine.begin() as tx:
        seen = await shelf.judged(tx, who, id_, today=TODAY, now=when(0, 12).programme_now)
    assert seen.facts.soonest == on(1, 11) and seen.facts.openings is not None
    assert seen.facts.openings.outlet == (north.id, north.name)
    await stage.redeem(await somebody(stage), id_, slot=on(1, 11), outlet_id=north.id, when=when(0, 12))
    async with stage.engine.begin() as tx:
        seen = await shelf.judged(tx, who, id_, today=TODAY, now=when(0, 12).programme_now)
    assert not isinstance(seen.verdict, Yes) and isinstance(seen.verdict.reasons[0], NoSlotFree)
    assert seen.verdict.reasons[0].opens_on == TOMORROW


async def test_a_booking_moves_to_another_outlet_at_the_same_time_and_its_place_is_free(stage: Stage) -> None:
    id_, north, south = await put_up(stage)
    who, other = await somebody(stage), await somebody(stage)
    done = await stage.redeem(who, id_, slot=TEN, outlet_id=north.id)
    assert await moves(stage, who, done, TEN, south.id) and not await moves(stage, who, done, TEN, south.id)
    assert await where(stage, id_) == [(south.name, 1, "booked")]
    await stage.redeem(other, id_, slot=TEN, outlet_id=north.id)
    with pytest.raises(SlotTaken) as no:
        await moves(stage, who, done, TEN, north.id)
    assert no.value.outlet_id == north.id and on(1, 9) in no.value.others
    assert await moves(stage, who, done, on(2, 9), None), "without a name it stays where it is"
    async with stage.engine.begin() as tx:
        booked = (await vouchers.one(tx, who.id, done.redemption.id)).booked
    assert booked is not None and (booked.outlet, booked.starts_at) == (south.name, on(2, 9))
    await story(stage, id_)


async def test_two_who_change_places_between_outlets_at_once_never_lose_one(stage: Stage) -> None:
    for _ in range(5):
        id_, north, south = await put_up(stage)
        people = [await somebody(stage) for _ in range(2)]
        mine = [
            await stage.redeem(who, id_, slot=TEN, outlet_id=outlet.id)
            for who, outlet in zip(people, (north, south), strict=True)
        ]
        done = await race(
            moves(stage, people[0], mine[0], TEN, south.id), moves(stage, people[1], mine[1], TEN, north.id)
        )
        assert all(isinstance(each, SlotTaken) for each in done), "each is in the other's way"
        assert sorted(await where(stage, id_)) == sorted([(north.name, 1, "booked"), (south.name, 1, "booked")])


async def test_the_place_at_another_outlet_is_held_while_somebody_moves_there(stage: Stage) -> None:
    id_, north, south = await put_up(stage)
    who = await somebody(stage)
    done = await stage.redeem(who, id_, slot=TEN, outlet_id=north.id)
    async with stage.engine.begin() as tx:
        _, held, to = await bookings.hold_for_move(tx, who, done.redemption.id, TEN, outlet_id=south.id, at=at())
    assert held is not None and held.outlet == to.outlet == (south.id, south.name)
    with pytest.raises(SlotTaken):
        await holds(stage, await somebody(stage), id_, TEN, south.id)
    assert await moves(stage, who, done, TEN, south.id)
    assert await where(stage, id_) == [(south.name, 1, "booked")]


async def test_a_day_is_closed_at_one_outlet_and_the_other_goes_on(stage: Stage) -> None:
    id_, north, south = await put_up(stage)
    manager = await manager_of(stage)
    here, there = await somebody(stage), await somebody(stage)
    await stage.redeem(here, id_, slot=TEN, outlet_id=north.id)
    await stage.redeem(there, id_, slot=TEN, outlet_id=south.id)
    await holds(stage, await somebody(stage), id_, on(1, 9), north.id)

    async def close(outlet_id: int, seen: int = 1) -> list[int]:
        async with stage.engine.begin() as tx:
            facts = {"seen": seen, "grace_days": 30, "at": at()}
            ended = await closures.close(tx, manager, TOMORROW, outlet_id=outlet_id, **facts)  # type: ignore[arg-type]
            return [each.member_id for each in ended]

    async def stands(outlet_id: int = 0) -> tuple[int, bool, bool]:
        async with stage.engine.begin() as tx:
            [day] = await closures.days(tx, manager.merchant_id, TOMORROW, 1, outlet_id=outlet_id)
            return day.booked, day.closed, day.everywhere

    with pytest.raises(NoSuchOutlet):
        await close(987_654)
    assert await close(north.id) == [here.id] and await close(north.id) == []
    assert await stage.available(here) == 500 and await stage.available(there) == 200
    assert await stands() == (1, False, False) and await stands(north.id) == (0, True, False)
    assert await where(stage, id_) == [(north.name, 1, "freed"), (south.name, 1, "booked")]
    with pytest.raises(SlotTaken):
        await stage.redeem(here, id_, slot=TEN, outlet_id=north.id)
    await stage.redeem(here, id_, slot=on(1, 9), outlet_id=south.id)

    assert await close(0, 9) == [there.id, here.id] and await stands(south.id) == (0, True, True)
    async with stage.engine.begin() as tx:
        await closures.reopen(tx, manager, TOMORROW, at=at())
    assert await stands(north.id) == (0, True, False), "closed there by itself, it stays so"
    async with stage.engine.begin() as tx:
        await closures.reopen(tx, manager, TOMORROW, outlet_id=north.id, at=at())
        said = [(each.what, each.facts.get("outlet")) for each in await log.read(tx, manager.merchant_id)]
    assert await stands(north.id) == (0, False, False)
    expected = [("day_reopened", north.name), ("day_reopened", None), ("day_closed", None), ("day_closed", north.name)]
    assert [each for each in said if each[0].startswith("day_")] == expected
    await story(stage, id_)


async def test_the_days_list_and_the_morning_tell_outlets_apart(stage: Stage) -> None:
    id_, north, south = await put_up(stage)
    for hour, outlet in ((9, north), (10, north), (10, south)):
        await stage.redeem(await somebody(stage), id_, slot=on(1, hour), outlet_id=outlet.id)
    market = stage.merchants["market"].id
    async with stage.engine.begin() as tx:
        found = await closures.on(tx, market, TOMORROW, outlet_id=north.id)
        assert [each.booked.outlet for each in found if each.booked] == [north.name] * 2
        assert len(await closures.on(tx, market, TOMORROW)) == 3
        assert await closures.to_come(tx, market, TOMORROW, outlet_id=south.id, at=at()) == 1
        assert (await closures.today_at(tx, TOMORROW, [market]))[market] == [(north.name, 2), (south.name, 1)]
        assert [each.id for each in await closures.outlets(tx, market, TODAY)] == [north.id, south.id]


async def test_who_booked_before_there_were_outlets_may_come_to_any_of_them(stage: Stage) -> None:
    north, south = await two_outlets(stage)
    document = wash()
    [id_] = await stage.publish(document)
    before = await somebody(stage)
    done = await stage.redeem(before, id_, slot=TEN)
    await stage.publish(document.model_copy(update={"booking": at_both(north, south)}))
    for outlet in (north, south):
        with pytest.raises(SlotTaken):
            await stage.redeem(await somebody(stage), id_, slot=TEN, outlet_id=outlet.id)
    with pytest.raises(SlotNeeded):
        await moves(stage, before, done, on(1, 9), None)
    assert await moves(stage, before, done, TEN, north.id)
    await stage.redeem(await somebody(stage), id_, slot=TEN, outlet_id=south.id)
    await stage.publish(document)  # and back: both are in the way of the one calendar
    with pytest.raises(SlotTaken):
        await stage.redeem(await somebody(stage), id_, slot=TEN)
    await stage.publish(document.model_copy(update={"booking": rule(at_once=3)}))
    await stage.redeem(await somebody(stage), id_, slot=TEN)
    with pytest.raises(SlotTaken):
        await stage.redeem(await somebody(stage), id_, slot=TEN)
    assert [each for each in await places(stage, id_) if each[2] == "booked"] == [
        ("23 10:00", 1, "booked"), ("23 10:00", 1, "booked"), ("23 10:00", 2, "booked"),
    ]  # fmt: skip


async def test_the_schema_itself_has_no_place_for_two_at_an_outlet(stage: Stage) -> None:
    id_, north, south = await put_up(stage)
    await stage.redeem(await somebody(stage), id_, slot=TEN, outlet_id=north.id)
    again = text(
        "INSERT INTO booking (offer_id, merchant_id, member_id, redemption_id, starts_at, ends_at, day, place, state, chosen_at,"
        " change_until, kept_until, outlet_id) SELECT offer_id, merchant_id, member_id, :other, starts_at, ends_at, day, place,"
        " state, chosen_at, change_until, kept_until, :outlet FROM booking WHERE offer_id = :id"
    )
    for outlet in (north.id, None):
        with pytest.raises(IntegrityError, match="ex_booking_place"):
            async with stage.engine.begin() as tx:
                await tx.execute(again, {"id": id_, "other": -id_, "outlet": outlet})
    async with stage.engine.begin() as tx:
        await tx.execute(again, {"id": id_, "other": -id_, "outlet": south.id})


@settings(max_examples=20, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(
    st.integers(1, 2),
    st.lists(st.tuples(st.integers(0, 2), st.sampled_from(["hold", "take", "leave", "move", "undo", "close", "open"]),
                       st.integers(1, 2), st.integers(9, 10), st.integers(0, 1)), min_size=4, max_size=14),
)  # fmt: skip
async def test_whatever_members_and_the_merchant_do_no_outlet_has_more_than_it_lets_in(
    stage: Stage, capacity: int, acts: list[tuple[int, str, int, int, int]]
) -> None:
    id_, *both = await put_up(stage, at_once=capacity)
    people, manager = [await stage.member((900, "-")) for _ in range(3)], await manager_of(stage)
    mine: dict[int, Redeemed] = {}
    for number, (which, act, day, hour, side) in enumerate(acts):
        who, starts, outlet = people[which], on(day, hour), both[side].id
        now = at(minutes=number * 4)
        try:
            if act == "take":
                mine[which] = await stage.redeem(
                    who, id_, slot=starts, outlet_id=outlet, when=now, nonce=f"n{number}-{which}"
                )
                continue
            async with stage.engine.begin() as tx:
                if act == "hold":
                    await bookings.hold(tx, who, id_, starts, outlet_id=outlet, at=now)
                elif act == "leave":
                    await bookings.let_go(tx, who.id, id_)
                elif act == "close":
                    on_ = TODAY + dt.timedelta(days=day)
                    await closures.close(tx, manager, on_, outlet_id=outlet, seen=99, grace_days=30, at=now)
                elif act == "open":
                    await closures.reopen(tx, manager, TODAY + dt.timedelta(days=day), outlet_id=outlet, at=now)
                elif which in mine and act == "move":
                    await bookings.move(tx, who, mine[which].redemption.id, starts, outlet_id=outlet, at=now)
                elif which in mine:
                    done = mine[which].redemption.id
                    await redemptions.undo(tx, who.id, done, grace_days=30, at=now, actor="test")
        except Refusal as no:
            assert isinstance(no, SlotTaken | PointsShort | NoSlotFree | VoucherTakenBack), no
        await no_more_than_let_in(stage, id_, capacity)
    async with stage.engine.begin() as tx:  # closed days are open again for the next example
        await tx.execute(text("DELETE FROM booking_closure"))
