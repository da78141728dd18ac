"""The command line, as processes: what a person types, what they read, and the exit code."""

from __future__ import annotations

import asyncio
import os
import re
import socket
import subprocess
import sys
from pathlib import Path

import click
import pytest

from bot import terminal
from bot.settings import PROJECT_ROOT
from tests.conftest import Database

COMMANDS = (
    "api-key",
    "audit",
    "backup",
    "demo",
    "doctor",
    "export",
    "import",
    "migrate",
    "operator",
    "playground",
    "programme",
    "restore",
    "run",
)


def jifen(*words: str, cwd: Path = PROJECT_ROOT, **environ: str) -> subprocess.CompletedProcess[str]:
    """Run `jifen` with nothing of this machine's settings but `environ`."""
    inherited = {name: os.environ[name] for name in ("PATH", "HOME", "LANG", "SYSTEMROOT") if name in os.environ}
    return subprocess.run(
        [sys.executable, "-m", "bot.cli", *words],
        capture_output=True,
        text=True,
        cwd=cwd,
        env={
            "PYTHONPATH": str(PROJECT_ROOT),
            "PYTHONIOENCODING": "utf-8",
            "LOG_FORMAT": "json",
            **inherited,
            **environ,
        },
        timeout=120,
        check=False,
    )


def test_help_lists_every_command_in_both_languages_without_importing_them() -> None:
    done = jifen("--help")
    assert done.returncode == 0
    listed = done.stdout.partition("Commands:")[2]
    assert len(re.findall(r"^  [a-z]", listed, re.MULTILINE)) == len(COMMANDS)
    for command in COMMANDS:
        assert re.search(rf"^  {command} +\S*[一-鿿].* /", listed, re.MULTILINE), command
    probe = "import bot.cli, sys; print(*(n for n in ('sqlalchemy', 'telegram', 'pydantic', 'aiohttp') if n in sys.modules))"
    assert subprocess.run([sys.executable, "-c", probe], capture_output=True, text=True, check=True).stdout == "\n"


@pytest.mark.parametrize("words", ["operator add", "operator", "restore", "backup", "doctor", ""])
def test_each_commands_help_is_in_both_languages(words: str) -> None:
    about, _, options = jifen(*words.split(), "--help").stdout.partition("Options:")
    assert re.search("[一-鿿].* / .*[a-z]", about)
    entries = re.split(r"^  (?=--)", options.partition("Commands:")[0], flags=re.MULTILINE)[1:]
    assert entries
    for entry in entries:
        assert re.search("[一-鿿].* / ", entry), entry


def test_a_wrong_setting_ends_the_command_with_its_name_and_no_traceback(tmp_path: Path) -> None:
    done = jifen("doctor", PORT="eighty", DATA_DIR=str(tmp_path))
    assert done.returncode == 1
    assert "PORT='eighty'" in done.stderr and "Traceback" not in done.stderr


async def test_a_database_that_is_away_is_one_line_for_every_command(tmp_path: Path) -> None:
    away = "postgresql://jifen:hidden-pw@127.0.0.1:9/jifen"
    for words in (["migrate"], ["audit"], ["backup"]):
        done = jifen(*words, DATABASE_URL=away, DATA_DIR=str(tmp_path))
        assert done.returncode == 1
        assert "Traceback" not in done.stderr and "hidden-pw" not in done.stderr, done.stderr


async def test_migrate_audit_back_up_and_restore_on_one_database(
    empty_database: Database, database: Database, tmp_path: Path
) -> None:
    environ = {"DATABASE_URL": empty_database.dsn, "DATA_DIR": str(tmp_path)}
    done = jifen("migrate", **environ)
    assert done.returncode == 0, done.stderr
    done = jifen("audit", **environ)
    assert done.returncode == 0 and "账本相符 / the ledger adds up" in done.stdout, done.stderr
    done = jifen("backup", **environ)
    assert done.returncode == 0 and "secret.key" in done.stderr, done.stderr
    (dump,) = (tmp_path / "backups").iterdir()
    done = jifen("restore", str(dump), DATABASE_URL=database.dsn, DATA_DIR=str(tmp_path))
    assert done.returncode == 1 and "--force" in done.stderr
    done = jifen("restore", str(dump), "--force", DATABASE_URL=database.dsn, DATA_DIR=str(tmp_path))
    assert done.returncode == 0, done.stderr


def test_a_busy_port_is_told_with_the_setting_to_change() -> None:
    async def serve(port: int) -> None:
        (await asyncio.start_server(lambda reader, writer: None, "127.0.0.1", port)).close()

    with socket.socket() as taken:
        taken.bind(("127.0.0.1", 0))
        taken.listen()
        with pytest.raises(click.ClickException, match="PORT"):
            terminal.finish(serve(taken.getsockname()[1]))


async def test_the_demo_is_loaded_once_and_adds_up(database: Database, tmp_path: Path) -> None:
    environ = {"DATABASE_URL": database.dsn, "DATA_DIR": str(tmp_path)}
    done = jifen("demo", **environ)
    assert done.returncode == 0 and "演示计划已载入" in done.stderr, done.stderr
    again = jifen("demo", **environ)
    assert again.returncode == 0 and "没有改动" in again.stderr, again.stderr
    audit = jifen("audit", **environ)
    assert audit.returncode == 0 and "issuer_id=" in audit.stdout, audit.stdout


async def test_an_operator_must_have_joined_first(database: Database, tmp_path: Path) -> None:
    done = jifen("operator", "add", "--telegram-id", "5", DATABASE_URL=database.dsn, DATA_DIR=str(tmp_path))
    assert done.returncode == 1 and "/start" in done.stderr, done.stderr
