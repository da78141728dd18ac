"""A shelf with something of everything, for dialogues about the catalog and redeeming."""

from __future__ import annotations

import datetime as dt
import itertools

from sqlalchemy.ext.asyncio import AsyncConnection

from bot.double.double import Person
from chat.words import Speaker
from ledger.merchants import merchant as merchants
from ledger.merchants import staff
from ledger.merchants.merchant import Terms
from ledger.points.commands import Accrue, Moment, member
from ledger.points.engine import post
from ledger.redeeming import codes, counter
from ledger.redeeming.offers import Names, Offer, PerMoney, PerUnit
from ledger.redeeming.publish import publish
from ledger.redeeming.vouchers import Redemption
from tests import turns
from tests.driver import ZONE, World, coalition

_numbers = itertools.count(1)


def offer(code: str, zh: str, en: str, merchant: str, price: PerUnit | PerMoney, **more: object) -> Offer:
    """An offer document with the usual rest."""
    kind = "variable_voucher" if isinstance(price, PerMoney) else "goods"
    given = {"kind": kind, "category": "gifts", **more}
    return Offer(code=code, name=Names(zh=zh, en=en), merchant=merchant, price=price, **given)  # type: ignore[arg-type]


BOX = offer(
    "box", "进口水果礼盒", "Imported fruit box", "fruit", PerUnit(points=500, value_minor=2500, most_units=3),
    category="fruit", about=Names(zh="当天切好装盒。", en="Cut and packed the same day."), photo="box",
)  # fmt: skip
VOUCHER = offer(
    "voucher", "超市代金券", "Supermarket voucher", "market",
    PerMoney(points=50, least_minor=2000, step_minor=400, most_minor=20000), category="grocery",
)  # fmt: skip
TICKET = offer("ticket", "短途车票", "Short ride", "rail", PerUnit(points=1000, value_minor=1000), currency="rail",
               category="travel", kind="voucher", unused="forfeit")  # fmt: skip


async def shop(tx: AsyncConnection) -> None:
    """The coalition, a fruit shop, and three offers."""
    await coalition(tx)
    await merchants.create(
        tx, code="fruit", name_zh="鲜果時光", name_en="Fresh Fruit Time", category="fruit", terms=Terms()
    )
    for each in (BOX, VOUCHER, TICKET):
        await publish(tx, each, now=turns.NOW, today=turns.TODAY)


async def shelve(world: World, *offers: Offer) -> list[int]:
    """Publish more, or new versions; their ids."""
    at = moment(world)
    async with world.database.engine.begin() as tx:
        return [await publish(tx, each, now=at.now, today=at.today) for each in offers]


def moment(world: World) -> Moment:
    """The present of a world whose programme clock has not been moved."""
    return Moment(world.now(), world.now().astimezone(ZONE).date())


async def member_id(world: World, person: Person) -> int:
    """The member that a person has become."""
    [row] = await world.sql(
        "SELECT member_id FROM person WHERE telegram_index = :index", index=world.vault.blind("telegram", person.id)
    )
    return int(row[0])


async def gives(world: World, person: Person, points: int, *, merchant: str = "market", days: int | None = 400) -> None:
    """Points for somebody, good for so many days (None: for ever)."""
    at = moment(world)
    async with world.database.engine.begin() as tx:
        shop_ = await merchants.by_code(tx, merchant)
        await post(
            tx,
            Accrue(
                key=f"gives:{next(_numbers)}",
                owner=member(await member_id(world, person)),
                currency=shop_.terms.currency,
                at=at,
                actor="test",
                issuer_id=shop_.id,
                merchant_id=shop_.id,
                points=points,
                available_on=at.today,
                expires_on=None if days is None else at.today + dt.timedelta(days=days),
            ),
        )


async def coming(world: World, person: Person, points: int, days: int) -> None:
    """Points that become available in so many days."""
    at = moment(world)
    async with world.database.engine.begin() as tx:
        shop_ = await merchants.by_code(tx, "market")
        await post(
            tx,
            Accrue(
                key=f"gives:{next(_numbers)}", owner=member(await member_id(world, person)), currency=1, at=at, actor="test",
                issuer_id=shop_.id, points=points, available_on=at.today + dt.timedelta(days=days), expires_on=None,
            ),
        )  # fmt: skip


async def till(world: World, merchant: str) -> staff.Staff:
    """A cashier of a merchant."""
    async with world.database.engine.begin() as tx:
        shop_ = await merchants.by_code(tx, merchant)
        return await staff.add(
            tx,
            merchant_id=shop_.id,
            member_id=10_000 + next(_numbers),
            role="cashier",
            label="3号台",
            by="test",
            now=world.now(),
        )


async def uses(world: World, cashier: staff.Staff, code: str) -> Redemption:
    """The cashier takes a voucher."""
    async with world.database.engine.begin() as tx:
        used = await counter.use(tx, cashier, code, vault=world.vault, at=moment(world))
    assert isinstance(used, Redemption), used
    return used


def code_on(person: Person) -> str:
    """The code on the newest screen."""
    words = (word.strip() for word in person.last.shown.split("\n"))
    return next(code for word in words if (code := codes.read(word)) is not None)


def day(world: World, days: int, language: str = "zh") -> str:
    """A date as screens write it."""
    today = moment(world).today
    return Speaker(language, today, ZONE).plain(today + dt.timedelta(days=days))


async def spent(world: World) -> tuple[int, int]:
    """How many redemptions there are, and how many points burned for them."""
    [row] = await world.sql("SELECT count(*), coalesce(sum(points), 0) FROM entry WHERE kind = 'burn'")
    return int(row[0]), int(row[1])
