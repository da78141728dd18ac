"""rules.evaluate: purchases decided a second under two hundred rules in force, in one process, each with its whole trace.

The limit beside it is the same two hundred rules written out as Python: a source of plain `if`s and whole numbers, generated for
this very set, that keeps no trace, knows no caps and can be changed by nobody. Both must come to the same points.
"""

from __future__ import annotations

import datetime as dt
import gc
import random
import time
from collections.abc import Callable
from decimal import Decimal
from typing import Any

from bench.figures import Figure, beside
from bench.stage import Stage
from ledger.earning.rules.bill import Bill, Part
from ledger.earning.rules.documents import Base, Bonus, Cap, Green, Multiplier, Rule, When
from ledger.earning.rules.evaluate import evaluate
from ledger.earning.rules.facts import Facts
from ledger.earning.rules.ruleset import RuleSet
from ledger.earning.rules.version import RuleVersion

RULES = 200
PURCHASES = 4000
ROUNDS = 5
CATEGORIES = [f"aisle-{n}" for n in range(24)]
GREEN = [f"green-{n}" for n in range(10)]
REGIONS = [f"region-{n}" for n in range(12)]
TIERS = ["plain", "silver", "gold", "black"]
MONTH = dt.datetime(2026, 11, 1)

Told = tuple[Bill, Facts]


def rule_set(rng: random.Random) -> list[RuleVersion]:
    """A large coalition's rules: rates by aisle and region, green classes, campaigns in six groups, bonuses in three."""
    rules: list[Rule] = [Base(rate=Decimal(1), category_rates={c: Decimal("1.5") for c in CATEGORIES[:6]})]
    while len(rules) < 25:
        when = When(regions={rng.choice(REGIONS)}, age_from=rng.choice([None, 60]))  # type: ignore[arg-type]
        rules.append(Base(name_zh="基础", name_en="Base", rate=Decimal(rng.randint(1, 30)) / 10, priority=1, when=when))
    for each in GREEN:
        factor: dict[str, Any] = {"factor_grams": Decimal(120), "factor_source": "table 4"}
        rules.append(Green(name_zh="绿色", name_en="Green", green_class=each, rate=Decimal("0.5"), **factor))
    while len(rules) < RULES - 40:
        starts = MONTH + dt.timedelta(days=rng.randint(0, 25))
        when = When(
            starts_at=starts,
            ends_at=starts + dt.timedelta(days=rng.randint(1, 7)),
            weekdays=frozenset(rng.sample(range(1, 8), rng.choice([0, 2]))),
            categories=frozenset(rng.sample(CATEGORIES, rng.choice([0, 3]))),
            tiers=frozenset(rng.sample(TIERS, rng.choice([0, 2]))),
            hour_from=rng.choice([0, 9]),
            hour_to=rng.choice([18, 24]),
        )
        caps = (Cap(points=10**9, per="month"),) if rng.random() < 0.3 else ()
        factor, group = Decimal(rng.randint(2, 5)), f"group-{rng.randint(1, 6)}"
        rules.append(Multiplier(name_zh="多倍", name_en="Times", factor=factor, group=group, when=when, caps=caps))
    while len(rules) < RULES:
        when = When(
            min_spend_minor=rng.choice([0, 10_000, 50_000]),
            regions=frozenset(rng.sample(REGIONS, 2)),
            first_purchase=rng.choice(["no matter", "here", "anywhere"]),
            birthday=rng.random() < 0.2,
        )
        group = f"bonus-{rng.randint(1, 3)}"
        rules.append(Bonus(name_zh="加分", name_en="Bonus", points=rng.randint(1, 40) * 10, group=group, when=when))
    return [RuleVersion(f"rule-{at:03}", 1, rule, MONTH.date()) for at, rule in enumerate(rules)]


def purchases(rng: random.Random) -> list[Told]:
    """Purchases of one to five lines by all sorts of members in one month."""
    made = []
    for _ in range(PURCHASES):
        parts = tuple(
            Part(
                rng.randint(100, 30_000),
                rng.choice(CATEGORIES),
                rng.choice(GREEN) if rng.random() < 0.1 else None,
            )
            for _ in range(rng.choice([1, 1, 2, 3, 5]))
        )
        facts = Facts(
            bought_at=MONTH + dt.timedelta(minutes=rng.randrange(30 * 24 * 60)),
            region=rng.choice(REGIONS),
            tier=rng.choice(TIERS),
            age=rng.randint(18, 80),
            is_birthday=rng.random() < 0.01,
            first_here=rng.random() < 0.1,
            first_anywhere=rng.random() < 0.05,
        )
        made.append((Bill(parts, "CNY"), facts))
    return made


def written_out(versions: list[RuleVersion]) -> Callable[[Bill, Facts], int]:
    """The same rules as a function of plain Python; figures in tenths of 1/100 points."""
    lines = [
        "def decide(bill, facts):",
        "    at, day, hour = facts.bought_at, facts.bought_at.isoweekday(), facts.bought_at.hour",
    ]
    lines += ["    region, tier, age, spend = facts.region, facts.tier, facts.age, bill.net_minor", "    total = 0"]
    lines += [
        "    for part in bill.parts:",
        "        category, green, amount = part.category, part.green_class, part.amount_minor",
    ]
    lines += ["        rate, priority = 0, -1"]
    rules = [version.rule for version in versions]
    groups = sorted({rule.group for rule in rules if isinstance(rule, Multiplier)})
    for rule in rules:
        if isinstance(rule, Base):
            rates = {c: int(r * 10) for c, r in rule.category_rates.items()}
            rate = f"{rates!r}.get(category, {int(rule.rate * 10)})" if rates else str(int(rule.rate * 10))
            better = f"(priority, rate) < ({rule.priority}, {rate})"
            lines += [f"        if {_condition(rule.when)} and {better}: priority, rate = {rule.priority}, {rate}"]
    for rule in rules:
        if isinstance(rule, Green):
            lines += [f"        if green == {rule.green_class!r}: rate += {int(rule.rate * 10)}"]
    lines += [f"        {_name(group)} = 0" for group in groups]
    for rule in rules:
        if isinstance(rule, Multiplier):
            more, name = int(rule.factor) - 1, _name(rule.group)
            lines += [f"        if {name} < {more} and {_condition(rule.when)}: {name} = {more}"]
    lines += [f"        total += rate * amount * (1 + {' + '.join(map(_name, groups))})"]
    bonuses = sorted({rule.group for rule in rules if isinstance(rule, Bonus)})
    lines += [f"    {_name(group)} = 0" for group in bonuses]
    for rule in rules:
        if isinstance(rule, Bonus):
            name = _name(rule.group)
            lines += [f"    if {name} < {rule.points} and {_condition(rule.when)}: {name} = {rule.points}"]
    lines += [f"    return total // 1000 + {' + '.join(map(_name, bonuses))}"]
    space: dict[str, Any] = {"datetime": dt}
    exec("\n".join(lines), space)
    made: Callable[[Bill, Facts], int] = space["decide"]
    return made


def _name(group: str) -> str:
    return group.replace("-", "_")


def _condition(when: When) -> str:
    asked = [
        when.starts_at and f"at >= {when.starts_at!r}",
        when.ends_at and f"at < {when.ends_at!r}",
        when.weekdays and f"day in {set(when.weekdays)!r}",
        when.hour_from and f"hour >= {when.hour_from}",
        when.hour_to < 24 and f"hour < {when.hour_to}",
        when.categories and f"category in {set(when.categories)!r}",
        when.regions and f"region in {set(when.regions)!r}",
        when.tiers and f"tier in {set(when.tiers)!r}",
        when.age_from and f"age >= {when.age_from}",
        when.min_spend_minor and f"spend >= {when.min_spend_minor}",
        when.birthday and "facts.is_birthday",
        when.first_purchase == "here" and "facts.first_here",
        when.first_purchase == "anywhere" and "facts.first_anywhere",
    ]
    return " and ".join(each for each in asked if each) or "True"


def _a_second(decide: Callable[[Bill, Facts], object], told: list[Told]) -> float:
    began = time.perf_counter()
    for bill, facts in told:
        decide(bill, facts)
    return len(told) / (time.perf_counter() - began)


async def run(stage: Stage, wanted: Callable[[str], bool]) -> list[Figure]:
    """Both in turn over the same purchases."""
    name = "rules.evaluate"
    if not wanted(name):
        return []
    rng = random.Random(1)
    versions = rule_set(rng)
    rules, by_hand, told = RuleSet(versions), written_out(versions), purchases(rng)
    steps = 0
    for bill, facts in told:
        decision = evaluate(bill, rules, facts)
        steps += len(decision.trace)
        if decision.points != by_hand(bill, facts):
            raise RuntimeError(f"{decision.points} points by rules, {by_hand(bill, facts)} written out: {bill} {facts}")
    gc.collect()
    gc.freeze()  # as `bot.main` has it
    gc.set_threshold(50_000, 20, 20)
    ours, limit = [], []
    for _ in range(ROUNDS):
        ours.append(_a_second(lambda bill, facts: evaluate(bill, rules, facts), told))
        limit.append(_a_second(by_hand, told))
    note = f"{len(versions)} rules, {steps / len(told):.1f} steps of trace each"
    return [
        beside(name, "purchases/s", ours, "the set written out, no trace", limit, wanted="value ≥ 20,000", note=note)
    ]
