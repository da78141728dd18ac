"""The merchant's own privileges: what its members have who hold enough points or are of a tier; read, published, switched off."""

from __future__ import annotations

from pydantic import ValidationError
from sqlalchemy import text

from bot.merchant_api import problems
from bot.merchant_api.calls import Call
from bot.merchant_api.models import PrivilegeIn, PrivilegeOut, PrivilegesAsked, PrivilegesOut
from ledger.redeeming import privileges
from ledger.redeeming.privilege import Privilege

_OWN = text(
    "SELECT code, version, active, document FROM privilege WHERE merchant_id = :merchant_id AND code > :after"
    " ORDER BY code LIMIT :limit"
)


async def page(call: Call, asked: PrivilegesAsked) -> PrivilegesOut:
    """The merchant's privileges, by code."""
    values = {"merchant_id": call.merchant.id, "after": asked.after or "", "limit": asked.limit}
    found = [
        PrivilegeOut(code=row.code, version=row.version, active=row.active, document=_own(row.document))
        for row in await call.tx.execute(_OWN, values)
    ]
    return PrivilegesOut(privileges=found, next=found[-1].code if len(found) == asked.limit else None)


async def put(call: Call, asked: PrivilegeIn) -> PrivilegeOut:
    """Publish a privilege, or a new version of it.

    Raises:
        Problem 422: the document is no privilege. `CurrencyNotHeldFor`, `NoSuchTier`, `NoOutletOfThatName`.
    """
    code = call.path["code"]
    try:
        one = Privilege.model_validate({**asked.document, "code": code, "merchant": call.merchant.code})
    except ValidationError as error:
        raise problems.no_document(error, asked.document) from None
    _, version = await privileges.publish(call.tx, one, active=asked.active, by=call.key.actor, now=call.at.now)
    document = one.model_dump(mode="json", exclude_none=True)
    return PrivilegeOut(code=code, version=version, active=asked.active, document=_own(document))


def _own(document: dict[str, object]) -> dict[str, object]:
    """Without what the path and the key say already."""
    return {name: value for name, value in document.items() if name not in ("code", "merchant")}
