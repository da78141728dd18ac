"""A process that works on imported files until it is killed: `python -m tests.bot.imports_process URL`."""

from __future__ import annotations

import asyncio
import sys

from bot.clock import Clock
from bot.engines import engines
from bot.imports import Imports
from chat.feature import discover
from jobs import imports as duty
from ledger.members.vault import Vault
from tests.bot.importing import SECRET, Entropy, nothing
from tests.ledger.earning.shop import NOON, ZONE


async def main(url: str) -> None:
    discover()
    duty.UNITS_PER_CHUNK = 8
    working = Imports(engines(url, 3).turns, Vault(SECRET, Entropy()), Clock(ZONE, lambda: NOON), nothing)
    await working.run()


if __name__ == "__main__":
    asyncio.run(main(sys.argv[1]))
