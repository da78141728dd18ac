"""Favourites: what a member keeps an eye on, and what of it they can have now."""

from __future__ import annotations

from chat import doors
from chat.arguments import number
from chat.feature import Feature
from chat.offers import both, short_price, short_reason
from chat.refusals import Worded, worded
from chat.screen import Button, Line, Onward, Screen, screen
from chat.turn import Turn
from chat.words import t, tn
from ledger.redeeming import favourites, shelf, watching
from ledger.redeeming.favourites import FavouritesFull

feature = Feature("favourites", order=33, on_account=True)

PER_PAGE = 8


@feature.command("favourites", t("收藏"), said="收藏夹,心愿单,favourites,favorites,wishlist")
async def command(turn: Turn, words: str = "") -> Screen:
    """Lists the favourites."""
    return await list_(turn)


@feature.tap("list")
async def list_(turn: Turn, page: str = "0") -> Screen:
    """Lists a page of favourites: what can be had now, then by what is lacking, then what is off the shelf for now."""
    held = await shelf.purse(turn.tx, turn.me, today=turn.today)
    kept = await favourites.on_shelf(turn.tx, turn.me.id)
    away = await favourites.off_shelf(turn.tx, turn.me.id)
    looked = await shelf.look(turn.tx, turn.me, [*kept, *away], today=turn.today, held=held, now=turn.at.programme_now)
    seen = [*shelf.nearest_first(looked[: len(kept)]), *looked[len(kept) :]]
    can = sum(short_reason(each) is None for each in seen)
    at = min(number(page), max(0, (len(seen) - 1) // PER_PAGE))
    lines: list[Line | None] = [t("<b>收藏</b>")]
    if not seen:
        lines.append(t("还没有收藏。打开一样东西,点「加入收藏」,够分时一眼就能看到。"))
    elif can:
        lines.append(tn("{n} 样现在能换", n=can))
    else:
        lines.append(t("现在还没有够换的,最近的排在前面。"))
    rows: list[list[Button | None]] = []
    for each in seen[at * PER_PAGE : (at + 1) * PER_PAGE]:
        name, reason = both(each.listed.offer.name), short_reason(each)
        price = short_price(each.listed, each.verdict.priced.price)
        label = t("{name} · {price}", name=name, price=price)
        if reason is not None:
            label = t("{name} · {price} · {reason}", name=name, price=price, reason=reason)
        rows.append([doors.offer(label, each.listed.id)])
    watched = await watching.watches(turn.tx, turn.me.id)
    if seen:
        lines.append(t("能换了或有货了,上午告诉您。") if watched else t("有变化也不提醒。"))
    rows += [
        [
            feature.button(t("上一页"), "list", at - 1) if at else None,
            feature.button(t("下一页"), "list", at + 1) if (at + 1) * PER_PAGE < len(seen) else None,
        ],
        [feature.button(t("不再提醒") if watched else t("提醒我"), "watch", int(not watched)) if seen else None],
        [doors.catalog(), doors.home()],
    ]
    return screen(lines, rows)


@feature.tap("watch")
async def watch(turn: Turn, on: str) -> Screen:
    """Switches notices of changes on or off, for all favourites; a second tap shows the same."""
    await watching.watch(turn.tx, turn.me.id, on=on == "1")
    return await list_(turn)


@feature.tap("keep")
async def keep(turn: Turn, offer_id: str) -> Onward:
    """Keeps the offer that is shown, and shows it so."""
    await favourites.keep(turn.tx, turn.me.id, number(offer_id), now=turn.now)
    # How it stands now is noted: only what changes from here on is told.
    await watching.look(turn.tx, turn.me, at=turn.at, only=number(offer_id))
    return Onward(doors.offer(t("返回"), number(offer_id)), alert=t("已收藏"))


@feature.tap("let_go")
async def let_go(turn: Turn, offer_id: str) -> Onward:
    """Keeps it no longer, and shows it so."""
    await favourites.let_go(turn.tx, turn.me.id, number(offer_id))
    return Onward(doors.offer(t("返回"), number(offer_id)), alert=t("已取消收藏"))


@worded(FavouritesFull)
def _(no: FavouritesFull) -> Worded:
    return Worded(
        t("收藏满了"),
        t("最多收藏 {limit} 样。先取消一样不想要的。", limit=no.limit),
        buttons=(doors.favourites(t("看收藏")),),
    )
