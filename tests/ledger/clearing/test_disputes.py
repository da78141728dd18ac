"""Disputing a line: who may, until when, once; and what an upheld one moves, in the week in which it was decided."""

from __future__ import annotations

import asyncio
from collections.abc import Awaitable
from typing import Any

import pytest

from ledger.clearing import disputes
from ledger.clearing.derive import Line, Place
from ledger.clearing.positions import NoSuchLine
from ledger.errors import Refusal
from ledger.merchants import staff
from ledger.merchants.authority import NotAllowed, Role
from ledger.merchants.staff import Staff
from tests.ledger.clearing.scene import FIRST, SECOND, burned, closed, day, rebuilds, returned, sql, table
from tests.ledger.redeeming.stage import Stage

LINE = Place(FIRST, 1)


async def person(stage: Stage, merchant: str, role: Role) -> Staff:
    """Somebody of a merchant."""
    cashier = await stage.staff(merchant, label=role)
    async with stage.engine.begin() as tx:
        return await staff.add(
            tx, merchant_id=cashier.merchant_id, member_id=cashier.member_id + 1000, role=role, label=role, by="test",
            now=day(0).now,
        )  # fmt: skip


async def a_closed_week(stage: Stage) -> int:
    """500 of the market's points, spent at the fruit shop; the burn's entry."""
    burn = await burned(stage, await stage.member((500, "-")), 500, "fruit")
    assert len(await closed(stage, day(1)) or []) == 1
    return burn.entry_id


async def opens(
    stage: Stage, who: Staff, place: Place = LINE, reason: str = "没有交货", on: int = 2
) -> disputes.Dispute:
    async with stage.engine.begin() as tx:
        return await disputes.dispute(tx, who, place, reason, days=28, at=day(on))


async def refused(doing: Awaitable[Any]) -> type[Refusal] | None:
    try:
        await doing
    except Refusal as no:
        return type(no)
    return None


async def test_an_upheld_dispute_takes_the_money_back_in_the_week_of_its_decision(stage: Stage) -> None:
    await a_closed_week(stage)
    made = await opens(stage, await person(stage, "market", "owner"))
    assert (made.state, made.reason, made.place) == ("open", "没有交货", LINE)
    async with stage.engine.begin() as tx:
        assert (await disputes.uphold(tx, made.id, by="operator:1", at=day(3))).state == "upheld"
    lines = await closed(stage, day(8))
    assert lines is not None
    assert [(line.kind, line.points, tuple(line.amounts), line.dispute_id, line.corrects) for line in lines] == [
        ("dispute", 0, (-1000, -1000, -10), made.id, LINE)
    ]
    assert (await table(stage, SECOND))[0].endswith("pays -1000 gets 0 fee 0 net 1000")
    assert await rebuilds(stage, FIRST) and await rebuilds(stage, SECOND)


async def test_a_return_after_an_upheld_dispute_moves_points_and_no_money_twice(stage: Stage) -> None:
    entry = await a_closed_week(stage)
    made = await opens(stage, await person(stage, "market", "owner"))
    async with stage.engine.begin() as tx:
        await disputes.uphold(tx, made.id, by="operator:1", at=day(3))
    await closed(stage, day(8))
    [(member_id,)] = await sql(stage, "SELECT owner_id FROM entry WHERE id = :id", id=entry)
    who = type("Who", (), {"id": member_id})()
    await returned(stage, who, entry, None, day(9))  # type: ignore[arg-type]
    lines = await closed(stage, day(15))
    assert lines is not None and [(line.points, tuple(line.amounts)) for line in lines] == [(-500, (0, 0, 0))]


async def test_a_rejected_dispute_moves_nothing_and_needs_words(stage: Stage) -> None:
    await a_closed_week(stage)
    made = await opens(stage, await person(stage, "fruit", "manager"))
    async with stage.engine.begin() as tx:
        with pytest.raises(disputes.WordsNeeded):
            await disputes.reject(tx, made.id, "  ", by="operator:1", at=day(3))
        done = await disputes.reject(tx, made.id, "小票在这里", by="operator:1", at=day(3))
    assert (done.state, done.words) == ("rejected", "小票在这里")
    assert await closed(stage, day(8)) == []


async def test_refusals_in_their_order(stage: Stage) -> None:
    await a_closed_week(stage)
    cashier, rail = await stage.staff("market"), await person(stage, "rail", "owner")
    owner, fruit = await person(stage, "market", "owner"), await person(stage, "fruit", "owner")
    assert await refused(opens(stage, cashier)) is NotAllowed
    assert await refused(opens(stage, rail)) is NoSuchLine, "it is not theirs"
    assert await refused(opens(stage, owner, Place(FIRST, 2))) is NoSuchLine
    assert await refused(opens(stage, owner, on=8 + 28 + 1)) is disputes.DisputeTooLate
    assert await refused(opens(stage, owner, reason="长" * 301)) is disputes.WordsNeeded
    made = await opens(stage, owner)
    assert await refused(opens(stage, fruit)) is disputes.LineDisputed
    async with stage.engine.begin() as tx:
        await disputes.uphold(tx, made.id, by="operator:1", at=day(2))
    assert await refused(decides(stage, made.id)) is disputes.DisputeDecided
    assert await refused(decides(stage, 99)) is disputes.NoSuchDispute
    lines: list[Line] = await closed(stage, day(8)) or []
    assert await refused(opens(stage, owner, lines[0].place, on=9)) is disputes.LineNotDisputable


async def decides(stage: Stage, dispute_id: int) -> disputes.Dispute:
    async with stage.engine.begin() as tx:
        return await disputes.reject(tx, dispute_id, "不", by="operator:1", at=day(2))


async def test_both_sides_at_once_make_one_dispute_and_two_operators_one_decision(stage: Stage) -> None:
    await a_closed_week(stage)
    sides = [await person(stage, "market", "owner"), await person(stage, "fruit", "owner")]
    opened = await asyncio.gather(*(opens(stage, who) for who in sides), return_exceptions=True)
    made = [one for one in opened if isinstance(one, disputes.Dispute)]
    assert len(made) == 1 and sum(isinstance(one, disputes.LineDisputed) for one in opened) == 1
    decided = await asyncio.gather(*(decides(stage, made[0].id) for _ in range(2)), return_exceptions=True)
    assert sum(isinstance(one, disputes.Dispute) for one in decided) == 1
    assert sum(isinstance(one, disputes.DisputeDecided) for one in decided) == 1
