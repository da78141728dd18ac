"""Writing what was booked: the purchases, and what they use of caps and budgets, in one statement."""

from __future__ import annotations

import itertools
from collections.abc import Sequence
from functools import cache
from typing import Any

from sqlalchemy.ext.asyncio import AsyncConnection

from ledger.earning.deciding import Decided
from ledger.earning.purchases import Purchase, bill_document
from ledger.earning.usage import CHANGE_BUDGETS, CHANGE_CAPS, Usage, budget_columns, cap_columns
from ledger.errors import Fault
from ledger.points.commands import Receipt
from ledger.points.reading import run
from ledger.values import compact

_COLUMNS = (
    "merchant_id, document, member_id, amount_minor, money, points, entry_id, rule_versions, bill, staff_id, occurred_at,"
    " bought_on, channel, outlet_id, till, facts, shares"
)


@cache
def _statement(caps: bool, budgets: bool) -> str:
    """One statement that writes purchases, and the changes of caps and budgets where there are any."""
    number = itertools.count(2)

    def arrays(*types: str) -> str:
        return ", ".join(f"${next(number)}::{kind}[]" for kind in types)

    insert = f"INSERT INTO purchase ({_COLUMNS}) SELECT {_COLUMNS} FROM unnest($1::purchase[]) RETURNING entry_id, id"
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
    arrays = [*(caps if caps[0] else ()), *(budgets if budgets[0] else ())]
    done = await run(tx, _statement(bool(caps[0]), bool(budgets[0])), rows, *arrays)
    ids: dict[int, int] = dict(done)
    if len(ids) != len(written):
        raise Fault(f"{len(written)} purchases to write, {len(ids)} written")
    return [_purchase(ids[receipt.entry_id], step, receipt) for step, receipt in written]


def _row(step: Decided, receipt: Receipt) -> tuple[Any, ...]:
    """In the order of the table's columns; the database numbers it, and nothing of it has been given back."""
    one, decision = step.one, step.decision
    return (
        None,
        one.merchant.id,
        one.document,
        one.member_id,
        one.bill.net_minor,
        one.bill.money,
        None,
        decision.points,
        receipt.entry_id,
        compact(decision.versions),
        compact(bill_document(one.bill)),
        one.staff_id,
        one.occurred_at,
        one.bought_on,
        None,
        one.reported_by,
        one.outlet_id,
        one.till,
        compact(step.facts.document()),
        compact(dict(decision.shares)),
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
