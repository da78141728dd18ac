"""The family's pool in words: what lies in it, what one may spend of it, and why something can't be done."""

from __future__ import annotations

from chat import doors
from chat.refusals import Worded, worded
from chat.screen import Button
from chat.turn import Turn
from chat.words import Points, Text, t
from ledger.members import pools
from ledger.members.pools import Pool
from ledger.points.commands import NotEnoughPoints, Owner
from ledger.redeeming import pool_spending
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
