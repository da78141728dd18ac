"""The page in a browser, over the scripted bot: what a person sees, taps, scans and follows."""

from __future__ import annotations

import re
import struct
import zlib
from pathlib import Path

import pytest
from playwright.async_api import expect

from bot.pictures import qr_png
from tests.bot.playground.browser import PHONE
from tests.bot.playground.conftest import Opener
from tests.bot.playground.demo import Demo
from tests.bot.playground.measures import CONTRAST, NAMELESS, WORD_SHAPES

pytestmark = pytest.mark.browser

MING = 1001
READ = [
    *(".bot .text", ".bot .stamp", ".mine .text", ".mine .stamp", ".mine .link", ".chat-head b", ".chat-head small"),
    *(
        ".top h1 small",
        ".person b",
        ".person small",
        ".owner span:last-child",
        ".welcome b",
        ".welcome p",
        ".wide-action",
    ),
]


async def test_a_person_starts_taps_and_the_screen_changes_in_place(running: Demo, opened: Opener) -> None:
    async with opened(running.url) as page:
        ming = page.chat("小明")
        await ming.start()
        await ming.last_sees("1,180 分")
        await ming.tap("兑换")
        await ming.last_sees("兑换后剩 780 分")
        await expect(ming.messages).to_have_count(2)
        await expect(ming.messages.last).to_contain_text("已编辑")
        await ming.tap("确认兑换")
        await ming.last_sees("8KQ4-M2VX")
        await expect(ming.messages).to_have_count(2)
    assert page.errors == []


async def test_a_button_spins_until_the_bot_answers_and_the_answer_pops_up(running: Demo, opened: Opener) -> None:
    assert running.bot is not None
    async with opened(running.url) as page:
        ming = page.chat("小明")
        await ming.start()
        await ming.tap("兑换")
        await ming.tap("确认兑换")
        running.bot.delay_seconds = 1.0
        await ming.tap("撤回")
        undo = ming.box.locator(".key", has_text="撤回")
        await expect(undo).to_have_attribute("aria-busy", "true")
        await ming.is_told("400 分回到原来的批次")
        await expect(ming.box.locator("[aria-busy=true]")).to_have_count(0)
        running.bot.delay_seconds = 0
        await ming.say("8KQ4-M2VX")
        await ming.tap("核销")
        await ming.is_told("请把礼盒交给小明")


async def test_a_new_screens_button_can_be_pressed_while_the_old_ones_still_spins(quiet: Demo, opened: Opener) -> None:
    before, after = ({"inline_keyboard": [[{"text": data, "callback_data": data}]]} for data in ("before", "after"))
    async with opened(quiet.url) as page:
        ming = page.chat("小明")
        await ming.say("hello")
        sent = await quiet.api.call("sendMessage", chat_id=MING, text="x", reply_markup=before)
        await ming.tap("before")
        await expect(ming.box.locator(".key", has_text="before")).to_have_attribute("aria-busy", "true")
        where = {"chat_id": MING, "message_id": sent["message_id"]}
        await quiet.api.call("editMessageText", **where, text="y", reply_markup=after)
        await ming.tap("after")
        await expect(ming.box.locator(".key", has_text="after")).to_have_attribute("aria-busy", "true")
    assert [update.wire["callback_query"]["data"] for update in quiet.double.updates[-2:]] == ["before", "after"]


async def test_a_code_shown_by_one_is_scanned_by_another(running: Demo, opened: Opener) -> None:
    async with opened(running.url) as page:
        ming, cashier = page.chat("小明"), page.chat("周晓燕")
        await ming.say("/card")
        await ming.sees("请店员扫这个码")
        await cashier.scan(ming)
        await cashier.sees("小明 · 进口水果礼盒")
        await expect(cashier.box.locator(".msg.mine")).to_have_text(re.compile("8KQ4-M2VX"))
    assert page.errors == []


async def test_a_scanned_link_of_the_bot_opens_it_for_the_scanner(quiet: Demo, opened: Opener) -> None:
    await quiet.double.people[MING].says("hello")
    await quiet.api.call("sendPhoto", chat_id=MING, photo=qr_png("https://t.me/jifen_demo_bot?start=v_123"))
    async with opened(quiet.url) as page:
        await page.chat("小红").scan(page.chat("小明"))
        await expect(page.chat("小红").messages).to_contain_text(["/start v_123"])
    assert quiet.double.updates[-1].wire["message"]["from"]["first_name"] == "小红"


async def test_a_picture_without_a_code_says_so(quiet: Demo, opened: Opener) -> None:
    await quiet.double.people[MING].says("hello")
    await quiet.api.call("sendPhoto", chat_id=MING, photo=white_png())
    async with opened(quiet.url) as page:
        ming = page.chat("小明")
        await ming.box.locator(".picture").click()
        await page.page.locator("dialog figcaption .solid").click()
        await expect(page.page.locator("dialog")).to_contain_text("没有认出二维码")


async def test_a_link_is_opened_as_whom_one_chooses(running: Demo, opened: Opener) -> None:
    async with opened(running.url) as page:
        ming, hong = page.chat("小明"), page.chat("小红")
        await ming.start()
        await ming.tap("邀请好友")
        await hong.follow("start=r_xiaoming", seen_by=ming)
        await hong.sees("小明 邀请来的")
        await expect(hong.messages.first).to_contain_text("/start r_xiaoming")


async def test_a_shared_link_lies_on_the_friends_screen_and_opens_there(running: Demo, opened: Opener) -> None:
    async with opened(running.url) as page:
        ming, hong = page.chat("小明"), page.chat("小红")
        await ming.start()
        await ming.tap("邀请好友")
        await ming.tap("分享给朋友")
        await hong.listed_in(page.page.locator("dialog")).click()
        await expect(hong.box.locator(".shared")).to_contain_text("小明 发来")
        await hong.box.locator(".shared .link").click()
        await hong.sees("小明 邀请来的")
        await expect(hong.box.locator(".shared")).to_have_count(0)


async def test_outside_links_are_asked_about_and_copies_land_in_the_clipboard(running: Demo, opened: Opener) -> None:
    async with opened(running.url) as page:
        ming = page.chat("小明")
        await ming.start()
        await ming.tap("邀请好友")
        await ming.tap("积分规则")
        dialog = page.page.locator("dialog")
        await expect(dialog).to_contain_text("https://example.org/terms")
        await expect(dialog.locator("a")).to_have_attribute("rel", "noopener noreferrer")
        await dialog.get_by_role("button", name="取消").click()
        await ming.tap("返回")
        await ming.tap("兑换")
        await ming.tap("确认兑换")
        await ming.tap("复制券码")
        await ming.is_told("已复制")
        assert await page.page.evaluate("navigator.clipboard.readText()") == "8KQ4-M2VX"
    assert page.errors == []


async def test_text_is_drawn_by_its_entities_and_never_read_as_html(quiet: Demo, opened: Opener) -> None:
    await quiet.double.people[MING].says("<b onclick=alert(1)>hi</b>")
    text = (
        "🧧 <b>粗 <i>斜粗 👨‍👩‍👧</i></b> <u>下</u> <s>删</s> <code>a&lt;b</code> <tg-spoiler>密</tg-spoiler>\n"
        '<a href="https://example.org/?a=1&amp;b=2">链接</a> &lt;img src=x onerror=alert(1)&gt; /help\n'
        "<pre>if a &lt; b:\n    pass</pre><blockquote>引 <b>文</b></blockquote>"
    )
    await quiet.api.call("sendMessage", chat_id=MING, text=text, parse_mode="HTML")
    async with opened(quiet.url) as page:
        ming = page.chat("小明")
        bubble = ming.messages.last.locator(".text")
        await expect(ming.messages.first.locator(".text")).to_have_text("<b onclick=alert(1)>hi</b>")
        await expect(bubble.locator("b > i")).to_have_text("斜粗 👨‍👩‍👧")
        await expect(bubble.locator("b:has(i)")).to_have_text("斜粗 👨‍👩‍👧")
        await expect(bubble.locator("u")).to_have_text("下")
        await expect(bubble.locator("s")).to_have_text("删")
        await expect(bubble.locator("code").first).to_have_text("a<b")
        await expect(bubble.locator("pre")).to_have_text("if a < b:\n    pass")
        await expect(bubble.locator("blockquote b")).to_have_text("文")
        await expect(bubble.locator("img")).to_have_count(0)
        await expect(bubble).to_contain_text("<img src=x onerror=alert(1)>")
        await bubble.locator(".spoiler").click()
        await expect(bubble.locator(".spoiler")).to_have_count(0)
        await bubble.get_by_role("button", name="/help").click()
        await expect(ming.messages.last).to_contain_text("/help")
    assert page.errors == []


async def test_the_menu_offers_the_bots_commands_in_the_clients_language(running: Demo, opened: Opener) -> None:
    async with opened(running.url) as page:
        ming = page.chat("小明")
        await ming.start()
        await ming.box.get_by_role("button", name="菜单").click()
        await expect(ming.box.get_by_role("menuitem")).to_have_count(5)
        await expect(ming.box.get_by_role("menu")).to_contain_text("看积分")
        await ming.menu("Telegram 语言")
        await expect(ming.box.locator(".chat-head")).to_contain_text("Jifen")
        await ming.box.get_by_role("textbox").fill("/b")
        await expect(ming.box.get_by_role("menuitem")).to_have_text(["/balanceMy points"])
        await ming.box.get_by_role("menuitem").click()
        await ming.last_sees("1,180 pts")


async def test_blocking_deleting_and_redelivering_are_in_the_chats_menu(running: Demo, opened: Opener) -> None:
    async with opened(running.url) as page:
        ming = page.chat("小明")
        await ming.start()
        await ming.last_sees("1,180")
        await ming.menu("重发上一条更新")
        await expect(ming.messages).to_have_count(3)
        await ming.menu("停用机器人")
        await expect(ming.box.locator(".wide-action")).to_have_text("重新启用机器人")
        assert running.double.people[MING].chat.blocked
        await ming.box.locator(".wide-action").click()
        await expect(ming.box.get_by_role("textbox")).to_be_visible()
        await ming.menu("删除聊天")
        await expect(ming.messages).to_have_count(0)
        await expect(ming.box.locator(".wide-action")).to_have_text("开始")


async def test_a_contact_key_a_photo_and_a_file_reach_the_bot(running: Demo, opened: Opener, tmp_path: Path) -> None:
    picture = tmp_path / "box.png"
    picture.write_bytes(qr_png("anything"))
    async with opened(running.url) as page:
        ming = page.chat("小明")
        await ming.say("/phone")
        await ming.box.get_by_role("button", name="给手机号").click()
        await page.page.locator("dialog").get_by_role("button", name="发送").click()
        await ming.last_sees("收到")
        await expect(ming.box.locator(".reply-keys")).to_have_count(0)
        await ming.box.locator("input[type=file]").set_input_files(picture)
        await expect(ming.box.locator(".msg.mine .picture")).to_be_visible()
        await ming.last_sees("收到")
        assert running.double.people[MING].messages[-2].photo is not None
        table = tmp_path / "codes.csv"
        table.write_text("code,used_at\n")
        await ming.box.locator("input[type=file]").set_input_files(table)
        await expect(ming.box.locator(".msg.mine .file")).to_contain_text("codes.csv")


async def test_the_panel_lists_calls_and_sets_faults_the_bot_lives_through(running: Demo, opened: Opener) -> None:
    async with opened(running.url) as page:
        ming = page.chat("小明")
        await ming.start()
        await ming.last_sees("1,180")
        await page.page.get_by_role("button", name="幕后").click()
        call = page.page.locator(".panel li", has_text="sendMessage").first
        await call.get_by_role("button").click()
        await expect(call).to_contain_text('"chat_id"')
        await page.page.get_by_role("tab", name="制造故障").click()
        await page.page.get_by_label("500 服务器错误").check()
        await page.page.get_by_role("button", name="设下故障").click()
        await expect(page.page.locator(".faults li")).to_contain_text("还剩 1 次")
        await ming.say("/balance")
        await expect(page.page.locator(".faults li")).to_have_count(0)
        await expect(ming.box.locator(".msg.bot")).to_have_count(2)
        await page.page.get_by_role("tab", name="API 调用").click()
        await page.page.get_by_label("只看失败的").check()
        await expect(page.page.locator(".panel li")).to_have_count(1)
        await expect(page.page.locator(".panel li")).to_contain_text("500")


async def test_the_date_moves_forward_from_the_page(running: Demo, opened: Opener) -> None:
    async with opened(running.url) as page:
        date = page.page.locator(".clock .date")
        await expect(date).to_have_text("2026年11月22日 周日")
        await page.advance(7)
        await expect(date).to_have_text("2026年11月29日 周日")
        await date.click()
        await page.page.get_by_label("选日期").fill("2027-01-01")
        await page.page.get_by_role("button", name="拨到这天").click()
        await expect(date).to_have_text("2027年1月1日 周五")
    assert [day.isoformat() for day in running.clock.moves] == ["2026-11-29", "2027-01-01"]


async def test_a_new_person_can_be_added_and_comes_into_view(running: Demo, opened: Opener) -> None:
    async with opened(running.url) as page:
        await page.page.get_by_role("button", name="添加一个人").click()
        await page.page.get_by_label("名字").fill("Ann")
        await page.page.get_by_label("Telegram 语言").select_option("en")
        await page.page.get_by_role("button", name="添加", exact=True).click()
        ann = page.chat("Ann")
        await expect(ann.box).to_be_visible()
        await ann.start()
        await ann.sees("1,180 pts")


async def test_three_chats_stand_side_by_side_and_the_bar_swaps_them(running: Demo, opened: Opener) -> None:
    async with opened(running.url) as page:
        phones = page.page.locator(".phone-slot")
        await expect(phones).to_have_count(3)
        await page.chat("小红").box.click()
        await page.chat("小明").box.click()
        await page.chat("林运营").open()
        await expect(phones).to_have_count(3)
        await expect(page.chat("小明").box).to_be_visible()
        await expect(page.chat("小红").box).to_be_visible()
        await running.double.people[1003].says("/start")
        badge = page.chat("周晓燕").listed_in(page.page.locator(".people")).locator(".badge")
        await expect(badge).to_have_text("1")
        await page.chat("周晓燕").open()
        await expect(badge).to_have_count(0)


async def test_a_phone_shows_one_chat_and_tabs(running: Demo, opened: Opener) -> None:
    async with opened(running.url, size=PHONE) as page:
        await expect(page.page.locator(".phone-slot")).to_have_count(1)
        ming, hong = page.chat("小明"), page.chat("小红")
        await ming.start()
        await ming.last_sees("1,180")
        await hong.open()
        await expect(ming.box).to_have_count(0)
        await expect(page.page.locator(".phone-slot")).to_have_count(1)
        overflow = await page.page.evaluate("document.documentElement.scrollWidth - innerWidth")
        assert overflow <= 0
    assert page.errors == []


async def test_a_lost_connection_is_said_and_made_good(running: Demo, opened: Opener) -> None:
    async with opened(running.url) as page:
        ming = page.chat("小明")
        await ming.start()
        await ming.last_sees("1,180")
        await page.page.context.set_offline(True)
        await page.page.evaluate("fetch('api/events').catch(() => 0)")
        await ming.box.get_by_role("textbox").fill("/balance")
        await ming.box.get_by_role("textbox").press("Enter")
        await ming.is_told("连不上演练场的服务器")
        await page.page.context.set_offline(False)
        await running.double.people[MING].says("/balance")
        await expect(ming.box.locator(".msg.bot")).to_have_count(2)


async def test_enter_that_picks_a_pinyin_word_sends_nothing(running: Demo, opened: Opener) -> None:
    async with opened(running.url) as page:
        ming = page.chat("小明")
        await ming.start()
        await ming.last_sees("1,180")
        box = ming.box.get_by_role("textbox")
        await box.fill("jifen")
        await box.dispatch_event("keydown", {"key": "Enter", "isComposing": True, "bubbles": True})
        await expect(box).to_have_value("jifen")
        await expect(ming.messages).to_have_count(2)


@pytest.mark.parametrize(
    ("language", "title"), [("zh-CN", "积分 · 演练场"), ("en-US", "Jifen · Playground"), ("fr-FR", "积分 · 演练场")]
)
async def test_the_browsers_language_decides_and_can_be_switched_for_good(
    quiet: Demo, opened: Opener, language: str, title: str
) -> None:
    async with opened(quiet.url, language=language) as page:
        await expect(page.page).to_have_title(title)
        await page.page.get_by_role("button", name=re.compile("切换到英文|Switch to Chinese")).click()
        other = {"积分 · 演练场": "Jifen · Playground", "Jifen · Playground": "积分 · 演练场"}[title]
        await expect(page.page).to_have_title(other)
        await page.page.reload()
        await expect(page.page).to_have_title(other)


async def test_both_languages_of_the_page_have_the_same_words(quiet: Demo, opened: Opener) -> None:
    async with opened(quiet.url) as page:
        words = await page.page.evaluate(WORD_SHAPES)
    assert words["zh"] == words["en"]
    assert words["chinese"] == ["pageLanguage"], "the switch names the other language"
    assert len(words["zh"]) > 80


async def test_dark_and_light_follow_the_system_until_chosen(quiet: Demo, opened: Opener) -> None:
    async with opened(quiet.url, dark=True) as page:
        root = page.page.locator("html")
        await expect(root).to_have_attribute("data-theme", "dark")
        await page.page.emulate_media(color_scheme="light")
        await expect(root).to_have_attribute("data-theme", "light")
        await page.page.get_by_role("button", name="深色 / 浅色").click()
        await expect(root).to_have_attribute("data-theme", "dark")
        await page.page.reload()
        await expect(root).to_have_attribute("data-theme", "dark")


@pytest.mark.parametrize("size", [(1440, 860), PHONE], ids=["desktop", "phone"])
async def test_everything_one_can_press_has_a_name(running: Demo, opened: Opener, size: tuple[int, int]) -> None:
    async with opened(running.url, size=size) as page:
        await page.chat("小明").start()
        await page.chat("小明").last_sees("1,180")
        await page.page.get_by_role("button", name="幕后").click()
        nameless = await page.page.evaluate(NAMELESS)
        assert nameless == []


@pytest.mark.parametrize("language", ["zh-CN", "en-US"])
@pytest.mark.parametrize("dark", [False, True], ids=["light", "dark"])
async def test_text_can_be_read_against_its_ground(running: Demo, opened: Opener, language: str, dark: bool) -> None:
    """Measures the contrast of ordinary text on the plain surfaces; 4.5 is what WCAG AA asks."""
    async with opened(running.url, language=language, dark=dark) as page:
        await page.chat("小明").start()
        await page.chat("小明").last_sees("1,180")
        ratios = await page.page.evaluate(CONTRAST, READ)
    assert {name: round(ratio, 2) for name, ratio in ratios.items() if ratio < 4.5} == {}


def white_png() -> bytes:
    """A white picture, 200 pixels square."""

    def chunk(kind: bytes, body: bytes) -> bytes:
        return struct.pack(">I", len(body)) + kind + body + struct.pack(">I", zlib.crc32(kind + body))

    rows = zlib.compress((b"\0" + b"\xff" * 200) * 200)
    head = struct.pack(">IIBBBBB", 200, 200, 8, 0, 0, 0, 0)
    return b"\x89PNG\r\n\x1a\n" + chunk(b"IHDR", head) + chunk(b"IDAT", rows) + chunk(b"IEND", b"")
