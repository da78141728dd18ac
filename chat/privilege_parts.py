"""The parts of a privilege as they are asked in chat: the question, the usual answers as buttons, and what reads an answer.

A button's answer is read as if it had been typed, so each part has one way in. What parts are in general, and those that offers
have too, is `offer_parts`.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Mapping
from typing import Any

from chat import offer_answers as answers
from chat import offer_parts
from chat.offer_answers import NONE, POINTS_MOST, About, Unread, money, none_said, plain, whole
from chat.offer_parts import Part, Rows
from chat.privilege_text import PARTS
from chat.privilege_words import off
from chat.words import Both, Points, t, tn

GUIDED = ("name", "gives", "holds", "purse", "tiers", "month")
"""What is asked of a new privilege, in this order."""

TIMES_MOST = 999
_FREE = {"免费", "免", "free", "free of charge"}
_DAYS: dict[str, tuple[Any, dict[str, Any]]] = {
    "weekend": (t("周六、周日"), {"weekdays": [6, 7]}),
    "weekdays": (t("周一到周五"), {"weekdays": [1, 2, 3, 4, 5]}),
    "month_end": (t("每月最后那天"), {"days_of_month": [-1]}),
}
_NO_LONGER = t("至少要写一样:持有多少分,或哪个等级。")


def _percent(said: str) -> int:
    """«9 折», «85 折», «15%», «100 收 90» as per cent off."""
    words = plain(said).lower()
    amounts = re.findall(r"\d[\d,]*(?:\.\d+)?", words)
    if (fold := re.fullmatch(r"(\d)(?:\.(\d)|(\d))? ?折", words)) is not None:
        return 100 - 10 * int(fold[1]) - int(fold[2] or fold[3] or 0)
    if (percent := re.fullmatch(r"(\d{1,2}) ?%(?: off)?", words)) is not None:
        return int(percent[1])
    if len(amounts) == 2 and not re.search(r"折|%", words):
        full, paid = money(amounts[0]), money(amounts[1])
        if not 0 < paid < full:
            raise Unread(t("先写原价,再写优惠价,比如 100 收 90。"))
        if (full - paid) * 100 % full:
            raise Unread(t("只能是整的百分之几。比如 100 收 90、100 收 85。"))
        return (full - paid) * 100 // full
    raise Unread(t("没看懂。比如 9 折、15%、100 收 90,或「免费」。"))


def _gives(about: About, said: str) -> Mapping[str, Any]:
    if plain(said).lower() in _FREE:
        return {"gives": {"kind": "free"}}
    now = about.document.get("gives") or {}
    kept = now if now.get("kind") == "percent_off" else {"kind": "percent_off"}
    return {"gives": {**kept, "percent": _percent(said)}}


def _of_gives(part: str) -> Callable[[About, str], Mapping[str, Any]]:
    """A bound of what is taken off."""

    def write(about: About, said: str) -> Mapping[str, Any]:
        kept = {name: each for name, each in about.document["gives"].items() if name != part}
        return {"gives": kept if none_said(said) else {**kept, part: money(said)}}

    return write


def _spared(about: About) -> bool:
    """Whether points need not be held: a tier is asked for, or is what comes next."""
    return bool(about.document.get("tiers")) or (about.new and bool(offer_parts.tiers(about)))


def _holds(about: About, said: str) -> Mapping[str, Any]:
    if none_said(said):
        if not _spared(about):
            raise Unread(_NO_LONGER)
        return {"holds": None}
    return {"holds": {**(about.document.get("holds") or {}), "points": whole(said, POINTS_MOST)}}


def _purse(about: About, said: str) -> Mapping[str, Any]:
    if said not in [each.code for each in about.currencies]:
        raise Unread(t("请点一个。"))
    return {"holds": {**about.document["holds"], "currency": said}}


def _tiers(about: About, said: str) -> Mapping[str, Any]:
    if not none_said(said):
        return {"tiers": answers.from_tier(about, said)}
    if not about.document.get("holds"):
        raise Unread(_NO_LONGER)
    return {"tiers": None}


def _usual_tiers(about: About) -> Rows:
    rows = offer_parts.pairs(offer_parts.tiers(about))
    return [*rows, [(t("不看等级"), NONE)]] if about.document.get("holds") else rows


def _times(part: str) -> Callable[[About, str], Mapping[str, Any]]:
    def write(about: About, said: str) -> Mapping[str, Any]:
        counted = re.sub(r"次|times?", "", plain(said).lower()) if not none_said(said) else said
        return {part: None if none_said(said) else whole(counted, TIMES_MOST)}

    return write


def _often(*counts: int) -> Callable[[About], Rows]:
    return lambda about: [[(tn("{n} 次", n=n), str(n)) for n in counts], [(t("不限"), NONE)]]


def _when(about: About, said: str) -> Mapping[str, Any]:
    """Days; those of the week and from when to when go together."""
    if none_said(said):
        return {"when": None}
    now = about.document.get("when") or {}
    if said in _DAYS:
        kept = {name: each for name, each in now.items() if name in ("from_on", "until")}
        return {"when": {**kept, **_DAYS[said][1]}}
    first, last = answers.days(about, said)
    if last is not None and last < about.today:
        raise Unread(t("这些日子已经过了。"))
    kept = {name: each for name, each in now.items() if name not in ("from_on", "until")}
    return {"when": {**kept, **answers.when(first, last)}}


def _outlets(about: About, said: str) -> Mapping[str, Any]:
    """All of them, those that are named, or one more (as its button says it: «#» and its id)."""
    if none_said(said):
        return {"outlets": None}
    names = dict(about.outlets)
    if said.startswith("#"):
        one = names.get(int(said[1:])) if said[1:].isdigit() else None
        open_ = [each for each in about.document.get("outlets") or () if each in names.values()]
        asked = [*open_, *([one] if one else [])]
    else:
        asked = [each.strip() for each in re.split(r"[、,,;\n]", said) if each.strip()]
    for each in asked:
        if each not in names.values():
            raise Unread(t("没有门店「{outlet}」。请点一个。", outlet=each))
    return {"outlets": list(dict.fromkeys(asked))}


def _usual_holds(about: About) -> Rows:
    counts: Rows = [[(t("{points}", points=Points(n)), str(n)) for n in (1_000, 5_000, 50_000)]]
    return [*counts, [(t("不要求"), NONE)]] if _spared(about) else counts


def _percent_off(about: About) -> bool:
    return (about.document.get("gives") or {}).get("kind") == "percent_off"


PART: dict[str, Part] = {
    "name": Part(
        lambda a: [
            t("在什么上面有优惠?先发中文名,我再问英文。"),
            t("也可以一次发:鲜食 / Fresh food"),
        ],
        answers.name,
    ),
    "gives": Part(
        lambda a: [t("给什么优惠?点一个,或发给我:9 折、15%、100 收 90。")],
        _gives,
        lambda a: [[(off(n), f"{n}%") for n in (5, 10, 20)], [(t("免费"), "free")]],
    ),
    "holds": Part(
        lambda a: [t("会员手里要有多少分?只看有没有,不扣。"), t("点一个,或发数字给我。")],
        _holds,
        _usual_holds,
    ),
    "purse": Part(
        lambda a: [t("看哪种积分?")],
        _purse,
        lambda a: [[(Both(each.name_zh, each.name_en), each.code)] for each in a.currencies],
        lambda a: bool(a.document.get("holds")) and len(a.currencies) > 1,
    ),
    "tiers": Part(
        lambda a: [t("哪个等级以上才有?")],
        _tiers,
        _usual_tiers,
        lambda a: bool(offer_parts.tiers(a)),
    ),
    "month": Part(lambda a: [t("每人每月几次?")], _times("per_month"), _often(1, 2, 4, 8)),
    "day": Part(lambda a: [t("每人每天几次?")], _times("per_day"), _often(1, 2, 3)),
    "least": Part(
        lambda a: [t("一次满多少钱才有?发数字给我,比如 50。")],
        _of_gives("least_minor"),
        lambda a: [[(t("不限"), NONE)]],
        _percent_off,
    ),
    "most_off": Part(
        lambda a: [t("一次最多减多少钱?发数字给我,比如 100。")],
        _of_gives("most_off_minor"),
        lambda a: [[(t("不限"), NONE)]],
        _percent_off,
    ),
    "when": Part(
        lambda a: [t("哪几天有?发起止日期,比如 12-24 1-5;或点一个。")],
        _when,
        lambda a: [
            *[[(words, code)] for code, (words, _) in _DAYS.items()],
            [(t("天天有"), NONE)],
        ],
    ),
    "outlets": Part(
        lambda a: [t("在哪几家门店?点一家加一家。")],
        _outlets,
        lambda a: [
            *offer_parts.pairs([(Both(name, name), f"#{id_}") for id_, name in a.outlets[:8]]),
            [(t("所有门店"), NONE)],
        ],
        lambda a: len(a.outlets) > 1 or bool(a.document.get("outlets")),
    ),
    "region": offer_parts.PART["region"],
    "conditions": Part(
        lambda a: [t("使用条件,最多两条,一行一条:"), t("黄金按当天金价 / Gold at the day's price")],
        answers.conditions,
        lambda a: [[(t("不要"), NONE)]],
    ),
}

assert set(PART) == set(PARTS)


def after(about: About, part: str) -> str | None:
    """What is asked of a new privilege after a part; None: that was all."""
    rest = GUIDED[GUIDED.index(part) + 1 :] if part in GUIDED else ()
    return next((each for each in rest if PART[each].applies(about)), None)
