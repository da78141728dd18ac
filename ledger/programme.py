"""The programme's own document: its names, zone, common currency, terms, and figures that are nobody else's."""

from __future__ import annotations

from pydantic import BaseModel, ConfigDict, Field


class Region(BaseModel):
    """A part of the country that rules may speak of, and that a member may say they live in."""

    model_config = ConfigDict(frozen=True, extra="forbid")

    code: str
    name_zh: str
    name_en: str


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
    regions: tuple[Region, ...] = ()
