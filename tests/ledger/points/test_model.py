"""All verbs at random, beside the model of `model`: after each step the entries, postings, lots, answers and reads must be equal.

Single commands and batches of several, a calendar that moves on — also within a batch —, keys sent again as they were and with
other figures, entries and holds of the wrong kind, owner or state. `JIFEN_DEEP=1` runs it for long.
"""

from __future__ import annotations

import asyncio
import datetime as dt
import os
import random
import threading
from collections import Counter
from collections.abc import Coroutine, Iterator, Sequence
from dataclasses import replace
from typing import Any, TypeVar

import pytest
from hypothesis import HealthCheck, settings
from hypothesis import strategies as st
from hypothesis.stateful import (
    RuleBasedStateMachine,
    initialize,
    precondition,
    rule,
    run_state_machine_as_test,
)
from sqlalchemy import text
from sqlalchemy.ext.asyncio import AsyncConnection, create_async_engine

from ledger.errors import Refusal
from ledger.points import commands as c
from ledger.points import statements
from ledger.points.audit import audit
from ledger.points.engine import apply
from tests.conftest import Database
from tests.ledger.points import builders
from tests.ledger.points.model import NEVER, Book, Done

T = TypeVar("T")
DEEP = bool(os.environ.get("JIFEN_DEEP"))
PEOPLE, BATCH = 4, 6
REVERSIBLE = ("accrue", "open_balance", "adjust", "transfer", "exchange", "expire")


# What each argument of a step is drawn from. Shares are per cent of what is there; above a hundred is refused.
PEOPLE_ALL, PEOPLE_MEMBERS = range(PEOPLE), range(PEOPLE - 1)
SHARES = (100, 50, 30, 10, 70, 45, 3, 101, 0)
LIVES = (5, 1, 12, 3, 30, None, 0)
NTH = range(200)
ARGUMENTS: dict[str, dict[str, Sequence[Any]]] = {
    "time_passes": {"days": (1, 4, 6, 2, 13)},
    "earn": {
        "kind": (c.Accrue, c.Accrue, c.OpenBalance),
        "who": PEOPLE_MEMBERS,
        "issuer": (5, 6),
        "currency": (builders.COMMON, builders.COMMON, builders.RAIL),
        "size": (40, 25, 60, 7, 1, 0, -1),
        "wait": (0, 0, 3, 1, 8, -3),
        "life": LIVES,
        "may_move": (True, False),
    },
    "calendar": {"n": NTH, "kind": (c.Release, c.Expire)},
    "hold": {"n": NTH, "share": SHARES, "movable": (False, False, True)},
    "burn": {"n": NTH, "share": SHARES, "at": (8, 9)},
    "end_a_hold": {"n": NTH, "wild": NTH, "grace": (7, 3, 15, 0), "burned": (False, True)},
    "give": {"n": NTH, "wild": NTH, "to": PEOPLE_MEMBERS},
    "transfer": {"n": NTH, "share": (*SHARES, None), "to": PEOPLE_ALL},
    "hand_over": {"n": NTH, "to": PEOPLE_MEMBERS, "wild": NTH},
    "exchange": {"n": NTH, "share": SHARES, "into": (0, 0, 0, builders.COMMON, builders.WORTHLESS), "life": LIVES},
    "adjust": {"n": NTH, "share": SHARES, "issuer": (5, 6), "life": LIVES, "down": (False, True)},
    "claw_back": {"n": NTH, "wild": NTH, "share": SHARES, "pooled": (False, True)},
    "hand_back": {"n": NTH, "wild": NTH, "owing": (0, 5, 1000)},
    "follow": {"n": NTH, "m": NTH, "share": SHARES},
    "reinstate": {"n": NTH, "wild": NTH, "share": (None, *SHARES), "grace": (7, 3, 15, 0)},
    "reverse": {"n": NTH, "wild": NTH, "life": LIVES, "grace": (7, 3, 15, 0), "kind": REVERSIBLE},
    "restore": {"n": NTH, "wild": NTH, "life": (3, 9, 1, 0), "issuer": (None, None, 5, 6), "day": (False, True)},
    "say_again": {"n": NTH, "other": ("", "", "points", "facts")},
}
ENDOWMENT: tuple[Sequence[Any], ...] = (PEOPLE_MEMBERS, (5, 6), (10, 60, 35), (0, 0, 3), (3, 9, 20, None))
# Steps about an entry of these kinds.
ABOUT = {
    "end_a_hold": ("hold",),
    "give": ("hold",),
    "claw_back": ("accrue", "open_balance"),
    "follow": ("hand_over",),
    "hand_back": ("hand_over",),
    "reinstate": ("burn",),
    "reverse": REVERSIBLE,
    "restore": ("expire",),
}
STRIDES = (*ARGUMENTS, "earn", "earn", "earn", "hold", "burn", "transfer")
"""The steps of a long walk: mostly those that give the others something to be about."""


def step(method: Any) -> Any:
    """A rule of the machine whose arguments are drawn from `ARGUMENTS`; `more` keeps the command for a batch."""
    name = method.__name__
    drawn = {argument: st.sampled_from(values) for argument, values in ARGUMENTS[name].items()}
    if name != "time_passes":
        drawn["more"] = st.booleans()
    made = rule(**drawn)(method)
    return precondition(lambda self: self.may(name))(made)


class World:
    """One database connection on a loop in a thread of its own, since Hypothesis is not asynchronous."""

    def __init__(self, url: str) -> None:
        self._loop = asyncio.new_event_loop()
        self._thread = threading.Thread(target=self._loop.run_forever, daemon=True)
        self._thread.start()
        self._engine = create_async_engine(url)
        self.tx: AsyncConnection = self.run(self._open())
        self.examples = 0
        self.steps = 0

    async def _open(self) -> AsyncConnection:
        await builders.make_currencies(self._engine)
        return await self._engine.connect()

    def run(self, work: Coroutine[Any, Any, T]) -> T:
        return asyncio.run_coroutine_threadsafe(work, self._loop).result(60)

    def close(self) -> None:
        self.run(self._close())
        self._loop.call_soon_threadsafe(self._loop.stop)
        self._thread.join(10)
        self._loop.close()

    async def _close(self) -> None:
        await self.tx.close()
        await self._engine.dispose()


class Beside(RuleBasedStateMachine):
    """The engine and the model side by side. Each example has owners of its own in one database."""

    world: World

    def __init__(self) -> None:
        super().__init__()
        self.world.examples += 1
        base = self.world.examples * 100
        self.owners = [c.Owner("member", base + n) for n in range(PEOPLE - 1)] + [c.Owner("pool", base)]
        self.book = Book()
        self.today = builders.DAY
        self.waiting: list[c.Command] = []
        self.said: list[c.Command] = []
        self.receipts: dict[str, c.Receipt] = {}
        self.lots = self.book.numbers
        """Lot id → the model's number."""
        self.compared = 0
        self.last_id = self.world.run(self._newest())

    # Steps.

    @initialize(lots=st.lists(st.tuples(*(st.sampled_from(values) for values in ENDOWMENT)), min_size=2, max_size=5))
    def begin(self, lots: list[tuple[Any, ...]]) -> None:
        for who, issuer, size, wait, life in lots:
            self.earn(c.Accrue, who, issuer, builders.COMMON, size, wait, life, True, True)
        self._flush()

    @step
    def time_passes(self, days: int) -> None:
        self.today += dt.timedelta(days=days)

    @step
    def earn(
        self,
        kind: type[c.Accrue],
        who: int,
        issuer: int,
        currency: int,
        size: int,
        wait: int,
        life: int | None,
        may_move: bool,
        more: bool,
    ) -> None:
        since = self.today + dt.timedelta(days=wait)
        until = None if life is None else max(since, self.today) + dt.timedelta(days=life - 1)
        about = {"issuer_id": issuer, "available_on": since, "expires_on": until, "transferable": may_move}
        self._ask(kind, self.owners[who], currency, more, points=size, **about)

    @step
    def calendar(self, n: int, kind: type[c.Command], more: bool) -> None:
        self._ask(kind, *self._purse(n)[:2], more)

    @step
    def hold(self, n: int, share: int, movable: bool, more: bool) -> None:
        owner, currency, size = self._purse(n, share)
        if owner.kind == "pool":
            movable = False  # nobody gives a pool's away
        self._ask(c.Hold, owner, currency, more, points=size, movable=movable)

    @step
    def burn(self, n: int, share: int, at: int, more: bool) -> None:
        owner, currency, size = self._purse(n, share)
        self._ask(c.Burn, owner, currency, more, points=size, merchant_id=at)

    @step
    def end_a_hold(self, n: int, wild: int, grace: int, burned: bool, more: bool) -> None:
        open_ones = [past for past in self._known("hold") if not past.ended]
        past = self._pick(n, wild, open_ones if wild % 5 else self._known("hold"))
        about = {"merchant_id": 9} if burned else {"grace_days": grace}
        self._ask_about(c.Burn if burned else c.Void, past, wild, more, hold_id=past.engine_id, **about)

    @step
    def give(self, n: int, wild: int, to: int, more: bool) -> None:
        open_ones = [past for past in self._known("hold") if not past.ended and past.owner.kind == "member"]
        past = self._pick(n, wild, open_ones if open_ones and wild % 5 else self._known("hold"))
        if past.owner.kind == "member":
            self._ask_about(c.Give, past, wild, more, hold_id=past.engine_id, to=self.owners[to])

    @step
    def transfer(self, n: int, share: int | None, to: int, more: bool) -> None:
        owner, currency, size = self._purse(n, share or 0)
        self._ask(c.Transfer, owner, currency, more, points=None if share is None else size, to=self.owners[to])

    @step
    def hand_over(self, n: int, to: int, wild: int, more: bool) -> None:
        owner, currency, _ = self._purse(n)
        if owner.kind != "member":
            owner = self.owners[n % (PEOPLE - 1)]
        debts = {
            self.book.lots[lot].issuer: past.engine_id
            for past in self._known("claw_back", "hand_over")
            for lot, _ in past.parts("deficit", -1)
            if ((past.kind == "hand_over" and past.counter) or past.owner, past.currency) == (owner, currency)
        }
        if wild % 13 == 1:
            debts = {5: self._pick(n, wild, self._known("claw_back")).engine_id}
        self._ask(c.HandOver, owner, currency, more, to=self.owners[to], debts=debts)

    @step
    def hand_back(self, n: int, wild: int, owing: int, more: bool) -> None:
        """What a hand-over made, as far as it is there still, goes back where it came from; its debt too."""
        over = self._pick(n, 0, self._known("hand_over"))
        made = [id_ for id_, number in self.lots.items() if number in over.born]
        owed = {self.book.lots[lot].issuer: points for lot, points in over.parts("deficit", -1)}
        about = {
            "lots": tuple(made[wild % 3 == 1 :]),
            "debts": {issuer: over.engine_id for issuer in owed},
            "owing": owed if wild % 2 else dict.fromkeys(owed, owing),
        }
        if over.counter:
            self._ask(c.HandOver, over.counter, over.currency, more, to=over.owner, **about)

    @step
    def follow(self, n: int, m: int, share: int, more: bool) -> None:
        """A claw-back of what was earned by somebody who handed over everything since, from whom they handed it to."""
        over = self._pick(n, 0, self._known("hand_over"))
        earned = [
            past
            for past in self._known("accrue", "open_balance")
            if (past.owner, past.currency) == (over.owner, over.currency)
        ]
        if earned and over.counter:
            past = self._pick(m, 0, earned)
            size = (past.points - past.taken_back) * share // 100
            about = {"entry_id": past.engine_id, "issuer_id": past.issuer, "points": size, "of": past.owner}
            self._ask(c.ClawBack, over.counter, past.currency, more, **about)

    @step
    def exchange(self, n: int, share: int, into: int, life: int | None, more: bool) -> None:
        owner, currency, size = self._purse(n, share)
        other = into or (builders.RAIL if currency == builders.COMMON else builders.COMMON)
        until = None if life is None else self.today + dt.timedelta(days=life - 1)
        values = {"value": builders.VALUES[currency], "to_value": builders.VALUES[other]}
        self._ask(c.Exchange, owner, currency, more, points=size, to_currency=other, expires_on=until, **values)

    @step
    def adjust(self, n: int, share: int, issuer: int, life: int | None, down: bool, more: bool) -> None:
        owner, currency, size = self._purse(n, share)
        until = None if life is None else self.today + dt.timedelta(days=life - 1)
        about = {"issuer_id": issuer, "expires_on": until, "reason": "recount"}
        if owner.kind == "member":
            self._ask(c.Adjust, owner, currency, more, points=-size if down else size, **about)

    @step
    def claw_back(self, n: int, wild: int, share: int, pooled: bool, more: bool) -> None:
        past = self._pick(n, wild, self._known("accrue", "open_balance"))
        issuer = 7 if wild % 13 == 2 else past.issuer or 5
        size = (past.points - past.taken_back) * share // 100
        about = {"entry_id": past.engine_id, "issuer_id": issuer, "points": size}
        self._ask_about(c.ClawBack, past, wild, more, **about, pool=self.owners[-1] if pooled else None)

    @step
    def reinstate(self, n: int, wild: int, share: int | None, grace: int, more: bool) -> None:
        past = self._pick(n, wild, self._known("burn"))
        size = None if share is None else (past.points - past.taken_back) * share // 100
        self._ask_about(c.Reinstate, past, wild, more, entry_id=past.engine_id, points=size, grace_days=grace)

    @step
    def reverse(self, n: int, wild: int, life: int | None, grace: int, kind: str, more: bool) -> None:
        past = self._pick(n, wild, self._known(kind) or self._known(*REVERSIBLE))
        until = None if life is None else self.today + dt.timedelta(days=life - 1)
        about = {"grace_days": grace, "expires_on": until}
        self._ask_about(c.Reverse, past, wild, more, entry_id=past.engine_id, **about)

    @step
    def restore(self, n: int, wild: int, life: int, issuer: int | None, day: bool, more: bool) -> None:
        """Mostly of the owner's; where they handed everything over since, now and then by whom they handed it to."""
        past = self._pick(n, wild, self._known("expire"))
        ends = [self.book.lots[lot].good_until for lot, _ in past.parts("expired")]
        about = {
            "entry_id": past.engine_id,
            "expires_on": self.today + dt.timedelta(days=life - 1),
            "issuer_id": issuer,
            "last_day": ends[n % len(ends)] if day and ends else None,
        }
        over = [each for each in self._known("hand_over") if (each.owner, each.currency) == (past.owner, past.currency)]
        if over and wild % 3 and over[-1].counter:
            self._ask(c.Restore, over[-1].counter, past.currency, more, of=past.owner, **about)
        else:
            self._ask_about(c.Restore, past, wild, more, **about)

    @step
    def say_again(self, n: int, other: str, more: bool) -> None:
        command: Any = replace(self.said[n % len(self.said)], at=builders.moment(self.today))
        if other == "points" and isinstance(getattr(command, "points", None), int):
            command = replace(command, points=command.points + 1)
        if other == "facts":
            command = replace(command, facts={"till": 1})
        self._queue(command, more)

    # How a step becomes a command.

    def may(self, name: str) -> bool:
        """Whether there is something for this step to be about."""
        return bool(self._known(*ABOUT[name])) if name in ABOUT else name != "say_again" or bool(self.said)

    def _purse(self, n: int, share: int = 0) -> tuple[c.Owner, int, int]:
        """Somebody's account of a currency, mostly one with points in it, and a share of those in per cent."""
        purses = [(owner, currency) for owner in self.owners for currency in (builders.COMMON, builders.RAIL)]
        full = {purse: self.book.as_of(*purse, self.today)[0].total() for purse in purses}
        rich = [purse for purse in purses if full[purse]]
        purse = (rich or purses)[n % len(rich or purses)] if n % 10 else purses[n % len(purses)]
        return *purse, full[purse] * share // 100

    def _ask(self, kind: Any, owner: c.Owner, currency: int, more: bool, **about: Any) -> None:
        usual = builders.common(
            key=builders.fresh_key("model"), owner=owner, currency=currency, at=builders.moment(self.today)
        )
        self._queue(kind(**(usual | about)), more)

    def _ask_about(self, kind: Any, past: Done, wild: int, more: bool, **about: Any) -> None:
        """A command about an entry: by its owner, or now and then by somebody else or in another currency."""
        owner = self.owners[wild % PEOPLE] if wild % 11 == 1 else past.owner
        currency = builders.RAIL if wild % 17 == 1 else past.currency
        self._ask(kind, owner, currency, more, **about)

    def _known(self, *kinds: str) -> list[Done]:
        """The entries of these kinds that are written."""
        return [past for past in self.book.entries if past.engine_id and past.kind in kinds]

    def _pick(self, n: int, wild: int, among: list[Done]) -> Done:
        """One of them, the newest first; now and then any entry at all."""
        if wild % 19 == 1 or not among:
            among = [past for past in self.book.entries if past.engine_id]
        return among[-1 - n % len(among)]

    def _queue(self, command: c.Command, more: bool) -> None:
        self.waiting.append(command)
        self.said.append(command)
        if not more or len(self.waiting) == BATCH:
            self._flush()

    # The comparison.

    def _flush(self) -> None:
        if not self.waiting:
            return
        batch, self.waiting = self.waiting, []
        self.world.steps += len(batch)
        expected = [self.book.do(command) for command in batch]
        outcomes = self.world.run(self._apply(batch))
        self.world.run(self._compare_entries())
        touched = {
            (o, m[2]) for e in self.book.entries[self.compared :] for m in e.moves for o in [m[0]] if o in self.owners
        }
        self.compared = len(self.book.entries)
        for command, outcome, (answer, again, _) in zip(batch, outcomes, expected, strict=True):
            self._compare_outcome(command, outcome, answer, again)
        self.world.run(self._compare_reads(sorted(touched)))

    async def _newest(self) -> int:
        async with self.world.tx.begin():
            return int((await self.world.tx.execute(text("SELECT coalesce(max(id), 0) FROM entry"))).scalar_one())

    async def _apply(self, batch: list[c.Command]) -> list[c.Receipt | Refusal]:
        async with self.world.tx.begin():
            return await apply(self.world.tx, batch)

    def _compare_outcome(
        self, command: c.Command, outcome: c.Receipt | Refusal, answer: Done | Refusal, again: bool
    ) -> None:
        if isinstance(answer, Refusal):
            assert isinstance(outcome, Refusal), f"{command}: should be refused, {answer}"
            assert (outcome.code, outcome.facts) == (answer.code, answer.facts), f"{command}"
            return
        assert isinstance(outcome, c.Receipt), f"{command}: should not be refused, {outcome}"
        assert outcome.repeated == again
        assert (outcome.entry_id, outcome.kind, outcome.points) == (answer.engine_id, answer.kind, answer.points)
        assert outcome == self.receipts.setdefault(command.key, outcome)
        legs = Counter(
            (leg.owner, leg.purpose, leg.currency, self.lots[leg.lot_id], leg.points) for leg in outcome.legs
        )
        assert legs == Counter(answer.moves)

    async def _compare_entries(self) -> None:
        new = self.book.entries[self.compared :]
        tx = self.world.tx
        async with tx.begin():
            entries = (
                await tx.execute(
                    text(
                        "SELECT id, kind, owner_kind, owner_id, currency_id, points, counter_kind, counter_id, posted_on"
                        " FROM entry WHERE id > :last ORDER BY id"
                    ),
                    {"last": self.last_id},
                )
            ).all()
            lots = (
                await tx.execute(
                    text(
                        "SELECT entry_id, id, owner_kind, owner_id, issuer_id, currency_id, available_on, expires_on,"
                        " transferable, graced, grace_of, points FROM lot WHERE entry_id > :last ORDER BY id"
                    ),
                    {"last": self.last_id},
                )
            ).all()
            postings = (
                await tx.execute(
                    text(
                        "SELECT p.entry_id, a.owner_kind, a.owner_id, a.purpose, a.currency_id, p.lot_id, p.points, p.issuer_id"
                        " FROM posting p JOIN account a ON a.id = p.account_id WHERE p.entry_id > :last"
                    ),
                    {"last": self.last_id},
                )
            ).all()
        written = [(e.kind, (e.owner_kind, e.owner_id), e.currency_id, e.points, e.posted_on) for e in entries]
        assert written == [(e.kind, e.owner, e.currency, e.points, e.day) for e in new]
        born = {number: done for done in new for number in done.born}
        assert len(lots) == len(born)
        for lot, (number, done) in zip(lots, born.items(), strict=True):
            self.lots[lot.id] = number
            about = self.book.lots[number]
            assert (lot.owner_kind, lot.owner_id, lot.issuer_id) == (*about.owner, about.issuer)
            assert (lot.currency_id, lot.available_on) == (about.currency, about.good_from)
            assert (lot.expires_on or NEVER, lot.transferable, lot.graced) == (
                about.good_until,
                about.may_move,
                about.late,
            )
            assert self.lots.get(lot.grace_of) == about.root
            # Born in the same entry, as the same one of several.
            assert new.index(done) == [e.id for e in entries].index(lot.entry_id)
        for entry, done in zip(entries, new, strict=True):
            done.engine_id = entry.id
            counter = c.Owner(entry.counter_kind, entry.counter_id) if entry.counter_kind else None
            assert counter == done.counter
            mine = [p for p in postings if p.entry_id == entry.id]
            assert all(self.book.lots[self.lots[p.lot_id]].issuer == p.issuer_id for p in mine)
            moved = Counter(
                (c.Owner(p.owner_kind, p.owner_id), p.purpose, p.currency_id, self.lots[p.lot_id], p.points)
                for p in mine
            )
            assert moved == Counter(done.moves), f"{done}"
        if entries:
            self.last_id = entries[-1].id

    async def _compare_reads(self, touched: list[tuple[c.Owner, int]]) -> None:
        tx, book = self.world.tx, self.book
        async with tx.begin():
            for owner, currency in touched:
                available, pending = book.as_of(owner, currency, self.today)
                holdings = await statements.wallet(tx, owner, today=self.today)
                shown = next(h for h in holdings if h.currency.id == currency)
                owed = {i: n for (o, of, i), n in book.owed.items() if (o, of) == (owner, currency) and n}
                assert (shown.available, shown.pending) == (available.total(), pending.total())
                assert (shown.held, shown.deficits) == (book.total(owner, "held", currency), owed)
                ends, starts = Counter[dt.date](), Counter[dt.date]()
                by_issuer = Counter[tuple[dt.date, int]]()
                for lot, size in available.items():
                    about = book.lots[lot]
                    by_issuer[about.good_until, about.issuer] += size
                    if about.good_until != NEVER:
                        ends[about.good_until] += size
                for lot, size in pending.items():
                    starts[book.lots[lot].good_from] += size
                assert shown.next_expiry == (min(ends.items()) if ends else None)
                assert shown.next_release == (min(starts.items()) if starts else None)
                dues = [d for d in await statements.schedule(tx, owner, today=self.today) if d.currency_id == currency]
                assert [((d.expires_on or NEVER, d.issuer_id), d.points) for d in dues] == sorted(by_issuer.items())
                await self._compare_foretold(owner, currency, available)
                lines = await statements.history(tx, owner, limit=10_000, currency_id=currency)
                mine = [e for e in book.entries if owner in (e.owner, e.counter) and e.currency == currency]
                assert [(line.entry_id, line.kind, line.points) for line in lines] == [
                    (e.engine_id, e.kind, e.change(owner, currency)) for e in reversed(mine)
                ]

    async def _compare_foretold(self, owner: c.Owner, currency: int, available: Counter[int]) -> None:
        """What a burn of some of it would take, lot by lot; and that one of more would be refused."""
        half = (available.total() + 1) // 2
        parts = await statements.would_burn(self.world.tx, owner, currency, half, today=self.today)
        expected: list[tuple[int, int]] = []
        if owner.kind == "pool":
            return  # nobody is told beforehand whose part is how large
        for lot in sorted(available, key=lambda number: self.book.lots[number].turn):
            if left := half - sum(points for _, points in expected):
                expected.append((lot, min(left, available[lot])))
        assert [(self.lots[part.lot_id], part.points) for part in parts] == expected
        with pytest.raises(c.NotEnoughPoints):
            await statements.would_burn(self.world.tx, owner, currency, available.total() + 1, today=self.today)

    def teardown(self) -> None:
        self._flush()

        async def prove() -> None:
            async with self.world.tx.begin():
                found = await audit(self.world.tx)
                assert found.holds, "\n".join(map(str, found.violations))

        self.world.run(prove())


@pytest.fixture
def world(database: Database) -> Iterator[World]:
    """A connection to a fresh database."""
    made = World(database.url)
    yield made
    made.close()


@pytest.mark.slow
def test_engine_and_model_never_differ(world: World) -> None:
    run_state_machine_as_test(
        type("Machine", (Beside,), {"world": world}),
        settings=settings(
            max_examples=1000 if DEEP else 60,
            stateful_step_count=80 if DEEP else 40,
            deadline=None,
            database=None,
            print_blob=True,
            suppress_health_check=list(HealthCheck),
        ),
    )
    assert world.steps > world.examples


@pytest.mark.parametrize("seed", range(500 if DEEP else 12))
def test_long_walks_never_differ(world: World, seed: int) -> None:
    """Hypothesis prefers short and simple programs and can shrink them; these are long and evenly mixed."""
    chance = random.Random(seed)
    machine = type("Machine", (Beside,), {"world": world})()
    machine.begin([tuple(map(chance.choice, ENDOWMENT)) for _ in range(5)])
    for _ in range(200):
        name = chance.choice([name for name in STRIDES if machine.may(name)])
        about = {argument: chance.choice(values) for argument, values in ARGUMENTS[name].items()}
        if name != "time_passes":
            about["more"] = chance.random() < 0.5
        getattr(machine, name)(**about)
    machine.teardown()
