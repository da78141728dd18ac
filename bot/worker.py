"""One worker: everything that takes updates, works on them and speaks, put together and taken apart in order."""

from __future__ import annotations

import asyncio
import os
import secrets
import socket
import time
from collections.abc import Awaitable, Callable, Sequence
from dataclasses import dataclass, field

from telegram.ext import Application, ExtBot

from bot.api import BotApi
from bot.clock import Clock
from bot.dispatch import Dispatcher
from bot.ending import end
from bot.engines import Engines
from bot.features import Registry
from bot.incoming import Incoming
from bot.leads import Lead
from bot.metrics import Metrics
from bot.offer_photos import assets
from bot.opening import Opener
from bot.outbox import Outbox
from bot.polling import Poller
from bot.renewals import Renewals
from bot.request import AiohttpRequest
from bot.telling import QRPainter, Teller
from bot.transport import UNSOLICITED_PER_SECOND, Transport
from bot.turns import TurnProcessor
from bot.webhook import Webhook
from chat.feature import Feature
from ledger.members.vault import Vault


@dataclass(frozen=True, kw_only=True)
class Parts:
    """What a worker is made of and does not make itself.

    Args:
        api_url: scheme, host and port of the Bot API server.
        qr_png: see `telling.Teller`.
        assets: the pictures that come with the programme, by name; `KeyError` where there is none.
        redact: hides secrets in error records.
        provider_token: of the payment provider; None: no invoices.
        webhook_secret: what Telegram repeats; used when updates come by webhook.
        sleep: how screens that renew themselves wait; tests hand in their own.
    """

    engines: Engines
    vault: Vault
    clock: Clock
    features: Sequence[Feature]
    token: str
    api_url: str
    qr_png: QRPainter
    assets: Callable[[str], bytes]
    webhook_secret: str = ""
    proxy: str | None = None
    provider_token: str | None = None
    redact: Callable[[str], str] = field(default=lambda text: text)
    metrics: Metrics = field(default_factory=Metrics)
    unsolicited_per_second: float = UNSOLICITED_PER_SECOND
    sleep: Callable[[float], Awaitable[None]] = asyncio.sleep


class Worker:
    """A bot process's working parts. `start`, then `poll` or mount `webhook`; `stop` finishes what is in work."""

    def __init__(self, parts: Parts) -> None:
        self.parts = parts
        self.holder = f"{socket.gethostname()}:{os.getpid()}:{secrets.token_hex(4)}"
        self.registry = Registry(parts.features)
        request, polls = AiohttpRequest(proxy=parts.proxy), AiohttpRequest(2, proxy=parts.proxy)
        self.bot = ExtBot(
            parts.token,
            base_url=f"{parts.api_url}/bot",
            base_file_url=f"{parts.api_url}/file/bot",
            request=request,
            get_updates_request=polls,
        )
        api = BotApi(request, lambda: self.bot.base_url, parts.metrics)
        self.transport = Transport(parts.engines.turns, per_second=parts.unsolicited_per_second)
        self.teller = Teller(
            api,
            self.transport,
            parts.qr_png,
            assets(parts.engines.turns, parts.assets),
            lambda *message: self.renewals.said(*message),
            parts.provider_token,
        )
        self.outbox = Outbox(parts.engines.turns, self.teller, parts.clock.now)
        dispatcher = Dispatcher(self.registry)
        opener = Opener(
            parts.vault,
            parts.clock,
            lambda: self.bot.username,
            inline=lambda: bool(self.bot.supports_inline_queries),
            invoices=parts.provider_token is not None,
        )
        processor = TurnProcessor(
            engines=parts.engines,
            opener=opener,
            dispatcher=dispatcher,
            outbox=self.outbox,
            teller=self.teller,
            vault=parts.vault,
            metrics=parts.metrics,
            redact=parts.redact,
            application=lambda: self.application,
        )
        self.renewals = Renewals(
            engines=parts.engines,
            opener=opener,
            dispatcher=dispatcher,
            outbox=self.outbox,
            vault=parts.vault,
            lane=processor.lane,
            now=parts.clock.now,
            sleep=parts.sleep,
            bot_id=lambda: self.bot.id,
        )
        self.application = (
            Application.builder().bot(self.bot).updater(None).job_queue(None).concurrent_updates(processor).build()
        )
        self.application.add_handlers(dispatcher.handlers())
        incoming = Incoming(self.bot, parts.engines.turns, parts.redact)
        self.poller = Poller(self.application, BotApi(polls, lambda: self.bot.base_url, parts.metrics), incoming)
        self.webhook = Webhook(self.application, incoming, parts.webhook_secret)
        self._polling: asyncio.Task[None] | None = None

    async def start(self) -> None:
        """Learn who the bot is and begin to deliver what waits.

        Raises:
            TelegramError: the Bot API does not answer, or refuses the token.
        """
        try:
            await self.application.initialize()
        except BaseException:
            await self.bot.shutdown()
            raise
        self.outbox.start()

    def poll(self) -> None:
        """Compete for the poller's lead, and poll while it is held."""
        self._polling = asyncio.create_task(
            Lead(self.parts.engines.turns, "poller", self.holder, self.poller.run).run()
        )

    @property
    def receiving(self) -> bool:
        """Whether updates reach this worker, as far as it can tell."""
        return self.poller.receiving or self.webhook.receiving

    async def stop(self, seconds: float = 20.0) -> None:
        """Take no more updates, finish those in work, say what was committed, close. At most about `seconds`."""
        self.webhook.stopping = True
        await end(self._polling)
        deadline = time.monotonic() + seconds
        while self.application.update_processor.current_concurrent_updates and time.monotonic() < deadline:
            await asyncio.sleep(0.02)
        await self.renewals.stop()
        await self.outbox.stop(max(0.0, deadline - time.monotonic()))
        await self.application.shutdown()
