"""The rules in force, made quick to ask: conditions as bitmaps, figures as whole numbers, steps half written.

Compiling costs some microseconds a rule and is worth keeping: `situation` does, for as long as the rule clock stands.
"""

from __future__ import annotations

import datetime as dt
from collections.abc import Iterable, Iterator, Sequence
from decimal import Decimal
from typing import Any, Literal, NamedTuple, overload

from ledger.earning.rules.bill import Part
from ledger.earning.rules.conditions import Conditions
from ledger.earning.rules.documents import Base, Bonus, Cap, Green, Multiplier, When
from ledger.earning.rules.version import RuleVersion

MINOR = 100
"""Minor units in one unit of money: rates are «points per yuan»."""

_ANY = When()
_NO_GRAMS = Decimal(0)


class Limit(NamedTuple):
    """A cap or a budget: where facts tell of it, what a step says of it, and the points that a cap allows (a budget's are told)."""

    key: str
    of: Literal["cap", "rule", "campaign"]
    step: dict[str, Any]
    points: int = 0


class Ready:
    """One rule, ready to be used. `bit` is its place in bitmaps.

    `rates` are by category (None: any other), in units of the set; `more` is what a multiplier adds, times the set's
    `factor_scale`. `said` is what every step says of the rule, `steps` what its own steps begin with, by category; `opening`
    is that of None.
    """

    __slots__ = (
        "bit", "budget_keys", "budgets", "caps", "code", "grams", "limited", "more", "name", "opening", "per_piece", "points",
        "priority", "rates", "said", "steps",
    )  # fmt: skip

    def __init__(self, version: RuleVersion, place: int, rate_scale: int, factor_scale: int) -> None:
        rule = version.rule
        self.code, self.name, self.priority = version.code, version.name, rule.priority
        self.bit = 1 << place
        self.said = _said(version)
        self.caps = tuple(_cap(version.code, cap, self.said) for cap in rule.caps)
        self.budgets = tuple(_budgets(version, self.said))
        self.budget_keys = tuple(budget.key for budget in self.budgets)
        self.limited = bool(self.caps or self.budgets)
        self.rates: dict[str | None, int] = {}
        self.steps: dict[str | None, dict[str, Any]] = {}
        self.per_piece = False
        self.grams = _NO_GRAMS
        self.more = self.points = 0
        match rule:
            case Base():
                for category, rate in (*rule.category_rates.items(), (None, rule.rate)):
                    self.rates[category] = int(rate * rate_scale * factor_scale)
                    self.steps[category] = {"what": "base", "rate": plain(rate), **self.said}
            case Green():
                self.per_piece, self.grams = rule.per == "piece", rule.factor_grams
                self.rates[None] = int(rule.rate * rate_scale * factor_scale)
                self.steps[None] = {
                    "what": "green",
                    "green_class": rule.green_class,
                    "rate": plain(rule.rate),
                    "per": rule.per,
                    "source": rule.factor_source,
                    **self.said,
                }
            case Multiplier():
                self.more = int((rule.factor - 1) * factor_scale)
                self.steps[None] = {"what": "times", "factor": plain(rule.factor), **self.said}
            case Bonus():
                self.points = rule.points
                self.steps[None] = {"what": "bonus", **self.said}
        self.opening = self.steps[None]

    def line(self, part: Part) -> int:
        """What it gives for a line, in units of the set, before anything is taken off."""
        if self.per_piece:
            return self.rates[None] * part.pieces * MINOR
        return part.amount_minor * self.rates[part.category if part.category in self.rates else None]

    def step(self, part: Part) -> dict[str, Any]:
        """What its step of a line begins with."""
        return self.steps[part.category if part.category in self.steps else None]


class RuleSet(Sequence[RuleVersion]):
    """Versions in force at one time, in the order in which they are used.

    Base and green rules come by priority; multipliers and bonuses by what they give, so that the lowest bit of a group's candidates
    is its best. `unit`: figures are whole numbers of 1/unit points.
    """

    def __init__(self, versions: Iterable[RuleVersion]) -> None:
        self.versions = tuple(sorted(versions, key=_order))
        rate_scale, self.factor_scale = _scales(self.versions)
        self.unit = MINOR * rate_scale * self.factor_scale
        self.rules = tuple(
            Ready(version, at, rate_scale, self.factor_scale) for at, version in enumerate(self.versions)
        )
        self.conditions = Conditions([version.rule.when for version in self.versions])
        self.bases = 0
        self.greens: dict[str, int] = {}
        multipliers: dict[str, int] = {}
        bonuses: dict[str, int] = {}
        for ready, version in zip(self.rules, self.versions, strict=True):
            match version.rule:
                case Base():
                    self.bases |= ready.bit
                case Green(green_class=green_class):
                    self.greens[green_class] = self.greens.get(green_class, 0) | ready.bit
                case Multiplier(group=group):
                    multipliers[group] = multipliers.get(group, 0) | ready.bit
                case Bonus(group=group):
                    bonuses[group] = bonuses.get(group, 0) | ready.bit
        self.multipliers, self.bonuses = tuple(multipliers.values()), tuple(bonuses.values())
        self.limited = sum(ready.bit for ready in self.rules if ready.limited)

    def of(self, mask: int) -> list[Ready]:
        """The rules of a bitmap, in their order."""
        found = []
        while mask:
            low = mask & -mask
            found.append(self.rules[low.bit_length() - 1])
            mask ^= low
        return found

    def best(self, mask: int) -> Ready:
        """The first rule of a bitmap: of a group, the one that gives most."""
        return self.rules[(mask & -mask).bit_length() - 1]

    def line_rule(self, mask: int, part: Part) -> Ready:
        """Of the base or the green rules of a bitmap the one for a line: the highest priority, then the richest, then by code."""
        found = self.best(mask)
        if rest := mask & (mask - 1):
            richest = found.line(part)
            for each in self.of(rest):
                if each.priority != found.priority:
                    break
                if (gift := each.line(part)) > richest:
                    found, richest = each, gift
        return found

    @overload
    def __getitem__(self, at: int) -> RuleVersion: ...
    @overload
    def __getitem__(self, at: slice) -> Sequence[RuleVersion]: ...
    def __getitem__(self, at: int | slice) -> RuleVersion | Sequence[RuleVersion]:
        return self.versions[at]

    def __len__(self) -> int:
        return len(self.versions)


def plain(number: Decimal) -> str:
    """A decimal without trailing zeros or exponent."""
    return format(number.normalize(), "f")


_KINDS = {"base": 0, "green": 1, "multiplier": 2, "bonus": 3}


def _order(version: RuleVersion) -> tuple[int, Decimal | int, str]:
    match version.rule:
        case Multiplier(factor=factor):
            given: Decimal | int = -factor
        case Bonus(points=points):
            given = -points
        case rule:
            given = -rule.priority
    return _KINDS[version.rule.kind], given, version.code


def _scales(versions: Iterable[RuleVersion]) -> tuple[int, int]:
    """The powers of ten by which every rate, and every factor, is whole."""
    rates, factors = 0, 0
    for version in versions:
        match version.rule:
            case Base(rate=rate, category_rates=others):
                rates = max(rates, *(_places(each) for each in (rate, *others.values())))
            case Green(rate=rate):
                rates = max(rates, _places(rate))
            case Multiplier(factor=factor):
                factors = max(factors, _places(factor))
    return 10**rates, 10**factors


def _places(number: Decimal) -> int:
    exponent = number.normalize().as_tuple().exponent
    return max(0, -exponent) if isinstance(exponent, int) else 0


def _cap(code: str, cap: Cap, said: dict[str, Any]) -> Limit:
    # What was had «per purchase» is never told: each purchase is a new one.
    return Limit(f"{code}:{cap.per}", "cap", {"what": "cap", "per": cap.per, "cap": cap.points, **said}, cap.points)


def _budgets(version: RuleVersion, said: dict[str, Any]) -> Iterator[Limit]:
    if version.rule.budget is not None:
        yield Limit(f"rule:{version.code}", "rule", {"what": "budget", "of": "rule", **said})
    if version.rule.campaign is not None:
        yield Limit(f"campaign:{version.rule.campaign}", "campaign", {"what": "budget", "of": "campaign", **said})


def _said(version: RuleVersion) -> dict[str, Any]:
    """What a step says of its rule: which it is, and its name and last day where that says more than the figures do."""
    rule = version.rule
    said: dict[str, Any] = {"rule": version.name}
    if not isinstance(rule, Base) or rule.when != _ANY:
        said |= {"name_zh": rule.name_zh, "name_en": rule.name_en}
        ends = rule.when.ends_at
        last = [version.valid_to, (ends - dt.timedelta(microseconds=1)).date() if ends else None]
        if known := [day for day in last if day is not None]:
            said["until"] = min(known).isoformat()
    return said
