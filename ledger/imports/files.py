"""Files and where they stand. A change of state is one statement that says which state it leaves: none happens twice."""

from __future__ import annotations

import base64
import datetime as dt
import hashlib
import json
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any, ClassVar, Literal

from sqlalchemy import Row, text
from sqlalchemy.ext.asyncio import AsyncConnection

from ledger.errors import Refusal
from ledger.imports.kinds import Kind
from ledger.imports.reading import BYTES_MOST, ImportTooLarge
from ledger.members.vault import Vault

State = Literal["sent", "received", "read", "tried", "running", "done", "refused", "dropped", "stopped"]
"""sent: Telegram has it · received: its content is here · read: being tried · tried: waits for a yes · running · done · refused: as
a whole · dropped: its sender thought better of it · stopped: it came to nothing several times in a row; a yes goes on with it."""

UNDER_WAY_MOST = 10
"""Files of one merchant that are being worked on."""
WAITING_MOST = 50
"""And that wait for a yes."""
NAME_LONGEST = 80
KEPT_DAYS = 90
"""After so long nobody can read what a file said; how it ended stays."""


@dataclass(eq=False)
class NoSuchImport(Refusal):
    """The merchant sent no such file."""

    import_id: int


@dataclass(eq=False)
class TooManyImports(Refusal):
    """So many of this merchant's files are under way or wait already."""

    most: int
    may_succeed_later: ClassVar[bool] = True


@dataclass(eq=False)
class ImportNotReady(Refusal):
    """It is still being read and tried (`state`)."""

    state: State
    may_succeed_later: ClassVar[bool] = True


@dataclass(eq=False)
class ImportOver(Refusal):
    """It was refused or dropped (`state`)."""

    state: State


@dataclass(frozen=True, slots=True)
class Trouble:
    """Why a file was refused, or a row: a stable code, and the words in both languages."""

    code: str
    zh: str
    en: str


@dataclass(frozen=True, slots=True)
class ImportFile:
    """A file. `good`, `known`, `bad` count its rows in this phase, trial or work; `points` are issued in it, or would be.

    `key` None: what it said was forgotten.
    """

    id: int
    merchant_id: int
    kind: Kind
    name: str | None
    size: int
    digest: bytes | None
    sent_by: str
    member_id: int | None
    history: bool
    at_once: bool
    columns: Mapping[str, str]
    key: bytes | None
    state: State
    tries: int
    trouble: Trouble | None
    row_count: int
    unread_count: int
    place: int
    good: int
    known: int
    bad: int
    points: int
    made_at: dt.datetime
    tried_at: dt.datetime | None
    confirmed_at: dt.datetime | None
    confirmed_by: str | None
    done_at: dt.datetime | None

    @property
    def worked(self) -> int:
        """How many of its rows this phase has decided."""
        return self.good + self.known + self.bad

    @property
    def actor(self) -> str:
        """Whose doing it is, as entries record it."""
        return self.confirmed_by or self.sent_by


UNDER_WAY = "('sent', 'received', 'read', 'running')"
FIELDS = """
    id, merchant_id, kind, name, size, digest, sent_by, member_id, history, at_once, columns, key, state, tries, error, row_count,
    unread_count, place, good, known, bad, points, made_at, tried_at, confirmed_at, confirmed_by, done_at
"""


def from_row(row: Row[Any]) -> ImportFile:
    """A file of a row with `FIELDS`."""
    fields = dict(row._mapping)
    fields.pop("content", None)
    error = fields.pop("error")
    fields["trouble"] = Trouble(**error) if error else None
    fields["key"] = None if row.key is None else bytes(row.key)
    fields["digest"] = None if row.digest is None else bytes(row.digest)
    return ImportFile(**fields)


async def receive(
    tx: AsyncConnection,
    vault: Vault,
    *,
    merchant_id: int,
    kind: Kind,
    name: str | None,
    by: str,
    now: dt.datetime,
    content: bytes | None = None,
    telegram_file: str | None = None,
    size: int = 0,
    member_id: int | None = None,
    history: bool = False,
    at_once: bool = False,
    named: Mapping[str, str] | None = None,
) -> ImportFile:
    """Keep a file: its content, or Telegram's id of it, which is fetched afterwards.

    `named` are columns by field as its sender names them; they are remembered for the merchant's next file of this kind.

    Raises:
        ImportTooLarge → TooManyImports.
    """
    size = len(content) if content is not None else size
    if size > BYTES_MOST:
        raise ImportTooLarge(BYTES_MOST)
    await tx.execute(
        text("SELECT pg_advisory_xact_lock(hashtextextended('imports:' || :id, 0))"), {"id": str(merchant_id)}
    )
    counted = text(
        f"SELECT count(*) FILTER (WHERE state IN {UNDER_WAY}) AS under_way, count(*) FILTER (WHERE state = 'tried') AS waiting"
        f" FROM import_file WHERE merchant_id = :id AND (state IN {UNDER_WAY} OR state = 'tried')"
    )
    there = (await tx.execute(counted, {"id": merchant_id})).one()
    if there.under_way >= UNDER_WAY_MOST or there.waiting >= WAITING_MOST:
        raise TooManyImports(UNDER_WAY_MOST if there.under_way >= UNDER_WAY_MOST else WAITING_MOST)
    key = vault.new_key()
    values: dict[str, Any] = {"merchant": merchant_id, "kind": kind, "name": name[:NAME_LONGEST] if name else None}
    values |= {"by": by, "member": member_id, "history": history, "at_once": at_once, "now": now, "size": size}
    values |= {"columns": json.dumps(await _columns(tx, merchant_id, kind, named, now)), "key": key}
    values |= {"file": telegram_file, "state": "sent" if content is None else "received"}
    values |= {"content": None if content is None else sealed(vault, key, content)}
    values |= {"digest": None if content is None else hashlib.sha256(content).digest()}
    add = text(
        "INSERT INTO import_file (merchant_id, kind, name, size, digest, sent_by, member_id, history, at_once, columns,"
        " telegram_file, key, content, state, made_at) VALUES (:merchant, :kind, :name, :size, :digest, :by, :member, :history,"
        f" :at_once, CAST(:columns AS jsonb), :file, :key, :content, :state, :now) RETURNING {FIELDS}"
    )
    return from_row((await tx.execute(add, values)).one())


async def _columns(
    tx: AsyncConnection, merchant_id: int, kind: Kind, named: Mapping[str, str] | None, now: dt.datetime
) -> Mapping[str, str]:
    """How this merchant names the columns of such files, from now on."""
    if named:
        keep = text(
            "INSERT INTO import_columns (merchant_id, kind, columns, at) VALUES (:id, :kind, CAST(:columns AS jsonb), :now)"
            " ON CONFLICT (merchant_id, kind) DO UPDATE SET columns = excluded.columns, at = excluded.at"
        )
        await tx.execute(keep, {"id": merchant_id, "kind": kind, "columns": json.dumps(dict(named)), "now": now})
        return named
    found = text("SELECT columns FROM import_columns WHERE merchant_id = :id AND kind = :kind")
    return dict(await tx.scalar(found, {"id": merchant_id, "kind": kind}) or {})


def sealed(vault: Vault, key: bytes, content: bytes) -> bytes:
    """A file's content as it is kept."""
    return vault.seal(key, {"content": base64.b64encode(content).decode()})


async def one(tx: AsyncConnection, merchant_id: int, import_id: int) -> ImportFile:
    """One file of a merchant's. `NoSuchImport`."""
    query = text(f"SELECT {FIELDS} FROM import_file WHERE id = :id AND merchant_id = :merchant")
    row = (await tx.execute(query, {"id": import_id, "merchant": merchant_id})).first()
    if row is None:
        raise NoSuchImport(import_id)
    return from_row(row)


async def latest(tx: AsyncConnection, merchant_id: int, *, limit: int) -> list[ImportFile]:
    """A merchant's files, newest first."""
    query = text(f"SELECT {FIELDS} FROM import_file WHERE merchant_id = :merchant ORDER BY id DESC LIMIT :limit")
    return [from_row(row) for row in await tx.execute(query, {"merchant": merchant_id, "limit": limit})]


async def same_before(tx: AsyncConnection, file: ImportFile) -> ImportFile | None:
    """The last file of this merchant with the same content that was imported before this one came."""
    query = text(
        f"SELECT {FIELDS} FROM import_file WHERE merchant_id = :merchant AND kind = :kind AND digest = :digest AND id < :id"
        " AND state = 'done' ORDER BY id DESC LIMIT 1"
    )
    values = {"merchant": file.merchant_id, "kind": file.kind, "digest": file.digest, "id": file.id}
    row = (await tx.execute(query, values)).first()
    return None if row is None else from_row(row)


# -- its sender says yes or no


async def confirm(tx: AsyncConnection, merchant_id: int, import_id: int, *, by: str, now: dt.datetime) -> ImportFile:
    """Let a file that was tried run. One that runs or is done is left as it is; one that had stopped goes on.

    Raises:
        NoSuchImport → ImportNotReady → ImportOver.
    """
    query = text(
        "UPDATE import_file SET state = 'running', error = NULL, tries = 0, worked_at = :now,"
        " place = CASE WHEN state = 'tried' THEN 0 ELSE place END, good = CASE WHEN state = 'tried' THEN 0 ELSE good END,"
        " known = CASE WHEN state = 'tried' THEN 0 ELSE known END, bad = CASE WHEN state = 'tried' THEN unread_count ELSE bad END,"
        " points = CASE WHEN state = 'tried' THEN 0 ELSE points END, confirmed_at = coalesce(confirmed_at, :now),"
        " confirmed_by = coalesce(confirmed_by, :by)"
        " WHERE id = :id AND merchant_id = :merchant AND state IN ('tried', 'stopped') AND key IS NOT NULL"
        f" RETURNING {FIELDS}"
    )
    values = {"id": import_id, "merchant": merchant_id, "by": by, "now": now}
    row = (await tx.execute(query, values)).first()
    if row is not None:
        return from_row(row)
    file = await one(tx, merchant_id, import_id)
    if file.state in ("sent", "received", "read"):
        raise ImportNotReady(file.state)
    if file.state not in ("running", "done"):
        raise ImportOver(file.state)
    return file


async def drop(tx: AsyncConnection, merchant_id: int, import_id: int, *, now: dt.datetime) -> ImportFile:
    """Let nothing come of a file that has not begun to run, and forget what it said.

    Raises:
        NoSuchImport → ImportNotReady (it is being read, or runs).
    """
    query = text(
        "UPDATE import_file SET state = 'dropped', key = NULL, content = NULL, telegram_file = NULL, done_at = :now"
        f" WHERE id = :id AND merchant_id = :merchant AND state IN ('sent', 'received', 'read', 'tried') RETURNING {FIELDS}"
    )
    row = (await tx.execute(query, {"id": import_id, "merchant": merchant_id, "now": now})).first()
    if row is not None:
        await tx.execute(text("DELETE FROM import_row WHERE import_id = :id"), {"id": import_id})
        return from_row(row)
    file = await one(tx, merchant_id, import_id)
    if file.state == "dropped":
        return file
    raise ImportNotReady(file.state) if file.state == "running" else ImportOver(file.state)


async def forget_old(tx: AsyncConnection, *, now: dt.datetime, limit: int) -> int:
    """Drop keys and rows' boxes of files that ended long ago. How many files."""
    query = text(
        "UPDATE import_file SET key = NULL WHERE id IN (SELECT id FROM import_file WHERE key IS NOT NULL AND made_at < :before"
        " AND state IN ('tried', 'done', 'refused', 'stopped') ORDER BY id LIMIT :limit) RETURNING id"
    )
    gone = list(await tx.scalars(query, {"before": now - dt.timedelta(days=KEPT_DAYS), "limit": limit}))
    await tx.execute(text("UPDATE import_row SET box = NULL WHERE import_id = ANY (:ids)"), {"ids": gone})
    return len(gone)
