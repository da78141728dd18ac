"""Answers about an offer as they are typed in chat, and what each writes into the document.

What can't be read is `Unread`, worded with an example; whether it fits the rest of the document is the document's to say. Each
reader takes what the draft says so far and the answer, and gives the parts of the document to write (None: without it).
"""

from __future__ import annotations

import datetime as dt
import re
import unicodedata
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from typing import Any, Literal

from chat import amounts, day_range
from chat.offer_text import KINDS, Terms, price_of
from chat.offers import CATEGORIES
from chat.words import Both, Text, t
from ledger.points.statements import Currency
from ledger.programme import Tier
from ledger.redeeming.drafts import Document
from ledger.redeeming.offer_drafts import OF_A_KIND
from ledger.redeeming.offers import AT_COUNTERS, PerMoney, PerUnit

POINTS_MOST = 100_000_000
PIECES_MOST = 10_000_000
TOGETHER_HOURS = 72
"""So long, at most, the other of two may take to join."""
TIER_DAYS = 30
"""How long a tier holds that is offered for points, where nobody has said otherwise."""
TIER_DAYS_MOST = 3660
NONE = "-"
"""The answer that takes a part away."""
NO_POOLS = t("还没有券码池。先导入券码,草稿替您留着。")

_CHINESE = re.compile(r"[\u4e00-\u9fff]")
_UNIT = re.compile(r"\s*(?:分|points?|pts?)(?![a-z])", re.IGNORECASE)
_NONE_SAID = {NONE, "无", "没有", "不要", "不限", "不写", "none", "no", "unlimited"}


class Unread(Exception):
    """An answer that nobody understands, or that can't be; in words."""

    def __init__(self, words: Text) -> None:
        super().__init__(words.msgid)
        self.words = words


@dataclass(frozen=True, slots=True)
class About:
    """What questions about a draft speak of. `taken`: pieces that are out; `currencies`: those that it may be paid in,
    or held in; `outlets`: the merchant's, by id; `pools`: its pools of codes, each with how many are free; `others`:
    merchants that may be asked to hand it over too, by id, code and name."""

    document: Document
    terms: Terms
    today: dt.date
    taken: int = 0
    new: bool = True
    currencies: tuple[Currency, ...] = ()
    outlets: tuple[tuple[int, str], ...] = ()
    pools: tuple[tuple[str, int], ...] = ()
    others: tuple[tuple[int, str, Both], ...] = ()

    @property
    def kind(self) -> str:
        """What it is, as far as that is written."""
        return str(self.document.get("kind") or "")

    @property
    def price(self) -> PerUnit | PerMoney | None:
        """The usual price, as far as it is written."""
        said = self.document.get("price")
        return price_of(said) if said else None

    @property
    def variable(self) -> bool:
        """Whether members choose how much."""
        return self.kind == "variable_voucher"

    @property
    def service(self) -> bool:
        """Whether it may be booked."""
        return self.kind == "service"

    @property
    def in_chat(self) -> bool:
        """Whether it is handed over in the chat, for points alone."""
        return self.kind in OF_A_KIND

    @property
    def at_counters(self) -> bool:
        """Whether other merchants could hand it over too."""
        return self.kind in AT_COUNTERS and not self.booked

    @property
    def booked(self) -> bool:
        """Whether it is had at a time that is booked."""
        return bool(self.document.get("booking"))

    @property
    def one_at_a_time(self) -> bool:
        """Whether there is but one of it in one redemption, whatever it says."""
        return self.kind in ("partner_code", "membership")

    @property
    def for_two(self) -> bool:
        """Whether two may have it together: it costs points alone, by the piece, and is had at counters at no booked time."""
        by_piece = isinstance(self.price, PerUnit) and self.price.points > 1 and not self.price.cash_minor
        return by_piece and self.at_counters and not self.booked

    @property
    def sells_tiers(self) -> bool:
        """Whether it is this merchant that the programme's tiers are had from for points, and there are some."""
        programme = self.terms.programme
        return len(programme.tiers) > 1 and programme.tier_seller == self.document.get("merchant")

    @property
    def offered(self) -> Tier | None:
        """Of a membership, the tier that it gives, as far as that is written."""
        code = (self.document.get("membership") or {}).get("tier")
        return next((each for each in self.terms.programme.tiers if each.code == code), None)


def none_said(said: str) -> bool:
    """Whether the answer takes a part away."""
    return plain(said).lower() in _NONE_SAID


def plain(said: str) -> str:
    """What was typed, its spaces and full-width signs made usual."""
    return " ".join(unicodedata.normalize("NFKC", said).split())


def whole(said: str, most: int, *, least: int = 1) -> int:
    """A whole number within bounds."""
    digits = re.sub(r"(分|份|天|小时|pts?|points?|days?|hours?)$", "", plain(said).replace(",", "")).strip()
    n = int(digits) if digits.isascii() and digits.isdigit() and len(digits) < 12 else -1
    if not least <= n <= most:
        raise Unread(t("请发 {least} 到 {most} 之间的整数。", least=least, most=most))
    return n


def money(said: str) -> int:
    """An amount of money in minor units."""
    minor = amounts.parse(said)
    if minor is None:
        raise Unread(t("没看懂金额。发数字给我,比如 25 或 25.5。"))
    return minor


def two(said: str) -> dict[str, str] | None:
    """A text in both languages: Chinese and English on two lines, or with a slash between them; None where it is but one."""
    lines = [line.strip() for line in said.splitlines() if line.strip()]
    if len(lines) == 2:
        return {"zh": lines[0], "en": lines[1]}
    plain_ = said.replace("\uff0f", "/")
    for slash in (r"\s+/\s+", "/"):
        both = [each.strip() for each in re.split(slash, plain_, maxsplit=1)]
        # «10元/份» is one name: a slash without spaces parts languages only where the rest is not Chinese.
        if len(lines) == 1 and len(both) == 2 and all(both) and (slash != "/" or not _CHINESE.search(both[1])):
            return {"zh": both[0], "en": both[1]}
    return None


def in_both(said: str) -> dict[str, str]:
    """The same, where nothing else will do."""
    found = two(said)
    if found is None:
        raise Unread(t("两种语言都要:中文 / English,中间用「/」隔开。"))
    return found


def days(about: About, said: str) -> tuple[dt.date | None, dt.date | None]:
    """First and last day; «12-24起» has no last one, «到 1-5» no first one."""
    words = plain(said)
    found = day_range.parse(re.sub(r"起|开始|from|until|^到|^至", " ", words), today=about.today)
    if found is None:
        raise Unread(t("这个日期我没看懂。比如 12-24 1-5。"))
    if re.search(r"起|开始|from", words) and found[0] == found[1]:
        return found[0], None
    if re.match(r"到|至|until", words):
        return None, found[1]
    return found


def day_of_month(said: str) -> int | None:
    """«每月28», «every 28th»: the same day of every month; None where something else is meant."""
    met = re.fullmatch(
        r"(?:每月|monthly|every(?: month)?)\s*(?:the )?(\d{1,2})\s*(?:号|日|st|nd|rd|th)?", plain(said).lower()
    )
    if met is None:
        return None
    if not 1 <= int(met[1]) <= 31:
        raise Unread(t("每月几号写 1 到 31。"))
    return int(met[1])


def kind(about: About, said: str) -> Mapping[str, Any]:
    """A kind; another way of pricing begins the price anew, and what is of the other kind alone goes."""
    if said not in KINDS:
        raise Unread(t("请点一种。"))
    if said == "membership" and not about.sells_tiers:
        raise Unread(t("等级只由计划指定的商户来卖。请点别的一种。"))
    parts: dict[str, Any] = {"kind": said}
    if said == about.kind:
        return parts
    if about.booked:
        parts["booking"] = None
    parts |= {part: None for part in (*OF_A_KIND.values(), "returns") if part in about.document}
    if said == "partner_code" and (limits_ := about.document.get("limits")):
        parts["limits"] = {**limits_, "stock": None}
    if _priced_like(said) != _priced_like(about.kind):
        parts |= {"price": None, "specials": None}
    return parts


def _priced_like(kind: str) -> str:
    return kind if kind in ("variable_voucher", *OF_A_KIND) else "goods"


def pool(about: About, said: str) -> Mapping[str, Any]:
    """One of the merchant's pools: its name, or «#2», the second of them by name."""
    names = [name for name, _ in about.pools]
    chosen_ = next((each for n, each in enumerate(names, 1) if said.strip() in (each, f"#{n}")), None)
    if chosen_ is None:
        raise Unread(t("没有这个券码池。请点一个,或先导入券码。") if about.pools else NO_POOLS)
    return {"pool": chosen_}


def membership(about: About, said: str) -> Mapping[str, Any]:
    """A tier, by its code or its name in either language; its days stay as they are, else those that the programme sells it for."""
    asked = plain(said).lower()
    tier = next((each for each in about.terms.programme.tiers[1:] if asked in _called(each)), None)
    if tier is None:
        raise Unread(t("没有这个等级。请点一个。"))
    usual = tier.price.days if tier.price is not None else TIER_DAYS
    return {"membership": {"tier": tier.code, "days": (about.document.get("membership") or {}).get("days", usual)}}


def _called(tier: Tier) -> set[str]:
    return {each.lower() for each in (tier.code, tier.name_zh, tier.name_en)}


def lasts(about: About, said: str) -> Mapping[str, Any]:
    """How many days the tier holds."""
    now = about.document.get("membership")
    if now is None:
        raise Unread(t("先写「哪个等级」。"))
    return {"membership": {**now, "days": whole(said, TIER_DAYS_MOST)}}


def green(about: About, said: str) -> Mapping[str, Any]:
    """One of the programme's green classes, by its code or its name in either language."""
    if none_said(said):
        return {"green_class": None}
    asked, scale = plain(said).lower(), about.terms.programme.green_scale
    for code in greens(about):
        name = scale.names.get(code)
        if asked in {code.lower(), *({name.zh.lower(), name.en.lower()} if name is not None else ())}:
            return {"green_class": code}
    raise Unread(t("计划里没有这个绿色类别。请点一个。"))


def greens(about: About) -> list[str]:
    """The codes of the programme's green classes."""
    scale = about.terms.programme.green_scale
    return [*scale.names, *sorted({*scale.weights} - {*scale.names})]


def does(about: About, said: str) -> Mapping[str, Any]:
    """What one donation does."""
    return {"does": in_both(said)}


def name(about: About, said: str) -> Mapping[str, Any]:
    """Its name."""
    return {"name": in_both(said)}


def category(about: About, said: str) -> Mapping[str, Any]:
    """A shelf of the catalog."""
    if said not in CATEGORIES:
        raise Unread(t("请点一类。"))
    return {"category": said}


def price(about: About, said: str) -> Mapping[str, Any]:
    """«500», «500 25» with what it is worth, or four numbers for amounts that members choose."""
    if about.variable:
        numbers = [plain(each) for each in said.split()]
        if len(numbers) != 4:
            raise Unread(t("发四个数:每元几分、最小、每档、最大,比如 50 20 4 200。"))
        points, *yuan = whole(numbers[0], POINTS_MOST), *(money(each) for each in numbers[1:])
        names = ("least_minor", "step_minor", "most_minor")
        return {
            "price": {"kind": "per_money", "points": points, "per_minor": 100, **dict(zip(names, yuan, strict=True))}
        }
    now = about.document.get("price") or {"kind": "per_unit"}
    numbers = _UNIT.sub(" ", plain(said)).split()
    if len(numbers) == 2:  # «500 25»: with what it is worth
        return {"price": {**now, "points": whole(numbers[0], POINTS_MOST), "value_minor": money(numbers[1])}}
    return {"price": {**now, "points": whole(said, POINTS_MOST)}}


def of_price(part: str, read: Callable[[str], int]) -> Callable[[About, str], Mapping[str, Any]]:
    """What else the usual price says."""

    def write(about: About, said: str) -> Mapping[str, Any]:
        now = about.document.get("price") or {"kind": "per_unit"}
        return {"price": {**now, part: 0 if part != "most_units" and none_said(said) else read(said)}}

    return write


def limit(part: str) -> Callable[[About, str], Mapping[str, Any]]:
    """So many pieces, «+20» more of them, or without limit."""

    def write(about: About, said: str) -> Mapping[str, Any]:
        now = about.document.get("limits") or {}
        if none_said(said):
            return {"limits": {**now, part: None}}
        more = plain(said)
        if more.startswith("+") and part == "stock":
            return {
                "limits": {
                    **now,
                    part: (about.taken if now.get(part) is None else now[part]) + whole(more[1:], PIECES_MOST),
                }
            }
        return {"limits": {**now, part: whole(said, PIECES_MOST)}}

    return write


_PERIODS = (
    ("day", r"天|日|day"),
    ("month", r"月|month"),
    ("ever", r"一共|总共|共|total|ever|in all"),
)


def limits(whose: Literal["member", "household"]) -> Callable[[About, str], Mapping[str, Any]]:
    """«每天1 每月3 一共5», for each member or each household."""
    parts = {f"{whose}_{period}": pattern for period, pattern in _PERIODS}

    def write(about: About, said: str) -> Mapping[str, Any]:
        now = {**(about.document.get("limits") or {}), **dict.fromkeys(parts, None)}
        if none_said(said):
            return {"limits": now}
        words = plain(said).lower()
        for part, pattern in parts.items():
            if (met := re.search(rf"(?:{pattern})\D{{0,3}}(\d+)", words)) is not None:
                now[part] = whole(met[1], PIECES_MOST)
                words = words.replace(met[0], " ", 1)
        if re.search(r"\d", words) or all(now[part] is None for part in parts):
            raise Unread(t("没看懂。比如:每天1 每月3 一共5。"))
        return {"limits": now}

    return write


def together(about: About, said: str) -> Mapping[str, Any]:
    """«30 1 24»: per cent of whoever begins, codes, hours."""
    if none_said(said):
        return {"together": None}
    numbers = [int(each) for each in re.findall(r"\d{1,3}", plain(said))]
    if len(numbers) != 3 or not (1 <= numbers[0] <= 99 and numbers[1] in (1, 2) and 1 <= numbers[2] <= TOGETHER_HOURS):
        raise Unread(t("没看懂。三个数:1 到 99,1 或 2,1 到 {n}。比如 30 1 24。", n=TOGETHER_HOURS))
    percent, codes, hours = numbers
    return {"together": {"percent": percent, "codes": "one" if codes == 1 else "two", "hours": hours}}


def about_it(about: About, said: str) -> Mapping[str, Any]:
    """A line or two about it."""
    return {"about": None if none_said(said) else in_both(said)}


def conditions(about: About, said: str) -> Mapping[str, Any]:
    """A condition a line, in place of those that there were."""
    if none_said(said):
        return {"conditions": None}
    lines = [line for line in said.splitlines() if line.strip()]
    return {"conditions": [in_both(line) for line in lines]}


def photo(about: About, said: str) -> Mapping[str, Any]:
    """No photo; pictures are sent, not typed."""
    if none_said(said):
        return {"photo": None}
    raise Unread(t("请发一张图片给我。"))


def chosen(part: str, known: Callable[[About], list[str]]) -> Callable[[About, str], Mapping[str, Any]]:
    """One of some known words."""

    def write(about: About, said: str) -> Mapping[str, Any]:
        if none_said(said):
            return {part: None}
        if said not in known(about):
            raise Unread(t("请点一个。"))
        return {part: said}

    return write


def shelf(about: About, said: str) -> Mapping[str, Any]:
    """Its days on the shelf."""
    if none_said(said):
        return {"on_shelf": None, "early": None}
    first, last = days(about, said)
    return {"on_shelf": when(first, last)}


def when(first: dt.date | None, last: dt.date | None) -> dict[str, str]:
    """Days as documents say them."""
    given = {"from_on": first, "until": last}
    return {name: day.isoformat() for name, day in given.items() if day is not None}


def blackout(about: About, said: str) -> Mapping[str, Any]:
    """One more stretch of days on which it can't be had."""
    if none_said(said):
        return {"blackout": None}
    first, last = days(about, said)
    if first is None or last is None:
        raise Unread(t("这个日期我没看懂。比如 12-24 1-5。"))
    return {"blackout": [*(about.document.get("blackout") or ()), when(first, last)]}


def from_tier(about: About, code: str) -> list[str]:
    """A tier and those above it."""
    codes = [tier.code for tier in about.terms.programme.tiers]
    if code not in codes:
        raise Unread(t("请点一个。"))
    return codes[codes.index(code) :]


def who(about: About, said: str) -> Mapping[str, Any]:
    """A tier, and those above it."""
    return {"who": None if none_said(said) else {"tiers": from_tier(about, said)}}


def early(about: About, said: str) -> Mapping[str, Any]:
    """«gold 3»: a tier and those above it, three days before the first day."""
    if none_said(said):
        return {"early": None}
    code, _, ahead = plain(said).partition(" ")
    first = (about.document.get("on_shelf") or {}).get("from_on")
    if first is None:
        raise Unread(t("先写上架的第一天,才有提前。"))
    from_on = dt.date.fromisoformat(first) - dt.timedelta(days=whole(ahead, 90))
    return {"early": [{"who": {"tiers": from_tier(about, code)}, "from_on": from_on.isoformat()}]}


def fulfillers(about: About, said: str) -> Mapping[str, Any]:
    """Merchants by their names, added to those that there are; a button's «+12» or «-12» is one of them by id."""
    now = list(about.document.get("fulfillers") or ())
    if none_said(said):
        return {"fulfillers": None}
    if (tapped := re.fullmatch(r"([+-])(\d+)", said.strip())) is not None:
        code = next((code for id_, code, _ in about.others if id_ == int(tapped[2])), None)
        if code is None:
            raise Unread(t("请点一个。"))
        rest = [each for each in now if each != code]
        return {"fulfillers": [*rest, code] if tapped[1] == "+" else rest or None}
    wanted = [plain(each) for each in re.split(r"[\u3001,\uff0c;\uff1b\n]", said) if plain(each)]
    found = [_merchant(about, each) for each in wanted]
    return {"fulfillers": list(dict.fromkeys([*now, *found]))}


def _merchant(about: About, said: str) -> str:
    """The code of the one merchant whose name this is, or is a part of."""
    words = said.casefold()
    named = [(code, name) for _, code, name in about.others]
    whole = [
        (code, name) for code, name in named if words in (plain(each).casefold() for each in (name.zh, name.en, code))
    ]
    alike = whole or [
        (code, name) for code, name in named if any(words in plain(each).casefold() for each in (name.zh, name.en))
    ]
    if not alike:
        raise Unread(t("没有找到「{name}」这家商户。发它的名字。", name=said))
    if len(alike) > 1:
        one, other = alike[0][1], alike[1][1]
        raise Unread(t("像「{name}」的不止一家:{one}、{other}。请发全名。", name=said, one=one, other=other))
    return alike[0][0]
