"""Certificates: which of them counts, who may confirm, when a warning is due, what an end does and what a renewal lifts."""

from __future__ import annotations

import datetime as dt

import pytest
from sqlalchemy.ext.asyncio import AsyncConnection

from ledger.merchants import certificates, log, standing
from ledger.merchants.certificates import (
    Certificate,
    CertificateEnded,
    CertificatesMissing,
    CertificateTextWrong,
    Ending,
    EnteredBySame,
    NoSuchCertificate,
    counting,
    ended,
    waiting,
    warning_due,
)
from ledger.points.commands import Moment
from tests.conftest import Database
from tests.turns import NOW, TODAY, coalition

AT = Moment(NOW, TODAY)
UNTIL = dt.date(2027, 6, 30)


async def enter(
    tx: AsyncConnection, merchant_id: int, kind: certificates.Kind = "credit", **other: object
) -> Certificate:
    given: dict[str, object] = {"number": "A-1", "issuer": "信用协会", "valid_until": UNTIL, "by": "operator:1"}
    given |= {"two_persons": False, "at": AT, **other}
    return await certificates.enter(tx, merchant_id=merchant_id, kind=kind, **given)  # type: ignore[arg-type]


async def applied(tx: AsyncConnection) -> int:
    market, _ = await coalition(tx)
    from sqlalchemy import text

    await tx.execute(text("UPDATE merchant SET status = 'applied' WHERE id = :id"), {"id": market.id})
    return market.id


@pytest.mark.parametrize(
    ("days_left", "warned", "due"),
    [
        (61, None, None), (60, None, 60), (45, None, 60), (45, 60, None), (31, 60, None), (30, 60, 30), (30, None, 30),
        (8, 30, None), (7, 30, 7), (7, 7, None), (3, None, 7), (0, 30, 7), (0, 7, None), (-1, None, None), (-9, 7, None),
    ],
)  # fmt: skip
def test_each_warning_is_due_once_and_the_nearest_counts(days_left: int, warned: int | None, due: int | None) -> None:
    each = Ending(1, 1, "credit", "A-1", TODAY + dt.timedelta(days=days_left), warned)
    assert warning_due(each, TODAY) == due


async def test_the_one_confirmed_last_counts_and_its_last_day_is_a_good_one(database: Database) -> None:
    async with database.engine.begin() as tx:
        market, _ = await coalition(tx)
        await enter(tx, market.id, number="old", valid_until=TODAY)
        assert ended(counting(await certificates.of(tx, market.id)), TODAY) is None
        over = ended(counting(await certificates.of(tx, market.id)), TODAY + dt.timedelta(days=1))
        assert over is not None and over.number == "old"
        await enter(tx, market.id, number="new", at=Moment(NOW + dt.timedelta(hours=1), TODAY))
        await enter(tx, market.id, number="unseen", two_persons=True, at=Moment(NOW + dt.timedelta(hours=2), TODAY))
        entered = await certificates.of(tx, market.id)
        assert counting(entered)["credit"].number == "new"
        assert [each.number for each in waiting(entered)] == ["unseen"]


async def test_to_be_certified_every_required_kind_must_be_there_and_last(database: Database) -> None:
    async with database.engine.begin() as tx:
        shop = await applied(tx)
        required = certificates.KINDS
        how = {"required": required, "by": "operator:2", "two_persons": False, "at": AT}
        await enter(tx, shop, "credit")
        with pytest.raises(CertificatesMissing) as no:
            await certificates.certify(tx, shop, **how)  # type: ignore[arg-type]
        assert no.value.kinds == ("assessment", "filing")
        for kind in ("assessment", "filing"):
            await enter(tx, shop, kind)  # type: ignore[arg-type]
        later = {**how, "at": Moment(NOW, UNTIL + dt.timedelta(days=1))}
        with pytest.raises(CertificateEnded):
            await certificates.certify(tx, shop, **later)  # type: ignore[arg-type]
        await certificates.certify(tx, shop, **how)  # type: ignore[arg-type]
        assert await standing.of(tx, shop) == standing.CERTIFIED


async def test_where_two_persons_are_wanted_the_one_who_entered_cannot_certify(database: Database) -> None:
    async with database.engine.begin() as tx:
        shop = await applied(tx)
        for kind in certificates.KINDS:
            await enter(tx, shop, kind, two_persons=True)
        how = {"required": certificates.KINDS, "two_persons": True, "at": AT}
        with pytest.raises(EnteredBySame):
            await certificates.certify(tx, shop, by="operator:1", **how)  # type: ignore[arg-type]
        assert await standing.of(tx, shop) == standing.APPLIED
        await certificates.certify(tx, shop, by="operator:2", **how)  # type: ignore[arg-type]
        assert await standing.of(tx, shop) == standing.CERTIFIED
        assert {each.confirmed_by for each in await certificates.of(tx, shop)} == {"operator:2"}


async def test_a_renewal_waits_for_its_second_person_before_it_lifts_anything(database: Database) -> None:
    async with database.engine.begin() as tx:
        market, rail = await coalition(tx)
        await enter(tx, market.id, valid_until=TODAY)
        later = Moment(NOW + dt.timedelta(days=1), TODAY + dt.timedelta(days=1))
        await standing.move(tx, market.id, "lapse", by="job:certificates", now=NOW)
        renewed = await enter(tx, market.id, number="B-2", two_persons=True, at=later)
        assert await standing.of(tx, market.id) == standing.LAPSED
        with pytest.raises(EnteredBySame):
            await certificates.confirm(tx, renewed.id, merchant_id=market.id, by="operator:1", at=later)
        with pytest.raises(NoSuchCertificate):
            await certificates.confirm(tx, renewed.id, merchant_id=rail.id, by="operator:2", at=later)
        done = await certificates.confirm(tx, renewed.id, merchant_id=market.id, by="operator:2", at=later)
        assert done.confirmed_by == "operator:2"
        assert await standing.of(tx, market.id) == standing.CERTIFIED
        again = await certificates.confirm(tx, renewed.id, merchant_id=market.id, by="operator:3", at=later)
        assert again == done
        said = [line.what for line in await log.read(tx, market.id)]
        assert said == ["renewed", "certificate_confirmed", "certificate_entered", "lapsed", "certificate_entered"]


async def test_a_renewal_lifts_nothing_while_another_kind_has_ended_or_the_operator_suspended(
    database: Database,
) -> None:
    async with database.engine.begin() as tx:
        market, rail = await coalition(tx)
        later = Moment(NOW + dt.timedelta(days=1), TODAY + dt.timedelta(days=1))
        for kind in ("credit", "filing"):
            await enter(tx, market.id, kind, valid_until=TODAY)  # type: ignore[arg-type]
        await standing.move(tx, market.id, "lapse", by="job:certificates", now=NOW)
        await enter(tx, market.id, "credit", at=later)
        assert await standing.of(tx, market.id) == standing.LAPSED
        await enter(tx, market.id, "filing", at=later)
        assert await standing.of(tx, market.id) == standing.CERTIFIED
        await standing.move(tx, rail.id, "suspend", by="operator:1", now=NOW, reason="投诉")
        await enter(tx, rail.id, "credit", at=later)
        assert await standing.of(tx, rail.id) == standing.SUSPENDED
        await certificates.reinstate(tx, rail.id, by="operator:1", at=later)
        assert await standing.of(tx, rail.id) == standing.CERTIFIED
        await standing.move(tx, rail.id, "suspend", by="operator:1", now=NOW, reason="投诉")
        far = Moment(NOW, UNTIL + dt.timedelta(days=1))
        with pytest.raises(CertificateEnded):
            await certificates.reinstate(tx, rail.id, by="operator:1", at=far)


@pytest.mark.parametrize(("number", "issuer"), [("", "x"), ("x", " \n"), ("长" * 61, "x"), ("x", "长" * 61)])
async def test_number_and_issuer_are_a_line_each(database: Database, number: str, issuer: str) -> None:
    async with database.engine.begin() as tx:
        market, _ = await coalition(tx)
        with pytest.raises(CertificateTextWrong):
            await enter(tx, market.id, number=number, issuer=issuer)
        with pytest.raises(CertificateEnded):
            await enter(tx, market.id, valid_until=TODAY - dt.timedelta(days=1))


async def test_only_merchants_that_issue_and_certificates_that_count_come_up(database: Database) -> None:
    async with database.engine.begin() as tx:
        market, rail = await coalition(tx)
        soon = TODAY + dt.timedelta(days=20)
        await enter(tx, market.id, number="old", valid_until=soon)
        assert [each.number for each in await certificates.ending(tx, today=TODAY, after=0, limit=9)] == ["old"]
        await enter(tx, market.id, number="new", at=Moment(NOW + dt.timedelta(hours=1), TODAY))
        await enter(tx, rail.id, number="rail", valid_until=soon)
        await standing.move(tx, rail.id, "suspend", by="operator:1", now=NOW, reason="投诉")
        assert await certificates.ending(tx, today=TODAY, after=0, limit=9) == []
