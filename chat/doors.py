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


def merchant_offers(label: Text, merchant_id: int) -> Button:
    """What one merchant has in the catalog."""
    return Button(label, data=f"catalog:merchant:{merchant_id}:0")


def redeem(label: Text, offer_id: int, amount: int) -> Button:
    """The confirm screen for so much of an offer: pieces, or minor units of money."""
    return Button(label, data=f"redeem:confirm:{offer_id}:{amount}", style="primary")


def amounts(label: Text, offer_id: int) -> Button:
    """Choosing how much of an offer."""
    return Button(label, data=f"redeem:choose:{offer_id}")


def exchange(label: Text | None = None) -> Button:
    """A merchant's own points into common ones."""
    return Button(label or t("积分转换"), data="exchange:home")


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


def favourites(label: Text | None = None) -> Button:
    """What a member keeps an eye on."""
    return Button(label or t("收藏"), data="favourites:list:0")


def keep(offer_id: int) -> Button:
    """Adding an offer to the favourites."""
    return Button(t("加入收藏"), data=f"favourites:keep:{offer_id}")


def let_go(offer_id: int) -> Button:
    """Taking an offer off the favourites."""
    return Button(t("取消收藏"), data=f"favourites:let_go:{offer_id}")


def voucher(label: Text, voucher_id: int) -> Button:
    """One voucher, with its code while it can be used."""
    return Button(label, data=f"vouchers:show:{voucher_id}")


def take_back(voucher_id: int) -> Button:
    """Taking a redemption back, with a question before."""
    return Button(t("撤回"), data=f"vouchers:undo:{voucher_id}")


def settings(label: Text | None = None) -> Button:
    """Language and notices."""
    return Button(label or t("设置"), data="settings:show")


def counter(label: Text | None = None) -> Button:
    """The till: award, verify, today's list."""
    return Button(label or t("收银台"), data="counter:home")


def join(label: Text | None = None) -> Button:
    """What joining means, for who has not joined."""
    return Button(label or t("加入"), data="join:intro", style="primary")


def region(label: Text) -> Button:
    """Choosing a region."""
    return Button(label, data="settings:region")


def birthday(label: Text) -> Button:
    """Telling a birthday."""
    return Button(label, data="settings:birthday")


def claim(label: Text | None = None) -> Button:
    """Claiming an account that a merchant had before."""
    return Button(label or t("认领原有积分"), data="claim:start")


def help_(label: Text | None = None) -> Button:
    """What the bot can do."""
    return Button(label or t("能做什么"), data="help:show")


def award(label: Text | None = None, merchant_id: int | None = None) -> Button:
    """Awarding points at the till."""
    where = "" if merchant_id is None else f":{merchant_id}"
    return Button(label or t("记一笔"), data=f"award:start{where}")


def verify(label: Text | None = None, merchant_id: int | None = None) -> Button:
    """Taking a voucher at the till."""
    where = "" if merchant_id is None else f":{merchant_id}"
    return Button(label or t("验券"), data=f"verify:start{where}")


def day(merchant_id: int, label: Text | None = None) -> Button:
    """The day's list of a till."""
    return Button(label or t("今天的"), data=f"day:list:{merchant_id}:0")


def day_line(label: Text, purchase_id: int) -> Button:
    """One award of the day's list."""
    return Button(label, data=f"day:open:{purchase_id}")


def award_back(label: Text, purchase_id: int) -> Button:
    """Taking an award back, with a reason."""
    return Button(label, data=f"day:back:{purchase_id}")


def staff(merchant_id: int, label: Text | None = None) -> Button:
    """Who works at a merchant."""
    return Button(label or t("店员"), data=f"staff:list:{merchant_id}")


def operator(label: Text | None = None) -> Button:
    """The operator's desk."""
    return Button(label or t("运营台"), data="operator:home")
