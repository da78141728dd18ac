"""The API in a process of its own, one of several: `python -m tests.bot.merchant_api.server_process DATABASE_URL PROCESSES`.

Prints its port.
"""

from __future__ import annotations

import asyncio
import sys

import structlog
from aiohttp import web

from bot.clock import Clock
from bot.engines import engines
from bot.merchant_api.server import MerchantApi
from tests import turns


async def main(database_url: str, processes: int) -> None:
    """Serve until killed."""
    structlog.configure(logger_factory=structlog.ReturnLoggerFactory())
    api = MerchantApi(engines(database_url, 8), turns.vault(), Clock(turns.ZONE), processes=processes)
    async with api:
        app = web.Application()
        api.add_to(app)
        runner = web.AppRunner(app, access_log=None)
        await runner.setup()
        await web.TCPSite(runner, "127.0.0.1", 0).start()
        print(runner.addresses[0][1], flush=True)
        await asyncio.Event().wait()


if __name__ == "__main__":
    asyncio.run(main(sys.argv[1], int(sys.argv[2])))
