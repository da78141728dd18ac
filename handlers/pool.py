"""The family's pool (F2–F4): what lies in it, putting in and taking out, what goes in by itself, and its whole history."""

from __future__ import annotations

import unicodedata

from chat import doors, known, offers
from chat import families as people
from chat import pools as words_of
from chat.arguments import number
from chat.feature import Feature
from chat.happenings import change, of_pool
from chat.screen import BLANK, Button, Line, Screen, grid, screen
from chat.turn import Turn
from chat.words import Money, Points, Text, t
from ledger.members import pools
from ledger.members.families import Gives, Place
from ledger.members.pools import Pool
from ledger.points import statements
from ledger.points.commands import NotEnoughPoints
from ledger.redeeming import pool_spending, shelf
from ledger.redeeming.may_redeem import Listed
from ledger.redeeming.pool_spending import NoPool, Request, Right

feature = Feature("pool", order=82)

LINES_A_PAGE = 8
STEPS = (100, 200, 500, 1000, 2000, 5000)
"""Likely amounts to put in or take out, in points."""
SHARES = (10, 20, 30, 50)
"""Likely shares of what is earned, in per cent."""
LIMITS = (200, 500, 1000, 2000)
"""Likely limits for a month, in points."""


@feature.command("pool", t("家庭池"), said="家庭池,共享积分,积分池,pool,family pool,shared points")
async def command(turn: Turn, words: str = "") -> Screen:
    """Shows the family's pool."""
    return await home(turn)


async def _mine(turn: Turn) -> tuple[Right, Pool]:
    right = await words_of.right_of(turn)
    if right is None:
        raise NoPool()
    return right, await words_of.lies_in(turn, right)


@feature.tap("home")
async def home(turn: Turn) -> Screen:
    """Shows what lies in it, what of it is one's own, what one may spend, and what the head has to answer."""
    turn.finish()
    right, pool = await _mine(turn)
    return await _shown(turn, right, pool)


async def _shown(turn: Turn, right: Right, pool: Pool, *first: Line) -> Screen:
    names, heads = await known.read(turn.tx), right.family.head_id == turn.me.id
    worth = names.worth(turn.programme.common_currency, pool.available)
    total = t("家庭池 <b>{points}</b>", points=Points(pool.available))
    if worth:
        total = t("家庭池 <b>{points}</b>  ≈ {worth}", points=Points(pool.available), worth=worth)
    may = words_of.may_use(right)
    lines: list[Line | None] = [
        *first,
        BLANK if first else None,
        total,
        t("其中您放的还有 {points}", points=Points(pool.mine)) if pool.mine else None,
        t("预留中 {points}", points=pool.held) if pool.held else None,
        t("{may}", may=may) if may else None,
        _ends(pool),
        BLANK,
        _gives(right.place),
        None if pool.available else t("放进来的分还是各人的,随时能取回;谁花的、花在哪,全家看得到。"),
    ]
    asked = await pool_spending.waiting(turn.tx, right.family.id, at=turn.at) if heads else []
    rows: list[list[Button | None]] = [
        [feature.button(t("要您同意的({n})", n=str(len(asked))), "requests", style="primary") if asked else None],
        [feature.button(t("放进去"), "put"), feature.button(t("取回"), "take") if pool.mine else None],
        [feature.button(t("每天自动放"), "auto"), feature.button(t("谁能用"), "rights") if heads else None],
        [feature.button(t("池的明细"), "history", 0), doors.catalog() if pool.available else None],
        [doors.family(), doors.home()],
    ]
    return screen(lines, rows)


def _ends(pool: Pool) -> Text | None:
    if pool.next_expiry is None:
        return None
    on, points = pool.next_expiry
    return t("最近到期:{points},{on}", points=Points(points), on=on)


def _gives(place: Place) -> Text:
    match place.gives:
        case "everything":
            return t("您每天早上把可用的分全部放进来")
        case "share":
            return t("您每天早上放进新到账的 {percent}%", percent=str(place.gives_percent))
        case _:
            return t("您没有设自动放")


# -- in and out


@feature.tap("put")
async def put(turn: Turn) -> Screen:
    """Asks how much goes in."""
    await _mine(turn)
    turn.goto(feature.at("put"))
    return _ask(turn, "puts", await _own(turn))


@feature.tap("take")
async def take(turn: Turn) -> Screen:
    """Asks how much comes out."""
    _, pool = await _mine(turn)
    turn.goto(feature.at("take"))
    return _ask(turn, "takes", pool.mine)


async def _own(turn: Turn) -> int:
    held = await statements.wallet(turn.tx, turn.me.owner, today=turn.today)
    return next((each.available for each in held if each.currency.id == turn.programme.common_currency), 0)


def _ask(turn: Turn, does: str, there: int, *first: Line) -> Screen:
    facts = {"points": Points(there)}
    asked = t("放多少?您可用 {points}。", **facts) if does == "puts" else t("取回多少?池里您的还有 {points}。", **facts)
    amounts = [each for each in STEPS if each < there]
    buttons = [feature.button(t("{points}", points=Points(each)), does, each, turn.nonce()) for each in amounts]
    if there:
        buttons.append(feature.button(t("全部 {points}", points=Points(there)), does, there, turn.nonce()))
    lines: list[Line | None] = [*first, asked, t("也可以直接打字。") if there else None]
    return screen(lines, [*grid(buttons, 2), [doors.pool(t("返回"))]])


@feature.step("put")
async def said_put(turn: Turn, said: str) -> Screen:
    """Puts a typed number in."""
    points = _read(said)
    if not points:
        return _ask(turn, "puts", await _own(turn), t("这个数我没看懂。"))
    return await puts(turn, str(points), turn.nonce())


@feature.step("take")
async def said_take(turn: Turn, said: str) -> Screen:
    """Takes a typed number out."""
    points, (_, pool) = _read(said), await _mine(turn)
    if not points:
        return _ask(turn, "takes", pool.mine, t("这个数我没看懂。"))
    return await takes(turn, str(points), turn.nonce())


def _read(said: str) -> int:
    return number("".join(c for c in unicodedata.normalize("NFKC", said) if c not in "分, %每月"))


@feature.tap("puts")
async def puts(turn: Turn, points: str, nonce: str) -> Screen:
    """Puts so many in. Again: shows that they are."""
    right, _ = await _mine(turn)
    common, key = turn.programme.common_currency, f"pool-put:{turn.me.id}:{nonce}"
    whole = (right.family.id, turn.me.id, number(points))
    try:
        await pools.put(turn.tx, *whole, currency=common, key=key, at=turn.at, actor=turn.actor)
    except NotEnoughPoints as no:
        return _ask(turn, "puts", no.available, words_of.too_few(no, taking=False))
    return await _done(turn, t("放进了 <b>{points}</b>", points=Points(number(points))))


@feature.tap("takes")
async def takes(turn: Turn, points: str, nonce: str) -> Screen:
    """Takes so many out. Again: shows that they are."""
    right, _ = await _mine(turn)
    common, key = turn.programme.common_currency, f"pool-take:{turn.me.id}:{nonce}"
    whole = (right.family.id, turn.me.id, number(points))
    try:
        await pools.take_out(turn.tx, *whole, currency=common, key=key, at=turn.at, actor=turn.actor)
    except NotEnoughPoints as no:
        return _ask(turn, "takes", no.available, words_of.too_few(no, taking=True))
    return await _done(turn, t("取回了 <b>{points}</b>", points=Points(number(points))))


async def _done(turn: Turn, said: Line) -> Screen:
    turn.finish()
    return await _shown(turn, *await _mine(turn), said)


# -- by itself


@feature.tap("auto")
async def auto(turn: Turn) -> Screen:
    """Asks what goes in each morning."""
    right, _ = await _mine(turn)
    turn.goto(feature.at("percent"))
    return _autos(right.place)


def _autos(place: Place, *first: Line) -> Screen:
    lines: list[Line] = [
        *first,
        t("每天早上自动放多少进家庭池?"),
        t("按比例:前一天新到账、可以用的分里放这么多。全部:可用的都放。"),
        t("比例也可以直接打字,1 到 99。"),
        _gives(place),
    ]
    shares = [feature.button(t("{percent}%", percent=str(each)), "gives", "share", each) for each in SHARES]
    whole = feature.button(t("全部"), "gives", "everything", 0)
    none = feature.button(t("不自动放"), "gives", "nothing", 0) if place.gives != "nothing" else None
    return screen(lines, [*grid(shares, 4), [whole, none], [doors.pool(t("返回"))]])


@feature.step("percent")
async def said_percent(turn: Turn, said: str) -> Screen:
    """Takes a typed share."""
    percent = _read(said)
    if not percent:
        return _autos((await _mine(turn))[0].place, t("这个数我没看懂。"))
    return await gives(turn, "share", str(percent))


GIVES: dict[str, Gives] = {"nothing": "nothing", "share": "share", "everything": "everything"}


@feature.tap("gives")
async def gives(turn: Turn, what: str, percent: str) -> Screen:
    """Keeps what goes in each morning."""
    right, _ = await _mine(turn)
    said = GIVES.get(what, "nothing")
    await pools.contribute(turn.tx, right.family.id, turn.me.id, said, number(percent), today=turn.today)
    return await _done(turn, t("记下了。"))


# -- who may spend


@feature.tap("rights")
async def rights(turn: Turn) -> Screen:
    """Shows the head what everybody may spend."""
    right, _ = await _mine(turn)
    turn.finish()
    others = [each for each in right.family.places if each.member_id != right.family.head_id]
    named = await people.names(turn, (each.member_id for each in others))
    lines: list[Line | None] = [
        t("<b>谁能用家庭池</b>"),
        t("您:随便用"),
        *(t("{name}:{limit}", name=named[each.member_id], limit=words_of.limit(each.spends_most)) for each in others),
        None if others else t("家里还没有别人。"),
    ]
    buttons = [feature.button(t("{name}", name=named[each.member_id]), "right", each.id) for each in others]
    return screen(lines, [*grid(buttons, 2), [doors.pool(t("返回"))]])


@feature.tap("right")
async def right(turn: Turn, place_id: str) -> Screen:
    """Asks the head how much somebody may spend."""
    mine, _ = await _mine(turn)
    theirs = mine.family.place(number(place_id))
    turn.goto(feature.at("limit"), place=theirs.id)
    return await _limits(turn, theirs)


async def _limits(turn: Turn, theirs: Place, *first: Line) -> Screen:
    name = (await people.names(turn, [theirs.member_id]))[theirs.member_id]
    lines: list[Line] = [
        *first,
        t("<b>{name}</b> 每月最多用家庭池多少?", name=name),
        t("超过的每次问您。现在:{limit}", limit=words_of.limit(theirs.spends_most)),
        t("也可以直接打字。"),
    ]
    buttons = [feature.button(t("{points}", points=Points(each)), "limit", theirs.id, each) for each in LIMITS]
    any_ = feature.button(t("随便用"), "limit", theirs.id, "any")
    none = feature.button(t("每次问我"), "limit", theirs.id, 0)
    return screen(lines, [*grid(buttons, 2), [any_, none], [feature.button(t("返回"), "rights")]])


@feature.step("limit")
async def said_limit(turn: Turn, said: str) -> Screen:
    """Takes a typed limit."""
    place_id, most = int(turn.dialogue.data["place"]), _read(said)
    if not most:
        mine, _ = await _mine(turn)
        return await _limits(turn, mine.family.place(place_id), t("这个数我没看懂。"))
    return await limit(turn, str(place_id), str(most))


@feature.tap("limit")
async def limit(turn: Turn, place_id: str, most: str) -> Screen:
    """Keeps the limit and tells whom it is for."""
    mine, _ = await _mine(turn)
    wanted = None if most == "any" else number(most)
    before = mine.family.place(number(place_id)).spends_most
    theirs = await pools.may_spend(turn.tx, mine.family.id, turn.me.id, number(place_id), wanted)
    if wanted != before:
        told = screen([words_of.limited(wanted)], [[doors.pool(), doors.home()]])
        turn.tell(theirs.member_id, told)
    return await rights(turn)


# -- asking


@feature.tap("requests")
async def requests(turn: Turn) -> Screen:
    """Shows the head what is asked, the oldest first."""
    mine, _ = await _mine(turn)
    waiting = await pool_spending.waiting(turn.tx, mine.family.id, at=turn.at)
    if not waiting or mine.family.head_id != turn.me.id:
        return await home(turn)
    first = waiting[0]
    more = t("后面还有 {n} 个", n=str(len(waiting) - 1)) if len(waiting) > 1 else None
    return screen([*await _asks(turn, first), more], [*words_of.answers(first.id), [doors.pool(t("返回"))]])


async def _asks(turn: Turn, asked: Request) -> list[Line]:
    name = (await people.names(turn, [asked.member_id]))[asked.member_id]
    listed = await shelf.one(turn.tx, asked.offer_id)
    return [
        t("<b>{name}</b> 想用家庭池换 <b>{what}</b>", name=name, what=_thing(asked, listed)),
        t("要 {points};同意到 {until} 前有效。", points=Points(asked.points), until=asked.ends_at),
    ]


def _thing(asked: Request, listed: Listed) -> Text:
    """What is asked for. What a piece is worth may be another by a special price; how much is asked of a variable voucher is
    not."""
    name = offers.both(listed.offer.name)
    if listed.offer.price.kind == "per_money":
        return t("{name} {value}", name=name, value=Money(asked.amount, listed.money))
    return t("{name} ×{units}", name=name, units=asked.amount) if asked.amount > 1 else t("{name}", name=name)


@feature.tap("answer")
async def answer(turn: Turn, request_id: str, said: str) -> Screen:
    """The head allows it or not, once; whoever asked hears it."""
    rules, allow = turn.programme.families, said == "y"
    asked = await pool_spending.answer(turn.tx, rules, turn.me.id, number(request_id), allow=allow, at=turn.at)
    what = _thing(asked, await shelf.one(turn.tx, asked.offer_id))
    name = (await people.names(turn, [asked.member_id]))[asked.member_id]
    key = f"pool-request:{asked.id}:{asked.state}"
    if allow:
        told: list[Line] = [
            t("家长同意了:<b>{what}</b>", what=what),
            t("{points},从家庭池付。{until} 前换好。", points=Points(asked.points), until=asked.ends_at),
        ]
        go = doors.from_pool(t("去换"), asked.offer_id, asked.amount)
        turn.tell(asked.member_id, screen(told, [[go, doors.home()]]), key=key)
        done: Line = t("同意了,{name} 可以去换了。", name=name)
    else:
        told = [t("家长没有同意:<b>{what}</b>", what=what)]
        turn.tell(asked.member_id, screen(told, [[doors.pool(), doors.home()]]), key=key)
        done = t("没有同意,告诉 {name} 了。", name=name)
    return screen([done], [[doors.pool(), doors.home()]])


# -- its history


@feature.tap("history", reads_only=True)
async def history(turn: Turn, before: str = "0") -> Screen:
    """Shows what went in, out and was spent, by whom, the newest first."""
    mine, _ = await _mine(turn)
    older = number(before)
    found = await statements.history(turn.tx, pools.owner(mine.family.id), before=older or None, limit=LINES_A_PAGE + 1)
    shown, more = found[:LINES_A_PAGE], len(found) > LINES_A_PAGE
    names = await known.read(turn.tx)
    whose = {who for line in shown if (who := _who(line)) is not None}
    named = await people.names(turn, whose)
    lines: list[Line] = [t("<b>家庭池明细</b>"), BLANK]
    for line in shown:
        who, on = _who(line), line.occurred_at.astimezone(turn.zone).date()
        facts = {"on": on, "change": change(line, names), "what": of_pool(line)}
        if who is None:
            lines.append(t("{on} {change} · {what}", **facts))
        else:
            lines.append(t("{on} {change} · {who} {what}", who=named[who], **facts))
    if not shown:
        lines.append(t("还没有记录。"))
    rows: list[list[Button | None]] = [
        [
            feature.button(t("回到最新"), "history", 0) if older else None,
            feature.button(t("更早"), "history", shown[-1].entry_id) if more else None,
        ],
        [doors.pool(t("返回"))],
    ]
    return screen(lines, rows)


def _who(line: statements.Line) -> int | None:
    """Whose doing it was."""
    if line.counter is not None and line.counter.kind == "member":
        return line.counter.id
    by = line.facts.get("by")
    return int(by) if by is not None else None
