"""Drafts of privileges: what they take, what they refuse, and what becomes of two people who change one privilege."""

from __future__ import annotations

import asyncio
import datetime as dt
from typing import Any

import pytest
from pydantic import ValidationError
from sqlalchemy.ext.asyncio import AsyncConnection

from jobs import prune_keys
from jobs.duty import Chunk, Slot
from ledger.members.profile import NoSuchRegion
from ledger.merchants import log
from ledger.merchants import merchant as merchants
from ledger.points.commands import Moment
from ledger.redeeming import privilege_drafts as drafts
from ledger.redeeming import privileges
from ledger.redeeming.drafts import KEPT_DAYS
from ledger.redeeming.privilege_drafts import (
    Draft,
    NoSuchPrivilegeDraft,
    PrivilegeDraftInTheWay,
    PrivilegeEditedMeanwhile,
)
from ledger.redeeming.privileges import NoSuchPrivilege
from tests import turns
from tests.conftest import Database
from tests.handlers.test_privileges import FRESH, giving
from tests.turns import NOW, TODAY

A, B = 71, 72
"""Two people who run the supermarket."""

WHOLE = {
    "name": {"zh": "轻食", "en": "Light food"},
    "gives": {"kind": "percent_off", "percent": 10},
    "holds": {"points": 5_000},
}
BEGUN = {"code": "market-n1", "merchant": "market"}


async def fresh_of(tx: AsyncConnection) -> tuple[int, int]:
    """The supermarket and its ten per cent off fresh food."""
    market = (await merchants.by_code(tx, "market")).id
    [one] = [each for each in await privileges.of_merchant(tx, market, paused=True) if each.privilege.code == "fresh"]
    return market, one.id


async def begun(tx: AsyncConnection, who: int = A) -> Draft:
    """A new one."""
    market, _ = await fresh_of(tx)
    return await drafts.begin(
        tx, merchant_id=market, member_id=who, document=BEGUN, guide="name", nonce=f"n{who}", now=NOW
    )


async def changing(tx: AsyncConnection, who: int = A, **parts: Any) -> Draft:
    """A draft of the fresh food with changes."""
    market, id_ = await fresh_of(tx)
    draft = await drafts.begin_change(tx, id_, merchant_id=market, member_id=who, nonce=f"n{who}", now=NOW)
    return await drafts.change(tx, draft, parts, guide=None, now=NOW) if parts else draft


def off(percent: int) -> dict[str, Any]:
    return {"kind": "percent_off", "percent": percent}


async def test_a_new_one_is_there_once_it_is_whole_and_names_who_made_it(database: Database) -> None:
    async with database.engine.begin() as tx:
        await giving(tx)
        draft = await begun(tx)
        assert draft.missing == ("name", "gives", "holds")
        for part, said in WHOLE.items():
            draft = await drafts.change(tx, draft, {part: said}, guide=None, now=NOW)
        assert draft.missing == ()
        id_, version = await drafts.put_up(tx, draft, by="staff:1", now=NOW)
        one = await privileges.one(tx, id_)
        assert (version, one.active, one.privilege.code, one.currency_id) == (1, True, "market-n1", 1)
        [kept] = await privileges.versions(tx, id_, most=9, limit=9)
        assert (kept.version, kept.made_by, kept.privilege) == (1, "staff:1", one.privilege)
        with pytest.raises(NoSuchPrivilegeDraft):
            await drafts.mine(tx, draft.merchant_id, A)


async def test_a_tier_is_as_good_as_points_and_one_of_them_is_needed(database: Database) -> None:
    async with database.engine.begin() as tx:
        await giving(tx)
        draft = await drafts.change(tx, await begun(tx), {**WHOLE, "holds": None}, guide=None, now=NOW)
        assert draft.missing == ("holds",) and drafts.checked(draft.document) is None
        draft = await drafts.change(tx, draft, {"tiers": ["gold"]}, guide=None, now=NOW)
        assert draft.missing == () and drafts.checked(draft.document) is not None


async def test_what_can_never_be_published_is_not_taken(database: Database) -> None:
    async with database.engine.begin() as tx:
        await giving(tx)
        draft = await begun(tx)
        for wrong in ({"gives": off(0)}, {"name": {"zh": "很" * 25, "en": "x"}}, {"per_month": 1000}):
            with pytest.raises(ValidationError):
                await drafts.change(tx, draft, wrong, guide=None, now=NOW)
        assert (await drafts.mine(tx, draft.merchant_id, A)).document == BEGUN


async def test_the_programme_has_to_know_the_region(database: Database) -> None:
    async with database.engine.begin() as tx:
        await giving(tx)
        draft = await changing(tx, region="mars")
        with pytest.raises(NoSuchRegion):
            await drafts.put_up(tx, draft, by="staff:1", now=NOW)


async def test_another_draft_is_not_lost_by_beginning_one(database: Database) -> None:
    async with database.engine.begin() as tx:
        await giving(tx)
        market, id_ = await fresh_of(tx)
        first = await changing(tx)  # nothing is changed yet: nothing to lose
        assert (await begun(tx)).subject_id is None and first.subject_id == id_
        with pytest.raises(PrivilegeDraftInTheWay):
            await changing(tx)
        await drafts.drop(tx, market, A)
        changed = await changing(tx, per_day=1)
        assert await changing(tx) == changed  # gone on with
        with pytest.raises(PrivilegeDraftInTheWay):
            await begun(tx)
        assert (await changing(tx, B)).document["code"] == "fresh"  # a colleague's own


async def test_another_merchants_is_like_none(database: Database) -> None:
    async with database.engine.begin() as tx:
        await giving(tx)
        rail = (await merchants.by_code(tx, "rail")).id
        _, id_ = await fresh_of(tx)
        with pytest.raises(NoSuchPrivilege):
            await drafts.begin_change(tx, id_, merchant_id=rail, member_id=A, nonce="n", now=NOW)


async def test_one_that_is_off_stays_off_and_one_that_is_paused_meanwhile_is_not_woken(database: Database) -> None:
    async with database.engine.begin() as tx:
        await giving(tx)
        market, id_ = await fresh_of(tx)
        draft = await changing(tx, gives=off(20))
        await privileges.switch(tx, market, id_, False, by="staff:2", now=NOW)
        assert await drafts.put_up(tx, draft, by="staff:1", now=NOW) == (id_, 2)
        assert not (await privileges.one(tx, id_)).active


async def test_of_two_at_once_the_second_is_told_and_carries_its_changes_over(database: Database) -> None:
    async with database.engine.begin() as tx:
        await giving(tx)
        one, other = await changing(tx, A, gives=off(20)), await changing(tx, B, per_day=1)
        market, id_ = await fresh_of(tx)

    async def publish(draft: Draft) -> tuple[int, int] | PrivilegeEditedMeanwhile:
        async with database.engine.begin() as tx:
            try:
                return await drafts.put_up(tx, draft, by=f"staff:{draft.member_id}", now=NOW)
            except PrivilegeEditedMeanwhile as no:
                return no

    first, second = await asyncio.gather(publish(one), publish(other))
    late, told = (other, second) if isinstance(second, PrivilegeEditedMeanwhile) else (one, first)
    assert isinstance(told, PrivilegeEditedMeanwhile) and {type(first), type(second)} == {tuple, type(told)}
    assert (told.based_on, told.version, told.privilege_id) == (1, 2, id_)
    async with database.engine.begin() as tx:
        late = await drafts.onto_latest(tx, await drafts.mine(tx, market, late.member_id), now=NOW)
        assert await drafts.put_up(tx, late, by="staff:3", now=NOW) == (id_, 3)
        now = (await privileges.one(tx, id_)).privilege
        assert now == FRESH.model_copy(update={"gives": FRESH.gives.model_copy(update={"percent": 20}), "per_day": 1})
        said = [each.what for each in await log.read(tx, market)]
        assert said[:2] == ["privilege_published"] * 2


async def test_drafts_that_nobody_touches_are_forgotten(database: Database) -> None:
    async with database.engine.begin() as tx:
        await giving(tx)
        market = (await begun(tx)).merchant_id

        async def left(days: int) -> bool:
            moment = Moment(NOW + dt.timedelta(days=days), TODAY)
            progress: Any = {}
            while progress is not None:
                chunk = Chunk(tx, "job", moment, turns.PROGRAMME, progress)
                progress = await prune_keys.run(chunk, Slot("prune_keys", moment.now))
            return await drafts.find(tx, market, A) is not None

        assert await left(KEPT_DAYS - 1)
        assert not await left(KEPT_DAYS + 1)
