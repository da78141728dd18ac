"""Offers that several merchants hand over: who agrees, where a voucher is good, and who is owed, answers and pays back after."""

from __future__ import annotations

import asyncio
import dataclasses
from collections import Counter

import pytest
from pydantic import ValidationError
from sqlalchemy import text

from ledger.errors import Refusal
from ledger.merchants import webhooks
from ledger.merchants.merchant import NoSuchMerchant
from ledger.merchants.staff import Staff
from ledger.points.audit import audit
from ledger.points.commands import Moment
from ledger.redeeming import (
    browse,
    cash,
    cash_refunds,
    counter,
    drawer,
    fulfilments,
    offline,
    own_shelf,
    redemptions,
    return_answers,
    return_claims,
    return_requests,
    search,
    shelf,
    vouchers,
)
from ledger.redeeming.booking import Booking, Hours
from ledger.redeeming.counter import VoucherOfAnother
from ledger.redeeming.fulfilments import FulfillerNotServing, NotAsked
from ledger.redeeming.offers import Membership, Names, Offer, PerUnit
from ledger.redeeming.offline import OfflineLost, OfflineOfAnother, Taken
from ledger.redeeming.redemptions import Redeemed
from ledger.redeeming.return_claims import Shot
from ledger.redeeming.vouchers import Redemption, VoucherUsed
from tests.ledger.clearing.scene import FIRST, closed, day, rebuilds, table
from tests.ledger.redeeming.stage import TODAY, Stage, at, offer, per_unit

BOX = offer("box", "水果礼盒", "Fruit box", "fruit", per_unit(500, 2500), fulfillers=("market", "rail"))
CASH = offer(
    "box",
    "水果礼盒",
    "Fruit box",
    "fruit",
    PerUnit(points=400, value_minor=3000, cash_minor=1000),
    fulfillers=("market",),
)


async def says(stage: Stage, merchant: str, offer_id: int, yes: bool) -> bool:
    async with stage.engine.begin() as tx:
        here = stage.merchants[merchant].id
        _, news = await fulfilments.answer(tx, here, offer_id, yes, by="staff:1", now=at().now)
    return news


async def put_up(stage: Stage, sold: Offer, *agreed: str) -> int:
    """On the shelf, agreed to by these."""
    [offer_id] = await stage.publish(sold)
    for merchant in agreed:
        await says(stage, merchant, offer_id, True)
    return offer_id


async def shops(stage: Stage, offer_id: int) -> list[str]:
    async with stage.engine.begin() as tx:
        return [shop.name.zh for shop in (await shelf.one(tx, offer_id)).shops]


async def states(stage: Stage, offer_id: int) -> dict[str, str]:
    async with stage.engine.begin() as tx:
        return {each.merchant.zh: each.state for each in await fulfilments.of_offer(tx, offer_id)}


async def use(stage: Stage, till: Staff, code: str, when: Moment | None = None) -> Redemption | Refusal:
    async with stage.engine.begin() as tx:
        return await counter.use(tx, till, code, vault=stage.vault, at=when or at())


async def had(stage: Stage, offer_id: int, points: int = 500) -> Redeemed:
    return await stage.redeem(await stage.member((points, "2027-11-30")), offer_id)


async def test_only_those_who_agreed_hand_it_over(stage: Stage) -> None:
    tills = {code: await stage.staff(code) for code in ("fruit", "market", "rail")}
    box = await put_up(stage, BOX, "market")
    assert await shops(stage, box) == ["鲜果時光", "云山超市"]
    assert await states(stage, box) == {"云山超市": "agreed", "南线铁路": "asked"}
    done = await had(stage, box)
    stranger = await use(stage, tills["rail"], done.code)
    assert isinstance(stranger, VoucherOfAnother) and [each.zh for each in stranger.merchants] == [
        "鲜果時光",
        "云山超市",
    ]
    used = await use(stage, tills["market"], done.code)
    assert isinstance(used, Redemption) and used.merchant.zh == "云山超市"
    for till in ("fruit", "market"):
        again = await use(stage, tills[till], done.code)
        assert isinstance(again, VoucherUsed) and again.merchant.zh == "云山超市", till


async def test_a_change_of_mind_is_about_vouchers_to_come(stage: Stage) -> None:
    till = await stage.staff("market")
    box = await put_up(stage, BOX, "market")
    before = await had(stage, box)
    assert await says(stage, "market", box, False)
    assert not await says(stage, "market", box, False), "a second tap is no news"
    after = await had(stage, box)
    assert isinstance(await use(stage, till, before.code), Redemption)
    assert isinstance(await use(stage, till, after.code), VoucherOfAnother)
    assert await states(stage, box) == {"云山超市": "left", "南线铁路": "asked"}
    assert await says(stage, "market", box, True)
    assert await shops(stage, box) == ["鲜果時光", "云山超市"]
    assert await says(stage, "rail", box, False)
    assert await states(stage, box) == {"云山超市": "agreed", "南线铁路": "declined"}


@pytest.mark.parametrize(
    ("change", "asked_again"),
    [
        ({"price": per_unit(600, 2500)}, True),
        ({"name": Names(zh="大礼盒", en="Big box")}, True),
        ({"conditions": (Names(zh="请自带袋子", en="Bring a bag"),)}, True),
        ({"about": Names(zh="新鲜", en="Fresh")}, False),
        ({"category": "fruit"}, False),
    ],
)
async def test_what_binds_them_is_agreed_to_anew_and_nothing_else(
    stage: Stage, change: dict[str, object], asked_again: bool
) -> None:
    box = await put_up(stage, BOX, "market")
    async with stage.engine.begin() as tx:
        assert {each.merchant.zh for each in await fulfilments.untold(tx, box)} == {"南线铁路"}, "who answered knows"
        assert await fulfilments.untold(tx, box) == [], "each is told once"
    await says(stage, "rail", box, False)
    await stage.publish(BOX.model_copy(update=change))
    assert await states(stage, box) == {"云山超市": "asked" if asked_again else "agreed", "南线铁路": "declined"}
    assert await shops(stage, box) == ["鲜果時光"] + ([] if asked_again else ["云山超市"])
    async with stage.engine.begin() as tx:
        assert [each.merchant.zh for each in await fulfilments.untold(tx, box)] == (["云山超市"] if asked_again else [])


async def test_whom_a_new_version_does_not_name_is_bound_no_longer(stage: Stage) -> None:
    box = await put_up(stage, BOX, "market", "rail")
    done = await had(stage, box)
    await stage.publish(BOX.model_copy(update={"fulfillers": ("rail",)}))
    assert await states(stage, box) == {"南线铁路": "agreed"} and await shops(stage, box) == ["鲜果時光", "南线铁路"]
    with pytest.raises(NotAsked):
        await says(stage, "market", box, True)
    assert isinstance(await use(stage, await stage.staff("market"), done.code), Redemption), "it was issued with market"


@pytest.mark.parametrize(
    ("change", "why"),
    [
        ({"fulfillers": ("fruit",)}, "each merchant"),
        ({"fulfillers": ("market", "market")}, "each merchant"),
        ({"kind": "membership", "membership": Membership(tier="gold", days=30)}, "needs no other merchant"),
        (
            {
                "kind": "service",
                "booking": Booking(hours=(Hours(weekdays=(1,), open="09:00", close="18:00"),), slot_minutes=30),
            },
            "had at one merchant",
        ),
    ],
)
def test_documents_that_make_no_sense_are_refused(change: dict[str, object], why: str) -> None:
    with pytest.raises(ValidationError, match=why):
        Offer.model_validate({**dict(BOX), **change})


async def test_merchants_that_there_are_not_or_that_closed_cannot_be_asked(stage: Stage) -> None:
    with pytest.raises(NoSuchMerchant):
        await stage.publish(BOX.model_copy(update={"fulfillers": ("nobody",)}))
    async with stage.engine.begin() as tx:
        await tx.execute(text("UPDATE merchant SET status = 'closed' WHERE code = 'rail'"))
    with pytest.raises(FulfillerNotServing):
        await stage.publish(BOX)


async def test_one_that_closes_is_shown_no_longer(stage: Stage) -> None:
    box = await put_up(stage, BOX, "market", "rail")
    async with stage.engine.begin() as tx:
        await tx.execute(text("UPDATE merchant SET status = 'closed' WHERE code = 'rail'"))
    assert await shops(stage, box) == ["鲜果時光", "云山超市"]
    who = await stage.member((500, "-"))
    async with stage.engine.begin() as tx:
        found = await browse.browse(tx, who, today=TODAY, held=await shelf.purse(tx, who, today=TODAY))
        assert [[shop.name.zh for shop in each.listed.shops] for each in found.found] == [["鲜果時光", "云山超市"]]


async def test_of_two_merchants_tills_at_the_same_moment_exactly_one_uses_it(stage: Stage) -> None:
    tills = [await stage.staff(merchant) for merchant in ("fruit", "market", "rail") for _ in range(2)]
    box = await put_up(stage, BOX, "market", "rail")
    for _ in range(3):
        done = await had(stage, box)
        outcomes = await asyncio.gather(*(use(stage, till, done.code) for till in tills))
        assert Counter(type(o) for o in outcomes) == {Redemption: 1, VoucherUsed: 5}
        winner = next(o for o in outcomes if isinstance(o, Redemption))
        assert {o.merchant.zh for o in outcomes if isinstance(o, VoucherUsed)} == {winner.merchant.zh}


async def test_whoever_hands_it_over_is_paid_by_whose_points_it_took(stage: Stage) -> None:
    box = await put_up(stage, BOX, "rail")
    done = await had(stage, box)
    assert isinstance(await use(stage, await stage.staff("rail"), done.code), Redemption)
    await closed(stage, day(1))
    assert await table(stage, FIRST) == [
        "market/1: elsewhere 500 taken 0 own 0 pays 1000 gets 0 fee 0 net -1000",
        "rail/1: elsewhere 0 taken 500 own 0 pays 0 gets 1000 fee 10 net 990",
        "operator 10",
    ]
    assert await rebuilds(stage, FIRST)
    async with stage.engine.begin() as tx:
        own = await own_shelf.one_of(tx, stage.merchants["fruit"].id, box, today=TODAY)
    assert (own.had.last, own.had.used) == (1, 1), "whose offer it is still counts it"


async def test_whoever_handed_it_over_answers_its_return_and_clearing_follows(stage: Stage) -> None:
    clerk = await stage.staff("rail")
    boss = dataclasses.replace(clerk, role="manager")
    owner = dataclasses.replace(await stage.staff("fruit"), role="manager")
    box = await put_up(stage, BOX, "rail")
    done = await had(stage, box)
    await use(stage, clerk, done.code)
    async with stage.engine.begin() as tx:
        claim = await return_requests.claim(
            tx,
            done.redemption.member_id,
            done.redemption.id,
            reason="faulty",
            wants="points",
            words="",
            photos=(Shot("photo", "p"),),
            vault=stage.vault,
            at=at(),
            actor="test",
        )
    assert claim.merchant.zh == "南线铁路"
    with pytest.raises(return_claims.NoSuchClaim):
        async with stage.engine.begin() as tx:
            await return_answers.grant(tx, owner, claim.id, goods="back", grace_days=30, at=at())
    async with stage.engine.begin() as tx:
        await return_answers.grant(tx, boss, claim.id, goods="back", grace_days=30, at=at())
        proof = await audit(tx)
    assert not proof.violations
    await closed(stage, day(1))
    assert (await table(stage, FIRST))[-1] == "operator 0" and await rebuilds(stage, FIRST)


async def test_whoever_took_the_cash_hands_it_over_and_gives_it_back(stage: Stage) -> None:
    tills = {code: await stage.staff(code) for code in ("fruit", "market")}
    box = await put_up(stage, CASH, "market")
    done = await had(stage, box, 400)
    assert not done.redemption.offer.by_invoice, "whoever hands over takes the cash"
    async with stage.engine.begin() as tx:
        paid = await cash.collect(
            tx, tills["market"], done.code, hand_over=False, undo_minutes=10, vault=stage.vault, at=at()
        )
    assert isinstance(paid, cash.Collected) and paid.redemption.merchant.zh == "云山超市"
    elsewhere = await use(stage, tills["fruit"], done.code)
    assert isinstance(elsewhere, VoucherOfAnother) and [each.zh for each in elsewhere.merchants] == ["云山超市"]
    async with stage.engine.begin() as tx:
        drawers = {
            code: await drawer.counted(tx, stage.merchants[code].id, since=at(days=-1).now)
            for code in ("fruit", "market")
        }
        await redemptions.undo(
            tx, done.redemption.member_id, done.redemption.id, grace_days=30, at=at(minutes=1), actor="t"
        )
        assert [each.minor for each in await cash_refunds.page(tx, stage.merchants["market"].id)] == [1000]
        assert await cash_refunds.page(tx, stage.merchants["fruit"].id) == []
    assert {code: each.taken_minor for code, each in drawers.items()} == {"fruit": 0, "market": 1000}


async def test_each_till_without_network_may_take_it_and_the_first_brought_counts(stage: Stage) -> None:
    tills = {code: await stage.staff(code) for code in ("fruit", "market", "rail")}
    box = await put_up(stage, BOX, "market")
    done = await had(stage, box)
    zone = at().now.tzinfo
    assert zone is not None
    async with stage.engine.begin() as tx:
        lists = {code: await offline.listed(tx, stage.vault, till, at=at()) for code, till in tills.items()}
        assert [len(lists[code].lines) for code in ("fruit", "market", "rail")] == [1, 1, 0]
        assert lists["fruit"].lines[0].check == lists["market"].lines[0].check, "two keys would give the code away"

    async def bring(code: str, minutes: int) -> object:
        here = stage.merchants[code].id
        async with stage.engine.begin() as tx:
            [answer] = await offline.bring(
                tx,
                here,
                [Taken(done.code, at(minutes=minutes).now)],
                by=tills[code].id,
                vault=stage.vault,
                at=at(minutes=60),
                zone=zone,
            )
        return answer

    assert isinstance(await bring("rail", 5), OfflineOfAnother)
    first = await bring("market", 5)
    assert isinstance(first, tuple) and first[1] and first[0].merchant.zh == "云山超市"
    lost = await bring("fruit", 3)
    assert isinstance(lost, OfflineLost) and lost.why == "used"


async def test_it_is_found_under_the_names_of_all_who_hand_it_over(stage: Stage) -> None:
    box = await put_up(stage, BOX)
    who = await stage.member((500, "-"))

    async def finds(query: str) -> list[int]:
        async with stage.engine.begin() as tx:
            return await search.search(tx, query)

    assert await finds("云山超市") == []
    await says(stage, "market", box, True)
    assert await finds("云山超市") == await finds("yunshan") == [box]
    async with stage.engine.begin() as tx:
        found = await browse.browse(tx, who, today=TODAY, held=await shelf.purse(tx, who, today=TODAY))
        market = stage.merchants["market"].id
        assert [each.listed.id for each in found.of_merchant(market)] == [box]
        assert [(name.zh, n) for _, name, n in found.shops()] == [("云山超市", 1), ("鲜果時光", 1)]


async def test_both_merchants_systems_hear_of_its_use(stage: Stage) -> None:
    box = await put_up(stage, BOX, "market")
    async with stage.engine.begin() as tx:
        for code in ("fruit", "market"):
            await webhooks.direct(
                tx, merchant_id=stage.merchants[code].id, url="https://shop.example/h", by="t", now=at().now
            )
    done = await had(stage, box)
    await use(stage, await stage.staff("market"), done.code)
    async with stage.engine.begin() as tx:
        heard = {code: await webhooks.events(tx, stage.merchants[code].id) for code in ("fruit", "market")}
    assert [len(each) for each in heard.values()] == [1, 1]
    assert '"handed_over_by":"market"' in heard["fruit"][0].body.replace(" ", "")
    assert "handed_over_by" not in heard["market"][0].body


async def test_a_member_keeps_where_their_voucher_is_good(stage: Stage) -> None:
    box = await put_up(stage, BOX, "market", "rail")
    done = await had(stage, box)
    await says(stage, "rail", box, False)
    async with stage.engine.begin() as tx:
        mine = await vouchers.one(tx, done.redemption.member_id, done.redemption.id)
    assert (
        [shop.name.zh for shop in mine.shops]
        == ["鲜果時光", "云山超市", "南线铁路"]
        == [shop.name.zh for shop in done.redemption.shops]
    )
