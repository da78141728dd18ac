"""Returned and exchanged goods in clearing: the use stands in its week, a return is a line of its own week, an exchange none."""

from __future__ import annotations

import dataclasses

from ledger.clearing import proof
from ledger.members.member import Member
from ledger.points.commands import Moment
from ledger.redeeming import codes, counter, return_answers, return_claims, return_requests
from ledger.redeeming.lapses import lapse
from ledger.redeeming.vouchers import Redemption, reveal
from tests.ledger.clearing.scene import BOX, FIRST, SECOND, at, closed, day, rebuilds, table, used
from tests.ledger.redeeming.stage import Stage, entropy

NEVER = "-"
NOTHING = [
    "market/1: elsewhere -500 taken 0 own 0 pays -1000 gets 0 fee 0 net 1000",
    "fruit/1: elsewhere 0 taken -500 own 0 pays 0 gets -1000 fee -10 net -990",
    "operator -10",
]


async def claimed(stage: Stage, who: Member, voucher: Redemption, on: Moment) -> return_claims.Claim:
    """A claim on what was handed over."""
    async with stage.engine.begin() as tx:
        return await return_requests.claim(
            tx,
            who.id,
            voucher.id,
            reason="faulty",
            wants="points",
            words="",
            photos=[return_claims.Shot("f", "u")],
            vault=stage.vault,
            at=on,
            actor="test",
        )


async def granted(stage: Stage, who: Member, voucher: Redemption, on: Moment) -> None:
    """Claimed and taken back, on one day."""
    mine, manager = (
        await claimed(stage, who, voucher, on),
        dataclasses.replace(await stage.staff("fruit"), role="manager"),
    )
    async with stage.engine.begin() as tx:
        await return_answers.grant(tx, manager, mine.id, goods="back", grace_days=30, at=on)


async def exchanged(stage: Stage, who: Member, voucher: Redemption, on: Moment) -> Redemption:
    """Claimed and exchanged, on one day; the new voucher."""
    mine, manager = (
        await claimed(stage, who, voucher, on),
        dataclasses.replace(await stage.staff("fruit"), role="manager"),
    )
    async with stage.engine.begin() as tx:
        _, fresh = await return_answers.exchange(
            tx, manager, mine.id, goods="written_off", code=codes.mint(entropy(24)), vault=stage.vault, at=on
        )
    return fresh


async def test_the_week_of_the_use_stands_and_the_return_corrects_the_week_in_which_it_was_granted(
    stage: Stage,
) -> None:
    who, [box] = await stage.member((1000, NEVER)), await stage.publish(BOX)
    voucher = await used(stage, who, box)
    assert await closed(stage, day(1)) is not None
    before = await table(stage, FIRST)
    await granted(stage, who, voucher, day(3))
    lines = await closed(stage, day(8))
    assert lines is not None
    [line] = lines
    assert (line.kind, line.points, line.redemption_id, line.corrects is not None) == ("return", -500, voucher.id, True)
    assert await table(stage, FIRST) == before and await table(stage, SECOND) == NOTHING
    assert await rebuilds(stage, FIRST) and await rebuilds(stage, SECOND)
    async with stage.engine.begin() as tx:
        assert await proof.prove(tx) == []


async def test_a_return_in_the_week_of_the_use_leaves_nothing_to_pay(stage: Stage) -> None:
    who, [box] = await stage.member((1000, NEVER)), await stage.publish(BOX)
    await granted(stage, who, await used(stage, who, box), at())
    lines = await closed(stage, day(1))
    assert lines is not None and [line.points for line in lines] == [500, -500]
    assert sum(line.amounts.issuer_minor for line in lines) == sum(line.operator_minor for line in lines) == 0
    assert await rebuilds(stage, FIRST)


async def test_an_exchange_is_counted_once_whatever_becomes_of_the_new_piece(stage: Stage) -> None:
    who, [box] = await stage.member((2000, NEVER)), await stage.publish(BOX)
    one, two, three = [await used(stage, who, box) for _ in range(3)]
    assert await closed(stage, day(1)) is not None
    kept, back, idle = [await exchanged(stage, who, each, day(2)) for each in (one, two, three)]
    till = await stage.staff("fruit")
    for each in (kept, back):
        async with stage.engine.begin() as tx:
            code = await reveal(tx, each, stage.vault)
            again = await counter.use(tx, till, code, vault=stage.vault, at=day(3))
            assert isinstance(again, Redemption)
    await granted(stage, who, dataclasses.replace(back, used_on=day(3).today), day(4))
    lines = await closed(stage, day(8))
    assert lines is not None
    assert [(line.kind, line.points, line.redemption_id) for line in lines] == [("return", -500, two.id)]
    async with stage.engine.begin() as tx:
        [ended] = await lapse(tx, at=day(40), grace_days=30)
    assert ended.voucher.id == idle.id
    for week in range(2, 7):
        lines = await closed(stage, day(1 + 7 * week))
    assert lines is not None
    assert [(line.kind, line.points, line.redemption_id) for line in lines] == [("return", -500, three.id)]
    assert await stage.available(who, when=day(43)) == 1500
    async with stage.engine.begin() as tx:
        assert await proof.prove(tx) == []
