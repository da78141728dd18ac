"""Who has now what an account had: somebody who claimed it, or the account that it was merged into; and how everything is handed
over.

What is still to come for such an account goes on to whoever has it.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any, ClassVar

from sqlalchemy import text
from sqlalchemy.ext.asyncio import AsyncConnection

from ledger.errors import Refusal
from ledger.points import statements
from ledger.points.commands import HandOver, Moment, Owner, member


@dataclass(eq=False)
class AccountInMotion(Refusal):
    """So many of the account's points are on hold, so that it can't be moved whole yet."""

    points: int
    may_succeed_later: ClassVar[bool] = True


# A claim that is under way holds its account's row: waited for first, read afterwards.
_WAIT = text(
    "SELECT 1 FROM external_account WHERE member_id = ANY(CAST(:members AS bigint[])) ORDER BY member_id FOR SHARE"
)
_HOLDERS = text("SELECT member_id, holder_id FROM succession WHERE member_id = ANY(CAST(:members AS bigint[]))")
_FOLLOW = text("INSERT INTO succession (member_id, holder_id) VALUES (:member, :holder)")
_HEIRS = text("UPDATE succession SET holder_id = :to WHERE holder_id = :from_ RETURNING member_id")
_HEIRS_BACK = text(
    "UPDATE succession SET holder_id = :to WHERE holder_id = :from_ AND member_id = ANY(CAST(:heirs AS bigint[]))"
)
_ALONE = text("DELETE FROM succession WHERE member_id = :member")
_DEBTS = text(
    "SELECT p.issuer_id, max(e.id) AS entry_id FROM entry e JOIN posting p ON p.entry_id = e.id"
    " JOIN account a ON a.id = p.account_id AND a.owner_id = :owner AND a.owner_kind = 'member' AND a.purpose = 'deficit'"
    " WHERE (e.owner_id = :owner AND e.owner_kind = 'member' AND e.kind = 'claw_back'"
    " OR e.counter_id = :owner AND e.counter_kind = 'member' AND e.kind = 'hand_over')"
    " AND e.currency_id = :currency AND e.facts ? 'deficit' AND p.points < 0 GROUP BY p.issuer_id"
)


async def holder(tx: AsyncConnection, member_id: int) -> int:
    """Who has an account now: who claimed it, what it was merged into, else itself. A claim that is under way is waited for, and no
    other comes between this and the end of the transaction."""
    return (await holders(tx, [member_id])).get(member_id, member_id)


async def holders(tx: AsyncConnection, member_ids: Sequence[int]) -> dict[int, int]:
    """`holder` of several; those who have theirs themselves are left out."""
    asked = {"members": sorted(set(member_ids))}
    await tx.execute(_WAIT, asked)
    return {row.member_id: row.holder_id for row in await tx.execute(_HOLDERS, asked)}


async def follow(tx: AsyncConnection, member_id: int, holder_id: int) -> list[int]:
    """Let somebody have an account from now on, and all that it had; the members whose accounts those were."""
    heirs = list(await tx.scalars(_HEIRS, {"from_": member_id, "to": holder_id}))
    await tx.execute(_FOLLOW, {"member": member_id, "holder": holder_id})
    return sorted(heirs)


async def part(tx: AsyncConnection, member_id: int, holder_id: int, heirs: Sequence[int]) -> None:
    """An account is its own again, and `heirs` are its as they were."""
    await tx.execute(_ALONE, {"member": member_id})
    await tx.execute(_HEIRS_BACK, {"from_": holder_id, "to": member_id, "heirs": list(heirs)})


async def everything(
    tx: AsyncConnection,
    old: Owner,
    to_id: int,
    *,
    key: str,
    facts: Mapping[str, Any],
    at: Moment,
    actor: str,
    merchant_id: int | None = None,
) -> list[HandOver]:
    """The commands that hand everything of an account over, lot by lot, pending points and debts included: one per currency that
    it has anything of, with keys `key:currency`. `AccountInMotion` where points are on hold."""
    held = await statements.wallet(tx, old, today=at.today)
    if moving := sum(holding.held for holding in held):
        raise AccountInMotion(moving)
    commands = []
    for holding in held:
        if not (holding.available or holding.pending or holding.deficits):
            continue
        debts = {}
        if holding.deficits:
            rows = await tx.execute(_DEBTS, {"owner": old.id, "currency": holding.currency.id})
            left_by = {row.issuer_id: row.entry_id for row in rows}
            debts = {issuer: left_by[issuer] for issuer in holding.deficits}
        commands.append(
            HandOver(
                key=f"{key}:{holding.currency.id}",
                owner=old,
                to=member(to_id),
                currency=holding.currency.id,
                debts=debts,
                at=at,
                actor=actor,
                merchant_id=merchant_id,
                facts=dict(facts),
            )
        )
    return commands
