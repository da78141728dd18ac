"""What members suggested to a merchant, as its people read it: accepted with points, or answered with words."""

from __future__ import annotations

from unicodedata import east_asian_width

from chat import activities as words_of
from chat import desk_doors, doors, known, receipts, till
from chat.arguments import number
from chat.feature import Feature
from chat.screen import BLANK, Button, Line, Screen, screen
from chat.till import Post
from chat.turn import Turn
from chat.words import t
from ledger.earning import activities, suggestions
from ledger.merchants.authority import NotAllowed

feature = Feature("suggestions", order=79)

PER_PAGE = 6
COLUMNS = 36
"""What fits on a button of a phone."""


@feature.tap("list")
async def suggested(turn: Turn, activity_id: str) -> Screen:
    """Lists what nobody has answered, oldest first."""
    turn.finish()
    activity = await words_of.own(turn, activity_id)
    found = await suggestions.waiting(turn.tx, activity.id, limit=PER_PAGE)
    lines: list[Line] = [
        t("<b>{title}</b> · 等答复的建议", title=activity.title),
        t("点开读全文。") if found else t("没有等答复的。"),
    ]
    rows: list[list[Button | None]] = [
        [feature.button(t("{words}", words=_short(each.words)), "open", each.id)] for each in found
    ]
    return screen(lines, [*rows, [desk_doors.run_activity(activity.id, t("返回")), doors.home()]])


def _short(words: str) -> str:
    """The words on one line of a phone, where a Chinese character is as wide as two Latin ones."""
    one_line, width = " ".join(words.split()), 0
    for place, character in enumerate(one_line):
        width += 2 if east_asian_width(character) in "WF" else 1
        if width > COLUMNS:
            return one_line[:place].rstrip() + "…"
    return one_line


@feature.tap("open")
async def suggestion(turn: Turn, suggestion_id: str) -> Screen:
    """Opens one suggestion."""
    post, each = await _suggestion(turn, suggestion_id)
    activity = await activities.one(turn.tx, each.activity_id)
    names = await known.read(turn.tx)
    facts = {"points": names.points(post.merchant.terms.currency, activity.points)}
    lines: list[Line | None] = [t("{words}", words=each.words), t("{when} 提", when=each.made_at), BLANK]
    rows: list[list[Button | None]] = [[feature.button(t("返回"), "list", activity.id)]]
    if each.state == "open":
        lines.append(t("采纳就给提的人 {points}。", **facts))
        yes = feature.button(t("采纳"), "accept", each.id, style="primary")
        rows.insert(0, [yes, feature.button(t("不采纳,回一句"), "reply", each.id)])
    else:
        lines.append(words_of.DECIDED[each.state])
    return screen(lines, rows)


@feature.tap("accept")
async def accept(turn: Turn, suggestion_id: str) -> Screen:
    """Takes a suggestion; its member gets the points and a receipt."""
    post, each = await _suggestion(turn, suggestion_id)
    _, receipt = await suggestions.accept(turn.tx, post.staff, each.id, at=turn.at)
    told = await receipts.notice(turn.tx, receipt.owner, receipt.entry_id, today=turn.today)
    headline, *rest = told.lines
    lines: list[Line] = [headline, t("您的建议被采纳了:{words}", words=_short(each.words)), *rest]
    turn.tell(each.member_id, screen(lines, told.rows), key=f"receipt:{receipt.entry_id}:{each.member_id}")
    return screen(
        [t("已采纳,分已给出。"), t("{words}", words=_short(each.words))],
        [[desk_doors.suggestions(each.activity_id), doors.home()]],
    )


@feature.tap("reply")
async def reply(turn: Turn, suggestion_id: str) -> Screen:
    """Asks what to answer to a suggestion that is not taken."""
    _, each = await _suggestion(turn, suggestion_id)
    turn.goto(feature.at("reply"), suggestion=each.id)
    return screen(
        [t("{words}", words=each.words), t("回一句给提的人,说说为什么。")],
        [[feature.button(t("返回"), "open", each.id)]],
    )


@feature.step("reply")
async def reply_typed(turn: Turn, said: str) -> Screen:
    """Sends the answer."""
    post, each = await _suggestion(turn, str(turn.dialogue.data["suggestion"]))
    await suggestions.decline(turn.tx, post.staff, each.id, said, at=turn.at)
    turn.finish()
    lines: list[Line] = [
        t("{merchant}回复了您的建议", merchant=post.where),
        t("您说:{words}", words=_short(each.words)),
        t("回复:{reply}", reply=said.strip()),
        t("这次没有采纳,想到别的可以再提。"),
    ]
    turn.tell(each.member_id, screen(lines, [[doors.activities(), doors.home()]]), key=f"suggestion-answer:{each.id}")
    return screen([t("已回复。")], [[desk_doors.suggestions(each.activity_id), doors.home()]])


async def _suggestion(turn: Turn, suggestion_id: str) -> tuple[Post, suggestions.Suggestion]:
    """A suggestion to a merchant where this person may decide, and the place from which they do."""
    refusal: Exception = suggestions.NoSuchSuggestion(number(suggestion_id))
    for post in await till.posts(turn):
        try:
            return post, await suggestions.one(turn.tx, post.staff, number(suggestion_id))
        except (suggestions.NoSuchSuggestion, NotAllowed) as no:
            refusal = no
    raise refusal
