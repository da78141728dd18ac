"""What the playground needs from outside, besides the double."""

from __future__ import annotations

from datetime import date
from typing import Protocol


class ClockPort(Protocol):
    """The programme's business date, which the page may move forward."""

    async def today(self) -> date:
        """The programme's date now."""

    async def advance_to(self, day: date) -> None:
        """Moves the date to `day` (later than today) and returns when what falls due until then has run."""
