"""Households: whose pieces are counted together. A family that somebody belongs to today; without one, everybody is their own.

Whoever counts and then takes holds the household (`hold`), and so does whoever joins one: between the count and the taking nobody
else of it takes anything, and nobody comes to it with pieces that were not counted.
"""

from __future__ import annotations

from sqlalchemy import text
from sqlalchemy.ext.asyncio import AsyncConnection

OF_MEMBER = """
    SELECT $1::bigint AS member_id
    UNION SELECT other.member_id
    FROM family_place mine JOIN family_place other
        ON other.family_id = mine.family_id AND other.left_at IS NULL AND other.in_from <= $2::date
    WHERE mine.member_id = $1 AND mine.left_at IS NULL AND mine.in_from <= $2::date
"""
"""All of member $1's household on business date $2, the member included."""

_STAND = text("SELECT pg_advisory_xact_lock(hashtextextended('household:' || CAST(:member AS text), 0))")
_HOME = text(
    "SELECT f.id FROM family_place p JOIN family f ON f.id = p.family_id"
    " WHERE p.member_id = :member AND p.left_at IS NULL FOR UPDATE OF f"
)


async def stand(tx: AsyncConnection, member_id: int) -> None:
    """Keep a member in the household that they are in, until the transaction ends: they join and found none meanwhile."""
    await tx.execute(_STAND, {"member": str(member_id)})


async def hold(tx: AsyncConnection, member_id: int) -> None:
    """Hold a member's household until the transaction ends; what it has is read by a later statement.

    The member's own lock first, then the family's row, as in `families.accept`. Who is taken out of the family while this waits for
    the row is a household of one afterwards, and held as that.
    """
    await stand(tx, member_id)
    await tx.execute(_HOME, {"member": member_id})
