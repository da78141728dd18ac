"""Certificates through the calendar: three warnings once each, then issuing ends and nothing else does; a renewal lifts it."""

from __future__ import annotations

import datetime as dt

from chat.turn import Tell
from jobs import certificates as duty
from jobs.duty import Chunk, Slot
from ledger.errors import Refusal
from ledger.members import operators
from ledger.merchants import certificates, staff, standing
from ledger.merchants import merchant as merchants
from ledger.points.commands import Moment
from tests.conftest import Database
from tests.ledger.redeeming.stage import NOW, Stage, at, offer, per_unit
from tests.turns import PROGRAMME, shown

UNTIL = at(days=70).today


async def night(stage: Stage, day: int) -> list[Tell]:
    """The duty's slot of one night."""
    slot = Slot("certificates", NOW + dt.timedelta(days=day))
    async with stage.engine.begin() as tx:
        chunk = Chunk(tx, f"{slot.key}:1", at(days=day), PROGRAMME)
        assert await duty.run(chunk, slot) is None
        return chunk.tells


async def certified(stage: Stage) -> tuple[int, int, int]:
    """The market with an owner, a certificate that ends in 70 days, and an admin: their ids."""
    owner, admin = await stage.member(), await stage.member()
    async with stage.engine.begin() as tx:
        market = await merchants.by_code(tx, "market")
        await staff.add(tx, merchant_id=market.id, member_id=owner.id, role="owner", label="店主", by="test", now=NOW)
        await operators.add(tx, admin.id, "admin", now=NOW)
        await enter(tx, market.id, UNTIL, Moment(NOW, at().today))
    return market.id, owner.id, admin.id


async def enter(tx, merchant_id: int, until: dt.date, when: Moment, number: str = "C-1") -> None:  # type: ignore[no-untyped-def]
    await certificates.enter(
        tx, merchant_id=merchant_id, kind="credit", number=number, issuer="市信用协会", valid_until=until, by="operator:1",
        two_persons=False, at=when,
    )  # fmt: skip


async def test_owner_and_operator_hear_three_times_and_once_more_at_the_end(database: Database) -> None:
    stage = await Stage(database.engine).set_up()
    market, owner, admin = await certified(stage)
    told: dict[int, list[Tell]] = {}
    for day in range(73):
        told[day] = await night(stage, day) + await night(stage, day)
    assert [day for day, tells in told.items() if tells] == [10, 40, 63, 71]
    for tells in filter(None, told.values()):
        assert [tell.member_id for tell in tells] == [owner, admin]
        assert len({tell.key for tell in tells}) == 2
    first, last = told[10][0].screen, told[71][0].screen
    assert shown(first).splitlines()[0] == "云山超市的信用证书还有 60 天到期(2027年1月31日)"
    assert "把续期的文件发来" in shown(first) and "[提交续期文件]" in shown(first)
    assert "发来" not in shown(told[10][1].screen), "the operator has nothing to send"
    assert "Yunshan Market · Credit certificate ends in 60 days (31 Jan 2027)" in shown(first, "en")
    assert "云山超市 暂停发积分" in shown(last) and "信用证书2027年1月31日已到期。" in shown(last)
    assert "Yunshan Market may not issue points" in shown(last, "en")
    async with stage.engine.begin() as tx:
        assert await standing.of(tx, market) == standing.LAPSED


async def test_after_missed_nights_only_the_nearest_warning_is_given(database: Database) -> None:
    stage = await Stage(database.engine).set_up()
    await certified(stage)
    tells = await night(stage, 65)
    assert "还有 5 天到期" in shown(tells[0].screen)
    assert await night(stage, 66) == []


async def test_suspended_for_a_certificate_members_still_spend_and_a_renewal_lifts_it(database: Database) -> None:
    stage = await Stage(database.engine).set_up()
    market, _, _ = await certified(stage)
    who = await stage.member((1000, "-"))
    [cup] = await stage.publish(offer("cup", "马克杯", "Mug", "market", per_unit(100)))
    await night(stage, 71)
    async with stage.engine.begin() as tx:
        try:
            (await merchants.by_id(tx, market)).must_issue(at(days=71).today)
        except Refusal as no:
            assert no.code == "merchant_may_not_issue"
        else:
            raise AssertionError("it issues")
    assert await stage.redeem(who, cup)
    async with stage.engine.begin() as tx:
        await enter(tx, market, at(days=400).today, at(days=72), number="C-2")
        (await merchants.by_id(tx, market)).must_issue(at(days=72).today)
        assert await standing.of(tx, market) == standing.CERTIFIED
    assert await night(stage, 73) == []
