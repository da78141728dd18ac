"""Whom an offer is for and on which days it can be had: the reasons where it is not, and whether lists show it. Pure.

An offer may be for some members only (`who`: nobody else sees it), for a region's (`region`: everybody sees it), on certain days
(`on_shelf`, less `blackout`), and for some before its first day (`early`).
"""

from __future__ import annotations

import datetime as dt
from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from typing import ClassVar

from ledger.errors import Refusal
from ledger.redeeming.offers import Names, Offer
from ledger.redeeming.who import EVERYBODY, Traits
from ledger.redeeming.windows import ALWAYS, covered

_DAY = dt.timedelta(days=1)


@dataclass(eq=False)
class OnlyForTiers(Refusal):
    """It is for members of these tiers."""

    offer_id: int
    tiers: tuple[Names, ...]
    may_succeed_later: ClassVar[bool] = True


@dataclass(eq=False)
class OnlyForStanding(Refusal):
    """It is for members whose credit standing is at least `least`; theirs is lower, not known, or not to be used."""

    offer_id: int
    least: int
    known: bool
    may_succeed_later: ClassVar[bool] = True


@dataclass(eq=False)
class OnlyInRegions(Refusal):
    """It is for members who live in one of these; they live elsewhere, or have not said where."""

    offer_id: int
    regions: tuple[Names, ...]
    told: bool
    may_succeed_later: ClassVar[bool] = True


@dataclass(eq=False)
class OfferOver(Refusal):
    """The days on which it could be had are over; `last_on` was the last of them."""

    offer_id: int
    merchant_id: int
    last_on: dt.date
    may_succeed_later: ClassVar[bool] = True


@dataclass(eq=False)
class NotYetOnShelf(Refusal):
    """It can be had from `opens_on`, by this member. `early`: tiers that may have it before, each with its day."""

    offer_id: int
    opens_on: dt.date
    early: tuple[tuple[tuple[Names, ...], dt.date], ...]
    may_succeed_later: ClassVar[bool] = True


@dataclass(eq=False)
class BlackedOut(Refusal):
    """It cannot be had through `until`, and again from `opens_on` (None: not any more)."""

    offer_id: int
    until: dt.date
    opens_on: dt.date | None
    may_succeed_later: ClassVar[bool] = True


def hidden(offer: Offer, who: Traits, today: dt.date) -> bool:
    """Whether lists leave it out for this member: it is for others only, or its days are over."""
    if not offer.restricted:
        return False
    if offer.who is not None and not offer.who.fits(who):
        return True
    return opens(offer, who, today) is None


def opens(offer: Offer, who: Traits, day: dt.date) -> dt.date | None:
    """The first day from `day` on, itself included, on which this member may have it as far as days go; None: there is none."""
    shelf = offer.on_shelf or ALWAYS
    first: dt.date | None = day
    while first is not None:
        if (until := covered(offer.blackout, first)) is not None:
            first = until + _DAY
            continue
        early = min((each.from_on for each in offer.early if each.who.fits(who)), default=None)
        if early is not None and shelf.first is not None and max(early, first) < shelf.first:
            begins: dt.date | None = max(early, first)
        else:
            begins = shelf.next(first)
        if begins == first:
            return first
        first = begins
    return None


def not_for(offer_id: int, offer: Offer, who: Traits) -> Iterable[Refusal]:
    """Why it is not for this member, whatever the day."""
    asks = offer.who or EVERYBODY
    if not asks.of_tier(who):
        yield OnlyForTiers(offer_id, _names(asks.tiers, who.tiers))
    if not asks.of_standing(who):
        yield OnlyForStanding(offer_id, asks.standing or 0, who.standing is not None)
    regions = (offer.region,) if offer.region is not None else asks.regions
    if regions and who.region not in regions:
        yield OnlyInRegions(offer_id, _names(regions, who.regions), who.region is not None)


def not_now(offer_id: int, merchant_id: int, offer: Offer, who: Traits, today: dt.date) -> Iterable[Refusal]:
    """Why this member cannot have it today, as far as days go."""
    if (opens_on := opens(offer, who, today)) == today:
        return
    shelf, until = offer.on_shelf or ALWAYS, covered(offer.blackout, today)
    if until is not None and (opens_on is not None or shelf.holds(today)):
        yield BlackedOut(offer_id, until, opens_on)
    elif opens_on is not None:
        early = (
            (_names(each.who.tiers, who.tiers), max(each.from_on, today)) for each in offer.early if each.who.tiers
        )
        yield NotYetOnShelf(offer_id, opens_on, tuple((tiers, on) for tiers, on in early if on < opens_on))
    else:
        yield OfferOver(offer_id, merchant_id, min(shelf.until or today, today - _DAY))


def _names(codes: Iterable[str], known: Mapping[str, tuple[str, str]]) -> tuple[Names, ...]:
    """What tiers or regions are called; the code of one that the programme does not have (any more)."""
    found = (known.get(code, (code, code)) for code in codes)
    return tuple(Names(zh=zh, en=en) for zh, en in found)
