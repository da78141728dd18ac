"""Flood control and the numbers Telegram keeps to, all of them configurable.

Rates are token buckets held as one number each (the generic cell rate algorithm): the time at which the bucket would
be full again. A chat, a group and the whole bot each have one.
"""

from __future__ import annotations

import math
from dataclasses import dataclass, replace

from bot.double.errors import too_many


@dataclass(frozen=True, slots=True)
class Rate:
    """`per_second` on average, `burst` at once."""

    per_second: float
    burst: int


@dataclass(frozen=True, slots=True)
class Limits:
    """What the double enforces over time. A rate of None is no limit.

    `poll_repeat_seconds`: the same getUpdates again within this time waits as long, as does a repeated 409.
    `reply_grace_seconds`: a message sent this soon after an update of that chat was handed to the bot is a reply, and not
    the business of `unsolicited`. Webhook retry delays double from `webhook_retry_seconds` up to
    `webhook_retry_seconds_max`. Lifetimes are how long an undelivered update of a kind is kept.
    """

    per_chat: Rate | None = Rate(1.0, 5)
    per_group: Rate | None = Rate(20 / 60, 20)
    unsolicited: Rate | None = Rate(30.0, 30)
    set_webhook: Rate | None = Rate(1.0, 1)
    reply_grace_seconds: float = 10.0
    callback_answer_seconds: float = 30.0
    update_seconds: float = 86_400.0
    callback_update_seconds: float = 150.0
    inline_update_seconds: float = 30.0
    pre_checkout_answer_seconds: float = 10.0
    webhook_timeout_seconds: float = 60.0
    webhook_retry_seconds: float = 1.0
    webhook_retry_seconds_max: float = 60.0
    webhook_loopback_http: bool = True
    upload_bytes_max: int = 50_000_000
    photo_bytes_max: int = 10_000_000
    download_bytes_max: int = 20_000_000
    delete_within_seconds: float = 172_800.0
    poll_repeat_seconds: float = 3.0

    @classmethod
    def telegram(cls) -> Limits:
        """As Telegram publishes them, or as bots have met them where it does not."""
        return cls()

    @classmethod
    def off(cls) -> Limits:
        """No rates: for load, where the double should not be the brake. Content rules stay."""
        return replace(
            cls(), per_chat=None, per_group=None, unsolicited=None, set_webhook=None, poll_repeat_seconds=0.0
        )


class Bucket:
    """One rate being used; remembers only when it would be full again."""

    __slots__ = ("full_at",)

    def __init__(self) -> None:
        self.full_at = 0.0

    def wait(self, rate: Rate, now: float) -> float:
        """Seconds until one more fits; 0 when it fits now."""
        return max(0.0, self.full_at - now - (rate.burst - 1) / rate.per_second)

    def take(self, rate: Rate, now: float) -> None:
        """Uses one."""
        self.full_at = max(self.full_at, now) + 1 / rate.per_second


class FloodGate:
    """Counts messages against the rates of a chat, a group and the bot; a refused message costs nothing."""

    def __init__(self, limits: Limits) -> None:
        self.limits = limits
        self._whole_bot = Bucket()
        self._webhooks = Bucket()

    def message(self, bucket: Bucket, now: float, *, group: bool, reply: bool, count: int = 1) -> None:
        """Charges `count` messages to a chat.

        Raises:
            ApiError 429: with the whole seconds to wait, the longest of the rates in the way.
        """
        limits = self.limits
        charges = []
        rate = limits.per_group if group else limits.per_chat
        if rate is not None:
            charges.append((bucket, rate))
        if limits.unsolicited is not None and not reply:
            charges.append((self._whole_bot, limits.unsolicited))
        wait = max((held.wait(rate, now) for held, rate in charges), default=0.0)
        if wait > 0:
            raise too_many(max(1, math.ceil(wait)))
        for held, rate in charges:
            for _ in range(count):
                held.take(rate, now)

    def webhook_change(self, now: float) -> None:
        """Charges one setWebhook.

        Raises:
            ApiError 429: when it was called less than a second ago.
        """
        rate = self.limits.set_webhook
        if rate is None:
            return
        wait = self._webhooks.wait(rate, now)
        if wait > 0:
            raise too_many(max(1, math.ceil(wait)))
        self._webhooks.take(rate, now)
