"""Who may do what at the operator's desk: reading is for every role, deciding for some."""

from __future__ import annotations

from sqlalchemy.ext.asyncio import AsyncConnection

from chat.turn import Turn
from ledger.members import operators

DECIDE_RULES = ("admin", "finance")
"""The roles that decide on proposed rules."""


async def demand(turn: Turn, *needed: str) -> frozenset[str]:
    """This person's operator roles as they are now; one of `needed` must be among them, where any is named. `NotOperator`."""
    roles = await operators.roles(turn.tx, turn.me.id)
    if not roles:
        raise operators.NotOperator(None)
    if needed and not roles & set(needed):
        raise operators.NotOperator(needed[0])
    return roles


async def holders(tx: AsyncConnection, *roles: str) -> list[int]:
    """The members who hold any of these roles, each once, by id."""
    return sorted({member_id for role in roles for member_id in await operators.holders(tx, role)})


def actor(turn: Turn) -> str:
    """How an operator's acts are recorded."""
    return f"operator:{turn.me.id}"
