"""What is to become of each purchase of a batch: decided in order, within the issuers' cover."""

from __future__ import annotations

import datetime as dt
from collections import Counter
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field

from sqlalchemy.ext.asyncio import AsyncConnection

from ledger.earning.purchases import AmountMustBePositive, Purchase
from ledger.earning.rules.decision import Decision
from ledger.earning.rules.facts import Facts
from ledger.earning.situation import Intended, Situation
from ledger.earning.usage import Counted
from ledger.errors import Refusal
from ledger.merchants import cover
from ledger.merchants.cover import Asked, Slices, Taken
from ledger.merchants.merchant import MerchantMayNotIssue
from ledger.points.commands import Moment
from ledger.values import value


@dataclass(eq=False)
class NoSuchMember(Refusal):
    """Nobody is known by this number."""

    member_id: int


@value(frozen=True, slots=True)
class Decided:
    """A purchase that is to be booked: its decision, what it was decided by, and where it counts."""

    one: Intended
    decision: Decision
    facts: Facts
    counts: list[Counted]


Step = Decided | Purchase | Refusal | int
"""What is to become of a purchase: booked now, booked before, refused, or the same as an earlier one of this batch."""


def refused(now: Situation, one: Intended, today: dt.date) -> Refusal | None:
    """Why a purchase can't be booked today whatever it would earn."""
    if (status := now.status(one.merchant, today)) != "certified":
        return MerchantMayNotIssue(one.merchant.id, one.merchant.name_zh, one.merchant.name_en, status)
    if one.bill.gross_minor <= 0:
        return AmountMustBePositive(one.bill.gross_minor)
    return None if one.member_id in now.buyers else NoSuchMember(one.member_id)


@dataclass(slots=True)
class Deciding:
    """A batch on its way: `known` are its documents that are booked already, `headroom` what cover was taken for it."""

    batch: Sequence[Intended]
    known: Mapping[tuple[int, str], Purchase]
    slices: Slices | None
    at: Moment
    headroom: list[Taken] = field(default_factory=list)

    async def within_cover(self, tx: AsyncConnection, now: Situation) -> list[Step]:
        """Decide, and take cover for all of it at once; where that falls short, decide again one after the other.

        A purchase that is refused uses up no cap and is nobody's first, so that a later one may earn more than it first seemed.
        """
        steps: list[Step] = []
        first: dict[tuple[int, str], int] = {}
        for place, one in enumerate(self.batch):
            step = self._decide(now, one, first)
            if isinstance(step, Decided):
                now.happened(one, step.counts)
                first[one.key] = place
            steps.append(step)
        earning = [step for step in steps if isinstance(step, Decided) and step.decision.points]
        asked = [Asked(step.one.merchant.id, step.decision.points) for step in earning]
        covered = await self._covered(tx, asked)
        if all(covered):
            return steps
        spare = Counter[int]()
        for each, is_covered in zip(asked, covered, strict=True):
            spare[each.merchant_id] += each.points if is_covered else 0
        return await self._one_by_one(tx, now.from_the_start(), spare)

    async def _one_by_one(self, tx: AsyncConnection, now: Situation, spare: Counter[int]) -> list[Step]:
        """Decide with cover for `spare` points of each merchant in hand, and what more can be had. What is left in hand in the
        end stays reserved until cover is next counted."""
        steps: list[Step] = []
        first: dict[tuple[int, str], int] = {}
        for place, one in enumerate(self.batch):
            step = self._decide(now, one, first)
            if isinstance(step, Decided):
                lacking = step.decision.points - spare[one.merchant.id]
                if lacking > 0 and (await self._covered(tx, [Asked(one.merchant.id, lacking)]))[0]:
                    spare[one.merchant.id] += lacking
                if step.decision.points > spare[one.merchant.id]:
                    step = cover.exhausted(one.merchant)
                else:
                    spare[one.merchant.id] -= step.decision.points
                    now.happened(one, step.counts)
                    first[one.key] = place
            steps.append(step)
        return steps

    def _decide(self, now: Situation, one: Intended, first: Mapping[tuple[int, str], int]) -> Step:
        """What is to become of one, after those before it; `first` is where a document came first in this batch."""
        key = one.key
        if key in self.known:
            return self.known[key]
        if key in first:
            return first[key]
        return refused(now, one, self.at.today) or Decided(one, *now.decide(one))

    async def _covered(self, tx: AsyncConnection, asked: Sequence[Asked]) -> Sequence[bool]:
        if not asked:
            return ()
        taken = await cover.admit(tx, asked, self.slices, self.at)
        self.headroom.append(taken)
        return taken.covered

    def undo(self) -> None:
        """Nothing is issued after all: the transaction will be rolled back."""
        for taken in self.headroom:
            taken.undo()
