"""What goes over the wire about a sandbox itself."""

from __future__ import annotations

import datetime as dt
from typing import Annotated, Literal

from pydantic import Field, StringConstraints, model_validator

from bot.merchant_api.models import ByReference, Day, Number, Word, _Answered, _Asked

DAYS_MOST = 366


class ResetIn(_Asked):
    """Nothing but the wish: `{}`."""


class SandboxOut(_Answered):
    """A sandbox as it stands. `activity`: one that is always on, for trying `POST /v1/activity-grants`."""

    merchant: str = Field(description="the merchant's code")
    today: dt.date = Field(description="its business date")
    ahead_days: int = Field(description="how far its clock runs ahead of the wall's")
    members: int
    activity: int


class ClockIn(_Asked):
    """Forward by `days`, or to the day `until`. What falls due by then has happened when the answer comes."""

    days: Annotated[int, Field(ge=1, le=DAYS_MOST, strict=True)] | None = None
    until: Day | None = None

    @model_validator(mode="after")
    def _one_of_two(self) -> ClockIn:
        if (self.days is None) == (self.until is None):
            raise ValueError("either days or until")
        return self


class NewMemberIn(_Asked):
    """Somebody to try things with."""

    name: Annotated[str, StringConstraints(pattern=r"^[^\x00-\x1f\x7f]{1,40}$")] = Field(
        "测试会员", description="as a till would show it"
    )


class CardIn(_Asked):
    """Let a member show their card."""

    member: ByReference


class CardOut(_Answered):
    """A card as it is shown: eight digits for `member.card` or a lookup, good for one use until `expires_at`."""

    card: str
    expires_at: dt.datetime


class SandboxVoucherIn(_Asked):
    """Let a member redeem an offer with the points they have; pending ones can be spent once the clock has been moved."""

    member: ByReference
    offer: Word = Field(description="the offer's code")
    amount: Number = Field(1, description="pieces; of a variable voucher, minor units of money")


class SandboxVoucherOut(_Answered):
    """The voucher's code, as the customer would show it."""

    code: str
    points: int
    valid_until: dt.date


class HookIn(_Asked):
    """Where the sandbox's events go; other than those of the live merchant."""

    url: Annotated[str, StringConstraints(min_length=1, max_length=500)]


class HookOut(_Answered):
    """Where they go, and what their signatures are verified with; another secret after each reset."""

    url: str
    secret: str


class EventsAsked(_Asked):
    """Which events."""

    state: Literal["waiting", "sent", "dead"] | None = None
    after: int | None = Field(None, ge=1, le=2**53, description="`next` of the page before")
    limit: int = Field(20, ge=1, le=100)


class EventOut(_Answered):
    """An event and what became of it. `dead`: it was tried often enough."""

    id: int
    event: str
    state: str
    tries: int
    answer: str | None = Field(description="what came of the last try")
    created_at: dt.datetime
    body: str = Field(description="what is sent, letter by letter")


class EventsOut(_Answered):
    """Events, newest first; `next` is where the next page begins."""

    events: list[EventOut]
    next: int | None
