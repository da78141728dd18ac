"""Documents being written in chat: one draft of a kind for each person at a merchant, which waits until it is published, dropped or
forgotten. What an offer's and a privilege's drafts share; their rules are in files of their own.

A draft is the JSON of a document as far as it is written. One of a change names the version that it began with: publishing it over
a later one is refused, and its changes can be carried over. Whoever reads a draft in a turn locks it.
"""

from __future__ import annotations

import datetime as dt
import json
from collections.abc import Awaitable, Callable, Mapping
from dataclasses import dataclass
from typing import Any, Generic, TypeVar

from sqlalchemy import text
from sqlalchemy.ext.asyncio import AsyncConnection

from ledger.errors import Refusal

KEPT_DAYS = 30
"""How long a draft waits that nobody touches."""

Document = dict[str, Any]


@dataclass(frozen=True, slots=True)
class Draft:
    """What somebody is writing. `subject_id` and `base_version` None: something new; `guide`: what is asked next of it.
    `photo_waits`: a picture is being fetched."""

    merchant_id: int
    member_id: int
    subject_id: int | None
    base_version: int | None
    document: Document
    guide: str | None
    nonce: str
    touched_at: dt.datetime
    photo_waits: bool = False


@dataclass(frozen=True, slots=True)
class Published:
    """What is there to be changed: whose it is, and its latest version as drafts hold it."""

    merchant_id: int
    version: int
    document: Document


D = TypeVar("D", bound=Draft)


class Drafts(Generic[D]):
    """Where the drafts of one kind are kept.

    Args:
        subject: the table's column that names what a draft changes.
        none, in_the_way: refusals, for a merchant's id; the second also takes what the other draft changes.
        published: what can be changed, as it is now.
        unknown: the refusal that a merchant has nothing of that id.
        base: the document that a draft of a change began with.
        photos: whether pictures are fetched for them.
    """

    def __init__(
        self,
        table: str,
        subject: str,
        draft: Callable[..., D],
        *,
        none: Callable[[int], Refusal],
        in_the_way: Callable[[int, int | None], Refusal],
        published: Callable[[AsyncConnection, int], Awaitable[Published]],
        unknown: Callable[[int], Refusal],
        base: Callable[[AsyncConnection, D], Awaitable[Document]],
        photos: bool = False,
    ) -> None:
        self._draft, self._none, self._in_the_way, self._base = draft, none, in_the_way, base
        self._published, self._unknown = published, unknown
        whose = "merchant_id = :merchant AND member_id = :member"
        picture = ", photo_file IS NOT NULL" if photos else ""
        # What is begun anew waits for no picture.
        no_picture = ", photo_file = NULL, photo_due = NULL, photo_tries = 0" if photos else ""
        columns = f"merchant_id, member_id, {subject}, base_version, document, guide, nonce, touched_at"
        anew = ("document", "guide", "nonce", "touched_at", "base_version", subject)
        self._find = text(f"SELECT {columns}{picture} FROM {table} WHERE {whose} FOR UPDATE")
        self._begin = text(
            f"INSERT INTO {table} ({columns})"
            " VALUES (:merchant, :member, :subject, :base, CAST(:document AS jsonb), :guide, :nonce, :now)"
            " ON CONFLICT (merchant_id, member_id) DO UPDATE SET "
            + ", ".join(f"{each} = excluded.{each}" for each in anew)
            + no_picture
        )
        self._keep = text(
            f"UPDATE {table} SET document = CAST(:document AS jsonb), guide = :guide, base_version = :base,"
            f" touched_at = :now WHERE {whose}"
        )
        self._drop = text(f"DELETE FROM {table} WHERE {whose}")

    async def find(self, tx: AsyncConnection, merchant_id: int, member_id: int) -> D | None:
        """What this person is writing for this merchant, locked until the turn ends."""
        row = (await tx.execute(self._find, {"merchant": merchant_id, "member": member_id})).first()
        return None if row is None else self._draft(*tuple(row))

    async def mine(self, tx: AsyncConnection, merchant_id: int, member_id: int) -> D:
        """The same, or the refusal that there is none."""
        found = await self.find(tx, merchant_id, member_id)
        if found is None:
            raise self._none(merchant_id)
        return found

    async def changes(self, tx: AsyncConnection, draft: D) -> Document:
        """What a draft says otherwise than its beginning: the document's parts, None for those that it has no more."""
        base = {} if draft.subject_id is None else await self._base(tx, draft)
        parts = {*base, *draft.document}
        return {part: draft.document.get(part) for part in parts if draft.document.get(part) != base.get(part)}

    async def unfinished(self, tx: AsyncConnection, merchant_id: int, member_id: int) -> D | None:
        """The draft that there is something to lose of: of something new, or one that changes something."""
        there = await self.find(tx, merchant_id, member_id)
        if there is None or there.subject_id is None or there.photo_waits or await self.changes(tx, there):
            return there
        return None

    async def _free(self, tx: AsyncConnection, merchant_id: int, member_id: int, subject_id: int | None) -> D | None:
        """The unfinished draft of this very thing; any other is in the way."""
        there = await self.unfinished(tx, merchant_id, member_id)
        if there is not None and (there.subject_id is None or there.subject_id != subject_id):
            raise self._in_the_way(merchant_id, there.subject_id)
        return there

    async def begin(
        self,
        tx: AsyncConnection,
        *,
        merchant_id: int,
        member_id: int,
        document: Document,
        subject: tuple[int, int] | None = None,
        guide: str | None,
        nonce: str,
        now: dt.datetime,
    ) -> D:
        """Begin one with what is known of it, or go on with a change of the same thing; another unfinished one is in the way.

        Args:
            subject: what it changes, and the version that it begins with; None: something new.
        """
        subject_id, base = subject or (None, None)
        if (there := await self._free(tx, merchant_id, member_id, subject_id)) is not None:
            return there
        values = {"merchant": merchant_id, "member": member_id, "subject": subject_id, "base": base, "guide": guide}
        await tx.execute(self._begin, {**values, "nonce": nonce, "now": now, "document": json.dumps(document)})
        return await self.mine(tx, merchant_id, member_id)

    async def begin_change(
        self, tx: AsyncConnection, subject_id: int, *, merchant_id: int, member_id: int, nonce: str, now: dt.datetime
    ) -> D:
        """Begin to change what is published, or go on with a change of it. The refusals `unknown`, `in_the_way`."""
        this = await self._published(tx, subject_id)
        if this.merchant_id != merchant_id:
            raise self._unknown(subject_id)
        return await self.begin(
            tx,
            merchant_id=merchant_id,
            member_id=member_id,
            document=this.document,
            subject=(subject_id, this.version),
            guide=None,
            nonce=nonce,
            now=now,
        )

    async def keep(
        self,
        tx: AsyncConnection,
        draft: D,
        document: Mapping[str, Any],
        *,
        guide: str | None,
        now: dt.datetime,
    ) -> D:
        """Write a document that was checked, and what is asked next."""
        values = {"merchant": draft.merchant_id, "member": draft.member_id, "guide": guide, "now": now}
        await tx.execute(self._keep, {**values, "base": draft.base_version, "document": json.dumps(document)})
        return await self.mine(tx, draft.merchant_id, draft.member_id)

    async def drop(self, tx: AsyncConnection, merchant_id: int, member_id: int) -> None:
        """Forget what this person was writing; where there is nothing, nothing."""
        await tx.execute(self._drop, {"merchant": merchant_id, "member": member_id})


def merged(document: Mapping[str, Any], parts: Mapping[str, Any]) -> Document:
    """A document with some parts said anew; those that are None are taken away."""
    return {part: said for part, said in {**document, **parts}.items() if said is not None}
