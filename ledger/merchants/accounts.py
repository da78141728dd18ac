"""A merchant's accounts from before the programme, in bulk: balances to compare, and codes to hand to their owners.

A claim code follows from the programme's key and the account, so that asking again gives the same code and a lost list can be
made anew. `members.claims` is where a code is used.
"""

from __future__ import annotations

from collections.abc import AsyncIterator
from dataclasses import dataclass

from sqlalchemy import text
from sqlalchemy.ext.asyncio import AsyncConnection

from ledger.members.claims import normal
from ledger.members.vault import Vault

_ALPHABET = "0123456789ABCDEFGHJKMNPQRSTVWXYZ"
"""Crockford's: nothing that is read as something else."""

CODE_LENGTH = 12


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
    number = int.from_bytes(vault.blind("claim-code", f"{merchant_id}:{external_id}")) >> (256 - 5 * CODE_LENGTH)
    letters = "".join(_ALPHABET[number >> 5 * place & 31] for place in reversed(range(CODE_LENGTH)))
    return "-".join(letters[start : start + 4] for start in range(0, CODE_LENGTH, 4))


async def give_codes(tx: AsyncConnection, vault: Vault, merchant_id: int) -> list[tuple[str, str]]:
    """Let every unclaimed account of the merchant be claimed by its code. Accounts with a code of another making keep it and
    are left out.

    Returns:
        (external id, code), by external id.
    """
    rows = await tx.execute(
        text(
            "SELECT external_id, claim_index FROM external_account WHERE merchant_id = :id AND claimed_by IS NULL"
            " ORDER BY external_id FOR UPDATE"
        ),
        {"id": merchant_id},
    )
    codes: list[tuple[str, str]] = []
    new: list[tuple[str, bytes]] = []
    for row in rows:
        code = claim_code(vault, merchant_id, row.external_id)
        index = vault.blind("claim", normal(code))
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
