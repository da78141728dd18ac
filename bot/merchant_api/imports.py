"""Files that a merchant's systems import: received here, worked on by the leader, read back row by row."""

from __future__ import annotations

import asyncio
from typing import TYPE_CHECKING

from bot.imports import Imports
from bot.merchant_api.calls import Call, Download
from bot.merchant_api.import_models import (
    ConfirmIn,
    ImportAsked,
    ImportOut,
    ImportRowOut,
    ImportRowsAsked,
    ImportRowsOut,
    ImportTrouble,
    ReportAsked,
)
from bot.merchant_api.statements import MEDIA
from chat.csv_file import csv_file
from chat.imports import REPORT_ROWS, report, says
from chat.xlsx_file import xlsx_file
from ledger.imports import files, kinds, members, parsed, rows
from ledger.imports.files import ImportFile, Trouble
from ledger.merchants import log

if TYPE_CHECKING:
    from bot.merchant_api.world import World


async def send(call: Call, asked: ImportAsked) -> ImportOut:
    """Keep a file. Whether it has the columns of its kind is looked at now, its rows afterwards.

    Raises:
        ColumnNamesUnreadable → TooManyImports → FileUnreadable → ColumnsMissing.
    """
    named = kinds.named(asked.kind, asked.columns or "")
    file = await files.receive(
        call.tx,
        call.vault,
        merchant_id=call.merchant.id,
        kind=asked.kind,
        name=asked.name,
        by=call.key.actor,
        now=call.at.now,
        content=call.body,
        history="history" in call.key.scopes,
        at_once=not asked.dry_run,
        named=named,
    )
    parsed.head(asked.kind, call.body, file.columns)
    return _said(call, file)


async def show(call: Call, asked: None) -> ImportOut:
    """Where a file stands."""
    return _said(call, await _file(call))


async def confirm(call: Call, asked: ConfirmIn) -> ImportOut:
    """Let a file run that was tried. Refusals as in `files.confirm`."""
    before = await _file(call)
    file = await files.confirm(call.tx, call.merchant.id, before.id, by=call.key.actor, now=call.at.now)
    if before.state == "tried":
        facts = {"kind": file.kind, "rows": file.row_count, "file": file.id}
        await log.write(call.tx, call.merchant.id, "file_imported", who=call.key.actor, at=call.at.now, **facts)
    return _said(call, file)


async def page(call: Call, asked: ImportRowsAsked) -> ImportRowsOut:
    """Rows with what became of each."""
    file = await _file(call)
    found = await rows.page(
        call.tx, call.vault, file, after=asked.after or 0, limit=asked.limit, refused_only=asked.refused
    )
    codes = await members.claim_codes(call.tx, call.vault, file, found, now=call.at.now)
    said = [
        ImportRowOut(
            row=each.number,
            cells=None if each.cells is None else dict(each.cells),
            outcome=each.outcome,
            problem=_trouble(call, each.trouble),
            points=each.points,
            claim_code=codes.get(each.number),
        )
        for each in found
    ]
    return ImportRowsOut(rows=said, next=str(found[-1].number) if len(found) == asked.limit else None)


async def download(call: Call, asked: ReportAsked) -> Download:
    """Rows as a table, in the reader's language; nothing in it is run as a formula."""
    file = await _file(call)
    found = await rows.page(call.tx, call.vault, file, after=asked.after or 0, limit=REPORT_ROWS)
    codes = await members.claim_codes(call.tx, call.vault, file, found, now=call.at.now)
    table = report(file, found, codes, call.speaker)
    # A workbook of thousands of rows takes a while, and tills are waiting.
    made = asyncio.to_thread(xlsx_file, table, f"import-{file.id}") if asked.format == "xlsx" else None
    content = csv_file(table) if made is None else await made
    return Download(f"import-{file.id}.{asked.format}", content, MEDIA[asked.format])


async def settle(world: World) -> None:
    """In a sandbox nobody leads: what was sent is worked on before the answer comes."""
    working = Imports(world.engines.turns, world.vault, world.clock, _no_telegram)
    while await working.step():
        pass


async def _no_telegram(file_id: str) -> bytes:
    raise LookupError("files come to a sandbox over HTTP")


async def _file(call: Call) -> ImportFile:
    return await files.one(call.tx, call.merchant.id, int(call.path["import"]))


def _said(call: Call, file: ImportFile) -> ImportOut:
    return ImportOut(
        id=file.id,
        kind=file.kind,
        state=file.state,
        name=file.name,
        rows=file.row_count,
        good=file.good,
        known=file.known,
        bad=file.bad,
        points=file.points,
        problem=_trouble(call, file.trouble),
        received_at=file.made_at,
        done_at=file.done_at,
    )


def _trouble(call: Call, why: Trouble | None) -> ImportTrouble | None:
    return None if why is None else ImportTrouble(code=why.code, detail=call.speaker.plain(says(why)))
