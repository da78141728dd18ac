"""What a merchant's document may speak of: the programme's own tiers and regions. Nobody would ever be of another."""

from __future__ import annotations

from collections.abc import Set as AbstractSet

from sqlalchemy import text
from sqlalchemy.ext.asyncio import AsyncConnection

from ledger.members.profile import NoSuchRegion
from ledger.members.standings import NoSuchTier

_PROGRAMME = text("SELECT document FROM programme WHERE one = 1")


async def must_be_known(tx: AsyncConnection, *, tiers: AbstractSet[str], regions: AbstractSet[str]) -> None:
    """That the programme has all of these, by their codes.

    Raises:
        NoSuchTier → NoSuchRegion: of the first that it hasn't.
    """
    if not tiers and not regions:
        return
    document = await tx.scalar(_PROGRAMME) or {}
    for tier in sorted(tiers - {each["code"] for each in document.get("tiers", ())}):
        raise NoSuchTier(tier)
    for region in sorted(regions - {each["code"] for each in document.get("regions", ())}):
        raise NoSuchRegion(region)
