"""Many commands in one call: each sees what those before it did, answers for itself, and the whole is written at once."""

from __future__ import annotations

import asyncio
import datetime as dt
from collections.abc import Sequence
from dataclasses import replace
from typing import Any

import pytest
from sqlalchemy.exc import DBAPIError
from sqlalchemy.ext.asyncio import AsyncConnection

from ledger.errors import Refusal
from ledger.points import commands as c
from ledger.points.combine import Combiner, Combining
from ledger.points.engine import apply, post
from tests.conftest import Database
from tests.ledger.points.builders import (
    DAY,
    RAIL,
    VALUES,
    accrue,
    audited,
    balances,
    burn,
    claw_back,
    common,
    expire,
    hold,
    make_currencies,
    moment,
    reinstate,
    reverse,
    transfer,
)

ANN, BEN = c.member(1), c.member(2)


@pytest.fixture
async def ledger(database: Database) -> Database:
    """A database with currencies."""
    await make_currencies(database.engine)
    return database


async def test_an_empty_batch_is_nothing(ledger: Database) -> None:
    async with ledger.engine.begin() as tx:
        assert await apply(tx, []) == []


async def test_commands_see_what_those_before_them_did(ledger: Database) -> None:
    async with ledger.engine.begin() as tx:
        outcomes = await apply(
            tx, [burn(1), accrue(10), burn(4), transfer(5, BEN), burn(2), burn(1), burn(5, owner=BEN)]
        )
        assert [getattr(o, "kind", None) or o.code for o in outcomes] == [
            "not_enough_points",
            "accrue",
            "burn",
            "transfer",
            "not_enough_points",
            "burn",
            "burn",
        ]
        assert await balances(tx, ANN) == await balances(tx, BEN) == {}
    await audited(ledger.engine)


async def test_a_refused_command_costs_only_itself(ledger: Database) -> None:
    async with ledger.engine.begin() as tx:
        outcomes = await apply(tx, [accrue(10), burn(11), accrue(0, key="x"), accrue(1, key="x"), burn(10)])
        assert [isinstance(o, c.Receipt) for o in outcomes] == [True, False, True, False, True]
        assert await balances(tx, ANN) == {}
    await audited(ledger.engine)


async def test_one_key_twice_in_a_batch_is_one_entry(ledger: Database) -> None:
    first = accrue(10)
    async with ledger.engine.begin() as tx:
        one, again, other = await apply(tx, [first, replace(first, at=moment(second=9)), replace(first, points=11)])
        later = await post(tx, first)
        assert one == again == later
        assert [one.repeated, again.repeated, later.repeated] == [False, True, True]
        assert isinstance(other, c.KeyReused)
        assert await balances(tx, ANN) == {"available": 10}


async def test_a_repeated_receipt_equals_the_first_to_the_microsecond(ledger: Database) -> None:
    facts: dict[str, Any] = {
        "till": "A-7",
        "lines": [{"qty": 2, "price": "3.50"}],
        "note": '满减 «双倍» "50%"',
        "rate": 0.1,
    }
    at = c.Moment(dt.datetime(2026, 1, 1, 4, 0, 0, 120_000, dt.UTC), DAY)
    command = accrue(10, facts=facts, trace=["3 × 2", 4], reason="till", occurred_at=moment().now, at=at)
    async with ledger.engine.begin() as tx:
        first = await post(tx, command)
    async with ledger.engine.begin() as tx:
        again = await post(tx, command)
    assert again == first and again.repeated and again.facts == facts and again.posted_at == at.now


async def test_two_returns_in_one_batch_share_what_is_left(ledger: Database) -> None:
    async with ledger.engine.begin() as tx:
        earned = await post(tx, accrue(10))
        burned = await post(tx, burn(10))
        outcomes = await apply(
            tx,
            [
                reinstate(burned.entry_id, 6),
                reinstate(burned.entry_id, 5),
                reinstate(burned.entry_id),
                claw_back(earned.entry_id, 6),
                claw_back(earned.entry_id, 5),
                reverse(earned.entry_id),
            ],
        )
        assert [getattr(o, "points", None) or o.facts for o in outcomes] == [
            6,
            {"entry_id": burned.entry_id, "asked": 5, "left": 4},
            4,
            6,
            {"entry_id": earned.entry_id, "asked": 5, "left": 4},
            {"entry_id": earned.entry_id, "asked": 10, "left": 0},
        ]
    await audited(ledger.engine)


async def test_a_day_may_end_within_a_batch(ledger: Database) -> None:
    last, next_day = DAY, DAY + dt.timedelta(days=1)
    async with ledger.engine.begin() as tx:
        await post(tx, accrue(10, expires_on=last))
        await post(tx, accrue(10, available_on=next_day))
        outcomes = await apply(
            tx,
            [
                burn(4, at=moment(last)),
                burn(7, at=moment(last)),
                burn(10, at=moment(next_day)),
                burn(1, at=moment(next_day)),
            ],
        )
    assert isinstance(outcomes[0], c.Receipt) and isinstance(outcomes[2], c.Receipt)
    assert isinstance(outcomes[1], c.NotEnoughPoints) and outcomes[1].facts == {
        "needed": 7,
        "available": 6,
        "pending": 10,
        "next_release_on": next_day,
    }
    assert isinstance(outcomes[3], c.NotEnoughPoints) and outcomes[3].available == 0
    await audited(ledger.engine)


async def _many_lots(ledger: Database, count: int) -> None:
    """Ann gets `count` lots of two points, each with another last day."""
    async with ledger.engine.begin() as tx:
        await apply(tx, [accrue(2, expires_on=DAY + dt.timedelta(days=n)) for n in range(count)])


async def test_a_burn_of_very_many_lots_returns_whole(ledger: Database) -> None:
    await _many_lots(ledger, 400)
    async with ledger.engine.begin() as tx:
        burned = await post(tx, burn(800))
    async with ledger.engine.begin() as tx:
        # All but the last lot have run out: each returns as a grace lot of its own.
        back = await post(tx, reinstate(burned.entry_id, at=moment(DAY + dt.timedelta(days=399))))
        assert back.facts["grace_points"] == 798
        assert await balances(tx, ANN) == {"available": 800}
    await audited(ledger.engine)


async def test_an_expiry_of_very_many_lots_is_reversed_whole(ledger: Database) -> None:
    await _many_lots(ledger, 400)
    late = moment(DAY + dt.timedelta(days=500))
    async with ledger.engine.begin() as tx:
        night = await post(tx, expire(at=late))
        assert night.points == 800
    async with ledger.engine.begin() as tx:
        await post(tx, reverse(night.entry_id, at=late))
        assert await balances(tx, ANN) == {"available": 800}
    await audited(ledger.engine)


async def test_a_batch_may_pass_many_lots_round_and_round(ledger: Database) -> None:
    await _many_lots(ledger, 150)
    there_and_back = [transfer(300, BEN), transfer(300, ANN, owner=BEN)] * 10
    async with ledger.engine.begin() as tx:
        outcomes = await apply(tx, [replace(command, key=f"{n}") for n, command in enumerate(there_and_back)])
        assert all(isinstance(outcome, c.Receipt) for outcome in outcomes)
        assert await balances(tx, ANN) == {"available": 300}
    await audited(ledger.engine)


async def test_a_thousand_commands_are_one_batch(ledger: Database) -> None:
    orders = [accrue(10, owner=c.member(n % 50)) for n in range(500)] + [
        burn(7, owner=c.member(n % 50)) for n in range(500)
    ]
    async with ledger.engine.begin() as tx:
        outcomes = await apply(tx, orders)
        assert all(isinstance(outcome, c.Receipt) for outcome in outcomes)
        for n in range(50):
            assert await balances(tx, c.member(n)) == {"available": 30}
    await audited(ledger.engine)


async def test_what_is_needed_adds_up_without_overflow(ledger: Database) -> None:
    async with ledger.engine.begin() as tx:
        outcomes = await apply(tx, [accrue(10), burn(2**62), hold(2**62), burn(2**63 - 1), burn(10)])
        assert [type(outcome).__name__ for outcome in outcomes] == ["Receipt", *["NotEnoughPoints"] * 3, "Receipt"]


async def test_a_command_that_cannot_be_written_answers_alone(ledger: Database) -> None:
    """Among the callers of a combiner, one whose figures fit no column fails, and the others know nothing of it."""
    async with Combiner(ledger.engine) as combiner:
        waiting = [asyncio.create_task(combiner.submit(accrue(10, owner=c.member(n)))) for n in range(7)]
        bad = asyncio.create_task(combiner.submit(accrue(2**63, owner=c.member(8))))
        worse = asyncio.create_task(combiner.submit(accrue(1, owner=c.member(9), expires_on=dt.date.max)))
        receipts = await asyncio.gather(*waiting)
        with pytest.raises(DBAPIError):
            await bad
        with pytest.raises(OverflowError):
            await worse
    assert [receipt.points for receipt in receipts] == [10] * 7
    assert (await audited(ledger.engine)).entries == 7


async def test_a_refusal_of_one_caller_is_not_anothers(ledger: Database) -> None:
    async with Combiner(ledger.engine) as combiner:
        await combiner.submit(accrue(10))
        outcomes = await asyncio.gather(
            combiner.submit(burn(8)), combiner.submit(burn(8)), combiner.submit(burn(2)), return_exceptions=True
        )
    assert [getattr(o, "points", None) or o.facts["available"] for o in outcomes] == [8, 2, 2]
    with pytest.raises(RuntimeError):
        await combiner.submit(burn(1))


async def test_a_caller_that_stops_waiting_stops_nobody(ledger: Database) -> None:
    async with Combiner(ledger.engine) as combiner:
        impatient = asyncio.create_task(combiner.submit(accrue(10, key="gone")))
        patient = asyncio.create_task(combiner.submit(accrue(5)))
        await asyncio.sleep(0)
        impatient.cancel()
        assert (await patient).points == 5
        assert (await combiner.submit(accrue(10, key="gone"))).points == 10
    async with ledger.engine.connect() as tx:
        assert await balances(tx, ANN) == {"available": 15}


async def test_exchange_and_use_of_what_it_brought_fit_one_batch(ledger: Database) -> None:
    swap = c.Exchange(
        **common(points=10, to_currency=RAIL, value=VALUES[1], to_value=VALUES[RAIL], expires_on=None),
    )
    async with ledger.engine.begin() as tx:
        await apply(tx, [accrue(10), swap, burn(15, currency=RAIL)])
        assert await balances(tx, ANN, RAIL) == {"available": 5}
    await audited(ledger.engine)


async def test_two_writers_give_everybody_their_own_answer(ledger: Database) -> None:
    """Hundreds of callers and few accounts: batches meet at the same rows, and some callers are refused."""
    owners = [c.member(n) for n in range(1, 8)]
    seen: list[int] = []

    async def work(tx: AsyncConnection, batch: Sequence[c.Command]) -> list[c.Receipt | Refusal]:
        seen.append(len(batch))
        return await apply(tx, batch)

    async with Combining(ledger.engine, work, batch_size_max=20, writers=2) as combining:
        asked = [accrue(3, owner=owners[n % 7], key=f"a{n}") for n in range(300)]
        earned = await asyncio.gather(*(combining.submit(each) for each in asked))
        spent = await asyncio.gather(
            *(combining.submit(burn(100, owner=owners[n % 7], key=f"b{n}")) for n in range(14)), return_exceptions=True
        )
    assert [receipt.key for receipt in earned] == [each.key for each in asked] and max(seen) == 20
    assert sum(isinstance(each, c.NotEnoughPoints) for each in spent) == 7
    await audited(ledger.engine)
