"""A process under load that may be killed at any instant: chains of verbs with known keys, through a combiner.

What it says goes down a pipe, one message each: that it is ready, that it begins a chain, that a key was acknowledged. Chains are a
function of their number, so whoever reads the pipe can run them again with the same keys and facts.
"""

from __future__ import annotations

import asyncio
import itertools
from collections.abc import Awaitable, Callable
from multiprocessing.connection import Connection

from sqlalchemy.ext.asyncio import create_async_engine

from ledger.points import commands as c
from ledger.points.combine import Combiner
from ledger.points.engine import PINNED_PLANS, apply
from tests.ledger.points.builders import (
    DAY,
    accrue,
    burn,
    burn_hold,
    claw_back,
    hold,
    reinstate,
    reverse,
    transfer,
    void,
)

MEMBERS = 31
CALLERS = 16
ENDOWMENT = 10**9
READY = "ready"
BEGINS = "begins "
Submit = Callable[[c.Command], Awaitable[c.Receipt]]


async def endow(url: str) -> None:
    """So much for every member that no chain is ever refused. It ends before what chains earn, so it is spent first."""
    engine = create_async_engine(url)
    async with engine.begin() as tx:
        await apply(tx, [accrue(ENDOWMENT, owner=c.member(n), key=f"endow:{n}") for n in range(MEMBERS)])
    await engine.dispose()


async def chain(name: str, submit: Submit) -> None:
    """A few verbs of which each needs what the one before it gave. `name` is «load:number»."""
    n = int(name.rpartition(":")[2])
    who = c.member(n % MEMBERS)
    steps = itertools.count()

    def about() -> dict[str, object]:
        return {"owner": who, "key": f"{name}:{next(steps)}"}

    match n % 6:
        case 0:
            earned = await submit(accrue(50, expires_on=None, **about()))
            await submit(claw_back(earned.entry_id, 20, **about()))
            await submit(claw_back(earned.entry_id, 30, **about()))
        case 1:
            burned = await submit(burn(7, **about()))
            await submit(reinstate(burned.entry_id, 3, **about()))
            await submit(reinstate(burned.entry_id, **about()))
        case 2:
            held = await submit(hold(5, **about()))
            await submit(burn_hold(held.entry_id, **about()))
        case 3:
            held = await submit(hold(5, **about()))
            await submit(void(held.entry_id, **about()))
        case 4:
            await submit(transfer(2, c.member((n + 1 + n % 5) % MEMBERS), **about()))
        case _:
            earned = await submit(accrue(11, expires_on=None, available_on=DAY.replace(day=1 + n % 2), **about()))
            await submit(reverse(earned.entry_id, **about()))


def keys_of(name: str) -> list[str]:
    """The keys that a whole chain uses."""
    n = int(name.rpartition(":")[2])
    return [f"{name}:{step}" for step in range((3, 3, 2, 2, 1, 2)[n % 6])]


def load(url: str, name: str, chains: int, pipe: Connection) -> None:
    """The process: so many chains, or until it is killed when there are none to count."""
    asyncio.run(_load(url, name, chains or 10**9, pipe))


async def _load(url: str, name: str, chains: int, pipe: Connection) -> None:
    engine = create_async_engine(url, connect_args={"server_settings": PINNED_PLANS})
    numbers = iter(range(chains))

    async with Combiner(engine, batch_size_max=CALLERS) as combiner:

        async def submit(command: c.Command) -> c.Receipt:
            receipt = await combiner.submit(command)
            pipe.send(command.key)
            return receipt

        async def caller() -> None:
            for n in numbers:
                pipe.send(f"{BEGINS}{name}:{n}")
                await chain(f"{name}:{n}", submit)

        pipe.send(READY)
        await asyncio.gather(*(caller() for _ in range(CALLERS)))
    await engine.dispose()
