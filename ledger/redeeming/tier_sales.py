"""A tier bought with points until a day (M10), beside whatever is earned meanwhile.

The points go to the merchant that the programme names as the seller; clearing pays it as for anything else they are spent on.
"""

from __future__ import annotations

import datetime as dt
from dataclasses import dataclass
from typing import ClassVar

from sqlalchemy.ext.asyncio import AsyncConnection

from ledger.errors import Refusal
from ledger.members import standings, tiers
from ledger.members.member import Member
from ledger.merchants import merchant as merchants
from ledger.points import engine
from ledger.points.commands import Burn, Moment, Receipt
from ledger.programme import Programme, Tier, TierPrice
from ledger.redeeming.may_redeem import MemberMayNotSpend


@dataclass(eq=False)
class TierNotForSale(Refusal):
    """The programme sells no such tier."""

    tier: str


@dataclass(eq=False)
class TierPriceChanged(Refusal):
    """The price is not the one that was shown: it is shown anew, nothing is charged."""

    tier: str
    may_succeed_later: ClassVar[bool] = True


@dataclass(eq=False)
class TierHeld(Refusal):
    """The member has this tier or a higher one already."""

    tier: str


@dataclass(frozen=True, slots=True)
class Sale:
    """A tier and what it costs today, good until a day."""

    tier: Tier
    price: TierPrice
    until: dt.date


@dataclass(frozen=True, slots=True)
class Bought:
    """What was bought, by which entry. `change` is None where an earlier tap had done it already."""

    sale: Sale
    receipt: Receipt
    change: standings.Change | None


def sales(programme: Programme, in_force: str | None, *, today: dt.date) -> list[Sale]:
    """The tiers above the one in force that are for sale, lowest first."""
    above = programme.tiers[tiers.place(programme.tiers, in_force) + 1 :]
    return [_sale(tier, tier.price, today) for tier in above if tier.price is not None]


def sale(programme: Programme, tier: str, *, today: dt.date) -> Sale:
    """One tier's sale, or `TierNotForSale`."""
    for each in programme.tiers:
        if each.code == tier and each.price is not None:
            return _sale(each, each.price, today)
    raise TierNotForSale(tier)


def _sale(tier: Tier, price: TierPrice, today: dt.date) -> Sale:
    return Sale(tier, price, today + dt.timedelta(days=price.days))


async def buy(
    tx: AsyncConnection, programme: Programme, who: Member, tier: str, shown: TierPrice, *, nonce: str, at: Moment
) -> Bought:
    """Spend common points on a tier. The same nonce again charges nothing.

    Args:
        shown: the price as the confirm screen said it.
    Raises:
        TierNotForSale → TierPriceChanged → MemberMayNotSpend → the engine's refusals → TierHeld.
    """
    offered = sale(programme, tier, today=at.today)
    if offered.price != shown:
        raise TierPriceChanged(tier)
    if who.status != "active":
        raise MemberMayNotSpend(who.status)
    assert programme.tier_seller is not None
    seller = await merchants.by_code(tx, programme.tier_seller)
    key = f"tier:{who.id}:{nonce}"
    names = {"name_zh": offered.tier.name_zh, "name_en": offered.tier.name_en}
    burn = Burn(
        key=key,
        owner=who.owner,
        currency=programme.common_currency,
        at=at,
        actor=who.actor,
        merchant_id=seller.id,
        points=offered.price.points,
        facts={"what": "tier", "tier": tier, **names},
    )
    receipt = await engine.post(tx, burn)
    if receipt.repeated:
        return Bought(offered, receipt, None)
    change = await standings.grant(
        tx, programme, who.id, tier, offered.until, "bought", key=key, actor=who.actor, at=at
    )
    if change is None:
        raise TierHeld(tier)
    return Bought(offered, receipt, change)
