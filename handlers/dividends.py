"""A merchant shares points with those who earned with it: a period, a pool, what it would come to, one tap."""

from __future__ import annotations

import calendar
import datetime as dt

from chat import desk_doors, doors, known, till
from chat import dividends as words_of
from chat.arguments import number
from chat.feature import Feature
from chat.refusals import Worded, worded
from chat.screen import BLANK, Button, Line, Screen, screen
from chat.till import Post
from chat.turn import Turn
from chat.words import Points, Text, t, tn
from ledger.earning import dividends
from ledger.earning.dividends import Dividend

feature = Feature("dividends", order=78)


@feature.tap("list")
async def list_(turn: Turn, merchant: str) -> Screen:
    """Shows the dividends so far, and offers a new one."""
    turn.finish()
    post = await owner_at(turn, number(merchant))
    names = await known.read(turn.tx)
    found = await dividends.of_merchant(turn.tx, post.merchant.id)
    lines: list[Line] = [
        t("<b>分红</b> · {merchant}", merchant=post.where),
        t("拿一笔积分,按各人在您这里得过的分摊给他们。"),
        *(_past(post, each, names) for each in found),
    ]
    new = feature.button(t("新的分红"), "period", post.merchant.id, style="primary")
    return screen(lines, [[new], [desk_doors.counter(), doors.home()]])


def _past(post: Post, each: Dividend, names: known.Known) -> Text:
    pool = names.points(post.merchant.terms.currency, each.pool)
    facts = {"since": each.since, "until": each.until, "pool": pool}
    if each.paid_at is None:
        return tn("{since}—{until} · {pool}给 {n} 位会员,正在发", n=each.members, **facts)
    return tn("{since}—{until} · {pool}给 {n} 位会员", n=each.members, **facts)


@feature.tap("period")
async def period(turn: Turn, merchant: str) -> Screen:
    """Asks whose purchases count: a month that is over, or a quarter."""
    post = await owner_at(turn, number(merchant))
    month = turn.today.replace(day=1)
    last, before = _back(month, 1), _back(month, 2)
    begins = _back(month, 3 + (month.month - 1) % 3)
    choices = [
        (last, _ends(last.year, last.month)),
        (before, _ends(before.year, before.month)),
        (begins, _ends(begins.year, begins.month + 2)),
    ]
    rows: list[list[Button | None]] = [
        [
            feature.button(
                t("{since}—{until}", since=since, until=until),
                "pool",
                post.merchant.id,
                f"{since:%Y%m%d}",
                f"{until:%Y%m%d}",
            )
        ]
        for since, until in choices
    ]
    lines: list[Line] = [
        t("<b>分红</b> · {merchant}", merchant=post.where),
        t("按哪段时间的消费得分来分?要等退货期都过了。"),
    ]
    return screen(lines, [*rows, [desk_doors.dividend(post.merchant.id, t("返回"))]])


def _ends(year: int, month: int) -> dt.date:
    return dt.date(year, month, calendar.monthrange(year, month)[1])


def _back(first: dt.date, months: int) -> dt.date:
    """The first day of the month so many months earlier."""
    year, month = divmod(first.year * 12 + first.month - 1 - months, 12)
    return dt.date(year, month + 1, 1)


@feature.tap("pool")
async def pool(turn: Turn, merchant: str, since: str, until: str) -> Screen:
    """Asks how many points."""
    post = await owner_at(turn, number(merchant))
    dividends.must_be_settled(post.merchant, _day(until), turn.today)
    turn.goto(
        feature.at("amount"), merchant=post.merchant.id, since=_day(since).isoformat(), until=_day(until).isoformat()
    )
    lines: list[Line] = [
        t("{since}—{until}", since=_day(since), until=_day(until)),
        t("拿多少分出来?发数字给我。"),
    ]
    return screen(lines, [[feature.button(t("返回"), "period", post.merchant.id)]])


@feature.step("amount")
async def amount_typed(turn: Turn, said: str) -> Screen:
    """Shows what the pool would come to before anything is written."""
    data = turn.dialogue.data
    post = await owner_at(turn, data["merchant"])
    since, until = dt.date.fromisoformat(data["since"]), dt.date.fromisoformat(data["until"])
    asked = number(said.strip().replace(",", "").replace(",", ""))
    planned = await dividends.plan(turn.tx, post.merchant, post.staff, since=since, until=until, pool=asked, at=turn.at)
    nonce = turn.nonce()
    turn.goto(feature.at("amount"), **{**data, "pool": asked, "nonce": nonce})
    names = await known.read(turn.tx)
    of = post.merchant.terms.currency
    gets = list(planned.shares.values())
    lines: list[Line | None] = [
        t("<b>{pool}</b> 分红 · {merchant}", pool=names.points(of, asked), merchant=post.where),
        t("{since}—{until}", since=since, until=until),
        words_of.worth(names, of, asked),
        BLANK,
        tn("分给 {n} 位会员,他们那时共得 {earned}", n=len(gets), earned=names.points(of, planned.earned_total)),
        t("最多的得 {most},最少的得 {least},合计正好 {pool}", most=max(gets), least=min(gets), pool=asked),
        BLANK,
        t("每人会看到池子、自己的份和算法。发出后不能收回。"),
    ]
    yes = feature.button(t("确认分红"), "yes", post.merchant.id, nonce, style="primary")
    return screen(lines, [[yes], [feature.button(t("返回"), "period", post.merchant.id)]])


@feature.tap("yes")
async def confirm(turn: Turn, merchant: str, nonce: str) -> Screen:
    """Funds the pool; the shares follow within minutes. A second tap shows the same."""
    post, data = await owner_at(turn, number(merchant)), turn.dialogue.data
    made = await dividends.by_nonce(turn.tx, post.merchant.id, nonce)
    if made is None:
        if turn.dialogue.state != feature.at("amount") or data.get("nonce") != nonce:
            back = [[desk_doors.dividend(post.merchant.id, t("重新来"))]]
            return screen([t("这一笔已经不在了,什么都没有发。")], back)
        made = await dividends.fund(
            turn.tx,
            post.merchant,
            post.staff,
            since=dt.date.fromisoformat(data["since"]),
            until=dt.date.fromisoformat(data["until"]),
            pool=data["pool"],
            nonce=nonce,
            at=turn.at,
        )
        turn.finish()
    names = await known.read(turn.tx)
    lines: list[Line] = [
        t("已出资 <b>{pool}</b>", pool=names.points(post.merchant.terms.currency, made.pool)),
        tn("几分钟内发给 {n} 位会员,每人都会收到回执。", n=made.members),
    ]
    return screen(lines, [[desk_doors.dividend(post.merchant.id), doors.home()]])


def _day(said: str) -> dt.date:
    """A day as a button says it; the first of all days where it says none."""
    try:
        return dt.datetime.strptime(said, "%Y%m%d").date()
    except ValueError:
        return dt.date.min


async def owner_at(turn: Turn, merchant_id: int) -> Post:
    """This person's place at the merchant, where it lets them fund dividends."""
    post = await till.post_at(turn, merchant_id)
    post.staff.demand("fund_dividends")
    return post


@worded(dividends.PoolOutOfRange)
def _(no: dividends.PoolOutOfRange) -> Worded:
    return Worded(t("一笔分红是 1 到 {most}", most=Points(no.most)), t("请再发一个数字。"))


@worded(dividends.PeriodOpen)
def _(no: dividends.PeriodOpen) -> Worded:
    return Worded(t("这段时间还不能分"), t("里面的消费还可能退货,{on}起可以。", on=no.settled_on))


@worded(dividends.PeriodShared)
def _(no: dividends.PeriodShared) -> Worded:
    return Worded(
        t("这段时间分过了"), t("{since}—{until}已经分过红,同一天的消费只分一次。", since=no.since, until=no.until)
    )


@worded(dividends.DividendUnderway)
def _(no: dividends.DividendUnderway) -> Worded:
    return Worded(t("上一笔分红还在发"), t("发完再来,一般几分钟。"))


@worded(dividends.NobodyEarned)
def _(no: dividends.NobodyEarned) -> Worded:
    return Worded(t("没有人可分"), t("{since}—{until}没有会员在您这里得过分。", since=no.since, until=no.until))
