"""One-time links by which people join a counter, a company or a family: a token kept as a keyed index, used once, until it ends."""

from __future__ import annotations

import datetime as dt
from dataclasses import dataclass
from typing import Literal

from sqlalchemy import text
from sqlalchemy.ext.asyncio import AsyncConnection

from ledger.errors import Refusal
from ledger.members.vault import Vault

Purpose = Literal["staff", "company", "family"]

HOURS = 48


@dataclass(eq=False)
class InvitationUnknown(Refusal):
    """No invitation goes by this link."""


@dataclass(eq=False)
class InvitationUsed(Refusal):
    """The link has been used: when, and by which member. `to_id` is the merchant, company or family it led to."""

    used_at: dt.datetime
    used_by: int
    to_id: int


@dataclass(eq=False)
class InvitationEnded(Refusal):
    """The link's time is over."""

    ended_at: dt.datetime


@dataclass(frozen=True, slots=True)
class Invitation:
    """An open invitation: to which merchant, company or family, and what the link makes of whoever uses it."""

    to_id: int
    role: str
    label: str
    expires_at: dt.datetime
    made_by: str


_WRITE = text(
    "INSERT INTO invitation (token_index, purpose, merchant_id, company_id, family_id, role, label, made_by, expires_at)"
    " VALUES (:index, CAST(:purpose AS text), CASE :purpose WHEN 'staff' THEN CAST(:to AS bigint) END,"
    " CASE :purpose WHEN 'company' THEN CAST(:to AS bigint) END,"
    " CASE :purpose WHEN 'family' THEN CAST(:to AS bigint) END, :role, :label, :by, :ends)"
)
_OPEN = text(
    "SELECT coalesce(merchant_id, company_id, family_id) AS to_id, role, label, expires_at, made_by, used_at, used_by"
    " FROM invitation WHERE token_index = :index AND purpose = :purpose FOR UPDATE"
)
_USE = text("UPDATE invitation SET used_by = :member, used_at = :now WHERE token_index = :index")


async def write(
    tx: AsyncConnection,
    vault: Vault,
    token: str,
    *,
    purpose: Purpose,
    to_id: int,
    role: str,
    label: str,
    by: str,
    now: dt.datetime,
    hours: int = HOURS,
) -> Invitation:
    """Write an invitation that `token` (random, from the edge) opens once within so many hours."""
    ends = now + dt.timedelta(hours=hours)
    facts = {"index": _index(vault, token), "purpose": purpose, "to": to_id, "role": role, "label": label}
    await tx.execute(_WRITE, {**facts, "by": by, "ends": ends})
    return Invitation(to_id, role, label, ends, by)


async def opened(tx: AsyncConnection, vault: Vault, token: str, *, purpose: Purpose, now: dt.datetime) -> Invitation:
    """The open invitation behind a link, locked until the turn ends.

    `InvitationUnknown` → `InvitationUsed` → `InvitationEnded`.
    """
    row = (await tx.execute(_OPEN, {"index": _index(vault, token), "purpose": purpose})).first()
    if row is None:
        raise InvitationUnknown()
    if row.used_at is not None:
        raise InvitationUsed(row.used_at, row.used_by, row.to_id)
    if row.expires_at <= now:
        raise InvitationEnded(row.expires_at)
    return Invitation(row.to_id, row.role, row.label, row.expires_at, row.made_by)


async def use(tx: AsyncConnection, vault: Vault, token: str, *, member_id: int, now: dt.datetime) -> None:
    """Mark a link as used by a member."""
    await tx.execute(_USE, {"index": _index(vault, token), "member": member_id, "now": now})


def trace_of(vault: Vault, token: str) -> str:
    """How whoever joined by a link is recorded to have been added."""
    return f"invitation:{_index(vault, token).hex()[:16]}"


def _index(vault: Vault, token: str) -> bytes:
    return vault.blind("invitation", token)
