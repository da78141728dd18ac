"""Redeeming: how much, a confirm screen that says what goes and what stays, and the code.

The confirm button carries offer, amount, version, points and a nonce, signed together with the member. When anything of that has
changed since, the screen is drawn again and nothing is charged; the second tap of one button shows what the first one did.
"""

from __future__ import annotations

import unicodedata
from decimal import Decimal, InvalidOperation
from typing import NamedTuple

from chat import doors, fulfilments, handovers, pools
from chat.arguments import long, number, short
from chat.cash import held_screen, issued_screen, spent
from chat.feature import Answer, Feature
from chat.offer_rules import special
from chat.offers import asked, both, cost, joined, likely_amounts, points_of, thing, unused
from chat.refusals import wording
from chat.screen import BLANK, Button, Line, Onward, Photo, Screen, grid, screen
from chat.turn import Turn
from chat.words import Money, Points, Text, t, tn
from ledger.errors import Refusal
from ledger.redeeming import codes, pool_spending, redemptions, shelf
from ledger.redeeming.may_redeem import Facts, Listed, PointsShort, Yes
from ledger.redeeming.offers import HOLD_HOURS, AmountNotOffered, PerMoney, Quote
from ledger.redeeming.redemptions import OfferChanged
from ledger.redeeming.shelf import Seen

feature = Feature("redeem", order=31, on_account=True)

AMOUNTS_SHOWN = 8
POOL = "p"
"""In a button: the family's pool pays."""
CHANGED = t("价格或内容刚刚变了,还没有扣分。")


class Wanted(NamedTuple):
    """What a confirm button stands for: so much of an offer, in this version, for these points.

    `worth` is the value of so many pieces; 0 where the amount is the value. `cash` is paid besides. `pool`: the family's pool pays.
    """

    offer_id: int
    amount: int
    version: int
    points: int
    worth: int
    cash: int = 0
    pool: bool = False

    def promise(self, turn: Turn, nonce: str) -> str:
        """What the button's signature binds: all of it, the member and the nonce."""
        cash = (self.cash,) if self.cash else ()
        pool = ("pool",) if self.pool else ()
        return ":".join(map(str, ("redeem", turn.me.id, *self[:5], nonce, *cash, *pool)))

    def rest(self) -> tuple[str, ...]:
        """What a button carries of cash and pool, where there is either: «rs», «p», «rsp»."""
        said = (short(self.cash) if self.cash else "") + (POOL if self.pool else "")
        return (f".{said}",) if said else ()


def rest_of(said: str) -> tuple[int, bool]:
    """Cash and pool of a button."""
    plain = said.removeprefix(".")
    return long(plain.removesuffix(POOL) or "0"), plain.endswith(POOL)


async def _judged(turn: Turn, offer_id: int, amount: int | None, pool: bool) -> tuple[Seen, Yes]:
    """An offer that may be had, for one's own points or the pool's; else the first reason why not is raised."""
    payer = await pools.payer(turn) if pool else None
    seen = await shelf.judged(
        turn.tx, turn.me, offer_id, today=turn.today, amount=amount, now=turn.at.programme_now, payer=payer
    )
    if isinstance(seen.verdict, Yes):
        return seen, seen.verdict
    reason = seen.verdict.reasons[0]
    if pool and isinstance(reason, PointsShort):
        raise pool_spending.PoolShort(reason.needed, reason.available, offer_id)
    raise reason


@feature.tap("choose")
async def choose(turn: Turn, offer_id: str, pool: str = "") -> Answer:
    """Asks how much: likely amounts as buttons, any other by typing. What is booked is one, and its time is asked."""
    seen, yes = await _judged(turn, number(offer_id), None, pool == POOL)
    if seen.listed.offer.booking is not None:
        return Onward(doors.book(seen.listed.id))
    if pool and yes.most == yes.priced.price.least:
        return await _confirm(turn, seen.listed.id, yes.most, pool=True)
    return _ask_amount(turn, seen.listed, seen.facts, yes, pool=pool == POOL)


@feature.step("amount")
async def said_amount(turn: Turn, said: str) -> Screen:
    """Takes a typed amount to its confirm screen; what can't be read, or isn't sold, is asked again."""
    pool = bool(turn.dialogue.data.get("pool"))
    try:
        seen, yes = await _judged(turn, int(turn.dialogue.data["offer"]), None, pool)
    except Refusal:
        turn.finish()
        raise
    price = yes.priced.price
    amount = read_amount(said, of_money=isinstance(price, PerMoney))
    if amount is None:
        return _amounts(seen.listed, seen.facts, yes, t("这个数我没看懂。"), pool=pool)
    try:
        price.quote(amount)
    except AmountNotOffered as no:
        words = wording(no)
        return _amounts(seen.listed, seen.facts, yes, t("<b>{headline}</b>", headline=words.headline), pool=pool)
    return await _confirm(turn, seen.listed.id, amount, pool=pool)


@feature.tap("confirm")
async def confirm(turn: Turn, offer_id: str, amount: str, pool: str = "") -> Answer:
    """Shows what redeeming would do; of what is booked, when first."""
    if (await shelf.one(turn.tx, number(offer_id))).offer.booking is not None:
        return Onward(doors.book(number(offer_id)))
    return await _confirm(turn, number(offer_id), number(amount), pool=pool == POOL)


@feature.tap("ask")
async def ask(turn: Turn, offer_id: str, amount: str) -> Screen:
    """Asks the head for this redemption from the pool."""
    seen, yes = await _judged(turn, number(offer_id), number(amount), True)
    rules, quote = turn.programme.families, yes.quote
    whole = (turn.me.id, seen.listed.id, quote.amount, quote.points)
    asked, head_id = await pool_spending.ask(turn.tx, rules, *whole, at=turn.at)
    what = thing(seen.listed.offer, quote.units, quote.value_minor, seen.listed.money)
    told: list[Line] = [
        t("<b>{name}</b> 想用家庭池换 <b>{what}</b>", name=turn.name, what=what),
        t("要 {points};同意到 {until} 前有效。", points=Points(quote.points), until=asked.ends_at),
    ]
    turn.tell(head_id, screen(told, pools.answers(asked.id)), key=f"pool-request:{asked.id}")
    lines: list[Line] = [t("问了家长,等回复。"), t("{until} 前没有回复就作废。", until=asked.ends_at)]
    return screen(lines, [[doors.pool(), doors.home()]])


@feature.tap("do")
async def redeem(
    turn: Turn,
    offer_id: str,
    amount: str,
    version: str,
    points: str,
    worth: str,
    nonce: str,
    signature: str,
    rest: str = "",
) -> Screen:
    """Spends the points and shows the code; or holds them, where cash is to be paid. Again: shows what the first tap did."""
    wanted = Wanted(number(offer_id), number(amount), number(version), number(points), number(worth), *rest_of(rest))
    if not turn.vault.signed_by_us(wanted.promise(turn, nonce), signature):
        return await _changed(turn, wanted)
    try:
        result = await redemptions.redeem(
            turn.tx,
            turn.me,
            wanted.offer_id,
            amount=wanted.amount,
            version=wanted.version,
            points=wanted.points,
            value_minor=wanted.worth or None,
            cash_minor=wanted.cash,
            nonce=nonce,
            code=codes.mint((turn.nonce() + turn.nonce() + turn.nonce()).encode()),
            vault=turn.vault,
            undo_minutes=turn.programme.undo_minutes,
            at=turn.at,
            actor=turn.actor,
            pool_id=(await pools.payer(turn)).id if wanted.pool else None,
        )
    except (OfferChanged, AmountNotOffered):
        return await _changed(turn, wanted)
    turn.finish()
    voucher = result.redemption
    if voucher.waits(turn.at.programme_now):
        facts = {"points": points_of(voucher, voucher.points), "left": points_of(voucher, result.available)}
        kept = t("预留 {points},付了才扣;还可用 {left}", **facts)
        if wanted.pool:
            kept = t("家庭池预留 {points},付了才扣;池里还剩 {left}", **facts)
        first = t("已经预留了") if result.repeated else t("为您预留好了")
        return held_screen(turn, voucher, result.code, first, left=None if result.repeated else kept)
    if voucher.offer.pool is not None or voucher.offer.at_once:
        first = t("已经换好了") if result.repeated else t("换好了")
        if (told := await handovers.told(turn, voucher, first, left=spent(result))) is not None:
            return told
    return await issued_screen(turn, result, t("换好了"), t("已经换好了"))


async def _changed(turn: Turn, wanted: Wanted) -> Screen:
    """The confirm screen as it would be now, in place of the one that was tapped; where this amount is sold no more, the others."""
    try:
        return await _confirm(turn, wanted.offer_id, wanted.amount, changed=True, pool=wanted.pool)
    except AmountNotOffered:
        seen, yes = await _judged(turn, wanted.offer_id, None, wanted.pool)
        return _ask_amount(turn, seen.listed, seen.facts, yes, CHANGED, pool=wanted.pool)


async def _confirm(turn: Turn, offer_id: int, amount: int, *, changed: bool = False, pool: bool = False) -> Screen:
    seen, verdict = await _judged(turn, offer_id, amount, pool)
    listed, facts = seen.listed, seen.facts
    turn.finish()
    quote, document = verdict.quote, listed.offer
    if pool and (no := await pools.needs_head(turn, listed, quote)) is not None:
        return no
    what = thing(document, quote.units, quote.value_minor, listed.money)
    lines: list[Line | None] = [
        t("<b>{what}</b> · {merchant}", what=what, merchant=both(listed.merchant)),
        fulfilments.everywhere(listed),
        t("<b>{cost}</b>", cost=cost(listed, quote)),
        special(listed, verdict.priced, quote),
        BLANK,
        *(await pools.goes(turn, listed, quote, facts.available - quote.points, pool=pool)),
        _cash(turn, listed, quote) if quote.cash_minor else None,
        joined(await handovers.promises(turn, listed, facts, quote.units) or _promises(turn, listed)),
    ]
    if changed:
        lines = [CHANGED, BLANK, *lines]
    nonce = turn.nonce()
    worth = 0 if isinstance(verdict.priced.price, PerMoney) else quote.value_minor
    wanted = Wanted(listed.id, amount, listed.version, quote.points, worth, quote.cash_minor, pool)
    signature = turn.vault.sign(wanted.promise(turn, nonce))
    label = t("确认预留") if wanted.cash else t("确认捐出") if document.does else t("确认兑换")
    yes = feature.button(label, "do", *wanted[:5], nonce, signature, *wanted.rest(), style="primary")
    may_pool = not pool and await pools.could_pay(turn, listed, quote)
    other = doors.from_pool(t("改用家庭池"), listed.id, quote.amount) if may_pool else None
    rows: list[list[Button | None]] = [[yes, doors.offer(t("返回"), listed.id)], [other]]
    return screen(lines, rows, picture=Photo(document.photo) if document.photo else None)


def _cash(turn: Turn, listed: Listed, quote: Quote) -> Text:
    """Where the cash part is paid, and how long everything waits for it."""
    facts = {"cash": Money(quote.cash_minor, listed.money), "hours": listed.offer.hold_hours or HOLD_HOURS}
    if turn.invoices and listed.offer.by_invoice:
        return t("{hours} 小时内到店或在线付 {cash},没付就自动退回", **facts)
    return t("{hours} 小时内到店付 {cash},没付就自动退回", **facts)


def _promises(turn: Turn, listed: Listed) -> list[Text]:
    """Until when, what if: validity, undo, what becomes of an unused code."""
    document, said = listed.offer, []
    if document.kind == "goods":
        said.append(tn("凭码 {n} 天内到店领取", n=document.validity_days))
    else:
        said.append(tn("凭码 {n} 天内到店使用", n=document.validity_days))
    if turn.programme.undo_minutes:
        said.append(tn("{n} 分钟内可以撤回", n=turn.programme.undo_minutes))
    return [*said, unused(document)]


def _ask_amount(turn: Turn, listed: Listed, facts: Facts, yes: Yes, *first: Line, pool: bool = False) -> Screen:
    turn.goto(feature.at("amount"), offer=listed.id, **({"pool": True} if pool else {}))
    return _amounts(listed, facts, yes, *first, pool=pool)


def _amounts(listed: Listed, facts: Facts, yes: Yes, *first: Line, pool: bool = False) -> Screen:
    price, document = yes.priced.price, listed.offer
    lines: list[Line] = [
        *first,
        *([BLANK] if first else []),
        t("<b>{name}</b> · {merchant}", name=both(document.name), merchant=both(listed.merchant)),
    ]
    if (offered := special(listed, yes.priced)) is not None:
        lines.append(offered)
    likely = likely_amounts(price, yes.most, AMOUNTS_SHOWN)
    buttons = [_amount_button(listed, price.quote(amount), pool) for amount in likely]
    available = points_of(listed, facts.available)
    purse = t("家庭池有 {available}", available=available) if pool else t("您可用 {available}", available=available)
    if isinstance(price, PerMoney):
        by = {
            "least": Money(price.least, listed.money),
            "most": Money(yes.most, listed.money),
            "step": Money(price.step, listed.money),
        }
        lines += [
            t("要多少?从 {least} 起,每档 {step},{purse},最多 {most}。", purse=purse, **by),
            t("也可以直接打字,比如 {most}。", **by),
        ]
    else:
        lines += [
            t("捐几份?{purse},最多 {most} 份。", purse=purse, most=yes.most)
            if document.does
            else t("要几份?{purse},最多 {most} 份。", purse=purse, most=yes.most),
            t("也可以直接打字。"),
        ]
    rows = grid(buttons, 2)
    return screen(lines, [*rows, [doors.offer(t("返回"), listed.id)]])


def _amount_button(listed: Listed, quote: Quote, pool: bool) -> Button:
    points = asked(listed, quote)
    if listed.offer.price.kind == "per_money":
        label = t("{value} · {points}", value=Money(quote.amount, listed.money), points=points)
    else:
        label = tn("{n} 份 · {points}", n=quote.amount, points=points)
    return feature.button(label, "confirm", listed.id, quote.amount, *((POOL,) if pool else ()))


def read_amount(said: str, *, of_money: bool) -> int | None:
    """A typed amount: «24», «¥24.00», «24元» in minor units, or «2», «2份» in pieces; None where it can't be read."""
    plain = "".join(c for c in unicodedata.normalize("NFKC", said) if c not in "¥$£€元块份 ")
    try:
        amount = Decimal(plain) * (100 if of_money else 1)
    except InvalidOperation:
        return None
    if not amount.is_finite() or amount != amount.to_integral_value() or not 0 < amount < 10**9:
        return None
    return int(amount)
