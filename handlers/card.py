"""The member card (W4): a code to be scanned or read out, good for seconds; one tap gives the next."""

from __future__ import annotations

from chat import doors
from chat.feature import Feature
from chat.screen import QR, Screen, screen
from chat.turn import Turn
from chat.words import t, tn
from ledger.members import card

feature = Feature("card", order=20)


@feature.command("card", t("会员码"))
async def show_card(turn: Turn, words: str = "") -> Screen:
    """Shows a fresh code."""
    return await show(turn)


@feature.tap("show")
async def show(turn: Turn) -> Screen:
    """Draws a fresh code; the words come at once, the picture follows."""
    issued = await card.issue(turn.tx, turn.me.id, seed=turn.nonce(), seconds=turn.programme.card_seconds, now=turn.now)
    return screen(
        [
            t("会员码 <code>{code}</code>", code=issued.spoken),
            tn("给收银员扫,或念给他听。{n} 秒内有效,只能用一次。", n=turn.programme.card_seconds),
        ],
        [[feature.button(t("换一个码"), "show")], [doors.home()]],
        picture=QR(f"https://t.me/{turn.bot_username}?start={card.link(issued.code)}"),
        protect=True,
    )
