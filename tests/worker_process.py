"""A worker as a process of its own, to be killed: `python -m tests.worker_process DATABASE_URL API_URL PORT`.

It takes updates of the test feature (`tests/bot/test_turns.py`) by webhook and prints READY when it listens.
"""

from __future__ import annotations

import asyncio
import sys

import structlog
from aiohttp import web

from bot.clock import Clock
from bot.engines import engines
from bot.pictures import qr_png
from bot.worker import Parts, Worker
from ledger.members.vault import Vault
from tests.bot.test_turns import feature
from tests.driver import SECRET, ZONE, asset


async def main(database_url: str, api_url: str, port: int) -> None:
    """Serve until killed."""
    structlog.configure(logger_factory=structlog.ReturnLoggerFactory())  # says nothing: nobody listens
    parts = Parts(
        engines=engines(database_url, 6),
        vault=Vault("a secret for tests", lambda n: bytes(n)),
        clock=Clock(ZONE),
        features=[feature],
        token="42:TEST",
        api_url=api_url,
        qr_png=qr_png,
        assets=asset,
        webhook_secret=SECRET,
    )
    worker = Worker(parts)
    await worker.start()
    app = web.Application()
    worker.webhook.add_to(app)
    runner = web.AppRunner(app, access_log=None)
    await runner.setup()
    await web.TCPSite(runner, "127.0.0.1", port).start()
    print("READY", flush=True)
    await asyncio.Event().wait()


if __name__ == "__main__":
    asyncio.run(main(sys.argv[1], sys.argv[2], int(sys.argv[3])))
