"""The wording of every refusal: which rule, its figures, and what would lift it.

A feature words its own refusals beside its screens::

    @worded(VoucherUsed)
    def _(no: VoucherUsed) -> Worded:
        return Worded(t("这张券已经用过了"), t("{when} 在{where}用的。", when=no.used_at, where=no.merchant), buttons=(...))

The engine's are here. A test walks every subclass of `Refusal` and finds its wording in both languages.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from typing import Any, TypeVar

from chat.screen import Button, Line, Screen, screen
from chat.words import Points, Text, t
from ledger.errors import Refusal
from ledger.points import commands as points


@dataclass(frozen=True, slots=True)
class Worded:
    """A refusal in words: what, why with figures, and taps that would help (menu and back are added by the edge)."""

    headline: Text
    detail: Text | None = None
    buttons: tuple[Button, ...] = ()

    def screen(self) -> Screen:
        """As a message of its own."""
        lines: list[Line | None] = [self.headline, self.detail]
        return screen(lines, [[b] for b in self.buttons])


R = TypeVar("R", bound=Refusal)

_WORDINGS: dict[type[Refusal], Callable[[Any], Worded]] = {}


def worded(kind: type[R]) -> Callable[[Callable[[R], Worded]], Callable[[R], Worded]]:
    """Registers the decorated function as the wording of `kind`."""

    def register(write: Callable[[R], Worded]) -> Callable[[R], Worded]:
        _WORDINGS[kind] = write
        return write

    return register


def wording(refusal: Refusal) -> Worded:
    """The words for this refusal: its own class's, else its nearest parent's. `KeyError` where nobody wrote any."""
    for kind in type(refusal).__mro__:
        if kind in _WORDINGS:
            return _WORDINGS[kind](refusal)
    raise KeyError(type(refusal).__name__)


@worded(points.NotEnoughPoints)
def _(no: points.NotEnoughPoints) -> Worded:
    lacking = Points(no.needed - no.available)
    if no.next_release_on is None:
        return Worded(
            t("还差 {lacking}", lacking=lacking),
            t("要 {needed},您可用 {available}。", needed=Points(no.needed), available=Points(no.available)),
        )
    return Worded(
        t("还差 {lacking}", lacking=lacking),
        t(
            "要 {needed},您可用 {available};待生效 {pending},最早 {on}生效。",
            needed=Points(no.needed),
            available=Points(no.available),
            pending=Points(no.pending),
            on=no.next_release_on,
        ),
    )
