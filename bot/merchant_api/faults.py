"""What is wrong with a request, in words: pydantic's findings, and the sentences of our own validators, in both languages.

A finding whose kind is not in the table is said in pydantic's own English; a test throws nonsense at every model and finds none.
"""

from __future__ import annotations

import json
from collections.abc import Callable, Mapping, Sequence
from typing import Any, NamedTuple

from pydantic import ValidationError
from pydantic_core import ErrorDetails

from chat.words import Both, Text, t, tn

MOST = 20
SENSE = ("value_error", "assertion_error", "longer_than", "goes_with")
"""Kinds of findings about what can be read and can't be right."""

MOMENT = "2026-11-22T10:30:00+08:00"
LOCAL = "2026-11-22T10:30:00"
DAY = "2026-11-22"

NUMBER = t("要是数字")
WHOLE = t("要是整数")
TEXT = t("要是文字")
LIST = t("要是数组")
OBJECT = t("要是对象")
YES_NO = t("要是 true 或 false")
THE_MOMENT = t("要是带时区的时刻,比如 {example}", example=MOMENT)
THE_DAY = t("要是日期,比如 {example}", example=DAY)
NONE_OF_THESE = t("没有这一项")

Said = Callable[[Mapping[str, Any]], Text]

KINDS: dict[str, Text | Said] = {
    "missing": t("要有这一项"),
    "extra_forbidden": NONE_OF_THESE,
    "string_type": TEXT,
    "string_too_short": lambda c: tn("至少 {n} 个字", n=c["min_length"]),
    "string_too_long": lambda c: tn("最多 {n} 个字", n=c["max_length"]),
    "string_pattern_mismatch": lambda c: t("写法不对,要符合 {pattern}", pattern=c["pattern"]),
    "string_unicode": TEXT,
    "int_type": WHOLE,
    "int_parsing": WHOLE,
    "int_parsing_size": WHOLE,
    "int_from_float": WHOLE,
    "float_type": NUMBER,
    "float_parsing": NUMBER,
    "finite_number": NUMBER,
    "decimal_type": NUMBER,
    "decimal_parsing": NUMBER,
    "decimal_max_digits": NUMBER,
    "decimal_max_places": lambda c: tn("最多 {n} 位小数", n=c["decimal_places"]),
    "greater_than": lambda c: t("要大于 {least}", least=str(c["gt"])),
    "greater_than_equal": lambda c: t("不能小于 {least}", least=str(c["ge"])),
    "less_than": lambda c: t("要小于 {most}", most=str(c["lt"])),
    "less_than_equal": lambda c: t("不能大于 {most}", most=str(c["le"])),
    "multiple_of": lambda c: t("要是 {step} 的倍数", step=str(c["multiple_of"])),
    "bool_type": YES_NO,
    "bool_parsing": YES_NO,
    "list_type": LIST,
    "tuple_type": LIST,
    "set_type": LIST,
    "frozen_set_type": LIST,
    "too_short": lambda c: tn("至少 {n} 项", n=c["min_length"]),
    "too_long": lambda c: tn("最多 {n} 项", n=c["max_length"]),
    "dict_type": OBJECT,
    "model_type": OBJECT,
    "model_attributes_type": OBJECT,
    "literal_error": lambda c: t("只能是 {choices}", choices=_choices(c["expected"])),
    "enum": lambda c: t("只能是 {choices}", choices=_choices(c["expected"])),
    "union_tag_invalid": lambda c: t("只能是 {choices}", choices=_choices(c["expected_tags"])),
    "union_tag_not_found": t("要有这一项"),
    "none_required": t("这里要空着"),
    "timezone_aware": THE_MOMENT,
    "timezone_naive": t("要是不带时区的时刻,比如 {example}", example=LOCAL),
    "instant_not_written": THE_MOMENT,
    "datetime_type": THE_MOMENT,
    "datetime_parsing": THE_MOMENT,
    "datetime_from_date_parsing": THE_MOMENT,
    "datetime_object_invalid": THE_MOMENT,
    "day_not_written": THE_DAY,
    "date_type": THE_DAY,
    "date_parsing": THE_DAY,
    "date_from_datetime_parsing": THE_DAY,
    "date_from_datetime_inexact": THE_DAY,
    "time_type": t("要是钟点,比如 09:30"),
    "time_parsing": t("要是钟点,比如 09:30"),
    "json_invalid": lambda c: t("不是 JSON:{error}", error=str(c["error"])),
    "longer_than": lambda c: t("「{name}」长过 {longest} 个字", name=c["name"], longest=str(c["longest"])),
    "goes_with": lambda c: t("{name} 是 {kind} 才有的,也要有", name=c["name"], kind=c["kind"]),
}

SENTENCES: dict[str, Text] = {
    "either days or until": t("days 和 until 写一个"),
    "ends_at comes after starts_at": t("ends_at 要在 starts_at 之后"),
    "age_to is not below age_from": t("age_to 不能小于 age_from"),
    "days_of_month begin at 1; -1 is the last": t("days_of_month 从 1 起;-1 是最后一天"),
    "a budget is of points, of money, or of both": t("预算写积分、金额,或两样都写"),
    "every step must cost a whole number of points": t("每一档的积分要是整数"),
    "the most must be the least and a number of steps": t("最多要等于最少加上若干档"),
    "at most four conditions": t("条件最多四条"),
    "a variable voucher, and nothing else, is priced per money": t("只有自选面值的券按金额定价"),
    "`until` is not before `from_on`": t("until 不能早于 from_on"),
    "there is no such day": t("没有这一天"),
    "a day of the month is 1 to 31, or -1 for the last": t("每月几号写 1 到 31,-1 是最后一天"),
    "a special price says when it holds, or for whom": t("特价要写明什么时候,或给谁"),
    "a special price is of the same kind as the usual one": t("特价和平时价要是同一种"),
    "a special price is never worse than the usual one": t("特价不能比平时贵"),
    "a special price never asks for more cash than the usual one": t("特价要付的钱不能比平时多"),
    "a piece is worth more than the money that is paid for it besides": t("值多少要比另付的钱多"),
    "hours are whole minutes of the programme's zone": t("营业时间写到分钟,按联盟的时区"),
    "`open` is before `close`; hours past midnight are the next day's": t("`open` 要早于 `close`,过了零点的写到第二天"),
    "`lead_hours` reach beyond `days_ahead`: nothing could ever be booked": t(
        "`lead_hours` 超过了 `days_ahead`,永远约不上"
    ),
    "opening hours are at least one slot long": t("每段营业时间至少要够一次"),
    "opening hours of a day don't overlap": t("一天里的营业时间不能重叠"),
    "an outlet's bookings are said once": t("一家门店的预约只写一次"),
    "only a service is booked": t("只有服务可以预约"),
    "what is booked costs points alone: a place does not wait for cash": t("要预约的只收积分,位子不等现金"),
    "each merchant that hands it over is named once, its own not among them": t("代兑商户每家写一次,不写自己"),
    "what is handed over in the chat needs no other merchant": t("在聊天里交付的不需要代兑商户"),
    "what is booked is had at one merchant": t("要预约的只在一家商户"),
    "what two have together is sold by the piece, for 2 points or more alone, at no booked time": t(
        "两人一起换的要按份、只收积分(至少 2 分)、不用预约"
    ),
    "what is booked is sold one at a time": t("要预约的一次只换一份"),
    "a special price says what a piece is worth where the usual one does, and only there": t(
        "平时价写了值多少,特价也要写;没写就都不写"
    ),
    "early access is for some members, before the first day `on_shelf`": t("提前兑换要写给谁,并早于 on_shelf 的第一天"),
    "a privilege asks for points held, for tiers, or for both": t("权益要写持有多少分、哪些等级,或两样都写"),
    "what is handed over in the chat costs points alone": t("在聊天里交付的只收积分"),
    "of a partner code or a membership there is one in one redemption": t("券码和等级一次换一份"),
    "the stock of partner codes is their pool": t("券码的份数就是池里的码,不写 stock"),
    "only goods come back once they were handed over": t("领走以后能退换的只有实物(goods)"),
    "where it holds is said once: `region`, or `who.regions`": t("地区只写一处:region,或 who.regions"),
}
"""What our own validators say, by their English."""


class Found(NamedTuple):
    """One finding: a JSON pointer into the body or the name of a parameter, and what is wrong there."""

    pointer: str
    said: Text | Both


def found(error: ValidationError, body: Any) -> list[Found]:
    """The first findings in what was sent, a parsed body or None where it could not be parsed."""
    return [Found(pointer(each, body), words(each)) for each in _details(error)]


def found_in_query(error: ValidationError) -> list[Found]:
    """The same of a query's parameters."""
    return [Found("query:" + ".".join(map(str, each["loc"])), words(each)) for each in _details(error)]


def only_sense(error: ValidationError) -> bool:
    """Whether all of it can be read and only can't be right."""
    return all(each["type"] in SENSE for each in _details(error))


def parsed(body: bytes) -> Any:
    """A body as JSON, None where it is none."""
    try:
        return json.loads(body)
    except (ValueError, RecursionError):
        return None


def words(each: ErrorDetails) -> Text | Both:
    """A finding in words."""
    context = each.get("ctx", {})
    english = str(context.get("error", each["msg"])) if each["type"] == "value_error" else each["msg"]
    said = SENTENCES.get(english) or KINDS.get(each["type"]) or Both(english, english)
    return said(context) if callable(said) else said


def pointer(each: ErrorDetails, body: Any) -> str:
    """Where it is in the body: pydantic's path without the names of the models that it tried on the way."""
    path: list[int | str] = []
    at = body
    *_, last = each["loc"] or (None,)
    for step in each["loc"]:
        if _has(at, step):
            at = at[step]
        elif each["type"] != "missing" or step is not last:
            continue
        path.append(step)
    if each["type"].startswith("union_tag"):
        path.append(str(each.get("ctx", {})["discriminator"]).strip("'"))
    return "".join("/" + str(step).replace("~", "~0").replace("/", "~1") for step in path)


def _details(error: ValidationError) -> Sequence[ErrorDetails]:
    return error.errors(include_url=False, include_input=False)[:MOST]


def _has(at: Any, step: int | str) -> bool:
    return (isinstance(at, dict) and step in at) or (isinstance(at, list) and isinstance(step, int) and step < len(at))


def _choices(expected: str) -> str:
    return expected.replace(" or ", ", ").replace("'", "")
