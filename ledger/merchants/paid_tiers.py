"""What a tier for money is at a counter, to one member on one day: its price, until when, and why it is not sold.

The fee is data of the programme (`ledger.programme.TierFee`). A tier that is held until a day already, for points or money or by
the operator, goes on from there where the fee lets it. Nobody is sold what they have earned, or less than they have.
"""

from __future__ import annotations

import datetime as dt
from dataclasses import dataclass
from typing import ClassVar, Literal

from ledger.errors import Refusal
from ledger.members import tiers
from ledger.members.standings import Held
from ledger.merchants.merchant import Merchant
from ledger.programme import Programme, Tier, TierFee


@dataclass(eq=False)
class TierNotSoldHere(Refusal):
    """The programme does not name this merchant as a seller of it."""

    tier: str
    name_zh: str
    name_en: str


@dataclass(eq=False)
class SellerMayNotSell(Refusal):
    """Only a certified merchant sells tiers; `status` says what it is instead."""

    name_zh: str
    name_en: str
    status: str
    may_succeed_later: ClassVar[bool] = True


@dataclass(eq=False)
class NoTierForThem(Refusal):
    """Tiers are of active members: not of a company's account, nor of a card or phone that nobody has claimed."""

    who: Literal["company", "unclaimed", "frozen", "closed"]


@dataclass(eq=False)
class TierAddsNothing(Refusal):
    """They have this tier by their own doing, or a higher one anyhow, until a day (None: no end is known)."""

    tier_zh: str
    tier_en: str
    until: dt.date | None


@dataclass(eq=False)
class TierNotExtended(Refusal):
    """They have it until a day, and it is not sold again before that."""

    tier_zh: str
    tier_en: str
    until: dt.date


@dataclass(frozen=True, slots=True)
class Offered:
    """A tier for money to one member today. `extends_from` is the end that its days are added to; None: they begin today."""

    tier: Tier
    fee: TierFee
    until: dt.date
    extends_from: dt.date | None

    @property
    def terms(self) -> tuple[str, int, int, dt.date]:
        """What the confirm screen says, and the member pays for: which tier, how much, how many days, until when."""
        return self.tier.code, self.fee.amount_minor, self.fee.days, self.until


def sold_by(programme: Programme, merchant: Merchant) -> list[tuple[Tier, TierFee]]:
    """The tiers that a merchant sells, lowest first."""
    return [(tier, tier.fee) for tier in programme.tiers if tier.fee is not None and merchant.code in tier.fee.sellers]


def offered(programme: Programme, merchant: Merchant, tier: str, held: Held, *, today: dt.date) -> Offered:
    """What a tier would be to a member who stands as `held`.

    Raises:
        TierNotSoldHere → SellerMayNotSell → TierAddsNothing → TierNotExtended.
    """
    found = next((each for each in sold_by(programme, merchant) if each[0].code == tier), None)
    if found is None:
        known = programme.tiers[tiers.place(programme.tiers, tier)] if programme.tiers else None
        raise TierNotSoldHere(tier, known.name_zh if known else tier, known.name_en if known else tier)
    if (status := merchant.status_on(today)) != "certified":
        raise SellerMayNotSell(merchant.name_zh, merchant.name_en, status)
    wanted, fee = found
    _must_add(programme, wanted, held, today)
    ends = max((grant.until for grant in held.grants if grant.tier == tier), default=None)
    if ends is not None and not fee.extends:
        raise TierNotExtended(wanted.name_zh, wanted.name_en, ends)
    return Offered(wanted, fee, (ends or today) + dt.timedelta(days=fee.days), ends)


def _must_add(programme: Programme, wanted: Tier, held: Held, today: dt.date) -> None:
    """`TierAddsNothing` where the member has earned it, or anything higher carries them."""
    ladder, step = programme.tiers, tiers.place(programme.tiers, wanted.code)
    earned = held.standing
    if earned is not None and (earned.until is None or earned.until >= today):
        place = tiers.place(ladder, earned.tier)
        if place >= step:
            raise TierAddsNothing(ladder[place].name_zh, ladder[place].name_en, earned.until)
    granted = max((tiers.place(ladder, grant.tier) for grant in held.grants), default=0)
    if granted > step:
        higher = ladder[granted]
        until = max(grant.until for grant in held.grants if grant.tier == higher.code)
        raise TierAddsNothing(higher.name_zh, higher.name_en, until)
