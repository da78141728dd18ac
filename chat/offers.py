"""Words about offers: what they are, what they cost, which rules they have, and why one can't be had."""

from __future__ import annotations

import datetime as dt
from collections.abc import Callable, Iterable
from functools import reduce
from typing import Any, Protocol

from chat import doors
from chat.refusals import Worded, worded
from chat.screen import Button
from chat.words import Both, Money, Points, Text, t, tn
from ledger.redeeming import may_redeem as rules
from ledger.redeeming import reach
from ledger.redeeming.booking import Outlet
from ledger.redeeming.may_redeem import Facts, Listed
from ledger.redeeming.memberships import MembershipHeld
from ledger.redeeming.offers import AmountNotOffered, Category, Names, Offer, PerMoney, PerUnit, Quote
from ledger.redeeming.publish import CurrencyNotAccepted
from ledger.redeeming.redemptions import OfferChanged
from ledger.redeeming.shelf import NoSuchOffer, Seen
from ledger.redeeming.vouchers import Redemption

CATEGORIES: dict[Category, Text] = {
    "grocery": t("超市"),
    "fruit": t("水果生鲜"),
    "drinks": t("茶饮咖啡"),
    "dining": t("餐饮"),
    "books": t("图书"),
    "film": t("电影"),
    "travel": t("出行"),
    "sport": t("运动健身"),
    "jewellery": t("珠宝"),
    "clothes": t("服装"),
    "baby": t("母婴"),
    "home": t("居家"),
    "green": t("绿色公益"),
    "gifts": t("礼品"),
    "other": t("其他"),
}


def both(names: Names) -> Both:
    """A document's words in the reader's language."""
    return Both(names.zh, names.en)


def place(merchant: Names, outlet: Outlet | None) -> Text | Both:
    """A merchant, and one of its outlets where that is said."""
    return both(merchant) if outlet is None else t("{merchant} · {outlet}", merchant=both(merchant), outlet=outlet.name)


def joined(texts: Iterable[Text]) -> Text:
    """Several short facts on one line."""
    return reduce(lambda one, other: t("{one};{other}", one=one, other=other), texts)


def listing(names: Iterable[Text | Both]) -> Text | Both:
    """«金卡、银卡»."""
    return reduce(lambda one, other: t("{one}、{other}", one=one, other=other), names)


def all_of(names: Iterable[Names]) -> Text | Both:
    """The same of a document's words."""
    return listing(both(each) for each in names)


class Paid(Protocol):
    """An offer or a voucher: something paid in a currency."""

    @property
    def currency(self) -> Names: ...

    @property
    def common(self) -> bool: ...


def points_of(what: Paid, points: int) -> Points:
    """So many points of its currency: the common one by its plain unit, a merchant's by its name."""
    return Points(points) if what.common else Points(points, both(what.currency))


def points_spent(voucher: Redemption) -> Points | Text:
    """The points that a voucher cost, and whose they were where they were not its member's alone: «400 分», «家庭池的 400 分»."""
    points = points_of(voucher, voucher.points)
    if voucher.pool_id is None:
        return points
    return t("家庭池的 {points}", points=points) if voucher.pool_id > 0 else t("两个人的 {points}", points=points)


def paid_for(voucher: Redemption, *, ours: bool = False) -> Points | Text:
    """What a voucher cost in all: «400 分», «400 分 + ¥10». `ours`: as merchants and operators read it, whom it does not concern
    whose points they were."""
    points = points_of(voucher, voucher.points) if ours else points_spent(voucher)
    if not voucher.cash_minor:
        return points
    return t("{points} + {cash}", points=points, cash=Money(voucher.cash_minor, voucher.money))


def thing(offer: Offer, units: int, value_minor: int, money: str) -> Text:
    """What is handed over: «进口水果礼盒», «进口水果礼盒 ×2», «超市抵用券 ¥24»; of a voucher whose value varies, its value too."""
    name = both(offer.name)
    if offer.kind == "voucher" and offer.value_varies and units > 1:
        return t("{name} ×{units},共 {value}", name=name, units=units, value=Money(value_minor, money))
    if offer.kind == "variable_voucher" or (offer.kind == "voucher" and offer.value_varies):
        return t("{name} {value}", name=name, value=Money(value_minor, money))
    return t("{name} ×{units}", name=name, units=units) if units > 1 else t("{name}", name=name)


def price(listed: Listed, offer: PerUnit | PerMoney) -> Text:
    """What it costs at this price, in full."""
    if offer.kind == "per_money":
        return t(
            "{least}–{most},每 {unit} 要 {points}",
            least=Money(offer.least_minor, listed.money),
            most=Money(offer.most_minor, listed.money),
            unit=Money(offer.per_minor, listed.money),
            points=points_of(listed, offer.points),
        )
    return cost(listed, offer.quote(1))


def asked(listed: Listed, quote: Quote) -> Text | Points:
    """What is asked for an amount: «400 分», «400 分 + ¥10»."""
    points = points_of(listed, quote.points)
    if not quote.cash_minor:
        return points
    return t("{points} + {cash}", points=points, cash=Money(quote.cash_minor, listed.money))


def cost(listed: Listed, quote: Quote) -> Text:
    """What an amount costs, and what it is worth where the offer says so."""
    points = asked(listed, quote)
    if not quote.value_minor or listed.offer.kind == "variable_voucher":  # whose name says the value
        return t("{points}", points=points)
    return t("{points},值 {value}", points=points, value=Money(quote.value_minor, listed.money))


def short_price(listed: Listed, offer: PerUnit | PerMoney) -> Text:
    """What the least of it costs at this price, for a button."""
    points = asked(listed, offer.quote(offer.least))
    return t("{points}起", points=points) if offer.kind == "per_money" else t("{points}", points=points)


def short_reason(seen: Seen) -> Text | None:
    """Why this member can't have it now, in a word or two; None where they can."""
    if isinstance(seen.verdict, rules.Yes):
        return None
    match seen.verdict.reasons[0]:
        case rules.PointsShort() as no:
            return t("还差 {lacking}", lacking=points_of(seen.listed, no.needed - no.available))
        case rules.SoldOut():
            return t("换完了")
        case MembershipHeld():
            return t("您已有")
        case rules.DayQuotaTaken():
            return t("今天换完了")
        case rules.NoSlotFree(opens_on=None):
            return t("约满了")
        case rules.NoSlotFree() as no:
            return t("约满了,{on}再放", on=no.opens_on)
        case rules.HouseholdHadAll(again_on=None):
            return t("您家已换满")
        case rules.HouseholdHadAll() as no:
            return t("您家已换满,{on}再来", on=no.again_on)
        case rules.MemberHadAll(again_on=None):
            return t("您已换满")
        case rules.MemberHadAll() as no:
            return t("您已换满,{on}再来", on=no.again_on)
        case reach.OnlyForTiers() as no:
            return t("{tiers}专享", tiers=all_of(no.tiers))
        case reach.OnlyForStanding() as no:
            return t("信用评级 {least} 以上", least=no.least)
        case reach.OnlyInRegions() as no:
            return t("限{regions}", regions=all_of(no.regions))
        case reach.NotYetOnShelf() as no:
            return t("{on}起可换", on=no.opens_on)
        case reach.BlackedOut(opens_on=dt.date() as on):
            return t("{on}起可换", on=on)
        case reach.OfferOver() | reach.BlackedOut():
            return t("已结束")
        case _:
            return t("暂不能换")


A_HOUSEHOLD: dict[str, Callable[[int], Text]] = {
    "household_day": lambda n: t("每户每天 {n} 份", n=n),
    "household_month": lambda n: t("每户每月 {n} 份", n=n),
    "household_ever": lambda n: t("每户限 {n} 份", n=n),
}
"""A household's limits in words, as documents name them."""


def terms(listed: Listed, facts: Facts) -> list[Text]:
    """The offer's rules, one short fact each: limits with what is left, and how long a code is good."""
    limits, said = listed.offer.limits, []
    if limits.member_day is not None:
        said.append(t("每人每天 {n} 份", n=limits.member_day))
    if limits.member_month is not None:
        said.append(t("每人每月 {n} 份", n=limits.member_month))
    if limits.member_ever is not None:
        said.append(t("每人一共 {n} 份", n=limits.member_ever))
    said += [words(n) for part, words in A_HOUSEHOLD.items() if (n := getattr(limits, part)) is not None]
    if limits.day is not None:
        said.append(t("每天 {n} 份,今天还有 {left}", n=limits.day, left=max(0, facts.day_left or 0)))
    if facts.stock_left is not None:
        said.append(t("还剩 {left} 份", left=max(0, facts.stock_left)))
    if listed.offer.pool is not None:
        said.append(tn("码 {n} 天内看", n=listed.offer.validity_days))
    elif listed.offer.at_once:
        said.append(t("捐了不退") if listed.offer.does is not None else t("换了不退"))
    elif listed.offer.booking is None:
        said.append(tn("凭码 {n} 天内有效", n=listed.offer.validity_days))
    return said


def likely_amounts(price_: PerUnit | PerMoney, most: int, count: int) -> list[int]:
    """At most `count` amounts from the least to `most` (a step's amount), evenly over the steps, both ends included."""
    steps = (most - price_.least) // price_.step
    picked = {round(i * steps / (count - 1)) for i in range(count)} if steps >= count else set(range(steps + 1))
    return [price_.least + n * price_.step for n in sorted(picked)]


def unused(offer: Offer) -> Text:
    """What becomes of the points of a code that nobody uses."""
    if offer.booking is not None:
        return t("没来的话积分退回") if offer.unused == "return" else t("没来的话积分不退")
    return t("过期未用,积分退回") if offer.unused == "return" else t("过期未用,积分不退")


def _back(offer_id: int) -> Button:
    return doors.offer(t("返回"), offer_id)


def _affordable(points: Points) -> tuple[Button, ...]:
    return (doors.affordable(t("{points}能换什么", points=points)),) if points.points else ()


@worded(rules.PointsShort)
def _(no: rules.PointsShort) -> Worded:
    lacking = no.needed - no.available
    facts: dict[str, Any] = {"needed": points_of(no, no.needed), "available": points_of(no, no.available)}
    headline = t("还差 {lacking}", lacking=points_of(no, lacking))
    buttons = (*_affordable(points_of(no, no.available)), _back(no.offer_id))
    if no.next_release is None:
        return Worded(headline, t("这要 {needed},您可用 {available}。", **facts), buttons)
    on, more = no.next_release
    facts |= {"on": on, "more": more}
    if more >= lacking:
        return Worded(headline, t("这要 {needed},您可用 {available};{on}再生效 {more},那时就够了。", **facts), buttons)
    detail = t("这要 {needed},您可用 {available};{on}再生效 {more},那时还差 {then}。", then=lacking - more, **facts)
    return Worded(headline, detail, buttons)


@worded(rules.SoldOut)
def _(no: rules.SoldOut) -> Worded:
    if no.left:
        fewer = (doors.amounts(t("少要几份"), no.offer_id),)
        return Worded(t("只剩 {left} 份了", left=no.left), t("您要 {asked} 份。", asked=no.asked), fewer)
    return Worded(
        t("已经换完了"), t("份数都换出去了;没有扣您的分。"), (doors.affordable(t("别的能换的")), _back(no.offer_id))
    )


@worded(rules.DayQuotaTaken)
def _(no: rules.DayQuotaTaken) -> Worded:
    when = t("每天 {per_day} 份,{on}零点再放。", per_day=no.per_day, on=no.reopens_on)
    if no.left:
        fewer = (doors.amounts(t("少要几份"), no.offer_id),)
        return Worded(t("今天只剩 {left} 份了", left=no.left), when, fewer)
    detail = t("{when}您明天可以换。", when=when) if no.may_tomorrow else when
    return Worded(t("今天的名额换完了"), detail, (doors.affordable(t("今天能换的")), _back(no.offer_id)))


@worded(rules.MemberHadAll)
def _(no: rules.MemberHadAll) -> Worded:
    facts = {"limit": no.limit, "had": no.had}
    limit = {
        "ever": t("每人一共 {limit} 份,您换过 {had} 份。", **facts),
        "month": t("每人每月 {limit} 份,您这个月换了 {had} 份。", **facts),
        "day": t("每人每天 {limit} 份,您今天换了 {had} 份。", **facts),
    }[no.period]
    again = t("{limit}{on}起又可以换。", limit=limit, on=no.again_on) if no.again_on else limit
    if no.left:
        fewer = (doors.amounts(t("少要几份"), no.offer_id),)
        return Worded(t("这次最多 {left} 份", left=no.left), limit, fewer)
    return Worded(t("您的份数已经换满"), again, (doors.affordable(t("别的能换的")), _back(no.offer_id)))


@worded(rules.HouseholdHadAll)
def _(no: rules.HouseholdHadAll) -> Worded:
    facts = {"limit": no.limit, "had": no.had}
    limit = {
        "ever": t("每户限 {limit} 份,您家换过 {had} 份。", **facts),
        "month": t("每户每月 {limit} 份,您家这个月换了 {had} 份。", **facts),
        "day": t("每户每天 {limit} 份,您家今天换了 {had} 份。", **facts),
    }[no.period]
    again = t("{limit}{on}起又可以换。", limit=limit, on=no.again_on) if no.again_on else limit
    if no.left:
        fewer = (doors.amounts(t("少要几份"), no.offer_id),)
        return Worded(t("您家这次最多 {left} 份", left=no.left), limit, fewer)
    return Worded(t("您家的份数已经换满"), again, (doors.affordable(t("别的能换的")), _back(no.offer_id)))


@worded(rules.OfferPaused)
def _(no: rules.OfferPaused) -> Worded:
    return Worded(
        t("这项兑换暂停了"),
        t("商户暂时收起了它。已经换到的券照样能用。"),
        (doors.merchant_offers(t("这家的其他"), no.merchant_id), doors.affordable()),
    )


@worded(rules.MerchantNotServing)
def _(no: rules.MerchantNotServing) -> Worded:
    return Worded(t("{merchant} 现在不接待兑换", merchant=both(no.merchant)), None, (doors.affordable(),))


@worded(rules.MemberMayNotSpend)
def _(no: rules.MemberMayNotSpend) -> Worded:
    if no.status == "frozen":
        return Worded(t("账户已冻结,暂时不能兑换"), t("积分都还在。解冻后就能用。"))
    if no.status == "viewing":
        return Worded(t("您在这家企业只能看"), t("兑换要由采购人或负责人来做。"), (doors.business(),))
    return Worded(t("这个账户已经关闭"))


@worded(AmountNotOffered)
def _(no: AmountNotOffered) -> Worded:
    if no.of_money:
        grid = {"least": Money(no.least), "most": Money(no.most), "step": Money(no.step)}
        return Worded(t("没有这个面额"), t("从 {least} 到 {most},每档 {step}。", **grid))
    return Worded(t("一次最多 {most} 份", most=no.most))


@worded(OfferChanged)
def _(no: OfferChanged) -> Worded:
    again = (doors.redeem(t("看新的价格"), no.offer_id, no.amount),)
    return Worded(t("价格或内容刚刚变了"), t("还没有扣分,请再看一遍。"), again)


@worded(NoSuchOffer)
def _(no: NoSuchOffer) -> Worded:
    return Worded(t("这项兑换已经没有了"), None, (doors.affordable(),))


@worded(CurrencyNotAccepted)
def _(no: CurrencyNotAccepted) -> Worded:
    return Worded(
        t("{merchant} 不收这种积分", merchant=no.merchant),
        t("只能用它自己的积分;它接受联盟积分时,也可以用联盟积分。"),
    )
