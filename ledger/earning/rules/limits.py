"""What caps and budgets let a rule give, while a purchase is reckoned."""

from __future__ import annotations

from collections.abc import Mapping

from ledger.earning.rules.facts import Facts
from ledger.earning.rules.ruleset import Limit, Ready
from ledger.earning.rules.shares import Number, whole
from ledger.earning.rules.steps import Step, exact


class Limits:
    """What each rule has given to this purchase so far, in 1/unit points, and how much more it may. `said` are the limits that a
    step speaks of."""

    def __init__(self, facts: Facts, unit: int) -> None:
        self.given: dict[Ready, Number] = {}
        self.said: set[tuple[Ready, str]] = set()
        self._used, self._told, self._unit = facts.used, facts.left, unit
        self._left: dict[str, Number] = {}

    def room(self, ready: Ready) -> tuple[Number, Limit | None]:
        """How much a rule may still give, and what bounds it: the tightest of its caps and budgets, caps before budgets. Nothing
        bounds it (None) where there are none, or only a campaign without a limit."""
        found: tuple[Number, Limit | None] = 0, None
        given = self.given.get(ready, 0)
        for cap in ready.caps:
            room = (cap.points - self._used.get(cap.key, 0)) * self._unit - given
            if found[1] is None or room < found[0]:
                found = room, cap
        for budget in ready.budgets:
            if budget.key not in self._left:
                told = self._told.get(budget.key, None if budget.of == "campaign" else 0)
                if told is None:
                    continue
                self._left[budget.key] = told * self._unit
            if found[1] is None or self._left[budget.key] < found[0]:
                found = self._left[budget.key], budget
        return found

    def gone(self, ready: Ready) -> tuple[Limit, Step] | None:
        """Which limit of a rule has nothing left, and the step that says so; None where it may give."""
        room, limit = self.room(ready)
        if limit is None or room > 0:
            return None
        self.said.add((ready, limit.key))
        return limit, {**limit.step, "left": 0}

    def give(self, ready: Ready, wanted: Number) -> tuple[Number, Step | None]:
        """Give what a rule wants to give, as far as it may: how much, and the step that says why it is less."""
        allowed, cut = wanted, None
        room, limit = self.room(ready)
        if limit is not None and wanted > room:
            allowed = max(0, room)
            self.said.add((ready, limit.key))
            cut = {**limit.step, "left": 0, "cut": exact(wanted - allowed, self._unit)}
        for budget in ready.budgets:
            if budget.key in self._left:
                self._left[budget.key] -= allowed
        self.given[ready] = self.given.get(ready, 0) + allowed
        return allowed, cut

    def shares(self, points: int) -> dict[Ready, int]:
        """`points`, all that was given, rounded down, by rule."""
        exact = list(self.given.values())
        budgets = [ready.budget_keys for ready in self.given]
        return dict(zip(self.given, whole(exact, points, self._unit, budgets, self._told), strict=True))

    def leaves(self, shares: Mapping[Ready, int]) -> list[Step]:
        """What is left of the caps that count beyond this purchase, once each rule has its share of it; unless it was said."""
        found = []
        for ready, share in shares.items():
            for cap in ready.caps:
                if cap.step["per"] != "purchase" and (ready, cap.key) not in self.said:
                    left = cap.points - self._used.get(cap.key, 0) - share
                    found.append({**cap.step, "left": max(0, left)})
        return found
