"""Imports in words: where a file stands, what became of its rows, reports and templates as tables, every way it says no."""

from __future__ import annotations

import datetime as dt
from collections.abc import Mapping, Sequence
from functools import reduce

from sqlalchemy.ext.asyncio import AsyncConnection

from chat import covers, desk_doors, doors, till  # noqa: F401  (they word what a row may be refused for)
from chat.known import Known
from chat.merchant_log import FILE_KINDS
from chat.refusals import Worded, worded, wording
from chat.screen import BLANK, Button, Line, Screen, screen
from chat.words import Both, Speaker, Text, t, tn
from ledger.errors import Refusal
from ledger.imports import balances, files, kinds, lines, parsed, reading
from ledger.imports.files import ImportFile, State, Trouble
from ledger.imports.kinds import COLUMNS, Field, Kind
from ledger.imports.rows import ImportRow, Outcome
from ledger.merchants.merchant import Merchant
from ledger.redeeming import code_pools, offer_drafts

OUTCOMES: Mapping[Outcome, Text] = {
    "waiting": t("还没处理"),
    "would": t("可以导入"),
    "done": t("已导入"),
    "already": t("以前导入过"),
    "refused": t("没有导入"),
}
STATES: Mapping[State, Text] = {
    "sent": t("正在取文件"),
    "received": t("正在读文件"),
    "read": t("正在核对"),
    "tried": t("等您确认"),
    "running": t("正在导入"),
    "done": t("导入完毕"),
    "refused": t("没有接受"),
    "dropped": t("已取消"),
    "stopped": t("停下了"),
}

PROBLEMS_SHOWN = 5
PROBLEM_LONGEST = 90
REPORT_ROWS = 5_000
"""Of one report file: what still travels well through a chat."""


def heading(kind: Kind, field: Field) -> Both:
    """How a column is headed."""
    column = kinds.column(kind, field)
    return Both(column.zh, column.en)


def trouble(no: Refusal, *, today: dt.date, zone: dt.tzinfo) -> Trouble:
    """A refusal as it is kept with a row or a file: in both languages."""
    said = wording(no)
    parts = [each for each in (said.headline, said.detail) if each is not None]
    zh, en = (Speaker(language, today, zone) for language in ("zh", "en"))
    return Trouble(
        no.code, "。".join(zh.plain(p).rstrip("。") for p in parts), ". ".join(en.plain(p).rstrip(".") for p in parts)
    )


GONE = t("Telegram 没有把文件给我们,请再发一次")


def broken(code: str) -> Text:
    """Our fault; `code` is what an operator finds it by."""
    return t("处理时出错了,已导入的不受影响。告诉运营人员编号 {code}。", code=code)


def in_both(code: str, said: Text) -> Trouble:
    """Words of our own as they are kept with a file."""
    day = dt.date.min  # they name none
    return Trouble(code, Speaker("zh", day).plain(said), Speaker("en", day).plain(said))


def says(why: Trouble) -> Both:
    """Why, in the reader's language."""
    return Both(why.zh, why.en)


def counts(file: ImportFile) -> Text:
    """«1,204 行:1,198 行可导入,6 行有问题»."""
    good = t("{count} 行已导入", count=file.good) if file.state == "done" else t("{count} 行可导入", count=file.good)
    parts = [
        good,
        *([t("{count} 行以前导入过", count=file.known)] if file.known else []),
        *([t("{count} 行有问题", count=file.bad)] if file.bad else []),
    ]
    return tn("<b>{n} 行</b>:{what}", n=file.row_count, what=_listed(parts))


def _listed(parts: Sequence[Text]) -> Text:
    return reduce(lambda some, one: t("{some},{one}", some=some, one=one), parts)


def about(
    file: ImportFile, merchant: Merchant, names: Known, problems: Sequence[ImportRow], again: ImportFile | None = None
) -> list[Line]:
    """Where a file stands: the number first, what it would issue, its first problems. `again`: the same was imported before."""
    told: list[Line | None] = []
    match file.state:
        case "tried" | "done":
            told.append(counts(file))
        case "read" | "running" | "stopped" if file.row_count:
            told.append(tn("<b>{done} / {n} 行</b>", n=file.row_count, done=file.worked))
        case _:
            told.append(t("<b>{state}</b>", state=STATES[file.state]))
    told.append(t("{kind} · {merchant}", kind=FILE_KINDS[file.kind], merchant=till.name_of(merchant)))
    told.append(t("文件 {name}", name=file.name) if file.name else None)
    told.append(t("{state}", state=STATES[file.state]))
    if file.points:
        issued = names.points(merchant.terms.currency, file.points)
        told.append(t("发出 {points}", points=issued) if file.confirmed_at else t("会发出 {points}", points=issued))
    if again is not None and again.done_at is not None:
        told.append(t("同样的文件 {when} 导入过;导入过的行不会再算一次。", when=again.done_at))
    if file.trouble is not None:
        told += [BLANK, t("{why}", why=says(file.trouble))]
    if problems:
        told.append(BLANK)
        told += [problem(row) for row in problems[:PROBLEMS_SHOWN]]
    return [line for line in told if line is not None]


def problem(row: ImportRow) -> Text:
    """One row's problem on a line."""
    assert row.trouble is not None
    why = Both(row.trouble.zh[:PROBLEM_LONGEST], row.trouble.en[:PROBLEM_LONGEST])
    return t("第 {number} 行:{why}", number=str(row.number), why=why)


async def awaited_by(tx: AsyncConnection, file: ImportFile) -> bool:
    """Whether whoever sent it is writing an offer that its codes may be for."""
    if file.kind != "codes" or file.member_id is None:
        return False
    return await offer_drafts.for_codes(tx, file.merchant_id, file.member_id)


def buttons(file: ImportFile, *, draft: bool = False) -> list[list[Button | None]]:
    """What can be done with a file now; `draft`: an offer is being written that its codes may be for."""
    here, under_way = file.merchant_id, file.state in ("sent", "received", "read", "running")
    rows: list[list[Button | None]] = []
    if file.state == "tried" and file.good:
        rows.append([desk_doors.confirm_import(here, file.id, tn("确认导入 {n} 行", n=file.good))])
    if file.state == "stopped":
        rows.append([desk_doors.confirm_import(here, file.id, t("接着导入"))])
    if file.row_count and file.key is not None and file.state in ("tried", "done", "stopped"):
        rows.append([desk_doors.import_report(here, file.id, "csv"), desk_doors.import_report(here, file.id, "xlsx")])
    rows.append(
        [
            desk_doors.import_file(here, file.id, t("看进度")) if under_way else None,
            desk_doors.drop_import(here, file.id) if file.state in ("sent", "received", "read", "tried") else None,
            desk_doors.imports(here, t("再导一份")) if file.state in ("refused", "done") else None,
        ]
    )
    return [
        *rows,
        [desk_doors.offer_draft(here, t("接着写草稿")) if draft else None],
        [
            desk_doors.imports(here, t("返回"))
            if file.state not in ("refused", "done")
            else desk_doors.merchant(t("返回"), here)
        ],
    ]


def shown(
    file: ImportFile,
    merchant: Merchant,
    names: Known,
    problems: Sequence[ImportRow],
    again: ImportFile | None = None,
    *,
    draft: bool = False,
) -> Screen:
    """A file's own screen."""
    return screen(about(file, merchant, names, problems, again), buttons(file, draft=draft))


def report(
    file: ImportFile, found: Sequence[ImportRow], codes: Mapping[int, str], speaker: Speaker
) -> list[list[object]]:
    """Rows of a file as a table, with a header: what each said, what became of it, why. `codes` are claim codes by row."""
    say = speaker.plain
    columns = [each for each in COLUMNS[file.kind] if not each.secret]
    head: list[Text | Both] = [t("行"), *(Both(each.zh, each.en) for each in columns), t("结果"), t("积分"), t("原因")]
    if file.kind == "members":
        head.append(t("认领码"))
    table: list[list[object]] = [[say(word) for word in head]]
    for row in found:
        said = row.cells or {}
        why = say(says(row.trouble)) if row.trouble else ""
        points = "" if row.points is None else row.points
        line: list[object] = [row.number, *(_plain(said.get(each.field, "")) for each in columns)]
        line += [say(OUTCOMES[row.outcome]), points, why]
        table.append([*line, codes.get(row.number, "")] if file.kind == "members" else line)
    return table


def _plain(said: str) -> str:
    """What somebody sent, without letters that no table takes."""
    return "".join(letter if letter.isprintable() else " " for letter in said)


def template(kind: Kind, speaker: Speaker) -> list[list[object]]:
    """An empty file of a kind: its headings, and an example row."""
    zh = speaker.language == "zh"
    return [[each.zh if zh else each.en for each in COLUMNS[kind]], [each.example for each in COLUMNS[kind]]]


# -- refusals


@worded(reading.FileUnreadable)
def _(no: reading.FileUnreadable) -> Worded:
    return Worded(t("这个文件读不了"), _WHY[no.why])


_WHY: Mapping[reading.Why, Text] = {
    "empty": t("里面没有数据。第一行写列名,下面每行一条。"),
    "encoding": t("认不出它的编码。存成 UTF-8 或 GB18030 的 CSV,或 Excel 的 .xlsx,再发一次。"),
    "csv": t("引号没有成对,不是完整的 CSV。"),
    "xlsx": t("Excel 文件坏了。重新存一次 .xlsx,再发。"),
    "xls": t("这是旧的 .xls,或加了密码。另存为 .xlsx 或 CSV,去掉密码,再发。"),
    "macros": t("里面有宏。另存为不带宏的 .xlsx 或 CSV,再发。"),
    "unpacked": t("解开以后太大了。分成几份,再发。"),
}


@worded(reading.ImportTooLarge)
def _(no: reading.ImportTooLarge) -> Worded:
    return Worded(t("文件太大"), tn("一份最多 {n} MB。分成几份,再发。", n=no.most // 1_000_000))


@worded(reading.TooManyRows)
def _(no: reading.TooManyRows) -> Worded:
    return Worded(t("行数太多"), tn("一份最多 {n} 行。分成几份,再发。", n=no.most))


@worded(kinds.ColumnsMissing)
def _(no: kinds.ColumnsMissing) -> Worded:
    missing = [heading(no.kind, field) for field in no.fields]
    columns = Both("、".join(each.zh for each in missing), ", ".join(each.en for each in missing))
    facts = {"found": "、".join(no.found)[:200] or "—", "example": _example(missing[0])}
    return Worded(
        t("缺少列:{columns}", columns=columns),
        t("文件里的列:{found}。改列名,或发文件时写明哪一列是它,比如 {example}。", **facts),
    )


def _example(column: Both) -> Both:
    return Both(f"{column.zh}=ABC", f"{column.en}=ABC")


@worded(kinds.ColumnNamesUnreadable)
def _(no: kinds.ColumnNamesUnreadable) -> Worded:
    example = _example(heading(no.kind, kinds.COLUMNS[no.kind][0].field))
    return Worded(t("列名没看懂"), t("写成 {example},几项之间用分号隔开。", example=example))


@worded(files.NoSuchImport)
def _(no: files.NoSuchImport) -> Worded:
    return Worded(t("没有这份导入"), t("编号 {number} 查不到。", number=str(no.import_id)))


@worded(files.TooManyImports)
def _(no: files.TooManyImports) -> Worded:
    return Worded(t("还有文件没办完"), tn("最多同时 {n} 份。等它们办完,或取消等确认的,再发。", n=no.most))


@worded(files.ImportNotReady)
def _(no: files.ImportNotReady) -> Worded:
    return Worded(t("现在还不行"), t("这份文件的状态是「{state}」。", state=STATES[no.state]))


@worded(files.ImportOver)
def _(no: files.ImportOver) -> Worded:
    return Worded(t("这份文件已经结束了"), t("状态是「{state}」。要导入,请再发一次。", state=STATES[no.state]))


@worded(lines.CellMissing)
def _(no: lines.CellMissing) -> Worded:
    return Worded(t("「{column}」是空的", column=heading(no.kind, no.field)))


@worded(lines.CellUnreadable)
def _(no: lines.CellUnreadable) -> Worded:
    facts = {"column": heading(no.kind, no.field), "said": no.said}
    return Worded(
        t("「{column}」读不懂:{said}", **facts),
        t("应该像这样:{example}", example=kinds.column(no.kind, no.field).example),
    )


@worded(lines.CellTooLong)
def _(no: lines.CellTooLong) -> Worded:
    return Worded(tn("「{column}」太长或有换行,最多 {n} 个字", column=heading(no.kind, no.field), n=no.longest))


@worded(lines.PhoneWithin)
def _(no: lines.PhoneWithin) -> Worded:
    return Worded(t("顾客号里有手机号"), t("大陆手机号请单独写;别的请换成会员号。"))


@worded(lines.NoRefundsHere)
def _(no: lines.NoRefundsHere) -> Worded:
    return Worded(t("负数不能导入"), t("退货请在收银台或通过接口办。"))


@worded(lines.RowInFuture)
def _(no: lines.RowInFuture) -> Worded:
    return Worded(t("时间在将来:{when}", when=no.at))


@worded(lines.RowTooOld)
def _(no: lines.RowTooOld) -> Worded:
    return Worded(t("时间太早:{when}", when=no.at), t("能导入 {since} 以后的。", since=no.since))


@worded(lines.RowOver)
def _(no: lines.RowOver) -> Worded:
    return Worded(t("已经过期:{on}", on=no.on))


@worded(parsed.RowTwice)
def _(no: parsed.RowTwice) -> Worded:
    return Worded(t("和第 {row} 行重复", row=str(no.row)))


@worded(parsed.LinesDiffer)
def _(no: parsed.LinesDiffer) -> Worded:
    return Worded(
        t("单号 {document} 各行的顾客或时间不一样", document=no.document),
        t("第一次出现在第 {row} 行。", row=str(no.row)),
    )


@worded(parsed.LineUnread)
def _(no: parsed.LineUnread) -> Worded:
    return Worded(t("单号 {document} 的第 {row} 行有问题,整单没有导入", document=no.document, row=str(no.row)))


@worded(parsed.TooManyLines)
def _(no: parsed.TooManyLines) -> Worded:
    return Worded(tn("一单最多 {n} 行", n=no.most))


@worded(balances.BalanceOpened)
def _(no: balances.BalanceOpened) -> Worded:
    return Worded(
        t("顾客 {customer} 的期初积分已经导入过,是 {points} 分", customer=no.customer, points=no.points),
        t("要更正,请找运营人员。"),
    )


@worded(code_pools.PoolEmpty)
def _(no: code_pools.PoolEmpty) -> Worded:
    return Worded(t("券码发完了"), t("券码池「{pool}」里没有可用的了。", pool=no.pool))
