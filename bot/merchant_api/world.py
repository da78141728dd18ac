"""Where requests are worked on: the live programme, or a merchant's sandbox. The same works over another database."""

from __future__ import annotations

import asyncio
from collections.abc import Awaitable, Callable
from typing import Self

from sqlalchemy.ext.asyncio import AsyncConnection

from bot.clock import Clock
from bot.engines import Engines
from bot.merchant_api.limits import AtOnce
from bot.merchant_api.problems import Answer
from bot.merchant_api.purchases import Bookkeeper, Job
from ledger.members.vault import Vault
from ledger.merchants.cover import Slices
from ledger.points.combine import Combining

COMBINED_MOST = 256
WRITERS = 2


class World:
    """One database and what works over it in this process. `async with World(…) as world`.

    Args:
        slices: of cover; None takes from the row itself.
        batches: how many batches may be under way: each holds a connection and a good part of a second of deciding.
        refill: see `Call.refill`.
    """

    def __init__(
        self,
        engines: Engines,
        vault: Vault,
        clock: Clock,
        *,
        at_once: AtOnce,
        batches: asyncio.Semaphore,
        slices: Slices | None = None,
        refill: Callable[[AsyncConnection], Awaitable[None]] | None = None,
    ) -> None:
        self.engines = engines
        self.vault = vault
        self.clock = clock
        self.at_once = at_once
        self.batches = batches
        self.refill = refill
        self.bookkeeper = Bookkeeper(vault, clock, slices)
        self.purchases: Combining[Job, Answer] = Combining(
            engines.turns, self.bookkeeper.combined, batch_size_max=COMBINED_MOST, writers=WRITERS
        )

    async def __aenter__(self) -> Self:
        await self.purchases.__aenter__()
        return self

    async def __aexit__(self, *_: object) -> None:
        """Finish what is being booked."""
        await self.purchases.__aexit__()
