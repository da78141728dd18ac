"""catalog.search: what somebody types, looked for among five thousand offers by the function that the chat calls.

Beside it, in the same run, is a plain `LIKE` over the names alone, in a table that holds nothing else. `catalog.search.hits` is how
many of the queries are answered within the first five, of all and (in the note) of the first thirteen; `catalog.search.changed` is
the first search after an offer was paused or brought back, which reads the shelf again.
"""

from __future__ import annotations

import gc
import statistics
import time
import tomllib
import tracemalloc
from collections.abc import Awaitable, Callable
from dataclasses import dataclass
from pathlib import Path

import asyncpg
from sqlalchemy import text
from sqlalchemy.ext.asyncio import AsyncConnection, create_async_engine

from bench.catalogue import Shop, fill
from bench.figures import Figure, beside
from bench.stage import Stage
from ledger.points.engine import PINNED_PLANS
from ledger.points.reading import run as statement
from ledger.redeeming.offers import Offer
from ledger.redeeming.search import Index, search
from ledger.redeeming.spelling import search_text

QUERIES = Path(__file__).with_name("catalogue_queries.toml")
THIRTEEN, FIRST = 13, 5
ROUNDS = 7

Placed = dict[int, tuple[Shop, Offer]]
Find = Callable[[AsyncConnection, str], Awaitable[list[int]]]


@dataclass(frozen=True, slots=True)
class Query:
    """What is typed, in which way, and what is meant."""

    asked: str
    way: str
    name: list[str]
    shop: str = ""

    def means(self, shop: Shop, offer: Offer) -> bool:
        """Whether this offer is meant."""
        return all(part in offer.name.zh for part in self.name) and self.shop in ("", shop.name.zh)


def queries() -> list[Query]:
    """The list, the thirteen first."""
    return [Query(**each) for each in tomllib.loads(QUERIES.read_text("utf-8"))["queries"]]


def answered(query: Query, found: list[int], placed: Placed) -> bool:
    """Whether the first five hold what is meant."""
    return any(query.means(*placed[offer_id]) for offer_id in found[:FIRST])


async def _like(tx: AsyncConnection, words: str) -> list[int]:
    query = "SELECT id FROM named WHERE words LIKE $1 ORDER BY length(words), id LIMIT 60"
    return [row[0] for row in await statement(tx, query, f"%{words.lower()}%")]


async def _round(tx: AsyncConnection, find: Find, asked: list[Query]) -> list[float]:
    """Milliseconds of each query."""
    took = []
    for query in asked:
        began = time.perf_counter()
        await find(tx, query.asked)
        took.append((time.perf_counter() - began) * 1000)
    return took


async def _changed(tx: AsyncConnection, number: int) -> float:
    """Milliseconds of the first search after a change."""
    name = f"offer-{number}"
    await tx.execute(text("UPDATE offer SET active = NOT active WHERE code = :name"), {"name": name})
    began = time.perf_counter()
    await search(tx, "shuigou")
    return (time.perf_counter() - began) * 1000


def _mebibytes(placed: Placed) -> float:
    """What an index takes, all it makes at need included."""
    rows = [(number, search_text(offer.name, shop.name)) for number, (shop, offer) in placed.items()]
    tracemalloc.start()
    try:
        index = Index(rows)
        index.find("shuigou", FIRST, guess=True)
        return tracemalloc.get_traced_memory()[0] / 2**20
    finally:
        tracemalloc.stop()


async def run(stage: Stage, wanted: Callable[[str], bool]) -> list[Figure]:
    """All three over the same offers."""
    names = [name for name in ("catalog.search", "catalog.search.hits", "catalog.search.changed") if wanted(name)]
    if not names:
        return []
    database = await stage.database()
    connection = await asyncpg.connect(stage.server.dsn_of(database))
    placed = await fill(connection)
    await connection.execute("CREATE TABLE named (id bigint PRIMARY KEY, words text NOT NULL)")
    rows = [(number, f"{offer.name.zh} {offer.name.en.lower()}") for number, (_, offer) in placed.items()]
    await connection.executemany("INSERT INTO named VALUES ($1, $2)", rows)
    await connection.execute("VACUUM ANALYZE")
    await connection.close()
    engine = create_async_engine(stage.server.url_of(database), connect_args={"server_settings": PINNED_PLANS})
    asked, all_took = queries(), []
    ours, theirs, hits, changed, unchanged = [], [], [], [], []
    async with engine.connect() as tx:
        began = time.perf_counter()
        await search(tx, "latte")
        first = (time.perf_counter() - began) * 1000
        await _round(tx, search, asked)
        gc.collect()
        gc.freeze()  # as `bot.main` has it
        gc.set_threshold(50_000, 20, 20)
        for number in range(ROUNDS):
            took = await _round(tx, search, asked)
            all_took += took
            ours.append(statistics.median(took))
            theirs.append(statistics.median(await _round(tx, _like, asked)))
            changed.append(await _changed(tx, number))
            unchanged.append((await _round(tx, search, [Query("shuigou", "typo", [])]))[0])
        await tx.rollback()
        for find in (search, _like):
            hits.append([answered(query, await find(tx, query.asked), placed) for query in asked])
    await engine.dispose()
    await stage.drop(database)
    p95 = statistics.quantiles(all_took, n=20)[-1]
    thirteen = [sum(each[:THIRTEEN]) for each in hits]
    timed = f"p95 {p95:.1f} ms, {len(placed):,} offers, {len(asked)} queries, {_mebibytes(placed):.0f} MiB"
    of_thirteen = f"of {len(asked)}; of the thirteen {thirteen[0]}, LIKE {thirteen[1]}"
    figures = {
        "catalog.search": beside(
            "catalog.search", "ms", ours, "LIKE over the names alone", theirs, wanted="value ≤ 10", note=timed
        ),
        "catalog.search.hits": beside(
            "catalog.search.hits", "found", [sum(hits[0])], "LIKE over the names alone", [sum(hits[1])],
            wanted="≥ 12 of the 13", note=of_thirteen,
        ),
        "catalog.search.changed": beside(
            "catalog.search.changed", "ms", changed, "the same, nothing changed", unchanged,
            note=f"a typing error; {first:.0f} ms the first of a process",
        ),
    }  # fmt: skip
    return [figures[name] for name in names]
