"""What Prometheus is told. One object per process, made by the assembly and handed to whoever counts.

Labels have few values by nature: features, verbs, methods, outcomes; never a member, a chat or a text.
"""

from __future__ import annotations

from prometheus_client import (
    CollectorRegistry,
    Counter,
    Gauge,
    Histogram,
    PlatformCollector,
    ProcessCollector,
    generate_latest,
)
from prometheus_client.exposition import CONTENT_TYPE_LATEST

# A turn should take a few milliseconds; past a second people notice.
_SECONDS = (0.002, 0.005, 0.01, 0.02, 0.05, 0.1, 0.2, 0.5, 1, 2, 5, 15)


class Metrics:
    """The process's counters, in a registry of their own so that several processes' worth can live in one test."""

    content_type = CONTENT_TYPE_LATEST

    def __init__(self) -> None:
        self.registry = CollectorRegistry()
        ProcessCollector(registry=self.registry)
        PlatformCollector(registry=self.registry)
        self.turns = Counter(
            "jifen_turns", "Turns by feature and outcome.", ("feature", "outcome"), registry=self.registry
        )
        self.turn_seconds = Histogram(
            "jifen_turn_seconds",
            "From taking an update to its commit.",
            ("feature",),
            buckets=_SECONDS,
            registry=self.registry,
        )
        self.outbox_rows = Gauge(
            "jifen_outbox_rows", "Messages waiting in the outbox.", ("policy",), registry=self.registry
        )
        self.outbox_age_seconds = Gauge(
            "jifen_outbox_age_seconds", "Age of the oldest message waiting.", registry=self.registry
        )
        self.sends = Counter(
            "jifen_sends", "Bot API calls by method and outcome.", ("method", "outcome"), registry=self.registry
        )
        self.send_seconds = Histogram(
            "jifen_send_seconds",
            "Bot API calls, waiting for limits included.",
            ("method",),
            buckets=_SECONDS,
            registry=self.registry,
        )
        self.retries = Counter("jifen_retries", "Repeated attempts.", ("what", "reason"), registry=self.registry)
        self.ledger_commands = Counter(
            "jifen_ledger_commands", "Ledger commands by verb and outcome.", ("verb", "outcome"), registry=self.registry
        )
        self.dead_letters = Counter(
            "jifen_dead_letters", "Updates set aside after failing again and again.", registry=self.registry
        )
        self.api_requests = Counter(
            "jifen_api_requests",
            "Merchant API requests by path and status.",
            ("path", "status"),
            registry=self.registry,
        )
        self.api_seconds = Histogram(
            "jifen_api_seconds",
            "From a request's head to its answer.",
            ("path",),
            buckets=_SECONDS,
            registry=self.registry,
        )

    def render(self) -> bytes:
        """The text that `/metrics` answers, of type `content_type`."""
        return generate_latest(self.registry)
