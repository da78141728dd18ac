"""A code at the counter: right merchant, once, whatever two tills do at once — and guessing gets slow."""

from __future__ import annotations

import asyncio
import datetime as dt
from collections import Counter

import pytest

from ledger.errors import Refusal
from ledger.members.member import Member
from ledger.merchants.staff import Staff
from ledger.points.commands import Moment
from ledger.redeeming import codes, counter, redemptions
from ledger.redeeming.counter import CodeMistyped, CodeUnknown, GuessingPaused, VoucherOfAnother
from ledger.redeeming.vouchers import Redemption, VoucherExpired, VoucherTakenBack, VoucherUsed
from tests.ledger.redeeming.stage import Stage, at, entropy, offer, per_unit

BOX = offer("box", "进口水果礼盒", "Imported fruit box", "fruit", per_unit(500, 2500))


async def verify(stage: Stage, staff: Staff, code: str, when: Moment | None = None) -> Redemption | Refusal:
    async with stage.engine.begin() as tx:
        return await counter.verify(tx, staff, code, vault=stage.vault, at=when or at())


async def use(stage: Stage, staff: Staff, code: str, when: Moment | None = None) -> Redemption | Refusal:
    async with stage.engine.begin() as tx:
        return await counter.use(tx, staff, code, vault=stage.vault, at=when or at())


async def voucher(stage: Stage) -> tuple[Member, str, int]:
    who = await stage.member((500, "-"))
    [box] = await stage.publish(BOX)
    done = await stage.redeem(who, box)
    return who, done.code, done.redemption.id


async def test_a_good_code_says_what_to_hand_over_and_is_not_used_by_looking(stage: Stage) -> None:
    cashier = await stage.staff("fruit")
    _, code, number = await voucher(stage)
    for written in (code, codes.spaced(code).lower(), f"https://t.me/bot?start={codes.link(code)}"):
        seen = await verify(stage, cashier, written)
        assert isinstance(seen, Redemption)
        assert (seen.id, seen.state, seen.offer.name.zh, seen.value_minor) == (number, "issued", "进口水果礼盒", 2500)


async def test_of_two_tills_at_the_same_moment_exactly_one_uses_it(stage: Stage) -> None:
    tills = [await stage.staff("fruit", f"{n}号台") for n in range(1, 9)]
    _, code, _ = await voucher(stage)
    outcomes = await asyncio.gather(*(use(stage, till, code) for till in tills))
    assert Counter(type(o) for o in outcomes) == {Redemption: 1, VoucherUsed: 7}
    winner = next(o for o in outcomes if isinstance(o, Redemption))
    assert {(o.staff_id, o.label) for o in outcomes if isinstance(o, VoucherUsed)} == {
        (winner.used_by, winner.used_label)
    }
    assert winner.state == "used" and winner.used_at == at().now


async def test_each_way_in_which_a_code_is_not_good(stage: Stage) -> None:
    cashier, stranger = await stage.staff("fruit"), await stage.staff("market")
    who, code, number = await voucher(stage)
    assert isinstance(await verify(stage, cashier, "hello"), CodeMistyped)
    assert isinstance(await verify(stage, cashier, codes.mint(entropy(16))), CodeUnknown)
    wrong = await verify(stage, stranger, code)
    assert isinstance(wrong, VoucherOfAnother) and [each.zh for each in wrong.merchants] == ["鲜果時光"]
    assert isinstance(await use(stage, stranger, code), VoucherOfAnother)
    expired = await use(stage, cashier, code, at(days=31))
    assert isinstance(expired, VoucherExpired) and expired.returned
    assert isinstance(await verify(stage, cashier, code, at(days=30)), Redemption)
    async with stage.engine.begin() as tx:
        await redemptions.undo(tx, who.id, number, grace_days=30, at=at(), actor="test")
    assert isinstance(await use(stage, cashier, code), VoucherTakenBack)


async def test_a_used_code_says_when_and_where(stage: Stage) -> None:
    cashier = await stage.staff("fruit", "前台")
    _, code, _ = await voucher(stage)
    assert isinstance(await use(stage, cashier, code, at(minutes=3)), Redemption)
    again = await verify(stage, cashier, code, at(minutes=5))
    assert isinstance(again, VoucherUsed)
    assert (again.used_at, again.merchant.zh, again.staff_id) == (
        at(minutes=3).now,
        "鲜果時光",
        cashier.id,
    ) and again.label == "前台"


@pytest.mark.parametrize("act", [verify, use])
async def test_too_many_unknown_codes_slow_one_staff_member_down_and_nobody_else(stage: Stage, act: object) -> None:
    guesser, colleague = await stage.staff("fruit", "甲"), await stage.staff("fruit", "乙")
    _, code, _ = await voucher(stage)
    left = []
    for minute in range(counter.WRONG_CODES_MOST):
        no = await act(stage, guesser, codes.mint(entropy(16)), at(minutes=minute))  # type: ignore[operator]
        assert isinstance(no, CodeUnknown)
        left.append(no.tries_left)
    assert left == [4, 3, 2, 1, 0]
    paused = await act(stage, guesser, code, at(minutes=6))  # type: ignore[operator]
    assert isinstance(paused, GuessingPaused) and paused.until == at(minutes=counter.GUESSING_MINUTES).now
    assert isinstance(await act(stage, colleague, code, at(minutes=6)), Redemption)  # type: ignore[operator]
    assert not isinstance(await act(stage, guesser, code, Moment(paused.until, at().today)), GuessingPaused)  # type: ignore[operator]


async def test_who_guesses_with_many_requests_at_once_has_no_more_tries(stage: Stage) -> None:
    guesser = await stage.staff("fruit")
    tries = [verify(stage, guesser, codes.mint(entropy(16))) for _ in range(12)]
    met = await asyncio.gather(*tries)
    assert sorted(no.tries_left for no in met if isinstance(no, CodeUnknown)) == [0, 1, 2, 3, 4]
    assert sum(isinstance(no, GuessingPaused) for no in met) == 12 - counter.WRONG_CODES_MOST


async def test_guessing_is_reported_when_it_begins_and_not_while_it_goes_on(stage: Stage) -> None:
    guesser = await stage.staff("fruit")

    async def guess(minutes: int) -> dt.datetime | None:
        async with stage.engine.begin() as tx:
            no = await counter.verify(tx, guesser, codes.mint(entropy(16)), vault=stage.vault, at=at(minutes=minutes))
            return await counter.guesses_since(tx, guesser, no, at=at(minutes=minutes))

    assert [await guess(minute) for minute in range(5)] == [None] * 4 + [at(minutes=0).now]
    assert [await guess(minute) for minute in (5, 16, 17, 18, 19, 33, 34)] == [None] * 7
    assert [await guess(minute) for minute in range(120, 125)] == [None] * 4 + [at(minutes=120).now]


async def test_typing_errors_do_not_count_as_guesses(stage: Stage) -> None:
    cashier = await stage.staff("fruit")
    _, code, _ = await voucher(stage)
    for _ in range(9):
        assert isinstance(await verify(stage, cashier, code[:-1]), CodeMistyped)
    assert isinstance(await verify(stage, cashier, code), Redemption)


async def test_the_days_list_is_of_this_merchant_and_of_one_person_where_asked(stage: Stage) -> None:
    one, two = await stage.staff("fruit", "甲"), await stage.staff("fruit", "乙")
    for till in (one, two, two):
        _, code, _ = await voucher(stage)
        assert isinstance(await use(stage, till, code), Redemption)
    async with stage.engine.begin() as tx:
        fruit = stage.merchants["fruit"].id
        assert len(await counter.used_today(tx, fruit, since=at().now)) == 3
        assert len(await counter.used_today(tx, fruit, since=at().now, staff_id=two.id)) == 2
        assert not await counter.used_today(tx, fruit, since=at(minutes=1).now)
        assert not await counter.used_today(tx, stage.merchants["market"].id, since=at().now)
