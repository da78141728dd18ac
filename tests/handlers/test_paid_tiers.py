"""A tier for money at the counter: sold by a tap to whose card was scanned, heard of by the member, counted, taken back."""

from __future__ import annotations

import asyncio
import datetime as dt

from sqlalchemy import text
from sqlalchemy.ext.asyncio import AsyncConnection

from bot.double.double import Person
from chat.till import CARD_MINUTES
from ledger.programme import Programme, TierFee, TierPrice, Wording
from tests import turns
from tests.conftest import Database
from tests.driver import World, bot_running
from tests.handlers.settled import opens
from tests.handlers.shop import day, member_id
from tests.handlers.test_shift import set_up
from tests.handlers.test_tier import bought
from tests.handlers.test_walk_ins import serves, some_cards
from tests.handlers.till_scene import Shop, open_shop, printed
from tests.ledger.members.test_tiers import PROG

_PROGRAMME = text("INSERT INTO programme (one, version, document) VALUES (1, 1, CAST(:document AS jsonb))")
_CHANGE = text("UPDATE programme SET version = version + 1, document = CAST(:document AS jsonb)")
SALON = Wording(zh="每季一次沙龙邀请", en="A salon each quarter")
SILVER = TierFee(amount_minor=9_800, days=90, sellers=("market",), extends=False)
GOLD = TierFee(amount_minor=29_800, days=90, sellers=("market",))


def programme(silver: TierFee | None = SILVER, gold: TierFee | None = GOLD) -> Programme:
    """Three tiers; gold for 20,000 points or for money, silver for money alone."""
    ladder = (
        PROG.tiers[0],
        PROG.tiers[1].model_copy(update={"fee": silver}),
        PROG.tiers[2].model_copy(
            update={"fee": gold, "price": TierPrice(points=20_000, days=90), "privileges": (SALON,)}
        ),
    )
    return PROG.model_copy(update={"tiers": ladder, "tier_seller": "market"})


async def selling(tx: AsyncConnection) -> None:
    """The coalition, whose supermarket sells silver and gold."""
    await turns.coalition(tx)
    await tx.execute(_PROGRAMME, {"document": programme().model_dump_json()})


async def changed(world: World, to: Programme) -> None:
    """Other terms from the next turn on."""
    async with world.database.engine.begin() as tx:
        await tx.execute(_CHANGE, {"document": to.model_dump_json()})


async def scan(world: World, shop: Shop, by: Person, seed: str, who: Person | None = None) -> None:
    """A card is scanned at a till."""
    await by.says(f"/award {await shop.card(seed, who)}")
    await world.settled()


async def at_counter(world: World, *people: Person) -> None:
    """They have opened the counter, so that there is a message to tap on."""
    for who in people:
        await who.says("/counter")
    await world.settled()


async def taps(world: World, who: Person, *labels: str) -> str:
    """Taps one after the other; the screen after the last."""
    for label in labels:
        await who.taps(label)
        await world.settled()
    return printed(who)


async def sales(world: World) -> list[tuple[str, int, bool]]:
    """(tier, fen, taken back) of each sale."""
    rows = await world.sql("SELECT tier, amount_minor, taken_back_at IS NOT NULL FROM paid_tier ORDER BY id")
    return [tuple(row) for row in rows]


async def test_a_tier_is_sold_after_a_scan_and_both_hear_until_when(database: Database) -> None:
    async with bot_running(database, setup=selling) as world:
        shop = await open_shop(world)
        until, back_until = day(world, 90), day(world, 7)
        await shop.customer.says("/tier")
        await shop.customer.sees("升到银卡")
        assert (
            "买银卡:\n在云山超市付 ¥98,90 天\n买金卡 90 天:\n20,000 分,或在云山超市付 ¥298\n到期后按消费定等级。"
            in printed(shop.customer)
        )
        await scan(world, shop, shop.cashier, "one")
        assert await taps(world, shop.cashier, "卖会员等级") == (
            "会员 小明\n现在是普卡\n卖哪个等级?\n[银卡 90 天 · ¥98]\n[金卡 90 天 · ¥298]\n[只记积分]  [取消]"
        )
        assert await taps(world, shop.cashier, "金卡") == (
            f"收 ¥298 → 会员 小明 金卡\n从今天起 90 天,到 {until}\n现在是普卡\n· 每季一次沙龙邀请\n\n"
            "不算消费:不得积分,也不算升级。\n先收钱,收好了再点。\n[钱收好了]  [换一个]  [取消]"
        )
        assert await sales(world) == []
        assert await taps(world, shop.cashier, "钱收好了") == (
            f"卖好了:会员 小明 金卡\n有效至 {until}\n收 ¥298 · 等级单 1\n会员已收到通知\n[下一位]\n[撤回这笔]  [收银台]"
        )
        assert printed(shop.customer) == (
            f"金卡 · 有效至 {until}\n云山超市 · ¥298 · 90 天\n· 每季一次沙龙邀请\n\n"
            "不算消费:不得积分,也不算升级。\n到期后按消费定等级。\n[看等级]  [主菜单]"
        )
        mine = await taps(world, shop.customer, "看等级")
        assert mine.startswith(f"金卡 · 有效至 {until}\n到期后按消费定等级,眼下会是普卡。\n")
        assert "续金卡:\n在云山超市付 ¥298,90 天\n" in mine
        assert await sales(world) == [("gold", 29_800, False)]
        assert await world.sql("SELECT count(*)::int FROM purchase") == [(0,)]
        assert await world.sql("SELECT count(*)::int FROM entry") == [(0,)]
        await shop.manager.says("/today")
        await world.settled()
        listed = await taps(world, shop.manager, "卖出的等级")
        assert listed.startswith("卖出的等级 · 云山超市 · 全店\n今天:\n卖等级 1 笔,收 ¥298\n")
        assert f"经手:3号台\n店长可撤到 {back_until}\n" in await taps(world, shop.manager, "金卡")


async def test_the_same_in_english(database: Database) -> None:
    async with bot_running(database, setup=selling) as world:
        shop = await open_shop(world, language="en")
        until, longer = day(world, 90, "en"), day(world, 180, "en")
        await shop.customer.says("/tier")
        await shop.customer.sees("to reach Silver")
        assert (
            "Silver:\n¥98 at Yunshan Market for 90 days\nGold for 90 days:\n20,000 pts, or ¥298 at Yunshan Market\n"
            "After that, your purchases decide." in printed(shop.customer)
        )
        await scan(world, shop, shop.cashier, "one")
        assert await taps(world, shop.cashier, "Sell a tier", "Gold") == (
            f"Take ¥298 → 小明 gets Gold\nFor 90 days from today, until {until}\nNow Plain\n· A salon each quarter\n\n"
            "No purchase: no points, no tier progress.\nTake the money first, then tap.\n"
            "[Money taken]  [Another tier]\n[Cancel]"
        )
        await taps(world, shop.cashier, "Money taken")
        assert printed(shop.customer) == (
            f"Gold · until {until}\nYunshan Market · ¥298 · 90 days\n· A salon each quarter\n\n"
            "No purchase: no points, no tier progress.\nAfter that, your purchases decide.\n[My tier]  [Main menu]"
        )
        await scan(world, shop, shop.cashier, "two")
        assert "Already Gold: this would add nothing\nUntil " in await taps(
            world, shop.cashier, "Sell a tier", "Silver"
        )
        asked = await taps(world, shop.cashier, "Other tiers", "Gold")
        assert f"From {until}, 90 more days: to {longer}\nNow Gold, until {until}\n" in asked
        await taps(world, shop.cashier, "Money taken")
        assert f"Gold · until {longer}" in printed(shop.customer) and f"Added after {until}" in printed(shop.customer)
        await taps(world, shop.cashier, "Take this back", "Not wanted after all")
        assert printed(shop.customer) == (
            f"¥298 back; Gold ends {until} again\nYunshan Market · reason: Not wanted after all\n"
            "No money yet? Please ask the shop.\n[My tier]  [Main menu]"
        )
        await taps(world, shop.customer, "My tier", "What changed")
        assert printed(shop.customer).splitlines()[1:4] == [
            f"Today · Gold · taken back by the shop, until {until}",
            f"Today · Gold · bought for longer, until {longer}",
            f"Today · Gold · given or bought, until {until}",
        ]
        assert await sales(world) == [("gold", 29_800, False), ("gold", 29_800, True)]


async def test_two_taps_of_two_workers_with_a_restart_in_between_sell_once(database: Database) -> None:
    async with bot_running(database, setup=selling, webhook=True, workers=2) as world:
        shop = await open_shop(world)
        await scan(world, shop, shop.cashier, "one")
        await taps(world, shop.cashier, "卖会员等级", "银卡")
        message = shop.cashier.last
        await world.restart()
        await world.another()
        pressed = [await shop.cashier.taps("钱收好了", message=message) for _ in range(4)]
        await asyncio.gather(*(tap.answer() for tap in pressed))
        await shop.cashier.sees("卖好了", fresh=True)
        await world.settled()
        assert await sales(world) == [("silver", 9_800, False)]
        assert sum("银卡 · 有效至" in each.shown for each in shop.customer.messages) == 1


async def test_of_two_tills_that_sell_to_one_member_one_does_and_the_other_is_told_in_time(database: Database) -> None:
    async with bot_running(database, setup=selling, webhook=True, workers=2) as world:
        shop = await open_shop(world)
        for till, seed in ((shop.cashier, "one"), (shop.colleague, "two")):
            await scan(world, shop, till, seed)
            await taps(world, till, "卖会员等级", "金卡")
        pressed = [await till.taps("钱收好了") for till in (shop.cashier, shop.colleague)]
        await asyncio.gather(*(tap.answer() for tap in pressed))
        await world.settled()
        ends = sorted(printed(till).splitlines()[0] for till in (shop.cashier, shop.colleague))
        assert ends == ["刚刚变了,没有卖出", "卖好了:会员 小明 金卡"]
        assert await sales(world) == [("gold", 29_800, False)]
        [late] = [till for till in (shop.cashier, shop.colleague) if "没有卖出" in printed(till)]
        assert f"从 {day(world, 90)}再加 90 天,到 {day(world, 180)}" in await taps(world, late, "看现在的")


async def test_a_price_that_changed_meanwhile_is_shown_anew(database: Database) -> None:
    async with bot_running(database, setup=selling) as world:
        shop = await open_shop(world)
        await scan(world, shop, shop.cashier, "one")
        await taps(world, shop.cashier, "卖会员等级", "金卡")
        await changed(world, programme(None, GOLD.model_copy(update={"amount_minor": 19_900})))
        assert "刚刚变了,没有卖出" in await taps(world, shop.cashier, "钱收好了")
        assert "收 ¥199 → 会员 小明 金卡" in await taps(world, shop.cashier, "看现在的")
        await scan(world, shop, shop.cashier, "two")
        assert "收 ¥199 → 会员 小明 金卡" in await taps(world, shop.cashier, "卖会员等级"), (
            "the only one, so it is the one"
        )
        assert shop.cashier.last.labels == ["钱收好了", "取消"]
        await taps(world, shop.cashier, "钱收好了")
        assert await sales(world) == [("gold", 19_900, False)]


async def test_who_has_earned_it_is_sold_nothing_and_told_why(database: Database) -> None:
    async with bot_running(database, setup=selling) as world:
        shop = await open_shop(world)
        await bought(world, shop.customer, 400, 3, times=6)
        await scan(world, shop, shop.cashier, "one")
        said = await taps(world, shop.cashier, "卖会员等级", "银卡")
        assert said.startswith("会员已是银卡,买了不多什么\n有效至 ")
        assert "之后再买才有用。\n[看别的等级]\n[只记积分]" in said
        assert "收了多少钱" in await taps(world, shop.cashier, "只记积分")
        await shop.cashier.says("20")
        await shop.cashier.sees("收 ¥20 → 会员 小明 得", fresh=True)
        assert await sales(world) == []
        await shop.customer.says("/tier")
        await world.settled()
        assert "买银卡" not in printed(shop.customer) and "续银卡" not in printed(shop.customer)
        assert "买金卡 90 天:" in printed(shop.customer)


async def test_a_tier_that_does_not_extend_is_sold_again_after_its_end_alone(database: Database) -> None:
    async with bot_running(database, setup=selling) as world:
        shop = await open_shop(world)
        await scan(world, shop, shop.cashier, "one")
        await taps(world, shop.cashier, "卖会员等级", "银卡", "钱收好了")
        await scan(world, shop, shop.cashier, "two")
        said = await taps(world, shop.cashier, "卖会员等级", "银卡")
        assert said.startswith(f"会员的银卡还没有到期\n有效至 {day(world, 90)},这个等级到期后才能再买。\n")
        await world.clock.move(91)
        await shop.customer.says("/tier")
        await shop.customer.sees("普卡", fresh=True)
        await shop.customer.sees("银卡到期了,现在是 普卡")
        await scan(world, shop, shop.cashier, "three")
        await taps(world, shop.cashier, "卖会员等级", "银卡", "钱收好了")
        assert len(await sales(world)) == 2


async def test_frozen_closed_company_and_unclaimed_are_refused_with_what_to_do(database: Database) -> None:
    async with bot_running(database, setup=selling) as world:
        shop = await open_shop(world)
        who = await member_id(world, shop.customer)
        for change, says in (
            ("status = 'frozen'", "账户已冻结,不能卖\n请会员先联系客服解冻"),
            ("status = 'closed'", "这个账户已经关闭,不能卖\n请顾客用现在的账户"),
            ("status = 'active', kind = 'company'", "企业账户没有等级\n请对方换回自己的账户"),
        ):
            await scan(world, shop, shop.cashier, change)
            await world.sql(f"UPDATE member SET {change} WHERE id = :id", id=who)
            assert says in await taps(world, shop.cashier, "卖会员等级")
            await world.sql("UPDATE member SET status = 'active', kind = 'person' WHERE id = :id", id=who)
        await shop.cashier.says("/award 13900001111")
        await shop.cashier.sees("第一次用", fresh=True)
        assert "顾客还没有加入,不能卖\n请顾客在 Telegram 加入" in await taps(
            world, shop.cashier, "顾客同意", "卖会员等级"
        )
        assert await sales(world) == []


async def test_by_a_paper_card_it_is_sold_to_who_claimed_it_and_the_till_sees_the_card_alone(
    database: Database,
) -> None:
    async with bot_running(database, setup=selling) as world:
        shop = await open_shop(world)
        (number, _, code, _), *_ = await some_cards(shop)
        await serves(shop.cashier, number, "300", first=True)
        await shop.customer.says(f"/claim {code}")
        await shop.customer.sees("+300 分", fresh=True)
        await shop.cashier.says(f"/award {number}")
        await world.settled()
        assert f"→ 会员 纸卡 …{number[-4:]} 金卡" in await taps(world, shop.cashier, "卖会员等级", "金卡")
        done = await taps(world, shop.cashier, "钱收好了")
        assert f"会员 纸卡 …{number[-4:]} 金卡" in done and "会员已收到通知" in done and "小明" not in done
        assert f"金卡 · 有效至 {day(world, 90)}" in printed(shop.customer)
        assert await world.sql("SELECT member_id FROM paid_tier") == [(await member_id(world, shop.customer),)]


async def test_a_card_scanned_too_long_ago_or_a_screen_gone_by_sells_nothing(database: Database) -> None:
    async with bot_running(database, setup=selling) as world:
        shop = await open_shop(world)
        await scan(world, shop, shop.cashier, "one")
        await taps(world, shop.cashier, "卖会员等级", "金卡")
        old = shop.cashier.last
        [yes] = [button for row in old.buttons for button in row if button.text == "钱收好了"]
        await taps(world, shop.cashier, "换一个", "银卡")
        shop.cashier.presses(shop.cashier.last, yes)
        await shop.cashier.sees("这一笔已经不在了,没有卖", fresh=True)
        await opens(shop.cashier, "tier_counter:ask:silver")
        await shop.cashier.sees("收 ¥98", fresh=True)
        world.wall_offset += dt.timedelta(minutes=CARD_MINUTES, seconds=1)
        assert "会员码扫过太久了,没有卖" in await taps(world, shop.cashier, "钱收好了")
        await opens(shop.cashier, "tier_counter:choose")
        await shop.cashier.sees("请会员先出示会员码", fresh=True)
        await opens(shop.cashier, "award:amount")
        await shop.cashier.sees("这一笔已经不在了", fresh=True)
        await scan(world, shop, shop.cashier, "two")
        await taps(world, shop.cashier, "卖会员等级", "银卡")
        await shop.cashier.says("98")
        await shop.cashier.sees("先收钱,收好了再点", fresh=True)
        assert "没有卖" in await taps(world, shop.cashier, "取消")
        assert await sales(world) == []


async def test_where_nothing_is_sold_the_till_offers_nothing(database: Database) -> None:
    async with bot_running(database, setup=selling) as world:
        shop = await open_shop(world)
        await changed(world, programme(silver=None, gold=None))
        await scan(world, shop, shop.cashier, "one")
        assert shop.cashier.last.labels == ["取消"]
        await opens(shop.cashier, "tier_counter:ask:gold")
        await shop.cashier.sees("这里不卖金卡", fresh=True)
        assert "这家店现在不卖会员等级。" in await taps(world, shop.cashier, "看卖什么")
        assert "收了多少钱" in await taps(world, shop.cashier, "只记积分")
        await shop.customer.says("/tier")
        await world.settled()
        assert "付 ¥" not in printed(shop.customer) and "买金卡:\n20,000 分,90 天" in printed(shop.customer)
        await changed(world, programme(silver=None))
        await world.sql("UPDATE merchant SET status = 'suspended' WHERE code = 'market'")
        await scan(world, shop, shop.cashier, "two")
        assert "云山超市现在不能卖等级" in await taps(world, shop.cashier, "卖会员等级")
        await shop.customer.says("/tier")
        await world.settled()
        assert "付 ¥" not in printed(shop.customer)


async def test_a_shift_shows_what_was_taken_for_tiers_and_given_back(database: Database) -> None:
    async with bot_running(database, setup=selling) as world:
        shop = await open_shop(world)
        await set_up(world, shop)
        await shop.cashier.says("/counter")
        await taps(world, shop.cashier, "开班", "1号台 · 南京路店")
        await shop.give(shop.cashier, "50")
        await scan(world, shop, shop.cashier, "one")
        await taps(world, shop.cashier, "卖会员等级", "金卡", "钱收好了")
        assert "经手:3号台 · 1号台" in await taps(world, shop.cashier, "撤回这笔")
        await taps(world, shop.cashier, "选错了等级")
        await scan(world, shop, shop.cashier, "two")
        await taps(world, shop.cashier, "卖会员等级", "银卡", "钱收好了")
        await shop.cashier.says("/counter")
        shown = await taps(world, shop.cashier, "班次", "交班", "确认交班")
        assert "1 笔,收 ¥50,得 50 分\n卖等级 2 笔,收 ¥396\n撤回等级 1 笔,退 ¥298\n" in shown
        [stored] = await world.sql("SELECT totals FROM shift")
        assert (stored.totals["amount_minor"], stored.totals["tiers_minor"]) == (5_000, 39_600)
        assert stored.totals["tiers_back_minor"] == 29_800
        await shop.owner.says("/merchant")
        log = await taps(world, shop.owner, "操作记录")
        assert "卖出银卡,收 ¥98 · 3号台" in log and "撤回卖出的金卡,退 ¥298 · 3号台" in log


async def test_a_manager_takes_it_back_once_and_the_member_hears_why(database: Database) -> None:
    async with bot_running(database, setup=selling, webhook=True, workers=2) as world:
        shop = await open_shop(world)
        await scan(world, shop, shop.cashier, "one")
        await taps(world, shop.cashier, "卖会员等级", "金卡", "钱收好了")
        world.wall_offset += dt.timedelta(minutes=11)
        await at_counter(world, shop.colleague, shop.manager, shop.owner)
        await opens(shop.cashier, "sold_tiers:back:1")
        await shop.cashier.sees("收银员 10 分钟内可撤自己卖的;店长可撤到", fresh=True)
        await opens(shop.colleague, "sold_tiers:open:1")
        await shop.colleague.sees("您不能看全店的记录", fresh=True)
        await opens(shop.customer, "sold_tiers:open:1")
        await shop.customer.sees("没有这一笔", fresh=True)
        await opens(shop.manager, "sold_tiers:back:1")
        await shop.manager.sees("撤回就退 ¥298,买的天数马上收回", fresh=True)
        message = shop.manager.last
        await world.restart()
        await world.another()
        pressed = [await shop.manager.taps("重复卖了", message=message) for _ in range(3)]
        await asyncio.gather(*(tap.answer() for tap in pressed))
        await world.settled()
        assert printed(shop.manager).startswith("撤回好了,请退 ¥298\n会员已收到通知\n")
        assert printed(shop.customer) == (
            "退还 ¥298,金卡撤回了\n云山超市 · 原因:重复卖了\n现在是 普卡\n没有收到退款,请找店里。\n[看等级]  [主菜单]"
        )
        assert sum("退还 ¥298" in each.shown for each in shop.customer.messages) == 1
        await opens(shop.owner, "sold_tiers:back:1")
        await shop.owner.sees("这个等级已经撤回了", fresh=True)
        assert await sales(world) == [("gold", 29_800, True)]
        assert await world.sql("SELECT count(*)::int FROM merchant_log WHERE what = 'tier_taken_back'") == [(1,)]


async def test_a_typed_reason_is_kept_as_it_was_typed_and_the_later_sale_goes_first(database: Database) -> None:
    async with bot_running(database, setup=selling) as world:
        shop = await open_shop(world)
        for seed in ("one", "two"):
            await scan(world, shop, shop.cashier, seed)
            await taps(world, shop.cashier, "卖会员等级", "金卡", "钱收好了")
        await at_counter(world, shop.manager)
        await opens(shop.manager, "sold_tiers:back:1")
        await shop.manager.sees("为什么", fresh=True)
        await shop.manager.says("说好的沙龙取消了")
        await shop.manager.sees("后来又卖过,先撤后面的", fresh=True)
        await taps(world, shop.manager, "撤后面那笔")
        await shop.manager.says("字" * 101)
        await shop.manager.sees("请写明原因", fresh=True)
        await shop.manager.says("说好的沙龙取消了")
        await shop.manager.sees("撤回好了", fresh=True)
        await world.settled()
        assert printed(shop.customer).startswith(
            f"退还 ¥298,金卡改回到 {day(world, 90)}\n云山超市 · 原因:说好的沙龙取消了\n"
        )


async def test_on_leap_day_just_after_midnight_the_days_count_from_it(database: Database) -> None:
    async with bot_running(database, setup=selling) as world:
        shop = await open_shop(world)
        # Half past midnight of 29 February 2028 in Shanghai; in London it is the 28th still.
        world.wall_offset = dt.datetime(2028, 2, 28, 16, 30, tzinfo=dt.UTC) - dt.datetime.now(dt.UTC)
        await changed(world, programme(gold=GOLD.model_copy(update={"days": 366})))
        await scan(world, shop, shop.cashier, "one")
        assert "从今天起 366 天,到 2029年3月1日" in await taps(world, shop.cashier, "卖会员等级", "金卡")
        await taps(world, shop.cashier, "钱收好了")
        assert "金卡 · 有效至 2029年3月1日" in printed(shop.customer)
        [row] = await world.sql("SELECT sold_on, until, take_back_until FROM paid_tier")
        assert row == (dt.date(2028, 2, 29), dt.date(2029, 3, 1), dt.date(2028, 3, 7))
