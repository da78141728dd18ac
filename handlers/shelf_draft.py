"""Writing an offer in chat: a new one is asked for part by part, another's parts are chosen; seen as members will see it, then
published. The draft is kept (`offer_drafts`), so whoever leaves in the middle finds it again.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from pydantic import ValidationError

from chat import booking as booking_words
from chat import booking_text, doors, offer_card, offer_faults, offer_parts, offer_text, own_shelf
from chat.arguments import number
from chat.feature import Feature
from chat.offer_answers import About, Unread, two
from chat.offer_parts import GUIDED, PART
from chat.offer_text import PARTS
from chat.own_shelf import previewed, run_here
from chat.refusals import wording
from chat.screen import BLANK, Button, Line, Screen, screen
from chat.till import Post
from chat.turn import Turn
from chat.words import Both, Text, t, tn
from ledger.redeeming import bookings, offer_drafts
from ledger.redeeming import own_shelf as kept
from ledger.redeeming.offer_drafts import Draft, OfferEditedMeanwhile, StockBelowTaken, written
from ledger.redeeming.publish import CurrencyNotAccepted
from ledger.redeeming.spelling import is_chinese

feature = Feature("shelf_draft", order=78)

PICTURE_BYTES_MOST = 10_000_000

_FIRST = ("name", "category", "price", "value", "stock", "limits", "validity", "photo")
"""What is changed most; the rest is a tap further."""
_QUIET = {"cash", "most", "day", "unused", "hold", "notice", "grace"}
"""What is told only where it is not as usual."""
_USUAL_PAGE, _REST_PAGE, _BOOKING_PAGE = 0, 1, 3
"""Pages of buttons; 2 is the first one again, for whoever leaves the questions."""


@feature.tap("new")
async def new(turn: Turn, merchant: str) -> Screen:
    """Begins a new offer, or goes on with one that was begun."""
    post = await run_here(turn, number(merchant))
    there = await offer_drafts.unfinished(turn.tx, post.merchant.id, turn.me.id)
    if there is not None and there.offer_id is None:
        first = t("先接着写这一份。") if there.document.get("name") else None
        if there.guide is None:
            return await overview(turn, post, there, first=first)
        return await ask(turn, post, there, there.guide, first=first)
    nonce = turn.nonce()
    code = f"{post.merchant.code[:28]}-{nonce}".lower()
    paid_in = await own_shelf.currencies(turn, post)
    if not paid_in:
        raise CurrencyNotAccepted(post.merchant.code, "common")
    draft = await offer_drafts.begin(
        turn.tx,
        merchant_id=post.merchant.id,
        member_id=turn.me.id,
        document={"code": code, "merchant": post.merchant.code, "currency": paid_in[0].code},
        guide=GUIDED[0],
        nonce=nonce,
        now=turn.now,
    )
    return await ask(turn, post, draft, GUIDED[0])


@feature.tap("change")
async def change(turn: Turn, merchant: str, offer: str) -> Screen:
    """Begins to change an offer, or goes on with it."""
    post = await run_here(turn, number(merchant))
    draft = await offer_drafts.begin_change(
        turn.tx,
        merchant_id=post.merchant.id,
        member_id=turn.me.id,
        offer_id=number(offer),
        nonce=turn.nonce(),
        now=turn.now,
    )
    return await overview(turn, post, draft)


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
    told = {part: offer_text.said(about.terms, draft.document, part) for part in PARTS}
    usual = {
        part: offer_text.said(about.terms, _BOOKED if part in booking_text.PARTS else _PLAIN, part) for part in _QUIET
    }
    lines: list[Line | None] = [first, BLANK if first else None, _heading(draft, post)]
    lines += [
        t("{part}:{said}", part=PARTS[part], said=said)
        for part, said in told.items()
        if said is not None and said != usual.get(part)
    ]
    changed = True
    if draft.offer_id is not None:
        base = await offer_drafts.base_of(turn.tx, draft)
        found = offer_text.changes(about.terms, base, draft.document)
        changed = bool(found)
        lines += [BLANK, t("<b>改了:</b>") if found else t("还没有改动。")]
        lines += offer_text.few(found, 12)
        if base.get("booking") != draft.document.get("booking"):
            lines.append(await _stays(turn, draft.offer_id))
    if draft.photo_waits:
        lines += [BLANK, t("照片正在处理,好了告诉您。")]
    if draft.missing:
        lines += [BLANK, t("还要写:{parts}", parts=_named(draft.missing))]
    ready = not draft.missing
    rows: list[list[Button | None]] = [
        [
            feature.button(t("预览"), "preview", here) if ready else None,
            feature.button(t("发布"), "publish", here, draft.nonce, style="primary") if ready and changed else None,
        ],
        *_ways(about, here, draft, page),
        [feature.button(t("丢掉"), "drop", here, draft.nonce, style="danger"), doors.shelf(here, t("先放着"))],
    ]
    return screen(lines, rows)


async def _stays(turn: Turn, offer_id: int) -> Line | None:
    """That what is booked already is not touched by other hours."""
    n = await bookings.to_come(turn.tx, offer_id, at=turn.at)
    return tn("已经约好的 {n} 个不变。", n=n) if n else None


_PLAIN: Mapping[str, Any] = {"price": {"kind": "per_unit", "points": 1}}
_BOOKED: Mapping[str, Any] = {
    "booking": {"slot_minutes": 60, "hours": [{"weekdays": [1], "open": "09:00", "close": "10:00"}]}
}


def _heading(draft: Draft, post: Post) -> Text:
    if draft.offer_id is None:
        return t("<b>新的兑换</b> · {merchant}", merchant=post.where)
    name = offer_text.name(draft.document)
    return t("<b>改「{name}」</b> · 第 {version} 版", name=name, version=draft.base_version)


def _named(parts: tuple[str, ...]) -> Text:
    said = PARTS[parts[0]]
    for part in parts[1:]:
        said = t("{one}、{other}", one=said, other=PARTS[part])
    return said


def _ways(about: About, here: int, draft: Draft, page: int) -> list[list[Button | None]]:
    """Buttons to the parts, three a row: those changed most, those of booking, or the others."""
    parts = [part for part in PARTS if part == "specials" or PART[part].applies(about)]
    shown = [part for part in parts if _page_of(part) == page]
    buttons: list[Button | None] = [
        doors.offer_specials(here, PARTS[part])
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
    return [*(buttons[i : i + 3] for i in range(0, len(buttons), 3)), others]


def _page_of(part: str) -> int:
    if part in booking_text.PARTS:
        return _BOOKING_PAGE
    return _USUAL_PAGE if part in _FIRST else _REST_PAGE


@feature.tap("part")
async def part_(turn: Turn, merchant: str, nonce: str, part: str) -> Screen:
    """Asks for one part."""
    post = await run_here(turn, number(merchant))
    draft = await offer_drafts.find(turn.tx, post.merchant.id, turn.me.id)
    if draft is None or draft.nonce != nonce or part not in PART:
        return _gone()
    return await ask(turn, post, draft, part)


async def ask(turn: Turn, post: Post, draft: Draft, part: str, *, first: Line | None = None, zh: str = "") -> Screen:
    """Asks for a part, with the usual answers as buttons. `zh`: the Chinese name, where the English one is asked for."""
    here, about = post.merchant.id, await own_shelf.about(turn, post, draft)
    turn.goto(feature.at("part"), merchant=here, nonce=draft.nonce, part=part, **({"zh": zh} if zh else {}))
    now = offer_text.said(about.terms, draft.document, part)
    guided = draft.guide is not None
    name = offer_text.name(draft.document)
    heading = t("{part} · {name}", part=PARTS[part], name=name) if name else t("{part}", part=PARTS[part])
    lines: list[Line | None] = [
        first,
        t("<b>{heading}</b>", heading=heading),
        t("现在:{said}", said=now) if now is not None and not guided and not zh else None,
    ]
    if zh:
        lines.append(t("「{zh}」的英文名叫什么?", zh=zh))
    else:
        lines += PART[part].ask(about)
    rows: list[list[Button | None]] = [
        [feature.button(words, "say", here, draft.nonce, part, said) for words, said in row]  # type: ignore[arg-type]
        for row in PART[part].usual(about)
    ]
    if guided:
        look = feature.button(t("看草稿"), "show", here, 2)
        away = feature.button(t("丢掉"), "drop", here, draft.nonce)
        rows.append([look if draft.document.get("name") else away, doors.shelf(here, t("先放着"))])
    else:
        page = _BOOKING_PAGE if part in booking_text.PARTS else _USUAL_PAGE
        rows.append([feature.button(t("返回"), "show", here, page)])
    return screen(lines, rows)


@feature.tap("say")
async def say(turn: Turn, merchant: str, nonce: str, part: str, *said: str) -> Screen:
    """Takes the answer that a button says."""
    post = await run_here(turn, number(merchant))
    draft = await offer_drafts.find(turn.tx, post.merchant.id, turn.me.id)
    if draft is None or draft.nonce != nonce or part not in PART:
        return _gone()
    return await take(turn, post, draft, part, ":".join(said))


@feature.step("part")
async def typed(turn: Turn, said: str) -> Screen:
    """Takes what was typed for the part that was asked; where none was, shows the draft."""
    data = turn.dialogue.data
    post = await run_here(turn, data["merchant"])
    draft = await offer_drafts.mine(turn.tx, post.merchant.id, turn.me.id)
    part = data.get("part")
    if part is None or draft.nonce != data.get("nonce"):
        return await overview(turn, post, draft, first=t("要改哪一项?点下面的。"))
    if part == "name" and (two(said) is None or data.get("zh")):
        return await _name(turn, post, draft, said)
    return await take(turn, post, draft, part, said)


async def _name(turn: Turn, post: Post, draft: Draft, said: str) -> Screen:
    """One language of the name: the Chinese first, then the English."""
    words, zh = " ".join(said.split()), str(turn.dialogue.data.get("zh", ""))
    if zh and (names := two(said)) is not None and is_chinese(names["zh"]):  # both after all, the Chinese one anew
        return await take(turn, post, draft, "name", said)
    if zh:
        return await take(turn, post, draft, "name", f"{zh}\n{words}")
    try:
        offer_drafts.checked({**draft.document, "name": {"zh": words, "en": "…"}})
    except ValidationError as error:
        return await ask(turn, post, draft, "name", first=offer_faults.line(error))
    return await ask(turn, post, draft, "name", zh=words)


async def take(turn: Turn, post: Post, draft: Draft, part: str, said: str) -> Screen:
    """Writes an answer into the draft; what can't be is said, and asked again."""
    about = await own_shelf.about(turn, post, draft)
    try:
        parts = PART[part].read(about, said)
        guide = draft.guide
        said_so = _with(about, parts)
        if guide is not None and (guide == part or not PART[guide].applies(said_so)):
            guide = offer_parts.after(said_so, guide)
        draft = await offer_drafts.change(turn.tx, draft, parts, guide=guide, now=turn.now)
    except Unread as no:
        return await ask(turn, post, draft, part, first=no.words)
    except ValidationError as error:
        return await ask(turn, post, draft, part, first=offer_faults.line(error))
    except StockBelowTaken as no:
        return await ask(turn, post, draft, part, first=wording(no).detail)
    if draft.guide is not None:
        return await ask(turn, post, draft, draft.guide)
    return await overview(turn, post, draft, page=_page_of(part))


def _with(about: About, parts: Mapping[str, Any]) -> About:
    said = {part: each for part, each in {**about.document, **parts}.items() if each is not None}
    return About(said, about.terms, about.today, about.taken, about.new, about.currencies)


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
    free = await own_shelf.diary(turn, post, offer, offer_id)
    lines, shown = previewed(turn, post, offer, about.terms.currency, offer_id=offer_id, taken=about.taken, free=free)
    if free is not None and (days := booking_words.first_days(free, turn.at.programme_now)):
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
        return _gone()
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
    turn.finish()
    own = await kept.one_of(turn.tx, here, offer_id, today=turn.today)
    lines: list[Line | None] = [
        t("<b>上架了</b>") if version == 1 else t("<b>改好了</b> · 第 {version} 版", version=version),
        t("{name}", name=Both(own.listed.offer.name.zh, own.listed.offer.name.en)),
        own_shelf.stands(own),
        t("会员现在就能找到它、换它。") if own.standing == "active" else None,
        t("它还暂停着,恢复后会员才看得到。") if own.standing == "paused" else None,
        t("已换出的券按换的时候那一版。") if version > 1 else None,
    ]
    rows: list[list[Button | None]] = [
        [doors.own_offer(here, offer_id, t("看它")), doors.shelf(here)],
        [doors.calendar(here) if own.listed.offer.booking is not None else None],
        [doors.new_offer(here, t("再新建一项")), doors.home()],
    ]
    return screen(lines, rows)


async def _moved(turn: Turn, post: Post, draft: Draft, no: OfferEditedMeanwhile) -> Screen:
    """Somebody else published first: what they changed, what this draft changes, and the two ways on."""
    here, about = post.merchant.id, await own_shelf.about(turn, post, draft)
    turn.goto(feature.at("part"), merchant=here, nonce=draft.nonce)
    base = await offer_drafts.base_of(turn.tx, draft)
    latest = (await kept.versions(turn.tx, no.offer_id, most=no.version, limit=1))[0]
    theirs = offer_text.changes(about.terms, base, written(latest.offer))
    mine = offer_text.changes(about.terms, base, draft.document)
    who = await own_shelf.made_by(turn, latest)
    lines: list[Line] = [
        t("<b>它刚被{who}改过,还没有发布您的</b>", who=who),
        t("您从第 {mine} 版改起,现在是第 {now} 版。", mine=no.based_on, now=no.version),
        BLANK,
        t("这期间改了:"),
        *offer_text.few(theirs),
        t("您改的:"),
        *offer_text.few(mine),
        BLANK,
        t("两边都改的地方,会用您的。"),
    ]
    onto = feature.button(t("在新的上面接着改"), "onto", here, draft.nonce, style="primary")
    return screen(lines, [[onto], [feature.button(t("丢掉我的"), "drop", here, draft.nonce, style="danger")]])


@feature.tap("onto")
async def onto(turn: Turn, merchant: str, nonce: str) -> Screen:
    """Carries the draft's changes over to the offer as it is now."""
    post = await run_here(turn, number(merchant))
    draft = await offer_drafts.find(turn.tx, post.merchant.id, turn.me.id)
    if draft is None or draft.nonce != nonce or draft.offer_id is None:
        return _gone()
    try:
        draft = await offer_drafts.onto_latest(turn.tx, draft, now=turn.now)
    except ValidationError as error:
        said = t("两边合不到一起:{why}", why=offer_faults.said(error))
        here = post.merchant.id
        drop_ = feature.button(t("丢掉我的"), "drop", here, nonce, style="danger")
        return screen([said], [[feature.button(t("再改改"), "show", here)], [drop_]])
    return await overview(turn, post, draft, first=t("接到最新的一版上了。"))


@feature.tap("drop")
async def drop(turn: Turn, merchant: str, nonce: str) -> Screen:
    """Asks before a draft goes."""
    post = await run_here(turn, number(merchant))
    here, draft = post.merchant.id, await offer_drafts.find(turn.tx, number(merchant), turn.me.id)
    if draft is None or draft.nonce != nonce:
        return _gone()
    said = t("丢掉这份草稿?写好的就没有了。") if draft.offer_id is None else t("丢掉这些改动?架上的不变。")
    yes = feature.button(t("丢掉"), "dropped", here, nonce, style="danger")
    return screen([said], [[yes, feature.button(t("不丢"), "show", here)]])


@feature.tap("dropped")
async def dropped(turn: Turn, merchant: str, nonce: str) -> Screen:
    """Forgets the draft."""
    post = await run_here(turn, number(merchant))
    here, draft = post.merchant.id, await offer_drafts.find(turn.tx, number(merchant), turn.me.id)
    if draft is None or draft.nonce != nonce:
        return _gone()
    await offer_drafts.drop(turn.tx, here, turn.me.id)
    turn.finish()
    days = offer_drafts.KEPT_DAYS
    lines = [t("丢掉了,架上的没有变。"), tn("不丢的草稿留 {n} 天。", n=days)]
    return screen(lines, [[doors.new_offer(here, t("写一份新的")), doors.shelf(here, t("看货架"))]])


def _gone() -> Screen:
    """A button of a draft that is done with. What that one showed stays."""
    return Screen(alert=t("这份草稿已经发布,或者丢掉了。"))
