"""Limits where several processes serve the API: real processes on one database."""

from __future__ import annotations

import asyncio
import re
import sys
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager

from bot.clock import Clock
from bot.leads import take
from bot.merchant_api.shared_limits import DRAWN_SECONDS, SharedRates
from bot.timetable import Timetable, discover
from tests import turns
from tests.bot.merchant_api.scene import Scene, fresh, shop
from tests.conftest import Database


@asynccontextmanager
async def two_processes(database: Database) -> AsyncIterator[Scene]:
    """A scene before two processes."""
    async with shop(database) as scene:
        scene.addresses = []
        running = [
            await asyncio.create_subprocess_exec(
                sys.executable, "-m", "tests.bot.merchant_api.server_process", database.url, "2",
                stdout=asyncio.subprocess.PIPE,
            )
            for _ in range(2)
        ]  # fmt: skip
        try:
            for each in running:
                assert each.stdout is not None
                scene.addresses.append(f"http://127.0.0.1:{int(await each.stdout.readline())}")
            yield scene
        finally:
            for each in running:
                each.kill()
                await each.wait()


def left(said: str) -> int:
    """What a header says is left."""
    found = re.fullmatch(r'"key";r=(\d+);t=\d+', said)
    assert found is not None, said
    return int(found[1])


async def test_a_keys_rate_is_one_over_both_processes_and_the_headers_tell_it(database: Database) -> None:
    async with two_processes(database) as scene:
        _, key = await scene.new_key("statements", per_minute=6)
        told = [await scene.ask("GET", "/v1/purchases", key=key, server=n % 2) for n in range(8)]
        assert [each.status for each in told] == [200] * 6 + [429] * 2
        assert [left(each.headers["RateLimit"]) for each in told] == [5, 4, 3, 2, 1, 0, 0, 0]
        assert {each.headers["RateLimit-Policy"] for each in told} == {'"key";q=6;w=60'}
        assert told[6].code == told[7].code == "too_fast"
        wait = int(told[6].headers["Retry-After"])
        assert 1 <= wait <= 10
        assert (await scene.ask("GET", "/v1/purchases")).status == 200, "another key has a rate of its own"
        await asyncio.sleep(wait)
        again = [await scene.ask("GET", "/v1/purchases", key=key, server=n) for n in range(2)]
        assert sorted(each.status for each in again) == [200, 429], "one more, whichever process is asked"


async def test_a_large_rate_is_drawn_in_portions_and_never_exceeded(database: Database) -> None:
    async with two_processes(database) as scene:
        _, key = await scene.new_key("statements", per_minute=240)
        told = await asyncio.gather(*(scene.ask("GET", "/v1/purchases", key=key, server=n % 2) for n in range(290)))
        served = sum(each.status == 200 for each in told)
        # Refilled while they were asked; a few may be drawn by one process and not served by it.
        assert 232 <= served <= 240 + 4 * 8, served
        [(tokens,)] = await scene.sql("SELECT tokens FROM api_rate WHERE key_id = (SELECT max(id) FROM api_key)")
        assert 0 <= tokens < 2


async def test_a_member_has_a_few_in_flight_over_both(database: Database) -> None:
    async with two_processes(database) as scene, database.engine.connect() as holding:
        await holding.exec_driver_sql("LOCK TABLE purchase IN ACCESS EXCLUSIVE MODE")
        first = [asyncio.create_task(scene.buy(server=n % 2)) for n in range(4)]
        await asyncio.sleep(1)
        for server in range(2):
            said = await scene.buy(server=server)
            assert (said.status, said.code) == (429, "too_many_for_member")
        await holding.rollback()
        assert {(await each).status for each in first} == {201}


async def test_one_key_in_flight_is_in_flight_in_the_other_process(database: Database) -> None:
    async with two_processes(database) as scene, database.engine.connect() as holding:
        body, idem = scene.purchase(), fresh()
        await holding.exec_driver_sql("LOCK TABLE purchase IN ACCESS EXCLUSIVE MODE")
        first = asyncio.create_task(scene.buy(body, idem=idem))
        await asyncio.sleep(1)
        said = await scene.buy(body, idem=idem, server=1)
        assert (said.status, said.code) == (409, "in_flight")
        await holding.rollback()
        assert (await first).status == 201


async def test_what_an_idle_process_drew_lapses(database: Database) -> None:
    async with shop(database) as scene:
        now = 0.0
        known, _ = await scene.new_key("statements", per_minute=600)
        rates = SharedRates(database.engine, lambda: now)
        assert left((await rates.take(known))["RateLimit"]) == 599
        assert await scene.sql("SELECT drawn FROM api_rate") == [(10.0,)]
        now = DRAWN_SECONDS + 1
        assert left((await rates.take(known))["RateLimit"]) < 599
        [(tokens,)] = await scene.sql("SELECT tokens FROM api_rate")
        assert tokens < 590, "drawn anew, not served from what had lapsed"


async def test_buckets_that_nobody_asks_for_are_forgotten(database: Database) -> None:
    async with shop(database) as scene:
        known, _ = await scene.new_key("statements")
        await SharedRates(database.engine).take(known)
        await scene.sql(
            "INSERT INTO api_rate (key_id, tokens, drawn, at) VALUES (-5, 1, 0, now() - interval '2 hours')"
        )
        async with database.engine.begin() as tx:
            lease = await take(tx, "jobs", "test")
        assert lease is not None
        await Timetable(database.engine, scene.vault, Clock(turns.ZONE, scene.now), discover()).catch_up(lease)
        assert await scene.sql("SELECT key_id FROM api_rate") == [(known.id,)]
