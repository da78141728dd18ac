"""The language of the rule tables.

    rule senior: base 15 age 60- priority 1
    rule spring: times 2 group festival from 2026-02-17 until 2026-02-24 cap 500/month
    rule hello: bonus 100 first here spend 100
    rule refill: green refill 0.5/piece factor 60
    2026-02-17 10:00 fruit:100 200 age 60 used spring:month=450 = 650 shares base=300,spring=50

A purchase is lines of money («200», of a category «fruit:100», of a green class and so many pieces «100#refill*2»), perhaps a part
`paid` otherwise, facts, then what it earns, then what else is claimed: `because`, `shares`, `trace` (the kinds of its steps),
`of` (the lines of the original, after a refund). What a line leaves out is that nothing is known of it; the time is 11 November
2026, 12:00.
"""

from __future__ import annotations

import datetime as dt
import re
from collections.abc import Iterator
from dataclasses import dataclass
from decimal import Decimal
from typing import Any

from ledger.earning.rules.bill import Bill, Part
from ledger.earning.rules.decision import Decision
from ledger.earning.rules.documents import RULE
from ledger.earning.rules.evaluate import evaluate
from ledger.earning.rules.facts import Facts
from ledger.earning.rules.version import RuleVersion
from tests.ledger.earning.rules import model

SINCE = dt.date(2020, 1, 1)


@dataclass(frozen=True)
class Row:
    """A purchase of a story with the story's rules."""

    story: str
    rules: tuple[str, ...]
    purchase: str

    def __str__(self) -> str:
        return f"{self.story}: {self.purchase}"


def rows(stories: dict[str, str]) -> Iterator[Row]:
    """Every purchase of every story, under the rules above it."""
    for story, told in stories.items():
        rules: tuple[str, ...] = ()
        for line in filter(None, (each.partition(" //")[0].strip() for each in told.splitlines())):
            if line.startswith("rule "):
                rules = (*rules, line)
            else:
                yield Row(story, rules, line)


def check(row: Row) -> Decision:
    """Decides the purchase, and holds every claim of its line against the decision, and the decision against the model."""
    bill, facts, claims = _purchase(row.purchase)
    of = _bill(claims["of"].split()) if "of" in claims else None
    versions = [rule(told) for told in row.rules]
    decision = evaluate(bill, versions, facts, of=of)
    exact = model.points(bill, versions, facts, of)
    assert exact.numerator // exact.denominator == decision.points, f"the model comes to {exact}"
    assert decision.points == int(claims["="].replace(",", "")), decision.trace
    assert decision.because == claims.get("because"), decision.trace
    assert sum(points for _, points in decision.shares) == decision.points
    if "shares" in claims:
        assert ",".join(f"{code}={points}" for code, points in decision.shares) == claims["shares"]
    if "trace" in claims:
        assert [step["what"] for step in decision.trace] == claims["trace"].split(",")
    return decision


def rule(told: str) -> RuleVersion:
    """A rule of the language."""
    head, _, body = told.removeprefix("rule ").partition(": ")
    words = iter(body.split())
    kind = next(words)
    document: dict[str, Any] = {"kind": "multiplier" if kind == "times" else kind, "name_zh": head, "name_en": head}
    if kind == "green":
        document |= {"green_class": next(words), "factor_grams": "0", "factor_source": "table 4"}
    figure, _, per = next(words).partition("/")
    document |= {{"base": "rate", "green": "rate", "times": "factor", "bonus": "points"}[kind]: figure}
    if per:
        document["per"] = per
    when: dict[str, Any] = {}
    for word in words:
        match word:
            case "birthday":
                when["birthday"] = True
            case "priority" | "group" | "campaign":
                document[word] = next(words)
            case "factor":
                document["factor_grams"] = next(words)
            case "rates":
                document["category_rates"] = dict(each.split("=") for each in next(words).split(","))
            case "cap":
                points, _, per = next(words).partition("/")
                document["caps"] = [*document.get("caps", []), {"points": points, "per": per}]
            case "budget":
                document["budget"] = {"points": next(words)}
            case "age":
                least, _, most = next(words).partition("-")
                when |= {"age_from": least or None, "age_to": most or None}
            case "hours":
                when["hour_from"], _, when["hour_to"] = next(words).partition("-")
            case "from" | "until":
                when["starts_at" if word == "from" else "ends_at"] = _time(next(words))
            case "spend":
                when["min_spend_minor"] = _minor(next(words))
            case "first":
                when["first_purchase"] = next(words)
            case "joined" | "standing":
                when["joined_days" if word == "joined" else "standing_from"] = next(words)
            case "business":
                when["business"] = next(words) == "yes"
            case _:
                name = _SETS[word]
                when[name] = next(words).split(",")
    return RuleVersion(head, 1, RULE.validate_python({**document, "when": when}), SINCE)


_SETS = {
    "on": "categories",
    "weekdays": "weekdays",
    "days": "days_of_month",
    "region": "regions",
    "channel": "channels",
    "tier": "tiers",
    "member-region": "member_regions",
}
_CLAIM = re.compile(r"(?:^|\s)(=|because|shares|trace|of)\s")
_LINE = re.compile(r"(?:(?P<category>\w+):)?(?P<amount>\d[\d.]*)(?:#(?P<green>\w+)(?:\*(?P<pieces>\d+))?)?$")


def _purchase(told: str) -> tuple[Bill, Facts, dict[str, str]]:
    said, *rest = _CLAIM.split(told)
    claims = dict(zip(rest[::2], (each.strip() for each in rest[1::2]), strict=True))
    words = said.split()
    at = "2026-11-11T12:00"
    if re.match(r"\d{4}-", words[0]):
        at = f"{words[0]}T{words[1]}"
        words = words[2:]
    facts: dict[str, Any] = {"bought_at": dt.datetime.fromisoformat(at)}
    lines: list[str] = []
    at_word = iter(words)
    for word in at_word:
        match word:
            case "age" | "standing":
                facts[word] = int(next(at_word))
            case "joined":
                facts["days_since_joining"] = int(next(at_word))
            case "tier" | "region" | "channel":
                facts[word] = next(at_word)
            case "member-region":
                facts["member_region"] = next(at_word)
            case "birthday":
                facts["is_birthday"] = True
            case "business":
                facts["business"] = True
            case "first":
                facts[f"first_{next(at_word)}"] = True
            case "used" | "left":
                key, _, points = next(at_word).rpartition("=")
                facts.setdefault(word, {})[key] = int(points)
            case _:
                lines.append(word)
    return _bill(lines), Facts(**facts), claims


def _bill(words: list[str]) -> Bill:
    otherwise, parts = 0, []
    each = iter(words)
    for word in each:
        if word == "paid":
            otherwise = _minor(next(each))
            continue
        found = _LINE.match(word)
        assert found is not None, word
        parts.append(Part(_minor(found["amount"]), found["category"], found["green"], int(found["pieces"] or 1)))
    return Bill(tuple(parts), "CNY", otherwise)


def _minor(amount: str) -> int:
    return int(Decimal(amount) * 100)


def _time(told: str) -> str:
    return told if "T" in told else f"{told}T00:00"
