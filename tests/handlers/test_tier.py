"""The tier in chat: where one stands and what is missing, moving up with a purchase, upgrades that an operator decides."""

from __future__ import annotations

import asyncio
import datetime as dt
import itertools

from sqlalchemy import text
from sqlalchemy.ext.asyncio import AsyncConnection

from bot.double.double import Person
from chat.tiers import changed
from chat.words import Speaker, t
from ledger.clearing import close
from ledger.members.standings import Change
from ledger.merchants import merchant as merchants
from ledger.merchants.merchant import Terms
from ledger.programme import TierPrice, Wording
from ledger.redeeming.offers import Membership, Names, Offer, PerUnit
from ledger.redeeming.publish import publish
from tests import turns
from tests.conftest import Database
from tests.driver import ZONE, World, bot_running
from tests.handlers.settled import opens
from tests.handlers.shop import gives, member_id, moment
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


async def selling(tx: AsyncConnection) -> None:
    """The coalition, where silver is had for 500 points and gold for 5,000, each for 90 days."""
    await turns.coalition(tx)
    prices = (None, TierPrice(points=500, days=90), TierPrice(points=5000, days=90))
    ladder = [tier.model_copy(update={"price": price}) for tier, price in zip(TIERED.tiers, prices, strict=True)]
    sold = TIERED.model_copy(update={"tiers": tuple(ladder), "tier_seller": "market"})
    await tx.execute(_PROGRAMME, {"document": sold.model_dump_json()})


async def test_a_tier_is_bought_with_points_until_a_day_by_however_many_taps(database: Database) -> None:
    async with bot_running(database, setup=selling) as world:
        ming = await world.member()
        await gives(world, ming, 800)
        until = world.now().astimezone(ZONE).date() + dt.timedelta(days=90)
        day = Speaker("zh", world.now().astimezone(ZONE).date(), ZONE).plain(t("{on}", on=until))
        await ming.says("/tier")
        await ming.sees("升到银卡")
        assert ming.last.labels[:2] == ["用 500 分换银卡", "用 5,000 分换金卡"]
        await ming.taps("用 5,000 分换金卡")
        await ming.sees("还差 4,200 分", fresh=True)
        await ming.says("/tier")
        await ming.taps("用 500 分换银卡")
        message = await ming.sees("500 分换银卡", fresh=True)
        assert f"从今天起 90 天,到 {day}" in message.shown and "换后剩 300 分" in message.shown
        taps = [await ming.taps("确认换", message=message) for _ in range(3)]
        await asyncio.gather(*(tap.answer() for tap in taps))
        told = await ming.sees(f"换好了:银卡,有效至 {day}", fresh=True)
        assert "-500 分 · 银卡 · 云山超市" in told.shown and "可用 300 分" in told.shown
        assert await world.sql("SELECT tier FROM member WHERE tier IS NOT NULL") == [("silver",)]
        assert await world.sql("SELECT count(*)::int FROM entry WHERE kind = 'burn'") == [(1,)]
        await ming.says("/tier")
        await ming.sees(f"银卡 · 有效至 {day}", fresh=True)
        assert ming.last.labels[0] == "用 5,000 分换金卡", "what one has is not for sale"
        await world.clock.move(91)
        await ming.says("/tier")
        await ming.sees("普卡", fresh=True)
        await ming.sees("银卡到期了,现在是 普卡")


async def test_tiers_for_some_days_on_the_shelf_are_offered_until_they_would_bring_nothing(database: Database) -> None:
    async with bot_running(database, setup=selling) as world:
        async with database.engine.begin() as tx:
            at = moment(world)
            for code, zh, tier, points in [
                ("gold-30", "金卡 30 天", "gold", 900),
                ("silver-30", "银卡 30 天", "silver", 400),
            ]:
                names = Names(zh=zh, en=code)
                card = Offer(
                    code=code, kind="membership", name=names, merchant="market", category="other",
                    price=PerUnit(points=points), membership=Membership(tier=tier, days=30),
                )  # fmt: skip
                await publish(tx, card, now=at.now, today=at.today)
        ming = await world.member()
        await gives(world, ming, 500)
        await ming.says("/tier")
        await ming.sees("升到银卡", fresh=True)
        assert ming.last.labels[2:4] == ["银卡 30 天 · 400 分", "金卡 30 天 · 还差 400 分"]
        await ming.taps("银卡 30 天")
        await ming.taps("兑换")
        await ming.taps("确认兑换")
        await ming.sees("换好了", fresh=True)
        await gives(world, ming, 5000)
        await ming.says("/tier")
        await ming.sees("银卡 · 有效至", fresh=True)
        assert "金卡 30 天 · 900 分" in ming.last.labels
        await ming.taps("用 5,000 分换金卡")
        await ming.taps("确认换")
        await ming.sees("换好了:金卡", fresh=True)
        await ming.says("/tier")
        await ming.sees("已经是最高一级", fresh=True)
        assert "银卡 30 天 · 400 分" not in ming.last.labels


async def test_whoever_sells_a_tier_is_paid_for_it_by_whose_points_it_took(database: Database) -> None:
    async with bot_running(database, setup=selling) as world:
        async with database.engine.begin() as tx:
            await merchants.create(
                tx, code="fruit", name_zh="鲜果時光", name_en="Fresh Fruit Time", category="fruit", terms=Terms()
            )
        ming = await world.member()
        await gives(world, ming, 500, merchant="fruit")
        await ming.says("/tier")
        await ming.taps("用 500 分换银卡")
        await ming.taps("确认换")
        await ming.sees("换好了:银卡", fresh=True)
        async with database.engine.begin() as tx:
            market, fruit = [await merchants.by_code(tx, code) for code in ("market", "fruit")]
            today = world.now().astimezone(ZONE).date()
            [line] = await close.open_week(tx, TIERED, today)
        assert (line.issuer_id, line.redeemer_id, line.points) == (fruit.id, market.id, 500)
        assert line.net_minor(market.id) == 1000


async def test_a_tier_that_is_had_or_not_for_sale_or_changed_costs_nothing(database: Database) -> None:
    async with bot_running(database, setup=selling) as world:
        ming = await world.member("Hong", "en")
        await gives(world, ming, 2000)
        await ming.says("/tier")
        await ming.taps("Silver for 500 pts")
        confirm = (await ming.sees("500 pts for Silver", fresh=True)).buttons[0][0].data
        assert confirm.startswith("tier_sale:yes:silver:500:90:")
        for data, says in (
            ("tier_sale:yes:silver:400:90:AAAA1111", "It costs something else now"),
            ("tier_sale:yes:plain:500:90:AAAA1111", "This tier can't be had for points"),
            (confirm, "Silver is yours until"),
            ("tier_sale:ask:nonsense", "This tier can't be had for points"),
        ):
            await opens(ming, data)
            await ming.sees(says, fresh=True)
        await opens(ming, "tier_sale:yes:silver:500:90:BBBB2222")
        await ming.sees("No need, and nothing was charged", fresh=True)
        assert await world.sql("SELECT count(*)::int FROM entry WHERE kind = 'burn'") == [(1,)]


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
        "grant_ended": "金卡到期了,现在是 银卡",
    }
    assert shown(changed(TIERED, Change(1, "gold", "silver", "landed", until)), "en").splitlines() == [
        "Gold has ended; you are now Silver",
        "Good until 30 Nov 2027",
        "· Double points on every receipt",
        "[My tier]  [Main menu]",
    ]
