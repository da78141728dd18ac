"""The evaluation a second time: straight from the documents, one rule after the other, in fractions. Slow, and easily read.

Shares nothing with the real one but the documents; where a cap or a budget ends a rule in the middle of a purchase it walks the
same road by the words of `documents`: the rest of the purchase is the next rule's.
"""

from __future__ import annotations

import calendar
import datetime as dt
import operator
from collections.abc import Sequence
from fractions import Fraction

from ledger.earning.rules.bill import Bill, Part
from ledger.earning.rules.documents import Base, Bonus, Green, Multiplier, When
from ledger.earning.rules.facts import Facts
from ledger.earning.rules.version import RuleVersion


def holds(when: When, facts: Facts, spend_minor: int) -> bool:
    """Whether everything holds that is of the whole purchase."""
    at = facts.bought_at
    day = at.date()
    if when.hour_from < when.hour_to:
        in_hours = when.hour_from <= at.hour < when.hour_to
    else:
        in_hours = at.hour >= when.hour_from or at.hour < when.hour_to
        if at.hour < when.hour_to:
            day -= dt.timedelta(days=1)
    month_ends = day.day == calendar.monthrange(day.year, day.month)[1]
    return all(
        (
            in_hours,
            when.starts_at is None or when.starts_at <= at,
            when.ends_at is None or at < when.ends_at,
            not when.weekdays or day.isoweekday() in when.weekdays,
            not when.days_of_month or day.day in when.days_of_month or (-1 in when.days_of_month and month_ends),
            not when.regions or facts.region in when.regions,
            not when.channels or facts.channel in when.channels,
            spend_minor >= when.min_spend_minor,
            not when.tiers or facts.tier in when.tiers,
            when.age_from is None or (facts.age is not None and facts.age >= when.age_from),
            when.age_to is None or (facts.age is not None and facts.age <= when.age_to),
            not when.birthday or facts.is_birthday,
            when.standing_from is None or (facts.standing is not None and facts.standing >= when.standing_from),
            not when.member_regions or facts.member_region in when.member_regions,
            when.first_purchase != "here" or facts.first_here,
            when.first_purchase != "anywhere" or facts.first_anywhere,
            when.joined_days is None
            or (facts.days_since_joining is not None and facts.days_since_joining <= when.joined_days),
            when.business is None or facts.business == when.business,
        )
    )


def points(bill: Bill, rules: Sequence[RuleVersion], facts: Facts, of: Bill | None = None) -> Fraction:
    """What the bill earns, before the one rounding."""
    return _Model(bill, rules, facts, of).total()


class _Model:
    def __init__(self, bill: Bill, rules: Sequence[RuleVersion], facts: Facts, of: Bill | None) -> None:
        self.bill, self.facts, self.of = bill, facts, of
        spend = (of or bill).net_minor
        self.all = list(rules)
        self.rules = [v for v in sorted(rules, key=lambda v: v.code) if holds(v.rule.when, facts, spend)]
        self.net = Fraction(bill.net_minor, bill.gross_minor) if bill.gross_minor else Fraction(1)
        self.given: dict[str, Fraction] = {}
        self.left = {key: Fraction(points) for key, points in facts.left.items()}

    def total(self) -> Fraction:
        """Lines, multipliers, bonuses."""
        # What has nothing left before the purchase is not there at all.
        self.rules = [v for v in self.rules if (room := self.room(v)) is None or room > 0]
        lines = [self.cover(Base, part) for part in self.bill.parts]
        amounts = self.fill(lines)
        for place, amount in enumerate(self.fill([self.cover(Green, part) for part in self.bill.parts])):
            amounts[place] += amount
        for group in self.groups(Multiplier):
            those = [v for v in self.by_gift(Multiplier) if v.rule.group == group]
            rows = zip(self.bill.parts, amounts, strict=True)
            self.fill(
                [[(v, amount * (Fraction(v.rule.factor) - 1)) for v in those if _of(v, part)] for part, amount in rows]
            )
        if self.bill.net_minor:
            for group in self.groups(Bonus):
                those = [v for v in self.by_gift(Bonus) if v.rule.group == group]
                those = [v for v in those if any(_of(v, part) and part.amount_minor for part in self.bill.parts)]
                self.fill([[(v, v.rule.points * self.left_of(v)) for v in those]])
        return sum(self.given.values(), Fraction(0))

    def by_gift(self, kind: type) -> list[RuleVersion]:
        """The multipliers or bonuses, the best first."""
        found = [v for v in self.rules if isinstance(v.rule, kind)]
        return sorted(found, key=lambda v: -(v.rule.factor if isinstance(v.rule, Multiplier) else v.rule.points))

    def groups(self, kind: type) -> list[str]:
        """Groups in the order in which they draw on a campaign: by the best that any rule in force gives."""
        those = sorted((v for v in self.all if isinstance(v.rule, kind)), key=lambda v: v.code)
        gift = operator.attrgetter("rule.factor" if kind is Multiplier else "rule.points")
        return list(dict.fromkeys(v.rule.group for v in sorted(those, key=gift, reverse=True)))

    def cover(self, kind: type, part: Part) -> list[tuple[RuleVersion, Fraction]]:
        """The base or green rules for a line in the order in which they take it, each with what it would give for all of it."""
        offers = []
        for v in self.rules:
            if isinstance(v.rule, kind) and _of(v, part):
                if isinstance(v.rule, Base):
                    gift = Fraction(v.rule.rate_of(part.category)) * part.amount_minor / 100
                elif v.rule.green_class != part.green_class:
                    continue
                elif v.rule.per == "piece":
                    gift = Fraction(v.rule.rate) * part.pieces
                else:
                    gift = Fraction(v.rule.rate) * part.amount_minor / 100
                offers.append((v, gift * self.net))
        return sorted(offers, key=lambda offer: (-offer[0].rule.priority, -offer[1]))

    def fill(self, offers: list[list[tuple[RuleVersion, Fraction]]]) -> list[Fraction]:
        """Each place takes its first rule; where that one ends in the middle, all its places take the next for what is left."""
        amounts, open_ = [Fraction(0)] * len(offers), [Fraction(1)] * len(offers)
        turn = {place: list(those) for place, those in enumerate(offers) if those}
        while turn:
            wanted: dict[str, Fraction] = {}
            for place, those in turn.items():
                v, gift = those[0]
                wanted[v.name] = wanted.get(v.name, Fraction(0)) + gift * open_[place]
            part: dict[str, Fraction] = {}
            by_name = {those[0][0].name: those[0][0] for those in turn.values()}
            for name in by_name:  # rules that draw on one campaign draw in the order of their first line
                part[name] = self.give(by_name[name], wanted[name])
            following = {}
            ended = {name for name, share in part.items() if share < 1}
            for place, those in turn.items():
                v, gift = those[0]
                amounts[place] += gift * open_[place] * part[v.name]
                open_[place] *= 1 - part[v.name]
                if part[v.name] < 1 and (rest := [each for each in those if each[0].name not in ended]):
                    following[place] = rest
            for place in following:
                offers[place] = following[place]
            turn = following
        return amounts

    def give(self, v: RuleVersion, wanted: Fraction) -> Fraction:
        """Which part of what it wants a rule may give; takes it."""
        room = self.room(v)
        allowed = wanted if room is None else min(wanted, max(room, Fraction(0)))
        self.given[v.name] = self.given.get(v.name, Fraction(0)) + allowed
        for key in _budgets(v):
            if key in self.left:
                self.left[key] -= allowed
        return allowed / wanted if wanted else Fraction(1)

    def room(self, v: RuleVersion) -> Fraction | None:
        """What caps and budgets still let it give; None: as much as it wants."""
        had = self.given.get(v.name, Fraction(0))
        bounds = [cap.points - self.facts.used.get(f"{v.code}:{cap.per}", 0) - had for cap in v.rule.caps]
        if v.rule.budget is not None:
            bounds.append(self.left.get(f"rule:{v.code}", Fraction(0)))
        if v.rule.campaign is not None and f"campaign:{v.rule.campaign}" in self.left:
            bounds.append(self.left[f"campaign:{v.rule.campaign}"])
        return min(map(Fraction, bounds)) if bounds else None

    def left_of(self, v: RuleVersion) -> Fraction:
        """Which part of the lines that a bonus was for is left after a refund, in money."""
        if self.of is None:
            return Fraction(1)
        then = sum(part.amount_minor for part in self.of.parts if _of(v, part))
        now = sum(part.amount_minor for part in self.bill.parts if _of(v, part))
        paid = Fraction(self.of.net_minor, self.of.gross_minor)
        return min(Fraction(1), now * self.net / (then * paid)) if then and paid else Fraction(0)


def _of(v: RuleVersion, part: Part) -> bool:
    return not v.rule.when.categories or part.category in v.rule.when.categories


def _budgets(v: RuleVersion) -> list[str]:
    own = [f"rule:{v.code}"] if v.rule.budget is not None else []
    return own + ([f"campaign:{v.rule.campaign}"] if v.rule.campaign is not None else [])
