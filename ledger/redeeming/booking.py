"""Booking: what an offer says of its slots, and the slots of any day, at one outlet or wherever the merchant is. Pure; nothing here
is stored.

A slot begins at an opening time or a whole number of slots after it, in elapsed time, and ends by the closing time: so on a day on
which the clocks are put forward or back none is at an hour that does not exist, and none that the change falls into is offered. It
belongs to the day on which it begins; opening hours don't run past midnight.
"""

from __future__ import annotations

import datetime as dt
from bisect import bisect_left
from collections.abc import Iterable, Iterator
from dataclasses import dataclass, field
from functools import cached_property, lru_cache
from itertools import pairwise
from typing import Annotated, Any, NamedTuple

from pydantic import (
    BaseModel,
    ConfigDict,
    Field,
    SerializerFunctionWrapHandler,
    model_serializer,
    model_validator,
)

from ledger.redeeming.windows import Span, covered

_DAY = dt.timedelta(days=1)
_MINUTE = dt.timedelta(minutes=1)
_MIDNIGHT = dt.time()
SLOT_LONGEST = 480
"""Minutes."""
LOOKED_AHEAD = 60
"""Days beyond the window in which the next day that opens is looked for."""


class _Document(BaseModel):
    model_config = ConfigDict(frozen=True, extra="forbid")


class Hours(_Document):
    """On these weekdays, from `open` until `close`; 00:00 is the end of the day."""

    weekdays: tuple[Annotated[int, Field(ge=1, le=7)], ...] = Field(
        min_length=1, max_length=7, description="1: Monday … 7: Sunday"
    )
    open: dt.time
    close: dt.time

    @model_validator(mode="after")
    def _in_order(self) -> Hours:
        if any(each.tzinfo is not None or each.second or each.microsecond for each in (self.open, self.close)):
            raise ValueError("hours are whole minutes of the programme's zone")
        if self.minutes <= 0:
            raise ValueError("`open` is before `close`; hours past midnight are the next day's")
        return self

    @property
    def minutes(self) -> int:
        """How long it is open, as the clock on the wall says."""
        ends = 24 * 60 if self.close == _MIDNIGHT else self.close.hour * 60 + self.close.minute
        return ends - self.open.hour * 60 - self.open.minute


class EarlyDays(_Document):
    """Members of these tiers may book so many days further ahead than others."""

    tiers: tuple[str, ...] = Field(min_length=1)
    days: int = Field(ge=1, le=60)


class AtOutlet(_Document):
    """What is booked at one of the merchant's outlets. What it does not say is as with all of them."""

    outlet: str = Field(min_length=1, max_length=30, description="its name")
    hours: tuple[Hours, ...] | None = Field(default=None, min_length=1, max_length=21)
    at_once: int | None = Field(default=None, ge=1, le=200)

    @model_serializer(mode="wrap")
    def _without_the_unsaid(self, write: SerializerFunctionWrapHandler) -> dict[str, Any]:
        return {name: said for name, said in write(self).items() if said is not None}


class Booking(_Document):
    """Slots: how long, how many at once, when, from and until when they may be booked, until when changed.

    At `outlets`, each has a diary of its own, and members choose one of them; without, there is one diary for the whole offer.
    """

    slot_minutes: int = Field(ge=5, le=SLOT_LONGEST)
    at_once: int = Field(default=1, ge=1, le=200, description="how many members have the same slot")
    hours: tuple[Hours, ...] = Field(min_length=1, max_length=21)
    days_ahead: int = Field(default=14, ge=1, le=120, description="today and so many days more can be booked")
    lead_hours: int = Field(default=0, ge=0, le=720, description="booked so many hours before at the latest")
    cut_off_hours: int = Field(default=24, ge=0, le=720, description="cancelled or moved until so many hours before")
    grace_minutes: int = Field(default=30, ge=0, le=720, description="after its end, until nobody came")
    early: tuple[EarlyDays, ...] = Field(default=(), max_length=8)
    outlets: tuple[AtOutlet, ...] = Field(
        default=(), max_length=200, description="where it is booked, each with its own places; none: not said"
    )

    @model_validator(mode="after")
    def _can_be_booked(self) -> Booking:
        if self.lead_hours >= 24 * self.days_ahead:
            raise ValueError("`lead_hours` reach beyond `days_ahead`: nothing could ever be booked")
        if len({each.outlet for each in self.outlets}) < len(self.outlets):
            raise ValueError("an outlet's bookings are said once")
        for hours in (self.hours, *(each.hours for each in self.outlets if each.hours is not None)):
            if any(each.minutes < self.slot_minutes for each in hours):
                raise ValueError("opening hours are at least one slot long")
            for weekday in range(1, 8):
                spans = sorted((h.open, h.minutes) for h in hours if weekday in h.weekdays)
                for (before, minutes), (after, _) in pairwise(spans):
                    if before.hour * 60 + before.minute + minutes > after.hour * 60 + after.minute:
                        raise ValueError("opening hours of a day don't overlap")
        return self

    @model_serializer(mode="wrap")
    def _without_the_unsaid(self, write: SerializerFunctionWrapHandler) -> dict[str, Any]:
        return {name: said for name, said in write(self).items() if said or name != "outlets"}

    def at(self, outlet: str) -> Booking:
        """The same as it is at one of its outlets alone."""
        return self._by_outlet[outlet]

    @cached_property
    def _by_outlet(self) -> dict[str, Booking]:
        said = {name: getattr(self, name) for name in Booking.model_fields if name != "outlets"}
        own = {each.outlet: {"hours": each.hours, "at_once": each.at_once} for each in self.outlets}
        return {
            outlet: Booking(**{**said, **{name: one for name, one in more.items() if one is not None}})
            for outlet, more in own.items()
        }

    @cached_property
    def _hash(self) -> int:
        return hash((self.slot_minutes, self.hours))

    def __hash__(self) -> int:
        """Reckoned once: the slots of a day are looked up by it over and over."""
        return self._hash

    def ahead(self, tier: str | None) -> int:
        """How many days after today a member of this tier may book."""
        return self.days_ahead + max((each.days for each in self.early if tier in each.tiers), default=0)


class Slot(NamedTuple):
    """One slot: two instants, and the day in the programme's zone on which it begins."""

    starts_at: dt.datetime
    ends_at: dt.datetime
    day: dt.date


class Outlet(NamedTuple):
    """One of the merchant's, where something is booked."""

    id: int
    name: str


class Place(NamedTuple):
    """A place that is taken, in a slot of perhaps an earlier calendar; `outlet` its id, 0: wherever its member comes."""

    starts_at: dt.datetime
    ends_at: dt.datetime
    number: int
    outlet: int = 0


@lru_cache(maxsize=8192)
def slots_on(booking: Booking, day: dt.date, zone: dt.tzinfo) -> tuple[Slot, ...]:
    """The slots of a day by the weekly hours, in order."""
    length = dt.timedelta(minutes=booking.slot_minutes)
    found: set[Slot] = set()
    for hours in booking.hours:
        if day.isoweekday() not in hours.weekdays:
            continue
        opens = dt.datetime.combine(day, hours.open)
        closes = opens + dt.timedelta(minutes=hours.minutes)
        begin, end = (wall.replace(tzinfo=zone).astimezone(dt.UTC) for wall in (opens, closes))
        while begin + length <= end:
            first = begin.astimezone(zone).replace(tzinfo=None)
            last = (begin + length - _MINUTE).astimezone(zone).replace(tzinfo=None) + _MINUTE
            if opens <= first and last <= closes and last - first == length:
                found.add(Slot(begin, begin + length, day))
            begin += length
    return tuple(sorted(found))


@lru_cache(maxsize=8192)
def _counted(booking: Booking, first: dt.date, last: dt.date, zone: dt.tzinfo) -> int:
    """How many slots there are from one day through another."""
    return sum(len(slots_on(booking, first + n * _DAY, zone)) for n in range((last - first).days + 1))


@dataclass(frozen=True, slots=True)
class Openings:
    """What of an offer's slots matters to one member: the first that is free, and where, else the day on which more open."""

    first: Slot | None
    opens_on: dt.date | None
    outlet: Outlet | None = None


@dataclass(frozen=True, slots=True)
class Diary:
    """An offer's slots as they stand for one member, at one outlet where it is booked at several: its hours, the merchant's closed
    days, the places that others have taken, by `starts_at`, and the slot that is held for this member while they choose."""

    booking: Booking
    zone: dt.tzinfo
    closed: frozenset[dt.date] = frozenset()
    blackout: tuple[Span, ...] = ()
    taken: tuple[Place, ...] = ()
    held: Slot | None = None
    outlet: Outlet | None = None
    _known: dict[int, tuple[dt.datetime, Openings]] = field(default_factory=dict, compare=False, repr=False)
    """What `openings` found for whoever may book so many days ahead, and when."""

    def like(self, other: Diary) -> bool:
        """Whether both have the same hours and closed days."""
        return (
            self.booking == other.booking
            and self.zone == other.zone
            and self.closed == other.closed
            and self.blackout == other.blackout
            and self.outlet == other.outlet
        )

    def with_taken(self, taken: tuple[Place, ...], held: Slot | None = None) -> Diary:
        """The same hours and closed days, with these places taken and this slot held."""
        return Diary(self.booking, self.zone, self.closed, self.blackout, taken, held, self.outlet)

    def open_on(self, day: dt.date) -> list[Slot]:
        """The slots of a day, none where it is closed."""
        return list(self._open(day))

    def _open(self, day: dt.date) -> tuple[Slot, ...]:
        if day in self.closed or (self.blackout and covered(self.blackout, day) is not None):
            return ()
        return slots_on(self.booking, day, self.zone)

    def places(self, slot: Slot) -> set[tuple[int, int]]:
        """The numbers of the places that are taken while it lasts, each with its outlet."""
        first = bisect_left(self.taken, (slot.starts_at - dt.timedelta(minutes=SLOT_LONGEST),))
        last = bisect_left(self.taken, (slot.ends_at,))
        return {each[2:] for each in self.taken[first:last] if each.ends_at > slot.starts_at}

    def left(self, slot: Slot) -> int:
        """How many more may have it."""
        return max(0, self.booking.at_once - len(self.places(slot))) if self.taken else self.booking.at_once

    def free_place(self, slot: Slot) -> int | None:
        """The lowest place that is free; None: it is full."""
        taken = self.places(slot)
        if len(taken) >= self.booking.at_once:
            return None
        used = {number for number, _ in taken}
        return next(number for number in range(1, self.booking.at_once + 1) if number not in used)

    def slot_at(self, starts_at: dt.datetime) -> Slot | None:
        """The slot that begins then; None: none does, or its day is closed."""
        day = starts_at.astimezone(self.zone).date()
        return next((each for each in self.open_on(day) if each.starts_at == starts_at), None)

    def days(self, now: dt.datetime, tier: str | None) -> list[dt.date]:
        """The days that may be booked now, closed ones among them."""
        today = now.astimezone(self.zone).date()
        return [today + ahead * _DAY for ahead in range(self.booking.ahead(tier) + 1)]

    def bookable(self, slot: Slot, now: dt.datetime, tier: str | None) -> bool:
        """Whether it is neither too soon nor too far, free or not."""
        if slot.starts_at < now + dt.timedelta(hours=self.booking.lead_hours):
            return False
        return slot.day <= now.astimezone(self.zone).date() + self.booking.ahead(tier) * _DAY

    def of_day(self, day: dt.date, now: dt.datetime, tier: str | None) -> list[tuple[Slot, int]]:
        """The slots of a day that may be booked now, full ones too, each with how many more may have it."""
        return [(slot, self.left(slot)) for slot in self.open_on(day) if self.bookable(slot, now, tier)]

    def free(self, now: dt.datetime, tier: str | None, since: dt.datetime | None = None) -> Iterator[Slot]:
        """Slots that may be booked now and are free, the soonest first; none that begin before `since`."""
        earliest = now + dt.timedelta(hours=self.booking.lead_hours)
        if since is not None and since > earliest:
            earliest = since
        taken, most, first = self.taken, self.booking.at_once, 0
        for day in self.days(now, tier):
            for slot in self._open(day):
                starts_at, ends_at, _day = slot
                if starts_at < earliest:
                    continue
                # Slots and places both come in order: what is over before this slot is over before all that follow.
                while first < len(taken) and taken[first].ends_at <= starts_at:
                    first += 1
                used, at = set(), first
                while at < len(taken) and taken[at].starts_at < ends_at:
                    if taken[at].ends_at > starts_at:
                        used.add(taken[at][2:])
                    at += 1
                if len(used) < most:
                    yield slot

    def surely_free(self, count: int, longest: dt.timedelta, now: dt.datetime, tier: str | None) -> bool:
        """Whether something is free whatever the places are that so many members have taken, none for longer than `longest`.

        A place stands in the way of as many slots as it can touch; where there are more left than that, one is free.
        """
        return count * self.touched(longest if count else dt.timedelta()) < self.room(now, tier)

    def touched(self, longest: dt.timedelta) -> int:
        """In the way of how many slots a place can be that is taken for so long."""
        length = dt.timedelta(minutes=self.booking.slot_minutes)
        return -(-longest // length) + 1

    def room(self, now: dt.datetime, tier: str | None) -> int:
        """How many places there are on the whole days from tomorrow on that may be booked now, taken or not."""
        whole = (now + dt.timedelta(hours=self.booking.lead_hours)).astimezone(self.zone).date() + _DAY
        last = now.astimezone(self.zone).date() + self.booking.ahead(tier) * _DAY
        if self.closed or self.blackout:
            slots = sum(len(self._open(whole + n * _DAY)) for n in range((last - whole).days + 1))
        else:
            slots = _counted(self.booking, whole, last, self.zone)
        return slots * self.booking.at_once

    def opens_on(self, now: dt.datetime, tier: str | None) -> dt.date | None:
        """The next day on which one more may be booked, where nothing is free now; None: none is in sight."""
        today, ahead = now.astimezone(self.zone).date(), self.booking.ahead(tier)
        for later in range(1, LOOKED_AHEAD + 1):
            if any(self.left(slot) for slot in self._open(today + (later + ahead) * _DAY)):
                return today + later * _DAY
        return None

    def openings(self, now: dt.datetime, tier: str | None) -> Openings:
        """What of it matters to whoever looks now. Found once for a day: what is free passes only by beginning."""
        if self.held is not None:
            return Openings(self.held, None, self.outlet)
        ahead, lead = self.booking.ahead(tier), dt.timedelta(hours=self.booking.lead_hours)
        if ahead in self._known:
            looked, known = self._known[ahead]
            same_day = looked.astimezone(self.zone).date() == now.astimezone(self.zone).date()
            if looked <= now and same_day and (known.first is None or known.first.starts_at >= now + lead):
                return known
        first = next(self.free(now, tier), None)
        found = Openings(first, None if first is not None else self.opens_on(now, tier), self.outlet)
        self._known[ahead] = now, found
        return found


def surely_free(
    diaries: Iterable[Diary], count: int, longest: dt.timedelta, now: dt.datetime, tier: str | None
) -> bool:
    """As `Diary.surely_free`, of several outlets that share so many places: something is free at one of them."""
    those = list(diaries)
    touched = max(each.touched(longest) for each in those) if count else 0
    return count * touched < sum(each.room(now, tier) for each in those)


def openings(diaries: Iterable[Diary], now: dt.datetime, tier: str | None) -> Openings:
    """What of an offer that is booked at several outlets matters to whoever looks now."""
    found = [each.openings(now, tier) for each in diaries]
    if len(found) == 1:
        return found[0]
    free = [(each.first, at) for at, each in enumerate(found) if each.first is not None]
    if free:
        return found[min(free)[1]]
    return Openings(None, min((each.opens_on for each in found if each.opens_on is not None), default=None))


def kept_until(slot: Slot, booking: Booking, zone: dt.tzinfo) -> dt.datetime:
    """Until when a place waits for whoever has it: some minutes after its end, and not into the next day."""
    midnight = dt.datetime.combine(slot.day + _DAY, _MIDNIGHT, zone).astimezone(dt.UTC)
    return min(slot.ends_at + dt.timedelta(minutes=booking.grace_minutes), max(midnight, slot.ends_at))
