"""Who is on the page when it opens: the people of the demo programme, the five who play the main parts first."""

from __future__ import annotations

from dataclasses import dataclass

from bot.double.double import Double
from bot.double.people import Person


@dataclass(frozen=True, slots=True)
class Bilingual:
    """A text of the page in both of its languages."""

    zh: str
    en: str


@dataclass(frozen=True, slots=True)
class PersonSpec:
    """One person offered by the playground.

    `id` is the Telegram user id (None: the double gives one); a person the double knows by this id is used as is.
    `language` is the Telegram client's (IETF tag). `role` stands under the name, `note` says what one can do as this person,
    `suggestions` are texts offered while the chat is empty.
    """

    name: str
    role: Bilingual = Bilingual("", "")
    note: Bilingual = Bilingual("", "")
    language: str = "zh-hans"
    id: int | None = None
    suggestions: tuple[str, ...] = ()

    def join(self, double: Double) -> Person:
        """The person in the double, made now if there is none with this id."""
        known = double.people.get(self.id) if self.id is not None else None
        return known or double.person(self.name, language=self.language, id=self.id)


CAST = [
    PersonSpec(
        "小明",
        Bilingual("会员", "Member"),
        Bilingual("有 1,180 分:看看、换东西、出示会员码", "Has 1,180 points: looks, redeems, shows the member card"),
        id=1001,
        suggestions=("/start", "/redeem", "/history"),
    ),
    PersonSpec(
        "小红",
        Bilingual("小明的朋友", "Xiaoming's friend"),
        Bilingual("还没有加入:点「开始」看看要同意什么", "Hasn't joined yet: tap Start to see what joining means"),
        id=1002,
    ),
    PersonSpec(
        "周晓燕",
        Bilingual("收银员 · 云山超市", "Cashier · Yunshan Supermarket"),
        Bilingual("扫会员码记积分,验本店的券", "Scans member cards to award points, takes the shop's vouchers"),
        id=1003,
        suggestions=("/counter", "/award", "/verify"),
    ),
    PersonSpec(
        "何老板",
        Bilingual("店主 · 鲜果時光", "Owner · Fresh Fruit Time"),
        Bilingual("看全店今天的账,邀请和移除店员", "Sees the shop's day, invites and removes staff"),
        id=1004,
        suggestions=("/counter", "/today", "/staff"),
    ),
    PersonSpec(
        "林运营",
        Bilingual("运营", "Operator"),
        Bilingual(
            "看商户和规则,查会员报来的故障编号", "Sees merchants and rules, looks up the codes that members report"
        ),
        id=1005,
        suggestions=("/operator",),
    ),
    PersonSpec(
        "郑一凡",
        Bilingual("收银员 · 鲜果時光", "Cashier · Fresh Fruit Time"),
        Bilingual("验水果店的券,给会员记积分", "Takes the fruit shop's vouchers, awards points"),
        id=1006,
        suggestions=("/counter", "/verify"),
    ),
    PersonSpec(
        "王店长",
        Bilingual("店主 · 云山超市", "Owner · Yunshan Supermarket"),
        Bilingual("看全店今天的账,邀请和移除店员", "Sees the shop's day, invites and removes staff"),
        id=1007,
        suggestions=("/counter", "/staff"),
    ),
    PersonSpec(
        "半夏",
        Bilingual("店主 · 半日茶", "Owner · Half-Day Tea"),
        Bilingual("验茶饮店的券,邀请店员", "Takes the tea shop's vouchers, invites staff"),
        id=1008,
        suggestions=("/counter", "/verify"),
    ),
    PersonSpec(
        "李阿姨",
        Bilingual("会员 · 每周买菜", "Weekly shopper"),
        Bilingual("攒了大半年,换过两次", "Saving for most of a year, redeemed twice"),
        id=2001,
        suggestions=("/start",),
    ),
    PersonSpec(
        "陈思远",
        Bilingual("会员 · 常坐火车", "Rides the train"),
        Bilingual("电影、健身、铁路积分", "Cinema, gym and rail points"),
        id=2002,
        suggestions=("/start",),
    ),
    PersonSpec(
        "Anna Lindqvist",
        Bilingual("会员 · 用英文", "In English"),
        Bilingual("机器人跟她说英文", "The bot speaks English to her"),
        language="en",
        id=2003,
        suggestions=("/start",),
    ),
    PersonSpec(
        "吴妈妈",
        Bilingual("会员 · 买母婴用品", "Baby shopper"),
        Bilingual("有换好还没用的券", "Has redeemed something and not used it"),
        id=2004,
        suggestions=("/start",),
    ),
]
