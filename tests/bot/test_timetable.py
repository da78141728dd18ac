"""Slots and leads: what is due runs once whoever leads, goes on where it stopped, and stops for who has lost the lead."""

from __future__ import annotations

import asyncio
import datetime as dt

import pytest
from sqlalchemy import text

from bot.leads import Lead, Lease, LostLead, take
from jobs.duty import Chunk, Duty, Progress, Slot
from ledger.points.commands import Moment
from tests.conftest import Database
from tests.jobs.duties import Office

DAILY = dt.time(0, 5)


def counting(database: Database, chunks: int = 1, fails_at: int = -1) -> Duty:
    """A duty of so many chunks, each leaving a row; `fails_at` raises once there, after its row was written."""
    failed: list[int] = []

    async def run(chunk: Chunk, slot: Slot) -> Progress | None:
        number = chunk.progress.get("number", 0)
        await chunk.tx.execute(
            text("INSERT INTO done (slot, number, key) VALUES (:slot, :number, :key)"),
            {"slot": slot.key, "number": number, "key": chunk.key},
        )
        if number == fails_at and not failed:
            failed.append(number)
            raise RuntimeError("once")
        return {"number": number + 1} if number + 1 < chunks else None

    return Duty("count", run, at=DAILY)


async def office_with(database: Database, duty: Duty) -> Office:
    office = Office(database, [duty])
    await office.set_up()
    await office.sql(
        "CREATE TABLE done (id bigint GENERATED ALWAYS AS IDENTITY, slot text, number int, key text UNIQUE)"
    )
    return office


def test_a_daily_duty_is_due_at_its_time_of_the_programmes_day() -> None:
    async def nothing(chunk: Chunk, slot: Slot) -> Progress | None:
        return None

    duty = Duty("nothing", nothing, at=dt.time(9, 0))
    zone = dt.timezone(dt.timedelta(hours=8))

    def at(hour: int, minute: int = 0, ahead: int = 0) -> Moment:
        now = dt.datetime(2026, 11, 22, hour, minute, tzinfo=zone)
        return Moment(now, now.date() + dt.timedelta(days=ahead), ahead)

    assert duty.last_due(at(8), zone) == dt.datetime(2026, 11, 21, 9, tzinfo=zone)
    assert duty.last_due(at(9), zone) == dt.datetime(2026, 11, 22, 9, tzinfo=zone)
    assert duty.last_due(at(9, ahead=3), zone) == dt.datetime(2026, 11, 25, 9, tzinfo=zone)
    often = Duty("often", nothing, every=dt.timedelta(minutes=10))
    assert often.last_due(at(9, 19), zone) == dt.datetime(2026, 11, 22, 9, 10, tzinfo=zone)
    assert often.last_due(at(9, 19, ahead=3), zone) == dt.datetime(2026, 11, 25, 9, 10, tzinfo=zone)


async def test_a_slot_runs_once_however_often_one_looks(database: Database) -> None:
    office = await office_with(database, counting(database, chunks=3))
    for _ in range(3):
        await office.catch_up()
    assert await office.sql("SELECT number FROM done ORDER BY id") == [(0,), (1,), (2,)]
    assert await office.outcomes("count") == [("done", {"chunks": 3})]
    await office.days_pass(1)
    await office.catch_up()
    assert len(await office.sql("SELECT * FROM done")) == 6


async def test_a_chunk_that_fails_leaves_nothing_and_is_tried_again(database: Database) -> None:
    office = await office_with(database, counting(database, chunks=3, fails_at=1))
    await office.catch_up()
    assert await office.sql("SELECT number FROM done ORDER BY id") == [(0,), (1,), (2,)]


async def test_a_duty_that_always_fails_ends_its_slot_and_lets_others_run(database: Database) -> None:
    async def broken(chunk: Chunk, slot: Slot) -> Progress | None:
        raise RuntimeError("always")

    office = await office_with(database, Duty("broken", broken, at=DAILY))
    await office.catch_up()
    assert await office.outcomes("broken") == [("failed", {"error": "RuntimeError: always"})]


async def test_two_leads_at_once_run_a_slot_once(database: Database) -> None:
    """A second process that believes it leads (its lease lapsed while it was paused) does nothing at all."""
    office = await office_with(database, counting(database, chunks=4))
    old = await office.lead("paused")
    await office.sql("UPDATE lead SET until = clock_timestamp() - interval '1 second'")
    new = await office.lead("awake")
    assert (old.epoch, new.epoch) == (1, 2)
    results = await asyncio.gather(
        office.timetable.catch_up(old), office.timetable.catch_up(new), return_exceptions=True
    )
    assert isinstance(results[0], LostLead) and results[1] is None
    assert await office.sql("SELECT number FROM done ORDER BY id") == [(0,), (1,), (2,), (3,)]


async def test_a_new_lead_goes_on_where_the_old_one_stopped(database: Database) -> None:
    holder: list[Lease] = []

    async def run(chunk: Chunk, slot: Slot) -> Progress | None:
        number = chunk.progress.get("number", 0)
        await chunk.tx.execute(
            text("INSERT INTO done (slot, number, key) VALUES (:slot, :number, :key)"),
            {"slot": slot.key, "number": number, "key": chunk.key},
        )
        if number == 1 and holder[0].epoch == 1:
            raise asyncio.CancelledError  # the process goes in the middle of a chunk
        return {"number": number + 1} if number < 3 else None

    office = await office_with(database, Duty("count", run, at=DAILY))
    holder.append(await office.lead("first"))
    with pytest.raises(asyncio.CancelledError):
        await office.catch_up(holder[0])
    assert await office.sql("SELECT number FROM done ORDER BY id") == [(0,)]
    await office.sql("UPDATE lead SET until = clock_timestamp() - interval '1 second'")
    holder[0] = await office.lead("second")
    await office.catch_up(holder[0])
    assert await office.sql("SELECT number FROM done ORDER BY id") == [(0,), (1,), (2,), (3,)]


async def test_a_lead_held_by_somebody_is_not_taken_and_a_lapsed_one_is(database: Database) -> None:
    async with database.engine.begin() as tx:
        first = await take(tx, "jobs", "a")
        assert first == Lease("jobs", "a", 1)
        assert await take(tx, "jobs", "b") is None
        assert await take(tx, "jobs", "a") == first
        await tx.execute(text("UPDATE lead SET until = clock_timestamp() - interval '1 second'"))
        assert await take(tx, "jobs", "b") == Lease("jobs", "b", 2)
        assert await take(tx, "jobs", "a") is None
        with pytest.raises(LostLead):
            await first.check(tx)


async def test_work_follows_the_lead_and_ends_with_it(database: Database) -> None:
    working: list[str] = []

    def work(name: str):  # type: ignore[no-untyped-def]
        async def run(lease: Lease) -> None:
            working.append(name)
            try:
                await asyncio.Event().wait()
            finally:
                working.remove(name)

        return run

    leads = [Lead(database.engine, "jobs", name, work(name), renew_seconds=0.05) for name in ("a", "b")]
    tasks = [asyncio.create_task(lead.run()) for lead in leads]
    await asyncio.sleep(0.4)
    assert len(working) == 1
    leader = working[0]
    tasks["ab".index(leader)].cancel()  # gives its lease up, so nobody waits for it to lapse
    await asyncio.sleep(0.4)
    assert working == ["b" if leader == "a" else "a"]
    for task in tasks:
        task.cancel()
    await asyncio.gather(*tasks, return_exceptions=True)
    assert working == []


async def test_moving_the_clock_runs_what_falls_due(database: Database) -> None:
    office = await office_with(database, counting(database))
    lease = await office.lead()
    running = asyncio.create_task(office.timetable.run(lease))
    try:
        await office.timetable.nudge()
        assert len(await office.sql("SELECT * FROM done")) == 1
        await office.days_pass(40)
        await office.timetable.nudge()
        assert len(await office.sql("SELECT * FROM done")) == 2
    finally:
        running.cancel()
        await asyncio.gather(running, return_exceptions=True)
