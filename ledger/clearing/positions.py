"""A merchant's week: its position, and its lines page by page down to the redemption."""

from __future__ import annotations

import datetime as dt
from collections.abc import Iterable
from dataclasses import dataclass, replace

from sqlalchemy import text
from sqlalchemy.ext.asyncio import AsyncConnection

from ledger.clearing import events
from ledger.clearing.derive import Line, Place
from ledger.errors import Refusal


@dataclass(frozen=True, slots=True)
class Position:
    """What one merchant's points of one currency, and those it took, come to in a week; money in minor units.

    `elsewhere`: its points spent at others, for which it pays. `taken`: others' points spent at its counter, for which it is paid,
    less the fee. `own`: its points at its own counter, for which nobody pays.
    """

    merchant_id: int
    currency_id: int
    money: str
    elsewhere: int = 0
    taken: int = 0
    own: int = 0
    pays_minor: int = 0
    gets_minor: int = 0
    fee_minor: int = 0

    @property
    def net_minor(self) -> int:
        """What it gets on the whole; negative: what it pays."""
        return self.gets_minor - self.fee_minor - self.pays_minor


@dataclass(frozen=True, slots=True)
class Shown:
    """A line as a statement shows it: with the offer's name, and the dispute about it."""

    line: Line
    offer_zh: str | None
    offer_en: str | None
    dispute_id: int | None


@dataclass(eq=False)
class NoSuchLine(Refusal):
    """The merchant has no such line."""

    week: dt.date
    number: int


_POSITIONS = text(
    """
    SELECT merchant_id, currency_id, money, sum(elsewhere)::bigint AS elsewhere, sum(taken)::bigint AS taken,
           sum(own)::bigint AS own, sum(pays)::bigint AS pays, sum(gets)::bigint AS gets, sum(fee)::bigint AS fee
    FROM (
        SELECT issuer_id AS merchant_id, currency_id, money,
               CASE WHEN issuer_id <> redeemer_id THEN points ELSE 0 END AS elsewhere, 0 AS taken,
               CASE WHEN issuer_id = redeemer_id THEN points ELSE 0 END AS own, issuer_minor AS pays, 0 AS gets, 0 AS fee
        FROM clearing_line WHERE week = :week AND (CAST(:merchant AS bigint) IS NULL OR issuer_id = :merchant)
        UNION ALL
        SELECT redeemer_id, currency_id, money, 0, CASE WHEN issuer_id <> redeemer_id THEN points ELSE 0 END, 0, 0,
               redeemer_minor, fee_minor
        FROM clearing_line WHERE week = :week AND (CAST(:merchant AS bigint) IS NULL OR redeemer_id = :merchant)) sides
    GROUP BY 1, 2, 3 ORDER BY 1, 3, 2
    """
)
_OPERATOR = text(
    "SELECT money, sum(issuer_minor - redeemer_minor + fee_minor)::bigint AS minor FROM clearing_line WHERE week = :week"
    " GROUP BY 1 ORDER BY 1"
)
_WEEKS = text(
    "SELECT week FROM clearing_close WHERE CAST(:before AS date) IS NULL OR week < :before ORDER BY week DESC LIMIT :limit"
)
_SHOWN = f"""
    SELECT {events.LINE_COLUMNS}, v.document -> 'name' ->> 'zh' AS offer_zh, v.document -> 'name' ->> 'en' AS offer_en,
           d.id AS dispute
    FROM clearing_line l
    LEFT JOIN redemption r ON r.id = l.redemption_id
    LEFT JOIN offer_version v ON v.offer_id = r.offer_id AND v.version = r.offer_version
    LEFT JOIN clearing_dispute d ON d.week = l.week AND d.number = l.number
    WHERE l.week = :week AND (l.issuer_id = :merchant OR l.redeemer_id = :merchant)
"""
_PAGE = text(f"{_SHOWN} ORDER BY l.number OFFSET :offset LIMIT :limit")
_LINE = text(f"{_SHOWN} AND l.number = :number")
_COUNT = text(
    "SELECT count(*) FROM clearing_line WHERE week = :week AND (issuer_id = :merchant OR redeemer_id = :merchant)"
)


async def weeks(tx: AsyncConnection, *, before: dt.date | None = None, limit: int = 8) -> list[dt.date]:
    """Closed weeks, newest first."""
    return list(await tx.scalars(_WEEKS, {"before": before, "limit": limit}))


async def positions(tx: AsyncConnection, week: dt.date, merchant_id: int | None = None) -> list[Position]:
    """Everybody's positions of a closed week, or one merchant's; by merchant, money, currency."""
    rows = await tx.execute(_POSITIONS, {"week": week, "merchant": merchant_id})
    return [Position(*row) for row in rows]


async def operator_minor(tx: AsyncConnection, week: dt.date) -> dict[str, int]:
    """What a closed week left with the operator, by money."""
    return {row.money: row.minor for row in await tx.execute(_OPERATOR, {"week": week})}


def summed(lines: Iterable[Line]) -> list[Position]:
    """The positions of lines that are not written yet, in the order of `positions`."""
    sums: dict[tuple[int, str, int], Position] = {}
    for line in lines:
        own = line.issuer_id == line.redeemer_id
        for merchant, pays in ((line.issuer_id, True), (line.redeemer_id, False)):
            key = (merchant, line.money, line.currency_id)
            was = sums.get(key) or Position(merchant, line.currency_id, line.money)
            if pays:
                sums[key] = replace(
                    was,
                    elsewhere=was.elsewhere + (0 if own else line.points),
                    own=was.own + (line.points if own else 0),
                    pays_minor=was.pays_minor + line.amounts.issuer_minor,
                )
            else:
                sums[key] = replace(
                    was,
                    taken=was.taken + (0 if own else line.points),
                    gets_minor=was.gets_minor + line.amounts.redeemer_minor,
                    fee_minor=was.fee_minor + line.amounts.fee_minor,
                )
    return [sums[key] for key in sorted(sums)]


async def page(
    tx: AsyncConnection, merchant_id: int, week: dt.date, *, offset: int = 0, limit: int | None = None
) -> list[Shown]:
    """A merchant's lines of a closed week, in their order."""
    asked = {"merchant": merchant_id, "week": week, "offset": offset, "limit": limit}
    return [_shown(row) for row in await tx.execute(_PAGE, asked)]


async def count(tx: AsyncConnection, merchant_id: int, week: dt.date) -> int:
    """How many lines a merchant has in a closed week."""
    return int(await tx.scalar(_COUNT, {"merchant": merchant_id, "week": week}) or 0)


async def line(tx: AsyncConnection, merchant_id: int, place: Place) -> Shown:
    """One line of a merchant's. `NoSuchLine` for anybody else's."""
    asked = {"merchant": merchant_id, "week": place.week, "number": place.number}
    row = (await tx.execute(_LINE, asked)).first()
    if row is None:
        raise NoSuchLine(*place)
    return _shown(row)


def _shown(row: object) -> Shown:
    return Shown(events.line_of(row), row.offer_zh, row.offer_en, row.dispute)  # type: ignore[arg-type, attr-defined]
