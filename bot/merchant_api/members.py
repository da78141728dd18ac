"""Who shows this card: a reference and a name, nothing else."""

from __future__ import annotations

from bot.merchant_api.calls import Call
from bot.merchant_api.models import LookupIn, MemberOut
from ledger.members import card, person


async def look_up(call: Call, asked: LookupIn) -> MemberOut:
    """The member whose card this is; the code is used up by it. `CardUnknown` → `CardUsed` → `CardExpired`."""
    member_id = await card.present(call.tx, asked.card, staff_id=-call.key.id, now=call.at.now)
    people = await person.load_many(call.tx, call.vault, [member_id])
    call.names = member_id
    name = people[member_id].name if member_id in people else ""
    return MemberOut(reference=call.reference(member_id), display_name=name)
