"""Credit standing: off until the member agrees, entered under a number that only they hand out, theirs to read and to delete."""

from __future__ import annotations

import asyncio

from sqlalchemy import text

from bot.double.people import Person
from ledger.earning import rulebook
from ledger.earning.rules.documents import RULE
from ledger.members import credit_standing
from ledger.merchants import merchant as merchants
from ledger.points.commands import Moment
from tests.conftest import Database
from tests.driver import World, bot_running
from tests.handlers.settled import opens
from tests.handlers.shop import member_id, moment
from tests.handlers.till_scene import Shop, make_operator, open_shop, printed


async def rewarded(world: World, least: int = 650) -> None:
    """Twice the points for a standing of so much."""
    async with world.database.engine.begin() as tx:
        market = await merchants.by_code(tx, "market")
        rule = {
            "kind": "multiplier",
            "factor": "2",
            "name_zh": "信用",
            "name_en": "Credit",
            "when": {"standing_from": least},
        }
        await rulebook.publish(
            tx, code="market-credit", merchant_id=market.id, rule=RULE.validate_python(rule),
            valid_from=moment(world).today.replace(day=1), made_by="test", at=world.now(),
        )  # fmt: skip


async def agreed(who: Person) -> str:
    """They switch it on; the number that they may give away."""
    await who.says("/settings")
    await who.taps("使用信用评级")
    await who.sees("使用信用评级:关", fresh=True)
    await who.taps("同意使用")
    return (await who.sees("使用信用评级:开", fresh=True)).shown.splitlines()[-1]


async def entered(world: World, operator: Person, *lines: str) -> None:
    """The operator enters what an assessor has sent."""
    await operator.says("/operator")
    await operator.taps("信用评级")
    await operator.sees("哪家评估机构", fresh=True)
    await operator.says("市信用评估公司 2026-17")
    await operator.sees("一行一位", fresh=True)
    await operator.says("\n".join(lines))


async def desk_of(world: World) -> tuple[Shop, Person]:
    shop = await open_shop(world)
    operator = await world.member("运营小李")
    await make_operator(world, operator, "support")
    return shop, operator


async def test_agreed_entered_used_at_the_till_and_deleted(database: Database) -> None:
    async with bot_running(database) as world:
        shop, operator = await desk_of(world)
        await rewarded(world)
        until = moment(world).today.replace(year=moment(world).today.year + 1)
        code = await agreed(shop.customer)
        await entered(world, operator, f"{code} 720 {until}")
        await operator.sees("录入了 1 位", fresh=True)
        assert "小明" not in operator.transcript()
        shown = (await shop.customer.sees("您的信用评级:720")).shown
        assert "来源:市信用评估公司 2026-17" in shown
        await shop.give(shop.cashier, "100")
        await shop.customer.sees("+200 分 · 云山超市")
        assert "720" not in shop.cashier.transcript()
        assert await world.sql("SELECT facts->>'standing' FROM purchase") == [("720",)]
        await shop.customer.says("/settings")
        await shop.customer.taps("使用信用评级")
        await shop.customer.sees("评级 720\n来源:市信用评估公司 2026-17", fresh=True)
        await shop.customer.taps("删掉评级")
        await shop.customer.sees("现在没有您的评级", fresh=True)
        await shop.give(shop.cashier, "100", await shop.card("later"))
        await shop.customer.sees("+100 分 · 云山超市")


async def test_switched_off_it_is_gone_and_nothing_new_is_taken(database: Database) -> None:
    async with bot_running(database) as world:
        shop, operator = await desk_of(world)
        code = await agreed(shop.customer)
        until = moment(world).today
        await entered(world, operator, f"{code},700,{until}")
        await operator.sees("录入了 1 位", fresh=True)
        await shop.customer.says("/settings")
        await shop.customer.taps("存了我的什么")
        await shop.customer.sees("使用信用评级 · 1 版", fresh=True)
        await shop.customer.says("/settings")
        await shop.customer.taps("使用信用评级")
        await shop.customer.taps("关掉")
        await shop.customer.sees("使用信用评级:关", fresh=True)
        assert await world.sql("SELECT * FROM credit_standing") == []
        await operator.taps("再录一份")
        await operator.says("另一家")
        await operator.sees("一行一位", fresh=True)
        await operator.says(f"{code} 700 {until}\nnobody0123456789abcdef 700 {until}\n{code} 0700 2020-01-01")
        shown = (await operator.sees("录入了 0 位", fresh=True)).shown
        assert shown.count("没有同意使用评级的会员") == 2 and "第 3 行:评级是 1 到 1,000" in shown
        assert await world.sql("SELECT * FROM credit_standing") == []


async def test_a_line_that_is_none_enters_nothing_and_others_may_not_enter(database: Database) -> None:
    async with bot_running(database) as world:
        shop, operator = await desk_of(world)
        code = await agreed(shop.customer)
        await entered(world, operator, f"{code} 700 {moment(world).today}", "720")
        await operator.sees("第 2 行没看懂,什么都没有录入", fresh=True)
        assert await world.sql("SELECT * FROM credit_standing") == []
        await world.sql("UPDATE operator SET role = 'auditor'")
        await operator.says("/operator")
        await operator.sees("运营台", fresh=True)
        assert "[信用评级]" not in printed(operator)
        await opens(operator, "standing:desk")
        await operator.sees("您的角色办不了这件事", fresh=True)
        await opens(shop.customer, "standing:desk")
        await shop.customer.sees("运营人员", fresh=True)


async def test_the_same_in_english(database: Database) -> None:
    async with bot_running(database) as world:
        shop = await open_shop(world, language="en")
        await shop.customer.says("/settings")
        await shop.customer.taps("Use of credit standing")
        await shop.customer.sees("none gives less", fresh=True)
        await shop.customer.taps("Agree to its use")
        shown = (await shop.customer.sees("Use of credit standing: on", fresh=True)).shown
        assert "There is no standing of yours." in shown


async def test_it_counts_to_its_last_day_and_is_kept_with_a_purchase_only_where_a_rule_asks(database: Database) -> None:
    async with bot_running(database) as world:
        shop, _ = await desk_of(world)
        await agreed(shop.customer)
        who, at = await member_id(world, shop.customer), moment(world)
        async with database.engine.begin() as tx:
            said = credit_standing.Said(credit_standing.number(world.vault, who), 700, at.today)
            await credit_standing.enter(tx, world.vault, [said], source="x", by="operator:1", at=at)
        await shop.give(shop.cashier, "10")
        assert await world.sql("SELECT facts ? 'standing' FROM purchase") == [(False,)]
        await rewarded(world)
        await shop.give(shop.cashier, "20", await shop.card("two"))
        await world.clock.move(1)
        await shop.give(shop.cashier, "30", await shop.card("three"))
        assert await world.sql("SELECT points FROM purchase ORDER BY id") == [(10,), (40,), (30,)]


async def test_who_switches_off_while_it_is_entered_keeps_nothing(database: Database) -> None:
    async with bot_running(database) as world:
        shop, _ = await desk_of(world)
        await agreed(shop.customer)
        who, at = await member_id(world, shop.customer), moment(world)
        said = credit_standing.Said(credit_standing.number(world.vault, who), 700, at.today)
        for first in ("enter", "refuse"):
            async with database.engine.begin() as tx:
                await credit_standing.agree(tx, who, now=at.now)
            await both(world, who, said, at, first)
            assert await world.sql("SELECT * FROM credit_standing") == [], first


async def both(world: World, who: int, said: credit_standing.Said, at: Moment, first: str) -> None:
    """Entering and switching off at once, the one of them a moment earlier."""
    engine, began = world.database.engine, asyncio.Event()

    async def enter() -> None:
        if first != "enter":
            await began.wait()
        async with engine.begin() as tx:
            await credit_standing.enter(tx, world.vault, [said], source="x", by="operator:1", at=at)
            began.set()
            await tx.execute(text("SELECT pg_sleep(0.2)"))

    async def refuse() -> None:
        if first != "refuse":
            await began.wait()
        async with engine.begin() as tx:
            await credit_standing.refuse(tx, who, now=at.now)
            began.set()
            await tx.execute(text("SELECT pg_sleep(0.2)"))

    await asyncio.gather(enter(), refuse())
