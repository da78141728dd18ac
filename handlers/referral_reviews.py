"""Invitations that look like a pattern, as the operator decides them: whether each counts."""

from __future__ import annotations

from chat import desk, doors, operator_doors
from chat import families as people
from chat import referrals as words_of
from chat.arguments import number
from chat.feature import Feature
from chat.screen import BLANK, Button, Line, Screen, screen
from chat.turn import Turn
from chat.words import t, tn
from ledger.earning import referrals
from ledger.earning.referrals import Referral

feature = Feature("referral_reviews", order=93)

PER_PAGE = 6


@feature.tap("list", audience="operator")
async def list_(turn: Turn) -> Screen:
    """Lists what waits, the longest waiting first."""
    return await _list(turn)


async def _list(turn: Turn, *first: Line) -> Screen:
    await desk.demand(turn)
    turn.finish()
    found, n = await referrals.waiting(turn.tx, limit=PER_PAGE), await referrals.waiting_count(turn.tx)
    named = await people.names(turn, (id_ for each in found for id_ in (each.friend_id, each.inviter_id)))
    lines: list[Line] = [*first, *([BLANK] if first else []), t("<b>要看的邀请</b>")]
    lines.append(tn("{n} 个在等", n=n) if n else t("没有要看的。"))
    rows: list[list[Button | None]] = [
        [feature.button(t("{inviter} → {friend}", inviter=named[each.inviter_id], friend=named[each.friend_id]), "show",
                        each.friend_id)]
        for each in found
    ]  # fmt: skip
    return screen(lines, [*rows, [operator_doors.operator(t("返回")), doors.home()]])


@feature.tap("show", audience="operator")
async def show(turn: Turn, friend_id: str) -> Screen:
    """Opens one: who invited whom, and what looks like a pattern."""
    await desk.demand(turn)
    each = await _waiting(turn, number(friend_id))
    named = await people.names(turn, [each.friend_id, each.inviter_id])
    counts = await referrals.counts(turn.tx, each.inviter_id)
    lines: list[Line] = [
        t("<b>{inviter}</b> 邀请了 {friend}", inviter=named[each.inviter_id], friend=named[each.friend_id]),
        t("加入:{on}", on=each.joined_on),
        t("一共邀请 {n} 位,{done} 位已得分", n=sum(counts.values()), done=counts.get("rewarded", 0)),
        BLANK,
        *(words_of.SUSPECTS[suspect] for suspect in each.suspects),
    ]
    rows: list[list[Button | None]] = [
        [
            feature.button(t("算,给分"), "count", each.friend_id, style="primary"),
            feature.button(t("不算"), "refuse", each.friend_id),
        ],
        [feature.button(t("返回"), "list"), doors.home()],
    ]
    return screen(lines, rows)


async def _waiting(turn: Turn, friend_id: int) -> Referral:
    found = await referrals.of_friend(turn.tx, friend_id)
    if found is None or found.state != "review":
        raise referrals.ReferralDecided()
    return found


@feature.tap("count", audience="operator")
async def count(turn: Turn, friend_id: str) -> Screen:
    """Lets one count; both are rewarded and told."""
    await desk.demand(turn, "admin", "support")
    moved = await referrals.counted(turn.tx, turn.programme, number(friend_id), by=desk.actor(turn), at=turn.at)
    if moved is None:
        return await _list(turn, t("出分的商户现在发不了分,先放着,过后再点。"))
    for member_id, said, key in words_of.notices(moved):
        turn.tell(member_id, said, key=key)
    return await _list(turn, t("算了,分已给出。"))


@feature.tap("refuse", audience="operator")
async def refuse(turn: Turn, friend_id: str) -> Screen:
    """Lets one not count."""
    await desk.demand(turn, "admin", "support")
    await referrals.refused(turn.tx, number(friend_id), by=desk.actor(turn))
    return await _list(turn, t("没算。"))
