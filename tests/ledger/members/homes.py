"""Families for tests: people, the programme's figures, joining in one step."""

from __future__ import annotations

import itertools
import os

from sqlalchemy.ext.asyncio import AsyncConnection

from ledger.members import families
from ledger.members.families import Family
from ledger.members.vault import Vault
from ledger.points.commands import Moment
from ledger.programme import Families

VAULT = Vault("a secret of the tests", os.urandom)
RULES = Families(people_most=3, invitation_hours=72, join_delay_days=0, rejoin_days=30)
_numbers = itertools.count(1)


async def invited(tx: AsyncConnection, head_id: int, *, at: Moment, rules: Families = RULES) -> str:
    """A fresh invitation's token."""
    token = f"token-{next(_numbers)}"
    await families.invite(tx, VAULT, rules, head_id, token, now=at.now)
    return token


async def family_of(tx: AsyncConnection, head_id: int, *people: int, at: Moment, rules: Families = RULES) -> Family:
    """A family of these people."""
    made = await families.found(tx, head_id, at=at)
    for each in people:
        token = await invited(tx, head_id, at=at, rules=rules)
        made, _ = await families.accept(tx, VAULT, rules, token, each, at=at)
    return made
