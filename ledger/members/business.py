"""Business members (E10): a company's account, the people who use it with their roles, and the switch to it.

A company is a member of a kind of its own: it owns points, shows a card, redeems, and has no Telegram. Its `person` row holds its
name and the key that seals its vouchers, and no chat: what it is to be told goes to its people.

    head     invites and removes people, and all of the following
    buyer    shows the card, redeems, exchanges
    viewer   balance, history and statement
"""

from __future__ import annotations

import datetime as dt
from collections.abc import Collection
from dataclasses import dataclass
from typing import Any, Literal, get_args

from sqlalchemy import Row, text
from sqlalchemy.ext.asyncio import AsyncConnection

from ledger.errors import Refusal
from ledger.members import invitations, person
from ledger.members.invitations import Invitation
from ledger.members.member import Member
from ledger.members.person import Person
from ledger.members.vault import Vault
from ledger.points.commands import Moment

Role = Literal["head", "buyer", "viewer"]
ROLES: tuple[Role, ...] = get_args(Role)
Action = Literal["look", "buy", "people"]

LINK = "b"
"""What an invitation's link carries before its token: «start=b_…»."""
NAME_LONGEST = 40
FOUNDED_MOST = 3

_ALLOWED: dict[Action, frozenset[Role]] = {
    "look": frozenset({"head", "buyer", "viewer"}),
    "buy": frozenset({"head", "buyer"}),
    "people": frozenset({"head"}),
}


@dataclass(eq=False)
class CompanyNameTooLong(Refusal):
    """A name is 1 to `longest` characters on one line."""

    longest: int


@dataclass(eq=False)
class TooManyCompanies(Refusal):
    """One person sets up at most `most` companies."""

    most: int


@dataclass(eq=False)
class NotOfCompany(Refusal):
    """They do not belong to the company, or no longer."""

    company_id: int


@dataclass(eq=False)
class CompanyRoleTooLow(Refusal):
    """This person's role in the company does not reach so far; `least` is the least that does."""

    action: Action
    role: Role
    least: Role


@dataclass(eq=False)
class OfCompanyAlready(Refusal):
    """They belong to it already, in `role`."""

    company_id: int
    role: Role


@dataclass(eq=False)
class LastHead(Refusal):
    """A company keeps at least one head."""

    company_id: int


@dataclass(frozen=True, slots=True)
class Place:
    """Somebody's place in a company."""

    id: int
    company_id: int
    company: str
    member_id: int
    role: Role
    added_at: dt.datetime

    def may(self, action: Action) -> bool:
        """Whether this person's role may do it."""
        return self.role in _ALLOWED[action]

    def demand(self, action: Action) -> None:
        """`CompanyRoleTooLow` unless this person's role may do it."""
        if not self.may(action):
            raise CompanyRoleTooLow(action, self.role, [role for role in ROLES if role in _ALLOWED[action]][-1])


_COLUMNS = """
    SELECT p.id, p.company_id, c.name AS company, p.member_id, p.role, p.added_at
    FROM company_person p JOIN company c ON c.member_id = p.company_id
"""
_MINE = text(f"{_COLUMNS} WHERE p.member_id = :member AND p.removed_at IS NULL ORDER BY p.id")
_AT = text(f"{_COLUMNS} WHERE p.member_id = :member AND p.company_id = :company AND p.removed_at IS NULL")
_BY_ID = text(f"{_COLUMNS} WHERE p.id = :id AND p.removed_at IS NULL")
_PEOPLE = text(
    f"{_COLUMNS} WHERE p.company_id = :company AND p.removed_at IS NULL"
    " ORDER BY array_position(ARRAY['head', 'buyer', 'viewer'], p.role), p.id"
)
_MEMBER = text(
    "INSERT INTO member (status, kind, joined_on, region) VALUES ('active', 'company', :today, :region) RETURNING id"
)
_COMPANY = text("INSERT INTO company (member_id, name, made_by, made_at) VALUES (:id, :name, :by, :now)")
_FOUNDED = text("SELECT count(*) FROM company WHERE made_by = :member")
_ADD = text(
    "INSERT INTO company_person (company_id, member_id, role, added_by, added_at) VALUES (:company, :member, :role, :by, :now)"
    " ON CONFLICT (member_id, company_id) WHERE removed_at IS NULL DO NOTHING RETURNING id"
)
_REMOVE = text("UPDATE company_person SET removed_at = :now WHERE id = :id AND removed_at IS NULL")
_HEADS = text(
    "SELECT id FROM company_person WHERE company_id = :company AND role = 'head' AND removed_at IS NULL ORDER BY id FOR UPDATE"
)
_ACT = text(
    "INSERT INTO acting (member_id, company_id, since) VALUES (:member, :company, :now)"
    " ON CONFLICT (member_id) DO UPDATE SET company_id = excluded.company_id, since = excluded.since"
)
_ACT_NO_MORE = text(
    "DELETE FROM acting WHERE member_id = :member AND (CAST(:company AS bigint) IS NULL OR company_id = :company)"
)
_TOLD = text(
    "SELECT p.company_id, c.name, p.member_id FROM company_person p JOIN company c ON c.member_id = p.company_id"
    " WHERE p.company_id = ANY(CAST(:ids AS bigint[])) AND p.removed_at IS NULL ORDER BY p.id"
)


async def found(
    tx: AsyncConnection, vault: Vault, founder_id: int, name: str, *, region: str | None, at: Moment
) -> Place:
    """Set up a company with its founder as head. `CompanyNameTooLong` → `TooManyCompanies`."""
    name = " ".join(name.split())
    if not 1 <= len(name) <= NAME_LONGEST:
        raise CompanyNameTooLong(NAME_LONGEST)
    if (await tx.scalar(_FOUNDED, {"member": founder_id}) or 0) >= FOUNDED_MOST:
        raise TooManyCompanies(FOUNDED_MOST)
    company_id = (await tx.execute(_MEMBER, {"today": at.today, "region": region})).scalar_one()
    await person.keep(tx, vault, company_id, Person(-company_id, -company_id, name))
    await tx.execute(_COMPANY, {"id": company_id, "name": name, "by": founder_id, "now": at.now})
    return await add(
        tx, company_id=company_id, member_id=founder_id, role="head", by=f"member:{founder_id}", now=at.now
    )


async def add(tx: AsyncConnection, *, company_id: int, member_id: int, role: str, by: str, now: dt.datetime) -> Place:
    """Let somebody use a company's account. `OfCompanyAlready` where they do in whatever role."""
    facts = {"company": company_id, "member": member_id, "role": role, "by": by, "now": now}
    if await tx.scalar(_ADD, facts) is None:
        raise OfCompanyAlready(company_id, (await at(tx, member_id, company_id)).role)
    return await at(tx, member_id, company_id)


async def places(tx: AsyncConnection, member_id: int) -> list[Place]:
    """Every company this person belongs to."""
    return [_place(row) for row in await tx.execute(_MINE, {"member": member_id})]


async def at(tx: AsyncConnection, member_id: int, company_id: int) -> Place:
    """This person's place in a company, or `NotOfCompany`."""
    row = (await tx.execute(_AT, {"member": member_id, "company": company_id})).first()
    if row is None:
        raise NotOfCompany(company_id)
    return _place(row)


async def people(tx: AsyncConnection, company_id: int) -> list[Place]:
    """Everybody who uses a company's account: heads, buyers, viewers."""
    return [_place(row) for row in await tx.execute(_PEOPLE, {"company": company_id})]


async def invite(
    tx: AsyncConnection, vault: Vault, inviter: Place, role: Role, token: str, *, now: dt.datetime
) -> Invitation:
    """Write an invitation into the company. `CompanyRoleTooLow` unless the inviter is a head."""
    inviter.demand("people")
    by = f"member:{inviter.member_id}"
    return await invitations.write(
        tx, vault, token, purpose="company", to_id=inviter.company_id, role=role, label="", by=by, now=now
    )


async def invitation(tx: AsyncConnection, vault: Vault, token: str, *, now: dt.datetime) -> Invitation:
    """The open invitation behind a link. Refusals of `invitations.opened`."""
    return await invitations.opened(tx, vault, token, purpose="company", now=now)


async def accept(tx: AsyncConnection, vault: Vault, token: str, *, member_id: int, now: dt.datetime) -> Place:
    """Use an invitation once. Refusals of `invitation`, then `OfCompanyAlready`, which leaves the link unused."""
    offered = await invitation(tx, vault, token, now=now)
    by = invitations.trace_of(vault, token)
    joined = await add(tx, company_id=offered.to_id, member_id=member_id, role=offered.role, by=by, now=now)
    await invitations.use(tx, vault, token, member_id=member_id, now=now)
    return joined


async def one(tx: AsyncConnection, viewer: Place, place_id: int) -> Place:
    """Somebody of the viewer's company, or `NotOfCompany`."""
    row = (await tx.execute(_BY_ID, {"id": place_id})).first()
    if row is None or row.company_id != viewer.company_id:
        raise NotOfCompany(viewer.company_id)
    return _place(row)


async def remove(tx: AsyncConnection, remover: Place, place_id: int, *, now: dt.datetime) -> Place:
    """Take somebody's place away; anybody may leave. `NotOfCompany` → `CompanyRoleTooLow` → `LastHead`."""
    gone = await one(tx, remover, place_id)
    if gone.id != remover.id:
        remover.demand("people")
    if gone.role == "head" and len((await tx.execute(_HEADS, {"company": gone.company_id})).all()) == 1:
        raise LastHead(gone.company_id)
    await tx.execute(_REMOVE, {"id": gone.id, "now": now})
    await tx.execute(_ACT_NO_MORE, {"member": gone.member_id, "company": gone.company_id})
    return gone


async def act(tx: AsyncConnection, member_id: int, company_id: int | None, *, now: dt.datetime) -> Place | None:
    """Use a company's account from now on, or one's own again (None). `NotOfCompany`."""
    if company_id is None:
        await tx.execute(_ACT_NO_MORE, {"member": member_id, "company": None})
        return None
    place = await at(tx, member_id, company_id)
    await tx.execute(_ACT, {"member": member_id, "company": company_id, "now": now})
    return place


async def told(tx: AsyncConnection, member_ids: Collection[int]) -> dict[int, tuple[str, list[int]]]:
    """Of these members, those that are companies: their name and their people's ids."""
    found: dict[int, tuple[str, list[int]]] = {}
    for row in await tx.execute(_TOLD, {"ids": list(member_ids)}):
        found.setdefault(row.company_id, (row.name, []))[1].append(row.member_id)
    return found


def must_buy(who: Member) -> None:
    """`CompanyRoleTooLow` where `who` is a company's account in the hands of somebody who may only look."""
    if who.person_id is not None and who.acts_for is not None and who.acts_for.role not in _ALLOWED["buy"]:
        raise CompanyRoleTooLow("buy", who.acts_for.role, "buyer")


def _place(row: Row[Any]) -> Place:
    return Place(**row._mapping)
