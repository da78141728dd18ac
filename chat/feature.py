"""How a file in `handlers/` says what it does.

    feature = Feature("history", order=40)

    @feature.command("history", t("明细"))
    async def show(turn: Turn, words: str) -> Screen: ...

    @feature.tap("page")                       # a button made by feature.button(t("更早"), "page", 2)
    async def page(turn: Turn, n: str) -> Screen: ...

    @feature.step("amount")                    # what is typed while the dialogue is at "history.amount"
    async def amount(turn: Turn, said: str) -> Screen: ...

    @feature.file_step("amount")               # a picture or document sent while the dialogue is there: turn.file
    async def receipt(turn: Turn) -> Screen: ...

    @feature.contact_step("phone")             # a phone number shared while the dialogue is there: turn.contact
    async def phone(turn: Turn) -> Screen: ...

    @feature.hears()                           # what is typed when nothing was asked, and names no command
    async def sought(turn: Turn, said: str) -> Screen | None: ...

    @feature.link("r")                         # t.me/<bot>?start=r_<token>
    async def referred(turn: Turn, token: str) -> Screen: ...

    @feature.checkout("cash")                  # an invoice with the payload cash_<token> is about to be paid: turn.payment
    async def may_pay(turn: Turn, token: str) -> None: ...

    @feature.paid("cash")                      # it has been paid
    async def paid(turn: Turn, token: str) -> Screen: ...

A callback may return one screen, several (the first answers the tap, the rest follow), none, or `Onward` to another
feature's screen; a step that returns none says that the words were no answer, and they are heard as outside of it.
Raising a `Refusal` rolls its writes back and shows the refusal's wording. The command menu, `/help` and the
documentation table are made from these declarations; nothing else lists commands. The edge finds every `feature` in
`handlers/` by itself.
"""

from __future__ import annotations

import importlib
import pkgutil
from collections.abc import Awaitable, Callable, Collection, Sequence
from dataclasses import dataclass, field
from functools import cache, wraps
from typing import Any, Literal, TypeVar

from chat.screen import Button, Onward, Screen
from chat.turn import Turn
from chat.words import Both, Speaker, Text, t
from ledger.merchants.authority import Action, may

Answer = Screen | Onward | Sequence[Screen] | None
Callback = Callable[..., Awaitable[Answer]]
C = TypeVar("C", bound=Callback)
Audience = Literal["anyone", "member", "staff", "operator"]


@dataclass(frozen=True, slots=True)
class Command:
    """A slash command: its menu line (None keeps it out of the menu), who sees it there, and what runs.

    `audience` decides menus and the courteous refusal to others; what a person may really do is checked by the verb. Of staff,
    only those see it whose role allows `needs` somewhere (None: all). `said`: what else it is called, in all languages, by
    commas: typed outside of any conversation, that means it too.
    """

    name: str
    description: Text | None
    audience: Audience
    run: Callback
    reads_only: bool = False
    needs: Action | None = None
    said: str = ""

    def shown_to(self, audiences: Collection[Audience], roles: Collection[str]) -> bool:
        """Whether it is in the menus of people of these audiences, who have these roles at counters."""
        if self.description is None or self.audience not in audiences:
            return False
        return self.needs is None or any(may(role, self.needs) for role in roles)


@dataclass(frozen=True, slots=True)
class Tap:
    """A button's action; its callback data is «feature:action:args…»."""

    action: str
    run: Callback
    audience: Audience = "member"
    reads_only: bool = False


@dataclass(frozen=True, slots=True)
class Ear:
    """What listens to words that no command answers."""

    audience: Audience
    run: Callback


@dataclass(slots=True)
class Feature:
    """One thing a person does: its commands, taps, dialogue steps and deep links. `order` sorts menus and help.

    `on_account`: it is about an account, and works on that of a company for whoever acts for one.
    """

    name: str
    order: int = 100
    on_account: bool = False
    commands: list[Command] = field(default_factory=list)
    taps: dict[str, Tap] = field(default_factory=dict)
    steps: dict[str, Callback] = field(default_factory=dict)
    file_steps: dict[str, Callback] = field(default_factory=dict)
    contact_steps: dict[str, Callback] = field(default_factory=dict)
    links: dict[str, Callback] = field(default_factory=dict)
    ears: list[Ear] = field(default_factory=list)
    checkouts: dict[str, Callback] = field(default_factory=dict)
    payments: dict[str, Callback] = field(default_factory=dict)
    passed: list[Callback] = field(default_factory=list)

    def command(
        self,
        name: str,
        description: Text | None = None,
        *,
        audience: Audience = "member",
        reads_only: bool = False,
        needs: Action | None = None,
        said: str = "",
    ) -> Callable[[C], C]:
        """Runs the decorated `(turn, words)` on «/name words»."""

        def register(run: C) -> C:
            self.commands.append(Command(name, description, audience, self._runs(run), reads_only, needs, said))
            return run

        return register

    def tap(self, action: str, *, audience: Audience = "member", reads_only: bool = False) -> Callable[[C], C]:
        """Runs the decorated `(turn, *args)` when a button of this action is tapped. Arguments arrive as text."""

        def register(run: C) -> C:
            self.taps[action] = Tap(action, self._runs(run), audience, reads_only)
            return run

        return register

    def step(self, name: str) -> Callable[[C], C]:
        """Runs the decorated `(turn, said)` on what is typed while the dialogue is at «feature.name»."""

        def register(run: C) -> C:
            self.steps[name] = self._runs(run)
            return run

        return register

    def file_step(self, name: str) -> Callable[[C], C]:
        """Runs the decorated `(turn)` on a picture or document (`turn.file`) sent while the dialogue is at «feature.name»."""

        def register(run: C) -> C:
            self.file_steps[name] = self._runs(run)
            return run

        return register

    def contact_step(self, name: str) -> Callable[[C], C]:
        """Runs the decorated `(turn)` on a shared phone number (`turn.contact`) while the dialogue is at «feature.name»."""

        def register(run: C) -> C:
            self.contact_steps[name] = self._runs(run)
            return run

        return register

    def link(self, purpose: str) -> Callable[[C], C]:
        """Runs the decorated `(turn, token)` on the deep link «purpose_token». Who has not joined is led to join first; the link
        waits for them."""

        def register(run: C) -> C:
            self.links[purpose] = self._runs(run)
            return run

        return register

    def hears(self, audience: Audience = "member") -> Callable[[C], C]:
        """Runs the decorated `(turn, said)` on what is typed outside of any conversation and is no command's name. None: it means
        nothing to this feature. Features are asked from the last in the menus to the first."""

        def register(run: C) -> C:
            self.ears.append(Ear(audience, self._runs(run)))
            return run

        return register

    def checkout(self, purpose: str) -> Callable[[C], C]:
        """Runs the decorated `(turn, token)` on the question whether the invoice «purpose_token» may be paid, which Telegram asks
        for ten seconds. Raising a `Refusal` says no, in its words; anything else lets it be paid."""

        def register(run: C) -> C:
            self.checkouts[purpose] = self._runs(run)
            return run

        return register

    def paid(self, purpose: str) -> Callable[[C], C]:
        """Runs the decorated `(turn, token)` when the invoice «purpose_token» has been paid. It never refuses: the money is
        there."""

        def register(run: C) -> C:
            self.payments[purpose] = self._runs(run)
            return run

        return register

    def passes_on(self, run: C) -> C:
        """Runs the decorated `(turn, said)` when a member types `said` after the bot's name in any chat of theirs; its screens,
        with a `choice` each, are offered to be sent there. It only reads."""
        self.passed.append(self._runs(run))
        return run

    def _runs(self, run: Callback) -> Callback:
        if not self.on_account:
            return run

        @wraps(run)
        async def on_account(turn: Turn, *said: str) -> Answer:
            with turn.on_account():
                return await run(turn, *said)

        return on_account

    def at(self, step: str) -> str:
        """The dialogue state of one of this feature's steps."""
        return f"{self.name}.{step}"

    def data(self, action: str, *args: Any) -> str:
        """Callback data for an action of this feature."""
        return ":".join([self.name, action, *map(str, args)])

    def button(
        self, label: Text | Both, action: str, *args: Any, style: Literal["primary", "danger"] | None = None
    ) -> Button:
        """A button that taps `action` with `args`."""
        return Button(label, data=self.data(action, *args), style=style)


@cache
def discover(package: str = "handlers") -> tuple[Feature, ...]:
    """The `feature` of every module of a package, in the order of menus and help."""
    found = []
    for module in pkgutil.walk_packages(importlib.import_module(package).__path__, package + "."):
        feature = getattr(importlib.import_module(module.name), "feature", None)
        if isinstance(feature, Feature):
            found.append(feature)
    return tuple(sorted(found, key=lambda each: (each.order, each.name)))


AUDIENCES: dict[Audience, Text] = {
    "anyone": t("所有人"),
    "member": t("会员"),
    "staff": t("店员"),
    "operator": t("运营人员"),
}


def commands_table(speaker: Speaker) -> str:
    """Every chat command as a Markdown table: the reference that the README shows."""
    rows = [
        f"| `/{command.name}` | {speaker.plain(command.description)} | {speaker.plain(AUDIENCES[command.audience])} |"
        for feature in sorted(discover(), key=lambda each: each.order)
        for command in feature.commands
        if command.description is not None
    ]
    head = speaker.plain(t("| 命令 | 做什么 | 给谁 |"))
    return "\n".join([head, "|---|---|---|", *rows]) + "\n"
