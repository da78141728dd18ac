"""Returning what was redeemed and handed over, as its member does it: why, photos, what they want; then how it stands (R12)."""

from __future__ import annotations

import datetime as dt
from dataclasses import replace

from chat import doors, returns
from chat.arguments import number
from chat.cash import coming as cash_coming
from chat.claiming import Claiming, came, tidied
from chat.feature import Feature
from chat.offers import both, paid_for
from chat.returns import REASONS, WISHES
from chat.screen import BLANK, Button, Line, Renew, Screen, grid, screen
from chat.turn import Turn
from chat.vouchers import what
from chat.words import Text, t, tn
from ledger.redeeming import cash_refunds, return_claims, return_requests, vouchers
from ledger.redeeming.return_claims import PHOTOS_MOST, Claim
from ledger.redeeming.vouchers import Redemption

feature = Feature("returns", order=33, on_account=True)


@feature.tap("show")
async def show(turn: Turn, voucher_id: str) -> Screen:
    """Opens the return of a voucher: how its claim stands, or the first question where there is none."""
    voucher = await vouchers.one(turn.tx, turn.me.id, number(voucher_id))
    found = await return_claims.latest(turn.tx, voucher.id)
    if found is not None and found.state != "withdrawn":
        return await _stands(turn, found)
    return _why(turn, voucher, _begun(turn, voucher))


def _begun(turn: Turn, voucher: Redemption) -> Claiming:
    """What was said so far about this voucher; nothing where the conversation is elsewhere by now."""
    here = turn.dialogue.state in (feature.at("why"), feature.at("photos"))
    return Claiming.read(turn.dialogue.data) if here and _about(turn) == voucher.id else Claiming(voucher.id)


def _about(turn: Turn) -> int:
    return int(turn.dialogue.data["voucher"])


def _may_still(turn: Turn, voucher: Redemption) -> None:
    no = return_requests.may_claim(voucher, today=turn.today)
    if no is not None:
        raise no


def _why(turn: Turn, voucher: Redemption, said: Claiming, *, renew: Renew | None = None) -> Screen:
    """Asks what is wrong. Photos and words that come before the answer are kept."""
    _may_still(turn, voucher)
    turn.goto(feature.at("why"), **replace(said, reason=None).kept())
    reasons = return_requests.reasons_of(voucher)
    buttons = [feature.button(REASONS[reason], "because", voucher.id, reason) for reason in reasons]
    lines: list[Line] = [
        t("退换 <b>{what}</b> · {merchant}", what=what(voucher), merchant=both(voucher.merchant)),
        *came(said),
        BLANK,
        t("怎么了?点最接近的。"),
        t("用积分换的,和花钱买的一样可以退换。"),
    ]
    return screen(lines, [*grid(buttons), [_leave(voucher)]], renew=renew)


def _leave(voucher: Redemption) -> Button:
    return doors.voucher(t("不退换了"), voucher.id)


@feature.tap("because")
async def because(turn: Turn, voucher_id: str, reason: str) -> Screen:
    """Asks for photos and, if they like, words."""
    voucher = await vouchers.one(turn.tx, turn.me.id, number(voucher_id))
    _may_still(turn, voucher)
    said, known = _begun(turn, voucher).settled(), next((each for each in REASONS if each == reason), None)
    if known is None:
        return _why(turn, voucher, said)
    if known not in return_requests.reasons_of(voucher):
        raise return_requests.ReasonNotOffered(voucher.id, known)
    return _ask(turn, voucher, replace(said, reason=known))


@feature.tap("anew")
async def anew(turn: Turn, voucher_id: str, reason: str) -> Screen:
    """Asks for photos and words once more, and forgets those that came."""
    turn.finish()
    return await because(turn, voucher_id, reason)


def _ask(turn: Turn, voucher: Redemption, said: Claiming, *, renew: Renew | None = None) -> Screen:
    """What came so far, and what may come still."""
    assert said.reason is not None
    turn.goto(feature.at("photos"), **said.kept())
    n, needed = len(said.photos), bool(return_requests.photos_least(said.reason))
    lines: list[Line | None] = [
        t("退换 <b>{what}</b>", what=what(voucher)),
        t("原因:{reason}", reason=REASONS[said.reason]),
        *came(said),
        BLANK,
        _wanted(n, needed),
        None if said.words else t("想说明什么,直接打字。"),
    ]
    enough = t("发完了") if n else t("不发照片,继续")
    rows: list[list[Button | None]] = [
        [feature.button(enough, "done", voucher.id, style="primary") if n or not needed else None],
        [feature.button(t("重新发"), "anew", voucher.id, said.reason) if n else None, _leave(voucher)],
    ]
    return screen(lines, rows, renew=renew)


def _wanted(n: int, needed: bool) -> Text:
    if n >= PHOTOS_MOST:
        return t("点「发完了」继续。")
    if n:
        return t("还有就继续发,没有了点「发完了」。")
    if needed:
        return t("拍照发给我,1 到 {most} 张。", most=PHOTOS_MOST)
    return t("照片可发可不发,最多 {most} 张。", most=PHOTOS_MOST)


@feature.file_step("why")
@feature.file_step("photos")
async def photo(turn: Turn) -> Screen | None:
    """Keeps a photo. Of several that were sent together the first is answered, and that answer is renewed."""
    voucher = await vouchers.one(turn.tx, turn.me.id, _about(turn))
    assert turn.file is not None
    said, answered = _begun(turn, voucher).with_photo(turn.file, turn.now)
    if not answered:
        turn.goto(turn.dialogue.state, **said.kept())
        return None
    later = None
    if said.album is not None:
        data = feature.data("gathered", voucher.id, said.album)
        later = Renew(data, dt.datetime.fromisoformat(said.until))
    return _asked_again(turn, voucher, said, renew=later)


def _asked_again(turn: Turn, voucher: Redemption, said: Claiming, *, renew: Renew | None = None) -> Screen:
    return (_why if said.reason is None else _ask)(turn, voucher, said, renew=renew)


@feature.tap("gathered")
async def gathered(turn: Turn, voucher_id: str, *album: str) -> Screen | None:
    """Says how many photos came together. Nothing where the conversation has gone on."""
    voucher = await vouchers.one(turn.tx, turn.me.id, number(voucher_id))
    said = _begun(turn, voucher)
    if said.album is None or said.album != ":".join(album):
        return None
    shown = _asked_again(turn, voucher, said)
    turn.goto(turn.dialogue.state, **said.settled().kept())
    return shown


@feature.step("why")
@feature.step("photos")
async def words(turn: Turn, said: str) -> Screen:
    """Takes down what they say about it."""
    voucher = await vouchers.one(turn.tx, turn.me.id, _about(turn))
    return _asked_again(turn, voucher, replace(_begun(turn, voucher).settled(), words=tidied(said)))


def _draft(turn: Turn, voucher: Redemption) -> Claiming | None:
    """What was said about this voucher; None where that is not enough for a claim."""
    said = _begun(turn, voucher).settled()
    if said.reason is None or len(said.photos) < return_requests.photos_least(said.reason):
        return None
    turn.goto(feature.at("photos"), **said.kept())
    return said


@feature.tap("done")
async def done(turn: Turn, voucher_id: str) -> Screen:
    """Asks what they want, where there is a choice."""
    voucher = await vouchers.one(turn.tx, turn.me.id, number(voucher_id))
    draft = _draft(turn, voucher)
    if draft is None:
        return await show(turn, voucher_id)
    terms = voucher.offer.takes_back
    if terms is None or not terms.exchange:
        return _summary(voucher, draft, "points")
    lines: list[Line] = [
        t("退换 <b>{what}</b>", what=what(voucher)),
        BLANK,
        t("您想要什么?"),
    ]
    rows: list[list[Button | None]] = [
        [
            feature.button(t("退回 {worth}", worth=paid_for(voucher)), "wish", voucher.id, "points"),
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
    return _summary(voucher, draft, wants)


def _summary(voucher: Redemption, said: Claiming, wants: str) -> Screen:
    terms, n = voucher.offer.takes_back, len(said.photos)
    assert said.reason is not None
    days = terms.answer_days if terms is not None else 0
    lines: list[Line | None] = [
        t("退换 <b>{what}</b> · {merchant}", what=what(voucher), merchant=both(voucher.merchant)),
        t("原因:{reason}", reason=REASONS[said.reason]),
        t("您说:{words}", words=said.words) if said.words else None,
        tn("照片 {n} 张", n=n) if n else None,
        t("您想要:{wish}", wish=_wish(voucher, wants)),
        BLANK,
        tn("商户 {n} 天内答复;没答复就自动退 {worth}。", n=days, worth=paid_for(voucher)),
        t("东西请留着,商户可能要收回。"),
    ]
    send = feature.button(t("提交"), "send", voucher.id, wants, style="primary")
    return screen(lines, [[send, _leave(voucher)]])


def _wish(voucher: Redemption, wants: str) -> Text:
    return t("换一件") if wants == "exchange" else t("退回 {worth}", worth=paid_for(voucher))


@feature.tap("send")
async def send(turn: Turn, voucher_id: str, wants: str) -> Screen:
    """Opens the claim and tells the merchant. A second tap shows how it stands."""
    voucher = await vouchers.one(turn.tx, turn.me.id, number(voucher_id))
    draft = _draft(turn, voucher)
    if draft is None or draft.reason is None or wants not in WISHES:
        return await show(turn, voucher_id)
    made = await return_requests.claim(
        turn.tx,
        turn.me.id,
        voucher.id,
        reason=draft.reason,
        wants=wants,
        words=draft.words,
        photos=draft.photos,
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
