"""The README tells the truth: settings, command line and addresses as the code has them, in both languages."""

from __future__ import annotations

import datetime as dt
import re
from pathlib import Path
from typing import Literal

import click
import pytest

from bot import cli
from bot.settings import table
from chat.feature import commands_table
from chat.words import Speaker

ROOT = Path(__file__).parents[1]
READMES: list[tuple[str, Literal["zh", "en"]]] = [("README.md", "zh"), ("README.en.md", "en")]


def commands(group: click.Group, prefix: str = "") -> set[str]:
    """Every command of the command line, with those of its groups as `group command`."""
    found: set[str] = set()
    with click.Context(group) as context:
        for name in group.list_commands(context):
            command = group.get_command(context, name)
            found |= commands(command, f"{prefix}{name} ") if isinstance(command, click.Group) else {prefix + name}
    return found


@pytest.mark.parametrize(("file", "language"), READMES)
def test_the_settings_are_shown_as_they_are(file: str, language: Literal["zh", "en"]) -> None:
    shown = re.search(
        r"<!-- settings -->\n(.*?)<!-- /settings -->", (ROOT / file).read_text(encoding="utf-8"), re.DOTALL
    )
    assert shown is not None and shown[1].strip() == table(language).strip()


@pytest.mark.parametrize(("file", "language"), READMES)
def test_every_chat_command_is_listed_as_its_feature_declares_it(file: str, language: str) -> None:
    shown = re.search(r"<!-- chat -->\n(.*?)<!-- /chat -->", (ROOT / file).read_text(encoding="utf-8"), re.DOTALL)
    assert shown is not None
    assert shown[1] == commands_table(Speaker(language, dt.date(2026, 11, 22)))


@pytest.mark.parametrize(("file", "language"), READMES)
def test_every_command_of_the_command_line_is_listed(file: str, language: str) -> None:
    text = (ROOT / file).read_text(encoding="utf-8")
    section = re.search(r"^### (?:命令行|Command line)\n(.*?)^##", text, re.DOTALL | re.MULTILINE)
    assert section is not None
    listed = {
        name for row in re.findall(r"^\| (`.*?) \|", section[1], re.MULTILINE) for name in re.findall("`(.*?)`", row)
    }
    assert listed == commands(cli.group)


def test_both_readmes_have_the_same_shape() -> None:
    shapes = [
        re.findall(r"^(#+|```|\||\d\.)", (ROOT / file).read_text(encoding="utf-8"), re.MULTILINE) for file, _ in READMES
    ]
    assert shapes[0] == shapes[1]


@pytest.mark.parametrize("file", ["README.md", "README.en.md", "deploy/README.md", "chat/fonts/README.md"])
def test_links_between_files_lead_somewhere(file: str) -> None:
    path = ROOT / file
    for target in re.findall(r"\]\((?!https?:)([^)#]+)", path.read_text(encoding="utf-8")):
        assert (path.parent / target).exists(), target
