"""A receipt at once for everything the API books (M13): noted in its transaction, worded and said right after the commit.

Wording takes reads of its own, which must not hold up a till: the booking only notes whom to tell of which entry. What a crash left
noted is told by the next process that looks. Only people are noted: an imported account has nobody to tell.
"""

from __future__ import annotations

import asyncio
from collections.abc import Callable, Iterable
from contextlib import suppress

import structlog
from sqlalchemy import text
from sqlalchemy.ext.asyncio import AsyncConnection, AsyncEngine

from bot import failures
from bot.addressees import say
from bot.clock import Clock
from chat import known, receipts, tiers
from chat.turn import Tell
from ledger.earning import qualifying
from ledger.errors import Refusal
from ledger.members.vault import Vault
from ledger.points.commands import Moment, Receipt, member
from ledger.points.reading import array, run
from ledger.programme import Programme

log = structlog.get_logger(__name__)

PAGE = 50
LOOK_SECONDS = 15
TOGETHER_SECONDS = 0.02
"""What is noted within so short a time is told together: looking after each commit would cost the tills' time."""

_NOTE = """
    INSERT INTO receipt_due (member_id, entry_id)
    SELECT d.member_id, d.entry_id FROM unnest($1::text::bigint[], $2::text::bigint[]) AS d(member_id, entry_id)
    WHERE EXISTS (SELECT FROM person p WHERE p.member_id = d.member_id) ON CONFLICT DO NOTHING
"""
_TAKE = text(
    "DELETE FROM receipt_due WHERE (member_id, entry_id) IN (SELECT member_id, entry_id FROM receipt_due"
    " ORDER BY entry_id LIMIT :limit FOR UPDATE SKIP LOCKED) RETURNING member_id, entry_id"
)
_PROGRAMME = text("SELECT document FROM programme WHERE one = 1")


async def note(tx: AsyncConnection, given: Iterable[Receipt | None]) -> None:
    """Note whom to tell, in the transaction of what they are told of. Repeated receipts tell nobody."""
    due = [each for each in given if each is not None and not each.repeated and each.owner.kind == "member"]
    if due:
        await run(tx, _NOTE, array(each.owner.id for each in due), array(each.entry_id for each in due))


class Receipts:
    """Tells what was noted. `hurry(chat_id, policy)` looks after a chat's messages now rather than at the next sweep."""

    def __init__(self, engine: AsyncEngine, vault: Vault, clock: Clock, hurry: Callable[[int, str], None]) -> None:
        self._engine = engine
        self._vault = vault
        self._clock = clock
        self._hurry = hurry
        self._news = asyncio.Event()

    def nudge(self) -> None:
        """Something was noted and committed."""
        self._news.set()

    async def run(self) -> None:
        """Tell until cancelled."""
        while True:
            self._news.clear()
            try:
                while await self.page():
                    pass
            except Exception as error:
                failures.log_round(log, "receipts_wait", error)
            with suppress(TimeoutError):
                async with asyncio.timeout(LOOK_SECONDS):
                    await self._news.wait()
                await asyncio.sleep(TOGETHER_SECONDS)

    async def page(self) -> bool:
        """Tell a page of what is noted; whether there was any."""
        async with self._engine.begin() as tx:
            due = sorted((row.entry_id, row.member_id) for row in await tx.execute(_TAKE, {"limit": PAGE}))
            if not due:
                return False
            at = await self._clock.moment(tx)
            names = await known.read(tx)
            tells = []
            for entry_id, member_id in due:
                try:
                    shown = await receipts.notice(tx, member(member_id), entry_id, today=at.today, names=names)
                except (LookupError, Refusal):
                    # It can be told no better the next time, and must not hold up the others.
                    log.exception("receipt_not_worded", entry=entry_id)
                    continue
                tells.append(Tell(member_id, shown, key=f"receipt:{entry_id}:{member_id}"))
            tells += await self._moved_up(tx, sorted({member_id for _, member_id in due}), at)
            messages = await say(tx, self._vault, tells, today=at.today, zone=self._clock.zone)
        for chat_id, policy in {(each["chat_id"], each["policy"]) for each in messages}:
            self._hurry(chat_id, policy)
        return True

    async def _moved_up(self, tx: AsyncConnection, members: list[int], at: Moment) -> list[Tell]:
        programme = Programme.model_validate(await tx.scalar(_PROGRAMME))
        if not programme.tiers:
            return []
        seen = await qualifying.look(tx, programme, members, at)
        return [Tell(c.member_id, tiers.changed(programme, c), key=tiers.key(c)) for c in seen.changes]
