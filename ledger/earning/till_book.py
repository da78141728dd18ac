"""A till export, booked: a chunk of its documents in one transaction, by the same commands as a till's own purchases.

Every chunk is safe to repeat: what is booked already is recognised by the merchant's document numbers and left alone, so an
import that was interrupted is simply run again.
"""

from __future__ import annotations

import datetime as dt
import json
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from functools import cache
from typing import Any, Literal
from zoneinfo import ZoneInfo

from sqlalchemy import text
from sqlalchemy.ext.asyncio import AsyncConnection

from ledger.earning.purchases import accrual, bill_document
from ledger.earning.refunds import refund_facts, refund_trace
from ledger.earning.rules.bill import Bill, Part
from ledger.earning.rules.decision import Decision
from ledger.earning.rules.evaluate import evaluate
from ledger.earning.rules.facts import Facts
from ledger.earning.rules.ruleset import RuleSet
from ledger.earning.rules.version import RuleVersion, in_force
from ledger.earning.till_import import Purchase, Refund, Taken
from ledger.errors import Fault, Refusal
from ledger.members import pools, succession
from ledger.merchants import accounts as accounts_of
from ledger.merchants.merchant import Merchant
from ledger.points.commands import ClawBack, Command, Moment, Receipt, member
from ledger.points.engine import apply

ACTOR = "import"

Status = Literal["booked", "already", "differs"]
"""Of a document: written now; found as it is; found with other facts and left alone."""


@dataclass(frozen=True, slots=True)
class _Known:
    """A purchase as it stands in the database."""

    id: int
    member_id: int
    amount_minor: int
    entry_id: int


def earning(rules: Sequence[RuleVersion], *, money: str, zone: str) -> Callable[[int, dt.datetime, int], Decision]:
    """What so many minor units earn, left of a purchase `of` so many at an instant, under `rules` on its local day."""
    local = ZoneInfo(zone)
    in_force_on = cache(lambda day: RuleSet(in_force(rules, day)))

    def earns(minor: int, at: dt.datetime, of: int) -> Decision:
        facts = facts_of(at, local)
        whole = Bill((Part(of),), money)
        rest = whole if of == minor else Bill((Part(minor),), money)
        return evaluate(rest, in_force_on(facts.bought_at.date()), facts, of=whole)

    return earns


def facts_of(at: dt.datetime, local: dt.tzinfo) -> Facts:
    """What an export tells of a purchase, beside its amount."""
    return Facts(bought_at=at.astimezone(local).replace(tzinfo=None), channel="file")


async def book(
    tx: AsyncConnection, merchant: Merchant, chunk: Sequence[Purchase | Refund], *, zone: str, at: Moment
) -> list[Status]:
    """Book documents in order; one status each. Customers who are new become members that nobody has claimed yet.

    Two imports of one merchant take turns. The chunk's purchases are written before its refunds, which need their entries.
    """
    await accounts_of.taking_turns(tx, merchant.id)
    opened = await accounts_of.open_many(tx, merchant.id, [p.customer for p in chunk if isinstance(p, Purchase)])
    accounts = {number: account.members for number, account in opened.items()}
    known = await _purchases(tx, merchant.id, chunk)
    local = ZoneInfo(zone)
    statuses: dict[int, Status] = {}
    new: list[tuple[int, Purchase]] = []
    for place, document in enumerate(chunk):
        if not isinstance(document, Purchase):
            continue
        if (found := known.get(document.document)) is None:
            new.append((place, document))
            continue
        same = found.amount_minor == document.amount_minor and found.member_id in accounts[document.customer]
        statuses[place] = "already" if same else "differs"
    commands: list[Command] = []
    for _, purchase in new:
        owner = accounts[purchase.customer][-1]
        commands.append(
            accrual(
                merchant,
                document=purchase.document,
                member_id=owner,
                bill=_bill(purchase, merchant),
                decision=purchase.decision,
                bought_on=purchase.occurred_at.astimezone(local).date(),
                occurred_at=purchase.occurred_at,
                at=at,
                actor=ACTOR,
            )
        )
    receipts = await _receipts(tx, commands)
    rows = [
        (purchase, accounts[purchase.customer][-1], receipt.entry_id, facts_of(purchase.occurred_at, local))
        for (_, purchase), receipt in zip(new, receipts, strict=True)
    ]
    known |= await _write_purchases(tx, merchant, rows)
    statuses |= dict.fromkeys((place for place, _ in new), "booked")
    statuses |= await _refunds(tx, merchant, chunk, known, at)
    return [statuses[place] for place in range(len(chunk))]


async def _refunds(
    tx: AsyncConnection, merchant: Merchant, chunk: Sequence[Purchase | Refund], known: dict[str, _Known], at: Moment
) -> dict[int, Status]:
    refunds = [(place, document) for place, document in enumerate(chunk) if isinstance(document, Refund)]
    found = await tx.execute(
        text(
            "SELECT document, purchase_id, amount_minor FROM refund"
            " WHERE merchant_id = :id AND document = ANY(CAST(:documents AS text[]))"
        ),
        {"id": merchant.id, "documents": [r.document for _, r in refunds]},
    )
    booked = {(row.document, row.purchase_id): row.amount_minor for row in found}
    statuses: dict[int, Status] = {}
    todo: list[tuple[Refund, Taken, _Known]] = []
    for place, refund in refunds:
        status: Status = "already"
        for taken in refund.taken:
            purchase = known.get(taken.document)
            if purchase is None or booked.get((refund.document, purchase.id), taken.amount_minor) != taken.amount_minor:
                status = "differs"
            elif (refund.document, purchase.id) not in booked:
                todo.append((refund, taken, purchase))
                status = "booked"
        statuses[place] = status
    holders = await succession.holders(tx, [purchase.member_id for *_, purchase in todo])
    whose = {holders.get(purchase.member_id, purchase.member_id) for *_, purchase in todo}
    pooled = await pools.of_members(tx, whose, merchant.terms.currency)
    commands: list[Command] = [
        ClawBack(
            key=f"refund:{merchant.id}:{refund.document}:{taken.document}",
            owner=member(holders.get(purchase.member_id, purchase.member_id)),
            of=member(purchase.member_id) if purchase.member_id in holders else None,
            pool=pooled.get(holders.get(purchase.member_id, purchase.member_id)),
            currency=merchant.terms.currency,
            at=at,
            actor=ACTOR,
            occurred_at=refund.occurred_at,
            merchant_id=merchant.id,
            issuer_id=merchant.id,
            entry_id=purchase.entry_id,
            points=taken.points,
            facts=refund_facts(refund.document, taken.document, taken.amount_minor, merchant.money, take_back=False),
            trace=refund_trace(taken.points, taken.keeps),
        )
        for refund, taken, purchase in todo
        if taken.points
    ]
    entries = iter([receipt.entry_id for receipt in await _receipts(tx, commands)])
    await _write_refunds(
        tx,
        merchant.id,
        [(refund, taken, bought.id, next(entries) if taken.points else None) for refund, taken, bought in todo],
    )
    return statuses


async def _receipts(tx: AsyncConnection, commands: Sequence[Command]) -> list[Receipt]:
    """Apply; whatever refuses here breaks an expectation, and the chunk with it."""
    receipts: list[Receipt] = []
    for command, outcome in zip(commands, await apply(tx, commands), strict=True):
        if isinstance(outcome, Refusal):
            raise Fault(f"{command.key}: {outcome}")
        receipts.append(outcome)
    return receipts


def _bill(purchase: Purchase, merchant: Merchant) -> Bill:
    return Bill((Part(purchase.amount_minor),), merchant.money)


async def _purchases(tx: AsyncConnection, merchant_id: int, chunk: Sequence[Purchase | Refund]) -> dict[str, _Known]:
    """The purchases that these documents are or refund, as far as they are booked."""
    documents: set[str] = set()
    for document in chunk:
        documents |= {document.document} if isinstance(document, Purchase) else {t.document for t in document.taken}
    rows = await tx.execute(
        text(
            "SELECT document, id, member_id, amount_minor, entry_id FROM purchase"
            " WHERE merchant_id = :id AND document = ANY(CAST(:documents AS text[]))"
        ),
        {"id": merchant_id, "documents": sorted(documents)},
    )
    return {row.document: _Known(row.id, row.member_id, row.amount_minor, row.entry_id) for row in rows}


async def _write_purchases(
    tx: AsyncConnection, merchant: Merchant, rows: Sequence[tuple[Purchase, int, int, Facts]]
) -> dict[str, _Known]:
    if not rows:
        return {}
    ids = await tx.execute(
        text(
            "INSERT INTO purchase (merchant_id, document, member_id, amount_minor, money, points, entry_id, rule_versions,"
            " bill, occurred_at, bought_on, channel, facts, shares)"
            " SELECT :merchant, d, m, a, :money, p, e, v, b, o, y, 'file', f, s FROM"
            " unnest(CAST(:documents AS text[]), CAST(:members AS bigint[]), CAST(:amounts AS bigint[]),"
            " CAST(:points AS bigint[]), CAST(:entries AS bigint[]), CAST(:versions AS jsonb[]), CAST(:bills AS jsonb[]),"
            " CAST(:instants AS timestamptz[]), CAST(:days AS date[]), CAST(:facts AS jsonb[]), CAST(:shares AS jsonb[]))"
            " AS n(d, m, a, p, e, v, b, o, y, f, s)"
            " RETURNING document, id"
        ),
        {
            "merchant": merchant.id,
            "money": merchant.money,
            "documents": [purchase.document for purchase, *_ in rows],
            "members": [owner for _, owner, _, _ in rows],
            "amounts": [purchase.amount_minor for purchase, *_ in rows],
            "points": [purchase.decision.points for purchase, *_ in rows],
            "entries": [entry for _, _, entry, _ in rows],
            "versions": [json.dumps(purchase.decision.versions) for purchase, *_ in rows],
            "bills": [json.dumps(bill_document(_bill(purchase, merchant))) for purchase, *_ in rows],
            "instants": [purchase.occurred_at for purchase, *_ in rows],
            "days": [facts.bought_at.date() for *_, facts in rows],
            "facts": [json.dumps(facts.document()) for *_, facts in rows],
            "shares": [json.dumps(dict(purchase.decision.shares)) for purchase, *_ in rows],
        },
    )
    made = {row.document: row.id for row in ids}
    return {
        purchase.document: _Known(made[purchase.document], owner, purchase.amount_minor, entry)
        for purchase, owner, entry, _ in rows
    }


async def _write_refunds(
    tx: AsyncConnection, merchant_id: int, rows: Sequence[tuple[Refund, Taken, int, int | None]]
) -> None:
    if not rows:
        return
    columns: dict[str, list[Any]] = {
        "documents": [refund.document for refund, *_ in rows],
        "purchases": [purchase_id for *_, purchase_id, _ in rows],
        "amounts": [taken.amount_minor for _, taken, _, _ in rows],
        "points": [taken.points for _, taken, _, _ in rows],
        "entries": [entry for *_, entry in rows],
        "instants": [refund.occurred_at for refund, *_ in rows],
    }
    await tx.execute(
        text(
            "INSERT INTO refund (merchant_id, document, purchase_id, amount_minor, points, entry_id, occurred_at)"
            " SELECT :merchant, * FROM unnest(CAST(:documents AS text[]), CAST(:purchases AS bigint[]),"
            " CAST(:amounts AS bigint[]), CAST(:points AS bigint[]), CAST(:entries AS bigint[]),"
            " CAST(:instants AS timestamptz[]))"
        ),
        {"merchant": merchant_id, **columns},
    )
    refunded: dict[int, int] = {}
    for _, taken, purchase_id, _ in rows:
        refunded[purchase_id] = taken.refunded_minor  # later rows count the earlier ones in
    await tx.execute(
        text(
            "UPDATE purchase p SET refunded_minor = n.refunded"
            " FROM unnest(CAST(:ids AS bigint[]), CAST(:refunded AS bigint[])) AS n(id, refunded)"
            " WHERE p.id = n.id AND p.refunded_minor < n.refunded"
        ),
        {"ids": list(refunded), "refunded": list(refunded.values())},
    )
