"""What the screens of the counter share: where somebody works, choosing between several places, and the words of its refusals."""

from __future__ import annotations

import datetime as dt
from collections.abc import Callable
from dataclasses import dataclass
from typing import NamedTuple

from chat import desk_doors, doors
from chat.refusals import Worded, worded
from chat.screen import Button, Line, Screen, screen
from chat.turn import Turn
from chat.words import LANGUAGES, Both, Money, Speaker, Text, t, tn
from ledger.earning import awards, intake, purchases, refund_plans, returns
from ledger.members import card, person, succession, walk_ins
from ledger.members.walk_ins import Handle
from ledger.merchants import authority, shifts, staff
from ledger.merchants import merchant as merchants
from ledger.merchants.merchant import Merchant
from ledger.merchants.shifts import Shift
from ledger.merchants.staff import NotStaff, Staff

CARD_MINUTES = 10
"""How long a scanned card serves: the customer is still standing there."""

ROLES: dict[str, Text] = {"owner": t("店主"), "manager": t("店长"), "cashier": t("收银员")}


@dataclass(frozen=True, slots=True)
class Post:
    """A place at a counter: who, and where."""

    staff: Staff
    merchant: Merchant

    @property
    def where(self) -> Both:
        """The merchant's name."""
        return name_of(self.merchant)


def name_of(merchant: Merchant) -> Both:
    """A merchant's name in the reader's language."""
    return Both(merchant.name_zh, merchant.name_en)


def role(of: str) -> Text:
    """A role's name."""
    return ROLES[of]


def titled(label: str, of: str) -> Text:
    """How somebody at a counter is called, and their role; once where the one says the other, as an owner's first label does."""
    if any(label == Speaker(language, dt.date.min).plain(ROLES[of]) for language in LANGUAGES):
        return ROLES[of]
    return t("{label} · {role}", label=label, role=ROLES[of])


async def posts(turn: Turn) -> list[Post]:
    """Everywhere this person works now."""
    found = await staff.places(turn.tx, turn.me.id)
    known = await merchants.by_ids(turn.tx, [one.merchant_id for one in found])
    return [Post(one, known[one.merchant_id]) for one in found]


async def post_at(turn: Turn, merchant_id: int) -> Post:
    """This person's place at a merchant, as it is now. `NotStaff` where they have none."""
    who = await staff.at(turn.tx, turn.me.id, merchant_id)
    return Post(who, await merchants.by_id(turn.tx, merchant_id))


async def place(turn: Turn, merchant_id: int | None) -> Post | list[Post]:
    """The place that is meant: the one named, the only one, or the one chosen earlier today; several where one has to be chosen.

    `NotStaff` for none. Whoever has several posts is asked once: what they choose holds until they choose another, or for the day.
    """
    if merchant_id:
        named = await post_at(turn, merchant_id)
        if len(turn.me.staff_of) > 1:
            await staff.choose(turn.tx, turn.me.id, merchant_id, now=turn.now)
        return named
    found = await posts(turn)
    if not found:
        raise NotStaff(0)
    if len(found) == 1:
        return found[0]
    here = await staff.chosen(turn.tx, turn.me.id, since=today(turn)[0])
    return next((post for post in found if post.merchant.id == here), found)


async def shift(turn: Turn, post: Post) -> Shift | None:
    """The shift that this person works there now: awards name its till and its outlet."""
    return await shifts.current(turn.tx, post.staff.id, since=today(turn)[0])


def choose(found: list[Post], button: Callable[[Text, int], Button]) -> Screen:
    """Asks at which counter; `button` makes each choice."""
    rows: list[list[Button | None]] = [
        [button(t("{merchant} · {label}", merchant=post.where, label=post.staff.label), post.merchant.id)]
        for post in found
    ]
    return screen([t("您在几家店都有收银台,这次是哪一家?")], [*rows, [doors.home()]])


async def customer(turn: Turn, member_id: int) -> Text | str:
    """What a customer is called, as they gave it."""
    try:
        return (await person.load(turn.tx, turn.vault, member_id)).name
    except person.Forgotten:
        known_by = (await walk_ins.of(turn.tx, turn.vault, [member_id])).get(member_id)
        return t("(已注销)") if known_by is None else walk_in(known_by.kind, known_by.shown)


def walk_in(kind: walk_ins.Kind, shown: str) -> Text:
    """What a customer without Telegram is called: by as much of their number as may be seen."""
    return t("手机 {phone}", phone=shown) if kind == "phone" else t("纸卡 {card}", card=shown)


class Shown(NamedTuple):
    """Who stands at the till: by the card in their chat, or by a paper card or phone (`known_by`), which may be new to us."""

    member_id: int | None
    known_by: Handle | None = None


async def shown_by(turn: Turn, post: Post, said: str) -> Shown | None:
    """Whose card or number was typed or scanned; a code from a chat is used up by it. None where it is nothing of the kind.

    Raises:
        CardUnknown, CardUsed, CardExpired; PaperCardUnknown.
    """
    code = card.typed(said)
    if code is not None:
        return Shown(await card.present(turn.tx, code, staff_id=post.staff.id, now=turn.now))
    handle = walk_ins.read(said)
    return None if handle is None else Shown(await walk_ins.find(turn.tx, turn.vault, handle), handle)


NO_CARD: list[Line] = [
    t("这不是会员码。"),
    t("会员码是 8 位数字,请会员打开会员码给您看;纸卡是 12 位,手机号是 11 位。"),
]
"""What is said where `shown_by` finds nothing of the kind."""


def served(turn: Turn) -> tuple[int, bool] | None:
    """Whose card was scanned, as the dialogue keeps it, and whether that was too long ago. None: nobody's."""
    data = turn.dialogue.data
    if "member" not in data or "at" not in data:
        return None
    shown_at = dt.datetime.fromisoformat(data["at"])
    return data["member"], turn.now > shown_at + dt.timedelta(minutes=CARD_MINUTES)


async def served_name(turn: Turn) -> Text | str:
    """What whoever is being served is called: by the number that they came by, whoever that belongs to, else by their name."""
    data = turn.dialogue.data
    if "kind" in data:
        return walk_in(data["kind"], data["shown"])
    return await customer(turn, data["member"])


async def told(turn: Turn, member_id: int) -> Text:
    """Whether a customer has heard from us what was done: those without Telegram are told by who serves them."""
    holder = await succession.holder(turn.tx, member_id)
    heard = await person.load_many(turn.tx, turn.vault, [holder])
    return t("会员已收到通知") if heard else t("顾客没有用 Telegram,请当面说一声")


def today(turn: Turn) -> tuple[dt.datetime, dt.datetime]:
    """The instants between which the clock on the till's wall says today."""
    start = turn.now.astimezone(turn.zone).replace(hour=0, minute=0, second=0, microsecond=0)
    return start.astimezone(dt.UTC), (start + dt.timedelta(days=1)).astimezone(dt.UTC)


_ACTIONS: dict[str, Text] = {
    "award": t("记积分"),
    "sell_tiers": t("卖会员等级"),
    "verify": t("验券"),
    "see_own_day": t("看今天的记录"),
    "see_whole_day": t("看全店的记录"),
    "take_back_own": t("撤回自己记的"),
    "take_back_any": t("撤回别人记的"),
    "refund": t("办退款"),
    "see_staff": t("看店员名单"),
    "add_cashier": t("添加收银员"),
    "add_manager": t("添加店长"),
    "add_owner": t("添加店主"),
    "remove_cashier": t("移除收银员"),
    "remove_manager": t("移除店长或店主"),
    "work_shift": t("开班"),
    "see_merchant": t("看商户页"),
    "run_outlets": t("管理门店和收银台"),
    "export_day": t("导出当天的记录"),
    "see_papers": t("看证书和文件"),
    "run_activities": t("办活动"),
    "fund_dividends": t("出资分红"),
    "see_log": t("看操作记录"),
    "see_settlement": t("看周结算"),
    "dispute": t("对结算提出异议"),
    "see_cover": t("看本店的保证金"),
    "see_rules": t("看积分规则"),
    "change_rules": t("改积分规则"),
    "manage_api": t("管接口密钥"),
    "print_cards": t("印纸卡"),
    "import_files": t("导入文件"),
    "book_declined": t("补记消费"),
    "give_privileges": t("用会员权益"),
    "run_privileges": t("管理会员权益"),
    "run_shelf": t("管理货架"),
    "answer_returns": t("答复退换"),
}


@worded(authority.NotAllowed)
def _(no: authority.NotAllowed) -> Worded:
    what = _ACTIONS[no.action]
    if not no.needed:
        return Worded(t("您不能{what}", what=what), t("这要由运营人员来做。"), (desk_doors.counter(),))
    who = role(no.needed[-1])
    return Worded(t("您不能{what}", what=what), t("请店里的{who}来办。", who=who), (desk_doors.counter(),))


@worded(NotStaff)
def _(no: NotStaff) -> Worded:
    return Worded(t("您不在这个收银台"), t("店主或店长发一个邀请链接,点开就能上岗。"))


@worded(staff.AlreadyStaff)
def _(no: staff.AlreadyStaff) -> Worded:
    return Worded(t("您已经在这家店了"), t("身份是{role}。", role=role(no.role)), (desk_doors.counter(),))


@worded(staff.LastOwner)
def _(no: staff.LastOwner) -> Worded:
    return Worded(t("店里要留一位店主"), t("先请运营人员添加另一位店主,再移除这一位。"), (desk_doors.counter(),))


@worded(staff.LabelTooLong)
def _(no: staff.LabelTooLong) -> Worded:
    return Worded(t("名称不合适"), tn("写 1 到 {n} 个字,比如「3号台」。", n=no.longest))


@worded(merchants.NoSuchMerchant)
def _(no: merchants.NoSuchMerchant) -> Worded:
    return Worded(t("没有这家商户"), t("编号 {merchant} 查不到。", merchant=no.merchant))


@worded(merchants.MerchantMayNotIssue)
def _(no: merchants.MerchantMayNotIssue) -> Worded:
    name = Both(no.name_zh, no.name_en)
    return Worded(
        t("{merchant}现在不能发积分", merchant=name),
        t("它的状态是「{status}」。会员已有的积分不受影响。", status=STATUSES[no.status]),
        (desk_doors.counter(),),
    )


@worded(merchants.SpendingNeeded)
def _(no: merchants.SpendingNeeded) -> Worded:
    return Worded(
        t("没有消费,不能发积分"),
        t("{merchant}是支付渠道,只能按消费给分;开卡、办活动都不行。", merchant=Both(no.name_zh, no.name_en)),
    )


STATUSES: dict[str, Text] = {
    "applied": t("申请中"),
    "certified": t("正常"),
    "suspended": t("暂停"),
    "closed": t("已退出"),
}


@worded(purchases.AmountMustBePositive)
def _(no: purchases.AmountMustBePositive) -> Worded:
    return Worded(t("金额要大于 0"))


@worded(purchases.DocumentTaken)
def _(no: purchases.DocumentTaken) -> Worded:
    return Worded(
        t("这张小票已经记过了"),
        t("小票 {document} 的内容和这次不一样,没有再记。", document=no.document),
    )


@worded(purchases.NoSuchPurchase)
def _(no: purchases.NoSuchPurchase) -> Worded:
    return Worded(t("没有这笔消费"), t("可能是别家店的,或编号不对。"), (desk_doors.counter(),))


@worded(refund_plans.MoreThanPurchase)
def _(no: refund_plans.MoreThanPurchase) -> Worded:
    return Worded(
        t("退款超过了那笔消费"),
        t(
            "要退 {asked},小票 {document} 还能退 {left}。",
            asked=Money(no.asked_minor, no.money),
            document=no.document,
            left=Money(no.left_minor, no.money),
        ),
    )


@worded(refund_plans.RefundAboveLimit)
def _(no: refund_plans.RefundAboveLimit) -> Worded:
    return Worded(
        t("这笔要店长来退"),
        t(
            "收银员对一笔消费最多退 {limit},连这次一共 {asked}。",
            limit=Money(no.limit_minor, no.money),
            asked=Money(no.asked_minor, no.money),
        ),
        (desk_doors.counter(),),
    )


@worded(returns.NoSuchLine)
def _(no: returns.NoSuchLine) -> Worded:
    return Worded(
        t("没有那么多可退"),
        t(
            "小票 {document} 第 {place} 行还剩 {left} 件,要退 {asked} 件。",
            document=no.document,
            place=no.place + 1,
            left=no.left,
            asked=no.asked,
        ),
    )


@worded(intake.NoSuchMember)
def _(no: intake.NoSuchMember) -> Worded:
    return Worded(t("没有这位会员"), t("编号 {member} 查不到。", member=str(no.member_id)), (desk_doors.counter(),))


@worded(awards.AlreadyTakenBack)
def _(no: awards.AlreadyTakenBack) -> Worded:
    return Worded(t("这笔已经撤回了"), t("{when} 撤回的,没有再动。", when=no.at), (desk_doors.counter(),))


@worded(awards.TooLateToTakeBack)
def _(no: awards.TooLateToTakeBack) -> Worded:
    return Worded(
        t("过了撤回的时间"),
        tn(
            "{when} 记的。收银员 {n} 分钟内可撤回自己记的,店长当天都可以。",
            n=no.minutes,
            when=no.awarded_at,
        ),
        (desk_doors.counter(),),
    )


@worded(awards.ReasonNeeded)
def _(no: awards.ReasonNeeded) -> Worded:
    return Worded(t("请写明原因"), tn("会员会看到,最多 {n} 个字。", n=no.longest))
