"""What a privilege says, in words: what it gives, what it asks, what bounds it, what is left of it, and what is missing.

A member's own screens say what is missing with its figures (`missing`); a till hears nothing of what a member holds (`at_till`).
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence

from chat.offer_rules import when_said
from chat.offers import all_of, both, listing
from chat.refusals import wording
from chat.screen import Line
from chat.words import Both, Money, Points, Text, t, tn
from ledger.errors import Refusal
from ledger.redeeming import may_use as m
from ledger.redeeming.may_use import Listed, No, Yes
from ledger.redeeming.offers import Names
from ledger.redeeming.privilege import Privilege
from ledger.redeeming.privileges import Seen

OUTLETS_NAMED = 3
"""Of many outlets so many are named."""


def label(privilege: Privilege) -> Text:
    """«鲜食 9 折», «停车 2 小时免费»."""
    what = both(privilege.name)
    if privilege.gives.kind == "free":
        return t("{what}免费", what=what)
    return t("{what} {off}", what=what, off=off(privilege.gives.percent))


def off(percent: int) -> Both:
    """Ten per cent off is «9 折»: the Chinese says what is left to pay, in tenths."""
    tenths, rest = divmod(100 - percent, 10)
    folds = f"{tenths}.{rest}" if rest else str(tenths)
    return Both(f"{folds} 折", f"{percent}% off")


def asks(listed: Listed, tiers: Mapping[str, Both], regions: Mapping[str, Both]) -> list[Text]:
    """What it asks of a member: points held, a tier, where they live."""
    said = listed.privilege
    found = []
    if said.tiers:
        found.append(t("{tiers}专享", tiers=listing(tiers.get(code, Both(code, code)) for code in said.tiers)))
    if said.holds is not None:
        found.append(t("持有 {points}就行,不扣", points=points_of(said.holds.points, listed.currency, listed.common)))
    if said.region is not None:
        found.append(t("限{regions}的会员", regions=regions.get(said.region, Both(said.region, said.region))))
    return found


def card(one: Seen) -> list[Line]:
    """A privilege as a member sees it, on two or three lines: what and where, how often still or what is missing, its bounds."""
    said, verdict = one.listed.privilege, one.verdict
    tiers, regions = (
        {code: Both(zh, en) for code, (zh, en) in known.items()} for known in (one.facts.tiers, one.facts.regions)
    )
    lines: list[Line] = [
        t("{what} · {merchant}", what=label(said), merchant=both(one.listed.merchant)),
    ]
    if isinstance(verdict, No):
        lines += [t("· {fact}", fact=fact) for no in verdict.reasons for fact in missing(no)]
    else:
        if (rest := left(said, verdict)) is not None:
            lines.append(t("· {fact}", fact=rest))
        lines += [t("· {fact}", fact=fact) for fact in asks(one.listed, tiers, regions)]
    return [*lines, *(t("· {fact}", fact=bound) for bound in bounds(one.listed))]


def points_of(points: int, currency: Names | None, common: bool) -> Points:
    """Points under the name of their currency."""
    return Points(points, None if common or currency is None else both(currency))


def places(outlets: Sequence[str]) -> Text | Both:
    """Outlets by their names, the first few of many."""
    named = listing(Both(name, name) for name in outlets[:OUTLETS_NAMED])
    return named if len(outlets) <= OUTLETS_NAMED else tn("{outlets}等 {n} 家", n=len(outlets), outlets=named)


def left(privilege: Privilege, verdict: Yes) -> Text | None:
    """How often it can still be used; None: as often as one likes."""
    if verdict.left_day is not None and (verdict.left_month is None or verdict.left_day < verdict.left_month):
        return tn("今天还有 {n} 次", n=verdict.left_day)
    if verdict.left_month is None:
        return None
    return tn("本月还有 {n} 次,共 {limit} 次", n=verdict.left_month, limit=privilege.per_month or 0)


def quotas(privilege: Privilege) -> list[Text]:
    """How often it can be used, a fact each."""
    found = [
        tn("每人每天 {n} 次", n=privilege.per_day) if privilege.per_day else None,
        tn("每人每月 {n} 次", n=privilege.per_month) if privilege.per_month else None,
    ]
    return [each for each in found if each is not None]


def amounts(privilege: Privilege, money: str) -> list[Text]:
    """Which amounts it takes, and what it takes off at most, a fact each."""
    gives = privilege.gives
    if gives.kind == "free":
        return []
    found = [
        t("满 {least} 才有", least=Money(gives.least_minor, money)) if gives.least_minor else None,
        t("一次最多减 {most}", most=Money(gives.most_off_minor, money)) if gives.most_off_minor else None,
    ]
    return [each for each in found if each is not None]


def bounds(listed: Listed) -> list[Text]:
    """Where and when it holds, and its conditions, a fact each; what does not bound it is left out."""
    said = listed.privilege
    found: list[Text] = []
    if listed.outlets:
        found.append(t("只在{outlets}", outlets=places([name for _, name in listed.outlets])))
    if said.when is not None and not said.when.always:
        found.append(t("日子:{days}", days=when_said(said.when)))
    found += amounts(said, listed.money)
    return [*found, *(t("{condition}", condition=both(each)) for each in said.conditions)]


def missing(no: Refusal) -> list[Text]:
    """What a member misses, and what would change it, a fact each."""
    match no:
        case m.HoldingShort() as short:
            lacking = points_of(short.lacking, short.currency, short.common)
            said = t("还差 {lacking},要持有 {needed}", lacking=lacking, needed=short.needed)
            if short.next_release is None:
                return [said]
            on, coming = short.next_release
            return [said, t("{on}生效 {coming}", on=on, coming=points_of(coming, short.currency, short.common))]
        case m.TierNeeded(tiers=tiers):
            return [t("{tiers}会员就有", tiers=all_of(tiers))]
        case m.RegionNeeded(region=region, told=told):
            said = t("限{regions}的会员", regions=both(region))
            return [said, t("您填的是别的地区") if told else t("您还没填地区")]
        case m.UsedUp() as used:
            return [used_up(used)]
        case m.PrivilegeNotYet(opens_on=on):
            return [t("{on}起能用", on=on)]
        case _:
            return [wording(no).headline]


def used_up(no: m.UsedUp) -> Text:
    """That it was used as often as it can be, and when it can be again."""
    facts = {"on": no.again_on}
    if no.period == "day":
        return tn("今天 {n} 次用完了,{on}再用", n=no.limit, **facts) if no.again_on else t("今天的用完了")
    return tn("本月 {n} 次用完了,{on}再用", n=no.limit, **facts) if no.again_on else t("次数用完了")


def at_till(no: Refusal) -> Text:
    """Why it is not to be had at a till: what a cashier may know of a member, and no figure of their points."""
    match no:
        case m.HoldingShort() as short:
            needed = points_of(short.needed, short.currency, short.common)
            return t("要持有 {needed}", needed=needed)
        case m.TierNeeded(tiers=tiers):
            return t("{tiers}专享", tiers=all_of(tiers))
        case m.RegionNeeded(region=region):
            return t("限{regions}的会员", regions=both(region))
        case m.UsedUp() as used:
            return used_up(used)
        case m.NotAtThisOutlet(outlets=outlets):
            return t("只在{outlets}", outlets=places(outlets))
        case m.PrivilegeNotYet(opens_on=on):
            return t("{on}起能用", on=on)
        case _:
            return wording(no).headline
