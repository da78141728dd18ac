"""A merchant's green rating: the letter as a function of what was sold, and the counting of it."""

from __future__ import annotations

import datetime as dt
import json

import pytest
from pydantic import ValidationError
from sqlalchemy import text
from sqlalchemy.ext.asyncio import AsyncConnection

from ledger.earning import green_rating
from ledger.earning.green_rating import NOTHING, PLAIN, Share, Sold, rate
from ledger.programme import GreenBand, GreenScale
from tests.conftest import Database
from tests.turns import NOW, TODAY, coalition

SCALE = GreenScale(purchases_min=3, weights={"refill": 50, "brown": 0})


@pytest.mark.parametrize(
    ("by_class", "letter", "per_mille"),
    [
        ({"organic": 6000, PLAIN: 4000}, "A", 600),
        ({"organic": 5999, PLAIN: 4001}, "B", 599),
        ({"organic": 2000, "refill": 4000, PLAIN: 4000}, "B", 400),
        ({"refill": 4000, PLAIN: 6000}, "C", 200),
        ({"refill": 3999, PLAIN: 6001}, "D", 199),
        ({"brown": 10_000}, "E", 0),
        ({"organic": 500, PLAIN: 9500}, "D", 50),
        ({"brown": 1, PLAIN: 9}, "E", 0),
        ({"organic": 1}, "A", 1000),
    ],
)
def test_the_letter_follows_the_weighted_share_rounded_down_once(
    by_class: dict[str, int], letter: str, per_mille: int
) -> None:
    found = rate(Sold(3, by_class), SCALE)
    assert (found.letter, found.per_mille) == (letter, per_mille)


def test_too_few_purchases_say_how_many_are_missing() -> None:
    found = rate(Sold(1, {"organic": 900}), SCALE)
    assert (found.letter, found.missing) == (None, 2)
    assert rate(NOTHING, SCALE).missing == 3
    assert rate(Sold(5, {}), SCALE).letter is None, "nothing was paid with money"
    silent = rate(Sold(5, {PLAIN: 900}), SCALE)
    assert (silent.letter, silent.missing) == (None, 0), "no sale said what is green"


def test_how_it_came_about_is_told_class_by_class() -> None:
    found = rate(Sold(3, {"organic": 2000, "refill": 5000, PLAIN: 3000}), SCALE)
    assert found.shares == (Share("refill", 500, 50), Share("organic", 200, 100))


def test_bands_must_fall_to_nothing() -> None:
    for bands in ((), (GreenBand(letter="A", from_percent=50),), (GreenBand(letter="E", from_percent=0),) * 2):
        with pytest.raises(ValidationError):
            GreenScale(bands=bands)
    with pytest.raises(ValidationError):
        GreenScale(weights={"organic": 101})


async def bought(tx: AsyncConnection, merchant_id: int, number: int, *parts: list[object], **other: object) -> None:
    gross = sum(int(part[0]) for part in parts)  # type: ignore[call-overload]
    values: dict[str, object] = {"merchant": merchant_id, "document": f"d{number}", "amount": gross, "refunded": 0}
    values |= {"day": TODAY, "back": None, "at": NOW, **other}
    bill = json.dumps({"parts": parts, "paid_otherwise_minor": 0})
    await tx.execute(
        text(
            "INSERT INTO purchase (merchant_id, document, member_id, amount_minor, refunded_minor, money, points, entry_id, bill,"
            " occurred_at, bought_on, taken_back_at) VALUES (:merchant, :document, 1, :amount, :refunded, 'CNY', 0, 0,"
            " CAST(:bill AS jsonb), :at, :day, :back)"
        ),
        {**values, "bill": bill},
    )


async def test_only_net_sales_of_the_last_days_count(database: Database) -> None:
    async with database.engine.begin() as tx:
        market, rail = await coalition(tx)
        await bought(tx, market.id, 1, [6000, "food", "organic"], [4000])
        await bought(tx, market.id, 2, [1000, None, "organic"], [1000], refunded=1000)
        await bought(tx, market.id, 3, [9000, None, "organic"], back=NOW)
        old = TODAY - dt.timedelta(days=90)
        await bought(tx, market.id, 4, [9000, None, "organic"], day=old, at=NOW - dt.timedelta(days=90))
        first = TODAY - dt.timedelta(days=89)
        await bought(tx, market.id, 5, [100, None, "refill", 2, "x"], day=first, at=NOW - dt.timedelta(days=89))
        await bought(tx, market.id, 6, [500, None, "organic"], refunded=500)
        await green_rating.count(tx, [market.id, rail.id], days=90, today=TODAY)
        found = await green_rating.sold(tx, [market.id, rail.id, 99])
        assert found == {
            market.id: Sold(3, {"organic": 6500, PLAIN: 4500, "refill": 100}),
            rail.id: Sold(0, {}),
        }
        rated = await green_rating.ratings(tx, [market.id, rail.id, 99], SCALE)
        assert [rated[i].letter for i in (market.id, rail.id, 99)] == ["B", None, None]


async def test_counting_again_takes_the_place_of_what_was_counted(database: Database) -> None:
    async with database.engine.begin() as tx:
        market, _ = await coalition(tx)
        await bought(tx, market.id, 1, [6000, None, "organic"])
        for today in (TODAY, TODAY + dt.timedelta(days=90)):
            await green_rating.count(tx, [market.id], days=90, today=today)
        assert (await green_rating.sold(tx, [market.id]))[market.id] == NOTHING
