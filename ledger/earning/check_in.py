"""The code shown at a talk: it follows from the activity, the programme's key and the time, and is another one soon.

Whoever is there scans it or types it. A photograph of it is worth nothing as soon as two more have been shown.
"""

from __future__ import annotations

import datetime as dt
from collections.abc import Iterable
from dataclasses import dataclass

from ledger.earning.activities import Activity
from ledger.errors import Refusal
from ledger.members.vault import Vault

LINK = "a"
"""What the link of a code carries before it: «start=a_…»."""

LENGTH = 8
_ALPHABET = "0123456789ABCDEFGHJKMNPQRSTVWXYZ"
"""Crockford's: nothing that is read as something else."""


@dataclass(eq=False)
class CheckInCodeUnknown(Refusal):
    """No activity shows this code now; it may have been right a minute ago."""

    seconds: int


@dataclass(frozen=True, slots=True)
class Shown:
    """A code and the instant at which the next one takes its place."""

    code: str
    until: dt.datetime

    @property
    def spoken(self) -> str:
        """In two groups of four, as it is read out."""
        return f"{self.code[:4]} {self.code[4:]}"


def show(vault: Vault, activity_id: int, *, seconds: int, now: dt.datetime) -> Shown:
    """The code of an activity now."""
    period = int(now.timestamp()) // seconds
    return Shown(_code(vault, activity_id, period), dt.datetime.fromtimestamp((period + 1) * seconds, dt.UTC))


def find(vault: Vault, activities: Iterable[Activity], said: str, *, seconds: int, now: dt.datetime) -> Activity:
    """The activity that shows this code, or showed it last: typing takes a moment. `CheckInCodeUnknown` for none."""
    code, period = normal(said), int(now.timestamp()) // seconds
    for activity in activities:
        if code in (_code(vault, activity.id, period), _code(vault, activity.id, period - 1)):
            return activity
    raise CheckInCodeUnknown(2 * seconds)


def normal(said: str) -> str:
    """A code as it is compared: capitals, without spaces and dashes; letters that look like digits are digits."""
    plain = said.rpartition(f"{LINK}_")[2].upper()
    return "".join(c for c in plain if c.isalnum()).translate(str.maketrans("OIL", "011"))


def looks_like(said: str) -> bool:
    """Whether it was probably meant as a code: the right length, give or take one, of letters and digits, in two parts at most."""
    code = normal(said)
    return abs(len(code) - LENGTH) <= 1 and code.isascii() and len(said.split()) <= 2


def _code(vault: Vault, activity_id: int, period: int) -> str:
    number = int.from_bytes(vault.blind("check-in", f"{activity_id}:{period}")[:8])
    return "".join(_ALPHABET[number >> 5 * place & 31] for place in range(LENGTH))
