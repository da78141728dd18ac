"""What the work on a unit is given, and what it answers."""

from __future__ import annotations

import datetime as dt
from dataclasses import dataclass
from typing import Literal

from sqlalchemy.ext.asyncio import AsyncConnection

from ledger.errors import Refusal
from ledger.imports.files import ImportFile
from ledger.members.vault import Vault
from ledger.merchants.merchant import Merchant
from ledger.points.commands import Moment


@dataclass(frozen=True, slots=True)
class Happened:
    """What became of a unit: done now, done before, or refused. `result_id` is what it made or met."""

    how: Literal["done", "already"] | Refusal
    points: int | None = None
    result_id: int | None = None


@dataclass(frozen=True, slots=True)
class Working:
    """A file at work in its transaction: for whom, when. Whoever has it holds its merchant's lock (`accounts.taking_turns`)."""

    tx: AsyncConnection
    file: ImportFile
    merchant: Merchant
    at: Moment
    zone: dt.tzinfo
    vault: Vault
