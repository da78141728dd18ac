"""The one predicate: may this member have this offer now, for how much — and if not, which rules say so and what lifts them.

It is pure, and both listing and redeeming ask it, so what is shown can be had. Reasons are given in this order, all that apply:

`MemberMayNotSpend` → `OfferPaused` → `MerchantNotServing` → `OnlyForTiers` → `OnlyForStanding` → `OnlyInRegions` → `OfferOver` or
`NotYetOnShelf` or `BlackedOut` → `AmountNotOffered` → `SoldOut` → `MembershipHeld` → `MemberHadAll` (ever, month, day) →
`HouseholdHadAll` (ever, month, day) → `DayQuotaTaken` → `NoSlotFree` → `PointsShort`.
"""

from __future__ import annotations

import datetime as dt
from dataclasses import dataclass
from typing import ClassVar, Literal

from ledger.errors import Refusal
from ledger.points.commands import NotEnoughPoints
from ledger.redeeming.booking import Openings
from ledger.redeeming.fulfilments import Fulfiller
from ledger.redeeming.in_force import InForce, in_force
from ledger.redeeming.memberships import Climb, MembershipHeld
from ledger.redeeming.offers import AmountNotOffered, Names, Offer, PerMoney, PerUnit, Quote
from ledger.redeeming.reach import not_for, not_now, opens
from ledger.redeeming.who import NOBODY, Traits

Period = Literal["ever", "month", "day"]


@dataclass(frozen=True, slots=True)
class Listed:
    """An offer on the shelf.

    `serves`: its merchant may hand things over (certified or suspended, not closed). `common`: paid in the coalition's currency.
    `fulfillers` hand it over too.
    """

    id: int
    version: int
    active: bool
    merchant_id: int
    merchant: Names
    serves: bool
    money: str
    currency_id: int
    currency: Names
    common: bool
    offer: Offer
    fulfillers: tuple[Fulfiller, ...] = ()

    @property
    def shops(self) -> tuple[Fulfiller, ...]:
        """All that hand it over, its own merchant first."""
        return (Fulfiller(self.merchant_id, self.merchant), *self.fulfillers)


@dataclass(frozen=True, slots=True)
class Facts:
    """What one offer and one member are to each other at one moment.

    Points are of the offer's currency; `next_release` is the day and size of the next pending points. `had` counts the pieces the
    member had (used or usable) today, this month and ever; `house` those of the member's household, where the offer limits them.
    `stock_left` and `day_left` are None without such a limit. `traits` are the member's, as far as the offer asks for them; `climb`
    is what a membership would be to them; `openings` are None where nothing has to be booked.
    """

    spending: bool = True
    available: int = 0
    pending: int = 0
    next_release: tuple[dt.date, int] | None = None
    had_today: int = 0
    had_month: int = 0
    had_ever: int = 0
    house_today: int = 0
    house_month: int = 0
    house_ever: int = 0
    stock_left: int | None = None
    day_left: int | None = None
    traits: Traits = NOBODY
    climb: Climb | None = None
    openings: Openings | None = None

    @property
    def soonest(self) -> dt.datetime | None:
        """When the first slot begins that this member may have; None: none is free, or nothing has to be booked."""
        first = self.openings.first if self.openings is not None else None
        return None if first is None else first.starts_at


@dataclass(eq=False)
class MemberMayNotSpend(Refusal):
    """The member's account is frozen or closed; `status` says which."""

    status: str
    may_succeed_later: ClassVar[bool] = True


@dataclass(eq=False)
class OfferPaused(Refusal):
    """The merchant has taken it off the shelf for now."""

    offer_id: int
    merchant_id: int
    may_succeed_later: ClassVar[bool] = True


@dataclass(eq=False)
class MerchantNotServing(Refusal):
    """The merchant does not take part any more, or not yet."""

    offer_id: int
    merchant: Names
    may_succeed_later: ClassVar[bool] = True


@dataclass(eq=False)
class SoldOut(Refusal):
    """Fewer pieces are left than asked; `left` may still be had."""

    offer_id: int
    asked: int
    left: int
    may_succeed_later: ClassVar[bool] = True


@dataclass(eq=False)
class MemberHadAll(Refusal):
    """The member's own limit for a period is used up, or would be passed; free again on `again_on` (None: never)."""

    offer_id: int
    period: Period
    limit: int
    had: int
    asked: int
    again_on: dt.date | None
    may_succeed_later: ClassVar[bool] = True

    @property
    def left(self) -> int:
        """What may still be had in the period."""
        return max(0, self.limit - self.had)


@dataclass(eq=False)
class HouseholdHadAll(MemberHadAll):
    """The same of the limit for a household: `had` is what everybody had who is of the member's family today."""


@dataclass(eq=False)
class DayQuotaTaken(Refusal):
    """Today's pieces for everybody are gone, or fewer than asked; `may_tomorrow`: the limits of member and household allow it
    then."""

    offer_id: int
    per_day: int
    asked: int
    left: int
    reopens_on: dt.date
    may_tomorrow: bool
    may_succeed_later: ClassVar[bool] = True


@dataclass(eq=False)
class NoSlotFree(Refusal):
    """Every time that may be booked is taken; more can be booked from `opens_on` (None: none is in sight)."""

    offer_id: int
    merchant_id: int
    opens_on: dt.date | None
    may_succeed_later: ClassVar[bool] = True


@dataclass(eq=False)
class PointsShort(NotEnoughPoints):
    """The engine's refusal, foreseen: with the offer, the currency's name and the size of the next release."""

    offer_id: int
    currency: Names
    common: bool
    next_release: tuple[dt.date, int] | None
    may_succeed_later: ClassVar[bool] = True


@dataclass(frozen=True, slots=True)
class Yes:
    """It may: at this price, and up to amount `most` now."""

    quote: Quote
    most: int
    priced: InForce


@dataclass(frozen=True, slots=True)
class No:
    """It may not: every rule that says so, in the documented order; `quote` is None where the amount is not offered."""

    reasons: tuple[Refusal, ...]
    quote: Quote | None
    priced: InForce


def may_redeem(
    listed: Listed, facts: Facts, *, today: dt.date, amount: int | None = None, status: str = ""
) -> Yes | No:
    """Judge one offer for one member on business date `today`; `amount` None asks for the least that is sold."""
    offer, limits, who = listed.offer, listed.offer.limits, facts.traits
    priced = in_force(offer, who, today)
    reasons: list[Refusal] = []
    if not facts.spending:
        reasons.append(MemberMayNotSpend(status))
    if not listed.active:
        reasons.append(OfferPaused(listed.id, listed.merchant_id))
    if not listed.serves:
        reasons.append(MerchantNotServing(listed.id, listed.merchant))
    if offer.restricted:
        reasons += not_for(listed.id, offer, who)
        reasons += not_now(listed.id, listed.merchant_id, offer, who, today)
    price = priced.price
    try:
        quote = price.quote(price.least if amount is None else amount)
    except AmountNotOffered as no:
        return No((*reasons, no), None, priced)
    units = quote.units
    if facts.stock_left is not None and facts.stock_left < units:
        reasons.append(SoldOut(listed.id, units, max(0, facts.stock_left)))
    climb, offered = facts.climb, offer.membership
    if offered is not None and climb is not None and climb.reached:
        reasons.append(MembershipHeld(listed.id, offered.tier, climb.personal))
    tomorrow = today + dt.timedelta(days=1)
    month = _next_month(today)
    own: list[tuple[type[MemberHadAll], Period, int | None, int, dt.date | None]] = [
        (MemberHadAll, "ever", limits.member_ever, facts.had_ever, None),
        (MemberHadAll, "month", limits.member_month, facts.had_month, month),
        (MemberHadAll, "day", limits.member_day, facts.had_today, tomorrow),
        (HouseholdHadAll, "ever", limits.household_ever, facts.house_ever, None),
        (HouseholdHadAll, "month", limits.household_month, facts.house_month, month),
        (HouseholdHadAll, "day", limits.household_day, facts.house_today, tomorrow),
    ]
    for refusal, period, limit, had, again_on in own:
        if limit is not None and had + units > limit:
            again = opens(offer, who, again_on) if again_on is not None and units <= limit else None
            reasons.append(refusal(listed.id, period, limit, had, units, again))
    if limits.day is not None and facts.day_left is not None and facts.day_left < units:
        free = opens(offer, who, tomorrow) == tomorrow and all(
            limit is None or units <= limit - (0 if again_on is not None and again_on <= tomorrow else had)
            for _, _, limit, had, again_on in own
        )
        reasons.append(DayQuotaTaken(listed.id, limits.day, units, max(0, facts.day_left), tomorrow, free))
    if facts.openings is not None and facts.openings.first is None:
        reasons.append(NoSlotFree(listed.id, listed.merchant_id, facts.openings.opens_on))
    if facts.available < quote.points:
        reasons.append(
            PointsShort(
                needed=quote.points,
                available=facts.available,
                pending=facts.pending,
                next_release_on=facts.next_release[0] if facts.next_release else None,
                offer_id=listed.id,
                currency=listed.currency,
                common=listed.common,
                next_release=facts.next_release,
            )
        )
    return No(tuple(reasons), quote, priced) if reasons else Yes(quote, _most(price, offer, facts), priced)


def _most(price: PerUnit | PerMoney, offer: Offer, facts: Facts) -> int:
    """The largest amount that passes every rule now, where the least one does."""
    limits = offer.limits
    if price.kind == "per_money":
        affordable = facts.available * price.per_minor // price.points
        return min(price.most, price.least + (affordable - price.least) // price.step * price.step)
    lefts = [
        price.most,
        facts.available // price.points,
        *(x for x in (facts.stock_left, facts.day_left) if x is not None),
        *(
            limit - had
            for limit, had in (
                (limits.member_ever, facts.had_ever),
                (limits.member_month, facts.had_month),
                (limits.member_day, facts.had_today),
                (limits.household_ever, facts.house_ever),
                (limits.household_month, facts.house_month),
                (limits.household_day, facts.house_today),
            )
            if limit is not None
        ),
    ]
    return min(lefts)


def _next_month(today: dt.date) -> dt.date:
    return (today.replace(day=1) + dt.timedelta(days=32)).replace(day=1)
