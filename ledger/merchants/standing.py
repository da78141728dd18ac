"""A merchant's standing (C1): what it may become from what it is, by what happens.

Only `certified` issues points. Suspended, it still serves whoever holds points; a suspension remembers what would lift it: a
renewed certificate, or the operator. What is closed stays closed.
"""

from __future__ import annotations

import datetime as dt
from dataclasses import dataclass
from typing import Literal, NamedTuple, get_args

from sqlalchemy import text
from sqlalchemy.ext.asyncio import AsyncConnection

from ledger.errors import Refusal
from ledger.merchants import log
from ledger.merchants.merchant import NoSuchMerchant

Event = Literal["certify", "reject", "withdraw", "suspend", "lapse", "renew", "reinstate", "close"]
EVENTS: tuple[Event, ...] = get_args(Event)


class Standing(NamedTuple):
    """A status, and what a suspension waits for."""

    status: str
    suspended_for: str | None = None


APPLIED, CERTIFIED, CLOSED = Standing("applied"), Standing("certified"), Standing("closed")
LAPSED, SUSPENDED = Standing("suspended", "certificate"), Standing("suspended", "operator")
STANDINGS = (APPLIED, CERTIFIED, LAPSED, SUSPENDED, CLOSED)

TRANSITIONS: dict[tuple[Standing, Event], Standing] = {
    (APPLIED, "certify"): CERTIFIED,
    (APPLIED, "reject"): CLOSED,
    (APPLIED, "withdraw"): CLOSED,
    (CERTIFIED, "suspend"): SUSPENDED,
    (CERTIFIED, "lapse"): LAPSED,
    (CERTIFIED, "close"): CLOSED,
    (LAPSED, "renew"): CERTIFIED,
    (LAPSED, "suspend"): SUSPENDED,  # from here on a renewal does not lift it
    (LAPSED, "close"): CLOSED,
    (SUSPENDED, "reinstate"): CERTIFIED,
    (SUSPENDED, "close"): CLOSED,
}
"""Whatever is not here is refused."""

_SAID: dict[Event, log.What] = {
    "certify": "certified",
    "reject": "rejected",
    "withdraw": "withdrawn",
    "suspend": "suspended",
    "lapse": "lapsed",
    "renew": "renewed",
    "reinstate": "reinstated",
    "close": "closed",
}


@dataclass(eq=False)
class NotFromThisStanding(Refusal):
    """What a merchant is does not allow it: `event` from `status`."""

    merchant_id: int
    name_zh: str
    name_en: str
    status: str
    event: Event


@dataclass(eq=False)
class ReasonMissing(Refusal):
    """A rejection, a suspension and a closing say why, in at most `longest` characters."""

    longest: int


REASON_LONGEST = 200

_LOCK = text("SELECT status, suspended_for, name_zh, name_en FROM merchant WHERE id = :id FOR UPDATE")
_MOVE = text("UPDATE merchant SET status = :status, suspended_for = :suspended_for WHERE id = :id")


async def move(
    tx: AsyncConnection, merchant_id: int, event: Event, *, by: str, now: dt.datetime, reason: str = "", **facts: object
) -> Standing:
    """Let it happen to a merchant; its standing afterwards. `facts` go into its log.

    Raises:
        NoSuchMerchant → NotFromThisStanding → ReasonMissing.
    """
    row = (await tx.execute(_LOCK, {"id": merchant_id})).first()
    if row is None:
        raise NoSuchMerchant(str(merchant_id))
    after = TRANSITIONS.get((Standing(row.status, row.suspended_for), event))
    if after is None:
        raise NotFromThisStanding(merchant_id, row.name_zh, row.name_en, row.status, event)
    if event in ("reject", "suspend", "close"):
        facts["reason"] = tidy_reason(reason)
    await tx.execute(_MOVE, {"id": merchant_id, **after._asdict()})
    await log.write(tx, merchant_id, _SAID[event], who=by, at=now, **facts)
    return after


def tidy_reason(reason: str) -> str:
    """A reason on one line. `ReasonMissing` where that leaves none or too much."""
    reason = " ".join(reason.split())
    if not 1 <= len(reason) <= REASON_LONGEST:
        raise ReasonMissing(REASON_LONGEST)
    return reason


async def of(tx: AsyncConnection, merchant_id: int) -> Standing:
    """What a merchant is now. `NoSuchMerchant`."""
    row = (
        await tx.execute(text("SELECT status, suspended_for FROM merchant WHERE id = :id"), {"id": merchant_id})
    ).first()
    if row is None:
        raise NoSuchMerchant(str(merchant_id))
    return Standing(*row)
