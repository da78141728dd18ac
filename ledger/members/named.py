"""What a merchant's document may speak of: the programme's tiers, regions and green classes; nobody would ever be of another."""

from __future__ import annotations

from collections.abc import Set as AbstractSet
from dataclasses import dataclass

from sqlalchemy import text
from sqlalchemy.ext.asyncio import AsyncConnection

from ledger.errors import Refusal
from ledger.members.profile import NoSuchRegion
from ledger.members.standings import NoSuchTier

_PROGRAMME = text("SELECT document FROM programme WHERE one = 1")


@dataclass(eq=False)
class NoSuchGreenClass(Refusal):
    """The programme has no green class of this code."""

    green_class: str


async def must_be_known(
    tx: AsyncConnection,
    *,
    tiers: AbstractSet[str],
    regions: AbstractSet[str],
    green_classes: AbstractSet[str | None] = frozenset(),
) -> None:
    """That the programme has all of these, by their codes.

    Raises:
        NoSuchTier → NoSuchRegion → NoSuchGreenClass: of the first that it hasn't.
    """
    if not tiers and not regions and not green_classes:
        return
    document = await tx.scalar(_PROGRAMME) or {}
    for tier in sorted(tiers - {each["code"] for each in document.get("tiers", ())}):
        raise NoSuchTier(tier)
    for region in sorted(regions - {each["code"] for each in document.get("regions", ())}):
        raise NoSuchRegion(region)
    scale = document.get("green_scale", {})
    for green in sorted(filter(None, green_classes - {*scale.get("names", ()), *scale.get("weights", ())})):
        raise NoSuchGreenClass(green)
