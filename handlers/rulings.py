"""Returns that a merchant refused, as the operator decides them: both sides with their words and photos; the decision ends it."""

from __future__ import annotations

from typing import Any

from chat import desk, doors, operator_doors, returns
from chat.arguments import number
from chat.feature import Feature
from chat.offers import both, paid_for
from chat.returns import RULED_BY
from chat.screen import BLANK, Button, Line, Screen, screen
from chat.turn import Turn
from chat.words import t, tn
from ledger.redeeming import return_answers, return_claims
from ledger.redeeming.return_claims import Claim
from ledger.redeeming.vouchers import Redemption
from ledger.redeeming.vouchers import one as voucher_of

feature = Feature("rulings", order=92)

PER_PAGE = 6


@feature.tap("list", audience="operator")
async def list_(turn: Turn, page: str = "0") -> Screen:
    """Lists what waits for a decision, oldest first."""
    await desk.demand(turn)
    turn.finish()
    at, count = number(page), await return_claims.escalated_count(turn.tx)
    found = await return_claims.escalated(turn.tx, offset=at * PER_PAGE, limit=PER_PAGE)
    lines: list[Line] = [
        t("<b>退换裁决</b>"),
        tn("{n} 件在等裁决", n=count) if count else t("没有在等裁决的。"),
    ]
    rows: list[list[Button | None]] = [
        [operator_doors.ruling(t("{merchant} · {offer}", merchant=both(one.merchant), offer=both(one.offer)), one.id)]
        for one in found
    ]
    rows += [
        [
            feature.button(t("上一页"), "list", at - 1) if at else None,
            feature.button(t("下一页"), "list", at + 1) if count > (at + 1) * PER_PAGE else None,
        ],
        [operator_doors.operator(t("返回")), doors.home()],
    ]
    return screen(lines, rows)


@feature.tap("show", audience="operator")
async def show(turn: Turn, claim_id: str, photo: str = "0") -> Screen:
    """Opens one: both sides, the photos, and the decision."""
    await desk.demand(turn)
    return await _show(turn, await return_claims.one(turn.tx, number(claim_id)), number(photo))


async def _show(turn: Turn, found: Claim, n: int = 0, *first: Line) -> Screen:
    turn.finish()
    may = await desk.demand(turn) & set(RULED_BY)
    voucher, said, photos = await returns.about(turn, found)
    lines: list[Line] = [
        *first,
        *returns.asked(found, voucher, said, len(photos)),
        BLANK,
        *_now(found, voucher),
    ]
    decides = bool(may) and found.state == "escalated"
    rows: list[list[Button | None]] = [
        [
            feature.button(t("上一张"), "show", found.id, n - 1) if 0 < n < len(photos) else None,
            feature.button(t("下一张({n}/{of})", n=n + 2, of=len(photos)), "show", found.id, n + 1)
            if n + 1 < len(photos)
            else None,
        ],
        [
            feature.button(t("退给会员"), "decide", found.id, "overturn"),
            feature.button(t("维持不退"), "decide", found.id, "uphold"),
        ]
        if decides
        else [],
        [operator_doors.rulings(t("返回")), doors.home()],
    ]
    return screen(lines, rows, file=returns.shot(photos, n), protect=bool(photos))


def _now(found: Claim, voucher: Redemption) -> list[Line]:
    """What was said and how it stands; where it waits for a decision, in the operator's words."""
    if found.state != "escalated":
        return returns.outcome(found, voucher, ours=True)
    return [*returns.answered(found), t("现在:{state}", state=returns.STATES[found.state])]


@feature.tap("decide", audience="operator")
async def decide(turn: Turn, claim_id: str, way: str) -> Screen:
    """Asks for the words of a decision, which end it."""
    await desk.demand(turn, *RULED_BY)
    found = await return_claims.one(turn.tx, number(claim_id))
    if found.state != "escalated" or way not in ("overturn", "uphold"):
        return await _show(turn, found)
    voucher = await voucher_of(turn.tx, found.member_id, found.redemption_id)
    turn.goto(feature.at("words"), claim=found.id, way=way)
    lines: list[Line] = [
        t("<b>退给会员:{worth}</b>", worth=paid_for(voucher, ours=True)) if way == "overturn" else t("<b>维持不退</b>"),
        t("写下理由发给我,双方都会看到;发了就定了。"),
    ]
    return screen(lines, [[operator_doors.ruling(t("取消"), found.id)]])


@feature.step("words")
async def words(turn: Turn, said: str) -> Screen:
    """Decides with these words, and tells both sides."""
    await desk.demand(turn, *RULED_BY)
    data = turn.dialogue.data
    found = await return_claims.one(turn.tx, int(data["claim"]))
    if found.state != "escalated":
        return await _show(turn, found)
    facts: dict[str, Any] = {}
    if data["way"] == "overturn":
        done, receipt = await return_answers.overturn(
            turn.tx, found.id, said, grace_days=turn.programme.grace_days, by=desk.actor(turn), at=turn.at
        )
        facts = dict(receipt.facts)
    else:
        done = await return_answers.uphold(turn.tx, found.id, said, by=desk.actor(turn), at=turn.at)
    voucher = await voucher_of(turn.tx, done.member_id, done.redemption_id)
    more = returns.coming(voucher, done.state, facts)
    turn.tell(done.member_id, returns.to_member(done, voucher, *more), key=f"return-decided:{done.id}")
    first = t("退换裁决:不退") if done.state == "upheld" else t("退换裁决:退给会员")
    await returns.tell_staff(turn, done, first, "decided")
    return await _show(turn, done, 0, t("<b>裁决了,双方都会收到通知</b>"), BLANK)
