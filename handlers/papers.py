"""A merchant's certificates and papers, as its owner sees them: until when they are good, and sending in new ones."""

from __future__ import annotations

from typing import get_args

from chat import desk_doors, doors, merchants, operator_doors, till
from chat.arguments import number
from chat.feature import Feature
from chat.merchants import PURPOSES
from chat.screen import BLANK, Button, Line, Screen, grid, screen
from chat.till import Post
from chat.turn import Turn
from chat.words import t, tn
from ledger.members import operators
from ledger.merchants import certificates, files, standing
from ledger.merchants.files import Purpose

feature = Feature("papers", order=79)

SHOWN = 12


@feature.tap("home")
async def home(turn: Turn, merchant: str = "0") -> Screen:
    """Shows certificates with their ends, and the papers."""
    turn.finish()
    post = await till.place(turn, number(merchant))
    if isinstance(post, list):
        return till.choose(post, lambda label, at: feature.button(label, "home", at))
    return await about(turn, post)


async def about(turn: Turn, post: Post, first: Line | None = None) -> Screen:
    """What the merchant is certified on, and what was sent in."""
    post.staff.demand("see_papers")
    here = post.merchant.id
    entered, papers = await certificates.of(turn.tx, here), await files.of_merchant(turn.tx, here)
    now = await standing.of(turn.tx, here)
    lines: list[Line | None] = [
        first,
        t("<b>证书与文件</b> · {merchant}", merchant=post.where),
        t("证书到期,暂停发积分;续期后自动恢复。会员照常能用积分。") if now == standing.LAPSED else None,
        BLANK,
    ]
    for each in (*certificates.counting(entered).values(), *certificates.waiting(entered)):
        lines += merchants.certificate(each, turn.today)
    if not entered:
        lines.append(t("还没有录入证书"))
    lines += [BLANK, tn("文件 {n} 份,点开看", n=len(papers)) if papers else t("没有文件")]
    shown = [
        feature.button(
            t("{purpose} · {on}", purpose=PURPOSES[p.purpose], on=p.added_at.astimezone(turn.zone).date()), "show", p.id
        )
        for p in papers[-SHOWN:]
    ]
    rows = grid(shown, 2)
    rows += [[feature.button(t("提交文件"), "send", here)], [desk_doors.merchant(t("返回"), here)]]
    return screen(lines, rows)


@feature.tap("show")
async def show(turn: Turn, file_id: str) -> Screen:
    """Shows a paper."""
    paper = await files.by_id(turn.tx, number(file_id))
    if paper.merchant_id is None or turn.me.role_at(paper.merchant_id) is None:
        raise files.NoSuchFile(paper.id)
    post = await till.post_at(turn, paper.merchant_id)
    post.staff.demand("see_papers")
    lines: list[Line | None] = [
        t("<b>{purpose}</b> · {when}", purpose=PURPOSES[paper.purpose], when=paper.added_at),
        t("{caption}", caption=paper.caption) if paper.caption else None,
    ]
    return screen(
        lines,
        [[feature.button(t("返回"), "home", post.merchant.id)]],
        file=await merchants.shown(turn.tx, paper),
        protect=True,
    )


@feature.tap("send")
async def send(turn: Turn, merchant: str) -> Screen:
    """Asks what the paper is to prove."""
    post = await till.post_at(turn, number(merchant))
    post.staff.demand("see_papers")
    here = post.merchant.id
    rows: list[list[Button | None]] = [
        [feature.button(words, "as", here, purpose)] for purpose, words in PURPOSES.items()
    ]
    lines: list[Line] = [t("<b>提交文件</b> · {merchant}", merchant=post.where), t("是哪一种?")]
    return screen(lines, [*rows, [feature.button(t("返回"), "home", here)]])


@feature.tap("as")
async def as_(turn: Turn, merchant: str, purpose: str) -> Screen:
    """Asks for the paper."""
    post = await till.post_at(turn, number(merchant))
    post.staff.demand("see_papers")
    if purpose not in get_args(Purpose):
        return await send(turn, merchant)
    turn.goto(feature.at("file"), merchant=post.merchant.id, purpose=purpose)
    return awaited(turn, post)


def awaited(turn: Turn, post: Post) -> Screen:
    """Says what is awaited."""
    lines: list[Line] = [
        t("<b>{purpose}</b> · {merchant}", purpose=PURPOSES[turn.dialogue.data["purpose"]], merchant=post.where),
        t("拍张照,或作为文件发给我。"),
    ]
    return screen(lines, [[feature.button(t("取消"), "home", post.merchant.id)]])


@feature.step("file")
async def words_instead(turn: Turn, said: str) -> Screen:
    """Says that a picture or a file is awaited."""
    return awaited(turn, await till.post_at(turn, turn.dialogue.data["merchant"]))


@feature.file_step("file")
async def sent(turn: Turn) -> Screen:
    """Keeps the paper and tells the operators."""
    data, given = turn.dialogue.data, turn.file
    assert given is not None
    post = await till.post_at(turn, data["merchant"])
    post.staff.demand("see_papers")
    paper = await files.add(
        turn.tx,
        merchant_id=post.merchant.id,
        purpose=data["purpose"],
        kind=given.kind,
        given=given.file_id,
        unique_id=given.unique_id,
        name=given.name,
        size=given.size,
        caption=given.caption,
        by=post.staff.actor,
        now=turn.now,
    )
    turn.finish()
    told: list[Line] = [t("{merchant} 提交了文件:{purpose}", merchant=post.where, purpose=PURPOSES[paper.purpose])]
    for admin in await operators.holders(turn.tx, "admin"):
        rows = [[operator_doors.application(t("看文件"), post.merchant.id), doors.home()]]
        turn.tell(admin, screen(told, rows), key=f"paper:{paper.id}:{admin}")
    return await about(turn, post, first=t("收到了,运营人员会核对。"))
