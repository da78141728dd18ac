"""How much a key may ask: so many requests a minute, so many at once for one member. Counted in this process; where there are
several, `shared_limits` counts the rate, and each has its share of the rest.

The rate is a bucket: full at first, refilled evenly. Answers tell of it with `RateLimit-Policy` and `RateLimit`
(draft-ietf-httpapi-ratelimit-headers).
"""

from __future__ import annotations

import contextlib
import math
import time
from collections import Counter, OrderedDict
from collections.abc import Callable, Hashable, Iterator
from typing import Protocol

from bot.merchant_api import problems

WINDOW_SECONDS = 60
MEMBER_AT_ONCE_MOST = 4
BUCKETS_MOST = 10_000


class Limited(Protocol):
    """Whoever has a rate: an API key, or an address (a number below zero)."""

    @property
    def id(self) -> int:
        """Tells it from others."""
        ...

    @property
    def per_minute(self) -> int:
        """Its quota."""
        ...


class Rates:
    """A bucket for each key. `clock` counts seconds."""

    def __init__(self, clock: Callable[[], float] = time.monotonic) -> None:
        self._clock = clock
        self._buckets: OrderedDict[int, tuple[float, float]] = OrderedDict()

    def take(self, key: Limited) -> dict[str, str]:
        """Count one request of a key; the headers that tell what is left.

        Raises:
            Problem 429: nothing is.
        """
        now, quota = self._clock(), key.per_minute
        left, at = self._buckets.pop(key.id, (float(quota), now))
        left = min(float(quota), left + (now - at) * quota / WINDOW_SECONDS)
        served = left >= 1
        self._buckets[key.id] = (left - served, now)
        if len(self._buckets) > BUCKETS_MOST:
            self._buckets.popitem(last=False)
        left -= served
        full_in = math.ceil((quota - left) * WINDOW_SECONDS / quota)
        headers = {
            "RateLimit-Policy": f'"key";q={quota};w={WINDOW_SECONDS}',
            "RateLimit": f'"key";r={int(left)};t={full_in}',
        }
        if not served:
            raise problems.too_fast(math.ceil((1 - left) * WINDOW_SECONDS / quota), headers)
        return headers


class AtOnce:
    """What is being worked on: each key once, each member a few times.

    `processes`: among so many what a member may have at once is divided; each has one at least. (Of keys the database knows.)
    """

    def __init__(self, processes: int = 1) -> None:
        self._member_most = max(1, MEMBER_AT_ONCE_MOST // processes)
        self._keys: set[str] = set()
        self._members: Counter[Hashable] = Counter()

    @contextlib.contextmanager
    def key(self, name: str) -> Iterator[None]:
        """One request of this Idempotency-Key at a time. `Problem` 409."""
        if name in self._keys:
            raise problems.in_flight()
        self._keys.add(name)
        try:
            yield
        finally:
            self._keys.discard(name)

    @contextlib.contextmanager
    def member(self, who: Hashable) -> Iterator[None]:
        """A few requests for one member at a time. `Problem` 429."""
        if self._members[who] >= self._member_most:
            raise problems.too_many_for_member()
        self._members[who] += 1
        try:
            yield
        finally:
            self._members[who] -= 1
            if not self._members[who]:
                del self._members[who]
