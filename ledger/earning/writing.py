"""Writing what was booked: the purchases, and what they use of caps and budgets, in one statement."""

from __future__ import annotations

import itertools
import json
from collections.abc import Sequence
from functools import cache
from typing import Any

from sqlalchemy.ext.asyncio import AsyncConnection

from ledger.earning.deciding import Decided
from ledger.earning.purchases import Purchase, bill_document
from ledger.earning.usage import CHANGE_BUDGETS, CHANGE_CAPS, Usage, budget_columns, cap_columns
from ledger.errors import Fault
from ledger.points.commands import Receipt

_COLUMNS = {
    "merchant_id": "bigint",
    "document": "text",
    "member_id": "bigint",
    "amount_minor": "bigint",
    "money": "text",
    "points": "bigint",
    "entry_id": "bigint",
    "rule_versions": "jsonb",
    "bill": "jsonb",
    "staff_id": "bigint",
    "occurred_at": "timestamptz",
    "bought_on": "date",
    "channel": "text",
    "outlet_id": "bigint",
    "till": "text",
    "facts": "jsonb",
    "shares": "jsonb",
}


_json = json.JSONEncoder(ensure_ascii=False, separators=(",", ":")).encode


@cache
def _statement(caps: bool, budgets: bool) -> str:
    """One statement that writes purchases, and the changes of caps and budgets where there are any."""
    number = itertools.count(1)

    def arrays(*types: str) -> str:
        return ", ".join(f"${next(number)}::{kind}[]" for kind in types)

    written = f"SELECT * FROM unnest({arrays(*_COLUMNS.values())})"
    insert = f"INSERT INTO purchase ({', '.join(_COLUMNS)}) {written} RETURNING merchant_id, document, id"
    changes = []
    if caps:
        changes.append(f"w_caps AS ({CHANGE_CAPS.format(arrays('bigint', 'text', 'text', 'bigint'))})")
    if budgets:
        changes.append(f"w_budgets AS ({CHANGE_BUDGETS.format(arrays('text', 'text', 'bigint'))})")
    return f"WITH {', '.join(changes)} {insert}" if changes else insert


async def write(tx: AsyncConnection, written: Sequence[tuple[Decided, Receipt]]) -> list[Purchase]:
    """Write what was applied; the purchases, in order."""
    if not written:
        return []
    rows = [_row(step, receipt) for step, receipt in written]
    # Counted anew from what was really applied: a purchase that another transaction booked first counts there.
    usage = Usage({}, {}, {})
    for step, _ in written:
        usage.count(step.counts, step.one.merchant.terms.currency)
    caps, budgets = cap_columns(usage.cap_changes), budget_columns(usage.budget_changes)
    arrays: list[Any] = [list(column) for column in zip(*rows, strict=True)]
    arrays += [*(caps if caps[0] else ()), *(budgets if budgets[0] else ())]
    done = await tx.exec_driver_sql(_statement(bool(caps[0]), bool(budgets[0])), tuple(arrays))
    ids = {(row.merchant_id, row.document): row.id for row in done}
    if len(ids) != len(written):
        raise Fault(f"{len(written)} purchases to write, {len(ids)} written")
    return [_purchase(ids[step.one.key], step, receipt) for step, receipt in written]


def _row(step: Decided, receipt: Receipt) -> tuple[Any, ...]:
    one, decision = step.one, step.decision
    return (
        one.merchant.id,
        one.document,
        one.member_id,
        one.bill.net_minor,
        one.bill.money,
        decision.points,
        receipt.entry_id,
        _json(decision.versions),
        _json(bill_document(one.bill)),
        one.staff_id,
        one.occurred_at,
        one.bought_on,
        one.reported_by,
        one.outlet_id,
        one.till,
        _json(step.facts.document()),
        _json(dict(decision.shares)),
    )


def _purchase(id_: int, step: Decided, receipt: Receipt) -> Purchase:
    one, decision = step.one, step.decision
    return Purchase(
        id=id_,
        merchant_id=one.merchant.id,
        document=one.document,
        member_id=one.member_id,
        amount_minor=one.bill.net_minor,
        money=one.bill.money,
        refunded_minor=0,
        points=decision.points,
        entry_id=receipt.entry_id,
        rule_versions=decision.versions,
        bill=one.bill,
        staff_id=one.staff_id,
        occurred_at=one.occurred_at,
        bought_on=one.bought_on,
        taken_back_at=None,
        channel=one.reported_by,
        outlet_id=one.outlet_id,
        till=one.till,
        facts=step.facts,
        shares=dict(decision.shares),
    )
