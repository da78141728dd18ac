"""Words about a till without network: the list as a table, and why what it took is not honoured."""

from __future__ import annotations

import datetime as dt
from collections.abc import Mapping
from typing import Any

from chat import fulfilments
from chat.offers import both, points_of
from chat.refusals import Worded, worded
from chat.vouchers import what
from chat.words import Speaker, Text, t
from ledger.imports.used_vouchers import FileOfGuesses
from ledger.redeeming import offline
from ledger.redeeming.offline import OfflineList, Why

WHYS: Mapping[Why, Text] = {
    "used": t("{at} 已经用过"),
    "taken_back": t("{at} 已经撤回"),
    "let_go": t("{at} 已经取消"),
    "lapsed": t("没付钱,{at} 已经取消"),
    "held": t("还没有付钱"),
    "expired": t("{at}已到期,积分已退回或作废"),
    "too_early": t("那时还没有换,{at} 才换的"),
    "too_late": t("那天已经过期,有效至 {at}"),
}


def table(made: OfflineList, speaker: Speaker, *, now: dt.datetime, zone: dt.tzinfo) -> list[list[object]]:
    """The list: three lines that begin with «#» for programs and eyes, the header, a voucher a row.

    «…23E4» and «x004e75»: a spreadsheet would take the bare ones for numbers.
    """

    def say(said: Any) -> str:
        return str(speaker.plain(said))

    def hour(at: dt.datetime) -> str:
        return f"{at.astimezone(zone):%Y-%m-%d %H:%M}"

    rows: list[list[object]] = [
        ["#", say(t("制表")), hour(now)],
        ["#", say(t("有效到")), hour(made.until)],
        ["#", say(t("核验密钥")), made.key],
        [say(each) for each in (t("末四位"), t("核验码"), t("换的东西"), t("有效至"))],
    ]
    rows += [
        [f"…{line.tail}", f"x{line.check}", say(what(line.voucher)), line.voucher.valid_until.isoformat()]
        for line in made.lines
    ]
    return rows


@worded(offline.OfflineUnknown)
def _(no: offline.OfflineUnknown) -> Worded:
    return Worded(t("没有末四位是 {tail} 的这张券", tail=no.tail), t("没有入账,由店里承担。"))


@worded(offline.OfflineOfAnother)
def _(no: offline.OfflineOfAnother) -> Worded:
    facts = {"tail": no.tail, "merchant": fulfilments.some(no.merchants)}
    return Worded(t("{tail} 不是本店的券", **facts), t("它要在{merchant}用。没有入账,由店里承担。", **facts))


@worded(offline.OfflineLost)
def _(no: offline.OfflineLost) -> Worded:
    facts = {"tail": no.tail, "offer": both(no.offer), "at": no.at, "points": points_of(no, no.points)}
    why = Text(WHYS[no.why].msgid, {"at": no.at})
    return Worded(t("{tail} {offer}:{why}", why=why, **facts), t("{points} 没有入账,由店里承担。", **facts))


@worded(FileOfGuesses)
def _(no: FileOfGuesses) -> Worded:
    return Worded(t("不存在的券码太多,没有再查"), t("一天最多 {most} 个。请核对后明天再发。", most=no.most))
