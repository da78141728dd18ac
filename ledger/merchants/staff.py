"""People at the counter: their role, how receipts name them, and the one-time links by which they join.

Whoever leaves keeps their rows: every entry they made still names them.
"""

from __future__ import annotations

import datetime as dt
from dataclasses import dataclass
from typing import Any

from sqlalchemy import Row, text
from sqlalchemy.ext.asyncio import AsyncConnection

from ledger.errors import Refusal
from ledger.members import invitations
from ledger.members.invitations import Invitation
from ledger.members.vault import Vault
from ledger.merchants import authority, log

LINK = "w"
"""What an invitation's link carries before its token: «start=w_…»."""

LABEL_LONGEST = 24


@dataclass(eq=False)
class AlreadyStaff(Refusal):
    """They work there already, in `role`."""

    merchant_id: int
    role: str


@dataclass(eq=False)
class NotStaff(Refusal):
    """They do not work there, or no longer."""

    merchant_id: int


@dataclass(eq=False)
class LastOwner(Refusal):
    """A merchant keeps at least one owner."""

    merchant_id: int


@dataclass(eq=False)
class LabelTooLong(Refusal):
    """A label is 1 to `longest` characters on one line."""

    longest: int


@dataclass(frozen=True, slots=True)
class Staff:
    """Somebody at a merchant's counter. `label` is how receipts and lists name them."""

    id: int
    merchant_id: int
    member_id: int
    role: str
    label: str
    added_at: dt.datetime

    @property
    def actor(self) -> str:
        """How entries record who did it."""
        return f"staff:{self.id}"

    def demand(self, action: authority.Action) -> None:
        """`NotAllowed` unless this person's role may do it."""
        authority.demand(self.role, action)


_COLUMNS = "SELECT id, merchant_id, member_id, role, label, added_at FROM staff"
_CURRENT = text(f"{_COLUMNS} WHERE member_id = :member_id AND removed_at IS NULL ORDER BY merchant_id")
_ONE = text(f"{_COLUMNS} WHERE member_id = :member_id AND merchant_id = :merchant_id AND removed_at IS NULL")
_BY_ID = text(f"{_COLUMNS} WHERE id = :id")
_OF = text(
    f"{_COLUMNS} WHERE merchant_id = :merchant_id AND removed_at IS NULL"
    " ORDER BY array_position(ARRAY['owner', 'manager', 'cashier'], role), id"
)
_ADD = text(
    "INSERT INTO staff (merchant_id, member_id, role, label, added_by, added_at)"
    " VALUES (:merchant_id, :member_id, :role, :label, :by, :at)"
    " ON CONFLICT (member_id, merchant_id) WHERE removed_at IS NULL DO NOTHING RETURNING id"
)
_REMOVE = text("UPDATE staff SET removed_at = :at WHERE id = :id AND removed_at IS NULL")
_OWNERS = text(
    "SELECT count(*) FROM (SELECT 1 FROM staff WHERE merchant_id = :merchant_id AND role = 'owner'"
    " AND removed_at IS NULL FOR UPDATE) owners"
)


def _staff(row: Row[Any]) -> Staff:
    return Staff(row.id, row.merchant_id, row.member_id, row.role, row.label, row.added_at)


async def places(tx: AsyncConnection, member_id: int) -> list[Staff]:
    """Everywhere this member works now."""
    return [_staff(row) for row in await tx.execute(_CURRENT, {"member_id": member_id})]


async def at(tx: AsyncConnection, member_id: int, merchant_id: int) -> Staff:
    """This member at this merchant's counter, or `NotStaff`."""
    row = (await tx.execute(_ONE, {"member_id": member_id, "merchant_id": merchant_id})).first()
    if row is None:
        raise NotStaff(merchant_id)
    return _staff(row)


async def by_id(tx: AsyncConnection, staff_id: int) -> Staff | None:
    """Whoever did it, also when they have left since."""
    row = (await tx.execute(_BY_ID, {"id": staff_id})).first()
    return None if row is None else _staff(row)


async def team(tx: AsyncConnection, merchant_id: int) -> list[Staff]:
    """Everybody who works at a merchant: owners, managers, cashiers."""
    return [_staff(row) for row in await tx.execute(_OF, {"merchant_id": merchant_id})]


async def add(
    tx: AsyncConnection, *, merchant_id: int, member_id: int, role: str, label: str, by: str, now: dt.datetime
) -> Staff:
    """Put somebody at the counter. `AlreadyStaff` where they work there in whatever role."""
    facts = {"merchant_id": merchant_id, "member_id": member_id, "role": role, "label": label, "by": by, "at": now}
    made = await tx.scalar(_ADD, facts)
    if made is None:
        there = await at(tx, member_id, merchant_id)
        raise AlreadyStaff(merchant_id, there.role)
    return Staff(made, merchant_id, member_id, role, label, now)


async def invite(
    tx: AsyncConnection, *, inviter: Staff, role: authority.Role, label: str, token: str, vault: Vault, now: dt.datetime
) -> Invitation:
    """Write an invitation that `token` (random, from the edge) opens once within `invitations.HOURS`.

    `NotAllowed` by the inviter's role; `LabelTooLong` for a label that fits no line.
    """
    inviter.demand(adding(role))
    return await _invite(tx, inviter.merchant_id, role, label, inviter.actor, token, vault, now)


async def invite_owner(
    tx: AsyncConnection, *, merchant_id: int, label: str, by: str, token: str, vault: Vault, now: dt.datetime
) -> Invitation:
    """Invite a merchant's owner: an operator's act, who is checked by the caller. `LabelTooLong` as in `invite`."""
    return await _invite(tx, merchant_id, "owner", label, by, token, vault, now)


def adding(role: authority.Role) -> authority.Action:
    """What one must be allowed to do to add somebody of this role; owners are added by the operator alone."""
    return "add_owner" if role == "owner" else "add_manager" if role == "manager" else "add_cashier"


async def _invite(
    tx: AsyncConnection,
    merchant_id: int,
    role: authority.Role,
    label: str,
    by: str,
    token: str,
    vault: Vault,
    now: dt.datetime,
) -> Invitation:
    label = tidy_label(label)
    made = await invitations.write(
        tx, vault, token, purpose="staff", to_id=merchant_id, role=role, label=label, by=by, now=now
    )
    await log.write(tx, merchant_id, "staff_invited", who=by, at=now, role=role, label=label)
    return made


def tidy_label(label: str) -> str:
    """A label on one line, without needless spaces. `LabelTooLong` where that leaves none or too much."""
    label = " ".join(label.split())
    if not 1 <= len(label) <= LABEL_LONGEST:
        raise LabelTooLong(LABEL_LONGEST)
    return label


async def invitation(tx: AsyncConnection, token: str, *, vault: Vault, now: dt.datetime) -> Invitation:
    """The open invitation behind a link, locked until the turn ends. Refusals of `invitations.opened`."""
    return await invitations.opened(tx, vault, token, purpose="staff", now=now)


async def accept(tx: AsyncConnection, token: str, *, member_id: int, vault: Vault, now: dt.datetime) -> Staff:
    """Use an invitation once. Refusals of `invitation`, then `AlreadyStaff`, which leaves the link unused."""
    offered = await invitation(tx, token, vault=vault, now=now)
    joined = await add(
        tx,
        merchant_id=offered.to_id,
        member_id=member_id,
        role=offered.role,
        label=offered.label,
        by=invitations.trace_of(vault, token),
        now=now,
    )
    await invitations.use(tx, vault, token, member_id=member_id, now=now)
    facts = {"role": joined.role, "label": joined.label}
    await log.write(tx, joined.merchant_id, "staff_joined", who=joined.actor, at=now, **facts)
    return joined


def removing(role: str) -> authority.Action:
    """What one must be allowed to do to remove somebody of this role."""
    return "remove_cashier" if role == "cashier" else "remove_manager"


async def remove(tx: AsyncConnection, *, remover: Staff, staff_id: int, now: dt.datetime) -> Staff:
    """Take somebody from the counter; anybody may leave. `NotStaff` → `NotAllowed` → `LastOwner`."""
    gone = await by_id(tx, staff_id)
    if gone is None or gone.merchant_id != remover.merchant_id:
        raise NotStaff(remover.merchant_id)
    if gone.id != remover.id:
        remover.demand(removing(gone.role))
    if gone.role == "owner" and await tx.scalar(_OWNERS, {"merchant_id": gone.merchant_id}) == 1:
        raise LastOwner(gone.merchant_id)
    if (await tx.execute(_REMOVE, {"id": staff_id, "at": now})).rowcount == 0:
        raise NotStaff(remover.merchant_id)
    await log.write(tx, gone.merchant_id, "staff_removed", who=remover.actor, at=now, role=gone.role, label=gone.label)
    return gone


# -- somebody with several posts

_CHOSEN = text("SELECT merchant_id FROM post_choice WHERE member_id = :member AND chosen_at >= :since")
_CHOOSE = text(
    "INSERT INTO post_choice (member_id, merchant_id, chosen_at) VALUES (:member, :merchant, :at)"
    " ON CONFLICT (member_id) DO UPDATE SET merchant_id = excluded.merchant_id, chosen_at = excluded.chosen_at"
)


async def chosen(tx: AsyncConnection, member_id: int, *, since: dt.datetime) -> int | None:
    """The merchant at which somebody said to be working, since an instant."""
    found: int | None = await tx.scalar(_CHOSEN, {"member": member_id, "since": since})
    return found


async def choose(tx: AsyncConnection, member_id: int, merchant_id: int, *, now: dt.datetime) -> None:
    """Remember at which merchant somebody works now."""
    await tx.execute(_CHOOSE, {"member": member_id, "merchant": merchant_id, "at": now})


async def forget_choice(tx: AsyncConnection, member_id: int) -> None:
    """Ask again where they work."""
    await tx.execute(text("DELETE FROM post_choice WHERE member_id = :member"), {"member": member_id})
