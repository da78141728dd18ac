"""The wording of every refusal: which rule, its figures, and what would lift it.

A feature words its own refusals beside its screens::

    @worded(VoucherUsed)
    def _(no: VoucherUsed) -> Worded:
        return Worded(t("这张券已经用过了"), t("{when} 在{where}用的。", when=no.used_at, where=no.merchant), buttons=(...))

The engine's and the members' are here. A test walks every subclass of `Refusal` and finds its wording in both languages.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from typing import Any, TypeVar

from chat import doors
from chat.screen import Button, Line, Screen, screen
from chat.words import Points, Text, t, tn
from ledger.errors import Refusal
from ledger.members import birthdays, card, claims, operators, profile, succession, walk_ins
from ledger.points import commands as points


@dataclass(frozen=True, slots=True)
class Worded:
    """A refusal in words: what, why with figures, and taps that would help (menu and back are added by the edge)."""

    headline: Text
    detail: Text | None = None
    buttons: tuple[Button, ...] = ()

    def screen(self) -> Screen:
        """As a message of its own."""
        lines: list[Line | None] = [self.headline, self.detail]
        return screen(lines, [[b] for b in self.buttons])


R = TypeVar("R", bound=Refusal)

_WORDINGS: dict[type[Refusal], Callable[[Any], Worded]] = {}


def worded(kind: type[R]) -> Callable[[Callable[[R], Worded]], Callable[[R], Worded]]:
    """Registers the decorated function as the wording of `kind`."""

    def register(write: Callable[[R], Worded]) -> Callable[[R], Worded]:
        _WORDINGS[kind] = write
        return write

    return register


def wording(refusal: Refusal) -> Worded:
    """The words for this refusal: its own class's, else its nearest parent's. `KeyError` where nobody wrote any."""
    for kind in type(refusal).__mro__:
        if kind in _WORDINGS:
            return _WORDINGS[kind](refusal)
    raise KeyError(type(refusal).__name__)


@worded(points.NotEnoughPoints)
def _(no: points.NotEnoughPoints) -> Worded:
    lacking = Points(no.needed - no.available)
    if no.next_release_on is None:
        return Worded(
            t("还差 {lacking}", lacking=lacking),
            t("要 {needed},您可用 {available}。", needed=Points(no.needed), available=Points(no.available)),
        )
    return Worded(
        t("还差 {lacking}", lacking=lacking),
        t(
            "要 {needed},您可用 {available};待生效 {pending},最早 {on}生效。",
            needed=Points(no.needed),
            available=Points(no.available),
            pending=Points(no.pending),
            on=no.next_release_on,
        ),
    )


@worded(points.KeyReused)
def _(no: points.KeyReused) -> Worded:
    return Worded(t("这一步已经办过了,内容不一样"), t("什么都没有变。请回到主菜单再来一次。"))


@worded(points.ReasonRequired)
def _(no: points.ReasonRequired) -> Worded:
    return Worded(t("要写明原因"), t("手工更正要留下一句原因,以后查得到。"))


@worded(points.PointsMustBePositive)
def _(no: points.PointsMustBePositive) -> Worded:
    return Worded(t("积分要大于 0"), t("您给的是 {points}。", points=Points(no.points)))


@worded(points.OwnersMustDiffer)
def _(no: points.OwnersMustDiffer) -> Worded:
    return Worded(t("不能转给自己"))


@worded(points.ExpiresBeforeAvailable)
def _(no: points.ExpiresBeforeAvailable) -> Worded:
    return Worded(
        t("到期日早于可用日"),
        t("{available}才可用,却在 {expires}到期。", available=no.available_on, expires=no.expires_on),
    )


@worded(points.NoSuchEntry)
def _(no: points.NoSuchEntry) -> Worded:
    return Worded(t("没有这笔记录"), t("编号 {entry} 不在您的明细里。", entry=str(no.entry_id)), (doors.history(),))


@worded(points.NotThatKind)
def _(no: points.NotThatKind) -> Worded:
    return Worded(t("这笔不能这样撤回"), t("编号 {entry} 是另一类记录。", entry=str(no.entry_id)))


@worded(points.NoSuchHold)
def _(no: points.NoSuchHold) -> Worded:
    return Worded(t("没有这笔预留"), t("编号 {hold}。", hold=str(no.hold_id)))


@worded(points.HoldResolved)
def _(no: points.HoldResolved) -> Worded:
    used = no.state == "burned"
    return Worded(
        t("这笔预留已经用掉了") if used else t("这笔预留已经取消了"), t("编号 {hold}。", hold=str(no.hold_id))
    )


@worded(points.MoreThanEntry)
def _(no: points.MoreThanEntry) -> Worded:
    return Worded(
        t("超出了那笔能退的"),
        t("要退 {asked},那笔还能退 {left}。", asked=Points(no.asked), left=Points(no.left)),
    )


@worded(points.NothingDue)
def _(no: points.NothingDue) -> Worded:
    return Worded(t("今天没有要生效或到期的积分"))


@worded(points.PointsMovedOn)
def _(no: points.PointsMovedOn) -> Worded:
    return Worded(
        t("撤销不了:积分已经不在原处"),
        t("那笔里有 {missing}已经用掉、转出或到期。", missing=Points(no.missing)),
    )


@worded(birthdays.NoSuchDay)
def _(no: birthdays.NoSuchDay) -> Worded:
    return Worded(t("没有这一天"), t("请再选一次。"), (doors.birthday(t("选生日")),))


@worded(profile.NoSuchRegion)
def _(no: profile.NoSuchRegion) -> Worded:
    return Worded(t("没有这个地区"), t("计划里没有「{region}」。", region=no.region), (doors.region(t("选地区")),))


@worded(card.CardUnknown)
def _(no: card.CardUnknown) -> Worded:
    return Worded(t("查不到这个会员码"), t("是 8 位数字,请对一遍;不行就请会员换一个码。"))


@worded(card.CardExpired)
def _(no: card.CardExpired) -> Worded:
    return Worded(t("这个会员码过期了"), t("{when}就失效了。请会员点「换一个码」。", when=no.expired_at))


@worded(card.CardUsed)
def _(no: card.CardUsed) -> Worded:
    return Worded(t("这个会员码用过了"), t("{when}用的,一个码只能用一次。请会员点「换一个码」。", when=no.used_at))


@worded(claims.ClaimCodeUnknown)
def _(no: claims.ClaimCodeUnknown) -> Worded:
    if no.left == 0:
        return Worded(t("认领码不对"), t("今天不能再试了。请向商户核对,明天再来。"))
    return Worded(t("认领码不对"), tn("请对一遍再发。今天还能试 {n} 次。", n=no.left))


@worded(claims.TooManyClaimCodes)
def _(no: claims.TooManyClaimCodes) -> Worded:
    return Worded(t("认领码试得太多了"), t("{when}后可以再试。请先向商户核对。", when=no.again_at))


@worded(succession.AccountInMotion)
def _(no: succession.AccountInMotion) -> Worded:
    return Worded(t("现在还不能认领"), t("账户里有 {points}正预留着,放开后再来。", points=Points(no.points)))


@worded(claims.NothingUnderPhone)
def _(no: claims.NothingUnderPhone) -> Worded:
    return Worded(t("这个手机号名下没有可认领的积分"), t("可能报的是别的号码,或已经认领过了。"))


@worded(walk_ins.PaperCardUnknown)
def _(no: walk_ins.PaperCardUnknown) -> Worded:
    return Worded(t("没有这张纸卡"), t("卡号 {number} 没有印过,请对一遍。", number=no.number))


@worded(walk_ins.BatchOutOfRange)
def _(no: walk_ins.BatchOutOfRange) -> Worded:
    return Worded(t("一批是 1 到 {most} 张", most=no.most), t("请再发一个数字。"))


@worded(points.PointsHeld)
def _(no: points.PointsHeld) -> Worded:
    return Worded(t("还有积分预留着"), t("{points} 用掉或放开后再来。", points=Points(no.points)))


@worded(claims.ClaimCodeTooShort)
def _(no: claims.ClaimCodeTooShort) -> Worded:
    return Worded(t("认领码太短"), tn("至少要 {n} 个字母或数字。", n=no.shortest))


@worded(claims.NoSuchAccount)
def _(no: claims.NoSuchAccount) -> Worded:
    return Worded(t("没有可认领的账户"), t("账户 {number} 不存在,或已被认领。", number=no.external_id))


@worded(operators.NoSuchRole)
def _(no: operators.NoSuchRole) -> Worded:
    return Worded(t("没有这个角色"), t("运营的角色有:{roles}。", roles=", ".join(operators.ROLES)))


@worded(operators.LastAdmin)
def _(no: operators.LastAdmin) -> Worded:
    return Worded(t("不能去掉最后一位管理员"), t("请先添加另一位管理员。"))


OPERATOR_ROLES: dict[str, Text] = {
    "admin": t("管理员"),
    "finance": t("财务"),
    "support": t("客服"),
    "auditor": t("审计"),
}
"""What operators' roles are called."""


@worded(operators.NotOperator)
def _(no: operators.NotOperator) -> Worded:
    if no.needed is None:
        return Worded(t("这是运营人员用的。"))
    return Worded(t("您的角色办不了这件事"), t("要有 {role} 角色。请找有它的同事。", role=OPERATOR_ROLES[no.needed]))
