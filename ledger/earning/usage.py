"""How much of caps and budgets is used: counted in order as purchases are decided, given back exactly as they are refunded.

A purchase's facts keep which caps and budgets it was counted under, so that a refund gives back to those and no others, however
the rules have changed meanwhile. Points of a budget are counted for each currency by itself; money budgets add them up at the
published unit values.
"""

from __future__ import annotations

import datetime as dt
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from fractions import Fraction
from typing import NamedTuple

from sqlalchemy import text
from sqlalchemy.ext.asyncio import AsyncConnection

from ledger.earning.rules.documents import Budget
from ledger.earning.rules.facts import Facts
from ledger.earning.rules.version import RuleVersion

FIRST = "(first)"
"""Not a rule: the row of a member that is locked while it matters whether a purchase is their first."""


class CapKey(NamedTuple):
    """Whose points under which rule in which period, as `cap_usage` keeps them."""

    member_id: int
    rule: str
    period: str


def period(per: str, bought_at: dt.datetime) -> str:
    """The calendar period that a cap `per` day, month or ever counts a purchase in."""
    return {"day": bought_at.date().isoformat(), "month": f"{bought_at:%Y-%m}", "ever": "ever"}[per]


@dataclass(frozen=True, slots=True)
class Asks:
    """What the rules of one merchant's day ask to be known and counted. Pure.

    Args:
        capped: rule code and period of every cap that counts beyond one purchase.
        budgets: scope («rule:<code>», «campaign:<code>») and what it may give.
        scopes: rule code → the scopes that its points are counted in.
        age, first, standing: whether a rule asks for the member's age, whether a purchase is the first, or their credit.
    """

    capped: tuple[tuple[str, str], ...]
    budgets: tuple[tuple[str, Budget], ...]
    scopes: Mapping[str, tuple[str, ...]]
    age: bool
    first: bool
    standing: bool

    @classmethod
    def of(cls, rules: Sequence[RuleVersion], campaigns: Mapping[str, Budget]) -> Asks:
        """What these versions ask for; `campaigns` are the budgets of those that have one."""
        capped = sorted({(v.code, cap.per) for v in rules for cap in v.rule.caps if cap.per != "purchase"})
        budgets: dict[str, Budget] = {}
        scopes: dict[str, tuple[str, ...]] = {}
        for v in rules:
            own = {f"rule:{v.code}": v.rule.budget} if v.rule.budget is not None else {}
            if v.rule.campaign is not None and v.rule.campaign in campaigns:
                own[f"campaign:{v.rule.campaign}"] = campaigns[v.rule.campaign]
            if own:
                budgets |= own
                scopes[v.code] = tuple(own)
        whens = [v.rule.when for v in rules]
        return cls(
            tuple(capped),
            tuple(sorted(budgets.items())),
            scopes,
            age=any(when.age_from is not None or when.age_to is not None for when in whens),
            first=any(when.first_purchase != "no matter" for when in whens),
            standing=any(when.standing_from is not None for when in whens),
        )


@dataclass(slots=True)
class Usage:
    """Usage as it was loaded, and as it stands after what has been decided so far.

    `budgets` maps scope → currency → points; `value` is what a point of a currency is worth in minor units.
    """

    caps: dict[CapKey, int]
    budgets: dict[str, dict[int, int]]
    value: Mapping[int, Fraction]
    cap_changes: dict[CapKey, int] = field(default_factory=dict)
    budget_changes: dict[tuple[str, int], int] = field(default_factory=dict)

    def used(self, asks: Asks, member_id: int, bought_at: dt.datetime) -> dict[str, int]:
        """`Facts.used` of a purchase: every cap in force, also where nothing is used yet."""
        return {
            f"{rule}:{per}": self.caps.get(CapKey(member_id, rule, period(per, bought_at)), 0)
            for rule, per in asks.capped
        }

    def left(self, asks: Asks, currency: int) -> dict[str, int]:
        """`Facts.left` of a purchase in this currency: of each budget the lesser of its points and its money, in points."""
        left = {}
        for scope, budget in asks.budgets:
            given = self.budgets.get(scope, {})
            limits = []
            if budget.points is not None:
                limits.append(budget.points - given.get(currency, 0))
            if budget.minor is not None:
                spent = sum((points * self.value[of] for of, points in given.items()), Fraction(0))
                limits.append((budget.minor - spent) // self.value[currency])
            left[scope] = max(0, min(limits))
        return left

    def count(self, counted: Iterable[Counted], currency: int) -> None:
        """Add what a purchase was counted as, so that the next one sees it; less, where the points are below zero."""
        for each in counted:
            for key in each.caps:
                self.caps[key] = self.caps.get(key, 0) + each.points
                self.cap_changes[key] = self.cap_changes.get(key, 0) + each.points
            for scope in each.scopes:
                given = self.budgets.setdefault(scope, {})
                given[currency] = given.get(currency, 0) + each.points
                change = scope, currency
                self.budget_changes[change] = self.budget_changes.get(change, 0) + each.points


class Counted(NamedTuple):
    """Points of one rule, and where they count."""

    points: int
    caps: tuple[CapKey, ...]
    scopes: tuple[str, ...]


def counted(
    shares: Mapping[str, int], facts: Facts, member_id: int, campaigns: Mapping[str, str | None]
) -> list[Counted]:
    """Where the points of each rule count, by the caps and budgets that the facts tell of.

    `campaigns` names the campaign of each rule, where it has one.
    """
    found = []
    for code, points in shares.items():
        caps = tuple(
            CapKey(member_id, code, period(per, facts.bought_at))
            for per in ("day", "month", "ever")
            if f"{code}:{per}" in facts.used
        )
        scopes = tuple(scope for scope in (f"rule:{code}", f"campaign:{campaigns.get(code)}") if scope in facts.left)
        if points and (caps or scopes):
            found.append(Counted(points, caps, scopes))
    return found


CHANGE_CAPS = (
    "INSERT INTO cap_usage (member_id, rule, period, points) SELECT * FROM unnest({})"
    " ON CONFLICT (member_id, rule, period) DO UPDATE SET points = cap_usage.points + excluded.points"
)
CHANGE_BUDGETS = (
    "UPDATE budget_usage u SET points = u.points || n.points FROM ("
    "SELECT b.scope, jsonb_object_agg(c.currency, coalesce((b.points->>c.currency)::bigint, 0) + c.points) AS points"
    " FROM unnest({}) AS c(scope, currency, points) JOIN budget_usage b ON b.scope = c.scope GROUP BY b.scope"
    ") n WHERE u.scope = n.scope"
)
_CAP = text(
    "UPDATE cap_usage SET points = points + :points WHERE member_id = :member AND rule = :rule AND period = :period"
)
_BUDGET = text(
    "UPDATE budget_usage SET points = jsonb_set(points, ARRAY[CAST(:currency AS text)],"
    " to_jsonb((points->>CAST(:currency AS text))::bigint + CAST(:points AS bigint))) WHERE scope = :scope"
)


def cap_columns(changes: Mapping[CapKey, int]) -> tuple[list[int], list[str], list[str], list[int]]:
    """Members, rules, periods and points, as the statements take them."""
    keys = sorted(key for key, points in changes.items() if points)
    return [k.member_id for k in keys], [k.rule for k in keys], [k.period for k in keys], [changes[k] for k in keys]


def budget_columns(changes: Mapping[tuple[str, int], int]) -> tuple[list[str], list[str], list[int]]:
    """Scopes, currencies and points, as the statements take them."""
    keys = sorted(key for key, points in changes.items() if points)
    return [scope for scope, _ in keys], [str(currency) for _, currency in keys], [changes[k] for k in keys]


async def give_back(tx: AsyncConnection, taken: Usage) -> None:
    """Write the changes of a refund: budgets before caps, each in order and locked as it comes, as the intake does."""
    budgets = zip(*budget_columns(taken.budget_changes), strict=True)
    for scope, currency, points in budgets:
        await tx.execute(_BUDGET, {"scope": scope, "currency": currency, "points": points})
    caps = zip(*cap_columns(taken.cap_changes), strict=True)
    for member, rule, period_, points in caps:
        await tx.execute(_CAP, {"member": member, "rule": rule, "period": period_, "points": points})
