"""Nothing is left untranslated, in either language, and what is translated says the same.

Every text that the code marks is looked up in the English PO; every refusal is worded and drawn in both languages; every door
has a tap behind it.
"""

from __future__ import annotations

import datetime as dt
import importlib
import inspect
import pkgutil
import re
import string
import types
import typing
from collections.abc import Iterator
from typing import Any, get_args, get_origin

import pytest

import ledger
from chat import desk_doors, doors, operator_doors
from chat.extract import english, marked, marked_in, said_by
from chat.feature import discover
from chat.refusals import wording
from chat.screen import Button
from chat.words import Both, Money, Points, Speaker, Text, t, tn
from ledger.errors import Refusal
from ledger.redeeming.offers import Names

TODAY = dt.date(2026, 11, 22)
TEXTS = marked()
CHINESE = re.compile(r"[\u4e00-\u9fff]")
TAG = re.compile(r"</?[a-z-]+>")
CHINESE_IN_ENGLISH = {"中文", "Language / 语言", "Looking for something? Just type it: fruit, 水果 or shuiguo."}
"""Languages are called what they call themselves, and the search takes Chinese from whoever reads English."""
NAMED: dict[str, str] = {"status": "suspended", "action": "award", "needed": "admin", "code": "A1"}
"""Facts of refusals whose type does not say what they may be."""


def placeholders(words: str) -> list[str]:
    return sorted({name for _, name, _, _ in string.Formatter().parse(words) if name is not None})


def tags(words: str) -> list[str]:
    return sorted(TAG.findall(words))


def every_refusal() -> list[type[Refusal]]:
    """Every refusal that the ledger can raise; a class that others refine is raised by none itself."""
    for module in pkgutil.walk_packages(ledger.__path__, "ledger."):
        if ".migrations" not in module.name:
            importlib.import_module(module.name)
    discover()

    def below(kind: type[Refusal]) -> Iterator[type[Refusal]]:
        for sub in kind.__subclasses__():
            yield sub
            yield from below(sub)

    return sorted({k for k in below(Refusal) if k.__module__.startswith("ledger.")}, key=lambda k: k.__qualname__)


def test_every_text_is_translated() -> None:
    catalogue = english()
    missing = [f"{m.path}:{m.line} {m.msgid}" for m in TEXTS if not all(said_by(catalogue.get(m.msgid)))]
    assert not missing


def test_no_translation_is_left_over() -> None:
    known = {m.msgid for m in TEXTS}
    ids = [m.id if isinstance(m.id, str) else m.id[0] for m in english() if m.id]
    assert not [msgid for msgid in ids if msgid not in known]


def test_translations_carry_the_same_facts_and_tags() -> None:
    catalogue = english()
    wrong = []
    for text in {m.msgid: m for m in TEXTS}.values():
        for said in filter(None, said_by(catalogue.get(text.msgid))):
            # A singular may leave its own number unsaid.
            same = set(placeholders(text.msgid)) - {"n"} == set(placeholders(said)) - {"n"}
            if not same or tags(said) != tags(text.msgid):
                wrong.append((text.msgid, said))
    assert not wrong


def test_a_text_with_a_number_that_counts_has_both_english_forms() -> None:
    catalogue = english()
    assert not [m.msgid for m in TEXTS if m.plural and len(said_by(catalogue.get(m.msgid))) != 2]


def test_the_source_is_chinese_and_the_translation_is_not() -> None:
    words = re.compile(r"[A-Za-z]{2,}")
    bare = [string.Formatter().vformat(m.msgid, (), _Blank()) for m in TEXTS]
    assert not [b for b in bare if words.search(TAG.sub("", b)) and not CHINESE.search(b) and not b.startswith("/")]
    leaks = [said for m in english() if m.id for said in said_by(m) if CHINESE.search(said)]
    assert set(leaks) <= CHINESE_IN_ENGLISH


class _Blank(dict[str, Any]):
    def __missing__(self, key: str) -> str:
        return ""


@pytest.mark.parametrize("kind", every_refusal(), ids=lambda kind: kind.__qualname__)
@pytest.mark.parametrize("last", [False, True], ids=["", "otherwise"])
def test_every_refusal_is_worded_in_both_languages(kind: type[Refusal], last: bool) -> None:
    refusal = kind(**{name: _sample(hint, last, name) for name, hint in _fields(kind).items()})
    worded = wording(refusal)
    for language in ("zh", "en"):
        speaker = Speaker(language, TODAY)
        said = [speaker.html(line) for line in (worded.headline, worded.detail) if line is not None]
        said += [speaker.plain(button.label) for button in worded.buttons]
        assert all(said)
        if language == "en":
            assert not [line for line in said if CHINESE.search(line)]


def _fields(kind: type[Refusal]) -> dict[str, Any]:
    if kind.__init__ is Exception.__init__:
        return {}
    hints = typing.get_type_hints(kind)
    return {name: hints[name] for name in inspect.signature(kind).parameters if name in hints}


def _sample(hint: Any, last: bool, name: str) -> Any:
    """A plausible value of a field's type: of its first alternative, or of its `last`."""
    origin, arguments = get_origin(hint), get_args(hint)
    if hint is type(None):
        return None
    if origin in (types.UnionType, typing.Union):
        return _sample(arguments[-last], last, name)
    if origin is typing.Literal:
        return arguments[-last]
    if origin is tuple:
        return tuple(_sample(one, last, "") for one in arguments if one is not ...)
    samples: dict[Any, Any] = {
        int: 0 if last else 3,
        str: NAMED.get(name, "manager"),
        bool: not last,
        dt.date: TODAY,
        dt.datetime: dt.datetime(2026, 11, 22, 4, tzinfo=dt.UTC),
        Names: Names(zh="盒", en="Box"),
    }
    return samples[hint]


def _doors() -> dict[str, Button]:
    opened = {}
    for room in (doors, desk_doors, operator_doors):
        for name, make in inspect.getmembers(room, inspect.isfunction):
            if make.__module__ != room.__name__:
                continue
            needed = [p for p in inspect.signature(make).parameters.values() if p.default is p.empty]
            opened[name] = make(*[t("去") if p.annotation in ("Text", t) else 7 for p in needed])
    return opened


@pytest.mark.parametrize(("name", "button"), _doors().items(), ids=lambda x: x if isinstance(x, str) else "")
def test_every_door_leads_to_a_tap(name: str, button: Button) -> None:
    assert button.data is not None
    feature, action, *arguments = button.data.split(":")
    behind = {f.name: f for f in discover()}
    assert feature in behind, f"nothing in handlers/ is called {feature}"
    assert action in behind[feature].taps
    inspect.signature(behind[feature].taps[action].run).bind(None, *arguments)


def test_no_two_features_share_a_name_a_command_or_a_link() -> None:
    known = discover()
    for names in (
        [f.name for f in known],
        [c.name for f in known for c in f.commands],
        [purpose for f in known for purpose in f.links],
    ):
        assert len(names) == len(set(names)), sorted(names)


@pytest.mark.parametrize(
    ("value", "zh", "en"),
    [
        (1180, "1,180", "1,180"),
        (Points(1), "1 分", "1 pt"),
        (Points(-1180), "-1,180 分", "-1,180 pts"),
        (Points(15000, Both("铁路积分", "rail points")), "15,000 铁路积分", "15,000 rail points"),
        (Money(2360), "¥23.60", "¥23.60"),
        (Money(2400), "¥24", "¥24"),
        (Money(-5), "-¥0.05", "-¥0.05"),
        (Money(12345678, "GBP"), "£123,456.78", "£123,456.78"),
        (dt.date(2026, 11, 21), "昨天", "yesterday"),
        (dt.date(2026, 11, 22), "今天", "today"),
        (dt.date(2026, 11, 23), "明天", "tomorrow"),
        (dt.date(2026, 11, 30), "11月30日", "30 Nov"),
        (dt.date(2027, 1, 5), "2027年1月5日", "5 Jan 2027"),
        (dt.datetime(2026, 11, 11, 10, 42, tzinfo=dt.UTC), "11月11日 18:42", "11 Nov 18:42"),
        (dt.datetime(2026, 11, 21, 17, 0, tzinfo=dt.UTC), "今天 01:00", "today 01:00"),
        (Both("鲜果時光", "Fresh Fruit"), "鲜果時光", "Fresh Fruit"),
    ],
)
def test_values_read_as_people_say_them(value: Any, zh: str, en: str) -> None:
    assert Speaker("zh", TODAY).plain(value) == zh
    assert Speaker("en", TODAY).plain(value) == en


def test_a_name_in_latin_letters_stands_apart_from_chinese_words() -> None:
    reader, said = Speaker("zh", TODAY), "<b>它刚被{who}改过</b>,由{who}。"
    assert reader.html(Text(said, {"who": "Anna"})) == "<b>它刚被 Anna 改过</b>,由 Anna。"
    assert reader.plain(Text(said, {"who": "Anna 老师"})) == "它刚被 Anna 老师改过,由 Anna 老师。"
    assert reader.plain(Text(said, {"who": "小李"})) == "它刚被小李改过,由小李。"
    marked = Text("<b>{who}</b>", {"who": Both("Łukasz", "Lukas")})
    assert reader.html(Text(said, {"who": marked})) == "<b>它刚被 <b>Łukasz</b> 改过</b>,由 <b>Łukasz</b>。"
    assert reader.plain(Text("满{n}减{m}", {"n": 3, "m": Money(500)})) == "满3减¥5"
    assert Speaker("en", TODAY).plain(Text(said, {"who": "Anna"})) == "它刚被Anna改过,由Anna。"


def test_an_hour_stands_apart_from_the_word_after_it_and_a_day_does_not() -> None:
    at, on = dt.datetime(2026, 11, 22, 13, 19, tzinfo=dt.UTC), TODAY + dt.timedelta(days=8)
    reader, said = Speaker("zh", TODAY), "{when}得的分,{when};{on}到期"
    assert reader.plain(Text(said, {"when": at, "on": on})) == "今天 21:19 得的分,今天 21:19;11月30日到期"
    assert reader.html(Text(said, {"when": TODAY, "on": on})) == "今天得的分,今天;11月30日到期"
    assert reader.html(Text("{when}<b>起</b>", {"when": at})) == "今天 21:19 <b>起</b>"


def test_a_line_in_english_begins_with_a_capital_where_its_words_are_the_programmes() -> None:
    english_, tomorrow = Speaker("en", TODAY), TODAY + dt.timedelta(days=1)
    used = t("{on} 已用", on=TODAY)
    assert (english_.html(used), english_.line(used)) == ("used today", "Used today")
    for heading, line in [(used, "Used today"), (tomorrow, "Tomorrow"), ("iPhone <5>", "iPhone &lt;5&gt;")]:
        assert english_.line(t("<b>{heading}</b>", heading=heading)) == f"<b>{line}</b>"
    assert english_.line(Both("苹果", "apple")) == "apple", "names are as they are given"
    assert Speaker("zh", TODAY).line(t("<b>{heading}</b>", heading="ok")) == "<b>ok</b>"


def test_names_are_data_and_escaped_everywhere() -> None:
    said = t("欢迎您,{name}", name="<b>Tom & Co</b>")
    assert Speaker("zh", TODAY).html(said) == "欢迎您,&lt;b&gt;Tom &amp; Co&lt;/b&gt;"
    assert Speaker("zh", TODAY).plain(said) == "欢迎您,<b>Tom & Co</b>"
    assert Speaker("zh", TODAY).html(t("欢迎您,{name}", name="{name}")) == "欢迎您,{name}"


def test_english_counts() -> None:
    def days(n: int) -> str:
        said = tn("最近到期:{points},{on}(还有 {n} 天)", n=n, points=Points(5), on=TODAY + dt.timedelta(days=n))
        return Speaker("en", TODAY).plain(said)

    assert days(8) == "Next to expire: 5 pts on 30 Nov (8 days)"
    assert "(2 days)" in days(2)


def test_a_text_inside_another_is_found_and_a_computed_one_is_an_error() -> None:
    source = 'tn("还有 {n} 天", n=len(t("四")))\nt("一"\n  "二")\n'
    assert [(m.msgid, m.plural) for m in marked_in(source, "x.py")] == [
        ("还有 {n} 天", True),
        ("四", False),
        ("一二", False),
    ]
    with pytest.raises(Exception, match=r"x\.py:1"):
        list(marked_in("t(words)", "x.py"))
