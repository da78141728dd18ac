"""Somebody types in place of tapping: a name of a thing leads there, a code does what it is for, anything else is looked for."""

from __future__ import annotations

import pytest

from tests.conftest import Database
from tests.driver import World
from tests.handlers.at import as_it_is, bot_then
from tests.handlers.till_scene import open_shop

TYPED = """
余额                      可用 1,180 分
我的积分有多少?            可用 1,180 分
你好                      可用 1,180 分
会员卡                    会员码
出示二维码                会员码
我要兑换                  现在能换
兑换记录                  明细
积分什么时候过期          到期
我的券                    我的券
优惠券                    我的券
附近有哪些商户            商户
我是什么等级              银卡
怎么用                    能做什么
人工客服                  能做什么
我要投诉                  能做什么
改生日                    设置
收藏                      收藏
电影票                    电影票
水果                      水果券
shuiguo                   水果券
奶茶                      奶茶
图书券                    图书券
水果券怎么用              我的券
"""

IN_ENGLISH = """
my balance                1,180 pts
How do I redeem?          within reach now
QR code                   My card
When do my points expire  expire
vouchers                  vouchers
help                      What I can do
fruit                     fruit voucher
tea voucher               Tea voucher · Half-Day Tea
my vouchers please        My vouchers
"""


def rows(table: str) -> list[tuple[str, str]]:
    """What is typed, and words of what is shown."""
    return [
        (said.strip(), shown.strip())
        for said, _, shown in (line.partition("   ") for line in table.split("\n") if line)
    ]


async def asked(world: World, telegram_id: int, language: str, table: str) -> None:
    """Each is typed outside of any conversation."""
    who = world.person("小明", language, id=telegram_id)
    for said, shown in rows(table):
        await who.says("/cancel")
        await who.says(said)
        await who.sees(shown, fresh=True)


async def test_a_thing_called_by_its_name_is_shown(demo_database: Database) -> None:
    async with bot_then(demo_database, setup=as_it_is) as world:
        await asked(world, 1001, "zh-hans", TYPED)


async def test_in_english_as_well(demo_database: Database) -> None:
    async with bot_then(demo_database, setup=as_it_is) as world:
        await asked(world, 1001, "en", IN_ENGLISH)


async def test_the_word_for_a_language_leads_to_the_languages(demo_database: Database) -> None:
    async with bot_then(demo_database, setup=as_it_is) as world:
        ming = world.person("小明", id=1001)
        await ming.says("English please")
        await ming.sees("语言")
        await ming.taps("English")
        await ming.says("中文")
        await ming.sees("Language", fresh=True)


@pytest.mark.parametrize("said", ["今天天气不错", "……", "🙂", "zzzzqqqq", "因为" * 40 + "余额"])
async def test_what_names_nothing_is_answered_with_ways_on(demo_database: Database, said: str) -> None:
    async with bot_then(demo_database, setup=as_it_is) as world:
        ming = world.person("小明", id=1001)
        await ming.says(said)
        page = await ming.sees("没看懂")
        assert "/help" in page.shown


async def test_words_of_the_till_mean_nothing_to_members(demo_database: Database) -> None:
    async with bot_then(demo_database, setup=as_it_is) as world:
        ming = world.person("小明", id=1001)
        await ming.says("核销")
        await ming.sees("没看懂")


async def test_at_the_till_a_code_alone_does_what_it_is_for(database: Database) -> None:
    async with bot_then(database) as world:
        shop = await open_shop(world)
        await shop.cashier.says(await shop.card())
        await shop.cashier.sees("收了多少钱")
        await shop.cashier.says("/cancel")
        await shop.cashier.says("验券")
        await shop.cashier.sees("14 位券码")
