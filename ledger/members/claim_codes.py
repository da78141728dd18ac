"""Codes that bring an account to its owner: twelve characters that follow from the programme's key and what they are for, so that
a lost list can be made anew and none has to be stored."""

from __future__ import annotations

from ledger.members.vault import Vault

ALPHABET = "0123456789ABCDEFGHJKMNPQRSTVWXYZ"
"""Crockford's: nothing that is read as something else."""

LENGTH = 12


def made(vault: Vault, of: str) -> str:
    """The code of `of`: 60 bits, in groups of four."""
    number = int.from_bytes(vault.blind("claim-code", of)) >> (256 - 5 * LENGTH)
    letters = "".join(ALPHABET[number >> 5 * place & 31] for place in reversed(range(LENGTH)))
    return "-".join(letters[start : start + 4] for start in range(0, LENGTH, 4))


def normal(code: str) -> str:
    """A code as it is compared: capitals, without spaces and dashes."""
    return "".join(c for c in code.upper() if c.isalnum())


def index(vault: Vault, code: str) -> bytes:
    """What is stored of a code."""
    return vault.blind("claim", normal(code))
