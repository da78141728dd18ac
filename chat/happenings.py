"""What happened, in a few words: the one name of an entry that the history, its «why» and the notices share."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from chat.known import Known
from chat.words import Both, Points, Text, t
from ledger.points.statements import Line


def title(line: Line, known: Known) -> Text | Both:
    """Where or what it was: a merchant's name, or the happening itself where no merchant had a part."""
    where = known.merchant(line.merchant_id)
    match line.kind:
        case "accrue" if line.facts.get("what") == "welcome":
            return t("入会礼")
        case "accrue" if line.facts.get("what") == "referral":
            return t("朋友邀请的礼") if line.facts.get("as") == "friend" else t("邀请朋友")
        case "accrue" if line.facts.get("what") == "birthday":
            return t("生日礼")
        case "accrue" if line.facts.get("what") == "child_birthday":
            return t("孩子的生日礼")
        case "accrue" if line.facts.get("what") == "first_order":
            return t("首单礼")
        case "accrue" if line.facts.get("what") == "activity":
            return t("{title} · {merchant}", title=line.facts["title"], merchant=where)
        case "accrue":
            return where
        case "open_balance":
            return t("原有积分 · {merchant}", merchant=where)
        case "burn":
            thing = spent_on(line.facts)
            return t("{thing} · {merchant}", thing=thing, merchant=where) if thing else where
        case "release":
            return t("开始可用")
        case "expire":
            return t("已到期")
        case "claw_back" if line.facts.get("what") == "take_back":
            return t("店员收回 · {merchant}", merchant=where)
        case "claw_back" if line.facts.get("what") == "referral":
            return t("收回 · 朋友邀请的礼") if line.facts.get("as") == "friend" else t("收回 · 邀请朋友")
        case "claw_back":
            return t("退货 · {merchant}", merchant=where)
        case "reinstate" if line.facts.get("what") == "return" and (thing := spent_on(line.facts)):
            return t("退货 · {thing}", thing=thing)
        case "reinstate":
            thing = spent_on(line.facts)
            return t("退回 · {thing}", thing=thing) if thing else t("退回 · {merchant}", merchant=where)
        case "hold" if line.facts.get("what") == "gift":
            return t("准备送出")
        case "hold":
            thing = spent_on(line.facts)
            return t("预留 · {thing}", thing=thing) if thing else t("预留")
        case "void" if line.facts.get("what") == "gift":
            return t("没送出去,退回")
        case "void":
            return t("取消预留")
        case "transfer" | "hand_over" if line.facts.get("what") == "claim":
            return t("认领 · {merchant}", merchant=where)
        case "hand_over" if line.facts.get("what") in ("merge", "unmerge"):
            return t("账户合并") if line.facts["what"] == "merge" else t("账户分开")
        case "transfer" if line.facts.get("what") == "dividend":
            return t("分红 · {merchant}", merchant=where)
        case "give":
            return t("收到的礼物") if line.points > 0 else t("送出的礼物")
        case "transfer" if line.facts.get("what") == "together":
            thing = spent_on(line.facts)
            return t("一起换 · {thing}", thing=thing) if thing else t("没换成,退回")
        case "transfer" if line.counter is not None and line.counter.kind == "pool":
            return t("从家庭池取回") if line.points > 0 else t("放进家庭池")
        case "transfer":
            return t("转入") if line.points > 0 else t("转出")
        case "exchange":
            received = known.points(line.facts["to_currency"], line.facts["received"])
            return t("换成 {received}", received=received)
        case "restore":
            return t("到期的恢复了")
        case "reverse":
            return t("撤销")
        case _:
            return t("更正")


def of_pool(line: Line) -> Text:
    """What happened to a family's pool, after the name of whose doing it was."""
    thing = spent_on(line.facts)
    match line.kind:
        case "transfer":
            return t("放入了") if line.points > 0 else t("取回了")
        case "burn":
            return t("换了 {thing}", thing=thing) if thing else t("用了")
        case "hold":
            return t("预留 {thing}", thing=thing) if thing else t("预留")
        case "reinstate":
            return t("退回 {thing}", thing=thing) if thing else t("退回")
        case "void":
            return t("取消预留")
        case "expire":
            return t("已到期")
        case "restore":
            return t("到期的恢复了")
        case "claw_back":
            return t("退货,商户收回")
        case _:
            return t("更正")


def spent_on(facts: Mapping[str, Any]) -> Both | None:
    """What points were spent on, as the offer named it then, with the special price that it had."""
    named = facts.get("offer", facts)
    if "special_zh" in named:
        return Both(*(f"{named[f'name_{language}']} · {named[f'special_{language}']}" for language in ("zh", "en")))
    return Both(named["name_zh"], named["name_en"]) if "name_zh" in named else None


def change(line: Line, known: Known) -> Text | Points:
    """By how much it changed what is held: «+600 分», «-500 分»; the plain size where nothing came or went."""
    amount = known.points(line.currency_id, line.points or line.size)
    return t("+{points}", points=amount) if line.points > 0 else amount
