"""Awards at the till: once per confirm button, taken back by whom and until when the roles say."""

from __future__ import annotations

import datetime as dt

import pytest

from ledger.earning import awards, purchases
from ledger.earning.awards import AlreadyTakenBack, ReasonNeeded, TooLateToTakeBack
from ledger.errors import Refusal
from ledger.merchants.authority import NotAllowed
from ledger.merchants.merchant import Terms
from ledger.merchants.staff import Staff
from ledger.points import statements
from ledger.points.commands import Burn, member
from ledger.points.engine import post
from tests.conftest import Database
from tests.ledger.earning.shop import NOON, VAULT, ZONE, Shop, moment, open_shop

MINUTES = 10


async def award(tx, shop: Shop, *, staff: Staff | None = None, minor: int = 30000, nonce: str = "n1", **when):
    staff, at = staff or shop.cashier, moment(**when)
    one = awards.intended(shop.merchant, staff, member_id=shop.customer, amount_minor=minor, nonce=nonce, at=at)
    return await awards.award(tx, staff, one, at=at, zone=ZONE, vault=VAULT)


async def take_back(tx, shop: Shop, purchase_id: int, staff: Staff, reason: str = "输错金额", **when):
    return await awards.take_back(
        tx,
        merchant=shop.merchant,
        staff=staff,
        purchase_id=purchase_id,
        reason=reason,
        minutes=MINUTES,
        at=moment(**when),
    )


async def test_two_taps_on_one_confirm_are_one_award(database: Database) -> None:
    async with database.engine.begin() as tx:
        shop = await open_shop(tx)
        first, second = await award(tx, shop), await award(tx, shop, minutes=1)
    assert (first.repeated, second.repeated) == (False, True)
    assert second.purchase == first.purchase
    assert first.purchase.staff_id == shop.cashier.id


@pytest.mark.parametrize(
    ("who", "days", "minutes", "refusal"),
    [
        ("cashier", 0, 10, None),
        ("cashier", 0, 11, TooLateToTakeBack),
        ("colleague", 0, 1, NotAllowed),
        ("manager", 0, 11, None),
        ("owner", 0, 400, None),
        ("manager", 1, 0, TooLateToTakeBack),
    ],
)
async def test_who_may_take_an_award_back_and_until_when(
    database: Database, who: str, days: int, minutes: int, refusal: type[Refusal] | None
) -> None:
    async with database.engine.begin() as tx:
        shop = await open_shop(tx)
        booked = await award(tx, shop)
        staff = getattr(shop, who)
        may = awards.may_take_back(booked.purchase, staff, minutes=MINUTES, at=moment(days, minutes))
        assert may == (refusal is None)
        if refusal:
            with pytest.raises(refusal):
                await take_back(tx, shop, booked.purchase.id, staff, days=days, minutes=minutes)
        else:
            done = await take_back(tx, shop, booked.purchase.id, staff, days=days, minutes=minutes)
            assert (done.points, done.purchase.left_minor) == (300, 0)
            assert done.purchase.taken_back_at is not None


async def test_an_award_is_taken_back_once_and_with_a_reason(database: Database) -> None:
    async with database.engine.begin() as tx:
        shop = await open_shop(tx)
        booked = await award(tx, shop)
        for reason in ("", "  \n ", "长" * 101):
            with pytest.raises(ReasonNeeded):
                await take_back(tx, shop, booked.purchase.id, shop.cashier, reason)
        done = await take_back(tx, shop, booked.purchase.id, shop.cashier, " 输错\n金额 ")
        with pytest.raises(AlreadyTakenBack) as no:
            await take_back(tx, shop, booked.purchase.id, shop.manager)
        assert done.receipt is not None
        opened = await statements.explain(tx, member(shop.customer), done.receipt.entry_id)
    assert opened.reason == "输错 金额"
    assert opened.line.facts["what"] == "take_back"
    assert no.value.at == NOON


async def test_another_merchants_award_cannot_be_reached(database: Database) -> None:
    async with database.engine.begin() as tx:
        shop, other = await open_shop(tx), await open_shop(tx, code="other")
        booked = await award(tx, shop)
        with pytest.raises(purchases.NoSuchPurchase):
            await take_back(tx, other, booked.purchase.id, other.owner)


async def test_what_the_member_spent_meanwhile_becomes_a_deficit(database: Database) -> None:
    async with database.engine.begin() as tx:
        shop = await open_shop(tx, terms=Terms(return_days=0))
        booked = await award(tx, shop)
        merchant, who = shop.merchant.id, member(shop.customer)
        await post(tx, Burn(key="b", owner=who, currency=1, at=moment(), actor="m", merchant_id=merchant, points=300))
        done = await take_back(tx, shop, booked.purchase.id, shop.cashier)
        (held,) = await statements.wallet(tx, who, today=moment().today)
    assert done.points == 300
    assert held.deficits == {merchant: 300}


async def test_the_days_list_and_its_totals_leave_out_what_was_taken_back(database: Database) -> None:
    since, until = NOON - dt.timedelta(hours=12), NOON + dt.timedelta(hours=12)
    async with database.engine.begin() as tx:
        shop = await open_shop(tx)
        kept = await award(tx, shop, nonce="a", minor=10000)
        gone = await award(tx, shop, nonce="b", minor=20000, minutes=1)
        await award(tx, shop, nonce="c", minor=50000, minutes=2, staff=shop.colleague)
        await award(tx, shop, nonce="d", minor=70000, days=1)
        await take_back(tx, shop, gone.purchase.id, shop.cashier, minutes=3)
        whole = await awards.day(tx, shop.merchant.id, since=since, until=until)
        mine = await awards.day(tx, shop.merchant.id, since=since, until=until, staff_id=shop.cashier.id)
        totals = await awards.totals(tx, shop.merchant.id, since=since, until=until)
        my_totals = await awards.totals(tx, shop.merchant.id, since=since, until=until, staff_id=shop.cashier.id)
    assert [p.amount_minor for p in whole] == [50000, 20000, 10000]
    assert [p.id for p in mine] == [gone.purchase.id, kept.purchase.id]
    assert totals == awards.DayTotals(awards=2, amount_minor=60000, points=600, taken_back=1)
    assert my_totals == awards.DayTotals(awards=1, amount_minor=10000, points=100, taken_back=1)
