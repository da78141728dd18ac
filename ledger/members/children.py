"""Children (F6): names and birthdays that the head of a family tells, kept for greetings alone, sealed, deleted at once on a word.

What is told is kept by the consent of whoever told it, and read by nobody else: not by the family, not by merchants.
"""

from __future__ import annotations

from dataclasses import dataclass

from sqlalchemy import text
from sqlalchemy.ext.asyncio import AsyncConnection

from ledger.errors import Refusal
from ledger.members import birthdays, consent, families
from ledger.members.birthdays import Birthday
from ledger.members.vault import Vault
from ledger.points.commands import Moment

NAME_LONGEST = 20


@dataclass(eq=False)
class TooManyChildren(Refusal):
    """There are `most` already."""

    most: int


@dataclass(eq=False)
class ChildNameWrong(Refusal):
    """A name has 1 to `longest` characters."""

    longest: int


@dataclass(frozen=True, slots=True)
class Child:
    """A child, as whoever told of it called it, and its birthday, without a year."""

    id: int
    name: str
    birthday: Birthday


_OF = text(
    "SELECT c.id, c.box, c.birth_month, c.birth_day, c.told_on, p.key FROM child c JOIN person p ON p.member_id = c.member_id"
    " WHERE c.member_id = :member ORDER BY c.id"
)
_KEY = text("SELECT key FROM person WHERE member_id = :member FOR UPDATE")
_ADD = text(
    "INSERT INTO child (member_id, box, birth_month, birth_day, told_on) VALUES (:member, :box, :month, :day, :today)"
    " RETURNING id"
)
_REMOVE = text("DELETE FROM child WHERE id = :id AND member_id = :member")


async def of(tx: AsyncConnection, vault: Vault, member_id: int) -> list[Child]:
    """The children that somebody told of, in the order in which they did."""
    return [
        Child(row.id, str(vault.open(row.key, row.box)["name"]), Birthday(row.birth_month, row.birth_day, row.told_on))
        for row in await tx.execute(_OF, {"member": member_id})
    ]


def named(said: str) -> str:
    """A child's name as it is kept. `ChildNameWrong`."""
    name = " ".join(said.split())
    if not 1 <= len(name) <= NAME_LONGEST:
        raise ChildNameWrong(NAME_LONGEST)
    return name


async def add(
    tx: AsyncConnection, vault: Vault, head_id: int, name: str, month: int, day: int, *, most: int, at: Moment
) -> Child:
    """Keep a child's name and birthday, with the head's consent. The same name and day again is the same child.

    `NotInFamily` → `NotFamilyHead` → `ChildNameWrong` → `NoSuchDay` → `TooManyChildren`.
    """
    family = await families.of(tx, head_id)
    if family is None:
        raise families.NotInFamily()
    families.must_be_head(family, head_id)
    kept = named(name)
    birthdays.check(month, day, None, today=at.today)
    key = (await tx.execute(_KEY, {"member": head_id})).scalar_one()
    known = await of(tx, vault, head_id)
    for each in known:
        if (each.name, each.birthday.month, each.birthday.day) == (kept, month, day):
            return each
    if len(known) >= most:
        raise TooManyChildren(most)
    told = {"member": head_id, "box": vault.seal(key, {"name": kept}), "month": month, "day": day, "today": at.today}
    id_ = (await tx.execute(_ADD, told)).scalar_one()
    await consent.give(tx, head_id, consent.CHILDREN, consent.CHILDREN_VERSION, now=at.now)
    return Child(id_, kept, Birthday(month, day, at.today))


async def remove(tx: AsyncConnection, vault: Vault, member_id: int, child_id: int, *, at: Moment) -> None:
    """Delete a child at once; with the last one the consent is withdrawn. A second time nothing is there to delete."""
    await tx.execute(_REMOVE, {"id": child_id, "member": member_id})
    if not await of(tx, vault, member_id):
        await consent.withdraw(tx, member_id, consent.CHILDREN, now=at.now)
