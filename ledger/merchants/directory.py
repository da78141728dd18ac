"""Merchants as members look for them: by region and trade. Who is suspended is listed too: points are still good there."""

from __future__ import annotations

from dataclasses import dataclass

from sqlalchemy import text
from sqlalchemy.ext.asyncio import AsyncConnection


@dataclass(frozen=True, slots=True)
class Listed:
    """One merchant of the list; `outlets` in the region asked for, or altogether."""

    id: int
    name_zh: str
    name_en: str
    category: str
    region: str | None
    status: str
    outlets: int


# A merchant is in a region by its own region, by an outlet there, or everywhere by having none.
_HERE = """
    m.status IN ('certified', 'suspended') AND (CAST(:region AS text) IS NULL OR m.region IS NULL OR m.region = :region
        OR EXISTS (SELECT 1 FROM outlet o WHERE o.merchant_id = m.id AND o.closed_at IS NULL AND o.region = :region))
"""
_FIND = text(
    f"""
    SELECT m.id, m.name_zh, m.name_en, m.category, m.region, m.status,
           (SELECT count(*) FROM outlet o WHERE o.merchant_id = m.id AND o.closed_at IS NULL
            AND (CAST(:region AS text) IS NULL OR coalesce(o.region, m.region) IS NULL
                 OR coalesce(o.region, m.region) = :region)) AS outlets
    FROM merchant m WHERE {_HERE} AND (CAST(:category AS text) IS NULL OR m.category = :category)
    ORDER BY m.region IS NULL, m.id OFFSET :offset LIMIT :limit
    """
)
_CATEGORIES = text(f"SELECT m.category, count(*) FROM merchant m WHERE {_HERE} GROUP BY 1")


async def find(
    tx: AsyncConnection, *, region: str | None, category: str | None, offset: int = 0, limit: int = 10
) -> list[Listed]:
    """Merchants of a region (None: of all) and a trade (None: of all); those that are everywhere come last."""
    values = {"region": region, "category": category, "offset": offset, "limit": limit}
    return [Listed(*row) for row in await tx.execute(_FIND, values)]


async def categories(tx: AsyncConnection, *, region: str | None) -> dict[str, int]:
    """How many merchants there are of each trade."""
    return {row[0]: row[1] for row in await tx.execute(_CATEGORIES, {"region": region})}
