"""Returning what was redeemed and handed over, as its member does it: why, photos, what they want; then how it stands (R12)."""

from __future__ import annotations

from typing import Any, get_args

from chat import doors, returns
from chat.arguments import number
from chat.cash import coming as cash_coming
from chat.feature import Feature
from chat.offers import both
from chat.returns import REASONS, WISHES
from chat.screen import BLANK, Button, Line, Screen, grid, screen
from chat.turn import Turn
from chat.vouchers import what
from chat.words import Text, t, tn
from ledger.redeeming import cash_refunds, return_claims, return_requests, vouchers
from ledger.redeeming.return_claims import PHOTOS_MOST, WORDS_LONGEST, Claim, Shot
from ledger.redeeming.vouchers import Redemption

feature = Feature("returns", order=33, on_account=True)


@feature.tap("show")
async def show(turn: Turn, voucher_id: str) -> Screen:
    """Opens the return of a voucher: how its claim stands, or the first question where there is none."""
    voucher = await vouchers.one(turn.tx, turn.me.id, number(voucher_id))
    found = await return_claims.latest(turn.tx, voucher.id)
    if found is not None and found.state != "withdrawn":
        return await _stands(turn, found)
    return _why(turn, voucher)


def _why(turn: Turn, voucher: Redemption) -> Screen:
    """Asks what is wrong."""
    no = return_requests.may_claim(voucher, today=turn.today)
    if no is not None:
        raise no
    turn.finish()
    reasons = return_requests.reasons_of(voucher)
    buttons = [feature.button(REASONS[reason], "because", voucher.id, reason) for reason in reasons]
    lines: list[Line] = [
        t("退换 <b>{what}</b> · {merchant}", what=what(voucher), merchant=both(voucher.merchant)),
        BLANK,
        t("怎么了?点最接近的。"),
        t("用积分换的,和花钱买的一样可以退换。"),
    ]
    rows = grid(buttons, 2)
    return screen(lines, [*rows, [_leave(voucher)]])


def _leave(voucher: Redemption) -> Button:
    return doors.voucher(t("不退换了"), voucher.id)


@feature.tap("because")
async def because(turn: Turn, voucher_id: str, reason: str) -> Screen:
    """Asks for photos and, if they like, words."""
    voucher = await vouchers.one(turn.tx, turn.me.id, number(voucher_id))
    no = return_requests.may_claim(voucher, today=turn.today)
    if no is not None:
        raise no
    if reason not in get_args(return_claims.Reason):
        return _why(turn, voucher)
    turn.goto(feature.at("photos"), voucher=voucher.id, reason=reason, words="", photos=[])
    return _ask(turn, voucher)


def _ask(turn: Turn, voucher: Redemption, *first: Line) -> Screen:
    """What came so far, and what may come still."""
    data = turn.dialogue.data
    n = len(data["photos"])
    lines: list[Line | None] = [
        *first,
        t("退换 <b>{what}</b>", what=what(voucher)),
        t("原因:{reason}", reason=REASONS[data["reason"]]),
        t("您说:{words}", words=data["words"]) if data["words"] else None,
        tn("照片 {n} 张", n=n) if n else None,
        BLANK,
        t("拍照发给我,1 到 {most} 张。", most=PHOTOS_MOST) if not n else t("还有就继续发,没有了点「发完了」。"),
        None if data["words"] else t("想说明什么,直接打字。"),
    ]
    rows: list[list[Button | None]] = [
        [feature.button(t("发完了"), "done", voucher.id, style="primary") if n else None],
        [feature.button(t("重新发"), "because", voucher.id, data["reason"]) if n else None, _leave(voucher)],
    ]
    return screen(lines, rows)


async def _awaiting(turn: Turn) -> Redemption:
    return await vouchers.one(turn.tx, turn.me.id, int(turn.dialogue.data["voucher"]))


@feature.file_step("photos")
async def photo(turn: Turn) -> Screen:
    """Keeps a photo; the same one twice is one, and what was written below it counts as words."""
    voucher, data, given = await _awaiting(turn), dict(turn.dialogue.data), turn.file
    first: list[Line] = []
    if given is not None and given.unique_id not in {shot[1] for shot in data["photos"]}:
        if len(data["photos"]) >= PHOTOS_MOST:
            first = [tn("最多 {n} 张,这张没有收。", n=PHOTOS_MOST), BLANK]
        else:
            data["photos"] = [*data["photos"], [given.file_id, given.unique_id, given.kind]]
        if given.caption and not data["words"]:
            data["words"] = _words(given.caption)
    turn.goto(feature.at("photos"), **data)
    return _ask(turn, voucher, *first)


@feature.step("photos")
async def words(turn: Turn, said: str) -> Screen:
    """Takes down what they say about it."""
    voucher = await _awaiting(turn)
    data = {**turn.dialogue.data, "words": _words(said)}
    turn.goto(feature.at("photos"), **data)
    return _ask(turn, voucher)


def _words(said: str) -> str:
    return " ".join(said.split())[:WORDS_LONGEST]


def _draft(turn: Turn, voucher: Redemption) -> dict[str, Any] | None:
    """What was said so far about this voucher; None where the conversation is elsewhere by now, or shows nothing yet."""
    data = turn.dialogue.data
    here = turn.dialogue.state == feature.at("photos") and data.get("voucher") == voucher.id
    return data if here and data["photos"] else None


@feature.tap("done")
async def done(turn: Turn, voucher_id: str) -> Screen:
    """Asks what they want, where there is a choice."""
    voucher = await vouchers.one(turn.tx, turn.me.id, number(voucher_id))
    draft = _draft(turn, voucher)
    if draft is None:
        return await show(turn, voucher_id)
    turn.goto(feature.at("photos"), **draft)
    terms = voucher.offer.takes_back
    if terms is None or not terms.exchange:
        return _summary(turn, voucher, "points")
    lines: list[Line] = [
        t("退换 <b>{what}</b>", what=what(voucher)),
        BLANK,
        t("您想要什么?"),
    ]
    rows: list[list[Button | None]] = [
        [
            feature.button(t("退回 {worth}", worth=returns.worth(voucher)), "wish", voucher.id, "points"),
            feature.button(t("换一件"), "wish", voucher.id, "exchange"),
        ],
        [_leave(voucher)],
    ]
    return screen(lines, rows)


@feature.tap("wish")
async def wish(turn: Turn, voucher_id: str, wants: str) -> Screen:
    """Shows all of it before it is sent."""
    voucher = await vouchers.one(turn.tx, turn.me.id, number(voucher_id))
    draft = _draft(turn, voucher)
    if draft is None or wants not in WISHES:
        return await show(turn, voucher_id)
    turn.goto(feature.at("photos"), **draft)
    return _summary(turn, voucher, wants)


def _summary(turn: Turn, voucher: Redemption, wants: str) -> Screen:
    data, terms = turn.dialogue.data, voucher.offer.takes_back
    days = terms.answer_days if terms is not None else 0
    lines: list[Line | None] = [
        t("退换 <b>{what}</b> · {merchant}", what=what(voucher), merchant=both(voucher.merchant)),
        t("原因:{reason}", reason=REASONS[data["reason"]]),
        t("您说:{words}", words=data["words"]) if data["words"] else None,
        tn("照片 {n} 张", n=len(data["photos"])),
        t("想要:{wish}", wish=_wish(voucher, wants)),
        BLANK,
        tn("商户 {n} 天内答复;没答复就自动退给您。", n=days),
        t("东西请留着,商户可能要收回。"),
    ]
    send = feature.button(t("提交"), "send", voucher.id, wants, style="primary")
    return screen(lines, [[send, _leave(voucher)]])


def _wish(voucher: Redemption, wants: str) -> Text:
    return t("换一件") if wants == "exchange" else t("退回 {worth}", worth=returns.worth(voucher))


@feature.tap("send")
async def send(turn: Turn, voucher_id: str, wants: str) -> Screen:
    """Opens the claim and tells the merchant. A second tap shows how it stands."""
    voucher = await vouchers.one(turn.tx, turn.me.id, number(voucher_id))
    draft = _draft(turn, voucher)
    if draft is None or wants not in WISHES:
        return await show(turn, voucher_id)
    made = await return_requests.claim(
        turn.tx,
        turn.me.id,
        voucher.id,
        reason=draft["reason"],
        wants=wants,
        words=draft["words"],
        photos=[Shot(*each) for each in draft["photos"]],
        vault=turn.vault,
        at=turn.at,
        actor=turn.actor,
    )
    turn.finish()
    await returns.tell_staff(turn, made, t("有会员要退换,等您答复"), "claimed")
    return await _stands(turn, made, t("<b>已提交</b>"))


async def _stands(turn: Turn, mine: Claim, *first: Line) -> Screen:
    """How a claim stands, and what can be done."""
    turn.finish()
    voucher, said, photos = await returns.about(turn, mine)
    back = await cash_refunds.of(turn.tx, voucher.paid_as) if mine.state in return_claims.GRANTED else []
    lines: list[Line] = [
        *first,
        *returns.asked(mine, voucher, said, len(photos), own=True),
        BLANK,
        *returns.outcome(mine, voucher),
        *(cash_coming(each) for each in back),
    ]
    escalates = mine.escalatable(turn.today)
    rows: list[list[Button | None]] = [
        [feature.button(t("撤回退换"), "drop", mine.id) if mine.state == "open" else None],
        [feature.button(t("请积分计划裁决"), "escalate", mine.id, style="primary") if escalates else None],
        [doors.voucher(t("看新券"), mine.replacement_id) if mine.replacement_id else None],
        [doors.voucher(t("看这张券"), voucher.id), doors.home()],
    ]
    return screen(lines, rows)


@feature.tap("drop")
async def drop(turn: Turn, claim_id: str) -> Screen:
    """Asks before a claim is withdrawn."""
    mine = await return_claims.one(turn.tx, number(claim_id), member_id=turn.me.id)
    if mine.state != "open":
        return await _stands(turn, mine)
    voucher = await vouchers.one(turn.tx, turn.me.id, mine.redemption_id)
    until = return_requests.claim_until(voucher)
    lines: list[Line] = [
        t("撤回 <b>{what}</b> 的退换?", what=what(voucher)),
        t("还可以再提,截至 {until}。", until=until)
        if until is not None and turn.today <= until
        else t("退换的时间过了,撤回后不能再提。"),
    ]
    yes = feature.button(t("确认撤回"), "dropped", mine.id, style="danger")
    return screen(lines, [[yes, doors.return_of(t("留着"), voucher.id)]])


@feature.tap("dropped")
async def dropped(turn: Turn, claim_id: str) -> Screen:
    """Withdraws a claim and tells the merchant. Again: shows how it stands."""
    mine = await return_claims.one(turn.tx, number(claim_id), member_id=turn.me.id)
    if mine.state == "open":
        mine = await return_requests.withdraw(turn.tx, turn.me.id, mine.id, at=turn.at)
        await returns.tell_staff(turn, mine, t("会员撤回了退换,不用答复了"), "withdrawn")
    return await _stands(turn, mine)


@feature.tap("escalate")
async def escalate(turn: Turn, claim_id: str) -> Screen:
    """Asks the operator to look at a refusal. Again: shows how it stands."""
    mine = await return_claims.one(turn.tx, number(claim_id), member_id=turn.me.id)
    if mine.state != "refused":
        return await _stands(turn, mine)
    mine = await return_requests.escalate(turn.tx, turn.me.id, mine.id, at=turn.at)
    await returns.tell_operators(turn, mine)
    await returns.tell_staff(turn, mine, t("会员请积分计划裁决退换"), "escalated")
    return await _stands(turn, mine)
