"""What a shift comes to: awards as the day's list counts them, refunds by who made them, each in its own interval."""

from __future__ import annotations

import datetime as dt

from chat import shifts as chat_shifts
from ledger.earning import awards, shift_totals
from ledger.earning.awards import DayTotals
from ledger.earning.purchases import Purchase
from ledger.earning.shift_totals import Refunds
from ledger.merchants import outlets, shifts
from ledger.merchants.shifts import Totals
from ledger.merchants.staff import Staff
from tests.conftest import Database
from tests.ledger.earning.shop import NOON, VAULT, ZONE, Shop, moment, open_shop

HOUR = dt.timedelta(hours=1)


async def award(tx, shop: Shop, who: Staff, yuan: int, minutes: int) -> Purchase:  # type: ignore[no-untyped-def]
    at = moment(minutes=minutes)
    one = awards.intended(
        shop.merchant, who, member_id=shop.customer, amount_minor=yuan * 100, nonce=f"{who.id}-{minutes}", at=at
    )
    return (await awards.award(tx, who, one, at=at, zone=ZONE, vault=VAULT)).purchase


async def back(tx, shop: Shop, who: Staff, purchase: Purchase, yuan: int, minutes: int) -> None:  # type: ignore[no-untyped-def]
    await awards.refund(
        tx, merchant=shop.merchant, staff=who, purchase_id=purchase.id, nonce=f"r{minutes}", reason="不合适",
        at=moment(minutes=minutes), amount_minor=yuan * 100,
    )  # fmt: skip


async def test_each_interval_and_each_person_has_its_own(database: Database) -> None:
    async with database.engine.begin() as tx:
        shop = await open_shop(tx)
        first = await award(tx, shop, shop.cashier, 100, 0)
        await award(tx, shop, shop.cashier, 50, 60)
        await award(tx, shop, shop.colleague, 30, 61)
        wrong = await award(tx, shop, shop.cashier, 9, 62)
        await awards.take_back(
            tx, merchant=shop.merchant, staff=shop.cashier, purchase_id=wrong.id, reason="输错了", minutes=10,
            at=moment(minutes=63),
        )  # fmt: skip
        await back(tx, shop, shop.manager, first, 40, 70)
        id_ = shop.merchant.id
        found = await shift_totals.totals(tx, id_, since=NOON, until=NOON + HOUR, staff_id=shop.cashier.id)
        assert found == (DayTotals(1, 10_000, 100, 0), Refunds(0, 0)), "as awarded; what came back since is a refund"
        later = await shift_totals.totals(tx, id_, since=NOON + HOUR, until=NOON + 2 * HOUR, staff_id=shop.cashier.id)
        assert later == (DayTotals(1, 5_000, 50, 1), Refunds(0, 0)), "a take-back is no refund"
        hers = await shift_totals.totals(tx, id_, since=NOON, until=NOON + 2 * HOUR, staff_id=shop.manager.id)
        assert hers == (DayTotals(0, 0, 0, 0), Refunds(1, 4_000))
        whole = await shift_totals.totals(tx, id_, since=NOON, until=NOON + 2 * HOUR)
        assert whole == (DayTotals(3, 18_000, 180, 1), Refunds(1, 4_000))


async def test_a_shift_of_yesterday_is_closed_as_of_its_midnight_whoever_closes_it(database: Database) -> None:
    async with database.engine.begin() as tx:
        shop = await open_shop(tx)
        where = await outlets.open_outlet(tx, by=shop.owner, name="南京路店", now=NOON)
        till = await outlets.open_till(tx, where.id, "1号台", by=shop.owner, now=NOON)
        begun = await shifts.begin(tx, staff=shop.cashier, till_id=till.id, now=NOON)
        await award(tx, shop, shop.cashier, 100, 5)
        await award(tx, shop, shop.cashier, 7, 24 * 60)
        closed = await chat_shifts.close(
            tx, begun, by="next", who=shop.colleague.actor, now=NOON + 25 * HOUR, zone=ZONE
        )
        assert (closed.closed_by, closed.closed_at) == ("day", NOON + 12 * HOUR)
        assert closed.totals == Totals(1, 10_000, 100, 0, 0, 0, 0), "the next day's award is not in it"
