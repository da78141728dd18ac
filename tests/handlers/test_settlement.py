"""The weekly statement in chat: what it shows, its files, a disputed line and its decision, in both languages."""

from __future__ import annotations

import csv
import io

import pytest
from openpyxl import load_workbook

from bot.double.double import Person
from tests.conftest import Database
from tests.handlers import shop
from tests.handlers.at import bot_then
from tests.handlers.settled import Settled, box_used, opens, settled
from tests.handlers.till_scene import printed

WEEK = "11月16日—昨天"


async def statement(scene: Settled, who: Person, merchant_id: int) -> None:
    """A merchant's newest statement."""
    await who.says("/start")
    await scene.world.settled()
    await opens(who, f"settlement:home:{merchant_id}")
    await who.sees("每周一结上一周", fresh=True)
    await who.taps(WEEK)
    await scene.world.settled()


async def test_both_sides_see_one_redemption_from_their_side(database: Database) -> None:
    async with bot_then(database, setup=shop.shop) as world:
        scene = await settled(world)
        await statement(scene, scene.market_owner, 1)
        await scene.market_owner.sees("应付 ¥10")
        assert printed(scene.market_owner).splitlines()[:2] == ["应付 ¥10", f"云山超市 · {WEEK}"]
        assert "自己的分在别家用掉 500 分 → 付 ¥10" in printed(scene.market_owner)
        await statement(scene, scene.fruit_manager, 3)
        await scene.fruit_manager.sees("应收 ¥9.90")
        assert "收别家的分 500 分 → 得 ¥10" in printed(scene.fruit_manager)
        assert "手续费 ¥0.10" in printed(scene.fruit_manager)
        await scene.fruit_manager.taps("逐笔(1)")
        await scene.fruit_manager.sees("共 1 笔")
        await scene.fruit_manager.taps("+¥9.90")
        shown = (await scene.fruit_manager.sees("进口水果礼盒 · 兑换")).shown
        assert "云山超市的分 500 分,用在鲜果時光" in shown and "兑换编号 1" in shown


async def test_the_week_so_far_is_shown_before_it_is_closed(database: Database) -> None:
    async with bot_then(database, setup=shop.shop) as world:
        scene = await settled(world)
        await shop.gives(world, scene.customer, 500)
        await box_used(world, scene.customer, days=1)
        await scene.market_owner.says("/start")
        await world.settled()
        await opens(scene.market_owner, "settlement:home:1")
        shown = (await scene.market_owner.sees("这一周到现在")).shown
        assert "应付 ¥10\n自己的分在别家用掉 500 分 → 付 ¥10" in shown
        assert scene.market_owner.last.labels[0] == WEEK


async def test_files_hold_every_line_and_no_formula(database: Database) -> None:
    async with bot_then(database, setup=shop.shop) as world:
        scene = await settled(world, boxes=2)
        await world.sql(
            "UPDATE offer_version SET document = jsonb_set(document, '{name,zh}', '\"=HYPERLINK(1)\"') WHERE offer_id = 1"
        )
        await statement(scene, scene.market_owner, 1)
        await scene.market_owner.sees("应付 ¥20")
        await scene.market_owner.taps("CSV")
        await scene.market_owner.sees("的结算单", fresh=True)
        content = scene.market_owner.last.document
        assert content is not None and scene.market_owner.last.file.name == "market-2026-11-16.csv"
        rows = list(csv.reader(io.StringIO(content.decode("utf-8-sig"))))
        assert rows[0][:4] == ["序号", "日期", "类别", "兑换内容"]
        assert rows[1][:8] == ["1", "2026-11-22", "兑换结算", "'=HYPERLINK(1)", "云山超市", "鲜果時光", "积分", "500"]
        assert [row[12] for row in rows[1:]] == ["-10.00", "-10.00"]
        await scene.market_owner.taps("返回")
        await scene.market_owner.sees("应付 ¥20", fresh=True)
        await scene.market_owner.taps("Excel")
        await scene.market_owner.sees("的结算单", fresh=True)
        sheet = load_workbook(io.BytesIO(scene.market_owner.last.document)).active
        assert [cell.value for cell in sheet[2]][3:8] == ["'=HYPERLINK(1)", "云山超市", "鲜果時光", "积分", 500]
        assert sheet["M2"].value == -10 and sheet["D2"].data_type == "s"


async def test_a_dispute_goes_to_the_operator_and_its_outcome_to_both(database: Database) -> None:
    async with bot_then(database, setup=shop.shop) as world:
        scene = await settled(world)
        owner, operator, manager = scene.market_owner, scene.operator, scene.fruit_manager
        await statement(scene, owner, 1)
        await owner.taps("逐笔")
        await owner.taps("−¥10")
        await owner.sees("兑换编号")
        await owner.taps("这笔不对")
        await owner.sees("哪里不对", fresh=True)
        await owner.says("货没有给客人")
        await owner.sees("异议已提交", fresh=True)
        await operator.sees("云山超市对一笔结算有异议")
        await operator.taps("去处理")
        await operator.sees("云山超市的异议 · 等运营人员处理", fresh=True)
        await operator.taps("成立,退回")
        await operator.sees("确认后,这笔钱在本周的结算单里原样退回")
        first = await operator.taps("确认成立")
        await first.answer()
        await operator.sees("成立,已更正", fresh=True)
        for who, brings in ((owner, "退回您 ¥10,记在这一周的结算单里"), (manager, "扣回 ¥9.90,记在这一周的结算单里")):
            told = (await who.sees("云山超市的异议 · 成立,已更正")).shown
            assert told.startswith(brings)
        assert await world.sql("SELECT state FROM clearing_dispute") == [("upheld",)]
        await statement(scene, manager, 3)
        await manager.taps("逐笔")
        await manager.taps("+¥9.90")
        await manager.sees("异议:货没有给客人")
        assert "这笔不对" not in printed(manager)
        await opens(manager, "settlement:home:3")
        await manager.sees("应付 ¥9.90\n收别家的分,减去更正:0 分 → 扣回 ¥10\n手续费退回 ¥0.10", fresh=True)
        await opens(owner, "settlement:home:1")
        await owner.sees("应收 ¥10\n自己的分在别家,减去更正:0 分 → 退回 ¥10", fresh=True)


async def test_a_rejection_needs_words_and_survives_a_restart(database: Database) -> None:
    async with bot_then(database, setup=shop.shop) as world:
        scene = await settled(world)
        await statement(scene, scene.fruit_manager, 3)
        await scene.fruit_manager.taps("逐笔")
        await scene.fruit_manager.taps("+¥9.90")
        await scene.fruit_manager.taps("这笔不对")
        await scene.fruit_manager.sees("哪里不对", fresh=True)
        await world.restart()
        await scene.fruit_manager.says("手续费多了")
        await scene.fruit_manager.sees("异议已提交", fresh=True)
        await scene.operator.sees("鲜果時光对一笔结算有异议")
        await scene.operator.taps("去处理")
        await scene.operator.taps("不成立")
        await scene.operator.sees("为什么不成立")
        await scene.operator.says("费率是合同上的")
        await scene.operator.sees("答复:费率是合同上的", fresh=True)
        assert "答复:费率是合同上的" in (await scene.market_owner.sees("鲜果時光的异议 · 不成立")).shown
        assert await world.sql("SELECT state, words FROM clearing_dispute") == [("rejected", "费率是合同上的")]


async def test_a_cashier_sees_no_settlement_and_a_stranger_no_desk(database: Database) -> None:
    async with bot_then(database, setup=shop.shop) as world:
        scene = await settled(world)
        for who, data, says in (
            (scene.cashier, "settlement:home:1", "您不能看周结算"),
            (scene.cashier, "settlement:week:1:2026-11-16", "您不能看周结算"),
            (scene.market_owner, "settlement:week:3:2026-11-16", "您不在这个收银台"),
            (scene.fruit_manager, "cover:home:3", "您不能看本店的保证金"),
            (scene.market_owner, "closes:list:0", "这是运营人员用的"),
            (scene.market_owner, "disputes:list:0", "这是运营人员用的"),
            (scene.market_owner, "cover:list:0", "这是运营人员用的"),
            (scene.market_owner, "settlement:week:1:2026-01-05", "这一周还没有结算"),
            (scene.market_owner, "settlement:week:1:nonsense", "这一周还没有结算"),
        ):
            await who.says("/start")
            await world.settled()
            await opens(who, data)
            await world.settled()
            assert says in who.transcript().split("/start")[-1], (data, who.transcript())


async def test_the_operator_sees_that_all_sums_to_zero_and_can_derive_it_again(database: Database) -> None:
    async with bot_then(database, setup=shop.shop) as world:
        scene = await settled(world)
        operator = scene.operator
        await operator.says("/operator")
        await operator.taps("周结算")
        await operator.taps(WEEK)
        shown = (await operator.sees("积分计划留下 ¥0.10")).shown
        assert "云山超市:应付 ¥10" in shown and "鲜果時光:应收 ¥9.90" in shown
        await operator.taps("重算核对")
        await operator.sees(f"一致 · {WEEK}")
        await operator.taps("返回")
        await operator.taps("整周文件")
        await operator.sees("的全部结算行", fresh=True)
        assert operator.last.document is not None
        assert operator.last.document.decode().splitlines()[1].startswith("1,redemption,2026-11-22,")
        await world.sql("ALTER TABLE clearing_line DISABLE TRIGGER grows_only")
        await world.sql("UPDATE clearing_line SET points = points + 1")
        await opens(operator, "closes:check:2026-11-16")
        await operator.sees("不一致")


async def test_english_speaks_english(database: Database) -> None:
    async with bot_then(database, setup=shop.shop) as world:
        scene = await settled(world, language="en")
        owner, operator = scene.market_owner, scene.operator
        await owner.says("/start")
        await world.settled()
        await opens(owner, "settlement:home:1")
        await owner.taps("16 Nov – yesterday")
        shown = (await owner.sees("To pay ¥10")).shown
        assert "Own points spent elsewhere: 500 pts → pays ¥10" in shown
        await owner.taps("Lines (1)")
        await owner.taps("−¥10")
        await owner.taps("This is wrong")
        await owner.sees("What is wrong?", fresh=True)
        await owner.says("never handed out")
        await owner.sees("Your dispute was sent", fresh=True)
        await operator.sees("Yunshan Market disputes a settled line")
        await operator.taps("Decide")
        await operator.taps("Uphold")
        await operator.taps("Uphold it")
        await operator.sees("upheld, corrected", fresh=True)
        assert "Reason: never handed out" in (await owner.sees("Dispute of Yunshan Market")).shown


@pytest.mark.parametrize("again", ["uphold", "reject"])
async def test_a_second_operator_finds_it_decided(database: Database, again: str) -> None:
    async with bot_then(database, setup=shop.shop) as world:
        scene = await settled(world)
        await world.sql(
            "INSERT INTO clearing_dispute (week, number, merchant_id, member_id, reason, opened_at, state, decided_by,"
            " decided_at, decided_on) VALUES ('2026-11-16', 1, 1, 1, '货没有给', now(), 'rejected', 'x', now(), '2026-11-23')"
        )
        await scene.operator.says("/start")
        await world.settled()
        await opens(scene.operator, "disputes:upheld:1" if again == "uphold" else "disputes:reject:1")
        if again == "reject":
            await scene.operator.sees("为什么不成立")
            await scene.operator.says("不")
        await scene.operator.sees("这个异议已经处理过了", fresh=True)
