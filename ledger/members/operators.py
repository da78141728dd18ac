"""Who runs the programme: admin, finance, support, auditor. The first is added from the command line."""

from __future__ import annotations

import datetime as dt
from dataclasses import dataclass

from sqlalchemy import text
from sqlalchemy.ext.asyncio import AsyncConnection

from ledger.errors import Refusal

ROLES = ("admin", "finance", "support", "auditor")


@dataclass(eq=False)
class NoSuchRole(Refusal):
    """Operators have no such role."""

    role: str


@dataclass(eq=False)
class NotOperator(Refusal):
    """Whoever asks does not run the programme, or not in the role `needed` (None: in any)."""

    needed: str | None


@dataclass(eq=False)
class LastAdmin(Refusal):
    """Without this one nobody could add another."""


async def add(tx: AsyncConnection, member_id: int, role: str, *, now: dt.datetime) -> bool:
    """Give a member an operator's role. False where they have it already. `NoSuchRole` for another word."""
    if role not in ROLES:
        raise NoSuchRole(role)
    query = text(
        "INSERT INTO operator (member_id, role, added_at) VALUES (:member, :role, :now)"
        " ON CONFLICT (member_id, role) DO UPDATE SET added_at = excluded.added_at, removed_at = NULL"
        " WHERE operator.removed_at IS NOT NULL RETURNING member_id"
    )
    return await tx.scalar(query, {"member": member_id, "role": role, "now": now}) is not None


async def remove(tx: AsyncConnection, member_id: int, role: str, *, now: dt.datetime) -> bool:
    """Take a role away. False where they don't have it. `LastAdmin` keeps the programme from losing its last admin."""
    current = text("SELECT member_id FROM operator WHERE role = :role AND removed_at IS NULL ORDER BY 1 FOR UPDATE")
    holders = set(await tx.scalars(current, {"role": role}))
    if member_id not in holders:
        return False
    if role == "admin" and len(holders) == 1:
        raise LastAdmin()
    query = text("UPDATE operator SET removed_at = :now WHERE member_id = :member AND role = :role")
    await tx.execute(query, {"member": member_id, "role": role, "now": now})
    return True


async def roles(tx: AsyncConnection, member_id: int) -> frozenset[str]:
    """The roles a member has as an operator."""
    query = text("SELECT role FROM operator WHERE member_id = :member AND removed_at IS NULL")
    return frozenset(await tx.scalars(query, {"member": member_id}))


async def holders(tx: AsyncConnection, role: str) -> list[int]:
    """The members who have a role, by id."""
    query = text("SELECT member_id FROM operator WHERE role = :role AND removed_at IS NULL ORDER BY 1")
    return list(await tx.scalars(query, {"role": role}))
