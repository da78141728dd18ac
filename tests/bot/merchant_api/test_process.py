"""The API in the running process, and its keys from the command line."""

from __future__ import annotations

from pathlib import Path

from aiohttp import ClientSession

from bot.main import running
from tests.bot.merchant_api.scene import Scene, shop
from tests.bot.test_main import settings, silent
from tests.bot.test_till_import import jifen
from tests.conftest import Database


async def test_the_playground_serves_the_api_to_a_key_from_the_command_line(database: Database, tmp_path: Path) -> None:
    async with running(settings(tmp_path), database.url, silent) as address, ClientSession() as session:
        make = ("api-key", "create", "--merchant", "market", "--label", "网店", "--scope", "statements")
        code, said = await jifen(database, tmp_path, *make)
        assert code == 0, said
        [key] = [line for line in said.splitlines() if line.startswith("jf_")]
        async with session.get(f"{address}/v1/purchases?limit=1", headers={"Authorization": f"Bearer {key}"}) as answer:
            assert answer.status == 200 and len((await answer.json())["purchases"]) == 1
        for path, status in (("/docs", 200), ("/openapi.json", 200), ("/v1/purchases", 401), ("/healthz", 200)):
            async with session.get(address + path) as answer:
                assert answer.status == status, path
        async with session.get(f"{address}/metrics") as answer:
            assert 'jifen_api_requests_total{path="/v1/purchases",status="200"} 1.0' in await answer.text()


async def test_keys_are_listed_and_ended_from_the_command_line(database: Database, tmp_path: Path) -> None:
    async with shop(database) as scene:
        code, said = await jifen(database, tmp_path, "api-key", "list", "--merchant", "market")
        assert code == 0 and f"✓ {scene.known.id} jf_{scene.known.prefix}_…" in said, said
        assert scene.key not in said
        code, said = await jifen(database, tmp_path, "api-key", "revoke", "--merchant", "market", str(scene.known.id))
        assert code == 0, said
        assert await refused(scene)
        assert (await jifen(database, tmp_path, "api-key", "revoke", "--merchant", "market", "999"))[0] == 1
        assert (await jifen(database, tmp_path, "api-key", "list", "--merchant", "nobody"))[0] == 1


async def test_a_test_key_from_the_command_line_makes_a_sandbox_that_can_be_dropped(
    database: Database, tmp_path: Path
) -> None:
    async with shop(database) as scene:
        make = ("api-key", "create", "--merchant", "market", "--label", "CI", "--test")
        code, said = await jifen(database, tmp_path, *make)
        assert code == 0, said
        [key] = [line for line in said.splitlines() if line.startswith("jt_")]
        assert (await scene.ask("GET", "/v1/sandbox", key=key)).status == 200
        code, said = await jifen(database, tmp_path, "api-key", "list", "--merchant", "market")
        assert code == 0 and "jt_" in said
        there = f"SELECT count(*) FROM pg_database WHERE datname = '{database.name}_sandbox_{scene.market.id}'"
        assert await scene.sql(there) == [(1,)]
        for told in ("已删掉", "本来就没有沙箱"):
            code, said = await jifen(database, tmp_path, "api-key", "drop-sandbox", "--merchant", "market")
            assert code == 0 and told in said, said
        assert await scene.sql(there) == [(0,)]


async def refused(scene: Scene) -> bool:
    """Whether the scene's key is served no more."""
    return (await scene.buy()).status == 401
