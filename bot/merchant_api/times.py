"""When things may have happened: tills' clocks are wrong by a little, and what is long past is somebody's history."""

from __future__ import annotations

import datetime as dt

from bot.merchant_api import problems
from ledger.merchants.api_keys import ApiKey

SKEW_MINUTES = 5
OLDEST_DAYS = 30
_SKEW, _OLDEST = dt.timedelta(minutes=SKEW_MINUTES), dt.timedelta(days=OLDEST_DAYS)
HISTORY_BEGINS = dt.datetime(2000, 1, 1, tzinfo=dt.UTC)


def sane(occurred_at: dt.datetime, key: ApiKey, *, now: dt.datetime) -> dt.datetime:
    """The instant, in UTC.

    Raises:
        Problem 422: later than `SKEW_MINUTES` from now; earlier than `OLDEST_DAYS` ago without the scope «history», or than 2000
        with it.
    """
    if occurred_at > now + _SKEW:
        raise problems.in_the_future(SKEW_MINUTES)
    begins = HISTORY_BEGINS if "history" in key.scopes else now - _OLDEST
    if occurred_at < begins:
        raise problems.too_long_ago(OLDEST_DAYS)
    return occurred_at.astimezone(dt.UTC)


def business_day(occurred_at: dt.datetime, *, zone: dt.tzinfo, ahead_days: int) -> dt.date:
    """The programme's date of an instant, however far its clock runs ahead."""
    return occurred_at.astimezone(zone).date() + dt.timedelta(days=ahead_days)
