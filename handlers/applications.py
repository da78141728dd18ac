"""The queue of those who have applied to be merchants: read what they wrote and sent, and turn down with a reason. Certifying is
`certification`."""

from __future__ import annotations

from chat import desk, doors, merchants, operator_doors, till
from chat.arguments import number
from chat.feature import Feature
from chat.merchants import FIELDS, PURPOSES
from chat.screen import BLANK, Button, Line, Screen, grid, screen
from chat.turn import Turn
from chat.words import Both, t, tn
from ledger.merchants import files, onboarding
from ledger.merchants import merchant as ledger_merchants
from ledger.merchants.onboarding import Application

feature = Feature("applications", order=91)

PER_PAGE = 8
PAPERS_SHOWN = 24
READS_CONTACTS = frozenset({"admin", "support"})


@feature.tap("list", audience="operator")
async def list_(turn: Turn, page: str = "0") -> Screen:
    """Lists who waits, oldest first."""
    turn.finish()
    await desk.demand(turn)
    at = number(page)
    found = await onboarding.queue(turn.tx, offset=at * PER_PAGE, limit=PER_PAGE + 1)
    waiting = await onboarding.queue_length(turn.tx)
    lines: list[Line] = [
        t("<b>入驻申请</b>"),
        tn("{n} 家在等", n=waiting) if waiting else t("没有要审核的申请。"),
    ]
    rows: list[list[Button | None]] = [
        [
            feature.button(
                t("{name} · {when}", name=Both(each.name_zh or "", each.name_en or ""), when=each.sent_at),
                "open",
                each.merchant_id,
            )
        ]
        for each in found[:PER_PAGE]
    ]
    rows += [
        [
            feature.button(t("上一页"), "list", at - 1) if at else None,
            feature.button(t("下一页"), "list", at + 1) if len(found) > PER_PAGE else None,
        ],
        [operator_doors.operator(t("返回")), doors.home()],
    ]
    return screen(lines, rows)


@feature.tap("open", audience="operator")
async def open_(turn: Turn, merchant_id: str) -> Screen:
    """Opens what somebody wrote, with their papers."""
    turn.finish()
    roles = await desk.demand(turn)
    merchant = await ledger_merchants.by_id(turn.tx, number(merchant_id))
    papers = await files.of_merchant(turn.tx, merchant.id)
    found = await onboarding.of_merchant(turn.tx, merchant.id, vault=turn.vault if roles & READS_CONTACTS else None)
    lines: list[Line] = [
        t("<b>{merchant}</b> · {status}", merchant=till.name_of(merchant), status=till.STATUSES[merchant.status])
    ]
    if found is not None:
        lines += [*answers(turn, found), *map(merchants.stated, found.stated or ())]
        lines += [t("{when} 申请", when=found.sent_at) if found.sent_at else BLANK]
    else:
        lines.append(t("没有申请过,是运营人员直接建立的"))
    lines.append(tn("文件 {n} 份,点开看", n=len(papers)) if papers else t("没有文件"))
    shown = [feature.button(PURPOSES[each.purpose], "paper", each.id) for each in papers[-PAPERS_SHOWN:]]
    rows = grid(shown, 3)
    rows.append([operator_doors.certification(t("证书与状态"), merchant.id)])
    if merchant.status == "applied":
        rows[-1].append(feature.button(t("拒绝"), "reject", merchant.id, style="danger") if "admin" in roles else None)
    back = feature.button(t("返回"), "list", 0)
    if merchant.status != "applied":
        back = operator_doors.merchant_desk(t("返回"), merchant.id)
    return screen(lines, [*rows, [back, operator_doors.operator()]])


def answers(turn: Turn, application: Application) -> list[Line]:
    """What was answered; the contact only where it may be read, and is still kept."""
    said: dict[str, object] = {
        "name_zh": application.name_zh,
        "name_en": application.name_en,
        "category": merchants.category(application.category or ""),
        "region": merchants.region(turn.programme, application.region),
        "contact": application.contact,
        "licence": application.licence,
    }
    return [t("{field}:{said}", field=FIELDS[field], said=each) for field, each in said.items() if each is not None]


@feature.tap("paper", audience="operator")
async def paper(turn: Turn, file_id: str) -> Screen:
    """Shows a paper."""
    await desk.demand(turn)
    found = await files.by_id(turn.tx, number(file_id))
    lines: list[Line | None] = [
        t("<b>{purpose}</b> · {when}", purpose=PURPOSES[found.purpose], when=found.added_at),
        t("{caption}", caption=found.caption) if found.caption else None,
    ]
    rows = [[feature.button(t("返回"), "open", found.merchant_id or 0)]]
    return screen(lines, rows, file=await merchants.shown(turn.tx, found), protect=True)


@feature.tap("reject", audience="operator")
async def reject(turn: Turn, merchant_id: str) -> Screen:
    """Asks why an application is turned down."""
    await desk.demand(turn, "admin")
    merchant = await ledger_merchants.by_id(turn.tx, number(merchant_id))
    turn.goto(feature.at("reason"), merchant=merchant.id)
    lines: list[Line] = [
        t("拒绝 <b>{merchant}</b> 的申请?", merchant=till.name_of(merchant)),
        t("把原因发给我,申请人会看到。他们可以改好再申请。"),
    ]
    return screen(lines, [[feature.button(t("不拒绝"), "open", merchant.id)]])


@feature.step("reason")
async def reason_typed(turn: Turn, said: str) -> Screen:
    """Turns the application down and tells who applied."""
    await desk.demand(turn, "admin")
    merchant = await ledger_merchants.by_id(turn.tx, turn.dialogue.data["merchant"])
    gone = await onboarding.reject(turn.tx, merchant.id, reason=said, by=desk.actor(turn), now=turn.now)
    turn.finish()
    if gone is not None:
        told: list[Line] = [
            t("<b>{merchant}</b> 的申请没有通过", merchant=till.name_of(merchant)),
            t("原因:{reason}", reason=gone.reason),
            t("您填的内容和文件已经删掉。改好可以再申请。"),
        ]
        if gone.member_id is not None:  # who applied over HTTP reads it there
            rows = [[doors.apply(t("重新申请")), doors.home()]]
            turn.tell(gone.member_id, screen(told, rows), key=f"rejected:{gone.id}")
    return screen(
        [t("已拒绝 <b>{merchant}</b>,申请人会收到原因", merchant=till.name_of(merchant))],
        [[feature.button(t("下一份申请"), "list", 0), operator_doors.operator()]],
    )
