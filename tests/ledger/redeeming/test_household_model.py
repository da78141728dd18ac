"""Random families over random days, beside a model without a database: who is where, who waits, and what each household may have.

The model is written from the rules and not from the code: sets and days, every question answered by looking at everything that was.
"""

from __future__ import annotations

import datetime as dt
from collections.abc import Awaitable, Callable
from dataclasses import dataclass, field
from typing import Any

from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from sqlalchemy import text
from sqlalchemy.ext.asyncio import AsyncConnection

from ledger.errors import Refusal
from ledger.members import families, leaving
from ledger.members.member import Member
from ledger.programme import Families
from ledger.redeeming import shelf
from ledger.redeeming.browse import browse
from ledger.redeeming.offers import Limits
from tests.ledger.members.homes import VAULT, invited
from tests.ledger.redeeming.stage import TODAY, Stage, at, offer, per_unit

PEOPLE, MOST, EVER, A_DAY, AGAIN = 5, 3, 2, 1, 2


@dataclass
class Stay:
    """Somebody's time in a family: from the day it counts until the day it ended, by the model's days."""

    family: int
    who: int
    since: int
    until: int | None = None


@dataclass
class Model:
    """What the rules say."""

    delay: int
    day: int = 0
    stays: list[Stay] = field(default_factory=list)
    heads: dict[int, int] = field(default_factory=dict)
    barred: dict[int, int] = field(default_factory=dict)
    had: list[tuple[int, int]] = field(default_factory=list)

    def stay(self, who: int) -> Stay | None:
        return next((each for each in self.stays if each.who == who and each.until is None), None)

    def current(self, family: int) -> list[Stay]:
        return [each for each in self.stays if each.family == family and each.until is None]

    def household(self, who: int) -> set[int]:
        mine = self.stay(who)
        if mine is None or mine.since > self.day:
            return {who}
        return {each.who for each in self.current(mine.family) if each.since <= self.day}

    def may_have(self, who: int) -> bool:
        home = self.household(who)
        days = [day for each, day in self.had if each in home]
        return len(days) < EVER and days.count(self.day) < A_DAY

    def free(self, who: int) -> str:
        if self.stay(who) is not None:
            return "FamilyAlready"
        return "RejoinTooSoon" if self.barred.get(who, 0) > self.day else "done"

    def end(self, leaving_now: list[Stay], *, waits: bool = True) -> None:
        for each in leaving_now:
            others = (one for one in self.stays if one.family == each.family and one.who != each.who)
            together = any(one.since <= (self.day if one.until is None else one.until) for one in others)
            if waits and each.since <= self.day and together:
                self.barred[each.who] = self.day + AGAIN
        for each in leaving_now:
            each.until = self.day

    def found(self, who: int, _: int) -> str:
        if (no := self.free(who)) != "done":
            return no
        self.heads[len(self.heads)] = who
        self.stays.append(Stay(len(self.heads) - 1, who, self.day))
        return "done"

    def join(self, head: int, who: int) -> str:
        mine = self.stay(head)
        if mine is None:
            return "NotInFamily"
        if self.heads[mine.family] != head:
            return "NotFamilyHead"
        if len(self.current(mine.family)) >= MOST:
            return "FamilyFull"
        if (no := self.free(who)) == "done":
            self.stays.append(Stay(mine.family, who, self.day + self.delay))
        return no

    def leave(self, who: int, _: int) -> str:
        mine = self.stay(who)
        if mine is None:
            return "NotInFamily"
        if self.heads[mine.family] == who:
            return "HeadStays"
        self.end([mine])
        return "done"

    def _of_head(self, head: int, who: int) -> tuple[str, Stay | None]:
        mine, theirs = self.stay(head), self.stay(who)
        if mine is None:
            return "NotInFamily", None
        if self.heads[mine.family] != head:
            return "NotFamilyHead", None
        if theirs is None or theirs.family != mine.family:
            return "NotInFamily", None
        return ("HeadStays", None) if who == head else ("done", theirs)

    def remove(self, head: int, who: int) -> str:
        said, theirs = self._of_head(head, who)
        if theirs is not None:
            self.end([theirs])
        return said

    def hand(self, head: int, who: int) -> str:
        said, theirs = self._of_head(head, who)
        if theirs is None:
            return said
        if theirs.since > self.day:
            return "NotInFamilyYet"
        self.heads[theirs.family] = who
        return "done"

    def dissolve(self, head: int, _: int) -> str:
        said, _mine = self._of_head(head, head)
        if said != "HeadStays":
            return said
        self.end(self.current((self.stay(head) or self.stays[0]).family))
        return "done"

    def gone(self, who: int, _: int) -> str:
        mine = self.stay(who)
        if mine is None:
            return "done"
        self.end([mine], waits=False)
        if self.heads[mine.family] == who:
            inside = [each for each in self.current(mine.family) if each.since <= self.day]
            if inside:
                self.heads[mine.family] = min(inside, key=lambda each: (each.since, self.stays.index(each))).who
            else:
                self.end(self.current(mine.family))
        return "done"

    def redeem(self, who: int, _: int) -> str:
        if not self.may_have(who):
            return "HouseholdHadAll"
        self.had.append((who, self.day))
        return "done"

    def undo(self, who: int, _: int) -> str:
        mine = [n for n, (each, _day) in enumerate(self.had) if each == who]
        if mine:
            del self.had[mine[-1]]
        return "done"


class Beside:
    """The same acts on the ledger."""

    def __init__(self, stage: Stage, people: list[Member], box: int, rules: Families) -> None:
        self.stage, self.people, self.box, self.rules, self.day = stage, people, box, rules, 0

    async def act(self, name: str, who: int, whom: int) -> str:
        try:
            async with self.stage.engine.begin() as tx:
                run: Callable[[AsyncConnection, int, int], Awaitable[Any]] = getattr(self, name)
                await run(tx, self.people[who].id, self.people[whom].id)
        except Refusal as no:
            return type(no).__name__
        return "done"

    async def _mine(self, tx: AsyncConnection, who: int, whom: int) -> tuple[int, int]:
        """The family of one, and the place of the other in it; 0: none."""
        family = await families.of(tx, who)
        if family is None:
            return 0, 0
        return family.id, next((each.id for each in family.places if each.member_id == whom), 0)

    async def found(self, tx: AsyncConnection, who: int, whom: int) -> None:
        await families.found(tx, who, at=at(days=self.day))

    async def join(self, tx: AsyncConnection, who: int, whom: int) -> None:
        token = await invited(tx, who, at=at(days=self.day), rules=self.rules)
        await families.accept(tx, VAULT, self.rules, token, whom, at=at(days=self.day))

    async def leave(self, tx: AsyncConnection, who: int, whom: int) -> None:
        family, _ = await self._mine(tx, who, who)
        await leaving.leave(tx, self.rules, family, who, at=at(days=self.day))

    async def remove(self, tx: AsyncConnection, who: int, whom: int) -> None:
        family, place = await self._mine(tx, who, whom)
        await leaving.remove(tx, self.rules, family, who, place, at=at(days=self.day))

    async def hand(self, tx: AsyncConnection, who: int, whom: int) -> None:
        family, place = await self._mine(tx, who, whom)
        await leaving.hand_over(tx, family, who, place, at=at(days=self.day))

    async def dissolve(self, tx: AsyncConnection, who: int, whom: int) -> None:
        family, _ = await self._mine(tx, who, who)
        await leaving.dissolve(tx, self.rules, family, who, at=at(days=self.day))

    async def gone(self, tx: AsyncConnection, who: int, whom: int) -> None:
        await tx.execute(text("UPDATE member SET status = 'closed' WHERE id = :id"), {"id": who})
        await leaving.departed(tx, self.rules, at=at(days=self.day), limit=9)
        await tx.execute(
            text("UPDATE member SET status = 'active' WHERE id = :id"), {"id": who}
        )  # comes back as somebody new

    async def redeem(self, tx: AsyncConnection, who: int, whom: int) -> None:
        me = next(each for each in self.people if each.id == who)
        await self.stage.redeem_in(tx, me, self.box, when=at(days=self.day))

    async def undo(self, tx: AsyncConnection, who: int, whom: int) -> None:
        await tx.execute(
            text(
                "UPDATE redemption SET state = 'taken_back' WHERE id ="
                " (SELECT max(id) FROM redemption WHERE member_id = :id AND offer_id = :offer AND state = 'issued')"
            ),
            {"id": who, "offer": self.box},
        )

    async def state(self) -> list[tuple[int | None, list[int], bool, bool]]:
        """Of each person: the head of their family, who has a place in it, and whether they may have it, listed and judged."""
        today, found = TODAY + dt.timedelta(days=self.day), []
        number = {each.id: n for n, each in enumerate(self.people)}
        async with self.stage.engine.begin() as tx:
            for who in self.people:
                family = await families.of(tx, who.id)
                held = await shelf.purse(tx, who, today=today)
                listed = (await browse(tx, who, today=today, held=held)).found
                judged = (await shelf.judged(tx, who, self.box, today=today)).verdict
                found.append((
                    None if family is None else number[family.head_id],
                    [] if family is None else [number[each.member_id] for each in family.places],
                    next(each.may for each in listed if each.listed.id == self.box),
                    not hasattr(judged, "reasons"),
                ))  # fmt: skip
        return found


OFTEN = ("join", "join", "redeem", "redeem", "days")
ACTS = st.tuples(
    st.sampled_from(["found", "join", "redeem", "leave", "remove", "hand", "dissolve", "gone", "undo", *OFTEN]),
    st.integers(0, PEOPLE - 1),
    st.integers(0, PEOPLE - 1),
)


@settings(max_examples=40, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(st.sampled_from([0, 1]), st.lists(ACTS, min_size=5, max_size=40))
async def test_families_and_their_households_are_what_the_rules_say(
    stage: Stage, delay: int, acts: list[tuple[str, int, int]]
) -> None:
    rules = Families(people_most=MOST, join_delay_days=delay, rejoin_days=AGAIN)
    people = [await stage.member((9000, "-")) for _ in range(PEOPLE)]
    code = f"model-{people[0].id}"
    limits = Limits(household_ever=EVER, household_day=A_DAY)
    [box] = await stage.publish(offer(code, "礼盒", "Box", "fruit", per_unit(1), limits=limits))
    model, real = Model(delay), Beside(stage, people, box, rules)
    acts = [("found", 0, 0), ("join", 0, 1), *acts]
    for name, who, whom in acts:
        if name == "days":
            model.day += 1
            real.day += 1
        else:
            said = await real.act(name, who, whom)
            assert said == getattr(model, name)(who, whom), (name, who, whom)
    stays = [model.stay(who) for who in range(PEOPLE)]
    expected = [
        (
            None if mine is None else model.heads[mine.family],
            [] if mine is None else [each.who for each in model.current(mine.family)],
            model.may_have(who),
            model.may_have(who),
        )
        for who, mine in enumerate(stays)
    ]
    assert await real.state() == expected
