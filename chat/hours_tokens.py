"""The days, times and closings that typed weekly hours name, in order; what they mean together is `opening_hours`'.

Chinese and English may be mixed. Whatever is not understood is `Unclear`, with the bit that is not.
"""

from __future__ import annotations

import re
import unicodedata
from collections.abc import Iterator
from typing import Literal, NamedTuple

DAY_ENDS, NOON = 24 * 60, 12 * 60
"""Minutes of the day."""
EVERY_DAY = tuple(range(1, 8))
"""1: Monday … 7: Sunday."""

_SKIP = re.compile(
    r"(?:[^\S\n]|[,:、&()|/])+|和|及|与|从|为|每(?=周|星期|礼拜)|(?:and|from|on|for|at|open|hours?)\b|营业(?:时间)?|开门|可约|预约(?:时间)?"
)
_BREAK = re.compile(r"[;。\n]\s*|\.(?=\s|$)\s*")
ADDED = re.compile(r"(?:\+|再?加上?|(?:add|also|plus)\b)\s*")
"""What comes before hours that are added to those that there are."""
_CLOSED = re.compile(
    r"午休|午餐|午饭|休息|店休|不营业|不开门?|关门|除了|休|关|除|(?:closed?|lunch|breaks?|pause|off|except|without)\b"
)
_SETS = (
    (re.compile(r"工作日|平日|weekdays?|working days?"), EVERY_DAY[:5]),
    (re.compile(r"周末|双休日?|weekends?"), EVERY_DAY[5:]),
    (re.compile(r"每天|每日|天天|daily|every ?day|all week"), EVERY_DAY),
)
_NUMERALS = {**{sign: n for n, sign in enumerate("一二三四五六日", 1)}, "天": 7}
_CHINESE = re.compile(r"(?:周|星期|礼拜)([一二三四五六日天])(?![点时])")
_BARE = re.compile(r"[\s、,和及]*([一二三四五六日天])(?![点时])")
_NAMES = {name: n for n, name in enumerate(("mon", "tue", "wed", "thu", "fri", "sat", "sun"), 1)}
_ENGLISH = re.compile(
    r"(mon(?:days?)?|tue(?:s(?:days?)?)?|wed(?:nesdays?)?|thu(?:r(?:s(?:days?)?)?)?|fri(?:days?)?|sat(?:urdays?)?|sun(?:days?)?)"
    r"(?![a-z])\.?"
)
_TO = re.compile(r"\s*(?:[-\u2010-\u2015\u2212~\u301c]+|至|到|(?:to|through|thru|until|till?)\b)\s*")
_ALL_DAY = re.compile(r"全天|24 ?小时|24 ?h(?:ours|rs)?\b|all day")
_CLOCK = re.compile(
    r"(?P<part>上午|早上|早晨|早|中午|下午|晚上|傍晚|晚|凌晨)?\s*(?P<hour>\d{1,2})(?!\d)"
    r"(?:[:.](?P<minute>\d{2})(?!\d)|[点时](?:(?P<half>半)|(?P<past>\d{1,2})分?)?)?(?:\s*(?P<half_day>am\b|pm\b|a\.m\.|p\.m\.))?"
)
_SPELT = re.compile(r"[一二两三四五六七八九十]{1,3}(?=[点时])|(?<=[早晚午])[一二两三四五六七八九十]{1,3}")
_DIGITS = {**{sign: n for n, sign in enumerate("一二三四五六七八九", 1)}, "两": 2}
_NAMED_HOURS = (("midnight", "24:00"), ("noon", "12:00"))
_EARLY = {"上午", "早上", "早晨", "早", "凌晨", "am", "a.m."}
_LATE = {"下午", "晚上", "傍晚", "晚", "pm", "p.m."}
_NIGHT = {"晚上", "晚"}


class Unclear(Exception):
    """What was typed is not understood; `bit` is the part that is not."""

    def __init__(self, bit: str) -> None:
        super().__init__(bit)
        self.bit = bit


class Times(NamedTuple):
    """From a minute of the day until another; 1440 is its end."""

    opens: int
    closes: int


class _Clock(NamedTuple):
    minutes: int
    mark: str | None


Token = tuple[Literal["days", "times", "closed", "break"], tuple[int, ...]]
"""What is named, and its days, or from which minute until which."""


def plain_of(said: str) -> str:
    """What was typed with usual signs, and its hours in digits: «九点» is «9点», «早九晚六» is «早9晚6»."""
    plain = unicodedata.normalize("NFKC", said).strip().lower()
    for name, clock in _NAMED_HOURS:
        plain = re.sub(rf"\b{name}\b", clock, plain)
    return _SPELT.sub(lambda met: _in_digits(met[0]), plain)


def _in_digits(spelt: str) -> str:
    tens, ten, ones = spelt.rpartition("十")
    if not ten:
        return "".join(str(_DIGITS[sign]) for sign in spelt)
    return str(10 * (_DIGITS.get(tens, 0) or 1) + _DIGITS.get(ones, 0))


def tokens(plain: str) -> Iterator[Token]:
    """The days, times and closings that a text names, in order."""
    at = 0
    while at < len(plain):
        if (met := _SKIP.match(plain, at)) is not None:
            at = met.end()
        elif (met := _BREAK.match(plain, at)) is not None:
            yield "break", ()
            at = met.end()
        elif (days := _days(plain, at)) is not None:
            yield "days", days[0]
            at = days[1]
        elif (met := _CLOSED.match(plain, at)) is not None:
            yield "closed", ()
            at = met.end()
        elif (times := _times(plain, at)) is not None:
            yield "times", times[0]
            at = times[1]
        else:
            raise Unclear(plain[at:])


def _days(plain: str, at: int) -> tuple[tuple[int, ...], int] | None:
    """Days that begin here, and where they end: «周一至周五», «周一三五», «Mon to Fri», «周末»."""
    for pattern, days in _SETS:
        if (met := pattern.match(plain, at)) is not None:
            return days, met.end()
    first = _day(plain, at)
    if first is None:
        return None
    found, at = [first[0]], first[1]
    while True:
        to = _TO.match(plain, at)
        last = (_day(plain, to.end()) or _bare(plain, to.end())) if to is not None else None
        if last is not None:
            found += [(found[-1] + n - 1) % 7 + 1 for n in range(1, (last[0] - found[-1]) % 7 + 1)]
            at = last[1]
        elif (more := _bare(plain, at)) is not None:
            found.append(more[0])
            at = more[1]
        else:
            return tuple(found), at


def _day(plain: str, at: int) -> tuple[int, int] | None:
    if (met := _CHINESE.match(plain, at)) is not None:
        return _NUMERALS[met[1]], met.end()
    if (met := _ENGLISH.match(plain, at)) is not None:
        return _NAMES[met[1][:3]], met.end()
    return None


def _bare(plain: str, at: int) -> tuple[int, int] | None:
    """A day after another Chinese one, without its «周»."""
    met = _BARE.match(plain, at)
    return (_NUMERALS[met[1]], met.end()) if met is not None else None


def _times(plain: str, at: int) -> tuple[Times, int] | None:
    """A span of time that begins here, and where it ends."""
    if (met := _ALL_DAY.match(plain, at)) is not None:
        return Times(0, DAY_ENDS), met.end()
    first = _CLOCK.match(plain, at)
    if first is None:
        return None
    to = _TO.match(plain, first.end())
    second = _CLOCK.match(plain, first.end() if to is None else to.end())
    if second is None or (to is None and second["part"] is None):  # «早9晚6» needs no sign between
        raise Unclear(plain[at:])
    return _between(_clock(first, plain[at:]), _clock(second, plain[at:])), second.end()


def _clock(met: re.Match[str], bit: str) -> _Clock:
    hour, minute = int(met["hour"]), 30 if met["half"] else int(met["minute"] or met["past"] or 0)
    mark = met["half_day"] or met["part"]
    if minute > 59 or hour > 24 or (hour == 24 and minute):
        raise Unclear(bit)
    if mark in _NIGHT and hour == 12:
        hour = 24
    elif (mark in _LATE and hour < 12) or (mark == "中午" and hour < 5):
        hour += 12
    elif mark in _EARLY and hour == 12:
        hour = 0
    return _Clock(hour * 60 + minute, mark)


def _between(first: _Clock, second: _Clock) -> Times:
    """What a half of the day that is said once means for both: «下午1-5点», «1-5pm», «9am-5»."""
    opens, closes = first.minutes, second.minutes
    if second.mark is None and first.mark is not None and 0 < closes <= min(opens, NOON):
        closes += NOON
    elif first.mark is None and second.mark in ("pm", "p.m.") and opens < NOON and opens + NOON < closes:
        opens += NOON
    return Times(opens, closes or DAY_ENDS)
