"""Balance, expiry and history as a member of the demo programme sees them, in both languages."""

from __future__ import annotations

import pytest

from tests.conftest import Database
from tests.handlers.at import as_it_is, bot_then


async def test_the_main_screen_leads_with_the_number(demo_database: Database) -> None:
    async with bot_then(demo_database, setup=as_it_is) as world:
        ming = world.person("小明", id=1001)
        await ming.says("/start")
        page = await ming.sees("可用")
        assert page.shown == (
            "可用 1,180 分  ≈ ¥23.60\n"
            "待生效 100(11月29日起可用)\n"
            "预留中 60\n"
            "家庭池里另有 2,000 分\n"
            "铁路积分 15,000  ≈ ¥150\n"
            "福珠积分 1,288  ≈ ¥128.80\n"
            "\n"
            "最近到期:320 分,11月30日(还有 8 天)"
        )
        assert [[b.text for b in row] for row in page.buttons] == [
            ["兑换", "会员码"],
            ["我的券", "明细"],
            ["邀请好友", "家庭"],
            ["送积分", "到期"],
            ["设置"],
        ]


async def test_the_main_screen_in_english(demo_database: Database) -> None:
    async with bot_then(demo_database, setup=as_it_is) as world:
        ming = world.person("小明", language="en", id=1001)
        await ming.says("/balance")
        page = await ming.sees("1,180 pts")
        assert page.shown == (
            "1,180 pts  ≈ ¥23.60\n"
            "100 pending (from 29 Nov)\n"
            "60 on hold\n"
            "2,000 pts more in the family pool\n"
            "Rail points 15,000  ≈ ¥150\n"
            "Fuzhu points 1,288  ≈ ¥128.80\n"
            "\n"
            "Next to expire: 320 pts on 30 Nov (8 days)"
        )


async def test_everything_is_one_message_edited_in_place(demo_database: Database) -> None:
    async with bot_then(demo_database, setup=as_it_is) as world:
        ming = world.person("小明", id=1001)
        await ming.says("/start")
        first = await ming.sees("可用")
        for label, shown in (
            ("到期", "先到期的先用"),
            ("主菜单", "可用 1,180"),
            ("明细", "明细 · 全部"),
            ("主菜单", "可用 1,180"),
        ):
            await ming.taps(label)
            assert (await ming.sees(shown, fresh=True)).id == first.id
        assert len([m for m in ming.messages if m.from_bot]) == 1


async def test_staff_see_their_till_on_the_main_screen(demo_database: Database) -> None:
    async with bot_then(demo_database, setup=as_it_is) as world:
        cashier = world.person("周晓燕", id=1003)
        await cashier.says("/start")
        page = await cashier.sees("可用")
        assert "收银台" in [b.text for row in page.buttons for b in row]


async def test_the_schedule_is_whole_by_day_and_issuer(demo_database: Database) -> None:
    async with bot_then(demo_database, setup=as_it_is) as world:
        ming = world.person("小明", id=1001)
        await ming.says("/expiry")
        page = await ming.sees("先到期的先用")
        days = page.shown.split("\n\n")[1:]
        assert days[0] == "11月30日(还有 8 天)\n320 分 · 云山超市"
        assert sum(_points(line) for day in days for line in day.splitlines()[1:] if "积分" not in line) == 1180
        assert any("15,000" not in day and "铁路积分 · 江南铁路" in day for day in days)
        await ming.taps("更晚")
        await ming.sees("1,288 福珠积分 · 福珠珠宝")


def _points(line: str) -> int:
    return int(line.split(" 分")[0].replace(",", ""))


async def test_a_long_schedule_turns_pages_and_stays_within_them(demo_database: Database) -> None:
    async with bot_then(demo_database, setup=as_it_is) as world:
        li = world.person("李阿姨", id=2001)
        await li.says("/expiry")
        first = await li.sees("先到期的先用")
        seen = [first.shown]
        while any("更晚" in b.text for row in li.last.buttons for b in row):
            await li.taps("更晚")
            await li.sees("先到期的先用", fresh=True)
            assert li.last.shown not in seen
            seen.append(li.last.shown)
        assert len(seen) > 1
        await li.taps("更早")
        await world.settled()
        assert li.last.shown == seen[-2]


async def test_history_pages_back_to_the_first_day_without_losing_a_line(demo_database: Database) -> None:
    async with bot_then(demo_database, setup=as_it_is) as world:
        li = world.person("李阿姨", id=2001)
        await li.says("/history")
        await li.sees("明细 · 全部")
        opened: list[str] = []
        while True:
            opened += [
                b.data or "" for row in li.last.buttons for b in row if (b.data or "").startswith("history:why:")
            ]
            if not any(b.text == "更早" for row in li.last.buttons for b in row):
                break
            await li.taps("更早")
            await world.settled()
        entries = [data.split(":")[2] for data in opened]
        assert len(entries) == len(set(entries))
        assert [(len(entries),)] == await world.sql(
            "SELECT count(*) FROM entry WHERE owner_id = (SELECT min(owner_id) FROM entry WHERE id = :one)",
            one=int(entries[0]),
        )
        await li.taps("回到最新")
        await world.settled()
        assert next(b.data for row in li.last.buttons for b in row) == opened[0]


async def test_history_filters_by_kind_and_currency(demo_database: Database) -> None:
    async with bot_then(demo_database, setup=as_it_is) as world:
        ming = world.person("小明", id=1001)
        await ming.says("/history")
        await ming.taps("用掉")
        page = await ming.sees("明细 · 用掉")
        lines = [b.text for row in page.buttons for b in row if "·" in b.text]
        assert lines == ["-300 分 · 热拿铁一杯 · 半日茶 · 11月18日", "-1,200 分 · 超市代金券 · 云山超市 · 9月13日"]
        await ming.taps("到期和收回")
        page = await ming.sees("明细 · 到期和收回")
        assert "-199 分 · 退货 · 素布衣 · 11月12日" in [b.text for row in page.buttons for b in row]
        await ming.taps("铁路积分")
        await ming.sees("这一类还没有记录。")
        await ming.taps("得到")
        page = await ming.sees("明细 · 得到 · 铁路积分")
        assert next(b.text for row in page.buttons for b in row).startswith("+5,000 铁路积分 · 江南铁路")


async def test_a_line_is_dated_by_the_programmes_day_in_the_list_and_opened(demo_database: Database) -> None:
    async with bot_then(demo_database, setup=as_it_is) as world:
        ming = world.person("小明", id=1001)
        await ming.says("/history")
        # two minutes past midnight here, while it is still the day before in UTC
        await ming.taps("300 分 · 开始可用 · 11月9日")
        await ming.sees("300 分 · 开始可用 · 11月9日 00:02")


async def test_a_line_opens_to_its_arithmetic(demo_database: Database) -> None:
    async with bot_then(demo_database, setup=as_it_is) as world:
        ming = world.person("小明", id=1001)
        await ming.says("/history")
        await ming.taps("+100 分 · 云山超市")
        page = await ming.sees("¥100 × 1 分/元")
        assert page.shown == (
            "+100 分 · 云山超市 · 今天 08:15\n"
            "\n"
            "¥100 × 1 分/元  = 100 分\n"
            "\n"
            "11月29日起可用(等退货期过) · 有效至 2027年11月30日\n"
            "\n"
            f"小票 20261122-ming-0815 · 消费 ¥100 · 经手 王店长 · 编号 {page.shown.rsplit(' ', 1)[1]}"
        )
        await ming.taps("返回明细")
        await ming.sees("明细 · 全部", fresh=True)


async def test_a_refund_and_what_it_undid_lead_to_each_other(demo_database: Database) -> None:
    async with bot_then(demo_database, setup=as_it_is) as world:
        ming = world.person("小明", id=1001)
        await ming.says("/history")
        await ming.taps("到期和收回")
        await ming.taps("退货 · 素布衣")
        page = await ming.sees("原因:尺码不合适")
        assert "-199 分" in page.shown
        await ming.taps("原来那笔")
        await ming.sees("¥199 × 1 分/元  = 199 分")
        await ming.taps("后来的更改")
        await ming.sees("原因:尺码不合适", fresh=True)


async def test_a_burn_says_which_lots_went_alike_ones_together(demo_database: Database) -> None:
    async with bot_then(demo_database, setup=as_it_is) as world:
        ming = world.person("小明", language="en", id=1001)
        await ming.says("/history")
        await ming.taps("Spent")
        await ming.taps("-1,200 pts")
        page = await ming.sees("Supermarket voucher · Yunshan Supermarket")
        lots = [line for line in page.shown.splitlines() if " from " in line and "good until" in line]
        assert lots == [
            "100 pts from Yunshan Supermarket, good until 31 Jan 2027",
            "900 pts from Yunshan Supermarket, good until 31 Aug 2027",
            "200 pts from Yunshan Supermarket, good until 30 Sep 2027",
        ]
        assert "Done by you" in page.shown


async def test_somebody_elses_line_is_refused_like_one_that_never_was(demo_database: Database) -> None:
    async with bot_then(demo_database, setup=as_it_is) as world:
        ming = world.person("小明", id=1001)
        await ming.says("/history")
        page = await ming.sees("明细 · 全部")
        (foreign,) = await world.sql("SELECT id FROM entry WHERE owner_id <> (SELECT min(owner_id) FROM entry) LIMIT 1")
        (mine,) = await world.sql("SELECT member_id FROM person ORDER BY member_id LIMIT 1")
        assert mine is not None
        button = page.buttons[0][0]
        for entry in (foreign[0], 999_999_999):
            forged = type(button)(
                button.text, f"history:why:{entry}", None, {**button.raw, "callback_data": f"history:why:{entry}"}
            )
            ming.presses(page, forged)
            await ming.sees(f"编号 {entry} 不在您的明细里", fresh=True)


@pytest.mark.parametrize(
    "data",
    [
        "history:page:nonsense:-1:99999",
        "history:page:all:99999999999999999999999:x",
        "history:why:99999999999999999999999",
        "history:why:abc:all",
        "expiry:show:-7",
        "expiry:show:999999999999999999999",
        "settings:month:13",
        "settings:day:2:31",
        "settings:day:x:y",
        "settings:live:mars",
        "settings:speak:klingon",
        "settings:forget:everything",
        "card:show:1:2:3",
        "join:agree:zh:2020-01",
        "nobody:knows",
        "\u4f60\u597d",
    ],
)
async def test_what_a_forged_button_says_is_answered_and_changes_nothing(demo_database: Database, data: str) -> None:
    async with bot_then(demo_database, setup=as_it_is) as world:
        ming = world.person("小明", id=1001)
        await ming.says("/start")
        page = await ming.sees("可用")
        button = page.buttons[0][0]
        forged = type(button)(button.text, data, None, {**button.raw, "callback_data": data})
        before = await world.sql("SELECT id, region, birth_month, status FROM member ORDER BY id")
        ming.presses(page, forged)
        await world.settled()
        assert ming.last.shown
        assert "没办成" not in ming.last.shown
        assert await world.sql("SELECT id, region, birth_month, status FROM member ORDER BY id") == before
        assert await world.sql("SELECT count(*) FROM failure") == [(0,)]


async def test_a_new_member_sees_an_inviting_emptiness(database: Database) -> None:
    async with bot_then(database) as world:
        ming = await world.member("小明")
        await ming.says("/start")
        await ming.sees("可用 0 分\n\n在联盟商户结账时出示会员码,就能得分。")
        await ming.taps("明细")
        await ming.sees("还没有记录。第一次得分后,这里能看到每一分的来去。")
        await ming.taps("主菜单")
        await ming.sees("可用 0 分", fresh=True)
        await ming.taps("到期")
        await ming.sees("现在没有可用的积分,也就没有到期的。")


async def test_points_whose_day_has_passed_are_not_shown_as_available(demo_database: Database) -> None:
    async with bot_then(demo_database, setup=as_it_is) as world:
        ming = world.person("小明", id=1001)
        await world.clock.move(9)
        await ming.says("/balance")
        page = await ming.sees("可用 960 分")
        assert "待生效" not in page.shown, "the pending 100 are available by now"
