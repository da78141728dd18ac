"""The tier in chat: where one stands and what is missing, moving up with a purchase, upgrades that an operator decides."""

from __future__ import annotations

import datetime as dt
import itertools

from sqlalchemy import text
from sqlalchemy.ext.asyncio import AsyncConnection

from bot.double.double import Person
from chat.tiers import changed
from ledger.members.standings import Change
from ledger.programme import Wording
from tests import turns
from tests.conftest import Database
from tests.driver import ZONE, World, bot_running
from tests.handlers.settled import opens
from tests.handlers.shop import member_id
from tests.handlers.till_scene import make_operator, open_shop
from tests.ledger.members.test_tiers import PROG
from tests.turns import shown

_numbers = itertools.count(1)
_PROGRAMME = text("INSERT INTO programme (one, version, document) VALUES (1, 1, CAST(:document AS jsonb))")
DOUBLE = Wording(zh="每张小票双倍积分", en="Double points on every receipt")
SILVER = PROG.tiers[1].model_copy(update={"privileges": (DOUBLE,)})
TIERED = PROG.model_copy(update={"tiers": (PROG.tiers[0], SILVER, PROG.tiers[2])})


async def tiered(tx: AsyncConnection) -> None:
    """The coalition with three tiers."""
    await turns.coalition(tx)
    await tx.execute(_PROGRAMME, {"document": TIERED.model_dump_json()})


async def bought(world: World, who: Person, yuan: int, ago: int, *, times: int = 1) -> None:
    """Purchases on `times` days, the last `ago` days back."""
    today = world.now().astimezone(ZONE).date()
    for number in range(times):
        await world.sql(
            "INSERT INTO purchase (merchant_id, document, member_id, amount_minor, money, points, entry_id, bill, occurred_at,"
            " bought_on) VALUES (1, :document, :who, :amount, 'CNY', 0, 0, '{}', now(), :day)",
            document=f"t{next(_numbers)}",
            who=await member_id(world, who),
            amount=yuan * 100,
            day=today - dt.timedelta(days=ago + number),
        )


async def test_a_member_sees_what_is_missing_and_what_each_tier_brings(database: Database) -> None:
    async with bot_running(database, setup=tiered) as world:
        ming, hong = await world.member(), await world.member("Hong", "en")
        for who in (ming, hong):
            await bought(world, who, 420, 9, times=4)
        await ming.says("/tier")
        await ming.sees("再消费 ¥320、再来 2 天,升到银卡")
        assert "近 12 个月:消费 ¥1,680,来过 4 天" in ming.last.shown
        await ming.taps("全部等级")
        await ming.sees("银卡 · 消费 ¥2,000、来 6 天")
        assert "每张小票双倍积分" in ming.last.shown and "普卡 · 入会就是" in ming.last.shown
        await hong.says("/tier")
        await hong.sees("Spend ¥320 more and come on 2 more days to reach Silver")
        await hong.taps("What changed")
        await hong.sees("Nothing has changed yet")
        await ming.says("/settings")
        await ming.taps("会员等级")
        await ming.sees("升到银卡")


async def test_looking_moves_up_at_once_and_says_so_once(database: Database) -> None:
    async with bot_running(database, setup=tiered) as world:
        ming = await world.member()
        await bought(world, ming, 400, 3, times=6)
        for _ in range(2):
            await ming.says("/tier")
            await ming.sees("银卡 · 有效至", fresh=True)
        await world.settled()
        assert sum("升级了:银卡" in message.shown for message in ming.messages) == 1
        assert "每张小票双倍积分" in ming.last.shown
        await ming.taps("变动记录")
        await ming.sees("今天 · 银卡 · 升级,有效至")


async def test_the_purchase_that_reaches_a_tier_is_answered_with_it(database: Database) -> None:
    async with bot_running(database, setup=tiered) as world:
        shop = await open_shop(world)
        await bought(world, shop.customer, 395, 3, times=5)
        await shop.give(shop.cashier, "25")
        await shop.customer.sees("升级了:银卡")
        assert (await world.sql("SELECT tier FROM member WHERE tier IS NOT NULL")) == [("silver",)]
        await shop.give(shop.cashier, "30", await shop.card("another"))
        facts = await world.sql("SELECT facts->>'tier' FROM purchase WHERE facts IS NOT NULL ORDER BY id")
        assert facts[-2:] == [("plain",), ("silver",)], "rules see the tier as it was before the purchase"


async def test_an_operator_accepts_and_puts_aside_and_only_who_is_accepted_hears(database: Database) -> None:
    async with bot_running(database, setup=tiered) as world:
        boss, support, ming, hong = [await world.member(name) for name in ("运营", "客服", "小明", "小红")]
        await make_operator(world, boss, "admin")
        await make_operator(world, support, "support")
        for who in (ming, hong):
            await bought(world, who, 20, 40, times=3)
            await bought(world, who, 20, 2, times=6)
            await who.says("/tier")
            await who.sees("升到银卡")
        await boss.says("/operator")
        await boss.taps("升级建议")
        await boss.sees("勤得多")
        await boss.taps("小明 → 银卡")
        await boss.sees("近 30 天来了 6 次")
        assert "再往前 90 天来了 3 次" in boss.last.shown
        opened = boss.last
        [aside] = [button for row in opened.buttons for button in row if button.text == "放下"]
        await boss.taps("同意升级")
        await boss.sees("小明 升到银卡")
        await ming.sees("送您升级:银卡")
        boss.presses(opened, aside)
        await boss.sees("这条建议处理过了")
        await boss.says("/operator")
        await boss.taps("升级建议")
        await boss.taps("小红 → 银卡")
        await boss.taps("放下")
        await boss.sees("会员不会知道")
        await world.settled()
        assert not any("升级" in message.shown for message in hong.messages)
        await support.says("/operator")
        await support.sees("运营台", fresh=True)
        assert not any("升级" in label for label in support.last.labels), "who may not decide is not offered it"
        await opens(support, "tier:proposals:0")
        await support.sees("您的角色办不了这件事")


async def test_without_tiers_there_is_nothing_to_show(database: Database) -> None:
    async with bot_running(database) as world:
        ming = await world.member()
        await ming.says("/tier")
        await ming.sees("这里还没有会员等级")
        await ming.says("/settings")
        await ming.sees("设置", fresh=True)
        assert "会员等级" not in ming.last.labels


def test_each_change_is_worded_in_both_languages() -> None:
    until = dt.date(2027, 11, 30)
    said = {
        why: shown(changed(TIERED, Change(1, "gold", "silver", why, until)), "zh").splitlines()[0]
        for why in ("earned", "kept", "landed", "granted", "grant_ended")
    }
    assert said == {
        "earned": "升级了:银卡",
        "kept": "继续是 银卡",
        "landed": "金卡到期了,现在是 银卡",
        "granted": "送您升级:银卡",
        "grant_ended": "赠送的金卡到期了,现在是 银卡",
    }
    assert shown(changed(TIERED, Change(1, "gold", "silver", "landed", until)), "en").splitlines() == [
        "Gold has ended; you are now Silver",
        "Good until 30 Nov 2027",
        "· Double points on every receipt",
        "[My tier]  [Main menu]",
    ]
