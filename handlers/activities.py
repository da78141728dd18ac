"""Points for taking part: a member checks in at a talk with the code shown there, answers a survey, suggests something."""

from __future__ import annotations

from chat import activities as words_of
from chat import doors, known, receipts
from chat.arguments import number
from chat.feature import Feature
from chat.screen import BLANK, Button, Line, Screen, screen
from chat.turn import Turn
from chat.words import Text, t, tn
from ledger.earning import activities, check_in, suggestions, surveys
from ledger.earning.activities import Activity

feature = Feature("activities", order=34)

PER_PAGE = 8


@feature.command(
    "activities", t("活动:签到、问卷、建议"), said="活动,签到,问卷,建议,activities,check in,survey,suggestion"
)
async def command(turn: Turn, words: str = "") -> Screen:
    """Lists what can be joined; «/activities K7Q2M9XA» checks in at once."""
    return await _checked_in(turn, words) if words else await list_(turn)


@feature.tap("list")
async def list_(turn: Turn, page: str = "0") -> Screen:
    """Lists surveys and suggestion boxes, soonest to end first, and waits for a check-in code."""
    at = number(page)
    turn.goto(feature.at("code"))
    running = await activities.running(turn.tx, now=turn.now, kinds=["survey", "suggestions"])
    joined = await activities.joined_of(turn.tx, turn.me.id, running)
    open_ = [each for each in running if each.id not in joined]
    names = await known.read(turn.tx)
    lines: list[Line] = [
        t("<b>活动</b>"),
        t("在现场:扫屏幕上的签到码,或把那 8 位直接发给我。"),
        t("也可以答问卷、提建议:") if open_ else t("现在没有问卷和建议箱。"),
    ]
    rows: list[list[Button | None]] = [
        [feature.button(words_of.label(each, names), "open", each.id)]
        for each in open_[at * PER_PAGE : (at + 1) * PER_PAGE]
    ]
    rows += [
        [
            feature.button(t("上一页"), "list", at - 1) if at else None,
            feature.button(t("下一页"), "list", at + 1) if len(open_) > (at + 1) * PER_PAGE else None,
        ],
        [doors.home()],
    ]
    return screen(lines, rows)


@feature.step("code")
async def code_typed(turn: Turn, said: str) -> Screen | None:
    """Checks in with the code as typed; other words are no answer to that."""
    return await _checked_in(turn, said) if check_in.looks_like(said) else None


@feature.link(check_in.LINK)
async def scanned(turn: Turn, token: str) -> Screen:
    """Checks in with the code that a camera read."""
    return await _checked_in(turn, token)


async def _checked_in(turn: Turn, said: str) -> Screen:
    """Gives the points of whatever shows this code now."""
    shown_now = await activities.running(turn.tx, now=turn.now, kinds=["check_in"])
    seconds = turn.programme.check_in_seconds
    activity = check_in.find(turn.vault, shown_now, said, seconds=seconds, now=turn.now)
    receipt = await activities.take_part(turn.tx, activity.id, turn.me.id, at=turn.at, actor=turn.actor)
    turn.finish()
    return await _received(turn, t("已签到"), receipt.entry_id)


async def _received(turn: Turn, headline: Text, entry_id: int) -> Screen:
    """The receipt, under a word about what was done."""
    told = await receipts.notice(turn.tx, turn.me.owner, entry_id, today=turn.today)
    return screen([headline, *told.lines], told.rows)


@feature.tap("open")
async def open_(turn: Turn, activity_id: str) -> Screen:
    """Opens an activity: the first question of a survey, or a place for a suggestion."""
    activity = await activities.one(turn.tx, number(activity_id))
    await activities.may_join(turn.tx, activity, turn.me.id)
    activity.must_run(turn.now)
    if activity.kind == "survey":
        turn.goto(feature.at("survey"), activity=activity.id, answers=[])
        return await _ask(turn, activity, [])
    names = await known.read(turn.tx)
    lines: list[Line] = [
        t("<b>{title}</b> · {merchant}", title=activity.title, merchant=names.merchant(activity.merchant_id)),
    ]
    if activity.kind == "suggestions":
        turn.goto(feature.at("suggestion"), activity=activity.id)
        lines += [
            tn("写下您的建议发给我,最多 {n} 个字。", n=suggestions.WORDS_LONGEST),
            t("商户采纳就得 {points};不采纳也会回复。", points=await words_of.points(turn, activity, names)),
        ]
    else:
        lines.append(t("在现场扫签到码参加。"))
    return screen(lines, [[doors.activities(t("返回"))]])


async def _ask(turn: Turn, activity: Activity, answers: list[int]) -> Screen:
    """The next question, its choices as buttons."""
    names, asked = await known.read(turn.tx), len(answers)
    question = activity.questions[asked]
    lines: list[Line | None] = [
        t("<b>{title}</b> · {merchant}", title=activity.title, merchant=names.merchant(activity.merchant_id)),
        t("答完得 {points};商户只看各选项有多少人选。", points=await words_of.points(turn, activity, names))
        if not asked
        else None,
        BLANK,
        t("{number}/{all} {asks}", number=asked + 1, all=len(activity.questions), asks=question.asks),
    ]
    rows: list[list[Button | None]] = [
        [feature.button(t("{choice}", choice=choice), "answer", activity.id, asked, at)]
        for at, choice in enumerate(question.choices)
    ]
    return screen(lines, [*rows, [doors.activities(t("不答了"))]])


@feature.tap("answer")
async def answer(turn: Turn, activity_id: str, asked: str, choice: str) -> Screen:
    """Takes one answer; after the last, gives the points. A tap on an earlier question shows the one that is next; one more on
    the last shows the same receipt."""
    activity = await activities.one(turn.tx, number(activity_id))
    data = turn.dialogue.data
    if (known_already := await activities.entry_of(turn.tx, activity.id, turn.me.id)) is not None:
        return await _received(turn, t("谢谢,答完了"), known_already)
    if turn.dialogue.state != feature.at("survey") or data.get("activity") != activity.id:
        return await open_(turn, activity_id)
    answers: list[int] = data["answers"]
    if len(answers) == number(asked):
        answers = [*answers, number(choice)]
    if len(answers) < len(activity.questions):
        turn.goto(feature.at("survey"), activity=activity.id, answers=answers)
        return await _ask(turn, activity, answers)
    surveys.check(activity.questions, answers)
    receipt = await activities.take_part(
        turn.tx, activity.id, turn.me.id, at=turn.at, actor=turn.actor, answers=answers
    )
    turn.finish()
    return await _received(turn, t("谢谢,答完了"), receipt.entry_id)


@feature.step("survey")
async def typed_instead(turn: Turn, said: str) -> Screen:
    """Shows the question again: it is answered by a tap."""
    data = turn.dialogue.data
    return await _ask(turn, await activities.one(turn.tx, data["activity"]), data["answers"])


@feature.step("suggestion")
async def suggestion_typed(turn: Turn, said: str) -> Screen:
    """Sends a suggestion to the merchant, whose people who run activities hear of it."""
    activity = await activities.one(turn.tx, turn.dialogue.data["activity"])
    made = await suggestions.send(turn.tx, activity.id, turn.me.id, said, at=turn.at)
    turn.finish()
    names = await known.read(turn.tx)
    await words_of.tell_suggested(turn, activity, made, names)
    lines: list[Line] = [
        t("已送到{merchant}", merchant=names.merchant(activity.merchant_id)),
        t("采纳或不采纳,都会告诉您。"),
    ]
    return screen(lines, [[doors.activities(), doors.home()]])
