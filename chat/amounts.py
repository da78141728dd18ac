"""An amount of money as a cashier types it: «300», «¥300.5», «1,280.00», «300元»."""

from __future__ import annotations

import re
import unicodedata

LARGEST_MINOR = 99_999_999
"""¥999,999.99: more than that at a till is a slip of the finger, or a card's code."""

_FORM = re.compile(r"([0-9]{1,3}(?:,[0-9]{3})+|[0-9]{1,9})(?:\.([0-9]{1,2}))?")
_SIGNS = re.compile(r"^(?:¥|£|\$|€|RMB|CNY)|(?:元|块|块钱|RMB|CNY)$", re.IGNORECASE)


def parse(said: str, *, largest_minor: int = LARGEST_MINOR) -> int | None:
    """The amount in minor units; None where it is no amount, is not above zero, has more than two decimals or is too large."""
    plain = unicodedata.normalize("NFKC", said).strip().replace(" ", "")
    found = _FORM.fullmatch(_SIGNS.sub("", plain))
    if found is None:
        return None
    whole, decimals = found.groups()
    minor = int(whole.replace(",", "")) * 100 + int((decimals or "").ljust(2, "0"))
    return minor if 0 < minor <= largest_minor else None
