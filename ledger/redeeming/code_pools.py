"""Partner codes: those that a merchant or its partner has made, kept sealed until each is handed out, once.

A pool is a merchant's own name for codes that are worth the same. Of a code there is a keyed index, so that it is known again, and
a box that the pool's key opens. It is never logged, and shown to whoever takes it alone.
"""

from __future__ import annotations

import datetime as dt
from collections.abc import Sequence
from dataclasses import dataclass
from typing import ClassVar, NamedTuple

from sqlalchemy import text
from sqlalchemy.ext.asyncio import AsyncConnection

from ledger.errors import Refusal
from ledger.members.vault import Vault

POOL_LONGEST = 40
CODE_LONGEST = 200


@dataclass(eq=False)
class PoolEmpty(Refusal):
    """No code of this pool is left that is still good."""

    pool: str
    may_succeed_later: ClassVar[bool] = True


class PartnerCode(NamedTuple):
    """A code as it was brought; `valid_until` is its last day."""

    pool: str
    code: str
    valid_until: dt.date | None


@dataclass(frozen=True, slots=True)
class Pool:
    """How many codes of a pool are free, handed out, and over before anybody had them."""

    name: str
    free: int
    taken: int
    over: int


_POOLS = text(
    "SELECT id, name, key FROM code_pool WHERE merchant_id = :merchant AND name = ANY (CAST(:names AS text[]))"
)
_MAKE = text(
    "INSERT INTO code_pool (merchant_id, name, key)"
    " SELECT :merchant, * FROM unnest(CAST(:names AS text[]), CAST(:keys AS bytea[])) ON CONFLICT DO NOTHING"
)
_ADD = text(
    "INSERT INTO partner_code (merchant_id, pool_id, code_index, box, valid_until)"
    " SELECT :merchant, * FROM unnest(CAST(:pools AS bigint[]), CAST(:indexes AS bytea[]), CAST(:boxes AS bytea[]),"
    " CAST(:ends AS date[])) ON CONFLICT DO NOTHING RETURNING id, code_index"
)
_COUNTS = text(
    "SELECT p.name, count(c.id) FILTER (WHERE c.taken_at IS NULL AND (c.valid_until IS NULL OR c.valid_until >= :today)) AS free,"
    " count(c.taken_at) AS taken, count(c.id) FILTER (WHERE c.taken_at IS NULL AND c.valid_until < :today) AS over"
    " FROM code_pool p LEFT JOIN partner_code c ON c.pool_id = p.id WHERE p.merchant_id = :merchant GROUP BY p.id ORDER BY p.name"
)
_TAKEN = text(
    "SELECT c.box, p.key FROM partner_code c JOIN code_pool p ON p.id = c.pool_id"
    " WHERE c.taken_for = :what AND c.merchant_id = :merchant"
)
_TAKE = text(
    "UPDATE partner_code c SET taken_at = :now, taken_for = :what FROM code_pool p"
    " WHERE c.id = (SELECT id FROM partner_code WHERE taken_at IS NULL AND (valid_until IS NULL OR valid_until >= :today)"
    "               AND pool_id = (SELECT id FROM code_pool WHERE merchant_id = :merchant AND name = :pool)"
    "               ORDER BY valid_until, id LIMIT 1 FOR UPDATE SKIP LOCKED)"
    " AND p.id = c.pool_id RETURNING c.box, p.key"
)


async def add(tx: AsyncConnection, vault: Vault, merchant_id: int, codes: Sequence[PartnerCode]) -> list[int | None]:
    """Keep codes; their pools are made where missing. For each its number, or None: the merchant has brought it before."""
    if not codes:
        return []
    names = sorted({each.pool for each in codes})
    await tx.execute(_MAKE, {"merchant": merchant_id, "names": names, "keys": [vault.new_key() for _ in names]})
    rows = await tx.execute(_POOLS, {"merchant": merchant_id, "names": names})
    pools = {row.name: (row.id, bytes(row.key)) for row in rows}
    indexes = [vault.blind("partner-code", f"{merchant_id}:{each.code}") for each in codes]
    made = await tx.execute(
        _ADD,
        {
            "merchant": merchant_id,
            "pools": [pools[each.pool][0] for each in codes],
            "indexes": indexes,
            "boxes": [vault.seal(pools[each.pool][1], {"code": each.code}) for each in codes],
            "ends": [each.valid_until for each in codes],
        },
    )
    new = {bytes(row.code_index): int(row.id) for row in made}
    return [new.pop(index, None) for index in indexes]


async def counts(tx: AsyncConnection, merchant_id: int, *, today: dt.date) -> list[Pool]:
    """A merchant's pools by name."""
    return [Pool(*row) for row in await tx.execute(_COUNTS, {"merchant": merchant_id, "today": today})]


async def take(
    tx: AsyncConnection, vault: Vault, merchant_id: int, pool: str, *, what_for: str, today: dt.date, now: dt.datetime
) -> str:
    """A code of a pool, the one that ends soonest; two takers get two codes, `what_for` (such as «redemption:7») one for ever.

    Raises:
        PoolEmpty.
    """
    asked = {"merchant": merchant_id, "what": what_for}
    await tx.execute(text("SELECT pg_advisory_xact_lock(hashtextextended('code:' || :what, 0))"), {"what": what_for})
    found = (await tx.execute(_TAKEN, asked)).first()
    if found is None:
        found = (await tx.execute(_TAKE, {**asked, "pool": pool, "today": today, "now": now})).first()
    if found is None:
        raise PoolEmpty(pool)
    return str(vault.open(bytes(found.key), bytes(found.box))["code"])
