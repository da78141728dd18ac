"""Nothing hot reads a whole table: what the verbs and the statements touch is counted by the server itself.

`pg_stat_xact_user_tables` tells the scans of the running transaction, also of the statements inside the load function, so this
sees the plans that really ran. With the pinned settings none may be sequential, on empty tables and on full ones; the statements
must not need the pins once there is something in the tables.
"""

from __future__ import annotations

import datetime as dt
from collections.abc import AsyncIterator
from dataclasses import replace

import asyncpg
import pytest
from sqlalchemy import text
from sqlalchemy.ext.asyncio import AsyncConnection, AsyncEngine, create_async_engine

from bench.stage import fill
from ledger.points import commands as c
from ledger.points import statements
from ledger.points.engine import PINNED_PLANS, apply, post
from tests.conftest import Database
from tests.ledger.points.builders import (
    COMMON,
    RAIL,
    VALUES,
    accrue,
    audited,
    burn,
    burn_hold,
    claw_back,
    common,
    expire,
    hold,
    make_currencies,
    moment,
    reinstate,
    reverse,
    transfer,
    void,
)

HOT = ("account", "entry", "hold", "lot", "position", "posting")
MEMBERS, LOTS = 1000, 50
TODAY = dt.date(2026, 11, 22)
AT = moment(TODAY)


@pytest.fixture
async def pinned(database: Database) -> AsyncIterator[AsyncEngine]:
    """Connections as the writers have them."""
    engine = create_async_engine(database.url, connect_args={"server_settings": PINNED_PLANS})
    yield engine
    await engine.dispose()


async def filled(database: Database) -> None:
    """Fifty thousand lots of a thousand members, with their entries, postings and positions, and statistics of them."""
    connection = await asyncpg.connect(database.dsn)
    await fill(connection, members=MEMBERS, lots=LOTS, points=100, expires=None)
    await connection.close()


async def scans(tx: AsyncConnection) -> dict[str, tuple[int, int]]:
    """Sequential scans of each hot table in this transaction, and rows fetched through its indexes."""
    rows = await tx.execute(
        text(
            "SELECT relname, coalesce(seq_scan, 0), coalesce(idx_tup_fetch, 0) FROM pg_stat_xact_user_tables"
            " WHERE relname = ANY(:hot)"
        ),
        {"hot": list(HOT)},
    )
    return {name: (sequential, fetched) for name, sequential, fetched in rows}


async def all_verbs(tx: AsyncConnection, owner: c.Owner, other: c.Owner) -> None:
    """Every verb once, a refusal and a repeated key."""
    about = {"owner": owner, "at": AT, "issuer_id": 1}
    spent = {"owner": owner, "at": AT}
    earned = await post(tx, accrue(500, expires_on=TODAY, available_on=TODAY, **about))
    await post(tx, accrue(5, expires_on=None, available_on=TODAY + dt.timedelta(days=2), **about))
    lunch, one, two = (
        await post(tx, burn(30, **spent)),
        await post(tx, hold(10, **spent)),
        await post(tx, hold(5, **spent)),
    )
    await post(tx, burn_hold(one.entry_id, **spent))
    await post(tx, void(two.entry_id, **spent))
    await post(tx, reinstate(lunch.entry_id, **spent))
    gift = await post(tx, transfer(20, other, **spent))
    await post(tx, reverse(gift.entry_id, **spent))
    values = {"value": VALUES[COMMON], "to_value": VALUES[RAIL]}
    await post(tx, c.Exchange(**common(points=5, to_currency=RAIL, expires_on=None, **values, **spent)))
    await post(tx, claw_back(earned.entry_id, 40, **about))
    await post(tx, c.Adjust(**common(points=-3, reason="recount", **about)))
    later = {"owner": owner, "at": moment(TODAY + dt.timedelta(days=3))}
    night = await post(tx, expire(**later))
    await post(tx, reverse(night.entry_id, **later))
    heir = c.member(other.id + 500)
    await post(tx, c.HandOver(to=heir, **common(**later)))
    await post(tx, claw_back(earned.entry_id, 5, **{**about, **later, "owner": heir, "of": owner}))
    await post(tx, accrue(1, expires_on=None, available_on=TODAY, **about))
    again = burn(1, **spent)
    outcomes = await apply(tx, [again, replace(again), burn(10**9, **spent)])
    assert isinstance(outcomes[1], c.Receipt) and outcomes[1].repeated and isinstance(outcomes[2], c.NotEnoughPoints)


@pytest.mark.parametrize("full", [False, True], ids=["empty", "full"])
async def test_no_verb_reads_a_table_from_end_to_end(database: Database, pinned: AsyncEngine, full: bool) -> None:
    await make_currencies(database.engine)
    if full:
        await filled(database)
    # The second round runs on the plans that the first one, on perhaps empty tables, has left.
    for n in (1, 2):
        async with pinned.begin() as tx:
            before = await scans(tx)
            await all_verbs(tx, c.member(n), c.member(n + 500))
            found = await scans(tx)
            assert {name: found[name][0] - before.get(name, (0, 0))[0] for name in found} == dict.fromkeys(HOT, 0)
    await audited(database.engine)


async def test_the_statements_use_indexes_without_being_told(database: Database) -> None:
    await filled(database)
    owner = c.member(321)
    async with database.engine.begin() as tx:
        (holding,) = await statements.wallet(tx, owner, today=TODAY)
        assert holding.available == LOTS * 100
        assert len(await statements.schedule(tx, owner, today=TODAY)) == LOTS
        lines = await statements.history(tx, owner, limit=8)
        assert len(await statements.history(tx, owner, limit=8, before=lines[-1].entry_id, kinds=["accrue"])) == 8
        assert await statements.history(tx, owner, limit=8, merchant_id=7, currency_id=COMMON) == []
        await statements.explain(tx, owner, lines[0].entry_id)
        assert len(await statements.would_burn(tx, owner, COMMON, 250, today=TODAY)) == 3
        found = await scans(tx)
    assert {name: sequential for name, (sequential, _) in found.items()} == dict.fromkeys(HOT, 0)


async def fetched(tx: AsyncConnection, before: dict[str, tuple[int, int]]) -> dict[str, int]:
    """Rows fetched through indexes since then, by table."""
    now = await scans(tx)
    return {name: now[name][1] - before.get(name, (0, 0))[1] for name in now}


async def test_a_page_costs_a_page_and_an_accrual_reads_no_lot(database: Database, pinned: AsyncEngine) -> None:
    await filled(database)
    ann = c.member(1)
    async with pinned.begin() as tx:
        before = await scans(tx)
        await statements.history(tx, ann, limit=8)
        assert (await fetched(tx, before))["entry"] <= 8 + 1
        before = await scans(tx)
        await apply(tx, [accrue(1, owner=ann, at=AT, issuer_id=1, available_on=TODAY, expires_on=None)])
        earned = await fetched(tx, before)
        # The owner's accounts, the issuer's and the programme's, however many lots the owner has; none of them is read.
        assert earned["account"] <= 24 and earned["lot"] == earned["entry"] == earned["posting"] == 0
        before = await scans(tx)
        await apply(tx, [burn(1, owner=ann, at=AT)])
        burned = await fetched(tx, before)
        assert burned["lot"] <= LOTS + 1 and burned["entry"] == burned["posting"] == 0


async def test_what_is_due_is_found_by_its_day(database: Database) -> None:
    """The night run's question: whose points are due? With default settings, out of fifty thousand positions."""
    await filled(database)
    async with database.engine.begin() as tx:
        await tx.execute(
            text(
                "INSERT INTO hold (owner_id, id, owner_kind, currency_id, points, lot_ids, lot_points, ends_at, state, resolved_by)"
                " SELECT n, n, 'member', 1, 1, '{1}', '{1}', '2026-01-01', CASE WHEN n % 100 = 0 THEN 'open' ELSE 'voided' END,"
                " CASE WHEN n % 100 > 0 THEN 1 END FROM generate_series(1, 20000) n"
            )
        )
        await tx.execute(text("ANALYZE hold"))
        plan = "\n".join(
            (
                await tx.execute(
                    text(
                        "EXPLAIN SELECT DISTINCT account_id FROM position WHERE due_on <= DATE '2027-02-01' ORDER BY 1 LIMIT 100"
                    )
                )
            ).scalars()
        )
        assert "Seq Scan" not in plan
        plan = "\n".join(
            (
                await tx.execute(
                    text("EXPLAIN SELECT id FROM hold WHERE state = 'open' AND ends_at <= '2026-11-22' LIMIT 100")
                )
            ).scalars()
        )
        assert "ix_hold_open" in plan
