"""Limits for a household: what a whole family had counts, as it is that day; two of one family at once get what is left."""

from __future__ import annotations

import asyncio
import datetime as dt
import itertools
from collections import Counter
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from sqlalchemy import text
from sqlalchemy.ext.asyncio import AsyncConnection

from ledger.members import families, leaving
from ledger.members.families import Family
from ledger.members.member import Member
from ledger.points.commands import Moment
from ledger.redeeming import redemptions, shelf
from ledger.redeeming.browse import browse
from ledger.redeeming.may_redeem import HouseholdHadAll, MemberHadAll, No, Yes
from ledger.redeeming.offers import Limits, Offer, PerUnit
from ledger.redeeming.redemptions import Redeemed
from tests.ledger.members.homes import RULES, VAULT, family_of, invited
from tests.ledger.redeeming.stage import NOW, TODAY, Stage, at, offer, per_unit
from tests.ledger.redeeming.test_browse import agrees

_numbers = itertools.count(1)
LATER = RULES.model_copy(update={"join_delay_days": 3})


def box(**limits: int) -> Offer:
    return offer(f"box-{next(_numbers)}", "礼盒", "Box", "fruit", per_unit(100, most=9), limits=Limits(**limits))


async def rich(stage: Stage, count: int) -> list[Member]:
    return [await stage.member((9000, "-")) for _ in range(count)]


async def together(stage: Stage, *people: Member, when: Moment | None = None) -> Family:
    async with stage.engine.begin() as tx:
        head, *others = [each.id for each in people]
        return await family_of(tx, head, *others, at=when or at())


async def leaves(stage: Stage, family: Family, who: Member) -> None:
    async with stage.engine.begin() as tx:
        await leaving.leave(tx, RULES, family.id, who.id, at=at())


async def verdict(stage: Stage, who: Member, offer_id: int, amount: int = 1, today: dt.date = TODAY) -> Yes | No:
    async with stage.engine.begin() as tx:
        return (await shelf.judged(tx, who, offer_id, today=today, amount=amount)).verdict


async def refused(stage: Stage, who: Member, offer_id: int, amount: int = 1, today: dt.date = TODAY) -> HouseholdHadAll:
    no = await verdict(stage, who, offer_id, amount, today)
    assert isinstance(no, No)
    [reason] = no.reasons
    assert isinstance(reason, HouseholdHadAll)
    return reason


def test_a_document_without_such_a_limit_says_what_it_always_said() -> None:
    assert '"limits":{"member_day":null,"member_month":null,"member_ever":1,"day":null,"stock":null}' in box(
        member_ever=1
    ).model_dump_json(exclude_none=False)
    said = Limits(household_month=2).model_dump()
    assert said == {
        "member_day": None, "member_month": None, "member_ever": None, "household_month": 2, "day": None, "stock": None,
    }  # fmt: skip
    assert Limits.model_validate(said) == Limits(household_month=2)


@pytest.mark.parametrize(
    ("limit", "again"),
    [("household_day", "2026-11-23"), ("household_month", "2026-12-01"), ("household_ever", None)],
)
async def test_a_family_shares_its_pieces_and_hears_when_it_opens_again(
    stage: Stage, limit: str, again: str | None
) -> None:
    [ours] = await stage.publish(box(**{limit: 3}))
    mum, dad, stranger = await rich(stage, 3)
    await together(stage, mum, dad)
    assert isinstance(yes := await verdict(stage, dad, ours), Yes) and yes.most == 3
    await stage.redeem(mum, ours, 2)
    assert isinstance(yes := await verdict(stage, dad, ours), Yes) and yes.most == 1
    assert isinstance(yes := await verdict(stage, stranger, ours), Yes) and yes.most == 3
    no = await refused(stage, dad, ours, 2)
    assert (no.limit, no.had, no.asked, no.left) == (3, 2, 2, 1)
    await stage.redeem(dad, ours)
    for who in (mum, dad):
        no = await refused(stage, who, ours)
        assert (no.had, no.left) == (3, 0)
        assert no.again_on == (again and dt.date.fromisoformat(again))
        with pytest.raises(HouseholdHadAll):
            await stage.redeem(who, ours)
        if no.again_on is not None:
            assert isinstance(yes := await verdict(stage, who, ours, today=no.again_on), Yes) and yes.most == 3


async def test_whoever_is_in_no_family_is_a_household_of_one(stage: Stage) -> None:
    [ours] = await stage.publish(box(household_ever=1))
    one, other = await rich(stage, 2)
    for who in (one, other):
        await stage.redeem(who, ours)
        assert (await refused(stage, who, ours)).had == 1


async def test_what_was_taken_back_does_not_count_and_what_is_held_does(stage: Stage) -> None:
    price = PerUnit(points=100, value_minor=1200, cash_minor=1000)
    kept, held = await stage.publish(box(household_ever=1), box(household_ever=1).model_copy(update={"price": price}))
    mum, dad = await rich(stage, 2)
    await together(stage, mum, dad)
    done = await stage.redeem(mum, kept)
    assert (await refused(stage, dad, kept)).had == 1
    async with stage.engine.begin() as tx:
        await redemptions.undo(tx, mum.id, done.redemption.id, grace_days=30, at=at(), actor="test")
    assert isinstance(await verdict(stage, dad, kept), Yes)
    assert (await stage.redeem(mum, held)).redemption.state == "held"
    assert (await refused(stage, dad, held)).had == 1


async def test_the_family_counts_as_it_is_that_day(stage: Stage) -> None:
    [ours] = await stage.publish(box(household_ever=1))
    mum, dad, child = await rich(stage, 3)
    await stage.redeem(child, ours)
    family = await together(stage, mum, dad)
    assert isinstance(await verdict(stage, dad, ours), Yes)
    async with stage.engine.begin() as tx:
        token = await invited(tx, mum.id, at=at())
        await families.accept(tx, VAULT, LATER, token, child.id, at=at())
    assert isinstance(await verdict(stage, dad, ours, today=TODAY + dt.timedelta(days=2)), Yes)
    assert (await refused(stage, dad, ours, today=TODAY + dt.timedelta(days=3))).had == 1
    await stage.redeem(dad, ours, when=at(days=1))
    no = await refused(stage, mum, ours, today=TODAY + dt.timedelta(days=3))
    assert (no.had, no.left) == (2, 0)
    await leaves(stage, family, child)
    assert (await refused(stage, mum, ours)).had == 1
    await leaves(stage, family, dad)
    assert isinstance(await verdict(stage, mum, ours), Yes)


async def test_a_members_own_limit_is_told_before_the_households(stage: Stage) -> None:
    [ours] = await stage.publish(box(member_ever=1, household_ever=1))
    mum, dad = await rich(stage, 2)
    await together(stage, mum, dad)
    await stage.redeem(mum, ours)
    said = await verdict(stage, mum, ours)
    assert isinstance(said, No) and [type(no) for no in said.reasons] == [MemberHadAll, HouseholdHadAll]
    assert (await refused(stage, dad, ours)).limit == 1


@pytest.mark.parametrize("left", [1, 2])
async def test_two_of_one_family_at_the_same_instant_get_what_is_left_and_no_more(stage: Stage, left: int) -> None:
    people = await rich(stage, 3)
    await together(stage, *people)
    for _ in range(5):
        [ours] = await stage.publish(box(household_ever=left))
        outcomes = await asyncio.gather(
            *(stage.redeem(who, ours) for who in people for _ in range(2)), return_exceptions=True
        )
        assert Counter(type(each) for each in outcomes) == {Redeemed: left, HouseholdHadAll: 6 - left}


async def test_whoever_joins_at_the_instant_of_redeeming_brings_or_finds_every_piece(stage: Stage) -> None:
    """Joiner and head redeem while the joiner joins. Before it, each has one of one; together afterwards, one of both. Whatever the
    order, nobody redeems once the family, with both in it, has had its piece."""
    for _ in range(12):
        [ours] = await stage.publish(box(household_ever=1))
        head, joiner = await rich(stage, 2)
        await together(stage, head)
        async with stage.engine.begin() as tx:
            token = await invited(tx, head.id, at=at())

        async def joins(token: str = token, who: Member = joiner) -> None:
            async with stage.engine.begin() as tx:
                await families.accept(tx, VAULT, RULES, token, who.id, at=at())

        outcomes = await asyncio.gather(
            joins(), stage.redeem(joiner, ours), stage.redeem(head, ours), return_exceptions=True
        )
        assert outcomes[0] is None
        got = sum(isinstance(each, Redeemed) for each in outcomes)
        assert got + sum(isinstance(each, HouseholdHadAll) for each in outcomes) == 2 and got >= 1
        for who in (head, joiner):
            assert (await refused(stage, who, ours)).had == got


@asynccontextmanager
async def transaction(stage: Stage) -> AsyncIterator[AsyncConnection]:
    async with stage.engine.connect() as tx:
        await tx.begin()
        yield tx


async def test_joining_waits_for_the_joiners_own_redemption_and_so_does_the_familys_next_one(stage: Stage) -> None:
    [ours] = await stage.publish(box(household_ever=1))
    head, joiner = await rich(stage, 2)
    await together(stage, head)
    async with stage.engine.begin() as tx:
        token = await invited(tx, head.id, at=at())
    async with transaction(stage) as slow:
        await stage.redeem_in(slow, joiner, ours)

        async def joins() -> None:
            async with stage.engine.begin() as tx:
                await families.accept(tx, VAULT, RULES, token, joiner.id, at=at())

        joining = asyncio.create_task(joins())
        done, _ = await asyncio.wait([joining], timeout=0.3)
        assert not done, "until the piece is had or given up, nobody knows what the joiner brings"
        await slow.commit()
    await joining
    assert (await refused(stage, head, ours)).had == 1


async def test_whoever_is_removed_while_waiting_for_the_family_redeems_alone(stage: Stage) -> None:
    [ours] = await stage.publish(box(household_ever=1))
    head, other = await rich(stage, 2)
    family = await together(stage, head, other)
    await stage.redeem(head, ours)
    async with transaction(stage) as slow:
        await leaving.remove(slow, RULES, family.id, head.id, family.place_of(other.id).id, at=at())
        alone = asyncio.create_task(stage.redeem(other, ours))
        done, _ = await asyncio.wait([alone], timeout=0.3)
        assert not done
        await slow.commit()
    assert (await alone).redemption.state == "issued"
    assert (await refused(stage, other, ours)).had == 1


@settings(max_examples=30, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(
    st.lists(
        st.builds(
            Limits,
            household_day=st.none() | st.integers(1, 2),
            household_month=st.none() | st.integers(1, 3),
            household_ever=st.none() | st.integers(1, 3),
            member_ever=st.none() | st.integers(1, 3),
            day=st.none() | st.integers(1, 3),
        ),
        min_size=1,
        max_size=4,
    ),
    st.lists(st.tuples(st.integers(0, 3), st.integers(0, 2), st.sampled_from([0, 0, 1, 40])), min_size=1, max_size=8),
    st.sampled_from(["together", "later", "left", "never"]),
    st.integers(0, 4),
)
async def test_the_list_decides_for_every_member_of_a_household_as_redeeming_does(
    stage: Stage, limits: list[Limits], had: list[tuple[int, int, int]], how: str, ahead: int
) -> None:
    ids = await stage.publish(*(box().model_copy(update={"limits": each}) for each in limits))
    people = await rich(stage, 3)
    async with stage.engine.begin() as tx:
        if how != "never":
            family = await family_of(
                tx, *(each.id for each in people[:2]), at=at(), rules=LATER if how == "later" else RULES
            )
        if how == "left":
            await leaving.leave(tx, RULES, family.id, people[1].id, at=at())
        for which, who, ago in had:
            number = next(_numbers)
            await tx.execute(
                text(
                    "INSERT INTO redemption (member_id, nonce, offer_id, offer_version, merchant_id, currency_id, points,"
                    " value_minor, code_index, state, entry_id, issued_at, issued_on, undo_until, valid_until)"
                    " VALUES (:member, :nonce, :offer, 1, 1, 1, 1, 0, :index, 'issued', 1, :now, :on, :now, :on)"
                ),
                {"member": people[who].id, "nonce": f"h-{number}", "offer": ids[which % len(ids)],
                 "index": f"h-{number}".encode(), "now": NOW, "on": TODAY - dt.timedelta(days=ago)},
            )  # fmt: skip
    for who in people:
        await agrees(stage, who, ids, TODAY + dt.timedelta(days=ahead))


async def test_a_list_asks_about_the_household_only_where_an_offer_does(stage: Stage) -> None:
    mum, dad = await rich(stage, 2)
    await together(stage, mum, dad)
    asked: list[str] = []
    await stage.publish(box(member_ever=1))
    counts = []
    for more in (None, box(household_ever=1)):
        if more is not None:
            await stage.publish(more)
        async with stage.engine.begin() as tx:
            await browse(tx, mum, today=TODAY, held=[])  # what is kept in the process is there
            driver = (await tx.get_raw_connection()).driver_connection
            assert driver is not None

            def note(record: object) -> None:
                asked.append(str(getattr(record, "query", record)))

            asked.clear()
            driver.add_query_logger(note)
            await browse(tx, mum, today=TODAY, held=[])
            driver.remove_query_logger(note)
            counts.append(len(asked))
    assert counts[1] == counts[0] + 1, asked
