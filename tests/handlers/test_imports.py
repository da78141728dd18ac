"""Importing at a merchant, through the real bot and its double: choose, send, see what it would do, say yes, read the report."""

from __future__ import annotations

import csv
import datetime as dt
import io
from pathlib import Path
from typing import Any

import pytest
from openpyxl import load_workbook
from sqlalchemy import text

from bot import settings as settings_of
from bot.double.double import Double
from bot.double.faults import Fault
from bot.double.people import Person
from bot.imports import Imports
from bot.main import running
from bot.sent_files import from_telegram
from ledger.merchants import merchant as merchants
from ledger.merchants import staff
from tests import turns
from tests.bot.importing import csv_of, file_of, xlsx_of
from tests.conftest import Database
from tests.driver import World, bot_running, coalition
from tests.handlers.papers import picture
from tests.handlers.till_scene import Shop, open_shop

XLSX = "application/vnd.openxmlformats-officedocument.spreadsheetml.sheet"


async def work(world: World) -> None:
    """What the leader does with what was sent."""
    await world.settled()
    worker = world.worker
    working = Imports(
        world.database.engine, world.vault, worker.parts.clock, from_telegram(worker.bot), hurry=worker.outbox.hurry
    )
    while await working.step():
        pass
    await world.settled()


async def chooses(person: Person, page: str, *taps: str) -> None:
    """From the merchant's page to what is to be imported."""
    await person.says("/merchant")
    await person.sees(page, fresh=True)
    for tap in taps:
        await person.taps(tap)


async def sends(world: World, person: Person, content: bytes, name: str, **how: Any) -> None:
    """A file, and what the leader does with it."""
    await person.sends_document(content, name, **how)
    await world.settled()
    await work(world)


def handed(person: Person) -> bytes:
    """The newest file that the bot handed over."""
    content = next(m.document for m in reversed(person.messages) if m.from_bot and m.document)
    assert isinstance(content, bytes)
    return content


def table(content: bytes) -> list[list[str]]:
    return list(csv.reader(io.StringIO(content.decode("utf-8-sig"))))


def bought(world: World, document: str, amount: str, customer: str = "c1") -> list[str]:
    """A day alone is its noon, which today may still be to come."""
    return [document, customer, (world.now() - dt.timedelta(days=1)).strftime("%Y-%m-%d"), amount]


WORDS = {
    "zh-hans": {
        "page": "正常", "import": "导入", "purchases": "消费记录", "got": "收到了,正在核对",
        "tried": "3 行:2 行可导入,1 行有问题", "would": "会发出 20 分", "problem": "第 3 行:「金额」读不懂:oops",
        "yes": "确认导入 2 行", "running": "正在导入", "done": "3 行:2 行已导入,1 行有问题", "refused": "没有导入",
    },
    "en": {
        "page": "active", "import": "Import", "purchases": "Purchases", "got": "Received, checking it",
        "tried": "3 rows: 2 can be imported, 1 with problems", "would": "Would issue 20 pts",
        "problem": "Row 3: “amount” can't be read: oops", "yes": "Import 2 rows", "running": "Importing",
        "done": "3 rows: 2 imported, 1 with problems", "refused": "not imported",
    },
}  # fmt: skip


@pytest.mark.parametrize("language", ["zh-hans", "en"])
async def test_a_file_of_purchases_is_tried_confirmed_and_reported(database: Database, language: str) -> None:
    say = WORDS[language]
    async with bot_running(database) as world:
        shop = await open_shop(world, language=language)
        owner = shop.owner
        await chooses(owner, say["page"], say["import"], say["purchases"])
        content = file_of(
            "purchases", bought(world, "d1", "12.00"), bought(world, "=d2", "oops"), bought(world, "d3", "8.00", "c2")
        )
        await owner.sends_document(content, "nov.csv", mime="text/csv")
        await owner.sees(say["got"])
        assert await world.sql("SELECT count(*) FROM purchase") == [(0,)]
        await work(world)
        said = await owner.sees(say["tried"])
        assert say["would"] in said.shown and say["problem"] in said.shown
        assert await world.sql("SELECT count(*) FROM purchase") == [(0,)]
        assert await world.sql("SELECT count(*) FROM external_account") == [(0,)]
        await owner.taps(say["yes"])
        await owner.sees(say["running"])
        await work(world)
        said = await owner.sees(say["done"])
        assert await world.sql("SELECT document, points FROM purchase ORDER BY 1") == [("d1", 12), ("d3", 8)]
        rows = table(handed(owner))
        assert [row[1] for row in rows[1:]] == ["d1", "'=d2", "d3"] and say["refused"] in rows[2]
        assert len(rows[0]) == 11


async def told_tried(shop: Shop, kind: str, content: bytes, **how: Any) -> None:
    """The owner chooses a kind and sends a file, which is tried."""
    await chooses(shop.owner, "正常", "导入", kind)
    await sends(shop.world, shop.owner, content, f"{kind}.csv", **how)


async def test_customers_get_claim_codes_in_the_report(database: Database) -> None:
    async with bot_running(database) as world:
        shop = await open_shop(world)
        await told_tried(shop, "顾客名单", xlsx_of([["会员号"], [10086], ["B"]]), mime=XLSX)
        await shop.owner.sees("2 行:2 行可导入")
        await shop.owner.taps("确认导入 2 行")
        await work(world)
        await shop.owner.sees("2 行:2 行已导入")
        rows = table(handed(shop.owner))
        code = rows[1][-1]
        assert rows[0][-1] == "认领码" and rows[1][1] == "10086" and len(code) == 14
        await shop.owner.taps("报告 Excel")
        await world.settled()
        sheet = load_workbook(io.BytesIO(handed(shop.owner))).active
        assert sheet is not None and sheet["F2"].value == code
        await shop.customer.says(f"/claim {code}")
        await shop.customer.sees("云山超市的账户 10086 归您了")


async def test_partner_codes_are_counted_by_pool_and_never_shown(database: Database) -> None:
    async with bot_running(database) as world:
        shop = await open_shop(world)
        await told_tried(shop, "券码", file_of("codes", ["coffee", "SECRET-1", ""], ["coffee", "SECRET-2", ""]))
        await shop.owner.taps("确认导入 2 行")
        await work(world)
        await shop.owner.sees("2 行:2 行已导入")
        assert b"SECRET" not in handed(shop.owner)
        await chooses(shop.owner, "正常", "导入")
        await shop.owner.sees("券码池 coffee:可用 2,已发 0")


async def test_the_same_file_again_says_so_and_offers_nothing_to_confirm(database: Database) -> None:
    async with bot_running(database) as world:
        shop = await open_shop(world)
        content = file_of("balances", ["A", "100", ""])
        await told_tried(shop, "期初积分", content)
        await shop.owner.taps("确认导入 1 行")
        await work(world)
        await shop.owner.sees("已导入")
        await told_tried(shop, "期初积分", content)
        said = await shop.owner.sees("同样的文件")
        assert "1 行以前导入过" in said.shown
        assert not [b for row in said.buttons for b in row if "确认" in b.text]
        assert await world.sql("SELECT count(*) FROM entry WHERE kind = 'open_balance'") == [(1,)]


async def test_two_taps_on_yes_and_a_late_no_change_nothing_more(database: Database) -> None:
    async with bot_running(database) as world:
        shop = await open_shop(world)
        await told_tried(shop, "期初积分", file_of("balances", ["A", "100", ""]))
        asked = await shop.owner.sees("1 行可导入")
        [yes] = [b for row in asked.buttons for b in row if "确认" in b.text]
        [no] = [b for row in asked.buttons for b in row if "不导入了" in b.text]
        shop.owner.presses(asked, yes)
        shop.owner.presses(asked, yes)
        await world.settled()
        shop.owner.presses(asked, no)
        await world.settled()
        await shop.owner.sees("这份文件的状态是「正在导入」")
        await work(world)
        assert await world.sql("SELECT points FROM entry WHERE kind = 'open_balance'") == [(100,)]
        assert await world.sql("SELECT who, facts ->> 'rows' FROM merchant_log WHERE what = 'file_imported'") == [
            ("staff:1", "1")
        ]


async def test_a_file_that_can_not_be_read_is_told_with_what_would_help(database: Database) -> None:
    async with bot_running(database) as world:
        shop = await open_shop(world)
        await told_tried(
            shop, "消费记录", csv_of([["Invoice", "顾客", "日期", "总额"], ["d1", "A", "2026-11-01", "5"]])
        )
        said = (
            await shop.owner.sees("没有接受") if False else await shop.owner.last_seen("") if False else shop.owner.last
        )
        assert "会发出" in said.shown  # «Invoice», «顾客», «日期», «总额» are usual names
        await told_tried(shop, "消费记录", csv_of([["Nr", "Wer", "日期", "总额"], ["d2", "A", "2026-11-01", "5"]]))
        await shop.owner.sees("缺少列:单号、顾客号")
        await chooses(shop.owner, "正常", "导入", "消费记录")
        await shop.owner.says("单号=Nr;顾客号=Wer")
        await shop.owner.sees("列名记下了")
        await sends(world, shop.owner, csv_of([["Nr", "Wer", "日期", "总额"], ["d2", "A", "2026-11-01", "5"]]), "a.csv")
        await shop.owner.sees("1 行:1 行可导入")
        await chooses(shop.owner, "正常", "导入", "消费记录")
        await shop.owner.sends_photo(picture("a receipt"))
        await shop.owner.sees("这是图片。请作为文件发。")
        await sends(world, shop.owner, b"\xd0\xcf\x11\xe0", "old.xls")
        await shop.owner.sees("另存为 .xlsx")


async def test_a_file_that_is_not_wanted_after_all_is_dropped(database: Database) -> None:
    async with bot_running(database) as world:
        shop = await open_shop(world)
        await told_tried(shop, "顾客名单", file_of("members", ["A"]))
        await shop.owner.taps("不导入了")
        await shop.owner.sees("什么都没有改动")
        await work(world)
        assert await world.sql("SELECT state FROM import_file") == [("dropped",)]
        assert await world.sql("SELECT count(*) FROM external_account") == [(0,)]


async def test_templates_come_back_as_files_that_can_be_imported(database: Database) -> None:
    async with bot_running(database) as world:
        shop = await open_shop(world)
        await chooses(shop.owner, "正常", "导入", "顾客名单", "模板 Excel")
        await world.settled()
        content = handed(shop.owner)
        await sends(world, shop.owner, content, "members.xlsx", mime=XLSX)
        await shop.owner.sees("1 行:1 行可导入")


async def test_cashiers_and_strangers_import_nothing(database: Database) -> None:
    async with bot_running(database) as world:
        shop = await open_shop(world)
        await told_tried(shop, "顾客名单", file_of("members", ["A"]))
        asked = await shop.owner.sees("1 行可导入")
        [yes] = [b for row in asked.buttons for b in row if "确认" in b.text]
        for who, said in ((shop.cashier, "您不能导入文件"), (shop.customer, "您不在这个收银台")):
            await who.says("/help")
            await world.settled()
            who.presses(who.last, yes)
            await who.sees(said)
        await chooses(shop.manager, "正常", "导入")
        await shop.manager.sees("最近的文件")
        assert await world.sql("SELECT state FROM import_file") == [("tried",)]


async def test_a_file_is_fetched_later_when_telegram_is_out_of_reach(database: Database) -> None:
    async with bot_running(database) as world:
        shop = await open_shop(world)
        world.double.faults.on("getFile", Fault.status(500), times=1)
        await told_tried(shop, "顾客名单", file_of("members", ["A"]))
        assert await world.sql("SELECT state FROM import_file") == [("sent",)]
        await world.sql("UPDATE import_file SET fetch_after = NULL")
        await work(world)
        await shop.owner.sees("1 行:1 行可导入")


async def test_the_running_process_fetches_tries_and_imports_by_itself(database: Database, tmp_path: Path) -> None:
    async with database.engine.begin() as tx:
        await coalition(tx)
    async with Double() as double:
        mine = settings_of.load(
            {"DATA_DIR": str(tmp_path), "PORT": "0", "BOT_TOKEN": double.token, "TELEGRAM_API_URL": double.url},
            env_file=None,
        )
        async with running(mine, database.url, lambda line: None):
            owner = double.person("店主", "zh-hans")
            await owner.says("/start")
            await owner.taps("同意并加入")
            await double.settled(10)
            async with database.engine.begin() as tx:
                market = await merchants.by_code(tx, "market")
                member = await tx.scalar(text("SELECT max(id) FROM member"))
                await staff.add(
                    tx,
                    merchant_id=market.id,
                    member_id=member or 0,
                    role="owner",
                    label="店主",
                    by="test",
                    now=turns.NOW,
                )
            await chooses(owner, "云山超市", "导入", "顾客名单")
            await owner.sends_document(file_of("members", ["A"], ["B"]), "members.csv")
            await owner.sees("2 行:2 行可导入")
            await owner.taps("确认导入 2 行")
            await owner.sees("2 行:2 行已导入")
