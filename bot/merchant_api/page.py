"""`/openapi.json`, and `/docs`: the same for people, one page without any outside address."""

from __future__ import annotations

import json
from importlib.resources import files
from typing import Any

from aiohttp import web
from jinja2 import Environment
from markupsafe import Markup

from bot.merchant_api import problems
from chat.words import catalogue

_PAGE = Environment(autoescape=True, trim_blocks=True, lstrip_blocks=True).from_string(
    (files("bot.merchant_api") / "docs.html").read_text("utf-8")
)


def _link(schema: dict[str, Any]) -> str:
    name = schema["$ref"].rpartition("/")[2]
    return Markup('<a href="#model-{0}">{0}</a>').format(name)


def _shape(schema: dict[str, Any]) -> str:
    """What a value is, in a few words."""
    if "$ref" in schema:
        return _link(schema)
    if "anyOf" in schema:
        return Markup(" or ").join(_shape(each) for each in schema["anyOf"])
    if schema.get("type") == "array":
        return Markup("list of {}").format(_shape(schema.get("items", {})))
    if "enum" in schema or "const" in schema:
        return ", ".join(json.dumps(each) for each in schema.get("enum", [schema.get("const")]))
    told = [str(schema.get("format") or schema.get("type", "anything"))]
    told += [f"{name} {schema[name]}" for name in ("minimum", "maximum", "pattern") if name in schema]
    return ", ".join(told)


def _english(marked: Any) -> str:
    words = catalogue("en")
    said = words.gettext(marked.msgid)
    return str(said)


def render(about: dict[str, Any]) -> str:
    """The page."""
    own = {problem.code: problem for problem in problems.own()}.values()
    return _PAGE.render(about=about, problems=own, link=_link, shape=_shape, english=_english)


def add_to(app: web.Application, about: dict[str, Any]) -> None:
    """Register both routes."""
    described = json.dumps(about, ensure_ascii=False).encode()
    shown = render(about).encode()
    headers = {
        "Content-Security-Policy": "default-src 'none'; style-src 'unsafe-inline'; frame-ancestors 'none'",
        "X-Content-Type-Options": "nosniff",
        "Referrer-Policy": "no-referrer",
    }

    async def openapi(request: web.Request) -> web.Response:
        return web.Response(body=described, content_type="application/json")

    async def docs(request: web.Request) -> web.Response:
        return web.Response(body=shown, content_type="text/html", charset="utf-8", headers=headers)

    app.router.add_get("/openapi.json", openapi)
    app.router.add_get("/docs", docs)
