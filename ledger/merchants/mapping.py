"""How a merchant's till export names its columns: configuration, saved per merchant."""

from __future__ import annotations

import datetime as dt
from collections.abc import Sequence
from functools import cache
from zoneinfo import ZoneInfo

from pydantic import BaseModel, ConfigDict, Field, field_validator
from sqlalchemy import text
from sqlalchemy.ext.asyncio import AsyncConnection


class Mapping(BaseModel):
    """Column names of a till export, and how its values are to be read. Stored as JSON."""

    model_config = ConfigDict(frozen=True, extra="forbid")

    document: str = Field(
        default="Invoice", description="column of the receipt number; lines of one number are one purchase"
    )
    item: str = Field(default="StockCode", description="column of the stock code")
    quantity: str = Field(default="Quantity", description="column of the quantity; whole numbers")
    time: str = Field(default="InvoiceDate", description="column of the local time")
    price: str = Field(default="Price", description="column of the price of one; exact decimals")
    customer: str = Field(
        default="Customer ID", description="column of the customer's number with this merchant; may be empty"
    )
    time_format: str | None = Field(default=None, description="strptime format; none: ISO 8601")
    zone: str = Field(default="Europe/London", description="zone of those local times")
    refund_prefix: str = Field(default="C", min_length=1, description="how numbers of refunds begin")
    adjustment_prefix: str = Field(default="A", min_length=1, description="how numbers of adjustments begin")
    delimiter: str = Field(default=",", min_length=1, max_length=1)
    encoding: str = "utf-8-sig"

    @field_validator("zone")
    @classmethod
    def _known_zone(cls, zone: str) -> str:
        ZoneInfo(zone)
        return zone

    @property
    def columns(self) -> tuple[str, str, str, str, str, str]:
        """Column names in the order: document, item, quantity, time, price, customer."""
        return (self.document, self.item, self.quantity, self.time, self.price, self.customer)

    def places(self, header: Sequence[str]) -> tuple[int, ...]:
        """Where these columns stand in a header. `ValueError` names the ones that are missing."""
        at = {name.strip(): i for i, name in enumerate(header)}
        missing = [name for name in self.columns if name not in at]
        if missing:
            raise ValueError(", ".join(missing))
        return tuple(at[name] for name in self.columns)

    def instant(self, local: str) -> dt.datetime:
        """A time of the export as a UTC instant. `ValueError` where it can't be read."""
        read = dt.datetime.strptime(local, self.time_format) if self.time_format else dt.datetime.fromisoformat(local)
        if read.tzinfo is None:
            read = read.replace(tzinfo=_zone(self.zone))
        return read.astimezone(dt.UTC)


@cache
def _zone(name: str) -> ZoneInfo:
    return ZoneInfo(name)


async def saved(tx: AsyncConnection, merchant_id: int) -> Mapping | None:
    """The merchant's mapping, if one was saved."""
    document = await tx.scalar(
        text("SELECT document FROM merchant_mapping WHERE merchant_id = :id"), {"id": merchant_id}
    )
    return None if document is None else Mapping.model_validate(document)


async def save(tx: AsyncConnection, merchant_id: int, mapping: Mapping, *, at: dt.datetime) -> None:
    """Keep the mapping for the merchant's next export."""
    await tx.execute(
        text(
            "INSERT INTO merchant_mapping (merchant_id, document, at) VALUES (:id, CAST(:document AS jsonb), :at)"
            " ON CONFLICT (merchant_id) DO UPDATE SET document = excluded.document, at = excluded.at"
        ),
        {"id": merchant_id, "document": mapping.model_dump_json(), "at": at},
    )
