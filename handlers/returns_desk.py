"""Returns of redeemed goods as the merchant answers them: what waits, one claim with its photos, points, another piece, or a reason
why not."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from chat import desk_doors, doors, returns, till
from chat.arguments import number
from chat.feature import Feature
from chat.offers import both, paid_for
from chat.returns import GOODS, REFUSALS
from chat.screen import BLANK, Button, Line, Screen, screen
from chat.till import Post
from chat.turn import Turn
from chat.vouchers import what
from chat.words import Text, t, tn
from ledger.redeeming import codes, return_answers, return_claims
from ledger.redeeming.return_claims import Claim
from ledger.redeeming.vouchers import one as voucher_of

feature = Feature("returns_desk", order=77)

PER_PAGE = 6


@feature.tap("list")
async def list_(turn: Turn, merchant: str = "0", page: str = "0", past: str = "0") -> Screen:
    """Lists what waits for an answer, the nearest deadline first; or what was answered, newest first."""
    turn.finish()
    post = await till.post_at(turn, number(merchant))
    post.staff.demand("answer_returns")
    here, at, over = post.merchant.id, number(page), past == "1"
    found = await return_claims.page(turn.tx, here, open_=not over, offset=at * PER_PAGE, limit=PER_PAGE + 1)
    waiting = await return_claims.waiting(turn.tx, here)
    lines: list[Line] = [t("<b>退换</b> · {merchant}", merchant=post.where)]
    if over:
        lines.append(t("答复过的") if found else t("没有更早的了。") if at else t("还没有答复过的。"))
    else:
        lines.append(tn("{n} 件等答复", n=waiting) if waiting else t("没有要答复的。"))
    rows: list[list[Button | None]] = [[_row(each)] for each in found[:PER_PAGE]]
    flag = int(over)
    rows += [
        [
            feature.button(t("上一页"), "list", here, at - 1, flag) if at else None,
            feature.button(t("下一页"), "list", here, at + 1, flag) if len(found) > PER_PAGE else None,
        ],
        [
            feature.button(t("等答复的") if over else t("答复过的"), "list", here, 0, int(not over)),
            desk_doors.merchant(t("返回"), here),
        ],
    ]
    return screen(lines, rows)


def _row(each: Claim) -> Button:
    label = (
        t("最晚 {until} · {offer}", until=each.answer_by, offer=both(each.offer))
        if each.state == "open"
        else t("{state} · {offer}", state=returns.STATES[each.state], offer=both(each.offer))
    )
    return feature.button(label, "show", each.id)


async def mine(turn: Turn, claim_id: str) -> tuple[Post, Claim]:
    """A claim on goods of the merchant where this person may answer. `NoSuchClaim`, `NotStaff`, `NotAllowed`."""
    found = await return_claims.one(turn.tx, number(claim_id))
    post = await till.post_at(turn, found.merchant_id)
    post.staff.demand("answer_returns")
    return post, found


@feature.tap("show")
async def show(turn: Turn, claim_id: str, photo: str = "0") -> Screen:
    """Opens one: what the member says, shows and wants; and the answers."""
    _, found = await mine(turn, claim_id)
    return await _show(turn, found, number(photo))


async def _show(turn: Turn, found: Claim, n: int = 0, *first: Line) -> Screen:
    turn.finish()
    voucher, said, photos = await returns.about(turn, found)
    open_, terms = found.state == "open", voucher.offer.takes_back
    lines: list[Line] = [
        *first,
        *returns.asked(found, voucher, said, len(photos)),
        BLANK,
        *returns.outcome(found, voucher, ours=True),
    ]
    swaps = terms is not None and terms.exchange
    rows: list[list[Button | None]] = [
        _leaf(found, n, len(photos)),
        [
            feature.button(t("退 {worth}", worth=paid_for(voucher, ours=True)), "goods", found.id, "points"),
            feature.button(t("换一件"), "goods", found.id, "exchange") if swaps else None,
        ]
        if open_
        else [],
        [feature.button(t("不同意"), "refuse", found.id, style="danger") if open_ else None],
        [desk_doors.returns_desk(t("返回"), found.merchant_id), doors.home()],
    ]
    return screen(lines, rows, file=returns.shot(photos, n), protect=bool(photos))


def _leaf(found: Claim, n: int, of: int) -> list[Button | None]:
    """To the other photos."""
    return [
        feature.button(t("上一张"), "show", found.id, n - 1) if 0 < n < of else None,
        feature.button(t("下一张({n}/{of})", n=n + 2, of=of), "show", found.id, n + 1) if n + 1 < of else None,
    ]


@feature.tap("goods")
async def goods(turn: Turn, claim_id: str, way: str) -> Screen:
    """Asks what becomes of the goods; the answer does it."""
    post, found = await mine(turn, claim_id)
    if found.state != "open":
        return await _show(turn, found)
    voucher = await voucher_of(turn.tx, found.member_id, found.redemption_id)
    swaps = way == "exchange"
    does = t("给会员一张新券,不再扣积分。") if swaps else t("{worth}退给会员。", worth=paid_for(voucher, ours=True))
    lines: list[Line] = [
        t("<b>{what}</b> · {merchant}", what=what(voucher), merchant=post.where),
        does,
        BLANK,
        t("退回的货怎么处理?点了就办。"),
    ]
    action = "swapped" if swaps else "granted"
    rows: list[list[Button | None]] = [[feature.button(words, action, found.id, each)] for each, words in GOODS.items()]
    return screen(lines, [*rows, [desk_doors.answer_return(t("返回"), found.id)]])


@feature.tap("granted")
async def granted(turn: Turn, claim_id: str, put: str) -> Screen:
    """Gives the points back and tells the member. Again: shows how it stands."""
    post, found = await mine(turn, claim_id)
    if found.state != "open" or put not in GOODS:
        return await _show(turn, found)
    done, receipt = await return_answers.grant(
        turn.tx,
        post.staff,
        found.id,
        goods=put,
        grace_days=turn.programme.grace_days,
        at=turn.at,
    )
    return await _told(turn, done, t("<b>退好了,会员已收到通知</b>"), receipt.facts)


@feature.tap("swapped")
async def swapped(turn: Turn, claim_id: str, put: str) -> Screen:
    """Gives a voucher for another piece and tells the member. Again: shows how it stands."""
    post, found = await mine(turn, claim_id)
    if found.state != "open" or put not in GOODS:
        return await _show(turn, found)
    done, _ = await return_answers.exchange(
        turn.tx,
        post.staff,
        found.id,
        goods=put,
        code=codes.mint((turn.nonce() + turn.nonce() + turn.nonce()).encode()),
        vault=turn.vault,
        at=turn.at,
    )
    return await _told(turn, done, t("<b>换好了,会员凭新券来拿</b>"), {})


async def _told(turn: Turn, done: Claim, first: Text, facts: Mapping[str, Any]) -> Screen:
    voucher = await voucher_of(turn.tx, done.member_id, done.redemption_id)
    more = returns.coming(voucher, done.state, facts)
    turn.tell(done.member_id, returns.to_member(done, voucher, *more), key=f"return-answered:{done.id}")
    said: list[Line] = [first, t("<b>{what}</b> · {state}", what=what(voucher), state=returns.STATES[done.state])]
    if done.state in return_claims.GRANTED and voucher.cash_minor:
        said.append(t("现金部分在「要退的钱」里,给了再点。"))
    waiting = await return_claims.waiting(turn.tx, done.merchant_id)
    more_ = desk_doors.returns_desk(t("待答复的退换 {n}", n=waiting), done.merchant_id) if waiting else None
    return screen(said, [[more_], [desk_doors.merchant(t("商户页"), done.merchant_id), doors.home()]])


@feature.tap("refuse")
async def refuse(turn: Turn, claim_id: str) -> Screen:
    """Asks why, by a list."""
    post, found = await mine(turn, claim_id)
    if found.state != "open":
        return await _show(turn, found)
    lines: list[Line] = [
        t("<b>{offer}</b> · {merchant}", offer=both(found.offer), merchant=post.where),
        t("为什么不同意?点一个,会员会看到。"),
        t("「积分换的不退」不是理由。"),
    ]
    offered = return_claims.refusals_of(found.reason)
    buttons = [feature.button(words, "because", found.id, each) for each, words in REFUSALS.items() if each in offered]
    rows: list[list[Button | None]] = [[each] for each in buttons]
    return screen(lines, [*rows, [desk_doors.answer_return(t("返回"), found.id)]])


@feature.tap("because")
async def because(turn: Turn, claim_id: str, refusal: str) -> Screen:
    """Asks for the words that go with the reason."""
    _, found = await mine(turn, claim_id)
    if found.state != "open":
        return await _show(turn, found)
    if refusal not in return_claims.refusals_of(found.reason):
        return await refuse(turn, claim_id)
    turn.goto(feature.at("words"), claim=found.id, refusal=refusal)
    lines: list[Line] = [
        t("<b>{refusal}</b>", refusal=REFUSALS[refusal]),
        t("写一两句说明发给我,会员和积分计划会看到。"),
    ]
    return screen(lines, [[desk_doors.answer_return(t("取消"), found.id)]])


@feature.step("words")
async def words(turn: Turn, said: str) -> Screen:
    """Refuses with this reason and these words, and tells the member."""
    data = turn.dialogue.data
    post, found = await mine(turn, str(data["claim"]))
    if found.state != "open":
        return await _show(turn, found)
    done = await return_answers.refuse(turn.tx, post.staff, found.id, data["refusal"], said, at=turn.at)
    turn.finish()
    return await _told(turn, done, t("<b>答复发给会员了</b>"), {})
