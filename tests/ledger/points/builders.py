"""What every test of the engine needs: currencies, moments, and the plain commands with their usual figures filled in."""

from __future__ import annotations

import datetime as dt
import itertools
from collections.abc import Iterator
from typing import Any

from sqlalchemy import insert, text
from sqlalchemy.ext.asyncio import AsyncConnection, AsyncEngine

from ledger.points import tables
from ledger.points.audit import Audit, audit
from ledger.points.commands import (
    Accrue,
    Burn,
    ClawBack,
    Expire,
    Hold,
    Moment,
    Owner,
    Reinstate,
    Restore,
    Reverse,
    Transfer,
    UnitValue,
    Void,
    member,
)

COMMON, RAIL, WORTHLESS = 1, 2, 3
VALUES = {COMMON: UnitValue(2, 1), RAIL: UnitValue(1, 1), WORTHLESS: UnitValue(0, 1)}
DAY = dt.date(2026, 1, 1)

_keys = itertools.count(1)


def fresh_key(word: str = "test") -> str:
    """A key that no other test of this process uses."""
    return f"{word}:{next(_keys)}"


def moment(day: dt.date = DAY, second: int = 0) -> Moment:
    """Noon of a business date, UTC, and so many seconds."""
    return Moment(dt.datetime.combine(day, dt.time(4), dt.UTC) + dt.timedelta(seconds=second), day)


async def make_currencies(engine: AsyncEngine) -> None:
    """Common points worth 2 fen, rail points worth 1 fen, and points worth nothing."""
    rows = [
        {
            "id": id_,
            "code": code,
            "issuer_id": issuer,
            "name_zh": code,
            "name_en": code,
            "value_minor": VALUES[id_].minor,
            "value_points": VALUES[id_].points,
        }
        for id_, code, issuer in ((COMMON, "common", None), (RAIL, "rail", 7), (WORTHLESS, "worthless", 8))
    ]
    async with engine.begin() as tx:
        await tx.execute(insert(tables.currency), rows)


def common(**figures: Any) -> dict[str, Any]:
    """The fields every command has, with what a test does not care about filled in."""
    usual = {"key": fresh_key(), "owner": member(1), "currency": COMMON, "at": moment(), "actor": "test"}
    return usual | figures


def accrue(points: int, **figures: Any) -> Accrue:
    """Points of issuer 5, available at once, good for a year."""
    usual = {"issuer_id": 5, "available_on": DAY, "expires_on": DAY + dt.timedelta(days=365)}
    return Accrue(points=points, **common(**(usual | figures)))


def burn(points: int, **figures: Any) -> Burn:
    """Spent at merchant 9."""
    return Burn(points=points, **common(**({"merchant_id": 9} | figures)))


def burn_hold(hold_id: int, **figures: Any) -> Burn:
    """A hold settled at merchant 9."""
    return Burn(hold_id=hold_id, **common(**({"merchant_id": 9} | figures)))


def hold(points: int, **figures: Any) -> Hold:
    """Points set aside."""
    return Hold(points=points, **common(**figures))


def void(hold_id: int, **figures: Any) -> Void:
    """A hold given back, with thirty days of grace."""
    return Void(hold_id=hold_id, **common(**({"grace_days": 30} | figures)))


def expire(**figures: Any) -> Expire:
    """What has run out, ended."""
    return Expire(**common(**figures))


def transfer(points: int, to: Owner, **figures: Any) -> Transfer:
    """Points given."""
    return Transfer(points=points, to=to, **common(**figures))


def claw_back(entry_id: int, points: int, **figures: Any) -> ClawBack:
    """Points of issuer 5 taken back."""
    return ClawBack(entry_id=entry_id, points=points, **common(**({"issuer_id": 5} | figures)))


def reinstate(entry_id: int, points: int | None = None, **figures: Any) -> Reinstate:
    """A burn returned, with thirty days of grace."""
    return Reinstate(entry_id=entry_id, points=points, **common(**({"grace_days": 30} | figures)))


def reverse(entry_id: int, **figures: Any) -> Reverse:
    """An entry undone whole, with thirty days of grace."""
    return Reverse(entry_id=entry_id, **common(**({"grace_days": 30} | figures)))


def restore(entry_id: int, expires_on: dt.date, **figures: Any) -> Restore:
    """What of an expiry is still expired, given back until a day."""
    return Restore(entry_id=entry_id, expires_on=expires_on, **common(**figures))


async def audited(engine: AsyncEngine) -> Audit:
    """The whole ledger's proof; fails the test that asks where it does not hold."""
    async with engine.connect() as tx:
        await tx.execution_options(isolation_level="REPEATABLE READ")
        found = await audit(tx)
    assert found.holds, "\n".join(map(str, found.violations))
    return found


async def balances(tx: AsyncConnection, owner: Owner, currency: int = COMMON) -> dict[str, int]:
    """The posted balances of an owner by purpose; deficits of all issuers together, accounts at zero left out."""
    rows = await tx.execute(
        text(
            "SELECT purpose, sum(balance)::bigint FROM account WHERE owner_kind = :kind AND owner_id = :id"
            " AND currency_id = :currency GROUP BY 1 HAVING sum(balance) <> 0"
        ),
        {"kind": owner.kind, "id": owner.id, "currency": currency},
    )
    return {purpose: balance for purpose, balance in rows}


def days(first: dt.date = DAY) -> Iterator[dt.date]:
    """The calendar from a day on."""
    return (first + dt.timedelta(days=n) for n in itertools.count())
