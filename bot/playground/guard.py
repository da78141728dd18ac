"""Who may call the playground: its own page, on this machine's names, with bodies of a sane size.

It lets anyone be anyone, so another web site open in the same browser must not reach it: not by a form or a script (Origin and
Sec-Fetch-Site), and not by a name of its own that leads to this machine (Host).
"""

from __future__ import annotations

import ipaddress
from collections.abc import Awaitable, Callable, Collection
from typing import Any, TypeVar
from urllib.parse import urlsplit

from aiohttp import web
from pydantic import BaseModel, ValidationError

Handler = Callable[[web.Request], Awaitable[web.StreamResponse]]
Body = TypeVar("Body", bound=BaseModel)

JSON_BYTES_MAX = 64_000
SAFE_HEADERS = {
    "X-Content-Type-Options": "nosniff",
    "X-Frame-Options": "DENY",
    "Referrer-Policy": "no-referrer",
    "Cross-Origin-Opener-Policy": "same-origin",
    "Cross-Origin-Resource-Policy": "same-origin",
}


class Refused(Exception):
    """A request that will not be done; `code` is a key of the page's words, `status` the HTTP status."""

    def __init__(self, code: str, status: int = 400) -> None:
        super().__init__(code)
        self.code = code
        self.status = status


def guard(hosts: Collection[str]) -> Any:
    """Middleware: refuses strangers, answers `Refused` as JSON, and adds the headers every answer carries.

    Args:
        hosts: names besides `localhost` under which the page is reached; addresses given as numbers are always taken.
    """
    known = {"localhost", *(host.lower() for host in hosts)}

    @web.middleware
    async def middleware(request: web.Request, handler: Handler) -> web.StreamResponse:
        try:
            refuse_strangers(request, known)
            response = await handler(request)
        except Refused as refused:
            response = web.json_response({"error": refused.code}, status=refused.status)
        except web.HTTPException as answer:
            answer.headers.update(SAFE_HEADERS)
            raise
        if not response.prepared:
            response.headers.update(SAFE_HEADERS)
        return response

    return middleware


def refuse_strangers(request: web.Request, known: Collection[str]) -> None:
    """Refuses requests that another site's page could have caused.

    Raises:
        Refused 403: unknown host name, foreign origin, or a cross-site request that is not a plain visit to the page.
    """
    host = urlsplit(f"//{request.host}").hostname or ""
    if host not in known and not _is_address(host):
        raise Refused("unknown_host", 403)
    origin = request.headers.get("Origin")
    if origin is not None and urlsplit(origin).netloc.lower() != request.host.lower():
        raise Refused("cross_site", 403)
    site = request.headers.get("Sec-Fetch-Site", "none")
    visit = (
        request.method == "GET" and request.headers.get("Sec-Fetch-Mode") == "navigate" and "/api/" not in request.path
    )
    if site not in {"same-origin", "none"} and not visit:
        raise Refused("cross_site", 403)


def _is_address(host: str) -> bool:
    try:
        ipaddress.ip_address(host)
    except ValueError:
        return False
    return True


async def body_of(request: web.Request, bytes_max: int) -> bytes:
    """The request's body.

    Raises:
        Refused 413: longer than `bytes_max`.
    """
    if (request.content_length or 0) > bytes_max:
        raise Refused("too_large", 413)
    taken = bytearray()
    async for chunk in request.content.iter_chunked(65_536):
        taken += chunk
        if len(taken) > bytes_max:
            raise Refused("too_large", 413)
    return bytes(taken)


async def form_of(request: web.Request, kind: type[Body]) -> Body:
    """The request's JSON body as `kind`.

    Raises:
        Refused 413: too long; 415: not sent as JSON (so that no plain form can send it); 400: not the right shape.
    """
    if request.content_type != "application/json":
        raise Refused("not_json", 415)
    try:
        return kind.model_validate_json(await body_of(request, JSON_BYTES_MAX))
    except ValidationError:
        raise Refused("malformed") from None
