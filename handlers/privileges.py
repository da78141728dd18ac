"""My privileges: what I have now, how often I can still use it, what I nearly have and what is missing."""

from __future__ import annotations

from collections.abc import Sequence

from chat import doors, known, privilege_words
from chat import privileges as till_words
from chat import tiers as tier_words
from chat.arguments import number
from chat.feature import Feature
from chat.screen import BLANK, Button, Line, Screen, screen
from chat.turn import Turn
from chat.words import Text, t, tn
from ledger.redeeming import may_use as m
from ledger.redeeming import privilege_uses, privileges
from ledger.redeeming.may_use import No, Yes
from ledger.redeeming.privileges import Seen

feature = Feature("privileges", order=37, on_account=True)

PER_PAGE = 5
USED_SHOWN = 10


@feature.command("privileges", t("我的权益"), said="权益,特权,会员权益,privilege,perks,benefits")
async def command(turn: Turn, words: str = "") -> Screen:
    """Shows the privileges."""
    return await list_(turn)


@feature.tap("list")
async def list_(turn: Turn, page: str = "0") -> Screen:
    """Shows a page of privileges: those I have first, then those that are nearest."""
    turn.finish()
    lines: list[Line]
    await tier_words.look(turn, turn.me.id)
    seen = await privileges.judged(turn.tx, turn.me.id, await privileges.everywhere(turn.tx), today=turn.today)
    if any(
        isinstance(no, m.MemberMayNotUse)
        for each in seen
        if isinstance(each.verdict, No)
        for no in each.verdict.reasons
    ):
        lines = [t("账户已冻结,暂时用不了权益"), t("请联系客服解冻,解冻后照旧。")]
        return screen(lines, [[feature.button(t("用过的"), "used"), doors.home()]])
    mine = [each for each in seen if isinstance(each.verdict, Yes)]
    rest = sorted((each for each in seen if within_sight(each)), key=far)
    shown = [*mine, *rest]
    at = min(number(page), max(0, len(shown) - 1) // PER_PAGE)
    here = shown[at * PER_PAGE : (at + 1) * PER_PAGE]
    lines = [headline(len(mine)) if shown else t("这里还没有会员权益。")]
    for one in here:
        if one is here[0] or (rest and one is rest[0]):
            lines += [BLANK] if isinstance(one.verdict, Yes) or not mine else [BLANK, t("<b>现在还不能用</b>")]
        lines += privilege_words.card(one)
    if mine:
        lines += [BLANK, t("结账时出示会员码,收银员来点。积分不扣。")]
    elif not shown:
        lines.append(t("有的商户凭持有的积分或等级给优惠,以后在这里看。"))
    rows: list[list[Button | None]] = [
        [
            feature.button(t("上一页"), "list", at - 1) if at else None,
            feature.button(t("下一页"), "list", at + 1) if len(shown) > (at + 1) * PER_PAGE else None,
        ],
        [
            doors.card(),
            doors.tier(t("看等级")) if turn.programme.tiers else None,
        ],
        [elsewhere(here)],
        [feature.button(t("用过的"), "used") if shown else None, doors.home()],
    ]
    return screen(lines, rows)


@feature.tap("used", reads_only=True)
async def used(turn: Turn) -> Screen:
    """Shows what was used last, newest first: what limits count, and what was undone."""
    found = await privilege_uses.of_member(turn.tx, turn.me.id, limit=USED_SHOWN)
    names = await known.read(turn.tx)
    lines: list[Line] = [t("<b>用过的权益</b>")]
    for use in found:
        facts = {
            "when": use.used_at,
            "what": privilege_words.label(use.privilege),
            "merchant": names.merchant(use.merchant_id),
        }
        lines.append(t("{when} · {merchant}", **facts))
        if use.undone_at is not None:
            lines.append(t("· {what},撤回了,不算", **facts))
        elif use.before_minor is not None:
            lines.append(t("· {what},{paid}", **facts, paid=till_words.paid(use)))
        else:
            lines.append(t("· {fact}", fact=facts["what"]))
    if not found:
        lines.append(t("还没有用过。结账时出示会员码就能用。"))
    return screen(lines, [[feature.button(t("返回"), "list", 0), doors.home()]])


def headline(count: int) -> Text:
    """How many there are, the number first."""
    return tn("<b>{n} 项权益</b>现在能用", n=count) if count else t("<b>现在还没有能用的权益</b>")


def elsewhere(shown: Sequence[Seen]) -> Button | None:
    """The way to saying where one lives, where one of these is another region's."""
    reasons = [no for each in shown if isinstance(each.verdict, No) for no in each.verdict.reasons]
    no = next((no for no in reasons if isinstance(no, m.RegionNeeded)), None)
    return None if no is None else doors.region(t("改地区") if no.told else t("填地区"))


def within_sight(one: Seen) -> bool:
    """Whether something that a member can do, or wait for, would bring it."""
    if isinstance(one.verdict, Yes):
        return False
    return all(
        isinstance(no, m.TierNeeded | m.RegionNeeded | m.HoldingShort | m.UsedUp | m.PrivilegeNotYet)
        for no in one.verdict.reasons
    )


def far(one: Seen) -> tuple[float, int]:
    """Nearest first: what is only used up or not yet there, then by the share of points that is missing, then tiers."""
    assert isinstance(one.verdict, No)
    reasons = one.verdict.reasons
    share = max((no.lacking / no.needed for no in reasons if isinstance(no, m.HoldingShort)), default=0.0)
    share += sum(isinstance(no, m.TierNeeded | m.RegionNeeded) for no in reasons)
    return (share, one.listed.id)
