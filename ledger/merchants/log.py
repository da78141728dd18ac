"""What was done at a merchant, by whom: its outlets, people, papers and standing. Shown to its owner.

Awards, refunds and vouchers are not repeated here: each of them names who did it itself.
"""

from __future__ import annotations

import datetime as dt
import json
from dataclasses import dataclass
from typing import Any, Literal, get_args

from sqlalchemy import text
from sqlalchemy.ext.asyncio import AsyncConnection

What = Literal[
    "applied", "corrected", "withdrawn", "certified", "rejected", "suspended", "reinstated", "closed", "lapsed", "renewed",
    "certificate_entered", "certificate_confirmed", "file_added",
    "outlet_opened", "outlet_changed", "outlet_closed", "till_opened", "till_closed", "shift_opened", "shift_closed",
    "staff_invited", "staff_joined", "staff_removed", "day_exported", "cards_printed",
    "rule_proposed", "rule_withdrawn", "rule_approved", "rule_rejected", "rule_ended",
    "key_made", "key_rotated", "key_revoked", "webhook_set", "webhook_renewed", "webhook_dropped",
    "file_imported", "terms_changed", "declined_booked", "declined_dropped",
    "tier_sold", "tier_taken_back",
    "privilege_published", "privilege_paused", "privilege_resumed",
    "offer_published", "offer_changed", "offer_paused", "offer_resumed",
    "fulfilment_agreed", "fulfilment_declined", "fulfilment_left",
    "day_closed", "day_reopened",
]  # fmt: skip

WHATS: tuple[What, ...] = get_args(What)

_WRITE = text(
    "INSERT INTO merchant_log (merchant_id, at, who, what, facts) VALUES (:merchant, :at, :who, :what, CAST(:facts AS jsonb))"
)
_READ = text(
    "SELECT id, at, who, what, facts FROM merchant_log WHERE merchant_id = :merchant"
    " AND (CAST(:before AS bigint) IS NULL OR id < :before) ORDER BY id DESC LIMIT :limit"
)


@dataclass(frozen=True, slots=True)
class Logged:
    """One thing that was done. `who` as entries name an actor: «staff:3», «operator:5», «member:7», «job:certificates»."""

    id: int
    at: dt.datetime
    who: str
    what: str
    facts: dict[str, Any]


async def write(tx: AsyncConnection, merchant_id: int, what: What, *, who: str, at: dt.datetime, **facts: Any) -> None:
    """Note it down. `facts` are JSON, and what the words about it name."""
    values = {"merchant": merchant_id, "at": at, "who": who, "what": what}
    await tx.execute(_WRITE, {**values, "facts": json.dumps(facts, ensure_ascii=False, default=str)})


async def read(tx: AsyncConnection, merchant_id: int, *, before: int | None = None, limit: int = 10) -> list[Logged]:
    """The newest first; those before the line `before` where one is given."""
    rows = await tx.execute(_READ, {"merchant": merchant_id, "before": before, "limit": limit})
    return [Logged(*row) for row in rows]
