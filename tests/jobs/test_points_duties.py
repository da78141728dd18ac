"""Release, expiry and lapsing through the timetable, on real slots: run, run again, run late, with many owners."""

from __future__ import annotations

import datetime as dt
from typing import Any

import pytest
from sqlalchemy import text

from chat.screen import Screen
from jobs import expire, release
from ledger.points import expiry
from ledger.points.audit import audit
from ledger.points.commands import Hold
from ledger.points.engine import post
from tests import turns
from tests.conftest import Database
from tests.jobs.duties import Office


@pytest.fixture
async def office(database: Database) -> Office:
    made = Office(database)
    await made.set_up()
    return made


async def balances(office: Office, member_id: int) -> dict[str, int]:
    rows = await office.sql(
        "SELECT purpose, balance FROM account WHERE owner_id = :m AND owner_kind = 'member'", m=member_id
    )
    return {str(purpose): int(balance) for purpose, balance in rows if balance}  # type: ignore[call-overload]


async def market(tx):  # type: ignore[no-untyped-def]
    from ledger.merchants import merchant as merchants

    return await merchants.by_code(tx, "market")


async def test_pending_points_become_available_on_their_day_and_not_before(office: Office) -> None:
    async with office.database.engine.begin() as tx:
        ming = await turns.joined(tx)
        await turns.earn(tx, ming, await market(tx), 100, available_on=turns.TODAY + dt.timedelta(days=7))
    await office.catch_up()
    assert await balances(office, ming.id) == {"pending": 100}
    await office.days_pass(6)
    await office.catch_up()
    assert await balances(office, ming.id) == {"pending": 100}
    await office.days_pass(1)
    await office.catch_up()
    assert await balances(office, ming.id) == {"available": 100}
    assert {state for state, _ in await office.outcomes("release")} == {"done"}


async def test_points_end_after_their_last_day_and_the_member_hears_once_of_all_lots(office: Office) -> None:
    async with office.database.engine.begin() as tx:
        ming = await turns.joined(tx)
        shop = await market(tx)
        for day, points in ((24, 30), (24, 20), (25, 7), (27, 5)):
            await turns.earn(tx, ming, shop, points, expires_on=dt.date(2026, 11, day))
    await office.days_pass(3)  # the 25th is its lot's last good day
    await office.catch_up()
    assert await balances(office, ming.id) == {"available": 12}
    await office.days_pass(1)
    await office.catch_up()
    await office.catch_up()
    assert await balances(office, ming.id) == {"available": 5}
    told = await office.sql("SELECT policy, params->>'text' FROM outbox ORDER BY id")
    assert told == [("operational", "50 分已到期"), ("operational", "7 分已到期")]


async def test_many_nights_missed_are_caught_up_in_one_run(office: Office) -> None:
    async with office.database.engine.begin() as tx:
        ming = await turns.joined(tx)
        shop = await market(tx)
        for day in range(23, 30):
            await turns.earn(tx, ming, shop, 1, expires_on=dt.date(2026, 11, day))
    await office.days_pass(30)
    await office.catch_up()
    assert await balances(office, ming.id) == {}
    assert len(await office.sql("SELECT * FROM outbox")) == 1
    assert len(await office.outcomes("expire")) == 1


async def test_more_owners_than_a_chunk_holds_are_all_served(office: Office, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(release, "LOTS_PER_CHUNK", 3)
    monkeypatch.setattr(expiry, "LOTS_PER_PAGE", 3)
    members = []
    async with office.database.engine.begin() as tx:
        shop = await market(tx)
        for number in range(8):
            members.append(await turns.joined(tx, 600 + number, f"会员{number}"))
            await turns.earn(tx, members[-1], shop, 10, expires_on=turns.TODAY)
            await turns.earn(tx, members[-1], shop, 5, available_on=turns.TODAY + dt.timedelta(days=1))
    await office.days_pass(1)
    await office.catch_up()
    for member in members:
        assert await balances(office, member.id) == {"available": 5}
    assert len(await office.sql("SELECT * FROM outbox")) == 8
    async with office.database.engine.connect() as tx:
        assert (await audit(tx)).violations == ()


async def test_a_night_that_breaks_off_goes_on_where_it_stopped_and_tells_nobody_twice(
    office: Office, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(expiry, "LOTS_PER_PAGE", 4)
    members = []
    async with office.database.engine.begin() as tx:
        shop = await market(tx)
        for number in range(6):
            members.append(await turns.joined(tx, 600 + number, f"会员{number}"))
            for points in (10, 20):
                await turns.earn(tx, members[-1], shop, points, expires_on=turns.TODAY)
    await office.days_pass(1)
    worded, notice = 0, expire.notice

    def breaks_off(*about: Any) -> Screen:
        nonlocal worded
        worded += 1
        if worded == 4:
            raise RuntimeError("the power went")
        return notice(*about)

    monkeypatch.setattr(expire, "notice", breaks_off)
    await office.catch_up()
    assert worded == 6 + 2  # the second page was booked, broke off while its notices were worded, and was booked anew
    for member in members:
        assert await balances(office, member.id) == {}
    assert await office.sql("SELECT kind, points, count(*) FROM entry WHERE kind = 'expire' GROUP BY 1, 2") == [
        ("expire", 30, 6)
    ]
    told = await office.sql("SELECT member_id, params->>'text' FROM outbox ORDER BY member_id")
    assert told == [(member.id, "30 分已到期") for member in members]
    async with office.database.engine.connect() as tx:
        assert (await audit(tx)).violations == ()


async def test_a_hold_that_nobody_used_returns_and_a_used_one_stays(office: Office) -> None:
    async with office.database.engine.begin() as tx:
        ming = await turns.joined(tx)
        await turns.earn(tx, ming, await market(tx), 100)
        for number, minutes in enumerate((5, 20)):
            await post(
                tx,
                Hold(
                    key=f"hold:{number}",
                    owner=ming.owner,
                    currency=turns.COMMON,
                    at=turns.turn(tx).at,
                    actor="test",
                    points=30,
                    ends_at=office.now + dt.timedelta(minutes=minutes),
                ),
            )
    await office.catch_up()
    assert await balances(office, ming.id) == {"available": 40, "held": 60}
    office.now += dt.timedelta(minutes=6)
    await office.catch_up()
    await office.catch_up()
    assert await balances(office, ming.id) == {"available": 70, "held": 30}
    await office.days_pass(1)
    await office.catch_up()
    assert await balances(office, ming.id) == {"available": 100}


async def test_keys_go_after_two_days_and_money_keys_stay(office: Office) -> None:
    async with office.database.engine.begin() as tx:
        await tx.execute(
            text(
                "INSERT INTO turn_key (key, at) VALUES ('update:1:1', :old), ('update:1:2', :fresh), ('api:1:k', :old),"
                " ('apply:7:k', :old)"
            ),
            {"old": office.now - dt.timedelta(hours=49), "fresh": office.now - dt.timedelta(hours=47)},
        )
    await office.catch_up()
    assert await office.sql("SELECT key FROM turn_key ORDER BY key") == [("api:1:k",), ("update:1:2",)]
    assert await office.outcomes("prune_keys") == [("done", {"chunks": 10})]
