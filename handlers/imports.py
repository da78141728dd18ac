"""Importing files at a merchant: choose what, send the file, see what it would do, say yes, read what became of every row."""

from __future__ import annotations

import asyncio

from chat import desk_doors, imports, known, till
from chat.arguments import number
from chat.csv_file import csv_file
from chat.feature import Feature
from chat.imports import REPORT_ROWS, shown
from chat.merchant_log import FILE_KINDS
from chat.screen import BLANK, Button, File, Line, Screen, screen
from chat.till import Post
from chat.turn import Turn
from chat.words import Both, Text, t, tn
from chat.xlsx_file import xlsx_file
from ledger.imports import files, kinds, members, rows
from ledger.imports.files import ImportFile
from ledger.imports.kinds import COLUMNS, Kind
from ledger.imports.reading import BYTES_MOST, ROWS_MOST
from ledger.merchants import log
from ledger.redeeming import code_pools, offer_drafts

feature = Feature("imports", order=79)

LISTED = 5
POOLS_SHOWN = 8


async def reached(turn: Turn, merchant: object) -> Post:
    """The merchant where this person may import. `NotStaff`, `NotAllowed`."""
    post = await till.post_at(turn, number(str(merchant)))
    post.staff.demand("import_files")
    return post


def kind_of(said: str) -> Kind:
    """The kind that a button names; the first for any other word."""
    return next((kind for kind in kinds.KINDS if kind == said), kinds.KINDS[0])


@feature.tap("home")
async def home(turn: Turn, merchant: str) -> Screen:
    """Shows what can be imported, the latest files, and what is left of partner codes."""
    return await front(turn, await reached(turn, merchant))


async def front(turn: Turn, post: Post, first: Line | None = None) -> Screen:
    """What can be imported at a merchant."""
    turn.finish()
    here = post.merchant.id
    sent = await files.latest(turn.tx, here, limit=LISTED)
    pools = await code_pools.counts(turn.tx, here, today=turn.today)
    lines: list[Line | None] = [
        first,
        t("<b>导入</b> · {merchant}", merchant=post.where),
        t("先核对,您确认以后才入账;同一份再发一次也不会重复。"),
        BLANK if pools else None,
        *(
            t("券码池 {pool}:可用 {free},已发 {taken}", pool=pool.name, free=pool.free, taken=pool.taken)
            for pool in pools[:POOLS_SHOWN]
        ),
        BLANK if sent else None,
        t("最近的文件:") if sent else None,
    ]
    choices = [feature.button(words, "kind", here, kind) for kind, words in FILE_KINDS.items()]
    seen: list[list[Button | None]] = [[desk_doors.import_file(here, each.id, label(each))] for each in sent]
    return screen(lines, [choices[:2], choices[2:4], choices[4:], *seen, [desk_doors.merchant(t("返回"), here)]])


def label(file: ImportFile) -> Text:
    """A file on a button."""
    return t(
        "{on} · {kind} · {state}",
        on=file.made_at,
        kind=FILE_KINDS[file.kind],
        state=imports.STATES[file.state],
    )


@feature.tap("kind")
async def kind_(turn: Turn, merchant: str, kind: str) -> Screen:
    """Asks for the file."""
    post, wanted = await reached(turn, merchant), kind_of(kind)
    turn.goto(feature.at("file"), merchant=post.merchant.id, kind=wanted)
    return await awaited(turn, post, wanted)


async def awaited(turn: Turn, post: Post, kind: Kind, first: Line | None = None) -> Screen:
    """Says what is awaited."""
    here = post.merchant.id
    draft = kind == "codes" and await offer_drafts.for_codes(turn.tx, here, turn.me.id)
    needed = [imports.heading(kind, each.field) for each in COLUMNS[kind] if each.needed]
    others = [imports.heading(kind, each.field) for each in COLUMNS[kind] if not each.needed]
    megabytes = BYTES_MOST // 1_000_000
    lines: list[Line | None] = [
        first,
        t("<b>导入{kind}</b> · {merchant}", kind=FILE_KINDS[kind], merchant=post.where),
        ABOUT[kind],
        BLANK,
        t("要有的列:{columns}", columns=_all(needed)),
        t("可以有的列:{columns}", columns=_all(others)) if others else None,
        t("把 CSV 或 Excel 文件发给我,最多 {rows} 行、{size} MB。", rows=ROWS_MOST, size=megabytes),
    ]
    templates: list[Button | None] = [
        feature.button(t("模板 CSV"), "template", here, kind, "csv"),
        feature.button(t("模板 Excel"), "template", here, kind, "xlsx"),
    ]
    ways = [desk_doors.offer_draft(here, t("接着写草稿")) if draft else None, feature.button(t("返回"), "home", here)]
    return screen(lines, [templates, ways])


ABOUT = {
    "purchases": t("按现在的规则给积分。同一单号的几行算一单;同一单号只记一次。"),
    "members": t("每位顾客一个账户,没有认领以前积分存在里面。导完给您认领码,转交给顾客。"),
    "balances": t("顾客原来有的积分,每位一次,计入您的保证金。"),
    "used_vouchers": t("断网时收下的券,每张核销一次。别处用过、撤回或过期的,报告里写明,由店里承担。"),
    "codes": t("合作方的券码,加密存放,以后谁也看不到,只在发出时给领到的人看。"),
}


def _all(columns: list[Both]) -> Both:
    return Both("、".join(each.zh for each in columns), ", ".join(each.en for each in columns))


@feature.tap("template")
async def template(turn: Turn, merchant: str, kind: str, form: str) -> list[Screen]:
    """Hands over an empty file with the right columns."""
    post, wanted = await reached(turn, merchant), kind_of(kind)
    turn.goto(feature.at("file"), merchant=post.merchant.id, kind=wanted)
    table = imports.template(wanted, turn.speaker)
    content = xlsx_file(table, wanted) if form == "xlsx" else csv_file(table)
    name = f"{wanted}.xlsx" if form == "xlsx" else f"{wanted}.csv"
    said = t("{kind}的模板。第二行是例子,换成您的。", kind=FILE_KINDS[wanted])
    return [screen([said], file=File(name, content)), await awaited(turn, post, wanted)]


@feature.step("file")
async def names_given(turn: Turn, said: str) -> Screen:
    """Keeps what somebody writes about the names of columns, for the file that follows."""
    data = turn.dialogue.data
    post, kind = await reached(turn, data["merchant"]), kind_of(data["kind"])
    if "=" not in said and "=" not in said:
        return await awaited(turn, post, kind)
    named = {**data.get("named", {}), **kinds.named(kind, said)}
    turn.goto(feature.at("file"), merchant=post.merchant.id, kind=kind, named=named)
    return await awaited(turn, post, kind, t("列名记下了,请发文件。"))


@feature.file_step("file")
async def sent(turn: Turn) -> Screen:
    """Takes the file; it is fetched and tried afterwards."""
    data, given = turn.dialogue.data, turn.file
    post, kind = await reached(turn, data["merchant"]), kind_of(data["kind"])
    if given is None or given.kind == "photo":
        return await awaited(turn, post, kind, t("这是图片。请作为文件发。"))
    named = dict(data.get("named", {}))
    if "=" in given.caption or "=" in given.caption:
        named |= kinds.named(kind, given.caption)
    file = await files.receive(
        turn.tx,
        turn.vault,
        merchant_id=post.merchant.id,
        kind=kind,
        name=given.name,
        by=post.staff.actor,
        now=turn.now,
        telegram_file=given.file_id,
        size=given.size,
        member_id=turn.me.id,
        history=True,
        named=named,
    )
    turn.finish()
    lines: list[Line | None] = [
        t("<b>收到了,正在核对</b>"),
        t("{kind} · {name}", kind=FILE_KINDS[kind], name=file.name)
        if file.name
        else t("{kind}", kind=FILE_KINDS[kind]),
        t("还没有改动任何东西。核对完告诉您。"),
    ]
    return screen(lines, imports.buttons(file, draft=await imports.awaited_by(turn.tx, file)))


async def file_at(turn: Turn, merchant: str, import_id: str) -> tuple[Post, ImportFile]:
    """A file of the merchant's. `NoSuchImport` for another's."""
    post = await reached(turn, merchant)
    return post, await files.one(turn.tx, post.merchant.id, number(import_id))


async def about(turn: Turn, post: Post, file: ImportFile) -> Screen:
    """Where a file stands."""
    problems = await rows.page(turn.tx, turn.vault, file, limit=imports.PROBLEMS_SHOWN, refused_only=True)
    again = await files.same_before(turn.tx, file) if file.state == "tried" else None
    draft = await imports.awaited_by(turn.tx, file)
    return shown(file, post.merchant, await known.read(turn.tx), problems, again, draft=draft)


@feature.tap("open")
async def open_(turn: Turn, merchant: str, import_id: str) -> Screen:
    """Shows where a file stands."""
    turn.finish()
    return await about(turn, *await file_at(turn, merchant, import_id))


@feature.tap("confirm")
async def confirm(turn: Turn, merchant: str, import_id: str) -> Screen:
    """Lets a file run."""
    post, before = await file_at(turn, merchant, import_id)
    file = await files.confirm(turn.tx, post.merchant.id, before.id, by=post.staff.actor, now=turn.now)
    if before.state == "tried":
        facts = {"kind": file.kind, "rows": file.row_count, "file": file.id}
        await log.write(turn.tx, post.merchant.id, "file_imported", who=post.staff.actor, at=turn.now, **facts)
    return await about(turn, post, file)


@feature.tap("drop")
async def drop(turn: Turn, merchant: str, import_id: str) -> Screen:
    """Lets nothing come of a file."""
    post = await reached(turn, merchant)
    await files.drop(turn.tx, post.merchant.id, number(import_id), now=turn.now)
    return await front(turn, post, t("不导入了,什么都没有改动。"))


@feature.tap("report")
async def report(turn: Turn, merchant: str, import_id: str, form: str, after: str = "0") -> Screen:
    """Hands over every row with what became of it, some thousands at a time."""
    post, file = await file_at(turn, merchant, import_id)
    here = post.merchant.id
    found = await rows.page(turn.tx, turn.vault, file, after=number(after), limit=REPORT_ROWS)
    codes = await members.claim_codes(turn.tx, turn.vault, file, found, now=turn.now)
    table = imports.report(file, found, codes, turn.speaker)
    form = "xlsx" if form == "xlsx" else "csv"
    # A workbook of thousands of rows takes a while, and others are waiting.
    made = asyncio.to_thread(xlsx_file, table, f"import-{file.id}") if form == "xlsx" else None
    content = csv_file(table) if made is None else await made
    lines: list[Line | None] = [
        t("{kind} · {merchant}", kind=FILE_KINDS[file.kind], merchant=post.where),
        tn("{n} 行", n=len(found)),
        t("认领码只在导入后 {days} 天内看得到,用过的不再显示。", days=members.CODES_DAYS) if codes else None,
    ]
    further = t("后面的 {count} 行", count=REPORT_ROWS)
    back: list[list[Button | None]] = [
        [
            feature.button(further, "report", here, file.id, form, found[-1].number)
            if len(found) == REPORT_ROWS
            else None
        ],
        [desk_doors.import_file(here, file.id, t("返回"))],
    ]
    return screen(lines, back, file=File(f"import-{file.id}.{form}", content), fresh=True, protect=bool(codes))
