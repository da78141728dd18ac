"""What arrives in a button's data is text that anybody could have sent."""

import datetime as dt

NO_DAY = dt.date(1970, 1, 1)


def number(said: str) -> int:
    """The whole number that a button's argument says; 0, which is nobody's id, where it says none."""
    return int(said) if said.isascii() and said.isdigit() and len(said) < 19 else 0


def short(number_: int) -> str:
    """A number in base 36: a button has room for 64 bytes, and all else that it carries takes most of them."""
    digits = ""
    while number_:
        number_, digit = divmod(number_, 36)
        digits = "0123456789abcdefghijklmnopqrstuvwxyz"[digit] + digits
    return digits or "0"


def long(digits: str) -> int:
    """The number again; 0 where it is none, which no signature fits."""
    return int(digits, 36) if digits.isascii() and digits.isalnum() and len(digits) < 13 else 0


def instant(digits: str) -> dt.datetime:
    """The whole minute that `minute` wrote; the beginning of all time, at which nothing is, where it is none."""
    minutes = long(digits)
    return dt.datetime.fromtimestamp(minutes * 60 if minutes < 1 << 32 else 0, dt.UTC)


def minute(at: dt.datetime) -> str:
    """A whole minute, for a button."""
    return short(int(at.timestamp()) // 60)


def spot(at: dt.datetime, outlet_id: int | None = None) -> str:
    """A whole minute, and at which outlet where that is said, for a button."""
    return minute(at) if outlet_id is None else f"{minute(at)}.{short(outlet_id)}"


def spot_of(said: str) -> tuple[dt.datetime, int | None]:
    """What `spot` wrote."""
    when, _, where = said.partition(".")
    return instant(when), long(where) or None


def date(said: str) -> dt.date:
    """The day that a button's argument says, as `dt.date.isoformat` writes it; 1 January 1970 where it says none of this age."""
    try:
        found = dt.date.fromisoformat(said)
    except ValueError:
        return NO_DAY
    return found if NO_DAY.year <= found.year < 3000 else NO_DAY  # PostgreSQL has no end of all days
