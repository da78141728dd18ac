"""What can be asked of a sandbox itself, with a test key: its people and their cards, its clock, its events, and a new beginning.

Everything else under `/v1` works in a sandbox as it does in life.
"""

from __future__ import annotations

import datetime as dt
import secrets

from sqlalchemy import text

from bot.clock import Clock
from bot.merchant_api import problems
from bot.merchant_api.calls import Call
from bot.merchant_api.models import ByReference, MemberOut
from bot.merchant_api.sandbox_models import (
    CardIn,
    CardOut,
    ClockIn,
    EventOut,
    EventsAsked,
    EventsOut,
    HookIn,
    HookOut,
    NewMemberIn,
    ResetIn,
    SandboxOut,
    SandboxVoucherIn,
    SandboxVoucherOut,
)
from ledger.members import card, joining
from ledger.members.member import Member
from ledger.members.person import Person
from ledger.merchants import webhooks
from ledger.programme import Programme
from ledger.redeeming import codes, redemptions, shelf
from ledger.redeeming.shelf import NoSuchOffer

CARD_SECONDS = 300
MEMBERS_MOST = 1_000
AHEAD_DAYS_MOST = 3_660

_MEMBERS = text("SELECT count(*) FROM person")
_ACTIVITY = text("SELECT max(id) FROM activity WHERE merchant_id = :id")
_PROGRAMME = text("SELECT document FROM programme WHERE one = 1")
_OFFER = text("SELECT id FROM offer WHERE code = :code AND merchant_id = :merchant_id")


async def show(call: Call, asked: None) -> SandboxOut:
    """How the sandbox stands."""
    return await _said(call, call.at.today, call.at.ahead_days)


async def reset(call: Call, asked: ResetIn) -> SandboxOut:
    """Empty it and copy the merchant anew, all in one transaction."""
    assert call.refill is not None
    await call.refill(call.tx)
    return await _said(call, call.at.today - dt.timedelta(days=call.at.ahead_days), 0)


async def move(call: Call, asked: ClockIn) -> SandboxOut:
    """Move the clock; what falls due runs after the commit (`Sandboxes.settle`).

    Raises:
        Problem 422: backwards, or further than there is any use in.
    """
    days = asked.days if asked.until is None else (asked.until - call.at.today).days
    if days is None or days <= 0 or call.at.ahead_days + days > AHEAD_DAYS_MOST:
        raise problems.clock_goes_forward(call.at.today)
    ahead = await Clock(call.zone).move(call.tx, days)
    return await _said(call, call.at.today + dt.timedelta(days=days), ahead)


async def _said(call: Call, today: dt.date, ahead_days: int) -> SandboxOut:
    return SandboxOut(
        merchant=call.merchant.code,
        today=today,
        ahead_days=ahead_days,
        members=await call.tx.scalar(_MEMBERS) or 0,
        activity=await call.tx.scalar(_ACTIVITY, {"id": call.merchant.id}) or 0,
    )


async def add_member(call: Call, asked: NewMemberIn) -> MemberOut:
    """Somebody joins. `Problem` 409 where there are enough."""
    if (await call.tx.scalar(_MEMBERS) or 0) >= MEMBERS_MOST:
        raise problems.enough_members(MEMBERS_MOST)
    number = secrets.randbelow(2**52)  # nobody has such an account, and nothing is ever sent from here
    programme = Programme.model_validate(await call.tx.scalar(_PROGRAMME))
    who = Person(number, number, asked.name)
    joined = await joining.join(call.tx, call.vault, programme, who, welcome_issuer_id=None, at=call.at)
    return MemberOut(reference=call.reference(joined.member.id), display_name=asked.name)


async def show_card(call: Call, asked: CardIn) -> CardOut:
    """A member shows their card."""
    member_id = call.member(asked.member.reference)
    made = await card.issue(call.tx, member_id, seed=secrets.token_hex(16), seconds=CARD_SECONDS, now=call.at.now)
    return CardOut(card=made.code, expires_at=made.expires_at)


async def redeem(call: Call, asked: SandboxVoucherIn) -> SandboxVoucherOut:
    """A member redeems an offer, as they would in the chat. `NoSuchOffer`; refusals as in `redemptions.redeem`."""
    offer_id = await call.tx.scalar(_OFFER, {"code": asked.offer, "merchant_id": call.merchant.id})
    if offer_id is None:
        raise NoSuchOffer(0)
    who = _member(call, asked.member)
    today, now = call.at.today, call.at.programme_now
    seen = await shelf.judged(call.tx, who, offer_id, today=today, amount=asked.amount, now=now)
    first = seen.facts.openings
    done = await redemptions.redeem(
        call.tx,
        who,
        offer_id,
        amount=asked.amount,
        version=seen.listed.version,
        points=seen.verdict.quote.points if seen.verdict.quote is not None else 0,
        slot=seen.facts.soonest,
        outlet_id=first.outlet.id if first is not None and first.outlet is not None else None,
        nonce=secrets.token_hex(8),
        code=codes.mint(secrets.token_bytes(16)),
        vault=call.vault,
        undo_minutes=0,
        at=call.at,
        actor=call.key.actor,
    )
    made = done.redemption
    return SandboxVoucherOut(code=done.code, points=made.points, valid_until=made.valid_until)


def _member(call: Call, said: ByReference) -> Member:
    return Member(call.member(said.reference), "active")


async def direct(call: Call, asked: HookIn) -> HookOut:
    """Say where events go. `AddressNotUsable`; that it leads outside is seen when something is sent."""
    hook = await webhooks.direct(
        call.tx, merchant_id=call.merchant.id, url=asked.url, by=call.key.actor, now=call.at.now, test=True
    )
    return HookOut(url=hook.url, secret=webhooks.secret(call.vault, hook))


async def events(call: Call, asked: EventsAsked) -> EventsOut:
    """What was told, or could not be."""
    found = await webhooks.events(call.tx, call.merchant.id, state=asked.state, before=asked.after, most=asked.limit)
    return EventsOut(events=[_event(each) for each in found], next=found[-1].id if len(found) == asked.limit else None)


async def again(call: Call, asked: ResetIn) -> EventOut:
    """Send an event once more. `NoSuchEvent`, `NoWebhook`."""
    event_id = int(call.path["event"])
    return _event(await webhooks.again(call.tx, call.merchant.id, event_id, now=call.at.now))


def _event(each: webhooks.Event) -> EventOut:
    return EventOut(
        id=each.id,
        event=each.kind,
        state=each.state,
        tries=each.tries,
        answer=each.answer,
        created_at=each.created_at,
        body=each.body,
    )
