"""Hold, burn, give, void: how points are set aside, spent, given away and given back."""

from __future__ import annotations

import datetime as dt
from collections.abc import Callable
from itertools import groupby

from ledger.apportion import split
from ledger.points.commands import (
    PROGRAMME,
    Burn,
    Give,
    Hold,
    HoldResolved,
    NoSuchHold,
    NotEnoughPoints,
    Owner,
    OwnersMustDiffer,
    PointsMustBePositive,
    Receipt,
    Void,
)
from ledger.points.verbs.due import needs_dues, settle
from ledger.points.working import ALL, Account, HeldSet, Lot, Need, NewEntry, Working


def take(ws: Working, account: Account, points: int, may: Callable[[Lot], bool] | None = None) -> list[tuple[Lot, int]]:
    """The lots, in burn order, that make up `points`; or `NotEnoughPoints` with when more will be there.

    Of a pool's lots that end on one day each owner gives their part: pro rata of what they have of them there, to the last point.
    `may`: which lots may be taken.
    """
    if may is not None:
        lots = [lot for lot in ws.burnable(account) if may(lot)]
        there = sum(account.points[lot.id] for lot in lots)
        if there < points:
            raise too_few(ws, account, points, there, may)
        parts, lacking = [], points
        for lot in lots:
            if taken := min(lacking, account.points[lot.id]):
                parts.append((lot, taken))
                lacking -= taken
        return parts
    if account.owner.kind == "pool" and 0 < points <= account.balance:
        return _fairly(ws, account, points)
    parts, lacking = [], points
    for lot in ws.burnable(account):
        if not lacking:
            break
        taken = min(lacking, account.points[lot.id])
        parts.append((lot, taken))
        lacking -= taken
    if lacking:
        raise too_few(ws, account, points, account.balance)
    return parts


def _fairly(ws: Working, account: Account, points: int) -> list[tuple[Lot, int]]:
    parts: list[tuple[Lot, int]] = []
    lacking = points
    for _, ending in groupby(ws.burnable(account), key=lambda lot: lot.expires_on):
        lots = list(ending)
        there: dict[Owner, int] = {}
        for lot in sorted(lots, key=lambda lot: lot.owner):
            there[lot.owner] = there.get(lot.owner, 0) + account.points[lot.id]
        of_day = min(lacking, sum(there.values()))
        gives = dict(zip(there, split(of_day, list(there.values())), strict=True))
        for lot in lots:
            if taken := min(gives[lot.owner], account.points[lot.id]):
                parts.append((lot, taken))
                gives[lot.owner] -= taken
        lacking -= of_day
        if not lacking:
            break
    return parts


def too_few(
    ws: Working, account: Account, needed: int, available: int, counts: Callable[[Lot], bool] = lambda lot: True
) -> NotEnoughPoints:
    """The refusal, with what of the owner's pending points counts and when the first of them will be there."""
    pending = ws.account(account.owner, "pending", account.currency)
    waiting = [lot for lot in ws.burnable(pending) if counts(lot)]
    return NotEnoughPoints(
        needed=needed,
        available=available,
        pending=sum(pending.points[lot.id] for lot in waiting),
        next_release_on=min((lot.available_on for lot in waiting), default=None),
    )


def needs_hold(command: Hold) -> list[Need]:
    """Enough lots to set aside; pending ones tell a refusal when more will be there."""
    return [
        *needs_dues(
            command.owner, command.currency, available=ALL if command.movable else max(command.points, 0), pending=ALL
        ),
        Need(command.owner, "held", command.currency),
    ]


def hold(ws: Working, command: Hold) -> Receipt:
    """See `Hold`."""
    if command.points <= 0:
        raise PointsMustBePositive(command.points)
    settle(ws, command)
    available = ws.account(command.owner, "available", command.currency)
    held = ws.account(command.owner, "held", command.currency)
    parts = take(ws, available, command.points, (lambda lot: lot.transferable) if command.movable else None)
    entry = ws.open_entry(command, command.points)
    for lot, points in parts:
        ws.move(entry, available, lot, -points)
        ws.move(entry, held, lot, points)
    made = HeldSet(
        entry.id,
        command.owner,
        command.currency,
        command.points,
        [(lot.id, points) for lot, points in parts],
        "open",
        command.ends_at,
    )
    ws.holds[entry.id] = made
    ws.new_holds.append(made)
    return ws.close(entry)


def _open_hold(ws: Working, owner: Owner, currency: int, hold_id: int) -> HeldSet:
    found = ws.holds.get(hold_id)
    if found is None or found.owner != owner or found.currency != currency:
        raise NoSuchHold(hold_id)
    if found.state != "open":
        raise HoldResolved(hold_id, found.state)
    return found


def _resolve(ws: Working, found: HeldSet, state: str, entry: NewEntry) -> None:
    found.state, found.resolved_by = state, entry.id
    if found not in ws.new_holds:
        ws.resolved_holds.append(found)


def needs_burn(command: Burn) -> list[Need]:
    """Of a hold all that is held; else enough of what is available."""
    where = Owner("merchant", command.merchant_id or 0)
    if command.hold_id is not None:
        lots = [*needs_dues(command.owner, command.currency), Need(command.owner, "held", command.currency, lots=ALL)]
    else:
        lots = needs_dues(command.owner, command.currency, available=max(command.points, 0), pending=ALL)
    return [*lots, Need(where, "burned", command.currency, lots=-1)]


def burn(ws: Working, command: Burn) -> Receipt:
    """See `Burn`. A hold placed before its lots expired settles all the same."""
    if command.hold_id is None and command.points <= 0:
        raise PointsMustBePositive(command.points)
    burned = ws.account(Owner("merchant", command.merchant_id or 0), "burned", command.currency)
    if command.hold_id is None:
        settle(ws, command)
        source = ws.account(command.owner, "available", command.currency)
        parts = take(ws, source, command.points)
        entry = ws.open_entry(command, command.points)
    else:
        found = _open_hold(ws, command.owner, command.currency, command.hold_id)
        settle(ws, command)
        source = ws.account(command.owner, "held", command.currency)
        parts = [(ws.lots[lot_id], points) for lot_id, points in found.parts]
        entry = ws.open_entry(command, found.points, hold_id=found.id)
        _resolve(ws, found, "burned", entry)
    for lot, points in parts:
        ws.move(entry, source, lot, -points)
        ws.move(entry, burned, lot, points)
    return ws.close(entry)


def needs_give(command: Give) -> list[Need]:
    """All that is held, and its place on the other side."""
    return [
        *needs_dues(command.owner, command.currency),
        Need(command.owner, "held", command.currency, lots=ALL),
        *needs_dues(command.to, command.currency),
    ]


def give(ws: Working, command: Give) -> Receipt:
    """See `Give`. Its size is what was held; what of it had run out is in its facts."""
    if command.to == command.owner:
        raise OwnersMustDiffer
    found = _open_hold(ws, command.owner, command.currency, command.hold_id)
    settle(ws, command)
    settle(ws, command, command.to)
    held = ws.account(command.owner, "held", command.currency)
    target = ws.account(command.to, "available", command.currency)
    entry = ws.open_entry(command, found.points, counter=command.to, hold_id=found.id)
    _resolve(ws, found, "given", entry)
    for lot_id, points in found.parts:
        lot = ws.lots[lot_id]
        ws.move(entry, held, lot, -points)
        if lot.expires_on is not None and lot.expires_on < command.at.today:
            ws.move(entry, ws.account(PROGRAMME, "expired", command.currency), lot, points)
            entry.facts["run_out"] = entry.facts.get("run_out", 0) + points
            continue
        child = ws.child_lot(entry, lot, points, owner=command.to, expires_on=lot.expires_on)
        ws.move(entry, target, child, points)
    return ws.close(entry)


def needs_void(command: Void) -> list[Need]:
    """All that is held, and where it returns to."""
    return [*needs_dues(command.owner, command.currency), Need(command.owner, "held", command.currency, lots=ALL)]


def void(ws: Working, command: Void) -> Receipt:
    """See `Void`."""
    found = _open_hold(ws, command.owner, command.currency, command.hold_id)
    settle(ws, command)
    held = ws.account(command.owner, "held", command.currency)
    entry = ws.open_entry(command, found.points, hold_id=found.id)
    _resolve(ws, found, "voided", entry)
    for lot_id, points in found.parts:
        give_back(ws, entry, held, ws.lots[lot_id], points, grace_days=command.grace_days)
    return ws.close(entry)


def give_back(ws: Working, entry: NewEntry, source: Account, lot: Lot, points: int, *, grace_days: int) -> None:
    """Return points of a lot from `source` to its owner's available account.

    A lot that is still good takes them back. One that has expired returns as a grace lot of `grace_days`, counted once: later
    returns of the same lot end on the same day, and past that day — or where the lot is itself a late return — the points
    expire at once, so that no chain of burns and returns keeps points alive.
    """
    today = entry.command.at.today
    available = ws.account(entry.owner, "available", entry.currency)
    ws.move(entry, source, lot, -points)
    if lot.expires_on is None or lot.expires_on >= today:
        ws.move(entry, available, lot, points)
        return
    until = ws.grace.setdefault(lot.id, today + dt.timedelta(days=grace_days))
    if lot.graced or until < today:
        ws.move(entry, ws.account(PROGRAMME, "expired", entry.currency), lot, points)
        entry.facts["expired_on_return"] = entry.facts.get("expired_on_return", 0) + points
        return
    late = ws.child_lot(entry, lot, points, owner=lot.owner, expires_on=until, graced=True, grace_of=lot.id)
    ws.move(entry, available, late, points)
    entry.facts["grace_points"] = entry.facts.get("grace_points", 0) + points
    entry.facts["grace_until"] = until.isoformat()
