"""Budgets of campaigns: what rules gave of them, more of them by two people, and nothing once they are closed."""

from __future__ import annotations

import asyncio

import pytest
from sqlalchemy.ext.asyncio import create_async_engine

from ledger.earning import campaigns, intake
from ledger.earning.campaigns import (
    BudgetOutOfRange,
    CampaignNameWrong,
    Change,
    ChangeSettled,
    NoSuchCampaign,
    OwnChange,
)
from ledger.earning.rules.documents import Budget
from tests.conftest import Database
from tests.ledger.earning.purchasing import book, bought, points, write_rule
from tests.ledger.earning.shop import NOON, VAULT, ZONE, Shop, moment, open_shop

OWNER, OPERATOR, OTHER = "member:1", "member:2", "member:3"


async def asked(
    tx, shop: Shop | None, what: campaigns.What = "open", *, needs: bool = False, by: str = OWNER, **budget: int
) -> Change:  # type: ignore[no-untyped-def]
    """A change of the campaign «spring»."""
    return await campaigns.ask(
        tx, what, code="spring", merchant_id=shop.merchant.id if shop else None, name=" 春节 ",
        budget=Budget.model_validate(budget), by=by, now=NOON, needs_approval=needs,
    )  # fmt: skip


async def doubled(tx, shop: Shop) -> None:  # type: ignore[no-untyped-def]
    await write_rule(tx, shop, "double", kind="multiplier", factor="2", campaign="spring")


async def test_a_campaign_says_what_its_rules_have_given_of_it(database: Database) -> None:
    async with database.engine.begin() as tx:
        shop = await open_shop(tx)
        await asked(tx, shop, points=150, minor=100_000)
        await doubled(tx, shop)
        assert points(await book(tx, bought(shop, "a"), bought(shop, "b"))) == [200, 150], (
            "100, then the 50 that are left"
        )
        found = await campaigns.one(tx, shop.merchant.id, "spring")
        assert (found.name_zh, found.is_open, dict(found.used), found.used_minor) == ("春节", True, {1: 150}, 300)
        assert await campaigns.of(tx, None) == []
        with pytest.raises(NoSuchCampaign):
            await campaigns.one(tx, None, "spring")


async def test_adding_lets_its_rules_go_on(database: Database) -> None:
    async with database.engine.begin() as tx:
        shop = await open_shop(tx)
        await asked(tx, shop, points=100)
        await doubled(tx, shop)
        assert points(await book(tx, bought(shop, "a"), bought(shop, "b"))) == [200, 100]
        await asked(tx, shop, "add", points=30)
        assert points(await book(tx, bought(shop, "c"))) == [130]
        assert (await campaigns.one(tx, shop.merchant.id, "spring")).budget == Budget(points=130)


async def test_closed_it_gives_nothing_and_open_again_what_was_left(database: Database) -> None:
    async with database.engine.begin() as tx:
        shop = await open_shop(tx)
        await asked(tx, shop, minor=10_000)
        await doubled(tx, shop)
        where = {"merchant_id": shop.merchant.id, "code": "spring"}
        await campaigns.switch(tx, **where, is_open=False)
        assert points(await book(tx, bought(shop, "a"))) == [100]
        one = bought(shop, "q")
        assert (await intake.quote(tx, one, today=one.bought_on, zone=ZONE, vault=VAULT)).points == 100
        await campaigns.switch(tx, **where, is_open=True)
        assert points(await book(tx, bought(shop, "b"))) == [200]
        with pytest.raises(NoSuchCampaign):
            await campaigns.switch(tx, merchant_id=None, code="spring", is_open=False)


async def test_what_needs_approval_waits_for_somebody_else(database: Database) -> None:
    async with database.engine.begin() as tx:
        shop = await open_shop(tx)
        change = await asked(tx, shop, needs=True, points=100)
        assert await campaigns.of(tx, shop.merchant.id) == []
        assert await campaigns.waiting(tx, shop.merchant.id) == await campaigns.waiting(tx, everybody=True) == [change]
        assert await campaigns.waiting(tx, None) == []
        for decide in (
            campaigns.approve(tx, change.id, by=OWNER, now=NOON),
            campaigns.reject(tx, change.id, by=OWNER, now=NOON, why="x"),
        ):
            with pytest.raises(OwnChange):
                await decide
        assert (await campaigns.approve(tx, change.id, by=OPERATOR, now=NOON)).state == "approved"
        assert [each.code for each in await campaigns.of(tx, shop.merchant.id)] == ["spring"]
        more = await asked(tx, shop, "add", needs=True, points=50)
        said = await campaigns.reject(tx, more.id, by=OPERATOR, now=NOON, why=" 太多\n了 ")
        assert (said.state, said.why) == ("rejected", "太多 了")
        for late in (
            campaigns.approve(tx, more.id, by=OTHER, now=NOON),
            campaigns.withdraw(tx, more.id, by=OWNER, now=NOON),
        ):
            with pytest.raises(ChangeSettled) as no:
                await late
            assert no.value.state == "rejected"
        last = await asked(tx, shop, "add", needs=True, points=50)
        assert (await campaigns.withdraw(tx, last.id, by=OWNER, now=NOON)).state == "withdrawn"
        assert (await campaigns.one(tx, shop.merchant.id, "spring")).budget == Budget(points=100)
        with pytest.raises(ChangeSettled):
            await campaigns.find(tx, 4711)


async def test_figures_and_names_are_checked(database: Database) -> None:
    async with database.engine.begin() as tx:
        shop = await open_shop(tx)
        for wrong in ({"points": 0}, {"minor": 0}, {"points": campaigns.POINTS_MOST + 1}):
            with pytest.raises(BudgetOutOfRange):
                await asked(tx, shop, **wrong)
        with pytest.raises(CampaignNameWrong):
            await campaigns.ask(
                tx, "open", code="x", merchant_id=None, name="很" * 31, budget=Budget(points=1), by=OWNER, now=NOON,
                needs_approval=False,
            )  # fmt: skip
        with pytest.raises(NoSuchCampaign):
            await asked(tx, shop, "add", points=1)


async def test_two_who_add_at_once_add_both_while_tills_draw_on_it(database: Database) -> None:
    async with database.engine.begin() as tx:
        shop = await open_shop(tx)
        await asked(tx, shop, points=500)
        await doubled(tx, shop)
        more = [await asked(tx, shop, "add", needs=True, points=300) for _ in range(2)]
    engine = create_async_engine(database.url, pool_size=14)

    async def adds(change: Change) -> None:
        async with engine.begin() as tx:
            await campaigns.approve(tx, change.id, by=OPERATOR, now=NOON)

    async def sells(number: int) -> None:
        async with engine.begin() as tx:
            await intake.book_many(tx, [bought(shop, f"d{number}")], at=moment(), zone=ZONE, vault=VAULT)

    try:
        await asyncio.gather(*(adds(change) for change in more), *(sells(number) for number in range(12)))
    finally:
        await engine.dispose()
    async with database.engine.begin() as tx:
        for number in range(12):
            await book(tx, bought(shop, f"e{number}"))
        found = await campaigns.one(tx, shop.merchant.id, "spring")
    assert found.budget == Budget(points=1100)
    assert dict(found.used) == {1: 1100}, "to the point, and none beyond it"
