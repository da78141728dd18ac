"""The page as served: its policy, its files, and what is vendored."""

from __future__ import annotations

import hashlib
import json
import re

import aiohttp
import pytest

from bot.playground.pages import STATIC
from tests.bot.playground.demo import Demo

OWN = [path for path in sorted(STATIC.glob("*.*")) if path.suffix in {".js", ".css", ".html", ".svg"}]


async def test_the_page_allows_itself_only_and_each_visit_has_its_own_nonce(
    quiet: Demo, client: aiohttp.ClientSession
) -> None:
    nonces = set()
    for _ in range(2):
        async with client.get(quiet.url) as response:
            page, policy = await response.text(), response.headers["Content-Security-Policy"]
        (nonce,) = re.findall(r"'nonce-([^']+)'", policy)
        assert f'<script type="importmap" nonce="{nonce}">' in page
        assert "default-src 'self'" in policy and "unsafe" not in policy and "http" not in policy
        nonces.add(nonce)
    assert len(nonces) == 2


async def test_every_file_the_page_names_is_served_for_good_under_its_tag(
    quiet: Demo, client: aiohttp.ClientSession
) -> None:
    async with client.get(quiet.url) as response:
        page = await response.text()
    imports = json.loads(re.search(r'"importmap"[^>]*>(.*?)</script>', page)[1])["imports"]
    named = set(re.findall(r'(?:href|src)="(\./[^"]+)"', page)) | set(imports.values())
    assert len(named) > 20
    for address in named:
        async with client.get(quiet.url + address) as response:
            assert response.status == 200, address
            assert "immutable" in response.headers["Cache-Control"]
            assert response.content_type in {"text/javascript", "text/css", "image/svg+xml"}


async def test_a_file_without_its_tag_is_confirmed_by_etag(quiet: Demo, client: aiohttp.ClientSession) -> None:
    url = f"{quiet.url}static/tokens.css"
    async with client.get(url) as response:
        assert response.headers["Cache-Control"] == "no-cache"
        etag = response.headers["ETag"]
    async with client.get(url, headers={"If-None-Match": etag}) as response:
        assert response.status == 304
    async with client.get(url, headers={"If-None-Match": '"other"'}) as response:
        assert response.status == 200


async def test_nothing_beside_the_pages_files_is_served(quiet: Demo, client: aiohttp.ClientSession) -> None:
    for name in ("index.html", "vendor/VENDOR.md", "../app.py", "%2e%2e/app.py", "..%2fapp.py"):
        async with client.get(f"{quiet.url}static/{name}") as response:
            assert response.status == 404, name


async def test_the_address_without_slash_leads_to_the_page(quiet: Demo, client: aiohttp.ClientSession) -> None:
    async with client.get(quiet.url.rstrip("/")) as response:
        assert response.status == 200
        assert str(response.url) == quiet.url


@pytest.mark.parametrize("path", OWN, ids=lambda path: path.name)
def test_no_file_of_the_page_names_an_outside_address_or_writes_html(path) -> None:  # type: ignore[no-untyped-def]
    text = path.read_text(encoding="utf-8").replace("http://www.w3.org/2000/svg", "")
    assert not re.findall(r"https?://\w", text)
    assert not re.findall(
        r"innerHTML|outerHTML|insertAdjacentHTML|dangerouslySetInnerHTML|document\.write|\beval\(", text
    )


def test_vendored_files_are_listed_with_the_checksums_they_have() -> None:
    vendor = STATIC / "vendor"
    rows = re.findall(r"^\| `([^`]+)` \|.*\| `([0-9a-f]{64})` \|$", (vendor / "VENDOR.md").read_text(), re.MULTILINE)
    files = {path.relative_to(vendor).as_posix() for path in vendor.rglob("*") if path.suffix in {".js", ".mjs"}}
    assert {name for name, _ in rows} == files
    for name, digest in rows:
        assert hashlib.sha256((vendor / name).read_bytes()).hexdigest() == digest, name


def test_every_refusal_a_person_can_meet_has_words_in_both_languages() -> None:
    words = (STATIC / "words.js").read_text(encoding="utf-8")
    codes = {
        code
        for name in ("actions", "controls")
        for code in re.findall(r'Refused\("(\w+)"', (STATIC.parent / f"{name}.py").read_text(encoding="utf-8"))
    } - {"malformed"}
    assert codes >= {"blocked", "stale", "backwards"}
    for code in codes:
        assert len(re.findall(rf"^\s+{code}: ", words, re.MULTILINE)) == 2, code
