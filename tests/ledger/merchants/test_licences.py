"""Licence numbers: the mainland's are read as people type them and checked to the last sign; others are taken as they are."""

from __future__ import annotations

import pytest

from ledger.merchants import licences
from ledger.merchants.licences import LicenceWrong

# From the documentation of the standard's check sign, and one made for the demo programme.
REAL, OURS = "91110000600037341L", "91310106MA1FY20263"


@pytest.mark.parametrize(
    "said",
    [
        OURS,
        OURS.lower(),
        " 9131 0106 MA1F Y202 63 ",
        "913101-06MA1FY2026-3",
        "９１３１０１０６ＭＡ１ＦＹ２０２６３",
    ],
)
def test_a_code_is_read_however_it_is_typed(said: str) -> None:
    assert licences.read(said, mainland=True) == OURS
    assert licences.read(REAL, mainland=True) == REAL


@pytest.mark.parametrize(
    ("said", "signs", "place", "sign"),
    [
        (OURS[:-1], 17, None, ""),
        (OURS + "0", 19, None, ""),
        ("A" + OURS[1:], 18, 1, "A"),
        (OURS[:7] + "O" + OURS[8:], 18, 8, "O"),
        (OURS[:10] + "I" + OURS[11:], 18, 11, "I"),
        (OURS[:10] + "码" + OURS[11:], 18, 11, "码"),
        (OURS[:-1] + "4", 18, None, ""),
        (OURS[:12] + "X" + OURS[13:], 18, None, ""),
        (OURS[:9] + "1A" + OURS[11:], 18, None, ""),
    ],
)
def test_what_is_wrong_with_a_code_is_said_to_the_sign(said: str, signs: int, place: int | None, sign: str) -> None:
    with pytest.raises(LicenceWrong) as no:
        licences.read(said, mainland=True)
    assert (no.value.signs, no.value.place, no.value.sign) == (signs, place, sign)


def test_who_is_registered_elsewhere_has_a_number_of_their_own_kind() -> None:
    assert licences.read(" 52345678-000-01-24-A ", mainland=False) == "52345678-000-01-24-A"
