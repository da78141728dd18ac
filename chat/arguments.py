"""What arrives in a button's data is text that anybody could have sent."""


def number(said: str) -> int:
    """The whole number that a button's argument says; 0, which is nobody's id, where it says none."""
    return int(said) if said.isascii() and said.isdigit() and len(said) < 19 else 0
