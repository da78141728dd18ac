"""family.burn: one burn from the pool of a family of eight with 2,000 lots, beside one of a single member with 250; milliseconds.

Lots of a month end on one day for all eight, so each burn is shared pro rata among them. Each is a transaction of its own, the two
in turn; the cost is what a burn takes from its begin to its commit.

family.load: a thousand families of four spend at once, through two workers: somebody with a limit redeems an offer from the pool,
and what they may spend is read for it. Beside it the same number of members who redeem the same offer with their own points.
"""

from __future__ import annotations

import asyncio
import statistics
import time
from collections.abc import Callable, Iterable
from functools import partial

import asyncpg
from sqlalchemy.ext.asyncio import AsyncEngine, create_async_engine

from bench.figures import Figure, beside
from bench.stage import Stage, fill
from ledger.errors import Refusal
from ledger.members import pools
from ledger.merchants import merchant as merchants
from ledger.merchants.merchant import Terms
from ledger.points.audit import audit
from ledger.points.commands import Burn, Moment, Owner, Transfer, member
from ledger.points.engine import PINNED_PLANS, apply, post
from ledger.redeeming.publish import publish
from tests.ledger.redeeming.rush import REDEEMED, Told, press, rush
from tests.ledger.redeeming.stage import COMMON, NOW, TODAY, offer, per_unit, vault

PEOPLE, LOTS, LOT = 8, 250, 100
BURNS, ROUNDS = 300, 3
POINTS = 500
FAMILIES, OF = 1_000, 4
WORKERS, CONNECTIONS = 2, 16
AT = Moment(NOW, TODAY)


async def _moved_in(engine: AsyncEngine, who: Iterable[tuple[int, int]]) -> None:
    """Everything that these members have into the pools of these families."""
    todo = [
        Transfer(
            key=f"in:{each}",
            owner=member(each),
            to=pools.owner(family),
            currency=COMMON,
            points=None,
            at=AT,
            actor="bench",
        )
        for each, family in who
    ]
    for first in range(0, len(todo), 100):
        async with engine.begin() as tx:
            for outcome in await apply(tx, todo[first : first + 100]):
                if isinstance(outcome, Refusal):
                    raise outcome


async def _burns(stage: Stage) -> Figure:
    name = await stage.database()
    connection = await asyncpg.connect(stage.server.dsn_of(name))
    await fill(connection, members=PEOPLE + 1, lots=LOTS, points=LOT * (ROUNDS + 1) * 8, expires=None)
    engine = create_async_engine(stage.server.url_of(name), pool_size=1, connect_args={"server_settings": PINNED_PLANS})
    await _moved_in(engine, ((each, 1) for each in range(1, PEOPLE + 1)))
    await connection.execute("VACUUM ANALYZE")
    lots = await connection.fetchval(
        "SELECT count(*) FROM position p JOIN account a ON a.id = p.account_id WHERE a.owner_kind = 'pool'"
    )
    assert lots == PEOPLE * LOTS
    await connection.close()

    async def one(whose: Owner, key: str) -> float:
        async with engine.connect() as tx:
            began = time.perf_counter()
            async with tx.begin():
                about = {"key": key, "owner": whose, "currency": COMMON, "at": AT, "actor": "bench"}
                await post(tx, Burn(**about, merchant_id=1, points=POINTS))  # type: ignore[arg-type]
            return (time.perf_counter() - began) * 1000

    readings: list[tuple[float, float]] = []
    for number in range(ROUNDS + 1):
        ours: list[float] = []
        theirs: list[float] = []
        for n in range(BURNS):
            ours.append(await one(pools.owner(1), f"pool:{number}:{n}"))
            theirs.append(await one(member(PEOPLE + 1), f"single:{number}:{n}"))
        if number:  # the first warms caches and plans
            readings.append((statistics.median(ours), statistics.median(theirs)))
    async with engine.connect() as tx:
        if not (found := await audit(tx)).holds:
            raise RuntimeError(f"{found.violations[:3]}")
    await engine.dispose()
    await stage.drop(name)
    return beside(
        "family.burn",
        "ms",
        [one for one, _ in readings],
        "a single member, 250 lots",
        [other for _, other in readings],
        wanted="≤ 2",
        note=f"{PEOPLE} people, {lots:,} lots; {POINTS} points a burn, pro rata among all of one day",
    )


async def _homes(stage: Stage) -> tuple[str, list[int], list[int]]:
    """A database with single members and families, and who spends: each alone, one of each family."""
    name = await stage.database()
    singles = FAMILIES
    everybody = singles + FAMILIES * OF
    connection = await asyncpg.connect(stage.server.dsn_of(name))
    await connection.execute(
        f"INSERT INTO member (status, joined_on) SELECT 'active', '2026-01-01' FROM generate_series(1, {everybody})"
    )
    sealed = vault()
    await connection.executemany(
        "INSERT INTO person (member_id, telegram_index, key, box) VALUES ($1, $2, $3, '')",
        [(who, sealed.blind("telegram", who), sealed.new_key()) for who in range(1, everybody + 1)],
    )
    await fill(connection, members=everybody, lots=8, points=POINTS, expires=None)
    await connection.execute(
        f"""
        INSERT INTO family (head_id, founded_at) SELECT {singles} + f * {OF} - {OF - 1}, '2026-01-01' FROM
            generate_series(1, {FAMILIES}) f ORDER BY f;
        INSERT INTO family_place (family_id, member_id, joined_by, joined_at, in_from, spends_most)
        SELECT f, {singles} + (f - 1) * {OF} + n, 'bench', '2026-01-01', '2026-01-01', 1000000
        FROM generate_series(1, {FAMILIES}) f, generate_series(1, {OF}) n;
        """
    )
    await connection.close()
    spenders = [singles + (f - 1) * OF + 2 for f in range(1, FAMILIES + 1)]
    return name, list(range(1, singles + 1)), spenders


async def _load(stage: Stage) -> list[Figure]:
    name, singles, spenders = await _homes(stage)
    url = stage.server.url_of(name)
    engine = create_async_engine(url)
    first = FAMILIES + 1
    await _moved_in(engine, ((first + n, n // OF + 1) for n in range(FAMILIES * OF)))
    document = offer("box", "礼盒", "Box", "fruit", per_unit(POINTS))
    offers = []
    async with engine.begin() as tx:
        about = {"name_zh": "鲜果时光", "name_en": "Fruit Time", "category": "fruit"}
        await merchants.create(tx, code="fruit", terms=Terms(), **about)
        for number in range(ROUNDS + 1):
            named = document.model_copy(update={"code": f"box{number}"})
            offers.append(await publish(tx, named, now=NOW, today=TODAY))
    readings: list[tuple[tuple[float, float], tuple[float, float]]] = []
    for number, offer_id in enumerate(offers):
        told: dict[bool, tuple[list[Told], float]] = {}
        for pooled in (True, False) if number % 2 else (False, True):
            work, people = partial(press, pooled=True) if pooled else press, spenders if pooled else singles
            told[pooled] = await asyncio.to_thread(
                rush, work, url, offer_id, POINTS, people, workers=WORKERS, connections=CONNECTIONS
            )
            if wrong := [each for each in told[pooled][0] if each.outcome != REDEEMED]:
                raise RuntimeError(f"{wrong[:3]}")
        if number:
            readings.append((_rate(*told[True]), _rate(*told[False])))
    async with engine.connect() as tx:
        if not (found := await audit(tx)).holds:
            raise RuntimeError(f"{found.violations[:3]}")
    await engine.dispose()
    await stage.drop(name)
    note = f"{FAMILIES:,} families of {OF}, {WORKERS} workers of {CONNECTIONS} connections"
    return [
        beside(
            f"family.load{end}",
            unit,
            [ours[index] for ours, _ in readings],
            "as many with their own points",
            [theirs[index] for _, theirs in readings],
            wanted=wish,
            note=note if not index else "",
        )
        for index, (end, unit, wish) in enumerate((("", "redemptions/s", "≥ 0.5"), (".p99_ms", "ms", "")))
    ]


def _rate(told: list[Told], seconds: float) -> tuple[float, float]:
    cuts = statistics.quantiles([each.seconds * 1000 for each in told], n=100)
    return len(told) / seconds, cuts[98]


async def run(stage: Stage, wanted: Callable[[str], bool]) -> list[Figure]:
    """The figures that are asked for."""
    figures = [await _burns(stage)] if wanted("family.burn") else []
    if wanted("family.load") or wanted("family.load.p99_ms"):
        figures += await _load(stage)
    return figures
