"""Applying to be a merchant: a draft filled in any order, sent once complete, decided once; what is kept of it, and what is not."""

from __future__ import annotations

import os

import pytest
from sqlalchemy import text
from sqlalchemy.ext.asyncio import AsyncConnection

from ledger.members.vault import Vault
from ledger.merchants import certificates, files, log, onboarding, staff, standing
from ledger.merchants import merchant as merchants
from ledger.merchants.files import FileTooLarge, TooManyFiles
from ledger.merchants.licences import LicenceWrong
from ledger.merchants.merchant import MerchantMayNotIssue
from ledger.merchants.onboarding import (
    AnswerWrong,
    Application,
    ApplicationClosed,
    ApplicationIncomplete,
    Field,
)
from ledger.points.commands import Moment
from tests.conftest import Database
from tests.turns import NOW, PROGRAMME, TODAY, coalition, joined

VAULT = Vault("a secret of the tests", os.urandom)
AT = Moment(NOW, TODAY)
ANSWERS: dict[Field, str] = {
    "name_zh": "街角面包",
    "name_en": "Corner Bakery",
    "category": "dining",
    "region": "sh",
    "contact": "李师傅 13800000000",
    "licence": "91310106MA1FY20263",
}


async def paper(
    tx: AsyncConnection, application_id: int, purpose: files.Purpose = "licence", **other: object
) -> files.Paper:
    given: dict[str, object] = {"kind": "photo", "given": "f-1", "unique_id": "u-1", "name": None, "size": 4000}
    given |= {"caption": "", "by": "member:1", "now": NOW, **other}
    return await files.add(tx, application_id=application_id, purpose=purpose, **given)  # type: ignore[arg-type]


async def filled(tx: AsyncConnection, member_id: int) -> Application:
    draft = await onboarding.begin(tx, member_id, now=NOW)
    for field, said in ANSWERS.items():
        await onboarding.answer(tx, draft.id, field, said, programme=PROGRAMME, vault=VAULT)
    await paper(tx, draft.id)
    return await onboarding.by_id(tx, draft.id)


async def sent(tx: AsyncConnection, member_id: int) -> Application:
    draft = await filled(tx, member_id)
    return await onboarding.send(tx, draft.id, programme=PROGRAMME, by=f"member:{member_id}", now=NOW)


async def certify(tx: AsyncConnection, merchant_id: int) -> onboarding.Certified:
    for kind in certificates.KINDS:
        await certificates.enter(
            tx, merchant_id=merchant_id, kind=kind, number="A-1", issuer="信用协会", valid_until=TODAY, by="operator:9",
            two_persons=False, at=AT,
        )  # fmt: skip
    return await onboarding.certify(tx, merchant_id, programme=PROGRAMME, label="店主", by="operator:9", at=AT)


async def test_a_draft_says_what_is_still_missing_and_is_begun_once(database: Database) -> None:
    async with database.engine.begin() as tx:
        me = await joined(tx)
        draft = await onboarding.begin(tx, me.id, now=NOW)
        assert await onboarding.begin(tx, me.id, now=NOW) == draft
        assert draft.unanswered == onboarding.FIELDS
        later = await onboarding.answer(
            tx, draft.id, "licence", " 91310106\nma1fy20263 ", programme=PROGRAMME, vault=VAULT
        )
        assert later.licence == "91310106MA1FY20263"
        assert later.unanswered == ("name_zh", "name_en", "category", "region", "contact")
        with pytest.raises(ApplicationIncomplete) as no:
            await onboarding.send(tx, draft.id, programme=PROGRAMME, by="member:1", now=NOW)
        assert no.value.fields == later.unanswered and no.value.licence_file
        with pytest.raises(AnswerWrong):
            await onboarding.answer(tx, draft.id, "name_zh", "长" * 31, programme=PROGRAMME, vault=VAULT)


async def test_the_contact_is_sealed_and_goes_with_a_rejection(database: Database) -> None:
    async with database.engine.begin() as tx:
        await coalition(tx)
        me = await joined(tx)
        application = await sent(tx, me.id)
        assert application.contact is None and application.has_contact
        opened = await onboarding.by_id(tx, application.id, vault=VAULT)
        assert opened.contact == ANSWERS["contact"]
        stored = (await tx.execute(text("SELECT contact_box FROM merchant_application"))).scalar_one()
        assert ANSWERS["contact"].encode() not in bytes(stored)
        assert application.merchant_id is not None
        await onboarding.reject(tx, application.merchant_id, reason="执照看不清", by="operator:9", now=NOW)
        gone = await onboarding.by_id(tx, application.id, vault=VAULT)
        assert (gone.state, gone.contact, gone.reason) == ("rejected", None, "执照看不清")
        assert await files.of_application(tx, application.id) == []
        assert await standing.of(tx, application.merchant_id) == standing.CLOSED
        assert (await onboarding.begin(tx, me.id, now=NOW)).id != application.id, "they may try again"


async def test_sent_it_is_a_merchant_that_has_applied_and_issues_nothing(database: Database) -> None:
    async with database.engine.begin() as tx:
        await coalition(tx)
        me = await joined(tx)
        application = await sent(tx, me.id)
        assert application.merchant_id is not None
        made = await merchants.by_id(tx, application.merchant_id)
        assert (made.name_zh, made.name_en, made.category, made.region) == ("街角面包", "Corner Bakery", "dining", "sh")
        assert made.status == "applied"
        with pytest.raises(MerchantMayNotIssue):
            made.must_issue(TODAY)
        with pytest.raises(ApplicationClosed):
            await onboarding.answer(tx, application.id, "name_zh", "别名", programme=PROGRAMME, vault=VAULT)
        with pytest.raises(ApplicationClosed):
            await onboarding.send(tx, application.id, programme=PROGRAMME, by="member:1", now=NOW)
        assert [each.purpose for each in await files.of_merchant(tx, made.id)] == ["licence"]
        assert [each.id for each in await onboarding.queue(tx)] == [application.id]
        assert await onboarding.queue_length(tx) == 1


async def test_certified_the_applicant_owns_it_and_it_issues(database: Database) -> None:
    async with database.engine.begin() as tx:
        await coalition(tx)
        me = await joined(tx)
        application = await sent(tx, me.id)
        assert application.merchant_id is not None
        done = await certify(tx, application.merchant_id)
        done.merchant.must_issue(TODAY)
        assert done.applicant == me.id
        [owner] = await staff.team(tx, done.merchant.id)
        assert (owner.member_id, owner.role, owner.label) == (me.id, "owner", "店主")
        assert (await onboarding.by_id(tx, application.id)).state == "accepted"
        assert await onboarding.queue_length(tx) == 0
        assert [line.what for line in await log.read(tx, done.merchant.id, limit=2)] == [
            "certified",
            "certificate_entered",
        ]


async def test_a_withdrawn_draft_leaves_nothing_and_a_withdrawn_application_a_closed_merchant(
    database: Database,
) -> None:
    async with database.engine.begin() as tx:
        await coalition(tx)
        me = await joined(tx)
        draft = await filled(tx, me.id)
        await onboarding.withdraw(tx, draft.id, by="member:1", now=NOW)
        assert await onboarding.latest(tx, me.id) is None
        application = await sent(tx, me.id)
        assert application.merchant_id is not None
        await onboarding.withdraw(tx, application.id, by="member:1", now=NOW)
        assert (await onboarding.by_id(tx, application.id)).state == "withdrawn"
        assert await standing.of(tx, application.merchant_id) == standing.CLOSED
        with pytest.raises(ApplicationClosed):
            await onboarding.withdraw(tx, application.id, by="member:1", now=NOW)


async def test_who_sells_everywhere_has_no_region(database: Database) -> None:
    async with database.engine.begin() as tx:
        me = await joined(tx)
        draft = await filled(tx, me.id)
        await onboarding.answer(tx, draft.id, "region", onboarding.NATIONWIDE, programme=PROGRAMME, vault=VAULT)
        done = await onboarding.send(tx, draft.id, programme=PROGRAMME, by="member:1", now=NOW)
        assert done.merchant_id is not None
        assert (await merchants.by_id(tx, done.merchant_id)).region is None


async def test_a_number_that_no_longer_goes_with_the_region_is_found_when_it_is_sent(database: Database) -> None:
    abroad = PROGRAMME.regions[0].model_copy(update={"code": "hk", "mainland": False})
    programme = PROGRAMME.model_copy(update={"regions": (*PROGRAMME.regions, abroad)})
    async with database.engine.begin() as tx:
        me = await joined(tx)
        draft = await filled(tx, me.id)
        with pytest.raises(LicenceWrong):
            await onboarding.answer(tx, draft.id, "licence", "52345678-000", programme=programme, vault=VAULT)
        await onboarding.answer(tx, draft.id, "region", "hk", programme=programme, vault=VAULT)
        there = await onboarding.answer(tx, draft.id, "licence", "52345678-000", programme=programme, vault=VAULT)
        assert there.licence == "52345678-000"
        await onboarding.answer(tx, draft.id, "region", onboarding.NATIONWIDE, programme=programme, vault=VAULT)
        with pytest.raises(LicenceWrong):
            await onboarding.send(tx, draft.id, programme=programme, by="member:1", now=NOW)
        await onboarding.answer(tx, draft.id, "region", "hk", programme=programme, vault=VAULT)
        assert (await onboarding.send(tx, draft.id, programme=programme, by="member:1", now=NOW)).state == "sent"


async def test_the_same_picture_sent_twice_is_one_paper_and_papers_are_bounded(database: Database) -> None:
    async with database.engine.begin() as tx:
        me = await joined(tx)
        draft = await onboarding.begin(tx, me.id, now=NOW)
        first = await paper(tx, draft.id, "other")
        again = await paper(tx, draft.id, "licence", caption=" 正本 ")
        assert (again.id, again.purpose, again.caption) == (first.id, "licence", "正本")
        with pytest.raises(FileTooLarge):
            await paper(tx, draft.id, unique_id="big", size=files.SIZE_MOST + 1)
        for number in range(files.FILES_MOST - 1):
            await paper(tx, draft.id, unique_id=f"n{number}")
        with pytest.raises(TooManyFiles):
            await paper(tx, draft.id, unique_id="one more")
        await files.drop(tx, draft.id, first.id)
        assert len(await files.of_application(tx, draft.id)) == files.FILES_MOST - 1
