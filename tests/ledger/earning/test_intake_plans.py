"""Booking reads what it needs and no more, also on a connection whose plans were made while every table was empty.

`pg_stat_xact_user_tables` counts what the running transaction really read, inside functions too.
"""

from __future__ import annotations

from sqlalchemy import text
from sqlalchemy.ext.asyncio import AsyncConnection, create_async_engine

from ledger.earning import refunds
from ledger.earning.purchases import Booked
from ledger.earning.returns import Returned
from ledger.points.engine import PINNED_PLANS
from tests.conftest import Database
from tests.ledger.earning.purchasing import bill, book, bought, write_rule
from tests.ledger.earning.shop import Shop, moment, new_member, open_shop

HOT = ["purchase", "refund", "cap_usage", "budget_usage", "member", "entry", "position", "account"]
ROWS = 20_000
READ_MOST = 300


async def read(tx: AsyncConnection) -> dict[str, tuple[int, int]]:
    """Sequential scans and rows fetched through indexes by this transaction, of each hot table."""
    rows = await tx.execute(
        text(
            "SELECT relname, coalesce(seq_scan, 0), coalesce(idx_tup_fetch, 0) FROM pg_stat_xact_user_tables"
            " WHERE relname = ANY(:hot)"
        ),
        {"hot": HOT},
    )
    return {name: (sequential, fetched) for name, sequential, fetched in rows}


async def a_day(tx: AsyncConnection, shop: Shop, seed: str) -> None:
    """Some purchases, one of them again, and every kind of refund."""
    batch = [bought(shop, f"{seed}-{n}", bill=bill(10000, item="lamp", pieces=2)) for n in range(4)]
    done = await book(tx, *batch, batch[0])
    again = await book(tx, batch[1])
    assert all(isinstance(one, Booked) for one in [*done, *again])
    first = done[0]
    assert isinstance(first, Booked)
    when = {"occurred_at": moment(1).now, "at": moment(1), "actor": "api"}
    await refunds.refund(
        tx, shop.merchant, purchase_id=first.purchase.id, document=f"R{seed}", amount_minor=100, **when
    )
    items = [Returned("lamp", 1)]
    await refunds.refund_items(tx, shop.merchant, member_id=shop.customer, items=items, document=f"C{seed}", **when)


async def test_plans_from_empty_tables_do_not_read_full_ones(database: Database) -> None:
    engine = create_async_engine(database.url, pool_size=1, connect_args={"server_settings": PINNED_PLANS})
    async with engine.begin() as tx:
        shop = await open_shop(tx)
        limits = {"caps": [{"points": 10**9, "per": "day"}], "budget": {"points": 10**9}}
        await write_rule(tx, shop, "first", kind="bonus", points=1, when={"first_purchase": "anywhere"}, **limits)
        await write_rule(tx, shop, "yunshan-base", kind="base", rate="1", **limits)
        await new_member(tx)
    for number in range(3):
        async with engine.begin() as tx:
            await a_day(tx, shop, f"early-{number}")
    async with database.engine.begin() as tx:  # no statistics are taken: nobody tells the plans
        facts = {"id": shop.merchant.id, "rows": ROWS}
        await tx.execute(
            text(
                "INSERT INTO purchase (merchant_id, document, member_id, amount_minor, money, points, entry_id, bill, occurred_at,"
                " bought_on) SELECT :id, 'x' || n, 1000000 + n, 1, 'CNY', 1, 1, '{}', now(), now() FROM generate_series(1, :rows) n"
            ),
            facts,
        )
        await tx.execute(
            text(
                "INSERT INTO cap_usage SELECT 1000000 + n, 'yunshan-base', 'ever', 1 FROM generate_series(1, :rows) n"
            ),
            facts,
        )
        await tx.execute(
            text(
                "INSERT INTO refund (merchant_id, document, purchase_id, amount_minor, points, occurred_at)"
                " SELECT :id, 'y' || n, 1000000 + n, 1, 0, now() FROM generate_series(1, :rows) n"
            ),
            facts,
        )
    async with engine.begin() as tx:
        await a_day(tx, shop, "late")
        found = await read(tx)
    await engine.dispose()
    assert {name for name, (sequential, _) in found.items() if sequential} == set()
    assert {name: fetched for name, (_, fetched) in found.items() if fetched > READ_MOST} == {}
    assert found["purchase"][1] > 0 and found["cap_usage"][1] > 0
