"""Companies: people with roles, invited once, leaving; the switch; and an account that the role decides about."""

from __future__ import annotations

import asyncio
import datetime as dt
import os

import pytest
from sqlalchemy import text

from ledger.members import business, person
from ledger.members.business import (
    CompanyNameTooLong,
    CompanyRoleTooLow,
    LastHead,
    NotOfCompany,
    OfCompanyAlready,
    TooManyCompanies,
)
from ledger.members.invitations import InvitationEnded, InvitationUnknown, InvitationUsed
from ledger.members.member import Acting, Member
from ledger.members.vault import Vault
from ledger.merchants import staff
from tests.conftest import Database
from tests.ledger.earning.shop import NOON, moment, new_member

VAULT = Vault("a secret of the tests", os.urandom)


async def test_a_company_is_a_member_with_a_name_and_no_chat(database: Database) -> None:
    async with database.engine.begin() as tx:
        who = await new_member(tx)
        head = await business.found(tx, VAULT, who, " 云帆  科技 ", region=None, at=moment())
        assert (head.company, head.role, head.member_id) == ("云帆 科技", "head", who)
        account = await person.load(tx, VAULT, head.company_id)
        assert (account.name, account.chat_id) == ("云帆 科技", -head.company_id)
        kinds = await tx.execute(text("SELECT kind, status FROM member WHERE id = :id"), {"id": head.company_id})
        assert kinds.one() == ("company", "active")
        assert await business.told(tx, [head.company_id, who]) == {head.company_id: ("云帆 科技", [who])}
        for name in (" ", "长" * 41):
            with pytest.raises(CompanyNameTooLong):
                await business.found(tx, VAULT, who, name, region=None, at=moment())
        for number in (2, 3):
            await business.found(tx, VAULT, who, f"公司{number}", region=None, at=moment())
        with pytest.raises(TooManyCompanies):
            await business.found(tx, VAULT, who, "公司4", region=None, at=moment())


async def test_an_invitation_makes_one_person_a_colleague_once(database: Database) -> None:
    async with database.engine.begin() as tx:
        who, first, second = [await new_member(tx) for _ in range(3)]
        head = await business.found(tx, VAULT, who, "云帆", region=None, at=moment())
        await business.invite(tx, VAULT, head, "buyer", "tok", now=NOON)
        with pytest.raises(InvitationUnknown):
            await staff.invitation(tx, "tok", vault=VAULT, now=NOON)
        joined = await business.accept(tx, VAULT, "tok", member_id=first, now=NOON)
        assert (joined.role, joined.company_id) == ("buyer", head.company_id)
        with pytest.raises(InvitationUsed) as no:
            await business.accept(tx, VAULT, "tok", member_id=second, now=NOON)
        assert (no.value.used_by, no.value.to_id) == (first, head.company_id)
        await business.invite(tx, VAULT, head, "viewer", "tok2", now=NOON)
        with pytest.raises(OfCompanyAlready):
            await business.accept(tx, VAULT, "tok2", member_id=first, now=NOON)
        with pytest.raises(InvitationEnded):
            await business.accept(tx, VAULT, "tok2", member_id=second, now=NOON + dt.timedelta(hours=48))
        with pytest.raises(CompanyRoleTooLow) as low:
            await business.invite(tx, VAULT, joined, "viewer", "tok3", now=NOON)
        assert low.value.facts == {"action": "people", "role": "buyer", "least": "head"}


async def test_one_may_leave_but_the_last_head_stays_and_who_is_removed_acts_no_more(database: Database) -> None:
    async with database.engine.begin() as tx:
        who, other, stranger = [await new_member(tx) for _ in range(3)]
        head = await business.found(tx, VAULT, who, "云帆", region=None, at=moment())
        buyer = await business.add(tx, company_id=head.company_id, member_id=other, role="buyer", by="test", now=NOON)
        elsewhere = await business.found(tx, VAULT, stranger, "别家", region=None, at=moment())
        with pytest.raises(NotOfCompany):
            await business.act(tx, stranger, head.company_id, now=NOON)
        await business.act(tx, other, head.company_id, now=NOON)
        with pytest.raises(CompanyRoleTooLow):
            await business.remove(tx, buyer, head.id, now=NOON)
        with pytest.raises(NotOfCompany):
            await business.remove(tx, elsewhere, buyer.id, now=NOON)
        with pytest.raises(LastHead):
            await business.remove(tx, head, head.id, now=NOON)
        await business.remove(tx, head, buyer.id, now=NOON)
        assert await tx.scalar(text("SELECT count(*) FROM acting")) == 0
        assert [each.member_id for each in await business.people(tx, head.company_id)] == [who]
        await business.add(tx, company_id=head.company_id, member_id=other, role="head", by="test", now=NOON)
        assert (await business.remove(tx, head, head.id, now=NOON)).role == "head"


async def test_two_heads_who_remove_each_other_leave_one(database: Database) -> None:
    async with database.engine.begin() as tx:
        who, other = await new_member(tx), await new_member(tx)
        first = await business.found(tx, VAULT, who, "云帆", region=None, at=moment())
        second = await business.add(tx, company_id=first.company_id, member_id=other, role="head", by="test", now=NOON)

    async def removes(remover: business.Place, gone: business.Place) -> bool:
        try:
            async with database.engine.begin() as tx:
                await business.remove(tx, remover, gone.id, now=NOON)
        except LastHead:
            return False
        return True

    assert sorted(await asyncio.gather(removes(first, second), removes(second, first))) == [False, True]
    async with database.engine.begin() as tx:
        assert len(await business.people(tx, first.company_id)) == 1


@pytest.mark.parametrize(
    ("role", "status", "buys"), [("head", "active", True), ("buyer", "active", True), ("viewer", "viewing", False)]
)
def test_the_account_in_somebodys_hands_spends_as_their_role_allows(role: str, status: str, buys: bool) -> None:
    ming = Member(7, "active", acts_for=Acting(40, "云帆", role))
    account = ming.account
    assert (account.id, account.status, account.actor, account.account) == (40, status, "company:40:7", account)
    assert Member(7, "active").account == Member(7, "active")
    if buys:
        business.must_buy(account)
    else:
        with pytest.raises(CompanyRoleTooLow):
            business.must_buy(account)
    business.must_buy(ming)
