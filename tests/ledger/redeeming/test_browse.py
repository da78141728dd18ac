"""Lists decide thousands of offers at once; for any offers, members and moments they decide what `may_redeem` decides."""

from __future__ import annotations

import datetime as dt
import itertools
from dataclasses import replace

from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from sqlalchemy import text

from ledger.members.member import Member
from ledger.redeeming import shelf
from ledger.redeeming.browse import browse, decided, in_order, popularity
from ledger.redeeming.may_redeem import Facts, No, Yes, may_redeem
from ledger.redeeming.offers import Limits, Offer, PerUnit
from ledger.redeeming.on_shelf import Found, OnShelf, on_shelf
from ledger.redeeming.publish import set_active
from ledger.redeeming.reach import hidden
from ledger.redeeming.shelf import Seen
from ledger.redeeming.stock import WHOLE
from ledger.redeeming.who import Traits, Who
from ledger.redeeming.windows import Span, When
from tests.ledger.members.homes import family_of
from tests.ledger.redeeming.stage import NOW, RAIL, TODAY, Stage, at, offer, per_unit, per_yuan
from tests.ledger.redeeming.test_listed_is_had import somebody, with_programme
from tests.ledger.redeeming.test_may_redeem import on_shelf as listed
from tests.ledger.redeeming.test_price_rules import FIRST, TRAITS, documents, special

_numbers = itertools.count(1)
PIECES = st.none() | st.integers(1, 2)
LIMITS = st.builds(
    Limits,
    member_day=PIECES,
    member_month=PIECES,
    member_ever=PIECES,
    household_day=PIECES,
    household_month=PIECES,
    household_ever=PIECES,
    day=PIECES,
    stock=st.none() | st.integers(0, 2),
)


@st.composite
def offers(draw: st.DrawFn) -> Offer:
    """Any offer with any rules and limits; some have neither, or are priced by money."""
    kind = draw(st.integers(0, 3))
    if kind == 0:
        document = offer("any", "物", "Thing", "fruit", per_unit(draw(st.integers(1, 900)), most=3))
    elif kind == 1:
        document = offer("any", "券", "Voucher", "market", per_yuan(draw(st.integers(1, 90)), 2, 1, 9))
    else:
        document = draw(documents())
    return document.model_copy(update={"limits": draw(LIMITS)}) if draw(st.booleans()) else document


def limited() -> st.SearchStrategy[Offer]:
    """Offers with limits and nothing else."""
    return LIMITS.map(lambda limits: offer("any", "物", "Thing", "fruit", per_unit(10), limits=limits))


def plain(verdict: Yes | No) -> tuple[object, ...]:
    """All that an answer says, so that two of them can be compared."""
    if isinstance(verdict, Yes):
        return "yes", verdict.quote, verdict.most, verdict.priced
    return "no", verdict.quote, verdict.priced, [(type(no), no.facts) for no in verdict.reasons]


@settings(max_examples=300, deadline=None)
@given(
    st.lists(offers(), min_size=1, max_size=6),
    st.lists(st.tuples(TRAITS, st.integers(0, 45)), min_size=1, max_size=5),
    st.integers(0, 1000),
    st.booleans(),
)
def test_one_shelf_answers_every_kind_of_member_on_any_day_as_may_redeem_does(
    shelved: list[Offer], asking: list[tuple[Traits, int]], points: int, spending: bool
) -> None:
    placed = {number: listed(document, id=number) for number, document in enumerate(shelved)}
    stands = OnShelf(placed.values())
    for who, ahead in asking * 2:  # the second time from what was kept
        today = FIRST + dt.timedelta(days=ahead)
        shelves = stands.found_by(who, today)
        there = {id_: one for id_, one in placed.items() if not hidden(one.offer, who, today)}
        facts = Facts(spending=spending, available=points, traits=who)
        verdicts = {id_: may_redeem(one, facts, today=today) for id_, one in there.items()}
        can, cannot = decided(shelves, {1: points}, spending=spending, barred=set())
        assert [each.listed.id for each in can + cannot] == nearest_first(verdicts, points)
        for found in can + cannot:
            verdict = verdicts[found.listed.id]
            assert found.may == (found in can) == isinstance(verdict, Yes)
            assert verdict.quote is not None and found.points == verdict.quote.points


def nearest_first(verdicts: dict[int, Yes | No], points: int) -> list[int]:
    """Offer ids, those that may be had first, then by what is lacking, by price, and by id."""

    def near(id_: int) -> tuple[bool, int, int, int]:
        verdict = verdicts[id_]
        assert verdict.quote is not None
        costs = verdict.quote.points
        return isinstance(verdict, No), max(0, costs - points), costs, id_

    return sorted(verdicts, key=near)


async def agrees(stage: Stage, member: Member, ids: list[int], today: dt.date, now: dt.datetime = NOW) -> list[Found]:
    """That the list decides of these offers what each is judged alone, and that a page says all that one judged alone says."""
    async with stage.engine.begin() as tx:
        held = await shelf.purse(tx, member, today=today)
        found = await browse(tx, member, today=today, held=held, now=now)
        mine = [each for each in found.found if each.listed.id in ids]
        told = await found.told(tx, mine)
        alone: dict[int, Seen] = {
            each.listed.id: await shelf.judged(tx, member, each.listed.id, today=today, now=now) for each in mine
        }
        there = await shelf.by_ids(tx, ids)
        shown = shelf.shown(await shelf.look(tx, member, there, today=today, held=held, now=now), today)
    assert {each.listed.id for each in mine} == {each.listed.id for each in shown}
    for each, seen in zip(mine, told, strict=True):
        one = alone[each.listed.id]
        assert each.listed == one.listed == seen.listed
        assert plain(one.verdict) == plain(seen.verdict)
        assert each.may == isinstance(one.verdict, Yes)
        assert one.verdict.quote is not None and each.points == one.verdict.quote.points
    can = {id_ for id_, seen in alone.items() if isinstance(seen.verdict, Yes)}
    assert {each.listed.id for each in found.affordable()} & set(ids) == can
    return mine


@settings(max_examples=50, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(
    st.lists(offers() | limited(), min_size=1, max_size=5),
    TRAITS,
    st.integers(0, 1000) | st.just(9000),
    st.integers(0, 45),
    st.lists(
        st.tuples(
            st.integers(0, 4),
            st.booleans(),
            st.just(0) | st.integers(0, 40),
            st.sampled_from(["issued", "held", "let_go"]),
        ),
        min_size=2,
        max_size=8,
    ),
    st.sampled_from(["active", "active", "active", "frozen", "viewing"]),
    st.booleans(),
)
async def test_whatever_was_had_and_is_gone_the_list_decides_as_redeeming_does(
    stage: Stage,
    shelved: list[Offer],
    who: Traits,
    points: int,
    ahead: int,
    had: list[tuple[int, bool, int, str]],
    status: str,
    of_one_family: bool,
) -> None:
    await with_programme(stage)
    ids = await stage.publish(*(each.model_copy(update={"code": f"any-{next(_numbers)}"}) for each in shelved))
    today = FIRST + dt.timedelta(days=ahead)
    member, other = await somebody(stage, who, points), await stage.member()
    async with stage.engine.begin() as tx:
        if of_one_family:
            await family_of(tx, other.id, member.id, at=at())
        for (
            which,
            mine,
            ago,
            state,
        ) in had:  # as if they had been redeemed, or held: by this member, or by somebody else
            offer_id, document = ids[which % len(ids)], shelved[which % len(ids)]
            on = today - dt.timedelta(days=ago)
            number = next(_numbers)
            await tx.execute(
                text(
                    "INSERT INTO redemption (member_id, nonce, offer_id, offer_version, merchant_id, currency_id, points,"
                    " value_minor, code_index, state, entry_id, issued_at, issued_on, undo_until, valid_until, cash_minor,"
                    " hold_id, held_until)"
                    " VALUES (:member, :nonce, :offer, 1, 1, 1, 1, 0, :index, :state, 1, :now, :on, :now, :on, :cash, :hold,"
                    " :until)"
                ),
                {"member": member.id if mine else other.id, "nonce": f"had-{number}", "offer": offer_id,
                 "index": f"had-{number}".encode(), "now": NOW, "on": on, "state": state,
                 **({"cash": 100, "hold": 1, "until": NOW} if state != "issued" else {"cash": 0, "hold": None, "until": None})},
            )  # fmt: skip
            for day, limit in ((WHOLE, document.limits.stock), (on, document.limits.day)):
                if limit:
                    await tx.execute(
                        text(
                            "INSERT INTO offer_stock (offer_id, day, taken, handed, limit_to) VALUES (:id, :day, 1, 1, :limit)"
                            " ON CONFLICT (offer_id, day) DO UPDATE SET taken = least(offer_stock.taken + 1, :limit),"
                            " handed = offer_stock.handed + 1"
                        ),
                        {"id": offer_id, "day": day, "limit": limit},
                    )
    await agrees(stage, replace(member, status=status), ids, today)


async def test_a_change_of_the_shelf_is_seen_at_once_and_what_was_rolled_back_never_was(stage: Stage) -> None:
    box = offer("box", "礼盒", "Box", "fruit", per_unit(500))
    [first] = await stage.publish(box)
    member = await stage.member((600, "-"))

    async def prices() -> dict[int, int]:
        return {each.listed.id: each.points for each in await agrees(stage, member, [first], TODAY)}

    assert await prices() == {first: 500}
    await stage.publish(box.model_copy(update={"price": per_unit(550)}))
    assert await prices() == {first: 550}
    async with stage.engine.connect() as tx:
        await tx.execute(text("UPDATE offer SET document = jsonb_set(document, '{price,points}', '1')"))
        assert [each.points for each in (await browse(tx, member, today=TODAY, held=[])).found] == [1]
        await tx.rollback()
    assert await prices() == {first: 550}
    async with stage.engine.begin() as tx:
        await set_active(tx, first, False)
    assert await prices() == {}
    async with stage.engine.begin() as tx:
        await set_active(tx, first, True)
        await tx.execute(text("UPDATE merchant SET name_zh = '新名字' WHERE code = 'fruit'"))
    assert [each.listed.merchant.zh for each in await agrees(stage, member, [first], TODAY)] == ["新名字"]
    async with stage.engine.begin() as tx:
        await tx.execute(text("UPDATE currency SET name_zh = '新积分' WHERE id = 1"))
    assert [each.listed.currency.zh for each in await agrees(stage, member, [first], TODAY)] == ["新积分"]
    async with stage.engine.begin() as tx:
        await tx.execute(text("UPDATE merchant SET status = 'closed' WHERE code = 'fruit'"))
    assert await prices() == {}


async def test_what_has_not_changed_is_not_read_again(stage: Stage) -> None:
    kept, changed = await stage.publish(
        offer("kept", "留", "Kept", "fruit", per_unit(5)), offer("changed", "改", "Changed", "market", per_unit(5))
    )
    async with stage.engine.begin() as tx:
        before = await on_shelf(tx)
        assert await on_shelf(tx) is before
    await stage.publish(offer("changed", "改", "Changed", "market", per_unit(6)))
    async with stage.engine.begin() as tx:
        after = await on_shelf(tx)
    assert after.offers[kept] is before.offers[kept]
    assert (after.offers[changed].version, before.offers[changed].version) == (2, 1)


async def test_what_is_held_until_its_cash_is_paid_counts_as_had(stage: Stage) -> None:
    price = PerUnit(points=100, value_minor=1200, cash_minor=1000, most_units=1)
    [box] = await stage.publish(offer("box", "盒", "Box", "fruit", price, limits=Limits(member_ever=1)))
    member = await stage.member((900, "-"))
    for expected in ([box], []):
        async with stage.engine.begin() as tx:
            found = await browse(tx, member, today=TODAY, held=await shelf.purse(tx, member, today=TODAY))
            assert [each.listed.id for each in found.affordable()] == expected
        if expected:
            assert (await stage.redeem(member, box)).redemption.state == "held"


async def test_no_list_leaves_out_what_lies_behind_the_first_hundreds(stage: Stage) -> None:
    await stage.publish(*(offer(f"o-{n}", f"物{n}", f"T{n}", "fruit", per_unit(n + 1)) for n in range(620)))
    member = await stage.member((600, "-"))
    async with stage.engine.begin() as tx:
        held = await shelf.purse(tx, member, today=TODAY)
        found = await browse(tx, member, today=TODAY, held=held)
        last = in_order(found.of_category("other"), "near", today=TODAY)[-1]
        assert (len(found.of_category("other")), len(found.affordable()), last.points) == (620, 600, 620)
        [seen] = await found.told(tx, [last])
        assert isinstance(seen.verdict, No) and seen.facts.available == 600


async def test_the_orders_of_a_list(stage: Stage) -> None:
    season = special("旺季价", per_unit(300), until="2026-11-30")
    gold = special("金卡价", per_unit(10), who={"tiers": ["gold"]}, until="2026-11-25")
    await with_programme(stage)
    dear, sale, closing, far, closed, own = await stage.publish(
        offer("dear", "贵", "Dear", "fruit", per_unit(400)),
        offer("sale", "季", "Sale", "fruit", per_unit(500), specials=(season, gold)),
        offer("closing", "末", "Closing", "market", per_unit(900), on_shelf=When(until=dt.date(2026, 11, 22))),
        offer("far", "远", "Far", "market", per_unit(100), on_shelf=When(until=dt.date(2027, 5, 1))),
        offer("closed", "歇", "Closed", "market", per_unit(50), on_shelf=When(until=dt.date(2026, 12, 1)),
              blackout=(Span(from_on=TODAY, until=TODAY),)),
        offer("own", "票", "Ticket", "rail", per_unit(5), currency="rail", who=Who(tiers=("plain",))),
    )  # fmt: skip
    member = await stage.member((400, "-"))
    async with stage.engine.begin() as tx:
        await stage.give(tx, member, (10, "-"), currency=RAIL, issuer="rail")
    for _ in range(2):
        await stage.redeem(await stage.member((900, "-")), dear)
    undone = await stage.redeem(member, far)
    await stage.redeem(await stage.member((900, "-")), closing, when=at())
    async with stage.engine.begin() as tx:
        await tx.execute(
            text("UPDATE redemption SET state = 'taken_back' WHERE id = :id"), {"id": undone.redemption.id}
        )
        await stage.give(tx, member, (100, "-"))
        held = await shelf.purse(tx, member, today=TODAY)
        found = (await browse(tx, member, today=TODAY, held=held)).found
        popular = await popularity(tx, today=TODAY)
        assert popular == {dear: 2, closing: 1}
        assert await popularity(tx, today=TODAY + dt.timedelta(days=30)) == {}

        def order(name: str, **weights: dict[int, int]) -> list[int]:
            return [each.listed.id for each in in_order(found, name, today=TODAY, **weights)]  # type: ignore[arg-type]

        assert order("near") == [own, far, sale, dear, closed, closing]
        assert order("ending") == [closing, sale]
        assert order("new") == [own, closed, far, closing, sale, dear]
        assert order("popular", weights=popular) == [dear, closing, own, far, sale, closed]
        assert order("green", weights={closing: 7, far: 0, closed: 0}) == [closing, far, closed, own, sale, dear]
