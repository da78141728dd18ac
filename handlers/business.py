"""Business members: set a company up, act for it, its card and statement, its people and their invitations."""

from __future__ import annotations

import datetime as dt

from chat import business as words_of
from chat import doors, till
from chat import invitations as links
from chat.arguments import number
from chat.csv_file import csv_file
from chat.feature import Feature
from chat.screen import BLANK, Button, File, Line, Screen, screen
from chat.turn import Turn
from chat.words import t, tn
from ledger.members import business, invitations
from ledger.members.business import Place, Role

feature = Feature("business", order=82)

STATEMENT_MONTHS = 3


@feature.command("business", t("企业账户"), said="企业,公司账户,business account,company account")
async def command(turn: Turn, words: str = "") -> Screen:
    """Shows the companies that this person acts for."""
    return await home(turn)


@feature.tap("home")
async def home(turn: Turn) -> Screen:
    """Lists this person's companies, and who they act for now."""
    turn.finish()
    mine = await business.places(turn.tx, turn.me.id)
    acting = turn.me.acts_for
    lines: list[Line | None] = [
        t("<b>企业账户</b>"),
        t("现在用的是 <b>{company}</b> 的账户。", company=acting.name) if acting else t("现在用的是您自己的账户。"),
        None if mine else t("公司采购也能得分:建一个企业账户,请同事一起用。"),
    ]
    rows: list[list[Button | None]] = [
        [
            feature.button(
                t("{company} · {role}", company=each.company, role=words_of.ROLES[each.role]), "open", each.company_id
            )
        ]
        for each in mine
    ]
    rows += [
        [doors.own_account() if acting else None],
        [feature.button(t("建一个企业账户"), "found"), doors.home()],
    ]
    return screen(lines, rows)


@feature.tap("found")
async def found(turn: Turn) -> Screen:
    """Asks what the company is called."""
    turn.goto(feature.at("name"))
    return screen([t("公司叫什么?发给我,收银员和对账单上会写。")], [[doors.business(t("返回"))]])


@feature.step("name")
async def name_typed(turn: Turn, said: str) -> Screen:
    """Sets the company up."""
    place = await business.found(turn.tx, turn.vault, turn.me.id, said, region=turn.me.region, at=turn.at)
    return await _opened(turn, place)


@feature.tap("open")
async def open_(turn: Turn, company_id: str) -> Screen:
    """Opens one company."""
    turn.finish()
    return await _opened(turn, await business.at(turn.tx, turn.me.id, number(company_id)))


async def _opened(turn: Turn, place: Place) -> Screen:
    turn.finish()
    acting = turn.me.acts_for is not None and turn.me.acts_for.company_id == place.company_id
    lines: list[Line] = [
        t("<b>{company}</b> · {role}", company=place.company, role=words_of.ROLES[place.role]),
        words_of.MAY[place.role],
    ]
    act = feature.button(t("换成这个账户"), "act", place.company_id, style="primary")
    rows: list[list[Button | None]] = [
        [doors.own_account() if acting else act],
        [
            feature.button(t("对账单"), "statement", place.company_id),
            feature.button(t("同事"), "people", place.company_id),
        ],
        [doors.business(t("返回")), doors.home()],
    ]
    return screen(lines, rows)


@feature.tap("act")
async def act(turn: Turn, company_id: str) -> Screen:
    """Switches to a company's account, or back: from now on card, points and history are that account's."""
    place = await business.act(turn.tx, turn.me.id, number(company_id) or None, now=turn.now)
    if place is None:
        return screen([t("换回您自己的账户了。")], [[doors.card(), doors.home()]])
    lines: list[Line] = [
        t("现在用的是 <b>{company}</b> 的账户。", company=place.company),
        t("会员码、积分、明细和兑换都是公司的,直到您换回自己。"),
    ]
    return screen(lines, [[doors.card() if place.may("buy") else None, doors.home()], [doors.own_account()]])


@feature.tap("statement")
async def statement(turn: Turn, company_id: str) -> list[Screen]:
    """Hands the statement of the last months over as a file."""
    place = await business.at(turn.tx, turn.me.id, number(company_id))
    since = turn.today - dt.timedelta(days=31 * STATEMENT_MONTHS)
    rows = await words_of.statement(turn.tx, place.company_id, since=since, speaker=turn.speaker)
    name = f"{place.company}-{turn.today:%Y%m%d}.csv"
    lines: list[Line] = [
        t("<b>{company}</b> 对账单", company=place.company),
        tn("{since}以来 {n} 笔", n=len(rows) - 1, since=since),
    ]
    back: list[list[Button | None]] = [[feature.button(t("返回"), "open", place.company_id)]]
    return [screen(lines, back, file=File(name, csv_file(rows)))]


@feature.tap("people")
async def people(turn: Turn, company_id: str) -> Screen:
    """Shows who uses the account."""
    turn.finish()
    place = await business.at(turn.tx, turn.me.id, number(company_id))
    everyone = await business.people(turn.tx, place.company_id)
    lines: list[Line] = [t("<b>同事</b> · {company}", company=place.company), tn("{n} 人", n=len(everyone))]
    rows: list[list[Button | None]] = [
        [
            feature.button(
                t("{name} · {role}", name=await till.customer(turn, each.member_id), role=words_of.ROLES[each.role]),
                "person",
                each.company_id,
                each.id,
            )
        ]
        for each in everyone
    ]
    if place.may("people"):
        invites = [feature.button(words_of.INVITE[role], "invite", place.company_id, role) for role in business.ROLES]
        rows += [list(invites[:2]), list(invites[2:])]
    rows.append([feature.button(t("返回"), "open", place.company_id)])
    return screen(lines, rows)


@feature.tap("person")
async def person(turn: Turn, company_id: str, place_id: str) -> Screen:
    """Opens one of them."""
    place = await business.at(turn.tx, turn.me.id, number(company_id))
    each = await business.one(turn.tx, place, number(place_id))
    mine = each.id == place.id
    lines: list[Line] = [
        t("<b>{name}</b> · {role}", name=await till.customer(turn, each.member_id), role=words_of.ROLES[each.role]),
        t("{on}加入", on=each.added_at.astimezone(turn.zone).date()),
    ]
    label = t("退出这个账户") if mine else t("移除")
    rows: list[list[Button | None]] = [
        [
            feature.button(label, "remove", place.company_id, each.id, style="danger")
            if mine or place.may("people")
            else None
        ],
        [feature.button(t("返回"), "people", place.company_id)],
    ]
    return screen(lines, rows)


@feature.tap("remove")
async def remove(turn: Turn, company_id: str, place_id: str) -> Screen:
    """Asks before somebody is removed."""
    place = await business.at(turn.tx, turn.me.id, number(company_id))
    each = await business.one(turn.tx, place, number(place_id))
    lines: list[Line] = [
        t("离开 <b>{company}</b>?", company=place.company)
        if each.id == place.id
        else t("移除 <b>{name}</b>?", name=await till.customer(turn, each.member_id)),
        t("马上就不能再用公司的账户;公司的积分不受影响。"),
    ]
    yes = feature.button(t("确认"), "removed", place.company_id, each.id, style="danger")
    return screen(lines, [[yes, feature.button(t("返回"), "person", place.company_id, each.id)]])


@feature.tap("removed")
async def removed(turn: Turn, company_id: str, place_id: str) -> Screen:
    """Takes the place away and tells who had it; a second tap shows who is left."""
    place = await business.at(turn.tx, turn.me.id, number(company_id))
    if number(place_id) not in {each.id for each in await business.people(turn.tx, place.company_id)}:
        return await people(turn, company_id)
    gone = await business.remove(turn.tx, place, number(place_id), now=turn.now)
    if gone.id == place.id:
        return screen([t("您已离开 <b>{company}</b>", company=place.company)], [[doors.business(), doors.home()]])
    told: list[Line] = [t("您不再用 {company} 的企业账户了。", company=place.company)]
    turn.tell(gone.member_id, screen(told, [[doors.home()]]), key=f"company-removed:{gone.id}")
    return await people(turn, company_id)


@feature.tap("invite")
async def invite(turn: Turn, company_id: str, role: str) -> Screen:
    """Makes a one-time link."""
    place = await business.at(turn.tx, turn.me.id, number(company_id))
    wanted: Role = next((each for each in business.ROLES if each == role), "viewer")
    token = turn.nonce() + turn.nonce()
    await business.invite(turn.tx, turn.vault, place, wanted, token, now=turn.now)
    headline = t("<b>{company}</b> · {role} 的邀请链接", company=place.company, role=words_of.ROLES[wanted])
    back = feature.button(t("同事"), "people", place.company_id)
    return links.handed_over(headline, links.link_of(turn, business.LINK, token), [back, doors.home()])


@feature.link(business.LINK)
async def invited(turn: Turn, token: str) -> Screen:
    """Shows what an invitation makes of whoever opened it."""
    offered = await _offered(turn, token)
    company = await till.customer(turn, offered.to_id)
    lines: list[Line] = [
        t("<b>{company}</b> 请您一起用企业账户", company=company),
        t("身份:{role}", role=words_of.ROLES[offered.role]),
        words_of.MAY[offered.role],
        BLANK,
        t("您自己的账户和积分不变,随时可以换。"),
    ]
    return screen(lines, [[feature.button(t("接受"), "accept", token, style="primary"), doors.home(t("不了"))]])


async def _offered(turn: Turn, token: str) -> invitations.Invitation:
    """The open invitation; whoever has used it or belongs there hears just that."""
    try:
        offered = await business.invitation(turn.tx, turn.vault, token, now=turn.now)
    except invitations.InvitationUsed as no:
        if no.used_by != turn.me.id:
            raise
        place = await business.at(turn.tx, turn.me.id, no.to_id)
        raise business.OfCompanyAlready(place.company_id, place.role) from None
    mine = {each.company_id: each.role for each in await business.places(turn.tx, turn.me.id)}
    if offered.to_id in mine:
        raise business.OfCompanyAlready(offered.to_id, mine[offered.to_id])
    return offered


@feature.tap("accept")
async def accept(turn: Turn, token: str) -> Screen:
    """Joins the company and tells whoever invited."""
    offered = await _offered(turn, token)
    place = await business.accept(turn.tx, turn.vault, token, member_id=turn.me.id, now=turn.now)
    told: list[Line] = [
        t(
            "<b>{name}</b> 加入了 {company}:{role}",
            name=turn.name,
            company=place.company,
            role=words_of.ROLES[place.role],
        )
    ]
    inviter = number(offered.made_by.partition(":")[2])
    turn.tell(inviter, screen(told, [[doors.business(), doors.home()]]), key=f"company-joined:{place.id}")
    return await _opened(turn, place)
