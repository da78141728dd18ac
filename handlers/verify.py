"""Taking a voucher at the till: its code, what to hand over, one tap; once, whatever two tills do at the same moment."""

from __future__ import annotations

from chat import doors, till, vouchers
from chat.arguments import number
from chat.feature import Feature
from chat.offers import both
from chat.refusals import wording
from chat.screen import BLANK, Button, Line, Screen, screen
from chat.till import Post
from chat.turn import Turn
from chat.words import t
from ledger.errors import Refusal
from ledger.redeeming import codes, counter
from ledger.redeeming.vouchers import VoucherUsed

feature = Feature("verify", order=72)


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
    return screen(lines, [[doors.counter(t("返回"))]])


@feature.step("code")
async def code_typed(turn: Turn, said: str) -> Screen:
    """Takes the code as typed."""
    return await look(turn, await till.post_at(turn, turn.dialogue.data["merchant"]), said)


async def look(turn: Turn, post: Post, said: str) -> Screen:
    """Shows what to hand over; what the code meets otherwise is said, and the next one is awaited."""
    answer = await counter.verify(turn.tx, post.staff, said, vault=turn.vault, at=turn.at)
    if isinstance(answer, Refusal):
        return refused(post, answer)
    code = codes.read(said)
    lines: list[Line] = [
        t("券有效 · {merchant}", merchant=post.where),
        BLANK,
        *vouchers.to_hand_over(answer),
        BLANK,
        t("交给会员后再点「已交付」,点了就不能再用。"),
    ]
    yes = feature.button(t("已交付"), "use", post.merchant.id, code, style="primary")
    return screen(lines, [[yes, doors.counter(t("先不用"))]])


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


def used(post: Post, lines: list[Line]) -> Screen:
    """What was handed over."""
    rows: list[list[Button | None]] = [[doors.verify(t("下一张"), post.merchant.id), doors.counter()]]
    return screen([t("验好了,会员已收到通知"), BLANK, *lines], rows)


def refused(post: Post, no: Refusal) -> Screen:
    """Why the code can't be used here, and the way to the next one."""
    rows: list[list[Button | None]] = [[doors.verify(t("再验一张"), post.merchant.id), doors.counter(t("返回"))]]
    return screen(wording(no).screen().lines, rows)
