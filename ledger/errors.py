"""How the ledger says no.

A `Refusal` is an expected answer: a rule that the person can be told, with the figures that would lift it. Whoever catches it
rolls back to the savepoint and shows its wording (`chat/refusals.py`; a test walks every subclass). A `Fault` is a broken
invariant: everything rolls back, staff are alerted, the member hears that nothing changed.
"""

from __future__ import annotations

from dataclasses import fields, is_dataclass
from typing import Any, ClassVar


class Refusal(Exception):
    """A rule said no. Subclasses are sentence-named dataclasses (`@dataclass(eq=False)`) whose fields are the facts.

    `code` is stable (API, wording, tests); `may_succeed_later` tells that the same command may pass after a change that
    the person can wait for or bring about, so its answer must not be stored as final.
    """

    code: ClassVar[str] = ""
    may_succeed_later: ClassVar[bool] = False

    def __init_subclass__(cls, **kwargs: Any) -> None:
        super().__init_subclass__(**kwargs)
        if "code" not in cls.__dict__:
            cls.code = "".join("_" + c.lower() if c.isupper() else c for c in cls.__name__).lstrip("_")

    @property
    def facts(self) -> dict[str, Any]:
        """The figures of this refusal by name, as given."""
        return {f.name: getattr(self, f.name) for f in fields(self)} if is_dataclass(self) else {}

    def __str__(self) -> str:
        return f"{self.code}({', '.join(f'{k}={v!r}' for k, v in self.facts.items())})"


class Fault(Exception):
    """An invariant does not hold. Never worded to a member beyond «nothing changed» and a short code."""
