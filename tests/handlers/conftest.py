"""Dialogues in haste: the pace of a chat is kept by both sides as ever, in shorter seconds."""

from __future__ import annotations

from dataclasses import replace

import pytest

from bot.double.limits import Limits, Rate
from bot.transport import CHAT_BURST

HASTE = 50.0
"""So many times as fast. What the pace is, and what happens to whoever does not keep it, is tested in `tests/bot`."""


@pytest.fixture(autouse=True)
def short_seconds(monkeypatch: pytest.MonkeyPatch) -> None:
    """Bursts of five messages to a chat, then one in a fiftieth of a second."""
    monkeypatch.setattr("bot.transport.CHAT_PER_SECOND", HASTE)
    monkeypatch.setattr("tests.driver.PACE", replace(Limits.telegram(), per_chat=Rate(HASTE, CHAT_BURST)))
