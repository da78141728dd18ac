"""Receipt numbers as people see them: those that a shop gave. What an award at the till is booked under is nobody's receipt."""

from __future__ import annotations

from ledger.earning import awards

_MADE = awards.document_of("")
_TAKEN_BACK = "back-"


def given(document: str) -> str | None:
    """The number on the shop's own receipt; of a taken-back award, that of the award. None where the shop gave none."""
    number = document.removeprefix(_TAKEN_BACK)
    return None if number.startswith(_MADE) else number
