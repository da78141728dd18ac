"""Files that merchants import: each call does the next piece of one of them, a chunk of rows, in one transaction with its place.

Files take turns. What a killed chunk had done is gone with its transaction; one that is done twice finds everything there. Nightly,
what old files said is forgotten.
"""

from __future__ import annotations

import datetime as dt
from collections.abc import Sequence

from sqlalchemy import text
from sqlalchemy.ext.asyncio import AsyncConnection

from chat import imports as words
from chat import known, vouchers
from chat.csv_file import csv_file
from chat.screen import File, Screen, screen
from chat.words import Speaker
from jobs.duty import Chunk, Duty, Progress, Slot
from ledger.errors import Refusal
from ledger.imports import files, members, progress, rows, work
from ledger.imports.files import ImportFile, Trouble
from ledger.imports.parsed import ParsedRow, parse
from ledger.imports.rows import Decided, Unit
from ledger.imports.working import Happened
from ledger.members.vault import Vault
from ledger.merchants import merchant as merchants
from ledger.points.commands import Moment
from ledger.redeeming import offline

UNITS_PER_CHUNK = 250
FORGOTTEN_PER_CHUNK = 20

_LANGUAGE = text("SELECT coalesce(language, telegram_language, 'zh') FROM member WHERE id = :id")


class PieceFailed(Exception):
    """A piece of work on a file raised what it should not; the cause says what."""

    def __init__(self, import_id: int) -> None:
        super().__init__(import_id)
        self.import_id = import_id


Read = list[tuple[ParsedRow, Trouble | None]]
"""The rows of a file, with what is wrong with those that can't be read."""


def read(file: ImportFile, content: bytes, *, at: Moment, zone: dt.tzinfo) -> Read | Trouble:
    """What a file says, or why it can't be read. Takes seconds for a long one: for a thread of its own."""
    try:
        found = parse(file.kind, content, file.columns, work.when(file, at, zone))
    except Refusal as no:
        return words.trouble(no, today=at.today, zone=zone)
    return [(row, words.trouble(row.refusal, today=at.today, zone=zone) if row.refusal else None) for row in found]


async def keep(chunk: Chunk, file: ImportFile, found: Read | Trouble, *, vault: Vault) -> None:
    """Keep what a file says, or why it can't be read; its sender is told of that."""
    if isinstance(found, Trouble):
        await refuse(chunk, file.id, file.merchant_id, found)
    else:
        await progress.keep_rows(chunk.tx, vault, file, found, now=chunk.at.now)


async def refuse(chunk: Chunk, import_id: int, merchant_id: int, why: Trouble) -> None:
    """A file comes to nothing as a whole."""
    if await progress.refuse(chunk.tx, import_id, why, now=chunk.at.now):
        file = await files.one(chunk.tx, merchant_id, import_id)
        await tell(chunk, file, await standing(chunk.tx, file))


async def work_on(chunk: Chunk, *, vault: Vault, zone: dt.tzinfo) -> bool:
    """Do the next piece of work on the file that has waited longest. False: nothing waits.

    Raises:
        PieceFailed.
    """
    file = await progress.next_up(chunk.tx)
    if file is None:
        return False
    try:
        await _piece(chunk, file, vault, zone)
    except Exception as error:
        raise PieceFailed(file.id) from error
    return True


async def _piece(chunk: Chunk, file: ImportFile, vault: Vault, zone: dt.tzinfo) -> None:
    units = await rows.units(chunk.tx, vault, file, limit=UNITS_PER_CHUNK)
    if not units:
        await _end(chunk, await progress.ended(chunk.tx, file, now=chunk.at.now), vault, zone)
        return
    act = work.do if file.state == "running" else work.attempt
    happened = await act(chunk.tx, file, units, at=chunk.at, zone=zone, vault=vault)
    decided = [_decided(file, unit, each, chunk.at.today, zone) for unit, each in zip(units, happened, strict=True)]
    await rows.decide(chunk.tx, file, decided)
    if file.state == "running" and file.kind in ("codes", "used_vouchers"):
        await rows.hide_secrets(chunk.tx, vault, file, units)
    if file.state == "running" and file.kind == "used_vouchers":
        made = [each.result_id for each in happened if each.how == "done" and each.result_id is not None]
        for used in await offline.these(chunk.tx, made):
            chunk.tell(used.member_id, vouchers.used_notice(used), key=f"voucher-used:{used.id}")
    sizes = [len(unit.rows) for unit in units]
    await progress.went_on(
        chunk.tx,
        file,
        place=units[-1].number,
        good=sum(n for n, each in zip(sizes, decided, strict=True) if each.outcome in ("would", "done")),
        known=sum(n for n, each in zip(sizes, decided, strict=True) if each.outcome == "already"),
        bad=sum(n for n, each in zip(sizes, decided, strict=True) if each.outcome == "refused"),
        points=sum(each.points or 0 for each in decided if each.outcome in ("would", "done")),
        now=chunk.at.now,
    )


def _decided(file: ImportFile, unit: Unit, happened: Happened, today: dt.date, zone: dt.tzinfo) -> Decided:
    if isinstance(happened.how, Refusal):
        return Decided(unit.number, "refused", words.trouble(happened.how, today=today, zone=zone))
    running = file.state == "running"
    outcome: rows.Outcome = "already" if happened.how == "already" else "done" if running else "would"
    # What a trial made is gone again; what it met is there.
    made = happened.result_id if running or outcome == "already" else None
    return Decided(unit.number, outcome, None, happened.points, made)


async def _end(chunk: Chunk, file: ImportFile, vault: Vault, zone: dt.tzinfo) -> None:
    """It was tried, or is done: its sender is told, with the report where that is short enough to come along."""
    if file.member_id is None:
        return
    problems = await rows.page(chunk.tx, vault, file, limit=words.PROBLEMS_SHOWN, refused_only=True)
    shown = await standing(chunk.tx, file, problems)
    report = None
    if (problems or file.state == "done") and file.row_count <= words.REPORT_ROWS:
        language = await chunk.tx.scalar(_LANGUAGE, {"id": file.member_id}) or "zh"
        speaker = Speaker(language, chunk.at.today, zone)
        report = await report_file(chunk.tx, vault, file, speaker, now=chunk.at.now)
    await tell(chunk, file, shown, report)


async def report_file(
    tx: AsyncConnection, vault: Vault, file: ImportFile, speaker: Speaker, *, now: dt.datetime
) -> File:
    """Every row, as CSV."""
    found = await rows.page(tx, vault, file, limit=words.REPORT_ROWS)
    codes = await members.claim_codes(tx, vault, file, found, now=now)
    return File(f"import-{file.id}.csv", csv_file(words.report(file, found, codes, speaker)))


async def standing(tx: AsyncConnection, file: ImportFile, problems: Sequence[rows.ImportRow] = ()) -> Screen:
    """Where a file stands, as its sender is told."""
    again = await files.same_before(tx, file) if file.state == "tried" else None
    merchant = await merchants.by_id(tx, file.merchant_id)
    draft = await words.awaited_by(tx, file)
    return words.shown(file, merchant, await known.read(tx), problems, again, draft=draft)


async def tell(chunk: Chunk, file: ImportFile, shown: Screen, report: File | None = None) -> None:
    """Tell who sent a file how it stands, once for each state it comes to; it may stop more than once."""
    if file.member_id is None:
        return
    with_report = screen(shown.lines, shown.rows, file=report)
    when = f":{chunk.at.now.timestamp():.0f}" if file.state == "stopped" else ""
    chunk.tell(file.member_id, with_report, key=f"import:{file.id}:{file.state}{when}")


async def run(chunk: Chunk, slot: Slot) -> Progress | None:
    """Forget what some old files said."""
    gone = await files.forget_old(chunk.tx, now=chunk.at.now, limit=FORGOTTEN_PER_CHUNK)
    return {"gone": int(chunk.progress.get("gone", 0)) + gone} if gone == FORGOTTEN_PER_CHUNK else None


duty = Duty("imports", run, at=dt.time(4, 10))
