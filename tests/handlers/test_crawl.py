"""Every button behind every button: nothing breaks, every screen has a way on, and English stays English.

From the main screen the crawler presses whatever it finds, a few of each kind, as a member, a cashier, an owner and an operator of
the demo programme. The double refuses what Telegram would refuse, and a refused message shows as a failure.
"""

from __future__ import annotations

import re
from collections import Counter, deque
from importlib.resources import files

import pytest

from bot.demo import story
from bot.double.messages import Button, Message
from tests.conftest import Database
from tests.handlers.at import as_it_is, bot_then

OF_A_KIND = {"zh-hans": 3, "en": 2}
"""So many buttons of one action are pressed: they differ in their arguments only. What breaks, breaks in both languages."""
PRESSED_MOST = 200
LEFT_ALONE = {"settings:speak"}
"""The language stays what the test says."""
CHINESE = re.compile(r"[\u4e00-\u9fff]+")
NAMES = {"小明", "周晓燕", "何老板", "林运营", "郑一凡", "王店长", "半夏", "李阿姨", "陈思远", "吴妈妈", "李师傅"}
AS_GIVEN = NAMES | {"小周", "1号台", "号台", "尺码不合适", "会员说没有领到礼盒", "中文", "水果", "语言"}
for told_in in ("shops.toml", "circles.toml", "offers.toml"):
    AS_GIVEN |= set(CHINESE.findall((files("bot.demo") / told_in).read_text("utf-8")))
"""People's names, and words that people or merchants gave, are shown as given in every language."""


def kind_of(data: str) -> str:
    return ":".join(data.split(":")[:2])


@pytest.mark.slow
@pytest.mark.parametrize("language", ["zh-hans", "en"])
@pytest.mark.parametrize(("who", "name"), [(1001, "小明"), (1003, "周晓燕"), (1004, "何老板"), (1005, "林运营")])
async def test_every_button_leads_somewhere(demo_database: Database, who: int, name: str, language: str) -> None:
    async with bot_then(demo_database, setup=as_it_is) as world:
        for one, told in ((one.telegram_id, one.name) for one in story.people() if one.joined is not None):
            world.person(told, language=language, id=one).chat.started = True
        person = world.double.people[who]
        pressed: Counter[str] = Counter()
        seen: set[str] = set()
        waiting: deque[Button] = deque()

        async def look() -> Message:
            page = person.screen
            assert page is not None
            assert await world.sql("SELECT key, error FROM failure") == [], person.transcript()
            waiting.extend(b for row in page.buttons for b in row if b.data and b.data not in seen)
            passed_on = (
                page.photo is not None and "?start=" in page.shown
            )  # as it is, to somebody for whom the link is the way on
            assert page.buttons or person.chat.reply_keyboard or passed_on, f"no way on from: {page.shown}"
            if language == "en":
                said = page.shown + " ".join(b.text for row in page.buttons for b in row)
                found = {word for word in CHINESE.findall(said) if word not in AS_GIVEN}
                assert not found, f"{found} in: {said}"
            return page

        for command in person.commands or [{"command": "start"}]:
            await person.says(f"/{command['command']}")
            await world.settled()
            await look()
        while waiting and sum(pressed.values()) < PRESSED_MOST:
            button = waiting.popleft()
            assert button.data is not None
            if (
                kind_of(button.data) in LEFT_ALONE
                or button.data in seen
                or pressed[kind_of(button.data)] >= OF_A_KIND[language]
            ):
                continue
            seen.add(button.data)
            pressed[kind_of(button.data)] += 1
            person.presses(await look(), button)
            await world.settled()
            await look()
        assert await world.sql("SELECT state, error FROM outbox WHERE state IN ('failed', 'unknown')") == []
