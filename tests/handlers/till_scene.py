"""A shop and its people, for dialogues at the counter: who they are, their posts, the double's persons."""

from __future__ import annotations

import datetime as dt
from dataclasses import dataclass
from decimal import Decimal
from typing import Any

from bot.double.people import Person
from ledger.earning import awards, rulebook
from ledger.earning.rules.documents import Base
from ledger.members import card, operators, person
from ledger.merchants import merchant as merchants
from ledger.merchants import staff
from ledger.points.commands import Moment
from tests.driver import ZONE, World


@dataclass
class Shop:
    """The supermarket of the tests' coalition, with an owner, a manager and two cashiers, and a customer."""

    world: World
    owner: Person
    manager: Person
    cashier: Person
    colleague: Person
    customer: Person

    async def card(self, seed: str = "", who: Person | None = None, seconds: int = 60) -> str:
        """A fresh card code of the customer, as they would show it."""
        async with self.world.database.engine.begin() as tx:
            member = await person.find(tx, self.world.vault, (who or self.customer).id)
            assert member is not None
            made = await card.issue(
                tx, member, seed=seed or str(self.world.now()), seconds=seconds, now=self.world.now()
            )
        return made.code

    async def give(self, cashier: Person, amount: str, code: str = "") -> None:
        """One whole award, from the card to the tap."""
        await cashier.says(f"/award {code or await self.card()}")
        await cashier.sees("收了多少钱", fresh=True)
        await cashier.says(amount)
        await cashier.sees("→", fresh=True)
        await cashier.taps("确认")
        await cashier.sees("已记", fresh=True)

    async def book(self, label: str, *yuan: int) -> None:
        """Awards of a till, booked without its chat."""
        now = self.world.now()
        at = Moment(now, now.astimezone(ZONE).date())
        async with self.world.database.engine.begin() as tx:
            market = await merchants.by_code(tx, "market")
            till = next(one for one in await staff.team(tx, market.id) if one.label == label)
            member = await person.find(tx, self.world.vault, self.customer.id)
            assert member is not None
            for number, amount in enumerate(yuan):
                nonce = f"{label}-{number}"
                one = awards.intended(market, till, member_id=member, amount_minor=amount * 100, nonce=nonce, at=at)
                await awards.award(tx, till, one, at=at, zone=ZONE, vault=self.world.vault)


async def open_shop(world: World, *, rate: str = "1", language: str = "zh-hans") -> Shop:
    """Everybody has joined; the rule is one point per yuan unless said otherwise."""
    names = ["店主阿云", "店长小山", "收银小红", "收银小蓝", "小明"]
    people = [await world.member(name, language) for name in names]
    if language == "en":
        await world.sql("UPDATE member SET language = 'en'")
    async with world.database.engine.begin() as tx:
        market = await merchants.by_code(tx, "market")
        await rulebook.publish(
            tx,
            code="market-base",
            merchant_id=market.id,
            rule=Base(rate=Decimal(rate)),
            valid_from=dt.date(2020, 1, 1),
            made_by="test",
            at=world.now(),
        )
        posts = [("owner", "店主"), ("manager", "店长"), ("cashier", "3号台"), ("cashier", "4号台")]
        for who, (role, label) in zip(people[:4], posts, strict=True):
            member = await person.find(tx, world.vault, who.id)
            assert member is not None
            await staff.add(
                tx, merchant_id=market.id, member_id=member, role=role, label=label, by="test", now=world.now()
            )
    return Shop(world, *people)


async def make_operator(world: World, who: Person, *roles: str) -> None:
    """Gives a member operator's roles."""
    async with world.database.engine.begin() as tx:
        member = await person.find(tx, world.vault, who.id)
        assert member is not None
        for role in roles:
            await operators.add(tx, member, role, now=world.now())


def printed(who: Person) -> str:
    """The newest screen as people read it: its text, then its rows of buttons."""
    message: Any = who.last
    rows = ["  ".join(f"[{button.text}]" for button in row) for row in message.buttons or []]
    return "\n".join([message.text or message.caption or "", *rows])


async def second_post(world: World, who: Person, merchant_code: str, label: str) -> None:
    """One more post, at another merchant."""
    async with world.database.engine.begin() as tx:
        merchant = await merchants.by_code(tx, merchant_code)
        member = await person.find(tx, world.vault, who.id)
        assert member is not None
        await staff.add(
            tx, merchant_id=merchant.id, member_id=member, role="cashier", label=label, by="test", now=world.now()
        )
