"""`jifen export`: tables for people who want to compare or reckon for themselves."""

from __future__ import annotations

import csv
import sys
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import TYPE_CHECKING, Any

import click

from bot import terminal
from bot.bilingual import both

if TYPE_CHECKING:
    from sqlalchemy.ext.asyncio import AsyncConnection


@click.group(name="export", cls=terminal.Group, help=both("导出余额等表格", "Export balances and other tables"))
def group() -> None:
    """Every export has its command."""


@group.command(
    help=both(
        "每个导入的账户一行:商户、顾客号、可用、待生效、预留、欠分",
        "One row per imported account: merchant, number, available, pending, held, deficit",
    )
)
@click.option(
    "--csv",
    "target",
    required=True,
    type=click.Path(dir_okay=False, writable=True, allow_dash=True, path_type=Path),
    help=both("写到哪个文件,- 表示标准输出", "The file to write, - for standard output"),
)
@click.option("--merchant", "code", help=both("只要这一家商户", "Only this merchant's"))
def balances(target: Path, code: str | None) -> None:
    settings = terminal.settings()

    async def work() -> int:
        from bot import database
        from ledger.merchants import accounts

        count = 0
        async with database.connected(settings, terminal.say) as engine, engine.connect() as tx:
            # One snapshot: the bot may be working meanwhile.
            await tx.execution_options(isolation_level="REPEATABLE READ", postgresql_readonly=True)
            if code is not None and not await _is_there(tx, code):
                return 1
            with _written(target) as file:
                rows = csv.writer(file, lineterminator="\n")
                rows.writerow(["merchant", "external_id", "available", "pending", "held", "deficit"])
                async for line in accounts.balances(tx, code):
                    rows.writerow(
                        [line.merchant, line.external_id, line.available, line.pending, line.held, line.deficit]
                    )
                    count += 1
        terminal.say(both(f"{count:,} 个账户", f"{count:,} accounts"))
        return 0

    terminal.finish(work())


@group.command(
    help=both(
        "每笔因额度用完没有发分的消费一行,和它后来怎样了",
        "One row per purchase that was declined because cover was used up, and what became of it",
    )
)
@click.option(
    "--csv",
    "target",
    required=True,
    type=click.Path(dir_okay=False, writable=True, allow_dash=True, path_type=Path),
    help=both("写到哪个文件,- 表示标准输出", "The file to write, - for standard output"),
)
@click.option("--merchant", "code", help=both("只要这一家商户", "Only this merchant's"))
def declined(target: Path, code: str | None) -> None:
    settings = terminal.settings()

    async def work() -> int:
        from bot import database
        from chat.csv_file import harmless
        from ledger.earning import declined as records

        count = 0
        async with database.connected(settings, terminal.say) as engine, engine.connect() as tx:
            await tx.execution_options(isolation_level="REPEATABLE READ", postgresql_readonly=True)
            if code is not None and not await _is_there(tx, code):
                return 1
            with _written(target) as file:
                rows = csv.writer(file, lineterminator="\n")
                rows.writerow(records.Record._fields)
                async for line in records.everyone(tx, code):
                    rows.writerow([harmless(cell) if isinstance(cell, str) else cell for cell in line])
                    count += 1
        terminal.say(both(f"{count:,} 笔", f"{count:,} purchases"))
        return 0

    terminal.finish(work())


async def _is_there(tx: AsyncConnection, code: str) -> bool:
    """Whether there is such a merchant; said where there is not."""
    from ledger.merchants import merchant as merchants
    from ledger.merchants.merchant import NoSuchMerchant

    try:
        await merchants.by_code(tx, code)
    except NoSuchMerchant:
        terminal.say(both(f"没有商户 {code}", f"there is no merchant {code}"))
        return False
    return True


@contextmanager
def _written(target: Path) -> Iterator[Any]:
    if str(target) == "-":
        yield sys.stdout
        return
    with target.open("w", newline="", encoding="utf-8") as file:
        yield file
