"""Booking at outlets as members, counters and managers live it: choosing one, moving between them, closing a day at one, and
setting them up in chat. It is a Sunday, half past ten."""

from __future__ import annotations

from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from typing import Any

import pytest

from jobs import booking_reminders, bookings_today
from ledger.redeeming.booking import AtOutlet
from tests.conftest import Database
from tests.handlers.shop import code_on, shelve
from tests.handlers.test_booking import Scene, another, rule, scene, service
from tests.handlers.test_own_bookings import BEGUN, act, documents
from tests.handlers.till_scene import printed

NORTH, SOUTH = "江北店", "江南店"


@asynccontextmanager
async def chain(
    database: Database, *, language: str = "zh-hans", book: bool = True, at_once: int = 1, **running: Any
) -> AsyncIterator[Scene]:
    """A market with two outlets, which washes at both by appointment, with one place more at the second."""
    async with scene(database, language=language, offers=[], **running) as at:
        for name in (NORTH, SOUTH):
            await at.world.sql(
                "INSERT INTO outlet (merchant_id, name, opened_at)"
                " SELECT id, CAST(:name AS text), now() FROM merchant WHERE code = 'market'",
                name=name,
            )
        if book:
            both = (AtOutlet(outlet=NORTH), AtOutlet(outlet=SOUTH, at_once=at_once + 1))
            booking = rule("09:00", "12:00", outlets=both, at_once=at_once)
            await shelve(at.world, service("wash", "洗衣一次", "One wash", 300, booking, unused="forfeit"))
        yield at


async def to_the_outlets(at: Scene, who: Any = None) -> str:
    who = who or at.ming
    await who.says(f"/redeem {at.say['wash']}")
    await who.sees(at.say["wash"], fresh=True)
    await at.world.settled()
    await at.taps("wash", "300", who, "offer")
    return await at.taps("when", "去哪家店" if at.language != "en" else "Which outlet", who, "outlets")


async def book_at(at: Scene, outlet: str, hour: str = "10:00", who: Any = None) -> str:
    """From the catalog to the code."""
    await to_the_outlets(at, who)
    await at.taps(outlet, "哪天来" if at.language != "en" else "Which day", who, "days")
    await at.day("tomorrow", who)
    await at.hour(hour, who)
    await at.taps("book", "booked", who, "booked")
    return code_on(who or at.ming)


async def where(at: Scene) -> list[tuple[str, str]]:
    rows = await at.world.sql(
        "SELECT o.name, b.state FROM booking b LEFT JOIN outlet o ON o.id = b.outlet_id ORDER BY b.id"
    )
    return [(row.name, row.state) for row in rows]


@pytest.mark.parametrize("language", ["zh-hans", "en"])
async def test_an_outlet_is_chosen_first_and_seen_everywhere(database: Database, language: str) -> None:
    zh = language != "en"
    async with chain(database, language=language) as at:
        asked = await to_the_outlets(at)
        assert (f"[{NORTH} · 今天 11:00]" if zh else f"[{NORTH} · today 11:00]") in asked
        assert ("洗衣一次 · 云山超市" if zh else "One wash · Yunshan Market") in asked
        shown = await at.taps(NORTH, "哪天来" if zh else "Which day", None, "days")
        assert (f"云山超市 · {NORTH}" if zh else f"Yunshan Market · {NORTH}") in shown
        assert ("[换门店]" if zh else "[Another outlet]") in shown
        await at.taps("换门店" if zh else "Another outlet", "去哪家店" if zh else "Which outlet", None, "outlets again")
        await at.taps(SOUTH, "哪天来" if zh else "Which day", None, "days of the other")
        assert ("[10:00 · 余 2]" if zh else "[10:00 · 2 left]") in await at.day("tomorrow")
        assert SOUTH in await at.hour("10:00")
        assert await where(at) == [(SOUTH, "held")]
        assert SOUTH in await at.taps("book", "booked", title="booked")
        code = code_on(at.ming)
        said = f"[洗衣一次 · 明天 10:00 {SOUTH}]" if zh else f"[One wash · tomorrow 10:00 {SOUTH}]"
        assert said in await at.vouchers()
        await at.cashier.says(f"/verify {code}")
        await at.cashier.sees(f"约在{SOUTH}" if zh else f"Booked at {SOUTH}", fresh=True)
        await at.world.settled()
        at.read("counter", at.cashier)
        await at.taps("wash", code[:4], title="voucher")
        moving = await at.taps("move", "60", title="move: days")
        assert SOUTH in moving
        await at.taps(
            "换门店" if zh else "Another outlet", "改到哪家店" if zh else "Move to which", None, "move: outlets"
        )
        await at.taps(NORTH, "改到哪天" if zh else "Your time is kept", None, "move: days of the other")
        await at.day("tomorrow")
        sure = await at.hour("10:00")
        assert (f"原来{SOUTH}的 明天 10:00 会放给别人。" if zh else f"at {SOUTH} goes to others.") in sure
        assert NORTH in await at.taps("sure move", "moved", title="moved")
        assert await where(at) == [(NORTH, "booked")] and code_on(at.ming) == code
        at.passes(hours=8)
        await at.runs(booking_reminders.duty, "one")
        await at.ming.sees("明天 10:00 有预约" if zh else "You are booked for tomorrow 10:00")
        at.read("reminder")
        assert NORTH in printed(at.ming)
        at.passes(hours=13, minutes=35)
        await at.runs(bookings_today.duty, "three")
        await at.cashier.sees(f"{NORTH} 1 个" if zh else f"{NORTH}: 1", fresh=True)
        at.read("morning", at.cashier)
        today = await at.taps("今天的预约" if zh else "Today's bookings", "10:00", at.cashier, "today")
        assert f"10:00 {NORTH}" in today
        await at.taps("换门店" if zh else "Another outlet", "看哪家店" if zh else "Whose", at.cashier, "whose")
        assert ("还没有预约" if zh else "No bookings") in await at.taps(SOUTH, SOUTH, at.cashier, "today, the other")


async def test_two_after_the_last_time_of_one_outlet_and_a_third_at_the_other(database: Database) -> None:
    async with chain(database) as at:
        hong, lan = await another(at), await another(at, "小兰")
        for who, outlet in ((at.ming, NORTH), (hong, NORTH), (lan, SOUTH)):
            await to_the_outlets(at, who)
            await at.taps(outlet, "哪天来", who)
            await at.day("tomorrow", who)
        await at.hour("10:00")
        await hong.taps("10:00", message=hong.last)
        await hong.sees("约不上了", fresh=True)
        await at.world.settled()
        assert "[明天 11:00]" in printed(hong), "of the same outlet"
        await at.hour("10:00", lan)
        await at.hour("明天 11:00", hong)
        for who in (at.ming, hong, lan):
            await at.taps("book", "booked", who)
        assert sorted(await where(at)) == [(NORTH, "booked"), (NORTH, "booked"), (SOUTH, "booked")]
        assert NORTH in printed(hong)


async def test_where_one_outlet_alone_has_a_time_nothing_is_asked(database: Database) -> None:
    async with chain(database) as at:
        await at.world.sql("UPDATE outlet SET closed_at = now() WHERE name = :name", name=SOUTH)
        days = await at.to_the_days()
        assert f"洗衣一次 · 云山超市 · {NORTH}" in days and "换门店" not in days
        await at.day("tomorrow")
        await at.hour("10:00")
        await at.taps("book", "booked")
        await at.world.sql("UPDATE outlet SET closed_at = now() WHERE name = :name", name=NORTH)
        await at.ming.says("/redeem 洗衣一次")
        await at.ming.sees("洗衣一次", fresh=True)
        await at.world.settled()
        assert "时间都约满了" in await at.taps("wash", "300")


@pytest.mark.parametrize("language", ["zh-hans", "en"])
async def test_a_manager_closes_a_day_at_one_outlet(database: Database, language: str) -> None:
    zh = language != "en"
    async with chain(database, language=language) as at:
        hong = await another(at)
        await book_at(at, NORTH)
        await book_at(at, SOUTH, who=hong)
        await at.manager.says("/merchant")
        await at.world.settled()
        calendar = await at.taps("预约日历" if zh else "Booking calendar", "点一天" if zh else "Tap a day", at.manager)
        assert ("明天 周一 · 2 个" if zh else "Mon, tomorrow · 2") in calendar
        await at.taps("换门店" if zh else "Another outlet", "看哪家店" if zh else "Whose", at.manager, "whose")
        one = await at.taps(NORTH, NORTH, at.manager, "calendar of one")
        assert ("明天 周一 · 1 个" if zh else "Mon, tomorrow · 1") in one
        await at.taps("明天 周一" if zh else "Mon, tomorrow", "小明", at.manager, "a day at one")
        await at.taps("关掉这一天" if zh else "Close this day", NORTH, at.manager, "close at one?")
        await at.taps("确认关掉" if zh else "Close it", "1 位会员" if zh else "1 member", at.manager, "closed at one")
        await at.ming.sees("商户取消了" if zh else "The shop cancelled")
        at.read("closed, told")
        assert NORTH in printed(at.ming) and sorted(await where(at)) == [(NORTH, "freed"), (SOUTH, "booked")]
        everywhere = await at.taps("换门店" if zh else "Another outlet", "看哪家店" if zh else "Whose", at.manager)
        assert ("[全部门店]" if zh else "[All outlets]") in everywhere
        day = await at.taps("全部门店" if zh else "All outlets", f"10:00 {SOUTH}", at.manager, "the day everywhere")
        assert "小红" in day and "小明" not in day
        await at.taps(
            "关掉这一天" if zh else "Close this day", "所有门店" if zh else "every outlet", at.manager, "close all?"
        )
        await at.taps("不关" if zh else "Keep it open", SOUTH, at.manager)
        assert ("还没" if zh else "No ") not in printed(at.manager)


async def works_at(at: Scene, outlet: str) -> None:
    """The cashier begins a shift at an outlet."""
    await at.world.sql(
        "INSERT INTO till (merchant_id, outlet_id, label, opened_at) SELECT merchant_id, id, '1号台', :now FROM outlet"
        " WHERE name = :name",
        name=outlet,
        now=at.world.now(),
    )
    await at.cashier.says("/counter")
    await at.world.settled()
    for label in ("开班", "1号台"):
        await at.cashier.taps(label, message=at.cashier.last)
        await at.world.settled()


async def test_a_counter_sees_that_a_voucher_was_booked_at_another_outlet_and_its_own_list_first(
    database: Database,
) -> None:
    async with chain(database) as at:
        code = await book_at(at, SOUTH)
        await works_at(at, NORTH)
        await at.cashier.says(f"/verify {code}")
        await at.cashier.sees(f"约在{SOUTH},不是这家店", fresh=True)
        await at.world.settled()
        await at.taps("已交付", "验好了", at.cashier)
        assert await where(at) == [(SOUTH, "attended")]
        await at.cashier.says("/counter")
        await at.world.settled()
        mine = await at.taps("今天的预约", f"云山超市 · {NORTH}", at.cashier, "today, where I work")
        assert "还没有预约" in mine


async def test_closing_an_outlet_says_how_many_have_booked_there(database: Database) -> None:
    async with chain(database) as at:
        await book_at(at, SOUTH)
        await at.world.sql("UPDATE staff SET role = 'owner' WHERE role = 'manager'")
        await at.manager.says("/merchant")
        await at.world.settled()
        await at.taps("门店", "2 家", at.manager)
        await at.taps(SOUTH, "收银台", at.manager)
        asked = await at.taps("关闭门店", "关闭", at.manager, "close the outlet?")
        assert "这里还有 1 个预约,都照旧;不再接受新的。" in asked and "[预约日历]" in asked
        await at.taps("确认关闭", "1 家", at.manager)
        assert f"云山超市 · {SOUTH}" in (await at.vouchers() and await at.taps("wash", SOUTH))


async def test_a_manager_says_in_chat_at_which_outlets(database: Database) -> None:
    async with chain(database, book=False) as at:
        begun = await act(
            at, *BEGUN, "每天 9–18 点", "60 分钟", "1 位", "提前 2 小时", "积分不退", "不限", "不放照片", "预约…"
        )
        assert "[同时几位]  [在哪些店]" in begun or "[在哪些店]" in begun
        assert await act(at, "在哪些店") == (
            "在哪些店 · 洗衣一次\n在哪些店约?每家的位子分开算,会员先选店。\n点一家,或发给我,一家一行:\n江北店 周末 10-16 2位\n"
            f"[{NORTH}]  [{SOUTH}]\n[每家店都约]\n[返回]"
        )
        assert f"\n在哪些店:{NORTH}、{SOUTH}\n" in await act(at, "每家店都约")
        assert "没有门店「月球店」" in await act(at, "在哪些店", ">月球店 9-18")
        said = await act(at, f">{SOUTH}:周末 10-16 2位")
        assert f"\n在哪些店:{NORTH};{SOUTH} 周六、周日 10:00–16:00,2 位\n" in said
        asked = await act(at, "在哪些店")
        assert f"[✓ {NORTH}]  [✓ {SOUTH}]\n[不分店]" in asked
        assert f"\n在哪些店:{SOUTH} 周六、周日 10:00–16:00,2 位\n" in await act(at, f"✓ {NORTH}")
        assert "只有 30 分钟,不够 60 分钟" in await act(at, "在哪些店", f">{NORTH} 9-9:30")
        assert "那样那家店就一天也不开了" in await act(at, f">{SOUTH} 周六、周日休息")
        await act(at, f">{NORTH} 周一至周日 9-12\n{SOUTH} 3位")
        preview = await act(at, "预览")
        assert f"\n头几天能约的:\n{SOUTH} 最早 今天 11:00\n{NORTH} 最早 今天 11:00\n" in preview, preview
        assert "2 家门店可约" in preview and f"最早 今天 11:00 · {SOUTH}" in preview
        await act(at, "发布")
        booking = (await documents(at))[-1]["booking"]
        assert [(each["outlet"], each.get("at_once")) for each in booking["outlets"]] == [(SOUTH, 3), (NORTH, None)]
        assert f"[{NORTH} · 今天 11:00]" in await to_the_outlets(at)
        assert f"\n{SOUTH} 周六、周日 10:00–16:00,3 位;{NORTH} 每天 09:00–12:00\n" in await act(
            at, ">/shelf", "洗衣一次"
        )
        assert "没有改动" not in await act(at, "改", "预约…", "在哪些店", "不分店")
        await act(at, "发布")
        assert "outlets" not in (await documents(at))[-1]["booking"]


async def test_the_same_in_english(database: Database) -> None:
    async with chain(database, language="en", book=False) as at:
        await act(
            at, ">/shelf", "New", "Service", ">洗衣一次 / One wash", "Home", ">300", "Leave out", "Daily 9–18", ">1h", ">1",
            ">2", "Points", "No limit",
        )  # fmt: skip
        await act(at, "No photo", "Booking…")
        await act(at, "Outlets", f">{NORTH} Sat-Sun 10-16 2 people")
        shown = await act(at, "Outlets", SOUTH)
        assert f"\nOutlets: {NORTH} Sat, Sun 10:00–16:00, 2 at once; {SOUTH}\n" in shown, shown
        assert f"{SOUTH}: from today 11:00" in await act(at, "Preview")


async def test_an_outlet_that_closed_meanwhile_is_asked_for_again(database: Database) -> None:
    async with chain(database) as at:
        await act(at, ">/shelf", "洗衣一次", "改", "预约…", "同时几位", "4 位")
        await at.world.sql("UPDATE outlet SET closed_at = now() WHERE name = :name", name=SOUTH)
        asked = await act(at, "发布")
        assert asked.startswith(f"没有门店「{SOUTH}」") and "[不分店]" in asked
        await act(at, f">{SOUTH} 不约")
        assert "改好了" in await act(at, "发布")
