"""Who may call: requests as a browser would send them from elsewhere, and bodies no page would send."""

from __future__ import annotations

from urllib.parse import urlsplit

import aiohttp
import pytest

from tests.bot.playground.demo import Demo

SAY = "api/people/1001/say"


@pytest.mark.parametrize(
    "headers",
    [
        {"Origin": "https://evil.example"},
        {"Origin": "null"},
        {"Sec-Fetch-Site": "cross-site"},
        {"Sec-Fetch-Site": "same-site"},
        {"Host": "evil.example"},
        {"Host": "evil.example", "Origin": "http://evil.example", "Sec-Fetch-Site": "same-origin"},
    ],
)
async def test_another_sites_page_cannot_act(
    quiet: Demo, client: aiohttp.ClientSession, headers: dict[str, str]
) -> None:
    async with client.post(quiet.url + SAY, json={"text": "hi"}, headers=headers) as response:
        assert response.status == 403
    assert not quiet.double.updates


async def test_another_sites_page_cannot_listen(quiet: Demo, client: aiohttp.ClientSession) -> None:
    headers = {"Sec-Fetch-Site": "cross-site", "Sec-Fetch-Mode": "navigate"}
    async with client.get(f"{quiet.url}api/events", headers=headers) as response:
        assert response.status == 403


async def test_a_link_from_elsewhere_may_open_the_page(quiet: Demo, client: aiohttp.ClientSession) -> None:
    headers = {"Sec-Fetch-Site": "cross-site", "Sec-Fetch-Mode": "navigate"}
    async with client.get(quiet.url, headers=headers) as response:
        assert response.status == 200


@pytest.mark.parametrize("name", ["localhost", "LOCALHOST", "127.0.0.1", "[::1]"])
async def test_its_own_page_may_act_under_every_name_of_this_machine(
    quiet: Demo, client: aiohttp.ClientSession, name: str
) -> None:
    host = f"{name}:{urlsplit(quiet.url).port}"
    headers = {"Host": host, "Origin": f"http://{host}", "Sec-Fetch-Site": "same-origin"}
    async with client.post(quiet.url + SAY, json={"text": "hi"}, headers=headers) as response:
        assert response.status == 200


async def test_a_plain_form_is_not_json(quiet: Demo, client: aiohttp.ClientSession) -> None:
    for kind in ("text/plain", "application/x-www-form-urlencoded"):
        async with client.post(quiet.url + SAY, data='{"text":"hi"}', headers={"Content-Type": kind}) as response:
            assert (response.status, await response.json()) == (415, {"error": "not_json"})
    assert not quiet.double.updates


@pytest.mark.parametrize("body", [b"", b"[]", b"{", b"null", b'{"text": null}', b"\xff\xfe"])
async def test_a_body_of_the_wrong_shape_is_refused(quiet: Demo, client: aiohttp.ClientSession, body: bytes) -> None:
    async with client.post(quiet.url + SAY, data=body, headers={"Content-Type": "application/json"}) as response:
        assert (response.status, await response.json()) == (400, {"error": "malformed"})


async def test_a_body_too_large_is_refused_announced_or_not(quiet: Demo, client: aiohttp.ClientSession) -> None:
    async def endless():  # type: ignore[no-untyped-def]
        for _ in range(30):
            yield b"x" * 10_000

    for body in (b"x" * 300_000, endless()):
        async with client.post(quiet.url + SAY, data=body, headers={"Content-Type": "application/json"}) as response:
            assert (response.status, await response.json()) == (413, {"error": "too_large"})


async def test_every_answer_forbids_sniffing_and_framing(quiet: Demo, client: aiohttp.ClientSession) -> None:
    for path in ("", "static/tokens.css", "static/nothing.css", "nowhere", "api/people/9/messages/9/file"):
        async with client.get(quiet.url + path) as response:
            assert response.headers["X-Content-Type-Options"] == "nosniff", path
            assert response.headers["X-Frame-Options"] == "DENY", path
