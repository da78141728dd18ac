"""A till's own program without network: the list fetched over HTTP, a code checked against it, what was taken brought as a file."""

from __future__ import annotations

import datetime as dt
import hashlib
import hmac

from ledger.redeeming import codes
from tests import turns
from tests.bot.importing import csv_of
from tests.bot.merchant_api.scene import Scene, shop
from tests.bot.merchant_api.test_imports import send, work
from tests.bot.merchant_api.test_operations import voucher
from tests.conftest import Database

LIST = "/v1/vouchers/offline"


def check(key: str, code: str) -> str:
    """As the documentation tells a till's program."""
    return hmac.new(bytes.fromhex(key), code.encode(), hashlib.sha256).hexdigest()[:6]


async def brought(scene: Scene, *codes_: str) -> list[str]:
    """What becomes of codes that were taken just now, brought as a file."""
    taken = scene.now().astimezone(turns.ZONE).strftime("%Y-%m-%d %H:%M")
    content = csv_of([["code", "used_at"], *([each, taken] for each in codes_)])
    sent = await send(scene, "used_vouchers", content, "&dry_run=false")
    assert sent.status == 202, sent.text
    await work(scene)
    rows = await scene.ask("GET", f"/v1/imports/{sent.json['id']}/rows")
    return [(row["problem"] or {"code": row["outcome"]})["code"] for row in rows.json["rows"]]


async def test_a_till_takes_by_the_list_and_brings_it_over_http(database: Database) -> None:
    async with shop(database) as scene:
        empty = await scene.ask("GET", LIST)
        assert (empty.status, empty.json["vouchers"], empty.json["left_out"]) == (200, [], 0), empty.text
        code = await voucher(scene)
        listed = await scene.ask("GET", LIST, language="en")
        [one] = listed.json["vouchers"]
        assert code not in listed.text
        assert (one["tail"], one["check"]) == (code[-4:], check(listed.json["key"], code))
        assert (one["offer"], one["name"], one["units"]) == ("box", "Gift box", 1)
        good = dt.datetime.fromisoformat(listed.json["until"]) - dt.datetime.fromisoformat(listed.json["made_at"])
        assert good == dt.timedelta(hours=12)
        assert (await scene.ask("GET", LIST)).json["vouchers"][0]["name"] == "礼盒"
        stranger = codes.mint(b"\1" * 24)
        assert await brought(scene, code, code, stranger) == ["done", "row_twice", "offline_unknown"]
        assert await brought(scene, code) == ["already"]
        assert (await scene.ask("GET", LIST)).json["vouchers"] == []
        assert await scene.sql("SELECT state FROM redemption") == [("used",)]
        assert await scene.holds()


async def test_many_lists_tell_no_more_of_a_code_than_one(database: Database) -> None:
    async with shop(database, servers=2) as scene:
        await voucher(scene)
        first, second = await scene.ask("GET", LIST), await scene.ask("GET", LIST, server=1)
        assert first.json["key"] == second.json["key"]
        assert first.json["vouchers"] == second.json["vouchers"]


async def test_a_list_is_its_own_merchants_and_needs_its_scope(database: Database) -> None:
    async with shop(database) as scene:
        await voucher(scene)
        _, rival = await scene.new_key("vouchers", merchant=scene.rail)
        theirs = await scene.ask("GET", LIST, key=rival)
        assert theirs.status == 200 and theirs.json["vouchers"] == []
        assert theirs.json["key"] == (await scene.ask("GET", LIST)).json["key"], "a voucher may be on both their lists"
        _, other = await scene.new_key("award", "imports")
        assert (await scene.ask("GET", LIST, key=other)).status == 403
        assert (await scene.ask("GET", LIST, key="jf_none_none")).status == 401
        _, slow = await scene.new_key("vouchers", per_minute=2)
        asked = [(await scene.ask("GET", LIST, key=slow)).status for _ in range(4)]
        assert asked.count(429) >= 1 and asked[0] == 200
