"""Who works at a counter: the table of authority, one-time invitations, leaving."""

from __future__ import annotations

import asyncio
import datetime as dt
import os

import pytest

from ledger.errors import Refusal
from ledger.members.invitations import InvitationEnded, InvitationUnknown, InvitationUsed
from ledger.members.vault import Vault
from ledger.merchants import authority, staff
from ledger.merchants.authority import NotAllowed
from ledger.merchants.staff import (
    AlreadyStaff,
    LabelTooLong,
    LastOwner,
    NotStaff,
)
from tests.conftest import Database
from tests.ledger.earning.shop import NOON, Shop, new_member, open_shop

VAULT = Vault("a secret of the tests", os.urandom)


async def invite(tx, shop: Shop, token: str = "tok", *, by: str = "owner", role: str = "cashier", label: str = "5号台"):
    inviter = getattr(shop, by)
    return await staff.invite(tx, inviter=inviter, role=role, label=label, token=token, vault=VAULT, now=NOON)


def test_the_table_of_authority_reads_as_the_roles_are_described() -> None:
    allowed = {role: {a for a in authority.ACTIONS if authority.may(role, a)} for role in authority.ROLES}
    assert allowed["cashier"] == {
        "award", "verify", "sell_tiers", "give_privileges", "see_own_day", "take_back_own", "work_shift",
    }  # fmt: skip
    assert allowed["owner"] - allowed["manager"] == {
        "add_manager", "remove_manager", "see_papers", "see_log", "see_cover", "fund_dividends", "manage_api", "change_rules",
    }  # fmt: skip
    assert allowed["manager"] > allowed["cashier"]
    assert not any(authority.may(None, action) for action in authority.ACTIONS)
    with pytest.raises(NotAllowed) as no:
        authority.demand("cashier", "refund")
    assert no.value.facts == {"action": "refund", "role": "cashier", "needed": ("owner", "manager")}


async def test_an_invitation_makes_one_person_staff_once(database: Database) -> None:
    async with database.engine.begin() as tx:
        shop = await open_shop(tx)
        first, second = await new_member(tx), await new_member(tx)
        offered = await invite(tx, shop, label=" 5号台\n ")
        assert await staff.invitation(tx, "tok", vault=VAULT, now=NOON) == offered
        joined = await staff.accept(tx, "tok", member_id=first, vault=VAULT, now=NOON)
        assert (joined.role, joined.label) == ("cashier", "5号台")
        assert await staff.places(tx, first) == [joined]
        with pytest.raises(InvitationUsed):
            await staff.accept(tx, "tok", member_id=second, vault=VAULT, now=NOON)
        with pytest.raises(InvitationUnknown):
            await staff.accept(tx, "other", member_id=second, vault=VAULT, now=NOON)


async def test_of_two_who_use_one_link_at_once_one_joins(database: Database) -> None:
    async with database.engine.begin() as tx:
        shop = await open_shop(tx)
        people = [await new_member(tx) for _ in range(4)]
        await invite(tx, shop)

    async def use(who: int) -> str:
        try:
            async with database.engine.begin() as tx:
                await staff.accept(tx, "tok", member_id=who, vault=VAULT, now=NOON)
                return "joined"
        except Refusal as no:
            return no.code

    assert sorted(await asyncio.gather(*map(use, people))) == ["invitation_used"] * 3 + ["joined"]


async def test_a_link_ends_and_serves_nobody_who_is_there_already(database: Database) -> None:
    async with database.engine.begin() as tx:
        shop = await open_shop(tx)
        offered = await invite(tx, shop)
        with pytest.raises(AlreadyStaff) as no:
            await staff.accept(tx, "tok", member_id=shop.cashier.member_id, vault=VAULT, now=NOON)
        assert no.value.role == "cashier"
        late = offered.expires_at
        with pytest.raises(InvitationEnded):
            await staff.accept(tx, "tok", member_id=shop.customer, vault=VAULT, now=late)
        early = late - dt.timedelta(seconds=1)
        await staff.accept(tx, "tok", member_id=shop.customer, vault=VAULT, now=early)


async def test_who_may_invite_whom(database: Database) -> None:
    async with database.engine.begin() as tx:
        shop = await open_shop(tx)
        await invite(tx, shop, "1", by="owner", role="manager")
        await invite(tx, shop, "2", by="manager", role="cashier")
        for by, role in (("manager", "manager"), ("cashier", "cashier")):
            with pytest.raises(NotAllowed):
                await invite(tx, shop, "3", by=by, role=role)
        for label in (" ", "长" * 25):
            with pytest.raises(LabelTooLong):
                await invite(tx, shop, "3", label=label)


async def test_who_may_remove_whom_and_that_an_owner_stays(database: Database) -> None:
    async with database.engine.begin() as tx:
        shop, other = await open_shop(tx), await open_shop(tx, code="other")
        for remover, gone, refusal in [
            (shop.manager, shop.owner, NotAllowed),
            (shop.cashier, shop.colleague, NotAllowed),
            (other.owner, shop.cashier, NotStaff),
            (shop.owner, shop.owner, LastOwner),
        ]:
            with pytest.raises(refusal):
                await staff.remove(tx, remover=remover, staff_id=gone.id, now=NOON)
        await staff.remove(tx, remover=shop.manager, staff_id=shop.cashier.id, now=NOON)
        await staff.remove(tx, remover=shop.colleague, staff_id=shop.colleague.id, now=NOON)
        assert [s.label for s in await staff.team(tx, shop.merchant.id)] == ["店主", "店长"]
        with pytest.raises(NotStaff):
            await staff.remove(tx, remover=shop.manager, staff_id=shop.cashier.id, now=NOON)
        with pytest.raises(NotStaff):
            await staff.at(tx, shop.cashier.member_id, shop.merchant.id)
        was = await staff.by_id(tx, shop.cashier.id)
        assert was is not None
        assert was.label == "3号台"
        back = await staff.add(
            tx,
            merchant_id=shop.merchant.id,
            member_id=shop.cashier.member_id,
            role="cashier",
            label="6号台",
            by="test",
            now=NOON,
        )
        assert back.id != shop.cashier.id
