"""Together (R14): two members each give their share of the points for one thing; one begins and sends a link, the other joins."""

from __future__ import annotations

from urllib.parse import quote

from chat import doors
from chat import families as people
from chat import invitations as links
from chat.arguments import number
from chat.feature import Feature
from chat.offers import both, points_of
from chat.refusals import Worded, worded
from chat.screen import BLANK, QR, Button, Line, Screen, screen
from chat.turn import Turn
from chat.words import Text, t
from ledger.redeeming import codes, shelf, together
from ledger.redeeming.may_redeem import Listed
from ledger.redeeming.redemptions import OfferChanged
from ledger.redeeming.together import Together

feature = Feature("together", order=33)


@feature.tap("start")
async def start(turn: Turn, offer_id: str) -> Screen:
    """Shows what beginning would do; or what is begun already and waits."""
    waiting = await together.open_of(turn.tx, turn.me.id, number(offer_id), at=turn.at)
    if waiting is not None:
        return await _waits(turn, waiting)
    return await _confirm(turn, number(offer_id))


async def _confirm(turn: Turn, offer_id: int, *first: Line) -> Screen:
    listed, points, mine, theirs = await together.terms(turn.tx, turn.me, offer_id, at=turn.at)
    said = listed.offer.together
    hours = said.hours if said is not None else 0
    nonce = turn.nonce()
    promise = _promise(turn, listed.id, listed.version, points, nonce)
    lines: list[Line | None] = [
        *first,
        t("和朋友一起换 <b>{what}</b>", what=both(listed.offer.name)),
        t("您出 <b>{mine}</b>,朋友出 <b>{theirs}</b>", mine=points_of(listed, mine), theirs=points_of(listed, theirs)),
        BLANK,
        _codes(listed),
        t("{hours} 小时内朋友答应就换好;没答应,您那份原样退回。", hours=str(hours)),
        t("换好以后不能撤回。"),
    ]
    yes = feature.button(
        t("先出我这份"), "begin", listed.id, listed.version, points, nonce, turn.vault.sign(promise), style="primary"
    )
    return screen(lines, [[yes, doors.offer(t("返回"), listed.id)]])


def _codes(listed: Listed) -> Text:
    said = listed.offer.together
    if said is not None and said.codes == "two":
        return t("两人各一份,各有各的码。")
    return t("一份,一个码,在您这里。")


def _promise(turn: Turn, offer_id: int, version: int, points: int, nonce: str) -> str:
    return f"together:{turn.me.id}:{offer_id}:{version}:{points}:{nonce}"


@feature.tap("begin")
async def begin(
    turn: Turn, offer_id: str, version: str, points: str, nonce: str, signature: str
) -> Screen | list[Screen]:
    """Gives one's share and makes the link. Again: the same link."""
    whole = (number(offer_id), number(version), number(points))
    if not turn.vault.signed_by_us(_promise(turn, *whole, nonce), signature):
        return await _confirm(turn, number(offer_id), t("刚刚变了,还没有扣分。"))
    token = turn.vault.sign(f"together-link:{turn.me.id}:{nonce}")
    try:
        made = await together.start(
            turn.tx,
            turn.vault,
            turn.me,
            whole[0],
            version=whole[1],
            points=whole[2],
            token=token,
            nonce=nonce,
            zone=turn.zone,
            at=turn.at,
            actor=turn.actor,
        )
    except OfferChanged:
        return await _confirm(turn, number(offer_id), t("刚刚变了,还没有扣分。"))
    turn.finish()
    if made.state != "open":
        raise together.TogetherOver(made.state)
    listed, link = await shelf.one(turn.tx, made.offer_id), links.link_of(turn, together.LINK, token)
    asks = t("{name} 请您一起换 {what}", name=turn.name, what=both(listed.offer.name))
    share = f"https://t.me/share/url?url={quote(link, safe='')}&text={quote(turn.speaker.plain(asks), safe='')}"
    message: list[Line] = [
        t("<b>{asks}</b>", asks=asks),
        t("您出 {theirs}", theirs=points_of(listed, made.friend_points)),
        t("{link}", link=link),
        t("有效到 {when}", when=made.ends_at),
    ]
    page = await _waits(turn, made, t("您那份放好了。把下一条消息转给朋友。"))
    ways = (Button(t("发给朋友"), url=share, style="primary"), Button(t("复制链接"), copy=link))
    return [Screen(page.lines, (ways, *page.rows)), screen(message, picture=QR(link), fresh=True)]


async def _waits(turn: Turn, made: Together, *first: Line) -> Screen:
    listed = await shelf.one(turn.tx, made.offer_id)
    lines: list[Line] = [
        *first,
        t("<b>{what}</b>:等朋友答应", what=both(listed.offer.name)),
        t("您出了 {mine},{until} 前没答应就退回。", mine=points_of(listed, made.starter_points), until=made.ends_at),
    ]
    stop = feature.button(t("不等了"), "stop", made.id, style="danger")
    return screen(lines, [[stop, doors.offer(t("看这项"), made.offer_id)], [doors.home()]])


@feature.tap("stop")
async def stop(turn: Turn, id_: str) -> Screen:
    """Waits no longer."""
    made = await together.withdraw(turn.tx, turn.me.id, number(id_), at=turn.at, actor=turn.actor)
    listed = await shelf.one(turn.tx, made.offer_id)
    said = t("不等了,您的 {mine} 已退回。", mine=points_of(listed, made.starter_points))
    return screen([said], [[doors.offer(t("看这项"), made.offer_id), doors.home()]])


# -- the other side


@feature.link(together.LINK)
async def linked(turn: Turn, token: str) -> Screen:
    """Shows what joining would do."""
    seen = await together.behind(turn.tx, turn.vault, token, turn.me, at=turn.at)
    listed = await shelf.one(turn.tx, seen.offer_id)
    starter = (await people.names(turn, [seen.starter_id]))[seen.starter_id]
    lines: list[Line | None] = [
        t("<b>{name}</b> 请您一起换 <b>{what}</b>", name=starter, what=both(listed.offer.name)),
        t("{merchant}", merchant=both(listed.merchant)),
        t(
            "对方出了 {first},您出 <b>{rest}</b>",
            first=points_of(listed, seen.starter_points),
            rest=points_of(listed, seen.friend_points),
        ),
        BLANK,
        t("两人各一份,各有各的码。") if seen.codes > 1 else t("一份,一个码,在 {name} 那里。", name=starter),
        t("换好以后不能撤回。{until} 前有效。", until=seen.ends_at),
    ]
    yes = feature.button(t("一起换"), "join", token, style="primary")
    return screen(lines, [[yes, feature.button(t("不了"), "no", token)], [doors.home()]])


@feature.tap("join")
async def join(turn: Turn, token: str) -> Screen:
    """Gives the rest and redeems it; the other hears so."""
    seen = await together.behind(turn.tx, turn.vault, token, turn.me, at=turn.at)
    minted = (_code(turn), _code(turn))
    theirs, mine = await together.join(turn.tx, turn.vault, seen, turn.me, codes=minted, at=turn.at, actor=turn.actor)
    listed = await shelf.one(turn.tx, seen.offer_id)
    what = both(listed.offer.name)
    told: list[Line] = [t("<b>{name}</b> 答应了,换好了:<b>{what}</b>", name=turn.name, what=what)]
    ways = [[doors.voucher(t("看这张券"), theirs.redemption.id), doors.home()]]
    turn.tell(seen.starter_id, screen(told, ways), key=f"together:{seen.id}:done")
    starter = (await people.names(turn, [seen.starter_id]))[seen.starter_id]
    lines: list[Line] = [
        t("换好了:<b>{what}</b>", what=what),
        t("您出了 {rest}。", rest=points_of(listed, seen.friend_points)),
    ]
    if mine is not None:
        return screen(
            [*lines, t("您的码在您的券里。")], [[doors.voucher(t("看这张券"), mine.redemption.id), doors.home()]]
        )
    return screen([*lines, t("码在 {name} 那里。", name=starter)], [[doors.home()]])


def _code(turn: Turn) -> str:
    return codes.mint((turn.nonce() + turn.nonce() + turn.nonce()).encode())


@feature.tap("no")
async def no_(turn: Turn, token: str) -> Screen:
    """Does not want to; the other has their share back and hears so."""
    seen = await together.behind(turn.tx, turn.vault, token, turn.me, at=turn.at)
    await together.decline(turn.tx, seen, turn.me, at=turn.at, actor=turn.actor)
    listed = await shelf.one(turn.tx, seen.offer_id)
    told: list[Line] = [
        t("<b>{name}</b> 这次不换 {what}。", name=turn.name, what=both(listed.offer.name)),
        t("您的 {mine} 已退回。", mine=points_of(listed, seen.starter_points)),
    ]
    rows = [[doors.offer(t("看这项"), seen.offer_id), doors.home()]]
    turn.tell(seen.starter_id, screen(told, rows), key=f"together:{seen.id}:declined")
    return screen([t("好的,告诉对方了。")], [[doors.home()]])


@worded(together.NotTogether)
def _(no: together.NotTogether) -> Worded:
    return Worded(t("这一项不能两人一起换"), None, (doors.offer(t("返回"), no.offer_id),))


@worded(together.OwnTogether)
def _(no: together.OwnTogether) -> Worded:
    return Worded(t("这是您自己发起的"), t("请发给朋友,由对方点开。"), (doors.home(),))


@worded(together.NoSuchTogether)
def _(no: together.NoSuchTogether) -> Worded:
    return Worded(t("没有这个邀约"), t("链接可能不完整,请让对方重发。"), (doors.home(),))


@worded(together.TogetherOver)
def _(no: together.TogetherOver) -> Worded:
    if no.mine:
        return Worded(t("您已经答应过了,换好了"), None, (doors.vouchers(), doors.home()))
    said: dict[str, Text] = {
        "done": t("这一份已经有人一起换了"),
        "withdrawn": t("对方不等了"),
        "declined": t("这次没有换成"),
        "lapsed": t("这个邀约过时了"),
    }
    return Worded(said.get(no.state, said["lapsed"]), None, (doors.catalog(), doors.home()))
