"""Papers of applications and merchants, as files: Telegram keeps the content; here is its id, what it proves, and who sent it. What
came over HTTP is kept here itself."""

from __future__ import annotations

import datetime as dt
from dataclasses import dataclass
from typing import Any, Literal, get_args

from sqlalchemy import Row, text
from sqlalchemy.ext.asyncio import AsyncConnection

from ledger.errors import Refusal
from ledger.merchants import log

Purpose = Literal["licence", "credit", "assessment", "filing", "other"]
PURPOSES: tuple[Purpose, ...] = get_args(Purpose)

FILES_MOST, MERCHANT_FILES_MOST = 20, 200
"""Of an application; of a merchant, over all the years."""
SIZE_MOST = 20_000_000
"""What a bot may fetch again from Telegram."""
CAPTION_LONGEST = 200


@dataclass(eq=False)
class TooManyFiles(Refusal):
    """There are `most` already."""

    most: int


@dataclass(eq=False)
class FileTooLarge(Refusal):
    """A file has at most so many bytes."""

    most: int


@dataclass(eq=False)
class NoSuchFile(Refusal):
    """No paper of this number here."""

    file_id: int


@dataclass(frozen=True, slots=True)
class Paper:
    """One file. `given` is Telegram's id of it, good for this bot alone; None: its `content` is here. A picture has no name."""

    id: int
    application_id: int | None
    merchant_id: int | None
    purpose: str
    kind: Literal["photo", "document"]
    given: str | None
    name: str | None
    size: int
    caption: str
    added_by: str
    added_at: dt.datetime


_COLUMNS = "id, application_id, merchant_id, purpose, kind, file_id AS given, name, size, caption, added_by, added_at"
_ADD = text(
    "INSERT INTO merchant_file (application_id, merchant_id, purpose, kind, file_id, content, unique_id, name, size, caption,"
    " added_by, added_at) VALUES (:application, :merchant, :purpose, :kind, :file_id, :content, :unique_id, :name, :size,"
    " :caption, :by, :at)"
    " ON CONFLICT (application_id, unique_id) DO UPDATE SET purpose = excluded.purpose, caption = excluded.caption"
    f" RETURNING {_COLUMNS}"
)


def _paper(row: Row[Any]) -> Paper:
    return Paper(**row._mapping)


async def of_application(tx: AsyncConnection, application_id: int) -> list[Paper]:
    """An application's papers, in the order in which they came."""
    query = text(f"SELECT {_COLUMNS} FROM merchant_file WHERE application_id = :id ORDER BY id")
    return [_paper(row) for row in await tx.execute(query, {"id": application_id})]


async def of_merchant(tx: AsyncConnection, merchant_id: int) -> list[Paper]:
    """A merchant's papers, those of its application among them, in the order in which they came."""
    query = text(f"SELECT {_COLUMNS} FROM merchant_file WHERE merchant_id = :id ORDER BY id")
    return [_paper(row) for row in await tx.execute(query, {"id": merchant_id})]


async def by_id(tx: AsyncConnection, file_id: int) -> Paper:
    """One paper, or `NoSuchFile`."""
    row = (await tx.execute(text(f"SELECT {_COLUMNS} FROM merchant_file WHERE id = :id"), {"id": file_id})).first()
    if row is None:
        raise NoSuchFile(file_id)
    return _paper(row)


async def content(tx: AsyncConnection, file_id: int) -> bytes:
    """What a paper that came over HTTP holds. `NoSuchFile` for one that Telegram keeps."""
    found = await tx.scalar(text("SELECT content FROM merchant_file WHERE id = :id"), {"id": file_id})
    if found is None:
        raise NoSuchFile(file_id)
    return bytes(found)


async def add(
    tx: AsyncConnection,
    *,
    application_id: int | None = None,
    merchant_id: int | None = None,
    purpose: Purpose,
    kind: str,
    given: str | None,
    content: bytes | None = None,
    unique_id: str,
    name: str | None,
    size: int,
    caption: str,
    by: str,
    now: dt.datetime,
) -> Paper:
    """Keep a file. The same content sent again to an application is one paper.

    Raises:
        FileTooLarge → TooManyFiles.
    """
    if size > SIZE_MOST:
        raise FileTooLarge(SIZE_MOST)
    if application_id is not None:
        there, most = await of_application(tx, application_id), FILES_MOST
    else:
        assert merchant_id is not None
        there, most = await of_merchant(tx, merchant_id), MERCHANT_FILES_MOST
    if len(there) >= most:
        raise TooManyFiles(most)
    values: dict[str, Any] = {
        "application": application_id,
        "merchant": merchant_id,
        "purpose": purpose,
        "kind": kind,
        "file_id": given,
        "content": content,
    }
    values |= {"unique_id": unique_id, "name": name, "size": size, "by": by, "at": now}
    row = (await tx.execute(_ADD, {**values, "caption": caption.strip()[:CAPTION_LONGEST]})).one()
    if merchant_id is not None:
        await log.write(tx, merchant_id, "file_added", who=by, at=now, purpose=purpose)
    return _paper(row)


async def hand_over(tx: AsyncConnection, application_id: int, merchant_id: int) -> None:
    """An application's papers become the merchant's."""
    query = text("UPDATE merchant_file SET merchant_id = :merchant WHERE application_id = :id")
    await tx.execute(query, {"id": application_id, "merchant": merchant_id})


async def drop(tx: AsyncConnection, application_id: int, file_id: int) -> None:
    """Take a paper out of an application."""
    query = text("DELETE FROM merchant_file WHERE id = :file AND application_id = :id")
    await tx.execute(query, {"id": application_id, "file": file_id})


async def forget(tx: AsyncConnection, application_id: int) -> None:
    """Drop all papers of an application that comes to nothing."""
    await tx.execute(text("DELETE FROM merchant_file WHERE application_id = :id"), {"id": application_id})


async def call(tx: AsyncConnection, application_id: int, file_id: int, purpose: Purpose) -> None:
    """Say what a paper of an application is to prove."""
    query = text("UPDATE merchant_file SET purpose = :purpose WHERE id = :file AND application_id = :id")
    await tx.execute(query, {"id": application_id, "file": file_id, "purpose": purpose})
