"""A merchant disputes a line, with a reason; the operator upholds it — the line's money goes back as a line of the week in which
that was decided — or rejects it with words. A line is disputed once, by either side; its points stay where the ledger has them."""

from __future__ import annotations

import datetime as dt
from dataclasses import dataclass
from typing import Any, Literal

from sqlalchemy import Row, text
from sqlalchemy.ext.asyncio import AsyncConnection

from ledger.clearing import positions
from ledger.clearing.derive import Line, Place
from ledger.errors import Refusal
from ledger.merchants.staff import Staff
from ledger.points.commands import Moment

State = Literal["open", "upheld", "rejected"]

WORDS_LONGEST = 300


@dataclass(eq=False)
class LineNotDisputable(Refusal):
    """No money moves by this line, or it is a correction: that is disputed through the redemption that it corrects."""

    week: dt.date
    number: int


@dataclass(eq=False)
class LineDisputed(Refusal):
    """The line has been disputed before; `state` tells how that stands."""

    dispute_id: int
    state: State


@dataclass(eq=False)
class DisputeTooLate(Refusal):
    """A line may be disputed until `until`."""

    until: dt.date


@dataclass(eq=False)
class WordsNeeded(Refusal):
    """A dispute says why, and so does its rejection; in at most `longest` characters."""

    longest: int


@dataclass(eq=False)
class NoSuchDispute(Refusal):
    dispute_id: int


@dataclass(eq=False)
class DisputeDecided(Refusal):
    """It was decided before, as `state` says."""

    dispute_id: int
    state: State


@dataclass(frozen=True, slots=True)
class Dispute:
    """A dispute, and where it stands."""

    id: int
    place: Place
    merchant_id: int
    member_id: int
    reason: str
    opened_at: dt.datetime
    state: State
    decided_at: dt.datetime | None
    words: str | None


_COLUMNS = (
    "SELECT id, week, number, merchant_id, member_id, reason, opened_at, state, decided_at, words FROM clearing_dispute"
)
_OPEN = text(
    "INSERT INTO clearing_dispute (week, number, merchant_id, member_id, reason, opened_at)"
    " VALUES (:week, :number, :merchant_id, :member_id, :reason, :at) ON CONFLICT (week, number) DO NOTHING RETURNING id"
)
_ONE = text(f"{_COLUMNS} WHERE id = :id")
_AT = text(f"{_COLUMNS} WHERE week = :week AND number = :number")
_LIST = text(f"{_COLUMNS} WHERE state = 'open' ORDER BY id OFFSET :offset LIMIT :limit")
_WAITING = text("SELECT count(*) FROM clearing_dispute WHERE state = 'open'")
_DECIDE = text(
    "UPDATE clearing_dispute SET state = :state, decided_by = :by, decided_at = :at, decided_on = :on, words = :words"
    " WHERE id = :id AND state = 'open'"
)


def _dispute(row: Row[Any]) -> Dispute:
    return Dispute(
        row.id,
        Place(row.week, row.number),
        row.merchant_id,
        row.member_id,
        row.reason,
        row.opened_at,
        row.state,
        row.decided_at,
        row.words,
    )


def disputable(line: Line) -> bool:
    """Whether there is anything to dispute: a redemption's line by which money moves."""
    return line.kind == "redemption" and any(line.amounts)


async def may_dispute(tx: AsyncConnection, staff: Staff, place: Place, *, days: int, at: Moment) -> positions.Shown:
    """The line, where this person may dispute it now.

    Raises:
        NotAllowed → NoSuchLine → LineNotDisputable → LineDisputed → DisputeTooLate.
    """
    staff.demand("dispute")
    shown = await positions.line(tx, staff.merchant_id, place)
    if not disputable(shown.line):
        raise LineNotDisputable(*place)
    if shown.dispute_id is not None:
        raise LineDisputed(shown.dispute_id, (await one(tx, shown.dispute_id)).state)
    until = place.week + dt.timedelta(days=7 + days)
    if at.today > until:
        raise DisputeTooLate(until)
    return shown


async def dispute(tx: AsyncConnection, staff: Staff, place: Place, reason: str, *, days: int, at: Moment) -> Dispute:
    """Dispute a line of a closed week, up to `days` days after its close. Refusals of `may_dispute`, then `WordsNeeded`."""
    await may_dispute(tx, staff, place, days=days, at=at)
    facts = {"merchant_id": staff.merchant_id, "member_id": staff.member_id, "reason": _words(reason), "at": at.now}
    made = await tx.scalar(_OPEN, {**place._asdict(), **facts})
    if made is None:
        earlier = _dispute((await tx.execute(_AT, place._asdict())).one())
        raise LineDisputed(earlier.id, earlier.state)
    return await one(tx, made)


async def one(tx: AsyncConnection, dispute_id: int) -> Dispute:
    """A dispute, or `NoSuchDispute`."""
    row = (await tx.execute(_ONE, {"id": dispute_id})).first()
    if row is None:
        raise NoSuchDispute(dispute_id)
    return _dispute(row)


async def waiting(tx: AsyncConnection, *, offset: int = 0, limit: int = 8) -> tuple[list[Dispute], int]:
    """Undecided disputes, oldest first; and how many there are in all."""
    rows = await tx.execute(_LIST, {"offset": offset, "limit": limit})
    found = [_dispute(row) for row in rows]
    return found, int(await tx.scalar(_WAITING) or 0)


async def uphold(tx: AsyncConnection, dispute_id: int, *, by: str, at: Moment) -> Dispute:
    """Take the line's money back, as a line of the week of today. `NoSuchDispute` → `DisputeDecided`."""
    return await _decide(tx, dispute_id, "upheld", None, by=by, at=at)


async def reject(tx: AsyncConnection, dispute_id: int, words: str, *, by: str, at: Moment) -> Dispute:
    """Leave the line as it is, and say why. `WordsNeeded` → `NoSuchDispute` → `DisputeDecided`."""
    return await _decide(tx, dispute_id, "rejected", _words(words), by=by, at=at)


async def _decide(
    tx: AsyncConnection, dispute_id: int, state: str, words: str | None, *, by: str, at: Moment
) -> Dispute:
    facts = {"id": dispute_id, "state": state, "words": words, "by": by, "at": at.now, "on": at.today}
    if (await tx.execute(_DECIDE, facts)).rowcount == 0:
        there = await one(tx, dispute_id)
        raise DisputeDecided(dispute_id, there.state)
    return await one(tx, dispute_id)


def _words(said: str) -> str:
    words = " ".join(said.split())
    if not 1 <= len(words) <= WORDS_LONGEST:
        raise WordsNeeded(WORDS_LONGEST)
    return words
