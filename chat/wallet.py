"""The main screen (W1): the number first, what it is worth, what is on its way, what ends next."""

from __future__ import annotations

from chat import desk_doors, doors, known, operator_doors, pools
from chat.known import Known
from chat.screen import BLANK, Button, Line, Screen, grid, screen
from chat.turn import Turn
from chat.words import Points, Text, t, tn
from ledger.points import statements
from ledger.points.statements import Holding

COUNTED_DAYS = 90
"""An end farther away than this is a date, and no number of days."""


async def main_screen(turn: Turn, *first: Line) -> Screen:
    """What this member holds, and the things they do most one tap away. `first` stands above it."""
    held = await statements.wallet(turn.tx, turn.me.owner, today=turn.today)
    names = Known({h.currency.id: h.currency for h in held}, {})
    if turn.programme.common_currency not in names.currencies or any(h.deficits for h in held):
        # Only newcomers and debtors need more names than their holdings bring; the screen is asked for too often to read all.
        names = await known.read(turn.tx)
    company = turn.me.acts_for if turn.me.person_id is not None else None
    if company is not None:
        first = (*first, t("<b>{company}</b> · 企业账户", company=company.name))
    lines: list[Line] = [*first, *([BLANK] if first else [])]
    common = turn.programme.common_currency
    mine = {h.currency.id: h for h in held}
    lines += _holding(mine.get(common, Holding(names.currencies[common])), names, first=True)
    if pooled := await pools.beside(turn):
        lines.append(pooled)
    for currency_id, holding in mine.items():
        if currency_id != common:
            lines += _holding(holding, names, first=False)
    if ending := _next_to_end(list(mine.values()), names, turn):
        lines += [BLANK, ending]
    elif not any(h.available or h.pending or h.held for h in held):
        lines += [BLANK, t("在联盟商户结账时出示会员码,就能得分。")]
    rows: list[list[Button | None]] = [
        [doors.catalog(), doors.card()],
        [doors.vouchers(), doors.history()],
        *grid([*([] if company else _with_others(turn)), doors.expiry(t("到期")), doors.settings()], 2),
        [doors.own_account()] if company else [],
        [desk_doors.counter() if turn.me.staff_of else None, operator_doors.operator() if turn.me.operator else None],
    ]
    return screen(lines, rows)


def _with_others(turn: Turn) -> list[Button]:
    """What somebody does together with others, as far as the programme has it."""
    programme = turn.programme
    return [
        *([doors.invite()] if programme.referrals else []),
        doors.family(),
        *([doors.gift()] if programme.gifts else []),
    ]


def _holding(holding: Holding, names: Known, *, first: bool) -> list[Line]:
    currency = holding.currency.id
    points = names.points(currency, holding.available)
    worth = names.worth(currency, holding.available)
    lines: list[Line] = []
    if first:
        plain = t("可用 <b>{points}</b>", points=points)
        lines.append(t("可用 <b>{points}</b>  ≈ {worth}", points=points, worth=worth) if worth else plain)
    elif holding.available:
        facts = {"currency": names.currency(currency), "points": holding.available}
        lines.append(
            t("{currency} {points}  ≈ {worth}", worth=worth, **facts) if worth else t("{currency} {points}", **facts)
        )
    if pending := _pending(holding, names, first):
        lines.append(pending)
    if holding.held:
        held = holding.held if first else names.points(currency, holding.held)
        lines.append(t("预留中 {points}", points=held))
    for issuer, owed in holding.deficits.items():
        lines.append(
            t(
                "在{merchant}欠 {points}:退货时不够收回,下次在那里得的分先补上",
                merchant=names.merchant(issuer),
                points=names.points(currency, owed),
            )
        )
    return lines


def _pending(holding: Holding, names: Known, first: bool) -> Text | None:
    if not holding.pending or holding.next_release is None:
        return None
    on, soonest = holding.next_release
    pending = holding.pending if first else names.points(holding.currency.id, holding.pending)
    if soonest == holding.pending:
        return t("待生效 {points}({on}起可用)", points=pending, on=on)
    return t("待生效 {points}(最早 {on}生效 {soonest})", points=pending, on=on, soonest=soonest)


def _next_to_end(held: list[Holding], names: Known, turn: Turn) -> Text | None:
    ends = [(h.next_expiry, h.currency.id) for h in held if h.next_expiry is not None]
    if not ends:
        return None
    (on, points), currency_id = min(ends)
    shown: Points = names.points(currency_id, points)
    days = (on - turn.today).days
    if days <= 1 or days > COUNTED_DAYS:
        return t("最近到期:{points},{on}", points=shown, on=on)
    return tn("最近到期:{points},{on}(还有 {n} 天)", n=days, points=shown, on=on)
