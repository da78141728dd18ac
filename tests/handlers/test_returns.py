"""Returns of redeemed goods, as members, merchants and operators live them: claimed with photos, answered, granted by silence,
exchanged, refused and decided; taps twice, two at once, a restart midway.
"""

from __future__ import annotations

from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from dataclasses import dataclass
from typing import Any

import pytest
from sqlalchemy import text

from bot.clock import Clock
from bot.double.double import Person
from bot.leads import take
from bot.timetable import Timetable
from jobs.returns import duty
from ledger.members import person
from ledger.members.member import Member
from ledger.merchants import merchant as merchants
from ledger.merchants import staff
from ledger.points.audit import audit
from ledger.redeeming import cash, codes, redemptions, return_claims, return_requests, shelf
from ledger.redeeming.offers import Limits, PerUnit, Returns
from tests.conftest import Database
from tests.driver import ZONE, World, bot_running
from tests.handlers.papers import picture
from tests.handlers.shop import day, gives, member_id, moment, offer, shelve, shop, till, uses
from tests.handlers.till_scene import make_operator

KETTLE = offer(
    "kettle", "电水壶", "Kettle", "fruit", PerUnit(points=400, value_minor=3000), category="home",
    returns=Returns(days=7, answer_days=3, changed_mind=True), limits=Limits(stock=2),
)  # fmt: skip

_KETTLE = text("SELECT id FROM offer WHERE code = 'kettle'")

ZH = {
    "mine": "我的券", "kettle": "电水壶", "used": "用过了", "return": "退换", "what": "怎么了", "faulty": "不能用",
    "photos": "拍照发给我", "one": "照片 1 张", "enough": "发完了", "wish": "您想要什么", "points": "退回 400 分",
    "swap": "换一件", "send": "提交", "sent": "已提交", "sum": "天内答复", "asked": "有会员要退换", "see": "看这件退换",
    "give": "退 400 分", "goods": "怎么处理", "back": "放回货架", "gave": "退好了", "granted": "商户同意了",
    "no": "不同意", "why": "为什么不同意", "worn": "用过或有磨损", "words": "写一两句", "answered": "答复发给会员了",
    "refused": "商户没有同意", "escalate": "请积分计划裁决", "looked": "积分计划在看", "swapped": "换好了",
    "fresh": "看新券", "drop": "撤回退换", "sure": "确认撤回", "dropped": "撤回了", "look": "看退换", "wants": "想要:",
}  # fmt: skip
EN = {
    "mine": "My vouchers", "kettle": "Kettle", "used": "Used", "return": "Return", "what": "What is wrong",
    "faulty": "Faulty", "photos": "Send me photos", "one": "1 photo", "enough": "That's all",
    "wish": "What would you like", "points": "400 pts back", "swap": "Another piece", "send": "Send", "sent": "Sent",
    "sum": "The merchant answers within", "asked": "A member asks to return", "see": "See this return",
    "give": "Give 400 pts back", "goods": "What becomes", "back": "on the shelf again", "gave": "Given back",
    "granted": "The merchant agreed", "no": "Refuse", "why": "Why not", "worn": "Used or worn",
    "words": "Send me a sentence", "answered": "has your answer", "refused": "Refused by the merchant",
    "escalate": "Ask the programme", "looked": "looks at it", "swapped": "Exchanged", "fresh": "See the new voucher",
    "drop": "Withdraw", "sure": "Withdraw", "dropped": "withdrawn", "look": "See the return", "wants": "Wants:",
}  # fmt: skip


@dataclass
class Scene:
    """A member who had 1,180 points and picked a kettle up for 400; the merchant's manager; an operator."""

    world: World
    ming: Person
    manager: Person
    operator: Person
    say: dict[str, str]
    voucher: int = 0
    code: str = ""

    async def picks_up(self) -> int:
        """Redeems a kettle and has it handed over."""
        world, at = self.world, moment(self.world)
        code = codes.mint(f"{self.world.now()}-enough-entropy".encode())
        async with world.database.engine.begin() as tx:
            [offer_id] = [row.id for row in await tx.execute(_KETTLE)]
            listed = await shelf.one(tx, offer_id)
            who = Member(await member_id(world, self.ming), "active", joined_on=at.today)
            done = await redemptions.redeem(
                tx,
                who,
                offer_id,
                amount=1,
                version=listed.version,
                points=400,
                nonce=str(world.now()),
                code=code,
                vault=world.vault,
                undo_minutes=10,
                at=at,
                actor="test",
            )
        cashier = await till(world, "fruit")
        if done.redemption.cash_minor:
            async with world.database.engine.begin() as tx:
                await cash.collect(tx, cashier, code, hand_over=True, undo_minutes=10, vault=world.vault, at=at)
        else:
            await uses(world, cashier, code)
        self.voucher, self.code = done.redemption.id, code
        return self.voucher

    async def opens(self) -> None:
        """From the vouchers to the first question."""
        await self.ming.says("/vouchers")
        await self.ming.sees(self.say["mine"], fresh=True)
        await self.ming.taps(self.say["kettle"])
        await self.ming.sees(self.say["used"], fresh=True)
        await self.ming.taps(self.say["return"])
        await self.ming.sees(self.say["what"], fresh=True)

    async def shows(self, name: str = "spout") -> None:
        """The reason, and a photo."""
        await self.ming.taps(self.say["faulty"])
        await self.ming.sees(self.say["photos"], fresh=True)
        await self.ming.sends_photo(picture(name))
        await self.ming.sees(self.say["one"], fresh=True)

    async def claims(self, wish: str = "points") -> None:
        """All the way to the claim."""
        await self.opens()
        await self.shows()
        await self.ming.taps(self.say["enough"])
        await self.ming.sees(self.say["wish"], fresh=True)
        await self.ming.taps(self.say[wish])
        await self.ming.sees(self.say["sum"], fresh=True)
        await self.ming.taps(self.say["send"])
        await self.ming.sees(self.say["sent"], fresh=True)
        await self.world.settled()

    async def looks(self) -> None:
        """The manager opens what they were told of."""
        await self.manager.sees(self.say["asked"])
        await self.manager.taps(self.say["see"])
        await self.manager.sees(self.say["wants"], fresh=True)

    async def refuses(self) -> None:
        """The manager refuses as worn."""
        await self.looks()
        await self.manager.taps(self.say["no"])
        await self.manager.sees(self.say["why"], fresh=True)
        await self.manager.taps(self.say["worn"])
        await self.manager.sees(self.say["words"], fresh=True)
        await self.manager.says("壶底烧黑了")
        await self.manager.sees(self.say["answered"], fresh=True)
        await self.world.settled()

    async def stands(self) -> tuple[str, str, int]:
        """The claim's state, the voucher's, and what the member can spend."""
        rows = await self.world.sql(
            "SELECT c.state, r.state, a.balance FROM return_claim c JOIN redemption r ON r.id = c.redemption_id"
            " JOIN account a ON a.owner_kind = 'member' AND a.owner_id = r.member_id AND a.purpose = 'available'"
            " ORDER BY c.id DESC LIMIT 1"
        )
        async with self.world.database.engine.begin() as tx:
            assert (await audit(tx)).violations == ()
        return rows[0][0], rows[0][1], int(rows[0][2])

    async def in_the_morning(self, days: int, holder: str = "one") -> None:
        """So many days later, the duty runs."""
        await self.world.clock.move(days)
        clock = Clock(ZONE, self.world.now)
        timetable = Timetable(self.world.database.engine, self.world.vault, clock, [duty])
        async with self.world.database.engine.begin() as tx:
            lease = await take(tx, holder, holder)
        assert lease is not None
        await timetable.catch_up(lease)
        await self.world.settled()


@asynccontextmanager
async def scene(database: Database, *, language: str = "zh-hans", **running: Any) -> AsyncIterator[Scene]:
    """The shop open, the kettle picked up."""
    async with bot_running(database, setup=shop, **running) as world:
        await shelve(world, KETTLE)
        ming, manager, operator = [await world.member(name, language) for name in ("小明", "店长小山", "运营")]
        await gives(world, ming, 1180)
        await make_operator(world, operator, "support")
        async with world.database.engine.begin() as tx:
            fruit, who = await merchants.by_code(tx, "fruit"), await person.find(tx, world.vault, manager.id)
            assert who is not None
            await staff.add(
                tx, merchant_id=fruit.id, member_id=who, role="manager", label="店长", by="test", now=world.now()
            )
        there = Scene(world, ming, manager, operator, EN if language == "en" else ZH)
        await there.picks_up()
        yield there


@pytest.mark.parametrize("language", ["zh-hans", "en"])
async def test_claimed_with_a_photo_and_given_back(database: Database, language: str) -> None:
    async with scene(database, language=language) as at:
        await at.claims()
        assert day(at.world, 3, language[:2]) in at.ming.last.shown
        assert await at.stands() == ("open", "used", 780)
        await at.looks()
        assert at.manager.last.photo is not None and at.say["faulty"] in at.manager.last.shown
        await at.manager.taps(at.say["give"])
        await at.manager.sees(at.say["goods"], fresh=True)
        await at.manager.taps(at.say["back"])
        await at.manager.sees(at.say["gave"], fresh=True)
        await at.world.settled()
        await at.ming.sees(at.say["granted"])
        assert await at.stands() == ("granted", "returned", 1180)
        await at.ming.says("/history")
        await at.ming.sees("明细" if language != "en" else "History", fresh=True)
        await at.ming.taps("退货 · 电水壶" if language != "en" else "Returned · Kettle")
        await at.ming.sees("退货原因:不能用" if language != "en" else "Why it was returned: Faulty", fresh=True)


async def test_the_voucher_says_how_its_return_stands_and_a_claim_can_be_withdrawn(database: Database) -> None:
    async with scene(database) as at:
        await at.claims()
        await at.ming.says("/vouchers")
        await at.ming.sees("我的券", fresh=True)
        await at.ming.taps("电水壶 · 等商户答复")
        await at.ming.sees("退换:等商户答复", fresh=True)
        await at.ming.taps("看退换")
        await at.ming.sees("没答复就自动退 400 分", fresh=True)
        await at.ming.taps("撤回退换")
        await at.ming.sees("还可以再提", fresh=True)
        await at.ming.taps("确认撤回")
        await at.ming.sees("退换撤回了", fresh=True)
        await at.world.settled()
        assert "不用答复了" in at.manager.last.shown
        assert await at.stands() == ("withdrawn", "used", 780)
        await at.claims()
        assert await at.stands() == ("open", "used", 780)


async def test_an_album_counts_each_photo_once_and_a_redelivered_one_not_again(database: Database) -> None:
    async with scene(database) as at:
        await at.opens()
        await at.ming.taps("不能用")
        await at.ming.sees("拍照发给我", fresh=True)
        sent = [await at.ming.sends_photo(picture(f"p{n}"), caption="壶嘴漏水" if n == 0 else "") for n in range(4)]
        await at.world.settled()
        assert "照片 4 张" in at.ming.last.shown and "您说:壶嘴漏水" in at.ming.last.shown
        await at.ming.sends_photo(picture("p2"))  # the same picture again
        assert sent[1] is not None
        await at.world.double.redeliver(sent[1])
        await at.world.settled()
        assert "照片 4 张" in at.ming.last.shown
        for n in range(4, 8):
            await at.ming.sends_photo(picture(f"p{n}"))
        await at.world.settled()
        assert "照片 6 张,多的没有收" in at.ming.last.shown
        await at.ming.says("插上电没反应")
        await at.ming.sees("您说:插上电没反应", fresh=True)


async def test_a_restart_midway_loses_nothing(database: Database) -> None:
    async with scene(database) as at:
        await at.opens()
        await at.shows()
        await at.world.settled()
        await at.world.restart()
        await at.ming.taps("发完了")
        await at.ming.sees("您想要什么", fresh=True)
        await at.world.kill()
        await at.world.start()
        await at.ming.taps("退回 400 分")
        await at.ming.sees("天内答复", fresh=True)
        await at.ming.taps("提交")
        await at.ming.sees("已提交", fresh=True)
        assert (await at.stands())[0] == "open"


async def test_taps_twice_make_one_claim_and_one_return(database: Database) -> None:
    async with scene(database) as at:
        await at.opens()
        await at.shows()
        await at.ming.taps("发完了")
        await at.ming.sees("您想要什么", fresh=True)
        await at.ming.taps("退回 400 分")
        message = await at.ming.sees("天内答复", fresh=True)
        for _ in range(3):
            at.ming.presses(message, message.buttons[0][0])
        await at.ming.sees("已提交", fresh=True)
        await at.world.settled()
        assert len(await at.world.sql("SELECT 1 FROM return_claim")) == 1
        assert sum("有会员要退换" in m.shown for m in at.manager.messages) == 1
        await at.looks()
        await at.manager.taps("退 400 分")
        asked = await at.manager.sees("怎么处理", fresh=True)
        for row in (0, 0, 1):
            at.manager.presses(asked, asked.buttons[row][0])
        await at.world.settled()
        assert await at.stands() == ("granted", "returned", 1180)
        assert sum("商户同意了" in m.shown for m in at.ming.messages) == 1


async def test_an_exchange_gives_a_voucher_that_the_counter_takes(database: Database) -> None:
    async with scene(database) as at:
        await at.claims("swap")
        await at.looks()
        assert "想要:换一件" in at.manager.last.shown
        await at.manager.taps("换一件")
        await at.manager.sees("不再扣积分", fresh=True)
        await at.manager.taps("报废")
        await at.manager.sees("换好了", fresh=True)
        await at.world.settled()
        assert await at.stands() == ("exchanged", "exchanged", 780)
        await at.ming.taps("看新券")
        await at.ming.sees("换货来的", fresh=True)
        await at.world.settled()
        words = [word.strip() for word in at.ming.last.shown.split("\n")]
        code = next(code for word in words if (code := codes.read(word)) is not None)
        await at.manager.says(f"/verify {code}")
        await at.manager.sees("换货:不另收", fresh=True)
        await at.manager.taps("已交付")
        await at.manager.sees("验好了", fresh=True)
        states = [row.state for row in await at.world.sql("SELECT state FROM redemption ORDER BY id")]
        assert states == ["exchanged", "used"]


async def test_where_no_other_piece_is_left_the_merchant_gives_points(database: Database) -> None:
    async with scene(database) as at:
        await shelve(at.world, KETTLE.model_copy(update={"limits": Limits(stock=1)}))
        await at.claims("swap")
        await at.looks()
        await at.manager.taps("换一件")
        await at.manager.sees("怎么处理", fresh=True)
        await at.manager.taps("放回货架")
        await at.manager.sees("没有货可以换了", fresh=True)
        assert await at.stands() == ("open", "used", 780)
        await at.manager.taps("返回")
        await at.manager.sees("最晚", fresh=True)
        await at.manager.taps("退 400 分")
        await at.manager.sees("怎么处理", fresh=True)
        await at.manager.taps("报废")
        await at.manager.sees("退好了", fresh=True)
        assert await at.stands() == ("granted", "returned", 1180)


@pytest.mark.parametrize("language", ["zh-hans", "en"])
async def test_a_refusal_has_a_reason_and_words_and_the_programme_decides(database: Database, language: str) -> None:
    async with scene(database, language=language) as at:
        await at.claims()
        await at.looks()
        await at.manager.taps(at.say["no"])
        listed = await at.manager.sees(at.say["why"], fresh=True)
        labels = [button.text for row in listed.buttons for button in row]
        assert not any("积分" in label or "points" in label for label in labels) and len(labels) == 7
        await at.manager.taps(at.say["worn"])
        await at.manager.sees(at.say["words"], fresh=True)
        await at.manager.says("壶底烧黑了")
        await at.manager.sees(at.say["answered"], fresh=True)
        await at.world.settled()
        assert "壶底烧黑了" in at.ming.last.shown and at.say["refused"] in at.ming.last.shown
        await at.ming.taps(at.say["look"])
        await at.ming.sees(at.say["refused"], fresh=True)
        await at.ming.taps(at.say["escalate"])
        await at.ming.sees(at.say["looked"], fresh=True)
        await at.world.settled()
        assert await at.stands() == ("escalated", "used", 780)
        await at.operator.taps(at.say["see"])
        seen = await at.operator.sees("壶底烧黑了", fresh=True)
        assert at.say["faulty"] in seen.shown and seen.photo is not None
        await at.operator.taps("退给会员" if language != "en" else "Give back")
        await at.operator.sees("写下理由" if language != "en" else "Send me why", fresh=True)
        await at.operator.says("到手就坏,照片看得清")
        await at.operator.sees("裁决了" if language != "en" else "Decided", fresh=True)
        await at.world.settled()
        assert await at.stands() == ("overturned", "returned", 1180)
        assert "到手就坏" in at.ming.last.shown and "400" in at.ming.last.shown
        assert ("退换裁决" if language != "en" else "Return decided") in at.manager.last.shown


async def test_the_operators_desk_lists_what_waits_and_upholds(database: Database) -> None:
    async with scene(database) as at:
        await at.operator.says("/operator")
        await at.operator.sees("运营台", fresh=True)
        assert "退换裁决" not in str(at.operator.last.buttons)
        await at.claims()
        await at.refuses()
        await at.ming.taps("看退换")
        await at.ming.sees("不认可", fresh=True)
        await at.ming.taps("请积分计划裁决")
        await at.ming.sees("积分计划在看", fresh=True)
        await at.world.settled()
        await at.operator.says("/operator")
        await at.operator.sees("运营台", fresh=True)
        await at.operator.taps("退换裁决(1)")
        await at.operator.sees("1 件在等裁决", fresh=True)
        await at.operator.taps("电水壶")
        await at.operator.sees("壶底烧黑了", fresh=True)
        await at.operator.taps("维持不退")
        await at.operator.sees("写下理由", fresh=True)
        await at.operator.says("是用坏的")
        await at.operator.sees("裁决了", fresh=True)
        await at.world.settled()
        assert await at.stands() == ("upheld", "used", 780)
        assert "是用坏的" in at.ming.last.shown


async def test_silence_grants_on_the_day_after_the_last_one_and_the_merchant_is_reminded(database: Database) -> None:
    async with scene(database) as at:
        await at.claims()
        told = len(at.manager.messages)
        await at.in_the_morning(2)
        assert "退换明天到期" in at.manager.last.shown and len(at.manager.messages) == told + 1
        await at.in_the_morning(1)
        assert len(at.manager.messages) == told + 1 and await at.stands() == ("open", "used", 780)
        await at.in_the_morning(1)
        assert await at.stands() == ("silent", "returned", 1180)
        assert "没有答复,400 分自动退回" in at.ming.last.shown and "自动退了" in at.manager.last.shown
        await at.in_the_morning(1)
        assert sum("自动退回" in m.shown for m in at.ming.messages) == 1


async def test_an_answer_after_the_last_day_can_still_grant_but_not_refuse(database: Database) -> None:
    async with scene(database) as at:
        await at.claims()
        await at.looks()
        await at.manager.taps("不同意")
        await at.manager.sees("为什么不同意", fresh=True)
        await at.manager.taps("用过或有磨损")
        await at.manager.sees("写一两句", fresh=True)
        await at.world.clock.move(4)
        await at.manager.says("太晚了")
        await at.manager.sees("不能再拒绝", fresh=True)
        assert (await at.stands())[0] == "open"


async def test_words_that_are_too_long_are_asked_for_again(database: Database) -> None:
    async with scene(database) as at:
        await at.claims()
        await at.looks()
        await at.manager.taps("不同意")
        await at.manager.sees("为什么不同意", fresh=True)
        await at.manager.taps("没有退齐")
        await at.manager.sees("写一两句", fresh=True)
        await at.manager.says("缺" * 301)
        await at.manager.sees("这段话不合适", fresh=True)
        await at.manager.says("缺了底座")
        await at.manager.sees("答复发给会员了", fresh=True)
        await at.world.settled()
        assert "没有退齐" in at.ming.last.shown and "缺了底座" in at.ming.last.shown


async def test_the_programme_can_be_asked_for_a_week(database: Database) -> None:
    async with scene(database) as at:
        await at.claims()
        await at.refuses()
        await at.ming.taps("看退换")
        seen = await at.ming.sees("不认可", fresh=True)
        await at.world.clock.move(8)
        await at.ming.taps("请积分计划裁决", message=seen)
        await at.ming.sees("请求裁决的时间过了", fresh=True)
        await at.ming.taps("看退换")
        last = await at.ming.sees("商户没有同意", fresh=True)
        assert not any("裁决" in button.text for row in last.buttons for button in row)
        assert await at.stands() == ("refused", "used", 780)


async def test_cash_that_was_paid_comes_back_at_the_counter(database: Database) -> None:
    async with scene(database) as at:
        priced = KETTLE.model_copy(update={"price": PerUnit(points=400, value_minor=3000, cash_minor=1000)})
        await shelve(at.world, priced.model_copy(update={"limits": Limits(stock=5)}))
        await at.picks_up()
        await at.ming.says("/vouchers")
        await at.ming.sees("我的券", fresh=True)
        await at.ming.taps("电水壶")
        await at.ming.sees("用掉了 400 分 + ¥10", fresh=True)
        await at.ming.taps("退换")
        await at.ming.sees("怎么了", fresh=True)
        await at.shows()
        await at.ming.taps("发完了")
        await at.ming.sees("您想要什么", fresh=True)
        await at.ming.taps("退回 400 分 + ¥10")
        await at.ming.sees("天内答复", fresh=True)
        await at.ming.taps("提交")
        await at.ming.sees("已提交", fresh=True)
        await at.world.settled()
        await at.looks()
        await at.manager.taps("退 400 分 + ¥10")
        await at.manager.sees("怎么处理", fresh=True)
        await at.manager.taps("放回货架")
        await at.manager.sees("要退的钱", fresh=True)
        await at.world.settled()
        assert "付的 ¥10 也退" in at.ming.last.shown and await at.stands() == ("granted", "returned", 780)
        await at.manager.says(f"/verify {at.code}")
        await at.manager.sees("这张券已经退了", fresh=True)
        await at.manager.taps("退 ¥10")
        await at.manager.sees("会员退了货", fresh=True)
        await at.manager.taps("已退 ¥10")
        await at.manager.sees("已退 ¥10 给 小明", fresh=True)
        await at.world.settled()
        assert "¥10 已退给您" in at.ming.last.shown


async def test_the_member_withdraws_while_the_merchant_grants(database: Database) -> None:
    async with scene(database) as at:
        await at.claims()
        await at.ming.taps("撤回退换")
        sure = await at.ming.sees("还可以再提", fresh=True)
        await at.looks()
        await at.manager.taps("退 400 分")
        asked = await at.manager.sees("怎么处理", fresh=True)
        at.ming.presses(sure, sure.buttons[0][0])
        at.manager.presses(asked, asked.buttons[0][0])
        await at.world.settled()
        state, voucher, points = await at.stands()
        assert (state, voucher, points) in (("withdrawn", "used", 780), ("granted", "returned", 1180))


async def test_the_merchants_page_counts_and_lists_what_waits(database: Database) -> None:
    async with scene(database) as at:
        await at.manager.says("/merchant")
        await at.manager.sees("鲜果時光", fresh=True)
        assert "退换" not in str(at.manager.last.buttons)
        await at.claims()
        await at.manager.says("/merchant")
        await at.manager.sees("鲜果時光", fresh=True)
        await at.manager.taps("待答复的退换 1")
        await at.manager.sees("1 件等答复", fresh=True)
        await at.manager.taps("答复过的")
        await at.manager.sees("还没有答复过的", fresh=True)
        await at.manager.taps("等答复的")
        await at.manager.sees("1 件等答复", fresh=True)
        await at.manager.taps("电水壶")
        await at.manager.sees("不能用", fresh=True)


async def test_what_is_too_late_or_no_goods_says_so_with_a_way_on(database: Database) -> None:
    async with scene(database) as at:
        await at.ming.says("/vouchers")
        await at.ming.sees("我的券", fresh=True)
        await at.ming.taps("电水壶")
        seen = await at.ming.sees("截至", fresh=True)
        await at.world.clock.move(8)
        await at.ming.taps("退换", message=seen)
        await at.ming.sees("退换的时间过了", fresh=True)
        await at.ming.taps("看这张券")
        last = await at.ming.sees("用过了", fresh=True)
        assert not any("退换" in button.text for row in last.buttons for button in row)


async def test_photos_are_turned_over_one_by_one(database: Database) -> None:
    async with scene(database) as at:
        async with at.world.database.engine.begin() as tx:
            who = await member_id(at.world, at.ming)
            shots = [return_claims.Shot(f"lost{n}", f"u{n}") for n in range(3)]
            await return_requests.claim(
                tx, who, at.voucher, reason="faulty", wants="points", words="坏了", photos=shots,
                vault=at.world.vault, at=moment(at.world), actor="test",
            )  # fmt: skip
        await at.manager.says("/merchant")
        await at.manager.taps("待答复的退换 1")
        await at.manager.sees("1 件等答复", fresh=True)
        await at.manager.taps("电水壶")
        await at.manager.sees("照片 3 张", fresh=True)
        await at.manager.taps("下一张(2/3)")
        await at.manager.sees("会员说:坏了", fresh=True)
        await at.manager.taps("下一张(3/3)")
        last = await at.manager.sees("会员说:坏了", fresh=True)
        assert not any("下一张" in button.text for row in last.buttons for button in row)
