"""What a merchant gives its members: each with what it asks, how often it was used this month, and its switch."""

from __future__ import annotations

from chat import doors, privilege_words, privileges, till
from chat.arguments import number
from chat.feature import Feature
from chat.screen import BLANK, Button, Line, Screen, screen
from chat.till import Post
from chat.turn import Turn
from chat.words import Both, Text, t
from ledger.redeeming import privilege_uses
from ledger.redeeming import privileges as kept
from ledger.redeeming.may_use import Listed
from ledger.redeeming.privileges import NoSuchPrivilege

feature = Feature("run_privileges", order=79)

PER_PAGE = 8


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
        lines += [t("还没有。凭持有的积分或等级给优惠、给服务,积分不扣。"), t("用接口 PUT /v1/privileges 发布。")]
    rows: list[list[Button | None]] = [
        [feature.button(row(each), "open", here, each.id)] for each in found[at * PER_PAGE : (at + 1) * PER_PAGE]
    ]
    rows += [
        [
            feature.button(t("上一页"), "list", here, at - 1) if at else None,
            feature.button(t("下一页"), "list", here, at + 1) if len(found) > (at + 1) * PER_PAGE else None,
        ],
        [doors.privilege_uses(here, t("今天用过的")) if today else None, doors.api_keys(here) if not found else None],
        [doors.merchant(t("返回"), here), doors.counter()],
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
    tiers = {tier.code: Both(tier.name_zh, tier.name_en) for tier in turn.programme.tiers}
    done = next(
        iter(privileges.counted(await privilege_uses.of_month(turn.tx, one.id, today=turn.today), one.money)), None
    )
    lines: list[Line | None] = [
        t("<b>{what}</b>", what=privilege_words.label(said))
        if one.active
        else t("<b>{what}</b> · 停用", what=privilege_words.label(said)),
        t("本月:{done}", done=done) if done else t("本月还没有用过。"),
        BLANK,
        *privilege_words.asks(one, tiers),
        *privilege_words.quotas(said),
        *privilege_words.bounds(one),
    ]
    switch = (
        feature.button(t("停用"), "switch", post.merchant.id, one.id, 0, style="danger")
        if one.active
        else feature.button(t("重新打开"), "switch", post.merchant.id, one.id, 1, style="primary")
    )
    return screen(lines, [[switch], [feature.button(t("返回"), "list", post.merchant.id), doors.counter()]])


@feature.tap("switch")
async def switch(turn: Turn, merchant: str, privilege: str, on: str) -> Screen:
    """Switches one off, or on again: tills stop or begin with the next card."""
    post = await run_here(turn, number(merchant))
    by = post.staff.actor
    await kept.switch(turn.tx, post.merchant.id, number(privilege), on == "1", by=by, now=turn.now)
    return await open_(turn, merchant, privilege)


async def run_here(turn: Turn, merchant_id: int) -> Post:
    """This person's place at a merchant whose privileges they run."""
    post = await till.post_at(turn, merchant_id)
    post.staff.demand("run_privileges")
    return post


async def found_here(turn: Turn, post: Post, privilege_id: int) -> Listed:
    """One of this merchant's. Others are like none."""
    one = await kept.one(turn.tx, privilege_id)
    if one.merchant_id != post.merchant.id:
        raise NoSuchPrivilege(privilege_id)
    return one
