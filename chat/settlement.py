"""What clearing says: a position in words, a statement as a table, notices to both sides; and the wording of its refusals."""

from __future__ import annotations

import datetime as dt
from collections.abc import Iterable, Iterator, Sequence
from decimal import Decimal
from typing import Literal

from sqlalchemy.ext.asyncio import AsyncConnection

from chat import desk_doors, doors
from chat.csv_file import csv_file
from chat.known import Known
from chat.refusals import Worded, worded
from chat.screen import BLANK, File, Line, Screen, screen
from chat.words import Both, Money, Speaker, Text, t, tn
from chat.xlsx_file import xlsx_file
from ledger.clearing import close, disputes, events, positions
from ledger.clearing.positions import Position, Shown
from ledger.merchants import staff
from ledger.merchants.merchant import Merchant

KINDS: dict[str, Text] = {"redemption": t("兑换结算"), "return": t("退回"), "dispute": t("异议更正")}
STATES: dict[str, Text] = {"open": t("等运营人员处理"), "upheld": t("成立,已更正"), "rejected": t("不成立")}

RUN_BY = ("owner", "manager")
"""The roles that hear about a merchant's settlement."""


def period(week: dt.date) -> Text:
    """A week, from its Monday to its Sunday."""
    return t("{since}—{until}", since=week, until=events.sunday(week))


def week_of(said: str) -> dt.date:
    """The week that a button names. `WeekNotClosed` for nonsense."""
    try:
        return events.monday(dt.date.fromisoformat(said))
    except ValueError:
        raise close.WeekNotClosed(dt.date.min) from None


def net(minor: int, money: str) -> Text:
    """What a merchant gets, or pays, on the whole."""
    if minor > 0:
        return t("应收 {amount}", amount=Money(minor, money))
    return t("应付 {amount}", amount=Money(-minor, money)) if minor < 0 else t("收付相抵,净额 0")


def nets(found: Iterable[Position]) -> list[tuple[str, int]]:
    """The net of positions, by money."""
    sums: dict[str, int] = {}
    for each in found:
        sums[each.money] = sums.get(each.money, 0) + each.net_minor
    return sorted(sums.items())


def position(found: Sequence[Position], names: Known) -> list[Line]:
    """A merchant's positions: what of its points was spent elsewhere, what it took, what is its own."""
    lines: list[Line] = []
    for each in found:
        if each.elsewhere or each.pays_minor:
            points, amount = names.points(each.currency_id, each.elsewhere), Money(abs(each.pays_minor), each.money)
            lines.append(
                t("自己的分在别家,减去更正:{points} → 退回 {amount}", points=points, amount=amount)
                if each.pays_minor < 0
                else t("自己的分在别家用掉 {points} → 付 {amount}", points=points, amount=amount)
            )
        if each.taken or each.gets_minor:
            points, amount = names.points(each.currency_id, each.taken), Money(abs(each.gets_minor), each.money)
            lines.append(
                t("收别家的分,减去更正:{points} → 扣回 {amount}", points=points, amount=amount)
                if each.gets_minor < 0
                else t("收别家的分 {points} → 得 {amount}", points=points, amount=amount)
            )
        if each.fee_minor:
            fee = Money(abs(each.fee_minor), each.money)
            lines.append(
                t("手续费退回 {amount}", amount=fee) if each.fee_minor < 0 else t("手续费 {amount}", amount=fee)
            )
        if each.own:
            lines.append(t("自己的分在自己店里用掉 {points},不结算", points=names.points(each.currency_id, each.own)))
    return lines or [t("没有要结算的兑换")]


def offer_of(shown: Shown) -> Both | Text:
    """What was redeemed; of a burn without a voucher, just that."""
    if shown.offer_zh is None or shown.offer_en is None:
        return t("用分")
    return Both(shown.offer_zh, shown.offer_en)


def table(found: Iterable[Shown], merchant_id: int, names: Known, speaker: Speaker) -> Iterator[list[object]]:
    """A statement's rows in the reader's language, the header first: every line with what it brings this merchant, in yuan."""
    heads = (
        t("序号"), t("日期"), t("类别"), t("兑换内容"), t("发分商户"), t("收分商户"), t("积分种类"), t("分数"), t("货币"),
        t("发分方付"), t("收分方得"), t("手续费"), t("本店净额"), t("更正哪一笔"), t("兑换编号"),
    )  # fmt: skip
    yield [speaker.plain(head) for head in heads]
    for shown in found:
        line = shown.line
        of = line.corrects
        yield [
            line.place.number,
            line.day.isoformat(),
            speaker.plain(KINDS[line.kind]),
            speaker.plain(offer_of(shown)),
            speaker.plain(names.merchant(line.issuer_id)),
            speaker.plain(names.merchant(line.redeemer_id)),
            speaker.plain(names.currency(line.currency_id)),
            line.points,
            line.money,
            *(Decimal(minor).scaleb(-2) for minor in (*line.amounts, line.net_minor(merchant_id))),
            f"{of.week} #{of.number}" if of else "",
            line.redemption_id or "",
        ]


def file_of(
    found: Iterable[Shown],
    merchant: Merchant,
    week: dt.date,
    kind: Literal["csv", "xlsx"],
    names: Known,
    speaker: Speaker,
) -> File:
    """A statement as a file, the same from the chat and from the API."""
    rows, name = table(found, merchant.id, names, speaker), f"{merchant.code}-{week}"
    if kind == "csv":
        return File(f"{name}.csv", csv_file(rows))
    return File(f"{name}.xlsx", xlsx_file(rows, str(week)))


def ready(week: dt.date, merchant_id: int, found: Sequence[Position], names: Known) -> Screen:
    """A week was closed: what it came to."""
    lines: list[Line] = [
        *(t("<b>{net}</b>", net=net(minor, code)) for code, minor in nets(found)),
        t("{merchant} · {week}的结算单好了", merchant=names.merchant(merchant_id), week=period(week)),
        BLANK,
        *position(found, names),
    ]
    return screen(lines, [[desk_doors.settlement_week(merchant_id, week), doors.home()]])


async def run_by(tx: AsyncConnection, merchant_id: int, roles: Sequence[str] = RUN_BY) -> list[int]:
    """The members who run a merchant."""
    return [one.member_id for one in await staff.team(tx, merchant_id) if one.role in roles]


@worded(close.WeekNotClosed)
def _(no: close.WeekNotClosed) -> Worded:
    return Worded(t("这一周还没有结算"), t("每周一零点过后结上一周。"))


@worded(positions.NoSuchLine)
def _(no: positions.NoSuchLine) -> Worded:
    return Worded(t("没有这一笔结算"), t("可能是别家的,或编号不对。"))


@worded(disputes.LineNotDisputable)
def _(no: disputes.LineNotDisputable) -> Worded:
    return Worded(t("这一笔不能提异议"), t("更正的行,请在它更正的那一笔上提;自己的分用在自己店里,不涉及钱。"))


@worded(disputes.LineDisputed)
def _(no: disputes.LineDisputed) -> Worded:
    return Worded(t("这一笔已经有异议了"), t("现在的状态:{state}。", state=STATES[no.state]))


@worded(disputes.DisputeTooLate)
def _(no: disputes.DisputeTooLate) -> Worded:
    return Worded(t("过了提异议的时间"), t("这一笔的异议可提到 {until}。", until=no.until))


@worded(disputes.WordsNeeded)
def _(no: disputes.WordsNeeded) -> Worded:
    return Worded(t("请写明原因"), tn("对方会看到,最多 {n} 个字。", n=no.longest))


@worded(disputes.NoSuchDispute)
def _(no: disputes.NoSuchDispute) -> Worded:
    return Worded(t("没有这个异议"), t("编号 {number} 查不到。", number=str(no.dispute_id)))


@worded(disputes.DisputeDecided)
def _(no: disputes.DisputeDecided) -> Worded:
    return Worded(t("这个异议已经处理过了"), t("结果:{state}。", state=STATES[no.state]))
