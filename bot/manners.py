"""What the edge itself says, where no feature speaks: not understood, out of date, not for you, broken."""

from __future__ import annotations

from chat import doors
from chat.refusals import wording
from chat.screen import Button, Screen, screen
from chat.words import Text, t
from ledger.errors import Refusal

STALE: Text = t("这个按钮已经过期,这是最新的")
STALE_IN_GROUP: Text = t("请在私聊里操作")
NOT_TO_PAY: Text = t("这张账单已经不能付了,没有扣款。")


def not_understood() -> Screen:
    """Text that belongs to no conversation, or a command nobody knows."""
    return screen(
        [t("这句话我没看懂。"), t("您可以点下面的按钮,也可以发 /help 看看都能做什么。")],
        [[doors.catalog(), doors.card()], [doors.history(), doors.home()]],
    )


def cancelled() -> Screen:
    """A conversation was left, or there was none."""
    return screen([t("好的,没有进行中的操作了。")], [[doors.home()]])


def not_for_you(audience: str) -> Screen:
    """A command of staff or operators, sent by somebody else."""
    said = t("这是商户员工用的。") if audience == "staff" else t("这是运营人员用的。")
    return screen([said], [[doors.home()]])


def join_first() -> Screen:
    """Somebody who has not joined, where no feature offers joining."""
    return screen([t("请先加入,再来使用。发 /start 开始。")])


def join_to_pass_on() -> Screen:
    """Who has no account here, in place of what they could pass on."""
    return screen([t("先加入,再邀请朋友")])


def in_group(bot_username: str) -> Screen:
    """A command sent in a group: points are nobody else's business."""
    return screen([t("积分是您自己的事,我们私聊。")], [[Button(t("打开私聊"), url=f"https://t.me/{bot_username}")]])


def refused(refusal: Refusal) -> Screen:
    """A refusal in its own words, with the way back to the main screen added.

    Raises:
        KeyError: nobody worded it.
    """
    said = wording(refusal).screen()
    if any(button.data == doors.home().data for row in said.rows for button in row):
        return said
    return screen(said.lines, [*said.rows, [doors.home()]])


def broken(code: str) -> Screen:
    """Something failed for good; the code is what an operator finds it by."""
    return screen(
        [
            t("没办成,您的积分没有变动。"),
            t("请稍后再试;一直不行,把编号 <code>{code}</code> 告诉客服。", code=code),
        ],
        [[doors.home()]],
    )
