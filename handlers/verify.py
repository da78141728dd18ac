"""Taking a voucher at the till: its code, what to hand over, one tap; once, whatever two tills do at the same moment."""

from __future__ import annotations

from chat import booking, desk_doors, doors, till, vouchers
from chat import cash as cash_words
from chat.arguments import number
from chat.feature import Feature
from chat.offers import both
from chat.refusals import wording
from chat.screen import BLANK, Button, Line, Screen, screen
from chat.till import Post
from chat.turn import Turn
from chat.words import Money, Text, t
from ledger.errors import Refusal
from ledger.redeeming import cash, cash_refunds, codes, counter
from ledger.redeeming.vouchers import Redemption, VoucherExpired, VoucherReturned, VoucherTakenBack, VoucherUsed

feature = Feature("verify", order=72)

DONE = t("验好了,会员已收到通知")


@feature.command("verify", t("验券"), audience="staff", said="核销,验码")
async def command(turn: Turn, words: str = "") -> Screen:
    """Asks for a voucher's code; «/verify CODE» shows at once what it is good for."""
    return await begin(turn, None, words)


@feature.tap("start")
async def start(turn: Turn, merchant: str = "0", code: str = "") -> Screen:
    """Asks for a voucher's code at a merchant's till."""
    return await begin(turn, number(merchant), code)


@feature.link("v")
async def scanned(turn: Turn, token: str) -> Screen:
    """Shows what the voucher is good for that a phone's camera read."""
    if not turn.me.staff_of:
        lines: list[Line] = [t("这是一张券的码,店员扫了才有用。"), t("到店时给店员看就行。")]
        return screen(lines, [[doors.vouchers(), doors.home()]])
    return await begin(turn, None, token)


@feature.hears("staff")
async def heard(turn: Turn, said: str) -> Screen | None:
    """A voucher's code that was typed or scanned without a word before it."""
    return await begin(turn, None, said) if codes.read(said) else None


async def begin(turn: Turn, merchant_id: int | None, code: str) -> Screen:
    """Finds the till, then the voucher, as far as they are given."""
    found = await till.place(turn, merchant_id)
    if isinstance(found, list):
        read = codes.read(code) or ""
        return till.choose(found, lambda label, at: feature.button(label, "start", at, *([read] if read else [])))
    found.staff.demand("verify")
    turn.goto(feature.at("code"), merchant=found.merchant.id)
    if code:
        return await look(turn, found, code)
    lines: list[Line] = [
        t("<b>验券</b> · {merchant}", merchant=found.where),
        t("请扫会员的券码,或者把 14 位券码发给我。"),
    ]
    return screen(lines, [[desk_doors.counter(t("返回"))]])


@feature.step("code")
async def code_typed(turn: Turn, said: str) -> Screen:
    """Takes the code as typed."""
    return await look(turn, await till.post_at(turn, turn.dialogue.data["merchant"]), said)


async def look(turn: Turn, post: Post, said: str) -> Screen:
    """Shows what to hand over; what the code meets otherwise is said, and the next one is awaited."""
    answer = await counter.verify(turn.tx, post.staff, said, vault=turn.vault, at=turn.at)
    for told in await vouchers.guesses(turn.tx, post.staff, answer, post.where, at=turn.at):
        turn.tell(told.member_id, told.screen, key=told.key)
    if isinstance(answer, Refusal):
        return refused(post, answer, await _owed(turn, post, answer))
    code = codes.read(said)
    if answer.state == "held":
        return _collect(post, answer, code or "")
    lines: list[Line] = [
        t("券有效 · {merchant}", merchant=post.where),
        BLANK,
        *vouchers.to_hand_over(answer, post.merchant.id),
        *booking.arrival(answer, turn.at.programme_now, turn.zone, await _here(turn, post, answer)),
        BLANK,
        t("交给会员后再点「已交付」,点了就不能再用。"),
    ]
    yes = feature.button(t("已交付"), "use", post.merchant.id, code, style="primary")
    return screen(lines, [[yes, desk_doors.counter(t("先不用"))]])


async def _here(turn: Turn, post: Post, answer: Redemption) -> int | None:
    """The outlet at which this person works now, where it matters."""
    if answer.booked is None or answer.booked.outlet_id is None:
        return None
    shift = await till.shift(turn, post)
    return shift.outlet_id if shift is not None else None


def _collect(post: Post, held: Redemption, code: str) -> Screen:
    """Asks for the cash part first."""
    here, amount = post.merchant.id, cash_words.due(held)
    lines: list[Line] = [t("券有效 · {merchant}", merchant=post.where), *cash_words.to_collect(held), BLANK]
    lines.append(t("收到钱再点。"))
    both_done = feature.button(t("收了 {cash},已交付", cash=amount), "collect", here, code, 1, style="primary")
    only = feature.button(t("只收了钱,以后来用"), "collect", here, code, 0)
    return screen(lines, [[both_done], [only], [desk_doors.counter(t("先不收"))]])


@feature.tap("collect")
async def collect(turn: Turn, merchant: str, code: str, hand_over: str) -> Screen:
    """Takes the cash part, and uses the voucher up where it is handed over; tells its member. A second tap shows the same."""
    post = await till.post_at(turn, number(merchant))
    answer = await cash.collect(
        turn.tx,
        post.staff,
        code,
        hand_over=hand_over == "1",
        undo_minutes=turn.programme.undo_minutes,
        vault=turn.vault,
        at=turn.at,
    )
    if isinstance(answer, Refusal):
        return refused(post, answer, await _owed(turn, post, answer))
    turn.finish()
    voucher = answer.redemption
    if not answer.repeated:
        turn.tell(voucher.member_id, cash_words.paid_notice(voucher), key=f"cash-paid:{voucher.id}")
    lines: list[Line] = [
        t("<b>{what}</b>", what=vouchers.what(voucher)),
        t("{when} 由您收 {cash}", when=voucher.paid_at, cash=cash_words.due(voucher)),
    ]
    lines.append(t("已交付,券用掉了") if voucher.state == "used" else t("券还能用,会员再来时验券"))
    return used(post, lines, t("收好了,会员已收到通知"))


async def _owed(turn: Turn, post: Post, no: Refusal) -> Button | None:
    """The way to give back the cash of the voucher that was shown, where this counter owes it."""
    if not isinstance(no, VoucherTakenBack | VoucherExpired | VoucherReturned):
        return None
    paid_as = no.paid_as if isinstance(no, VoucherReturned) else no.redemption_id
    for task in await cash_refunds.of(turn.tx, paid_as):
        if task.done_at is None and task.way == "counter" and task.merchant_id == post.merchant.id:
            return desk_doors.cash_back_of(
                t("退 {amount}", amount=Money(task.minor, task.money)), post.merchant.id, task.id
            )
    return None


@feature.tap("use")
async def use(turn: Turn, merchant: str, code: str) -> Screen:
    """Uses the voucher up and tells its member; a second tap shows the same."""
    post = await till.post_at(turn, number(merchant))
    answer = await counter.use(turn.tx, post.staff, code, vault=turn.vault, at=turn.at)
    if isinstance(answer, VoucherUsed) and answer.staff_id == post.staff.id:
        return used(post, [t("<b>{what}</b>", what=both(answer.offer)), t("{when} 由您验过", when=answer.used_at)])
    if isinstance(answer, Refusal):
        return refused(post, answer)
    turn.finish()
    turn.tell(answer.member_id, vouchers.used_notice(answer), key=f"voucher-used:{answer.id}")
    return used(post, [t("<b>{what}</b>", what=vouchers.what(answer)), t("{when} 由您验过", when=answer.used_at)])


def used(post: Post, lines: list[Line], first: Text = DONE) -> Screen:
    """What was handed over."""
    rows: list[list[Button | None]] = [[desk_doors.verify(t("下一张"), post.merchant.id), desk_doors.counter()]]
    return screen([first, BLANK, *lines], rows)


def refused(post: Post, no: Refusal, owed: Button | None = None) -> Screen:
    """Why the code can't be used here, and the way to the next one; `owed` leads to cash that goes back for it."""
    rows: list[list[Button | None]] = [
        [owed],
        [desk_doors.verify(t("再验一张"), post.merchant.id), desk_doors.counter(t("返回"))],
    ]
    return screen(wording(no).screen().lines, rows)
