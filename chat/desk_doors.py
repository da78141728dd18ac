"""The doors to what those open who serve at a counter or run a merchant. What doors are is said in `doors`."""

from __future__ import annotations

import datetime as dt
from typing import Literal

from chat.screen import Button
from chat.words import Text, t, tn


def bookings_today(merchant_id: int, label: Text | None = None) -> Button:
    """What is booked at a merchant today."""
    return Button(label or t("今天的预约"), data=f"calendar:today:{merchant_id}")


def calendar(merchant_id: int) -> Button:
    """A merchant's days: what is booked on each, closing and opening them."""
    return Button(t("预约日历"), data=f"calendar:home:{merchant_id}:0")


def answer_return(label: Text, claim_id: int) -> Button:
    """A claim on redeemed goods, for the merchant's answer."""
    return Button(label, data=f"returns_desk:show:{claim_id}")


def returns_desk(label: Text, merchant_id: int) -> Button:
    """A merchant's claims on redeemed goods."""
    return Button(label, data=f"returns_desk:list:{merchant_id}")


def cash_back(merchant_id: int, label: Text) -> Button:
    """Cash that goes back to members: a counter's list, or (0) the operator's."""
    return Button(label, data=f"cash_back:list:{merchant_id}")


def cash_back_of(label: Text, merchant_id: int, refund_id: int) -> Button:
    """One piece of cash that a counter gives back."""
    return Button(label, data=f"cash_back:show:{merchant_id}:{refund_id}")


def counter(label: Text | None = None) -> Button:
    """The till: award, verify, today's list."""
    return Button(label or t("收银台"), data="counter:home")


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


def refund(merchant_id: int, label: Text | None = None) -> Button:
    """Refunding at the till: which purchase."""
    return Button(label or t("退款"), data=f"refund:start:{merchant_id}")


def refund_of(label: Text, purchase_id: int) -> Button:
    """Refunding one purchase."""
    return Button(label, data=f"refund:open:{purchase_id}")


def refund_line(label: Text, purchase_id: int, place: int) -> Button:
    """Refunding one piece of a line of a purchase."""
    return Button(label, data=f"refund:line:{purchase_id}:{place}:1")


def refund_part(label: Text, purchase_id: int, amount_minor: int) -> Button:
    """Refunding an amount of a purchase."""
    return Button(label, data=f"refund:part:{purchase_id}:{amount_minor}")


def refund_by_card(merchant_id: int) -> Button:
    """Refunding what there is no receipt of."""
    return Button(t("没有小票"), data=f"refund_by_card:start:{merchant_id}")


def staff(merchant_id: int, label: Text | None = None) -> Button:
    """Who works at a merchant."""
    return Button(label or t("店员"), data=f"staff:list:{merchant_id}")


def sell_tiers(label: Text | None = None) -> Button:
    """Selling a tier for money to whoever is being served at the till."""
    return Button(label or t("卖会员等级"), data="tier_counter:choose")


def sell_tier(label: Text, tier: str) -> Button:
    """What one tier would cost whoever is being served, and until when they would have it."""
    return Button(label, data=f"tier_counter:ask:{tier}")


def award_amount(label: Text) -> Button:
    """Back to the amount for whoever is being served."""
    return Button(label, data="award:amount")


def sold_tiers(merchant_id: int, label: Text | None = None) -> Button:
    """The tiers that a merchant has sold for money, newest first."""
    return Button(label or t("卖出的等级"), data=f"sold_tiers:list:{merchant_id}:0")


def tier_back(label: Text, sale_id: int) -> Button:
    """Taking a tier that was sold back, with a reason."""
    return Button(label, data=f"sold_tiers:back:{sale_id}")


def run_activities(merchant_id: int, label: Text | None = None) -> Button:
    """The activities of a merchant, as its people run them."""
    return Button(label or t("活动"), data=f"run_activities:list:{merchant_id}")


def run_activity(activity_id: int, label: Text) -> Button:
    """One activity, as its merchant's people see it."""
    return Button(label, data=f"run_activities:open:{activity_id}")


def suggestions(activity_id: int, label: Text | None = None) -> Button:
    """What members suggested in a box and nobody has answered."""
    return Button(label or t("看建议"), data=f"suggestions:list:{activity_id}")


def dividend(merchant_id: int, label: Text | None = None) -> Button:
    """A merchant's dividends: those given, and a new one."""
    return Button(label or t("分红"), data=f"dividends:list:{merchant_id}")


def merchant(label: Text | None = None, merchant_id: int = 0) -> Button:
    """A merchant's own page, for those who run it."""
    return Button(label or t("商户页"), data=f"merchant:home:{merchant_id}")


def campaigns(merchant_id: int, label: Text | None = None) -> Button:
    """A merchant's campaigns and their budgets; 0: the programme's."""
    return Button(label or t("活动预算"), data=f"campaigns:list:{merchant_id}")


def paper_cards(merchant_id: int, label: Text | None = None) -> Button:
    """A merchant's cards for customers without Telegram."""
    return Button(label or t("纸卡"), data=f"paper:home:{merchant_id}")


def outlets(merchant_id: int, label: Text | None = None) -> Button:
    """A merchant's outlets and tills."""
    return Button(label or t("门店"), data=f"outlets:list:{merchant_id}")


def papers(merchant_id: int, label: Text | None = None) -> Button:
    """A merchant's certificates and files."""
    return Button(label or t("证书与文件"), data=f"papers:home:{merchant_id}")


def shift(merchant_id: int, label: Text | None = None) -> Button:
    """One's shift at a till: opening it, closing it."""
    return Button(label or t("班次"), data=f"shift:home:{merchant_id}")


def shifts(merchant_id: int, label: Text | None = None) -> Button:
    """A merchant's shifts, newest first."""
    return Button(label or t("各班记录"), data=f"shift:list:{merchant_id}:0")


def settlement(merchant_id: int, label: Text | None = None) -> Button:
    """What a merchant owes and is owed, week by week."""
    return Button(label or t("周结算"), data=f"settlement:home:{merchant_id}")


def settlement_week(merchant_id: int, week: dt.date, label: Text | None = None) -> Button:
    """A merchant's statement of one week."""
    return Button(label or t("看结算单"), data=f"settlement:week:{merchant_id}:{week}")


def settlement_line(merchant_id: int, week: dt.date, number: int, label: Text | None = None) -> Button:
    """One line of a merchant's statement."""
    return Button(label or t("看这一笔"), data=f"settlement:line:{merchant_id}:{week}:{number}")


def cover(merchant_id: int, label: Text | None = None) -> Button:
    """What stands behind a merchant's points, for its owner."""
    return Button(label or t("保证金"), data=f"cover:home:{merchant_id}")


def declined(label: Text, merchant_id: int) -> Button:
    """What a merchant sold while its cover was used up, for those who run it."""
    return Button(label, data=f"declined:home:{merchant_id}")


def make_up(merchant_id: int, purchases: int) -> Button:
    """Booking all that was declined, once it is confirmed."""
    return Button(tn("补记 {n} 笔", n=purchases), data=f"declined:ask:{merchant_id}", style="primary")


def rules(merchant_id: int, label: Text | None = None) -> Button:
    """A merchant's accrual rules, for those who run it."""
    return Button(label or t("积分规则"), data=f"rules:list:{merchant_id}")


def times(merchant_id: int) -> Button:
    """Proposing many times the points."""
    return Button(t("多倍积分"), data=f"rule_draft:times:{merchant_id}")


def bonus(merchant_id: int) -> Button:
    """Proposing a bonus above a spend."""
    return Button(t("满额送分"), data=f"rule_draft:bonus:{merchant_id}")


def rate(merchant_id: int) -> Button:
    """Proposing another rate."""
    return Button(t("改每元得分"), data=f"rule_draft:rate:{merchant_id}")


def api_keys(merchant_id: int, label: Text | None = None) -> Button:
    """A merchant's keys of the HTTP API, and where its events go."""
    return Button(label or t("接口"), data=f"api_keys:list:{merchant_id}")


def offline_list(merchant_id: int) -> Button:
    """The list of vouchers for a till that loses its network."""
    return Button(t("断网名单"), data=f"offline:list:{merchant_id}")


def offline_bring(merchant_id: int) -> Button:
    """Bringing what a till took without network."""
    return Button(t("补录断网时用的券"), data=f"imports:kind:{merchant_id}:used_vouchers")


def import_codes(merchant_id: int, label: Text | None = None) -> Button:
    """Bringing codes of a partner's."""
    return Button(label or t("导入券码"), data=f"imports:kind:{merchant_id}:codes")


def imports(merchant_id: int, label: Text | None = None) -> Button:
    """Files that a merchant imports: what can be, and those it sent."""
    return Button(label or t("导入"), data=f"imports:home:{merchant_id}")


def import_file(merchant_id: int, import_id: int, label: Text) -> Button:
    """Where one imported file stands."""
    return Button(label, data=f"imports:open:{merchant_id}:{import_id}")


def confirm_import(merchant_id: int, import_id: int, label: Text) -> Button:
    """Letting a file run that was tried."""
    return Button(label, data=f"imports:confirm:{merchant_id}:{import_id}", style="primary")


def drop_import(merchant_id: int, import_id: int) -> Button:
    """Letting nothing come of a file."""
    return Button(t("不导入了"), data=f"imports:drop:{merchant_id}:{import_id}")


def import_report(merchant_id: int, import_id: int, kind: Literal["csv", "xlsx"]) -> Button:
    """Every row of a file with what became of it, as a file."""
    label = t("报告 CSV") if kind == "csv" else t("报告 Excel")
    return Button(label, data=f"imports:report:{merchant_id}:{import_id}:{kind}:0")


def use_privilege(label: Text, privilege_id: int) -> Button:
    """Using a privilege for whoever is being served."""
    return Button(label, data=f"privilege_till:pick:{privilege_id}")


def till_privileges(label: Text) -> Button:
    """Every privilege here, and why some are not to be had by whoever is being served."""
    return Button(label, data="privilege_till:all")


def award_paid(label: Text, amount_minor: int) -> Button:
    """Awarding on what whoever is being served has just paid."""
    return Button(label, data=f"award:paid:{amount_minor}", style="primary")


def privilege_uses(merchant_id: int, label: Text) -> Button:
    """What privileges were used today."""
    return Button(label, data=f"privilege_uses:list:{merchant_id}:0")


def undo_privilege(label: Text, use_id: int) -> Button:
    """Undoing the use of a privilege, with a reason."""
    return Button(label, data=f"privilege_uses:back:{use_id}")


def run_privileges(merchant_id: int, label: Text | None = None) -> Button:
    """What a merchant gives its members, for those who run it."""
    return Button(label or t("会员权益"), data=f"run_privileges:list:{merchant_id}")


def own_privilege(merchant_id: int, privilege_id: int, label: Text) -> Button:
    """One of a merchant's own privileges."""
    return Button(label, data=f"run_privileges:open:{merchant_id}:{privilege_id}")


def new_privilege(merchant_id: int, label: Text | None = None) -> Button:
    """Writing a new privilege."""
    return Button(label or t("新建"), data=f"privilege_draft:new:{merchant_id}", style="primary")


def change_privilege(merchant_id: int, privilege_id: int, label: Text) -> Button:
    """Changing a privilege."""
    return Button(label, data=f"privilege_draft:change:{merchant_id}:{privilege_id}")


def privilege_draft(merchant_id: int, label: Text) -> Button:
    """The draft of a privilege that somebody is writing."""
    return Button(label, data=f"privilege_draft:show:{merchant_id}")


def fulfilments(merchant_id: int, label: Text | None = None) -> Button:
    """What a merchant hands over of others' offers."""
    return Button(label or t("代兑"), data=f"fulfil:list:{merchant_id}")


def fulfilment(label: Text, merchant_id: int, offer_id: int) -> Button:
    """One offer of another merchant's that this one was asked to hand over."""
    return Button(label, data=f"fulfil:open:{merchant_id}:{offer_id}")


def shelf(merchant_id: int, label: Text | None = None) -> Button:
    """A merchant's own offers, for those who run them."""
    return Button(label or t("货架"), data=f"shelf:list:{merchant_id}:0")


def own_offer(merchant_id: int, offer_id: int, label: Text) -> Button:
    """How one of a merchant's own offers stands."""
    return Button(label, data=f"shelf:open:{merchant_id}:{offer_id}")


def new_offer(merchant_id: int, label: Text | None = None) -> Button:
    """Writing a new offer."""
    return Button(label or t("新建"), data=f"shelf_draft:new:{merchant_id}", style="primary")


def change_offer(merchant_id: int, offer_id: int, label: Text) -> Button:
    """Changing an offer."""
    return Button(label, data=f"shelf_draft:change:{merchant_id}:{offer_id}")


def offer_draft(merchant_id: int, label: Text) -> Button:
    """The draft of an offer that somebody is writing."""
    return Button(label, data=f"shelf_draft:show:{merchant_id}")


def offer_specials(merchant_id: int, label: Text) -> Button:
    """The special prices of the offer that somebody is writing."""
    return Button(label, data=f"shelf_specials:list:{merchant_id}")
