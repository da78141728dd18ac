"""`jifen programme`: the programme's own document, shown and set anew. Every figure in it counts from the next turn on."""

from __future__ import annotations

import datetime as dt
import json
import sys
from pathlib import Path
from typing import Any

import click
from pydantic import ValidationError
from sqlalchemy import text
from sqlalchemy.ext.asyncio import AsyncConnection

from bot import terminal
from bot.bilingual import both
from ledger.merchants import merchant as merchants
from ledger.merchants.merchant import NoSuchMerchant
from ledger.programme import Programme

FIXED = ("zone", "money", "common_currency")
"""What points, days and prices that are out already were reckoned in."""

_READ = text("SELECT document FROM programme WHERE one = 1")
_LOCK = text("SELECT document FROM programme WHERE one = 1 FOR UPDATE")
_WRITE = text(
    "UPDATE programme SET version = version + 1, document = CAST(:document AS jsonb), at = :now WHERE one = 1"
)


@click.group(name="programme", cls=terminal.Group, help=both("积分计划的设定", "The programme's settings"))
def group() -> None:
    """Shown, changed in a file, set."""


@group.command(help=both("把设定打印成 JSON", "Print the settings as JSON"))
def show() -> None:
    settings = terminal.settings()

    async def work() -> int:
        from bot import database

        async with database.connected(settings, terminal.say) as engine, engine.connect() as tx:
            document = await tx.scalar(_READ)
        if document is None:
            return _nothing_there()
        click.echo(json.dumps(Programme.model_validate(document).model_dump(mode="json"), ensure_ascii=False, indent=2))
        return 0

    terminal.finish(work())


@group.command(name="set", help=both("用一个 JSON 文件更新设定", "Set them from a JSON file"))
@click.argument("file", type=click.Path(exists=True, dir_okay=False, allow_dash=True, path_type=Path))
def set_(file: Path) -> None:
    settings = terminal.settings()

    async def work() -> int:
        from bot import database

        said = sys.stdin.read() if str(file) == "-" else file.read_text("utf-8")
        try:
            wanted = Programme.model_validate_json(said)
        except ValidationError as wrong:
            for error in wrong.errors():
                terminal.say(f"✗ {'.'.join(map(str, error['loc'])) or 'JSON'}: {error['msg']}")
            return 1
        async with database.connected(settings, terminal.say) as engine, engine.begin() as tx:
            document = await tx.scalar(_LOCK)
            if document is None:
                return _nothing_there()
            before = Programme.model_validate(document)
            if wrong_words := await _not_possible(tx, before, wanted):
                terminal.say(wrong_words)
                return 1
            changed = _changes(before, wanted)
            if changed:
                await tx.execute(_WRITE, {"document": wanted.model_dump_json(), "now": dt.datetime.now(dt.UTC)})
        for name, (old, new) in changed.items():
            click.echo(f"{name}: {old} → {new}")
        terminal.say(
            both("设定好了", "set")
            if changed
            else both("和原来一样,没有改动", "the same as before, nothing was changed")
        )
        return 0

    terminal.finish(work())


def _nothing_there() -> int:
    terminal.say(both("数据库里还没有计划:先运行 jifen demo", "the database has no programme: run `jifen demo` first"))
    return 1


async def _not_possible(tx: AsyncConnection, before: Programme, wanted: Programme) -> str | None:
    """Why these settings can't be, beside what there is; None where they can."""
    for name in FIXED:
        if getattr(before, name) != getattr(wanted, name):
            return both(f"{name} 定了就不能改", f"{name} can't be changed any more")
    for code in filter(None, (wanted.welcome_issuer, wanted.tier_seller)):
        try:
            await merchants.by_code(tx, code)
        except NoSuchMerchant:
            return both(f"没有商户 {code}", f"there is no merchant {code}")
    for code in sorted({code for tier in wanted.tiers if tier.fee is not None for code in tier.fee.sellers}):
        try:
            seller = await merchants.by_code(tx, code)
        except NoSuchMerchant:
            return both(f"没有商户 {code}", f"there is no merchant {code}")
        if seller.money != wanted.money:
            return both(f"商户 {code} 不收 {wanted.money}", f"merchant {code} does not take {wanted.money}")
    return None


def _changes(before: Programme, wanted: Programme) -> dict[str, tuple[str, str]]:
    """By the name of each setting that changes, what it was and what it becomes, as JSON."""
    old, new = (_plain(each) for each in (before, wanted))
    return {name: (old[name], new[name]) for name in new if old[name] != new[name]}


def _plain(programme: Programme) -> dict[str, str]:
    found: dict[str, Any] = programme.model_dump(mode="json")
    return {name: json.dumps(value, ensure_ascii=False) for name, value in found.items()}
