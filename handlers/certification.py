"""A merchant's certificates and standing, at the operator's desk: enter, confirm, certify, suspend, reinstate, close.

A certificate is entered by itself or with its fellows; a renewal or a correction is another entry, and the newest counts.
Owners are told of whatever changes for them.
"""

from __future__ import annotations

import datetime as dt
from collections.abc import Mapping
from dataclasses import replace
from typing import cast, get_args

from chat import dates, desk, desk_doors, doors, merchants, operator_doors, till
from chat.arguments import number
from chat.feature import Feature
from chat.merchants import KINDS
from chat.screen import BLANK, Button, Line, Screen, screen
from chat.turn import Turn
from chat.words import Text, t
from ledger.merchants import certificates, onboarding, staff, standing
from ledger.merchants import merchant as ledger_merchants
from ledger.merchants.certificates import Certificate, Kind
from ledger.merchants.merchant import Merchant

feature = Feature("certification", order=92)

ENTERS = ("admin", "support")

WHY: dict[str, Text] = {"suspend": t("暂停发分"), "close": t("关闭商户")}
"""What asks for a reason here."""


@feature.tap("open", audience="operator")
async def open_(turn: Turn, merchant_id: str) -> Screen:
    """Opens a merchant's certificates and standing."""
    turn.finish()
    roles = await desk.demand(turn)
    return await about(turn, await ledger_merchants.by_id(turn.tx, number(merchant_id)), roles)


async def about(turn: Turn, merchant: Merchant, roles: frozenset[str], first: Line | None = None) -> Screen:
    """What it is certified on, what is missing, and what can be done with it."""
    entered = await certificates.of(turn.tx, merchant.id)
    counted, waiting = certificates.counting(entered), certificates.waiting(entered)
    now = await standing.of(turn.tx, merchant.id)
    missing = [k for k in turn.programme.certificates_required if k not in {each.kind for each in entered}]
    lines: list[Line | None] = [
        first,
        t("<b>{merchant}</b> · {status}", merchant=till.name_of(merchant), status=till.STATUSES[now.status]),
        t("因为证书到期;续期后自动恢复") if now == standing.LAPSED else None,
        t("由运营暂停;要由运营恢复") if now == standing.SUSPENDED else None,
        BLANK,
    ]
    for each in (*counted.values(), *waiting):
        lines += merchants.certificate(each, turn.today)
    if missing and now == standing.APPLIED:
        lines.append(t("还缺:{kinds}", kinds=merchants.named(missing, KINDS)))
    elif not entered:
        lines.append(t("还没有录入证书"))
    admin = "admin" in roles
    open_still = now != standing.CLOSED
    confirms: list[list[Button | None]] = [
        [feature.button(t("确认{kind} {number}", kind=KINDS[w.kind], number=w.number), "confirm", merchant.id, w.id)]
        for w in waiting
        if admin and now != standing.APPLIED
    ]
    rows: list[list[Button | None]] = [
        [feature.button(t("录入证书"), "enter", merchant.id) if open_still and roles & set(ENTERS) else None],
        *confirms,
        [
            feature.button(t("认证"), "certify", merchant.id, style="primary")
            if admin and now == standing.APPLIED and not missing
            else None
        ],
        [
            feature.button(t("暂停发分"), "why", merchant.id, "suspend")
            if admin and now in (standing.CERTIFIED, standing.LAPSED)
            else None,
            feature.button(t("恢复发分"), "reinstate", merchant.id) if admin and now == standing.SUSPENDED else None,
            feature.button(t("关闭商户"), "why", merchant.id, "close", style="danger")
            if admin and open_still and now != standing.APPLIED
            else None,
        ],
        [operator_doors.application(t("申请与文件"), merchant.id)],
        [
            operator_doors.applications(t("返回"))
            if now == standing.APPLIED
            else operator_doors.merchant_desk(t("返回"), merchant.id),
            operator_doors.operator(),
        ],
    ]
    return screen(lines, rows)


# -- entering a certificate


@feature.tap("enter", audience="operator")
async def enter(turn: Turn, merchant_id: str) -> Screen:
    """Asks which kind of certificate."""
    await desk.demand(turn, *ENTERS)
    merchant = await ledger_merchants.by_id(turn.tx, number(merchant_id))
    turn.finish()
    rows: list[list[Button | None]] = [
        [feature.button(words, "kind", merchant.id, kind)] for kind, words in KINDS.items()
    ]
    rows.append([feature.button(t("返回"), "open", merchant.id)])
    return screen([t("<b>录入证书</b> · {merchant}", merchant=till.name_of(merchant)), t("哪一种?")], rows)


@feature.tap("kind", audience="operator")
async def kind(turn: Turn, merchant_id: str, said: str) -> Screen:
    """Asks for its number, or whether it is as the applicant states it."""
    await desk.demand(turn, *ENTERS)
    merchant = await ledger_merchants.by_id(turn.tx, number(merchant_id))
    if said not in get_args(Kind):
        return await enter(turn, merchant_id)
    turn.goto(feature.at("number"), merchant=merchant.id, kind=said)
    question = t("编号是多少?发给我。")
    if (stated := await stated_by_applicant(turn, merchant.id, said)) is None:
        return await asks(turn, question)
    asked = await asks(turn, merchants.stated(stated), t("和文件一样就点一下;不一样,把编号发给我。"))
    as_stated = feature.button(t("照这样录入"), "stated", merchant.id, said, style="primary")
    return replace(asked, rows=((as_stated,), *asked.rows))


async def stated_by_applicant(turn: Turn, merchant_id: int, kind: str) -> Mapping[str, str] | None:
    """A certificate of this kind as its applicant states it, where they do and it has not been entered."""
    found = await onboarding.of_merchant(turn.tx, merchant_id)
    entered = {(each.kind, each.number) for each in await certificates.of(turn.tx, merchant_id)}
    said = (found.stated if found is not None else None) or ()
    return next((each for each in said if each["kind"] == kind and (kind, each["number"]) not in entered), None)


@feature.tap("stated", audience="operator")
async def as_stated(turn: Turn, merchant_id: str, kind: str) -> Screen:
    """Writes down what the applicant states; a second tap finds it entered."""
    roles = await desk.demand(turn, *ENTERS)
    merchant = await ledger_merchants.by_id(turn.tx, number(merchant_id))
    found = await stated_by_applicant(turn, merchant.id, kind)
    if found is None:
        turn.finish()
        return await about(turn, merchant, roles)
    until = dt.date.fromisoformat(found["valid_until"])
    stated = cast(Kind, found["kind"])
    return await write_down(turn, roles, merchant.id, stated, found["number"], found["issuer"], until)


async def asks(turn: Turn, *questions: Text) -> Screen:
    """One question about the certificate that is being entered."""
    data = turn.dialogue.data
    merchant = await ledger_merchants.by_id(turn.tx, data["merchant"])
    said: list[Line] = [t("编号:{number}", number=data["number"])] if "number" in data else []
    if "issuer" in data:
        said.append(t("发证机构:{issuer}", issuer=data["issuer"]))
    lines: list[Line] = [
        t("<b>{kind}</b> · {merchant}", kind=KINDS[data["kind"]], merchant=till.name_of(merchant)),
        *said,
        *questions,
    ]
    return screen(lines, [[feature.button(t("取消"), "open", merchant.id)]])


@feature.step("number")
async def number_typed(turn: Turn, said: str) -> Screen:
    """Asks who issued it."""
    turn.goto(feature.at("issuer"), **{**turn.dialogue.data, "number": certificates.tidy(said)})
    return await asks(turn, t("谁发的?把机构的名字发给我。"))


@feature.step("issuer")
async def issuer_typed(turn: Turn, said: str) -> Screen:
    """Asks how long it is good."""
    turn.goto(feature.at("until"), **{**turn.dialogue.data, "issuer": certificates.tidy(said)})
    return await asks(turn, t("有效到哪一天?比如 2027-06-30,当天也算。"))


@feature.step("until")
async def until_typed(turn: Turn, said: str) -> Screen:
    """Writes the certificate down."""
    roles = await desk.demand(turn, *ENTERS)
    data, until = turn.dialogue.data, dates.parse(said)
    if until is None:
        return await asks(turn, t("这个日期我没看懂。请写成 2027-06-30 这样。"))
    return await write_down(turn, roles, data["merchant"], data["kind"], data["number"], data["issuer"], until)


async def write_down(
    turn: Turn, roles: frozenset[str], merchant_id: int, kind: Kind, said_number: str, issuer: str, until: dt.date
) -> Screen:
    """Enters a certificate and tells whom it concerns."""
    before = await standing.of(turn.tx, merchant_id)
    two = turn.programme.certificates_need_two
    made = await certificates.enter(
        turn.tx,
        merchant_id=merchant_id,
        kind=kind,
        number=said_number,
        issuer=issuer,
        valid_until=until,
        by=desk.actor(turn),
        two_persons=two,
        at=turn.at,
    )
    turn.finish()
    merchant = await ledger_merchants.by_id(turn.tx, merchant_id)
    await tell_if_lifted(turn, merchant, before)
    said_now = t("{kind}已录入", kind=KINDS[made.kind])
    if two:
        await tell_confirmers(turn, merchant, made)
        said_now = t("{kind}已录入,等另一位运营人员确认", kind=KINDS[made.kind])
    return await about(turn, merchant, roles, first=said_now)


async def tell_confirmers(turn: Turn, merchant: Merchant, made: Certificate) -> None:
    """A certificate waits for a second person: to everybody who may be that one."""
    told: list[Line] = [
        t("<b>{merchant}</b>的{kind}等确认", merchant=till.name_of(merchant), kind=KINDS[made.kind]),
        *merchants.certificate(made, turn.today),
    ]
    rows: list[list[Button | None]] = [[operator_doors.certification(t("去处理"), merchant.id), doors.home()]]
    for admin in await desk.holders(turn.tx, "admin"):
        if admin != turn.me.id:
            turn.tell(admin, screen(told, rows), key=f"certificate:{made.id}:{admin}")


@feature.tap("confirm", audience="operator")
async def confirm(turn: Turn, merchant_id: str, certificate_id: str) -> Screen:
    """Confirms what another one entered."""
    roles = await desk.demand(turn, "admin")
    merchant = await ledger_merchants.by_id(turn.tx, number(merchant_id))
    before = await standing.of(turn.tx, merchant.id)
    done = await certificates.confirm(
        turn.tx, number(certificate_id), merchant_id=merchant.id, by=desk.actor(turn), at=turn.at
    )
    await tell_if_lifted(turn, merchant, before)
    return await about(turn, merchant, roles, first=t("{kind}已确认", kind=KINDS[done.kind]))


async def tell_if_lifted(turn: Turn, merchant: Merchant, before: standing.Standing) -> None:
    """Tells the owners where a renewal has lifted a suspension."""
    if before == standing.LAPSED and await standing.of(turn.tx, merchant.id) == standing.CERTIFIED:
        await tell_owners(turn, merchant, t("证书已续期,<b>{merchant}</b> 恢复发积分", merchant=till.name_of(merchant)))


async def tell_owners(turn: Turn, merchant: Merchant, *lines: Line) -> None:
    """Tells everybody who owns a merchant."""
    for one in await staff.team(turn.tx, merchant.id):
        if one.role == "owner":
            rows = [[desk_doors.merchant(merchant_id=merchant.id), doors.home()]]
            turn.tell(one.member_id, screen(lines, rows), key=f"standing:{turn.key}:{one.id}")


# -- deciding


@feature.tap("certify", audience="operator")
async def certify(turn: Turn, merchant_id: str) -> Screen:
    """Certifies who has applied, and tells them; a second tap shows the same."""
    roles = await desk.demand(turn, "admin")
    merchant = await ledger_merchants.by_id(turn.tx, number(merchant_id))
    if merchant.status == "certified":
        return await about(turn, merchant, roles)
    done = await onboarding.certify(
        turn.tx,
        merchant.id,
        programme=turn.programme,
        label=turn.speaker.plain(till.role("owner")),
        by=desk.actor(turn),
        at=turn.at,
    )
    if done.applicant is not None:
        told: list[Line] = [
            t("<b>{merchant}</b> 已经加入联盟", merchant=till.name_of(done.merchant)),
            t("您是店主。下一步:开门店、设收银台、请店员、定积分规则。"),
        ]
        rows = [[desk_doors.merchant(merchant_id=merchant.id), desk_doors.counter()], [doors.home()]]
        turn.tell(done.applicant, screen(told, rows), key=f"certified:{merchant.id}")
        return await about(turn, done.merchant, roles, first=t("认证好了,店主已收到通知"))
    said = t("认证好了。还没有店主:申请人从接口领链接,或在商户页邀请。")
    return await about(turn, done.merchant, roles, first=said)


@feature.tap("reinstate", audience="operator")
async def reinstate(turn: Turn, merchant_id: str) -> Screen:
    """Lets a merchant issue again."""
    roles = await desk.demand(turn, "admin")
    merchant = await ledger_merchants.by_id(turn.tx, number(merchant_id))
    await certificates.reinstate(turn.tx, merchant.id, by=desk.actor(turn), at=turn.at)
    await tell_owners(turn, merchant, t("<b>{merchant}</b> 恢复发积分", merchant=till.name_of(merchant)))
    return await about(turn, merchant, roles, first=t("恢复好了,店主已收到通知"))


@feature.tap("why", audience="operator")
async def why(turn: Turn, merchant_id: str, event: str) -> Screen:
    """Asks for the reason of a suspension or a closing."""
    await desk.demand(turn, "admin")
    merchant = await ledger_merchants.by_id(turn.tx, number(merchant_id))
    if event not in WHY:
        return await open_(turn, merchant_id)
    turn.goto(feature.at("reason"), merchant=merchant.id, event=event)
    lines: list[Line] = [
        t("<b>{merchant}</b> · {what}", merchant=till.name_of(merchant), what=WHY[event]),
        t("会员手里的积分照常能用,只是这家不再发新的。") if event == "suspend" else t("关闭后不能再打开。"),
        t("把原因发给我,店主会看到。"),
    ]
    return screen(lines, [[feature.button(t("取消"), "open", merchant.id)]])


@feature.step("reason")
async def reason_typed(turn: Turn, said: str) -> Screen:
    """Suspends or closes a merchant, and tells its owners why."""
    roles = await desk.demand(turn, "admin")
    data = turn.dialogue.data
    merchant = await ledger_merchants.by_id(turn.tx, data["merchant"])
    await standing.move(turn.tx, merchant.id, data["event"], by=desk.actor(turn), now=turn.now, reason=said)
    reason = standing.tidy_reason(said)
    turn.finish()
    name = till.name_of(merchant)
    told: list[Line] = [
        t("<b>{merchant}</b> 暂停发积分", merchant=name),
        t("原因:{reason}", reason=reason),
        t("会员手里的积分照常能用。"),
    ]
    if data["event"] == "close":
        told = [t("<b>{merchant}</b> 已退出联盟", merchant=name), t("原因:{reason}", reason=reason)]
    await tell_owners(turn, merchant, *told)
    return await about(turn, merchant, roles, first=t("办好了,店主会收到原因"))
