"""A merchant's accounts from before the programme, in bulk: balances to compare, and codes to hand to their owners.

A claim code follows from the programme's key and the account, so that asking again gives the same code and a lost list can be
made anew. `members.claims` is where a code is used.
"""

from __future__ import annotations

from collections.abc import AsyncIterator, Iterable, Sequence
from dataclasses import dataclass
from typing import NamedTuple

from sqlalchemy import text
from sqlalchemy.ext.asyncio import AsyncConnection

from ledger.members import claim_codes
from ledger.members.vault import Vault


@dataclass(frozen=True, slots=True)
class Balance:
    """What an account holds of its merchant's currency; `deficit` is what it owes, positive. Once claimed, the points are the
    claimer's and the account is empty."""

    merchant: str
    external_id: str
    available: int
    pending: int
    held: int
    deficit: int


_BALANCES = text(
    """
    SELECT m.code, x.external_id,
           coalesce(sum(a.balance) FILTER (WHERE a.purpose = 'available'), 0)::bigint,
           coalesce(sum(a.balance) FILTER (WHERE a.purpose = 'pending'), 0)::bigint,
           coalesce(sum(a.balance) FILTER (WHERE a.purpose = 'held'), 0)::bigint,
           coalesce(-sum(a.balance) FILTER (WHERE a.purpose = 'deficit'), 0)::bigint
    FROM external_account x
    JOIN merchant m ON m.id = x.merchant_id
    LEFT JOIN account a ON a.owner_id = x.member_id AND a.owner_kind = 'member'
                       AND a.currency_id = (m.terms->>'currency')::smallint
    WHERE CAST(:code AS text) IS NULL OR m.code = :code
    GROUP BY m.code, x.external_id
    ORDER BY m.code, x.external_id
    """
)


async def balances(tx: AsyncConnection, code: str | None = None) -> AsyncIterator[Balance]:
    """Every imported account's balances, by merchant code and number; of one merchant where its code is given."""
    async with tx.stream(_BALANCES, {"code": code}) as rows:
        async for row in rows:
            yield Balance(*row)


def claim_code(vault: Vault, merchant_id: int, external_id: str) -> str:
    """The code of an account: twelve characters (60 bits) in groups of four."""
    return claim_codes.made(vault, f"{merchant_id}:{external_id}")


class Account(NamedTuple):
    """An account of a merchant's customer: whom it was opened for, and who has it since. `new`: opened just now."""

    member_id: int
    holder_id: int | None
    new: bool

    @property
    def members(self) -> tuple[int, ...]:
        """Everybody whom its purchases may be of; whoever has it now is the last."""
        return (self.member_id, self.holder_id) if self.holder_id else (self.member_id,)


async def known(tx: AsyncConnection, merchant_id: int, number: str) -> bool:
    """Whether a merchant has a customer of this number of its own."""
    query = text("SELECT 1 FROM external_account WHERE merchant_id = :id AND external_id = :number")
    return await tx.scalar(query, {"id": merchant_id, "number": number}) is not None


async def open_many(tx: AsyncConnection, merchant_id: int, numbers: Iterable[str]) -> dict[str, Account]:
    """The accounts of these customers, made where missing: unclaimed members. Who opens accounts of one merchant holds its
    lock (`taking_turns`)."""
    wanted = list(dict.fromkeys(numbers))
    rows = await tx.execute(
        text(
            "SELECT external_id, x.member_id, s.holder_id FROM external_account x"
            " LEFT JOIN succession s ON s.member_id = x.member_id WHERE merchant_id = :id"
            " AND external_id = ANY(CAST(:numbers AS text[]))"
        ),
        {"id": merchant_id, "numbers": wanted},
    )
    found = {r.external_id: Account(r.member_id, r.holder_id, False) for r in rows}
    if missing := [number for number in wanted if number not in found]:
        made = await tx.scalars(
            text("INSERT INTO member (status) SELECT 'unclaimed' FROM generate_series(1, :n) RETURNING id"),
            {"n": len(missing)},
        )
        members = sorted(made)
        await tx.execute(
            text(
                "INSERT INTO external_account (merchant_id, external_id, member_id)"
                " SELECT :id, e, m FROM unnest(CAST(:numbers AS text[]), CAST(:members AS bigint[])) AS n(e, m)"
            ),
            {"id": merchant_id, "numbers": missing, "members": members},
        )
        found |= {number: Account(who, None, True) for number, who in zip(missing, members, strict=True)}
    return found


async def taking_turns(tx: AsyncConnection, merchant_id: int) -> None:
    """Two imports of one merchant take turns, until this transaction ends."""
    await tx.execute(
        text("SELECT pg_advisory_xact_lock(hashtextextended('import:' || :id, 0))"), {"id": str(merchant_id)}
    )


async def give_codes(
    tx: AsyncConnection, vault: Vault, merchant_id: int, numbers: Sequence[str] | None = None
) -> list[tuple[str, str]]:
    """Let unclaimed accounts of the merchant — these, or every one — be claimed by their codes. Accounts with a code of another
    making keep it and are left out, as are customers known by a paper card or a phone, who claim by that.

    Returns:
        (external id, code), by external id.
    """
    rows = await tx.execute(
        text(
            "SELECT external_id, claim_index FROM external_account x WHERE merchant_id = :id AND claimed_by IS NULL"
            " AND NOT EXISTS (SELECT FROM walk_in w WHERE w.member_id = x.member_id)"
            " AND (CAST(:numbers AS text[]) IS NULL OR external_id = ANY (CAST(:numbers AS text[])))"
            " ORDER BY external_id FOR UPDATE"
        ),
        {"id": merchant_id, "numbers": None if numbers is None else list(numbers)},
    )
    codes: list[tuple[str, str]] = []
    new: list[tuple[str, bytes]] = []
    for row in rows:
        code = claim_code(vault, merchant_id, row.external_id)
        index = claim_codes.index(vault, code)
        if row.claim_index is None:
            new.append((row.external_id, index))
        elif row.claim_index != index:
            continue
        codes.append((row.external_id, code))
    await tx.execute(
        text(
            "UPDATE external_account x SET claim_index = n.i"
            " FROM unnest(CAST(:externals AS text[]), CAST(:indexes AS bytea[])) AS n(e, i)"
            " WHERE x.merchant_id = :id AND x.external_id = n.e"
        ),
        {"id": merchant_id, "externals": [e for e, _ in new], "indexes": [i for _, i in new]},
    )
    return codes
