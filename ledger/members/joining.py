"""Joining: a member, their person sealed, their consent, and the points that welcome them. Once per Telegram account."""

from __future__ import annotations

import calendar
import datetime as dt
from dataclasses import dataclass

from sqlalchemy import text
from sqlalchemy.ext.asyncio import AsyncConnection

from ledger.members import consent, person
from ledger.members.member import Member
from ledger.members.person import Person
from ledger.members.vault import Vault
from ledger.points import commands as points
from ledger.points.engine import post
from ledger.programme import Programme


@dataclass(frozen=True, slots=True)
class Joined:
    """A member, whether this call made them, and the receipt of what welcomed them (None: nothing, or not new)."""

    member: Member
    new: bool
    welcome: points.Receipt | None


async def join(
    tx: AsyncConnection,
    vault: Vault,
    programme: Programme,
    who: Person,
    *,
    welcome_issuer_id: int | None,
    at: points.Moment,
) -> Joined:
    """Make a Telegram account a member who agreed to the programme's terms as they are now.

    Args:
        welcome_issuer_id: the merchant that funds `programme.welcome_points`, whose cover was taken; None: nobody does.
    Returns:
        The member. Somebody who is one already gets the member they are, with nothing added.
    """
    if (known := await person.find(tx, vault, who.telegram_id)) is not None:
        return Joined(await _load(tx, known), False, None)
    query = text("INSERT INTO member (status, joined_on) VALUES ('active', :today) RETURNING id")
    member_id = (await tx.execute(query, {"today": at.today})).scalar_one()
    if not await person.keep(tx, vault, member_id, who):
        # The same account joined in another transaction between the look and the write; theirs stands.
        await tx.execute(text("DELETE FROM member WHERE id = :member"), {"member": member_id})
        known = await person.find(tx, vault, who.telegram_id)
        assert known is not None, "the conflicting person is committed"
        return Joined(await _load(tx, known), False, None)
    await consent.give(tx, member_id, consent.TERMS, programme.terms_version, now=at.now)
    receipt = None
    if welcome_issuer_id is not None and programme.welcome_points:
        receipt = await post(tx, welcome(programme, member_id, welcome_issuer_id, at))
    return Joined(Member(member_id, "active", joined_on=at.today), True, receipt)


def welcome(
    programme: Programme, member_id: int, issuer_id: int, at: points.Moment, *, promised: int | None = None
) -> points.Accrue:
    """The accrual that welcomes a member: once ever, available at once, living to a month's end. `promised`: how many,
    where that was on another day."""
    return points.Accrue(
        key=f"welcome:{member_id}",
        owner=points.member(member_id),
        currency=programme.common_currency,
        at=at,
        actor="programme",
        issuer_id=issuer_id,
        merchant_id=issuer_id,
        points=programme.welcome_points if promised is None else promised,
        available_on=at.today,
        expires_on=month_end(at.today, programme.welcome_life_months),
        rule="welcome",
        facts={"what": "welcome"},
    )


def month_end(day: dt.date, months: int) -> dt.date:
    """The last day of the month that lies so many months after `day`'s."""
    year, month = divmod(day.year * 12 + day.month - 1 + months, 12)
    return dt.date(year, month + 1, calendar.monthrange(year, month + 1)[1])


async def _load(tx: AsyncConnection, member_id: int) -> Member:
    query = text("SELECT id, status, language, region, joined_on FROM member WHERE id = :member")
    return Member(*(await tx.execute(query, {"member": member_id})).one())
