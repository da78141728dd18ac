"""`jifen import`: a retailer's till export into the ledger.

The file is read twice — once to know what refunds will ask for, once to book — and booked in chunks, each one transaction. An
import that was interrupted is run again: what is booked is recognised and left alone. Nothing of the file stays in memory but
what refunds may still reach.
"""

from __future__ import annotations

import csv
import datetime as dt
import os
import sys
from dataclasses import dataclass
from decimal import Decimal
from pathlib import Path
from typing import TYPE_CHECKING, Any

import click

from bot import terminal
from bot.bilingual import both
from bot.till_file import Export, ExportUnreadable
from bot.till_run import DOCUMENTS_PER_CHUNK, Import, Report, Tally
from ledger.earning import rulebook, till_book
from ledger.earning.rules.documents import Base
from ledger.earning.rules.version import RuleVersion
from ledger.merchants import accounts, mapping, retailer
from ledger.merchants.mapping import Mapping
from ledger.points.commands import Moment

if TYPE_CHECKING:
    from rich.progress import Progress
    from sqlalchemy.ext.asyncio import AsyncEngine

    from ledger.members.vault import Vault
    from ledger.merchants.merchant import Merchant

MONEY = "GBP"
FIRST_DAY = dt.date(1970, 1, 1)
"""A retailer's rule holds for its whole past."""

OUTCOMES = {
    "earned": both("计入消费", "counted in its purchase"),
    "refunded": both("退货,找到了原来的购买", "refund, matched"),
    "refunded_in_part": both("退货,只找到一部分", "refund, matched in part"),
    "not_matched": both("退货,找不到原来的购买", "refund without an earlier purchase"),
    "no_document": both("没有单号", "no document number"),
    "adjustment": both("调整单", "adjustment"),
    "no_customer": both("没有顾客号", "no customer"),
    "phone_number": both(
        "顾客号是手机号:请由商户自己导入", "a phone number as customer number: let the merchant import it"
    ),
    "other_customer": both("同一单里的另一位顾客", "another customer on the same document"),
    "price_not_positive": both("价格不大于 0", "price 0 or below"),
    "quantity_not_positive": both("购买数量不大于 0", "purchase with quantity 0 or below"),
    "refund_not_negative": both("退货数量不是负数", "refund with a quantity that isn't negative"),
    "unreadable": both("数量或价格读不出", "quantity or price unreadable"),
    "unreadable_time": both("时间读不出", "time unreadable"),
}


def default_rule() -> Base:
    """What a retailer who joins by an import gives: a point for each whole unit of money."""
    return Base(rate=Decimal(1))


@click.command(
    name="import",
    cls=terminal.Command,
    short_help=both("导入商户的收银流水", "Import a retailer's till export"),
    help=both(
        "导入商户的收银流水(.csv 或 .csv.gz)。再次运行不会重复入账;中断了就再运行一次。",
        "Import a retailer's till export (.csv or .csv.gz). Running it again changes nothing; interrupted, run it again.",
    ),
)
@click.argument("file", type=click.Path(exists=True, dir_okay=False, path_type=Path))
@click.option("--merchant", "code", required=True, help=both("商户代码,没有就新建", "Merchant's code; made if missing"))
@click.option("--name-zh", help=both("新商户的中文名", "A new merchant's Chinese name"))
@click.option("--name-en", help=both("新商户的英文名", "A new merchant's English name"))
@click.option(
    "--mapping",
    "mapping_file",
    type=click.Path(exists=True, dir_okay=False, path_type=Path),
    help=both("列名对应(JSON),会为商户记住", "Column mapping (JSON), remembered for the merchant"),
)
@click.option("--dry-run", is_flag=True, help=both("只试算,不入账", "Work everything out, book nothing"))
@click.option(
    "--report",
    "report_file",
    type=click.Path(dir_okay=False, writable=True, path_type=Path),
    help=both("每一行的结果(CSV)", "What became of every row (CSV)"),
)
@click.option(
    "--claim-codes",
    "codes_file",
    type=click.Path(dir_okay=False, writable=True, path_type=Path),
    help=both("给顾客的认领码(CSV)", "Codes by which customers claim their accounts (CSV)"),
)
@click.option(
    "--chunk",
    type=click.IntRange(1, 20_000),
    default=DOCUMENTS_PER_CHUNK,
    show_default=True,
    help=both("每次提交多少单", "Documents per transaction"),
)
def command(
    file: Path,
    code: str,
    name_zh: str | None,
    name_en: str | None,
    mapping_file: Path | None,
    dry_run: bool,
    report_file: Path | None,
    codes_file: Path | None,
    chunk: int,
) -> None:
    """Runs an import from the terminal."""
    from bot.secret_key import vault

    if codes_file and dry_run:
        raise click.UsageError(both("试算时不发认领码", "a dry run gives no claim codes"))
    settings = terminal.settings()
    given = read_mapping(mapping_file) if mapping_file else None

    async def work() -> int:
        from bot import database
        from bot.clock import Clock

        clock = Clock(settings.zone)
        async with database.connected(settings, terminal.say) as engine:
            async with engine.begin() as tx:
                at = await clock.moment(tx)
                names = {"name_zh": name_zh or code, "name_en": name_en or name_zh or code}
                prepared = await prepare(tx, code, given, names=names, dry_run=dry_run, at=at)
            report = Report(report_file)
            done = False
            try:
                with _progress() as progress:
                    tally = await Import(
                        Export(file, prepared.mapping),
                        None if dry_run else engine,
                        prepared.merchant,
                        prepared.rules,
                        prepared.merchant.money if prepared.merchant else MONEY,
                        at,
                        report,
                        progress,
                        chunk,
                    ).run()
                done = True
            except ExportUnreadable as error:
                raise click.ClickException(str(error)) from None
            finally:
                report.close(whole=done)
            _summary(tally, dry_run=dry_run)
            if codes_file and prepared.merchant:
                given_out = await give_codes(engine, vault(settings), prepared.merchant, codes_file)
                terminal.say(both(f"认领码 {given_out} 个,写在 {codes_file}", f"{given_out} claim codes written"))
        return 1 if tally.statuses["differs"] else 0

    terminal.finish(work())


@dataclass(frozen=True, slots=True)
class Prepared:
    """What an import starts from. `merchant` None: a dry run for one that does not exist yet."""

    merchant: Merchant | None
    mapping: Mapping
    rules: list[RuleVersion]


async def prepare(
    tx: Any, code: str, given: Mapping | None, *, names: dict[str, str], dry_run: bool, at: Moment
) -> Prepared:
    """Find or make the merchant with its rule, and find or keep its mapping. A dry run makes and keeps nothing."""
    from ledger.merchants import merchant as merchants
    from ledger.merchants.merchant import NoSuchMerchant

    if dry_run:
        try:
            found = await merchants.by_code(tx, code)
        except NoSuchMerchant:
            return Prepared(None, given or Mapping(), [RuleVersion(code, 1, default_rule(), FIRST_DAY)])
        return Prepared(
            found, given or await mapping.saved(tx, found.id) or Mapping(), await rulebook.all_of(tx, found.id)
        )
    merchant, new = await retailer.find_or_create(tx, code, money=MONEY, **names)
    if new:
        await rulebook.publish(
            tx,
            code=f"{code}-base",
            merchant_id=merchant.id,
            rule=default_rule(),
            valid_from=FIRST_DAY,
            made_by=till_book.ACTOR,
            at=at.now,
        )
    kept = given or await mapping.saved(tx, merchant.id) or Mapping()
    await mapping.save(tx, merchant.id, kept, at=at.now)
    return Prepared(merchant, kept, await rulebook.all_of(tx, merchant.id))


async def give_codes(engine: AsyncEngine, vault: Vault, merchant: Merchant, target: Path) -> int:
    """Write a claim code for every unclaimed account, readable by nobody else. Gives how many."""
    async with engine.begin() as tx:
        codes = await accounts.give_codes(tx, vault, merchant.id)
    target.unlink(missing_ok=True)
    with os.fdopen(os.open(target, os.O_WRONLY | os.O_CREAT | os.O_EXCL, 0o600), "w", encoding="utf-8") as file:
        writer = csv.writer(file, lineterminator="\n")
        writer.writerow(["external_id", "claim_code"])
        writer.writerows(codes)
    return len(codes)


def read_mapping(file: Path) -> Mapping:
    """A mapping written as JSON; what is wrong with it ends the command."""
    try:
        return Mapping.model_validate_json(file.read_bytes())
    except ValueError as error:
        raise click.ClickException(both(f"列名对应 {file.name} 有误", f"wrong mapping: {error}")) from None


def _progress() -> Progress:
    from rich.console import Console
    from rich.progress import BarColumn, Progress, TaskProgressColumn, TextColumn, TimeRemainingColumn

    columns = (TextColumn("{task.description}"), BarColumn(), TaskProgressColumn(), TimeRemainingColumn())
    return Progress(*columns, console=Console(stderr=True))


def _summary(tally: Tally, *, dry_run: bool) -> None:
    from rich.console import Console
    from rich.table import Table

    table = Table(show_edge=False)
    table.add_column(both("行的结果", "rows"))
    table.add_column("", style="dim")
    table.add_column("", justify="right")
    for outcome, words in OUTCOMES.items():
        if tally.outcomes[outcome]:
            table.add_row(words, outcome, f"{tally.outcomes[outcome]:,}")
    Console(file=sys.stderr).print(table)
    terminal.say(
        both(
            f"{tally.purchases:,} 笔消费,{len(tally.customers):,} 位顾客,得 {tally.earned:,} 分;"
            f"{tally.refunds:,} 笔退货收回 {tally.clawed_back:,} 分",
            f"{tally.purchases:,} purchases of {len(tally.customers):,} customers earned {tally.earned:,} points;"
            f" {tally.refunds:,} refunds took back {tally.clawed_back:,}",
        )
    )
    pace = tally.rows / tally.seconds if tally.seconds else 0
    terminal.say(
        both(
            f"{tally.rows:,} 行,{tally.seconds:.1f} 秒,每秒 {pace:,.0f} 行",
            f"{tally.rows:,} lines in {tally.seconds:.1f} s, {pace:,.0f} lines/s",
        )
    )
    if dry_run:
        terminal.say(both("这是试算,没有入账", "this was a dry run: nothing was booked"))
        return
    booked, already, differs = (tally.statuses[s] for s in ("booked", "already", "differs"))
    terminal.say(
        both(f"新入账 {booked:,} 单,原已入账 {already:,} 单", f"{booked:,} documents booked, {already:,} were already")
    )
    if differs:
        terminal.say(
            both(
                f"{differs:,} 单此前按别的内容入过账,未改动(报告里 status 为 differs)",
                f"{differs:,} documents had been booked with other facts and were left alone (status «differs»)",
            )
        )
