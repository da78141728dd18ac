"""What a member shows and says for a return: before the reason is tapped, several photos at once, or none at all; taps twice, a
restart midway, two workers.
"""

from __future__ import annotations

import asyncio
import datetime as dt
from dataclasses import replace

import pytest

from bot.double.messages import Message
from bot.double.people import Person
from chat.claiming import LATE_SECONDS
from ledger.redeeming import return_claims
from ledger.redeeming.offers import Returns
from tests.conftest import Database
from tests.driver import World
from tests.handlers.papers import picture
from tests.handlers.settled import opens
from tests.handlers.shelf_scene import says, taps
from tests.handlers.shop import gives, member_id, shelve
from tests.handlers.test_returns import KETTLE, Scene, scene
from tests.handlers.till_scene import printed

SAYS = {
    "zh-hans": {
        "one": "收到照片 1 张,最多 6 张", "you": "您说:壶嘴漏水", "mind": "不想要了", "without": "不发照片,继续",
        "optional": "照片可发可不发,最多 6 张。", "as_described": "和介绍的一样", "four": "收到照片 4 张,最多 6 张",
    },
    "en": {
        "one": "1 photo received, at most 6", "you": "You: 壶嘴漏水", "mind": "Changed my mind",
        "without": "Go on without photos", "optional": "Photos if you like, up to 6.", "as_described": "As described",
        "four": "4 photos received, at most 6",
    },
}  # fmt: skip
BOTH = pytest.mark.parametrize("language", ["zh-hans", "en"])


def screens(who: Person) -> list[Message]:
    """The bot's messages."""
    return [message for message in who.messages if message.from_bot]


async def photos_of(at: Scene) -> list[str]:
    """What the one claim shows, as the merchant can see it."""
    async with at.world.database.engine.begin() as tx:
        [row] = await at.world.sql("SELECT id FROM return_claim")
        claim = await return_claims.one(tx, row.id)
        return [shot.unique_id for shot in (await return_claims.shown(tx, claim, at.world.vault))[1]]


async def at_the_photos(at: Scene) -> int:
    """A faulty kettle, photos being asked for. How many messages the bot has sent."""
    await at.opens()
    await at.ming.taps(at.say["faulty"])
    await at.ming.sees(at.say["photos"], fresh=True)
    return len(screens(at.ming))


async def sends(at: Scene) -> None:
    """From the photos to the claim."""
    await taps(at.world, at.ming, at.say["enough"], at.say["points"], at.say["send"])
    await at.ming.sees(at.say["sent"])


@BOTH
async def test_a_photo_and_words_that_come_before_the_reason_are_kept(database: Database, language: str) -> None:
    say = SAYS[language]
    async with scene(database, language=language) as at:
        await at.opens()
        await at.ming.sends_photo(picture("spout"))
        first = await at.ming.sees(say["one"], fresh=True)
        assert at.say["what"] in first.shown and len(first.labels) == 7, "the reason is asked again"
        shown = await says(at.world, at.ming, "壶嘴漏水")
        assert say["you"] in shown and say["one"] in shown and at.say["what"] in shown
        asked = at.ming.last
        for _ in range(3):  # three taps on the reason are one, and no photo goes by them
            at.ming.presses(asked, next(b for row in asked.buttons for b in row if at.say["faulty"] in b.text))
        await at.world.settled()
        assert say["one"] in at.ming.last.shown and say["you"] in at.ming.last.shown
        await sends(at)
        assert len(await photos_of(at)) == 1


async def test_the_reason_can_be_changed_and_what_was_shown_stays_until_it_is_sent_anew(database: Database) -> None:
    async with scene(database) as at:
        await at.opens()
        damaged = next(b.data for row in at.ming.last.buttons for b in row if "到手就破损" in b.text)
        await taps(at.world, at.ming, "不能用")
        await at.ming.sends_photo(picture("spout"), caption="漏水")
        await at.ming.sees("收到照片 1 张", fresh=True)
        assert damaged is not None
        await opens(at.ming, damaged)  # an older message of the same question
        changed = await at.ming.sees("原因:到手就破损", fresh=True)
        assert "收到照片 1 张" in changed.shown and "您说:漏水" in changed.shown
        assert await taps(at.world, at.ming, "重新发") == (
            "退换 电水壶\n原因:到手就破损\n\n拍照发给我,1 到 6 张。\n想说明什么,直接打字。\n[不退换了]"
        )


async def test_a_restart_while_the_reason_is_asked_loses_no_photo(database: Database) -> None:
    async with scene(database) as at:
        await at.opens()
        await at.ming.sends_photo(picture("spout"))
        await at.ming.sees("收到照片 1 张", fresh=True)
        await at.world.kill()
        await at.world.start()
        assert "收到照片 1 张" in await taps(at.world, at.ming, "不能用")
        await at.world.restart()
        await sends(at)
        assert len(await photos_of(at)) == 1


@BOTH
async def test_whoever_changed_their_mind_has_nothing_to_show(database: Database, language: str) -> None:
    say = SAYS[language]
    async with scene(database, language=language) as at:
        await at.opens()
        shown = await taps(at.world, at.ming, say["mind"])
        assert say["optional"] in shown and f"[{say['without']}]" in shown
        button = at.ming.last
        for _ in range(2):
            at.ming.presses(button, button.buttons[0][0])
        await at.ming.sees(at.say["wish"], fresh=True)
        await at.world.settled()
        summary = await taps(at.world, at.ming, at.say["points"])
        assert say["mind"] in summary and "照片" not in summary and "photo" not in summary
        await taps(at.world, at.ming, at.say["send"])
        assert await at.stands() == ("open", "used", 780) and await photos_of(at) == []
        await at.looks()
        assert say["mind"] in at.manager.last.shown and at.manager.last.photo is None
        reasons = await taps(at.world, at.manager, at.say["no"])
        assert at.say["worn"] in reasons and say["as_described"] not in reasons, "nothing has to be wrong with it"
        await opens(at.manager, "returns_desk:because:1:as_described")
        await at.world.settled()
        assert printed(at.manager) == reasons, "nor by a button of another claim's"


async def test_photos_are_welcome_all_the_same_where_a_mind_was_changed(database: Database) -> None:
    async with scene(database) as at:
        await at.opens()
        await taps(at.world, at.ming, "不想要了")
        await at.ming.sends_photo(picture("boxed"))
        await at.ming.sees("收到照片 1 张", fresh=True)
        assert "不发照片" not in printed(at.ming)
        await sends(at)
        await at.looks()
        assert at.manager.last.photo is not None and "照片 1 张" in at.manager.last.shown


async def test_where_only_what_is_faulty_comes_back_the_other_reason_is_refused_at_once(database: Database) -> None:
    async with scene(database) as at:
        await shelve(at.world, KETTLE.model_copy(update={"returns": Returns(days=7)}))
        await at.picks_up()
        voucher = at.voucher
        await at.ming.says("/vouchers")
        await at.ming.sees("我的券", fresh=True)
        await opens(at.ming, f"returns:show:{voucher}")
        asked = await at.ming.sees("怎么了", fresh=True)
        assert "不想要了" not in str(asked.labels)
        await opens(at.ming, f"returns:because:{voucher}:changed_mind")
        refused = await at.ming.sees("这项只有出问题才退换", fresh=True)
        assert refused.labels[0] == "重新选"


@BOTH
async def test_photos_sent_together_are_answered_once_with_their_number(database: Database, language: str) -> None:
    say = SAYS[language]
    async with scene(database, language=language) as at:
        before = await at_the_photos(at)
        await at.ming.sends_album(*[picture(f"p{n}") for n in range(4)], caption="壶嘴漏水")
        await at.world.settled()
        assert len(screens(at.ming)) == before + 1 and say["one"] in at.ming.last.shown
        assert await at.world.renewals_due() == 1
        assert len(screens(at.ming)) == before + 1
        assert say["four"] in at.ming.last.shown and say["you"] in at.ming.last.shown
        await sends(at)
        assert len(await photos_of(at)) == 4


async def test_photos_sent_together_at_several_workers_are_answered_once(database: Database) -> None:
    async with scene(database, webhook=True) as at:
        await at.world.another()
        before = await at_the_photos(at)
        await at.ming.sends_album(*[picture(f"p{n}") for n in range(5)])
        await at.world.settled()
        assert len(screens(at.ming)) == before + 1
        await at.world.renewals_due()
        assert len(screens(at.ming)) == before + 1 and "收到照片 5 张" in at.ming.last.shown
        await sends(at)
        assert len(await photos_of(at)) == 5


async def test_photos_sent_together_before_the_reason_are_answered_once_too(database: Database) -> None:
    async with scene(database) as at:
        await at.opens()
        before = len(screens(at.ming))
        await at.ming.sends_album(picture("a"), picture("b"), picture("a"))
        await at.world.settled()
        await at.world.renewals_due()
        assert len(screens(at.ming)) == before + 1 and "收到照片 2 张" in at.ming.last.shown, (
            "the same one twice is one"
        )
        assert "怎么了" in at.ming.last.shown


async def test_of_more_than_fit_the_answer_says_so_once(database: Database) -> None:
    async with scene(database) as at:
        before = await at_the_photos(at)
        await at.ming.sends_album(*[picture(f"p{n}") for n in range(8)])
        await at.world.settled()
        await at.world.renewals_due()
        assert len(screens(at.ming)) == before + 1
        assert printed(at.ming) == (
            "退换 电水壶\n原因:不能用,有毛病\n收到照片 6 张,多的没有收\n\n点「发完了」继续。\n想说明什么,直接打字。\n"
            "[发完了]\n[重新发]  [不退换了]"
        )
        await at.ming.sends_photo(picture("p9"))
        await at.ming.sees("多的没有收", fresh=True)
        await sends(at)
        assert len(await photos_of(at)) == 6


async def test_what_was_asked_meanwhile_is_not_overwritten_by_the_count(database: Database) -> None:
    async with scene(database) as at:
        await at_the_photos(at)
        await at.ming.sends_album(picture("a"), picture("b"))
        await at.world.settled()
        assert "您想要什么" in await taps(at.world, at.ming, "发完了")
        await at.world.renewals_due()
        assert "您想要什么" in at.ming.last.shown
        assert "照片 2 张" in await taps(at.world, at.ming, "退回 400 分")


async def test_a_photo_of_the_same_ones_that_comes_late_is_answered(database: Database) -> None:
    async with scene(database, by_hand=True) as at:
        await fed(at, *[await at.ming.says("/vouchers")])
        await at.ming.sees("我的券", fresh=True)
        for label, seen in (("电水壶", "用过了"), ("退换", "怎么了"), ("不能用", "拍照发给我")):
            await fed(at, (await at.ming.taps(label)).update_id)
            await at.ming.sees(seen, fresh=True)
        before = len(screens(at.ming))
        first, second, third = await at.ming.sends_album(*[picture(f"p{n}") for n in range(3)])
        await fed(at, first)
        await at.world.renewals_due()
        await fed(at, second)
        assert len(screens(at.ming)) == before + 2 and "收到照片 2 张" in at.ming.last.shown
        await at.world.kill()  # and with it, what would have renewed the second answer
        await at.world.start()
        at.world.wall_offset += dt.timedelta(seconds=LATE_SECONDS + 2)
        await fed(at, third)
        assert len(screens(at.ming)) == before + 3 and "收到照片 3 张" in at.ming.last.shown


async def fed(at: Scene, *updates: int | None) -> None:
    """Hand over updates, and wait for what is said."""
    for update in updates:
        await at.world.feed(at.world.worker, update)
    await at.world.settled()


async def test_a_worker_that_ends_before_it_says_the_number_has_kept_every_photo(database: Database) -> None:
    async with scene(database) as at:
        before = await at_the_photos(at)
        await at.ming.sends_album(*[picture(f"p{n}") for n in range(3)])
        await at.world.settled()
        await at.world.kill()
        await at.world.start()
        await at.world.renewals_due()
        assert len(screens(at.ming)) == before + 1 and "收到照片 1 张" in at.ming.last.shown
        await sends(at)
        assert len(await photos_of(at)) == 3


async def test_two_members_with_photos_at_once_get_each_their_own(database: Database) -> None:
    async with scene(database, webhook=True) as at:
        await at.world.another()
        await at_the_photos(at)
        other = await second_member(at.world, at)
        await at_the_photos(other)
        await asyncio.gather(
            at.ming.sends_album(*[picture(f"m{n}") for n in range(3)]),
            other.ming.sends_album(*[picture(f"o{n}") for n in range(2)]),
        )
        await at.world.settled()
        await at.world.renewals_due()
        assert "收到照片 3 张" in at.ming.last.shown and "收到照片 2 张" in other.ming.last.shown


async def second_member(world: World, at: Scene) -> Scene:
    """Somebody else who picked a kettle up."""
    who = await world.member("小红")
    await gives(world, who, 1180)
    other = replace(at, ming=who)
    await other.picks_up()
    assert await member_id(world, who) != await member_id(world, at.ming)
    return other
