"""The operator extends a deadline: which last day, whose points, until when; what it comes to, one tap."""

from __future__ import annotations

import datetime as dt
from collections import Counter
from collections.abc import Sequence

from chat import dates, desk, desk_doors, doors, known, merchants, operator_doors, settlement
from chat import extensions as words
from chat.arguments import number
from chat.feature import Feature
from chat.known import Known
from chat.screen import BLANK, Button, Line, Screen, screen
from chat.turn import Turn
from chat.words import Money, t, tn
from ledger.merchants import extensions
from ledger.merchants.extensions import Ended, Scope

feature = Feature("extensions", order=92)

DECIDES = "admin"
"""The operator's role that extends."""
DAYS_SHOWN = 8
LATER = (30, 90)


@feature.tap("list", audience="operator")
async def list_(turn: Turn) -> Screen:
    """Shows the last orders, and offers another."""
    roles = await desk.demand(turn)
    turn.finish()
    names = await known.read(turn.tx)
    found = await extensions.latest(turn.tx)
    lines: list[Line] = [
        t("<b>延期</b>"),
        t("到期的积分,整批恢复到后面的一天。"),
        *([BLANK] if found else []),
        *(words.line(each, names, turn.programme) for each in found),
    ]
    new = feature.button(t("新的延期"), "days", style="primary") if DECIDES in roles else None
    return screen(lines, [[new], [operator_doors.breakage(t("返回")), operator_doors.operator()]])


@feature.tap("days", audience="operator")
async def days(turn: Turn) -> Screen:
    """Asks which last day."""
    await desk.demand(turn, DECIDES)
    found = (await extensions.days(turn.tx, turn.today))[:DAYS_SHOWN]
    back = [operator_doors.extensions(t("返回")), operator_doors.operator()]
    if not found:
        return screen([tn("最近 {n} 天没有到期的积分。", n=extensions.LOOKS_BACK_DAYS)], [back])
    rows: list[list[Button | None]] = [
        [feature.button(tn("{last_day} · {n} 人", n=owners, last_day=day), "whose", _said(day))]
        for day, owners in found
    ]
    return screen([t("<b>延期</b>"), t("原来是哪一天到期的?")], [*rows, back])


@feature.tap("whose", audience="operator")
async def whose(turn: Turn, last_day: str) -> Screen:
    """Asks whose: everybody's, an issuer's, a region's; only where something is still expired."""
    await desk.demand(turn, DECIDES)
    day = _day(last_day)
    names = await known.read(turn.tx)
    ended = await extensions.preview(turn.tx, Scope(day), turn.today)
    back = [feature.button(t("返回"), "days"), operator_doors.operator()]
    if not ended:
        return screen([t("{last_day}到期的都恢复过或收回了。", last_day=day)], [back])
    rows: list[list[Button | None]] = [[feature.button(t("所有会员"), "until", _said(day), "all", 0)]]
    for one in ended[:DAYS_SHOWN]:
        label = t(
            "{merchant} · {points}",
            merchant=names.merchant(one.issuer_id),
            points=names.points(one.currency_id, one.points),
        )
        rows.append([feature.button(label, "until", _said(day), "issuer", one.issuer_id)])
    for code, owners in (await extensions.regions(turn.tx, day, turn.today))[:DAYS_SHOWN]:
        label = tn("{region} · {n} 人", n=owners, region=merchants.region(turn.programme, code))
        rows.append([feature.button(label, "until", _said(day), "region", code)])
    return screen([t("<b>{last_day}</b>到期的", last_day=day), t("给谁延期?")], [*rows, back])


@feature.tap("until", audience="operator")
async def until(turn: Turn, last_day: str, what: str, which: str) -> Screen:
    """Asks for the new last day."""
    await desk.demand(turn, DECIDES)
    day = _day(last_day)
    turn.goto(feature.at("until"), last_day=day.isoformat(), what=what, which=which)
    scope = _scope(turn)
    later = [turn.today + dt.timedelta(days=many) for many in LATER]
    lines: list[Line] = [
        t(
            "<b>{last_day}</b>到期的 · {whose}",
            last_day=day,
            whose=words.whose(scope, await known.read(turn.tx), turn.programme),
        ),
        t("延到哪一天?点一个,或发日期,比如 2026-12-31。"),
    ]
    choices = [feature.button(t("{day}", day=each), "choose", _said(each)) for each in later]
    return screen(lines, [choices, [feature.button(t("返回"), "whose", _said(day)), operator_doors.operator()]])


@feature.tap("choose", audience="operator")
async def choose(turn: Turn, said: str) -> Screen:
    """Takes the day of a button."""
    return await _shown(turn, _day(said)) if turn.dialogue.state == feature.at("until") else _gone()


@feature.step("until")
async def until_typed(turn: Turn, said: str) -> Screen:
    """Takes a typed day; what can't be read is asked again."""
    day = dates.parse(said)
    if day is None:
        return screen([t("没看懂,请再发一次。")], [[operator_doors.extensions(t("不延了"))]])
    return await _shown(turn, day)


async def _shown(turn: Turn, expires_on: dt.date) -> Screen:
    """What it comes to, before anything is written."""
    await desk.demand(turn, DECIDES)
    scope, nonce = _scope(turn), turn.nonce()
    found = await extensions.check(turn.tx, scope, expires_on, turn.today)
    turn.goto(feature.at("until"), **{**turn.dialogue.data, "expires_on": expires_on.isoformat(), "nonce": nonce})
    names = await known.read(turn.tx)
    lines: list[Line] = [
        t("<b>{last_day} → {until}</b>", last_day=scope.last_day, until=expires_on),
        words.whose(scope, names, turn.programme),
        BLANK,
        *_came_to(found, names),
        BLANK,
        t("恢复后照常能用,会员和发分的商户都会收到通知。"),
        t("又算商户的负债,保证金会多用一些。"),
    ]
    yes = feature.button(t("恢复这些积分"), "yes", nonce, style="primary")
    return screen(lines, [[yes], [operator_doors.extensions(t("不延了"))]])


def _came_to(found: Sequence[Ended], names: Known) -> list[Line]:
    """Issuer by issuer, and the worth of all."""
    minor: Counter[str] = Counter()
    lines: list[Line] = []
    for one in found:
        currency = names.currencies[one.currency_id]
        minor[currency.money] += currency.worth(one.points)
        points = names.points(one.currency_id, one.points)
        lines.append(
            tn("{merchant}:{points},{n} 人", n=one.owners, merchant=names.merchant(one.issuer_id), points=points)
        )
    return [*lines, *(t("共值 {worth}", worth=Money(each, code)) for code, each in sorted(minor.items()))]


@feature.tap("yes", audience="operator")
async def yes(turn: Turn, nonce: str) -> Screen:
    """Orders it; the points come back within minutes. A second tap shows the same."""
    await desk.demand(turn, DECIDES)
    made = await extensions.by_nonce(turn.tx, nonce)
    if made is None:
        data = turn.dialogue.data
        if turn.dialogue.state != feature.at("until") or data.get("nonce") != nonce:
            return _gone()
        expires_on = dt.date.fromisoformat(data["expires_on"])
        made, about = await extensions.order(
            turn.tx, _scope(turn), expires_on, nonce=nonce, by=desk.actor(turn), at=turn.at
        )
        turn.finish()
        await _tell_issuers(turn, made, about)
    lines: list[Line] = [
        t("<b>{last_day} → {until}</b>", last_day=made.scope.last_day, until=made.expires_on),
        t("几分钟内恢复,每位会员都会收到通知。"),
    ]
    return screen(lines, [[operator_doors.extensions(), operator_doors.operator()]])


async def _tell_issuers(turn: Turn, made: extensions.Extension, about: Sequence[Ended]) -> None:
    names = await known.read(turn.tx)
    for one in about:
        lines: list[Line] = [
            tn(
                "<b>{points}</b>延期了,{n} 位会员的",
                n=one.owners,
                points=names.points(one.currency_id, one.points),
            ),
            t("{last_day}到期的,现在到 {until}", last_day=made.scope.last_day, until=made.expires_on),
            t("{merchant} · 这些积分又算您的负债", merchant=names.merchant(one.issuer_id)),
        ]
        for member_id in await settlement.run_by(turn.tx, one.issuer_id, ("owner",)):
            rows = [[desk_doors.merchant(merchant_id=one.issuer_id), doors.home()]]
            turn.tell(
                member_id, screen(lines, rows), key=f"extension:{made.id}:{one.issuer_id}:{one.currency_id}:{member_id}"
            )


def _scope(turn: Turn) -> Scope:
    """What the dialogue has been told so far."""
    data = turn.dialogue.data
    day = dt.date.fromisoformat(data["last_day"])
    if data["what"] == "issuer":
        return Scope(day, issuer_id=number(data["which"]))
    return Scope(day, region=data["which"]) if data["what"] == "region" else Scope(day)


def _gone() -> Screen:
    return screen([t("这一步已经不在了,什么都没有恢复。")], [[operator_doors.extensions(), operator_doors.operator()]])


def _said(day: dt.date) -> str:
    return f"{day:%Y%m%d}"


def _day(said: str) -> dt.date:
    """A day as a button says it; the first of all days where it says none."""
    try:
        return dt.datetime.strptime(said, "%Y%m%d").date()
    except ValueError:
        return dt.date.min
