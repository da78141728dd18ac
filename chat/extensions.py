"""A deadline extended, in words: what members, issuers and operators read, and what is refused."""

from __future__ import annotations

from collections.abc import Sequence
from functools import reduce

from chat import doors, merchants, operator_doors
from chat.known import Known
from chat.refusals import Worded, worded
from chat.screen import Line, Screen, screen
from chat.words import Points, Text, t, tn
from ledger.merchants import extensions
from ledger.merchants.extensions import Extension, Restored, Scope
from ledger.programme import Programme


def notice(restored: Sequence[Restored], names: Known) -> Screen:
    """What a member is told: what came back, from when, until when, what they have now; a currency after the other."""
    extension = restored[0].extension
    points: dict[int, int] = {}
    balance: dict[int, int | None] = {}
    for each in restored:
        points[each.receipt.currency] = points.get(each.receipt.currency, 0) + each.receipt.points
        balance[each.receipt.currency] = each.receipt.balance("available")
    lines: list[Line | None] = [
        *(
            t("<b>+{points}</b> · 到期的恢复了", points=names.points(currency, each))
            for currency, each in points.items()
        ),
        t("{last_day}到期的,现在有效至 {until}", last_day=extension.scope.last_day, until=extension.expires_on),
        *(
            t("可用 {points}", points=names.points(currency, each)) if each is not None else None
            for currency, each in balance.items()
        ),
    ]
    why = doors.why(t("看来由"), restored[0].receipt.entry_id)
    return screen(lines, [[doors.catalog(), why], [doors.home()]])


def whose(scope: Scope, names: Known, programme: Programme) -> Text:
    """A scope in words."""
    if scope.issuer_id is not None:
        return t("{merchant}发的", merchant=names.merchant(scope.issuer_id))
    if scope.region is not None:
        return t("住在{regions}的会员", regions=merchants.region(programme, scope.region))
    return t("所有会员")


def line(extension: Extension, names: Known, programme: Programme) -> Text:
    """An order in the list of those before."""
    facts = {
        "last_day": extension.scope.last_day,
        "until": extension.expires_on,
        "whose": whose(extension.scope, names, programme),
    }
    if extension.done_at is None:
        return t("{last_day} → {until} · {whose} · 正在恢复", **facts)
    if not extension.points:
        return t("{last_day} → {until} · {whose} · 已没有可恢复的", **facts)
    back: Text | Points = _sum([names.points(currency, points) for currency, points in extension.points.items()])
    return tn("{last_day} → {until} · {whose} · {points}给 {n} 位", n=extension.owners, points=back, **facts)


def _sum(parts: Sequence[Text | Points]) -> Text | Points:
    return reduce(lambda one, other: t("{one}、{other}", one=one, other=other), parts)


@worded(extensions.LastDayOutOfRange)
def _(no: extensions.LastDayOutOfRange) -> Worded:
    return Worded(
        t("这天的不能延期"),
        t("能延的是 {first}到 {last}到期的。", first=no.first, last=no.last),
        (operator_doors.extensions(),),
    )


@worded(extensions.ExtensionOutOfRange)
def _(no: extensions.ExtensionOutOfRange) -> Worded:
    return Worded(t("新的最后一天不对"), t("从 {first}到 {last}。请再发一个日期。", first=no.first, last=no.last))


@worded(extensions.NothingToExtend)
def _(no: extensions.NothingToExtend) -> Worded:
    return Worded(
        t("没有可恢复的"), t("{last_day}到期的都恢复过或收回了。", last_day=no.last_day), (operator_doors.extensions(),)
    )
