"""What cover says: how much stands behind an issuer's points, warnings before its end, and the wording of its refusals."""

from __future__ import annotations

from chat import desk_doors, doors, operator_doors
from chat.refusals import Worded, worded
from chat.screen import BLANK, Line, Screen, screen
from chat.words import Both, Money, Text, t, tn
from ledger.merchants import cover, guarantee
from ledger.merchants.guarantee import Cover, CoverEntry, Level


def state(found: Cover) -> list[Line]:
    """A cover in figures: how much is used, how much is left, what it is made of."""
    lines: list[Line] = [
        t(
            "<b>已用 {percent}%</b> · 还能发 {free}",
            percent=found.used_percent,
            free=Money(found.free_minor, found.money),
        ),
        t("未用完的分值 {outstanding}", outstanding=Money(found.outstanding_minor, found.money)),
        t("共 {whole}", whole=Money(found.whole_minor, found.money)),
    ]
    if found.float_minor:
        lines.append(t("· 已存入 {amount}", amount=Money(found.float_minor, found.money)))
    if found.limit_minor:
        lines.append(t("· 信用额度 {amount}", amount=Money(found.limit_minor, found.money)))
    if found.level(100) == 2:
        lines.append(
            t("快用完了,放不下的消费会被拒;会员的分不受影响")
            if _some_left(found)
            else t("已用完,发分暂停;会员的分不受影响")
        )
    return lines


def _some_left(found: Cover) -> bool:
    """Whether a small purchase may still fit, as counted."""
    return found.whole_minor > found.outstanding_minor


def entry(one: CoverEntry, money: str) -> Text:
    """One change of a cover."""
    amount = Money(abs(one.amount_minor), money)
    match one.kind:
        case "paid_in":
            return t("{when} 存入 {amount} · {reference}", when=one.at, amount=amount, reference=one.reference)
        case "paid_out":
            return t("{when} 退还 {amount} · {reference}", when=one.at, amount=amount, reference=one.reference)
        case _:
            return t("{when} 信用额度改为 {amount}", when=one.at, amount=amount)


def warning(found: Cover, level: Level, merchant: Both | Text, *, operator: bool) -> Screen:
    """A cover nears its end, or is used up: to the issuer's owners and to the operator."""
    facts = {"merchant": merchant, "percent": found.used_percent}
    if level == 1:
        headline = t("<b>{merchant}的保证金已用 {percent}%</b>", **facts)
    elif _some_left(found):
        headline = t("<b>{merchant}的保证金已用 {percent}%,放不下的消费会被拒</b>", **facts)
    else:
        headline = t("<b>{merchant}的保证金用完了,发分已暂停</b>", **facts)
    lines: list[Line] = [
        headline,
        t(
            "还能发 {free},共 {whole}",
            free=Money(found.free_minor, found.money),
            whole=Money(found.whole_minor, found.money),
        ),
        BLANK,
        t("补足后马上恢复;会员用掉积分,额度也会回来。会员的分不受影响。")
        if level == 2
        else t("用完后发分会暂停。补足,或会员用掉积分,额度就回来;会员的分不受影响。"),
    ]
    look = t("看保证金")
    door = operator_doors.cover_desk(look, found.merchant_id) if operator else desk_doors.cover(found.merchant_id, look)
    return screen(lines, [[door, doors.home()]])


@worded(cover.CoverExhausted)
def _(no: cover.CoverExhausted) -> Worded:
    headline = t("{merchant}暂时不能发积分", merchant=Both(no.name_zh, no.name_en))
    if no.kept:
        return Worded(
            headline,
            t("它的保证金不够,这笔没有发分,已留底:补足后店长可以补记,也可以再发一次。"),
            (desk_doors.counter(),),
        )
    return Worded(
        headline,
        t("它的保证金不够,这笔没有记。店主补足后就能发;会员已有的分照常使用。"),
        (desk_doors.counter(),),
    )


@worded(guarantee.NoCover)
def _(no: guarantee.NoCover) -> Worded:
    return Worded(t("这家商户没有设保证金"), t("它发分没有上限。"))


@worded(guarantee.AmountInvalid)
def _(no: guarantee.AmountInvalid) -> Worded:
    return Worded(t("这个金额不行"), t("存入和退还要大于 0,额度不能小于 0。"))


@worded(guarantee.ReferenceNeeded)
def _(no: guarantee.ReferenceNeeded) -> Worded:
    return Worded(t("请写付款的凭证号"), tn("最多 {n} 个字,比如银行回单号。", n=no.longest), (operator_doors.covers(),))


@worded(guarantee.ReferenceTaken)
def _(no: guarantee.ReferenceTaken) -> Worded:
    return Worded(
        t("这个凭证号记过了"),
        t("「{reference}」已经入账,没有再记。", reference=no.reference),
        (operator_doors.covers(),),
    )


@worded(guarantee.CoverStillNeeded)
def _(no: guarantee.CoverStillNeeded) -> Worded:
    return Worded(
        t("不能退还这么多"),
        t(
            "要退 {asked},最多能退 {most}:其余的保着会员手里的分。",
            asked=Money(no.asked_minor, no.money),
            most=Money(no.most_minor, no.money),
        ),
        (operator_doors.covers(),),
    )
