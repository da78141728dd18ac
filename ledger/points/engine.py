"""The one write path: `apply(tx, commands)`. Load and lock, decide in Python, write — two round trips whatever the batch.

1. *Load*: `points_load` (sql/load.sql) finds or makes the accounts, locks them in ascending id order, then reads.
2. *Decide*: command by command in the order given, pure Python. A refusal costs only its own command.
3. *Write*: one statement of data-modifying CTEs fed by arrays. Only the parts that have rows are in the statement.

A unique violation on `entry.key` means that another transaction used the key first under other accounts' locks; a serialization
failure or deadlock can happen too. The caller rolls back and tries the whole turn again (`retryable`).
"""

from __future__ import annotations

import json
from collections.abc import Sequence
from functools import cache
from importlib.resources import files
from typing import Any

from sqlalchemy.exc import DBAPIError
from sqlalchemy.ext.asyncio import AsyncConnection

from ledger.errors import Refusal
from ledger.points.commands import Burn, ClawBack, Command, Receipt, Reinstate, Reverse, Void
from ledger.points.verbs.table import decide, needs_of
from ledger.points.working import IdsUsedUp, Need, Place, Working

LOAD_FUNCTION = (files("ledger.points") / "sql" / "load.sql").read_text("utf-8")
"""The SQL that creates `points_load`; the migration runs it, a test compares it with what the database has."""

PINNED_PLANS = {
    "enable_seqscan": "off",
    "enable_hashjoin": "off",
    "enable_mergejoin": "off",
    "plan_cache_mode": "force_generic_plan",
    "jit": "off",
}
"""Server settings for every connection that calls `apply`. A plan made while a table was empty would otherwise stay a sequential
scan until the next analyze, and planning anew for each call cost half of the speed (measured: 384 → 684 single burns a second)."""

IDS_PER_COMMAND = 8
"""How many ids a command may use besides those for the lots it loads: its entry, its lot, two dues, issuers' postings."""

_LOAD = (
    "SELECT points_load($1::text[], $2::text[], $3::bigint[], $4::text[], $5::smallint[], $6::bigint[], $7::bigint[],"
    " $8::boolean[], $9::date, $10::bigint[], $11::bigint[], $12::integer)::text"
)

_RETRYABLE = frozenset({"40001", "40P01", "55P03", "23505"})


def retryable(error: BaseException) -> bool:
    """Whether rolling back and trying again may help: serialization failure, deadlock, lock timeout, or a lost race for a key."""
    return isinstance(error, DBAPIError) and getattr(error.orig, "sqlstate", None) in _RETRYABLE


async def post(tx: AsyncConnection, command: Command) -> Receipt:
    """Apply one command; its `Refusal` is raised."""
    (outcome,) = await apply(tx, [command])
    if isinstance(outcome, Refusal):
        raise outcome
    return outcome


async def apply(tx: AsyncConnection, commands: Sequence[Command]) -> list[Receipt | Refusal]:
    """Apply commands in order within the open transaction: a receipt or a refusal for each.

    Two commands of one batch see each other's effects. A command that undoes an entry needs that entry to be there before the
    batch. Nothing is committed.
    """
    if not commands:
        return []
    id_count = IDS_PER_COMMAND * len(commands)
    while True:
        ws = Working(await _load(tx, commands, id_count))
        try:
            outcomes = [_outcome(ws, command) for command in commands]
            break
        except IdsUsedUp:
            # A batch that passes many lots round and round: nothing is written yet, so it is simply decided again.
            id_count *= 8
    await _write(tx, ws)
    return outcomes


def _outcome(ws: Working, command: Command) -> Receipt | Refusal:
    try:
        return decide(ws, command)
    except Refusal as refusal:
        return refusal


async def _load(tx: AsyncConnection, commands: Sequence[Command], id_count: int) -> dict[str, Any]:
    needs: dict[Place, Need] = {}
    lots: dict[Place, int] = {}
    for command in commands:
        for need in needs_of(command):
            place = need.place
            if place in needs:
                # Needs of one account add up over the batch, saturating at ALL.
                lots[place] = (
                    max(lots[place], need.lots)
                    if min(lots[place], need.lots) <= 0
                    else min(lots[place] + need.lots, 2**63 - 1)
                )
                if need.make and not needs[place].make:
                    needs[place] = need
            else:
                needs[place], lots[place] = need, need.lots
    # Always the same order of creation, so that two batches that make accounts cannot wait for each other.
    wanted = list(needs.items())
    undone = [c.entry_id for c in commands if isinstance(c, ClawBack | Reinstate | Reverse)]
    holds = [c.hold_id for c in commands if isinstance(c, Burn | Void) and c.hold_id is not None]
    row = await tx.exec_driver_sql(
        _LOAD,
        (
            [c.key for c in commands],
            [n.owner.kind for _, n in wanted],
            [n.owner.id for _, n in wanted],
            [n.purpose for _, n in wanted],
            [n.currency for _, n in wanted],
            [n.issuer for _, n in wanted],
            [lots[place] for place, _ in wanted],
            [n.make for _, n in wanted],
            max(c.at.today for c in commands),
            undone,
            holds,
            id_count,
        ),
    )
    loaded: dict[str, Any] = json.loads(row.scalar_one())
    return loaded


_PARTS: dict[str, tuple[str, str]] = {
    "account": (
        "UPDATE account a SET balance = n.balance, version = n.version FROM unnest({}) AS n(id, balance, version)"
        " WHERE a.id = n.id",
        "bigint bigint bigint",
    ),
    "entry": (
        "INSERT INTO entry (owner_id, id, key, fingerprint, kind, owner_kind, counter_kind, counter_id, currency_id, points,"
        " issuer_id, merchant_id, undoes_id, actor, reason, facts, trace, occurred_at, posted_at, posted_on)"
        " SELECT * FROM unnest({})",
        "bigint bigint text bytea text text text bigint smallint bigint bigint bigint bigint text text jsonb jsonb"
        " timestamptz timestamptz date",
    ),
    "lot": (
        "INSERT INTO lot (id, owner_kind, owner_id, issuer_id, currency_id, entry_id, rule, available_on, expires_on, points,"
        " transferable, parent_lot_id, grace_of, graced) SELECT * FROM unnest({})",
        "bigint text bigint bigint smallint bigint text date date bigint boolean bigint bigint boolean",
    ),
    "posting": (
        "INSERT INTO posting (account_id, number, entry_id, lot_id, issuer_id, points, balance_after) SELECT * FROM unnest({})",
        "bigint bigint bigint bigint bigint bigint bigint",
    ),
    "more": (
        "INSERT INTO position (account_id, lot_id, points, due_on) SELECT * FROM unnest({})"
        " ON CONFLICT (account_id, lot_id) DO UPDATE SET points = position.points + excluded.points",
        "bigint bigint bigint date",
    ),
    "less": (
        "UPDATE position p SET points = p.points + n.change FROM unnest({}) AS n(account_id, lot_id, change)"
        " WHERE p.account_id = n.account_id AND p.lot_id = n.lot_id",
        "bigint bigint bigint",
    ),
    "gone": (
        "DELETE FROM position p USING unnest({}) AS n(account_id, lot_id)"
        " WHERE p.account_id = n.account_id AND p.lot_id = n.lot_id",
        "bigint bigint",
    ),
    "hold": (
        "INSERT INTO hold (owner_id, id, owner_kind, currency_id, points, lot_ids, lot_points, ends_at, state, resolved_by)"
        " SELECT o, i, k, c, p, l::bigint[], q::bigint[], e, s, r FROM unnest({}) AS n(o, i, k, c, p, l, q, e, s, r)",
        "bigint bigint text smallint bigint text text timestamptz text bigint",
    ),
    "resolved": (
        "UPDATE hold h SET state = n.state, resolved_by = n.resolved_by FROM unnest({}) AS n(owner_id, id, state, resolved_by)"
        " WHERE h.owner_id = n.owner_id AND h.id = n.id",
        "bigint bigint text bigint",
    ),
}


@cache
def _statement(parts: tuple[str, ...]) -> str:
    """One statement that writes these parts, each fed by arrays in the order of its columns."""
    written, number = [], 0
    for name in parts:
        sql, types = _PARTS[name]
        arrays = []
        for kind in types.split():
            number += 1
            arrays.append(f"${number}::{kind}[]")
        written.append(f"w_{name} AS ({sql.format(', '.join(arrays))})")
    return f"WITH {', '.join(written)} SELECT 1"


def _json(value: Any) -> str | None:
    return None if value is None else json.dumps(value, ensure_ascii=False, default=str)


def _rows(ws: Working) -> dict[str, list[tuple[Any, ...]]]:
    """What is to be written, by part."""
    rows: dict[str, list[tuple[Any, ...]]] = {name: [] for name in _PARTS}
    for account in ws.accounts.values():
        if not account.touched:
            continue
        rows["account"].append((account.id, account.balance, account.version))
        for lot_id, change in account.change.items():
            if change > 0:
                rows["more"].append((account.id, lot_id, change, ws.lots[lot_id].due_on(account.purpose)))
            elif change < 0 and lot_id in account.points:
                rows["less"].append((account.id, lot_id, change))
            elif change < 0:
                rows["gone"].append((account.id, lot_id))
    for e in ws.new_entries:
        c = e.command
        rows["entry"].append(
            (
                e.owner.id,
                e.id,
                e.key,
                e.fingerprint,
                e.kind,
                e.owner.kind,
                e.counter.kind if e.counter else None,
                e.counter.id if e.counter else None,
                e.currency,
                e.points,
                e.issuer_id,
                c.merchant_id if e.own else None,
                e.undoes_id,
                c.actor if e.own else "programme",
                c.reason if e.own else None,
                _json(e.facts),
                _json(c.trace) if e.own else None,
                (c.occurred_at or c.at.now) if e.own else c.at.now,
                c.at.now,
                c.at.today,
            )
        )
    for lot, entry_id, points in ws.new_lots:
        rows["lot"].append(
            (
                lot.id,
                lot.owner.kind,
                lot.owner.id,
                lot.issuer_id,
                lot.currency,
                entry_id,
                lot.rule,
                lot.available_on,
                lot.expires_on,
                points,
                lot.transferable,
                lot.parent_lot_id,
                lot.grace_of,
                lot.graced,
            )
        )
    rows["posting"] = list(ws.new_postings)
    for h in ws.new_holds:
        ids, points_ = zip(*h.parts, strict=True)
        rows["hold"].append(
            (
                h.owner.id,
                h.id,
                h.owner.kind,
                h.currency,
                h.points,
                "{" + ",".join(map(str, ids)) + "}",
                "{" + ",".join(map(str, points_)) + "}",
                h.ends_at,
                h.state,
                h.resolved_by,
            )
        )
    rows["resolved"] = [(h.owner.id, h.id, h.state, h.resolved_by) for h in ws.resolved_holds]
    return rows


async def _write(tx: AsyncConnection, ws: Working) -> None:
    if not ws.new_entries:
        return
    rows = _rows(ws)
    parts = tuple(name for name in _PARTS if rows[name])
    arrays = [list(column) for name in parts for column in zip(*rows[name], strict=True)]
    await tx.exec_driver_sql(_statement(parts), tuple(arrays))
