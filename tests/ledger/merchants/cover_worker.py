"""A process that issues against slices of a cover until it may issue no more, or is killed."""

from __future__ import annotations

import asyncio
import itertools
import random
from multiprocessing.connection import Connection

from sqlalchemy.ext.asyncio import create_async_engine

from ledger.merchants import cover
from ledger.merchants.cover import Asked, Slices
from ledger.points.commands import Accrue, member
from ledger.points.engine import PINNED_PLANS, apply
from tests import turns
from tests.ledger.points.builders import moment

TILLS = 4
REFUSED_MOST = 12
"""So often refused in a row, a till goes home."""


def issue(url: str, name: str, merchant_id: int, pipe: Connection) -> None:
    """The process: several tills, batches of one to three purchases, some of them rolled back."""
    asyncio.run(_issue(url, name, merchant_id, pipe))


async def _issue(url: str, name: str, merchant_id: int, pipe: Connection) -> None:
    engine = create_async_engine(url, pool_size=TILLS + 2, connect_args={"server_settings": PINNED_PLANS})
    slices = Slices(engine, name)
    numbers, at = itertools.count(), moment(turns.TODAY)

    async def till(seed: str) -> None:
        chance, refused = random.Random(seed), 0
        while refused < REFUSED_MOST:
            asked = [Asked(merchant_id, chance.choice((1, 4, 25))) for _ in range(chance.choice((1, 3)))]
            async with engine.connect() as tx:
                taken = await cover.admit(tx, asked, slices, at)
                covered = [one.points for one, is_ in zip(asked, taken.covered, strict=True) if is_]
                refused = 0 if covered else refused + 1
                await apply(
                    tx,
                    [
                        Accrue(
                            key=f"{name}:{next(numbers)}", owner=member(hash(seed) % 97), currency=1, at=at, actor=name,
                            issuer_id=merchant_id, points=points, available_on=at.today, expires_on=None,
                        )
                        for points in covered
                    ],
                )  # fmt: skip
                if chance.random() < 0.1:
                    await tx.rollback()
                    taken.undo()
                else:
                    await tx.commit()

    pipe.send("ready")
    await asyncio.gather(*(till(f"{name}:{n}") for n in range(TILLS)))
    pipe.send("done")
    await engine.dispose()
