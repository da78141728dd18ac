"""What became of each row of a file."""

from __future__ import annotations

import json
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any, Literal

from sqlalchemy import text
from sqlalchemy.ext.asyncio import AsyncConnection

from ledger.imports.files import ImportFile, Trouble
from ledger.imports.kinds import without_secrets
from ledger.members.vault import Vault

Outcome = Literal["waiting", "would", "done", "already", "refused"]
"""waiting: not decided yet · would: the trial did it · done · already: it had been done before, nothing was done now · refused."""


@dataclass(frozen=True, slots=True)
class ImportRow:
    """A row. `cells` are what it says by field, without secrets; None once the file was forgotten. `result_id` is the purchase,
    entry, member or code that it made or met."""

    number: int
    cells: Mapping[str, str] | None
    outcome: Outcome
    trouble: Trouble | None
    points: int | None
    result_id: int | None


@dataclass(frozen=True, slots=True)
class Unit:
    """Rows that happen together, by the number of the first: what each says."""

    number: int
    rows: tuple[Mapping[str, str], ...]


@dataclass(frozen=True, slots=True)
class Decided:
    """What became of a unit. `points` and `result_id` where there are any."""

    unit: int
    outcome: Outcome
    trouble: Trouble | None = None
    points: int | None = None
    result_id: int | None = None


_UNITS = text(
    "SELECT unit, box FROM import_row WHERE import_id = :id AND unit IN (SELECT DISTINCT unit FROM import_row"
    " WHERE import_id = :id AND unit > :place ORDER BY unit LIMIT :limit) ORDER BY unit, number"
)
_DECIDE = text(
    "UPDATE import_row r SET outcome = n.o, code = n.c, words = n.w, result_id = n.r,"
    " points = CASE WHEN r.number = n.u THEN n.p END"  # of a document with several rows, at its first
    " FROM unnest(CAST(:units AS integer[]), CAST(:outcomes AS text[]), CAST(:codes AS text[]), CAST(:words AS jsonb[]),"
    " CAST(:points AS bigint[]), CAST(:results AS bigint[])) AS n(u, o, c, w, p, r)"
    " WHERE r.import_id = :id AND r.unit = n.u"
)
_PAGE = "SELECT number, box, outcome, code, words, points, result_id FROM import_row WHERE import_id = :id AND number > :after"


async def units(tx: AsyncConnection, vault: Vault, file: ImportFile, *, limit: int) -> list[Unit]:
    """The next units after the file's place."""
    assert file.key is not None, "a file that is worked on is not forgotten"
    found: dict[int, list[Mapping[str, str]]] = {}
    for row in await tx.execute(_UNITS, {"id": file.id, "place": file.place, "limit": limit}):
        found.setdefault(row.unit, []).append(vault.open(file.key, bytes(row.box)))
    return [Unit(number, tuple(said)) for number, said in found.items()]


async def decide(tx: AsyncConnection, file: ImportFile, decided: Sequence[Decided]) -> None:
    """Write down what became of units."""
    values: dict[str, Any] = {"units": [each.unit for each in decided], "outcomes": [each.outcome for each in decided]}
    troubles = [each.trouble for each in decided]
    values |= {"codes": [no.code if no else None for no in troubles]}
    values |= {"words": [json.dumps([no.zh, no.en], ensure_ascii=False) if no else None for no in troubles]}
    values |= {"points": [each.points for each in decided], "results": [each.result_id for each in decided]}
    await tx.execute(_DECIDE, {"id": file.id, **values})


async def hide_secrets(tx: AsyncConnection, vault: Vault, file: ImportFile, worked: Sequence[Unit]) -> None:
    """What rows said in confidence is dropped once it was worked on. Such a unit is one row."""
    assert file.key is not None, "a file that is worked on is not forgotten"
    boxes = [vault.seal(file.key, without_secrets(file.kind, each.rows[0])) for each in worked]
    query = text(
        "UPDATE import_row r SET box = n.b FROM unnest(CAST(:units AS integer[]), CAST(:boxes AS bytea[])) AS n(u, b)"
        " WHERE r.import_id = :id AND r.unit = n.u"
    )
    await tx.execute(query, {"id": file.id, "units": [each.number for each in worked], "boxes": boxes})


async def page(
    tx: AsyncConnection, vault: Vault, file: ImportFile, *, after: int = 0, limit: int, refused_only: bool = False
) -> list[ImportRow]:
    """Rows in the file's order, those after row `after`; only the refused ones where asked."""
    query = text(_PAGE + (" AND outcome = 'refused'" if refused_only else "") + " ORDER BY number LIMIT :limit")
    found = []
    for row in await tx.execute(query, {"id": file.id, "after": after, "limit": limit}):
        cells = None
        if file.key is not None and row.box is not None:
            cells = without_secrets(file.kind, vault.open(file.key, bytes(row.box)))
        trouble = Trouble(row.code, *row.words) if row.code else None
        found.append(ImportRow(row.number, cells, row.outcome, trouble, row.points, row.result_id))
    return found
