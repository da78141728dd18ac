"""A chunk of a file: its units done, or tried in a savepoint that is rolled back. What became of each, in their order."""

from __future__ import annotations

import datetime as dt
from collections.abc import Sequence

from sqlalchemy.ext.asyncio import AsyncConnection

from ledger.errors import Fault, Refusal
from ledger.imports import balances, codes, lines, members, purchases, used_vouchers
from ledger.imports.files import ImportFile
from ledger.imports.lines import BalanceLine, CodeLine, MemberLine, PurchaseLine, UsedLine, When
from ledger.imports.rows import Unit
from ledger.imports.working import Happened, Working
from ledger.members.vault import Vault
from ledger.merchants import accounts, cover
from ledger.merchants import merchant as merchants
from ledger.merchants.cover import Asked
from ledger.points.commands import Moment

OLDEST_DAYS = 30
HISTORY_BEGINS = dt.datetime(2000, 1, 1, tzinfo=dt.UTC)


def when(file: ImportFile, at: Moment, zone: dt.tzinfo) -> When:
    """What a file may say: nothing of the future, and what is long past only where its sender may bring history over."""
    since = HISTORY_BEGINS if file.history else at.now - dt.timedelta(days=OLDEST_DAYS)
    return When(at.now, at.today, zone, since)


async def do(
    tx: AsyncConnection, file: ImportFile, units: Sequence[Unit], *, at: Moment, zone: dt.tzinfo, vault: Vault
) -> list[Happened]:
    """Do these units. One that is refused costs only itself."""
    await accounts.taking_turns(tx, file.merchant_id)
    working = Working(tx, file, await merchants.by_id(tx, file.merchant_id), at, zone, vault)
    # Whether a row came too late or too early was judged when the file was read; what passed then does now.
    again = When(at.now + dt.timedelta(days=1), dt.date.min, zone, dt.datetime.min.replace(tzinfo=dt.UTC))
    try:
        read = [[lines.read(file.kind, cells, again) for cells in unit.rows] for unit in units]
    except Refusal as no:
        raise Fault(f"import {file.id}: a row that was read can't be read again: {no.code}") from no
    match file.kind:
        case "purchases":
            bills = [[line for line in unit if isinstance(line, PurchaseLine)] for unit in read]
            return await purchases.do(working, bills)
        case "members":
            return await members.do(working, [line for (line,) in read if isinstance(line, MemberLine)])
        case "balances":
            return await balances.do(working, [line for (line,) in read if isinstance(line, BalanceLine)])
        case "codes":
            return await codes.do(working, [line for (line,) in read if isinstance(line, CodeLine)])
        case "used_vouchers":
            return await used_vouchers.do(working, [line for (line,) in read if isinstance(line, UsedLine)])


async def attempt(
    tx: AsyncConnection, file: ImportFile, units: Sequence[Unit], *, at: Moment, zone: dt.tzinfo, vault: Vault
) -> list[Happened]:
    """What would become of these units, by the very same work. Nothing stays of it.

    Cover that the file's earlier chunks would take is set aside first; caps, budgets and first purchases are seen within the
    chunk.
    """
    nested = await tx.begin_nested()
    try:
        if file.points:
            await cover.admit(tx, [Asked(file.merchant_id, file.points)], None, at)
        return await do(tx, file, units, at=at, zone=zone, vault=vault)
    finally:
        await nested.rollback()
