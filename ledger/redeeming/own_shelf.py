"""A merchant's own shelf: each of its offers with what is left and how often it was redeemed, its versions, what redeems best."""

from __future__ import annotations

import datetime as dt
from dataclasses import dataclass
from typing import Any, Literal

from sqlalchemy import text
from sqlalchemy.ext.asyncio import AsyncConnection

from ledger.merchants import log
from ledger.points.reading import fetch
from ledger.redeeming.may_redeem import Listed
from ledger.redeeming.offers import Offer
from ledger.redeeming.publish import set_active
from ledger.redeeming.shelf import NoSuchOffer, of_merchant, one
from ledger.redeeming.stock import WHOLE

BEST_DAYS = 30
"""What redeems best is counted over so many days, and compared with as many before them."""

Standing = Literal["active", "paused", "over"]
_ORDER: tuple[Standing, ...] = ("active", "paused", "over")


@dataclass(frozen=True, slots=True)
class Had:
    """What members had of an offer, in pieces, by the days on which they redeemed; what came back does not count.

    `last` and `before` are the `BEST_DAYS` up to today, and as many before them. `points` and `value_minor` are those of `last`;
    `used` is how many pieces of those were handed over by now.
    """

    week: int = 0
    month: int = 0
    last: int = 0
    before: int = 0
    used: int = 0
    points: int = 0
    value_minor: int = 0


@dataclass(frozen=True, slots=True)
class Own:
    """One of a merchant's offers. `left` None: its pieces are not limited."""

    listed: Listed
    standing: Standing
    taken: int | None
    left: int | None
    had: Had


@dataclass(frozen=True, slots=True)
class Version:
    """A version of an offer. `made_by` None: from before that was kept."""

    version: int
    offer: Offer
    made_at: dt.datetime
    made_by: str | None


_STOCK = (
    "SELECT s.offer_id, s.taken, s.limit_to FROM offer_stock s JOIN offer o ON o.id = s.offer_id"
    " WHERE o.merchant_id = $1 AND s.day = $2"
)
_HAD = """
    SELECT offer_id,
           coalesce(sum(units) FILTER (WHERE issued_on > $3::date - 7), 0)::bigint,
           coalesce(sum(units) FILTER (WHERE issued_on >= date_trunc('month', $3::date)::date), 0)::bigint,
           coalesce(sum(units) FILTER (WHERE issued_on > $3::date - $4::int), 0)::bigint,
           coalesce(sum(units) FILTER (WHERE issued_on <= $3::date - $4::int), 0)::bigint,
           coalesce(sum(units) FILTER (WHERE issued_on > $3::date - $4::int AND state = 'used'), 0)::bigint,
           coalesce(sum(points) FILTER (WHERE issued_on > $3::date - $4::int), 0)::bigint,
           coalesce(sum(value_minor) FILTER (WHERE issued_on > $3::date - $4::int), 0)::bigint
    FROM redemption
    WHERE offer_id = ANY (ARRAY(SELECT id FROM offer WHERE merchant_id = $1)) AND issued_on > $2 AND issued_on <= $3
      AND state IN ('held', 'issued', 'used') GROUP BY offer_id
"""
_TAKEN = text(
    "SELECT coalesce((SELECT taken FROM offer_stock WHERE offer_id = :id AND day = :whole),"
    " (SELECT coalesce(sum(units), 0) FROM redemption WHERE offer_id = :id AND state IN ('held', 'issued', 'used')))"
)
_CONCERNED = text(
    "SELECT (SELECT count(*) FROM redemption WHERE offer_id = :id AND state IN ('held', 'issued')),"
    " (SELECT count(*) FROM favourite WHERE offer_id = :id)"
)
_VERSIONS = text(
    "SELECT version, document::text AS document, made_at, made_by FROM offer_version WHERE offer_id = :id"
    " AND version <= :most ORDER BY version DESC LIMIT :limit"
)


def standing_of(this: Listed, today: dt.date) -> Standing:
    """Whether it can be had, was paused, or has no day left on which it could be."""
    days = this.offer.on_shelf
    if days is not None and days.next(today) is None:
        return "over"
    return "active" if this.active else "paused"


async def all_of(tx: AsyncConnection, merchant_id: int, *, today: dt.date) -> list[Own]:
    """Everything that a merchant offers or offered: what is on the shelf first, the newest first in each."""
    since = today - dt.timedelta(days=2 * BEST_DAYS)
    stocks = {row[0]: (row[1], row[2]) for row in await fetch(tx, _STOCK, merchant_id, WHOLE)}
    had = {row[0]: Had(*row[1:]) for row in await fetch(tx, _HAD, merchant_id, since, today, BEST_DAYS)}
    found = []
    for this in await of_merchant(tx, merchant_id):
        taken, most = stocks.get(this.id, (None, None)) if this.offer.limits.stock is not None else (None, None)
        left = None if taken is None or most is None else most - taken
        found.append(Own(this, standing_of(this, today), taken, left, had.get(this.id, Had())))
    return sorted(found, key=lambda each: (_ORDER.index(each.standing), -each.listed.id))


async def one_of(tx: AsyncConnection, merchant_id: int, offer_id: int, *, today: dt.date) -> Own:
    """One of them. `NoSuchOffer` for another merchant's."""
    for each in await all_of(tx, merchant_id, today=today):
        if each.listed.id == offer_id:
            return each
    raise NoSuchOffer(offer_id)


async def concerned(tx: AsyncConnection, offer_id: int) -> tuple[int, int]:
    """Whom pausing an offer concerns: vouchers that are out and not used yet, and members who keep it as a favourite."""
    vouchers, kept = (await tx.execute(_CONCERNED, {"id": offer_id})).one()
    return int(vouchers), int(kept)


async def taken_of(tx: AsyncConnection, offer_id: int) -> int:
    """How many pieces are out: held, issued or used."""
    return int(await tx.scalar(_TAKEN, {"id": offer_id, "whole": WHOLE}) or 0)


async def switch(
    tx: AsyncConnection, merchant_id: int, offer_id: int, active: bool, *, by: str, now: dt.datetime
) -> None:
    """Pause an offer, or bring it back; what is so already stays so. `NoSuchOffer`."""
    this = await one(tx, offer_id)
    if this.merchant_id != merchant_id:
        raise NoSuchOffer(offer_id)
    if this.active == active:
        return
    await set_active(tx, offer_id, active)
    what: log.What = "offer_resumed" if active else "offer_paused"
    facts: dict[str, Any] = {"name_zh": this.offer.name.zh, "name_en": this.offer.name.en}
    await log.write(tx, merchant_id, what, who=by, at=now, **facts)


async def versions(tx: AsyncConnection, offer_id: int, *, most: int, limit: int) -> list[Version]:
    """An offer's versions from number `most` down."""
    rows = await tx.execute(_VERSIONS, {"id": offer_id, "most": most, "limit": limit})
    return [Version(r.version, Offer.model_validate_json(r.document), r.made_at, r.made_by) for r in rows]
