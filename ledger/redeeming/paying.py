"""Giving back what a redemption took: to whoever paid; out of a pool on to those who have left its family since, and out of an
account that was merged on to the account that has it now."""

from __future__ import annotations

from collections.abc import Sequence

from sqlalchemy.ext.asyncio import AsyncConnection

from ledger.errors import Refusal
from ledger.members import pools, succession
from ledger.points.commands import HandOver, NothingDue, PointsHeld, Receipt, Reinstate, Transfer, Void, member
from ledger.points.engine import apply
from ledger.redeeming.vouchers import Redemption


async def give_back(
    tx: AsyncConnection, vouchers: Sequence[Redemption], commands: Sequence[Reinstate | Void]
) -> list[Receipt]:
    """Carry out `commands`, one for each voucher in their order; their receipts. A refusal is raised.

    What a pool had paid comes back to it, and of that what is theirs goes to those who have left, in the same batch: nobody
    spends it in between. What a merged account had paid goes on as well.
    """
    if not commands:
        return []
    home: list[Transfer | HandOver] = await _to_holders(tx, vouchers, commands[0])
    if pooled := [each for each in vouchers if each.pool_id is not None]:
        await pools.stay(tx, {each.pool_id for each in pooled if each.pool_id is not None})
        first = commands[0]
        entries = [each.entry_id for each in pooled]
        home += await pools.home_bound(tx, entries, key=f"{first.key}:home", at=first.at, actor=first.actor)
    outcomes = await apply(tx, [*commands, *home])
    receipts = []
    for outcome in outcomes[: len(commands)]:
        if isinstance(outcome, Refusal):
            raise outcome
        receipts.append(outcome)
    for outcome in outcomes[len(commands) :]:
        if isinstance(outcome, Refusal) and not isinstance(outcome, NothingDue | PointsHeld):
            raise outcome
    return receipts


async def _to_holders(
    tx: AsyncConnection, vouchers: Sequence[Redemption], first: Reinstate | Void
) -> list[Transfer | HandOver]:
    """What hands on whatever comes back to accounts that are merged still; while something of theirs is on hold, later."""
    paid = {(each.paid_by, each.currency_id) for each in vouchers if each.paid_by is not None and each.pool_id is None}
    now = await succession.holders(tx, [account for account, _ in paid]) if paid else {}
    return [
        HandOver(
            key=f"{first.key}:merged:{account}:{currency}",
            owner=member(account),
            to=member(now[account]),
            currency=currency,
            at=first.at,
            actor=first.actor,
            facts={"what": "merge"},
        )
        for account, currency in sorted(paid)
        if account in now
    ]
