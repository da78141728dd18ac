"""Children (F6): the head of a family tells their names and birthdays, for a greeting once a year; deleted by one tap."""

from __future__ import annotations

from chat import birthdays as days_of
from chat import doors
from chat.arguments import number
from chat.feature import Feature
from chat.refusals import Worded, worded
from chat.screen import BLANK, Button, Line, Screen, screen
from chat.turn import Turn
from chat.words import Both, Points, t
from ledger.members import birthdays, children, families
from ledger.members.children import NAME_LONGEST, Child
from ledger.programme import BirthdayPacks

feature = Feature("children", order=84)


def _rules(turn: Turn) -> BirthdayPacks:
    return turn.programme.birthdays or BirthdayPacks(issuer="", children_most=0)


@feature.tap("list")
async def list_(turn: Turn) -> Screen:
    """Shows the children that this person told of."""
    turn.finish()
    return await _shown(turn)


async def _shown(turn: Turn, *first: Line) -> Screen:
    rules, known = _rules(turn), await children.of(turn.tx, turn.vault, turn.me.id)
    family = await families.of(turn.tx, turn.me.id)
    may_add = family is not None and family.head_id == turn.me.id and len(known) < rules.children_most
    lines: list[Line | None] = [
        *first,
        BLANK if first else None,
        t("<b>孩子</b>"),
        *(t("{name} · {on}", name=each.name, on=_spoken(each)) for each in known),
        None if known else t("还没有。告诉我孩子的生日,那天一起庆祝。"),
        BLANK,
        t("每年生日送您 {points}。", points=Points(rules.child_points)) if rules.child_points else None,
        t("只用来祝贺:名字加密存放,别人看不到,随时能删。"),
    ]
    rows: list[list[Button | None]] = [
        [feature.button(t("删除 {name}", name=each.name), "remove", each.id, style="danger")] for each in known
    ]
    return screen(
        lines, [*rows, [feature.button(t("添加"), "add") if may_add else None], [doors.family(), doors.home()]]
    )


def _spoken(child: Child) -> Both:
    month, day = child.birthday.month, child.birthday.day
    return Both(f"{month}月{day}日", f"{day} {days_of.short_month(month)}")


@feature.tap("add")
async def add(turn: Turn) -> Screen:
    """Asks what the child is called."""
    turn.goto(feature.at("name"))
    lines: list[Line] = [t("孩子叫什么?小名就行,最多 {n} 个字。", n=str(NAME_LONGEST))]
    return screen(lines, [[doors.children(t("返回"))]])


@feature.step("name")
async def said_name(turn: Turn, said: str) -> Screen:
    """Keeps the name in mind and asks for the month."""
    turn.goto(feature.at("month"), name=children.named(said))
    return _months()


def _months() -> Screen:
    rows = days_of.months(lambda label, m: feature.button(t("{label}", label=label), "month", m))
    return screen([t("哪个月生日?")], [*rows, [doors.children(t("返回"))]])


@feature.step("month")
async def typed_instead(turn: Turn, said: str) -> Screen:
    """Whatever is typed in place of a tap."""
    return _months()


@feature.tap("month")
async def month(turn: Turn, chosen: str) -> Screen:
    """Asks for the day."""
    m = number(chosen)
    if not 1 <= m <= 12:
        return _months()
    rows = days_of.days(m, lambda label, d: feature.button(t("{label}", label=label), "day", m, d))
    return screen([t("哪一天?")], [*rows, [doors.children(t("返回"))]])


@feature.tap("day")
async def day(turn: Turn, chosen: str, d: str) -> Screen:
    """Keeps it, and says from when it counts."""
    name = str(turn.dialogue.data.get("name", ""))
    if not name:
        return await list_(turn)
    most = _rules(turn).children_most
    whole = (turn.tx, turn.vault, turn.me.id, name, number(chosen), number(d))
    made = await children.add(*whole, most=most, at=turn.at)
    turn.finish()
    return await _shown(turn, t("记下了。{on}起祝贺。", on=birthdays.first_counted(made.birthday)))


@feature.tap("remove")
async def remove(turn: Turn, child_id: str) -> Screen:
    """Deletes a child at once."""
    await children.remove(turn.tx, turn.vault, turn.me.id, number(child_id), at=turn.at)
    return await _shown(turn, t("删掉了。"))


@worded(children.TooManyChildren)
def _(no: children.TooManyChildren) -> Worded:
    return Worded(t("最多记 {most} 个孩子", most=str(no.most)), None, (doors.children(),))


@worded(children.ChildNameWrong)
def _(no: children.ChildNameWrong) -> Worded:
    return Worded(t("名字 1 到 {n} 个字", n=str(no.longest)), None, (doors.children(),))
