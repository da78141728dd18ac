"""The member card (W4): a code to be scanned or read out, good for seconds. It renews itself a few times, then on tap.

Renewing goes on while the card is what is open: the dialogue stands at `card.open` with the nonce of the code on the screen, and
whatever the member does next leaves it. The waiting is the bot process's own; where that ends, the renewals end, and one tap
gives the next code.
"""

from __future__ import annotations

import datetime as dt

from chat import doors
from chat.feature import Feature
from chat.screen import QR, Renew, Screen, screen
from chat.turn import Turn
from chat.words import t, tn
from ledger.members import business, card

RENEWALS = 3
"""How often an open card renews itself: with the first code about two minutes, a queue at the till."""
LEAD = 6
"""The next code comes when a sixth of the last one's seconds is left, so that none on the screen is dead by the time it is read."""

feature = Feature("card", order=20, on_account=True)


@feature.command("card", t("会员码"), said="会员卡,二维码,条码,出示,付款码,qr,my card,member card")
async def show_card(turn: Turn, words: str = "") -> Screen:
    """Shows a fresh code."""
    return await show(turn)


@feature.tap("show")
async def show(turn: Turn) -> Screen:
    """Draws a fresh code, in words and as a picture."""
    return await _fresh(turn, RENEWALS)


@feature.tap("renew")
async def renew(turn: Turn, shown: str) -> Screen | None:
    """Draws the next code where the card is still open, and still shows the code it showed."""
    if turn.dialogue.state != feature.at("open") or turn.dialogue.data["shown"] != shown:
        return None
    return await _fresh(turn, turn.dialogue.data["left"] - 1)


async def _fresh(turn: Turn, left: int) -> Screen:
    """A fresh code on a card that renews itself `left` more times."""
    business.must_buy(turn.me)
    seconds = turn.programme.card_seconds
    issued = await card.issue(turn.tx, turn.me.id, seed=turn.nonce(), seconds=seconds, now=turn.now)
    again = None
    if left:
        nonce = turn.nonce()
        turn.goto(feature.at("open"), shown=nonce, left=left)
        again = Renew(feature.data("renew", nonce), issued.expires_at - dt.timedelta(seconds=seconds / LEAD))
    else:
        turn.finish()
    company = turn.me.acts_for
    tier = doors.tier() if turn.programme.tiers and company is None else None
    return screen(
        [
            t("<b>{company}</b> · 企业账户", company=company.name) if company else None,
            t("会员码 <code>{code}</code>", code=issued.spoken),
            tn("给收银员扫,或念给他听。{n} 秒内有效,只能用一次。", n=seconds),
            t("到时会自动换新。") if left else t("过期后点「换一个码」。"),
        ],
        [[feature.button(t("换一个码"), "show")], [tier, doors.home()]],
        picture=QR(f"https://t.me/{turn.bot_username}?start={card.link(issued.code)}"),
        protect=True,
        renew=again,
    )
