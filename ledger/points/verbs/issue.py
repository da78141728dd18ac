"""Accrue, open balance, adjust: how points come into being, and how an operator corrects."""

from __future__ import annotations

from ledger.points.commands import (
    PROGRAMME,
    Accrue,
    Adjust,
    ExpiresBeforeAvailable,
    Owner,
    PointsMustBePositive,
    ReasonRequired,
    Receipt,
)
from ledger.points.verbs.due import needs_dues, settle
from ledger.points.verbs.spend import too_few
from ledger.points.working import ALL, Lot, Need, NewEntry, Working


def needs_accrue(command: Accrue) -> list[Need]:
    """The owner's accounts, the deficit if there is one, and the issuer's `issued`."""
    return [
        *needs_dues(command.owner, command.currency),
        Need(command.owner, "deficit", command.currency, command.issuer_id, lots=-1, make=False),
        Need(Owner("merchant", command.issuer_id), "issued", command.currency, lots=-1),
    ]


def accrue(ws: Working, command: Accrue) -> Receipt:
    """See `Accrue`."""
    if command.points < 0:
        raise PointsMustBePositive(command.points)
    available_on = max(command.available_on, command.at.today)
    if command.expires_on is not None and command.expires_on < available_on:
        raise ExpiresBeforeAvailable(available_on, command.expires_on)
    settle(ws, command)
    entry = ws.open_entry(command, command.points, issuer_id=command.issuer_id)
    if command.points:
        lot = ws.new_lot(
            entry.id,
            command.points,
            owner=command.owner,
            issuer_id=command.issuer_id,
            currency=command.currency,
            available_on=available_on,
            expires_on=command.expires_on,
            rule=command.rule,
            transferable=command.transferable,
            graced=False,
            parent_lot_id=None,
        )
        _issue(ws, entry, lot, command.points, "pending" if available_on > command.at.today else "available")
    return ws.close(entry)


def _issue(ws: Working, entry: NewEntry, lot: Lot, points: int, purpose: str) -> None:
    """Issue a lot: a deficit towards its issuer first, the rest to `purpose`."""
    ws.move(entry, ws.account(Owner("merchant", lot.issuer_id), "issued", lot.currency), lot, -points)
    owed = -ws.balance(entry.owner, "deficit", lot.currency, lot.issuer_id)
    filled = min(owed, points)
    if filled:
        ws.move(entry, ws.account(entry.owner, "deficit", lot.currency, lot.issuer_id), lot, filled)
        entry.facts["filled_deficit"] = filled
    if points > filled:
        ws.move(entry, ws.account(entry.owner, purpose, lot.currency), lot, points - filled)


def needs_adjust(command: Adjust) -> list[Need]:
    """Downwards, every lot may be needed: only those of the one issuer count."""
    every = ALL if command.points < 0 else 0
    return [
        *needs_dues(command.owner, command.currency, available=every, pending=every),
        Need(command.owner, "deficit", command.currency, command.issuer_id, lots=-1, make=False),
        Need(Owner("merchant", command.issuer_id), "issued", command.currency, lots=-1),
        Need(PROGRAMME, "clawed_back", command.currency, lots=-1),
    ]


def adjust(ws: Working, command: Adjust) -> Receipt:
    """See `Adjust`."""
    if not (command.reason or "").strip():
        raise ReasonRequired
    if command.points == 0:
        raise PointsMustBePositive(command.points)
    today = command.at.today
    if command.points > 0 and command.expires_on is not None and command.expires_on < today:
        raise ExpiresBeforeAvailable(today, command.expires_on)
    settle(ws, command)
    available = ws.account(command.owner, "available", command.currency)
    if command.points > 0:
        entry = ws.open_entry(command, command.points, issuer_id=command.issuer_id, net=command.points)
        lot = ws.new_lot(
            entry.id,
            command.points,
            owner=command.owner,
            issuer_id=command.issuer_id,
            currency=command.currency,
            available_on=today,
            expires_on=command.expires_on,
            rule="adjust",
            transferable=True,
            graced=False,
            parent_lot_id=None,
        )
        _issue(ws, entry, lot, command.points, "available")
        return ws.close(entry)

    def counts(lot: Lot) -> bool:
        return lot.issuer_id == command.issuer_id

    lots = [lot for lot in ws.burnable(available) if counts(lot)]
    held = sum(available.points[lot.id] for lot in lots)
    lacking = -command.points
    if held < lacking:
        raise too_few(ws, available, lacking, held, counts)
    entry = ws.open_entry(command, lacking, issuer_id=command.issuer_id, net=command.points)
    for lot in lots:
        if taken := min(lacking, available.points[lot.id]):
            ws.move(entry, available, lot, -taken)
            ws.move(entry, ws.account(PROGRAMME, "clawed_back", command.currency), lot, taken)
            lacking -= taken
    return ws.close(entry)
