"""One-time links in words: the screen that hands one over, and why one can't be used."""

from __future__ import annotations

from urllib.parse import quote

from chat.refusals import Worded, worded
from chat.screen import Button, Line, Screen, screen
from chat.turn import Turn
from chat.words import t, tn
from ledger.members import invitations


def link_of(turn: Turn, purpose: str, token: str) -> str:
    """The link that carries a token."""
    return f"https://t.me/{turn.bot_username}?start={purpose}_{token}"


def handed_over(headline: Line, link: str, *rows: list[Button | None]) -> Screen:
    """A fresh link to be copied or passed on; `rows` lead back."""
    lines: list[Line] = [
        headline,
        t("<code>{link}</code>", link=link),
        tn("只能用一次,{n} 小时内有效。请只发给本人。", n=invitations.HOURS),
    ]
    share = Button(t("发给对方"), url=f"https://t.me/share/url?url={quote(link, safe='')}")
    return screen(lines, [[Button(t("复制链接"), copy=link), share], *rows], protect=True)


@worded(invitations.InvitationUnknown)
def _(no: invitations.InvitationUnknown) -> Worded:
    return Worded(t("这个邀请链接不对"), t("请让邀请您的人重新发一个。"))


@worded(invitations.InvitationUsed)
def _(no: invitations.InvitationUsed) -> Worded:
    return Worded(t("这个邀请链接用过了"), t("{when} 用的,一个链接只能用一次。请让邀请您的人重新发。", when=no.used_at))


@worded(invitations.InvitationEnded)
def _(no: invitations.InvitationEnded) -> Worded:
    return Worded(t("这个邀请链接过期了"), t("有效到 {when}。请让邀请您的人重新发。", when=no.ended_at))
