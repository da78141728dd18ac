"""Two accounts of one person: the operator makes them one, sees who objects, and parts them again."""

from __future__ import annotations

from chat import desk, known, operator_doors
from chat import families as people
from chat import merging as words_of
from chat.arguments import number
from chat.feature import Feature
from chat.known import Known
from chat.offers import joined
from chat.screen import BLANK, Button, Line, Screen, screen
from chat.tiers import named as tier_named
from chat.turn import Turn
from chat.words import t, tn
from ledger.redeeming import merging
from ledger.redeeming.merging import Merge, Side

feature = Feature("merging", order=94)

ROLES = ("admin", "support")
PER_PAGE = 6
BACK = t("返回")


@feature.tap("list", audience="operator")
async def list_(turn: Turn, page: str = "0") -> Screen:
    """Lists those that can still be parted, objected ones first."""
    await desk.demand(turn)
    turn.finish()
    at = number(page)
    skipped = at * PER_PAGE
    found, n = await merging.open_ones(turn.tx, turn.programme, today=turn.today, limit=PER_PAGE, offset=skipped)
    named = await people.names(turn, (id_ for each in found for id_ in (each.from_id, each.into_id)))
    lines: list[Line] = [t("<b>合并账户</b>"), tn("{n} 对还能分开", n=n) if n else t("没有还能分开的。")]
    rows: list[list[Button | None]] = []
    for each in found:
        both = {"gone": named[each.from_id], "kept": named[each.into_id]}
        label = t("{gone} → {kept}", **both)
        said = t("{gone} → {kept} · 说不对", **both)
        rows.append([feature.button(label if each.objected_by is None else said, "show", each.id)])
    rows += [
        [
            feature.button(t("上一页"), "list", at - 1) if at else None,
            feature.button(t("下一页"), "list", at + 1) if n > (at + 1) * PER_PAGE else None,
        ],
        [feature.button(t("合并两个账户"), "begin"), operator_doors.operator(BACK)],
    ]
    return screen(lines, rows)


@feature.tap("begin", audience="operator")
async def begin(turn: Turn) -> Screen:
    """Asks for the two numbers."""
    await desk.demand(turn, *ROLES)
    turn.goto(feature.at("numbers"))
    return _asks_numbers()


def _asks_numbers(*first: Line) -> Screen:
    lines: list[Line] = [*first, t("发来两个账户的编号,一行一个。"), t("第一个并进第二个,第二个保留。")]
    return screen(lines, [[feature.button(BACK, "list", 0)]])


@feature.step("numbers")
async def numbers_typed(turn: Turn, said: str) -> Screen:
    """Looks both up."""
    await desk.demand(turn, *ROLES)
    parts = said.split()
    if len(parts) != 2:
        return _asks_numbers(t("要两个编号。"))
    from_id, into_id = (merging.member_of(turn.vault, part) for part in parts)
    return await _review(turn, from_id, into_id)


@feature.tap("review", audience="operator")
async def review(turn: Turn, gone: str, kept: str) -> Screen:
    """Both accounts, side by side."""
    await desk.demand(turn, *ROLES)
    return await _review(turn, number(gone), number(kept))


async def _review(turn: Turn, from_id: int, into_id: int) -> Screen:
    sides = await merging.look(turn.tx, from_id, into_id, operator_id=turn.me.id, today=turn.today)
    names = await known.read(turn.tx)
    named = await people.names(turn, (from_id, into_id))
    gone, kept = ([*_about(turn, names, side)] for side in sides)
    lines: list[Line] = [
        t("<b>并进去</b>:{name}", name=named[from_id]),
        *gone,
        *([t("在一个家庭里,合并时会先离开")] if sides[0].family else []),
        BLANK,
        t("<b>保留</b>:{name}", name=named[into_id]),
        *kept,
    ]
    free = not any(side.obstacles for side in sides)
    if free:
        turn.goto(feature.at("reason"), gone=from_id, kept=into_id)
        lines += [BLANK, t("没错的话,写一句原因,两边都会看到。")]
    else:
        turn.finish()
    swap = feature.button(t("反过来并"), "review", into_id, from_id)
    return screen(lines, [[swap, feature.button(BACK, "list", 0)]])


def _about(turn: Turn, names: Known, side: Side) -> list[Line]:
    """What an account has, and what is in the way."""
    lines: list[Line] = []
    if side.joined_on is not None:
        on = t("{on}加入", on=side.joined_on)
        tier = tier_named(turn.programme, side.tier) if turn.programme.tiers and side.tier else None
        lines.append(t("{on} · {tier}", on=on, tier=tier) if tier else on)
    held = {each.currency.id: each.available + each.pending for each in side.holdings}
    if amounts := [t("{points}", points=names.points(currency, n)) for currency, n in held.items() if n]:
        lines.append(joined(amounts))
    lines += words_of.vouchers(side.vouchers)
    lines += [t("不能并:{why}", why=words_of.OBSTACLES[each]) for each in side.obstacles]
    return lines


@feature.step("reason")
async def reason_typed(turn: Turn, said: str) -> Screen:
    """Shows what will happen, and asks once more."""
    await desk.demand(turn, *ROLES)
    gone, kept = int(turn.dialogue.data["gone"]), int(turn.dialogue.data["kept"])
    reason = merging.reason_of(said)
    turn.goto(feature.at("reason"), gone=gone, kept=kept, reason=reason)
    named = await people.names(turn, (gone, kept))
    lines: list[Line] = [
        t("把 <b>{gone}</b> 并进 <b>{kept}</b>?", gone=named[gone], kept=named[kept]),
        t("原因:{reason}", reason=reason),
        tn("两边都会收到消息;{n} 天内可以分开。", n=turn.programme.unmerge_days),
    ]
    yes = feature.button(t("确认合并"), "merge", gone, kept, turn.nonce(), style="danger")
    return screen(lines, [[yes, feature.button(BACK, "review", gone, kept)]])


@feature.tap("merge", audience="operator")
async def merge(turn: Turn, gone: str, kept: str, nonce: str) -> Screen:
    """Makes the two one, and tells both sides."""
    await desk.demand(turn, *ROLES)
    moved = await merging.merge(
        turn.tx,
        turn.programme,
        turn.vault,
        number(gone),
        number(kept),
        operator_id=turn.me.id,
        reason=turn.dialogue.data.get("reason", ""),
        nonce=nonce,
        at=turn.at,
    )
    turn.finish()
    names = await known.read(turn.tx)
    for member_id, said in words_of.told_merged(names, moved):
        turn.tell(member_id, said, key=f"merged:{moved.merge.id}:{member_id}")
    if moved.departed is not None:
        for member_id, said in people.departed_notices(moved.departed):
            turn.tell(member_id, said, key=f"family-gone:{moved.departed.place_id}:{member_id}")
    return await _show(turn, moved.merge, t("合并好了。"))


@feature.tap("show", audience="operator")
async def show(turn: Turn, merge_id: str) -> Screen:
    """Opens one."""
    await desk.demand(turn)
    return await _show(turn, await merging.one(turn.tx, turn.programme, number(merge_id)))


async def _show(turn: Turn, made: Merge, *first: Line) -> Screen:
    named = await people.names(turn, (made.from_id, made.into_id))
    lines: list[Line | None] = [
        *first,
        t("<b>{gone} → {kept}</b>", gone=named[made.from_id], kept=named[made.into_id]),
        t("{on}合并", on=made.made_on),
        t("原因:{reason}", reason=made.reason),
        t("{name} 说不对", name=named[made.objected_by]) if made.objected_by is not None else None,
        t("已经分开") if made.undone else t("可以分开,到 {until}为止", until=made.undo_until),
    ]
    may = not made.undone and turn.today <= made.undo_until
    part = feature.button(t("分开"), "ask", made.id, style="danger") if may else None
    return screen(lines, [[part], [feature.button(BACK, "list", 0), operator_doors.operator()]])


@feature.tap("ask", audience="operator")
async def ask(turn: Turn, merge_id: str) -> Screen:
    """What would go back, before it does."""
    await desk.demand(turn, *ROLES)
    made = await merging.one(turn.tx, turn.programme, number(merge_id))
    names = await known.read(turn.tx)
    named = await people.names(turn, (made.from_id, made.into_id))
    there = await merging.still_there(turn.tx, turn.programme, made.id)
    back = [t("{points}", points=names.points(currency, points)) for currency, points in there.items()]
    lines: list[Line] = [
        t("把 {gone} 和 {kept} 分开?", gone=named[made.from_id], kept=named[made.into_id]),
        t("回去的积分:{points}", points=joined(back)) if back else t("并来的积分都不在了,没有可回去的。"),
        t("合并以后花掉的、预留的、放进家庭池的,留在现在的账户。"),
    ]
    yes = feature.button(t("确认分开"), "part", made.id, style="danger")
    return screen(lines, [[yes, feature.button(BACK, "show", made.id)]])


@feature.tap("part", audience="operator")
async def part(turn: Turn, merge_id: str) -> Screen:
    """Parts the two, and tells both sides."""
    await desk.demand(turn, *ROLES)
    moved = await merging.unmerge(
        turn.tx, turn.programme, turn.vault, number(merge_id), operator_id=turn.me.id, at=turn.at
    )
    names = await known.read(turn.tx)
    for member_id, said in words_of.told_parted(names, moved):
        turn.tell(member_id, said, key=f"parted:{moved.merge.id}:{member_id}")
    return await _show(turn, moved.merge, t("分开了。"))
