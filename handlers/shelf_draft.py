"""Writing an offer in chat: a new one is asked for part by part, another's parts are chosen; seen as members will see it, then
published. The draft is kept (`offer_drafts`), so whoever leaves in the middle finds it again.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from chat import booking as booking_words
from chat import booking_text, desk_doors, doors, drafting, fulfilments, offer_card, offer_parts, offer_text, own_shelf
from chat.arguments import number
from chat.drafting import Writing
from chat.feature import Feature
from chat.offer_answers import About
from chat.offer_parts import GUIDED, PART
from chat.offer_text import PARTS
from chat.own_shelf import previewed, run_here
from chat.refusals import wording
from chat.screen import BLANK, Button, Line, Screen, grid, screen
from chat.till import Post
from chat.turn import Turn
from chat.words import Both, t, tn
from ledger.redeeming import bookings, offer_drafts
from ledger.redeeming import own_shelf as kept
from ledger.redeeming.drafts import Document
from ledger.redeeming.memberships import NotTheTierSeller
from ledger.redeeming.offer_drafts import Draft, OfferEditedMeanwhile, StockBelowTaken, written
from ledger.redeeming.privileges import NoOutletOfThatName
from ledger.redeeming.publish import CurrencyNotAccepted

feature = Feature("shelf_draft", order=78)

PICTURE_BYTES_MOST = 10_000_000

_FIRST = (
    "name", "category", "pool", "membership", "lasts", "does", "price", "value", "stock", "limits", "validity", "photo",
)  # fmt: skip
"""What is changed most; the rest is a tap further."""
_QUIET = {"cash", "household", "most", "day", "unused", "returns", "hold", "notice", "grace"}
"""What is told only where it is not as usual."""
_USUAL_PAGE, _REST_PAGE, _BOOKING_PAGE = 0, 1, 3
"""Pages of buttons; 2 is the first one again, for whoever leaves the questions."""


@feature.tap("new")
async def new(turn: Turn, merchant: str) -> Screen:
    """Begins a new offer, or goes on with one that was begun."""
    return await WRITING.new(turn, merchant, GUIDED[0], _currency)


async def _currency(turn: Turn, post: Post) -> Document:
    paid_in = await own_shelf.currencies(turn, post)
    if not paid_in:
        raise CurrencyNotAccepted(post.merchant.code, "common")
    return {"currency": paid_in[0].code}


@feature.tap("show")
async def show(turn: Turn, merchant: str, page: str = "0") -> Screen:
    """Goes on with a draft where it was left."""
    post = await run_here(turn, number(merchant))
    draft = await offer_drafts.mine(turn.tx, post.merchant.id, turn.me.id)
    if draft.guide is not None and page == "0":
        return await ask(turn, post, draft, draft.guide)
    pages = {str(each): each for each in (_REST_PAGE, _BOOKING_PAGE)}
    return await overview(turn, post, draft, page=pages.get(page, _USUAL_PAGE))


async def overview(turn: Turn, post: Post, draft: Draft, *, page: int = 0, first: Line | None = None) -> Screen:
    """What a draft says, what it changes, and everything that can be done with it."""
    here, about = post.merchant.id, await own_shelf.about(turn, post, draft)
    turn.goto(feature.at("part"), merchant=here, nonce=draft.nonce)
    usual = {
        part: offer_text.said(about.terms, _BOOKED if part in booking_text.PARTS else _PLAIN, part) for part in _QUIET
    }
    new_ = t("<b>新的兑换</b> · {merchant}", merchant=post.where)
    lines: list[Line | None] = [
        first,
        BLANK if first else None,
        drafting.heading(draft.base_version, draft.document, new_),
        *WRITING.told(about, draft.document, usual),
    ]
    changed = True
    if draft.offer_id is not None:
        base = await offer_drafts.base_of(turn.tx, draft)
        found = offer_text.changes(about.terms, base, draft.document)
        changed = bool(found)
        lines += drafting.changed(found)
        if base.get("booking") != draft.document.get("booking"):
            lines.append(await _stays(turn, draft.offer_id))
    if draft.photo_waits:
        lines += [BLANK, t("照片正在处理,好了告诉您。")]
    lines += drafting.still(PARTS, draft.missing)
    ready = not draft.missing
    rows: list[list[Button | None]] = [
        [
            feature.button(t("预览"), "preview", here) if ready else None,
            feature.button(t("发布"), "publish", here, draft.nonce, style="primary") if ready and changed else None,
        ],
        *_ways(about, here, draft, page),
        [feature.button(t("丢掉"), "drop", here, draft.nonce, style="danger"), desk_doors.shelf(here, t("先放着"))],
    ]
    return screen(lines, rows)


async def _stays(turn: Turn, offer_id: int) -> Line | None:
    """That what is booked already is not touched by other hours."""
    n = await bookings.to_come(turn.tx, offer_id, at=turn.at)
    return tn("已经约好的 {n} 个不变。", n=n) if n else None


_PLAIN: Mapping[str, Any] = {"kind": "goods", "price": {"kind": "per_unit", "points": 1}}
_BOOKED: Mapping[str, Any] = {
    "booking": {"slot_minutes": 60, "hours": [{"weekdays": [1], "open": "09:00", "close": "10:00"}]}
}


def _ways(about: About, here: int, draft: Draft, page: int) -> list[list[Button | None]]:
    """Buttons to the parts, three a row: those changed most, those of booking, or the others."""
    parts = [part for part in PARTS if part == "specials" or PART[part].applies(about)]
    shown = [part for part in parts if _page_of(part) == page]
    buttons = [
        desk_doors.offer_specials(here, PARTS[part])
        if part == "specials"
        else feature.button(PARTS[part], "part", here, draft.nonce, part)
        for part in shown
        if part != "specials" or about.price is not None
    ]
    others: list[Button | None] = [
        feature.button(t("常用的"), "show", here, _USUAL_PAGE) if page != _USUAL_PAGE else None,
        feature.button(t("预约…"), "show", here, _BOOKING_PAGE) if about.service and page != _BOOKING_PAGE else None,
        feature.button(t("更多…"), "show", here, _REST_PAGE) if page != _REST_PAGE else None,
    ]
    return [*grid(buttons, 3), others]


def _page_of(part: str | None) -> int:
    if part in booking_text.PARTS:
        return _BOOKING_PAGE
    return _USUAL_PAGE if part is None or part in _FIRST else _REST_PAGE


async def _answered(turn: Turn, post: Post, draft: Draft, first: Line | None, part: str | None) -> Screen:
    return await overview(turn, post, draft, page=_page_of(part), first=first)


WRITING: Writing[Draft] = Writing(
    feature,
    offer_drafts,
    PART,
    PARTS,
    offer_text.said,
    offer_parts.after,
    run_here,
    own_shelf.about,
    _answered,
    desk_doors.shelf,
    (StockBelowTaken,),
    _page_of,
)
WRITING.listens()
ask = WRITING.ask


@feature.file_step("part")
async def picture(turn: Turn) -> Screen:
    """Takes a picture; it is fetched and made smaller afterwards."""
    data, given = turn.dialogue.data, turn.file
    post = await run_here(turn, data["merchant"])
    draft = await offer_drafts.mine(turn.tx, post.merchant.id, turn.me.id)
    assert given is not None
    if given.size > PICTURE_BYTES_MOST:
        megabytes = PICTURE_BYTES_MOST // 1_000_000
        return await ask(turn, post, draft, "photo", first=t("图片太大,最多 {n} MB。", n=megabytes))
    await offer_drafts.awaits_photo(turn.tx, draft, given.file_id, now=turn.now)
    guide = None if draft.guide == "photo" else draft.guide
    draft = await offer_drafts.change(turn.tx, draft, {}, guide=guide, now=turn.now)
    if draft.guide is not None:
        return await ask(turn, post, draft, draft.guide, first=t("照片收到了,正在处理。"))
    return await overview(turn, post, draft)


@feature.tap("preview")
async def preview(turn: Turn, merchant: str, language: str = "") -> Screen:
    """Shows the draft as a member will see it, in either language."""
    post = await run_here(turn, number(merchant))
    draft = await offer_drafts.mine(turn.tx, post.merchant.id, turn.me.id)
    here, about = post.merchant.id, await own_shelf.about(turn, post, draft)
    turn.goto(feature.at("part"), merchant=here, nonce=draft.nonce)
    offer = offer_drafts.checked(draft.document)
    if offer is None:
        return await overview(turn, post, draft)
    offer_id = draft.offer_id or 0
    free = await own_shelf.diaries_of(turn, post, offer, offer_id)
    lines, shown = previewed(turn, post, offer, about.terms.currency, offer_id=offer_id, taken=about.taken, free=free)
    if days := booking_words.first_days(free, turn.at.programme_now):
        lines = [*lines, BLANK, t("头几天能约的:"), *days]
        shown = shown if offer_card.fits(offer, days) else None
    publish_ = feature.button(t("发布"), "publish", here, draft.nonce, style="primary")
    rows: list[list[Button | None]] = [
        [feature.button(t("中文"), "preview", here, "zh"), feature.button(t("英文"), "preview", here, "en")],
        [feature.button(t("再改改"), "show", here, 2), publish_],
    ]
    return screen(own_shelf.in_language(lines, language), rows, picture=shown)


@feature.tap("publish")
async def publish(turn: Turn, merchant: str, nonce: str) -> Screen:
    """Puts the draft on the shelf; a second tap finds it done."""
    post = await run_here(turn, number(merchant))
    here = post.merchant.id
    draft = await offer_drafts.find(turn.tx, here, turn.me.id)
    if draft is None or draft.nonce != nonce:
        return drafting.gone()
    if draft.missing:
        return await ask(turn, post, draft, draft.missing[0])
    if draft.photo_waits:
        return await overview(turn, post, draft, first=t("照片还在处理,好了再发布。"))
    try:
        offer_id, version = await offer_drafts.put_up(
            turn.tx, draft, by=post.staff.actor, now=turn.now, today=turn.today
        )
    except OfferEditedMeanwhile as no:
        return await _moved(turn, post, draft, no)
    except NotTheTierSeller:  # it was, when this was begun
        return await overview(turn, post, draft, first=t("等级现在由别的商户来卖,发布不了。"))
    except NoOutletOfThatName as no:
        return await ask(turn, post, draft, "outlets", first=wording(no).headline)
    turn.finish()
    asked = await fulfilments.asked(turn.tx, offer_id)
    turn.tells += asked
    own = await kept.one_of(turn.tx, here, offer_id, today=turn.today)
    lines: list[Line | None] = [
        t("<b>上架了</b>") if version == 1 else t("<b>改好了</b> · 第 {version} 版", version=version),
        t("{name}", name=Both(own.listed.offer.name.zh, own.listed.offer.name.en)),
        own_shelf.stands(own),
        t("会员现在就能找到它、换它。") if own.standing == "active" else None,
        t("它还暂停着,恢复后会员才看得到。") if own.standing == "paused" else None,
        t("已去问代兑商户,答应了告诉您。") if asked else None,
        t("已换出的券按换的时候那一版。") if version > 1 else None,
    ]
    rows: list[list[Button | None]] = [
        [desk_doors.own_offer(here, offer_id, t("看它")), desk_doors.shelf(here)],
        [desk_doors.calendar(here) if own.listed.offer.booking is not None else None],
        [desk_doors.new_offer(here, t("再新建一项")), doors.home()],
    ]
    return screen(lines, rows)


async def _moved(turn: Turn, post: Post, draft: Draft, no: OfferEditedMeanwhile) -> Screen:
    """Somebody else published first: what they changed, what this draft changes, and the two ways on."""
    about, base = await own_shelf.about(turn, post, draft), await offer_drafts.base_of(turn.tx, draft)
    latest = (await kept.versions(turn.tx, no.offer_id, most=no.version, limit=1))[0]
    return WRITING.moved(
        turn,
        post,
        draft,
        who=await own_shelf.made_by(turn, latest.made_by),
        version=no.version,
        theirs=offer_text.changes(about.terms, base, written(latest.offer)),
        mine=offer_text.changes(about.terms, base, draft.document),
    )


@feature.tap("drop")
async def drop(turn: Turn, merchant: str, nonce: str) -> Screen:
    """Asks before a draft goes."""
    return await WRITING.drop(turn, merchant, nonce, kept=t("丢掉这些改动?架上的不变。"))


@feature.tap("dropped")
async def dropped(turn: Turn, merchant: str, nonce: str) -> Screen:
    """Forgets the draft."""
    anew = desk_doors.new_offer(number(merchant), t("写一份新的"))
    said = t("丢掉了,架上的没有变。")
    return await WRITING.dropped(turn, merchant, nonce, said=said, anew=anew, back=t("看货架"))
