"""The demo's privileges, as privileges.toml tells them."""

from __future__ import annotations

import datetime as dt

from sqlalchemy.ext.asyncio import AsyncConnection

from bot.demo import story
from ledger.redeeming import privileges
from ledger.redeeming.privilege import Privilege


async def publish(tx: AsyncConnection, *, now: dt.datetime) -> None:
    """Put them up."""
    for told in story.read("privileges", Privilege, "privileges"):
        await privileges.publish(tx, told, by="demo", now=now)
