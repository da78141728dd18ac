"""Suggestions to a merchant: one open at a time per person and box; accepted, it earns the activity's points, once."""

from __future__ import annotations

import datetime as dt
from dataclasses import dataclass
from typing import Any, Literal

from sqlalchemy import Row, text
from sqlalchemy.ext.asyncio import AsyncConnection

from ledger.earning import activities
from ledger.errors import Refusal
from ledger.merchants.staff import Staff
from ledger.points.commands import Moment, Receipt

Decided = Literal["accepted", "declined"]

WORDS_LONGEST = 500
REPLY_LONGEST = 200


@dataclass(eq=False)
class SuggestionTooLong(Refusal):
    """It is 1 to `longest` characters; so is a reply."""

    longest: int


@dataclass(eq=False)
class SuggestionWaits(Refusal):
    """The person's last suggestion here has not been answered yet."""

    made_at: dt.datetime


@dataclass(eq=False)
class NoSuchSuggestion(Refusal):
    """There is none, or it was made to another merchant."""

    suggestion_id: int


@dataclass(eq=False)
class SuggestionDecided(Refusal):
    """It was accepted or declined before: `state` says which."""

    state: Decided


@dataclass(frozen=True, slots=True)
class Suggestion:
    """What a member suggested."""

    id: int
    activity_id: int
    member_id: int
    words: str
    made_at: dt.datetime
    state: Literal["open"] | Decided
    reply: str | None


_COLUMNS = "id, activity_id, member_id, words, made_at, state, reply"
_SEND = text(
    "INSERT INTO suggestion (activity_id, member_id, words, made_at) VALUES (:activity, :member, :words, :now)"
    f" ON CONFLICT (member_id, activity_id) WHERE state = 'open' DO NOTHING RETURNING {_COLUMNS}"
)
_OPEN = text(
    f"SELECT {_COLUMNS} FROM suggestion WHERE member_id = :member AND activity_id = :activity AND state = 'open'"
)
_OF = text(
    f"SELECT {_COLUMNS} FROM suggestion WHERE activity_id = :activity AND state = 'open' ORDER BY id"
    " OFFSET :offset LIMIT :limit"
)
_ONE = text(
    "SELECT s.id, s.activity_id, s.member_id, s.words, s.made_at, s.state, s.reply FROM suggestion s"
    " JOIN activity a ON a.id = s.activity_id WHERE s.id = :id AND a.merchant_id = :merchant FOR UPDATE OF s"
)
_DECIDE = text(
    "UPDATE suggestion SET state = :state, reply = :reply, decided_by = :by, decided_at = :now WHERE id = :id"
)


async def send(tx: AsyncConnection, activity_id: int, member_id: int, words: str, *, at: Moment) -> Suggestion:
    """Suggest something. `NoSuchActivity` → `TookPart` → `OwnActivity` → `ActivityNotBegun` → `ActivityOver` →
    `SuggestionTooLong` → `SuggestionWaits`."""
    activity = await activities.one(tx, activity_id)
    if activity.kind != "suggestions":
        raise activities.NoSuchActivity(activity_id)
    await activities.may_join(tx, activity, member_id)
    activity.must_run(at.now)
    facts = {"activity": activity_id, "member": member_id, "words": tidy(words, WORDS_LONGEST), "now": at.now}
    row = (await tx.execute(_SEND, facts)).first()
    if row is None:
        waiting = (await tx.execute(_OPEN, {"activity": activity_id, "member": member_id})).one()
        raise SuggestionWaits(waiting.made_at)
    return Suggestion(*_fields(row))


def tidy(words: str, longest: int) -> str:
    """Words without outer blanks; `SuggestionTooLong` where nothing or too much is left."""
    words = words.strip()
    if not 1 <= len(words) <= longest:
        raise SuggestionTooLong(longest)
    return words


async def waiting(tx: AsyncConnection, activity_id: int, *, offset: int = 0, limit: int = 50) -> list[Suggestion]:
    """The suggestions that nobody has answered, oldest first."""
    facts = {"activity": activity_id, "offset": offset, "limit": limit}
    return [Suggestion(*_fields(row)) for row in await tx.execute(_OF, facts)]


async def one(tx: AsyncConnection, staff: Staff, suggestion_id: int) -> Suggestion:
    """One suggestion to the merchant of `staff`, locked until the turn ends. `NotAllowed` → `NoSuchSuggestion`."""
    staff.demand("run_activities")
    row = (await tx.execute(_ONE, {"id": suggestion_id, "merchant": staff.merchant_id})).first()
    if row is None:
        raise NoSuchSuggestion(suggestion_id)
    return Suggestion(*_fields(row))


async def accept(tx: AsyncConnection, staff: Staff, suggestion_id: int, *, at: Moment) -> tuple[Suggestion, Receipt]:
    """Take a suggestion and give its points. Refusals of `one`, `SuggestionDecided`, then those of `take_part`."""
    suggestion = await _undecided(tx, staff, suggestion_id)
    await _decide(tx, suggestion.id, "accepted", None, staff, at)
    receipt = await activities.take_part(
        tx, suggestion.activity_id, suggestion.member_id, at=at, actor=staff.actor, accepted=True
    )
    return suggestion, receipt


async def decline(tx: AsyncConnection, staff: Staff, suggestion_id: int, reply: str, *, at: Moment) -> Suggestion:
    """Answer with words and no points; the person may suggest something else. Refusals of `one`, `SuggestionDecided` →
    `SuggestionTooLong`."""
    suggestion = await _undecided(tx, staff, suggestion_id)
    await _decide(tx, suggestion.id, "declined", tidy(reply, REPLY_LONGEST), staff, at)
    return suggestion


async def _undecided(tx: AsyncConnection, staff: Staff, suggestion_id: int) -> Suggestion:
    suggestion = await one(tx, staff, suggestion_id)
    if suggestion.state != "open":
        raise SuggestionDecided(suggestion.state)
    return suggestion


async def _decide(
    tx: AsyncConnection, suggestion_id: int, state: Decided, reply: str | None, staff: Staff, at: Moment
) -> None:
    facts = {"id": suggestion_id, "state": state, "reply": reply, "by": staff.actor, "now": at.now}
    await tx.execute(_DECIDE, facts)


def _fields(row: Row[Any]) -> tuple[Any, ...]:
    return tuple(row)
