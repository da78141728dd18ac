"""What holds of every purchase under whatever rules, and that two ways of evaluating come to the same."""

from __future__ import annotations

import dataclasses
import datetime as dt
import json
from decimal import Decimal
from fractions import Fraction
from typing import Any

from hypothesis import given, settings
from hypothesis import strategies as st

from ledger.earning.rules.bill import Bill, Part
from ledger.earning.rules.documents import RULE, Base
from ledger.earning.rules.evaluate import evaluate
from ledger.earning.rules.facts import Facts
from ledger.earning.rules.ruleset import RuleSet
from ledger.earning.rules.version import RuleVersion
from tests.ledger.earning.rules import model

CATEGORIES, GREEN, GROUPS = ["fruit", "rice"], ["refill", "solar"], ["a", "b"]
DAY = dt.datetime(2028, 2, 28)


def some(values: list[Any]) -> st.SearchStrategy[list[Any]]:
    """None of them twice as often as one or two."""
    return st.one_of(st.just([]), st.just([]), st.lists(st.sampled_from(values), min_size=1, max_size=2, unique=True))


whens = st.fixed_dictionaries(
    {},
    optional={
        "categories": some(CATEGORIES),
        "regions": some(["sh", "hz"]),
        "channels": some(["till", "card"]),
        "tiers": some(["gold"]),
        "weekdays": some([1, 2]),
        "days_of_month": some([28, 29, 1, -1]),
        "hour_from": st.integers(0, 23),
        "hour_to": st.integers(1, 24),
        "starts_at": st.integers(-40, 40).map(lambda hours: (DAY + dt.timedelta(hours=hours)).isoformat()),
        "min_spend_minor": st.integers(0, 3000),
        "age_from": st.integers(0, 60),
        "birthday": st.booleans(),
        "standing_from": st.integers(0, 3),
        "member_regions": some(["sh"]),
        "first_purchase": st.sampled_from(["no matter", "here", "anywhere"]),
        "joined_days": st.integers(0, 3),
        "business": st.sampled_from([None, True, False]),
    },
)
limits = st.fixed_dictionaries(
    {},
    optional={
        "caps": st.lists(
            st.fixed_dictionaries(
                {"points": st.integers(1, 40), "per": st.sampled_from(["purchase", "day", "month", "ever"])}
            ),
            max_size=2,
        ),
        "budget": st.just({"points": 50}),
        "campaign": st.sampled_from(["x", "y"]),
        "priority": st.integers(0, 2),
    },
)
rates = st.decimals(0, 20, places=2)
kinds = st.one_of(
    st.builds(
        lambda rate, other: {"kind": "base", "rate": rate, "category_rates": {"fruit": other}}, rates, rates
    ),
    st.builds(
        lambda rate, of, per: {
            "kind": "green", "rate": rate, "green_class": of, "per": per, "factor_grams": 1, "factor_source": "table",
        },
        rates,
        st.sampled_from(GREEN),
        st.sampled_from(["money", "piece"]),
    ),
    st.builds(
        lambda factor, group: {"kind": "multiplier", "factor": factor, "group": group},
        st.decimals("1.01", 4, places=2),
        st.sampled_from(GROUPS),
    ),
    st.builds(
        lambda points, group: {"kind": "bonus", "points": points, "group": group},
        st.integers(1, 60),
        st.sampled_from(GROUPS),
    ),
)  # fmt: skip
rules = st.lists(
    st.builds(
        lambda kind, limit, when: RULE.validate_python({"name_zh": "n", "name_en": "n", **kind, **limit, "when": when}),
        kinds,
        limits,
        whens,
    ),
    max_size=7,
).map(lambda found: [RuleVersion(f"r{at}", 1, rule, DAY.date()) for at, rule in enumerate(found)])
parts = st.lists(
    st.builds(
        Part,
        st.integers(0, 5000),
        st.sampled_from([None, *CATEGORIES]),
        st.sampled_from([None, *GREEN]),
        st.integers(1, 5),
    ),
    min_size=1,
    max_size=4,
).map(tuple)
bills = st.builds(Bill, parts, st.just("CNY"), st.one_of(st.just(0), st.integers(0, 4000)))
told = st.dictionaries(
    st.sampled_from([f"r{at}:{per}" for at in range(7) for per in ("day", "month", "ever")]), st.integers(0, 50)
)
left = st.dictionaries(
    st.sampled_from([f"rule:r{at}" for at in range(7)] + ["campaign:x", "campaign:y"]), st.integers(0, 50)
)
moments = st.integers(-40, 60).map(lambda hours: DAY + dt.timedelta(hours=hours))
facts = st.builds(
    Facts,
    bought_at=moments,
    channel=st.sampled_from(["till", "card"]),
    region=st.sampled_from([None, "sh", "hz"]),
    tier=st.sampled_from([None, "gold"]),
    age=st.one_of(st.none(), st.integers(0, 70)),
    is_birthday=st.booleans(),
    standing=st.one_of(st.none(), st.integers(0, 3)),
    member_region=st.sampled_from([None, "sh"]),
    first_here=st.booleans(),
    first_anywhere=st.booleans(),
    days_since_joining=st.one_of(st.none(), st.integers(0, 4)),
    business=st.booleans(),
    used=told,
    left=left,
)
whole_parts = st.lists(st.integers(0, 4), min_size=4, max_size=4)


def kept(bill: Bill, quarters: list[int]) -> Bill:
    """What remains when of each line so many quarters stay, and of what was paid otherwise its share."""
    parts = tuple(
        dataclasses.replace(part, amount_minor=part.amount_minor * stays // 4, pieces=part.pieces * stays // 4)
        for part, stays in zip(bill.parts, quarters, strict=False)
    )
    rest = Bill(parts, bill.money)
    otherwise = -(-bill.paid_otherwise_minor * rest.gross_minor // bill.gross_minor) if bill.gross_minor else 0
    return Bill(parts, bill.money, otherwise)


@settings(max_examples=400)
@given(bills, rules, facts)
def test_two_ways_of_evaluating_come_to_the_same(bill: Bill, rules: list[RuleVersion], facts: Facts) -> None:
    exact = model.points(bill, rules, facts)
    assert evaluate(bill, rules, facts).points == exact.numerator // exact.denominator


@settings(max_examples=300)
@given(bills, rules, facts, whole_parts)
def test_what_remains_is_evaluated_the_same_both_ways(
    bill: Bill, rules: list[RuleVersion], facts: Facts, quarters: list[int]
) -> None:
    exact = model.points(kept(bill, quarters), rules, facts, bill)
    assert evaluate(kept(bill, quarters), rules, facts, of=bill).points == exact.numerator // exact.denominator


@settings(max_examples=300)
@given(bills, rules, facts)
def test_shares_add_up_and_keep_within_caps_and_budgets(bill: Bill, rules: list[RuleVersion], facts: Facts) -> None:
    decision = evaluate(bill, rules, facts)
    shares = dict(decision.shares)
    assert sum(shares.values()) == decision.points >= 0
    assert all(points > 0 for points in shares.values())
    campaigns: dict[str, int] = {}
    for version in rules:
        share = shares.get(version.code, 0)
        for cap in version.rule.caps:
            assert share <= max(0, cap.points - facts.used.get(f"{version.code}:{cap.per}", 0))
        if version.rule.budget is not None:
            assert share <= facts.left.get(f"rule:{version.code}", 0)
        if version.rule.campaign is not None:
            campaigns[version.rule.campaign] = campaigns.get(version.rule.campaign, 0) + share
    assert all(points <= facts.left.get(f"campaign:{name}", points) for name, points in campaigns.items())


@settings(max_examples=300)
@given(bills, rules, facts)
def test_the_trace_ends_at_the_points_and_is_json(bill: Bill, rules: list[RuleVersion], facts: Facts) -> None:
    decision = evaluate(bill, rules, facts)
    assert json.loads(json.dumps(decision.trace)) == list(decision.trace)
    adds = sum(
        (Fraction(step["points"]) for step in decision.trace if step["what"] in ("base", "green", "times", "bonus")),
        Fraction(0),
    )
    taken = sum((Fraction(step["cut"]) for step in decision.trace if "cut" in step), Fraction(0))
    totals = [step for step in decision.trace if step["what"] == "total"]
    if not bill.paid_otherwise_minor:
        exact = Fraction(totals[0]["exact"]) if totals else Fraction(decision.points)
        assert adds - taken == exact
    assert (decision.because is None) == (decision.points > 0)
    assert (decision.trace[-1]["what"] == "nothing") == (decision.points == 0)
    assert len(set(decision.versions)) == len(decision.versions) >= len(decision.shares)


@settings(max_examples=300)
@given(bills, rules, facts, whole_parts)
def test_what_remains_of_a_purchase_never_earns_more_and_nothing_earns_nothing(
    bill: Bill, rules: list[RuleVersion], facts: Facts, quarters: list[int]
) -> None:
    first = evaluate(bill, rules, facts)
    paid = [version for version in rules if version.name in first.versions]
    assert evaluate(bill, paid, facts, of=bill).points == first.points
    assert evaluate(kept(bill, quarters), paid, facts, of=bill).points <= first.points
    assert evaluate(kept(bill, [0, 0, 0, 0]), paid, facts, of=bill).points == 0


@given(parts, st.integers(0, 3), st.integers(1, 5000), st.decimals(0, 20, places=3))
def test_one_rate_never_gives_less_for_more(parts: tuple[Part, ...], at: int, more: int, rate: Decimal) -> None:
    rule = [RuleVersion("r", 1, Base(rate=rate), DAY.date())]
    at %= len(parts)
    larger = (*parts[:at], dataclasses.replace(parts[at], amount_minor=parts[at].amount_minor + more), *parts[at + 1 :])
    now = Facts(bought_at=DAY)
    assert evaluate(Bill(parts, "CNY"), rule, now).points <= evaluate(Bill(larger, "CNY"), rule, now).points


@given(bills, rules, st.lists(facts, min_size=3, max_size=3))
def test_a_compiled_set_answers_like_new_ones_however_often_it_is_asked(
    bill: Bill, rules: list[RuleVersion], told: list[Facts]
) -> None:
    kept_set = RuleSet(rules)
    for facts in (*told, *told):
        assert evaluate(bill, kept_set, facts) == evaluate(bill, rules, facts)


@given(facts)
def test_facts_come_back_from_json_as_they_were(facts: Facts) -> None:
    assert Facts.read(json.loads(json.dumps(facts.document()))) == facts
