"""A family's pool (F2, F4): common points that its people put together. Each lot keeps its owner, issuer and expiry in there.

What somebody puts in is theirs until it is spent: they take it out again, or have it when they leave (`leaving`). What comes back
for something that was spent lies in the pool, and goes home at once where its owner has left since (`home_bound`). Who may spend it
is `redeeming.pool_spending`'s.

Locks, in this order: the family's row → accounts. Whoever moves points into, out of or back to a pool shares the row, so nobody
leaves meanwhile.
"""

from __future__ import annotations

import datetime as dt
from collections.abc import Iterable, Sequence
from dataclasses import dataclass

from sqlalchemy import text
from sqlalchemy.ext.asyncio import AsyncConnection

from ledger.errors import Refusal
from ledger.members import families
from ledger.members.families import Family, Gives, NotInFamilyYet, Place
from ledger.points import statements
from ledger.points.commands import Moment, NothingDue, Owner, Receipt, Transfer, member
from ledger.points.engine import apply, post

PERCENT_LEAST, PERCENT_MOST = 1, 99


@dataclass(eq=False)
class PercentNotAllowed(Refusal):
    """A share is of `least` to `most` per cent."""

    least: int
    most: int


@dataclass(frozen=True, slots=True)
class Pool:
    """What lies in a pool: in all, how much of it is this member's, and what of it ends next (last good day, points)."""

    available: int
    mine: int
    held: int
    next_expiry: tuple[dt.date, int] | None


def owner(family_id: int) -> Owner:
    """Who a family's pool is in the ledger."""
    return Owner("pool", family_id)


_MINE = text(
    """
    SELECT coalesce(sum(p.points), 0)::bigint FROM account a JOIN position p ON p.account_id = a.id JOIN lot l ON l.id = p.lot_id
    WHERE a.owner_kind = 'pool' AND a.owner_id = :family AND a.purpose = 'available' AND a.currency_id = :currency
      AND l.owner_kind = 'member' AND l.owner_id = :member AND (p.due_on IS NULL OR p.due_on > :today)
    """
)
_POOLS = text(
    "SELECT p.member_id, p.family_id FROM family_place p JOIN account a ON a.owner_kind = 'pool' AND a.owner_id = p.family_id"
    " AND a.purpose = 'available' AND a.currency_id = :currency"
    " WHERE p.left_at IS NULL AND p.member_id = ANY(CAST(:members AS bigint[]))"
)
_PEOPLE = text(
    "SELECT family_id, member_id FROM family_place WHERE family_id = ANY(CAST(:families AS bigint[])) AND left_at IS NULL"
    " ORDER BY id"
)
_STAY = text("SELECT id FROM family WHERE id = ANY(CAST(:families AS bigint[])) ORDER BY id FOR SHARE")
_HOMELESS = text(
    """
    SELECT DISTINCT a.owner_id AS family_id, l.owner_id AS member_id, a.currency_id
    FROM posting p JOIN account a ON a.id = p.account_id JOIN lot l ON l.id = p.lot_id
    WHERE p.entry_id = ANY(CAST(:entries AS bigint[])) AND a.owner_kind = 'pool' AND l.owner_kind = 'member'
      AND NOT EXISTS (SELECT FROM family_place o
                      WHERE o.family_id = a.owner_id AND o.member_id = l.owner_id AND o.left_at IS NULL)
    ORDER BY 1, 2, 3
    """
)
_GIVE = text(
    "UPDATE family_place SET gives = :gives, gives_percent = :percent,"
    " given_through = CASE WHEN :gives = 'nothing' THEN NULL ELSE coalesce(given_through, CAST(:today AS date)) END"
    " WHERE id = :place AND left_at IS NULL"
)
_SPENDS = text("UPDATE family_place SET spends_most = :most WHERE id = :place AND left_at IS NULL")


async def shown(tx: AsyncConnection, family_id: int, member_id: int, currency: int, *, today: dt.date) -> Pool:
    """What lies in a family's pool, for one of its people."""
    held = await statements.wallet(tx, owner(family_id), today=today)
    whole = next((each for each in held if each.currency.id == currency), None)
    if whole is None:
        return Pool(0, 0, 0, None)
    asked = {"family": family_id, "currency": currency, "member": member_id, "today": today}
    return Pool(whole.available, await tx.scalar(_MINE, asked) or 0, whole.held, whole.next_expiry)


async def people(tx: AsyncConnection, family_ids: Iterable[int]) -> dict[int, list[int]]:
    """Everybody with a place in these families, by family."""
    found: dict[int, list[int]] = {}
    for row in await tx.execute(_PEOPLE, {"families": list(family_ids)}):
        found.setdefault(row.family_id, []).append(row.member_id)
    return found


async def of_members(tx: AsyncConnection, member_ids: Iterable[int], currency: int) -> dict[int, Owner]:
    """The pools in which these people may have points of a currency, by member: where a claw-back looks for them."""
    asked = {"members": list(member_ids), "currency": currency}
    return {row.member_id: owner(row.family_id) for row in await tx.execute(_POOLS, asked)}


async def put(
    tx: AsyncConnection, family_id: int, member_id: int, points: int, *, currency: int, key: str, at: Moment, actor: str
) -> Receipt:
    """Put own points in, soonest-expiring first. `NotInFamily` → `NotInFamilyYet` → the engine's refusals."""
    await _belongs(tx, family_id, member_id, today=at.today)
    return await post(tx, _into(family_id, member_id, points, currency=currency, key=key, at=at, actor=actor))


def _into(
    family_id: int, member_id: int, points: int | None, *, currency: int, key: str, at: Moment, actor: str
) -> Transfer:
    return Transfer(
        key=key, owner=member(member_id), to=owner(family_id), currency=currency, points=points, at=at, actor=actor
    )


async def take_out(
    tx: AsyncConnection, family_id: int, member_id: int, points: int, *, currency: int, key: str, at: Moment, actor: str
) -> Receipt:
    """Take own unspent points out again, soonest-expiring first. `NotInFamily` → the engine's refusals: `NotEnoughPoints` says how
    many of them are there."""
    (await families.shared(tx, family_id)).place_of(member_id)
    return await post(tx, _out(family_id, member_id, points, currency=currency, key=key, at=at, actor=actor))


def _out(
    family_id: int, member_id: int, points: int | None, *, currency: int, key: str, at: Moment, actor: str
) -> Transfer:
    return Transfer(
        key=key, owner=owner(family_id), to=member(member_id), currency=currency, points=points, at=at, actor=actor
    )


async def leave(
    tx: AsyncConnection, family: Family, places: Sequence[Place], *, at: Moment, actor: str
) -> dict[int, int]:
    """Give those who leave what is theirs of every currency in the pool, lot by lot; so many points each, by member. The caller
    holds the family's row."""
    held = await statements.wallet(tx, owner(family.id), today=at.today)
    outs = [
        _out(family.id, each.member_id, None, currency=one.currency.id, key=f"pool:{each.id}:left", at=at, actor=actor)
        for one in held
        for each in places
    ]
    back = dict.fromkeys((each.member_id for each in places), 0)
    for command, outcome in zip(outs, await apply(tx, outs), strict=True):
        if isinstance(outcome, Receipt):
            back[command.to.id] += outcome.points
        elif not isinstance(outcome, NothingDue):
            raise outcome
    return back


async def stay(tx: AsyncConnection, family_ids: Iterable[int]) -> None:
    """Nobody joins, leaves or ends these families until the transaction is over; taken before accounts, in one order."""
    await tx.execute(_STAY, {"families": sorted(family_ids)})


async def home_bound(
    tx: AsyncConnection, entry_ids: Iterable[int], *, key: str, at: Moment, actor: str
) -> list[Transfer]:
    """What is to follow, in one batch, whatever gives points of these entries back to a pool: to each of their owners who has left
    it since, all that lies there of theirs. The caller made the families `stay`."""
    gone = await tx.execute(_HOMELESS, {"entries": list(entry_ids)})
    outs = []
    for row in gone:
        whose, currency = (row.family_id, row.member_id), row.currency_id
        named = f"{key}:{row.family_id}:{row.member_id}:{currency}"
        outs.append(_out(*whose, None, currency=currency, key=named, at=at, actor=actor))
    return outs


async def contribute(
    tx: AsyncConnection, family_id: int, member_id: int, gives: Gives, percent: int | None, *, today: dt.date
) -> None:
    """Say what of one's own goes into the pool each morning: nothing, everything there is, or a share of what is earned and becomes
    available from today on. `NotInFamily` → `PercentNotAllowed`."""
    mine = (await families.shared(tx, family_id)).place_of(member_id)
    if gives == "share" and not PERCENT_LEAST <= (percent or 0) <= PERCENT_MOST:
        raise PercentNotAllowed(PERCENT_LEAST, PERCENT_MOST)
    said = {"gives": gives, "percent": percent if gives == "share" else None, "today": today - dt.timedelta(days=1)}
    await tx.execute(_GIVE, {**said, "place": mine.id})


async def may_spend(tx: AsyncConnection, family_id: int, head_id: int, place_id: int, most: int | None) -> Place:
    """The head says how much of the pool somebody may spend in a calendar month without asking; None: as much as there is.

    `NotInFamily` → `NotFamilyHead`.
    """
    family = await families.shared(tx, family_id)
    families.must_be_head(family, head_id)
    theirs = family.place(place_id)
    await tx.execute(_SPENDS, {"most": most, "place": theirs.id})
    return theirs


async def _belongs(tx: AsyncConnection, family_id: int, member_id: int, *, today: dt.date) -> Place:
    mine = (await families.shared(tx, family_id)).place_of(member_id)
    if mine.in_from > today:
        raise NotInFamilyYet(mine.in_from)
    return mine


# -- each morning

_GIVERS = text(
    """
    SELECT p.id, p.family_id, p.member_id, p.gives, p.gives_percent, p.given_through FROM family_place p
    JOIN family f ON f.id = p.family_id
    WHERE p.gives <> 'nothing' AND p.left_at IS NULL AND p.given_through < CAST(:through AS date) AND p.id > :after
      AND p.in_from <= :through
    ORDER BY p.id LIMIT :limit FOR SHARE OF f
    """
)
_EARNED = text(
    """
    SELECT coalesce(sum(p.points), 0)::bigint FROM entry e JOIN posting p ON p.entry_id = e.id
    JOIN account a ON a.id = p.account_id AND a.owner_kind = 'member' AND a.owner_id = e.owner_id AND a.purpose = 'available'
    WHERE e.owner_kind = 'member' AND e.owner_id = :member AND e.currency_id = :currency AND e.kind IN ('accrue', 'release')
      AND e.posted_on > :since AND e.posted_on <= :through AND p.points > 0
    """
)
_LOOKED = text(
    "UPDATE family_place SET given_through = :through WHERE id = ANY(CAST(:places AS bigint[])) AND gives <> 'nothing'"
)


@dataclass(frozen=True, slots=True)
class Contributed:
    """What went into a pool by itself: the place it is for, and how many points."""

    place_id: int
    family_id: int
    member_id: int
    points: int


@dataclass(frozen=True, slots=True)
class Page:
    """What one page of places gave, and the place that it ended with; `last`: there are no more."""

    given: list[Contributed]
    after: int
    last: bool


async def morning(tx: AsyncConnection, currency: int, *, after: int, limit: int, at: Moment) -> Page:
    """Put in what people said goes in by itself, of what became available up to yesterday: a share of what they earned, rounded
    down, at most what they have; or everything they have. A day is looked at once."""
    through = at.today - dt.timedelta(days=1)
    rows = (await tx.execute(_GIVERS, {"through": through, "after": after, "limit": limit})).all()
    commands: list[Transfer] = []
    places: list[int] = []
    for row in rows:
        wanted: int | None = None
        if row.gives == "share":
            span = {"member": row.member_id, "currency": currency, "since": row.given_through, "through": through}
            earned = await tx.scalar(_EARNED, span) or 0
            held = await statements.wallet(tx, member(row.member_id), today=at.today)
            there = next((each.available for each in held if each.currency.id == currency), 0)
            wanted = min(there, earned * row.gives_percent // 100)
            if not wanted:
                continue
        key = f"pool:{row.id}:morning:{at.today}"
        commands.append(
            _into(row.family_id, row.member_id, wanted, currency=currency, key=key, at=at, actor="programme")
        )
        places.append(row.id)
    given = []
    for place_id, command, outcome in zip(places, commands, await apply(tx, commands), strict=True):
        if isinstance(outcome, Receipt):
            given.append(Contributed(place_id, command.to.id, command.owner.id, outcome.points))
        elif not isinstance(outcome, NothingDue):
            raise outcome
    await tx.execute(_LOOKED, {"through": through, "places": [row.id for row in rows]})
    return Page(given, rows[-1].id if rows else after, len(rows) < limit)
