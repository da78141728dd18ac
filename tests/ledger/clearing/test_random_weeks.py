"""Weeks of whatever the real ledger can do, at random: every one sums to zero with the operator, its points are the postings', and
deriving it again gives the same file. Each failure names the seed that repeats it."""

from __future__ import annotations

import datetime as dt
import random
from collections import Counter

import pytest
from sqlalchemy import text
from sqlalchemy.ext.asyncio import AsyncConnection

from ledger.clearing import close, file, positions
from ledger.clearing.derive import Line
from ledger.errors import Refusal
from ledger.points.commands import Receipt, UnitValue, member
from ledger.points.engine import apply
from tests.conftest import Database
from tests.ledger.clearing.scene import PROGRAMME
from tests.ledger.points import builders
from tests.ledger.points.builders import COMMON, RAIL

MONDAY = dt.date(2026, 1, 5)
WEEKS, STEPS = 5, 60
ISSUERS, SHOPS, PEOPLE = (5, 6, 7), (7, 8, 9), (1, 2, 3)


async def live_a_week(tx: AsyncConnection, chance: random.Random, monday: dt.date, entries: list[Receipt]) -> None:
    """Earn, give, exchange, spend, return and claw back on random days, in order."""
    for day in sorted(monday + dt.timedelta(days=chance.randrange(7)) for _ in range(STEPS)):
        at = builders.moment(day)
        who, currency = member(chance.choice(PEOPLE)), chance.choice((COMMON, COMMON, RAIL))
        points = chance.choice((1, 3, 7, 40, 99, 250))
        burns = [e for e in entries if e.kind == "burn"]
        earned = [e for e in entries if e.kind == "accrue"]
        usual = {"owner": who, "currency": currency, "at": at}
        match chance.randrange(8):
            case 0 | 1 | 2:
                ends = chance.choice((None, day + dt.timedelta(days=chance.choice((2, 9, 40)))))
                issuer = chance.choice(ISSUERS)
                command = builders.accrue(points, **usual, issuer_id=issuer, available_on=day, expires_on=ends)
            case 3 | 4:
                command = builders.burn(points, **usual, merchant_id=chance.choice(SHOPS))
            case 5 if burns:
                of = chance.choice(burns)
                part = chance.choice((None, 1, of.points // 2 or 1))
                command = builders.reinstate(of.entry_id, part, owner=of.owner, currency=of.currency, at=at)
            case 6 if earned:
                of = chance.choice(earned)
                issuer = next(leg.issuer_id for leg in of.legs)
                command = builders.claw_back(
                    of.entry_id, points, owner=of.owner, currency=of.currency, at=at, issuer_id=issuer
                )
            case _:
                command = (
                    builders.transfer(points, member(chance.choice(PEOPLE)), **usual)
                    if chance.random() < 0.6
                    else exchange(points, **usual)
                )
        for outcome in await apply(tx, [command]):
            if isinstance(outcome, Receipt):
                entries.append(outcome)
            else:
                assert isinstance(outcome, Refusal)


def exchange(points: int, **usual: object):  # type: ignore[no-untyped-def]
    from ledger.points.commands import Exchange

    figures = {**usual, "currency": RAIL}
    return Exchange(
        to_currency=COMMON, points=points, value=UnitValue(1, 1), to_value=UnitValue(2, 1), expires_on=None,
        **builders.common(**figures),
    )  # fmt: skip


async def posted(tx: AsyncConnection, week: dt.date) -> Counter[tuple[int, int, int]]:
    """(issuer, redeemer, currency) → points that burned less those that returned, straight from the postings."""
    rows = await tx.execute(
        text(
            "SELECT p.issuer_id, a.owner_id, a.currency_id, sum(p.points)::bigint FROM posting p"
            " JOIN account a ON a.id = p.account_id JOIN entry e ON e.id = p.entry_id"
            " WHERE a.purpose = 'burned' AND a.owner_kind = 'merchant' AND e.posted_on BETWEEN :since AND :until"
            " GROUP BY 1, 2, 3"
        ),
        {"since": week, "until": week + dt.timedelta(days=6)},
    )
    return Counter({(row[0], row[1], row[2]): row[3] for row in rows})


def pointed(lines: list[Line]) -> Counter[tuple[int, int, int]]:
    found: Counter[tuple[int, int, int]] = Counter()
    for line in lines:
        found[line.issuer_id, line.redeemer_id, line.currency_id] += line.points
    return found


def nonzero(counts: Counter[tuple[int, int, int]]) -> dict[tuple[int, int, int], int]:
    return {key: value for key, value in counts.items() if value}


@pytest.mark.parametrize("seed", range(6))
async def test_every_week_sums_to_zero_follows_the_postings_and_is_derived_again(database: Database, seed: int) -> None:
    chance = random.Random(seed)
    programme = PROGRAMME.model_copy(
        update={"redemption_price_bp": chance.choice((10_000, 9_137)), "clearing_fee_bp": chance.choice((0, 73, 250))}
    )
    await builders.make_currencies(database.engine)
    entries: list[Receipt] = []
    for number in range(WEEKS):
        monday = MONDAY + dt.timedelta(days=7 * number)
        async with database.engine.begin() as tx:
            await live_a_week(tx, chance, monday, entries)
    after = builders.moment(MONDAY + dt.timedelta(days=7 * WEEKS))
    closes = []
    while True:
        async with database.engine.begin() as tx:
            done = await close.close_next(tx, programme, at=after)
        if done is None:
            break
        closes.append(done)
    assert len(closes) == WEEKS
    corrections = 0
    async with database.engine.connect() as tx:
        for made, lines in closes:
            found, kept = await positions.positions(tx, made.week), await positions.operator_minor(tx, made.week)
            assert found == positions.summed(lines)
            for money, minor in kept.items():
                assert minor + sum(p.net_minor for p in found if p.money == money) == 0
            assert nonzero(pointed(lines)) == nonzero(await posted(tx, made.week))
            again = await close.rebuilt(tx, made.week)
            assert file.written(again) == file.written(await close.lines_of(tx, made.week))
            assert file.digest(again) == made.digest
            corrections += sum(line.kind == "return" for line in lines)
        rest = await tx.execute(
            text(
                "SELECT sum(points), sum(issuer_minor), sum(redeemer_minor), sum(fee_minor) FROM clearing_line"
                " GROUP BY coalesce(corrects_week, week), coalesce(corrects_number, number) HAVING sum(points) = 0"
            )
        )
        assert all(row[1:] == (0, 0, 0) for row in rest), "what came back whole costs nothing"
    assert corrections > 3
    assert {e.kind for e in entries} >= {"accrue", "burn", "reinstate", "claw_back", "transfer", "exchange"}
