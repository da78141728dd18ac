"""A day with the bot, lived in the playground by a newcomer, a member, two cashiers and an owner: the real bot, page and database.

With JIFEN_SHOTS=FOLDER every stop is also saved as a picture there, to be looked at.
"""

from __future__ import annotations

import contextlib
import os
import re
from collections.abc import AsyncIterator
from pathlib import Path

import pytest
from playwright.async_api import expect

from bot import settings as settings_of
from bot.main import running
from tests.bot.playground.browser import DESKTOP, FRESH, PHONE, Chat, Playground, page_of
from tests.conftest import Database

pytestmark = [pytest.mark.browser, pytest.mark.slow]

CHINESE = re.compile(r"[\u4e00-\u9fff]+")
AS_GIVEN = re.compile(r"小红|小明|1号台|中文|水果")
"""What people and shops call themselves, a language's own name, and what the search takes."""


class Day:
    """The open page, and pictures of it where somebody asked for them."""

    def __init__(self, page: Playground, name: str) -> None:
        self.page = page
        self._name = name
        self._folder = os.environ.get("JIFEN_SHOTS")
        self._taken = 0

    def chat(self, name: str) -> Chat:
        """Somebody's chat."""
        return self.page.chat(name)

    async def picture(self, of: str) -> None:
        """Saves what is on screen, where JIFEN_SHOTS names a folder."""
        if self._folder:
            Path(self._folder).mkdir(parents=True, exist_ok=True)
            self._taken += 1
            await self.page.screenshot(Path(self._folder) / f"{self._name}-{self._taken:02}-{of}.png")


@contextlib.asynccontextmanager
async def day(
    database: Database,
    folder: Path,
    name: str,
    *,
    language: str,
    size: tuple[int, int] = DESKTOP,
    dark: bool = False,
) -> AsyncIterator[Day]:
    """The bot as `run.py` starts it without a token, and its page in a browser. The console stays clean, nothing leaves."""
    given = {"DATA_DIR": str(folder), "PORT": "0"}
    async with running(settings_of.load(given, env_file=None), database.url, lambda line: None) as address:
        async with page_of(f"{address}/playground/", language=language, dark=dark, size=size) as page:
            yield Day(page, name)
        assert page.errors == []


async def taps(chat: Chat, *labels: str) -> None:
    """One tap after the other, each on the screen that the one before brought."""
    for label in labels:
        await chat.tap(label)


async def code_of(chat: Chat) -> str:
    """The code that the newest screen shows, once its own picture is drawn: the offer's may still stand above it for a moment."""
    shown = chat.box.locator(f"{FRESH}:has(code)").last
    await expect(shown.locator(".picture")).to_be_visible()
    return await shown.locator("code").last.inner_text()


async def test_a_day_in_chinese(database: Database, tmp_path: Path) -> None:
    async with day(database, tmp_path, "zh", language="zh-CN") as today:
        ming, hong, market = today.chat("小明"), today.chat("小红"), today.chat("周晓燕")
        await today.picture("open")

        await hong.start()
        await hong.last_sees("加入就有 100 分")
        await hong.tap("同意并加入")
        await hong.last_sees("欢迎您,小红")
        await hong.last_sees("可用 100 分")
        await today.picture("joined")

        await ming.start()
        await ming.last_sees("可用 1,180 分")
        await ming.last_sees("待生效 100")
        await taps(ming, "明细", "+100 分 · 云山超市")
        await ming.last_sees("¥100 × 1 分/元")
        await today.picture("why")
        await taps(ming, "返回明细", "主菜单", "会员码")
        card = await code_of(ming)

        await market.say(f"/award {card}")
        await market.last_sees("会员 小明")
        await market.say("128.5")
        await market.last_sees("收 ¥128.50 → 会员 小明 得 128 分")
        await today.picture("award")
        await market.tap("确认")
        await market.last_sees("会员已收到通知")
        await ming.last_sees("+128 分 · 云山超市")
        await today.picture("receipt")

        await ming.start()
        await taps(ming, "兑换", "¥50 水果券", "兑换", "确认兑换")
        code = await code_of(ming)
        await ming.last_sees("用掉 1,000 分,还剩 180 分")
        await today.picture("code")

        await market.say(f"/verify {code}")
        await market.last_sees("它要在鲜果時光用")
        fruit = today.chat("郑一凡")
        await fruit.scan(ming)
        await fruit.last_sees("券有效 · 鲜果時光")
        await today.picture("verify")
        await fruit.tap("已交付")
        await fruit.last_sees("由您验过")
        await ming.last_sees("券已用:¥50 水果券")
        owner = today.chat("何老板")
        await owner.say(f"/verify {code}")
        await owner.last_sees("这张券已经用过了")
        await owner.last_sees("鲜果時光 1号台")
        await expect(owner.box.locator(".msg.bot").last).to_contain_text(re.compile(r"今天 \d\d:\d\d"))
        await today.picture("used")

        await today.page.advance(7)
        await ming.say("/balance")
        await ming.last_sees("可用 468 分")  # 180 left, 228 that were pending, 60 set aside that nobody used
        await expect(ming.box.locator(".msg.bot").last).not_to_contain_text(re.compile("待生效|预留"))
        await today.picture("a-week-later")


async def test_its_core_in_english_on_a_phone_at_night(database: Database, tmp_path: Path) -> None:
    async with day(database, tmp_path, "en", language="en-US", size=PHONE, dark=True) as today:
        ming, hong, fruit = today.chat("小明"), today.chat("小红"), today.chat("郑一凡")
        for chat in (ming, hong, fruit):
            await chat.menu("Telegram language")

        await hong.start()
        await hong.tap("Agree and join")
        await hong.last_sees("Welcome, 小红")
        await today.picture("joined")
        await only_english(hong)

        await ming.start()
        await ming.last_sees("1,180 pts")
        await today.picture("balance")
        await taps(ming, "Redeem", "¥50 fruit voucher", "Redeem", "Redeem now")
        code = await code_of(ming)
        await today.picture("code")

        await fruit.scan(ming)
        await fruit.last_sees("Fresh Fruit Time")
        await today.picture("verify")
        await fruit.tap("Handed over")
        await fruit.last_sees("Taken by you today")
        await ming.last_sees("Voucher used: ¥50 fruit voucher")
        await only_english(ming)
        await fruit.say(f"/verify {code}")
        await fruit.last_sees("This voucher has been used")
        await fruit.last_sees("Fresh Fruit Time, 1号台")
        await today.picture("used")
        await only_english(fruit)


async def only_english(chat: Chat, after: int = 0) -> None:
    """Nothing that the bot said to them since its first `after` messages, or offers to press, is left in Chinese."""
    await chat.open()
    said = (await chat.box.locator(".msg.bot").all_inner_texts())[after:]
    assert said and CHINESE.findall(AS_GIVEN.sub("", "\n".join(said))) == []
