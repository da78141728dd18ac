"""Campaigns: a budget that several rules share, in points, in money or in both; how much of it is used; opening, adding, closing.

Where the programme wants approval of rules, opening a campaign and adding to it wait for another person's yes. Closing never
waits: it only ever gives less. A closed campaign's rules give nothing, as if its budget were used up, and go on when it is opened
again.
"""

from __future__ import annotations

import datetime as dt
from collections.abc import Mapping
from dataclasses import dataclass
from fractions import Fraction
from typing import Any, Literal

from sqlalchemy import Row, text
from sqlalchemy.ext.asyncio import AsyncConnection

from ledger.earning import rulebook
from ledger.earning.rulebook import NoSuchCampaign
from ledger.earning.rules.documents import Budget
from ledger.errors import Refusal

What = Literal["open", "add"]
State = Literal["proposed", "approved", "rejected", "withdrawn"]
NAME_LONGEST = 30
POINTS_MOST = 10**12
MINOR_MOST = 10**12


@dataclass(eq=False)
class CampaignNameWrong(Refusal):
    """A name has 1 to `longest` characters."""

    longest: int


@dataclass(eq=False)
class BudgetOutOfRange(Refusal):
    """A budget is of something, and of no more than `points` points or `minor` of money."""

    points: int
    minor: int


@dataclass(eq=False)
class ChangeSettled(Refusal):
    """This change does not wait for a decision: it is `state`, or nothing where there is none of that number."""

    state: State | None


@dataclass(eq=False)
class OwnChange(Refusal):
    """Who asked for a change of a budget does not approve it."""


@dataclass(frozen=True, slots=True)
class Campaign:
    """A campaign with what its rules have given so far: points by currency, and their value in minor units, rounded down.

    `merchant_id` None: the programme's. `budget` None: without limit.
    """

    code: str
    merchant_id: int | None
    name_zh: str
    name_en: str
    budget: Budget | None
    is_open: bool
    used: Mapping[int, int]
    used_minor: int


@dataclass(frozen=True, slots=True)
class Change:
    """What somebody wants of a campaign: to open it with a budget, or to add to its budget."""

    id: int
    what: What
    code: str
    merchant_id: int | None
    name_zh: str
    name_en: str
    budget: Budget
    state: State
    made_by: str
    made_at: dt.datetime
    why: str | None


_LIST = text(
    "SELECT c.code, c.merchant_id, c.name_zh, c.name_en, c.budget, c.is_open, coalesce(u.points, '{}') AS used FROM campaign c"
    " LEFT JOIN budget_usage u ON u.scope = 'campaign:' || c.code"
    " WHERE c.merchant_id IS NOT DISTINCT FROM CAST(:merchant AS bigint)"
    " AND (CAST(:code AS text) IS NULL OR c.code = :code) ORDER BY c.is_open DESC, c.name_zh, c.code"
)
_VALUES = text("SELECT id, value_minor, value_points FROM currency")
_LOCK = text(
    "SELECT code, budget FROM campaign WHERE code = :code AND merchant_id IS NOT DISTINCT FROM CAST(:merchant AS bigint)"
    " FOR UPDATE"
)
_SWITCH = text("UPDATE campaign SET is_open = :is_open WHERE code = :code")
_WIDEN = text("UPDATE campaign SET budget = CAST(:budget AS jsonb) WHERE code = :code")
_CHANGE = "id, what, code, merchant_id, name_zh, name_en, budget, state, made_by, made_at, why"
_ASK = text(
    "INSERT INTO campaign_change (what, code, merchant_id, name_zh, name_en, budget, state, made_by, made_at)"
    " VALUES (:what, :code, :merchant, :name_zh, :name_en, CAST(:budget AS jsonb), :state, :by, :now)"
    f" RETURNING {_CHANGE}"
)
_ONE = text(f"SELECT {_CHANGE} FROM campaign_change WHERE id = :id FOR UPDATE")
_WAITING = text(
    f"SELECT {_CHANGE} FROM campaign_change WHERE state = 'proposed'"
    " AND (:everybody OR merchant_id IS NOT DISTINCT FROM CAST(:merchant AS bigint)) ORDER BY id"
)
_DECIDE = text(
    "UPDATE campaign_change SET state = :state, decided_by = :by, decided_at = :now, why = :why WHERE id = :id"
    f" RETURNING {_CHANGE}"
)


async def of(tx: AsyncConnection, merchant_id: int | None, code: str | None = None) -> list[Campaign]:
    """A merchant's campaigns (None: the programme's), open ones first; the one of `code` where that is given."""
    rows = (await tx.execute(_LIST, {"merchant": merchant_id, "code": code})).all()
    values = {row.id: Fraction(row.value_minor, row.value_points) for row in await tx.execute(_VALUES)} if rows else {}
    found = []
    for row in rows:
        used = {int(currency): points for currency, points in row.used.items() if points}
        minor = int(sum((points * values[currency] for currency, points in used.items()), Fraction(0)))
        budget = Budget.model_validate(row.budget) if row.budget else None
        found.append(Campaign(row.code, row.merchant_id, row.name_zh, row.name_en, budget, row.is_open, used, minor))
    return found


async def one(tx: AsyncConnection, merchant_id: int | None, code: str) -> Campaign:
    """One of them. `NoSuchCampaign`."""
    found = await of(tx, merchant_id, code)
    if not found:
        raise NoSuchCampaign(code)
    return found[0]


async def ask(
    tx: AsyncConnection,
    what: What,
    *,
    code: str,
    merchant_id: int | None,
    name: str,
    budget: Budget,
    by: str,
    now: dt.datetime,
    needs_approval: bool,
) -> Change:
    """Open a campaign, or add `budget` to that of one; at once, or as soon as somebody else approves.

    Raises:
        CampaignNameWrong → BudgetOutOfRange; to add also NoSuchCampaign.
    """
    name = " ".join(name.split())
    if not 1 <= len(name) <= NAME_LONGEST:
        raise CampaignNameWrong(NAME_LONGEST)
    check(budget)
    if what == "add":
        known = await one(tx, merchant_id, code)
        name_zh, name_en = known.name_zh, known.name_en
    else:
        name_zh = name_en = name
    facts: dict[str, Any] = {
        "what": what,
        "code": code,
        "merchant": merchant_id,
        "name_zh": name_zh,
        "name_en": name_en,
    }
    state: State = "proposed" if needs_approval else "approved"
    facts |= {"budget": budget.model_dump_json(), "state": state, "by": by, "now": now}
    change = _change((await tx.execute(_ASK, facts)).one())
    if not needs_approval:
        await _apply(tx, change)
    return change


def check(budget: Budget) -> None:
    """`BudgetOutOfRange`."""
    for given, most in ((budget.points, POINTS_MOST), (budget.minor, MINOR_MOST)):
        if given is not None and not 0 < given <= most:
            raise BudgetOutOfRange(POINTS_MOST, MINOR_MOST)


async def switch(tx: AsyncConnection, *, merchant_id: int | None, code: str, is_open: bool) -> None:
    """Close a campaign, or open it again with what is left of its budget. `NoSuchCampaign`."""
    await _locked(tx, merchant_id, code)
    await tx.execute(_SWITCH, {"code": code, "is_open": is_open})
    await rulebook.moved(tx)


async def waiting(tx: AsyncConnection, merchant_id: int | None = None, *, everybody: bool = False) -> list[Change]:
    """Changes that wait for a decision, oldest first: a merchant's (None: the programme's), or everybody's."""
    return [_change(row) for row in await tx.execute(_WAITING, {"merchant": merchant_id, "everybody": everybody})]


async def find(tx: AsyncConnection, change_id: int) -> Change:
    """One change, whatever became of it. `ChangeSettled` where there is none."""
    row = (await tx.execute(_ONE, {"id": change_id})).first()
    if row is None:
        raise ChangeSettled(None)
    return _change(row)


async def approve(tx: AsyncConnection, change_id: int, *, by: str, now: dt.datetime) -> Change:
    """Let it happen. `ChangeSettled` → `OwnChange`."""
    change = await _waits(tx, change_id)
    if change.made_by == by:
        raise OwnChange()
    await _apply(tx, change)
    return await _decided(tx, change_id, "approved", by, now)


async def reject(tx: AsyncConnection, change_id: int, *, by: str, now: dt.datetime, why: str) -> Change:
    """Say no, with a reason that its maker reads. `ChangeSettled` → `OwnChange`."""
    change = await _waits(tx, change_id)
    if change.made_by == by:
        raise OwnChange()
    return await _decided(tx, change_id, "rejected", by, now, " ".join(why.split())[: rulebook.WHY_LONGEST])


async def withdraw(tx: AsyncConnection, change_id: int, *, by: str, now: dt.datetime) -> Change:
    """Take it back before it is decided. `ChangeSettled`."""
    await _waits(tx, change_id)
    return await _decided(tx, change_id, "withdrawn", by, now)


async def _waits(tx: AsyncConnection, change_id: int) -> Change:
    change = await find(tx, change_id)
    if change.state != "proposed":
        raise ChangeSettled(change.state)
    return change


async def _decided(
    tx: AsyncConnection, change_id: int, state: State, by: str, now: dt.datetime, why: str | None = None
) -> Change:
    return _change(
        (await tx.execute(_DECIDE, {"id": change_id, "state": state, "by": by, "now": now, "why": why})).one()
    )


async def _apply(tx: AsyncConnection, change: Change) -> None:
    if change.what == "open":
        await rulebook.open_campaign(
            tx,
            code=change.code,
            merchant_id=change.merchant_id,
            name_zh=change.name_zh,
            name_en=change.name_en,
            budget=change.budget,
        )
        return
    row = await _locked(tx, change.merchant_id, change.code)
    if row.budget is None:
        return  # without limit already
    had, more = Budget.model_validate(row.budget), change.budget
    wider = Budget(points=_sum(had.points, more.points), minor=_sum(had.minor, more.minor))
    await tx.execute(_WIDEN, {"code": change.code, "budget": wider.model_dump_json()})
    await rulebook.moved(tx)


def _sum(had: int | None, more: int | None) -> int | None:
    """A limit that was not there is not made by adding to it."""
    return None if had is None else had + (more or 0)


async def _locked(tx: AsyncConnection, merchant_id: int | None, code: str) -> Row[Any]:
    row = (await tx.execute(_LOCK, {"code": code, "merchant": merchant_id})).first()
    if row is None:
        raise NoSuchCampaign(code)
    return row


def _change(row: Row[Any]) -> Change:
    return Change(**{**row._mapping, "budget": Budget.model_validate(row.budget)})
