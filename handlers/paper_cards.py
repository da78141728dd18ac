"""Paper cards for customers without Telegram: a merchant takes numbers in batches and has them printed.

Each batch comes twice: as pages to print, cut and fold oneself (`chat.card_sheet`), and as a table for a print shop, with the
number and the address of its QR code for the front, the claim code and its address for under the scratch field. Codes follow from
the programme's key, so that both can be had again and none is stored.
"""

from __future__ import annotations

import asyncio
from collections.abc import Sequence

from chat import desk_doors, till
from chat.arguments import number
from chat.card_sheet import PER_PAGE, Face, Lettering, card_sheet
from chat.feature import Feature
from chat.screen import BLANK, File, Line, Screen, screen
from chat.till import Post
from chat.turn import Turn
from chat.words import t, tn
from chat.xlsx_file import xlsx_file
from ledger.members import card, walk_ins
from ledger.members.walk_ins import PaperCard
from ledger.merchants import log

feature = Feature("paper", order=77)

SIZES = (50, 200, walk_ins.BATCH_MOST)


@feature.tap("home")
async def home(turn: Turn, merchant: str) -> Screen:
    """What was printed so far, and how many more are wanted."""
    post = await at(turn, merchant)
    here = post.merchant.id
    turn.goto(feature.at("count"), merchant=here, nonce=turn.nonce())
    made = await walk_ins.batches(turn.tx, here)
    lines: list[Line | None] = [
        t("<b>纸卡</b> · {merchant}", merchant=post.where),
        t("给没有 Telegram 的顾客:收银员扫卡记分,顾客以后凭卡里的认领码认领。"),
        BLANK if made else None,
        *(tn("{on} · {n} 张 · 用了 {used}", n=each.cards, used=each.used, on=each.made_at) for each in made),
        BLANK,
        t("要多少张?点一个,或发一个数字,最多 {most}。", most=walk_ins.BATCH_MOST),
    ]
    nonce = turn.dialogue.data["nonce"]
    again = [
        [feature.button(tn("再下载 {on} 的 {n} 张", n=each.cards, on=each.made_at), "again", here, each.id)]
        for each in made
    ]
    sizes = [feature.button(tn("{n} 张", n=size), "make", here, size, nonce) for size in SIZES]
    return screen(lines, [sizes, *again, [desk_doors.merchant(t("返回"), here)]])


@feature.tap("make")
async def make(turn: Turn, merchant: str, count: str, nonce: str) -> Screen | Sequence[Screen]:
    """Makes a batch; a second tap on the same screen makes no other."""
    if turn.dialogue.state != feature.at("count") or turn.dialogue.data.get("nonce") != nonce:
        return await home(turn, merchant)
    return await made(turn, await at(turn, merchant), number(count))


@feature.step("count")
async def count_typed(turn: Turn, said: str) -> Screen | Sequence[Screen]:
    """Makes a batch of the number that was typed."""
    post = await at(turn, str(turn.dialogue.data["merchant"]))
    return await made(turn, post, number(said.strip()))


@feature.tap("again")
async def again(turn: Turn, merchant: str, batch: str) -> Screen | Sequence[Screen]:
    """Hands over a batch once more."""
    post = await at(turn, merchant)
    cards = await walk_ins.cards_of(turn.tx, turn.vault, merchant_id=post.merchant.id, batch=number(batch))
    if not cards:
        return await home(turn, merchant)
    return [*await handed(turn, post, number(batch), cards), await home(turn, merchant)]


async def made(turn: Turn, post: Post, count: int) -> Sequence[Screen]:
    """A new batch, as pages and as a table."""
    here = post.merchant.id
    batch, cards = await walk_ins.print_cards(
        turn.tx, turn.vault, merchant_id=here, count=count, by=post.staff.actor, now=turn.now
    )
    await log.write(turn.tx, here, "cards_printed", who=post.staff.actor, at=turn.now, cards=len(cards), batch=batch)
    return [*await handed(turn, post, batch, cards), await home(turn, str(here))]


async def handed(turn: Turn, post: Post, batch: int, cards: Sequence[PaperCard]) -> list[Screen]:
    """The table for a print shop, and the pages for one's own printer."""
    return [table(turn, post, batch, cards), await pages(turn, post, batch, cards)]


async def pages(turn: Turn, post: Post, batch: int, cards: Sequence[PaperCard]) -> Screen:
    """The pages, drawn beside the event loop: many cards take a second or two."""
    say = turn.speaker.plain
    letters = Lettering(
        shop=say(post.where),
        kind=say(t("积分纸卡")),
        use=say(t("结账时给收银员扫,或报卡号")),
        claim=say(t("认领码")),
        where=say(t("在 Telegram 找 @{bot},发 /claim", bot=turn.bot_username)),
        fold=say(t("先向上折盖住认领码,再一起折到背面粘牢")),
    )
    link = f"https://t.me/{turn.bot_username}?start="
    faces = [Face(each.number, link + card.link(each.number), each.code) for each in cards]
    content = await asyncio.to_thread(card_sheet, faces, letters)
    lines: list[Line] = [
        tn("{n} 张纸卡,自己打印", n=len(cards)),
        t("A4 原大打印,每页 {n} 张。", n=PER_PAGE),
        t("沿实线裁开,照卡上的字折好再发。"),
    ]
    return screen(lines, file=File(f"{post.merchant.code}-cards-{batch}.pdf", content))


def table(turn: Turn, post: Post, batch: int, cards: Sequence[PaperCard]) -> Screen:
    """The table for a print shop."""
    say = turn.speaker.plain
    head: list[object] = [
        say(each) for each in (t("卡号"), t("正面二维码"), t("认领码(涂层下)"), t("认领二维码(涂层下)"))
    ]
    link = f"https://t.me/{turn.bot_username}?start="
    rows = [
        [each.number, link + card.link(each.number), each.code, f"{link}k_{each.code.replace('-', '')}"]
        for each in cards
    ]
    file = File(f"{post.merchant.code}-cards-{batch}.xlsx", xlsx_file([head, *rows], say(t("纸卡"))))
    lines: list[Line] = [
        tn("{n} 张纸卡,交给印刷厂", n=len(cards)),
        t("认领码能把卡上的积分领走:印在涂层下面,表格用完就删。"),
    ]
    return screen(lines, file=file)


async def at(turn: Turn, merchant: str) -> Post:
    """The merchant, for those who may print its cards."""
    post = await till.post_at(turn, number(merchant))
    post.staff.demand("print_cards")
    return post
