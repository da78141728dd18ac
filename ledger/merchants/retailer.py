"""A retailer who joins by an import: a merchant with a currency of its own, whose points never expire."""

from __future__ import annotations

from sqlalchemy import text
from sqlalchemy.ext.asyncio import AsyncConnection

from ledger.merchants import merchant as merchants
from ledger.merchants.merchant import Merchant, Never, NoSuchMerchant, Terms

MINOR_PER_POINT = 1
"""The published value of such a point: one penny, until the merchant publishes another."""


def terms(currency: int) -> Terms:
    """Points available at once that never expire, in the retailer's own currency."""
    return Terms(currency=currency, life=Never(), return_days=0, accepts_common=False)


async def find_or_create(
    tx: AsyncConnection, code: str, *, name_zh: str, name_en: str, money: str
) -> tuple[Merchant, bool]:
    """The merchant of this code, and whether this call made it (with its currency; its rules are the caller's)."""
    await tx.execute(text("SELECT pg_advisory_xact_lock(hashtextextended('currencies', 0))"))
    try:
        return await merchants.by_code(tx, code), False
    except NoSuchMerchant:
        pass
    currency = await tx.scalar(text("SELECT coalesce(max(id), 0) + 1 FROM currency WHERE id > 0"))
    currency = max(2, int(currency or 0))  # 1 is the coalition's
    made = await merchants.create(
        tx,
        code=code,
        name_zh=name_zh,
        name_en=name_en,
        category="retail",
        money=money,
        terms=terms(currency),
    )
    await tx.execute(
        text(
            "INSERT INTO currency (id, code, issuer_id, name_zh, name_en, value_minor, value_points, money)"
            " VALUES (:id, :code, :issuer, :zh, :en, :value, 1, :money)"
        ),
        {
            "id": currency,
            "code": code,
            "issuer": made.id,
            "zh": f"{name_zh}积分",
            "en": f"{name_en} points",
            "value": MINOR_PER_POINT,
            "money": money,
        },
    )
    return made, True
