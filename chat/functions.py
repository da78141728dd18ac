"""The turn's SQL functions: opening and closing are one round trip each. `bot.migrate` creates them at every upgrade."""

from __future__ import annotations

from importlib.resources import files

NAMES = ("turn_look", "turn_open", "turn_close")

CREATE = {name: (files("chat") / "sql" / f"{name}.sql").read_text(encoding="utf-8") for name in NAMES}
"""«CREATE OR REPLACE FUNCTION» statements by function, to be run in this order."""
