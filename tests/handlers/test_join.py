"""Joining, as a newcomer lives it: once, in their language, with the link that brought them kept."""

from __future__ import annotations

from bot.features import discover
from chat.feature import Feature
from chat.screen import Screen, screen
from chat.turn import Turn
from chat.words import t
from jobs import welcome as duty
from jobs.duty import Chunk, Slot
from tests.conftest import Database
from tests.driver import bot_running
from tests.handlers.at import bot_then
from tests.handlers.shop import moment
from tests.turns import PROGRAMME, shown


async def test_a_newcomer_reads_what_is_kept_and_why_before_joining(database: Database) -> None:
    async with bot_then(database) as world:
        ming = world.person("小明")
        await ming.says("/start")
        page = await ming.sees("加入后保存什么")
        for line in ("云上联盟", "加入就有 100 分", "不要手机号", "条款要点(2026-11)", "不能兑现"):
            assert line in page.shown
        assert await world.sql("SELECT * FROM member") == []


async def test_agreeing_leads_straight_to_the_main_screen(database: Database) -> None:
    async with bot_then(database) as world:
        ming = world.person("小明")
        await ming.says("/start")
        await ming.taps("同意并加入")
        page = await ming.sees("可用 100 分  ≈ ¥2")
        assert page.shown.startswith("欢迎您,小明\n入会礼 100 分已到账")
        assert [b.text for row in page.buttons for b in row][:4] == ["填地区", "填生日", "兑换", "会员码"]
        await ming.says("/start")
        again = await ming.sees("可用 100 分", fresh=True)
        assert "欢迎" not in again.shown
        await ming.taps("明细")
        await ming.taps("+100 分 · 入会礼")
        await ming.sees("第一次加入  = 100 分", fresh=True)
        assert await world.sql("SELECT language, region FROM member") == [(None, None)], (
            "as Telegram says, until chosen"
        )


async def test_in_english_nothing_is_left_in_chinese_but_names(database: Database) -> None:
    async with bot_then(database) as world:
        tom = world.person("Tom", language="en")
        await tom.says("/start")
        await tom.sees("What is kept when you join")
        await tom.taps("Agree and join")
        page = await tom.sees("Your welcome gift of 100 pts has arrived")
        assert "100 pts  ≈ ¥2" in page.shown
        texts = page.shown + "".join(b.text for row in page.buttons for b in row)
        assert not any("\u4e00" <= c <= "\u9fff" for c in texts)
        assert await world.sql("SELECT language, telegram_language FROM member") == [(None, "en")]


async def test_a_newcomer_may_choose_the_other_language_and_keeps_it(database: Database) -> None:
    async with bot_then(database) as world:
        ming = world.person("小明")
        await ming.says("/start")
        await ming.taps("English")
        await ming.sees("What is kept when you join")
        await ming.taps("Agree and join")
        await ming.sees("Welcome, 小明")
        await ming.says("/balance")
        await ming.sees("100 pts", fresh=True)
        assert await world.sql("SELECT language FROM member") == [("en",)]


async def test_tapping_agree_five_times_joins_once(database: Database) -> None:
    async with bot_then(database) as world:
        ming = world.person("小明")
        await ming.says("/start")
        page = await ming.sees("加入后保存什么")
        agree = page.buttons[0][0]
        for _ in range(5):
            ming.presses(page, agree)
        await world.settled()
        assert await world.sql("SELECT count(*) FROM member") == [(1,)]
        assert await world.sql("SELECT count(*), sum(points) FROM entry") == [(1, 100)]
        await ming.sees("可用 100 分")


async def test_a_restart_between_reading_and_agreeing_loses_nothing(database: Database) -> None:
    async with bot_then(database) as world:
        ming = world.person("小明")
        await ming.says("/start")
        await ming.sees("加入后保存什么")
        await world.restart()
        await ming.taps("同意并加入")
        await ming.sees("可用 100 分")


async def test_terms_that_changed_meanwhile_are_read_before_they_are_agreed_to(database: Database) -> None:
    async with bot_then(database) as world:
        ming = world.person("小明")
        await ming.says("/start")
        await ming.sees("条款要点(2026-11)")
        await world.sql(
            "UPDATE programme SET version = 2,"
            " document = jsonb_set(document, '{terms_version}', to_jsonb('2027-01'::text))"
        )
        await ming.taps("同意并加入")
        await ming.sees("条款要点(2027-01)")
        assert await world.sql("SELECT * FROM member") == []
        await ming.taps("同意并加入")
        await ming.sees("可用 100 分")
        assert await world.sql("SELECT version FROM consent") == [("2027-01",)]


async def test_whatever_a_newcomer_types_is_answered_with_the_entrance(database: Database) -> None:
    async with bot_then(database) as world:
        ming = world.person("小明")
        for said in ("你好", "/balance", "/history", "随便"):
            await ming.says(said)
            await ming.sees("加入后保存什么", fresh=True)


async def test_the_link_that_brought_a_newcomer_waits_until_they_have_joined(database: Database) -> None:
    other = Feature("gate")

    @other.link("z")
    async def opened(turn: Turn, token: str) -> Screen:
        return screen([t("欢迎您,{name}", name=f"{token} {turn.me.id}")])

    async with bot_running(database, features=[*discover(), other]) as world:
        ming = world.person("小明")
        await ming.says("/start z_abc-123")
        await ming.sees("加入后保存什么")
        await ming.says("什么?")
        await ming.taps("English")
        await ming.sees("What is kept when you join")
        await world.restart()
        await ming.taps("Agree and join")
        page = await ming.sees("Welcome, 小明")
        onward = page.buttons[0][0]
        assert onward.text == "Carry on where you were"
        assert onward.url is not None
        await ming.opens(onward.url)
        await ming.sees("abc-123 1")


async def test_a_name_with_tags_in_it_is_shown_as_it_is(database: Database) -> None:
    async with bot_then(database) as world:
        odd = world.person("<b>Tom & {name}</b>")
        await odd.says("/start")
        await odd.taps("同意并加入")
        await odd.sees("欢迎您,<b>Tom & {name}</b>")


async def test_a_member_who_changed_their_name_is_known_by_the_new_one(database: Database) -> None:
    async with bot_then(database) as world:
        ming = await world.member("小明")
        ming.user["first_name"] = "明明"
        await ming.says("/start")
        await ming.sees("可用 0 分")
        await ming.says("/settings")
        await ming.taps("存了我的什么")
        await ming.sees("「明明」")


async def test_without_cover_they_join_all_the_same_and_their_welcome_follows(database: Database) -> None:
    async with bot_then(database) as world:
        await world.sql(
            "INSERT INTO cover (merchant_id, money, reserved_minor, outstanding_minor, counted_at)"
            " SELECT id, 'CNY', 0, 0, now() FROM merchant WHERE code = 'market'"
        )
        ming, tom = world.person("小明"), world.person("Tom", language="en")
        await ming.says("/start")
        await ming.taps("同意并加入")
        page = await ming.sees("可用 0 分")
        assert page.shown.startswith("欢迎您,小明\n入会礼 100 分稍后到账,到了告诉您")
        await tom.says("/start")
        await tom.taps("Agree and join")
        await tom.sees("Your welcome gift of 100 pts comes a little later; you will be told")
        await world.sql("UPDATE cover SET float_minor = 400")
        slot = Slot("welcome", world.now())
        told: list[str] = []
        for _ in range(2):
            async with database.engine.begin() as tx:
                chunk = Chunk(tx, slot.key, moment(world), PROGRAMME)
                assert await duty.run(chunk, slot) is None
                told += [shown(tell.screen) for tell in chunk.tells]
        assert len(told) == 2 and all(said.startswith("+100 分 · 入会礼") and "可用 100 分" in said for said in told)
        assert await world.sql("SELECT count(*) FROM welcome_due") == [(0,)]
        await ming.says("/start")
        await ming.sees("可用 100 分", fresh=True)
