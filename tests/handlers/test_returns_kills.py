"""A worker that ends between any two steps of a return, and two workers at once: one claim, one answer, points or another piece
once, and both sides hear of it. How a deed is stopped everywhere is in `kills.py`.
"""

from __future__ import annotations

import asyncio
from collections.abc import Awaitable, Callable
from dataclasses import replace

import pytest

from bot.double.double import Person
from jobs import returns
from ledger.merchants import merchant as merchants
from ledger.merchants import staff
from ledger.redeeming.offers import Limits
from tests.bot.test_kills import what_waits_is_said_to
from tests.conftest import Database
from tests.handlers import kills
from tests.handlers.kills import Deed, Hands, handing_over, notices
from tests.handlers.papers import picture
from tests.handlers.shop import gives, member_id, shelve
from tests.handlers.test_returns import KETTLE, Scene, scene

MANY = KETTLE.model_copy(update={"limits": Limits(stock=60)})


async def fresh(at: Scene) -> Scene:
    """Somebody else who has picked a kettle up."""
    who = await at.world.member()
    await gives(at.world, who, 1180)
    other = replace(at, ming=who)
    await other.picks_up()
    return other


async def asks_for_points(at: Scene) -> None:
    """To the last question before the claim is sent."""
    await at.opens()
    await at.shows()
    await at.ming.taps("发完了")
    await at.ming.sees("您想要什么", fresh=True)
    await at.ming.taps("退回 400 分")
    await at.ming.sees("天内答复", fresh=True)


async def to_the_goods(at: Scene, wish: str, label: str) -> None:
    """The manager is asked what becomes of the goods."""
    await at.claims(wish)
    await at.looks()
    await at.manager.taps(label)
    await at.manager.sees("怎么处理", fresh=True)


async def to_the_words(at: Scene) -> None:
    """The manager is asked for words that go with a refusal."""
    await at.claims()
    await at.looks()
    await at.manager.taps("不同意")
    await at.manager.taps("用过或有磨损")
    await at.manager.sees("写一两句", fresh=True)


async def refused(at: Scene) -> None:
    """The member looks at a refusal."""
    await at.claims()
    await at.refuses()
    await at.ming.taps("看退换")
    await at.ming.sees("不认可", fresh=True)


async def to_the_ruling(at: Scene) -> None:
    """The operator is asked for the words of a decision."""
    await refused(at)
    await at.ming.taps("请积分计划裁决")
    await at.ming.sees("积分计划在看", fresh=True)
    await at.world.settled()
    await at.operator.taps("看这件退换")
    await at.operator.taps("退给会员")
    await at.operator.sees("写下理由", fresh=True)


Prepares = Callable[[Scene], Awaitable[None]]
Acts = Callable[[Scene, Hands], Awaitable[int]]


def taps(who: str, label: str) -> Acts:
    async def act(at: Scene, hands: Hands) -> int:
        return await kills.tap(hands, getattr(at, who), label)

    return act


def says(who: str, words: str) -> Acts:
    async def act(at: Scene, hands: Hands) -> int:
        async with hands.off():
            return await getattr(at, who).says(words) or 0

    return act


# What was done before; who does what; what they see; the claim, its voucher and the points then; whose notices there is one of.
DEEDS: dict[str, tuple[Prepares, Acts, tuple[str, str], tuple[str, str, int], tuple[tuple[str, str], ...]]] = {
    "claim": (
        asks_for_points, taps("ming", "提交"), ("ming", "已提交"), ("open", "used", 780), (("manager", "claimed"),),
    ),
    "grant": (
        lambda at: to_the_goods(at, "points", "退 400 分"), taps("manager", "放回货架"), ("manager", "退好了"),
        ("granted", "returned", 1180), (("ming", "answered"),),
    ),
    "exchange": (
        lambda at: to_the_goods(at, "swap", "换一件"), taps("manager", "报废"), ("manager", "换好了"),
        ("exchanged", "exchanged", 780), (("ming", "answered"),),
    ),
    "refuse": (
        to_the_words, says("manager", "壶底烧黑了"), ("manager", "答复发给会员了"), ("refused", "used", 780),
        (("ming", "answered"),),
    ),
    "escalate": (
        refused, taps("ming", "请积分计划裁决"), ("ming", "积分计划在看"), ("escalated", "used", 780),
        (("manager", "escalated"), ("operator", "escalated")),
    ),
    "ruling": (
        to_the_ruling, says("operator", "到手就坏"), ("operator", "裁决了"), ("overturned", "returned", 1180),
        (("ming", "decided"), ("manager", "decided")),
    ),
}  # fmt: skip


async def pieces(at: Scene) -> list[str]:
    """The states of this member's vouchers."""
    rows = await at.world.sql(
        "SELECT state FROM redemption WHERE member_id = :who ORDER BY id", who=await member_id(at.world, at.ming)
    )
    return [row.state for row in rows]


async def claims(at: Scene) -> list[int]:
    """The claims on this member's voucher."""
    return [
        row.id for row in await at.world.sql("SELECT id FROM return_claim WHERE redemption_id = :id", id=at.voucher)
    ]


@pytest.mark.parametrize("deed", DEEDS)
async def test_a_return_stopped_at_any_await_is_done_once_by_the_next_worker(database: Database, deed: str) -> None:
    before, act, (actor, sees), then, hear = DEEDS[deed]
    async with scene(database, by_hand=True, workers=2) as first, handing_over(first.world) as hands:
        await shelve(first.world, MANY)

        async def prepare() -> Deed:
            at = await fresh(first)
            await before(at)

            async def holds() -> None:
                await getattr(at, actor).sees(sees, fresh=True)
                assert await at.stands() == then
                assert await pieces(at) == ([then[1], "issued"] if deed == "exchange" else [then[1]])
                [claim] = await claims(at)
                for who, about in hear:
                    assert await notices(at.world, getattr(at, who), f"return-{about}:{claim}%") == 1

            return kills.update(at.world, await act(at, hands), [at.ming, at.manager, at.operator], holds)

        await kills.stopped_everywhere(first.world, prepare)


async def test_a_photo_stopped_at_any_await_is_kept_once(database: Database) -> None:
    async with scene(database, by_hand=True, workers=2) as first, handing_over(first.world) as hands:
        await shelve(first.world, MANY)

        async def prepare() -> Deed:
            at = await fresh(first)
            await at.opens()
            await at.ming.taps("不能用")
            await at.ming.sees("拍照发给我", fresh=True)

            async def holds() -> None:
                await at.ming.sees("照片 1 张", fresh=True)
                [row] = await at.world.sql("SELECT data FROM dialogue WHERE chat_id = :chat", chat=at.ming.id)
                assert len(row.data["photos"]) == 1 and row.data["reason"] == "faulty"

            async with hands.off():
                sent = await at.ming.sends_photo(picture("spout"))
            return kills.update(at.world, sent, [at.ming], holds)

        await kills.stopped_everywhere(first.world, prepare)


async def test_the_duty_of_silence_stopped_at_any_await_grants_and_tells_once(database: Database) -> None:
    async with scene(database, by_hand=True, workers=2) as first, handing_over(first.world):
        await shelve(first.world, MANY)

        async def prepare() -> Deed:
            at = await fresh(first)
            await at.claims()
            await at.world.clock.move(4)

            async def holds() -> None:
                await at.ming.sees("没有答复,400 分自动退回")
                assert await at.stands() == ("silent", "returned", 1180)
                [claim] = await claims(at)
                assert await notices(at.world, at.ming, f"return-silent:{claim}%") == 1
                assert await notices(at.world, at.manager, f"return-silent:{claim}:%") == 1

            return await kills.duty(at.world, returns.duty, [at.ming, at.manager], holds)

        await kills.stopped_everywhere(first.world, prepare)


# -- two workers at the same time


async def colleague(at: Scene) -> Person:
    """A second manager of the shop."""
    who = await at.world.member("店长小海")
    member = await member_id(at.world, who)
    async with at.world.database.engine.begin() as tx:
        fruit = await merchants.by_code(tx, "fruit")
        await staff.add(
            tx, merchant_id=fruit.id, member_id=member, role="manager", label="店长2", by="test", now=at.world.now()
        )
    return who


@pytest.mark.parametrize("second", ["grants", "refuses", "exchanges"])
async def test_of_two_managers_who_answer_one_claim_in_two_workers_one_does(database: Database, second: str) -> None:
    async with scene(database, by_hand=True, workers=2) as at, handing_over(at.world) as hands:
        other = replace(at, manager=await colleague(at))
        await at.claims()
        taps = []
        for mine in (at, other):
            await mine.looks()
            if mine is at or second == "grants":
                await mine.manager.taps("退 400 分")
                taps.append(await kills.tap(hands, mine.manager, "放回货架"))
            elif second == "exchanges":
                await mine.manager.taps("换一件")
                taps.append(await kills.tap(hands, mine.manager, "报废"))
            else:
                await mine.manager.taps("不同意")
                await mine.manager.taps("用过或有磨损")
                await mine.manager.sees("写一两句", fresh=True)
                taps.append(await says("manager", "壶底烧黑了")(mine, hands))
        await asyncio.gather(*(at.world.feed(worker, tap) for worker, tap in zip(at.world.workers, taps, strict=True)))
        for who in (at.manager, other.manager, at.ming):
            await what_waits_is_said_to(at.world, who.id)
        stood = await at.stands()
        assert stood in (
            ("granted", "returned", 1180),
            {"refuses": ("refused", "used", 780), "exchanges": ("exchanged", "exchanged", 780)}.get(second),
        )
        [claim] = await claims(at)
        assert await notices(at.world, at.ming, f"return-answered:{claim}%") == 1
        done = [any(word in who.last.shown for word in DONE) for who in (at.manager, other.manager)]
        assert sorted(done) == [False, True], "one did it, the other sees how it stands"


DONE = ("会员已收到通知", "答复发给会员了", "会员凭新券来拿")


async def test_a_member_withdraws_in_one_worker_while_the_merchant_grants_in_the_other(database: Database) -> None:
    async with scene(database, by_hand=True, workers=2) as at, handing_over(at.world) as hands:
        await to_the_goods(at, "points", "退 400 分")
        await at.ming.taps("撤回退换")
        taps = [await kills.tap(hands, at.ming, "确认撤回"), await kills.tap(hands, at.manager, "放回货架")]
        await asyncio.gather(*(at.world.feed(worker, tap) for worker, tap in zip(at.world.workers, taps, strict=True)))
        for who in (at.ming, at.manager):
            await what_waits_is_said_to(at.world, who.id)
        [claim] = await claims(at)
        granted = await notices(at.world, at.ming, f"return-answered:{claim}%")
        withdrawn = await notices(at.world, at.manager, f"return-withdrawn:{claim}%")
        assert (granted, withdrawn, await at.stands()) in (
            (1, 0, ("granted", "returned", 1180)),
            (0, 1, ("withdrawn", "used", 780)),
        )
