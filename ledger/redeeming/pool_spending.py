"""Who may spend a family's pool (F3): the head as they like, others so much in a calendar month as the head said
(`Place.spends_most`), and above it what they asked for and the head allowed.

A request names an offer and an amount, and allows that one redemption, at no more points than it cost when it was asked. Somebody
has one open request at most; it lapses, asked or allowed, at `ends_at` on the programme's clock.

    asked → allowed → used
      ↓ ↘      ↓
    refused  lapsed
"""

from __future__ import annotations

import datetime as dt
from dataclasses import dataclass
from typing import Literal

from sqlalchemy import Row, text
from sqlalchemy.ext.asyncio import AsyncConnection

from ledger.errors import Refusal
from ledger.members import families
from ledger.members.families import Family, NotInFamilyYet, Place
from ledger.points.commands import Moment
from ledger.programme import Families

State = Literal["asked", "allowed", "refused", "lapsed", "used"]


@dataclass(eq=False)
class AbovePoolLimit(Refusal):
    """It needs more of the pool than they may still spend this month; `most` in a month, 0: the head is always asked."""

    needed: int
    left: int
    most: int


@dataclass(eq=False)
class NoPool(Refusal):
    """They belong to no family whose pool they could spend."""


@dataclass(eq=False)
class PoolShort(Refusal):
    """The pool holds less than this needs."""

    needed: int
    available: int
    offer_id: int


@dataclass(eq=False)
class PoolRequestOpen(Refusal):
    """They have asked already, for something else or the same; it is answered or lapses first."""

    request_id: int
    offer_id: int


@dataclass(eq=False)
class PoolRequestOver(Refusal):
    """The request is not open any more; `state` says what became of it."""

    request_id: int
    state: State


@dataclass(frozen=True, slots=True)
class Right:
    """What somebody may spend of their family's pool in the month of a day. `most` None: no limit; `spent` this month so far."""

    family: Family
    place: Place
    most: int | None
    spent: int

    @property
    def left(self) -> int | None:
        """What they may still spend without asking; None: as much as there is."""
        return None if self.most is None else max(0, self.most - self.spent)

    def allows(self, points: int) -> bool:
        """Whether they may spend so much without asking."""
        return self.left is None or points <= self.left


@dataclass(frozen=True, slots=True)
class Request:
    """What somebody asks the head for."""

    id: int
    family_id: int
    member_id: int
    offer_id: int
    amount: int
    points: int
    asked_at: dt.datetime
    ends_at: dt.datetime
    state: State
    answered_at: dt.datetime | None


# Redemptions that the head allowed count too: they are part of what was spent in the month.
_SPENT = text(
    "SELECT coalesce(sum(points), 0)::bigint FROM redemption WHERE pool_id = :family AND member_id = :member"
    " AND issued_on >= :since AND state IN ('held', 'issued', 'used')"
)
_COLUMNS = "id, family_id, member_id, offer_id, amount, points, asked_at, ends_at, state, answered_at"
_MINE = text(f"SELECT {_COLUMNS} FROM pool_request WHERE member_id = :member AND state IN ('asked', 'allowed')")
_OF_FAMILY = text(f"SELECT {_COLUMNS} FROM pool_request WHERE family_id = :family AND state = 'asked' ORDER BY id")
_ONE = text(f"SELECT {_COLUMNS} FROM pool_request WHERE id = :id FOR UPDATE")
_ALONE = text("SELECT pg_advisory_xact_lock(hashtextextended('pool_request:' || CAST(:member AS text), 0))")
_ASK = text(
    "INSERT INTO pool_request (family_id, member_id, offer_id, amount, points, asked_at, ends_at)"
    f" VALUES (:family, :member, :offer, :amount, :points, :now, :ends) RETURNING {_COLUMNS}"
)
_ANSWER = text(
    "UPDATE pool_request SET state = :state, answered_by = :by, answered_at = :now, ends_at = :ends"
    f" WHERE id = :id RETURNING {_COLUMNS}"
)
_USE = text("UPDATE pool_request SET state = 'used', redemption_id = :redemption WHERE id = :id")
_LAPSE = text(
    f"""
    UPDATE pool_request SET state = 'lapsed' WHERE id IN (
        SELECT r.id FROM pool_request r WHERE r.state IN ('asked', 'allowed') AND (r.ends_at <= :now OR NOT EXISTS (
            SELECT FROM family_place p WHERE p.family_id = r.family_id AND p.member_id = r.member_id AND p.left_at IS NULL))
        ORDER BY r.id LIMIT :limit FOR UPDATE SKIP LOCKED) RETURNING {_COLUMNS}
    """
)


async def right(tx: AsyncConnection, member_id: int, *, today: dt.date) -> Right | None:
    """What somebody may spend of the pool; None where they are in no family."""
    family = await families.of(tx, member_id)
    return None if family is None else await _right(tx, family, member_id, today=today)


async def _right(tx: AsyncConnection, family: Family, member_id: int, *, today: dt.date) -> Right:
    place = family.place_of(member_id)
    spent = await tx.scalar(_SPENT, {"family": family.id, "member": member_id, "since": today.replace(day=1)})
    return Right(family, place, None if family.head_id == member_id else place.spends_most, spent or 0)


async def admit(
    tx: AsyncConnection, family_id: int, member_id: int, offer_id: int, amount: int, points: int, *, at: Moment
) -> Request | None:
    """Let somebody spend so much of the pool on this: by their right, or by the request that was allowed for it, which is returned
    and to be `used`. The family stays as it is until the transaction ends.

    `NotInFamily` → `NotInFamilyYet` → `AbovePoolLimit`.
    """
    family = await families.shared(tx, family_id)
    place = family.place_of(member_id)
    if place.in_from > at.today:
        raise NotInFamilyYet(place.in_from)
    may = await _right(tx, family, member_id, today=at.today)
    if may.allows(points):
        return None
    found = await mine(tx, member_id, at=at)
    fits = found is not None and (found.family_id, found.offer_id, found.amount) == (family_id, offer_id, amount)
    if found is not None and fits and found.state == "allowed" and points <= found.points:
        return found
    raise AbovePoolLimit(points, may.left or 0, may.most or 0)


async def used(tx: AsyncConnection, request: Request, redemption_id: int) -> None:
    """What was allowed has been redeemed."""
    await tx.execute(_USE, {"id": request.id, "redemption": redemption_id})


async def mine(tx: AsyncConnection, member_id: int, *, at: Moment) -> Request | None:
    """Somebody's open request, asked or allowed; None where there is none, or its time is over."""
    row = (await tx.execute(_MINE, {"member": member_id})).first()
    return None if row is None or row.ends_at <= at.programme_now else _request(row)


async def waiting(tx: AsyncConnection, family_id: int, *, at: Moment) -> list[Request]:
    """What the head of a family has still to answer, the oldest first."""
    rows = await tx.execute(_OF_FAMILY, {"family": family_id})
    return [_request(row) for row in rows if row.ends_at > at.programme_now]


async def ask(
    tx: AsyncConnection, rules: Families, member_id: int, offer_id: int, amount: int, points: int, *, at: Moment
) -> tuple[Request, int]:
    """Ask the head for this redemption; the request, and who is asked. The same again is the same request.

    `NotInFamily` → `NotInFamilyYet` → `PoolRequestOpen`.
    """
    await tx.execute(_ALONE, {"member": str(member_id)})
    family = await families.of(tx, member_id)
    if family is None:
        raise families.NotInFamily()
    family = await families.shared(tx, family.id)
    place = family.place_of(member_id)
    if place.in_from > at.today:
        raise NotInFamilyYet(place.in_from)
    row = (await tx.execute(_MINE, {"member": member_id})).first()
    if row is not None:
        open_ = _request(row)
        if open_.ends_at > at.programme_now:
            if (open_.family_id, open_.offer_id, open_.amount, open_.points) == (family.id, offer_id, amount, points):
                return open_, family.head_id
            raise PoolRequestOpen(open_.id, open_.offer_id)
        await tx.execute(_ANSWER, {"id": row.id, "state": "lapsed", "by": None, "now": None, "ends": row.ends_at})
    facts = {"family": family.id, "member": member_id, "offer": offer_id, "amount": amount, "points": points}
    ends = at.programme_now + dt.timedelta(hours=rules.request_hours)
    made = (await tx.execute(_ASK, {**facts, "now": at.now, "ends": ends})).one()
    return _request(made), family.head_id


async def answer(
    tx: AsyncConnection, rules: Families, head_id: int, request_id: int, *, allow: bool, at: Moment
) -> Request:
    """The head allows a request, or does not: once. What is allowed can be used for as long as one may be asked.

    `NotInFamily` → `NotFamilyHead` → `PoolRequestOver`.
    """
    seen = await one(tx, request_id)
    families.must_be_head(await families.shared(tx, seen.family_id), head_id)
    found = _request((await tx.execute(_ONE, {"id": request_id})).one())
    if found.state != "asked":
        raise PoolRequestOver(found.id, found.state)
    if found.ends_at <= at.programme_now:
        raise PoolRequestOver(found.id, "lapsed")
    ends = at.programme_now + dt.timedelta(hours=rules.request_hours) if allow else found.ends_at
    said = {"id": found.id, "state": "allowed" if allow else "refused", "by": head_id, "now": at.now, "ends": ends}
    return _request((await tx.execute(_ANSWER, said)).one())


async def one(tx: AsyncConnection, request_id: int) -> Request:
    """A request by its id. `PoolRequestOver` where there is none: nothing says any more that there was."""
    row = (await tx.execute(text(f"SELECT {_COLUMNS} FROM pool_request WHERE id = :id"), {"id": request_id})).first()
    if row is None:
        raise PoolRequestOver(request_id, "lapsed")
    return _request(row)


async def lapse(tx: AsyncConnection, *, at: Moment, limit: int) -> list[Request]:
    """End requests whose time is over, and those of people who have left; fewer than `limit`: none is left."""
    return [_request(row) for row in await tx.execute(_LAPSE, {"now": at.programme_now, "limit": limit})]


def _request(row: Row[tuple[object, ...]]) -> Request:
    return Request(**row._mapping)
