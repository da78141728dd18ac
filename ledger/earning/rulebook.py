"""Reading and writing rule versions. A version's document never changes: the next version takes over from its first day.

A merchant's proposal waits for somebody else's approval where the programme wants it (`Programme.rules_need_approval`); only
what is approved is ever in force. Every change moves the rule clock, so that whoever keeps compiled rules can tell by one cheap
read whether they still stand.
"""

from __future__ import annotations

import datetime as dt
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any, Literal

from sqlalchemy import Row, text
from sqlalchemy.ext.asyncio import AsyncConnection

from ledger.earning.rules.documents import RULE, Budget, Rule
from ledger.earning.rules.version import RuleVersion
from ledger.errors import Refusal
from ledger.members.named import must_be_known
from ledger.points.reading import run

State = Literal["proposed", "approved", "rejected", "withdrawn"]
WHY_LONGEST = 200


@dataclass(eq=False)
class SamePerson(Refusal):
    """Who proposed a rule does not approve it."""

    name: str


@dataclass(eq=False)
class NotProposed(Refusal):
    """This version does not wait for a decision: it is `state`, or nothing where there is none of that name."""

    name: str
    state: State | None


@dataclass(eq=False)
class CodeOfAnother(Refusal):
    """A code is whose it was first: another merchant's, or the programme's, takes no versions of this one's."""

    rule: str


@dataclass(eq=False)
class NoSuchCampaign(Refusal):
    """Nobody here has a campaign of this code."""

    campaign: str


@dataclass(eq=False)
class CampaignOfAnother(Refusal):
    """A merchant's rule draws on no budget but its own: this campaign is somebody else's."""

    campaign: str


@dataclass(eq=False)
class RuleBeginsInThePast(Refusal):
    """A merchant changes what will be earned, never what has been: from `earliest` on."""

    valid_from: dt.date
    earliest: dt.date


@dataclass(eq=False)
class RuleIsOver(Refusal):
    """Its last day passed while it waited."""

    name: str
    valid_to: dt.date


@dataclass(eq=False)
class NotInForce(Refusal):
    """Only a version that is approved and not over by then can be ended."""

    name: str


@dataclass(frozen=True, slots=True)
class Proposal:
    """A version with what was decided about it."""

    version: RuleVersion
    state: State
    made_by: str
    made_at: dt.datetime
    decided_by: str | None
    decided_at: dt.datetime | None
    why: str | None


_COLUMNS = "code, version, merchant_id, document, valid_from, valid_to"
_DECISION = "state, made_by, made_at, decided_by, decided_at, why"
_ITS = "state = 'approved' AND (merchant_id = :merchant_id OR merchant_id IS NULL)"

# Of each rule the version that began last; a version that has ended gives way to the one before it.
_IN_FORCE = text(
    f"SELECT DISTINCT ON (code) {_COLUMNS} FROM accrual_rule WHERE {_ITS}"
    " AND valid_from <= :day AND (valid_to IS NULL OR :day <= valid_to) ORDER BY code, valid_from DESC, version DESC"
)
_ALL = text(f"SELECT {_COLUMNS} FROM accrual_rule WHERE {_ITS} ORDER BY code, valid_from, version")
_NAMED = text(
    f"SELECT {_COLUMNS} FROM accrual_rule"
    " WHERE (code, version) IN (SELECT * FROM unnest(CAST(:codes AS text[]), CAST(:versions AS integer[])))"
    " ORDER BY code, version"
)
_ADD = text(
    "INSERT INTO accrual_rule (code, version, merchant_id, document, valid_from, valid_to, state, made_by, made_at)"
    " SELECT :code, 1 + coalesce(max(version), 0), CAST(:merchant_id AS bigint), CAST(:document AS jsonb),"
    " CAST(:valid_from AS date), CAST(:valid_to AS date), :state, :made_by, CAST(:at AS timestamptz)"
    " FROM accrual_rule WHERE code = :code RETURNING version"
)
_LOCK = text(f"SELECT {_COLUMNS}, {_DECISION} FROM accrual_rule WHERE code = :code AND version = :version FOR UPDATE")
_DECIDE = text(
    "UPDATE accrual_rule SET state = :state, decided_by = :by, decided_at = :at, why = :why,"
    " valid_from = greatest(valid_from, CAST(:not_before AS date))"
    f" WHERE code = :code AND version = :version RETURNING {_COLUMNS}, {_DECISION}"
)
_END = text("UPDATE accrual_rule SET valid_to = :day WHERE code = :code AND version = :version")
_PROPOSED = text(
    f"SELECT {_COLUMNS}, {_DECISION} FROM accrual_rule WHERE state = 'proposed'"
    " AND (CAST(:merchant_id AS bigint) IS NULL OR merchant_id = :merchant_id) ORDER BY made_at, code, version"
)
_ONE = text(f"SELECT {_COLUMNS}, {_DECISION} FROM accrual_rule WHERE code = :code AND version = :version")
# Neither transactions nor places in the write-ahead log come twice in a cluster, and each change writes to it: so a reading is
# never seen again, not in another database and not after a rollback.
_TICK = text(
    "INSERT INTO rule_clock (one, version)"
    " VALUES (1, CAST(pg_current_xact_id() AS text) || '@' || CAST(pg_current_wal_insert_lsn() AS text))"
    " ON CONFLICT (one) DO UPDATE SET version = excluded.version"
)
_LOCK_CODE = text("SELECT pg_advisory_xact_lock(hashtextextended('rule-code:' || :code, 0))")
_WHOSE_CODE = text("SELECT merchant_id FROM accrual_rule WHERE code = :code LIMIT 1")
_WHOSE_CAMPAIGN = text("SELECT merchant_id FROM campaign WHERE code = :code")
_CLOCK = "SELECT version FROM rule_clock"
_CAMPAIGN = text(
    "INSERT INTO campaign (code, merchant_id, name_zh, name_en, budget)"
    " VALUES (:code, CAST(:merchant_id AS bigint), :name_zh, :name_en, CAST(:budget AS jsonb))"
    " ON CONFLICT (code) DO UPDATE SET name_zh = excluded.name_zh, name_en = excluded.name_en, budget = excluded.budget"
)
_BUDGETS = text(
    "SELECT code, budget, is_open FROM campaign WHERE (budget IS NOT NULL OR NOT is_open) AND code = ANY(CAST(:codes AS text[]))"
)


async def in_force(tx: AsyncConnection, merchant_id: int, day: dt.date) -> list[RuleVersion]:
    """The merchant's and the programme's rules that apply to a purchase of `day`, one version of each, by code."""
    return [_version(row) for row in await tx.execute(_IN_FORCE, {"merchant_id": merchant_id, "day": day})]


async def all_of(tx: AsyncConnection, merchant_id: int) -> list[RuleVersion]:
    """Every approved version of the merchant's and the programme's rules, for purchases of many days."""
    return [_version(row) for row in await tx.execute(_ALL, {"merchant_id": merchant_id})]


async def named(tx: AsyncConnection, names: Sequence[str]) -> list[RuleVersion]:
    """The versions of these names («code@version»), whatever became of them, to recompute what they paid."""
    split = [name.rpartition("@") for name in names]
    facts = {"codes": [code for code, _, _ in split], "versions": [int(version) for _, _, version in split]}
    return [_version(row) for row in await tx.execute(_NAMED, facts)]


async def clock(tx: AsyncConnection) -> str:
    """Another text after every change of rules, and never one that was: while it stands, kept rules are the rules."""
    rows = await run(tx, _CLOCK)
    return str(rows[0][0]) if rows else ""


async def moved(tx: AsyncConnection) -> None:
    """Say that rules were written by another way than this module's: what is kept of them is worth nothing any more."""
    await tx.execute(_TICK)


async def publish(
    tx: AsyncConnection,
    *,
    code: str,
    merchant_id: int | None,
    rule: Rule,
    valid_from: dt.date,
    made_by: str,
    at: dt.datetime,
    valid_to: dt.date | None = None,
) -> RuleVersion:
    """Write the next version of rule `code`, approved, in force from `valid_from`. By the programme itself: nobody is asked.

    Raises:
        CodeOfAnother.
    """
    return await _add(tx, code, merchant_id, rule, (valid_from, valid_to), "approved", made_by, at)


async def propose(
    tx: AsyncConnection,
    *,
    code: str,
    merchant_id: int,
    rule: Rule,
    valid_from: dt.date,
    made_by: str,
    at: dt.datetime,
    today: dt.date,
    needs_approval: bool,
    valid_to: dt.date | None = None,
) -> Proposal:
    """Write the next version of rule `code`: it waits for approval, or is in force from `valid_from` where none is needed.

    Raises:
        RuleBeginsInThePast (`valid_from` is before `today`) → NoSuchTier → NoSuchRegion → NoSuchCampaign → CampaignOfAnother →
        CodeOfAnother.
    """
    if valid_from < today:
        raise RuleBeginsInThePast(valid_from, today)
    await must_be_known(tx, tiers=rule.when.tiers, regions=rule.when.regions | rule.when.member_regions)
    if rule.campaign is not None:
        whose = (await tx.execute(_WHOSE_CAMPAIGN, {"code": rule.campaign})).first()
        if whose is None:
            raise NoSuchCampaign(rule.campaign)
        if whose.merchant_id != merchant_id:
            raise CampaignOfAnother(rule.campaign)
    state: State = "proposed" if needs_approval else "approved"
    version = await _add(tx, code, merchant_id, rule, (valid_from, valid_to), state, made_by, at)
    return Proposal(version, state, made_by, at, None, None, None)


async def approve(tx: AsyncConnection, name: str, *, by: str, at: dt.datetime, today: dt.date) -> Proposal:
    """Put a proposed version in force, from today where its first day has passed meanwhile.

    Raises:
        NotProposed → SamePerson → RuleIsOver.
    """
    waiting = await _waiting(tx, name)
    if waiting.made_by == by:
        raise SamePerson(name)
    if waiting.version.valid_to is not None and waiting.version.valid_to < today:
        raise RuleIsOver(name, waiting.version.valid_to)
    return await _decide(tx, waiting, "approved", by, at, not_before=today)


async def reject(tx: AsyncConnection, name: str, *, by: str, at: dt.datetime, why: str) -> Proposal:
    """Say no to a proposed version, with a reason that its maker reads.

    Raises:
        NotProposed → SamePerson (who thinks better of it withdraws).
    """
    waiting = await _waiting(tx, name)
    if waiting.made_by == by:
        raise SamePerson(name)
    return await _decide(tx, waiting, "rejected", by, at, why=" ".join(why.split())[:WHY_LONGEST])


async def withdraw(tx: AsyncConnection, name: str, *, by: str, at: dt.datetime) -> Proposal:
    """Take a proposed version back before it is decided. `NotProposed`."""
    return await _decide(tx, await _waiting(tx, name), "withdrawn", by, at)


async def end(tx: AsyncConnection, name: str, *, last_day: dt.date, today: dt.date) -> RuleVersion:
    """Bring a version's last day forward, to `last_day`; never into the past, and never back.

    Raises:
        NotInForce (not approved, or over by then) → RuleBeginsInThePast (`last_day` is before `today`).
    """
    found = await find(tx, name, lock=True)
    if found is None or found.state != "approved" or (found.version.valid_to or last_day) < last_day:
        raise NotInForce(name)
    if last_day < today or last_day < found.version.valid_from:
        raise RuleBeginsInThePast(last_day, max(today, found.version.valid_from))
    await tx.execute(_END, {**_key(name), "day": last_day})
    await tx.execute(_TICK)
    v = found.version
    return RuleVersion(v.code, v.version, v.rule, v.valid_from, last_day, v.merchant_id)


async def proposals(tx: AsyncConnection, merchant_id: int | None = None) -> list[Proposal]:
    """What waits for a decision, oldest first: of one merchant, or of everybody."""
    return [_proposal(row) for row in await tx.execute(_PROPOSED, {"merchant_id": merchant_id})]


async def find(tx: AsyncConnection, name: str, *, lock: bool = False) -> Proposal | None:
    """One version with what was decided about it."""
    row = (await tx.execute(_LOCK if lock else _ONE, _key(name))).first()
    return None if row is None else _proposal(row)


async def open_campaign(
    tx: AsyncConnection, *, code: str, merchant_id: int | None, name_zh: str, name_en: str, budget: Budget | None
) -> None:
    """Write a campaign, or its new budget: what all rules that name it may give together."""
    facts = {"code": code, "merchant_id": merchant_id, "name_zh": name_zh, "name_en": name_en}
    await tx.execute(_CAMPAIGN, {**facts, "budget": budget.model_dump_json() if budget else None})
    await tx.execute(_TICK)


async def campaign_budgets(tx: AsyncConnection, codes: Sequence[str]) -> dict[str, Budget]:
    """The budgets of these campaigns; one without a limit is left out, one that is closed has nothing to give."""
    rows = await tx.execute(_BUDGETS, {"codes": list(codes)})
    return {row.code: Budget.model_validate(row.budget) if row.is_open else Budget(points=0) for row in rows}


def _version(row: Row[Any]) -> RuleVersion:
    rule = RULE.validate_python(row.document)
    return RuleVersion(row.code, row.version, rule, row.valid_from, row.valid_to, row.merchant_id)


def _proposal(row: Row[Any]) -> Proposal:
    return Proposal(_version(row), row.state, row.made_by, row.made_at, row.decided_by, row.decided_at, row.why)


def _key(name: str) -> dict[str, Any]:
    code, _, version = name.rpartition("@")
    return {"code": code, "version": int(version) if version.isdigit() else 0}


async def _add(
    tx: AsyncConnection,
    code: str,
    merchant_id: int | None,
    rule: Rule,
    days: tuple[dt.date, dt.date | None],
    state: State,
    made_by: str,
    at: dt.datetime,
) -> RuleVersion:
    # Two who write versions of one code take turns: they would be of one number, or of two owners.
    await tx.execute(_LOCK_CODE, {"code": code})
    whose = (await tx.execute(_WHOSE_CODE, {"code": code})).first()
    if whose is not None and whose.merchant_id != merchant_id:
        raise CodeOfAnother(code)
    facts = {"code": code, "merchant_id": merchant_id, "document": rule.model_dump_json()}
    dates = {"valid_from": days[0], "valid_to": days[1], "at": at}
    version = await tx.scalar(_ADD, {**facts, **dates, "state": state, "made_by": made_by})
    await tx.execute(_TICK)
    return RuleVersion(code, int(version or 1), rule, *days, merchant_id)


async def _waiting(tx: AsyncConnection, name: str) -> Proposal:
    found = await find(tx, name, lock=True)
    if found is None or found.state != "proposed":
        raise NotProposed(name, found.state if found else None)
    return found


async def _decide(
    tx: AsyncConnection,
    waiting: Proposal,
    state: State,
    by: str,
    at: dt.datetime,
    *,
    why: str | None = None,
    not_before: dt.date | None = None,
) -> Proposal:
    facts = {**_key(waiting.version.name), "state": state, "by": by, "at": at, "why": why, "not_before": not_before}
    row = (await tx.execute(_DECIDE, facts)).one()
    await tx.execute(_TICK)
    return _proposal(row)
