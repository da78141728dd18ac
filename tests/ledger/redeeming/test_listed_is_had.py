"""Whatever rules of price, person and day an offer has: what is listed as available redeems at the listed price at that instant."""

from __future__ import annotations

import datetime as dt
import itertools
import json

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from sqlalchemy import text

from ledger.errors import Refusal
from ledger.members import credit_standing
from ledger.members.member import Member
from ledger.members.profile import NoSuchRegion
from ledger.members.standings import NoSuchTier
from ledger.redeeming import codes, redemptions, shelf
from ledger.redeeming.browse import browse
from ledger.redeeming.may_redeem import Yes
from ledger.redeeming.offers import Offer
from ledger.redeeming.reach import OnlyForTiers
from ledger.redeeming.redemptions import OfferChanged, Redeemed
from ledger.redeeming.who import Traits, Who
from tests.ledger.redeeming.stage import NOW, TODAY, Stage, at, entropy, offer, per_unit
from tests.ledger.redeeming.test_price_rules import FIRST, TRAITS, documents, special

_numbers = itertools.count(1)
START = (FIRST - TODAY).days
PROGRAMME = {
    "tiers": [{"code": code, "name_zh": code, "name_en": code} for code in ("plain", "silver", "gold")],
    "regions": [{"code": code, "name_zh": code, "name_en": code} for code in ("sh", "hz", "nj")],
}


async def with_programme(stage: Stage) -> None:
    async with stage.engine.begin() as tx:
        await tx.execute(
            text(
                "INSERT INTO programme (one, version, document) VALUES (1, 1, CAST(:said AS jsonb))"
                " ON CONFLICT DO NOTHING"
            ),
            {"said": json.dumps(PROGRAMME)},
        )


async def somebody(stage: Stage, who: Traits, points: int) -> Member:
    """A member of this tier, region and standing, with points for ever."""
    member = await stage.member((points, "-")) if points else await stage.member()
    async with stage.engine.begin() as tx:
        facts = {"id": member.id, "tier": None if who.tier == "plain" else who.tier, "region": who.region}
        await tx.execute(text("UPDATE member SET tier = :tier, region = :region WHERE id = :id"), facts)
    if who.standing is not None:
        await stands(stage, member, who.standing)
    return member


async def stands(stage: Stage, member: Member, standing: int, *, until: dt.date = dt.date(2028, 12, 31)) -> None:
    async with stage.engine.begin() as tx:
        await credit_standing.agree(tx, member.id, now=NOW)
        await tx.execute(
            text(
                "INSERT INTO credit_standing (member_id, standing, source, valid_until, entered_by, entered_at)"
                " VALUES (:id, :standing, 'test', :until, 'test', :now)"
            ),
            {"id": member.id, "standing": standing, "until": until, "now": NOW},
        )


@settings(max_examples=25, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(st.lists(documents(), min_size=1, max_size=4), TRAITS, st.integers(0, 900), st.integers(0, 45))
async def test_what_is_listed_redeems_at_the_listed_price_and_what_is_refused_is_refused_alike(
    stage: Stage, offers: list[Offer], who: Traits, points: int, ahead: int
) -> None:
    await with_programme(stage)
    coded = [each.model_copy(update={"code": f"any-{next(_numbers)}"}) for each in offers]
    ids = await stage.publish(*coded)
    member, moment = await somebody(stage, who, points), at(days=START + ahead)
    async with stage.engine.begin() as tx:
        held = await shelf.purse(tx, member, today=moment.today)
        everything = await shelf.by_ids(tx, ids)
        seen = await shelf.look(tx, member, everything, today=moment.today, held=held)
        found = await browse(tx, member, today=moment.today, held=held)
    can = {each.listed.id for each in seen if isinstance(each.verdict, Yes)}
    assert can == {each.listed.id for each in found.affordable()} & set(ids), (
        "within reach is what may be had, and nothing is missed"
    )
    assert can <= {each.listed.id for each in shelf.shown(seen, moment.today)}
    for each in seen:
        quote = each.verdict.quote
        assert quote is not None
        async with stage.engine.connect() as tx:  # each on its own: tried, looked at, and rolled back

            async def redeem(points: int, worth: int, listed: shelf.Listed = each.listed) -> Redeemed:
                return await redemptions.redeem(
                    tx, member, listed.id, amount=1, version=listed.version, points=points, value_minor=worth,
                    nonce=f"n{next(_numbers)}", code=codes.mint(entropy(24)), vault=stage.vault, undo_minutes=10, at=moment,
                    actor="test",
                )  # fmt: skip

            if isinstance(each.verdict, Yes):
                done = await redeem(quote.points, quote.value_minor)
                assert (done.redemption.points, done.redemption.value_minor) == (quote.points, quote.value_minor)
                assert done.redemption.state == ("held" if quote.cash_minor else "issued")
                assert done.redemption.cash_minor == quote.cash_minor
                assert done.available == each.facts.available - quote.points
                await tx.rollback()
                for other in ((quote.points + 1, quote.value_minor), (quote.points, quote.value_minor + 1)):
                    with pytest.raises(OfferChanged):
                        await redeem(*other)
            else:
                with pytest.raises(Refusal) as no:
                    await redeem(quote.points, quote.value_minor)
                assert type(no.value) is type(each.verdict.reasons[0])
                assert no.value.facts == each.verdict.reasons[0].facts
            await tx.rollback()


async def test_a_redemption_keeps_the_special_price_in_its_entry(stage: Stage) -> None:
    season = special("旺季价", per_unit(400, 2500), until="2026-11-22")
    [box] = await stage.publish(offer("box", "礼盒", "Box", "fruit", per_unit(500, 2500), specials=(season,)))
    who = await stage.member((1000, "-"))
    async with stage.engine.begin() as tx:
        seen = await shelf.judged(tx, who, box, today=TODAY)
        assert seen.verdict.quote is not None
        done = await redemptions.redeem(
            tx, who, box, amount=1, version=1, points=seen.verdict.quote.points, nonce="n", code=codes.mint(entropy(24)),
            vault=stage.vault, undo_minutes=10, at=at(), actor="test",
        )  # fmt: skip
        entry = {"id": done.redemption.entry_id}
        facts = await tx.scalar(text("SELECT facts FROM entry WHERE id = :id"), entry)
    assert (facts["offer"]["special_zh"], done.redemption.points, done.available) == ("旺季价", 400, 600)


async def test_a_standing_counts_only_while_the_member_agrees_and_it_is_good(stage: Stage) -> None:
    await with_programme(stage)
    member = await somebody(stage, Traits(), 100)
    await stands(stage, member, 700, until=TODAY)
    async with stage.engine.begin() as tx:
        assert (await shelf.traits(tx, member.id, today=TODAY)).standing == 700
        assert (await shelf.traits(tx, member.id, today=TODAY + dt.timedelta(days=1))).standing is None
        await tx.execute(text("UPDATE consent SET withdrawn_at = :now"), {"now": NOW})
        assert (await shelf.traits(tx, member.id, today=TODAY)).standing is None


async def test_a_member_without_a_tier_has_the_lowest_and_sees_what_it_sees(stage: Stage) -> None:
    await with_programme(stage)
    plain, gold = await stage.publish(
        offer("plain", "普", "Plain", "fruit", per_unit(10), who=Who(tiers=("plain",))),
        offer("gold", "金", "Gold", "market", per_unit(10), who=Who(tiers=("gold",))),
    )
    member = await stage.member((100, "-"))
    async with stage.engine.begin() as tx:
        held = await shelf.purse(tx, member, today=TODAY)
        found = await browse(tx, member, today=TODAY, held=held)
        assert [each.listed.id for each in found.of_category("other")] == [plain]
        seen = await shelf.look(tx, member, await shelf.by_ids(tx, [plain, gold]), today=TODAY, held=held)
        assert [each.listed.id for each in shelf.shown(seen, TODAY)] == [plain]
        assert found.categories() == {"other": 1}
        assert [shop for shop, _, _ in found.shops()] == [stage.merchants["fruit"].id]
        no = (await shelf.judged(tx, member, gold, today=TODAY)).verdict
        assert not isinstance(no, Yes) and isinstance(no.reasons[0], OnlyForTiers)
        await tx.execute(text("UPDATE member SET tier = 'gold' WHERE id = :id"), {"id": member.id})
        assert isinstance((await shelf.judged(tx, member, gold, today=TODAY)).verdict, Yes)
        found = await browse(tx, member, today=TODAY, held=held)
        assert [shop for shop, _, _ in found.shops()] == [stage.merchants["market"].id]


async def test_tiers_and_regions_that_the_programme_does_not_have_are_not_published(stage: Stage) -> None:
    await with_programme(stage)
    with pytest.raises(NoSuchTier):
        await stage.publish(offer("aa", "甲", "A", "fruit", per_unit(10), who=Who(tiers=("platinum",))))
    with pytest.raises(NoSuchRegion):
        await stage.publish(offer("aa", "甲", "A", "fruit", per_unit(10), region="moon"))
