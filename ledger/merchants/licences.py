"""Numbers of business licences.

On the mainland that is the unified social credit code of GB 32100: eighteen signs, of which the last follows from the others, so
that one wrong sign, or two that changed places, is seen at once. Who is registered elsewhere has a number of that place's kind.
"""

from __future__ import annotations

import unicodedata
from dataclasses import dataclass

from stdnum.cn import uscc
from stdnum.exceptions import InvalidChecksum

from ledger.errors import Refusal
from ledger.programme import Programme

SIGNS = 18
DIGITS = 8
"""So many signs at the beginning are digits: who registered it, what it is, where."""
_ALPHABET = frozenset("0123456789ABCDEFGHJKLMNPQRTUWXY")


@dataclass(eq=False)
class LicenceWrong(Refusal):
    """No unified social credit code: not of eighteen `signs`; else at `place` (from 1) a `sign` that is never there; else the
    check sign doesn't fit the others (`place` None)."""

    signs: int
    place: int | None = None
    sign: str = ""


def on_mainland(programme: Programme, region: str | None) -> bool:
    """Whether who trades there has a unified social credit code; who trades everywhere has."""
    return all(each.mainland for each in programme.regions if each.code == region)


def read(said: str, *, mainland: bool) -> str:
    """A licence's number as it is written down; of the mainland without gaps, in capitals. `LicenceWrong`."""
    said = unicodedata.normalize("NFKC", said).strip()
    if not mainland:
        return said
    code = uscc.compact("".join(said.split()))
    if len(code) != SIGNS:
        raise LicenceWrong(len(code))
    for place, sign in enumerate(code, 1):
        if sign not in _ALPHABET or (place <= DIGITS and not sign.isdecimal()):
            raise LicenceWrong(SIGNS, place, sign)
    try:
        return uscc.validate(code)
    except InvalidChecksum:
        raise LicenceWrong(SIGNS) from None
