"""A merchant's accrual rules: what is in force, to come or waiting, in plain words; stopping one, taking a proposal back."""

from __future__ import annotations

from typing import Any

from chat import desk_doors, doors, merchant_log, till
from chat import rules as words
from chat.arguments import number
from chat.feature import Feature
from chat.screen import BLANK, Button, Line, Screen, screen
from chat.till import Post
from chat.turn import Turn
from chat.words import t, tn
from ledger.earning import rulebook
from ledger.earning.rules.documents import Base
from ledger.earning.rules.version import RuleVersion, house_rule
from ledger.merchants import authority, log

feature = Feature("rules", order=77)

SHOWN = 12
"""Rules of a kind on one screen."""

BUTTONS = 6
"""Rules of a kind that have a button."""


@feature.tap("list")
async def list_(turn: Turn, merchant: str) -> Screen:
    """Lists the rules in force, those that are to come, and those that wait for approval."""
    turn.finish()
    post = await till.post_at(turn, number(merchant))
    post.staff.demand("see_rules")
    here, say = post.merchant, _saying(turn, post)
    standing = await rulebook.in_force(turn.tx, here.id, turn.today)
    coming = [v for v in await rulebook.all_of(turn.tx, here.id) if v.valid_from > turn.today]
    waiting = await rulebook.proposals(turn.tx, here.id)
    lines: list[Line | None] = [
        t("<b>积分规则</b> · {merchant}", merchant=post.where),
        None if standing else t("现在没有积分规则,消费不得分"),
        *(say(version) for version in standing[:SHOWN]),
        tn("还有 {n} 条", n=len(standing) - SHOWN) if len(standing) > SHOWN else None,
    ]
    if coming:
        lines += [BLANK, t("以后生效:"), *(say(version) for version in coming[:SHOWN])]
    if waiting:
        lines += [BLANK, t("等运营批准:"), *(say(each.version) for each in waiting[:SHOWN])]
    may = authority.may(post.staff.role, "change_rules")
    rows: list[list[Button | None]] = []
    if may:
        rows += [
            [desk_doors.times(here.id), desk_doors.bonus(here.id)],
            [desk_doors.rate(here.id) if house_rule(standing, here.id) else None],
        ]
        theirs = [v for v in standing + coming if v.merchant_id == here.id and not isinstance(v.rule, Base)]
        rows += [
            [feature.button(t("停:{rule}", rule=words.headline(v.rule, here.money, turn.programme)), "stop", v.name)]
            for v in theirs[:BUTTONS]
        ]
        rows += [
            [
                feature.button(
                    t("撤回 {rule}", rule=words.headline(w.version.rule, here.money, turn.programme)),
                    "withdraw",
                    w.version.name,
                )
            ]
            for w in waiting[:BUTTONS]
        ]
    rows.append([desk_doors.campaigns(here.id)])
    return screen(lines, [*rows, [desk_doors.merchant(t("返回"), here.id), doors.home()]])


@feature.tap("withdraw")
async def withdraw(turn: Turn, rule: str) -> Screen:
    """Takes a proposal back."""
    post, found = await _of_owner(turn, rule)
    done = await rulebook.withdraw(turn.tx, found.name, by=turn.actor, at=turn.now)
    await _log(turn, post, "rule_withdrawn", done.version)
    return await list_(turn, str(post.merchant.id))


@feature.tap("stop")
async def stop(turn: Turn, rule: str) -> Screen:
    """Asks before a rule is stopped."""
    post, found = await _of_owner(turn, rule)
    yes = feature.button(t("今天结束后停"), "stopped", found.name, style="danger")
    lines: list[Line] = [_saying(turn, post)(found), t("停了以后不能恢复,只能再提一条。会员已得的不变。")]
    return screen(lines, [[yes], [desk_doors.rules(post.merchant.id, t("返回"))]])


@feature.tap("stopped")
async def stopped(turn: Turn, rule: str) -> Screen:
    """Ends a rule with this day."""
    post, found = await _of_owner(turn, rule)
    last = max(turn.today, found.valid_from)
    await rulebook.end(turn.tx, found.name, last_day=last, today=turn.today)
    await _log(turn, post, "rule_ended", found)
    return await list_(turn, str(post.merchant.id))


def _saying(turn: Turn, post: Post) -> Any:
    return lambda version: words.line(version, post.merchant.money, turn.programme, today=turn.today)


async def _owner_at(turn: Turn, merchant_id: int) -> Post:
    post = await till.post_at(turn, merchant_id)
    post.staff.demand("change_rules")
    return post


async def _of_owner(turn: Turn, rule: str) -> tuple[Post, RuleVersion]:
    """A rule of a merchant whose owner this is. `NotProposed` where there is none of that name."""
    found = await rulebook.find(turn.tx, rule)
    if found is None or found.version.merchant_id is None:
        raise rulebook.NotProposed(rule, None)
    return await _owner_at(turn, found.version.merchant_id), found.version


async def _log(turn: Turn, post: Post, what: log.What, version: RuleVersion) -> None:
    facts = merchant_log.rule_facts(version)
    await log.write(turn.tx, post.merchant.id, what, who=post.staff.actor, at=turn.now, **facts)
