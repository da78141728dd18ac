"""A merchant's own page: the day at a glance, the day as a file, and the log of who did what."""

from __future__ import annotations

import csv
import io

from tests.conftest import Database
from tests.driver import bot_running
from tests.handlers.till_scene import open_shop


async def test_the_page_counts_the_day_and_offers_what_the_role_may(database: Database) -> None:
    async with bot_running(database) as world:
        shop = await open_shop(world)
        await shop.book("3号台", 100, 28)
        await shop.book("4号台", 72)
        await shop.owner.says("/merchant")
        shown = (await shop.owner.sees("云山超市 · 正常")).shown
        assert "今天 3 笔,收 ¥200,得 200 分" in shown
        assert {"今天的", "导出今天", "门店", "店员", "各班记录", "证书与文件", "操作记录", "收银台"} <= set(
            shop.owner.last.labels
        )
        await shop.manager.says("/merchant")
        await shop.manager.sees("今天 3 笔")
        assert {"证书与文件", "操作记录"} & set(shop.manager.last.labels) == set()
        await shop.customer.says("/merchant")
        await shop.customer.sees("这是商户员工用的")


async def test_the_day_is_handed_over_as_a_file_without_names_or_formulas(database: Database) -> None:
    async with bot_running(database) as world:
        shop = await open_shop(world)
        await shop.book("3号台", 100, 28)
        await world.sql("UPDATE staff SET label = '=HYPERLINK(1)' WHERE label = '3号台'")
        await shop.manager.says("/merchant")
        await shop.manager.taps("导出今天")
        await shop.manager.sees("今天 2 笔", fresh=True)
        file = next(message for message in shop.manager.messages if message.document)
        assert file.document is not None and file.document.startswith(b"\xef\xbb\xbf")
        assert file.wire["document"]["file_name"].startswith("market-")
        head, *rows = csv.reader(io.StringIO(file.document.decode("utf-8-sig")))
        assert head == ["时间", "类别", "单号", "收银台", "经手人", "金额", "已退", "积分", "状态"]
        assert sorted(row[5] for row in rows) == ["100.00", "28.00"]
        assert {row[4] for row in rows} == {"'=HYPERLINK(1)"}
        assert "小明" not in file.document.decode("utf-8-sig")
        assert not file.buttons, "what was handed over is not replaced by the next tap"


async def test_the_log_says_who_did_what_page_by_page(database: Database) -> None:
    async with bot_running(database) as world:
        shop = await open_shop(world)
        await shop.manager.says("/merchant")
        await shop.manager.taps("门店")
        for number in range(6):
            await shop.manager.taps("新开门店")
            await shop.manager.sees("门店叫什么", fresh=True)
            await shop.manager.says(f"{number}号店")
            await shop.manager.sees(f"{number}号店", fresh=True)
            await shop.manager.taps("加收银台")
            await shop.manager.sees("小票上怎么称呼它", fresh=True)
            await shop.manager.says(f"{number}号台")
            await shop.manager.sees("收银台 1 个", fresh=True)
            await shop.manager.taps("返回")
        await shop.owner.says("/merchant")
        await shop.owner.taps("操作记录")
        shown = (await shop.owner.sees("新设收银台「5号台」(5号店) · 店长", fresh=True)).shown
        assert "0号店" not in shown
        await shop.owner.taps("更早")
        shown = (await shop.owner.sees("新开门店「0号店」 · 店长", fresh=True)).shown
        assert "更早" not in shop.owner.last.labels
        await shop.owner.taps("最近的")
        await shop.owner.sees("5号台", fresh=True)
