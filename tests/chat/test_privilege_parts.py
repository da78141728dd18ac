"""Parts of a privilege as they are asked in chat: every usual answer fits, what is typed is read, and what changed is told."""

from __future__ import annotations

from typing import Any

import pytest
from pydantic import ValidationError

from chat import privilege_text
from chat.offer_answers import About, Unread
from chat.privilege_parts import GUIDED, PART, after
from chat.privilege_text import PARTS, PrivilegeTerms
from chat.words import LANGUAGES, Speaker
from ledger.points.statements import Currency
from ledger.redeeming.drafts import merged
from ledger.redeeming.privilege import Privilege
from ledger.redeeming.privilege_drafts import checked, written
from tests.handlers.test_privileges import CUSTOM, FRESH, PARKING, programme
from tests.turns import TODAY

COMMON, OWN = (
    Currency(1, "common", None, "积分", "points", 2, 1, "CNY"),
    Currency(2, "own", 7, "店铺积分", "shop points", 1, 1, "CNY"),
)
TERMS = PrivilegeTerms(COMMON, "CNY", programme(), (COMMON, OWN))
OUTLETS = ((10**9, "南京路店"), (10**9 + 1, "人民广场店"))
LIGHT = FRESH.model_copy(update={"tiers": ("silver", "gold"), "per_day": 1})


def about(one: Privilege, *, new: bool = False, **more: Any) -> About:
    document = merged(written(one), more)
    return About(document, TERMS, TODAY, new=new, currencies=(COMMON, OWN), outlets=OUTLETS)


@pytest.mark.parametrize("part", PART)
@pytest.mark.parametrize("one", [FRESH, PARKING, LIGHT], ids=lambda one: one.code)
def test_every_usual_answer_fits_its_button_and_makes_what_may_be_published(part: str, one: Privilege) -> None:
    asked = about(one)
    if not PART[part].applies(asked):
        assert part in ("purse", "least", "most_off", "tiers")
        return
    assert PART[part].ask(asked)
    for row in PART[part].usual(asked):
        for words, said in row:
            assert len(f"privilege_draft:say:{10**9}:n1234567:{part}:{said}".encode()) <= 64
            assert all(len(Speaker(language, TODAY).plain(words)) <= 24 for language in LANGUAGES)
            assert checked(merged(asked.document, PART[part].read(asked, said))) is not None


@pytest.mark.parametrize(
    ("part", "said", "made"),
    [
        ("gives", "9 折", {"gives": {"kind": "percent_off", "percent": 10}}),
        ("gives", "8.5折", {"gives": {"kind": "percent_off", "percent": 15}}),
        ("gives", "85 折", {"gives": {"kind": "percent_off", "percent": 15}}),
        ("gives", "15% off", {"gives": {"kind": "percent_off", "percent": 15}}),
        ("gives", "\uff11\uff15\uff05", {"gives": {"kind": "percent_off", "percent": 15}}),
        ("gives", "100 for 90", {"gives": {"kind": "percent_off", "percent": 10}}),
        ("gives", "¥10,000 → ¥9,000", {"gives": {"kind": "percent_off", "percent": 10}}),
        ("gives", "Free", {"gives": {"kind": "free"}}),
        ("gives", "9", None),
        ("gives", "便宜", None),
        ("gives", "90 收 100", None),
        ("gives", "99 收 90", None),
        ("holds", "5,000分", {"holds": {"currency": "common", "points": 5000}}),
        ("holds", "0", None),
        ("holds", "不要求", None),  # nothing else says for whom it is
        ("purse", "own", {"holds": {"currency": "own", "points": 5000}}),
        ("purse", "rail", None),
        ("tiers", "silver", {"tiers": ["silver", "gold"]}),
        ("tiers", "platinum", None),
        ("month", "4 次", {"per_month": 4}),
        ("month", "4 times", {"per_month": 4}),
        ("month", "1000", None),
        ("day", "不限", {"per_day": None}),
        ("least", "50", {"gives": {"kind": "percent_off", "percent": 10, "least_minor": 5000}}),
        ("most_off", "-", {"gives": {"kind": "percent_off", "percent": 10}}),
        ("when", "12-24 1-5", {"when": {"from_on": "2026-12-24", "until": "2027-01-05"}}),
        ("when", "12-24起", {"when": {"from_on": "2026-12-24"}}),
        ("when", "2020-1-1 2020-1-2", None),
        ("when", "以后", None),
        ("outlets", "南京路店、人民广场店、南京路店", {"outlets": ["南京路店", "人民广场店"]}),
        ("outlets", f"#{10**9}", {"outlets": ["南京路店"]}),
        ("outlets", "北京店", None),
        ("outlets", "-", {"outlets": None}),
    ],
)
def test_what_is_typed_is_read_or_told_with_an_example(part: str, said: str, made: Any) -> None:
    if made is None:
        with pytest.raises(Unread) as no:
            PART[part].read(about(FRESH), said)
        assert no.value.words.msgid
    else:
        assert PART[part].read(about(FRESH), said) == made


def test_an_answer_keeps_what_the_other_answers_said() -> None:
    one = about(FRESH, gives={"kind": "percent_off", "percent": 10, "least_minor": 5000}, when={"until": "2026-12-31"})
    assert PART["gives"].read(one, "8 折") == {"gives": {"kind": "percent_off", "percent": 20, "least_minor": 5000}}
    assert PART["gives"].read(one, "免费") == {"gives": {"kind": "free"}}
    assert PART["when"].read(one, "weekend") == {"when": {"until": "2026-12-31", "weekdays": [6, 7]}}


def test_a_tier_may_be_all_that_is_asked_of_a_new_one() -> None:
    assert PART["holds"].read(about(FRESH, new=True), "-") == {"holds": None}
    assert PART["tiers"].read(about(FRESH), "-") == {"tiers": None}
    with pytest.raises(Unread):
        PART["tiers"].read(about(PARKING), "-")


def test_the_questions_of_a_new_one_come_in_their_order() -> None:
    one, asked = about(FRESH, new=True), [GUIDED[0]]
    while (following := after(one, asked[-1])) is not None:
        asked.append(following)
    assert tuple(asked) == GUIDED
    assert after(about(PARKING, new=True), "holds") == "tiers"  # which currency, is asked of points alone


@pytest.mark.parametrize("language", LANGUAGES)
def test_every_part_that_changed_is_told(language: str) -> None:
    new = Privilege.model_validate(
        {
            **CUSTOM.model_dump(),
            "holds": {"currency": "own", "points": 60_000}, "tiers": ("gold",), "per_month": 2, "per_day": 1,
            "gives": {"kind": "percent_off", "percent": 20, "least_minor": 100, "most_off_minor": 10_000},
            "when": {"weekdays": (6, 7)}, "outlets": ("南京路店",), "region": "hz",
            "conditions": ({"zh": "提前约", "en": "Book ahead"},), "name": {"zh": "新", "en": "New"},
        }
    )  # fmt: skip
    told = [
        Speaker(language, TODAY).plain(each) for each in privilege_text.changes(TERMS, written(FRESH), written(new))
    ]
    assert len(told) == len(PARTS) - 1  # the currency is told with the points
    assert privilege_text.changes(TERMS, written(new), written(new)) == []
    assert any({"zh": "优惠:9 折 → 8 折", "en": "Gives: 10% off → 20% off"}[language] == each for each in told)
    with pytest.raises(ValidationError):
        checked({**written(new), "gives": {"kind": "percent_off", "percent": 0}})
