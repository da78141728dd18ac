"""Expiry by the page beside the verb: whatever an owner has, both leave the same rows and tell the same.

The verb is the model. From one random beginning — lots of several issuers and currencies, pending and available, partly spent, held
or given away, keys used before — the due owners are expired once by pages of any size and, that rolled back, once by a command
each. Entries must be equal in every column but their id, postings leg by leg, positions and balances altogether.
"""

from __future__ import annotations

import asyncio
import datetime as dt
from collections.abc import Iterator
from typing import Any

import asyncpg
import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from sqlalchemy import text
from sqlalchemy.ext.asyncio import AsyncConnection, create_async_engine

from bench.stage import fill
from ledger.points import commands as c
from ledger.points import expiry, statements
from ledger.points.audit import audit
from ledger.points.engine import PINNED_PLANS, apply, post
from tests.conftest import Database
from tests.ledger.points import builders
from tests.ledger.points.builders import COMMON, DAY, RAIL, accrue, audited, hold, make_currencies, moment
from tests.ledger.points.test_model import World
from tests.ledger.points.test_plans import fetched, scans

OWNERS = [
    c.Owner("member", 11),
    c.Owner("member", 12),
    c.Owner("member", 13),
    c.Owner("pool", 21),
    c.Owner("merchant", 5),
]
NIGHT = DAY + dt.timedelta(days=10)
KEY = "job:expire:night"

LOT = st.tuples(
    st.sampled_from((*OWNERS[:1] * 5, *OWNERS[:2] * 3, *OWNERS)),
    st.sampled_from((COMMON, COMMON, COMMON, RAIL)),
    st.sampled_from((5, 6)),
    st.integers(1, 60),
    st.sampled_from((0, 0, 0, 0, 3, 9, 10, 11)),  # days until it is available
    st.sampled_from((8, 5, 6, 7, 4, 0, 1, 9, 10, 20, None)),  # days that it is good from then on
)
SPENT = st.tuples(st.sampled_from(("burn", "hold", "transfer")), st.sampled_from(OWNERS), st.integers(1, 40))

ENTRIES = """
    SELECT CASE WHEN key LIKE '%:due:%' THEN kind ELSE key END, fingerprint, kind, owner_kind, owner_id, counter_kind, counter_id,
           currency_id, points, issuer_id, merchant_id, undoes_id, actor, reason, facts, trace, occurred_at, posted_at, posted_on,
           (SELECT json_agg(json_build_array(a.owner_kind, a.owner_id, a.purpose, a.currency_id,
                       CASE WHEN p.balance_after IS NOT NULL THEN p.number END, p.lot_id, p.issuer_id, p.points, p.balance_after)
                   ORDER BY p.account_id, p.number)
              FROM posting p JOIN account a ON a.id = p.account_id WHERE p.entry_id = e.id)
      FROM entry e WHERE e.id > :since ORDER BY owner_id, owner_kind, currency_id, e.id
"""
POSITIONS = "SELECT * FROM position ORDER BY account_id, lot_id"
ACCOUNTS = "SELECT * FROM account WHERE version > 0 ORDER BY id"


async def _rows(tx: AsyncConnection, sql: str, **values: Any) -> list[tuple[Any, ...]]:
    return [tuple(row) for row in await tx.execute(text(sql), values)]


async def _left(tx: AsyncConnection, since: int) -> list[list[tuple[Any, ...]]]:
    return [await _rows(tx, ENTRIES, since=since), await _rows(tx, POSITIONS), await _rows(tx, ACCOUNTS)]


def _night(owner: c.Owner, currency: int, at: c.Moment) -> c.Expire:
    key = f"{KEY}:{owner.kind}:{owner.id}:{currency}"
    return c.Expire(key=key, owner=owner, currency=currency, at=at, actor="job:expire")


async def _by_the_page(tx: AsyncConnection, at: c.Moment, lots: int) -> list[tuple[c.Owner, int, int]]:
    told, after = [], expiry.START
    for _ in range(200):
        ended, then = await expiry.page(tx, key=KEY, actor="job:expire", at=at, after=after, lots=lots)
        told += [(each.owner, each.currency, each.points) for each in ended]
        if then is None:
            return sorted(told)
        assert then > after
        after = then
    raise AssertionError("no end")


async def _one_by_one(tx: AsyncConnection, at: c.Moment) -> list[tuple[c.Owner, int, int]]:
    due = await _rows(
        tx,
        "SELECT DISTINCT a.owner_kind, a.owner_id, a.currency_id FROM position p JOIN account a ON a.id = p.account_id"
        " WHERE a.purpose = 'available' AND p.due_on <= :today",
        today=at.today,
    )
    outcomes = await apply(tx, [_night(c.Owner(kind, id_), currency, at) for kind, id_, currency in due])
    receipts = [one for one in outcomes if isinstance(one, c.Receipt) and not one.repeated]
    return sorted((one.owner, one.currency, one.points) for one in receipts)


async def _both(tx: AsyncConnection, lots: list[Any], spent: list[Any], before: list[c.Owner], page: int) -> None:
    outer = await tx.begin()
    for owner, currency, issuer, points, wait, life in lots:
        since = DAY + dt.timedelta(days=wait)
        until = None if life is None else since + dt.timedelta(days=life)
        about = {"owner": owner, "currency": currency, "issuer_id": issuer}
        await apply(tx, [accrue(points, available_on=since, expires_on=until, **about)])
    for what, owner, points in spent:
        about = {"owner": owner, "at": moment(DAY, 60)}
        await apply(
            tx,
            [
                builders.transfer(points, OWNERS[0], **about)
                if what == "transfer"
                else getattr(builders, what)(points, **about)
            ],
        )
    # The key was used for some already, on an earlier day; what has become due since waits for another night.
    await apply(tx, [_night(owner, COMMON, moment(DAY + dt.timedelta(days=4))) for owner in before])
    since = await tx.scalar(text("SELECT coalesce(max(id), 0) FROM entry"))
    at = moment(NIGHT)

    inner = await tx.begin_nested()
    told = await _by_the_page(tx, at, page)
    left = await _left(tx, since)
    found = await audit(tx)
    assert found.holds, "\n".join(map(str, found.violations))
    assert await _by_the_page(tx, at, page) == []
    assert await _left(tx, since) == left
    await inner.rollback()

    assert told == await _one_by_one(tx, at)
    assert left == await _left(tx, since)
    await outer.rollback()


@pytest.fixture
def world(database: Database) -> Iterator[World]:
    made = World(database.url)
    yield made
    made.close()


def test_pages_leave_what_the_verb_leaves(world: World) -> None:
    @settings(max_examples=100, deadline=None, database=None, suppress_health_check=list(HealthCheck))
    @given(
        st.lists(LOT, min_size=3, max_size=14),
        st.lists(SPENT, max_size=4),
        st.lists(st.sampled_from(OWNERS), max_size=2, unique=True),
        st.integers(1, 5) | st.just(1000),
    )
    def check(lots: list[Any], spent: list[Any], before: list[c.Owner], page: int) -> None:
        world.run(_both(world.tx, lots, spent, before, page))

    check()


async def test_a_point_is_good_on_its_last_day_and_gone_on_the_next(database: Database) -> None:
    await make_currencies(database.engine)
    async with database.engine.begin() as tx:
        await apply(tx, [accrue(7, owner=OWNERS[0], expires_on=NIGHT), accrue(5, owner=OWNERS[0], expires_on=None)])
        assert await expiry.page(tx, key=KEY, actor="job:expire", at=moment(NIGHT)) == ([], None)
        (ended,), _ = await expiry.page(tx, key=KEY, actor="job:expire", at=moment(NIGHT + dt.timedelta(days=1)))
        assert (ended.owner, ended.currency, ended.points) == (OWNERS[0], COMMON, 7)
        (line, *_) = await statements.history(tx, OWNERS[0])
        opened = await statements.explain(tx, OWNERS[0], ended.entry_id)
    assert (line.entry_id, line.kind, line.points) == (ended.entry_id, "expire", -7)
    assert [(lot.points, lot.expires_on) for lot in opened.lots] == [(7, NIGHT)]
    await audited(database.engine)


async def test_an_expiry_by_the_page_can_be_reversed_as_any_other(database: Database) -> None:
    await make_currencies(database.engine)
    late = NIGHT + dt.timedelta(days=1)
    async with database.engine.begin() as tx:
        await apply(tx, [accrue(7, owner=OWNERS[0], expires_on=NIGHT), accrue(5, owner=OWNERS[0], expires_on=DAY)])
        (ended,), _ = await expiry.page(tx, key=KEY, actor="job:expire", at=moment(late))
        until = late + dt.timedelta(days=30)
        await post(tx, builders.reverse(ended.entry_id, owner=OWNERS[0], at=moment(late), expires_on=until))
        (due,) = await statements.schedule(tx, OWNERS[0], today=late)
    assert (due.points, due.expires_on) == (12, until)
    await audited(database.engine)


async def test_a_night_beside_members_who_act_ends_every_lot_once(database: Database) -> None:
    """Pages and verbs on one hundred members at once: whoever comes first expires; nothing waits for itself, nothing is lost."""
    await make_currencies(database.engine)
    members = [c.member(n) for n in range(1, 101)]
    engine = create_async_engine(database.url, pool_size=6, connect_args={"server_settings": PINNED_PLANS})
    async with engine.begin() as tx:
        for life in (0, 3, 9, 30):
            until = DAY + dt.timedelta(days=life)
            await apply(tx, [accrue(10, owner=one, expires_on=until) for one in members])
    at = moment(NIGHT)

    async def night() -> int:
        after: expiry.Place | None = expiry.START
        points = 0
        while after is not None:
            async with engine.begin() as tx:
                ended, after = await expiry.page(tx, key=KEY, actor="job:expire", at=at, after=after, lots=25)
                points += sum(each.points for each in ended)
        return points

    async def people(part: list[c.Owner]) -> None:
        for one, other in zip(part, reversed(part), strict=True):
            async with engine.begin() as tx:
                await apply(tx, [builders.transfer(1, other, owner=one, at=at), hold(1, owner=one, at=at)])

    points, *_ = await asyncio.gather(night(), people(members[::3]), people(members[::-2]), people(members[1::4]))
    assert 0 < points <= 3000
    async with engine.connect() as tx:
        ended = await tx.scalar(text("SELECT sum(points) FROM entry WHERE kind = 'expire'"))
        due = await tx.scalar(text("SELECT count(*) FROM position WHERE due_on <= :today"), {"today": NIGHT})
    assert (ended, due) == (3000, 0)
    await engine.dispose()
    await audited(database.engine)


@pytest.mark.parametrize("pins", [{}, PINNED_PLANS], ids=["usual", "pinned"])
async def test_a_page_reads_a_page_however_much_is_due(database: Database, pins: dict[str, str]) -> None:
    connection = await asyncpg.connect(database.dsn)
    await fill(connection, members=4000, lots=5, points=100, expires="2026-11-21", issuers=3)
    await connection.close()
    engine = create_async_engine(database.url, connect_args={"server_settings": pins})
    after: expiry.Place | None = expiry.START
    at = moment(dt.date(2026, 11, 22))
    for _ in range(3):
        async with engine.begin() as tx:
            before = await scans(tx)
            assert after is not None
            ended, after = await expiry.page(tx, key=KEY, actor="job:expire", at=at, after=after, lots=500)
            read = await fetched(tx, before)
        assert [each.points for each in ended] == [500] * 100
        assert read["account"] <= 1500 and read["position"] <= 2000 and read["lot"] <= 600 and read["entry"] <= 200
    await engine.dispose()
