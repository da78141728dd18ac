"""The door to the double: a Bot API server on loopback with people who use the bot."""

from __future__ import annotations

import time
from collections import deque
from collections.abc import AsyncIterator
from typing import Any

from aiohttp import web

from bot.double.calls import ApiCall
from bot.double.chats import Chat
from bot.double.clock import Clock
from bot.double.faults import Fault, Faults
from bot.double.groups import Group
from bot.double.limits import Limits
from bot.double.methods import editing, looking, payments, queries, receiving, sending, settings
from bot.double.people import Person
from bot.double.requests import upload_room
from bot.double.updates import Update
from bot.double.wire import Wire
from bot.double.world import Keep, World

__all__ = ["ApiCall", "Clock", "Double", "Fault", "Group", "Keep", "Limits", "Person"]

METHOD_FILES = (
    editing,
    looking,
    payments,
    queries,
    receiving,
    sending,
    settings,
)  # importing them registers their methods


class Double:
    """A Bot API server for one bot, and the people who talk to it.

    Args:
        token: the only token it accepts, `<number>:<anything>`.
        username: the bot's, without @.
        limits: flood control and lifetimes.
        clock: where its time comes from.
        strict: refuse parameters a method does not take (Telegram ignores them).
        keep: how much of the past stays in memory.
    """

    def __init__(
        self,
        token: str = "42:TEST",
        username: str = "jifen_demo_bot",
        *,
        limits: Limits | None = None,
        clock: Clock | None = None,
        strict: bool = True,
        keep: Keep | None = None,
    ) -> None:
        self.world = World(
            token, username, limits or Limits.telegram(), clock or Clock(), keep or Keep(), strict=strict
        )
        self.token = token
        self.username = username
        self.url = ""
        self.people: dict[int, Person] = {}
        self._runner: web.ServerRunner | None = None
        self._next_person_id = 1_000_001
        self._next_group_id = -5_000

    # The server

    async def start(self, host: str = "127.0.0.1", port: int = 0) -> None:
        """Listens; `url` then says where (port 0 takes a free one)."""
        room = upload_room(self.world.limits.upload_bytes_max)
        server = web.Server(Wire(self.world), request_factory=room, access_log=None)
        self._runner = web.ServerRunner(server, shutdown_timeout=0.1)
        await self._runner.setup()
        site = web.TCPSite(self._runner, host, port)
        await site.start()
        bound = self._runner.addresses[0]
        self.url = f"http://{bound[0]}:{bound[1]}"

    async def stop(self) -> None:
        """Stops delivering and listening; open connections are cut. What the world holds stays, for another `start`."""
        await self.world.webhook.stop()
        if self._runner is not None:
            await self._runner.cleanup()
            self._runner = None

    async def __aenter__(self) -> Double:
        await self.start()
        return self

    async def __aexit__(self, *_: object) -> None:
        await self.stop()

    # People

    def person(self, name: str, language: str | None = "zh-hans", id: int | None = None, **user: Any) -> Person:
        """A new person with a private chat; `user` adds fields of the User object (last_name, username …)."""
        number = id if id is not None else self._next_person_id
        self._next_person_id = max(self._next_person_id, number) + 1
        wire: dict[str, Any] = {"id": number, "is_bot": False, "first_name": name, **user}
        if language is not None:
            wire["language_code"] = language
        shown = ("first_name", "last_name", "username")
        chat = Chat({"id": number, "type": "private", **{key: wire[key] for key in shown if key in wire}}, wire)
        self.world.chats[number] = chat
        self.world.users[number] = wire
        if "username" in wire:
            self.world.usernames[str(wire["username"]).lower()] = number
        self.people[number] = person = Person(self.world, wire, chat)
        return person

    def group(self, title: str, *members: Person, admins: tuple[Person, ...] = (), privacy: bool = True) -> Group:
        """A group the bot is in with `members`, of whom `admins` are administrators."""
        self._next_group_id -= 1
        chat = Chat({"id": self._next_group_id, "type": "group", "title": title})
        chat.members = {person.id: "member" for person in members}
        chat.members.update({person.id: "administrator" for person in admins})
        chat.members[int(self.world.bot["id"])] = "member"
        self.world.chats[chat.id] = chat
        return Group(self.world, chat, privacy=privacy)

    # The record and the plan

    @property
    def clock(self) -> Clock:
        """Its time; `clock.advance(seconds)` moves it."""
        return self.world.clock

    @property
    def faults(self) -> Faults:
        """The plan of failures."""
        return self.world.faults

    @property
    def calls(self) -> deque[ApiCall]:
        """Finished calls, oldest first; successful getUpdates are left out."""
        return self.world.calls

    @property
    def updates(self) -> list[Update]:
        """Every update made, oldest first (within `Keep.updates`)."""
        return list(self.world.updates.history.values())

    def events(self) -> AsyncIterator[dict[str, Any]]:
        """Everything that happens from now on, as dicts with a `kind` and:

        message, edited: chat_id, message (the wire object); deleted: chat_id, message_id; pressed: query_id, user_id,
        message_id, data; callback_answered, pre_checkout_answered: query_id, user_id, answer; action: chat_id,
        action; membership: chat_id, status; commands: scope, language; update: update (the wire object); call: call (an
        ApiCall); skipped: the listener was too slow and lost older events.
        """
        return self.world.feed.listen()

    async def redeliver(self, update_id: int) -> None:
        """Makes the server deliver an update once more, as when a success never reached Telegram."""
        self.world.updates.repeat(update_id)

    async def settled(self, timeout: float = 20.0, quiet: float = 0.05) -> None:
        """Waits until every update is confirmed or delivered and no call was in flight for `quiet` seconds.

        Raises:
            AssertionError: it did not calm down within `timeout`.
        """
        world = self.world
        deadline = time.monotonic() + timeout
        while True:
            left = deadline - time.monotonic()
            if left <= 0:
                raise AssertionError(
                    f"{len(world.updates.pending)} updates pending, {world.calls_in_flight} calls in flight"
                )
            if not world.updates.pending and not world.calls_in_flight:
                if not await world.change(quiet):
                    return
            else:
                await world.change(min(left, 0.5))
