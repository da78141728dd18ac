"""Tiers (M10), pure: which step a member has reached, what is missing, when they move, and whose visits speed up.

The ladder is data of the programme (`ledger.programme.Tier`), lowest first. What qualifies is apart from points: spending
points never costs a tier. Both figures count, over rolling months:

    spend     money of purchases, net of refunds
    visits    different days with a purchase that was not wholly returned

A tier is reached at once, and then held to a month's end some months later, whatever follows. At that end it is kept by
whoever qualified within the months up to it; anybody else lands softly, one step lower, for a period of that step. A tier that
was granted until a day (bought, or by the operator) is apart from the earned one; the higher of the two is in force.
"""

from __future__ import annotations

import calendar
import datetime as dt
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from typing import Literal

from ledger.programme import Acceleration, Programme, Tier

Why = Literal["earned", "kept", "landed", "granted", "extended", "taken_back", "grant_ended"]

RECENT_DAYS = 30
BEFORE_DAYS = 90
"""The last so many days are compared with the member's own pace in so many days before those."""


@dataclass(frozen=True, slots=True)
class Qualifying:
    """What a member has done within a window: money in minor units, and visits."""

    spend_minor: int = 0
    visits: int = 0


@dataclass(frozen=True, slots=True)
class Missing:
    """What a tier still asks for; nothing of both where it is reached."""

    spend_minor: int
    visits: int

    @property
    def nothing(self) -> bool:
        """Whether both figures are reached."""
        return not self.spend_minor and not self.visits


@dataclass(frozen=True, slots=True)
class Standing:
    """An earned tier and its period; `until` is its last day, None on the lowest step."""

    tier: str
    since: dt.date
    until: dt.date | None


@dataclass(frozen=True, slots=True)
class Move:
    """A new standing and what brought it."""

    standing: Standing
    why: Literal["earned", "kept", "landed"]


def place(tiers: Sequence[Tier], code: str | None) -> int:
    """The step of a tier, from 0. A code that the ladder does not have (any more) stands on the lowest."""
    return next((number for number, tier in enumerate(tiers) if tier.code == code), 0)


def highest(tiers: Sequence[Tier], codes: Iterable[str | None]) -> Tier:
    """The highest of these tiers; the lowest of all where there are none."""
    return tiers[max((place(tiers, code) for code in codes), default=0)]


def above(tiers: Sequence[Tier], code: str | None) -> Tier | None:
    """The next step; None at the top."""
    step = place(tiers, code) + 1
    return tiers[step] if step < len(tiers) else None


def missing(tier: Tier, so_far: Qualifying) -> Missing:
    """What `tier` asks for beyond what was done."""
    return Missing(max(0, tier.spend_minor - so_far.spend_minor), max(0, tier.visits - so_far.visits))


def reached(tiers: Sequence[Tier], so_far: Qualifying) -> Tier:
    """The highest tier of which nothing is missing."""
    return next(tier for tier in reversed(tiers) if missing(tier, so_far).nothing)


def window_opens(day: dt.date, months: int) -> dt.date:
    """The day after which a purchase counts on `day`: so many months back; the month's last day where it has no such day."""
    year, month = divmod(day.year * 12 + day.month - 1 - months, 12)
    return dt.date(year, month + 1, min(day.day, calendar.monthrange(year, month + 1)[1]))


def period_ends(day: dt.date, months: int) -> dt.date:
    """The last day of a period that begins on `day`: so many months on, to the month's end."""
    year, month = divmod(day.year * 12 + day.month - 1 + months, 12)
    return dt.date(year, month + 1, calendar.monthrange(year, month + 1)[1])


def move(
    programme: Programme, standing: Standing | None, now: Qualifying, at_end: Qualifying, today: dt.date
) -> Move | None:
    """Where a member goes today; None: they stay as they are.

    Args:
        standing: None: the lowest step, nothing written yet.
        now: what qualifies today.
        at_end: what qualified on the last day of the standing's period; looked at once that has passed.
    """
    tiers = programme.tiers
    here = place(tiers, standing.tier if standing else None)
    ends = period_ends(today, programme.tier_months)
    can = place(tiers, reached(tiers, now).code)
    if can > here:
        return Move(Standing(tiers[can].code, today, ends), "earned")
    if standing is None or standing.until is None or standing.until >= today:
        return None
    could = max(can, place(tiers, reached(tiers, at_end).code))
    if could >= here:
        return Move(Standing(standing.tier, standing.since, ends), "kept")
    lower = here - 1
    return Move(Standing(tiers[lower].code, today, ends if lower else None), "landed")


def accelerating(rule: Acceleration, visits: int, before: int) -> bool:
    """Whether `visits` of the last 30 days are far above the pace of `before` in the 90 days before those."""
    if visits < rule.visits_min or before < rule.before_min:
        return False
    return visits * BEFORE_DAYS >= rule.factor * before * RECENT_DAYS
