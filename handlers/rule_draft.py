"""A change of a merchant's rules in a few taps: many times the points, a bonus above a spend, another rate; tried on the past month
before it is sent.

The rule that is being made waits in the dialogue until its owner sends it.
"""

from __future__ import annotations

import datetime as dt
from decimal import Decimal
from typing import Any

from pydantic import ValidationError

from chat import amounts, day_range, desk_doors, doors, merchant_log, rule_news, till, trial
from chat import rules as words
from chat.arguments import number
from chat.feature import Feature
from chat.screen import BLANK, Button, Line, Screen, screen
from chat.till import Post
from chat.turn import Turn
from chat.words import Both, Text, t, tn
from ledger.earning import campaigns, rulebook
from ledger.earning.rules.documents import Base, Bonus, Budget, Cap, Multiplier, Rule, When
from ledger.earning.rules.version import RuleVersion, house_rule
from ledger.merchants import log

feature = Feature("rule_draft", order=77)

NAME_LONGEST = 20
DAYS_MOST = 366
POINTS_MOST = 100_000
LIMIT_MOST = 1_000_000_000
FACTORS = {"1.5": ("1.5 倍积分", "1.5× points"), "2": ("双倍积分", "Double points"), "3": ("三倍积分", "Triple points")}
"""What may be chosen, and what it is called unless its owner names it."""


@feature.tap("times")
async def times(turn: Turn, merchant: str) -> Screen:
    """Asks how many times."""
    post = await _owner_at(turn, number(merchant))
    choices = [
        feature.button(t("{factor} 倍", factor=factor), "factor", post.merchant.id, factor) for factor in FACTORS
    ]
    lines: list[Line] = [t("<b>多倍积分</b> · {merchant}", merchant=post.where), t("几倍?")]
    return screen(lines, [choices, [desk_doors.rules(post.merchant.id, t("返回"))]])


@feature.tap("factor")
async def factor_chosen(turn: Turn, merchant: str, factor: str) -> Screen:
    """Takes the factor and asks for the days."""
    post = await _owner_at(turn, number(merchant))
    chosen = factor if factor in FACTORS else "2"
    draft = {"kind": "times", "factor": chosen, "name_zh": FACTORS[chosen][0], "name_en": FACTORS[chosen][1]}
    return ask_days(turn, post, {"merchant": post.merchant.id, **draft})


@feature.tap("bonus")
async def bonus(turn: Turn, merchant: str) -> Screen:
    """Asks for the least spend and the points."""
    post = await _owner_at(turn, number(merchant))
    turn.goto(feature.at("bonus"), merchant=post.merchant.id)
    return _ask_bonus(post, t("<b>满额送分</b> · {merchant}", merchant=post.where))


def _ask_bonus(post: Post, first: Text) -> Screen:
    return screen(
        [first, t("满多少钱、送多少分?比如发「200 50」:一笔满 ¥200 送 50 分。")],
        [[desk_doors.rules(post.merchant.id, t("返回"))]],
    )


@feature.step("bonus")
async def bonus_typed(turn: Turn, said: str) -> Screen:
    """Takes them and asks for the days."""
    post = await _owner_at(turn, turn.dialogue.data["merchant"])
    said_spend, _, said_points = " ".join(said.replace("送", " ").replace("满", " ").split()).partition(" ")
    spend, points = amounts.parse(said_spend), number(said_points.removesuffix("分").strip())
    if spend is None or not 1 <= points <= POINTS_MOST:
        return _ask_bonus(post, t("没看懂。送的分是 1 到 {most}。", most=POINTS_MOST))
    name = {"name_zh": f"满{spend // 100}送{points}", "name_en": f"{points} for {spend // 100}"}
    return ask_days(
        turn, post, {"merchant": post.merchant.id, "kind": "bonus", "spend": spend, "points": points, **name}
    )


def ask_days(turn: Turn, post: Post, draft: dict[str, Any], *, first: Text | None = None) -> Screen:
    """Asks on which days."""
    turn.goto(feature.at("days"), **draft)
    tomorrow = turn.today + dt.timedelta(days=1)
    saturday = turn.today + dt.timedelta(days=(5 - turn.today.weekday()) % 7 or 7)
    sunday, week = saturday + dt.timedelta(days=1), tomorrow + dt.timedelta(days=6)
    said = t("{since}—{until}", since=saturday, until=sunday)
    rows: list[list[Button | None]] = [
        [feature.button(t("只有{on}", on=tomorrow), "days", tomorrow, tomorrow)],
        [feature.button(t("周末 {days}", days=said), "days", saturday, sunday)],
        [feature.button(t("{since}起 7 天", since=tomorrow), "days", tomorrow, week)],
        [feature.button(t("{since}起一直", since=tomorrow), "days", tomorrow)],
        [desk_doors.rules(post.merchant.id, t("返回"))],
    ]
    return screen([first or t("哪几天?"), t("点一个,或者把起止日期发给我,比如 12-24 12-26。")], rows)


@feature.tap("days")
async def days_chosen(turn: Turn, since: str, until: str = "") -> Screen:
    """Takes the days that a button says."""
    if turn.dialogue.state != feature.at("days"):
        return _gone()
    post = await _owner_at(turn, turn.dialogue.data["merchant"])
    return await _with_days(turn, post, day_range.iso(since), day_range.iso(until))


@feature.step("days")
async def days_typed(turn: Turn, said: str) -> Screen:
    """Takes the days as typed."""
    post = await _owner_at(turn, turn.dialogue.data["merchant"])
    found = day_range.parse(said, today=turn.today)
    if found is None:
        return ask_days(turn, post, turn.dialogue.data, first=t("这个日期我没看懂。"))
    return await _with_days(turn, post, *found)


async def _with_days(turn: Turn, post: Post, since: dt.date | None, until: dt.date | None) -> Screen:
    data = turn.dialogue.data
    if since is None or since < turn.today or (until is not None and not since <= until):
        return ask_days(turn, post, data, first=t("最早从今天起,结束不早于开始。"))
    if until is not None and (until - since).days >= DAYS_MOST:
        return ask_days(turn, post, data, first=tn("一次最长 {n} 天。", n=DAYS_MOST))
    return await ask_send(
        turn, post, {**data, "since": since.isoformat(), "until": until.isoformat() if until else None}
    )


@feature.tap("rate")
async def rate(turn: Turn, merchant: str) -> Screen:
    """Asks for the new rate of the house rule."""
    post = await _owner_at(turn, number(merchant))
    house = house_rule(await rulebook.in_force(turn.tx, post.merchant.id, turn.today), post.merchant.id)
    if house is None:
        return _no_rate()
    turn.goto(feature.at("rate"), merchant=post.merchant.id, code=house.code)
    lines: list[Line] = [
        words.headline(house.rule, post.merchant.money, turn.programme),
        t("改成每元多少分?发数字给我,比如 1.5。明天起生效,已经记的不变。"),
    ]
    return screen(lines, [[desk_doors.rules(post.merchant.id, t("返回"))]])


@feature.step("rate")
async def rate_typed(turn: Turn, said: str) -> Screen:
    """Takes the rate and shows what it would change."""
    data = turn.dialogue.data
    post = await _owner_at(turn, data["merchant"])
    try:
        Base(rate=said.strip())  # type: ignore[arg-type]  # pydantic reads the exact decimal
    except ValidationError:
        back = [[desk_doors.rules(post.merchant.id, t("返回"))]]
        return screen([t("请发 0 到 1000 之间的数字,最多四位小数,比如 1.5。")], back)
    tomorrow = turn.today + dt.timedelta(days=1)
    draft = {"kind": "rate", "rate": said.strip(), "since": tomorrow.isoformat(), "until": None}
    return await ask_send(turn, post, {**data, **draft})


async def ask_send(turn: Turn, post: Post, draft: dict[str, Any], *, first: Text | None = None) -> Screen:
    """Shows the rule as it will be, and what it would have changed, before anything is written."""
    nonce = draft.get("nonce") or turn.nonce()
    turn.goto(feature.at("send"), **{**draft, "nonce": nonce})
    made = await _drafted(turn, post)
    if made is None:
        return _no_rate()
    needs = turn.programme.rules_need_approval
    lines: list[Line | None] = [
        first,
        t("<b>{merchant}</b>", merchant=post.where),
        _saying(turn, post)(made),
        t("算在活动「{campaign}」的预算里", campaign=draft["campaign_name"]) if "campaign" in draft else None,
        BLANK,
        *await trial.lines(turn, post.merchant, made),
        BLANK,
        t("提交后由运营批准,批准前不生效。") if needs else t("确认后按日期生效。"),
    ]
    send = t("提交") if needs else t("确认")
    rows: list[list[Button | None]] = [
        [feature.button(send, "send", nonce, style="primary")],
    ]
    if draft["kind"] != "rate":
        rows.append([feature.button(t("起个名字"), "name", nonce)])
        rows.append([feature.button(label, "limit", nonce, kind) for kind, label in _LIMITS.items()])
        if any(each.is_open for each in await campaigns.of(turn.tx, post.merchant.id)):
            rows.append([feature.button(t("用活动预算"), "campaign", nonce)])
    return screen(lines, [*rows, [desk_doors.rules(post.merchant.id, t("取消"))]])


@feature.step("send")
async def typed_instead(turn: Turn, said: str) -> Screen:
    """Something was typed where a tap was awaited: shows the rule again."""
    return await ask_send(turn, await _owner_at(turn, turn.dialogue.data["merchant"]), turn.dialogue.data)


@feature.tap("name")
async def name(turn: Turn, nonce: str) -> Screen:
    """Asks what members are to read."""
    if turn.dialogue.data.get("nonce") != nonce:
        return _gone()
    data = turn.dialogue.data
    turn.goto(feature.at("name"), **data)
    said = tn("会员在「来由」里会看到这个名字,比如「春节双倍」。最多 {n} 个字。", n=NAME_LONGEST)
    return screen([said], [[desk_doors.rules(data["merchant"], t("取消"))]])


@feature.step("name")
async def name_typed(turn: Turn, said: str) -> Screen:
    """Takes the name."""
    data = turn.dialogue.data
    post, called = await _owner_at(turn, data["merchant"]), " ".join(said.split())
    if not 1 <= len(called) <= NAME_LONGEST:
        return screen([tn("写 1 到 {n} 个字。", n=NAME_LONGEST)], [[desk_doors.rules(post.merchant.id, t("取消"))]])
    return await ask_send(turn, post, {**data, "name_zh": called, "name_en": called})


_LIMITS: dict[str, Text] = {"budget": t("设总量"), "cap": t("设每人每月上限")}
"""What a rule may be limited to, in points."""


@feature.tap("limit")
async def limit(turn: Turn, nonce: str, kind: str) -> Screen:
    """Asks how many points it may give at most."""
    data = turn.dialogue.data
    if data.get("nonce") != nonce or kind not in _LIMITS:
        return _gone()
    turn.goto(feature.at("limit"), **{**data, "limit": kind})
    said = t("一共最多送多少分?发数字给我。") if kind == "budget" else t("每人每月最多多少分?发数字给我。")
    return screen([said], [[desk_doors.rules(data["merchant"], t("取消"))]])


@feature.step("limit")
async def limit_typed(turn: Turn, said: str) -> Screen:
    """Takes the limit."""
    data = turn.dialogue.data
    post, points = await _owner_at(turn, data["merchant"]), number(said.replace(",", "").removesuffix("分").strip())
    if not 1 <= points <= LIMIT_MOST:
        back = [[desk_doors.rules(post.merchant.id, t("取消"))]]
        return screen([t("请发 1 到 {most} 之间的整数。", most=LIMIT_MOST)], back)
    return await ask_send(turn, post, {**data, data["limit"]: points})


@feature.tap("campaign")
async def campaign(turn: Turn, nonce: str) -> Screen:
    """Asks on which campaign's budget the rule is to draw."""
    data = turn.dialogue.data
    if data.get("nonce") != nonce:
        return _gone()
    found = [each for each in await campaigns.of(turn.tx, data["merchant"]) if each.is_open]
    rows: list[list[Button | None]] = [
        [feature.button(t("{name}", name=Both(each.name_zh, each.name_en)), "draws_on", nonce, place)]
        for place, each in enumerate(found)
    ]
    return screen([t("算在哪个活动的预算里?")], [*rows, [desk_doors.rules(data["merchant"], t("取消"))]])


@feature.tap("draws_on")
async def draws_on(turn: Turn, nonce: str, place: str) -> Screen:
    """Takes the campaign."""
    data = turn.dialogue.data
    found = [each for each in await campaigns.of(turn.tx, data.get("merchant", 0)) if each.is_open]
    if data.get("nonce") != nonce or number(place) >= len(found):
        return _gone()
    chosen = found[number(place)]
    post = await _owner_at(turn, data["merchant"])
    return await ask_send(turn, post, {**data, "campaign": chosen.code, "campaign_name": chosen.name_zh})


@feature.tap("send")
async def send(turn: Turn, nonce: str) -> Screen:
    """Proposes the rule; a second tap finds it sent."""
    data = turn.dialogue.data
    if turn.dialogue.state != feature.at("send") or data.get("nonce") != nonce:
        return _gone()
    post = await _owner_at(turn, data["merchant"])
    made = await _drafted(turn, post)
    turn.finish()
    if made is None:
        return _no_rate()
    done = await rulebook.propose(
        turn.tx,
        code=made.code,
        merchant_id=post.merchant.id,
        rule=made.rule,
        valid_from=made.valid_from,
        valid_to=made.valid_to,
        made_by=turn.actor,
        at=turn.now,
        today=turn.today,
        needs_approval=turn.programme.rules_need_approval,
    )
    facts = merchant_log.rule_facts(made)
    await log.write(turn.tx, post.merchant.id, "rule_proposed", who=post.staff.actor, at=turn.now, **facts)
    if done.state == "proposed":
        turn.tells += await rule_news.waiting(
            turn.tx, done.version, post.merchant, turn.programme, today=turn.today, by=turn.me.id
        )
    said = t("已提交,批准后会告诉您。") if done.state == "proposed" else t("好了,按日期生效。")
    return screen([said, _saying(turn, post)(done.version)], [[desk_doors.rules(post.merchant.id), doors.home()]])


async def _drafted(turn: Turn, post: Post) -> RuleVersion | None:
    """The rule that waits in the dialogue."""
    data, here = turn.dialogue.data, post.merchant
    since = dt.date.fromisoformat(data["since"])
    until = dt.date.fromisoformat(data["until"]) if data["until"] else None
    code = f"{here.code}-{data['kind']}-{data['nonce']}"
    said: dict[str, Any] = {name: data[name] for name in ("name_zh", "name_en") if name in data}
    if "budget" in data:
        said["budget"] = Budget(points=data["budget"])
    if "campaign" in data:
        said["campaign"] = data["campaign"]
    if "cap" in data:
        said["caps"] = (Cap(points=data["cap"], per="month"),)
    made: Rule
    match data["kind"]:
        case "times":
            made = Multiplier(factor=Decimal(data["factor"]), **said)
        case "bonus":
            made = Bonus(points=data["points"], when=When(min_spend_minor=data["spend"]), **said)
        case _:
            standing = await rulebook.in_force(turn.tx, here.id, turn.today)
            house = next((v for v in standing if v.code == data["code"] and v.merchant_id == here.id), None)
            if house is None or not isinstance(house.rule, Base):
                return None
            made, code = house.rule.model_copy(update={"rate": Decimal(data["rate"])}), house.code
    return RuleVersion(code, 1, made, since, until, here.id)


def _saying(turn: Turn, post: Post) -> Any:
    return lambda version: words.line(version, post.merchant.money, turn.programme, today=turn.today)


async def _owner_at(turn: Turn, merchant_id: int) -> Post:
    post = await till.post_at(turn, merchant_id)
    post.staff.demand("change_rules")
    return post


def _gone() -> Screen:
    """What was being made is not there any more: done by the tap before, or given up. What that one showed stays."""
    return Screen(alert=t("这一步已经办过,或者取消了。"))


def _no_rate() -> Screen:
    """The rate that was to change has ended meanwhile."""
    return screen([t("这条已经不在了,什么都没有改。")], [[desk_doors.merchant(), doors.home()]])
