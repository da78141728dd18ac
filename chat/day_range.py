"""A day or a range of days as a person types it: «12-24», «12月24日 12月26日», «2027-01-01—2027-01-03»."""

from __future__ import annotations

import datetime as dt
import re
import unicodedata

_DAY = re.compile(r"(?:(\d{4})\s*[-/.年]\s*)?(\d{1,2})\s*[-/.月]\s*(\d{1,2})\s*[日号]?")


def parse(said: str, *, today: dt.date) -> tuple[dt.date, dt.date] | None:
    """First and last day, the same for one. Without a year a day is the next one of that date, and the last follows the first.
    None where it is neither, or where there is no such day."""
    plain = unicodedata.normalize("NFKC", said)
    found = _DAY.findall(plain)
    if not 1 <= len(found) <= 2 or re.search(r"\d", _DAY.sub("", plain)):
        return None
    first = _next(*found[0], not_before=today)
    last = _next(*found[-1], not_before=first) if first is not None and len(found) == 2 else first
    return (first, last) if first is not None and last is not None else None


def iso(said: str) -> dt.date | None:
    """The day that a button says; None where it says none."""
    try:
        return dt.date.fromisoformat(said)
    except ValueError:
        return None


def _next(year: str, month: str, day: str, *, not_before: dt.date | None) -> dt.date | None:
    years = [int(year)] if year else [not_before.year, not_before.year + 1] if not_before else []
    for each in years:
        try:
            found = dt.date(each, int(month), int(day))
        except ValueError:
            continue
        if year or not_before is None or found >= not_before:
            return found
    return None
