"""What a member chose to tell: language, region, birthday. Each can be left out and taken back."""

from __future__ import annotations

import datetime as dt
from dataclasses import dataclass

from sqlalchemy import text
from sqlalchemy.ext.asyncio import AsyncConnection

from ledger.errors import Refusal
from ledger.members import birthdays, consent, person
from ledger.members.birthdays import Birthday
from ledger.members.vault import Vault
from ledger.points.commands import Moment
from ledger.programme import Programme


@dataclass(frozen=True, slots=True)
class Profile:
    """What is stored of a member beside their points. `language` None: as Telegram says."""

    member_id: int
    status: str
    language: str | None
    region: str | None
    joined_on: dt.date | None
    birthday: Birthday | None


@dataclass(eq=False)
class NoSuchRegion(Refusal):
    """The programme has no such region."""

    region: str


async def load(tx: AsyncConnection, member_id: int, vault: Vault | None = None) -> Profile:
    """A member's profile; the year of birth only where a vault is given. `LookupError` where there is no such member."""
    query = text(
        "SELECT id, status, language, region, joined_on, birth_month, birth_day, birth_told_on"
        " FROM member WHERE id = :member"
    )
    row = (await tx.execute(query, {"member": member_id})).first()
    if row is None:
        raise LookupError(member_id)
    birthday = None
    if row.birth_month is not None:
        year = (await person.load(tx, vault, member_id)).birth_year if vault else None
        birthday = Birthday(row.birth_month, row.birth_day, row.birth_told_on, year)
    return Profile(row.id, row.status, row.language, row.region, row.joined_on, birthday)


async def choose_language(tx: AsyncConnection, member_id: int, language: str | None) -> None:
    """Speak this language from now on; None follows Telegram."""
    query = text("UPDATE member SET language = :language WHERE id = :member")
    await tx.execute(query, {"member": member_id, "language": language})


async def hear_language(tx: AsyncConnection, member_id: int, language: str) -> None:
    """Remember what a member's Telegram speaks, for messages that they did not ask for."""
    query = text("UPDATE member SET telegram_language = :language WHERE id = :member")
    await tx.execute(query, {"member": member_id, "language": language})


async def choose_region(tx: AsyncConnection, programme: Programme, member_id: int, region: str | None) -> None:
    """Live in one of the programme's regions, by its code, or in none. `NoSuchRegion` for another."""
    if region is not None and region not in {known.code for known in programme.regions}:
        raise NoSuchRegion(region)
    query = text("UPDATE member SET region = :region WHERE id = :member")
    await tx.execute(query, {"member": member_id, "region": region})


async def tell_birthday(
    tx: AsyncConnection, vault: Vault, member_id: int, *, month: int, day: int, year: int | None, at: Moment
) -> Birthday:
    """Keep a birthday, with consent to keep it. Told again unchanged, it counts from when it was first told; changed, from now.

    Raises:
        NoSuchDay: it can't be a birthday.
    """
    birthdays.check(month, day, year, today=at.today)
    query = text(
        "UPDATE member SET birth_month = :month, birth_day = :day, birth_told_on ="
        " CASE WHEN birth_month = :month AND birth_day = :day THEN birth_told_on ELSE :today END"
        " WHERE id = :member RETURNING birth_told_on"
    )
    values = {"member": member_id, "month": month, "day": day, "today": at.today}
    told_on = (await tx.execute(query, values)).scalar_one()
    await person.set_birth_year(tx, vault, member_id, year)
    await consent.give(tx, member_id, consent.BIRTHDAY, consent.BIRTHDAY_VERSION, now=at.now)
    return Birthday(month, day, told_on, year)


async def forget_birthday(tx: AsyncConnection, vault: Vault, member_id: int, *, at: Moment) -> None:
    """Delete the birthday and withdraw the consent to keep it."""
    query = text("UPDATE member SET birth_month = NULL, birth_day = NULL, birth_told_on = NULL WHERE id = :member")
    await tx.execute(query, {"member": member_id})
    await person.set_birth_year(tx, vault, member_id, None)
    await consent.withdraw(tx, member_id, consent.BIRTHDAY, now=at.now)
