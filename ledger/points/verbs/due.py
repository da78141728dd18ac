"""Release and expire: what the calendar alone brings about. Every other verb settles these first on the accounts it touches, so a
verb after midnight and before the nightly run is right."""

from __future__ import annotations

import datetime as dt

from ledger.points.commands import PROGRAMME, Command, Expire, NothingDue, Owner, Receipt, Release
from ledger.points.working import Account, Lot, Need, Working


def needs_dues(owner: Owner, currency: int, *, available: int = 0, pending: int = 0) -> list[Need]:
    """The accounts that settling an owner's dues touches, with what else must be loaded of them."""
    return [
        Need(owner, "available", currency, lots=available),
        Need(owner, "pending", currency, lots=pending),
        Need(PROGRAMME, "expired", currency, lots=-1),
    ]


def needs(command: Release | Expire) -> list[Need]:
    """Only what is due."""
    return needs_dues(command.owner, command.currency)


def _due(ws: Working, account: Account, today: dt.date) -> list[Lot]:
    if not account.points:
        return []
    lots = (ws.lots[i] for i in account.points)
    due = [lot for lot in lots if (day := lot.due_on(account.purpose)) is not None and day <= today]
    return sorted(due, key=lambda lot: lot.burn_order)


def settle(ws: Working, command: Command, owner: Owner | None = None, currency: int | None = None) -> None:
    """Release, then expire, what is due on an owner's accounts (default: the command's)."""
    release_due(ws, command, owner or command.owner, currency or command.currency)
    expire_due(ws, command, owner or command.owner, currency or command.currency)


def release_due(ws: Working, command: Command, owner: Owner, currency: int) -> Receipt | None:
    """Move pending lots whose day has come to available: one entry, or None when nothing is due."""
    pending = ws.account(owner, "pending", currency)
    due = _due(ws, pending, command.at.today)
    if not due:
        return None
    return _move_due(ws, command, "release", owner, currency, pending, ws.account(owner, "available", currency), due)


def expire_due(ws: Working, command: Command, owner: Owner, currency: int) -> Receipt | None:
    """Expire available lots whose last day has passed: one entry, or None when nothing is due."""
    available = ws.account(owner, "available", currency)
    due = _due(ws, available, command.at.today)
    if not due:
        return None
    return _move_due(ws, command, "expire", owner, currency, available, ws.account(PROGRAMME, "expired", currency), due)


def _move_due(
    ws: Working, command: Command, kind: str, owner: Owner, currency: int, source: Account, to: Account, lots: list[Lot]
) -> Receipt:
    total = sum(source.points[lot.id] for lot in lots)
    entry = (
        ws.open_entry(command, total)
        if command.verb == kind
        else ws.open_due_entry(command, kind, owner, currency, total)
    )
    for lot in lots:
        points = source.points[lot.id]
        ws.move(entry, source, lot, -points)
        ws.move(entry, to, lot, points)
    return ws.close(entry)


def release(ws: Working, command: Release) -> Receipt:
    """See `Release`."""
    receipt = release_due(ws, command, command.owner, command.currency)
    if receipt is None:
        raise NothingDue
    return receipt


def expire(ws: Working, command: Expire) -> Receipt:
    """See `Expire`."""
    release_due(ws, command, command.owner, command.currency)
    receipt = expire_due(ws, command, command.owner, command.currency)
    if receipt is None:
        raise NothingDue
    return receipt
