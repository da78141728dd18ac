"""Parts of an offer as they are asked in chat: every usual answer fits, every finding has words, and what changed is told."""

from __future__ import annotations

import datetime as dt
import re
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from pydantic import ValidationError

from chat import booking_text, offer_answers, offer_faults, offer_text
from chat.offer_answers import About, Unread
from chat.offer_parts import GUIDED, PART, after
from chat.offer_text import PARTS, Terms
from chat.words import LANGUAGES, Both, Speaker
from ledger.points.statements import Currency
from ledger.programme import GreenScale, Wording
from ledger.redeeming import booking, offers, windows
from ledger.redeeming.booking import Booking
from ledger.redeeming.offer_drafts import checked, written
from ledger.redeeming.offers import GOODS_RETURNS, Membership, Names, Offer, PerMoney, PerUnit, Returns
from tests.handlers.shop import BOX, VOUCHER
from tests.handlers.test_privileges import programme
from tests.turns import TODAY

SELLING = programme().model_copy(
    update={
        "tier_seller": BOX.merchant,
        "green_scale": GreenScale(names={"organic": Wording(zh="有机", en="Organic")}, weights={"cup": 50}),
    }
)
TERMS = Terms(Currency(1, "common", None, "积分", "points", 2, 1, "CNY"), "CNY", SELLING)
OWN = Currency(2, "own", 7, "店铺积分", "shop points", 1, 1, "CNY")
WITH_CASH = BOX.model_copy(update={"price": PerUnit(points=500, value_minor=2500, cash_minor=100)})
SERVICE = BOX.model_copy(update={"code": "wash", "kind": "service", "price": PerUnit(points=300)})
BOOKED = SERVICE.model_copy(
    update={
        "code": "booked",
        "booking": Booking.model_validate_json(
            '{"slot_minutes": 30, "hours": [{"weekdays": [1, 2], "open": "09:00", "close": "11:00"}]}'
        ),
    }
)
CODES = BOX.model_copy(update={"code": "codes", "kind": "partner_code", "pool": "film", "price": PerUnit(points=300)})
GIFT = BOX.model_copy(update={"code": "gift", "kind": "donation", "does": Names(zh="种 1 棵树", en="Plants 1 tree")})
SILVER = BOX.model_copy(
    update={
        "code": "silver",
        "kind": "membership",
        "membership": Membership(tier="silver", days=30),
        "price": PerUnit(points=400),
    }
)
OUTLETS = ((5, "江北店"), (6, "江南店"))
POOLS = (("book", 0), ("film", 12))
OTHERS = ((7, "rail", Both("南线铁路", "Southern Rail")), (8, "cloud-books", Both("云山书店", "Yunshan Books")))
SPEAKER = Speaker("zh", TODAY)
FREE = written(BOX)["limits"]
NO_HOUSEHOLD = dict.fromkeys(("household_day", "household_month", "household_ever"))


def about(offer: Offer, **more: Any) -> About:
    paid_in = (TERMS.currency, OWN)
    return About(
        {**written(offer), **more},
        TERMS,
        TODAY,
        taken=0,
        new=True,
        currencies=paid_in,
        outlets=OUTLETS,
        pools=POOLS,
        others=OTHERS,
    )


def merged(one: About, parts: Any) -> dict[str, Any]:
    return {part: said for part, said in {**one.document, **parts}.items() if said is not None}


ASKED = [
    pytest.param(part, offer, id=f"{part}-{offer.code}-{offer.price.cash_minor}")
    for part in PART
    for offer in (BOX, VOUCHER, WITH_CASH, SERVICE, BOOKED, CODES, GIFT, SILVER)
    if PART[part].applies(about(offer, on_shelf={"from_on": "2026-12-20"}))
]


def test_nearly_every_part_is_asked_of_every_kind() -> None:
    asked = [each.values[0] for each in ASKED]
    assert {part for part in PART if asked.count(part) == 8} >= {"kind", "name", "price", "limits", "shelf"}
    assert asked.count("stock") == 7 and asked.count("pool") == asked.count("does") == 1
    assert asked.count("membership") == asked.count("lasts") == 1 and asked.count("returns") == 2
    assert asked.count("green") == 8
    assert asked.count("hours") == 2 and all(asked.count(part) == 1 for part in booking_text.PARTS if part != "hours")
    assert set(asked) == set(PART)


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
        ("together", "30 2 12", {"together": {"percent": 30, "codes": "two", "hours": 12}}),
        ("together", "先出30%,1个码,24小时", {"together": {"percent": 30, "codes": "one", "hours": 24}}),
        ("together", "不能一起换", None),
        ("together", "30 3 24", None),
        ("together", "0 1 24", None),
        ("together", "30 1 73", None),
        ("together", "一半", None),
        ("price", "500分 25元", {"price": {**written(BOX)["price"], "points": 500, "value_minor": 2500}}),
        ("price", "1,200 pts", {"price": {**written(BOX)["price"], "points": 1200}}),
        ("shelf", "from 12-24", {"on_shelf": {"from_on": "2026-12-24"}}),
        ("shelf", "until 1-5", {"on_shelf": {"until": "2027-01-05"}}),
        ("price", "1,200分", {"price": {**written(BOX)["price"], "points": 1200}}),
        ("price", "500 25", {"price": {**written(BOX)["price"], "points": 500, "value_minor": 2500}}),
        ("limits", "每天1 每月3 一共5", {"limits": {**FREE, "member_day": 1, "member_month": 3, "member_ever": 5}}),
        ("limits", "day 2", {"limits": {**FREE, "member_day": 2}}),
        ("limits", "不限", {"limits": FREE}),
        ("household", "每户每月2", {"limits": {**FREE, **NO_HOUSEHOLD, "household_month": 2}}),
        ("household", "一共 1 份", {"limits": {**FREE, **NO_HOUSEHOLD, "household_ever": 1}}),
        ("household", "day 1 ever 5", {"limits": {**FREE, **NO_HOUSEHOLD, "household_day": 1, "household_ever": 5}}),
        ("household", "不限", {"limits": {**FREE, **NO_HOUSEHOLD}}),
        ("household", "一家两份", None),
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


@pytest.mark.parametrize(
    ("part", "said", "made"),
    [
        ("hours", "周一 8-12", {"hours": [{"weekdays": [1], "open": "08:00:00", "close": "12:00:00"}]}),
        ("hours", "Tue all day", {"hours": [{"weekdays": [2], "open": "00:00:00", "close": "00:00:00"}]}),
        ("hours", "周二休息", {"hours": [{"weekdays": [1], "open": "09:00:00", "close": "11:00:00"}]}),
        ("slot", "45", {"slot_minutes": 45}),
        ("slot", "半小时", {"slot_minutes": 30}),
        ("slot", "1.5小时", {"slot_minutes": 90}),
        ("slot", "1小时半", {"slot_minutes": 90}),
        ("slot", "1h30", {"slot_minutes": 90}),
        ("slot", "2 hours", {"slot_minutes": 120}),
        ("slot", "20 mins", {"slot_minutes": 20}),
        ("places", "3位", {"at_once": 3}),
        ("places", "12 people", {"at_once": 12}),
        ("ahead", "两周后", None),
        ("ahead", "2周", {"days_ahead": 14}),
        ("ahead", "30 days", {"days_ahead": 30}),
        ("notice", "随时", {"lead_hours": 0}),
        ("notice", "3", {"lead_hours": 3}),
        ("cut_off", "2天", {"cut_off_hours": 48}),
        ("cut_off", "12小时", {"cut_off_hours": 12}),
        ("cut_off", "很久", None),
        ("cut_off", "31 days", None),
        ("grace", "15分钟", {"grace_minutes": 15}),
        ("grace", "不等", {"grace_minutes": 0}),
        ("longer", "gold 14", {"early": [{"tiers": ["gold"], "days": 14}]}),
        ("longer", "没有", {"early": []}),
    ],
)  # fmt: skip
def test_what_is_said_of_booking_changes_that_and_nothing_else(
    part: str, said: str, made: dict[str, Any] | None
) -> None:
    if made is None:
        with pytest.raises(Unread):
            PART[part].read(about(BOOKED), said)
    else:
        [(name, booking)] = PART[part].read(about(BOOKED), said).items()
        assert name == "booking" and booking == {**written(BOOKED)["booking"], **made}
        assert checked({**written(BOOKED), "booking": booking}) is not None


def test_hours_begin_the_booking_with_slots_for_which_they_are_long_enough() -> None:
    for typed, minutes in (("9-18", 60), ("9-9:45", 30), ("9-9:25 10-18", 20), ("9-9:12", 10), ("9-9:06", 5)):
        begun = PART["hours"].read(about(SERVICE), typed)["booking"]
        assert begun["slot_minutes"] == minutes
        assert checked(merged(about(SERVICE), {"booking": begun})) is not None
    with pytest.raises(Unread, match="那段只有"):
        PART["hours"].read(about(SERVICE), "9-9:04")
    assert PART["hours"].read(about(BOOKED), "不用预约") == {"booking": None}
    for part in booking_text.PARTS:
        if part not in ("hours", "no_show"):
            with pytest.raises(Unread) as refused:
                PART[part].read(about(SERVICE), "5")
            assert SPEAKER.plain(refused.value.words) == "先写「预约时间」。"


@pytest.mark.parametrize(
    ("part", "said", "told"),
    [
        ("hours", "周一 9-9:20", "09:00 那段只有 20 分钟,不够 30 分钟。\n先改「每次多久」,或放宽时间。"),
        ("slot", "3小时", "09:00 那段只有 120 分钟,不够 180 分钟。\n先改「预约时间」,或短一点。"),
        ("slot", "3", "请发 5 到 480 之间的整数。"),
        ("hours", "周八 9-18", "「周八 9-18」没看懂。比如:周一至周五 9-12 13-18"),
        ("hours", "我们几乎每天都开门,来了就行", "没看懂。比如:周一至周五 9-12 13-18"),
        ("hours", "", "没看懂。比如:周一至周五 9-12 13-18"),
        ("hours", "每天休息", "那样就一天也不开了。要停就点「不用预约」。"),
        ("places", "201", "请发 1 到 200 之间的整数。"),
        ("ahead", "0", "请发 1 到 120 之间的整数。"),
    ],
)
def test_what_cannot_be_booked_so_is_refused_with_what_would_put_it_right(part: str, said: str, told: str) -> None:
    with pytest.raises(Unread) as refused:
        PART[part].read(about(BOOKED), said)
    assert SPEAKER.plain(refused.value.words) == told
    assert not re.search(r"[。「]", Speaker("en", TODAY).plain(refused.value.words))


@given(
    part=st.sampled_from([*booking_text.PARTS]), said=st.text(alphabet="周一至五末9123.-:小时天分h mdgold", max_size=12)
)
@settings(max_examples=400, deadline=None)
def test_whatever_is_typed_of_booking_is_refused_or_makes_a_document_that_may_be_published(
    part: str, said: str
) -> None:
    try:
        document = merged(about(BOOKED), PART[part].read(about(BOOKED), said))
        made = checked(document)
    except (Unread, ValidationError):
        return
    assert made is not None
    for one in booking_text.PARTS:
        told = offer_text.said(TERMS, written(made), one)
        assert told is None or SPEAKER.plain(told)


def test_another_kind_ends_the_booking() -> None:
    one = about(BOOKED)
    assert "booking" not in merged(one, PART["kind"].read(one, "goods"))
    assert merged(one, PART["kind"].read(one, "service"))["booking"] == one.document["booking"]


def test_what_begins_or_ends_with_the_booking_is_told_once() -> None:
    unbooked, booked = written(SERVICE), written(BOOKED)
    differs = {"code": booked["code"]}

    def told(before: dict[str, Any], after: dict[str, Any]) -> list[str]:
        return [SPEAKER.plain(each) for each in offer_text.changes(TERMS, {**before, **differs}, {**after, **differs})]

    assert told(unbooked, booked) == [
        "预约时间:没有 → 周一、周二 09:00–11:00", "每次多久:没有 → 30 分钟", "同时几位:没有 → 1 位", "能约多远:没有 → 14 天内",
        "最晚约:没有 → 开始前都能约", "取消期限:没有 → 提前 24 小时", "结束后再等:没有 → 30 分钟",
    ]  # fmt: skip
    assert told(booked, unbooked) == ["预约时间:周一、周二 09:00–11:00 → 没有"]
    assert told(unbooked, {**booked, "unused": "forfeit"})[-2] == "没来的话:没有 → 积分不退"
    assert told(booked, {**unbooked, "unused": "forfeit", "validity_days": 7})[1:] == [
        "有效期:没有 → 7 天", "过期未用:没有 → 积分不退",
    ]  # fmt: skip
    early = {**booked, "booking": {**booked["booking"], "early": [{"tiers": ["gold"], "days": 14}]}}
    assert told(booked, early) == ["谁能约更远:没有 → 金卡多 14 天"]
    assert told(booked, {**booked, "unused": "forfeit"}) == ["没来的话:积分退回 → 积分不退"]


def test_what_the_documents_validators_say_has_words_here() -> None:
    sources = "".join(Path(str(module.__file__)).read_text("utf-8") for module in (offers, windows, booking))
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
    others = {*booking_text.PARTS, "pool", "does", "membership", "lasts"}
    assert tuple(asked) == tuple(part for part in GUIDED if part not in others)
    assert (after(about(SERVICE), "value"), after(about(SERVICE), "hours")) == ("hours", "stock")
    asked = ["value"]
    while (part := after(about(BOOKED), asked[-1])) is not None:
        asked.append(part)
    assert asked == ["value", "hours", "slot", "places", "cut_off", "no_show", "limits", "photo"]
    assert after(about(BOX), "price") == "stock"
    assert after(about(VOUCHER), "price") == "stock"
    assert (after(about(CODES), "category"), after(about(CODES), "value")) == ("pool", "limits")
    assert (after(about(GIFT), "category"), after(about(GIFT), "limits")) == ("does", "photo")
    assert (after(about(SILVER), "category"), after(about(SILVER), "lasts")) == ("membership", "price")
    assert after(about(SILVER), "limits") == "photo"
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
    other = [SPEAKER.plain(each) for each in offer_text.changes(TERMS, before, {**before, "colour": "A"})]
    assert other == ["还有别的改动"]
    assert offer_text.changes(TERMS, before, before) == []


@pytest.mark.parametrize(
    ("said", "days", "answer", "exchange", "changed_mind"),
    [
        ("15天", 15, 3, True, False),
        ("7天无理由退换", 7, 3, True, True),
        ("15 天内,5 天答复", 15, 5, True, False),
        ("15天 答复5天 只退积分 不想要也行", 15, 5, False, True),
        ("7天答复5天", 7, 5, True, False),
        ("只退不换", 7, 3, False, False),
        ("30 days, answer in 5 days, points only", 30, 5, False, False),
        ("Any reason; 5 days to answer", 7, 5, True, True),
        ("changed their minds", 7, 3, True, True),
    ],
)
def test_returns_are_read_as_people_type_them_and_say_nothing_else(
    said: str, days: int, answer: int, exchange: bool, changed_mind: bool
) -> None:
    one = about(BOX)
    made = Returns(days=days, answer_days=answer, exchange=exchange, changed_mind=changed_mind)
    assert PART["returns"].read(one, said) == {"returns": made.model_dump()}
    written_ = merged(one, {"returns": made.model_dump()})
    for language in LANGUAGES:  # what is read back means the same
        told = Speaker(language, TODAY).plain(offer_text.said(TERMS, written_, "returns") or "")
        assert PART["returns"].read(one, told) == {"returns": made.model_dump()}
    back = PART["returns"].read(replace(one, document=written_), "9天")["returns"]
    assert back == {**made.model_dump(), "days": 9}


@pytest.mark.parametrize(
    "said", ["-", "和计划一样", "as usual", "7天", "有问题才退,可换货", "only if faulty, answer in 3"]
)
def test_returns_as_the_programme_has_them_are_not_written(said: str) -> None:
    own = about(BOX, returns=Returns(days=7, exchange=False, changed_mind=True).model_dump())
    given = PART["returns"].read(about(BOX), said)
    assert given == {"returns": None} and Returns() == GOODS_RETURNS
    if said == "-":
        assert PART["returns"].read(own, said) == {"returns": None}


@pytest.mark.parametrize(
    ("part", "offer", "said", "told"),
    [
        ("returns", BOX, "不退不换", "有问题的商品总能退,最少写 1 天。"),
        ("returns", BOX, "不能退", "有问题的商品总能退,最少写 1 天。"),
        ("returns", BOX, "没有", "有问题的商品总能退,最少写 1 天。"),
        ("returns", BOX, "91天", "退换写 1 到 90 天,答复写 1 到 14 天。"),
        ("returns", BOX, "答复0天", "退换写 1 到 90 天,答复写 1 到 14 天。"),
        ("returns", BOX, "7天 包邮", "没看懂「包邮」。比如:15天 答复5天 不换货 不想要也行"),
        ("returns", BOX, "7天 15天", "没看懂「15天」。比如:15天 答复5天 不换货 不想要也行"),
        ("green", BOX, "绿", "计划里没有这个绿色类别。请点一个。"),
        ("membership", SILVER, "普卡", "没有这个等级。请点一个。"),
        ("lasts", SILVER, "3661", "请发 1 到 3,660 之间的整数。"),
    ],
)
def test_what_cannot_be_is_refused_with_what_could(part: str, offer: Offer, said: str, told: str) -> None:
    with pytest.raises(Unread) as refused:
        PART[part].read(about(offer), said)
    assert SPEAKER.plain(refused.value.words) == told
    assert not re.search(r"[。]", Speaker("en", TODAY).plain(refused.value.words))


@given(said=st.text(alphabet="0123459天答复换退货不想要也行有问题 ,points only answer in", max_size=16))
@settings(max_examples=400, deadline=None)
def test_whatever_is_typed_of_returns_is_refused_or_may_be_published(said: str) -> None:
    try:
        made = merged(about(BOX), PART["returns"].read(about(BOX), said))
    except Unread:
        return
    assert checked(made) is not None and SPEAKER.plain(offer_text.said(TERMS, made, "returns") or "")


def test_tiers_and_green_classes_go_by_code_and_by_name() -> None:
    for said in ("gold", "金卡", "Gold"):
        assert PART["membership"].read(about(SILVER), said) == {"membership": {"tier": "gold", "days": 30}}
    fresh = about(SILVER, membership=None)
    assert PART["membership"].read(fresh, "gold") == {"membership": {"tier": "gold", "days": 30}}
    assert PART["lasts"].read(about(SILVER), "90 天") == {"membership": {"tier": "silver", "days": 90}}
    for said in ("organic", "有机", "ORGANIC"):
        assert PART["green"].read(about(BOX), said) == {"green_class": "organic"}
    assert PART["green"].read(about(BOX), "cup") == {"green_class": "cup"}
    assert PART["green"].read(about(BOX), "不要") == {"green_class": None}


def test_tiers_are_sold_by_the_merchant_that_the_programme_names_and_no_other() -> None:
    seller, other = about(BOX), about(BOX, merchant="other")
    codes = [[code for row in PART["kind"].usual(one) for _, code in row] for one in (seller, other)]
    assert codes[0] == [*offer_text.KINDS] and codes[1] == [each for each in offer_text.KINDS if each != "membership"]
    with pytest.raises(Unread) as refused:
        PART["kind"].read(other, "membership")
    assert SPEAKER.plain(refused.value.words) == "等级只由计划指定的商户来卖。请点别的一种。"


def test_the_programmes_own_price_of_a_tier_is_suggested_where_the_days_are_the_same() -> None:
    gold = about(SILVER, membership={"tier": "gold", "days": 30})
    [[(words, said)]] = PART["price"].usual(gold)
    assert (SPEAKER.plain(words), said) == ("1,000 分", "1000")
    assert PART["price"].usual(about(SILVER, membership={"tier": "gold", "days": 31})) == []
    assert PART["price"].usual(about(SILVER)) == []


def test_another_kind_ends_how_goods_come_back() -> None:
    one = about(BOX, returns={"days": 15})
    assert "returns" not in merged(one, PART["kind"].read(one, "voucher"))
    assert merged(one, PART["kind"].read(one, "goods"))["returns"] == {"days": 15}


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


@pytest.mark.parametrize(
    ("now", "said", "then"),
    [
        ((), "南线铁路", ["rail"]),
        ((), "southern rail", ["rail"]),
        ((), "南线、书店", ["rail", "cloud-books"]),
        (("rail",), "+8", ["rail", "cloud-books"]),
        (("rail",), "+7", ["rail"]),
        (("rail", "cloud-books"), "-7", ["cloud-books"]),
        (("rail",), "-7", None),
        (("rail",), "不要", None),
    ],
)
def test_merchants_that_hand_it_over_too_are_named_or_tapped(now: tuple[str, ...], said: str, then: object) -> None:
    assert PART["fulfillers"].read(about(BOX, fulfillers=list(now)), said) == {"fulfillers": then}


@pytest.mark.parametrize(
    ("said", "why"),
    [
        ("新世界", "没有找到「新世界」这家商户。发它的名字。"),
        ("+99", "请点一个。"),
        ("南", "像「南」的不止一家:南线铁路、南山茶馆。请发全名。"),
    ],
)
def test_a_merchant_that_nobody_knows_or_several_could_be_is_asked_for_again(said: str, why: str) -> None:
    several = replace(about(BOX), others=(*OTHERS, (9, "tea", Both("南山茶馆", "South Hill Tea"))))
    with pytest.raises(Unread) as refused:
        PART["fulfillers"].read(several, said)
    assert SPEAKER.line(refused.value.words) == why
