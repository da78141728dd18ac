"""A file on its way: its content comes, its rows are kept, chunk after chunk is worked on, and what fails again and again stops."""

from __future__ import annotations

import base64
import datetime as dt
import hashlib
import json
from collections.abc import Sequence
from typing import Any, NamedTuple

from sqlalchemy import text
from sqlalchemy.ext.asyncio import AsyncConnection

from ledger.imports.files import FIELDS, UNDER_WAY, ImportFile, Trouble, from_row, sealed
from ledger.imports.kinds import Kind, without_secrets
from ledger.imports.parsed import ParsedRow
from ledger.members.vault import Vault

FETCH_SECONDS = 60
TRIES_MOST = 5
ROWS_AT_ONCE = 1_000


async def any_under_way(tx: AsyncConnection) -> bool:
    """Whether there is anything to do for anybody."""
    return bool(await tx.scalar(text(f"SELECT EXISTS (SELECT FROM import_file WHERE state IN {UNDER_WAY})")))


class ToFetch(NamedTuple):
    """A file whose content Telegram has; `tries` counts this one."""

    id: int
    merchant_id: int
    telegram_file: str
    tries: int


async def to_fetch(tx: AsyncConnection, *, now: dt.datetime) -> ToFetch | None:
    """A file to be fetched; nobody else is given it for a minute."""
    query = text(
        "UPDATE import_file SET fetch_after = :later, tries = tries + 1 WHERE id = (SELECT id FROM import_file"
        " WHERE state = 'sent' AND (fetch_after IS NULL OR fetch_after <= :now) ORDER BY id LIMIT 1 FOR UPDATE SKIP LOCKED)"
        " RETURNING id, merchant_id, telegram_file, tries"
    )
    row = (await tx.execute(query, {"now": now, "later": now + dt.timedelta(seconds=FETCH_SECONDS)})).first()
    return None if row is None else ToFetch(*row)


async def arrived(tx: AsyncConnection, vault: Vault, import_id: int, content: bytes) -> None:
    """The content of a file that Telegram had. Nothing where it has come already."""
    query = text("SELECT key FROM import_file WHERE id = :id AND state = 'sent' FOR UPDATE")
    key = await tx.scalar(query, {"id": import_id})
    if key is None:
        return
    values = {"id": import_id, "content": sealed(vault, bytes(key), content), "size": len(content)}
    update = text(
        "UPDATE import_file SET state = 'received', telegram_file = NULL, fetch_after = NULL, tries = 0, content = :content,"
        " digest = :digest, size = :size WHERE id = :id"
    )
    await tx.execute(update, {**values, "digest": hashlib.sha256(content).digest()})


async def to_read(tx: AsyncConnection, vault: Vault) -> tuple[ImportFile, bytes] | None:
    """A file whose rows are not kept yet, with its content."""
    query = text(
        f"SELECT {FIELDS}, content FROM import_file WHERE state = 'received' AND tries < :most ORDER BY id LIMIT 1"
    )
    row = (await tx.execute(query, {"most": TRIES_MOST})).first()
    if row is None:
        return None
    file = from_row(row)
    return file, base64.b64decode(vault.open(bytes(row.key), bytes(row.content))["content"])


async def keep_rows(
    tx: AsyncConnection,
    vault: Vault,
    file: ImportFile,
    rows: Sequence[tuple[ParsedRow, Trouble | None]],
    *,
    now: dt.datetime,
) -> None:
    """Keep what a file says, each row sealed; its content goes. Nothing where another did so already."""
    query = text("SELECT key FROM import_file WHERE id = :id AND state = 'received' FOR UPDATE")
    key = await tx.scalar(query, {"id": file.id})
    if key is None:
        return
    add = text(
        "INSERT INTO import_row (import_id, number, unit, box, outcome, code, words) SELECT :id, n, u, b,"
        " CASE WHEN u IS NULL THEN 'refused' ELSE 'waiting' END, c, w FROM unnest(CAST(:numbers AS integer[]),"
        " CAST(:units AS integer[]), CAST(:boxes AS bytea[]), CAST(:codes AS text[]), CAST(:words AS jsonb[])) AS r(n, u, b, c, w)"
    )
    for start in range(0, len(rows), ROWS_AT_ONCE):
        part = rows[start : start + ROWS_AT_ONCE]
        values: dict[str, Any] = {"numbers": [row.number for row, _ in part], "units": [row.unit for row, _ in part]}
        values |= {"boxes": [vault.seal(bytes(key), _kept(file.kind, row)) for row, _ in part]}
        values |= {"codes": [no.code if no else None for _, no in part]}
        values |= {"words": [json.dumps([no.zh, no.en], ensure_ascii=False) if no else None for _, no in part]}
        await tx.execute(add, {"id": file.id, **values})
    unread = sum(row.unit is None for row, _ in rows)
    update = text(
        "UPDATE import_file SET state = CASE WHEN at_once THEN 'running' ELSE 'read' END, content = NULL, tries = 0,"
        " row_count = :count, unread_count = :unread, bad = :unread, worked_at = :now,"
        " confirmed_at = CASE WHEN at_once THEN CAST(:now AS timestamptz) END, confirmed_by = CASE WHEN at_once THEN sent_by END"
        " WHERE id = :id"
    )
    await tx.execute(update, {"id": file.id, "count": len(rows), "unread": unread, "now": now})


def _kept(kind: Kind, row: ParsedRow) -> dict[str, str]:
    """What is kept of a row: a secret only as long as something is to be done with it."""
    return dict(row.cells) if row.unit is not None else without_secrets(kind, row.cells)


async def refuse(tx: AsyncConnection, import_id: int, why: Trouble, *, now: dt.datetime) -> bool:
    """It comes to nothing as a whole, and nothing of it is kept. False where it had got further."""
    query = text(
        "UPDATE import_file SET state = 'refused', error = CAST(:error AS jsonb), telegram_file = NULL, content = NULL, key = NULL,"
        " done_at = :now WHERE id = :id AND state IN ('sent', 'received') RETURNING id"
    )
    return await tx.scalar(query, {"id": import_id, "error": _error(why), "now": now}) is not None


def _error(why: Trouble) -> str:
    return json.dumps({"code": why.code, "zh": why.zh, "en": why.en}, ensure_ascii=False)


async def next_up(tx: AsyncConnection) -> ImportFile | None:
    """The file under way that has waited longest, its row locked; None where there is none that nobody works on."""
    query = text(
        f"SELECT {FIELDS} FROM import_file WHERE state IN ('read', 'running') ORDER BY worked_at, id LIMIT 1"
        " FOR UPDATE SKIP LOCKED"
    )
    row = (await tx.execute(query)).first()
    return None if row is None else from_row(row)


async def went_on(
    tx: AsyncConnection, file: ImportFile, *, place: int, good: int, known: int, bad: int, points: int, now: dt.datetime
) -> None:
    """So many more rows were decided, up to `place`."""
    query = text(
        "UPDATE import_file SET place = :place, good = good + :good, known = known + :known, bad = bad + :bad,"
        " points = points + :points, tries = 0, worked_at = :now WHERE id = :id"
    )
    values = {"id": file.id, "place": place, "good": good, "known": known, "bad": bad, "points": points, "now": now}
    await tx.execute(query, values)


async def ended(tx: AsyncConnection, file: ImportFile, *, now: dt.datetime) -> ImportFile:
    """Every row is decided: it was tried, or is done."""
    query = text(
        "UPDATE import_file SET state = CASE WHEN state = 'read' THEN 'tried' ELSE 'done' END,"
        " tried_at = CASE WHEN state = 'read' THEN CAST(:now AS timestamptz) ELSE tried_at END,"
        f" done_at = CASE WHEN state = 'running' THEN CAST(:now AS timestamptz) END WHERE id = :id RETURNING {FIELDS}"
    )
    return from_row((await tx.execute(query, {"id": file.id, "now": now})).one())


async def failed(tx: AsyncConnection, import_id: int, why: Trouble, *, now: dt.datetime) -> ImportFile | None:
    """A piece of work on a file failed. After several in a row it stops: then it is given back, to be told of."""
    query = text(
        "UPDATE import_file SET tries = tries + 1, worked_at = :now,"
        " state = CASE WHEN tries + 1 < :most THEN state WHEN state = 'running' THEN 'stopped' ELSE 'refused' END,"
        " content = CASE WHEN tries + 1 < :most THEN content END,"
        " error = CASE WHEN tries + 1 < :most THEN error ELSE CAST(:error AS jsonb) END"
        f" WHERE id = :id AND state IN ('received', 'read', 'running') RETURNING {FIELDS}"
    )
    values = {"id": import_id, "now": now, "most": TRIES_MOST, "error": _error(why)}
    row = (await tx.execute(query, values)).first()
    return from_row(row) if row is not None and row.state in ("stopped", "refused") else None
