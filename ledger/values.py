"""Values: data that nobody changes once it is made, and how it is written as JSON."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

from pydantic_core import to_json

if TYPE_CHECKING:
    from dataclasses import dataclass as value
else:

    def value(*, frozen: bool, **how: Any) -> Any:
        """A dataclass that is frozen for whoever checks types. At run time it is a plain one, which is made in a fourth of the
        time: a purchase makes dozens of them."""
        return dataclass(unsafe_hash=frozen, **how)


__all__ = ["compact", "value"]


def compact(said: object) -> str:
    """As JSON without spaces; what JSON doesn't know is written as text."""
    return to_json(said, fallback=str).decode()
