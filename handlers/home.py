"""The main screen, wherever one is."""

from __future__ import annotations

from chat.feature import Feature
from chat.screen import Screen
from chat.turn import Turn
from chat.wallet import main_screen
from chat.words import t

feature = Feature("home", order=10, on_account=True)


@feature.command(
    "balance", t("我的积分"), reads_only=True, said="余额,积分,多少分,查分,你好,您好,菜单,balance,points,hi,hello,menu"
)
async def balance(turn: Turn, words: str = "") -> Screen:
    """Shows what is held."""
    return await main_screen(turn)


@feature.tap("show")
async def show(turn: Turn) -> Screen:
    """Comes back to the main screen and leaves whatever was being typed."""
    turn.finish()
    return await main_screen(turn)
