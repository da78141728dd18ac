"""Parts of an offer as they are asked in chat: every usual answer fits, every finding has words, and what changed is told."""

from __future__ import annotations

import datetime as dt
import re
from pathlib import Path
from typing import Any

import pytest
from pydantic import ValidationError

from chat import offer_answers, offer_faults, offer_text
from chat.offer_answers import About, Unread
from chat.offer_parts import GUIDED, PART, after
from chat.offer_text import PARTS, Terms
from chat.words import LANGUAGES, Speaker
from ledger.points.statements import Currency
from ledger.redeeming import offers, windows
from ledger.redeeming.offer_drafts import checked, written
from ledger.redeeming.offers import Offer, PerMoney, PerUnit
from tests.handlers.shop import BOX, VOUCHER
from tests.handlers.test_privileges import programme
from tests.turns import TODAY

TERMS = Terms(Currency(1, "common", None, "积分", "points", 2, 1, "CNY"), "CNY", programme())
OWN = Currency(2, "own", 7, "店铺积分", "shop points", 1, 1, "CNY")
WITH_CASH = BOX.model_copy(update={"price": PerUnit(points=500, value_minor=2500, cash_minor=100)})
SPEAKER = Speaker("zh", TODAY)
FREE = written(BOX)["limits"]


def about(offer: Offer, **more: Any) -> About:
    return About({**written(offer), **more}, TERMS, TODAY, taken=0, new=True, currencies=(TERMS.currency, OWN))


def merged(one: About, parts: Any) -> dict[str, Any]:
    return {part: said for part, said in {**one.document, **parts}.items() if said is not None}


ASKED = [
    pytest.param(part, offer, id=f"{part}-{offer.code}-{offer.price.cash_minor}")
    for part in PART
    for offer in (BOX, VOUCHER, WITH_CASH)
    if PART[part].applies(about(offer, on_shelf={"from_on": "2026-12-20"}))
]


def test_nearly_every_part_is_asked_of_every_kind() -> None:
    assert len(ASKED) == 3 * len(PART) - 5


@pytest.mark.parametrize(("part", "offer"), ASKED)
def test_every_usual_answer_is_read_fits_its_button_and_makes_a_document_that_may_be_published(
    part: str, offer: Offer
) -> None:
    one = about(offer, on_shelf={"from_on": "2026-12-20"})
    for row in PART[part].usual(one):
        for words, said in row:
            assert len(f"shelf_draft:say:{10**9}:n1234567:{part}:{said}".encode()) <= 64
            assert len(SPEAKER.plain(words)) <= 20
            document = merged(one, PART[part].read(one, said))
            if part == "kind" and "price" not in document:
                assert checked(document) is None  # the price is asked anew
            else:
                assert checked(document) is not None


@pytest.mark.parametrize(
    ("part", "said", "made"),
    [
        ("name", "果篮/Basket", {"name": {"zh": "果篮", "en": "Basket"}}),
        ("name", "果篮 1/2 份 / Half a basket", {"name": {"zh": "果篮 1/2 份", "en": "Half a basket"}}),
        ("name", "果篮\nBasket", {"name": {"zh": "果篮", "en": "Basket"}}),
        ("name", "满10元/份", None),
        ("price", "500分 25元", {"price": {**written(BOX)["price"], "points": 500, "value_minor": 2500}}),
        ("price", "1,200 pts", {"price": {**written(BOX)["price"], "points": 1200}}),
        ("shelf", "from 12-24", {"on_shelf": {"from_on": "2026-12-24"}}),
        ("shelf", "until 1-5", {"on_shelf": {"until": "2027-01-05"}}),
        ("price", "1,200分", {"price": {**written(BOX)["price"], "points": 1200}}),
        ("price", "500 25", {"price": {**written(BOX)["price"], "points": 500, "value_minor": 2500}}),
        ("limits", "每天1 每月3 一共5", {"limits": {**FREE, "member_day": 1, "member_month": 3, "member_ever": 5}}),
        ("limits", "day 2", {"limits": {**FREE, "member_day": 2}}),
        ("limits", "不限", {"limits": FREE}),
        ("shelf", "12-24 1-5", {"on_shelf": {"from_on": "2026-12-24", "until": "2027-01-05"}}),
        ("shelf", "12-24起", {"on_shelf": {"from_on": "2026-12-24"}}),
        ("shelf", "from 24.12.", None),
        ("shelf", "到 1月5日", {"on_shelf": {"until": "2027-01-05"}}),
        ("stock", "+20", {"limits": {**FREE, "stock": 20}}),
        ("about", "一句 / A line", {"about": {"zh": "一句", "en": "A line"}}),
        ("about", "不要", {"about": None}),
    ],
)  # fmt: skip
def test_answers_are_read_as_people_type_them(part: str, said: str, made: dict[str, Any] | None) -> None:
    if made is None:
        with pytest.raises(Unread):
            PART[part].read(about(BOX), said)
    else:
        assert PART[part].read(about(BOX), said) == made


def test_what_the_documents_validators_say_has_words_here() -> None:
    sources = "".join(Path(str(module.__file__)).read_text("utf-8") for module in (offers, windows))
    said = set(re.findall(r'raise ValueError\(\s*"([^"]+)"\s*\)', sources))
    assert said and said <= set(offer_faults.SENTENCES)


@pytest.mark.parametrize(
    "parts",
    [
        {"name": {"zh": "", "en": "x"}},
        {"price": {"kind": "per_unit", "points": 0}},
        {"price": {"kind": "per_unit", "points": 5, "most_units": 100}},
        {"validity_days": 3651},
        {"limits": {"member_day": 0}},
        {"blackout": [{"from_on": "2026-12-01", "until": "2026-12-02"}] * 25},
        {"conditions": [{"zh": "长" * 61, "en": "x"}]},
    ],
)
def test_findings_of_the_library_are_worded_in_both_languages(parts: dict[str, Any]) -> None:
    with pytest.raises(ValidationError) as refused:
        checked({**written(BOX), **parts})
    words = {language: Speaker(language, TODAY).plain(offer_faults.said(refused.value)) for language in LANGUAGES}
    assert re.search(r"[一-鿿]", words["zh"]) and not re.search(r"[。,]", words["en"])


def test_a_new_offer_is_asked_part_by_part_and_a_value_that_was_given_is_not_asked_again() -> None:
    asked, one = [GUIDED[0]], About({"kind": "goods", "price": {"kind": "per_unit", "points": 5}}, TERMS, TODAY)
    while (part := after(one, asked[-1])) is not None:
        asked.append(part)
    assert tuple(asked) == GUIDED
    assert after(about(BOX), "price") == "stock"
    assert after(about(VOUCHER), "price") == "stock"
    assert set(PARTS) == set(PART) | {"specials"}


def test_what_changed_is_told_part_by_part_and_nothing_is_passed_over() -> None:
    before = written(BOX)
    national = {
        "name": {"zh": "国庆价", "en": "Holiday price"},
        "when": {"from_on": "2027-10-01", "until": "2027-10-07"},
        "price": {**before["price"], "points": 400},
    }
    after_ = {
        **before,
        "price": {**before["price"], "points": 450},
        "validity_days": 60,
        "photo": None,
        "specials": [national],
    }
    said = [SPEAKER.plain(each) for each in offer_text.changes(TERMS, before, written(Offer.model_validate(after_)))]
    assert said == [
        "价格:500 分 → 450 分", "有效期:30 天 → 60 天", "照片:有 → 没有", "特价「国庆价」450 → 400 分,2027年10月1日—2027年10月7日",
    ]  # fmt: skip
    other = [SPEAKER.plain(each) for each in offer_text.changes(TERMS, before, {**before, "green_class": "A"})]
    assert other == ["还有别的改动"]
    assert offer_text.changes(TERMS, before, before) == []


def test_a_screen_has_room_for_so_many_changes() -> None:
    said = offer_text.changes(TERMS, written(BOX), written(VOUCHER))
    assert len(said) == 8
    assert [SPEAKER.plain(each) for each in offer_text.few(said, 3)][2:] == ["· 哪一类:水果生鲜 → 超市", "还有 5 处"]
    assert len(offer_text.few(said, 8)) == 8


def test_days_and_money_that_cannot_be_are_refused_with_an_example() -> None:
    for said in ("明年", "13-40", "12-24 1-5 2-6", ""):
        with pytest.raises(Unread) as refused:
            offer_answers.days(about(BOX), said)
        assert "12-24" in SPEAKER.plain(refused.value.words)
    assert offer_answers.days(about(BOX), "12-24") == (dt.date(2026, 12, 24), dt.date(2026, 12, 24))
    assert isinstance(offer_text.price_of(written(VOUCHER)["price"]), PerMoney)
