"""Purchases: one at a time, many at once, what they would earn, and what was booked.

Requests for one purchase that arrive together are booked together: one transaction claims all their keys, uses the cards that were
shown, books, and keeps each one's answer. A batch is one request with one key and one answer of many rows.
"""

from __future__ import annotations

import base64
import binascii
import datetime as dt
from collections.abc import Collection, Iterable, Mapping, Sequence
from typing import Any

from sqlalchemy import text
from sqlalchemy.ext.asyncio import AsyncConnection

from bot.addressees import say
from bot.clock import Clock
from bot.merchant_api import answers, problems, receipts, times
from bot.merchant_api.answers import Asked
from bot.merchant_api.calls import Call, member_of
from bot.merchant_api.models import (
    Basket,
    BatchIn,
    ByReference,
    PurchaseIn,
    PurchaseOut,
    PurchasesAsked,
    PurchasesOut,
    QuoteIn,
    QuoteOut,
)
from bot.merchant_api.problems import Answer, Problem
from chat import arithmetic, declines
from chat.words import Speaker
from ledger.earning import intake, purchases, rulebook
from ledger.earning.intake import Intended
from ledger.earning.purchases import AmountMustBePositive, Booked, Purchase
from ledger.earning.rules.bill import Bill, Part
from ledger.earning.rules.evaluate import evaluate
from ledger.earning.rules.facts import Facts
from ledger.errors import Refusal
from ledger.members import card, reference, walk_ins
from ledger.members.vault import Vault
from ledger.merchants import merchant as merchants
from ledger.merchants.api_keys import ApiKey
from ledger.merchants.cover import CoverExhausted, Slices
from ledger.merchants.merchant import Merchant, available_on, expires_on
from ledger.points.commands import Moment
from ledger.values import compact, value

CHANNEL = "api"
BATCH_AT_ONCE = 250
"""So many purchases of a batch are decided before other requests get their turn on the event loop."""


@value(frozen=True, slots=True)
class Job:
    """A request for one purchase."""

    asked: Asked
    purchase: PurchaseIn
    language: str


def bill_of(basket: Basket, money: str) -> Bill:
    """A basket as the rules take it.

    Raises:
        Problem 422: it was paid with more or less than it comes to.
    """
    parts = tuple([Part(x.amount_minor, x.category, x.green_class, x.pieces, x.item) for x in basket.lines])
    if basket.payments is None:
        return Bill(parts, money)
    paid, total = sum(each.amount_minor for each in basket.payments), sum(part.amount_minor for part in parts)
    if paid != total:
        raise problems.payments_differ(paid, total)
    otherwise = sum(each.amount_minor for each in basket.payments if each.by != "money")
    return Bill(parts, money, otherwise)


class Bookkeeper:
    """Books purchases for requests, combined or one by one."""

    def __init__(self, vault: Vault, clock: Clock, slices: Slices | None = None) -> None:
        self._vault = vault
        self._clock = clock
        self._slices = slices

    async def combined(self, tx: AsyncConnection, jobs: Sequence[Job]) -> list[Answer]:
        """Answer requests for one purchase each, in one transaction. An answer for each, in order."""
        now = self._clock.now()
        claimed = await answers.claim(tx, [job.asked for job in jobs], now=now)
        at = Moment(now, self._clock.today(claimed.ahead_days, now), claimed.ahead_days)
        speakers = {language: Speaker(language, at.today, self._clock.zone) for language in ("zh", "en")}
        todo = [i for i, before in enumerate(claimed.before) if before is None]
        known = await merchants.by_ids(tx, [jobs[i].asked.key.merchant_id for i in todo])
        wanted = [(jobs[i].purchase, jobs[i].asked.key, known[jobs[i].asked.key.merchant_id]) for i in todo]
        outcomes = await self._book(tx, wanted, at)
        reasons = await reasons_of(tx, [each.purchase for each in outcomes if isinstance(each, Booked)])
        given: list[Answer] = []
        kept: list[tuple[Asked, Answer, int | None]] = []
        done = iter(outcomes)
        for job, before in zip(jobs, claimed.before, strict=True):
            if isinstance(before, Answer):
                given.append(before)
                continue
            outcome = next(done) if before is None else before
            if isinstance(outcome, Problem):
                answer, later = outcome.answer(speakers[job.language]), outcome.later
            else:
                said = self._said(outcome, job.purchase, known[job.asked.key.merchant_id], reasons)
                answer, later = Answer(201, compact(said)), False
            if before is None and not later:
                kept.append((job.asked, answer, None))
            given.append(answer)
        await answers.keep(tx, kept, now=now)
        return given

    async def batch(self, call: Call, asked: BatchIn) -> str:
        """Book a batch within the caller's transaction; a row for each purchase, in order: a `BatchOut`, as JSON."""
        rows: list[dict[str, Any]] = []
        for start in range(0, len(asked.purchases), BATCH_AT_ONCE):
            part = [(each, call.key, call.merchant) for each in asked.purchases[start : start + BATCH_AT_ONCE]]
            outcomes = await self._book(call.tx, part, call.at)
            reasons = await reasons_of(call.tx, [each.purchase for each in outcomes if isinstance(each, Booked)])
            for (purchase, _, _), outcome in zip(part, outcomes, strict=True):
                if isinstance(outcome, Problem):
                    rows.append({"problem": outcome.said(call.speaker), "retry": outcome.later})
                else:
                    rows.append({"purchase": self._said(outcome, purchase, call.merchant, reasons)})
        booked = sum("purchase" in row for row in rows)
        return compact({"booked": booked, "refused": len(rows) - booked, "rows": rows})

    async def _book(
        self, tx: AsyncConnection, wanted: Sequence[tuple[PurchaseIn, ApiKey, Merchant]], at: Moment
    ) -> list[Booked | Problem]:
        named = {p.member.card: key for p, key, _ in wanted if not isinstance(p.member, ByReference)}
        shown = {code: key for code, key in named.items() if len(code) == card.DIGITS}
        cards: Mapping[str, int | Refusal] = {}
        if shown:
            cards = await card.present_many(tx, {code: -key.id for code, key in shown.items()}, now=at.now)
        known = {**cards, **await self._papers(tx, named.keys() - shown.keys())}
        outlets = await self._outlets(tx, wanted)
        rows: list[Intended | Problem] = []
        taken: set[str] = set()
        for purchase, key, merchant in wanted:
            try:
                rows.append(self._intended(purchase, key, merchant, known, outlets, at))
            except Problem as no:
                rows.append(no)
                continue
            if not isinstance(purchase.member, ByReference) and purchase.member.card in shown:
                if purchase.member.card in taken:  # two tills at once were shown one card: it was the first one's
                    rows[-1] = problems.refused(card.CardUsed(at.now))
                taken.add(purchase.member.card)
        intended = [row for row in rows if isinstance(row, Intended)]
        booked = await intake.book_many(
            tx, intended, at=at, zone=self._clock.zone, vault=self._vault, slices=self._slices
        )
        await receipts.note(tx, [each.receipt for each in booked if isinstance(each, Booked)])
        found = iter(booked)
        outcomes: list[Booked | Problem] = []
        uncovered: list[tuple[int, str]] = []
        for row in rows:
            outcome = row if isinstance(row, Problem) else next(found)
            if isinstance(outcome, CoverExhausted) and isinstance(row, Intended):
                uncovered.append(row.key)
            outcomes.append(problems.refused(outcome) if isinstance(outcome, Refusal) else outcome)
        if uncovered:
            told = await declines.tells(tx, uncovered, now=at.now)
            await say(tx, self._vault, told, today=at.today, zone=self._clock.zone)
        if shown:
            spent = {
                purchase.member.card
                for (purchase, _, _), outcome in zip(wanted, outcomes, strict=True)
                if not isinstance(purchase.member, ByReference) and isinstance(outcome, Booked)
            }
            if unused := [code for code, who in cards.items() if isinstance(who, int) and code not in spent]:
                await card.give_back(tx, unused, now=at.now)
        return outcomes

    async def _papers(self, tx: AsyncConnection, numbers: Collection[str]) -> Mapping[str, int | Refusal]:
        """Accounts by paper cards. Booking finds who has claimed one since, also where it is a repeat from before."""
        if not numbers:
            return {}
        found = await walk_ins.of_cards(tx, self._vault, numbers)
        return {number: found.get(number, card.CardUnknown()) for number in numbers}

    async def _outlets(
        self, tx: AsyncConnection, wanted: Sequence[tuple[PurchaseIn, ApiKey, Merchant]]
    ) -> Mapping[tuple[int, str], int]:
        """Outlets by merchant and name, and those of tills by «till:<label>»."""
        named = {(merchant.id, purchase.outlet) for purchase, _, merchant in wanted if purchase.outlet is not None}
        tills = {(m.id, till) for p, key, m in wanted if p.outlet is None and (till := key.till or p.till) is not None}
        if not named and not tills:
            return {}
        asked = {"merchants": [m for m, _ in named], "names": [name for _, name in named]}
        asked |= {"till_merchants": [m for m, _ in tills], "tills": [till for _, till in tills]}
        return {(row.merchant_id, row.name): row.id for row in await tx.execute(_OUTLETS, asked)}

    def _intended(
        self,
        purchase: PurchaseIn,
        key: ApiKey,
        merchant: Merchant,
        cards: Mapping[str, int | Refusal],
        outlets: Mapping[tuple[int, str], int],
        at: Moment,
    ) -> Intended:
        occurred_at = times.sane(purchase.occurred_at, key, now=at.now)
        if key.till is not None and purchase.till not in (None, key.till):
            raise problems.another_till()
        till = key.till or purchase.till
        outlet_id = outlets.get((merchant.id, f"till:{till}" if purchase.outlet is None else purchase.outlet))
        if purchase.outlet is not None and outlet_id is None:
            raise problems.no_such_outlet()
        bill = bill_of(purchase, merchant.money)
        if isinstance(purchase.member, ByReference):
            member_id = member_of(self._vault, merchant.id, purchase.member.reference)
        else:
            found = cards[purchase.member.card]
            if isinstance(found, Refusal):
                raise problems.refused(found)
            member_id = found
        return Intended(
            merchant=merchant,
            document=purchase.document,
            member_id=member_id,
            bill=bill,
            bought_on=times.business_day(occurred_at, zone=self._clock.zone, ahead_days=at.ahead_days),
            occurred_at=occurred_at,
            actor=key.actor,
            channel=CHANNEL,
            outlet_id=outlet_id,
            till=till,
        )

    def _said(
        self, booked: Booked, asked: PurchaseIn, merchant: Merchant, reasons: Mapping[int, str]
    ) -> dict[str, Any]:
        """A booked purchase as it goes over the wire: the fields of a `Booked`."""
        who = asked.member.reference if isinstance(asked.member, ByReference) else self._reference(booked, merchant)
        return {**_fields(booked.purchase, who, merchant, reasons), "repeated": booked.repeated}

    def _reference(self, booked: Booked, merchant: Merchant) -> str:
        return reference.reference(self._vault, merchant.id, booked.purchase.member_id)


_OUTLETS = text(
    "SELECT merchant_id, name, id FROM outlet WHERE closed_at IS NULL AND (merchant_id, name) IN"
    " (SELECT * FROM unnest(CAST(:merchants AS bigint[]), CAST(:names AS text[])))"
    " UNION ALL SELECT merchant_id, 'till:' || label, outlet_id FROM till WHERE closed_at IS NULL AND (merchant_id, label) IN"
    " (SELECT * FROM unnest(CAST(:till_merchants AS bigint[]), CAST(:tills AS text[])))"
)


_REASONS = text(
    # LIMIT keeps the planner from turning the join round: a plan made while the table was empty would read all of it.
    "SELECT w.id, e.reason FROM unnest(CAST(:owners AS bigint[]), CAST(:ids AS bigint[])) AS w(owner_id, id)"
    " CROSS JOIN LATERAL (SELECT reason FROM entry WHERE owner_id = w.owner_id AND id = w.id LIMIT 1) e"
    " WHERE e.reason IS NOT NULL"
)


async def reasons_of(tx: AsyncConnection, found: Iterable[Purchase]) -> dict[int, str]:
    """Why purchases that earned nothing did, by entry: the others have no reason to read."""
    nothing = [purchase for purchase in found if not purchase.points]
    if not nothing:
        return {}
    asked = {"owners": [each.member_id for each in nothing], "ids": [each.entry_id for each in nothing]}
    return {row.id: row.reason for row in await tx.execute(_REASONS, asked)}


def _fields(purchase: Purchase, who: str, merchant: Merchant, reasons: Mapping[int, str]) -> dict[str, Any]:
    from_day = available_on(merchant.terms, purchase.bought_on)
    return {
        "document": purchase.document,
        "member": who,
        "amount_minor": purchase.amount_minor,
        "refunded_minor": purchase.refunded_minor,
        "money": purchase.money,
        "points": purchase.points,
        "available_on": from_day,
        "expires_on": expires_on(merchant.terms, from_day),
        "because": reasons.get(purchase.entry_id),
        "occurred_at": purchase.occurred_at,
    }


async def quote(call: Call, asked: QuoteIn) -> QuoteOut:
    """What a basket would earn now, by the evaluation that then pays; without a member, as for somebody without history."""
    occurred_at = call.at.now if asked.occurred_at is None else times.sane(asked.occurred_at, call.key, now=call.at.now)
    bill = bill_of(asked, call.merchant.money)
    bought_on = times.business_day(occurred_at, zone=call.zone, ahead_days=call.at.ahead_days)
    if asked.member is None:
        call.merchant.must_issue(call.at.today)
        if bill.gross_minor <= 0:
            raise AmountMustBePositive(bill.gross_minor)
        rules = await rulebook.in_force(call.tx, call.merchant.id, bought_on)
        local = dt.datetime.combine(bought_on, occurred_at.astimezone(call.zone).time())
        decision = evaluate(bill, rules, Facts(bought_at=local, channel=CHANNEL, region=call.merchant.region))
    else:
        one = Intended(
            merchant=call.merchant,
            document="",
            member_id=call.member(asked.member.reference),
            bill=bill,
            bought_on=bought_on,
            occurred_at=occurred_at,
            actor=call.key.actor,
            channel=CHANNEL,
        )
        decision = await intake.quote(call.tx, one, today=call.at.today, zone=call.zone, vault=call.vault)
    why = [call.speaker.plain(step) for step in arithmetic.steps(decision.trace)]
    return QuoteOut(points=decision.points, because=decision.because, why=why)


_PAGE = text(
    f"SELECT {purchases.COLUMNS} FROM purchase WHERE merchant_id = :merchant_id"
    " AND (occurred_at, id) < (CAST(:occurred_at AS timestamptz), CAST(:id AS bigint))"
    " AND (CAST(:document AS text) IS NULL OR document = :document) ORDER BY occurred_at DESC, id DESC LIMIT :limit"
)
_END_OF_TIME = dt.datetime(9999, 12, 31, tzinfo=dt.UTC)


async def page(call: Call, asked: PurchasesAsked) -> PurchasesOut:
    """The merchant's purchases, newest first."""
    occurred_at, last = _END_OF_TIME, 0
    if asked.after is not None:
        occurred_at, last = _place(asked.after)
    values = {"merchant_id": call.merchant.id, "occurred_at": occurred_at, "id": last, "document": asked.document}
    rows = [purchases.from_row(row) for row in await call.tx.execute(_PAGE, {**values, "limit": asked.limit})]
    reasons = await reasons_of(call.tx, rows)
    found = [PurchaseOut(**_fields(row, call.reference(row.member_id), call.merchant, reasons)) for row in rows]
    return PurchasesOut(purchases=found, next=_cursor(rows[-1]) if len(rows) == asked.limit else None)


def _cursor(last: Purchase) -> str:
    micros = (last.occurred_at - dt.datetime(1970, 1, 1, tzinfo=dt.UTC)) // dt.timedelta(microseconds=1)
    return base64.urlsafe_b64encode(f"{micros}.{last.id}".encode()).rstrip(b"=").decode()


def _place(cursor: str) -> tuple[dt.datetime, int]:
    try:
        micros, _, last = base64.urlsafe_b64decode(cursor + "==").decode("ascii").partition(".")
        at = dt.datetime(1970, 1, 1, tzinfo=dt.UTC) + dt.timedelta(microseconds=int(micros))
        if not 0 <= int(last) < 2**63:
            raise ValueError(last)
        return at, int(last)
    except (binascii.Error, ValueError, OverflowError):
        raise problems.no_such_place() from None
