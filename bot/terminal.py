"""What every command of the command line does alike: read the settings, work to the end, speak plainly of what went wrong."""

from __future__ import annotations

import asyncio
import errno
import sys
from collections.abc import Callable, Coroutine, Iterator
from contextlib import contextmanager
from typing import TYPE_CHECKING, Any

import click

from bot.bilingual import both

if TYPE_CHECKING:
    from bot.settings import Settings


class Command(click.Command):
    """A command whose `--help` explains itself in both languages."""

    def get_help_option(self, ctx: click.Context) -> click.Option | None:
        option = super().get_help_option(ctx)
        if option is not None:
            option.help = both("显示这段说明", "Show this message and exit")
        return option


class Group(Command, click.Group):
    """A group of such commands."""

    command_class = Command


def settings() -> Settings:
    """The settings, with logs set up; wrong ones end the command with their lines."""
    from bot import logs
    from bot.settings import SettingsError, load

    try:
        loaded = load()
    except SettingsError as error:
        raise click.ClickException(str(error)) from None
    logs.configure(loaded)
    return loaded


def _loop_factory() -> Callable[[], asyncio.AbstractEventLoop] | None:
    """uvloop where there is one (not on Windows): a fifth less CPU for an update, measured by `bench turn.balance`."""
    try:
        import uvloop
    except ImportError:
        return None
    return uvloop.new_event_loop


def finish(work: Coroutine[Any, Any, int | None]) -> None:
    """Run to the end and exit with its code; what a person can mend is one line without a traceback."""
    from bot.backup import BackupFailed
    from bot.postgres_place import PostgresUnavailable
    from bot.settings import SettingsError

    try:
        with asyncio.Runner(loop_factory=_loop_factory()) as runner:
            code = runner.run(work)
    except (PostgresUnavailable, SettingsError, BackupFailed) as error:
        raise click.ClickException(str(error)) from None
    except KeyboardInterrupt:
        sys.exit(130)
    except OSError as error:
        if error.errno == errno.EADDRINUSE:
            raise click.ClickException(
                both("端口被占用,请用 PORT 换一个", f"the port is taken, set PORT: {error}")
            ) from None
        raise click.ClickException(both("系统错误", f"{type(error).__name__}: {error}")) from error
    sys.exit(code or 0)


@contextmanager
def busy(words: str) -> Iterator[None]:
    """Shows that something long is going on, where somebody is looking."""
    from rich.console import Console

    console = Console(stderr=True)
    if not console.is_terminal:
        yield
        return
    with console.status(words):
        yield


def say(line: str) -> None:
    """To standard error, so that what a command outputs stays clean."""
    click.echo(line, err=True)
