"""When something holds: whole days, both ends included, weekdays and days of the month together, leap days and month ends."""

from __future__ import annotations

import datetime as dt

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from pydantic import ValidationError

from ledger.redeeming.windows import Span, When, covered


def day(said: str) -> dt.date:
    return dt.date.fromisoformat(said)


def when(**said: object) -> When:
    return When.model_validate(said)


@pytest.mark.parametrize(
    ("window", "on", "holds"),
    [
        (when(), "2026-11-22", True),
        (when(from_on="2026-09-21", until="2026-09-27"), "2026-09-20", False),
        (when(from_on="2026-09-21", until="2026-09-27"), "2026-09-21", True),
        (when(from_on="2026-09-21", until="2026-09-27"), "2026-09-27", True),
        (when(from_on="2026-09-21", until="2026-09-27"), "2026-09-28", False),
        (when(weekdays=[1]), "2026-11-23", True),
        (when(weekdays=[1]), "2026-11-22", False),
        (when(days_of_month=[28]), "2026-11-28", True),
        (when(days_of_month=[31]), "2026-11-30", False),
        (when(days_of_month=[-1]), "2026-11-30", True),
        (when(days_of_month=[-1]), "2026-02-28", True),
        (when(days_of_month=[-1]), "2028-02-28", False),
        (when(days_of_month=[-1]), "2028-02-29", True),
        (when(days_of_month=[29]), "2028-02-29", True),
        (when(weekdays=[6], days_of_month=[28]), "2026-11-28", True),
        (when(weekdays=[7], days_of_month=[28]), "2026-11-28", False),
        (when(weekdays=[6], from_on="2026-12-01"), "2026-11-28", False),
    ],
)
def test_a_day_holds_where_everything_given_is_so(window: When, on: str, holds: bool) -> None:
    assert window.holds(day(on)) is holds


@pytest.mark.parametrize(
    ("window", "on", "last"),
    [
        (when(), "2026-11-22", None),
        (when(from_on="2026-09-21", until="2026-09-27"), "2026-09-23", "2026-09-27"),
        (when(from_on="2026-09-21"), "2026-09-23", None),
        (when(weekdays=[6, 7]), "2026-11-28", "2026-11-29"),
        (when(weekdays=[1, 2, 3, 4, 5, 6, 7], until="2026-12-31"), "2026-11-28", "2026-12-31"),
        (when(weekdays=[1, 2, 3, 4, 5, 6, 7]), "2026-11-28", None),
        (when(days_of_month=[28]), "2026-11-28", "2026-11-28"),
        (when(days_of_month=[1, -1]), "2026-11-30", "2026-12-01"),
        (when(days_of_month=[1, -1], until="2026-11-30"), "2026-11-30", "2026-11-30"),
    ],
)
def test_a_stretch_ends_on_its_last_day(window: When, on: str, last: str | None) -> None:
    assert window.last(day(on)) == (last and day(last))


@pytest.mark.parametrize(
    ("window", "on", "next_"),
    [
        (when(), "2026-11-22", "2026-11-22"),
        (when(from_on="2026-12-01"), "2026-11-22", "2026-12-01"),
        (when(until="2026-11-22"), "2026-11-22", "2026-11-22"),
        (when(until="2026-11-21"), "2026-11-22", None),
        (when(days_of_month=[28]), "2026-11-29", "2026-12-28"),
        (when(days_of_month=[31]), "2026-11-01", "2026-12-31"),
        (when(weekdays=[2], days_of_month=[29], from_on="2028-02-01", until="2028-02-29"), "2026-11-22", "2028-02-29"),
        (when(weekdays=[1], days_of_month=[31]), "2026-11-22", "2027-05-31"),
    ],
)
def test_the_next_day_is_found(window: When, on: str, next_: str | None) -> None:
    assert window.next(day(on)) == (next_ and day(next_))


def test_a_window_that_never_holds_is_refused() -> None:
    for said in (
        {"from_on": "2026-11-22", "until": "2026-11-21"},
        {"from_on": "2027-02-01", "until": "2027-02-28", "days_of_month": [29]},
        {"days_of_month": [0]},
        {"days_of_month": [32]},
        {"weekdays": [8]},
        {"from_on": "9999-12-31", "weekdays": [1]},
    ):
        with pytest.raises(ValidationError):
            When.model_validate(said)
    with pytest.raises(ValidationError):
        Span(from_on=day("2026-11-22"), until=day("2026-11-21"))


DAYS = st.dates(dt.date(2027, 12, 1), dt.date(2028, 4, 30))  # a leap day among them


@st.composite
def windows(draw: st.DrawFn) -> When:
    ends = sorted(draw(st.tuples(DAYS, DAYS)))
    said = {
        "from_on": draw(st.sampled_from([None, ends[0]])),
        "until": draw(st.sampled_from([None, ends[1]])),
        "weekdays": draw(st.lists(st.integers(1, 7), max_size=3)),
        "days_of_month": draw(st.lists(st.sampled_from([*range(1, 32), -1]), max_size=3)),
    }
    try:
        return When.model_validate(said)
    except ValidationError:
        return When(until=ends[1])


@settings(deadline=None)
@given(windows(), DAYS)
def test_last_and_next_are_what_looking_at_every_day_finds(window: When, on: dt.date) -> None:
    days = [on + dt.timedelta(days=n) for n in range(800)]
    assert window.next(on) == next((each for each in days if window.holds(each)), None)
    if window.holds(on):
        end = next((each for each in days if not window.holds(each)), None)
        assert window.last(on) == (end and end - dt.timedelta(days=1))


@given(st.lists(st.tuples(DAYS, st.integers(0, 20)), max_size=6), DAYS)
def test_closed_days_that_adjoin_are_one_stretch(spans: list[tuple[dt.date, int]], on: dt.date) -> None:
    closed = [Span(from_on=start, until=start + dt.timedelta(days=n)) for start, n in spans]
    inside = {
        span.from_on + dt.timedelta(days=n) for span in closed for n in range((span.until - span.from_on).days + 1)
    }
    last = on
    while last + dt.timedelta(days=1) in inside:
        last += dt.timedelta(days=1)
    assert covered(closed, on) == (last if on in inside else None)
