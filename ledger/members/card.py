"""The member card: a code of eight digits that a cashier scans or types, good for some seconds and for one use.

What a screenshot shows is worthless a minute later. Digits because a cashier types them; the seconds, the single use and the
fact that only staff may ask make eight of them enough.
"""

from __future__ import annotations

import datetime as dt
import hashlib
from collections.abc import Mapping, Sequence
from dataclasses import dataclass

from sqlalchemy import text
from sqlalchemy.ext.asyncio import AsyncConnection

from ledger.errors import Refusal

DIGITS = 8
KEPT_HOURS = 24
"""How long a code that ended is remembered, so that it is refused as used or expired and not as unknown."""

_TRIES = 8


@dataclass(frozen=True, slots=True)
class Card:
    """A code and the instant from which it is worth nothing."""

    code: str
    expires_at: dt.datetime

    @property
    def spoken(self) -> str:
        """The code in two groups of four, as it is read out."""
        return f"{self.code[:4]} {self.code[4:]}"


@dataclass(eq=False)
class CardUnknown(Refusal):
    """No card has shown this code lately."""


@dataclass(eq=False)
class CardExpired(Refusal):
    """The code was good until `expired_at`."""

    expired_at: dt.datetime


@dataclass(eq=False)
class CardUsed(Refusal):
    """The code was used already, at `used_at`."""

    used_at: dt.datetime


def digits(seed: str, attempt: int = 0) -> str:
    """Eight digits that follow from an unguessable seed."""
    number = int.from_bytes(hashlib.sha256(f"{seed}:{attempt}".encode()).digest())
    return f"{number % 10**DIGITS:0{DIGITS}d}"


def link(code: str) -> str:
    """What the card's QR carries after «start=»: a phone's camera then opens the till with the code in it."""
    return f"c_{code}"


def typed(said: str) -> str | None:
    """The code in what a cashier typed or scanned, spaces and dashes aside; None where it isn't one."""
    code = said.rpartition(link(""))[2].strip().replace(" ", "").replace("-", "")
    return code if len(code) == DIGITS and code.isascii() and code.isdigit() else None


async def issue(tx: AsyncConnection, member_id: int, *, seed: str, seconds: int, now: dt.datetime) -> Card:
    """A fresh code. The member's last one stays good for what is left of its seconds: it may be at the till just now.

    Args:
        seed: unguessable text; the ledger has no chance of its own.
    """
    forget = text("DELETE FROM card_code WHERE member_id = :member AND expires_at < :long_ago")
    await tx.execute(forget, {"member": member_id, "long_ago": now - dt.timedelta(hours=KEPT_HOURS)})
    # A code that ended may be given out again to somebody else; one that is still good may not.
    take = text(
        "INSERT INTO card_code (code, member_id, expires_at) VALUES (:code, :member, :expires_at)"
        " ON CONFLICT (code) DO UPDATE SET member_id = excluded.member_id, expires_at = excluded.expires_at,"
        " used_at = NULL, used_by = NULL WHERE card_code.expires_at < :now RETURNING code"
    )
    expires_at = now + dt.timedelta(seconds=seconds)
    for attempt in range(_TRIES):
        code = digits(seed, attempt)
        values = {"code": code, "member": member_id, "expires_at": expires_at, "now": now}
        if await tx.scalar(take, values) is not None:
            return Card(code, expires_at)
    raise RuntimeError("no free card code: far more cards are open than there are members")


async def present(tx: AsyncConnection, code: str, *, staff_id: int, now: dt.datetime) -> int:
    """The member whose card this is; the code is used up by it. Of two tills at once, one gets the member.

    Raises:
        CardUnknown, CardUsed, CardExpired, in this order.
    """
    use = text(
        "UPDATE card_code SET used_at = :now, used_by = :staff"
        " WHERE code = :code AND used_at IS NULL AND expires_at > :now RETURNING member_id"
    )
    member_id: int | None = await tx.scalar(use, {"code": code, "staff": staff_id, "now": now})
    if member_id is not None:
        return member_id
    query = text("SELECT used_at, expires_at FROM card_code WHERE code = :code")
    row = (await tx.execute(query, {"code": code})).first()
    if row is None:
        raise CardUnknown()
    if row.used_at is not None:
        raise CardUsed(row.used_at)
    raise CardExpired(row.expires_at)


async def present_many(tx: AsyncConnection, shown: Mapping[str, int], *, now: dt.datetime) -> dict[str, int | Refusal]:
    """`present` for several codes at once, each with who asks for it: the member or the refusal by code."""
    # In the order of the codes, as every caller locks them: two batches with the same cards don't wait for each other in a ring.
    use = text(
        "UPDATE card_code c SET used_at = :now, used_by = n.staff FROM ("
        "SELECT code, staff FROM unnest(CAST(:codes AS text[]), CAST(:staff AS bigint[])) AS n(code, staff)"
        " JOIN card_code USING (code) WHERE used_at IS NULL AND expires_at > :now ORDER BY code FOR UPDATE OF card_code) n"
        " WHERE c.code = n.code AND c.used_at IS NULL AND c.expires_at > :now RETURNING c.code, c.member_id"
    )
    codes = sorted(shown)
    asked = {"codes": codes, "staff": [shown[code] for code in codes], "now": now}
    found: dict[str, int | Refusal] = {row.code: row.member_id for row in await tx.execute(use, asked)}
    if missing := [code for code in codes if code not in found]:
        query = text("SELECT code, used_at, expires_at FROM card_code WHERE code = ANY(CAST(:codes AS text[]))")
        for row in await tx.execute(query, {"codes": missing}):
            found[row.code] = CardExpired(row.expires_at) if row.used_at is None else CardUsed(row.used_at)
    return {code: found.get(code) or CardUnknown() for code in codes}


async def give_back(tx: AsyncConnection, codes: Sequence[str], *, now: dt.datetime) -> None:
    """Codes that this turn used up for nothing are good again for what is left of their seconds."""
    undo = text(
        "UPDATE card_code SET used_at = NULL, used_by = NULL WHERE code = ANY(CAST(:codes AS text[])) AND used_at = :now"
    )
    await tx.execute(undo, {"codes": sorted(codes), "now": now})
