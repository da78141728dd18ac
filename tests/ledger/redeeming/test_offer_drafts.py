"""Drafts of offers: what they take, what they refuse, and what becomes of two people who change one offer."""

from __future__ import annotations

import asyncio
import datetime as dt
import json
from typing import Any

import pytest
from pydantic import ValidationError
from sqlalchemy import text
from sqlalchemy.ext.asyncio import AsyncConnection

from jobs import prune_keys
from jobs.duty import Chunk, Slot
from ledger.merchants import log
from ledger.merchants import merchant as merchants
from ledger.points.commands import Moment
from ledger.redeeming import offer_drafts as drafts
from ledger.redeeming import offer_photos as photos
from ledger.redeeming import own_shelf, shelf
from ledger.redeeming.booking import Booking
from ledger.redeeming.drafts import KEPT_DAYS
from ledger.redeeming.offer_drafts import Draft, DraftInTheWay, OfferEditedMeanwhile, StockBelowTaken
from ledger.redeeming.offers import GOODS_RETURNS, Offer, PerUnit, Returns
from ledger.redeeming.publish import publish, set_active
from ledger.redeeming.shelf import NoSuchOffer
from tests import turns
from tests.conftest import Database
from tests.handlers.shop import BOX, offer
from tests.handlers.shop import shop as stocked
from tests.turns import NOW, TODAY

FRUIT_A, FRUIT_B = 71, 72
"""Two people who run the fruit shop."""

WHOLE_NEW = {
    "kind": "goods",
    "name": {"zh": "果篮", "en": "Basket"},
    "category": "fruit",
    "price": {"kind": "per_unit", "points": 300},
}


async def box(tx: AsyncConnection) -> tuple[int, int]:
    """The fruit shop and its box."""
    fruit = (await merchants.by_code(tx, "fruit")).id
    return fruit, int(await tx.scalar(text("SELECT id FROM offer WHERE code = 'box'")) or 0)


async def changing(tx: AsyncConnection, who: int = FRUIT_A, **parts: Any) -> Draft:
    """A draft of the box with changes."""
    fruit, id_ = await box(tx)
    draft = await drafts.begin_change(tx, id_, merchant_id=fruit, member_id=who, nonce=f"n{who}", now=NOW)
    return await drafts.change(tx, draft, parts, guide=None, now=NOW) if parts else draft


async def put_up(tx: AsyncConnection, draft: Draft, by: str = "staff:1") -> tuple[int, int]:
    return await drafts.put_up(tx, draft, by=by, now=NOW, today=TODAY)


def at_price(points: int) -> dict[str, Any]:
    return {**drafts.written(BOX)["price"], "points": points}


async def test_a_new_offer_is_on_the_shelf_once_it_is_whole_and_names_who_made_it(database: Database) -> None:
    async with database.engine.begin() as tx:
        await stocked(tx)
        fruit, _ = await box(tx)
        begun = {"code": "fruit-n1", "merchant": "fruit", "currency": "common"}
        draft = await drafts.begin(
            tx, merchant_id=fruit, member_id=FRUIT_A, document=begun, guide="kind", nonce="n1", now=NOW
        )
        assert draft.missing == ("kind", "name", "category", "price")
        for part, said in WHOLE_NEW.items():
            draft = await drafts.change(tx, draft, {part: said}, guide=None, now=NOW)
        assert draft.missing == ()
        offer_id, version = await put_up(tx, draft)
        assert version == 1
        this = await shelf.one(tx, offer_id)
        assert (this.offer.name.en, this.offer.price, this.active) == ("Basket", PerUnit(points=300), True)
        [made] = await own_shelf.versions(tx, offer_id, most=1, limit=5)
        assert made.made_by == "staff:1"
        assert await drafts.find(tx, fruit, FRUIT_A) is None
        assert [(each.what, each.who) for each in await log.read(tx, fruit)] == [("offer_published", "staff:1")]


@pytest.mark.parametrize(
    "parts",
    [
        {"name": {"zh": "长" * 61, "en": "long"}},
        {"price": {"kind": "per_money", "points": 50, "least_minor": 100, "step_minor": 100, "most_minor": 200}},
        {"price": {"kind": "per_unit", "points": 500, "value_minor": 1000, "cash_minor": 1000}},
        {"on_shelf": {"from_on": "2026-12-02", "until": "2026-12-01"}},
        {"conditions": [{"zh": "一", "en": "one"}] * 5},
        {"early": [{"who": {"tiers": ["gold"]}, "from_on": "2026-12-01"}]},
    ],
)
async def test_what_the_document_does_not_allow_leaves_the_draft_as_it_was(
    database: Database, parts: dict[str, Any]
) -> None:
    async with database.engine.begin() as tx:
        await stocked(tx)
        draft = await changing(tx)
        with pytest.raises(ValidationError):
            await drafts.change(tx, draft, parts, guide=None, now=NOW)
        assert await drafts.find(tx, draft.merchant_id, FRUIT_A) == draft
        assert await drafts.changes(tx, draft) == {}


async def test_half_a_draft_is_held_to_the_same_rules(database: Database) -> None:
    async with database.engine.begin() as tx:
        await stocked(tx)
        fruit, _ = await box(tx)
        begun = {"code": "fruit-n1", "merchant": "fruit", "currency": "common"}
        draft = await drafts.begin(
            tx, merchant_id=fruit, member_id=FRUIT_A, document=begun, guide="kind", nonce="n1", now=NOW
        )
        draft = await drafts.change(tx, draft, {"kind": "variable_voucher"}, guide=None, now=NOW)
        with pytest.raises(ValidationError):
            await drafts.change(tx, draft, {"price": {"kind": "per_unit", "points": 5}}, guide=None, now=NOW)
        with pytest.raises(ValidationError):
            await drafts.change(tx, draft, {"validity_days": 0}, guide=None, now=NOW)


BEGUN: dict[str, Any] = {
    "slot_minutes": 60, "hours": [{"weekdays": [1], "open": "09:00", "close": "12:00"}], "cut_off_hours": 2,
}  # fmt: skip


@pytest.mark.parametrize(
    ("theirs", "mine", "both"),
    [
        ({"slot_minutes": 30}, {"cut_off_hours": 48}, {"slot_minutes": 30, "cut_off_hours": 48}),
        ({"slot_minutes": 30}, {"slot_minutes": 20}, {"slot_minutes": 20}),
        ({"slot_minutes": 30}, None, None),
        (None, {"cut_off_hours": 48}, {"cut_off_hours": 48}),
        ({"at_once": 4, "days_ahead": 1}, {"lead_hours": 30}, ValidationError),
    ],
)
async def test_of_booking_each_field_is_carried_over_by_itself(
    database: Database, theirs: dict[str, Any] | None, mine: dict[str, Any] | None, both: Any
) -> None:
    async with database.engine.begin() as tx:
        await stocked(tx)
        one = PerUnit(points=500, value_minor=2500)
        wash = offer(
            "box", "洗车", "Wash", "fruit", one, kind="service", booking=Booking.model_validate_json(json.dumps(BEGUN))
        )
        await publish(tx, wash, now=NOW, today=TODAY)
        first, second = [
            await changing(tx, who, booking=None if said is None else {**BEGUN, **said})
            for who, said in ((FRUIT_A, theirs), (FRUIT_B, mine))
        ]
        await put_up(tx, first)
        if both is ValidationError:
            with pytest.raises(ValidationError, match="nothing could ever be booked"):
                await drafts.onto_latest(tx, second, now=NOW)
            return
        second = await drafts.onto_latest(tx, second, now=NOW)
        await put_up(tx, second)
        _, id_ = await box(tx)
        made = (await shelf.one(tx, id_)).offer.booking
        assert made == (None if both is None else Booking.model_validate_json(json.dumps({**BEGUN, **both})))


USUAL = GOODS_RETURNS.model_dump()


@pytest.mark.parametrize(
    ("base", "theirs", "mine", "both"),
    [
        (None, {"days": 15}, {"changed_mind": True}, {"days": 15, "changed_mind": True}),
        ({"days": 30}, {"answer_days": 5}, None, {"answer_days": 5}),
        ({"days": 30}, None, {"exchange": False}, {"exchange": False}),
        ({"days": 30, "exchange": False}, {"days": 7}, {"exchange": True}, None),
        ({"days": 30}, {"days": 15}, {"days": 60}, {"days": 60}),
    ],
)
async def test_fields_of_returns_are_carried_over_one_by_one(
    database: Database, base: Any, theirs: Any, mine: Any, both: Any
) -> None:
    def said(one: Any, below: Any = None) -> Any:
        return None if one is None else {**USUAL, **(below or {}), **one}

    async with database.engine.begin() as tx:
        await stocked(tx)
        if base is not None:
            await put_up(tx, await changing(tx, FRUIT_A, returns=said(base)))
        first = await changing(tx, FRUIT_A, returns=said(theirs, base))
        second = await changing(tx, FRUIT_B, returns=said(mine, base))
        await put_up(tx, first)
        await put_up(tx, await drafts.onto_latest(tx, second, now=NOW))
        _, id_ = await box(tx)
        made = (await shelf.one(tx, id_)).offer.returns
        assert made == (None if both is None else Returns(**{**USUAL, **both}))


async def test_a_draft_for_codes_is_seen_without_being_locked(database: Database) -> None:
    async with database.engine.begin() as tx:
        await stocked(tx)
        fruit, _ = await box(tx)
        assert not await drafts.for_codes(tx, fruit, FRUIT_A)
        begun = {"merchant_id": fruit, "guide": "pool", "nonce": "n", "now": NOW}
        await drafts.begin(
            tx, member_id=FRUIT_A, document={"code": "a", "merchant": "fruit", "kind": "partner_code"}, **begun
        )
        await drafts.begin(tx, member_id=FRUIT_B, document={"code": "b", "merchant": "fruit", "kind": "goods"}, **begun)
    async with database.engine.begin() as writing, database.engine.begin() as other:
        assert await drafts.find(writing, fruit, FRUIT_A) is not None
        assert await drafts.for_codes(other, fruit, FRUIT_A) and not await drafts.for_codes(other, fruit, FRUIT_B)


async def test_outlets_that_one_took_away_stay_away_when_another_changes_the_cut_off(database: Database) -> None:
    async with database.engine.begin() as tx:
        await stocked(tx)
        fruit = (await merchants.by_code(tx, "fruit")).id
        await tx.execute(
            text("INSERT INTO outlet (merchant_id, name, opened_at) VALUES (:id, '江北店', :now)"),
            {"id": fruit, "now": NOW},
        )
        begun = {**BEGUN, "outlets": [{"outlet": "江北店"}]}
        one = PerUnit(points=500, value_minor=2500)
        booking = Booking.model_validate_json(json.dumps(begun))
        wash = offer("box", "洗车", "Wash", "fruit", one, kind="service", booking=booking)
        await publish(tx, wash, now=NOW, today=TODAY)
        first = await changing(tx, FRUIT_A, booking={**begun, "cut_off_hours": 3})
        second = await changing(tx, FRUIT_B, booking={**begun, "outlets": []})
        await put_up(tx, first)
        await put_up(tx, await drafts.onto_latest(tx, second, now=NOW))
        _, id_ = await box(tx)
        made = (await shelf.one(tx, id_)).offer.booking
    assert made is not None and (made.outlets, made.cut_off_hours) == ((), 3)


async def test_whoever_publishes_second_is_told_and_carries_their_changes_over(database: Database) -> None:
    async with database.engine.begin() as tx:
        await stocked(tx)
        first = await changing(tx, FRUIT_A, price=at_price(450), validity_days=60)
        second = await changing(tx, FRUIT_B, validity_days=90, category="gifts")
        assert (await put_up(tx, first))[1] == 2
        with pytest.raises(OfferEditedMeanwhile) as refused:
            await put_up(tx, second)
        assert (refused.value.based_on, refused.value.version) == (1, 2)
        second = await drafts.onto_latest(tx, second, now=NOW)
        assert await drafts.changes(tx, second) == {"validity_days": 90, "category": "gifts"}
        offer_id, version = await put_up(tx, second, by="staff:2")
        now = (await shelf.one(tx, offer_id)).offer
        assert version == 3
        assert (now.price.points, now.validity_days, now.category) == (450, 90, "gifts")
        made = [each.made_by for each in await own_shelf.versions(tx, offer_id, most=3, limit=5)]
        assert made == ["staff:2", "staff:1", None]  # the first came from a file


async def test_of_two_who_publish_in_the_same_moment_one_is_told(database: Database) -> None:
    async with database.engine.begin() as tx:
        await stocked(tx)
        one = await changing(tx, FRUIT_A, price=at_price(450))
        other = await changing(tx, FRUIT_B, price=at_price(400))

    async def publishes(draft: Draft) -> str:
        async with database.engine.begin() as tx:
            mine = await drafts.mine(tx, draft.merchant_id, draft.member_id)
            try:
                await put_up(tx, mine)
            except OfferEditedMeanwhile:
                return "told"
            return "published"

    assert sorted(await asyncio.gather(publishes(one), publishes(other))) == ["published", "told"]
    async with database.engine.connect() as tx:
        assert await tx.scalar(text("SELECT count(*) FROM offer_version v JOIN offer o ON o.id = v.offer_id"
                                    " WHERE o.code = 'box'")) == 2  # fmt: skip


async def test_a_stock_is_never_less_than_what_is_out(database: Database) -> None:
    async with database.engine.begin() as tx:
        await stocked(tx)
        limited = BOX.model_copy(update={"limits": BOX.limits.model_copy(update={"stock": 10})})
        id_ = await publish(tx, limited, now=NOW, today=TODAY)
        await tx.execute(text("UPDATE offer_stock SET taken = 4, handed = 4 WHERE offer_id = :id"), {"id": id_})
        draft = await changing(tx)
        with pytest.raises(StockBelowTaken) as refused:
            await drafts.change(tx, draft, {"limits": {"stock": 3}}, guide=None, now=NOW)
        assert (refused.value.asked, refused.value.taken) == (3, 4)
        draft = await drafts.change(tx, draft, {"limits": {"stock": 5}}, guide=None, now=NOW)
        await tx.execute(text("UPDATE offer_stock SET taken = 6, handed = 6 WHERE offer_id = :id"), {"id": id_})
        with pytest.raises(StockBelowTaken):  # two more went out while it was being written
            await put_up(tx, draft)
        draft = await drafts.change(tx, draft, {"limits": {"stock": 6}}, guide=None, now=NOW)
        await put_up(tx, draft)
        own = await own_shelf.one_of(tx, draft.merchant_id, id_, today=TODAY)
        assert (own.taken, own.left) == (6, 0)


async def test_one_draft_at_a_time_and_one_that_changes_nothing_is_not_in_the_way(database: Database) -> None:
    async with database.engine.begin() as tx:
        await stocked(tx)
        fruit, _ = await box(tx)
        other = await publish(tx, offer("pear", "梨", "Pear", "fruit", PerUnit(points=50)), now=NOW, today=TODAY)
        await changing(tx)  # nothing changed
        draft = await drafts.begin_change(tx, other, merchant_id=fruit, member_id=FRUIT_A, nonce="n2", now=NOW)
        await drafts.change(tx, draft, {"category": "home"}, guide=None, now=NOW)
        with pytest.raises(DraftInTheWay) as refused:
            await changing(tx)
        assert refused.value.offer_id == other
        again = await drafts.begin_change(tx, other, merchant_id=fruit, member_id=FRUIT_A, nonce="n3", now=NOW)
        assert again.document["category"] == "home"
        assert (await changing(tx, FRUIT_B)).offer_id != other  # a colleague writes at the same time


async def test_another_merchants_offer_is_like_none(database: Database) -> None:
    async with database.engine.begin() as tx:
        await stocked(tx)
        market = (await merchants.by_code(tx, "market")).id
        _, id_ = await box(tx)
        with pytest.raises(NoSuchOffer):
            await drafts.begin_change(tx, id_, merchant_id=market, member_id=1, nonce="n", now=NOW)
        with pytest.raises(NoSuchOffer):
            await own_shelf.switch(tx, market, id_, False, by="staff:9", now=NOW)
        with pytest.raises(NoSuchOffer):
            await own_shelf.one_of(tx, market, id_, today=TODAY)


async def test_publishing_a_change_leaves_a_paused_offer_paused(database: Database) -> None:
    async with database.engine.begin() as tx:
        await stocked(tx)
        fruit, id_ = await box(tx)
        await own_shelf.switch(tx, fruit, id_, False, by="staff:1", now=NOW)
        await own_shelf.switch(tx, fruit, id_, False, by="staff:1", now=NOW)
        await put_up(tx, await changing(tx, price=at_price(450)))
        own = await own_shelf.one_of(tx, fruit, id_, today=TODAY)
        assert (own.standing, own.listed.version) == ("paused", 2)
        assert [each.what for each in await log.read(tx, fruit)] == ["offer_changed", "offer_paused"]


async def test_a_photo_that_arrives_goes_into_the_draft_and_no_later_answer_loses_it(database: Database) -> None:
    async with database.engine.begin() as tx:
        await stocked(tx)
        draft = await changing(tx)
        await drafts.awaits_photo(tx, draft, "file-1", now=NOW)
        asked = await photos.to_fetch(tx, now=NOW)
        assert asked is not None
        assert await photos.to_fetch(tx, now=NOW) is None  # somebody is at it
        name = await photos.keep(tx, draft.merchant_id, b"\xff\xd8jpeg", now=NOW)
        assert name == await photos.keep(tx, draft.merchant_id, b"\xff\xd8jpeg", now=NOW)
        assert await photos.arrived(tx, asked, name)
        draft = await drafts.mine(tx, draft.merchant_id, FRUIT_A)
        assert (draft.photo_waits, draft.document["photo"]) == (False, name)
        draft = await drafts.change(tx, draft, {"validity_days": 60}, guide=None, now=NOW)
        assert draft.document["photo"] == name
        assert await photos.content(tx, name) == b"\xff\xd8jpeg"


async def test_a_fetch_that_died_is_tried_again_and_a_newer_picture_wins(database: Database) -> None:
    async with database.engine.begin() as tx:
        await stocked(tx)
        draft = await changing(tx)
        await drafts.awaits_photo(tx, draft, "file-1", now=NOW)
        died = await photos.to_fetch(tx, now=NOW)
        later = NOW + dt.timedelta(seconds=photos.TRIED_AGAIN_SECONDS)
        again = await photos.to_fetch(tx, now=later)
        assert died is not None and again is not None and again.tries == 2
        await drafts.awaits_photo(tx, draft, "file-2", now=later)
        assert not await photos.arrived(tx, again, "photo-of-file-1")
        newer = await photos.to_fetch(tx, now=later)
        assert newer is not None and (newer.file_id, newer.tries) == ("file-2", 1)
        await drafts.drop(tx, draft.merchant_id, FRUIT_A)
        assert not await photos.arrived(tx, newer, "photo-of-file-2")


async def test_forgotten_drafts_and_photos_that_nothing_shows_go_and_shown_ones_stay(database: Database) -> None:
    async with database.engine.begin() as tx:
        await stocked(tx)
        draft = await changing(tx, FRUIT_A)
        shown = await photos.keep(tx, draft.merchant_id, b"\xff\xd8shown", now=NOW)
        await put_up(tx, await drafts.change(tx, draft, {"photo": shown}, guide=None, now=NOW))
        drafted = await photos.keep(tx, draft.merchant_id, b"\xff\xd8drafted", now=NOW)
        await changing(tx, FRUIT_B, photo=drafted)
        await photos.keep(tx, draft.merchant_id, b"\xff\xd8lost", now=NOW)

        async def prune(days: int) -> tuple[int, set[str]]:
            at = Moment(NOW + dt.timedelta(days=days), TODAY)
            progress: Any = {}
            while progress is not None:
                chunk = Chunk(tx, "job", at, turns.PROGRAMME, progress)
                progress = await prune_keys.run(chunk, Slot("prune_keys", at.now))
            kept = {row.name for row in await tx.execute(text("SELECT name FROM offer_photo"))}
            return int(await tx.scalar(text("SELECT count(*) FROM offer_draft")) or 0), kept

        count, kept = await prune(KEPT_DAYS - 1)
        assert (count, len(kept)) == (1, 3)
        assert await prune(KEPT_DAYS + 1) == (0, {shown})


async def test_what_is_over_paused_and_on_the_shelf_come_in_this_order_reversed(database: Database) -> None:
    async with database.engine.begin() as tx:
        await stocked(tx)
        fruit, id_ = await box(tx)
        until = {"until": (TODAY - dt.timedelta(days=1)).isoformat()}

        def pear(code: str, **more: Any) -> Offer:
            return offer(code, "梨", "Pear", "fruit", PerUnit(points=50), **more)

        over = await publish(tx, pear("over", on_shelf=until), now=NOW, today=TODAY)
        paused = await publish(tx, pear("paused"), now=NOW, today=TODAY)
        await set_active(tx, paused, False)
        newest = await publish(tx, pear("newest"), now=NOW, today=TODAY)
        found = await own_shelf.all_of(tx, fruit, today=TODAY)
        assert [(each.listed.id, each.standing) for each in found] == [
            (newest, "active"), (id_, "active"), (paused, "paused"), (over, "over"),
        ]  # fmt: skip
