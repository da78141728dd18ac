"""The programme's view of a person, free of personal data."""

from __future__ import annotations

import datetime as dt
from dataclasses import dataclass, replace
from typing import Literal

from ledger.points.commands import Owner


@dataclass(frozen=True, slots=True)
class Acting:
    """The company that a person acts for at the moment, and their role there."""

    company_id: int
    name: str
    role: Literal["head", "buyer", "viewer"]


@dataclass(frozen=True, slots=True)
class Member:
    """A member as a turn knows them. `staff_of` maps merchant id → role; `operator` holds the operator roles.

    `acts_for` is the company that the person has switched to. `person_id` is set where this *is* that company's account, used by
    that person.
    """

    id: int
    status: str
    language: str | None = None
    region: str | None = None
    joined_on: dt.date | None = None
    staff_of: tuple[tuple[int, str], ...] = ()
    operator: frozenset[str] = frozenset()
    acts_for: Acting | None = None
    person_id: int | None = None

    @property
    def account(self) -> Member:
        """The account that this person uses now: the company's that they act for, else their own.

        Whoever may only look has an account that does not spend (`status` viewing).
        """
        if self.acts_for is None or self.person_id is not None:
            return self
        status = "viewing" if self.acts_for.role == "viewer" else self.status
        return replace(self, id=self.acts_for.company_id, status=status, person_id=self.id)

    @property
    def actor(self) -> str:
        """Who acts, as entries record it."""
        return f"member:{self.id}" if self.person_id is None else f"company:{self.id}:{self.person_id}"

    @property
    def owner(self) -> Owner:
        """This member as the owner of points."""
        return Owner("member", self.id)

    def role_at(self, merchant_id: int) -> str | None:
        """Their staff role at a merchant: owner, manager, cashier or None."""
        return dict(self.staff_of).get(merchant_id)
