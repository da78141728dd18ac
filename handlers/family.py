"""A family: found one, invite into it by one-time links, see who is in it, leave, remove, hand over, dissolve.

What each step means is shown before it is taken. A second tap of whatever was done shows how things stand.
"""

from __future__ import annotations

import datetime as dt
from urllib.parse import quote

from chat import doors, pools
from chat import families as words_of
from chat import invitations as links
from chat.arguments import number
from chat.feature import Feature
from chat.screen import BLANK, QR, Button, Line, Screen, screen
from chat.turn import Turn
from chat.words import Points, Text, t, tn
from ledger.members import families, invitations, leaving
from ledger.members import pools as lies
from ledger.members.families import Family, Happening, Place

feature = Feature("family", order=81)

LINES_A_PAGE = 8


@feature.command("family", t("家庭"), said="家庭,家人,家里,family,household")
async def command(turn: Turn, words: str = "") -> Screen:
    """Shows this person's family."""
    return await home(turn)


@feature.tap("home")
async def home(turn: Turn) -> Screen:
    """Shows the family, or what founding one would mean."""
    turn.finish()
    family = await families.of(turn.tx, turn.me.id)
    return await _alone(turn) if family is None else await _shown(turn, family)


async def _alone(turn: Turn) -> Screen:
    rules = turn.programme.families
    again = await families.again_on(turn.tx, turn.me.id, today=turn.today)
    lines: list[Line | None] = [
        t("<b>家庭</b>"),
        t("您现在不在家庭里。"),
        words_of.free_again(again) if again else t("一家人最多 {most} 人,由家长邀请。", most=rules.people_most),
    ]
    return screen(lines, [[None if again else feature.button(t("建一个家庭"), "found"), doors.home()]])


async def _shown(turn: Turn, family: Family, *first: Line) -> Screen:
    rules, me = turn.programme.families, turn.me.id
    heads = family.head_id == me
    named = await words_of.names(turn, (each.member_id for each in family.places))
    lines: list[Line | None] = [
        *first,
        BLANK if first else None,
        t("<b>{family}</b>", family=words_of.of(named[family.head_id])),
        tn("{n} 人,最多 {most} 人", n=len(family.places), most=rules.people_most),
        await pools.beside(turn),
        BLANK,
        *(_person(turn, family, each, named[each.member_id]) for each in family.places),
    ]
    inside = family.place_of(me).in_from <= turn.today
    rows: list[list[Button | None]] = [[doors.pool() if inside else None]]
    if heads:
        waiting = await families.invitations_open(turn.tx, family, now=turn.now)
        lines += [BLANK, tn("{n} 个邀请还没人用", n=waiting)] if waiting else []
        free = len(family.places) < rules.people_most
        rows.append([doors.children() if turn.programme.birthdays else None])
        rows.append(
            [
                feature.button(t("邀请家人"), "invite", style="primary") if free else None,
                feature.button(t("撤回邀请"), "withdraw", family.id) if waiting else None,
            ]
        )
        rows += [
            [feature.button(t("{name}", name=named[each.member_id]), "person", each.id)]
            for each in family.places
            if each.member_id != me
        ]
    out = feature.button(t("解散"), "dissolve", family.id) if heads else feature.button(t("离开"), "leave", family.id)
    rows.append([feature.button(t("家庭记录"), "history", 0), out])
    return screen(lines, [*rows, [doors.home()]])


def _person(turn: Turn, family: Family, place: Place, name: words_of.Name) -> Text:
    if place.member_id == family.head_id:
        return t("{name} · 家长", name=name)
    if place.in_from > turn.today:
        return t("{name} · {on}起算", name=name, on=place.in_from)
    return t("{name}", name=name)


@feature.tap("found")
async def found(turn: Turn) -> Screen:
    """Says what founding a family means."""
    rules = turn.programme.families
    lines: list[Line] = [
        t("<b>建一个家庭?</b>"),
        t("您当家长:邀请、请人离开、解散,都由您。"),
        t("连您最多 {most} 人。", most=rules.people_most),
        *words_of.what_it_means(rules),
    ]
    return screen(lines, [[feature.button(t("建立"), "made", style="primary"), doors.family(t("返回"))]])


@feature.tap("made")
async def made(turn: Turn) -> Screen:
    """Founds it."""
    family = await families.of(turn.tx, turn.me.id)
    if family is not None:
        return await _shown(turn, family)
    return await _shown(turn, await families.found(turn.tx, turn.me.id, at=turn.at), t("家庭建好了,您是家长。"))


@feature.tap("invite")
async def invite(turn: Turn) -> list[Screen]:
    """Makes a one-time link, and a message to be passed on with its picture."""
    rules, token = turn.programme.families, turn.nonce() + turn.nonce()
    written = await families.invite(turn.tx, turn.vault, rules, turn.me.id, token, now=turn.now)
    link = links.link_of(turn, families.LINK, token)
    name = (await words_of.names(turn, [turn.me.id]))[turn.me.id]
    asks = t("{name} 请您加入家庭", name=name)
    lines: list[Line] = [
        t("<b>邀请链接好了</b>"),
        t("把下一条消息转给家人,或让对方扫图里的码。"),
        t("只能用一次,有效到 {when}。", when=written.expires_at),
    ]
    share = f"https://t.me/share/url?url={quote(link, safe='')}&text={quote(turn.speaker.plain(asks), safe='')}"
    rows: list[list[Button | None]] = [
        [Button(t("复制链接"), copy=link), Button(t("发给对方"), url=share)],
        [doors.family(), doors.home()],
    ]
    message: list[Line] = [
        t("<b>{asks}</b>", asks=asks),
        t("点开先看加入是什么意思,再决定:"),
        t("{link}", link=link),
        t("有效到 {when}", when=written.expires_at),
    ]
    return [screen(lines, rows), screen(message, picture=QR(link), fresh=True)]


@feature.tap("withdraw")
async def withdraw(turn: Turn, family_id: str) -> Screen:
    """Ends every invitation that nobody has used."""
    family = await families.of(turn.tx, turn.me.id)
    if family is None or family.id != number(family_id):
        return await home(turn)
    ended = await families.withdraw(turn.tx, family, turn.me.id, now=turn.now)
    return await _shown(turn, family, tn("撤回了 {n} 个邀请,链接不能用了。", n=ended))


@feature.link(families.LINK)
async def invited(turn: Turn, token: str) -> Screen:
    """Shows what joining means to whoever opened an invitation."""
    rules = turn.programme.families
    if (mine := await _used_by_me(turn, token)) is not None:
        return await _shown(turn, mine)
    offered = await families.invitation(turn.tx, turn.vault, rules, token, turn.me.id, at=turn.at)
    head = (await words_of.names(turn, [offered.family.head_id]))[offered.family.head_id]
    lines: list[Line] = [
        t("<b>{name}</b> 请您加入家庭", name=head),
        tn("家里现在 {n} 人,最多 {most} 人。", n=len(offered.family.places), most=rules.people_most),
        BLANK,
        t("加入以后:"),
        _counts(turn, offered.in_from),
        *words_of.what_it_means(rules),
        t("您的积分还是您的,随时可以离开。"),
    ]
    return screen(lines, [[feature.button(t("加入"), "accept", token, style="primary"), doors.home(t("不了"))]])


def _counts(turn: Turn, in_from: dt.date) -> Line:
    return t("{on}起算家里人。", on=in_from) if in_from > turn.today else t("马上就算家里人。")


async def _used_by_me(turn: Turn, token: str) -> Family | None:
    """The family that this person is in by this very link."""
    try:
        await invitations.opened(turn.tx, turn.vault, token, purpose="family", now=turn.now)
    except invitations.InvitationUsed as no:
        mine = await families.of(turn.tx, turn.me.id)
        return mine if no.used_by == turn.me.id and mine is not None and mine.id == no.to_id else None
    return None


@feature.tap("accept")
async def accept(turn: Turn, token: str) -> Screen:
    """Joins, and tells the head."""
    rules = turn.programme.families
    if (mine := await _used_by_me(turn, token)) is not None:
        return await _shown(turn, mine)
    family, place = await families.accept(turn.tx, turn.vault, rules, token, turn.me.id, at=turn.at)
    joined = t("<b>{name}</b> 加入了您的家庭", name=turn.name)
    later = t("{on}起算家里人。", on=place.in_from) if place.in_from > turn.today else None
    told = [joined, later] if later else [joined]
    turn.tell(family.head_id, words_of.notice(*told), key=f"family-joined:{place.id}")
    return await _shown(turn, family, t("您加入了家庭。"))


@feature.tap("person")
async def person(turn: Turn, place_id: str) -> Screen:
    """Shows the head somebody of the family, and what can be done."""
    _, theirs, name = await _theirs(turn, place_id)
    lines: list[Line | None] = [
        t("<b>{name}</b>", name=name),
        t("{on}加入", on=theirs.joined_at.astimezone(turn.zone).date()),
        t("{on}起算家里人。", on=theirs.in_from) if theirs.in_from > turn.today else None,
    ]
    heir = theirs.in_from <= turn.today
    rows: list[list[Button | None]] = [
        [
            feature.button(t("交给对方当家长"), "hand", theirs.id) if heir else None,
            feature.button(t("移出家庭"), "remove", theirs.id, style="danger"),
        ],
        [doors.family(t("返回"))],
    ]
    return screen(lines, rows)


async def _theirs(turn: Turn, place_id: str) -> tuple[Family, Place, words_of.Name]:
    """Somebody of the family that this person is head of. `NotInFamily`, `NotFamilyHead`."""
    family = await families.of(turn.tx, turn.me.id)
    if family is None:
        raise families.NotInFamily()
    families.must_be_head(family, turn.me.id)
    theirs = family.place(number(place_id))
    return family, theirs, (await words_of.names(turn, [theirs.member_id]))[theirs.member_id]


@feature.tap("remove")
async def remove(turn: Turn, place_id: str) -> Screen:
    """Says what removing somebody means."""
    family, theirs, name = await _theirs(turn, place_id)
    rules = turn.programme.families
    again = await leaving.waits_until(turn.tx, rules, family, theirs, today=turn.today)
    lines: list[Line | None] = [
        t("把 <b>{name}</b> 移出家庭?", name=name),
        t("对方的积分都是对方的,家庭池里没花的也回到对方那里。"),
        _apart(turn, theirs),
        t("对方{on}起可以再加入或新建家庭。", on=again) if again else t("对方随时可以再加入或新建家庭。"),
    ]
    yes = feature.button(t("确认移出"), "removed", theirs.id, style="danger")
    return screen(lines, [[yes, feature.button(t("不移出"), "person", theirs.id)]])


def _apart(turn: Turn, place: Place) -> Line | None:
    """What changes for whoever belongs to the family already."""
    return t("「每户限几份」的,从此分开算。") if place.in_from <= turn.today else None


@feature.tap("removed")
async def removed(turn: Turn, place_id: str) -> Screen:
    """Takes the place away and tells who had it."""
    family = await families.of(turn.tx, turn.me.id)
    if family is None or number(place_id) not in {each.id for each in family.places}:
        return await home(turn)
    rules = turn.programme.families
    gone = await leaving.remove(turn.tx, rules, family.id, turn.me.id, number(place_id), at=turn.at)
    named = await words_of.names(turn, [gone.member_id, turn.me.id])
    said = t("您不在{family}里了。", family=words_of.of(named[turn.me.id]))
    await _tell_gone(turn, gone.member_id, said, f"family-removed:{gone.id}")
    now = await families.locked(turn.tx, family.id)
    return await _shown(turn, now, t("<b>{name}</b> 移出了。", name=named[gone.member_id]))


async def _tell_gone(turn: Turn, member_id: int, said: Text, key: str) -> None:
    again = await families.again_on(turn.tx, member_id, today=turn.today)
    turn.tell(member_id, words_of.notice(said, words_of.free_again(again)), key=key)


@feature.tap("hand")
async def hand(turn: Turn, place_id: str) -> Screen:
    """Says what handing headship over means."""
    _, theirs, name = await _theirs(turn, place_id)
    lines: list[Line] = [
        t("请 <b>{name}</b> 当家长?", name=name),
        t("以后邀请、请人离开、解散,都由对方。您留在家里。"),
        t("您发的、还没人用的邀请作废。"),
    ]
    yes = feature.button(t("确认交给对方"), "handed", theirs.id, style="primary")
    return screen(lines, [[yes, feature.button(t("返回"), "person", theirs.id)]])


@feature.tap("handed")
async def handed(turn: Turn, place_id: str) -> Screen:
    """Makes somebody else head, and tells everybody."""
    family = await families.of(turn.tx, turn.me.id)
    theirs = None if family is None else next((p for p in family.places if p.id == number(place_id)), None)
    if family is None or theirs is None or theirs.member_id == family.head_id:
        return await home(turn)
    was = await leaving.hand_over(turn.tx, family.id, turn.me.id, theirs.id, at=turn.at)
    named = await words_of.names(turn, [theirs.member_id, turn.me.id])
    facts = {"old": named[turn.me.id], "new": named[theirs.member_id]}
    for each in was.others(turn.me.id):
        if each == theirs.member_id:
            said = words_of.notice(t("{old} 请您当家长了。", **facts), t("邀请、请人离开、解散,以后由您。"))
        else:
            said = words_of.notice(t("{old} 把家长交给了 {new}。", **facts))
        turn.tell(each, said)
    return await _shown(turn, await families.locked(turn.tx, family.id), t("<b>{new}</b> 是家长了。", **facts))


@feature.tap("leave")
async def leave(turn: Turn, family_id: str) -> Screen:
    """Says what leaving means."""
    family = await families.of(turn.tx, turn.me.id)
    if family is None or family.id != number(family_id):
        return await home(turn)
    if family.head_id == turn.me.id:
        raise families.HeadStays()
    rules, mine = turn.programme.families, family.place_of(turn.me.id)
    head = (await words_of.names(turn, [family.head_id]))[family.head_id]
    again = await leaving.waits_until(turn.tx, rules, family, mine, today=turn.today)
    lines: list[Line | None] = [
        t("离开<b>{family}</b>?", family=words_of.of(head)),
        await _comes_back(turn, family),
        _apart(turn, mine),
        words_of.free_again(again),
    ]
    yes = feature.button(t("确认离开"), "left", family.id, style="danger")
    return screen(lines, [[yes, doors.family(t("不离开"))]])


async def _comes_back(turn: Turn, family: Family) -> Line:
    """What of the pool is theirs, and comes with them."""
    common = turn.programme.common_currency
    pool = await lies.shown(turn.tx, family.id, turn.me.id, common, today=turn.today)
    if not pool.mine:
        return t("您的积分都是您的,一分不少。")
    return t("家庭池里您的 {points} 回到您这里,一分不少。", points=Points(pool.mine))


@feature.tap("left")
async def left(turn: Turn, family_id: str) -> Screen:
    """Leaves, and tells the head."""
    family = await families.of(turn.tx, turn.me.id)
    if family is None or family.id != number(family_id):
        return await home(turn)
    mine = family.place_of(turn.me.id)
    was = await leaving.leave(turn.tx, turn.programme.families, family.id, turn.me.id, at=turn.at)
    said = t("<b>{name}</b> 离开了您的家庭。", name=turn.name)
    turn.tell(was.head_id, words_of.notice(said), key=f"family-left:{mine.id}")
    return await _out(turn, t("您离开了家庭。"))


async def _out(turn: Turn, said: Line) -> Screen:
    again = await families.again_on(turn.tx, turn.me.id, today=turn.today)
    return screen([said, words_of.free_again(again)], [[doors.family(), doors.home()]])


@feature.tap("dissolve")
async def dissolve(turn: Turn, family_id: str) -> Screen:
    """Says what dissolving the family means."""
    family = await families.of(turn.tx, turn.me.id)
    if family is None or family.id != number(family_id):
        return await home(turn)
    families.must_be_head(family, turn.me.id)
    rules, mine = turn.programme.families, family.place_of(turn.me.id)
    others = len(family.places) - 1
    again = await leaving.waits_until(turn.tx, rules, family, mine, today=turn.today)
    lines: list[Line | None] = [
        t("<b>解散家庭?</b>"),
        tn("另外 {n} 人也不在家庭里了,会通知到。", n=others) if others else None,
        t("家庭池里没花的,各人的回各人那里,一分不少。"),
        words_of.free_again(again),
        t("只想自己离开,先把家长交给别人。") if others else None,
    ]
    yes = feature.button(t("确认解散"), "dissolved", family.id, style="danger")
    return screen(lines, [[yes, doors.family(t("不解散"))]])


@feature.tap("dissolved")
async def dissolved(turn: Turn, family_id: str) -> Screen:
    """Ends the family and tells everybody."""
    family = await families.of(turn.tx, turn.me.id)
    if family is None or family.id != number(family_id):
        return await home(turn)
    was = await leaving.dissolve(turn.tx, turn.programme.families, family.id, turn.me.id, at=turn.at)
    said = t("{name} 解散了家庭。", name=turn.name)
    for each in was.others(turn.me.id):
        await _tell_gone(turn, each, said, f"family-dissolved:{was.id}:{each}")
    return await _out(turn, t("家庭解散了。"))


@feature.tap("history")
async def history(turn: Turn, page: str = "0") -> Screen:
    """Shows who came, went and was head, the latest first."""
    family = await families.of(turn.tx, turn.me.id)
    if family is None:
        return await home(turn)
    at = number(page)
    found = await families.history(turn.tx, family.id, limit=LINES_A_PAGE + 1, offset=at * LINES_A_PAGE)
    shown, more = found[:LINES_A_PAGE], len(found) > LINES_A_PAGE
    named = await words_of.names(turn, {each.member_id for each in shown})
    lines: list[Line] = [t("<b>家庭记录</b>"), *(_line(turn, each, named[each.member_id]) for each in shown)]
    rows: list[list[Button | None]] = [
        [
            feature.button(t("更近"), "history", at - 1) if at else None,
            feature.button(t("更早"), "history", at + 1) if more else None,
        ],
        [doors.family(t("返回"))],
    ]
    return screen(lines, rows)


HAPPENED: dict[str, Text] = {
    "founded": t("建了家庭"),
    "joined": t("加入了"),
    "left": t("离开了"),
    "removed": t("被移出"),
    "dissolved": t("家庭解散"),
    "gone": t("账户注销"),
    "handed": t("接任家长"),
    "passed": t("接任家长"),
}


def _line(turn: Turn, each: Happening, name: words_of.Name) -> Text:
    on = each.at.astimezone(turn.zone).date()
    return t("{on} {name} · {what}", on=on, name=name, what=HAPPENED[each.what])
