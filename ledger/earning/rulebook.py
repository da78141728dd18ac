"""Reading and writing rule versions. A version is never changed: a new one takes over from its first day."""

from __future__ import annotations

import datetime as dt
from collections.abc import Sequence
from typing import Any

from sqlalchemy import Row, text
from sqlalchemy.ext.asyncio import AsyncConnection

from ledger.earning.rules import AccrualRule, RuleVersion

_OF = text(
    "SELECT code, version, document, valid_from, valid_to FROM accrual_rule WHERE merchant_id = :merchant_id"
    " AND valid_from <= :day AND (valid_to IS NULL OR :day <= valid_to) ORDER BY valid_from, version"
)
_ALL = text(
    "SELECT code, version, document, valid_from, valid_to FROM accrual_rule WHERE merchant_id = :merchant_id"
    " ORDER BY valid_from, version"
)
_NAMED = text(
    "SELECT code, version, document, valid_from, valid_to FROM accrual_rule"
    " WHERE merchant_id = :merchant_id AND code || '@' || version = ANY(CAST(:names AS text[])) ORDER BY code, version"
)
_ADD = text(
    "INSERT INTO accrual_rule (code, version, merchant_id, document, valid_from, valid_to, made_by, made_at)"
    " SELECT :code, 1 + coalesce(max(version), 0), :merchant_id, CAST(:document AS jsonb),"
    " CAST(:valid_from AS date), CAST(:valid_to AS date), :made_by, CAST(:at AS timestamptz)"
    " FROM accrual_rule WHERE code = :code RETURNING version"
)


async def in_force(tx: AsyncConnection, merchant_id: int, day: dt.date) -> list[RuleVersion]:
    """The merchant's rules that apply to a purchase of `day`."""
    return [_version(row) for row in await tx.execute(_OF, {"merchant_id": merchant_id, "day": day})]


async def all_of(tx: AsyncConnection, merchant_id: int) -> list[RuleVersion]:
    """Every version of the merchant's rules, for purchases of many days."""
    return [_version(row) for row in await tx.execute(_ALL, {"merchant_id": merchant_id})]


async def named(tx: AsyncConnection, merchant_id: int, names: Sequence[str]) -> list[RuleVersion]:
    """The versions of these names («code@version»), to recompute what they paid."""
    return [_version(row) for row in await tx.execute(_NAMED, {"merchant_id": merchant_id, "names": list(names)})]


def _version(row: Row[Any]) -> RuleVersion:
    return RuleVersion(row.code, row.version, AccrualRule.model_validate(row.document), row.valid_from, row.valid_to)


async def publish(
    tx: AsyncConnection,
    *,
    code: str,
    merchant_id: int,
    rule: AccrualRule,
    valid_from: dt.date,
    made_by: str,
    at: dt.datetime,
    valid_to: dt.date | None = None,
) -> RuleVersion:
    """Write the next version of rule `code`, in force from `valid_from`."""
    facts = {"code": code, "merchant_id": merchant_id, "document": rule.model_dump_json()}
    dates = {"valid_from": valid_from, "valid_to": valid_to, "at": at}
    version = await tx.scalar(_ADD, {**facts, **dates, "made_by": made_by})
    return RuleVersion(code, int(version or 1), rule, valid_from, valid_to)
