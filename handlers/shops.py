"""The coalition's merchants, for members: those of a region and a trade, what each gives and takes, how green it is, and where."""

from __future__ import annotations

from chat import doors, known, merchants, rules
from chat.arguments import number
from chat.feature import Feature
from chat.screen import BLANK, Button, Line, Screen, grid, screen
from chat.turn import Turn
from chat.words import Both, Text, t, tn
from ledger.earning import green_rating, rulebook
from ledger.earning.green_rating import Rating
from ledger.merchants import directory, outlets
from ledger.merchants import merchant as ledger_merchants
from ledger.merchants.merchant import Merchant
from ledger.merchants.outlets import Outlet

feature = Feature("shops", order=34)

PER_PAGE = 8
OUTLETS_SHOWN = 6
ANY = "-"
"""In a button: every region, every trade."""


@feature.command("shops", t("附近的商户"), said="附近,商户,门店,哪些店,shops,stores,merchants,nearby")
async def command(turn: Turn, words: str = "") -> Screen:
    """Lists the merchants of the member's region."""
    return await home(turn)


@feature.tap("home")
async def home(turn: Turn) -> Screen:
    """Lists the merchants of the member's region; of all, where they have not said one."""
    return await list_(turn, turn.me.region or ANY, ANY, "0")


@feature.tap("list")
async def list_(turn: Turn, region: str, category: str, page: str = "0") -> Screen:
    """Lists merchants, with their green letters."""
    at = number(page)
    here, trade = named_region(turn, region), None if category == ANY else category
    found = await directory.find(turn.tx, region=here, category=trade, offset=at * PER_PAGE, limit=PER_PAGE + 1)
    shown = found[:PER_PAGE]
    rated = await green_rating.ratings(turn.tx, [each.id for each in shown], turn.programme.green_scale)
    where = merchants.region(turn.programme, here) if here else t("所有地区")
    lines: list[Line] = [
        t("<b>商户</b> · {where} · {trade}", where=where, trade=merchants.category(trade) if trade else t("所有行业")),
        t("在这些店消费得分,拿分来花。") if shown else t("这里还没有这一类的商户。"),
    ]
    rows: list[list[Button | None]] = []
    for each in shown:
        facts: dict[str, object] = {
            "name": Both(each.name_zh, each.name_en),
            "trade": merchants.category(each.category),
            "letter": rated[each.id].letter,
        }
        label = t("{name} · {trade}", **facts)
        if rated[each.id].letter is not None:
            label = t("{name} · {trade} · 绿色 {letter}", **facts)
        rows.append([feature.button(label, "open", each.id)])
    rows += [
        [
            feature.button(t("上一页"), "list", region, category, at - 1) if at else None,
            feature.button(t("下一页"), "list", region, category, at + 1) if len(found) > PER_PAGE else None,
        ],
        [
            feature.button(t("换地区"), "regions", category) if turn.programme.regions else None,
            feature.button(t("换行业"), "trades", region),
        ],
        [doors.catalog(), doors.home()],
    ]
    return screen(lines, rows)


def named_region(turn: Turn, code: str) -> str | None:
    """A region of the programme; None for all."""
    return next((each.code for each in turn.programme.regions if each.code == code), None)


@feature.tap("regions")
async def regions(turn: Turn, category: str) -> Screen:
    """Asks where."""
    buttons = [
        feature.button(t("{region}", region=Both(each.name_zh, each.name_en)), "list", each.code, category, 0)
        for each in turn.programme.regions
    ]
    rows = grid(buttons, 3)
    rows.append([feature.button(t("所有地区"), "list", ANY, category, 0), doors.home()])
    return screen([t("看哪里的商户?")], rows)


@feature.tap("trades")
async def trades(turn: Turn, region: str) -> Screen:
    """Asks which trade."""
    there = await directory.categories(turn.tx, region=named_region(turn, region))
    buttons = [
        feature.button(t("{trade} {n}", trade=merchants.category(code), n=there[code]), "list", region, code, 0)
        for code in sorted(there)
    ]
    rows = grid(buttons, 2)
    rows.append([feature.button(t("所有行业"), "list", region, ANY, 0), doors.home()])
    return screen([t("看哪一行的?")], rows)


@feature.tap("open")
async def open_(turn: Turn, merchant_id: str) -> Screen:
    """Opens one merchant: what it gives, what it takes, how green it is, where it is."""
    merchant = await ledger_merchants.by_id(turn.tx, number(merchant_id))
    if merchant.status not in ("certified", "suspended"):
        raise ledger_merchants.NoSuchMerchant(merchant_id)
    places = near_first(turn, merchant, await outlets.of(turn.tx, merchant.id))
    rated = (await green_rating.ratings(turn.tx, [merchant.id], turn.programme.green_scale))[merchant.id]
    lines: list[Line | None] = [
        t(
            "<b>{name}</b> · {trade} · {region}",
            name=Both(merchant.name_zh, merchant.name_en),
            trade=merchants.category(merchant.category),
            region=merchants.region(turn.programme, merchant.region),
        ),
        BLANK,
        *await gives(turn, merchant),
        await takes(turn, merchant),
        green(rated),
    ]
    if places:
        lines.append(BLANK)
    lines += [place_line(each) for each in places[:OUTLETS_SHOWN]]
    if len(places) > OUTLETS_SHOWN:
        lines.append(tn("还有 {n} 家门店", n=len(places) - OUTLETS_SHOWN))
    rows: list[list[Button | None]] = [
        [doors.card(t("出示会员码")), doors.merchant_offers(t("这家能换的"), merchant.id)],
        [feature.button(t("绿色评级怎么算"), "green", merchant.id), feature.button(t("返回"), "home")],
    ]
    return screen(lines, rows)


async def gives(turn: Turn, merchant: Merchant) -> list[Line]:
    """How to earn there, by the rules in force today."""
    if merchant.status_on(turn.today) != "certified":
        return [t("现在不发新积分;您手里的照常能用。")]
    in_force = await rulebook.in_force(turn.tx, merchant.id, turn.today)
    if not in_force:
        return [t("现在没有积分规则,消费不得分")]
    currency = (await known.read(turn.tx)).currency(merchant.terms.currency)
    lines: list[Line] = [t("结账时出示会员码就得分({currency}):", currency=currency)]
    lines += [
        t("· {rule}", rule=rules.line(version, merchant.money, turn.programme, today=turn.today))
        for version in in_force
    ]
    days = merchant.terms.return_days
    lines.append(tn("退货期 {n} 天,过后生效", n=days) if days else t("得分马上可用"))
    return lines


async def takes(turn: Turn, merchant: Merchant) -> Text:
    """Which points are good there."""
    own = (await known.read(turn.tx)).currency(merchant.terms.currency)
    if merchant.terms.currency == turn.programme.common_currency:
        return t("收联盟积分") if merchant.terms.accepts_common else t("只发不收")
    if merchant.terms.accepts_common:
        return t("收{own}和联盟积分", own=own)
    return t("只收{own}", own=own)


def near_first(turn: Turn, merchant: Merchant, places: list[Outlet]) -> list[Outlet]:
    """Those in the member's region first."""
    return sorted(places, key=lambda each: (each.region or merchant.region) != turn.me.region)


def place_line(outlet: Outlet) -> Text:
    """An outlet on a line: name, address, hours, as far as they are known."""
    facts = {"name": outlet.name, "address": outlet.address, "hours": outlet.hours}
    if outlet.address and outlet.hours:
        return t("{name} · {address} · {hours}", **facts)
    if outlet.address:
        return t("{name} · {address}", **facts)
    return t("{name} · {hours}", **facts) if outlet.hours else t("{name}", **facts)


def green(rated: Rating) -> Text:
    """The green letter, or why there is none."""
    if rated.letter is None:
        return t("绿色评级:还没有")
    return t("绿色评级 <b>{letter}</b>:绿色商品占 {share}%", letter=rated.letter, share=percent(rated.per_mille))


def percent(per_mille: int) -> str:
    """Tenths of a per cent, as people write them."""
    whole, tenth = divmod(per_mille, 10)
    return f"{whole}.{tenth}" if tenth else str(whole)


@feature.tap("green")
async def how_green(turn: Turn, merchant_id: str) -> Screen:
    """Shows how a merchant's green rating is computed, with its own figures."""
    merchant = await ledger_merchants.by_id(turn.tx, number(merchant_id))
    scale = turn.programme.green_scale
    rated = (await green_rating.ratings(turn.tx, [merchant.id], scale))[merchant.id]
    lines: list[Line] = [
        t("<b>绿色评级</b> · {name}", name=Both(merchant.name_zh, merchant.name_en)),
        green(rated),
        BLANK,
        tn("看最近 {n} 天卖出的东西(退货不算):绿色商品的金额 ÷ 全部金额。", n=scale.days),
    ]
    for share in rated.shares:
        facts = {
            "name": merchants.green_class(turn.programme, share.green_class),
            "share": percent(share.per_mille),
            "weight": share.weight,
        }
        lines.append(
            t("{name}:占 {share}%", **facts)
            if share.weight == 100
            else t("{name}:占 {share}%,按 {weight}% 计", **facts)
        )
    if rated.letter is None and rated.missing:
        lines.append(tn("至少要有 {n} 笔才评,还差 {missing} 笔。", n=scale.purchases_min, missing=rated.missing))
    elif rated.letter is None:
        lines.append(t("这家的收银还没有写明哪些是绿色商品。"))
    else:
        lines.append(tn("按 {n} 笔消费算出", n=rated.purchases))
    bands = [
        t("{letter} ≥ {percent}%", letter=band.letter, percent=band.from_percent)
        if band.from_percent
        else t("{letter} 更低", letter=band.letter)
        for band in scale.bands
    ]
    said = bands[0]
    for band in bands[1:]:
        said = t("{one} · {other}", one=said, other=band)
    lines += [BLANK, said]
    return screen(lines, [[feature.button(t("返回"), "open", merchant.id), doors.home()]])
