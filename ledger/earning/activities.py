"""Points for taking part (E6): a merchant's talk, survey or box for suggestions, each person once.

The merchant gives so many points to so many people at most, from a time to a time; it is the issuer. Whatever the kind, taking
part goes through `take_part`: one lock on the activity, the same refusals in the same order, one accrual.
"""

from __future__ import annotations

import datetime as dt
import json
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any, ClassVar, Literal, get_args

from sqlalchemy import Row, text
from sqlalchemy.ext.asyncio import AsyncConnection

from ledger.earning.surveys import Question
from ledger.errors import Refusal
from ledger.merchants import cover
from ledger.merchants import merchant as merchants
from ledger.merchants.merchant import Merchant
from ledger.merchants.staff import Staff
from ledger.points.commands import Accrue, Moment, Receipt, member
from ledger.points.engine import post

Kind = Literal["check_in", "survey", "suggestions"]
KINDS: tuple[Kind, ...] = get_args(Kind)

POINTS_MOST = 1_000
PEOPLE_MOST = 10_000
TITLE_LONGEST = 40


@dataclass(eq=False)
class NoSuchActivity(Refusal):
    """There is none, or it is another merchant's."""

    activity_id: int


@dataclass(eq=False)
class TitleTooLong(Refusal):
    """A title is 1 to `longest` characters on one line."""

    longest: int


@dataclass(eq=False)
class FigureOutOfRange(Refusal):
    """Points or people are from 1 to `most`."""

    asked: int
    most: int


@dataclass(eq=False)
class TookPart(Refusal):
    """They have had its points, at `at`."""

    at: dt.datetime


@dataclass(eq=False)
class OwnActivity(Refusal):
    """Whoever works at a merchant takes no part in its activities."""

    merchant_id: int


@dataclass(eq=False)
class ActivityNotBegun(Refusal):
    """It begins at `starts_at`."""

    starts_at: dt.datetime
    may_succeed_later: ClassVar[bool] = True


@dataclass(eq=False)
class ActivityOver(Refusal):
    """It has ended, at `at`."""

    at: dt.datetime


@dataclass(eq=False)
class ActivityFull(Refusal):
    """All `people` of it have had their points."""

    people: int


@dataclass(frozen=True, slots=True)
class Activity:
    """An activity. `people` of at most `people_max` have had `points` each."""

    id: int
    merchant_id: int
    kind: Kind
    title: str
    place: str | None
    points: int
    people_max: int
    people: int
    starts_at: dt.datetime
    ends_at: dt.datetime
    questions: tuple[Question, ...]
    closed_at: dt.datetime | None

    def must_run(self, now: dt.datetime) -> None:
        """`ActivityNotBegun` → `ActivityOver`, unless it runs."""
        if now < self.starts_at:
            raise ActivityNotBegun(self.starts_at)
        ended = min(self.ends_at, self.closed_at or self.ends_at)
        if now >= ended:
            raise ActivityOver(ended)

    def runs(self, now: dt.datetime) -> bool:
        """Whether one may take part now, were there room."""
        return self.starts_at <= now < min(self.ends_at, self.closed_at or self.ends_at)


@dataclass(frozen=True, slots=True)
class Planned:
    """What a merchant wants to run."""

    kind: Kind
    title: str
    points: int
    people_max: int
    starts_at: dt.datetime
    ends_at: dt.datetime
    place: str | None = None
    questions: Sequence[Question] = ()


_COLUMNS = """
    id, merchant_id, kind, title, place, points, people_max, people, starts_at, ends_at, questions, closed_at
"""
_MAKE = text(
    "INSERT INTO activity (merchant_id, kind, title, place, points, people_max, starts_at, ends_at, questions, made_by, made_at)"
    " VALUES (:merchant, :kind, :title, :place, :points, :people_max, :starts_at, :ends_at, CAST(:questions AS jsonb), :by,"
    f" :now) RETURNING {_COLUMNS}"
)
_ONE = text(f"SELECT {_COLUMNS} FROM activity WHERE id = :id")
_LOCKED = text(f"SELECT {_COLUMNS} FROM activity WHERE id = :id FOR UPDATE")
_OF = text(f"SELECT {_COLUMNS} FROM activity WHERE merchant_id = :merchant ORDER BY id DESC LIMIT :limit")
_RUNNING = text(
    f"SELECT {_COLUMNS} FROM activity WHERE starts_at <= :now AND ends_at > :now AND closed_at IS NULL"
    " AND people < people_max AND kind = ANY(CAST(:kinds AS text[])) ORDER BY ends_at, id LIMIT :limit"
)
_CLOSE = text("UPDATE activity SET closed_at = :now WHERE id = :id AND closed_at IS NULL")
_PART = text("SELECT at FROM activity_part WHERE activity_id = :activity AND member_id = :member")
_ENTRY = text("SELECT entry_id FROM activity_part WHERE activity_id = :activity AND member_id = :member")
_PARTS = text(
    "SELECT activity_id FROM activity_part WHERE member_id = :member AND activity_id = ANY(CAST(:activities AS bigint[]))"
)
_WORKS = text("SELECT 1 FROM staff WHERE merchant_id = :merchant AND member_id = :member AND removed_at IS NULL")
_TAKE_PART = text(
    "INSERT INTO activity_part (activity_id, member_id, answers, entry_id, at)"
    " VALUES (:activity, :member, CAST(:answers AS jsonb), :entry, :at)"
)
_COUNT = text("UPDATE activity SET people = people + 1 WHERE id = :id")


async def make(tx: AsyncConnection, merchant: Merchant, staff: Staff, planned: Planned, *, at: Moment) -> Activity:
    """Begin an activity. `NotAllowed` → `MerchantMayNotIssue` → `TitleTooLong` → `FigureOutOfRange` (points, then people)."""
    staff.demand("run_activities")
    merchant.must_grant(at.today)
    title = tidy_title(planned.title)
    in_range(planned.points, POINTS_MOST)
    in_range(planned.people_max, PEOPLE_MOST)
    facts = {
        "merchant": merchant.id,
        "kind": planned.kind,
        "title": title,
        "place": planned.place,
        "points": planned.points,
        "people_max": planned.people_max,
        "starts_at": planned.starts_at,
        "ends_at": planned.ends_at,
        "questions": json.dumps([question.document() for question in planned.questions], ensure_ascii=False),
    }
    return _activity((await tx.execute(_MAKE, {**facts, "by": staff.actor, "now": at.now})).one())


def tidy_title(title: str) -> str:
    """A title on one line. `TitleTooLong` where nothing or too much is left."""
    title = " ".join(title.split())
    if not 1 <= len(title) <= TITLE_LONGEST:
        raise TitleTooLong(TITLE_LONGEST)
    return title


def in_range(figure: int, most: int) -> int:
    """The figure, from 1 to `most`; else `FigureOutOfRange`."""
    if not 1 <= figure <= most:
        raise FigureOutOfRange(figure, most)
    return figure


async def one(tx: AsyncConnection, activity_id: int, *, merchant_id: int | None = None) -> Activity:
    """One activity (of a merchant); or `NoSuchActivity`."""
    row = (await tx.execute(_ONE, {"id": activity_id})).first()
    if row is None or merchant_id not in (None, row.merchant_id):
        raise NoSuchActivity(activity_id)
    return _activity(row)


async def of_merchant(tx: AsyncConnection, merchant_id: int, *, limit: int = 20) -> list[Activity]:
    """A merchant's activities, newest first."""
    return [_activity(row) for row in await tx.execute(_OF, {"merchant": merchant_id, "limit": limit})]


async def running(
    tx: AsyncConnection, *, now: dt.datetime, kinds: Sequence[Kind] = KINDS, limit: int = 500
) -> list[Activity]:
    """Activities that one may join now, soonest to end first."""
    return [_activity(row) for row in await tx.execute(_RUNNING, {"now": now, "kinds": list(kinds), "limit": limit})]


async def joined_of(tx: AsyncConnection, member_id: int, activities: Sequence[Activity]) -> set[int]:
    """Which of these activities a member has had points of."""
    ids = [activity.id for activity in activities]
    return set(await tx.scalars(_PARTS, {"member": member_id, "activities": ids}))


async def entry_of(tx: AsyncConnection, activity_id: int, member_id: int) -> int | None:
    """The entry by which a member had an activity's points, if they had."""
    found: int | None = await tx.scalar(_ENTRY, {"activity": activity_id, "member": member_id})
    return found


async def close(tx: AsyncConnection, staff: Staff, activity_id: int, *, at: Moment) -> Activity:
    """End an activity before its time; what was given stays. `NotAllowed` → `NoSuchActivity`; a repeat changes nothing."""
    staff.demand("run_activities")
    await one(tx, activity_id, merchant_id=staff.merchant_id)
    await tx.execute(_CLOSE, {"id": activity_id, "now": at.now})
    return await one(tx, activity_id)


async def take_part(
    tx: AsyncConnection,
    activity_id: int,
    member_id: int,
    *,
    at: Moment,
    actor: str,
    answers: Sequence[int] | None = None,
    accepted: bool = False,
) -> Receipt:
    """Give a member the points of an activity, once ever.

    Args:
        accepted: a suggestion that the merchant took, whenever it does.
    Raises:
        NoSuchActivity → TookPart → OwnActivity → ActivityNotBegun → ActivityOver → ActivityFull → MerchantMayNotIssue →
        SpendingNeeded → CoverExhausted, then the engine's.
    """
    row = (await tx.execute(_LOCKED, {"id": activity_id})).first()
    if row is None:
        raise NoSuchActivity(activity_id)
    activity = _activity(row)
    await may_join(tx, activity, member_id)
    if not accepted:
        activity.must_run(at.now)
    if activity.people >= activity.people_max:
        raise ActivityFull(activity.people_max)
    merchant = await merchants.by_id(tx, activity.merchant_id)
    merchant.must_grant(at.today)
    await cover.demand(tx, merchant, activity.points, None, at)
    receipt = await post(
        tx,
        Accrue(
            key=f"activity:{activity.id}:{member_id}",
            owner=member(member_id),
            currency=merchant.terms.currency,
            at=at,
            actor=actor,
            issuer_id=merchant.id,
            merchant_id=merchant.id,
            points=activity.points,
            available_on=at.today,
            expires_on=merchants.expires_on(merchant.terms, at.today),
            rule="activity",
            transferable=merchant.terms.transferable,
            facts={"what": "activity", "activity": activity.id, "kind": activity.kind, "title": activity.title},
        ),
    )
    said = None if answers is None else json.dumps(list(answers))
    facts = {"activity": activity.id, "member": member_id, "answers": said, "entry": receipt.entry_id, "at": at.now}
    await tx.execute(_TAKE_PART, facts)
    await tx.execute(_COUNT, {"id": activity.id})
    return receipt


async def may_join(tx: AsyncConnection, activity: Activity, member_id: int) -> None:
    """`TookPart` → `OwnActivity`, unless this member may have its points."""
    if (joined_at := await tx.scalar(_PART, {"activity": activity.id, "member": member_id})) is not None:
        raise TookPart(joined_at)
    if await tx.scalar(_WORKS, {"merchant": activity.merchant_id, "member": member_id}):
        raise OwnActivity(activity.merchant_id)


def _activity(row: Row[Any]) -> Activity:
    fields = dict(row._mapping)
    fields["questions"] = tuple(Question(each["asks"], tuple(each["choices"])) for each in row.questions)
    return Activity(**fields)
