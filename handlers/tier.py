"""The member's tier: what is in force until when, the way to the next, what it brings; and upgrades that an operator decides."""

from __future__ import annotations

from chat import doors, operator_doors, paid_tiers, till
from chat import tiers as words_of
from chat.arguments import number
from chat.feature import Feature
from chat.offers import both, short_price, short_reason
from chat.screen import BLANK, Button, Line, Screen, screen
from chat.turn import Turn
from chat.words import Both, Money, Points, Text, t, tn
from ledger.earning import qualifying
from ledger.earning.qualifying import Progress
from ledger.members import operators, standings, tiers, upgrades
from ledger.programme import Programme, Tier
from ledger.redeeming import shelf, tier_sales
from ledger.redeeming.may_redeem import Yes
from ledger.redeeming.memberships import MembershipHeld
from ledger.redeeming.on_shelf import on_shelf

feature = Feature("tier", order=36)

PER_PAGE = 8
SHELF_SHOWN = 3
DECIDES = "admin"
"""The operator's role that upgrades members."""


@feature.command("tier", t("会员等级"), said="等级,级别,vip,tier,level,status")
async def command(turn: Turn, words: str = "") -> Screen:
    """Shows the tier."""
    return await show(turn)


@feature.tap("show")
async def show(turn: Turn) -> Screen:
    """Shows the tier as it is after what is due today: what is in force, what is missing to climb and to keep it."""
    turn.finish()
    programme = turn.programme
    if not programme.tiers:
        return screen([t("这里还没有会员等级。")], [[doors.privileges(), doors.home()]])
    await words_of.look(turn, turn.me.id)
    mine = await qualifying.progress(turn.tx, programme, turn.me.id, turn.today)
    tier, money = words_of.name(mine.tier), programme.money
    next_ = afterwards(programme, mine)
    lines: list[Line | None] = [
        t("<b>{tier}</b> · 有效至 {until}", tier=tier, until=mine.until)
        if mine.until
        else t("<b>{tier}</b>", tier=tier),
        t("到期后按消费定等级,眼下会是{tier}。", tier=words_of.name(next_)) if next_ else None,
        BLANK,
    ]
    if mine.above is not None and mine.to_climb is not None:
        missing = words_of.lacking(mine.to_climb, money)
        lines.append(t("{missing},升到{tier}", missing=missing, tier=words_of.name(mine.above)))
    else:
        lines.append(t("已经是最高一级。"))
    if mine.keeping is not None and mine.until is not None:
        if mine.keeping.nothing:
            lines.append(t("已经够保住{tier},到期自动续上。", tier=tier))
        else:
            missing = words_of.lacking(mine.keeping, money)
            lines.append(t("{until}前{missing},就能保住{tier}。", until=mine.until, missing=missing, tier=tier))
    lines.append(
        tn(
            "近 {months} 个月:消费 {amount},来过 {n} 天",
            n=mine.so_far.visits,
            months=programme.tier_months,
            amount=Money(mine.so_far.spend_minor, money),
        )
    )
    brings = words_of.privileges(mine.tier)
    if brings:
        lines += [BLANK, t("{tier}有:", tier=tier), *brings]
    lines += await for_sale(turn, mine.tier, carried=next_ is not None)
    rows: list[list[Button | None]] = [
        [
            doors.buy_tier(
                t("用 {points}换{tier}", points=Points(sale.price.points), tier=words_of.name(sale.tier)),
                sale.tier.code,
            )
        ]
        for sale in tier_sales.sales(programme, mine.tier.code, today=turn.today)
    ]
    rows += await on_the_shelf(turn)
    rows += [
        [feature.button(t("全部等级"), "ladder"), feature.button(t("变动记录"), "past")],
        [doors.privileges(), doors.card()],
        [doors.home()],
    ]
    return screen(lines, rows)


def afterwards(programme: Programme, mine: Progress) -> Tier | None:
    """Where a member who was given or bought their tier would be after its end, as things are; None: they have earned it."""
    until = mine.until
    earned = mine.held.standing.tier if mine.held.standing else None
    if until is None or tiers.highest(programme.tiers, [earned]) == mine.tier:
        return None
    longer = [grant.tier for grant in mine.held.grants if grant.until > until]
    return tiers.highest(programme.tiers, [earned, *longer])


async def for_sale(turn: Turn, mine: Tier, *, carried: bool) -> list[Line]:
    """What the tiers above cost, in points and in money, and what more days of one's own do where it was bought."""
    programme = turn.programme
    selling = await paid_tiers.sellers(turn.tx, programme, turn.today)
    lines: list[Line] = []
    if carried and mine.fee is not None and mine.fee.extends:
        lines += paid_tiers.prices(mine, selling, programme.money, more=True)
    for tier in programme.tiers[tiers.place(programme.tiers, mine.code) + 1 :]:
        lines += paid_tiers.prices(tier, selling, programme.money)
    if lines and not carried:
        lines.append(paid_tiers.AFTERWARDS)
    return [BLANK, *lines] if lines else []


async def on_the_shelf(turn: Turn) -> list[list[Button | None]]:
    """The tiers for some days that are on the shelf, the nearest first; not those that would bring this member nothing."""
    offers = (await on_shelf(turn.tx)).memberships
    if not offers:
        return []
    held = await shelf.purse(turn.tx, turn.me, today=turn.today)
    seen = await shelf.look(turn.tx, turn.me, offers, today=turn.today, held=held, now=turn.at.programme_now)
    of_use = [
        each
        for each in shelf.shown(seen, turn.today)
        if isinstance(each.verdict, Yes) or not isinstance(each.verdict.reasons[0], MembershipHeld)
    ]
    return [
        [
            doors.offer(
                t(
                    "{name} · {price}",
                    name=both(each.listed.offer.name),
                    price=short_reason(each) or short_price(each.listed, each.verdict.priced.price),
                ),
                each.listed.id,
            )
        ]
        for each in shelf.nearest_first(of_use)[:SHELF_SHOWN]
    ]


@feature.tap("ladder", reads_only=True)
async def ladder(turn: Turn) -> Screen:
    """Shows every tier: what it needs, what it brings, and how tiers end."""
    programme = turn.programme
    lines: list[Line] = [tn("<b>等级</b> · 看近 {n} 个月的消费和来的天数,两样都要够", n=programme.tier_months)]
    for step in programme.tiers:
        lines += [BLANK, _needs(step, programme.money), *words_of.privileges(step)]
    lines += [
        BLANK,
        tn("够了马上升;之后管 {n} 个月,到月底。到时不够只降一级。", n=programme.tier_months),
        t("花积分不影响等级;退货的不算。"),
    ]
    return screen(lines, [[doors.tier(t("返回")), doors.home()]])


def _needs(step: Tier, money: str) -> Text:
    if not step.spend_minor and not step.visits:
        return t("<b>{tier}</b> · 入会就是", tier=words_of.name(step))
    amount = Money(step.spend_minor, money)
    return tn("<b>{tier}</b> · 消费 {amount}、来 {n} 天", n=step.visits, tier=words_of.name(step), amount=amount)


@feature.tap("past", reads_only=True)
async def past(turn: Turn) -> Screen:
    """Shows what became of the tier, newest first."""
    known = await standings.history(turn.tx, turn.me.id, limit=PER_PAGE)
    lines: list[Line] = [t("<b>等级变动</b>")]
    for each in known:
        facts = {"on": each.on, "tier": words_of.named(turn.programme, each.after), "why": WHYS[each.why]}
        if each.until is None:
            lines.append(t("{on} · {tier} · {why}", **facts))
        else:
            lines.append(t("{on} · {tier} · {why},有效至 {until}", **facts, until=each.until))
    if not known:
        lines.append(t("还没有变动过。"))
    return screen(lines, [[doors.tier(t("返回")), doors.home()]])


WHYS: dict[str, Text] = {
    "earned": t("升级"),
    "kept": t("续上"),
    "landed": t("到期降一级"),
    "granted": t("赠送、换得或买得"),
    "extended": t("买了更久"),
    "taken_back": t("店里撤回"),
    "grant_ended": t("赠送、换得或买得的到期"),
}


@feature.tap("proposals", audience="operator")
async def proposals(turn: Turn, page: str = "0") -> Screen:
    """Lists members whose visits speed up and whom an upgrade is proposed for, oldest first."""
    await demand(turn)
    at = number(page)
    found = await upgrades.waiting(turn.tx, offset=at * PER_PAGE, limit=PER_PAGE + 1)
    lines: list[Line] = [
        t("<b>升级建议</b>"),
        t("最近来得比自己以前勤得多的会员。") if found else t("现在没有。每晚看一遍,有了会排在这里。"),
    ]
    rows: list[list[Button | None]] = [
        [
            feature.button(
                t(
                    "{name} → {tier}",
                    name=await till.customer(turn, each.member_id),
                    tier=words_of.named(turn.programme, each.tier),
                ),
                "proposal",
                each.id,
            )
        ]
        for each in found[:PER_PAGE]
    ]
    rows += [
        [
            feature.button(t("上一页"), "proposals", at - 1) if at else None,
            feature.button(t("下一页"), "proposals", at + 1) if len(found) > PER_PAGE else None,
        ],
        [operator_doors.operator(t("返回")), doors.home()],
    ]
    return screen(lines, rows)


@feature.tap("proposal", audience="operator")
async def proposal(turn: Turn, proposal_id: str) -> Screen:
    """Opens one: how the member's visits sped up, where they stand, what would be given."""
    await demand(turn)
    each = await upgrades.one(turn.tx, number(proposal_id))
    mine = await qualifying.progress(turn.tx, turn.programme, each.member_id, turn.today)
    to: Both = words_of.named(turn.programme, each.tier)
    lines: list[Line | None] = [
        t(
            "<b>{name}</b> · 现在是{tier}",
            name=await till.customer(turn, each.member_id),
            tier=words_of.name(mine.tier),
        ),
        tn("近 {days} 天来了 {n} 次", n=each.visits, days=tiers.RECENT_DAYS),
        tn("再往前 {days} 天来了 {n} 次", n=each.before, days=tiers.BEFORE_DAYS),
        BLANK,
        tn("同意就送 {n} 天{tier},会员马上会知道。", n=turn.programme.acceleration.granted_days, tier=to)
        if each.state == "open"
        else words_of.STATES[each.state],
    ]
    rows: list[list[Button | None]] = [[operator_doors.tier_proposals(t("返回"))]]
    if each.state == "open":
        yes = feature.button(t("同意升级"), "accept", each.id, style="primary")
        rows.insert(0, [yes, feature.button(t("放下"), "decline", each.id)])
    return screen(lines, rows)


@feature.tap("accept", audience="operator")
async def accept(turn: Turn, proposal_id: str) -> Screen:
    """Gives the tier and tells the member."""
    await demand(turn)
    by = f"operator:{turn.me.id}"
    change = await upgrades.accept(turn.tx, turn.programme, number(proposal_id), by=by, at=turn.at)
    turn.tell(change.member_id, words_of.changed(turn.programme, change), key=words_of.key(change))
    facts = {"tier": words_of.named(turn.programme, change.after), "until": change.until}
    name = await till.customer(turn, change.member_id)
    return screen(
        [t("<b>{name}</b> 升到{tier},到 {until}", name=name, **facts)],
        [[operator_doors.tier_proposals(), operator_doors.operator()]],
    )


@feature.tap("decline", audience="operator")
async def decline(turn: Turn, proposal_id: str) -> Screen:
    """Puts it aside; the member hears nothing."""
    await demand(turn)
    await upgrades.decline(turn.tx, number(proposal_id), by=f"operator:{turn.me.id}", at=turn.at)
    again = turn.programme.acceleration.again_days
    return screen(
        [t("已放下,会员不会知道。"), tn("{n} 天内不再为这位会员提。", n=again)],
        [[operator_doors.tier_proposals(), operator_doors.operator()]],
    )


async def demand(turn: Turn) -> None:
    """`NotOperator` unless this person may upgrade members."""
    if DECIDES not in await operators.roles(turn.tx, turn.me.id):
        raise operators.NotOperator(DECIDES)
