"""A merchant's points into common ones, as people do it."""

from __future__ import annotations

from tests.conftest import Database
from tests.driver import bot_running
from tests.handlers.shop import gives, shop


async def test_exchanging_from_the_catalog(database: Database) -> None:
    async with bot_running(database, setup=shop) as world:
        ming = await world.member()
        await gives(world, ming, 15001, merchant="rail", days=None)
        await ming.says("/redeem")
        await ming.taps("积分转换")
        assert "2 铁路积分换 1 分,都值 ¥0.02" in (await ming.sees("可用 15,001 铁路积分")).shown
        assert ming.last.labels[:2] == ["15,000 铁路积分 → 7,500 分", "7,500 铁路积分 → 3,750 分"]
        await ming.says("400")
        await ming.sees("400 铁路积分 → 200 分")
        await ming.says("2,001")  # another number, in place of the one that waits for its tap
        shown = (await ming.sees("2,000 铁路积分 → 1,000 分")).shown
        assert "零头 1 铁路积分留着不动" in shown and "换了不能换回来。" in shown and "换后剩 13,001 铁路积分" in shown
        screen, button = ming.last, ming.last.buttons[0][0]
        for _ in range(3):
            ming.presses(screen, button)
        await ming.sees("已经换好了")
        await ming.says("/balance")
        assert "可用 1,000 分" in (await ming.sees("13,001")).shown


async def test_what_cannot_be_exchanged_is_refused_with_figures(database: Database) -> None:
    async with bot_running(database, setup=shop) as world:
        hong = await world.member("Hong", "en")
        await hong.says("/exchange")
        await hong.sees("You hold no merchants' points that can be exchanged.")
        await gives(world, hong, 100, merchant="rail")
        await hong.says("/exchange")
        await hong.sees("100 rail points available")
        for said, answer in (
            ("lots", "I could not read that number."),
            ("1", "It takes at least 2 rail points."),
        ):
            await hong.says(said)
            await hong.sees(answer)
        await hong.says("/exchange")
        await hong.says("500")
        await hong.sees("This takes 500 rail points; you have 100 rail points.")
        await hong.taps("Back")
        await hong.sees("100 rail points available")


async def test_a_changed_rate_is_shown_again_and_not_used(database: Database) -> None:
    async with bot_running(database, setup=shop) as world:
        ming = await world.member()
        await gives(world, ming, 1000, merchant="rail")
        await ming.says("/exchange")
        await ming.taps("1,000 铁路积分 → 500 分")
        await ming.sees("换了不能换回来。")
        await world.sql("UPDATE currency SET value_points = 2 WHERE code = 'rail'")
        await ming.taps("确认换")
        assert "1,000 铁路积分 → 250 分" in (await ming.sees("比例刚刚变了,还没有换。")).shown
        await ming.taps("确认换")
        await ming.sees("换好了")
        await ming.says("/balance")
        await ming.sees("可用 250 分")
