"""What the screens of a merchant's own shelf share: who may run it, how an offer stands, and an offer as members see it."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace

from chat import till
from chat.offer_answers import About
from chat.offer_card import Card, card
from chat.offer_text import Terms
from chat.offers import short_price
from chat.screen import Line
from chat.till import Post
from chat.turn import Turn
from chat.words import LANGUAGES, Both, In, Text, t, tn
from ledger.merchants import merchant as merchants
from ledger.merchants import outlets, staff
from ledger.points import statements
from ledger.points.statements import Currency
from ledger.redeeming import booking_outlets, code_pools, diaries, own_shelf
from ledger.redeeming.booking import Diary, openings
from ledger.redeeming.fulfilments import Fulfiller
from ledger.redeeming.may_redeem import Facts, Listed, may_redeem
from ledger.redeeming.offer_drafts import Draft
from ledger.redeeming.offers import Names, Offer
from ledger.redeeming.own_shelf import Own, Standing
from ledger.redeeming.shelf import Seen
from ledger.redeeming.who import Traits

STANDINGS: dict[Standing, Text] = {"active": t("在架"), "paused": t("暂停中"), "over": t("过了期")}


async def run_here(turn: Turn, merchant_id: int) -> Post:
    """This person's place at a merchant whose shelf they run. `NotStaff`, `NotAllowed`."""
    post = await till.post_at(turn, merchant_id)
    post.staff.demand("run_shelf")
    return post


async def currencies(turn: Turn, post: Post) -> list[Currency]:
    """What an offer of this merchant's may be paid in; what is usual there first."""
    known = (await statements.currencies(turn.tx)).values()
    common = [each for each in known if each.issuer_id is None and post.merchant.terms.accepts_common]
    return [*common, *(each for each in known if each.issuer_id == post.merchant.id)]


async def terms(turn: Turn, post: Post, currency: str) -> Terms:
    """What words about an offer in this currency need."""
    known = (await statements.currencies(turn.tx)).values()
    named = {each.code: Both(each.name_zh, each.name_en) for each in await merchants.everyone(turn.tx)}
    return Terms(next(each for each in known if each.code == currency), post.merchant.money, turn.programme, named)


async def about(turn: Turn, post: Post, draft: Draft) -> About:
    """What questions about a draft speak of."""
    new = draft.offer_id is None
    said = await terms(turn, post, str(draft.document["currency"]))
    common = said.currency.issuer_id is None
    return About(
        draft.document,
        said,
        turn.today,
        taken=0 if draft.offer_id is None else await own_shelf.taken_of(turn.tx, draft.offer_id),
        new=new,
        currencies=tuple(await currencies(turn, post)) if new else (),
        pools=await _pools(turn, post) if draft.document.get("kind") == "partner_code" else (),
        others=tuple(
            (each.id, each.code, Both(each.name_zh, each.name_en))
            for each in await merchants.everyone(turn.tx)
            if each.id != post.merchant.id and each.serves and (each.terms.accepts_common or not common)
        ),
        outlets=await _outlets(turn, post) if draft.document.get("booking") else (),
    )


async def _outlets(turn: Turn, post: Post) -> tuple[tuple[int, str], ...]:
    return tuple((each.id, each.name) for each in await outlets.of(turn.tx, post.merchant.id))


async def _pools(turn: Turn, post: Post) -> tuple[tuple[str, int], ...]:
    found = await code_pools.counts(turn.tx, post.merchant.id, today=turn.today)
    return tuple((each.name, each.free) for each in found)


def stands(own: Own) -> Text:
    """An offer on one line: what it costs, what is left, what was had this month."""
    parts = [t("{price}", price=short_price(own.listed, own.listed.offer.price))]
    if own.left is not None:
        parts.append(t("剩 {left}", left=own.left))
    parts.append(tn("本月换出 {n} 份", n=own.had.month))
    if own.standing != "active":
        parts.append(STANDINGS[own.standing])
    said = parts[0]
    for more in parts[1:]:
        said = t("{one} · {other}", one=said, other=more)
    return said


def previewed(
    turn: Turn,
    post: Post,
    offer: Offer,
    currency: Currency,
    *,
    offer_id: int = 0,
    active: bool = True,
    taken: int = 0,
    free: Sequence[Diary] = (),
    fulfillers: tuple[Fulfiller, ...] = (),
) -> Card:
    """The card that a member gets, who holds points enough and is of those whom it is for. `free`: as `diaries_of` finds it."""
    limits = offer.limits
    this = replace(_listed(post, offer, currency, offer_id, active), fulfillers=fulfillers)
    who = offer.who
    some = Traits(
        tier=who.tiers[0] if who and who.tiers else None,
        standing=who.standing if who else None,
        region=offer.region or (who.regions[0] if who and who.regions else None),
        tiers={each.code: (each.name_zh, each.name_en) for each in turn.programme.tiers},
        regions={each.code: (each.name_zh, each.name_en) for each in turn.programme.regions},
    )
    facts = Facts(stock_left=None if limits.stock is None else limits.stock - taken, day_left=limits.day, traits=some)
    if offer.booking is not None:
        facts = replace(facts, openings=openings(free, turn.at.programme_now, some.tier))
    facts = replace(facts, available=_enough(this, facts, turn))
    return card(turn, Seen(this, facts, may_redeem(this, facts, today=turn.today)))


async def diaries_of(turn: Turn, post: Post, offer: Offer, offer_id: int) -> tuple[Diary, ...]:
    """What could be booked of an offer as it is written, at each of its outlets: its hours, the merchant's closed days, the places
    that are taken. None: it is not booked."""
    if offer.booking is None:
        return ()
    known = (await statements.currencies(turn.tx)).values()
    this = _listed(post, offer, next(each for each in known if each.code == offer.currency), offer_id, True)
    names = [each.outlet for each in offer.booking.outlets]
    at = {offer_id: await booking_outlets.named(turn.tx, post.merchant.id, offer_id, names)}
    return (await diaries.read(turn.tx, [this], now=turn.at.programme_now, at=at))[offer_id]


def _listed(post: Post, offer: Offer, currency: Currency, offer_id: int, active: bool) -> Listed:
    here = post.merchant
    return Listed(
        offer_id,
        0,
        active,
        here.id,
        Names(zh=here.name_zh, en=here.name_en),
        here.serves,
        here.money,
        currency.id,
        Names(zh=currency.name_zh, en=currency.name_en),
        currency.issuer_id is None,
        offer,
    )


def _enough(this: Listed, facts: Facts, turn: Turn) -> int:
    """As many points as the card's first line asks; of what members choose the amount of, those of the most."""
    verdict = may_redeem(this, replace(facts, available=10**12), today=turn.today)
    price = verdict.priced.price
    return price.quote(price.most if price.kind == "per_money" else price.least).points


def in_language(lines: Sequence[Line], language: str) -> list[Line]:
    """The same lines as readers of this language see them; any other word: as this reader does."""
    if language not in LANGUAGES:
        return list(lines)
    return [t("{line}", line=In(language, line)) if isinstance(line, Text) else line for line in lines]


async def made_by(turn: Turn, actor: str | None) -> Text | str:
    """Who published a version, as entries name them."""
    kind, _, number = (actor or "").partition(":")
    if kind != "staff":
        return t("运营")
    found = await staff.by_id(turn.tx, int(number))
    return found.label if found is not None else t("店员")
