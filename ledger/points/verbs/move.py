"""Transfer, hand over, exchange: points change hands or currency and keep what they are — issuer, expiry, whether they may move."""

from __future__ import annotations

from ledger.points.commands import (
    Exchange,
    ExpiresBeforeAvailable,
    HandOver,
    NoSuchEntry,
    NothingDue,
    Owner,
    OwnersMustDiffer,
    PointsHeld,
    PointsMustBePositive,
    Receipt,
    Transfer,
)
from ledger.points.verbs.due import needs_dues, settle
from ledger.points.verbs.spend import take, too_few
from ledger.points.working import ALL, Lot, Need, Working


def needs_transfer(command: Transfer) -> list[Need]:
    """All of the giver's lots: which of them may move is known only when they are loaded."""
    return [
        *needs_dues(command.owner, command.currency, available=ALL, pending=ALL),
        *needs_dues(command.to, command.currency),
    ]


def transfer(ws: Working, command: Transfer) -> Receipt:
    """See `Transfer`. Into a pool a lot moves as it is; out of it only to the member who owns it. A merchant gives out what it
    has funded itself, whatever its terms say of gifts between members."""
    if command.points is not None and command.points <= 0:
        raise PointsMustBePositive(command.points)
    if command.to == command.owner:
        raise OwnersMustDiffer
    settle(ws, command)
    settle(ws, command, command.to)
    source = ws.account(command.owner, "available", command.currency)
    target = ws.account(command.to, "available", command.currency)
    pooled = "pool" in (command.owner.kind, command.to.kind)

    def may_move(lot: Lot) -> bool:
        if command.to.kind == "pool" or command.owner.kind == "merchant":
            return True
        return lot.owner == command.to if command.owner.kind == "pool" else lot.transferable

    lots = [lot for lot in ws.burnable(source) if may_move(lot)]
    movable = sum(source.points[lot.id] for lot in lots)
    wanted = movable if command.points is None else command.points
    if not wanted:
        raise NothingDue
    if movable < wanted:
        raise too_few(ws, source, wanted, movable, may_move)
    entry = ws.open_entry(command, wanted, counter=command.to)
    lacking = wanted
    for lot in lots:
        if taken := min(lacking, source.points[lot.id]):
            kept = lot if pooled else ws.child_lot(entry, lot, taken, owner=command.to, expires_on=lot.expires_on)
            ws.move(entry, source, lot, -taken)
            ws.move(entry, target, kept, taken)
            lacking -= taken
    return ws.close(entry)


def needs_hand_over(command: HandOver) -> list[Need]:
    """Everything on one side, its place on the other."""
    return [
        *needs_dues(command.owner, command.currency, available=ALL, pending=ALL),
        *needs_dues(command.to, command.currency),
        Need(command.owner, "held", command.currency, lots=-1, make=False),
        *(
            Need(whose, "deficit", command.currency, issuer, lots=-1)
            for issuer in command.debts
            for whose in (command.owner, command.to)
        ),
    ]


def hand_over(ws: Working, command: HandOver) -> Receipt:
    """See `HandOver`. Its size is what was given; what was owed is in its facts."""
    if command.to == command.owner:
        raise OwnersMustDiffer
    named_by = {issuer: _debt_of(ws, command, issuer, entry_id) for issuer, entry_id in command.debts.items()}
    if command.lots is None and (held := ws.balance(command.owner, "held", command.currency)):
        raise PointsHeld(held)
    settle(ws, command)
    settle(ws, command, command.to)
    debts = {issuer: ws.account(command.owner, "deficit", command.currency, issuer) for issuer in sorted(command.debts)}
    owing = {issuer: min(-debt.balance, command.owing.get(issuer, -debt.balance)) for issuer, debt in debts.items()}
    moves = [
        (source, ws.account(command.to, purpose, command.currency), lot, source.points[lot.id])
        for purpose in ("available", "pending")
        for source in [ws.account(command.owner, purpose, command.currency)]
        for lot in ws.burnable(source)
        if command.lots is None or lot.id in command.lots
    ]
    given = sum(points for *_, points in moves)
    if command.lots is not None and not given and not any(owing.values()):
        raise NothingDue
    entry = ws.open_entry(command, given, counter=command.to)
    for source, target, lot, points in moves:
        kept = ws.child_lot(
            entry, lot, points, owner=command.to, expires_on=lot.expires_on, available_on=lot.available_on
        )
        ws.move(entry, source, lot, -points)
        ws.move(entry, target, kept, points)
    owed = 0
    for issuer, points in owing.items():
        if not points:
            continue
        debt, lot = debts[issuer], named_by[issuer]
        ws.move(entry, debt, lot, points)
        ws.move(entry, ws.account(command.to, "deficit", command.currency, issuer), lot, -points)
        owed += points
    entry.facts |= {"net": owed - given} | ({"deficit": owed} if owed else {})
    return ws.close(entry)


def _debt_of(ws: Working, command: HandOver, issuer: int, entry_id: int) -> Lot:
    """The lot that a debt of the owner is named by, in the entry that left it; `NoSuchEntry` where that left none."""
    past = ws.past.get(entry_id)
    if past is not None and past.currency == command.currency:
        for leg in past.legs:
            if (leg.owner, leg.purpose, leg.issuer_id) == (command.owner, "deficit", issuer) and leg.points < 0:
                return ws.lots[leg.lot_id]
    raise NoSuchEntry(entry_id)


def needs_exchange(command: Exchange) -> list[Need]:
    """Both currencies; every issuer whose lots are taken re-issues in the new one."""
    return [
        *needs_dues(command.owner, command.currency, available=max(command.points, 0), pending=ALL),
        *needs_dues(command.owner, command.to_currency),
        Need(EXCHANGED, "burned", command.currency, lots=-1),
        Need(EXCHANGED, "issued", command.to_currency, lots=-1),
    ]


EXCHANGED = Owner("programme", 0)
"""Exchange burns one currency and issues the other on the programme's accounts; postings name the issuer whose promise it is."""


def exchange(ws: Working, command: Exchange) -> Receipt:
    """See `Exchange`. Refused as `PointsMustBePositive` where so few points are worth nothing in the other currency."""
    value, to_value = command.value, command.to_value

    def worth(points: int) -> int:
        return points * value.minor * to_value.points // (value.points * to_value.minor)

    # Without a rate between the two — another money, or a currency worth nothing — no number of points gives any.
    rated = value.money == to_value.money and to_value.minor > 0
    if command.points <= 0 or not rated or worth(command.points) == 0:
        raise PointsMustBePositive(command.points if rated else 0)
    if command.currency == command.to_currency:
        raise OwnersMustDiffer
    if command.expires_on is not None and command.expires_on < command.at.today:
        raise ExpiresBeforeAvailable(command.at.today, command.expires_on)
    settle(ws, command)
    settle(ws, command, currency=command.to_currency)
    source = ws.account(command.owner, "available", command.currency)
    target = ws.account(command.owner, "available", command.to_currency)
    burned = ws.account(EXCHANGED, "burned", command.currency)
    issued = ws.account(EXCHANGED, "issued", command.to_currency)
    parts = take(ws, source, command.points)
    entry = ws.open_entry(
        command, command.points, to_currency=command.to_currency, received=worth(command.points), net=-command.points
    )
    so_far = 0
    for lot, points in parts:
        ws.move(entry, source, lot, -points)
        ws.move(entry, burned, lot, points)
        # Each lot gets what rounding down the running total leaves to it, so the parts add up to the whole.
        got, so_far = worth(so_far + points) - worth(so_far), so_far + points
        if not got:
            continue
        ends = [day for day in (lot.expires_on, command.expires_on) if day is not None]
        new = ws.child_lot(
            entry,
            lot,
            got,
            owner=lot.owner,
            expires_on=min(ends) if ends else None,
            currency=command.to_currency,
        )
        ws.move(entry, issued, new, -got)
        ws.move(entry, target, new, got)
    return ws.close(entry)
