"""Dividends: shares that add up to the last point, funded first, given once, to whoever earned and nobody else."""

from __future__ import annotations

import asyncio
import datetime as dt
import itertools

import pytest
from hypothesis import given
from hypothesis import strategies as st
from sqlalchemy import text
from sqlalchemy.ext.asyncio import AsyncConnection

from ledger.earning import dividends
from ledger.earning.dividends import (
    DividendUnderway,
    NobodyEarned,
    Paid,
    PeriodOpen,
    PeriodShared,
    Plan,
    PoolOutOfRange,
)
from ledger.errors import Refusal
from ledger.merchants.authority import NotAllowed
from ledger.merchants.merchant import Terms
from ledger.points import statements
from ledger.points.audit import audit
from ledger.points.commands import Owner, member
from tests.conftest import Database
from tests.ledger.earning.shop import Shop, moment, new_member, open_shop

SINCE, UNTIL = dt.date(2026, 10, 1), dt.date(2026, 10, 31)
_numbers = itertools.count(1)
_BUY = text(
    "INSERT INTO purchase (merchant_id, document, member_id, amount_minor, money, points, entry_id, bill, occurred_at, bought_on)"
    " VALUES (:merchant, :document, :member, 100, 'CNY', :points, 0, '{}', now(), :day) RETURNING id"
)
_REFUND = text(
    "INSERT INTO refund (merchant_id, document, purchase_id, amount_minor, points, entry_id, occurred_at)"
    " VALUES (:merchant, :document, :purchase, 1, :points, 1, now())"
)


@given(st.integers(1, 100_000), st.dictionaries(st.integers(1, 10**9), st.integers(1, 10**9), min_size=1, max_size=40))
def test_shares_sum_to_the_pool_and_none_is_a_point_off_its_part(pool: int, earned: dict[int, int]) -> None:
    total, given_out = sum(earned.values()), dividends.shares(pool, earned)
    assert sum(given_out.values()) == pool
    for who, points in earned.items():
        exact = pool * points / total
        assert exact - 1 < given_out.get(who, 0) < exact + 1
        assert all(given_out.get(who, 0) >= given_out.get(other, 0) for other in earned if points > earned[other])


def test_the_largest_remainders_get_the_odd_points() -> None:
    assert dividends.shares(100, {1: 1, 2: 1, 3: 1}) == {1: 34, 2: 33, 3: 33}
    assert dividends.shares(10, {1: 55, 2: 30, 3: 15}) == {1: 6, 2: 3, 3: 1}  # 5.5, 3, 1.5: the lower id of the tie
    assert dividends.shares(1, {1: 5, 2: 9}) == {2: 1}


async def buys(tx: AsyncConnection, shop: Shop, who: int, points: int, day: dt.date = UNTIL, refunded: int = 0) -> None:
    document = f"d{next(_numbers)}"
    facts = {"merchant": shop.merchant.id, "document": document}
    made = await tx.scalar(_BUY, {**facts, "member": who, "points": points, "day": day})
    if refunded:
        await tx.execute(_REFUND, {**facts, "purchase": made, "points": refunded})


async def three(tx: AsyncConnection, shop: Shop) -> list[int]:
    """Three members who earned 500, 300 (of 400) and 200; others earned before, after, or gave everything back."""
    people = [await new_member(tx) for _ in range(6)]
    await buys(tx, shop, people[0], 300, SINCE)
    await buys(tx, shop, people[0], 200)
    await buys(tx, shop, people[1], 400, refunded=100)
    await buys(tx, shop, people[2], 200)
    await buys(tx, shop, people[3], 900, SINCE - dt.timedelta(days=1))
    await buys(tx, shop, people[4], 900, UNTIL + dt.timedelta(days=1))
    await buys(tx, shop, people[5], 70, refunded=70)
    return people


async def fund(tx: AsyncConnection, shop: Shop, pool: int, nonce: str = "n1", **more: object) -> dividends.Dividend:
    period = {"since": SINCE, "until": UNTIL, "pool": pool, "nonce": nonce, "at": moment()}
    return await dividends.fund(tx, shop.merchant, shop.owner, **{**period, **more})  # type: ignore[arg-type]


async def pay(tx: AsyncConnection, limit: int = 100) -> list[Paid]:
    return await dividends.pay(tx, at=moment(), limit=limit)


async def available(tx: AsyncConnection, owner: Owner) -> int:
    held = await statements.wallet(tx, owner, today=moment().today)
    return sum(each.available for each in held)


async def test_a_pool_is_funded_whole_and_ends_empty(database: Database) -> None:
    async with database.engine.begin() as tx:
        shop = await open_shop(tx)
        people = await three(tx, shop)
        made = await fund(tx, shop, 1_001)
        assert (made.earned, made.members, made.pool) == (1_000, 3, 1_001)
        pool = Owner("merchant", shop.merchant.id)
        assert await available(tx, pool) == 1_001
        paid = await pay(tx)
        assert [(each.member_id, each.earned, each.points) for each in paid] == [
            (people[0], 500, 501),
            (people[1], 300, 300),
            (people[2], 200, 200),
        ]
        assert await available(tx, pool) == 0
        assert [await available(tx, member(who)) for who in people] == [501, 300, 200, 0, 0, 0]
        assert (await dividends.one(tx, made.id)).paid_at == moment().now
        assert await pay(tx) == []
        assert (await audit(tx)).holds


async def test_many_are_paid_page_by_page_and_a_repeat_gives_nothing_twice(database: Database) -> None:
    async with database.engine.begin() as tx:
        shop = await open_shop(tx, terms=Terms(transferable=False))
        people = [await new_member(tx) for _ in range(7)]
        for number, who in enumerate(people, 1):
            await buys(tx, shop, who, number)
        await fund(tx, shop, 700)
    sizes = []
    for _ in range(5):
        async with database.engine.begin() as tx:
            sizes.append(len(await pay(tx, 3)))
    assert sizes == [3, 3, 1, 0, 0]
    async with database.engine.begin() as tx:
        assert [await available(tx, member(who)) for who in people] == [25, 50, 75, 100, 125, 150, 175]
        transferable = (await tx.scalars(text("SELECT DISTINCT transferable FROM lot"))).all()
        assert transferable == [False], "a share keeps the merchant's terms"
        assert (await audit(tx)).holds


async def test_the_same_tap_funds_once_and_a_period_is_shared_once(database: Database) -> None:
    async with database.engine.begin() as tx:
        shop = await open_shop(tx)
        await three(tx, shop)
        made = await fund(tx, shop, 500)
        assert await fund(tx, shop, 500) == made
        with pytest.raises(PeriodShared) as no:
            await fund(tx, shop, 500, "n2")
        assert (no.value.since, no.value.until) == (SINCE, UNTIL)
        with pytest.raises(DividendUnderway):
            await fund(tx, shop, 500, "n2", since=dt.date(2026, 9, 1), until=SINCE - dt.timedelta(days=1))
        await pay(tx)
        before = {"since": dt.date(2026, 9, 1), "until": SINCE - dt.timedelta(days=1)}
        assert (await fund(tx, shop, 500, "n2", **before)).members == 1


async def test_of_two_owners_taps_at_once_one_funds(database: Database) -> None:
    async with database.engine.begin() as tx:
        shop = await open_shop(tx)
        await three(tx, shop)

    async def one(nonce: str) -> bool:
        try:
            async with database.engine.begin() as tx:
                await fund(tx, shop, 900, nonce)
        except PeriodShared:
            return False
        return True

    assert sorted(await asyncio.gather(*(one(f"n{number}") for number in range(4)))) == [False, False, False, True]
    async with database.engine.begin() as tx:
        assert await tx.scalar(text("SELECT sum(points) FROM entry WHERE kind = 'accrue'")) == 900


async def test_what_a_claimed_account_earned_is_shared_to_its_claimer(database: Database) -> None:
    async with database.engine.begin() as tx:
        shop = await open_shop(tx)
        who, old = await new_member(tx), await new_member(tx)
        await buys(tx, shop, old, 40)
        await tx.execute(
            text("INSERT INTO succession (member_id, holder_id) VALUES (:old, :who)"), {"old": old, "who": who}
        )
        await fund(tx, shop, 10)
        assert [(each.member_id, each.points) for each in await pay(tx)] == [(who, 10)]


@pytest.mark.parametrize(
    ("by", "pool", "until", "refusal"),
    [
        ("manager", 0, UNTIL, NotAllowed),
        ("owner", 0, UNTIL, PoolOutOfRange),
        ("owner", 20_000_000, UNTIL, PoolOutOfRange),
        ("owner", 100, dt.date(2026, 11, 5), PeriodOpen),  # returned until the 11th, 7 days: today is the 11th
        ("owner", 100, UNTIL, NobodyEarned),
    ],
)
async def test_refusals_come_in_order(
    database: Database, by: str, pool: int, until: dt.date, refusal: type[Refusal]
) -> None:
    async with database.engine.begin() as tx:
        shop = await open_shop(tx)
        with pytest.raises(refusal) as no:
            await dividends.plan(tx, shop.merchant, getattr(shop, by), since=SINCE, until=until, pool=pool, at=moment())
        if isinstance(no.value, PeriodOpen):
            assert no.value.settled_on == dt.date(2026, 11, 12)


async def test_a_plan_shows_what_funding_then_does(database: Database) -> None:
    async with database.engine.begin() as tx:
        shop = await open_shop(tx)
        people = await three(tx, shop)
        seen = await dividends.plan(tx, shop.merchant, shop.owner, since=SINCE, until=UNTIL, pool=10, at=moment())
        earned = dict(zip(people, (500, 300, 200), strict=False))
        assert seen == Plan(SINCE, UNTIL, 10, earned, dict(zip(people, (5, 3, 2), strict=False)))
