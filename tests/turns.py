"""A turn by hand: what the edge would open for one person, for tests of screens that need no Telegram."""

from __future__ import annotations

import datetime as dt
import itertools
from typing import Any
from zoneinfo import ZoneInfo

from sqlalchemy import text
from sqlalchemy.ext.asyncio import AsyncConnection

from chat.screen import Screen
from chat.turn import Turn
from chat.words import Speaker
from ledger.members import joining
from ledger.members.member import Member
from ledger.members.person import Person
from ledger.members.vault import Vault
from ledger.merchants import merchant as merchants
from ledger.merchants.merchant import Merchant, Terms
from ledger.points.commands import Accrue, Moment, Receipt
from ledger.points.engine import post
from ledger.programme import Programme, Region

ZONE = ZoneInfo("Asia/Shanghai")
NOW = dt.datetime(2026, 11, 22, 2, 30, tzinfo=dt.UTC)
TODAY = dt.date(2026, 11, 22)
COMMON, RAIL = 1, 2

_numbers = itertools.count(1)
_entropy = itertools.count(1)


def vault() -> Vault:
    """A vault whose chance is a counter."""
    return Vault("a secret for tests", lambda n: next(_entropy).to_bytes(n, "big"))


PROGRAMME = Programme(
    name_zh="云上联盟",
    name_en="Cloud Coalition",
    terms_version="2026-11",
    terms_zh="积分不是钱,不能兑现。",
    terms_en="Points are not money and can't be cashed.",
    welcome_points=100,
    welcome_issuer="market",
    regions=(
        Region(code="sh", name_zh="上海", name_en="Shanghai"),
        Region(code="hz", name_zh="杭州", name_en="Hangzhou"),
    ),
)


async def coalition(tx: AsyncConnection) -> tuple[Merchant, Merchant]:
    """Common points worth ¥0.02 and rail points worth ¥0.01, a supermarket and a railway."""
    market = await merchants.create(
        tx, code="market", name_zh="云山超市", name_en="Yunshan Market", category="grocery", terms=Terms(return_days=7)
    )
    rail = await merchants.create(
        tx, code="rail", name_zh="江南铁路", name_en="Jiangnan Rail", category="travel", terms=Terms(currency=RAIL)
    )
    await tx.execute(
        text(
            "INSERT INTO currency (id, code, issuer_id, name_zh, name_en, value_minor, value_points) VALUES"
            " (1, 'common', NULL, '积分', 'points', 2, 1), (2, 'rail', :rail, '铁路积分', 'rail points', 1, 1)"
        ),
        {"rail": rail.id},
    )
    return market, rail


def turn(tx: AsyncConnection, member: Member | None = None, **other: Any) -> Turn:
    """A turn of this member, or of a newcomer, on 22 November 2026 at 10:30 in Shanghai."""
    number = next(_numbers)
    facts: dict[str, Any] = {
        "tx": tx,
        "key": f"update:1:{number}",
        "now": NOW,
        "today": TODAY,
        "zone": ZONE,
        "chat_id": 500,
        "telegram_id": 500,
        "name": "小明",
        "language": "zh",
        "vault": vault(),
        "nonce": lambda: f"n{next(_numbers):07d}",
        "bot_username": "jifen_test_bot",
        "programme": PROGRAMME,
        "member": member,
    }
    return Turn(**{**facts, **other})


async def joined(tx: AsyncConnection, telegram_id: int = 500, name: str = "小明") -> Member:
    """A member without points."""
    who = Person(telegram_id, telegram_id, name)
    result = await joining.join(tx, vault(), PROGRAMME, who, welcome_issuer_id=None, at=Moment(NOW, TODAY))
    return result.member


async def earn(tx: AsyncConnection, member: Member, merchant: Merchant, points: int, **other: Any) -> Receipt:
    """Points for a member; available today and good for a year unless said otherwise."""
    facts: dict[str, Any] = {
        "key": f"test:{next(_numbers)}",
        "owner": member.owner,
        "currency": merchant.terms.currency,
        "at": Moment(NOW, TODAY),
        "actor": "test",
        "issuer_id": merchant.id,
        "merchant_id": merchant.id,
        "points": points,
        "available_on": TODAY,
        "expires_on": dt.date(2027, 11, 30),
    }
    return await post(tx, Accrue(**{**facts, **other}))


def shown(screen: Screen, language: str = "zh", today: dt.date = TODAY) -> str:
    """A screen as text: its lines, then its rows of buttons in brackets, as the samples of the voice are written."""
    speaker = Speaker(language, today, ZONE)
    lines = [speaker.plain(line) if line else "" for line in screen.lines]
    rows = ["  ".join(f"[{speaker.plain(button.label)}]" for button in row) for row in screen.rows]
    return "\n".join([*lines, *rows])
