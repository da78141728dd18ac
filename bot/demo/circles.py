"""The demo's tiers, its company and family, and what members can take part in, as circles.toml tells all but the first."""

from __future__ import annotations

import datetime as dt
import secrets
from collections.abc import Iterable, Mapping

from pydantic import BaseModel, ConfigDict
from sqlalchemy.ext.asyncio import AsyncConnection

from bot.demo import story
from ledger.earning import activities, qualifying, surveys
from ledger.earning.activities import Kind, Planned
from ledger.members import business, families, pools
from ledger.members.business import Role
from ledger.members.families import Family
from ledger.members.member import Member
from ledger.members.vault import Vault
from ledger.merchants import staff
from ledger.merchants.merchant import Merchant
from ledger.points.commands import Moment
from ledger.programme import Programme


class _Told(BaseModel):
    model_config = ConfigDict(frozen=True, extra="forbid")


class ColleagueTold(_Told):
    """Somebody of people.toml and their role in a company."""

    member: str
    role: Role


class CompanyTold(_Told):
    """A company, who set it up, and who else uses its account."""

    name: str
    founder: str
    people: tuple[ColleagueTold, ...] = ()


class FamilyTold(_Told):
    """A family: its head and who else has belonged to it since so many days before loading, or a little less; what they put into
    its pool now, and how much of it those others may spend in a month."""

    head: str
    people: tuple[str, ...]
    ago: int
    pool: Mapping[str, int] = {}
    limits: Mapping[str, int] = {}


class ActivityTold(_Told):
    """An activity that runs for so many days from the loading on; its merchant has an owner in people.toml."""

    merchant: str
    kind: Kind
    title: str
    points: int
    people_max: int
    days: int
    questions: str = ""


async def arrange(
    tx: AsyncConnection,
    vault: Vault,
    programme: Programme,
    merchants: Mapping[str, Merchant],
    members: Mapping[str, Member],
    *,
    at: Moment,
) -> None:
    """Move everybody to the tier they have reached, then do what circles.toml tells of people who have joined."""
    people = [each.id for each in members.values() if each.status == "active"]
    await qualifying.look(tx, programme, people, at)
    for company in story.read("circles", CompanyTold, "companies"):
        if company.founder not in members:
            continue
        founder = members[company.founder].id
        head = await business.found(tx, vault, founder, company.name, region=None, at=at)
        for colleague in company.people:
            if colleague.member in members:
                facts = {"company_id": head.company_id, "member_id": members[colleague.member].id}
                await business.add(tx, **facts, role=colleague.role, by=f"member:{founder}", now=at.now)
    for home in story.read("circles", FamilyTold, "families"):
        if home.head in members:
            then = Moment(at.now - dt.timedelta(days=home.ago), at.today - dt.timedelta(days=home.ago))
            joining = [members[each].id for each in home.people if each in members]
            family = await _found(tx, vault, programme, members[home.head].id, joining, at=then)
            await _pool(tx, programme, home, family, members, at=at)
    for told in story.read("circles", ActivityTold, "activities"):
        merchant = merchants[told.merchant]
        owners = [one for one in await staff.team(tx, merchant.id) if one.role == "owner"]
        planned = Planned(
            kind=told.kind,
            title=told.title,
            points=told.points,
            people_max=told.people_max,
            starts_at=at.now,
            ends_at=at.now + dt.timedelta(days=told.days),
            questions=surveys.read(told.questions) if told.questions else (),
        )
        for owner in owners[:1]:
            await activities.make(tx, merchant, owner, planned, at=at)


async def _found(
    tx: AsyncConnection, vault: Vault, programme: Programme, head_id: int, people: Iterable[int], *, at: Moment
) -> Family:
    made = await families.found(tx, head_id, at=at)
    for each in people:
        token = secrets.token_urlsafe(12)
        await families.invite(tx, vault, programme.families, head_id, token, now=at.now)
        made, _ = await families.accept(tx, vault, programme.families, token, each, at=at)
    return made


async def _pool(
    tx: AsyncConnection,
    programme: Programme,
    home: FamilyTold,
    family: Family,
    members: Mapping[str, Member],
    *,
    at: Moment,
) -> None:
    for key, points in home.pool.items():
        if key in members:
            whole, currency = (family.id, members[key].id, points), programme.common_currency
            await pools.put(tx, *whole, currency=currency, key=f"demo:pool:{key}", at=at, actor="demo")
    for key, most in home.limits.items():
        if key in members:
            place = family.place_of(members[key].id)
            await pools.may_spend(tx, family.id, family.head_id, place.id, most)
