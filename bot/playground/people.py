"""Who is on the page when it opens."""

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
        Bilingual("看积分、换东西、出示会员码", "Checks points, redeems, shows a member code"),
        id=1001,
    ),
    PersonSpec(
        "小红",
        Bilingual("小明的朋友", "Xiaoming's friend"),
        Bilingual("还没有加入,可以打开朋友分享的链接", "Hasn't joined yet; can open a link a friend shares"),
        id=1002,
    ),
    PersonSpec(
        "周晓燕",
        Bilingual("收银员 · 云山超市", "Cashier · Yunshan Supermarket"),
        Bilingual("扫会员码记积分,核销券码", "Scans member codes to award points, verifies vouchers"),
        id=1003,
    ),
    PersonSpec(
        "何老板",
        Bilingual("店主 · 鲜果時光", "Owner · Fresh Fruit Time"),
        Bilingual("管商品、推广和店员", "Runs offers, promotions and staff"),
        id=1004,
    ),
    PersonSpec(
        "林运营",
        Bilingual("运营", "Operator"),
        Bilingual("管整个积分计划", "Runs the whole programme"),
        id=1005,
    ),
]
