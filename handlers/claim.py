"""Claiming the points of an account that a merchant kept before it joined the coalition."""

from __future__ import annotations

from chat import doors, known
from chat.feature import Feature
from chat.refusals import wording
from chat.screen import Line, Screen, screen
from chat.turn import Turn
from chat.wallet import main_screen
from chat.words import t
from ledger.errors import Refusal
from ledger.members import claims

feature = Feature("claim", order=70)


@feature.command("claim", t("认领原有积分"))
async def claim(turn: Turn, words: str = "") -> Screen:
    """Takes the code with the command, or asks for it."""
    return await given(turn, words) if words.strip() else await start(turn)


@feature.tap("start")
async def start(turn: Turn) -> Screen:
    """Asks for the code."""
    turn.goto(feature.at("code"))
    return screen(
        [t("<b>认领原有积分</b>"), t("您在商户那里原来有积分的,商户会给您一个认领码。请发过来。")],
        [[doors.home(t("返回"))]],
    )


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
        return screen([worded.headline, worded.detail], [[doors.home(t("返回"))]])
    turn.finish()
    names = await known.read(turn.tx)
    lines: list[Line] = [
        t("{merchant}的账户 {number} 归您了", merchant=names.merchant(answer.merchant_id), number=answer.external_id)
    ]
    lines += [t("+{points}", points=names.points(r.currency, r.points)) for r in answer.receipts]
    if not answer.receipts:
        lines.append(t("账户里没有可用的积分。"))
    return await main_screen(turn, *lines)
