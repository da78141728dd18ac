"""The methods there are, by lower-case name."""

from __future__ import annotations

from collections.abc import Awaitable, Callable
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

from bot.double.parameters import TABLE, Parameter

if TYPE_CHECKING:
    from bot.double.requests import Call
    from bot.double.world import World

Method = Callable[["World", "Call"], Awaitable[Any]]


@dataclass(frozen=True, slots=True)
class Entry:
    """One method: official name, what it takes, what it does."""

    name: str
    takes: dict[str, Parameter]
    run: Method


@dataclass(frozen=True, slots=True)
class Described:
    """A result whose envelope also carries a `description`."""

    result: Any
    description: str


METHODS: dict[str, Entry] = {}


def method(name: str) -> Callable[[Method], Method]:
    """Registers the decorated coroutine as `name`; its result becomes the envelope's `result` (bytes: JSON already)."""

    def register(function: Method) -> Method:
        METHODS[name.lower()] = Entry(name, TABLE[name], function)
        return function

    return register
