"""Families in words: what people in one are called, what its rules say, what others hear of it, and why something can't be done."""

from __future__ import annotations

import datetime as dt
from collections.abc import Iterable

from chat import doors
from chat.refusals import Worded, worded
from chat.screen import Line, Screen, screen
from chat.turn import Turn
from chat.words import Text, t, tn
from ledger.members import families, person
from ledger.members.leaving import Departed
from ledger.programme import Families

Name = Text | str


async def names(turn: Turn, member_ids: Iterable[int]) -> dict[int, Name]:
    """What these people are called, as they gave it; whoever is forgotten has no name any more."""
    ids = list(member_ids)
    known = await person.load_many(turn.tx, turn.vault, ids)
    return {each: known[each].name if each in known else t("(已注销)") for each in ids}


def of(name: Name) -> Text:
    """What a family is called: by its head."""
    return t("{name}的家庭", name=name)


def what_it_means(rules: Families) -> list[Line]:
    """What being in a family means, whoever founds or joins one."""
    return [
        t("「每户限几份」的,全家一起算,看得到换过几份。"),
        t("家里人只看到您的名字,看不到您的积分和消费。"),
        t("想一起攒,就放进家庭池:放多少自己定,没花的随时取回。"),
        tn("同时只能在一个家庭;离开后 {n} 天才能再加入。", n=rules.rejoin_days)
        if rules.rejoin_days
        else t("同时只能在一个家庭。"),
    ]


def free_again(again_on: dt.date | None) -> Line:
    """From when somebody who leaves may join or found another family."""
    return t("{on}起可以再加入或新建家庭。", on=again_on) if again_on else t("随时可以再加入或新建家庭。")


def notice(*lines: Line) -> Screen:
    """What others in the family hear."""
    return screen(lines, [[doors.family(), doors.home()]])


def departed_notices(gone: Departed) -> list[tuple[int, Screen]]:
    """Who hears what when somebody's account is no more. Nobody is named: they have no name any more."""
    if not gone.was_head:
        said = notice(t("家里有一位的账户注销了,不在家庭里了。"))
        return [] if gone.head_id is None else [(gone.head_id, said)]
    if gone.head_id is None:
        over = notice(t("家长的账户注销了,家庭已结束。"), free_again(None))
        return [(each, over) for each in gone.others]
    head = notice(t("家长的账户注销了,现在由您当家长。"))
    other = notice(t("家长的账户注销了,家里换了家长。"))
    return [(each, head if each == gone.head_id else other) for each in gone.others]


@worded(families.FamilyAlready)
def _(no: families.FamilyAlready) -> Worded:
    if no.this:
        return Worded(t("您已经在这个家庭里了"), None, (doors.family(),))
    return Worded(
        t("您已经在一个家庭里了"), t("同时只能在一个家庭。要换,先离开现在的。"), (doors.family(t("我的家庭")),)
    )


@worded(families.RejoinTooSoon)
def _(no: families.RejoinTooSoon) -> Worded:
    return Worded(t("现在还不能加入家庭"), t("您刚离开过家庭,{on}起可以再加入或新建。", on=no.again_on))


@worded(families.FamilyFull)
def _(no: families.FamilyFull) -> Worded:
    return Worded(t("这个家庭满了"), t("最多 {most} 人。有人离开才能再加。", most=no.most), (doors.family(),))


@worded(families.FamilyInvitationVoid)
def _(no: families.FamilyInvitationVoid) -> Worded:
    return Worded(t("这个邀请作废了"), t("那个家庭解散了,或换了家长。请家长重新发一个。"))


@worded(families.NotInFamily)
def _(no: families.NotInFamily) -> Worded:
    return Worded(t("已经不在这个家庭里了"), None, (doors.family(),))


@worded(families.NotFamilyHead)
def _(no: families.NotFamilyHead) -> Worded:
    return Worded(t("这要家长来办"), t("请家长在「家庭」里操作。"), (doors.family(),))


@worded(families.HeadStays)
def _(no: families.HeadStays) -> Worded:
    return Worded(t("家长不能直接离开"), t("先把家长交给家里的一位,或解散家庭。"), (doors.family(),))


@worded(families.NotInFamilyYet)
def _(no: families.NotInFamilyYet) -> Worded:
    return Worded(t("还不能交给这一位"), t("{on}起才算家里人,那时可以。", on=no.in_from), (doors.family(),))
