"""When a birthday is kept, and when a told one begins to count. Pure.

A date told within 30 days before the day, or on it, counts from next year, so that a birthday can't be told for the gift.
Who was born on 29 February is greeted on 28 February in the other years.
"""

from __future__ import annotations

import calendar
import datetime as dt
from dataclasses import dataclass

from ledger.errors import Refusal

NOTICE_DAYS = 30
"""A date told fewer days than this before the day counts from the year after."""


@dataclass(frozen=True, slots=True)
class Birthday:
    """A day of the year, the day on which it was told, and the year of birth where that was told too."""

    month: int
    day: int
    told_on: dt.date
    year: int | None = None


@dataclass(eq=False)
class NoSuchDay(Refusal):
    """The calendar has no such day, or the year is not one in which a member may have been born."""

    month: int
    day: int
    year: int | None


def check(month: int, day: int, year: int | None, *, today: dt.date) -> None:
    """`NoSuchDay` unless this can be somebody's birthday. Without a year, 29 February is a day."""
    leap_year = 2024
    try:
        born = dt.date(year if year is not None else leap_year, month, day)
    except ValueError:
        raise NoSuchDay(month, day, year) from None
    if year is not None and not dt.date(today.year - 120, 1, 1) <= born <= today:
        raise NoSuchDay(month, day, year)


def kept_on(month: int, day: int, year: int) -> dt.date:
    """The date in `year` on which this birthday is kept."""
    if (month, day) == (2, 29) and not calendar.isleap(year):
        return dt.date(year, 2, 28)
    return dt.date(year, month, day)


def first_counted(birthday: Birthday) -> dt.date:
    """The first date on which this birthday counts."""
    told = birthday.told_on
    coming = kept_on(birthday.month, birthday.day, told.year)
    if coming < told:
        coming = kept_on(birthday.month, birthday.day, told.year + 1)
    if (coming - told).days < NOTICE_DAYS:
        return kept_on(birthday.month, birthday.day, coming.year + 1)
    return coming


def is_kept(birthday: Birthday, on: dt.date) -> bool:
    """Whether this birthday is kept, and counts, on a date."""
    return kept_on(birthday.month, birthday.day, on.year) == on and first_counted(birthday) <= on


def age_on(birth_year: int, month: int, day: int, on: dt.date) -> int:
    """Full years on a date: a year more from the day on which the birthday is kept."""
    return on.year - birth_year - (on < kept_on(month, day, on.year))
