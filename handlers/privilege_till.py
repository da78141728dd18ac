"""A privilege at the till: whoever's card was just scanned, what applies, the amount where there is one, one tap.

It serves whoever the award's screen serves. What the confirm screen said is kept in the dialogue, with the nonce of its button: two
taps are one use. What was paid goes on to the award by one more tap.
"""

from __future__ import annotations

from typing import NamedTuple

from chat import amounts, desk_doors, privilege_words, privileges, till
from chat.arguments import number
from chat.feature import Feature
from chat.offers import both
from chat.screen import Button, Line, Screen, screen
from chat.till import Post
from chat.turn import Turn
from chat.words import Money, Text, t
from ledger.redeeming import privilege_uses
from ledger.redeeming.may_use import No, PrivilegePaused, Yes, may_use
from ledger.redeeming.privilege_uses import Use
from ledger.redeeming.privileges import Seen

feature = Feature("privilege_till", order=72)

SERVING = ("merchant", "member", "at", "kind", "shown")
"""What the dialogue keeps of whoever is being served, as the award does."""
SHOWN_MOST = 12


class Serving(NamedTuple):
    """Who is being served where, and what they are called at the till."""

    post: Post
    member_id: int
    name: Text | str


@feature.tap("all")
async def all_(turn: Turn) -> Screen:
    """Shows every privilege here: what may be used now as buttons, and why the others may not."""
    now = await serving(turn)
    if isinstance(now, Screen):
        return now
    turn.goto(feature.at("choose"), **kept(turn))
    seen = await privileges.offered(turn, now.post, now.member_id)
    ready = [each for each in seen if isinstance(each.verdict, Yes)]
    lines: list[Line] = [t("会员 <b>{name}</b>", name=now.name)]
    if len(ready) < len(seen):
        lines.append(t("现在用不了的:"))
    for each in [each for each in seen if isinstance(each.verdict, No)][:SHOWN_MOST]:
        assert isinstance(each.verdict, No)
        why = privilege_words.at_till(each.verdict.reasons[0])
        lines.append(t("{what}:{why}", what=privilege_words.label(each.listed.privilege), why=why))
    if not seen:
        lines.append(t("这家店现在没有会员权益。"))
    rows: list[list[Button | None]] = [
        [feature.button(privilege_words.label(each.listed.privilege), "pick", each.listed.id)]
        for each in ready[:SHOWN_MOST]
    ]
    return screen(lines, [*rows, [desk_doors.award_amount(t("返回")), cancel_button()]])


@feature.step("choose")
async def typed_at_choose(turn: Turn, said: str) -> Screen:
    """Asks again for a tap: nothing is typed here."""
    return await all_(turn)


@feature.tap("pick")
async def pick(turn: Turn, privilege: str) -> Screen:
    """Asks for the amount that less is paid for; where nothing is to pay, for the tap alone."""
    now = await serving(turn)
    if isinstance(now, Screen):
        return now
    now.post.staff.demand("give_privileges")
    one = await chosen(turn, now, number(privilege))
    if one.listed.privilege.gives.kind == "free":
        return await confirm(turn, now, one, None)
    turn.goto(feature.at("amount"), **kept(turn), privilege=one.listed.id)
    lines: list[Line] = [
        t("<b>{what}</b> · 会员 {name}", what=privilege_words.label(one.listed.privilege), name=now.name),
        t("{what}原价多少?把金额发给我,比如 128.5", what=both(one.listed.privilege.name)),
        *privilege_words.amounts(one.listed.privilege, one.listed.money),
    ]
    return screen(lines, [[desk_doors.award_amount(t("返回")), cancel_button()]])


@feature.step("amount")
async def amount_typed(turn: Turn, said: str) -> Screen:
    """Takes the amount and shows what is left to pay, before anything is written."""
    now = await serving(turn)
    if isinstance(now, Screen):
        return now
    minor = amounts.parse(said)
    if minor is None:
        most = Money(amounts.LARGEST_MINOR, now.post.merchant.money)
        lines: list[Line] = [
            t("这个金额我没看懂。"),
            t("请只发数字,最多两位小数,比如 128.5;一笔最多 {most}。", most=most),
        ]
        return screen(lines, [[desk_doors.award_amount(t("返回")), cancel_button()]])
    return await confirm(turn, now, await chosen(turn, now, turn.dialogue.data["privilege"]), minor)


@feature.step("confirm")
async def typed_instead(turn: Turn, said: str) -> Screen:
    """Takes another amount in place of the one that waits for its tap."""
    return await amount_typed(turn, said) if turn.dialogue.data.get("amount") is not None else await all_(turn)


async def confirm(turn: Turn, now: Serving, one: Seen, minor: int | None) -> Screen:
    """What goes and what is left, with the button that does it."""
    verdict = may_use(one.listed, one.facts, today=turn.today, amount_minor=minor)
    if isinstance(verdict, No):
        raise verdict.reasons[0]
    nonce, said = turn.nonce(), one.listed.privilege
    shown = {"version": one.listed.version, "after": verdict.after_minor, "amount": minor}
    turn.goto(feature.at("confirm"), **kept(turn), privilege=one.listed.id, nonce=nonce, **shown)
    yes = feature.button(t("确认"), "yes", now.post.merchant.id, nonce, style="primary")
    facts = {"name": now.name, "what": privilege_words.label(said)}
    left = privilege_words.left(said, verdict)
    lines: list[Line | None]
    if minor is None or verdict.after_minor is None:
        lines = [t("<b>{what}</b> · 会员 {name}", **facts), left]
        return screen(lines, [[yes, desk_doors.award_amount(t("返回")), cancel_button()]])
    money = one.listed.money
    before, after = Money(minor, money), Money(verdict.after_minor, money)
    lines = [
        t("<b>{before} → {after}</b>", before=before, after=after),
        t("{what} · 会员 {name}", **facts),
        t("少收 {off},积分不扣", off=Money(minor - verdict.after_minor, money)),
        left,
    ]
    again = feature.button(t("改金额"), "pick", one.listed.id)
    return screen(lines, [[yes, again], [desk_doors.award_amount(t("返回")), cancel_button()]])


@feature.tap("yes")
async def yes(turn: Turn, merchant: str, nonce: str) -> Screen:
    """Uses what was shown, tells the member, and shows the cashier what was done; a second tap shows the same."""
    post = await till.post_at(turn, number(merchant))
    before = await privilege_uses.find(turn.tx, post.merchant.id, nonce)
    if before is not None:
        return await done(turn, post, before, await till.customer(turn, before.member_id))
    data = turn.dialogue.data
    if turn.dialogue.state != feature.at("confirm") or data.get("nonce") != nonce:
        return stale()
    now = await serving(turn)
    if isinstance(now, Screen):
        return now
    await privileges.offered(turn, post, now.member_id)  # their tier may have ended since the card was shown
    use, new = await privilege_uses.use(
        turn.tx,
        post.staff,
        now.member_id,
        data["privilege"],
        (data["version"], data["after"]),
        amount_minor=data["amount"],
        nonce=nonce,
        shift=await till.shift(turn, post),
        at=turn.at,
    )
    turn.goto(feature.at("done"), **kept(turn), use=use.id)
    if new:
        turn.tell(
            use.member_id, privileges.used_notice(use, post.merchant, await privileges.still(turn, use)), key=use.key
        )
    return await done(turn, post, use, now.name)


@feature.step("done")
async def typed_after(turn: Turn, said: str) -> Screen:
    """Shows what was done: what comes next is a tap."""
    use = await privilege_uses.by_id(turn.tx, turn.dialogue.data["use"])
    return await done(turn, await till.post_at(turn, use.merchant_id), use, await till.served_name(turn))


@feature.tap("cancel")
async def cancel(turn: Turn) -> Screen:
    """Leaves without having used anything."""
    turn.finish()
    return screen([t("好的,没有用。")], [[desk_doors.award(t("下一位")), desk_doors.counter()]])


async def done(turn: Turn, post: Post, use: Use, name: Text | str) -> Screen:
    """What was used, with the ways on: awarding on what was paid, another privilege, taking it back while there is time."""
    facts = {
        "what": privilege_words.label(use.privilege),
        "name": name,
        "number": str(use.id),
    }
    standing, after = use.undone_at is None, use.after_minor
    lines: list[Line | None] = [
        t(
            "收 <b>{after}</b>(原价 {before})",
            after=Money(after, use.money),
            before=Money(use.before_minor or 0, use.money),
        )
        if after is not None
        else t("用好了:<b>{what}</b>", **facts),
        t("{what} · 会员 {name}", **facts) if after is not None else t("会员 {name}", **facts),
        t("权益单 {number}", **facts),
        await till.told(turn, use.member_id) if standing else t("{when} 撤回", when=use.undone_at),
    ]
    minutes = turn.programme.take_back_minutes
    may = privilege_uses.may_undo(use, post.staff, minutes=minutes, at=turn.at)
    here = till.served(turn) is not None and standing
    award = (
        desk_doors.award_paid(t("按 {after} 记积分", after=Money(after, use.money)), after)
        if after
        else desk_doors.award_amount(t("接着记积分"))
    )
    rows: list[list[Button | None]] = [
        [award if here else None],
        [feature.button(t("再用一项"), "all") if here else None, desk_doors.award(t("下一位"), post.merchant.id)],
        [desk_doors.undo_privilege(t("撤回这次"), use.id) if may else None, desk_doors.counter()],
    ]
    return screen(lines, rows)


async def chosen(turn: Turn, now: Serving, privilege_id: int) -> Seen:
    """The privilege that was tapped, as it is now for whoever is being served; why it may not be used is raised."""
    seen = await privileges.offered(turn, now.post, now.member_id)
    one = next((each for each in seen if each.listed.id == privilege_id), None)
    if one is None:
        raise PrivilegePaused(now.post.merchant.id)
    if isinstance(one.verdict, No):
        raise one.verdict.reasons[0]
    return one


def kept(turn: Turn) -> dict[str, object]:
    """What goes on from screen to screen: who is being served."""
    return {key: turn.dialogue.data[key] for key in SERVING if key in turn.dialogue.data}


async def serving(turn: Turn) -> Serving | Screen:
    """Whoever is being served; what is said where nobody is, or not any more."""
    found = till.served(turn)
    if found is None:
        lines: list[Line] = [t("请会员先出示会员码。"), t("扫了码才知道有哪些权益。")]
        return screen(lines, [[desk_doors.award(t("扫会员码")), desk_doors.counter()]])
    member_id, too_old = found
    if too_old:
        turn.finish()
        lines = [t("会员码扫过太久了,没有用。"), t("请会员再出示一次会员码。")]
        return screen(lines, [[desk_doors.award(t("扫会员码")), desk_doors.counter()]])
    post = await till.post_at(turn, turn.dialogue.data["merchant"])
    return Serving(post, member_id, await till.served_name(turn))


def cancel_button() -> Button:
    """The way out."""
    return feature.button(t("取消"), "cancel", style="danger")


def stale() -> Screen:
    """A confirm screen that another one has replaced."""
    lines: list[Line] = [t("这一次已经不在了,没有用。"), t("可能改过金额,或已经换了下一位。")]
    return screen(lines, [[desk_doors.award(t("扫会员码")), desk_doors.counter()]])
