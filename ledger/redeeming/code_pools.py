"""Partner codes: those that a merchant or its partner has made, kept sealed until each is handed out, once.

A pool is a merchant's own name for codes that are worth the same. Of a code there is a keyed index, so that it is known again, and
a box that the pool's key opens. It is never logged, and shown to whoever takes it alone.
"""

from __future__ import annotations

import datetime as dt
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from typing import Any, ClassVar, NamedTuple

from sqlalchemy import Row, TextClause, text
from sqlalchemy.ext.asyncio import AsyncConnection

from ledger.errors import Fault, Refusal
from ledger.members.vault import Vault
from ledger.points.reading import fetch

POOL_LONGEST = 40
CODE_LONGEST = 200
COUNTED = 1000
"""Free codes are counted up to here: nobody asks whether there are more."""


@dataclass(eq=False)
class PoolEmpty(Refusal):
    """No code of this pool is left that is still good."""

    pool: str
    may_succeed_later: ClassVar[bool] = True


@dataclass(eq=False)
class NoSuchPool(Refusal):
    """The merchant has brought no codes under this name."""

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
    "SELECT c.box, p.key, c.valid_until FROM partner_code c JOIN code_pool p ON p.id = c.pool_id"
    " WHERE c.taken_for = :what AND c.merchant_id = :merchant"
)
# Of codes with a last day, those that are over are passed over by the index; those without one come after them.
_DATED, _ENDLESS = "c.valid_until >= {today}", "c.valid_until IS NULL"


def _take(which: str, lock: str) -> TextClause:
    return text(
        "UPDATE partner_code t SET taken_at = :now, taken_for = :what FROM code_pool p"
        f" WHERE t.id = (SELECT c.id FROM partner_code c WHERE c.taken_at IS NULL AND {which.format(today=':today')}"
        "               AND c.pool_id = (SELECT id FROM code_pool WHERE merchant_id = :merchant AND name = :pool)"
        f"               ORDER BY c.valid_until, c.id LIMIT 1 FOR UPDATE{lock})"
        " AND p.id = t.pool_id RETURNING t.box, p.key, t.valid_until"
    )


# Whoever finds every free code in somebody's hands waits for the first of them: a hand that is rolled back lets go of it.
_TAKES = [_take(which, lock) for lock in (" SKIP LOCKED", "") for which in (_DATED, _ENDLESS)]
_FREE = """
    SELECT a.merchant_id, a.name, dated.n + endless.n AS free, first.ends
    FROM unnest($1::bigint[], $2::text[]) AS a(merchant_id, name)
    LEFT JOIN code_pool p ON p.merchant_id = a.merchant_id AND p.name = a.name
    CROSS JOIN LATERAL (SELECT count(*) AS n FROM (
        SELECT FROM partner_code c WHERE c.pool_id = p.id AND c.taken_at IS NULL AND c.valid_until >= $3::date LIMIT $4) d) dated
    CROSS JOIN LATERAL (SELECT count(*) AS n FROM (
        SELECT FROM partner_code c WHERE c.pool_id = p.id AND c.taken_at IS NULL AND c.valid_until IS NULL LIMIT $4) e) endless
    CROSS JOIN LATERAL (SELECT min(f.valid_until) AS ends FROM (
        SELECT c.valid_until FROM partner_code c WHERE c.pool_id = p.id AND c.taken_at IS NULL AND c.valid_until >= $3::date
        ORDER BY c.valid_until LIMIT 1) f) first
"""
_OF = "c.taken_for = 'redeem:' || r.member_id || ':' || r.nonce"
_HELD = text(
    f"SELECT c.box, p.key FROM redemption r JOIN partner_code c ON {_OF} JOIN code_pool p ON p.id = c.pool_id WHERE r.id = :id"
)
_LET_GO = text(
    "UPDATE partner_code c SET taken_at = NULL, taken_for = NULL FROM redemption r"
    f" WHERE r.id = ANY(CAST(:ids AS bigint[])) AND {_OF}"
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
) -> PartnerCode:
    """A code of a pool, the one that ends soonest; two takers get two codes, `what_for` (such as «redeem:7:n») one until it is
    let go.

    Raises:
        PoolEmpty.
    """
    asked = {"merchant": merchant_id, "what": what_for}
    await tx.execute(text("SELECT pg_advisory_xact_lock(hashtextextended('code:' || :what, 0))"), {"what": what_for})
    found = (await tx.execute(_TAKEN, asked)).first()
    for taking in _TAKES:
        if found is None:
            found = (await tx.execute(taking, {**asked, "pool": pool, "today": today, "now": now})).first()
    if found is None:
        raise PoolEmpty(pool)
    return PartnerCode(pool, _opened(vault, found), found.valid_until)


async def free(
    tx: AsyncConnection, pools: Iterable[tuple[int, str]], *, today: dt.date, most: int = COUNTED
) -> dict[tuple[int, str], tuple[int, dt.date | None]]:
    """How many codes are free of each (merchant, pool), counted up to `most`, and the last day of the one that goes next.

    A pool that is not there has none.
    """
    merchants, names = zip(*pools, strict=True)
    rows = await fetch(tx, _FREE, list(merchants), list(names), today, most)
    return {(row["merchant_id"], row["name"]): (min(most, row["free"]), row["ends"]) for row in rows}


async def must_exist(tx: AsyncConnection, merchant_id: int, pool: str) -> None:
    """`NoSuchPool` where the merchant has brought no code under this name."""
    if not (await tx.execute(_POOLS, {"merchant": merchant_id, "names": [pool]})).all():
        raise NoSuchPool(pool)


async def held(tx: AsyncConnection, vault: Vault, redemption_id: int) -> str:
    """The code that a redemption has taken."""
    found = (await tx.execute(_HELD, {"id": redemption_id})).first()
    if found is None:
        raise Fault(f"redemption {redemption_id} has lost its partner's code")
    return _opened(vault, found)


async def let_go(tx: AsyncConnection, redemption_ids: Sequence[int]) -> None:
    """The codes of redemptions that ended before anybody saw them are free again."""
    if redemption_ids:
        await tx.execute(_LET_GO, {"ids": list(redemption_ids)})


def _opened(vault: Vault, row: Row[Any]) -> str:
    return str(vault.open(bytes(row.key), bytes(row.box))["code"])
