"""Who the bot is and how updates reach it."""

from __future__ import annotations

import re
from typing import TYPE_CHECKING, Any
from urllib.parse import urlsplit

from bot.double.errors import bad
from bot.double.methods.registry import Described, method

if TYPE_CHECKING:
    from bot.double.requests import Call
    from bot.double.world import World

WEBHOOK_PORTS = frozenset({443, 80, 88, 8443})
SECRET = re.compile(r"[A-Za-z0-9_-]{0,256}")


@method("getMe")
async def get_me(world: World, call: Call) -> Any:
    """The bot's own user."""
    return {
        **world.bot,
        "can_join_groups": True,
        "can_read_all_group_messages": False,
        "supports_inline_queries": world.inline_mode,
        "can_connect_to_business": False,
        "has_main_web_app": False,
        "has_topics_enabled": False,
        "allows_users_to_create_topics": False,
        "can_manage_bots": False,
    }


@method("logOut")
async def log_out(world: World, call: Call) -> Any:
    """Says yes; the double serves the token on."""
    return True


@method("close")
async def close(world: World, call: Call) -> Any:
    """Says yes; the double serves the token on."""
    return True


@method("getUpdates")
async def get_updates(world: World, call: Call) -> Any:
    """Long polling."""
    world.updates.set_allowed(call.get("allowed_updates"))
    return await world.updates.poll(call.get("offset", 0), call.get("limit", 100), call.get("timeout", 0))


@method("setWebhook")
async def set_webhook(world: World, call: Call) -> Any:
    """Sends updates to an address from now on; an empty address ends that."""
    url = call["url"]
    if url:
        world.flood.webhook_change(world.clock.now())
        _check_url(url, loopback_http=world.limits.webhook_loopback_http)
    secret = call.get("secret_token", "")
    if len(secret) > 256:
        raise bad("secret token is too long")
    if not SECRET.fullmatch(secret):
        raise bad("secret token contains unallowed characters")
    if call.get("drop_pending_updates"):
        world.updates.clear()
    world.updates.set_allowed(call.get("allowed_updates"))
    changed = await world.webhook.point_at(url, secret, max(1, min(100, call.get("max_connections", 40))))
    if not url:
        return Described(True, "Webhook was deleted" if changed else "Webhook is already deleted")
    return Described(True, "Webhook was set" if changed else "Webhook is already set")


@method("deleteWebhook")
async def delete_webhook(world: World, call: Call) -> Any:
    """Back to polling."""
    if call.get("drop_pending_updates"):
        world.updates.clear()
    changed = await world.webhook.point_at("", "", 40)
    return Described(True, "Webhook was deleted" if changed else "Webhook is already deleted")


@method("getWebhookInfo")
async def get_webhook_info(world: World, call: Call) -> Any:
    """Where updates go, how many wait, and what last went wrong."""
    return world.webhook.info()


def _check_url(url: str, *, loopback_http: bool) -> None:
    parts = urlsplit(url)
    try:
        port = parts.port
    except ValueError:
        raise bad("bad webhook: invalid webhook URL specified") from None
    if not parts.hostname or parts.scheme not in {"http", "https"}:
        raise bad("bad webhook: invalid webhook URL specified")
    if loopback_http and parts.hostname in {"127.0.0.1", "localhost", "::1"}:
        return  # as a self-hosted server started with --local allows
    if parts.scheme != "https":
        raise bad("bad webhook: An HTTPS URL must be provided for webhook")
    if (port or 443) not in WEBHOOK_PORTS:
        raise bad("bad webhook: Webhook can be set up only on ports 80, 88, 443 or 8443")
