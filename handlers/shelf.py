"""A merchant's own shelf: every offer with what is left and how often it was redeemed, one of them with its switch, its versions,
and what redeems best."""

from __future__ import annotations

from chat import booking_text, desk_doors, doors, known, opening_hours, own_shelf, till
from chat import fulfilments as fulfilled
from chat.arguments import number
from chat.feature import Feature
from chat.offer_text import changes, few, price, value
from chat.offers import both
from chat.own_shelf import STANDINGS, made_by, previewed, run_here, stands
from chat.screen import BLANK, Button, Line, Screen, screen
from chat.till import Post
from chat.turn import Turn
from chat.words import Money, Text, t, tn
from ledger.merchants import authority
from ledger.redeeming import bookings, fulfilments, offer_drafts
from ledger.redeeming import own_shelf as kept
from ledger.redeeming.may_redeem import Listed
from ledger.redeeming.offer_drafts import written
from ledger.redeeming.offers import PerUnit
from ledger.redeeming.own_shelf import BEST_DAYS, Own

feature = Feature("shelf", order=78)

PER_PAGE = 6
VERSIONS_PER_PAGE = 5
BEST_SHOWN = 8


@feature.command("shelf", t("货架"), audience="staff", needs="run_shelf", said="我的货架,上架")
async def command(turn: Turn, words: str = "") -> Screen:
    """Shows the offers of the merchant that one runs."""
    found = await till.place(turn, None)
    if isinstance(found, Post) and not authority.may(found.staff.role, "run_shelf"):
        mine = [post for post in await till.posts(turn) if authority.may(post.staff.role, "run_shelf")]
        found = mine[0] if len(mine) == 1 else mine or found
    if isinstance(found, list):
        return till.choose(found, lambda label, at: feature.button(label, "list", at, 0))
    return await list_(turn, str(found.merchant.id))


@feature.tap("list")
async def list_(turn: Turn, merchant: str, page: str = "0") -> Screen:
    """Lists a merchant's offers: those on the shelf, those paused, those that are over."""
    post = await run_here(turn, number(merchant))
    turn.finish()
    here = post.merchant.id
    found = await kept.all_of(turn.tx, here, today=turn.today)
    draft = await offer_drafts.unfinished(turn.tx, here, turn.me.id)
    at = min(number(page), max(0, len(found) - 1) // PER_PAGE)
    shown = found[at * PER_PAGE : (at + 1) * PER_PAGE]
    lines: list[Line] = [t("<b>货架</b> · {merchant}", merchant=post.where)]
    if found:
        lines += [_counts(found)]
    else:
        lines += [t("还没有可换的东西。"), t("新建一项,几分钟就能上架。")]
    if len(found) > PER_PAGE:
        lines += [
            t("第 {start}–{end} 样,共 {n} 样", start=at * PER_PAGE + 1, end=at * PER_PAGE + len(shown), n=len(found))
        ]
    for own in shown:
        lines += [BLANK, t("<b>{name}</b>", name=both(own.listed.offer.name)), stands(own)]
    rows: list[list[Button | None]] = [[feature.button(_label(own), "open", here, own.listed.id)] for own in shown]
    rows += [
        [
            feature.button(t("上一页"), "list", here, at - 1) if at else None,
            feature.button(t("下一页"), "list", here, at + 1) if len(found) > (at + 1) * PER_PAGE else None,
        ],
        [desk_doors.offer_draft(here, t("接着写草稿")) if draft is not None else None],
        [desk_doors.new_offer(here), feature.button(t("换得最多的"), "best", here) if found else None],
        [desk_doors.fulfilments(here) if await fulfilments.of_merchant(turn.tx, here) else None],
        [desk_doors.merchant(t("商户页"), here), doors.home()],
    ]
    return screen(lines, rows)


def _counts(found: list[Own]) -> Text:
    counted = [(t("{what} {n}", what=words, n=n)) for each, words in STANDINGS.items() if (n := _of(found, each))]
    said = counted[0]
    for more in counted[1:]:
        said = t("{one},{other}", one=said, other=more)
    return said


def _of(found: list[Own], standing: str) -> int:
    return sum(own.standing == standing for own in found)


def _label(own: Own) -> Text:
    name = both(own.listed.offer.name)
    return (
        t("{name}", name=name)
        if own.standing == "active"
        else t("{name} · {is_}", name=name, is_=STANDINGS[own.standing])
    )


@feature.tap("open")
async def open_(turn: Turn, merchant: str, offer: str, *, first: Line | None = None) -> Screen:
    """Shows how one stands: its price, what is left, what was had of it."""
    post = await run_here(turn, number(merchant))
    turn.finish()
    here, own = post.merchant.id, await kept.one_of(turn.tx, number(merchant), number(offer), today=turn.today)
    this, had = own.listed, own.had
    said, terms = this.offer, await own_shelf.terms(turn, post, own.listed.offer.currency)
    lines: list[Line | None] = [
        first,
        BLANK if first else None,
        t("<b>{name}</b> · {is_}", name=both(said.name), is_=STANDINGS[own.standing]),
        t("<b>{price}</b>", price=price(terms, said.price)),
        t("值 {worth}", worth=value(terms, said.price))
        if isinstance(said.price, PerUnit) and said.price.value_minor
        else None,
        BLANK,
        *(await _booked(turn, this)),
        _pieces(own),
        *(fulfilled.stands(each) for each in await fulfilments.of_offer(turn.tx, this.id)),
        tn("近 7 天换出 {n} 份", n=had.week),
        tn("近 {days} 天换出 {n} 份,用掉 {used}", n=had.last, used=had.used, days=BEST_DAYS),
        BLANK,
        t("第 {version} 版", version=this.version),
    ]
    switch = (
        feature.button(t("暂停它"), "pause", here, this.id)
        if this.active
        else feature.button(t("恢复"), "switch", here, this.id, 1, style="primary")
    )
    calendar = desk_doors.calendar(here) if said.booking is not None else None
    rows: list[list[Button | None]] = [
        [feature.button(t("会员看到的"), "look", here, this.id), desk_doors.change_offer(here, this.id, t("改"))],
        [feature.button(t("改过几次"), "versions", here, this.id, this.version), switch],
        [calendar],
        [desk_doors.shelf(here, t("返回")), doors.home()],
    ]
    return screen(lines, rows)


def _pieces(own: Own) -> Line | None:
    if own.left is not None:
        return t("剩 {left} 份,换出 {taken} 份", left=own.left, taken=own.taken)
    return t("份数不限") if own.listed.offer.booking is None else None


async def _booked(turn: Turn, this: Listed) -> list[Line]:
    """When it can be booked, and how many have."""
    booking = this.offer.booking
    if booking is None:
        return []
    n = await bookings.to_come(turn.tx, this.id, at=turn.at)
    return [
        t("{hours}", hours=opening_hours.said(booking.hours)),
        t("每次 {n} 分钟,同时 {places} 位", n=booking.slot_minutes, places=booking.at_once),
        *([t("{outlets}", outlets=booking_text.outlets(booking))] if booking.outlets else []),
        tn("接下来有 {n} 个预约", n=n) if n else t("接下来还没有预约"),
    ]


@feature.tap("look")
async def look(turn: Turn, merchant: str, offer: str, language: str = "") -> Screen:
    """Shows one as a member sees it now, in either language."""
    post = await run_here(turn, number(merchant))
    here, own = post.merchant.id, await kept.one_of(turn.tx, number(merchant), number(offer), today=turn.today)
    terms = await own_shelf.terms(turn, post, own.listed.offer.currency)
    lines, picture = previewed(
        turn,
        post,
        own.listed.offer,
        terms.currency,
        offer_id=own.listed.id,
        active=own.listed.active,
        taken=own.taken or 0,
        free=await own_shelf.diaries_of(turn, post, own.listed.offer, own.listed.id),
        fulfillers=own.listed.fulfillers,
    )
    rows = [
        [
            feature.button(t("中文"), "look", here, own.listed.id, "zh"),
            feature.button(t("英文"), "look", here, own.listed.id, "en"),
        ],
        [feature.button(t("返回"), "open", here, own.listed.id)],
    ]
    return screen(own_shelf.in_language(lines, language), rows, picture=picture)


@feature.tap("pause")
async def pause(turn: Turn, merchant: str, offer: str) -> Screen:
    """Says what pausing does, before it does it."""
    post, this = await _mine(turn, merchant, offer)
    vouchers, kept_by = await kept.concerned(turn.tx, this.id)
    lines: list[Line | None] = [
        t("暂停「{name}」?", name=both(this.offer.name)),
        t("会员暂时找不到它,也换不了。"),
        tn("已换出没用的 {n} 张券照样能用。", n=vouchers) if vouchers else None,
        tn("{n} 位会员收藏了它,恢复后会告诉他们。", n=kept_by) if kept_by else None,
    ]
    here = post.merchant.id
    yes = feature.button(t("暂停它"), "switch", here, this.id, 0, style="danger")
    return screen(lines, [[yes, feature.button(t("返回"), "open", here, this.id)]])


@feature.tap("switch")
async def switch(turn: Turn, merchant: str, offer: str, on: str) -> Screen:
    """Pauses one, or brings it back."""
    post, this = await _mine(turn, merchant, offer)
    active, by = on == "1", post.staff.actor
    await kept.switch(turn.tx, post.merchant.id, this.id, active, by=by, now=turn.now)
    said = t("恢复了,会员又能换了。") if active else t("暂停了。已换出的券照样能用。")
    return await open_(turn, merchant, offer, first=said)


async def _mine(turn: Turn, merchant: str, offer: str) -> tuple[Post, Listed]:
    post = await run_here(turn, number(merchant))
    return post, (await kept.one_of(turn.tx, post.merchant.id, number(offer), today=turn.today)).listed


@feature.tap("versions")
async def versions(turn: Turn, merchant: str, offer: str, most: str) -> Screen:
    """Lists what each version changed, when, and by whom; the latest first."""
    post, this = await _mine(turn, merchant, offer)
    here, terms = post.merchant.id, await own_shelf.terms(turn, post, this.offer.currency)
    found = await kept.versions(turn.tx, this.id, most=number(most), limit=VERSIONS_PER_PAGE + 1)
    lines: list[Line] = [t("<b>{name}</b> · 改过几次", name=both(this.offer.name))]
    for at, each in enumerate(found[:VERSIONS_PER_PAGE]):
        facts = {"version": each.version, "when": each.made_at, "who": await made_by(turn, each.made_by)}
        lines += [BLANK, t("第 {version} 版 · {when} · {who}", **facts)]
        if each.version == 1:
            lines.append(t("上架"))
        elif at + 1 < len(found):
            said = changes(terms, written(found[at + 1].offer), written(each.offer))
            lines += few(said)
    lines += [BLANK, t("已换出的券按换的时候那一版。")]
    more = found[VERSIONS_PER_PAGE:]
    rows: list[list[Button | None]] = [
        [
            feature.button(t("最近的"), "versions", here, this.id, this.version)
            if number(most) < this.version
            else None,
            feature.button(t("更早"), "versions", here, this.id, more[0].version) if more else None,
        ],
        [feature.button(t("返回"), "open", here, this.id)],
    ]
    return screen(lines, rows)


@feature.tap("best")
async def best(turn: Turn, merchant: str) -> Screen:
    """Ranks a merchant's offers by what was had of them in thirty days, beside the thirty before."""
    post = await run_here(turn, number(merchant))
    here, names = post.merchant.id, await known.read(turn.tx)
    found = await kept.all_of(turn.tx, here, today=turn.today)
    ranked = sorted((own for own in found if own.had.last), key=lambda own: (-own.had.last, -own.had.points))
    total, before = sum(own.had.last for own in found), sum(own.had.before for own in found)
    idle = [own for own in found if own.standing == "active" and not own.had.last]
    lines: list[Line] = [
        tn("<b>近 {days} 天换出 {n} 份</b>", days=BEST_DAYS, n=total),
        t("再往前 {days} 天是 {before} 份", days=BEST_DAYS, before=before),
    ]
    if not total:
        lines.append(t("换个价格、照片或名称试试,改了马上生效。"))
    for place, own in enumerate(ranked[:BEST_SHOWN], 1):
        had, this = own.had, own.listed
        share = {"n": had.last, "percent": round(100 * had.last / total), "used": had.used, "before": had.before}
        points = names.points(this.currency_id, had.points)
        lines += [
            BLANK,
            t("{place}. <b>{name}</b>", place=place, name=both(this.offer.name)),
            tn("{n} 份,占 {percent}%(之前 {before})", **share),
            t(
                "用掉 {used} 份 · {points} · {value}",
                points=points,
                value=Money(had.value_minor, this.money),
                used=had.used,
            )
            if had.value_minor
            else t("用掉 {used} 份 · {points}", points=points, used=had.used),
        ]
    if idle:
        lines += [BLANK, tn("在架却没人换的 {n} 样:", n=len(idle))]
        lines += [t("· {name}", name=both(own.listed.offer.name)) for own in idle[:BEST_SHOWN]]
    rows: list[list[Button | None]] = [
        [feature.button(t("{name}", name=both(own.listed.offer.name)), "open", here, own.listed.id)]
        for own in [*ranked[:3], *idle[:2]]
    ]
    return screen(lines, [*rows, [desk_doors.shelf(here, t("返回")), doors.home()]])
