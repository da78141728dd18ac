"""What an offer says: the document that a merchant writes, and nothing that changes by the minute.

A document is immutable; changing it publishes a new version (`publish.publish`). Later kinds of price and rule join as further
members, each with its own check in `may_redeem`; what a document does not use of them is not written into it, so that one that
says the same as before is the same.
"""

from __future__ import annotations

import datetime as dt
from dataclasses import dataclass
from fractions import Fraction
from functools import lru_cache
from typing import Annotated, Any, Literal, get_args

from pydantic import BaseModel, ConfigDict, Field, SerializerFunctionWrapHandler, model_serializer, model_validator
from pydantic_core import PydanticCustomError

from ledger.errors import Refusal
from ledger.redeeming.booking import Booking
from ledger.redeeming.code_pools import POOL_LONGEST
from ledger.redeeming.who import EVERYBODY, Who
from ledger.redeeming.windows import ALWAYS, Span, When

Category = Literal[
    "grocery", "fruit", "drinks", "dining", "books", "film", "travel", "sport", "jewellery", "clothes", "baby", "home", "green",
    "gifts", "other",
]  # fmt: skip
CATEGORIES: tuple[Category, ...] = get_args(Category)
"""The shelves of the catalog, in the order in which they are shown."""

Kind = Literal["goods", "service", "voucher", "variable_voucher", "partner_code", "membership", "donation"]
"""The last three are handed over in the chat: a code of a partner's, a tier until a day, points given to a cause."""
AT_COUNTERS: tuple[Kind, ...] = ("goods", "service", "voucher", "variable_voucher")
"""What a counter hands over against a code."""
FULFILLERS_MOST = 20
AT_ONCE: tuple[Kind, ...] = ("membership", "donation")
"""What the tap that redeems it hands over: no code, used at once, and not taken back."""


class _Document(BaseModel):
    model_config = ConfigDict(frozen=True, extra="forbid")


class Names(_Document):
    """A text as the merchant gave it, in both languages."""

    zh: str = Field(min_length=1)
    en: str = Field(min_length=1)


@dataclass(eq=False)
class AmountNotOffered(Refusal):
    """The offer is not sold in this amount; it is in `least`, `least + step`, … `most` (units, or minor units of money)."""

    asked: int
    least: int
    step: int
    most: int
    of_money: bool


@dataclass(frozen=True, slots=True)
class Quote:
    """What an amount costs: `points`, for `units` pieces, worth `value_minor` in all; and `cash_minor` of money besides."""

    amount: int
    units: int
    points: int
    value_minor: int
    cash_minor: int = 0


class PerUnit(_Document):
    """So many points a piece, and perhaps so much money; an amount is a number of pieces."""

    kind: Literal["per_unit"] = "per_unit"
    points: int = Field(gt=0)
    value_minor: int = Field(default=0, ge=0, description="what one is worth, in minor units; 0: not said")
    most_units: int = Field(default=1, ge=1, le=99, description="most pieces in one redemption")
    cash_minor: int = Field(
        default=0, ge=0, le=1_000_000, description="money to pay besides, for one, in minor units; 0: points alone"
    )

    @model_validator(mode="after")
    def _is_worth_its_cash(self) -> PerUnit:
        if self.value_minor and self.value_minor <= self.cash_minor:
            raise ValueError("a piece is worth more than the money that is paid for it besides")
        return self

    @model_serializer(mode="wrap")
    def _without_no_cash(self, write: SerializerFunctionWrapHandler) -> dict[str, Any]:
        return {name: said for name, said in write(self).items() if said or name != "cash_minor"}

    @property
    def least(self) -> int:
        """The smallest amount."""
        return 1

    @property
    def step(self) -> int:
        """How far one amount is from the next."""
        return 1

    @property
    def most(self) -> int:
        """The largest amount."""
        return self.most_units

    @property
    def rate(self) -> Fraction | None:
        """Points for a minor unit of what they buy, the value less the cash; None where the value is not said."""
        return Fraction(self.points, self.value_minor - self.cash_minor) if self.value_minor else None

    def quote(self, amount: int) -> Quote:
        """The price of `amount` pieces, or `AmountNotOffered`."""
        _on_the_grid(self, amount, of_money=False)
        return Quote(amount, amount, amount * self.points, amount * self.value_minor, amount * self.cash_minor)


class PerMoney(_Document):
    """So many points for `per_minor` of value, in steps; an amount is a value in minor units, and always one piece."""

    kind: Literal["per_money"] = "per_money"
    points: int = Field(gt=0, description="points for `per_minor` of value")
    per_minor: int = Field(100, gt=0)
    least_minor: int = Field(gt=0)
    step_minor: int = Field(gt=0)
    most_minor: int = Field(gt=0)

    @property
    def cash_minor(self) -> int:
        """Nothing: who wants to pay less takes a smaller one."""
        return 0

    @model_validator(mode="after")
    def _exact(self) -> PerMoney:
        for minor in (self.least_minor, self.step_minor):
            if minor * self.points % self.per_minor:
                raise ValueError("every step must cost a whole number of points")
        if (self.most_minor - self.least_minor) % self.step_minor or self.most_minor < self.least_minor:
            raise ValueError("the most must be the least and a number of steps")
        return self

    @property
    def least(self) -> int:
        """The smallest amount."""
        return self.least_minor

    @property
    def step(self) -> int:
        """How far one amount is from the next."""
        return self.step_minor

    @property
    def most(self) -> int:
        """The largest amount."""
        return self.most_minor

    @property
    def rate(self) -> Fraction:
        """Points for a minor unit of value."""
        return Fraction(self.points, self.per_minor)

    def quote(self, amount: int) -> Quote:
        """The price of a voucher worth `amount`, or `AmountNotOffered`."""
        _on_the_grid(self, amount, of_money=True)
        return Quote(amount, 1, amount * self.points // self.per_minor, amount)


Price = Annotated[PerUnit | PerMoney, Field(discriminator="kind")]


def least_points(price: PerUnit | PerMoney) -> int:
    """What the smallest amount costs."""
    return price.quote(price.least).points


def _on_the_grid(price: PerUnit | PerMoney, amount: int, *, of_money: bool) -> None:
    if not price.least <= amount <= price.most or (amount - price.least) % price.step:
        raise AmountNotOffered(amount, price.least, price.step, price.most, of_money)


class Limits(_Document):
    """How many pieces: to one member, to one household, and to everybody. None: no such limit. What was taken back or returned does
    not count. A household is everybody of the family that a member belongs to that day; whoever belongs to none is one."""

    member_day: int | None = Field(default=None, ge=1)
    member_month: int | None = Field(default=None, ge=1)
    member_ever: int | None = Field(default=None, ge=1)
    household_day: int | None = Field(default=None, ge=1)
    household_month: int | None = Field(default=None, ge=1)
    household_ever: int | None = Field(default=None, ge=1)
    day: int | None = Field(default=None, ge=1, description="pieces a day for everybody; opens again at midnight")
    stock: int | None = Field(default=None, ge=0, description="pieces in all")

    @model_serializer(mode="wrap")
    def _without_unlimited_households(self, write: SerializerFunctionWrapHandler) -> dict[str, Any]:
        return {name: said for name, said in write(self).items() if said is not None or name not in OF_HOUSEHOLD}

    @property
    def of_a_member(self) -> bool:
        """Whether one member may have only so many."""
        return self.member_day is not None or self.member_month is not None or self.member_ever is not None

    @property
    def of_a_household(self) -> bool:
        """Whether one household may have only so many."""
        return any(each is not None for each in (self.household_day, self.household_month, self.household_ever))


OF_HOUSEHOLD = ("household_day", "household_month", "household_ever")
"""The limits of a household; a document that has none of them says nothing of them."""


class Special(_Document):
    """Another price at certain times, or for certain members: a season's, a festival's, a tier's, the redemption day's.

    It is never worse than the usual one. Where it only opens a lower step at the same unit value, it is no discount.
    """

    name: Names = Field(description="what it is called: «中秋价», «兑换日价», «金卡价»")
    when: When = ALWAYS
    who: Who = EVERYBODY
    price: Price

    @model_validator(mode="after")
    def _is_special(self) -> Special:
        if self.when.always and self.who.everybody:
            raise ValueError("a special price says when it holds, or for whom")
        if max(len(self.name.zh), len(self.name.en)) > NAME_LONGEST:
            facts = {"name": self.name.zh, "longest": NAME_LONGEST}
            raise PydanticCustomError("longer_than", "«{name}» is longer than {longest} characters", facts)
        return self


NAME_LONGEST = 24
"""Of a special price's name, in characters."""
SPECIALS_MOST = 8
HOLD_HOURS = 48
"""How long a hold waits for its cash part where the offer does not say."""


class Membership(_Document):
    """A tier of the programme's, for so many days."""

    tier: str
    days: int = Field(ge=1, le=3660)


class Early(_Document):
    """Members who may have it before it is on the shelf, and from which day."""

    who: Who
    from_on: dt.date


class Returns(_Document):
    """How goods that were handed over come back: claimed within so many days, answered within so many; silence grants."""

    days: int = Field(
        default=7, ge=1, le=90, description="a claim is opened at most so many days after the handing over"
    )
    answer_days: int = Field(default=3, ge=1, le=14, description="the merchant answers within so many days")
    exchange: bool = Field(default=True, description="whether another piece may be had in place of the points")
    changed_mind: bool = Field(
        default=False, description="whether they come back without anything being wrong with them"
    )


class Together(_Document):
    """How two members have it together: whoever begins gives a share of the points, the other the rest within so many hours."""

    percent: int = Field(default=50, ge=1, le=99, description="of the points: what whoever begins gives, rounded down")
    codes: Literal["one", "two"] = Field(
        default="one", description="one piece with one code, or a piece with a code for each of the two"
    )
    hours: int = Field(default=24, ge=1, le=72, description="so long the other may join")

    @property
    def pieces(self) -> int:
        """How many pieces the two have in all."""
        return 1 if self.codes == "one" else 2

    def share(self, points: int) -> int:
        """What of so many points whoever begins gives: at least 1, and the other too."""
        return min(max(1, points * self.percent // 100), points - 1)


GOODS_RETURNS = Returns()
"""For goods whose offer says nothing: what is faulty can always come back."""

_LATER = (
    "specials",
    "on_shelf",
    "blackout",
    "who",
    "region",
    "early",
    "hold_hours",
    "pool",
    "membership",
    "does",
    "green_class",
    "returns",
    "booking",
    "fulfillers",
    "together",
)
"""What documents may say since there were ones that could not."""


class Offer(_Document):
    """Something points can become. `merchant` and `currency` are codes; money is the merchant's.

    Its merchant, whose offer it is, hands it over, and so do those `fulfillers` that agreed to (`fulfilments`).
    """

    code: str = Field(pattern=r"^[a-z0-9][a-z0-9_-]{1,39}$")
    kind: Kind
    name: Names
    about: Names | None = None
    conditions: tuple[Names, ...] = Field(default=(), description="one short sentence each")
    merchant: str
    currency: str = Field(
        default="common", description="the currency it is paid in: the common one, or the merchant's own"
    )
    category: Category
    price: Price
    limits: Limits = Limits()
    validity_days: int = Field(
        default=30, ge=1, le=3650, description="the code is good through this many days after its issue"
    )
    unused: Literal["return", "forfeit"] = Field(default="return", description="an unused code's points at its end")
    photo: str | None = Field(default=None, description="name of the picture")
    specials: tuple[Special, ...] = Field(
        default=(), max_length=SPECIALS_MOST, description="the best that holds is asked"
    )
    on_shelf: When | None = Field(default=None, description="the days on which it can be redeemed; none: always")
    blackout: tuple[Span, ...] = Field(default=(), max_length=24, description="days on which it cannot, even so")
    who: Who | None = Field(default=None, description="only they see it; none: everybody")
    region: str | None = Field(default=None, description="everybody sees it, whoever lives there may have it")
    early: tuple[Early, ...] = Field(default=(), max_length=8, description="who may have it before its first day")
    hold_hours: int | None = Field(
        default=None, ge=1, le=720, description="how long points and pieces wait for the cash part; none: two days"
    )
    pool: str | None = Field(
        default=None,
        min_length=1,
        max_length=POOL_LONGEST,
        description="of a partner code: the merchant's pool of them",
    )
    membership: Membership | None = Field(default=None, description="of a membership: which, for how long")
    does: Names | None = Field(default=None, description="of a donation: what one of it does, «种 1 棵树»")
    green_class: str | None = Field(default=None, description="the programme's green class that it is of")
    returns: Returns | None = Field(default=None, description="of goods; none: as the programme has it for all goods")
    booking: Booking | None = Field(default=None, description="it is had at a time that is booked; none: any time")
    together: Together | None = Field(default=None, description="two members may have it together; none: only one")
    fulfillers: tuple[str, ...] = Field(
        default=(), max_length=FULFILLERS_MOST, description="codes of merchants that are to hand it over too"
    )

    @model_validator(mode="after")
    def _can_be_booked(self) -> Offer:
        """`unused` says what becomes of the points where nobody comes."""
        if self.booking is None:
            return self
        prices = (self.price, *(special.price for special in self.specials))
        if self.kind != "service":
            raise ValueError("only a service is booked")
        if any(price.cash_minor for price in prices):
            raise ValueError("what is booked costs points alone: a place does not wait for cash")
        if any(not isinstance(price, PerUnit) or price.most_units > 1 for price in prices):
            raise ValueError("what is booked is sold one at a time")
        return self

    @model_validator(mode="after")
    def _two_can_have_it(self) -> Offer:
        if self.together is None:
            return self
        prices = (self.price, *(special.price for special in self.specials))
        alone = any(not isinstance(price, PerUnit) or price.cash_minor or price.points < 2 for price in prices)
        if alone or self.booking is not None or self.kind not in AT_COUNTERS:
            raise ValueError(
                "what two have together is sold by the piece, for 2 points or more alone, at no booked time"
            )
        return self

    @model_validator(mode="after")
    def _counters_fulfil(self) -> Offer:
        """What is booked has one calendar; cash is taken by whoever hands over."""
        if not self.fulfillers:
            return self
        if len({*self.fulfillers, self.merchant}) <= len(self.fulfillers):
            raise ValueError("each merchant that hands it over is named once, its own not among them")
        if self.kind not in AT_COUNTERS:
            raise ValueError("what is handed over in the chat needs no other merchant")
        if self.booking is not None:
            raise ValueError("what is booked is had at one merchant")
        return self

    @model_validator(mode="after")
    def _fits_a_caption(self) -> Offer:
        """Everything below a picture is at most 1,024 characters, the rules and the price included."""
        does = [(self.does, 40)] if self.does else []
        texts = [
            (self.name, 60),
            *([(self.about, 240)] if self.about else []),
            *does,
            *((c, 60) for c in self.conditions),
        ]
        for names, longest in texts:
            if max(len(names.zh), len(names.en)) > longest:
                facts = {"name": names.zh, "longest": longest}
                raise PydanticCustomError("longer_than", "«{name}» is longer than {longest} characters", facts)
        if len(self.conditions) > 4:
            raise ValueError("at most four conditions")
        return self

    @model_validator(mode="after")
    def _kind_fits_price(self) -> Offer:
        if (self.kind == "variable_voucher") != (self.price.kind == "per_money"):
            raise ValueError("a variable voucher, and nothing else, is priced per money")
        return self

    @model_validator(mode="after")
    def _kind_says_what_it_hands_over(self) -> Offer:
        own: tuple[tuple[Kind, str, object], ...] = (
            ("partner_code", "pool", self.pool),
            ("membership", "membership", self.membership),
            ("donation", "does", self.does),
        )
        for kind, name, said in own:
            if (self.kind == kind) != (said is not None):
                facts = {"kind": kind, "name": name}
                raise PydanticCustomError("goes_with", "`{name}` is said of a {kind}, and of nothing else", facts)
        if self.kind in ("partner_code", *AT_ONCE):
            prices = (self.price, *(special.price for special in self.specials))
            if any(each.cash_minor for each in prices):
                raise ValueError("what is handed over in the chat costs points alone")
            if self.kind != "donation" and any(each.kind == "per_unit" and each.most_units > 1 for each in prices):
                raise ValueError("of a partner code or a membership there is one in one redemption")
        if self.pool is not None and self.limits.stock is not None:
            raise ValueError("the stock of partner codes is their pool")
        return self

    @model_validator(mode="after")
    def _only_goods_return(self) -> Offer:
        if self.returns is not None and self.kind != "goods":
            raise ValueError("only goods come back once they were handed over")
        return self

    @model_validator(mode="after")
    def _specials_fit(self) -> Offer:
        for special in self.specials:
            new, usual = special.price, self.price
            if new.kind != usual.kind:
                raise ValueError("a special price is of the same kind as the usual one")
            if (new.rate is None) != (usual.rate is None):
                raise ValueError("a special price says what a piece is worth where the usual one does, and only there")
            if (least_points(new) > least_points(usual)) if new.rate is None else new.rate > (usual.rate or 0):
                raise ValueError("a special price is never worse than the usual one")
            if new.cash_minor > usual.cash_minor:
                raise ValueError("a special price never asks for more cash than the usual one")
        return self

    @model_validator(mode="after")
    def _reach_is_clear(self) -> Offer:
        if self.region is not None and self.who is not None and self.who.regions:
            raise ValueError("where it holds is said once: `region`, or `who.regions`")
        first = self.on_shelf.from_on if self.on_shelf is not None else None
        if any(first is None or each.from_on >= first or each.who.everybody for each in self.early):
            raise ValueError("early access is for some members, before the first day `on_shelf`")
        return self

    @model_serializer(mode="wrap")
    def _without_the_unsaid(self, write: SerializerFunctionWrapHandler) -> dict[str, Any]:
        return {name: said for name, said in write(self).items() if said or name not in _LATER}

    @property
    def restricted(self) -> bool:
        """Whether it is not simply for everybody every day."""
        return bool(self.who is not None or self.region is not None or self.on_shelf is not None or self.blackout)

    @property
    def asks_who(self) -> bool:
        """Whether anything in it depends on who the member is."""
        asks = self.who is not None or self.region is not None or self.membership is not None
        return bool(self.specials or self.early or asks or self.books_early)

    @property
    def at_once(self) -> bool:
        """Whether it is handed over by the tap that redeems it."""
        return self.kind in AT_ONCE

    @property
    def books_early(self) -> bool:
        """Whether some tiers may book further ahead."""
        return self.booking is not None and bool(self.booking.early)

    @property
    def value_varies(self) -> bool:
        """Whether one piece is worth more at some times, so that its name cannot say how much."""
        usual = self.price
        return isinstance(usual, PerUnit) and any(
            isinstance(new, PerUnit) and new.value_minor != usual.value_minor
            for new in (s.price for s in self.specials)
        )

    @property
    def least_points(self) -> int:
        """The fewest points that it can cost anybody ever."""
        return min(least_points(price) for price in (self.price, *(special.price for special in self.specials)))

    def named(self) -> tuple[set[str], set[str]]:
        """The codes of tiers and of regions that it speaks of."""
        whos = [each.who for each in self.specials] + [each.who for each in self.early] + [self.who or EVERYBODY]
        regions = {region for who in whos for region in who.regions} | ({self.region} if self.region else set())
        own = {self.membership.tier} if self.membership else set()
        own |= {tier for early in (self.booking.early if self.booking else ()) for tier in early.tiers}
        return {tier for who in whos for tier in who.tiers} | own, regions

    @property
    def takes_back(self) -> Returns | None:
        """How it comes back once it was handed over; None where it can't: a service that was had, a voucher that was used."""
        return self.returns or (GOODS_RETURNS if self.kind == "goods" else None)

    @property
    def by_invoice(self) -> bool:
        """Whether its cash part may be paid by an invoice in the chat: Telegram has providers for goods and services alone. Where
        several merchants hand it over, whoever does takes the cash."""
        return self.kind in ("goods", "service") and not self.fulfillers

    def held_until(self, since: dt.datetime) -> dt.datetime:
        """Until when points and pieces wait for the cash part."""
        return since + dt.timedelta(hours=self.hold_hours or HOLD_HOURS)

    def valid_until(self, issued_on: dt.date) -> dt.date:
        """The last day of a code that was issued on `issued_on`."""
        return issued_on + dt.timedelta(days=self.validity_days)


@lru_cache(maxsize=20_000)
def parse(document: str) -> Offer:
    """An offer from its JSON text. Versions never change, so the text itself is the key of the cache."""
    return Offer.model_validate_json(document)
