"""Inviting friends (E8): one's own link, a message to pass on in one's own words, and whom one has invited."""

from __future__ import annotations

from urllib.parse import quote

from chat import doors
from chat import families as people
from chat import referrals as words_of
from chat.arguments import number
from chat.feature import Feature
from chat.screen import BLANK, QR, Button, Choice, Line, Screen, screen
from chat.turn import Turn
from chat.words import Both, Points, Text, t, tn
from ledger.earning import referrals
from ledger.programme import Referrals

feature = Feature("invite", order=80)

PER_PAGE = 8
WORDS_LONGEST = 200


@feature.command("invite", t("邀请好友"), said="邀请,推荐,拉新,invite,refer,referral")
async def command(turn: Turn, words: str = "") -> Screen:
    """Shows what inviting brings, with the member's own link."""
    return await home(turn)


@feature.tap("home")
async def home(turn: Turn) -> Screen:
    """Shows what inviting brings, with the member's own link."""
    turn.finish()
    rules = words_of.rules_of(turn.programme)
    counts = await referrals.counts(turn.tx, turn.me.id)
    gift = await words_of.first_order(turn)
    lines: list[Line | None] = [
        t("<b>{brings}</b>", brings=words_of.brings(rules)),
        t("朋友一加入就得:{gift}。", gift=gift) if gift else None,
        words_of.condition(turn.programme, rules),
        t("过了退货期就到账;退了货,两边都收回。"),
        tn("一个月最多算 {n} 位,一年 {year} 位。", n=rules.per_month, year=rules.per_year),
        BLANK,
        t("<code>{link}</code>", link=words_of.link_of(turn, rules)),
    ]
    return screen(lines, [*_ways(turn, rules, _usual(turn)), [_mine(counts), doors.home()]])


def _usual(turn: Turn) -> str:
    programme = turn.programme
    return turn.speaker.plain(t("我在用{programme},一起来吧", programme=Both(programme.name_zh, programme.name_en)))


def _ways(turn: Turn, rules: Referrals, words: str) -> list[list[Button | None]]:
    link = words_of.link_of(turn, rules)
    share = f"https://t.me/share/url?url={quote(link, safe='')}&text={quote(words, safe='')}"
    return [
        [Button(t("发给朋友"), url=share, style="primary"), Button(t("复制链接"), copy=link)],
        [Button(t("直接发到聊天里"), passes=words if words != _usual(turn) else "")] if turn.inline else [],
        [feature.button(t("出示二维码"), "message"), feature.button(t("用我的话邀请"), "words")],
    ]


def _mine(counts: dict[str, int]) -> Button | None:
    n = sum(counts.values())
    return feature.button(t("我邀请的({n})", n=n), "mine", 0) if n else None


@feature.tap("message")
async def message(turn: Turn) -> list[Screen]:
    """A message to be passed on, with its picture."""
    return _passed_on(turn, _usual(turn))


def _passed_on(turn: Turn, words: str) -> list[Screen]:
    rules = words_of.rules_of(turn.programme)
    link = words_of.link_of(turn, rules)
    lines: list[Line] = [t("把下一条消息转给朋友,或让对方扫图里的码。")]
    said: list[Line] = [t("{words}", words=words)]
    if rules.friend_points:
        said.append(t("第一次消费后,您得 {theirs}", theirs=Points(rules.friend_points)))
    said.append(t("{link}", link=link))
    rows: list[list[Button | None]] = [*_ways(turn, rules, words), [doors.invite(t("返回")), doors.home()]]
    return [screen(lines, rows), screen(said, picture=QR(link), fresh=True)]


@feature.passes_on
async def passed_on(turn: Turn, said: str) -> Screen:
    """What a member sends to a chat of theirs by the bot's name: their own words, or the usual ones, with their link."""
    rules = words_of.rules_of(turn.programme)
    words = " ".join(said.split())[:WORDS_LONGEST] or _usual(turn)
    about = t("{words}", words=words)
    lines: list[Line] = [about]
    if rules.friend_points:
        lines.append(t("第一次消费后,您得 {theirs}", theirs=Points(rules.friend_points)))
    join = Button(t("加入"), url=words_of.link_of(turn, rules))
    return screen(lines, [[join]], choice=Choice(t("发出邀请"), about))


@feature.tap("words")
async def own_words(turn: Turn) -> Screen:
    """Asks for the member's own words."""
    words_of.rules_of(turn.programme)
    turn.goto(feature.at("words"))
    lines: list[Line] = [t("想对朋友说什么?直接发给我,最多 {n} 个字。链接我来加。", n=WORDS_LONGEST)]
    return screen(lines, [[doors.invite(t("返回")), doors.home()]])


@feature.step("words")
async def said(turn: Turn, words: str) -> list[Screen] | Screen:
    """Puts the member's words above their link."""
    words = " ".join(words.split())
    if len(words) > WORDS_LONGEST:
        n = len(words) - WORDS_LONGEST
        return screen([tn("长了 {n} 个字,请短一点再发。", n=n)], [[doors.invite(t("返回")), doors.home()]])
    turn.finish()
    return _passed_on(turn, words)


@feature.tap("mine")
async def mine(turn: Turn, page: str = "0") -> Screen:
    """Lists whom the member invited, the latest first, and where each stands."""
    turn.finish()
    at, counts = number(page), await referrals.counts(turn.tx, turn.me.id)
    total = sum(counts.values())
    found = await referrals.of_inviter(turn.tx, turn.me.id, skip=at * PER_PAGE, limit=PER_PAGE)
    named = await people.names(turn, (each.friend_id for each in found))
    lines: list[Line] = [
        t("<b>我邀请的</b> · 共 {n} 位,{done} 位已得分", n=total, done=counts.get("rewarded", 0)),
        BLANK,
    ]
    lines += [words_of.stands(each, named[each.friend_id]) for each in found]
    if not found:
        lines = [t("<b>我邀请的</b>"), t("还没有人用您的链接加入。")]
    rows: list[list[Button | None]] = [
        [
            feature.button(t("上一页"), "mine", at - 1) if at else None,
            feature.button(t("下一页"), "mine", at + 1) if total > (at + 1) * PER_PAGE else None,
        ],
        [doors.invite(), doors.home()],
    ]
    return screen(lines, rows)


@feature.link(referrals.LINK)
async def opened(turn: Turn, carried: str) -> Screen:
    """A link that a member opened: their own, or somebody's who came too late to invite them."""
    words_of.rules_of(turn.programme)
    whose = referrals.inviter(turn.vault, carried, today=turn.today)
    told: Text = t("您已经是会员了,邀请只算新会员。您也可以邀请自己的朋友:")
    own = await referrals.of_friend(turn.tx, turn.me.id)
    if whose == turn.me.id:
        told = t("这是您自己的邀请链接,发给朋友用的。")
    elif own is not None and own.inviter_id == whose:
        told = t("您就是应这位朋友的邀请加入的,不用再点。您也可以邀请自己的朋友:")
    shown = await home(turn)
    return Screen((*screen([told, BLANK]).lines, *shown.lines), shown.rows)
