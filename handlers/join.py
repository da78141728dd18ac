"""Becoming a member: what joining means, what is kept and why, one tap to agree; the rest can be told later or never.

A deep link that brought a newcomer here is kept through joining and offered again right after.
"""

from __future__ import annotations

from dataclasses import replace

from chat import doors, known, referrals
from chat.feature import Feature
from chat.offers import thing
from chat.screen import BLANK, Button, Line, Screen, screen
from chat.turn import Turn
from chat.wallet import main_screen
from chat.words import Both, Points, t, tn
from ledger.earning import referrals as friends
from ledger.earning import welcome
from ledger.members import joining, person, profile
from ledger.members.member import Member
from ledger.members.person import Person
from ledger.redeeming import codes, complimentary
from ledger.redeeming.vouchers import Redemption

feature = Feature("join", order=1, on_account=True)

OTHER_LANGUAGE = {"zh": "en", "en": "zh"}


@feature.command("start", t("主菜单"), audience="anyone")
async def start(turn: Turn, words: str = "") -> Screen:
    """Shows members what they hold, and newcomers what this is."""
    if turn.member is None:
        return await intro(turn)
    turn.finish()
    who = turn.member.person_id or turn.member.id  # a company that somebody acts for keeps the name it was given
    shown = await person.load(turn.tx, turn.vault, who)
    if shown.name != turn.name:
        await person.rename(turn.tx, turn.vault, who, turn.name)
    return await main_screen(turn)


@feature.tap("intro", audience="anyone")
async def intro(turn: Turn, language: str = "") -> Screen:
    """What the programme is, what is kept and why, and its terms in short."""
    if turn.member is not None:
        return await main_screen(turn)
    if language in OTHER_LANGUAGE:
        turn.language = language
    turn.goto(feature.at("intro"), **turn.dialogue.data)
    programme, names = turn.programme, await known.read(turn.tx)
    common = names.currencies[programme.common_currency]
    serving = [m for m in names.merchants.values() if m.status == "certified"]
    lines: list[Line | None] = [
        t("<b>{programme}</b>", programme=Both(programme.name_zh, programme.name_en)),
        tn(
            "{n} 家商户通用:在这家消费得的分,在那家也能用。100 分值 {worth}。",
            n=len(serving),
            worth=names.worth(common.id, 100) or Points(0),
        ),
        _welcome_offer(turn),
        *await referrals.heard(turn, str(turn.dialogue.data.get("link", ""))),
        BLANK,
        t("<b>加入后保存什么</b>"),
        t("您的 Telegram 账号和名字:用来认出您、把收支告诉您。加密存放。"),
        t("每一笔积分的来去:让您随时能查。"),
        t("生日和地区可以不填。不要手机号,不给别人。"),
        BLANK,
        t("<b>条款要点</b>({version})", version=programme.terms_version),
        t("{terms}", terms=Both(programme.terms_zh, programme.terms_en)),
    ]
    other = OTHER_LANGUAGE[turn.language]
    rows = [
        [feature.button(t("同意并加入"), "agree", turn.language, programme.terms_version, style="primary")],
        [feature.button(t("{language}", language={"zh": "中文", "en": "English"}[other]), "intro", other)],
    ]
    return screen(lines, rows)


@feature.step("intro")
async def typed_instead(turn: Turn, said: str) -> Screen:
    """Answers whatever a newcomer types with the same page."""
    return await intro(turn)


@feature.tap("agree", audience="anyone")
async def agree(turn: Turn, language: str, version: str) -> Screen:
    """Makes them a member, once, and shows what they were welcomed with."""
    if turn.member is not None:
        return await main_screen(turn)
    hinted = turn.language
    if language in OTHER_LANGUAGE:
        turn.language = language
    if version != turn.programme.terms_version:
        # The terms have changed since this button was drawn: they are read before they are agreed to.
        return await intro(turn)
    funded_by = None
    if turn.programme.welcome_points:
        funded_by = await welcome.issuer(turn.tx, turn.programme, turn.at)
    who = Person(turn.telegram_id, turn.chat_id, turn.name)
    link = turn.dialogue.data.get("link")
    joined = await joining.join(turn.tx, turn.vault, turn.programme, who, welcome_issuer_id=funded_by, at=turn.at)
    turn.member = joined.member
    turn.finish()
    if not joined.new:
        return await main_screen(turn)
    invited = await _by_friend(turn, joined.member.id, str(link)) if link else False
    gift = await _first_order(turn, joined.member) if invited else None
    if turn.language != hinted:
        await profile.choose_language(turn.tx, joined.member.id, turn.language)
    lines: list[Line | None] = [t("欢迎您,{name}", name=turn.name)]
    if turn.programme.welcome_points and joined.welcome is None:
        await welcome.owe(turn.tx, turn.programme, joined.member.id, now=turn.now)
        lines.append(t("入会礼 {points}稍后到账,到了告诉您", points=Points(turn.programme.welcome_points)))
    if joined.welcome is not None:
        lines.append(t("入会礼 {points}已到账", points=Points(joined.welcome.points)))
    if gift is not None:
        given = thing(gift.offer, gift.units, gift.value_minor, gift.money)
        lines.append(t("首单礼:<b>{gift}</b>,已在您的券里", gift=given))
    onward = f"https://t.me/{turn.bot_username}?start={link}" if link and not invited else None
    rows: list[list[Button | None]] = [
        [Button(t("继续刚才的"), url=onward, style="primary") if onward else None],
        [replace(doors.voucher(t("看这张券"), gift.id), style="primary") if gift is not None else None],
        [doors.region(t("填地区")) if turn.programme.regions else None, doors.birthday(t("填生日"))],
    ]
    page = await main_screen(turn, *[line for line in lines if line is not None])
    optional = t("地区和生日可填可不填,以后在设置里也能改。")
    return Screen((*page.lines, BLANK, optional), (*screen([], rows).rows, *page.rows))


async def _by_friend(turn: Turn, member_id: int, link: str) -> bool:
    """Remember whose invitation brought them, and tell who that is."""
    whose = referrals.inviter(turn, link)
    if whose is None:
        return False
    if await friends.begin(turn.tx, member_id, whose, at=turn.at):
        told = t("<b>{name}</b> 用您的邀请加入了", name=turn.name)
        turn.tell(whose, screen([told], [[doors.invite(), doors.home()]]), key=f"referral:{member_id}:joined")
    return True


async def _first_order(turn: Turn, member: Member) -> Redemption | None:
    """The voucher that an invited friend is given at once; None where there is none today."""
    code = codes.mint((turn.nonce() + turn.nonce() + turn.nonce()).encode())
    return await complimentary.give(turn.tx, turn.programme, member, code=code, vault=turn.vault, at=turn.at)


def _welcome_offer(turn: Turn) -> Line | None:
    points = turn.programme.welcome_points
    return t("加入就有 {points}。", points=Points(points)) if points else None
