"""Families: one at a time, joined by one-time links, as large as the programme says, left with a wait; who is second hears why."""

from __future__ import annotations

import asyncio
import datetime as dt
from collections import Counter
from typing import Any

import pytest
from sqlalchemy import text

from ledger.members import families, leaving
from ledger.members.families import (
    Family,
    FamilyAlready,
    FamilyFull,
    FamilyInvitationVoid,
    HeadStays,
    NotFamilyHead,
    NotInFamily,
    NotInFamilyYet,
    RejoinTooSoon,
)
from ledger.members.invitations import InvitationEnded, InvitationUnknown, InvitationUsed
from ledger.programme import Families
from tests.conftest import Database
from tests.ledger.earning.shop import moment, new_member
from tests.ledger.members.homes import RULES, VAULT, family_of, invited

TODAY = moment().today


async def people(database: Database, count: int) -> list[int]:
    async with database.engine.begin() as tx:
        return [await new_member(tx) for _ in range(count)]


async def accepts(database: Database, token: str, member_id: int, rules: Families = RULES, days: int = 0) -> Family:
    async with database.engine.begin() as tx:
        return (await families.accept(tx, VAULT, rules, token, member_id, at=moment(days)))[0]


async def now_in(database: Database, member_id: int) -> Family | None:
    async with database.engine.begin() as tx:
        return await families.of(tx, member_id)


async def told(database: Database, family_id: int) -> list[tuple[str, int]]:
    async with database.engine.begin() as tx:
        return [(each.what, each.member_id) for each in await families.history(tx, family_id, limit=50)]


async def test_a_family_is_founded_once_and_joined_by_a_link_that_works_once(database: Database) -> None:
    head, first, second = await people(database, 3)
    async with database.engine.begin() as tx:
        made = await families.found(tx, head, at=moment())
        assert (made.head_id, [(each.member_id, each.in_from) for each in made.places]) == (head, [(head, TODAY)])
        with pytest.raises(FamilyAlready) as no:
            await families.found(tx, head, at=moment())
        assert no.value.family_id == made.id
        token = await invited(tx, head, at=moment())
        assert await families.invitations_open(tx, made, now=moment().now) == 1
        offered = await families.invitation(tx, VAULT, RULES, token, first, at=moment())
        assert (offered.family.id, offered.in_from) == (made.id, TODAY)
        assert offered.ends_at == moment().now + dt.timedelta(hours=72)
        with pytest.raises(FamilyAlready) as own:
            await families.invitation(tx, VAULT, RULES, token, head, at=moment())
        assert own.value.this
        joined, place = await families.accept(tx, VAULT, RULES, token, first, at=moment())
        assert [each.member_id for each in joined.places] == [head, first] and place.member_id == first
        with pytest.raises(InvitationUsed) as used:
            await families.accept(tx, VAULT, RULES, token, second, at=moment())
        assert (used.value.used_by, used.value.to_id) == (first, made.id)
        with pytest.raises(InvitationUnknown):
            await families.accept(tx, VAULT, RULES, "guessed", second, at=moment())
        for who in (first, second):
            with pytest.raises((NotFamilyHead, NotInFamily)):
                await families.invite(tx, VAULT, RULES, who, "tok", now=moment().now)
        assert await families.invitations_open(tx, made, now=moment().now) == 0
    assert await told(database, made.id) == [("joined", first), ("founded", head)]


async def test_an_invitation_lapses_is_withdrawn_and_ends_with_its_heads_time(database: Database) -> None:
    head, first, second = await people(database, 3)
    async with database.engine.begin() as tx:
        made = await family_of(tx, head, first, at=moment())
        late, back, old = [await invited(tx, head, at=moment()) for _ in range(3)]
        with pytest.raises(InvitationEnded):
            await families.accept(tx, VAULT, RULES, late, second, at=moment(3))
        with pytest.raises(NotFamilyHead):
            await families.withdraw(tx, made, first, now=moment().now)
        assert await families.withdraw(tx, made, head, now=moment().now) == 3
        with pytest.raises(InvitationEnded):
            await families.accept(tx, VAULT, RULES, back, second, at=moment())
        assert await families.withdraw(tx, made, head, now=moment().now) == 0
        kept = await invited(tx, head, at=moment())
        place = made.place_of(first)
        await leaving.hand_over(tx, made.id, head, place.id, at=moment())
        for token in (kept,):
            with pytest.raises(FamilyInvitationVoid):
                await families.accept(tx, VAULT, RULES, token, second, at=moment())
        assert old and (await families.of(tx, first) or made).head_id == first
        new = await invited(tx, first, at=moment())
        await leaving.dissolve(tx, RULES, made.id, first, at=moment())
        with pytest.raises(FamilyInvitationVoid):
            await families.accept(tx, VAULT, RULES, new, second, at=moment())


async def test_the_last_place_goes_to_one_of_many_and_a_link_to_one(database: Database) -> None:
    head, *others = await people(database, 9)
    async with database.engine.begin() as tx:
        made = await family_of(tx, head, others[0], at=moment())
        tokens = [await invited(tx, head, at=moment()) for _ in range(6)]
    outcomes = await asyncio.gather(
        *(accepts(database, token, who) for token, who in zip(tokens, others[1:7], strict=True)), return_exceptions=True
    )
    assert Counter(type(each) for each in outcomes) == {Family: 1, FamilyFull: 5}
    assert len((await now_in(database, head) or made).places) == 3
    async with database.engine.begin() as tx:
        with pytest.raises(FamilyFull) as full:
            await families.invite(tx, VAULT, RULES, head, "one more", now=moment().now)
        assert full.value.most == 3
        await leaving.remove(tx, RULES, made.id, head, made.place_of(others[0]).id, at=moment())
        token = await invited(tx, head, at=moment())
    winner = next(who for who, got in zip(others[1:7], outcomes, strict=True) if isinstance(got, Family))
    waiting = [who for who in others[1:] if who != winner]
    outcomes = await asyncio.gather(*(accepts(database, token, who) for who in waiting), return_exceptions=True)
    assert Counter(type(each) for each in outcomes) == {Family: 1, InvitationUsed: len(waiting) - 1}


async def test_nobody_is_in_two_families_however_they_tap(database: Database) -> None:
    one, two, who = await people(database, 3)
    async with database.engine.begin() as tx:
        for head in (one, two):
            await families.found(tx, head, at=moment())
        tokens = [await invited(tx, head, at=moment()) for head in (one, two)]

    async def founds() -> Family:
        async with database.engine.begin() as tx:
            return await families.found(tx, who, at=moment())

    outcomes = await asyncio.gather(
        *(accepts(database, token, who) for token in tokens), founds(), founds(), return_exceptions=True
    )
    assert Counter(type(each) for each in outcomes) == {Family: 1, FamilyAlready: 3}
    async with database.engine.begin() as tx:
        with pytest.raises(Exception, match="uq_family_place_current"):
            await tx.execute(
                text(
                    "INSERT INTO family_place (family_id, member_id, joined_by, joined_at, in_from)"
                    " VALUES (1, :who, 'test', now(), :today)"
                ),
                {"who": who, "today": TODAY},
            )


async def test_a_place_counts_from_its_first_day_and_whoever_steps_back_before_waits_for_nothing(
    database: Database,
) -> None:
    slow = RULES.model_copy(update={"join_delay_days": 7})
    head, first, second = await people(database, 3)
    async with database.engine.begin() as tx:
        made = await family_of(tx, head, first, second, at=moment(), rules=slow)
        assert [each.in_from for each in made.places] == [TODAY, *[TODAY + dt.timedelta(days=7)] * 2]
        with pytest.raises(NotInFamilyYet) as no:
            await leaving.hand_over(tx, made.id, head, made.place_of(first).id, at=moment(6))
        assert no.value.in_from == TODAY + dt.timedelta(days=7)
        assert await leaving.waits_until(tx, slow, made, made.place_of(first), today=moment(6).today) is None
        await leaving.leave(tx, slow, made.id, first, at=moment(6))
        assert await families.again_on(tx, first, today=moment(6).today) is None
        assert await leaving.waits_until(tx, slow, made, made.place_of(head), today=moment(6).today) is None
        until = await leaving.waits_until(tx, slow, made, made.place_of(second), today=moment(7).today)
        assert until == TODAY + dt.timedelta(days=37)
        await leaving.hand_over(tx, made.id, head, made.place_of(second).id, at=moment(7))


async def test_whoever_leaves_waits_as_they_were_told_whatever_the_programme_says_later(database: Database) -> None:
    head, first, second = await people(database, 3)
    async with database.engine.begin() as tx:
        made = await family_of(tx, head, first, second, at=moment())
        with pytest.raises(HeadStays):
            await leaving.leave(tx, RULES, made.id, head, at=moment())
        with pytest.raises(HeadStays):
            await leaving.remove(tx, RULES, made.id, head, made.place_of(head).id, at=moment())
        with pytest.raises(HeadStays):
            await leaving.hand_over(tx, made.id, head, made.place_of(head).id, at=moment())
        with pytest.raises(NotFamilyHead):
            await leaving.remove(tx, RULES, made.id, first, made.place_of(second).id, at=moment())
        with pytest.raises(NotFamilyHead):
            await leaving.dissolve(tx, RULES, made.id, first, at=moment())
        with pytest.raises(NotFamilyHead):
            await leaving.hand_over(tx, made.id, first, made.place_of(second).id, at=moment())
        await leaving.leave(tx, RULES, made.id, first, at=moment())
        with pytest.raises(NotInFamily):
            await leaving.leave(tx, RULES, made.id, first, at=moment())
        with pytest.raises(NotInFamily):
            await leaving.remove(tx, RULES, made.id, head, made.place_of(first).id, at=moment())
        token = await invited(tx, head, at=moment())
        with pytest.raises(RejoinTooSoon) as no:
            await families.accept(tx, VAULT, RULES, token, first, at=moment())
        assert no.value.again_on == TODAY + dt.timedelta(days=30)
        with pytest.raises(RejoinTooSoon):
            await families.found(tx, first, at=moment(29))
        await families.found(tx, first, at=moment(30))
        await leaving.remove(tx, RULES, made.id, head, made.place_of(second).id, at=moment(1))
        assert await families.again_on(tx, second, today=moment(1).today) == TODAY + dt.timedelta(days=31)
        await leaving.dissolve(tx, RULES, made.id, head, at=moment(2))
        assert await families.again_on(tx, head, today=moment(2).today) == TODAY + dt.timedelta(days=32)
        with pytest.raises(NotInFamily):
            await leaving.dissolve(tx, RULES, made.id, head, at=moment(2))
    assert await told(database, made.id) == [
        ("dissolved", head), ("removed", second), ("left", first), ("joined", second), ("joined", first), ("founded", head),
    ]  # fmt: skip


async def test_who_was_alone_dissolves_without_a_wait_and_everybody_of_a_family_with_one(database: Database) -> None:
    alone, head, first = await people(database, 3)
    async with database.engine.begin() as tx:
        made = await families.found(tx, alone, at=moment())
        assert await leaving.waits_until(tx, RULES, made, made.places[0], today=TODAY) is None
        await leaving.dissolve(tx, RULES, made.id, alone, at=moment())
        await families.found(tx, alone, at=moment())
        shared = await family_of(tx, head, first, at=moment())
        was = await leaving.dissolve(tx, RULES, shared.id, head, at=moment())
        assert was.others(head) == (first,)
        for who in (head, first):
            assert await families.again_on(tx, who, today=TODAY) == TODAY + dt.timedelta(days=30)
            assert await families.of(tx, who) is None


async def test_of_two_heads_taps_the_first_counts(database: Database) -> None:
    """A head hands over on one phone and removes, dissolves or hands over on another, at the same instant."""

    async def does(act: Any, *said: Any, **more: Any) -> str:
        try:
            async with database.engine.begin() as tx:
                await act(tx, *said, at=moment(), **more)
        except (NotFamilyHead, NotInFamily) as no:
            return type(no).__name__
        return "done"

    for _ in range(6):
        head, first, second = await people(database, 3)
        async with database.engine.begin() as tx:
            made = await family_of(tx, head, first, second, at=moment())
        one, two = made.place_of(first).id, made.place_of(second).id
        to_first, to_second = (does(leaving.hand_over, made.id, head, place) for place in (one, two))
        assert Counter(await asyncio.gather(to_first, to_second)) == {"done": 1, "NotFamilyHead": 1}
        now = await now_in(database, first)
        assert now is not None and now.head_id in (first, second) and len(now.places) == 3
        new, old = now.head_id, next(each for each in (first, second) if each != now.head_id)
        taps = [
            does(leaving.dissolve, RULES, made.id, new),
            does(leaving.remove, RULES, made.id, new, made.place_of(old).id),
            does(leaving.leave, RULES, made.id, old),
        ]
        outcomes = await asyncio.gather(*taps)
        # Dissolved first: nobody is there to remove or leave. Otherwise `old` goes once, one way or the other.
        assert outcomes[0] == "done" and outcomes[1:].count("done") <= 1
        assert await now_in(database, new) is None and await now_in(database, old) is None
        lines = await told(database, made.id)
        assert sum(what in ("left", "removed", "dissolved") for what, who in lines if who == old) == 1


async def forgotten(
    database: Database, *member_ids: int, rules: Families = RULES, days: int = 0, minutes: int = 0
) -> list[leaving.Departed]:
    """These accounts are closed; what the duty makes of it."""
    async with database.engine.begin() as tx:
        await tx.execute(text("UPDATE member SET status = 'closed' WHERE id = ANY(:ids)"), {"ids": list(member_ids)})
        return await leaving.departed(tx, rules, at=moment(days, minutes), limit=50)


async def with_persons(database: Database, *member_ids: int) -> None:
    async with database.engine.begin() as tx:
        for each in member_ids:
            await tx.execute(
                text("INSERT INTO person (member_id, telegram_index, key, box) VALUES (:id, :index, '', '')"),
                {"id": each, "index": str(each).encode()},
            )


async def test_headship_of_an_account_that_is_no_more_passes_to_whoever_belonged_longest(database: Database) -> None:
    slow = RULES.model_copy(update={"join_delay_days": 2, "people_most": 6})
    head, first, second, third = everybody = await people(database, 4)
    await with_persons(database, *everybody)
    async with database.engine.begin() as tx:
        made = await family_of(tx, head, first, at=moment(), rules=slow)
        for who, days in ((second, 0), (third, 4)):
            token = await invited(tx, head, at=moment(days), rules=slow)
            await families.accept(tx, VAULT, slow, token, who, at=moment(days))
    assert await forgotten(database, rules=slow, days=4) == []
    [gone] = await forgotten(database, head, rules=slow, days=4)
    assert (gone.member_id, gone.head_id, gone.was_head, gone.others) == (head, first, True, (first, second, third))
    async with database.engine.begin() as tx:
        assert await families.again_on(tx, head, today=moment(4).today) is None
        await tx.execute(text("DELETE FROM person WHERE member_id = :id"), {"id": second})
    [gone] = await forgotten(database, rules=slow, days=4, minutes=1)
    assert (gone.member_id, gone.head_id, gone.was_head, gone.others) == (second, first, False, (first, third))
    [gone] = await forgotten(
        database, first, rules=slow, days=4, minutes=2
    )  # who is left has accepted, and does not belong yet
    assert (gone.head_id, gone.others) == (None, (third,))
    assert await now_in(database, third) is None
    async with database.engine.begin() as tx:
        assert await families.again_on(tx, third, today=moment(4).today) is None
    assert await told(database, made.id) == [
        ("dissolved", third), ("gone", first), ("gone", second), ("passed", first), ("gone", head), ("joined", third),
        ("joined", second), ("joined", first), ("founded", head),
    ]  # fmt: skip


async def test_a_whole_family_that_is_no_more_ends_in_one_night(database: Database) -> None:
    head, first, second = everybody = await people(database, 3)
    await with_persons(database, *everybody)
    async with database.engine.begin() as tx:
        made = await family_of(tx, head, first, second, at=moment())
    gone = await forgotten(database, *everybody)
    assert [(each.member_id, each.head_id) for each in gone] == [(head, first), (first, second), (second, None)]
    assert await forgotten(database) == []
    async with database.engine.begin() as tx:
        assert await tx.scalar(text("SELECT ended_at FROM family WHERE id = :id"), {"id": made.id}) is not None
