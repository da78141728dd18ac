"""Everything about the member and the moment that a rule may ask for: plain data, stored with the purchase.

A refund recomputes the purchase with the same facts, however the member has changed since.
"""

from __future__ import annotations

import datetime as dt
from collections.abc import Mapping
from dataclasses import MISSING, field, fields
from operator import attrgetter
from typing import Any

from ledger.values import value


@value(frozen=True, slots=True, kw_only=True)
class Facts:
    """Who bought, when and where. What is not known is None, and qualifies for nothing.

    Args:
        bought_at: wall time in the programme's zone, without a zone.
        channel: till, api, file or card (a payment channel, E9).
        region: where it was bought.
        age: full years on the day. `is_birthday`: whether the birthday is kept, and counts, on the day.
        standing: credit standing, linked by consent.
        first_here, first_anywhere: no purchase before this one, at this merchant or at any.
        days_since_joining: 0 on the day itself.
        used: what this member has had under caps, «<rule code>:day», «:month», «:ever» → points.
        left: what is left of budgets, «rule:<code>», «campaign:<code>» → points, budgets in money converted and rounded down.
            A rule with a budget that is not told of here gives nothing; a campaign that is not told of is without limit.
    """

    bought_at: dt.datetime
    channel: str = "till"
    region: str | None = None
    tier: str | None = None
    age: int | None = None
    is_birthday: bool = False
    standing: int | None = None
    member_region: str | None = None
    first_here: bool = False
    first_anywhere: bool = False
    days_since_joining: int | None = None
    business: bool = False
    used: Mapping[str, int] = field(default_factory=dict)
    left: Mapping[str, int] = field(default_factory=dict)

    def document(self) -> dict[str, Any]:
        """As JSON, without what is at its default."""
        told: dict[str, Any] = {"bought_at": self.bought_at.isoformat()}
        for (name, default), fact in zip(_DEFAULTS.items(), _others(self), strict=True):
            if fact != default:
                told[name] = fact if isinstance(fact, str | int) else dict(fact)
        return told

    @classmethod
    def read(cls, document: Mapping[str, Any]) -> Facts:
        """The facts of a `document()`."""
        return cls(**{**document, "bought_at": dt.datetime.fromisoformat(document["bought_at"])})


_DEFAULTS: dict[str, Any] = {
    each.name: each.default_factory() if each.default_factory is not MISSING else each.default
    for each in fields(Facts)
    if each.name != "bought_at"
}
_others = attrgetter(*_DEFAULTS)
