"""What a scheduled duty is, and what one chunk of it may touch."""

from __future__ import annotations

import datetime as dt
from collections.abc import Awaitable, Callable
from dataclasses import dataclass, field
from typing import Any

from sqlalchemy.ext.asyncio import AsyncConnection

from chat.screen import Screen
from chat.turn import Policy, Tell
from ledger.points.commands import Moment
from ledger.programme import Programme

Progress = dict[str, Any]


@dataclass(frozen=True, slots=True)
class Slot:
    """One time at which a duty is due."""

    job: str
    due_at: dt.datetime

    @property
    def key(self) -> str:
        """Begins the keys of everything done for this slot."""
        return f"job:{self.job}:{self.due_at.astimezone(dt.UTC):%Y%m%dT%H%M%SZ}"


@dataclass(slots=True)
class Chunk:
    """One transaction of a duty. `progress` is what the chunk before returned, empty at first; `at` its moment."""

    tx: AsyncConnection
    key: str
    at: Moment
    programme: Programme
    progress: Progress = field(default_factory=dict)
    tells: list[Tell] = field(default_factory=list)

    def tell(
        self,
        member_id: int,
        screen: Screen,
        *,
        policy: Policy = "operational",
        key: str | None = None,
        not_after: dt.datetime | None = None,
    ) -> None:
        """Send a member a message once this chunk has committed."""
        self.tells.append(Tell(member_id, screen, policy, key, not_after))


Run = Callable[[Chunk, Slot], Awaitable[Progress | None]]
"""Does one chunk; returns where the next one begins, or None when nothing is left."""


@dataclass(frozen=True, slots=True)
class Duty:
    """A duty and when it is due: daily `at` a time of the programme's day, or `every` so often; both by the programme's clock."""

    name: str
    run: Run
    at: dt.time | None = None
    every: dt.timedelta | None = None

    def __post_init__(self) -> None:
        if (self.at is None) == (self.every is None):
            raise ValueError(f"{self.name}: either `at` or `every`")

    def last_due(self, at: Moment, zone: dt.tzinfo) -> dt.datetime:
        """The latest time on the programme's clock, up to `at`, at which this duty was due."""
        if self.every is not None:
            seconds = self.every.total_seconds()
            return dt.datetime.fromtimestamp(at.programme_now.timestamp() // seconds * seconds, dt.UTC)
        assert self.at is not None
        day = at.today if at.now.astimezone(zone).time() >= self.at else at.today - dt.timedelta(days=1)
        return dt.datetime.combine(day, self.at, zone)
