"""Claiming an imported account: points move with their lots, once, and codes can't be tried out."""

from __future__ import annotations

import datetime as dt

import pytest
from sqlalchemy import text
from sqlalchemy.ext.asyncio import AsyncConnection

from ledger.errors import Refusal
from ledger.members import claims
from ledger.members.claims import ClaimCodeUnknown, Claimed, NoSuchAccount, TooManyClaimCodes
from ledger.members.member import Member
from ledger.members.succession import AccountInMotion
from ledger.merchants.merchant import Merchant
from ledger.points import statements
from ledger.points.audit import audit
from ledger.points.commands import Burn, ClawBack, Hold, Moment, Void
from ledger.points.engine import post
from tests.conftest import Database
from tests.turns import NOW, TODAY, coalition, earn, joined, vault

AT = Moment(NOW, TODAY)
CODE = "GIFT-2026-AB"


async def imported(tx: AsyncConnection, merchant: Merchant, external_id: str = "17850") -> Member:
    """An unclaimed account of the merchant's, with a claim code."""
    made = await tx.scalar(text("INSERT INTO member (status) VALUES ('unclaimed') RETURNING id"))
    await tx.execute(
        text(
            "INSERT INTO external_account (merchant_id, external_id, member_id) VALUES (:merchant, :external, :member)"
        ),
        {"merchant": merchant.id, "external": external_id, "member": made},
    )
    await claims.give_code(tx, vault(), merchant_id=merchant.id, external_id=external_id, code=CODE)
    return Member(made, "unclaimed")


async def try_code(tx: AsyncConnection, member: Member, code: str, at: Moment = AT) -> Claimed | Refusal:
    return await claims.claim(tx, vault(), member_id=member.id, code=code, at=at)


async def test_the_points_move_with_issuer_and_expiry(database: Database) -> None:
    async with database.engine.begin() as tx:
        market, _ = await coalition(tx)
        account, me = await imported(tx, market), await joined(tx)
        await earn(tx, account, market, 300, expires_on=dt.date(2026, 12, 31))
        await earn(tx, account, market, 200, expires_on=None)
        answer = await try_code(tx, me, "gift 2026 ab")
        assert isinstance(answer, Claimed)
        assert [r.points for r in answer.receipts] == [500]
        due = await statements.schedule(tx, me.owner, today=TODAY)
        assert [(d.expires_on, d.points, d.issuer_id) for d in due] == [
            (dt.date(2026, 12, 31), 300, market.id),
            (None, 200, market.id),
        ]
        assert await tx.scalar(text("SELECT status FROM member WHERE id = :id"), {"id": account.id}) == "closed"
        assert (await audit(tx)).holds


async def test_an_account_is_claimed_once(database: Database) -> None:
    async with database.engine.begin() as tx:
        market, _ = await coalition(tx)
        account = await imported(tx, market)
        await earn(tx, account, market, 300)
        me, friend = await joined(tx, 1), await joined(tx, 2)
        assert isinstance(await try_code(tx, me, CODE), Claimed)
        assert isinstance(await try_code(tx, friend, CODE), ClaimCodeUnknown)
        with pytest.raises(NoSuchAccount):
            await claims.give_code(tx, vault(), merchant_id=market.id, external_id="17850", code="ANOTHER-CODE")


async def test_wrong_codes_are_counted_and_then_wait_a_day(database: Database) -> None:
    async with database.engine.begin() as tx:
        market, _ = await coalition(tx)
        account, me = await imported(tx, market), await joined(tx)
        await earn(tx, account, market, 300)
        left = [await try_code(tx, me, f"WRONG-{n}-CODE") for n in range(claims.WRONG_CODES_MAX)]
        assert [no.left for no in left if isinstance(no, ClaimCodeUnknown)] == [4, 3, 2, 1, 0]
        no = await try_code(tx, me, CODE)
        assert isinstance(no, TooManyClaimCodes)
        assert no.again_at == NOW + dt.timedelta(hours=24)
        tomorrow = Moment(NOW + dt.timedelta(hours=24), TODAY + dt.timedelta(days=1))
        assert isinstance(await try_code(tx, me, CODE, tomorrow), Claimed)


async def test_pending_points_come_along_and_stay_pending(database: Database) -> None:
    async with database.engine.begin() as tx:
        market, _ = await coalition(tx)
        account, me = await imported(tx, market), await joined(tx)
        await earn(tx, account, market, 100)
        await earn(tx, account, market, 300, available_on=dt.date(2026, 11, 29), transferable=False)
        answer = await try_code(tx, me, CODE)
        assert isinstance(answer, Claimed) and [r.points for r in answer.receipts] == [400]
        [held] = await statements.wallet(tx, me.owner, today=TODAY)
        assert (held.available, held.pending, held.next_release) == (100, 300, (dt.date(2026, 11, 29), 300))
        assert (await audit(tx)).holds


async def test_points_on_hold_wait_until_they_are_spent_or_free(database: Database) -> None:
    async with database.engine.begin() as tx:
        market, _ = await coalition(tx)
        account, me = await imported(tx, market), await joined(tx)
        await earn(tx, account, market, 100)
        held = await post(tx, Hold(key="h", owner=account.owner, currency=1, at=AT, actor="test", points=30))
        no = await try_code(tx, me, CODE)
        assert isinstance(no, AccountInMotion) and no.points == 30
        await post(
            tx,
            Void(key="v", owner=account.owner, currency=1, at=AT, actor="test", hold_id=held.entry_id, grace_days=30),
        )
        assert isinstance(await try_code(tx, me, CODE), Claimed)


async def test_what_the_account_owed_is_owed_by_who_claims_it(database: Database) -> None:
    async with database.engine.begin() as tx:
        market, rail = await coalition(tx)
        account, me = await imported(tx, market), await joined(tx)
        bought = await earn(tx, account, market, 100)
        burnt = {"owner": account.owner, "currency": 1, "at": AT, "actor": "test"}
        await post(tx, Burn(key="b", points=100, merchant_id=rail.id, **burnt))
        await post(tx, ClawBack(key="c", entry_id=bought.entry_id, issuer_id=market.id, points=100, **burnt))
        assert isinstance(await try_code(tx, me, CODE), Claimed)
        [held] = await statements.wallet(tx, me.owner, today=TODAY)
        assert held.deficits == {market.id: 100}
        assert (await audit(tx)).holds


async def test_an_empty_account_is_claimed_without_a_receipt(database: Database) -> None:
    async with database.engine.begin() as tx:
        market, _ = await coalition(tx)
        await imported(tx, market)
        answer = await try_code(tx, await joined(tx), CODE)
        assert isinstance(answer, Claimed)
        assert answer.receipts == ()


async def test_the_code_itself_is_not_stored_and_may_not_be_short(database: Database) -> None:
    async with database.engine.begin() as tx:
        market, _ = await coalition(tx)
        await imported(tx, market)
        stored = await tx.scalar(text("SELECT claim_index FROM external_account"))
        assert stored == vault().blind("claim", "GIFT2026AB")
        with pytest.raises(claims.ClaimCodeTooShort):
            await claims.give_code(tx, vault(), merchant_id=market.id, external_id="17850", code="A-1 2")
