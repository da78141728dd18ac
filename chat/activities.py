"""Activities in words: what they are called, who hears of a suggestion, and why somebody can't take part."""

from __future__ import annotations

from chat import desk_doors, doors, till
from chat.arguments import number
from chat.known import Known
from chat.refusals import Worded, worded
from chat.screen import Line, screen
from chat.till import Post
from chat.turn import Turn
from chat.words import Points, Text, t, tn
from ledger.earning import activities, check_in, suggestions, surveys
from ledger.earning.activities import Activity
from ledger.earning.suggestions import Suggestion
from ledger.merchants import authority, merchant, staff

KINDS: dict[str, Text] = {"check_in": t("签到"), "survey": t("问卷"), "suggestions": t("建议箱")}


async def points(turn: Turn, activity: Activity, names: Known) -> Points:
    """What it gives, in the merchant's own points."""
    issuer = await merchant.by_id(turn.tx, activity.merchant_id)
    return names.points(issuer.terms.currency, activity.points)


def label(activity: Activity, names: Known) -> Text:
    """An activity as a button: its kind, title and merchant."""
    return t(
        "{kind} · {title} · {merchant}",
        kind=KINDS[activity.kind],
        title=activity.title,
        merchant=names.merchant(activity.merchant_id),
    )


async def tell_suggested(turn: Turn, activity: Activity, made: Suggestion, names: Known) -> None:
    """Tell the merchant's people who may decide. Who suggested it is not said: what counts is the suggestion."""
    lines: list[Line] = [
        t("有新建议 · {title} · {merchant}", title=activity.title, merchant=names.merchant(activity.merchant_id)),
        t("{words}", words=made.words),
    ]
    for one in await staff.team(turn.tx, activity.merchant_id):
        if authority.may(one.role, "run_activities"):
            shown = screen(lines, [[desk_doors.suggestions(activity.id), doors.home()]])
            turn.tell(one.member_id, shown, key=f"suggestion:{made.id}:{one.id}")


async def own(turn: Turn, activity_id: str) -> Activity:
    """An activity of a merchant where this person may run them."""
    activity = await activities.one(turn.tx, number(activity_id))
    await post_at(turn, activity.merchant_id)
    return activity


async def post_at(turn: Turn, merchant_id: int) -> Post:
    """This person's place at the merchant, where it lets them run activities."""
    post = await till.post_at(turn, merchant_id)
    post.staff.demand("run_activities")
    return post


@worded(activities.NoSuchActivity)
def _(no: activities.NoSuchActivity) -> Worded:
    return Worded(t("没有这个活动"), None, (doors.activities(),))


@worded(activities.TitleTooLong)
def _(no: activities.TitleTooLong) -> Worded:
    return Worded(t("名称不合适"), tn("写 1 到 {n} 个字。", n=no.longest))


@worded(activities.FigureOutOfRange)
def _(no: activities.FigureOutOfRange) -> Worded:
    return Worded(t("要 1 到 {most} 之间的数字", most=no.most), t("请再发一次。"))


@worded(activities.TookPart)
def _(no: activities.TookPart) -> Worded:
    return Worded(t("您参加过了"), t("{when}得的分,每人一次。", when=no.at), (doors.history(),))


@worded(activities.OwnActivity)
def _(no: activities.OwnActivity) -> Worded:
    return Worded(t("自己店里的活动不能参加"), t("您在这家店工作,活动是给顾客的。"))


@worded(activities.ActivityNotBegun)
def _(no: activities.ActivityNotBegun) -> Worded:
    return Worded(t("活动还没开始"), t("{when}开始。", when=no.starts_at))


@worded(activities.ActivityOver)
def _(no: activities.ActivityOver) -> Worded:
    return Worded(t("活动结束了"), t("{when}结束的。", when=no.at), (doors.activities(),))


@worded(activities.ActivityFull)
def _(no: activities.ActivityFull) -> Worded:
    return Worded(t("名额满了"), tn("{n} 个名额都有人了。", n=no.people), (doors.activities(),))


@worded(check_in.CheckInCodeUnknown)
def _(no: check_in.CheckInCodeUnknown) -> Worded:
    return Worded(
        t("这个签到码不对,或过期了"),
        tn("码 {n} 秒内有效,截图没用。请看现场屏幕上现在的码,再发一次。", n=no.seconds),
    )


@worded(surveys.QuestionUnreadable)
def _(no: surveys.QuestionUnreadable) -> Worded:
    return Worded(
        t("第 {line} 行没看懂", line=no.line),
        tn("一行一题:问题、问号、2 到 {n} 个选项,用斜杠隔开。比如:多久来一次?每周/每月/第一次来", n=no.choices_most),
    )


@worded(surveys.TooManyQuestions)
def _(no: surveys.TooManyQuestions) -> Worded:
    return Worded(tn("问卷 1 到 {n} 题", n=no.most), t("一行一题,请再发一次。"))


@worded(surveys.AnswersDontFit)
def _(no: surveys.AnswersDontFit) -> Worded:
    return Worded(t("有题没答上"), tn("一共 {n} 题,每题选一个。", n=no.questions), (doors.activities(),))


@worded(suggestions.SuggestionTooLong)
def _(no: suggestions.SuggestionTooLong) -> Worded:
    return Worded(t("太长了,或是空的"), tn("写 1 到 {n} 个字。", n=no.longest))


@worded(suggestions.SuggestionWaits)
def _(no: suggestions.SuggestionWaits) -> Worded:
    return Worded(t("您上一条建议还在等答复"), t("{when}提的。有了答复再提下一条。", when=no.made_at))


@worded(suggestions.NoSuchSuggestion)
def _(no: suggestions.NoSuchSuggestion) -> Worded:
    return Worded(t("没有这条建议"), t("可能是提给别家店的。"))


DECIDED: dict[str, Text] = {"accepted": t("已经采纳了,分也给了。"), "declined": t("已经答复了,没有采纳。")}


@worded(suggestions.SuggestionDecided)
def _(no: suggestions.SuggestionDecided) -> Worded:
    return Worded(t("这条建议处理过了"), DECIDED[no.state])
