"""Who may do what at a merchant's counter (C4): one table, action by role."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Literal, get_args

from ledger.errors import Refusal

Role = Literal["owner", "manager", "cashier"]
ROLES: tuple[Role, ...] = ("owner", "manager", "cashier")

Action = Literal[
    "award", "verify", "sell_tiers", "see_own_day", "see_whole_day", "take_back_own", "take_back_any", "refund", "see_staff",
    "add_cashier", "add_manager", "add_owner", "remove_cashier", "remove_manager",
    "work_shift", "see_merchant", "run_outlets", "export_day", "see_papers", "see_log",
    "see_settlement", "dispute", "see_cover", "run_activities", "fund_dividends", "see_rules", "change_rules", "manage_api",
    "print_cards",
    "import_files",
    "book_declined",
    "give_privileges", "run_privileges",
    "run_shelf",
    "answer_returns",
    "run_calendar",
]  # fmt: skip

ACTIONS: tuple[Action, ...] = get_args(Action)

_ALLOWED: dict[Action, frozenset[Role]] = {
    "award": frozenset({"owner", "manager", "cashier"}),
    "verify": frozenset({"owner", "manager", "cashier"}),
    "sell_tiers": frozenset({"owner", "manager", "cashier"}),
    "see_own_day": frozenset({"owner", "manager", "cashier"}),
    "see_whole_day": frozenset({"owner", "manager"}),
    "take_back_own": frozenset({"owner", "manager", "cashier"}),
    "take_back_any": frozenset({"owner", "manager"}),
    "refund": frozenset({"owner", "manager"}),
    "see_staff": frozenset({"owner", "manager"}),
    "add_cashier": frozenset({"owner", "manager"}),
    "remove_cashier": frozenset({"owner", "manager"}),
    "add_manager": frozenset({"owner"}),
    "add_owner": frozenset(),  # the operator does
    "remove_manager": frozenset({"owner"}),
    "work_shift": frozenset({"owner", "manager", "cashier"}),
    "see_merchant": frozenset({"owner", "manager"}),
    "run_outlets": frozenset({"owner", "manager"}),
    "export_day": frozenset({"owner", "manager"}),
    "see_papers": frozenset({"owner"}),
    "see_log": frozenset({"owner"}),
    "see_settlement": frozenset({"owner", "manager"}),
    "dispute": frozenset({"owner", "manager"}),
    "run_activities": frozenset({"owner", "manager"}),
    "fund_dividends": frozenset({"owner"}),
    "see_cover": frozenset({"owner"}),
    "see_rules": frozenset({"owner", "manager"}),
    "change_rules": frozenset({"owner"}),
    "manage_api": frozenset({"owner"}),
    "print_cards": frozenset({"owner", "manager"}),
    "import_files": frozenset({"owner", "manager"}),
    "book_declined": frozenset({"owner", "manager"}),
    "give_privileges": frozenset({"owner", "manager", "cashier"}),
    "run_privileges": frozenset({"owner", "manager"}),
    "run_shelf": frozenset({"owner", "manager"}),
    "answer_returns": frozenset({"owner", "manager"}),
    "run_calendar": frozenset({"owner", "manager"}),
}


@dataclass(eq=False)
class NotAllowed(Refusal):
    """This person's role at the merchant does not reach so far; `role` None: they do not work there."""

    action: str
    role: str | None
    needed: tuple[str, ...]


def may(role: str | None, action: Action) -> bool:
    """Whether somebody of this role may do it."""
    return role in _ALLOWED[action]


def demand(role: str | None, action: Action) -> None:
    """`NotAllowed` unless this role may do it; `needed` names the roles that may, highest first."""
    if not may(role, action):
        raise NotAllowed(action, role, tuple(r for r in ROLES if r in _ALLOWED[action]))
