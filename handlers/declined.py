"""What a merchant sold while its cover was used up: a list, and one tap that books all of it once there is cover again."""

from __future__ import annotations

from chat import declines, desk_doors, documents, doors, known, receipts, tiers, till
from chat.arguments import number
from chat.feature import Feature
from chat.refusals import wording
from chat.screen import BLANK, Button, Line, Screen, screen
from chat.till import Post
from chat.turn import Turn
from chat.words import Money, Text, t, tn
from ledger.earning import declined, making_up
from ledger.earning.declined import Declined
from ledger.earning.making_up import MadeUp
from ledger.merchants import authority, guarantee, staff

feature = Feature("declined", order=79)

PER_PAGE = 8
REFUSED_SHOWN = 3


async def post_of(turn: Turn, merchant: str) -> Post:
    """The counter of whoever may book what was declined there."""
    turn.finish()
    post = await till.post_at(turn, number(merchant))
    post.staff.demand("book_declined")
    return post


def back(post: Post) -> list[Button | None]:
    """The ways on from here."""
    return [desk_doors.merchant(t("返回"), post.merchant.id), doors.home()]


@feature.tap("home")
async def home(turn: Turn, merchant: str, page: str = "0") -> Screen:
    """Lists what was declined, the earliest first."""
    post, at = await post_of(turn, merchant), number(page)
    here = post.merchant.id
    waiting = await declined.waiting(turn.tx, here)
    if not waiting.purchases:
        return screen([t("没有未发放的消费。")], [back(post)])
    found = await declined.page(turn.tx, here, offset=at * PER_PAGE, limit=PER_PAGE + 1)
    lines: list[Line] = [
        t("<b>{waiting}</b>", waiting=declines.waiting(waiting, post.merchant.money)),
        t("发生时额度用完,会员还没有得分。"),
        tn("记录留 {n} 天;店里再发同一单也会照常记。", n=declined.KEPT_DAYS),
    ]
    rows: list[list[Button | None]] = [[desk_doors.make_up(here, waiting.purchases)]]
    rows += [[feature.button(_row(one), "open", here, one.id)] for one in found[:PER_PAGE]]
    rows += [
        [
            feature.button(t("上一页"), "home", here, at - 1) if at else None,
            feature.button(t("下一页"), "home", here, at + 1) if len(found) > PER_PAGE else None,
        ],
        back(post),
    ]
    return screen(lines, rows)


def _row(one: Declined) -> Text:
    facts = {"when": one.occurred_at, "amount": Money(one.amount_minor, one.money)}
    return t("{when} · {amount} · {till}", till=one.till, **facts) if one.till else t("{when} · {amount}", **facts)


@feature.tap("open")
async def open_(turn: Turn, merchant: str, declined_id: str) -> Screen:
    """Opens one of them."""
    post = await post_of(turn, merchant)
    one = await making_up.of_merchant(turn.tx, post.staff, number(declined_id))
    by = await staff.by_id(turn.tx, one.staff_id) if one.staff_id else None
    document = documents.given(one.document)
    lines: list[Line | None] = [
        t("<b>{amount}</b> · {when}", amount=Money(one.amount_minor, one.money), when=one.occurred_at),
        t("会员 {name}", name=await till.customer(turn, one.member_id)),
        t("小票 {document}", document=document) if document else None,
        t("{till} · {who}", till=one.till, who=by.label)
        if one.till and by
        else t("经手 {who}", who=by.label)
        if by
        else None,
        BLANK,
        t("已经补记了。")
        if one.booked_as
        else t("已经不补记了。")
        if one.dropped_at
        else t("额度用完,没有发分。货退了就不用补记。"),
    ]
    drop = feature.button(t("不补记"), "drop", post.merchant.id, one.id) if one.is_open else None
    rows: list[list[Button | None]] = [[drop], [feature.button(t("返回"), "home", post.merchant.id), doors.home()]]
    return screen(lines, rows)


@feature.tap("drop")
async def drop(turn: Turn, merchant: str, declined_id: str) -> Screen:
    """Asks whether one of them shall not be booked."""
    post = await post_of(turn, merchant)
    one = await making_up.of_merchant(turn.tx, post.staff, number(declined_id))
    lines: list[Line] = [
        t("{amount} 这笔不补记?", amount=Money(one.amount_minor, one.money)),
        t("会员在明细里会看到店里没有补记。"),
    ]
    here = post.merchant.id
    yes = feature.button(t("不补记"), "dropped", here, one.id, style="danger")
    return screen(lines, [[yes, feature.button(t("返回"), "open", here, one.id)]])


@feature.tap("dropped")
async def dropped(turn: Turn, merchant: str, declined_id: str) -> Screen:
    """Lets one of them not be booked."""
    post = await post_of(turn, merchant)
    await making_up.drop(turn.tx, post.staff, number(declined_id), at=turn.at)
    return screen([t("好的,这笔不补记。")], [[feature.button(t("返回"), "home", post.merchant.id), doors.home()]])


@feature.tap("ask")
async def ask(turn: Turn, merchant: str) -> Screen:
    """Says what booking all of them does."""
    post = await post_of(turn, merchant)
    here = post.merchant.id
    waiting = await declined.waiting(turn.tx, here)
    if not waiting.purchases:
        return screen([t("没有未发放的消费。")], [back(post)])
    held = await guarantee.find(turn.tx, here) if authority.may(post.staff.role, "see_cover") else None
    money = post.merchant.money
    lines: list[Line | None] = [
        tn("补记 {n} 笔 · {amount}?", n=waiting.purchases, amount=Money(waiting.amount_minor, money)),
        t("按消费当时的规则给分,会员会收到通知。"),
        t("从最早的开始;额度不够的留着。"),
        tn("一次最多 {n} 笔。", n=making_up.AT_ONCE) if waiting.purchases > making_up.AT_ONCE else None,
        t("现在还能发 {free}", free=Money(held.free_minor, held.money)) if held else None,
    ]
    yes = feature.button(t("补记"), "book", here, style="primary")
    return screen(lines, [[yes, feature.button(t("返回"), "home", here)]])


@feature.tap("book")
async def book(turn: Turn, merchant: str) -> Screen:
    """Books them, tells their members, and says what is left."""
    post = await post_of(turn, merchant)
    done = await making_up.book_open(turn.tx, post.merchant, post.staff, at=turn.at, zone=turn.zone, vault=turn.vault)
    for each in done.booked:
        if each.receipt is not None:
            await receipts.tell(turn, each.receipt)
    for member_id in dict.fromkeys(each.purchase.member_id for each in done.booked):
        await tiers.look(turn, member_id)
    here = post.merchant.id
    waiting = await declined.waiting(turn.tx, here)
    again = desk_doors.make_up(here, waiting.purchases) if waiting.purchases and not done.uncovered else None
    rows: list[list[Button | None]] = [
        [again],
        [feature.button(t("看未发放的"), "home", here) if waiting.purchases else None],
        back(post),
    ]
    return screen(await _said(turn, post, done, waiting), rows)


async def _said(turn: Turn, post: Post, done: MadeUp, waiting: declined.Open) -> list[Line | None]:
    names = await known.read(turn.tx)
    lines: list[Line | None] = []
    if done.booked:
        given = names.points(post.merchant.terms.currency, sum(each.purchase.points for each in done.booked))
        lines.append(tn("已补记 <b>{n} 笔</b>,发 {points}", n=len(done.booked), points=given))
    elif not waiting.purchases:
        lines.append(t("没有要补记的了。"))
    else:
        lines.append(t("没有补记。"))
    if done.uncovered:
        lines.append(tn("额度还不够,{n} 笔留着", n=done.uncovered))
    for one, no in done.refused[:REFUSED_SHOWN]:
        lines.append(t("{when} · {why}", when=one.occurred_at, why=wording(no).headline))
    if waiting.purchases:
        lines += [BLANK, declines.waiting(waiting, post.merchant.money)]
    return lines
