"""The whole process: started on a database and a Bot API, used, looked at from outside, and ended."""

from __future__ import annotations

import asyncio
import os
import socket
from collections import OrderedDict
from pathlib import Path

import psutil
import pytest
from aiohttp import ClientSession
from sqlalchemy import TextClause, text

from bot import settings as settings_of
from bot.double.double import Double
from bot.main import running
from bot.settings import Settings, SettingsError
from bot.supervisor import supervise
from ledger.redeeming.on_shelf import on_shelf
from ledger.redeeming.search import search
from ledger.redeeming.who import NOBODY
from tests.bot.playground.events import events_of
from tests.conftest import Database
from tests.driver import coalition
from tests.turns import TODAY


def settings(folder: Path, **given: str) -> Settings:
    """Settings as if these alone were in the environment."""
    return settings_of.load({"DATA_DIR": str(folder), "PORT": "0", **given}, env_file=None)


def silent(line: str) -> None:
    """Nobody reads."""


@pytest.fixture
async def set_up(database: Database) -> Database:
    async with database.engine.begin() as tx:
        await coalition(tx)
    return database


async def get(address: str) -> tuple[int, str]:
    async with ClientSession() as session, session.get(address) as answer:
        return answer.status, await answer.text()


async def test_a_polling_bot_answers_is_ready_and_gives_up_its_leads(set_up: Database, tmp_path: Path) -> None:
    async with Double() as double:
        mine = settings(tmp_path, BOT_TOKEN=double.token, TELEGRAM_API_URL=double.url)
        async with running(mine, set_up.url, silent) as address:
            ming = double.person("小明")
            await ming.says("/start")
            await ming.sees("云上联盟")
            assert (await get(f"{address}/healthz"))[0] == 200
            assert await get(f"{address}/readyz") == (200, '{"database": true, "migrations": true, "receiving": true}')
            assert "jifen_turns_total" in (await get(f"{address}/metrics"))[1]
            assert (await get(f"{address}/playground"))[0] == 404
        async with set_up.engine.connect() as tx:
            held = (await tx.exec_driver_sql("SELECT role FROM lead WHERE until > clock_timestamp()")).all()
        assert held == []
        menus = [call for call in double.calls if call.method == "setMyCommands"]
        assert {call.params.get("language_code") for call in menus} == {"zh", None}


async def test_without_a_token_there_is_a_playground_with_people_who_have_points(
    database: Database, tmp_path: Path
) -> None:
    async with running(settings(tmp_path), database.url, silent) as address:
        status, page = await get(f"{address}/playground/")
        assert status == 200 and "<html" in page
        async with database.engine.connect() as tx:
            assert await tx.scalar(_count("programme")) == 1
            assert (await tx.scalar(_count("entry")) or 0) > 10


async def test_the_first_list_and_the_first_search_find_everything_made(
    demo_database: Database, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("ledger.redeeming.on_shelf._shelves", OrderedDict())
    monkeypatch.setattr("ledger.redeeming.search._indexes", OrderedDict())
    async with Double() as double:
        mine = settings(tmp_path, BOT_TOKEN=double.token, TELEGRAM_API_URL=double.url)
        async with running(mine, demo_database.url, silent), demo_database.engine.connect() as tx:
            made: list[str] = []
            monkeypatch.setattr("ledger.redeeming.search.Index", lambda *_: made.append("index"))
            monkeypatch.setattr("ledger.redeeming.on_shelf.OnShelf", lambda *_: made.append("shelf"))
            assert (await on_shelf(tx)).found_by(NOBODY, TODAY)
            assert await search(tx, "图书券")
            assert made == []


async def test_started_again_the_playground_answers_as_before(database: Database, tmp_path: Path) -> None:
    """The double begins anew each time, its messages and updates numbered from the start; the database remembers."""
    ming = 1001
    for _ in range(3):
        async with (
            running(settings(tmp_path), database.url, silent) as address,
            ClientSession() as client,
            events_of(client, f"{address}/playground/") as page,
        ):
            await page.next()
            for said in ("/balance", "/card"):
                async with client.post(f"{address}/playground/api/people/{ming}/say", json={"text": said}) as taken:
                    assert taken.status == 200, await taken.text()
            assert "1,180" in (await page.text(ming, "可用"))["text"]
            assert "30 秒内有效" in (await page.text(ming, "会员码"))["text"]


def _count(table: str) -> TextClause:
    return text(f"SELECT count(*) FROM {table}")


async def test_what_keeps_it_from_starting_is_said_in_a_line(set_up: Database, tmp_path: Path) -> None:
    async with Double() as double:
        wrong = settings(tmp_path, BOT_TOKEN="43:OTHER", TELEGRAM_API_URL=double.url)
        with pytest.raises(SettingsError, match="BOT_TOKEN"):
            async with running(wrong, set_up.url, silent):
                pass
        with socket.socket() as taken:
            taken.bind(("127.0.0.1", 0))
            taken.listen()
            port = str(taken.getsockname()[1])
            busy = settings(tmp_path, BOT_TOKEN=double.token, TELEGRAM_API_URL=double.url, PORT=port)
            with pytest.raises(SettingsError, match=f"PORT={port}"):
                async with running(busy, set_up.url, silent):
                    pass


async def test_with_a_token_an_empty_database_gets_the_demo_and_nobody_is_its_operator(
    database: Database, tmp_path: Path
) -> None:
    said: list[str] = []
    async with Double() as double:
        mine = settings(tmp_path, BOT_TOKEN=double.token, TELEGRAM_API_URL=double.url)
        async with running(mine, database.url, said.append):
            stranger = double.person("路人", id=1005)
            await stranger.says("/operator")
            await stranger.sees("加入就有")
            await stranger.taps("同意并加入")
            await stranger.sees("100 分")
        assert [line for line in said if "已载入演示计划" in line] and not [line for line in said if "演练场" in line]


async def test_the_playgrounds_people_are_pointed_out_to_whoever_goes_on_telegram(
    database: Database, tmp_path: Path
) -> None:
    said: list[str] = []
    async with running(settings(tmp_path), database.url, silent):
        pass
    async with Double() as double:
        mine = settings(tmp_path, BOT_TOKEN=double.token, TELEGRAM_API_URL=double.url)
        async with running(mine, database.url, said.append):
            pass
    assert [line for line in said if "演练场的人物" in line and "DATA_DIR" in line]


@pytest.mark.slow
async def test_several_processes_share_a_port_and_a_killed_one_is_replaced(
    set_up: Database, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        port = str(probe.getsockname()[1])
    async with Double() as double:
        environ = {
            "BOT_TOKEN": double.token,
            "TELEGRAM_API_URL": double.url,
            "PUBLIC_URL": f"http://127.0.0.1:{port}",
            "PORT": port,
            "WORKERS": "2",
            "SECRET_KEY": "a secret for tests, long enough to be one",
            "DATA_DIR": str(tmp_path),
            "LOG_LEVEL": "ERROR",
        }
        for name, value in environ.items():
            monkeypatch.setenv(name, value)
        stop = asyncio.Event()
        running_all = asyncio.create_task(supervise(settings_of.load(environ, env_file=None), set_up.url, stop))
        try:
            ming = double.person("小明")
            await ming.says("/start")
            await ming.sees("云上联盟", timeout=30)
            children = [int(pid) for pid in _children(os.getpid()) if "bot.main" in _command(pid)]
            assert len(children) == 2
            os.kill(children[0], 9)
            await ming.taps("同意并加入")
            await ming.sees("可用", timeout=30)
            await asyncio.sleep(3)
            assert len([pid for pid in _children(os.getpid()) if "bot.main" in _command(pid)]) == 2
        finally:
            stop.set()
            assert await asyncio.wait_for(running_all, 40) == 0
        assert [pid for pid in _children(os.getpid()) if "bot.main" in _command(pid)] == []


def _children(pid: int) -> list[int]:
    return [child.pid for child in psutil.Process(pid).children(recursive=True)]


def _command(pid: int) -> str:
    try:
        return " ".join(psutil.Process(pid).cmdline())
    except psutil.Error:
        return ""
