"""A dry run: what rules would have given for purchases that were made, beside what they got. Reads only.

Each purchase is decided again with the facts that were kept with it, in the order in which they were made; caps and budgets begin
unused and fill up as they would have. Refunds are left out of both sides, purchases taken back as if they had not been made.
"""

from __future__ import annotations

import datetime as dt
from collections import Counter
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, replace
from fractions import Fraction
from functools import cache
from typing import Any

from sqlalchemy import Row, text
from sqlalchemy.ext.asyncio import AsyncConnection

from ledger.earning import rulebook
from ledger.earning.purchases import COLUMNS, Purchase, from_row
from ledger.earning.rules.evaluate import evaluate
from ledger.earning.rules.facts import Facts
from ledger.earning.rules.ruleset import RuleSet
from ledger.earning.rules.version import RuleVersion, in_force
from ledger.earning.usage import Asks, Usage, counted
from ledger.members import person
from ledger.members.birthdays import age_on
from ledger.members.vault import Vault
from ledger.merchants.merchant import Merchant

AT_ONCE = 500
"""Purchases read in one go."""


@dataclass(frozen=True, slots=True)
class Replayed:
    """What rules would have given for the purchases of a period, beside what was given.

    `since` is the day of the first purchase that was looked at (None: there was none); `more` and `less` count purchases that would
    have got more, or less; `shares` and `paid_shares` are points by rule code.
    """

    purchases: int
    since: dt.date | None
    paid: int
    would: int
    more: int
    less: int
    shares: Mapping[str, int]
    paid_shares: Mapping[str, int]

    @property
    def extra(self) -> int:
        """How many points more; below zero, fewer."""
        return self.would - self.paid


# Where there are too many, the newest are looked at: hence the inner order.
_PURCHASES = text(
    f"SELECT {COLUMNS} FROM (SELECT * FROM purchase WHERE merchant_id = :merchant AND bought_on BETWEEN :since AND :until"
    " AND taken_back_at IS NULL ORDER BY occurred_at DESC, id DESC LIMIT :most) AS newest ORDER BY occurred_at, id"
)
_BUYERS = text(
    "SELECT p.id, m.birth_month, m.birth_day,"
    " NOT EXISTS (SELECT FROM purchase e WHERE e.member_id = p.member_id AND e.merchant_id = p.merchant_id AND e.id < p.id)"
    " AS first_here, NOT EXISTS (SELECT FROM purchase e WHERE e.member_id = p.member_id AND e.id < p.id) AS first_anywhere"
    " FROM purchase p JOIN member m ON m.id = p.member_id WHERE p.id = ANY(CAST(:ids AS bigint[]))"
)
_VALUES = text("SELECT id, value_minor, value_points FROM currency WHERE value_minor > 0")


def instead(versions: Iterable[RuleVersion], proposed: RuleVersion, *, since: dt.date) -> list[RuleVersion]:
    """These versions as if the proposed rule had stood all the time from `since`, in place of its other versions and whatever
    window it has: what a rule for the days to come would have done in the days that were."""
    when = proposed.rule.when.model_copy(update={"starts_at": None, "ends_at": None})
    lifted = replace(proposed, rule=proposed.rule.model_copy(update={"when": when}), valid_from=since, valid_to=None)
    return [*(version for version in versions if version.code != proposed.code), lifted]


async def replay(
    tx: AsyncConnection,
    merchant: Merchant,
    versions: Sequence[RuleVersion],
    *,
    since: dt.date,
    until: dt.date,
    most: int | None = None,
    vault: Vault | None = None,
) -> Replayed:
    """What `versions` (each where it is in force) would have given from `since` to `until`, both included.

    Args:
        most: look at no more than so many purchases, the newest; None: at all of them.
        vault: opens years of birth where a rule asks for an age that was not kept; without it such a rule does not apply.
    """
    named = sorted({version.rule.campaign for version in versions if version.rule.campaign is not None})
    budgets = await rulebook.campaign_budgets(tx, named) if named else {}
    values = {row.id: Fraction(row.value_minor, row.value_points) for row in await tx.execute(_VALUES)}
    asks = Asks.of(versions, budgets)
    again = _Again(merchant, versions, asks, Usage({}, {}, values))
    facts = {"merchant": merchant.id, "since": since, "until": until, "most": most}
    rows = await tx.stream(_PURCHASES, facts, execution_options={"yield_per": AT_ONCE})
    async for some in rows.partitions():
        made = [from_row(row) for row in some]
        buyers = {row.id: row for row in await tx.execute(_BUYERS, {"ids": [each.id for each in made]})}
        born: dict[int, int | None] = {}
        if asks.age and vault is not None:
            people = await person.load_many(tx, vault, sorted({each.member_id for each in made}))
            born = {member: each.birth_year for member, each in people.items()}
        for each in made:
            again.decide(each, buyers[each.id], born.get(each.member_id))
    return again.done()


class _Again:
    """The purchases so far, and what they would have got."""

    def __init__(self, merchant: Merchant, versions: Sequence[RuleVersion], asks: Asks, usage: Usage) -> None:
        self._currency, self._asks, self._usage = merchant.terms.currency, asks, usage
        self._campaigns = {version.code: version.rule.campaign for version in versions}
        self._rules_on = cache(lambda day: RuleSet(in_force(versions, day)))
        self._since: dt.date | None = None
        self._figures: Counter[str] = Counter()
        self._shares: Counter[str] = Counter()
        self._paid_shares: Counter[str] = Counter()

    def decide(self, was: Purchase, buyer: Row[Any], birth_year: int | None) -> None:
        """Decide a purchase again; the next one sees what this one used."""
        facts = self._facts(was, buyer, birth_year)
        now = evaluate(was.bill, self._rules_on(was.bought_on), facts)
        shares = dict(now.shares)
        self._usage.count(counted(shares, facts, was.member_id, self._campaigns), self._currency)
        self._since = min(self._since or was.bought_on, was.bought_on)
        self._figures.update(
            purchases=1, paid=was.points, would=now.points, more=now.points > was.points, less=now.points < was.points
        )
        self._shares.update(shares)
        self._paid_shares.update(was.shares)

    def _facts(self, was: Purchase, buyer: Row[Any], birth_year: int | None) -> Facts:
        """The facts that were kept, with what no rule had asked for then."""
        age = was.facts.age
        if age is None and birth_year is not None and buyer.birth_month is not None:
            age = age_on(birth_year, buyer.birth_month, buyer.birth_day, was.bought_on)
        return replace(
            was.facts,
            age=age,
            first_here=buyer.first_here,
            first_anywhere=buyer.first_anywhere,
            used=self._usage.used(self._asks, was.member_id, was.facts.bought_at),
            left=self._usage.left(self._asks, self._currency),
        )

    def done(self) -> Replayed:
        """The totals."""
        told = {name: self._figures[name] for name in ("purchases", "paid", "would", "more", "less")}
        return Replayed(**told, since=self._since, shares=dict(self._shares), paid_shares=dict(self._paid_shares))
