"""What is handed over in the chat: partner codes out of a pool, tiers, gifts; each once, and only what is free."""

from __future__ import annotations

import asyncio
import datetime as dt
import json
from collections import Counter

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from pydantic import ValidationError
from sqlalchemy import text

from ledger.errors import Refusal
from ledger.members import standings
from ledger.members.member import Member
from ledger.members.named import NoSuchGreenClass
from ledger.members.standings import NoSuchTier
from ledger.points.audit import audit
from ledger.redeeming import code_pools, counter, handover, redemptions, shelf, vouchers
from ledger.redeeming.code_pools import NoSuchPool, PartnerCode
from ledger.redeeming.lapses import lapse
from ledger.redeeming.may_redeem import MemberMayNotSpend, No, SoldOut, Yes
from ledger.redeeming.memberships import MembershipHeld, NotTheTierSeller
from ledger.redeeming.offers import Limits, Membership, Names, Offer
from ledger.redeeming.redemptions import Redeemed
from ledger.redeeming.vouchers import Redemption, VoucherExpired, VoucherTakenBack, VoucherUsed
from tests.ledger.redeeming.stage import NOW, TODAY, Stage, at, offer, per_unit, per_yuan
from tests.ledger.redeeming.test_browse import agrees

FILM = offer("film", "电影票", "Film ticket", "fruit", per_unit(300, 3000), kind="partner_code", pool="film")
VIP = offer("vip", "VIP 30 天", "VIP, 30 days", "market", per_unit(500), kind="membership",
            membership=Membership(tier="vip", days=30))  # fmt: skip
TREE = offer("tree", "种树", "Plant a tree", "market", per_unit(1000, most=99), kind="donation",
             does=Names(zh="种 1 棵树", en="1 tree planted"))  # fmt: skip
PROGRAMME = {
    "name_zh": "联盟", "name_en": "Coalition", "terms_version": "1", "terms_zh": "-", "terms_en": "-", "welcome_issuer": "market",
    "tier_seller": "market",
    "tiers": [{"code": code, "name_zh": code, "name_en": code} for code in ("plain", "vip", "black")],
    "green_scale": {"names": {"organic": {"zh": "有机", "en": "Organic"}}, "weights": {"cup": 50}},
}  # fmt: skip


async def programme(stage: Stage) -> None:
    async with stage.engine.begin() as tx:
        facts = {"said": json.dumps(PROGRAMME)}
        await tx.execute(
            text("INSERT INTO programme (one, version, document) VALUES (1, 1, CAST(:said AS jsonb))"), facts
        )


async def brings(stage: Stage, *codes: str, until: dt.date | None = None, pool: str = "film") -> None:
    async with stage.engine.begin() as tx:
        brought = [PartnerCode(pool, code, until) for code in codes]
        await code_pools.add(tx, stage.vault, stage.merchants["fruit"].id, brought)


async def reveal(stage: Stage, who: Member, number: int, **when: int) -> tuple[Redemption, str]:
    async with stage.engine.begin() as tx:
        return await handover.reveal(tx, who, number, vault=stage.vault, at=at(**when))


async def undo(stage: Stage, who: Member, number: int, **when: int) -> Redemption:
    async with stage.engine.begin() as tx:
        return await redemptions.undo(tx, who.id, number, grace_days=30, at=at(**when), actor="test")


async def judged(stage: Stage, who: Member, offer_id: int, days: int = 0) -> Yes | No:
    async with stage.engine.begin() as tx:
        return (await shelf.judged(tx, who, offer_id, today=TODAY + dt.timedelta(days=days))).verdict


async def settled(stage: Stage) -> list[tuple[str, int]]:
    """What clearing counts this week: (kind, points)."""
    async with stage.engine.begin() as tx:
        rows = await tx.execute(text("SELECT state, points FROM redemption WHERE settles_on IS NOT NULL ORDER BY id"))
        return [(row.state, row.points) for row in rows]


async def test_a_partner_code_is_bought_unseen_then_shown_and_used_and_shown_again(stage: Stage) -> None:
    await brings(stage, "LATER")
    await brings(stage, "SOON", until=TODAY + dt.timedelta(days=5))
    [film] = await stage.publish(FILM)
    who = await stage.member((1000, "-"))
    done = (await stage.redeem(who, film)).redemption
    assert (done.state, done.valid_until) == ("issued", TODAY + dt.timedelta(days=5))
    assert await settled(stage) == []
    for minutes in (1, 2):
        used, code = await reveal(stage, who, done.id, minutes=minutes)
        assert (used.state, code, used.used_at) == ("used", "SOON", at(minutes=1).now)
    assert await settled(stage) == [("used", 300)]
    with pytest.raises(VoucherUsed):
        await undo(stage, who, done.id, minutes=3)
    assert (await stage.redeem(who, film)).redemption.valid_until == TODAY + dt.timedelta(days=30)
    async with stage.engine.begin() as tx:
        assert not (await audit(tx)).violations


async def test_taken_back_before_it_was_seen_it_goes_to_whoever_comes_next(stage: Stage) -> None:
    await brings(stage, "ONE")
    [film] = await stage.publish(FILM)
    who, next_ = await stage.member((300, "-")), await stage.member((300, "-"))
    done = await stage.redeem(who, film)
    with pytest.raises(SoldOut):
        await stage.redeem(next_, film)
    await undo(stage, who, done.redemption.id)
    assert await stage.available(who) == 300
    with pytest.raises(VoucherTakenBack):
        await reveal(stage, who, done.redemption.id)
    again = await stage.redeem(next_, film)
    assert (await reveal(stage, next_, again.redemption.id))[1] == "ONE"


async def test_the_last_code_goes_to_exactly_one_and_a_hand_that_opens_again_is_waited_for(stage: Stage) -> None:
    await brings(stage, "ONE")
    [film] = await stage.publish(FILM)
    people = [await stage.member((300, "-")) for _ in range(8)]
    outcomes = await asyncio.gather(*(stage.redeem(p, film) for p in people), return_exceptions=True)
    assert Counter(type(o) for o in outcomes) == {Redeemed: 1, SoldOut: 7}
    assert sorted([await stage.available(p) for p in people]) == [0] + [300] * 7

    await brings(stage, "TWO")
    late = await stage.member((300, "-"))
    async with stage.engine.connect() as tx:
        await stage.redeem_in(tx, people[0] if await stage.available(people[0]) else people[1], film)
        waits = asyncio.create_task(stage.redeem(late, film))
        await asyncio.sleep(0.2)
        assert not waits.done()
        await tx.rollback()
    assert isinstance(await waits, Redeemed)


async def test_shown_and_taken_back_at_once_one_of_the_two_happens(stage: Stage) -> None:
    await brings(stage, *(f"K{n}" for n in range(6)))
    [film] = await stage.publish(FILM)
    for _ in range(6):
        who = await stage.member((300, "-"))
        done = (await stage.redeem(who, film)).redemption
        seen, back = await asyncio.gather(
            reveal(stage, who, done.id), undo(stage, who, done.id), return_exceptions=True
        )
        assert isinstance(seen, tuple) != isinstance(back, Redemption)
        assert isinstance(back, Redemption | VoucherUsed) and isinstance(seen, tuple | VoucherTakenBack)
        assert await stage.available(who) == (0 if isinstance(seen, tuple) else 300)


TABLE = {
    # event:      unseen                 shown               taken back                 ended
    "undo": ("→ taken_back", "voucher_used", "-", "voucher_expired"),
    "undo late": ("undo_over", "voucher_used", "-", "voucher_expired"),
    "reveal": ("→ used", "-", "voucher_taken_back", "voucher_expired"),
    "use": ("-", "-", "-", "-"),
    "night": ("-", "-", "-", "-"),
    "end": ("→ expired", "-", "-", "-"),
}


@pytest.mark.parametrize("event", TABLE)
async def test_every_event_in_every_state_of_a_partner_code(stage: Stage, event: str) -> None:
    await brings(stage, *(f"K{n}" for n in range(4)))
    [film] = await stage.publish(FILM)
    staff = await stage.staff("fruit")
    for state, expected in zip(("issued", "used", "taken_back", "expired"), TABLE[event], strict=True):
        who = await stage.member((300, "2027-11-30"))
        done = await stage.redeem(who, film)
        number = done.redemption.id
        async with stage.engine.begin() as tx:
            if state == "used":
                await handover.reveal(tx, who, number, vault=stage.vault, at=at())
            elif state == "taken_back":
                await redemptions.undo(tx, who.id, number, grace_days=30, at=at(), actor="test")
            elif state == "expired":
                await tx.execute(
                    text("UPDATE redemption SET state = 'expired', ended_at = :now, valid_until = :on WHERE id = :id"),
                    {"id": number, "now": NOW, "on": TODAY - dt.timedelta(days=1)},
                )
        said = "-"
        try:
            async with stage.engine.begin() as tx:
                if event.startswith("undo"):
                    moment = at(minutes=11 if event == "undo late" else 5)
                    await redemptions.undo(tx, who.id, number, grace_days=30, at=moment, actor="test")
                elif event == "reveal":
                    await handover.reveal(tx, who, number, vault=stage.vault, at=at(minutes=5))
                elif event == "use":
                    answer = await counter.use(tx, staff, "K0", vault=stage.vault, at=at(minutes=5))
                    assert isinstance(answer, Refusal)
                else:
                    await lapse(tx, at=at(days=40 if event == "end" else 1), grace_days=30)
        except Refusal as no:
            said = no.code
        async with stage.engine.begin() as tx:
            after = (await vouchers.one(tx, who.id, number)).state
            assert not (await audit(tx)).violations
        assert (f"→ {after}" if after != state else said) == expected, state


async def test_what_nobody_looked_at_ends_like_any_voucher_and_a_code_that_is_still_good_is_free_again(
    stage: Stage,
) -> None:
    await brings(stage, "ENDLESS")
    [film] = await stage.publish(FILM.model_copy(update={"validity_days": 3}))
    who = await stage.member((300, "-"))
    done = (await stage.redeem(who, film)).redemption
    with pytest.raises(VoucherExpired):
        await reveal(stage, who, done.id, days=4)
    async with stage.engine.begin() as tx:
        assert len(await lapse(tx, at=at(days=4), grace_days=30)) == 1
    assert await stage.available(who) == 300
    assert (await stage.redeem(who, film, when=at(days=4))).redemption.state == "issued"


async def test_who_may_only_look_does_not_use_it_up_and_nobody_sees_anothers(stage: Stage) -> None:
    await brings(stage, "ONE")
    [film] = await stage.publish(FILM)
    who = await stage.member((300, "-"))
    done = (await stage.redeem(who, film)).redemption
    with pytest.raises(MemberMayNotSpend):
        await reveal(stage, Member(who.id, "viewing"), done.id)
    with pytest.raises(vouchers.NoSuchRedemption):
        await reveal(stage, await stage.member(), done.id)
    assert (await reveal(stage, who, done.id))[1] == "ONE"
    assert (await reveal(stage, Member(who.id, "viewing"), done.id))[1] == "ONE"


async def test_a_counter_never_sees_what_is_handed_over_in_the_chat(stage: Stage) -> None:
    await brings(stage, "ONE")
    [film] = await stage.publish(FILM)
    who, staff = await stage.member((300, "-")), await stage.staff("fruit")
    done = await stage.redeem(who, film)
    await reveal(stage, who, done.redemption.id)
    async with stage.engine.begin() as tx:
        assert isinstance(await counter.verify(tx, staff, "ONE", vault=stage.vault, at=at()), counter.CodeMistyped)
        assert await counter.used_count(tx, stage.merchants["fruit"].id, since=NOW) == 0


async def test_codes_that_are_over_are_none_and_lists_say_so(stage: Stage) -> None:
    await brings(stage, "SOON", until=TODAY)
    [film, box] = await stage.publish(FILM, offer("box", "盒", "Box", "fruit", per_unit(10)))
    who = await stage.member((300, "-"))
    assert isinstance(await judged(stage, who, film), Yes)
    assert [each.may for each in await agrees(stage, who, [film, box], TODAY)] == [True, True]
    tomorrow = await judged(stage, who, film, days=1)
    assert isinstance(tomorrow, No) and isinstance(tomorrow.reasons[0], SoldOut)
    mine = await agrees(stage, who, [film, box], TODAY + dt.timedelta(days=1))
    assert {each.listed.id: each.may for each in mine} == {film: False, box: True}


@settings(max_examples=25, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(
    st.lists(st.tuples(st.sampled_from(["a", "b"]), st.none() | st.integers(-2, 3)), max_size=4),
    st.lists(st.sampled_from(["a", "b"]), max_size=3),
    st.integers(0, 3),
    st.sampled_from([0, 500]),
    st.sampled_from(["none", "bought", "earned", "higher"]),
)
async def test_lists_of_what_is_handed_over_in_the_chat_say_what_redeeming_says(
    stage: Stage, codes: list[tuple[str, int | None]], taken: list[str], ahead: int, points: int, stands: str
) -> None:
    async with stage.engine.begin() as tx:
        for table in ("offer", "offer_version", "partner_code", "code_pool", "redemption", "programme", "tier_grant"):
            await tx.execute(text(f"DELETE FROM {table}"))
    await programme(stage)
    today = TODAY + dt.timedelta(days=ahead)
    for number, (pool, days) in enumerate([*codes, ("a", -9), ("b", -9)]):
        until = None if days is None else TODAY + dt.timedelta(days=days)
        await brings(stage, f"K{number}", until=until, pool=pool)
    ids = await stage.publish(
        FILM.model_copy(update={"code": "pool-a", "pool": "a"}),
        FILM.model_copy(update={"code": "pool-b", "pool": "b", "limits": Limits(member_ever=1)}),
        VIP,
        TREE,
    )
    who, other = await stage.member(*([(points, "-")] if points else [])), await stage.member((9000, "-"))
    for pool in taken:
        try:
            await stage.redeem(other, ids[("a", "b").index(pool)], when=at(days=ahead))
        except Refusal as no:
            assert no.code in ("sold_out", "member_had_all")
    await stood(stage, who, stands)
    await agrees(stage, who, ids, today)
    await agrees(stage, other, ids, today)


async def stood(stage: Stage, who: Member, how: str) -> None:
    """Where a member stands before they buy."""
    async with stage.engine.begin() as tx:
        if how == "earned":
            await tx.execute(
                text("INSERT INTO tier_standing (member_id, tier, since, until) VALUES (:id, 'vip', :on, NULL)"),
                {"id": who.id, "on": TODAY},
            )
        elif how != "none":
            facts = {"id": who.id, "key": f"grant:{who.id}", "on": TODAY, "until": TODAY + dt.timedelta(days=10)}
            await tx.execute(
                text(
                    "INSERT INTO tier_grant (key, member_id, tier, granted_on, until, reason, actor)"
                    " VALUES (:key, :id, :tier, :on, :until, 'bought', 'test')"
                ),
                {**facts, "tier": "vip" if how == "bought" else "black"},
            )


async def test_a_membership_is_in_force_at_once_and_more_days_go_after_the_end(stage: Stage) -> None:
    await programme(stage)
    [vip] = await stage.publish(VIP)
    who = await stage.member((1500, "-"))
    first = await stage.redeem(who, vip)
    voucher = first.redemption
    assert (voucher.state, voucher.valid_until, first.available) == ("used", TODAY + dt.timedelta(days=30), 1000)
    async with stage.engine.begin() as tx:
        assert await tx.scalar(text("SELECT tier FROM member WHERE id = :id"), {"id": who.id}) == "vip"
    second = await stage.redeem(who, vip, when=at(days=10))
    assert second.redemption.valid_until == TODAY + dt.timedelta(days=60)
    with pytest.raises(VoucherUsed):
        await undo(stage, who, voucher.id)
    assert await settled(stage) == [("used", 500), ("used", 500)]
    async with stage.engine.begin() as tx:
        assert [each.why for each in await standings.history(tx, who.id)] == ["extended", "granted"]


async def test_two_taps_on_one_membership_are_one_and_two_buttons_are_two(stage: Stage) -> None:
    await programme(stage)
    [vip] = await stage.publish(VIP)
    who = await stage.member((1500, "-"))
    same = await asyncio.gather(*(stage.redeem(who, vip, nonce="same") for _ in range(4)))
    assert {each.redemption.id for each in same} == {same[0].redemption.id} and await stage.available(who) == 1000
    await asyncio.gather(stage.redeem(who, vip), stage.redeem(who, vip))
    async with stage.engine.begin() as tx:
        ends = await tx.scalar(text("SELECT max(until) FROM tier_grant WHERE member_id = :id"), {"id": who.id})
    assert (ends, await stage.available(who)) == (TODAY + dt.timedelta(days=90), 0)


@pytest.mark.parametrize("how", ["earned", "higher"])
async def test_who_has_it_anyway_is_refused_before_anything_is_spent(stage: Stage, how: str) -> None:
    await programme(stage)
    [vip] = await stage.publish(VIP)
    who = await stage.member((500, "-"))
    await stood(stage, who, how)
    with pytest.raises(MembershipHeld):
        await stage.redeem(who, vip)
    assert await stage.available(who) == 500


async def test_a_company_has_no_tier_to_buy(stage: Stage) -> None:
    await programme(stage)
    [vip] = await stage.publish(VIP)
    firm = await stage.member((500, "-"))
    async with stage.engine.begin() as tx:
        await tx.execute(text("UPDATE member SET kind = 'company' WHERE id = :id"), {"id": firm.id})
    no = await judged(stage, firm, vip)
    assert isinstance(no, No) and [each.facts["personal"] for each in no.reasons] == [False]


async def test_a_donation_is_given_at_once_settles_and_stays_given(stage: Stage) -> None:
    [tree] = await stage.publish(TREE)
    who = await stage.member((3500, "-"))
    done = await stage.redeem(who, tree, 3)
    assert (done.redemption.state, done.redemption.units, done.available) == ("used", 3, 500)
    assert await settled(stage) == [("used", 3000)]
    with pytest.raises(VoucherUsed):
        await undo(stage, who, done.redemption.id)
    async with stage.engine.begin() as tx:
        assert await lapse(tx, at=at(days=400), grace_days=30) == []
        assert not (await audit(tx)).violations


async def test_webhooks_tell_what_was_handed_over_once(stage: Stage) -> None:
    await brings(stage, "ONE")
    [film, tree] = await stage.publish(FILM, TREE)
    async with stage.engine.begin() as tx:
        for merchant in ("fruit", "market"):
            await tx.execute(
                text(
                    "INSERT INTO webhook (merchant_id, url, generation, made_by, made_at)"
                    " VALUES (:id, 'https://x.example', 1, 'test', :now)"
                ),
                {"id": stage.merchants[merchant].id, "now": NOW},
            )
    who = await stage.member((1300, "-"))
    done = (await stage.redeem(who, film)).redemption
    await stage.redeem(who, tree)
    for _ in range(2):
        await reveal(stage, who, done.id)
    async with stage.engine.begin() as tx:
        told = list(await tx.scalars(text("SELECT body FROM webhook_event ORDER BY id")))
    assert [json.loads(each)["data"]["offer"] for each in told] == ["tree", "film"]
    assert all(json.loads(each)["data"]["till"] is None and "ONE" not in each for each in told)


async def test_what_a_document_names_is_the_programmes_and_the_merchants_own(stage: Stage) -> None:
    await programme(stage)
    await brings(stage, "ONE")
    for wrong, why in (
        (FILM.model_copy(update={"pool": "nowhere"}), NoSuchPool),
        (FILM.model_copy(update={"merchant": "market"}), NoSuchPool),
        (VIP.model_copy(update={"membership": Membership(tier="none", days=1)}), NoSuchTier),
        (VIP.model_copy(update={"merchant": "fruit"}), NotTheTierSeller),
        (TREE.model_copy(update={"green_class": "coal"}), NoSuchGreenClass),
    ):
        with pytest.raises(why):
            await stage.publish(wrong)
    await stage.publish(TREE.model_copy(update={"green_class": "cup"}))


@pytest.mark.parametrize(
    "wrong",
    [
        {"kind": "goods"},
        {"pool": None},
        {"membership": {"tier": "vip", "days": 3}},
        {"limits": {"stock": 3}},
        {"price": {"kind": "per_unit", "points": 3, "most_units": 2}},
        {"price": {"kind": "per_unit", "points": 3, "cash_minor": 20}},
    ],
)
def test_a_document_of_a_partner_code_says_what_one_can_be(wrong: dict[str, object]) -> None:
    with pytest.raises(ValidationError):
        Offer.model_validate({**FILM.model_dump(), **wrong})


def test_older_documents_stay_the_same_documents() -> None:
    box = offer("box", "盒", "Box", "fruit", per_yuan(50, 20, 4, 100))
    assert not {"pool", "membership", "does", "green_class"} & json.loads(box.model_dump_json()).keys()
