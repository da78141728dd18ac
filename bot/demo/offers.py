"""The demo's offers: offers.toml with its days counted from the day of loading, so that its seasons are always on."""

from __future__ import annotations

import datetime as dt
from typing import Any

from pydantic import BaseModel, ConfigDict

from bot.demo import story
from ledger.redeeming.code_pools import PartnerCode
from ledger.redeeming.offers import Offer


def read(today: dt.date) -> list[Offer]:
    """What is on the shelf when the demo is loaded on this day."""
    return [Offer.model_validate(_dated(told, today)) for told in story.document("offers")["offers"]]


class Agreed(BaseModel):
    """Merchants that agreed to hand another's offer over."""

    model_config = ConfigDict(frozen=True, extra="forbid")

    offer: str
    merchants: tuple[str, ...]


def agreed() -> list[Agreed]:
    """Who agreed to hand over what."""
    return [Agreed.model_validate(told) for told in story.document("offers")["agreed"]]


class Pool(BaseModel):
    """Codes of a partner's that a merchant has brought, good for so many days from the day of loading (None: for ever)."""

    model_config = ConfigDict(frozen=True, extra="forbid")

    merchant: str
    name: str
    codes: tuple[str, ...]
    days: int | None = None

    def brought(self, today: dt.date) -> list[PartnerCode]:
        """The codes as they are brought on the day of loading."""
        until = None if self.days is None else today + dt.timedelta(days=self.days)
        return [PartnerCode(self.name, code, until) for code in self.codes]


def pools() -> list[Pool]:
    """The pools that offers hand codes out of."""
    return [Pool.model_validate(told) for told in story.document("offers")["pools"]]


def _dated(told: Any, today: dt.date) -> Any:
    if isinstance(told, list):
        return [_dated(each, today) for each in told]
    if not isinstance(told, dict):
        return told
    return {
        name: today + dt.timedelta(days=value) if name in ("from_on", "until") else _dated(value, today)
        for name, value in told.items()
    }
