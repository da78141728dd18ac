"""Language, region, birthday, and what is stored: each said plainly, changed or taken back in two taps."""

from __future__ import annotations

import calendar
import datetime as dt

from chat import birthdays as days_of
from chat import doors
from chat.arguments import number
from chat.feature import Feature
from chat.screen import BLANK, Button, Line, Screen, grid, screen
from chat.turn import Turn
from chat.words import Both, Text, t
from ledger.members import birthdays, children, consent, families, person, profile
from ledger.members.birthdays import Birthday
from ledger.members.profile import Profile
from ledger.programme import Programme

feature = Feature("settings", order=80)

CONSENTS = {
    consent.TERMS: t("条款"),
    consent.BIRTHDAY: t("保存生日"),
    consent.CHILDREN: t("保存孩子的生日"),
    consent.STANDING: t("使用信用评级"),
}


@feature.command("settings", t("设置"), said="生日,地区,通知,settings,birthday")
async def settings(turn: Turn, words: str = "") -> Screen:
    """Shows what is chosen."""
    return await show(turn)


@feature.command("language", t("语言 / Language"), said="语言,中文,英文,英语,汉语,language,english,chinese")
async def language_command(turn: Turn, words: str = "") -> Screen:
    """Offers the languages."""
    return await language(turn)


@feature.tap("show")
async def show(turn: Turn) -> Screen:
    """Shows what is chosen."""
    turn.finish()
    mine = await profile.load(turn.tx, turn.me.id, turn.vault)
    lines: list[Line] = [
        t("<b>设置</b>"),
        BLANK,
        _language_line(mine),
        t("地区:{region}", region=region_name(turn.programme, mine.region)),
        _birthday_line(mine.birthday),
    ]
    rows: list[list[Button | None]] = [
        [
            feature.button(t("语言"), "language"),
            feature.button(t("地区"), "region") if turn.programme.regions else None,
            feature.button(t("生日"), "birthday"),
        ],
        [doors.claim(), doors.tier() if turn.programme.tiers else None],
        [feature.button(t("存了我的什么"), "stored"), doors.business()],
        [doors.family(), doors.standing()],
        [doors.home()],
    ]
    return screen(lines, rows)


@feature.tap("language")
async def language(turn: Turn) -> Screen:
    """Offers the languages, each named in itself."""
    rows = [
        [feature.button(t("中文"), "speak", "zh"), feature.button(t("{language}", language="English"), "speak", "en")],
        [feature.button(t("跟随 Telegram"), "speak", "auto")],
        [_back()],
    ]
    return screen([t("选一种语言")], rows)


@feature.tap("speak")
async def speak(turn: Turn, chosen: str) -> Screen:
    """Speaks the chosen language from this screen on; «auto» takes effect with the next message."""
    if chosen in ("zh", "en"):
        await profile.choose_language(turn.tx, turn.me.id, chosen)
        turn.language = chosen
    elif chosen == "auto":
        await profile.choose_language(turn.tx, turn.me.id, None)
    return await show(turn)


@feature.tap("region")
async def region(turn: Turn) -> Screen:
    """Offers the programme's regions."""
    choices: list[Button | None] = [
        feature.button(t("{region}", region=Both(one.name_zh, one.name_en)), "live", one.code)
        for one in turn.programme.regions
    ]
    return screen(
        [t("您在哪里?"), t("有些积分规则只在一个地区有。可以不填。")],
        [*grid(choices, 3), [feature.button(t("不填"), "live", "-"), _back()]],
    )


@feature.tap("live")
async def live(turn: Turn, code: str) -> Screen:
    """Keeps the region, or none."""
    await profile.choose_region(turn.tx, turn.programme, turn.me.id, None if code == "-" else code)
    return await show(turn)


@feature.tap("birthday")
async def birthday(turn: Turn) -> Screen:
    """Offers the months."""
    turn.finish()
    mine = await profile.load(turn.tx, turn.me.id)
    months = days_of.months(lambda label, m: feature.button(t("{label}", label=label), "month", m))
    forget = feature.button(t("删除生日"), "forget", "birthday", style="danger") if mine.birthday else None
    return screen(
        [t("您哪个月生日?"), t("只用来在那一天祝贺您,随时能删。")],
        [*months, [forget, _back()]],
    )


@feature.tap("month")
async def month(turn: Turn, chosen: str) -> Screen:
    """Offers the days of a month."""
    m = _within(chosen, 1, 12)
    if m is None:
        return await birthday(turn)
    days = days_of.days(m, lambda label, d: feature.button(t("{label}", label=label), "day", m, d))
    return screen([t("哪一天?")], [*days, [feature.button(t("返回"), "birthday")]])


@feature.tap("day")
async def day(turn: Turn, m: str, d: str) -> Screen:
    """Keeps the day, says from when it counts, and asks for the year, which may be left out."""
    told = await profile.tell_birthday(
        turn.tx, turn.vault, turn.me.id, month=number(m), day=number(d), year=None, at=turn.at
    )
    turn.goto(feature.at("year"), month=told.month, day=told.day)
    return screen(
        [
            t("记下了:{birthday}", birthday=spoken(told)),
            _counts(told, turn.today),
            BLANK,
            t("想说出生年份也可以,发四位数字给我,例如 1990。年份加密存放。"),
        ],
        [[_back(t("不说年份"))]],
    )


@feature.step("year")
async def year(turn: Turn, said: str) -> Screen:
    """Keeps the year of birth beside the day told before."""
    born = _within(said.strip().removesuffix("年"), 1000, 9999)
    told = turn.dialogue.data
    if born is None:
        return screen([t("年份是四位数字,例如 1990。也可以不说。")], [[_back(t("不说年份"))]])
    await profile.tell_birthday(
        turn.tx, turn.vault, turn.me.id, month=told["month"], day=told["day"], year=born, at=turn.at
    )
    return await show(turn)


@feature.tap("stored")
async def stored(turn: Turn) -> Screen:
    """Lists everything that is kept of this person beside the points themselves."""
    mine = await profile.load(turn.tx, turn.me.id, turn.vault)
    who = await person.load(turn.tx, turn.vault, turn.me.id)
    lines: list[Line | None] = [
        t("<b>存了您的什么</b>"),
        BLANK,
        t("加密存放:Telegram 编号 {number}、名字「{name}」", number=str(who.telegram_id), name=who.name),
        t("会员编号 {number}", number=str(mine.member_id)),
        t("{on}入会", on=mine.joined_on) if mine.joined_on else None,
        t("地区:{region}", region=region_name(turn.programme, mine.region)),
        _birthday_line(mine.birthday),
        *(
            t("孩子:{name},生日,名字加密存放", name=each.name)
            for each in await children.of(turn.tx, turn.vault, turn.me.id)
        ),
        t("每一笔积分的来去(在明细里)"),
        t("您的家庭里有谁,加入和离开的时间") if await families.of(turn.tx, turn.me.id) else None,
        BLANK,
        t("<b>您同意过的</b>"),
    ]
    for given in await consent.in_force(turn.tx, turn.me.id):
        what = CONSENTS[given.purpose]
        lines.append(
            t(
                "{what} · {version} 版 · {on}",
                what=what,
                version=given.version,
                on=given.given_at.astimezone(turn.zone).date(),
            )
        )
    forget: list[Button | None] = [
        feature.button(t("删除生日"), "forget", "birthday", style="danger") if mine.birthday else None,
        feature.button(t("删除地区"), "forget", "region", style="danger") if mine.region else None,
    ]
    return screen(lines, [forget, [_back(), doors.home()]])


@feature.tap("forget")
async def forget(turn: Turn, what: str) -> Screen:
    """Deletes what was told, and withdraws the consent to keep it."""
    if what == "birthday":
        await profile.forget_birthday(turn.tx, turn.vault, turn.me.id, at=turn.at)
    elif what == "region":
        await profile.choose_region(turn.tx, turn.programme, turn.me.id, None)
    return await stored(turn)


def spoken(told: Birthday) -> Text:
    """A day of the year as people say it."""
    return t("{month}月{day}日", month=Both(str(told.month), calendar.month_abbr[told.month]), day=told.day)


def region_name(programme: Programme, code: str | None) -> Both | Text:
    """The name of a region; «not told» for None."""
    return next((Both(r.name_zh, r.name_en) for r in programme.regions if r.code == code), t("没填"))


def _language_line(mine: Profile) -> Line:
    if mine.language is None:
        return t("语言:中文,跟随 Telegram")
    return t("语言:中文")


def _birthday_line(told: Birthday | None) -> Line:
    if told is None:
        return t("生日:没填")
    if told.year is None:
        return t("生日:{birthday}", birthday=spoken(told))
    return t("生日:{year}年{birthday}", year=str(told.year), birthday=spoken(told))


def _counts(told: Birthday, today: dt.date) -> Line:
    first = birthdays.first_counted(told)
    if (first - today).days >= 365:
        return t("离生日不到 {days} 天,从 {first}那次算起。", days=birthdays.NOTICE_DAYS, first=first)
    return t("从 {first}那次算起。", first=first)


def _within(said: str, least: int, most: int) -> int | None:
    return number(said) if least <= number(said) <= most else None


def _back(label: Text | None = None) -> Button:
    return feature.button(label or t("返回"), "show")
