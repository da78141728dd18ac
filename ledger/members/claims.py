"""Accounts that a merchant had before the programme, and how their owner claims them.

An imported customer is an unclaimed member with points. The merchant gives the customer a code; whoever joined and tells it
receives the points, lot by lot, with issuer and expiry as they were. Only a keyed index of the code is stored. Wrong codes are
counted, so that codes can't be tried out.
"""

from __future__ import annotations

import datetime as dt
from dataclasses import dataclass
from typing import ClassVar

from sqlalchemy import text
from sqlalchemy.ext.asyncio import AsyncConnection

from ledger.errors import Refusal
from ledger.members.vault import Vault
from ledger.points import commands as points
from ledger.points import statements
from ledger.points.engine import apply

WRONG_CODES_MAX = 5
"""How many wrong codes one member may give within `SLOW_HOURS`."""
SLOW_HOURS = 24
CODE_SHORTEST = 8


@dataclass(frozen=True, slots=True)
class Claimed:
    """An account claimed: what moved, one receipt per currency (none where it was empty)."""

    merchant_id: int
    external_id: str
    receipts: tuple[points.Receipt, ...]


@dataclass(eq=False)
class ClaimCodeUnknown(Refusal):
    """No unclaimed account goes by this code; `left` more may be tried today."""

    left: int
    may_succeed_later: ClassVar[bool] = True


@dataclass(eq=False)
class TooManyClaimCodes(Refusal):
    """Too many wrong codes; the next may be given at `again_at`."""

    again_at: dt.datetime
    may_succeed_later: ClassVar[bool] = True


@dataclass(eq=False)
class AccountInMotion(Refusal):
    """Part of the account's points is pending or on hold (`points`), so that it can't be moved whole yet."""

    points: int
    until: dt.date | None
    may_succeed_later: ClassVar[bool] = True


@dataclass(eq=False)
class ClaimCodeTooShort(Refusal):
    """A merchant's claim code has at least `shortest` characters."""

    shortest: int


@dataclass(eq=False)
class NoSuchAccount(Refusal):
    """The merchant has no account of this number, or it was claimed already."""

    external_id: str


def normal(code: str) -> str:
    """A claim code as it is compared: capitals, without spaces and dashes."""
    return "".join(c for c in code.upper() if c.isalnum())


async def give_code(tx: AsyncConnection, vault: Vault, *, merchant_id: int, external_id: str, code: str) -> None:
    """Let an account be claimed by `code`, which the merchant hands to its customer. A new code replaces the last.

    Raises:
        ClaimCodeTooShort, NoSuchAccount.
    """
    if len(normal(code)) < CODE_SHORTEST:
        raise ClaimCodeTooShort(CODE_SHORTEST)
    query = text(
        "UPDATE external_account SET claim_index = :index"
        " WHERE merchant_id = :merchant AND external_id = :external AND claimed_by IS NULL RETURNING member_id"
    )
    values = {"merchant": merchant_id, "external": external_id, "index": vault.blind("claim", normal(code))}
    if await tx.scalar(query, values) is None:
        raise NoSuchAccount(external_id)


async def claim(
    tx: AsyncConnection, vault: Vault, *, member_id: int, code: str, at: points.Moment
) -> Claimed | Refusal:
    """Give the account of this code to a member, points and all.

    A wrong code is answered, not raised: that it was tried must be written down, and a raised refusal takes its writes back.

    Returns:
        `Claimed`; or `TooManyClaimCodes`, `ClaimCodeUnknown`, `AccountInMotion`, in this order.
    """
    since = at.now - dt.timedelta(hours=SLOW_HOURS)
    tried = text("SELECT at FROM claim_attempt WHERE member_id = :member AND at > :since ORDER BY at")
    wrong = list(await tx.scalars(tried, {"member": member_id, "since": since}))
    if len(wrong) >= WRONG_CODES_MAX:
        return TooManyClaimCodes(wrong[-WRONG_CODES_MAX] + dt.timedelta(hours=SLOW_HOURS))
    find = text(
        "SELECT merchant_id, external_id, member_id FROM external_account"
        " WHERE claim_index = :index AND claimed_by IS NULL FOR UPDATE"
    )
    account = (await tx.execute(find, {"index": vault.blind("claim", normal(code))})).first()
    if account is None:
        note = text("INSERT INTO claim_attempt (member_id, at) VALUES (:member, :now)")
        await tx.execute(note, {"member": member_id, "now": at.now})
        return ClaimCodeUnknown(WRONG_CODES_MAX - len(wrong) - 1)
    held = await statements.wallet(tx, points.member(account.member_id), today=at.today)
    if moving := [h for h in held if h.pending or h.held]:
        releases = [h.next_release[0] for h in moving if h.next_release]
        return AccountInMotion(sum(h.pending + h.held for h in moving), min(releases, default=None))
    moves = [
        points.Transfer(
            key=f"claim:{account.merchant_id}:{account.external_id}:{holding.currency.id}",
            owner=points.member(account.member_id),
            to=points.member(member_id),
            currency=holding.currency.id,
            points=holding.available,
            at=at,
            actor=f"member:{member_id}",
            merchant_id=account.merchant_id,
            facts={"what": "claim", "external_id": account.external_id},
        )
        for holding in held
        if holding.available
    ]
    receipts = await apply(tx, moves) if moves else []
    for answer in receipts:
        if isinstance(answer, Refusal):
            raise answer
    close = text("UPDATE member SET status = 'closed' WHERE id = :unclaimed AND status = 'unclaimed'")
    await tx.execute(close, {"unclaimed": account.member_id})
    mark = text(
        "UPDATE external_account SET claim_index = NULL, claimed_by = :member, claimed_at = :now"
        " WHERE merchant_id = :merchant AND external_id = :external"
    )
    values = {"merchant": account.merchant_id, "external": account.external_id, "member": member_id, "now": at.now}
    await tx.execute(mark, values)
    return Claimed(
        account.merchant_id, account.external_id, tuple(r for r in receipts if isinstance(r, points.Receipt))
    )
