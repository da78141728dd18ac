"""Choosing a day of the year by two taps, and what a birthday brings in words."""

from __future__ import annotations

import calendar
from collections.abc import Callable

from chat import doors
from chat.screen import Button, Line, Screen, grid, screen
from chat.words import Both, Points, t
from ledger.earning.birthday_packs import Kept

LEAP_YEAR = 2024
DAYS_A_ROW = 7


def short_month(month: int) -> str:
    """A month's English name, short."""
    return calendar.month_abbr[month]


def months(button: Callable[[Both, int], Button]) -> list[list[Button | None]]:
    """The twelve months."""
    return grid([button(Both(f"{m}月", calendar.month_abbr[m]), m) for m in range(1, 13)], 4)


def days(month: int, button: Callable[[Both, int], Button]) -> list[list[Button | None]]:
    """The days of a month, the 29th of February among them."""
    last = calendar.monthrange(LEAP_YEAR, month)[1]
    return grid([button(Both(str(d), str(d)), d) for d in range(1, last + 1)], DAYS_A_ROW)


def greeting(kept: Kept) -> Screen:
    """What somebody hears on the day. Nobody is named: names are opened for their own eyes alone."""
    child = kept.child_id is not None
    lines: list[Line | None] = [t("<b>孩子生日快乐!</b>") if child else t("<b>生日快乐!</b>")]
    if kept.receipt is not None and kept.receipt.points:
        lines.append(t("送您 <b>{points}</b>", points=Points(kept.receipt.points)))
    return screen(lines, [[doors.affordable() if kept.receipt is not None else None, doors.home()]])
