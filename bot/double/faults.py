"""Failures on demand: what the network and Telegram's own servers do on a bad day."""

from __future__ import annotations

from dataclasses import dataclass
from enum import Enum


class Kind(Enum):
    """How a fault shows."""

    TIMEOUT = "timeout"
    DROP_REPLY = "drop_reply"
    STATUS = "status"
    FLOOD = "flood"
    RESET = "reset"
    SLOW = "slow"


@dataclass(frozen=True, slots=True)
class Fault:
    """One failure. Make it with the constructors below."""

    kind: Kind
    seconds: float = 0.0
    code: int = 0
    body: str | None = None

    @classmethod
    def timeout(cls, seconds: float) -> Fault:
        """Holds the request for `seconds` without doing anything, then cuts the connection."""
        return cls(Kind.TIMEOUT, seconds=seconds)

    @classmethod
    def drop_reply(cls) -> Fault:
        """Does what was asked, then cuts the connection instead of answering."""
        return cls(Kind.DROP_REPLY)

    @classmethod
    def status(cls, status: int, body: str | None = None) -> Fault:
        """Answers an HTTP status without doing anything; `body` replaces the JSON envelope by plain text."""
        return cls(Kind.STATUS, code=status, body=body)

    @classmethod
    def flood(cls, retry_after: int) -> Fault:
        """Answers 429 with `retry_after` seconds."""
        return cls(Kind.FLOOD, seconds=retry_after)

    @classmethod
    def reset(cls) -> Fault:
        """Cuts the connection at once, nothing done."""
        return cls(Kind.RESET)

    @classmethod
    def slow(cls, seconds: float) -> Fault:
        """Does what was asked and answers `seconds` late."""
        return cls(Kind.SLOW, seconds=seconds)


@dataclass(slots=True)
class Planned:
    """A fault waiting for its calls: passes over `after` matching ones, then strikes `times`."""

    method: str
    fault: Fault
    times: int
    chat: int | None
    after: int


class Faults:
    """The plan of failures; empty unless a test fills it."""

    def __init__(self) -> None:
        self._plan: list[Planned] = []

    def on(self, method: str, fault: Fault, *, times: int = 1, chat: int | None = None, after: int = 0) -> None:
        """Plans `fault` for the next `times` calls of `method` ("*" is any but getUpdates).

        Args:
            chat: only calls about this chat id.
            after: let this many matching calls pass first, so `after=4` strikes the fifth.
        """
        self._plan.append(Planned(method.lower(), fault, times, chat, after))

    @property
    def planned(self) -> tuple[Planned, ...]:
        """The faults still waiting, in the order they were set."""
        return tuple(self._plan)

    def clear(self) -> None:
        """Forgets every planned fault."""
        self._plan.clear()

    def strike(self, method: str, chat: int | None) -> Fault | None:
        """The fault this call meets, which is thereby used up; `method` in lower case."""
        if not self._plan:
            return None
        for planned in self._plan:
            if planned.method != method and (planned.method != "*" or method == "getupdates"):
                continue
            if planned.chat is not None and planned.chat != chat:
                continue
            if planned.after > 0:
                planned.after -= 1
                continue
            planned.times -= 1
            if planned.times <= 0:
                self._plan.remove(planned)
            return planned.fault
        return None
