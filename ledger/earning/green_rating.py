"""A merchant's green rating (C7): the weighted share of green goods in what it sold, as a letter.

    share = Σ (sales of a green class × its weight) ÷ all sales        over so many days, net of refunds

`rate` is a function of values; what was sold is counted every night (`count`), set by set, and kept, so that lists of merchants are
quick. Weights and bands are the programme's: changing them changes the letters at once.
"""

from __future__ import annotations

import datetime as dt
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass

from sqlalchemy import text
from sqlalchemy.ext.asyncio import AsyncConnection

from ledger.programme import GreenScale

PLAIN = ""
"""How sales without a green class are filed."""


@dataclass(frozen=True, slots=True)
class Sold:
    """What a merchant sold: how many purchases, and money in minor units by green class (`PLAIN`: none)."""

    purchases: int
    by_class: Mapping[str, int]


@dataclass(frozen=True, slots=True)
class Share:
    """One green class: its part of all sales in tenths of a per cent, and the per cent at which it counts."""

    green_class: str
    per_mille: int
    weight: int


@dataclass(frozen=True, slots=True)
class Rating:
    """A letter with how it came about; `letter` None: not yet: `missing` purchases are wanted, or (0) no sale named a class."""

    letter: str | None
    per_mille: int
    shares: tuple[Share, ...]
    purchases: int
    missing: int


def rate(sold: Sold, scale: GreenScale) -> Rating:
    """The letter of what was sold. Rounded down once, at the end: 59.99 % is no 60 %.

    Whose tills never say what is green gets no letter rather than the last one: nothing is known of their goods.
    """
    whole = sum(sold.by_class.values())
    missing = max(0, scale.purchases_min - sold.purchases)
    weights = {name: scale.weights.get(name, 100) for name in sold.by_class if name != PLAIN}
    if missing or whole <= 0 or not weights:
        return Rating(None, 0, (), sold.purchases, missing)
    weighted = sum(sold.by_class[name] * weight for name, weight in weights.items())
    band = next(band for band in scale.bands if weighted >= band.from_percent * whole)
    shares = tuple(
        Share(name, sold.by_class[name] * 1000 // whole, weight)
        for name, weight in sorted(weights.items(), key=lambda each: (-sold.by_class[each[0]], each[0]))
    )
    return Rating(band.letter, weighted * 10 // whole, shares, sold.purchases, 0)


NOTHING = Sold(0, {})

_COUNT = text(
    """
    INSERT INTO green_rating (merchant_id, as_of, purchases, by_class)
    SELECT m.id, :today, coalesce(n.purchases, 0), coalesce(s.by_class, '{}'::jsonb)
    FROM unnest(CAST(:merchants AS bigint[])) AS m(id)
    LEFT JOIN (
        SELECT merchant_id, count(*) AS purchases FROM purchase
        WHERE merchant_id = ANY(CAST(:merchants AS bigint[])) AND occurred_at >= :from_instant
          AND bought_on > :since AND bought_on <= :today AND taken_back_at IS NULL AND amount_minor > refunded_minor
        GROUP BY merchant_id
    ) n ON n.merchant_id = m.id
    LEFT JOIN (
        SELECT merchant_id, jsonb_object_agg(green_class, minor) AS by_class FROM (
            SELECT p.merchant_id, coalesce(part->>2, '') AS green_class,
                   floor(sum((part->>0)::numeric * (p.amount_minor - p.refunded_minor) / p.amount_minor))::bigint AS minor
            FROM purchase p CROSS JOIN LATERAL jsonb_array_elements(p.bill->'parts') AS part
            WHERE p.merchant_id = ANY(CAST(:merchants AS bigint[])) AND p.occurred_at >= :from_instant
              AND p.bought_on > :since AND p.bought_on <= :today AND p.taken_back_at IS NULL
              AND p.amount_minor > p.refunded_minor
            GROUP BY 1, 2
        ) classes GROUP BY merchant_id
    ) s ON s.merchant_id = m.id
    ON CONFLICT (merchant_id) DO UPDATE
    SET as_of = excluded.as_of, purchases = excluded.purchases, by_class = excluded.by_class
    """
)
_SOLD = text(
    "SELECT merchant_id, purchases, by_class FROM green_rating WHERE merchant_id = ANY(CAST(:ids AS bigint[]))"
)


async def count(tx: AsyncConnection, merchant_ids: Sequence[int], *, days: int, today: dt.date) -> None:
    """Count what these merchants sold in the `days` up to `today`, and keep it in place of what was counted before."""
    since = today - dt.timedelta(days=days)
    values = {"merchants": list(merchant_ids), "today": today, "since": since}
    # The index goes by instants; a day of leeway covers every time zone.
    midnight = dt.datetime.combine(since, dt.time(), dt.UTC) - dt.timedelta(days=1)
    await tx.execute(_COUNT, {**values, "from_instant": midnight})


async def sold(tx: AsyncConnection, merchant_ids: Iterable[int]) -> dict[int, Sold]:
    """What was counted last, by merchant; those never counted are left out."""
    rows = await tx.execute(_SOLD, {"ids": list(merchant_ids)})
    return {row.merchant_id: Sold(row.purchases, row.by_class) for row in rows}


async def ratings(tx: AsyncConnection, merchant_ids: Iterable[int], scale: GreenScale) -> dict[int, Rating]:
    """The ratings of these merchants, by the scale as it is now."""
    ids = list(merchant_ids)
    counted = await sold(tx, ids)
    return {merchant_id: rate(counted.get(merchant_id, NOTHING), scale) for merchant_id in ids}
