"""Leaving a family (F4): by oneself, removed, dissolved, or because the account is no more; and handing headship over.

Who belonged to a family together with somebody else waits before the next one (`Families.rejoin_days`): else a household could be
changed for every piece that is limited to one. Who had only accepted, was alone, or has no account any more waits for nothing. The
day is fixed when they leave, as it was said to them.
"""

from __future__ import annotations

import datetime as dt
from collections.abc import Iterable
from contextlib import suppress
from dataclasses import dataclass
from typing import Literal

from sqlalchemy import text
from sqlalchemy.ext.asyncio import AsyncConnection

from ledger.members import families, pools
from ledger.members.families import Family, HeadStays, NotInFamily, NotInFamilyYet, Place, must_be_head
from ledger.points.commands import Moment
from ledger.programme import Families

How = Literal["left", "removed", "dissolved", "gone"]


@dataclass(frozen=True, slots=True)
class Departed:
    """Somebody whose account is no more, and what became of their family: `head_id` leads it now, None: it has ended.

    `others` had a place in it beside them.
    """

    member_id: int
    place_id: int
    family_id: int
    was_head: bool
    head_id: int | None
    others: tuple[int, ...]


_SHARED = text(
    "SELECT EXISTS (SELECT FROM family_place WHERE family_id = :family AND member_id <> :member"
    " AND in_from <= coalesce(left_on, :today))"
)
_LEAVE = text(
    "UPDATE family_place SET left_at = :now, left_on = :today, how = :how, again_on = :again WHERE id = :id AND left_at IS NULL"
)
_END = text("UPDATE family SET ended_at = :now WHERE id = :family")
_HEAD = text("UPDATE family SET head_id = :to WHERE id = :family")
_HEADED = text("INSERT INTO family_head (family_id, from_id, to_id, why, at) VALUES (:family, :from_, :to, :why, :now)")
_GONE = text(
    "SELECT p.id, p.family_id, p.member_id FROM family_place p LEFT JOIN member m ON m.id = p.member_id"
    " LEFT JOIN person w ON w.member_id = p.member_id"
    " WHERE p.left_at IS NULL AND (m.id IS NULL OR m.status = 'closed' OR w.member_id IS NULL) ORDER BY p.id LIMIT :limit"
)


async def waits_until(
    tx: AsyncConnection, rules: Families, family: Family, place: Place, *, today: dt.date
) -> dt.date | None:
    """From which day whoever has this place could join or found another family, if they left today; None: today."""
    if place.in_from > today or not rules.rejoin_days:
        return None
    facts = {"family": family.id, "member": place.member_id, "today": today}
    return today + dt.timedelta(days=rules.rejoin_days) if await tx.scalar(_SHARED, facts) else None


async def leave(tx: AsyncConnection, rules: Families, family_id: int, member_id: int, *, at: Moment) -> Family:
    """Give one's place up; the family as it was. `NotInFamily` → `HeadStays`."""
    family = await families.locked(tx, family_id)
    mine = family.place_of(member_id)
    if family.head_id == member_id:
        raise HeadStays()
    await _end(tx, rules, family, [mine], "left", at=at)
    return family


async def remove(
    tx: AsyncConnection, rules: Families, family_id: int, head_id: int, place_id: int, *, at: Moment
) -> Place:
    """The head takes somebody's place away. `NotInFamily` → `NotFamilyHead` → `HeadStays`, of their own."""
    family = await families.locked(tx, family_id)
    must_be_head(family, head_id)
    theirs = family.place(place_id)
    if theirs.member_id == head_id:
        raise HeadStays()
    await _end(tx, rules, family, [theirs], "removed", at=at)
    return theirs


async def dissolve(tx: AsyncConnection, rules: Families, family_id: int, head_id: int, *, at: Moment) -> Family:
    """End the family for everybody; as it was. `NotInFamily` → `NotFamilyHead`."""
    family = await families.locked(tx, family_id)
    must_be_head(family, head_id)
    await _end(tx, rules, family, family.places, "dissolved", at=at)
    await tx.execute(_END, {"family": family.id, "now": at.now})
    return family


async def hand_over(tx: AsyncConnection, family_id: int, head_id: int, place_id: int, *, at: Moment) -> Family:
    """Somebody else is head from now on; open invitations of the old one are void. The family as it was.

    `NotInFamily` → `NotFamilyHead` → `HeadStays`, to oneself → `NotInFamilyYet`.
    """
    family = await families.locked(tx, family_id)
    must_be_head(family, head_id)
    theirs = family.place(place_id)
    if theirs.member_id == head_id:
        raise HeadStays()
    if theirs.in_from > at.today:
        raise NotInFamilyYet(theirs.in_from)
    await _lead(tx, family, theirs.member_id, "handed", now=at.now)
    return family


async def departed(tx: AsyncConnection, rules: Families, *, at: Moment, limit: int) -> list[Departed]:
    """End the places of accounts that were closed or forgotten. Headship passes to whoever has belonged to the family longest;
    where nobody does, it ends."""
    found = (await tx.execute(_GONE, {"limit": limit})).all()
    ended = []
    for row in sorted(found, key=lambda each: (each.family_id, each.id)):
        with suppress(NotInFamily):  # removed meanwhile, or their family ended with the one before
            ended.append(await depart(tx, rules, row.family_id, row.id, at=at))
    return ended


async def depart(tx: AsyncConnection, rules: Families, family_id: int, place_id: int, *, at: Moment) -> Departed:
    """End the place of an account that is no more. `NotInFamily` where it has none."""
    family = await families.locked(tx, family_id)
    gone = family.place(place_id)
    was_head, head = family.head_id == gone.member_id, family.head_id
    rest = [each for each in family.places if each.id != place_id]
    await _end(tx, rules, family, [gone], "gone", at=at)
    if was_head:
        inside = sorted((each for each in rest if each.in_from <= at.today), key=lambda each: (each.in_from, each.id))
        if not inside:
            await _end(tx, rules, family, rest, "dissolved", at=at)
            await tx.execute(_END, {"family": family.id, "now": at.now})
            return Departed(gone.member_id, gone.id, family.id, True, None, family.others(gone.member_id))
        head = inside[0].member_id
        await _lead(tx, family, head, "passed", now=at.now)
    return Departed(gone.member_id, gone.id, family.id, was_head, head, family.others(gone.member_id))


async def _lead(
    tx: AsyncConnection, family: Family, to_id: int, why: Literal["handed", "passed"], *, now: dt.datetime
) -> None:
    await tx.execute(_HEAD, {"family": family.id, "to": to_id})
    facts = {"family": family.id, "from_": family.head_id, "to": to_id, "why": why, "now": now}
    await tx.execute(_HEADED, facts)


async def _end(
    tx: AsyncConnection, rules: Families, family: Family, places: Iterable[Place], how: How, *, at: Moment
) -> None:
    await pools.leave(tx, family, list(places), at=at, actor="programme")
    # All days first: where everybody leaves at once, each of them had the others.
    ends = [
        (each.id, None if how == "gone" else await waits_until(tx, rules, family, each, today=at.today))
        for each in places
    ]
    for id_, again in ends:
        await tx.execute(_LEAVE, {"id": id_, "now": at.now, "today": at.today, "how": how, "again": again})
