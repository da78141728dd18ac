"""Claiming the points that a merchant or a till kept for somebody before they joined: by code, or by their own phone number."""

from __future__ import annotations

from collections.abc import Sequence

from chat import doors, known
from chat.feature import Feature
from chat.merging import came_over
from chat.refusals import wording
from chat.screen import AskContact, Line, Screen, screen
from chat.turn import Turn
from chat.wallet import main_screen
from chat.words import Text, t
from ledger.errors import Refusal
from ledger.members import claims
from ledger.members.claims import Claimed

feature = Feature("claim", order=70)

BACK = t("返回")


@feature.command("claim", t("认领原有积分"), said="认领,旧卡,纸卡,claim")
async def claim(turn: Turn, words: str = "") -> Screen:
    """Takes the code with the command, or asks for it."""
    return await given(turn, words) if words.strip() else await start(turn)


@feature.link("k")
async def scratched(turn: Turn, code: str) -> Screen:
    """Takes the code that a paper card has under its scratch field, as a phone's camera read it."""
    return await given(turn, code)


@feature.tap("start")
async def start(turn: Turn) -> Screen:
    """Asks for the code."""
    turn.goto(feature.at("code"))
    lines: list[Line] = [
        t("<b>认领原有积分</b>"),
        t("您在商户那里原来有积分的,商户会给您一个认领码;纸卡的认领码藏在卡里。请发过来。"),
        t("在收银台报过手机号的,用手机号认领。"),
    ]
    return screen(lines, [[feature.button(t("用手机号认领"), "phone"), doors.account_number()], [doors.home(BACK)]])


@feature.step("code")
async def given(turn: Turn, said: str) -> Screen:
    """Moves the account's points here, or says why not. A wrong code leaves the question open."""
    answer = await claims.claim(turn.tx, turn.vault, member_id=turn.me.id, code=said, at=turn.at)
    if isinstance(answer, Refusal):
        worded = wording(answer)
        if isinstance(answer, claims.ClaimCodeUnknown) and answer.left:
            turn.goto(feature.at("code"))
        else:
            turn.finish()
        return screen([worded.headline, worded.detail], [[doors.home(BACK)]])
    turn.finish()
    return await main_screen(turn, *await came(turn, answer))


@feature.tap("phone")
async def by_phone(turn: Turn) -> Screen:
    """Asks for the phone number, by the key that shares it."""
    turn.goto(feature.at("phone"))
    return asks_contact(
        t("<b>用手机号认领</b>"), t("点下面的按钮,把您自己的手机号发给我。只用来找记在它名下的积分,不另外保存。")
    )


@feature.contact_step("phone")
async def shared(turn: Turn) -> Screen | Sequence[Screen]:
    """Moves what tills kept under this number. It must be the sender's own: Telegram says whose it is."""
    contact = turn.contact
    assert contact is not None, "a contact step has a contact"
    if not contact.own:
        return asks_contact(t("这不是您自己的号码。"), t("请用下面的按钮,发您自己的手机号。"))
    answer = await claims.claim_by_phone(turn.tx, turn.vault, member_id=turn.me.id, phone=contact.phone, at=turn.at)
    turn.finish()
    if isinstance(answer, Refusal):
        worded = wording(answer)
        return [screen([worded.headline, worded.detail], keys="away"), await main_screen(turn)]
    return [screen(await came(turn, answer), keys="away"), await main_screen(turn)]


@feature.step("phone")
async def typed_instead(turn: Turn, said: str) -> Screen | Sequence[Screen]:
    """Goes back; a number that was typed proves nothing, so it is asked for by the key again."""
    if said.strip() != turn.speaker.plain(BACK):
        return asks_contact(t("打字发来的号码不能用。"), t("请用下面的按钮,发您自己的手机号。"))
    turn.finish()
    return [screen([t("好的,没有认领。")], keys="away"), await main_screen(turn)]


def asks_contact(*lines: Line) -> Screen:
    """A message with the key that shares one's own number."""
    return screen(lines, keys=AskContact(t("发送我的手机号"), BACK))


async def came(turn: Turn, answer: Claimed) -> list[Line]:
    """What was claimed, and what came with it."""
    names = await known.read(turn.tx)
    merchant = names.merchant(answer.merchant_id)
    lines: list[Line] = [whose(answer, merchant)]
    lines += came_over(names, answer.receipts)
    if not answer.receipts:
        lines.append(t("账户里没有可用的积分。"))
    return lines


def whose(answer: Claimed, merchant: object) -> Text:
    """Which account it was."""
    match answer.known_by:
        case None:
            return t("{merchant}的账户 {number} 归您了", merchant=merchant, number=answer.external_id)
        case handle if handle.kind == "phone":
            return t("手机号 {phone} 名下的积分归您了", phone=handle.shown)
        case handle:
            return t("纸卡 {card} 归您了,以后刷这张卡,分也记在您名下", card=handle.shown)
