"""Merging accounts on the real database: what goes over and back, what is owed, who has what then; and any order of it all."""

from __future__ import annotations

import asyncio
import dataclasses
import datetime as dt
import itertools
import random
from typing import Any

import pytest
from sqlalchemy import text
from sqlalchemy.ext.asyncio import AsyncConnection

from ledger.errors import Refusal
from ledger.members import claims, standings, succession
from ledger.members.member import Member
from ledger.points import engine, statements
from ledger.points.audit import audit
from ledger.points.commands import Accrue, ClawBack, Receipt, member
from ledger.programme import Tier
from ledger.redeeming import merging, redemptions, return_answers, return_claims, return_requests, vouchers
from ledger.redeeming.merging import CannotMerge, MergeFinal, MergeReasonNeeded, MergeUndone, Moved, NoSuchMerge
from ledger.redeeming.return_claims import Shot
from tests import turns
from tests.ledger.redeeming.stage import COMMON, TODAY, Stage, at, offer, per_unit
from tests.ledger.redeeming.test_returns import KETTLE, manager, take

TIERS = (
    Tier(code="base", name_zh="普通", name_en="Base"),
    Tier(code="gold", name_zh="金", name_en="Gold", spend_minor=99),
)
PROGRAMME = turns.PROGRAMME.model_copy(update={"tiers": TIERS})
LIN = 9_999
BOX = offer("box", "礼盒", "Box", "fruit", per_unit(50, 300))

_numbers = itertools.count(1)


async def merge(stage: Stage, old: Member, new: Member, days: int = 0, nonce: str = "", reason: str = "本人") -> Moved:
    async with stage.engine.begin() as tx:
        return await merging.merge(
            tx, PROGRAMME, stage.vault, old.id, new.id, operator_id=LIN, reason=reason, at=at(days),
            nonce=nonce or f"m{next(_numbers)}",
        )  # fmt: skip


async def unmerge(stage: Stage, merge_id: int, days: int = 0) -> Moved:
    async with stage.engine.begin() as tx:
        return await merging.unmerge(tx, PROGRAMME, stage.vault, merge_id, operator_id=LIN, at=at(days))


async def earn(tx: AsyncConnection, stage: Stage, who: Member, points: int, days: int = 0, life: int = 400) -> Receipt:
    command = Accrue(
        key=f"earn:{next(_numbers)}", owner=who.owner, currency=COMMON, at=at(days), actor="test", points=points,
        issuer_id=stage.merchants["market"].id, available_on=at(days).today,
        expires_on=at(days).today + dt.timedelta(days=life),
    )  # fmt: skip
    return await engine.post(tx, command)


async def take_back(tx: AsyncConnection, stage: Stage, who: Member, given: Receipt, points: int, days: int = 0) -> None:
    """A refund of a purchase that this account once made, from whoever has it now."""
    now = await succession.holder(tx, who.id)
    await engine.post(
        tx,
        ClawBack(
            key=f"back:{next(_numbers)}", owner=member(now), of=who.owner if now != who.id else None, currency=COMMON,
            at=at(days), actor="test", issuer_id=stage.merchants["market"].id, entry_id=given.entry_id, points=points,
        ),
    )  # fmt: skip


async def standing(stage: Stage, who: Member, days: int = 0) -> tuple[int, int]:
    """Available, and owed."""
    async with stage.engine.begin() as tx:
        found = [h for h in await statements.wallet(tx, who.owner, today=at(days).today) if h.currency.id == COMMON]
    return sum(h.available for h in found), sum(sum(h.deficits.values()) for h in found)


async def proven(stage: Stage) -> None:
    async with stage.engine.begin() as tx:
        found = await audit(tx)
    assert found.holds, found.violations


async def owing(stage: Stage, points: int) -> Member:
    """Somebody who spent what they had and gave the goods back."""
    who = await stage.member()
    [box] = await stage.publish(BOX.model_copy(update={"code": f"box-{next(_numbers)}"}))
    async with stage.engine.begin() as tx:
        given = await earn(tx, stage, who, points)
    for _ in range(points // 50):
        await stage.redeem(who, box)
    async with stage.engine.begin() as tx:
        await take_back(tx, stage, who, given, points)
    return who


@pytest.mark.parametrize(("filled", "left"), [(0, 100), (40, 60), (300, 0)])
async def test_what_is_owed_goes_over_and_what_is_still_owed_comes_back(stage: Stage, filled: int, left: int) -> None:
    old, new = await owing(stage, 100), await stage.member((30, "2027-11-30"))
    assert (await standing(stage, old))[1] == 100
    done = await merge(stage, old, new)
    assert await standing(stage, new) == (30, 100) and await standing(stage, old) == (0, 0)
    if filled:
        async with stage.engine.begin() as tx:
            await earn(tx, stage, new, filled)
    await unmerge(stage, done.merge.id)
    assert await standing(stage, old) == (0, left)
    assert await standing(stage, new) == (30 + max(0, filled - 100), 0)
    await proven(stage)


async def test_a_debt_that_came_over_goes_on_with_whoever_has_it(stage: Stage) -> None:
    first, second, third = await owing(stage, 50), await stage.member(), await stage.member()
    await merge(stage, first, second)
    await merge(stage, second, third, days=31)
    assert await standing(stage, third, 31) == (0, 50)
    async with stage.engine.begin() as tx:
        assert await succession.holders(tx, [first.id, second.id, third.id]) == {
            first.id: third.id,
            second.id: third.id,
        }
    await proven(stage)


async def test_a_refund_after_the_merge_takes_from_the_lot_it_once_gave(stage: Stage) -> None:
    old, new = await stage.member(), await stage.member((500, "2026-12-01"))
    async with stage.engine.begin() as tx:
        given = await earn(tx, stage, old, 80)
    done = await merge(stage, old, new)
    async with stage.engine.begin() as tx:
        await take_back(tx, stage, old, given, 30)
    assert await stage.schedule(new) == [("2026-12-01", 500), (str(TODAY + dt.timedelta(days=400)), 50)]
    await unmerge(stage, done.merge.id)
    assert await standing(stage, old) == (50, 0) and await standing(stage, new) == (500, 0)
    async with stage.engine.begin() as tx:
        await take_back(tx, stage, old, given, 50)
    assert await standing(stage, old) == (0, 0) and await standing(stage, new) == (500, 0)
    await proven(stage)


async def test_a_claim_on_goods_is_opened_and_paid_to_whoever_has_the_account(stage: Stage) -> None:
    staff, old, new = await manager(stage), await stage.member((500, "2027-11-30")), await stage.member()
    [kettle] = await stage.publish(KETTLE)
    voucher = await take(stage, old, kettle, staff)
    async with stage.engine.begin() as tx:
        asked = await return_requests.claim(
            tx, old.id, voucher, vault=stage.vault, at=at(), actor="test", reason="faulty", wants="points",
            words="开关坏了", photos=[Shot("photo-1", "p1")],
        )  # fmt: skip
    done = await merge(stage, old, new)
    assert done.vouchers == 0  # it was used
    async with stage.engine.begin() as tx:
        found = await return_claims.latest(tx, voucher)
        assert found is not None and found.member_id == new.id
        assert (await return_claims.shown(tx, found, stage.vault))[0] == "开关坏了"
        await return_answers.grant(tx, staff, asked.id, goods="back", grace_days=30, at=at(1))
    assert await standing(stage, new, 1) == (500, 0) and await standing(stage, old, 1) == (0, 0)
    await unmerge(stage, done.merge.id, 1)
    assert await standing(stage, new, 1) == (0, 0) and await standing(stage, old, 1) == (500, 0)
    await proven(stage)


async def test_an_exchange_after_the_merge_is_undone_with_it(stage: Stage) -> None:
    staff, old, new = await manager(stage), await stage.member((500, "2027-11-30")), await stage.member()
    [kettle] = await stage.publish(KETTLE)
    voucher = await take(stage, old, kettle, staff)
    done = await merge(stage, old, new)
    async with stage.engine.begin() as tx:
        asked = await return_requests.claim(
            tx, new.id, voucher, vault=stage.vault, at=at(), actor="test", reason="faulty", wants="exchange",
            words="坏了", photos=[Shot("photo-1", "p1")],
        )  # fmt: skip
        _, other = await return_answers.exchange(
            tx, staff, asked.id, goods="written_off", code="0123456789ABCD", vault=stage.vault, at=at()
        )
    assert other.payer == old.owner and other.purse == new.owner
    assert (await unmerge(stage, done.merge.id)).vouchers == 1
    async with stage.engine.begin() as tx:
        mine = await vouchers.one(tx, old.id, other.id)
        assert await vouchers.reveal(tx, mine, stage.vault) == "0123456789ABCD" and mine.payer == old.owner


async def test_accounts_that_were_claimed_before_follow_and_come_back(stage: Stage) -> None:
    old, new = await stage.member(), await stage.member()
    async with stage.engine.begin() as tx:
        merchant = stage.merchants["market"].id
        paper = await tx.scalar(text("INSERT INTO member (status) VALUES ('unclaimed') RETURNING id"))
        account = text("INSERT INTO external_account (merchant_id, external_id, member_id) VALUES (:m, 'A1', :id)")
        await tx.execute(account, {"m": merchant, "id": paper})
        await claims.give_code(tx, stage.vault, merchant_id=merchant, external_id="A1", code="ABCD-EFGH-1234")
        await claims.claim(tx, stage.vault, member_id=old.id, code="ABCD-EFGH-1234", at=at())
    assert paper is not None
    done = await merge(stage, old, new)
    async with stage.engine.begin() as tx:
        assert await succession.holder(tx, paper) == new.id
        await earn(tx, stage, Member(paper, "closed"), 20)  # a purchase that was under way
        await merging.pass_on(tx, limit=10, at=at())
    await unmerge(stage, done.merge.id)
    async with stage.engine.begin() as tx:
        assert await succession.holder(tx, paper) == old.id and await succession.holder(tx, old.id) == old.id


async def test_the_higher_tier_holds_until_its_day_and_goes_with_the_merge(stage: Stage) -> None:
    old, new = await stage.member(), await stage.member()
    until = TODAY + dt.timedelta(days=90)
    async with stage.engine.begin() as tx:
        given = {"key": "gold", "actor": "test", "at": at()}
        await standings.grant(tx, PROGRAMME, old.id, "gold", until, "bought", **given)
    done = await merge(stage, old, new)

    async def tier() -> tuple[str | None, dt.date | None]:
        async with stage.engine.begin() as tx:
            [held] = (await standings.load_many(tx, [new.id], today=TODAY)).values()
        return held.in_force, held.until("gold")

    assert await tier() == ("gold", until)
    await unmerge(stage, done.merge.id)
    assert await tier() == ("base", None)


async def test_it_can_be_parted_for_thirty_days_once_and_merged_again(stage: Stage) -> None:
    old, new = await stage.member((70, "2027-11-30")), await stage.member()
    done = await merge(stage, old, new)
    with pytest.raises(MergeFinal):
        await unmerge(stage, done.merge.id, 31)
    await unmerge(stage, done.merge.id, 30)
    with pytest.raises(MergeUndone):
        await unmerge(stage, done.merge.id, 30)
    with pytest.raises(NoSuchMerge):
        await unmerge(stage, done.merge.id + 1)
    again = await merge(stage, old, new, days=30)
    assert [receipt.points for receipt in again.receipts] == [70]
    await unmerge(stage, again.merge.id, 31)
    assert await standing(stage, old, 31) == (70, 0)
    await proven(stage)


async def test_a_reason_is_needed_and_a_repeat_of_the_tap_moves_nothing(stage: Stage) -> None:
    old, new = await stage.member((70, "2027-11-30")), await stage.member()
    for reason in ("", "  \n ", "长" * 201):
        with pytest.raises(MergeReasonNeeded):
            await merge(stage, old, new, reason=reason)
    first = await merge(stage, old, new, nonce="once")
    again = await merge(stage, old, new, nonce="once")
    assert (again.merge, again.receipts) == (first.merge, ())
    third = await stage.member()
    with pytest.raises(CannotMerge) as no:
        await merge(stage, new, third)
    assert (no.value.member_id, no.value.obstacle) == (new.id, "has_merged")
    with pytest.raises(CannotMerge) as no:
        await merge(stage, old, third)
    assert (no.value.member_id, no.value.obstacle) == (old.id, "gone")


@pytest.mark.parametrize("both_ways", [True, False])
async def test_of_two_operators_at_once_one_merges(stage: Stage, both_ways: bool) -> None:
    old, new = await stage.member((70, "2027-11-30")), await stage.member((30, "2027-11-30"))
    pairs = [(old, new), (new, old) if both_ways else (old, new)]
    done = await asyncio.gather(*(merge(stage, a, b) for a, b in pairs), return_exceptions=True)
    assert sorted(type(each).__name__ for each in done) == ["CannotMerge", "Moved"]
    assert sorted([await standing(stage, old), await standing(stage, new)]) == [(0, 0), (100, 0)]


async def test_what_is_earned_while_a_merge_is_under_way_arrives(stage: Stage) -> None:
    for _ in range(8):
        old, new = await stage.member((70, "2027-11-30")), await stage.member()

        async def buys(who: Member = old) -> None:
            async with stage.engine.begin() as tx:
                await earn(tx, stage, who, 5)

        await asyncio.gather(merge(stage, old, new), buys(), buys())
        async with stage.engine.begin() as tx:
            await merging.pass_on(tx, limit=10, at=at())
        assert await standing(stage, new) == (80, 0) and await standing(stage, old) == (0, 0)
    await proven(stage)


@pytest.mark.parametrize("seed", range(12))
async def test_in_any_order_nothing_is_lost_and_nobody_gets_what_was_the_others(stage: Stage, seed: int) -> None:
    """Three accounts merged, parted, earning, redeeming, taking back and refunded at random."""
    chance, days = random.Random(seed), 0
    people = [await stage.member() for _ in range(3)]
    [box] = await stage.publish(BOX)
    given: list[tuple[Member, Receipt, int]] = []
    made: list[int] = []

    async def tries(work: Any) -> Any:
        async with stage.engine.connect() as tx:
            try:
                answer = await work(tx)
                await tx.commit()
            except Refusal as no:
                await tx.rollback()
                return no
        return answer

    for _ in range(45):
        who, other = chance.sample(people, 2)
        match chance.choice(["earn", "earn", "redeem", "undo", "refund", "merge", "merge", "part", "part", "day"]):
            case "earn":
                points = chance.randint(1, 120)
                receipt = await tries(lambda tx, w=who, p=points, d=days: earn(tx, stage, w, p, d))
                given.append((who, receipt, points))
            case "redeem":
                active = dataclasses.replace(who, status="active")
                await tries(lambda tx, w=active, d=days: stage.redeem_in(tx, w, box, when=at(d)))
            case "undo":
                async with stage.engine.begin() as tx:
                    query = text("SELECT id, member_id FROM redemption WHERE state = 'issued' ORDER BY id")
                    live = (await tx.execute(query)).all()
                if live:
                    row = chance.choice(live)
                    await tries(
                        lambda tx, r=row, d=days: redemptions.undo(
                            tx, r.member_id, r.id, grace_days=30, at=at(d), actor="test"
                        )
                    )
            case "refund" if given:
                of, receipt, points = given.pop(chance.randrange(len(given)))
                await tries(lambda tx, o=of, r=receipt, p=points, d=days: take_back(tx, stage, o, r, p, d))
            case "merge":
                done = await tries(
                    lambda tx, a=who, b=other, d=days: merging.merge(
                        tx, PROGRAMME, stage.vault, a.id, b.id, operator_id=LIN, reason="x", at=at(d),
                        nonce=f"w{next(_numbers)}",
                    )
                )  # fmt: skip
                if isinstance(done, Moved):
                    made.append(done.merge.id)
            case "part" if made:
                id_ = chance.choice(made)
                await tries(
                    lambda tx, i=id_, d=days: merging.unmerge(tx, PROGRAMME, stage.vault, i, operator_id=LIN, at=at(d))
                )
            case "day":
                days += chance.choice([1, 1, 40])
        async with stage.engine.begin() as tx:
            await merging.pass_on(tx, limit=10, at=at(days))
        await settled(stage, people, days)
    await proven(stage)


async def settled(stage: Stage, people: list[Member], days: int) -> None:
    """Merged accounts are empty; nobody who is on their own holds a lot that began with somebody who never was theirs."""
    async with stage.engine.begin() as tx:
        merged = {row.from_id: row.into_id for row in await tx.execute(text(
            "SELECT from_id, into_id FROM account_merge WHERE undone_at IS NULL"))}  # fmt: skip
        ever = {
            (row.from_id, row.into_id) for row in await tx.execute(text("SELECT from_id, into_id FROM account_merge"))
        }
        statuses = {row.id: row.status for row in await tx.execute(text("SELECT id, status FROM member"))}
        held = (await tx.execute(_ROOTS)).all()
        assert {who.id for who in people if statuses[who.id] == "merged"} == set(merged)
        assert await succession.holders(tx, [who.id for who in people]) == {each: end(merged, each) for each in merged}
    assert not [row for row in held if row.holder in merged], "a merged account is empty"
    for row in held:
        assert row.root == row.holder or reaches(ever, row.root, row.holder), (row.root, row.holder)


def end(merged: dict[int, int], each: int) -> int:
    """Where an account has gone in the end."""
    while each in merged:
        each = merged[each]
    return each


def reaches(ever: set[tuple[int, int]], root: int, holder: int) -> bool:
    """Whether what began with one may have come to the other: by merges that there were."""
    known = {root}
    while more := {into for from_, into in ever if from_ in known} - known:
        known |= more
    return holder in known


_ROOTS = text(
    """
    WITH RECURSIVE up AS (
        SELECT p.lot_id AS lot, p.lot_id AS at, a.owner_id AS holder FROM position p JOIN account a ON a.id = p.account_id
         WHERE a.owner_kind = 'member'
        UNION ALL
        SELECT up.lot, l.parent_lot_id, up.holder FROM up JOIN lot l ON l.id = up.at WHERE l.parent_lot_id IS NOT NULL
    )
    SELECT up.lot, up.holder, l.owner_id AS root FROM up JOIN lot l ON l.id = up.at WHERE l.parent_lot_id IS NULL
    """
)
