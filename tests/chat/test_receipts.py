"""The notice of each kind of entry (M13), read as the member reads it, in both languages."""

from __future__ import annotations

import datetime as dt
from typing import Any

import pytest
from sqlalchemy.ext.asyncio import AsyncConnection

from chat import receipts
from ledger.members.member import Member
from ledger.merchants.merchant import Merchant
from ledger.points import commands as points
from ledger.points.commands import Moment, NoSuchEntry
from ledger.points.engine import post
from tests.conftest import Database
from tests.turns import NOW, TODAY, coalition, earn, joined, shown, turn

AT = Moment(NOW, TODAY)


async def said(tx: AsyncConnection, member: Member, receipt: points.Receipt, language: str = "zh") -> list[str]:
    screen = await receipts.notice(tx, member.owner, receipt.entry_id, today=TODAY)
    return shown(screen, language).splitlines()


async def do(tx: AsyncConnection, kind: type[points.Command], member: Member, **facts: Any) -> points.Receipt:
    common = {"key": f"{kind.verb}:{len(facts)}:{facts}", "owner": member.owner, "currency": 1, "at": AT}
    return await post(tx, kind(**{**common, "actor": "test", **facts}))


async def spend(tx: AsyncConnection, member: Member, merchant: Merchant, amount: int) -> points.Receipt:
    offer = {"id": 1, "version": 1, "name_zh": "进口水果礼盒", "name_en": "Imported fruit box"}
    return await do(tx, points.Burn, member, merchant_id=merchant.id, points=amount, facts={"offer": offer})


async def test_points_that_are_pending_say_from_when_and_until_when(database: Database) -> None:
    async with database.engine.begin() as tx:
        market, _ = await coalition(tx)
        me = await joined(tx)
        base = {"what": "base", "amount_minor": 30000, "money": "CNY", "category": None, "rate": "2", "points": "600"}
        receipt = await earn(tx, me, market, 600, available_on=dt.date(2026, 11, 29), trace=[base])
        assert await said(tx, me, receipt) == [
            "+600 分 · 云山超市",
            "11月29日起可用,有效至 2027年11月30日",
            "可用 0 分",
            "[怎么算的]  [主菜单]",
        ]
        assert await said(tx, me, receipt, "en") == [
            "+600 pts · Yunshan Market",
            "Available from 29 Nov, good until 30 Nov 2027",
            "0 pts available",
            "[How it adds up]  [Main menu]",
        ]


async def test_a_purchase_that_earned_nothing_says_why(database: Database) -> None:
    async with database.engine.begin() as tx:
        market, _ = await coalition(tx)
        me = await joined(tx)
        receipt = await earn(tx, me, market, 0, trace=[{"what": "nothing", "because": "below_one_point"}])
        assert (await said(tx, me, receipt))[:3] == ["这次没有得分 · 云山超市", "金额不够得 1 分", "可用 0 分"]


async def test_points_of_another_currency_are_named(database: Database) -> None:
    async with database.engine.begin() as tx:
        _, rail = await coalition(tx)
        me = await joined(tx)
        receipt = await earn(tx, me, rail, 15_000, expires_on=None)
        assert (await said(tx, me, receipt))[:3] == ["+15,000 铁路积分 · 江南铁路", "不过期", "可用 15,000 铁路积分"]


async def test_a_burn_and_its_return_name_the_thing(database: Database) -> None:
    async with database.engine.begin() as tx:
        market, _ = await coalition(tx)
        me = await joined(tx)
        await earn(tx, me, market, 900)
        burn = await spend(tx, me, market, 500)
        assert (await said(tx, me, burn))[:2] == ["-500 分 · 进口水果礼盒 · 云山超市", "可用 400 分"]
        named = {"name_zh": "进口水果礼盒", "name_en": "Imported fruit box"}
        back = await do(tx, points.Reinstate, me, entry_id=burn.entry_id, grace_days=30, facts=named)
        assert (await said(tx, me, back, "en"))[:2] == ["+500 pts · Returned · Imported fruit box", "900 pts available"]


async def test_a_return_after_expiry_tells_of_the_grace(database: Database) -> None:
    async with database.engine.begin() as tx:
        market, _ = await coalition(tx)
        me = await joined(tx)
        await earn(tx, me, market, 300, expires_on=dt.date(2026, 11, 25))
        burn = await spend(tx, me, market, 300)
        late = Moment(NOW + dt.timedelta(days=10), TODAY + dt.timedelta(days=10))
        back = await do(tx, points.Reinstate, me, entry_id=burn.entry_id, grace_days=30, at=late)
        screen = await receipts.notice(tx, me.owner, back.entry_id, today=late.today)
        assert "其中 300 分本来已到期,延到 2027年1月1日" in shown(screen, today=late.today)


async def test_a_refund_beyond_what_is_left_is_a_debt_that_the_next_points_fill(database: Database) -> None:
    async with database.engine.begin() as tx:
        market, _ = await coalition(tx)
        me = await joined(tx)
        earned = await earn(tx, me, market, 300)
        await spend(tx, me, market, 250)
        refund = await do(
            tx,
            points.ClawBack,
            me,
            merchant_id=market.id,
            issuer_id=market.id,
            entry_id=earned.entry_id,
            points=300,
            reason="商品有瑕疵",
        )
        assert (await said(tx, me, refund))[:4] == [
            "-300 分 · 退货 · 云山超市",
            "原因:商品有瑕疵",
            "不够收回的 250 分记为欠分,下次在那里得的分先补上",
            "可用 0 分",
        ]
        again = await earn(tx, me, market, 400)
        lines = await said(tx, me, again)
        assert lines[1] == "其中 250 分补上了之前退货欠的"
        assert "可用 150 分" in lines


async def test_what_expires_and_what_is_corrected_is_told(database: Database) -> None:
    async with database.engine.begin() as tx:
        market, _ = await coalition(tx)
        me = await joined(tx)
        await earn(tx, me, market, 320, expires_on=dt.date(2026, 11, 30))
        later = Moment(NOW + dt.timedelta(days=9), TODAY + dt.timedelta(days=9))
        expired = await do(tx, points.Expire, me, at=later)
        screen = await receipts.notice(tx, me.owner, expired.entry_id, today=later.today)
        assert shown(screen).splitlines()[:2] == ["-320 分 · 已到期", "可用 0 分"]
        fixed = await do(tx, points.Adjust, me, at=later, issuer_id=market.id, points=20, reason="补登")
        screen = await receipts.notice(tx, me.owner, fixed.entry_id, today=later.today)
        assert shown(screen).splitlines()[:3] == ["+20 分 · 更正", "原因:补登", "可用 20 分"]


async def test_both_sides_of_a_transfer_are_told_their_own_balance(database: Database) -> None:
    async with database.engine.begin() as tx:
        market, _ = await coalition(tx)
        me, friend = await joined(tx, 1), await joined(tx, 2, "小红")
        await earn(tx, me, market, 300)
        gift = await do(tx, points.Transfer, me, to=friend.owner, points=120)
        assert (await said(tx, me, gift))[:2] == ["-120 分 · 转出", "可用 180 分"]
        assert (await said(tx, friend, gift))[:2] == ["+120 分 · 转入", "可用 120 分"]


async def test_nobody_is_told_of_anothers_entry(database: Database) -> None:
    async with database.engine.begin() as tx:
        market, _ = await coalition(tx)
        me, other = await joined(tx, 1), await joined(tx, 2)
        receipt = await earn(tx, me, market, 300)
        with pytest.raises(NoSuchEntry):
            await receipts.notice(tx, other.owner, receipt.entry_id, today=TODAY)


async def test_a_receipt_is_told_once_and_a_repeated_one_not_at_all(database: Database) -> None:
    async with database.engine.begin() as tx:
        market, _ = await coalition(tx)
        me = await joined(tx)
        first = await earn(tx, me, market, 300, key="same")
        again = await earn(tx, me, market, 300, key="same")
        at_the_till = turn(tx)
        await receipts.tell(at_the_till, first)
        await receipts.tell(at_the_till, again)
        assert [(tell.member_id, tell.key) for tell in at_the_till.tells] == [
            (me.id, f"receipt:{first.entry_id}:{me.id}")
        ]


async def test_an_exchange_says_what_it_became(database: Database) -> None:
    async with database.engine.begin() as tx:
        _, rail = await coalition(tx)
        me = await joined(tx)
        await earn(tx, me, rail, 1000)
        exchanged = await do(
            tx,
            points.Exchange,
            me,
            currency=2,
            to_currency=1,
            points=400,
            value=points.UnitValue(1, 1),
            to_value=points.UnitValue(2, 1),
            expires_on=dt.date(2027, 11, 30),
        )
        assert (await said(tx, me, exchanged))[:2] == ["-400 铁路积分 · 换成 200 分", "可用 600 铁路积分"]
        assert (await said(tx, me, exchanged, "en"))[0] == "-400 rail points · Became 200 pts"
