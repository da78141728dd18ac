"""What was committed is said: at once by the process that committed it, and by whoever comes next if that one died.

A row is `waiting` until it was sent. Its lease tells until when somebody is at it. Of a chat's waiting rows of one policy only
the oldest may be sent, so their order holds whoever sends; policies don't wait for each other, so that a person's reply never
stands behind a broadcast. A turn's own messages come here leased to this process (`send_soon`) unless their chat has a backlog,
which then goes first (`hurry`). Marks are written in batches behind the sending. What a crash left is found by the sweep when
its lease has run out.

Policies: replies and operational notices are said at least once; a promotional one is marked `unknown` before it leaves, so that
it is never said twice. `not_after` drops what would come too late.
"""

from __future__ import annotations

import asyncio
import contextlib
import datetime as dt
import time
from collections import OrderedDict, deque
from collections.abc import Callable, Coroutine
from dataclasses import dataclass
from importlib.resources import files
from typing import Any

import structlog
from sqlalchemy import text
from sqlalchemy.ext.asyncio import AsyncEngine

from bot import failures
from bot.drawing import Drawn
from bot.telling import Teller
from bot.transport import Later, Moved, Refused, Uncertain, Unreachable

log = structlog.get_logger(__name__)

LEASE_SECONDS = 10.0
"""How long a sender may take; about a call's timeouts together. After a crash, messages wait that long."""
UPLOAD_LEASE_SECONDS = 45.0
SWEEP_SECONDS = 1.0
CLAIM_MAX = 40
MARK_SECONDS = 0.02
TRIES_MAX = 50
REMEMBERED_MAX = 10_000
POLICIES = ("reply", "operational", "promotional")

Lane = tuple[int, str]
"""A chat and a policy: within it, order holds."""


@dataclass(slots=True)
class Row:
    """One message on its way. `mine_until`: when this process's lease ends, on its own monotonic clock."""

    chat_id: int
    id: int
    policy: str
    drawn: Drawn
    mine_until: float
    key: str | None = None
    member_id: int | None = None
    not_after: dt.datetime | None = None
    tries: int = 1

    @property
    def lane(self) -> Lane:
        """Its chat and policy."""
        return self.chat_id, self.policy


@dataclass(frozen=True, slots=True)
class Mark:
    """What became of a row. `wait` > 0: it waits again, for so many seconds; `moved_to` where its chat moved."""

    row: Row
    state: str
    error: str | None = None
    wait: float = 0.0
    moved_to: int | None = None
    unreachable: bool = False


_CLAIM = text((files("chat") / "sql" / "outbox_claim.sql").read_text(encoding="utf-8"))
_MARK = text((files("chat") / "sql" / "outbox_mark.sql").read_text(encoding="utf-8"))
_MOVED = text("UPDATE outbox SET chat_id = :new WHERE chat_id = :old AND state = 'waiting'")
_UNREACHABLE = text(
    "UPDATE member SET unreachable_since = now() WHERE id = ANY (:members) AND unreachable_since IS NULL"
)
_WAITS = text(
    "SELECT EXISTS (SELECT FROM outbox"
    " WHERE policy = :policy AND chat_id = :chat AND state = 'waiting' AND id <> ALL (CAST(:mine AS bigint[])))"
)


class Outbox:
    """Sends rows through a `Teller` and remembers what this process is sending. `now`: the wall's instant, as turns take it."""

    def __init__(self, engine: AsyncEngine, teller: Teller, now: Callable[[], dt.datetime]) -> None:
        self._engine = engine.execution_options(isolation_level="AUTOCOMMIT")  # each use is one statement
        self._teller = teller
        self._now = now
        self._queues: dict[Lane, deque[Row]] = {}
        self._mine: dict[Lane, list[int]] = {}
        self._handed_back: OrderedDict[int, None] = OrderedDict()
        self._senders: set[asyncio.Task[None]] = set()
        self._marks: list[Mark] = []
        self._marked = asyncio.Event()
        self._writing = asyncio.Lock()
        self._tasks: list[asyncio.Task[None]] = []
        self._stopping = False

    # -- for the turn

    def mine(self, chat_ids: set[int]) -> list[int]:
        """Waiting rows of these chats that this process is sending or has just sent: no backlog to it."""
        if not self._mine:
            return []
        return [each for chat in chat_ids for policy in POLICIES for each in self._mine.get((chat, policy), ())]

    def send_soon(self, rows: list[Row], mine: list[int]) -> None:
        """Send rows leased to this process, in order, without waiting for it.

        Args:
            mine: what `mine` answered when they were written. Where one of those had to be put back since, it goes first.
        """
        if any(each in self._handed_back for each in mine):
            for row in rows:
                self._hand_back(Mark(row, "waiting"))
            for lane in {row.lane for row in rows}:
                self.hurry(*lane)
            return
        for row in rows:
            self._enqueue(row)

    def hurry(self, chat_id: int, policy: str = "reply") -> None:
        """Messages of this chat wait behind somebody else's: look after them now rather than at the next sweep."""
        self._start(self._follow_up((chat_id, policy)))

    async def clear(self, chat_id: int) -> bool:
        """Send the replies that wait in this chat before something is said that isn't in the outbox.

        False: they can't be sent within a second or two.
        """
        lane = (chat_id, "reply")
        await self._follow_up(lane)
        return not await self._waits(lane)

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
        tasks = [*self._tasks, *self._senders]
        for task in tasks:
            task.cancel()
        await asyncio.gather(*tasks, return_exceptions=True)
        with contextlib.suppress(Exception):
            await self._flush()

    # -- sending

    def _start(self, work: Coroutine[Any, Any, None]) -> None:
        task = asyncio.create_task(work)
        self._senders.add(task)
        task.add_done_callback(self._senders.discard)

    def _enqueue(self, row: Row) -> None:
        ids = self._mine.setdefault(row.lane, [])
        if row.id in ids:
            return  # its lease ran out while it waits here; the queue itself gives it back
        ids.append(row.id)
        self._handed_back.pop(row.id, None)
        queue = self._queues.get(row.lane)
        if queue is None:
            self._queues[row.lane] = deque([row])
            self._start(self._drain(row.lane))
        else:
            queue.append(row)

    async def _drain(self, lane: Lane) -> None:
        """Send this lane's queue; behind a row that has to wait, the others go back to the table."""
        queue = self._queues[lane]
        try:
            while queue and await self._send(queue[0]):
                queue.popleft()
            for row in list(queue)[1:]:
                self._hand_back(Mark(row, "waiting"))
        finally:
            del self._queues[lane]

    async def _send(self, row: Row) -> bool:
        """Send one row and note its outcome. False: it waits again, and nothing of its lane may pass it."""
        if row.not_after is not None and self._now() > row.not_after:
            self._note(Mark(row, "dropped", "too late"))
            return True
        if time.monotonic() > row.mine_until - LEASE_SECONDS / 2:
            self._hand_back(Mark(row, "waiting"))  # too near the lease's end to begin: another may be about to
            return False
        try:
            await self._teller.say(row.chat_id, row.drawn, unsolicited=row.policy != "reply")
        except Later as wait:
            self._hand_back(Mark(row, "waiting", f"retry after {wait.seconds:g}", wait=wait.seconds))
            return False
        except Moved as to:
            self._hand_back(Mark(row, "waiting", "chat migrated", moved_to=to.chat_id))
            return False
        except Unreachable as no:
            self._note(Mark(row, "failed", str(no), unreachable=True))
        except Refused as no:
            log.error("telegram_refused", outbox_id=row.id, policy=row.policy, why=str(no))
            self._note(Mark(row, "failed", str(no)))
        except Uncertain as doubt:
            if row.policy == "promotional":
                self._note(Mark(row, "unknown", str(doubt)))
            elif row.tries >= TRIES_MAX:
                self._note(Mark(row, "failed", str(doubt)))
            else:
                wait_seconds = min(60.0, 0.5 * 2 ** (row.tries - 1))
                self._hand_back(Mark(row, "waiting", str(doubt), wait=wait_seconds))
                return False
        except Exception as bug:
            log.exception("message_not_sayable", outbox_id=row.id)
            self._note(Mark(row, "failed", repr(bug)))
        else:
            self._note(Mark(row, "sent"))
        return True

    async def _follow_up(self, lane: Lane) -> None:
        """Empty a lane's backlog as its head comes free; leaves it to the sweep after a second or two."""
        pause = 0.01
        while pause < 1.0:
            while lane in self._queues:
                await asyncio.sleep(0.005)
            await self._flush()
            rows = await self._claim(lane[1], lane[0], only=True)
            if rows:
                for row in rows:
                    self._enqueue(row)
                pause = 0.01
                continue
            if self._stopping or not await self._waits(lane):
                return
            await asyncio.sleep(pause)
            pause *= 2

    async def _waits(self, lane: Lane) -> bool:
        async with self._engine.connect() as connection:
            found = await connection.scalar(
                _WAITS, {"policy": lane[1], "chat": lane[0], "mine": self._mine.get(lane, [])}
            )
        return bool(found)

    # -- the table

    async def _claim(self, policy: str, first: int, *, only: bool = False) -> list[Row]:
        """Lease the oldest waiting row of chats where nobody is at it: of chat `first` only, or from `first` on."""
        asked = {"policy": policy, "first": first, "only": only, "limit": CLAIM_MAX, "lease": LEASE_SECONDS}
        until = time.monotonic() + LEASE_SECONDS
        async with self._engine.connect() as connection:
            found = (await connection.execute(_CLAIM, asked)).all()
        return [
            Row(
                chat_id=each.chat_id,
                id=each.id,
                policy=each.policy,
                drawn=each.params,
                mine_until=until,
                key=each.key,
                member_id=each.member_id,
                not_after=each.not_after,
                tries=each.tries,
            )
            for each in found
        ]

    async def _sweep_forever(self) -> None:
        """Every second: what nobody is at, replies before notices before broadcasts."""
        while True:
            for policy in POLICIES:
                try:
                    await self._sweep(policy)
                except Exception as error:
                    failures.log_round(log, "sweep_failed", error)
            await asyncio.sleep(SWEEP_SECONDS)

    async def _sweep(self, policy: str) -> None:
        first = -(2**62)
        while rows := await self._claim(policy, first):
            for row in rows:
                self._enqueue(row)
            lanes = {row.lane for row in rows}
            while any(lane in self._queues for lane in lanes):
                await asyncio.sleep(0.02)
            await self._flush()
            if len(rows) < CLAIM_MAX or policy == "promotional":
                return  # a broadcast is long: whatever matters more is looked at again between its portions
            first = max(row.chat_id for row in rows) + 1

    def _note(self, mark: Mark) -> None:
        self._marks.append(mark)
        self._marked.set()

    def _hand_back(self, mark: Mark) -> None:
        """The row waits again: from now on it is a backlog to this process too."""
        ids = self._mine.get(mark.row.lane)
        if ids is not None:
            with contextlib.suppress(ValueError):
                ids.remove(mark.row.id)
            if not ids:
                del self._mine[mark.row.lane]
        self._handed_back[mark.row.id] = None
        if len(self._handed_back) > REMEMBERED_MAX:
            self._handed_back.popitem(last=False)
        self._note(mark)

    async def _mark_forever(self) -> None:
        while True:
            await self._marked.wait()
            await asyncio.sleep(MARK_SECONDS)
            try:
                await self._flush()
            except Exception as error:
                failures.log_round(log, "marks_not_written", error, waiting=len(self._marks))
                await asyncio.sleep(0.5)

    async def _flush(self) -> None:
        """Write what became of rows. A mark that is lost only means that a message is said again."""
        async with self._writing:
            self._marked.clear()
            if not self._marks:
                return
            marks, self._marks = self._marks, []
            try:
                await self._write(marks)
            except BaseException:
                self._marks = marks + self._marks
                self._marked.set()
                raise
        for mark in marks:
            if mark.state == "waiting":
                continue
            ids = self._mine[mark.row.lane]
            ids.remove(mark.row.id)
            if not ids:
                del self._mine[mark.row.lane]

    async def _write(self, marks: list[Mark]) -> None:
        columns = {
            "chats": [mark.row.chat_id for mark in marks],
            "ids": [mark.row.id for mark in marks],
            # A reply that was said is of no further use; notices stay, so that their key is not used again.
            "states": ["gone" if mark.state == "sent" and mark.row.key is None else mark.state for mark in marks],
            "errors": [mark.error for mark in marks],
            "waits": [mark.wait for mark in marks],
        }
        async with self._engine.connect() as connection:
            await connection.execute(_MARK, columns)
            away = [mark.row.member_id for mark in marks if mark.unreachable and mark.row.member_id is not None]
            if away:
                await connection.execute(_UNREACHABLE, {"members": away})
            for mark in marks:
                if mark.moved_to is not None:
                    await connection.execute(_MOVED, {"old": mark.row.chat_id, "new": mark.moved_to})
