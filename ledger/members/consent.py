"""What a member agreed to: by purpose and version, and taken back as easily as given.

Purposes: `terms` (the programme's rules and the fields that membership needs; without it there is no membership), `birthday` (the
date, for a greeting once a year), `children` (their names and dates, for the same) and `standing` (what an assessor says of their
credit, for rules that reward it). Rows are kept when withdrawn: that it was given, and until when, is a fact.
"""

from __future__ import annotations

import datetime as dt
from dataclasses import dataclass

from sqlalchemy import text
from sqlalchemy.ext.asyncio import AsyncConnection

TERMS = "terms"
BIRTHDAY = "birthday"
STANDING = "standing"
BIRTHDAY_VERSION = "1"
CHILDREN = "children"
CHILDREN_VERSION = "1"


@dataclass(frozen=True, slots=True)
class Consent:
    """One consent in force."""

    purpose: str
    version: str
    given_at: dt.datetime


async def give(tx: AsyncConnection, member_id: int, purpose: str, version: str, *, now: dt.datetime) -> None:
    """Record a consent. Given again while in force, it keeps its first date; given after a withdrawal, it starts anew."""
    query = text(
        "INSERT INTO consent (member_id, purpose, version, given_at) VALUES (:member, :purpose, :version, :now)"
        " ON CONFLICT (member_id, purpose, version) DO UPDATE SET given_at = excluded.given_at, withdrawn_at = NULL"
        " WHERE consent.withdrawn_at IS NOT NULL"
    )
    await tx.execute(query, {"member": member_id, "purpose": purpose, "version": version, "now": now})


async def withdraw(tx: AsyncConnection, member_id: int, purpose: str, *, now: dt.datetime) -> None:
    """Take back every version of a purpose. What it allowed to be stored is deleted by whoever stores it."""
    query = text(
        "UPDATE consent SET withdrawn_at = :now"
        " WHERE member_id = :member AND purpose = :purpose AND withdrawn_at IS NULL"
    )
    await tx.execute(query, {"member": member_id, "purpose": purpose, "now": now})


async def in_force(tx: AsyncConnection, member_id: int) -> list[Consent]:
    """The consents in force, oldest first."""
    query = text(
        "SELECT purpose, version, given_at FROM consent"
        " WHERE member_id = :member AND withdrawn_at IS NULL ORDER BY given_at, purpose"
    )
    return [Consent(*row) for row in await tx.execute(query, {"member": member_id})]
