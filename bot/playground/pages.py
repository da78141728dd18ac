"""The page and its files: read once at start, named by their content, and held to a strict content policy."""

from __future__ import annotations

import hashlib
import json
import secrets
from dataclasses import dataclass
from html import escape
from pathlib import Path

from aiohttp import web

STATIC = Path(__file__).with_name("static")
KINDS = {
    ".js": "text/javascript",
    ".mjs": "text/javascript",
    ".css": "text/css",
    ".svg": "image/svg+xml",
}
VENDORED = {
    "preact": "vendor/preact.mjs",
    "preact/hooks": "vendor/hooks.mjs",
    "htm": "vendor/htm.mjs",
    "qr": "vendor/qr/decode.js",
}
LOADED_LATER = {"qr", "boot"}
STYLES = ("tokens.css", "page.css", "chat.css", "tools.css")
POLICY = (
    "default-src 'self'; script-src 'self' 'nonce-{nonce}'; object-src 'none'; base-uri 'none'; form-action 'none'; "
    "frame-ancestors 'none'"
)


@dataclass(frozen=True, slots=True)
class Asset:
    """One file of the page; `tag` is the head of its SHA-256."""

    body: bytes
    kind: str
    tag: str


def load_assets() -> dict[str, Asset]:
    """Every servable file under `static/`, by its path there."""
    assets = {}
    for path in sorted(STATIC.rglob("*")):
        if path.suffix in KINDS:
            body = path.read_bytes()
            assets[path.relative_to(STATIC).as_posix()] = Asset(
                body, KINDS[path.suffix], hashlib.sha256(body).hexdigest()[:16]
            )
    return assets


class Pages:
    """Serves the page, whose modules are named in an import map by bare name, each with its content's tag."""

    def __init__(self) -> None:
        self._assets = load_assets()
        self._template = (STATIC / "index.html").read_text(encoding="utf-8")
        own = {Path(name).stem: name for name in self._assets if name.endswith(".js") and "/" not in name}
        modules = {bare: self._address(name) for bare, name in {**own, **VENDORED}.items() if bare != "boot"}
        self._import_map = json.dumps({"imports": modules})
        self._preloads = [address for bare, address in modules.items() if bare not in LOADED_LATER]

    def routes(self) -> list[web.RouteDef]:
        """Paths and handlers."""
        return [
            web.get("", self.without_slash),
            web.get("/", self.page),
            web.get("/static/{name:.+}", self.asset),
        ]

    def _address(self, name: str) -> str:
        return f"./static/{name}?v={self._assets[name].tag}"

    async def without_slash(self, request: web.Request) -> web.Response:
        """Sends the browser to the address with the slash, against which the page's own addresses are read."""
        raise web.HTTPPermanentRedirect(f"{request.path}/")

    async def page(self, request: web.Request) -> web.Response:
        """The page; every visit has its own nonce."""
        nonce = secrets.token_urlsafe(16)
        links = [f'<link rel="stylesheet" href="{self._address(name)}">' for name in STYLES]
        links += [f'<link rel="modulepreload" href="{address}">' for address in self._preloads]
        body = (
            self._template.replace("{{icon}}", self._address("favicon.svg"))
            .replace("{{boot}}", self._address("boot.js"))
            .replace("{{main}}", self._address("main.js"))
            .replace("{{links}}", "\n".join(links))
            .replace("{{nonce}}", escape(nonce))
            .replace("{{imports}}", self._import_map)
        )
        headers = {"Content-Security-Policy": POLICY.format(nonce=nonce), "Cache-Control": "no-store"}
        return web.Response(text=body, content_type="text/html", headers=headers)

    async def asset(self, request: web.Request) -> web.Response:
        """A file: cached for good under its `?v=`, else confirmed by ETag each time."""
        asset = self._assets.get(request.match_info["name"])
        if asset is None:
            raise web.HTTPNotFound
        named = request.query.get("v") == asset.tag
        headers = {
            "ETag": f'"{asset.tag}"',
            "Cache-Control": "public, max-age=31536000, immutable" if named else "no-cache",
        }
        if any(tag.value == asset.tag for tag in request.if_none_match or ()):
            return web.Response(status=304, headers=headers)
        return web.Response(body=asset.body, content_type=asset.kind, charset="utf-8", headers=headers)
