"""Taking part: each person once, within time, room and the rules; codes that grow old, surveys, suggestions."""

from __future__ import annotations

import asyncio
import datetime as dt
import os
from typing import Any

import pytest
from sqlalchemy import text
from sqlalchemy.ext.asyncio import AsyncConnection

from ledger.earning import activities, check_in, suggestions, surveys
from ledger.earning.activities import (
    Activity,
    ActivityFull,
    ActivityNotBegun,
    ActivityOver,
    FigureOutOfRange,
    NoSuchActivity,
    OwnActivity,
    Planned,
    TitleTooLong,
    TookPart,
)
from ledger.earning.surveys import AnswersDontFit, Question, QuestionUnreadable, TooManyQuestions
from ledger.errors import Refusal
from ledger.members.vault import Vault
from ledger.merchants.authority import NotAllowed
from ledger.merchants.merchant import MerchantMayNotIssue
from ledger.points.audit import audit
from ledger.points.commands import Receipt
from tests.conftest import Database
from tests.ledger.earning.shop import NOON, Shop, moment, new_member, open_shop

VAULT = Vault("a secret of the tests", os.urandom)
HOUR = dt.timedelta(hours=1)


async def begin(tx: AsyncConnection, shop: Shop, by: str = "manager", **more: Any) -> Activity:
    plan = {"kind": "check_in", "title": "亲子阅读讲座", "points": 50, "people_max": 3}
    plan |= {"starts_at": NOON - HOUR, "ends_at": NOON + HOUR}
    return await activities.make(tx, shop.merchant, getattr(shop, by), Planned(**{**plan, **more}), at=moment())


async def joins(tx: AsyncConnection, activity: Activity, who: int, minutes: int = 0, **more: Any) -> Receipt:
    return await activities.take_part(tx, activity.id, who, at=moment(minutes=minutes), actor=f"member:{who}", **more)


async def test_taking_part_gives_the_points_once(database: Database) -> None:
    async with database.engine.begin() as tx:
        shop = await open_shop(tx)
        talk = await begin(tx, shop)
        receipt = await joins(tx, talk, shop.customer)
        assert (receipt.points, receipt.facts["title"]) == (50, "亲子阅读讲座")
        with pytest.raises(TookPart) as no:
            await joins(tx, talk, shop.customer, minutes=120)
        assert no.value.at == NOON
        assert (await activities.one(tx, talk.id)).people == 1
        assert await activities.joined_of(tx, shop.customer, [talk]) == {talk.id}
        assert (await audit(tx)).holds


async def test_refusals_come_in_order(database: Database) -> None:
    async with database.engine.begin() as tx:
        shop = await open_shop(tx)
        talk = await begin(tx, shop, people_max=1)
        early = await begin(tx, shop, starts_at=NOON + HOUR, ends_at=NOON + 2 * HOUR)
        closed = await begin(tx, shop)
        await activities.close(tx, shop.manager, closed.id, at=moment())

        async def refused(activity_id: int, who: int, minutes: int = 0) -> Refusal:
            with pytest.raises(Refusal) as no:
                await activities.take_part(tx, activity_id, who, at=moment(minutes=minutes), actor="test")
            return no.value

        assert isinstance(await refused(0, shop.customer), NoSuchActivity)
        assert isinstance(await refused(talk.id, shop.cashier.member_id), OwnActivity)
        not_begun = await refused(early.id, shop.customer)
        assert isinstance(not_begun, ActivityNotBegun) and not_begun.starts_at == NOON + HOUR
        over = await refused(talk.id, shop.customer, minutes=60)
        assert isinstance(over, ActivityOver) and over.at == NOON + HOUR
        assert isinstance(await refused(closed.id, shop.customer), ActivityOver)
        await joins(tx, talk, await new_member(tx))
        assert isinstance(await refused(talk.id, shop.customer), ActivityFull)
        await tx.execute(text("UPDATE merchant SET status = 'suspended'"))
        assert isinstance(await refused(early.id, shop.customer, minutes=61), MerchantMayNotIssue)


@pytest.mark.parametrize(
    ("by", "more", "refusal"),
    [
        ("cashier", {"title": ""}, NotAllowed),
        ("manager", {"title": " ", "points": 0}, TitleTooLong),
        ("manager", {"title": "长" * 41}, TitleTooLong),
        ("manager", {"points": 1001, "people_max": 0}, FigureOutOfRange),
        ("owner", {"people_max": 10_001}, FigureOutOfRange),
    ],
)
async def test_what_a_merchant_may_begin(
    database: Database, by: str, more: dict[str, Any], refusal: type[Refusal]
) -> None:
    async with database.engine.begin() as tx:
        shop = await open_shop(tx)
        with pytest.raises(refusal):
            await begin(tx, shop, by, **more)


async def test_a_rush_gives_no_more_than_there_is_room_for(database: Database) -> None:
    async with database.engine.begin() as tx:
        shop = await open_shop(tx)
        talk = await begin(tx, shop, people_max=5)
        people = [await new_member(tx) for _ in range(12)]

    async def one(who: int) -> bool:
        try:
            async with database.engine.begin() as tx:
                await joins(tx, talk, who)
        except ActivityFull:
            return False
        return True

    assert sum(await asyncio.gather(*map(one, people))) == 5
    async with database.engine.begin() as tx:
        assert await tx.scalar(text("SELECT sum(points) FROM entry")) == 250
        assert await activities.running(tx, now=NOON) == [], "a full one is offered to nobody"


async def test_a_code_is_good_while_shown_and_once_after_and_belongs_to_one_activity(database: Database) -> None:
    async with database.engine.begin() as tx:
        shop = await open_shop(tx)
        talk, other = await begin(tx, shop), await begin(tx, shop, title="另一场")
        running = await activities.running(tx, now=NOON, kinds=["check_in"])
    shown = check_in.show(VAULT, other.id, seconds=30, now=NOON)
    assert shown.until == NOON + dt.timedelta(seconds=30)
    for said in (shown.code, shown.spoken.lower(), f"https://t.me/bot?start=a_{shown.code}"):
        assert check_in.find(VAULT, running, said, seconds=30, now=NOON + dt.timedelta(seconds=59)) == other
    with pytest.raises(check_in.CheckInCodeUnknown):
        check_in.find(VAULT, running, shown.code, seconds=30, now=NOON + dt.timedelta(seconds=60))
    with pytest.raises(check_in.CheckInCodeUnknown):
        check_in.find(VAULT, [talk], shown.code, seconds=30, now=NOON)
    elsewhere = Vault("another secret of tests", os.urandom)
    assert check_in.show(elsewhere, other.id, seconds=30, now=NOON).code != shown.code


def test_questions_are_read_from_lines() -> None:
    assert surveys.read(" 多久来一次?每周/ 每月 /第一次来\n\nHow was it? good/bad\n") == (
        Question("多久来一次?", ("每周", "每月", "第一次来")),
        Question("How was it?", ("good", "bad")),
    )
    for said, line in [
        ("好吗", 1),
        ("好吗?好", 1),
        ("好吗?是/否\n?是/否", 2),
        ("好吗?是/是", 1),
        ("好吗?" + "/".join("1234567"), 1),
    ]:
        with pytest.raises(QuestionUnreadable) as no:
            surveys.read(said)
        assert no.value.line == line
    for said in ("", "好吗?是/否\n" * 6):
        with pytest.raises(TooManyQuestions):
            surveys.read(said)


async def test_answers_are_counted_by_choice_and_nobody_is_named(database: Database) -> None:
    asked = surveys.read("好吗?好/不好\n再来?来/不来/看情况")
    for wrong in ([0], [0, 3], [0, -1], [0, 0, 0]):
        with pytest.raises(AnswersDontFit):
            surveys.check(asked, wrong)
    async with database.engine.begin() as tx:
        shop = await open_shop(tx)
        survey = await begin(tx, shop, kind="survey", questions=asked, people_max=9)
        assert survey.questions == asked
        for answers in ([0, 2], [0, 0], [1, 2]):
            surveys.check(survey.questions, answers)
            await joins(tx, survey, await new_member(tx), answers=answers)
        assert await surveys.results(tx, survey.id, survey.questions) == [[2, 1], [1, 0, 2]]


async def test_a_suggestion_waits_is_declined_and_a_second_is_accepted_after_the_end(database: Database) -> None:
    async with database.engine.begin() as tx:
        shop = await open_shop(tx)
        box = await begin(tx, shop, kind="suggestions")
        who = shop.customer
        first = await suggestions.send(tx, box.id, who, " 周末早点开门 ", at=moment())
        assert first.words == "周末早点开门"
        with pytest.raises(suggestions.SuggestionWaits):
            await suggestions.send(tx, box.id, who, "再来一条", at=moment())
        with pytest.raises(NotAllowed):
            await suggestions.accept(tx, shop.cashier, first.id, at=moment())
        await suggestions.decline(tx, shop.manager, first.id, "人手不够", at=moment())
        second = await suggestions.send(tx, box.id, who, "进点豆浆", at=moment(minutes=30))
        assert [each.id for each in await suggestions.waiting(tx, box.id)] == [second.id]
        _, receipt = await suggestions.accept(tx, shop.owner, second.id, at=moment(days=1))
        assert (receipt.points, receipt.owner.id) == (50, who)
        with pytest.raises(suggestions.SuggestionDecided):
            await suggestions.accept(tx, shop.owner, second.id, at=moment(days=1))
        with pytest.raises(TookPart):
            await suggestions.send(tx, box.id, who, "第三条", at=moment(minutes=40))


async def test_another_merchants_suggestions_are_not_to_be_seen(database: Database) -> None:
    async with database.engine.begin() as tx:
        shop, other = await open_shop(tx), await open_shop(tx, code="other")
        box = await begin(tx, shop, kind="suggestions")
        made = await suggestions.send(tx, box.id, other.customer, "你好", at=moment())
        with pytest.raises(suggestions.NoSuchSuggestion):
            await suggestions.one(tx, other.owner, made.id)
        with pytest.raises(NoSuchActivity):
            await activities.close(tx, other.owner, box.id, at=moment())
