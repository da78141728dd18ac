"""The programme's view of a person, free of personal data."""

from __future__ import annotations

import datetime as dt
from dataclasses import dataclass

from ledger.points.commands import Owner


@dataclass(frozen=True, slots=True)
class Member:
    """A member as a turn knows them. `staff_of` maps merchant id → role; `operator` holds the operator roles."""

    id: int
    status: str
    language: str | None = None
    region: str | None = None
    joined_on: dt.date | None = None
    staff_of: tuple[tuple[int, str], ...] = ()
    operator: frozenset[str] = frozenset()

    @property
    def owner(self) -> Owner:
        """This member as the owner of points."""
        return Owner("member", self.id)

    def role_at(self, merchant_id: int) -> str | None:
        """Their staff role at a merchant: owner, manager, cashier or None."""
        return dict(self.staff_of).get(merchant_id)
