"""What goes over the wire. The OpenAPI description is made from these models and says nothing else.

Money is in minor units (分, pence) of the merchant's currency; instants carry their offset; points are whole.
"""

from __future__ import annotations

import datetime as dt
from typing import Annotated, Any, Literal

from pydantic import (
    AfterValidator,
    AwareDatetime,
    BaseModel,
    BeforeValidator,
    ConfigDict,
    Field,
    RootModel,
    StringConstraints,
)
from pydantic_core import PydanticCustomError

BATCH_MOST = 1_000
LINES_MOST = 1_000
AMOUNT_MOST = 10**12

Word = Annotated[str, StringConstraints(pattern=r"^[^\x00-\x1f\x7f]{1,64}$")]
"""A number or code of the merchant's own: one line, at most 64 characters."""


FulfilmentState = Literal["asked", "agreed", "declined", "left"]


def _day(said: Any) -> Any:
    """Days are written out; a number, which pydantic would take too, is none."""
    if not isinstance(said, str) or len(said) != 10:
        raise PydanticCustomError("day_not_written", "a day is written as in 2026-11-22")
    return said


Day = Annotated[dt.date, BeforeValidator(_day)]


def _whole(said: Any) -> Any:
    """JSON knows no integers: 518.0 is one."""
    return int(said) if isinstance(said, float) and said.is_integer() else said


Amount = Annotated[int, Field(ge=0, le=AMOUNT_MOST, strict=True), BeforeValidator(_whole)]
Due = Annotated[int, Field(gt=0, le=AMOUNT_MOST, strict=True), BeforeValidator(_whole)]
Number = Annotated[int, Field(ge=1, le=2**53, strict=True), BeforeValidator(_whole)]
Pieces = Annotated[int, Field(ge=1, le=1_000_000, strict=True), BeforeValidator(_whole)]
Place = Annotated[int, Field(ge=0, lt=LINES_MOST, strict=True), BeforeValidator(_whole)]


def _written(said: Any) -> Any:
    """Instants are written out: a number of seconds, which pydantic would take too, says nothing of an offset."""
    if not isinstance(said, str) or "T" not in said.upper():
        raise PydanticCustomError("instant_not_written", "an instant is written as in RFC 3339, with an offset")
    return said


Instant = Annotated[
    AwareDatetime, BeforeValidator(_written), Field(description="RFC 3339, with an offset: 2026-11-22T10:30:00+08:00")
]


class _Asked(BaseModel):
    model_config = ConfigDict(frozen=True, extra="forbid")


class _Answered(BaseModel):
    model_config = ConfigDict(frozen=True)


def _digits(card: str) -> str:
    return card.rpartition("_")[2]


_SCANNED = r"^(https://t\.me/[A-Za-z0-9_]{1,64}\?start=c_)?"
"""A scanner reads the card's link, a cashier its digits."""


Card = Annotated[str, StringConstraints(pattern=_SCANNED + r"[0-9]{8}([0-9]{4})?$"), AfterValidator(_digits)]


class ByReference(_Asked):
    """A member, by the reference that a lookup gave."""

    reference: Annotated[str, StringConstraints(pattern=r"^[A-Za-z0-9_-]{22}$")]


class ByCard(_Asked):
    """A member, by the card they show, its digits or its link as scanned: eight in a member's chat, good for some seconds and for
    one use; twelve on a paper card that a till has seen before, good every time."""

    card: Card


class Line(_Asked):
    """A line of a bill."""

    amount_minor: Amount = Field(description="what the line comes to, before vouchers and points")
    category: Word | None = Field(None, description="product category, as the merchant's rules name it")
    green_class: Word | None = Field(None, description="green class of the product, if it has one")
    pieces: Pieces = 1
    item: Word | None = Field(None, description="the merchant's own article number")


class Payment(_Asked):
    """A part of how a bill was paid."""

    by: Literal["money", "points", "voucher"]
    amount_minor: Amount


class Basket(_Asked):
    """What was bought and how it was paid."""

    lines: list[Line] = Field(min_length=1, max_length=LINES_MOST)
    payments: list[Payment] | None = Field(
        None,
        min_length=1,
        max_length=20,
        description="together what the lines come to; left out: all with money. Only money earns points.",
    )


class PurchaseIn(Basket):
    """A purchase that earns."""

    document: Word = Field(description="the merchant's receipt number: booked once, whatever the keys")
    member: ByReference | ByCard
    occurred_at: Instant
    outlet: Word | None = Field(None, description="name of the outlet; left out: that of the till, if it is known")
    till: Word | None = Field(None, description="the till's label; a till's own key says it by itself")


class BatchIn(_Asked):
    """Up to a thousand purchases; each is booked or refused for itself."""

    purchases: list[PurchaseIn] = Field(min_length=1, max_length=BATCH_MOST)


class QuoteIn(Basket):
    """What would this earn; nothing is booked."""

    member: ByReference | None = Field(
        None, description="for what depends on who buys; left out: somebody without history"
    )
    occurred_at: Instant | None = Field(None, description="left out: now")


class RefundLine(_Asked):
    """Pieces of a line of the purchase that come back, with their share of the price."""

    line: Place = Field(description="counted from 0")
    pieces: Pieces = 1


class RefundItem(_Asked):
    """Pieces of an article that come back, bought with whichever receipt."""

    item: Word
    pieces: Pieces = 1


class RefundOfAll(_Asked):
    """Everything that is left of a purchase goes back."""

    kind: Literal["all"] = Field(description="everything that is left of the purchase `of`")
    document: Word = Field(description="the merchant's refund number")
    of: Word = Field(description="the purchase's document")
    occurred_at: Instant


class RefundOfAmount(_Asked):
    """So much of what a purchase cost goes back."""

    kind: Literal["amount"] = Field(description="so much of the purchase `of`")
    document: Word = Field(description="the merchant's refund number")
    of: Word = Field(description="the purchase's document")
    amount_minor: Due
    occurred_at: Instant


class RefundOfLines(_Asked):
    """Lines of a purchase go back."""

    kind: Literal["lines"] = Field(description="lines of the purchase `of`")
    document: Word = Field(description="the merchant's refund number")
    of: Word = Field(description="the purchase's document")
    lines: list[RefundLine] = Field(min_length=1, max_length=LINES_MOST)
    occurred_at: Instant


class RefundWithoutReference(_Asked):
    """Goods come back without their receipt: the member's latest purchases of them here are matched, newest first."""

    kind: Literal["without_reference"] = Field(
        description="no receipt: the member's latest purchases of these articles"
    )
    document: Word = Field(description="the merchant's refund number")
    member: ByReference
    items: list[RefundItem] = Field(min_length=1, max_length=LINES_MOST)
    occurred_at: Instant


RefundIn = RefundOfAll | RefundOfAmount | RefundOfLines | RefundWithoutReference


class Refund(RootModel[Annotated[RefundIn, Field(discriminator="kind")]]):
    """A refund: of everything, of an amount, of lines, or without a receipt."""


class LookupIn(_Asked):
    """Who shows this card, by its digits or its link as scanned: eight in a member's chat, twelve on a paper card used before."""

    card: Card


class VoucherIn(_Asked):
    """A voucher's code, as the customer shows it; spaces, dashes and case don't matter."""

    code: Word


class OfferIn(_Asked):
    """An offer of the merchant's own, as the catalog keeps it; `currency` is the code of the points it costs."""

    document: dict[str, Any] = Field(
        description="`name`, `kind`, `category`, `price`, … as `GET /v1/catalog` shows them; where wanted also `specials` (other"
        " prices, each with `name`, `price`, `when`, `who`), `on_shelf` and `blackout` (days), `who`, `region`, `early`,"
        " `limits` (pieces: `member_` or `household_` with `day`, `month`, `ever`; `day`, `stock` for everybody),"
        " `returns` (of goods: `days`, `answer_days`, `exchange`, `changed_mind`)"
        ", `fulfillers` (codes of merchants that are asked to hand it over too)"
    )
    active: bool = Field(True, description="false: it is off the shelf; vouchers already issued stay good", strict=True)


class FulfilmentIn(_Asked):
    """Whether the merchant hands another's offer over; vouchers issued before stay good here either way."""

    agrees: bool = Field(strict=True)


class PrivilegeIn(_Asked):
    """A privilege of the merchant's own: less to pay, or something for nothing, for members who hold points or are of a tier."""

    document: dict[str, Any] = Field(
        description="`name`, `gives` (`percent_off` or `free`), and `holds` (points, which are not spent), `tiers` or both; where"
        " wanted also `region`, `when`, `outlets`, `per_day`, `per_month`, `conditions`, as `GET /v1/privileges` shows them"
    )
    active: bool = Field(True, description="false: it is switched off; uses so far stay as they are", strict=True)


class PurchaseOut(_Answered):
    """A booked purchase."""

    document: str
    member: str = Field(description="the member's reference")
    amount_minor: int = Field(description="what was paid with money")
    refunded_minor: int
    money: str
    points: int = Field(description="what it earned; a refund takes back in entries of its own")
    available_on: dt.date = Field(description="the first day on which the points can be spent")
    expires_on: dt.date | None = Field(description="their last good day; null: they don't expire")
    because: str | None = Field(description="why nothing was earned, as a stable word; null where something was")
    occurred_at: dt.datetime


class Booked(PurchaseOut):
    """A purchase as it was booked; `repeated`: the document had been booked before, with the same facts."""

    repeated: bool


class ProblemOut(_Answered):
    """RFC 9457 problem details. `code` is stable; title and detail are in the language of `Accept-Language`."""

    type: str
    title: str
    status: int
    detail: str | None = None
    code: str
    errors: list[Fault] | None = None


class Fault(_Answered):
    """What is wrong with a request, and where: a JSON pointer into the body, or the name of a parameter."""

    pointer: str
    detail: str


class RowOut(_Answered):
    """One row of a batch, in the order of the request: the purchase, or the problem that refused it.

    `retry`: the row may pass later; send it again under another Idempotency-Key.
    """

    purchase: Booked | None = None
    problem: ProblemOut | None = None
    retry: bool = False


class BatchOut(_Answered):
    """What became of each row."""

    booked: int
    refused: int
    rows: list[RowOut]


class QuoteOut(_Answered):
    """What a basket would earn now, and its arithmetic line by line."""

    points: int
    because: str | None
    why: list[str]


class RefundOut(_Answered):
    """What a refund did, purchase by purchase. `unmatched`: what came back without a receipt and was not found."""

    document: str
    amount_minor: int
    points: int = Field(description="taken back; what had been spent is owed by the member")
    repeated: bool
    purchases: list[RefundedOut]
    unmatched: list[RefundItem]


class RefundedOut(_Answered):
    """What a refund took of one purchase."""

    of: str
    amount_minor: int
    points: int


class MemberOut(_Answered):
    """A member as the shop may know them."""

    reference: str
    display_name: str


class VoucherOut(_Answered):
    """A voucher and where it stands."""

    id: int
    offer: str = Field(description="the offer's code")
    name: str
    units: int
    value_minor: int
    money: str
    valid_until: dt.date
    state: str
    cash_minor: int = Field(description="paid besides the points; still to be paid while `state` is `held`")
    used_at: dt.datetime | None
    booked_at: dt.datetime | None = Field(default=None, description="when it is booked for, where it is")
    outlet: str | None = Field(default=None, description="at which outlet it is booked, where that is said")


class OfflineVoucherOut(_Answered):
    """A voucher that a till without network may take."""

    tail: str = Field(description="the code's last four characters")
    check: str = Field(description="HMAC-SHA256 of the whole code under `key`, its first six hexadecimal digits")
    offer: str = Field(description="the offer's code")
    name: str
    units: int
    value_minor: int
    money: str
    valid_until: dt.date


class OfflineOut(_Answered):
    """What may be taken while the network is gone, what ends first before the rest. It holds no code."""

    key: str = Field(description="of the checks, in hexadecimal")
    made_at: dt.datetime
    until: dt.datetime = Field(description="the list is good until then")
    left_out: int = Field(description="vouchers beyond the list's most")
    vouchers: list[OfflineVoucherOut]


class OfferOut(_Answered):
    """An offer of the merchant's own."""

    code: str
    active: bool
    document: dict[str, Any]
    fulfillers: list[FulfillerOut] = Field(description="the merchants that were asked to hand it over too")


class FulfillerOut(_Answered):
    """A merchant that was asked to hand an offer over too, and what it said."""

    merchant: str = Field(description="its code")
    state: FulfilmentState


class FulfilmentOut(_Answered):
    """Another merchant's offer that this one was asked to hand over too. Whoever hands over is paid for it."""

    code: str = Field(description="of the offer")
    owner: str = Field(description="code of the merchant whose offer it is")
    state: FulfilmentState
    document: dict[str, Any] = Field(description="the offer as it is now")
    agreed_version: int | None = Field(description="the version that was agreed to last; null: none was")
    version: int


class FulfilmentsOut(_Answered):
    """What this merchant was asked to hand over: what waits for an answer first."""

    fulfilments: list[FulfilmentOut]


class CatalogOut(_Answered):
    """The merchant's own offers by code; `next` is where the next page begins."""

    offers: list[OfferOut]
    next: str | None


class PrivilegeOut(_Answered):
    """A privilege of the merchant's own."""

    code: str
    version: int = Field(description="another document is another version; each use names its own")
    active: bool
    document: dict[str, Any]


class PrivilegesOut(_Answered):
    """The merchant's own privileges by code; `next` is where the next page begins."""

    privileges: list[PrivilegeOut]
    next: str | None


class PurchasesOut(_Answered):
    """Purchases, newest first; `next` is where the next page begins."""

    purchases: list[PurchaseOut]
    next: str | None


class RuleIn(_Asked):
    """A version of a rule of the merchant's own."""

    document: dict[str, Any] = Field(description="as `GET /v1/rules` shows them: `kind` and what that kind says")
    valid_from: Day = Field(description="the first day, today or later")
    valid_to: Day | None = Field(None, description="the last day; left out: until another version begins")


class RuleOut(_Answered):
    """A version of a rule. `state`: approved (in force on its days), or proposed (an operator looks at it first)."""

    code: str
    version: int
    state: str
    document: dict[str, Any]
    valid_from: dt.date
    valid_to: dt.date | None


class RulesOut(_Answered):
    """The merchant's own rules: in force today, and proposed."""

    rules: list[RuleOut]


class GrantIn(_Asked):
    """A member took part in an activity of the merchant's own."""

    activity: Number = Field(description="its number, as the chat shows it")
    member: ByReference


class GrantOut(_Answered):
    """What taking part gave."""

    activity: int
    member: str
    points: int


class PositionOut(_Answered):
    """What a week came to in one currency of points. `net_minor`: what the merchant gets; below zero: what it pays."""

    currency: str
    money: str
    points_spent_elsewhere: int = Field(description="its points spent at others, for which it pays")
    points_taken: int = Field(description="others' points spent at its counter, for which it is paid")
    points_own: int = Field(description="its points at its own counter")
    pays_minor: int
    gets_minor: int
    fee_minor: int
    net_minor: int


class StatementOut(_Answered):
    """A closed week, by its Monday."""

    week: dt.date
    positions: list[PositionOut]


class StatementsOut(_Answered):
    """Closed weeks, newest first; `next` is where the next page begins."""

    statements: list[StatementOut]
    next: str | None


class StatementsAsked(_Asked):
    """Which weeks."""

    after: Day | None = Field(None, description="`next` of the page before")
    limit: int = Field(12, ge=1, le=53)


class StatementLine(_Answered):
    """A line of a week. Amounts are signed: positive as in a redemption, negative where one came back."""

    number: int
    kind: str
    day: dt.date
    redemption: int | None
    offer: str | None
    points: int
    currency: str
    money: str
    net_minor: int = Field(description="what the line brings the merchant; below zero: what it costs it")
    dispute: int | None = Field(description="number of the dispute about it, whatever became of it")


class StatementLinesOut(_Answered):
    """A week's lines in their order; `next` is where the next page begins."""

    lines: list[StatementLine]
    next: str | None


class FileAsked(_Asked):
    """A statement as which file."""

    format: Literal["csv", "xlsx"] = Field("csv", description="in the language of `Accept-Language`")


class LinesAsked(_Asked):
    """Which lines."""

    after: int | None = Field(None, ge=0, le=2**53, description="`next` of the page before")
    limit: int = Field(100, ge=1, le=500)


class PurchasesAsked(_Asked):
    """Which purchases."""

    after: Annotated[str, StringConstraints(pattern=r"^[A-Za-z0-9_-]{1,64}$")] | None = Field(
        None, description="`next` of the page before"
    )
    limit: int = Field(50, ge=1, le=500)
    document: Word | None = Field(None, description="only this document")


class CatalogAsked(_Asked):
    """Which offers."""

    after: Annotated[str, StringConstraints(pattern=r"^[a-z0-9_-]{1,40}$")] | None = Field(
        None, description="`next` of the page before"
    )
    limit: int = Field(50, ge=1, le=500)


class PrivilegesAsked(_Asked):
    """Which privileges."""

    after: Annotated[str, StringConstraints(pattern=r"^[a-z0-9_-]{1,40}$")] | None = Field(
        None, description="`next` of the page before"
    )
    limit: int = Field(50, ge=1, le=500)


ProblemOut.model_rebuild()
RefundOut.model_rebuild()
