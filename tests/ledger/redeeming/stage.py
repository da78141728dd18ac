"""A small coalition to redeem in: two currencies, three merchants, members with points. Every time is given, none is read."""

from __future__ import annotations

import datetime as dt
import hashlib
import itertools
from dataclasses import dataclass, field
from typing import Any

from sqlalchemy import text
from sqlalchemy.ext.asyncio import AsyncConnection, AsyncEngine

from ledger.members.member import Member
from ledger.members.vault import Vault
from ledger.merchants import merchant as merchants
from ledger.merchants import staff
from ledger.merchants.merchant import Merchant, Terms
from ledger.points import engine, statements
from ledger.points.commands import Accrue, Moment, member
from ledger.redeeming import codes, redemptions, shelf
from ledger.redeeming.offers import Limits, Names, Offer, PerMoney, PerUnit
from ledger.redeeming.publish import publish
from ledger.redeeming.redemptions import Redeemed

TODAY = dt.date(2026, 11, 22)
NOW = dt.datetime(2026, 11, 22, 4, 0, tzinfo=dt.UTC)
COMMON, RAIL = 1, 2

_numbers = itertools.count(1)


def at(days: int = 0, minutes: int = 0) -> Moment:
    """A moment so many days and minutes after noon of the 22nd in Shanghai."""
    return Moment(NOW + dt.timedelta(days=days, minutes=minutes), TODAY + dt.timedelta(days=days))


def entropy(n: int) -> bytes:
    """Bytes that differ at every call and are the same at every run."""
    return b"".join(hashlib.sha256(f"{next(_numbers)}".encode()).digest() for _ in range(n // 32 + 1))[:n]


def vault() -> Vault:
    """The vault of every test here."""
    return Vault("a secret of the tests", entropy)


def per_unit(points: int, value: int = 0, most: int = 1, cash: int = 0) -> PerUnit:
    """A price a piece."""
    return PerUnit(points=points, value_minor=value, most_units=most, cash_minor=cash)


def per_yuan(points: int, least: int, step: int, most: int) -> PerMoney:
    """A price per yuan, in yuan."""
    return PerMoney(points=points, least_minor=least * 100, step_minor=step * 100, most_minor=most * 100)


def offer(code: str, zh: str, en: str, merchant: str, price: PerUnit | PerMoney, **more: Any) -> Offer:
    """An offer document with the usual rest."""
    kind = "variable_voucher" if isinstance(price, PerMoney) else "goods"
    given = {"kind": kind, "category": "other", "limits": Limits(), **more}
    return Offer(code=code, name=Names(zh=zh, en=en), merchant=merchant, price=price, **given)


@dataclass
class Stage:
    """A database with the coalition in it."""

    engine: AsyncEngine
    vault: Vault = field(default_factory=vault)
    merchants: dict[str, Merchant] = field(default_factory=dict)

    async def set_up(self) -> Stage:
        """Currencies and merchants."""
        async with self.engine.begin() as tx:
            for code, zh, en, category, currency in (
                ("market", "云山超市", "Yunshan Market", "grocery", COMMON),
                ("fruit", "鲜果時光", "Fresh Fruit Time", "fruit", COMMON),
                ("rail", "南线铁路", "Southern Rail", "travel", RAIL),
            ):
                self.merchants[code] = await merchants.create(
                    tx, code=code, name_zh=zh, name_en=en, category=category, terms=Terms(currency=currency)
                )
            await tx.execute(
                text(
                    "INSERT INTO currency (id, code, issuer_id, name_zh, name_en, value_minor, value_points) VALUES"
                    " (1, 'common', NULL, '联盟积分', 'common points', 200, 100),"
                    " (2, 'rail', :rail, '铁路积分', 'rail points', 100, 100)"
                ),
                {"rail": self.merchants["rail"].id},
            )
        return self

    async def member(self, *lots: tuple[int, str], currency: int = COMMON, issuer: str = "market") -> Member:
        """A member holding lots of (points, last day); «-» never ends, «pending 2026-11-29» is not yet available."""
        async with self.engine.begin() as tx:
            row = await tx.execute(
                text("INSERT INTO member (status, joined_on) VALUES ('active', :today) RETURNING id"), {"today": TODAY}
            )
            who = Member(row.scalar_one(), "active", joined_on=TODAY)
            key = self.vault.new_key()
            await tx.execute(
                text("INSERT INTO person (member_id, telegram_index, key, box) VALUES (:id, :index, :key, :box)"),
                {
                    "id": who.id,
                    "index": self.vault.blind("telegram", who.id),
                    "key": key,
                    "box": self.vault.seal(key, {"telegram_id": who.id, "chat_id": who.id, "name": "小明"}),
                },
            )
            await self.give(tx, who, *lots, currency=currency, issuer=issuer)
        return who

    async def give(
        self, tx: AsyncConnection, who: Member, *lots: tuple[int, str], currency: int = COMMON, issuer: str = "market"
    ) -> None:
        """More points, as `member` takes them."""
        for points, life in lots:
            pending = life.startswith("pending ")
            starts = dt.date.fromisoformat(life.removeprefix("pending ")) if pending else TODAY
            ends = None if pending or life == "-" else dt.date.fromisoformat(life)
            await engine.post(
                tx,
                Accrue(
                    key=f"give:{next(_numbers)}",
                    owner=member(who.id),
                    currency=currency,
                    at=at(),
                    actor="test",
                    issuer_id=self.merchants[issuer].id,
                    points=points,
                    available_on=starts,
                    expires_on=ends,
                ),
            )

    async def publish(self, *offers: Offer, when: Moment | None = None) -> list[int]:
        """Put offers on the shelf; their ids."""
        when = when or at()
        async with self.engine.begin() as tx:
            return [await publish(tx, each, now=when.now, today=when.today) for each in offers]

    async def staff(self, merchant: str, label: str = "3号台") -> staff.Staff:
        """A cashier."""
        async with self.engine.begin() as tx:
            who = await tx.scalar(text("INSERT INTO member (status) VALUES ('active') RETURNING id"))
            return await staff.add(
                tx,
                merchant_id=self.merchants[merchant].id,
                member_id=who or 0,
                role="cashier",
                label=label,
                by="test",
                now=NOW,
            )

    async def redeem(
        self,
        who: Member,
        offer_id: int,
        amount: int | None = None,
        *,
        nonce: str | None = None,
        when: Moment | None = None,
        undo_minutes: int = 10,
        slot: dt.datetime | None = None,
        outlet_id: int | None = None,
        pool_id: int | None = None,
    ) -> Redeemed:
        """Redeem at the price of this moment, in a transaction of its own."""
        async with self.engine.begin() as tx:
            return await self.redeem_in(
                tx,
                who,
                offer_id,
                amount,
                nonce=nonce,
                when=when,
                undo_minutes=undo_minutes,
                slot=slot,
                outlet_id=outlet_id,
                pool_id=pool_id,
            )

    async def redeem_in(
        self,
        tx: AsyncConnection,
        who: Member,
        offer_id: int,
        amount: int | None = None,
        *,
        nonce: str | None = None,
        when: Moment | None = None,
        undo_minutes: int = 10,
        slot: dt.datetime | None = None,
        outlet_id: int | None = None,
        pool_id: int | None = None,
    ) -> Redeemed:
        """Redeem in the transaction given."""
        listed = await shelf.one(tx, offer_id)
        quote = listed.offer.price.quote(listed.offer.price.least if amount is None else amount)
        return await redemptions.redeem(
            tx,
            who,
            offer_id,
            amount=quote.amount,
            version=listed.version,
            points=quote.points,
            slot=slot,
            outlet_id=outlet_id,
            nonce=nonce or f"n{next(_numbers)}",
            code=codes.mint(entropy(24)),
            vault=self.vault,
            undo_minutes=undo_minutes,
            at=when or at(),
            actor=f"member:{who.id}",
            pool_id=pool_id,
        )

    async def available(self, who: Member, currency: int = COMMON, when: Moment | None = None) -> int:
        """What the member can spend."""
        async with self.engine.begin() as tx:
            held = await shelf.purse(tx, who, today=(when or at()).today)
        return next((h.available for h in held if h.currency.id == currency), 0)

    async def schedule(self, who: Member, when: Moment | None = None) -> list[tuple[str, int]]:
        """The member's available points by their last day."""
        async with self.engine.begin() as tx:
            due = await statements.schedule(tx, who.owner, today=(when or at()).today)
        return [(str(d.expires_on or "-"), d.points) for d in due]

    async def taken(self, offer_id: int) -> dict[str, int]:
        """Pieces taken, by the stock row's day."""
        async with self.engine.begin() as tx:
            rows = await tx.execute(text("SELECT day, taken FROM offer_stock WHERE offer_id = :id"), {"id": offer_id})
            return {str(row.day): row.taken for row in rows}
