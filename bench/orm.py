"""The rival that most applications would be: the same effect through SQLAlchemy's ORM, one session and one commit per happening."""

from __future__ import annotations

import asyncio
import datetime as dt
import hashlib
from typing import Any

from sqlalchemy import select
from sqlalchemy.ext.asyncio import AsyncSession, async_sessionmaker, create_async_engine
from sqlalchemy.orm import DeclarativeBase

from ledger.points import tables

TODAY = dt.date(2026, 11, 22)
NOW = dt.datetime(2026, 11, 22, 4, tzinfo=dt.UTC)


class Base(DeclarativeBase):
    """The engine's own tables, mapped."""

    metadata = tables.metadata


class Account(Base):
    __table__ = tables.account


class Entry(Base):
    __table__ = tables.entry


class Lot(Base):
    __table__ = tables.lot


class Posting(Base):
    __table__ = tables.posting


class Position(Base):
    __table__ = tables.position


class Hold(Base):
    __table__ = tables.hold


class Rival:
    """`connections` sessions at once."""

    def __init__(self, url: str, connections: int) -> None:
        self._engine = create_async_engine(url, pool_size=connections, max_overflow=0)
        self._sessions = async_sessionmaker(self._engine, expire_on_commit=False)
        self._callers = connections
        self._next = 500_000_000_000

    def _id(self) -> int:
        self._next += 1
        return self._next

    async def close(self) -> None:
        await self._engine.dispose()

    async def run(self, verb: str, work: list[tuple[str, int, int]]) -> float:
        queue = iter(work)

        async def caller() -> None:
            for key, who, other in queue:
                async with self._sessions.begin() as session:
                    await self._happen(session, verb, key, who, other)

        loop = asyncio.get_running_loop()
        began = loop.time()
        await asyncio.gather(*[caller() for _ in range(self._callers)])
        return len(work) / (loop.time() - began)

    async def _happen(self, session: AsyncSession, verb: str, key: str, who: int, other: int) -> None:
        purposes = {"hold": ["available", "held"]}.get(verb, ["available"])
        owners = [who, other] if verb == "transfer" else [who]
        wanted = (
            select(Account)
            .where(Account.owner_id.in_(owners), Account.purpose.in_(purposes), Account.owner_kind == "member")
            .order_by(Account.id)
            .with_for_update()
        )
        accounts = {(a.owner_id, a.purpose): a for a in (await session.scalars(wanted)).all()}
        if await session.scalar(select(Entry).where(Entry.key == key)):
            return
        source = accounts[who, "available"]
        points = 30
        positions: list[tuple[Any, Any]] = []
        if verb != "accrue":
            lots = (
                select(Position, Lot)
                .join(Lot, Lot.id == Position.lot_id)
                .where(Position.account_id == source.id)
                .order_by(Position.due_on.nulls_last(), Lot.available_on, Lot.id)
            )
            positions = [(p, lot) for p, lot in (await session.execute(lots)).all()]
            if verb == "expire":
                points = sum(p.points for p, _ in positions if p.due_on <= TODAY)
            if source.balance < points:
                raise RuntimeError("too few")
        entry = Entry(
            owner_id=who,
            id=self._id(),
            key=key,
            fingerprint=hashlib.sha256(key.encode()).digest(),
            kind=verb,
            owner_kind="member",
            counter_kind="member" if verb == "transfer" else None,
            counter_id=other if verb == "transfer" else None,
            currency_id=1,
            points=points,
            issuer_id=1,
            merchant_id=1,
            actor="bench",
            facts={},
            occurred_at=NOW,
            posted_at=NOW,
            posted_on=TODAY,
        )
        session.add(entry)
        if verb == "accrue":
            lot = self._lot(who, entry, points, dt.date(2027, 11, 30), None)
            session.add(lot)
            self._move(session, entry, source, lot, points, new=True)
            self._post(session, entry, 1, lot, -points)
            return
        parts = []
        lacking = points
        for position, lot in positions:
            taken = min(lacking, position.points)
            if not taken:
                break
            lacking -= taken
            parts.append((lot.id, taken))
            source.balance -= taken
            source.version += 1
            self._post(session, entry, source.id, lot, -taken, source)
            if taken == position.points:
                await session.delete(position)
            else:
                position.points -= taken
            if verb == "burn":
                self._post(session, entry, 2, lot, taken)
            elif verb == "expire":
                self._post(session, entry, 3, lot, taken)
            elif verb == "transfer":
                child = self._lot(other, entry, taken, lot.expires_on, lot.id)
                session.add(child)
                self._move(session, entry, accounts[other, "available"], child, taken, new=True)
            else:
                held = accounts[who, "held"]
                there = await session.get(Position, (held.id, lot.id))
                self._move(session, entry, held, lot, taken, new=there is None)
                if there is not None:
                    there.points += taken
        if verb == "hold":
            ids, amounts = zip(*parts, strict=True)
            session.add(
                Hold(
                    owner_id=who,
                    id=entry.id,
                    owner_kind="member",
                    currency_id=1,
                    points=points,
                    lot_ids=list(ids),
                    lot_points=list(amounts),
                )
            )

    def _lot(self, who: int, entry: Any, points: int, ends: dt.date, parent: int | None) -> Any:
        return Lot(
            id=self._id(),
            owner_kind="member",
            owner_id=who,
            issuer_id=1,
            currency_id=1,
            entry_id=entry.id,
            available_on=TODAY,
            expires_on=ends,
            points=points,
            parent_lot_id=parent,
        )

    def _move(self, session: AsyncSession, entry: Any, account: Any, lot: Any, points: int, *, new: bool) -> None:
        account.balance += points
        account.version += 1
        self._post(session, entry, account.id, lot, points, account)
        if new:
            due = lot.expires_on + dt.timedelta(days=1) if account.purpose == "available" else None
            session.add(Position(account_id=account.id, lot_id=lot.id, points=points, due_on=due))

    def _post(self, session: AsyncSession, entry: Any, account: int, lot: Any, points: int, owned: Any = None) -> None:
        session.add(
            Posting(
                account_id=account,
                number=owned.version if owned is not None else self._id(),
                entry_id=entry.id,
                lot_id=lot.id,
                issuer_id=1,
                points=points,
                balance_after=owned.balance if owned is not None else None,
            )
        )
