"""Partner codes: kept sealed, brought once, handed out once, whoever takes them at the same time."""

from __future__ import annotations

import asyncio
import datetime as dt

import pytest
from sqlalchemy import text

from ledger.redeeming import code_pools
from ledger.redeeming.code_pools import PartnerCode, Pool, PoolEmpty
from tests import turns
from tests.conftest import Database
from tests.turns import NOW, TODAY

SHOP, OTHER = 1, 2
SOON, GONE = TODAY + dt.timedelta(days=3), TODAY - dt.timedelta(days=1)


async def fill(database: Database, merchant: int, *codes: PartnerCode) -> list[bool]:
    async with database.engine.begin() as tx:
        return [made is not None for made in await code_pools.add(tx, turns.vault(), merchant, codes)]


async def take(database: Database, pool: str, what_for: str, merchant: int = SHOP) -> str:
    async with database.engine.begin() as tx:
        taken = await code_pools.take(tx, turns.vault(), merchant, pool, what_for=what_for, today=TODAY, now=NOW)
        return taken.code


async def test_a_merchant_brings_a_code_once_into_whichever_pool(database: Database) -> None:
    first = [PartnerCode("a", "K1", None), PartnerCode("a", "K2", None), PartnerCode("a", "K1", None)]
    assert await fill(database, SHOP, *first) == [True, True, False]
    assert await fill(database, SHOP, PartnerCode("b", "K1", SOON), PartnerCode("b", "K3", SOON)) == [False, True]
    assert await fill(database, OTHER, PartnerCode("a", "K1", None)) == [True]
    async with database.engine.connect() as tx:
        assert await code_pools.counts(tx, SHOP, today=TODAY) == [Pool("a", 2, 0, 0), Pool("b", 1, 0, 0)]
        assert await tx.scalar(text("SELECT count(*) FROM partner_code c WHERE c::text LIKE '%K1%'")) == 0


async def test_codes_go_soonest_ending_first_each_once_and_never_after_their_end(database: Database) -> None:
    codes = [PartnerCode("a", "later", None), PartnerCode("a", "soon", SOON), PartnerCode("a", "gone", GONE)]
    await fill(database, SHOP, *codes)
    assert await take(database, "a", "redemption:1") == "soon"
    assert await take(database, "a", "redemption:1") == "soon"
    assert await take(database, "a", "redemption:2") == "later"
    for pool, merchant in (("a", SHOP), ("nowhere", SHOP), ("a", OTHER)):
        with pytest.raises(PoolEmpty):
            await take(database, pool, "redemption:3", merchant)
    async with database.engine.connect() as tx:
        assert await code_pools.counts(tx, SHOP, today=TODAY) == [Pool("a", 0, 2, 1)]


async def test_takers_at_once_get_a_code_each_and_the_last_gets_none(database: Database) -> None:
    await fill(database, SHOP, *(PartnerCode("a", f"K{n}", None) for n in range(10)))
    jobs = [take(database, "a", f"redemption:{n}") for n in range(12)] + [take(database, "a", "redemption:0")]
    taken = await asyncio.gather(*jobs, return_exceptions=True)
    codes = [each for each in taken if isinstance(each, str)]
    assert len(set(codes)) == 10
    assert sum(isinstance(each, PoolEmpty) for each in taken) in (2, 3)
    assert all(isinstance(each, str | PoolEmpty) for each in taken)
