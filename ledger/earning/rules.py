"""What a purchase earns: rule documents and their pure evaluation.

The decision carries its arithmetic, a list of steps that is stored with the entry and shown as «why»::

    {"what": "base", "amount_minor": 30000, "money": "CNY", "rate": "1", "points": "300", "category": None}
    {"what": "net", "gross_minor": 30000, "paid_otherwise_minor": 5000, "points": "250"}
    {"what": "total", "exact": "300.5", "points": 300}
    {"what": "nothing", "because": "no_rule"}
    {"what": "refund", "earned": 300, "keeps": 200, "points": 100}    (of a refund, by `purchases`)

`points` of a step is what has been reached by it, exact, as text («1/3» where no decimal ends); the one rounding is the
`total` step, down, once per purchase. `because` is one of `no_rule`, `below_one_point`, `paid_otherwise`.
"""

from __future__ import annotations

import datetime as dt
from collections.abc import Sequence
from dataclasses import dataclass
from decimal import Decimal
from fractions import Fraction
from typing import Any, Literal

from pydantic import BaseModel, ConfigDict, Field

MINOR = 100
"""Minor units in one unit of money: rates are «points per yuan»."""


class AccrualRule(BaseModel):
    """A merchant's base accrual: points per unit of money, where need be by category. Stored as JSON, versioned.

    A category without a rate of its own earns `rate`. Rates are exact decimals: "1", "0.5", "15".
    """

    model_config = ConfigDict(frozen=True, extra="forbid")

    kind: Literal["base"] = "base"
    name_zh: str = "购物积分"
    name_en: str = "Purchase points"
    rate: Decimal = Field(ge=0, le=1000)
    category_rates: dict[str, Decimal] = Field(default_factory=dict)

    def rate_of(self, category: str | None) -> Decimal:
        """Points per unit of money in a category (None: no category was given)."""
        return self.category_rates.get(category, self.rate) if category is not None else self.rate


@dataclass(frozen=True, slots=True)
class RuleVersion:
    """One version of a rule, in force from `valid_from` to `valid_to` (both days included; None: until replaced)."""

    code: str
    version: int
    rule: AccrualRule
    valid_from: dt.date
    valid_to: dt.date | None = None

    @property
    def name(self) -> str:
        """How lots and purchases record it: «code@version»."""
        return f"{self.code}@{self.version}"

    def in_force(self, day: dt.date) -> bool:
        """Whether it applies to what happened on `day`."""
        return self.valid_from <= day and (self.valid_to is None or day <= self.valid_to)


@dataclass(frozen=True, slots=True)
class Part:
    """So much of a purchase in one product category (None: unknown)."""

    amount_minor: int
    category: str | None = None


@dataclass(frozen=True, slots=True)
class Bill:
    """What was bought: parts by category in minor units of `money`, and how much of their sum was paid with points or
    vouchers, which earns nothing and is taken off every category alike."""

    parts: tuple[Part, ...]
    money: str
    paid_otherwise_minor: int = 0

    @property
    def gross_minor(self) -> int:
        """The sum of the parts."""
        return sum(part.amount_minor for part in self.parts)


@dataclass(frozen=True, slots=True)
class Decision:
    """What a purchase earns and why. `versions` names the rules that paid; `because` is set where nothing is earned."""

    points: int
    trace: tuple[dict[str, Any], ...]
    versions: tuple[str, ...]
    because: str | None = None


def evaluate(bill: Bill, rules: Sequence[RuleVersion], as_of: dt.date) -> Decision:
    """What `bill` earns under the newest of `rules` in force on `as_of`, the day it happened.

    Rounded down once, after everything. A bill of nothing, or without a rule, earns zero and says why.
    """
    rule = max((r for r in rules if r.in_force(as_of)), key=lambda r: (r.valid_from, r.version), default=None)
    if rule is None:
        return Decision(0, ({"what": "nothing", "because": "no_rule"},), (), "no_rule")
    trace: list[dict[str, Any]] = []
    exact = Fraction(0)
    for part in bill.parts:
        rate = rule.rule.rate_of(part.category)
        earned = Fraction(rate) * part.amount_minor / MINOR
        exact += earned
        trace.append(
            {
                "what": "base",
                "amount_minor": part.amount_minor,
                "money": bill.money,
                "category": part.category,
                "rate": format(rate.normalize(), "f"),
                "points": _exact(earned),
            }
        )
    if bill.paid_otherwise_minor and bill.gross_minor:
        left = max(0, bill.gross_minor - bill.paid_otherwise_minor)
        exact = exact * left / bill.gross_minor
        trace.append(
            {
                "what": "net",
                "gross_minor": bill.gross_minor,
                "paid_otherwise_minor": min(bill.paid_otherwise_minor, bill.gross_minor),
                "money": bill.money,
                "points": _exact(exact),
            }
        )
    points = exact.numerator // exact.denominator
    if exact != points or len(trace) > 1:
        trace.append({"what": "total", "exact": _exact(exact), "points": points})
    because = None
    if points == 0:
        because = "paid_otherwise" if exact == 0 and bill.paid_otherwise_minor else "below_one_point"
        trace.append({"what": "nothing", "because": because})
    return Decision(points, tuple(trace), (rule.name,), because)


def _exact(points: Fraction) -> str:
    """A decimal where one ends within six places, else the fraction itself."""
    scaled = points * 10**6
    if scaled.denominator != 1:
        return str(points)
    return format(Decimal(scaled.numerator).scaleb(-6).normalize(), "f")
