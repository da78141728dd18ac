"""One entry opened (E14): the number, its arithmetic or reason, the lots, and who did it, where and on which receipt."""

from __future__ import annotations

import datetime as dt

from sqlalchemy.ext.asyncio import AsyncConnection

from chat import arithmetic, documents, receipts
from chat.happenings import change, title
from chat.known import Known
from chat.returns import REASONS
from chat.screen import BLANK, Line
from chat.words import Money, Text, t
from ledger.earning import purchases
from ledger.merchants import staff
from ledger.points.commands import Owner
from ledger.points.statements import Explained, LotPart
from ledger.points.statements import Line as HistoryLine

LOTS_SHOWN = 6


async def lines(
    tx: AsyncConnection, owner: Owner, entry: Explained, names: Known, *, today: dt.date
) -> list[Line | None]:
    """Everything that is known of an entry, as `owner` reads it."""
    line = entry.line
    found: list[Line | None] = [
        t(
            "<b>{change}</b> · {what} · {when}",
            change=change(line, names),
            what=title(line, names),
            when=line.occurred_at,
        )
    ]
    if computed := arithmetic.steps(entry.trace):
        found += [BLANK, t("退后剩下的应得:") if line.kind == "claw_back" and len(computed) > 1 else None, *computed]
    elif (given := _given(line, names)) is not None:
        found += [BLANK, given]
    life = _life(entry, names, today)
    if any(life):
        found += [BLANK, *life]
    found += [BLANK, await _origin(tx, owner, entry)]
    return found


GIVEN: dict[str, Text] = {
    "check_in": t("到场签到,每人一次"),
    "survey": t("答完问卷,每人一次"),
    "suggestions": t("建议被采纳"),
}
"""What somebody did for the points of an activity, by its kind."""


def _given(line: HistoryLine, names: Known) -> Line | None:
    """Why points came that no purchase brought, as many as were promised for it; or why what they had been spent on came back."""
    if line.kind == "reinstate" and line.facts.get("what") == "return" and line.facts.get("reason") in REASONS:
        return t("退货原因:{reason}", reason=REASONS[line.facts["reason"]])
    if line.kind != "accrue":
        return None
    points = names.points(line.currency_id, line.size)
    match line.facts.get("what"):
        case "activity" if (did := GIVEN.get(line.facts.get("kind", ""))) is not None:
            return t("{did}  = {points}", did=did, points=points)
        case "welcome":
            return t("第一次加入  = {points}", points=points)
        case "birthday" | "child_birthday":
            return t("生日当天,一年一次  = {points}", points=points)
        case "first_order":
            return t("应邀加入,马上换成了一张券  = {points}", points=points)
        case "referral":
            own = line.facts.get("as") == "friend"
            return (
                t("应邀加入后第一次消费  = {points}", points=points)
                if own
                else t("邀请的朋友第一次消费  = {points}", points=points)
            )
        case _:
            return None


def _life(entry: Explained, names: Known, today: dt.date) -> list[Line | None]:
    if entry.line.kind in ("accrue", "open_balance"):
        if entry.line.size and len(entry.lots) == 1:
            return [*_filled(entry, names, today), _earned(entry.lots[0], today)]
        return []
    found = receipts.details(entry, names, today)
    alike: dict[tuple[int, dt.date | None], int] = {}  # lots that differ in nothing the member cares about are one line
    for part in entry.lots:
        if part.points:
            kind = part.issuer_id, part.expires_on
            alike[kind] = alike.get(kind, 0) + part.points
    for (issuer, until), total in list(alike.items())[:LOTS_SHOWN]:
        facts = {
            "points": names.points(entry.line.currency_id, total),
            "issuer": names.merchant(issuer),
            "until": until,
        }
        if until is None:
            found.append(t("{points},{issuer}给的,不过期", **facts))
        else:
            found.append(t("{points},{issuer}给的,有效至 {until}", **facts))
    if len(alike) > LOTS_SHOWN:
        found.append(t("还有 {rest} 批", rest=len(alike) - LOTS_SHOWN))
    return found


def _filled(entry: Explained, names: Known, today: dt.date) -> list[Line | None]:
    return [line for line in receipts.details(entry, names, today)[:1] if line is not None]


def _earned(part: LotPart, today: dt.date) -> Text:
    facts = {"on": part.available_on, "until": part.expires_on}
    if part.available_on > today:
        if part.expires_on is None:
            return t("{on}起可用(等退货期过) · 不过期", **facts)
        return t("{on}起可用(等退货期过) · 有效至 {until}", **facts)
    if part.expires_on is None:
        return t("{on}起可用 · 不过期", **facts)
    return t("{on}起可用 · 有效至 {until}", **facts)


async def _origin(tx: AsyncConnection, owner: Owner, entry: Explained) -> Line:
    facts = entry.line.facts
    said: list[Text] = []
    if document := documents.given(str(facts.get("document") or "")):
        said.append(t("小票 {document}", document=document))
    if amount := facts.get("amount_minor"):
        said.append(t("消费 {amount}", amount=Money(amount, facts.get("money", "CNY"))))
    if who := await _who(tx, owner, entry):
        said.append(who)
    said.append(t("编号 {entry}", entry=str(entry.line.entry_id)))
    return _joined(said)


def _joined(parts: list[Text]) -> Text:
    first, *rest = parts
    for part in rest:
        first = t("{first} · {second}", first=first, second=part)
    return first


async def _who(tx: AsyncConnection, owner: Owner, entry: Explained) -> Text | None:
    kind, _, number = entry.actor.partition(":")
    if kind == "staff" and number.isdigit():
        person = await staff.by_id(tx, int(number))
        at = await _till(tx, entry)
        if person and at:
            return t("经手 {who} · {till}", who=person.label, till=at)
        return t("经手 {who}", who=person.label) if person else t("经手 店员")
    if kind == "member":
        return t("您自己操作的") if entry.actor == f"member:{owner.id}" else t("对方操作的")
    if kind == "company":
        return t("企业里的同事操作的")
    return {"operator": t("运营人员操作的"), "import": t("商户导入的"), "api_key": t("商户系统记的")}.get(
        kind, t("系统自动")
    )


async def _till(tx: AsyncConnection, entry: Explained) -> str | None:
    """The till at which a purchase was made, where a shift was worked there."""
    line = entry.line
    if line.kind != "accrue" or line.merchant_id is None or "document" not in line.facts:
        return None
    bought = await purchases.find(tx, line.merchant_id, str(line.facts["document"]))
    return bought.till if bought is not None else None
