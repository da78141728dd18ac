"""Cover: an owner sees what stands behind their points; the operator books payments and sets limits."""

from __future__ import annotations

from chat import amounts, covers, declines, desk, desk_doors, doors, known, operator_doors, settlement, till
from chat.arguments import number
from chat.feature import Feature
from chat.screen import BLANK, Button, Line, Screen, screen
from chat.turn import Turn
from chat.words import Money, Text, t, tn
from ledger.earning import declined
from ledger.merchants import guarantee
from ledger.merchants import merchant as merchants
from ledger.merchants.guarantee import Cover
from ledger.merchants.merchant import Merchant

feature = Feature("cover", order=79)

PER_PAGE = 8
ENTRIES_SHOWN = 5
LARGEST_MINOR = 10**12
DECIDE = ("finance", "admin")
"""The roles that book payments and set limits."""


@feature.tap("home")
async def home(turn: Turn, merchant: str = "0") -> Screen:
    """Shows an owner what stands behind their points."""
    turn.finish()
    found = await till.place(turn, number(merchant))
    if isinstance(found, list):
        return till.choose(found, lambda label, at: feature.button(label, "home", at))
    found.staff.demand("see_cover")
    lines, here = await about(turn, found.merchant), found.merchant.id
    waiting = await declined.waiting(turn.tx, here)
    rows: list[list[Button | None]] = [
        [desk_doors.declined(t("看未发放的"), here), desk_doors.make_up(here, waiting.purchases)]
        if waiting.purchases
        else [],
        [desk_doors.merchant(t("返回"), here), doors.home()],
    ]
    return screen(lines, rows)


@feature.tap("list", audience="operator")
async def list_(turn: Turn, page: str = "0") -> Screen:
    """Lists the issuers, those nearest to the end of their cover first."""
    await desk.demand(turn)
    turn.finish()
    at, names = number(page), await known.read(turn.tx)
    found = sorted(await guarantee.everyone(turn.tx), key=lambda one: (-one.used_percent, one.merchant_id))
    covered = {one.merchant_id for one in found}
    labels = [
        (
            one.merchant_id,
            t("{merchant} · 已用 {percent}%", merchant=names.merchant(one.merchant_id), percent=one.used_percent),
        )
        for one in found
    ]
    labels += [
        (id_, t("{merchant} · 不设限", merchant=names.merchant(id_))) for id_ in names.merchants if id_ not in covered
    ]
    lines: list[Line] = [
        t("<b>保证金</b>"),
        tn("{n} 家设了保证金;没有设的,发分不设限。", n=len(found)),
    ]
    rows: list[list[Button | None]] = [
        [operator_doors.cover_desk(label, id_)] for id_, label in labels[at * PER_PAGE : (at + 1) * PER_PAGE]
    ]
    rows += [
        [
            feature.button(t("上一页"), "list", at - 1) if at else None,
            feature.button(t("下一页"), "list", at + 1) if len(labels) > (at + 1) * PER_PAGE else None,
        ],
        [operator_doors.operator(t("返回")), doors.home()],
    ]
    return screen(lines, rows)


@feature.tap("open", audience="operator")
async def open_(turn: Turn, merchant: str) -> Screen:
    """Opens one issuer's cover."""
    may = await desk.demand(turn) & set(DECIDE)
    turn.finish()
    one = await merchants.by_id(turn.tx, number(merchant))
    found = await guarantee.find(turn.tx, one.id)
    acts = [
        feature.button(t("存入"), "pay", one.id, "in"),
        feature.button(t("退还"), "pay", one.id, "out") if found and found.float_minor else None,
        feature.button(t("信用额度"), "limit", one.id),
    ]
    return screen(await about(turn, one), [acts if may else [], [operator_doors.covers(t("返回")), doors.home()]])


async def about(turn: Turn, one: Merchant) -> list[Line]:
    """A cover as it stands now, and its last changes."""
    found = await guarantee.find(turn.tx, one.id)
    lines: list[Line] = [t("<b>保证金</b> · {merchant}", merchant=till.name_of(one)), BLANK]
    if found is None:
        return [*lines, t("没有设保证金,发分不设限。")]
    lines += [*covers.state(found), t("{when} 核算", when=found.counted_at)]
    waiting = await declined.waiting(turn.tx, one.id)
    if waiting.purchases:
        lines += [BLANK, declines.waiting(waiting, one.money)]
    if changes := await guarantee.entries(turn.tx, one.id, limit=ENTRIES_SHOWN):
        lines += [BLANK, *(covers.entry(each, found.money) for each in changes)]
    return lines


@feature.tap("pay", audience="operator")
async def pay(turn: Turn, merchant: str, way: str) -> Screen:
    """Asks how much was paid, in or out."""
    await desk.demand(turn, *DECIDE)
    one = await merchants.by_id(turn.tx, number(merchant))
    turn.goto(feature.at("amount"), merchant=one.id, way=way)
    name = till.name_of(one)
    asks = (
        t("退还给{merchant}多少?发金额给我。", merchant=name)
        if way == "out"
        else t("{merchant}存入了多少?发金额给我。", merchant=name)
    )
    return screen([asks], [[operator_doors.cover_desk(t("取消"), one.id)]])


def asks_again(merchant_id: int, rule: Text) -> Screen:
    """What was sent is no amount that fits; the next try is awaited."""
    return screen([t("这个金额不行"), rule], [[operator_doors.cover_desk(t("取消"), merchant_id)]])


@feature.step("amount")
async def amount_typed(turn: Turn, said: str) -> Screen:
    """Takes the amount, asks for the payment's reference."""
    await desk.demand(turn, *DECIDE)
    data = turn.dialogue.data
    minor = amounts.parse(said, largest_minor=LARGEST_MINOR)
    if minor is None:
        return asks_again(data["merchant"], t("要大于 0,最多两位小数,比如 5000。再发一次。"))
    one = await merchants.by_id(turn.tx, data["merchant"])
    turn.goto(feature.at("reference"), merchant=one.id, way=data["way"], minor=minor)
    amount = Money(minor, one.money)
    lines: list[Line] = [
        t("退还 {amount} 给{merchant}", amount=amount, merchant=till.name_of(one))
        if data["way"] == "out"
        else t("{merchant}存入 {amount}", amount=amount, merchant=till.name_of(one)),
        t("凭证号是什么?比如银行回单号。发来就入账,同一个号只记一次。"),
    ]
    return screen(lines, [[operator_doors.cover_desk(t("取消"), one.id)]])


@feature.step("reference")
async def reference_typed(turn: Turn, said: str) -> Screen:
    """Books the payment and shows the cover; the owner hears of it."""
    await desk.demand(turn, *DECIDE)
    data = turn.dialogue.data
    one = await merchants.by_id(turn.tx, data["merchant"])
    out = data["way"] == "out"
    minor = -data["minor"] if out else data["minor"]
    found = await guarantee.pay(turn.tx, one.id, minor, said, actor=desk.actor(turn), at=turn.at)
    turn.finish()
    amount = Money(abs(minor), one.money)
    done = (
        t("已退还 {amount} 给{merchant}", amount=amount, merchant=till.name_of(one))
        if out
        else t("{merchant}的 {amount} 已入账", amount=amount, merchant=till.name_of(one))
    )
    lines: list[Line] = [done, BLANK, *covers.state(found)]
    await tell_owners(turn, found, one, lines)
    return screen(lines, [[operator_doors.cover_desk(t("返回"), one.id), doors.home()]])


@feature.tap("limit", audience="operator")
async def limit(turn: Turn, merchant: str) -> Screen:
    """Asks how far an issuer may go beyond its float."""
    await desk.demand(turn, *DECIDE)
    one = await merchants.by_id(turn.tx, number(merchant))
    turn.goto(feature.at("limit"), merchant=one.id)
    found = await guarantee.find(turn.tx, one.id)
    lines: list[Line | None] = [
        t("{merchant}的信用额度改为多少?发金额给我,0 表示没有。", merchant=till.name_of(one)),
        t("现在是 {amount}。", amount=Money(found.limit_minor, found.money)) if found else None,
        t("低于已发出的分值时,发分会暂停;会员的分不受影响。"),
    ]
    return screen(lines, [[operator_doors.cover_desk(t("取消"), one.id)]])


@feature.step("limit")
async def limit_typed(turn: Turn, said: str) -> Screen:
    """Sets the limit and shows the cover; the owner hears of it."""
    await desk.demand(turn, *DECIDE)
    minor = 0 if said.strip() == "0" else amounts.parse(said, largest_minor=LARGEST_MINOR)
    if minor is None:
        return asks_again(turn.dialogue.data["merchant"], t("不能小于 0,最多两位小数,比如 5000。再发一次。"))
    one = await merchants.by_id(turn.tx, turn.dialogue.data["merchant"])
    found = await guarantee.set_limit(turn.tx, one.id, minor, actor=desk.actor(turn), at=turn.at)
    turn.finish()
    amount = Money(minor, one.money)
    lines: list[Line] = [
        t("{merchant}的信用额度改为 {amount}", merchant=till.name_of(one), amount=amount),
        BLANK,
        *covers.state(found),
    ]
    await tell_owners(turn, found, one, lines)
    return screen(lines, [[operator_doors.cover_desk(t("返回"), one.id), doors.home()]])


async def tell_owners(turn: Turn, found: Cover, one: Merchant, lines: list[Line]) -> None:
    """A change of cover, to whoever owns the merchant. Where it lets them, they can book at once what was declined."""
    waiting = await declined.waiting(turn.tx, one.id)
    rows: list[list[Button | None]] = [[desk_doors.cover(one.id, t("看保证金")), doors.home()]]
    if waiting.purchases and found.free_minor > 0:
        lines = [*lines, BLANK, declines.waiting(waiting, one.money)]
        rows.insert(0, [desk_doors.make_up(one.id, waiting.purchases)])
    told = screen(lines, rows)
    for member_id in await settlement.run_by(turn.tx, one.id, ("owner",)):
        turn.tell(member_id, told, key=f"{turn.key}:{member_id}")
