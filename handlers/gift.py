"""Giving points (F5): to somebody of the family, or by a link to a friend; accepted, declined, or taken back."""

from __future__ import annotations

import unicodedata
from urllib.parse import quote

from chat import doors
from chat import families as people
from chat import gifts as words_of
from chat import invitations as links
from chat.arguments import number
from chat.feature import Feature
from chat.screen import BLANK, QR, Button, Line, Screen, grid, screen
from chat.turn import Turn
from chat.words import Points, Text, t
from ledger.members import families, gifts
from ledger.members.gifts import NOTE_LONGEST, Gift
from ledger.points import statements
from ledger.points.commands import NotEnoughPoints

feature = Feature("gift", order=83)

STEPS = (50, 100, 200, 500, 1000)
"""Likely gifts, in points."""
FRIEND = "friend"
"""In place of a family member's id: whoever opens the link."""


@feature.command("gift", t("送积分"), said="送积分,转赠,赠送,送分,gift,give points,send points")
async def command(turn: Turn, words: str = "") -> Screen:
    """Asks whom points are for."""
    return await home(turn)


@feature.tap("home")
async def home(turn: Turn) -> Screen:
    """Asks whom points are for, with what may be given and what nobody has answered yet."""
    turn.finish()
    rules = gifts.open_to(turn.programme.gifts, outside=False)
    gifts.must_give(rules, turn.me, today=turn.today)
    left = await gifts.left(turn.tx, rules, turn.me.id, today=turn.today)
    family = await families.of(turn.tx, turn.me.id)
    inside = [each for each in family.places if each.in_from <= turn.today] if family is not None else []
    others = [each.member_id for each in inside if each.member_id != turn.me.id]
    if len(others) == len(inside):
        others = []  # somebody who does not belong to it yet gives nobody of it
    named = await people.names(turn, others)
    waiting = await gifts.offered(turn.tx, turn.me.id)
    lines: list[Line] = [t("<b>送给谁?</b>"), *words_of.rules_in_words(rules, left)]
    buttons = [feature.button(t("{name}", name=named[each]), "to", each) for each in others]
    friend = feature.button(t("发链接给朋友"), "to", FRIEND) if rules.outside else None
    rows: list[list[Button | None]] = [
        *grid(buttons, 2),
        [friend],
        [feature.button(t("等对方收的({n})", n=str(len(waiting))), "waiting") if waiting else None, doors.home()],
    ]
    return screen(lines, rows)


@feature.tap("to")
async def to(turn: Turn, whom: str) -> Screen:
    """Asks how much."""
    turn.goto(feature.at("points"), to=0 if whom == FRIEND else number(whom))
    return await _ask(turn, whom)


async def _ask(turn: Turn, whom: str, *first: Line) -> Screen:
    rules = gifts.open_to(turn.programme.gifts, outside=whom == FRIEND)
    left = await gifts.left(turn.tx, rules, turn.me.id, today=turn.today)
    held = await statements.wallet(turn.tx, turn.me.owner, today=turn.today)
    there = next((each.available for each in held if each.currency.id == turn.programme.common_currency), 0)
    most = min(there, left.still)
    steps = [each for each in STEPS if rules.points_least <= each <= most]
    buttons = [feature.button(t("{points}", points=Points(each)), "points", each) for each in steps]
    name = await _name(turn, whom)
    asks = t("送 {name} 多少?", name=name) if name else t("送朋友多少?")
    lines: list[Line] = [
        *first,
        asks,
        t("您可用 {points},今天还能送 {left}。也可以直接打字。", points=Points(there), left=Points(left.still)),
    ]
    return screen(lines, [*grid(buttons, 2), [doors.gift(t("返回"))]])


async def _name(turn: Turn, whom: str | int) -> people.Name | None:
    if whom in (FRIEND, 0):
        return None
    return (await people.names(turn, [number(str(whom))]))[number(str(whom))]


def _whom(turn: Turn) -> str:
    return str(turn.dialogue.data.get("to") or FRIEND)


@feature.step("points")
async def said_points(turn: Turn, said: str) -> Screen:
    """Takes a typed number."""
    points = number("".join(c for c in unicodedata.normalize("NFKC", said) if c not in "分, "))
    if not points:
        return await _ask(turn, _whom(turn), t("这个数我没看懂。"))
    return await points_(turn, str(points))


@feature.tap("points")
async def points_(turn: Turn, points: str) -> Screen:
    """Asks for a word to go with it."""
    whom = turn.dialogue.data.get("to", 0)
    turn.goto(feature.at("note"), to=whom, points=number(points))
    lines: list[Line] = [t("附一句话?直接打字,最多 {n} 个字。", n=str(NOTE_LONGEST))]
    return screen(lines, [[feature.button(t("不写"), "confirm"), doors.gift(t("返回"))]])


@feature.step("note")
async def said_note(turn: Turn, said: str) -> Screen:
    """Takes the word."""
    note = " ".join(said.split())
    if len(note) > NOTE_LONGEST:
        over = t("长了 {n} 个字,短一点。", n=str(len(note) - NOTE_LONGEST))
        return screen([over], [[feature.button(t("不写"), "confirm"), doors.gift(t("返回"))]])
    turn.goto(feature.at("note"), **{**turn.dialogue.data, "note": note})
    return await confirm(turn)


@feature.tap("confirm")
async def confirm(turn: Turn) -> Screen:
    """Shows what giving would do."""
    data = turn.dialogue.data
    whom, points, note = _whom(turn), int(data.get("points", 0)), str(data.get("note", ""))
    if not points:
        return await home(turn)
    rules = gifts.open_to(turn.programme.gifts, outside=whom == FRIEND)
    name = await _name(turn, whom)
    facts = {"points": Points(points)}
    lines: list[Line | None] = [
        t("送 <b>{name}</b> <b>{points}</b>?", name=name, **facts) if name else t("送朋友 <b>{points}</b>?", **facts),
        t("「{note}」", note=note) if note else None,
        t("{hours} 小时内收下有效;没收就原样退回。", hours=str(rules.hours)),
        t("链接只能用一次,谁先点开收下就是谁的:只发给要送的人。") if not name else None,
    ]
    yes = feature.button(t("确认送出"), "give", turn.nonce(), style="primary")
    return screen(lines, [[yes, doors.gift(t("不送了"))]])


@feature.tap("give")
async def give(turn: Turn, nonce: str) -> Screen | list[Screen]:
    """Offers it. Again: shows that it is."""
    data = turn.dialogue.data
    whom, points, note = _whom(turn), int(data.get("points", 0)), str(data.get("note", ""))
    if not points:
        return await waiting(turn)
    # The same tap makes the same link: its token is of the nonce.
    token = turn.vault.sign(f"gift:{turn.me.id}:{nonce}")
    try:
        made = await gifts.offer(
            turn.tx,
            turn.vault,
            turn.programme.gifts,
            turn.me,
            points,
            to_id=None if whom == FRIEND else number(whom),
            token=token if whom == FRIEND else None,
            note=note or None,
            currency=turn.programme.common_currency,
            nonce=nonce,
            zone=turn.zone,
            at=turn.at,
            actor=turn.actor,
        )
    except NotEnoughPoints as no:
        have = Points(no.available)
        said = t("能送给外人的只有 {have}", have=have) if whom == FRIEND else t("您可用的只有 {have}", have=have)
        turn.goto(feature.at("points"), to=data.get("to", 0))
        return await _ask(turn, whom, said)
    turn.finish()
    done: Text = t("<b>{points}</b> 等对方收下", points=Points(made.points))
    until = t("{until} 前没收就退回。", until=made.ends_at)
    rows: list[list[Button | None]] = [[feature.button(t("等对方收的"), "waiting"), doors.home()]]
    if made.receiver_id is not None:
        lines = words_of.offered(made, turn.name)
        turn.tell(made.receiver_id, screen(lines, words_of.answers(made.id)), key=f"gift:{made.id}:offered")
        return screen([done, until], rows)
    link = links.link_of(turn, gifts.LINK, token)
    asks = t("{name} 送您 {points},点开收下", name=turn.name, points=Points(made.points))
    share = f"https://t.me/share/url?url={quote(link, safe='')}&text={quote(turn.speaker.plain(asks), safe='')}"
    message: list[Line | None] = [
        t("<b>{asks}</b>", asks=asks),
        t("「{note}」", note=made.note) if made.note else None,
        t("{link}", link=link),
        t("有效到 {when}", when=made.ends_at),
    ]
    ways: list[list[Button | None]] = [
        [Button(t("发给朋友"), url=share, style="primary"), Button(t("复制链接"), copy=link)]
    ]
    return [
        screen([done, until, t("把下一条消息转给朋友,或让对方扫图里的码。")], [*ways, *rows]),
        screen(message, picture=QR(link), fresh=True),
    ]


# -- the other side


@feature.link(gifts.LINK)
async def linked(turn: Turn, token: str) -> Screen:
    """Shows a gift to whoever opened its link."""
    gift = await gifts.behind(turn.tx, turn.vault, token, turn.me, at=turn.at)
    return await _offered(turn, gift, token)


async def _offered(turn: Turn, gift: Gift, token: str = "") -> Screen:
    giver = (await people.names(turn, [gift.giver_id]))[gift.giver_id]
    return screen(words_of.offered(gift, giver), words_of.answers(gift.id, token))


async def _meant(turn: Turn, way: str, whose: str) -> Gift:
    if way == "link":
        return await gifts.behind(turn.tx, turn.vault, whose, turn.me, at=turn.at)
    return await gifts.shown(turn.tx, turn.vault, number(whose), turn.me, at=turn.at)


@feature.tap("accept")
async def accept(turn: Turn, way: str, whose: str) -> Screen:
    """Accepts it; the giver hears so."""
    await gifts.stand(turn.tx, turn.me.id)
    gift = await _meant(turn, way, whose)
    common = turn.programme.common_currency
    rules, facts = turn.programme.gifts, {"points": Points(gift.points)}
    receipt = await gifts.accept(turn.tx, rules, gift, turn.me, currency=common, at=turn.at, actor=turn.actor)
    told = words_of.told(t("<b>{name}</b> 收下了您送的 <b>{points}</b>", name=turn.name, **facts))
    turn.tell(gift.giver_id, told, key=f"gift:{gift.id}:accepted")
    giver = (await people.names(turn, [gift.giver_id]))[gift.giver_id]
    available = receipt.balance("available", turn.me.owner) or 0
    lines: list[Line] = [
        t("收下了 <b>{points}</b>", **facts),
        t("{name} 送的。可用 {available}", name=giver, available=Points(available)),
    ]
    return screen(lines, [[doors.catalog(), doors.home()]])


@feature.tap("decline")
async def decline(turn: Turn, way: str, whose: str) -> Screen:
    """Declines it; the giver has it back and hears so."""
    gift = await _meant(turn, way, whose)
    common, grace = turn.programme.common_currency, turn.programme.grace_days
    await gifts.decline(turn.tx, gift, currency=common, grace_days=grace, at=turn.at, actor=turn.actor)
    told = t("<b>{name}</b> 没有收,<b>{points}</b> 退回给您了", name=turn.name, points=Points(gift.points))
    turn.tell(gift.giver_id, words_of.told(told), key=f"gift:{gift.id}:declined")
    return screen([t("没有收,已经退回给对方。")], [[doors.home()]])


# -- what waits


@feature.tap("waiting")
async def waiting(turn: Turn) -> Screen:
    """Shows what nobody has answered yet, to be taken back."""
    turn.finish()
    open_ = await gifts.offered(turn.tx, turn.me.id)
    named = await people.names(turn, (each.receiver_id for each in open_ if each.receiver_id is not None))
    lines: list[Line] = [t("<b>等对方收的</b>"), BLANK]
    for each in open_:
        facts = {"points": Points(each.points), "until": each.ends_at}
        if each.receiver_id is None:
            lines.append(t("{points} · 链接 · {until} 前有效", **facts))
        else:
            lines.append(t("{points} · {name} · {until} 前有效", name=named[each.receiver_id], **facts))
    if not open_:
        lines.append(t("没有等着的礼物。"))
    buttons = [feature.button(t("收回 {points}", points=Points(each.points)), "withdraw", each.id) for each in open_]
    return screen(lines, [*grid(buttons, 2), [doors.gift(), doors.home()]])


@feature.tap("withdraw")
async def withdraw(turn: Turn, gift_id: str) -> Screen:
    """Takes an open gift back; whom it was for hears so."""
    common, grace = turn.programme.common_currency, turn.programme.grace_days
    whole = (turn.tx, turn.me.id, number(gift_id))
    gift = await gifts.withdraw(*whole, currency=common, grace_days=grace, at=turn.at, actor=turn.actor)
    if gift.receiver_id is not None:
        said = screen([t("<b>{name}</b> 收回了送您的礼物", name=turn.name)], [[doors.home()]])
        turn.tell(gift.receiver_id, said, key=f"gift:{gift.id}:withdrawn")
    return await waiting(turn)
