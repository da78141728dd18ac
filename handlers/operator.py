"""The operator's desk: what a failure's code stands for, and the merchants with their owners."""

from __future__ import annotations

from functools import partial

from chat import desk_doors, doors, known, operator_doors, terms, till, troubles
from chat import invitations as words_of
from chat import rules as words
from chat.arguments import number
from chat.feature import Feature
from chat.offers import joined
from chat.refusals import OPERATOR_ROLES
from chat.screen import BLANK, Button, Line, Screen, screen
from chat.turn import Turn
from chat.words import Text, t, tn
from ledger.clearing import disputes
from ledger.earning import campaigns, referrals, rulebook
from ledger.members import operators, upgrades
from ledger.merchants import merchant as merchants
from ledger.merchants import onboarding, staff
from ledger.redeeming import cash_refunds, merging, return_claims

feature = Feature("operator", order=90)

PER_PAGE = 8
ERROR_LONGEST = 700


@feature.command("operator", t("运营台"), audience="operator", said="运营")
async def command(turn: Turn, words: str = "") -> Screen:
    """Opens the desk; «/operator K7Q2» looks a code up at once."""
    return await look_up(turn, words) if words else await home(turn)


@feature.tap("home", audience="operator")
async def home(turn: Turn) -> Screen:
    """Opens the desk."""
    roles = await demand(turn)
    turn.goto(feature.at("code"))
    lines: list[Line] = [
        t("<b>运营台</b>"),
        joined(OPERATOR_ROLES[role] for role in operators.ROLES if role in roles),
        BLANK,
        t("会员报来的故障编号,直接发给我就能查,比如 K7Q2。"),
    ]
    rows: list[list[Button | None]] = [
        [feature.button(t("商户"), "merchants", 0), operator_doors.applications(await waiting(turn))],
        [
            operator_doors.tier_proposals(await upgrades_waiting(turn))
            if turn.programme.tiers and "admin" in roles
            else None,
            operator_doors.rule_approvals(await rules_waiting(turn)),
        ],
        [operator_doors.closes(), operator_doors.disputes(await disputes_waiting(turn))],
        [operator_doors.covers(), operator_doors.campaign_desk(await budgets_waiting(turn))],
        [operator_doors.breakage(), operator_doors.standing_desk() if roles & {"admin", "support"} else None],
        [await cash_waiting(turn) if roles & {"admin", "finance"} else None, await returns_waiting(turn)],
        [await referrals_waiting(turn), await merges(turn)],
        [doors.home()],
    ]
    return screen(lines, rows)


async def cash_waiting(turn: Turn) -> Button | None:
    """The way to what the payment provider is to send back, where anything is."""
    n = await cash_refunds.waiting(turn.tx, None)
    return desk_doors.cash_back(0, t("要退的钱({n})", n=n)) if n else None


async def returns_waiting(turn: Turn) -> Button | None:
    """The way to refused returns that wait for a decision, where there are any."""
    n = await return_claims.escalated_count(turn.tx)
    return operator_doors.rulings(t("退换裁决({n})", n=n)) if n else None


async def referrals_waiting(turn: Turn) -> Button | None:
    """The way to invitations that look like a pattern, where there are any."""
    n = await referrals.waiting_count(turn.tx)
    return operator_doors.referral_reviews(t("要看的邀请({n})", n=n)) if n else None


async def merges(turn: Turn) -> Button:
    """The way to merged accounts, with how many one side objects to."""
    n = await merging.objected(turn.tx, today=turn.today)
    return operator_doors.merges(t("合并账户({n})", n=n) if n else None)


async def waiting(turn: Turn) -> Text:
    """The way to the applications, with how many wait."""
    n = await onboarding.queue_length(turn.tx)
    return t("入驻申请({n})", n=n) if n else t("入驻申请")


async def rules_waiting(turn: Turn) -> Text:
    """The way to proposed rules, with how many wait."""
    n = len(await rulebook.proposals(turn.tx))
    return t("规则审批({n})", n=n) if n else t("规则审批")


async def budgets_waiting(turn: Turn) -> Text:
    """The way to budgets of campaigns, with how many wait."""
    n = len(await campaigns.waiting(turn.tx, everybody=True))
    return t("活动预算({n})", n=n) if n else t("活动预算")


async def upgrades_waiting(turn: Turn) -> Text:
    """The way to proposed upgrades, with how many wait."""
    n = await upgrades.waiting_count(turn.tx)
    return t("升级建议({n})", n=n) if n else t("升级建议")


async def disputes_waiting(turn: Turn) -> Text:
    """The way to disputes, with how many wait."""
    _, n = await disputes.waiting(turn.tx, offset=0, limit=1)
    return t("结算异议({n})", n=n) if n else t("结算异议")


@feature.step("code")
async def code_typed(turn: Turn, said: str) -> Screen:
    """Looks a failure's code up."""
    return await look_up(turn, said)


async def look_up(turn: Turn, code: str) -> Screen:
    """Shows the troubles that a code stands for; the next code may be typed right away."""
    await demand(turn)
    turn.goto(feature.at("code"))
    found = await troubles.find(turn.tx, code)
    shown = code.strip().upper()[:12]
    lines: list[Line | None] = []
    if not found:
        lines = [
            t("没有编号是 {code} 的故障。", code=shown),
            t("编号是 4 个字母和数字,请会员再看一眼。"),
        ]
    for trouble in found:
        lines += [
            t("<b>{code}</b> · {when}", code=shown, when=trouble.at),
            tn("试了 {n} 次", n=trouble.tries),
            t("已处理:{when}", when=trouble.resolved_at) if trouble.resolved_at else None,
            t("已放进死信,没有改动任何积分") if trouble.set_aside else t("后来成功了,或还在重试"),
            t("<code>{key}</code>", key=trouble.key),
            t("<pre>{error}</pre>", error=trouble.error[-ERROR_LONGEST:]),
            BLANK,
        ]
    return screen(lines, [[operator_doors.operator(t("返回")), doors.home()]])


@feature.tap("merchants", audience="operator")
async def list_merchants(turn: Turn, page: str = "0") -> Screen:
    """Lists the merchants, oldest first."""
    await demand(turn)
    at, everyone = number(page), await merchants.everyone(turn.tx)
    shown = everyone[at * PER_PAGE : (at + 1) * PER_PAGE]
    lines: list[Line | None] = [
        t("<b>商户</b>"),
        tn("共 {n} 家", n=len(everyone)) if everyone else t("还没有商户。导入或建立后会在这里。"),
    ]
    rows: list[list[Button | None]] = [
        [
            feature.button(
                t("{merchant} · {status}", merchant=till.name_of(m), status=till.STATUSES[m.status]), "merchant", m.id
            )
        ]
        for m in shown
    ]
    rows += [
        [
            feature.button(t("上一页"), "merchants", at - 1) if at else None,
            feature.button(t("下一页"), "merchants", at + 1) if len(everyone) > (at + 1) * PER_PAGE else None,
        ],
        [operator_doors.operator(t("返回")), doors.home()],
    ]
    return screen(lines, rows)


@feature.tap("merchant", audience="operator")
async def open_merchant(turn: Turn, merchant_id: str) -> Screen:
    """Opens a merchant: its terms in words, its rate, its team."""
    roles = await demand(turn)
    merchant = await merchants.by_id(turn.tx, number(merchant_id))
    names = await known.read(turn.tx)
    team = await staff.team(turn.tx, merchant.id)
    rules = await rulebook.in_force(turn.tx, merchant.id, turn.today)
    say = partial(words.line, money=merchant.money, programme=turn.programme, today=turn.today)
    lines: list[Line | None] = [
        t("<b>{merchant}</b> · {status}", merchant=till.name_of(merchant), status=till.STATUSES[merchant.status]),
        t("代码 {code}", code=merchant.code),
        BLANK,
        None if rules else t("现在没有积分规则,消费不得分"),
        *(say(each) for each in rules[:PER_PAGE]),
        *terms.lines(merchant, names),
        BLANK,
        tn("店员 {n} 人", n=len(team)) if team else t("还没有店员"),
        *(till.titled(one.label, one.role) for one in team[:PER_PAGE]),
    ]
    rows: list[list[Button | None]] = [
        [
            operator_doors.certification(t("证书与状态"), merchant.id),
            operator_doors.application(t("申请与文件"), merchant.id),
        ],
        [
            operator_doors.cover_desk(t("保证金"), merchant.id),
            feature.button(t("邀请店主"), "owner", merchant.id) if "admin" in roles else None,
        ],
        [operator_doors.terms(t("条款"), merchant.id), feature.button(t("返回"), "merchants", 0)],
        [operator_doors.operator()],
    ]
    return screen(lines, rows)


@feature.tap("owner", audience="operator")
async def invite_owner(turn: Turn, merchant_id: str) -> Screen:
    """Makes a one-time link that makes whoever opens it an owner of the merchant."""
    roles = await demand(turn)
    merchant = await merchants.by_id(turn.tx, number(merchant_id))
    if "admin" not in roles:
        raise operators.NotOperator("admin")
    token = turn.nonce() + turn.nonce()
    label = turn.speaker.plain(till.role("owner"))
    by = f"operator:{turn.me.id}"
    await staff.invite_owner(
        turn.tx, merchant_id=merchant.id, label=label, by=by, token=token, vault=turn.vault, now=turn.now
    )
    return words_of.handed_over(
        t("{merchant} 店主的邀请链接", merchant=till.name_of(merchant)),
        words_of.link_of(turn, staff.LINK, token),
        [feature.button(t("返回"), "merchant", merchant.id)],
    )


async def demand(turn: Turn) -> frozenset[str]:
    """This person's operator roles as they are now. `NotOperator` for none."""
    roles = await operators.roles(turn.tx, turn.me.id)
    if not roles:
        raise operators.NotOperator(None)
    return roles
