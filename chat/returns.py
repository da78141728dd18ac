"""Words about returns of redeemed goods: what an offer promises, a claim from either side, what is told, every refusal."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from chat import desk_doors, doors, operator_doors, settlement, vouchers
from chat.offers import both, paid_for
from chat.refusals import Worded, worded
from chat.screen import BLANK, Button, Given, Line, Screen, screen
from chat.turn import Turn
from chat.words import Money, Text, t, tn
from ledger.members import operators
from ledger.redeeming import return_answers, return_claims, return_requests
from ledger.redeeming import vouchers as issued
from ledger.redeeming.offers import Offer
from ledger.redeeming.return_claims import Claim, Goods, Reason, Refused, Shot, State, Wish
from ledger.redeeming.vouchers import Redemption

REASONS: dict[Reason, Text] = {
    "faulty": t("不能用,有毛病"),
    "damaged": t("到手就破损"),
    "wrong_item": t("给错了"),
    "not_as_described": t("和介绍的不一样"),
    "incomplete": t("少了东西"),
    "changed_mind": t("不想要了"),
}
REFUSALS: dict[Refused, Text] = {
    "worn": t("用过或有磨损"),
    "damaged_later": t("拿走以后弄坏的"),
    "incomplete": t("没有退齐"),
    "other_goods": t("不是本店给的那件"),
    "as_described": t("和介绍的一样,没有毛病"),
    "perishable": t("生鲜,放久了"),
}
"""Why a merchant may refuse. That it was redeemed with points is not among them."""
WISHES: dict[Wish, Text] = {"points": t("退积分"), "exchange": t("换一件")}
GOODS: dict[Goods, Text] = {"back": t("收回了,放回货架"), "written_off": t("报废,或不用还")}
STATES: dict[State, Text] = {
    "open": t("等商户答复"),
    "withdrawn": t("会员撤回了"),
    "granted": t("已退"),
    "exchanged": t("已换"),
    "silent": t("过期没答复,已退"),
    "refused": t("没同意"),
    "escalated": t("等积分计划裁决"),
    "upheld": t("裁决:不退"),
    "overturned": t("裁决:已退"),
}
"""Where a claim stands, in a word or two."""
RULED_BY = ("admin", "support")
"""Of the operator's people, who decides what a merchant refused."""


def promise(offer: Offer) -> Text | None:
    """How the goods of an offer come back, for its page; None where they don't."""
    returns = offer.takes_back
    if returns is None:
        return None
    if returns.changed_mind:
        return (
            tn("领到后 {n} 天内可以退换", n=returns.days)
            if returns.exchange
            else tn("领到后 {n} 天内可以退,退积分", n=returns.days)
        )
    return (
        tn("有问题,领到后 {n} 天内可以退换", n=returns.days)
        if returns.exchange
        else tn("有问题,领到后 {n} 天内可以退,退积分", n=returns.days)
    )


async def on_voucher(turn: Turn, voucher: Redemption) -> tuple[list[Line], list[Button]]:
    """What a voucher that was used says of its return, and the way to it: claiming, or how the claim stands."""
    found = None if voucher.used_at is None else await return_claims.latest(turn.tx, voucher.id)
    way = doors.return_of(t("看退换"), voucher.id)
    if found is not None and found.state != "withdrawn":
        fresh = [doors.voucher(t("看新券"), found.replacement_id)] if found.replacement_id else []
        return [BLANK, t("退换:{state}", state=STATES[found.state])], [*fresh, way]
    until = return_requests.claim_until(voucher)
    if until is None or return_requests.may_claim(voucher, today=turn.today) is not None:
        return [], []
    how = voucher.offer.takes_back
    said = (
        t("不想要了也可退换,截至 {until}", until=until)
        if how is not None and how.changed_mind
        else t("有问题可退换,截至 {until}", until=until)
    )
    return [said], [doors.return_of(t("退换"), voucher.id)]


# -- one claim


def asked(each: Claim, voucher: Redemption, said: str, photos: int, *, own: bool = False) -> list[Line]:
    """What its member says and wants; `own`: as they read it themselves."""
    words = t("您说:{words}", words=said) if own else t("会员说:{words}", words=said)
    lines: list[Line | None] = [
        t("<b>{what}</b> · {merchant}", what=vouchers.what(voucher), merchant=both(voucher.merchant)),
        t("{on}领的,用了 {worth}", on=voucher.used_on, worth=paid_for(voucher, ours=not own)),
        t("经手:{label}", label=voucher.used_label) if voucher.used_label and not own else None,
        BLANK,
        t("原因:{reason}", reason=REASONS[each.reason]),
        words if said else None,
        tn("照片 {n} 张", n=photos) if photos else None,
        t("您想要:{wish}", wish=WISHES[each.wants]) if own else t("想要:{wish}", wish=WISHES[each.wants]),
    ]
    return [line for line in lines if line is not None]


def answered(each: Claim) -> list[Line]:
    """What was decided and, before that, answered, where it was."""
    lines: list[Line] = []
    if each.decision_words is not None:
        lines.append(t("裁决说:{words}", words=each.decision_words))
    if each.refusal is not None:
        lines.append(t("商户没有同意:{refusal}", refusal=REFUSALS[each.refusal]))
        lines.append(t("商户说:{words}", words=each.refusal_words or ""))
    return lines


def stands(each: Claim, voucher: Redemption, *, ours: bool = False) -> Text:
    """How it stands, and what happens next; `ours`: as the merchant reads it."""
    worth = paid_for(voucher, ours=ours)
    match each.state:
        case "open" if ours:
            return t("最晚 {until} 答复;没答复就自动退", until=each.answer_by)
        case "open":
            return t("商户最晚 {until} 答复;没答复就自动退 {worth}", until=each.answer_by, worth=worth)
        case "withdrawn":
            return t("退换撤回了")
        case "granted":
            return t("商户同意了,{worth}退回", worth=worth)
        case "exchanged":
            return t("商户同意换一件,没有再扣积分")
        case "silent":
            return t("到 {until} 没有答复,{worth}自动退回", until=each.answer_by, worth=worth)
        case "refused" if ours:
            return t("会员可以请积分计划裁决,截至 {until}", until=each.escalate_by)
        case "refused":
            return t("不认可?可以请积分计划裁决,截至 {until}", until=each.escalate_by)
        case "escalated":
            return t("积分计划在看,双方的话和照片都看得到")
        case "upheld":
            return t("积分计划裁决:不退")
        case "overturned":
            return t("积分计划裁决:退回 {worth}", worth=worth)


def outcome(each: Claim, voucher: Redemption, *, ours: bool = False) -> list[Line]:
    """How it stands, with who said what: a decision comes before its reasons, what can be done about a refusal after them."""
    now = stands(each, voucher, ours=ours)
    return [*answered(each), now] if each.state == "refused" else [now, *answered(each)]


def shot(photos: list[Shot], n: int) -> Given | None:
    """One of the photos, to be shown again."""
    return Given(photos[n].file_id, photos[n].kind) if 0 <= n < len(photos) else None


async def about(turn: Turn, each: Claim) -> tuple[Redemption, str, list[Shot]]:
    """Its voucher, and what its member wrote and showed."""
    voucher = await issued.one(turn.tx, each.member_id, each.redemption_id)
    said, photos = await return_claims.shown(turn.tx, each, turn.vault)
    return voucher, said, photos


# -- what is told


def to_staff(each: Claim, first: Text) -> Screen:
    """What those hear who answer for the merchant."""
    lines: list[Line] = [
        first,
        t("{offer} · {reason}", offer=both(each.offer), reason=REASONS[each.reason]),
    ]
    if each.state == "open":
        lines.append(t("最晚 {until} 答复;没答复就自动退", until=each.answer_by))
    return screen(lines, [[desk_doors.answer_return(t("看这件退换"), each.id), doors.home()]])


def to_member(each: Claim, voucher: Redemption, *more: Line) -> Screen:
    """What its member hears when something became of it."""
    lines: list[Line] = [
        t("退换:<b>{what}</b> · {merchant}", what=vouchers.what(voucher), merchant=both(voucher.merchant)),
        *outcome(each, voucher),
        *more,
    ]
    fresh = doors.voucher(t("看新券"), each.replacement_id) if each.replacement_id else None
    return screen(lines, [[fresh, doors.return_of(t("看退换"), voucher.id)], [doors.home()]])


def coming(voucher: Redemption, state: State, facts: Mapping[str, Any]) -> list[Line]:
    """What else a return brings: cash that has to be fetched or comes, points whose own time was over."""
    lines: list[Line] = []
    if state in return_claims.GRANTED and voucher.cash_minor:
        cash = Money(voucher.cash_minor, voucher.money)
        lines.append(t("付的 {cash} 也退:点开券看怎么拿。", cash=cash))
    return [*lines, *vouchers.late(voucher, facts)]


async def tell_staff(turn: Turn, each: Claim, first: Text, what: str) -> None:
    """Tell those who run the merchant."""
    for member_id in await settlement.run_by(turn.tx, each.merchant_id):
        turn.tell(member_id, to_staff(each, first), key=f"return-{what}:{each.id}:{member_id}")


async def tell_operators(turn: Turn, each: Claim) -> None:
    """Tell those who decide."""
    lines: list[Line] = [
        t("有退换等裁决:{merchant}", merchant=both(each.merchant)),
        t("{offer} · {reason}", offer=both(each.offer), reason=REASONS[each.reason]),
    ]
    said = screen(lines, [[operator_doors.ruling(t("看这件退换"), each.id), doors.home()]])
    for member_id in sorted({one for role in RULED_BY for one in await operators.holders(turn.tx, role)}):
        turn.tell(member_id, said, key=f"return-escalated:{each.id}:{member_id}")


# -- refusals


def _see(redemption_id: int) -> tuple[Button, ...]:
    return (doors.voucher(t("看这张券"), redemption_id),)


@worded(return_requests.NotReturnable)
def _(no: return_requests.NotReturnable) -> Worded:
    return Worded(
        t("这项用过就不能退了"),
        t("{offer}:能退换的是领走的实物。有问题请当面找商户。", offer=both(no.offer)),
        _see(no.redemption_id),
    )


@worded(return_requests.NotHandedOver)
def _(no: return_requests.NotHandedOver) -> Worded:
    return Worded(t("还没有领,不用退换"), t("不想要可以撤回;过了撤回时间,到期会自动处理。"), _see(no.redemption_id))


@worded(return_requests.ClaimTooLate)
def _(no: return_requests.ClaimTooLate) -> Worded:
    return Worded(
        t("退换的时间过了"),
        t("{offer}:退换截至 {until}。有质量问题请联系客服。", offer=both(no.offer), until=no.until),
        _see(no.redemption_id),
    )


@worded(return_requests.ClaimThere)
def _(no: return_requests.ClaimThere) -> Worded:
    return Worded(
        t("已经提过退换了"),
        t("现在:{state}。", state=STATES[no.state]),
        (doors.return_of(t("看退换"), no.redemption_id),),
    )


@worded(return_requests.ReasonNotOffered)
def _(no: return_requests.ReasonNotOffered) -> Worded:
    return Worded(t("这项只有出问题才退换"), t("请选出了什么问题。"), (doors.return_of(t("重新选"), no.redemption_id),))


@worded(return_claims.ExchangeNotOffered)
def _(no: return_claims.ExchangeNotOffered) -> Worded:
    return Worded(t("这项不能换,可以退积分"))


@worded(return_requests.PhotosNeeded)
def _(no: return_requests.PhotosNeeded) -> Worded:
    return Worded(t("要有照片"), tn("请发 1 到 {n} 张,让商户看清楚。", n=no.most))


@worded(return_claims.ReturnWordsTooLong)
def _(no: return_claims.ReturnWordsTooLong) -> Worded:
    return Worded(t("这段话不合适"), tn("写 1 到 {n} 个字。", n=no.longest))


@worded(return_claims.NoSuchClaim)
def _(no: return_claims.NoSuchClaim) -> Worded:
    return Worded(t("没有这件退换"), t("可能是别家的。"))


@worded(return_claims.ClaimMovedOn)
def _(no: return_claims.ClaimMovedOn) -> Worded:
    look = {
        "member": doors.return_of(t("看退换"), no.redemption_id),
        "merchant": desk_doors.answer_return(t("看这件退换"), no.claim_id),
        "operator": operator_doors.ruling(t("看这件退换"), no.claim_id),
    }
    return Worded(t("这件退换已经有结果了"), t("现在:{state}。", state=STATES[no.state]), (look[no.side],))


@worded(return_requests.EscalationOver)
def _(no: return_requests.EscalationOver) -> Worded:
    return Worded(
        t("请求裁决的时间过了"),
        t("截至 {until}。有疑问请联系客服。", until=no.until),
        (doors.return_of(t("看退换"), no.redemption_id),),
    )


@worded(return_answers.AnswerTooLate)
def _(no: return_answers.AnswerTooLate) -> Worded:
    return Worded(
        t("答复的时间过了,不能再拒绝"),
        t("到 {until} 没有答复,会自动退给会员。", until=no.until),
        (desk_doors.answer_return(t("看这件退换"), no.claim_id),),
    )


@worded(return_answers.RefusalNotOffered)
def _(no: return_answers.RefusalNotOffered) -> Worded:
    return Worded(
        t("不能用这条拒绝"),
        t("会员是不想要了:没有毛病,您的商品也答应退。"),
        (desk_doors.answer_return(t("看这件退换"), no.claim_id),),
    )


@worded(return_answers.NoPieceLeft)
def _(no: return_answers.NoPieceLeft) -> Worded:
    return Worded(
        t("没有货可以换了"),
        t("{offer}的份数都发完了。可以退积分,或先补库存。", offer=both(no.offer)),
        (desk_doors.answer_return(t("返回"), no.claim_id),),
    )


@worded(issued.VoucherReturned)
def _(no: issued.VoucherReturned) -> Worded:
    facts = {"offer": both(no.offer), "when": no.at}
    if no.exchanged:
        return Worded(t("这张券已经换过货了"), t("{offer}:{when} 换的,请看新券。", **facts))
    return Worded(t("这张券已经退了"), t("{offer}:{when} 退的,积分已退。", **facts))
