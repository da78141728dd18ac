"""Words about the cash part of a redemption: what is held and until when, the counter's «take ¥10», and cash that goes back."""

from __future__ import annotations

from chat import doors, fulfilments, returns, vouchers
from chat.offers import both, joined, points_of, points_spent
from chat.refusals import Worded, worded
from chat.screen import BLANK, QR, Button, Line, Screen, screen
from chat.turn import Turn
from chat.vouchers import back, what
from chat.words import Money, Text, t, tn
from ledger.redeeming import cash, cash_refunds, codes, redemptions
from ledger.redeeming.cash_refunds import CashRefund, Why
from ledger.redeeming.drawer import Drawer
from ledger.redeeming.redemptions import Redeemed
from ledger.redeeming.vouchers import HoldOver, Redemption, VoucherLetGo

WHYS: dict[Why, Text] = {
    "taken_back": t("会员撤回了"),
    "unused": t("到期没有用"),
    "let_go": t("取消以后才付的"),
    "lapsed": t("过时以后才付的"),
    "paid_already": t("付了两次"),
    "other_amount": t("付的数不对"),
    "returned": t("会员退了货"),
}
"""Why cash goes back, for whoever gives it back."""


def due(voucher: Redemption) -> Money:
    """What is to be paid besides the points."""
    return Money(voucher.cash_minor, voucher.money)


def held_screen(turn: Turn, voucher: Redemption, code: str, *first: Line, left: Line | None = None) -> Screen:
    """What waits for its cash part: what to pay, where, until when. `first` stands above; `left` tells what remains."""
    online = turn.invoices and voucher.offer.by_invoice
    lines: list[Line | None] = [
        *first,
        t("<b>{what}</b> · {merchant}", what=what(voucher), merchant=both(voucher.merchant)),
        fulfilments.everywhere(voucher),
        t("<b>{points} + {cash}</b>", points=points_of(voucher, voucher.points), cash=due(voucher)),
        BLANK,
        t("<code>{code}</code>", code=codes.spaced(code)),
        t("到店给店员看码,付 {cash}。", cash=due(voucher)),
        t("也可以现在就在线付。") if online else None,
        BLANK,
        left or t("预留 {points},付了才扣", points=points_of(voucher, voucher.points)),
        t("留到 {until},没付就自动退回", until=voucher.held_until),
    ]
    rows: list[list[Button | None]] = [
        [doors.pay(t("在线付 {cash}", cash=due(voucher)), voucher.id) if online else None],
        [fulfilments.many(voucher, f"vouchers:shops:{voucher.id}")],
        [doors.let_go_held(voucher.id), doors.vouchers()],
        [doors.home()],
    ]
    picture = QR(f"https://t.me/{turn.bot_username}?start={codes.link(code)}")
    return screen(lines, rows, picture=picture, protect=True)


async def ended_screen(turn: Turn, voucher: Redemption, *first: Line) -> Screen:
    """A voucher that can't be used any more, with what became of its points and of the cash that was paid."""
    back = await cash_refunds.of(turn.tx, voucher.paid_as) if voucher.cash_minor else []
    lines, ways = await returns.on_voucher(turn, voucher)
    return vouchers.ended_screen(turn, voucher, *first, back=[*(coming(each) for each in back), *lines], ways=ways)


async def issued_screen(turn: Turn, made: Redeemed, first: Text, again: Text) -> Screen:
    """What a confirm button comes to: the code and what was spent; `again` if it was tapped before; how it ended if it has."""
    voucher = made.redemption
    if not voucher.usable(turn.today):
        return await ended_screen(turn, voucher, t("这次兑换之前已经办过"))
    return vouchers.code_screen(turn, voucher, made.code, again if made.repeated else first, left=spent(made))


def spent(made: Redeemed) -> Text | None:
    """What was spent and what is left; None of what was made before."""
    if made.repeated:
        return None
    voucher = made.redemption
    paid, left = points_of(voucher, voucher.points), points_of(voucher, made.available)
    if voucher.pool_id is not None:
        return t("家庭池用掉 {points},还剩 {left}", points=paid, left=left)
    return t("用掉 {points},还剩 {left}", points=paid, left=left)


def coming(refund: CashRefund) -> Text:
    """Where the member's cash is."""
    amount = Money(refund.minor, refund.money)
    if refund.done_at is not None:
        return t("{amount} 已退给您,{when}", amount=amount, when=refund.done_at)
    if refund.way == "counter":
        return t("{amount} 请到店领回", amount=amount)
    return t("{amount} 会退回您付款的账户", amount=amount)


def lapsed_notice(voucher: Redemption) -> Screen:
    """What a member hears when nobody paid in time."""
    lines: list[Line] = [
        t("没付 {cash},已取消:<b>{what}</b>", cash=due(voucher), what=what(voucher)),
        back(voucher),
    ]
    return screen(lines, [[doors.offer(t("再看看这项"), voucher.offer_id), doors.home()]])


def paid_notice(voucher: Redemption) -> Screen:
    """What the member hears when a counter has taken the cash: their receipt, and their alarm."""
    handed = voucher.state == "used"
    facts = {"what": what(voucher), "cash": due(voucher)}
    lines: list[Line] = [
        t("付了 {cash},券已用:<b>{what}</b>", **facts) if handed else t("付了 {cash},换好了:<b>{what}</b>", **facts),
        t("{merchant} · {when}", merchant=both(voucher.merchant), when=voucher.paid_at),
        t("用掉了 {points}", points=points_spent(voucher)),
        t("不是您本人?请马上联系客服。"),
    ]
    return screen(lines, [[doors.voucher(t("看这张券"), voucher.id), doors.home()]])


def not_captured(done: cash.Arrived, money: Money) -> Screen:
    """A payment came for what is not held any more: it goes back."""
    reason = {
        "let_go": t("这份您已经取消了。"),
        "lapsed": t("留的时间已经过了。"),
        "paid_already": t("这份之前已经付过了。"),
        "other_amount": t("付的数和账单不一样。"),
    }[str(done.back)]
    lines: list[Line] = [
        t("收到您的 <b>{money}</b>,会退给您", money=money),
        t("{what} · {merchant}", what=what(done.redemption), merchant=both(done.redemption.merchant)),
        BLANK,
        reason,
        t("已经交给运营退款,退好了会告诉您。"),
    ]
    return screen(lines, [[doors.voucher(t("看这张券"), done.redemption.id), doors.home()]])


def back_notice(refund: CashRefund) -> Screen:
    """What the member hears when somebody says that the cash is back with them."""
    amount = Money(refund.minor, refund.money)
    facts = {"offer": both(refund.offer), "merchant": both(refund.merchant)}
    lines: list[Line] = [
        t("<b>{amount}</b> 已退给您", amount=amount),
        t("{offer} · {merchant}", **facts),
        t("没收到?请联系客服。"),
    ]
    return screen(lines, [[doors.voucher(t("看这张券"), refund.redemption_id), doors.home()]])


def to_collect(voucher: Redemption) -> list[Line]:
    """What the counter reads before it takes the cash: how much, what to hand over, the offer's conditions."""
    held = t("会员预留了 {points}", points=points_of(voucher, voucher.points))
    return [
        t("先收 <b>{cash}</b>", cash=due(voucher)),
        BLANK,
        t("<b>{what}</b>", what=what(voucher)),
        *(t("{condition}", condition=both(condition)) for condition in voucher.offer.conditions),
        joined([held, t("留到 {until}", until=voucher.held_until)]),
    ]


def counted(drawer: Drawer, money: str) -> list[Text]:
    """What a counter took for cash parts and gave back, a line each where there was any."""
    lines = []
    if drawer.taken:
        lines.append(tn("兑换收钱 {n} 笔,{amount}", n=drawer.taken, amount=Money(drawer.taken_minor, money)))
    if drawer.back:
        lines.append(tn("兑换退钱 {n} 笔,{amount}", n=drawer.back, amount=Money(drawer.back_minor, money)))
    return lines


@worded(redemptions.CashDue)
def _(no: redemptions.CashDue) -> Worded:
    return Worded(
        t("还要付 {cash}", cash=Money(no.minor, no.money)),
        t("{offer}:付了才能用;不要了可以取消,积分全退。", offer=both(no.offer)),
        (doors.voucher(t("看这张券"), no.redemption_id),),
    )


@worded(cash.CashPaid)
def _(no: cash.CashPaid) -> Worded:
    return Worded(
        t("钱已经付过了"),
        t("{offer}:{when} 付的。", offer=both(no.offer), when=no.paid_at),
        (doors.voucher(t("看这张券"), no.redemption_id),),
    )


@worded(cash.OtherAmount)
def _(no: cash.OtherAmount) -> Worded:
    detail = t("应付 {cash}。请从券里重新打开账单。", cash=Money(no.minor, no.money))
    return Worded(t("金额不对,没有扣款"), detail, (doors.voucher(t("看这张券"), no.redemption_id),))


@worded(VoucherLetGo)
def _(no: VoucherLetGo) -> Worded:
    return Worded(t("这份已经取消了"), t("{offer}:{when} 取消,积分已退。", offer=both(no.offer), when=no.at))


@worded(HoldOver)
def _(no: HoldOver) -> Worded:
    return Worded(t("留的时间过了"), t("{offer}:留到 {until}。积分退回给会员。", offer=both(no.offer), until=no.until))


@worded(cash_refunds.NoSuchCashRefund)
def _(no: cash_refunds.NoSuchCashRefund) -> Worded:
    return Worded(t("没有这笔要退的钱"), t("可能是别家的。"))
