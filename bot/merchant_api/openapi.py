"""The description of the API, OpenAPI 3.1, made from the operations and their models: no schema is written by hand."""

from __future__ import annotations

import re
from collections.abc import Sequence
from typing import Any

from pydantic import BaseModel
from pydantic.json_schema import models_json_schema

from bot.merchant_api.calls import Operation
from bot.merchant_api.models import ProblemOut
from bot.merchant_api.operations import PATH_PATTERNS
from bot.merchant_api.problems import MEDIA_TYPE

VERSION = "1"

_ANY = (401, 403, 429, 500, 503)
_BODY = (400, 413, 415, 422)
_SAID = {
    200: "Done", 201: "Booked", 202: "Received",
    400: "Wrong in form", 401: "No key that works", 403: "Not with this key, or not by this merchant",
    404: "Nothing goes by that name", 409: "At odds with what is there, or still in flight", 413: "Too large", 415: "Not JSON",
    422: "Can be read and can't be right", 429: "Too fast, or too many at once", 500: "Our fault", 503: "Not now",
}  # fmt: skip

_ABOUT = """Every write carries an `Idempotency-Key`: the same key and body give the stored answer again, letter by letter; another
body is 422; while the first is still in flight, 409. A merchant's document number is booked once whatever the keys. Refusals that
may pass later are not stored. Problems are RFC 9457, with a stable `code`; title and detail are in Chinese or English, by
`Accept-Language`. Money is in minor units; instants carry their offset. A test key asks the same of the merchant's sandbox,
which has members, a clock and events of its own and nothing of the live programme."""


def document(operations: Sequence[Operation]) -> dict[str, Any]:
    """The whole description."""
    asked = [each.asks for each in operations if each.asks is not None]
    answered = [each.answers for each in operations if each.answers is not None] + [ProblemOut]
    models = [(model, "validation") for model in dict.fromkeys(asked)]
    models += [(model, "serialization") for model in dict.fromkeys(answered)]
    references, schemas = models_json_schema(models, ref_template="#/components/schemas/{model}")  # type: ignore[arg-type]
    refs: dict[tuple[type[BaseModel], str], dict[str, Any]] = dict(references)  # type: ignore[arg-type]
    paths: dict[str, dict[str, Any]] = {}
    for each in operations:
        paths.setdefault(each.path, {})[each.method.lower()] = _operation(each, refs, schemas["$defs"])
    return {
        "openapi": "3.1.0",
        "info": {"title": "Jifen merchant API", "version": VERSION, "description": _ABOUT},
        "paths": paths,
        "components": {
            "schemas": schemas["$defs"],
            "securitySchemes": {
                "application": {
                    "type": "http",
                    "scheme": "bearer",
                    "description": "ja_…, from `POST /v1/applications`",
                },
                "key": {
                    "type": "http",
                    "scheme": "bearer",
                    "description": "jf_…, from the merchant's owner; jt_… reaches the sandbox",
                },
            },
        },
        "security": [{"key": []}],
    }


def _operation(
    each: Operation, refs: dict[tuple[type[BaseModel], str], dict[str, Any]], schemas: dict[str, Any]
) -> dict[str, Any]:
    parameters = [_parameter("path", name, PATH_PATTERNS[name]) for name in _names(each.path)]
    if each.kind == "write":
        parameters.append(_parameter("header", "Idempotency-Key", "^[!-~]{1,255}$"))
    said: dict[str, Any] = {
        "summary": each.summary,
        "operationId": _id(each),
        "description": _who(each),
        "parameters": parameters,
        "responses": {
            str(each.status): _success(each, refs),
            **{
                str(status): _answer(status, MEDIA_TYPE, refs[ProblemOut, "serialization"])
                for status in sorted({*_ANY, *each.refuses, *_form(each)})
            },
        },
    }
    if each.applies:
        said["security"] = [] if each.applies == "new" else [{"application": []}]
    if each.asks is not None and (each.method == "GET" or each.takes):
        query = schemas[refs[each.asks, "validation"]["$ref"].rpartition("/")[2]]
        needed = query.get("required", ())
        parameters += [_from_query(name, schema, name in needed) for name, schema in query["properties"].items()]
    if each.takes:
        binary = {"schema": {"type": "string", "format": "binary"}}
        said["requestBody"] = {"required": True, "content": dict.fromkeys(each.takes, binary)}
    elif each.asks is not None and each.method != "GET":
        content = {"application/json": {"schema": refs[each.asks, "validation"]}}
        said["requestBody"] = {"required": True, "content": content}
    return said


def _who(each: Operation) -> str:
    if each.applies:
        return "Anybody." if each.applies == "new" else "The token of the application."
    return f"Scope: `{each.scope}`." if each.scope else "Test keys alone (`jt_…`), of whatever scope."


def _success(each: Operation, refs: dict[tuple[type[BaseModel], str], dict[str, Any]]) -> dict[str, Any]:
    if each.answers is not None:
        return _answer(each.status, "application/json", refs[each.answers, "serialization"])
    return {"description": _SAID[each.status], "content": {media: {"schema": {}} for media in each.media}}


def _form(each: Operation) -> tuple[int, ...]:
    if each.method == "GET":
        return (400, 422)
    return (*_BODY, 409) if each.kind == "write" else _BODY


def _names(path: str) -> list[str]:
    return re.findall(r"\{(\w+)\}", path)


def _id(each: Operation) -> str:
    words = each.path.removeprefix("/v1/").replace("{", "").replace("}", "").replace("/", "_").replace(":", "_")
    return f"{each.method.lower()}_{words}"


def _parameter(where: str, name: str, pattern: str) -> dict[str, Any]:
    return {"in": where, "name": name, "required": True, "schema": {"type": "string", "pattern": pattern}}


def _from_query(name: str, schema: dict[str, Any], needed: bool) -> dict[str, Any]:
    """A parameter, which may be left out unless it is needed; saying null in a query is saying nothing."""
    kept = {key: value for key, value in schema.items() if key not in ("anyOf", "default", "title", "description")}
    kept |= next((each for each in schema.get("anyOf", ()) if each.get("type") != "null"), {})
    said = {"in": "query", "name": name, "schema": kept, "description": schema.get("description", "")}
    return {**said, "required": True} if needed else said


def _answer(status: int, media: str, schema: dict[str, Any]) -> dict[str, Any]:
    return {"description": _SAID[status], "content": {media: {"schema": schema}}}
