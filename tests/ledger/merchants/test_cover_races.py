"""Never more issued than a cover allows, whoever asks at once, whatever is rolled back and whoever dies with a slice in hand."""

from __future__ import annotations

import asyncio
import random

import pytest
from sqlalchemy.ext.asyncio import create_async_engine

from ledger.errors import Refusal
from ledger.merchants import cover, guarantee
from ledger.merchants.cover import Asked, Slices
from ledger.points.commands import Burn, member
from ledger.points.engine import apply
from tests.conftest import Database
from tests.ledger.merchants import cover_worker
from tests.ledger.merchants.tills import Till, numbers, open_market
from tests.ledger.points.builders import audited
from tests.ledger.points.kills import processes


@pytest.fixture
async def till(database: Database) -> Till:
    """A coalition whose market can be covered."""
    return await open_market(database)


async def test_many_tills_at_once_never_overshoot_and_all_of_it_can_be_issued(till: Till, database: Database) -> None:
    """Four processes with slices, two without, rolling back, dying, burning; the count runs all the while."""
    whole = 60_000
    await till.pays(whole)
    engines = [create_async_engine(database.url, pool_size=4) for _ in range(4)]
    processes: list[Slices | None] = [Slices(engine, f"p{n}") for n, engine in enumerate(engines)]
    done = asyncio.Event()
    most = 0

    async def sell(slices: Slices | None, seed: int) -> None:
        chance = random.Random(seed)
        for number in range(60):
            if slices is not None and chance.random() < 0.02:
                slices = Slices(till.engine, f"heir {seed}-{number}")  # the one before died with its slice in hand
            async with till.engine.connect() as tx:
                wanted = [Asked(till.market.id, chance.choice((5, 30, 120))) for _ in range(chance.choice((1, 1, 4)))]
                taken = await cover.admit(tx, wanted, slices, till.at)
                for one, covered in zip(wanted, taken.covered, strict=True):
                    if covered:
                        await till.accrue(tx, one.points, 1 + seed)
                if chance.random() < 0.15:
                    await tx.rollback()
                    if chance.random() < 0.7:
                        taken.undo()
                else:
                    await tx.commit()
            if chance.random() < 0.1:
                async with till.engine.begin() as tx:
                    spend = Burn(
                        key=f"t:{next(numbers)}", owner=member(1 + seed), currency=1, at=till.at, actor="test",
                        merchant_id=till.rail.id, points=chance.choice((10, 100)),
                    )  # fmt: skip
                    assert all(o for o in await apply(tx, [spend]) if isinstance(o, Refusal) or o.points)

    async def look() -> None:
        nonlocal most
        while not done.is_set():
            till.passes(7)
            found = await till.counted()
            most = max(most, await till.outstanding())
            assert found.outstanding_minor <= whole
            await asyncio.sleep(0.02)

    looking = asyncio.create_task(look())
    await asyncio.gather(*(sell(slices, seed) for seed, slices in enumerate([*processes, None, None, *processes])))
    done.set()
    await looking
    assert whole * 0.5 < most <= whole
    till.passes(guarantee.SLICE_SECONDS + guarantee.LAPSE_SECONDS)
    found = await till.counted()
    assert found.reserved_minor == found.outstanding_minor == await till.outstanding() <= whole
    for points in (1_000, 100, 10, 1):
        while await till.sells(points):
            pass
    assert await till.outstanding() == whole
    await audited(till.engine)
    for engine in engines:
        await engine.dispose()


@pytest.mark.slow
async def test_processes_killed_with_slices_in_hand_overshoot_nothing_and_lose_nothing(
    till: Till, database: Database
) -> None:
    whole = 40_000
    await till.pays(whole)
    context = processes()
    workers = []
    for number in range(3):
        here, there = context.Pipe(duplex=False)
        worker = context.Process(target=cover_worker.issue, args=(database.url, f"p{number}", till.market.id, there))
        worker.start()
        workers.append((worker, here))
    try:
        for _, pipe in workers:
            assert await asyncio.to_thread(pipe.recv) == "ready"
        while await till.outstanding() < whole // 8:
            await asyncio.sleep(0.02)
        workers[0][0].kill()
        for _, pipe in workers[1:]:
            assert await asyncio.to_thread(pipe.poll, 60) and pipe.recv() == "done"
    finally:
        for worker, _ in workers:
            worker.kill()
            await asyncio.to_thread(worker.join)
    left = whole - await till.outstanding()
    assert left >= 0
    assert (await till.counted()).free_minor == 0, "what was in hand is still kept"
    till.passes(365 * 24 * 3600)
    assert (await till.counted()).reserved_minor == whole - left
    for points in (1_000, 100, 10, 1):
        while await till.sells(points):
            pass
    assert await till.outstanding() == whole
    await audited(till.engine)
