"""A server for `bench.api`, in a process of its own: `python -m bench.api_server combined|single|empty DATABASE_URL SECRET`.

`combined` and `single` are the merchant API, purchases sharing transactions or not; `empty` parses the same body with the same
model and answers as much. Prints its port.
"""

from __future__ import annotations

import asyncio
import gc
import sys
from zoneinfo import ZoneInfo

import uvloop
from aiohttp import web

from bot.clock import Clock
from bot.engines import engines
from bot.merchant_api.models import BatchIn, PurchaseIn
from bot.merchant_api.server import MerchantApi
from ledger.members.vault import Vault

CONNECTIONS = 16
BODY_MOST = 8_000_000
ANSWER = (
    b'{"document":"bench-0000000","member":"AAAAAAAAAAAAAAAAAAAAAA","amount_minor":12300,"refunded_minor":0,"money":"CNY",'
    b'"points":123,"available_on":"2026-11-29","expires_on":"2027-11-30","because":null,'
    b'"occurred_at":"2026-11-22T02:30:00Z","repeated":false}'
)


async def _purchase(request: web.Request) -> web.Response:
    PurchaseIn.model_validate_json(await request.read())
    return web.Response(body=ANSWER, status=201, content_type="application/json")


async def _batch(request: web.Request) -> web.Response:
    rows = BatchIn.model_validate_json(await request.read()).purchases
    return web.Response(body=b"[" + b",".join([ANSWER] * len(rows)) + b"]", content_type="application/json")


async def main(kind: str, url: str, secret: str) -> None:
    """Serve until killed."""
    app = web.Application(client_max_size=BODY_MOST)
    if kind == "empty":
        app.router.add_post("/v1/purchases", _purchase)
        app.router.add_post("/v1/purchases:batch", _batch)
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
    gc.set_threshold(20_000, 20, 20)  # as `bot.main` has it
    print(runner.addresses[0][1], flush=True)
    await asyncio.Event().wait()


if __name__ == "__main__":
    uvloop.run(main(*sys.argv[1:]))
