"""The doctor: a healthy installation passes, and each illness is named with the way to mend it."""

from __future__ import annotations

import re
import time
from pathlib import Path

import aiohttp
import pytest
from aiohttp import web
from aiohttp.test_utils import TestServer

from bot import doctor
from bot.doctor import Check, examine
from bot.double import double as doubles
from bot.settings import Settings, load
from tests.conftest import Database

TOKEN = "42:TEST"


def settings_of(folder: Path, database: Database, **more: str) -> Settings:
    return load({"DATA_DIR": str(folder), "DATABASE_URL": database.dsn, **more}, env_file=None)


async def ills(settings: Settings) -> dict[str, Check]:
    """The checks that failed, by the English half of their names."""
    checks = [check async for check in examine(settings)]
    assert len(checks) >= 6 and len({check.name for check in checks}) == len(checks)
    failed = [check for check in checks if check.healthy is False]
    assert all(" / " in check.mend for check in failed)
    return {check.name.split(" / ")[-1]: check for check in failed}


async def test_a_healthy_bot_passes_every_check(database: Database, tmp_path: Path) -> None:
    double = doubles.Double(token=TOKEN)
    await double.start()
    try:
        settings = settings_of(tmp_path, database, BOT_TOKEN=TOKEN, TELEGRAM_API_URL=double.url)
        assert await ills(settings) == {}
    finally:
        await double.stop()


async def test_without_a_token_the_rest_is_examined(database: Database, tmp_path: Path) -> None:
    assert await ills(settings_of(tmp_path / "none yet", database)) == {}


async def test_a_revoked_token_is_told_from_a_server_out_of_reach(database: Database, tmp_path: Path) -> None:
    double = doubles.Double(token=TOKEN)
    await double.start()
    url = double.url
    try:
        ill = await ills(settings_of(tmp_path, database, BOT_TOKEN="42:OTHER", TELEGRAM_API_URL=url))
        assert set(ill) == {"BOT_TOKEN"} and "@BotFather" in ill["BOT_TOKEN"].mend
    finally:
        await double.stop()
    ill = await ills(settings_of(tmp_path, database, BOT_TOKEN="42:OTHER", TELEGRAM_API_URL=url))
    assert set(ill) == {"BOT_TOKEN"} and "PROXY_URL" in ill["BOT_TOKEN"].mend
    assert "OTHER" not in str(ill)


async def test_a_webhook_that_differs_from_the_setting_is_found(database: Database, tmp_path: Path) -> None:
    double = doubles.Double(token=TOKEN)
    await double.start()
    try:
        async with aiohttp.ClientSession() as session:
            hook = {"url": "http://127.0.0.1:9/hook"}
            answer = await (await session.post(f"{double.url}/bot{TOKEN}/setWebhook", json=hook)).json()
            assert answer["ok"], answer
        environ = {"BOT_TOKEN": TOKEN, "TELEGRAM_API_URL": double.url}
        assert "PUBLIC_URL" in (await ills(settings_of(tmp_path, database, **environ)))["webhook"].mend
        same = await ills(settings_of(tmp_path, database, PUBLIC_URL="http://127.0.0.1:9", **environ))
        assert "webhook" not in same
        other = await ills(settings_of(tmp_path, database, PUBLIC_URL="http://other.example", **environ))
        assert "webhook" in other
    finally:
        await double.stop()


async def test_a_clock_that_is_off_is_found_by_telegrams_answer(database: Database, tmp_path: Path) -> None:
    async def answer(request: web.Request) -> web.Response:
        result = {"username": "x"} if request.path.endswith("getMe") else {"url": "", "pending_update_count": 0}
        date = time.strftime("%a, %d %b %Y %H:%M:%S GMT", time.gmtime(time.time() + 60))
        return web.json_response({"ok": True, "result": result}, headers={"Date": date})

    app = web.Application()
    app.router.add_get("/{path:.*}", answer)
    async with TestServer(app) as server:
        url = str(server.make_url("")).rstrip("/")
        ill = await ills(settings_of(tmp_path, database, BOT_TOKEN=TOKEN, TELEGRAM_API_URL=url))
    assert set(ill) == {"clock beside Telegram"} and re.search("59|60", ill["clock beside Telegram"].found)


async def test_a_database_behind_or_away_is_found(database: Database, empty_database: Database, tmp_path: Path) -> None:
    ill = await ills(settings_of(tmp_path, empty_database))
    assert set(ill) == {"migrations"} and "jifen migrate" in ill["migrations"].mend
    away = load({"DATA_DIR": str(tmp_path), "DATABASE_URL": "postgresql://u:hidden@127.0.0.1:9/d"}, env_file=None)
    ill = await ills(away)
    assert set(ill) == {"database"} and "DATABASE_URL" in ill["database"].mend and "hidden" not in str(ill)
    refused = database.dsn.replace("jifen:", "jifen:not-")
    assert set(await ills(load({"DATA_DIR": str(tmp_path), "DATABASE_URL": refused}, env_file=None))) == {"database"}


async def test_open_folders_a_readable_key_and_a_full_disk_are_found(
    database: Database, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    data = tmp_path / "data"
    data.mkdir()
    data.chmod(0o777)
    key = data / "secret.key"
    key.write_text("k" * 40)
    key.chmod(0o644)
    monkeypatch.setattr(doctor, "FREE_BYTES_MIN", 10**18)
    ill = await ills(settings_of(data, database))
    assert set(ill) == {"data folder", "SECRET_KEY", "disk"}
    assert "chmod" in ill["data folder"].mend and "chmod 600" in ill["SECRET_KEY"].mend
    assert "k" * 40 not in str(ill)
