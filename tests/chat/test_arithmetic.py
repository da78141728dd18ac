"""A purchase's arithmetic as members read it: rules in the tables' language, a bill, the whole «why» in both languages."""

from __future__ import annotations

import datetime as dt

import pytest

from chat import arithmetic
from chat.words import Speaker
from ledger.earning.rules.bill import Bill, Part
from ledger.earning.rules.documents import RULE
from ledger.earning.rules.evaluate import evaluate
from ledger.earning.rules.facts import Facts
from ledger.earning.rules.version import RuleVersion
from tests.ledger.earning.rules.script import rule

SINCE = dt.date(2026, 1, 1)
SPRING = RuleVersion(
    "spring",
    1,
    RULE.validate_python(
        {
            "kind": "multiplier",
            "name_zh": "春节双倍",
            "name_en": "Spring double",
            "factor": 2,
            "when": {"starts_at": "2026-02-17", "ends_at": "2026-02-24"},
            "caps": [{"points": 3000, "per": "month"}],
        }
    ),
    SINCE,
)
SHOP = rule("rule shop: base 1")


def said(bill: Bill, *rules: RuleVersion, used: int = 0, age: int | None = None) -> tuple[str, str]:
    """The trace, in Chinese and in English, as it is read on 18 February 2026."""
    facts = Facts(bought_at=dt.datetime(2026, 2, 18, 18, 42), used={"spring:month": used}, age=age)
    lines = arithmetic.steps(evaluate(bill, rules, facts).trace)
    zh, en = (
        "\n".join(Speaker(language, dt.date(2026, 2, 18)).plain(line) for line in lines) for language in ("zh", "en")
    )
    return zh, en


def of(*minor: int, otherwise: int = 0) -> Bill:
    return Bill(tuple(Part(each) for each in minor), "CNY", otherwise)


def test_a_festivals_double_down_to_what_its_cap_leaves() -> None:
    zh, en = said(of(30000), SHOP, SPRING, used=300)
    assert zh.splitlines() == [
        "¥300 × 1 分/元  = 300 分",
        "春节双倍(到 2月23日)  ×2  +300 分",
        "春节双倍,每月上限 3,000 分:还可多得 2,400 分",
        "合计 600 分",
    ]
    assert en.splitlines() == [
        "¥300 × 1 per yuan  = 300 pts",
        "Spring double (to 23 Feb)  ×2  +300 pts",
        "Spring double, monthly limit of 3,000 pts: 2,400 pts still to go",
        "Total 600 pts",
    ]


def test_a_cap_in_the_middle_and_one_reached_before() -> None:
    zh, en = said(of(30000), SHOP, SPRING, used=2900)
    assert "春节双倍,每月上限 3,000 分:到此为止,少得 200 分" in zh
    assert "Spring double, monthly limit of 3,000 pts: reached here, 200 pts fewer" in en
    zh, en = said(of(30000), SHOP, SPRING, used=3000)
    assert zh.splitlines() == ["¥300 × 1 分/元  = 300 分", "春节双倍,每月上限 3,000 分:已经得满", "合计 300 分"]
    assert "monthly limit of 3,000 pts: reached already" in en


def test_a_bill_line_by_line_with_what_is_green_and_what_was_paid_with_a_voucher() -> None:
    refill = RULE.validate_python(
        {
            "kind": "green",
            "name_zh": "自带瓶",
            "name_en": "Own bottle",
            "green_class": "refill",
            "rate": "0.5",
            "per": "piece",
            "factor_grams": "620",
            "factor_source": "IPCC 2021",
        }
    )
    bill = Bill((Part(10000, item="米"), Part(5000, "care", "refill", 3)), "CNY", 3000)
    zh, en = said(bill, SHOP, RuleVersion("refill", 1, refill, SINCE))
    assert zh.splitlines() == [
        "米:¥100 × 1 分/元  = 100 分",
        "care:¥50 × 1 分/元  = 50 分",
        "自带瓶(care):3 件 × 0.5 分  +1.5 · 约少排 1.9 千克 二氧化碳(IPCC 2021)",
        "其中 ¥30 是用积分或券付的,不计分  → 121.2",
        "合计 121.2,取整 121 分",
    ]
    assert en.splitlines()[2] == "Own bottle (care): 3 pieces × 0.5  +1.5 · some 1.9 kg of CO₂ avoided (IPCC 2021)"
    zh, en = said(Bill((Part(2600, None, "refill"),), "CNY"), SHOP, RuleVersion("refill", 1, refill, SINCE))
    assert zh.splitlines()[1].startswith("自带瓶:1 件 × 0.5 分"), "a class of goods has a code, which nobody is shown"
    assert en.splitlines()[1].startswith("Own bottle: 1 piece × 0.5")


def test_a_rule_of_its_own_is_named_and_the_rest_of_a_line_is_the_next_ones() -> None:
    rail, senior = rule("rule rail: base 5"), rule("rule 敬老: base 15 age 60- priority 1 cap 15000/month")
    zh, en = said(of(200000), rail, senior, age=60)
    assert zh.splitlines() == [
        "¥2,000 × 15 分/元  = 30,000 分 · 敬老",
        "敬老,每月上限 15,000 分:到此为止,少得 15,000 分",
        "其余 ¥1,000 × 5 分/元  = 5,000 分",
        "合计 20,000 分",
    ]
    assert en.splitlines()[2] == "The rest, ¥1,000 × 5 per yuan  = 5,000 pts"


def test_what_is_not_added_is_said_too() -> None:
    zh, en = said(
        of(10000), SHOP, rule("rule 双倍: times 2"), rule("rule 三倍: times 3"), rule("rule 礼: bonus 50 budget 9")
    )
    assert zh.splitlines() == [
        "¥100 × 1 分/元  = 100 分",
        "礼的预算已经用完",
        "三倍  ×3  +200 分",
        "双倍:同类优惠取最高的,这条不另计",
        "合计 300 分",
    ]
    assert "双倍: the best of its kind counts, this one is not added" in en


def test_a_multiplier_of_some_lines_says_of_what() -> None:
    bill = Bill((Part(10000, "水果"), Part(20000)), "CNY")
    zh, en = said(bill, SHOP, rule("rule 果日: times 3 on 水果"))
    assert "果日  ×3,只算其中的 100 分  +200 分" in zh and "果日  ×3 on 100 pts of it  +200 pts" in en


def test_a_long_bill_shows_its_first_lines_and_the_others_as_one_sum() -> None:
    zh, en = said(of(*range(100, 1400, 100)), SHOP)
    assert zh.splitlines()[-3:] == ["¥9 × 1 分/元  = 9 分", "还有 4 行  = 46 分", "合计 91 分"]
    assert len(zh.splitlines()) == arithmetic.LINES_SHOWN + 1 and "4 more lines  = 46 pts" in en


def test_a_sum_that_no_decimal_ends_is_shown_at_two_places() -> None:
    zh, _ = said(of(30050, 10000, otherwise=10000), SHOP, rule("rule gift: bonus 7"))
    assert "→ 300.5" in zh
    third, _ = said(
        of(10000, 200, otherwise=200), rule("rule shop: base 1 rates a=2 cap 3333/month"), rule("rule g: base 1")
    )
    assert "合计" in third
    uneven, _ = said(of(30100, 10000, otherwise=10000), rule("rule shop: base 1"), rule("rule half: times 1.5"))
    assert "合计 451.5,取整 451 分" in uneven
    split, _ = said(Bill((Part(10000, "a"), Part(20100)), "CNY", 10000), rule("rule shop: base 1 rates a=2"))
    assert "合计 ≈ 267.78,取整 267 分" in split


@pytest.mark.parametrize(
    ("because", "zh", "en"),
    [
        ("no_rule", "这家商户当天没有积分规则", "This merchant had no rule for points that day"),
        (
            "not_met",
            "这笔不符合这家商户积分规则的条件",
            "This purchase doesn’t meet the conditions of the merchant’s rules",
        ),
        ("earns_nothing", "按这家商户的规则,这些商品不计分", "By the merchant’s rules these goods earn nothing"),
        ("no_spending", "没有消费,不得分", "Nothing was spent, so nothing is earned"),
        ("capped", "已经得满这条规则的上限", "The limit of this rule is reached"),
        ("budget_gone", "这次活动的预算已经用完", "The budget of this campaign is used up"),
    ],
)
def test_every_reason_is_said_in_both_languages(because: str, zh: str, en: str) -> None:
    said = arithmetic.because(because)
    assert (Speaker("zh", SINCE).plain(said), Speaker("en", SINCE).plain(said)) == (zh, en)
