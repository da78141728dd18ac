"""Booking and refunding on the real engine: each document earns once, each refund takes back what its purchase no longer earns."""

from __future__ import annotations

import asyncio
import datetime as dt
from decimal import Decimal

import pytest
from sqlalchemy import text
from sqlalchemy.exc import DBAPIError

from ledger.earning import intake, refunds, rulebook
from ledger.earning.intake import Intended
from ledger.earning.purchases import AmountMustBePositive, Booked, DocumentTaken, NoSuchPurchase
from ledger.earning.refund_plans import MoreThanPurchase
from ledger.earning.rules.bill import Bill, Part
from ledger.earning.rules.documents import Base
from ledger.merchants.merchant import MerchantMayNotIssue, Never, Terms
from ledger.points import statements
from ledger.points.commands import Burn, Moment, member
from ledger.points.engine import post, retryable
from tests.conftest import Database
from tests.ledger.earning.shop import NOON, ZONE, Shop, moment, new_member, open_shop


def bill(minor: int, otherwise: int = 0) -> Bill:
    return Bill((Part(minor),), "CNY", otherwise)


async def buy(tx, shop: Shop, minor: int, *, document: str = "0001", at: Moment | None = None, **other) -> Booked:
    facts = {"document": document, "member_id": shop.customer, "bill": bill(minor), "actor": "api", **other}
    when = at or moment()
    one = Intended(merchant=shop.merchant, bought_on=when.today, occurred_at=when.now, **facts)
    return await intake.book(tx, one, at=when, zone=ZONE)


async def give_back(tx, shop: Shop, bought: Booked, minor: int, *, document: str = "R1", days: int = 1):
    when = moment(days)
    return await refunds.refund(
        tx,
        shop.merchant,
        purchase_id=bought.purchase.id,
        document=document,
        amount_minor=minor,
        occurred_at=when.now,
        at=when,
        actor="api",
    )


async def holding(tx, member_id: int, days: int = 0) -> statements.Holding:
    known = await statements.currencies(tx)
    found = await statements.wallet(tx, member(member_id), today=moment(days).today)
    return found[0] if found else statements.Holding(known[1])


async def test_a_purchase_is_pending_through_the_return_window_and_lives_by_the_terms(database: Database) -> None:
    async with database.engine.begin() as tx:
        shop = await open_shop(tx)
        booked = await buy(tx, shop, 30000)
        now, later = await holding(tx, shop.customer), await holding(tx, shop.customer, days=7)
        opened = await statements.explain(tx, member(shop.customer), booked.purchase.entry_id)
    assert (now.pending, now.available, now.next_release) == (300, 0, (dt.date(2026, 11, 18), 300))
    assert (later.pending, later.available) == (0, 300)
    assert opened.lots[0].expires_on == dt.date(2027, 11, 30)
    assert opened.trace[0]["points"] == "300"
    assert opened.lots[0].rule == "yunshan-base@1"


async def test_the_same_document_earns_once_and_other_facts_are_refused(database: Database) -> None:
    async with database.engine.begin() as tx:
        shop = await open_shop(tx)
        first = await buy(tx, shop, 30000)
        again = await buy(tx, shop, 30000, at=moment(days=2))
        assert (again.repeated, again.purchase) == (True, first.purchase)
        for other in ({"bill": bill(30001)}, {"member_id": shop.owner.member_id}, {"bill": bill(30000, 100)}):
            with pytest.raises(DocumentTaken):
                await buy(tx, shop, 30000, **other)
        assert (await holding(tx, shop.customer)).pending == 300


async def test_a_repeat_under_a_new_rule_still_gets_the_first_result(database: Database) -> None:
    async with database.engine.begin() as tx:
        shop = await open_shop(tx)
        await buy(tx, shop, 30000)
        await rulebook.publish(
            tx,
            code="yunshan-base",
            merchant_id=shop.merchant.id,
            rule=Base(rate=Decimal(2)),
            valid_from=moment().today,
            made_by="test",
            at=NOON,
        )
        assert (await buy(tx, shop, 30000)).purchase.points == 300
        assert (await buy(tx, shop, 30000, document="0002")).purchase.points == 600


async def test_a_purchase_too_small_leaves_a_record_that_says_why(database: Database) -> None:
    async with database.engine.begin() as tx:
        shop = await open_shop(tx)
        booked = await buy(tx, shop, 99)
        opened = await statements.explain(tx, member(shop.customer), booked.purchase.entry_id)
    assert (booked.purchase.points, opened.reason, opened.line.size) == (0, "below_one_point", 0)


async def test_only_a_certified_merchant_issues_and_only_for_something(database: Database) -> None:
    async with database.engine.begin() as tx:
        shop = await open_shop(tx)
        with pytest.raises(AmountMustBePositive):
            await buy(tx, shop, 0)
        await tx.execute(text("UPDATE merchant SET status = 'suspended'"))
        with pytest.raises(MerchantMayNotIssue) as no:  # as it is now, whatever the caller last knew of it
            await buy(tx, shop, 100)
    assert no.value.facts["status"] == "suspended"


async def test_sixteen_deliveries_of_one_document_at_once_earn_once(database: Database) -> None:
    async with database.engine.begin() as tx:
        shop = await open_shop(tx)

    async def deliver() -> bool:
        while True:
            try:
                async with database.engine.begin() as tx:
                    return (await buy(tx, shop, 30000)).repeated
            except DBAPIError as error:
                if not retryable(error):
                    raise

    repeats = await asyncio.gather(*(deliver() for _ in range(16)))
    assert sorted(repeats) == [False] + [True] * 15
    async with database.engine.begin() as tx:
        assert (await holding(tx, shop.customer)).pending == 300
        assert await tx.scalar(text("SELECT count(*) FROM purchase")) == 1


async def test_a_refund_takes_back_what_the_rest_no_longer_earns(database: Database) -> None:
    async with database.engine.begin() as tx:
        shop = await open_shop(tx)
        bought = await buy(tx, shop, 30050)
        part = await give_back(tx, shop, bought, 100)
        assert (part.points, (await holding(tx, shop.customer)).pending) == (1, 299)
        nothing = await give_back(tx, shop, bought, 40, document="R2")  # ¥299.10 still earns 299
        assert (nothing.points, nothing.receipt) == (0, None)
        rest = await give_back(tx, shop, bought, 29910, document="R3")
        assert (rest.points, rest.purchase.left_minor) == (299, 0)
        assert (await holding(tx, shop.customer)).pending == 0


async def test_a_refund_is_taken_once_bounded_and_by_its_own_merchant(database: Database) -> None:
    async with database.engine.begin() as tx:
        shop = await open_shop(tx)
        other = await open_shop(tx, code="other")
        bought = await buy(tx, shop, 30000)
        first = await give_back(tx, shop, bought, 10000)
        again = await give_back(tx, shop, bought, 10000, days=3)
        assert (again.repeated, again.points, again.purchase.refunded_minor) == (True, first.points, 10000)
        with pytest.raises(DocumentTaken):
            await give_back(tx, shop, bought, 9999)
        with pytest.raises(MoreThanPurchase) as no:
            await give_back(tx, shop, bought, 20001, document="R2")
        assert (no.value.asked_minor, no.value.left_minor) == (20001, 20000)
        with pytest.raises(AmountMustBePositive):
            await give_back(tx, shop, bought, 0, document="R2")
        with pytest.raises(NoSuchPurchase):
            await give_back(tx, other, bought, 1, document="R2")


async def test_a_refund_is_computed_by_the_version_that_paid(database: Database) -> None:
    async with database.engine.begin() as tx:
        shop = await open_shop(tx)
        bought = await buy(tx, shop, 30000)
        await rulebook.publish(
            tx,
            code="yunshan-base",
            merchant_id=shop.merchant.id,
            rule=Base(rate=Decimal(5)),
            valid_from=dt.date(2026, 1, 1),
            made_by="test",
            at=NOON,
        )
        assert (await give_back(tx, shop, bought, 10000)).points == 100


async def test_what_was_spent_before_the_refund_becomes_a_deficit_that_the_next_points_fill(database: Database) -> None:
    terms = Terms(return_days=0, life=Never())
    async with database.engine.begin() as tx:
        shop = await open_shop(tx, terms=terms)
        bought = await buy(tx, shop, 30000)
        spend = Burn(
            key="b",
            owner=member(shop.customer),
            currency=1,
            at=moment(),
            actor="m",
            merchant_id=shop.merchant.id,
            points=250,
        )
        await post(tx, spend)
        await give_back(tx, shop, bought, 30000)
        owing = await holding(tx, shop.customer)
        assert (owing.available, owing.deficits) == (0, {shop.merchant.id: 250})
        await buy(tx, shop, 30000, document="0002")
        filled = await holding(tx, shop.customer)
        assert (filled.available, filled.deficits) == (50, {})


async def test_a_refund_of_a_bill_paid_partly_with_a_voucher_shrinks_both_parts(database: Database) -> None:
    mixed = Bill((Part(10000), Part(10000, "green")), "CNY", 10000)
    async with database.engine.begin() as tx:
        shop = await open_shop(tx)
        bought = await buy(tx, shop, 0, bill=mixed)
        assert (bought.purchase.points, bought.purchase.amount_minor) == (125, 10000)
        half = await give_back(tx, shop, bought, 5000)
        assert half.points == 63  # 62.5 remain, rounded down once
        assert (await give_back(tx, shop, bought, 5000, document="R2")).points == 62


async def test_a_race_of_refunds_never_takes_more_than_was_earned(database: Database) -> None:
    async with database.engine.begin() as tx:
        shop = await open_shop(tx)
        bought = await buy(tx, shop, 30000)
        visitor = await new_member(tx)

    async def one(number: int) -> int:
        try:
            async with database.engine.begin() as tx:
                return (await give_back(tx, shop, bought, 10000, document=f"R{number}")).points
        except MoreThanPurchase:
            return 0

    taken = await asyncio.gather(*(one(n) for n in range(8)))
    assert sorted(taken) == [0] * 5 + [100] * 3
    async with database.engine.begin() as tx:
        assert (await holding(tx, shop.customer)).pending == 0
        assert (await holding(tx, visitor)).pending == 0
