"""How goods come back, as whoever offers them answers in chat: «15天 答复5天 只退积分 不想要也行».

Each answer changes what it speaks of, and nothing else. What is as the programme has it for all goods is not written at all, so
that it stays as the programme has it. That faulty goods come back can't be taken away.
"""

from __future__ import annotations

import re
from collections.abc import Mapping
from typing import Any

from chat.offer_answers import NONE, About, Unread, plain
from chat.words import Both, Text, t, tn
from ledger.redeeming.offers import GOODS_RETURNS, Returns

DAYS_MOST, ANSWER_DAYS_MOST = 90, 14
_AS_USUAL = re.compile(r"^(?:-|和计划一样|按计划|默认|as usual|like the programme|default)$")
_NEVER = re.compile(
    r"不(?:能|可以?|给|予|支持)?退(?!换)|不退换|(?<![a-z])(?:no|never) returns?|^(?:无|没有|不要|none|no)$"
)
_ANSWER = (
    re.compile(r"(\d+)\s*天内?(?:答复|回复)(?!\d)"),
    re.compile(r"(\d+) ?days? to answer"),
    re.compile(r"(?:答复|回复|answer(?:ed)?(?:\s+(?:with)?in)?)\s*(\d+)\s*(?:天|days?)?内?"),
)
_DAYS = re.compile(r"(\d+)\s*(?:天|日|days?|d(?![a-z]))?内?")
_SAID: tuple[tuple[str, bool, re.Pattern[str]], ...] = (
    ("exchange", False, re.compile(r"不(?:能|可以?)?换货?|只退(?:积分|分)?|no exchanges?|only points|points only")),
    ("exchange", True, re.compile(r"(?:可以?|能)?换货?|exchanges?")),
    (
        "changed_mind",
        True,
        re.compile(
            r"不想要了?(?:也(?:行|可以?退?|能退|退)|可退|能退)?|无理由|any reason|changed (?:my |their )?minds?"
        ),
    ),
    ("changed_mind", False, re.compile(r"有(?:质量)?问题才?|(?:only )?if faulty|faulty only")),
)
_FILLING = re.compile(r"可?退货?|returns?|within|in|内|[\s,;、。.·:]+")


def policy(about: About, said: str) -> Mapping[str, Any]:
    """What is said of returns, written over what was; as the programme has it where that comes to the same."""
    words = plain(said).lower()
    if _AS_USUAL.match(words):
        return {"returns": None}
    if _NEVER.search(words):
        raise Unread(t("有问题的商品总能退,最少写 1 天。"))
    now = dict(about.document.get("returns") or GOODS_RETURNS.model_dump())
    rest = _numbers(words, now)
    for part, value, pattern in _SAID:
        rest, met = pattern.subn(" ", rest)
        if met:
            now[part] = value
    rest = _FILLING.sub("", rest)
    if rest or rest == words:
        raise Unread(t("没看懂「{rest}」。比如:15天 答复5天 不换货 不想要也行", rest=_cut(rest or words)))
    return {"returns": None if Returns.model_validate(now) == GOODS_RETURNS else now}


def _numbers(words: str, now: dict[str, Any]) -> str:
    """Take the days out of an answer, those for the answer first; gives the rest."""
    for pattern in _ANSWER:
        if (met := pattern.search(words)) is not None:
            now["answer_days"] = _days(met[1], ANSWER_DAYS_MOST)
            words = words.replace(met[0], " ", 1)
            break
    if (met := _DAYS.search(words)) is not None:
        now["days"] = _days(met[1], DAYS_MOST)
        words = words.replace(met[0], " ", 1)
    return words


def _days(said: str, most: int) -> int:
    if len(said) > 4 or not 1 <= int(said) <= most:
        raise Unread(t("退换写 1 到 {days} 天,答复写 1 到 {answer} 天。", days=DAYS_MOST, answer=ANSWER_DAYS_MOST))
    return int(said)


def _cut(said: str, longest: int = 12) -> Both:
    shown = said if len(said) <= longest else said[: longest - 1] + "…"
    return Both(shown, shown)


def usual(about: About) -> list[list[tuple[Text | Both, str]]]:
    """What would change something, as buttons; the present is left out."""
    said = about.document.get("returns")
    now = Returns.model_validate(said) if said else GOODS_RETURNS
    days = [(tn("{n} 天内", n=n), str(n)) for n in (7, 15, 30) if n != now.days]
    answer = [(tn("{n} 天答复", n=n), f"answer {n}") for n in (3, 5, 7) if n != now.answer_days]
    why = (t("有问题才退"), "if faulty") if now.changed_mind else (t("不想要也能退"), "any reason")
    what = (t("不换货"), "points only") if now.exchange else (t("可以换货"), "exchange")
    return [[*days], [*answer], [why, what], [(t("和计划一样"), NONE)] if said else []]
