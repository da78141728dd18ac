"""Accounts that are no more leave their families: once, told to the others, headship passed on."""

from __future__ import annotations

from sqlalchemy import text

from jobs import families as duty
from ledger.members import families
from ledger.points.commands import Moment
from tests import turns
from tests.conftest import Database
from tests.jobs.duties import PROGRAMME, Office
from tests.ledger.members.homes import family_of


async def test_the_others_hear_once_who_leads_now(database: Database) -> None:
    office = Office(database, [duty.duty])
    async with database.engine.begin() as tx:
        await turns.coalition(tx)
        await tx.execute(PROGRAMME, {"document": turns.PROGRAMME.model_dump_json()})
        head, heir, third = [(await turns.joined(tx, 700 + n, f"会员{n}")).id for n in range(3)]
        await family_of(tx, head, heir, third, at=Moment(turns.NOW, turns.TODAY))
        await tx.execute(text("DELETE FROM person WHERE member_id = :id"), {"id": head})
    await office.catch_up()
    await office.catch_up()
    rows = await office.sql("SELECT member_id, params->>'text' FROM outbox ORDER BY id")
    assert [tuple(row) for row in rows] == [
        (heir, "家长的账户注销了,现在由您当家长。"),
        (third, "家长的账户注销了,家里换了家长。"),
    ]
    async with database.engine.begin() as tx:
        now = await families.of(tx, third)
    assert now is not None and now.head_id == heir and [each.member_id for each in now.places] == [heir, third]
