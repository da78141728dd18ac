"""When something holds: whole days of the programme's zone, in spans, on weekdays, on days of the month."""

from __future__ import annotations

import calendar
import datetime as dt
from collections.abc import Iterable
from typing import Annotated

from pydantic import BaseModel, ConfigDict, Field, model_validator

_DAY = dt.timedelta(days=1)
_Date = Annotated[dt.date, Field(ge=dt.date(2000, 1, 1), le=dt.date(2999, 12, 31))]
_LOOKED_AHEAD = 1500
"""Days: whatever weekday and day of the month are asked for together, they meet within four years."""


class Span(BaseModel):
    """Days from the first to the last, both included."""

    model_config = ConfigDict(frozen=True, extra="forbid")

    from_on: _Date
    until: _Date

    @model_validator(mode="after")
    def _in_order(self) -> Span:
        if self.until < self.from_on:
            raise ValueError("`until` is not before `from_on`")
        return self


class When(BaseModel):
    """Days on which something holds: all that is given must be so. Nothing given: always."""

    model_config = ConfigDict(frozen=True, extra="forbid")

    from_on: _Date | None = Field(default=None, description="its first day")
    until: _Date | None = Field(default=None, description="its last day, included")
    weekdays: tuple[Annotated[int, Field(ge=1, le=7)], ...] = Field(
        default=(), max_length=7, description="1: Monday … 7: Sunday"
    )
    days_of_month: tuple[Annotated[int, Field(ge=-1, le=31)], ...] = Field(
        default=(), max_length=10, description="1 to 31; -1: the month's last day"
    )

    @model_validator(mode="after")
    def _holds_some_day(self) -> When:
        if 0 in self.days_of_month:
            raise ValueError("a day of the month is 1 to 31, or -1 for the last")
        if self.from_on is not None and self.next(self.from_on) is None:
            raise ValueError("there is no such day")
        return self

    @property
    def always(self) -> bool:
        """Whether nothing is asked of the day."""
        return self.from_on is None and self.until is None and not self._picks

    @property
    def _picks(self) -> bool:
        return bool(self.weekdays or self.days_of_month)

    def holds(self, day: dt.date) -> bool:
        """Whether it holds on this business date."""
        if (self.from_on is not None and day < self.from_on) or (self.until is not None and day > self.until):
            return False
        if self.weekdays and day.isoweekday() not in self.weekdays:
            return False
        if not self.days_of_month or day.day in self.days_of_month:
            return True
        return -1 in self.days_of_month and day.day == calendar.monthrange(day.year, day.month)[1]

    def last(self, day: dt.date) -> dt.date | None:
        """The last day of the stretch that `day`, on which it holds, is in; None: no end is in sight."""
        if not self._picks:
            return self.until
        for ahead in range(1, _LOOKED_AHEAD):
            if not self.holds(day + ahead * _DAY):
                return day + (ahead - 1) * _DAY
        return None

    def next(self, day: dt.date) -> dt.date | None:
        """The first day from `day` on, itself included, on which it holds; None: it never does again."""
        first = day if self.from_on is None else max(day, self.from_on)
        if not self._picks:
            return first if self.until is None or first <= self.until else None
        days = (first + ahead * _DAY for ahead in range(_LOOKED_AHEAD))
        return next((each for each in days if self.holds(each)), None)

    @property
    def first(self) -> dt.date | None:
        """The first day of all on which it holds; None: there was always one before."""
        return None if self.from_on is None else self.next(self.from_on)


ALWAYS = When()


def covered(spans: Iterable[Span], day: dt.date) -> dt.date | None:
    """The last day of the stretch of `spans` that `day` is in, overlapping and adjoining ones together; None: it is in none."""
    last: dt.date | None = None
    for span in sorted(spans, key=lambda each: each.from_on):
        if span.from_on <= (day if last is None else last + _DAY) and span.until >= day:
            last = span.until if last is None else max(last, span.until)
    return last
