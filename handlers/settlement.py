"""The weekly settlement: a merchant's statement down to the redemption, as files too; disputing a line."""

from __future__ import annotations

import datetime as dt

from chat import desk, desk_doors, doors, known, operator_doors, settlement, till
from chat.arguments import number
from chat.feature import Feature
from chat.known import Known
from chat.screen import BLANK, Button, Line, Screen, screen
from chat.till import Post
from chat.turn import Turn
from chat.words import Money, Text, t, tn
from ledger.clearing import close, disputes, positions
from ledger.clearing.derive import Place
from ledger.clearing.positions import Shown
from ledger.merchants import authority

feature = Feature("settlement", order=78)

WEEKS_SHOWN = 6
PER_PAGE = 6


@feature.tap("home")
async def home(turn: Turn, merchant: str = "0") -> Screen:
    """Shows how a merchant's week stands, and its statements."""
    turn.finish()
    found = await till.place(turn, number(merchant))
    if isinstance(found, list):
        return till.choose(found, lambda label, at: feature.button(label, "home", at))
    found.staff.demand("see_settlement")
    here, names = found.merchant.id, await known.read(turn.tx)
    so_far = positions.summed(await close.open_week(turn.tx, turn.programme, turn.today, merchant_id=here))
    mine = [each for each in so_far if each.merchant_id == here]
    weeks = await positions.weeks(turn.tx, limit=WEEKS_SHOWN)
    lines: list[Line] = [
        t("<b>周结算</b> · {merchant}", merchant=found.where),
        BLANK,
        t("这一周到现在:"),
        *(settlement.net(minor, money) for money, minor in settlement.nets(mine)),
        *settlement.position(mine, names),
        BLANK,
        t("结算单,每周一结上一周:") if weeks else t("每周一结上一周,还没有结过。"),
    ]
    rows: list[list[Button | None]] = [
        [desk_doors.settlement_week(here, week, settlement.period(week))] for week in weeks
    ]
    return screen(lines, [*rows, [desk_doors.merchant(t("返回"), here), doors.home()]])


@feature.tap("week")
async def week_(turn: Turn, merchant: str, week: str) -> Screen:
    """Shows a merchant's statement of one week."""
    turn.finish()
    post, day = await reached(turn, merchant, week)
    here, names = post.merchant.id, await known.read(turn.tx)
    made = await close.one(turn.tx, day)
    found = await positions.positions(turn.tx, day, here)
    count = await positions.count(turn.tx, here, day)
    lines: list[Line] = [
        *(t("<b>{net}</b>", net=settlement.net(minor, code)) for code, minor in settlement.nets(found)),
        t("{merchant} · {week}", merchant=post.where, week=settlement.period(day)),
        t("{when} 结算", when=made.closed_at),
        BLANK,
        *settlement.position(found, names),
    ]
    files = [
        feature.button(t("CSV 文件"), "file", here, day, "csv"),
        feature.button(t("Excel 文件"), "file", here, day, "xlsx"),
    ]
    before = await positions.weeks(turn.tx, before=day, limit=1)
    after = day + dt.timedelta(days=7)
    known_after = after in await positions.weeks(turn.tx, before=after + dt.timedelta(days=1), limit=1)
    rows: list[list[Button | None]] = [
        [feature.button(t("逐笔({n})", n=count), "lines", here, day, 0), *files] if count else [],
        [
            desk_doors.settlement_week(here, before[0], t("上一周")) if before else None,
            desk_doors.settlement_week(here, after, t("下一周")) if known_after else None,
        ],
        [desk_doors.settlement(here, t("返回")), doors.home()],
    ]
    return screen(lines, rows)


@feature.tap("lines")
async def lines_(turn: Turn, merchant: str, week: str, page: str = "0") -> Screen:
    """Lists a statement's lines, a page at a time."""
    turn.finish()
    post, day = await reached(turn, merchant, week)
    here, at = post.merchant.id, number(page)
    found = await positions.page(turn.tx, here, day, offset=at * PER_PAGE, limit=PER_PAGE + 1)
    count = await positions.count(turn.tx, here, day)
    lines: list[Line] = [
        t("<b>逐笔</b> · {merchant} · {week}", merchant=post.where, week=settlement.period(day)),
        tn("共 {n} 笔。点开看是哪一次兑换,也可以提异议。", n=count),
    ]
    rows: list[list[Button | None]] = [
        [desk_doors.settlement_line(here, day, shown.line.place.number, row(shown, here))] for shown in found[:PER_PAGE]
    ]
    rows += [
        [
            feature.button(t("上一页"), "lines", here, day, at - 1) if at else None,
            feature.button(t("下一页"), "lines", here, day, at + 1) if len(found) > PER_PAGE else None,
        ],
        [desk_doors.settlement_week(here, day, t("返回")), doors.home()],
    ]
    return screen(lines, rows)


def row(shown: Shown, merchant_id: int) -> Text:
    """One line on a button."""
    minor = shown.line.net_minor(merchant_id)
    facts = {"day": shown.line.day, "offer": settlement.offer_of(shown), "points": shown.line.points}
    amount = Money(abs(minor), shown.line.money)
    if not minor:
        return t("{day} · {points} 分 · {offer}", **facts)
    if minor > 0:
        return t("{day} · +{amount} · {points} 分 · {offer}", amount=amount, **facts)
    return t("{day} · −{amount} · {points} 分 · {offer}", amount=amount, **facts)


@feature.tap("line")
async def line_(turn: Turn, merchant: str, week: str, at: str) -> Screen:
    """Opens one line: which redemption, whose points, what it moves."""
    turn.finish()
    post, day = await reached(turn, merchant, week)
    here, names = post.merchant.id, await known.read(turn.tx)
    shown = await positions.line(turn.tx, here, Place(day, number(at)))
    line, dispute = shown.line, shown.dispute_id
    lines = [*brings(shown, here), *about(shown, names), BLANK, *money(shown)]
    if dispute is not None:
        told = await disputes.one(turn.tx, dispute)
        lines += [BLANK, *standing(told)]
    may = dispute is None and disputes.disputable(line) and authority.may(post.staff.role, "dispute")
    of = line.corrects
    rows: list[list[Button | None]] = [
        [feature.button(t("这笔不对"), "why", here, day, line.place.number) if may else None],
        [desk_doors.settlement_line(here, of.week, of.number, t("看更正的那一笔")) if of else None],
        [feature.button(t("返回"), "lines", here, day, 0), doors.home()],
    ]
    return screen(lines, rows)


def about(shown: Shown, names: Known) -> list[Line]:
    """Which redemption a line is of."""
    line = shown.line
    return [
        t("{offer} · {kind}", offer=settlement.offer_of(shown), kind=settlement.KINDS[line.kind]),
        t("{day} · 第 {number} 笔", day=line.day, number=line.place.number),
        t("兑换编号 {id}", id=str(line.redemption_id)) if line.redemption_id else t("流水 {id}", id=str(line.entry_id)),
        t(
            "{issuer}的分 {points},用在{redeemer}",
            issuer=names.merchant(line.issuer_id),
            points=names.points(line.currency_id, line.points),
            redeemer=names.merchant(line.redeemer_id),
        ),
    ]


def brings(shown: Shown, merchant_id: int) -> list[Line]:
    """What a line comes to for this merchant, where money moves."""
    line = shown.line
    if line.issuer_id == line.redeemer_id:
        return []
    return [t("<b>{net}</b>", net=settlement.net(line.net_minor(merchant_id), line.money))]


def money(shown: Shown) -> list[Line]:
    """What a line moves between the two merchants and the programme."""
    line = shown.line
    if line.issuer_id == line.redeemer_id:
        return [t("自己的分用在自己店里,不结算")]
    pays, gets, fee = (Money(minor, line.money) for minor in line.amounts)
    return [
        t("发分方付 {pays},收分方得 {gets},手续费 {fee}", pays=pays, gets=gets, fee=fee),
    ]


def standing(told: disputes.Dispute) -> list[Line]:
    """Where a dispute stands."""
    found: list[Line | None] = [
        t("异议:{reason}", reason=told.reason),
        settlement.STATES[told.state],
        t("答复:{words}", words=told.words) if told.words else None,
    ]
    return [line for line in found if line is not None]


@feature.tap("file")
async def file_(turn: Turn, merchant: str, week: str, kind: str) -> Screen:
    """Hands a statement over as a file."""
    post, day = await reached(turn, merchant, week)
    here, names = post.merchant.id, await known.read(turn.tx)
    found = await positions.page(turn.tx, here, day)
    made = settlement.file_of(found, post.merchant, day, "csv" if kind == "csv" else "xlsx", names, turn.speaker)
    caption = t("{merchant} · {week}的结算单", merchant=post.where, week=settlement.period(day))
    return screen([caption], [[desk_doors.settlement_week(here, day, t("返回"))]], file=made, fresh=True)


@feature.tap("why")
async def why(turn: Turn, merchant: str, week: str, at: str) -> Screen:
    """Asks what is wrong with a line."""
    post, day = await reached(turn, merchant, week)
    place = Place(day, number(at))
    shown = await disputes.may_dispute(turn.tx, post.staff, place, days=turn.programme.dispute_days, at=turn.at)
    turn.goto(feature.at("reason"), merchant=post.merchant.id, week=str(day), number=place.number)
    lines = [
        *about(shown, await known.read(turn.tx)),
        BLANK,
        t("哪里不对?写下原因发给我,运营人员会核对;成立的话,这笔钱记在下一张结算单里退回。"),
    ]
    return screen(lines, [[desk_doors.settlement_line(post.merchant.id, day, place.number, t("不提了"))]])


@feature.step("reason")
async def reason_typed(turn: Turn, said: str) -> Screen:
    """Opens the dispute; the operator hears of it."""
    data = turn.dialogue.data
    post, day = await reached(turn, str(data["merchant"]), data["week"])
    place = Place(day, int(data["number"]))
    made = await disputes.dispute(turn.tx, post.staff, place, said, days=turn.programme.dispute_days, at=turn.at)
    turn.finish()
    told: list[Line] = [
        t("<b>{merchant}</b>对一笔结算有异议", merchant=post.where),
        t("{week} · 第 {number} 笔", week=settlement.period(day), number=place.number),
        t("原因:{reason}", reason=made.reason),
    ]
    for member_id in await desk.holders(turn.tx, "finance", "admin"):
        opens = operator_doors.dispute(t("去处理"), made.id)
        turn.tell(member_id, screen(told, [[opens, doors.home()]]), key=f"dispute:{made.id}:{member_id}")
    lines: list[Line] = [
        t("异议已提交"),
        t("原因:{reason}", reason=made.reason),
        t("运营人员核对后,结果会发给您和对方。"),
    ]
    back = desk_doors.settlement_line(post.merchant.id, day, place.number, t("看这一笔"))
    return screen(lines, [[back, desk_doors.settlement(post.merchant.id)]])


async def reached(turn: Turn, merchant: str, week: str) -> tuple[Post, dt.date]:
    """A merchant's statements as this person may see them, and the week they mean."""
    post = await till.post_at(turn, number(merchant))
    post.staff.demand("see_settlement")
    return post, settlement.week_of(week)
