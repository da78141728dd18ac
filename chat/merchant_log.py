"""The log of a merchant in words: when, what, by whom."""

from __future__ import annotations

import datetime as dt
from collections.abc import Callable, Mapping, Sequence
from typing import Any

from sqlalchemy.ext.asyncio import AsyncConnection

from chat import till
from chat.merchants import KINDS, PURPOSES
from chat.words import Both, Money, Text, t, tn
from ledger.earning.rules.version import RuleVersion
from ledger.merchants import staff
from ledger.merchants.log import Logged, What

_Facts = Mapping[str, Any]

WORDS: dict[What, Callable[[_Facts], Text]] = {
    "applied": lambda _: t("申请加入"),
    "corrected": lambda _: t("改了申请"),
    "withdrawn": lambda _: t("撤回了申请"),
    "certified": lambda _: t("通过认证"),
    "rejected": lambda f: t("申请被拒绝:{reason}", reason=f["reason"]),
    "suspended": lambda f: t("暂停发分:{reason}", reason=f["reason"]),
    "reinstated": lambda _: t("恢复了发分"),
    "closed": lambda f: t("退出:{reason}", reason=f["reason"]),
    "lapsed": lambda _: t("证书到期,暂停发分"),
    "renewed": lambda _: t("证书续期,恢复发分"),
    "certificate_entered": lambda f: t(
        "录入{kind} {number},有效至 {on}",
        kind=KINDS[f["kind"]],
        number=f["number"],
        on=dt.date.fromisoformat(f["until"]),
    ),
    "certificate_confirmed": lambda f: t("核对了{kind} {number}", kind=KINDS[f["kind"]], number=f["number"]),
    "file_added": lambda f: t("提交文件:{purpose}", purpose=PURPOSES[f["purpose"]]),
    "outlet_opened": lambda f: t("新开门店「{name}」", name=f["name"]),
    "outlet_changed": lambda f: t("改了门店「{name}」的{field}", name=f["name"], field=OUTLET_FIELDS[f["field"]]),
    "outlet_closed": lambda f: t("关闭门店「{name}」", name=f["name"]),
    "till_opened": lambda f: t("新设收银台「{label}」({outlet})", label=f["label"], outlet=f["outlet"]),
    "till_closed": lambda f: t("撤掉收银台「{label}」", label=f["label"]),
    "shift_opened": lambda f: t("{till} 开班", till=f["till"]),
    "shift_closed": lambda f: t("{till} 交班,{n} 笔", till=f["till"], n=f["awards"]),
    "staff_invited": lambda f: t("邀请{role}「{label}」", role=till.role(f["role"]), label=f["label"]),
    "staff_joined": lambda f: t("{role}「{label}」上岗", role=till.role(f["role"]), label=f["label"]),
    "staff_removed": lambda f: t("{role}「{label}」离开", role=till.role(f["role"]), label=f["label"]),
    "cards_printed": lambda f: tn("印了 {n} 张纸卡", n=f["cards"]),
    "day_exported": lambda _: t("导出了当天的记录"),
    "rule_proposed": lambda f: t("提了规则「{rule}」", rule=_rule(f)),
    "rule_withdrawn": lambda f: t("撤回规则「{rule}」", rule=_rule(f)),
    "rule_approved": lambda f: t("批准规则「{rule}」", rule=_rule(f)),
    "rule_rejected": lambda f: t("没有批准规则「{rule}」", rule=_rule(f)),
    "rule_ended": lambda f: t("停了规则「{rule}」", rule=_rule(f)),
    "key_made": lambda f: t("建了密钥「{label}」", label=f["label"]),
    "key_rotated": lambda f: t("换了密钥「{label}」", label=f["label"]),
    "key_revoked": lambda f: t("停用了密钥「{label}」", label=f["label"]),
    "webhook_set": lambda _: t("填了事件通知的地址"),
    "webhook_renewed": lambda _: t("换了事件通知的签名密钥"),
    "webhook_dropped": lambda _: t("停了事件通知"),
    "terms_changed": lambda f: t("改了条款:{term}", term=TERM_NAMES[f["term"]]),
    "declined_booked": lambda f: tn("补记了 {n} 笔", n=f["awards"]),
    "declined_dropped": lambda _: t("一笔消费不补记"),
    "tier_sold": lambda f: t("卖出{tier},收 {amount}", **_tier(f)),
    "tier_taken_back": lambda f: t("撤回卖出的{tier},退 {amount}", **_tier(f)),
    "privilege_published": lambda f: t("发布了权益「{what}」", what=Both(f["name_zh"], f["name_en"])),
    "privilege_paused": lambda f: t("停了权益「{what}」", what=Both(f["name_zh"], f["name_en"])),
    "day_closed": lambda f: (
        t("关了 {outlet} {day},取消 {n} 个预约", outlet=f["outlet"], day=_day(f), n=f["bookings"])
        if "outlet" in f
        else t("关了 {day},取消 {n} 个预约", day=_day(f), n=f["bookings"])
    ),
    "day_reopened": lambda f: (
        t("重新开放 {outlet} {day}", outlet=f["outlet"], day=_day(f))
        if "outlet" in f
        else t("重新开放 {day}", day=_day(f))
    ),
    "privilege_resumed": lambda f: t("恢复了权益「{what}」", what=Both(f["name_zh"], f["name_en"])),
    "fulfilment_agreed": lambda f: t("答应一起兑「{what}」", what=Both(f["name_zh"], f["name_en"])),
    "fulfilment_declined": lambda f: t("没有答应一起兑「{what}」", what=Both(f["name_zh"], f["name_en"])),
    "fulfilment_left": lambda f: t("不再兑「{what}」", what=Both(f["name_zh"], f["name_en"])),
    "offer_published": lambda f: t("上架「{what}」", what=Both(f["name_zh"], f["name_en"])),
    "offer_changed": lambda f: t("改了「{what}」,第 {n} 版", what=Both(f["name_zh"], f["name_en"]), n=f["version"]),
    "offer_paused": lambda f: t("暂停了「{what}」", what=Both(f["name_zh"], f["name_en"])),
    "offer_resumed": lambda f: t("恢复了「{what}」", what=Both(f["name_zh"], f["name_en"])),
    "file_imported": lambda f: tn("导入{kind},{n} 行", kind=FILE_KINDS[f["kind"]], n=f["rows"]),
}

TERM_NAMES: dict[str, Text] = {
    "return_days": t("退货期"),
    "life": t("积分有效期"),
    "cashier_refund_minor": t("收银员退款"),
    "accepts_common": t("收不收联盟积分"),
    "instrument": t("是不是支付渠道"),
}
"""What the operator arranges with a merchant."""

OUTLET_FIELDS: dict[str, Text] = {"name": t("名称"), "region": t("地区"), "address": t("地址"), "hours": t("营业时间")}
"""What an outlet is asked about."""

FILE_KINDS: dict[str, Text] = {
    "purchases": t("消费记录"),
    "members": t("顾客名单"),
    "balances": t("期初积分"),
    "codes": t("券码"),
    "used_vouchers": t("断网时用的券"),
}
"""What a file brings."""


def rule_facts(version: RuleVersion) -> dict[str, str]:
    """What the log keeps of an accrual rule."""
    return {"rule": version.name, "name_zh": version.rule.name_zh, "name_en": version.rule.name_en}


def _day(facts: _Facts) -> dt.date:
    return dt.date.fromisoformat(facts["day"])


def _tier(facts: _Facts) -> dict[str, Both | Money]:
    amount = Money(facts["amount_minor"], facts["money"])
    return {"tier": Both(facts["name_zh"], facts["name_en"]), "amount": amount}


def _rule(facts: _Facts) -> Both:
    return Both(facts["name_zh"], facts["name_en"])


async def lines(tx: AsyncConnection, logged: Sequence[Logged]) -> list[Text]:
    """Each on a line: when, what, by whom."""
    ids = {int(each.who.partition(":")[2]) for each in logged if each.who.startswith("staff:")}
    people = {who: found for who in ids if (found := await staff.by_id(tx, who)) is not None}
    said = []
    for each in logged:
        what = WORDS[each.what](each.facts)  # type: ignore[index]  # what the log has is one of What
        said.append(t("{when} · {what} · {who}", when=each.at, what=what, who=_who(each.who, people)))
    return said


def _who(actor: str, people: Mapping[int, staff.Staff]) -> Text | str:
    kind, _, number = actor.partition(":")
    if kind == "staff" and int(number) in people:
        return people[int(number)].label
    return {"operator": t("运营"), "member": t("申请人"), "applicant": t("申请人"), "job": t("系统")}.get(
        kind, t("店员")
    )
