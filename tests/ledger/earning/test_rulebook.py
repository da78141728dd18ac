"""The rule book: who may put a rule in force, what is in force when, and how a change is noticed."""

from __future__ import annotations

import asyncio
import datetime as dt
from decimal import Decimal
from typing import Any

import pytest
from sqlalchemy import text
from sqlalchemy.exc import IntegrityError
from sqlalchemy.ext.asyncio import AsyncConnection

from ledger.earning import rulebook
from ledger.earning.rulebook import (
    CampaignOfAnother,
    CodeOfAnother,
    NoSuchCampaign,
    NotInForce,
    NotProposed,
    Proposal,
    RuleBeginsInThePast,
    RuleIsOver,
    SamePerson,
)
from ledger.earning.rules.documents import Base, Bonus, Budget, When
from ledger.errors import Refusal
from ledger.members.profile import NoSuchRegion
from ledger.members.standings import NoSuchTier
from tests import turns
from tests.conftest import Database
from tests.ledger.earning.shop import NOON, moment

TODAY = moment().today
OWNER, OPERATOR = "member:7", "member:8"
SHOP, OTHER = 1, 2


def day(after: int) -> dt.date:
    return TODAY + dt.timedelta(days=after)


async def publish(
    tx: AsyncConnection, code: str, rate: int, *, since: int = 0, until: int | None = None, of: int | None = SHOP
) -> None:
    await rulebook.publish(
        tx,
        code=code,
        merchant_id=of,
        rule=Base(rate=Decimal(rate)),
        valid_from=day(since),
        valid_to=day(until) if until is not None else None,
        made_by="test",
        at=NOON,
    )


async def propose(
    tx: AsyncConnection,
    *,
    code: str = "double",
    since: int = 1,
    campaign: str | None = None,
    when: Any = None,
    **how: Any,
) -> Proposal:
    told = {"needs_approval": True, "valid_to": None} | how
    return await rulebook.propose(
        tx,
        code=code,
        merchant_id=SHOP,
        rule=Bonus(name_zh="礼", name_en="Gift", points=10, campaign=campaign, when=When.model_validate(when or {})),
        valid_from=day(since),
        made_by=OWNER,
        at=NOON,
        today=TODAY,
        **told,
    )


async def names(tx: AsyncConnection, after: int = 0, merchant: int = SHOP) -> list[str]:
    return [version.name for version in await rulebook.in_force(tx, merchant, day(after))]


async def test_in_force_are_the_merchants_and_the_programmes_one_version_of_each(database: Database) -> None:
    async with database.engine.begin() as tx:
        await publish(tx, "shop", 1)
        await publish(tx, "shop", 2, since=5, until=6)
        await publish(tx, "everywhere", 3, of=None)
        await publish(tx, "other", 4, of=OTHER)
        assert await names(tx, -1) == []
        assert await names(tx, 0) == ["everywhere@1", "shop@1"]
        assert await names(tx, 5) == ["everywhere@1", "shop@2"]
        assert await names(tx, 7) == ["everywhere@1", "shop@1"]  # the second version has ended
        assert await names(tx, 5, OTHER) == ["everywhere@1", "other@1"]
        assert [v.name for v in await rulebook.all_of(tx, SHOP)] == ["everywhere@1", "shop@1", "shop@2"]
        assert {v.code: v.merchant_id for v in await rulebook.in_force(tx, SHOP, TODAY)} == {
            "everywhere": None,
            "shop": SHOP,
        }


async def test_a_proposal_is_in_force_only_once_somebody_else_has_approved_it(database: Database) -> None:
    async with database.engine.begin() as tx:
        made = await propose(tx)
        assert (made.state, made.version.name, await names(tx, 1)) == ("proposed", "double@1", [])
        with pytest.raises(SamePerson):
            await rulebook.approve(tx, "double@1", by=OWNER, at=NOON, today=TODAY)
        assert [p.version.name for p in await rulebook.proposals(tx)] == ["double@1"]
        done = await rulebook.approve(tx, "double@1", by=OPERATOR, at=NOON, today=TODAY)
        assert (done.state, done.decided_by, done.decided_at) == ("approved", OPERATOR, NOON)
        assert await names(tx, 0) == [] and await names(tx, 1) == ["double@1"]
        assert await rulebook.proposals(tx) == []


async def test_the_schema_too_refuses_that_its_maker_approves_a_rule(database: Database) -> None:
    async with database.engine.begin() as tx:
        await propose(tx)
        with pytest.raises(IntegrityError, match="two_people"):
            await tx.execute(text("UPDATE accrual_rule SET state = 'approved', decided_by = made_by"))


async def test_where_no_approval_is_needed_a_proposal_is_in_force_at_once(database: Database) -> None:
    async with database.engine.begin() as tx:
        made = await propose(tx, needs_approval=False, since=0)
        assert (made.state, await names(tx)) == ("approved", ["double@1"])


async def test_approved_late_it_begins_on_the_day_of_approval_and_changes_nothing_before(database: Database) -> None:
    async with database.engine.begin() as tx:
        await propose(tx, since=1)
        done = await rulebook.approve(tx, "double@1", by=OPERATOR, at=NOON, today=day(3))
        assert (done.version.valid_from, await names(tx, 2), await names(tx, 3)) == (day(3), [], ["double@1"])


async def test_what_is_over_when_it_is_decided_is_not_approved(database: Database) -> None:
    async with database.engine.begin() as tx:
        await propose(tx, since=1, valid_to=day(2))
        with pytest.raises(RuleIsOver):
            await rulebook.approve(tx, "double@1", by=OPERATOR, at=NOON, today=day(3))


async def test_a_rejection_says_why_and_stays_on_record(database: Database) -> None:
    async with database.engine.begin() as tx:
        await propose(tx)
        with pytest.raises(SamePerson):
            await rulebook.reject(tx, "double@1", by=OWNER, at=NOON, why="")
        done = await rulebook.reject(tx, "double@1", by=OPERATOR, at=NOON, why="  太贵了\n 下月再说 ")
        assert (done.state, done.why, await names(tx, 1)) == ("rejected", "太贵了 下月再说", [])
        for decide in (
            rulebook.approve(tx, "double@1", by="member:9", at=NOON, today=TODAY),
            rulebook.withdraw(tx, "double@1", by=OWNER, at=NOON),
        ):
            with pytest.raises(NotProposed) as no:
                await decide
            assert no.value.state == "rejected"
        found = await rulebook.find(tx, "double@1")
        assert found is not None and found.why == "太贵了 下月再说"
        again = await propose(tx)
        assert again.version.name == "double@2"


async def test_its_maker_may_withdraw_what_waits(database: Database) -> None:
    async with database.engine.begin() as tx:
        await propose(tx)
        assert (await rulebook.withdraw(tx, "double@1", by=OWNER, at=NOON)).state == "withdrawn"
        with pytest.raises(NotProposed):
            await rulebook.approve(tx, "double@1", by=OPERATOR, at=NOON, today=TODAY)
        with pytest.raises(NotProposed):
            await rulebook.approve(tx, "nothing@1", by=OPERATOR, at=NOON, today=TODAY)
        assert await rulebook.find(tx, "nothing") is None


async def test_nobody_proposes_for_the_past(database: Database) -> None:
    async with database.engine.begin() as tx:
        with pytest.raises(RuleBeginsInThePast) as no:
            await propose(tx, since=-1)
        assert no.value.earliest == TODAY


async def test_a_code_is_whose_it_was_first_and_a_merchants_rule_draws_on_its_own_budgets_alone(
    database: Database,
) -> None:
    async with database.engine.begin() as tx:
        for code, of in (("others", OTHER), ("everybodys", None)):
            await publish(tx, code, 1, of=of)
            with pytest.raises(CodeOfAnother):
                await propose(tx, code=code)
            budget = {"name_zh": "春", "name_en": "Spring", "budget": Budget(points=5)}
            await rulebook.open_campaign(tx, code=f"c-{code}", merchant_id=of, **budget)
            with pytest.raises(CampaignOfAnother):
                await propose(tx, campaign=f"c-{code}")
        await rulebook.open_campaign(tx, code="mine", merchant_id=SHOP, **budget)
        assert (await propose(tx, campaign="mine")).version.rule.campaign == "mine"


@pytest.mark.parametrize(
    ("when", "campaign", "refusal"),
    [
        ({"regions": ["atlantis"]}, None, NoSuchRegion("atlantis")),
        ({"regions": ["hz"], "member_regions": ["atlantis"]}, None, NoSuchRegion("atlantis")),
        ({"tiers": ["gold", "diamond"], "regions": ["atlantis"]}, None, NoSuchTier("diamond")),
        ({}, "sprnig", NoSuchCampaign("sprnig")),
    ],
)
async def test_a_rule_speaks_of_what_the_programme_has(
    database: Database, when: dict[str, Any], campaign: str | None, refusal: Refusal
) -> None:
    async with database.engine.begin() as tx:
        await tx.execute(
            text("INSERT INTO programme VALUES (1, 1, CAST(:d AS jsonb))"), {"d": turns.PROGRAMME.model_dump_json()}
        )
        with pytest.raises(type(refusal)) as no:
            await propose(tx, when=when, campaign=campaign)
        assert no.value.facts == refusal.facts
        assert await rulebook.proposals(tx) == []


async def test_versions_written_at_once_get_numbers_of_their_own(database: Database) -> None:
    async def one(rate: int) -> None:
        async with database.engine.begin() as tx:
            await publish(tx, "shop", rate)

    await asyncio.gather(*(one(rate) for rate in range(1, 7)))
    async with database.engine.begin() as tx:
        assert [v.version for v in await rulebook.all_of(tx, SHOP)] == [1, 2, 3, 4, 5, 6]


async def test_a_rule_ends_today_or_later_and_never_comes_back(database: Database) -> None:
    async with database.engine.begin() as tx:
        await publish(tx, "shop", 1, since=-9)
        with pytest.raises(RuleBeginsInThePast):
            await rulebook.end(tx, "shop@1", last_day=day(-1), today=TODAY)
        assert (await rulebook.end(tx, "shop@1", last_day=day(2), today=TODAY)).valid_to == day(2)
        assert await names(tx, 2) == ["shop@1"] and await names(tx, 3) == []
        with pytest.raises(NotInForce):
            await rulebook.end(tx, "shop@1", last_day=day(3), today=TODAY)
        assert (await rulebook.end(tx, "shop@1", last_day=day(0), today=TODAY)).valid_to == TODAY
        await propose(tx)
        with pytest.raises(NotInForce):
            await rulebook.end(tx, "double@1", last_day=day(3), today=TODAY)


async def test_versions_are_found_by_name_whatever_became_of_them(database: Database) -> None:
    async with database.engine.begin() as tx:
        await publish(tx, "shop", 1, until=1)
        await publish(tx, "shop", 2)
        await propose(tx)
        found = await rulebook.named(tx, ["shop@1", "double@1", "shop@9"])
        assert [v.name for v in found] == ["double@1", "shop@1"]
        assert await rulebook.named(tx, []) == []


async def test_the_clock_moves_with_every_change_and_with_nothing_else(database: Database) -> None:
    async with database.engine.begin() as tx:
        seen = [await rulebook.clock(tx)]
        assert seen == [""]
        await publish(tx, "shop", 1)
        seen.append(await rulebook.clock(tx))
        await propose(tx)
        seen.append(await rulebook.clock(tx))
        await rulebook.approve(tx, "double@1", by=OPERATOR, at=NOON, today=TODAY)
        seen.append(await rulebook.clock(tx))
        await rulebook.end(tx, "shop@1", last_day=day(1), today=TODAY)
        seen.append(await rulebook.clock(tx))
        await rulebook.open_campaign(
            tx, code="c", merchant_id=SHOP, name_zh="春", name_en="Spring", budget=Budget(points=5)
        )
        seen.append(await rulebook.clock(tx))
        assert len(set(seen)) == len(seen)
        await rulebook.in_force(tx, SHOP, TODAY)
        assert await rulebook.clock(tx) == seen[-1]


async def test_a_reading_of_the_clock_never_comes_again_not_even_after_a_rollback(database: Database) -> None:
    seen = set()
    for _ in range(3):
        async with database.engine.connect() as tx:
            await publish(tx, "shop", 1)
            seen.add(await rulebook.clock(tx))
            await tx.rollback()
            assert await rulebook.clock(tx) == ""
    assert len(seen) == 3


async def test_two_who_decide_at_once_decide_once(database: Database) -> None:
    async with database.engine.begin() as tx:
        await propose(tx)

    async def decide(who: str) -> str:
        try:
            async with database.engine.begin() as tx:
                return (await rulebook.approve(tx, "double@1", by=who, at=NOON, today=TODAY)).state
        except NotProposed as no:
            return str(no.state)

    assert await asyncio.gather(decide("member:8"), decide("member:9")) == ["approved", "approved"]
    async with database.engine.begin() as tx:
        found = await rulebook.find(tx, "double@1")
        assert found is not None and found.decided_by in ("member:8", "member:9")


async def test_campaigns_keep_their_budget_until_it_is_changed(database: Database) -> None:
    async with database.engine.begin() as tx:
        for budget in (Budget(points=100), Budget(minor=5000), None):
            await rulebook.open_campaign(tx, code="c", merchant_id=None, name_zh="春", name_en="Spring", budget=budget)
            assert await rulebook.campaign_budgets(tx, ["c", "d"]) == ({"c": budget} if budget else {})
