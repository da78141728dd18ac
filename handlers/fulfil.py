"""Other merchants' offers that one is asked to hand over too: what each asks of the counter, what it brings, yes or no."""

from __future__ import annotations

from chat import desk_doors, doors, offer_text, own_shelf, settlement
from chat.arguments import number
from chat.feature import Feature
from chat.fulfilments import STATES, answered
from chat.offer_text import few
from chat.offers import both
from chat.own_shelf import run_here
from chat.screen import BLANK, Button, Line, Screen, screen
from chat.till import Post
from chat.turn import Turn
from chat.words import Money, Text, t, tn
from ledger.clearing import prices
from ledger.points import statements
from ledger.points.commands import UnitValue
from ledger.redeeming import fulfilments as kept
from ledger.redeeming import own_shelf as versions
from ledger.redeeming.fulfilments import Fulfilment
from ledger.redeeming.offer_drafts import written
from ledger.redeeming.offers import PerMoney

feature = Feature("fulfil", order=79)

SHOWN = 12


@feature.tap("list")
async def list_(turn: Turn, merchant: str) -> Screen:
    """Lists what a merchant was asked to hand over: what waits for its answer first."""
    post = await run_here(turn, number(merchant))
    turn.finish()
    here = post.merchant.id
    found = await kept.of_merchant(turn.tx, here)
    lines: list[Line] = [t("<b>代兑</b> · {merchant}", merchant=post.where)]
    if not found:
        lines += [t("还没有商户请您一起兑。"), t("您的货也能请别家一起兑:在货架里改「代兑商户」。")]
    for each in found[:SHOWN]:
        facts = {"offer": both(each.offer.name), "owner": both(each.owner), "state": STATES[each.state]}
        lines += [BLANK, t("<b>{offer}</b> · {owner}", **facts), t("{state}", **facts)]
    if len(found) > SHOWN:
        lines += [BLANK, tn("还有 {n} 项", n=len(found) - SHOWN)]
    rows: list[list[Button | None]] = [
        [feature.button(t("{offer}", offer=both(each.offer.name)), "open", here, each.offer_id)]
        for each in found[:SHOWN]
    ]
    return screen(lines, [*rows, [desk_doors.shelf(here), desk_doors.merchant(t("商户页"), here)]])


@feature.tap("open")
async def open_(turn: Turn, merchant: str, offer: str, *, first: Line | None = None) -> Screen:
    """Shows one: what the counter hands over for it, what it brings, what is new since one agreed."""
    post = await run_here(turn, number(merchant))
    each = await kept.one(turn.tx, post.merchant.id, number(offer))
    terms = await own_shelf.terms(turn, post, each.offer.currency)
    said, here = each.offer, post.merchant.id
    lines: list[Line | None] = [
        first,
        BLANK if first else None,
        t("<b>{offer}</b> · {owner}", offer=both(said.name), owner=both(each.owner)),
        t("{state}", state=STATES[each.state]),
        BLANK,
        t("<b>{price}</b>", price=offer_text.price(terms, said.price)),
        t("店里另收 {cash},归您", cash=Money(said.price.cash_minor, post.merchant.money))
        if said.price.cash_minor
        else None,
        await _brings(turn, each),
        *(t("{condition}", condition=both(condition)) for condition in said.conditions),
        *await _news(turn, post, each),
        BLANK,
        *_means(each),
    ]
    yes = feature.button(t("一起兑"), "answer", here, each.offer_id, 1, style="primary")
    no = (
        feature.button(t("不再兑"), "stop", here, each.offer_id)
        if each.state == "agreed"
        else feature.button(t("不了"), "answer", here, each.offer_id, 0)
        if each.state == "asked"
        else None
    )
    return screen(
        lines,
        [[yes if each.state != "agreed" else None, no], [desk_doors.fulfilments(here, t("返回")), doors.home()]],
    )


def _means(each: Fulfilment) -> list[Line]:
    if each.state == "agreed":
        return [t("会员拿券来,验券后交给他就行。")]
    if each.state == "left":
        return [t("已换出的券,您这里照样要兑。")]
    if each.agreed_version is not None:
        return [t("您答应之前,新换出的券不到您这里用。")]
    return [t("谁把东西给了会员,结算就给谁,退货也由谁答复。")]


async def _brings(turn: Turn, each: Fulfilment) -> Line | None:
    """What clearing pays for one, of points that others issued; for what members choose the amount of, for the least."""
    said = each.offer
    known = {found.code: found for found in (await statements.currencies(turn.tx)).values()}
    currency = known[said.currency]
    quote = said.price.quote(said.price.least)
    values = {currency.id: UnitValue(currency.value_minor, currency.value_points, currency.money)}
    priced = prices.priced([(0, quote.points)], each.merchant_id, currency.id, prices.prices_of(turn.programme, values))
    gets = Money(priced[0].redeemer_minor - priced[0].fee_minor, currency.money)
    if isinstance(said.price, PerMoney):
        worth = Money(quote.value_minor, currency.money)
        return t("每兑 {worth},结给您 {gets},手续费已扣", worth=worth, gets=gets)
    return t("每兑一份,结给您 {gets},手续费已扣", gets=gets)


async def _news(turn: Turn, post: Post, each: Fulfilment) -> list[Line]:
    """What has changed since the merchant agreed, where it is asked again."""
    if each.state != "asked" or each.agreed_version is None:
        return []
    terms = await own_shelf.terms(turn, post, each.offer.currency)
    [before] = await versions.versions(turn.tx, each.offer_id, most=each.agreed_version, limit=1)
    changed = offer_text.changes(terms, written(before.offer), written(each.offer))
    return [BLANK, t("您答应以后改了:"), *few(changed)]


@feature.tap("stop")
async def stop(turn: Turn, merchant: str, offer: str) -> Screen:
    """Says what stopping does, before it does it."""
    post = await run_here(turn, number(merchant))
    each = await kept.one(turn.tx, post.merchant.id, number(offer))
    lines: list[Line] = [
        t("不再兑「{offer}」?", offer=both(each.offer.name)),
        t("新换出的券不到您这里用;已换出的,您这里照样要兑。"),
    ]
    here = post.merchant.id
    yes = feature.button(t("不再兑"), "answer", here, each.offer_id, 0, style="danger")
    return screen(lines, [[yes, feature.button(t("返回"), "open", here, each.offer_id)]])


@feature.tap("answer")
async def answer(turn: Turn, merchant: str, offer: str, yes: str) -> Screen:
    """Takes the answer and tells those whose offer it is; a second tap shows the same."""
    post = await run_here(turn, number(merchant))
    here, agrees = post.merchant.id, yes == "1"
    each, news = await kept.answer(turn.tx, here, number(offer), agrees, by=post.staff.actor, now=turn.now)
    if news:
        for member_id in await settlement.run_by(turn.tx, each.owner_id):
            key = f"fulfilment-answered:{turn.key}:{member_id}"
            turn.tell(member_id, answered(each), key=key)
    return await open_(turn, merchant, offer, first=_said(each))


def _said(each: Fulfilment) -> Text:
    if each.state == "agreed":
        return t("说好了,会员现在就能到您这里用。")
    if each.state == "left":
        return t("停了,新换出的券不到您这里用。")
    return t("好,已告诉{owner}。", owner=both(each.owner))
