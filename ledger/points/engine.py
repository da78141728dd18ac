"""The one write path: `apply(tx, commands)`. Load and lock, decide in Python, write — two round trips whatever the batch.

1. *Load*: `points_load` (sql/load.sql) finds or makes the accounts, locks them in ascending id order, then reads.
2. *Decide*: command by command in the order given, pure Python. A refusal costs only its own command.
3. *Write*: one statement of data-modifying CTEs fed by arrays. Only the parts that have rows are in the statement.

A unique violation on `entry.key` means that another transaction used the key first under other accounts' locks; a serialization
failure or deadlock can happen too. The caller rolls back and tries the whole turn again (`retryable`).
"""

from __future__ import annotations

from collections.abc import Sequence
from functools import cache
from importlib.resources import files
from itertools import count
from typing import Any

from sqlalchemy.exc import DBAPIError
from sqlalchemy.ext.asyncio import AsyncConnection

from ledger.errors import Refusal
from ledger.points.commands import Burn, ClawBack, Command, Give, HandOver, Receipt, Reinstate, Restore, Reverse, Void
from ledger.points.reading import array, run
from ledger.points.verbs.table import decide, needs_of
from ledger.points.working import ALL, IdsUsedUp, Need, Place, Working
from ledger.values import compact

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
    "SELECT * FROM points_load($1::text[], $2::text::text[], $3::text::bigint[], $4::text::text[], $5::text::smallint[],"
    " $6::text::bigint[], $7::text::bigint[], $8::text::boolean[], $9::date, $10::bigint[], $11::bigint[], $12::integer)"
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


async def _load(tx: AsyncConnection, commands: Sequence[Command], id_count: int) -> Sequence[Any]:
    needs: dict[Place, Need] = {}
    lots: dict[Place, int] = {}
    for command in commands:
        for need in needs_of(command):
            place = need.place
            known = needs.get(place)
            if known is None:
                needs[place], lots[place] = need, need.lots
                continue
            # Needs of one account add up over the batch, saturating at ALL.
            before = lots[place]
            if need.lots > 0 and before > 0:
                lots[place] = min(before + need.lots, ALL)
            elif need.lots > before:
                lots[place] = need.lots
            if need.make and not known.make:
                needs[place] = need
    # Always the same order of creation, so that two batches that make accounts cannot wait for each other.
    owners, purposes, currencies, issuers, _, make = zip(*needs.values(), strict=True)
    kinds, ids = zip(*owners, strict=True)
    undone = [c.entry_id for c in commands if isinstance(c, ClawBack | Reinstate | Reverse | Restore)]
    undone += [entry_id for c in commands if isinstance(c, HandOver) for entry_id in c.debts.values()]
    holds = [c.hold_id for c in commands if isinstance(c, Burn | Give | Void) and c.hold_id is not None]
    (loaded,) = await run(
        tx,
        _LOAD,
        [c.key for c in commands],
        *map(array, (kinds, ids, purposes, currencies, issuers, lots.values(), make)),
        max([c.at.today for c in commands]),
        undone,
        holds,
        id_count,
    )
    found: Sequence[Any] = loaded
    return found


_PARTS = {
    "account": "UPDATE account a SET balance = n.balance, version = n.version"
    " FROM unnest({}::bigint[], {}::bigint[], {}::bigint[]) AS n(id, balance, version) WHERE a.id = n.id",
    "entry": "INSERT INTO entry SELECT * FROM unnest({}::entry[])",
    "lot": "INSERT INTO lot SELECT * FROM unnest({}::lot[])",
    "posting": "INSERT INTO posting"
    " SELECT * FROM unnest({}::bigint[], {}::bigint[], {}::bigint[], {}::bigint[], {}::bigint[], {}::bigint[], {}::bigint[])",
    "more": "INSERT INTO position SELECT * FROM unnest({}::bigint[], {}::bigint[], {}::bigint[], {}::date[])"
    " ON CONFLICT (account_id, lot_id) DO UPDATE SET points = position.points + excluded.points",
    "less": "UPDATE position p SET points = p.points + n.change"
    " FROM unnest({}::bigint[], {}::bigint[], {}::bigint[]) AS n(account_id, lot_id, change)"
    " WHERE p.account_id = n.account_id AND p.lot_id = n.lot_id",
    "gone": "DELETE FROM position p USING unnest({}::bigint[], {}::bigint[]) AS n(account_id, lot_id)"
    " WHERE p.account_id = n.account_id AND p.lot_id = n.lot_id",
    "hold": "INSERT INTO hold SELECT * FROM unnest({}::hold[])",
    "resolved": "UPDATE hold h SET state = n.state, resolved_by = n.resolved_by"
    " FROM unnest({}::bigint[], {}::bigint[], {}::text[], {}::bigint[]) AS n(owner_id, id, state, resolved_by)"
    " WHERE h.owner_id = n.owner_id AND h.id = n.id",
}
"""What is written, by part: whole rows of a table in the order of its columns, or an array per column (`array`)."""

_WHOLE = frozenset({"entry", "lot", "hold"})


@cache
def _statement(parts: tuple[str, ...]) -> str:
    """One statement that writes these parts."""
    number = count(1)
    written = []
    for name in parts:
        sql, form = _PARTS[name], "" if name in _WHOLE else "::text"
        written.append(f"w_{name} AS ({sql.format(*(f'${next(number)}{form}' for _ in range(sql.count('{}'))))})")
    return f"WITH {', '.join(written)} SELECT 1"


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
                compact(e.facts),
                compact(c.trace) if e.own and c.trace is not None else None,
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
                ids,
                points_,
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
    values: list[Any] = []
    for name in parts:
        values += [rows[name]] if name in _WHOLE else map(array, zip(*rows[name], strict=True))
    await run(tx, _statement(parts), *values)
