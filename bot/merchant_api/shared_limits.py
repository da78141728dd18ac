"""A key's rate where several processes serve it: one bucket in the database, from which each process draws a little ahead.

Asking the bucket for each request would make every one of a key's requests wait for the same row. A process therefore draws a
sixtieth of the quota at a time, in a short statement of its own, and serves from that; a quota of sixty or less is drawn one by one
and exact. What is drawn lapses after a few seconds, so that an idle process keeps nothing from the others. The row is not logged:
after a crash buckets are full.
"""

from __future__ import annotations

import asyncio
import math
import time
from collections import OrderedDict
from collections.abc import Callable
from dataclasses import dataclass, field

from sqlalchemy import text
from sqlalchemy.ext.asyncio import AsyncEngine

from bot.merchant_api import problems
from bot.merchant_api.limits import BUCKETS_MOST, WINDOW_SECONDS, Limited

DRAWS = 60
"""So many draws empty a full bucket."""
DRAWN_SECONDS = 3.0

# The bucket as refilled up to now; whoever has drawn less than one has drawn nothing.
_REFILLED = "least(CAST(:quota AS float8), r.tokens + extract(epoch FROM clock_timestamp() - r.at) * :quota / :window)"
_DRAW = text(
    f"""
    INSERT INTO api_rate AS r (key_id, tokens, drawn, at)
    VALUES (:key, CAST(:quota AS float8) - :most, :most, clock_timestamp())
    ON CONFLICT (key_id) DO UPDATE SET
        tokens = {_REFILLED} - least(:most, floor({_REFILLED})), drawn = least(:most, floor({_REFILLED})),
        at = clock_timestamp()
    RETURNING tokens, drawn
    """
)


@dataclass(slots=True)
class _Drawn:
    """What this process has of a key's bucket. `left` may be served until `until`; `beyond` was in the bucket when last asked;
    nothing can be drawn before `dry_until`."""

    left: int = 0
    until: float = 0.0
    beyond: float = 0.0
    dry_until: float = 0.0
    drawing: asyncio.Lock = field(default_factory=asyncio.Lock)


class SharedRates:
    """Counts one key's requests over all processes. `clock` counts seconds of this process."""

    def __init__(self, engine: AsyncEngine, clock: Callable[[], float] = time.monotonic) -> None:
        self._engine = engine.execution_options(isolation_level="AUTOCOMMIT")
        self._clock = clock
        self._drawn: OrderedDict[int, _Drawn] = OrderedDict()

    async def take(self, key: Limited) -> dict[str, str]:
        """Count one request of a key; the headers that tell what is left, as far as this process can know.

        Raises:
            Problem 429: nothing is.
        """
        share = self._drawn.setdefault(key.id, _Drawn())
        self._drawn.move_to_end(key.id)
        if len(self._drawn) > BUCKETS_MOST:
            self._drawn.popitem(last=False)
        if not self._serve(share):
            async with share.drawing:  # whoever waited finds what was drawn meanwhile
                if not self._serve(share):
                    await self._draw(share, key)
                    if not self._serve(share):
                        seconds = max(1, math.ceil(share.dry_until - self._clock()))
                        raise problems.too_fast(seconds, _headers(key, share))
        return _headers(key, share)

    def _serve(self, share: _Drawn) -> bool:
        if share.left < 1 or self._clock() > share.until:
            return False
        share.left -= 1
        return True

    async def _draw(self, share: _Drawn, key: Limited) -> None:
        now = self._clock()
        if now < share.dry_until:
            return
        asked = {"key": key.id, "quota": key.per_minute, "window": WINDOW_SECONDS}
        async with self._engine.connect() as connection:
            row = (await connection.execute(_DRAW, {**asked, "most": max(1, key.per_minute // DRAWS)})).one()
        share.left, share.beyond, share.until = int(row.drawn), row.tokens, self._clock() + DRAWN_SECONDS
        if not share.left:
            share.dry_until = now + (1 - share.beyond) * WINDOW_SECONDS / key.per_minute


def _headers(key: Limited, share: _Drawn) -> dict[str, str]:
    quota, left = key.per_minute, share.left + share.beyond
    full_in = math.ceil(max(0.0, quota - left) * WINDOW_SECONDS / quota)
    return {
        "RateLimit-Policy": f'"key";q={quota};w={WINDOW_SECONDS}',
        "RateLimit": f'"key";r={int(left)};t={full_in}',
    }
