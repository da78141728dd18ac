"""Booking as members, counters and managers live it: choosing a time, holding it, moving and cancelling it, coming or not."""

from __future__ import annotations

import datetime as dt
import os
from collections.abc import AsyncIterator, Sequence
from contextlib import asynccontextmanager
from dataclasses import dataclass
from typing import Any

import pytest

from bot.clock import Clock
from bot.double.double import Person
from bot.leads import take
from bot.timetable import Timetable
from chat.arguments import date, instant, minute, short
from handlers import booking
from jobs import booking_reminders, bookings, bookings_today
from jobs.duty import Duty
from ledger.members import person
from ledger.merchants import merchant as merchants
from ledger.merchants import staff
from ledger.points.audit import audit
from ledger.redeeming.booking import Booking, Hours
from ledger.redeeming.offers import Names, Offer, PerUnit
from tests.conftest import Database
from tests.driver import ZONE, World
from tests.handlers.at import bot_then
from tests.handlers.shop import code_on, gives, offer, shelve, shop
from tests.handlers.till_scene import printed

MORNING = dt.datetime(2026, 11, 22, 10, 30, tzinfo=ZONE)
"""A Sunday."""
DAILY = (1, 2, 3, 4, 5, 6, 7)


def rule(open_: str, close: str, minutes: int = 60, **more: object) -> Booking:
    hours = Hours(weekdays=DAILY, open=dt.time.fromisoformat(open_), close=dt.time.fromisoformat(close))
    return Booking(**{"slot_minutes": minutes, "hours": (hours,), "days_ahead": 2, "cut_off_hours": 2, **more})  # type: ignore[arg-type]


def service(code: str, zh: str, en: str, points: int, booking: Booking, **more: object) -> Offer:
    price = PerUnit(points=points, value_minor=points * 5)
    return offer(code, zh, en, "market", price, **{"kind": "service", "category": "home", "booking": booking, **more})


WASH = service("wash", "洗衣一次", "One wash", 300, rule("09:00", "12:00"), unused="forfeit")
CLEANING = service(
    "cleaning", "珠宝清洗保养", "Jewellery cleaning", 20_000,
    rule("14:00", "16:00", 30, cut_off_hours=24, lead_hours=24), category="jewellery", unused="forfeit",
)  # fmt: skip
COACH = service("coach", "私教一小时", "An hour with a coach", 5000, rule("18:00", "20:00"), category="sport")

ZH = {
    "wash": "洗衣一次", "when": "选时间", "tomorrow": "明天 周一", "today": "今天 周日", "book": "确认预约", "booked": "约好了",
    "move": "改时间", "sure move": "确认改", "moved": "改好了", "cancel": "取消预约", "sure cancel": "确认取消",
    "back whole": "300 分已原样退回", "tuesday": "周二", "taken": "约不上了", "another": "换个时间", "back": "返回",
    "change until": "前可以取消或改时间",
}  # fmt: skip
EN = {
    "wash": "One wash", "when": "Choose a time", "tomorrow": "Mon, tomorrow", "today": "Sun, today", "book": "Book it",
    "booked": "Booked", "move": "Move it", "sure move": "Move it", "moved": "Moved", "cancel": "Cancel it",
    "sure cancel": "Cancel it", "back whole": "300 pts are back as they were", "tuesday": "Tue", "taken": "is taken",
    "another": "Another time", "back": "Back", "change until": "Cancel or move it until",
}  # fmt: skip


@dataclass
class Scene:
    """A market that washes, cleans and coaches by appointment; its manager and cashier; somebody with points."""

    world: World
    ming: Person
    manager: Person
    cashier: Person
    say: dict[str, str]
    language: str

    def read(self, title: str, who: Person | None = None) -> None:
        """Prints a screen where somebody wants to read them all."""
        if os.environ.get("SCREENS"):
            print(f"\n== {title} [{self.language}]\n{printed(who or self.ming)}")

    async def taps(self, label: str, sees: str, who: Person | None = None, title: str = "") -> str:
        """Taps, and waits for what has to be seen."""
        who = who or self.ming
        await who.taps(self.say.get(label, label), message=who.last)
        await who.sees(self.say.get(sees, sees), fresh=True)
        await self.world.settled()
        self.read(title or label, who)
        return printed(who)

    async def to_the_days(self, who: Person | None = None) -> str:
        """From the catalog to the days of the washing."""
        who = who or self.ming
        await who.says(f"/redeem {self.say['wash']}")
        await who.sees(self.say["wash"], fresh=True)
        await self.world.settled()
        await self.taps("wash", "300", who, "offer")
        return await self.taps("when", "哪天来" if self.language != "en" else "Which day", who, "days")

    async def chooses(self, day: str = "tomorrow", hour: str = "10:00", who: Person | None = None) -> str:
        """From the catalog to the confirm screen."""
        await self.to_the_days(who)
        await self.day(day, who)
        return await self.hour(hour, who)

    async def day(self, day: str, who: Person | None = None) -> str:
        who = who or self.ming
        await who.taps(self.say.get(day, day), message=who.last)
        await who.sees("几点" if self.language != "en" else "at what time", fresh=True)
        await self.world.settled()
        self.read("hours", who)
        return printed(who)

    async def hour(self, hour: str, who: Person | None = None) -> str:
        who = who or self.ming
        await who.taps(hour, message=who.last)
        await who.sees("位子给您留" if self.language != "en" else "Held for you", fresh=True)
        await self.world.settled()
        self.read("confirm", who)
        return printed(who)

    async def books(self, day: str = "tomorrow", hour: str = "10:00", who: Person | None = None) -> str:
        """All of it; the code."""
        await self.chooses(day, hour, who)
        await self.taps("book", "booked", who, "booked")
        return code_on(who or self.ming)

    async def vouchers(self) -> str:
        await self.ming.says("/vouchers")
        await self.ming.sees("我的券" if self.language != "en" else "My vouchers", fresh=True)
        await self.world.settled()
        self.read("vouchers")
        return printed(self.ming)

    async def places(self) -> list[tuple[str, str]]:
        rows = await self.world.sql("SELECT starts_at, state FROM booking ORDER BY id")
        return [(f"{row.starts_at.astimezone(ZONE):%d %H:%M}", row.state) for row in rows]

    async def points(self) -> int:
        [row] = await self.world.sql("SELECT coalesce(sum(points), 0) FROM entry WHERE kind = 'burn'")
        [back] = await self.world.sql("SELECT coalesce(sum(points), 0) FROM entry WHERE kind = 'reinstate'")
        return int(row[0]) - int(back[0])

    async def runs(self, duty: Duty, holder: str) -> None:
        """What one duty does now."""
        timetable = Timetable(self.world.database.engine, self.world.vault, Clock(ZONE, self.world.now), [duty])
        async with self.world.database.engine.begin() as tx:
            lease = await take(tx, holder, holder)
        assert lease is not None
        await timetable.catch_up(lease)
        await self.world.settled()

    def passes(self, **time: float) -> None:
        """So much later."""
        self.world.wall_offset += dt.timedelta(**time)


@asynccontextmanager
async def scene(
    database: Database, *, language: str = "zh-hans", offers: Sequence[Offer] = (WASH,), points: int = 1180,
    now: dt.datetime = MORNING, **running: Any,
) -> AsyncIterator[Scene]:  # fmt: skip
    async with bot_then(database, now=now, setup=shop, **running) as world:
        await shelve(world, *offers)
        ming = await world.member(language=language)
        manager, cashier = await world.member("店长小山", language), await world.member("收银小红", language)
        await gives(world, ming, points)
        async with world.database.engine.begin() as tx:
            market = await merchants.by_code(tx, "market")
            for who, role, label in ((manager, "manager", "店长"), (cashier, "cashier", "3号台")):
                member = await person.find(tx, world.vault, who.id)
                assert member is not None
                await staff.add(
                    tx, merchant_id=market.id, member_id=member, role=role, label=label, by="test", now=world.now()
                )
        yield Scene(world, ming, manager, cashier, EN if language == "en" else ZH, language)
        async with world.database.engine.begin() as tx:
            assert (await audit(tx)).violations == ()
        assert await world.sql("SELECT key FROM failure") == []


async def another(at: Scene, name: str = "小红") -> Person:
    """Somebody else with points."""
    who = await at.world.member(name, at.language)
    await gives(at.world, who, 1180)
    return who


@pytest.mark.parametrize("language", ["zh-hans", "en"])
async def test_booked_moved_and_cancelled(database: Database, language: str) -> None:
    async with scene(database, language=language) as at:
        days = await at.to_the_days()
        assert at.say["today"] in days and at.say["tomorrow"] in days
        hours = await at.day("tomorrow")
        assert "[09:00]  [10:00]  [11:00]" in hours
        confirm = await at.hour("10:00")
        assert ("300 分,值 ¥15" if language != "en" else "300 pts, worth ¥15") in confirm
        assert at.say["change until"] in confirm
        assert await at.places() == [("23 10:00", "held")]
        await at.taps("book", "booked", title="booked")
        assert await at.places() == [("23 10:00", "booked")] and await at.points() == 300
        code = code_on(at.ming)
        assert ("[洗衣一次 · 明天 10:00]" if language != "en" else "[One wash · tomorrow 10:00]") in await at.vouchers()
        await at.taps("wash", code[:4], title="voucher")
        await at.taps("move", "60", title="move: days")
        await at.day("tuesday")
        assert ("改到" if language != "en" else "Move it to") in await at.hour("09:00")
        await at.taps("sure move", "moved", title="moved")
        assert code_on(at.ming) == code and await at.places() == [("24 09:00", "booked")]
        await at.taps("cancel", "预约?" if language != "en" else "Cancel the booking", title="cancel?")
        await at.taps("sure cancel", "back whole", title="cancelled")
        assert await at.places() == [("24 09:00", "freed")] and await at.points() == 0


@pytest.mark.parametrize("language", ["zh-hans", "en"])
async def test_of_two_after_the_last_hour_one_gets_it_and_the_other_hears_which_are_free(
    database: Database, language: str
) -> None:
    async with scene(database, language=language) as at:
        hong = await another(at)
        await at.to_the_days()
        await at.to_the_days(hong)
        await at.day("tomorrow")
        await at.day("tomorrow", hong)
        await at.hour("10:00")
        await hong.taps("10:00", message=hong.last)
        await hong.sees(at.say["taken"], fresh=True)
        await at.world.settled()
        at.read("taken", hong)
        assert "11:00" in printed(hong) and "10:00]" not in printed(hong)
        await at.hour("明天 11:00" if language != "en" else "tomorrow 11:00", hong)
        await at.taps("book", "booked", hong)
        await at.taps("book", "booked")
        assert sorted(await at.places()) == [("23 10:00", "booked"), ("23 11:00", "booked")]


async def test_a_full_hour_and_a_full_day_say_so(database: Database) -> None:
    async with scene(database) as at:
        for hour, name in (("09:00", "甲"), ("10:00", "乙")):
            await at.books(hour=hour, who=await another(at, name))
        days = await at.to_the_days()
        assert "[明天 周一 · 余 1]" in days
        assert "[09:00 满]  [10:00 满]  [11:00]" in await at.day("tomorrow")
        await at.books(hour="11:00", who=await another(at, "丙"))
        assert "[明天 周一 · 满]" in await at.to_the_days()
        at.read("a full day")


@pytest.mark.parametrize("language", ["zh-hans", "en"])
async def test_where_every_hour_is_taken_the_offer_says_when_more_can_be_booked(
    database: Database, language: str
) -> None:
    one = service("wash", "洗衣一次", "One wash", 300, rule("09:00", "10:00", days_ahead=1))
    async with scene(database, language=language, offers=[one]) as at:
        await at.books(hour="09:00", who=await another(at))
        await at.ming.says(f"/redeem {at.say['wash']}")
        await at.ming.sees(at.say["wash"], fresh=True)
        await at.world.settled()
        at.read("list, full")
        assert ("约满了,明天再放" if language != "en" else "full, more tomorrow") in printed(at.ming)
        full = await at.taps("wash", "约满了" if language != "en" else "Every time is taken", title="full")
        assert at.say["when"] not in full


async def test_going_back_or_choosing_anew_frees_the_place(database: Database) -> None:
    async with scene(database) as at:
        await at.chooses()
        await at.taps("another", "哪天来")
        assert await at.places() == []
        await at.day("tomorrow")
        await at.hour("11:00")
        assert await at.places() == [("23 11:00", "held")]
        await at.taps("back", "您可用")
        assert await at.places() == [] and await at.points() == 0


@pytest.mark.parametrize("language", ["zh-hans", "en"])
async def test_a_place_to_move_to_is_held_until_it_is_taken_or_left(database: Database, language: str) -> None:
    async with scene(database, language=language) as at:
        hong = await another(at)
        await at.books()
        full = "[09:00 满]" if language != "en" else "[09:00 full]"

        async def about_to_move() -> None:
            await at.taps("move", "60")
            await at.day("tuesday")
            await at.hour("09:00")

        async def tuesday_of_hong() -> str:
            await at.to_the_days(hong)
            return await at.day("tuesday", hong)

        await about_to_move()
        assert await at.places() == [("23 10:00", "booked"), ("24 09:00", "held")]
        assert full in await tuesday_of_hong()
        await at.taps("不改了" if language != "en" else "Leave it", "60" if language == "en" else "分钟")
        assert await at.places() == [("23 10:00", "booked")]
        assert full not in await tuesday_of_hong()
        await about_to_move()
        await at.taps("another", "60")
        assert await at.places() == [("23 10:00", "booked")]
        await at.day("tuesday")
        await at.hour("09:00")
        await at.taps("sure move", "moved")
        assert await at.places() == [("24 09:00", "booked")]


async def test_a_confirmation_that_comes_late_counts_while_the_place_is_free(database: Database) -> None:
    async with scene(database) as at:
        await at.chooses()
        at.passes(minutes=20)
        await at.taps("book", "booked")
        assert await at.places() == [("23 10:00", "booked")]


async def test_a_confirmation_that_comes_too_late_charges_nothing_and_names_free_hours(database: Database) -> None:
    async with scene(database) as at:
        await at.chooses()
        at.passes(minutes=11)
        await at.books(who=await another(at))
        await at.taps("book", "taken", title="too late")
        assert "没有扣分" in printed(at.ming) and await at.points() == 300
        await at.hour("明天 11:00")
        await at.taps("book", "booked")
        assert sorted(await at.places()) == [("23 10:00", "booked"), ("23 11:00", "booked")]


async def test_two_taps_and_a_delivery_twice_are_one_booking(database: Database) -> None:
    async with scene(database) as at:
        await at.chooses()
        screen = at.ming.last
        tap = await at.ming.taps("确认预约", message=screen)
        await at.ming.taps("确认预约", message=screen)
        await at.world.settled()
        await at.world.double.redeliver(tap.update_id)
        await at.world.settled()
        assert await at.places() == [("23 10:00", "booked")] and await at.points() == 300


async def test_a_worker_that_is_restarted_midway_still_holds_the_place(database: Database) -> None:
    async with scene(database) as at:
        await at.chooses()
        await at.world.restart()
        hong = await another(at)
        await at.to_the_days(hong)
        assert "[10:00 满]" in await at.day("tomorrow", hong)
        await at.taps("book", "booked")


async def test_a_price_that_changed_meanwhile_is_shown_and_charges_nothing(database: Database) -> None:
    async with scene(database) as at:
        await at.chooses()
        await shelve(at.world, WASH.model_copy(update={"price": PerUnit(points=350, value_minor=1500)}))
        await at.taps("book", "价格或内容刚刚变了")
        assert "350 分" in printed(at.ming) and await at.points() == 0
        await at.taps("book", "booked")
        assert await at.points() == 350


async def test_after_the_cut_off_only_the_undo_window_is_left_and_then_nothing(database: Database) -> None:
    async with scene(database, now=MORNING.replace(hour=9, minute=30)) as at:
        await at.to_the_days()
        await at.day("today")
        assert "只有 10 分钟内可以撤回" in await at.hour("11:00")
        shown = await at.taps("book", "booked", title="booked, after the cut-off")
        assert "前可以撤回" in shown and "[撤回]" in shown and "改时间" not in shown
        at.passes(minutes=11)
        await at.vouchers()
        late = await at.taps("wash", "请准时来", title="too late to change")
        assert "撤回" not in late and "[改时间]" not in late


async def test_stale_buttons_are_told_kindly(database: Database) -> None:
    async with scene(database) as at:
        await at.books()
        shown = at.ming.last
        at.passes(hours=22)  # an hour and a half before: the cut-off is over
        await at.ming.taps("改时间", message=shown)
        await at.ming.sees("改时间的期限过了", fresh=True)
        await at.world.settled()
        at.read("too late to move")
        await at.ming.taps("取消预约", message=shown)
        await at.ming.sees("撤回的时间过了", fresh=True)


@pytest.mark.parametrize("language", ["zh-hans", "en"])
async def test_the_counter_reads_the_time_and_whoever_comes_is_marked(database: Database, language: str) -> None:
    async with scene(database, language=language) as at:
        code = await at.books()
        at.passes(hours=21, minutes=30)  # eight in the morning
        await at.cashier.says(f"/verify {code}")
        await at.cashier.sees("早到 2 小时" if language != "en" else "2 hours early", fresh=True)
        await at.world.settled()
        at.read("verify, early", at.cashier)
        at.passes(hours=2, minutes=10)
        await at.cashier.says(f"/verify {code}")
        await at.cashier.sees("晚到 10 分钟" if language != "en" else "10 minutes late", fresh=True)
        await at.world.settled()
        done = "已交付" if language != "en" else "Handed over"
        await at.taps(done, "会员已收到通知" if language != "en" else "told", at.cashier)
        assert await at.places() == [("23 10:00", "attended")]
        await at.cashier.says("/counter")
        await at.cashier.sees("收银台" if language != "en" else "Till", fresh=True)
        await at.world.settled()
        label = "今天的预约" if language != "en" else "Today's bookings"
        shown = await at.taps(label, "10:00", at.cashier, "today's bookings")
        assert "小明" in shown and ("来了" if language != "en" else "came") in shown
        assert ("关掉" if language != "en" else "Close this") not in shown, "that is for those who run it"


async def test_a_code_shown_on_another_day_says_that_it_is_not_today(database: Database) -> None:
    async with scene(database) as at:
        code = await at.books()
        await at.cashier.says(f"/verify {code}")
        await at.cashier.sees("不是今天", fresh=True)
        at.read("verify, another day", at.cashier)


@pytest.mark.parametrize("language", ["zh-hans", "en"])
async def test_whoever_did_not_come_hears_so_kindly(database: Database, language: str) -> None:
    async with scene(database, language=language) as at:
        code = await at.books()
        at.passes(hours=25, minutes=1)  # half past eleven: half an hour after its end
        await at.runs(bookings.duty, "one")
        await at.ming.sees("没等到您" if language != "en" else "We missed you")
        at.read("missed")
        assert ("300 分不退回" if language != "en" else "300 pts") in at.ming.last.text
        await at.runs(bookings.duty, "two")
        told = [m for m in at.ming.messages if ("没等到您" if language != "en" else "We missed you") in (m.text or "")]
        assert len(told) == 1 and await at.places() == [("23 10:00", "missed")] and await at.points() == 300
        await at.cashier.says(f"/verify {code}")
        await at.cashier.sees("预约的时间过了" if language != "en" else "The booked time is over", fresh=True)
        await at.world.settled()
        at.read("verify, missed", at.cashier)
        assert ("今天 10:00 没有来" if language != "en" else "today 10:00, missed") in await at.vouchers()


@pytest.mark.parametrize("language", ["zh-hans", "en"])
async def test_members_and_counters_are_reminded(database: Database, language: str) -> None:
    async with scene(database, language=language) as at:
        await at.books()
        at.passes(hours=8)  # half past six in the evening
        await at.runs(booking_reminders.duty, "one")
        await at.ming.sees("明天 10:00 有预约" if language != "en" else "You are booked for tomorrow 10:00")
        at.read("reminder")
        before = len(at.ming.messages)
        at.passes(hours=1)
        await at.runs(booking_reminders.duty, "two")
        assert len(at.ming.messages) == before
        at.passes(hours=12, minutes=35)  # five past eight
        await at.runs(bookings_today.duty, "three")
        await at.cashier.sees("今天有 1 个预约" if language != "en" else "1 booking today")
        at.read("morning", at.cashier)
        await at.taps(
            "今天的预约" if language != "en" else "Today's bookings", "10:00", at.cashier, "today, from the morning's notice"
        )  # fmt: skip


@pytest.mark.parametrize("language", ["zh-hans", "en"])
async def test_a_manager_closes_a_day_and_who_had_booked_has_everything_back(database: Database, language: str) -> None:
    zh = language != "en"
    async with scene(database, language=language) as at:
        await at.books()
        await at.manager.says("/merchant")
        await at.world.settled()
        await at.taps("预约日历" if zh else "Booking calendar", "点一天" if zh else "Tap a day", at.manager, "calendar")
        await at.taps("明天 周一" if zh else "Mon, tomorrow", "小明", at.manager, "a day")
        await at.taps("关掉这一天" if zh else "Close this day", "1 个" if zh else "1 booking", at.manager, "close?")
        await at.taps("确认关掉" if zh else "Close it", "1 位会员" if zh else "1 member", at.manager, "closed")
        await at.ming.sees("商户取消了" if zh else "The shop cancelled")
        at.read("closed, told")
        assert await at.places() == [("23 10:00", "freed")] and await at.points() == 0
        days = await at.to_the_days()
        assert at.say["tomorrow"] not in days
        await at.taps(
            "重新开放" if zh else "Open it again", "重新开放了" if zh else "Open again", at.manager, "reopened"
        )
        assert at.say["tomorrow"] in await at.to_the_days()


async def test_a_day_that_filled_meanwhile_is_not_closed_unseen(database: Database) -> None:
    async with scene(database) as at:
        await at.manager.says("/merchant")
        await at.world.settled()
        for label, sees in (("预约日历", "点一天"), ("明天 周一", "还没有预约"), ("关掉这一天", "还没有预约")):
            await at.taps(label, sees, at.manager, f"empty: {label}")
        await at.books()
        await at.taps("确认关掉", "刚刚又有人约了", at.manager)
        assert await at.places() == [("23 10:00", "booked")]


async def test_many_days_hours_and_bookings_come_in_pages(database: Database) -> None:
    busy = service("wash", "洗衣一次", "One wash", 300, rule("09:00", "18:00", 15, days_ahead=30, at_once=12))
    async with scene(database, offers=[busy]) as at:
        first = await at.to_the_days()
        assert first.count("余") == 14 and "[更晚]" in first
        second = await at.taps("更晚", "哪天来")
        assert "[12月6日 周日 · 余 432]" in second and "[更早]  [更晚]" in second
        await at.taps("更早", "哪天来")
        hours = await at.day("tomorrow")
        assert hours.count("余 12") == 24 and "[更晚]" in hours
        assert "[17:45 · 余 12]" in await at.taps("更晚", "几点")
        await at.hour("17:45")
        await at.taps("book", "booked")
        await at.world.sql(  # eleven more in the same hour, as if others had come
            "WITH more AS (INSERT INTO redemption (member_id, nonce, offer_id, offer_version, merchant_id, currency_id, points,"
            " value_minor, code_index, state, entry_id, issued_at, issued_on, undo_until, valid_until)"
            " SELECT r.member_id, 'more' || n, r.offer_id, r.offer_version, r.merchant_id, r.currency_id, r.points,"
            " r.value_minor, r.code_index || int4send(n), r.state, r.entry_id, r.issued_at, r.issued_on, r.undo_until,"
            " r.valid_until FROM redemption r, generate_series(2, 12) n RETURNING id)"
            " INSERT INTO booking (offer_id, merchant_id, member_id, redemption_id, starts_at, ends_at, day, place, state,"
            " chosen_at, change_until, kept_until) SELECT b.offer_id, b.merchant_id, b.member_id, m.id, b.starts_at, b.ends_at,"
            " b.day, 1 + row_number() OVER (), b.state, b.chosen_at, b.change_until, b.kept_until FROM booking b, more m"
        )
        await at.to_the_days()
        await at.day("tomorrow")
        assert "[17:45 满]" in await at.taps("更晚", "几点")
        await at.manager.says("/merchant")
        await at.world.settled()
        await at.taps("预约日历", "明天 12 个", at.manager)
        page = await at.taps("明天 周一", "一共 12 个", at.manager)
        assert page.count("17:45") == 10 and "[下一页]" in page
        assert (await at.taps("下一页", "一共 12 个", at.manager)).count("17:45") == 2


def test_the_largest_confirm_button_fits_and_odd_buttons_name_nothing() -> None:
    late = dt.datetime(2999, 12, 31, tzinfo=dt.UTC)
    said = (short(9_900_000), short(99_000_000), minute(late), "n" * 8, "s" * 8)
    assert len(booking.feature.data("do", 999_999, 999, *said).encode()) <= 64
    assert instant(minute(late)) == late and date("2028-02-29") == dt.date(2028, 2, 29)
    assert {instant(odd).year for odd in ("", "!", "zzzzzzzzzzzz", "z" * 30)} == {1970}
    assert date("2027-02-29") == date("x") == date("9999-12-31") == dt.date(1970, 1, 1)


async def test_odd_buttons_are_answered(database: Database) -> None:
    async with scene(database) as at:
        await at.to_the_days()
        offer_id = str(at.ming.last.buttons[0][0].data).split(":")[2]
        odd = [
            (f"booking:day:{offer_id}:x", "这一天不能约了"),
            (f"redeem:choose:{offer_id}", "哪天来"),
            (f"booking:take:{offer_id}:zzzzzzzzzzzz", "约不上了"),
            ("booking:move:999:0", "没有这张券"),
            (f"booking:do:{offer_id}:1:8c:14:0:n:s", "约不上了"),
            (f"booking:day:{offer_id}:9999-12-31", "这一天不能约了"),
            (f"redeem:confirm:{offer_id}:1", "哪天来"),
        ]
        await presses(at, at.ming, odd)
        assert await at.places() == [] and await at.points() == 0
        await at.manager.says("/merchant")
        await at.world.settled()
        await at.taps("预约日历", "点一天", at.manager)
        merchant = str(at.manager.last.buttons[0][0].data).split(":")[2]
        forged = []
        for day, seen in (("x", "还没有预约"), ("2026-11-21", "昨天"), ("2999-12-31", "2999")):
            forged += [
                (f"calendar:closed:{merchant}:{day}:0", "这一天改不了"),
                (f"calendar:day:{merchant}:{day}", seen),
            ]
        forged += [(f"calendar:home:{merchant}:99", "点一天"), (f"calendar:today:{merchant}", "今天 周日的预约")]
        await presses(at, at.manager, forged)


async def presses(at: Scene, who: Person, odd: Sequence[tuple[str, str]]) -> None:
    """Taps buttons that nobody was given, and waits for what each is answered."""
    for data, sees in odd:
        button = who.last.buttons[0][0]
        object.__setattr__(button, "data", data)
        who.presses(who.last, button)
        await who.sees(sees, fresh=True)
        await at.world.settled()


FIGURES = [(WASH, 300, "09:00"), (CLEANING, 20_000, "14:30"), (COACH, 5000, "18:00")]


@pytest.mark.parametrize(("document", "points", "hour"), FIGURES, ids=lambda each: getattr(each, "code", str(each)))
async def test_a_washing_a_cleaning_and_a_coaching_hour(
    database: Database, document: Offer, points: int, hour: str
) -> None:
    async with scene(database, offers=[WASH, CLEANING, COACH], points=30_000) as at:
        name: Names = document.name
        await at.ming.says(f"/redeem {name.zh}")
        await at.ming.sees(name.zh, fresh=True)
        await at.world.settled()
        await at.taps(name.zh, "规则")
        await at.taps("when", "哪天来")
        await at.day("周二")
        await at.hour(hour)
        await at.taps("book", "booked")
        assert await at.points() == points and (await at.places())[0] == (f"24 {hour}", "booked")
