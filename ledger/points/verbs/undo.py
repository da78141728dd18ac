"""Claw back, reinstate, reverse, restore: how what happened is taken back by a new entry that names the old one."""

from __future__ import annotations

import datetime as dt

from ledger.points.commands import (
    PROGRAMME,
    ClawBack,
    Command,
    ExpiresBeforeAvailable,
    Leg,
    MoreThanEntry,
    NoSuchEntry,
    NotThatKind,
    Owner,
    PointsMovedOn,
    PointsMustBePositive,
    Receipt,
    Reinstate,
    Restore,
    Reverse,
)
from ledger.points.verbs.due import needs_dues, settle
from ledger.points.verbs.spend import give_back
from ledger.points.working import ALL, LOTTED, Account, Lot, Need, PastEntry, Working

ISSUED_BY = frozenset({"accrue", "open_balance"})
REVERSIBLE = ISSUED_BY | {"adjust", "transfer", "exchange", "expire"}


def _past(ws: Working, command: Command, entry_id: int, kinds: frozenset[str], of: Owner | None = None) -> PastEntry:
    past = ws.past.get(entry_id)
    if past is None or past.owner != (of or command.owner) or past.currency != command.currency:
        raise NoSuchEntry(entry_id)
    if past.kind not in kinds:
        raise NotThatKind(entry_id, past.kind)
    return past


def needs_claw_back(command: ClawBack) -> list[Need]:
    """Everything the owner has, and what they may come to owe the issuer."""
    return [
        *needs_dues(command.owner, command.currency, available=ALL, pending=ALL),
        Need(command.owner, "deficit", command.currency, command.issuer_id, lots=-1),
        Need(PROGRAMME, "clawed_back", command.currency, lots=-1),
        *([Need(command.of, "available", command.currency, lots=-1, make=False)] if command.of is not None else []),
        *(needs_dues(command.pool, command.currency, available=ALL) if command.pool is not None else []),
    ]


def claw_back(ws: Working, command: ClawBack) -> Receipt:
    """See `ClawBack`. Holds are left alone: what is set aside still settles."""
    if command.points <= 0:
        raise PointsMustBePositive(command.points)
    past = _past(ws, command, command.entry_id, ISSUED_BY, command.of)
    if past.issuer_id != command.issuer_id:
        raise NoSuchEntry(command.entry_id)
    if command.points > past.points - past.undone:
        raise MoreThanEntry(past.id, command.points, past.points - past.undone)
    settle(ws, command)
    pooled, pooled_before = None, 0
    if command.pool is not None:
        settle(ws, command, command.pool)
        pooled = ws.account(command.pool, "available", command.currency)
        pooled_before = pooled.balance
    pending = ws.account(command.owner, "pending", command.currency)
    available = ws.account(command.owner, "available", command.currency)
    expired = ws.account(PROGRAMME, "expired", command.currency)
    clawed = ws.account(PROGRAMME, "clawed_back", command.currency)
    entry = ws.open_entry(command, command.points, issuer_id=command.issuer_id, undoes_id=past.id)
    lacking = command.points
    own = _own_lots(ws, past, command)
    if command.of is not None:
        entry.facts["handed_over"] = True

    def drain(account_lots: list[Lot], account: Account) -> None:
        nonlocal lacking
        for lot in account_lots:
            if taken := min(lacking, account.points.get(lot.id, 0)):
                ws.move(entry, account, lot, -taken)
                ws.move(entry, clawed, lot, taken)
                lacking -= taken

    for lot_id in own:
        drain([ws.lots[lot_id]], pending)
        drain([ws.lots[lot_id]], available)
        if pooled is not None:
            drain([ws.lots[lot_id]], pooled)
    for lot_id in own:
        # What has expired is reclassified: it was lost to the owner once and is not taken a second time.
        if taken := min(lacking, ws.expired.get(lot_id, 0)):
            ws.move(entry, expired, ws.lots[lot_id], -taken)
            ws.move(entry, clawed, ws.lots[lot_id], taken)
            entry.facts["from_expired"] = entry.facts.get("from_expired", 0) + taken
            lacking -= taken
    drain([lot for lot in ws.burnable(available) if lot.issuer_id == command.issuer_id], available)
    drain([lot for lot in ws.burnable(pending) if lot.issuer_id == command.issuer_id], pending)
    if pooled is not None:
        mine = [lot for lot in ws.burnable(pooled) if (lot.owner, lot.issuer_id) == (command.owner, command.issuer_id)]
        drain(mine, pooled)
        if taken := pooled_before - pooled.balance:
            entry.counter, entry.facts["from_pool"] = pooled.owner, taken
    if lacking:
        owing = ws.account(command.owner, "deficit", command.currency, command.issuer_id)
        lot = ws.lots[own[0]]
        ws.move(entry, owing, lot, -lacking)
        ws.move(entry, clawed, lot, lacking)
        entry.facts["deficit"] = lacking
    return ws.close(entry)


def _own_lots(ws: Working, past: PastEntry, command: ClawBack) -> list[int]:
    """The lots that are still what an accrual gave: its own, those that they became when they were handed over, late returns."""
    given = {leg.lot_id for leg in past.legs}
    if command.of is not None:
        given |= {i for i in _handed_over(ws, past, command) if ws.lots[i].parent_lot_id in given}
    return sorted(given) + sorted(lot.id for lot in ws.lots.values() if lot.grace_of in given)


def _handed_over(ws: Working, past: PastEntry, command: ClawBack) -> set[int]:
    """The owner's lots that may continue those of an entry: what it names, what they hold, what this batch handed over to them.
    What else happens to be loaded for another command of the batch does not count."""
    found = {*past.lots}
    for purpose in ("available", "pending"):
        found |= {*ws.account(command.owner, purpose, command.currency).points}
    over = {entry.id for entry in ws.new_entries if entry.kind == "hand_over"}
    found |= {lot.id for lot, entry_id, _ in ws.new_lots if entry_id in over}
    return {i for i in found if ws.lots[i].owner == command.owner}


def needs_reinstate(command: Reinstate) -> list[Need]:
    """Where the points return to; the burn's own accounts are loaded with the entry."""
    return needs_dues(command.owner, command.currency)


def reinstate(ws: Working, command: Reinstate) -> Receipt:
    """See `Reinstate`. Part returns undo the burn from its last lot backwards: the latest-expiring points come back first."""
    if command.points is not None and command.points <= 0:
        raise PointsMustBePositive(command.points)
    past = _past(ws, command, command.entry_id, frozenset({"burn"}))
    left = past.points - past.undone
    wanted = left if command.points is None else command.points
    if wanted > left or left == 0:
        raise MoreThanEntry(past.id, wanted, left)
    settle(ws, command)
    spent = [leg for leg in past.legs if leg.purpose == "burned"]
    burned = ws.account(spent[0].owner, "burned", command.currency)
    entry = ws.open_entry(command, wanted, undoes_id=past.id)
    # Earlier part returns took from the same end: skip what they took.
    skip, lacking = past.undone, wanted
    order = sorted(((ws.lots[leg.lot_id], leg.points) for leg in spent), key=lambda p: p[0].burn_order, reverse=True)
    for lot, points in order:
        gone = min(skip, points)
        skip -= gone
        if taken := min(lacking, points - gone):
            give_back(ws, entry, burned, lot, taken, grace_days=command.grace_days)
            lacking -= taken
    return ws.close(entry)


def needs_reverse(command: Reverse) -> list[Need]:
    """The owner's accounts; whatever else the entry touched is loaded with it."""
    return needs_dues(command.owner, command.currency, available=ALL, pending=ALL)


def reverse(ws: Working, command: Reverse) -> Receipt:
    """See `Reverse`."""
    today = command.at.today
    if command.expires_on is not None and command.expires_on < today:
        raise ExpiresBeforeAvailable(today, command.expires_on)
    past = _past(ws, command, command.entry_id, REVERSIBLE)
    if past.reversed or past.undone:
        raise MoreThanEntry(past.id, past.points, 0)
    settle(ws, command)
    gains = [leg for leg in past.legs if leg.purpose in LOTTED and leg.points > 0]
    places = {leg.lot_id: (leg.owner, leg.purpose) for leg in gains}
    for lot_id, (owner, purpose) in places.items():
        # A pending lot may have been released since: it is followed there.
        if purpose == "pending" and lot_id not in ws.account(owner, "pending", command.currency).points:
            places[lot_id] = (owner, "available")

    def there(leg: Leg) -> int:
        if leg.purpose == "expired":
            return ws.expired[leg.lot_id]
        where = ws.account(*places[leg.lot_id], leg.currency)
        due = ws.lots[leg.lot_id].due_on(where.purpose)
        # Another owner's dues are not settled here, and what has run out there does not come back.
        return 0 if due is not None and due <= today else where.points.get(leg.lot_id, 0)

    lost = [leg for leg in past.legs if leg.purpose == "expired"] if past.kind == "expire" else []
    missing = sum(max(0, leg.points - there(leg)) for leg in [*gains, *lost])
    filled = sum(leg.points for leg in past.legs if leg.purpose == "deficit")
    if missing or filled:
        raise PointsMovedOn(past.id, missing + filled)
    back = sum(
        leg.points
        for leg in past.legs
        if leg.owner == past.owner and leg.purpose in LOTTED and leg.currency == past.currency
    )
    entry = ws.open_entry(
        command,
        past.points,
        issuer_id=past.issuer_id,
        counter=past.counter,
        undoes_id=past.id,
        net=-back,
        reversed_kind=past.kind,
    )
    home = ws.account(past.owner, "available", past.currency)
    for leg in gains:
        where, lot = ws.account(*places[leg.lot_id], leg.currency), ws.lots[leg.lot_id]
        ws.move(entry, where, lot, -leg.points)
        if past.kind == "transfer":
            # What was given comes back as it is now: a lot that continues the receiver's, or the pooled lot itself.
            pooled = leg.owner.kind == "pool" or past.owner.kind == "pool"
            ends = lot.expires_on
            kept = lot if pooled else ws.child_lot(entry, lot, leg.points, owner=past.owner, expires_on=ends)
            ws.move(entry, home, kept, leg.points)
    for leg in past.legs:
        source, lot = ws.account(leg.owner, leg.purpose, leg.currency), ws.lots[leg.lot_id]
        if leg.purpose == "issued":
            ws.move(entry, source, lot, -leg.points)
        elif past.kind == "expire" and leg.purpose == "expired":
            ws.move(entry, source, lot, -leg.points)
            until = command.expires_on or today + dt.timedelta(days=command.grace_days)
            late = ws.child_lot(entry, lot, leg.points, owner=lot.owner, expires_on=until)
            ws.move(entry, home, late, leg.points)
        elif leg.purpose in ("burned", "clawed_back"):
            give_back(ws, entry, source, lot, leg.points, grace_days=command.grace_days)
    return ws.close(entry)


def needs_restore(command: Restore) -> list[Need]:
    """Where the points return to; the expiry's own accounts are loaded with the entry."""
    needs = needs_dues(command.owner, command.currency)
    if command.of is not None:
        needs.append(Need(command.of, "available", command.currency, lots=-1, make=False))
    return needs


def restore(ws: Working, command: Restore) -> Receipt:
    """See `Restore`. A lot that expired in two parts gives no entry more than that entry took."""
    today = command.at.today
    if command.expires_on < today:
        raise ExpiresBeforeAvailable(today, command.expires_on)
    past = _past(ws, command, command.entry_id, frozenset({"expire"}), command.of)
    settle(ws, command)
    asked, parts, left = 0, [], past.points - past.undone
    for leg in past.legs:
        lot = ws.lots[leg.lot_id]
        if leg.purpose != "expired" or command.issuer_id not in (None, lot.issuer_id):
            continue
        if command.last_day not in (None, lot.expires_on):
            continue
        asked += leg.points
        if some := min(leg.points, ws.expired[lot.id], left):
            parts.append((leg, lot, some))
            left -= some
    back = sum(some for _, _, some in parts)
    if not back:
        raise MoreThanEntry(past.id, asked, 0)
    entry = ws.open_entry(command, back, issuer_id=command.issuer_id, undoes_id=past.id)
    if command.of is not None:
        entry.facts["handed_over"] = True
    home = ws.account(command.owner, "available", command.currency)
    for leg, lot, some in parts:
        owner = command.owner if lot.owner == command.of else lot.owner
        late = ws.child_lot(entry, lot, some, owner=owner, expires_on=command.expires_on)
        ws.move(entry, ws.account(leg.owner, leg.purpose, leg.currency), lot, -some)
        ws.move(entry, home, late, some)
    return ws.close(entry)
