"""What people do before a figure is taken: join, be given points, walk up to the confirm screen. Not timed."""

from __future__ import annotations

from collections.abc import Awaitable, Callable

from sqlalchemy import text
from sqlalchemy.ext.asyncio import AsyncConnection

from bot.double.double import Person
from ledger.errors import Refusal
from ledger.points.commands import Moment, OpenBalance, member
from ledger.points.engine import apply


async def join(person: Person) -> None:
    """Becomes a member as everybody does."""
    await person.says("/start")
    await person.sees("加入后保存什么", timeout=60)
    await person.taps("同意并加入")
    await person.sees("欢迎您", timeout=60)


async def endow(tx: AsyncConnection, points: int, at: Moment) -> None:
    """Give every member so many common points."""
    issuer = await tx.scalar(text("SELECT min(id) FROM merchant"))
    owners = [row[0] for row in await tx.execute(text("SELECT id FROM member WHERE status = 'active'"))]
    for start in range(0, len(owners), 500):
        outcomes = await apply(
            tx,
            [
                OpenBalance(
                    key=f"bench:{owner}",
                    owner=member(owner),
                    currency=1,
                    issuer_id=issuer,
                    points=points,
                    available_on=at.today,
                    expires_on=None,
                    at=at,
                    actor="bench",
                )
                for owner in owners[start : start + 500]
            ],
        )
        for outcome in outcomes:
            if isinstance(outcome, Refusal):
                raise outcome


async def to_confirm(person: Person) -> Callable[[], Awaitable[object]]:
    """Walks to the confirm screen of a book voucher; what is returned taps its button."""
    await person.says("/redeem 图书券")
    await person.sees("图书券", timeout=60)
    await person.taps("图书券")
    await person.sees("规则", timeout=60)
    await person.taps("兑换")
    shown = await person.sees("将用掉", timeout=60)
    button = next(b for row in shown.buttons for b in row if "确认" in b.text)

    async def confirm() -> object:
        return person.presses(shown, button)

    return confirm
