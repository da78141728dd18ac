"""What a merchant's weeks came to, and their lines down to the redemption: read from closed weeks, which don't change. As files
they are, byte for byte, those that the chat hands over."""

from __future__ import annotations

import asyncio
import datetime as dt

from bot.merchant_api import problems
from bot.merchant_api.calls import Call, Download
from bot.merchant_api.models import (
    FileAsked,
    LinesAsked,
    PositionOut,
    StatementLine,
    StatementLinesOut,
    StatementOut,
    StatementsAsked,
    StatementsOut,
)
from chat import known, settlement
from chat.words import Both
from ledger.clearing import positions
from ledger.clearing.positions import Position, Shown
from ledger.points import statements

MEDIA = {
    "csv": "text/csv",
    "xlsx": "application/vnd.openxmlformats-officedocument.spreadsheetml.sheet",
}


async def page(call: Call, asked: StatementsAsked) -> StatementsOut:
    """Closed weeks with the merchant's positions, newest first."""
    codes = await _codes(call)
    weeks = await positions.weeks(call.tx, before=asked.after, limit=asked.limit)
    found = []
    for week in weeks:
        own = await positions.positions(call.tx, week, call.merchant.id)
        mine = [_position(each, codes) for each in own if each.merchant_id == call.merchant.id]
        found.append(StatementOut(week=week, positions=mine))
    return StatementsOut(statements=found, next=weeks[-1].isoformat() if len(weeks) == asked.limit else None)


async def lines(call: Call, asked: LinesAsked) -> StatementLinesOut:
    """One week's lines. `Problem` 404 for a week that is none, or not closed."""
    week = await _week(call)
    codes = await _codes(call)
    offset = asked.after or 0
    found = await positions.page(call.tx, call.merchant.id, week, offset=offset, limit=asked.limit)
    more = str(offset + asked.limit) if len(found) == asked.limit else None
    return StatementLinesOut(lines=[_line(call, each, codes) for each in found], next=more)


async def file(call: Call, asked: FileAsked) -> Download:
    """A week's lines as a file, in the language that is asked for. `Problem` 404 as above."""
    week = await _week(call)
    found, names = await positions.page(call.tx, call.merchant.id, week), await known.read(call.tx)
    # A workbook of a large week takes a while, and tills are waiting.
    made = await asyncio.to_thread(settlement.file_of, found, call.merchant, week, asked.format, names, call.speaker)
    return Download(made.name, made.content, MEDIA[asked.format])


async def _week(call: Call) -> dt.date:
    try:
        week = dt.date.fromisoformat(call.path["week"])
    except ValueError:
        raise problems.no_such_statement() from None
    if await positions.weeks(call.tx, before=week + dt.timedelta(days=1), limit=1) != [week]:
        raise problems.no_such_statement()
    return week


async def _codes(call: Call) -> dict[int, str]:
    return {each.id: each.code for each in (await statements.currencies(call.tx)).values()}


def _position(each: Position, codes: dict[int, str]) -> PositionOut:
    return PositionOut(
        currency=codes[each.currency_id],
        money=each.money,
        points_spent_elsewhere=each.elsewhere,
        points_taken=each.taken,
        points_own=each.own,
        pays_minor=each.pays_minor,
        gets_minor=each.gets_minor,
        fee_minor=each.fee_minor,
        net_minor=each.net_minor,
    )


def _line(call: Call, each: Shown, codes: dict[int, str]) -> StatementLine:
    line = each.line
    named = each.offer_zh is not None and each.offer_en is not None
    return StatementLine(
        number=line.place.number,
        kind=line.kind,
        day=line.day,
        redemption=line.redemption_id,
        offer=call.speaker.plain(Both(each.offer_zh or "", each.offer_en or "")) if named else None,
        points=line.points,
        currency=codes[line.currency_id],
        money=line.money,
        net_minor=line.net_minor(call.merchant.id),
        dispute=each.dispute_id,
    )
