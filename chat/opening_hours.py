"""Weekly hours as people type them, and as they are read back: «周一至周五 9-12 13-18,周末 10-16», «Mon-Fri 9am-6pm, Sat 10-16».

Days come before their times; times without days before them are every day's. A pause is cut out of its times («9-18 午休 12-13»), a
closed day out of the week («每天 9-18,周一休息»). What is read back means the same hours when it is typed.
"""

from __future__ import annotations

import datetime as dt
from collections.abc import Iterable
from dataclasses import dataclass, field

from chat.hours_tokens import ADDED, EVERY_DAY, Times, Unclear, plain_of, tokens
from chat.offer_rules import WEEKDAYS
from chat.offers import listing
from chat.words import Both, Text, t
from ledger.redeeming.booking import Hours

_RUN_LEAST = 3
"""So many days in a row are «周一至周三»; fewer are named one by one."""


@dataclass
class _Clause:
    """Some days, and what was said of them. `off`: «closed» was said and nothing after it yet; `first`: before the days."""

    days: list[int] = field(default_factory=list)
    times: list[Times] = field(default_factory=list)
    pauses: list[Times] = field(default_factory=list)
    off: bool = False
    first: bool = False

    @property
    def said(self) -> bool:
        """Whether something was said of its days, so that other days begin another clause."""
        return bool(self.times or self.pauses or (self.off and not self.first))


def parse(said: str, now: Iterable[Hours] = ()) -> tuple[Hours, ...]:
    """The hours that were typed, in one order whatever the order was in which they were said.

    What names no opening times («午休 12-13», «周一休息») changes the hours that there are `now`, and «+周日 10-16» adds to them;
    what is so already stays. None at all: that leaves nothing open.

    Raises:
        Unclear: it says no hours, or something that nobody understands.
        pydantic.ValidationError: hours that end before they begin.
    """
    plain, there = plain_of(said), _week(now)
    added = ADDED.match(plain)
    clauses = _clauses(plain[added.end() :] if added else plain)
    anew = any(each.times for each in clauses)
    changed = bool(there) and bool(added or not anew)
    week = there if changed else {}
    before, closed = tuple(week), set[int]()
    for clause in clauses:
        days = tuple(clause.days) or (tuple(week) if clause.pauses and not clause.times else before) or EVERY_DAY
        if not (clause.times or clause.pauses or clause.off):
            raise Unclear(plain)
        if clause.off:
            if clause.times or clause.pauses or not clause.days:
                raise Unclear(plain)
            closed |= {*days}
            continue
        if not _write(week, days, clause) and clause.pauses and not changed:
            raise Unclear(plain)
        before = days
    found = _canonical({day: times for day, times in week.items() if day not in closed})
    if not clauses or not (found or changed):
        raise Unclear(plain)
    return found


def _week(hours: Iterable[Hours]) -> dict[int, list[Times]]:
    """The same by the day."""
    week: dict[int, list[Times]] = {}
    for each in hours:
        opens = each.open.hour * 60 + each.open.minute
        for day in each.weekdays:
            week.setdefault(day, []).append(Times(opens, opens + each.minutes))
    return week


def _write(week: dict[int, list[Times]], days: Iterable[int], clause: _Clause) -> bool:
    """Writes what a clause says of its days; whether its pauses cut anything out."""
    cut = False
    for day in days:
        times = clause.times or week.pop(day, [])
        left = _without(times, clause.pauses)
        cut = cut or left != times
        there = week.setdefault(day, [])
        there += [each for each in left if each not in there]
    return cut


def _without(times: Iterable[Times], pauses: Iterable[Times]) -> list[Times]:
    """What is left of times where nothing is open in the pauses."""
    left = list(times)
    for pause in pauses:
        left = [part for each in left for part in _cut(each, pause)]
    return left


def _cut(times: Times, pause: Times) -> list[Times]:
    if pause.closes <= times.opens or times.closes <= pause.opens:
        return [times]
    parts = (Times(times.opens, pause.opens), Times(pause.closes, times.closes))
    return [part for part in parts if part.opens < part.closes]


def _canonical(week: dict[int, list[Times]]) -> tuple[Hours, ...]:
    spans: dict[Times, list[int]] = {}
    for day in sorted(week):
        for each in week[day]:
            spans.setdefault(each, []).append(day)
    ordered = sorted(spans.items(), key=lambda span: (span[1][0], span[0]))
    return tuple(_hours(tuple(days), times) for times, days in ordered)


def _hours(days: tuple[int, ...], times: Times) -> Hours:
    opens, closes = (dt.time(minutes // 60 % 24, minutes % 60) for minutes in times)
    return Hours(weekdays=days, open=opens, close=closes)


def _clauses(plain: str) -> list[_Clause]:
    """What is said, clause by clause: days, then their times, pauses, or that they are closed."""
    found, now = [], _Clause()
    for kind, said in tokens(plain):
        if kind == "break":
            if now.said or (now.off and now.days):
                found.append(now)
                now = _Clause()
        elif kind == "days":
            if now.said:
                # «9-18 except Wed»: what was said last speaks of the days that follow.
                carried = now.off and bool(now.times)
                now.off = now.off and not carried
                found.append(now)
                now = _Clause(off=carried, first=carried)
            now.days.extend(said)
        elif kind == "closed":
            now.first = now.first or not (now.days or now.off)
            now.off = True
        else:
            times = Times(*said)
            _hours((1,), times)
            if now.off and now.first and now.days:
                raise Unclear(plain)  # «closed Sun, Mon 9-18»: of which is it?
            (now.pauses if now.off else now.times).append(times)
            now.off = now.first = False
    if len(found) == 1 and not found[0].days and found[0].times and now.days and not now.said and not now.off:
        found[0].days = now.days  # «9-18 Mon-Fri»
        return found
    return [*found, now] if now.said or now.off or now.days else found


def said(hours: Iterable[Hours]) -> Text | Both:
    """The same hours in words, day by day where they differ."""
    week = _week(hours)
    groups: dict[tuple[Times, ...], list[int]] = {}
    for day in sorted(week):
        groups.setdefault(tuple(sorted(week[day])), []).append(day)
    clauses = [
        t("{days} {times}", days=_days_said(days), times=listing(t("{span}", span=_span(each)) for each in times))
        for times, days in groups.items()
    ]
    whole = clauses[0]
    for more in clauses[1:]:
        whole = t("{one};{other}", one=whole, other=more)
    return whole


def _days_said(days: list[int]) -> Text | Both:
    if len(days) == len(EVERY_DAY):
        return t("每天")
    runs: list[list[int]] = []
    for day in days:
        if runs and runs[-1][-1] == day - 1:
            runs[-1].append(day)
        else:
            runs.append([day])
    parts: list[Text | Both] = []
    for run in runs:
        if len(run) >= _RUN_LEAST:
            parts.append(t("{first}至{last}", first=_named(run[0]), last=_named(run[-1])))
        else:
            parts += map(_named, run)
    return listing(parts)


def _named(day: int) -> Both:
    return Both(*WEEKDAYS[day - 1])


def _span(times: Times) -> str:
    return f"{_wall(times.opens)}–{_wall(times.closes)}"


def _wall(minutes: int) -> str:
    return f"{minutes // 60:02d}:{minutes % 60:02d}"
