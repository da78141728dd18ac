"""Accrual rules in plain words: what one gives, when and to whom; and the words of the rule book's refusals."""

from __future__ import annotations

import datetime as dt
from collections.abc import Callable, Iterable
from functools import reduce

from chat import arithmetic, merchants
from chat.refusals import Worded, worded
from chat.words import Both, Money, Points, Text, t, tn
from ledger.earning import rulebook
from ledger.earning.replay import Replayed
from ledger.earning.rules.documents import Base, Bonus, Budget, Cap, Green, Multiplier, Rule, When
from ledger.earning.rules.ruleset import plain
from ledger.earning.rules.version import RuleVersion
from ledger.programme import Programme

_WEEKDAYS = (t("周一"), t("周二"), t("周三"), t("周四"), t("周五"), t("周六"), t("周日"))
_CHANNELS: dict[str, Text] = {
    "till": t("收银台"),
    "api": t("商户系统"),
    "file": t("文件导入"),
    "card": t("支付渠道"),
}
_PER: dict[str, Callable[[Points], Text]] = {
    "purchase": lambda points: t("每笔最多 {points}", points=points),
    "day": lambda points: t("每人每天最多 {points}", points=points),
    "month": lambda points: t("每人每月最多 {points}", points=points),
    "ever": lambda points: t("每人累计最多 {points}", points=points),
}


def line(version: RuleVersion, money: str, programme: Programme, *, today: dt.date) -> Text:
    """A rule on one line: «春节双倍:2 倍(2月17日—2月23日;满 ¥100)»."""
    rule = version.rule
    found = [*_days(version, today), *conditions(rule.when, money, programme), *_limits(rule, money)]
    head = headline(rule, money, programme)
    return t("{rule}({conditions})", rule=head, conditions=reduce(_semicolon, found)) if found else head


def headline(rule: Rule, money: str, programme: Programme) -> Text:
    """What a rule gives."""
    name, unit = Both(rule.name_zh, rule.name_en), arithmetic.unit(money)
    match rule:
        case Base(rate=rate, category_rates=others):
            said = t("{rule}:每{unit} {rate} 分", rule=name, unit=unit, rate=plain(rate))
            for category, other in others.items():
                said = t("{said},{category} {rate} 分", said=said, category=category, rate=plain(other))
            return said
        case Green(green_class=of, rate=rate, per="piece"):
            return t(
                "{rule}:{of}每件再加 {rate} 分", rule=name, of=merchants.green_class(programme, of), rate=plain(rate)
            )
        case Green(green_class=of, rate=rate):
            return t(
                "{rule}:{of}每{unit}再加 {rate} 分",
                rule=name,
                of=merchants.green_class(programme, of),
                unit=unit,
                rate=plain(rate),
            )
        case Multiplier(factor=factor):
            return t("{rule}:{factor} 倍", rule=name, factor=plain(factor))
        case Bonus(points=points):
            return t("{rule}:每笔加 {points}", rule=name, points=Points(points))


def conditions(when: When, money: str, programme: Programme) -> list[Text]:
    """Everything that must hold, a fact each; the window of a rule is among its days."""
    spend = Money(when.min_spend_minor, money)
    tiers = {tier.code: Both(tier.name_zh, tier.name_en) for tier in programme.tiers}
    found: list[Text | None] = [
        reduce(_comma, [_WEEKDAYS[day - 1] for day in sorted(when.weekdays)]) if when.weekdays else None,
        t("每月{days}", days=_listed([_day_of_month(d) for d in _last_last(when.days_of_month)]))
        if when.days_of_month
        else None,
        t("{since}:00—{until}:00", since=str(when.hour_from), until=str(when.hour_to))
        if (when.hour_from, when.hour_to) != (0, 24)
        else None,
        t("只算{categories}", categories=_listed(sorted(when.categories))) if when.categories else None,
        t("在{regions}买", regions=_regions(when.regions, programme)) if when.regions else None,
        t("经{channels}", channels=_listed([_CHANNELS[c] for c in sorted(when.channels)])) if when.channels else None,
        t("满 {spend}", spend=spend) if when.min_spend_minor else None,
        t("等级 {tiers}", tiers=_listed([tiers.get(code, code) for code in sorted(when.tiers)]))
        if when.tiers
        else None,
        _ages(when),
        t("生日当天") if when.birthday else None,
        t("信用分 {standing} 以上", standing=when.standing_from) if when.standing_from is not None else None,
        t("住在{regions}的会员", regions=_regions(when.member_regions, programme)) if when.member_regions else None,
        {"no matter": None, "here": t("在本店第一次消费"), "anywhere": t("第一次消费")}[when.first_purchase],
        tn("入会 {n} 天内", n=when.joined_days) if when.joined_days is not None else None,
        None if when.business is None else t("企业会员") if when.business else t("个人会员"),
    ]
    return [each for each in found if each is not None]


def would(done: Replayed, extra: int, worth: Money | None, *, days: int | None) -> list[Text]:
    """What a dry run says: over which purchases, and how many points more or fewer: in all (`days` None), or in so many days."""
    if done.since is None:
        return [t("最近没有消费,没法试算。")]
    first = tn("按{since}以来的 {n} 笔消费试算:", n=done.purchases, since=done.since)
    if not extra:
        return [first, t("和现在付的一样多。")]
    points = Points(abs(extra))
    if days is None:
        said = t("会多付 {points}", points=points) if extra > 0 else t("会少付 {points}", points=points)
    elif extra > 0:
        said = tn("这 {n} 天约多付 {points}", n=days, points=points)
    else:
        said = tn("这 {n} 天约少付 {points}", n=days, points=points)
    return [first, t("{said},约 {worth}", said=said, worth=worth) if worth is not None else said]


def _days(version: RuleVersion, today: dt.date) -> list[Text]:
    """From when to when, where it isn't simply now and until replaced."""
    starts, ends = version.rule.when.starts_at, version.rule.when.ends_at
    if starts is not None and ends is not None and (starts.time() != dt.time() or ends.time() != dt.time()):
        facts = {"since": starts.date(), "from_": f"{starts:%H:%M}", "until": ends.date(), "to": f"{ends:%H:%M}"}
        return [t("{since} {from_}—{until} {to}", **facts)]
    first = max([version.valid_from, *([starts.date()] if starts else [])])
    known = [version.valid_to, (ends - dt.timedelta(microseconds=1)).date() if ends else None]
    last = min([day for day in known if day is not None], default=None)
    if last is None:
        return [t("{since}起", since=first)] if first > today else []
    return [t("{on}一天", on=first) if first == last else t("{since}—{until}", since=first, until=last)]


def _ages(when: When) -> Text | None:
    match when.age_from, when.age_to:
        case None, None:
            return None
        case int(least), None:
            return t("{age} 岁以上", age=least)
        case None, int(most):
            return t("{age} 岁以下", age=most)
        case least, most:
            return t("{least}—{most} 岁", least=least, most=most)


def _limits(rule: Rule, money: str) -> list[Text]:
    return [*(_cap(cap) for cap in rule.caps), *(_budget(rule.budget, money) if rule.budget else ())]


def _cap(cap: Cap) -> Text:
    return _PER[cap.per](Points(cap.points))


def _budget(budget: Budget, money: str) -> Iterable[Text]:
    if budget.points is not None:
        yield t("总共 {points}", points=Points(budget.points))
    if budget.minor is not None:
        yield t("总共 {money}", money=Money(budget.minor, money))


def _regions(codes: Iterable[str], programme: Programme) -> Text | Both | str:
    return _listed([merchants.region(programme, code) for code in sorted(codes)])


def _last_last(days: Iterable[int]) -> list[int]:
    return sorted(days, key=lambda day: day if day > 0 else 32)


def _day_of_month(day: int) -> Text:
    return t("最后一天") if day == -1 else t("{day}日", day=str(day))


def _listed(them: Iterable[Text | Both | str]) -> Text | Both | str:
    return reduce(_comma, them)


def _comma(one: Text | Both | str, other: Text | Both | str) -> Text:
    return t("{one}、{other}", one=one, other=other)


def _semicolon(one: Text, other: Text) -> Text:
    return t("{one};{other}", one=one, other=other)


STATES: dict[str, Text] = {
    "proposed": t("等批准"),
    "approved": t("已批准"),
    "rejected": t("没有批准"),
    "withdrawn": t("已撤回"),
}
"""What becomes of a proposal."""


@worded(rulebook.SamePerson)
def _(no: rulebook.SamePerson) -> Worded:
    return Worded(t("自己提的规则要别人批"), t("请另一位运营人员来看。"))


@worded(rulebook.NotProposed)
def _(no: rulebook.NotProposed) -> Worded:
    if no.state is None:
        return Worded(t("没有这条规则"))
    return Worded(t("这条规则已经处理过了"), t("现在是「{state}」。", state=STATES[no.state]))


@worded(rulebook.CodeOfAnother)
def _(no: rulebook.CodeOfAnother) -> Worded:
    return Worded(t("这个规则代码是别家的"), t("代码 {code} 已经有人用了,换一个。", code=no.rule))


@worded(rulebook.CampaignOfAnother)
def _(no: rulebook.CampaignOfAnother) -> Worded:
    return Worded(t("这个活动是别家的"), t("规则不能用别家活动「{campaign}」的预算。", campaign=no.campaign))


@worded(rulebook.RuleBeginsInThePast)
def _(no: rulebook.RuleBeginsInThePast) -> Worded:
    return Worded(t("规则不能改过去的"), t("最早从{on}起。", on=no.earliest))


@worded(rulebook.RuleIsOver)
def _(no: rulebook.RuleIsOver) -> Worded:
    return Worded(t("这条规则已经过期"), t("它到{on}为止,批了也不会再用到。", on=no.valid_to))


@worded(rulebook.NotInForce)
def _(no: rulebook.NotInForce) -> Worded:
    return Worded(t("这条规则没在生效"), t("可能已经停了,或还没有批准。"))
