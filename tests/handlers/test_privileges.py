"""Privileges in chat: what a member has and lacks, the till's taps, the award on what was paid, undoing, switching off."""

from __future__ import annotations

import asyncio
import csv
import datetime as dt
import io

from sqlalchemy import text
from sqlalchemy.ext.asyncio import AsyncConnection

from bot.double.double import Person
from chat.till import CARD_MINUTES
from chat.words import Speaker
from ledger.programme import Programme, TierPrice
from ledger.redeeming import privileges
from ledger.redeeming.offers import Names
from ledger.redeeming.privilege import Free, Held, PercentOff, Privilege
from tests import turns
from tests.conftest import Database
from tests.driver import ZONE, World, bot_running
from tests.handlers.settled import opens
from tests.handlers.shop import coming, day, gives, member_id, moment
from tests.handlers.test_business import card_of, founded, gives_company
from tests.handlers.test_paid_tiers import scan, taps
from tests.handlers.test_shift import set_up
from tests.handlers.test_walk_ins import handed, serves, some_cards
from tests.handlers.till_scene import open_shop, printed
from tests.ledger.members.test_tiers import PROG

_PROGRAMME = text("INSERT INTO programme (one, version, document) VALUES (1, 1, CAST(:document AS jsonb))")

FRESH = Privilege(
    code="fresh", merchant="market", name=Names(zh="鲜食", en="Fresh food"), gives=PercentOff(percent=10),
    holds=Held(points=5_000),
)  # fmt: skip
PARKING = Privilege(
    code="parking",
    merchant="market",
    name=Names(zh="停车 2 小时", en="2 h parking"),
    gives=Free(),
    tiers=("gold",),
    per_month=2,
)
CUSTOM = Privilege(
    code="custom", merchant="rail", name=Names(zh="定制", en="Custom work"), gives=PercentOff(percent=15, least_minor=5_000),
    holds=Held(currency="rail", points=50_000),
)  # fmt: skip


def programme() -> Programme:
    """Three tiers, gold of which can be had for points."""
    gold = PROG.tiers[2].model_copy(update={"price": TierPrice(points=1_000, days=30)})
    return PROG.model_copy(update={"tiers": (*PROG.tiers[:2], gold), "tier_seller": "market"})


async def giving(tx: AsyncConnection) -> None:
    """The coalition with its tiers, and three privileges."""
    await turns.coalition(tx)
    await tx.execute(_PROGRAMME, {"document": programme().model_dump_json()})
    for each in (FRESH, PARKING, CUSTOM):
        await privileges.publish(tx, each, by="test", now=turns.NOW)


async def put(world: World, one: Privilege, *, active: bool = True) -> None:
    async with world.database.engine.begin() as tx:
        await privileges.publish(tx, one, active=active, by="test", now=world.now())


async def gold(world: World, who: Person) -> None:
    """Somebody is given gold for a year."""
    await world.sql(
        "INSERT INTO tier_grant (key, member_id, tier, granted_on, until, reason, actor)"
        " VALUES (CAST(:key AS text), :id, 'gold', :today, :until, 'test', 'test')",
        key=f"gold:{who.id}", id=await member_id(world, who), today=moment(world).today,
        until=moment(world).today + dt.timedelta(days=365),
    )  # fmt: skip
    await world.sql("UPDATE member SET tier = 'gold' WHERE id = :id", id=await member_id(world, who))


async def used(world: World) -> list[tuple[int | None, int | None, bool]]:
    """(before, after, undone) of each use."""
    rows = await world.sql("SELECT before_minor, after_minor, undone_at IS NOT NULL FROM privilege_use ORDER BY id")
    return [tuple(row) for row in rows]


async def test_holding_5000_makes_100_yuan_90_and_what_was_paid_earns(database: Database) -> None:
    async with bot_running(database, setup=giving) as world:
        shop = await open_shop(world)
        await gives(world, shop.customer, 5_180)
        await scan(world, shop, shop.cashier, "one")
        assert printed(shop.cashier) == (
            "会员 小明\n收了多少钱?把金额发给我,比如 128.5\n有权益能用,先点下面的。\n[鲜食 9 折]\n[其他权益(1)]\n[取消]"
        )
        assert await taps(world, shop.cashier, "鲜食") == (
            "鲜食 9 折 · 会员 小明\n鲜食原价多少?把金额发给我,比如 128.5\n[返回]  [取消]"
        )
        await shop.cashier.says("100")
        await world.settled()
        assert printed(shop.cashier) == (
            "¥100 → ¥90\n鲜食 9 折 · 会员 小明\n少收 ¥10,积分不扣\n[确认]  [改金额]\n[返回]  [取消]"
        )
        assert await used(world) == []
        assert await taps(world, shop.cashier, "确认") == (
            "收 ¥90(原价 ¥100)\n鲜食 9 折 · 会员 小明\n权益单 1\n会员已收到通知\n[按 ¥90 记积分]\n[再用一项]  [下一位]\n"
            "[撤回这次]  [收银台]"
        )
        assert printed(shop.customer) == ("¥100 → ¥90\n云山超市 · 鲜食 9 折\n积分没有动。\n[我的权益]  [主菜单]")
        assert (await taps(world, shop.cashier, "按 ¥90")).startswith("收 ¥90 → 会员 小明 得 90 分\n")
        assert (await taps(world, shop.cashier, "确认")).startswith("已记:会员 小明 得 90 分\n收 ¥90")
        assert await used(world) == [(10_000, 9_000, False)]
        assert await world.sql("SELECT amount_minor, points FROM purchase") == [(9_000, 90)]


async def test_the_same_in_english_with_parking(database: Database) -> None:
    async with bot_running(database, setup=giving) as world:
        shop = await open_shop(world, language="en")
        await gives(world, shop.customer, 5_180)
        await gives(world, shop.customer, 1_288, merchant="rail")
        await gold(world, shop.customer)
        await shop.customer.says("/privileges")
        await world.settled()
        assert printed(shop.customer) == (
            "2 privileges are yours now\n\nFresh food, 10% off · Yunshan Market\n· Hold 5,000 pts; none is spent\n"
            "2 h parking, free · Yunshan Market\n· 2 of 2 left this month\n· Gold only\n\nNot now\n"
            "Custom work, 15% off · Jiangnan Rail\n· 48,712 rail points short of 50,000\n· From ¥50\n\n"
            "Show your card when you pay; no points are spent.\n[My card]  [My tier]\n[Used]  [Main menu]"
        )
        await scan(world, shop, shop.cashier, "one")
        assert await taps(world, shop.cashier, "parking") == (
            "2 h parking, free · 小明\n2 of 2 left this month\n[Confirm]  [Back]  [Cancel]"
        )
        assert await taps(world, shop.cashier, "Confirm") == (
            "Used: 2 h parking, free\nMember 小明\nPrivilege slip 1\nThe member has been told\n[Award points]\n"
            "[Another privilege]  [Next customer]\n[Undo]  [Till]"
        )
        assert "1 of 2 left this month\n" in printed(shop.customer)


async def test_what_a_member_lacks_is_said_with_its_figures_and_no_till_hears_them(database: Database) -> None:
    async with bot_running(database, setup=giving) as world:
        shop = await open_shop(world)
        await gives(world, shop.customer, 3_800)
        await coming(world, shop.customer, 100, 3)
        await shop.customer.says("权益")
        await world.settled()
        assert printed(shop.customer) == (
            f"现在还没有能用的权益\n\n鲜食 9 折 · 云山超市\n· 还差 1,200 分,要持有 5,000\n· {day(world, 3)}生效 100 分\n"
            "停车 2 小时免费 · 云山超市\n· 金卡会员就有\n定制 8.5 折 · 江南铁路\n· 还差 50,000 铁路积分,要持有 50,000\n"
            "· 满 ¥50 才有\n[会员码]  [看等级]\n[用过的]  [主菜单]"
        )
        await scan(world, shop, shop.cashier, "one")
        assert await taps(world, shop.cashier, "其他权益") == (
            "会员 小明\n现在用不了的:\n鲜食 9 折:要持有 5,000 分\n停车 2 小时免费:金卡专享\n[返回]  [取消]"
        )
        await gives(world, shop.customer, 1_200)  # what was missing is all that it takes
        assert "[鲜食 9 折]" in await taps(world, shop.cashier, "返回")
        await shop.customer.says("/tier")
        await world.settled()
        assert (await taps(world, shop.customer, "我的权益")).startswith("1 项权益现在能用\n\n鲜食 9 折 · 云山超市\n")


async def test_a_merchant_without_privileges_has_the_screens_it_had(database: Database) -> None:
    async with bot_running(database) as world:
        shop = await open_shop(world)
        await scan(world, shop, shop.cashier, "one")
        assert printed(shop.cashier) == "会员 小明\n收了多少钱?把金额发给我,比如 128.5\n[取消]"
        await shop.customer.says("/privileges")
        await world.settled()
        assert printed(shop.customer) == (
            "这里还没有会员权益。\n有的商户凭持有的积分或等级给优惠,以后在这里看。\n[会员码]\n[主菜单]"
        )
        await opens(shop.cashier, "privilege_till:all")
        await world.settled()
        assert "这家店现在没有会员权益。" in printed(shop.cashier)
        await shop.manager.says("/merchant")
        await world.settled()
        assert await taps(world, shop.manager, "会员权益") == (
            "会员权益 · 云山超市\n还没有。凭持有的积分或等级给优惠、给服务,积分不扣。\n新建一项,几分钟就能用。\n"
            "[新建]\n[返回]  [收银台]"
        )


async def test_a_long_list_comes_in_pages(database: Database) -> None:
    async with bot_running(database, setup=giving) as world:
        shop = await open_shop(world)
        await gives(world, shop.customer, 5_000)
        for number in range(6):
            more = {"code": f"more-{number}", "name": Names(zh=f"饮品{number}", en=f"Drink {number}")}
            await put(world, FRESH.model_copy(update=more))
        await shop.customer.says("/privileges")
        await world.settled()
        assert printed(shop.customer).startswith("7 项权益现在能用\n\n鲜食 9 折 · 云山超市\n")
        second = await taps(world, shop.customer, "下一页")
        assert "饮品5 9 折" in second and "现在还不能用\n停车 2 小时免费" in second and "[上一页]" in second
        await scan(world, shop, shop.cashier, "one")
        assert "[鲜食 9 折]  [饮品0 9 折]\n[饮品1 9 折]  [饮品2 9 折]\n[其他权益(4)]\n" in printed(shop.cashier)
        assert "[饮品5 9 折]" in await taps(world, shop.cashier, "其他权益")


async def test_two_taps_and_a_tap_delivered_twice_are_one_use(database: Database) -> None:
    async with bot_running(database, setup=giving) as world:
        shop = await open_shop(world)
        await gives(world, shop.customer, 5_000)
        await scan(world, shop, shop.cashier, "one")
        await taps(world, shop.cashier, "鲜食")
        await shop.cashier.says("58.5")
        await world.settled()
        screen = shop.cashier.last
        yes = next(b for row in screen.buttons for b in row if b.text == "确认")
        shop.cashier.presses(screen, yes)
        shop.cashier.presses(screen, yes)
        await world.settled()
        await world.double.redeliver(world.double.updates[-1].id)
        await world.settled()
        assert "收 ¥52.65(原价 ¥58.50)" in printed(shop.cashier)
        assert await used(world) == [(5_850, 5_265, False)]
        told = [each for each in shop.customer.messages if "¥58.50 → ¥52.65" in each.shown]
        assert len(told) == 1


async def test_two_tills_at_once_on_the_last_parking_of_the_month(database: Database) -> None:
    async with bot_running(database, setup=giving) as world:
        await world.another()
        shop = await open_shop(world)
        await gold(world, shop.customer)
        await scan(world, shop, shop.cashier, "first")
        await taps(world, shop.cashier, "停车", "确认")
        for who, seed in ((shop.cashier, "second"), (shop.colleague, "third")):
            await scan(world, shop, who, seed)
            await taps(world, who, "停车")
        await asyncio.gather(shop.cashier.taps("确认"), shop.colleague.taps("确认"))
        await world.settled()
        screens = sorted(printed(who).split("\n")[0] for who in (shop.cashier, shop.colleague))
        first = moment(world).today.replace(day=1)
        again = Speaker("zh", moment(world).today, ZONE).plain((first + dt.timedelta(days=32)).replace(day=1))
        assert screens == [f"本月 2 次用完了,{again}再用", "用好了:停车 2 小时免费"]
        assert len(await used(world)) == 2
        await shop.customer.says("/privileges")
        await world.settled()
        assert f"停车 2 小时免费 · 云山超市\n· 本月 2 次用完了,{again}再用\n" in printed(shop.customer)


async def test_undoing_gives_the_use_back_and_is_told_with_its_reason(database: Database) -> None:
    async with bot_running(database, setup=giving) as world:
        shop = await open_shop(world)
        await gold(world, shop.customer)
        await scan(world, shop, shop.cashier, "one")
        await taps(world, shop.cashier, "停车", "确认")
        assert "为什么?点一个,或把原因发给我。会员会看到。" in await taps(world, shop.cashier, "撤回这次")
        assert (await taps(world, shop.cashier, "会员没有用")).startswith("撤回好了,这次不算用过\n会员已收到通知\n")
        assert printed(shop.customer).startswith("撤回了:停车 2 小时免费\n云山超市 · 今天 ")
        assert "原因:会员没有用\n这次不算用过。\n" in printed(shop.customer)
        await shop.customer.says("/privileges")
        await world.settled()
        assert "本月还有 2 次,共 2 次" in printed(shop.customer)
        assert await used(world) == [(None, None, True)]


async def test_a_manager_finds_it_in_the_days_list_and_a_cashier_too_late_is_told_who_can(database: Database) -> None:
    async with bot_running(database, setup=giving) as world:
        shop = await open_shop(world)
        await gives(world, shop.customer, 5_000)
        await scan(world, shop, shop.cashier, "one")
        await taps(world, shop.cashier, "鲜食")
        await shop.cashier.says("100")
        await world.settled()
        await taps(world, shop.cashier, "确认")
        await world.sql("UPDATE privilege_use SET used_at = used_at - interval '11 minutes'")
        late = await taps(world, shop.cashier, "撤回这次")
        assert late.startswith("过了撤回的时间\n") and "收银员 10 分钟内可撤自己的,店长当天都可以。" in late
        await world.sql("UPDATE privilege_use SET used_at = used_at + interval '11 minutes'")
        await shop.colleague.says("/today")
        await world.settled()
        assert "用过的权益" not in printed(shop.colleague), "a cashier sees their own"
        await shop.manager.says("/today")
        await world.settled()
        assert "权益 1 次,少收 ¥10\n" in printed(shop.manager)
        listed = await taps(world, shop.manager, "用过的权益")
        assert listed.startswith("今天用过的权益 · 云山超市 · 全店\n权益 1 次,少收 ¥10\n")
        opened = await taps(world, shop.manager, "¥100 → ¥90")
        assert opened.startswith("¥100 → ¥90 · 会员 小明\n鲜食 9 折\n权益单 1 · ") and "经手:3号台\n" in opened
        await taps(world, shop.manager, "撤回这次")
        await shop.manager.says("  店里  多点了一次 ")
        await world.settled()
        assert "撤回:店里 多点了一次\n" in printed(shop.manager)
        await opens(shop.colleague, "privilege_uses:open:1")
        await world.settled()
        assert "您不能看全店的记录" in printed(shop.colleague)
        await opens(shop.customer, "privilege_uses:open:1")
        await world.settled()
        assert "没有这次记录" in printed(shop.customer)


async def test_a_manager_switches_one_off_and_on_again(database: Database) -> None:
    async with bot_running(database, setup=giving) as world:
        shop = await open_shop(world)
        await gives(world, shop.customer, 5_000)
        await scan(world, shop, shop.cashier, "one")
        await taps(world, shop.cashier, "鲜食")
        await shop.cashier.says("100")
        await world.settled()
        await shop.manager.says("/merchant")
        await world.settled()
        assert await taps(world, shop.manager, "会员权益") == (
            "会员权益 · 云山超市\n今天还没有用过。\n[鲜食 9 折]\n[停车 2 小时免费]\n[新建]\n[返回]  [收银台]"
        )
        assert await taps(world, shop.manager, "鲜食") == (
            "鲜食 9 折\n本月还没有用过。\n\n持有 5,000 分就行,不扣\n\n第 1 版\n"
            "[会员看到的]  [改]\n[改过几次]  [停用]\n[返回]  [收银台]"
        )
        assert (await taps(world, shop.manager, "停用")).startswith("鲜食 9 折 · 停用\n")
        off = await taps(world, shop.cashier, "确认")
        assert off.startswith("这项权益停用了\n店长可以在商户页重新打开。\n") and await used(world) == []
        await shop.customer.says("/privileges")
        await world.settled()
        assert "鲜食" not in printed(shop.customer)
        assert "[鲜食 9 折 · 停用]" in await taps(world, shop.manager, "返回")
        await taps(world, shop.manager, "鲜食", "重新打开")
        assert "[鲜食 9 折]" in await taps(world, shop.cashier, "返回")
        await opens(shop.cashier, "run_privileges:list:1")
        await world.settled()
        assert "您不能管理会员权益\n请店里的店长来办。" in printed(shop.cashier)
        await shop.owner.says("/merchant")
        await world.settled()
        assert "停了权益「鲜食」" in await taps(world, shop.owner, "操作记录")


async def test_a_version_that_changed_is_shown_anew(database: Database) -> None:
    async with bot_running(database, setup=giving) as world:
        shop = await open_shop(world)
        await gives(world, shop.customer, 5_000)
        await scan(world, shop, shop.cashier, "one")
        await taps(world, shop.cashier, "鲜食")
        await shop.cashier.says("100")
        await world.settled()
        await put(world, FRESH.model_copy(update={"gives": PercentOff(percent=20)}))
        assert (await taps(world, shop.cashier, "确认")).startswith("刚刚变了,还没有用\n请再看一眼。\n")
        assert (await taps(world, shop.cashier, "看现在的")).startswith("鲜食 8 折 · 会员 小明\n")
        assert await used(world) == []


async def test_points_that_go_while_the_cashier_types_are_looked_at_again(database: Database) -> None:
    async with bot_running(database, setup=giving) as world:
        shop = await open_shop(world)
        await gives(world, shop.customer, 5_000, days=0)
        await scan(world, shop, shop.cashier, "one")
        await taps(world, shop.cashier, "鲜食")
        await shop.cashier.says("100")
        await world.settled()
        await world.clock.move(1)
        no = await taps(world, shop.cashier, "确认")
        assert no.startswith("要持有 5,000 分\n差多少,会员在「我的权益」里看。\n") and await used(world) == []


async def test_what_is_no_amount_a_small_one_and_a_change_of_mind(database: Database) -> None:
    async with bot_running(database, setup=giving) as world:
        shop = await open_shop(world)
        await gives(world, shop.customer, 5_000)
        await put(world, FRESH.model_copy(update={"gives": PercentOff(percent=10, least_minor=5_000)}))
        await scan(world, shop, shop.cashier, "one")
        assert "\n满 ¥50 才有\n" in await taps(world, shop.cashier, "鲜食")
        for said, answer in (("很多", "这个金额我没看懂。"), ("49.99", "满 ¥50 才有\n这笔不到,照原价收。")):
            await shop.cashier.says(said)
            await world.settled()
            assert printed(shop.cashier).startswith(answer)
        await shop.cashier.says("50")
        await world.settled()
        assert "原价多少" in await taps(world, shop.cashier, "改金额")
        await shop.cashier.says("60")
        await world.settled()
        await shop.cashier.says("70")  # another amount in place of the one that waits
        await world.settled()
        assert printed(shop.cashier).startswith("¥70 → ¥63\n")
        assert "收了多少钱" in await taps(world, shop.cashier, "返回")
        await shop.cashier.says("70")
        await world.settled()
        assert printed(shop.cashier).startswith("收 ¥70 → 会员 小明 得 70 分\n")
        assert (await taps(world, shop.cashier, "取消")).startswith("好的,这笔没有记。\n")
        assert await used(world) == []


async def test_a_card_scanned_long_ago_serves_nobody(database: Database) -> None:
    async with bot_running(database, setup=giving) as world:
        shop = await open_shop(world)
        await gives(world, shop.customer, 5_000)
        await scan(world, shop, shop.cashier, "one")
        await taps(world, shop.cashier, "鲜食")
        await shop.cashier.says("100")
        await world.settled()
        world.wall_offset += dt.timedelta(minutes=CARD_MINUTES + 1)
        assert (await taps(world, shop.cashier, "确认")).startswith("会员码扫过太久了,没有用。\n")
        await opens(shop.cashier, "privilege_till:pick:1")
        await world.settled()
        assert printed(shop.cashier).startswith("请会员先出示会员码。\n")
        assert await used(world) == []


async def test_after_a_restart_midway_the_tap_still_works_once(database: Database) -> None:
    async with bot_running(database, setup=giving) as world:
        shop = await open_shop(world)
        await gives(world, shop.customer, 5_000)
        await scan(world, shop, shop.cashier, "one")
        await taps(world, shop.cashier, "鲜食")
        await shop.cashier.says("100")
        await world.settled()
        await world.restart()
        assert (await taps(world, shop.cashier, "确认")).startswith("收 ¥90(原价 ¥100)\n")
        await shop.cashier.says("还有吗")
        await world.settled()
        assert printed(shop.cashier).startswith("收 ¥90(原价 ¥100)\n")
        assert await used(world) == [(10_000, 9_000, False)]


async def test_a_tier_bought_with_points_parks_the_next_minute_and_not_after_its_end(database: Database) -> None:
    async with bot_running(database, setup=giving) as world:
        shop = await open_shop(world)
        await gives(world, shop.customer, 1_000)
        await scan(world, shop, shop.cashier, "before")
        assert "停车" not in printed(shop.cashier)
        await shop.customer.says("/tier")
        await world.settled()
        bought = await taps(world, shop.customer, "用 1,000 分换金卡", "确认换")
        assert bought.startswith(f"换好了:金卡,有效至 {day(world, 30)}\n")
        await scan(world, shop, shop.cashier, "after")
        assert (await taps(world, shop.cashier, "停车", "确认")).startswith("用好了:停车 2 小时免费\n")
        await world.clock.move(30)
        await scan(world, shop, shop.cashier, "last day")
        assert "[停车 2 小时免费]" in printed(shop.cashier)
        await taps(world, shop.cashier, "停车")
        await world.clock.move(1)
        assert (await taps(world, shop.cashier, "确认")).startswith("金卡专享\n怎么升,会员在「我的权益」里看。\n")
        assert len(await used(world)) == 1


async def test_an_outlets_privilege_asks_for_a_shift_there(database: Database) -> None:
    async with bot_running(database, setup=giving) as world:
        shop = await open_shop(world)
        await set_up(world, shop)
        await gives(world, shop.customer, 5_000)
        await put(world, FRESH.model_copy(update={"outlets": ("南京路店",)}))
        await scan(world, shop, shop.cashier, "one")
        assert "鲜食 9 折:只在南京路店" in await taps(world, shop.cashier, "其他权益")
        await opens(shop.cashier, "privilege_till:pick:1")
        await world.settled()
        no = printed(shop.cashier)
        assert no.startswith("只在南京路店\n您还没有开班,不知道在哪家门店。\n[开班]\n")


async def test_a_paper_card_proves_as_much_and_counts_on_after_its_claim(database: Database) -> None:
    async with bot_running(database, setup=giving) as world:
        shop = await open_shop(world)
        await put(world, FRESH.model_copy(update={"holds": Held(points=100), "per_month": 1}))
        await world.sql("UPDATE merchant SET terms = terms || '{\"return_days\": 0}'")
        [(number, _, code, _), *_] = (await some_cards(shop))[1:]
        await serves(shop.cashier, number, "150", first=True)
        await world.settled()
        await shop.cashier.says(f"/award {number}")
        await world.settled()
        await taps(world, shop.cashier, "鲜食")
        await shop.cashier.says("100")
        await world.settled()
        done = await taps(world, shop.cashier, "确认")
        assert done.startswith("收 ¥90(原价 ¥100)\n鲜食 9 折 · 会员 纸卡 ")
        assert "顾客没有用 Telegram,请当面说一声" in done
        await shop.customer.says(f"/claim {code}")
        await world.settled()
        await shop.customer.says("/privileges")
        await world.settled()
        assert "鲜食 9 折 · 云山超市\n· 本月 1 次用完了," in printed(shop.customer)
        await shop.cashier.says(f"/award {number}")
        await world.settled()
        assert "[鲜食 9 折]" not in printed(shop.cashier)


async def test_a_company_has_what_is_for_holding_points_and_no_tiers_privileges(database: Database) -> None:
    async with bot_running(database, setup=giving) as world:
        shop = await open_shop(world)
        head = await world.member("王总")
        await founded(head)
        await put(world, PARKING.model_copy(update={"tiers": ("plain", "gold")}))
        [(company,)] = await world.sql("SELECT id FROM member WHERE kind = 'company'")
        await gives_company(world, company, 5_000)
        await head.taps("换成这个账户")
        await head.sees("现在用的是 云帆科技 的账户", fresh=True)
        await head.says("/privileges")
        await world.settled()
        assert printed(head).startswith("1 项权益现在能用\n\n鲜食 9 折 · 云山超市\n")
        await shop.cashier.says(f"/award {await card_of(head)}")
        await world.settled()
        screen = printed(shop.cashier)
        assert screen.startswith("会员 云帆科技\n") and "[鲜食 9 折]" in screen and "停车" not in screen


async def test_a_member_sees_what_was_used_and_what_was_undone(database: Database) -> None:
    async with bot_running(database, setup=giving) as world:
        shop = await open_shop(world)
        await gives(world, shop.customer, 5_000)
        await gold(world, shop.customer)
        await shop.customer.says("/privileges")
        await world.settled()
        assert await taps(world, shop.customer, "用过的") == (
            "用过的权益\n还没有用过。结账时出示会员码就能用。\n[返回]  [主菜单]"
        )
        await scan(world, shop, shop.cashier, "one")
        await taps(world, shop.cashier, "停车", "确认", "撤回这次", "选错了权益")
        await scan(world, shop, shop.cashier, "two")
        await taps(world, shop.cashier, "停车", "确认", "再用一项", "鲜食")
        await shop.cashier.says("100")
        await world.settled()
        await taps(world, shop.cashier, "确认")
        await shop.customer.says("/privileges")
        await world.settled()
        listed = (await taps(world, shop.customer, "用过的")).split("\n")
        assert listed[2::2][:3] == ["· 鲜食 9 折,¥100 → ¥90", "· 停车 2 小时免费", "· 停车 2 小时免费,撤回了,不算"]
        assert all(line.endswith(" · 云山超市") for line in listed[1:7:2])


async def test_a_frozen_account_is_told_so_and_no_till_gives_it_anything(database: Database) -> None:
    async with bot_running(database, setup=giving) as world:
        shop = await open_shop(world)
        await gives(world, shop.customer, 5_000)
        await scan(world, shop, shop.cashier, "one")
        await world.sql("UPDATE member SET status = 'frozen' WHERE id = :id", id=await member_id(world, shop.customer))
        assert (await taps(world, shop.cashier, "鲜食")).startswith(
            "这个账户现在用不了权益\n请会员联系客服恢复账户。\n"
        )
        await shop.customer.says("/privileges")
        await world.settled()
        assert printed(shop.customer).startswith("账户已冻结,暂时用不了权益\n请联系客服解冻,解冻后照旧。\n")


async def test_the_days_file_lists_them_without_an_amount_that_would_count_twice(database: Database) -> None:
    async with bot_running(database, setup=giving) as world:
        shop = await open_shop(world)
        await gives(world, shop.customer, 5_000)
        await gold(world, shop.customer)
        await scan(world, shop, shop.cashier, "one")
        await taps(world, shop.cashier, "停车", "确认", "再用一项", "鲜食")
        await shop.cashier.says("100")
        await world.settled()
        await taps(world, shop.cashier, "确认", "按 ¥90", "确认")
        await world.sql(
            "UPDATE privilege_use SET undone_at = used_at, undone_by = 1, reason = 'x' WHERE after_minor IS NULL"
        )
        await shop.manager.says("/merchant")
        await world.settled()
        await shop.manager.taps("导出今天")
        await world.settled()
        rows = list(csv.reader(io.StringIO(handed(shop.manager, ".csv").decode("utf-8-sig"))))
        assert [row[1:] for row in rows[1:3]] == [
            ["权益", "停车 2 小时免费", "", "3号台", "", "", "", "已撤回"],
            ["权益", "鲜食 9 折 ¥100 → ¥90", "", "3号台", "", "", "", "已用"],
        ]
        assert rows[3][1] == "积分" and rows[3][5:8] == ["90.00", "0.00", "90"]
