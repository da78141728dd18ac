"""What the bot can do: made from what the features declare, so it can't fall behind them."""

from __future__ import annotations

from chat import doors
from chat.feature import Audience, Command, Feature, discover
from chat.screen import BLANK, Button, Line, Screen, screen
from chat.turn import Turn
from chat.words import t
from ledger.members.member import Member

feature = Feature("help", order=95)


def is_for(command: Command, member: Member | None) -> bool:
    """Whether a command is shown to this person."""
    if member is None:
        return command.shown_to(["anyone"], [])
    audiences: list[Audience] = ["anyone", "member"]
    audiences += ["staff"] if member.staff_of else []
    audiences += ["operator"] if member.operator else []
    return command.shown_to(audiences, [role for _, role in member.staff_of])


@feature.command("help", t("能做什么"), audience="anyone", said="帮助,投诉,怎么用,客服,人工,说明,help,support")
async def help_(turn: Turn, words: str = "") -> Screen:
    """Lists the commands that are of use to this person."""
    return await show(turn)


@feature.tap("show", audience="anyone")
async def show(turn: Turn) -> Screen:
    """Lists the commands that are of use to this person."""
    lines: list[Line] = [t("<b>能做什么</b>")]
    for each in discover():
        for command in each.commands:
            if is_for(command, turn.member):
                lines.append(t("/{command} {what}", command=command.name, what=command.description))
    lines += [BLANK, t("出了问题,把那条消息里的编号告诉客服,他们能查到。")]
    rows: list[list[Button | None]] = (
        [[doors.catalog(), doors.card()], [doors.home()]] if turn.member else [[doors.join()]]
    )
    return screen(lines, rows)
