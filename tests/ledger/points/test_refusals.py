"""One table per verb: every refusal it knows, in the documented order, with its facts.

Each row breaks one more rule than the row below it, so that a row shows both that its rule is checked and that it is checked
before all that follow.
"""

from __future__ import annotations

import datetime as dt
from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

import pytest

from ledger.errors import Refusal
from ledger.points import commands as c
from ledger.points.engine import post
from tests.conftest import Database
from tests.ledger.points import builders
from tests.ledger.points.builders import COMMON, DAY, RAIL, common, fresh_key, make_currencies

ORDER = (
    c.KeyReused,
    c.ReasonRequired,
    c.PointsMustBePositive,
    c.OwnersMustDiffer,
    c.ExpiresBeforeAvailable,
    c.NoSuchEntry,
    c.NotThatKind,
    c.NoSuchHold,
    c.HoldResolved,
    c.MoreThanEntry,
    c.NothingDue,
    c.NotEnoughPoints,
    c.PointsMovedOn,
)
"""The order that `commands` promises."""

BEFORE = DAY - dt.timedelta(days=1)
ANN, BEN = c.member(1), c.member(2)


@dataclass(frozen=True)
class Past:
    """What has happened before the table: Ann has 40 of 100 points left, and Ben nothing."""

    earned: int
    burned: int
    held: int
    settled: int
    returned: int


async def _past(database: Database) -> Past:
    await make_currencies(database.engine)
    async with database.engine.begin() as tx:
        earned = await post(tx, builders.accrue(100))
        burned = await post(tx, builders.burn(30))
        held = await post(tx, builders.hold(20))
        settled = await post(tx, builders.hold(10))
        await post(tx, builders.void(settled.entry_id))
        other = await post(tx, builders.burn(10))
        await post(tx, builders.reinstate(other.entry_id))
        await post(tx, builders.burn(10, key="used"))
    return Past(earned.entry_id, burned.entry_id, held.entry_id, settled.entry_id, other.entry_id)


def _key(used: bool) -> str:
    return "used" if used else fresh_key()


Row = tuple[Callable[[Past], c.Command], type[Refusal], Callable[[Past], dict[str, Any]]]


def accrue(points: int, until: dt.date, used: bool = False) -> c.Command:
    return builders.accrue(points, key=_key(used), expires_on=until)


def adjust(points: int, until: dt.date | None, used: bool = False, reason: str = "recount") -> c.Command:
    return c.Adjust(**common(key=_key(used), issuer_id=5, points=points, expires_on=until, reason=reason))


def exchange(points: int, to: int, until: dt.date | None, used: bool = False) -> c.Command:
    values = {"value": builders.VALUES[COMMON], "to_value": builders.VALUES[to]}
    return c.Exchange(**common(key=_key(used), points=points, to_currency=to, expires_on=until, **values))


TABLES: dict[str, list[Row]] = {
    "accrue": [
        (lambda p: accrue(-1, BEFORE, used=True), c.KeyReused, lambda p: {"key": "used"}),
        (lambda p: accrue(-1, BEFORE), c.PointsMustBePositive, lambda p: {"points": -1}),
        (lambda p: accrue(0, BEFORE), c.ExpiresBeforeAvailable, lambda p: {"available_on": DAY, "expires_on": BEFORE}),
    ],
    "adjust": [
        (lambda p: adjust(0, BEFORE, used=True), c.KeyReused, lambda p: {"key": "used"}),
        (lambda p: adjust(0, BEFORE, reason=" "), c.ReasonRequired, lambda p: {}),
        (lambda p: adjust(0, BEFORE), c.PointsMustBePositive, lambda p: {"points": 0}),
        (lambda p: adjust(1, BEFORE), c.ExpiresBeforeAvailable, lambda p: {"available_on": DAY, "expires_on": BEFORE}),
        (
            lambda p: adjust(-41, None),
            c.NotEnoughPoints,
            lambda p: {"needed": 41, "available": 40, "pending": 0, "next_release_on": None},
        ),
    ],
    "release": [
        (lambda p: c.Release(**common(key="used")), c.KeyReused, lambda p: {"key": "used"}),
        (lambda p: c.Release(**common()), c.NothingDue, lambda p: {}),
    ],
    "expire": [
        (lambda p: builders.expire(key="used"), c.KeyReused, lambda p: {"key": "used"}),
        (lambda p: builders.expire(), c.NothingDue, lambda p: {}),
    ],
    "hold": [
        (lambda p: builders.hold(0, key="used"), c.KeyReused, lambda p: {"key": "used"}),
        (lambda p: builders.hold(0), c.PointsMustBePositive, lambda p: {"points": 0}),
        (
            lambda p: builders.hold(41),
            c.NotEnoughPoints,
            lambda p: {"needed": 41, "available": 40, "pending": 0, "next_release_on": None},
        ),
    ],
    "burn": [
        (lambda p: builders.burn(0, key="used"), c.KeyReused, lambda p: {"key": "used"}),
        (lambda p: builders.burn(-5), c.PointsMustBePositive, lambda p: {"points": -5}),
        (
            lambda p: builders.burn(41),
            c.NotEnoughPoints,
            lambda p: {"needed": 41, "available": 40, "pending": 0, "next_release_on": None},
        ),
    ],
    "burn of a hold": [
        (lambda p: builders.burn_hold(p.earned, key="used"), c.KeyReused, lambda p: {"key": "used"}),
        (lambda p: builders.burn_hold(p.earned), c.NoSuchHold, lambda p: {"hold_id": p.earned}),
        (lambda p: builders.burn_hold(p.held, owner=BEN), c.NoSuchHold, lambda p: {"hold_id": p.held}),
        (lambda p: builders.burn_hold(p.settled), c.HoldResolved, lambda p: {"hold_id": p.settled, "state": "voided"}),
    ],
    "void": [
        (lambda p: builders.void(p.earned, key="used"), c.KeyReused, lambda p: {"key": "used"}),
        (lambda p: builders.void(p.held, currency=RAIL), c.NoSuchHold, lambda p: {"hold_id": p.held}),
        (lambda p: builders.void(p.settled), c.HoldResolved, lambda p: {"hold_id": p.settled, "state": "voided"}),
    ],
    "transfer": [
        (lambda p: builders.transfer(0, ANN, key="used"), c.KeyReused, lambda p: {"key": "used"}),
        (lambda p: builders.transfer(0, ANN), c.PointsMustBePositive, lambda p: {"points": 0}),
        (lambda p: builders.transfer(41, ANN), c.OwnersMustDiffer, lambda p: {}),
        (
            lambda p: builders.transfer(41, BEN),
            c.NotEnoughPoints,
            lambda p: {"needed": 41, "available": 40, "pending": 0, "next_release_on": None},
        ),
    ],
    "exchange": [
        (lambda p: exchange(0, COMMON, BEFORE, used=True), c.KeyReused, lambda p: {"key": "used"}),
        (lambda p: exchange(0, COMMON, BEFORE), c.PointsMustBePositive, lambda p: {"points": 0}),
        (lambda p: exchange(41, COMMON, BEFORE), c.OwnersMustDiffer, lambda p: {}),
        (
            lambda p: exchange(41, RAIL, BEFORE),
            c.ExpiresBeforeAvailable,
            lambda p: {"available_on": DAY, "expires_on": BEFORE},
        ),
        (
            lambda p: exchange(41, RAIL, None),
            c.NotEnoughPoints,
            lambda p: {"needed": 41, "available": 40, "pending": 0, "next_release_on": None},
        ),
    ],
    "claw_back": [
        (lambda p: builders.claw_back(0, 0, key="used"), c.KeyReused, lambda p: {"key": "used"}),
        (lambda p: builders.claw_back(0, 0), c.PointsMustBePositive, lambda p: {"points": 0}),
        (lambda p: builders.claw_back(0, 101), c.NoSuchEntry, lambda p: {"entry_id": 0}),
        (lambda p: builders.claw_back(p.earned, 101, owner=BEN), c.NoSuchEntry, lambda p: {"entry_id": p.earned}),
        (lambda p: builders.claw_back(p.earned, 101, issuer_id=6), c.NoSuchEntry, lambda p: {"entry_id": p.earned}),
        (lambda p: builders.claw_back(p.burned, 101), c.NotThatKind, lambda p: {"entry_id": p.burned, "kind": "burn"}),
        (
            lambda p: builders.claw_back(p.earned, 101),
            c.MoreThanEntry,
            lambda p: {"entry_id": p.earned, "asked": 101, "left": 100},
        ),
    ],
    "reinstate": [
        (lambda p: builders.reinstate(0, 0, key="used"), c.KeyReused, lambda p: {"key": "used"}),
        (lambda p: builders.reinstate(0, 0), c.PointsMustBePositive, lambda p: {"points": 0}),
        (lambda p: builders.reinstate(0), c.NoSuchEntry, lambda p: {"entry_id": 0}),
        (
            lambda p: builders.reinstate(p.earned, 500),
            c.NotThatKind,
            lambda p: {"entry_id": p.earned, "kind": "accrue"},
        ),
        (
            lambda p: builders.reinstate(p.burned, 31),
            c.MoreThanEntry,
            lambda p: {"entry_id": p.burned, "asked": 31, "left": 30},
        ),
        (
            lambda p: builders.reinstate(p.returned),
            c.MoreThanEntry,
            lambda p: {"entry_id": p.returned, "asked": 0, "left": 0},
        ),
    ],
    "reverse": [
        (lambda p: builders.reverse(0, expires_on=BEFORE, key="used"), c.KeyReused, lambda p: {"key": "used"}),
        (
            lambda p: builders.reverse(0, expires_on=BEFORE),
            c.ExpiresBeforeAvailable,
            lambda p: {"available_on": DAY, "expires_on": BEFORE},
        ),
        (lambda p: builders.reverse(0), c.NoSuchEntry, lambda p: {"entry_id": 0}),
        (lambda p: builders.reverse(p.burned, owner=BEN), c.NoSuchEntry, lambda p: {"entry_id": p.burned}),
        (lambda p: builders.reverse(p.burned), c.NotThatKind, lambda p: {"entry_id": p.burned, "kind": "burn"}),
        (lambda p: builders.reverse(p.earned), c.PointsMovedOn, lambda p: {"entry_id": p.earned, "missing": 60}),
    ],
    "restore": [
        (lambda p: builders.restore(0, BEFORE, key="used"), c.KeyReused, lambda p: {"key": "used"}),
        (
            lambda p: builders.restore(0, BEFORE),
            c.ExpiresBeforeAvailable,
            lambda p: {"available_on": DAY, "expires_on": BEFORE},
        ),
        (lambda p: builders.restore(0, DAY), c.NoSuchEntry, lambda p: {"entry_id": 0}),
        (lambda p: builders.restore(p.burned, DAY, owner=BEN), c.NoSuchEntry, lambda p: {"entry_id": p.burned}),
        (lambda p: builders.restore(p.burned, DAY), c.NotThatKind, lambda p: {"entry_id": p.burned, "kind": "burn"}),
    ],
}


@pytest.mark.parametrize("verb", TABLES, ids=lambda verb: verb.replace(" ", "_"))
async def test_refusals_come_in_the_documented_order_with_their_facts(database: Database, verb: str) -> None:
    past = await _past(database)
    assert [ORDER.index(kind) for _, kind, _ in TABLES[verb]] == sorted(
        ORDER.index(kind) for _, kind, _ in TABLES[verb]
    )
    for ask, kind, facts in TABLES[verb]:
        command = ask(past)
        async with database.engine.connect() as tx:
            with pytest.raises(Refusal) as refused:
                await post(tx, command)
        assert (type(refused.value), refused.value.facts) == (kind, facts(past)), command
    async with database.engine.connect() as tx:
        assert await builders.balances(tx, ANN) == {"available": 40, "held": 20}
    await builders.audited(database.engine)


def test_the_documented_order_is_the_one_tested() -> None:
    said = c.__doc__ or ""
    named = [kind.__name__ for kind in ORDER]
    assert all(name in said for name in named)
    assert sorted(named, key=said.index) == named


def test_what_may_succeed_later_is_not_final() -> None:
    assert {kind for kind in ORDER if kind.may_succeed_later} == {c.NothingDue, c.NotEnoughPoints}
