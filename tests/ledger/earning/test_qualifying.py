"""Looking at members' purchases for their tiers: counted net, moved once, warned once, proposed once."""

from __future__ import annotations

import asyncio
import datetime as dt
import itertools

import pytest
from sqlalchemy import text
from sqlalchemy.ext.asyncio import AsyncConnection

from ledger.earning import qualifying
from ledger.earning.qualifying import Look
from ledger.errors import Refusal
from ledger.members import standings, upgrades
from ledger.members.standings import Change, GrantedInThePast, NoSuchTier
from ledger.members.tiers import Missing, Qualifying
from ledger.points.commands import Moment
from tests.conftest import Database
from tests.ledger.members.test_tiers import PROG, TODAY

_numbers = itertools.count(1)
_BUY = text(
    "INSERT INTO purchase (merchant_id, document, member_id, amount_minor, money, refunded_minor, points, entry_id, bill,"
    " occurred_at, bought_on) VALUES (1, :document, :member, :amount, :money, :refunded, 0, 0, '{}', now(), :day)"
)


def at(days: int = 0) -> Moment:
    return Moment(dt.datetime(2026, 11, 22, 3, tzinfo=dt.UTC), TODAY + dt.timedelta(days=days), days)


async def member(tx: AsyncConnection) -> int:
    made = await tx.scalar(text("INSERT INTO member (status, joined_on) VALUES ('active', '2025-01-01') RETURNING id"))
    return int(made)


async def buys(
    tx: AsyncConnection,
    who: int,
    ago: int,
    yuan: int,
    *,
    times: int = 1,
    every: int = 1,
    refunded: int = 0,
    money: str = "CNY",
) -> None:
    """`times` purchases, the oldest `ago` days back, `every` so many days; `refunded` yuan of each went back."""
    for number in range(times):
        facts = {"document": f"d{next(_numbers)}", "member": who, "amount": yuan * 100, "refunded": refunded * 100}
        await tx.execute(_BUY, {**facts, "money": money, "day": TODAY - dt.timedelta(days=ago - number * every)})


async def look(tx: AsyncConnection, *who: int, days: int = 0) -> Look:
    return await qualifying.look(tx, PROG, who, at(days))


async def in_force(tx: AsyncConnection, who: int) -> str | None:
    found: str | None = await tx.scalar(text("SELECT tier FROM member WHERE id = :who"), {"who": who})
    return found


async def test_spend_is_net_of_refunds_and_visits_are_days_within_the_months(database: Database) -> None:
    async with database.engine.begin() as tx:
        who = await member(tx)
        await buys(tx, who, 100, 500, times=3, every=2)
        await buys(tx, who, 100, 100)  # the same day: one visit
        await buys(tx, who, 90, 300, refunded=100)
        await buys(tx, who, 80, 70, refunded=70)  # wholly returned: no visit
        await buys(tx, who, 365, 5000)  # the day a year ago has just left the window
        await buys(tx, who, 364, 11)
        await buys(tx, who, 60, 900, money="GBP")
        seen = await qualifying.progress(tx, PROG, who, TODAY)
        assert seen.so_far == Qualifying((1500 + 100 + 200 + 11) * 100, 5)
        assert (seen.tier.code, seen.above.code if seen.above else None) == ("plain", "silver")
        assert seen.to_climb == Missing(18_900, 1)


async def test_a_claimed_account_counts_as_its_claimers(database: Database) -> None:
    async with database.engine.begin() as tx:
        who, old = await member(tx), await member(tx)
        await buys(tx, old, 50, 400, times=6)
        await tx.execute(
            text("INSERT INTO succession (member_id, holder_id) VALUES (:old, :who)"), {"old": old, "who": who}
        )
        [change] = (await look(tx, who)).changes
        assert change.after == "silver"


async def test_up_at_once_and_only_once(database: Database) -> None:
    async with database.engine.begin() as tx:
        who, idle = await member(tx), await member(tx)
        await buys(tx, who, 50, 400, times=6)
        seen = await look(tx, who, idle)
        assert seen.changes == [Change(who, None, "silver", "earned", dt.date(2027, 11, 30))]
        assert await in_force(tx, who) == "silver" and await in_force(tx, idle) is None
        assert (await look(tx, who, idle)).changes == []
        assert [(past.after, past.why) for past in await standings.history(tx, who)] == [("silver", "earned")]


async def test_two_looks_at_once_promote_once(database: Database) -> None:
    async with database.engine.begin() as tx:
        people = [await member(tx) for _ in range(6)]
        for who in people:
            await buys(tx, who, 50, 400, times=6)

    async def one(order: list[int]) -> int:
        async with database.engine.begin() as tx:
            return len((await look(tx, *order)).changes)

    assert sum(await asyncio.gather(one(people), one(people[::-1]), one(people))) == 6
    async with database.engine.begin() as tx:
        assert await tx.scalar(text("SELECT count(*) FROM tier_change")) == 6


async def test_a_period_ends_with_a_warning_once_and_a_landing_of_one_step(database: Database) -> None:
    async with database.engine.begin() as tx:
        who = await member(tx)
        await buys(tx, who, 300, 400, times=24)  # ¥9,600 on 24 days: gold until 30 November 2027
        assert [each.after for each in (await look(tx, who)).changes] == ["gold"]
        end = (dt.date(2027, 11, 30) - TODAY).days
        assert (await look(tx, who, days=end - 31)).warnings == []
        await buys(tx, who, -(end - 200), 50, times=2)  # a little of what is asked for, within the last months
        [warning] = (await look(tx, who, days=end - 30)).warnings
        assert (warning.tier, warning.until, warning.lands_on) == ("gold", dt.date(2027, 11, 30), "silver")
        assert warning.missing == Missing(800_000 - 10_000, 22)
        later = await look(tx, who, days=end)
        assert (later.warnings, later.changes) == ([], [])
        assert (await look(tx, who, days=end + 1)).changes == [
            Change(who, "gold", "silver", "landed", dt.date(2028, 12, 31))
        ]
        assert (await look(tx, who, days=end + 2)).changes == []
        [landed] = (await look(tx, who, days=end + 600)).changes
        assert (landed.after, landed.until) == ("plain", None)
        assert (await look(tx, who, days=end + 2000)).changes == []


async def test_whoever_did_enough_by_the_end_keeps_it_however_late_the_look(database: Database) -> None:
    async with database.engine.begin() as tx:
        who = await member(tx)
        await buys(tx, who, 50, 400, times=6)
        await look(tx, who)
        end = (dt.date(2027, 11, 30) - TODAY).days
        await buys(
            tx, who, -(end - 360), 400, times=6
        )  # early in the last twelve months: long out of sight 20 days later
        assert (await look(tx, who, days=end - 10)).warnings == []
        [kept] = (await look(tx, who, days=end + 20)).changes
        assert (kept.before, kept.after, kept.why) == ("silver", "silver", "kept")


async def test_a_granted_tier_holds_to_its_day_and_the_earned_one_goes_on_beneath(database: Database) -> None:
    async with database.engine.begin() as tx:
        who = await member(tx)
        until = TODAY + dt.timedelta(days=90)
        facts = {"key": "bought:1", "actor": "member:1", "at": at()}
        given = await standings.grant(tx, PROG, who, "gold", until, "bought", **facts)  # type: ignore[arg-type]
        assert given == Change(who, None, "gold", "granted", until)
        assert await standings.grant(tx, PROG, who, "gold", until, "bought", **facts) is None  # type: ignore[arg-type]
        await buys(tx, who, 5, 400, times=6)
        seen = await look(tx, who, days=1)
        assert seen.changes == [] and await in_force(tx, who) == "gold"
        assert (await look(tx, who, days=90)).changes == []
        [ended] = (await look(tx, who, days=91)).changes
        assert (ended.after, ended.why, ended.until) == ("silver", "grant_ended", dt.date(2027, 11, 30))


@pytest.mark.parametrize(
    ("tier", "days", "refusal"), [("diamond", -1, NoSuchTier("diamond")), ("gold", -1, GrantedInThePast(TODAY))]
)
async def test_a_grant_is_refused_in_order(database: Database, tier: str, days: int, refusal: Refusal) -> None:
    async with database.engine.begin() as tx:
        who = await member(tx)
        with pytest.raises(type(refusal)) as no:
            until = TODAY + dt.timedelta(days=days)
            await standings.grant(tx, PROG, who, tier, until, "bought", key="k", actor="test", at=at())
        assert no.value.code == refusal.code


async def test_speeding_up_is_proposed_once_and_granted_when_accepted(database: Database) -> None:
    async with database.engine.begin() as tx:
        fast, steady = await member(tx), await member(tx)
        for who in (fast, steady):
            await buys(tx, who, 110, 30, times=3, every=25)
        await buys(tx, fast, 20, 30, times=6, every=3)
        assert (await look(tx, fast, steady)).proposed == 1
        assert (await look(tx, fast, steady, days=1)).proposed == 0
        [proposal] = await upgrades.waiting(tx)
        assert (proposal.member_id, proposal.tier, proposal.visits, proposal.before) == (fast, "silver", 6, 3)
        change = await upgrades.accept(tx, PROG, proposal.id, by="operator:1", at=at())
        assert (change.after, change.why, change.until) == ("silver", "granted", TODAY + dt.timedelta(days=90))
        with pytest.raises(upgrades.ProposalDecided):
            await upgrades.decline(tx, proposal.id, by="operator:1", at=at())
        assert (await look(tx, fast, days=2)).proposed == 0, "decided lately"


async def test_a_proposal_lapses_when_the_member_climbs_by_themselves(database: Database) -> None:
    async with database.engine.begin() as tx:
        who = await member(tx)
        await buys(tx, who, 110, 30, times=3, every=25)
        await buys(tx, who, 20, 30, times=6, every=3)
        await look(tx, who)
        [proposal] = await upgrades.waiting(tx)
        await buys(tx, who, 0, 2000)
        assert [each.after for each in (await look(tx, who)).changes] == ["silver"]
        assert await upgrades.waiting(tx) == []
        with pytest.raises(upgrades.ProposalDecided):
            await upgrades.accept(tx, PROG, proposal.id, by="operator:1", at=at())
