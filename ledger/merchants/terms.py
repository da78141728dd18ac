"""Changing a merchant's terms: how long purchases may come back, how long its points live, what a cashier may refund.

What was earned before keeps what the terms said then; the change is for what is bought from now on.
"""

from __future__ import annotations

import json
from dataclasses import dataclass
from typing import Any, Literal, get_args

from pydantic import ValidationError
from sqlalchemy import text
from sqlalchemy.ext.asyncio import AsyncConnection

from ledger.errors import Refusal
from ledger.merchants import log
from ledger.merchants import merchant as merchants
from ledger.merchants.merchant import Merchant, Terms
from ledger.points.commands import Moment

Term = Literal["return_days", "life", "cashier_refund_minor", "accepts_common", "instrument"]
"""What the operator may change of a merchant that issues. The currency stays: its points are out."""

TERMS: tuple[Term, ...] = get_args(Term)

_LOCK = text("SELECT 1 FROM merchant WHERE id = :id FOR UPDATE")
_SET = text("UPDATE merchant SET terms = CAST(:terms AS jsonb) WHERE id = :id")


@dataclass(eq=False)
class TermInvalid(Refusal):
    """A term can't be that, or not beside the others."""

    term: str


@dataclass(eq=False)
class FundsWelcome(Refusal):
    """Whoever funds the welcome points gives for joining; a payment instrument gives for spending alone."""

    merchant_id: int


async def change(tx: AsyncConnection, merchant_id: int, term: Term, value: Any, *, by: str, at: Moment) -> Merchant:
    """Change one term, noted in the merchant's log. The same again changes and notes nothing.

    Args:
        value: as the document says it (`Terms`).
    Raises:
        NoSuchMerchant → FundsWelcome → TermInvalid.
    """
    await tx.execute(_LOCK, {"id": merchant_id})
    before = await merchants.by_id(tx, merchant_id)
    if term == "instrument" and value and before.terms.funds_welcome:
        raise FundsWelcome(merchant_id)
    try:
        after = Terms.model_validate({**before.terms.model_dump(mode="json"), term: value})
    except ValidationError as no:
        raise TermInvalid(term) from no
    if after == before.terms:
        return before
    await tx.execute(_SET, {"id": merchant_id, "terms": json.dumps(after.model_dump(mode="json"))})
    await log.write(tx, merchant_id, "terms_changed", who=by, at=at.now, term=term)
    return await merchants.by_id(tx, merchant_id)
