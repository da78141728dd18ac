"""Who asks: the key in `Authorization: Bearer`, and the reader's language.

A key that was read is remembered for some seconds, for writes only: whatever writes asks again whether the key still works, in its
own transaction (`answers.claim`). Reads look at the database each time, as do test keys, whose writes are another database's. So
a revoked key ends at once, everywhere.
"""

from __future__ import annotations

import time
from collections import OrderedDict
from functools import lru_cache

from aiohttp import web

from bot.clock import Clock
from bot.engines import Connects
from bot.merchant_api import problems
from ledger.merchants import api_keys
from ledger.merchants.api_keys import ApiKey, Scope

KNOWN_SECONDS = 10.0
KNOWN_MOST = 10_000


class Door:
    """Admits requests by their keys."""

    def __init__(self, reads: Connects, clock: Clock) -> None:
        self._reads = reads
        self._clock = clock
        self._known: OrderedDict[bytes, tuple[ApiKey, float]] = OrderedDict()

    async def admit(self, request: web.Request, scope: Scope | None, *, writes: bool) -> ApiKey:
        """The key of a request, which may do `scope` (None: what only test keys may).

        Raises:
            Problem 401: no key that works. 403: it is for other things, or a live one.
        """
        said = request.headers.get("Authorization", "")
        kind, _, secret = said.partition(" ")
        secret = secret.strip()
        if kind.lower() != "bearer" or api_keys.prefix_of(secret) is None:
            raise problems.unauthorized()
        key = await self._key(secret, writes)
        if key is None or not key.works(self._clock.now()):
            raise problems.unauthorized()
        if scope is None:
            if not key.test:
                raise problems.test_key_needed()
        elif scope not in key.scopes:
            raise problems.out_of_scope(scope)
        return key

    async def _key(self, secret: str, remembered: bool) -> ApiKey | None:
        digest, now = api_keys.digest(secret), time.monotonic()
        if remembered:
            known = self._known.get(digest)
            if known is not None and now < known[1]:
                return known[0]
        async with self._reads.connect() as connection:
            key = await api_keys.find(connection, secret)
        if key is None or key.test:
            self._known.pop(digest, None)
            return key
        self._known[digest] = (key, now + KNOWN_SECONDS)
        self._known.move_to_end(digest)
        if len(self._known) > KNOWN_MOST:
            self._known.popitem(last=False)
        return key


@lru_cache(100)
def language_of(accepts: str) -> str:
    """The language to answer in, of the two there are: the one that `Accept-Language` prefers, else Chinese."""
    best, language = 0.0, "zh"
    for part in accepts.split(","):
        tag, _, weight = part.strip().partition(";")
        named = tag.strip().lower().partition("-")[0]
        try:
            quality = float(weight.strip().removeprefix("q=")) if weight else 1.0
        except ValueError:
            continue
        if named in ("zh", "en") and quality > best:
            best, language = quality, named
    return language
