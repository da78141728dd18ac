"""Rules of birthdays as a table: told on → first counted."""

from __future__ import annotations

import datetime as dt

import pytest

from ledger.members import birthdays
from ledger.members.birthdays import Birthday, NoSuchDay


@pytest.mark.parametrize(
    ("day", "told", "first"),
    [
        ("03-08", "2026-01-10", "2026-03-08"),  # 57 days ahead: this year
        ("03-08", "2026-02-06", "2026-03-08"),  # exactly 30 days ahead: this year
        ("03-08", "2026-02-07", "2027-03-08"),  # 29 days ahead: next year
        ("03-08", "2026-03-08", "2027-03-08"),  # on the day: next year
        ("03-08", "2026-03-09", "2027-03-08"),  # a day late: next year, almost a year away
        ("01-05", "2026-12-20", "2028-01-05"),  # across New Year, 16 days ahead: the one after
        ("01-25", "2026-12-20", "2027-01-25"),
        ("02-29", "2026-11-22", "2027-02-28"),  # kept on the 28th in a common year
        ("02-29", "2027-11-22", "2028-02-29"),
    ],
)
def test_a_birthday_told_less_than_thirty_days_ahead_counts_from_next_year(day: str, told: str, first: str) -> None:
    month, number = map(int, day.split("-"))
    birthday = Birthday(month, number, dt.date.fromisoformat(told))
    assert birthdays.first_counted(birthday) == dt.date.fromisoformat(first)
    assert birthdays.is_kept(birthday, dt.date.fromisoformat(first))
    assert not birthdays.is_kept(birthday, dt.date.fromisoformat(first) - dt.timedelta(days=1))


def test_a_birthday_that_does_not_count_yet_is_not_kept() -> None:
    assert not birthdays.is_kept(Birthday(3, 8, dt.date(2026, 3, 1)), dt.date(2026, 3, 8))


@pytest.mark.parametrize(
    ("month", "day", "year"),
    [(2, 30, None), (13, 1, None), (0, 1, None), (4, 31, None), (2, 29, 1999), (3, 8, 2027), (3, 8, 1800)],
)
def test_a_day_that_the_calendar_lacks_is_refused(month: int, day: int, year: int | None) -> None:
    with pytest.raises(NoSuchDay):
        birthdays.check(month, day, year, today=dt.date(2026, 11, 22))


@pytest.mark.parametrize(("month", "day", "year"), [(2, 29, None), (2, 29, 2000), (12, 31, 1950)])
def test_leap_days_are_birthdays(month: int, day: int, year: int | None) -> None:
    birthdays.check(month, day, year, today=dt.date(2026, 11, 22))


@pytest.mark.parametrize(
    ("born", "on", "age"),
    [
        ("1966-11-11", "2026-11-10", 59),
        ("1966-11-11", "2026-11-11", 60),
        ("1966-11-11", "2027-11-10", 60),
        ("1968-02-29", "2027-02-27", 58),
        ("1968-02-29", "2027-02-28", 59),  # kept on the 28th in a common year
        ("1968-02-29", "2028-02-28", 59),
        ("1968-02-29", "2028-02-29", 60),
        ("2026-11-11", "2026-11-11", 0),
    ],
)
def test_somebody_is_a_year_older_from_the_day_on_which_the_birthday_is_kept(born: str, on: str, age: int) -> None:
    day = dt.date.fromisoformat(born)
    assert birthdays.age_on(day.year, day.month, day.day, dt.date.fromisoformat(on)) == age
