"""The notice of every earn, burn, return, expiry and correction (M13): what, where, how many, the new balance, and a way to why.

It is built from the entry as it was written, so a handler and a job say the same of the same thing. Who acted sees it as their
own screen; everybody else is told by `tell`, once per entry.
"""

from __future__ import annotations

import datetime as dt
from typing import Any

from sqlalchemy.ext.asyncio import AsyncConnection

from chat import arithmetic, doors, known, reasons
from chat.happenings import change, title
from chat.known import Known
from chat.screen import Button, Line, Screen, screen
from chat.turn import Tell, Turn
from chat.words import Both, Money, t
from ledger.earning.refunds import Refunded
from ledger.merchants.merchant import Merchant
from ledger.points import statements
from ledger.points.commands import Owner, Receipt
from ledger.points.statements import Explained


async def notice(
    tx: AsyncConnection, owner: Owner, entry_id: int, *, today: dt.date, names: Known | None = None
) -> Screen:
    """The notice of one entry to the owner it concerns (for a transfer, either side). `names` spares reading them again."""
    names = names or await known.read(tx)
    entry = await statements.explain(tx, owner, entry_id)
    wallet = await statements.wallet(tx, owner, today=today)
    available = next((h.available for h in wallet if h.currency.id == entry.line.currency_id), 0)
    balance = t("可用 {points}", points=names.points(entry.line.currency_id, available))
    lines: list[Line | None] = [headline(entry, names), *details(entry, names, today), balance]
    rows: list[list[Button | None]] = [[_why(entry), doors.home()]]
    return screen(lines, rows)


async def tell(turn: Turn, receipt: Receipt, *, to: Owner | None = None) -> None:
    """Tell the member of a receipt, once whatever repeats. A receipt given again for a repeated key tells nobody."""
    owner = to or receipt.owner
    if receipt.repeated or owner.kind != "member":
        return
    shown = await notice(turn.tx, owner, receipt.entry_id, today=turn.today)
    turn.tell(owner.id, shown, key=f"receipt:{receipt.entry_id}:{owner.id}")


def of_refund(done: Refunded, merchant: Merchant, reason: str | None = None) -> Tell | None:
    """What a member is told of a refund that took no points: it has no entry to speak of. None where it took some, or was told."""
    if done.receipt is not None or done.repeated:
        return None
    purchase = done.purchase
    where = Both(merchant.name_zh, merchant.name_en)
    lines: list[Line | None] = [
        t("退款 {amount} · {merchant}", amount=Money(done.amount_minor, purchase.money), merchant=where)
        if done.amount_minor
        else t("消费已撤回 · {merchant}", merchant=where),
        t("原因:{reason}", reason=reasons.said(reason)) if reason else None,
        t("您的积分没有变。"),
    ]
    key = f"refund:{purchase.id}:{purchase.refunded_minor}{':back' if purchase.taken_back_at else ''}"
    return Tell(done.member_id, screen(lines, [[doors.home()]]), key=key)


async def tell_refund(turn: Turn, done: Refunded, merchant: Merchant, reason: str | None = None) -> None:
    """Tell the member of a refund, whether or not it took points back."""
    if done.receipt is not None:
        await tell(turn, done.receipt)
    elif (plain := of_refund(done, merchant, reason)) is not None:
        turn.tells.append(plain)


def headline(entry: Explained, names: Known) -> Line:
    """The number and where it came from or went."""
    line = entry.line
    what = title(line, names)
    if line.kind == "accrue" and line.size == 0:
        return t("这次没有得分 · {what}", what=what)
    if line.kind in ("hold", "void", "release"):
        return t("{what} {points}", what=what, points=change(line, names))
    return t("<b>{change}</b> · {what}", change=change(line, names), what=what)


def details(entry: Explained, names: Known, today: dt.date) -> list[Line | None]:
    """What follows from the entry: from when, until when, what was made good, what is owed."""
    line, facts = entry.line, entry.line.facts
    points = names.points
    match line.kind:
        case "accrue" | "open_balance" if line.size == 0:
            return [_reason(entry)]
        case "accrue" | "open_balance":
            return [
                _filled(facts, names, line.currency_id),
                *(_life(part.available_on, part.expires_on, today) for part in entry.lots),
            ]
        case "reinstate" | "void" if facts.get("grace_points"):
            until = dt.date.fromisoformat(facts["grace_until"])
            returned = points(line.currency_id, facts["grace_points"])
            return [t("其中 {points}本来已到期,延到 {until}", points=returned, until=until)]
        case "claw_back":
            owed = facts.get("deficit")
            return [
                _said(entry),
                t("不够收回的 {points}记为欠分,下次在那里得的分先补上", points=points(line.currency_id, owed))
                if owed
                else None,
            ]
        case "restore":
            return [_life(part.available_on, part.expires_on, today) for part in entry.lots]
        case "adjust" | "reverse":
            return [_said(entry)]
        case _:
            return []


def _life(available_on: dt.date, expires_on: dt.date | None, today: dt.date) -> Line:
    if available_on > today:
        if expires_on is None:
            return t("{on}起可用,不过期", on=available_on)
        return t("{on}起可用,有效至 {until}", on=available_on, until=expires_on)
    return t("不过期") if expires_on is None else t("有效至 {until}", until=expires_on)


def _filled(facts: dict[str, Any], names: Known, currency_id: int) -> Line | None:
    filled = facts.get("filled_deficit")
    if not filled:
        return None
    return t("其中 {points}补上了之前退货欠的", points=names.points(currency_id, filled))


def _said(entry: Explained) -> Line | None:
    return t("原因:{reason}", reason=reasons.said(entry.reason)) if entry.reason else None


def _reason(entry: Explained) -> Line | None:
    said = [step for step in entry.trace or () if step.get("what") == "nothing"]
    return arithmetic.because(said[-1]["because"]) if said else None


def _why(entry: Explained) -> Button:
    label = t("怎么算的") if entry.line.kind == "accrue" and entry.trace else t("看来由")
    return doors.why(label, entry.line.entry_id)
