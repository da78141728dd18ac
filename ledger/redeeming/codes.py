"""Voucher codes: what they are made of, and how a mistyped one shows.

Thirteen characters of 29 are 63 bits: nobody guesses one. The fourteenth is a check character. The alphabet leaves out what eyes
and fingers confuse (0 O, 1 I L, 2 Z, U V); its size is a prime, so with weights 1 to 14 the weighted sum catches every single wrong
character and every two that changed places.
"""

from __future__ import annotations

import hashlib
import unicodedata

ALPHABET = "23456789ABCDEFGHJKMNPQRSTVWXY"
LENGTH = 14
_PRIME = len(ALPHABET)
_VALUE = {character: value for value, character in enumerate(ALPHABET)}
_MEANT = str.maketrans("ZU", "2V")


def mint(entropy: bytes) -> str:
    """A code from at least 16 unguessable bytes; equal bytes give equal codes."""
    if len(entropy) < 16:
        raise ValueError("a code needs at least 16 bytes of entropy")
    number = int.from_bytes(hashlib.sha256(b"voucher:" + entropy).digest(), "big")
    body = ""
    for _ in range(LENGTH - 1):
        number, value = divmod(number, _PRIME)
        body += ALPHABET[value]
    return body + _check(body)


def _check(body: str) -> str:
    """The character that makes the weighted sum a multiple of 29."""
    total = sum(weight * _VALUE[c] for weight, c in enumerate(body, start=1))
    return ALPHABET[-total * pow(LENGTH, -1, _PRIME) % _PRIME]


def link(code: str) -> str:
    """What a voucher's QR carries after «start=»: a phone's camera then opens the till with the code in it."""
    return f"v_{code}"


def read(typed: str) -> str | None:
    """The code that somebody typed or scanned, without spaces and hyphens; None where no code reads like that."""
    plain = unicodedata.normalize("NFKC", typed.rpartition(link(""))[2]).upper()
    code = "".join(c for c in plain if c.isalnum()).translate(_MEANT)
    if len(code) != LENGTH or any(c not in _VALUE for c in code):
        return None
    return code if _check(code[:-1]) == code[-1] else None


def looks_like(typed: str) -> bool:
    """Whether it was probably meant as a code: the right length, give or take one, of letters and digits."""
    plain = "".join(c for c in unicodedata.normalize("NFKC", typed.rpartition(link(""))[2]) if c not in " -")
    return abs(len(plain) - LENGTH) <= 1 and plain.isascii() and plain.isalnum() and any(c.isdigit() for c in plain)


def spaced(code: str) -> str:
    """The code as people read it: 4-5-5."""
    return f"{code[:4]}-{code[4:9]}-{code[9:]}"
