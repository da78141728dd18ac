"""A merchant's points become common ones at the published values: exactly, once, and never with a longer life."""

from __future__ import annotations

import asyncio
import datetime as dt

import pytest
from hypothesis import given
from hypothesis import strategies as st

from ledger.members.member import Member
from ledger.points import statements
from ledger.points.audit import audit
from ledger.points.commands import NotEnoughPoints, Receipt
from ledger.points.statements import Currency
from ledger.redeeming import exchange
from ledger.redeeming.exchange import NotExchangeable, Rate, TooFewToExchange
from tests.ledger.redeeming.stage import COMMON, RAIL, Stage, at


def currency(number: int, issuer: int | None, minor: int, points: int, money: str = "CNY") -> Currency:
    return Currency(number, f"c{number}", issuer, "分", "points", minor, points, money)


@pytest.mark.parametrize(
    ("own", "common", "rate"),
    [
        ((100, 100), (200, 100), (2, 1)),
        ((1000, 100), (2, 1), (1, 5)),
        ((3, 7), (2, 1), (14, 3)),
        ((1, 1), (1, 1), (1, 1)),
    ],
)
def test_the_rate_is_the_smallest_exact_exchange(
    own: tuple[int, int], common: tuple[int, int], rate: tuple[int, int]
) -> None:
    made = exchange.rate(currency(2, 9, *own), currency(1, None, *common))
    assert (made.points, made.result) == rate


@pytest.mark.parametrize(
    ("source", "target"),
    [
        (currency(1, None, 1, 1), currency(3, None, 1, 1)),
        (currency(2, 9, 1, 1), currency(3, 9, 1, 1)),
        (currency(2, 9, 1, 1, "GBP"), currency(1, None, 1, 1)),
        (currency(2, 9, 0, 1), currency(1, None, 1, 1)),
        (currency(2, 9, 1, 1), currency(1, None, 0, 1)),
    ],
)
def test_what_has_no_rate(source: Currency, target: Currency) -> None:
    with pytest.raises(NotExchangeable):
        exchange.rate(source, target)


VALUES = st.tuples(st.integers(1, 5000), st.integers(1, 500))


@given(VALUES, VALUES, st.integers(0, 10**7))
def test_no_exchange_is_worth_more_than_what_went_in(
    own: tuple[int, int], common: tuple[int, int], points: int
) -> None:
    source, target = currency(2, 9, *own), currency(1, None, *common)
    made = exchange.rate(source, target)
    came = made.gives(points)
    assert came * target.value_minor * source.value_points <= points * source.value_minor * target.value_points
    whole = made.whole(points)
    assert 0 <= points - whole < made.points
    assert (
        made.gives(whole) * target.value_minor * source.value_points == whole * source.value_minor * target.value_points
    )


async def rated(stage: Stage) -> Rate:
    async with stage.engine.begin() as tx:
        known = await statements.currencies(tx)
    return exchange.rate(known[RAIL], known[COMMON])


async def traveller(stage: Stage, *lots: tuple[int, str]) -> Member:
    return await stage.member(*lots, currency=RAIL, issuer="rail")


async def swap(stage: Stage, who: Member, points: int, nonce: str) -> Receipt:
    async with stage.engine.begin() as tx:
        return await exchange.exchange(
            tx, who, await rated(stage), points, nonce=nonce, life_months=12, at=at(), actor="test"
        )


async def test_lots_keep_their_issuer_and_the_earlier_end(stage: Stage) -> None:
    who = await traveller(stage, (400, "2026-12-31"), (600, "2031-12-31"))
    async with stage.engine.begin() as tx:
        seen = await exchange.preview(tx, who, await rated(stage), 800, today=at().today, life_months=12)
    assert (seen.points, seen.result, seen.left) == (800, 400, 200)
    assert [(lot.points, ends) for lot, ends in seen.lots] == [
        (400, dt.date(2026, 12, 31)),
        (400, dt.date(2027, 11, 30)),
    ]
    await swap(stage, who, 800, "once")
    async with stage.engine.begin() as tx:
        due = await statements.schedule(tx, who.owner, today=at().today)
        assert (await audit(tx)).holds
    rail = stage.merchants["rail"].id
    assert [(d.currency_id, str(d.expires_on), d.issuer_id, d.points) for d in due] == [
        (COMMON, "2026-12-31", rail, 200), (COMMON, "2027-11-30", rail, 200), (RAIL, "2031-12-31", rail, 200),
    ]  # fmt: skip


async def test_two_taps_exchange_once(stage: Stage) -> None:
    who = await traveller(stage, (1000, "-"))
    receipts = [await swap(stage, who, 400, "same"), await swap(stage, who, 400, "same")]
    assert [r.repeated for r in receipts] == [False, True] and receipts[0].entry_id == receipts[1].entry_id
    assert (await stage.available(who, RAIL), await stage.available(who)) == (600, 200)


async def test_a_balance_is_exchanged_by_one_of_many_at_once(stage: Stage) -> None:
    who = await traveller(stage, (1000, "-"))
    outcomes = await asyncio.gather(*(swap(stage, who, 1000, f"n{n}") for n in range(6)), return_exceptions=True)
    assert sorted(type(o).__name__ for o in outcomes) == ["NotEnoughPoints"] * 5 + ["Receipt"]
    assert (await stage.available(who, RAIL), await stage.available(who)) == (0, 500)


async def test_too_few_and_too_many(stage: Stage) -> None:
    who = await traveller(stage, (1000, "-"))
    rate = await rated(stage)
    async with stage.engine.begin() as tx:
        with pytest.raises(TooFewToExchange):
            await exchange.preview(tx, who, rate, 1, today=at().today, life_months=12)
        with pytest.raises(NotEnoughPoints):
            await exchange.preview(tx, who, rate, 1002, today=at().today, life_months=12)
