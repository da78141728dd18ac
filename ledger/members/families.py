"""Families (F1): a head, the people with a place in it, one-time invitations, and who came and went when.

A place is taken when an invitation is accepted, and its member belongs to the family from `in_from` on: the programme says how many
days lie between. The figures are `programme.Families`. Places and heads that were are kept: they are the family's history.

Locks, in this order: the member who joins or founds (`household.stand`) → the invitation → the family's row. Whatever changes a
family holds its row.
"""

from __future__ import annotations

import datetime as dt
from dataclasses import dataclass
from typing import Any, Literal

from sqlalchemy import Row, text
from sqlalchemy.ext.asyncio import AsyncConnection

from ledger.errors import Refusal
from ledger.members import household, invitations
from ledger.members.vault import Vault
from ledger.points.commands import Moment
from ledger.programme import Families

LINK = "f"
"""What an invitation's link carries before its token: «start=f_…»."""


@dataclass(eq=False)
class FamilyAlready(Refusal):
    """They have a place in a family; `this`: in the very one that they asked for."""

    family_id: int
    this: bool


@dataclass(eq=False)
class RejoinTooSoon(Refusal):
    """They left a family lately, and join or found another from `again_on` on."""

    again_on: dt.date


@dataclass(eq=False)
class FamilyFull(Refusal):
    """Every place is taken; a family has at most `most` people."""

    most: int


@dataclass(eq=False)
class FamilyInvitationVoid(Refusal):
    """The family has ended since, or whoever invited is not its head any more."""


@dataclass(eq=False)
class NotInFamily(Refusal):
    """They have no place in this family, or no longer."""


@dataclass(eq=False)
class NotFamilyHead(Refusal):
    """Only the head does this."""


@dataclass(eq=False)
class HeadStays(Refusal):
    """The head leaves by handing over first, or by dissolving the family."""


@dataclass(eq=False)
class NotInFamilyYet(Refusal):
    """Their place counts from `in_from` on."""

    in_from: dt.date


Gives = Literal["nothing", "share", "everything"]


@dataclass(frozen=True, slots=True)
class Place:
    """Somebody's place in a family: who belongs to it from `in_from` on.

    `gives`: what of theirs goes into the pool each morning (`pools.contribute`), `gives_percent` of it. `spends_most`: of the pool
    in a calendar month without asking, None: no such limit; the head has none.
    """

    id: int
    family_id: int
    member_id: int
    joined_at: dt.datetime
    in_from: dt.date
    gives: Gives = "nothing"
    gives_percent: int | None = None
    spends_most: int | None = 0


@dataclass(frozen=True, slots=True)
class Family:
    """A family as it is now; `places` in the order in which they were taken."""

    id: int
    head_id: int
    founded_at: dt.datetime
    places: tuple[Place, ...]

    def place_of(self, member_id: int) -> Place:
        """Somebody's place, or `NotInFamily`."""
        found = next((each for each in self.places if each.member_id == member_id), None)
        if found is None:
            raise NotInFamily()
        return found

    def place(self, place_id: int) -> Place:
        """The place of this id, or `NotInFamily`."""
        found = next((each for each in self.places if each.id == place_id), None)
        if found is None:
            raise NotInFamily()
        return found

    def others(self, member_id: int) -> tuple[int, ...]:
        """Everybody else with a place."""
        return tuple(each.member_id for each in self.places if each.member_id != member_id)


@dataclass(frozen=True, slots=True)
class Offered:
    """What a link offers: a place in this family, theirs from `in_from` on; the link is open until `ends_at`."""

    family: Family
    in_from: dt.date
    ends_at: dt.datetime


What = Literal["founded", "joined", "left", "removed", "dissolved", "gone", "handed", "passed"]


@dataclass(frozen=True, slots=True)
class Happening:
    """A line of the history. `handed`, `passed` (the head's account was no more): `member_id` is head from then on."""

    at: dt.datetime
    what: What
    member_id: int


_FAMILY = "SELECT id, head_id, founded_at FROM family WHERE id = :family AND ended_at IS NULL"
_LOOK = text(_FAMILY)
_LOCK, _SHARE = text(f"{_FAMILY} FOR UPDATE"), text(f"{_FAMILY} FOR SHARE")
_PLACES = text(
    "SELECT id, family_id, member_id, joined_at, in_from, gives, gives_percent, spends_most FROM family_place"
    " WHERE family_id = :family AND left_at IS NULL"
    " ORDER BY id"
)
_MINE = text("SELECT family_id FROM family_place WHERE member_id = :member AND left_at IS NULL")
_AGAIN = text("SELECT max(again_on) FROM family_place WHERE member_id = :member")
_FOUND = text("INSERT INTO family (head_id, founded_at) VALUES (:member, :now) RETURNING id")
_TAKE = text(
    "INSERT INTO family_place (family_id, member_id, joined_by, joined_at, in_from)"
    " VALUES (:family, :member, :by, :now, :in_from)"
)
_OPEN = text(
    "SELECT count(*) FROM invitation WHERE family_id = :family AND made_by = :by AND used_at IS NULL AND expires_at > :now"
)
_WITHDRAW = text(
    "UPDATE invitation SET expires_at = :now WHERE family_id = :family AND used_at IS NULL AND expires_at > :now"
)
_HISTORY = text(
    """
    SELECT joined_at AS at, CASE joined_by WHEN 'founded' THEN 'founded' ELSE 'joined' END AS what, member_id, 0 AS n, id
    FROM family_place WHERE family_id = :family
    UNION ALL SELECT left_at, how, member_id, 1, id FROM family_place WHERE family_id = :family AND left_at IS NOT NULL
    UNION ALL SELECT at, why, to_id, 2, id
    FROM family_head WHERE family_id = :family
    ORDER BY at DESC, n DESC, id DESC LIMIT :limit OFFSET :offset
    """
)


async def of(tx: AsyncConnection, member_id: int) -> Family | None:
    """The family that a member has a place in, also before their first day; None: in none."""
    family_id = await tx.scalar(_MINE, {"member": member_id})
    return None if family_id is None else await _read(tx, family_id)


async def again_on(tx: AsyncConnection, member_id: int, *, today: dt.date) -> dt.date | None:
    """The day from which this member may join or found a family again; None: they may today."""
    day: dt.date | None = await tx.scalar(_AGAIN, {"member": member_id})
    return day if day is not None and day > today else None


async def found(tx: AsyncConnection, member_id: int, *, at: Moment) -> Family:
    """Set up a family with its founder as head. `FamilyAlready` → `RejoinTooSoon`."""
    await household.stand(tx, member_id)
    await _free(tx, member_id, None, today=at.today)
    family_id = (await tx.execute(_FOUND, {"member": member_id, "now": at.now})).scalar_one()
    await _take(tx, family_id, member_id, "founded", at.today, now=at.now)
    made = await _read(tx, family_id)
    assert made is not None, "it was made a moment ago"
    return made


async def invite(
    tx: AsyncConnection, vault: Vault, rules: Families, member_id: int, token: str, *, now: dt.datetime
) -> invitations.Invitation:
    """Write a one-time invitation into the family that this member is head of. `NotInFamily` → `NotFamilyHead` → `FamilyFull`.

    There may be more open ones than free places: whoever accepts first has one.
    """
    family = await of(tx, member_id)
    if family is None:
        raise NotInFamily()
    must_be_head(family, member_id)
    _has_room(family, rules)
    by = f"member:{member_id}"
    return await invitations.write(
        tx, vault, token, purpose="family", to_id=family.id, role="member", label="", by=by, now=now,
        hours=rules.invitation_hours,
    )  # fmt: skip


async def invitations_open(tx: AsyncConnection, family: Family, *, now: dt.datetime) -> int:
    """How many of the head's invitations could still be accepted."""
    by = f"member:{family.head_id}"
    return int(await tx.scalar(_OPEN, {"family": family.id, "by": by, "now": now}) or 0)


async def withdraw(tx: AsyncConnection, family: Family, member_id: int, *, now: dt.datetime) -> int:
    """End every open invitation into this family; how many there were. `NotFamilyHead`."""
    must_be_head(family, member_id)
    return (await tx.execute(_WITHDRAW, {"family": family.id, "now": now})).rowcount


async def invitation(
    tx: AsyncConnection, vault: Vault, rules: Families, token: str, member_id: int, *, at: Moment
) -> Offered:
    """What a link offers this member.

    Refusals of `invitations.opened`, then `FamilyInvitationVoid` → `FamilyAlready` → `RejoinTooSoon` → `FamilyFull`.
    """
    opened = await invitations.opened(tx, vault, token, purpose="family", now=at.now)
    family = await _read(tx, opened.to_id)
    if family is None or opened.made_by != f"member:{family.head_id}":
        raise FamilyInvitationVoid()
    await _free(tx, member_id, family.id, today=at.today)
    _has_room(family, rules)
    return Offered(family, at.today + dt.timedelta(days=rules.join_delay_days), opened.expires_at)


async def accept(
    tx: AsyncConnection, vault: Vault, rules: Families, token: str, member_id: int, *, at: Moment
) -> tuple[Family, Place]:
    """Take the place that a link offers, once: of two who are after the last one, one gets it. Refusals of `invitation`."""
    await household.stand(tx, member_id)
    opened = await invitations.opened(tx, vault, token, purpose="family", now=at.now)
    await tx.execute(_LOCK, {"family": opened.to_id})
    offered = await invitation(tx, vault, rules, token, member_id, at=at)
    by = invitations.trace_of(vault, token)
    await _take(tx, offered.family.id, member_id, by, offered.in_from, now=at.now)
    await invitations.use(tx, vault, token, member_id=member_id, now=at.now)
    family = await _read(tx, offered.family.id)
    assert family is not None, "its row is locked"
    return family, family.place_of(member_id)


async def history(tx: AsyncConnection, family_id: int, *, limit: int, offset: int = 0) -> list[Happening]:
    """Who came, went and was head, the latest first. For whoever has a place in it."""
    rows = await tx.execute(_HISTORY, {"family": family_id, "limit": limit, "offset": offset})
    return [Happening(row.at, row.what, row.member_id) for row in rows]


async def locked(tx: AsyncConnection, family_id: int) -> Family:
    """A family whose row is held until the transaction ends. `NotInFamily` where it has ended."""
    await tx.execute(_LOCK, {"family": family_id})
    family = await _read(tx, family_id)
    if family is None:
        raise NotInFamily()
    return family


async def shared(tx: AsyncConnection, family_id: int) -> Family:
    """A family that nobody joins, leaves or ends until the transaction does. `NotInFamily` where it has ended."""
    await tx.execute(_SHARE, {"family": family_id})
    family = await _read(tx, family_id)
    if family is None:
        raise NotInFamily()
    return family


def must_be_head(family: Family, member_id: int) -> None:
    """`NotInFamily` → `NotFamilyHead`."""
    family.place_of(member_id)
    if family.head_id != member_id:
        raise NotFamilyHead()


def _has_room(family: Family, rules: Families) -> None:
    if len(family.places) >= rules.people_most:
        raise FamilyFull(rules.people_most)


async def _free(tx: AsyncConnection, member_id: int, family_id: int | None, *, today: dt.date) -> None:
    """That they may take a place: `FamilyAlready` → `RejoinTooSoon`."""
    has = await tx.scalar(_MINE, {"member": member_id})
    if has is not None:
        raise FamilyAlready(has, has == family_id)
    again = await again_on(tx, member_id, today=today)
    if again is not None:
        raise RejoinTooSoon(again)


async def _take(
    tx: AsyncConnection, family_id: int, member_id: int, by: str, in_from: dt.date, *, now: dt.datetime
) -> None:
    place = {"family": family_id, "member": member_id, "by": by, "now": now, "in_from": in_from}
    await tx.execute(_TAKE, place)


async def _read(tx: AsyncConnection, family_id: int) -> Family | None:
    row = (await tx.execute(_LOOK, {"family": family_id})).first()
    if row is None:
        return None
    places = await tx.execute(_PLACES, {"family": family_id})
    return Family(row.id, row.head_id, row.founded_at, tuple(_place(each) for each in places))


def _place(row: Row[Any]) -> Place:
    return Place(**row._mapping)
