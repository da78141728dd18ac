"""The process that books is killed at any moment: what it committed is whole, and counted to the point."""

from __future__ import annotations

import asyncio
import sys
from pathlib import Path

from sqlalchemy import text

from ledger.points.audit import audit
from tests.conftest import Database
from tests.ledger.earning.purchasing import counted, open_campaign, recounted, write_rule
from tests.ledger.earning.shop import open_shop

ROOT = Path(__file__).parents[3]
KILLS = 3


async def booked(database: Database) -> int:
    async with database.engine.connect() as tx:
        return int(await tx.scalar(text("SELECT count(*) FROM purchase")) or 0)


async def test_a_killed_process_leaves_whole_purchases_and_exact_counts(database: Database) -> None:
    async with database.engine.begin() as tx:
        shop = await open_shop(tx)
        await open_campaign(tx, "festival", points=10**7)
        limits = {"caps": [{"points": 10**6, "per": "day"}], "budget": {"points": 10**7}}
        await write_rule(tx, shop, "yunshan-base", kind="base", rate="1", campaign="festival", **limits)
    for run in range(KILLS):
        before = await booked(database)
        process = await asyncio.create_subprocess_exec(
            sys.executable, "-m", "tests.ledger.earning.intake_process", database.url, str(run), cwd=ROOT
        )
        while await booked(database) <= before:
            assert process.returncode is None
            await asyncio.sleep(0.05)
        await asyncio.sleep(0.03 * run)
        process.kill()
        await process.wait()
    async with database.engine.connect() as tx:
        await tx.execute(
            text("LOCK TABLE purchase IN SHARE MODE")
        )  # what the server still does for the dead is waited for
        entries, purchases = [await tx.scalar(text(f"SELECT count(*) FROM {table}")) for table in ("entry", "purchase")]
        assert await counted(tx) == await recounted(tx)
        found = await audit(tx)
    assert entries == purchases
    assert found.violations == ()
