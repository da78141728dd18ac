"""Who works at a merchant: the list, inviting by a one-time link, accepting one, removing somebody."""

from __future__ import annotations

from chat import desk_doors, doors, till
from chat import invitations as words_of
from chat.arguments import number
from chat.feature import Feature
from chat.screen import BLANK, Button, Line, Screen, screen
from chat.till import Post
from chat.turn import Turn
from chat.words import Text, t, tn
from ledger.errors import Refusal
from ledger.members import invitations
from ledger.merchants import authority, staff
from ledger.merchants import merchant as merchants
from ledger.merchants.authority import Role

feature = Feature("staff", order=75)

PER_PAGE = 8

INVITE: dict[Role, Text] = {"cashier": t("邀请收银员"), "manager": t("邀请店长")}
"""Whom the people of a shop may invite; owners are invited by the operator."""


@feature.command("staff", t("店员"), audience="staff", needs="see_staff", said="员工")
async def command(turn: Turn, words: str = "") -> Screen:
    """Shows who works here."""
    return await list_(turn)


@feature.tap("list")
async def list_(turn: Turn, merchant: str = "0", page: str = "0") -> Screen:
    """Shows who works at a merchant, page by page: owners, managers, cashiers."""
    turn.finish()
    at = number(page)
    post = await till.place(turn, number(merchant))
    if isinstance(post, list):
        return till.choose(post, lambda label, where: feature.button(label, "list", where))
    post.staff.demand("see_staff")
    team = await staff.team(turn.tx, post.merchant.id)
    lines: list[Line] = [
        t("<b>店员</b> · {merchant}", merchant=post.where),
        tn("{n} 人在岗。点开可以移除。", n=len(team)),
    ]
    rows: list[list[Button | None]] = [
        [feature.button(till.titled(one.label, one.role), "open", one.id)]
        for one in team[at * PER_PAGE : (at + 1) * PER_PAGE]
    ]
    rows.append(
        [
            feature.button(t("上一页"), "list", post.merchant.id, at - 1) if at else None,
            feature.button(t("下一页"), "list", post.merchant.id, at + 1) if len(team) > (at + 1) * PER_PAGE else None,
        ]
    )
    invites = [
        feature.button(label, "invite", post.merchant.id, role)
        for role, label in INVITE.items()
        if authority.may(post.staff.role, staff.adding(role))
    ]
    return screen(lines, [*rows, [*invites], [desk_doors.counter()]])


@feature.tap("open")
async def open_(turn: Turn, staff_id: str) -> Screen:
    """Opens one person of the team."""
    one, post = await colleague(turn, staff_id)
    may = one.id == post.staff.id or authority.may(post.staff.role, staff.removing(one.role))
    lines: list[Line] = [
        t("<b>{who}</b>", who=till.titled(one.label, one.role)),
        t("会员 {name}", name=await till.customer(turn, one.member_id)),
        t("{on}上岗", on=one.added_at.astimezone(turn.zone).date()),
    ]
    label = t("我要离开") if one.id == post.staff.id else t("移除")
    rows: list[list[Button | None]] = [
        [feature.button(label, "remove", one.id, style="danger") if may else None],
        [feature.button(t("返回"), "list", post.merchant.id)],
    ]
    return screen(lines, rows)


@feature.tap("remove")
async def remove(turn: Turn, staff_id: str) -> Screen:
    """Asks before somebody is removed."""
    one, post = await colleague(turn, staff_id)
    after = t("马上就不能再记积分和验券;以前的记录都留着。")
    if one.id == post.staff.id:
        leave = feature.button(t("确认离开"), "removed", one.id, style="danger")
        return screen(
            [t("离开 <b>{merchant}</b>?", merchant=post.where), after],
            [[leave, feature.button(t("不离开"), "open", one.id)]],
        )
    yes = feature.button(t("确认移除"), "removed", one.id, style="danger")
    return screen(
        [t("移除 <b>{label}</b>({role})?", label=one.label, role=till.role(one.role)), after],
        [[yes, feature.button(t("不移除"), "open", one.id)]],
    )


@feature.tap("removed")
async def removed(turn: Turn, staff_id: str) -> Screen:
    """Removes somebody and tells them; a second tap shows the same."""
    one, post = await colleague(turn, staff_id, also_gone=True)
    rows: list[list[Button | None]] = [[feature.button(t("店员"), "list", post.merchant.id), doors.home()]]
    if one.id in {s.id for s in await staff.team(turn.tx, post.merchant.id)}:
        await staff.remove(turn.tx, remover=post.staff, staff_id=one.id, now=turn.now)
        if one.id != post.staff.id:
            gone: list[Line] = [t("您在{merchant}的岗位({label})已撤销。", merchant=post.where, label=one.label)]
            turn.tell(one.member_id, screen(gone, [[doors.home()]]), key=f"staff-removed:{one.id}")
    if one.id == post.staff.id:
        return screen([t("您已离开 <b>{merchant}</b>", merchant=post.where)], [[doors.home()]])
    return screen([t("<b>{label}</b> 已移除", label=one.label)], rows)


@feature.tap("invite")
async def invite(turn: Turn, merchant: str, role: str) -> Screen:
    """Asks how receipts shall name whoever is invited."""
    post, wanted = await till.post_at(turn, number(merchant)), role_of(role)
    post.staff.demand(staff.adding(wanted))
    turn.goto(feature.at("label"), merchant=post.merchant.id, role=wanted)
    lines: list[Line] = [
        t("{invite} · {merchant}", invite=INVITE[wanted], merchant=post.where),
        t("小票上怎么称呼?发给我,比如「3号台」。"),
    ]
    return screen(lines, [[feature.button(t("取消"), "list", post.merchant.id)]])


@feature.step("label")
async def label_typed(turn: Turn, said: str) -> Screen:
    """Makes the one-time link."""
    data = turn.dialogue.data
    post, role = await till.post_at(turn, data["merchant"]), role_of(data["role"])
    token = turn.nonce() + turn.nonce()
    made = await staff.invite(
        turn.tx, inviter=post.staff, role=role, label=said, token=token, vault=turn.vault, now=turn.now
    )
    turn.finish()
    return words_of.handed_over(
        t("<b>{who}</b> 的邀请链接", who=till.titled(made.label, role)),
        words_of.link_of(turn, staff.LINK, token),
        [feature.button(t("店员"), "list", post.merchant.id), desk_doors.counter()],
    )


@feature.link(staff.LINK)
async def invited(turn: Turn, token: str) -> Screen:
    """Shows what an invitation makes of whoever opened it."""
    try:
        offered = await staff.invitation(turn.tx, token, vault=turn.vault, now=turn.now)
    except invitations.InvitationUsed as no:
        if no.used_by == turn.me.id and (role := turn.me.role_at(no.to_id)) is not None:
            raise staff.AlreadyStaff(no.to_id, role) from None
        raise
    merchant = await merchants.by_id(turn.tx, offered.to_id)
    here = turn.me.role_at(offered.to_id)
    if here is not None:
        raise staff.AlreadyStaff(offered.to_id, here)
    lines: list[Line] = [
        t("<b>{merchant}</b> 请您做{role}", merchant=till.name_of(merchant), role=till.role(offered.role)),
        t("小票上会写「{label}」。", label=offered.label),
        BLANK,
        t("上岗后可以给会员记积分、验券;每一步都会记下是谁做的。"),
    ]
    return screen(lines, [[feature.button(t("接受"), "accept", token, style="primary"), doors.home(t("不了"))]])


@feature.tap("accept")
async def accept(turn: Turn, token: str) -> Screen:
    """Takes the post and tells whoever invited; a second tap shows the same."""
    try:
        offered = await staff.invitation(turn.tx, token, vault=turn.vault, now=turn.now)
    except invitations.InvitationUsed as no:
        mine = await till.posts(turn)
        if no.used_by == turn.me.id and (post := next((p for p in mine if p.merchant.id == no.to_id), None)):
            return welcomed(post)
        raise
    joined = await staff.accept(turn.tx, token, member_id=turn.me.id, vault=turn.vault, now=turn.now)
    post = Post(joined, await merchants.by_id(turn.tx, joined.merchant_id))
    kind, _, inviter = offered.made_by.partition(":")
    if kind == "staff" and (by := await staff.by_id(turn.tx, number(inviter))) is not None:
        told: list[Line] = [
            t("<b>{name}</b> 已到{merchant}上岗:{label}", name=turn.name, merchant=post.where, label=joined.label)
        ]
        turn.tell(
            by.member_id,
            screen(told, [[desk_doors.staff(post.merchant.id), doors.home()]]),
            key=f"staff-joined:{joined.id}",
        )
    return welcomed(post)


def welcomed(post: Post) -> Screen:
    """The first screen at a new post."""
    lines: list[Line] = [
        t("您已在 <b>{merchant}</b> 上岗", merchant=post.where),
        till.titled(post.staff.label, post.staff.role),
    ]
    return screen(lines, [[desk_doors.counter(t("打开收银台")), doors.home()]])


async def colleague(turn: Turn, staff_id: str, *, also_gone: bool = False) -> tuple[staff.Staff, Post]:
    """Somebody of the team that this person may look at, and the place from which they look."""
    one = await staff.by_id(turn.tx, number(staff_id))
    if one is None or turn.me.role_at(one.merchant_id) is None:
        raise staff.NotStaff(0)
    try:
        post = await till.post_at(turn, one.merchant_id)
    except Refusal:
        if also_gone and one.member_id == turn.me.id:
            return one, Post(one, await merchants.by_id(turn.tx, one.merchant_id))
        raise
    if one.id != post.staff.id:
        post.staff.demand("see_staff")
    return one, post


def role_of(said: str) -> Role:
    """A role that may be invited, as a button says it; the least one where it says none."""
    return next((role for role in INVITE if role == said), "cashier")
