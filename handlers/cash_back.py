"""Cash that has to go back to members: a counter's list of what it took, the operator's of what a provider took; one tap each.

A merchant's number of 0 is the operator's desk.
"""

from __future__ import annotations

from chat import cash as words
from chat import desk, desk_doors, operator_doors, till
from chat.arguments import number
from chat.feature import Feature
from chat.offers import both
from chat.screen import BLANK, Button, Line, Screen, screen
from chat.till import Post
from chat.turn import Turn
from chat.words import Money, Text, t
from ledger.merchants import staff
from ledger.redeeming import cash_refunds
from ledger.redeeming.cash_refunds import CashRefund

feature = Feature("cash_back", order=77)

PER_PAGE = 8
ROLES = ("admin", "finance")
"""Of the operator's people, who sends money back."""


async def here(turn: Turn, merchant: str) -> Post | None:
    """The counter; None: the operator's desk. Refuses whoever has no business there."""
    if number(merchant):
        post = await till.post_at(turn, number(merchant))
        post.staff.demand("verify")
        return post
    await desk.demand(turn, *ROLES)
    return None


def _number(post: Post | None) -> int | None:
    return None if post is None else post.merchant.id


def _home(post: Post | None) -> Button:
    return operator_doors.operator(t("返回")) if post is None else desk_doors.counter(t("返回"))


@feature.tap("list")
async def list_(turn: Turn, merchant: str = "0", page: str = "0", done: str = "0") -> Screen:
    """Lists what is to go back, oldest first; or what went, newest first."""
    return await _list(turn, await here(turn, merchant), number(page), done == "1")


async def _list(turn: Turn, post: Post | None, page: int = 0, done: bool = False, *first: Line) -> Screen:
    at = page * PER_PAGE
    found = await cash_refunds.page(turn.tx, _number(post), open_=not done, offset=at, limit=PER_PAGE + 1)
    shown = found[:PER_PAGE]
    heading = t("退好的钱") if done else t("要退的钱")
    where = t("支付平台") if post is None else post.where
    lines: list[Line] = [*first, t("<b>{heading}</b> · {where}", heading=heading, where=where)]
    if not shown:
        lines.append(t("没有更早的了。") if page else t("还没有。") if done else t("没有要退的。"))
    rows: list[list[Button | None]] = [[await _row(turn, post, each)] for each in shown]
    me, flag = _number(post) or 0, int(done)
    rows += [
        [
            feature.button(t("上一页"), "list", me, page - 1, flag) if page else None,
            feature.button(t("下一页"), "list", me, page + 1, flag) if len(found) > PER_PAGE else None,
        ],
        [feature.button(t("还没退的") if done else t("退好的"), "list", me, 0, int(not done)), _home(post)],
    ]
    return screen(lines, rows)


async def _row(turn: Turn, post: Post | None, each: CashRefund) -> Button:
    who = await till.customer(turn, each.member_id)
    facts = {"amount": Money(each.minor, each.money), "who": who, "offer": both(each.offer)}
    return feature.button(t("{amount} · {who} · {offer}", **facts), "show", _number(post) or 0, each.id)


@feature.tap("show")
async def show(turn: Turn, merchant: str, refund: str) -> Screen:
    """Opens one: to whom, how much, for what, why; and the tap that says it is done."""
    post = await here(turn, merchant)
    return await _show(turn, post, await cash_refunds.one(turn.tx, _number(post), number(refund)))


async def _show(turn: Turn, post: Post | None, task: CashRefund) -> Screen:
    who, amount = await till.customer(turn, task.member_id), Money(task.minor, task.money)
    lines: list[Line | None] = [
        t("退 <b>{amount}</b> 给 <b>{who}</b>", amount=amount, who=who),
        t("{offer} · {why}", offer=both(task.offer), why=words.WHYS[task.why]),
        t("{when} 起", when=task.opened_at),
        BLANK,
    ]
    rows: list[list[Button | None]] = []
    if task.done_at is not None:
        lines.append(t("{when} 已退", when=task.done_at))
        lines.append(t("经手:{label}", label=await _by(turn, task)))
    else:
        lines += _how(post, task)
        rows.append(
            [feature.button(t("已退 {amount}", amount=amount), "done", _number(post) or 0, task.id, style="primary")]
        )
    rows.append([feature.button(t("返回"), "list", _number(post) or 0)])
    return screen(lines, rows)


async def _by(turn: Turn, task: CashRefund) -> Text | str:
    """Who said that it is done."""
    kind, _, who = (task.done_by or "").partition(":")
    at_till = await staff.by_id(turn.tx, int(who)) if kind == "staff" else None
    return t("运营") if at_till is None else at_till.label


def _how(post: Post | None, task: CashRefund) -> list[Text]:
    if post is not None:
        return [t("请会员给您看券,核对名字再给现金。"), t("给了再点。")]
    return [
        t("在支付平台退这一笔:"),
        t("<code>{charge}</code>", charge=task.provider_charge or ""),
        t("{merchant} 不用付。退了再点。", merchant=both(task.merchant)),
    ]


@feature.tap("done")
async def done(turn: Turn, merchant: str, refund: str) -> Screen:
    """Notes that the cash is back, by whom, and tells the member. Again: shows that it is."""
    post = await here(turn, merchant)
    if post is None:
        task, now = await cash_refunds.sent_back(turn.tx, number(refund), by=desk.actor(turn), now=turn.now)
    else:
        task, now = await cash_refunds.paid_back(turn.tx, post.staff, number(refund), now=turn.now)
    if not now:
        return await _show(turn, post, task)
    turn.tell(task.member_id, words.back_notice(task), key=f"cash-back:{task.id}")
    amount, who = Money(task.minor, task.money), await till.customer(turn, task.member_id)
    return await _list(turn, post, 0, False, t("已退 {amount} 给 {who}", amount=amount, who=who), BLANK)
