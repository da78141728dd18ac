"""A server for `bench.api`, in a process of its own: `python -m bench.api_server combined|single|empty|rows DATABASE_URL SECRET`.

`combined` and `single` are the merchant API, purchases sharing transactions or not; `empty` parses the same body with the same
model and answers as much; `rows` does that and has the same rows written, by one call of one SQL function for all that wait
(`rows.sql`), with the answers and their keys. Prints its port.
"""

from __future__ import annotations

import asyncio
import gc
import sys
from collections.abc import Awaitable, Callable, Sequence
from pathlib import Path
from zoneinfo import ZoneInfo

import uvloop
from aiohttp import web
from sqlalchemy import text
from sqlalchemy.ext.asyncio import AsyncConnection

from bot.clock import Clock
from bot.engines import engines
from bot.merchant_api.models import BatchIn, PurchaseIn
from bot.merchant_api.server import MerchantApi
from ledger.members.vault import Vault
from ledger.points.combine import Combining
from ledger.points.reading import run

CONNECTIONS = 16
BODY_MOST = 8_000_000
ANSWER = (
    b'{"document":"bench-0000000","member":"AAAAAAAAAAAAAAAAAAAAAA","amount_minor":12300,"refunded_minor":0,"money":"CNY",'
    b'"points":123,"available_on":"2026-11-29","expires_on":"2027-11-30","because":null,'
    b'"occurred_at":"2026-11-22T02:30:00Z","repeated":false}'
)


Keep = Callable[[list[PurchaseIn], str, bytes], Awaitable[None]]
"""Purchases of a request, its Idempotency-Key and its answer."""


async def _nothing(rows: list[PurchaseIn], key: str, answer: bytes) -> None: ...


def _answering(app: web.Application, keep: Keep = _nothing) -> None:
    async def purchase(request: web.Request) -> web.Response:
        one = PurchaseIn.model_validate_json(await request.read())
        await keep([one], request.headers["Idempotency-Key"], ANSWER)
        return web.Response(body=ANSWER, status=201, content_type="application/json")

    async def batch(request: web.Request) -> web.Response:
        rows = BatchIn.model_validate_json(await request.read()).purchases
        answer = b"[" + b",".join([ANSWER] * len(rows)) + b"]"
        await keep(rows, request.headers["Idempotency-Key"], answer)
        return web.Response(body=answer, content_type="application/json")

    app.router.add_post("/v1/purchases", purchase)
    app.router.add_post("/v1/purchases:batch", batch)


async def _rows(url: str) -> Keep:
    """Has the rows of whoever waits written by one call."""
    engine = engines(url, CONNECTIONS).turns
    async with engine.begin() as tx:
        await tx.exec_driver_sql((Path(__file__).parent / "rows.sql").read_text("utf-8"))
        merchant_id = await tx.scalar(text("SELECT id FROM merchant WHERE code = 'bench'"))
        members = await tx.scalar(text("SELECT count(*) FROM member"))

    async def work(tx: AsyncConnection, batch: Sequence[tuple[list[PurchaseIn], str, bytes]]) -> list[bool]:
        documents = [one.document for rows, _, _ in batch for one in rows]
        whose = [int(document.rpartition("-")[2]) % members + 1 for document in documents]
        await run(tx, "SELECT bench_rows($1, $2::text[], $3::bigint[])", merchant_id, documents, whose)
        keys, kept = [key for _, key, _ in batch], [answer.decode() for _, _, answer in batch]
        await run(tx, "INSERT INTO turn_key (key, answer) SELECT * FROM unnest($1::text[], $2::text[])", keys, kept)
        return [True] * len(batch)

    combining: Combining[tuple[list[PurchaseIn], str, bytes], bool] = Combining(engine, work, writers=2)
    await combining.__aenter__()

    async def keep(rows: list[PurchaseIn], key: str, answer: bytes) -> None:
        await combining.submit((rows, key, answer))

    return keep


async def main(kind: str, url: str, secret: str) -> None:
    """Serve until killed."""
    app = web.Application(client_max_size=BODY_MOST)
    if kind in ("empty", "rows"):
        _answering(app, _nothing if kind == "empty" else await _rows(url))
    else:
        pools = engines(url, CONNECTIONS)
        clock = Clock(ZoneInfo("Asia/Shanghai"))
        api = MerchantApi(pools, Vault(secret, lambda n: bytes(n)), clock, combine=kind == "combined")
        await api.__aenter__()
        api.add_to(app)
    runner = web.AppRunner(app, access_log=None)
    await runner.setup()
    await web.TCPSite(runner, "127.0.0.1", 0).start()
    gc.collect()
    gc.freeze()
    gc.set_threshold(50_000, 20, 20)  # as `bot.main` has it
    print(runner.addresses[0][1], flush=True)
    await asyncio.Event().wait()


if __name__ == "__main__":
    uvloop.run(main(*sys.argv[1:]))
