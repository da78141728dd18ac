"""Giving back what a redemption took: to whoever paid, and out of a pool on to those who have left its family since."""

from __future__ import annotations

from collections.abc import Sequence

from sqlalchemy.ext.asyncio import AsyncConnection

from ledger.errors import Refusal
from ledger.members import pools
from ledger.points.commands import NothingDue, Receipt, Reinstate, Transfer, Void
from ledger.points.engine import apply
from ledger.redeeming.vouchers import Redemption


async def give_back(
    tx: AsyncConnection, vouchers: Sequence[Redemption], commands: Sequence[Reinstate | Void]
) -> list[Receipt]:
    """Carry out `commands`, one for each voucher in their order; their receipts. A refusal is raised.

    What a pool had paid comes back to it, and of that what is theirs goes to those who have left, in the same batch: nobody
    spends it in between.
    """
    if not commands:
        return []
    home: list[Transfer] = []
    if pooled := [each for each in vouchers if each.pool_id is not None]:
        await pools.stay(tx, {each.pool_id for each in pooled if each.pool_id is not None})
        first = commands[0]
        entries = [each.entry_id for each in pooled]
        home = await pools.home_bound(tx, entries, key=f"{first.key}:home", at=first.at, actor=first.actor)
    outcomes = await apply(tx, [*commands, *home])
    receipts = []
    for outcome in outcomes[: len(commands)]:
        if isinstance(outcome, Refusal):
            raise outcome
        receipts.append(outcome)
    for outcome in outcomes[len(commands) :]:
        if isinstance(outcome, Refusal) and not isinstance(outcome, NothingDue):
            raise outcome
    return receipts
