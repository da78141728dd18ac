"""Customers from a file: accounts that nobody has claimed yet, each with a code by which its owner claims it.

The code follows from the programme's key and the account (`accounts.claim_code`), so that it is kept nowhere. It is shown with the
file that brought the account, for some days, and only while nobody has used it.
"""

from __future__ import annotations

import datetime as dt
from collections.abc import Mapping, Sequence

from sqlalchemy import text
from sqlalchemy.ext.asyncio import AsyncConnection

from ledger.imports import customers
from ledger.imports.files import ImportFile
from ledger.imports.lines import MemberLine
from ledger.imports.rows import ImportRow
from ledger.imports.working import Happened, Working
from ledger.members import claim_codes as ways_to_claim
from ledger.members.vault import Vault
from ledger.merchants import accounts

CODES_DAYS = 7
"""So long after a file is done its claim codes are shown with its rows."""


async def do(working: Working, brought: Sequence[MemberLine]) -> list[Happened]:
    """Open accounts, and let them be claimed: those of phones by who proves to have the number, others by a code. One that has a
    code, was claimed, or is known at tills by a card or phone, is left as it is."""
    tx, here = working.tx, working.merchant.id
    found = await customers.find(working, (line.customer for line in brought))
    new = await _without_code(tx, here, [whose.number for whose in found.values()])
    given = {number for number, _ in await accounts.give_codes(tx, working.vault, here, sorted(new))} & new
    whose = [found[line.customer] for line in brought]
    return [
        Happened("done" if each.new or each.number in given else "already", None, each.members[0]) for each in whose
    ]


async def _without_code(tx: AsyncConnection, merchant_id: int, numbers: Sequence[str]) -> set[str]:
    query = text(
        "SELECT external_id FROM external_account WHERE merchant_id = :id AND external_id = ANY (CAST(:numbers AS text[]))"
        " AND claimed_by IS NULL AND claim_index IS NULL"
    )
    return set(await tx.scalars(query, {"id": merchant_id, "numbers": list(numbers)}))


async def claim_codes(
    tx: AsyncConnection, vault: Vault, file: ImportFile, rows: Sequence[ImportRow], *, now: dt.datetime
) -> Mapping[int, str]:
    """The claim codes of accounts that this file opened, by row."""
    if file.kind != "members" or file.done_at is None or now > file.done_at + dt.timedelta(days=CODES_DAYS):
        return {}
    numbers = {row.number: row.result_id for row in rows if row.outcome == "done" and row.result_id is not None}
    query = text(
        "SELECT member_id, external_id, claim_index FROM external_account WHERE merchant_id = :id AND claimed_by IS NULL"
        " AND member_id = ANY (CAST(:members AS bigint[]))"
    )
    found = await tx.execute(query, {"id": file.merchant_id, "members": sorted(set(numbers.values()))})
    open_ = {row.member_id: (row.external_id, row.claim_index) for row in found}
    codes = {}
    for number, member_id in numbers.items():
        external_id, index = open_.get(member_id, ("", None))
        code = accounts.claim_code(vault, file.merchant_id, external_id)
        if index is not None and bytes(index) == ways_to_claim.index(vault, code):
            codes[number] = code
    return codes
