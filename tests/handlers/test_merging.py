"""Two accounts of one person made one by the desk, in chat: what goes over, who hears of it, what still arrives; parted again."""

from __future__ import annotations

import datetime as dt
import itertools

import pytest

from bot.double.double import Person
from jobs import merges
from tests.conftest import Database
from tests.driver import World, bot_running
from tests.handlers import kills
from tests.handlers.kills import Deed, handing_over, notices
from tests.handlers.settled import opens, works
from tests.handlers.shop import code_on, coming, gives, member_id, moment, shop, till, uses
from tests.handlers.test_family import of_three
from tests.handlers.test_family_kills import own
from tests.handlers.test_gift import proven
from tests.handlers.test_pool import runs
from tests.handlers.till_scene import make_operator, open_shop, printed

REASON = "换了手机,两个号都是本人"


async def number_of(who: Person) -> str:
    """What they copy for the desk."""
    await who.says("/claim")
    await who.sees("手机号" if not who.name.isascii() else "phone", fresh=True)
    await opens(who, "merged:number")
    message = await who.sees("编号:" if not who.name.isascii() else "number:", fresh=True)
    return message.shown.splitlines()[-1]


async def desk(world: World) -> Person:
    """Whoever may merge."""
    lin = await world.member("运营小林")
    await make_operator(world, lin, "support")
    return lin


async def looks(lin: Person, old: Person, new: Person) -> None:
    """To both accounts, side by side."""
    numbers = [await number_of(old), await number_of(new)]
    await lin.says("/operator")
    await lin.taps("合并账户")
    await lin.taps("合并两个账户", message=await lin.sees("还能分开", fresh=True))
    await lin.sees("一行一个", fresh=True)
    await lin.says("\n".join(numbers))


async def merges_(lin: Person, old: Person, new: Person) -> None:
    """All the way; both have heard."""
    await looks(lin, old, new)
    await lin.sees("写一句原因", fresh=True)
    await lin.says(REASON)
    await lin.taps("确认合并", message=await lin.sees("两边都会收到消息", fresh=True))
    await lin.sees("合并好了", fresh=True)


async def parts(lin: Person) -> None:
    """From the page of the merge to the end of it."""
    await lin.taps("分开", message=lin.last)
    await lin.taps("确认分开", message=await lin.sees("留在现在的账户", fresh=True))
    await lin.sees("分开了", fresh=True)


async def has(who: Person, points: int) -> None:
    await who.says("/start")
    await who.sees(f"可用 {points:,} 分", fresh=True)


async def pending(who: Person, points: int) -> None:
    await who.says("/start")
    await who.sees(f"待生效 {points:,}(", fresh=True)


async def redeems(who: Person) -> None:
    """One fruit box of 500, in chat."""
    await who.says("/redeem")
    await who.taps("进口水果礼盒", message=await who.sees("现在能换", fresh=True))
    await who.taps("兑换", message=await who.sees("当天切好装盒", fresh=True))
    await who.taps("确认兑换", message=await who.sees("将用掉", fresh=True))
    await who.sees("换好了", fresh=True)


async def opens_voucher(who: Person) -> None:
    """The newest of their vouchers."""
    await who.says("/vouchers")
    await who.sees("我的券", fresh=True)
    await who.taps("进口水果礼盒")
    await who.sees("鲜果時光", fresh=True)


async def takes_back(who: Person) -> None:
    """The voucher that is open, within its minutes."""
    await who.taps("撤回")
    await who.taps("确认撤回", message=await who.sees("券码作废", fresh=True))
    await who.sees("分已原样退回", fresh=True)


async def test_everything_goes_over_and_both_hear_of_it(database: Database) -> None:
    async with bot_running(database, setup=shop) as world:
        old, new, lin = await world.member("小旧"), await world.member("小新"), await desk(world)
        await gives(world, old, 700, days=40)
        await gives(world, new, 300)
        await coming(world, old, 120, days=5)
        await redeems(old)
        code = code_on(old)
        await looks(lin, old, new)
        page = await lin.sees("写一句原因", fresh=True)
        assert "并进去:小旧" in page.shown and "320 分" in page.shown and "券 1 张" in page.shown
        assert "保留:小新" in page.shown and "300 分" in page.shown
        await lin.says(REASON)
        confirm = await lin.sees("把 小旧 并进 小新?", fresh=True)
        assert f"原因:{REASON}" in confirm.shown and "30 天内可以分开" in confirm.shown
        button = next(b for row in confirm.buttons for b in row if b.text == "确认合并")
        for _ in range(2):
            lin.presses(confirm, button)
        await world.settled()
        until = moment(world).today + dt.timedelta(days=30)
        said = (await old.sees("这个账户并进了您的另一个账户")).shown
        assert "+320 分" in said and "券 1 张" in said and f"原因:{REASON}" in said
        assert f"{until.month}月{until.day}日" in said
        assert "+320 分" in (await new.sees("您的另一个账户并进来了")).shown
        await has(new, 500)
        await new.says("/history")
        await new.sees("明细", fresh=True)
        assert "+320 分 · 账户合并 · 今天" in new.last.labels
        await opens_voucher(new)
        assert code_on(new) == code
        await proven(world)
        assert await world.sql("SELECT count(*) FROM account_merge") == [(1,)]
        used = await uses(world, await till(world, "fruit"), code)
        assert used.member_id == await member_id(world, new)


async def test_the_merged_telegram_opens_nothing_but_the_news_of_it(database: Database) -> None:
    async with bot_running(database, setup=shop) as world:
        old, new, lin = await world.member("小旧"), await world.member("小新"), await desk(world)
        await gives(world, old, 700)
        await old.says("/start")
        wallet = await old.sees("可用 700 分", fresh=True)
        await merges_(lin, old, new)
        await old.sees("这个账户并进了您的另一个账户")
        for said in ("/start", "/redeem", "你好", "/gift", "/start k_ABCDEFGH"):
            await old.says(said)
            await old.sees("起,请在那边用", fresh=True)
        old.presses(wallet, wallet.buttons[0][0])
        await old.sees("起,请在那边用", fresh=True)
        await old.taps("不对,请分开")
        await old.sees("收到,客服会看", fresh=True)
        notice = await lin.sees("有会员说合并不对")
        await old.says("/start")
        await old.sees("已经告诉客服这不对", fresh=True)
        await lin.says("/operator")
        await lin.taps("合并账户(1)")
        await lin.sees("1 对还能分开", fresh=True)
        assert "小旧 → 小新 · 说不对" in lin.last.labels
        await lin.taps("看这次合并", message=notice)
        await lin.sees("小旧 说不对", fresh=True)


async def test_what_is_still_there_goes_back_and_what_was_spent_does_not(database: Database) -> None:
    async with bot_running(database, setup=shop) as world:
        old, new, lin = await world.member("小旧"), await world.member("小新"), await desk(world)
        await gives(world, old, 700, days=40)
        await gives(world, new, 300, days=10)
        await coming(world, old, 120, days=5)
        await merges_(lin, old, new)
        await has(new, 1000)
        await redeems(new)  # their own 300 that end first, and 200 that came over
        await lin.taps("分开", message=lin.last)
        ask = await lin.sees("留在现在的账户", fresh=True)
        assert "回去的积分:620 分" in ask.shown
        button = next(b for row in ask.buttons for b in row if b.text == "确认分开")
        for _ in range(2):
            lin.presses(ask, button)
        await world.settled()
        assert "+620 分" in (await old.sees("您的账户分开了,又能用了")).shown
        await new.sees("并进来的账户分开了")
        await has(old, 500)
        await has(new, 0)
        await old.says("/history")
        await old.sees("明细", fresh=True)
        assert old.last.labels[:2] == ["+620 分 · 账户分开 · 今天", "-820 分 · 账户合并 · 今天"]
        await lin.sees("已经分开了")
        # What the other had spent comes back to who spent it.
        await opens_voucher(new)
        await takes_back(new)
        await has(new, 500)
        await proven(world)


async def test_what_comes_later_for_the_empty_account_goes_on(database: Database) -> None:
    async with bot_running(database, setup=shop) as world:
        old, new, lin = await world.member("小旧"), await world.member("小新"), await desk(world)
        await gives(world, old, 700, days=40)
        await redeems(old)
        await merges_(lin, old, new)
        # A voucher that is taken back by who has it now: its points were the other account's.
        await opens_voucher(new)
        await takes_back(new)
        await has(new, 700)
        # What is given to it by other ways waits for the duty.
        await gives(world, old, 55)
        await has(new, 700)
        await runs(world, merges.duty)
        await has(new, 755)
        await lin.taps("分开", message=lin.last)
        await world.settled()
        assert "回去的积分:755 分" in lin.last.shown
        await lin.taps("确认分开")
        await lin.sees("分开了", fresh=True)
        await has(old, 755)
        await has(new, 0)
        await proven(world)


async def test_purchases_and_refunds_at_a_till_follow_the_merge_and_its_end(database: Database) -> None:
    async with bot_running(database) as world:
        market = await open_shop(world)
        new, lin = await world.member("小新"), await desk(world)
        await market.give(market.cashier, "100", await market.card("a"))
        await pending(market.customer, 100)
        card = await market.card("b")  # shown before, scanned after
        await merges_(lin, market.customer, new)
        await pending(new, 100)
        await market.give(market.cashier, "30", card)
        await pending(new, 130)
        await lin.says("/operator")
        await lin.taps("合并账户")
        await lin.taps("小明 → 小新", message=await lin.sees("1 对还能分开", fresh=True))
        await lin.sees("合并\n原因", fresh=True)
        await parts(lin)
        await pending(market.customer, 100)
        await pending(new, 30)
        await proven(world)


@pytest.mark.parametrize("who", ["operator", "staff", "held", "own", "twice", "same", "unknown", "words"])
async def test_what_is_in_the_way_is_said_and_nothing_happens(database: Database, who: str) -> None:
    async with bot_running(database, setup=shop) as world:
        old, new, lin = await world.member("小旧"), await world.member("小新"), await desk(world)
        says = {
            "operator": "不能并:是运营人员:先撤掉权限",
            "staff": "不能并:是商户员工:先请店主移除",
            "held": "不能并:有预留中的积分",
            "own": "不能并:这是您自己的账户,请别的同事来办",
            "twice": "不能并:这个账户没在用",
            "same": "两个编号是同一个账户",
            "unknown": "没有账户是这个编号",
            "words": "要两个编号",
        }
        sides = (old, new)
        if who == "operator":
            await make_operator(world, old, "finance")
        elif who == "staff":
            await works(world, old, "market", "cashier")
        elif who == "held":
            await gives(world, old, 100)
            await world.sql("UPDATE account SET purpose = 'held' WHERE owner_kind = 'member' AND balance = 100")
        elif who == "own":
            sides = (old, lin)
        elif who == "twice":
            third = await world.member("小三")
            await merges_(lin, old, third)
            await world.sql("UPDATE member SET status = 'active' WHERE id = :id", id=await member_id(world, old))
            number = await number_of(old)
            await world.sql("UPDATE member SET status = 'merged' WHERE id = :id", id=await member_id(world, old))
            await lin.says("/operator")
            await lin.taps("合并账户")
            await lin.taps("合并两个账户", message=await lin.sees("还能分开", fresh=True))
            await lin.sees("一行一个", fresh=True)
            await lin.says(f"{number} {await number_of(new)}")
            await lin.sees(says[who], fresh=True)
            assert "写一句原因" not in lin.last.shown
            return
        elif who == "same":
            sides = (old, old)
        if who in ("unknown", "words"):
            await lin.says("/operator")
            await lin.taps("合并账户")
            await lin.taps("合并两个账户", message=await lin.sees("还能分开", fresh=True))
            await lin.sees("一行一个", fresh=True)
            await lin.says("AbCdEfGhIjKlMnOpQrStUv AbCdEfGhIjKlMnOpQrStUw" if who == "unknown" else "小旧")
        else:
            await looks(lin, *sides)
        await lin.sees(says[who], fresh=True)
        assert "写一句原因" not in lin.last.shown
        await lin.says(REASON)
        assert await world.sql("SELECT count(*) FROM account_merge") == [(0,)]


async def test_the_head_of_a_family_leaves_it_first_and_the_pool_comes_home(database: Database) -> None:
    async with bot_running(database, setup=shop) as world:
        head, hong, _ = await of_three(world)
        new, lin = await world.member("小新"), await desk(world)
        await gives(world, head, 400)
        await head.says("/pool")
        await head.taps("放进去", message=await head.sees("家庭池", fresh=True))
        await head.taps("全部 400 分", message=await head.sees("放多少?", fresh=True))
        await head.sees("放进了 400 分", fresh=True)
        await looks(lin, head, new)
        await lin.sees("在一个家庭里,合并时会先离开", fresh=True)
        await lin.says(REASON)
        await lin.taps("确认合并", message=await lin.sees("两边都会收到消息", fresh=True))
        await lin.sees("合并好了", fresh=True)
        await has(new, 400)
        await hong.sees("家长")
        await proven(world)


async def test_a_claimed_account_follows_too_and_both_languages_read_well(database: Database) -> None:
    async with bot_running(database, setup=shop) as world:
        old, new = await world.member("Old", "en"), await world.member("New", "en")
        lin = await desk(world)
        await gives(world, old, 700)
        await merges_(lin, old, new)
        await old.sees("This account went into your other one")
        assert printed(old).startswith("This account went into your other one\n+700 pts")
        assert "[That’s wrong: part them]" in printed(old)
        await new.sees("Your other account was merged into this one")
        assert printed(new).startswith("Your other account was merged into this one\n+700 pts")


async def test_merging_and_parting_stopped_at_any_await_happen_once(database: Database) -> None:
    names = itertools.count(1)
    async with bot_running(database, setup=shop, by_hand=True, workers=2) as world, handing_over(world) as hands:
        lin = await desk(world)

        async def two() -> tuple[Person, Person]:
            n = next(names)
            old, new = await world.member(f"旧{n}"), await world.member(f"新{n}")
            await gives(world, old, 600)
            await looks(lin, old, new)
            await lin.sees("写一句原因", fresh=True)
            await lin.says(REASON)
            await lin.sees("两边都会收到消息", fresh=True)
            return old, new

        async def prepare() -> Deed:
            old, new = await two()

            async def holds() -> None:
                assert (await own(world, old), await own(world, new)) == (0, 600)
                for who in (old, new):
                    assert await notices(world, who, "merged:%") == 1
                await proven(world)

            return kills.update(world, await kills.tap(hands, lin, "确认合并"), [old, new, lin], holds)

        await kills.stopped_everywhere(world, prepare)

        async def prepare_parting() -> Deed:
            old, new = await two()
            await lin.taps("确认合并")
            await lin.taps("分开", message=await lin.sees("合并好了", fresh=True))
            await lin.sees("留在现在的账户", fresh=True)

            async def holds() -> None:
                assert (await own(world, old), await own(world, new)) == (600, 0)
                for who in (old, new):
                    assert await notices(world, who, "parted:%") == 1
                await proven(world)

            return kills.update(world, await kills.tap(hands, lin, "确认分开"), [old, new, lin], holds)

        await kills.stopped_everywhere(world, prepare_parting)
