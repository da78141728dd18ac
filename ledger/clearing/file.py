"""A week as bytes: the same lines always give the same file, so its digest proves that nothing was changed since."""

from __future__ import annotations

import csv
import hashlib
import io
from collections.abc import Iterable

from ledger.clearing.derive import Line

COLUMNS = (
    "number", "kind", "day", "entry", "redemption", "dispute", "issuer", "redeemer", "currency", "points", "money",
    "issuer_minor", "redeemer_minor", "fee_minor", "operator_minor", "corrects_week", "corrects_number",
)  # fmt: skip


def written(lines: Iterable[Line]) -> bytes:
    """A week's lines as CSV (UTF-8, ids and minor units, one header row)."""
    out = io.StringIO()
    rows = csv.writer(out, lineterminator="\n")
    rows.writerow(COLUMNS)
    for line in lines:
        of = line.corrects
        rows.writerow(
            [
                line.place.number,
                line.kind,
                line.day.isoformat(),
                line.entry_id,
                line.redemption_id or "",
                line.dispute_id or "",
                line.issuer_id,
                line.redeemer_id,
                line.currency_id,
                line.points,
                line.money,
                *line.amounts,
                line.operator_minor,
                of.week.isoformat() if of else "",
                of.number if of else "",
            ]
        )
    return out.getvalue().encode()


def digest(lines: Iterable[Line]) -> bytes:
    """SHA-256 of the file."""
    return hashlib.sha256(written(lines)).digest()
