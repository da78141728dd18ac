"""Returns of redeemed goods on the real database: every state beside every event, who is first where two come at once, and where
points, pieces and cash are after each.
"""

from __future__ import annotations

import asyncio
import dataclasses
import datetime as dt
import itertools
import json
from collections import Counter
from collections.abc import Awaitable, Callable
from dataclasses import dataclass
from typing import Any

import pytest
from pydantic import ValidationError
from sqlalchemy import text
from sqlalchemy.exc import IntegrityError
from sqlalchemy.ext.asyncio import AsyncConnection

from ledger.errors import Refusal
from ledger.members.member import Member
from ledger.merchants import webhooks
from ledger.merchants.authority import NotAllowed
from ledger.merchants.staff import Staff
from ledger.points.audit import audit
from ledger.points.commands import Moment
from ledger.points.commands import member as owner_of
from ledger.redeeming import (
    cash,
    cash_refunds,
    codes,
    counter,
    return_answers,
    return_claims,
    return_requests,
    shelf,
    stock,
    vouchers,
)
from ledger.redeeming.lapses import lapse
from ledger.redeeming.may_redeem import MemberHadAll, SoldOut
from ledger.redeeming.offers import GOODS_RETURNS, Limits, Offer, PerUnit, Returns
from ledger.redeeming.publish import publish
from ledger.redeeming.return_claims import Claim, Shot
from tests.ledger.redeeming.stage import TODAY, Stage, at, entropy, offer, per_unit

RETURNS = Returns(days=7, answer_days=3, changed_mind=True)
KETTLE = offer("kettle", "电水壶", "Kettle", "fruit", per_unit(400, 3000), limits=Limits(stock=9), returns=RETURNS)
LOTS = ((300, "2027-11-30"), (200, "2027-12-31"))
PHOTO = Shot("photo-1", "p1")

_numbers = itertools.count(1)


@dataclass
class Case:
    """Somebody who had 500 points and used a voucher of 400, and the merchant's manager; `claim_id` once there is a claim."""

    stage: Stage
    who: Member
    manager: Staff
    offer_id: int
    voucher: int
    claim_id: int = 0

    async def standing(self) -> tuple[str, str]:
        """The states of the claim («-» without one) and of the voucher."""
        async with self.stage.engine.begin() as tx:
            found = await return_claims.latest(tx, self.voucher)
            return found.state if found else "-", (await vouchers.one(tx, self.who.id, self.voucher)).state

    async def does(self, event: Event, now: Moment) -> Any:
        """One event in a transaction of its own; its refusal, where it refuses."""
        async with self.stage.engine.connect() as tx:
            try:
                answer = await event(self, tx, now)
                await tx.commit()
            except Refusal as no:
                await tx.rollback()
                return no
        return answer


async def manager(stage: Stage, merchant: str = "fruit", role: str = "manager") -> Staff:
    return dataclasses.replace(await stage.staff(merchant), role=role)  # type: ignore[arg-type]


async def begin(
    stage: Stage, sold: Offer = KETTLE, lots: tuple[tuple[int, str], ...] = LOTS, staff: Staff | None = None
) -> Case:
    """A fresh offer and member; the voucher used on the first day."""
    [offer_id] = await stage.publish(sold.model_copy(update={"code": f"{sold.code}-{next(_numbers)}"}))
    who, staff = await stage.member(*lots), staff or await manager(stage)
    voucher = await take(stage, who, offer_id, staff)
    return Case(stage, who, staff, offer_id, voucher)


async def take(stage: Stage, who: Member, offer_id: int, staff: Staff, now: Moment | None = None) -> int:
    """Redeem one and have it handed over."""
    now = now or at()
    done = await stage.redeem(who, offer_id, when=now)
    async with stage.engine.begin() as tx:
        if done.redemption.cash_minor:
            await cash.collect(tx, staff, done.code, hand_over=True, undo_minutes=10, vault=stage.vault, at=now)
        else:
            used = await counter.use(tx, staff, done.code, vault=stage.vault, at=now)
            assert isinstance(used, vouchers.Redemption)
    return done.redemption.id


# -- events


async def claim(case: Case, tx: AsyncConnection, now: Moment, **more: Any) -> Claim:
    given = {"reason": "faulty", "wants": "points", "words": "  开关 坏了 ", "photos": [PHOTO], **more}
    made = await return_requests.claim(
        tx, case.who.id, case.voucher, vault=case.stage.vault, at=now, actor=f"member:{case.who.id}", **given
    )
    case.claim_id = made.id
    return made


async def withdraw(case: Case, tx: AsyncConnection, now: Moment) -> object:
    return await return_requests.withdraw(tx, case.who.id, case.claim_id, at=now)


async def escalate(case: Case, tx: AsyncConnection, now: Moment) -> object:
    return await return_requests.escalate(tx, case.who.id, case.claim_id, at=now)


async def grant(case: Case, tx: AsyncConnection, now: Moment, goods: str = "back") -> object:
    return await return_answers.grant(
        tx, case.manager, case.claim_id, goods=goods, grace_days=30, at=now  # type: ignore[arg-type]
    )  # fmt: skip


async def write_off(case: Case, tx: AsyncConnection, now: Moment) -> object:
    return await grant(case, tx, now, "written_off")


async def exchange(case: Case, tx: AsyncConnection, now: Moment, goods: str = "written_off") -> object:
    return await return_answers.exchange(
        tx,
        case.manager,
        case.claim_id,
        goods=goods,  # type: ignore[arg-type]
        code=codes.mint(entropy(24)),
        vault=case.stage.vault,
        at=now,
    )


async def refuse(case: Case, tx: AsyncConnection, now: Moment, reason: return_claims.Refused = "worn") -> object:
    return await return_answers.refuse(tx, case.manager, case.claim_id, reason, "用过很多次了", at=now)


async def silence(case: Case, tx: AsyncConnection, now: Moment) -> object:
    return await return_answers.silence(tx, at=now, grace_days=30)


async def uphold(case: Case, tx: AsyncConnection, now: Moment) -> object:
    return await return_answers.uphold(tx, case.claim_id, "看照片是用坏的", by="operator:1", at=now)


async def overturn(case: Case, tx: AsyncConnection, now: Moment) -> object:
    return await return_answers.overturn(tx, case.claim_id, "到手就是坏的", grace_days=30, by="operator:1", at=now)


Event = Callable[[Case, AsyncConnection, Moment], Awaitable[object]]
EVENTS: dict[str, Event] = {
    "claim": claim,
    "withdraw": withdraw,
    "grant": grant,
    "exchange": exchange,
    "refuse": refuse,
    "escalate": escalate,
    "uphold": uphold,
    "overturn": overturn,
    "silence": silence,
}
ONE, LATE = at(days=1), at(days=4)
WAYS: dict[str, tuple[list[tuple[Event, Moment]], Moment]] = {
    "open": ([(claim, at())], at(days=3)),
    "open, its time over": ([(claim, at())], LATE),
    "withdrawn": ([(claim, at()), (withdraw, ONE)], at(days=2)),
    "withdrawn, its time over": ([(claim, at()), (withdraw, ONE)], at(days=8)),
    "granted": ([(claim, at()), (grant, ONE)], LATE),
    "exchanged": ([(claim, at()), (exchange, ONE)], LATE),
    "silent": ([(claim, at()), (silence, LATE)], at(days=5)),
    "refused": ([(claim, at()), (refuse, ONE)], at(days=8)),
    "refused, its time over": ([(claim, at()), (refuse, ONE)], at(days=9)),
    "escalated": ([(claim, at()), (refuse, ONE), (escalate, ONE)], at(days=30)),
    "upheld": ([(claim, at()), (refuse, ONE), (escalate, ONE), (uphold, ONE)], at(days=2)),
    "overturned": ([(claim, at()), (refuse, ONE), (escalate, ONE), (overturn, ONE)], at(days=2)),
}
TABLE = """
                          claim             withdraw       grant          exchange       refuse          escalate         uphold         overturn       silence
open                      claim_there       →withdrawn     →granted       →exchanged     →refused        claim_moved_on   claim_moved_on claim_moved_on -
open, its time over       claim_there       →withdrawn     →granted       →exchanged     answer_too_late claim_moved_on   claim_moved_on claim_moved_on →silent
withdrawn                 →open             claim_moved_on claim_moved_on claim_moved_on claim_moved_on  claim_moved_on   claim_moved_on claim_moved_on -
withdrawn, its time over  claim_too_late    claim_moved_on claim_moved_on claim_moved_on claim_moved_on  claim_moved_on   claim_moved_on claim_moved_on -
granted                   claim_there       claim_moved_on claim_moved_on claim_moved_on claim_moved_on  claim_moved_on   claim_moved_on claim_moved_on -
exchanged                 claim_there       claim_moved_on claim_moved_on claim_moved_on claim_moved_on  claim_moved_on   claim_moved_on claim_moved_on -
silent                    claim_there       claim_moved_on claim_moved_on claim_moved_on claim_moved_on  claim_moved_on   claim_moved_on claim_moved_on -
refused                   claim_there       claim_moved_on claim_moved_on claim_moved_on claim_moved_on  →escalated       claim_moved_on claim_moved_on -
refused, its time over    claim_there       claim_moved_on claim_moved_on claim_moved_on claim_moved_on  escalation_over  claim_moved_on claim_moved_on -
escalated                 claim_there       claim_moved_on claim_moved_on claim_moved_on claim_moved_on  claim_moved_on   →upheld        →overturned    -
upheld                    claim_there       claim_moved_on claim_moved_on claim_moved_on claim_moved_on  claim_moved_on   claim_moved_on claim_moved_on -
overturned                claim_there       claim_moved_on claim_moved_on claim_moved_on claim_moved_on  claim_moved_on   claim_moved_on claim_moved_on -
"""  # noqa: E501


def expected(state: str) -> dict[str, str]:
    """A line of the table, by event."""
    head, *lines = TABLE.strip("\n").splitlines()
    [line] = [each for each in lines if each[:25].rstrip() == state]
    return dict(zip(head.split(), line[25:].split(), strict=True))


async def happens(case: Case, event: Event, now: Moment) -> str:
    """What became of it: «→state», «-», or the refusal's code."""
    before, _ = await case.standing()
    answer = await case.does(event, now)
    after, _ = await case.standing()
    if isinstance(answer, Refusal):
        assert after == before
        return answer.code
    return "-" if after == before else f"→{after}"


async def story(case: Case) -> None:
    """Points, pieces and the voucher say the same as the claim."""
    state, voucher = await case.standing()
    async with case.stage.engine.begin() as tx:
        [purse] = await shelf.purse(tx, case.who, today=TODAY)
        row = (
            await tx.execute(
                text(
                    "SELECT s.taken, c.goods, c.entry_id, c.replacement_id,"
                    " (SELECT count(*) FROM entry WHERE kind = 'reinstate' AND undoes_id = r.entry_id) AS returns"
                    " FROM redemption r JOIN offer_stock s ON s.offer_id = r.offer_id AND s.day = :whole"
                    " LEFT JOIN return_claim c ON c.redemption_id = r.id AND c.state <> 'withdrawn' WHERE r.id = :id"
                ),
                {"id": case.voucher, "whole": stock.WHOLE},
            )
        ).one()
        assert (await audit(tx)).violations == ()
        recounted = await recount(tx, case.offer_id)
    back = state in return_claims.GRANTED
    assert voucher == ("returned" if back else "exchanged" if state == "exchanged" else "used")
    assert (purse.available, row.returns) == ((500, 1) if back else (100, 0))
    assert (row.entry_id is not None, row.replacement_id is not None) == (back, state == "exchanged")
    gone = {"granted": 0, "exchanged": 2}.get(state, 1)  # the exchange wrote the first one off
    assert row.taken == recounted == gone


async def recount(tx: AsyncConnection, offer_id: int) -> int:
    """Pieces that are out, as publishing a version would count them; nothing of it stays."""
    nested = await tx.begin_nested()
    where = {"id": offer_id, "whole": stock.WHOLE}
    await tx.execute(text("DELETE FROM offer_stock WHERE offer_id = :id AND day = :whole"), where)
    await stock.limit(tx, offer_id, Limits(stock=9), today=TODAY)
    taken = await tx.scalar(text("SELECT taken FROM offer_stock WHERE offer_id = :id AND day = :whole"), where)
    await nested.rollback()
    return int(taken or 0)


@pytest.mark.parametrize("state", WAYS)
async def test_every_event_in_every_state_has_one_outcome(stage: Stage, state: str) -> None:
    steps, now = WAYS[state]
    staff, found = await manager(stage), {}
    for name, event in EVENTS.items():
        case = await begin(stage, staff=staff)
        for step, moment in steps:
            answer = await case.does(step, moment)
            assert not isinstance(answer, Refusal), answer
        assert (await case.standing())[0] == state.partition(",")[0]
        await story(case)
        found[name] = await happens(case, event, now)
        await story(case)
    assert found == expected(state)


def test_there_is_a_cell_for_every_event_in_every_state() -> None:
    assert {len(expected(state)) for state in WAYS} == {len(EVENTS)} == {9}
    assert {state.partition(",")[0] for state in WAYS} == set(return_claims.State.__args__)  # type: ignore[attr-defined]


# -- what comes back


async def test_points_return_to_their_own_lots_and_issuers(stage: Stage) -> None:
    [offer_id], who, staff = await stage.publish(KETTLE), await stage.member((300, "2027-11-30")), await manager(stage)
    async with stage.engine.begin() as tx:
        await stage.give(tx, who, (250, "2027-10-31"), issuer="rail")
    case = Case(stage, who, staff, offer_id, await take(stage, who, offer_id, staff))
    before = await legs(stage, case, "burn")
    assert len({issuer for _, issuer, _ in before}) == len(before) == 2
    await case.does(claim, at())
    await case.does(grant, ONE)
    assert await legs(stage, case, "reinstate") == [(lot, issuer, -points) for lot, issuer, points in before]


async def legs(stage: Stage, case: Case, kind: str) -> list[tuple[int, int, int]]:
    """What an entry took from the member or brought them: lot, issuer, points."""
    async with stage.engine.begin() as tx:
        rows = await tx.execute(
            text(
                "SELECT p.lot_id, p.issuer_id, p.points::int FROM posting p JOIN entry e ON e.id = p.entry_id"
                " JOIN account a ON a.id = p.account_id WHERE e.kind = :kind AND e.owner_id = :who"
                " AND a.owner_kind = 'member' ORDER BY 1"
            ),
            {"kind": kind, "who": case.who.id},
        )
        return [tuple(row) for row in rows]  # type: ignore[misc]


async def test_a_lot_that_ran_out_meanwhile_comes_back_for_a_grace_time(stage: Stage) -> None:
    case = await begin(stage, lots=((300, "2026-11-23"), (200, "2026-12-31")))
    await case.does(claim, at())
    claimed, receipt = await case.does(grant, at(days=3))
    assert claimed.state == "granted" and receipt.facts["grace_points"] == 300
    assert await stage.schedule(case.who, at(days=3)) == [("2026-12-25", 300), ("2026-12-31", 200)]


async def test_cash_that_was_paid_is_a_task_and_goes_back_once(stage: Stage) -> None:
    sold = KETTLE.model_copy(update={"price": PerUnit(points=400, value_minor=3000, cash_minor=1000)})
    case = await begin(stage, sold)
    await case.does(claim, at())
    await case.does(grant, ONE)
    async with stage.engine.begin() as tx:
        [task] = await cash_refunds.of(tx, case.voucher)
        assert (task.why, task.minor, task.way, task.done_at) == ("returned", 1000, "counter", None)
        done, now = await cash_refunds.paid_back(tx, case.manager, task.id, now=ONE.now)
        assert now and done.done_by == case.manager.actor
    await story(case)


async def test_what_was_returned_counts_towards_no_limit_and_what_was_exchanged_does(stage: Stage) -> None:
    sold = KETTLE.model_copy(update={"limits": Limits(stock=9, member_ever=1, member_day=1)})
    first, second = await begin(stage, sold, lots=((900, "-"),)), await begin(stage, sold, lots=((900, "-"),))
    for case in (first, second):
        await case.does(claim, at())
        with pytest.raises(MemberHadAll):
            await stage.redeem(case.who, case.offer_id)
    await first.does(grant, at())
    assert (await stage.redeem(first.who, first.offer_id)).redemption.state == "issued"
    await second.does(exchange, at())
    with pytest.raises(MemberHadAll):
        await stage.redeem(second.who, second.offer_id)


async def test_goods_that_are_back_can_be_had_again_and_written_off_ones_cannot(stage: Stage) -> None:
    sold = KETTLE.model_copy(update={"limits": Limits(stock=1, day=1)})
    other = await stage.member((900, "-"))
    back, off = await begin(stage, sold), await begin(stage, sold)
    await back.does(claim, at())
    await back.does(grant, at())
    assert await stage.taken(back.offer_id) == {"0001-01-01": 0, "2026-11-22": 0}
    assert (await stage.redeem(other, back.offer_id)).redemption.state == "issued"
    await off.does(claim, at())
    await off.does(write_off, at())
    assert await stage.taken(off.offer_id) == {"0001-01-01": 1, "2026-11-22": 1}
    with pytest.raises(SoldOut):
        await stage.redeem(other, off.offer_id)


# -- exchanges


async def test_an_exchange_gives_another_piece_and_moves_no_points(stage: Stage) -> None:
    case = await begin(stage)
    await case.does(claim, at())
    _, fresh = await case.does(exchange, ONE)
    assert (fresh.state, fresh.points, fresh.origin_id, fresh.offer_version) == ("issued", 400, case.voucher, 1)
    assert fresh.issued_on == TODAY and fresh.valid_until == ONE.today + dt.timedelta(days=30)
    assert not fresh.undoable(ONE.now)
    async with stage.engine.begin() as tx:
        code = await vouchers.reveal(tx, fresh, stage.vault)
        used = await counter.use(tx, case.manager, code, vault=stage.vault, at=at(days=2))
    assert isinstance(used, vouchers.Redemption) and used.id == fresh.id and used.used_on == at(days=2).today
    await story(case)


async def test_what_came_in_exchange_can_be_returned_and_brings_back_what_was_paid_once(stage: Stage) -> None:
    sold = KETTLE.model_copy(update={"price": PerUnit(points=400, value_minor=3000, cash_minor=1000)})
    case = await begin(stage, sold)
    await case.does(claim, at())
    _, fresh = await case.does(exchange, ONE)
    assert fresh.paid_at is not None and fresh.cash_minor == 1000
    async with stage.engine.begin() as tx:
        code = await vouchers.reveal(tx, fresh, stage.vault)
        assert isinstance(await counter.use(tx, case.manager, code, vault=stage.vault, at=ONE), vouchers.Redemption)
    again = dataclasses.replace(case, voucher=fresh.id)
    await again.does(claim, at(days=2))
    done, _ = await again.does(grant, at(days=2))
    assert done.state == "granted" and await again.standing() == ("granted", "returned")
    assert await case.standing() == ("exchanged", "exchanged")
    assert await stage.available(case.who) == 500 and await stage.taken(case.offer_id) == {"0001-01-01": 1}
    async with stage.engine.begin() as tx:
        assert [each.why for each in await cash_refunds.of(tx, case.voucher)] == ["returned"]
        assert (await audit(tx)).violations == () and await recount(tx, case.offer_id) == 1


async def test_a_piece_in_exchange_that_nobody_collects_ends_like_any_other(stage: Stage) -> None:
    case = await begin(stage)
    await case.does(claim, at())
    await case.does(exchange, ONE)
    async with stage.engine.begin() as tx:
        [ended] = await lapse(tx, at=at(days=40), grace_days=30)
        assert ended.voucher.origin_id == case.voucher and ended.receipt is not None
        assert (await audit(tx)).violations == ()
    assert await stage.available(case.who, when=at(days=40)) == 500
    assert await stage.taken(case.offer_id) == {"0001-01-01": 1}  # the one that was written off


async def test_two_pieces_in_exchange_for_one_are_never_alive_at_once(stage: Stage) -> None:
    case = await begin(stage)
    await case.does(claim, at())
    await case.does(exchange, ONE)
    with pytest.raises(IntegrityError, match="uq_redemption_origin"):
        async with stage.engine.begin() as tx:
            columns = "member_id, offer_id, offer_version, merchant_id, currency_id, points, value_minor, entry_id, issued_at,"
            columns += " issued_on, undo_until, valid_until, state, origin_id"
            await tx.execute(
                text(
                    f"INSERT INTO redemption (nonce, code_index, {columns}) SELECT 'again', 'x', {columns} FROM redemption"
                    " WHERE origin_id IS NOT NULL"
                )
            )


async def test_where_no_other_piece_is_left_the_points_can_go_back(stage: Stage) -> None:
    case = await begin(stage, KETTLE.model_copy(update={"limits": Limits(stock=1)}))
    await case.does(claim, at())
    no = await case.does(lambda c, tx, now: exchange(c, tx, now, "back"), at())
    assert isinstance(no, return_answers.NoPieceLeft) and no.units == 1
    assert await case.standing() == ("open", "used")
    assert isinstance(await case.does(grant, at()), tuple)


async def test_an_exchange_takes_the_stock_that_is_published_now(stage: Stage) -> None:
    case = await begin(stage, KETTLE.model_copy(update={"limits": Limits(stock=1)}))
    async with stage.engine.begin() as tx:
        code = (await shelf.one(tx, case.offer_id)).offer.code
        more = KETTLE.model_copy(update={"code": code, "limits": Limits(stock=2)})
        await publish(tx, more, now=at().now, today=TODAY)
    await case.does(claim, at())
    assert isinstance(await case.does(exchange, at()), tuple)
    assert await stage.taken(case.offer_id) == {"0001-01-01": 2}


async def test_an_offer_that_is_not_exchanged_says_so_to_both_sides(stage: Stage) -> None:
    case = await begin(stage, KETTLE.model_copy(update={"returns": Returns(exchange=False)}))
    no = await case.does(lambda c, tx, now: claim(c, tx, now, wants="exchange"), at())
    assert isinstance(no, return_claims.ExchangeNotOffered)
    await case.does(claim, at())
    assert isinstance(await case.does(exchange, at()), return_claims.ExchangeNotOffered)


# -- who may claim, and how


async def test_goods_are_taken_back_by_default_and_nothing_else_is() -> None:
    assert KETTLE.model_copy(update={"returns": None}).takes_back == GOODS_RETURNS == Returns(days=7, answer_days=3)
    assert offer("wash", "洗衣", "Wash", "fruit", per_unit(300), kind="service").takes_back is None
    with pytest.raises(ValidationError):
        offer("wash", "洗衣", "Wash", "fruit", per_unit(300), kind="service", returns=Returns())
    plain = offer("box", "盒", "Box", "fruit", per_unit(400))
    assert "returns" not in plain.model_dump_json()
    assert Offer.model_validate_json(KETTLE.model_dump_json()) == KETTLE


async def test_a_service_a_voucher_still_unused_and_somebody_elses_are_not_claimed(stage: Stage) -> None:
    wash = offer("wash", "洗衣一次", "One wash", "fruit", per_unit(300), kind="service")
    had = await begin(stage, wash)
    assert isinstance(await had.does(claim, at()), return_requests.NotReturnable)
    case = await begin(stage)
    unused = (await stage.redeem(await give_more(stage, case), case.offer_id)).redemption.id
    assert isinstance(await dataclasses.replace(case, voucher=unused).does(claim, at()), return_requests.NotHandedOver)
    other = dataclasses.replace(case, who=had.who)
    assert isinstance(await other.does(claim, at()), vouchers.NoSuchRedemption)


async def give_more(stage: Stage, case: Case) -> Member:
    async with stage.engine.begin() as tx:
        await stage.give(tx, case.who, (900, "-"))
    return case.who


async def test_the_last_day_of_a_claim_is_the_seventh_after_the_handing_over(stage: Stage) -> None:
    case = await begin(stage)
    no = await case.does(claim, at(days=8))
    assert isinstance(no, return_requests.ClaimTooLate) and no.until == at(days=7).today
    assert isinstance(await case.does(claim, at(days=7)), Claim)


async def test_a_claim_has_a_reason_that_is_offered_photos_and_words_that_fit(stage: Stage) -> None:
    case = await begin(stage, KETTLE.model_copy(update={"returns": None}))

    async def refused(**more: Any) -> object:
        return type(await case.does(lambda c, tx, now: claim(c, tx, now, **more), at()))

    assert await refused(reason="changed_mind") is return_requests.ReasonNotOffered
    assert await refused(photos=[]) is return_requests.PhotosNeeded
    assert await refused(photos=[Shot(f"f{n}", f"u{n}") for n in range(7)]) is return_requests.PhotosNeeded
    assert await refused(words="好" * 301) is return_claims.ReturnWordsTooLong
    twice = [PHOTO, Shot("photo-again", "p1"), Shot("photo-2", "p2", "document")]
    made = await case.does(lambda c, tx, now: claim(c, tx, now, photos=twice), at())
    async with stage.engine.begin() as tx:
        words, photos = await return_claims.shown(tx, made, stage.vault)
    assert words == "开关 坏了" and [each.unique_id for each in photos] == ["p1", "p2"]
    assert made.answer_by == at(days=3).today and made.reason == "faulty"


async def test_whoever_changed_their_mind_need_not_show_anything_and_nothing_has_to_be_wrong(stage: Stage) -> None:
    case = await begin(stage)

    async def changed(*photos: Shot) -> object:
        return await case.does(lambda c, tx, now: claim(c, tx, now, reason="changed_mind", photos=photos), at())

    assert isinstance(await changed(*(Shot(f"f{n}", f"u{n}") for n in range(7))), return_requests.PhotosNeeded)
    made = await changed()
    assert isinstance(made, Claim)
    async with stage.engine.begin() as tx:
        assert await return_claims.shown(tx, made, stage.vault) == ("开关 坏了", [])
    no = await case.does(lambda c, tx, now: refuse(c, tx, now, "as_described"), at())
    assert isinstance(no, return_answers.RefusalNotOffered) and no.refusal == "as_described"
    assert isinstance(await case.does(refuse, at()), Claim)


async def test_forgetting_a_member_forgets_what_they_wrote_and_showed(stage: Stage) -> None:
    case = await begin(stage)
    made = await case.does(claim, at())
    async with stage.engine.begin() as tx:
        raw = await tx.scalar(text("SELECT box FROM return_claim"))
        assert "开关".encode() not in raw and b"photo-1" not in raw
        await tx.execute(text("DELETE FROM person WHERE member_id = :id"), {"id": case.who.id})
        assert await return_claims.shown(tx, made, stage.vault) == ("", [])
    assert isinstance(await case.does(exchange, at()), return_claims.ExchangeNotOffered)
    assert isinstance(await case.does(grant, at()), tuple)


# -- the merchant's answer


async def test_being_paid_with_points_is_no_reason_to_refuse_here_or_in_the_schema(stage: Stage) -> None:
    assert set(return_claims.REFUSALS) == {
        "worn", "damaged_later", "incomplete", "other_goods", "as_described", "perishable",
    }  # fmt: skip
    case = await begin(stage)
    await case.does(claim, at())
    no = await case.does(lambda c, tx, now: refuse(c, tx, now, "paid_with_points"), at())  # type: ignore[arg-type]
    assert isinstance(no, return_answers.RefusalNotOffered)
    with pytest.raises(IntegrityError, match="ck_return_claim_refusal"):
        async with stage.engine.begin() as tx:
            await tx.execute(text("UPDATE return_claim SET refusal = 'paid_with_points'"))
    assert await case.standing() == ("open", "used")


async def test_a_refusal_needs_words_and_a_cashier_answers_nothing(stage: Stage) -> None:
    case = await begin(stage)
    await case.does(claim, at())
    no = await case.does(
        lambda c, tx, now: return_answers.refuse(tx, c.manager, c.claim_id, "worn", "  ", at=now), at()
    )
    assert isinstance(no, return_claims.ReturnWordsTooLong)
    cashier = dataclasses.replace(case, manager=dataclasses.replace(case.manager, role="cashier"))
    for event in (grant, exchange, refuse):
        assert isinstance(await cashier.does(event, at()), NotAllowed)
    elsewhere = dataclasses.replace(case, manager=await manager(stage, "market"))
    for event in (grant, exchange, refuse):
        assert isinstance(await elsewhere.does(event, at()), return_claims.NoSuchClaim)


async def test_lists_are_of_what_waits_and_of_what_was_answered(stage: Stage) -> None:
    staff = await manager(stage)
    cases = [await begin(stage, staff=staff) for _ in range(3)]
    for case in cases:
        await case.does(claim, at())
    await cases[0].does(refuse, ONE)
    await cases[0].does(escalate, ONE)
    async with stage.engine.begin() as tx:
        here = staff.merchant_id
        assert [c.id for c in await return_claims.page(tx, here)] == [c.claim_id for c in cases[1:]]
        assert [c.state for c in await return_claims.page(tx, here, open_=False)] == ["escalated"]
        assert await return_claims.waiting(tx, here) == 2 and await return_claims.escalated_count(tx) == 1
        assert [c.id for c in await return_claims.escalated(tx)] == [cases[0].claim_id]
        assert [c.id for c in await return_claims.due_on(tx, at(days=3).today)] == [c.claim_id for c in cases[1:]]
        ids = [case.voucher for case in cases]
        assert await return_claims.standing(tx, ids) == dict(zip(ids, ["escalated", "open", "open"], strict=True))


async def test_silence_grants_a_page_at_a_time_and_only_what_is_overdue(stage: Stage) -> None:
    staff = await manager(stage)
    cases = [await begin(stage, staff=staff) for _ in range(3)]
    for case in cases[:2]:
        await case.does(claim, at())
    await cases[2].does(claim, ONE)
    async with stage.engine.begin() as tx:
        done, more = await return_answers.silence(tx, at=LATE, grace_days=30, limit=1)
        assert len(done) == 1 and more
        done, more = await return_answers.silence(tx, at=LATE, grace_days=30, limit=2)
        assert len(done) == 1 and not more
    assert [(await case.standing())[0] for case in cases] == ["silent", "silent", "open"]
    for case in cases:
        await story(case)


async def test_the_merchants_systems_hear_of_a_claim_and_of_its_end(stage: Stage) -> None:
    case = await begin(stage)
    async with stage.engine.begin() as tx:
        await webhooks.direct(
            tx, merchant_id=case.manager.merchant_id, url="https://shop.example/hook", by="test", now=at().now
        )
    await case.does(claim, at())
    await case.does(grant, ONE)
    async with stage.engine.begin() as tx:
        events = await webhooks.events(tx, case.manager.merchant_id, most=5)
    told = {event.kind: json.loads(event.body)["data"] for event in events}
    same = {"claim": case.claim_id, "redemption": case.voucher, "reason": "faulty", "wants": "points", "units": 1}
    assert told.keys() == {"return.claimed", "return.settled"}
    assert told["return.claimed"].items() >= {**same, "state": "open", "answer_by": "2026-11-25"}.items()
    assert told["return.settled"].items() >= {**same, "state": "granted", "goods": "back"}.items()


# -- several at once


@pytest.mark.parametrize(
    ("events", "outcomes"),
    [
        ((withdraw, grant), {"withdrawn", "granted"}),
        ((grant, exchange), {"granted", "exchanged"}),
        ((grant, refuse), {"granted", "refused"}),
        ((silence, grant), {"silent", "granted"}),
        ((silence, withdraw), {"silent", "withdrawn"}),
    ],
)
async def test_of_two_at_once_one_decides_and_the_other_hears_how_it_stands(
    stage: Stage, events: tuple[Event, Event], outcomes: set[str]
) -> None:
    staff = await manager(stage)
    for _ in range(5):
        case = await begin(stage, staff=staff)
        await case.does(claim, at())
        late = LATE if silence in events else ONE
        answers = await asyncio.gather(*(case.does(event, late) for event in events))
        assert (await case.standing())[0] in outcomes
        lost = [a for a in answers if isinstance(a, return_claims.ClaimMovedOn)]
        idle = [a for a in answers if a == ([], False)]
        assert len(lost) + len(idle) == 1
        await story(case)


async def test_a_claim_confirmed_twice_at_once_is_one(stage: Stage) -> None:
    case = await begin(stage)
    answers = await asyncio.gather(*(case.does(claim, at()) for _ in range(4)))
    assert Counter(type(each) for each in answers) == {Claim: 1, return_requests.ClaimThere: 3}


async def test_silence_and_a_refusal_in_time_never_both_hold(stage: Stage) -> None:
    """The night's run stands on the day after the last one; a refusal that was pressed on the last day may commit beside it."""
    staff = await manager(stage)
    seen = Counter[str]()
    for _ in range(8):
        case = await begin(stage, staff=staff)
        await case.does(claim, at())
        await asyncio.gather(case.does(silence, LATE), case.does(refuse, at(days=3)))
        state, _ = await case.standing()
        seen[state] += 1
        assert state in ("silent", "refused")
        await story(case)
    assert sum(seen.values()) == 8


async def test_nothing_is_returned_twice(stage: Stage) -> None:
    case = await begin(stage)
    await case.does(claim, at())
    await asyncio.gather(*(case.does(grant, ONE) for _ in range(4)))
    await story(case)
    async with stage.engine.begin() as tx:
        returned = await tx.scalar(
            text("SELECT count(*) FROM entry WHERE kind = 'reinstate' AND owner_id = :id"), {"id": case.who.id}
        )
        assert returned == 1 and owner_of(case.who.id) == case.who.owner
