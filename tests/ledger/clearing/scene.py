"""A coalition whose weeks are closed: the stage of redeeming, with prices, burns and returns on chosen days."""

from __future__ import annotations

import datetime as dt
import itertools

from sqlalchemy import text

from ledger.clearing import close, file, positions
from ledger.clearing.derive import Line
from ledger.members.member import Member
from ledger.points import engine
from ledger.points.commands import Burn, Moment, Receipt, Reinstate, member
from ledger.programme import Programme
from ledger.redeeming import counter
from ledger.redeeming.vouchers import Redemption
from tests.ledger.redeeming.stage import TODAY, Stage, at, offer, per_unit

FIRST = dt.date(2026, 11, 16)
"""The Monday of the week in which the stage's present, Sunday the 22nd, lies."""
SECOND = FIRST + dt.timedelta(days=7)
PROGRAMME = Programme(
    name_zh="云上联盟",
    name_en="Cloud Coalition",
    terms_version="1",
    terms_zh="…",
    terms_en="…",
    welcome_issuer="market",
    clearing_fee_bp=100,
)
BOX = offer("box", "水果礼盒", "Fruit box", "fruit", per_unit(500, 2500))
KEPT = offer("kept", "观景位", "Window seat", "fruit", per_unit(500), unused="forfeit", validity_days=2)
LAPSES = offer("lapses", "小样", "Sample", "fruit", per_unit(500), validity_days=2)

_numbers = itertools.count(1)


def day(days: int) -> Moment:
    """So many days after Sunday the 22nd."""
    return at(days=days)


async def used(stage: Stage, who: Member, offer_id: int, *, on: Moment | None = None) -> Redemption:
    """Redeemed on the 22nd, and used on a day."""
    made = await stage.redeem(who, offer_id)
    till = await stage.staff("fruit")
    async with stage.engine.begin() as tx:
        found = await counter.use(tx, till, made.code, vault=stage.vault, at=on or at())
    assert isinstance(found, Redemption), found
    return found


async def burned(stage: Stage, who: Member, points: int, merchant: str, on: Moment | None = None) -> Receipt:
    """A burn without a voucher."""
    async with stage.engine.begin() as tx:
        return await engine.post(
            tx,
            Burn(
                key=f"burn:{next(_numbers)}",
                owner=member(who.id),
                currency=1,
                at=on or at(),
                actor="test",
                merchant_id=stage.merchants[merchant].id,
                points=points,
            ),
        )


async def returned(stage: Stage, who: Member, entry_id: int, points: int | None, on: Moment) -> Receipt:
    """Points of a burn given back."""
    async with stage.engine.begin() as tx:
        return await engine.post(
            tx,
            Reinstate(
                key=f"return:{next(_numbers)}",
                owner=member(who.id),
                currency=1,
                at=on,
                actor="test",
                entry_id=entry_id,
                points=points,
                grace_days=30,
            ),
        )


async def closed(stage: Stage, on: Moment, programme: Programme = PROGRAMME) -> list[Line] | None:
    """Close the next week that is over; its lines, None where there is none."""
    async with stage.engine.begin() as tx:
        done = await close.close_next(tx, programme, at=on)
    return None if done is None else done[1]


async def table(stage: Stage, week: dt.date) -> list[str]:
    """Everybody's positions: «fruit: 300 taken, own 200, gets 600 fee 6, net 594»; then the operator's."""
    names = {merchant.id: code for code, merchant in stage.merchants.items()}
    async with stage.engine.begin() as tx:
        found = await positions.positions(tx, week)
        rest = await positions.operator_minor(tx, week)
    rows = [
        f"{names[p.merchant_id]}/{p.currency_id}: elsewhere {p.elsewhere} taken {p.taken} own {p.own}"
        f" pays {p.pays_minor} gets {p.gets_minor} fee {p.fee_minor} net {p.net_minor}"
        for p in found
    ]
    return [*rows, *(f"operator {minor}" for minor in rest.values())]


async def rebuilds(stage: Stage, week: dt.date) -> bool:
    """Whether deriving a closed week again gives its file, byte for byte, and its digest."""
    async with stage.engine.begin() as tx:
        again, kept = await close.rebuilt(tx, week), await close.lines_of(tx, week)
        sealed = (await close.one(tx, week)).digest
    return file.written(again) == file.written(kept) and file.digest(again) == sealed


async def sql(stage: Stage, statement: str, **values: object) -> list[tuple[object, ...]]:
    """Rows of one statement, committed."""
    async with stage.engine.begin() as tx:
        found = await tx.execute(text(statement), values)
        return [tuple(row) for row in found] if found.returns_rows else []


__all__ = ["TODAY", "at"]
