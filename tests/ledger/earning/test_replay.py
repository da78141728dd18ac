"""A dry run over a shop's past: what other rules would have given, and that nothing is changed by asking."""

from __future__ import annotations

import datetime as dt
from decimal import Decimal
from typing import Any

from sqlalchemy import text
from sqlalchemy.ext.asyncio import AsyncConnection

from ledger.earning import awards, replay, rulebook
from ledger.earning.replay import Replayed
from ledger.earning.rules.documents import Base
from ledger.earning.rules.version import RuleVersion
from tests.conftest import Database
from tests.ledger.earning import purchasing
from tests.ledger.earning.purchasing import bill, book, born, bought
from tests.ledger.earning.rules.script import rule
from tests.ledger.earning.shop import VAULT, Shop, moment, new_member, open_shop

FIRST, LAST = moment().today, moment(days=9).today


async def dry_run(tx: AsyncConnection, shop: Shop, told: str, **how: Any) -> Replayed:
    """What the shop's rules and one more would have given in its first ten days."""
    stands = await rulebook.all_of(tx, shop.merchant.id)
    versions = replay.instead(stands, rule(told), since=FIRST)
    return await replay.replay(tx, shop.merchant, versions, **{"since": FIRST, "until": LAST} | how)


async def test_the_rules_as_they_stood_come_to_what_was_paid(database: Database) -> None:
    async with database.engine.begin() as tx:
        shop = await open_shop(tx)
        await purchasing.write_rule(
            tx,
            shop,
            "gift",
            kind="bonus",
            points=10,
            when={"first_purchase": "here"},
            caps=[{"points": 15, "per": "month"}],
        )
        other = await new_member(tx)
        for number, who in enumerate([shop.customer, other, shop.customer]):
            await book(tx, bought(shop, f"d{number}", 10_050 * (number + 1), days=number, member_id=who), days=number)
        stood = await rulebook.all_of(tx, shop.merchant.id)
        same = await replay.replay(tx, shop.merchant, stood, since=FIRST, until=LAST)
    assert (same.purchases, same.paid, same.would, same.extra, same.more, same.less) == (3, 622, 622, 0, 0, 0)
    assert same.shares == same.paid_shares == {"yunshan-base": 602, "gift": 20}
    assert same.since == FIRST


async def test_a_rule_for_days_to_come_is_tried_on_the_days_that_were(database: Database) -> None:
    async with database.engine.begin() as tx:
        shop = await open_shop(tx)
        for number in range(4):
            await book(tx, bought(shop, f"d{number}", 10_000, days=number), days=number)
        twice = await dry_run(tx, shop, "rule double: times 2 from 2026-12-24 until 2026-12-26")
        assert (twice.paid, twice.would, twice.extra, twice.more, twice.less) == (400, 800, 400, 4, 0)
        assert twice.shares == {"yunshan-base": 400, "double": 400}
        part = await dry_run(tx, shop, "rule double: times 2 weekdays 4")  # 12 November 2026 is a Thursday
        assert (part.extra, part.more) == (100, 1)
        capped = await dry_run(tx, shop, "rule double: times 2 cap 250/month")
        assert (capped.extra, capped.more) == (250, 3)
        funded = RuleVersion("double", 1, rule("rule d: times 2 budget 120").rule, FIRST)
        versions = replay.instead(await rulebook.all_of(tx, shop.merchant.id), funded, since=FIRST)
        budget = await replay.replay(tx, shop.merchant, versions, since=FIRST, until=LAST)
        assert (budget.extra, budget.more) == (120, 2)


async def test_a_new_rate_stands_in_place_of_the_old_one(database: Database) -> None:
    async with database.engine.begin() as tx:
        shop = await open_shop(tx)
        await book(tx, bought(shop, "d", 10_000))
        stands = await rulebook.all_of(tx, shop.merchant.id)
        half = RuleVersion("yunshan-base", 2, Base(rate=Decimal("0.5")), LAST)
        done = await replay.replay(
            tx, shop.merchant, replay.instead(stands, half, since=FIRST), since=FIRST, until=LAST
        )
    assert (done.paid, done.would, done.extra, done.less) == (100, 50, -50, 1)


async def test_what_no_rule_had_asked_for_is_found_out(database: Database) -> None:
    async with database.engine.begin() as tx:
        shop = await open_shop(tx)
        old, young = await new_member(tx), await new_member(tx)
        await born(tx, old, dt.date(1966, 11, 12))
        await born(tx, young, dt.date(2000, 1, 1))
        for days, who in enumerate([old, young, shop.customer, old]):
            await book(tx, bought(shop, f"d{days}", 10_000, days=days, member_id=who), days=days)
        first = await dry_run(tx, shop, "rule hello: bonus 7 first here")
        assert (first.extra, first.more) == (21, 3)
        senior = "rule senior: base 15 age 60- priority 1"
        assert (await dry_run(tx, shop, senior)).extra == 0  # years of birth stay sealed
        aged = await dry_run(tx, shop, senior, vault=VAULT)
        assert (aged.extra, aged.more) == (1400, 1)  # 59 on the first day, 60 on the last


async def test_only_the_period_is_looked_at_the_newest_first_and_nothing_taken_back(database: Database) -> None:
    async with database.engine.begin() as tx:
        shop = await open_shop(tx)
        for days in range(6):
            await book(tx, bought(shop, f"d{days}", 10_000 * (days + 1), days=days), days=days)
        by_cashier = bought(shop, "back", 90_000, days=2, staff_id=shop.cashier.id, actor=shop.cashier.actor)
        (wrong,) = await book(tx, by_cashier, days=2)
        await awards.take_back(
            tx,
            merchant=shop.merchant,
            staff=shop.cashier,
            purchase_id=wrong.purchase.id,  # type: ignore[union-attr]
            reason="输错了",
            minutes=10,
            at=moment(days=2, minutes=5),
        )
        double = "rule double: times 2"
        period = await dry_run(tx, shop, double, since=moment(days=1).today, until=moment(days=4).today)
        assert (period.purchases, period.extra) == (4, 200 + 300 + 400 + 500)
        newest = await dry_run(tx, shop, double, most=2)
        assert (newest.purchases, newest.extra, newest.since) == (2, 500 + 600, moment(days=4).today)
        nobody = await dry_run(tx, shop, double, since=LAST, until=LAST)
        assert (nobody.purchases, nobody.since, nobody.extra) == (0, None, 0)


async def test_asking_writes_nothing(database: Database) -> None:
    async with database.engine.begin() as tx:
        shop = await open_shop(tx)
        await book(tx, *(bought(shop, f"d{number}", bill=bill(10_000, 500)) for number in range(3)))
    async with database.engine.connect() as tx:
        await tx.execute(text("SET TRANSACTION READ ONLY"))
        assert (await dry_run(tx, shop, "rule double: times 2 cap 40/day")).extra == 40


async def test_more_purchases_than_are_read_at_once_are_all_looked_at(database: Database) -> None:
    many = replay.AT_ONCE + 3
    async with database.engine.begin() as tx:
        shop = await open_shop(tx)
        await book(tx, *(bought(shop, f"d{number}", 100) for number in range(many)))
        assert (await dry_run(tx, shop, "rule double: times 2")).extra == many
