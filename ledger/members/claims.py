"""Accounts of customers who had not joined yet, imported or opened at a till, and how their owner claims them.

Such a customer is an unclaimed member with points. Whoever joined and tells the code that the merchant handed out, or shares the
phone number that the till knows, receives the points lot by lot, with issuer and days as they were, and what is refunded of
earlier purchases from then on. Only a keyed index of a code is stored. Wrong codes are counted, so that codes can't be tried out.
"""

from __future__ import annotations

import datetime as dt
from dataclasses import dataclass
from typing import ClassVar

from sqlalchemy import Row, text
from sqlalchemy.ext.asyncio import AsyncConnection

from ledger.errors import Refusal
from ledger.members import claim_codes, succession, walk_ins
from ledger.members.succession import AccountInMotion
from ledger.members.vault import Vault
from ledger.members.walk_ins import Handle
from ledger.points import commands as points
from ledger.points.engine import apply

WRONG_CODES_MAX = 5
"""How many wrong codes one member may give within `SLOW_HOURS`."""
SLOW_HOURS = 24
CODE_SHORTEST = 8


@dataclass(frozen=True, slots=True)
class Claimed:
    """An account claimed: what moved, one receipt per currency (none where it was empty). `known_by`: the card or phone it had."""

    merchant_id: int
    external_id: str
    receipts: tuple[points.Receipt, ...]
    known_by: Handle | None = None


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
class NothingUnderPhone(Refusal):
    """No till has kept points under this number, or they were claimed already."""

    may_succeed_later: ClassVar[bool] = True


@dataclass(eq=False)
class ClaimCodeTooShort(Refusal):
    """A merchant's claim code has at least `shortest` characters."""

    shortest: int


@dataclass(eq=False)
class NoSuchAccount(Refusal):
    """The merchant has no account of this number, or it was claimed already."""

    external_id: str


async def give_code(tx: AsyncConnection, vault: Vault, *, merchant_id: int, external_id: str, code: str) -> None:
    """Let an account be claimed by `code`, which the merchant hands to its customer. A new code replaces the last.

    Raises:
        ClaimCodeTooShort, NoSuchAccount.
    """
    if len(claim_codes.normal(code)) < CODE_SHORTEST:
        raise ClaimCodeTooShort(CODE_SHORTEST)
    query = text(
        "UPDATE external_account SET claim_index = :index"
        " WHERE merchant_id = :merchant AND external_id = :external AND claimed_by IS NULL RETURNING member_id"
    )
    values = {"merchant": merchant_id, "external": external_id, "index": claim_codes.index(vault, code)}
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
    index = claim_codes.index(vault, code)
    account = (await tx.execute(_BY_CODE, {"index": index})).first()
    if account is None and await walk_ins.open_printed(tx, vault, index, by=f"member:{member_id}", now=at.now):
        account = (await tx.execute(_BY_CODE, {"index": index})).first()
    if account is None:
        note = text("INSERT INTO claim_attempt (member_id, at) VALUES (:member, :now)")
        await tx.execute(note, {"member": member_id, "now": at.now})
        return ClaimCodeUnknown(WRONG_CODES_MAX - len(wrong) - 1)
    return await _given(tx, vault, account, member_id, at)


async def claim_by_phone(
    tx: AsyncConnection, vault: Vault, *, member_id: int, phone: str, at: points.Moment
) -> Claimed | Refusal:
    """Give a member the account that tills kept under their phone number; that it is theirs, Telegram has said.

    Returns:
        `Claimed`; or `NothingUnderPhone`, `AccountInMotion`, in this order.
    """
    handle = walk_ins.read(phone)
    known = None if handle is None or handle.kind != "phone" else await walk_ins.account_of(tx, vault, handle)
    account = None if known is None else (await tx.execute(_BY_MEMBER, {"member": known})).first()
    if account is None:
        return NothingUnderPhone()
    return await _given(tx, vault, account, member_id, at)


_ACCOUNT = "SELECT merchant_id, external_id, member_id FROM external_account"
_BY_CODE = text(f"{_ACCOUNT} WHERE claim_index = :index AND claimed_by IS NULL FOR UPDATE")
_BY_MEMBER = text(f"{_ACCOUNT} WHERE member_id = :member AND claimed_by IS NULL FOR UPDATE")
_CLOSE = text("UPDATE member SET status = 'closed' WHERE id = :unclaimed AND status = 'unclaimed'")
_MARK = text(
    "UPDATE external_account SET claim_index = NULL, claimed_by = :member, claimed_at = :now"
    " WHERE merchant_id = :merchant AND external_id = :external"
)


async def _given(
    tx: AsyncConnection, vault: Vault, account: Row[tuple[int, str, int]], member_id: int, at: points.Moment
) -> Claimed | AccountInMotion:
    """Hand everything over, lot by lot, pending points and debts included."""
    try:
        moves = await succession.everything(
            tx,
            points.member(account.member_id),
            member_id,
            key=f"claim:{account.merchant_id}:{account.external_id}",
            facts={"what": "claim", "external_id": account.external_id},
            at=at,
            actor=f"member:{member_id}",
            merchant_id=account.merchant_id,
        )
    except AccountInMotion as moving:
        return moving
    receipts = await apply(tx, moves)
    for answer in receipts:
        if isinstance(answer, Refusal):
            raise answer
    await tx.execute(_CLOSE, {"unclaimed": account.member_id})
    facts = {"merchant": account.merchant_id, "external": account.external_id, "member": member_id, "now": at.now}
    await tx.execute(_MARK, facts)
    await succession.follow(tx, account.member_id, member_id)
    known_by = (await walk_ins.of(tx, vault, [account.member_id])).get(account.member_id)
    done = tuple(r for r in receipts if isinstance(r, points.Receipt))
    return Claimed(account.merchant_id, account.external_id, done, known_by)
