"""Proof that every point adds up: what tests, `jifen audit` and the nightly job share.

Each check is one set-based query that lists violations; an empty list proves the invariant over the whole ledger. Read in one
REPEATABLE READ snapshot (the caller's) the checks hold together, whatever is written meanwhile.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

from sqlalchemy import text
from sqlalchemy.ext.asyncio import AsyncConnection

SHOWN = 20
"""How many violations of one check are listed."""


@dataclass(frozen=True, slots=True)
class Violation:
    """One broken invariant: which, and the row that shows it."""

    check: str
    row: dict[str, Any]


@dataclass(frozen=True, slots=True)
class Position:
    """What one issuer has promised in one currency, in points; every figure net of what was undone.

    issued = pending + available + held + pooled + in_transit + burned + expired + clawed_back − deficit.
    """

    issuer_id: int
    currency_id: int
    issued: int
    pending: int
    available: int
    held: int
    pooled: int
    in_transit: int
    burned: int
    expired: int
    clawed_back: int
    deficit: int

    @property
    def adds_up(self) -> bool:
        """The mission's standing promise."""
        kept = self.pending + self.available + self.held + self.pooled + self.in_transit
        return self.issued == kept + self.burned + self.expired + self.clawed_back - self.deficit


@dataclass(frozen=True, slots=True)
class Audit:
    """The whole proof: `holds` when nothing is violated and every issuer's sum adds up."""

    violations: tuple[Violation, ...]
    positions: tuple[Position, ...]
    entries: int
    postings: int

    @property
    def holds(self) -> bool:
        """Whether every invariant does."""
        return not self.violations and all(p.adds_up for p in self.positions)


LOTTED = "('available', 'pending', 'held', 'transit')"
OWNED = "('available', 'pending', 'held', 'transit', 'deficit')"

CHECKS: dict[str, str] = {
    "entries sum to zero per issuer and currency": """
        SELECT p.entry_id, p.issuer_id, a.currency_id, sum(p.points)::bigint AS off
        FROM posting p JOIN account a ON a.id = p.account_id GROUP BY 1, 2, 3 HAVING sum(p.points) <> 0""",
    "balance equals the sum of postings": f"""
        SELECT a.id AS account_id, a.balance, coalesce(p.total, 0)::bigint AS postings, a.version, coalesce(p.n, 0) AS n
        FROM account a LEFT JOIN (SELECT account_id, sum(points) AS total, count(*) AS n FROM posting GROUP BY 1) p
             ON p.account_id = a.id
        WHERE a.purpose IN {OWNED} AND (a.balance <> coalesce(p.total, 0) OR a.version <> coalesce(p.n, 0))""",
    "versions are gap-free and balances chain": f"""
        SELECT * FROM (
            SELECT p.account_id, p.number, p.points, p.balance_after,
                   row_number() OVER w AS expected, sum(p.points) OVER w AS running
            FROM posting p JOIN account a ON a.id = p.account_id WHERE a.purpose IN {OWNED}
            WINDOW w AS (PARTITION BY p.account_id ORDER BY p.number)) chain
        WHERE number <> expected OR balance_after IS DISTINCT FROM running""",
    "balance equals open lots": f"""
        SELECT a.id AS account_id, a.balance, coalesce(p.total, 0)::bigint AS lots
        FROM account a LEFT JOIN (SELECT account_id, sum(points) AS total FROM position GROUP BY 1) p ON p.account_id = a.id
        WHERE a.purpose IN {LOTTED} AND a.balance <> coalesce(p.total, 0)""",
    "each position equals its postings": f"""
        SELECT coalesce(p.account_id, q.account_id) AS account_id, coalesce(p.lot_id, q.lot_id) AS lot_id,
               coalesce(q.points, 0)::bigint AS position, coalesce(p.total, 0)::bigint AS postings
        FROM (SELECT p.account_id, p.lot_id, sum(p.points) AS total FROM posting p JOIN account a ON a.id = p.account_id
              WHERE a.purpose IN {LOTTED} GROUP BY 1, 2 HAVING sum(p.points) <> 0) p
        FULL JOIN position q ON q.account_id = p.account_id AND q.lot_id = p.lot_id
        WHERE coalesce(p.total, 0) <> coalesce(q.points, 0)""",
    "a position is due when its lot says": """
        SELECT p.account_id, p.lot_id, p.due_on FROM position p JOIN account a ON a.id = p.account_id
        JOIN lot l ON l.id = p.lot_id
        WHERE p.due_on IS DISTINCT FROM CASE a.purpose WHEN 'pending' THEN l.available_on
              WHEN 'available' THEN l.expires_on + 1 END""",
    "a lot never gives more than it has": f"""
        SELECT l.id AS lot_id, l.points, q.open FROM lot l
        JOIN (SELECT lot_id, sum(points)::bigint AS open FROM position GROUP BY 1) q ON q.lot_id = l.id
        WHERE q.open > l.points
        UNION ALL
        SELECT p.lot_id, l.points, sum(p.points)::bigint FROM posting p JOIN account a ON a.id = p.account_id
        JOIN lot l ON l.id = p.lot_id WHERE a.purpose IN {LOTTED} GROUP BY 1, 2 HAVING sum(p.points) < 0""",
    "a lot's postings sum to what came in less what went on": """
        SELECT l.id AS lot_id, coalesce(p.total, 0)::bigint AS postings,
               (CASE WHEN parent.id IS NULL THEN 0 ELSE l.points END - coalesce(c.points, 0))::bigint AS expected
        FROM lot l
        LEFT JOIN lot parent ON parent.id = l.parent_lot_id AND parent.currency_id = l.currency_id
        LEFT JOIN (SELECT lot_id, sum(points) AS total FROM posting GROUP BY 1) p ON p.lot_id = l.id
        LEFT JOIN (SELECT k.parent_lot_id, k.currency_id, sum(k.points) AS points FROM lot k GROUP BY 1, 2) c
             ON c.parent_lot_id = l.id AND c.currency_id = l.currency_id
        WHERE coalesce(p.total, 0) <> CASE WHEN parent.id IS NULL THEN 0 ELSE l.points END - coalesce(c.points, 0)""",
    "a lot is born with its points": """
        SELECT l.id AS lot_id, l.points, coalesce(sum(p.points), 0)::bigint AS postings FROM lot l
        LEFT JOIN posting p ON p.lot_id = l.id AND p.entry_id = l.entry_id AND p.points > 0
        GROUP BY 1, 2 HAVING l.points <> coalesce(sum(p.points), 0)""",
    "what has ended of a lot is never less than nothing": """
        SELECT p.account_id, p.lot_id, sum(p.points)::bigint AS ended FROM posting p JOIN account a ON a.id = p.account_id
        WHERE a.purpose IN ('burned', 'expired', 'clawed_back') GROUP BY 1, 2 HAVING sum(p.points) < 0""",
    "members hold their own lots": """
        SELECT q.account_id, q.lot_id, l.owner_kind, l.owner_id FROM position q JOIN account a ON a.id = q.account_id
        JOIN lot l ON l.id = q.lot_id
        WHERE a.owner_kind = 'member' AND (l.owner_kind, l.owner_id) <> (a.owner_kind, a.owner_id)""",
    "late returns of one lot end on one day, and have none of their own": """
        SELECT grace_of AS lot_id, count(DISTINCT expires_on) AS days FROM lot WHERE grace_of IS NOT NULL
        GROUP BY 1 HAVING count(DISTINCT expires_on) > 1 OR bool_or(expires_on IS NULL)
        UNION ALL
        SELECT g.id, 0 FROM lot g JOIN lot l ON l.id = g.grace_of WHERE l.graced OR NOT g.graced""",
    "a child lot keeps its issuer and never outlives grace": """
        SELECT c.id AS lot_id, c.parent_lot_id, c.issuer_id, c.expires_on, l.expires_on AS parent_expires_on, e.kind
        FROM lot c JOIN lot l ON l.id = c.parent_lot_id JOIN entry e ON e.id = c.entry_id
        WHERE c.issuer_id <> l.issuer_id
           OR (c.grace_of IS NULL AND e.kind <> 'restore' AND e.facts ->> 'reversed_kind' IS DISTINCT FROM 'expire'
               AND l.expires_on IS NOT NULL AND (c.expires_on IS NULL OR c.expires_on > l.expires_on))
           OR (l.graced AND NOT c.graced)""",
    "what is held equals the open holds": """
        SELECT coalesce(a.owner_id, h.owner_id) AS owner_id, coalesce(a.balance, 0) AS held, coalesce(h.points, 0) AS holds
        FROM (SELECT owner_kind, owner_id, currency_id, balance FROM account WHERE purpose = 'held') a
        FULL JOIN (SELECT owner_kind, owner_id, currency_id, sum(points)::bigint AS points FROM hold WHERE state = 'open'
                   GROUP BY 1, 2, 3) h
          ON h.owner_kind = a.owner_kind AND h.owner_id = a.owner_id AND h.currency_id = a.currency_id
        WHERE coalesce(a.balance, 0) <> coalesce(h.points, 0)""",
    "each held lot is in the open holds": """
        SELECT coalesce(q.owner_id, h.owner_id) AS owner_id, coalesce(q.lot_id, h.lot_id) AS lot_id,
               coalesce(q.points, 0) AS held, coalesce(h.points, 0)::bigint AS holds
        FROM (SELECT a.owner_kind, a.owner_id, a.currency_id, p.lot_id, p.points FROM position p
              JOIN account a ON a.id = p.account_id WHERE a.purpose = 'held') q
        FULL JOIN (SELECT owner_kind, owner_id, currency_id, part.lot_id, sum(part.points) AS points
                   FROM hold, unnest(lot_ids, lot_points) AS part(lot_id, points) WHERE state = 'open' GROUP BY 1, 2, 3, 4) h
          ON h.owner_kind = q.owner_kind AND h.owner_id = q.owner_id AND h.currency_id = q.currency_id AND h.lot_id = q.lot_id
        WHERE coalesce(q.points, 0) <> coalesce(h.points, 0)""",
    "a hold's lots make up its points": """
        SELECT id AS hold_id, points FROM hold
        WHERE points <> (SELECT coalesce(sum(x), 0) FROM unnest(lot_points) x)
           OR cardinality(lot_ids) <> cardinality(lot_points)""",
    "nothing is undone beyond what it was": """
        SELECT e.id AS entry_id, e.points, sum(u.points)::bigint AS undone FROM entry u JOIN entry e ON e.id = u.undoes_id
        GROUP BY 1, 2 HAVING sum(u.points) > e.points""",
    "no posting without its entry, lot and account": """
        SELECT p.account_id, p.number, p.entry_id, p.lot_id FROM posting p
        LEFT JOIN entry e ON e.id = p.entry_id LEFT JOIN lot l ON l.id = p.lot_id LEFT JOIN account a ON a.id = p.account_id
        WHERE e.id IS NULL OR l.id IS NULL OR a.id IS NULL OR l.issuer_id <> p.issuer_id OR l.currency_id <> a.currency_id""",
    "no entry of points without postings": """
        SELECT e.id AS entry_id, e.kind FROM entry e LEFT JOIN posting p ON p.entry_id = e.id
        WHERE p.entry_id IS NULL AND e.points > 0
        UNION ALL
        SELECT l.id, 'lot' FROM lot l LEFT JOIN entry e ON e.id = l.entry_id WHERE e.id IS NULL
        UNION ALL
        SELECT q.lot_id, 'position' FROM position q LEFT JOIN lot l ON l.id = q.lot_id WHERE l.id IS NULL
        UNION ALL
        SELECT h.id, 'hold' FROM hold h LEFT JOIN entry e ON e.id = h.id WHERE e.id IS NULL""",
    "what undoes an entry or ends a hold names one that is there": """
        SELECT u.id AS entry_id, u.kind, u.undoes_id AS named FROM entry u LEFT JOIN entry e ON e.id = u.undoes_id
        WHERE u.undoes_id IS NOT NULL AND (e.id IS NULL OR e.id >= u.id)
        UNION ALL
        SELECT h.id, h.state, h.resolved_by FROM hold h LEFT JOIN entry e ON e.id = h.resolved_by
        WHERE h.state <> 'open'
          AND (e.id IS NULL OR e.kind <> CASE h.state WHEN 'burned' THEN 'burn' WHEN 'given' THEN 'give' ELSE 'void' END)""",
}

POSITIONS = """
    SELECT p.issuer_id, a.currency_id,
           -coalesce(sum(p.points) FILTER (WHERE a.purpose = 'issued'), 0)::bigint AS issued,
           coalesce(sum(p.points) FILTER (WHERE a.purpose = 'pending'), 0)::bigint AS pending,
           coalesce(sum(p.points) FILTER (WHERE a.purpose = 'available' AND a.owner_kind <> 'pool'), 0)::bigint AS available,
           coalesce(sum(p.points) FILTER (WHERE a.purpose = 'held'), 0)::bigint AS held,
           coalesce(sum(p.points) FILTER (WHERE a.purpose = 'available' AND a.owner_kind = 'pool'), 0)::bigint AS pooled,
           coalesce(sum(p.points) FILTER (WHERE a.purpose = 'transit'), 0)::bigint AS in_transit,
           coalesce(sum(p.points) FILTER (WHERE a.purpose = 'burned'), 0)::bigint AS burned,
           coalesce(sum(p.points) FILTER (WHERE a.purpose = 'expired'), 0)::bigint AS expired,
           coalesce(sum(p.points) FILTER (WHERE a.purpose = 'clawed_back'), 0)::bigint AS clawed_back,
           -coalesce(sum(p.points) FILTER (WHERE a.purpose = 'deficit'), 0)::bigint AS deficit
    FROM posting p JOIN account a ON a.id = p.account_id GROUP BY 1, 2 ORDER BY 2, 1
"""


async def audit(tx: AsyncConnection, checks: Sequence[str] | None = None) -> Audit:
    """Run every check (or those named) in the caller's transaction; give it REPEATABLE READ to audit a live ledger."""
    violations = []
    for name in checks if checks is not None else CHECKS:
        rows = await tx.execute(text(f"SELECT * FROM ({CHECKS[name]}) found LIMIT {SHOWN}"))
        violations += [Violation(name, dict(row._mapping)) for row in rows]
    positions = tuple(Position(*row) for row in await tx.execute(text(POSITIONS)))
    counts = (await tx.execute(text("SELECT (SELECT count(*) FROM entry), (SELECT count(*) FROM posting)"))).one()
    return Audit(tuple(violations), positions, counts[0], counts[1])
