"""What purchases earn, in tables: bill → points and the arithmetic that is shown."""

from __future__ import annotations

import datetime as dt
from decimal import Decimal

import pytest

from ledger.earning.rules import AccrualRule, Bill, Part, RuleVersion, evaluate

DAY = dt.date(2026, 11, 11)


def version(
    rate: str, since: str = "2026-01-01", until: str | None = None, number: int = 1, **rates: str
) -> RuleVersion:
    rule = AccrualRule(rate=Decimal(rate), category_rates={k: Decimal(v) for k, v in rates.items()})
    ends = dt.date.fromisoformat(until) if until else None
    return RuleVersion("shop", number, rule, dt.date.fromisoformat(since), ends)


@pytest.mark.parametrize(
    ("rate", "amounts", "otherwise", "points"),
    [
        ("1", "300.00", 0, 300),
        ("1", "300.99", 0, 300),
        ("1", "0.99", 0, 0),
        ("1", "1.00", 0, 1),
        ("15", "1000.00", 0, 15000),
        ("0.5", "3.99", 0, 1),
        ("1", "0.60 0.60", 0, 1),  # parts are added before the one rounding
        ("1", "100.00 green:100.00", 0, 250),
        ("1", "300.00", 5000, 250),  # ¥50 paid with a voucher earn nothing
        ("1", "100.00 green:100.00", 10000, 125),  # … taken off every category alike
        ("1", "300.00", 30000, 0),
        ("1", "300.00", 40000, 0),
        ("0", "300.00", 0, 0),
    ],
)
def test_points_are_rounded_down_once_on_what_was_paid_with_money(
    rate: str, amounts: str, otherwise: int, points: int
) -> None:
    parts = []
    for amount in amounts.split():
        category, _, figure = amount.rpartition(":")
        parts.append(Part(int(Decimal(figure) * 100), category or None))
    decision = evaluate(Bill(tuple(parts), "CNY", otherwise), [version(rate, green="1.5")], DAY)
    assert decision.points == points
    assert (decision.because is None) == (points > 0)
    assert decision.versions == ("shop@1",)


def test_the_trace_ends_at_the_points_that_are_paid() -> None:
    decision = evaluate(Bill((Part(30050), Part(10000, "green")), "CNY", 10000), [version("1", green="1.5")], DAY)
    assert [step["what"] for step in decision.trace] == ["base", "base", "net", "total"]
    assert [step["points"] for step in decision.trace[:2]] == ["300.5", "150"]
    assert decision.trace[-1]["points"] == decision.points == 338  # 450.50 × 300.50 ÷ 400.50, down


def test_nothing_earned_says_why() -> None:
    small = evaluate(Bill((Part(50),), "CNY"), [version("1")], DAY)
    paid = evaluate(Bill((Part(500),), "CNY", 500), [version("1")], DAY)
    unruled = evaluate(Bill((Part(500),), "CNY"), [], DAY)
    assert [d.because for d in (small, paid, unruled)] == ["below_one_point", "paid_otherwise", "no_rule"]
    assert all(d.trace[-1] == {"what": "nothing", "because": d.because} for d in (small, paid, unruled))


@pytest.mark.parametrize(
    ("day", "points"),
    [
        ("2026-10-31", 0),
        ("2026-11-01", 100),
        ("2026-11-10", 100),
        ("2026-11-11", 200),
        ("2026-11-30", 200),
        ("2026-12-01", 0),
    ],
)
def test_the_newest_rule_in_force_that_day_decides(day: str, points: int) -> None:
    rules = [version("1", "2026-11-01", "2026-11-30"), version("2", "2026-11-11", "2026-11-30", 2)]
    assert evaluate(Bill((Part(10000),), "CNY"), rules, dt.date.fromisoformat(day)).points == points


def test_a_rule_document_refuses_what_it_does_not_know() -> None:
    with pytest.raises(ValueError, match="multiplier"):
        AccrualRule.model_validate({"rate": "1", "multiplier": "2"})
    with pytest.raises(ValueError, match="rate"):
        AccrualRule.model_validate({"rate": "-1"})
