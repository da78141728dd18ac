"""`/openapi.json`, and `/docs`: the same for people, in both languages, one page each without any outside address.

The description is written once, in English, with the models; `docs.zh.toml` holds the Chinese of each of its sentences.
"""

from __future__ import annotations

import json
import tomllib
from collections.abc import Mapping
from dataclasses import dataclass
from functools import cache
from importlib.resources import files
from typing import Any

from aiohttp import web
from jinja2 import Environment
from markupsafe import Markup

from bot.merchant_api import problems
from bot.merchant_api.door import language_of
from chat.words import catalogue

LANGUAGES = ("zh", "en")

_PAGE = Environment(autoescape=True, trim_blocks=True, lstrip_blocks=True).from_string(
    (files("bot.merchant_api") / "docs.html").read_text("utf-8")
)
_WORDS: dict[str, dict[str, Any]] = {
    "zh": {
        "tag": "zh-CN", "other": "en", "other_tag": "en", "other_name": "English", "paths": "地址", "stop": "。",
        "required": ",必填", "body": "正文:", "answers": "回答:", "comma": "、", "models": "数据", "problems": "错误",
        "places": {"path": "地址里", "query": "查询参数", "header": "请求头"}, "list": "{} 的列表", "or": " 或 ", "null": "空",
        "own": "这些是接口自己的。积分规则不允许的事,也按同样的格式回答,code 是那条规则的。",
    },
    "en": {
        "tag": "en", "other": "zh", "other_tag": "zh-CN", "other_name": "中文", "paths": "Paths", "stop": ". ",
        "required": ", required", "body": "Body:", "answers": "Answers:", "comma": ", ", "models": "Models",
        "problems": "Problems", "places": {"path": "in the path", "query": "query", "header": "header"},
        "list": "list of {}", "or": " or ", "null": "null",
        "own": "These are the API's own. Whatever the programme's rules refuse comes in the same shape, under the refusal's code.",
    },
}  # fmt: skip


@cache
def chinese() -> dict[str, str]:
    """The Chinese of the description's sentences, by their English."""
    return tomllib.loads((files("bot.merchant_api") / "docs.zh.toml").read_text("utf-8"))


def said(text: str | None, language: str) -> str:
    """A sentence of the description; English where nobody translated it, which a test finds."""
    plain = " ".join((text or "").split())
    return plain if language == "en" else chinese().get(plain, plain)


def _shown(text: str | None, language: str) -> Markup:
    """A sentence with its code as code."""
    parts = said(text, language).split("`")
    return Markup("").join(Markup("<code>{}</code>").format(part) if n % 2 else part for n, part in enumerate(parts))


def sentences(about: dict[str, Any]) -> set[str]:
    """Every sentence of a description."""
    found = [about["info"]["title"], about["info"]["description"]]
    for each in (each for methods in about["paths"].values() for each in methods.values()):
        found += [each["summary"], each["description"], *(p.get("description") for p in each["parameters"])]
    for model in about["components"]["schemas"].values():
        found += [model.get("description"), *(f.get("description") for f in model.get("properties", {}).values())]
    return {" ".join(text.split()) for text in found if text}


def _link(schema: dict[str, Any], media: str = "") -> str:
    if "$ref" not in schema:
        return media
    name = schema["$ref"].rpartition("/")[2]
    return Markup('<a href="#model-{0}">{0}</a>').format(name)


def _shape(schema: dict[str, Any], words: dict[str, Any]) -> str:
    """What a value is, in a few words."""
    if "$ref" in schema:
        return _link(schema)
    if "anyOf" in schema:
        return Markup(words["or"]).join(_shape(each, words) for each in schema["anyOf"])
    if schema.get("type") == "array":
        return Markup(words["list"]).format(_shape(schema.get("items", {}), words))
    if "enum" in schema or "const" in schema:
        return ", ".join(json.dumps(each) for each in schema.get("enum", [schema.get("const")]))
    if schema.get("type") == "null":
        return str(words["null"])
    told = [str(schema.get("format") or schema.get("type", "JSON"))]
    told += [f"{name} {schema[name]}" for name in ("minimum", "maximum", "pattern") if name in schema]
    return ", ".join(told)


def render(about: dict[str, Any], language: str) -> str:
    """The page in one language."""
    own = {problem.code: problem for problem in problems.own()}.values()
    words = _WORDS[language]
    return _PAGE.render(
        about=about,
        problems=own,
        w=words,
        link=_link,
        shape=lambda schema: _shape(schema, words),
        say=lambda text: _shown(text, language),
        words=lambda marked: catalogue(language).gettext(marked.msgid),
    )


@dataclass(frozen=True, slots=True)
class Written:
    """A description as it is sent: as JSON, and as a page in each language."""

    described: bytes
    shown: Mapping[str, bytes]


def written(about: dict[str, Any]) -> Written:
    """The description and its pages, drawn once."""
    described = json.dumps(about, ensure_ascii=False).encode()
    return Written(described, {language: render(about, language).encode() for language in LANGUAGES})


def add_to(app: web.Application, about: Written) -> None:
    """Register both routes. `/docs?lang=` chooses a language; without, `Accept-Language` does, Chinese first."""
    headers = {
        "Content-Security-Policy": "default-src 'none'; style-src 'unsafe-inline'; frame-ancestors 'none'",
        "X-Content-Type-Options": "nosniff",
        "Referrer-Policy": "no-referrer",
        "Vary": "Accept-Language",
    }

    async def openapi(request: web.Request) -> web.Response:
        return web.Response(body=about.described, content_type="application/json")

    async def docs(request: web.Request) -> web.Response:
        chosen = request.query.get("lang", "")
        language = chosen if chosen in LANGUAGES else language_of(request.headers.get("Accept-Language", ""))
        more = {**headers, "Content-Language": str(_WORDS[language]["tag"])}
        return web.Response(body=about.shown[language], content_type="text/html", charset="utf-8", headers=more)

    app.router.add_get("/openapi.json", openapi)
    app.router.add_get("/docs", docs)
