"""The command line `jifen`. Help is in both languages; whatever is heavy is imported by the command that needs it.

    jifen run | playground | demo | migrate | doctor | audit | backup | restore | operator | programme | api-key | import | export

Every command reads the settings first and, without DATABASE_URL, starts the embedded server for as long as it works.
"""

from __future__ import annotations

import datetime as dt
import importlib
import sys
from dataclasses import asdict
from pathlib import Path

import click

from bot import terminal
from bot.bilingual import both

# Commands that live with what they do: name → module:attribute, and the line that `--help` shows without importing it.
_ELSEWHERE = {
    "api-key": ("bot.api_key:group", both("商户接口的密钥", "Keys of the merchant API")),
    "import": ("bot.till_import:command", both("导入商户的收银流水", "Import a retailer's till export")),
    "programme": ("bot.programme:group", both("积分计划的设定", "The programme's settings")),
    "export": ("bot.export:group", both("导出余额等表格", "Export balances and other tables")),
}


class _Jifen(terminal.Group):
    """The root: its `_ELSEWHERE` commands are imported when they are called."""

    group_class = terminal.Group

    def list_commands(self, ctx: click.Context) -> list[str]:
        return sorted({*super().list_commands(ctx), *_ELSEWHERE})

    def get_command(self, ctx: click.Context, cmd_name: str) -> click.Command | None:
        if cmd_name not in _ELSEWHERE:
            return super().get_command(ctx, cmd_name)
        module, attribute = _ELSEWHERE[cmd_name][0].split(":")
        found: click.Command = getattr(importlib.import_module(module), attribute)
        return found

    def format_commands(self, ctx: click.Context, formatter: click.HelpFormatter) -> None:
        rows = []
        for name in self.list_commands(ctx):
            command = None if name in _ELSEWHERE else super().get_command(ctx, name)
            rows.append((name, command.get_short_help_str(120) if command else _ELSEWHERE[name][1]))
        with formatter.section(both("命令", "Commands")):
            formatter.write_dl(rows)


@click.group(cls=_Jifen, help=both("积分会员助手", "The member assistant of a points programme"))
@click.version_option(package_name="jifen", help=both("显示版本", "Show the version and exit"))
def group() -> None:
    """The root of all commands."""


@group.command(help=both("启动机器人;没有 BOT_TOKEN 时打开演练场", "Start the bot; without BOT_TOKEN, the playground"))
def run() -> None:
    from bot.main import serve

    settings = terminal.settings()
    terminal.finish(serve(settings))


@group.command(help=both("打开演练场,即使设了 BOT_TOKEN", "Open the playground, even with BOT_TOKEN set"))
def playground() -> None:
    from bot.main import serve

    settings = terminal.settings()
    terminal.finish(serve(settings.model_copy(update={"bot_token": None, "public_url": None, "workers": 1})))


@group.command(help=both("把数据库升级到当前版本", "Bring the database up to this version"))
def migrate() -> None:
    settings = terminal.settings()

    async def work() -> None:
        from bot import database
        from bot.migrate import head, upgrade

        async with database.serving(settings, terminal.say) as url:
            await upgrade(url)
        terminal.say(both(f"数据库已是最新:{head()}", "the database is up to date"))

    terminal.finish(work())


@group.command(help=both("载入演示计划;已有数据时不动", "Load the demo programme; leaves existing data alone"))
def demo() -> None:
    settings = terminal.settings()

    async def work() -> None:
        from bot import database
        from bot.demo.load import load
        from bot.secret_key import vault

        async with database.connected(settings, terminal.say) as engine:
            with terminal.busy(both("正在载入演示计划", "loading the demo programme")):
                loaded = await load(
                    engine, vault(settings), now=dt.datetime.now(dt.UTC), playable=settings.bot_token is None
                )
        terminal.say(
            both("演示计划已载入", "the demo programme is loaded")
            if loaded
            else both("数据库里已有计划,没有改动", "the database has a programme already, nothing was changed")
        )

    terminal.finish(work())


@group.command(help=both("核对账本:每一分都对得上吗", "Check the ledger: does every point add up"))
def audit() -> None:
    settings = terminal.settings()

    async def work() -> int:
        from bot import database
        from ledger.clearing import proof as clearing
        from ledger.points.audit import audit as prove

        async with database.connected(settings, terminal.say) as engine, engine.connect() as tx:
            # One snapshot for all checks: the bot may be working meanwhile.
            await tx.execution_options(isolation_level="REPEATABLE READ", postgresql_readonly=True)
            with terminal.busy(both("正在核对账本", "checking the ledger")):
                proof = await prove(tx)
                wrong = [*proof.violations, *await clearing.prove(tx)]
        click.echo(both(f"{proof.entries} 笔,{proof.postings} 条分录", "entries, postings"))
        for position in proof.positions:
            click.echo(", ".join(f"{name}={value}" for name, value in asdict(position).items()))
        for violation in wrong:
            click.echo(f"✗ {violation.check}: {violation.row}")
        holds = proof.holds and not wrong
        click.echo(both("账本相符", "the ledger adds up") if holds else both("账本不符", "the ledger does not add up"))
        return 0 if holds else 1

    terminal.finish(work())


@group.command(
    help=both(
        "检查令牌、网络、数据库、时钟等,并说明怎么修", "Check token, webhook, database, clock and say how to mend them"
    )
)
def doctor() -> None:
    settings = terminal.settings()

    async def work() -> int:
        from bot.doctor import examine

        failed = 0
        async for check in examine(settings):
            mark = {True: "✓", False: "✗", None: "–"}[check.healthy]
            click.echo(f"{mark} {check.name}: {check.found}")
            if check.healthy is False:
                failed += 1
                click.echo(f"  → {check.mend}")
        return 1 if failed else 0

    terminal.finish(work())


@group.command(help=both("备份整个数据库到一个文件", "Back the whole database up to one file"))
@click.argument("file", type=click.Path(dir_okay=False, path_type=Path), required=False)
def backup(file: Path | None) -> None:
    settings = terminal.settings()

    async def work() -> None:
        from bot import backup as backups
        from bot import database
        from bot.secret_key import key_file

        name = f"jifen-{dt.datetime.now(dt.UTC):%Y%m%dT%H%M%SZ}.dump"
        target = file or settings.data_dir / "backups" / name
        async with database.serving(settings, terminal.say) as url:
            with terminal.busy(both("正在备份", "backing up")):
                size = await backups.save(url, target)
        terminal.say(both(f"已备份到 {target}({size / 1e6:.1f} MB)", "saved"))
        if settings.secret_key is None:
            terminal.say(
                both(
                    f"个人信息要有 {key_file(settings)} 才能读出,请另存一份,不要和备份放在一起",
                    "personal fields can't be read without that key file: keep a copy of it, apart from the backup",
                )
            )

    terminal.finish(work())


@group.command(help=both("从备份文件恢复", "Restore from a backup file"))
@click.argument("file", type=click.Path(exists=True, dir_okay=False, path_type=Path))
@click.option("--force", is_flag=True, help=both("覆盖已有数据", "Replace what the database holds"))
def restore(file: Path, force: bool) -> None:
    settings = terminal.settings()

    async def work() -> None:
        from bot import backup as backups
        from bot import database
        from bot.migrate import upgrade

        async with database.serving(settings, terminal.say) as url:
            with terminal.busy(both("正在恢复", "restoring")):
                await backups.load(url, file, force=force)
            await upgrade(url)
        terminal.say(both("已恢复,并升级到当前版本", "restored, and brought up to this version"))

    terminal.finish(work())


@group.group(help=both("计划的运营人员", "The programme's operators"))
def operator() -> None:
    """Roles of people who run the programme."""


_telegram_id = click.option(
    "--telegram-id", type=int, required=True, help=both("对方的 Telegram 数字编号", "Their Telegram id")
)
_role = click.option(
    "--role",
    type=click.Choice(["admin", "finance", "support", "auditor"]),
    default="admin",
    show_default=True,
    help=both("角色", "The role"),
)


@operator.command(help=both("给一位会员运营角色", "Give a member an operator's role"))
@_telegram_id
@_role
def add(telegram_id: int, role: str) -> None:
    _change_operator(telegram_id, role, "add")


@operator.command(help=both("收回运营角色", "Take an operator's role away"))
@_telegram_id
@_role
def remove(telegram_id: int, role: str) -> None:
    _change_operator(telegram_id, role, "remove")


def _change_operator(telegram_id: int, role: str, verb: str) -> None:
    settings = terminal.settings()

    async def work() -> int:
        from bot import database
        from bot.secret_key import vault
        from ledger.members import operators, person

        change = operators.add if verb == "add" else operators.remove
        async with database.connected(settings, terminal.say) as engine, engine.begin() as tx:
            member_id = await person.find(tx, vault(settings), telegram_id)
            if member_id is None:
                terminal.say(
                    both(
                        f"还没有 Telegram 编号 {telegram_id} 的会员,请对方先给机器人发 /start",
                        "nobody with this Telegram id has joined: ask them to send the bot /start first",
                    )
                )
                return 1
            try:
                changed = await change(tx, member_id, role, now=dt.datetime.now(dt.UTC))
            except operators.LastAdmin:
                terminal.say(both("这是最后一位管理员,请先添加另一位", "this is the last admin: add another one first"))
                return 1
        done = both("已办好", "done") if changed else both("本来就是这样,没有改动", "nothing to change")
        terminal.say(f"{role}: {done}")
        return 0

    terminal.finish(work())


def main() -> None:
    """The entry point; every line works on a terminal that can't show Chinese."""
    for stream in (sys.stdout, sys.stderr):
        if hasattr(stream, "reconfigure"):
            stream.reconfigure(errors="replace")
    group(prog_name="jifen")


if __name__ == "__main__":
    main()
