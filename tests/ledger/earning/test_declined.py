"""Purchases that cover does not reach for: kept, never booked by half, and booked once when cover is back."""

from __future__ import annotations

import asyncio
import datetime as dt
from decimal import Decimal

import pytest
from sqlalchemy import text
from sqlalchemy.exc import DBAPIError
from sqlalchemy.ext.asyncio import AsyncConnection, create_async_engine

from ledger.earning import declined, making_up, rulebook
from ledger.earning.declined import NoSuchDeclined, NotDeclinedAnyMore, PurchaseDeclined
from ledger.earning.making_up import MadeUp
from ledger.earning.purchases import Booked, NoSuchPurchase, find_many
from ledger.earning.rules.documents import Base
from ledger.members import claims, walk_ins
from ledger.members.walk_ins import Handle
from ledger.merchants import guarantee, log
from ledger.merchants.authority import NotAllowed
from ledger.merchants.cover import CoverExhausted
from ledger.points.audit import audit
from ledger.points.engine import PINNED_PLANS, retryable
from ledger.points.statements import history
from tests.conftest import Database
from tests.ledger.earning.purchasing import book, bought, points
from tests.ledger.earning.shop import NOON, VAULT, ZONE, Shop, moment, new_member, open_shop


async def covered(tx: AsyncConnection, shop: Shop, minor: int) -> None:
    """So much stands behind the shop's points; one costs 2."""
    await guarantee.set_limit(tx, shop.merchant.id, minor, actor="test", at=moment())


async def make_up(tx: AsyncConnection, shop: Shop, *, days: int = 0, **how: int) -> MadeUp:
    """The manager books what was declined."""
    return await making_up.book_open(tx, shop.merchant, shop.manager, at=moment(days), zone=ZONE, vault=VAULT, **how)


async def documents(tx: AsyncConnection, shop: Shop) -> list[str]:
    """What is open, in its order."""
    return [one.document for one in await declined.page(tx, shop.merchant.id, limit=100)]


async def test_only_what_cover_does_not_reach_for_is_kept_and_no_document_is_taken(database: Database) -> None:
    async with database.engine.begin() as tx:
        shop = await open_shop(tx)
        await covered(tx, shop, 250)
        done = await book(tx, bought(shop, "a", 10_000), bought(shop, "b", 10_000, till="3", staff_id=shop.cashier.id))
        [kept] = await declined.page(tx, shop.merchant.id, limit=8)
        booked = await find_many(tx, [(shop.merchant.id, "a"), (shop.merchant.id, "b")])
    assert points(done) == [100, "cover_exhausted"]
    assert isinstance(done[1], CoverExhausted) and done[1].kept
    assert [document for _, document in booked] == ["a"]
    assert (kept.document, kept.member_id, kept.amount_minor, kept.is_open) == ("b", shop.customer, 10_000, True)
    again = kept.intended(shop.merchant)
    assert again == bought(shop, "b", 10_000, till="3", staff_id=shop.cashier.id), "the whole purchase is kept"


async def test_what_else_is_refused_or_earns_nothing_leaves_no_record(database: Database) -> None:
    async with database.engine.begin() as tx:
        shop = await open_shop(tx)
        await covered(tx, shop, 0)
        done = await book(tx, bought(shop, "a", 10_000, member_id=999_999), bought(shop, "b", 0), bought(shop, "c", 99))
        assert points(done) == ["no_such_member", "amount_must_be_positive", 0]
        assert await documents(tx, shop) == []


async def test_a_document_declined_again_is_one_record_and_the_member_is_told_once(database: Database) -> None:
    async with database.engine.begin() as tx:
        shop = await open_shop(tx)
        await covered(tx, shop, 0)
        await book(tx, bought(shop, "a"), bought(shop, "a"))
        keys = [(shop.merchant.id, "a"), (shop.merchant.id, "never")]
        assert [one.document for one in await declined.to_tell(tx, keys, now=NOON)] == ["a"]
        for days in (1, 2):
            await book(tx, bought(shop, "a"), days=days)
        assert await declined.to_tell(tx, keys, now=NOON) == []
        other = await new_member(tx)
        await book(tx, bought(shop, "a", member_id=other))
        assert [one.member_id for one in await declined.to_tell(tx, keys, now=NOON)] == [other], "it is theirs now"
        assert await declined.waiting(tx, shop.merchant.id) == (1, 10_000)
        times = await tx.scalar(text("SELECT times FROM declined_purchase"))
    assert times == 4


async def test_the_same_document_sent_again_closes_the_record(database: Database) -> None:
    async with database.engine.begin() as tx:
        shop = await open_shop(tx)
        await covered(tx, shop, 0)
        await book(tx, bought(shop, "a"))
        [kept] = await declined.page(tx, shop.merchant.id, limit=8)
        await covered(tx, shop, 1_000)
        [done] = await book(tx, bought(shop, "a"))
        assert isinstance(done, Booked) and not done.repeated
        assert await documents(tx, shop) == []
        assert await declined.waiting(tx, shop.merchant.id) == (0, 0)
        now = await declined.by_id(tx, kept.id)
        assert (now.booked_as, now.is_open) == (done.purchase.entry_id, False)
        assert await declined.of_member(tx, shop.customer, since=0) == []
        with pytest.raises(NotDeclinedAnyMore):
            await making_up.drop(tx, shop.manager, kept.id, at=moment())
        assert (await make_up(tx, shop)).booked == ()


async def test_made_up_in_order_as_far_as_cover_reaches_the_rest_stays(database: Database) -> None:
    async with database.engine.begin() as tx:
        shop = await open_shop(tx)
        await covered(tx, shop, 0)
        late, early = moment(minutes=30).now, moment(minutes=10).now
        await book(
            tx, bought(shop, "late", occurred_at=late), bought(shop, "early", occurred_at=early), bought(shop, "first")
        )
        assert await documents(tx, shop) == ["first", "early", "late"]
        assert (await make_up(tx, shop)) == MadeUp((), 3, ())
        await covered(tx, shop, 450)
        done = await make_up(tx, shop, days=1)
        assert [each.purchase.document for each in done.booked] == ["first", "early"]
        assert (done.uncovered, done.refused) == (1, ())
        assert await documents(tx, shop) == ["late"]
        await covered(tx, shop, 600)
        assert [each.purchase.document for each in (await make_up(tx, shop, days=1)).booked] == ["late"]
        lines = await history(tx, done.booked[0].receipt.owner)  # type: ignore[union-attr]
        said = [(each.what, each.facts) for each in await log.read(tx, shop.merchant.id)]
        proof = await audit(tx)
    assert [line.occurred_at for line in lines] == [late, early, NOON], "as they happened"
    assert said[:2] == [("declined_booked", {"awards": 1}), ("declined_booked", {"awards": 2})]
    assert proof.holds


async def test_the_rules_of_the_day_of_the_purchase_give_the_points(database: Database) -> None:
    async with database.engine.begin() as tx:
        shop = await open_shop(tx)
        await covered(tx, shop, 0)
        await book(tx, bought(shop, "a"))
        await rulebook.publish(
            tx, code="yunshan-base", merchant_id=shop.merchant.id, rule=Base(rate=Decimal(5)),
            valid_from=dt.date(2026, 11, 12), made_by="test", at=NOON,
        )  # fmt: skip
        await covered(tx, shop, 10_000)
        [done] = (await make_up(tx, shop, days=2)).booked
        [today] = await book(tx, bought(shop, "b", days=2), days=2)
    assert (done.purchase.points, done.purchase.bought_on) == (100, dt.date(2026, 11, 11))
    assert points([today]) == [500]


async def test_only_so_many_at_once_and_only_by_those_who_run_the_merchant(database: Database) -> None:
    async with database.engine.begin() as tx:
        shop = await open_shop(tx)
        await covered(tx, shop, 0)
        await book(tx, *(bought(shop, f"{n}") for n in range(5)))
        await covered(tx, shop, 10_000)
        with pytest.raises(NotAllowed):
            await making_up.book_open(tx, shop.merchant, shop.cashier, at=moment(), zone=ZONE, vault=VAULT)
        assert len((await make_up(tx, shop, most=3)).booked) == 3
        assert await documents(tx, shop) == ["3", "4"]


async def test_what_is_dropped_is_not_booked_until_it_is_declined_again(database: Database) -> None:
    async with database.engine.begin() as tx:
        shop, other = await open_shop(tx), await open_shop(tx, code="rival")
        await covered(tx, shop, 0)
        await book(tx, bought(shop, "a"), bought(shop, "b"))
        kept, _ = await declined.page(tx, shop.merchant.id, limit=8)
        with pytest.raises(NoSuchDeclined):
            await making_up.drop(tx, other.owner, kept.id, at=moment())
        with pytest.raises(NotAllowed):
            await making_up.drop(tx, shop.cashier, kept.id, at=moment())
        await making_up.drop(tx, shop.manager, kept.id, at=moment())
        with pytest.raises(NotDeclinedAnyMore):
            await making_up.drop(tx, shop.manager, kept.id, at=moment())
        assert await documents(tx, shop) == ["b"]
        assert len(await declined.of_member(tx, shop.customer, since=0)) == 2, "its member still sees what became of it"
        await book(tx, bought(shop, "a"))
        assert await documents(tx, shop) == ["a", "b"]


async def test_a_refund_of_a_declined_document_says_so(database: Database) -> None:
    async with database.engine.begin() as tx:
        shop = await open_shop(tx)
        await covered(tx, shop, 0)
        await book(tx, bought(shop, "a"))
        assert isinstance(await declined.missing(tx, shop.merchant.id, "a"), PurchaseDeclined)
        assert isinstance(await declined.missing(tx, shop.merchant.id, "b"), NoSuchPurchase)


async def test_what_was_declined_for_an_account_that_is_claimed_meanwhile_is_its_claimers(database: Database) -> None:
    async with database.engine.begin() as tx:
        shop = await open_shop(tx)
        me = await new_member(tx)
        old = await walk_ins.open_account(
            tx, VAULT, Handle("phone", "13812345678"), merchant_id=shop.merchant.id, terms="1", by="staff:1", now=NOON
        )
        await covered(tx, shop, 0)
        await book(tx, bought(shop, "a", member_id=old))
        [kept] = await declined.of_member(tx, old, since=0)
        assert not await declined.is_of(tx, kept.id, me)
        await claims.claim_by_phone(tx, VAULT, member_id=me, phone="13812345678", at=moment())
        assert [one.id for one in await declined.of_member(tx, me, since=0)] == [kept.id]
        assert await declined.is_of(tx, kept.id, me)
        await covered(tx, shop, 1_000)
        [done] = (await make_up(tx, shop)).booked
        assert done.purchase.member_id == me


async def test_two_who_make_up_at_once_and_a_till_that_sends_again_book_each_once(database: Database) -> None:
    """Two workers, thirty declined purchases, a till that reports ten of them anew: everything once, nothing twice."""
    async with database.engine.begin() as tx:
        shop = await open_shop(tx)
        await covered(tx, shop, 0)
        await book(tx, *(bought(shop, f"{n:02d}") for n in range(30)))
        # Headroom that a lost race took is free again only once it is counted.
        await covered(tx, shop, 2 * 30 * 200)
    engine = create_async_engine(database.url, pool_size=6)
    booked: list[str] = []

    async def committed(work: object) -> None:
        while True:
            try:
                async with engine.begin() as tx:
                    done = await work(tx)  # type: ignore[operator]
                break
            except DBAPIError as error:
                if not retryable(error):
                    raise
        booked.extend(each.purchase.document for each in done if isinstance(each, Booked) and not each.repeated)

    async def desk(tx: AsyncConnection) -> object:
        return (await make_up(tx, shop, most=20)).booked

    async def till(tx: AsyncConnection) -> object:
        return await book(tx, *(bought(shop, f"{n:02d}") for n in range(10, 20)))

    try:
        await asyncio.gather(*(committed(work) for work in (desk, till, desk, desk)))
        await committed(desk)
    finally:
        await engine.dispose()
    async with database.engine.begin() as tx:
        proof, count = await audit(tx), await tx.scalar(text("SELECT count(*) FROM purchase"))
        assert await documents(tx, shop) == []
    assert sorted(booked) == [f"{n:02d}" for n in range(30)] and count == 30
    assert proof.holds and proof.positions[0].issued == 3_000


async def test_plans_from_empty_tables_do_not_read_full_ones(database: Database) -> None:
    """A member's history and a till that is refused look only at what is theirs, however much others were declined and bought."""
    engine = create_async_engine(database.url, pool_size=1, connect_args={"server_settings": PINNED_PLANS})
    async with engine.begin() as tx:
        shop = await open_shop(tx)
        await covered(tx, shop, 0)

    async def looks(tx: AsyncConnection, document: str) -> None:
        await book(tx, bought(shop, document))
        await declined.to_tell(tx, [(shop.merchant.id, document)], now=NOON)
        [kept] = await declined.of_member(tx, shop.customer, since=0)
        assert await declined.is_of(tx, kept.id, shop.customer)
        assert isinstance(await declined.missing(tx, shop.merchant.id, document), PurchaseDeclined)
        await declined.waiting(tx, shop.merchant.id)

    for _ in range(3):
        async with engine.begin() as tx:
            await looks(tx, "mine")
    async with database.engine.begin() as tx:  # no statistics are taken: nobody tells the plans
        rows = {"id": shop.merchant.id + 1, "rows": 20_000}
        await tx.execute(
            text(
                "INSERT INTO declined_purchase (merchant_id, document, member_id, amount_minor, money, currency_id, bill,"
                " occurred_at, bought_on, channel, actor, reason, after_entry_id, declined_at, last_at)"
                " SELECT :id, 'x' || n, 1000000 + n, 1, 'CNY', 1, '{}', now(), now(), 'api', 'test', 'cover_exhausted', 0, now(),"
                " now() FROM generate_series(1, :rows) n"
            ),
            rows,
        )
        await tx.execute(
            text(
                "INSERT INTO purchase (merchant_id, document, member_id, amount_minor, money, points, entry_id, bill, occurred_at,"
                " bought_on) SELECT :id, 'x' || n, 1000000 + n, 1, 'CNY', 1, 1, '{}', now(), now() FROM generate_series(1, :rows) n"
            ),
            rows,
        )
    async with engine.begin() as tx:
        await looks(tx, "mine")
        read = text(
            "SELECT relname, coalesce(seq_tup_read, 0) + coalesce(idx_tup_fetch, 0) FROM pg_stat_xact_user_tables"
            " WHERE relname IN ('declined_purchase', 'purchase')"
        )
        found = {name: rows for name, rows in await tx.execute(read)}
    await engine.dispose()
    assert all(rows < 100 for rows in found.values()), found
    assert found["declined_purchase"] > 0
