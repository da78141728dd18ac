"""The parts of an offer as they are asked in chat: the question, the usual answers as buttons, and what reads an answer.

A button's answer is read as if it had been typed, so each part has one way in.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from typing import Any

from chat import booking_answers as booked
from chat import booking_text as booked_text
from chat import desk_doors
from chat import offer_answers as answers
from chat import offer_returns as returned
from chat.booking_text import minutes
from chat.merchants import green_class
from chat.offer_answers import NONE, About, money, none_said, whole
from chat.offer_text import KINDS, PARTS
from chat.offers import CATEGORIES
from chat.screen import Button
from chat.words import Both, Money, Text, t, tn
from ledger.programme import TierPrice
from ledger.redeeming.offers import AT_ONCE, PerUnit

GUIDED = (
    "kind", "name", "category", "pool", "membership", "lasts", "does", "price", "value", "hours", "slot", "places", "cut_off",
    "no_show", "stock", "limits", "validity", "photo",
)  # fmt: skip
"""What is asked of a new offer, in this order."""


Choice = tuple[Text | Both, str]
Rows = list[list[Choice]]

OUTLETS_SHOWN = 12
"""Of a merchant's outlets so many are buttons; the others are typed."""


@dataclass(frozen=True, slots=True)
class Part:
    """One part: what is asked, what is answered as a rule, and what an answer writes into the document.

    `ways`: buttons that lead elsewhere, for the merchant's id; `stays`: whether it is asked again after an answer, because one
    answer is seldom all of it.
    """

    ask: Callable[[About], list[Text]]
    read: Callable[[About, str], Mapping[str, Any]]
    usual: Callable[[About], Rows] = lambda about: []
    applies: Callable[[About], bool] = lambda about: True
    ways: Callable[[About, int], list[Button]] = lambda about, merchant_id: []
    stays: bool = False


def tiers(about: About) -> list[Choice]:
    """The tiers that say something: all but the first, which everybody has."""
    return [(about.terms.tier(tier.code), tier.code) for tier in about.terms.programme.tiers[1:]]


def pairs(choices: list[Choice], size: int = 2) -> Rows:
    """Buttons, so many a row."""
    return [choices[i : i + size] for i in range(0, len(choices), size)]


def _suggested(about: About) -> Rows:
    """The worth at the published value of points."""
    price, currency = about.price, about.terms.currency
    worth = currency.worth(price.points) if isinstance(price, PerUnit) else 0
    suggestion = Money(worth, about.terms.money)
    said = f"{worth // 100}.{worth % 100:02d}"
    return [[(t("{worth}", worth=suggestion), said)] if worth else [], [(t("不写"), NONE)]]


def _asks_price(about: About) -> list[Text]:
    usual = about.terms.per_yuan()
    if about.variable:
        return [
            t("每元几分、最小、每档、最大?"),
            t("发四个数,比如 50 20 4 200:每元 50 分,¥20 到 ¥200,每档 ¥4。"),
            t("积分通常每元 {n} 分。", n=usual),
        ]
    lines = [t("一份要多少分?发数字给我,比如 500。"), t("积分通常每元 {n} 分。", n=usual)]
    if (sold := _sold_for(about)) is not None:
        lines.append(t("计划自己卖 {points}。", points=about.terms.points(sold.points)))
    return lines


def _usual_prices(about: About) -> Rows:
    n, sold = about.terms.per_yuan(), _sold_for(about)
    if sold is not None:
        return [[(t("{points}", points=about.terms.points(sold.points)), str(sold.points))]]
    return [[(t("每元 {n} 分,¥10–¥200", n=n), f"{n} 10 10 200")]] if about.variable and n else []


def _sold_for(about: About) -> TierPrice | None:
    """What the programme itself asks for the same tier, for as many days."""
    price = about.offered.price if about.offered is not None and about.terms.currency.issuer_id is None else None
    return price if price is not None and price.days == about.document["membership"]["days"] else None


def _pieces(about: About) -> Rows:
    if about.new:
        return [[(tn("{n} 份", n=n), str(n)) for n in (10, 50, 100)], [(t("不限"), NONE)]]
    stock = (about.document.get("limits") or {}).get("stock")
    now = about.taken if stock is None else stock
    # The sum, not what is added: two taps are one.
    more: list[Choice] = [(t("加 {n} 份", n=n), str(now + n)) for n in (10, 50, 100)]
    return [more, [(t("不限"), NONE)]]


def _asks_stock(about: About) -> list[Text]:
    lines = [t("一共几份?发数字给我。")]
    if about.taken:
        lines += [t("已换出 {n} 份,不能少于它。「+20」是再加 20。", n=about.taken)]
    return lines


def _earlier(about: About) -> Rows:
    rows: Rows = [
        [(t("{tier}早 {n} 天", tier=words, n=n), f"{code} {n}") for n in (3, 7)] for words, code in tiers(about)
    ]
    return [*rows, [(t("没有人"), NONE)]]


def _asks_hours(about: About) -> list[Text]:
    lines = [t("每周哪些时间可以约?点一个,或发给我:"), t("周一至周五 9-12 13-18"), t("周末 10-16 午休 12-13")]
    return [*lines, t("只改一点:「+周日 10-16」「周一休息」")] if about.booked else lines


def _usual_hours(about: About) -> Rows:
    changes: list[Choice] = [
        (t("午休 12–13 点"), "lunch 12-13"),
        (t("周日休息"), "closed Sun"),
        (t("加周末 10–16"), "+Sat-Sun 10-16"),
    ]
    return [
        [each for each in changes if about.booked and booked.would_change(about, each[1])],
        [(t("每天 9–18 点"), "9-18"), (t("每天 10–22 点"), "10-22")],
        [(t("工作日 9–18 点"), "Mon-Fri 9-18"), (t("周末 10–18 点"), "Sat-Sun 10-18")],
        [(t("不用预约"), NONE)],
    ]


def _asks_outlets(about: About) -> list[Text]:
    return [
        t("在哪些店约?每家的位子分开算,会员先选店。"),
        t("点一家,或发给我,一家一行:"),
        t("{outlet} 周末 10-16 2位", outlet=about.outlets[0][1] if about.outlets else "A"),
    ]


def _usual_outlets(about: About) -> Rows:
    booking = booked_text.of_document(about.document)
    there = {each.outlet for each in booking.outlets} if booking is not None else set()
    choices: list[Choice] = [
        (t("✓ {outlet}", outlet=name), f"#{id_} off") if name in there else (t("{outlet}", outlet=name), f"#{id_}")
        for id_, name in about.outlets[:OUTLETS_SHOWN]
    ]
    all_in = there >= {name for _, name in about.outlets}
    return [*pairs(choices), [] if all_in else [(t("每家店都约"), "*")], [(t("不分店"), NONE)] if there else []]


def _longer(about: About) -> Rows:
    rows: Rows = [
        [(t("{tier}多 {n} 天", tier=words, n=n), f"{code} {n}") for n in (7, 14)] for words, code in tiers(about)
    ]
    return [*rows, [(t("没有人"), NONE)]]


def _before(at_once: Text) -> Callable[[About], Rows]:
    return lambda about: [
        [(at_once, "0"), (tn("提前 {n} 小时", n=2), "2")],
        [(tn("提前 {n} 小时", n=24), "24"), (tn("提前 {n} 小时", n=48), "48")],
    ]


_SHOPS_SHOWN = 6


def _shops(about: About) -> Rows:
    named = about.document.get("fulfillers") or ()
    out: list[Choice] = [
        (t("去掉 {merchant}", merchant=name), f"-{id_}") for id_, code, name in about.others if code in named
    ]
    more: list[Choice] = [
        (t("加 {merchant}", merchant=name), f"+{id_}") for id_, code, name in about.others if code not in named
    ]
    return [*pairs(out), *pairs(more[:_SHOPS_SHOWN]), [(t("只在自己店"), NONE)] if named else []]


_OFF: Rows = [[(t("不要"), NONE)]]


def _usual_limits(about: About) -> Rows:
    return [
        [(t("一共 1 份"), "ever 1"), (t("每月 1 份"), "month 1")],
        [(t("每天 1 份"), "day 1"), (t("不限"), NONE)],
    ]


PART: dict[str, Part] = {
    "kind": Part(
        lambda a: [t("是哪一种?"), t("自选面值券由会员选金额,别的按份。")],
        answers.kind,
        lambda a: pairs([(words, code) for code, words in KINDS.items() if code != "membership" or a.sells_tiers]),
        lambda a: a.new,
    ),
    "name": Part(lambda a: [t("叫什么?先发中文名,我再问英文。"), t("也可以一次发:水果礼盒 / Fruit box")], answers.name),
    "category": Part(
        lambda a: [t("放在哪一类?")],
        answers.category,
        lambda a: pairs([(words, code) for code, words in CATEGORIES.items()], 3),
    ),
    "pool": Part(
        lambda a: [t("用哪个券码池?每换一份,发出一个码。") if a.pools else answers.NO_POOLS],
        answers.pool,
        lambda a: [[(t("{pool} · 余 {n}", pool=name, n=n), f"#{at}")] for at, (name, n) in enumerate(a.pools, 1)],
        lambda a: a.kind == "partner_code",
        lambda a, here: [] if a.pools and all(n for _, n in a.pools) else [desk_doors.import_codes(here)],
    ),
    "membership": Part(
        lambda a: [t("换到哪个等级?")], answers.membership, lambda a: pairs(tiers(a)), lambda a: a.kind == "membership"
    ),
    "lasts": Part(
        lambda a: [t("换到以后有效几天?已有的接在后面。")],
        answers.lasts,
        lambda a: [[(tn("{n} 天", n=n), str(n)) for n in (7, 30, 90, 365)]],
        lambda a: a.offered is not None,
    ),
    "does": Part(
        lambda a: [t("一份做什么?中文 / English,"), t("比如:种 1 棵树 / Plants 1 tree")],
        answers.does,
        applies=lambda a: a.kind == "donation",
    ),
    "currency": Part(
        lambda a: [t("用什么积分换?")],
        lambda a, said: answers.chosen("currency", lambda b: [each.code for each in b.currencies])(a, said),
        lambda a: [[(Both(each.name_zh, each.name_en), each.code)] for each in a.currencies],
        lambda a: a.new and len(a.currencies) > 1,
    ),
    "price": Part(_asks_price, answers.price, _usual_prices),
    "value": Part(
        lambda a: [t("一份值多少钱?会员看得到。点一个,或发数字给我。")],
        answers.of_price("value_minor", money),
        _suggested,
        lambda a: not a.variable and a.price is not None,
    ),
    "cash": Part(
        lambda a: [t("除了积分,还要付多少钱?")],
        answers.of_price("cash_minor", money),
        lambda a: _OFF,
        lambda a: not a.variable and a.price is not None and not a.booked and not a.in_chat,
    ),
    "most": Part(
        lambda a: [t("一次最多换几份?")],
        answers.of_price("most_units", lambda said: whole(said, 99)),
        lambda a: [[(tn("{n} 份", n=n), str(n)) for n in (1, 2, 5, 10)]],
        lambda a: not a.variable and a.price is not None and not a.booked and not a.one_at_a_time,
    ),
    "stock": Part(_asks_stock, answers.limit("stock"), _pieces, lambda a: a.kind != "partner_code"),
    "day": Part(
        lambda a: [t("每天一共放几份?零点再放。")],
        answers.limit("day"),
        lambda a: [[(tn("{n} 份", n=n), str(n)) for n in (10, 50, 100)], [(t("不限"), NONE)]],
    ),
    "limits": Part(
        lambda a: [t("每人最多几份?"), t("点一个,或发给我,比如:每天1 每月3 一共5。")],
        answers.limits("member"),
        _usual_limits,
    ),
    "household": Part(
        lambda a: [t("每户最多几份?一家人一起算。"), t("点一个,或发给我,比如:每天1 每月3 一共5。")],
        answers.limits("household"),
        _usual_limits,
    ),
    "together": Part(
        lambda a: [
            t("能和朋友一起换吗?"),
            t("点一个,或发三个数:先出的人出百分之几、几个码、几小时内。比如 30 1 24。"),
        ],
        answers.together,
        lambda a: [
            [(t("各一半,一个码"), "50 1 24"), (t("各一半,一人一个码"), "50 2 24")],
            [(t("不能一起换"), NONE)],
        ],
        lambda a: a.for_two,
    ),
    "hours": Part(_asks_hours, booked.hours, _usual_hours, lambda a: a.service),
    "slot": Part(
        lambda a: [t("每次多久?点一个,或发给我,比如 45 或 1.5小时。")],
        booked.slot,
        lambda a: [[(minutes(n), str(n)) for n in (15, 30, 45)], [(minutes(n), str(n)) for n in (60, 90, 120)]],
        lambda a: a.booked,
    ),
    "places": Part(
        lambda a: [t("同一时间能接待几位?")],
        booked.places,
        lambda a: [[(tn("{n} 位", n=n), str(n)) for n in (1, 2, 4, 10)]],
        lambda a: a.booked,
    ),
    "outlets": Part(
        _asks_outlets,
        booked.outlets,
        _usual_outlets,
        lambda a: a.booked and (len(a.outlets) > 1 or bool(a.document["booking"].get("outlets"))),
    ),
    "ahead": Part(
        lambda a: [t("今天起,最远能约到几天后?")],
        booked.ahead,
        lambda a: [[(tn("{n} 天", n=n), str(n)) for n in (7, 14, 30, 60)]],
        lambda a: a.booked,
    ),
    "notice": Part(
        lambda a: [t("最晚提前几小时约?点一个,或发给我,比如 3 或 2天。")],
        booked.before("lead_hours"),
        _before(t("开始前都能约")),
        lambda a: a.booked,
    ),
    "cut_off": Part(
        lambda a: [t("提前几小时以上可以取消、改时间?"), t("没过期限取消,积分全退。")],
        booked.before("cut_off_hours"),
        _before(t("开始前都能取消")),
        lambda a: a.booked,
    ),
    "no_show": Part(
        lambda a: [t("约了没来,积分退回会员吗?")],
        lambda a, said: answers.chosen("unused", lambda b: ["return", "forfeit"])(a, said),
        lambda a: [[(t("积分退回"), "return"), (t("积分不退"), "forfeit")]],
        lambda a: a.booked,
    ),
    "grace": Part(
        lambda a: [t("时间过了,再等几分钟才算没来?")],
        booked.grace,
        lambda a: [[(t("不等"), "0"), *((minutes(n), str(n)) for n in (15, 30, 60))]],
        lambda a: a.booked,
    ),
    "longer": Part(
        lambda a: [t("哪个等级以上能约得更远?")], booked.longer, _longer, lambda a: a.booked and bool(tiers(a))
    ),
    "validity": Part(
        lambda a: [t("换到的码几天内有效?")],
        lambda a, said: {"validity_days": whole(said, 3650)},
        lambda a: [[(tn("{n} 天", n=n), str(n)) for n in (7, 30, 90, 365)]],
        lambda a: not a.booked and a.kind not in AT_ONCE,
    ),
    "unused": Part(
        lambda a: [t("码过期没用,积分退回会员吗?")],
        lambda a, said: answers.chosen("unused", lambda b: ["return", "forfeit"])(a, said),
        lambda a: [[(t("积分退回"), "return"), (t("积分不退"), "forfeit")]],
        lambda a: not a.booked and a.kind not in AT_ONCE,
    ),
    "returns": Part(
        lambda a: [
            t("点一个改,或一次发给我,比如:"),
            t("15天 答复5天 不换货 不想要也行"),
            t("有问题的商品总能退,这条不能去掉。"),
        ],
        returned.policy,
        returned.usual,
        lambda a: a.kind == "goods",
        stays=True,
    ),
    "green": Part(
        lambda a: [t("算哪一类绿色商品?会员看得到。")],
        answers.green,
        lambda a: [
            *pairs([(t("{name}", name=green_class(a.terms.programme, code)), code) for code in answers.greens(a)]),
            [(t("不算"), NONE)],
        ],
        lambda a: bool(answers.greens(a)),
    ),
    "photo": Part(
        lambda a: [t("发一张照片给我,会员会在上面看到它。"), t("至少 200 × 200;位置等信息会去掉。")],
        answers.photo,
        lambda a: [[(t("不放照片"), NONE)]],
    ),
    "about": Part(lambda a: [t("介绍一两句。两行:第一行中文,第二行英文。")], answers.about_it, lambda a: _OFF),
    "conditions": Part(
        lambda a: [t("使用条件,最多四条,一行一条:"), t("请提前一天预约 / Book a day ahead")],
        answers.conditions,
        lambda a: _OFF,
    ),
    "shelf": Part(
        lambda a: [t("哪几天在架?比如 12-24 1-5;「12-24起」一直在。")],
        answers.shelf,
        lambda a: [[(t("一直在架"), NONE)]],
    ),
    "blackout": Part(
        lambda a: [t("哪几天不能换?比如 12-24 12-26。一次加一段。")],
        answers.blackout,
        lambda a: [[(t("全部去掉"), NONE)]] if a.document.get("blackout") else [],
    ),
    "early": Part(
        lambda a: [t("谁可以在上架前换?先写好上架日期。")], answers.early, _earlier, lambda a: bool(tiers(a))
    ),
    "who": Part(
        lambda a: [t("只给哪个等级以上?别人看不到它。")],
        answers.who,
        lambda a: [*pairs(tiers(a)), [(t("人人"), NONE)]],
        lambda a: bool(tiers(a)),
    ),
    "region": Part(
        lambda a: [t("只限哪个地区的会员?")],
        lambda a, said: answers.chosen("region", lambda b: [each.code for each in b.terms.programme.regions])(a, said),
        lambda a: [
            *pairs([(a.terms.region(each.code), each.code) for each in a.terms.programme.regions]),
            [(t("不限"), NONE)],
        ],
        lambda a: bool(a.terms.programme.regions),
    ),
    "fulfillers": Part(
        lambda a: [
            t("还有哪些商户也能兑?点一家,或把名字发给我。"),
            t("我会去问他们;答应了,会员才能到那里用。"),
        ],
        answers.fulfillers,
        _shops,
        lambda a: a.at_counters and bool(a.others),
    ),
    "hold": Part(
        lambda a: [t("积分和份数为现金预留几小时?")],
        lambda a, said: {"hold_hours": None if none_said(said) else whole(said, 720)},
        lambda a: [[(tn("{n} 小时", n=n), str(n)) for n in (2, 24, 48, 72)]],
        lambda a: bool(a.price and a.price.cash_minor) and not a.booked,
    ),
}
"""Every part but the special prices, which have a file of their own."""

assert set(PART) | {"specials"} == set(PARTS)


def after(about: About, part: str) -> str | None:
    """What is asked of a new offer after a part; None: that was all."""
    rest = GUIDED[GUIDED.index(part) + 1 :] if part in GUIDED else ()
    said = {"value"} if isinstance(about.price, PerUnit) and about.price.value_minor else set()
    if about.booked:
        said.add("stock")  # its hours are what there is of it
    return next((each for each in rest if PART[each].applies(about) and each not in said), None)
