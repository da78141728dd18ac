"""Faults and the programme's date, over HTTP."""

from __future__ import annotations

import asyncio
from datetime import date
from typing import Any

import aiohttp
import pytest

from tests.bot.playground.demo import Demo
from tests.bot.playground.events import events_of
from tests.bot.playground.test_actions import post

MING = 1001


async def test_the_date_moves_by_days_or_to_a_day(quiet: Demo, client: aiohttp.ClientSession) -> None:
    async with events_of(client, quiet.url) as events:
        await events.next()
        assert await post(client, quiet, "clock", {"days": 7}) == (200, {"clock": {"date": "2026-11-29"}})
        assert await post(client, quiet, "clock", {"day": "2026-12-31"}) == (200, {"clock": {"date": "2026-12-31"}})
        told = await events.until(lambda change: change["type"] == "clock" and change["clock"]["date"] == "2026-12-31")
    assert told["clock"] == {"date": "2026-12-31"}
    assert quiet.clock.moves == [date(2026, 11, 29), date(2026, 12, 31)]


@pytest.mark.parametrize(
    ("body", "error"),
    [
        ({"days": 0}, "backwards"),
        ({"days": -3}, "backwards"),
        ({"day": "2026-11-22"}, "backwards"),
        ({"day": "2026-11-21"}, "backwards"),
        ({"days": 3661}, "too_far"),
        ({"days": 10**30}, "too_far"),
        ({"day": "2099-01-01"}, "too_far"),
        ({}, "malformed"),
        ({"days": 1, "day": "2026-12-01"}, "malformed"),
        ({"day": "tomorrow"}, "malformed"),
    ],
)
async def test_the_date_never_moves_back_or_absurdly_far(
    quiet: Demo, client: aiohttp.ClientSession, body: Any, error: str
) -> None:
    assert await post(client, quiet, "clock", body) == (400, {"error": error})
    assert quiet.clock.moves == []


async def test_two_moves_at_once_happen_one_after_the_other(quiet: Demo, client: aiohttp.ClientSession) -> None:
    quiet.clock.seconds = 0.05
    answers = await asyncio.gather(*(post(client, quiet, "clock", {"days": 1}) for _ in range(2)))
    assert sorted(answer["clock"]["date"] for _, answer in answers) == ["2026-11-23", "2026-11-24"]


async def test_a_fault_waits_strikes_and_is_gone(quiet: Demo, client: aiohttp.ClientSession) -> None:
    await quiet.double.people[MING].says("hello")
    async with events_of(client, quiet.url) as events:
        await events.next()
        fault = {"kind": "flood", "method": "sendMessage", "times": 2, "seconds": 1, "person": MING}
        assert (await post(client, quiet, "faults", fault))[0] == 200
        (set_,) = (await events.until(lambda change: change["type"] == "faults"))["faults"]
        assert (set_["kind"], set_["method"], set_["person"], set_["left"]) == ("flood", "sendMessage", MING, 2)
        await quiet.api.call("sendMessage", chat_id=MING, text="third time lucky")
        await events.text(MING, "third time lucky")
    statuses = [call.status for call in quiet.double.calls if call.method == "sendMessage"]
    assert statuses == [429, 429, 200]
    assert quiet.double.faults.planned == ()


@pytest.mark.parametrize(("kind", "status"), [("error", 500), ("drop", 0), ("reset", 0), ("timeout", 0)])
async def test_every_kind_of_fault_shows_as_itself(
    quiet: Demo, client: aiohttp.ClientSession, kind: str, status: int
) -> None:
    await quiet.double.people[MING].says("hello")
    await post(client, quiet, "faults", {"kind": kind, "method": "sendMessage", "seconds": 1})
    await quiet.api.call("sendMessage", chat_id=MING, text="x")
    assert [call.status for call in quiet.double.calls if call.method == "sendMessage"] == [status, 200]


async def test_all_faults_can_be_taken_away(quiet: Demo, client: aiohttp.ClientSession) -> None:
    await post(client, quiet, "faults", {"kind": "error"})
    async with client.delete(f"{quiet.url}api/faults") as response:
        assert response.status == 200
    assert quiet.double.faults.planned == ()


@pytest.mark.parametrize(
    "body",
    [
        {"kind": "earthquake"},
        {"kind": "error", "times": 0},
        {"kind": "flood", "seconds": 1000},
        {"kind": "error", "method": "a b"},
    ],
)
async def test_a_fault_that_makes_no_sense_is_refused(quiet: Demo, client: aiohttp.ClientSession, body: Any) -> None:
    assert await post(client, quiet, "faults", body) == (400, {"error": "malformed"})
