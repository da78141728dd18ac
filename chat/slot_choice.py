"""Choosing when, and at which outlet: the buttons for outlets, days and hours, whether something is booked or moved."""

from __future__ import annotations

import datetime as dt
from collections.abc import Iterable, Sequence
from typing import NamedTuple

from chat import booking as words
from chat.arguments import number, spot
from chat.feature import Feature
from chat.screen import Button, grid
from chat.turn import Turn
from chat.words import t, tn
from ledger.redeeming.booking import Diary, Slot

OUTLETS_PER_PAGE = 10
DAYS_PER_PAGE = 14
HOURS_PER_PAGE = 24


class Way(NamedTuple):
    """Whose buttons they are: a feature's taps that show outlets, days, hours and what was chosen, for offer or voucher `id`."""

    feature: Feature
    outlets: str
    days: str
    hours: str
    chosen: str
    id: int


def free_at(found: Sequence[Diary], now: dt.datetime, tier: str | None) -> list[tuple[Diary, Slot]]:
    """The outlets that have a time free, in the order of the offer, each with its first."""
    firsts = [(each, next(each.free(now, tier), None)) for each in found]
    return [(each, first) for each, first in firsts if first is not None]


def outlets(way: Way, free: Sequence[tuple[Diary, Slot]], page: str) -> list[list[Button | None]]:
    """A button for each outlet that has a time free, with the first of them."""
    at = _page(page, len(free), OUTLETS_PER_PAGE)
    rows: list[list[Button | None]] = []
    for diary, first in free[at * OUTLETS_PER_PAGE : (at + 1) * OUTLETS_PER_PAGE]:
        assert diary.outlet is not None
        label = t("{outlet} · {when}", outlet=diary.outlet.name, when=first.starts_at)
        rows.append([way.feature.button(label, way.days, way.id, 0, diary.outlet.id)])
    return [*rows, _arrows(way.feature, at, len(free), OUTLETS_PER_PAGE, way.outlets, [way.id])]


def days(turn: Turn, diary: Diary, tier: str | None, page: str, way: Way) -> list[list[Button | None]]:
    """A button for each day that has hours at all, with what is free; full ones say so."""
    now, where = turn.at.programme_now, _where(diary)
    found = [(on, slots) for on in diary.days(now, tier) if (slots := diary.of_day(on, now, tier))]
    at = _page(page, len(found), DAYS_PER_PAGE)
    buttons = []
    for on, slots in found[at * DAYS_PER_PAGE : (at + 1) * DAYS_PER_PAGE]:
        free = sum(left for _, left in slots)
        day = words.short_day(on, turn.today)
        label = tn("{day} · 余 {n}", n=free, day=day) if free else t("{day} · 满", day=day)
        buttons.append(way.feature.button(label, way.hours, way.id, on.isoformat(), *(("0", *where) if where else ())))
    return [*grid(buttons, 2), _arrows(way.feature, at, len(found), DAYS_PER_PAGE, way.days, [way.id], where)]


def hours(turn: Turn, diary: Diary, tier: str | None, on: dt.date, page: str, way: Way) -> list[list[Button | None]]:
    """A button for each hour of a day; how many are left is said where more than one can come."""
    now, where = turn.at.programme_now, _where(diary)
    found = diary.of_day(on, now, tier) if on in diary.days(now, tier) else []
    at = _page(page, len(found), HOURS_PER_PAGE)
    buttons = []
    for slot, left in found[at * HOURS_PER_PAGE : (at + 1) * HOURS_PER_PAGE]:
        time = f"{slot.starts_at.astimezone(turn.zone):%H:%M}"
        if not left:
            label = t("{time} 满", time=time)
        else:
            label = t("{time}", time=time) if diary.booking.at_once == 1 else tn("{time} · 余 {n}", n=left, time=time)
        buttons.append(way.feature.button(label, way.chosen, way.id, spot(slot.starts_at, *where)))
    rows = grid(buttons, 3 if diary.booking.at_once == 1 else 2)
    arrows = _arrows(way.feature, at, len(found), HOURS_PER_PAGE, way.hours, [way.id, on.isoformat()], where)
    return [*rows, arrows] if rows else []


def _where(diary: Diary) -> list[int]:
    return [] if diary.outlet is None else [diary.outlet.id]


def _page(said: str, total: int, size: int) -> int:
    return min(number(said), max(0, (total - 1) // size))


def _arrows(
    feature: Feature, at: int, total: int, size: int, action: str, args: Iterable[object], more: Iterable[object] = ()
) -> list[Button | None]:
    return [
        feature.button(t("更早"), action, *args, at - 1, *more) if at else None,
        feature.button(t("更晚"), action, *args, at + 1, *more) if (at + 1) * size < total else None,
    ]
