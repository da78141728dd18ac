"""Leaving whatever is being typed."""

from __future__ import annotations

from chat import doors
from chat.feature import Feature
from chat.screen import Screen, screen
from chat.turn import Turn
from chat.wallet import main_screen
from chat.words import t

feature = Feature("cancel", order=90)


@feature.command("cancel", t("取消当前操作"), audience="anyone")
async def cancel(turn: Turn, words: str = "") -> Screen:
    """Leaves the conversation. What was committed stays."""
    turn.finish()
    said = t("好的,没有进行中的操作了。")
    if turn.member is None:
        return screen([said], [[doors.join()]])
    return await main_screen(turn, said)
