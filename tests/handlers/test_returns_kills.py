"""A worker that ends at any await of a return: one claim, one answer, one way back for the points, and everybody hears it once."""

from __future__ import annotations

from collections.abc import AsyncIterator
from contextlib import asynccontextmanager

from bot.double.double import Person
from ledger.redeeming.offers import Limits
from tests.conftest import Database
from tests.handlers.kills import Stopped, told_at_every_await
from tests.handlers.papers import picture
from tests.handlers.shop import gives, shelve
from tests.handlers.test_returns import KETTLE, Scene, scene

MANY = KETTLE.model_copy(update={"limits": Limits(stock=500)})


@asynccontextmanager
async def many(database: Database) -> AsyncIterator[Scene]:
    """The scene with kettles for everybody, and no worker that looks for work by itself."""
    async with scene(database, by_hand=True, workers=2) as at:
        await shelve(at.world, MANY)
        yield at
        assert await at.world.sql("SELECT key FROM failure") == []


async def somebody(at: Scene, story: Stopped) -> Person:
    """The next member, who has picked up a kettle."""
    at.ming = await at.world.member(f"第{story.at}位")
    await gives(at.world, at.ming, 1180)
    await at.picks_up()
    return at.ming


async def claims(story: Stopped, ming: Person, wish: str = "退回 400 分") -> None:
    """From the vouchers to the claim."""
    await story.says(ming, "/vouchers", "我的券")
    await story.taps(ming, "电水壶", "用过了")
    await story.taps(ming, "退换", "怎么了")
    await story.taps(ming, "不能用", "拍照发给我")
    await story.sends_photo(ming, picture("spout"), "照片 1 张")
    await story.taps(ming, "发完了", "您想要什么")
    await story.taps(ming, wish, "天内答复")
    await story.taps(ming, "提交", "已提交")


def heard(who: Person, words: str) -> int:
    """In how many messages somebody was told this."""
    return sum(words in each.shown for each in who.messages)


async def test_claiming_and_granting_stopped_at_any_await_are_each_done_once(database: Database) -> None:
    async with many(database) as at:

        async def tell(story: Stopped) -> None:
            ming, before = await somebody(at, story), heard(at.manager, "有会员要退换")
            await claims(story, ming)
            assert await at.stands() == ("open", "used", 780)
            await story.hears(at.manager, "有会员要退换")
            assert heard(at.manager, "有会员要退换") == before + 1
            await story.taps(at.manager, "看这件退换", "想要:")
            assert "照片 1 张" in at.manager.last.shown
            await story.taps(at.manager, "退 400 分", "怎么处理")
            await story.taps(at.manager, "放回货架", "退好了")
            await story.hears(ming, "商户同意了")
            assert heard(ming, "商户同意了") == 1
            assert await at.stands() == ("granted", "returned", 1180)

        await told_at_every_await(at.world, tell)


async def test_refusing_asking_the_programme_and_its_ruling_are_each_done_once(database: Database) -> None:
    async with many(database) as at:
        unhurried = Stopped(at.world, 10_000)

        async def tell(story: Stopped) -> None:
            ming = await somebody(at, story)
            await claims(unhurried, ming)
            await unhurried.hears(at.manager, "有会员要退换")
            await unhurried.taps(at.manager, "看这件退换", "想要:")
            await story.taps(at.manager, "不同意", "为什么不同意")
            await story.taps(at.manager, "用过或有磨损", "写一两句")
            await story.says(at.manager, "壶底烧黑了", "答复发给会员了")
            await story.hears(ming, "壶底烧黑了")
            await story.taps(ming, "看退换", "商户没有同意")
            await story.taps(ming, "请积分计划裁决", "积分计划在看")
            assert await at.stands() == ("escalated", "used", 780)
            await story.hears(at.operator, "有退换等裁决")
            await story.taps(at.operator, "看这件退换", "壶底烧黑了")
            await story.taps(at.operator, "退给会员", "写下理由")
            await story.says(at.operator, "到手就坏,照片看得清", "裁决了")
            await story.hears(ming, "到手就坏")
            assert await at.stands() == ("overturned", "returned", 1180)

        await told_at_every_await(at.world, tell)


async def test_an_exchange_stopped_at_any_await_takes_one_piece_and_gives_one_voucher(database: Database) -> None:
    async with many(database) as at:
        unhurried = Stopped(at.world, 10_000)

        async def tell(story: Stopped) -> None:
            ming = await somebody(at, story)
            [before] = await at.world.sql("SELECT taken FROM offer_stock ORDER BY offer_id DESC LIMIT 1")
            await claims(unhurried, ming, "换一件")
            await unhurried.hears(at.manager, "有会员要退换")
            await unhurried.taps(at.manager, "看这件退换", "想要:换一件")
            await story.taps(at.manager, "换一件", "不再扣积分")
            await story.taps(at.manager, "报废", "换好了")
            await story.hears(ming, "同意换一件")
            assert await at.stands() == ("exchanged", "exchanged", 780)
            [after] = await at.world.sql("SELECT taken FROM offer_stock ORDER BY offer_id DESC LIMIT 1")
            assert after.taken == before.taken + 1
            rows = await at.world.sql(
                "SELECT state, origin_id FROM redemption WHERE origin_id = :id OR id = :id ORDER BY id", id=at.voucher
            )
            assert [tuple(row) for row in rows] == [("exchanged", None), ("issued", at.voucher)]

        await told_at_every_await(at.world, tell)
