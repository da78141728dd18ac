"""Settings: language, region, birthday, what is stored; each changed in two taps and taken back in two."""

from __future__ import annotations

from tests.conftest import Database
from tests.handlers.at import bot_then


async def test_the_chosen_language_is_spoken_from_the_next_screen_on(database: Database) -> None:
    async with bot_then(database) as world:
        ming = await world.member("小明")
        await ming.says("/language")
        await ming.taps("English")
        await ming.sees("Language: English")
        await ming.taps("Main menu")
        await ming.sees("0 pts", fresh=True)
        await ming.says("/language")
        await ming.taps("Follow Telegram")
        await world.settled()
        await ming.says("/settings")
        await ming.sees("语言:中文,跟随 Telegram")


async def test_a_region_is_chosen_and_left_blank_again(database: Database) -> None:
    async with bot_then(database) as world:
        ming = await world.member("小明")
        await ming.says("/settings")
        await ming.taps("地区")
        await ming.taps("杭州")
        await ming.sees("地区:杭州")
        await ming.taps("地区")
        await ming.taps("不填")
        await ming.sees("地区:没填")


async def test_a_birthday_takes_three_taps_and_the_year_is_optional(database: Database) -> None:
    async with bot_then(database) as world:
        ming = await world.member("小明")
        await ming.says("/settings")
        await ming.taps("生日")
        await ming.taps("3月")
        await ming.sees("哪一天")
        await ming.taps("8")
        page = await ming.sees("记下了:3月8日")
        assert "从 2027年3月8日那次算起" in page.shown
        await ming.taps("不说年份")
        await ming.sees("生日:3月8日")
        assert await world.sql("SELECT birth_month, birth_day FROM member") == [(3, 8)]


async def test_a_birthday_within_thirty_days_counts_from_next_year(database: Database) -> None:
    async with bot_then(database) as world:
        ming = await world.member("小明")
        await ming.says("/settings")
        await ming.taps("生日")
        await ming.taps("12月")
        await ming.sees("哪一天")
        await ming.taps("3")
        await ming.sees("离生日不到 30 天,从 2027年12月3日那次算起")


async def test_a_year_is_typed_and_kept_sealed_also_after_a_restart(database: Database) -> None:
    async with bot_then(database) as world:
        ming = await world.member("小明")
        await ming.says("/settings")
        await ming.taps("生日")
        await ming.taps("2月")
        await ming.sees("哪一天")
        await ming.taps("29")
        await ming.sees("记下了:2月29日")
        await ming.says("那年冬天")
        await ming.sees("年份是四位数字")
        await world.restart()
        await ming.says("2000年")
        await ming.sees("生日:2000年2月29日")
        await ming.taps("存了我的什么")
        page = await ming.sees("您同意过的")
        assert "保存生日 · 1 版" in page.shown
        (row,) = await world.sql("SELECT box FROM person")
        assert b"2000" not in row[0]


async def test_an_impossible_year_is_refused_and_the_question_stays(database: Database) -> None:
    async with bot_then(database) as world:
        ming = await world.member("小明")
        await ming.says("/settings")
        await ming.taps("生日")
        await ming.taps("2月")
        await ming.sees("哪一天")
        await ming.taps("29")
        await ming.sees("记下了")
        await ming.says("1999")  # had no 29 February
        await ming.sees("没有这一天")
        await ming.says("1996")
        await ming.sees("生日:1996年2月29日")


async def test_what_was_told_is_deleted_in_one_tap(database: Database) -> None:
    async with bot_then(database) as world:
        ming = await world.member("小明")
        await ming.says("/settings")
        await ming.taps("生日")
        await ming.taps("3月")
        await ming.sees("哪一天")
        await ming.taps("8")
        await ming.taps("不说年份")
        await ming.taps("存了我的什么")
        await ming.taps("删除生日")
        page = await ming.sees("生日:没填")
        assert "保存生日" not in page.shown
        assert await world.sql("SELECT birth_month, birth_day, birth_told_on FROM member") == [(None, None, None)]
        assert await world.sql("SELECT count(*) FROM consent WHERE withdrawn_at IS NOT NULL") == [(1,)]


async def test_what_is_stored_is_told_in_english_too(database: Database) -> None:
    async with bot_then(database) as world:
        tom = await world.member("Tom", language="en")
        await tom.says("/settings")
        await tom.taps("What is stored")
        page = await tom.sees("What is stored about you")
        assert "Encrypted: Telegram ID" in page.shown
        assert "Terms · version 2026-11 · today" in page.shown
