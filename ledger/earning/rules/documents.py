"""Accrual rules as data: what a merchant or the programme writes down, validated; no code.

    base        points per unit of money, by category; the highest priority, then the richest, counts for a line
    green       points on top for a green class, per unit of money or per piece, with its emission factor and the factor's
                source; several compete as base rules do
    multiplier  a campaign's or a segment's factor on what base and green gave
    bonus       a fixed number of points for a purchase

Multipliers and bonuses of one `group` compete, the best one counts; groups add up: a double and a triple of different groups make
four times (1 + 1 + 2), of the same group three times.

Where a cap or a budget ends a rule in the middle of a purchase, the rest of the purchase is the next rule's, as if the ended one
were not there.
"""

from __future__ import annotations

from decimal import Decimal
from typing import Annotated, Literal, Self

from pydantic import BaseModel, ConfigDict, Field, NaiveDatetime, TypeAdapter, model_validator

Channel = Literal["till", "api", "file", "card"]
Rate = Annotated[Decimal, Field(ge=0, le=1000, decimal_places=4)]
"""Points, exact: "1", "0.5", "15"."""


class _Document(BaseModel):
    model_config = ConfigDict(frozen=True, extra="forbid")


class When(_Document):
    """What must hold for a rule to apply; whatever is left out does not matter. All times are of the programme's zone.

    Lines are tested one by one (`categories`), everything else is of the whole purchase.
    """

    starts_at: NaiveDatetime | None = Field(default=None, description="first instant, local, without a zone")
    ends_at: NaiveDatetime | None = Field(default=None, description="first instant after it, local, without a zone")
    weekdays: frozenset[Annotated[int, Field(ge=1, le=7)]] = Field(
        default=frozenset(), description="1 Monday … 7 Sunday"
    )
    days_of_month: frozenset[Annotated[int, Field(ge=-1, le=31)]] = Field(
        default=frozenset(), description="-1: the last one, whichever that is"
    )
    hour_from: int = Field(default=0, ge=0, le=23)
    hour_to: int = Field(
        default=24,
        ge=1,
        le=24,
        description="first hour after; not above hour_from: past midnight, and the night counts for the day it began on",
    )
    categories: frozenset[str] = frozenset()
    regions: frozenset[str] = Field(default=frozenset(), description="where it is bought (the outlet's region)")
    channels: frozenset[Channel] = Field(default=frozenset(), description="card: a payment channel (E9)")
    min_spend_minor: int = Field(
        default=0, ge=0, description="of what is paid with money, tested on the purchase as it was made"
    )
    # of the member, on the day of the purchase
    tiers: frozenset[str] = frozenset()
    age_from: int | None = Field(
        default=None, ge=0, description="full years; a member whose year of birth is unknown does not qualify"
    )
    age_to: int | None = Field(default=None, ge=0, description="that age included")
    birthday: bool = Field(default=False, description="only on the day the member's birthday is kept")
    standing_from: int | None = Field(
        default=None, description="credit standing, linked by consent; only ever an advantage"
    )
    member_regions: frozenset[str] = frozenset()
    first_purchase: Literal["no matter", "here", "anywhere"] = "no matter"
    joined_days: int | None = Field(default=None, ge=0, description="at most so many days after joining")
    business: bool | None = Field(default=None, description="only business members; false: only people")

    @model_validator(mode="after")
    def _can_hold(self) -> Self:
        if self.starts_at is not None and self.ends_at is not None and self.starts_at >= self.ends_at:
            raise ValueError("ends_at comes after starts_at")
        if self.age_from is not None and self.age_to is not None and self.age_from > self.age_to:
            raise ValueError("age_to is not below age_from")
        if 0 in self.days_of_month:
            raise ValueError("days_of_month begin at 1; -1 is the last")
        return self


class Cap(_Document):
    """At most so many points of one rule to one member in a period of the programme's calendar."""

    points: int = Field(ge=1)
    per: Literal["purchase", "day", "month", "ever"]


class Budget(_Document):
    """What a rule, or a campaign of several, may give altogether; in points, in money (at the currency's unit value), or both."""

    points: int | None = Field(default=None, ge=0)
    minor: int | None = Field(default=None, ge=0)

    @model_validator(mode="after")
    def _is_one(self) -> Self:
        if self.points is None and self.minor is None:
            raise ValueError("a budget is of points, of money, or of both")
        return self


class _Rule(_Document):
    name_zh: str
    name_en: str
    when: When = When()
    priority: int = 0
    caps: tuple[Cap, ...] = ()
    budget: Budget | None = None
    campaign: str | None = Field(default=None, description="shares that campaign's budget")


class Base(_Rule):
    """Points per unit of money. A category without a rate of its own earns `rate`."""

    kind: Literal["base"] = "base"
    name_zh: str = "购物积分"
    name_en: str = "Purchase points"
    rate: Rate
    category_rates: dict[str, Rate] = Field(default_factory=dict)

    def rate_of(self, category: str | None) -> Decimal:
        """Points per unit of money in a category (None: no category was given)."""
        return self.category_rates.get(category, self.rate) if category is not None else self.rate


class Green(_Rule):
    """Points on top for lines of a green class. `factor_grams`: grams of CO₂e avoided per unit of `per`, from `factor_source`."""

    kind: Literal["green"] = "green"
    green_class: str
    rate: Rate
    per: Literal["money", "piece"] = "money"
    factor_grams: Decimal = Field(ge=0)
    factor_source: str = Field(min_length=3)


class Multiplier(_Rule):
    """So many times what base and green rules give on the lines that it applies to. 2: twice."""

    kind: Literal["multiplier"] = "multiplier"
    factor: Decimal = Field(gt=1, le=100, decimal_places=2)
    group: str = "campaign"


class Bonus(_Rule):
    """So many points for a purchase, whatever it is of."""

    kind: Literal["bonus"] = "bonus"
    points: int = Field(ge=1)
    group: str = "bonus"


Rule = Annotated[Base | Green | Multiplier | Bonus, Field(discriminator="kind")]
RULE: TypeAdapter[Rule] = TypeAdapter(Rule)
