"""How a merchant's own systems name a member: a reference that says nothing, and is another one at every merchant.

It carries the member's number, hidden and signed with the programme's key (a synthetic tag is both nonce and signature), so no
table is needed to read it back, nobody can make one up, and two merchants can't compare their customers.
"""

from __future__ import annotations

import base64
import binascii
import hmac
from functools import lru_cache

from ledger.members.vault import Vault

_HALF = 8
_REMEMBERED = 20_000


@lru_cache(_REMEMBERED)
def reference(vault: Vault, merchant_id: int, member_id: int) -> str:
    """The reference of a member at a merchant: always the same 22 characters."""
    tag = _tag(vault, merchant_id, member_id)
    return reference_text(tag + (member_id ^ _mask(vault, merchant_id, tag)).to_bytes(_HALF, "big"))


@lru_cache(_REMEMBERED)
def member_of(vault: Vault, merchant_id: int, said: str) -> int | None:
    """The member that a reference of this merchant names; None for anything else."""
    try:
        both = base64.urlsafe_b64decode(said + "==")
    except (binascii.Error, ValueError):
        return None
    if len(both) != 2 * _HALF or reference_text(both) != said:
        return None
    tag, hidden = both[:_HALF], int.from_bytes(both[_HALF:], "big")
    member_id = hidden ^ _mask(vault, merchant_id, tag)
    return member_id if hmac.compare_digest(tag, _tag(vault, merchant_id, member_id)) else None


def reference_text(both: bytes) -> str:
    """Tag and hidden number as they are written."""
    return base64.urlsafe_b64encode(both).rstrip(b"=").decode()


def _tag(vault: Vault, merchant_id: int, member_id: int) -> bytes:
    return vault.blind("member-reference", f"{merchant_id}:{member_id}")[:_HALF]


def _mask(vault: Vault, merchant_id: int, tag: bytes) -> int:
    """What hides the number beside this tag: it comes to light by the same."""
    return int.from_bytes(vault.blind("member-reference-mask", f"{merchant_id}:{tag.hex()}")[:_HALF], "big")
