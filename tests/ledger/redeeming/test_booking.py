"""The slots of any calendar: never outside of opening hours, never two on each other, whatever the day and the zone."""

from __future__ import annotations

import datetime as dt
from itertools import pairwise
from zoneinfo import ZoneInfo

import pytest
from hypothesis import assume, given, settings
from hypothesis import strategies as st
from pydantic import ValidationError

from ledger.redeeming.booking import Booking, Diary, EarlyDays, Hours, Place, Slot, kept_until, slots_on
from ledger.redeeming.offers import Offer, Special, parse
from ledger.redeeming.windows import Span, When
from tests.ledger.redeeming.stage import offer, per_unit

SHANGHAI, LONDON, NEW_YORK = ZoneInfo("Asia/Shanghai"), ZoneInfo("Europe/London"), ZoneInfo("America/New_York")
LORD_HOWE = ZoneInfo("Australia/Lord_Howe")  # its clocks move by half an hour
EVERY_DAY = (1, 2, 3, 4, 5, 6, 7)
MONDAY = dt.date(2026, 11, 23)
DAY = dt.timedelta(days=1)


def hours(open: str, close: str, *weekdays: int) -> Hours:
    return Hours(weekdays=weekdays or EVERY_DAY, open=dt.time.fromisoformat(open), close=dt.time.fromisoformat(close))


def booking(minutes: int = 60, *said: Hours, **more: object) -> Booking:
    return Booking(slot_minutes=minutes, hours=said or (hours("09:00", "12:00"),), **more)  # type: ignore[arg-type]


def begins(slots: list[Slot], zone: dt.tzinfo) -> list[str]:
    return [f"{each.starts_at.astimezone(zone):%H:%M}" for each in slots]


def at(day: dt.date, time: str, zone: dt.tzinfo = SHANGHAI) -> dt.datetime:
    return dt.datetime.combine(day, dt.time.fromisoformat(time), zone)


@st.composite
def calendars(draw: st.DrawFn) -> Booking:
    """Any hours of any weekdays that don't overlap."""
    length = draw(st.sampled_from([5, 15, 20, 30, 45, 60, 90, 240]))
    said = []
    for weekday in draw(st.sets(st.integers(1, 7), min_size=1)):
        edges = draw(st.lists(st.integers(0, 24 * 12), min_size=2, max_size=6, unique=True).map(sorted))
        for first, last in zip(edges[::2], edges[1::2], strict=False):
            if (last - first) * 5 < length:
                continue
            open_, close = (f"{n * 5 // 60 % 24:02d}:{n * 5 % 60:02d}" for n in (first, last))
            said.append(hours(open_, close, weekday))
    assume(said)
    return Booking(
        slot_minutes=length, at_once=draw(st.integers(1, 3)), hours=tuple(said), days_ahead=draw(st.integers(1, 20)),
        lead_hours=draw(st.integers(0, 23)),
    )  # fmt: skip


CHANGES = {  # days on which clocks change, and some on which they don't
    LONDON: [dt.date(2026, 3, 29), dt.date(2026, 10, 25)],
    NEW_YORK: [dt.date(2026, 3, 8), dt.date(2026, 11, 1)],
    LORD_HOWE: [dt.date(2026, 4, 5), dt.date(2026, 10, 4)],
    SHANGHAI: [dt.date(2028, 2, 29), dt.date(2026, 12, 31)],
}
DAYS = st.one_of(*(st.tuples(st.just(zone), st.sampled_from(days)) for zone, days in CHANGES.items()))


@settings(max_examples=400, deadline=None)
@given(calendars(), DAYS)
def test_slots_lie_within_opening_hours_and_never_on_each_other(rule: Booking, when: tuple[ZoneInfo, dt.date]) -> None:
    zone, day = when
    slots = slots_on(rule, day, zone)
    for before, after in pairwise(slots):
        assert before.ends_at <= after.starts_at
    for slot in slots:
        assert slot.ends_at - slot.starts_at == dt.timedelta(minutes=rule.slot_minutes)
        minutes = range(0, rule.slot_minutes, 5)
        for wall in ((slot.starts_at + dt.timedelta(minutes=n)).astimezone(zone) for n in minutes):
            assert wall.date() == day == slot.day
            assert any(
                day.isoweekday() in each.weekdays
                and each.open <= wall.time()
                and (wall.time() < each.close or each.close == dt.time())
                for each in rule.hours
            ), wall


@settings(max_examples=200, deadline=None)
@given(calendars(), DAYS, st.data())
def test_what_is_taken_never_exceeds_capacity_and_what_is_free_is_open(
    rule: Booking, when: tuple[ZoneInfo, dt.date], data: st.DataObject
) -> None:
    zone, first = when
    closed = frozenset(data.draw(st.sets(st.sampled_from([first + n * DAY for n in range(4)]), max_size=2)))
    now = dt.datetime.combine(first, dt.time(data.draw(st.integers(0, 23))), zone)
    taken: list[Place] = []
    for _ in range(12):  # each takes whatever is free, as `bookings` does
        diary = Diary(rule, zone, closed, (), tuple(sorted(taken)))
        slot = next(diary.free(now, None), None)
        shown = diary.openings(now, None)
        assert shown.first == slot
        if slot is None:
            for day in diary.days(now, None):
                assert all(not left for _, left in diary.of_day(day, now, None))
            if shown.opens_on is not None:  # the remedy lifts the refusal
                then = dt.datetime.combine(shown.opens_on, dt.time(), zone)
                assert diary.openings(then, None).first is not None
                assert diary.openings(then - dt.timedelta(minutes=1), None).first is None
            break
        assert slot.day not in closed and slot.starts_at >= now + dt.timedelta(hours=rule.lead_hours)
        place = diary.free_place(slot)
        assert place is not None and 1 <= place <= rule.at_once
        taken.append(Place(slot.starts_at, slot.ends_at, place))
    for each in taken:
        together = [other for other in taken if other.starts_at < each.ends_at and each.starts_at < other.ends_at]
        assert len(together) <= rule.at_once and len({other.number for other in together}) == len(together)


@settings(max_examples=300, deadline=None)
@given(
    calendars(),
    DAYS,
    st.lists(
        st.tuples(st.integers(-60, 3000), st.sampled_from([10, 30, 60, 200, 480]), st.integers(1, 3)), max_size=25
    ),
    st.integers(0, 23),
)
def test_what_is_found_free_is_what_is_left_whatever_calendar_the_places_are_from(
    rule: Booking, when: tuple[ZoneInfo, dt.date], places: list[tuple[int, int, int]], hour: int
) -> None:
    zone, first = when
    now = dt.datetime.combine(first, dt.time(hour), zone).astimezone(dt.UTC)
    step = dt.timedelta(minutes=5)
    begun = [(now + n * step, dt.timedelta(minutes=minutes), number) for n, minutes, number in places]
    diary = Diary(rule, zone, taken=tuple(sorted(Place(at, at + length, number) for at, length, number in begun)))
    left = [slot for day in diary.days(now, None) for slot, n in diary.of_day(day, now, None) if n]
    assert list(diary.free(now, None)) == left
    for slot in left:
        together = {n for at, length, n in begun if at < slot.ends_at and slot.starts_at < at + length}
        assert len(together) < rule.at_once and diary.free_place(slot) not in together
    later = now + dt.timedelta(days=1)
    assert list(diary.free(now, None, later)) == [slot for slot in left if slot.starts_at >= later]
    longest = max((length for _, length, _ in begun), default=dt.timedelta())
    if diary.surely_free(len(begun), longest, now, None):
        assert left, "it said that something is free"


def test_slots_of_a_usual_day_and_of_one_with_a_break() -> None:
    rule = booking(60, hours("09:00", "12:00", 1), hours("14:00", "16:30", 1))
    assert begins(slots_on(rule, MONDAY, SHANGHAI), SHANGHAI) == ["09:00", "10:00", "11:00", "14:00", "15:00"]
    assert slots_on(rule, MONDAY + DAY, SHANGHAI) == ()


def test_hours_until_midnight_end_with_the_day() -> None:
    [*_, last] = slots_on(booking(60, hours("20:00", "00:00")), MONDAY, SHANGHAI)
    assert last.ends_at == at(MONDAY + DAY, "00:00") and last.day == MONDAY
    assert kept_until(last, booking(grace_minutes=30), SHANGHAI) == last.ends_at, (
        "grace does not reach into the next day"
    )
    early = slots_on(booking(60), MONDAY, SHANGHAI)[0]
    assert kept_until(early, booking(grace_minutes=30), SHANGHAI) == early.ends_at + dt.timedelta(minutes=30)


def test_the_29th_of_february_is_a_day_like_any_other() -> None:
    assert len(slots_on(booking(60), dt.date(2028, 2, 29), SHANGHAI)) == 3
    diary = Diary(booking(60, days_ahead=1), SHANGHAI)
    assert diary.days(at(dt.date(2028, 2, 28), "12:00"), None)[-1] == dt.date(2028, 2, 29)


def test_an_hour_that_does_not_exist_or_comes_twice_makes_no_odd_slot() -> None:
    rule = booking(60, hours("00:00", "04:00"))
    assert begins(slots_on(rule, dt.date(2026, 3, 29), LONDON), LONDON) == ["00:00", "02:00", "03:00"]
    autumn = slots_on(rule, dt.date(2026, 10, 25), LONDON)
    assert begins(autumn, LONDON) == ["00:00", "01:00", "01:00", "02:00", "03:00"], "that hour is really there twice"
    assert len(set(autumn)) == 5


def test_lead_window_closed_days_and_blackouts_bound_what_can_be_booked() -> None:
    rule = booking(60, days_ahead=2, lead_hours=2)
    now = at(MONDAY, "08:30")
    diary = Diary(rule, SHANGHAI, frozenset({MONDAY + DAY}), (Span(from_on=MONDAY + 2 * DAY, until=MONDAY + 2 * DAY),))
    assert begins([slot for slot, _ in diary.of_day(MONDAY, now, None)], SHANGHAI) == ["11:00"]
    assert [day for day in diary.days(now, None) if diary.open_on(day)] == [MONDAY]
    assert diary.openings(at(MONDAY, "09:30"), None).opens_on == MONDAY + DAY, "then Thursday enters the window"


def test_a_tier_may_book_further_ahead() -> None:
    diary = Diary(booking(days_ahead=2, early=(EarlyDays(tiers=("gold",), days=3),)), SHANGHAI)
    now = at(MONDAY, "08:00")
    assert (len(diary.days(now, None)), len(diary.days(now, "plain")), len(diary.days(now, "gold"))) == (3, 3, 6)


def test_places_of_an_earlier_calendar_count_where_they_last_into_a_slot() -> None:
    day = Place(at(MONDAY, "09:30"), at(MONDAY, "10:30"), 1)
    one, two = Diary(booking(), SHANGHAI, taken=(day,)), Diary(booking(at_once=2), SHANGHAI, taken=(day,))
    assert [one.left(slot) for slot in one.open_on(MONDAY)] == [0, 0, 1]
    assert [two.free_place(slot) for slot in two.open_on(MONDAY)] == [2, 2, 1]


@pytest.mark.parametrize(
    ("said", "why"),
    [
        ({"hours": (hours("09:00", "09:30"),)}, "one slot long"),
        ({"hours": (hours("09:00", "12:00", 1), hours("11:00", "13:00", 1, 2))}, "overlap"),
        ({"days_ahead": 1, "lead_hours": 24}, "nothing could ever be booked"),
        ({"at_once": 0}, "greater than or equal"),
        ({"hours": ()}, "at least 1 item"),
    ],
)
def test_calendars_in_which_nothing_could_be_booked_are_refused(said: dict[str, object], why: str) -> None:
    with pytest.raises(ValidationError, match=why):
        Booking(**{"slot_minutes": 60, "hours": (hours("09:00", "12:00"),), **said})  # type: ignore[arg-type]


@pytest.mark.parametrize("close", ["09:00", "08:00"])
def test_hours_that_run_past_midnight_are_refused(close: str) -> None:
    with pytest.raises(ValidationError, match="before `close`"):
        hours("09:00", close)


def service(**more: object) -> Offer:
    return offer("wash", "洗衣", "Wash", "market", per_unit(300), **{"kind": "service", "booking": booking(), **more})


@pytest.mark.parametrize(
    ("more", "why"),
    [
        ({"kind": "goods"}, "only a service is booked"),
        ({"price": per_unit(300, 2000, cash=500)}, "points alone"),
        ({"price": per_unit(300, most=2)}, "one at a time"),
    ],
)
def test_what_can_not_be_booked_is_refused_as_a_document(more: dict[str, object], why: str) -> None:
    document = {**service().model_dump(), **more}
    with pytest.raises(ValidationError, match=why):
        Offer.model_validate({**document, **{k: v.model_dump() for k, v in more.items() if k == "price"}})  # type: ignore[attr-defined]


def test_special_prices_of_what_is_booked_are_for_one_too() -> None:
    many = Special(name=service().name, when=When(weekdays=(1,)), price=per_unit(200, most=3))
    with pytest.raises(ValidationError, match="one at a time"):
        Offer.model_validate({**service().model_dump(), "specials": [many.model_dump()]})


def test_a_document_says_its_booking_and_one_without_does_not() -> None:
    document = service(booking=booking(early=(EarlyDays(tiers=("gold",), days=3),)))
    assert parse(document.model_dump_json()) == document and document.asks_who and document.named() == ({"gold"}, set())
    assert "booking" not in offer("box", "盒", "Box", "market", per_unit(1)).model_dump()
