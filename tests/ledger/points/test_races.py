"""Many real sessions at once, each a turn that retries what may be retried; the outcome is exact, whatever the order.

`turn` is what an edge does: begin, post, commit; on a lost race everything again. A deadlock or a key race must show in no other
way, and `audit` must hold at the end of every race.
"""

from __future__ import annotations

import asyncio
import itertools
from collections.abc import Awaitable, Sequence
from dataclasses import replace

import pytest
from sqlalchemy import text
from sqlalchemy.exc import DBAPIError
from sqlalchemy.ext.asyncio import AsyncConnection, AsyncEngine, create_async_engine

from ledger.errors import Refusal
from ledger.points import commands as c
from ledger.points.combine import Combiner
from ledger.points.engine import post, retryable
from tests.conftest import Database
from tests.ledger.points import worker
from tests.ledger.points.builders import (
    DAY,
    accrue,
    audited,
    balances,
    burn,
    burn_hold,
    claw_back,
    expire,
    hold,
    make_currencies,
    moment,
    reinstate,
    reverse,
    transfer,
    void,
)
from tests.ledger.points.kills import heard, processes

ANN, BEN = c.member(1), c.member(2)
Answer = c.Receipt | Refusal


@pytest.fixture
async def ledger(database: Database) -> Database:
    """A database with currencies."""
    await make_currencies(database.engine)
    return database


async def turn(engine: AsyncEngine, command: c.Command, tries: int = 20) -> Answer:
    """One command in its own session and transaction, tried again where the engine says that this may help."""
    for left in reversed(range(tries)):
        try:
            async with engine.begin() as tx:
                return await post(tx, command)
        except Refusal as refusal:
            return refusal
        except Exception as error:
            if not left or not retryable(error):
                raise
    raise AssertionError("unreachable")


async def at_once(engine: AsyncEngine, commands: Sequence[c.Command]) -> list[Answer]:
    """All commands, each in a session of its own."""
    return list(await asyncio.gather(*(turn(engine, command) for command in commands)))


def kinds(answers: Sequence[Answer]) -> list[str]:
    """What each was answered, sorted: the kind of a receipt or the code of a refusal."""
    return sorted(answer.kind if isinstance(answer, c.Receipt) else answer.code for answer in answers)


async def given(engine: AsyncEngine, command: c.Command) -> c.Receipt:
    """A command that must succeed."""
    answer = await turn(engine, command)
    assert isinstance(answer, c.Receipt), answer
    return answer


async def read(engine: AsyncEngine, owner: c.Owner) -> dict[str, int]:
    """The balances of an owner in a session of their own."""
    async with engine.connect() as tx:
        return await balances(tx, owner)


async def test_of_64_burns_exactly_as_many_succeed_as_the_balance_allows(ledger: Database) -> None:
    await given(ledger.engine, accrue(25))
    await given(ledger.engine, accrue(122, expires_on=None))
    answers = await at_once(ledger.engine, [burn(3, at=moment(second=n)) for n in range(64)])
    assert kinds(answers) == ["burn"] * 49 + ["not_enough_points"] * 15
    assert await read(ledger.engine, ANN) == {}
    short = [a.facts for a in answers if isinstance(a, Refusal)]
    assert all(facts["needed"] == 3 and facts["available"] < 3 for facts in short)
    afters = sorted(a.balance() or 0 for a in answers if isinstance(a, c.Receipt))
    assert afters == list(range(0, 147, 3))
    await audited(ledger.engine)


async def test_64_burns_of_a_balance_for_40(ledger: Database) -> None:
    for points in (7, 13, 20):
        await given(ledger.engine, accrue(points))
    answers = await at_once(ledger.engine, [burn(1) for _ in range(64)])
    assert kinds(answers) == ["burn"] * 40 + ["not_enough_points"] * 24
    assert await read(ledger.engine, ANN) == {}
    await audited(ledger.engine)


async def test_mutual_gifts_neither_deadlock_nor_lose_points(ledger: Database) -> None:
    await given(ledger.engine, accrue(50))
    await given(ledger.engine, accrue(50, owner=BEN, issuer_id=6))
    gifts = [transfer(1, BEN), transfer(1, ANN, owner=BEN)]
    answers = await at_once(ledger.engine, [replace(gifts[n % 2], key=f"gift:{n}") for n in range(64)])
    assert kinds(answers) == ["transfer"] * 64
    assert (await read(ledger.engine, ANN), await read(ledger.engine, BEN)) == ({"available": 50}, {"available": 50})
    await audited(ledger.engine)


async def test_a_ring_of_gifts_between_eight(ledger: Database) -> None:
    ring = [c.member(n) for n in range(8)]
    for owner in ring:
        await given(ledger.engine, accrue(10, owner=owner))
    pairs = [(a, b) for a, b in itertools.permutations(ring, 2)]
    answers = await at_once(ledger.engine, [transfer(1, b, owner=a) for a, b in pairs])
    assert kinds(answers) == ["transfer"] * 56
    assert [await read(ledger.engine, owner) for owner in ring] == [{"available": 10}] * 8
    await audited(ledger.engine)


async def test_holds_against_the_night_run(ledger: Database) -> None:
    """Each point is either set aside on its last day or expires after it, never both."""
    day, late = moment(DAY), moment(DAY.replace(day=2))
    owners = [c.member(n) for n in range(16)]
    for owner in owners:
        await given(ledger.engine, accrue(10, owner=owner, expires_on=DAY))
    race = [command for owner in owners for command in (hold(10, owner=owner, at=day), expire(owner=owner, at=late))]
    answers = await at_once(ledger.engine, race)
    for owner, held, expired in zip(owners, answers[::2], answers[1::2], strict=True):
        assert isinstance(held, c.Receipt) != isinstance(expired, c.Receipt)
        assert await read(ledger.engine, owner) == ({"held": 10} if isinstance(held, c.Receipt) else {})
    found = await audited(ledger.engine)
    assert sum(p.held + p.expired for p in found.positions) == 160


async def test_one_key_by_many_sessions_is_one_entry(ledger: Database) -> None:
    await given(ledger.engine, accrue(100))
    once = burn(10, key="till:1")
    answers = await at_once(ledger.engine, [replace(once, at=moment(second=n)) for n in range(16)])
    assert all(answer == answers[0] for answer in answers if isinstance(answer, c.Receipt))
    assert kinds(answers) == ["burn"] * 16
    assert sum(not answer.repeated for answer in answers if isinstance(answer, c.Receipt)) == 1
    assert await read(ledger.engine, ANN) == {"available": 90}


async def test_one_key_for_different_members_is_one_entry_and_a_refusal(ledger: Database) -> None:
    commands = [accrue(10, owner=c.member(n), key="till:1") for n in range(12)]
    answers = await at_once(ledger.engine, commands)
    assert kinds(answers) == ["accrue"] + ["key_reused"] * 11
    assert (await audited(ledger.engine)).entries == 1


async def test_who_loses_a_key_while_writing_sees_it_on_the_second_try(ledger: Database) -> None:
    """Nobody's lock is shared, so both believe the key to be free: the unique key decides."""
    for owner in (ANN, BEN):
        await given(ledger.engine, accrue(11, owner=owner))
        await given(ledger.engine, burn(1, owner=owner))
    async with ledger.engine.connect() as watch, ledger.engine.connect() as tx:
        await tx.begin()
        await post(tx, burn(1, key="till:1"))
        racing = [asyncio.create_task(turn(ledger.engine, burn(1, owner=BEN, key="till:1")))]
        await _waits_for_a_lock(watch)
        async with Combiner(ledger.engine) as combiner:
            racing.append(asyncio.create_task(combiner.submit(burn(2, owner=BEN, key="till:2"))))
            racing.append(asyncio.create_task(combiner.submit(burn(3, owner=BEN, key="till:1"))))
            await tx.commit()
            answers = await asyncio.gather(*racing, return_exceptions=True)
    assert [type(answer) for answer in answers] == [c.KeyReused, c.Receipt, c.KeyReused]
    assert await read(ledger.engine, BEN) == {"available": 8}
    await audited(ledger.engine)


async def test_a_purchase_is_clawed_back_once_whoever_asks(ledger: Database) -> None:
    earned = await given(ledger.engine, accrue(100))
    await given(ledger.engine, burn(70))
    answers = await at_once(ledger.engine, [claw_back(earned.entry_id, 60) for _ in range(8)])
    assert kinds(answers) == ["claw_back"] + ["more_than_entry"] * 7
    assert await read(ledger.engine, ANN) == {"deficit": -30}
    await audited(ledger.engine)


async def test_part_claw_backs_at_once_add_up(ledger: Database) -> None:
    earned = await given(ledger.engine, accrue(100))
    answers = await at_once(ledger.engine, [claw_back(earned.entry_id, 9) for _ in range(16)])
    assert kinds(answers) == ["claw_back"] * 11 + ["more_than_entry"] * 5
    assert await read(ledger.engine, ANN) == {"available": 1}


async def test_a_hold_ends_once_burned_or_voided(ledger: Database) -> None:
    await given(ledger.engine, accrue(100))
    held = await given(ledger.engine, hold(40))
    ends = [burn_hold(held.entry_id) for _ in range(6)] + [void(held.entry_id) for _ in range(6)]
    answers = await at_once(ledger.engine, ends)
    assert len([a for a in answers if isinstance(a, c.Receipt)]) == 1
    assert kinds(answers)[1:] == ["hold_resolved"] * 11 or kinds(answers)[:11] == ["hold_resolved"] * 11
    burned = any(isinstance(a, c.Receipt) and a.kind == "burn" for a in answers)
    assert await read(ledger.engine, ANN) == {"available": 60 if burned else 100}
    await audited(ledger.engine)


async def test_returns_at_once_never_exceed_the_burn(ledger: Database) -> None:
    await given(ledger.engine, accrue(60))
    await given(ledger.engine, accrue(60, expires_on=None))
    burned = await given(ledger.engine, burn(100))
    answers = await at_once(ledger.engine, [reinstate(burned.entry_id, 15) for _ in range(8)])
    assert kinds(answers) == ["more_than_entry"] * 2 + ["reinstate"] * 6
    assert await read(ledger.engine, ANN) == {"available": 110}
    await audited(ledger.engine)


async def test_late_returns_at_once_share_one_grace_day(ledger: Database) -> None:
    await given(ledger.engine, accrue(80, expires_on=DAY))
    holds = [await given(ledger.engine, hold(10)) for _ in range(8)]
    later = [moment(DAY.replace(day=3 + n)) for n in range(8)]
    await at_once(ledger.engine, [void(h.entry_id, at=at) for h, at in zip(holds, later, strict=True)])
    async with ledger.engine.connect() as tx:
        ends = (
            await tx.execute(text("SELECT count(*), count(DISTINCT expires_on) FROM lot WHERE grace_of IS NOT NULL"))
        ).one()
    assert tuple(ends) == (8, 1)
    await audited(ledger.engine)


async def test_a_gift_is_reversed_or_spent_not_both(ledger: Database) -> None:
    for n in range(8):
        await given(ledger.engine, accrue(10, owner=c.member(n)))
    gifts = [await given(ledger.engine, transfer(10, c.member(100 + n), owner=c.member(n))) for n in range(8)]
    race: list[c.Command] = []
    for n, gift in enumerate(gifts):
        race += [reverse(gift.entry_id, owner=c.member(n)), burn(1, owner=c.member(100 + n))]
    answers = await at_once(ledger.engine, race)
    for undone, spent in zip(answers[::2], answers[1::2], strict=True):
        assert isinstance(undone, c.Receipt) != isinstance(spent, c.Receipt)
    await audited(ledger.engine)


async def test_the_first_accounts_of_a_member_are_made_once(ledger: Database) -> None:
    commands: list[c.Command] = []
    for n in range(8):
        commands += [
            accrue(10, owner=c.member(n)),
            accrue(5, owner=c.member(n), issuer_id=6),
            hold(1, owner=c.member(n)),
        ]
        commands += [transfer(1, c.member((n + 1) % 8), owner=c.member(n))]
    answers = await at_once(ledger.engine, commands)
    assert set(kinds(answers)) <= {"accrue", "hold", "transfer", "not_enough_points"}
    assert kinds(answers).count("accrue") == 16
    async with ledger.engine.connect() as tx:
        twice = await tx.execute(
            text(
                "SELECT owner_id, purpose FROM account GROUP BY owner_kind, owner_id, purpose, currency_id, issuer_id"
                " HAVING count(*) > 1"
            )
        )
        assert twice.all() == []
    await audited(ledger.engine)


async def _waits_for_a_lock(tx: AsyncConnection) -> None:
    """Until some session of this database waits for another."""
    for _ in range(500):
        await tx.execute(text("SELECT pg_stat_clear_snapshot()"))
        waiting = await tx.execute(
            text(
                "SELECT count(*) FROM pg_stat_activity WHERE datname = current_database() AND wait_event_type = 'Lock'"
            )
        )
        if waiting.scalar_one():
            return
        await asyncio.sleep(0.01)
    raise AssertionError("nobody waits")


async def test_points_earned_while_a_first_deficit_is_being_booked_fill_it(ledger: Database) -> None:
    """The deficit's account does not exist when the accrual looks for it, and does when its locks are granted."""
    earned = await given(ledger.engine, accrue(100))
    await given(ledger.engine, burn(100))
    async with ledger.engine.connect() as watch, ledger.engine.connect() as tx:
        await tx.begin()
        await post(tx, claw_back(earned.entry_id, 60))
        racing = asyncio.create_task(turn(ledger.engine, accrue(70)))
        await _waits_for_a_lock(watch)
        await tx.commit()
        answer = await racing
    assert isinstance(answer, c.Receipt) and answer.facts == {"filled_deficit": 60}
    assert await read(ledger.engine, ANN) == {"available": 10}
    await audited(ledger.engine)


async def test_a_burn_that_waited_sees_what_it_waited_for(ledger: Database) -> None:
    await given(ledger.engine, accrue(10, expires_on=None))
    async with ledger.engine.connect() as watch, ledger.engine.connect() as tx:
        await tx.begin()
        await post(tx, burn(8))
        await post(tx, accrue(5))
        racing = asyncio.create_task(turn(ledger.engine, burn(6)))
        await _waits_for_a_lock(watch)
        await tx.commit()
        answer = await racing
    # The points that came meanwhile end sooner, so they go first.
    assert isinstance(answer, c.Receipt) and [leg.points for leg in answer.legs if leg.purpose == "burned"] == [5, 1]
    await audited(ledger.engine)


async def _load(combiner: Combiner, offset: int, callers: int) -> list[Answer]:
    async def one(n: int) -> Answer:
        # A quarter of the callers share their keys with the other process.
        key = f"shared:{n}" if n % 4 == 0 else f"{offset}:{n}"
        try:
            command: c.Command = burn(1, owner=c.member(n % 8), key=key)
            if n % 2 and n % 4 == 1:
                command = transfer(1, c.member((n + 3) % 8), owner=c.member(n % 8), key=key)
            return await combiner.submit(command)
        except Refusal as refusal:
            return refusal

    work: list[Awaitable[Answer]] = [one(n) for n in range(callers)]
    return list(await asyncio.gather(*work))


async def test_two_combiners_share_members_and_keys(ledger: Database) -> None:
    for n in range(8):
        await given(ledger.engine, accrue(1000, owner=c.member(n)))
    second = create_async_engine(ledger.url)
    try:
        async with Combiner(ledger.engine) as one, Combiner(second, batch_size_max=16) as two:
            first, other = await asyncio.gather(_load(one, 1, 64), _load(two, 2, 64))
    finally:
        await second.dispose()
    assert all(isinstance(answer, c.Receipt) for answer in [*first, *other]), [
        a for a in first + other if isinstance(a, Exception)
    ]
    shared = [(a, b) for n, (a, b) in enumerate(zip(first, other, strict=True)) if n % 4 == 0]
    assert all(
        a == b and isinstance(a, c.Receipt) and isinstance(b, c.Receipt) and a.repeated != b.repeated for a, b in shared
    )
    found = await audited(ledger.engine)
    assert found.entries == 8 + 16 + 2 * 48


async def test_a_combiner_beside_another_process(ledger: Database) -> None:
    """The other process is the load of `worker`, on the same members."""
    await worker.endow(ledger.url)
    context = processes()
    hears, says = context.Pipe(duplex=False)
    process = context.Process(target=worker.load, args=(ledger.url, "beside", 150, says))
    process.start()
    says.close()
    try:
        assert await asyncio.to_thread(hears.recv) == worker.READY
        async with Combiner(ledger.engine) as combiner:
            answers = await _load(combiner, 1, 64)
        said = await asyncio.to_thread(heard, hears, None)
        await asyncio.to_thread(process.join)
        assert process.exitcode == 0
    finally:
        process.kill()
        process.join()
        hears.close()
    assert all(isinstance(answer, c.Receipt) for answer in answers)
    keys = [line for line in said if not line.startswith(worker.BEGINS)]
    assert sorted(keys) == sorted(key for n in range(150) for key in worker.keys_of(f"beside:{n}"))
    found = await audited(ledger.engine)
    assert found.entries == worker.MEMBERS + len(keys) + 64


async def test_connections_cut_under_load_lose_and_double_nothing(ledger: Database) -> None:
    """Whether a cut commit happened is unknown to the caller; asking again with the same key settles it."""
    await worker.endow(ledger.url)
    names = [f"cut:{n}" for n in range(240)]
    cuts, done = 0, asyncio.Event()
    async with Combiner(ledger.engine, batch_size_max=8) as combiner, ledger.engine.connect() as knife:

        async def submit(command: c.Command) -> c.Receipt:
            while True:
                try:
                    return await combiner.submit(command)
                except DBAPIError:
                    continue

        async def cut() -> None:
            nonlocal cuts
            while not done.is_set():
                await asyncio.sleep(0.02)
                found = await knife.execute(
                    text(
                        "SELECT pg_terminate_backend(pid) FROM pg_stat_activity"
                        " WHERE datname = current_database() AND pid <> pg_backend_pid()"
                    )
                )
                cuts += len(found.all())

        cutting = asyncio.create_task(cut())
        await asyncio.gather(*(worker.chain(name, submit) for name in names))
        done.set()
        await cutting
    found = await audited(ledger.engine)
    assert found.entries == worker.MEMBERS + sum(len(worker.keys_of(name)) for name in names)
    assert cuts > 0
