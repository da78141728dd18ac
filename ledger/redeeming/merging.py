"""A person's two accounts joined into one by the operator, and parted again (O4).

Everything that one account has goes over to the other: points lot by lot with issuer and days, pending and owed ones too;
vouchers with their codes, bookings and claims; whom it invited; the higher tier until its day; what it was looking out for. A
place in a family is given up first, so that what is in the pool comes home. What is still to come for the empty account — a
refund, a gift that returns, a late purchase — goes on by itself (`succession`, and `pass_on` for what arrives by other ways).

Until `undo_until` it can be parted again: what went over goes back as far as it is still there. What was spent since, or lies in
a hold or a pool, stays where it is.
"""

from __future__ import annotations

import datetime as dt
import json
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any, Literal

from sqlalchemy import Row, text
from sqlalchemy.ext.asyncio import AsyncConnection

from ledger.errors import Refusal
from ledger.members import families, leaving, reference, standings, succession, tiers
from ledger.members.leaving import Departed
from ledger.members.succession import AccountInMotion
from ledger.members.vault import Vault
from ledger.points import statements
from ledger.points.commands import HandOver, Moment, NothingDue, Receipt, member
from ledger.points.engine import apply
from ledger.points.statements import Holding
from ledger.programme import Programme

REASON_LONGEST = 200

_PROGRAMME = -1
"""Whose reference of a member the account's number is: the desk's, so that no merchant can compare it with its own."""

Obstacle = Literal["gone", "operator", "staff", "company", "held", "has_merged", "own"]
"""Why an account can't be one of the two: it is not in use or has no Telegram; it works for the programme, a merchant, a company;
points of it are on hold; another was merged into it and can still be parted; it is the operator's own."""


@dataclass(frozen=True, slots=True)
class Side:
    """One of the two accounts, as the desk sees it."""

    member_id: int
    joined_on: dt.date | None
    tier: str | None
    holdings: tuple[Holding, ...]
    vouchers: int
    family: bool
    obstacles: tuple[Obstacle, ...]


@dataclass(frozen=True, slots=True)
class Merge:
    """Account `from_id`, merged into `into_id`. `objected_by`: which of the two said that it is wrong."""

    id: int
    from_id: int
    into_id: int
    reason: str
    made_on: dt.date
    undo_until: dt.date
    objected_by: int | None
    undone: bool


@dataclass(frozen=True, slots=True)
class Moved:
    """What a merge, or its undoing, moved: one receipt per currency, so many vouchers."""

    merge: Merge
    receipts: tuple[Receipt, ...]
    vouchers: int
    departed: Departed | None = None


@dataclass(eq=False)
class NoSuchNumber(Refusal):
    """Nobody's account has this number."""

    said: str


@dataclass(eq=False)
class SameAccount(Refusal):
    """Both numbers are of one account."""


@dataclass(eq=False)
class CannotMerge(Refusal):
    """What is in the way of this account, first of all."""

    member_id: int
    obstacle: Obstacle


@dataclass(eq=False)
class MergeReasonNeeded(Refusal):
    """A reason has 1 to `longest` characters."""

    longest: int


@dataclass(eq=False)
class NoSuchMerge(Refusal):
    """There is none of this number, or it is nobody's who asks."""


@dataclass(eq=False)
class MergeUndone(Refusal):
    """The two have been parted already."""


@dataclass(eq=False)
class MergeFinal(Refusal):
    """The two could be parted until `until`, which is past."""

    until: dt.date


_FIELDS = (
    "SELECT id, from_id, into_id, reason, made_by, made_at, undo_until, objected_by, undone_at, moved,"
    " (made_at AT TIME ZONE :zone)::date AS made_on FROM account_merge"
)
_ONE = text(f"{_FIELDS} WHERE id = :id")
_LOCKED = text(f"{_FIELDS} WHERE id = :id FOR UPDATE")
_OF = text(f"{_FIELDS} WHERE from_id = :member AND undone_at IS NULL")
_SAID = text(f"{_FIELDS} WHERE made_by = :by AND nonce = :nonce")
_OPEN = text(
    f"{_FIELDS} WHERE undone_at IS NULL AND undo_until >= :today ORDER BY objected_by IS NULL, id DESC LIMIT :limit OFFSET :offset"
)
_OPEN_COUNT = text("SELECT count(*) FROM account_merge WHERE undone_at IS NULL AND undo_until >= :today")
_OBJECTED = text(
    "SELECT count(*) FROM account_merge WHERE objected_by IS NOT NULL AND undone_at IS NULL AND undo_until >= :today"
)
_LOCK = text("SELECT id FROM member WHERE id IN (:from_, :into) ORDER BY id FOR NO KEY UPDATE")
_SIDE = text(
    """
    SELECT m.joined_on, m.tier, m.status = 'active' AND m.kind = 'person' AND p.member_id IS NOT NULL AS active,
           EXISTS (SELECT FROM operator WHERE member_id = m.id AND removed_at IS NULL) AS operator,
           EXISTS (SELECT FROM staff WHERE member_id = m.id AND removed_at IS NULL) AS staff,
           EXISTS (SELECT FROM company_person WHERE member_id = m.id AND removed_at IS NULL) AS company,
           EXISTS (SELECT FROM account_merge WHERE into_id = m.id AND undone_at IS NULL AND undo_until >= :today) AS has_merged,
           EXISTS (SELECT FROM family_place WHERE member_id = m.id AND left_at IS NULL) AS family,
           EXISTS (SELECT FROM booking WHERE member_id = m.id AND state = 'held') AS choosing,
           (SELECT count(*) FROM redemption WHERE member_id = m.id AND state = 'issued' AND valid_until >= :today) AS vouchers
      FROM member m LEFT JOIN person p ON p.member_id = m.id WHERE m.id = :id
    """
)
_MADE = text(
    "INSERT INTO account_merge (from_id, into_id, nonce, reason, made_by, made_at, undo_until, moved)"
    " VALUES (:from_, :into, :nonce, :reason, :by, :now, :until, '{}') RETURNING id"
)
_MOVED = text("UPDATE account_merge SET moved = CAST(:moved AS jsonb) WHERE id = :id")
_STATUS = text("UPDATE member SET status = :status WHERE id = :id")
_OBJECT = text("UPDATE account_merge SET objected_by = :member WHERE id = :id AND objected_by IS NULL")
_UNDONE = text("UPDATE account_merge SET undone_at = :now, undone_by = :by WHERE id = :id")
_KEYS = text("SELECT member_id, key FROM person WHERE member_id IN (:from_, :into)")
_VOUCHERS = text(
    "SELECT id, state, valid_until, code_box FROM redemption WHERE member_id = :member ORDER BY id FOR UPDATE"
)
_VOUCHERS_BACK = text(
    "SELECT id, state, valid_until, code_box FROM redemption WHERE member_id = :member"
    " AND (id = ANY(CAST(:ids AS bigint[])) OR origin_id = ANY(CAST(:ids AS bigint[]))) ORDER BY id FOR UPDATE"
)
_CLAIMS = text(
    "SELECT id, box FROM return_claim WHERE redemption_id = ANY(CAST(:ids AS bigint[])) ORDER BY id FOR UPDATE"
)
_RESEALED = text(
    "UPDATE redemption r SET code_box = n.box FROM unnest(CAST(:ids AS bigint[]), CAST(:boxes AS bytea[])) AS n(id, box)"
    " WHERE r.id = n.id"
)
_CLAIMS_RESEALED = text(
    "UPDATE return_claim c SET box = n.box FROM unnest(CAST(:ids AS bigint[]), CAST(:boxes AS bytea[])) AS n(id, box)"
    " WHERE c.id = n.id"
)
_GIVE = (
    # Whoever paid stays known: what comes back comes back there first, and goes on.
    text(
        "UPDATE redemption SET member_id = :to, paid_by = nullif(coalesce(paid_by, member_id), :to)"
        " WHERE id = ANY(CAST(:ids AS bigint[]))"
    ),
    text("UPDATE booking SET member_id = :to WHERE redemption_id = ANY(CAST(:ids AS bigint[]))"),
    text("UPDATE return_claim SET member_id = :to WHERE redemption_id = ANY(CAST(:ids AS bigint[]))"),
    text("UPDATE cash_refund SET member_id = :to WHERE redemption_id = ANY(CAST(:ids AS bigint[]))"),
)
_FRIENDS = text(
    "UPDATE referral SET inviter_id = :to WHERE inviter_id = :from_ AND friend_id <> :to"
    " AND state IN ('joined', 'bought', 'review', 'refunded') RETURNING friend_id"
)
_FRIENDS_BACK = text(
    "UPDATE referral SET inviter_id = :to WHERE inviter_id = :from_ AND friend_id = ANY(CAST(:ids AS bigint[]))"
    " AND state IN ('joined', 'bought', 'review', 'refunded')"
)
_WATCHED = text(
    "INSERT INTO favourite (member_id, offer_id, kept_at, watched) SELECT :to, offer_id, kept_at, watched FROM favourite"
    " WHERE member_id = :from_ ON CONFLICT DO NOTHING"
)
_LOTS = text(
    """
    SELECT e.id AS entry_id, e.currency_id, e.facts ? 'deficit' AS owed, l.id AS lot_id
      FROM entry e LEFT JOIN lot l ON l.entry_id = e.id AND l.owner_kind = 'member' AND l.owner_id = e.counter_id
     WHERE e.owner_id = ANY(CAST(:owners AS bigint[])) AND e.owner_kind = 'member' AND e.kind = 'hand_over'
       AND e.counter_id = :into AND e.posted_at >= :since AND e.facts ->> 'what' = 'merge' ORDER BY e.currency_id, e.id, l.id
    """
)
_THERE = text(
    "SELECT a.currency_id, sum(p.points) AS points FROM position p JOIN account a ON a.id = p.account_id"
    " WHERE p.lot_id = ANY(CAST(:lots AS bigint[])) AND a.owner_id = :into AND a.owner_kind = 'member'"
    " AND a.purpose IN ('available', 'pending') GROUP BY a.currency_id ORDER BY a.currency_id"
)
_OWED = text(
    "SELECT p.issuer_id, max(p.entry_id) AS entry_id, -sum(p.points) AS points FROM posting p JOIN account a ON a.id = p.account_id"
    " WHERE p.entry_id = ANY(CAST(:entries AS bigint[])) AND a.owner_id = :into AND a.owner_kind = 'member'"
    " AND a.purpose = 'deficit' AND a.currency_id = :currency GROUP BY p.issuer_id"
)
# What its accounts have seen so far names each handing on: it is never the same twice.
_ARRIVED = text(
    "SELECT g.id, g.from_id, s.holder_id, sum(a.version)::bigint AS seen FROM account_merge g"
    " JOIN succession s ON s.member_id = g.from_id JOIN account a ON a.owner_id = g.from_id AND a.owner_kind = 'member'"
    " WHERE g.undone_at IS NULL AND g.id > :after GROUP BY g.id, s.holder_id"
    " HAVING bool_or(a.purpose IN ('available', 'pending', 'deficit') AND a.balance <> 0) ORDER BY g.id LIMIT :limit"
)


def number(vault: Vault, member_id: int) -> str:
    """An account's number, by which its owner names it to the desk: always the same 22 characters, and it gives no access."""
    return reference.reference(vault, _PROGRAMME, member_id)


def member_of(vault: Vault, said: str) -> int:
    """The member whose account has this number. `NoSuchNumber`."""
    found = reference.member_of(vault, _PROGRAMME, said)
    if found is None:
        raise NoSuchNumber(said)
    return found


def reason_of(said: str) -> str:
    """A reason as it is kept. `MergeReasonNeeded`."""
    reason = " ".join(said.split())
    if not 1 <= len(reason) <= REASON_LONGEST:
        raise MergeReasonNeeded(REASON_LONGEST)
    return reason


async def look(
    tx: AsyncConnection, from_id: int, into_id: int, *, operator_id: int, today: dt.date
) -> tuple[Side, Side]:
    """Both accounts and what is in the way; the first is the one to be merged. `SameAccount`."""
    if from_id == into_id:
        raise SameAccount()
    return (
        await _side(tx, from_id, operator_id, leaves=True, today=today),
        await _side(tx, into_id, operator_id, leaves=False, today=today),
    )


async def _side(tx: AsyncConnection, member_id: int, operator_id: int, *, leaves: bool, today: dt.date) -> Side:
    row = (await tx.execute(_SIDE, {"id": member_id, "today": today})).first()
    if row is None:
        return Side(member_id, None, None, (), 0, family=False, obstacles=("gone",))
    holdings = await statements.wallet(tx, member(member_id), today=today)
    found: dict[Obstacle, bool] = {
        "gone": not row.active,
        "own": member_id == operator_id,
        "operator": leaves and row.operator,
        "staff": leaves and row.staff,
        "company": leaves and row.company,
        "has_merged": leaves and row.has_merged,
        "held": leaves and (row.choosing or any(each.held for each in holdings)),
    }
    obstacles = tuple(name for name, there in found.items() if there)
    return Side(
        member_id, row.joined_on, row.tier, tuple(holdings), row.vouchers, family=row.family, obstacles=obstacles
    )


async def merge(
    tx: AsyncConnection,
    programme: Programme,
    vault: Vault,
    from_id: int,
    into_id: int,
    *,
    operator_id: int,
    reason: str,
    nonce: str,
    at: Moment,
) -> Moved:
    """Join two accounts: `from_id` is empty afterwards, and its Telegram opens nothing but the news of it. A repeat of `nonce`
    changes nothing and says nothing moved.

    Raises:
        SameAccount → CannotMerge → MergeReasonNeeded.
    """
    by, zone = f"operator:{operator_id}", {"zone": programme.zone}
    if (made := (await tx.execute(_SAID, {**zone, "by": by, "nonce": nonce})).first()) is not None:
        return Moved(_merge(made), (), 0)
    if from_id != into_id:
        await tx.execute(_LOCK, {"from_": from_id, "into": into_id})
    sides = await look(tx, from_id, into_id, operator_id=operator_id, today=at.today)
    for side in sides:
        if side.obstacles:
            raise CannotMerge(side.member_id, side.obstacles[0])
    departed = None
    if (family := await families.of(tx, from_id)) is not None:
        departed = await leaving.depart(tx, programme.families, family.id, family.place_of(from_id).id, at=at)
    said = reason_of(reason)
    facts = {"from_": from_id, "into": into_id, "nonce": nonce, "reason": said, "by": by, "now": at.now}
    until = at.today + dt.timedelta(days=programme.unmerge_days)
    merge_id: int = (await tx.execute(_MADE, {**facts, "until": until})).scalar_one()
    receipts = await _hand_over(tx, merge_id, from_id, into_id, at=at, actor=by)
    ids, live = await _vouchers(tx, vault, from_id, into_id, None, today=at.today)
    heirs = await succession.follow(tx, from_id, into_id)
    friends = list(await tx.scalars(_FRIENDS, {"from_": from_id, "to": into_id}))
    await tx.execute(_WATCHED, {"from_": from_id, "to": into_id})
    tier = await _lift(tx, programme, merge_id, from_id, into_id, actor=by, at=at)
    await tx.execute(
        _MOVED,
        {"id": merge_id, "moved": json.dumps({"redemptions": ids, "friends": friends, "heirs": heirs, "tier": tier})},
    )
    await tx.execute(_STATUS, {"id": from_id, "status": "merged"})
    return Moved(await one(tx, programme, merge_id), tuple(receipts), live, departed)


async def unmerge(
    tx: AsyncConnection, programme: Programme, vault: Vault, merge_id: int, *, operator_id: int, at: Moment
) -> Moved:
    """Part two accounts again: what went over goes back as far as it is still there.

    Raises:
        NoSuchMerge → MergeUndone → MergeFinal.
    """
    row = (await tx.execute(_LOCKED, {"id": merge_id, "zone": programme.zone})).first()
    if row is None:
        raise NoSuchMerge()
    made = _merge(row)
    if made.undone:
        raise MergeUndone()
    if made.undo_until < at.today:
        raise MergeFinal(made.undo_until)
    by = f"operator:{operator_id}"
    await tx.execute(_LOCK, {"from_": made.from_id, "into": made.into_id})
    commands = await _back(tx, made, row.moved["heirs"], since=row.made_at, at=at, actor=by)
    receipts = await _applied(tx, commands)
    ids = row.moved["redemptions"]
    _, live = await _vouchers(tx, vault, made.into_id, made.from_id, ids, today=at.today)
    await succession.part(tx, made.from_id, made.into_id, row.moved["heirs"])
    if row.moved["friends"]:
        facts = {"from_": made.into_id, "to": made.from_id, "ids": row.moved["friends"]}
        await tx.execute(_FRIENDS_BACK, facts)
    if row.moved["tier"]:
        await standings.take_back(tx, programme, made.into_id, _key(merge_id), at)
    await tx.execute(_STATUS, {"id": made.from_id, "status": "active"})
    await tx.execute(_UNDONE, {"id": merge_id, "now": at.now, "by": by})
    return Moved(await one(tx, programme, merge_id), tuple(receipts), live)


async def still_there(tx: AsyncConnection, programme: Programme, merge_id: int) -> dict[int, int]:
    """What would go back if the two were parted now, by currency: the points that came over and are still available or pending."""
    row = (await tx.execute(_ONE, {"id": merge_id, "zone": programme.zone})).one()
    lots = await _lots(tx, _merge(row), row.moved["heirs"], row.made_at)
    asked = {"into": row.into_id, "lots": [each.lot_id for each in lots if each.lot_id is not None]}
    return {each.currency_id: int(each.points) for each in await tx.execute(_THERE, asked)}


async def object_to(
    tx: AsyncConnection, programme: Programme, merge_id: int, member_id: int, *, today: dt.date
) -> Merge:
    """One of the two says that it is wrong; the desk sees it. Once is enough.

    Raises:
        NoSuchMerge → MergeUndone → MergeFinal.
    """
    made = await one(tx, programme, merge_id)
    if member_id not in (made.from_id, made.into_id):
        raise NoSuchMerge()
    if made.undone:
        raise MergeUndone()
    if made.undo_until < today:
        raise MergeFinal(made.undo_until)
    await tx.execute(_OBJECT, {"id": merge_id, "member": member_id})
    return made


async def one(tx: AsyncConnection, programme: Programme, merge_id: int) -> Merge:
    """One merge. `NoSuchMerge`."""
    row = (await tx.execute(_ONE, {"id": merge_id, "zone": programme.zone})).first()
    if row is None:
        raise NoSuchMerge()
    return _merge(row)


async def of(tx: AsyncConnection, programme: Programme, member_id: int) -> Merge | None:
    """The merge by which this account went into another; None: it did not."""
    row = (await tx.execute(_OF, {"member": member_id, "zone": programme.zone})).first()
    return None if row is None else _merge(row)


async def open_ones(
    tx: AsyncConnection, programme: Programme, *, today: dt.date, limit: int, offset: int = 0
) -> tuple[list[Merge], int]:
    """Those that can still be parted, objected ones first; and how many there are."""
    asked = {"zone": programme.zone, "today": today, "limit": limit, "offset": offset}
    found = [_merge(row) for row in await tx.execute(_OPEN, asked)]
    return found, (await tx.execute(_OPEN_COUNT, {"today": today})).scalar_one()


async def objected(tx: AsyncConnection, *, today: dt.date) -> int:
    """How many wait for the desk because one of the two says that it is wrong."""
    return int((await tx.execute(_OBJECTED, {"today": today})).scalar_one())


async def pass_on(tx: AsyncConnection, *, limit: int, at: Moment, after: int = 0) -> int | None:
    """What has come in for merged accounts goes on to who has them, those of so many merges from number `after` on; the number to
    go on from, None at the end. What is on hold waits."""
    found = (await tx.execute(_ARRIVED, {"limit": limit, "after": after})).all()
    for row in found:
        await _hand_over(tx, row.id, row.from_id, row.holder_id, at=at, actor="programme", late=row.seen)
    return found[-1].id if len(found) == limit else None


async def _hand_over(
    tx: AsyncConnection, merge_id: int, from_id: int, into_id: int, *, at: Moment, actor: str, late: int | None = None
) -> list[Receipt]:
    key = _key(merge_id) if late is None else f"{_key(merge_id)}:{late}"
    try:
        commands = await succession.everything(
            tx, member(from_id), into_id, key=key, facts={"what": "merge"}, at=at, actor=actor
        )
    except AccountInMotion:
        if late is None:
            raise
        return []
    return await _applied(tx, commands)


async def _applied(tx: AsyncConnection, commands: Sequence[HandOver]) -> list[Receipt]:
    receipts = []
    for outcome in await apply(tx, commands) if commands else []:
        if isinstance(outcome, Receipt):
            receipts.append(outcome)
        elif not isinstance(outcome, NothingDue):
            raise outcome
    return receipts


async def _back(
    tx: AsyncConnection, made: Merge, heirs: Sequence[int], *, since: dt.datetime, at: Moment, actor: str
) -> list[HandOver]:
    """The commands that give back, currency by currency, exactly the lots and debts that went over."""
    rows = await _lots(tx, made, heirs, since)
    commands = []
    for currency in sorted({row.currency_id for row in rows}):
        here = [row for row in rows if row.currency_id == currency]
        entries = sorted({row.entry_id for row in here if row.owed})
        owed = (await tx.execute(_OWED, {"entries": entries, "into": made.into_id, "currency": currency})).all()
        commands.append(
            HandOver(
                key=f"un{_key(made.id)}:{currency}",
                owner=member(made.into_id),
                to=member(made.from_id),
                currency=currency,
                lots=tuple(row.lot_id for row in here if row.lot_id is not None),
                debts={row.issuer_id: row.entry_id for row in owed},
                owing={row.issuer_id: int(row.points) for row in owed},
                at=at,
                actor=actor,
                facts={"what": "unmerge"},
            )
        )
    return commands


async def _lots(tx: AsyncConnection, made: Merge, heirs: Sequence[int], since: dt.datetime) -> Sequence[Row[Any]]:
    """What went over of this account and of those that it had, entry by entry, lot by lot."""
    asked = {"owners": [made.from_id, *heirs], "into": made.into_id, "since": since}
    return (await tx.execute(_LOTS, asked)).all()


async def _vouchers(
    tx: AsyncConnection, vault: Vault, from_id: int, to_id: int, only: Sequence[int] | None, *, today: dt.date
) -> tuple[list[int], int]:
    """Give vouchers with their codes, bookings and claims to the other account: their ids, and how many can still be used."""
    if only is None:
        rows = (await tx.execute(_VOUCHERS, {"member": from_id})).all()
    else:
        rows = (await tx.execute(_VOUCHERS_BACK, {"member": from_id, "ids": list(only)})).all()
    ids = [row.id for row in rows]
    if not ids:
        return [], 0
    keys = {row.member_id: row.key for row in await tx.execute(_KEYS, {"from_": from_id, "into": to_id})}

    def again(box: bytes) -> bytes:
        return vault.seal(keys[to_id], vault.open(keys[from_id], box))

    codes = [(row.id, again(row.code_box)) for row in rows if row.code_box is not None]
    await tx.execute(_RESEALED, {"ids": [id_ for id_, _ in codes], "boxes": [box for _, box in codes]})
    claims = [(row.id, again(row.box)) for row in await tx.execute(_CLAIMS, {"ids": ids})]
    await tx.execute(_CLAIMS_RESEALED, {"ids": [id_ for id_, _ in claims], "boxes": [box for _, box in claims]})
    for statement in _GIVE:
        await tx.execute(statement, {"to": to_id, "ids": ids})
    return ids, sum(row.state == "issued" and row.valid_until >= today for row in rows)


async def _lift(
    tx: AsyncConnection, programme: Programme, merge_id: int, from_id: int, into_id: int, *, actor: str, at: Moment
) -> bool:
    """The higher of the two tiers is in force for whoever has it now, until the day on which it would have ended."""
    held = await standings.load_many(tx, [from_id, into_id], today=at.today)
    theirs = held[from_id].in_force
    if theirs is None or tiers.place(programme.tiers, theirs) <= tiers.place(programme.tiers, held[into_id].in_force):
        return False
    until = held[from_id].until(theirs)
    if until is None:
        return False
    key = _key(merge_id)
    await standings.grant(tx, programme, into_id, theirs, until, key, key=key, actor=actor, at=at)
    return True


def _key(merge_id: int) -> str:
    return f"merge:{merge_id}"


def _merge(row: Row[Any]) -> Merge:
    return Merge(
        row.id,
        row.from_id,
        row.into_id,
        row.reason,
        row.made_on,
        row.undo_until,
        row.objected_by,
        row.undone_at is not None,
    )
