"""The cash part of a redemption on the real database: every state beside every event, and who is first where several come at once.

After every cell and every race points, pieces and cash must tell one story (`story`): what the state says is out is out, what came
back is whole, each payment captured or goes back, none does both unless the voucher itself went back.
"""

from __future__ import annotations

import asyncio
import dataclasses
import datetime as dt
import itertools
from collections import Counter
from collections.abc import Awaitable, Callable
from dataclasses import dataclass

import pytest
from pydantic import ValidationError
from sqlalchemy import text
from sqlalchemy.ext.asyncio import AsyncConnection

from ledger.errors import Refusal
from ledger.members.member import Member
from ledger.merchants.staff import Staff
from ledger.points.audit import audit
from ledger.points.commands import Moment
from ledger.redeeming import (
    cash,
    cash_refunds,
    codes,
    counter,
    redemptions,
    return_answers,
    return_claims,
    return_requests,
    shelf,
    vouchers,
)
from ledger.redeeming.in_force import in_force
from ledger.redeeming.lapses import lapse
from ledger.redeeming.may_redeem import MemberHadAll, SoldOut
from ledger.redeeming.offers import Limits, Names, Offer, PerUnit, Special
from ledger.redeeming.redemptions import OfferChanged, Redeemed
from ledger.redeeming.who import NOBODY
from ledger.redeeming.windows import When
from tests.ledger.redeeming.stage import NOW, TODAY, Stage, at, entropy, offer

PRICE = PerUnit(points=400, value_minor=3000, cash_minor=1000, most_units=3)
BOX = offer("box", "进口水果礼盒", "Imported fruit box", "fruit", PRICE, limits=Limits(stock=3))

LOTS = ((300, "2027-11-30"), (200, "2027-12-31"))

_numbers = itertools.count(1)


@dataclass
class Case:
    """One redemption of 400 points + ¥10 by somebody who had 500, and the till of its merchant."""

    stage: Stage
    who: Member
    till: Staff
    offer_id: int
    done: Redeemed

    @property
    def id(self) -> int:
        return self.done.redemption.id

    async def state(self) -> str:
        async with self.stage.engine.begin() as tx:
            return (await vouchers.one(tx, self.who.id, self.id)).state


async def begin(stage: Stage, till: Staff | None = None, lots: tuple[tuple[int, str], ...] = LOTS) -> Case:
    """A fresh offer, a fresh member, and the points on hold."""
    [offer_id] = await stage.publish(BOX.model_copy(update={"code": f"box-{next(_numbers)}"}))
    who = await stage.member(*lots)
    done = await stage.redeem(who, offer_id, nonce="first")
    return Case(stage, who, till or await stage.staff("fruit"), offer_id, done)


# -- events: each in a transaction of its own, at a moment


async def let_go(case: Case, tx: AsyncConnection, now: Moment) -> object:
    return await cash.let_go(tx, case.who.id, case.id, grace_days=30, at=now, actor="test")


async def undo(case: Case, tx: AsyncConnection, now: Moment) -> object:
    return await redemptions.undo(tx, case.who.id, case.id, grace_days=30, at=now, actor="test")


async def confirm(case: Case, tx: AsyncConnection, now: Moment) -> object:
    return await case.stage.redeem_in(tx, case.who, case.offer_id, nonce="first", when=now)


async def collect(case: Case, tx: AsyncConnection, now: Moment, *, hand_over: bool = True) -> object:
    vault, code = case.stage.vault, case.done.code
    return await cash.collect(tx, case.till, code, hand_over=hand_over, undo_minutes=10, vault=vault, at=now)


async def collect_only(case: Case, tx: AsyncConnection, now: Moment) -> object:
    return await collect(case, tx, now, hand_over=False)


async def use(case: Case, tx: AsyncConnection, now: Moment) -> object:
    return await counter.use(tx, case.till, case.done.code, vault=case.stage.vault, at=now)


async def checkout(case: Case, tx: AsyncConnection, now: Moment) -> object:
    return await cash.checkout(tx, case.who.id, case.id, minor=1000, money="CNY", at=now)


async def paid(case: Case, tx: AsyncConnection, now: Moment, minor: int = 1000, charge: str = "") -> object:
    charge = charge or str(next(_numbers))
    return await cash.arrived(
        tx,
        case.id,
        minor=minor,
        money="CNY",
        telegram_charge=f"tg{charge}",
        provider_charge=f"pr{charge}",
        undo_minutes=10,
        at=now,
        actor="test",
    )


async def paid_other(case: Case, tx: AsyncConnection, now: Moment) -> object:
    return await paid(case, tx, now, 999)


async def hold_ends(case: Case, tx: AsyncConnection, now: Moment) -> object:
    return await cash.lapse_unpaid(tx, at=now, grace_days=30)


async def life_ends(case: Case, tx: AsyncConnection, now: Moment) -> object:
    return await lapse(tx, at=at(days=40), grace_days=30)


async def comes_back(case: Case, tx: AsyncConnection, now: Moment) -> object:
    mine = await _claimed(case, tx, now)
    owner = dataclasses.replace(case.till, role="owner")
    return await return_answers.grant(tx, owner, mine.id, goods="back", grace_days=30, at=now)


async def is_exchanged(case: Case, tx: AsyncConnection, now: Moment) -> object:
    mine, owner = await _claimed(case, tx, now), dataclasses.replace(case.till, role="owner")
    code, vault = codes.mint(entropy(24)), case.stage.vault
    return await return_answers.exchange(tx, owner, mine.id, goods="back", code=code, vault=vault, at=now)


async def _claimed(case: Case, tx: AsyncConnection, now: Moment) -> return_claims.Claim:
    shot = return_claims.Shot("photo-1", "p1")
    return await return_requests.claim(
        tx,
        case.who.id,
        case.id,
        reason="faulty",
        wants="points",
        words="",
        photos=[shot],
        vault=case.stage.vault,
        at=now,
        actor="test",
    )


Event = Callable[[Case, AsyncConnection, Moment], Awaitable[object]]

EVENTS: dict[str, Event] = {
    "confirm": confirm,
    "let_go": let_go,
    "undo": undo,
    "checkout": checkout,
    "paid": paid,
    "paid_other": paid_other,
    "collect": collect,
    "collect_only": collect_only,
    "use": use,
    "hold_ends": hold_ends,
    "life_ends": life_ends,
}


async def happens(case: Case, event: Event, now: Moment) -> str:
    """What became of it: «→ state», «-» where nothing moved, or the refusal's code; «+ why» where a payment goes back."""
    before = await case.state()
    async with case.stage.engine.connect() as tx:
        try:
            answer = await event(case, tx, now)
            await tx.commit()
        except Refusal as no:
            answer = no
            await tx.rollback()
    after = await case.state()
    if isinstance(answer, Refusal):
        assert after == before
        return answer.code
    moved = "-" if after == before else f"→ {after}"
    return f"{moved} + {answer.back}" if isinstance(answer, cash.Arrived) and answer.back else moved


# -- states: how each is reached, and when its events come

IN_TIME, LATE = at(minutes=1), at(days=2, minutes=1)
WAYS: dict[str, tuple[list[tuple[Event, Moment]], Moment]] = {
    "held": ([], IN_TIME),
    "held, its time over": ([], LATE),
    "issued": ([(paid, IN_TIME)], at(minutes=2)),
    "issued, the undo window over": ([(collect_only, IN_TIME)], at(minutes=12)),
    "used": ([(collect, IN_TIME)], at(minutes=2)),
    "taken_back": ([(paid, IN_TIME), (undo, at(minutes=2))], at(minutes=3)),
    "expired": ([(paid, IN_TIME), (life_ends, IN_TIME)], at(days=40)),
    "let_go": ([(let_go, IN_TIME)], at(minutes=2)),
    "lapsed": ([(hold_ends, LATE)], at(days=2, minutes=2)),
    "returned": ([(collect, IN_TIME), (comes_back, at(minutes=2))], at(minutes=3)),
    "exchanged": ([(collect, IN_TIME), (is_exchanged, at(minutes=2))], at(minutes=3)),
}

TABLE = """
                              confirm let_go             undo               checkout           paid             paid_other       collect            collect_only       use                hold_ends life_ends
held                          -       →let_go            cash_due           -                  →issued          -+other_amount   →used              →issued            cash_due           -         -
held, its time over           -       →let_go            cash_due           hold_over          →issued          -+other_amount   hold_over          hold_over          hold_over          →lapsed   -
issued                        -       cash_paid          →taken_back        cash_paid          -+paid_already   -+paid_already   cash_paid          cash_paid          →used              -         →expired
issued, the undo window over  -       cash_paid          undo_over          cash_paid          -+paid_already   -+paid_already   -                  -                  →used              -         →expired
used                          -       voucher_used       voucher_used       voucher_used       -+paid_already   -+paid_already   -                  -                  voucher_used       -         -
taken_back                    -       voucher_taken_back -                  voucher_taken_back -+paid_already   -+paid_already   voucher_taken_back voucher_taken_back voucher_taken_back -         -
expired                       -       voucher_expired    voucher_expired    voucher_expired    -+paid_already   -+paid_already   voucher_expired    voucher_expired    voucher_expired    -         -
let_go                        -       -                  voucher_let_go     voucher_let_go     -+let_go         -+let_go         voucher_let_go     voucher_let_go     voucher_let_go     -         -
lapsed                        -       hold_over          hold_over          hold_over          -+lapsed         -+lapsed         hold_over          hold_over          hold_over          -         -
returned                      -       voucher_returned   voucher_returned   voucher_returned   -+paid_already   -+paid_already   voucher_returned   voucher_returned   voucher_returned   -         -
exchanged                     -       voucher_returned   voucher_returned   voucher_returned   -+paid_already   -+paid_already   voucher_returned   voucher_returned   voucher_returned   -         -
"""  # noqa: E501


def expected(state: str) -> dict[str, str]:
    """A line of the table, by event."""
    head, *lines = TABLE.strip("\n").splitlines()
    [line] = [each for each in lines if each[:29].rstrip() == state]
    return dict(zip(head.split(), line[29:].split(), strict=True))


async def story(case: Case) -> None:
    """Points, pieces and cash say the same as the state."""
    async with case.stage.engine.begin() as tx:
        now = await vouchers.one(tx, case.who.id, case.id)
        [purse] = await shelf.purse(tx, case.who, today=TODAY)
        row = (
            await tx.execute(
                text(
                    "SELECT (SELECT taken FROM offer_stock WHERE offer_id = r.offer_id) AS taken,"
                    " (SELECT kind FROM entry WHERE id = r.entry_id AND owner_id = r.member_id) AS kind,"
                    " (SELECT count(*) FROM cash_payment p WHERE p.redemption_id = r.id) AS paid,"
                    " (SELECT count(*) FROM cash_payment p WHERE p.redemption_id = r.id AND p.captured) AS captured,"
                    " (SELECT count(*) FROM cash_refund c WHERE c.redemption_id = r.id) AS back,"
                    " EXISTS (SELECT FROM redemption x WHERE x.origin_id = r.id AND x.state = 'issued') AS replaced"
                    " FROM redemption r WHERE r.id = :id"
                ),
                {"id": case.id},
            )
        ).one()
        assert (await audit(tx)).violations == ()
    spent, held = now.state in ("issued", "used") or row.replaced, now.state == "held"
    assert (purse.available, purse.held) == ({True: 100, False: 500}[spent or held], 400 if held else 0)
    assert row.taken == int(spent or held)
    was_paid = now.state in ("issued", "used", "taken_back", "expired", "returned", "exchanged")
    assert row.captured == int(was_paid) and row.kind == ("burn" if was_paid else "hold")
    assert row.back == row.paid - int(spent)


@pytest.mark.parametrize("state", WAYS)
async def test_every_event_in_every_state_has_one_outcome(stage: Stage, state: str) -> None:
    steps, now = WAYS[state]
    till = await stage.staff("fruit")
    found = {}
    for name, event in EVENTS.items():
        case = await begin(stage, till)
        for step, moment in steps:
            if step is life_ends or step is hold_ends:
                await stage_only(case, step, moment)
            else:
                await happens(case, step, moment)
        await story(case)
        found[name] = (await happens(case, event, now)).replace(" ", "")
        await story(case)
    assert found == expected(state)


async def stage_only(case: Case, job: Event, moment: Moment) -> None:
    """A job's page ends whatever is due; here that is this case and what earlier cells left behind."""
    async with case.stage.engine.begin() as tx:
        await job(case, tx, moment)


async def test_there_is_a_cell_for_every_event_in_every_state() -> None:
    assert {len(expected(state)) for state in WAYS} == {len(EVENTS)} == {11}
    states = {state.partition(",")[0] for state in WAYS}
    assert states == set(vouchers.State.__args__)  # type: ignore[attr-defined]


# -- holding


async def test_confirming_holds_points_and_pieces_and_charges_nothing(stage: Stage) -> None:
    case = await begin(stage)
    held = case.done.redemption
    assert (held.state, held.points, held.cash_minor, held.money) == ("held", 400, 1000, "CNY")
    assert held.held_until == NOW + dt.timedelta(hours=48) and case.done.available == 100
    async with stage.engine.begin() as tx:
        seen = await counter.verify(tx, case.till, case.done.code, vault=stage.vault, at=at())
    assert isinstance(seen, vouchers.Redemption) and seen.state == "held" and not seen.usable(TODAY)
    assert dataclasses.replace(seen, code_box=None) == dataclasses.replace(held, code_box=None)
    await story(case)


async def test_what_is_held_counts_towards_limits_and_stock_and_comes_free_again(stage: Stage) -> None:
    limited = BOX.model_copy(update={"limits": Limits(stock=1, member_ever=1)})
    [box] = await stage.publish(limited)
    first, second = await stage.member((900, "-")), await stage.member((900, "-"))
    done = await stage.redeem(first, box)
    with pytest.raises(SoldOut):
        await stage.redeem(second, box)
    await stage.publish(limited.model_copy(update={"limits": Limits(stock=5, member_ever=1)}))
    assert await stage.taken(box) == {"0001-01-01": 1}
    with pytest.raises(MemberHadAll):
        await stage.redeem(first, box)
    async with stage.engine.begin() as tx:
        await cash.let_go(tx, first.id, done.redemption.id, grace_days=30, at=at(), actor="test")
    assert (await stage.redeem(first, box)).redemption.state == "held"


async def test_points_that_ran_out_while_they_were_held_come_back_for_a_grace_time(stage: Stage) -> None:
    case = await begin(stage, lots=((300, "2026-11-30"), (200, "2026-12-31")))
    async with stage.engine.begin() as tx:
        [over] = await cash.lapse_unpaid(tx, at=at(days=9), grace_days=30)
    assert over.state == "lapsed"
    assert await stage.schedule(case.who, at(days=9)) == [("2026-12-31", 500)]  # 300 live on for 30 days from the 1st


async def test_a_hold_lives_by_the_programmes_clock(stage: Stage) -> None:
    case = await begin(stage)
    moved = Moment(NOW + dt.timedelta(minutes=1), TODAY + dt.timedelta(days=2), ahead_days=2)
    assert await happens(case, collect, moved) == "hold_over"
    assert await happens(case, hold_ends, moved) == "→ lapsed"


async def test_a_checkout_lets_the_hold_outlast_the_payment(stage: Stage) -> None:
    case = await begin(stage)
    assert await happens(case, checkout, at(days=2, minutes=-1)) == "-"
    assert await happens(case, hold_ends, at(days=2, minutes=3)) == "-"
    assert await happens(case, hold_ends, at(days=2, minutes=4)) == "→ lapsed"


@pytest.mark.parametrize("wrong", [{"minor": 999}, {"money": "USD"}])
async def test_an_invoice_for_another_amount_or_money_is_not_let_through(
    stage: Stage, wrong: dict[str, object]
) -> None:
    case = await begin(stage)
    given = {"minor": 1000, "money": "CNY", **wrong}
    async with stage.engine.begin() as tx:
        with pytest.raises(cash.OtherAmount) as no:
            await cash.checkout(tx, case.who.id, case.id, at=at(), **given)  # type: ignore[arg-type]
        assert (no.value.minor, no.value.money) == (1000, "CNY")
        with pytest.raises(vouchers.NoSuchRedemption):
            await cash.checkout(tx, case.who.id + 1, case.id, minor=1000, money="CNY", at=at())


async def test_a_price_that_changed_its_cash_alone_asks_again(stage: Stage) -> None:
    [box] = await stage.publish(BOX)
    who = await stage.member((900, "-"))
    async with stage.engine.begin() as tx:
        with pytest.raises(OfferChanged):
            await redemptions.redeem(
                tx, who, box, amount=1, version=1, points=400, value_minor=3000, cash_minor=900, nonce="n", code="c",
                vault=stage.vault, undo_minutes=10, at=at(), actor="test",
            )  # fmt: skip


# -- money that comes


async def test_a_payment_heard_of_twice_or_under_one_of_its_numbers_captures_once(stage: Stage) -> None:
    case = await begin(stage)
    for n in range(3):
        async with stage.engine.begin() as tx:
            done = await paid(case, tx, at(minutes=n), charge="same")
        assert isinstance(done, cash.Arrived) and done.repeated == (n > 0) and done.back is None
    await story(case)
    async with stage.engine.begin() as tx:
        assert await cash_refunds.of(tx, case.id) == []


async def test_a_late_payment_heard_of_twice_goes_back_once(stage: Stage) -> None:
    case = await begin(stage)
    await happens(case, let_go, IN_TIME)
    for _ in range(3):
        async with stage.engine.begin() as tx:
            done = await paid(case, tx, at(minutes=5), charge="late")
        assert isinstance(done, cash.Arrived) and done.back == "let_go"
    async with stage.engine.begin() as tx:
        [task] = await cash_refunds.of(tx, case.id)
        assert (task.way, task.minor, task.money, task.why, task.done_at) == ("invoice", 1000, "CNY", "let_go", None)
        assert task.provider_charge == "prlate" and await cash_refunds.waiting(tx, None) == 1
        assert await cash_refunds.waiting(tx, case.till.merchant_id) == 0
    await story(case)


async def test_what_the_counter_took_the_counter_gives_back_once_and_by_name(stage: Stage) -> None:
    case = await begin(stage)
    await happens(case, collect_only, IN_TIME)
    assert await happens(case, undo, at(minutes=2)) == "→ taken_back"
    assert await stage.schedule(case.who) == [("2027-11-30", 300), ("2027-12-31", 200)]
    other = await stage.staff("market")
    async with stage.engine.begin() as tx:
        [task] = await cash_refunds.page(tx, case.till.merchant_id)
        assert (task.way, task.why, task.minor, task.member_id) == ("counter", "taken_back", 1000, case.who.id)
        with pytest.raises(cash_refunds.NoSuchCashRefund):
            await cash_refunds.paid_back(tx, other, task.id, now=NOW)
        with pytest.raises(cash_refunds.NoSuchCashRefund):
            await cash_refunds.sent_back(tx, task.id, by="operator:1", now=NOW)
        done, mine = await cash_refunds.paid_back(tx, case.till, task.id, now=NOW)
        assert mine and done.done_by == case.till.actor and done.done_at == NOW
        again, mine = await cash_refunds.paid_back(tx, case.till, task.id, now=NOW + dt.timedelta(hours=1))
        assert not mine and again.done_at == NOW
        assert await cash_refunds.page(tx, case.till.merchant_id) == []
        assert [each.id for each in await cash_refunds.page(tx, case.till.merchant_id, open_=False)] == [task.id]
    await story(case)


async def test_an_unused_voucher_that_keeps_its_points_keeps_its_cash(stage: Stage) -> None:
    [kept] = await stage.publish(BOX.model_copy(update={"code": "kept", "unused": "forfeit"}))
    who, till = await stage.member((500, "-")), await stage.staff("fruit")
    case = Case(stage, who, till, kept, await stage.redeem(who, kept))
    await happens(case, collect_only, IN_TIME)
    assert await happens(case, life_ends, IN_TIME) == "→ expired"
    async with stage.engine.begin() as tx:
        assert await cash_refunds.of(tx, case.id) == []
    assert await stage.available(who) == 100


async def test_clearing_counts_the_points_from_the_day_of_use_and_never_while_they_are_held(stage: Stage) -> None:
    case = await begin(stage)
    async with stage.engine.begin() as tx:
        settles = text("SELECT settles_on FROM redemption WHERE id = :id")
        assert await tx.scalar(settles, {"id": case.id}) is None
    await happens(case, collect, at(days=1))
    async with stage.engine.begin() as tx:
        assert await tx.scalar(settles, {"id": case.id}) == TODAY + dt.timedelta(days=1)
        burned = text(
            "SELECT p.issuer_id, sum(p.points)::int FROM redemption r JOIN posting p ON p.entry_id = r.entry_id"
            " JOIN account a ON a.id = p.account_id WHERE a.purpose = 'burned' AND r.id = :id GROUP BY 1"
        )
        rows = [tuple(row) for row in await tx.execute(burned, {"id": case.id})]
    assert rows == [(stage.merchants["market"].id, 400)]


# -- several at once


async def test_of_all_who_come_at_once_one_decides_and_the_rest_find_what_became_of_it(stage: Stage) -> None:
    """Two tills, two payments, the member, and the end of the time, in every order the database likes."""
    tills = [await stage.staff("fruit"), await stage.staff("fruit", "4号台")]
    ends = Counter[str]()
    for _ in range(12):
        case = await begin(stage, tills[0])
        other = dataclasses.replace(case, till=tills[1])
        moment = at(days=2, minutes=-1)

        async def one(which: Case, event: Event, now: Moment) -> object:
            async with stage.engine.connect() as tx:
                try:
                    answer = await event(which, tx, now)
                    await tx.commit()
                except Refusal as no:
                    await tx.rollback()
                    return no
                return answer

        answers = await asyncio.gather(
            one(case, collect, moment),
            one(other, collect_only, moment),
            one(case, paid, moment),
            one(case, paid, moment),
            one(case, let_go, moment),
            one(case, hold_ends, LATE),
        )
        await story(case)
        state = await case.state()
        ends[state] += 1
        took = [a for a in answers if isinstance(a, cash.Collected) or (isinstance(a, cash.Arrived) and not a.back)]
        assert len(took) == int(state in ("issued", "used"))
        back = [a.back for a in answers if isinstance(a, cash.Arrived) and a.back]
        assert len(back) == 2 - sum(isinstance(a, cash.Arrived) for a in took)
    assert sum(ends.values()) == 12 and ends.keys() <= {"issued", "used", "let_go", "lapsed"}


async def test_taking_back_and_using_at_once_never_does_both(stage: Stage) -> None:
    for _ in range(6):
        case = await begin(stage)
        await happens(case, collect_only, IN_TIME)
        done = await asyncio.gather(happens_now(case, undo), happens_now(case, use), return_exceptions=True)
        await story(case)
        assert sum(isinstance(each, vouchers.Redemption) for each in done) == 1


async def happens_now(case: Case, event: Event) -> object:
    async with case.stage.engine.begin() as tx:
        return await event(case, tx, at(minutes=2))


# -- the price


def test_a_price_with_cash_multiplies_both_parts() -> None:
    quote = PRICE.quote(2)
    assert (quote.points, quote.cash_minor, quote.value_minor) == (800, 2000, 6000)
    assert PRICE.rate == PerUnit(points=400, value_minor=2000).rate


def test_a_document_without_cash_is_written_as_it_always_was() -> None:
    plain = offer("box", "盒", "Box", "fruit", PerUnit(points=400, value_minor=3000))
    assert "cash_minor" not in plain.model_dump_json() and "hold_hours" not in plain.model_dump_json()
    assert Offer.model_validate_json(BOX.model_dump_json()) == BOX


@pytest.mark.parametrize(
    "price",
    [
        PerUnit(points=300, value_minor=3000, cash_minor=1100),  # more cash than usual
        PerUnit(points=400, value_minor=2500, cash_minor=1000),  # more points for what they buy
    ],
)
def test_a_special_price_is_never_worse_in_either_part(price: PerUnit) -> None:
    special = Special(name=Names(zh="旺季价", en="Season price"), when=When(until=TODAY), price=price)
    with pytest.raises(ValidationError):
        Offer.model_validate({**BOX.model_dump(), "specials": [special.model_dump()]})


def test_a_piece_is_worth_more_than_its_cash() -> None:
    with pytest.raises(ValidationError):
        PerUnit(points=1, value_minor=1000, cash_minor=1000)


def test_a_season_may_ask_for_less_cash_and_shows_the_usual_price() -> None:
    less = PerUnit(points=400, value_minor=3000, cash_minor=500)
    special = Special(name=Names(zh="旺季价", en="Season price"), when=When(until=TODAY), price=less)
    priced = in_force(BOX.model_copy(update={"specials": (special,)}), NOBODY, TODAY)
    assert priced.price == less and priced.usually(less.quote(1)) == PRICE.quote(1)
