"""The features there are, found by looking (`chat.feature.discover`), by what reaches them."""

from __future__ import annotations

import inspect
from collections.abc import Sequence
from dataclasses import dataclass

from chat.feature import Callback, Command, Ear, Feature, Tap, discover
from chat.meaning import Meanings

__all__ = ["Pressed", "Registry", "discover"]


@dataclass(frozen=True, slots=True)
class Pressed:
    """A button's action found: the feature's name, the tap, its arguments."""

    feature: str
    tap: Tap
    args: tuple[str, ...]


class Registry:
    """Features by what reaches them. Two that claim one name are a mistake found at the start."""

    def __init__(self, features: Sequence[Feature]) -> None:
        self.features = tuple(features)
        self.commands: dict[str, Command] = {}
        self.links: dict[str, tuple[str, Callback]] = {}
        self.checkouts: dict[str, Callback] = {}
        self.payments: dict[str, Callback] = {}
        self.names: dict[str, Feature] = {}
        self._taps: dict[tuple[str, str], tuple[Tap, inspect.Signature]] = {}
        for feature in features:
            if feature.name in self.names:
                raise ValueError(f"two features are called {feature.name}")
            self.names[feature.name] = feature
            for command in feature.commands:
                if command.name in self.commands:
                    raise ValueError(f"two features declare /{command.name}")
                self.commands[command.name] = command
            for action, tap in feature.taps.items():
                self._taps[feature.name, action] = (tap, inspect.signature(tap.run))
            for purpose, run in feature.links.items():
                if purpose in self.links:
                    raise ValueError(f"two features declare the link {purpose}_")
                self.links[purpose] = (feature.name, run)
            for purpose in feature.checkouts.keys() | feature.payments.keys():
                if purpose in self.checkouts:
                    raise ValueError(f"two features declare the invoice {purpose}_")
                self.checkouts[purpose] = feature.checkouts[purpose]  # an invoice that is paid is asked about first
                self.payments[purpose] = feature.payments[purpose]
        self.passed: tuple[Callback, ...] = tuple(run for feature in features for run in feature.passed)
        self.meanings = Meanings(self.commands.values())
        self.ears: tuple[Ear, ...] = tuple(ear for feature in reversed(features) for ear in feature.ears)

    def pressed(self, data: str) -> Pressed | None:
        """The action behind callback data; None when there is none that takes these arguments."""
        name, _, rest = data.partition(":")
        action, *args = rest.split(":")
        found = self._taps.get((name, action))
        if found is None:
            return None
        tap, signature = found
        try:
            signature.bind(None, *args)
        except TypeError:
            return None
        return Pressed(name, tap, tuple(args))

    def step(self, state: str) -> Callback | None:
        """What takes typed text while the dialogue is at «feature.step»."""
        name, _, step = state.partition(".")
        feature = self.names.get(name)
        return feature.steps.get(step) if feature else None

    def file_step(self, state: str) -> Callback | None:
        """What takes a picture or document while the dialogue is at «feature.step»."""
        name, _, step = state.partition(".")
        feature = self.names.get(name)
        return feature.file_steps.get(step) if feature else None

    def contact_step(self, state: str) -> Callback | None:
        """What takes a shared phone number while the dialogue is at «feature.step»."""
        name, _, step = state.partition(".")
        feature = self.names.get(name)
        return feature.contact_steps.get(step) if feature else None

    def command_in(self, text: str, bot_username: str) -> tuple[Command, str] | None:
        """The command a text starts with, if it is ours and known, and the words after it."""
        if not text.startswith("/"):
            return None
        first, _, words = text[1:].partition(" ")
        name, _, addressed = first.partition("@")
        if addressed and addressed.lower() != bot_username.lower():
            return None
        command = self.commands.get(name.lower())
        return (command, words.strip()) if command else None

    def link_in(self, payload: str) -> tuple[str, Callback, str] | None:
        """The deep link «purpose_token»: feature's name, what runs, the token."""
        purpose, _, token = payload.partition("_")
        found = self.links.get(purpose)
        return (found[0], found[1], token) if found else None
