"""The demo's offers: offers.toml with its days counted from the day of loading, so that its seasons are always on."""

from __future__ import annotations

import datetime as dt
from typing import Any

from bot.demo import story
from ledger.redeeming.offers import Offer


def read(today: dt.date) -> list[Offer]:
    """What is on the shelf when the demo is loaded on this day."""
    return [Offer.model_validate(_dated(told, today)) for told in story.document("offers")["offers"]]


def _dated(told: Any, today: dt.date) -> Any:
    if isinstance(told, list):
        return [_dated(each, today) for each in told]
    if not isinstance(told, dict):
        return told
    return {
        name: today + dt.timedelta(days=value) if name in ("from_on", "until") else _dated(value, today)
        for name, value in told.items()
    }
