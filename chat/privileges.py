"""Privileges at the till and in notices: what applies to whose card was shown, what a member is told, and refusals in words.

What is refused is refused at a till: it says to the cashier what to do, and never what the member holds.
"""

from __future__ import annotations

from chat import desk_doors, doors, reasons, till
from chat import tiers as words_of
from chat.offers import all_of, both
from chat.privilege_words import label, left, places, points_of, used_up
from chat.refusals import Worded, worded
from chat.screen import Button, Line, Screen, grid, screen
from chat.till import Post
from chat.turn import Turn
from chat.words import Both, Money, Text, t, tn
from ledger.members import succession
from ledger.merchants.merchant import Merchant
from ledger.redeeming import may_use as m
from ledger.redeeming import privilege_uses, privileges
from ledger.redeeming.may_use import Here, Yes
from ledger.redeeming.privilege_drafts import NoSuchPrivilegeDraft, PrivilegeDraftInTheWay, PrivilegeEditedMeanwhile
from ledger.redeeming.privilege_uses import Use, Used
from ledger.redeeming.privileges import Seen

BUTTONS_MOST = 4
"""So many privileges are buttons beside the amount; the others are a tap away."""


# -- at the till


async def offered(turn: Turn, post: Post, member_id: int) -> list[Seen]:
    """What this merchant gives, judged for whoever's card was shown, at this till: one read where it gives nothing."""
    given = await privileges.of_merchant(turn.tx, post.merchant.id)
    if not given:
        return []
    holder = await succession.holder(turn.tx, member_id)
    if any(each.privilege.tiers for each in given):
        await words_of.look(turn, holder)  # a tier that has ended opens nothing, whether or not the night was there
    shift = await till.shift(turn, post)
    return await privileges.judged(
        turn.tx, holder, given, today=turn.today, here=Here(shift.outlet_id if shift else None)
    )


async def beside(turn: Turn, post: Post, member_id: int) -> tuple[Text | None, list[list[Button | None]]]:
    """What stands beside the question for an amount: a word that there are privileges, the buttons of those that may be used
    now, and the way to the others. Nothing where the merchant gives none."""
    seen = await offered(turn, post, member_id)
    ready = [each for each in seen if isinstance(each.verdict, Yes)]
    buttons = [desk_doors.use_privilege(label(each.listed.privilege), each.listed.id) for each in ready[:BUTTONS_MOST]]
    found = grid(buttons, 2)
    if rest := len(seen) - len(buttons):
        found.append([desk_doors.till_privileges(tn("其他权益({n})", n=rest))])
    return t("有权益能用,先点下面的。") if ready else None, found


def paid(use: Use) -> Text:
    """What was to pay, and what is paid; what was given where nothing was to pay."""
    if use.before_minor is None or use.after_minor is None:
        return label(use.privilege)
    before, after = Money(use.before_minor, use.money), Money(use.after_minor, use.money)
    return t("{before} → {after}", before=before, after=after)


def counted(done: Used, money: str) -> list[Text]:
    """How often privileges were used, and what was taken off; how many were undone. What did not happen is left out."""
    off = Money(done.off_minor, money)
    found = [
        tn("权益 {n} 次,少收 {off}", n=done.uses, off=off) if done.off_minor else None,
        tn("权益 {n} 次", n=done.uses) if done.uses and not done.off_minor else None,
        tn("撤回权益 {n} 次", n=done.undone) if done.undone else None,
    ]
    return [line for line in found if line is not None]


async def still(turn: Turn, use: Use) -> Text | None:
    """How often what was just used can be used yet; None: as often as one likes."""
    [seen] = await privileges.judged(
        turn.tx, use.member_id, [await privileges.one(turn.tx, use.privilege_id)], today=turn.today
    )
    if isinstance(seen.verdict, Yes):
        return left(seen.listed.privilege, seen.verdict)
    return next((used_up(no) for no in seen.verdict.reasons if isinstance(no, m.UsedUp)), None)


# -- what a member is told


def used_notice(use: Use, merchant: Merchant, still: Text | None) -> Screen:
    """What a member is told whose privilege was used; `still`: how often it can be used yet."""
    lines: list[Line | None] = [
        t("<b>{paid}</b>", paid=paid(use)),
        t("{merchant} · {what}", merchant=Both(merchant.name_zh, merchant.name_en), what=label(use.privilege))
        if use.before_minor is not None
        else t("{merchant} · {when}", merchant=Both(merchant.name_zh, merchant.name_en), when=use.used_at),
        still,
        t("积分没有动。"),
    ]
    return screen(lines, [[doors.privileges(), doors.home()]])


def undone_notice(use: Use, merchant: Merchant) -> Screen:
    """What a member is told when a use of theirs was undone."""
    lines: list[Line] = [
        t("撤回了:{what}", what=label(use.privilege)),
        t("{merchant} · {when}", merchant=Both(merchant.name_zh, merchant.name_en), when=use.used_at),
        t("原因:{reason}", reason=reasons.said(use.reason or "")),
        t("这次不算用过。"),
    ]
    return screen(lines, [[doors.privileges(), doors.home()]])


# -- refusals


@worded(m.MemberMayNotUse)
def _(no: m.MemberMayNotUse) -> Worded:
    return Worded(
        t("这个账户现在用不了权益"),
        t("请会员联系客服恢复账户。"),
        (desk_doors.award_amount(t("只记积分")), desk_doors.counter()),
    )


@worded(m.PrivilegePaused)
def _(no: m.PrivilegePaused) -> Worded:
    return Worded(
        t("这项权益停用了"), t("店长可以在商户页重新打开。"), (desk_doors.award_amount(t("返回")), desk_doors.counter())
    )


@worded(m.GiverNotServing)
def _(no: m.GiverNotServing) -> Worded:
    return Worded(t("{merchant}现在不参加", merchant=both(no.merchant)), t("恢复以后再用。"), (desk_doors.counter(),))


@worded(m.PrivilegeOver)
def _(no: m.PrivilegeOver) -> Worded:
    return Worded(t("这项权益结束了"), t("最后一天是 {on}。", on=no.last_on), (desk_doors.award_amount(t("返回")),))


@worded(m.PrivilegeNotYet)
def _(no: m.PrivilegeNotYet) -> Worded:
    return Worded(t("今天还不能用"), t("{on}起能用。", on=no.opens_on), (desk_doors.award_amount(t("返回")),))


@worded(m.TierNeeded)
def _(no: m.TierNeeded) -> Worded:
    tiers = all_of(no.tiers)
    return Worded(
        t("{tiers}专享", tiers=tiers), t("怎么升,会员在「我的权益」里看。"), (desk_doors.award_amount(t("返回")),)
    )


@worded(m.RegionNeeded)
def _(no: m.RegionNeeded) -> Worded:
    return Worded(
        t("限{regions}的会员", regions=both(no.region)),
        t("住在那里的会员,在「设置」里填了地区就有。"),
        (desk_doors.award_amount(t("返回")),),
    )


@worded(m.HoldingShort)
def _(no: m.HoldingShort) -> Worded:
    needed = points_of(no.needed, no.currency, no.common)
    return Worded(
        t("要持有 {needed}", needed=needed),
        t("差多少,会员在「我的权益」里看。"),
        (desk_doors.award_amount(t("返回")),),
    )


@worded(m.UsedUp)
def _(no: m.UsedUp) -> Worded:
    return Worded(used_up(no), None, (desk_doors.award_amount(t("返回")), desk_doors.counter()))


@worded(m.NotAtThisOutlet)
def _(no: m.NotAtThisOutlet) -> Worded:
    outlets = places(no.outlets)
    if no.known:
        return Worded(
            t("这家门店不能用"), t("请会员到{outlets}。", outlets=outlets), (desk_doors.award_amount(t("返回")),)
        )
    return Worded(
        t("只在{outlets}", outlets=outlets),
        t("您还没有开班,不知道在哪家门店。"),
        (desk_doors.shift(no.merchant_id, t("开班")), desk_doors.award_amount(t("返回"))),
    )


@worded(m.AmountTooSmall)
def _(no: m.AmountTooSmall) -> Worded:
    least = Money(no.least_minor, no.money)
    return Worded(t("满 {least} 才有", least=least), t("这笔不到,照原价收。"), (desk_doors.award_amount(t("返回")),))


@worded(privileges.NoSuchPrivilege)
def _(no: privileges.NoSuchPrivilege) -> Worded:
    return Worded(t("没有这项权益"), t("可能是别家店的,或已经没有了。"), (desk_doors.counter(),))


@worded(NoSuchPrivilegeDraft)
def _(no: NoSuchPrivilegeDraft) -> Worded:
    back = desk_doors.run_privileges(no.merchant_id)
    return Worded(t("没有在写的草稿"), t("可能已经发布、丢掉,或放了太久。"), (back,))


@worded(PrivilegeDraftInTheWay)
def _(no: PrivilegeDraftInTheWay) -> Worded:
    return Worded(
        t("您还有一份没发布的草稿"),
        t("先发布或丢掉它,再写别的。"),
        (desk_doors.privilege_draft(no.merchant_id, t("看草稿")), desk_doors.run_privileges(no.merchant_id)),
    )


@worded(PrivilegeEditedMeanwhile)
def _(no: PrivilegeEditedMeanwhile) -> Worded:
    return Worded(
        t("它刚被别人改过,没有发布"),
        t("您写的时候是第 {mine} 版,现在是第 {now} 版。", mine=no.based_on, now=no.version),
        (desk_doors.privilege_draft(no.merchant_id, t("看草稿")),),
    )


@worded(privileges.CurrencyNotHeldFor)
def _(no: privileges.CurrencyNotHeldFor) -> Worded:
    return Worded(t("不能要求持有「{currency}」", currency=no.currency), t("写联盟积分(common),或本店自己的。"))


@worded(privileges.NoOutletOfThatName)
def _(no: privileges.NoOutletOfThatName) -> Worded:
    return Worded(t("没有门店「{outlet}」", outlet=no.outlet), t("写正在营业的门店的名称。"))


@worded(privilege_uses.PrivilegeChanged)
def _(no: privilege_uses.PrivilegeChanged) -> Worded:
    again = desk_doors.use_privilege(t("看现在的"), no.privilege_id)
    return Worded(t("刚刚变了,还没有用"), t("请再看一眼。"), (again, desk_doors.counter()))


@worded(privilege_uses.NoSuchUse)
def _(no: privilege_uses.NoSuchUse) -> Worded:
    return Worded(t("没有这次记录"), t("可能是别家店的。"), (desk_doors.counter(),))


@worded(privilege_uses.UseUndone)
def _(no: privilege_uses.UseUndone) -> Worded:
    return Worded(t("这次已经撤回了"), t("{when} 撤回的。", when=no.at), (desk_doors.counter(),))


@worded(privilege_uses.TooLateToUndo)
def _(no: privilege_uses.TooLateToUndo) -> Worded:
    return Worded(
        t("过了撤回的时间"),
        tn("{when} 用的。收银员 {n} 分钟内可撤自己的,店长当天都可以。", n=no.minutes, when=no.used_at),
        (desk_doors.counter(),),
    )


@worded(privilege_uses.UndoReasonNeeded)
def _(no: privilege_uses.UndoReasonNeeded) -> Worded:
    return Worded(t("请写明原因"), tn("会员会看到,最多 {n} 个字。", n=no.longest))
