"""The family's pool in words: what lies in it, what one may spend of it, and why something can't be done."""

from __future__ import annotations

from chat import doors
from chat.lots import would_use
from chat.offers import both, points_of, thing
from chat.refusals import Worded, worded
from chat.screen import BLANK, Button, Line, Screen, screen
from chat.turn import Turn
from chat.words import Points, Text, t
from ledger.members import pools
from ledger.members.pools import Pool
from ledger.points import statements
from ledger.points.commands import NotEnoughPoints, Owner
from ledger.redeeming import pool_spending
from ledger.redeeming.may_redeem import Listed
from ledger.redeeming.offers import Quote
from ledger.redeeming.pool_spending import Right


async def right_of(turn: Turn) -> Right | None:
    """What this person may spend of their family's pool; None where they belong to no family yet, or act for a company."""
    if turn.me.acts_for is not None:
        return None
    right = await pool_spending.right(turn.tx, turn.me.id, today=turn.today)
    return right if right is not None and right.place.in_from <= turn.today else None


async def lies_in(turn: Turn, right: Right) -> Pool:
    """What lies in the pool, of common points."""
    common = turn.programme.common_currency
    return await pools.shown(turn.tx, right.family.id, turn.me.id, common, today=turn.today)


async def payer(turn: Turn) -> Owner:
    """The pool, to pay from. `NotInFamily`, `NotInFamilyYet`."""
    right = await right_of(turn)
    if right is None:
        raise pool_spending.NoPool()
    return pools.owner(right.family.id)


def may_use(right: Right) -> Text | None:
    """How much of it somebody may spend; None: all there is."""
    if right.left is None:
        return None
    if not right.most:
        return t("用要家长同意")
    return t("您这个月还能用 {left}", left=Points(right.left))


async def beside(turn: Turn) -> Text | None:
    """The line below somebody's own points; None where there is no pool, or nothing in it."""
    right = await right_of(turn)
    if right is None or not (lies := (await lies_in(turn, right)).available):
        return None
    facts, may = {"points": Points(lies)}, may_use(right)
    return t("家庭池里另有 {points},{may}", may=may, **facts) if may else t("家庭池里另有 {points}", **facts)


def limit(most: int | None) -> Text:
    """Somebody's limit for a month, as the head reads it."""
    if most is None:
        return t("随便用")
    return t("每月 {most}", most=Points(most)) if most else t("每次问您")


def limited(most: int | None) -> Text:
    """The same, as whoever it is for hears it."""
    if most is None:
        return t("家庭池您可以随便用了")
    return t("家庭池您每月能用 <b>{most}</b>", most=Points(most)) if most else t("用家庭池以后每次问家长")


def answers(request_id: int) -> list[list[Button | None]]:
    """What the head may say to somebody who asks for the pool."""
    yes = Button(t("同意"), data=f"pool:answer:{request_id}:y", style="primary")
    return [[yes, Button(t("不同意"), data=f"pool:answer:{request_id}:n")]]


@worded(pools.PercentNotAllowed)
def _(no: pools.PercentNotAllowed) -> Worded:
    return Worded(t("请写 {least} 到 {most} 之间的数", least=str(no.least), most=str(no.most)), None, (doors.pool(),))


@worded(pool_spending.NoPool)
def _(no: pool_spending.NoPool) -> Worded:
    return Worded(t("您现在没有家庭池可用"), t("加入家庭、过了起算日,就能一起攒、一起用。"), (doors.family(),))


@worded(pool_spending.PoolShort)
def _(no: pool_spending.PoolShort) -> Worded:
    facts = {"needed": Points(no.needed), "available": Points(no.available)}
    return Worded(
        t("家庭池还差 {lacking}", lacking=Points(no.needed - no.available)),
        t("这要 {needed},池里有 {available}。", **facts),
        (doors.pool(), doors.offer(t("返回"), no.offer_id)),
    )


@worded(pool_spending.AbovePoolLimit)
def _(no: pool_spending.AbovePoolLimit) -> Worded:
    facts = {"needed": Points(no.needed), "left": Points(no.left), "most": Points(no.most)}
    if not no.most:
        return Worded(t("用家庭池要家长同意"), None, (doors.pool(),))
    return Worded(t("超过了您这个月的上限"), t("这要 {needed};上限 {most},还能用 {left}。", **facts), (doors.pool(),))


@worded(pool_spending.PoolRequestOpen)
def _(no: pool_spending.PoolRequestOpen) -> Worded:
    return Worded(
        t("您已经问过家长一次了"),
        t("等那次有了答复,或过时作废,再问下一次。"),
        (doors.offer(t("看那一项"), no.offer_id), doors.pool()),
    )


@worded(pool_spending.PoolRequestOver)
def _(no: pool_spending.PoolRequestOver) -> Worded:
    said: dict[str, Text] = {
        "allowed": t("这次已经同意过了"),
        "used": t("这次同意过,也用掉了"),
        "refused": t("这次已经说了不同意"),
        "lapsed": t("这次过时了,没有算数"),
    }
    return Worded(said.get(no.state, said["lapsed"]), None, (doors.pool(),))


def too_few(no: NotEnoughPoints, *, taking: bool) -> Text:
    """Why so many can't be put in, or taken out."""
    have = Points(no.available)
    return t("池里您的只有 {have}", have=have) if taking else t("您可用的只有 {have}", have=have)


# -- at a confirm screen


async def could_pay(turn: Turn, listed: Listed, quote: Quote) -> bool:
    """Whether the family's pool holds enough for it."""
    if listed.currency_id != turn.programme.common_currency or (right := await right_of(turn)) is None:
        return False
    return (await lies_in(turn, right)).available >= quote.points


async def goes(turn: Turn, listed: Listed, quote: Quote, left: int, *, pool: bool) -> list[Line]:
    """What goes and what stays: lot by lot of one's own, the sum of a pool's."""
    if pool:
        paid = points_of(listed, quote.points)
        return [
            t("家庭池将预留 {points}", points=paid) if quote.cash_minor else t("家庭池将用掉 {points}", points=paid),
            t("池里还剩 {left}", left=points_of(listed, left)),
        ]
    lots = await statements.would_burn(turn.tx, turn.me.owner, listed.currency_id, quote.points, today=turn.today)
    used = would_use(listed, lots)
    return [
        t("将预留:{lots}", lots=used) if quote.cash_minor else t("将用掉:{lots}", lots=used),
        t("兑换后剩 {left}", left=points_of(listed, left)),
    ]


async def needs_head(turn: Turn, listed: Listed, quote: Quote) -> Screen | None:
    """What is shown in place of the confirm screen to somebody who needs the head's word first; None to whoever does not."""
    right = await right_of(turn)
    if right is None or right.allows(quote.points):
        return None
    asked = await pool_spending.mine(turn.tx, turn.me.id, at=turn.at)
    this = asked is not None and (asked.offer_id, asked.amount) == (listed.id, quote.amount)
    if asked is not None and this and asked.state == "allowed" and quote.points <= asked.points:
        return None
    what = thing(listed.offer, quote.units, quote.value_minor, listed.money)
    lines: list[Line | None] = [
        t("<b>{what}</b> · {merchant}", what=what, merchant=both(listed.merchant)),
        t("要家庭池的 {points}", points=Points(quote.points)),
        t("上限每月 {most},您还能用 {left}", most=Points(right.most), left=Points(right.left or 0))
        if right.most
        else None,
        BLANK,
        t("已经问过家长,{until} 前有效。", until=asked.ends_at)
        if asked is not None and this
        else t("要先问家长同不同意。"),
    ]
    ask = None if this else doors.ask_head(t("问家长"), listed.id, quote.amount)
    return screen(lines, [[ask, doors.offer(t("返回"), listed.id)]])
