"""A date as people type it: «2027-06-30», «20270630», «2027/6/30», «2027年6月30日»."""

from __future__ import annotations

import datetime as dt
import re
import unicodedata

_FORMS = (
    re.compile(r"(\d{4})(\d{2})(\d{2})"),
    re.compile(r"(\d{4})[-/.](\d{1,2})[-/.](\d{1,2})"),
    re.compile(r"(\d{4})年(\d{1,2})月(\d{1,2})日?"),
)


def parse(said: str) -> dt.date | None:
    """The date, year first; None where it is none."""
    plain = unicodedata.normalize("NFKC", said).strip().replace(" ", "")
    for form in _FORMS:
        if found := form.fullmatch(plain):
            try:
                return dt.date(*map(int, found.groups()))
            except ValueError:
                return None
    return None
