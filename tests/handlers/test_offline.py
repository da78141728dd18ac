"""The list for a till that loses its network, and what it took brought afterwards: as the people at a till do it."""

from __future__ import annotations

import pytest

from ledger.redeeming import codes, offline
from ledger.redeeming.offers import PerUnit
from tests.bot.importing import csv_of
from tests.conftest import Database
from tests.driver import ZONE, World, bot_running
from tests.handlers.settled import opens
from tests.handlers.shop import code_on, gives, offer, shelve
from tests.handlers.test_imports import handed, sends, table, work
from tests.handlers.till_scene import Shop, open_shop

WORDS = {
    "zh-hans": {
        "redeem": "兑换", "box": "礼盒", "yes, redeem": "确认兑换", "redeemed": "换好了",
        "day": "今天", "list": "断网名单", "none": "现在没有可以用的券,不用名单。", "said": "1 张券可以在断网时收,",
        "bring": "补录断网时用的券", "awaited": "导入断网时用的券", "heads": ["末四位", "核验码", "换的东西", "有效至"],
        "tried": "2 行:1 行可导入,1 行有问题", "yes": "确认导入 1 行", "done": "2 行:1 行已导入,1 行有问题",
        "lost": "没有末四位是", "used": "券已用:礼盒", "manager": "补录由店长来做。",
    },
    "en": {
        "redeem": "Redeem", "box": "Box", "yes, redeem": "Redeem now", "redeemed": "Done",
        "day": "Today", "list": "Offline list", "none": "No vouchers are open now: no list is needed.",
        "said": "1 voucher can be taken offline,", "bring": "Bring offline vouchers", "awaited": "Offline vouchers",
        "heads": ["last four", "check", "voucher for", "good until"],
        "tried": "2 rows: 1 can be imported, 1 with problems", "yes": "Import 1 row",
        "done": "2 rows: 1 imported, 1 with problems", "lost": "There is no such voucher ending in",
        "used": "Voucher used: Box", "manager": "A manager brings them.",
    },
}  # fmt: skip
BOX = offer("box", "礼盒", "Box", "market", PerUnit(points=100))


async def a_voucher(world: World, shop: Shop, say: dict[str, object]) -> str:
    """The customer redeems a box; its code."""
    [box] = await shelve(world, BOX)
    await gives(world, shop.customer, 100)
    await shop.customer.says("/redeem")
    await shop.customer.sees(str(say["redeem"]), fresh=True)
    await opens(shop.customer, f"redeem:confirm:{box}:1")
    await shop.customer.sees(str(say["box"]), fresh=True)
    await world.settled()
    await shop.customer.taps(str(say["yes, redeem"]), message=shop.customer.last)
    await shop.customer.sees(str(say["redeemed"]), fresh=True)
    await world.settled()
    return code_on(shop.customer)


@pytest.mark.parametrize("language", ["zh-hans", "en"])
async def test_a_till_takes_by_the_list_and_the_manager_brings_it(database: Database, language: str) -> None:
    say: dict[str, object] = {**WORDS[language]}
    async with bot_running(database) as world:
        shop = await open_shop(world, language=language)
        cashier, manager = shop.cashier, shop.manager
        await cashier.says("/today")
        await cashier.sees(str(say["day"]), fresh=True)
        await cashier.taps(str(say["list"]))
        await cashier.sees(str(say["none"]), fresh=True)
        code = await a_voucher(world, shop, say)
        await cashier.says("/today")
        await cashier.sees(str(say["day"]), fresh=True)
        await cashier.taps(str(say["list"]))
        told = await cashier.sees(str(say["said"]), fresh=True)
        assert str(say["manager"]) in told.shown and say["bring"] not in told.labels
        rows = table(handed(cashier))
        assert [row[0] for row in rows[:3]] == ["#"] * 3 and rows[3] == say["heads"] and len(rows) == 5
        assert rows[4][:3] == [f"…{code[-4:]}", f"x{offline.check(rows[2][2], code)}", say["box"]]
        assert code not in handed(cashier).decode() and codes.spaced(code) not in handed(cashier).decode()

        await manager.says("/today")
        await manager.sees(str(say["day"]), fresh=True)
        await manager.taps(str(say["list"]))
        await manager.sees(str(say["said"]), fresh=True)
        await manager.taps(str(say["bring"]))
        await manager.sees(str(say["awaited"]), fresh=True)
        when = f"{world.now().astimezone(ZONE):%Y-%m-%d %H:%M}"
        content = csv_of([["券码", "用券时间"], [codes.spaced(code), when], [codes.mint(b"nobody has this one"), when]])
        await sends(world, manager, content, "offline.csv", mime="text/csv")
        said = await manager.sees(str(say["tried"]), fresh=True)
        assert str(say["lost"]) in said.shown
        assert await world.sql("SELECT state FROM redemption") == [("issued",)]
        await manager.taps(str(say["yes"]))
        await world.settled()
        await work(world)
        await manager.sees(str(say["done"]), fresh=True)
        await shop.customer.sees(str(say["used"]))
        assert await world.sql("SELECT state, used_by IS NOT NULL FROM redemption") == [("used", True)]
        assert code.encode() not in handed(manager)


async def test_who_serves_elsewhere_gets_no_list(database: Database) -> None:
    async with bot_running(database) as world:
        shop = await open_shop(world)
        await shop.customer.says("/redeem")
        await shop.customer.sees("兑换", fresh=True)
        await opens(shop.customer, "offline:list:1")
        await world.settled()
        assert "断网时收" not in shop.customer.last.shown and not any(m.document for m in shop.customer.messages)
