"""What decisions say beside their points: arithmetic down to the line, names, days; and which version decides."""

from __future__ import annotations

import datetime as dt
from decimal import Decimal
from zoneinfo import ZoneInfo

import pytest
from pydantic import ValidationError

from ledger.earning.rules.bill import Bill, Part
from ledger.earning.rules.documents import RULE, Base, Multiplier, When
from ledger.earning.rules.evaluate import evaluate
from ledger.earning.rules.facts import Facts
from ledger.earning.rules.version import RuleVersion, in_force
from ledger.members.birthdays import Birthday, is_kept
from tests.ledger.earning.rules.script import rule

NOW = Facts(bought_at=dt.datetime(2026, 11, 11, 12))


def test_the_trace_says_every_line_with_its_item_and_rate() -> None:
    rules = [rule("rule shop: base 1 rates green=1.5"), rule("rule refill: green refill 0.5/piece factor 60.5")]
    parts = (Part(30050, item="米"), Part(10000, "green", "refill", 3, "洗衣液"))
    decision = evaluate(Bill(parts, "CNY", 10000), rules, NOW)
    shop, refill = {"rule": "shop@1"}, {"rule": "refill@1", "name_zh": "refill", "name_en": "refill"}
    assert decision.trace == (
        {"what": "base", "rate": "1", "amount_minor": 30050, "money": "CNY", "points": "300.5", "item": "米"} | shop,
        {"what": "base", "rate": "1.5", "amount_minor": 10000, "money": "CNY", "points": "150"}
        | {"category": "green", "item": "洗衣液"}
        | shop,
        {"what": "green", "green_class": "refill", "rate": "0.5", "per": "piece", "pieces": 3, "points": "1.5"}
        | {"grams": "181.5", "source": "table 4", "category": "green", "item": "洗衣液"}
        | refill,
        {"what": "net", "gross_minor": 40050, "paid_otherwise_minor": 10000, "money": "CNY", "points": "271652/801"},
        {"what": "total", "exact": "271652/801", "points": 339},  # 452 × 300.50 ÷ 400.50, down
    )
    assert decision.versions == ("shop@1", "refill@1")


def test_a_step_names_its_rule_and_its_last_day() -> None:
    rules = [rule("rule shop: base 1"), rule("rule spring: times 2 from 2026-11-10 until 2026-11-13")]
    assert evaluate(Bill((Part(30000),), "CNY"), rules, NOW).trace[1] == {
        "what": "times",
        "factor": "2",
        "points": "300",
        "rule": "spring@1",
        "name_zh": "spring",
        "name_en": "spring",
        "until": "2026-11-12",
    }


def test_the_earlier_end_of_rule_and_version_is_said() -> None:
    until = Multiplier(name_zh="n", name_en="n", factor=Decimal(2), when=When(ends_at=dt.datetime(2026, 11, 20, 18)))
    ends = {day: RuleVersion("d", 1, until, NOW.bought_at.date(), day) for day in (None, dt.date(2026, 11, 15))}
    said = [
        evaluate(Bill((Part(100),), "CNY"), [rule("rule s: base 1"), v], NOW).trace[1]["until"] for v in ends.values()
    ]
    assert said == ["2026-11-20", "2026-11-15"]


def test_a_cap_says_what_it_leaves_and_what_it_took() -> None:
    rules = [rule("rule shop: base 1"), rule("rule spring: times 2 cap 3000/month")]
    spring = {"what": "cap", "per": "month", "cap": 3000, "rule": "spring@1", "name_zh": "spring", "name_en": "spring"}

    def step(used: int) -> dict[str, object]:
        facts = Facts(bought_at=NOW.bought_at, used={"spring:month": used})
        return next(s for s in evaluate(Bill((Part(60000),), "CNY"), rules, facts).trace if s["what"] == "cap")

    assert step(0) == spring | {"left": 2400}
    assert step(2500) == spring | {"left": 0, "cut": "100"}
    assert step(3000) == spring | {"left": 0}


def test_a_multiplier_of_some_lines_says_of_how_many_points() -> None:
    rules = [rule("rule shop: base 1"), rule("rule fruit: times 3 on fruit")]
    step = evaluate(Bill((Part(10000, "fruit"), Part(20000)), "CNY"), rules, NOW).trace[2]
    assert (step["points"], step["of"]) == ("200", "100")


def test_the_rest_of_a_line_says_that_it_is_the_rest() -> None:
    rules = [rule("rule rail: base 5"), rule("rule senior: base 15 age 60- priority 1 cap 15000/month")]
    facts = Facts(bought_at=NOW.bought_at, age=60)
    steps = evaluate(Bill((Part(200000),), "CNY"), rules, facts).trace
    assert [(s["what"], s.get("amount_minor"), s.get("rest"), s.get("points"), s.get("cut")) for s in steps] == [
        ("base", 200000, None, "30000", None),
        ("cap", None, None, None, "15000"),
        ("base", 100000, True, "5000", None),
        ("total", None, None, 20000, None),
    ]


@pytest.mark.parametrize(
    ("day", "points"),
    [
        ("2026-10-31", 0),
        ("2026-11-01", 100),
        ("2026-11-10", 100),
        ("2026-11-11", 200),
        ("2026-11-12", 200),
        ("2026-11-13", 100),  # the later version has ended: the one before it stands again
        ("2026-12-01", 0),
    ],
)
def test_of_a_rules_versions_the_one_that_began_last_decides(day: str, points: int) -> None:
    first = RuleVersion("shop", 1, Base(rate=Decimal(1)), dt.date(2026, 11, 1), dt.date(2026, 11, 30))
    second = RuleVersion("shop", 2, Base(rate=Decimal(2)), dt.date(2026, 11, 11), dt.date(2026, 11, 12))
    rules = in_force([second, first], dt.date.fromisoformat(day))
    assert evaluate(Bill((Part(10000),), "CNY"), rules, NOW).points == points


def test_two_versions_that_begin_together_leave_it_to_the_later_one() -> None:
    versions = [RuleVersion("shop", n, Base(rate=Decimal(n)), dt.date(2026, 11, 1)) for n in (2, 1)]
    assert [v.version for v in in_force(versions, dt.date(2026, 11, 1))] == [2]


@pytest.mark.parametrize(
    ("instant", "points"),
    [
        ("2026-11-10T15:59:59+00:00", 100),  # 23:59:59 on the 10th in Shanghai
        ("2026-11-10T16:00:00+00:00", 200),
        ("2026-11-11T15:59:59+00:00", 200),
        ("2026-11-11T16:00:00+00:00", 100),
    ],
)
def test_days_are_the_programmes_zones(instant: str, points: int) -> None:
    rules = [rule("rule shop: base 1"), rule("rule day: times 2 from 2026-11-11 until 2026-11-12")]
    at = dt.datetime.fromisoformat(instant).astimezone(ZoneInfo("Asia/Shanghai")).replace(tzinfo=None)
    assert evaluate(Bill((Part(10000),), "CNY"), rules, Facts(bought_at=at)).points == points


def test_an_hour_that_the_clock_skips_or_repeats_is_read_off_the_wall() -> None:
    rules = [rule("rule shop: base 1"), rule("rule night: times 2 hours 1-2")]
    berlin = ZoneInfo("Europe/Berlin")
    for utc, points in (("2026-10-24T23:30", 200), ("2026-10-25T00:30", 100), ("2026-10-25T01:30", 100)):
        at = dt.datetime.fromisoformat(utc + "+00:00").astimezone(berlin).replace(tzinfo=None)
        assert evaluate(Bill((Part(10000),), "CNY"), rules, Facts(bought_at=at)).points == points


@pytest.mark.parametrize(
    ("day", "points"), [("2027-02-28", 200), ("2027-03-01", 100), ("2028-02-28", 100), ("2028-02-29", 200)]
)
def test_a_birthday_on_29_february_is_kept_on_the_28th_in_other_years(day: str, points: int) -> None:
    on = dt.date.fromisoformat(day)
    rules = [rule("rule shop: base 1"), rule("rule cake: times 2 birthday")]
    kept = is_kept(Birthday(2, 29, told_on=dt.date(2025, 1, 1)), on)
    facts = Facts(bought_at=dt.datetime.combine(on, dt.time(12)), is_birthday=kept)
    assert evaluate(Bill((Part(10000),), "CNY"), rules, facts).points == points


@pytest.mark.parametrize(
    ("document", "said"),
    [
        ({"kind": "base", "rate": "-1"}, "greater than or equal to 0"),
        ({"kind": "base", "rate": "1.00001"}, "4 decimal places"),
        ({"kind": "base", "rate": "1", "multiplier": "2"}, "Extra inputs"),
        ({"kind": "multiplier", "factor": "1"}, "greater than 1"),
        ({"kind": "bonus", "points": 0}, "greater than or equal to 1"),
        ({"kind": "green", "green_class": "x", "rate": 1, "factor_grams": 1, "factor_source": ""}, "at least 3"),
        ({"kind": "lottery"}, "does not match"),
        ({"kind": "base", "rate": "1", "when": {"weekdays": [0]}}, "greater than or equal to 1"),
        ({"kind": "base", "rate": "1", "when": {"days_of_month": [0]}}, "begin at 1"),
        ({"kind": "base", "rate": "1", "when": {"days_of_month": [32]}}, "less than or equal to 31"),
        ({"kind": "base", "rate": "1", "when": {"age_from": 60, "age_to": 59}}, "age_to"),
        ({"kind": "base", "rate": "1", "when": {"starts_at": "2026-11-11", "ends_at": "2026-11-11"}}, "comes after"),
        ({"kind": "base", "rate": "1", "when": {"starts_at": "2026-11-11T00:00:00+08:00"}}, "timezone"),
        ({"kind": "base", "rate": "1", "caps": [{"points": 0, "per": "day"}]}, "greater than or equal to 1"),
        ({"kind": "base", "rate": "1", "caps": [{"points": 1, "per": "week"}]}, "'purchase', 'day', 'month' or 'ever'"),
    ],
)
def test_a_document_that_cannot_be_meant_is_refused(document: dict[str, object], said: str) -> None:
    with pytest.raises(ValidationError, match=said):
        RULE.validate_python({"name_zh": "名", "name_en": "name", **document})


def test_a_document_comes_back_from_json_as_it_was() -> None:
    for told in (
        "base 1.5 rates a=2 age 60- cap 5/day budget 9",
        "green x 1/piece factor 2",
        "times 1.5 weekdays 1,7",
        "bonus 5",
    ):
        made = rule(f"rule r: {told} from 2026-11-11T20:00").rule
        assert RULE.validate_json(made.model_dump_json()) == made


def test_a_rule_written_before_rules_had_conditions_is_still_read() -> None:
    old = {
        "kind": "base",
        "name_zh": "购物积分",
        "name_en": "Purchase points",
        "rate": "1",
        "category_rates": {"green": "1.5"},
    }
    assert RULE.validate_python(old) == Base(rate=Decimal(1), category_rates={"green": Decimal("1.5")})
