"""A merchant's own points into common ones (R10): the rate, what comes out, until when it is good — and a confirmation."""

from __future__ import annotations

import datetime as dt
import unicodedata

from chat import doors, known
from chat.arguments import number
from chat.feature import Feature
from chat.known import Known
from chat.refusals import Worded, worded
from chat.screen import BLANK, Button, Line, Screen, screen
from chat.turn import Turn
from chat.words import Both, Points, Text, t
from ledger.points import statements
from ledger.points.statements import Holding
from ledger.redeeming import exchange
from ledger.redeeming.exchange import Preview, Rate

feature = Feature("exchange", order=33, on_account=True)

DAYS_SHOWN = 4


@feature.command("exchange", t("积分转换"), said="转换,互换,exchange,convert")
async def command(turn: Turn, words: str = "") -> Screen:
    """Shows which points can become common ones."""
    return await home(turn)


@feature.tap("home")
async def home(turn: Turn) -> Screen:
    """Shows which points can become common ones; goes on at once where there is one kind."""
    names, held = await _held(turn)
    ready = [h for h in held if (rate := _rate(h, names, turn)) is not None and rate.whole(h.available)]
    if len(ready) == 1:
        return await pick(turn, str(ready[0].currency.id))
    lines: list[Line] = [t("<b>换成联盟积分</b>")]
    lines.append(t("换哪一种?下一步可以只换一部分。") if ready else t("您没有能换的商户积分。"))
    rows: list[list[Button | None]] = [
        [
            feature.button(
                t(
                    "{points} → {result}",
                    points=names.points(h.currency.id, h.available),
                    result=Points(_rated(h.currency.id, names, turn).gives(h.available)),
                ),
                "pick",
                h.currency.id,
            )
        ]
        for h in ready
    ]
    return screen(lines, [*rows, [doors.catalog(), doors.home()]])


@feature.tap("pick")
async def pick(turn: Turn, currency: str) -> Screen:
    """Shows the rate and asks how many."""
    names, held = await _held(turn)
    return _ask(turn, names, held, number(currency))


@feature.step("points")
async def said_points(turn: Turn, said: str) -> Screen:
    """Takes a typed number of points to its confirm screen."""
    currency = int(turn.dialogue.data["currency"])
    names, held = await _held(turn)
    points = number("".join(c for c in unicodedata.normalize("NFKC", said) if c not in "分, "))
    if not points:
        return _ask(turn, names, held, currency, t("这个数我没看懂。"))
    return await confirm(turn, str(currency), str(points))


@feature.tap("confirm")
async def confirm(turn: Turn, currency: str, points: str) -> Screen:
    """Shows what exchanging so many would do; parts that would be lost to rounding stay where they are."""
    names, _ = await _held(turn)
    rate = _rated(number(currency), names, turn)
    return await _confirm(turn, names, rate, number(points))


@feature.tap("do")
async def do(turn: Turn, currency: str, points: str, nonce: str, signature: str) -> Screen:
    """Exchanges. Again: shows what the first tap did."""
    names, _ = await _held(turn)
    rate = _rated(number(currency), names, turn)
    if not turn.vault.signed_by_us(_promise(turn, rate, number(points), nonce), signature):
        return await _confirm(turn, names, rate, number(points), t("比例刚刚变了,还没有换。"))
    receipt = await exchange.exchange(
        turn.tx,
        turn.me,
        rate,
        number(points),
        nonce=nonce,
        life_months=turn.programme.exchange_life_months,
        at=turn.at,
        actor=turn.actor,
    )
    turn.finish()
    gone = names.points(rate.source.id, number(points))
    came = Points(rate.gives(number(points)))
    lines = [
        t("已经换好了") if receipt.repeated else t("换好了"),
        t("<b>{gone} → {came}</b>", gone=gone, came=came),
    ]
    return screen(lines, [[doors.catalog(), doors.expiry()], [doors.home()]])


async def _held(turn: Turn) -> tuple[Known, list[Holding]]:
    names = await known.read(turn.tx)
    return names, await statements.wallet(turn.tx, turn.me.owner, today=turn.today)


def _rate(holding: Holding, names: Known, turn: Turn) -> Rate | None:
    try:
        return _rated(holding.currency.id, names, turn)
    except exchange.NotExchangeable:
        return None


def _rated(currency: int, names: Known, turn: Turn) -> Rate:
    source = names.currencies.get(currency)
    if source is None:
        raise exchange.NotExchangeable(currency)
    return exchange.rate(source, names.currencies[turn.programme.common_currency])


def _promise(turn: Turn, rate: Rate, points: int, nonce: str) -> str:
    """What the confirm button's signature binds: the rate too, so that another one is shown before it is used."""
    return f"exchange:{turn.me.id}:{rate.source.id}:{points}:{rate.points}:{rate.result}:{nonce}"


def _per(rate: Rate, names: Known) -> Text:
    worth = names.worth(rate.source.id, rate.points)
    facts = {"points": names.points(rate.source.id, rate.points), "result": Points(rate.result)}
    if worth is None:
        return t("{points}换 {result},按两边公布的价值,不多不少", **facts)
    return t("{points}换 {result},都值 {worth}", worth=worth, **facts)


def _ask(turn: Turn, names: Known, held: list[Holding], currency: int, *first: Line) -> Screen:
    rate = _rated(currency, names, turn)
    available = next((h.available for h in held if h.currency.id == currency), 0)
    whole = rate.whole(available)
    rate.must_make_one(available)
    turn.goto(feature.at("points"), currency=currency)
    lines: list[Line] = [
        *first,
        t("<b>{currency}换成联盟积分</b>", currency=names.currency(currency)),
        t("可用 {points}", points=names.points(currency, available)),
        _per(rate, names),
        BLANK,
        t("换多少?点一个,或直接打字。"),
    ]
    amounts = sorted({whole, rate.whole(whole // 2)} - {0}, reverse=True)
    rows: list[list[Button | None]] = [
        [
            feature.button(
                t("{points} → {result}", points=names.points(currency, n), result=Points(rate.gives(n))),
                "confirm",
                currency,
                n,
            )
        ]
        for n in amounts
    ]
    return screen(lines, [*rows, [doors.catalog(), doors.home()]])


async def _confirm(turn: Turn, names: Known, rate: Rate, asked: int, *first: Line) -> Screen:
    points = rate.whole(asked)
    seen: Preview = await exchange.preview(
        turn.tx,
        turn.me,
        rate,
        points or asked,
        today=turn.today,
        life_months=turn.programme.exchange_life_months,
    )
    source = rate.source.id
    turn.goto(feature.at("points"), currency=source)  # another number may be typed in place of this one
    lines: list[Line | None] = [
        *first,
        t("<b>{gone} → {came}</b>", gone=names.points(source, points), came=Points(seen.result)),
        _per(rate, names),
        t("零头 {rest}留着不动", rest=names.points(source, asked - points)) if asked != points else None,
        BLANK,
        t("换来的分:{lots}", lots=_until(seen)),
        t("换后剩 {left}", left=names.points(source, seen.left)),
        t("换了不能换回来。"),
    ]
    nonce = turn.nonce()
    signature = turn.vault.sign(_promise(turn, rate, points, nonce))
    yes = feature.button(t("确认换"), "do", source, points, nonce, signature, style="primary")
    return screen(lines, [[yes, feature.button(t("返回"), "pick", source)]])


def _until(seen: Preview) -> Text:
    """When what comes out ends: a lot's own last day, or the common points' longest life, whichever is earlier."""
    by_day: dict[dt.date | None, int] = {}
    for lot, ends in seen.lots:
        by_day[ends] = by_day.get(ends, 0) + lot.points
    days = sorted(by_day, key=lambda on: on or dt.date.max)
    shown = days if len(days) <= DAYS_SHOWN else days[: DAYS_SHOWN - 1]
    parts = [t("{on}到期", on=on) if on is not None else t("不过期") for on in shown]
    if len(days) > len(shown):
        parts.append(t("最晚 {on}到期", on=days[-1]) if days[-1] is not None else t("不过期"))
    first, *others = parts
    for other in others:
        first = t("{one}、{other}", one=first, other=other)
    return first


@worded(exchange.NotExchangeable)
def _(no: exchange.NotExchangeable) -> Worded:
    return Worded(t("这种积分不能换成联盟积分"), None, (doors.catalog(),))


@worded(exchange.TooFewToExchange)
def _(no: exchange.TooFewToExchange) -> Worded:
    least = Points(no.least, Both(no.currency.zh, no.currency.en))
    return Worded(t("太少了,换不成一分"), t("至少要 {least}。", least=least), (doors.exchange(t("返回")),))


@worded(exchange.NotEnoughToExchange)
def _(no: exchange.NotEnoughToExchange) -> Worded:
    unit = Both(no.currency.zh, no.currency.en)
    return Worded(
        t("没有这么多"),
        t("要 {needed},您可用 {available}。", needed=Points(no.needed, unit), available=Points(no.available, unit)),
        (doors.exchange(t("返回")),),
    )
