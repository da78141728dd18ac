"""All verbs at random, beside the model of `model`: after each step the entries, postings, lots, answers and reads must be equal.

Single commands and batches of several, a calendar that moves on — also within a batch —, keys sent again as they were and with
other figures, entries and holds of the wrong kind, owner or state. `JIFEN_DEEP=1` runs it for long.
"""

from __future__ import annotations

import asyncio
import datetime as dt
import os
import threading
from collections import Counter
from collections.abc import Coroutine
from dataclasses import replace
from typing import Any, TypeVar

from hypothesis import HealthCheck, settings
from hypothesis import strategies as st
from hypothesis.stateful import RuleBasedStateMachine, invariant, rule, run_state_machine_as_test
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
PEOPLE, BATCH = 4, 6
UNDONE_KINDS = ("accrue", "open_balance", "adjust", "transfer", "exchange", "expire", "burn")

people = st.integers(0, PEOPLE - 1)
members = st.integers(0, PEOPLE - 2)
issuers = st.sampled_from([5, 6])
currencies = st.sampled_from([builders.COMMON, builders.COMMON, builders.RAIL])
points = st.integers(1, 40)
lives = st.one_of(st.none(), st.integers(0, 30))
graces = st.integers(0, 12)
more = st.booleans()
nth = st.integers(0, 200)


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
        self.lots: dict[int, int] = {}
        """Lot id → the model's number."""
        self.compared = 0
        self.last_id = self.world.run(self._newest())

    # Steps.

    @rule(days=st.integers(1, 25))
    def time_passes(self, days: int) -> None:
        self.today += dt.timedelta(days=days)

    @rule(
        who=members,
        issuer=issuers,
        currency=currencies,
        size=st.integers(-1, 60),
        wait=st.integers(-2, 12),
        life=lives,
        may_move=st.booleans(),
        brought=st.booleans(),
        more=more,
    )
    def accrue(
        self,
        who: int,
        issuer: int,
        currency: int,
        size: int,
        wait: int,
        life: int | None,
        may_move: bool,
        brought: bool,
        more: bool,
    ) -> None:
        since = self.today + dt.timedelta(days=wait)
        until = None if life is None else since + dt.timedelta(days=life)
        kind = c.OpenBalance if brought else c.Accrue
        about = {"issuer_id": issuer, "available_on": since, "expires_on": until, "transferable": may_move}
        self.ask(kind, who, currency, more, points=size, **about)

    @rule(who=people, currency=currencies, kind=st.sampled_from([c.Release, c.Expire]), more=more)
    def calendar(self, who: int, currency: int, kind: type[c.Command], more: bool) -> None:
        self.ask(kind, who, currency, more)

    @rule(who=people, currency=currencies, size=st.integers(-1, 40), more=more)
    def hold(self, who: int, currency: int, size: int, more: bool) -> None:
        self.ask(c.Hold, who, currency, more, points=size)

    @rule(who=people, currency=currencies, size=st.integers(-1, 40), at=st.sampled_from([8, 9]), more=more)
    def burn(self, who: int, currency: int, size: int, at: int, more: bool) -> None:
        self.ask(c.Burn, who, currency, more, points=size, merchant_id=at)

    @rule(n=nth, wild=nth, grace=graces, burned=st.booleans(), more=more)
    def end_a_hold(self, n: int, wild: int, grace: int, burned: bool, more: bool) -> None:
        if (past := self.pick(n, wild, "hold")) is not None:
            about = {"merchant_id": 9} if burned else {"grace_days": grace}
            self.ask_about(c.Burn if burned else c.Void, past, wild, more, hold_id=past.engine_id, **about)

    @rule(who=people, to=people, currency=currencies, size=st.integers(0, 40), more=more)
    def transfer(self, who: int, to: int, currency: int, size: int, more: bool) -> None:
        self.ask(c.Transfer, who, currency, more, points=size, to=self.owners[to])

    @rule(who=people, currency=currencies, other=currencies, size=st.integers(0, 40), life=lives, more=more)
    def exchange(self, who: int, currency: int, other: int, size: int, life: int | None, more: bool) -> None:
        until = None if life is None else self.today + dt.timedelta(days=life - 1)
        values = {"value": builders.VALUES[currency], "to_value": builders.VALUES[other]}
        self.ask(c.Exchange, who, currency, more, points=size, to_currency=other, expires_on=until, **values)

    @rule(who=members, issuer=issuers, currency=currencies, size=st.integers(-30, 30), life=lives, more=more)
    def adjust(self, who: int, issuer: int, currency: int, size: int, life: int | None, more: bool) -> None:
        until = None if life is None else self.today + dt.timedelta(days=life - 1)
        self.ask(c.Adjust, who, currency, more, issuer_id=issuer, points=size, expires_on=until, reason="recount")

    @rule(n=nth, wild=nth, size=st.integers(0, 60), more=more)
    def claw_back(self, n: int, wild: int, size: int, more: bool) -> None:
        if (past := self.pick(n, wild, "accrue", "open_balance")) is not None:
            issuer = 7 if wild % 13 == 2 else past.issuer or 5
            self.ask_about(c.ClawBack, past, wild, more, entry_id=past.engine_id, issuer_id=issuer, points=size)

    @rule(n=nth, wild=nth, size=st.one_of(st.none(), st.integers(0, 40)), grace=graces, more=more)
    def reinstate(self, n: int, wild: int, size: int | None, grace: int, more: bool) -> None:
        if (past := self.pick(n, wild, "burn")) is not None:
            self.ask_about(c.Reinstate, past, wild, more, entry_id=past.engine_id, points=size, grace_days=grace)

    @rule(n=nth, wild=nth, life=lives, grace=graces, more=more)
    def reverse(self, n: int, wild: int, life: int | None, grace: int, more: bool) -> None:
        if (past := self.pick(n, wild, *UNDONE_KINDS[:-1])) is not None:
            until = None if life is None else self.today + dt.timedelta(days=life - 1)
            about = {"grace_days": grace, "expires_on": until}
            self.ask_about(c.Reverse, past, wild, more, entry_id=past.engine_id, **about)

    @rule(n=nth, other=st.sampled_from(["", "", "points", "facts"]), more=more)
    def say_again(self, n: int, other: str, more: bool) -> None:
        if not self.said:
            return
        command: Any = replace(self.said[n % len(self.said)], at=builders.moment(self.today))
        if other == "points" and isinstance(getattr(command, "points", None), int):
            command = replace(command, points=command.points + 1)
        if other == "facts":
            command = replace(command, facts={"till": 1})
        self._queue(command, more)

    # How a step becomes a command.

    def ask(self, kind: Any, who: int, currency: int, more: bool, **about: Any) -> None:
        self._queue(self._command(kind, self.owners[who], currency, about), more)

    def ask_about(self, kind: Any, past: Done, wild: int, more: bool, **about: Any) -> None:
        """A command about an entry: by its owner, or now and then by somebody else or in another currency."""
        owner = self.owners[wild % PEOPLE] if wild % 11 == 1 else past.owner
        currency = builders.RAIL if wild % 17 == 1 else past.currency
        self._queue(self._command(kind, owner, currency, about), more)

    def pick(self, n: int, wild: int, *kinds: str) -> Done | None:
        """An entry of these kinds, the newest first; now and then any entry."""
        known = [e for e in self.book.entries if e.engine_id and (e.kind in kinds or wild % 19 == 1)]
        return known[-1 - n % len(known)] if known else None

    def _command(self, kind: Any, owner: c.Owner, currency: int, about: dict[str, Any]) -> c.Command:
        usual = builders.common(key=builders.fresh_key("model"), owner=owner, currency=currency, at=builders.moment(self.today))
        made: c.Command = kind(**(usual | about))
        return made

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
        touched = {(o, m[2]) for e in self.book.entries[self.compared :] for m in e.moves for o in [m[0]] if o in self.owners}
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

    def _compare_outcome(self, command: c.Command, outcome: c.Receipt | Refusal, answer: Done | Refusal, again: bool) -> None:
        if isinstance(answer, Refusal):
            assert isinstance(outcome, Refusal), f"{command}: should be refused, {answer}"
            assert (outcome.code, outcome.facts) == (answer.code, answer.facts), f"{command}"
            return
        assert isinstance(outcome, c.Receipt), f"{command}: should not be refused, {outcome}"
        assert outcome.repeated == again
        assert (outcome.entry_id, outcome.kind, outcome.points) == (answer.engine_id, answer.kind, answer.points)
        assert outcome == self.receipts.setdefault(command.key, outcome)
        legs = Counter((leg.owner, leg.purpose, leg.currency, self.lots[leg.lot_id], leg.points) for leg in outcome.legs)
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
            assert (lot.expires_on or NEVER, lot.transferable, lot.graced) == (about.good_until, about.may_move, about.late)
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
                (c.Owner(p.owner_kind, p.owner_id), p.purpose, p.currency_id, self.lots[p.lot_id], p.points) for p in mine
            )
            assert moved == Counter(done.moves), f"{done}"
        if entries:
            self.last_id = entries[-1].id

    async def _compare_reads(self, touched: list[tuple[c.Owner, int]]) -> None:
        tx, book = self.world.tx, self.book
        async with tx.begin():
            known = await statements.currencies(tx)
            for owner, currency in touched:
                available, pending = book.as_of(owner, currency, self.today)
                holdings = await statements.wallet(tx, owner, today=self.today, known=known)
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
                lines = await statements.history(tx, owner, limit=10_000, currency_id=currency)
                mine = [e for e in book.entries if owner in (e.owner, e.counter) and e.currency == currency]
                assert [(line.entry_id, line.kind, line.points) for line in lines] == [
                    (e.engine_id, e.kind, e.change(owner, currency)) for e in reversed(mine)
                ]

    @invariant()
    def nothing_waits_for_ever(self) -> None:
        assert len(self.waiting) < BATCH

    def teardown(self) -> None:
        self._flush()

        async def prove() -> None:
            async with self.world.tx.begin():
                found = await audit(self.world.tx)
                assert found.holds, "\n".join(map(str, found.violations))

        self.world.run(prove())


def test_engine_and_model_never_differ(database: Database) -> None:
    deep = bool(os.environ.get("JIFEN_DEEP"))
    world = World(database.url)
    machine = type("Machine", (Beside,), {"world": world})
    try:
        run_state_machine_as_test(
            machine,
            settings=settings(
                max_examples=2000 if deep else 60,
                stateful_step_count=80 if deep else 50,
                deadline=None,
                database=None,
                print_blob=True,
                suppress_health_check=list(HealthCheck),
            ),
        )
        assert world.steps > world.examples
    finally:
        world.close()
