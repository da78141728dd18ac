"""Activities in chat: a talk with its changing code, a survey of two taps, a suggestion answered, each once per person."""

from __future__ import annotations

import asyncio
import datetime as dt
import re

from bot.double.double import Person
from tests.conftest import Database
from tests.driver import World, bot_running
from tests.handlers.till_scene import Shop, open_shop


async def begins(shop: Shop, kind: str, *said: str, long: str = "2 小时") -> None:
    """The manager begins an activity, answering every question."""
    await shop.manager.says("/merchant")
    await shop.manager.taps("活动")
    await shop.manager.sees("新办一个", fresh=True)
    await shop.manager.taps(kind)
    await shop.manager.sees("叫什么?", fresh=True)
    for each in said:
        await shop.manager.says(each)
        await shop.world.settled()
    await shop.manager.sees("从现在起办多久", fresh=True)
    await shop.manager.taps(long)
    await shop.manager.sees("给了 0 人", fresh=True)


def code_on(person: Person) -> str:
    found = re.search(r"([0-9A-Z]{4}) ([0-9A-Z]{4})", person.last.shown)
    assert found is not None, person.last.shown
    return found[1] + found[2]


async def paid(world: World) -> int:
    [row] = await world.sql("SELECT coalesce(sum(points), 0)::int FROM entry WHERE kind = 'accrue'")
    return int(row[0])


async def test_a_talk_is_checked_into_with_the_code_of_the_moment(database: Database) -> None:
    async with bot_running(database) as world:
        shop = await open_shop(world)
        hong = await world.member("Hong", "en")
        await begins(shop, "签到", "亲子阅读讲座", "二楼活动室", "50", "40")
        await shop.manager.taps("出示签到码")
        await shop.manager.sees("签到码", fresh=True)
        old = code_on(shop.manager)
        await shop.customer.opens(f"https://t.me/{world.double.username}?start=a_{old}")
        await shop.customer.sees("已签到")
        assert "+50 分 · 亲子阅读讲座 · 云山超市" in shop.customer.last.shown
        await shop.customer.opens(f"https://t.me/{world.double.username}?start=a_{old}")
        await shop.customer.sees("您参加过了", fresh=True)
        for _ in range(3):
            assert await world.renewals_due() == 1
        assert code_on(shop.manager) != old and "已签到 1 人" in shop.manager.last.shown
        await hong.says("/activities")
        await hong.sees("send me its 8 characters")
        await hong.says(old)
        await hong.sees("wrong or has expired")
        await hong.says(code_on(shop.manager).lower())
        await hong.sees("Checked in")
        assert await paid(world) == 100
        await hong.taps("See why")
        await hong.sees("For checking in there, once each  = 50 pts", fresh=True)
        await shop.manager.taps("返回")
        await shop.manager.sees("给了 2 人", fresh=True)
        assert await world.renewals_due() <= 1, "a code that nobody looks at any more renews no more"
        await shop.manager.taps("提前结束")
        await shop.manager.sees("已结束")


async def test_a_survey_takes_a_tap_a_question_and_shows_only_counts(database: Database) -> None:
    async with bot_running(database) as world:
        shop = await open_shop(world)
        await begins(shop, "问卷", "逛店小问卷", "多久来一次?每周/每月\n还缺什么?早餐/鲜花/都有了", "20", "100")
        await shop.customer.says("/activities")
        await shop.customer.taps("逛店小问卷")
        await shop.customer.sees("1/2 多久来一次?", fresh=True)
        first = shop.customer.last
        [weekly] = [b for row in first.buttons for b in row if b.text == "每周"]
        shop.customer.presses(first, weekly)
        shop.customer.presses(first, weekly)
        await shop.customer.sees("2/2 还缺什么?", fresh=True)
        await world.kill()
        await world.start()
        message = shop.customer.last
        taps = [await shop.customer.taps("鲜花", message=message) for _ in range(3)]
        await asyncio.gather(*(tap.answer() for tap in taps))
        await world.settled()
        assert await paid(world) == 20
        # Not the newest message: what only read and was not confirmed before the kill is answered again below it.
        (answered,) = [each for each in shop.customer.messages if each.id == message.id]
        assert "谢谢,答完了" in answered.shown
        assert await world.sql("SELECT answers FROM activity_part") == [([0, 1],)]
        await shop.customer.says("/activities")
        await shop.customer.sees("现在没有问卷", fresh=True)
        await shop.manager.says("/merchant")
        await shop.manager.taps("活动")
        await shop.manager.taps("逛店小问卷")
        await shop.manager.sees("鲜花:1 人", fresh=True)
        assert "每月:0 人" in shop.manager.last.shown and "小明" not in shop.manager.last.shown


async def test_a_suggestion_is_declined_with_words_and_another_accepted_with_points(database: Database) -> None:
    async with bot_running(database) as world:
        shop = await open_shop(world)
        await begins(shop, "建议箱", "给我们提意见", "30", "10", long="30 天")
        await shop.customer.says("/activities")
        await shop.customer.taps("给我们提意见")
        await shop.customer.says("周末早点开门")
        await shop.customer.sees("已送到云山超市")
        await shop.owner.sees("周末早点开门")
        await shop.manager.sees("有新建议")
        assert not any("周末" in message.shown for message in shop.cashier.messages)
        await shop.manager.taps("看建议")
        await shop.manager.taps("周末早点开门")
        await shop.manager.sees("采纳就给提的人 30 分", fresh=True)
        await shop.manager.taps("不采纳")
        await shop.manager.says("早班人手不够")
        await shop.customer.sees("回复:早班人手不够")
        assert await paid(world) == 0
        await shop.customer.taps("活动")
        await shop.customer.taps("给我们提意见")
        await shop.customer.says("进点现磨豆浆")
        await shop.owner.sees("进点现磨豆浆")
        await shop.owner.taps("看建议")
        await shop.owner.taps("进点现磨豆浆")
        await shop.owner.sees("采纳就给提的人", fresh=True)
        message = shop.owner.last
        taps = [await shop.owner.taps("采纳", message=message) for _ in range(2)]
        await asyncio.gather(*(tap.answer() for tap in taps))
        told = await shop.customer.sees("+30 分 · 给我们提意见 · 云山超市")
        assert "您的建议被采纳了:进点现磨豆浆" in told.shown
        await shop.customer.taps("看来由", message=told)
        await shop.customer.sees("建议被采纳  = 30 分", fresh=True)
        await world.settled()
        assert await paid(world) == 30
        assert sum("+30 分" in each.shown for each in shop.customer.messages) == 1


async def test_what_is_typed_wrong_is_asked_again_and_staff_take_no_part(database: Database) -> None:
    async with bot_running(database) as world:
        shop = await open_shop(world)
        await shop.manager.says("/merchant")
        await shop.manager.taps("活动")
        await shop.manager.taps("问卷")
        await shop.manager.sees("叫什么?", fresh=True)
        for said, then in [
            ("长" * 41, "名称不合适"),
            ("问卷一", "发题目给我"),
            ("多久来", "第 1 行没看懂"),
            ("多久来?每周/每月", "每人给多少分"),
            ("五十", "要 1 到 1,000 之间的数字"),
            ("50", "最多给多少人"),
            ("0", "要 1 到 10,000 之间的数字"),
            ("5", "从现在起办多久"),
        ]:
            await shop.manager.says(said)
            await shop.manager.sees(then, fresh=True)
        await shop.manager.taps("7 天")
        await shop.manager.sees("给了 0 人", fresh=True)
        await shop.cashier.says("/activities")
        await shop.cashier.taps("问卷一")
        await shop.cashier.sees("自己店里的活动不能参加", fresh=True)
        world.wall_offset += dt.timedelta(days=8)
        await shop.customer.says("/activities")
        await shop.customer.sees("现在没有问卷", fresh=True)
        await shop.customer.says("K7Q2M9XA")
        await shop.customer.sees("这个签到码不对", fresh=True)
        await shop.customer.says("余额")
        await shop.customer.sees("可用", fresh=True)
        await shop.customer.says("/activities")
        await shop.customer.sees("现在没有问卷", fresh=True)
        await shop.customer.says("今天天气怎么样?")
        await shop.customer.sees("这句话我没看懂", fresh=True)
