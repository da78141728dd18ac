"""A week between two merchants, closed: the supermarket's points, spent at the fruit shop."""

from __future__ import annotations

import datetime as dt
import itertools
from dataclasses import dataclass

from bot.double.double import Person
from bot.double.messages import Button
from ledger.clearing import close
from ledger.clearing.derive import Line
from ledger.members import operators
from ledger.members.member import Member
from ledger.merchants import merchant as merchants
from ledger.merchants import staff
from ledger.points.commands import Moment
from ledger.redeeming import codes, counter, redemptions, shelf
from ledger.redeeming.vouchers import Redemption
from tests import turns
from tests.driver import ZONE, World
from tests.handlers import shop

_numbers = itertools.count(1)
PROGRAMME = turns.PROGRAMME.model_copy(update={"clearing_fee_bp": 100})


@dataclass
class Settled:
    """Who is there, and what was closed."""

    world: World
    customer: Person
    market_owner: Person
    fruit_manager: Person
    cashier: Person
    operator: Person
    lines: list[Line]


async def opens(who: Person, data: str) -> None:
    """Taps a door, wherever it stood."""
    who.presses(who.last, Button("", data, None, {}))


async def works(world: World, who: Person, merchant: str, role: str) -> None:
    """A post at a merchant."""
    async with world.database.engine.begin() as tx:
        place = await merchants.by_code(tx, merchant)
        facts = {"merchant_id": place.id, "member_id": await shop.member_id(world, who), "role": role, "label": role}
        await staff.add(tx, **facts, by="test", now=world.now())


async def runs_the_programme(world: World, who: Person, role: str = "finance") -> None:
    """An operator's role."""
    async with world.database.engine.begin() as tx:
        await operators.add(tx, await shop.member_id(world, who), role, now=world.now())


def moment(world: World, days: int = 0) -> Moment:
    """The present, with the programme's clock so many days ahead."""
    return Moment(world.now(), world.now().astimezone(ZONE).date() + dt.timedelta(days=days), days)


async def box_used(world: World, who: Person, days: int = 0) -> None:
    """A fruit box redeemed, and its code taken by the fruit shop."""
    at = moment(world, days)
    code = codes.mint(bytes([next(_numbers)] * 24))
    async with world.database.engine.begin() as tx:
        (offer_id,) = (await tx.exec_driver_sql("SELECT id FROM offer WHERE code = 'box'")).one()
        member = await shop.member_id(world, who)
        listed = await shelf.one(tx, offer_id)
        quote = listed.offer.price.quote(1)
        await redemptions.redeem(
            tx, Member(member, "active"), offer_id, amount=1, version=listed.version, points=quote.points,
            nonce=f"box-{next(_numbers)}", code=code, vault=world.vault, undo_minutes=10, at=at, actor=f"member:{member}",
        )  # fmt: skip
    till = await shop.till(world, "fruit")
    async with world.database.engine.begin() as tx:
        assert isinstance(await counter.use(tx, till, code, vault=world.vault, at=at), Redemption)


async def monday(world: World) -> list[Line]:
    """The programme's clock moves past Monday's midnight, and the week is closed."""
    await world.clock.move(1)
    async with world.database.engine.begin() as tx:
        done = await close.close_next(tx, PROGRAMME, at=moment(world, 1))
    assert done is not None
    return done[1]


async def settled(world: World, boxes: int = 1, language: str = "zh-hans") -> Settled:
    """Everybody has joined; so many boxes were taken, and their week is closed."""
    names = ("小明", "王店长", "鲜果店长", "收银小红", "林运营")
    people = [await world.member(name, language) for name in names]
    customer, owner, manager, cashier, operator = people
    await works(world, owner, "market", "owner")
    await works(world, manager, "fruit", "manager")
    await works(world, cashier, "market", "cashier")
    await runs_the_programme(world, operator)
    await shop.gives(world, customer, 500 * boxes)
    for _ in range(boxes):
        await box_used(world, customer)
    return Settled(world, customer, owner, manager, cashier, operator, await monday(world))
