"""redeem.hot: five thousand members after a hundred pieces in the same second, through two workers; decisions a second.

Ours is `redemptions.redeem`, which the chat calls: limits judged, the piece taken under its number, lots burned, the code made and
sealed. A decision is a transaction of its own, a redemption or a kind no. The rival is the least that can be written by hand on as
many connections: one UPDATE of a stock row, one of a purse, one INSERT — no lots, no journal, no limits, no code.

Both must leave exactly one hundred sold. Of ours it is proven too that the pieces are 1 to 100, once each, in the order in which
entries were made under the lock, that nobody else's points were touched, and that the books hold. A decision's milliseconds are
those from its turn at a connection on.
"""

from __future__ import annotations

import asyncio
import statistics
from collections import Counter
from collections.abc import Callable, Sequence
from multiprocessing.connection import Connection

import asyncpg
from sqlalchemy import text
from sqlalchemy.ext.asyncio import AsyncEngine, create_async_engine

from bench.figures import Figure, beside
from bench.stage import Stage, fill
from ledger.merchants import merchant as merchants
from ledger.merchants.merchant import Terms
from ledger.points.audit import audit
from ledger.redeeming.offers import Limits
from ledger.redeeming.publish import publish
from tests.ledger.redeeming.rush import REDEEMED, Told, in_turn, press, rush
from tests.ledger.redeeming.stage import NOW, TODAY, offer, per_unit, vault

MEMBERS, PIECES = 5_000, 100
POINTS = 500
ROUNDS = 3
WORKERS, CONNECTIONS = 2, 16
GONE = "sold_out"

_RIVAL_TABLES = f"""
    CREATE TABLE rival_stock (offer_id bigint PRIMARY KEY, taken int NOT NULL);
    CREATE TABLE rival_purse (member_id bigint PRIMARY KEY, points bigint NOT NULL CHECK (points >= 0));
    CREATE TABLE rival_sale (offer_id bigint, piece int, member_id bigint, at timestamptz DEFAULT now(),
        PRIMARY KEY (offer_id, piece), UNIQUE (offer_id, member_id));
    INSERT INTO rival_purse SELECT m, {POINTS * (ROUNDS + 1)} FROM generate_series(1, {MEMBERS}) m;
"""


def by_hand(
    url: str,
    offer_id: int,
    points: int,
    people: Sequence[int],
    connections: int,
    pipe: Connection,
    pieces: int = PIECES,
) -> None:
    """The rival's worker."""
    asyncio.run(_by_hand(url, offer_id, points, people, connections, pipe, pieces))


async def _by_hand(
    url: str, offer_id: int, points: int, people: Sequence[int], connections: int, pipe: Connection, pieces: int
) -> None:
    dsn = url.replace("postgresql+asyncpg://", "postgresql://")
    pool = await asyncpg.create_pool(dsn, min_size=connections, max_size=connections)

    async def decide(who: int) -> str:
        async with pool.acquire() as connection, connection.transaction():
            piece = await connection.fetchval(
                "UPDATE rival_stock SET taken = taken + 1 WHERE offer_id = $1 AND taken < $2 RETURNING taken",
                offer_id,
                pieces,
            )
            if piece is None:
                return GONE
            await connection.execute("UPDATE rival_purse SET points = points - $2 WHERE member_id = $1", who, points)
            await connection.execute(
                "INSERT INTO rival_sale (offer_id, piece, member_id) VALUES ($1, $2, $3)", offer_id, piece, who
            )
            return REDEEMED

    await in_turn(people, connections, decide, pipe)
    await pool.close()


async def filled(stage: Stage) -> str:
    """A database with members who hold points, and the rival's tables."""
    name = await stage.database()
    connection = await asyncpg.connect(stage.server.dsn_of(name))
    await connection.execute(
        f"INSERT INTO member (status, joined_on) SELECT 'active', '2026-01-01' FROM generate_series(1, {MEMBERS})"
    )
    sealed = vault()
    await connection.executemany(
        "INSERT INTO person (member_id, telegram_index, key, box) VALUES ($1, $2, $3, '')",
        [(who, sealed.blind("telegram", who), sealed.new_key()) for who in range(1, MEMBERS + 1)],
    )
    await connection.execute(_RIVAL_TABLES)
    await fill(connection, members=MEMBERS, lots=1, points=POINTS * (ROUNDS + 1), expires="2027-11-30")
    await connection.close()
    return name


async def _offer(engine: AsyncEngine, number: int) -> int:
    """A hundred pieces of something new, for ours and for the rival."""
    document = offer(f"box{number}", "限量礼盒", "Limited box", "fruit", per_unit(POINTS), limits=Limits(stock=PIECES))
    async with engine.begin() as tx:
        if not number:
            await merchants.create(
                tx, code="fruit", name_zh="鲜果时光", name_en="Fruit Time", category="fruit", terms=Terms()
            )
        made = await publish(tx, document, now=NOW, today=TODAY)
        await tx.execute(text("INSERT INTO rival_stock VALUES (:id, 0)"), {"id": made})
    return made


_UNTOUCHED = text(
    "SELECT owner_id FROM account WHERE owner_kind = 'member' AND purpose = 'available' AND balance + :points *"
    " (SELECT count(*) FROM redemption r WHERE r.member_id = owner_id) <> :whole"
)
_PIECES = text("SELECT member_id, piece FROM redemption WHERE offer_id = :id ORDER BY entry_id")
_SOLD = text("SELECT member_id, piece FROM rival_sale WHERE offer_id = :id ORDER BY piece")


async def _proven(engine: AsyncEngine, offer_id: int, ours: list[Told], theirs: list[Told]) -> None:
    """Nothing oversold, the order kept, nobody's points touched who was told no."""
    wrong: list[str] = []
    async with engine.connect() as tx:
        for told, query in ((ours, _PIECES), (theirs, _SOLD)):
            if Counter(one.outcome for one in told) != {REDEEMED: PIECES, GONE: MEMBERS - PIECES}:
                wrong.append(f"{Counter(one.outcome for one in told)}")
            sold = list(await tx.execute(query, {"id": offer_id}))
            if [row.piece for row in sold] != list(range(1, PIECES + 1)):
                wrong.append("pieces are not 1 to the last in order")
            if {row.member_id for row in sold} != {one.member_id for one in told if one.outcome == REDEEMED}:
                wrong.append("somebody was told otherwise than it is")
        values = {"points": POINTS, "whole": POINTS * (ROUNDS + 1)}
        if touched := list(await tx.scalars(_UNTOUCHED, values)):
            wrong.append(f"points of {len(touched)} members are not what they redeemed")
        if not (found := await audit(tx)).holds:
            wrong.append(f"{found.violations[:3]}")
    if wrong:
        raise RuntimeError("; ".join(wrong))


def _milliseconds(told: list[Told], *outcomes: str) -> tuple[float, float]:
    """Half and 99 of a hundred were decided within so many ms, from their turn at a connection on."""
    cuts = statistics.quantiles([one.seconds * 1000 for one in told if one.outcome in outcomes], n=100)
    return cuts[49], cuts[98]


async def run(stage: Stage, wanted: Callable[[str], bool]) -> list[Figure]:
    """The figures that are asked for."""
    names = [f"redeem.hot{end}" for end in ("", ".p50_ms", ".p99_ms", ".sold_p99_ms")]
    if not any(map(wanted, names)):
        return []
    name = await filled(stage)
    url = stage.server.url_of(name)
    engine = create_async_engine(url)
    readings: list[tuple[tuple[float, ...], tuple[float, ...]]] = []
    for number in range(ROUNDS + 1):
        made = await _offer(engine, number)
        told = {}
        for work in (press, by_hand) if number % 2 else (by_hand, press):
            told[work] = await asyncio.to_thread(
                rush, work, url, made, POINTS, range(1, MEMBERS + 1), workers=WORKERS, connections=CONNECTIONS
            )
        await _proven(engine, made, told[press][0], told[by_hand][0])
        if number:  # the first warms caches and plans
            ours, theirs = (
                (
                    MEMBERS / seconds,
                    *_milliseconds(each, REDEEMED, GONE),
                    _milliseconds(each, REDEEMED)[1],
                )
                for each, seconds in (told[press], told[by_hand])
            )
            readings.append((ours, theirs))
    await engine.dispose()
    await stage.drop(name)
    note = (
        f"{MEMBERS:,} members, {PIECES} pieces, {WORKERS} workers of {CONNECTIONS} connections; {PIECES} sold, in order"
    )
    return [
        beside(
            figure,
            "decisions/s" if not index else "ms",
            [ours[index] for ours, _ in readings],
            "UPDATE and INSERT by hand",
            [theirs[index] for _, theirs in readings],
            note="" if index else note,
        )
        for index, figure in enumerate(names)
        if wanted(figure)
    ]
