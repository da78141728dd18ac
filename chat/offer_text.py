"""An offer's document in words, part by part, as whoever writes it reads it; and what one document says otherwise than another."""

from __future__ import annotations

import json
from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from functools import reduce
from typing import Any

from chat import booking_text
from chat.merchants import green_class
from chat.offer_rules import when_said
from chat.offers import A_HOUSEHOLD, CATEGORIES, both, listing
from chat.words import Both, Money, Points, Text, t, tn
from ledger.points.statements import Currency
from ledger.programme import Programme
from ledger.redeeming.offers import AT_ONCE, GOODS_RETURNS, Early, PerMoney, PerUnit, Returns, Special, Together
from ledger.redeeming.who import Who
from ledger.redeeming.windows import Span, When

Said = Text | Both
Document = Mapping[str, Any]

KINDS: dict[str, Text] = {
    "goods": t("商品"),
    "service": t("服务"),
    "voucher": t("固定面值券"),
    "variable_voucher": t("自选面值券"),
    "partner_code": t("合作方券码"),
    "membership": t("会员等级"),
    "donation": t("捐赠"),
}
"""What an offer can be, as its writer chooses."""

NOT_LIMITED = t("不限")
NOT_SAID = t("没写")
NOTHING = t("没有")
CUT_AT = 24


@dataclass(frozen=True, slots=True)
class Terms:
    """What words about a document need: its currency, its merchant's money, the programme's tiers and regions."""

    currency: Currency
    money: str
    programme: Programme
    merchants: Mapping[str, Both] = field(default_factory=dict)
    """The names of those that a document may name, by code."""

    def points(self, points: int) -> Points:
        """So many points of the document's currency."""
        if self.currency.issuer_id is None:
            return Points(points)
        return Points(points, Both(self.currency.name_zh, self.currency.name_en))

    def per_yuan(self) -> int:
        """Points for one unit of money at the published value, rounded."""
        return round(100 * self.currency.value_points / self.currency.value_minor) if self.currency.value_minor else 0

    def tier(self, code: str) -> Both:
        """A tier's name."""
        found = next((each for each in self.programme.tiers if each.code == code), None)
        return Both(found.name_zh, found.name_en) if found else Both(code, code)

    def merchant(self, code: str) -> Both:
        """A merchant's name."""
        return self.merchants.get(code) or Both(code, code)

    def region(self, code: str) -> Both:
        """A region's name."""
        found = next((each for each in self.programme.regions if each.code == code), None)
        return Both(found.name_zh, found.name_en) if found else Both(code, code)


def clip(said: str) -> str:
    """A long text's beginning."""
    return said if len(said) <= CUT_AT else said[: CUT_AT - 1] + "…"


def name(document: Document) -> Both | None:
    """What a draft is called, as far as it is."""
    said = document.get("name")
    return Both(said["zh"], said["en"]) if said else None


def names(said: Mapping[str, str]) -> Text:
    """A text in both languages on one line."""
    return t("{zh} / {en}", zh=clip(said["zh"]), en=clip(said["en"]))


def price(terms: Terms, price_: PerUnit | PerMoney) -> Text:
    """What a price asks, in full."""
    if isinstance(price_, PerMoney):
        return t(
            "每 {unit} 要 {points},{least}–{most},每档 {step}",
            unit=Money(price_.per_minor, terms.money),
            points=terms.points(price_.points),
            least=Money(price_.least_minor, terms.money),
            most=Money(price_.most_minor, terms.money),
            step=Money(price_.step_minor, terms.money),
        )
    return t("{points}", points=terms.points(price_.points))


def value(terms: Terms, price_: PerUnit) -> Text:
    """What a piece is worth, and how many points that makes of a unit of money."""
    if not price_.value_minor or price_.rate is None:
        return NOT_SAID
    rate, usual = round(float(price_.rate) * 100, 1), terms.per_yuan()
    facts = {"worth": Money(price_.value_minor, terms.money), "rate": f"{rate:g}", "usual": usual}
    return (
        t("{worth}(每元 {rate} 分)", **facts) if rate == usual else t("{worth}(每元 {rate} 分,通常 {usual})", **facts)
    )


def special(terms: Terms, one: Special, usual: PerUnit | PerMoney) -> Text:
    """A special price: its name, from what to what, when, for whom."""
    facts: dict[str, Any] = {"name": both(one.name)}
    new = one.price
    if isinstance(new, PerUnit) and isinstance(usual, PerUnit):
        facts |= {"usual": usual.points, "new": terms.points(new.points)}
        said = t("「{name}」{usual} → {new}", **facts)
        if new.value_minor != usual.value_minor:
            said = t("{one},值 {worth}", one=said, worth=Money(new.value_minor, terms.money))
    else:
        said = t("「{name}」{price}", **facts, price=price(terms, new))
    if not one.who.everybody:
        said = t("{one},{other}", one=said, other=whom(terms, one.who))
    if not one.when.always:
        said = t("{one},{other}", one=said, other=when_said(one.when))
    return said


def whom(terms: Terms, who: Who) -> Text | Both:
    """For whom."""
    parts: list[Said] = [*map(terms.tier, who.tiers), *map(terms.region, who.regions)]
    if who.standing is not None:
        parts.append(t("信用评级 {least} 以上", least=who.standing))
    return listing(parts) if parts else t("人人")


def span(one: Span) -> Text:
    """Some days."""
    if one.from_on == one.until:
        return t("{on}", on=one.until)
    return t("{from_on}—{until}", from_on=one.from_on, until=one.until)


def limits(document: Document, each: Mapping[str, Callable[[int], Text]]) -> Text | Both:
    """How many a member may have, or a household."""
    said = document.get("limits") or {}
    parts = [words(n) for part, words in each.items() if (n := said.get(part)) is not None]
    return listing(parts) if parts else NOT_LIMITED


_OF_A_MEMBER: dict[str, Callable[[int], Text]] = {
    "member_day": lambda n: t("每人每天 {n} 份", n=n),
    "member_month": lambda n: t("每人每月 {n} 份", n=n),
    "member_ever": lambda n: t("每人一共 {n} 份", n=n),
}

PARTS: dict[str, Text] = {
    "kind": t("种类"),
    "name": t("名称"),
    "category": t("哪一类"),
    "pool": t("券码池"),
    "membership": t("哪个等级"),
    "lasts": t("等级几天"),
    "does": t("捐什么"),
    "currency": t("用什么积分"),
    "price": t("价格"),
    "value": t("值多少"),
    "cash": t("另付现金"),
    "most": t("一次最多"),
    "stock": t("总份数"),
    "day": t("每天份数"),
    "limits": t("每人限量"),
    "household": t("每户限量"),
    "together": t("两人一起换"),
    **booking_text.PARTS,
    "validity": t("有效期"),
    "unused": t("过期未用"),
    "returns": t("怎么退换"),
    "green": t("绿色类别"),
    "photo": t("照片"),
    "about": t("介绍"),
    "conditions": t("条件"),
    "specials": t("特价"),
    "shelf": t("上架日期"),
    "blackout": t("不能换的日子"),
    "early": t("提前兑换"),
    "who": t("给谁"),
    "region": t("地区"),
    "fulfillers": t("代兑商户"),
    "hold": t("预留多久"),
}
"""Everything that can be said of an offer in chat, in the order in which it is told."""


def said(terms: Terms, document: Document, part: str) -> Said | None:
    """One part in words; None where it does not apply, or is as usual and not worth a line."""
    given = document.get(part)
    match part:
        case "name" | "about" | "does":
            return names(given) if given else None
        case "kind":
            return KINDS.get(given or "") if given else None
        case "category":
            return CATEGORIES.get(given) if given else None
        case "currency":
            return Both(terms.currency.name_zh, terms.currency.name_en) if terms.currency.issuer_id else None
        case "price" | "value" | "cash" | "most":
            return _priced(terms, document, part)
        case "stock" if document.get("kind") == "partner_code":
            return None  # what its pool has
        case "stock" | "day":
            n = (document.get("limits") or {}).get(part)
            return NOT_LIMITED if n is None else tn("{n} 份", n=n)
        case "limits":
            return limits(document, _OF_A_MEMBER)
        case "household":
            return limits(document, A_HOUSEHOLD)
        case "pool":
            return t("{pool}", pool=given) if given else None
        case "validity" | "unused" if document.get("booking"):
            return None  # the voucher is good on the day of its time; «no_show» says what becomes of the points
        case "validity" | "unused" if document.get("kind") in AT_ONCE:
            return None  # had at once
        case "membership":
            return terms.tier(given["tier"]) if given else None
        case "lasts":
            held = document.get("membership")
            return tn("{n} 天", n=held["days"]) if held else None
        case "returns":
            return returned(document)
        case "validity":
            return tn("{n} 天", n=document.get("validity_days", 30))
        case "unused":
            return t("积分不退") if document.get("unused") == "forfeit" else t("积分退回")
        case "photo":
            return t("有") if given else None
        case _ if part in booking_text.PARTS:
            return booking_text.said(terms.tier, document, part)
        case _:
            return _later(terms, document, part)


def returned(document: Document) -> Text | None:
    """How goods come back: why, within how many days, how soon it is answered, what for. None of what doesn't."""
    if document.get("kind") != "goods":
        return None
    said_ = document.get("returns")
    how = Returns.model_validate(said_) if said_ else GOODS_RETURNS
    return t(
        "{why},{days} 天内,{answer} 天答复,{what}",
        why=t("不想要也行") if how.changed_mind else t("有问题"),
        days=how.days,
        answer=how.answer_days,
        what=t("可换货") if how.exchange else t("只退积分"),
    )


def _priced(terms: Terms, document: Document, part: str) -> Said | None:
    if document.get("price") is None:
        return None
    one = price_of(document["price"])
    if part == "price":
        return price(terms, one)
    if isinstance(one, PerMoney):
        return None
    if part == "value":
        return value(terms, one)
    if part == "cash":
        return t("{cash}", cash=Money(one.cash_minor, terms.money)) if one.cash_minor else None
    return tn("{n} 份", n=one.most_units)


def _later(terms: Terms, document: Document, part: str) -> Said | None:
    if part == "hold":
        hours = document.get("hold_hours")
        return tn("{n} 小时", n=hours) if hours else None
    given = document.get({"shelf": "on_shelf", "green": "green_class"}.get(part, part))
    if not given:
        return None
    match part:
        case "conditions":
            return _together(names(each) for each in given)
        case "specials":
            usual = price_of(document["price"])
            return _together(special(terms, Special.model_validate_json(_json(each)), usual) for each in given)
        case "shelf":
            return when_said(When.model_validate_json(_json(given)))
        case "blackout":
            return _together(span(Span.model_validate_json(_json(each))) for each in given)
        case "early":
            return _together(_early(terms, Early.model_validate_json(_json(each))) for each in given)
        case "who":
            return whom(terms, Who.model_validate_json(_json(given)))
        case "together":
            return _for_two(Together.model_validate(given))
        case "region":
            return terms.region(given)
        case "fulfillers":
            return listing(terms.merchant(code) for code in given)
        case "green":
            return t("{name}", name=green_class(terms.programme, given))
    return None


def _for_two(one: Together) -> Text:
    percent = str(one.percent)
    if one.codes == "one":
        return tn("先出的出 {percent}%,一个码,{n} 小时内", n=one.hours, percent=percent)
    return tn("先出的出 {percent}%,一人一个码,{n} 小时内", n=one.hours, percent=percent)


def _early(terms: Terms, one: Early) -> Text:
    return t("{who} {on}起", who=whom(terms, one.who), on=one.from_on)


def _together(parts: Iterable[Text]) -> Text:
    return reduce(lambda one, other: t("{one};{other}", one=one, other=other), parts)


def _json(said_: object) -> str:
    return json.dumps(said_)


def price_of(said_: Mapping[str, Any]) -> PerUnit | PerMoney:
    """A price from its JSON."""
    kinds: dict[str, type[PerUnit] | type[PerMoney]] = {"per_unit": PerUnit, "per_money": PerMoney}
    return kinds[str(said_["kind"])].model_validate(said_)


def changes(terms: Terms, before: Document, after: Document) -> list[Text]:
    """What another document says otherwise, a line each."""
    lines: list[Text] = []
    for part, label in PARTS.items():
        old, new = said(terms, before, part), said(terms, after, part)
        if part == "photo" and before.get("photo") != after.get("photo"):
            lines.append(t("照片:换了") if before.get("photo") and after.get("photo") else turned(label, old, new))
        elif part == "specials":
            lines += _specials(terms, before, after)
        elif part == "value":
            lines += _worths(terms, before, after)
        elif old != new and not _follows(before, after, part):
            lines.append(turned(label, old, new))
    known = {*_PARTS_OF_DOCUMENTS}
    other = any(before.get(part) != after.get(part) for part in {*before, *after} - known)
    return [*lines, t("还有别的改动")] if other else lines


_PARTS_OF_DOCUMENTS = (
    "code", "merchant", "kind", "name", "about", "conditions", "category", "price", "limits", "validity_days",
    "unused", "photo", "specials", "on_shelf", "blackout", "who", "region", "early", "hold_hours", "booking", "pool", "does",
    "fulfillers", "membership", "returns", "green_class",
)  # fmt: skip


def _follows(before: Document, after: Document, part: str) -> bool:
    """Whether a part comes or goes only because booking begins or ends, which `hours` tells, or with the kind."""
    if part == "returns":
        return before.get("kind") != after.get("kind")
    booked = bool(after.get("booking"))
    if bool(before.get("booking")) == booked:
        return False
    if part == "validity":
        return before.get("validity_days") == after.get("validity_days")
    if part in ("unused", "no_show"):
        return before.get("unused") == after.get("unused") or (part == "no_show") != booked
    return part in booking_text.PARTS and part != "hours" and not booked


def few(changed: Sequence[Text], most: int = 8) -> list[Text]:
    """Changes as lines of a screen, which has room for so many."""
    shown = [t("· {change}", change=each) for each in changed[:most]]
    more = len(changed) - len(shown)
    return [*shown, tn("还有 {n} 处", n=more)] if more else shown


def turned(label: Text, old: Said | None, new: Said | None) -> Text:
    """One part, as it was and as it is."""
    facts = {"part": label, "old": old or NOTHING, "new": new or NOTHING}
    return t("{part}:{old} → {new}", **facts)


def _worths(terms: Terms, before: Document, after: Document) -> list[Text]:
    old, new = ((said_.get("price") or {}).get("value_minor", 0) for said_ in (before, after))
    if old == new:
        return []
    return [turned(PARTS["value"], *(t("{worth}", worth=Money(n, terms.money)) if n else None for n in (old, new)))]


def _specials(terms: Terms, before: Document, after: Document) -> list[Text]:
    """Those that are gone, and those that are new or otherwise; each beside the usual price of its own document."""
    old, new = (list(said_.get("specials") or ()) for said_ in (before, after))

    def told(document: Document, each: Mapping[str, Any]) -> Text:
        return special(terms, Special.model_validate_json(_json(each)), price_of(document["price"]))

    gone = [t("去掉特价{special}", special=told(before, each)) for each in old if each not in new]
    return [*gone, *(t("特价{special}", special=told(after, each)) for each in new if each not in old)]
