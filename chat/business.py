"""Business members in words: roles, what each may do, the statement, and why somebody can't."""

from __future__ import annotations

import datetime as dt

from sqlalchemy.ext.asyncio import AsyncConnection

from chat import doors, known
from chat.happenings import title
from chat.refusals import Worded, worded
from chat.words import Speaker, Text, t, tn
from ledger.members import business
from ledger.points import statements
from ledger.points.commands import member

ROLES: dict[str, Text] = {"head": t("负责人"), "buyer": t("采购人"), "viewer": t("只看")}

MAY: dict[str, Text] = {
    "head": t("能出示公司的会员码、兑换、管同事。"),
    "buyer": t("能出示公司的会员码、兑换。"),
    "viewer": t("能看余额、明细和对账单。"),
}

INVITE: dict[str, Text] = {"head": t("邀请负责人"), "buyer": t("邀请采购人"), "viewer": t("邀请来看的人")}

LINES_MOST = 1_000


async def statement(
    tx: AsyncConnection, company_id: int, *, since: dt.date, speaker: Speaker
) -> list[tuple[str | int, ...]]:
    """A company's statement as a table in the reader's language, header first, newest line first."""
    names = await known.read(tx)
    head = (t("日期"), t("时间"), t("什么"), t("积分种类"), t("积分"), t("消费金额"), t("小票"), t("编号"))
    rows: list[tuple[str | int, ...]] = [tuple(speaker.plain(each) for each in head)]
    before: int | None = None
    while len(rows) <= LINES_MOST:
        page = await statements.history(tx, member(company_id), before=before, limit=100)
        for line in page:
            local = line.occurred_at.astimezone(speaker.zone)
            if line.posted_at.astimezone(speaker.zone).date() < since:
                return rows
            amount = line.facts.get("amount_minor")
            rows.append(
                (
                    local.date().isoformat(),
                    f"{local:%H:%M}",
                    speaker.plain(title(line, names)),
                    speaker.plain(names.currency(line.currency_id)),
                    line.points,
                    "" if amount is None else f"{amount // 100}.{amount % 100:02d}",
                    str(line.facts.get("document") or ""),
                    line.entry_id,
                )
            )
        if len(page) < 100:
            return rows
        before = page[-1].entry_id
    return rows


@worded(business.CompanyNameTooLong)
def _(no: business.CompanyNameTooLong) -> Worded:
    return Worded(t("名称不合适"), tn("写 1 到 {n} 个字。", n=no.longest))


@worded(business.TooManyCompanies)
def _(no: business.TooManyCompanies) -> Worded:
    return Worded(t("不能再建了"), tn("一个人最多建 {n} 个企业账户。", n=no.most), (doors.business(),))


@worded(business.NotOfCompany)
def _(no: business.NotOfCompany) -> Worded:
    return Worded(t("您不在这家企业"), t("请负责人发一个邀请链接。"), (doors.business(),))


@worded(business.CompanyRoleTooLow)
def _(no: business.CompanyRoleTooLow) -> Worded:
    facts = {"role": ROLES[no.role], "least": ROLES[no.least]}
    return Worded(t("您在这家企业办不了这件事"), t("您的身份是{role},至少要是{least}。", **facts), (doors.business(),))


@worded(business.OfCompanyAlready)
def _(no: business.OfCompanyAlready) -> Worded:
    return Worded(t("您已经在这家企业了"), t("身份是{role}。", role=ROLES[no.role]), (doors.business(),))


@worded(business.LastHead)
def _(no: business.LastHead) -> Worded:
    return Worded(t("企业要留一位负责人"), t("先邀请另一位负责人,再移除这一位。"), (doors.business(),))
