"""The weekly close: one per business week, written once, and derived again by whoever doubts it.

Whoever closes holds one lock, finds the first week that is over and not closed, and writes its lines. Of two at once the second
finds it done. Missed weeks are closed one by one, oldest first; a week in which nothing happened is closed all the same.
"""

from __future__ import annotations

import datetime as dt
from dataclasses import dataclass

from sqlalchemy import insert, text
from sqlalchemy.ext.asyncio import AsyncConnection

from ledger.clearing import events, file
from ledger.clearing.derive import Line, derive
from ledger.clearing.prices import Prices, prices_of
from ledger.clearing.tables import clearing_line
from ledger.errors import Refusal
from ledger.points import statements
from ledger.points.commands import Moment, UnitValue
from ledger.programme import Programme

_LOCK = text("SELECT pg_advisory_xact_lock(hashtextextended('clearing', 0))")
_LAST = text("SELECT max(week) FROM clearing_close")
_CLOSE = text(
    "INSERT INTO clearing_close (week, prices, line_count, digest, closed_at)"
    " VALUES (:week, CAST(:prices AS jsonb), :line_count, :digest, :closed_at)"
)
_ONE = text("SELECT week, prices, line_count, digest, closed_at FROM clearing_close WHERE week = :week")
_LINES = text(f"SELECT {events.LINE_COLUMNS} FROM clearing_line l WHERE l.week = :week ORDER BY l.number")


@dataclass(eq=False)
class WeekNotClosed(Refusal):
    """There is no close of that week."""

    week: dt.date


@dataclass(frozen=True, slots=True)
class Close:
    """A closed week."""

    week: dt.date
    prices: Prices
    line_count: int
    digest: bytes
    closed_at: dt.datetime


async def next_week(tx: AsyncConnection, today: dt.date) -> dt.date | None:
    """The first week that is over and not closed; None where there is none, or nothing has ever happened."""
    last: dt.date | None = await tx.scalar(_LAST)
    if last is not None:
        week = last + dt.timedelta(days=7)
    elif (day := await events.first_day(tx)) is not None:
        week = events.monday(day)
    else:
        return None
    return week if events.sunday(week) < today else None


async def close_next(tx: AsyncConnection, programme: Programme, *, at: Moment) -> tuple[Close, list[Line]] | None:
    """Close the first week that is over; None where all are closed. Two at once: the second waits, and finds it done."""
    await tx.execute(_LOCK)
    week = await next_week(tx, at.today)
    if week is None:
        return None
    await events.note_late(tx, week)
    prices = prices_of(programme, await values(tx))
    lines = await _derived(tx, week, prices, closed=False)
    made = Close(week, prices, len(lines), file.digest(lines), at.now)
    await tx.execute(
        _CLOSE,
        {
            "week": week,
            "prices": prices.model_dump_json(),
            "line_count": made.line_count,
            "digest": made.digest,
            "closed_at": at.now,
        },
    )
    if lines:
        await tx.execute(insert(clearing_line), [_row(line) for line in lines])
    return made, lines


async def values(tx: AsyncConnection) -> dict[int, UnitValue]:
    """Every currency's published value."""
    found = await statements.currencies(tx)
    return {one.id: UnitValue(one.value_minor, one.value_points, one.money) for one in found.values()}


async def open_week(
    tx: AsyncConnection, programme: Programme, today: dt.date, *, merchant_id: int | None = None
) -> list[Line]:
    """This week's lines so far, as they would be written if it were over now; only those of a merchant's redemptions where one is
    named, then with other numbers."""
    week, prices = events.monday(today), prices_of(programme, await values(tx))
    return await _derived(tx, week, prices, closed=False, merchant_id=merchant_id)


async def rebuilt(tx: AsyncConnection, week: dt.date) -> list[Line]:
    """A closed week derived again from the ledger, by the prices it was closed with. `WeekNotClosed`."""
    return await _derived(tx, week, (await one(tx, week)).prices, closed=True)


async def agrees(tx: AsyncConnection, week: dt.date) -> bool:
    """Whether a closed week's lines, the digest that was kept of them, and what the ledger gives now are one. `WeekNotClosed`."""
    again, kept = file.digest(await rebuilt(tx, week)), file.digest(await lines_of(tx, week))
    return again == kept == (await one(tx, week)).digest


async def one(tx: AsyncConnection, week: dt.date) -> Close:
    """A close, or `WeekNotClosed`."""
    row = (await tx.execute(_ONE, {"week": week})).first()
    if row is None:
        raise WeekNotClosed(week)
    return Close(row.week, Prices.model_validate(row.prices), row.line_count, row.digest, row.closed_at)


async def lines_of(tx: AsyncConnection, week: dt.date) -> list[Line]:
    """A closed week's lines as they were written."""
    return [events.line_of(row) for row in await tx.execute(_LINES, {"week": week})]


async def _derived(
    tx: AsyncConnection, week: dt.date, prices: Prices, *, closed: bool, merchant_id: int | None = None
) -> list[Line]:
    happened, upheld = await events.of_week(tx, week, closed=closed, merchant_id=merchant_id)
    earlier = await events.standing(tx, week, happened, upheld)
    return derive(week, happened, upheld, prices, earlier)


def _row(line: Line) -> dict[str, object]:
    return {
        "week": line.place.week,
        "number": line.place.number,
        "kind": line.kind,
        "day": line.day,
        "entry_id": line.entry_id,
        "redemption_id": line.redemption_id,
        "dispute_id": line.dispute_id,
        "issuer_id": line.issuer_id,
        "redeemer_id": line.redeemer_id,
        "currency_id": line.currency_id,
        "points": line.points,
        "money": line.money,
        **line.amounts._asdict(),
        "corrects_week": line.corrects.week if line.corrects else None,
        "corrects_number": line.corrects.number if line.corrects else None,
    }
