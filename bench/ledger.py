"""ledger.<verb>.c1|c8|c32, .single and .c32.vs_orm.

Ours: N callers through one `Combiner` — the write path of the purchase intake — and, as `.single`, one command in a transaction of
its own. The limit: the same effect as one hand-written SQL function per verb (`rival.sql`) called by asyncpg on N connections,
committed each. The ORM: the way a careful application would write it with SQLAlchemy's ORM (`orm.py`), on N connections. All on one
server, in turn, on equally filled databases of their own; a run is a fixed number of happenings of distinct keys.
"""

from __future__ import annotations

import asyncio
import datetime as dt
import random
import time
from collections.abc import Awaitable, Callable
from functools import cache
from importlib.resources import files
from typing import Any

import asyncpg
from sqlalchemy.ext.asyncio import AsyncEngine, create_async_engine

from bench import orm
from bench.figures import Figure, beside
from bench.stage import Stage, fill
from ledger.points.combine import Combiner
from ledger.points.commands import Accrue, Burn, Command, Expire, Hold, Moment, Transfer, member
from ledger.points.engine import PINNED_PLANS, apply

VERBS = ("accrue", "burn", "hold", "transfer", "expire")
MEMBERS = 24_000
ROUNDS = 3
HAPPENINGS = {1: 800, 8: 4_000, 32: 8_000}
NOW = Moment(dt.datetime(2026, 11, 22, 4, tzinfo=dt.UTC), dt.date(2026, 11, 22))

Job = tuple[str, int, int]
"""key, member, second member."""


def jobs(count: int, run: int) -> list[Job]:
    """Distinct members in random order, each with a partner that is nobody else's member."""
    rng = random.Random(run)
    chosen = rng.sample(range(1, MEMBERS + 1), count)
    return [(f"{run}:{i}", m, m % MEMBERS + 1) for i, m in enumerate(chosen)]


def command(verb: str, job: Job) -> Command:
    """The command that a job asks for."""
    key, who, other = job
    common: dict[str, Any] = {
        "key": key,
        "owner": member(who),
        "currency": 1,
        "at": NOW,
        "actor": "bench",
        "merchant_id": 1,
    }
    match verb:
        case "accrue":
            ends = dt.date(2027, 11, 30)
            return Accrue(**common, issuer_id=1, points=30, available_on=NOW.today, expires_on=ends)
        case "burn":
            return Burn(**common, points=30)
        case "hold":
            return Hold(**common, points=30)
        case "transfer":
            return Transfer(**common, to=member(other), points=30)
        case _:
            return Expire(**common)


@cache
def call(verb: str) -> str:
    """The limit's SQL."""
    arguments = {"transfer": "$1, $2, $3, 30", "expire": "$1, $2"}.get(verb, "$1, $2, 30")
    return f"SELECT rival_{verb}({arguments})"


async def spread(work: list[Job], callers: int, one: Callable[[int, Job], Awaitable[None]]) -> float:
    """Happenings per second of `callers` callers that share the work."""
    queue = iter(work)

    async def caller(number: int) -> None:
        for job in queue:
            await one(number, job)

    began = time.perf_counter()
    await asyncio.gather(*[caller(n) for n in range(callers)])
    return len(work) / (time.perf_counter() - began)


class Ours:
    """Our write path on a database of its own."""

    def __init__(self, url: str) -> None:
        self.engine: AsyncEngine = create_async_engine(url, pool_size=2, connect_args={"server_settings": PINNED_PLANS})

    async def combined(self, verb: str, callers: int, work: list[Job]) -> float:
        async with Combiner(self.engine) as combiner:

            async def one(_: int, job: Job) -> None:
                await combiner.submit(command(verb, job))

            return await spread(work, callers, one)

    async def single(self, verb: str, work: list[Job]) -> float:
        async with self.engine.connect() as connection:

            async def one(_: int, job: Job) -> None:
                async with connection.begin():
                    (outcome,) = await apply(connection, [command(verb, job)])
                if isinstance(outcome, Exception):
                    raise outcome

            return await spread(work, 1, one)


class Limit:
    """Hand-written functions on as many connections."""

    def __init__(self, connections: list[asyncpg.Connection]) -> None:
        self.connections = connections

    async def run(self, verb: str, callers: int, work: list[Job]) -> float:
        prepared = [await c.prepare(call(verb)) for c in self.connections[:callers]]

        async def one(number: int, job: Job) -> None:
            arguments = job if verb == "transfer" else job[:2]
            if await prepared[number].fetchval(*arguments) < 0:
                raise RuntimeError(f"the limit refused {verb} {job}")

        return await spread(work, callers, one)


async def _filled(stage: Stage, verb: str) -> str:
    name = await stage.database()
    connection = await asyncpg.connect(stage.server.dsn_of(name))
    await connection.execute((files("bench") / "rival.sql").read_text("utf-8"))
    if verb == "expire":
        await fill(connection, members=MEMBERS, lots=2, points=10_000, expires="2026-11-21")
    else:
        await fill(connection, members=MEMBERS, lots=4, points=10_000, expires=None)
    await connection.close()
    return name


async def run(stage: Stage, wanted: Callable[[str], bool]) -> list[Figure]:
    """The figures of every verb that is asked for."""
    figures: list[Figure] = []
    for verb in VERBS:
        names = [f"ledger.{verb}.{k}" for k in ("c1", "c8", "c32", "single", "c32.vs_orm")]
        if any(map(wanted, names)):
            figures += await _verb(stage, verb, wanted)
    return figures


async def _verb(stage: Stage, verb: str, wanted: Callable[[str], bool]) -> list[Figure]:
    figures = []
    cases = [("c1", 1), ("c8", 8), ("c32", 32), ("single", 1), ("c32.vs_orm", 32)]
    for case, callers in cases:
        name = f"ledger.{verb}.{case}"
        if not wanted(name):
            continue
        count = HAPPENINGS[callers]
        ours_at, theirs_at = await _filled(stage, verb), await _filled(stage, verb)
        ours = Ours(stage.server.url_of(ours_at))
        connections = [await asyncpg.connect(stage.server.dsn_of(theirs_at)) for _ in range(callers)]
        limit = Limit(connections)
        by_orm = orm.Rival(stage.server.url_of(theirs_at), callers)
        mine, theirs = [], []
        for number in range(ROUNDS + 1):
            if verb == "expire":
                # A member's due lots end once: each round has members of its own.
                work = jobs(MEMBERS, 1)[number * count : (number + 1) * count] if count * 4 <= MEMBERS else None
                work = work or _slices(number, count)
            else:
                work = jobs(count, number)
            if case == "single":
                a = await ours.single(verb, work)
                b = await limit.run(verb, 1, work)
            elif case == "c32.vs_orm":
                a = await ours.combined(verb, callers, work)
                b = await by_orm.run(verb, work[: count // 8])
            else:
                a = await ours.combined(verb, callers, work)
                b = await limit.run(verb, callers, work)
            if number:
                # The first round warms caches and plans.
                mine.append(a)
                theirs.append(b)
        rival = "SQLAlchemy ORM" if case == "c32.vs_orm" else "one SQL function"
        target = {"c32": "≥ 0.6", "single": "≥ 0.25", "c32.vs_orm": "≥ 8"}.get(case, "")
        figures.append(beside(name, "per s", mine, rival, theirs, wanted=target))
        await ours.engine.dispose()
        await by_orm.close()
        for connection in connections:
            await connection.close()
        await stage.drop(ours_at)
        await stage.drop(theirs_at)
    return figures


def _slices(number: int, count: int) -> list[Job]:
    """So much work that members run out: a smaller share of it each round."""
    share = MEMBERS // (ROUNDS + 1)
    return jobs(MEMBERS, 1)[number * share : number * share + min(count, share)]
