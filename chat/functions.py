"""The turn's SQL functions: opening and closing a turn is one round trip each. A migration creates them."""

from __future__ import annotations

from importlib.resources import files

CREATE = tuple(
    (files("chat") / "sql" / f"{name}.sql").read_text(encoding="utf-8")
    for name in ("turn_look", "turn_open", "turn_close")
)
"""«CREATE OR REPLACE FUNCTION» statements, to be run in this order."""
