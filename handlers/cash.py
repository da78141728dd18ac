"""The cash part of a redemption, for its member: paying it in the chat, and letting the whole of it go.

At the counter it is paid where vouchers are verified.
"""

from __future__ import annotations

from chat import cash as words
from chat import doors
from chat.arguments import number
from chat.feature import Feature
from chat.offers import both, points_of
from chat.screen import BLANK, Invoice, Line, Screen, screen
from chat.turn import Turn
from chat.vouchers import code_screen, what
from chat.words import Money, t
from ledger.errors import Fault
from ledger.redeeming import cash, vouchers
from ledger.redeeming.vouchers import Redemption

feature = Feature("cash", order=33, on_account=True)


def bill(turn: Turn, voucher: Redemption) -> str:
    """An invoice's payload: which redemption, whose, for how much, and that it was us who wrote so."""
    return f"cash_{voucher.id}-{turn.vault.sign(_promise(voucher.id, voucher.member_id, voucher.cash_minor, voucher.money))}"


def _promise(redemption_id: int, member_id: int, minor: int, money: str) -> str:
    return f"invoice:{redemption_id}:{member_id}:{minor}:{money}"


@feature.tap("invoice")
async def invoice(turn: Turn, voucher_id: str) -> Screen:
    """Sends the bill."""
    held = await vouchers.one(turn.tx, turn.me.id, number(voucher_id))
    if not held.waits(turn.at.programme_now):
        return await shown(turn, held)
    if not turn.invoices or not held.offer.by_invoice:
        return _at_counter(held)
    price = {"points": points_of(held, held.points), "cash": words.due(held)}
    asked = Invoice(
        title=what(held),
        description=t("已预留 {points},再付 {cash}。", **price),
        payload=bill(turn, held),
        minor=held.cash_minor,
        money=held.money,
    )
    return screen(_at_counter(held).lines, invoice=asked)


def _at_counter(held: Redemption) -> Screen:
    """Where there is no paying in the chat."""
    lines: list[Line] = [
        t("现在不能在线付。"),
        t("请到店给店员看码,付 {cash}。", cash=words.due(held)),
    ]
    return screen(lines, [[doors.voucher(t("看这张券"), held.id), doors.home()]])


@feature.checkout("cash")
async def may_pay(turn: Turn, token: str) -> None:
    """Lets a bill be paid that is this member's, still waits, and asks for what it should."""
    assert turn.payment is not None
    redemption_id, _, _ = token.partition("-")
    paying = turn.payment
    held = await cash.checkout(
        turn.tx, turn.me.id, number(redemption_id), minor=paying.minor, money=paying.money, at=turn.at
    )
    if bill(turn, held) != f"cash_{token}":
        raise vouchers.NoSuchRedemption(held.id)


@feature.paid("cash")
async def paid(turn: Turn, token: str) -> Screen | None:
    """Takes the money for what is held, or has it sent back; shows the code, or why not. Heard of again: shows the same."""
    assert turn.payment is not None
    redemption_id, _, signature = token.partition("-")
    payment = turn.payment
    done = await cash.arrived(
        turn.tx,
        number(redemption_id),
        minor=payment.minor,
        money=payment.money,
        telegram_charge=payment.telegram_charge,
        provider_charge=payment.provider_charge,
        undo_minutes=turn.programme.undo_minutes,
        at=turn.at,
        actor=turn.actor,
    )
    voucher = done.redemption
    promise = _promise(voucher.id, voucher.member_id, payment.minor, payment.money)
    if done.back is None and not turn.vault.signed_by_us(promise, signature):
        raise Fault(f"a payment for redemption {voucher.id} with a payload that is not ours")
    money = Money(payment.minor, payment.money)
    answer = words.not_captured(done, money) if done.back is not None else await shown(turn, voucher, money)
    if turn.member is not None and voucher.member_id == turn.me.id:
        return answer
    turn.tell(voucher.member_id, answer, key=f"cash-paid:{payment.telegram_charge}")
    return None


async def shown(turn: Turn, voucher: Redemption, paid_now: Money | None = None) -> Screen:
    """The voucher as it stands."""
    if not voucher.usable(turn.today):
        return await words.ended_screen(turn, voucher)
    code = await vouchers.reveal(turn.tx, voucher, turn.vault)
    return code_screen(turn, voucher, code, *([t("收到 {money},换好了", money=paid_now)] if paid_now else []))


@feature.tap("drop")
async def drop(turn: Turn, voucher_id: str) -> Screen:
    """Asks before what is held is let go."""
    held = await vouchers.one(turn.tx, turn.me.id, number(voucher_id))
    if held.state != "held":
        return await shown(turn, held)
    lines: list[Line] = [
        t("不要 <b>{what}</b> · {merchant} 了?", what=what(held), merchant=both(held.merchant)),
        BLANK,
        t("{points}马上退回,没有付钱,什么都不扣。", points=points_of(held, held.points)),
    ]
    yes = feature.button(t("确认不要"), "dropped", held.id, style="danger")
    return screen(lines, [[yes, doors.voucher(t("留着"), held.id)]])


@feature.tap("dropped")
async def dropped(turn: Turn, voucher_id: str) -> Screen:
    """Lets it go. Again: shows that it is."""
    over = await cash.let_go(
        turn.tx,
        turn.me.id,
        number(voucher_id),
        grace_days=turn.programme.grace_days,
        at=turn.at,
        actor=turn.actor,
    )
    return await words.ended_screen(turn, over)
