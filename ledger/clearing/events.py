"""What clearing counts, read from the ledger's own rows: vouchers, burns, returns, decided disputes, and lines that stand.

A voucher counts on the day on which it was used, or on which it ended where its offer keeps the points; a burn behind which there
is no voucher on the day of its entry. What was returned before it counted never does. A voucher that came in exchange for another
is nothing new: the first one was counted, and its points come back once. The legs in the merchants' burned accounts
say whose points they were. Whoever handed the voucher over is paid, which need not be the merchant whose offer it was and in whose
account they were burned.
"""

from __future__ import annotations

import datetime as dt
import itertools
from collections.abc import Sequence
from typing import Any

from sqlalchemy import Row, text
from sqlalchemy.ext.asyncio import AsyncConnection

from ledger.clearing.derive import Event, Line, Place, Standing, Upheld
from ledger.clearing.prices import Amounts

_HAPPENED = """
    SELECT 'redemption' AS kind, r.settles_on AS day, r.entry_id, r.id AS redemption_id, NULL::bigint AS undoes
    FROM redemption r WHERE r.settles_on BETWEEN :since AND :until AND r.origin_id IS NULL
    UNION ALL
    SELECT 'redemption', e.posted_on, e.id, NULL, NULL
    FROM entry e WHERE e.kind = 'burn' AND e.posted_on BETWEEN :since AND :until
      AND NOT EXISTS (SELECT FROM redemption r WHERE r.entry_id = e.id)
    UNION ALL
    SELECT 'return', e.posted_on, e.id, r.id, e.undoes_id
    FROM entry e LEFT JOIN redemption r ON r.entry_id = e.undoes_id AND r.origin_id IS NULL
    WHERE e.kind = 'reinstate' AND e.posted_on BETWEEN :since AND :until AND (r.id IS NULL OR r.settles_on IS NOT NULL)
"""
_PARTS = """
    SELECT h.kind, h.day, h.entry_id, h.redemption_id, h.undoes, coalesce(r.merchant_id, a.owner_id) AS redeemer_id,
           a.currency_id, p.issuer_id, abs(sum(p.points))::bigint AS points
    FROM happened h JOIN posting p ON p.entry_id = h.entry_id JOIN account a ON a.id = p.account_id
    LEFT JOIN redemption r ON r.id = h.redemption_id
    WHERE a.owner_kind = 'merchant' AND a.purpose = 'burned'
      AND (CAST(:merchant AS bigint) IS NULL OR coalesce(r.merchant_id, a.owner_id) = :merchant
           OR EXISTS (SELECT FROM posting q WHERE q.entry_id = h.entry_id AND q.issuer_id = :merchant))
    GROUP BY h.kind, h.day, h.entry_id, h.redemption_id, h.undoes, coalesce(r.merchant_id, a.owner_id), a.currency_id,
             p.issuer_id
    ORDER BY h.entry_id, h.kind, p.issuer_id
"""
LATE_DAYS = 56
"""No transaction stays open for eight weeks."""

_UNBOOKED = "NOT EXISTS (SELECT FROM clearing_line l WHERE l.entry_id = h.entry_id AND l.kind = h.kind)"
_OWN = text(
    f"""
    WITH happened AS (
        SELECT h.* FROM ({_HAPPENED}) h LEFT JOIN clearing_late c ON c.kind = h.kind AND c.id = h.entry_id
        WHERE c.week IS NULL AND (NOT CAST(:closed AS boolean) OR NOT {_UNBOOKED}))
    {_PARTS}
    """
)
_LATE = text(
    f"""
    WITH happened AS (
        SELECT h.* FROM ({_HAPPENED}) h JOIN clearing_late c ON c.kind = h.kind AND c.id = h.entry_id WHERE c.week = :week)
    {_PARTS}
    """
)
_UPHELD = text(
    "SELECT d.id, d.decided_on, d.week, d.number FROM clearing_dispute d"
    " LEFT JOIN clearing_late c ON c.kind = 'dispute' AND c.id = d.id"
    " WHERE d.state = 'upheld' AND CASE WHEN c.week IS NULL THEN d.decided_on BETWEEN :since AND :until"
    "   AND (NOT CAST(:closed AS boolean) OR EXISTS (SELECT FROM clearing_line l WHERE l.dispute_id = d.id))"
    " ELSE c.week = :since END"
)
_NOTE_LATE = text(
    f"""
    INSERT INTO clearing_late (kind, id, week)
    SELECT h.kind, h.entry_id, CAST(:week AS date) FROM ({_HAPPENED}) h WHERE {_UNBOOKED}
    UNION ALL
    SELECT 'dispute', d.id, CAST(:week AS date) FROM clearing_dispute d
    WHERE d.state = 'upheld' AND d.decided_on BETWEEN :since AND :until
       AND NOT EXISTS (SELECT FROM clearing_line l WHERE l.dispute_id = d.id)
    ON CONFLICT (kind, id) DO UPDATE SET week = excluded.week
    """
)
_FIRST = text(
    "SELECT least((SELECT min(settles_on) FROM redemption WHERE settles_on IS NOT NULL),"
    " (SELECT min(e.posted_on) FROM entry e WHERE e.kind = 'burn'"
    "  AND NOT EXISTS (SELECT FROM redemption r WHERE r.entry_id = e.id)))"
)
LINE_COLUMNS = """
    l.week, l.number, l.kind, l.day, l.entry_id, l.redemption_id, l.dispute_id, l.issuer_id, l.redeemer_id, l.currency_id,
    l.points, l.money, l.issuer_minor, l.redeemer_minor, l.fee_minor, l.corrects_week, l.corrects_number
"""
_STANDING = f"""
    SELECT {LINE_COLUMNS}, l.points + coalesce(c.points, 0)::bigint AS points_left,
           l.issuer_minor + coalesce(c.issuer_minor, 0)::bigint AS issuer_left,
           l.redeemer_minor + coalesce(c.redeemer_minor, 0)::bigint AS redeemer_left,
           l.fee_minor + coalesce(c.fee_minor, 0)::bigint AS fee_left, coalesce(c.upheld, false) AS upheld
    FROM clearing_line l LEFT JOIN LATERAL (
        SELECT sum(k.points) AS points, sum(k.issuer_minor) AS issuer_minor, sum(k.redeemer_minor) AS redeemer_minor,
               sum(k.fee_minor) AS fee_minor, bool_or(k.kind = 'dispute') AS upheld
        FROM clearing_line k WHERE k.corrects_week = l.week AND k.corrects_number = l.number AND k.week < :week) c ON true
    WHERE l.week < :week AND l.kind = 'redemption'
"""
_STANDING_ENTRIES = text(f"{_STANDING} AND l.entry_id = ANY (:entries) ORDER BY l.week, l.number")
_STANDING_PLACES = text(
    f"{_STANDING} AND (l.week, l.number) IN (SELECT * FROM unnest(CAST(:weeks AS date[]), CAST(:numbers AS integer[])))"
    " ORDER BY l.week, l.number"
)


def sunday(week: dt.date) -> dt.date:
    """The last day of a week."""
    return week + dt.timedelta(days=6)


def monday(day: dt.date) -> dt.date:
    """The week that a day belongs to."""
    return day - dt.timedelta(days=day.weekday())


def line_of(row: Row[Any]) -> Line:
    """A row of `LINE_COLUMNS`."""
    corrects = None if row.corrects_week is None else Place(row.corrects_week, row.corrects_number)
    return Line(
        place=Place(row.week, row.number),
        kind=row.kind,
        day=row.day,
        entry_id=row.entry_id,
        redemption_id=row.redemption_id,
        dispute_id=row.dispute_id,
        issuer_id=row.issuer_id,
        redeemer_id=row.redeemer_id,
        currency_id=row.currency_id,
        points=row.points,
        money=row.money,
        amounts=Amounts(row.issuer_minor, row.redeemer_minor, row.fee_minor),
        corrects=corrects,
    )


async def first_day(tx: AsyncConnection) -> dt.date | None:
    """The day of the first event there is."""
    found: dt.date | None = await tx.scalar(_FIRST)
    return found


async def note_late(tx: AsyncConnection, week: dt.date) -> None:
    """Let `week`, which is about to be closed, count what happened in weeks that were closed without it."""
    since = week - dt.timedelta(days=LATE_DAYS)
    await tx.execute(_NOTE_LATE, {"week": week, "since": since, "until": week - dt.timedelta(days=1)})


async def of_week(
    tx: AsyncConnection, week: dt.date, *, closed: bool, merchant_id: int | None = None
) -> tuple[list[Event], list[Upheld]]:
    """What a week counts, or those of its events in which one merchant has a part. Of a closed one, without what came late: that
    is another week's, or waits for the next close."""
    asked = {"since": week, "until": sunday(week), "closed": closed, "merchant": merchant_id}
    own = (await tx.execute(_OWN, asked)).all()
    before = {
        "since": week - dt.timedelta(days=LATE_DAYS),
        "until": sunday(week),
        "week": week,
        "merchant": merchant_id,
    }
    late = (await tx.execute(_LATE, before)).all()
    upheld = [Upheld(row.id, row.decided_on, Place(row.week, row.number)) for row in await tx.execute(_UPHELD, asked)]
    return [*_events(own), *_events(late)], upheld


def _events(rows: Sequence[Row[Any]]) -> list[Event]:
    found = []
    for (kind, entry_id), group in itertools.groupby(rows, key=lambda row: (row.kind, row.entry_id)):
        parts = list(group)
        first = parts[0]
        found.append(
            Event(
                kind,
                first.day,
                entry_id,
                first.redemption_id,
                first.undoes,
                first.redeemer_id,
                first.currency_id,
                tuple((row.issuer_id, row.points) for row in parts),
            )
        )
    return found


async def standing(
    tx: AsyncConnection, week: dt.date, events: Sequence[Event], upheld: Sequence[Upheld]
) -> list[Standing]:
    """The lines of earlier weeks that these events correct, as they stood before `week`."""
    found: dict[Place, Standing] = {}
    burns = [e.undoes for e in events if e.undoes is not None]
    places = [u.of for u in upheld]
    queries: list[tuple[Any, dict[str, Any]]] = []
    if burns:
        queries.append((_STANDING_ENTRIES, {"entries": burns}))
    if places:
        columns = {"weeks": [p.week for p in places], "numbers": [p.number for p in places]}
        queries.append((_STANDING_PLACES, columns))
    for query, asked in queries:
        for row in await tx.execute(query, {**asked, "week": week}):
            left = Amounts(row.issuer_left, row.redeemer_left, row.fee_left)
            line = line_of(row)
            found[line.place] = Standing(line, row.points_left, left, row.upheld)
    return list(found.values())
