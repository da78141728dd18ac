"""The audit is proven able to fail: for each of its checks a violation is planted by hand, and that check must report it.

What a constraint of the schema holds cannot even be planted; those are the second half.
"""

from __future__ import annotations

import datetime as dt

import pytest
from sqlalchemy import text
from sqlalchemy.exc import IntegrityError
from sqlalchemy.ext.asyncio import AsyncConnection

from ledger.points import commands as c
from ledger.points.audit import CHECKS, POSITIONS, Audit, Position, audit
from ledger.points.engine import apply, post
from tests.conftest import Database
from tests.ledger.points.builders import (
    DAY,
    RAIL,
    VALUES,
    accrue,
    audited,
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
    void,
)

ANN, BEN, POOL = c.member(1), c.member(2), c.Owner("pool", 1)
LATER = moment(DAY + dt.timedelta(days=40))


@pytest.fixture
async def ledger(database: Database) -> Database:
    """A ledger in which everything has happened once: gifts, exchange, pool, open and ended holds, grace, deficit, expiry."""
    await make_currencies(database.engine)
    swap = c.Exchange(**common(points=10, to_currency=RAIL, value=VALUES[1], to_value=VALUES[RAIL], expires_on=None))
    async with database.engine.begin() as tx:
        first = await post(tx, accrue(100, expires_on=DAY + dt.timedelta(days=30)))
        await apply(tx, [accrue(50, issuer_id=6), accrue(30, available_on=DAY + dt.timedelta(days=60))])
        burned = await post(tx, burn(20))
        ended = await post(tx, hold(5))
        await apply(
            tx, [transfer(10, BEN), transfer(10, POOL), swap, hold(7), void(ended.entry_id), burn(1, owner=BEN)]
        )
        spent = await post(tx, accrue(40, owner=BEN))
        await apply(tx, [burn(49, owner=BEN), claw_back(spent.entry_id, 40, owner=BEN)])
        await apply(tx, [expire(at=LATER), expire(owner=POOL, at=LATER), reinstate(burned.entry_id, at=LATER)])
        wrong = await post(tx, accrue(3, at=LATER))
        await apply(tx, [reverse(wrong.entry_id, at=LATER), claw_back(first.entry_id, 5, at=LATER)])
    await audited(database.engine)
    return database


def _of(purpose: str, owner: int = 1) -> str:
    where = f"purpose = '{purpose}' AND owner_id = {owner} AND owner_kind = 'member' AND currency_id = 1"
    return f"(SELECT id FROM account WHERE {where})"


ONE_POSTING = f"account_id = {_of('available')} AND number = 1"
PLANTS: dict[str, tuple[str, ...]] = {
    "entries sum to zero per issuer and currency": (f"UPDATE posting SET points = points + 1 WHERE {ONE_POSTING}",),
    "balance equals the sum of postings": (
        f"UPDATE account SET balance = balance + 1 WHERE id = {_of('available')}",
        f"UPDATE account SET version = version + 1 WHERE id = {_of('available')}",
        "UPDATE account SET balance = balance - 1 WHERE purpose = 'deficit'",
    ),
    "versions are gap-free and balances chain": (
        f"UPDATE posting SET number = 1000 WHERE {ONE_POSTING}",
        f"UPDATE posting SET balance_after = balance_after + 1 WHERE {ONE_POSTING}",
        f"UPDATE posting SET balance_after = NULL WHERE {ONE_POSTING}",
    ),
    "balance equals open lots": (
        f"UPDATE position SET points = points + 1 WHERE account_id = {_of('available')}",
        f"DELETE FROM position WHERE account_id = {_of('pending')}",
    ),
    "each position equals its postings": (
        f"UPDATE position SET points = points + 1 WHERE account_id = {_of('held')}",
        f"DELETE FROM position WHERE account_id = {_of('held')}",
        "INSERT INTO position SELECT id, 1, 5, NULL FROM account WHERE purpose = 'available' AND owner_id = 2 AND currency_id = 1",
    ),
    "a position is due when its lot says": (
        f"UPDATE position SET due_on = due_on + 1 WHERE account_id = {_of('pending')}",
        f"UPDATE position SET due_on = NULL WHERE account_id = {_of('available')}",
        f"UPDATE position SET due_on = '2026-01-01' WHERE account_id = {_of('held')}",
    ),
    "a lot never gives more than it has": (
        f"UPDATE lot SET points = 1 WHERE id IN (SELECT lot_id FROM position WHERE account_id = {_of('pending')})",
        f"UPDATE posting SET points = -points WHERE {ONE_POSTING}",
    ),
    "a lot's postings sum to what came in less what went on": (
        f"UPDATE posting SET points = points + 1 WHERE {ONE_POSTING}",
        "UPDATE lot SET parent_lot_id = NULL WHERE owner_id = 2 AND parent_lot_id IS NOT NULL",
    ),
    "a lot is born with its points": (
        "UPDATE lot SET points = points + 1 WHERE parent_lot_id IS NULL",
        "UPDATE lot SET entry_id = entry_id + 1 WHERE grace_of IS NOT NULL",
    ),
    "what has ended of a lot is never less than nothing": (
        "UPDATE posting p SET points = -p.points FROM account a WHERE a.id = p.account_id AND a.purpose = 'clawed_back'",
    ),
    "members hold their own lots": (
        f"UPDATE lot SET owner_id = 2 WHERE id IN (SELECT lot_id FROM position WHERE account_id = {_of('pending')})",
        f"UPDATE lot SET owner_kind = 'pool' WHERE id IN (SELECT lot_id FROM position WHERE account_id = {_of('available')})",
    ),
    "late returns of one lot end on one day, and have none of their own": (
        "UPDATE lot SET graced = false WHERE grace_of IS NOT NULL",
        "UPDATE lot SET expires_on = NULL WHERE grace_of IS NOT NULL",
        "UPDATE lot SET graced = true WHERE id IN (SELECT grace_of FROM lot)",
        "INSERT INTO lot SELECT 7, owner_kind, owner_id, issuer_id, currency_id, entry_id, rule, available_on, expires_on + 1,"
        " points, transferable, parent_lot_id, grace_of, graced FROM lot WHERE grace_of IS NOT NULL",
    ),
    "a child lot keeps its issuer and never outlives grace": (
        "UPDATE lot SET issuer_id = 99 WHERE parent_lot_id IS NOT NULL",
        "UPDATE lot SET expires_on = expires_on + 1 WHERE parent_lot_id IS NOT NULL AND owner_id = 2",
        "UPDATE lot SET expires_on = NULL WHERE parent_lot_id IS NOT NULL AND owner_id = 2",
        "UPDATE lot SET graced = true WHERE id IN (SELECT parent_lot_id FROM lot WHERE owner_id = 2)",
    ),
    "what is held equals the open holds": (
        "DELETE FROM hold WHERE state = 'open'",
        "UPDATE hold SET points = points + 1 WHERE state = 'open'",
        "UPDATE hold SET owner_id = 2 WHERE state = 'open'",
        "UPDATE hold SET state = 'open', resolved_by = NULL WHERE state = 'voided'",
    ),
    "each held lot is in the open holds": ("UPDATE hold SET lot_ids = ARRAY[lot_ids[1] + 1] WHERE state = 'open'",),
    "a hold's lots make up its points": (
        "UPDATE hold SET lot_points = ARRAY[lot_points[1] + 1]",
        "UPDATE hold SET lot_ids = lot_ids || 1::bigint",
    ),
    "nothing is undone beyond what it was": (
        "UPDATE entry SET points = points + 100 WHERE kind = 'claw_back'",
        "UPDATE entry SET points = points + 100 WHERE kind = 'reinstate'",
    ),
    "no posting without its entry, lot and account": (
        f"UPDATE posting SET entry_id = 0 WHERE {ONE_POSTING}",
        f"UPDATE posting SET lot_id = 0 WHERE {ONE_POSTING}",
        f"UPDATE posting SET issuer_id = 99 WHERE {ONE_POSTING}",
        f"UPDATE posting SET account_id = 0 WHERE {ONE_POSTING}",
        "UPDATE lot SET currency_id = 2 WHERE currency_id = 1",
        f"DELETE FROM account WHERE id = {_of('available')}",
    ),
    "no entry of points without postings": (
        "DELETE FROM posting WHERE entry_id IN (SELECT id FROM entry WHERE kind = 'hold')",
        "UPDATE lot SET entry_id = 0",
        "UPDATE position SET lot_id = 0 WHERE lot_id = (SELECT min(lot_id) FROM position)",
        "UPDATE hold SET id = 0 WHERE state = 'open'",
    ),
    "what undoes an entry or ends a hold names one that is there": (
        "UPDATE entry SET undoes_id = 7 WHERE kind = 'reinstate'",
        "UPDATE entry SET undoes_id = id WHERE kind = 'claw_back'",
        "UPDATE hold SET resolved_by = 7 WHERE state = 'voided'",
        "UPDATE hold SET state = 'burned' WHERE state = 'voided'",
    ),
}


def test_every_check_has_a_planted_violation() -> None:
    assert list(PLANTS) == list(CHECKS)


@pytest.mark.parametrize("check", CHECKS, ids=lambda check: check.replace(" ", "_"))
async def test_the_audit_finds_what_was_planted(ledger: Database, check: str) -> None:
    for plant in PLANTS[check]:
        async with ledger.engine.connect() as tx:
            changed = await tx.execute(text(plant))
            assert changed.rowcount > 0, plant
            found = await audit(tx)
            assert not found.holds
            assert check in {violation.check for violation in found.violations}, plant
            alone = await audit(tx, [check])
            assert {violation.check for violation in alone.violations} == {check}
            assert all(violation.row for violation in alone.violations)
            await tx.rollback()
    await audited(ledger.engine)


async def test_a_violation_is_listed_a_few_times_not_a_million(ledger: Database) -> None:
    async with ledger.engine.connect() as tx:
        await apply(tx, [accrue(1, owner=c.member(100 + n)) for n in range(50)])
        await tx.execute(
            text("UPDATE account SET balance = balance + 1 WHERE owner_id >= 100 AND purpose = 'available'")
        )
        found = await audit(tx, ["balance equals open lots"])
        assert len(found.violations) == 20
        await tx.rollback()


async def test_the_issuers_sums_are_those_of_the_promise(ledger: Database) -> None:
    found = await audited(ledger.engine)
    five = next(p for p in found.positions if (p.issuer_id, p.currency_id) == (5, 1))
    assert (five.issued, five.pending, five.pooled, five.deficit) == (100 + 30 + 40, 30, 0, 40)
    assert (five.held, five.in_transit, five.clawed_back) == (7, 0, 45)
    assert five.adds_up
    rail = next(p for p in found.positions if p.currency_id == RAIL)
    assert (rail.issuer_id, rail.issued, rail.available) == (5, 20, 20)


async def test_an_issuers_sum_that_does_not_add_up_breaks_the_audit(ledger: Database) -> None:
    async with ledger.engine.connect() as tx:
        await tx.execute(text(f"UPDATE posting SET points = points + 1 WHERE {ONE_POSTING}"))
        positions = [Position(*row) for row in await tx.execute(text(POSITIONS))]
        assert not all(position.adds_up for position in positions)
        assert not Audit((), tuple(positions), 0, 0).holds
        await tx.rollback()


FORBIDDEN: dict[str, str] = {
    "a negative balance": f"UPDATE account SET balance = -1 WHERE id = {_of('available')}",
    "a deficit above zero": "UPDATE account SET balance = 1 WHERE purpose = 'deficit'",
    "a balance on an issuer's account": "UPDATE account SET balance = 1 WHERE purpose = 'issued'",
    "a version on an issuer's account": "UPDATE account SET version = 1 WHERE purpose = 'burned'",
    "an account of no purpose": "UPDATE account SET purpose = 'lost' WHERE purpose = 'held'",
    "an account of nobody": "UPDATE account SET owner_kind = 'ghost' WHERE purpose = 'held'",
    "a second account of the same kind": "INSERT INTO account (id, owner_kind, owner_id, purpose, currency_id)"
    " SELECT 7, owner_kind, owner_id, purpose, currency_id FROM account WHERE purpose = 'held'",
    "a posting of nothing": f"UPDATE posting SET points = 0 WHERE {ONE_POSTING}",
    "a second posting with one version": f"INSERT INTO posting SELECT * FROM posting WHERE {ONE_POSTING}",
    "an empty position": "UPDATE position SET points = 0",
    "a position below nothing": "UPDATE position SET points = -1",
    "an empty lot": "UPDATE lot SET points = 0",
    "a lot that ends before it begins": "UPDATE lot SET expires_on = available_on - 1",
    "an entry below nothing": "UPDATE entry SET points = -1",
    "a key used twice": "UPDATE entry SET key = 'same'",
    "a hold in no state": "UPDATE hold SET state = 'lost'",
    "an open hold that was ended": "UPDATE hold SET resolved_by = 7 WHERE state = 'open'",
    "an ended hold that nothing ended": "UPDATE hold SET resolved_by = NULL WHERE state = 'voided'",
    "a currency of no value": "UPDATE currency SET value_points = 0",
}


@pytest.mark.parametrize("wrong", FORBIDDEN, ids=lambda wrong: wrong.replace(" ", "_"))
async def test_the_schema_forbids(ledger: Database, wrong: str) -> None:
    async with ledger.engine.connect() as tx:
        await _rows(tx, FORBIDDEN[wrong])
        with pytest.raises(IntegrityError):
            await tx.execute(text(FORBIDDEN[wrong]))
        await tx.rollback()


async def _rows(tx: AsyncConnection, wrong: str) -> None:
    """The statement would change something: it is the constraint that stops it, not an empty table."""
    table = wrong.split()[2 if wrong.startswith("INSERT") else 1]
    assert (await tx.execute(text(f"SELECT count(*) FROM {table}"))).scalar_one() > 0
