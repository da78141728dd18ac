"""A till that loses its network: the list of vouchers that it may take meanwhile, and the way to bring what it took."""

from __future__ import annotations

from chat import desk_doors, till
from chat.arguments import number
from chat.csv_file import csv_file
from chat.feature import Feature
from chat.offline import table
from chat.screen import BLANK, Button, File, Line, Screen, screen
from chat.turn import Turn
from chat.words import t, tn
from ledger.merchants import authority
from ledger.redeeming import offline

feature = Feature("offline", order=45)


@feature.tap("list")
async def list_(turn: Turn, merchant: str) -> Screen:
    """Hands over the list as it is this minute."""
    post = await till.post_at(turn, number(merchant))
    here = post.merchant.id
    made = await offline.listed(turn.tx, turn.vault, post.staff, at=turn.at)
    may_bring = authority.may(post.staff.role, "import_files")
    ways: list[list[Button | None]] = [
        [desk_doors.offline_bring(here) if may_bring else None],
        [desk_doors.day(here, t("返回")), desk_doors.counter()],
    ]
    if not made.lines:
        return screen([t("现在没有可以用的券,不用名单。")], ways)
    lines: list[Line | None] = [
        tn("<b>{n} 张券</b>可以在断网时收,{until} 前有效", n=len(made.lines), until=made.until),
        tn("还有 {n} 张没列进来", n=made.left_out) if made.left_out else None,
        BLANK,
        t("看末四位,对上再收;记下整个券码和时间。"),
        t("名单里没有券码,拿到名单的人也换不出来。"),
        t("网络恢复后补录。别处已用过或撤回的,由店里承担。"),
        None if may_bring else t("补录由店长来做。"),
    ]
    content = csv_file(table(made, turn.speaker, now=turn.now, zone=turn.zone))
    name = f"offline-{turn.now.astimezone(turn.zone):%m%d-%H%M}.csv"
    return screen(lines, ways, file=File(name, content), fresh=True)
