"""Booking purchases: one or a thousand, of any merchants and members, in a handful of round trips.

    1. situation   rules, members, documents already booked; what counts caps and budgets is locked, then read
    2. decide      in the order given, each purchase seeing what the ones before it used; pure
    3. cover       asked once for the whole batch; where it falls short, decided again within what there is
    4. apply       one batch of accruals
    5. write       one statement: the purchases, and the use of caps and budgets

Locks are taken in the order budgets, caps, cover, accounts. A refusal costs only its own purchase. A purchase that earns nothing —
too small, capped, its budget used up — leaves a zero-point entry that says why. One that cover does not reach for leaves a record
(`declined`), in this transaction, and can be booked later.

`Intake` combines whoever waits into one such batch; each still has its own document, answer and refusal.
"""

from __future__ import annotations

import datetime as dt
from collections.abc import Awaitable, Callable, Sequence
from dataclasses import replace

from sqlalchemy.ext.asyncio import AsyncConnection, AsyncEngine

from ledger.earning import declined, purchases, situation
from ledger.earning.deciding import Decided, Deciding, NoSuchMember, Step, refused
from ledger.earning.purchases import Booked, DocumentTaken, Purchase, accrual
from ledger.earning.rules.decision import Decision
from ledger.earning.situation import Intended
from ledger.earning.writing import write
from ledger.errors import Refusal
from ledger.members.vault import Vault
from ledger.merchants.cover import CoverExhausted, Slices
from ledger.points.combine import Combining
from ledger.points.commands import Accrue, Moment, Receipt
from ledger.points.engine import apply

__all__ = ["Intake", "Intended", "NoSuchMember", "book", "book_many", "quote"]


async def quote(
    tx: AsyncConnection, one: Intended, *, today: dt.date, zone: dt.tzinfo, vault: Vault | None = None
) -> Decision:
    """What this purchase would earn, with its arithmetic: shown before it is confirmed, by the evaluation that then pays.

    Raises:
        MerchantMayNotIssue → AmountMustBePositive → NoSuchMember.
    """
    now = await situation.read(tx, [one], zone=zone, vault=vault, locking=False)
    if (no := refused(now, one, today)) is not None:
        raise no
    return now.decide(one)[0]


async def book(
    tx: AsyncConnection,
    one: Intended,
    *,
    at: Moment,
    zone: dt.tzinfo,
    vault: Vault | None = None,
    slices: Slices | None = None,
) -> Booked:
    """Book one purchase; its `Refusal` is raised, so that who rolls back for it keeps no record of what was declined."""
    (outcome,) = await book_many(tx, [one], at=at, zone=zone, vault=vault, slices=slices)
    if isinstance(outcome, Refusal):
        raise outcome
    return outcome


async def book_many(
    tx: AsyncConnection,
    batch: Sequence[Intended],
    *,
    at: Moment,
    zone: dt.tzinfo,
    vault: Vault | None = None,
    slices: Slices | None = None,
) -> list[Booked | Refusal]:
    """Book purchases in order and give what they earn, pending through their merchants' return windows.

    The second delivery of a document gets what the first did, and nothing is done.

    Args:
        zone: the programme's.
        vault: opens years of birth; without it rules that ask for an age do not apply.
        slices: this process's headroom; without it cover is taken from the issuers' rows, in `tx`.
    Returns:
        For each its purchase and receipt, or its refusal, in this order of precedence: DocumentTaken (booked with other
        facts) → MerchantMayNotIssue → AmountMustBePositive → NoSuchMember → CoverExhausted, then the engine's.
    """
    if not batch:
        return []
    asked = batch
    now = await situation.read(tx, batch, zone=zone, vault=vault, locking=True)
    if now.claimed:
        # What is reported for an account that somebody has claimed is theirs.
        batch = [replace(one, member_id=now.claimed.get(one.member_id, one.member_id)) for one in asked]
        now = await situation.read(tx, batch, zone=zone, vault=vault, locking=True)
    known = await purchases.find_many(tx, sorted(now.booked))
    deciding = Deciding(batch, known, slices, at)
    try:
        steps = await deciding.within_cover(tx, now)
        outcomes = await _carry_out(tx, batch, steps, at)
    except BaseException:
        deciding.undo()
        raise
    uncovered: list[Intended] = []
    for place, step in enumerate(steps):
        match step:
            case Refusal():
                outcomes[place] = step
                if isinstance(step, CoverExhausted):
                    step.kept = True
                    uncovered.append(batch[place])
            case Purchase():
                outcomes[place] = _again(step, batch[place], asked[place])
            case int():
                first = outcomes[step]
                outcomes[place] = (
                    first if isinstance(first, Refusal) else _again(first.purchase, batch[place], batch[place])
                )
            case _:
                pass
    if uncovered:
        await declined.note(tx, uncovered, at)
    return [outcomes[place] for place in range(len(batch))]


async def _carry_out(
    tx: AsyncConnection, batch: Sequence[Intended], steps: Sequence[Step], at: Moment
) -> dict[int, Booked | Refusal]:
    """Accrue and write what was decided; the outcome of each by its place in the batch."""
    todo = [(place, step) for place, step in enumerate(steps) if isinstance(step, Decided)]
    outcomes: dict[int, Booked | Refusal] = {}
    written: dict[int, tuple[Decided, Receipt]] = {}
    raced: list[int] = []
    for (place, step), outcome in zip(todo, await apply(tx, [_command(step, at) for _, step in todo]), strict=True):
        if isinstance(outcome, Receipt) and not outcome.repeated:
            written[place] = step, outcome
        else:
            # Booked between our look and the engine's lock: its row is committed with its entry, so it can be read now.
            raced.append(place)
            outcomes[place] = outcome if isinstance(outcome, Refusal) else DocumentTaken(step.one.document)
    found = await purchases.find_many(tx, [batch[place].key for place in raced])
    for place in raced:
        if batch[place].key in found:
            outcomes[place] = _again(found[batch[place].key], batch[place], batch[place])
    booked = await write(tx, list(written.values()))
    for (place, (_, receipt)), purchase in zip(written.items(), booked, strict=True):
        outcomes[place] = Booked(purchase, receipt, False)
    return outcomes


def _again(known: Purchase, one: Intended, asked: Intended) -> Booked | Refusal:
    """The second delivery of `one`, which was `asked` for whoever had the account before it was claimed."""
    if known.member_id not in (one.member_id, asked.member_id) or known.bill != one.bill:
        return DocumentTaken(known.document)
    return Booked(known, None, True)


def _command(step: Decided, at: Moment) -> Accrue:
    one = step.one
    return accrual(
        one.merchant,
        document=one.document,
        member_id=one.member_id,
        bill=one.bill,
        decision=step.decision,
        bought_on=one.bought_on,
        occurred_at=one.occurred_at,
        at=at,
        actor=one.actor,
    )


class Intake(Combining[Intended, Booked]):
    """One writer over an engine. `async with Intake(engine, clock.moment, zone=zone) as intake: await intake.submit(intended)`.

    `moment(tx)` tells the time of a batch.
    """

    def __init__(
        self,
        engine: AsyncEngine,
        moment: Callable[[AsyncConnection], Awaitable[Moment]],
        *,
        zone: dt.tzinfo,
        vault: Vault | None = None,
        slices: Slices | None = None,
        batch_size_max: int = 500,
        retries_max: int = 3,
    ) -> None:
        self._moment, self._zone, self._vault, self._slices = moment, zone, vault, slices
        super().__init__(engine, self._book, batch_size_max=batch_size_max, retries_max=retries_max)

    async def _book(self, tx: AsyncConnection, batch: Sequence[Intended]) -> list[Booked | Refusal]:
        at = await self._moment(tx)
        return await book_many(tx, batch, at=at, zone=self._zone, vault=self._vault, slices=self._slices)
