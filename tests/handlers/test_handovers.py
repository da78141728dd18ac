"""Partner codes, memberships and gifts in the chat: what is promised, what one tap does, and what is shown ever after."""

from __future__ import annotations

import asyncio

from sqlalchemy import text
from sqlalchemy.ext.asyncio import AsyncConnection

from bot.double.double import Person
from ledger.merchants import merchant as merchants
from ledger.programme import GreenScale, Wording
from ledger.redeeming import code_pools
from ledger.redeeming.code_pools import PartnerCode
from ledger.redeeming.offers import Membership, Names, Offer, PerUnit, Special
from ledger.redeeming.windows import When
from tests.conftest import Database
from tests.driver import World, bot_running
from tests.handlers.settled import opens
from tests.handlers.shop import day, gives, moment, offer, shelve, shop
from tests.handlers.test_tier import TIERED

FILM = offer(
    "film", "影视月卡", "Streaming, a month", "fruit", PerUnit(points=300, value_minor=1500), kind="partner_code",
    pool="film", conditions=(Names(zh="在「云看」里兑换", en="Redeem it in Yunkan"),),
)  # fmt: skip
TREE = offer(
    "tree", "绿芽植树", "Green Sprout trees", "fruit", PerUnit(points=100, most_units=20), kind="donation",
    does=Names(zh="种 1 棵树", en="1 tree planted"), green_class="organic",
)  # fmt: skip
SILVER = offer("silver", "银卡 30 天", "Silver, 30 days", "fruit", PerUnit(points=400), kind="membership",
               membership=Membership(tier="silver", days=30))  # fmt: skip
GREEN = GreenScale(names={"organic": Wording(zh="有机", en="Organic")}, weights={"cup": 50})


async def tiered_shop(tx: AsyncConnection) -> None:
    """The shop, in a programme with tiers and green classes."""
    await shop(tx)
    document = TIERED.model_copy(update={"green_scale": GREEN, "tier_seller": "fruit"}).model_dump_json()
    await tx.execute(text("UPDATE programme SET document = CAST(:document AS jsonb)"), {"document": document})


async def on_sale(world: World, *offers: Offer, codes: int = 2) -> list[int]:
    """Put offers on the shelf, with so many codes in the pool."""
    async with world.database.engine.begin() as tx:
        fruit = await merchants.by_code(tx, "fruit")
        brought = [PartnerCode("film", f"YUNK-{n}", None) for n in range(codes)]
        await code_pools.add(
            tx, world.vault, fruit.id, [*brought, PartnerCode("film", "OLD", moment(world).today.replace(2020))]
        )
    return await shelve(world, *offers)


async def enters(world: World, points: int, name: str = "小明", language: str = "zh-hans") -> Person:
    """A member with so many points, looking at the catalog."""
    person = await world.member(name, language)
    await gives(world, person, points)
    await person.says("/redeem")
    await person.sees("兑换" if language != "en" else "Redeem", fresh=True)
    return person


async def at_confirm(world: World, offer_id: int, points: int, *, language: str = "zh-hans") -> Person:
    """A member with so many points on the confirm screen of an offer."""
    person = await enters(world, points, language=language)
    await opens(person, f"redeem:confirm:{offer_id}:1")
    await person.sees("将用掉" if language != "en" else "Will be spent", fresh=True)
    return person


async def test_a_code_is_kept_unseen_shown_by_a_tap_and_shown_again(database: Database) -> None:
    async with bot_running(database, setup=tiered_shop) as world:
        [film] = await on_sale(world, FILM)
        ming = await at_confirm(world, film, 500)
        assert "30 天内可以看码;看了就算用掉;没看的 10 分钟内可以撤回" in ming.last.shown
        await ming.taps("确认兑换")
        kept = await ming.sees("码给您留好了,点「查看码」就显示。", fresh=True)
        assert kept.shown.startswith("换好了\n影视月卡 · 鲜果時光") and "用掉 300 分,还剩 200 分" in kept.shown
        assert "YUNK" not in kept.shown and kept.labels == ["查看码", "撤回", "我的券", "主菜单"]
        taps = [await ming.taps("查看码", message=kept) for _ in range(3)]
        await asyncio.gather(*(tap.answer() for tap in taps))
        shown = await ming.sees("YUNK-0", fresh=True)
        assert "在「云看」里兑换" in shown.shown and "不能撤回" in shown.shown
        assert shown.labels == ["复制码", "我的券", "主菜单"] and "撤回" not in shown.labels
        await ming.says("/vouchers")
        await ming.sees("我的券", fresh=True)
        await ming.taps(f"影视月卡 · 有效至 {day(world, 30)}")
        await ming.sees("YUNK-0", fresh=True)
        await opens(ming, "vouchers:undo:1")
        await world.settled()
        assert "YUNK-0" in ming.last.shown
        assert await world.sql("SELECT state, settles_on IS NOT NULL FROM redemption") == [("used", True)]


async def test_taken_back_unseen_the_code_goes_to_the_next_and_a_stale_button_shows_nothing(database: Database) -> None:
    async with bot_running(database, setup=tiered_shop) as world:
        [film] = await on_sale(world, FILM, codes=1)
        ming = await at_confirm(world, film, 300)
        await ming.taps("确认兑换")
        kept = await ming.sees("码给您留好了", fresh=True)
        hong = await enters(world, 300, "Hong", "en")
        await opens(hong, f"redeem:confirm:{film}:1")
        await hong.sees("All gone", fresh=True)
        await ming.taps("撤回", message=kept)
        await ming.sees("300 分会原样退回,到期日不变;码不再给您留。", fresh=True)
        await ming.taps("确认撤回")
        await ming.sees("300 分已原样退回", fresh=True)
        await opens(ming, "vouchers:reveal:1")
        await ming.sees("这张券已经撤回了", fresh=True)
        await opens(hong, f"redeem:confirm:{film}:1")
        await hong.sees("once seen it counts as used", fresh=True)
        await hong.taps("Redeem now")
        await hong.sees("Your code is kept", fresh=True)
        await hong.taps("Show code")
        await hong.sees("YUNK-0", fresh=True)
        await opens(ming, "vouchers:reveal:2")
        await ming.sees("没有这张券", fresh=True)


async def test_a_code_that_is_a_link_is_one(database: Database) -> None:
    async with bot_running(database, setup=tiered_shop) as world:
        async with world.database.engine.begin() as tx:
            fruit = await merchants.by_code(tx, "fruit")
            await code_pools.add(
                tx, world.vault, fruit.id, [PartnerCode("film", "https://yunkan.example/c?k=1&l=2", None)]
            )
        [film] = await shelve(world, FILM)
        ming = await at_confirm(world, film, 300)
        await ming.taps("确认兑换")
        await ming.sees("码给您留好了", fresh=True)
        await ming.taps("查看码")
        shown = await ming.sees("https://yunkan.example/c?k=1&l=2", fresh=True)
        assert shown.photo is None


async def test_a_membership_works_at_once_goes_on_and_is_not_sold_to_who_has_more(database: Database) -> None:
    async with bot_running(database, setup=tiered_shop) as world:
        [silver] = await on_sale(world, SILVER)
        ming = await at_confirm(world, silver, 1000)
        assert f"马上生效,到 {day(world, 30)};换了不退" in ming.last.shown
        confirm = ming.last
        taps = [await ming.taps("确认兑换", message=confirm) for _ in range(3)]
        await asyncio.gather(*(tap.answer() for tap in taps))
        done = await ming.sees(f"银卡,有效至 {day(world, 30)}", fresh=True)
        assert "· 每张小票双倍积分" in done.shown and done.labels[:2] == ["看等级", "我的权益"]
        assert await world.sql("SELECT tier FROM member WHERE tier IS NOT NULL") == [("silver",)]
        assert await world.sql("SELECT count(*)::int FROM redemption") == [(1,)]
        await opens(ming, f"redeem:confirm:{silver}:1")
        await ming.sees(f"接在 {day(world, 30)}之后,到 {day(world, 60)}", fresh=True)
        await ming.taps("确认兑换")
        await ming.sees(f"银卡,有效至 {day(world, 60)}", fresh=True)
        await world.sql("UPDATE tier_grant SET tier = 'gold'")
        await gives(world, ming, 400)
        await opens(ming, f"redeem:confirm:{silver}:1")
        await ming.sees("不用换了,没有扣分", fresh=True)
        await ming.says("/vouchers")
        await ming.sees("我的券", fresh=True)
        assert [label.partition(" · ")[0] for label in ming.last.labels[:2]] == ["银卡 30 天", "银卡 30 天"]


async def test_a_gift_is_confirmed_thanked_for_and_kept(database: Database) -> None:
    async with bot_running(database, setup=tiered_shop) as world:
        [tree] = await on_sale(world, TREE)
        ming = await enters(world, 450)
        await opens(ming, f"catalog:offer:{tree}:home")
        page = await ming.sees("100 分 = 种 1 棵树", fresh=True)
        assert "绿色 · 有机" in page.shown and page.labels[:2] == ["捐", "捐几份"]
        await ming.taps("捐几份")
        await ming.sees("捐几份?您可用 450 分,最多 4 份。", fresh=True)
        await ming.says("3")
        confirm = await ming.sees("种 1 棵树 ×3;捐出就不能撤回", fresh=True)
        await ming.taps("确认捐出", message=confirm)
        thanks = await ming.sees("谢谢您!种 1 棵树 ×3", fresh=True)
        assert "用掉 300 分,还剩 150 分" in thanks.shown and "证书 1 号" in thanks.shown
        await ming.taps("我的券")
        await ming.sees("我的券", fresh=True)
        await ming.taps("绿芽植树 ×3 · 今天")
        await ming.sees("捐了 300 分", fresh=True)
        await opens(ming, "vouchers:undone:1")
        await ming.sees("这张券已经用过了", fresh=True)
        await ming.says("/history")
        await ming.sees("明细", fresh=True)
        assert "-300 分 · 绿芽植树 · 鲜果時光 · 今天" in ming.last.labels


async def test_english_reads_as_well(database: Database) -> None:
    async with bot_running(database, setup=tiered_shop) as world:
        film, tree, silver = await on_sale(world, FILM, TREE, SILVER)
        hong = await at_confirm(world, film, 2000, language="en")
        await hong.taps("Redeem now")
        kept = await hong.sees("Your code is kept", fresh=True)
        assert "Once seen, it can't be taken back." in kept.shown
        await hong.taps("Show code")
        await hong.sees("it can't be taken back", fresh=True)
        await opens(hong, f"catalog:offer:{silver}:home")
        await hong.sees("Silver, 30 days", fresh=True)
        await hong.taps("Redeem")
        await hong.sees("Starts at once, until", fresh=True)
        await hong.taps("Redeem now")
        await hong.sees("good until", fresh=True)
        await opens(hong, f"redeem:confirm:{tree}:2")
        await hong.sees("a gift is not taken back", fresh=True)
        await hong.taps("Give now")
        await hong.sees("Thank you! 1 tree planted ×2", fresh=True)


async def test_green_offers_come_first_in_the_green_order(database: Database) -> None:
    async with bot_running(database, setup=tiered_shop) as world:
        bag = offer("bag", "布袋", "Bag", "market", PerUnit(points=100), green_class="cup")
        await on_sale(world, bag, TREE)
        ming = await enters(world, 5000)
        await opens(ming, "catalog:sort:green:category.gifts")
        page = await ming.sees("绿色", fresh=True)
        assert page.shown.index("绿芽植树") < page.shown.index("布袋") and "绿色 · 有机" in page.shown


async def test_a_day_on_which_a_gift_does_more_says_so(database: Database) -> None:
    async with bot_running(database, setup=tiered_shop) as world:
        today = moment(world).today
        half = Special(
            name=Names(zh="植树节", en="Arbour day"),
            when=When(from_on=today, until=today),
            price=PerUnit(points=50, most_units=20),
        )
        [tree] = await on_sale(world, TREE.model_copy(update={"specials": (half,)}))
        ming = await enters(world, 450)
        await opens(ming, f"catalog:offer:{tree}:home")
        await ming.sees("50 分 = 种 1 棵树", fresh=True)
