"""Purchases without points in chat: what the cashier, the member and the manager see when cover is used up, and after."""

from __future__ import annotations

import asyncio

from ledger.merchants import guarantee
from tests.conftest import Database
from tests.driver import World, bot_running
from tests.handlers.settled import moment, opens, runs_the_programme
from tests.handlers.till_scene import Shop, open_shop, printed


async def limit(world: World, minor: int) -> None:
    """So much stands behind the supermarket's points; one costs 2."""
    async with world.database.engine.begin() as tx:
        await guarantee.set_limit(tx, 1, minor, actor="test", at=moment(world))


async def declines(place: Shop, amount: str, *, language: str = "zh") -> None:
    """A whole award, up to the tap that is refused."""
    confirm, refused = ("确认", "已留底") if language == "zh" else ("Confirm", "the purchase is kept")
    await place.cashier.says(f"/award {await place.card()}")
    await place.cashier.says(amount)
    await place.cashier.taps(confirm)
    await place.cashier.sees(refused, fresh=True)


async def test_a_declined_award_is_kept_told_once_and_booked_by_one_tap_of_the_manager(database: Database) -> None:
    async with bot_running(database) as world:
        place = await open_shop(world)
        await limit(world, 0)
        await declines(place, "300")
        shown = printed(place.cashier)
        assert "云山超市暂时不能发积分" in shown and "会员 小明 · ¥300" in shown and "[再试一次]" in shown
        told = (await place.customer.sees("这笔已留底")).shown
        assert "0 分 · 云山超市 · ¥300" in told and "恢复后店里可以补记" in told
        await place.cashier.taps("再试一次")
        await world.settled()
        assert await world.sql("SELECT times, told_at IS NOT NULL FROM declined_purchase") == [(2, True)]
        assert sum("这笔已留底" in message.shown for message in place.customer.messages) == 1, "told once"
        await place.customer.taps("看这一笔")
        await place.customer.sees("店里的发分额度用完了,这笔没有得分。")
        assert "消费 ¥300" in place.customer.last.shown and "这条记录留到" in place.customer.last.shown

        await declines(place, "112")
        await place.manager.says("/merchant")
        await place.manager.sees("未发放 2 笔 · ¥412", fresh=True)
        await place.manager.taps("看未发放的")
        await place.manager.sees("店里再发同一单也会照常记")
        await place.manager.taps("补记 2 笔")
        await place.manager.sees("按消费当时的规则给分")
        await place.manager.taps("补记")
        await place.manager.sees("额度还不够,2 笔留着")
        assert await world.sql("SELECT count(*) FROM purchase") == [(0,)]

        await limit(world, 700)
        await opens(place.manager, "declined:book:1")
        await place.manager.sees("已补记 1 笔,发 300 分")
        assert "额度还不够,1 笔留着" in place.manager.last.shown and "未发放 1 笔 · ¥112" in place.manager.last.shown
        await place.customer.sees("+300 分 · 云山超市")
        await limit(world, 2_000)
        await opens(place.manager, "declined:book:1")
        await place.manager.sees("已补记 1 笔,发 112 分")
        await opens(place.manager, "declined:book:1")
        await place.manager.sees("没有要补记的了。")
        points = await world.sql("SELECT points, staff_id FROM purchase ORDER BY id")
        assert [row[0] for row in points] == [300, 112] and all(row[1] for row in points), "and who had entered them"


async def test_the_history_shows_it_in_its_place_until_it_is_booked(database: Database) -> None:
    async with bot_running(database) as world:
        place = await open_shop(world)
        await place.give(place.cashier, "50")
        await limit(world, 100)
        await declines(place, "300")
        await limit(world, 10_000)
        await place.give(place.cashier, "20")
        await place.customer.says("/history")
        await place.customer.sees("明细", fresh=True)
        assert [label for label in place.customer.last.labels if "云山超市" in label] == [
            "+20 分 · 云山超市 · 今天", "0 分 · 云山超市 · 今天", "+50 分 · 云山超市 · 今天",
        ]  # fmt: skip
        [(kept,)] = await world.sql("SELECT id FROM declined_purchase")
        await opens(place.customer, f"history:declined:{kept}:all:0:0")
        await place.customer.sees("这笔没有得分")
        await place.customer.taps("返回明细")
        await place.customer.taps("用掉")
        await place.customer.sees("明细 · 用掉")
        assert not any(label.startswith("0 分") for label in place.customer.last.labels)
        await opens(place.cashier, f"history:declined:{kept}")
        await place.cashier.sees("没有这条记录", fresh=True)

        await place.manager.says("/merchant")
        await place.manager.sees("未发放 1 笔", fresh=True)
        await opens(place.manager, "declined:book:1")
        await place.manager.sees("已补记 1 笔")
        await place.customer.says("/history")
        await place.customer.sees("明细", fresh=True)
        assert not any(label.startswith("0 分") for label in place.customer.last.labels)
        await opens(place.customer, f"history:declined:{kept}")
        await place.customer.sees("+300 分 · 云山超市")


async def test_the_owner_who_hears_of_new_cover_books_at_once_and_two_taps_on_two_workers_book_once(
    database: Database,
) -> None:
    async with bot_running(database, webhook=True, workers=2) as world:
        place, operator = await open_shop(world), await world.member("林运营")
        await runs_the_programme(world, operator)
        await limit(world, 0)
        await declines(place, "300")
        await operator.says("/operator")
        await world.settled()
        await opens(operator, "cover:limit:1")
        await operator.sees("信用额度改为多少", fresh=True)
        await operator.says("100")
        await place.owner.sees("未发放 1 笔 · ¥300")
        await place.owner.taps("补记 1 笔")
        await place.owner.sees("现在还能发 ¥100")
        await place.manager.says("/merchant")
        await place.manager.sees("未发放 1 笔", fresh=True)
        await asyncio.gather(opens(place.owner, "declined:book:1"), opens(place.manager, "declined:book:1"))
        await world.settled()
        assert await world.sql("SELECT count(*), sum(points) FROM purchase") == [(1, 300)]
        assert await world.sql("SELECT count(*) FROM merchant_log WHERE what = 'declined_booked'") == [(1,)]
        await place.owner.says("/merchant")
        await place.owner.sees("云山超市", fresh=True)
        assert "未发放" not in printed(place.owner)


async def test_the_manager_drops_one_whose_goods_came_back_and_a_refund_says_what_to_do(database: Database) -> None:
    async with bot_running(database) as world:
        place = await open_shop(world)
        await limit(world, 0)
        await declines(place, "300")
        [(document,)] = await world.sql("SELECT document FROM declined_purchase")
        await place.manager.says("/merchant")
        await place.manager.sees("未发放 1 笔", fresh=True)
        await opens(place.manager, "refund:start:1")
        await place.manager.sees("今天没有可退的")
        await place.manager.says(document)
        await place.manager.sees("这张小票还没有发过分", fresh=True)
        await place.manager.says("/merchant")
        await place.manager.taps("看未发放的")
        await place.manager.taps("¥300")
        await place.manager.sees("货退了就不用补记")
        assert "会员 小明" in place.manager.last.shown and "经手 3号台" in place.manager.last.shown
        await place.manager.taps("不补记")
        await place.manager.sees("这笔不补记?")
        await place.manager.taps("不补记")
        await place.manager.sees("好的,这笔不补记。")
        await place.manager.taps("返回")
        await place.manager.sees("没有未发放的消费。")
        await place.customer.says("/history")
        await place.customer.sees("明细", fresh=True)
        await place.customer.taps("0 分")
        await place.customer.sees("店里决定不补记")
        await opens(place.cashier, "declined:book:1")
        await place.cashier.sees("您不能补记消费")


async def test_english_speaks_english(database: Database) -> None:
    async with bot_running(database) as world:
        place = await open_shop(world, language="en")
        await limit(world, 0)
        await declines(place, "300", language="en")
        told = (await place.customer.sees("This is kept.")).shown
        assert "0 pts · Yunshan Market · ¥300" in told
        await place.customer.taps("Open line")
        await place.customer.sees("could issue no more points")
        await limit(world, 10_000)
        await place.manager.says("/merchant")
        await place.manager.sees("1 purchase without points · ¥300", fresh=True)
        await place.manager.taps("Without points")
        await place.manager.taps("Book 1 purchase")
        await place.manager.taps("Book them")
        await place.manager.sees("1 purchase booked: 300 pts")
        await place.customer.sees("+300 pts · Yunshan Market")


async def test_long_lists_go_by_pages(database: Database) -> None:
    async with bot_running(database) as world:
        place = await open_shop(world)
        await limit(world, 0)
        await declines(place, "300")
        await world.sql(
            "INSERT INTO declined_purchase (merchant_id, document, member_id, amount_minor, money, currency_id, bill,"
            " occurred_at, bought_on, channel, actor, reason, after_entry_id, declined_at, last_at, told_at)"
            " SELECT merchant_id, 'n' || n, member_id, amount_minor, money, currency_id, bill, occurred_at, bought_on, channel,"
            " actor, reason, after_entry_id, declined_at, last_at, told_at FROM declined_purchase, generate_series(1, 9) n"
        )
        await place.manager.says("/merchant")
        await place.manager.taps("看未发放的")
        await place.manager.sees("店里再发同一单")
        assert "未发放 10 笔 · ¥3,000" in place.manager.last.shown
        assert sum("¥300" in label for label in place.manager.last.labels) == 8
        await place.manager.taps("下一页")
        await world.settled()
        assert (
            sum("¥300" in label for label in place.manager.last.labels) == 2 and "上一页" in place.manager.last.labels
        )
        await place.customer.says("/history")
        await place.customer.sees("另有 2 笔没有发分", fresh=True)
        assert sum(label.startswith("0 分") for label in place.customer.last.labels) == 8
