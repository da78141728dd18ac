"""Whom a file means: a customer by the merchant's own number, by the reference that its systems know a member by, or by the paper
card or phone that tills know.

A phone, or a printed card, that no till has seen yet becomes a customer without Telegram, as it would at a till (`walk_ins`):
found by a keyed index, with the number sealed. It is never a number of the merchant's own, which is kept as it stands; but where
the merchant had a customer of that very number before the card was printed, they stay who they are.
"""

from __future__ import annotations

from collections.abc import Iterable
from typing import NamedTuple

from ledger.imports.working import Working
from ledger.members import reference, walk_ins
from ledger.members.walk_ins import Handle
from ledger.merchants import accounts


class Customer(NamedTuple):
    """`number` names them in keys, however it was written; `members` are those whom their purchases may be of: whoever has the
    account now is the last. `shown`: as they may be named in words. `new`: a phone's or card's account, opened just now."""

    number: str
    members: tuple[int, ...]
    shown: str
    new: bool = False

    @property
    def holder(self) -> int:
        """Who has the account now."""
        return self.members[-1]


async def find(working: Working, said: Iterable[str]) -> dict[str, Customer]:
    """The customers that a file names. Numbers that nobody knows are opened as accounts that nobody has claimed yet."""
    tx, vault, here = working.tx, working.vault, working.merchant.id
    found: dict[str, Customer] = {}
    own: dict[str, str] = {}
    handles: dict[str, Handle] = {}
    for each in dict.fromkeys(said):
        if (member_id := reference.member_of(vault, here, each)) is not None:
            found[each] = Customer(each, (member_id,), each)
        elif (handle := walk_ins.read(each)) is not None:
            handles[each] = handle
        else:
            own[each] = each
    # In one order: files of two merchants that open the same phones would otherwise wait for each other.
    for each, handle in sorted(handles.items(), key=lambda item: item[1]):
        known = await _without_telegram(working, handle)
        if known is None:
            own[each] = handle.digits
        else:
            found[each] = known
    accounts_of = await accounts.open_many(tx, here, own.values())
    return found | {each: Customer(number, accounts_of[number].members, number) for each, number in own.items()}


async def _without_telegram(working: Working, handle: Handle) -> Customer | None:
    """Who is known by a card or phone; None for a number that is only made like a card's, and for one of the merchant's own."""
    tx, vault, here = working.tx, working.vault, working.merchant.id
    opened = await walk_ins.account_of(tx, vault, handle)
    new = opened is None and not (handle.kind == "card" and await accounts.known(tx, here, handle.digits))
    if new:
        opened = await walk_ins.open_brought(
            tx, vault, handle, merchant_id=here, by=working.file.actor, now=working.at.now
        )
    if opened is None:
        return None
    holder = await walk_ins.find(tx, vault, handle) or opened
    members = (opened,) if holder == opened else (opened, holder)
    return Customer(f"phone-{opened}" if handle.kind == "phone" else handle.digits, members, handle.shown, new)
