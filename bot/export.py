"""`jifen export`: tables for people who want to compare or reckon for themselves."""

from __future__ import annotations

import csv
import sys
from collections.abc import AsyncIterator, Callable, Iterator, Sequence
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


Lines = Callable[["AsyncConnection", str | None], AsyncIterator[Sequence[object]]]


def _table(function: Callable[..., None]) -> Callable[..., None]:
    """Where a table goes, and whose it is."""
    target = click.option(
        "--csv",
        "target",
        required=True,
        type=click.Path(dir_okay=False, writable=True, allow_dash=True, path_type=Path),
        help=both("写到哪个文件,- 表示标准输出", "The file to write, - for standard output"),
    )
    merchant = click.option("--merchant", "code", help=both("只要这一家商户", "Only this merchant's"))
    return target(merchant(function))


@group.command(
    help=both(
        "每个导入的账户一行:商户、顾客号、可用、待生效、预留、欠分",
        "One row per imported account: merchant, number, available, pending, held, deficit",
    )
)
@_table
def balances(target: Path, code: str | None) -> None:
    from ledger.merchants import accounts

    async def lines(tx: AsyncConnection, code: str | None) -> AsyncIterator[Sequence[object]]:
        async for line in accounts.balances(tx, code):
            yield line.merchant, line.external_id, line.available, line.pending, line.held, line.deficit

    header = ("merchant", "external_id", "available", "pending", "held", "deficit")
    terminal.finish(_write(target, code, header, lines, both("{n:,} 个账户", "{n:,} accounts")))


@group.command(
    help=both(
        "每笔因额度用完没有发分的消费一行,和它后来怎样了",
        "One row per purchase that was declined because cover was used up, and what became of it",
    )
)
@_table
def declined(target: Path, code: str | None) -> None:
    from ledger.earning import declined as records

    header = records.Record._fields
    terminal.finish(_write(target, code, header, records.everyone, both("{n:,} 笔", "{n:,} purchases")))


@group.command(
    help=both(
        "每月每家商户一行:过期、恢复、随退货收回的积分,实际过期多少,值多少",
        "One row per month and issuer: points expired, restored, clawed back, the breakage and its worth",
    )
)
@_table
def breakage(target: Path, code: str | None) -> None:
    from ledger.merchants import breakage as sums

    header = sums.Record._fields
    terminal.finish(_write(target, code, header, sums.everything, both("{n:,} 行", "{n:,} rows")))


async def _write(target: Path, code: str | None, header: Sequence[str], lines: Lines, done: str) -> int:
    """Write a table, of one merchant where a code is given; `done` says how many rows it has."""
    from bot import database
    from chat.csv_file import harmless

    count = 0
    async with database.connected(terminal.settings(), terminal.say) as engine, engine.connect() as tx:
        # One snapshot: the bot may be working meanwhile.
        await tx.execution_options(isolation_level="REPEATABLE READ", postgresql_readonly=True)
        if code is not None and not await _is_there(tx, code):
            return 1
        with _written(target) as file:
            rows = csv.writer(file, lineterminator="\n")
            rows.writerow(header)
            async for line in lines(tx, code):
                rows.writerow([harmless(cell) if isinstance(cell, str) else cell for cell in line])
                count += 1
    terminal.say(done.format(n=count))
    return 0


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
