"""The programme's own document: its names, zone, common currency, terms, and figures that are nobody else's."""

from __future__ import annotations

from decimal import Decimal
from itertools import pairwise
from typing import Literal, Self

from pydantic import BaseModel, ConfigDict, Field, model_validator


class Region(BaseModel):
    """A part of the country that rules may speak of, and that a member may say they live in."""

    model_config = ConfigDict(frozen=True, extra="forbid")

    code: str
    name_zh: str
    name_en: str
    mainland: bool = Field(default=True, description="whether businesses there have a unified social credit code")


class Wording(BaseModel):
    """A sentence in both languages."""

    model_config = ConfigDict(frozen=True, extra="forbid")

    zh: str
    en: str


class TierPrice(BaseModel):
    """What a tier costs to have for some days, whatever is earned: common points."""

    model_config = ConfigDict(frozen=True, extra="forbid")

    points: int = Field(ge=1)
    days: int = Field(ge=1, le=3660)


class TierFee(BaseModel):
    """What a tier costs in money to have for some days, at the counters that sell it, whatever is earned."""

    model_config = ConfigDict(frozen=True, extra="forbid")

    amount_minor: int = Field(ge=1, le=9_999_999, description="the price, in minor units of the programme's money")
    days: int = Field(ge=1, le=3660)
    sellers: tuple[str, ...] = Field(min_length=1, description="codes of the merchants that sell it at their counters")
    extends: bool = Field(
        default=True, description="whether bought again its days come after its present end; else it is sold once over"
    )
    take_back_days: int = Field(
        default=7, ge=0, le=366, description="so many days after a sale its seller may take it back, used or not"
    )

    @model_validator(mode="after")
    def _each_once(self) -> Self:
        if len(set(self.sellers)) < len(self.sellers):
            raise ValueError("a seller is named twice")
        return self


class Tier(BaseModel):
    """A step of the ladder: what has to be spent *and* how many days visited within the qualifying months, and what it brings.

    Privileges are sentences for people; what of them earns points is a rule with `When.tiers`.
    """

    model_config = ConfigDict(frozen=True, extra="forbid")

    code: str
    name_zh: str
    name_en: str
    spend_minor: int = Field(default=0, ge=0, description="money spent, net of refunds")
    visits: int = Field(default=0, ge=0, description="different days with a purchase that was not wholly returned")
    privileges: tuple[Wording, ...] = ()
    price: TierPrice | None = Field(
        default=None, description="for how many points it is had, and how long; None: not at all"
    )
    fee: TierFee | None = Field(default=None, description="for how much money it is sold, and where; None: nowhere")


class Acceleration(BaseModel):
    """When a member's visits have sped up so much that the operator is asked about an upgrade.

    Visits of the last 30 days are compared with the member's own pace in the 90 days before those.
    """

    model_config = ConfigDict(frozen=True, extra="forbid")

    visits_min: int = Field(default=5, ge=1, description="visits in the last 30 days, at least")
    before_min: int = Field(
        default=3, ge=1, description="visits in the 90 days before, at least: a newcomer has no pace yet"
    )
    factor: Decimal = Field(default=Decimal(2), gt=1, description="how many times the earlier pace")
    granted_days: int = Field(default=90, ge=1, description="how long the tier is granted for")
    again_days: int = Field(default=180, ge=1, description="for so long after a decision nothing is proposed again")


class GreenBand(BaseModel):
    """A letter for merchants whose weighted green share is at least so many per cent."""

    model_config = ConfigDict(frozen=True, extra="forbid")

    letter: str
    from_percent: int = Field(ge=0, le=100)


class GreenScale(BaseModel):
    """How merchants are rated by what they sell (C7)."""

    model_config = ConfigDict(frozen=True, extra="forbid")

    days: int = Field(default=90, ge=1, le=400, description="sales of so many days count")
    purchases_min: int = Field(default=20, ge=1, description="fewer purchases say nothing yet")
    weights: dict[str, int] = Field(
        default_factory=dict, description="per cent at which a green class counts; one that is not here counts in full"
    )
    names: dict[str, Wording] = Field(default_factory=dict, description="what green classes are called")
    bands: tuple[GreenBand, ...] = (
        GreenBand(letter="A", from_percent=60),
        GreenBand(letter="B", from_percent=40),
        GreenBand(letter="C", from_percent=20),
        GreenBand(letter="D", from_percent=5),
        GreenBand(letter="E", from_percent=0),
    )

    @model_validator(mode="after")
    def _down_to_nothing(self) -> Self:
        """Bands fall, and the last one is for everybody else."""
        steps = [band.from_percent for band in self.bands]
        if not steps or steps != sorted(set(steps), reverse=True) or steps[-1] != 0:
            raise ValueError("bands fall from the best to one that begins at 0")
        if any(not 0 <= weight <= 100 for weight in self.weights.values()):
            raise ValueError("a weight is 0 to 100 per cent")
        return self


class Families(BaseModel):
    """How members make a family. Days are the programme's."""

    model_config = ConfigDict(frozen=True, extra="forbid")

    people_most: int = Field(default=6, ge=2, le=20, description="whoever founded it included")
    invitation_hours: int = Field(default=72, ge=1, le=720, description="so long an unused invitation is open")
    join_delay_days: int = Field(
        default=1, ge=0, le=90, description="so many days after accepting one belongs to it; 0: at once"
    )
    rejoin_days: int = Field(
        default=90, ge=0, le=730, description="for so long after leaving one joins and founds no other"
    )
    request_hours: int = Field(
        default=24, ge=1, le=168, description="so long a request to the head is open, and what was allowed can be used"
    )


class Gifts(BaseModel):
    """Points that members give each other. Days are the programme's; points common ones."""

    model_config = ConfigDict(frozen=True, extra="forbid")

    points_least: int = Field(default=10, ge=1, description="the smallest gift")
    give_day: int = Field(default=2000, ge=1, description="what one gives in a day, at most")
    give_year: int = Field(default=20000, ge=1, description="and in a calendar year")
    take_day: int = Field(default=2000, ge=1, description="what one accepts in a day, at most")
    take_year: int = Field(default=20000, ge=1, description="and in a calendar year")
    account_days: int = Field(default=30, ge=0, description="so old an account must be to give")
    hours: int = Field(default=72, ge=1, le=720, description="so long a gift is open, or until its first points end")
    outside: bool = Field(default=True, description="also to others than family, of points whose issuer lets them")


class BirthdayPacks(BaseModel):
    """What a birthday brings, once a calendar year."""

    model_config = ConfigDict(frozen=True, extra="forbid")

    issuer: str = Field(description="code of the merchant that funds them")
    points: int = Field(default=0, ge=0, description="to the member, in common points")
    child_points: int = Field(default=0, ge=0, description="to whoever told of a child, on its birthday")
    life_months: int = Field(default=3, ge=1, description="life of both; ends with a month")
    children_most: int = Field(
        default=5, ge=0, le=10, description="children that one may tell of; and packs for them a year"
    )


class FirstOrder(BaseModel):
    """A voucher that an invited friend is given on joining: so much of an offer for common points."""

    model_config = ConfigDict(frozen=True, extra="forbid")

    offer: str = Field(description="code of the offer")
    amount: int = Field(default=1, ge=1, description="pieces; of a voucher for money, its minor units")


class Referrals(BaseModel):
    """What inviting a friend brings (E8), and when. Days are the programme's, money its own."""

    model_config = ConfigDict(frozen=True, extra="forbid")

    issuer: str = Field(description="code of the merchant that funds both rewards")
    inviter_points: int = Field(ge=0, description="to whoever invited, in common points")
    friend_points: int = Field(ge=0, description="to the friend, in common points")
    life_months: int = Field(default=12, ge=1, description="life of both; ends with a month")
    spend_minor: int = Field(
        default=0, ge=0, description="the purchase that counts is of at least so much, net of refunds"
    )
    purchase_days: int = Field(default=180, ge=1, description="made within so many days of joining")
    first_order: FirstOrder | None = Field(default=None, description="what a friend is given at once on joining")
    per_month: int = Field(
        default=10, ge=1, description="friends that whoever invites is rewarded for in a calendar month"
    )
    per_year: int = Field(default=50, ge=1, description="the same in a calendar year")
    family_days: int = Field(
        default=180, ge=0, description="whoever was in the inviter's family within so many days does not count"
    )
    link_days: int = Field(default=365, ge=1, description="how long an inviter's link leads here")
    burst_people: int = Field(default=8, ge=2, description="so many friends of one inviter ...")
    burst_hours: int = Field(
        default=24, ge=1, description="... who join within so many hours are looked at by the operator"
    )


class Programme(BaseModel):
    """One coalition. Stored as JSON, versioned; every figure here can be changed without code."""

    model_config = ConfigDict(frozen=True, extra="forbid")

    name_zh: str
    name_en: str
    zone: str = "Asia/Shanghai"
    money: str = "CNY"
    common_currency: int = Field(1, description="id of the coalition's common points")
    terms_version: str
    terms_zh: str
    terms_en: str
    welcome_points: int = Field(0, ge=0)
    welcome_issuer: str = Field(description="merchant code that funds welcome points")
    welcome_life_months: int = Field(12, ge=1)
    exchange_life_months: int = Field(
        default=12, ge=1, description="longest life of common points made from a merchant's own; ends with a month"
    )
    grace_days: int = Field(30, ge=1, description="life of points that return after their lot expired")
    undo_minutes: int = Field(10, ge=0)
    take_back_minutes: int = Field(10, ge=0, description="how long a cashier may take back an award of theirs")
    card_seconds: int = Field(30, ge=5)
    check_in_seconds: int = Field(
        default=30, ge=10, description="how long an activity's code is shown before the next one"
    )
    rules_need_approval: bool = Field(
        default=True, description="whether an operator approves what merchants write as rules"
    )
    issue_price_bp: int = Field(
        default=10_000,
        ge=0,
        description="what an issuer pays for a point of its that is spent, in basis points of its value",
    )
    redemption_price_bp: int = Field(
        default=10_000, ge=0, description="what a merchant gets for a point that it takes, in basis points of its value"
    )
    clearing_fee_bp: int = Field(
        default=0, ge=0, le=10_000, description="the operator's fee, in basis points of what the taking merchant gets"
    )
    dispute_days: int = Field(default=28, ge=0, description="so long after a week's close may its lines be disputed")
    cover_alert_percent: int = Field(
        default=80, ge=1, le=100, description="of an issuer's cover: above it, it is warned"
    )
    certificates_required: tuple[Literal["credit", "assessment", "filing"], ...] = Field(
        default=("credit", "assessment", "filing"), description="what a merchant needs to be certified"
    )
    certificates_need_two: bool = Field(
        default=False, description="whether another operator than the one who entered a certificate confirms it"
    )
    green_scale: GreenScale = GreenScale()
    regions: tuple[Region, ...] = ()
    tiers: tuple[Tier, ...] = Field(default=(), description="lowest first; the first needs nothing. None: no tiers")
    tier_months: int = Field(
        12, ge=1, description="months that qualify for a tier, and that a tier is held, to a month's end"
    )
    tier_seller: str | None = Field(
        default=None, description="merchant code that tiers are bought from: it gets the points"
    )
    tier_warning_days: int = Field(30, ge=1, description="how long before its end a member hears what is missing")
    acceleration: Acceleration = Acceleration()
    families: Families = Families()
    referrals: Referrals | None = Field(default=None, description="None: inviting a friend brings nothing")
    birthdays: BirthdayPacks | None = Field(default=None, description="None: birthdays bring nothing")
    unmerge_days: int = Field(
        30, ge=1, description="so long after joining a person's two accounts they can be parted again"
    )
    gifts: Gifts | None = Field(default=None, description="points given to other members; none: nobody gives")

    @model_validator(mode="after")
    def _a_ladder(self) -> Self:
        """Each tier needs at least what the one below needs, and everybody stands on the lowest."""
        steps = self.tiers
        if len({step.code for step in steps}) < len(steps):
            raise ValueError("two tiers have one code")
        if steps and (steps[0].spend_minor or steps[0].visits):
            raise ValueError("the lowest tier needs nothing")
        if steps and (steps[0].price is not None or steps[0].fee is not None):
            raise ValueError("the lowest tier is everybody's, and not for sale")
        if self.tier_seller is None and any(step.price is not None for step in steps):
            raise ValueError("whoever sells tiers for points is named in tier_seller")
        for lower, higher in pairwise(steps):
            if higher.spend_minor < lower.spend_minor or higher.visits < lower.visits:
                raise ValueError(f"{higher.code} needs less than {lower.code}")
        return self

    @model_validator(mode="after")
    def _the_operator_never_pays(self) -> Self:
        if self.redemption_price_bp > self.issue_price_bp:
            raise ValueError("the redemption price must not be above the issue price: nobody would pay the difference")
        return self
