"""What a purchase earns under the rules in force: pure, exact, rounded once.

Figures are whole numbers of 1/unit points as long as possible; only a cap that ends a rule in the middle of a purchase leaves
fractions, and both add, multiply and compare alike.
"""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from fractions import Fraction

from ledger.earning.rules import steps
from ledger.earning.rules.bill import Bill
from ledger.earning.rules.decision import Decision
from ledger.earning.rules.facts import Facts
from ledger.earning.rules.limits import Limits
from ledger.earning.rules.ruleset import Ready, RuleSet
from ledger.earning.rules.shares import Number
from ledger.earning.rules.steps import Step
from ledger.earning.rules.version import RuleVersion


def evaluate(bill: Bill, rules: Sequence[RuleVersion], facts: Facts, *, of: Bill | None = None) -> Decision:
    """What `bill` earns under `rules`, the versions in force when it was bought; a `RuleSet` is used as it is.

    `of` is the original purchase where `bill` is what remains of one after a refund: the least spend is tested on it, and bonuses
    shrink as the lines they were for have shrunk.

    Rounded down once, after everything. What earns nothing says why.
    """
    return _Reckoning(rules if isinstance(rules, RuleSet) else RuleSet(rules), bill, facts, of).decision()


class _Reckoning:
    """One purchase on its way to its points. `lines` is what base and green rules give per line, `masks` the
    rules that may apply to each, `reached` the sum of the lines."""

    __slots__ = (
        "bill", "facts", "gross", "kept", "limits", "lines", "masks", "net", "of", "reached", "rules", "stopped", "trace",
        "unit",
    )  # fmt: skip

    def __init__(self, rules: RuleSet, bill: Bill, facts: Facts, of: Bill | None) -> None:
        self.rules, self.bill, self.facts, self.of = rules, bill, facts, of
        self.gross, self.net = bill.gross_minor, bill.net_minor
        # Of what was paid partly with points every line keeps net ÷ gross: in units so much smaller, net times as many.
        self.unit, self.kept = (rules.unit, 1) if self.net == self.gross else (rules.unit * self.gross, self.net)
        self.limits = Limits(facts, self.unit)
        self.trace: list[Step] = []
        self.lines: list[Number] = [0] * len(bill.parts)
        self.reached: Number = 0
        self.stopped: str | None = None

    def decision(self) -> Decision:
        """Line by line, then what multiplies, then what is added; then the one rounding."""
        rules = self.rules
        holding = rules.conditions.hold(self.facts, self.net if self.of is None else self.of.net_minor)
        of_line = rules.conditions.of_line
        self.masks = [holding & of_line(part.category) for part in self.bill.parts]
        closed = self._close() if holding & rules.limited else []
        self._give_lines(closed)
        if self.net:
            if groups := [group for group in rules.multipliers if holding & group]:
                self._multiply(groups)
            for group in rules.bonuses:
                if holding & group:
                    self._add(group)
        return self._rounded()

    def _close(self) -> list[Step]:
        """Takes away the rules of which nothing is left before this purchase; what is said of each."""
        closed: list[Step] = []
        for ready in self.rules.of(_union(self.masks) & self.rules.limited):
            if (gone := self.limits.gone(ready)) is not None:
                limit, step = gone
                closed.append(step)
                self.stopped = self.stopped or ("capped" if limit.of == "cap" else "budget_gone")
                self.masks = [mask & ~ready.bit for mask in self.masks]
        return closed

    def _give(self, ready: Ready, wanted: Number) -> Number:
        """Gives what a rule wants to give, as far as it may; says where that is less."""
        if not ready.limited:
            given = self.limits.given
            given[ready] = given.get(ready, 0) + wanted
            return wanted
        allowed, cut = self.limits.give(ready, wanted)
        if cut is not None:
            self.trace.append(cut)
        return allowed

    def _give_lines(self, closed: list[Step]) -> None:
        """Base and green points, line by line; then what was paid otherwise is taken off; then caps and budgets."""
        bill, trace = self.bill, self.trace
        bases, greens = self.rules.bases, self.rules.greens
        base, green = _Layer(), _Layer()
        for place, part in enumerate(bill.parts):
            mask = self.masks[place]
            if candidates := mask & bases:
                self._pick(base, place, candidates)
            if part.green_class in greens and (candidates := mask & greens[part.green_class]):
                self._pick(green, place, candidates)
        if self.net != self.gross and trace:
            self._take_off_otherwise((base, green))
        trace += closed
        for layer in (base, green):
            self._settle(layer)

    def _pick(self, layer: _Layer, place: int, candidates: int) -> None:
        """Finds the rule for a line, and says what it gives before anything is taken off."""
        rules, bill = self.rules, self.bill
        part = bill.parts[place]
        ready = rules.line_rule(candidates, part)
        figure = ready.line(part)
        layer.masks[place] = candidates
        layer.picks.setdefault(ready, []).append((place, figure * self.kept))
        self.trace.append(steps.of_line(ready, part, part.amount_minor, bill.money, figure, rules.unit))

    def _take_off_otherwise(self, layers: Iterable[_Layer]) -> None:
        reached = sum(figure for layer in layers for picks in layer.picks.values() for _, figure in picks)
        self.trace.append(
            {
                "what": "net",
                "gross_minor": self.gross,
                "paid_otherwise_minor": self.gross - self.net,
                "money": self.bill.money,
                "points": steps.exact(reached, self.unit),
            }
        )

    def _settle(self, layer: _Layer) -> None:
        """Gives what the rules of a layer picked. Where one ends in the middle, the rest of its lines is the next rule's."""
        parts, ended = self.bill.parts, 0
        share: dict[int, Number] = {}
        while layer.picks:
            rest: list[int] = []
            for ready, picks in layer.picks.items():
                wanted = sum(figure for _, figure in picks)
                allowed = self._give(ready, wanted)
                if allowed == wanted:
                    for place, figure in picks:
                        self.lines[place] += figure
                    continue
                given = Fraction(allowed) / wanted
                ended |= ready.bit
                for place, figure in picks:
                    self.lines[place] += figure * given
                    share[place] = share.get(place, 1) * (1 - given)
                    rest.append(place)
            layer.picks = {}
            for place in sorted(rest):
                if candidates := layer.masks[place] & ~ended:
                    part = parts[place]
                    ready = self.rules.line_rule(candidates, part)
                    figure = ready.line(part) * self.kept * share[place]
                    layer.picks.setdefault(ready, []).append((place, figure))
                    amount_minor = int(share[place] * part.amount_minor * self.net / (self.gross or 1))
                    step = steps.of_line(ready, part, amount_minor, self.bill.money, figure, self.unit)
                    self.trace.append({**step, "rest": True})

    def _multiply(self, groups: Sequence[int]) -> None:
        """What the multipliers of each group put on top of what the lines have."""
        lines: dict[int, Number] = {}
        self.reached = sum(self.lines)
        for mask, line in zip(self.masks, self.lines, strict=True):
            lines[mask] = lines.get(mask, 0) + line
        for group in groups:
            reached: dict[int, Number] = {}
            for mask, line in lines.items():
                if candidates := mask & group:
                    reached[candidates] = reached.get(candidates, 0) + line
            if reached:
                self._compete(reached)

    def _add(self, group: int) -> None:
        """What the bonuses of a group add. A line that cost nothing calls for none."""
        candidates = _union(mask for mask, part in zip(self.masks, self.bill.parts, strict=True) if part.amount_minor)
        if candidates := candidates & group:
            self._compete({candidates: 1})

    def _wants(self, ready: Ready, of: Number) -> Number:
        """What a multiplier gives on `of`, so much of what the lines have, or a bonus for `of`, such a part of the purchase."""
        if ready.more:
            more, scale = of * ready.more, self.rules.factor_scale
            # Lines in whole units are whole multiples of the scale.
            return more // scale if isinstance(more, int) else more / scale
        return ready.points * self.unit * of * (1 if self.of is None else self._left_of(ready, self.of))

    def _step(self, ready: Ready, of: Number, wanted: Number) -> Step:
        step = {**ready.opening, "points": steps.exact(wanted, self.unit)}
        if ready.more and of != self.reached:
            step["of"] = steps.exact(of, self.unit)
        return step

    def _left_of(self, ready: Ready, of: Bill) -> Fraction:
        """Which part is left of the lines that a bonus was for, in money."""
        now = sum(part.amount_minor for part, mask in zip(self.bill.parts, self.masks, strict=True) if mask & ready.bit)
        of_line = self.rules.conditions.of_line
        then = sum(part.amount_minor for part in of.parts if of_line(part.category) & ready.bit)
        if not then or not of.net_minor:
            return Fraction(0)
        left = Fraction(now * self.net, self.gross) / Fraction(then * of.net_minor, of.gross_minor)
        return min(left, Fraction(1))

    def _compete(self, over: dict[int, Number]) -> None:
        """Gives what the best of each set of candidates gives; where it ends in the middle, the next best has the rest.

        `over`: by candidates (a bitmap), so much for which they compete. A rule that wins for any of it is not beaten.
        """
        best, won, ended, again = self.rules.best, 0, 0, False
        candidates = _union(over)
        if len(over) == 1 and not (ready := best(candidates)).limited:
            # Nearly always: one rule, and nothing to end it.
            won, of = ready.bit, over[candidates]
            if wanted := self._wants(ready, of):
                self.trace.append(self._step(ready, of, wanted))
                self._give(ready, wanted)
            over = {}
        while over:
            picks: dict[Ready, list[int]] = {}
            for mask in over:
                picks.setdefault(best(mask & ~ended), []).append(mask)
            rest: dict[int, Number] = {}
            for ready, masks in picks.items():
                of = over[masks[0]] if len(masks) == 1 else sum([over[mask] for mask in masks])
                won |= ready.bit
                wanted = self._wants(ready, of)
                if not wanted:
                    continue
                step = self._step(ready, of, wanted)
                self.trace.append({**step, "rest": True} if again else step)
                allowed = self._give(ready, wanted)
                if allowed != wanted:
                    ended |= ready.bit
                    uncovered = 1 - Fraction(allowed) / wanted
                    rest.update((mask, over[mask] * uncovered) for mask in masks)
            over, again = {mask: of for mask, of in rest.items() if mask & ~ended}, True
        if beaten := candidates & ~won:
            self.trace += [{"what": "beaten", **ready.said} for ready in self.rules.of(beaten)]

    def _rounded(self) -> Decision:
        """The one rounding, down; what caps leave; and why, where nothing is left of it."""
        limits, trace = self.limits, self.trace
        total = sum(limits.given.values())
        points = total // self.unit
        shares = limits.shares(points)
        if self.rules.limited:
            trace += limits.leaves(shares)
        if len(trace) > 1 or total != points * self.unit:
            trace.append({"what": "total", "exact": steps.exact(total, self.unit), "points": points})
        because = None if points else self._because(total)
        if because is not None:
            trace.append({"what": "nothing", "because": because})
        versions = tuple([ready.name for ready in shares])
        by_code = tuple([(ready.code, share) for ready, share in shares.items() if share])
        return Decision(points, tuple(trace), versions, because, by_code)

    def _because(self, total: Number) -> str:
        if not self.rules:
            return "no_rule"
        if total:
            return "below_one_point"
        if not self.net:
            return "paid_otherwise" if self.bill.paid_otherwise_minor else "no_spending"
        return self.stopped or ("earns_nothing" if self.limits.given else "not_met")


class _Layer:
    """Base or green rules: which may be for each line, and which are, with what they give for it."""

    __slots__ = ("masks", "picks")

    def __init__(self) -> None:
        self.masks: dict[int, int] = {}
        self.picks: dict[Ready, list[tuple[int, Number]]] = {}


def _union(masks: Iterable[int]) -> int:
    found = 0
    for mask in masks:
        found |= mask
    return found
