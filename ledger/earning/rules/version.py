"""A rule as it stands in the book: its number, the days on which it applies, and whose it is."""

from __future__ import annotations

import datetime as dt
from collections.abc import Iterable
from dataclasses import dataclass

from ledger.earning.rules.documents import Base, Bonus, Green, Multiplier, When


@dataclass(frozen=True, slots=True)
class RuleVersion:
    """One version of a rule, in force from `valid_from` to `valid_to` (both days included; None: until replaced).

    `merchant_id` None: the programme's, for every merchant.
    """

    code: str
    version: int
    rule: Base | Green | Multiplier | Bonus
    valid_from: dt.date
    valid_to: dt.date | None = None
    merchant_id: int | None = None

    @property
    def name(self) -> str:
        """How lots and purchases record it: «code@version»."""
        return f"{self.code}@{self.version}"

    def in_force(self, day: dt.date) -> bool:
        """Whether it applies to what happened on `day`."""
        return self.valid_from <= day and (self.valid_to is None or day <= self.valid_to)


def in_force(versions: Iterable[RuleVersion], day: dt.date) -> list[RuleVersion]:
    """Of each rule the version that applies on `day`: the latest beginning, then the highest number. Ordered by code."""
    newest: dict[str, RuleVersion] = {}
    for each in sorted(versions, key=lambda v: (v.code, v.valid_from, v.version)):
        if each.in_force(day):
            newest[each.code] = each
    return list(newest.values())


def house_rule(versions: Iterable[RuleVersion], merchant_id: int) -> RuleVersion | None:
    """The merchant's own base rule that asks nothing: the one whose rate is «the» rate. None where it has none."""
    own = (v for v in versions if v.merchant_id == merchant_id and isinstance(v.rule, Base) and v.rule.when == When())
    return next(own, None)
