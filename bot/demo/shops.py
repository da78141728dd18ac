"""The demo's outlets, certificates, green sales and the application that waits, as shops.toml tells them."""

from __future__ import annotations

import datetime as dt
from collections.abc import Iterable, Mapping

from pydantic import BaseModel, ConfigDict
from sqlalchemy.ext.asyncio import AsyncConnection

from bot.demo import offers, story
from ledger.earning import green_rating
from ledger.members.member import Member
from ledger.members.vault import Vault
from ledger.merchants import certificates, files, merchant, onboarding, outlets, staff
from ledger.merchants.merchant import Merchant
from ledger.points.commands import Moment
from ledger.programme import Programme
from ledger.redeeming import publish
from ledger.redeeming.booking import AtOutlet
from ledger.redeeming.offers import Offer

OPENED_AGO, ENTERED_AGO = 300, 120
"""Days before the day of loading on which outlets were opened and certificates entered."""


class _Told(BaseModel):
    model_config = ConfigDict(frozen=True, extra="forbid")


class OutletTold(_Told):
    """An outlet with its tills; its merchant has an owner in people.toml."""

    merchant: str
    name: str
    region: str
    address: str
    hours: str
    tills: tuple[str, ...]


class BookedAtTold(_Told):
    """An offer that is booked at outlets of its merchant's, each as the document says it."""

    offer: str
    outlets: tuple[AtOutlet, ...]


class CertifiedTold(_Told):
    """A merchant's three certificates: number, and how many days are left."""

    merchant: str
    credit: tuple[str, int]
    assessment: tuple[str, int]
    filing: tuple[str, int]


class ApplicationTold(_Told):
    """Who applied, so many days ago, and what they wrote."""

    member: str
    ago: int
    name_zh: str
    name_en: str
    category: str
    region: str
    contact: str
    licence: str
    caption: str


async def open_outlets(tx: AsyncConnection, merchants: Mapping[str, Merchant], *, at: Moment) -> None:
    """Open the outlets, and say what is booked at them: before anybody books."""
    opened = _before(at, OPENED_AGO)
    for told in story.read("shops", OutletTold, "outlets"):
        await _open(tx, told, merchants[told.merchant].id, opened.now)
    for booked in story.read("shops", BookedAtTold, "booked_at"):
        await _book_at(tx, booked, offers.read(at.today), opened)


async def arrange(
    tx: AsyncConnection,
    vault: Vault,
    programme: Programme,
    merchants: Mapping[str, Merchant],
    members: Mapping[str, Member],
    *,
    at: Moment,
) -> None:
    """Enter the certificates, send the application, count what was sold."""
    entered = _before(at, ENTERED_AGO)
    issuers = story.document("shops")["issuers"]
    for paper in story.read("shops", CertifiedTold, "certified"):
        by = f"operator:{members['operator'].id}" if "operator" in members else "operator:0"
        await _certify(tx, paper, merchants[paper.merchant].id, issuers, by, at.today, entered)
    application = ApplicationTold.model_validate(story.document("shops")["application"])
    if application.member in members:
        await _apply(tx, vault, programme, application, members[application.member], at)
    ids = [each.id for each in merchants.values()]
    await green_rating.count(tx, ids, days=programme.green_scale.days, today=at.today)


def _before(at: Moment, days: int) -> Moment:
    return Moment(at.now - dt.timedelta(days=days), at.today - dt.timedelta(days=days))


async def _open(tx: AsyncConnection, told: OutletTold, merchant_id: int, now: dt.datetime) -> None:
    owner = next((one for one in await staff.team(tx, merchant_id) if one.role == "owner"), None)
    if owner is None:
        return  # they have been given no Telegram account here
    made = await outlets.open_outlet(
        tx, by=owner, name=told.name, region=told.region, address=told.address, hours=told.hours, now=now
    )
    for label in told.tills:
        await outlets.open_till(tx, made.id, label, by=owner, now=now)


async def _book_at(tx: AsyncConnection, told: BookedAtTold, known: Iterable[Offer], at: Moment) -> None:
    offer = next(each for each in known if each.code == told.offer)
    there = {each.name for each in await outlets.of(tx, (await merchant.by_code(tx, offer.merchant)).id)}
    if offer.booking is not None and there >= {each.outlet for each in told.outlets}:
        booking = offer.booking.model_copy(update={"outlets": told.outlets})
        changed = offer.model_copy(update={"booking": booking})
        await publish.publish(tx, changed, now=at.now, today=at.today)


async def _certify(
    tx: AsyncConnection,
    told: CertifiedTold,
    merchant_id: int,
    issuers: Mapping[str, str],
    by: str,
    today: dt.date,
    at: Moment,
) -> None:
    for kind in certificates.KINDS:
        number, days = getattr(told, kind)
        await certificates.enter(
            tx,
            merchant_id=merchant_id,
            kind=kind,
            number=number,
            issuer=issuers[kind],
            valid_until=today + dt.timedelta(days=days),
            by=by,
            two_persons=False,
            at=at,
        )


async def _apply(
    tx: AsyncConnection, vault: Vault, programme: Programme, told: ApplicationTold, who: Member, at: Moment
) -> None:
    then = at.now - dt.timedelta(days=told.ago)
    draft = await onboarding.begin(tx, who.id, now=then)
    for field in onboarding.FIELDS:
        await onboarding.answer(tx, draft.id, field, getattr(told, field), programme=programme, vault=vault)
    await files.add(
        tx,
        application_id=draft.id,
        purpose="licence",
        kind="photo",
        given="demo",  # nobody sent it, so the words alone are shown
        unique_id="demo",
        name=None,
        size=0,
        caption=told.caption,
        by=f"member:{who.id}",
        now=then,
    )
    await onboarding.send(tx, draft.id, programme=programme, by=f"member:{who.id}", now=then)
