"""A claim while tills sell and refund: whoever comes first, nothing is left behind with an account that nobody looks at."""

from __future__ import annotations

import asyncio
from collections.abc import Awaitable, Callable

import pytest
from sqlalchemy import text
from sqlalchemy.exc import DBAPIError
from sqlalchemy.ext.asyncio import AsyncConnection, create_async_engine

from ledger.earning import intake, refunds
from ledger.earning.purchases import Booked
from ledger.members import claims, walk_ins
from ledger.members.walk_ins import Handle
from ledger.points.audit import audit
from ledger.points.engine import retryable
from tests.conftest import Database
from tests.ledger.earning.purchasing import book, bought
from tests.ledger.earning.shop import VAULT, ZONE, moment, new_member, open_shop

BEFORE, MEANWHILE = 8, 8
PHONE = Handle("phone", "13812345678")


@pytest.mark.parametrize("seed", range(4))
async def test_a_claim_beside_purchases_and_refunds_leaves_nothing_behind(database: Database, seed: int) -> None:
    at = moment()
    async with database.engine.begin() as tx:
        shop = await open_shop(tx)
        me = await new_member(tx)
        opened = {"merchant_id": shop.merchant.id, "terms": "1", "by": "staff:1", "now": at.now}
        old = await walk_ins.open_account(tx, VAULT, PHONE, **opened)
        early = await book(tx, *(bought(shop, f"e{n}", member_id=old) for n in range(BEFORE)))
        purchases = [each.purchase for each in early if isinstance(each, Booked)]
    engine = create_async_engine(database.url, pool_size=24)

    async def turn(work: Callable[[AsyncConnection], Awaitable[object]], after: int) -> None:
        await asyncio.sleep(after / 200)
        while True:
            try:
                async with engine.begin() as tx:
                    await work(tx)
                return
            except DBAPIError as error:
                if not retryable(error):
                    raise

    async def claim(tx: AsyncConnection) -> None:
        done = await claims.claim_by_phone(tx, VAULT, member_id=me, phone=PHONE.digits, at=at)
        assert isinstance(done, claims.Claimed)

    def sell(n: int) -> Callable[[AsyncConnection], Awaitable[object]]:
        return lambda tx: intake.book_many(tx, [bought(shop, f"m{n}", member_id=old)], at=at, zone=ZONE, vault=VAULT)

    def refund(n: int) -> Callable[[AsyncConnection], Awaitable[object]]:
        return lambda tx: refunds.refund(
            tx, shop.merchant, purchase_id=purchases[n].id, document=f"r{n}", occurred_at=at.now, at=at, actor="test"
        )

    try:
        work = [sell(n) for n in range(MEANWHILE)] + [refund(n) for n in range(BEFORE)]
        await asyncio.gather(turn(claim, 2 + seed), *(turn(each, n % 6) for n, each in enumerate(work)))
    finally:
        await engine.dispose()
    async with database.engine.connect() as tx:
        rows = await tx.execute(
            text("SELECT owner_id, purpose, balance FROM account WHERE owner_kind = 'member' AND balance <> 0")
        )
        assert [tuple(row) for row in rows] == [(me, "pending", 100 * MEANWHILE)], "refunds took what was bought before"
        assert (await audit(tx)).holds
