"""Loading the demo programme: what the data files say, done through the ledger's own verbs as if it had been lived.

One transaction: either the whole demo is there, or nothing of it. A database that has a programme already is left alone.
"""

from __future__ import annotations

import datetime as dt
import secrets
from dataclasses import dataclass, field
from typing import Any
from zoneinfo import ZoneInfo

from pydantic import BaseModel
from sqlalchemy import text
from sqlalchemy.ext.asyncio import AsyncConnection, AsyncEngine

from bot.demo import circles, clearing, offers, privileges, rules, shops, story
from bot.demo.story import Buy, CarriedIn, Happening, Hold, Redeem, Refund, Told
from ledger.earning import intake, purchases, refunds, rulebook
from ledger.earning.intake import Intended
from ledger.earning.rules.bill import Bill, Part
from ledger.earning.rules.documents import Base
from ledger.errors import Refusal
from ledger.members import claims, joining, operators, profile
from ledger.members import person as persons
from ledger.members.member import Member
from ledger.members.person import Person
from ledger.members.vault import Vault
from ledger.merchants import merchant as merchants
from ledger.merchants import staff as counter_staff
from ledger.merchants.merchant import Merchant, Terms
from ledger.merchants.staff import Staff
from ledger.points import commands as points
from ledger.points.commands import Owner
from ledger.points.engine import apply, post
from ledger.programme import Programme
from ledger.redeeming import bookings, code_pools, codes, counter, fulfilments, publish, redemptions, shelf
from ledger.redeeming.may_redeem import Listed

HISTORY_DAYS = 400
"""Rules are in force from so long before the day of loading."""

NOBODYS = 1 << 53
"""Telegram's ids are below 2⁵²."""

RELEASED_AT = dt.time(0, 2)
"""When, of a day, the night's duty makes points available."""


class CurrencyTold(BaseModel):
    """A currency of programme.toml; the first is the coalition's common one."""

    code: str
    name_zh: str
    name_en: str
    name_en_one: str | None = None
    value_minor: int
    value_points: int
    issuer: str | None = None


class MerchantTold(BaseModel):
    """A merchant of merchants.toml, with its rule: points per yuan; none where it gives no points."""

    code: str
    name_zh: str
    name_en: str
    category: str
    currency: str
    rate: str | None = None
    terms: dict[str, Any]
    region: str | None = None


@dataclass
class Scene:
    """What loading has made so far, by the keys that the files use."""

    tx: AsyncConnection
    vault: Vault
    programme: Programme
    now: dt.datetime
    zone: ZoneInfo
    merchants: dict[str, Merchant] = field(default_factory=dict)
    offers: dict[str, int] = field(default_factory=dict)
    members: dict[str, Member] = field(default_factory=dict)
    tills: dict[int, Staff] = field(default_factory=dict)
    pending: dict[dt.date, set[tuple[Owner, int]]] = field(default_factory=dict)
    """Whose points of which currency become available on which day to come."""

    def moment(self, at: dt.datetime) -> points.Moment:
        """A point of the past, as commands take it."""
        return points.Moment(at.astimezone(dt.UTC), at.astimezone(self.zone).date())

    @property
    def today(self) -> dt.date:
        """The day of loading."""
        return self.now.astimezone(self.zone).date()


async def load(engine: AsyncEngine, vault: Vault, *, now: dt.datetime, playable: bool = True) -> bool:
    """Load the demo. False, and nothing done, where the database has a programme.

    Args:
        now: the present; the story ends there.
        playable: with the Telegram ids of people.toml, for the playground. Those are somebody's on Telegram: for a bot with a
            token nobody shall be the demo's operator, so its people get ids that Telegram never gives.
    """
    async with engine.begin() as tx:
        await tx.execute(text("SELECT pg_advisory_xact_lock(hashtextextended('demo', 0))"))
        if await tx.scalar(text("SELECT count(*) FROM programme")):
            return False
        told = story.document("programme")
        currencies = [CurrencyTold.model_validate(row) for row in told.pop("currencies")]
        programme = Programme.model_validate(told)
        scene = Scene(tx, vault, programme, now, ZoneInfo(programme.zone))
        await _set_up(scene, currencies)
        people = story.people()
        for person in people:
            telegram_id = person.telegram_id
            if telegram_id is not None and not playable:
                telegram_id += NOBODYS
            await _enter(scene, person, telegram_id)
        await shops.open_outlets(tx, scene.merchants, at=scene.moment(now))
        for happening in story.happenings(people, now=now, zone=scene.zone):
            await _release(scene, happening.at)
            await _happen(scene, happening)
        await _release(scene, now)
        await shops.arrange(tx, vault, programme, scene.merchants, scene.members, at=scene.moment(now))
        await rules.propose(tx, scene.merchants, scene.members, at=scene.moment(now))
        await clearing.settle(tx, programme, scene.merchants, scene.tills, at=scene.moment(now))
        await circles.arrange(tx, vault, programme, scene.merchants, scene.members, at=scene.moment(now))
    return True


async def has_playable_people(tx: AsyncConnection, vault: Vault) -> bool:
    """Whether the demo's people are here under ids that are somebody's on Telegram."""
    for told in story.people():
        known = None if told.telegram_id is None else await persons.find(tx, vault, told.telegram_id)
        if known is not None and (await persons.load(tx, vault, known)).name == told.name:
            return True
    return False


async def _set_up(scene: Scene, currencies: list[CurrencyTold]) -> None:
    tx, start = scene.tx, scene.now - dt.timedelta(days=HISTORY_DAYS)
    ids = {currency.code: number for number, currency in enumerate(currencies, 1)}
    for told in story.read("merchants", MerchantTold, "merchants"):
        made = await merchants.create(
            tx,
            code=told.code,
            name_zh=told.name_zh,
            name_en=told.name_en,
            category=told.category,
            region=told.region,
            terms=Terms(currency=ids[told.currency], **told.terms),
        )
        scene.merchants[told.code] = made
        if told.rate is None:
            continue
        await rulebook.publish(
            tx,
            code=f"{told.code}-base",
            merchant_id=made.id,
            rule=Base(rate=told.rate),  # type: ignore[arg-type]  # pydantic reads the exact decimal
            valid_from=start.date(),
            made_by="demo",
            at=start,
        )
    await rules.publish(tx, scene.merchants, today=scene.today, at=start)
    for currency in currencies:
        issuer = scene.merchants[currency.issuer].id if currency.issuer else None
        values = {**currency.model_dump(exclude={"issuer"}), "id": ids[currency.code], "issuer_id": issuer}
        await tx.execute(_CURRENCY, values)
    await tx.execute(_PROGRAMME, {"document": scene.programme.model_dump_json(), "at": start})
    for pool in offers.pools():
        await code_pools.add(tx, scene.vault, scene.merchants[pool.merchant].id, pool.brought(scene.today))
    for offer in offers.read(scene.today):
        scene.offers[offer.code] = await publish.publish(tx, offer, now=start, today=start.date())
    for yes in offers.agreed():
        for code in yes.merchants:
            here, offer_id = scene.merchants[code].id, scene.offers[yes.offer]
            await fulfilments.answer(tx, here, offer_id, True, by="demo", now=start)
    await privileges.publish(tx, now=start)


async def _enter(scene: Scene, person: Told, telegram_id: int | None) -> None:
    """A person joins, with their posts; an old account is made; whoever has not joined stays away."""
    tx = scene.tx
    if person.external is not None:
        scene.members[person.key] = await _old_account(scene, person)
    if person.joined is None or telegram_id is None:
        return
    at = scene.moment(scene.now - dt.timedelta(days=person.joined))
    joined = await joining.join(
        tx,
        scene.vault,
        scene.programme,
        Person(telegram_id, telegram_id, person.name),
        welcome_issuer_id=scene.merchants[scene.programme.welcome_issuer].id,
        at=at,
    )
    scene.members[person.key] = joined.member
    if person.region is not None:
        await profile.choose_region(tx, scene.programme, joined.member.id, person.region)
    if (born := person.born) is not None:
        day = {"month": born.month, "day": born.day, "year": born.year}
        await profile.tell_birthday(tx, scene.vault, joined.member.id, **day, at=at)
    for role in person.operator:
        await operators.add(tx, joined.member.id, role, now=at.now)
    for place in person.staff:
        merchant = scene.merchants[place.merchant]
        scene.tills[merchant.id] = await counter_staff.add(
            tx,
            merchant_id=merchant.id,
            member_id=joined.member.id,
            role=place.role,
            label=place.label,
            by="demo",
            now=at.now,
        )


async def _old_account(scene: Scene, person: Told) -> Member:
    assert person.external is not None
    merchant = scene.merchants[person.external.merchant]
    member_id = (await scene.tx.execute(_UNCLAIMED)).scalar_one()
    account = {"merchant": merchant.id, "external": person.external.number, "member": member_id}
    await scene.tx.execute(_ACCOUNT, account)
    await claims.give_code(
        scene.tx,
        scene.vault,
        merchant_id=merchant.id,
        external_id=person.external.number,
        code=person.external.code,
    )
    return Member(member_id, "unclaimed")


async def _happen(scene: Scene, happening: Happening) -> None:
    match happening.event:
        case Buy():
            await _buy(scene, happening, happening.event)
        case Refund():
            await _refund(scene, happening, happening.event)
        case Redeem():
            await _redeem(scene, happening, happening.event)
        case CarriedIn():
            await _carry_in(scene, happening, happening.event)
        case Hold():
            await _hold(scene, happening, happening.event)


async def _buy(scene: Scene, happening: Happening, buy: Buy) -> None:
    merchant, at = scene.merchants[buy.merchant], scene.moment(happening.at)
    till = scene.tills.get(merchant.id)
    one = Intended(
        merchant=merchant,
        document=happening.document,
        member_id=scene.members[happening.person.key].id,
        bill=Bill((Part(buy.amount_minor, green_class=buy.green),), merchant.money),
        bought_on=at.today,
        occurred_at=at.now,
        actor=till.actor if till else "programme",
        staff_id=till.id if till else None,
    )
    await intake.book(scene.tx, one, at=at, zone=scene.zone, vault=scene.vault)
    whose = (scene.members[happening.person.key].owner, merchant.terms.currency)
    scene.pending.setdefault(merchants.available_on(merchant.terms, at.today), set()).add(whose)


async def _release(scene: Scene, until: dt.datetime) -> None:
    """The nights up to `until`: what was pending becomes available on its day, as the nightly duty does it."""
    for day in sorted(day for day in scene.pending if dt.datetime.combine(day, RELEASED_AT, scene.zone) <= until):
        at = scene.moment(dt.datetime.combine(day, RELEASED_AT, scene.zone))
        await apply(
            scene.tx,
            [
                points.Release(
                    key=f"demo:release:{day}:{owner.id}:{currency}",
                    owner=owner,
                    currency=currency,
                    at=at,
                    actor="job:release",
                )
                for owner, currency in sorted(scene.pending.pop(day), key=lambda whose: (whose[0].id, whose[1]))
            ],
        )


async def _refund(scene: Scene, happening: Happening, refund: Refund) -> None:
    merchant, at = scene.merchants[refund.merchant], scene.moment(happening.at)
    purchase = await purchases.find(scene.tx, merchant.id, refund.of)
    assert purchase is not None, f"{refund.of} is bought before it is returned"
    await refunds.refund(
        scene.tx,
        merchant,
        purchase_id=purchase.id,
        document=f"T-{refund.of}",
        amount_minor=purchase.left_minor,
        occurred_at=at.now,
        at=at,
        actor="programme",
        reason=refund.reason,
    )


async def _redeem(scene: Scene, happening: Happening, told: Redeem) -> None:
    at, member = scene.moment(happening.at), scene.members[happening.person.key]
    today, now = at.today, at.programme_now
    seen = await shelf.judged(scene.tx, member, scene.offers[told.offer], today=today, amount=told.amount, now=now)
    listed, quote = seen.listed, seen.verdict.quote
    assert quote is not None, f"{told.offer} is sold in {told.amount}"
    code = codes.mint(secrets.token_bytes(16))
    slot, first = seen.facts.soonest, seen.facts.openings
    outlet_id = first.outlet.id if first is not None and first.outlet is not None else None
    if slot is not None and told.used is None:
        slot = await _tomorrow(scene, listed, member, outlet_id, at)
    done = await redemptions.redeem(
        scene.tx,
        member,
        listed.id,
        amount=told.amount,
        version=listed.version,
        points=quote.points,
        slot=slot,
        outlet_id=outlet_id,
        nonce=f"demo-{told.offer}-{told.ago}",
        code=code,
        vault=scene.vault,
        undo_minutes=scene.programme.undo_minutes,
        at=at,
        actor=f"member:{member.id}",
    )
    till = scene.tills.get(listed.merchant_id)
    if told.used is not None and till is not None:
        later = scene.moment(happening.at + dt.timedelta(days=told.ago - told.used, minutes=10))
        answer = await counter.use(scene.tx, till, done.code or code, vault=scene.vault, at=later)
        if isinstance(answer, Refusal):
            raise answer


async def _tomorrow(
    scene: Scene, listed: Listed, member: Member, outlet_id: int | None, at: points.Moment
) -> dt.datetime | None:
    """A time that is free a day later, so that there is something to come."""
    found = await bookings.all_diaries(scene.tx, listed, member_id=member.id, at=at)
    diary = bookings.diary_at(found, outlet_id)
    since = at.programme_now + dt.timedelta(days=1)
    free = diary.free(at.programme_now, None, since) if diary is not None else iter(())
    return next((each.starts_at for each in free), None)


async def _carry_in(scene: Scene, happening: Happening, told: CarriedIn) -> None:
    merchant, at = scene.merchants[told.merchant], scene.moment(happening.at)
    member = scene.members[happening.person.key]
    ends = scene.today + dt.timedelta(days=told.expires_in) if told.expires_in is not None else None
    await post(
        scene.tx,
        points.OpenBalance(
            key=f"demo:carried-in:{member.id}:{told.merchant}",
            owner=member.owner,
            currency=merchant.terms.currency,
            at=at,
            actor="import",
            issuer_id=merchant.id,
            merchant_id=merchant.id,
            points=told.points,
            available_on=at.today,
            expires_on=ends or merchants.expires_on(merchant.terms, at.today),
            facts={"what": "carried_in"},
        ),
    )


async def _hold(scene: Scene, happening: Happening, told: Hold) -> None:
    member = scene.members[happening.person.key]
    await post(
        scene.tx,
        points.Hold(
            key=f"demo:hold:{member.id}:{told.ago}",
            owner=member.owner,
            currency=scene.programme.common_currency,
            at=scene.moment(happening.at),
            actor=f"member:{member.id}",
            points=told.points,
            ends_at=happening.at.astimezone(dt.UTC) + dt.timedelta(hours=told.hours),
            facts={"what": "hold", "name_zh": told.what_zh, "name_en": told.what_en},
        ),
    )


_CURRENCY = text(
    "INSERT INTO currency (id, code, issuer_id, name_zh, name_en, name_en_one, value_minor, value_points)"
    " VALUES (:id, :code, :issuer_id, :name_zh, :name_en, :name_en_one, :value_minor, :value_points)"
)
_PROGRAMME = text("INSERT INTO programme (one, version, document, at) VALUES (1, 1, CAST(:document AS jsonb), :at)")
_UNCLAIMED = text("INSERT INTO member (status) VALUES ('unclaimed') RETURNING id")
_ACCOUNT = text(
    "INSERT INTO external_account (merchant_id, external_id, member_id) VALUES (:merchant, :external, :member)"
)
