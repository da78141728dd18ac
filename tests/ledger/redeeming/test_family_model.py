"""Random people, families, pools, gifts, invitations, things had together, refunds: beside a model that knows no database.

What people may do is written here from the rules, with sets and dictionaries; what becomes of the points is reckoned by the
ledger's own independent model (`tests/ledger/points/model.py`). After each step every lot is where the model has it: whose it is,
who issued it, until when, in which purse, pool or hold; and everybody owes what they owe there. `JIFEN_DEEP=1` walks for longer.
"""

from __future__ import annotations

import copy
import datetime as dt
import itertools
import os
import random
from collections import Counter
from collections.abc import Awaitable, Callable
from dataclasses import dataclass, field
from decimal import Decimal
from typing import Any
from zoneinfo import ZoneInfo

import pytest
from sqlalchemy import text
from sqlalchemy.ext.asyncio import AsyncConnection

from ledger.earning import intake, referrals, refunds, rulebook
from ledger.earning.intake import Intended
from ledger.earning.rules.bill import Bill, Part
from ledger.earning.rules.documents import Base
from ledger.errors import Refusal
from ledger.members import families, gifts, leaving, pools
from ledger.members.member import Member
from ledger.merchants import merchant as merchants
from ledger.merchants.merchant import MonthsToMonthEnd, Terms
from ledger.points import commands as c
from ledger.points.audit import audit
from ledger.programme import Families, Gifts, Referrals
from ledger.redeeming import codes, lapses, redemptions, shelf, together
from ledger.redeeming.offers import Together
from tests.ledger.members.homes import VAULT, invited
from tests.ledger.points.model import Book, Done
from tests.ledger.redeeming.stage import COMMON, TODAY, Stage, at, entropy, offer, per_unit
from tests.turns import PROGRAMME

WALKS, STEPS = (60, 400) if os.environ.get("JIFEN_DEEP") else (10, 200)
ZONE = ZoneInfo("Asia/Shanghai")
RULES = Families(people_most=3, join_delay_days=0, rejoin_days=0)
GIFTS = Gifts(points_least=5, give_day=9**9, give_year=9**9, take_day=9**9, take_year=9**9, account_days=0, hours=72)
INVITES = Referrals(
    issuer="market", inviter_points=70, friend_points=40, spend_minor=5000, life_months=1, per_month=99, per_year=99,
    burst_people=99, purchase_days=30, family_days=20,
)  # fmt: skip
RULED = PROGRAMME.model_copy(update={"families": RULES, "gifts": GIFTS, "referrals": INVITES})
GRACE = 30
VALID = 4
BOX = offer("box", "礼盒", "Box", "fruit", per_unit(60, 300), validity_days=VALID)
RINGS = offer("rings", "对戒", "Rings", "fruit", per_unit(90, 500), together=Together(percent=30), validity_days=VALID)
CUPS = offer(
    "cups", "对杯", "Cups", "market", per_unit(35, 200), together=Together(codes="two", percent=50), validity_days=VALID
)
PRICES = {"box": 60, "rings": 90, "cups": 35}
SHARES = {"rings": (27, 63, 1), "cups": (35, 35, 2)}
"""Points of whoever begins, of the other, how many redemptions."""

_numbers = itertools.count(1)
Where = tuple[str, int, str, int, int, dt.date]
"""Kind and id of the owner, purpose; the lot's owner, issuer, last day."""


class No(Exception):
    """The model says that it can't be done, and what the refusal is called."""


@dataclass
class Home:
    """A family: who leads it, who is in it, how much each may spend of the pool in a month (None: any)."""

    head: int
    people: list[int]
    most: dict[int, int | None] = field(default_factory=dict)


@dataclass
class Voucher:
    """A redemption: whose, of which purse, on which day, and the model's entry that paid."""

    who: int
    purse: c.Owner
    points: int
    day: int
    entry: int
    live: bool = True


@dataclass
class Bought:
    """A purchase: whose, at which merchant, how much of it is left."""

    who: int
    issuer: int
    minor: int
    day: int
    entry: int


@dataclass
class Invited:
    """A friend's invitation and what came of it."""

    by: int
    day: int
    state: str = "joined"
    purchase: int = 0
    entries: tuple[int, int] = (0, 0)


@dataclass
class Offered:
    """A gift or something begun together that waits: who began, for whom, what it is made of, the last moment."""

    giver: int
    to: int | None
    home: int | None
    entry: int
    ends: dt.datetime
    name: str = ""


@dataclass
class Model:
    """Everything there is, by the rules."""

    book: Book = field(default_factory=Book)
    homes: dict[int, Home] = field(default_factory=dict)
    vouchers: dict[int, Voucher] = field(default_factory=dict)
    bought: dict[int, Bought] = field(default_factory=dict)
    invited: dict[int, Invited] = field(default_factory=dict)
    stays: list[tuple[int, int, int, int | None]] = field(default_factory=list)
    """Family, who, from and until which day."""
    gifts: dict[int, Offered] = field(default_factory=dict)
    pots: dict[int, Offered] = field(default_factory=dict)

    def home_of(self, who: int) -> int | None:
        return next((id_ for id_, home in self.homes.items() if who in home.people), None)

    def home(self, who: int) -> tuple[int, Home]:
        id_ = self.home_of(who)
        if id_ is None:
            raise No("NotInFamily")
        return id_, self.homes[id_]

    def has(self, owner: c.Owner, day: int) -> int:
        return sum(self.book.as_of(owner, COMMON, at(day).today)[0].values())

    def do(self, kind: type[c.Command], owner: c.Owner, day: int, **about: Any) -> Done:
        command = kind(key=f"k{next(_numbers)}", owner=owner, currency=COMMON, at=at(day), actor="model", **about)
        outcome, _, _ = self.book.do(command)
        if isinstance(outcome, Refusal):
            raise No(type(outcome).__name__)
        outcome.engine_id = next(_numbers)
        return outcome

    def goes_home(self, pool: c.Owner, who: int, day: int) -> None:
        """All of somebody's that lies in a pool."""
        try:
            self.do(c.Transfer, pool, day, to=c.member(who), points=None)
        except No as no:
            assert str(no) == "NothingDue"

    def ends(self, id_: int, people: list[int], day: int) -> None:
        """These people's places end."""
        for who in people:
            self.goes_home(pools.owner(id_), who, day)
            self.homes[id_].people.remove(who)
            self.homes[id_].most.pop(who, None)
            self.stays = [
                (f, w, since, day if (f, w, until) == (id_, who, None) else until) for f, w, since, until in self.stays
            ]

    def comes_back(self, these: list[Voucher], day: int) -> None:
        """What these took returns where it was, and goes on to whoever has left there since."""
        for each in these:
            self.do(c.Reinstate, each.purse, day, entry_id=each.entry, grace_days=GRACE)
            each.live = False
        pooled = [each for each in these if each.purse.kind == "pool"]
        for each in pooled:
            past = next(done for done in self.book.entries if done.engine_id == each.entry)
            family = self.homes.get(each.purse.id)
            inside = family.people if family else []
            for owner in sorted({self.book.lots[lot].owner.id for lot, _ in past.parts("burned")}):
                if owner not in inside:
                    self.goes_home(each.purse, owner, day)

    def takes_back(self, who: int, entry: int, issuer: int, points: int, day: int) -> None:
        """A claw-back, from what somebody has, and has in their family's pool."""
        id_ = self.home_of(who)
        pool = None if id_ is None else pools.owner(id_)
        self.do(c.ClawBack, c.member(who), day, entry_id=entry, issuer_id=issuer, points=points, pool=pool)

    def where(self, day: int) -> Counter[Where]:
        """Every point that there is on a day."""
        found: Counter[Where] = Counter()
        today = at(day).today
        owners = {owner for owner, _, currency in self.book.held if currency == COMMON}
        for owner in owners:
            purposes = dict(zip(("available", "pending"), self.book.as_of(owner, COMMON, today), strict=True))
            purposes["held"] = self.book.held[owner, "held", COMMON]
            for purpose, lots in purposes.items():
                for number, points in lots.items():
                    lot = self.book.lots[number]
                    found[owner.kind, owner.id, purpose, lot.owner.id, lot.issuer, lot.good_until] += points
        return +found

    def owed(self) -> Counter[tuple[int, int]]:
        return Counter({(who.id, issuer): n for (who, _, issuer), n in self.book.owed.items() if n})


@dataclass
class Walk:
    """The model beside the real thing."""

    stage: Stage
    chance: random.Random
    model: Model = field(default_factory=Model)
    day: int = 0
    people: list[int] = field(default_factory=list)
    first: int = 0
    done: Counter[str] = field(default_factory=Counter)

    # -- one step

    async def both(
        self, real: Callable[[AsyncConnection], Awaitable[Any]], model: Callable[[], Callable[[Any], None] | None]
    ) -> None:
        """Do it in both; they agree whether it can be done, and on what the refusal is called."""
        before, said, after = copy.deepcopy(self.model), "done", None
        try:
            after = model()
        except No as no:
            self.model, said = before, str(no)
        got, answer = "done", None
        async with self.stage.engine.connect() as tx:
            try:
                answer = await real(tx)
                await tx.commit()
            except Refusal as no:
                await tx.rollback()
                got = type(no).__name__
        assert got == said
        self.done[f"{model.__name__}:{said}"] += 1
        if said == "done" and after is not None:
            after(answer)
        await self.compare()

    async def compare(self) -> None:
        async with self.stage.engine.connect() as tx:
            rows = await tx.execute(_WHERE, {"today": at(self.day).today})
            found: Counter[Where] = Counter()
            for row in rows:
                found[row.owner_kind, row.owner_id, row.purpose, row.whose, row.issuer_id, row.expires_on] += row.points
            owed = Counter({(row.owner_id, row.issuer_id): -row.balance for row in await tx.execute(_OWED)})
        assert found == self.model.where(self.day)
        assert owed == self.model.owed()

    def some(self, n: int = 1) -> list[int]:
        return self.chance.sample(self.people, n)

    def likely(self, fits: Callable[[int], object]) -> int:
        """Mostly somebody for whom it can be done."""
        there = [who for who in self.people if fits(who)]
        return self.chance.choice(there if there and self.chance.random() < 0.85 else self.people)

    def kin(self) -> tuple[int, int]:
        """Mostly two of one family."""
        who = self.likely(self.model.home_of)
        id_ = self.model.home_of(who)
        others = [each for each in (self.model.homes[id_].people if id_ else self.people) if each != who]
        return who, self.chance.choice(others or [each for each in self.people if each != who])

    def rich(self, points: int) -> Callable[[int], bool]:
        return lambda who: self.model.has(c.member(who), self.day) >= points

    def member(self, who: int) -> Member:
        return Member(who, "active", joined_on=TODAY)

    # -- families

    async def found(self) -> None:
        [who] = self.some()

        def found() -> Callable[[Any], None]:
            if self.model.home_of(who) is not None:
                raise No("FamilyAlready")

            def after(made: families.Family) -> None:
                self.model.homes[made.id] = Home(who, [who])
                self.model.stays.append((made.id, who, self.day, None))

            return after

        await self.both(lambda tx: families.found(tx, who, at=at(self.day)), found)

    async def join(self) -> None:
        if not self.model.homes:
            return
        [who], id_ = self.some(), self.chance.choice(list(self.model.homes))
        home = self.model.homes[id_]
        if len(home.people) >= RULES.people_most and self.model.home_of(who) is not None:
            return

        def join() -> None:
            if self.model.home_of(who) is not None:
                raise No("FamilyAlready")
            if len(home.people) >= RULES.people_most:
                raise No("FamilyFull")
            self.model.homes[id_].people.append(who)
            self.model.homes[id_].most[who] = 0
            self.model.stays.append((id_, who, self.day, None))

        async def real(tx: AsyncConnection) -> None:
            token = await invited(tx, home.head, at=at(self.day), rules=RULES)
            await families.accept(tx, VAULT, RULES, token, who, at=at(self.day))

        await self.both(real, join)

    async def leave(self) -> None:
        who = self.likely(self.model.home_of)
        id_ = self.model.home_of(who) or 0

        def leave() -> None:
            _, home = self.model.home(who)
            if home.head == who:
                raise No("HeadStays")
            self.model.ends(id_, [who], self.day)

        await self.both(lambda tx: leaving.leave(tx, RULES, id_, who, at=at(self.day)), leave)

    async def head_does(self) -> None:
        """Removes, hands over, dissolves, or says how much somebody may spend."""
        who, other = self.kin()
        id_ = self.model.home_of(who)
        if id_ is None or other not in self.model.homes[id_].people:
            return
        deed = self.chance.choice(["remove", "hand_over", "most", "most", "most", "dissolve"])
        most = self.chance.choice([0, 60, 100, None])

        def head_does() -> None:
            home = self.model.homes[id_]
            if home.head != who:
                raise No("NotFamilyHead")
            if deed == "remove":
                self.model.ends(id_, [other], self.day)
            elif deed == "hand_over":
                home.head = other
            elif deed == "most":
                home.most[other] = most
            else:
                self.model.ends(id_, list(home.people), self.day)
                del self.model.homes[id_]

        async def real(tx: AsyncConnection) -> None:
            family = await families.locked(tx, id_)
            place = family.place_of(other).id
            if deed == "remove":
                await leaving.remove(tx, RULES, id_, who, place, at=at(self.day))
            elif deed == "hand_over":
                await leaving.hand_over(tx, id_, who, place, at=at(self.day))
            elif deed == "most":
                await pools.may_spend(tx, id_, who, place, most)
            else:
                await leaving.dissolve(tx, RULES, id_, who, at=at(self.day))

        await self.both(real, head_does)

    # -- the pool

    async def put(self) -> None:
        who = self.likely(lambda each: self.model.home_of(each) and self.rich(5)(each))
        id_ = self.model.home_of(who) or 0
        points = self.chance.choice([5, 20, 50, self.model.has(c.member(who), self.day) or 1, 400])

        def put() -> None:
            self.model.home(who)
            self.model.do(c.Transfer, c.member(who), self.day, to=pools.owner(id_), points=points)

        figures = {"currency": COMMON, "key": f"put{next(_numbers)}", "at": at(self.day), "actor": "test"}
        await self.both(lambda tx: pools.put(tx, id_, who, points, **figures), put)

    async def take(self) -> None:
        who = self.likely(self.model.home_of)
        id_, points = self.model.home_of(who) or 0, self.chance.choice([5, 20, 50])

        def take() -> None:
            self.model.home(who)
            self.model.do(c.Transfer, pools.owner(id_), self.day, to=c.member(who), points=points)

        figures = {"currency": COMMON, "key": f"take{next(_numbers)}", "at": at(self.day), "actor": "test"}
        await self.both(lambda tx: pools.take_out(tx, id_, who, points, **figures), take)

    # -- redeeming

    async def redeem(self) -> None:
        name = self.chance.choice(["box", "box", "rings"])

        def pool_reaches(each: int) -> bool:
            id_ = self.model.home_of(each)
            return id_ is not None and self.model.has(pools.owner(id_), self.day) >= PRICES[name]

        from_pool = self.chance.random() < 0.6
        who = self.likely(pool_reaches if from_pool else self.rich(PRICES[name]))
        pooled = from_pool and self.model.home_of(who)
        purse = pools.owner(pooled) if pooled else c.member(who)

        def redeem() -> Callable[[Any], None]:
            if self.model.has(purse, self.day) < PRICES[name]:
                raise No("PointsShort")
            if pooled:
                home, since = self.model.homes[pooled], at(self.day).today.replace(day=1)
                spent = sum(
                    each.points
                    for each in self.model.vouchers.values()
                    if (each.who, each.purse, each.live) == (who, purse, True) and at(each.day).today >= since
                )
                most = home.most.get(who, 0)
                if home.head != who and most is not None and spent + PRICES[name] > most:
                    raise No("AbovePoolLimit")
            burned = self.model.do(c.Burn, purse, self.day, points=PRICES[name], merchant_id=1)

            def after(made: redemptions.Redeemed) -> None:
                paid = Voucher(who, purse, PRICES[name], self.day, burned.engine_id or 0)
                self.model.vouchers[made.redemption.id] = paid

            return after

        await self.both(
            lambda tx: self.stage.redeem_in(
                tx, self.member(who), OFFERS[name], when=at(self.day), pool_id=pooled or None
            ),
            redeem,
        )

    async def undo(self) -> None:
        live = [id_ for id_, each in self.model.vouchers.items() if each.live]
        if not live:
            return
        id_ = self.chance.choice(live)
        voucher = self.model.vouchers[id_]

        def undo() -> None:
            if voucher.day != self.day or voucher.purse.id < 0:
                raise No("UndoOver")
            self.model.comes_back([self.model.vouchers[id_]], self.day)

        await self.both(
            lambda tx: redemptions.undo(tx, voucher.who, id_, grace_days=GRACE, at=at(self.day), actor="test"), undo
        )

    # -- gifts

    async def give(self) -> None:
        who, other = self.kin()
        points, linked = self.chance.choice([4, 5, 5, 15, 15, 30, 30]), self.chance.random() < 0.4
        token = f"gift-{next(_numbers)}"

        def give() -> Callable[[Any], None]:
            if points < GIFTS.points_least:
                raise No("GiftTooSmall")
            id_ = None if linked else self.model.home(who)[0]
            if id_ is not None and other not in self.model.homes[id_].people:
                raise No("NotInFamily")
            held = self.model.do(c.Hold, c.member(who), self.day, points=points, movable=linked)
            last = min(self.model.book.lots[lot].good_until for lot, _ in held.parts("held"))
            ends = min(at(self.day).now + dt.timedelta(hours=GIFTS.hours), midnight_after(last))

            def after(made: gifts.Gift) -> None:
                assert made.ends_at == ends
                kept = Offered(who, None if linked else other, id_, held.engine_id or 0, ends, token)
                self.model.gifts[made.id] = kept

            return after

        await self.both(
            lambda tx: gifts.offer(
                tx, self.stage.vault, GIFTS, self.member(who), points, to_id=None if linked else other, token=token,
                note=None, currency=COMMON, nonce=token, zone=ZONE, at=at(self.day), actor="test",
            ),
            give,
        )  # fmt: skip

    async def answer(self) -> None:
        """Accepts, declines, or takes back a gift."""
        if not self.model.gifts:
            return
        id_ = self.chance.choice(list(self.model.gifts))
        gift = self.model.gifts[id_]
        who = gift.to or self.chance.choice(self.people)
        deed = self.chance.choice(["accept", "accept", "decline", "withdraw"])

        def answer() -> None:
            giver = c.member(gift.giver)
            if deed != "withdraw" and who == gift.giver:
                raise No("OwnGift")
            if deed == "accept":
                if gift.home is not None:
                    for each in (gift.giver, who):
                        if self.model.home_of(each) != gift.home:
                            raise No("NotInFamily")
                self.model.do(c.Give, giver, self.day, hold_id=gift.entry, to=c.member(who))
            else:
                self.model.do(c.Void, giver, self.day, hold_id=gift.entry, grace_days=GRACE)
            del self.model.gifts[id_]

        async def real(tx: AsyncConnection) -> None:
            figures = {"currency": COMMON, "at": at(self.day), "actor": "test"}
            if deed == "withdraw":
                await gifts.withdraw(tx, gift.giver, id_, grace_days=GRACE, **figures)
                return
            await gifts.stand(tx, who)
            me = self.member(who)
            if gift.to is None:
                seen = await gifts.behind(tx, self.stage.vault, gift.name, me, at=at(self.day))
            else:
                seen = await gifts.shown(tx, self.stage.vault, id_, me, at=at(self.day))
            if deed == "accept":
                await gifts.accept(tx, GIFTS, seen, me, **figures)
            else:
                await gifts.decline(tx, seen, grace_days=GRACE, **figures)

        await self.both(real, answer)

    # -- together

    async def begin(self) -> None:
        name = self.chance.choice(["rings", "cups"])
        first, _, _ = SHARES[name]
        who = self.likely(self.rich(first))
        token = f"pair-{next(_numbers)}"
        me = self.member(who)

        def begin() -> Callable[[Any], None]:
            if self.model.has(me.owner, self.day) < first:
                raise No("NotEnoughPoints")
            ends = at(self.day).now + dt.timedelta(hours=24)

            def after(made: together.Together) -> None:
                given = self.model.do(c.Transfer, me.owner, self.day, to=made.pot, points=first)
                last = min(self.model.book.lots[lot].good_until for lot, _ in given.parts("available"))
                assert made.ends_at == min(ends, midnight_after(last))
                self.model.pots[made.id] = Offered(who, None, None, 0, made.ends_at, f"{name} {token}")

            return after

        async def real(tx: AsyncConnection) -> together.Together:
            listed = await shelf.one(tx, OFFERS[name])
            return await together.start(
                tx, self.stage.vault, me, OFFERS[name], version=listed.version, points=PRICES[name], token=token,
                nonce=token, zone=ZONE, at=at(self.day), actor="test",
            )  # fmt: skip

        await self.both(real, begin)

    async def end(self) -> None:
        """Joins what somebody began, or takes it back."""
        if not self.model.pots:
            return
        id_ = self.chance.choice(list(self.model.pots))
        pot, purse = self.model.pots[id_], c.Owner("pool", -id_)
        name, token = pot.name.split()
        _, rest, pieces = SHARES[name]
        who, joins = self.likely(self.rich(rest)), self.chance.random() < 0.7

        def end() -> Callable[[Any], None] | None:
            if not joins:
                self.model.goes_home(purse, pot.giver, self.day)
                del self.model.pots[id_]
                return None
            if who == pot.giver:
                raise No("OwnTogether")
            self.model.do(c.Transfer, c.member(who), self.day, to=purse, points=rest)
            burned = [
                self.model.do(c.Burn, purse, self.day, points=PRICES[name], merchant_id=1).engine_id or 0
                for _ in range(pieces)
            ]
            del self.model.pots[id_]

            def after(made: tuple[redemptions.Redeemed, redemptions.Redeemed | None]) -> None:
                for whose, each, entry in zip((pot.giver, who), made, burned, strict=False):
                    assert each is not None
                    paid = Voucher(whose, purse, PRICES[name], self.day, entry)
                    self.model.vouchers[each.redemption.id] = paid

            return after

        async def real(tx: AsyncConnection) -> Any:
            if not joins:
                return await together.withdraw(tx, pot.giver, id_, at=at(self.day), actor="test")
            seen = await together.behind(tx, self.stage.vault, token, self.member(who), at=at(self.day))
            both = (codes.mint(entropy(24)), codes.mint(entropy(24)))
            return await together.join(
                tx, self.stage.vault, seen, self.member(who), codes=both, at=at(self.day), actor="test"
            )

        await self.both(real, end)

    # -- earning

    async def buy(self) -> None:
        [who], shop = self.some(), self.chance.choice(["market", "fruit"])
        merchant = self.stage.merchants[shop]
        minor = (40 + next(_numbers)) * 100  # no two purchases look alike
        today = at(self.day).today
        bill = Bill((Part(minor),), "CNY", 0)
        one = Intended(
            merchant=merchant, document=f"d{next(_numbers)}", member_id=who, bill=bill, bought_on=today,
            occurred_at=at(self.day).now, actor="api", channel="api",
        )  # fmt: skip

        def buy() -> Callable[[Any], None]:
            since = today + dt.timedelta(days=RETURN_DAYS)
            given = self.model.do(
                c.Accrue, c.member(who), self.day, issuer_id=merchant.id, points=minor // 100, available_on=since,
                expires_on=month_end(since, LIFE[shop]),
            )  # fmt: skip

            def after(made: Any) -> None:
                kept = Bought(who, merchant.id, minor, self.day, given.engine_id or 0)
                self.model.bought[made.purchase.id] = kept

            return after

        await self.both(lambda tx: intake.book(tx, one, at=at(self.day), zone=ZONE), buy)

    async def refund(self) -> None:
        live = [id_ for id_, each in self.model.bought.items() if each.minor]
        if not live:
            return
        id_ = self.chance.choice(live)
        bought = self.model.bought[id_]
        minor = self.chance.choice([bought.minor, 1000, 2000])
        merchant = next(each for each in self.stage.merchants.values() if each.id == bought.issuer)

        def refund() -> None:
            kept = self.model.bought[id_]
            if minor > kept.minor:
                raise No("MoreThanPurchase")
            kept.minor -= minor
            self.model.takes_back(kept.who, kept.entry, kept.issuer, minor // 100, self.day)
            for each in self.model.invited.values():
                if (each.state, each.purchase) == ("rewarded", id_) and kept.minor < INVITES.spend_minor:
                    each.state = "refunded"

        await self.both(
            lambda tx: refunds.refund(
                tx, merchant, purchase_id=id_, document=f"r{next(_numbers)}", occurred_at=at(self.day).now,
                at=at(self.day), actor="api", amount_minor=minor,
            ),
            refund,
        )  # fmt: skip

    async def invite(self) -> None:
        if len(self.people) >= 9:
            return
        by = self.chance.choice(self.people[: self.first])
        made = await self.stage.member()

        def invite() -> None:
            self.model.invited[made.id] = Invited(by, self.day)
            self.people.append(made.id)

        await self.both(lambda tx: referrals.begin(tx, made.id, by, at=at(self.day)), invite)

    # -- time

    async def wait(self) -> None:
        """Some days pass, and the duties run on the last of them."""
        self.day += self.chance.choice([1, 1, 1, 2, 3, 12])
        now = at(self.day).now

        def gifts_lapse() -> None:
            for id_, each in [*self.model.gifts.items()]:
                if each.ends <= now:
                    self.model.do(c.Void, c.member(each.giver), self.day, hold_id=each.entry, grace_days=GRACE)
                    del self.model.gifts[id_]

        def together_lapse() -> None:
            for id_, each in [*self.model.pots.items()]:
                if each.ends <= now:
                    self.model.goes_home(c.Owner("pool", -id_), each.giver, self.day)
                    del self.model.pots[id_]

        def vouchers_lapse() -> None:
            over = [each for each in self.model.vouchers.values() if each.live and self.day > each.day + VALID]
            self.model.comes_back(over, self.day)

        figures = {"at": at(self.day), "limit": 100}
        await self.both(lambda tx: gifts.lapse(tx, currency=COMMON, grace_days=GRACE, **figures), gifts_lapse)
        await self.both(lambda tx: together.lapse(tx, **figures), together_lapse)
        await self.both(lambda tx: lapses.lapse(tx, grace_days=GRACE, **figures), vouchers_lapse)
        await self.both(lambda tx: referrals.undo(tx, RULED, **figures), self.rewards_undone)
        await self.both(lambda tx: referrals.look(tx, RULED, after=0, **figures), self.rewards_given)

    def rewards_given(self) -> None:
        today = at(self.day).today
        for friend, each in self.model.invited.items():
            if each.state != "joined":
                continue
            fits = [
                (bought.day, id_)
                for id_, bought in self.model.bought.items()
                if bought.who == friend and bought.minor >= INVITES.spend_minor and bought.day <= each.day + 30
            ]
            if not fits:
                if each.day + 30 < self.day:
                    each.state = "late"
                continue
            day, each.purchase = min(fits)
            if day + RETURN_DAYS > self.day:
                continue
            if self.were_family(friend, each.by):
                each.state = "family"
                continue
            each.state = "rewarded"
            ends = month_end(today, INVITES.life_months)
            given = []
            for whose, points in ((each.by, INVITES.inviter_points), (friend, INVITES.friend_points)):
                about = {"issuer_id": self.stage.merchants["market"].id, "points": points}
                done = self.model.do(c.Accrue, c.member(whose), self.day, **about, available_on=today, expires_on=ends)
                given.append(done.engine_id or 0)
            each.entries = (given[0], given[1])

    def rewards_undone(self) -> None:
        for friend, each in self.model.invited.items():
            if each.state == "refunded":
                market = self.stage.merchants["market"].id
                self.model.takes_back(each.by, each.entries[0], market, INVITES.inviter_points, self.day)
                self.model.takes_back(friend, each.entries[1], market, INVITES.friend_points, self.day)
                each.state = "undone"

    def were_family(self, one: int, other: int) -> bool:
        """Whether both were in one family within the days that count."""
        since = self.day - INVITES.family_days
        lately = [(family, who) for family, who, _, until in self.model.stays if until is None or until > since]
        return any((family, other) in lately for family, who in lately if who == one)


RETURN_DAYS = 2
LIFE = {"market": 0, "fruit": 1}
OFFERS: dict[str, int] = {}


def month_end(day: dt.date, months: int) -> dt.date:
    """The last day of the month, so many months on."""
    year, month = divmod(day.year * 12 + day.month + months, 12)
    return dt.date(year, month + 1, 1) - dt.timedelta(days=1)


def midnight_after(last: dt.date) -> dt.datetime:
    return dt.datetime.combine(last + dt.timedelta(days=1), dt.time(), ZONE)


_WHERE = text(
    """
    SELECT a.owner_kind, a.owner_id, l.owner_id AS whose, l.issuer_id, l.expires_on, p.points,
           CASE WHEN a.purpose = 'pending' AND l.available_on <= :today THEN 'available' ELSE a.purpose END AS purpose
      FROM position p JOIN account a ON a.id = p.account_id JOIN lot l ON l.id = p.lot_id
     WHERE a.owner_kind IN ('member', 'pool') AND a.currency_id = 1
       AND (a.purpose NOT IN ('available', 'pending') OR l.expires_on >= :today)
    """
)
_OWED = text("SELECT owner_id, issuer_id, balance FROM account WHERE purpose = 'deficit' AND balance <> 0")


@pytest.mark.parametrize("seed", range(WALKS))
async def test_whose_every_point_is_after_every_step(stage: Stage, seed: int) -> None:
    walk = Walk(stage, random.Random(seed))
    async with stage.engine.begin() as tx:
        for code, months in LIFE.items():
            terms = Terms(return_days=RETURN_DAYS, life=MonthsToMonthEnd(months=months)).model_dump_json()
            write = text("UPDATE merchant SET terms = CAST(:terms AS jsonb) WHERE code = :code")
            await tx.execute(write, {"terms": terms, "code": code})
            stage.merchants[code] = await merchants.by_code(tx, code)
            facts = {"valid_from": dt.date(2026, 1, 1), "made_by": "test", "at": at().now}
            rule = Base(rate=Decimal(1))
            await rulebook.publish(tx, code=code, merchant_id=stage.merchants[code].id, rule=rule, **facts)
    OFFERS.update(zip(PRICES, await stage.publish(BOX, RINGS, CUPS), strict=True))
    walk.people = [(await stage.member()).id for _ in range(5)]
    walk.first = len(walk.people)
    often = {
        walk.buy: 7,
        walk.redeem: 4,
        walk.put: 4,
        walk.give: 3,
        walk.head_does: 3,
        walk.answer: 2,
        walk.begin: 2,
        walk.end: 2,
        walk.join: 2,
        walk.wait: 2,
    }
    seldom = [walk.found, walk.leave, walk.take, walk.undo, walk.refund, walk.invite]
    steps = [*seldom, *(each for each, times in often.items() for _ in range(times))]
    for _ in range(STEPS):
        await walk.chance.choice(steps)()
    async with stage.engine.begin() as tx:
        found = await audit(tx)
    assert found.holds, found.violations
    print(dict(walk.done))
