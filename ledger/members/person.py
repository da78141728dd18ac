"""Telegram's view of a member: ids and personal fields, sealed with a key of their own.

Nothing here is readable without the vault; a person is found by the blind index of their Telegram id. Deleting the row
forgets the person and leaves the ledger whole.
"""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import asdict, dataclass, replace
from typing import Any

from sqlalchemy import text
from sqlalchemy.ext.asyncio import AsyncConnection

from ledger.members.vault import Vault


@dataclass(frozen=True, slots=True)
class Person:
    """Who a member is to Telegram. `birth_year` only where they chose to tell it."""

    telegram_id: int
    chat_id: int
    name: str
    birth_year: int | None = None


class Forgotten(LookupError):
    """This member has no personal fields: never joined by Telegram, or forgotten since."""


async def find(tx: AsyncConnection, vault: Vault, telegram_id: int) -> int | None:
    """The member that this Telegram account is, or None."""
    query = text("SELECT member_id FROM person WHERE telegram_index = :index")
    found: int | None = await tx.scalar(query, {"index": vault.blind("telegram", telegram_id)})
    return found


async def keep(tx: AsyncConnection, vault: Vault, member_id: int, person: Person) -> bool:
    """Store a new member's person. False, and nothing stored, where this Telegram account is a member already."""
    key = vault.new_key()
    query = text(
        "INSERT INTO person (member_id, telegram_index, key, box) VALUES (:member, :index, :key, :box)"
        " ON CONFLICT (telegram_index) DO NOTHING RETURNING member_id"
    )
    values = {
        "member": member_id,
        "index": vault.blind("telegram", person.telegram_id),
        "key": key,
        "box": vault.seal(key, asdict(person)),
    }
    return await tx.scalar(query, values) is not None


async def load(tx: AsyncConnection, vault: Vault, member_id: int) -> Person:
    """A member's person, opened. `Forgotten` where there is none."""
    people = await load_many(tx, vault, [member_id])
    if member_id not in people:
        raise Forgotten(member_id)
    return people[member_id]


async def load_many(tx: AsyncConnection, vault: Vault, member_ids: Iterable[int]) -> dict[int, Person]:
    """Several members' persons by member id; those without one are left out."""
    query = text("SELECT member_id, key, box FROM person WHERE member_id = ANY(CAST(:members AS bigint[]))")
    rows = await tx.execute(query, {"members": list(member_ids)})
    return {row.member_id: Person(**vault.open(row.key, row.box)) for row in rows}


async def rename(tx: AsyncConnection, vault: Vault, member_id: int, name: str) -> None:
    """Keep the name that Telegram gives now. A repeat writes nothing."""
    await _change(tx, vault, member_id, name=name)


async def set_birth_year(tx: AsyncConnection, vault: Vault, member_id: int, year: int | None) -> None:
    """Keep or forget the year of birth."""
    await _change(tx, vault, member_id, birth_year=year)


async def _change(tx: AsyncConnection, vault: Vault, member_id: int, **fields: Any) -> None:
    query = text("SELECT key, box FROM person WHERE member_id = :member FOR UPDATE")
    row = (await tx.execute(query, {"member": member_id})).first()
    if row is None:
        raise Forgotten(member_id)
    old = Person(**vault.open(row.key, row.box))
    new = replace(old, **fields)
    if new != old:
        write = text("UPDATE person SET box = :box WHERE member_id = :member")
        await tx.execute(write, {"member": member_id, "box": vault.seal(row.key, asdict(new))})
