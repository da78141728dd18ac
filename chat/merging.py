"""Two accounts made one, in words: what is in the way, what went over, what both sides hear, and why something can't be done."""

from __future__ import annotations

from collections.abc import Iterable

from chat import doors
from chat.known import Known
from chat.refusals import Worded, worded
from chat.screen import Button, Line, Screen, screen
from chat.words import Text, t, tn
from ledger.points.commands import Receipt
from ledger.redeeming import merging
from ledger.redeeming.merging import Merge, Moved, Obstacle

OBSTACLES: dict[Obstacle, Text] = {
    "gone": t("这个账户没在用,或者没有 Telegram"),
    "own": t("这是您自己的账户,请别的同事来办"),
    "operator": t("是运营人员:先撤掉权限"),
    "staff": t("是商户员工:先请店主移除"),
    "company": t("在用公司账户:先从公司移除"),
    "held": t("有预留中的积分或正在选的时间:等它办完或取消"),
    "has_merged": t("刚有别的账户并进来,还能分开:过后再并"),
}


def came_over(names: Known, receipts: Iterable[Receipt]) -> list[Line]:
    """What went from one account to another, currency by currency, debts as well."""
    lines: list[Line] = []
    for receipt in receipts:
        if receipt.points:
            lines.append(t("+{points}", points=names.points(receipt.currency, receipt.points)))
        if owed := receipt.facts.get("deficit"):
            owing = names.points(receipt.currency, owed)
            lines.append(t("之前退货欠的 {points} 一起转来,下次在那里得的分先补上", points=owing))
    return lines


def object_button(merge: Merge) -> Button:
    """Saying that it is wrong."""
    return Button(t("不对,请分开"), data=f"merged:object:{merge.id}")


def told_merged(names: Known, moved: Moved) -> list[tuple[int, Screen]]:
    """Who hears what of a merge."""
    made = moved.merge
    over = [*came_over(names, moved.receipts), *vouchers(moved.vouchers)]
    ways: list[list[Button | None]] = [[object_button(made)]]
    gone: list[Line] = [
        t("<b>这个账户并进了您的另一个账户</b>"),
        *over,
        t("有效期不变,以后请在那边用。"),
        *until(made),
    ]
    come: list[Line] = [t("<b>您的另一个账户并进来了</b>"), *over, t("有效期不变。"), *until(made)]
    return [(made.from_id, screen(gone, ways)), (made.into_id, screen(come, [*ways, [doors.home()]]))]


def until(made: Merge) -> list[Line]:
    """Why, and until when it can be undone."""
    return [t("原因:{reason}", reason=made.reason), t("不是您要的?到 {until}为止都能分开。", until=made.undo_until)]


def vouchers(n: int) -> list[Line]:
    """How many vouchers went along; nothing for none."""
    return [tn("券 {n} 张", n=n)] if n else []


def told_parted(names: Known, moved: Moved) -> list[tuple[int, Screen]]:
    """Who hears what when the two are parted."""
    made = moved.merge
    back = [*came_over(names, moved.receipts), *vouchers(moved.vouchers)]
    ways: list[list[Button | None]] = [[doors.home()]]
    again: list[Line] = [t("<b>您的账户分开了,又能用了</b>"), *(back or [t("没有还在的积分。")])]
    left: list[Line] = [t("<b>并进来的账户分开了</b>"), *([t("下面这些回到了那边:")] if back else []), *back]
    return [(made.from_id, screen(again, ways)), (made.into_id, screen(left, ways))]


@worded(merging.NoSuchNumber)
def _(no: merging.NoSuchNumber) -> Worded:
    return Worded(t("没有账户是这个编号"), t("请会员在「认领原有积分 → 我有两个账户」里再复制一次。"))


@worded(merging.SameAccount)
def _(no: merging.SameAccount) -> Worded:
    return Worded(t("两个编号是同一个账户"))


@worded(merging.CannotMerge)
def _(no: merging.CannotMerge) -> Worded:
    return Worded(t("现在不能合并"), OBSTACLES[no.obstacle])


@worded(merging.MergeReasonNeeded)
def _(no: merging.MergeReasonNeeded) -> Worded:
    return Worded(t("要写明原因"), tn("写 1 到 {n} 个字,两边都会看到。", n=no.longest))


@worded(merging.NoSuchMerge)
def _(no: merging.NoSuchMerge) -> Worded:
    return Worded(t("没有这次合并"))


@worded(merging.MergeUndone)
def _(no: merging.MergeUndone) -> Worded:
    return Worded(t("已经分开了"))


@worded(merging.MergeFinal)
def _(no: merging.MergeFinal) -> Worded:
    return Worded(t("{until}之后不能再分开", until=no.until))
