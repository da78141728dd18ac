"""A merchant's outlets and tills, as those who run it arrange them."""

from __future__ import annotations

from typing import get_args

from chat import desk_doors, till
from chat import merchants as words
from chat.arguments import number
from chat.feature import Feature
from chat.merchant_log import OUTLET_FIELDS
from chat.screen import Button, Line, Screen, grid, screen
from chat.till import Post
from chat.turn import Turn
from chat.words import Text, t, tn
from ledger.merchants import outlets
from ledger.merchants.outlets import Outlet
from ledger.redeeming import booking_outlets

feature = Feature("outlets", order=78)

PER_PAGE = 8
SAME = "-"
"""In a button: the merchant's own region."""

ASKED: dict[str, Text] = {
    "name": t("门店叫什么?发给我,比如「南京路店」。"),
    "address": t("在什么地方?把地址发给我。"),
    "hours": t("什么时候营业?发给我,比如「每天 9:00–21:00」。"),
}


@feature.tap("list")
async def list_(turn: Turn, merchant: str = "0", page: str = "0") -> Screen:
    """Lists the outlets."""
    turn.finish()
    post = await till.place(turn, number(merchant))
    if isinstance(post, list):
        return till.choose(post, lambda label, where: feature.button(label, "list", where))
    post.staff.demand("run_outlets")
    found, at = await outlets.of(turn.tx, post.merchant.id), number(page)
    here = post.merchant.id
    lines: list[Line] = [
        t("<b>门店</b> · {merchant}", merchant=post.where),
        tn("{n} 家。会员按地区和行业能找到它们。", n=len(found))
        if found
        else t("还没有门店。开一家,会员就知道上哪儿去;设了收银台,小票上就有它。"),
    ]
    rows: list[list[Button | None]] = [
        [
            feature.button(
                t("{name} · {region}", name=each.name, region=place_of(turn, post, each)), "open", here, each.id
            )
        ]
        for each in found[at * PER_PAGE : (at + 1) * PER_PAGE]
    ]
    rows += [
        [
            feature.button(t("上一页"), "list", here, at - 1) if at else None,
            feature.button(t("下一页"), "list", here, at + 1) if len(found) > (at + 1) * PER_PAGE else None,
        ],
        [feature.button(t("新开门店"), "add", here)],
        [desk_doors.merchant(t("返回"), here)],
    ]
    return screen(lines, rows)


@feature.tap("open")
async def open_(turn: Turn, merchant: str, outlet_id: str) -> Screen:
    """Opens one outlet."""
    turn.finish()
    post = await till.post_at(turn, number(merchant))
    post.staff.demand("run_outlets")
    return about(turn, post, await outlets.one(turn.tx, post.merchant.id, number(outlet_id)))


def about(turn: Turn, post: Post, outlet: Outlet) -> Screen:
    """An outlet, its tills, and what can be changed."""
    here = post.merchant.id
    lines: list[Line | None] = [
        t("<b>{name}</b> · {merchant}", name=outlet.name, merchant=post.where),
        t("地区:{region}", region=place_of(turn, post, outlet)),
        t("地址:{address}", address=outlet.address) if outlet.address else None,
        t("营业时间:{hours}", hours=outlet.hours) if outlet.hours else None,
        tn("收银台 {n} 个,点开可以撤掉", n=len(outlet.tills)) if outlet.tills else t("还没有收银台"),
    ]
    tills = [feature.button(t("{label}", label=each.label), "till", here, each.id) for each in outlet.tills]
    rows = grid(tills, 3)
    rows += [
        [feature.button(t("加收银台"), "till_add", here, outlet.id)],
        [
            feature.button(t("改名称"), "edit", here, outlet.id, "name"),
            feature.button(t("改地区"), "region", here, outlet.id),
        ],
        [
            feature.button(t("改地址"), "edit", here, outlet.id, "address"),
            feature.button(t("改营业时间"), "edit", here, outlet.id, "hours"),
        ],
        [feature.button(t("关闭门店"), "close", here, outlet.id, style="danger")],
        [feature.button(t("返回"), "list", here, 0)],
    ]
    return screen(lines, rows)


@feature.tap("add")
async def add(turn: Turn, merchant: str) -> Screen:
    """Asks what a new outlet is called."""
    post = await till.post_at(turn, number(merchant))
    post.staff.demand("run_outlets")
    turn.goto(feature.at("name"), merchant=post.merchant.id)
    cancel = feature.button(t("取消"), "list", post.merchant.id, 0)
    return screen([t("<b>新开门店</b> · {merchant}", merchant=post.where), ASKED["name"]], [[cancel]])


@feature.step("name")
async def name_typed(turn: Turn, said: str) -> Screen:
    """Opens the outlet; the rest is asked on its own screen."""
    post = await till.post_at(turn, turn.dialogue.data["merchant"])
    made = await outlets.open_outlet(turn.tx, by=post.staff, name=said, now=turn.now)
    turn.finish()
    return about(turn, post, made)


@feature.tap("edit")
async def edit(turn: Turn, merchant: str, outlet_id: str, field: str) -> Screen:
    """Asks for a text of the outlet anew."""
    post = await till.post_at(turn, number(merchant))
    post.staff.demand("run_outlets")
    outlet = await outlets.one(turn.tx, post.merchant.id, number(outlet_id))
    if field not in get_args(outlets.Text):
        return about(turn, post, outlet)
    turn.goto(feature.at("text"), merchant=post.merchant.id, outlet=outlet.id, field=field)
    lines: list[Line] = [
        t("<b>{name}</b> · {field}", name=outlet.name, field=OUTLET_FIELDS[field]),
        ASKED[field],
    ]
    return screen(lines, [[feature.button(t("取消"), "open", post.merchant.id, outlet.id)]])


@feature.step("text")
async def text_typed(turn: Turn, said: str) -> Screen:
    """Changes a text of the outlet."""
    data = turn.dialogue.data
    post = await till.post_at(turn, data["merchant"])
    changed = await outlets.change(turn.tx, data["outlet"], data["field"], said, by=post.staff, now=turn.now)
    turn.finish()
    return about(turn, post, changed)


@feature.tap("region")
async def region(turn: Turn, merchant: str, outlet_id: str) -> Screen:
    """Asks in which region the outlet is."""
    post = await till.post_at(turn, number(merchant))
    post.staff.demand("run_outlets")
    outlet = await outlets.one(turn.tx, post.merchant.id, number(outlet_id))
    here = post.merchant.id
    buttons = [
        feature.button(t("{region}", region=words.region(turn.programme, each.code)), "put", here, outlet.id, each.code)
        for each in turn.programme.regions
    ]
    same = words.region(turn.programme, post.merchant.region)
    rows = grid(buttons, 3)
    rows += [
        [feature.button(t("和商户一样({region})", region=same), "put", here, outlet.id, SAME)],
        [feature.button(t("返回"), "open", here, outlet.id)],
    ]
    lines: list[Line] = [
        t("<b>{name}</b> · 地区", name=outlet.name),
        t("在这里的消费算哪个地区?只在某地有效的规则看它。"),
    ]
    return screen(lines, rows)


@feature.tap("put")
async def put(turn: Turn, merchant: str, outlet_id: str, code: str) -> Screen:
    """Puts the outlet into a region."""
    post = await till.post_at(turn, number(merchant))
    known = {each.code for each in turn.programme.regions}
    where = code if code in known else None
    changed = await outlets.change(turn.tx, number(outlet_id), "region", where, by=post.staff, now=turn.now)
    return about(turn, post, changed)


@feature.tap("close")
async def close(turn: Turn, merchant: str, outlet_id: str) -> Screen:
    """Asks before an outlet is closed."""
    post = await till.post_at(turn, number(merchant))
    post.staff.demand("run_outlets")
    outlet = await outlets.one(turn.tx, post.merchant.id, number(outlet_id))
    here = post.merchant.id
    yes = feature.button(t("确认关闭"), "closed", here, outlet.id, style="danger")
    lines: list[Line] = [
        t("关闭 <b>{name}</b>?", name=outlet.name),
        t("它和它的收银台不再出现;以前的记录都留着。"),
    ]
    booked = await booking_outlets.to_come(turn.tx, here, outlet.id, now=turn.at.programme_now)
    if booked:
        lines += [
            tn("这里还有 <b>{n} 个</b>预约,都照旧;不再接受新的。", n=booked),
            t("要取消它们,先去预约日历关掉那几天。"),
        ]
    ways = [desk_doors.calendar(here)] if booked else []
    return screen(lines, [ways, [yes, feature.button(t("不关"), "open", here, outlet.id)]])


@feature.tap("closed")
async def closed(turn: Turn, merchant: str, outlet_id: str) -> Screen:
    """Closes an outlet; a second tap shows the list again."""
    post = await till.post_at(turn, number(merchant))
    if any(each.id == number(outlet_id) for each in await outlets.of(turn.tx, post.merchant.id)):
        await outlets.close_outlet(turn.tx, number(outlet_id), by=post.staff, now=turn.now)
    return await list_(turn, merchant)


@feature.tap("till_add")
async def till_add(turn: Turn, merchant: str, outlet_id: str) -> Screen:
    """Asks what a new till is called."""
    post = await till.post_at(turn, number(merchant))
    post.staff.demand("run_outlets")
    outlet = await outlets.one(turn.tx, post.merchant.id, number(outlet_id))
    turn.goto(feature.at("label"), merchant=post.merchant.id, outlet=outlet.id)
    lines: list[Line] = [
        t("<b>{name}</b> · 加收银台", name=outlet.name),
        t("小票上怎么称呼它?发给我,比如「1号台」。"),
    ]
    return screen(lines, [[feature.button(t("取消"), "open", post.merchant.id, outlet.id)]])


@feature.step("label")
async def label_typed(turn: Turn, said: str) -> Screen:
    """Sets up the till."""
    data = turn.dialogue.data
    post = await till.post_at(turn, data["merchant"])
    await outlets.open_till(turn.tx, data["outlet"], said, by=post.staff, now=turn.now)
    turn.finish()
    return about(turn, post, await outlets.one(turn.tx, post.merchant.id, data["outlet"]))


@feature.tap("till")
async def till_(turn: Turn, merchant: str, till_id: str) -> Screen:
    """Opens one till."""
    post = await till.post_at(turn, number(merchant))
    post.staff.demand("run_outlets")
    one = await outlets.till(turn.tx, post.merchant.id, number(till_id))
    outlet = await outlets.one(turn.tx, post.merchant.id, one.outlet_id)
    here = post.merchant.id
    lines: list[Line] = [
        t("<b>{till}</b> · {outlet}", till=one.label, outlet=outlet.name),
        t("撤掉后不能再在这里开班;以前的小票不变。"),
    ]
    off = feature.button(t("撤掉"), "till_close", here, one.id, style="danger")
    return screen(lines, [[off, feature.button(t("返回"), "open", here, outlet.id)]])


@feature.tap("till_close")
async def till_close(turn: Turn, merchant: str, till_id: str) -> Screen:
    """Takes a till away."""
    post = await till.post_at(turn, number(merchant))
    gone = await outlets.close_till(turn.tx, number(till_id), by=post.staff, now=turn.now)
    return about(turn, post, await outlets.one(turn.tx, post.merchant.id, gone.outlet_id))


def place_of(turn: Turn, post: Post, outlet: Outlet) -> object:
    """An outlet's region, or the merchant's where it has none of its own."""
    return words.region(turn.programme, outlet.region or post.merchant.region)
