"""The turn's SQL functions: opening and closing are one round trip each.

They are part of the schema: a migration creates them (`CREATE`), and so does `metadata.create_all`.
"""

from __future__ import annotations

from importlib.resources import files

from sqlalchemy import DDL, event

import chat.tables  # noqa: F401  the functions name these tables
from ledger.metadata import metadata

NAMES = ("turn_look", "turn_open", "turn_close")

CREATE = tuple((files("chat") / "sql" / f"{name}.sql").read_text(encoding="utf-8") for name in NAMES)
"""«CREATE OR REPLACE FUNCTION» statements, to be run in this order."""

DROP = (
    "DROP FUNCTION IF EXISTS turn_close(bigint, text, jsonb, jsonb, bigint[])",
    "DROP FUNCTION IF EXISTS turn_open(bigint, text, bigint, bytea, integer)",
    "DROP FUNCTION IF EXISTS turn_look(bigint, bytea, integer)",
)

for _statement in CREATE:
    event.listen(metadata, "after_create", DDL(_statement.replace("%", "%%")))
