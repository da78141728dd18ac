"""The doors between features: buttons that lead to another file's screen, so that handlers need not import each other.
Here are those that members open; `desk_doors` has counters' and merchants', `operator_doors` the operator's.

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


def invite(label: Text | None = None) -> Button:
    """Inviting friends."""
    return Button(label or t("邀请好友"), data="invite:home")


def affordable(label: Text | None = None) -> Button:
    """What this member's points can become now."""
    return Button(label or t("现在能换的"), data="catalog:affordable:0")


def offer(label: Text, offer_id: int) -> Button:
    """One offer."""
    return Button(label, data=f"catalog:offer:{offer_id}")


def merchant_offers(label: Text, merchant_id: int) -> Button:
    """What one merchant has in the catalog."""
    return Button(label, data=f"catalog:merchant:{merchant_id}:0")


def children(label: Text | None = None) -> Button:
    """The children that somebody told of."""
    return Button(label or t("孩子"), data="children:list")


def gift(label: Text | None = None) -> Button:
    """Giving points to somebody."""
    return Button(label or t("送积分"), data="gift:home")


def together(offer_id: int) -> Button:
    """Having an offer together with somebody."""
    return Button(t("找人一起换"), data=f"together:start:{offer_id}")


def pool(label: Text | None = None) -> Button:
    """The family's pool."""
    return Button(label or t("家庭池"), data="pool:home")


def from_pool(label: Text, offer_id: int, amount: int = 0) -> Button:
    """What redeeming would do where the family's pool pays; asks for the amount first where it is 0."""
    return Button(label, data=f"redeem:confirm:{offer_id}:{amount}:p" if amount else f"redeem:choose:{offer_id}:p")


def ask_head(label: Text, offer_id: int, amount: int) -> Button:
    """Asking the head of the family for this redemption from its pool."""
    return Button(label, data=f"redeem:ask:{offer_id}:{amount}", style="primary")


def redeem(label: Text, offer_id: int, amount: int) -> Button:
    """The confirm screen for so much of an offer: pieces, or minor units of money."""
    return Button(label, data=f"redeem:confirm:{offer_id}:{amount}", style="primary")


def amounts(label: Text, offer_id: int) -> Button:
    """Choosing how much of an offer."""
    return Button(label, data=f"redeem:choose:{offer_id}")


def book(offer_id: int, label: Text | None = None) -> Button:
    """Choosing when, for an offer that is booked."""
    return Button(label or t("选时间"), data=f"booking:days:{offer_id}:0", style="primary")


def book_slot(label: Text, offer_id: int, starts: str) -> Button:
    """Holding the slot of an offer that begins at a minute, as `arguments.minute` writes it."""
    return Button(label, data=f"booking:take:{offer_id}:{starts}")


def rebook(voucher_id: int, label: Text | None = None) -> Button:
    """Choosing another time for a voucher."""
    return Button(label or t("改时间"), data=f"booking:move:{voucher_id}:0")


def rebook_slot(label: Text, voucher_id: int, starts: str) -> Button:
    """Another slot for a voucher, the minute as for `book_slot`; a question comes before."""
    return Button(label, data=f"booking:moves:{voucher_id}:{starts}")


def cancel_booking(voucher_id: int) -> Button:
    """Giving a booked time back, with a question before."""
    return Button(t("取消预约"), data=f"vouchers:undo:{voucher_id}")


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


def quiet_favourites() -> Button:
    """Hearing no more of what changes with favourites."""
    return Button(t("不再提醒"), data="favourites:watch:0")


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


def return_of(label: Text, voucher_id: int) -> Button:
    """Returning what a voucher was for: claiming it, or how the claim stands."""
    return Button(label, data=f"returns:show:{voucher_id}")


def pay(label: Text, voucher_id: int) -> Button:
    """The bill for a voucher's cash part."""
    return Button(label, data=f"cash:invoice:{voucher_id}", style="primary")


def let_go_held(voucher_id: int) -> Button:
    """Letting go what waits for its cash part, with a question before."""
    return Button(t("取消这份"), data=f"cash:drop:{voucher_id}")


def reveal(voucher_id: int) -> Button:
    """A partner's code, which counts as used once it is seen."""
    return Button(t("查看码"), data=f"vouchers:reveal:{voucher_id}", style="primary")


def take_back(voucher_id: int) -> Button:
    """Taking a redemption back, with a question before."""
    return Button(t("撤回"), data=f"vouchers:undo:{voucher_id}")


def settings(label: Text | None = None) -> Button:
    """Language and notices."""
    return Button(label or t("设置"), data="settings:show")


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


def account_number() -> Button:
    """The account's number, for whoever has two accounts."""
    return Button(t("我有两个账户"), data="merged:number")


def help_(label: Text | None = None) -> Button:
    """What the bot can do."""
    return Button(label or t("能做什么"), data="help:show")


def tier(label: Text | None = None) -> Button:
    """A member's tier, and the way to the next."""
    return Button(label or t("会员等级"), data="tier:show")


def buy_tier(label: Text, tier: str) -> Button:
    """A tier for points: what it costs and brings."""
    return Button(label, data=f"tier_sale:ask:{tier}")


def activities(label: Text | None = None) -> Button:
    """What can be joined now for points: talks, surveys, suggestions."""
    return Button(label or t("活动"), data="activities:list:0")


def own_account() -> Button:
    """Back from a company's account to one's own."""
    return Button(t("换回自己的账户"), data="business:act:0")


def business(label: Text | None = None) -> Button:
    """The companies that a member acts for."""
    return Button(label or t("企业账户"), data="business:home")


def family(label: Text | None = None) -> Button:
    """The family that a member is in, or founding one."""
    return Button(label or t("家庭"), data="family:home")


def apply(label: Text | None = None) -> Button:
    """Applying to be a merchant, or where the application stands."""
    return Button(label or t("申请开店"), data="apply:home")


def application_papers(label: Text) -> Button:
    """The papers of one's application."""
    return Button(label, data="apply_papers:home")


def standing() -> Button:
    """The member's switch for using their credit standing."""
    return Button(t("使用信用评级"), data="standing:mine")


def shops(label: Text | None = None) -> Button:
    """The merchants of the coalition, for members."""
    return Button(label or t("商户"), data="shops:home")


def shop(label: Text, merchant_id: int) -> Button:
    """One merchant: how to earn there, and what it gives."""
    return Button(label, data=f"shops:open:{merchant_id}")


def declined_why(label: Text, declined_id: int) -> Button:
    """A declined purchase, for its member."""
    return Button(label, data=f"history:declined:{declined_id}")


def privileges(label: Text | None = None) -> Button:
    """What a member has, holds enough for, or nearly has."""
    return Button(label or t("我的权益"), data="privileges:list:0")
