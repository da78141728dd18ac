"""Disputes about settled lines, as the operator decides them: upheld into the next close, or rejected with words."""

from __future__ import annotations

from collections.abc import Sequence

from chat import desk, desk_doors, doors, known, operator_doors, settlement
from chat.arguments import number
from chat.feature import Feature
from chat.known import Known
from chat.screen import BLANK, Button, Line, Screen, screen
from chat.turn import Turn
from chat.words import Money, t, tn
from ledger.clearing import close, derive, disputes, positions
from ledger.clearing.disputes import Dispute
from ledger.clearing.positions import Shown

feature = Feature("disputes", order=91)

PER_PAGE = 6
DECIDE = ("finance", "admin")
"""The roles that decide."""


@feature.tap("list", audience="operator")
async def list_(turn: Turn, page: str = "0") -> Screen:
    """Lists undecided disputes, oldest first."""
    await desk.demand(turn)
    turn.finish()
    at, names = number(page), await known.read(turn.tx)
    found, count = await disputes.waiting(turn.tx, offset=at * PER_PAGE, limit=PER_PAGE)
    lines: list[Line] = [
        t("<b>结算异议</b>"),
        tn("{n} 个在等处理", n=count) if count else t("没有在等处理的。"),
    ]
    rows: list[list[Button | None]] = [
        [
            operator_doors.dispute(
                t(
                    "{merchant} · {on}",
                    merchant=names.merchant(one.merchant_id),
                    on=one.opened_at.astimezone(turn.zone).date(),
                ),
                one.id,
            )
        ]
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


@feature.tap("open", audience="operator")
async def open_(turn: Turn, dispute_id: str) -> Screen:
    """Opens a dispute: the line, who says what."""
    may = await desk.demand(turn) & set(DECIDE)
    turn.finish()
    one = await disputes.one(turn.tx, number(dispute_id))
    shown = await positions.line(turn.tx, one.merchant_id, one.place)
    rows: list[list[Button | None]] = [
        [feature.button(t("成立,退回"), "uphold", one.id), feature.button(t("不成立"), "reject", one.id)]
        if may and one.state == "open"
        else [],
        [operator_doors.disputes(t("返回")), doors.home()],
    ]
    return screen(about(one, shown, await known.read(turn.tx)), rows)


def about(one: Dispute, shown: Shown, names: Known) -> list[Line]:
    """A dispute in words: whose, about what, and where it stands."""
    line = shown.line
    found: list[Line | None] = [
        t(
            "<b>{merchant}</b>的异议 · {state}",
            merchant=names.merchant(one.merchant_id),
            state=settlement.STATES[one.state],
        ),
        t("原因:{reason}", reason=one.reason),
        t("答复:{words}", words=one.words) if one.words else None,
        BLANK,
        t("{week} · 第 {number} 笔", week=settlement.period(one.place.week), number=one.place.number),
        t("{offer} · {day}", offer=settlement.offer_of(shown), day=line.day),
        t(
            "{issuer}的分 {points},用在{redeemer}",
            issuer=names.merchant(line.issuer_id),
            points=names.points(line.currency_id, line.points),
            redeemer=names.merchant(line.redeemer_id),
        ),
        t(
            "发分方付 {pays},收分方得 {gets},手续费 {fee}",
            pays=Money(line.amounts.issuer_minor, line.money),
            gets=Money(line.amounts.redeemer_minor, line.money),
            fee=Money(line.amounts.fee_minor, line.money),
        ),
    ]
    return [line_ for line_ in found if line_ is not None]


@feature.tap("uphold", audience="operator")
async def uphold(turn: Turn, dispute_id: str) -> Screen:
    """Asks before a line's money goes back."""
    await desk.demand(turn, *DECIDE)
    one = await disputes.one(turn.tx, number(dispute_id))
    shown = await positions.line(turn.tx, one.merchant_id, one.place)
    lines: list[Line] = [
        *about(one, shown, await known.read(turn.tx)),
        BLANK,
        t("确认后,这笔钱在本周的结算单里原样退回;积分不动。"),
    ]
    yes = feature.button(t("确认成立"), "upheld", one.id, style="primary")
    return screen(lines, [[yes, operator_doors.dispute(t("再看看"), one.id)]])


@feature.tap("upheld", audience="operator")
async def upheld(turn: Turn, dispute_id: str) -> Screen:
    """Upholds a dispute and tells both sides; a second tap shows the same."""
    await desk.demand(turn, *DECIDE)
    one = await disputes.one(turn.tx, number(dispute_id))
    if one.state != "upheld":
        one = await disputes.uphold(turn.tx, one.id, by=desk.actor(turn), at=turn.at)
        await tell_both(turn, one)
    return await decided(turn, one)


@feature.tap("reject", audience="operator")
async def reject(turn: Turn, dispute_id: str) -> Screen:
    """Asks for the words with which a dispute is rejected."""
    await desk.demand(turn, *DECIDE)
    one = await disputes.one(turn.tx, number(dispute_id))
    turn.goto(feature.at("words"), dispute=one.id)
    lines: list[Line] = [t("为什么不成立?写下来发给我,两家都会看到。"), t("异议:{reason}", reason=one.reason)]
    return screen(lines, [[operator_doors.dispute(t("取消"), one.id)]])


@feature.step("words")
async def words_typed(turn: Turn, said: str) -> Screen:
    """Rejects a dispute with these words and tells both sides."""
    await desk.demand(turn, *DECIDE)
    dispute_id = turn.dialogue.data["dispute"]
    one = await disputes.reject(turn.tx, dispute_id, said, by=desk.actor(turn), at=turn.at)
    turn.finish()
    await tell_both(turn, one)
    return await decided(turn, one)


async def decided(turn: Turn, one: Dispute) -> Screen:
    """What was decided."""
    shown = await positions.line(turn.tx, one.merchant_id, one.place)
    lines: list[Line] = [*about(one, shown, await known.read(turn.tx)), BLANK, t("两家都会收到通知。")]
    return screen(lines, [[operator_doors.disputes(), operator_doors.operator()]])


async def tell_both(turn: Turn, one: Dispute) -> None:
    """The decision, to those who run either merchant and to whoever opened the dispute: first what it brings them."""
    shown = await positions.line(turn.tx, one.merchant_id, one.place)
    words = about(one, shown, await known.read(turn.tx))
    so_far = await close.open_week(turn.tx, turn.programme, turn.today) if one.state == "upheld" else []
    moved = [line for line in so_far if line.dispute_id == one.id]
    sides = {shown.line.issuer_id, shown.line.redeemer_id}
    told = {one.member_id: one.merchant_id} if one.merchant_id in sides else {}
    for merchant_id in sorted(sides):
        for member_id in await settlement.run_by(turn.tx, merchant_id):
            told.setdefault(member_id, merchant_id)
    for member_id, merchant_id in told.items():
        look = desk_doors.settlement_line(merchant_id, one.place.week, one.place.number)
        lines = [*brings(moved, merchant_id), *words]
        turn.tell(member_id, screen(lines, [[look, doors.home()]]), key=f"dispute-decided:{one.id}:{member_id}")


def brings(moved: Sequence[derive.Line], merchant_id: int) -> list[Line]:
    """What an upheld dispute moves for one of the two, and where they find it."""
    minor = sum(line.net_minor(merchant_id) for line in moved)
    if not minor:
        return []
    amount = Money(abs(minor), moved[0].money)
    if minor > 0:
        return [t("<b>退回您 {amount}</b>,记在这一周的结算单里", amount=amount), BLANK]
    return [t("<b>扣回 {amount}</b>,记在这一周的结算单里", amount=amount), BLANK]
