"""Refunds: a purchase, recomputed on what remains of it under the rules and facts that paid, gives back what it no longer earns.

By document, by line, by amount; or without a reference, by the same member's most recent earlier lines of the same items. As often
as there is something left. What has been spent meanwhile becomes a deficit towards the issuer; what was counted under caps and
budgets is given back to them. Who claimed the buyer's account has its lots, so it is they whom it is taken from. Locks: the
purchases, the claims of their buyers, then budgets, caps, accounts.
"""

from __future__ import annotations

import datetime as dt
import json
from collections import Counter
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from sqlalchemy import text
from sqlalchemy.ext.asyncio import AsyncConnection

from ledger.earning import referrals, returns, usage
from ledger.earning.purchases import COLUMNS, AmountMustBePositive, DocumentTaken, NoSuchPurchase, Purchase, from_row
from ledger.earning.refund_plans import Earlier, Plan, check_limit, earlier_of, planned
from ledger.earning.returns import Back, Returned
from ledger.earning.usage import Usage
from ledger.errors import Refusal
from ledger.members import pools, succession
from ledger.merchants import webhooks
from ledger.merchants.merchant import Merchant
from ledger.points.commands import ClawBack, Moment, Owner, Receipt, member
from ledger.points.engine import apply


@dataclass(frozen=True, slots=True)
class Refunded:
    """What a refund did: money, points clawed back, and their receipt (None where nothing had been earned on it).

    `member_id`: whose points they were, the buyer's or of whoever claimed the buyer's account.
    """

    purchase: Purchase
    amount_minor: int
    points: int
    receipt: Receipt | None
    repeated: bool
    member_id: int = 0


@dataclass(frozen=True, slots=True)
class Unreferenced:
    """A refund that named no purchase: what it reached, in order of first touch, and the items that it did not find."""

    refunds: tuple[Refunded, ...]
    rest: tuple[Returned, ...]


@dataclass(frozen=True, slots=True)
class _Order:
    """Under which document, when, by whom and why something is refunded."""

    document: str
    occurred_at: dt.datetime
    at: Moment
    actor: str
    staff_id: int | None
    reason: str | None
    take_back: bool = False


_OF = f"SELECT {COLUMNS} FROM purchase"
_ALONE = text("SELECT pg_advisory_xact_lock(hashtextextended(:name, 0))")
_REACHED = text("SELECT purchase_id FROM refund WHERE merchant_id = :merchant_id AND document = :document")
_LOCK = text(f"{_OF} WHERE id = :id FOR UPDATE")
_LOCK_ALL = text(f"{_OF} WHERE id = ANY(CAST(:ids AS bigint[])) ORDER BY id FOR UPDATE")
_CANDIDATES = text(
    f"{_OF} WHERE merchant_id = :merchant_id AND member_id IN (SELECT CAST(:member_id AS bigint) UNION ALL"
    " SELECT member_id FROM succession WHERE holder_id = :member_id) AND occurred_at <= :occurred_at"
    " AND taken_back_at IS NULL AND EXISTS (SELECT FROM jsonb_array_elements(bill->'parts') AS part"
    " WHERE part->>4 = ANY(CAST(:items AS text[]))) ORDER BY id FOR UPDATE"
)
_REFUND = text(
    """
    INSERT INTO refund (merchant_id, document, purchase_id, amount_minor, points, entry_id, staff_id, reason, occurred_at, lines,
                        shares)
    VALUES (:merchant_id, :document, :purchase_id, :amount_minor, :points, :entry_id, :staff_id, :reason, :occurred_at,
            CAST(:lines AS jsonb), CAST(:shares AS jsonb))
    """
)
_COUNT = text(
    "UPDATE purchase SET refunded_minor = refunded_minor + :amount_minor,"
    " taken_back_at = coalesce(taken_back_at, CAST(:taken_back_at AS timestamptz))"
    f" WHERE id = :id RETURNING {COLUMNS}"
)


async def refund(
    tx: AsyncConnection,
    merchant: Merchant,
    *,
    purchase_id: int,
    document: str,
    occurred_at: dt.datetime,
    at: Moment,
    actor: str,
    amount_minor: int | None = None,
    lines: Sequence[Back] = (),
    staff_id: int | None = None,
    reason: str | None = None,
    take_back: bool = False,
    limit_minor: int | None = None,
) -> Refunded:
    """Take back what the purchase no longer earns once `lines` of it, `amount_minor`, or (neither) all that is left is refunded.

    The second delivery of a refund document gets what the first did. What has been spent becomes a deficit towards this
    issuer. `take_back` marks the whole purchase as an award that should not have been. `limit_minor` bounds all refunds of
    this purchase together.

    Raises:
        NoSuchPurchase → DocumentTaken → AmountMustBePositive → NoSuchLine → MoreThanPurchase → RefundAboveLimit, then the
        engine's.
    """
    reached = await _reached(tx, merchant, document)
    row = (await tx.execute(_LOCK, {"id": purchase_id})).first()
    if row is None or row.merchant_id != merchant.id:
        raise NoSuchPurchase(str(purchase_id))
    if reached not in ([], [purchase_id]):
        raise DocumentTaken(document)
    purchase = from_row(row)
    earlier = (await earlier_of(tx, [purchase_id]))[purchase_id]
    for was in earlier:
        if was.document == document:
            if amount_minor not in (None, was.amount_minor) or (lines and tuple(lines) != was.lines):
                raise DocumentTaken(document)
            return Refunded(purchase, was.amount_minor, was.points, None, True)
    found = await planned(tx, purchase, earlier, amount_minor, lines, nothing_too=take_back)
    check_limit(purchase, found.amount_minor, limit_minor)
    order = _Order(document, occurred_at, at, actor, staff_id, reason, take_back)
    (done,) = await _carry_out(tx, merchant, [found], order)
    return done


async def refund_items(
    tx: AsyncConnection,
    merchant: Merchant,
    *,
    member_id: int,
    items: Sequence[Returned],
    document: str,
    occurred_at: dt.datetime,
    at: Moment,
    actor: str,
    staff_id: int | None = None,
    reason: str | None = None,
) -> Unreferenced:
    """Refund items without saying which purchase: the member's most recent earlier lines of each come back, newest first, at the
    price they were bought for, as in the import of a till export. What finds no line is left over and says so.

    The second delivery of a document that reached something gets what the first did.

    Raises:
        AmountMustBePositive (of a number of pieces) → DocumentTaken, then the engine's.
    """
    for each in items:
        if each.pieces <= 0:
            raise AmountMustBePositive(each.pieces)
    if reached := await _reached(tx, merchant, document):
        again = [from_row(row) for row in await tx.execute(_LOCK_ALL, {"ids": reached})]
        earlier = await earlier_of(tx, reached)
        holders = await succession.holders(tx, [purchase.member_id for purchase in again])
        if any(member_id not in (p.member_id, holders.get(p.member_id)) for p in again):
            raise DocumentTaken(document)
        return _repeated([(p, was) for p in again for was in earlier[p.id] if was.document == document], items)
    wanted = {"merchant_id": merchant.id, "member_id": member_id, "occurred_at": occurred_at}
    rows = await tx.execute(_CANDIDATES, {**wanted, "items": [each.item for each in items]})
    found = sorted((from_row(row) for row in rows), key=lambda p: (p.occurred_at, p.id), reverse=True)
    earlier = await earlier_of(tx, [purchase.id for purchase in found])
    backs: dict[int, list[Back]] = {}
    rest: list[Returned] = []
    for item, pieces in items:
        for purchase in found:
            taken = backs.get(purchase.id, [])
            gone = returns.total([*(line for was in earlier[purchase.id] for line in was.lines), *taken])
            if lines := returns.of_item(purchase.bill, gone, item, pieces):
                backs.setdefault(purchase.id, []).extend(lines)
                pieces -= sum(line.pieces for line in lines)
        if pieces:
            rest.append(Returned(item, pieces))
    by_id = {purchase.id: purchase for purchase in found}
    plans = [await planned(tx, by_id[id_], earlier[id_], None, lines) for id_, lines in backs.items()]
    order = _Order(document, occurred_at, at, actor, staff_id, reason)
    done = await _carry_out(tx, merchant, plans, order)
    return Unreferenced(tuple(done), tuple(rest))


async def _reached(tx: AsyncConnection, merchant: Merchant, document: str) -> list[int]:
    """The purchases that this refund document has reached; nobody else books it until this transaction ends."""
    await tx.execute(_ALONE, {"name": f"refund:{merchant.id}:{document}"})
    return list(await tx.scalars(_REACHED, {"merchant_id": merchant.id, "document": document}))


async def _carry_out(tx: AsyncConnection, merchant: Merchant, plans: Sequence[Plan], order: _Order) -> list[Refunded]:
    holders = await succession.holders(tx, [plan.purchase.member_id for plan in plans])
    taken = Usage({}, {}, {})
    for plan in plans:
        taken.count([each._replace(points=-each.points) for each in plan.counts], merchant.terms.currency)
    await usage.give_back(tx, taken)
    whose = {holders.get(plan.purchase.member_id, plan.purchase.member_id) for plan in plans if plan.points}
    pooled = await pools.of_members(tx, whose, merchant.terms.currency)
    commands = {plan.purchase.id: _claw_back(merchant, plan, order, holders, pooled) for plan in plans if plan.points}
    receipts: dict[int, Receipt] = {}
    for id_, outcome in zip(commands, await apply(tx, list(commands.values())), strict=True):
        if isinstance(outcome, Refusal):
            raise outcome
        receipts[id_] = outcome
    done = []
    for plan in plans:
        receipt = receipts.get(plan.purchase.id)
        written = {
            "merchant_id": merchant.id,
            "document": order.document,
            "purchase_id": plan.purchase.id,
            "amount_minor": plan.amount_minor,
            "points": plan.points,
            "entry_id": receipt.entry_id if receipt else None,
            "staff_id": order.staff_id,
            "reason": order.reason,
            "occurred_at": order.occurred_at,
            "lines": json.dumps(plan.lines),
            "shares": json.dumps(plan.shares),
        }
        await tx.execute(_REFUND, written)
        taken_back_at = order.at.now if order.take_back else None
        counted = {"id": plan.purchase.id, "amount_minor": plan.amount_minor, "taken_back_at": taken_back_at}
        after = (await tx.execute(_COUNT, counted)).one()
        holder = holders.get(plan.purchase.member_id, plan.purchase.member_id)
        done.append(Refunded(from_row(after), plan.amount_minor, plan.points, receipt, False, holder))
        facts = {"document": order.document, "of": plan.purchase.document, "amount_minor": plan.amount_minor}
        facts |= {"money": plan.purchase.money, "points": plan.points}
        key = f"refund.applied:{merchant.id}:{order.document}:{plan.purchase.document}"
        await webhooks.emit(tx, merchant.id, "refund.applied", key=key, facts=facts, now=order.at.now)
    await referrals.refunded(tx, [plan.purchase.id for plan in plans])
    return done


def _claw_back(
    merchant: Merchant, plan: Plan, order: _Order, holders: Mapping[int, int], pooled: Mapping[int, Owner]
) -> ClawBack:
    of = plan.purchase
    holder = holders.get(of.member_id)
    return ClawBack(
        key=f"refund:{merchant.id}:{order.document}:{of.document}",
        owner=member(holder or of.member_id),
        of=None if holder is None else member(of.member_id),
        pool=pooled.get(holder or of.member_id),
        currency=merchant.terms.currency,
        at=order.at,
        actor=order.actor,
        occurred_at=order.occurred_at,
        merchant_id=merchant.id,
        issuer_id=merchant.id,
        entry_id=of.entry_id,
        points=plan.points,
        reason=order.reason,
        facts=refund_facts(order.document, of.document, plan.amount_minor, of.money, take_back=order.take_back),
        trace=refund_trace(plan.points, plan.keeps),
    )


def _repeated(again: Sequence[tuple[Purchase, Earlier]], items: Sequence[Returned]) -> Unreferenced:
    """What a refund document did when it first came; `DocumentTaken` where it then came with other items."""
    found = Counter({item: 0 for item, _ in items})
    for purchase, was in again:
        for line in was.lines:
            found[purchase.bill.parts[line.place].item or ""] += line.pieces
    rest = []
    for item, pieces in items:
        some = min(pieces, found[item])
        found[item] -= some
        if pieces > some:
            rest.append(Returned(item, pieces - some))
    if +found or not all(was.lines for _, was in again):
        raise DocumentTaken(again[0][1].document)
    return Unreferenced(tuple(Refunded(p, was.amount_minor, was.points, None, True) for p, was in again), tuple(rest))


def refund_facts(document: str, of: str, amount_minor: int, money: str, *, take_back: bool) -> dict[str, Any]:
    """What the entry of a refund says of it."""
    what = "take_back" if take_back else "refund"
    return {"what": what, "document": document, "of": of, "amount_minor": amount_minor, "money": money}


def refund_trace(points: int, keeps: int) -> list[dict[str, Any]]:
    """The arithmetic of a refund: what its purchase had earned so far, what the rest of it still earns."""
    return [{"what": "refund", "earned": points + keeps, "keeps": keeps, "points": points}]
