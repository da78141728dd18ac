"""A merchant's own page: how its day and its money stand, and the ways to everything that those who run it arrange."""

from __future__ import annotations

import datetime as dt

from chat import (
    cash,
    declines,
    desk_doors,
    known,
    merchant_log,
    paid_tiers,
    privilege_words,
    privileges,
    settlement,
    till,
    vouchers,
)
from chat.arguments import number
from chat.csv_file import csv_file
from chat.feature import Feature
from chat.screen import BLANK, Button, File, Line, Screen, screen
from chat.till import Post
from chat.turn import Turn
from chat.words import Money, Text, t, tn
from ledger.clearing import close, positions
from ledger.earning import awards, declined, shift_totals
from ledger.merchants import authority, guarantee, log, paid_tier_sales, shifts, staff
from ledger.redeeming import closures, counter, drawer, fulfilments, privilege_uses, return_claims

feature = Feature("merchant", order=76)

LOG_LINES = 10
EXPORT_MOST = 2000
"""Lines of a file that still travels well through a chat."""


@feature.command("merchant", t("商户页"), audience="staff", needs="see_merchant", said="我的店,我的商户")
async def command(turn: Turn, words: str = "") -> Screen:
    """Shows the page of the merchant that one runs."""
    return await home(turn)


@feature.tap("home")
async def home(turn: Turn, merchant: str = "0") -> Screen:
    """Shows a merchant's page."""
    turn.finish()
    post = await run_by_me(turn, number(merchant))
    if isinstance(post, list):
        return till.choose(post, lambda label, at: feature.button(label, "home", at))
    post.staff.demand("see_merchant")
    here = post.merchant.id
    working = [each for each in await shifts.open_at(turn.tx, here) if each.opened_at >= till.today(turn)[0]]
    lines: list[Line | None] = [
        t(
            "<b>{merchant}</b> · {status}",
            merchant=post.where,
            status=till.STATUSES[post.merchant.status_on(turn.today)],
        ),
        BLANK,
        *await today(turn, post),
        tn("{n} 人在班", n=len(working)) if working else None,
        *await money(turn, post),
    ]
    may = post.staff.role
    unbooked = await declined.waiting(turn.tx, here)
    if unbooked.purchases:
        lines += [BLANK, declines.waiting(unbooked, post.merchant.money)]
    claimed = await return_claims.waiting(turn.tx, here)
    asked = await fulfilments.waiting(turn.tx, here) if authority.may(may, "run_shelf") else 0
    rows: list[list[Button | None]] = [
        [desk_doors.declined(t("看未发放的"), here) if unbooked.purchases else None],
        [desk_doors.returns_desk(t("待答复的退换 {n}", n=claimed), here) if claimed else None],
        [desk_doors.fulfilments(here, t("待答复的代兑 {n}", n=asked)) if asked else None],
        [desk_doors.day(here), feature.button(t("导出今天"), "export", here)],
        [desk_doors.outlets(here), desk_doors.staff(here)],
        [desk_doors.shifts(here), desk_doors.papers(here) if authority.may(may, "see_papers") else None],
        [desk_doors.calendar(here)] if await closures.books(turn.tx, here) else [],
        *arranged(post),
        [feature.button(t("操作记录"), "log", here) if authority.may(may, "see_log") else None, desk_doors.counter()],
    ]
    return screen(lines, rows)


async def run_by_me(turn: Turn, merchant_id: int) -> Post | list[Post]:
    """The merchant that is meant; where none is named and they only serve at the one they chose today, one that they run."""
    found = await till.place(turn, merchant_id)
    if merchant_id or isinstance(found, list) or authority.may(found.staff.role, "see_merchant"):
        return found
    mine = [post for post in await till.posts(turn) if authority.may(post.staff.role, "see_merchant")]
    return mine[0] if len(mine) == 1 else mine or found


def arranged(post: Post) -> list[list[Button | None]]:
    """The ways to what other files arrange for a merchant: a row each."""
    here, role = post.merchant.id, post.staff.role
    return [
        [
            desk_doors.settlement(here) if authority.may(role, "see_settlement") else None,
            desk_doors.cover(here) if authority.may(role, "see_cover") else None,
        ],
        [desk_doors.shelf(here) if authority.may(role, "run_shelf") else None],
        [
            desk_doors.run_activities(here) if authority.may(role, "run_activities") else None,
            desk_doors.dividend(here) if authority.may(role, "fund_dividends") else None,
        ],
        [
            desk_doors.rules(here) if authority.may(role, "see_rules") else None,
            desk_doors.run_privileges(here) if authority.may(role, "run_privileges") else None,
            desk_doors.api_keys(here) if authority.may(role, "manage_api") else None,
        ],
        [
            desk_doors.paper_cards(here) if authority.may(role, "print_cards") else None,
            desk_doors.imports(here) if authority.may(role, "import_files") else None,
        ],
    ]


async def money(turn: Turn, post: Post) -> list[Line]:
    """What stands behind its points, and how its week stands, for those who may know."""
    here, role, lines = post.merchant.id, post.staff.role, list[Line]()
    if authority.may(role, "see_cover") and (held := await guarantee.find(turn.tx, here)) is not None:
        free = Money(held.free_minor, held.money)
        lines.append(t("保证金已用 {percent}%,还能发 {free}", percent=held.used_percent, free=free))
    if authority.may(role, "see_settlement"):
        so_far = positions.summed(await close.open_week(turn.tx, turn.programme, turn.today))
        mine = settlement.nets([each for each in so_far if each.merchant_id == here])
        lines += [t("这一周:{net}", net=settlement.net(minor, code)) for code, minor in mine if minor]
    return [BLANK, *lines] if lines else []


async def today(turn: Turn, post: Post) -> list[Line]:
    """What the whole shop did today."""
    since, until = till.today(turn)
    names = await known.read(turn.tx)
    given, back = await shift_totals.totals(turn.tx, post.merchant.id, since=since, until=until)
    used = await counter.used_count(turn.tx, post.merchant.id, since=since)
    money = post.merchant.money
    found: list[Text | None] = [
        tn(
            "今天 {n} 笔,收 {amount},得 {points}",
            n=given.awards,
            amount=Money(given.amount_minor, money),
            points=names.points(post.merchant.terms.currency, given.points),
        )
        if given.awards
        else t("今天还没有记过积分。"),
        tn("验券 {n} 张", n=used) if used else None,
        tn("退款 {n} 笔,{amount}", n=back.refunds, amount=Money(back.amount_minor, money)) if back.refunds else None,
        *cash.counted(await drawer.counted(turn.tx, post.merchant.id, since=since), money),
        *paid_tiers.taken(await paid_tier_sales.taken(turn.tx, post.merchant.id, since=since, until=until), money),
        *privileges.counted(await privilege_uses.count(turn.tx, post.merchant.id, since=since, until=until), money),
    ]
    return [line for line in found if line is not None]


@feature.tap("export")
async def export(turn: Turn, merchant: str) -> list[Screen]:
    """Hands over today's awards, vouchers and privileges as a table."""
    post = await till.post_at(turn, number(merchant))
    post.staff.demand("export_day")
    rows = await table(turn, post)
    await log.write(turn.tx, post.merchant.id, "day_exported", who=post.staff.actor, at=turn.now)
    day = turn.now.astimezone(turn.zone).date()
    file = File(f"{post.merchant.code}-{day:%Y%m%d}.csv", csv_file(rows))
    said = [t("{merchant} · {on}", merchant=post.where, on=day), tn("{n} 行", n=len(rows) - 1)]
    return [screen(said, file=file), await home(turn, merchant)]


async def table(turn: Turn, post: Post) -> list[list[object]]:
    """Today's awards, vouchers and privileges, oldest first, with a header in the reader's language. Nobody's name is in it."""
    since, until = till.today(turn)
    here, say = post.merchant.id, turn.speaker.plain
    given = await awards.day(turn.tx, here, since=since, until=until, limit=EXPORT_MOST)
    used = await counter.used_today(turn.tx, here, since=since, limit=EXPORT_MOST)
    people = {who: found for who in {p.staff_id for p in given} if who and (found := await staff.by_id(turn.tx, who))}
    lines: list[tuple[dt.datetime, list[object]]] = []
    for one in given:
        state = t("已撤回") if one.taken_back_at else t("已记")
        by = people[one.staff_id].label if one.staff_id in people else ""
        amounts = [decimal(one.amount_minor), decimal(one.refunded_minor), one.points]
        lines.append((one.occurred_at, [say(t("积分")), one.document, one.till or "", by, *amounts, say(state)]))
    for voucher in used:
        assert voucher.used_at is not None
        what = [say(t("验券")), say(vouchers.what(voucher)), "", voucher.used_label or ""]
        lines.append((voucher.used_at, [*what, "", "", "", say(t("已用"))]))
    for use in await privilege_uses.listed(turn.tx, here, since=since, until=until, limit=EXPORT_MOST):
        said = say(privilege_words.label(use.privilege))
        if use.before_minor is not None:  # no amount of its own: what was paid is that of the award after it
            said = f"{said} {say(privileges.paid(use))}"
        state = t("已撤回") if use.undone_at else t("已用")
        lines.append((use.used_at, [say(t("权益")), said, use.till or "", use.label, "", "", "", say(state)]))
    head = [t("时间"), t("类别"), t("单号"), t("收银台"), t("经手人"), t("金额"), t("已退"), t("积分"), t("状态")]
    rows: list[list[object]] = [[say(word) for word in head]]
    for at, facts in sorted(lines, key=lambda line: line[0]):
        rows.append([f"{at.astimezone(turn.zone):%Y-%m-%d %H:%M:%S}", *facts])
    return rows


def decimal(minor: int) -> str:
    """Money as spreadsheets read it."""
    return f"{minor // 100}.{minor % 100:02d}"


@feature.tap("log")
async def show_log(turn: Turn, merchant: str, before: str = "0") -> Screen:
    """Shows what was done at a merchant, and by whom."""
    post = await till.post_at(turn, number(merchant))
    post.staff.demand("see_log")
    here = post.merchant.id
    found = await log.read(turn.tx, here, before=number(before) or None, limit=LOG_LINES + 1)
    shown = found[:LOG_LINES]
    lines: list[Line] = [
        t("<b>操作记录</b> · {merchant}", merchant=post.where),
        *await merchant_log.lines(turn.tx, shown),
    ]
    if not found:
        lines.append(t("没有更早的了。"))
    rows: list[list[Button | None]] = [
        [
            feature.button(t("最近的"), "log", here) if number(before) else None,
            feature.button(t("更早"), "log", here, shown[-1].id) if len(found) > LOG_LINES else None,
        ],
        [feature.button(t("返回"), "home", here)],
    ]
    return screen(lines, rows)
