"""Which price is in force for a member on a day, and what it would cost otherwise. Pure.

Of the special prices that hold, and the usual one, the best is in force: the fewest points for the value, or the fewest points at
all where no value is said; among equals the first in the document, and the usual one last. So one that only opens a lower step at
the usual unit value is in force while it holds. (A document whose special price is worse than its usual one is refused.)
"""

from __future__ import annotations

import datetime as dt
from dataclasses import dataclass
from fractions import Fraction

from ledger.redeeming.offers import AmountNotOffered, Offer, PerMoney, PerUnit, Quote, Special, least_points
from ledger.redeeming.who import Traits


@dataclass(frozen=True, slots=True)
class InForce:
    """The price that holds for one member on `day`; `special` None: it is the usual one."""

    usual: PerUnit | PerMoney
    special: Special | None
    day: dt.date

    @property
    def price(self) -> PerUnit | PerMoney:
        """The price itself."""
        return self.usual if self.special is None else self.special.price

    @property
    def until(self) -> dt.date | None:
        """The last day of the special price's present time; None: no end is in sight, or it is the usual price."""
        return None if self.special is None else self.special.when.last(self.day)

    def usually(self, quote: Quote) -> Quote | None:
        """The usual price beside `quote`, where it really is one: more points for the same, or less value for the same points."""
        if self.special is None:
            return None
        try:
            usual = self.usual.quote(quote.amount)
        except AmountNotOffered:
            return None
        more = (usual.points, usual.cash_minor) != (quote.points, quote.cash_minor) and usual.points >= quote.points
        dearer = more and usual.value_minor == quote.value_minor
        same = (usual.points, usual.cash_minor) == (quote.points, quote.cash_minor)
        smaller = same and usual.value_minor < quote.value_minor
        return usual if dearer or smaller else None

    @property
    def cheaper(self) -> bool:
        """Whether every amount costs fewer points than usual for its value."""
        new, old = self.price.rate, self.usual.rate
        return new is not None and old is not None and new < old


def in_force(offer: Offer, who: Traits, day: dt.date) -> InForce:
    """The price of `offer` for this member on business date `day`."""
    if not offer.specials:
        return InForce(offer.price, None, day)
    holding = [special for special in offer.specials if special.when.holds(day) and special.who.fits(who)]
    return InForce(offer.price, min(holding, key=_order, default=None), day)


def _order(special: Special) -> tuple[Fraction, int]:
    """Values are said by all prices of an offer or by none. Of those that cost as many points, the one with the least cash."""
    rate, cash = special.price.rate, special.price.cash_minor
    return (Fraction(least_points(special.price)) if rate is None else rate), cash
