"""Photos of offers that merchants sent in chat: small JPEGs kept here, so that they outlive a bot's token, by names that say their
content. The same picture is kept once, and what a name shows never changes.
"""

from __future__ import annotations

import datetime as dt
import hashlib
from dataclasses import dataclass

from sqlalchemy import text
from sqlalchemy.ext.asyncio import AsyncConnection

BYTES_MOST = 300_000
PREFIX = "photo-"
"""Begins the names of what is kept here."""

TRIES_MOST = 5
TRIED_AGAIN_SECONDS = 20

_KEEP = text(
    "INSERT INTO offer_photo (name, merchant_id, content, made_at) VALUES (:name, :merchant, :content, :now)"
    " ON CONFLICT (name) DO NOTHING"
)
_CONTENT = text("SELECT content FROM offer_photo WHERE name = :name")
# What is asked for is put off, so that a fetch which dies with its process is tried again.
_NEXT = text(
    "UPDATE offer_draft SET photo_tries = photo_tries + 1, photo_due = CAST(:now AS timestamptz) + :pause"
    " WHERE (merchant_id, member_id) IN (SELECT merchant_id, member_id FROM offer_draft"
    "  WHERE photo_file IS NOT NULL AND photo_due <= :now ORDER BY photo_due LIMIT 1 FOR UPDATE SKIP LOCKED)"
    " RETURNING merchant_id, member_id, photo_file, photo_tries"
)
_ANY = text("SELECT EXISTS (SELECT FROM offer_draft WHERE photo_file IS NOT NULL AND photo_due <= :now)")
_DONE = text(
    "UPDATE offer_draft SET photo_file = NULL, photo_due = NULL, photo_tries = 0,"
    " document = CASE WHEN CAST(:name AS text) IS NULL THEN document"
    "  ELSE jsonb_set(document, '{photo}', to_jsonb(CAST(:name AS text))) END"
    " WHERE merchant_id = :merchant AND member_id = :member AND photo_file = :file"
)


@dataclass(frozen=True, slots=True)
class Asked:
    """A picture that was sent for a draft; `tries` counts this one."""

    merchant_id: int
    member_id: int
    file_id: str
    tries: int


async def any_waiting(tx: AsyncConnection, *, now: dt.datetime) -> bool:
    """Whether there is a picture to fetch."""
    return bool(await tx.scalar(_ANY, {"now": now}))


async def to_fetch(tx: AsyncConnection, *, now: dt.datetime) -> Asked | None:
    """The picture that has waited longest; it comes again after a while unless it is `arrived` or `failed` by then."""
    row = (await tx.execute(_NEXT, {"now": now, "pause": dt.timedelta(seconds=TRIED_AGAIN_SECONDS)})).first()
    return None if row is None else Asked(*row)


async def keep(tx: AsyncConnection, merchant_id: int, content: bytes, *, now: dt.datetime) -> str:
    """Keep a JPEG of at most `BYTES_MOST`; its name."""
    name = f"{PREFIX}{hashlib.sha256(content).hexdigest()[:32]}"
    await tx.execute(_KEEP, {"name": name, "merchant": merchant_id, "content": content, "now": now})
    return name


async def arrived(tx: AsyncConnection, asked: Asked, name: str) -> bool:
    """Put what was kept into its draft. False: the draft is gone, or another picture was sent since."""
    return await _done(tx, asked, name)


async def failed(tx: AsyncConnection, asked: Asked) -> bool:
    """Wait for it no more; the draft keeps the picture that it had. False as in `arrived`."""
    return await _done(tx, asked, None)


async def _done(tx: AsyncConnection, asked: Asked, name: str | None) -> bool:
    values = {"merchant": asked.merchant_id, "member": asked.member_id, "file": asked.file_id, "name": name}
    return (await tx.execute(_DONE, values)).rowcount > 0


async def content(tx: AsyncConnection, name: str) -> bytes | None:
    """A photo's JPEG; None where there is none of this name."""
    found = await tx.scalar(_CONTENT, {"name": name})
    return None if found is None else bytes(found)
