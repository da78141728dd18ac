"""Offer documents: what may be written, and that every change is a version."""

from __future__ import annotations

from typing import Any

import pytest
from pydantic import ValidationError
from sqlalchemy import text

from ledger.merchants import merchant as merchants
from ledger.merchants.merchant import NoSuchMerchant, Terms
from ledger.redeeming import shelf
from ledger.redeeming.browse import browse
from ledger.redeeming.offers import Limits, Names, Offer, PerMoney, PerUnit, parse
from ledger.redeeming.publish import CurrencyNotAccepted, publish, set_active
from ledger.redeeming.shelf import NoSuchOffer
from tests.ledger.redeeming.stage import NOW, RAIL, TODAY, Stage, offer, per_unit, per_yuan

BOX = offer("box", "进口水果礼盒", "Imported fruit box", "fruit", per_unit(500, 2500))


@pytest.mark.parametrize(
    ("change", "because"),
    [
        ({"kind": "variable_voucher"}, "priced per money"),
        ({"price": {"kind": "per_money", "points": 50, "least_minor": 2000, "step_minor": 400, "most_minor": 10000}},
         "priced per money"),
        ({"price": {"kind": "per_unit", "points": 0}}, "greater than 0"),
        ({"name": {"zh": "很" * 61, "en": "long"}}, "longer than 60"),
        ({"conditions": [{"zh": "一", "en": "one"}] * 5}, "at most four"),
        ({"category": "weapons"}, "Input should be"),
        ({"code": "UPPER"}, "pattern"),
        ({"surprise": 1}, "Extra inputs"),
    ],
)  # fmt: skip
def test_documents_that_are_refused(change: dict[str, Any], because: str) -> None:
    with pytest.raises(ValidationError, match=because):
        Offer.model_validate({**BOX.model_dump(), **change})


@pytest.mark.parametrize(
    ("points", "least", "step", "most", "because"),
    [
        (3, 50, 100, 150, "whole number"),
        (50, 2000, 400, 2300, "number of steps"),
        (50, 2000, 400, 1600, "number of steps"),
    ],
)
def test_a_price_per_money_has_whole_points_on_every_step(
    points: int, least: int, step: int, most: int, because: str
) -> None:
    with pytest.raises(ValidationError, match=because):
        PerMoney(points=points, least_minor=least, step_minor=step, most_minor=most)


def test_a_document_survives_its_own_json() -> None:
    voucher = offer(
        "voucher", "券", "Voucher", "market", per_yuan(50, 20, 4, 100), limits=Limits(member_day=2, stock=9)
    )
    for document in (BOX, voucher):
        assert parse(document.model_dump_json()) == document


async def versions(stage: Stage, code: str = "box") -> list[int]:
    async with stage.engine.begin() as tx:
        query = (
            "SELECT v.version FROM offer_version v JOIN offer o ON o.id = v.offer_id WHERE o.code = :code ORDER BY 1"
        )
        return list(await tx.scalars(text(query), {"code": code}))


async def test_every_change_is_a_version_and_no_change_is_none(stage: Stage) -> None:
    dearer = BOX.model_copy(update={"price": PerUnit(points=600, value_minor=2500)})
    first = await stage.publish(BOX)
    assert await stage.publish(BOX) == first and await versions(stage) == [1]
    assert await stage.publish(dearer) == first and await versions(stage) == [1, 2]
    async with stage.engine.begin() as tx:
        listed = await shelf.one(tx, first[0])
    assert (listed.version, listed.offer.price.quote(1).points) == (2, 600)


async def test_less_stock_than_is_out_leaves_nothing_and_breaks_nothing(stage: Stage) -> None:
    who = await stage.member((5000, "-"))
    [box] = await stage.publish(BOX)
    for _ in range(3):
        await stage.redeem(who, box)
    for stock, left in ((2, 0), (5, 2), (None, None)):
        await stage.publish(BOX.model_copy(update={"limits": Limits(stock=stock)}))
        async with stage.engine.begin() as tx:
            held = await shelf.purse(tx, who, today=TODAY)
            listed = await shelf.one(tx, box)
            facts = await shelf.facts(tx, who, [listed], today=TODAY, held=held)
        assert facts[box].stock_left == left and facts[box].had_ever == 3


async def test_an_offer_is_paid_in_common_points_or_in_its_merchants_own(stage: Stage) -> None:
    ticket = offer("ticket", "车票", "Ticket", "rail", per_unit(100, 100), currency="rail")
    [published] = await stage.publish(ticket)
    async with stage.engine.begin() as tx:
        assert (await shelf.one(tx, published)).currency_id == RAIL
        await merchants.create(
            tx, code="proud", name_zh="自家店", name_en="Own Only", category="other", terms=Terms(accepts_common=False)
        )
        for merchant, currency in (("fruit", "rail"), ("proud", "common"), ("fruit", "moon")):
            with pytest.raises(CurrencyNotAccepted):
                await publish(
                    tx, offer("no", "不", "No", merchant, per_unit(1), currency=currency), now=NOW, today=TODAY
                )
        with pytest.raises(NoSuchMerchant):
            await publish(tx, offer("no", "不", "No", "nobody", per_unit(1)), now=NOW, today=TODAY)


async def test_only_what_is_on_the_shelf_is_listed(stage: Stage) -> None:
    who = await stage.member()
    kept, paused, closed = await stage.publish(
        BOX,
        offer("paused", "停", "Paused", "fruit", per_unit(5)),
        offer("closed", "关", "Closed", "market", per_unit(5)),
    )
    async with stage.engine.begin() as tx:
        await set_active(tx, paused, False)
        await tx.execute(text("UPDATE merchant SET status = 'closed' WHERE code = 'market'"))
        fruit, market = stage.merchants["fruit"].id, stage.merchants["market"].id
        found = await browse(tx, who, today=TODAY, held=[])
        assert [f.listed.id for f in found.of_category("other")] == [kept]
        assert [f.listed.id for f in found.of_merchant(fruit)] == [kept] and not found.of_merchant(market)
        assert [o.id for o in await shelf.by_ids(tx, [closed, paused, kept])] == [kept]
        assert found.categories() == {"other": 1}
        assert found.shops() == [(fruit, Names(zh="鲜果時光", en="Fresh Fruit Time"), 1)]
        assert (await shelf.one(tx, paused)).active is False and (await shelf.one(tx, closed)).serves is False
        with pytest.raises(NoSuchOffer):
            await shelf.one(tx, 999)
        with pytest.raises(NoSuchOffer):
            await set_active(tx, 999, True)
