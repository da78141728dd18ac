"""Favourites in chat: kept with one tap, listed with what can be had now, and let go."""

from __future__ import annotations

from ledger.redeeming.offers import PerUnit
from tests.conftest import Database
from tests.driver import bot_running
from tests.handlers.shop import gives, offer, shelve, shop


async def test_nothing_kept_yet_leads_to_the_catalog(database: Database) -> None:
    async with bot_running(database, setup=shop) as world:
        ming, hong = await world.member(), await world.member("Hong", "en")
        await ming.says("/favourites")
        await ming.sees("还没有收藏")
        await ming.taps("兑换")
        await ming.sees("想找什么直接打字")
        await hong.says("/favourites")
        await hong.sees("Nothing here yet")


async def test_keeping_shows_the_same_offer_kept_and_letting_go_undoes_it(database: Database) -> None:
    async with bot_running(database, setup=shop) as world:
        ming = await world.member()
        await ming.says("/redeem 礼盒")
        await ming.taps("进口水果礼盒")
        tap = await ming.taps("加入收藏")
        answer = await tap.answer()
        assert answer["text"] == "已收藏" and not answer.get("show_alert"), "beside a screen it passes by itself"
        await ming.sees("当天切好装盒")
        tap = await ming.taps("取消收藏")
        assert (await tap.answer())["text"] == "已取消收藏"
        await ming.taps("加入收藏")
        await world.settled()
        assert (await world.sql("SELECT count(*) FROM favourite"))[0][0] == 1


async def test_what_is_within_reach_is_counted_and_comes_first(database: Database) -> None:
    async with bot_running(database, setup=shop) as world:
        hong = await world.member("Hong", "en")
        await gives(world, hong, 600)
        for search, name in (("voucher", "Supermarket voucher"), ("box", "Imported fruit box")):
            await hong.says(f"/redeem {search}")
            await hong.taps(name)
            await hong.taps("Add to favourites")
            await world.settled()
        await hong.says("/favourites")
        listed = await hong.sees("1 within reach now")
        labels = [button.text for row in listed.buttons for button in row]
        assert labels[0] == "Imported fruit box · 500 pts"
        assert labels[1].startswith("Supermarket voucher") and "400 pts short" in labels[1]


async def test_what_is_paused_stays_in_the_list_and_can_be_let_go(database: Database) -> None:
    async with bot_running(database, setup=shop) as world:
        ming = await world.member()
        await ming.says("/redeem 礼盒")
        await ming.taps("进口水果礼盒")
        await ming.taps("加入收藏")
        await world.settled()
        await world.sql("UPDATE offer SET active = false WHERE code = 'box' RETURNING id")
        await ming.says("/favourites")
        await ming.sees("现在还没有够换的", fresh=True)
        assert ming.last.labels[0] == "进口水果礼盒 · 500 分 · 暂不能换"
        await ming.taps("进口水果礼盒")
        await ming.sees("这项兑换暂停了", fresh=True)
        await ming.taps("取消收藏")
        await world.settled()
        await ming.says("/favourites")
        await ming.sees("还没有收藏", fresh=True)


async def test_five_taps_keep_once_and_a_restart_forgets_nothing(database: Database) -> None:
    async with bot_running(database, setup=shop) as world:
        ming = await world.member()
        await ming.says("/redeem 礼盒")
        await ming.taps("进口水果礼盒")
        shown = await ming.sees("当天切好装盒")
        button = next(b for row in shown.buttons for b in row if b.text == "加入收藏")
        for _ in range(5):
            ming.presses(shown, button)
        await world.settled()
        assert (await world.sql("SELECT count(*) FROM favourite"))[0][0] == 1
        await world.restart()
        await ming.says("/favourites")
        await ming.sees("现在还没有够换的")
        await ming.taps("进口水果礼盒")
        await ming.sees("当天切好装盒")


async def test_the_fifty_first_is_refused_with_a_way_out_and_a_long_list_has_pages(database: Database) -> None:
    async with bot_running(database, setup=shop) as world:
        ming = await world.member()
        price = PerUnit(points=100, value_minor=100)
        many = await shelve(world, *(offer(f"f{n}", f"小物{n}", f"Thing {n}", "fruit", price) for n in range(51)))
        [row] = await world.sql("SELECT max(id) FROM member")
        await world.sql(
            "INSERT INTO favourite SELECT :who, unnest(CAST(:offers AS bigint[])), now() RETURNING 1",
            who=row[0],
            offers=many[:50],
        )
        await ming.says("/redeem 小物50")
        await ming.taps("小物50")
        await ming.taps("加入收藏")
        await ming.sees("最多收藏 50 样")
        await ming.taps("看收藏")
        for _ in range(6):
            await ming.taps("下一页")
            await world.settled()
        labels = [button.text for row in ming.last.buttons for button in row]
        assert "上一页" in labels and "下一页" not in labels


async def test_notices_of_changes_are_switched_off_and_on_in_both_languages(database: Database) -> None:
    async with bot_running(database, setup=shop) as world:
        for name, language, search, thing, keep, off, on, says, silent in (
            ("小明", "zh-hans", "礼盒", "进口水果礼盒", "加入收藏", "不再提醒", "提醒我", "上午告诉您", "有变化也不提醒"),
            ("Hong", "en", "box", "Imported fruit box", "Add to favourites", "No more notices", "Notify me",
             "You hear in the morning", "You are not told"),
        ):  # fmt: skip
            who = await world.member(name, language)
            await who.says(f"/redeem {search}")
            await who.taps(thing)
            await who.taps(keep)
            await world.settled()
            await who.says("/favourites")
            await who.sees(says, fresh=True)
            await who.taps(off)
            await who.sees(silent, fresh=True)
            await who.taps(on)
            await who.sees(says, fresh=True)
        assert await world.sql("SELECT DISTINCT watched, stands FROM favourite") == [(True, "short")]
