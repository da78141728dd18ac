"""Who shows this card: a reference and a name, nothing else."""

from __future__ import annotations

from bot.merchant_api.calls import Call
from bot.merchant_api.models import LookupIn, MemberOut
from ledger.members import card, person, walk_ins
from ledger.members.walk_ins import PaperCardUnknown


async def look_up(call: Call, asked: LookupIn) -> MemberOut:
    """The member whose card this is; the code is used up by it. `CardUnknown` → `CardUsed` → `CardExpired`.

    A paper card is used again and again; it leads to who claimed it, else to its account without a name.
    """
    if len(asked.card) == card.DIGITS:
        member_id = await card.present(call.tx, asked.card, staff_id=-call.key.id, now=call.at.now)
    else:
        member_id = await _by_paper_card(call, asked.card)
    people = await person.load_many(call.tx, call.vault, [member_id])
    call.names = member_id
    name = people[member_id].name if member_id in people else ""
    return MemberOut(reference=call.reference(member_id), display_name=name)


async def _by_paper_card(call: Call, number: str) -> int:
    """Whose it is. Its first use is at a till, where its owner agrees to the terms; before that nobody is known by it."""
    handle = walk_ins.read(number)
    try:
        found = None if handle is None else await walk_ins.find(call.tx, call.vault, handle)
    except PaperCardUnknown:
        found = None
    if found is None:
        raise card.CardUnknown()
    return found
