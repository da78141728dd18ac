"""Writing a privilege in chat: a new one is asked for part by part, another's parts are chosen; seen as members will see it, then
published. The draft is kept (`privilege_drafts`), so whoever leaves in the middle finds it again.
"""

from __future__ import annotations

from chat import (
    desk_doors,
    doors,
    drafting,
    own_privileges,
    own_shelf,
    privilege_parts,
    privilege_text,
    privilege_words,
)
from chat.arguments import number
from chat.drafting import Writing
from chat.feature import Feature
from chat.own_privileges import previewed, run_here
from chat.privilege_parts import GUIDED, PART
from chat.privilege_text import MISSING, PARTS
from chat.refusals import wording
from chat.screen import BLANK, Button, Line, Screen, grid, screen
from chat.till import Post
from chat.turn import Turn
from chat.words import t
from ledger.errors import Refusal
from ledger.members.profile import NoSuchRegion
from ledger.members.standings import NoSuchTier
from ledger.redeeming import privilege_drafts, privileges
from ledger.redeeming.privilege_drafts import Draft, PrivilegeEditedMeanwhile, written

feature = Feature("privilege_draft", order=80)


@feature.tap("new")
async def new(turn: Turn, merchant: str) -> Screen:
    """Begins a new privilege, or goes on with one that was begun."""
    return await WRITING.new(turn, merchant, GUIDED[0])


@feature.tap("show")
async def show(turn: Turn, merchant: str, page: str = "0") -> Screen:
    """Goes on with a draft where it was left; page 2: all of it."""
    post = await run_here(turn, number(merchant))
    draft = await privilege_drafts.mine(turn.tx, post.merchant.id, turn.me.id)
    if draft.guide is not None and page == "0":
        return await WRITING.ask(turn, post, draft, draft.guide)
    return await overview(turn, post, draft)


async def overview(
    turn: Turn, post: Post, draft: Draft, first: Line | None = None, answered: str | None = None
) -> Screen:
    """What a draft says, what it changes, and everything that can be done with it."""
    here, about = post.merchant.id, await own_privileges.about(turn, post, draft)
    turn.goto(feature.at("part"), merchant=here, nonce=draft.nonce)
    lines: list[Line | None] = [
        first,
        BLANK if first else None,
        drafting.heading(
            draft.base_version, draft.document, t("<b>新的会员权益</b> · {merchant}", merchant=post.where)
        ),
        *WRITING.told(about, draft.document, {}),
    ]
    changed = True
    if draft.subject_id is not None:
        words, base = await own_privileges.terms(turn, post), await privilege_drafts.base_of(turn.tx, draft)
        found = privilege_text.changes(words, base, draft.document)
        changed = bool(found)
        lines += drafting.changed(found)
    lines += drafting.still(MISSING, draft.missing)
    ready = not draft.missing
    ways = [feature.button(PARTS[part], "part", here, draft.nonce, part) for part in PART if PART[part].applies(about)]
    rows: list[list[Button | None]] = [
        [
            feature.button(t("预览"), "preview", here) if ready else None,
            feature.button(t("发布"), "publish", here, draft.nonce, style="primary") if ready and changed else None,
        ],
        *grid(ways, 3),
        [
            feature.button(t("丢掉"), "drop", here, draft.nonce, style="danger"),
            desk_doors.run_privileges(here, t("先放着")),
        ],
    ]
    return screen(lines, rows)


WRITING: Writing[Draft] = Writing(
    feature,
    privilege_drafts,
    PART,
    PARTS,
    privilege_text.said,
    privilege_parts.after,
    run_here,
    own_privileges.about,
    overview,
    desk_doors.run_privileges,
)
WRITING.listens()


@feature.tap("preview")
async def preview(turn: Turn, merchant: str, language: str = "") -> Screen:
    """Shows the draft as a member will see it, in either language."""
    post = await run_here(turn, number(merchant))
    draft = await privilege_drafts.mine(turn.tx, post.merchant.id, turn.me.id)
    privilege = privilege_drafts.checked(draft.document)
    if privilege is None:
        return await overview(turn, post, draft)
    here = post.merchant.id
    turn.goto(feature.at("part"), merchant=here, nonce=draft.nonce)
    lines = previewed(turn, post, await own_privileges.terms(turn, post), privilege)
    publish_ = feature.button(t("发布"), "publish", here, draft.nonce, style="primary")
    rows: list[list[Button | None]] = [
        [feature.button(t("中文"), "preview", here, "zh"), feature.button(t("英文"), "preview", here, "en")],
        [feature.button(t("再改改"), "show", here, 2), publish_],
    ]
    return screen(own_shelf.in_language(lines, language), rows)


_GONE: dict[type[Refusal], str] = {
    privileges.CurrencyNotHeldFor: "holds",
    privileges.NoOutletOfThatName: "outlets",
    NoSuchTier: "tiers",
    NoSuchRegion: "region",
}
"""What a draft may name that is there no more when it is published, and the part that says so."""


@feature.tap("publish")
async def publish(turn: Turn, merchant: str, nonce: str) -> Screen:
    """Puts the draft up; a second tap finds it done."""
    there = await WRITING.found(turn, merchant, nonce)
    if there is None:
        return drafting.gone()
    post, draft = there
    if draft.missing:
        return await overview(turn, post, draft)
    try:
        id_, version = await privilege_drafts.put_up(turn.tx, draft, by=post.staff.actor, now=turn.now)
    except PrivilegeEditedMeanwhile as no:
        return await _moved(turn, post, draft, no)
    except tuple(_GONE) as no:
        return await WRITING.ask(turn, post, draft, _GONE[type(no)], first=wording(no).headline)
    turn.finish()
    here, one = post.merchant.id, await privileges.one(turn.tx, id_)
    tiers, regions = own_privileges.named(turn)
    lines: list[Line | None] = [
        t("<b>发布了</b>") if version == 1 else t("<b>改好了</b> · 第 {version} 版", version=version),
        t("{what}", what=privilege_words.label(one.privilege)),
        *privilege_words.asks(one, tiers, regions),
        t("收银员扫会员码就看得到它。") if one.active else t("它还停用着,重新打开后才能用。"),
    ]
    rows = [
        [desk_doors.own_privilege(here, id_, t("看它")), desk_doors.run_privileges(here)],
        [desk_doors.new_privilege(here, t("再新建一项")), doors.home()],
    ]
    return screen(lines, rows)


async def _moved(turn: Turn, post: Post, draft: Draft, no: PrivilegeEditedMeanwhile) -> Screen:
    """Somebody else published first."""
    words, base = await own_privileges.terms(turn, post), await privilege_drafts.base_of(turn.tx, draft)
    [latest] = await privileges.versions(turn.tx, no.privilege_id, most=no.version, limit=1)
    return WRITING.moved(
        turn,
        post,
        draft,
        who=await own_shelf.made_by(turn, latest.made_by),
        version=no.version,
        theirs=privilege_text.changes(words, base, written(latest.privilege)),
        mine=privilege_text.changes(words, base, draft.document),
    )


@feature.tap("drop")
async def drop(turn: Turn, merchant: str, nonce: str) -> Screen:
    """Asks before a draft goes."""
    return await WRITING.drop(turn, merchant, nonce, kept=t("丢掉这些改动?已发布的不变。"))


@feature.tap("dropped")
async def dropped(turn: Turn, merchant: str, nonce: str) -> Screen:
    """Forgets the draft."""
    anew = desk_doors.new_privilege(number(merchant), t("写一份新的"))
    said = t("丢掉了,已发布的没有变。")
    return await WRITING.dropped(turn, merchant, nonce, said=said, anew=anew, back=t("会员权益"))
