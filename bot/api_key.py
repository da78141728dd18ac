"""`jifen api-key`: keys of the merchant API from the command line, for whoever has the machine."""

from __future__ import annotations

import datetime as dt
import secrets
from collections.abc import Sequence

import click

from bot import terminal
from bot.bilingual import both
from ledger.errors import Refusal
from ledger.merchants import api_keys
from ledger.merchants import merchant as merchants
from ledger.merchants.api_keys import PER_MINUTE, SCOPES, TEST_PER_MINUTE

BY = "console"


@click.group(name="api-key", cls=terminal.Group, help=both("商户接口的密钥", "Keys of the merchant API"))
def group() -> None:
    """Making, listing and ending keys."""


_merchant = click.option("--merchant", "code", required=True, help=both("商户代码", "The merchant's code"))


@group.command(help=both("建一把密钥;只显示这一次", "Make a key; it is shown only now"))
@_merchant
@click.option("--label", required=True, help=both("名字,记录里会用", "Its name; records will use it"))
@click.option(
    "--scope",
    "scopes",
    type=click.Choice(SCOPES),
    multiple=True,
    default=("award", "refund", "vouchers"),
    show_default=True,
    help=both("能办什么,可多次写", "What it is for; may be repeated"),
)
@click.option("--till", help=both("只代表这个收银台", "It speaks for this till only"))
@click.option(
    "--per-minute",
    type=click.IntRange(1, 10_000_000),
    help=both(
        f"每分钟最多几次请求,默认 {PER_MINUTE},测试 {TEST_PER_MINUTE}",
        f"Requests a minute: {PER_MINUTE}, for tests {TEST_PER_MINUTE}",
    ),
)
@click.option("--test", is_flag=True, help=both("测试密钥,只通沙箱", "A test key, which reaches the sandbox alone"))
def create(code: str, label: str, scopes: Sequence[str], till: str | None, per_minute: int | None, test: bool) -> None:
    settings = terminal.settings()

    async def work() -> int:
        from bot import database

        async with database.connected(settings, terminal.say) as engine, engine.begin() as tx:
            try:
                merchant = await merchants.by_code(tx, code)
                _, whole = await api_keys.create(
                    tx,
                    merchant_id=merchant.id,
                    label=label,
                    scopes=scopes,
                    secret=secrets.token_urlsafe(40),
                    by=BY,
                    now=dt.datetime.now(dt.UTC),
                    till=till,
                    per_minute=per_minute,
                    test=test,
                )
            except Refusal as no:
                terminal.say(str(no))
                return 1
        click.echo(whole)
        return 0

    terminal.finish(work())


@group.command(name="list", help=both("列出一家商户的密钥", "List a merchant's keys"))
@_merchant
def list_(code: str) -> None:
    settings = terminal.settings()

    async def work() -> int:
        from bot import database

        now = dt.datetime.now(dt.UTC)
        async with database.connected(settings, terminal.say) as engine, engine.connect() as tx:
            try:
                merchant = await merchants.by_code(tx, code)
            except Refusal as no:
                terminal.say(str(no))
                return 1
            for key in await api_keys.of_merchant(tx, merchant.id, now=now):
                mark = "✓" if key.works(now) else "✗"
                scopes = ",".join(scope for scope in SCOPES if scope in key.scopes)
                click.echo(f"{mark} {key.id} {key.shown} {key.label} [{scopes}] {key.till or ''}".rstrip())
        return 0

    terminal.finish(work())


@group.command(help=both("马上停用一把密钥", "End a key at once"))
@_merchant
@click.argument("key_id", type=int)
def revoke(code: str, key_id: int) -> None:
    settings = terminal.settings()

    async def work() -> int:
        from bot import database

        async with database.connected(settings, terminal.say) as engine, engine.begin() as tx:
            try:
                merchant = await merchants.by_code(tx, code)
                now = dt.datetime.now(dt.UTC)
                await api_keys.revoke(tx, merchant_id=merchant.id, key_id=key_id, by=BY, now=now)
            except Refusal as no:
                terminal.say(str(no))
                return 1
        terminal.say(both("已停用", "revoked"))
        return 0

    terminal.finish(work())


@group.command(
    name="drop-sandbox", help=both("删掉一家商户的沙箱,连同里面的一切", "Drop a merchant's sandbox and all in it")
)
@_merchant
def drop_sandbox(code: str) -> None:
    settings = terminal.settings()

    async def work() -> int:
        from bot import database
        from bot.merchant_api import sandboxes

        async with database.connected(settings, terminal.say) as engine:
            async with engine.connect() as tx:
                try:
                    merchant = await merchants.by_code(tx, code)
                except Refusal as no:
                    terminal.say(str(no))
                    return 1
            dropped = await sandboxes.drop(engine.url, merchant.id)
        terminal.say(both("已删掉", "dropped") if dropped else both("本来就没有沙箱", "there was none"))
        return 0

    terminal.finish(work())
