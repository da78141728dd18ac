"""Special prices of the offer that somebody is writing: for some days, for a tier and those above it, for a region or a credit
standing, or for days and some members both."""

from __future__ import annotations

import json
from typing import Any

from pydantic import ValidationError

from chat import desk_doors, offer_answers, offer_faults, offer_text, own_shelf
from chat.arguments import number
from chat.feature import Feature
from chat.offer_answers import About, Unread
from chat.own_shelf import run_here
from chat.screen import Button, Line, Screen, grid, screen
from chat.till import Post
from chat.turn import Turn
from chat.words import Both, Text, t
from ledger.members import credit_standing
from ledger.redeeming import offer_drafts
from ledger.redeeming.offer_drafts import Draft
from ledger.redeeming.offers import SPECIALS_MOST, PerMoney, Special
from ledger.redeeming.windows import When

feature = Feature("shelf_specials", order=78)

EVERYBODY = "all"
_IN = "in="
"""Before the code of a region, where a tier's would stand."""
_WEEKLY: dict[str, tuple[Text, dict[str, Any]]] = {
    "weekend": (t("每周六、周日"), {"weekdays": [6, 7]}),
    "month_end": (t("每月最后那天"), {"days_of_month": [-1]}),
    "always": (t("每天"), {}),
}
"""Days that come again and again, as buttons say them."""


async def _writing(turn: Turn, merchant: str) -> tuple[Post, Draft, About]:
    post = await run_here(turn, number(merchant))
    draft = await offer_drafts.mine(turn.tx, post.merchant.id, turn.me.id)
    return post, draft, await own_shelf.about(turn, post, draft)


def _given(draft: Draft) -> list[dict[str, Any]]:
    return list(draft.document.get("specials") or ())


@feature.tap("list")
async def list_(turn: Turn, merchant: str) -> Screen:
    """Lists the special prices, each with a button that takes it away."""
    return _list(turn, *await _writing(turn, merchant))


def _list(turn: Turn, post: Post, draft: Draft, about: About, *, first: Line | None = None) -> Screen:
    turn.goto(feature.at("list"), merchant=post.merchant.id)
    here, given, price = post.merchant.id, _given(draft), about.price
    lines: list[Line | None] = [first, t("<b>特价</b>")]
    if price is None:
        return screen([*lines, t("先写平时的价格。")], [[desk_doors.offer_draft(here, t("返回"))]])
    lines.append(t("平时:{price}", price=offer_text.price(about.terms, price)))
    known = [Special.model_validate_json(json.dumps(each)) for each in given]
    lines += [
        t("{place}. {special}", place=n, special=offer_text.special(about.terms, each, price))
        for n, each in enumerate(known, 1)
    ]
    if not known:
        lines.append(t("还没有。比如节日、会员日、金卡的价格。"))
    rows: list[list[Button | None]] = [
        [
            feature.button(
                t("去掉「{name}」", name=Both(each.name.zh, each.name.en)), "away", here, draft.nonce, n, len(known)
            )
        ]
        for n, each in enumerate(known)
    ]
    more = feature.button(t("加一个"), "add", here) if len(known) < SPECIALS_MOST else None
    return screen(lines, [*rows, [more, desk_doors.offer_draft(here, t("返回"))]])


@feature.step("list")
async def typed_instead(turn: Turn, said: str) -> Screen:
    """Something was typed where a tap was awaited: shows the list again."""
    return await list_(turn, str(turn.dialogue.data["merchant"]))


@feature.tap("away")
async def away(turn: Turn, merchant: str, nonce: str, place: str, of: str) -> Screen:
    """Takes one away; a second tap must not take the next one too."""
    post, draft, _ = await _writing(turn, merchant)
    given = _given(draft)
    if draft.nonce != nonce or number(of) != len(given) or not place.isdigit() or number(place) >= len(given):
        return Screen(alert=t("这个特价已经不在了。"))
    del given[number(place)]
    draft = await offer_drafts.change(turn.tx, draft, {"specials": given or None}, guide=draft.guide, now=turn.now)
    return _list(turn, post, draft, await own_shelf.about(turn, post, draft))


@feature.tap("add")
async def add(turn: Turn, merchant: str) -> Screen:
    """Asks what a new one is called."""
    post, _, _ = await _writing(turn, merchant)
    return _ask_name(turn, post)


def _ask_name(turn: Turn, post: Post, first: Line | None = None) -> Screen:
    turn.goto(feature.at("name"), merchant=post.merchant.id)
    lines = [first, t("这个价叫什么?比如:国庆价 / Holiday price")]
    return screen(lines, [[desk_doors.offer_specials(post.merchant.id, t("返回"))]])


@feature.step("name")
async def name_typed(turn: Turn, said: str) -> Screen:
    """Takes the name and asks for whom it is."""
    post, _, about = await _writing(turn, str(turn.dialogue.data["merchant"]))
    try:
        name = offer_answers.in_both(said)
    except Unread as no:
        return _ask_name(turn, post, no.words)
    turn.goto(feature.at("who"), merchant=post.merchant.id, name=name)
    return _ask_whom(post, about)


def _ask_whom(post: Post, about: About, first: Line | None = None) -> Screen:
    choices: list[list[Button | None]] = [[feature.button(t("人人"), "who", EVERYBODY)]]
    choices += [
        [feature.button(t("{tier}以上", tier=about.terms.tier(tier.code)), "who", tier.code)]
        for tier in about.terms.programme.tiers[1:]
    ]
    regions = [
        feature.button(about.terms.region(each.code), "who", f"{_IN}{each.code}")
        for each in about.terms.programme.regions
    ]
    lines = [first, t("给谁?点一个;按信用评级就发分数,比如 650。")]
    return screen(lines, [*choices, *grid(regions), [desk_doors.offer_specials(post.merchant.id, t("返回"))]])


@feature.step("who")
async def whom_typed(turn: Turn, said: str) -> Screen:
    """Takes the least credit standing; asks again where nothing of the kind was typed."""
    data = turn.dialogue.data
    post, _, about = await _writing(turn, str(data["merchant"]))
    try:
        least = offer_answers.whole(said, credit_standing.HIGHEST, least=credit_standing.LOWEST)
    except Unread as no:
        return _ask_whom(post, about, no.words)
    return _ask_days(turn, post, {"name": data["name"], "who": {"standing": least}})


@feature.tap("who")
async def whom(turn: Turn, tier: str) -> Screen:
    """Takes for whom it is, and asks for the days."""
    data = turn.dialogue.data
    if turn.dialogue.state != feature.at("who"):
        return _gone()
    post, _, about = await _writing(turn, str(data["merchant"]))
    if tier == EVERYBODY:
        return _ask_days(turn, post, {"name": data["name"]})
    if tier.startswith(_IN):
        who: dict[str, Any] = {"regions": [tier.removeprefix(_IN)]}
    else:
        who = {"tiers": offer_answers.from_tier(about, tier)}
    return _ask_days(turn, post, {"name": data["name"], "who": who})


def _ask_days(turn: Turn, post: Post, one: dict[str, Any], first: Line | None = None) -> Screen:
    turn.goto(feature.at("days"), merchant=post.merchant.id, one=one)
    choices: list[list[Button | None]] = [
        [feature.button(words, "days", code)]
        for code, (words, _) in _WEEKLY.items()
        if code != "always" or "who" in one
    ]
    lines = [first, t("哪几天?发起止日期,比如 10-1 10-7,或「每月28」;或点一个。")]
    return screen(lines, [*choices, [desk_doors.offer_specials(post.merchant.id, t("返回"))]])


@feature.tap("days")
async def days_chosen(turn: Turn, code: str) -> Screen:
    """Takes the days that a button says."""
    if turn.dialogue.state != feature.at("days") or code not in _WEEKLY:
        return _gone()
    data = turn.dialogue.data
    post, _, about = await _writing(turn, str(data["merchant"]))
    return _ask_price(turn, post, about, {**data["one"], "when": _WEEKLY[code][1]})


@feature.step("days")
async def days_typed(turn: Turn, said: str) -> Screen:
    """Takes the days as typed."""
    data = turn.dialogue.data
    post, _, about = await _writing(turn, str(data["merchant"]))
    try:
        if (monthly := offer_answers.day_of_month(said)) is not None:
            return _ask_price(turn, post, about, {**data["one"], "when": {"days_of_month": [monthly]}})
        first, last = offer_answers.days(about, said)
        when = When(from_on=first, until=last)
    except Unread as no:
        return _ask_days(turn, post, data["one"], no.words)
    except ValidationError as error:
        return _ask_days(turn, post, data["one"], offer_faults.line(error))
    if last is not None and last < about.today:
        return _ask_days(turn, post, data["one"], t("这些日子已经过了。"))
    return _ask_price(turn, post, about, {**data["one"], "when": when.model_dump(mode="json", exclude_defaults=True)})


def _ask_price(turn: Turn, post: Post, about: About, one: dict[str, Any], first: Line | None = None) -> Screen:
    turn.goto(feature.at("price"), merchant=post.merchant.id, one=one)
    assert about.price is not None
    if isinstance(about.price, PerMoney):
        said = t("那时每元多少分?平时 {points}。", points=about.price.points)
    else:
        said = t("那时一份多少分?平时 {points}。", points=about.price.points)
    more: Text | None = None
    if isinstance(about.price, PerMoney):
        lower = (about.price.least_minor - about.price.step_minor) // 100
        facts = {"points": about.price.points, "least": lower}
        more = t("也可以开放更低的一档:发「{points} {least}」,从 ¥{least} 起。", **facts) if lower > 0 else None
    elif about.price.rate is not None:
        more = t("也可以让它更值:发「500 30」,500 分换 ¥30 的。")
    lines = [first, said, more]
    return screen(lines, [[desk_doors.offer_specials(post.merchant.id, t("返回"))]])


@feature.step("price")
async def price_typed(turn: Turn, said: str) -> Screen:
    """Takes the price: the special one is written into the draft."""
    data = turn.dialogue.data
    post, draft, about = await _writing(turn, str(data["merchant"]))
    usual = draft.document.get("price")
    if usual is None:
        return _list(turn, post, draft, about)
    numbers = offer_answers.plain(said).split()
    try:
        price = {**usual, "points": offer_answers.whole(numbers[0] if numbers else "", offer_answers.POINTS_MOST)}
        if len(numbers) == 2 and price["kind"] == "per_unit":
            price["value_minor"] = offer_answers.money(numbers[1])
        elif len(numbers) == 2:
            price["least_minor"] = offer_answers.money(numbers[1])
        elif len(numbers) != 1:
            raise Unread(t("没看懂。发一个数,比如 400。"))
        given = [*_given(draft), {**data["one"], "price": price}]
        draft = await offer_drafts.change(turn.tx, draft, {"specials": given}, guide=draft.guide, now=turn.now)
    except Unread as no:
        return _ask_price(turn, post, about, data["one"], no.words)
    except ValidationError as error:
        return _ask_price(turn, post, about, data["one"], offer_faults.line(error))
    return _list(turn, post, draft, await own_shelf.about(turn, post, draft), first=t("加上了,发布后生效。"))


def _gone() -> Screen:
    return Screen(alert=t("这一步已经办过,或者取消了。"))
