"""A certificate's last good day is the last day of issuing: by the date at the moment of issue, whether or not the night has come
(C1)."""

from __future__ import annotations

import asyncio
import datetime as dt

import pytest
from sqlalchemy import text
from sqlalchemy.ext.asyncio import AsyncConnection, create_async_engine

from ledger.earning import intake
from ledger.earning.intake import Intended
from ledger.earning.purchases import Booked
from ledger.errors import Refusal
from ledger.merchants import certificates
from ledger.merchants import merchant as merchants
from ledger.merchants.certificates import Kind
from ledger.merchants.merchant import MerchantMayNotIssue
from ledger.points.audit import audit
from ledger.points.commands import Moment
from tests.conftest import Database
from tests.ledger.earning.purchasing import bought, points
from tests.ledger.earning.shop import VAULT, ZONE, Shop, open_shop

LAST = dt.date(2026, 11, 11)


def clock(day: int, time: str) -> Moment:
    """A moment of November in Shanghai."""
    local = dt.datetime.combine(dt.date(2026, 11, day), dt.time.fromisoformat(time), ZONE)
    return Moment(local.astimezone(dt.UTC), local.date())


async def enters(
    tx: AsyncConnection, shop: Shop, until: dt.date, at: Moment, *, kind: Kind = "credit", waits: bool = False
) -> int:
    """A certificate of the shop's."""
    made = await certificates.enter(
        tx, merchant_id=shop.merchant.id, kind=kind, number="C-1", issuer="市信用协会", valid_until=until, by="operator:1",
        two_persons=waits, at=at,
    )  # fmt: skip
    return made.id


def sold(shop: Shop, document: str, at: Moment) -> Intended:
    return bought(shop, document, bought_on=at.today, occurred_at=at.now)


async def sells(tx: AsyncConnection, shop: Shop, document: str, at: Moment) -> Booked | Refusal:
    (done,) = await intake.book_many(tx, [sold(shop, document, at)], at=at, zone=ZONE, vault=VAULT)
    return done


async def test_the_last_second_of_the_last_day_issues_and_the_next_does_not(database: Database) -> None:
    before, after = clock(11, "23:59:59"), clock(12, "00:00:00")
    async with database.engine.begin() as tx:
        shop = await open_shop(tx)
        await enters(tx, shop, LAST, clock(1, "12:00"))
        done = [await sells(tx, shop, "a", before), await sells(tx, shop, "b", after)]
        merchant = await merchants.by_id(tx, shop.merchant.id)
    assert points(done) == [100, "merchant_may_not_issue"]
    assert isinstance(done[1], MerchantMayNotIssue) and done[1].status == "suspended"
    assert (merchant.status, merchant.certified_until) == ("certified", LAST), "the night has not come yet"
    merchant.must_issue(before.today)
    for refuses in (merchant.must_issue, merchant.must_grant):
        with pytest.raises(MerchantMayNotIssue):
            refuses(after.today)


async def test_a_quote_stops_with_it(database: Database) -> None:
    async with database.engine.begin() as tx:
        shop = await open_shop(tx)
        await enters(tx, shop, LAST, clock(1, "12:00"))
    async with database.engine.connect() as tx:
        for at in (clock(11, "23:59:59"), clock(12, "00:00:00")):
            one = sold(shop, "q", at)
            if at.today == LAST:
                assert (await intake.quote(tx, one, today=at.today, zone=ZONE)).points == 100
            else:
                with pytest.raises(MerchantMayNotIssue):
                    await intake.quote(tx, one, today=at.today, zone=ZONE)


async def test_of_each_kind_the_last_confirmed_counts_and_the_first_to_end_decides(database: Database) -> None:
    later, at = dt.date(2027, 11, 11), clock(12, "09:00")
    async with database.engine.begin() as tx:
        shop = await open_shop(tx)
        await enters(tx, shop, LAST, clock(1, "12:00"))
        await enters(tx, shop, later, clock(1, "12:00"), kind="filing")
        assert points([await sells(tx, shop, "a", at)]) == ["merchant_may_not_issue"]
        waiting = await enters(tx, shop, later, clock(2, "12:00"), waits=True)
        assert points([await sells(tx, shop, "a", at)]) == ["merchant_may_not_issue"], "nobody has confirmed it"
        await certificates.confirm(tx, waiting, merchant_id=shop.merchant.id, by="operator:2", at=at)
        assert points([await sells(tx, shop, "a", at)]) == [100], "no duty has to run for a renewal either"
        await enters(
            tx, shop, dt.date(2026, 11, 30), at, kind="filing"
        )  # a correction: it ends earlier than was thought
        assert points([await sells(tx, shop, "b", clock(30, "23:59"))]) == [100]
        end = Moment(dt.datetime(2026, 11, 30, 16, tzinfo=dt.UTC), dt.date(2026, 12, 1))
        assert points([await sells(tx, shop, "c", end)]) == ["merchant_may_not_issue"]


async def test_who_has_no_certificate_entered_goes_by_the_status_alone(database: Database) -> None:
    async with database.engine.begin() as tx:
        shop = await open_shop(tx)
        assert (await merchants.by_id(tx, shop.merchant.id)).certified_until is None
        assert points([await sells(tx, shop, "a", clock(30, "12:00"))]) == [100]


async def test_tills_on_both_sides_of_midnight_while_the_night_and_a_renewal_are_at_work(database: Database) -> None:
    async with database.engine.begin() as tx:
        shop = await open_shop(tx)
        await enters(tx, shop, LAST, clock(1, "12:00"))
    engine = create_async_engine(database.url, pool_size=16)

    async def one(number: int) -> Booked | Refusal:
        at = clock(11, "23:59:59") if number % 2 else clock(12, "00:00:00")
        async with engine.begin() as tx:
            return await sells(tx, shop, f"d{number}", at)

    async def lapses() -> None:
        async with engine.begin() as tx:
            await certificates.standing.move(
                tx, shop.merchant.id, "lapse", by="job:certificates", now=clock(12, "00:00:01").now
            )

    try:
        early = await asyncio.gather(*(one(number) for number in range(24)))
        late, _ = await asyncio.gather(asyncio.gather(*(one(number) for number in range(24, 48))), lapses())
    finally:
        await engine.dispose()
    assert points(early) == ["merchant_may_not_issue", 100] * 12
    assert set(points(late[::2])) == {"merchant_may_not_issue"}
    async with database.engine.begin() as tx:
        dates = await tx.scalars(text("SELECT posted_on FROM entry WHERE kind = 'accrue'"))
        assert set(dates) == {LAST}
        assert (await audit(tx)).holds
        await enters(tx, shop, dt.date(2027, 11, 11), clock(12, "00:00:02"))
        assert points([await sells(tx, shop, "renewed", clock(12, "00:00:03"))]) == [100]
