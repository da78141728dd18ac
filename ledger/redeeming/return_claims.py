"""Claims on goods that were redeemed and handed over: what one says, where it stands, and everybody's reading.

    open ── the merchant grants (return_answers) ──▶ granted (the points) or exchanged (another piece)
    open ── the merchant is silent beyond its last day ──▶ silent: the points, as if granted
    open ── its member wants it no more (return_requests) ──▶ withdrawn
    open ── the merchant refuses, for a reason of the list ──▶ refused
    refused ── its member asks the operator, in time ──▶ escalated ──▶ upheld (the refusal stands) or overturned (the points)

A redemption has one claim, besides those that were withdrawn (`uq_return_claim_live`). Whoever moves a claim locks its redemption
first, then the claim; so of two who come at once one decides, and the other hears how it stands (`ClaimMovedOn`).

What the member wrote and showed is sealed with the member's own key: forgetting the member forgets it.
"""

from __future__ import annotations

import datetime as dt
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any, Literal, get_args

from sqlalchemy import Row, text
from sqlalchemy.ext.asyncio import AsyncConnection

from ledger.errors import Refusal
from ledger.members.vault import Vault
from ledger.merchants import webhooks
from ledger.points.commands import Moment
from ledger.redeeming import cash
from ledger.redeeming.offers import Names
from ledger.redeeming.vouchers import Redemption

State = Literal["open", "withdrawn", "granted", "exchanged", "silent", "refused", "escalated", "upheld", "overturned"]
Reason = Literal["faulty", "damaged", "wrong_item", "not_as_described", "incomplete", "changed_mind"]
REASONS: tuple[Reason, ...] = get_args(Reason)
Wish = Literal["points", "exchange"]
Refused = Literal["worn", "damaged_later", "incomplete", "other_goods", "as_described", "perishable"]
"""Used or worn; damaged after it was handed over; not all of it came back; not what was handed over here; nothing is wrong with it;
of a kind that spoils, and too long ago. What it was paid with is not on this list, here or in the schema."""
REFUSALS: tuple[Refused, ...] = get_args(Refused)
Goods = Literal["back", "written_off"]
"""What becomes of the goods: on the shelf again, or not."""

Side = Literal["member", "merchant", "operator"]

PHOTOS_MOST = 6
WORDS_LONGEST = 300
ESCALATE_DAYS = 7
"""So long after a refusal the member may ask the operator."""

GRANTED: frozenset[str] = frozenset({"granted", "silent", "overturned"})
"""The states in which the points went back."""


@dataclass(frozen=True, slots=True)
class Shot:
    """A photo as Telegram keeps it; the same picture sent twice has the same `unique_id`."""

    file_id: str
    unique_id: str
    kind: Literal["photo", "document"] = "photo"


@dataclass(frozen=True, slots=True)
class Claim:
    """A claim, and where it stands. `answer_by` is the merchant's last day; `escalate_by`, after a refusal, the member's.

    `box` holds the member's words and photos (`shown`). `answered_by` and `decided_by` are actors: «staff:3», «operator:5»,
    «job:returns».
    """

    id: int
    redemption_id: int
    member_id: int
    merchant_id: int
    merchant: Names
    offer: Names
    units: int
    reason: Reason
    wants: Wish
    box: bytes
    opened_by: str
    opened_at: dt.datetime
    answer_by: dt.date
    state: State
    answered_at: dt.datetime | None
    answered_by: str | None
    refusal: Refused | None
    refusal_words: str | None
    escalate_by: dt.date | None
    escalated_at: dt.datetime | None
    decided_at: dt.datetime | None
    decided_by: str | None
    decision_words: str | None
    goods: Goods | None
    entry_id: int | None
    replacement_id: int | None

    def escalatable(self, today: dt.date) -> bool:
        """Whether the member may ask the operator still."""
        return self.state == "refused" and self.escalate_by is not None and today <= self.escalate_by


@dataclass(eq=False)
class ExchangeNotOffered(Refusal):
    """This offer is not exchanged; the points can go back."""

    redemption_id: int


@dataclass(eq=False)
class ReturnWordsTooLong(Refusal):
    """Words on a return have at most `longest` characters; a refusal and a decision need some."""

    longest: int


@dataclass(eq=False)
class NoSuchClaim(Refusal):
    """There is no such claim here."""

    claim_id: int


@dataclass(eq=False)
class ClaimMovedOn(Refusal):
    """It stands elsewhere by now, from where this can't be done by whoever (`side`) wanted it."""

    claim_id: int
    redemption_id: int
    state: State
    side: Side


_FIELDS = """
    SELECT c.id, c.redemption_id, c.member_id, c.merchant_id, m.name_zh, m.name_en, v.document->'name'->>'zh' AS offer_zh,
           v.document->'name'->>'en' AS offer_en, r.units, c.reason, c.wants, c.box, c.opened_by, c.opened_at, c.answer_by,
           c.state, c.answered_at, c.answered_by, c.refusal, c.refusal_words, c.escalate_by, c.escalated_at, c.decided_at,
           c.decided_by, c.decision_words, c.goods, c.entry_id, c.replacement_id
    FROM return_claim c JOIN redemption r ON r.id = c.redemption_id JOIN merchant m ON m.id = c.merchant_id
    JOIN offer_version v ON v.offer_id = r.offer_id AND v.version = r.offer_version
"""
_ONE = text(f"{_FIELDS} WHERE c.id = :id")
_LOCKED = text(f"{_FIELDS} WHERE c.id = :id FOR UPDATE OF c")
_WHERE = text("SELECT redemption_id FROM return_claim WHERE id = :id")
_LATEST = text(f"{_FIELDS} WHERE c.redemption_id = :id ORDER BY c.state = 'withdrawn', c.id DESC LIMIT 1")
_KEY = text("SELECT key FROM person WHERE member_id = :id")
_PAGE = text(
    f"{_FIELDS} WHERE c.merchant_id = :merchant AND (c.state = 'open') = CAST(:open AS boolean)"
    " ORDER BY CASE WHEN :open THEN c.answer_by END, CASE WHEN :open THEN c.id ELSE -c.id END LIMIT :limit OFFSET :offset"
)
_WAITING = text("SELECT count(*) FROM return_claim WHERE merchant_id = :merchant AND state = 'open'")
_ESCALATED = text(f"{_FIELDS} WHERE c.state = 'escalated' ORDER BY c.id LIMIT :limit OFFSET :offset")
_ESCALATED_COUNT = text("SELECT count(*) FROM return_claim WHERE state = 'escalated'")
_MINE = text(
    "SELECT redemption_id, state FROM return_claim"
    " WHERE redemption_id = ANY(:ids) AND state IN ('open', 'refused', 'escalated', 'upheld')"
)
_DUE_SOON = text(
    f"{_FIELDS} WHERE c.state = 'open' AND c.answer_by = :day AND c.id > :after ORDER BY c.id LIMIT :limit"
)


def refusals_of(reason: Reason) -> tuple[Refused, ...]:
    """Why a claim for this reason may be refused: what is simply not wanted any more need not have anything wrong with it."""
    return tuple(each for each in REFUSALS if reason != "changed_mind" or each != "as_described")


async def held(
    tx: AsyncConnection, claim_id: int, *, member_id: int | None = None, merchant_id: int | None = None
) -> tuple[Redemption, Claim]:
    """A claim of this member, or of this merchant, and its redemption, nobody else's to move until the end of this transaction.
    `NoSuchClaim`."""
    redemption_id = await tx.scalar(_WHERE, {"id": claim_id})
    if redemption_id is None:
        raise NoSuchClaim(claim_id)
    voucher = await cash.locked(tx, redemption_id)
    found = _of_row((await tx.execute(_LOCKED, {"id": claim_id})).one())
    _must_be(found, member_id, merchant_id)
    return voucher, found


def _must_be(found: Claim, member_id: int | None, merchant_id: int | None) -> None:
    if member_id not in (None, found.member_id) or merchant_id not in (None, found.merchant_id):
        raise NoSuchClaim(found.id)


def moved_on(found: Claim, side: Side) -> ClaimMovedOn:
    """How it stands, for whoever wanted to move it from elsewhere."""
    return ClaimMovedOn(found.id, found.redemption_id, found.state, side)


async def settled(tx: AsyncConnection, claim_id: int, voucher: Redemption, *, at: Moment) -> Claim:
    """A claim that has just ended, announced to its merchant's own systems."""
    found = await one(tx, claim_id)
    await announce(tx, "return.settled", found, voucher, at=at)
    return found


async def announce(tx: AsyncConnection, kind: webhooks.Kind, each: Claim, voucher: Redemption, *, at: Moment) -> None:
    """Tell the merchant's own systems."""
    facts: dict[str, Any] = {"claim": each.id, "redemption": each.redemption_id, "offer": voucher.offer.code}
    facts |= {"units": voucher.units, "reason": each.reason, "wants": each.wants, "state": each.state}
    facts |= {"answer_by": each.answer_by.isoformat(), "goods": each.goods, "replacement": each.replacement_id}
    await webhooks.emit(tx, each.merchant_id, kind, key=f"{kind}:{each.id}", facts=facts, now=at.now)


def tidy(said: str, *, least: int = 1) -> str:
    """Words in one line, or `ReturnWordsTooLong`."""
    words = " ".join(said.split())
    if not least <= len(words) <= WORDS_LONGEST:
        raise ReturnWordsTooLong(WORDS_LONGEST)
    return words


async def one(
    tx: AsyncConnection, claim_id: int, *, member_id: int | None = None, merchant_id: int | None = None
) -> Claim:
    """One claim; of this member or this merchant, where asked. `NoSuchClaim` for another's."""
    row = (await tx.execute(_ONE, {"id": claim_id})).first()
    if row is None:
        raise NoSuchClaim(claim_id)
    found = _of_row(row)
    _must_be(found, member_id, merchant_id)
    return found


async def latest(tx: AsyncConnection, redemption_id: int) -> Claim | None:
    """The claim on a redemption; one that was withdrawn only where there is no other."""
    row = (await tx.execute(_LATEST, {"id": redemption_id})).first()
    return None if row is None else _of_row(row)


async def shown(tx: AsyncConnection, each: Claim, vault: Vault) -> tuple[str, list[Shot]]:
    """What its member wrote and showed; nothing, once they were forgotten."""
    key = await tx.scalar(_KEY, {"id": each.member_id})
    if key is None:
        return "", []
    found = vault.open(key, each.box)
    return str(found["words"]), [Shot(*photo) for photo in found["photos"]]


async def page(
    tx: AsyncConnection, merchant_id: int, *, open_: bool = True, offset: int = 0, limit: int = 8
) -> list[Claim]:
    """A merchant's claims: those that wait for its answer, the nearest deadline first; or the others, newest first."""
    values = {"merchant": merchant_id, "open": open_, "offset": offset, "limit": limit}
    return [_of_row(row) for row in await tx.execute(_PAGE, values)]


async def waiting(tx: AsyncConnection, merchant_id: int) -> int:
    """How many wait for a merchant's answer."""
    return int(await tx.scalar(_WAITING, {"merchant": merchant_id}) or 0)


async def escalated(tx: AsyncConnection, *, offset: int = 0, limit: int = 8) -> list[Claim]:
    """Those that wait for the operator, oldest first."""
    return [_of_row(row) for row in await tx.execute(_ESCALATED, {"offset": offset, "limit": limit})]


async def escalated_count(tx: AsyncConnection) -> int:
    """How many wait for the operator."""
    return int(await tx.scalar(_ESCALATED_COUNT) or 0)


async def standing(tx: AsyncConnection, redemption_ids: Sequence[int]) -> dict[int, State]:
    """Of these redemptions, those on which a claim is under way, or was refused: how it stands."""
    if not redemption_ids:
        return {}
    return {row.redemption_id: row.state for row in await tx.execute(_MINE, {"ids": list(redemption_ids)})}


async def due_on(tx: AsyncConnection, day: dt.date, *, after: int = 0, limit: int = 100) -> list[Claim]:
    """Claims that have to be answered by a day and are not yet, by id."""
    return [_of_row(row) for row in await tx.execute(_DUE_SOON, {"day": day, "after": after, "limit": limit})]


def _of_row(row: Row[Any]) -> Claim:
    return Claim(
        id=row.id,
        redemption_id=row.redemption_id,
        member_id=row.member_id,
        merchant_id=row.merchant_id,
        merchant=Names(zh=row.name_zh, en=row.name_en),
        offer=Names(zh=row.offer_zh, en=row.offer_en),
        units=row.units,
        reason=row.reason,
        wants=row.wants,
        box=row.box,
        opened_by=row.opened_by,
        opened_at=row.opened_at,
        answer_by=row.answer_by,
        state=row.state,
        answered_at=row.answered_at,
        answered_by=row.answered_by,
        refusal=row.refusal,
        refusal_words=row.refusal_words,
        escalate_by=row.escalate_by,
        escalated_at=row.escalated_at,
        decided_at=row.decided_at,
        decided_by=row.decided_by,
        decision_words=row.decision_words,
        goods=row.goods,
        entry_id=row.entry_id,
        replacement_id=row.replacement_id,
    )
