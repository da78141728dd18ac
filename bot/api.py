"""The Bot API methods that a message takes, called lean: JSON out, JSON in, python-telegram-bot's errors.

`telegram.Bot` builds an object of every part of a call and of its answer; for a message that was drawn as JSON and of whose answer
only the id is wanted, that is most of the cost. The library's request object still does what it is for: pools, timeouts, errors.
"""

from __future__ import annotations

import time
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from typing import Any

from telegram.error import TelegramError

from bot.metrics import Metrics
from bot.request import AiohttpRequest, compact


@dataclass(frozen=True, slots=True)
class Upload:
    """A file to be sent with a call."""

    name: str
    content: bytes
    mime: str = "image/png"


@dataclass(frozen=True, slots=True)
class Fields:
    """A call's parameters, in the shape in which `AiohttpRequest` takes the library's own `RequestData`."""

    values: Mapping[str, Any]
    files: Mapping[str, Upload] = field(default_factory=dict)

    @property
    def contains_files(self) -> bool:
        """Whether this goes as multipart."""
        return bool(self.files)

    @property
    def json_payload(self) -> bytes:
        """Everything as one JSON object."""
        return compact(self.values).encode()

    @property
    def json_parameters(self) -> dict[str, str]:
        """Each value as text, for multipart."""
        return {name: value if isinstance(value, str) else compact(value) for name, value in self.values.items()}

    @property
    def multipart_data(self) -> dict[str, tuple[str, bytes, str]]:
        """Files by field name."""
        return {name: (file.name, file.content, file.mime) for name, file in self.files.items()}


class BotApi:
    """Calls methods of one bot. `base_url` is asked for at each call: it holds the token."""

    def __init__(self, request: AiohttpRequest, base_url: Callable[[], str], metrics: Metrics) -> None:
        self._request = request
        self._base_url = base_url
        self._metrics = metrics

    async def call(
        self,
        method: str,
        files: Mapping[str, Upload] | None = None,
        read_seconds: float | None = None,
        /,
        **values: Any,
    ) -> Any:
        """Call a method; the answer's `result`. Values that are None are left out; `read_seconds` is for long answers.

        Raises:
            TelegramError: as the library has them.
        """
        fields = Fields({name: value for name, value in values.items() if value is not None}, files or {})
        patience = {} if read_seconds is None else {"read_timeout": read_seconds}
        began = time.monotonic()
        outcome = "ok"
        try:
            return await self._request.post(f"{self._base_url()}/{method}", fields, **patience)  # type: ignore[arg-type]
        except TelegramError as error:
            outcome = type(error).__name__
            raise
        finally:
            self._metrics.sends.labels(method, outcome).inc()
            self._metrics.send_seconds.labels(method).observe(time.monotonic() - began)
