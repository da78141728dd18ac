"""What a process knows of diaries is what the database says, whoever changed them, and whatever was rolled back."""

from __future__ import annotations

import datetime as dt
from dataclasses import replace
from typing import Any

from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from sqlalchemy import text
from sqlalchemy.exc import IntegrityError
from sqlalchemy.ext.asyncio import AsyncConnection

from ledger.redeeming import diaries, shelf
from ledger.redeeming.booking import AtOutlet, Diary, Openings
from ledger.redeeming.may_redeem import Listed
from tests.ledger.redeeming.booking_scene import on, rule, two_outlets, wash
from tests.ledger.redeeming.stage import Stage

ME, OTHER = 900_001, 900_002
SEAT = {"place": 1, "outlet": None}

_PLACE = """
    INSERT INTO booking (offer_id, merchant_id, member_id, redemption_id, starts_at, ends_at, day, place, state, chosen_at,
        change_until, kept_until, outlet_id)
    VALUES (:offer, 1, :member, :number, :at, CAST(:at AS timestamptz) + interval '1 hour', :at, :place, 'booked', :at, :at, :at,
        :outlet)
"""
_HOLD = """
    INSERT INTO booking (offer_id, merchant_id, member_id, starts_at, ends_at, day, place, state, chosen_at, held_until,
        outlet_id)
    VALUES (:offer, 1, :member, :at, CAST(:at AS timestamptz) + interval '1 hour', :at, :place, 'held', :at, :until, :outlet)
"""
_CHANGES = {
    "book": _PLACE,
    "hold": _HOLD,
    "move": "UPDATE booking SET starts_at = :at, ends_at = CAST(:at AS timestamptz) + interval '1 hour', place = :place"
    " WHERE offer_id = :offer AND state = 'booked' AND redemption_id % 3 = :number % 3",
    "elsewhere": "UPDATE booking SET outlet_id = :outlet WHERE offer_id = :offer AND state = 'booked'"
    " AND redemption_id % 3 = :number % 3",
    "free": "UPDATE booking SET state = 'freed', freed_by = 'member' WHERE state = 'booked' AND redemption_id % 4 = :number % 4",
    "prune": "DELETE FROM booking WHERE state = 'held' AND held_until <= :until",
    "close": "INSERT INTO booking_closure (merchant_id, day, outlet_id, closed_at, closed_by)"
    " VALUES (:merchant, CAST(:at AS timestamptz)::date, coalesce(CAST(:outlet AS bigint), 0), :at, 'test')"
    " ON CONFLICT DO NOTHING",
    "open": "DELETE FROM booking_closure WHERE merchant_id = :merchant",
}  # fmt: skip
CHANGES = st.tuples(
    st.sampled_from(["look", "book", "book", "hold", "hold", "prune", *_CHANGES]),
    st.integers(0, 3),  # which of the offers; the last is booked at outlets
    st.tuples(st.integers(0, 2), st.integers(9, 11)),  # day and hour
    st.integers(1, 2),  # place
    st.sampled_from([ME, OTHER]),
    st.integers(0, 2),  # nowhere in particular, or at one of two outlets
    st.sampled_from(["commit", "commit", "commit", "rollback", "savepoint"]),
)


def told(diary: Diary, now: dt.datetime) -> tuple[Diary, Openings, Openings, list[Any]]:
    """All that a diary says to those who look; past places say nothing."""
    taken = tuple(each for each in diary.taken if each.ends_at > now)
    free = list(diary.free(now, None))
    return replace(diary, taken=taken), diary.openings(now, None), diary.openings(now, "gold"), free


async def looked(tx: AsyncConnection, booked: list[Listed], now: dt.datetime, number: int) -> Any:
    """What is said of all diaries now, to whoever looks."""
    said = []
    for member, besides in ((ME, 0), (OTHER, 0), (ME, number - 3)):
        read = await diaries.read(tx, booked, now=now, member_id=member, besides=besides)
        said.append({id_: [told(diary, now) for diary in those] for id_, those in sorted(read.items())})
    return said


@settings(max_examples=50, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(
    st.lists(CHANGES, min_size=8, max_size=20),
    st.lists(st.one_of(st.integers(-5, 5), st.integers(-60, 600)), min_size=1, max_size=20),
)
async def test_what_is_known_of_diaries_is_what_stands_in_them(
    stage: Stage, changes: list[tuple[str, int, tuple[int, int], int, int, int, str]], minutes: list[int]
) -> None:
    north, south = await two_outlets(stage)
    at_outlets = (AtOutlet(outlet=north.name), AtOutlet(outlet=south.name, at_once=1))
    rules = [rule(at_once=2, days_ahead=n) for n in range(1, 4)] + [rule(at_once=2, outlets=at_outlets)]
    ids = await stage.publish(*(wash(booking=each) for each in rules))
    async with stage.engine.begin() as tx:
        booked = [await shelf.one(tx, id_) for id_ in ids]
    clock = on(0, 7)
    for number, (act, which, (day, hour), place, member, where, ending) in enumerate(changes, start=1):
        now = clock + dt.timedelta(
            minutes=minutes[number % len(minutes)]
        )  # also back: the programme's clock can be set
        clock = max(clock, now)
        async with stage.engine.connect() as tx:
            try:
                if act != "look":
                    values = {
                        "offer": ids[which],
                        "merchant": booked[0].merchant_id,
                        "member": member,
                        "place": place,
                        "number": ids[0] * 1000 + number,
                        "at": on(day, hour),
                        "until": now + dt.timedelta(minutes=10),
                        "outlet": (None, north.id, south.id)[where],
                    }
                    statement = text(_CHANGES[act])
                    names = set(statement.compile().params)
                    if ending == "savepoint":
                        async with tx.begin_nested() as saved:
                            await tx.execute(statement, {n: v for n, v in values.items() if n in names})
                            await looked(tx, booked, now, ids[0] * 1000 + number)
                            await saved.rollback()
                    else:
                        await tx.execute(statement, {n: v for n, v in values.items() if n in names})
                known = await looked(tx, booked, now, ids[0] * 1000 + number)
                scarce = {each.id for each in await diaries.scarce(tx, booked, now=now, tier=None)}
                diaries._kept.clear()
                assert await looked(tx, booked, now, ids[0] * 1000 + number) == known
                full = {id_ for id_, those in known[1].items() if all(each[1].first is None for each in those)}
                assert full <= scarce, "of what is said to be plenty something is free"
            except IntegrityError:
                await tx.rollback()
                continue
            await (tx.rollback() if ending == "rollback" else tx.commit())


async def test_a_diary_that_nobody_touched_is_read_once(stage: Stage) -> None:
    [id_] = await stage.publish(wash())
    async with stage.engine.begin() as tx:
        await tx.execute(text(_PLACE), {"offer": id_, "member": ME, "number": id_ * 1000, "at": on(1, 9), **SEAT})
        listed = await shelf.one(tx, id_)
    async with stage.engine.begin() as tx:
        first = (await diaries.read(tx, [listed], now=on(0, 8)))[id_][0]
        assert (await diaries.read(tx, [listed], now=on(0, 9), member_id=OTHER))[id_][0] is first
        await tx.execute(text("UPDATE booking SET evening_for = starts_at WHERE offer_id = :offer"), {"offer": id_})
        assert (await diaries.read(tx, [listed], now=on(0, 9)))[id_][0] is first, "who was reminded takes no place"
        await tx.execute(text("UPDATE booking SET place = 2 WHERE offer_id = :offer"), {"offer": id_})
        assert (await diaries.read(tx, [listed], now=on(0, 9)))[id_][0] is not first


async def test_a_clock_that_is_set_back_finds_what_was_over(stage: Stage) -> None:
    [id_] = await stage.publish(wash())
    async with stage.engine.begin() as tx:
        await tx.execute(text(_PLACE), {"offer": id_, "member": ME, "number": id_ * 1000, "at": on(0, 9), **SEAT})
        listed = await shelf.one(tx, id_)
        assert (await diaries.read(tx, [listed], now=on(400, 8)))[id_][0].taken == ()
        [place] = (await diaries.read(tx, [listed], now=on(0, 8)))[id_][0].taken
    assert place.starts_at == on(0, 9)
