"""The names that screens speak of: point currencies and merchants, read once for a screen."""

from __future__ import annotations

from dataclasses import dataclass

from sqlalchemy.ext.asyncio import AsyncConnection

from chat.words import Both, Money, Points, Text, t
from ledger.merchants import merchant as merchants
from ledger.merchants.merchant import Named
from ledger.points import statements
from ledger.points.statements import Currency


@dataclass(frozen=True, slots=True)
class Known:
    """Currencies and merchants by id."""

    currencies: dict[int, Currency]
    merchants: dict[int, Named]

    def points(self, currency_id: int, points: int) -> Points:
        """So many points of a currency, with its unit: «320 分», «15,000 铁路积分»."""
        currency = self.currencies[currency_id]
        if currency.issuer_id is None:
            return Points(points)
        one = currency.name_en_one if abs(points) == 1 else None
        return Points(points, Both(currency.name_zh, one or currency.name_en))

    def currency(self, currency_id: int) -> Both:
        """The name of a currency."""
        currency = self.currencies[currency_id]
        return Both(currency.name_zh, currency.name_en)

    def worth(self, currency_id: int, points: int) -> Money | None:
        """What so many points are worth at the published value; None where that is nothing."""
        currency = self.currencies[currency_id]
        minor = currency.worth(points)
        return Money(minor, currency.money) if minor else None

    def merchant(self, merchant_id: int | None) -> Both | Text:
        """The name of a merchant; of the programme where there is none."""
        found = self.merchants.get(merchant_id) if merchant_id is not None else None
        return Both(found.name_zh, found.name_en) if found else t("积分计划")


async def read(tx: AsyncConnection) -> Known:
    """All currencies and merchants: some dozens of rows."""
    return Known(await statements.currencies(tx), await merchants.names(tx))
