"""Answers about an offer's booking as they are typed in chat, and what each writes into the document (as in `offer_answers`).

Hours begin the booking: a document without them has no other part of it.
"""

from __future__ import annotations

import datetime as dt
import re
from collections.abc import Callable, Iterable, Mapping
from typing import Any

from pydantic import ValidationError

from chat import booking_text, opening_hours
from chat.hours_tokens import Unclear
from chat.offer_answers import About, Unread, from_tier, none_said, plain, whole
from chat.words import Text, t
from ledger.redeeming.booking import SLOT_LONGEST, AtOutlet, Booking, Hours

SLOT_LEAST = 5
USUAL_SLOTS = (60, 30, 20, 15, 10)
"""What a slot is at first: the longest of these for which all hours are long enough."""
BIT_LONGEST = 10

_NOT_BOOKED = {"不用预约", "不预约", "不用", "no booking", "not booked"}
_AT_ONCE = {"0", "不限", "随时", "不等", "any time", "anytime", "none", "no"}
_PEOPLE = re.compile(r"\s*(?:位|人|个|名|people|persons?|at once)$")
_WEEKS = re.compile(r"(\d{1,2})\s*(?:周|个?星期|weeks?)")
_DAYS = re.compile(r"(\d{1,2})\s*(?:天|日|days?|d)")
_HOURS = re.compile(
    r"(?P<hours>\d{1,2}(?:\.\d)?)\s*(?:个?小时|hours?|hrs?|h)(?P<half>半)?\s*(?:(?P<minutes>\d{1,2})\s*(?:分钟?|minutes?|mins?|m)?)?"
)
_HALF = {"半小时": 30, "半个小时": 30, "一小时": 60, "一个小时": 60, "一个半小时": 90, "两小时": 120, "两个小时": 120}
_MINUTES = re.compile(r"\s*(?:分钟?|minutes?|mins?|m)$")

_EVERYWHERE = {"*", "全部", "全部门店", "所有门店", "每家店", "all", "everywhere"}
_NOT_THERE = {"不约", "不在这约", "off", "not here"}
_BY_ID = re.compile(r"#(\d{1,18})\s*")
_AT_PLACES = re.compile(r"(?:^|(?<=[\s,]))(\d{1,3})\s*(?:位|人|名|people|persons?|at once)$")
_NAME_SHOWN = 16
_HOURS_FIRST = t("先写「预约时间」。")

Write = Callable[[About, str], Mapping[str, Any]]


def hours(about: About, said: str) -> Mapping[str, Any]:
    """Weekly hours: «周一至周五 9-12 13-18», or a change of those that there are; «不用预约» ends the booking."""
    if none_said(said) or plain(said).lower() in _NOT_BOOKED:
        return {"booking": None}
    before = booking_text.of_document(about.document)
    found = _parsed(said, before.hours if before is not None else ())
    if not found:
        raise Unread(t("那样就一天也不开了。要停就点「不用预约」。"))
    shortest = min(found, key=lambda each: each.minutes)
    now = about.document.get("booking") or {"slot_minutes": _usual(shortest.minutes)}
    _long_enough(shortest, int(now["slot_minutes"]), t("先改「每次多久」,或放宽时间。"))
    return {"booking": {**now, "hours": [each.model_dump(mode="json") for each in found]}}


def _parsed(said: str, before: Iterable[Hours]) -> tuple[Hours, ...]:
    try:
        return opening_hours.parse(said, before)
    except Unclear as no:
        if not no.bit or len(no.bit) > BIT_LONGEST:
            raise Unread(t("没看懂。比如:周一至周五 9-12 13-18")) from no
        raise Unread(t("「{bit}」没看懂。比如:周一至周五 9-12 13-18", bit=no.bit)) from no


def outlets(about: About, said: str) -> Mapping[str, Any]:
    """At which outlets, a line each: «江北店», «江北店 周末 10-16 2位», «江北店 不约»; or all of them, or none in particular.

    What is said of one leaves the others as they are. A button says «#» and an outlet's id in place of its name.
    """
    if none_said(said):
        return _with(about, outlets=[])
    booking = booking_text.of_document(about.document)
    if booking is None:
        raise Unread(_HOURS_FIRST)
    names = [name for _, name in about.outlets]
    now = {each.outlet: each for each in booking.outlets}
    if plain(said).lower() in _EVERYWHERE:
        now = {name: now.get(name, AtOutlet(outlet=name)) for name in names}
    else:
        for line in filter(None, (each.strip() for each in said.splitlines())):
            name, rest = _outlet_in(line, [*names, *now], dict(about.outlets))
            if plain(rest).lower() in _NOT_THERE:
                now.pop(name, None)
            else:
                now[name] = _at(booking, now.get(name, AtOutlet(outlet=name)), rest)
    return _with(about, outlets=[each.model_dump(mode="json") for each in now.values()])


def _outlet_in(line: str, names: Iterable[str], by_id: Mapping[int, str]) -> tuple[str, str]:
    """Which outlet a line is about, and what it says of it."""
    if (met := _BY_ID.match(line)) is not None and int(met[1]) in by_id:
        return by_id[int(met[1])], line[met.end() :]
    meant = [name for name in names if line.lower().startswith(name.lower())]
    if not meant:
        raise Unread(t("没有门店「{outlet}」。请点一个。", outlet=line.split()[0][:_NAME_SHOWN]))
    name = max(meant, key=len)
    return name, plain(line[len(name) :]).strip(" :,")


def _at(booking: Booking, now: AtOutlet, said: str) -> AtOutlet:
    """What one outlet says for itself; nothing: it is as with all."""
    words, places_ = said, None
    if (met := _AT_PLACES.search(plain(said).lower())) is not None:
        words, places_ = plain(said)[: met.start()], whole(met[1], 200)
    if not words.strip():
        return AtOutlet(outlet=now.outlet, hours=now.hours if places_ else None, at_once=places_)
    found = _parsed(words, booking.hours if now.hours is None else now.hours)
    if not found:
        raise Unread(t("那样那家店就一天也不开了。不约就写「不约」。"))
    _long_enough(min(found, key=lambda each: each.minutes), booking.slot_minutes, t("先改「每次多久」,或放宽时间。"))
    return AtOutlet(outlet=now.outlet, hours=found, at_once=places_ or now.at_once)


def would_change(about: About, said: str) -> bool:
    """Whether an answer about the hours may be given, and makes others of them."""
    try:
        after = booking_text.of_document(hours(about, said))
    except (Unread, ValidationError):
        return False
    before = booking_text.of_document(about.document)
    return after is not None and before is not None and _opened(after) != _opened(before)


def _opened(booking: Booking) -> set[tuple[int, dt.time, dt.time]]:
    return {(day, each.open, each.close) for each in booking.hours for day in each.weekdays}


def _usual(shortest: int) -> int:
    return next((n for n in USUAL_SLOTS if n <= shortest), SLOT_LEAST)


def _long_enough(shortest: Hours, slot_minutes: int, way: Text) -> None:
    if shortest.minutes < slot_minutes:
        facts = {"open": f"{shortest.open:%H:%M}", "minutes": shortest.minutes, "slot": slot_minutes, "way": way}
        raise Unread(t("{open} 那段只有 {minutes} 分钟,不够 {slot} 分钟。\n{way}", **facts))


def slot(about: About, said: str) -> Mapping[str, Any]:
    """How long each is: «45», «1.5小时», «1h30»."""
    n = _long(said, SLOT_LONGEST, SLOT_LEAST)
    booking = booking_text.of_document(about.document)
    if booking is not None:
        _long_enough(min(booking.hours, key=lambda each: each.minutes), n, t("先改「预约时间」,或短一点。"))
    return _with(about, slot_minutes=n)


def places(about: About, said: str) -> Mapping[str, Any]:
    """How many members have the same time."""
    return _with(about, at_once=whole(_PEOPLE.sub("", plain(said).lower()), 200))


def ahead(about: About, said: str) -> Mapping[str, Any]:
    """How many days ahead can be booked: «14», «2周»."""
    if (met := _WEEKS.fullmatch(plain(said).lower())) is not None:
        return _with(about, days_ahead=whole(str(7 * int(met[1])), 120))
    return _with(about, days_ahead=whole(said, 120))


def before(part: str) -> Write:
    """So many hours before: «24», «2天», «随时»."""

    def write(about: About, said: str) -> Mapping[str, Any]:
        words = plain(said).lower()
        if none_said(said) or words in _AT_ONCE:
            return _with(about, **{part: 0})
        if (met := _DAYS.fullmatch(words)) is not None:
            words = str(24 * int(met[1]))
        return _with(about, **{part: whole(words, 720, least=0)})

    return write


def grace(about: About, said: str) -> Mapping[str, Any]:
    """So many minutes after its end, until nobody came."""
    if none_said(said) or plain(said).lower() in _AT_ONCE:
        return _with(about, grace_minutes=0)
    return _with(about, grace_minutes=_long(said, 720, 0))


def longer(about: About, said: str) -> Mapping[str, Any]:
    """«gold 14»: a tier and those above it, a fortnight more."""
    if none_said(said) or not about.booked:
        return _with(about, early=[])
    code, _, days = plain(said).partition(" ")
    return _with(about, early=[{"tiers": from_tier(about, code), "days": whole(days, 60)}])


def _long(said: str, most: int, least: int) -> int:
    """Minutes, as people say how long something is."""
    words = plain(said).lower()
    if words in _HALF:
        return _HALF[words]
    if (met := _HOURS.fullmatch(words)) is not None:
        words = str(round(60 * float(met["hours"])) + (30 if met["half"] else int(met["minutes"] or 0)))
    return whole(_MINUTES.sub("", words), most, least=least)


def _with(about: About, **fields: Any) -> Mapping[str, Any]:
    now = about.document.get("booking")
    if not now:
        raise Unread(_HOURS_FIRST)
    return {"booking": {**now, **fields}}
