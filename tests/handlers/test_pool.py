"""The family's pool in chat: put in, taken out, spent by right, asked for and allowed, and what leaving brings back."""

from __future__ import annotations

import itertools
from collections import Counter
from dataclasses import replace
from decimal import Decimal

from bot.clock import Clock
from bot.double.double import Person
from bot.leads import take
from bot.timetable import Timetable
from jobs import expire, pool_morning, pool_requests, release
from jobs.duty import Duty
from ledger.earning import refunds, rulebook
from ledger.earning.rules.documents import Base
from ledger.merchants import merchant as merchants
from ledger.points.audit import audit
from ledger.redeeming.offers import PerUnit
from tests.conftest import Database
from tests.driver import ZONE, World, bot_running
from tests.handlers.shop import code_on, gives, member_id, offer, shelve, shop, spent, till, uses
from tests.handlers.test_booking import WASH
from tests.handlers.test_family import founds, invites, joins, of_three, says_rules
from tests.handlers.test_invite import buys

_numbers = itertools.count(1)
DEAR = offer("dear", "大礼盒", "Large box", "fruit", PerUnit(points=700, value_minor=4000))
PAID = offer("paid", "鲜橙", "Oranges", "fruit", PerUnit(points=400, value_minor=1800, cash_minor=1000))


async def pooled(who: Person, points: int) -> None:
    """Puts so many in, typed."""
    await who.says("/pool")
    await who.taps("放进去", message=await who.sees("家庭池", fresh=True))
    await who.sees("放多少?", fresh=True)
    await who.says(str(points))
    await who.sees("放进了", fresh=True)


async def lets(head: Person, name: str, limit: str) -> None:
    """The head says how much somebody may spend."""
    await head.says("/pool")
    await head.taps("谁能用", message=await head.sees("家庭池", fresh=True))
    await head.taps(name, message=await head.sees("谁能用家庭池", fresh=True))
    await head.taps(limit, message=await head.sees("每月最多用家庭池多少", fresh=True))
    await head.sees("谁能用家庭池", fresh=True)


async def opens_pool(who: Person, name: str) -> None:
    """From the shelf to the confirm screen of what the pool would pay."""
    await who.says(name)
    await who.taps(name, message=await who.sees(f"「{name}」", fresh=True))
    await who.taps("用家庭池换", message=await who.sees("规则", fresh=True))


async def test_put_in_seen_by_all_taken_out_and_never_more_than_there_is(database: Database) -> None:
    async with bot_running(database, setup=shop) as world:
        head, hong, _ = await of_three(world)
        await gives(world, head, 1180)
        await head.says("/pool")
        empty = (await head.sees("家庭池 0 分", fresh=True)).shown
        assert "放进来的分还是各人的" in empty and "取回" not in str(head.last.buttons)
        await head.taps("放进去")
        asked = await head.sees("放多少?您可用 1,180 分。", fresh=True)
        assert [b.text for row in asked.buttons for b in row] == [
            "100 分", "200 分", "500 分", "1,000 分", "全部 1,180 分", "返回",
        ]  # fmt: skip
        await head.says("许多")
        await head.sees("这个数我没看懂", fresh=True)
        await head.says("1181")
        await head.sees("您可用的只有 1,180 分", fresh=True)
        button = next(b for row in head.last.buttons for b in row if b.text == "500 分")
        message = head.last
        for _ in range(2):
            head.presses(message, button)
        await world.settled()
        shown = (await head.sees("放进了 500 分")).shown
        assert "家庭池 500 分" in shown and "其中您放的还有 500 分" in shown
        await head.says("/start")
        assert "可用 680 分" in (await head.sees("家庭池里另有 500 分", fresh=True)).shown
        await hong.says("/start")
        assert "家庭池里另有 500 分,用要家长同意" in (await hong.sees("可用", fresh=True)).shown
        await hong.says("/pool")
        assert "其中您放的" not in (await hong.sees("家庭池 500 分", fresh=True)).shown
        assert "谁能用" not in [b.text for row in hong.last.buttons for b in row]
        await head.says("/pool")
        await head.taps("取回", message=await head.sees("家庭池 500", fresh=True))
        await head.taps("200 分", message=await head.sees("池里您的还有 500 分", fresh=True))
        await head.sees("取回了 200 分", fresh=True)
        await head.taps("池的明细", message=head.last)
        page = (await head.sees("家庭池明细", fresh=True)).shown
        assert "-200 分 · 小明 取回了" in page and "+500 分 · 小明 放入了" in page
        await head.says("/history")
        rows = [b.text for row in (await head.sees("明细", fresh=True)).buttons for b in row]
        assert any("放进家庭池" in each for each in rows) and any("从家庭池取回" in each for each in rows)


async def test_spent_by_right_up_to_the_limit_and_above_it_by_the_heads_word(database: Database) -> None:
    async with bot_running(database, setup=shop) as world:
        await shelve(world, DEAR)
        head, hong, _ = await of_three(world)
        await gives(world, head, 5000)
        await pooled(head, 3000)
        await opens_pool(hong, "大礼盒")
        await hong.sees("要先问家长同不同意", fresh=True)
        await lets(head, "小红", "1,000 分")
        await hong.sees("家庭池您每月能用 1,000 分")
        await opens_pool(hong, "大礼盒")
        confirm = await hong.sees("家庭池将用掉 700 分", fresh=True)
        assert "池里还剩 2,300 分" in confirm.shown
        button = next(b for row in confirm.buttons for b in row if b.text == "确认兑换")
        hong.presses(confirm, button)
        await hong.sees("家庭池用掉 700 分,还剩 2,300 分", fresh=True)
        for _ in range(2):
            hong.presses(confirm, button)
        await world.settled()
        assert await spent(world) == (1, 700)
        await hong.says("/vouchers")
        await hong.sees("我的券", fresh=True)
        await hong.taps("大礼盒")
        await hong.sees("用掉了 家庭池的 700 分", fresh=True)
        await hong.taps("撤回")
        await hong.sees("家庭池的 700 分会原样退回", fresh=True)
        await opens_pool(hong, "大礼盒")
        shown = (await hong.sees("要先问家长同不同意", fresh=True)).shown
        assert "上限每月 1,000 分,您还能用 300 分" in shown
        await hong.taps("问家长")
        await hong.sees("问了家长,等回复", fresh=True)
        asked = await head.sees("小红 想用家庭池换 大礼盒")
        await opens_pool(hong, "大礼盒")
        assert "已经问过家长" in (await hong.sees("要家庭池的 700 分", fresh=True)).shown
        await opens_pool(hong, "进口水果礼盒")
        await hong.taps("1 份", message=await hong.sees("要几份?家庭池有 2,300 分", fresh=True))
        await hong.taps("问家长", message=await hong.sees("要先问家长同不同意", fresh=True))
        await hong.sees("您已经问过家长一次了", fresh=True)
        yes, no = (next(b for row in asked.buttons for b in row if b.text == text) for text in ("同意", "不同意"))
        head.presses(asked, yes)
        head.presses(asked, no)
        await world.settled()
        await head.sees("这次已经同意过了")
        told = await hong.sees("家长同意了:大礼盒")
        await hong.taps("去换", message=told)
        await hong.taps("确认兑换", message=await hong.sees("家庭池将用掉 700 分", fresh=True))
        await hong.sees("还剩 1,600 分", fresh=True)
        await opens_pool(hong, "大礼盒")
        await hong.sees("要先问家长同不同意", fresh=True)
        await hong.says("/history")
        rows = [b.text for row in (await hong.sees("明细", fresh=True)).buttons for b in row]
        assert not any("大礼盒" in each for each in rows), "it was the pool's"
        await head.says("/pool")
        await head.taps("池的明细", message=await head.sees("家庭池 1,600 分", fresh=True))
        assert "-700 分 · 小红 换了 大礼盒" in (await head.sees("家庭池明细", fresh=True)).shown
        async with world.database.engine.begin() as tx:
            assert (await audit(tx)).holds


async def test_declined_lapsed_and_asked_of_nobody(database: Database) -> None:
    async with bot_running(database, setup=shop) as world:
        await shelve(world, DEAR)
        head, hong, _ = await of_three(world)
        await gives(world, head, 5000)
        await pooled(head, 3000)
        await opens_pool(hong, "大礼盒")
        await hong.taps("问家长", message=await hong.sees("要先问家长同不同意", fresh=True))
        await head.sees("小红 想用家庭池换 大礼盒")
        await head.says("/pool")
        await head.taps("要您同意的(1)", message=await head.sees("家庭池 3,000 分", fresh=True))
        await head.taps("不同意", message=await head.sees("想用家庭池换", fresh=True))
        await head.sees("没有同意,告诉 小红 了。", fresh=True)
        await hong.sees("家长没有同意:大礼盒")
        await opens_pool(hong, "大礼盒")
        await hong.taps("问家长", message=await hong.sees("要先问家长同不同意", fresh=True))
        asked = await head.sees("想用家庭池换", fresh=True)
        await world.clock.move(2)
        await head.taps("同意", message=asked)
        await head.sees("这次过时了,没有算数", fresh=True)


async def test_taken_back_returns_to_the_pool_and_home_to_whoever_left(database: Database) -> None:
    async with bot_running(database, setup=shop) as world:
        head, hong, _ = await of_three(world)
        await gives(world, hong, 500)
        await pooled(hong, 500)
        await opens_pool(head, "进口水果礼盒")
        await head.taps("确认兑换", message=await head.sees("家庭池将用掉 500 分", fresh=True))
        await head.sees("家庭池用掉 500 分,还剩 0 分", fresh=True)
        voucher = head.last
        await hong.says("/family")
        await hong.taps("离开", message=await hong.sees("小明的家庭", fresh=True))
        assert "您的积分都是您的" in (await hong.sees("离开小明的家庭?", fresh=True)).shown
        await hong.taps("确认离开")
        await hong.sees("您离开了家庭", fresh=True)
        await head.taps("撤回", message=voucher)
        await head.taps("确认撤回", message=await head.sees("会原样退回", fresh=True))
        await head.sees("撤回", fresh=True)
        await hong.says("/start")
        await hong.sees("可用 500 分", fresh=True)
        await head.says("/start")
        assert "家庭池" not in (await head.sees("可用", fresh=True)).shown.split("家庭")[0]


async def test_leaving_says_what_comes_back_and_brings_it(database: Database) -> None:
    async with bot_running(database, setup=shop) as world:
        head, hong, _ = await of_three(world)
        await gives(world, hong, 800)
        await pooled(hong, 600)
        await hong.says("/family")
        await hong.taps("离开", message=await hong.sees("家庭池里另有 600 分", fresh=True))
        await hong.sees("家庭池里您的 600 分 回到您这里,一分不少。", fresh=True)
        await hong.taps("确认离开")
        await hong.sees("您离开了家庭", fresh=True)
        await hong.says("/start")
        await hong.sees("可用 800 分", fresh=True)
        await hong.says("/pool")
        await hong.sees("您现在没有家庭池可用", fresh=True)
        await hong.taps("家庭")
        await head.says("/pool")
        await head.sees("家庭池 0 分", fresh=True)


async def test_cash_besides_is_held_of_the_pool_until_it_is_paid_or_not(database: Database) -> None:
    async with bot_running(database, setup=shop) as world:
        await shelve(world, PAID)
        head, hong, _ = await of_three(world)
        await gives(world, hong, 500)
        await pooled(hong, 500)
        await opens_pool(head, "鲜橙")
        await head.taps("确认预留", message=await head.sees("家庭池将预留 400 分", fresh=True))
        held = await head.sees("家庭池预留 400 分,付了才扣;池里还剩 100 分", fresh=True)
        await head.says("/pool")
        assert "预留中 400" in (await head.sees("家庭池 100 分", fresh=True)).shown
        await head.taps("取消这份", message=held)
        await head.taps("确认不要")
        await world.settled()
        await head.says("/pool")
        assert "预留中" not in (await head.sees("家庭池 500 分", fresh=True)).shown


async def test_a_voucher_for_money_and_more_than_one_piece_from_the_pool(database: Database) -> None:
    async with bot_running(database, setup=shop) as world:
        head, *_ = await of_three(world)
        await gives(world, head, 2000)
        await pooled(head, 2000)
        await opens_pool(head, "超市代金券")
        asked = (await head.sees("要多少?", fresh=True)).shown
        assert "家庭池有 2,000 分,最多 ¥40" in asked
        await head.says("24")
        await head.taps("确认兑换", message=await head.sees("家庭池将用掉 1,200 分", fresh=True))
        await head.sees("还剩 800 分", fresh=True)
        used = await uses(world, await till(world, "market"), code_on(head))
        assert (used.points, used.pool_id is not None) == (1200, True)
        await opens_pool(head, "进口水果礼盒")
        await head.sees("家庭池将用掉 500 分", fresh=True)


async def test_from_ones_own_points_to_the_pool_and_not_for_other_currencies(database: Database) -> None:
    async with bot_running(database, setup=shop) as world:
        head, *_ = await of_three(world)
        await gives(world, head, 2000)
        await pooled(head, 1000)
        await head.says("进口水果礼盒")
        await head.taps("进口水果礼盒", message=await head.sees("「进口水果礼盒」", fresh=True))
        await head.taps("兑换", message=await head.sees("规则", fresh=True))
        await head.taps("改用家庭池", message=await head.sees("将用掉", fresh=True))
        await head.taps("确认兑换", message=await head.sees("家庭池将用掉 500 分", fresh=True))
        await head.sees("家庭池用掉 500 分", fresh=True)
        await head.says("/start")
        assert "可用 1,000 分" in (await head.sees("家庭池里另有 500 分", fresh=True)).shown


async def test_what_goes_in_by_itself_is_chosen_by_tap_or_typed(database: Database) -> None:
    async with bot_running(database, setup=shop) as world:
        head, *_ = await of_three(world)
        await head.says("/pool")
        await head.taps("每天自动放")
        await head.taps("30%", message=await head.sees("每天早上自动放多少", fresh=True))
        assert "您每天早上放进新到账的 30%" in (await head.sees("记下了", fresh=True)).shown
        await head.taps("每天自动放")
        await head.sees("每天早上自动放多少", fresh=True)
        await head.says("100")
        await head.sees("请写 1 到 99 之间的数", fresh=True)
        await head.says("/pool")
        await head.taps("每天自动放", message=await head.sees("家庭池", fresh=True))
        await head.sees("每天早上自动放多少", fresh=True)
        await head.says("15%")
        await head.sees("放进新到账的 15%", fresh=True)
        await head.taps("每天自动放")
        await head.taps("全部", message=await head.sees("每天早上自动放多少", fresh=True))
        await head.sees("把可用的分全部放进来", fresh=True)
        await head.taps("每天自动放")
        await head.taps("不自动放", message=await head.sees("每天早上自动放多少", fresh=True))
        await head.sees("您没有设自动放", fresh=True)


async def test_whoever_belongs_from_tomorrow_has_no_pool_today(database: Database) -> None:
    async with bot_running(database, setup=shop) as world:
        await says_rules(world, join_delay_days=1)
        head, hong = [await world.member(name) for name in ("小明", "小红")]
        await founds(head)
        await joins(hong, await invites(head))
        await hong.says("/pool")
        await hong.sees("您现在没有家庭池可用", fresh=True)
        await world.clock.move(1)
        await hong.says("/pool")
        await hong.sees("家庭池 0 分", fresh=True)


async def test_the_pools_own_buttons_do_nothing_in_other_hands(database: Database) -> None:
    async with bot_running(database, setup=shop) as world:
        await shelve(world, DEAR)
        head, hong, gang = await of_three(world)
        await gives(world, head, 3000)
        await pooled(head, 3000)
        await opens_pool(hong, "大礼盒")
        await hong.taps("问家长", message=await hong.sees("要先问家长同不同意", fresh=True))
        await hong.sees("问了家长", fresh=True)
        [row] = await world.sql("SELECT id FROM pool_request")
        [place] = await world.sql(f"SELECT id FROM family_place WHERE member_id = {await member_id(world, gang)}")
        shown = await gang.sees("您加入了家庭")
        stranger = await world.member("路人")
        await stranger.says("/start")
        beside = await stranger.sees("可用")
        for who, message in ((gang, shown), (stranger, beside)):
            button = message.buttons[0][0]
            for data in (f"pool:answer:{row.id}:y", f"pool:limit:{place.id}:any", "pool:answer:999:y", "pool:right:x"):
                who.presses(message, replace(button, data=data))
        await world.settled()
        assert [each.state for each in await world.sql("SELECT state FROM pool_request")] == ["asked"]
        assert Counter(each.spends_most for each in await world.sql("SELECT spends_most FROM family_place"))[None] == 0


async def test_in_english(database: Database) -> None:
    async with bot_running(database, setup=shop) as world:
        await shelve(world, DEAR)
        await says_rules(world, join_delay_days=0)
        anna, tom = await world.member("Anna", "en"), await world.member("Tom", "en")
        await anna.says("/family")
        await anna.taps("Start a family", message=await anna.sees("no family", fresh=True))
        await anna.taps("Start it", message=await anna.sees("Start a family?", fresh=True))
        await anna.sees("you are its head", fresh=True)
        link = await invites(anna, "asks you to join the family")
        await tom.opens(link)
        await tom.taps("Join", message=await tom.sees("asks you to join", fresh=True))
        await gives(world, anna, 3000)
        await anna.says("/pool")
        await anna.taps("Put in", message=await anna.sees("Family pool 0 pts", fresh=True))
        await anna.taps("All 3,000 pts", message=await anna.sees("How many? You have 3,000 pts available.", fresh=True))
        assert "3,000 pts of them are yours" in (await anna.sees("Put in: 3,000 pts", fresh=True)).shown
        await tom.says("Large box")
        await tom.taps("Large box", message=await tom.sees("Large box", fresh=True))
        await tom.taps("Pay from the pool", message=await tom.sees("Rules", fresh=True))
        await tom.taps("Ask the head", message=await tom.sees("The head has to allow it first", fresh=True))
        asked = await anna.sees("Tom would like to redeem Large box from the family pool")
        await anna.taps("Allow", message=asked)
        await tom.taps("Redeem", message=await tom.sees("The head allowed it: Large box"))
        await tom.sees("The family pool will pay 700 pts", fresh=True)


async def runs(world: World, *duties: Duty) -> None:
    """These duties have run, as often as they are due by now."""
    timetable = Timetable(world.database.engine, world.vault, Clock(ZONE, world.now), list(duties))
    async with world.database.engine.begin() as tx:
        holder = f"test-{next(_numbers)}"
        lease = await take(tx, holder, holder)
    assert lease is not None
    await timetable.catch_up(lease)
    await world.settled()


async def test_each_morning_what_was_chosen_goes_in_and_nobody_is_bothered(database: Database) -> None:
    async with bot_running(database, setup=shop) as world:
        head, *_ = await of_three(world)
        await head.says("/pool")
        await head.taps("每天自动放", message=await head.sees("家庭池", fresh=True))
        await head.taps("50%", message=await head.sees("每天早上自动放多少", fresh=True))
        await gives(world, head, 300)
        heard = len(head.messages)
        await runs(world, pool_morning.duty)
        await world.clock.move(1)
        await runs(world, pool_morning.duty)
        await runs(world, pool_morning.duty)
        assert len(head.messages) == heard
        await head.says("/pool")
        await head.sees("家庭池 150 分", fresh=True)


async def test_a_request_that_nobody_answered_lapses_and_says_so(database: Database) -> None:
    async with bot_running(database, setup=shop) as world:
        await shelve(world, DEAR)
        head, hong, _ = await of_three(world)
        await gives(world, head, 1000)
        await pooled(head, 1000)
        await opens_pool(hong, "大礼盒")
        await hong.taps("问家长", message=await hong.sees("要先问家长同不同意", fresh=True))
        await head.sees("想用家庭池换")
        await runs(world, pool_requests.duty)
        await world.clock.move(1)
        await runs(world, pool_requests.duty)
        told = await hong.sees("没等到家长回复,这次作废了。")
        await hong.taps("再看看这项", message=told)
        await hong.sees("要先问家长同不同意", fresh=True)


async def test_what_runs_out_in_the_pool_is_told_to_the_whole_family(database: Database) -> None:
    async with bot_running(database, setup=shop) as world:
        head, hong, gang = await of_three(world)
        await gives(world, head, 300, days=5)
        await pooled(head, 300)
        await world.clock.move(6)
        await runs(world, expire.duty)
        for who in (head, hong, gang):
            await who.sees("家庭池的 300 分已到期")
        await hong.says("/pool")
        await hong.taps("池的明细", message=await hong.sees("家庭池 0 分", fresh=True))
        assert "-300 分 · 已到期" in (await hong.sees("家庭池明细", fresh=True)).shown


async def test_a_refund_follows_its_points_into_the_pool(database: Database) -> None:
    async with bot_running(database, setup=shop) as world:
        head, hong, _ = await of_three(world)
        await gives(world, hong, 100)
        async with world.database.engine.begin() as tx:
            at = await Clock(ZONE, world.now).moment(tx)
            market = await merchants.by_code(tx, "market")
            facts = {"valid_from": at.today, "made_by": "test", "at": at.now}
            await rulebook.publish(tx, code="base", merchant_id=market.id, rule=Base(rate=Decimal(1)), **facts)
        bought = await buys(world, head, 30000, "R-1")
        await world.clock.move(15)
        await runs(world, release.duty)
        await head.says("/pool")
        await head.taps("放进去", message=await head.sees("家庭池", fresh=True))
        await head.taps("全部 300 分", message=await head.sees("放多少?", fresh=True))
        await head.sees("放进了 300 分", fresh=True)
        await pooled(hong, 100)
        async with world.database.engine.begin() as tx:
            at = await Clock(ZONE, world.now).moment(tx)
            await refunds.refund(tx, market, purchase_id=bought, document="B-1", occurred_at=at.now, at=at, actor="api")
        await hong.says("/pool")
        await hong.taps("池的明细", message=await hong.sees("家庭池 100 分", fresh=True))
        assert "-300 分 · 小明 退货,商户收回" in (await hong.sees("家庭池明细", fresh=True)).shown
        await head.says("/start")
        assert "欠" not in (await head.sees("可用 0 分", fresh=True)).shown
        async with world.database.engine.begin() as tx:
            assert (await audit(tx)).holds


async def to_the_hour(who: Person, first: str, hour: str) -> None:
    """From the washing's card, by `first`, to what is asked before it is booked for tomorrow."""
    await who.says("洗衣一次")
    await who.taps("洗衣一次", message=await who.sees("「洗衣一次」", fresh=True))
    await who.sees("300 分", fresh=True)
    await who.taps(first, message=who.last)
    await who.taps("明天", message=await who.sees("哪天来", fresh=True))
    await who.taps(hour, message=await who.sees("几点", fresh=True))


async def test_a_time_is_booked_for_the_pools_points_by_right_and_by_the_heads_word(database: Database) -> None:
    async with bot_running(database, setup=shop) as world:
        await shelve(world, WASH)
        head, hong, gang = await of_three(world)
        await gives(world, head, 2000)
        await pooled(head, 1000)
        await to_the_hour(hong, "用家庭池换", "09:00")
        await hong.sees("要先问家长同不同意", fresh=True)
        assert await world.sql("SELECT count(*) FROM booking") == [(0,)], "no place waits for the head's word"
        await hong.taps("问家长")
        await hong.sees("问了家长,等回复", fresh=True)
        await head.taps("同意", message=await head.sees("小红 想用家庭池换 洗衣一次"))
        await hong.taps("去换", message=await hong.sees("家长同意了:洗衣一次"))
        await hong.taps("明天", message=await hong.sees("哪天来", fresh=True))
        await hong.taps("09:00", message=await hong.sees("几点", fresh=True))
        confirm = await hong.sees("家庭池将用掉 300 分", fresh=True)
        assert "池里还剩 700 分" in confirm.shown and "位子给您留" in confirm.shown
        button = next(b for row in confirm.buttons for b in row if b.text == "确认预约")
        for _ in range(2):
            hong.presses(confirm, button)
        await world.settled()
        assert "约" in hong.last.shown and await spent(world) == (1, 300)
        # Whoever has enough of their own chooses.
        await gives(world, gang, 400)
        await lets(head, "小刚", "1,000 分")
        await to_the_hour(gang, "选时间", "10:00")
        own = await gang.sees("兑换后剩 100 分", fresh=True)
        await gang.taps("改用家庭池", message=own)
        await gang.taps("确认预约", message=await gang.sees("家庭池将用掉 300 分", fresh=True))
        await gang.sees("家庭池用掉 300 分,还剩 400 分", fresh=True)
        assert await world.sql("SELECT count(*) FROM booking WHERE state = 'booked'") == [(2,)]
        await gang.taps("取消预约", message=gang.last)
        await gang.taps("确认取消", message=await gang.sees("家庭池的 300 分会原样退回", fresh=True))
        await world.settled()
        await head.says("/pool")
        await head.sees("家庭池 700 分", fresh=True)
        async with world.database.engine.begin() as tx:
            assert (await audit(tx)).holds
