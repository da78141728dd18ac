"""What a purchase earns and why.

The decision carries its arithmetic, a list of steps that is stored with the entry and shown as «why»::

    {"what": "base", "amount_minor": 30000, "money": "CNY", "rate": "1", "points": "300", "rule": "market-base@1"}
    {"what": "green", "green_class": "refill", "rate": "0.5", "per": "piece", "pieces": 2, "grams": "120", "source": …,
     "points": "1", …}
    {"what": "net", "gross_minor": 30000, "paid_otherwise_minor": 5000, "money": "CNY", "points": "250"}
    {"what": "times", "factor": "2", "points": "250", "rule": "d11@1", "name_zh": …, "name_en": …, "until": "2026-11-12"}
    {"what": "bonus", "points": "100", …}
    {"what": "cap", "per": "month", "cap": 3000, "left": 2400, …}          what of a cap is left after this purchase
    {"what": "cap", "per": "month", "cap": 3000, "left": 0, "cut": "150", …}   and what it took off what the rule gave
    {"what": "budget", "of": "campaign", "left": 0, "cut": "80", …}          a budget, likewise, where it takes something off
    {"what": "beaten", …}                                                    applies, but another rule of its group gives more
    {"what": "total", "exact": "300.5", "points": 300}
    {"what": "nothing", "because": "no_rule"}
    {"what": "refund", "earned": 300, "keeps": 200, "points": 100}           of a refund, by `refunds`

`points` of a step is what it adds, of `net` and `total` what has been reached, exact, as text («1/3» where no decimal ends). Lines
are shown as they were rung up, and say their `category` and `item` where they have one; what a capped rule leaves for the next
one is a step with `rest`. Steps of a rule name it, and its name and last day unless it is the plain rule of the house. A step
of `times` that multiplies only some of the lines says of how many points: `of`. The one rounding is the `total` step, down.

`because` is one of

    no_rule           nobody has written a rule for that day
    not_met           there are rules, and none applies to this purchase
    earns_nothing     the rule gives nothing for what was bought
    below_one_point   it comes to less than one point
    paid_otherwise    all of it was paid with points or vouchers
    no_spending       nothing was paid at all: a card's grant without a purchase (E9)
    capped            this member has had all that the cap allows
    budget_gone       the rule, or its campaign, has given all that it may
"""

from __future__ import annotations

from typing import Any

from ledger.values import value


@value(frozen=True, slots=True)
class Decision:
    """What a purchase earns and why.

    `versions` names the rules that decided it, the base rule first: with them and the same facts it can be recomputed. `because`
    says why nothing is earned. `shares` are whole points by rule code, adding up to `points`: what caps and budgets count.
    """

    points: int
    trace: tuple[dict[str, Any], ...]
    versions: tuple[str, ...]
    because: str | None = None
    shares: tuple[tuple[str, int], ...] = ()
