"""Inviting friends in chat: the link and its message, joining by it, where each friend stands, both rewards, the operator."""

from __future__ import annotations

import json
import re

import pytest
from sqlalchemy import text

from bot.clock import Clock
from bot.double.double import Person
from bot.leads import take
from bot.timetable import Timetable
from jobs.referrals import duty
from ledger.earning import intake, refunds
from ledger.earning.intake import Intended
from ledger.earning.purchases import Booked
from ledger.earning.rules.bill import Bill, Part
from ledger.merchants import merchant as merchants
from ledger.points.audit import audit
from ledger.redeeming.offers import Limits, PerUnit
from tests.conftest import Database
from tests.driver import ZONE, World, bot_running
from tests.handlers.settled import runs_the_programme
from tests.handlers.shop import code_on, member_id, offer, shelve, till, uses

BAG = offer("bag", "购物袋", "Shopping bag", "market", PerUnit(points=150))
RULES = {"issuer": "market", "inviter_points": 500, "friend_points": 300, "spend_minor": 5000}


async def says_rules(world: World, **figures: object) -> None:
    """The programme rewards invitations from now on."""
    said = json.dumps({**RULES, **figures})
    await world.sql(
        f"UPDATE programme SET document = jsonb_set(document, '{{referrals}}', '{said}'), version = version + 1"
    )


async def link_of(who: Person) -> str:
    await who.says("/invite")
    shown = (await who.sees("start=i_", fresh=True)).shown
    found = re.search(r"https://t\.me/\S+", shown)
    assert found is not None and len(found[0].partition("start=")[2]) <= 64
    return found[0]


async def joins(who: Person, link: str, agree: str = "同意并加入") -> None:
    await who.opens(link)
    await who.taps(agree)
    await who.sees("可用" if agree.startswith("同") else "available", fresh=True)


async def buys(world: World, who: Person, minor: int, document: str) -> int:
    """At the supermarket's till, on the programme's day."""
    async with world.database.engine.begin() as tx:
        at = await Clock(ZONE, world.now).moment(tx)
        market = await merchants.by_code(tx, "market")
        bought = Intended(
            merchant=market, document=document, member_id=await member_id(world, who), bill=Bill((Part(minor),), "CNY", 0),
            bought_on=at.today, occurred_at=at.now, actor="api", channel="api",
        )  # fmt: skip
        [done] = await intake.book_many(tx, [bought], at=at, zone=ZONE, vault=world.vault)
    assert isinstance(done, Booked)
    return done.purchase.id


async def days_pass(world: World, days: int, holder: str) -> None:
    """The programme's clock moves, and the duty has run."""
    await world.clock.move(days)
    timetable = Timetable(world.database.engine, world.vault, Clock(ZONE, world.now), [duty])
    async with world.database.engine.begin() as tx:
        lease = await take(tx, holder, holder)
    assert lease is not None
    await timetable.catch_up(lease)
    await world.settled()


async def test_invited_joined_bought_and_both_are_rewarded(database: Database) -> None:
    async with bot_running(database) as world:
        await says_rules(world)
        ming = await world.member()
        link = await link_of(ming)
        shown = ming.last.shown
        assert shown.startswith("您得 500 分,朋友得 300 分\n朋友加入后 180 天内,第一次消费满 ¥50。")
        assert "我邀请的" not in shown and not any("我邀请的" in b.text for row in ming.last.buttons for b in row)
        hong = world.person("小红")
        await hong.opens(link)
        intro = (await hong.sees("条款要点", fresh=True)).shown
        assert "180 天内第一次消费满 ¥50,再得 300 分。" in intro and "看不到您买了什么" in intro
        await hong.taps("同意并加入")
        page = await hong.sees("可用", fresh=True)
        assert not any("继续" in b.text for row in page.buttons for b in row)
        told = await ming.sees("小红 用您的邀请加入了", fresh=True)
        await ming.taps("邀请好友", message=told)
        await ming.taps("我邀请的(1)", message=await ming.sees("start=i_", fresh=True))
        assert (await ming.sees("我邀请的", fresh=True)).shown == "我邀请的 · 共 1 位,0 位已得分\n\n小红 · 已加入"
        await buys(world, hong, 5000, "R-1")
        await days_pass(world, 1, "first")
        await ming.taps("我邀请的", message=await go(ming))
        seen = (await ming.sees("消费了", fresh=True)).shown
        assert "过退货期" in seen and "50" not in seen, "that there was a purchase, and no more"
        await days_pass(world, 14, "second")
        assert (await ming.sees("+500 分", fresh=True)).shown == "+500 分 您邀请的朋友达成了"
        await hong.sees("+300 分 应邀加入的礼到账了")
        await ming.taps("我邀请的", message=await go(ming))
        await ming.sees("小红 · 已得 500 分", fresh=True)
        await ming.says("/history")
        page = await ming.sees("明细", fresh=True)
        assert any("+500 分 · 邀请朋友" in b.text for row in page.buttons for b in row)


async def go(who: Person) -> object:
    await who.says("/invite")
    return await who.sees("start=i_", fresh=True)


async def test_a_refund_after_all_is_told_to_both(database: Database) -> None:
    async with bot_running(database) as world:
        await says_rules(world)
        ming, hong = await world.member(), world.person("小红")
        await joins(hong, await link_of(ming))
        bought = await buys(world, hong, 6000, "R-1")
        await days_pass(world, 15, "first")
        await ming.sees("+500 分")
        async with world.database.engine.begin() as tx:
            at = await Clock(ZONE, world.now).moment(tx)
            market = await merchants.by_code(tx, "market")
            await refunds.refund(tx, market, purchase_id=bought, document="B-1", occurred_at=at.now, at=at, actor="api")
        await days_pass(world, 1, "second")
        await ming.sees("−500 分 朋友的消费退了,邀请的礼收回")
        await hong.sees("−300 分 第一次消费退了,应邀加入的礼收回")
        await ming.taps("我邀请的", message=await go(ming))
        await ming.sees("小红 · 退货了,收回", fresh=True)


async def test_a_first_order_voucher_is_the_friends_at_once(database: Database) -> None:
    async with bot_running(database) as world:
        await shelve(world, BAG)
        await says_rules(world, first_order={"offer": "bag"})
        ming, hong = await world.member(), world.person("小红")
        link = await link_of(ming)
        assert "朋友一加入就得:购物袋。" in ming.last.shown
        await hong.opens(link)
        await hong.sees("您是应邀来的,加入就送:购物袋。", fresh=True)
        await hong.taps("同意并加入")
        page = await hong.sees("首单礼:购物袋,已在您的券里", fresh=True)
        available = "可用 100 分" if "入会礼" in page.shown else "可用 0 分"
        assert available in page.shown, "its price came and went: nothing of it is theirs to spend on something else"
        await hong.taps("看这张券", message=page)
        voucher = await hong.sees("购物袋", fresh=True)
        assert not any("撤销" in b.text for row in voucher.buttons for b in row)
        used = await uses(world, await till(world, "market"), code_on(hong))
        assert (used.member_id, used.points) == (await member_id(world, hong), 150)
        await hong.says("/history")
        page = await hong.sees("明细", fresh=True)
        assert any("+150 分 · 首单礼" in b.text for row in page.buttons for b in row)
        async with world.database.engine.begin() as tx:
            assert (await audit(tx)).holds


@pytest.mark.parametrize("lacking", ["pieces", "cover", "offer"])
async def test_joining_does_not_wait_for_a_first_order_voucher(database: Database, lacking: str) -> None:
    async with bot_running(database) as world:
        few = BAG.model_copy(update={"limits": Limits(stock=1)}) if lacking == "pieces" else BAG
        await shelve(world, few)
        await says_rules(world, first_order={"offer": "gone" if lacking == "offer" else "bag"}, issuer="market")
        if lacking == "cover":
            await world.sql(
                "INSERT INTO cover (merchant_id, money, reserved_minor, outstanding_minor, counted_at)"
                " SELECT id, 'CNY', 0, 0, now() FROM merchant WHERE code = 'market'"
            )
        ming = await world.member()
        link = await link_of(ming)
        if lacking == "pieces":
            await joins(world.person("小蓝"), link)
        await joins(hong := world.person("小红"), link)
        assert "首单礼" not in hong.last.shown
        assert len(await world.sql("SELECT * FROM redemption")) == (1 if lacking == "pieces" else 0)
        assert len(await world.sql("SELECT * FROM referral")) == (2 if lacking == "pieces" else 1)


async def test_links_that_invite_nobody(database: Database) -> None:
    async with bot_running(database) as world:
        ming, tom = await world.member(), await world.member("Tom", "en")
        await ming.says("/invite")
        await ming.sees("现在没有邀请好友的活动")
        await says_rules(world)
        link = await link_of(ming)
        await ming.opens(link)
        await ming.sees("这是您自己的邀请链接", fresh=True)
        await tom.opens(link)
        assert "You are a member already" in (await tom.sees("invitations are for new ones", fresh=True)).shown
        await tom.opens(link[:-1] + ("A" if link[-1] != "A" else "B"))
        await tom.sees("isn't right", fresh=True)
        await world.clock.move(366)
        await tom.opens(link)
        await tom.sees("This invitation link has ended", fresh=True)
        hong = world.person("小红")
        await hong.opens(link)
        assert "应邀" not in (await hong.sees("条款要点", fresh=True)).shown
        await hong.taps("同意并加入")
        await hong.sees("可用", fresh=True)
        assert await world.sql("SELECT * FROM referral") == []


async def test_whoever_joined_and_opens_the_link_again_hears_so(database: Database) -> None:
    async with bot_running(database) as world:
        await says_rules(world)
        ming, hong = await world.member(), world.person("小红")
        link = await link_of(ming)
        await joins(hong, link)
        await hong.opens(link)
        await hong.sees("您就是应这位朋友的邀请加入的", fresh=True)
        assert len(await world.sql("SELECT * FROM referral")) == 1


async def test_a_message_in_ones_own_words(database: Database) -> None:
    async with bot_running(database) as world:
        await says_rules(world)
        ming = await world.member()
        link = await link_of(ming)
        await ming.taps("出示二维码")
        message = await ming.sees("我在用云上联盟", fresh=True)
        assert message.photo is not None and not message.buttons and link in message.shown
        await ming.taps("用我的话邀请", message=await go(ming))
        await ming.sees("最多 200 个字", fresh=True)
        await ming.says("长" * 203)
        await ming.sees("长了 3 个字", fresh=True)
        await ming.says("这家水果真不错 <b>来吧</b>")
        message = await ming.sees("这家水果真不错 <b>来吧</b>", fresh=True)
        assert message.photo is not None and "第一次消费后,您得 300 分" in message.shown and link in message.shown


async def test_the_list_of_many_is_paged_newest_first(database: Database) -> None:
    async with bot_running(database) as world:
        await says_rules(world)
        ming = await world.member()
        friends = [await world.member(f"朋友{n}") for n in range(10)]
        async with world.database.engine.begin() as tx:
            for each in friends:
                await tx.execute(
                    text(
                        "INSERT INTO referral (friend_id, inviter_id, joined_at, joined_on)"
                        " VALUES (:friend, :inviter, now(), '2026-11-22')"
                    ),
                    {"friend": await member_id(world, each), "inviter": await member_id(world, ming)},
                )
        await ming.taps("我邀请的(10)", message=await go(ming))
        first = await ming.sees("共 10 位", fresh=True)
        assert "朋友9" in first.shown and "朋友1 " not in first.shown
        await ming.taps("下一页")
        assert (await ming.sees("朋友0", fresh=True)).shown.endswith("朋友1 · 已加入\n朋友0 · 已加入")
        await ming.taps("上一页")
        await ming.sees("朋友9", fresh=True)


@pytest.mark.parametrize("decides", ["算,给分", "不算"])
async def test_what_looks_like_a_pattern_waits_for_the_operator(database: Database, decides: str) -> None:
    async with bot_running(database) as world:
        await says_rules(world, burst_people=2)
        ming, lin = await world.member(), await world.member("林运营")
        await runs_the_programme(world, lin, "support")
        link = await link_of(ming)
        friends = [world.person(name) for name in ("小红", "小蓝")]
        for each in friends:
            await joins(each, link)
        for n, each in enumerate(friends):
            await buys(world, each, 5000 + n, f"R-{n}")
        await days_pass(world, 15, "first")
        await ming.taps("我邀请的", message=await go(ming))
        await ming.sees("小蓝 · 运营在看\n小红 · 运营在看", fresh=True)
        await lin.says("/operator")
        await lin.taps("要看的邀请(2)")
        await lin.taps("小明 → 小红", message=await lin.sees("2 个在等", fresh=True))
        shown = (await lin.sees("邀请了 小红", fresh=True)).shown
        assert "一共邀请 2 位,0 位已得分" in shown and shown.endswith("短时间里加入了很多人")
        open_ = lin.last
        button = next(b for row in open_.buttons for b in row if b.text == decides)
        lin.presses(open_, button)
        await lin.sees("算了,分已给出" if decides.startswith("算") else "没算。", fresh=True)
        await world.settled()
        lin.presses(open_, button)
        await lin.sees("已经有人看过了", fresh=True)
        states = [row.state for row in await world.sql("SELECT state FROM referral ORDER BY friend_id")]
        assert states == ["rewarded" if decides.startswith("算") else "not_counted", "review"]
        if decides.startswith("算"):
            await ming.sees("+500 分")
        await ming.taps("我邀请的", message=await go(ming))
        await ming.sees("小红 · 已得 500 分" if decides.startswith("算") else "小红 · 没算:运营看过了", fresh=True)


async def test_in_english(database: Database) -> None:
    async with bot_running(database) as world:
        await says_rules(world)
        anna = await world.member("Anna", "en")
        link = await link_of(anna)
        assert anna.last.shown.startswith("You get 500 pts, your friend 300 pts\nYour friend spends ¥50 or more")
        tom = world.person("Tom", language="en")
        await tom.opens(link)
        assert "You come by invitation." in (await tom.sees("What is kept", fresh=True)).shown
        await tom.taps("Agree and join")
        await anna.sees("Tom joined by your invitation")
        await buys(world, tom, 5000, "R-1")
        await days_pass(world, 15, "first")
        await anna.sees("+500 pts A friend you invited made it")
        await tom.sees("+300 pts for joining by invitation")


async def test_in_any_chat_by_the_bots_name_in_ones_own_words(database: Database) -> None:
    async with bot_running(database) as world:
        await says_rules(world)
        ming, hong = await world.member("小明"), world.person("小红")
        link = await link_of(ming)
        button = next(b for row in ming.last.buttons for b in row if b.text == "直接发到聊天里")
        assert button.raw["switch_inline_query_chosen_chat"]["query"] == ""
        [usual] = (await ming.types_inline("")).choices
        assert (usual.title, usual.text) == ("发出邀请", "我在用云上联盟,一起来吧\n第一次消费后,您得 300 分")
        [own] = (await ming.types_inline("  周末\n一起喝咖啡? <b>")).choices
        assert own.text.startswith("周末 一起喝咖啡? <b>\n") and own.buttons[0][0].url == link
        group = world.double.group("茶友", ming, hong)
        message = group.receives(ming, own)
        await joins(hong, str(message.buttons[0][0].url))
        await ming.says("/invite")
        await ming.taps("我邀请的(1)")
        await ming.sees("小红", fresh=True)


async def test_by_the_bots_name_in_english_and_who_may_not(database: Database) -> None:
    async with bot_running(database) as world:
        ann, newcomer = await world.member("Ann", "en"), world.person("小新")
        offered = await ann.types_inline("x")
        assert offered.choices == () and offered.button is not None and "invit" in offered.button[0].lower()
        await says_rules(world)
        [choice] = (await ann.types_inline("Tea on Sunday?")).choices
        assert (choice.title, choice.buttons[0][0].text) == ("Send an invitation", "Join")
        assert choice.text == "Tea on Sunday?\nYou get 300 pts after your first purchase"
        assert (await newcomer.types_inline("")).button == ("先加入,再邀请朋友", "inline")
        await newcomer.says("/start inline")
        await newcomer.sees("加入后保存什么", fresh=True)


async def test_a_conversation_goes_on_whatever_is_typed_elsewhere(database: Database) -> None:
    async with bot_running(database) as world:
        await says_rules(world)
        ming = await world.member("小明")
        await ming.says("/invite")
        await ming.taps("用我的话邀请")
        await ming.sees("想对朋友说什么", fresh=True)
        assert (await ming.types_inline("嗨")).choices
        await ming.says("来吧")
        await ming.sees("来吧", fresh=True)


async def test_without_inline_mode_there_is_no_such_button(database: Database) -> None:
    async with bot_running(database) as world:
        await says_rules(world)
        ming = await world.member("小明")
        world.double.world.inline_mode = False
        await world.restart()
        await ming.says("/invite")
        await ming.sees("start=i_", fresh=True)
        assert "直接发到聊天里" not in ming.last.labels and "发给朋友" in ming.last.labels
