"""What a refund would do: the purchase recomputed on what remains of it, under the rules and facts that paid."""

from __future__ import annotations

from collections import Counter
from collections.abc import Mapping, Sequence
from dataclasses import dataclass

from sqlalchemy import text
from sqlalchemy.ext.asyncio import AsyncConnection

from ledger.earning import returns, rulebook, usage
from ledger.earning.purchases import AmountMustBePositive, Purchase
from ledger.earning.returns import Back
from ledger.earning.rules.evaluate import evaluate
from ledger.earning.usage import Counted
from ledger.errors import Refusal


@dataclass(eq=False)
class MoreThanPurchase(Refusal):
    """More is to be refunded than the purchase has left."""

    document: str
    asked_minor: int
    left_minor: int
    money: str


@dataclass(eq=False)
class RefundAboveLimit(Refusal):
    """A cashier refunds up to `limit_minor` of a purchase, all its refunds together; above it a manager does."""

    asked_minor: int
    limit_minor: int
    money: str


@dataclass(frozen=True, slots=True)
class Earlier:
    """A refund of a purchase that is booked already."""

    document: str
    amount_minor: int
    points: int
    entry_id: int | None
    lines: tuple[Back, ...]
    shares: Mapping[str, int]


@dataclass(frozen=True, slots=True)
class Plan:
    """What a refund would do: money back, points back by the rules that gave them, and what the rest still earns."""

    purchase: Purchase
    amount_minor: int
    lines: tuple[Back, ...]
    points: int
    keeps: int
    shares: Mapping[str, int]
    counts: tuple[Counted, ...]


_EARLIER = text(
    "SELECT purchase_id, document, amount_minor, points, entry_id, lines, shares FROM refund"
    " WHERE purchase_id = ANY(CAST(:ids AS bigint[]))"
)


async def preview(
    tx: AsyncConnection, purchase: Purchase, *, amount_minor: int | None = None, lines: Sequence[Back] = ()
) -> Plan:
    """What `refunds.refund` would do now, with its refusals: shown before it is confirmed."""
    return await planned(tx, purchase, (await earlier_of(tx, [purchase.id]))[purchase.id], amount_minor, lines)


def check_limit(purchase: Purchase, amount_minor: int, limit_minor: int | None) -> None:
    """`RefundAboveLimit` where this refund and those before it come to more than the limit; None: there is none."""
    if limit_minor is not None and purchase.refunded_minor + amount_minor > limit_minor:
        raise RefundAboveLimit(purchase.refunded_minor + amount_minor, limit_minor, purchase.money)


async def earlier_of(tx: AsyncConnection, purchase_ids: Sequence[int]) -> dict[int, list[Earlier]]:
    """What has been refunded of each purchase so far."""
    found: dict[int, list[Earlier]] = {id_: [] for id_ in purchase_ids}
    for row in await tx.execute(_EARLIER, {"ids": list(purchase_ids)}):
        lines = tuple(Back(*line) for line in row.lines)
        was = Earlier(row.document, row.amount_minor, row.points, row.entry_id, lines, row.shares)
        found[row.purchase_id].append(was)
    return found


async def planned(
    tx: AsyncConnection,
    purchase: Purchase,
    earlier: Sequence[Earlier],
    amount_minor: int | None,
    lines: Sequence[Back],
    *,
    nothing_too: bool = False,
) -> Plan:
    """What a refund would do after the `earlier` ones: of lines, an amount, or (neither) all that is left.

    `nothing_too`: an award may be taken back of which no money is left.

    Raises:
        AmountMustBePositive → NoSuchLine → MoreThanPurchase.
    """
    gone = returns.total(line for was in earlier for line in was.lines)
    left = purchase.left_minor
    if lines:
        returns.check(purchase.document, purchase.bill, gone, lines)
        amount = left - returns.left_after(purchase.bill, gone, left, lines)
    else:
        amount = left if amount_minor is None else amount_minor
        if amount <= 0 and not (nothing_too and amount == 0):
            raise AmountMustBePositive(amount)
        if amount > left:
            raise MoreThanPurchase(purchase.document, amount, left, purchase.money)
    rest = returns.remaining(purchase.bill, gone + returns.total(lines), left - amount)
    rules = await rulebook.named(tx, purchase.rule_versions)
    keeps = evaluate(rest, rules, purchase.facts, of=purchase.bill)
    points = max(0, purchase.points - sum(was.points for was in earlier) - keeps.points)
    before = Counter(purchase.shares)
    for was in earlier:
        before.subtract(was.shares)
    shares = returns.shares_back(before, dict(keeps.shares), points)
    campaigns = {version.code: version.rule.campaign for version in rules}
    counts = usage.counted(shares, purchase.facts, purchase.member_id, campaigns)
    return Plan(purchase, amount, tuple(lines), points, keeps.points, shares, tuple(counts))
