"""Handing everything over: lots go on as they are, pending ones too, debts as well; and what is refunded later follows them."""

from __future__ import annotations

import datetime as dt
from typing import Any

import pytest
from sqlalchemy.ext.asyncio import AsyncConnection

from ledger.points import statements
from ledger.points.commands import HandOver, NoSuchEntry, OwnersMustDiffer, PointsHeld, Receipt, member
from ledger.points.engine import post
from tests.conftest import Database
from tests.ledger.points.builders import (
    COMMON,
    DAY,
    accrue,
    audited,
    balances,
    burn,
    claw_back,
    common,
    hold,
    make_currencies,
    moment,
    transfer,
)

OLD, NEW, FRIEND = member(1), member(2), member(3)
SOON, LATE = dt.date(2026, 1, 20), dt.date(2026, 12, 31)


@pytest.fixture
async def ledger(database: Database) -> Database:
    """A ledger with its currencies."""
    await make_currencies(database.engine)
    return database


def hand_over(**figures: Any) -> HandOver:
    return HandOver(to=NEW, **common(**figures))


async def two_purchases(tx: AsyncConnection) -> tuple[Receipt, Receipt]:
    """300 that are good until January's end, 200 that become good on the tenth."""
    first = await post(tx, accrue(300, expires_on=SOON))
    second = await post(tx, accrue(200, available_on=dt.date(2026, 1, 10), expires_on=LATE, transferable=False))
    return first, second


async def test_lots_keep_issuer_and_days_and_what_is_pending_stays_so(ledger: Database) -> None:
    async with ledger.engine.begin() as tx:
        await two_purchases(tx)
        await post(tx, accrue(50, owner=NEW, issuer_id=6))
        command = hand_over()
        done = await post(tx, command)
        assert (done.kind, done.points, done.moved("pending", NEW), done.moved("available", NEW)) == (
            "hand_over", 500, 200, 300,
        )  # fmt: skip
        assert await balances(tx, OLD) == {}
        assert await balances(tx, NEW) == {"available": 350, "pending": 200}
        [held] = await statements.wallet(tx, NEW, today=DAY)
        assert (held.next_release, held.next_expiry) == ((dt.date(2026, 1, 10), 200), (SOON, 300))
        [released] = await statements.wallet(tx, NEW, today=dt.date(2026, 1, 10))
        assert (released.available, released.pending) == (550, 0)
        assert {(d.expires_on, d.issuer_id) for d in await statements.schedule(tx, NEW, today=dt.date(2026, 1, 10))} == {
            (SOON, 5), (LATE, 5), (DAY + dt.timedelta(days=365), 6),
        }  # fmt: skip
        assert (await post(tx, command)).repeated
    await audited(ledger.engine)


async def test_the_histories_of_both_add_up(ledger: Database) -> None:
    async with ledger.engine.begin() as tx:
        await two_purchases(tx)
        await post(tx, hand_over())
        assert [line.points for line in await statements.history(tx, OLD)] == [-500, 200, 300]
        assert [(line.kind, line.points, line.counter) for line in await statements.history(tx, NEW)] == [
            ("hand_over", 500, OLD)
        ]


async def test_what_is_on_hold_refuses_and_nothing_moves(ledger: Database) -> None:
    async with ledger.engine.begin() as tx:
        await two_purchases(tx)
        await post(tx, hold(70))
        with pytest.raises(PointsHeld) as no:
            await post(tx, hand_over())
        assert no.value.points == 70
        assert await balances(tx, NEW) == {}
        with pytest.raises(OwnersMustDiffer):
            await post(tx, HandOver(to=OLD, **common()))


async def test_a_debt_goes_along_and_is_filled_by_the_next_points(ledger: Database) -> None:
    async with ledger.engine.begin() as tx:
        bought = await post(tx, accrue(100))
        await post(tx, burn(80))
        back = await post(tx, claw_back(bought.entry_id, 100))
        await post(tx, accrue(30, issuer_id=6))
        with pytest.raises(NoSuchEntry):
            await post(tx, hand_over(debts={5: back.entry_id + 1000}))
        done = await post(tx, hand_over(debts={5: back.entry_id}))
        assert dict(done.facts) == {"net": 50, "deficit": 80}
        assert await balances(tx, OLD) == {}
        assert await balances(tx, NEW) == {"available": 30, "deficit": -80}
        assert [line.points for line in await statements.history(tx, NEW)] == [-50]
        await post(tx, accrue(100, owner=NEW))
        assert await balances(tx, NEW) == {"available": 50}
    await audited(ledger.engine)


async def test_a_refund_later_takes_the_very_lot_wherever_it_is(ledger: Database) -> None:
    async with ledger.engine.begin() as tx:
        first, second = await two_purchases(tx)
        await post(tx, accrue(500, owner=NEW, expires_on=SOON))
        await post(tx, hand_over())
        back = await post(tx, claw_back(second.entry_id, 150, owner=NEW, of=OLD))
        assert (back.owner, back.moved("pending"), back.moved("available")) == (NEW, -150, 0)
        assert back.facts["handed_over"] is True
        back = await post(tx, claw_back(first.entry_id, 100, owner=NEW, of=OLD))
        assert back.moved("available") == -100
        due = await statements.schedule(tx, NEW, today=DAY)
        assert [(d.expires_on, d.points) for d in due] == [(SOON, 700)]
        assert await balances(tx, OLD) == {}
    await audited(ledger.engine)


async def test_a_refund_later_of_what_was_spent_is_owed_by_who_has_it_now(ledger: Database) -> None:
    async with ledger.engine.begin() as tx:
        first, _ = await two_purchases(tx)
        await post(tx, hand_over())
        await post(tx, burn(290, owner=NEW))
        back = await post(tx, claw_back(first.entry_id, 300, owner=NEW, of=OLD, at=moment(dt.date(2026, 1, 2))))
        assert (back.moved("available"), back.moved("pending"), back.moved("deficit")) == (-10, -200, -90)
        assert await balances(tx, OLD) == {}
        assert await balances(tx, NEW) == {"deficit": -90}
    await audited(ledger.engine)


async def test_a_refund_later_of_what_expired_meanwhile_takes_nothing_more(ledger: Database) -> None:
    after = dt.date(2026, 2, 1)
    async with ledger.engine.begin() as tx:
        first, _ = await two_purchases(tx)
        await post(tx, hand_over())
        await post(tx, burn(1, owner=NEW, at=moment(after)))  # settles: 300 have run out
        back = await post(tx, claw_back(first.entry_id, 300, owner=NEW, of=OLD, at=moment(after)))
        assert (back.facts["from_expired"], back.moved("available"), back.moved("deficit")) == (300, 0, 0)
        assert await balances(tx, NEW) == {"available": 199}
    await audited(ledger.engine)


async def test_a_gift_made_before_is_nobody_elses_debt(ledger: Database) -> None:
    async with ledger.engine.begin() as tx:
        first = await post(tx, accrue(100))
        await post(tx, transfer(100, NEW))
        await post(tx, accrue(40, issuer_id=6))
        await post(tx, hand_over())
        with pytest.raises(NoSuchEntry):
            await post(tx, claw_back(first.entry_id, 10, owner=NEW))
        assert (await statements.wallet(tx, NEW, today=DAY))[0].currency.id == COMMON
        assert (await statements.wallet(tx, FRIEND, today=DAY)) == []
