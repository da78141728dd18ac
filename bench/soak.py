"""The soak: a thousand processes killed under load on a database that syncs to disk, and the ledger proven after them."""

from __future__ import annotations

import asyncio
import time

from sqlalchemy.ext.asyncio import create_async_engine

from bench.stage import stage
from tests.ledger.points.builders import make_currencies
from tests.ledger.points.kills import Survived, survive


def main(kills: int = 1000) -> int:
    """Kill so many workers; 0 when nothing was lost, nothing doubled, and `audit` holds."""
    began = time.monotonic()
    with stage() as at:
        found = asyncio.run(_soak(at.server.url_of(asyncio.run(at.database())), kills))
    seconds = time.monotonic() - began
    print(
        f"{found.kills} kills in {seconds:.0f} s · {len(found.acknowledged)} keys acknowledged · {found.entries} entries ·"
        f" lost {len(found.lost)} · doubled {len(found.doubled)} · missing {len(found.missing)} ·"
        f" violations {len(found.violations)}"
    )
    for line in [*found.lost[:5], *found.doubled[:5], *found.missing[:5], *found.violations[:5]]:
        print(" ", line)
    return 0 if found.nothing_happened else 1


async def _soak(url: str, kills: int) -> Survived:
    engine = create_async_engine(url)
    await make_currencies(engine)
    await engine.dispose()
    return await survive(url, kills=kills, seed=int(time.time()), say=lambda line: print(line, flush=True))
