"""A merchant's people run activities: begin one, show its code, see what a survey came to."""

from __future__ import annotations

import datetime as dt

from chat import activities as words_of
from chat import desk_doors, doors, known
from chat.arguments import number
from chat.feature import Feature
from chat.screen import BLANK, QR, Button, Line, Renew, Screen, screen
from chat.till import Post
from chat.turn import Turn
from chat.words import Text, t, tn
from ledger.earning import activities, check_in, surveys
from ledger.earning.activities import KINDS, Activity, Kind, Planned

feature = Feature("run_activities", order=79)

PER_PAGE = 6
RENEWALS = 20
"""How often a code on a screen renews itself: ten minutes with codes of half a minute, then a tap."""
PLACE_LONGEST = 60

LONG: dict[str, tuple[Text, dt.timedelta]] = {
    "2h": (t("2 小时"), dt.timedelta(hours=2)),
    "1d": (t("24 小时"), dt.timedelta(days=1)),
    "7d": (t("7 天"), dt.timedelta(days=7)),
    "30d": (t("30 天"), dt.timedelta(days=30)),
}
"""How long an activity may run, from the tap that begins it."""


@feature.tap("list")
async def list_(turn: Turn, merchant: str) -> Screen:
    """Lists a merchant's activities, newest first."""
    turn.finish()
    post = await words_of.post_at(turn, number(merchant))
    found = await activities.of_merchant(turn.tx, post.merchant.id, limit=PER_PAGE)
    lines: list[Line] = [
        t("<b>活动</b> · {merchant}", merchant=post.where),
        t("办一场,参加的人得您的积分。") if not found else t("点开看情况,或者新办一个:"),
    ]
    rows: list[list[Button | None]] = [
        [
            feature.button(
                t(
                    "{kind} · {title} · {people}/{most}",
                    kind=words_of.KINDS[each.kind],
                    title=each.title,
                    people=each.people,
                    most=each.people_max,
                ),
                "open",
                each.id,
            )
        ]
        for each in found
    ]
    kinds = [feature.button(words_of.KINDS[kind], "new", post.merchant.id, kind) for kind in KINDS]
    rows += [[*kinds[:2]], [*kinds[2:]]]
    if not found:
        lines += [BLANK, t("新办一个:")]
    return screen(lines, [*rows, [desk_doors.counter(), doors.home()]])


@feature.tap("new")
async def new(turn: Turn, merchant: str, kind: str) -> Screen:
    """Asks what a new activity is called; whoever may not give points without a purchase hears so before any question."""
    post = await words_of.post_at(turn, number(merchant))
    post.merchant.must_grant(turn.today)
    wanted = kind_of(kind)
    turn.goto(feature.at("title"), merchant=post.merchant.id, kind=wanted)
    lines: list[Line] = [
        t("<b>{kind}</b> · {merchant}", kind=words_of.KINDS[wanted], merchant=post.where),
        t("叫什么?会员会看到,比如「亲子阅读讲座」。"),
    ]
    return _asking(post, lines)


def _asking(post: Post, lines: list[Line], *rows: list[Button | None]) -> Screen:
    return screen(lines, [*rows, [desk_doors.run_activities(post.merchant.id, t("不办了"))]])


@feature.step("title")
async def title_typed(turn: Turn, said: str) -> Screen:
    """Takes the title; asks for what its kind needs."""
    data = turn.dialogue.data
    post = await words_of.post_at(turn, data["merchant"])
    title = activities.tidy_title(said)
    turn.goto(feature.at("detail"), **data, title=title)
    if data["kind"] == "check_in":
        return _asking(post, [t("在哪里?签到码在那里的屏幕上给大家看。")])
    if data["kind"] == "survey":
        asked = tn("发题目给我,一行一题,最多 {n} 题。", n=surveys.QUESTIONS_MOST)
        return _asking(
            post, [asked, t("问题、问号、选项用斜杠隔开,比如:"), t("<code>多久来一次?每周/每月/第一次来</code>")]
        )
    return await _ask_points(turn, post)


@feature.step("detail")
async def detail_typed(turn: Turn, said: str) -> Screen:
    """Takes the place of a check-in or the questions of a survey."""
    data = turn.dialogue.data
    post = await words_of.post_at(turn, data["merchant"])
    if data["kind"] == "survey":
        surveys.read(said)
        turn.goto(feature.at("points"), **data, questions=said)
    else:
        turn.goto(feature.at("points"), **data, place=" ".join(said.split())[:PLACE_LONGEST])
    return await _ask_points(turn, post)


async def _ask_points(turn: Turn, post: Post) -> Screen:
    turn.goto(feature.at("points"), **turn.dialogue.data)
    return _asking(post, [t("每人给多少分?发数字,最多 {most}。", most=activities.POINTS_MOST)])


@feature.step("points")
async def points_typed(turn: Turn, said: str) -> Screen:
    """Takes the points; asks for how many people."""
    data = turn.dialogue.data
    post = await words_of.post_at(turn, data["merchant"])
    points = activities.in_range(number(said.strip()), activities.POINTS_MOST)
    turn.goto(feature.at("people"), **data, points=points)
    return _asking(post, [tn("最多给多少人?发数字,最多 {n}。", n=activities.PEOPLE_MOST)])


@feature.step("people")
async def people_typed(turn: Turn, said: str) -> Screen:
    """Takes the number of people; shows the whole before it begins."""
    data = turn.dialogue.data
    post = await words_of.post_at(turn, data["merchant"])
    people = activities.in_range(number(said.strip()), activities.PEOPLE_MOST)
    nonce = turn.nonce()
    turn.goto(feature.at("people"), **{**data, "people": people, "nonce": nonce})
    names = await known.read(turn.tx)
    most = names.points(post.merchant.terms.currency, data["points"] * people)
    each = names.points(post.merchant.terms.currency, data["points"])
    lines: list[Line | None] = [
        t("<b>{title}</b> · {kind}", title=data["title"], kind=words_of.KINDS[data["kind"]]),
        t("地点:{place}", place=data["place"]) if data.get("place") else None,
        tn("每人 {each},最多 {n} 人,合计不超过 {most}", n=people, each=each, most=most),
        BLANK,
        t("从现在起办多久?点了就开始。"),
    ]
    choices = [feature.button(label, "begin", post.merchant.id, nonce, code) for code, (label, _) in LONG.items()]
    return screen(lines, [choices[:2], choices[2:], [desk_doors.run_activities(post.merchant.id, t("不办了"))]])


@feature.tap("begin")
async def begin(turn: Turn, merchant: str, nonce: str, long: str) -> Screen:
    """Begins the activity."""
    post, data = await words_of.post_at(turn, number(merchant)), turn.dialogue.data
    if turn.dialogue.state != feature.at("people") or data.get("nonce") != nonce or long not in LONG:
        return await list_(turn, merchant)
    _, lasts = LONG[long]
    planned = Planned(
        kind=kind_of(data["kind"]),
        title=data["title"],
        points=data["points"],
        people_max=data["people"],
        starts_at=turn.now,
        ends_at=turn.now + lasts,
        place=data.get("place"),
        questions=surveys.read(data["questions"]) if data.get("questions") else (),
    )
    made = await activities.make(turn.tx, post.merchant, post.staff, planned, at=turn.at)
    turn.finish()
    return await shown(turn, made)


@feature.tap("open")
async def open_(turn: Turn, activity_id: str) -> Screen:
    """Opens one activity."""
    turn.finish()
    return await shown(turn, await words_of.own(turn, activity_id))


async def shown(turn: Turn, activity: Activity) -> Screen:
    """How an activity stands, and what can be done with it."""
    runs = activity.runs(turn.now)
    lines: list[Line | None] = [
        t("<b>{title}</b> · {kind}", title=activity.title, kind=words_of.KINDS[activity.kind]),
        t("地点:{place}", place=activity.place) if activity.place else None,
        tn("给了 {people} 人,最多 {n} 人", n=activity.people_max, people=activity.people),
        t("{when} 结束", when=activity.ends_at) if runs else t("已结束"),
        t("接口里的编号 {id}", id=str(activity.id)),
    ]
    if activity.kind == "survey":
        counted = await surveys.results(turn.tx, activity.id, activity.questions)
        for question, choices in zip(activity.questions, counted, strict=True):
            lines += [BLANK, t("{asks}", asks=question.asks)]
            lines += [
                tn("{choice}:{n} 人", n=people, choice=choice)
                for choice, people in zip(question.choices, choices, strict=True)
            ]
    rows: list[list[Button | None]] = [
        [feature.button(t("出示签到码"), "code", activity.id, style="primary")]
        if runs and activity.kind == "check_in"
        else [],
        [desk_doors.suggestions(activity.id)] if activity.kind == "suggestions" else [],
        [feature.button(t("提前结束"), "close", activity.id, style="danger") if runs else None],
        [desk_doors.run_activities(activity.merchant_id, t("返回")), doors.home()],
    ]
    return screen(lines, rows)


@feature.tap("close")
async def close(turn: Turn, activity_id: str) -> Screen:
    """Ends an activity now; what was given stays."""
    activity = await words_of.own(turn, activity_id)
    post = await words_of.post_at(turn, activity.merchant_id)
    return await shown(turn, await activities.close(turn.tx, post.staff, activity.id, at=turn.at))


@feature.tap("code")
async def code(turn: Turn, activity_id: str) -> Screen:
    """Shows the check-in code, which renews itself while it is open."""
    return await _code(turn, await words_of.own(turn, activity_id), RENEWALS)


@feature.tap("renew")
async def renew(turn: Turn, activity_id: str, shown_nonce: str) -> Screen | None:
    """Draws the next code where this one is still open."""
    data = turn.dialogue.data
    if turn.dialogue.state != feature.at("code") or data.get("shown") != shown_nonce:
        return None
    return await _code(turn, await words_of.own(turn, activity_id), data["left"] - 1)


async def _code(turn: Turn, activity: Activity, left: int) -> Screen:
    activity.must_run(turn.now)
    seconds = turn.programme.check_in_seconds
    issued = check_in.show(turn.vault, activity.id, seconds=seconds, now=turn.now)
    again = None
    if left:
        nonce = turn.nonce()
        turn.goto(feature.at("code"), shown=nonce, left=left)
        again = Renew(feature.data("renew", activity.id, nonce), issued.until)
    else:
        turn.finish()
    lines: list[Line] = [
        t("<b>{title}</b>", title=activity.title),
        t("签到码 <code>{code}</code>", code=issued.spoken),
        tn("扫码,或发给机器人。{n} 秒一换,截图没用。", n=seconds),
        tn("已签到 {people} 人,最多 {n} 人", n=activity.people_max, people=activity.people),
    ]
    rows: list[list[Button | None]] = [
        [feature.button(t("换一个码"), "code", activity.id)],
        [feature.button(t("返回"), "open", activity.id)],
    ]
    link = f"https://t.me/{turn.bot_username}?start={check_in.LINK}_{issued.code}"
    return screen(lines, rows, picture=QR(link), protect=True, renew=again)


def kind_of(said: str) -> Kind:
    """The kind that a button says; a check-in where it says none."""
    return next((kind for kind in KINDS if kind == said), "check_in")
