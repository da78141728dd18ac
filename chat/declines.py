"""Purchases that were declined for cover, in words: what their member hears and reads, and the refusals about them."""

from __future__ import annotations

import datetime as dt
from collections.abc import Sequence

from sqlalchemy.ext.asyncio import AsyncConnection

from chat import desk_doors, documents, doors, known
from chat.known import Known
from chat.refusals import Worded, worded
from chat.screen import BLANK, Line, Screen, screen
from chat.turn import Tell
from chat.words import Both, Money, Text, t, tn
from ledger.earning import declined
from ledger.earning.declined import KEPT_DAYS, Declined, Open
from ledger.merchants.guarantee import Cover


def row(one: Declined, names: Known, zone: dt.tzinfo) -> Text:
    """A line of the member's history."""
    return t(
        "{change} · {what} · {on}",
        change=names.points(one.currency_id, 0),
        what=names.merchant(one.merchant_id),
        on=one.occurred_at.astimezone(zone).date(),
    )


def why(one: Declined, names: Known, zone: dt.tzinfo) -> list[Line | None]:
    """One of them opened by its member: that nothing was given, why, and what comes next."""
    until = one.declined_at.astimezone(zone).date() + dt.timedelta(days=KEPT_DAYS)
    document = documents.given(one.document)
    return [
        t(
            "<b>{change}</b> · {what} · {when}",
            change=names.points(one.currency_id, 0),
            what=names.merchant(one.merchant_id),
            when=one.occurred_at,
        ),
        BLANK,
        t("店里的发分额度用完了,这笔没有得分。"),
        t("店里决定不补记;有疑问请问店里。") if one.dropped_at else t("恢复后店里可以补记,记了会告诉您。"),
        None if one.dropped_at else t("这条记录留到 {until}。", until=until),
        BLANK,
        t("消费 {amount}", amount=Money(one.amount_minor, one.money))
        if document is None
        else t("小票 {document} · 消费 {amount}", document=document, amount=Money(one.amount_minor, one.money)),
    ]


def notice(one: Declined, names: Known) -> Screen:
    """What a member hears of a declined purchase, in place of a receipt."""
    lines: list[Line | None] = [
        t(
            "<b>{change}</b> · {what} · {amount}",
            change=names.points(one.currency_id, 0),
            what=names.merchant(one.merchant_id),
            amount=Money(one.amount_minor, one.money),
        ),
        t("店里的发分额度用完了,这笔已留底。"),
        t("恢复后店里可以补记,记了会告诉您。"),
    ]
    return screen(lines, [[doors.declined_why(t("看这一笔"), one.id), doors.home()]])


async def tells(tx: AsyncConnection, keys: Sequence[tuple[int, str]], *, now: dt.datetime) -> list[Tell]:
    """What members are to hear of these (merchant, document), which were declined: once for each."""
    found = await declined.to_tell(tx, keys, now=now)
    if not found:
        return []
    names = await known.read(tx)
    return [Tell(one.member_id, notice(one, names), key=f"declined:{one.id}:{one.member_id}") for one in found]


def waiting(found: Open, money: str) -> Text:
    """What a merchant could book."""
    return tn("未发放 {n} 笔 · {amount}", n=found.purchases, amount=Money(found.amount_minor, money))


def can_be_booked(found: Cover, open_: Open, merchant: Both | Text) -> Screen:
    """Cover is back: what was declined can be booked. To those who run the merchant."""
    lines: list[Line] = [
        t("<b>{merchant}又能发分了</b>", merchant=merchant),
        waiting(open_, found.money),
        t("还能发 {free}", free=Money(found.free_minor, found.money)),
    ]
    door = desk_doors.declined(t("看未发放的"), found.merchant_id)
    return screen(lines, [[desk_doors.make_up(found.merchant_id, open_.purchases)], [door, doors.home()]])


@worded(declined.NoSuchDeclined)
def _(no: declined.NoSuchDeclined) -> Worded:
    return Worded(t("没有这条记录"), tn("没发分的消费留 {n} 天。", n=KEPT_DAYS))


@worded(declined.NotDeclinedAnyMore)
def _(no: declined.NotDeclinedAnyMore) -> Worded:
    return Worded(t("这笔已经补记了") if no.booked else t("这笔已经不补记了"), t("什么都没有变。"))


@worded(declined.PurchaseDeclined)
def _(no: declined.PurchaseDeclined) -> Worded:
    return Worded(
        t("这张小票还没有发过分"),
        t("当时额度不够,没有可退的分。整单退了,请店长在「未发放」里选不补记;只退一部分,先补记再退。"),
        (desk_doors.counter(),),
    )
