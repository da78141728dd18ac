"""What was committed is said: at once by the process that committed it, and by whoever comes next if that one died.

A row is `waiting` until it was sent. Its lease tells until when somebody is at it; only the oldest waiting row of a chat may be
sent, so a chat's order holds whoever sends. A turn's own messages come here leased to this process (`send_soon`) unless their
chat has a backlog, which then goes first (`hurry`). Marks are written in batches behind the sending. What a crash left is
found by `sweep` when its lease has run out.

Policies: replies and operational notices are said at least once; a promotional one is marked `unknown` before it leaves, so that
it is never said twice. `not_after` drops what would come too late.
"""

from __future__ import annotations

import asyncio
import contextlib
import datetime as dt
import json
import time
from collections import deque
from dataclasses import dataclass
from importlib.resources import files
from typing import Any

import structlog
from sqlalchemy import text
from sqlalchemy.ext.asyncio import AsyncConnection, AsyncEngine

from bot.drawing import Drawn
from bot.telling import Teller
from bot.transport import Later, Moved, Refused, Uncertain, Unreachable

log = structlog.get_logger(__name__)

LEASE_SECONDS = 10.0
"""How long a sender may take; longer than a call's timeouts together. After a crash its messages wait that long."""
UPLOAD_LEASE_SECONDS = 45.0
SWEEP_SECONDS = 1.0
CLAIM_MAX = 40
MARK_SECONDS = 0.02
TRIES_MAX = 50


@dataclass(slots=True)
class Row:
    """One message on its way. `mine_until` is this process's own clock (monotonic) when its lease ends."""

    chat_id: int
    id: int
    policy: str
    drawn: Drawn
    mine_until: float
    key: str | None = None
    member_id: int | None = None
    not_after: dt.datetime | None = None
    tries: int = 0


@dataclass(frozen=True, slots=True)
class Mark:
    """What became of a row. `wait` > 0: it waits again, for so many seconds; `chat_id` where it moved."""

    row: Row
    state: str
    error: str | None = None
    wait: float = 0.0
    moved_to: int | None = None


_CLAIM = text((files("chat") / "sql" / "outbox_claim.sql").read_text(encoding="utf-8"))
_MARK = text((files("chat") / "sql" / "outbox_mark.sql").read_text(encoding="utf-8"))
_MOVED = text("UPDATE outbox SET chat_id = :new WHERE chat_id = :old AND state = 'waiting'")
_UNREACHABLE = text(
    "UPDATE member SET unreachable_since = now() WHERE id = ANY (:members) AND unreachable_since IS NULL"
)


class Outbox:
    """Sends rows through a `Teller` and remembers what this process is sending."""

    def __init__(self, engine: AsyncEngine, teller: Teller) -> None:
        self._engine = engine
        self._teller = teller
        self._queues: dict[int, deque[Row]] = {}
        self._mine: dict[int, list[int]] = {}
        self._senders: set[asyncio.Task[None]] = set()
        self._marks: list[Mark] = []
        self._marked = asyncio.Event()
        self._tasks: list[asyncio.Task[None]] = []
        self._cursor = 0
        self._stopping = False

    # -- for the turn

    def mine(self, chat_id: int) -> list[int]:
        """Waiting rows of this chat that this process is sending or has just sent: no backlog to it."""
        return self._mine.get(chat_id, [])

    def send_soon(self, rows: list[Row]) -> None:
        """Send rows leased to this process, each chat's in order, without waiting for it."""
        for row in rows:
            self._mine.setdefault(row.chat_id, []).append(row.id)
            queue = self._queues.get(row.chat_id)
            if queue is not None:
                queue.append(row)
                continue
            self._queues[row.chat_id] = deque([row])
            self._start(self._drain(row.chat_id))

    def hurry(self, chat_id: int) -> None:
        """Messages of this chat wait behind somebody else's: look after them now rather than at the next sweep."""
        self._start(self._follow_up(chat_id))

    async def clear(self, chat_id: int) -> bool:
        """Send what waits in this chat before something is said that isn't in the outbox. False: it can't be sent now."""
        if chat_id in self._queues:
            await self.idle(chat_id)
        for pause in (0.0, 0.05, 0.1, 0.2, 0.4):
            await asyncio.sleep(pause)
            await self._flush()
            while rows := await self._claim(chat_id=chat_id):
                await self._send_all(rows)
                await self._flush()
            if not await self._waits(chat_id):
                return True
        return False

    async def idle(self, chat_id: int) -> None:
        """Wait until this process sends nothing to this chat."""
        while chat_id in self._queues:
            await asyncio.sleep(0.005)

    # -- life

    def start(self) -> None:
        """Begin marking and sweeping."""
        self._tasks = [asyncio.create_task(self._mark_forever()), asyncio.create_task(self._sweep_forever())]

    async def stop(self, seconds: float) -> None:
        """Finish what is being sent (at most `seconds`), write the marks, stop."""
        self._stopping = True
        deadline = time.monotonic() + seconds
        while self._senders and (left := deadline - time.monotonic()) > 0:
            await asyncio.wait(set(self._senders), timeout=left)
        for task in [*self._tasks, *self._senders]:
            task.cancel()
        await asyncio.gather(*self._tasks, *self._senders, return_exceptions=True)
        with contextlib.suppress(Exception):
            await self._flush()

    # -- sending

    def _start(self, work: Any) -> None:
        task = asyncio.create_task(work)
        self._senders.add(task)
        task.add_done_callback(self._senders.discard)

    async def _drain(self, chat_id: int) -> None:
        """Send this chat's queue; after a row that has to wait, its followers go back to the table."""
        queue = self._queues[chat_id]
        try:
            while queue:
                if not await self._send(queue[0]):
                    for row in list(queue)[1:]:
                        self._mark(Mark(row, "waiting"))
                    return
                queue.popleft()
        finally:
            del self._queues[chat_id]

    async def _send(self, row: Row) -> bool:
        """Send one row and note its outcome. False: it still waits, and nothing of its chat may pass it."""
        if time.monotonic() > row.mine_until - LEASE_SECONDS / 2:
            self._mark(Mark(row, "waiting"))  # too near the lease's end to begin: somebody else may be about to
            return False
        if row.not_after is not None and dt.datetime.now(dt.UTC) > row.not_after:
            self._mark(Mark(row, "dropped", "too late"))
            return True
        try:
            await self._teller.say(row.chat_id, row.drawn, unsolicited=row.policy != "reply")
        except Later as wait:
            self._mark(Mark(row, "waiting", f"retry after {wait.seconds:g}", wait=wait.seconds))
            return False
        except Unreachable as no:
            self._mark(Mark(row, "failed", f"unreachable: {no}"))
        except Moved as to:
            self._mark(Mark(row, "waiting", "chat migrated", moved_to=to.chat_id))
            return False
        except Refused as no:
            log.error("telegram_refused", outbox_id=row.id, policy=row.policy, why=str(no))
            self._mark(Mark(row, "failed", str(no)))
        except Uncertain as doubt:
            if row.policy == "promotional":
                self._mark(Mark(row, "unknown", str(doubt)))
                return True
            if row.tries + 1 >= TRIES_MAX:
                self._mark(Mark(row, "failed", str(doubt)))
                return True
            self._mark(Mark(row, "waiting", str(doubt), wait=min(60.0, 0.5 * 2**row.tries)))
            return False
        except Exception as bug:
            log.exception("message_not_sayable", outbox_id=row.id)
            self._mark(Mark(row, "failed", repr(bug)))
        else:
            self._mark(Mark(row, "sent"))
        return True

    async def _send_all(self, rows: list[Row]) -> None:
        """Send claimed heads; different chats side by side."""
        for row in rows:
            self._mine.setdefault(row.chat_id, []).append(row.id)
        await asyncio.gather(*map(self._send, rows))

    async def _follow_up(self, chat_id: int) -> None:
        """Empty a chat's backlog as its head comes free; gives up to the sweep after some seconds."""
        pause = 0.01
        while pause < 2.0 and not self._stopping:
            if chat_id in self._queues:
                await self.idle(chat_id)
            await self._flush()
            rows = await self._claim(chat_id=chat_id)
            if rows:
                await self._send_all(rows)
                pause = 0.01
                continue
            if not await self._waits(chat_id):
                return
            await asyncio.sleep(pause)
            pause *= 2

    async def _waits(self, chat_id: int) -> bool:
        mine = self.mine(chat_id)
        async with self._engine.connect() as connection:
            found = await connection.scalar(
                text(
                    "SELECT EXISTS (SELECT FROM outbox WHERE chat_id = :chat AND state = 'waiting' AND id <> ALL (:mine))"
                ),
                {"chat": chat_id, "mine": mine},
            )
        return bool(found)

    # -- the table

    async def _claim(self, *, chat_id: int | None = None) -> list[Row]:
        """Lease the oldest waiting row of chats where nobody is at it: one chat's, or the next ones' after the cursor."""
        async with self._engine.begin() as tx:
            found = (
                await tx.execute(
                    _CLAIM,
                    {
                        "first": chat_id if chat_id is not None else self._cursor,
                        "only": chat_id is not None,
                        "limit": CLAIM_MAX,
                        "lease": LEASE_SECONDS,
                    },
                )
            ).all()
        until = time.monotonic() + LEASE_SECONDS
        rows = [
            Row(each.chat_id, each.id, each.policy, json.loads(each.params) if isinstance(each.params, str)
                else each.params, until, each.key, each.member_id, each.not_after, each.tries)
            for each in found
        ]  # fmt: skip
        if chat_id is None:
            self._cursor = max((row.chat_id for row in rows), default=-(2**62)) + 1 if rows else -(2**62)
        return rows

    async def _sweep_forever(self) -> None:
        """Every second: what nobody is at. Never a chat that this process has in its hands already."""
        self._cursor = -(2**62)
        while True:
            try:
                rows = await self._claim()
                if rows:
                    await self._send_all(rows)
                    await self._flush()
                    if len(rows) == CLAIM_MAX:
                        continue
            except asyncio.CancelledError:
                raise
            except Exception as error:
                log.warning("sweep_failed", error=type(error).__name__)
            await asyncio.sleep(SWEEP_SECONDS)

    def _mark(self, mark: Mark) -> None:
        self._marks.append(mark)
        self._marked.set()

    async def _mark_forever(self) -> None:
        while True:
            await self._marked.wait()
            await asyncio.sleep(MARK_SECONDS)
            try:
                await self._flush()
            except asyncio.CancelledError:
                raise
            except Exception as error:
                log.warning("marks_not_written", error=type(error).__name__, waiting=len(self._marks))
                await asyncio.sleep(0.5)

    async def _flush(self) -> None:
        """Write what became of the rows sent since the last time. Lost marks only mean that a message is said again."""
        self._marked.clear()
        if not self._marks:
            return
        marks, self._marks = self._marks, []
        try:
            async with self._engine.begin() as tx:
                await self._write(tx, marks)
        except BaseException:
            self._marks = marks + self._marks
            self._marked.set()
            raise
        for mark in marks:
            ids = self._mine.get(mark.row.chat_id)
            if ids is not None:
                with contextlib.suppress(ValueError):
                    ids.remove(mark.row.id)
                if not ids:
                    del self._mine[mark.row.chat_id]

    @staticmethod
    async def _write(tx: AsyncConnection, marks: list[Mark]) -> None:
        await tx.execute(
            _MARK,
            {
                "chats": [mark.row.chat_id for mark in marks],
                "ids": [mark.row.id for mark in marks],
                # A reply that was said is of no further use; notices stay, so that their key is not used again.
                "states": [
                    "gone" if mark.state == "sent" and mark.row.policy == "reply" and mark.row.key is None else mark.state
                    for mark in marks
                ],
                "errors": [mark.error for mark in marks],
                "waits": [mark.wait for mark in marks],
            },
        )
        away = [mark.row.member_id for mark in marks if mark.error and mark.error.startswith("unreachable")]
        if any(away):
            await tx.execute(_UNREACHABLE, {"members": [each for each in away if each is not None]})
        for mark in marks:
            if mark.moved_to is not None:
                await tx.execute(_MOVED, {"old": mark.row.chat_id, "new": mark.moved_to})
