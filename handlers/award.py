"""Awarding points at the till: a member's card, an amount, what it gives, one tap.

A customer without Telegram is known by a paper card or a phone number; at its first use the cashier says that they agreed.
The card's code is used up when it is read, so whoever is being served is kept in the dialogue, for `till.CARD_MINUTES`. The confirm
button carries a nonce, under which the award is booked: two taps, or a tap delivered twice, are one award.
"""

from __future__ import annotations

from chat import amounts, arithmetic, declines, desk_doors, doors, known, privileges, receipts, tiers, till
from chat.arguments import number
from chat.feature import Feature
from chat.refusals import wording
from chat.screen import BLANK, Button, Line, Screen, screen
from chat.till import Post
from chat.turn import Turn
from chat.words import Both, Money, t
from ledger.earning import awards, purchases
from ledger.earning.intake import Intended
from ledger.earning.purchases import Purchase
from ledger.earning.rules.decision import Decision
from ledger.errors import Refusal
from ledger.members import card, walk_ins
from ledger.members.walk_ins import Handle
from ledger.merchants import authority, paid_tiers
from ledger.merchants.cover import CoverExhausted
from ledger.merchants.merchant import available_on

feature = Feature("award", order=71)

SERVING = ("merchant", "member", "at", "kind", "shown")
"""What the dialogue keeps of whoever is being served, whatever is done for them."""


@feature.command("award", t("给会员记积分"), audience="staff", said="记分,加积分,记积分")
async def command(turn: Turn, words: str = "") -> Screen:
    """Begins an award; «/award 12345678» with the card's code at once."""
    return await begin(turn, None, words)


@feature.tap("start")
async def start(turn: Turn, merchant: str = "0", code: str = "") -> Screen:
    """Begins an award at a merchant's till."""
    return await begin(turn, number(merchant), code)


@feature.link("c")
async def scanned(turn: Turn, token: str) -> Screen:
    """Begins an award with the card that a phone's camera read."""
    if not turn.me.staff_of and walk_ins.read(token) is not None:
        paper = [t("这是一张纸卡,结账时给收银员扫。"), t("要把卡上的积分归到您名下,请用藏在卡里的认领码认领。")]
        return screen(paper, [[doors.claim(t("认领"))], [doors.home()]])
    if not turn.me.staff_of:
        lines: list[Line] = [
            t("这是一张会员码,收银员扫了才有用。"),
            t("您自己的会员码在这里,结账时出示就能得分。"),
        ]
        return screen(lines, [[doors.card(), doors.home()]])
    return await begin(turn, None, token)


@feature.hears("staff")
async def heard(turn: Turn, said: str) -> Screen | None:
    """A card's code that was typed or scanned without a word before it."""
    return await begin(turn, None, said) if card.typed(said) or walk_ins.read(said) else None


async def begin(turn: Turn, merchant_id: int | None, code: str) -> Screen:
    """Finds the till, then the card, as far as they are given."""
    found = await till.place(turn, merchant_id)
    if isinstance(found, list):
        paper = walk_ins.read(code)
        typed = card.typed(code) or (paper.digits if paper is not None and paper.kind == "card" else "")
        return till.choose(found, lambda label, at: feature.button(label, "start", at, *([typed] if typed else [])))
    found.staff.demand("award")
    turn.goto(feature.at("card"), merchant=found.merchant.id)
    return await read_card(turn, found, code) if code else ask_card(found)


def ask_card(post: Post) -> Screen:
    """Asks for the member's card."""
    lines: list[Line] = [
        t("<b>记积分</b> · {merchant}", merchant=post.where),
        t("请会员打开会员码,扫它,或者把 8 位数字发给我。"),
        t("没有 Telegram 的顾客:发纸卡上的 12 位卡号,或手机号。"),
    ]
    return screen(lines, [[desk_doors.counter(t("返回"))]])


@feature.step("card")
async def card_typed(turn: Turn, said: str) -> Screen:
    """Takes the card's code as typed."""
    return await read_card(turn, await post_of(turn), said)


async def read_card(turn: Turn, post: Post, said: str) -> Screen:
    """Finds whose card it is and asks for the amount. What is no good card is said, and the next one is awaited."""
    back = [[feature.button(t("重新扫码"), "start", post.merchant.id), desk_doors.counter(t("返回"))]]
    try:
        shown = await till.shown_by(turn, post, said)
    except Refusal as no:
        return screen(wording(no).screen().lines, back)
    if shown is None:
        return screen(till.NO_CARD, back)
    if shown.member_id is not None:
        return await serve(turn, post, shown.member_id, shown.known_by)
    assert shown.known_by is not None, "a code from a chat is somebody's"
    return first_use(turn, post, shown.known_by)


def first_use(turn: Turn, post: Post, handle: Handle) -> Screen:
    """A card or phone that no till has seen: the customer hears the terms, and the cashier says that they agreed."""
    turn.goto(feature.at("terms"), merchant=post.merchant.id, handle=walk_ins.sealed(turn.vault, handle))
    programme = turn.programme
    lines: list[Line] = [
        t("<b>{name}</b> 第一次用", name=till.walk_in(handle.kind, handle.shown)),
        t("积分先记在它名下,顾客以后可以在 Telegram 里认领。请顾客先听一遍条款要点:"),
        t("{terms}", terms=Both(programme.terms_zh, programme.terms_en)),
    ]
    yes = feature.button(t("顾客同意"), "agreed", style="primary")
    return screen(lines, [[yes, feature.button(t("取消"), "cancel", style="danger")]])


@feature.tap("agreed")
async def agreed(turn: Turn) -> Screen:
    """Opens the account of a card or phone, and goes on to the amount."""
    if turn.dialogue.state != feature.at("terms"):
        return stale()
    post = await post_of(turn)
    post.staff.demand("award")
    handle = walk_ins.unsealed(turn.vault, turn.dialogue.data["handle"])
    member_id = await walk_ins.open_account(
        turn.tx,
        turn.vault,
        handle,
        merchant_id=post.merchant.id,
        terms=turn.programme.terms_version,
        by=post.staff.actor,
        now=turn.now,
    )
    return await serve(turn, post, member_id, handle)


@feature.step("terms")
async def typed_before_agreeing(turn: Turn, said: str) -> Screen:
    """Takes another card in place of the one whose customer has not agreed yet."""
    return await read_card(turn, await post_of(turn), said)


async def serve(turn: Turn, post: Post, member_id: int, handle: Handle | None = None) -> Screen:
    """Asks for the amount. Who came by a number is called by it, whoever that number belongs to."""
    known_by = {} if handle is None else {"kind": handle.kind, "shown": handle.shown}
    turn.goto(feature.at("amount"), merchant=post.merchant.id, member=member_id, at=turn.now.isoformat(), **known_by)
    return await ask_amount(turn)


async def ask_amount(turn: Turn) -> Screen:
    """Asks what was paid by whoever is being served."""
    usable, buttons = await privileges.beside(turn, await post_of(turn), turn.dialogue.data["member"])
    lines: list[Line | None] = [
        t("会员 <b>{name}</b>", name=await till.served_name(turn)),
        t("收了多少钱?把金额发给我,比如 128.5"),
        usable,
    ]
    return screen(lines, [*buttons, [await sells_tiers(turn), feature.button(t("取消"), "cancel", style="danger")]])


async def sells_tiers(turn: Turn) -> Button | None:
    """The way to selling a tier to whoever is being served, where this till sells any."""
    if not any(tier.fee for tier in turn.programme.tiers):
        return None
    post = await post_of(turn)
    return desk_doors.sell_tiers() if paid_tiers.sold_by(turn.programme, post.merchant) else None


@feature.tap("amount")
async def amount(turn: Turn) -> Screen:
    """Goes back to the amount for whoever is being served."""
    if till.served(turn) is None:
        return stale()
    serve_on(turn)
    return await ask_amount(turn)


def serve_on(turn: Turn) -> None:
    """Back to where the amount is typed, of what was kept with whoever is being served alone."""
    data = turn.dialogue.data
    turn.goto(feature.at("amount"), **{key: data[key] for key in SERVING if key in data})


@feature.tap("paid")
async def paid(turn: Turn, minor: str) -> Screen:
    """Shows what an amount gives that was paid a moment ago, less what a privilege took off."""
    if till.served(turn) is None:
        return stale()
    serve_on(turn)
    return await amount_typed(turn, f"{number(minor) // 100}.{number(minor) % 100:02d}")


@feature.step("amount")
async def amount_typed(turn: Turn, said: str) -> Screen:
    """Takes the amount and shows what it gives, before anything is written."""
    post = await post_of(turn)
    member_id, too_old = served(turn)
    if too_old:
        return await card_too_old(turn, post)
    cancel = feature.button(t("取消"), "cancel", style="danger")
    minor = amounts.parse(said)
    if minor is None:
        most = Money(amounts.LARGEST_MINOR, post.merchant.money)
        lines: list[Line] = [
            t("这个金额我没看懂。"),
            t("请只发数字,最多两位小数,比如 128.5;一笔最多 {most}。", most=most),
        ]
        return screen(lines, [[cancel]])
    nonce = turn.nonce()
    one = await intended(turn, post, member_id, minor, nonce)
    decision = await awards.quote(turn.tx, post.staff, one, today=turn.today, zone=turn.zone, vault=turn.vault)
    turn.goto(feature.at("confirm"), **{**turn.dialogue.data, "amount": minor, "nonce": nonce})
    yes = feature.button(t("确认"), "yes", post.merchant.id, nonce, style="primary")
    rows = [[yes, feature.button(t("改金额"), "change", nonce), cancel]]
    return screen(await offer_lines(turn, post, minor, decision), rows)


@feature.step("confirm")
async def typed_instead(turn: Turn, said: str) -> Screen:
    """Takes another amount in place of the one that waits for its tap."""
    return await amount_typed(turn, said)


@feature.tap("change")
async def change(turn: Turn, nonce: str) -> Screen:
    """Asks for another amount for the same member."""
    if turn.dialogue.data.get("nonce") != nonce:
        return stale()
    data = {key: said for key, said in turn.dialogue.data.items() if key not in ("amount", "nonce")}
    turn.goto(feature.at("amount"), **data)
    return await ask_amount(turn)


@feature.tap("cancel")
async def cancel(turn: Turn) -> Screen:
    """Leaves without having written anything."""
    turn.finish()
    return screen([t("好的,这笔没有记。")], [[desk_doors.award(t("下一位")), desk_doors.counter()]])


@feature.tap("yes")
async def confirm(turn: Turn, merchant: str, nonce: str) -> Screen:
    """Awards, tells the member, and shows the cashier what was done; a second tap shows the same."""
    post = await till.post_at(turn, number(merchant))
    known_already = await purchases.find(turn.tx, post.merchant.id, awards.document_of(nonce))
    if known_already is not None:
        return await done(turn, post, known_already)
    data = turn.dialogue.data
    if turn.dialogue.state != feature.at("confirm") or data.get("nonce") != nonce:
        return stale()
    member_id, too_old = served(turn)
    if too_old:
        return await card_too_old(turn, post)
    one = await intended(turn, post, member_id, data["amount"], nonce)
    booked = await awards.award(turn.tx, post.staff, one, at=turn.at, zone=turn.zone, vault=turn.vault)
    if isinstance(booked, CoverExhausted):
        return await declined(turn, post, one, booked)
    turn.finish()
    if booked.receipt is not None:
        await receipts.tell(turn, booked.receipt)
        await tiers.look(turn, booked.purchase.member_id)
    return await done(turn, post, booked.purchase)


async def declined(turn: Turn, post: Post, one: Intended, no: CoverExhausted) -> Screen:
    """Cover does not reach for it: the member hears so, the cashier may try again. What was typed stays for that."""
    turn.tells += await declines.tells(turn.tx, [one.key], now=turn.now)
    said = wording(no)
    lines: list[Line | None] = [
        said.headline,
        said.detail,
        t(
            "会员 {name} · {amount}",
            name=await till.served_name(turn),
            amount=Money(one.bill.net_minor, one.bill.money),
        ),
    ]
    again = feature.button(t("再试一次"), "yes", post.merchant.id, turn.dialogue.data["nonce"])
    may = authority.may(post.staff.role, "book_declined")
    rows: list[list[Button | None]] = [
        [again, desk_doors.award(t("下一位"), post.merchant.id)],
        [desk_doors.declined(t("未发放"), post.merchant.id) if may else None, desk_doors.counter()],
    ]
    return screen(lines, rows)


async def intended(turn: Turn, post: Post, member_id: int, minor: int, nonce: str) -> Intended:
    """The purchase as it is to be booked: at the till and outlet of the shift that is worked, where there is one."""
    shift = await till.shift(turn, post)
    return awards.intended(
        post.merchant,
        post.staff,
        member_id=member_id,
        amount_minor=minor,
        nonce=nonce,
        at=turn.at,
        outlet_id=shift.outlet_id if shift else None,
        till=shift.till if shift else None,
    )


async def done(turn: Turn, post: Post, purchase: Purchase) -> Screen:
    """What was awarded, with the way to take it back while there is one."""
    names = await known.read(turn.tx)
    facts = {
        "name": await till.customer(turn, purchase.member_id),
        "points": names.points(post.merchant.terms.currency, purchase.points),
    }
    lines: list[Line | None] = [
        t("已记:会员 <b>{name}</b> 得 <b>{points}</b>", **facts),
        t(
            "收 {amount} · 编号 {entry}",
            amount=Money(purchase.amount_minor, purchase.money),
            entry=str(purchase.entry_id),
        ),
        t("{when} 撤回", when=purchase.taken_back_at) if purchase.taken_back_at else None,
        None if purchase.taken_back_at else await till.told(turn, purchase.member_id),
    ]
    minutes = turn.programme.take_back_minutes
    may = awards.may_take_back(purchase, post.staff, minutes=minutes, at=turn.at)
    rows: list[list[Button | None]] = [
        [desk_doors.award(t("下一位"), post.merchant.id)],
        [desk_doors.award_back(t("撤回这笔"), purchase.id) if may else None, desk_doors.counter()],
    ]
    return screen(lines, rows)


async def offer_lines(turn: Turn, post: Post, minor: int, decision: Decision) -> list[Line]:
    """What the confirm screen says: who, how much, what it gives and from when, with its arithmetic where there is any."""
    names = await known.read(turn.tx)
    facts = {
        "amount": Money(minor, post.merchant.money),
        "name": await till.served_name(turn),
        "points": names.points(post.merchant.terms.currency, decision.points),
    }
    if decision.because is not None:
        return [
            t("收 {amount} → 会员 <b>{name}</b> 不得分", **facts),
            arithmetic.because(decision.because),
        ]
    from_day = available_on(post.merchant.terms, turn.today)
    lines: list[Line] = [t("收 {amount} → 会员 <b>{name}</b> 得 <b>{points}</b>", **facts)]
    if len(decision.trace) > 1:
        lines += [BLANK, *arithmetic.steps(decision.trace), BLANK]
    if from_day > turn.today:
        lines.append(t("退货期过后生效:{on}", on=from_day))
    return lines


def served(turn: Turn) -> tuple[int, bool]:
    """Whose card was scanned, and whether that was too long ago."""
    found = till.served(turn)
    assert found is not None, "whoever is asked for an amount has scanned a card"
    return found


async def card_too_old(turn: Turn, post: Post) -> Screen:
    """The customer has long gone: asks for the card again."""
    turn.goto(feature.at("card"), merchant=post.merchant.id)
    lines: list[Line] = [t("会员码扫过太久了,这笔没有记。"), t("请会员再出示一次会员码。")]
    return screen(lines, [[desk_doors.counter(t("返回"))]])


def stale() -> Screen:
    """A confirm screen that another one has replaced."""
    lines: list[Line] = [t("这一笔已经不在了,没有记。"), t("可能改过金额,或已经换了下一位。")]
    return screen(lines, [[desk_doors.award(t("重新记一笔")), desk_doors.counter()]])


async def post_of(turn: Turn) -> Post:
    """The till of this conversation, as it is now."""
    return await till.post_at(turn, turn.dialogue.data["merchant"])
