"""What a merchant gives its members: each with what it asks, how often it was used this month, and its switch."""

from __future__ import annotations

from chat import desk_doors, own_privileges, own_shelf, privilege_text, privilege_words, privileges, till
from chat.arguments import number
from chat.feature import Feature
from chat.offer_text import few
from chat.own_privileges import run_here
from chat.screen import BLANK, Button, Line, Screen, screen
from chat.till import Post
from chat.turn import Turn
from chat.words import Text, t
from ledger.redeeming import privilege_drafts, privilege_uses
from ledger.redeeming import privileges as kept
from ledger.redeeming.may_use import Listed
from ledger.redeeming.privilege_drafts import written
from ledger.redeeming.privileges import NoSuchPrivilege

feature = Feature("run_privileges", order=79)

PER_PAGE, VERSIONS_PER_PAGE = 8, 4


@feature.tap("list")
async def list_(turn: Turn, merchant: str, page: str = "0") -> Screen:
    """Lists a merchant's privileges, those that are on first."""
    turn.finish()
    post = await run_here(turn, number(merchant))
    here = post.merchant.id
    found = sorted(await kept.of_merchant(turn.tx, here, paused=True), key=lambda each: (not each.active, each.id))
    at = min(number(page), max(0, len(found) - 1) // PER_PAGE)
    since, until = till.today(turn)
    today = privileges.counted(await privilege_uses.count(turn.tx, here, since=since, until=until), post.merchant.money)
    lines: list[Line] = [
        t("<b>会员权益</b> · {merchant}", merchant=post.where),
        *([t("今天:{done}", done=today[0])] if today else [t("今天还没有用过。")] if found else []),
    ]
    if not found:
        lines += [t("还没有。凭持有的积分或等级给优惠、给服务,积分不扣。"), t("新建一项,几分钟就能用。")]
    draft = await privilege_drafts.unfinished(turn.tx, here, turn.me.id)
    if draft is not None:
        lines.append(t("您有一份没发布的草稿。"))
    rows: list[list[Button | None]] = [
        [feature.button(row(each), "open", here, each.id)] for each in found[at * PER_PAGE : (at + 1) * PER_PAGE]
    ]
    rows += [
        [
            feature.button(t("上一页"), "list", here, at - 1) if at else None,
            feature.button(t("下一页"), "list", here, at + 1) if len(found) > (at + 1) * PER_PAGE else None,
        ],
        [
            desk_doors.privilege_draft(here, t("接着写草稿")) if draft is not None else desk_doors.new_privilege(here),
            desk_doors.privilege_uses(here, t("今天用过的")) if today else None,
        ],
        [desk_doors.merchant(t("返回"), here), desk_doors.counter()],
    ]
    return screen(lines, rows)


def row(each: Listed) -> Text:
    """One privilege on a button."""
    label = privilege_words.label(each.privilege)
    return label if each.active else t("{what} · 停用", what=label)


@feature.tap("open")
async def open_(turn: Turn, merchant: str, privilege: str) -> Screen:
    """Opens one: what it gives, what it asks, where and when, how often it was used this month."""
    post = await run_here(turn, number(merchant))
    one = await found_here(turn, post, number(privilege))
    said = one.privilege
    done = next(
        iter(privileges.counted(await privilege_uses.of_month(turn.tx, one.id, today=turn.today), one.money)), None
    )
    lines: list[Line | None] = [
        t("<b>{what}</b>", what=privilege_words.label(said))
        if one.active
        else t("<b>{what}</b> · 停用", what=privilege_words.label(said)),
        t("本月:{done}", done=done) if done else t("本月还没有用过。"),
        BLANK,
        *privilege_words.asks(one, *own_privileges.named(turn)),
        *privilege_words.quotas(said),
        *privilege_words.bounds(one),
        BLANK,
        t("第 {version} 版", version=one.version),
    ]
    here = post.merchant.id
    switch = (
        feature.button(t("停用"), "switch", post.merchant.id, one.id, 0, style="danger")
        if one.active
        else feature.button(t("重新打开"), "switch", post.merchant.id, one.id, 1, style="primary")
    )
    rows: list[list[Button | None]] = [
        [feature.button(t("会员看到的"), "look", here, one.id), desk_doors.change_privilege(here, one.id, t("改"))],
        [feature.button(t("改过几次"), "versions", here, one.id, one.version), switch],
        [feature.button(t("返回"), "list", here), desk_doors.counter()],
    ]
    return screen(lines, rows)


@feature.tap("look")
async def look(turn: Turn, merchant: str, privilege: str, language: str = "") -> Screen:
    """Shows one as a member sees it who has what it asks, in either language."""
    post = await run_here(turn, number(merchant))
    one = await found_here(turn, post, number(privilege))
    here, words = post.merchant.id, await own_privileges.terms(turn, post)
    rows = [
        [
            feature.button(t("中文"), "look", here, one.id, "zh"),
            feature.button(t("英文"), "look", here, one.id, "en"),
        ],
        [feature.button(t("返回"), "open", here, one.id)],
    ]
    return screen(own_shelf.in_language(own_privileges.previewed(turn, post, words, one.privilege), language), rows)


@feature.tap("versions")
async def versions(turn: Turn, merchant: str, privilege: str, most: str) -> Screen:
    """Lists what each version changed, when, and by whom; the latest first."""
    post = await run_here(turn, number(merchant))
    one = await found_here(turn, post, number(privilege))
    here, words = post.merchant.id, await own_privileges.terms(turn, post)
    found = await kept.versions(turn.tx, one.id, most=number(most), limit=VERSIONS_PER_PAGE + 1)
    lines: list[Line] = [t("<b>{name}</b> · 改过几次", name=privilege_words.label(one.privilege))]
    for at, each in enumerate(found[:VERSIONS_PER_PAGE]):
        who = await own_shelf.made_by(turn, each.made_by)
        lines += [BLANK, t("第 {version} 版 · {when} · {who}", version=each.version, when=each.made_at, who=who)]
        before = found[at + 1 : at + 2]
        if not before:
            lines.append(t("发布"))
            continue
        lines += few(privilege_text.changes(words, written(before[0].privilege), written(each.privilege)))
    lines += [BLANK, t("用过的按用的时候那一版。")]
    more = found[VERSIONS_PER_PAGE:]
    older = feature.button(t("更早"), "versions", here, one.id, more[0].version) if more else None
    newest = feature.button(t("最近的"), "versions", here, one.id, one.version) if number(most) < one.version else None
    return screen(lines, [[newest, older], [feature.button(t("返回"), "open", here, one.id)]])


@feature.tap("switch")
async def switch(turn: Turn, merchant: str, privilege: str, on: str) -> Screen:
    """Switches one off, or on again: tills stop or begin with the next card."""
    post = await run_here(turn, number(merchant))
    by = post.staff.actor
    await kept.switch(turn.tx, post.merchant.id, number(privilege), on == "1", by=by, now=turn.now)
    return await open_(turn, merchant, privilege)


async def found_here(turn: Turn, post: Post, privilege_id: int) -> Listed:
    """One of this merchant's. Others are like none."""
    one = await kept.one(turn.tx, privilege_id)
    if one.merchant_id != post.merchant.id:
        raise NoSuchPrivilege(privilege_id)
    return one
