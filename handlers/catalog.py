"""The catalog (R1): what points can become, what each costs this member and whether it is within reach; found by shelf, merchant
or by typing anything."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import replace
from typing import TypeVar

from chat import amounts, doors, fulfilments, handovers, known, pools
from chat.arguments import number
from chat.feature import Feature
from chat.known import Known
from chat.offer_card import card
from chat.offer_lists import BY, NOTHING_ENDS, in_full, order_of, ordered
from chat.offers import (
    CATEGORIES,
    both,
    likely_amounts,
    points_of,
    short_price,
    short_reason,
)
from chat.refusals import wording
from chat.screen import BLANK, Button, Line, Onward, Screen, grid, screen
from chat.turn import Turn
from chat.words import Both, Money, Text, t, tn
from ledger.earning import green_rating
from ledger.points.statements import Holding
from ledger.redeeming import favourites, shelf
from ledger.redeeming.browse import Browse, Order, browse, in_order
from ledger.redeeming.may_redeem import PointsShort, Yes
from ledger.redeeming.offers import CATEGORIES as SHELVES
from ledger.redeeming.offers import AmountNotOffered, PerMoney
from ledger.redeeming.on_shelf import Found
from ledger.redeeming.search import LONGEST, search
from ledger.redeeming.shelf import Seen

feature = Feature("catalog", order=30, on_account=True)

PER_PAGE = 6
FIRST_PAGE = 5
QUICK_AMOUNTS = 4
OPENED = "opened"
"""The voucher of any value that is on the screen, in the dialogue."""

NO_REASONS: Mapping[int, Text] = {}

T = TypeVar("T")


@feature.command("redeem", t("兑换"), said="换东西,礼品,奖品,商城,redeem,rewards,gifts,catalog,catalogue")
async def command(turn: Turn, words: str = "") -> Screen:
    """Opens the catalog, or finds what was asked for."""
    return await _sought(turn, words) if words else await home(turn)


@feature.tap("home")
async def home(turn: Turn) -> Screen:
    """Shows what is within reach, dearest first, with the ways to everything else."""
    _stay(turn)
    names, all_ = await known.read(turn.tx), await _browse(turn)
    can = all_.affordable()
    lines: list[Line] = [t("<b>兑换</b>"), *_balance(all_.held, names, turn)]
    first = can[:FIRST_PAGE]
    if can:
        lines += [tn("现在能换 {n} 样", n=len(can))]
    else:
        common = turn.programme.common_currency
        mine = (each for each in all_.found if each.listed.currency_id == common)
        first = in_order(mine, "near", today=turn.today)[:FIRST_PAGE]
        lines += [t("还没有够换的,最近的是这些") if first else t("货架上还没有东西")]
    lines += [BLANK, t("想找什么直接打字,「水果」「shuiguo」「sg」都行。")]
    rows: list[list[Button | None]] = _offer_rows(await all_.told(turn.tx, first), "home")
    more = feature.button(tn("全部 {n} 样", n=len(can)), "affordable", 0) if len(can) > FIRST_PAGE else None
    everything = feature.button(t("整个货架"), "all", 0) if all_.found else None
    rows += [
        [more],
        [feature.button(t("分类"), "categories"), feature.button(t("商户"), "merchants", 0), everything],
        [doors.exchange() if _own_currency(all_.held, turn) else None, doors.vouchers(), doors.favourites()],
        [doors.home()],
    ]
    return screen(lines, rows)


@feature.tap("affordable")
async def affordable(turn: Turn, page: str = "0") -> Screen:
    """Lists everything this member may have now, dearest first unless another order was chosen."""
    _stay(turn)
    all_ = await _browse(turn)
    return await _listed(turn, t("现在能换的"), all_, all_.can, page, "affordable", t("现在还没有够换的。"))


@feature.tap("all")
async def everything(turn: Turn, page: str = "0") -> Screen:
    """Lists the whole shelf, in the order that was chosen."""
    _stay(turn)
    all_ = await _browse(turn)
    return await _listed(turn, t("整个货架"), all_, all_.found, page, "all", t("货架上还没有东西"))


@feature.tap("categories")
async def categories(turn: Turn) -> Screen:
    """Lists the shelves that have something on them."""
    _stay(turn)
    filled = (await _browse(turn)).categories()
    buttons = [
        feature.button(t("{shelf} {n}", shelf=CATEGORIES[c], n=filled[c]), "category", c, 0)
        for c in SHELVES
        if c in filled
    ]
    return screen([t("<b>分类</b>"), None if buttons else t("货架上还没有东西")], [*grid(buttons, 2), _ways_back()])


@feature.tap("category")
async def category(turn: Turn, code: str, page: str = "0") -> Screen:
    """Lists one shelf, what is within reach first unless another order was chosen."""
    _stay(turn)
    all_ = await _browse(turn)
    heading = next((words for name, words in CATEGORIES.items() if name == code), t("其他"))
    nothing, origin = t("这一类现在没有可换的。"), f"category.{code}"
    return await _listed(turn, heading, all_, all_.of_category(code), page, origin, nothing, back="categories")


@feature.tap("merchants")
async def merchants(turn: Turn, page: str = "0") -> Screen:
    """Lists the merchants that offer something."""
    _stay(turn)
    found = (await _browse(turn)).shops()
    at = _at(len(found), page, 2 * PER_PAGE)
    shown, arrows = _page(found, at, 2 * PER_PAGE), _arrows(len(found), at, 2 * PER_PAGE, "merchants")
    buttons = [feature.button(t("{shop} {n}", shop=both(n), n=count), "merchant", shop, 0) for shop, n, count in shown]
    lines = [t("<b>商户</b>"), None if buttons else t("货架上还没有东西")]
    return screen(lines, [*grid(buttons, 2), arrows, [doors.shops(t("附近的商户"))], _ways_back()])


@feature.tap("merchant")
async def merchant(turn: Turn, merchant_id: str, page: str = "0") -> Screen:
    """Lists what one merchant offers, what is within reach first unless another order was chosen."""
    _stay(turn)
    names, all_ = await known.read(turn.tx), await _browse(turn)
    shop = number(merchant_id)
    green = (await green_rating.ratings(turn.tx, [shop], turn.programme.green_scale))[shop].letter
    heading, nothing = t("{shop}", shop=names.merchant(shop)), t("这家现在没有可换的。")
    if green is not None:
        heading = t("{shop} · 绿色 {letter}", shop=names.merchant(shop), letter=green)
    about, origin = doors.shop(t("这家店"), shop), f"merchant.{shop}"
    found = all_.of_merchant(shop)
    return await _listed(turn, heading, all_, found, page, origin, nothing, back="merchants.0", about=about)


@feature.tap("sort")
async def sort(turn: Turn, order: str, origin: str = "all") -> Screen:
    """Puts a list in another order, and those that are opened next; from its first page on."""
    _stay(turn, order)
    action, *args = origin.split(".")
    if action == "category" and args:
        return await category(turn, args[0])
    if action == "merchant" and args:
        return await merchant(turn, args[0])
    return await affordable(turn) if action == "affordable" else await everything(turn)


@feature.step("search")
async def said(turn: Turn, words: str) -> Screen | Onward:
    """Finds offers by whatever was typed. A number under a voucher of any value says of how much it shall be."""
    opened, minor = int(turn.dialogue.data.get(OPENED, 0)), amounts.parse(words)
    if not opened or minor is None:
        return await _sought(turn, words)
    price_ = (await shelf.judged(turn.tx, turn.me, opened, today=turn.today, now=turn.at.programme_now)).verdict.priced
    try:
        price_.price.quote(minor)
    except AmountNotOffered as no:
        told = wording(no)
        return await _card(
            turn, opened, "home", first=[t("<b>{headline}</b>", headline=told.headline), told.detail, BLANK]
        )
    return Onward(doors.redeem(t("兑换"), opened, minor))


async def _sought(turn: Turn, words: str) -> Screen:
    words = " ".join(words.split())[:LONGEST]
    _stay(turn, words=words)
    return await _found(turn, words, "0")


@feature.hears()
async def sought(turn: Turn, words: str) -> Screen | None:
    """Whatever was typed may be something on the shelf."""
    return await _sought(turn, words) if await search(turn.tx, words, guess=False) else None


@feature.tap("found")
async def found(turn: Turn, page: str = "0") -> Screen:
    """Turns a page of the last search."""
    words = str(turn.dialogue.data.get("words", ""))
    if not words:
        return await home(turn)
    _stay(turn, words=words)
    return await _found(turn, words, page)


async def _found(turn: Turn, words: str, page: str) -> Screen:
    held, offers = await _purse(turn), await shelf.by_ids(turn.tx, await search(turn.tx, words))
    seen = shelf.shown(
        await shelf.look(turn.tx, turn.me, offers, today=turn.today, held=held, now=turn.at.programme_now), turn.today
    )
    nothing = t("换个说法试试,中文、拼音、首字母都行。")
    heading = t("「{words}」", words=words) if seen else t("没有找到「{words}」", words=words)
    at = _at(len(seen), page)
    choices = () if seen else (feature.button(t("分类"), "categories"), feature.button(t("整个货架"), "all", 0))
    return _list(heading, _page(seen, at), at, len(seen), "found", nothing, choices=choices)


@feature.tap("offer")
async def offer(turn: Turn, offer_id: str, origin: str = "home") -> Screen:
    """Shows one offer: what it is, what it costs this member, its rules — and either the way to have it, or what is missing."""
    return await _card(turn, number(offer_id), origin)


async def _card(turn: Turn, offer_id: int, origin: str, *, first: Sequence[Line | None] = ()) -> Screen:
    seen = await shelf.judged(turn.tx, turn.me, offer_id, today=turn.today, now=turn.at.programme_now)
    _open(turn, seen)
    listed, (lines, picture) = seen.listed, card(turn, seen)
    rows: list[list[Button | None]] = []
    if isinstance(seen.verdict, Yes):
        rows += _ways_to_have(seen, seen.verdict)
    else:
        here = {f"catalog:offer:{listed.id}", f"catalog:merchant:{listed.merchant_id}:0"}
        rows.append([await _from_pool(turn, seen)])
        rows += [[button] for button in wording(seen.verdict.reasons[0]).buttons if button.data not in here]
    rows += [
        [doors.together(listed.id) if listed.offer.together is not None else None],
        [fulfilments.many(listed, feature.data("shops", listed.id))],
        [
            doors.merchant_offers(t("这家的其他"), listed.merchant_id),
            (doors.let_go if await favourites.is_kept(turn.tx, turn.me.id, listed.id) else doors.keep)(listed.id),
        ],
        [_back(origin), doors.home()],
    ]
    # With a word before it there is no picture: its caption has room for the card alone.
    return screen([*first, *lines], rows, picture=None if first else picture)


async def _from_pool(turn: Turn, seen: Seen) -> Button | None:
    """The way to have the family's pool pay for what one's own points alone do not reach."""
    listed, no = seen.listed, seen.verdict
    if isinstance(no, Yes) or len(no.reasons) != 1 or not isinstance(no.reasons[0], PointsShort):
        return None
    if listed.currency_id != turn.programme.common_currency:
        return None
    right = await pools.right_of(turn)
    if right is None or (await pools.lies_in(turn, right)).available < no.reasons[0].needed:
        return None
    return replace(doors.from_pool(t("用家庭池换"), listed.id), style="primary")


@feature.tap("shops")
async def shops(turn: Turn, offer_id: str) -> Screen:
    """Lists all merchants that hand one offer over."""
    listed = await shelf.one(turn.tx, number(offer_id))
    return fulfilments.places(listed, doors.offer(t("返回"), listed.id))


def _ways_to_have(seen: Seen, yes: Yes) -> list[list[Button | None]]:
    """One button where there is one amount; else the likely amounts, and a way to the others."""
    listed, price_ = seen.listed, yes.priced.price
    if isinstance(price_, PerMoney):
        likely = likely_amounts(price_, yes.most, QUICK_AMOUNTS)
        buttons = [
            doors.redeem(
                t(
                    "{value} · {points}",
                    value=Money(amount, listed.money),
                    points=points_of(listed, price_.quote(amount).points),
                ),
                listed.id,
                amount,
            )
            for amount in likely
        ]
        others = (yes.most - price_.least) // price_.step + 1 > len(likely)
        return [*grid(buttons, 2), [doors.amounts(t("别的面额"), listed.id) if others else None]]
    if listed.offer.booking is not None:
        return [[doors.book(listed.id)]]
    more = doors.amounts(t("捐几份") if listed.offer.does else t("要几份"), listed.id) if yes.most > 1 else None
    return [[doors.redeem(handovers.verb(listed.offer), listed.id, 1), more]]


def _stay(turn: Turn, order: str | None = None, **said: str) -> None:
    """On the catalog whatever is typed is looked for. The order chosen stays as long as somebody looks around."""
    chosen = _order(turn) if order is None else order_of(order)
    turn.goto(feature.at("search"), **({} if chosen == "near" else {"order": chosen}), **said)


def _open(turn: Turn, seen: Seen) -> None:
    """As `_stay`, with all that was chosen; a voucher of any value is remembered, while it may be had."""
    before = turn.dialogue.data if turn.dialogue.state == feature.at("search") else {}
    any_value = isinstance(seen.verdict, Yes) and isinstance(seen.verdict.priced.price, PerMoney)
    data = {name: said for name, said in before.items() if name != OPENED}
    if any_value:
        data[OPENED] = seen.listed.id
    if turn.dialogue.state != feature.at("search") or data != before:
        turn.goto(feature.at("search"), **data)


def _order(turn: Turn) -> Order:
    return order_of(turn.dialogue.data.get("order") if turn.dialogue.state == feature.at("search") else None)


async def _browse(turn: Turn) -> Browse:
    return await browse(turn.tx, turn.me, today=turn.today, held=await _purse(turn), now=turn.at.programme_now)


async def _purse(turn: Turn) -> list[Holding]:
    return await shelf.purse(turn.tx, turn.me, today=turn.today)


def _balance(held: list[Holding], names: Known, turn: Turn) -> list[Text]:
    """What can be spent, a currency a line, the common points first."""
    mine = {h.currency.id: h.available for h in held}
    common = turn.programme.common_currency
    shown = [t("可用 {points}", points=names.points(common, mine.pop(common, 0)))]
    shown += [t("{points}", points=names.points(currency, points)) for currency, points in mine.items() if points]
    return shown


def _own_currency(held: list[Holding], turn: Turn) -> bool:
    """Whether they hold points that could become common ones."""
    return any(h.available and h.currency.id != turn.programme.common_currency for h in held)


def _offer_rows(seen: Sequence[Seen], origin: str) -> list[list[Button | None]]:
    rows: list[list[Button | None]] = []
    for each in seen:
        facts = {"name": both(each.listed.offer.name), "price": short_price(each.listed, each.verdict.priced.price)}
        reason = short_reason(each)
        label = t("{name} · {price}", **facts) if reason is None else t("{name} · {reason}", reason=reason, **facts)
        rows.append([feature.button(label, "offer", each.listed.id, origin)])
    return rows


async def _listed(
    turn: Turn,
    heading: Text | Both,
    all_: Browse,
    found: list[Found],
    page: str,
    origin: str,
    nothing: Text,
    back: str = "home",
    about: Button | None = None,
) -> Screen:
    """A page of what was found, in the order that was chosen, with the other orders below it."""
    order, because = _order(turn), NO_REASONS
    choices: list[Button | None] = []
    if len(found) > 1:
        choices = [feature.button(words, "sort", each, origin) for each, words in BY.items() if each != order]
    if found and order != "near":
        heading = t("{list} · {order}", list=heading, order=BY[order])
        nothing = NOTHING_ENDS
    if order == "near" and origin == "affordable":
        found = all_.affordable()
    else:
        found, because = await ordered(turn, found, order)
    at = _at(len(found), page)
    seen = await all_.told(turn.tx, _page(found, at))
    return _list(
        heading, seen, at, len(found), origin, nothing, back=back, about=about, choices=choices, because=because
    )


def _list(
    heading: Text | Both,
    shown: list[Seen],
    at: int,
    total: int,
    origin: str,
    nothing: Text,
    *,
    back: str = "home",
    about: Button | None = None,
    choices: Sequence[Button | None] = (),
    because: Mapping[int, Text] = NO_REASONS,
) -> Screen:
    """Page `at` of `total` offers: in full as text, by name as buttons. `origin` names this list without its page; `about` leads to
    what it is of; `because` says of offers why they are in their place."""
    start, action = at * PER_PAGE, origin.partition(".")[0]
    lines: list[Line] = [t("<b>{heading}</b>", heading=heading)]
    if total > PER_PAGE:
        lines = [
            t(
                "<b>{heading}</b> · 第 {start}–{end} 样,共 {n} 样",
                heading=heading,
                start=start + 1,
                end=start + len(shown),
                n=total,
            )
        ]
    for each in shown:
        lines += [BLANK, *in_full(each, merchant=action != "merchant", because=because.get(each.listed.id))]
    if not shown:
        lines.append(nothing)
    away = _back(back) if back != "home" else None
    arrows = _arrows(total, at, PER_PAGE, origin)
    return screen(lines, [*_offer_rows(shown, f"{origin}.{at}"), arrows, list(choices), [about], [away, *_ways_back()]])


def _at(total: int, page: str, size: int = PER_PAGE) -> int:
    """The page's number, brought into range."""
    return min(number(page), max(0, (total - 1) // size))


def _page(items: Sequence[T], at: int, size: int = PER_PAGE) -> list[T]:
    return list(items[at * size : (at + 1) * size])


def _arrows(total: int, at: int, size: int, origin: str) -> list[Button | None]:
    """Buttons to the neighbours of page `at`."""
    action, *args = origin.split(".")
    return [
        feature.button(t("上一页"), action, *args, at - 1) if at > 0 else None,
        feature.button(t("下一页"), action, *args, at + 1) if (at + 1) * size < total else None,
    ]


def _ways_back() -> list[Button | None]:
    return [feature.button(t("兑换首页"), "home"), doors.home()]


def _back(origin: str) -> Button:
    """Back to the list that an offer was opened from."""
    action, *args = origin.split(".")
    if action not in feature.taps or action in ("offer", "home"):
        return feature.button(t("返回"), "home")
    return feature.button(t("返回"), action, *args)
