"""Weekly hours as people type them: what is read, what is refused with the bit that nobody understands, and that what is read back
means the same."""

from __future__ import annotations

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from pydantic import ValidationError

from chat.hours_tokens import Unclear
from chat.opening_hours import parse, said
from chat.words import LANGUAGES, Speaker
from ledger.redeeming.booking import Hours
from tests.turns import TODAY

ZH = Speaker("zh", TODAY)
WORKDAYS = "周一至周五 09:00–12:00、13:00–18:00"


@pytest.mark.parametrize(
    ("typed", "read"),
    [
        ("周一至周五 9-12 13-18", WORKDAYS),
        ("Mon-Fri 9-12, 13-18", WORKDAYS),
        ("周一到五:9点至12点,13点至18点", WORKDAYS),
        ("星期一~星期五 9-18 午休12-13", WORKDAYS),
        ("weekdays 9am-6pm, closed for lunch 12-13", WORKDAYS),
        ("周一至周五 9-12\n13-18", WORKDAYS),
        ("Monday to Friday 9:00 – 12:00 and 1pm – 6pm", WORKDAYS),
        ("工作日 上午9点-12点 下午1点-6点", WORKDAYS),
        ("周一至周五 09:00–18:00,周末 10:00–16:00", "周一至周五 09:00–18:00;周六、周日 10:00–16:00"),
        ("Mon–Fri 9-18; Sat, Sun 10-16", "周一至周五 09:00–18:00;周六、周日 10:00–16:00"),
        ("周一至周五 9-18\n周六 10-16\n午休 12-13", f"{WORKDAYS};周六 10:00–12:00、13:00–16:00"),
        ("9-18", "每天 09:00–18:00"),
        ("早9晚6", "每天 09:00–18:00"),
        ("9am-6pm daily", "每天 09:00–18:00"),
        ("9-18 Mon to Wed", "周一至周三 09:00–18:00"),
        ("每天 9-18,周一休息", "周二至周日 09:00–18:00"),
        ("closed Sunday; daily 9-18", "周一至周六 09:00–18:00"),
        ("周末休息,周一至五 9-18", "周一至周五 09:00–18:00"),
        ("Mon-Fri 9-18 except Wed", "周一、周二、周四、周五 09:00–18:00"),
        ("周一三五 10-20", "周一、周三、周五 10:00–20:00"),
        ("周六日 10:30-24:00", "周六、周日 10:30–24:00"),
        ("周五至周一 10-22", "周一、周五至周日 10:00–22:00"),
        ("下午1-5点", "每天 13:00–17:00"),
        ("1-5pm", "每天 13:00–17:00"),
        ("9am-5", "每天 09:00–17:00"),
        ("9-11点半", "每天 09:00–11:30"),
        ("8点到晚上10点", "每天 08:00–22:00"),
        ("晚上8点到12点", "每天 20:00–24:00"),
        ("全天", "每天 00:00–24:00"),
        ("早九晚六", "每天 09:00–18:00"),
        ("周一至周五 九点到十二点,下午两点到六点半", "周一至周五 09:00–12:00、14:00–18:30"),
        ("十点至二十二点(周一店休)", "周二至周日 10:00–22:00"),
        ("noon-midnight Sat, Sun", "周六、周日 12:00–24:00"),
        ("12am-12pm", "每天 00:00–12:00"),
        ("Tue 9.30-11.15, Thurs 9.30-11.15", "周二、周四 09:30–11:15"),
    ],
)  # fmt: skip
def test_hours_are_read_as_people_type_them(typed: str, read: str) -> None:
    assert ZH.plain(said(parse(typed))) == read


def test_they_are_read_back_in_english_too() -> None:
    typed = parse("周一至周五 9-12 13-18;周六、周日 10-16")
    assert Speaker("en", TODAY).plain(said(typed)) == "Mon–Fri 09:00–12:00, 13:00–18:00; Sat, Sun 10:00–16:00"
    assert Speaker("en", TODAY).plain(said(parse("0-24"))) == "Every day 00:00–24:00"


@pytest.mark.parametrize(
    ("typed", "bit"),
    [
        ("", ""),
        ("随便", "随便"),
        ("周一", "周一"),
        ("周一 9-18,周二", "周一 9-18,周二"),
        ("Mon-Fri nine to five", "nine to five"),
        ("9", "9"),
        ("9-12-13", "-13"),
        ("25-26", "25-26"),
        ("9:70-10", "9:70-10"),
        ("9-24:30", "9-24:30"),
        ("周三休息", "周三休息"),
        ("午休 12-13", "午休 12-13"),
        ("9-12 午休 13-14", "9-12 午休 13-14"),
        ("closed Sat, Mon 9-18", "closed sat, mon 9-18"),
        ("9-18 Mon-Fri; 10-16 Sat", "9-18 mon-fri; 10-16 sat"),
        ("周八 9-18", "周八 9-18"),
        ("一二三", "一二三"),
        ("-", "-"),
    ],
)
def test_what_nobody_understands_is_refused_and_named(typed: str, bit: str) -> None:
    with pytest.raises(Unclear) as refused:
        parse(typed)
    assert refused.value.bit == bit


@pytest.mark.parametrize("typed", ["18-9", "9-9", "周五 22-2", "9-5"])
def test_hours_that_end_before_they_begin_break_the_documents_rule(typed: str) -> None:
    with pytest.raises(ValidationError, match="`open` is before `close`"):
        parse(typed)


@pytest.mark.parametrize(
    ("typed", "read"),
    [
        ("午休 12-13", WORKDAYS),
        ("lunch 12-13", WORKDAYS),
        ("周三休息", "周一、周二、周四、周五 09:00–18:00"),
        ("Mon, Tue closed; lunch 12-13", "周三至周五 09:00–12:00、13:00–18:00"),
        ("周五午休 12-13", "周一至周四 09:00–18:00;周五 09:00–12:00、13:00–18:00"),
        ("+周日 10-16", "周一至周五 09:00–18:00;周日 10:00–16:00"),
        ("加 周五 19-21", "周一至周四 09:00–18:00;周五 09:00–18:00、19:00–21:00"),
        ("+19-21", "周一至周五 09:00–18:00、19:00–21:00"),
        ("add Sat 10-16, lunch 12-13", "周一至周五 09:00–18:00;周六 10:00–12:00、13:00–16:00"),
        ("周日 10-16", "周日 10:00–16:00"),
        ("周日休息", "周一至周五 09:00–18:00"),
        ("午休 20-21", "周一至周五 09:00–18:00"),
        ("+周一 9-18", "周一至周五 09:00–18:00"),
    ],
)
def test_a_part_of_the_hours_is_changed_and_again_changes_nothing(typed: str, read: str) -> None:
    now = parse("周一至周五 9-18")
    once = parse(typed, now)
    assert ZH.plain(said(once)) == read
    assert parse(typed, once) == once
    assert parse("每天休息", now) == ()
    with pytest.raises(Unclear):
        parse("", now)


@given(st.text(alphabet="周一二三十日至到休早晚午末9128:点-–, ;\nMonFritplase", max_size=24))
@settings(max_examples=400, deadline=None)
def test_whatever_is_typed_is_read_refused_or_breaks_a_rule(typed: str) -> None:
    try:
        found = parse(typed)
    except (Unclear, ValidationError):
        return
    assert found and parse(ZH.plain(said(found))) == found


spans = st.lists(st.integers(0, 1440), min_size=2, max_size=6, unique=True).map(sorted)
weeks = st.dictionaries(st.integers(1, 7), spans, min_size=1)


def hours_of(week: dict[int, list[int]]) -> tuple[Hours, ...]:
    """A week that was drawn, each day and each of its spans for itself."""

    def wall(minutes: int) -> str:
        return f"{minutes // 60 % 24:02d}:{minutes % 60:02d}"

    return tuple(
        Hours.model_validate_json(f'{{"weekdays": [{day}], "open": "{wall(begin)}", "close": "{wall(end)}"}}')
        for day, marks in week.items()
        for begin, end in zip(marks[::2], marks[1::2], strict=False)
    )


def opened(hours: tuple[Hours, ...]) -> set[tuple[int, object, object]]:
    return {(day, each.open, each.close) for each in hours for day in each.weekdays}


@given(weeks)
@settings(max_examples=300, deadline=None)
def test_what_is_read_back_is_the_same_hours_when_it_is_typed(week: dict[int, list[int]]) -> None:
    hours = hours_of(week)
    for language in LANGUAGES:
        again = parse(Speaker(language, TODAY).plain(said(hours)))
        assert opened(again) == opened(hours)
        assert parse(Speaker(language, TODAY).plain(said(again))) == again


@given(weeks, weeks)
@settings(max_examples=300, deadline=None)
def test_what_is_added_or_closed_leaves_the_other_days_as_they_are(
    before: dict[int, list[int]], more: dict[int, list[int]]
) -> None:
    there, new = hours_of(before), hours_of(more)
    typed = ZH.plain(said(new))
    assert opened(parse(f"+{typed}", there)) == opened(there) | opened(new)
    days = "、".join("周" + "一二三四五六日"[day - 1] for day in sorted(more))
    assert opened(parse(f"{days}休息", there)) == {each for each in opened(there) if each[0] not in more}
