"""The table of parameters beside the library's signatures, and what happens to requests that do not fit it."""

from __future__ import annotations

import inspect
import json
import re

import aiohttp
import pytest
from telegram import Bot

from bot.double.double import Double, Limits
from bot.double.methods.registry import METHODS
from bot.double.parameters import TABLE, Parameter, read
from bot.double.people import Person

# The library's own: how to send, not what.
TRANSPORT = {
    "read_timeout",
    "write_timeout",
    "connect_timeout",
    "pool_timeout",
    "api_kwargs",
    "filename",
    "current_offset",
}
# What the library translates before sending, or accepts as an object instead of fields.
NOT_SENT = {"sendMediaGroup": {"caption", "parse_mode", "caption_entities"}}


def signature(method: str) -> dict[str, inspect.Parameter]:
    name = re.sub(r"(?<=[a-z])(?=[A-Z])", "_", method).lower()
    return {
        parameter.name: parameter
        for parameter in inspect.signature(getattr(Bot, name)).parameters.values()
        if parameter.name != "self" and parameter.name not in TRANSPORT | NOT_SENT.get(method, set())
    }


@pytest.mark.parametrize("method", sorted(TABLE))
def test_the_table_names_what_the_library_can_send(method: str) -> None:
    theirs, ours = signature(method), TABLE[method]
    assert set(theirs) - set(ours) == set(), "the library sends more than the table knows"
    assert set(ours) - set(theirs) == set(), "the table knows more than the library sends"


KINDS = {
    "int": r"int|timedelta",
    "float": r"float",
    "bool": r"bool",
    "str": r"str",
    "chat": r"int|str",
    "list": r"Sequence",
    "object": r"[A-Z]\w+",
    "file": r"FileInput|PhotoSize|Document",
}


@pytest.mark.parametrize("method", sorted(TABLE))
def test_kinds_agree_with_the_librarys_annotations(method: str) -> None:
    for name, parameter in TABLE[method].items():
        theirs = signature(method).get(name)
        assert theirs is not None, name
        assert re.search(KINDS[parameter.kind], str(theirs.annotation)), (name, parameter.kind, theirs.annotation)
        if parameter.required:
            assert theirs.default is inspect.Parameter.empty, f"{name} may be left out"
        elif theirs.default is inspect.Parameter.empty:
            pytest.fail(f"{name} is required by the library")


def test_every_row_of_the_table_is_a_method_and_the_other_way_round() -> None:
    assert {entry.name for entry in METHODS.values()} == set(TABLE)


async def ask(double: Double, method: str, body: object) -> tuple[int, dict[str, object]]:
    async with (
        aiohttp.ClientSession() as session,
        session.post(f"{double.url}/bot{double.token}/{method}", json=body) as response,
    ):
        return response.status, await response.json()


@pytest.mark.parametrize(
    ("method", "body", "says"),
    [
        ("sendMessage", {"chat_id": 1, "text": "x", "txet": 1}, "unknown parameters of sendMessage: txet"),
        ("sendMessage", {"text": "x"}, "chat_id is empty"),
        ("sendMessage", {"chat_id": "", "text": "x"}, "chat_id is empty"),
        ("sendMessage", {"chat_id": 1}, "message text is empty"),
        ("sendMessage", {"chat_id": 1, "text": {"a": 1}}, "can't parse text: expected String"),
        ("sendMessage", {"chat_id": 1, "text": "x", "disable_notification": "maybe"}, "expected Boolean"),
        ("sendMessage", {"chat_id": 1, "text": "x", "message_thread_id": "a"}, "expected Integer"),
        (
            "sendMessage",
            {"chat_id": 1, "text": "x", "reply_markup": "{"},
            "can't parse reply keyboard markup JSON object",
        ),
        ("sendMessage", {"chat_id": 1, "text": "x", "reply_markup": "[]"}, "object expected as reply markup"),
        ("sendMessage", {"chat_id": 1, "text": "x", "entities": "{}"}, "expected an Array as entities"),
        ("editMessageText", {"text": "x"}, "message identifier is not specified"),
        ("deleteMessage", {"chat_id": 1}, "message identifier is not specified"),
        ("answerCallbackQuery", {}, 'parameter "callback_query_id" is required'),
        ("getMe", {"a": 1}, "unknown parameters of getMe: a"),
        ("sendPhoto", {"chat_id": 1}, "there is no photo in the request"),
        ("sendMessage", [1], "JSON object expected"),
    ],
)
async def test_requests_that_do_not_fit_are_refused(double: Double, method: str, body: object, says: str) -> None:
    status, envelope = await ask(double, method, body)
    assert (status, envelope["ok"], envelope["error_code"]) == (400, False, 400)
    assert says in str(envelope["description"])


async def test_a_lenient_double_takes_unknown_parameters_and_remembers_them() -> None:
    async with Double(limits=Limits.off(), strict=False) as double:
        person = double.person("小明")
        await person.says("/start")
        status, _ = await ask(double, "sendMessage", {"chat_id": person.id, "text": "x", "sparkle": True})
        assert status == 200
        assert double.calls[-1].unknown == ("sparkle",)


@pytest.mark.parametrize(
    ("kind", "raw", "value"),
    [
        ("int", "7", 7),
        ("int", 7.0, 7),
        ("bool", "TRUE", True),
        ("bool", "0", False),
        ("chat", "-100", -100),
        ("chat", "@name", "@name"),
        ("float", "1.5", 1.5),
        ("str", 5, "5"),
        ("list", "[1]", [1]),
        ("object", "", None),
    ],
)
def test_values_are_read_as_their_kinds(kind: str, raw: object, value: object) -> None:
    assert read(Parameter("x", kind, False), raw) == value


@pytest.mark.parametrize("how", ["query", "form", "json", "multipart"])
async def test_all_four_ways_to_send_parameters_work(double: Double, person: Person, how: str) -> None:
    fields = {"chat_id": str(person.id), "text": "你好 & <b>"}
    send = {
        "query": {"params": fields},
        "form": {"data": fields},
        "json": {"data": json.dumps(fields), "headers": {"Content-Type": "application/json"}},
        "multipart": {"data": _multipart(fields)},
    }[how]
    # Method names do not mind their letters' case.
    async with aiohttp.ClientSession() as session:
        url = f"{double.url}/bot{double.token}/SENDmessage"
        async with session.request("GET" if how == "query" else "POST", url, **send) as response:
            assert (await response.json())["result"]["text"] == "你好 & <b>"


def _multipart(fields: dict[str, str]) -> aiohttp.MultipartWriter:
    writer = aiohttp.MultipartWriter("form-data")
    for name, value in fields.items():
        writer.append(value).set_content_disposition("form-data", name=name)
    return writer


@pytest.mark.parametrize(
    ("path", "status", "says"),
    [
        ("/bot42:WRONG/getMe", 401, "Unauthorized: invalid token specified"),
        ("/bot{token}/getNothing", 404, "Not Found: method not found"),
        ("/elsewhere", 404, "Not Found"),
        ("/file/bot42:WRONG/photos/file_1.jpg", 401, "Unauthorized: invalid token specified"),
        ("/file/bot{token}/photos/none.jpg", 404, "Not Found"),
    ],
)
async def test_wrong_addresses_are_told_apart(double: Double, path: str, status: int, says: str) -> None:
    async with (
        aiohttp.ClientSession() as session,
        session.get(double.url + path.format(token=double.token)) as response,
    ):
        assert response.status == status
        assert await response.json() == {"ok": False, "error_code": status, "description": says}
