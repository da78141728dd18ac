"""The doors between features: buttons that lead to another file's screen, so that handlers need not import each other.

A test opens every door and finds a tap behind it.
"""

from __future__ import annotations

from chat.screen import Button
from chat.words import Text, t


def home(label: Text | None = None) -> Button:
    """Back to the main screen."""
    return Button(label or t("主菜单"), data="home:show")


def catalog(label: Text | None = None) -> Button:
    """The catalog, opened where most people begin."""
    return Button(label or t("兑换"), data="catalog:home")


def affordable(label: Text | None = None) -> Button:
    """What this member's points can become now."""
    return Button(label or t("现在能换的"), data="catalog:affordable:0")


def offer(label: Text, offer_id: int) -> Button:
    """One offer."""
    return Button(label, data=f"catalog:offer:{offer_id}")


def card(label: Text | None = None) -> Button:
    """The member card."""
    return Button(label or t("会员码"), data="card:show")


def history(label: Text | None = None) -> Button:
    """The history, newest first."""
    return Button(label or t("明细"), data="history:page:all:0")


def why(label: Text, entry_id: int) -> Button:
    """One line of the history, opened to its reason."""
    return Button(label, data=f"history:why:{entry_id}")


def expiry(label: Text | None = None) -> Button:
    """The whole expiry schedule."""
    return Button(label or t("全部到期日"), data="expiry:show:0")


def vouchers(label: Text | None = None) -> Button:
    """My vouchers."""
    return Button(label or t("我的券"), data="vouchers:list:0")


def settings(label: Text | None = None) -> Button:
    """Language and notices."""
    return Button(label or t("设置"), data="settings:show")


def counter(label: Text | None = None) -> Button:
    """The till: award, verify, today's list."""
    return Button(label or t("收银台"), data="counter:home")
