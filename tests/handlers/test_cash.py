"""Points and cash, as members and counters live it: held, paid at the counter or in the chat, let go, lapsed, given back."""

from __future__ import annotations

import datetime as dt
import secrets
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from dataclasses import dataclass, replace
from typing import Any

import pytest

from bot.clock import Clock
from bot.double.double import Fault, Limits, Person
from bot.double.messages import Message
from bot.leads import take
from bot.timetable import Timetable
from chat.arguments import long, short
from chat.words import Speaker
from handlers import redeem
from jobs import cash_back
from jobs.duty import Duty
from jobs.lapse_unpaid import duty
from ledger.members import operators, person
from ledger.merchants import merchant as merchants
from ledger.merchants import outlets, shifts, staff
from ledger.redeeming import codes, privilege_uses, privileges
from ledger.redeeming.cash_refunds import Owed
from ledger.redeeming.offers import Names, PerUnit
from ledger.redeeming.privilege import Held, PercentOff, Privilege
from tests.conftest import Database
from tests.driver import ZONE, World, bot_running
from tests.handlers.shop import gives, member_id, moment, offer, shelve, shop
from tests.handlers.till_scene import printed

ORANGES = offer(
    "oranges", "当季鲜橙", "Fresh oranges", "fruit",
    PerUnit(points=400, value_minor=1800, cash_minor=1000, most_units=2), category="fruit",
)  # fmt: skip
NO_PROVIDER = '{"ok":false,"error_code":400,"description":"Bad Request: PAYMENT_PROVIDER_INVALID"}'
PROVIDER = "284685063:TEST:abc"

ZH = {
    "category": "当季鲜橙", "redeem": "兑换", "hold": "确认预留", "held": "为您预留好了", "drop": "取消这份", "sure": "确认不要",
    "pay": "在线付 ¥10", "got": "收到 ¥10,换好了", "verify": "先收", "collect": "收了 ¥10,已交付", "only": "只收了钱",
    "taken": "收好了", "gone": "已原样退回", "back": "撤回", "really": "确认撤回",
}  # fmt: skip
EN = {
    "category": "Fresh oranges", "redeem": "Redeem", "hold": "Hold it", "held": "On hold for you", "drop": "Let it go",
    "sure": "Let it go", "pay": "Pay ¥10 online", "got": "Got ¥10, it is yours", "verify": "Take",
    "collect": "Got ¥10, handed over", "only": "Got the cash only", "taken": "Taken", "gone": "are back as they were",
    "back": "Take back", "really": "Take it back",
}  # fmt: skip


@dataclass
class Scene:
    """A member with 1,180 points before an offer of 400 pts + ¥10, a cashier of its merchant, and how they speak."""

    world: World
    ming: Person
    cashier: Person
    say: dict[str, str]

    async def holds(self) -> None:
        """From the catalog to the hold."""
        await self.ming.says("/redeem")
        await self.world.settled()
        await self.ming.taps(self.say["category"])
        await self.world.settled()
        await self.ming.taps(self.say["redeem"], message=self.ming.last)
        await self.ming.sees("400", fresh=True)
        await self.world.settled()
        await self.ming.taps(self.say["hold"])
        await self.ming.sees(self.say["held"], fresh=True)
        await self.world.settled()

    async def bill(self) -> Message:
        """Asks for the invoice."""
        await self.ming.taps(self.say["pay"])
        await self.world.settled()
        assert "invoice" in self.ming.last.wire, self.ming.transcript()
        return self.ming.last

    async def shows_code(self, code: str) -> None:
        """The cashier reads the code."""
        await self.cashier.says(f"/verify {code}")
        await self.cashier.sees(self.say["verify"], fresh=True)
        await self.world.settled()

    async def takes_cash(self, code: str, way: str = "collect") -> None:
        """The cashier reads the code and takes the cash."""
        await self.shows_code(code)
        await self.cashier.taps(self.say[way])
        await self.cashier.sees(self.say["taken"], fresh=True)
        await self.world.settled()

    async def undoes(self) -> None:
        """The member takes the voucher on their screen back."""
        await self.ming.taps(self.say["back"], message=self.ming.last)
        await self.world.settled()
        await self.ming.taps(self.say["really"])
        await self.ming.sees(self.say["gone"], fresh=True)
        await self.world.settled()

    async def points(self) -> tuple[int, int]:
        """What the member may spend, and what is on hold."""
        rows = await self.world.sql(
            "SELECT purpose, balance FROM account WHERE owner_kind = 'member' AND owner_id = :id",
            id=await member_id(self.world, self.ming),
        )
        found = {row.purpose: int(row.balance) for row in rows}
        return found.get("available", 0), found.get("held", 0)

    async def state(self) -> str:
        """Where the redemption stands."""
        [row] = await self.world.sql("SELECT state FROM redemption")
        return str(row.state)


@asynccontextmanager
async def scene(
    database: Database, *, language: str = "zh-hans", online: bool = True, **running: Any
) -> AsyncIterator[Scene]:
    """The shop open, everybody there."""
    provider = PROVIDER if online else None
    async with bot_running(database, setup=shop, provider_token=provider, **running) as world:
        await shelve(world, ORANGES)
        ming, cashier = await world.member("小明", language), await world.member("收银小红", language)
        await gives(world, ming, 1180)
        async with world.database.engine.begin() as tx:
            fruit = await merchants.by_code(tx, "fruit")
            who = await person.find(tx, world.vault, cashier.id)
            assert who is not None
            await staff.add(
                tx, merchant_id=fruit.id, member_id=who, role="cashier", label="3号台", by="test", now=world.now()
            )
        yield Scene(world, ming, cashier, EN if language == "en" else ZH)


def code_on(who: Person) -> str:
    words = (word.strip() for message in reversed(who.messages) for word in message.shown.split("\n"))
    return next(code for word in words if (code := codes.read(word)) is not None)


async def runs_duty(world: World, holder: str, which: Duty = duty) -> None:
    """The duty looks for what is due."""
    timetable = Timetable(world.database.engine, world.vault, Clock(ZONE, world.now), [which])
    async with world.database.engine.begin() as tx:
        lease = await take(tx, holder, holder)
    assert lease is not None
    await timetable.catch_up(lease)


@pytest.mark.parametrize("language", ["zh-hans", "en"])
async def test_held_then_paid_at_the_counter_and_handed_over(database: Database, language: str) -> None:
    async with scene(database, language=language) as at:
        await at.holds()
        shown = printed(at.ming)
        assert ("400 分 + ¥10" if language != "en" else "400 pts + ¥10") in shown
        assert await at.points() == (780, 400) and await at.state() == "held"
        code = code_on(at.ming)
        await at.shows_code(code)
        assert "¥10" in at.cashier.last.shown
        first = await at.cashier.taps(at.say["collect"])
        await at.cashier.sees(at.say["taken"], fresh=True)
        await first.answer()
        await at.world.settled()
        assert await at.points() == (780, 0) and await at.state() == "used"
        await at.ming.sees("付了 ¥10,券已用" if language != "en" else "Paid ¥10, voucher used")
        rows = await at.world.sql("SELECT way, minor, captured FROM cash_payment")
        assert [tuple(row) for row in rows] == [("counter", 1000, True)]


async def test_the_counters_second_tap_shows_the_first_and_another_till_is_told(database: Database) -> None:
    async with scene(database) as at:
        await at.holds()
        await at.shows_code(code_on(at.ming))
        button = at.cashier.last.buttons[0][0]
        for _ in range(3):
            at.cashier.presses(at.cashier.last, button)
        await at.cashier.sees("收好了", fresh=True)
        await at.world.settled()
        assert "由您收 ¥10" in at.cashier.last.shown
        assert len(await at.world.sql("SELECT 1 FROM cash_payment")) == 1
        assert sum("付了 ¥10" in m.shown for m in at.ming.messages) == 1


async def test_cash_now_goods_later(database: Database) -> None:
    async with scene(database) as at:
        await at.holds()
        code = code_on(at.ming)
        await at.takes_cash(code, "only")
        assert await at.state() == "issued" and "券还能用" in at.cashier.last.shown
        assert "付了 ¥10,换好了" in at.ming.last.shown
        await at.ming.taps("看这张券")
        assert "用掉了 400 分 + ¥10" in (await at.ming.sees("有效至", fresh=True)).shown
        await at.cashier.says(f"/verify {code}")
        await at.cashier.sees("券有效", fresh=True)
        await at.cashier.taps("已交付")
        await at.cashier.sees("验好了", fresh=True)
        assert await at.state() == "used"


@pytest.mark.parametrize("language", ["zh-hans", "en"])
async def test_paid_in_the_chat(database: Database, language: str) -> None:
    async with scene(database, language=language) as at:
        await at.holds()
        bill = await at.bill()
        invoice = bill.wire["invoice"]
        assert (invoice["currency"], invoice["total_amount"]) == ("CNY", 1000)
        assert bill.payload is not None and len(bill.payload.encode()) <= 128
        assert bill.wire.get("has_protected_content")
        paid = await at.ming.pays(bill)
        assert paid.ok, paid.error
        await at.ming.sees(at.say["got"], fresh=True)
        await at.world.settled()
        assert await at.points() == (780, 0) and await at.state() == "issued"
        assert code_on(at.ming)


async def test_a_payment_delivered_again_or_told_twice_captures_once(database: Database) -> None:
    async with scene(database) as at:
        await at.holds()
        paid = await at.ming.pays(await at.bill())
        await at.ming.sees("收到 ¥10,换好了", fresh=True)
        assert paid.paid_update_id is not None
        await at.world.double.redeliver(paid.paid_update_id)
        await at.world.settled()
        paid.completes()  # another update about the same payment
        await at.world.settled()
        assert len(await at.world.sql("SELECT 1 FROM cash_payment")) == 1
        assert await at.world.sql("SELECT 1 FROM cash_refund") == [] and await at.points() == (780, 0)


@pytest.mark.parametrize("language", ["zh-hans", "en"])
async def test_letting_go_asks_first_and_frees_everything(database: Database, language: str) -> None:
    async with scene(database, language=language) as at:
        await at.holds()
        code = code_on(at.ming)
        bill = await at.bill()
        await at.ming.taps(at.say["drop"])
        await at.world.settled()
        tap = await at.ming.taps(at.say["sure"])
        await at.ming.sees(at.say["gone"], fresh=True)
        await tap.answer()
        assert await at.points() == (1180, 0) and await at.state() == "let_go"
        await at.cashier.says(f"/verify {code}")
        await at.cashier.sees("这份已经取消了" if language != "en" else "This was let go", fresh=True)
        refused = await at.ming.checks_out(bill)
        assert not refused.ok and ("已经取消" if language != "en" else "let go") in refused.error


async def test_a_payment_that_comes_too_late_goes_back_and_the_operator_sees_to_it(database: Database) -> None:
    async with scene(database) as at:
        await at.holds()
        checkout = await at.ming.checks_out(await at.bill())
        assert checkout.ok
        await at.ming.taps("取消这份")
        await at.world.settled()
        await at.ming.taps("确认不要")
        await at.ming.sees("已原样退回", fresh=True)
        checkout.completes()
        said = await at.ming.sees("会退给您")
        assert "这份您已经取消了。" in said.shown and await at.points() == (1180, 0)
        await at.world.settled()
        boss = await at.world.member("运营阿方")
        async with at.world.database.engine.begin() as tx:
            who = await person.find(tx, at.world.vault, boss.id)
            assert who is not None
            await operators.add(tx, who, "finance", now=at.world.now())
        await runs_duty(at.world, "first", cash_back.duty)
        told = await boss.sees("¥10 要退给会员,1 笔")
        assert "都是这一天里的" in told.shown
        await at.world.settled()
        await boss.says("/operator")
        await boss.sees("运营台", fresh=True)
        await boss.taps("要退的钱(1)")
        await boss.sees("要退的钱", fresh=True)
        await boss.taps("去退", message=told)
        await boss.sees("要退的钱", fresh=True)
        await boss.taps("¥10 · 小明 · 当季鲜橙")
        shown = await boss.sees("取消以后才付的", fresh=True)
        assert checkout.provider_charge in shown.shown
        done = shown.buttons[0][0]
        boss.presses(shown, done)
        await boss.sees("没有要退的。", fresh=True)
        boss.presses(shown, done)
        assert "经手:运营" in (await boss.sees("已退", fresh=True)).shown
        await at.ming.sees("¥10 已退给您")
        await at.world.settled()
        assert sum("¥10 已退给您" in m.shown for m in at.ming.messages) == 1
        await at.world.clock.move(1)
        await runs_duty(at.world, "second", cash_back.duty)
        await at.world.settled()
        assert not [m for m in boss.messages if "要退给会员" in m.shown], "it is told while it is open, no longer"


def test_what_a_provider_owes_is_told_in_english_with_how_long_it_waits() -> None:
    now = dt.datetime(2026, 11, 22, 2, 0, tzinfo=dt.UTC)
    told = cash_back.notice([Owed("CNY", 2, 2_450, now - dt.timedelta(days=3, hours=1))], now)
    assert [Speaker("en", now.date()).plain(line) for line in told.lines if line] == [
        "¥24.50 to send back, 2 payments",
        "The oldest has waited 3 days",
    ]


async def test_what_the_counter_took_is_given_back_at_the_counter(database: Database) -> None:
    async with scene(database) as at:
        await at.holds()
        code = code_on(at.ming)
        await at.takes_cash(code, "only")
        await at.ming.taps("看这张券")
        await at.ming.sees("有效至", fresh=True)
        await at.world.settled()
        await at.undoes()
        assert "¥10 请到店领回" in at.ming.last.shown and await at.points() == (1180, 0)
        await at.cashier.says(f"/verify {code}")  # they bring the code back
        await at.cashier.sees("这张券已经撤回了", fresh=True)
        await at.cashier.taps("退 ¥10")
        await at.cashier.sees("会员撤回了", fresh=True)
        await at.cashier.taps("已退 ¥10")
        await at.cashier.sees("没有要退的。", fresh=True)
        await at.ming.sees("¥10 已退给您")
        [row] = await at.world.sql("SELECT done_by, way FROM cash_refund")
        assert row.done_by.startswith("staff:") and row.way == "counter"
        await at.cashier.says("/counter")
        shown = (await at.cashier.sees("兑换收钱 1 笔,¥10", fresh=True)).shown
        assert "兑换退钱 1 笔,¥10" in shown and "要退的钱" not in str(at.cashier.last.labels)
        [row] = await at.world.sql("SELECT merchant_id FROM cash_refund")
        button = replace(at.cashier.last.buttons[0][0], data=f"cash_back:list:{row.merchant_id}:0:1")
        at.cashier.presses(at.cashier.last, button)
        await at.cashier.sees("退好的钱", fresh=True)
        await at.cashier.taps("¥10 · 小明")
        assert "经手:3号台" in (await at.cashier.sees("会员撤回了", fresh=True)).shown


async def test_a_shift_is_closed_with_the_cash_and_the_privileges_of_it(database: Database) -> None:
    async with scene(database) as at:
        now, ming = moment(at.world), await member_id(at.world, at.ming)
        async with at.world.database.engine.begin() as tx:
            fruit = await merchants.by_code(tx, "fruit")
            [worker] = await staff.team(tx, fruit.id)
            owner = replace(worker, role="owner")
            outlet = await outlets.open_outlet(tx, by=owner, name="湖滨店", now=now.now)
            till = await outlets.open_till(tx, outlet.id, "1号台", by=owner, now=now.now)
            shift = await shifts.begin(tx, staff=worker, till_id=till.id, now=now.now)
            off = Privilege(
                code="fresh",
                merchant="fruit",
                name=Names(zh="鲜果", en="Fresh fruit"),
                gives=PercentOff(percent=10),
                holds=Held(points=500),
            )
            shown = await privileges.publish(tx, off, by=worker.actor, now=now.now)
            await privilege_uses.use(
                tx, worker, ming, shown[0], (shown[1], 9_000), amount_minor=10_000, nonce="n", shift=shift, at=now
            )
        await at.holds()
        code = code_on(at.ming)
        await at.takes_cash(code, "only")
        await at.ming.taps("看这张券")
        await at.ming.sees("有效至", fresh=True)
        await at.world.settled()
        await at.undoes()
        await at.cashier.says(f"/verify {code}")
        await at.cashier.sees("这张券已经撤回了", fresh=True)
        await at.cashier.taps("退 ¥10")
        await at.cashier.sees("会员撤回了", fresh=True)
        await at.cashier.taps("已退 ¥10")
        await at.cashier.sees("没有要退的。", fresh=True)
        await at.cashier.says("/counter")
        await at.cashier.taps("班次")
        await at.cashier.sees("今天", fresh=True)
        await at.cashier.taps("交班", message=at.cashier.last)
        asked = (await at.cashier.sees("交班:1号台 · 湖滨店?", fresh=True)).shown
        await at.cashier.taps("确认交班")
        closed = (await at.cashier.sees("已交班", fresh=True)).shown
        for said in ("兑换收钱 1 笔,¥10", "兑换退钱 1 笔,¥10", "权益 1 次,少收 ¥10"):
            assert said in asked and said in closed


async def test_nobody_else_may_see_or_end_a_refund(database: Database) -> None:
    async with scene(database) as at:
        await at.holds()
        await at.takes_cash(code_on(at.ming), "only")
        await at.ming.taps("看这张券")
        await at.ming.sees("有效至", fresh=True)
        await at.undoes()
        [row] = await at.world.sql("SELECT id, merchant_id FROM cash_refund")
        world, wire = at.world, at.ming.last
        button = replace(wire.buttons[0][0], data=f"cash_back:done:{row.merchant_id}:{row.id}")
        at.ming.presses(wire, button)
        await world.settled()
        at.ming.presses(wire, replace(button, data=f"cash_back:done:0:{row.id}"))
        await world.settled()
        assert (await world.sql("SELECT done_at FROM cash_refund"))[0].done_at is None


async def test_a_hold_that_nobody_pays_ends_by_itself_and_tells_its_member_once(database: Database) -> None:
    async with scene(database) as at:
        await at.holds()
        code = code_on(at.ming)
        await runs_duty(at.world, "before")
        assert await at.state() == "held"
        await at.world.clock.move(3)
        for holder in ("first", "second"):
            await runs_duty(at.world, holder)
        await at.ming.sees("没付 ¥10,已取消")
        await at.world.settled()
        assert await at.points() == (1180, 0) and await at.state() == "lapsed"
        assert sum("没付 ¥10" in m.shown for m in at.ming.messages) == 1
        await at.cashier.says(f"/verify {code}")
        await at.cashier.sees("留的时间过了", fresh=True)


async def test_without_a_provider_there_is_only_the_counter(database: Database) -> None:
    async with scene(database, online=False) as at:
        await at.holds()
        assert not any("在线" in label for label in at.ming.last.labels) and "在线" not in at.ming.last.shown


async def test_a_voucher_is_never_billed_in_the_chat(database: Database) -> None:
    async with scene(database) as at:
        await shelve(at.world, ORANGES.model_copy(update={"kind": "voucher"}))
        await at.holds()
        assert not any("在线" in label for label in at.ming.last.labels)
        [row] = await at.world.sql("SELECT id FROM redemption")
        button = replace(at.ming.last.buttons[0][0], data=f"cash:invoice:{row.id}")
        at.ming.presses(at.ming.last, button)
        await at.ming.sees("现在不能在线付", fresh=True)


async def test_where_telegram_takes_no_invoice_the_way_to_the_counter_is_said(database: Database) -> None:
    async with scene(database) as at:
        await at.holds()
        at.world.double.faults.on("sendInvoice", Fault.status(400, NO_PROVIDER))
        await at.ming.taps("在线付 ¥10")
        await at.ming.sees("请到店给店员看码", fresh=True)


async def test_a_bot_that_is_late_charges_nothing_and_may_be_asked_again(database: Database) -> None:
    async with scene(database, limits=replace(Limits.telegram(), pre_checkout_answer_seconds=1.0)) as at:
        await at.holds()
        bill = await at.bill()
        for _ in range(4):
            at.world.double.faults.on("answerPreCheckoutQuery", Fault.status(500))
        late = await at.ming.checks_out(bill)
        assert not late.ok and await at.points() == (780, 400)
        at.world.double.faults.clear()
        at.world.double.world.limits = Limits.telegram()
        await at.world.settled()
        assert (await at.ming.pays(bill)).ok
        await at.ming.sees("收到 ¥10,换好了", fresh=True)


async def test_somebody_elses_bill_and_a_forged_one_are_refused(database: Database) -> None:
    async with scene(database) as at:
        await at.holds()
        bill = await at.bill()
        assert bill.payload is not None
        hong = await at.world.member("小红")
        hong.chat.messages[bill.id] = bill
        stolen = await hong.checks_out(bill)
        assert not stolen.ok and "没有这张券" in stolen.error
        bill.payload = bill.payload[:-1] + ("A" if bill.payload[-1] != "A" else "B")
        assert not (await at.ming.checks_out(bill)).ok
        bill.payload = "other_" + secrets.token_hex(4)
        assert "不能付了" in (await at.ming.checks_out(bill)).error
        assert await at.world.sql("SELECT 1 FROM dead_letter") == []


async def test_the_confirm_button_tapped_again_shows_what_is_held(database: Database) -> None:
    async with scene(database) as at:
        await at.ming.says("/redeem")
        await at.world.settled()
        await at.ming.taps("当季鲜橙")
        await at.world.settled()
        await at.ming.taps("兑换", message=at.ming.last)
        screen = await at.ming.sees("小时内到店或在线付 ¥10", fresh=True)
        await at.world.settled()
        button = screen.buttons[0][0]
        at.ming.presses(screen, button)
        await at.ming.sees("为您预留好了", fresh=True)
        at.ming.presses(screen, button)
        await at.ming.sees("已经预留了", fresh=True)
        await at.world.settled()
        assert await at.points() == (780, 400)
        await at.ming.says("/vouchers")
        await at.ming.taps("当季鲜橙 · 待付 ¥10")
        await at.ming.sees("到店给店员看码", fresh=True)


async def test_a_restart_midway_forgets_nothing(database: Database) -> None:
    async with scene(database) as at:
        await at.holds()
        bill = await at.bill()
        checkout = await at.ming.checks_out(bill)
        assert checkout.ok
        await at.world.kill()
        checkout.completes()
        await at.world.start()
        await at.ming.sees("收到 ¥10,换好了")
        await at.world.settled()
        assert await at.points() == (780, 0) and await at.state() == "issued"


async def test_points_alone_are_what_they_were(database: Database) -> None:
    async with scene(database) as at:
        moved = at.world.now() + dt.timedelta(seconds=0)
        await at.ming.says("/redeem")
        await at.ming.taps("进口水果礼盒")
        await at.world.settled()
        await at.ming.taps("兑换", message=at.ming.last)
        await at.ming.taps("确认兑换")
        await at.ming.sees("换好了")
        [row] = await at.world.sql("SELECT state, cash_minor, hold_id, issued_at FROM redemption")
        assert (row.state, row.cash_minor, row.hold_id) == ("issued", 0, None) and row.issued_at >= moved


@pytest.mark.parametrize("turn", range(3))
async def test_till_member_and_payment_at_once_tell_one_story(database: Database, turn: int) -> None:
    async with scene(database, workers=2, webhook=True) as at:
        await at.holds()
        code, held = code_on(at.ming), at.ming.last
        checkout = await at.ming.checks_out(await at.bill())
        await at.shows_code(code)
        await at.ming.taps("取消这份", message=held)
        sure = await at.ming.sees("什么都不扣", fresh=True)
        acts = [
            lambda: at.cashier.presses(at.cashier.last, at.cashier.last.buttons[0][0]),
            lambda: at.ming.presses(sure, sure.buttons[0][0]),
            checkout.completes,
        ]
        for act in acts[turn:] + acts[:turn]:
            act()
        await at.world.settled()
        state = await at.state()
        rows = await at.world.sql("SELECT way, captured FROM cash_payment")
        captured, back = [row.way for row in rows if row.captured], await at.world.sql("SELECT why FROM cash_refund")
        assert (state, captured) in [("used", ["counter"]), ("let_go", []), ("issued", ["invoice"])]
        assert await at.points() == ((1180, 0) if state == "let_go" else (780, 0))
        assert len(back) == (state != "issued")  # the invoice's money captured, or goes back
        assert sum("会退给您" in m.shown for m in at.ming.messages) == len(back)


def test_the_largest_confirm_button_fits_into_what_telegram_takes() -> None:
    most = redeem.Wanted(999_999, 99, 999, 9_900_000, 99_000_000, 99 * 1_000_000 // 2)
    cash = short(most.cash)
    data = redeem.feature.data("do", *most[:5], "n" * 8, "s" * 8, cash)
    assert len(data.encode()) <= 64 and long(cash) == most.cash
    assert [long(short(n)) for n in (0, 1, 35, 36, 1000)] == [0, 1, 35, 36, 1000]
    assert long("!") == long("") == 0
