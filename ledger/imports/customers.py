"""Whom a file means: a customer by the merchant's own number, by the reference that its systems know a member by, or by the paper
card or phone that tills know."""

from __future__ import annotations

from collections.abc import Iterable
from typing import NamedTuple

from ledger.imports.working import Working
from ledger.members import reference, walk_ins
from ledger.merchants import accounts


class Customer(NamedTuple):
    """`number` names them in keys, however it was written; `members` are those whom their purchases may be of: whoever has the
    account now is the last."""

    number: str
    members: tuple[int, ...]

    @property
    def holder(self) -> int:
        """Who has the account now."""
        return self.members[-1]


async def find(working: Working, said: Iterable[str]) -> dict[str, Customer]:
    """The customers that a file names. Numbers that nobody knows are opened as accounts that nobody has claimed yet."""
    tx, vault, here = working.tx, working.vault, working.merchant.id
    found: dict[str, Customer] = {}
    numbers: dict[str, str] = {}
    for each in dict.fromkeys(said):
        if (member_id := reference.member_of(vault, here, each)) is not None:
            found[each] = Customer(each, (member_id,))
            continue
        handle = walk_ins.read(each)
        numbers[each] = handle.digits if handle is not None else each
        if handle is not None and (opened := await walk_ins.account_of(tx, vault, handle)) is not None:
            holder = await walk_ins.find(tx, vault, handle)
            found[each] = Customer(handle.digits, (opened,) if holder in (None, opened) else (opened, holder or opened))
    own = {each: number for each, number in numbers.items() if each not in found}
    known = await accounts.open_many(tx, here, own.values())
    return found | {each: Customer(number, known[number].members) for each, number in own.items()}
