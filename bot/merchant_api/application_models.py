"""What goes over the wire about applying to be a merchant."""

from __future__ import annotations

import datetime as dt
from typing import Annotated, Any, Literal

from pydantic import Field, StringConstraints

from bot.merchant_api.models import Day, _Answered, _Asked
from ledger.merchants.files import Purpose
from ledger.merchants.onboarding import LONGEST

Said = Annotated[str, StringConstraints(pattern=r"^[^\x00-\x1f\x7f]+$", min_length=1, max_length=60)]


def _answer(field: str, description: str) -> Any:
    return Field(
        min_length=1,
        max_length=LONGEST[field],  # type: ignore[index]  # each is one of its fields
        pattern=r"^[^\x00-\x1f\x7f]*[^\x00-\x20\x7f][^\x00-\x1f\x7f]*$",
        description=description,
    )


class StatedIn(_Asked):
    """A certificate as you state it; an operator compares it with its document."""

    kind: Literal["credit", "assessment", "filing"] = Field(
        description="credit certificate, third-party assessment, filing"
    )
    number: Said
    issuer: Said
    valid_until: Day


class ApplicationIn(_Asked):
    """What an application says, all of it."""

    name_zh: str = _answer("name_zh", "the shop's name in Chinese")
    name_en: str = _answer("name_en", "the shop's name in English")
    category: str = _answer("category", "a category of the catalog, such as `grocery`")
    region: str = _answer("region", "a region of the programme, or `*`: everywhere")
    licence: str = _answer(
        "licence", "number of the business licence; in regions of the mainland its unified social credit code"
    )
    contact: str = _answer("contact", "whom to reach and how; sealed, and forgotten if it comes to nothing")
    certificates: list[StatedIn] = Field(default_factory=list, max_length=10)


class PaperAsked(_Asked):
    """What a document is to prove; the body is the document."""

    purpose: Purpose
    name: Annotated[str, StringConstraints(pattern=r"^[^\x00-\x1f\x7f/\\]{1,60}$")] = Field(
        description="what the file is called"
    )


class PaperOut(_Answered):
    """A document as it is kept."""

    id: int
    purpose: str
    name: str | None
    size: int


class ApplicationOut(_Answered):
    """An application: draft, sent (it waits for an operator), accepted, rejected, withdrawn."""

    state: str
    token: str = Field(description="by which it is followed, as Bearer; keep it, and keep it secret")
    name_zh: str | None
    name_en: str | None
    missing: list[str] = Field(description="what has to be there before it can be sent")
    documents: list[PaperOut]
    sent_at: dt.datetime | None
    decided_at: dt.datetime | None
    reason: str | None = Field(description="why it was turned down")
    taken_at: dt.datetime | None


class Nothing(_Asked):
    """Nothing to say: `{}`."""


class TakenOut(_Answered):
    """What a certified merchant begins with."""

    merchant: str = Field(description="the merchant's code")
    owner_link: str = Field(description="whoever opens it in Telegram first owns the merchant")
    owner_link_until: dt.datetime
    api_key: str = Field(description="for tills: awards, refunds, vouchers")
