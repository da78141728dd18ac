"""Opening balances from a file: what customers held before the programme, issued once each, under the merchant's cover."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

from sqlalchemy import text
from sqlalchemy.ext.asyncio import AsyncConnection

from ledger.errors import Refusal
from ledger.imports import customers
from ledger.imports.customers import Customer
from ledger.imports.lines import BalanceLine
from ledger.imports.working import Happened, Working
from ledger.merchants import cover
from ledger.merchants.cover import Asked
from ledger.merchants.merchant import expires_on
from ledger.points.commands import Command, OpenBalance, member
from ledger.points.engine import apply


@dataclass(eq=False)
class BalanceOpened(Refusal):
    """This customer's opening balance was brought in before, as `points`; a correction is the operator's."""

    customer: str
    points: int


_OPENED = text(
    # LIMIT keeps the planner from turning the join round: a plan made while the table was empty would read all of it.
    "SELECT w.key, e.id, e.points FROM unnest(CAST(:keys AS text[])) AS w(key)"
    " CROSS JOIN LATERAL (SELECT id, points FROM entry WHERE key = w.key LIMIT 1) e"
)


async def do(working: Working, brought: Sequence[BalanceLine]) -> list[Happened]:
    """Issue what each customer held, to their account or to whoever has claimed it.

    Refused: MerchantMayNotIssue → SpendingNeeded (all of them); BalanceOpened → CoverExhausted, then the engine's.
    """
    tx, merchant = working.tx, working.merchant
    found: dict[int, Happened] = {}
    whose = await customers.find(working, (line.customer for line in brought))
    keys = [f"opening:{merchant.id}:{whose[line.customer].number}" for line in brought]
    opened = await _opened(tx, keys)
    todo: list[int] = []
    for place, (line, key) in enumerate(zip(brought, keys, strict=True)):
        if key not in opened:
            todo.append(place)
            continue
        entry_id, points = opened[key]
        same = points == line.points
        found[place] = (
            Happened("already", points, entry_id)
            if same
            else Happened(BalanceOpened(whose[line.customer].shown, points))
        )
    try:
        merchant.must_grant(working.at.today)
    except Refusal as no:
        return [found.get(place, Happened(no)) for place in range(len(brought))]
    taken = await cover.admit(tx, [Asked(merchant.id, brought[place].points) for place in todo], None, working.at)
    covered = [place for place, has in zip(todo, taken.covered, strict=True) if has]
    found |= {place: Happened(cover.exhausted(merchant)) for place in todo if place not in set(covered)}
    commands: list[Command] = [
        _command(working, brought[place], keys[place], whose[brought[place].customer]) for place in covered
    ]
    for place, outcome in zip(covered, await apply(tx, commands), strict=True):
        if isinstance(outcome, Refusal):
            found[place] = Happened(outcome)
        else:
            found[place] = Happened("already" if outcome.repeated else "done", outcome.points, outcome.entry_id)
    return [found[place] for place in range(len(brought))]


async def _opened(tx: AsyncConnection, keys: Sequence[str]) -> dict[str, tuple[int, int]]:
    return {row.key: (row.id, row.points) for row in await tx.execute(_OPENED, {"keys": list(keys)})}


def _command(working: Working, line: BalanceLine, key: str, whose: Customer) -> OpenBalance:
    merchant, at = working.merchant, working.at
    facts: dict[str, Any] = {"what": "carried_in", "external_id": whose.number}
    return OpenBalance(
        key=key,
        owner=member(whose.holder),
        currency=merchant.terms.currency,
        at=at,
        actor=working.file.actor,
        issuer_id=merchant.id,
        merchant_id=merchant.id,
        points=line.points,
        available_on=at.today,
        expires_on=line.expires_on or expires_on(merchant.terms, at.today),
        transferable=merchant.terms.transferable,
        facts=facts,
    )
