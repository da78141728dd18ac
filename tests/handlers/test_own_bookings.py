"""A merchant sets up what is booked wholly in chat: asked part by part, changed by taps and by typing, seen with its first free
times, published, booked by a member, changed again. It is a Sunday, half past ten."""

from __future__ import annotations

from typing import Any

from bot.double.people import Person
from ledger.redeeming.offers import Offer, PerUnit
from tests.conftest import Database
from tests.driver import bot_running
from tests.handlers.shelf_scene import says, taps
from tests.handlers.shop import gives, shelve
from tests.handlers.test_booking import Scene, rule, scene, service
from tests.handlers.test_privileges import giving, gold
from tests.handlers.till_scene import open_shop, printed

NAME = "洗衣一次"
BEGUN = (">/shelf", "新建", "服务", f">{NAME} / One wash", "居家", ">300", "不写")
"""A new service up to where its hours are asked."""


async def act(at: Scene, *acts: str, who: Person | None = None) -> str:
    """Taps, and what begins with «>» is typed; the screen after the last."""
    who, shown = who or at.manager, ""
    for each in acts:
        shown = await (says(at.world, who, each[1:]) if each.startswith(">") else taps(at.world, who, each))
        at.read(each, who)
    return shown


async def documents(at: Scene) -> list[dict[str, Any]]:
    """The documents of all versions, the latest last."""
    rows = await at.world.sql(
        "SELECT document FROM offer_version WHERE document ->> 'merchant' = 'market' ORDER BY offer_id, version"
    )
    return [dict(row.document) for row in rows if row.document["kind"] == "service"]


async def test_what_a_manager_sets_up_by_taps_and_typing_a_member_books(database: Database) -> None:
    async with scene(database, offers=[]) as at:
        assert await act(at, *BEGUN) == (
            "预约时间 · 洗衣一次\n每周哪些时间可以约?点一个,或发给我:\n周一至周五 9-12 13-18\n周末 10-16 午休 12-13\n"
            "[每天 9–18 点]  [每天 10–22 点]\n[工作日 9–18 点]  [周末 10–18 点]\n[不用预约]\n[看草稿]  [先放着]"
        )
        assert (await act(at, ">周一至周五 9-12 13-18")).startswith("每次多久 · 洗衣一次\n")
        assert (await act(at, "60 分钟")).startswith("同时几位 · 洗衣一次\n同一时间能接待几位?\n")
        assert (await act(at, "2 位")).startswith("取消期限 · 洗衣一次\n提前几小时以上可以取消、改时间?\n")
        assert (await act(at, "提前 2 小时")).startswith("没来的话 · 洗衣一次\n约了没来,积分退回会员吗?\n")
        assert (await act(at, "积分不退")).startswith("每人限量 · ")  # neither pieces nor days: its hours are both
        draft = await act(at, "不限", "不放照片", "预约…")
        assert draft == (
            "新的兑换 · 云山超市\n种类:服务\n名称:洗衣一次 / One wash\n哪一类:居家\n价格:300 分\n值多少:没写\n总份数:不限\n"
            "每人限量:不限\n预约时间:周一至周五 09:00–12:00、13:00–18:00\n每次多久:60 分钟\n同时几位:2 位\n能约多远:14 天内\n"
            "取消期限:提前 2 小时\n没来的话:积分不退\n[预览]  [发布]\n[预约时间]  [每次多久]  [同时几位]\n"
            "[能约多远]  [最晚约]  [取消期限]\n[没来的话]  [结束后再等]\n[常用的]  [更多…]\n[丢掉]  [先放着]"
        )
        assert await act(at, "能约多远", "返回") == draft
        assert "\n能约多远:7 天内\n最晚约:提前 24 小时\n" in await act(at, "能约多远", ">1周", "最晚约", ">1天")
        said = await act(at, "结束后再等", "15 分钟", "预约时间", ">周一至周五 9-18 午休12-13,周末 10-16")
        assert "\n预约时间:周一至周五 09:00–12:00、13:00–18:00;周六、周日 10:00–16:00\n" in said
        assert "\n结束后再等:15 分钟\n" in said
        assert await act(at, "预览") == (
            "洗衣一次 · 云山超市\n300 分\n\n您可用 300 分,换后剩 0 分\n最早 明天 11:00\n\n"
            "规则:要预约,每次 60 分钟;提前 2 小时以上可以取消,积分全退;没来的话积分不退\n\n头几天能约的:\n"
            "明天 周一 6 个:11:00 13:00 14:00…\n11月24日 周二 8 个:09:00 10:00 11:00…\n11月25日 周三 8 个:09:00 10:00 11:00…\n"
            "[中文]  [英文]\n[再改改]  [发布]"
        )
        assert await act(at, "发布") == (
            "上架了\n洗衣一次\n300 分 · 本月换出 0 份\n会员现在就能找到它、换它。\n[看它]  [货架]\n[预约日历]\n"
            "[再新建一项]  [主菜单]"
        )
        days = await at.to_the_days()
        assert "[明天 周一 · 余 12]  [24日 周二 · 余 16]" in days and "[29日 周日 · 余 12]" in days
        assert "[11:00 · 余 2]  [13:00 · 余 2]" in await at.day("tomorrow")
        await at.hour("11:00")
        await at.taps("book", "booked")
        assert "接下来有 1 个预约\n" in await act(at, ">/shelf", NAME)
        assert "\n周一至周五 09:00–12:00、13:00–18:00;周六、周日 10:00–16:00\n每次 60 分钟,同时 2 位\n" in printed(
            at.manager
        )
        assert "明天 周一 · 1 个" in await act(at, "预约日历")


async def test_the_same_in_english(database: Database) -> None:
    async with scene(database, offers=[], language="en") as at:
        asked = await act(
            at, ">/shelf", "New", "Service", f">{NAME} / One wash", "Home", ">300", "Leave out", ">whenever"
        )
        assert asked == (
            "“whenever”? Try Mon-Fri 9-12 13-18\nBooking hours · One wash\nBookable when? Tap one, or send hours:\n"
            "Mon-Fri 9-12 13-18\nSat-Sun 10-16 lunch 12-13\n[Daily 9–18]  [Daily 10–22]\n[Mon–Fri 9–18]  [Weekends 10–18]\n"
            "[No booking]\n[See the draft]  [Later]"
        )
        assert "How long is each?" in await act(at, ">Mon-Fri 9am-6pm, closed for lunch 12-1pm")
        said = await act(
            at,
            ">1h",
            ">3 people",
            ">1 day",
            "Points go back",
            "No limit",
            "No photo",
            "Booking…",
            "Wait after",
            "No waiting",
        )
        for line in (
            "Booking hours: Mon–Fri 09:00–12:00, 13:00–18:00", "Slot length: 60 minutes", "Per slot: 3 members",
            "How far ahead: 14 days", "Cancel by: 24 hours before", "No-show: Points go back", "Wait after: No waiting",
        ):  # fmt: skip
            assert f"\n{line}\n" in said, said
        card = await act(at, "Preview")
        assert "\nSoonest: tomorrow 09:00\n" in card
        assert "\nFirst days to book:\nMon, tomorrow, 8 times: 09:00 10:00 11:00…\nTue, 24 Nov, 8 times: " in card
        await act(at, "Publish")
        [made] = await documents(at)
        assert (made["booking"]["at_once"], made["booking"]["grace_minutes"], made["unused"]) == (3, 0, "return")
        await at.to_the_days()
        assert "[09:00 · 3 left]" in await at.day("tomorrow")


async def test_answers_that_will_not_do_are_told_what_fixes_them_and_the_draft_stays(database: Database) -> None:
    async with scene(database, offers=[service("wash", NAME, "One wash", 300, rule("09:00", "12:00"))]) as at:
        whole = await act(at, ">/shelf", NAME, "改", "预约…")
        for part, said, told in (
            ("预约时间", "每天", "「每天」没看懂。比如:周一至周五 9-12 13-18"),
            ("预约时间", "我们几乎每天都开门,来就行", "没看懂。比如:周一至周五 9-12 13-18"),
            ("预约时间", "周一至周五 18-9", "开门要早于关门;过了零点算第二天的。"),
            ("预约时间", "每天 9-18,周六 10-16", "同一天的时间段不能重叠。"),
            ("预约时间", "周一 9-9:30", "09:00 那段只有 30 分钟,不够 60 分钟。\n先改「每次多久」,或放宽时间。"),
            ("每次多久", "4小时", "09:00 那段只有 180 分钟,不够 240 分钟。\n先改「预约时间」,或短一点。"),
            ("每次多久", "一会儿", "请发 5 到 480 之间的整数。"),
            ("同时几位", "0", "请发 1 到 200 之间的整数。"),
            ("能约多远", "一年", "请发 1 到 120 之间的整数。"),
            ("最晚约", "2天", "最晚提前的时间超过了可约的天数,就没人能约了。"),
            ("取消期限", "提前", "请发 0 到 720 之间的整数。"),
            ("结束后再等", "-5", "请发 0 到 720 之间的整数。"),
        ):
            screen = await act(at, part, f">{said}")
            assert screen.startswith(f"{told}\n{part} · {NAME}\n"), screen
            assert await act(at, "返回") == whole
        assert "没有改动" in whole


async def test_a_part_of_the_hours_is_changed_by_a_tap_and_a_second_tap_changes_nothing(database: Database) -> None:
    async with scene(database, offers=[service("wash", NAME, "One wash", 300, rule("09:00", "18:00"))]) as at:
        asked = await act(at, ">/shelf", NAME, "改", "预约…", "预约时间")
        assert asked == (
            "预约时间 · 洗衣一次\n现在:每天 09:00–18:00\n每周哪些时间可以约?点一个,或发给我:\n周一至周五 9-12 13-18\n"
            "周末 10-16 午休 12-13\n只改一点:「+周日 10-16」「周一休息」\n[午休 12–13 点]  [周日休息]\n"
            "[每天 9–18 点]  [每天 10–22 点]\n[工作日 9–18 点]  [周末 10–18 点]\n[不用预约]\n[返回]"
        )
        page = at.manager.last
        found = next(b for row in page.buttons for b in row if b.text == "午休 12–13 点")
        for tap in (at.manager.presses(page, found), at.manager.presses(page, found)):
            await tap.answer()
        await at.world.settled()
        assert "· 预约时间:每天 09:00–18:00 → 每天 09:00–12:00、13:00–18:00\n[预览]" in printed(at.manager)
        said = await act(at, "预约时间", "周日休息", "预约时间", ">+周日 19-21")
        assert "\n预约时间:周一至周六 09:00–12:00、13:00–18:00;周日 19:00–21:00\n" in said
        assert (await act(at, "预约时间", ">天天休息")).startswith(
            "那样就一天也不开了。要停就点「不用预约」。\n预约时间 · "
        )
        refused = await act(at, ">+周末 10-16")
        assert refused.startswith("同一天的时间段不能重叠。\n预约时间 · ")
        assert "[周日休息]\n[每天 9–18 点]" in printed(at.manager)  # what would change nothing is not offered
        said = await act(at, "周日休息", "预约时间", ">周六休息", "预约时间", "加周末 10–16")
        assert "\n预约时间:周一至周五 09:00–12:00、13:00–18:00;周六、周日 10:00–16:00\n" in said
        await act(at, "发布")
        await at.to_the_days()
        assert "[09:00]  [10:00]  [11:00]\n[13:00]" in await at.day("tomorrow")


async def test_other_hours_leave_what_is_booked_and_say_how_many(database: Database) -> None:
    async with scene(database, offers=[service("wash", NAME, "One wash", 300, rule("09:00", "12:00"))]) as at:
        await at.books()
        said = await act(at, ">/shelf", NAME, "改", "预约…", "预约时间", ">14-17")
        assert "\n改了:\n· 预约时间:每天 09:00–12:00 → 每天 14:00–17:00\n已经约好的 1 个不变。\n[预览]" in said
        assert "· 没来的话:积分退回 → 积分不退\n已经约好的 1 个" in await act(at, "没来的话", "积分不退")
        assert "改好了 · 第 2 版" in await act(at, "发布")
        assert await at.places() == [("23 10:00", "booked")]
        assert "明天 10:00" in await at.vouchers()
        await at.to_the_days()
        assert "[14:00]  [15:00]  [16:00]" in await at.day("tomorrow")
        versions = await act(at, ">/shelf", NAME, "改过几次")
        assert "· 预约时间:每天 09:00–12:00 → 每天 14:00–17:00\n· 没来的话:积分退回 → 积分不退\n" in versions


async def test_a_service_begins_and_ends_to_be_booked(database: Database) -> None:
    plain = service("wash", NAME, "One wash", 300, rule("09:00", "12:00")).model_copy(
        update={"booking": None, "price": PerUnit(points=300, most_units=3)}
    )
    async with scene(database, offers=[plain]) as at:
        overview = await act(at, ">/shelf", NAME, "改", "预约…")
        assert "[预览]\n[预约时间]\n[常用的]  [更多…]\n" in overview and "预约时间:" not in overview
        refused = await act(at, "预约时间", "工作日 9–18 点")
        assert refused.startswith("预约的一次只换一份,先改「一次最多」。\n预约时间 · 洗衣一次\n")
        said = await act(at, "返回", "更多…", "一次最多", "1 份", "预约…", "预约时间", "工作日 9–18 点")
        assert "\n改了:\n· 一次最多:3 份 → 没有\n" not in said
        assert "· 预约时间:没有 → 周一至周五 09:00–18:00\n· 每次多久:没有 → 60 分钟\n" in said
        await act(at, "发布")
        assert "最早 明天 09:00" in await act(at, f">/redeem {NAME}", NAME, who=at.ming)
        said = await act(at, ">/shelf", NAME, "改", "预约…", "预约时间", "不用预约")
        assert "\n改了:\n· 预约时间:周一至周五 09:00–18:00 → 没有\n[预览]" in said and "[每次多久]" not in said
        await act(at, "发布")
        assert "兑换" in await act(at, f">/redeem {NAME}", NAME, who=at.ming)
        assert "booking" not in (await documents(at))[-1]


async def test_closed_days_and_places_that_are_taken_are_not_among_the_first_times(database: Database) -> None:
    async with scene(database, offers=[service("wash", NAME, "One wash", 300, rule("09:00", "12:00"))]) as at:
        await at.books("tuesday", "09:00")
        await act(at, ">/merchant", "预约日历", "明天 周一", "关掉这一天", "确认关掉")
        card = await act(at, ">/shelf", NAME, "改", "预览")
        assert "\n头几天能约的:\n今天 周日 1 个:11:00\n11月24日 周二 2 个:10:00 11:00\n[中文]" in card
        rare = await act(at, "再改改", "预约…", "能约多远", ">1", "预约时间", ">周四 9-12", "预览")
        assert "\n时间都约满了\n11月25日零点再放新的一天" in rare and "头几天" not in rare
        assert "\n最早 今天 11:00\n" in await act(at, ">/shelf", NAME, "会员看到的")


async def test_a_preview_with_a_photo_and_the_longest_texts_is_shown_whole(database: Database) -> None:
    texts = {"zh": "长" * 60, "en": "a long text " * 5}
    long = service("wash", NAME, "One wash", 300, rule("09:00", "12:00", 15)).model_dump() | {
        "photo": "box", "name": texts, "about": {"zh": "介绍" * 120, "en": "About it. " * 24}, "conditions": [texts] * 4,
    }  # fmt: skip
    async with scene(database, offers=[Offer.model_validate(long)]) as at:
        for language in ("中文", "英文"):
            card = await act(at, ">/shelf", "长长", "改", "预览", language)
            assert "12 个:09:00 09:15 09:30…\n[中文]" in card or "12 times: 09:00 09:15 09:30…\n[中文]" in card
            assert at.manager.last.photo is None
        photographed = await act(
            at, "再改改", "更多…", "条件", "不要", "介绍", "不要", "常用的", "名称", f">{NAME} / One wash", "预览"
        )
        assert photographed.startswith(f"{NAME} · 云山超市\n") and at.manager.last.photo is not None


async def test_of_two_managers_neither_takes_back_the_others_part_of_the_booking(database: Database) -> None:
    async with scene(database, offers=[service("wash", NAME, "One wash", 300, rule("09:00", "12:00"))]) as at:
        await at.world.sql("UPDATE staff SET role = 'manager' WHERE label = '3号台'")
        for who in (at.manager, at.cashier):
            await act(at, ">/shelf", NAME, "改", "预约…", who=who)
        await act(at, "每次多久", "30 分钟", "发布")
        late = await act(at, "取消期限", "提前 48 小时", "发布", who=at.cashier)
        assert "这期间改了:\n· 每次多久:60 分钟 → 30 分钟\n您改的:\n· 取消期限:提前 2 小时 → 提前 48 小时\n" in late
        said = await act(at, "在新的上面接着改", who=at.cashier)
        assert "\n改了:\n· 取消期限:提前 2 小时 → 提前 48 小时\n[预览]" in said and "\n每次多久:30 分钟\n" in said
        await act(at, "发布", who=at.cashier)
        last = (await documents(at))[-1]["booking"]
        assert (last["slot_minutes"], last["cut_off_hours"]) == (30, 48)


async def test_a_button_pressed_twice_and_a_restart_midway_lose_nothing(database: Database) -> None:
    async with scene(database, offers=[]) as at:
        await act(at, *BEGUN)
        page = at.manager.last
        found = next(b for row in page.buttons for b in row if b.text == "每天 9–18 点")
        for tap in (at.manager.presses(page, found), at.manager.presses(page, found)):
            await tap.answer()
        await at.world.settled()
        assert printed(at.manager).startswith("每次多久 · 洗衣一次\n")
        await at.world.restart()
        assert (await act(at, ">半小时")).startswith("同时几位 · 洗衣一次\n")
        await act(at, ">/shelf")  # somewhere else, and the dialogue is over
        await at.world.restart()
        assert (await act(at, "接着写草稿")).startswith("同时几位 · 洗衣一次\n")
        assert "\n预约时间:每天 09:00–18:00\n每次多久:30 分钟\n" in await act(at, "看草稿")


async def test_buttons_of_a_booking_that_is_no_more_say_what_comes_first(database: Database) -> None:
    async with scene(database, offers=[]) as at:
        await act(at, *BEGUN, "每天 9–18 点", "60 分钟", "2 位", "看草稿", "预约…", "取消期限")
        page = at.manager.last
        found = next(b for row in page.buttons for b in row if b.text == "提前 48 小时")
        asked = await act(at, "看草稿", "预约…", "预约时间", "不用预约")
        assert asked.startswith("总份数 · 洗衣一次\n")  # the questions of a booking are over with it
        await at.manager.presses(page, found).answer()
        await at.manager.sees("先写「预约时间」。", fresh=True)
        await at.world.settled()
        assert printed(at.manager).startswith("先写「预约时间」。\n")


async def test_a_tier_books_further_ahead_as_the_manager_says(database: Database) -> None:
    async with bot_running(database, setup=giving) as world:
        shop = await open_shop(world)
        boss, member = shop.manager, shop.customer
        await shelve(world, service("wash", NAME, "One wash", 300, rule("09:00", "12:00")))
        await gives(world, member, 1_000)
        await says(world, boss, "/shelf")
        asked = await taps(world, boss, NAME, "改", "预约…", "谁能约更远")
        assert "[金卡多 7 天]  [金卡多 14 天]" in asked
        assert "· 谁能约更远:没有 → 金卡多 7 天\n" in await taps(world, boss, "金卡多 7 天")
        await taps(world, boss, "发布")
        await says(world, member, f"/redeem {NAME}")
        assert (await taps(world, member, NAME, "选时间")).count("余 3") <= 3
        await gold(world, member)
        await says(world, member, f"/redeem {NAME}")
        assert (await taps(world, member, NAME, "选时间")).count("余 3") >= 9
        await says(world, boss, "/shelf")
        assert "· 谁能约更远:金卡多 7 天 → 没有\n" in await taps(
            world, boss, NAME, "改", "预约…", "谁能约更远", "没有人"
        )
