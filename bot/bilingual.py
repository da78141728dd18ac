"""Two-language lines for terminals: what is said before, or outside, any member's language is known."""


def both(zh: str, en: str) -> str:
    """One line, Chinese first."""
    return f"{zh} / {en}"
