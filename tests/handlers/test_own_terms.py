"""How goods come back, and their green class, written in the chat: what is asked, what is refused, what members read, two managers
at once."""

from __future__ import annotations

import pytest
from sqlalchemy import text
from sqlalchemy.ext.asyncio import AsyncConnection

from bot.double.people import Person
from ledger.programme import GreenScale, Wording
from ledger.redeeming.offers import Returns
from tests import turns
from tests.conftest import Database
from tests.driver import World, bot_running, coalition
from tests.handlers.shelf_scene import says, taps
from tests.handlers.shop import gives
from tests.handlers.test_own_shelf import NAME, boxes, documents, opened, publishes, writes
from tests.handlers.till_scene import open_shop, printed

GREEN = GreenScale(names={"organic": Wording(zh="有机", en="Organic")}, weights={"own_cup": 50})
OWN = Returns(days=15, answer_days=5, exchange=False, changed_mind=True)


async def greener(tx: AsyncConnection) -> None:
    """The coalition, whose programme has green classes."""
    await coalition(tx)
    document = turns.PROGRAMME.model_copy(update={"green_scale": GREEN}).model_dump_json()
    await tx.execute(text("UPDATE programme SET document = CAST(:document AS jsonb)"), {"document": document})


async def changes(world: World, who: Person) -> str:
    """From the shelf to the parts of the one offer that are changed less often."""
    await opened(world, who)
    return await taps(world, who, "改", "更多…")


async def test_a_policy_is_tapped_together_seen_beforehand_and_published(database: Database) -> None:
    async with bot_running(database) as world:
        shop = await open_shop(world)
        boss, member = shop.manager, shop.customer
        await gives(world, member, 500)
        await boxes(world, "box")
        assert "怎么退换:" not in await changes(world, boss), "as the programme has it is not worth a line"
        assert await taps(world, boss, "怎么退换") == (
            "怎么退换 · 当季水果礼盒\n现在:有问题,7 天内,3 天答复,可换货\n点一个改,或一次发给我,比如:\n"
            "15天 答复5天 不换货 不想要也行\n有问题的商品总能退,这条不能去掉。\n[15 天内]  [30 天内]\n[5 天答复]  [7 天答复]\n"
            "[不想要也能退]  [不换货]\n[返回]"
        )
        asked = boss.last
        for _ in range(3):
            boss.presses(asked, next(b for row in asked.buttons for b in row if b.text == "15 天内"))
        await world.settled()
        assert printed(boss).startswith("怎么退换 · 当季水果礼盒\n现在:有问题,15 天内,3 天答复,可换货\n")
        await world.restart()
        shown = await taps(world, boss, "不想要也能退", "不换货", "5 天答复")
        assert "现在:不想要也行,15 天内,5 天答复,只退积分" in shown
        assert "[有问题才退]  [可以换货]\n[和计划一样]" in shown
        overview = await taps(world, boss, "返回")
        line = "怎么退换:有问题,7 天内,3 天答复,可换货 → 不想要也行,15 天内,5 天答复,只退积分"
        assert f"· {line}" in overview and overview.count("怎么退换:") == 2
        await taps(world, boss, "常用的")
        preview = await taps(world, boss, "预览")
        assert "领到后 15 天内可以退,退积分" in preview
        assert "第 2 版" in await publishes(world, boss)
        await says(world, member, "dangji")
        assert "领到后 15 天内可以退,退积分" in await taps(world, member, NAME)
        assert (await documents(world))[-1][1]["returns"] == OWN.model_dump()
        await opened(world, boss)
        assert line in await taps(world, boss, "改过几次")


async def test_a_policy_goes_back_to_how_the_programme_has_it(database: Database) -> None:
    async with bot_running(database) as world:
        shop = await open_shop(world)
        boss = shop.manager
        await boxes(world, "box", returns=OWN)
        assert "怎么退换:不想要也行,15 天内,5 天答复,只退积分" in await changes(world, boss)
        assert "现在:有问题,7 天内,3 天答复,可换货" in await taps(world, boss, "怎么退换", "和计划一样")
        assert "和计划一样" not in printed(boss)
        await taps(world, boss, "返回", "常用的")
        await publishes(world, boss)
        assert [("returns" in document) for _, document in await documents(world)] == [True, False]
        await changes(world, boss)
        assert "还没有改动" in await taps(world, boss, "怎么退换", "不想要也能退", "有问题才退", "返回"), (
            "there and back"
        )


async def test_a_policy_is_typed_in_english_and_what_cannot_be_is_refused(database: Database) -> None:
    async with bot_running(database) as world:
        shop = await open_shop(world, language="en")
        boss = shop.owner
        await boxes(world, "box")
        await says(world, boss, "/shelf")
        await taps(world, boss, "Seasonal fruit box", "Change", "More…")
        assert await taps(world, boss, "Returns") == (
            "Returns · Seasonal fruit box\nNow: if faulty, 7 days, answer in 3, exchange\n"
            "Tap what to change, or send all of it, such as:\n15 days, answer in 5, points only, any reason\n"
            "Faulty goods always come back; that can't be taken away.\n[15 days]  [30 days]\n"
            "[Answer in 5 days]  [Answer in 7 days]\n[Any reason]  [Points only]\n[Back]"
        )
        for said, told in (
            ("no returns", "Faulty goods always come back; say 1 day at least.\n"),
            ("200 days", "Returns take 1 to 90 days, answers 1 to 14.\n"),
            ("whenever", "“whenever” is not clear. For example: 15 days, answer in 5, no exchange, any reason\n"),
        ):
            assert (await says(world, boss, said)).startswith(told)
            assert "Now: if faulty, 7 days, answer in 3, exchange" in printed(boss), "what was said before stands"
        shown = await says(world, boss, "15 days, answer in 5, points only, any reason")
        assert "Now: any reason, 15 days, answer in 5, points only" in shown
        await taps(world, boss, "Back", "Usual ones")
        assert "Comes back for points within 15 days of pick-up" in await taps(world, boss, "Preview")
        await taps(world, boss, "Publish")
        assert (await documents(world))[-1][1]["returns"] == OWN.model_dump()


async def test_only_goods_are_asked_how_they_come_back(database: Database) -> None:
    async with bot_running(database) as world:
        shop = await open_shop(world)
        boss = shop.manager
        await writes(world, boss)
        assert "[怎么退换]" in await taps(world, boss, "更多…")
        await taps(world, boss, "怎么退换", "不想要也能退", "返回")
        service = await taps(world, boss, "种类", "服务")
        assert "退换" not in service, "with the kind goes what only goods have"
        await taps(world, boss, "种类", "商品")
        assert "现在:有问题,7 天内" in await taps(world, boss, "怎么退换")


async def test_a_policy_is_written_before_all_the_rest_is(database: Database) -> None:
    async with bot_running(database) as world:
        shop = await open_shop(world)
        boss = shop.manager
        await says(world, boss, "/shelf")
        await taps(world, boss, "新建", "商品")
        await says(world, boss, f"{NAME} / Seasonal fruit box")
        await taps(world, boss, "水果生鲜", "看草稿", "更多…", "怎么退换")
        assert "现在:不想要也行,7 天内" in await taps(world, boss, "不想要也能退")
        assert "怎么退换:不想要也行" in await taps(world, boss, "返回")
        await says(world, boss, "/shelf")
        assert "一份要多少分?" in await taps(world, boss, "接着写草稿"), "the questions go on where they were"


async def test_of_two_managers_neither_takes_back_the_others_part_of_the_policy(database: Database) -> None:
    async with bot_running(database) as world:
        shop = await open_shop(world)
        boss, owner = shop.manager, shop.owner
        await boxes(world, "box")
        await changes(world, boss)
        await changes(world, owner)
        await taps(world, boss, "怎么退换", "30 天内", "返回", "常用的")
        await taps(world, owner, "怎么退换", "不想要也能退", "返回", "常用的")
        await publishes(world, boss)
        moved = await publishes(world, owner)
        assert "它刚被店长改过" in moved and "可换货 → 有问题,30 天内" in moved
        merged = await taps(world, owner, "在新的上面接着改")
        assert "怎么退换:不想要也行,30 天内,3 天答复,可换货" in merged
        await publishes(world, owner)
        last = (await documents(world))[-1][1]
        assert last["returns"] == {"days": 30, "answer_days": 3, "exchange": True, "changed_mind": True}


async def test_of_two_managers_who_undo_the_same_part_nothing_is_left_written(database: Database) -> None:
    async with bot_running(database) as world:
        shop = await open_shop(world)
        boss, owner = shop.manager, shop.owner
        await boxes(world, "box", returns=Returns(days=30, changed_mind=True))
        await changes(world, boss)
        await changes(world, owner)
        await taps(world, boss, "怎么退换", "7 天内", "返回", "常用的")
        await taps(world, owner, "怎么退换", "和计划一样", "返回", "常用的")
        await publishes(world, boss)
        await publishes(world, owner)
        assert "怎么退换:" in await taps(world, owner, "在新的上面接着改")
        await publishes(world, owner)
        assert "returns" not in (await documents(world))[-1][1]


WORDS = {
    "zh-hans": {
        "box": NAME, "change": "改", "more": "更多…", "green": "绿色类别", "organic": "有机", "none": "不算", "back": "常用的",
        "ask": "算哪一类绿色商品?会员看得到。", "said": "绿色类别:有机", "unknown": "计划里没有这个绿色类别。请点一个。",
        "card": "绿色 · 有机", "preview": "预览", "publish": "发布", "gone": "绿色类别:有机 → 没有",
    },
    "en": {
        "box": "Seasonal fruit box", "change": "Change", "more": "More…", "green": "Green class", "organic": "Organic",
        "none": "None", "back": "Usual ones", "ask": "Which green class is it? Members see it.",
        "said": "Green class: Organic", "unknown": "The programme has no such green class. Tap one.",
        "card": "Green · Organic", "preview": "Preview", "publish": "Publish", "gone": "Green class: Organic → none",
    },
}  # fmt: skip


@pytest.mark.parametrize("language", ["zh-hans", "en"])
async def test_a_green_class_is_one_of_the_programmes_and_members_see_it(database: Database, language: str) -> None:
    say = WORDS[language]
    async with bot_running(database, setup=greener) as world:
        shop = await open_shop(world, language=language)
        boss = shop.manager
        await boxes(world, "box")
        await says(world, boss, "/shelf")
        await taps(world, boss, say["box"], say["change"], say["more"])
        shown = await taps(world, boss, say["green"])
        assert say["ask"] in shown and f"[{say['organic']}]  [own_cup]\n[{say['none']}]" in shown
        assert (await says(world, boss, "???")).startswith(say["unknown"])
        asked = boss.last
        for _ in range(2):
            boss.presses(asked, next(b for row in asked.buttons for b in row if b.text == say["organic"]))
        await world.settled()
        assert say["said"] in printed(boss)
        await world.restart()
        assert say["card"] in await taps(world, boss, say["back"], say["preview"])
        await taps(world, boss, say["publish"])
        assert (await documents(world))[-1][1]["green_class"] == "organic"
        await says(world, boss, "/shelf")
        await taps(world, boss, say["box"], say["change"], say["more"])
        assert say["gone"] in await taps(world, boss, say["green"], say["none"])
        await taps(world, boss, say["back"], say["publish"])
        assert "green_class" not in (await documents(world))[-1][1]


async def test_where_the_programme_has_no_green_classes_nothing_is_asked(database: Database) -> None:
    async with bot_running(database) as world:
        shop = await open_shop(world)
        await boxes(world, "box")
        assert "绿色类别" not in await changes(world, shop.manager)
