"""Words about when and for whom an offer is, and at which price: the special price in force, the others, the days, the refusals."""

from __future__ import annotations

import datetime as dt
from collections.abc import Iterable, Mapping
from functools import reduce

from chat import doors
from chat.offers import all_of, asked, both, listing, points_of, short_price
from chat.refusals import Worded, worded
from chat.screen import Button
from chat.words import Both, Money, Text, t
from ledger.redeeming import reach
from ledger.redeeming.in_force import InForce
from ledger.redeeming.may_redeem import Facts, Listed
from ledger.redeeming.offers import PerMoney, Quote, Special, least_points
from ledger.redeeming.who import Who
from ledger.redeeming.windows import Span, When

OTHERS_SHOWN = EARLY_SHOWN = 2
"""Special prices named beside the one in force, and groups that come first: a page has room for no more."""

WEEKDAYS = (
    ("周一", "Mon"),
    ("周二", "Tue"),
    ("周三", "Wed"),
    ("周四", "Thu"),
    ("周五", "Fri"),
    ("周六", "Sat"),
    ("周日", "Sun"),
)


def special(listed: Listed, priced: InForce, quote: Quote | None = None) -> Text | None:
    """The special price in force: its name, its last day, and the usual price where this one is really better.

    `quote` is the amount spoken of; without one it is a piece, or so much points for so much money.
    """
    if priced.special is None:
        return None
    price = priced.price
    if quote is None and not isinstance(price, PerMoney):
        quote = price.quote(1)
    usually = priced.usually(quote) if quote is not None else None
    facts = {"name": both(priced.special.name), "until": priced.until, "least": points_of(listed, least_points(price))}
    if priced.until == priced.day:
        named = t("{name},今天最后一天", **facts)
    else:
        named = t("{name}", **facts) if priced.until is None else t("{name},到 {until}", **facts)
    if quote is not None and usually is not None and usually.value_minor == quote.value_minor:
        return t("{special}(平时 <s>{usual}</s>)", special=named, usual=asked(listed, usually))
    if usually is not None:
        return t("{special}(平时值 <s>{usual}</s>)", special=named, usual=Money(usually.value_minor, listed.money))
    if isinstance(priced.usual, PerMoney) and priced.cheaper:
        usual = {"unit": Money(priced.usual.per_minor, listed.money), "points": points_of(listed, priced.usual.points)}
        return t("{special}(平时每 {unit} 要 <s>{points}</s>)", special=named, **usual)
    if least_points(price) >= least_points(priced.usual):
        return named
    if priced.until is None:
        return t("{name}:现在 {least}起", **facts)
    if priced.until == priced.day:
        return t("{name}:现在 {least}起,今天最后一天", **facts)
    return t("{name}:现在 {least}起,到 {until}", **facts)


def days(listed: Listed, facts: Facts, priced: InForce, today: dt.date) -> list[Text]:
    """When and for whom it is, a line each: region, days, who comes first, days on which it can't be had, other prices to come."""
    offer, who, lines = listed.offer, facts.traits, []
    if offer.region is not None and offer.region == who.region:  # whom it is not for, the refusal tells
        lines.append(t("限{regions}的会员", regions=_called((offer.region,), who.regions)))
    if offer.on_shelf is not None:
        first, firsts = offer.on_shelf.first, [each.who for each in offer.early if not each.who.everybody]
        if first is not None and today < first and firsts:
            early = listing(_whom(each, facts) for each in firsts[:EARLY_SHOWN])
            lines.append(t("{who}可提前兑换,{on}起人人可换", who=early, on=first))
        elif not offer.on_shelf.always:
            lines.append(t("可换的日子:{days}", days=when_said(offer.on_shelf)))
    lines += [_closed(span) for span in offer.blackout if span.until >= today][:1]
    others = [s for s in offer.specials if s is not priced.special and s.when.next(today) is not None]
    for other in others[:OTHERS_SHOWN]:
        said = t("{name}:{price}", name=both(other.name), price=short_price(listed, other.price))
        if not _says_whom(other, facts):
            said = t("{one},{other}", one=said, other=_whom(other.who, facts))
        if not other.when.always:
            said = t("{one},{other}", one=said, other=when_said(other.when))
        lines.append(said)
    return lines


def _closed(span: Span) -> Text:
    if span.from_on == span.until:
        return t("{on}不能换", on=span.until)
    return t("{from_on}—{until}不能换", from_on=span.from_on, until=span.until)


def when_said(when: When) -> Text | Both:
    """«每月 28 日», «周六、周日», «9月21日—9月27日», or all of it."""
    parts: list[Text | Both] = []
    if when.from_on is not None and when.until is not None:
        parts.append(t("{from_on}—{until}", from_on=when.from_on, until=when.until))
    elif when.from_on is not None:
        parts.append(t("{from_on}起", from_on=when.from_on))
    elif when.until is not None:
        parts.append(t("到 {until}", until=when.until))
    if when.weekdays:
        parts.append(listing(Both(*WEEKDAYS[day - 1]) for day in sorted(set(when.weekdays))))
    dated = [t("{day} 日", day=day) for day in sorted(set(when.days_of_month) - {-1})]
    if dated:
        parts.append(t("每月 {days}", days=listing(dated)))
    if -1 in when.days_of_month:
        parts.append(t("每月最后一天"))
    return reduce(lambda one, other: t("{one},{other}", one=one, other=other), parts)


def _whom(who: Who, facts: Facts) -> Text | Both:
    """Some members, by what is asked of them first."""
    if who.tiers:
        return _called(who.tiers, facts.traits.tiers)
    if who.standing is not None:
        return t("信用评级 {least} 以上", least=who.standing)
    return _called(who.regions, facts.traits.regions)


def _says_whom(special_: Special, facts: Facts) -> bool:
    """Whether its name tells already for whom it is, as «金卡价» does, or it is for everybody."""
    who, known = special_.who, facts.traits.tiers
    return who.everybody or (
        bool(who.tiers) and all(known.get(tier, (tier, tier))[0] in special_.name.zh for tier in who.tiers)
    )


def _called(codes: Iterable[str], known: Mapping[str, tuple[str, str]]) -> Text | Both:
    return listing(Both(*known.get(code, (code, code))) for code in codes)


def _back(offer_id: int) -> Button:
    return doors.offer(t("返回"), offer_id)


@worded(reach.OnlyForTiers)
def _(no: reach.OnlyForTiers) -> Worded:
    tiers = all_of(no.tiers)
    return Worded(
        t("{tiers}专享", tiers=tiers),
        t("升到{tiers}就能换。", tiers=tiers),
        (doors.tier(t("看怎么升级")), doors.affordable(t("别的能换的")), _back(no.offer_id)),
    )


@worded(reach.OnlyForStanding)
def _(no: reach.OnlyForStanding) -> Worded:
    detail = t("您的评级还不到。评级更新后再来。") if no.known else t("同意使用信用评级,评级录入后就能换。")
    return Worded(
        t("信用评级 {least} 以上可换", least=no.least),
        detail,
        (doors.standing(), doors.affordable(t("别的能换的")), _back(no.offer_id)),
    )


@worded(reach.OnlyInRegions)
def _(no: reach.OnlyInRegions) -> Worded:
    detail = t("您填的是别的地区,搬家了可以改。") if no.told else t("您还没填地区,住在那里就能换。")
    return Worded(
        t("限{regions}的会员", regions=all_of(no.regions)),
        detail,
        (
            doors.region(t("改地区") if no.told else t("填地区")),
            doors.affordable(t("别的能换的")),
            _back(no.offer_id),
        ),
    )


@worded(reach.OfferOver)
def _(no: reach.OfferOver) -> Worded:
    return Worded(
        t("兑换期结束了"),
        t("{on}是最后一天。", on=no.last_on),
        (doors.merchant_offers(t("这家的其他"), no.merchant_id), doors.affordable()),
    )


@worded(reach.NotYetOnShelf)
def _(no: reach.NotYetOnShelf) -> Worded:
    headline = t("{on}起可以换", on=no.opens_on)
    others = (doors.affordable(t("今天能换的")), _back(no.offer_id))
    if not no.early:
        return Worded(headline, None, others)
    tiers, on = no.early[0]
    detail = t("{tiers}会员 {on}起就可以换。", tiers=all_of(tiers), on=on)
    return Worded(headline, detail, (doors.tier(t("看怎么升级")), *others))


@worded(reach.BlackedOut)
def _(no: reach.BlackedOut) -> Worded:
    facts = {"until": no.until, "on": no.opens_on}
    detail = t("到 {until}为止,{on}起又可以换。", **facts) if no.opens_on else t("兑换期也到那时为止。")
    return Worded(t("这几天不能换"), detail, (doors.affordable(t("今天能换的")), _back(no.offer_id)))
