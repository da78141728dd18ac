"""Which of many rules apply, asked all at once.

Of each condition a bitmap per value says which rules let that value through (bit i: rule i). Whatever a purchase is, the rules that
apply to it are the conjunction of a dozen bitmaps, and two hundred rules are asked as quickly as two.
"""

from __future__ import annotations

import calendar
import datetime as dt
from bisect import bisect_right
from collections.abc import Iterable, Sequence
from operator import attrgetter
from typing import Any

from ledger.earning.rules.documents import When
from ledger.earning.rules.facts import Facts

HOURS_KEPT = 2000
"""An hour's bitmap is kept once made. This many are some months; then they are made anew."""


class _Named:
    """A condition that names values: `by[value]` for those that some rule names, `other` for any other value."""

    __slots__ = ("by", "other")

    def __init__(self, named: Sequence[Iterable[Any]]) -> None:
        self.other = _bits(not list(values) for values in named)
        self.by: dict[Any, int] = {}
        for bit, values in enumerate(named):
            for value in values:
                self.by[value] = self.by.get(value, self.other) | 1 << bit


class _AtLeast:
    """A condition «at least so much»: the bitmap of a value is that of the last bound not above it."""

    __slots__ = ("bounds", "free", "masks")

    def __init__(self, least: Sequence[Any]) -> None:
        self.bounds = sorted({bound for bound in least if bound is not None})
        self.free = _bits(bound is None for bound in least)
        self.masks = [self.free]
        for reached in self.bounds:
            self.masks.append(_bits(bound is None or bound <= reached for bound in least))

    def __call__(self, value: Any) -> int:
        return self.masks[bisect_right(self.bounds, value) if value is not None else 0]


class Conditions:
    """The conditions of rules, in their order, ready to be asked."""

    def __init__(self, whens: Sequence[When]) -> None:
        self.all = (1 << len(whens)) - 1
        self._categories = _Named([when.categories for when in whens])
        named: dict[str, list[Iterable[Any]]] = {
            "channel": [when.channels for when in whens],
            "region": [when.regions for when in whens],
            "tier": [when.tiers for when in whens],
            "member_region": [when.member_regions for when in whens],
            "business": [() if when.business is None else (when.business,) for when in whens],
            "is_birthday": [(True,) if when.birthday else () for when in whens],
            "first_here": [(True,) if when.first_purchase == "here" else () for when in whens],
            "first_anywhere": [(True,) if when.first_purchase == "anywhere" else () for when in whens],
        }
        # A condition that no rule makes need not be asked.
        self._named = [(attrgetter(fact), _Named(values)) for fact, values in named.items() if any(values)]
        self._spend = _AtLeast([when.min_spend_minor or None for when in whens])
        self._standing = _AtLeast([when.standing_from for when in whens])
        self._begun = _AtLeast([when.starts_at for when in whens])
        self._over = _AtLeast([when.ends_at for when in whens])
        self._age_from = _AtLeast([when.age_from for when in whens])
        # «At most» is «at least» of the opposite.
        self._age_to = _AtLeast([_opposite(when.age_to) for when in whens])
        self._joined = _AtLeast([_opposite(when.joined_days) for when in whens])
        self._timed = [(bit, when) for bit, when in enumerate(whens) if _asks_clock(when)]
        self._untimed = self.all & ~sum(1 << bit for bit, _ in self._timed)
        self._hours: dict[tuple[dt.date, int], int] = {}

    def hold(self, facts: Facts, spend_minor: int) -> int:
        """Which rules' conditions of the whole purchase hold; `spend_minor` is what was paid with money for it as it was made."""
        at = facts.bought_at
        found = self._spend(spend_minor) & self._begun(at)
        for of, named in self._named:
            found &= named.by.get(of(facts), named.other)
        if self._over.bounds:
            found &= self._over.free | ~self._over(at)
        if self._age_from.bounds:
            found &= self._age_from(facts.age)
        if self._age_to.bounds:
            found &= self._age_to(_opposite(facts.age))
        if self._standing.bounds:
            found &= self._standing(facts.standing)
        if self._joined.bounds:
            found &= self._joined(_opposite(facts.days_since_joining))
        if self._timed:
            found &= self._hour(at)
        return found

    def of_line(self, category: str | None) -> int:
        """Which rules' conditions of a line hold for one of this category."""
        return self._categories.by.get(category, self._categories.other)

    def _hour(self, at: dt.datetime) -> int:
        key = at.date(), at.hour
        if (found := self._hours.get(key)) is None:
            if len(self._hours) >= HOURS_KEPT:
                self._hours.clear()
            found = self._untimed | sum(1 << bit for bit, when in self._timed if _clock_allows(when, *key))
            self._hours[key] = found
        return found


def _bits(holds: Iterable[bool]) -> int:
    return sum(1 << bit for bit, yes in enumerate(holds) if yes)


def _opposite(value: int | None) -> int | None:
    return None if value is None else -value


def _asks_clock(when: When) -> bool:
    return bool(when.weekdays or when.days_of_month) or (when.hour_from, when.hour_to) != (0, 24)


def _clock_allows(when: When, day: dt.date, hour: int) -> bool:
    """Whether weekday, day of the month and hour are the rule's. After midnight a night counts for the day on which it began."""
    if when.hour_from < when.hour_to:
        if not when.hour_from <= hour < when.hour_to:
            return False
    elif hour < when.hour_to:
        day -= dt.timedelta(days=1)
    elif hour < when.hour_from:
        return False
    if when.weekdays and day.isoweekday() not in when.weekdays:
        return False
    if not when.days_of_month or day.day in when.days_of_month:
        return True
    return -1 in when.days_of_month and day.day == calendar.monthrange(day.year, day.month)[1]
