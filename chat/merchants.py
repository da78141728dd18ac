"""Words about merchants that several screens share: categories, certificates, papers, regions; and the refusals of onboarding."""

from __future__ import annotations

import datetime as dt
from collections.abc import Iterable, Mapping

from sqlalchemy.ext.asyncio import AsyncConnection

from chat import desk_doors, doors, operator_doors, till
from chat.offers import CATEGORIES
from chat.refusals import Worded, worded
from chat.screen import File, Given, Screen, screen
from chat.words import Both, Text, t, tn
from ledger.merchants import applicants, certificates, files, licences, onboarding, outlets, shifts, standing
from ledger.merchants.certificates import Certificate
from ledger.merchants.files import Paper
from ledger.merchants.onboarding import Application
from ledger.programme import Programme

KINDS: dict[str, Text] = {
    "credit": t("信用证书"),
    "assessment": t("第三方评估"),
    "filing": t("备案"),
}
"""What kinds of certificates are called."""

PURPOSES: dict[str, Text] = {
    "licence": t("营业执照"),
    **KINDS,
    "other": t("其他文件"),
}
"""What a paper is to prove."""

FIELDS: dict[str, Text] = {
    "name_zh": t("中文店名"),
    "name_en": t("英文店名"),
    "category": t("行业"),
    "region": t("地区"),
    "contact": t("联系人"),
    "licence": t("执照号"),
}
"""What an application asks."""


def category(code: str) -> Text:
    """What a merchant trades in."""
    return next((words for name, words in CATEGORIES.items() if name == code), t("其他"))


def region(programme: Programme, code: str | None) -> Text | Both:
    """A region by its code; none, or an applicant's `NATIONWIDE`, is everywhere. What the programme has not goes by its code."""
    if code is None or code == onboarding.NATIONWIDE:
        return t("全国")
    found = next((each for each in programme.regions if each.code == code), None)
    return Both(found.name_zh, found.name_en) if found is not None else Both(code, code)


def applied(application: Application) -> Screen:
    """What operators are told of a new application."""
    name = Both(application.name_zh or "", application.name_en or "")
    rows = [[operator_doors.application(t("看申请"), application.merchant_id or 0), doors.home()]]
    return screen([t("新的入驻申请:<b>{name}</b>", name=name)], rows)


async def shown(tx: AsyncConnection, paper: Paper) -> Given | File:
    """A paper to be shown again: by Telegram's id of it, or as it came over HTTP."""
    if paper.given is not None:
        return Given(paper.given, paper.kind)
    return File(paper.name or paper.purpose, await files.content(tx, paper.id))


def stated(each: Mapping[str, str]) -> Text:
    """A certificate as an applicant states it."""
    until = dt.date.fromisoformat(each["valid_until"])
    facts = {"kind": KINDS[each["kind"]], "number": each["number"], "issuer": each["issuer"], "until": until}
    return t("自报{kind}:{number} · {issuer} · 有效至 {until}", **facts)


def green_class(programme: Programme, code: str) -> Both | str:
    """A green class by its code; as merchants write it where the programme has no name for it."""
    found = programme.green_scale.names.get(code)
    return Both(found.zh, found.en) if found is not None else code


def named(codes: Iterable[str], names: dict[str, Text]) -> Text:
    """Several of them on one line."""
    first, *rest = (names[code] for code in codes)
    said = first
    for each in rest:
        said = t("{one}、{other}", one=said, other=each)
    return said


def certificate(each: Certificate, today: dt.date) -> list[Text]:
    """A certificate in two lines: what and until when, number and issuer."""
    facts = {"kind": KINDS[each.kind], "on": each.valid_until, "number": each.number, "issuer": each.issuer}
    left = (each.valid_until - today).days
    if each.confirmed_by is None:
        first = t("{kind} · 有效至 {on} · 等另一位确认", **facts)
    elif left < 0:
        first = t("{kind} · {on}已到期", **facts)
    elif left <= max(certificates.WARN_DAYS):
        first = tn("{kind} · 有效至 {on}(还有 {n} 天)", n=left, **facts)
    else:
        first = t("{kind} · 有效至 {on}", **facts)
    return [first, t("{number} · {issuer}", **facts)]


_EVENTS: dict[str, Text] = {
    "certify": t("认证"),
    "reject": t("拒绝"),
    "withdraw": t("撤回申请"),
    "suspend": t("暂停发分"),
    "lapse": t("暂停发分"),
    "renew": t("恢复发分"),
    "reinstate": t("恢复发分"),
    "close": t("退出"),
}


@worded(standing.NotFromThisStanding)
def _(no: standing.NotFromThisStanding) -> Worded:
    return Worded(
        t("现在不能{event}", event=_EVENTS[no.event]),
        t("{merchant}的状态是「{status}」。", merchant=Both(no.name_zh, no.name_en), status=till.STATUSES[no.status]),
    )


@worded(standing.ReasonMissing)
def _(no: standing.ReasonMissing) -> Worded:
    return Worded(t("请写明原因"), tn("商户会看到,最多 {n} 个字。", n=no.longest))


@worded(certificates.CertificateTextWrong)
def _(no: certificates.CertificateTextWrong) -> Worded:
    return Worded(t("编号和发证机构要写清楚"), tn("各写 1 到 {n} 个字。", n=no.longest))


@worded(certificates.CertificateEnded)
def _(no: certificates.CertificateEnded) -> Worded:
    return Worded(
        t("这份{kind}已经到期", kind=KINDS[no.kind]),
        t("有效至 {on}。要先录入续期的。", on=no.valid_until),
    )


@worded(certificates.CertificatesMissing)
def _(no: certificates.CertificatesMissing) -> Worded:
    return Worded(t("证书还不齐"), t("还缺:{kinds}。录入后就能认证。", kinds=named(no.kinds, KINDS)))


@worded(certificates.EnteredBySame)
def _(no: certificates.EnteredBySame) -> Worded:
    return Worded(
        t("要由另一位来确认"),
        t("这份{kind}是您录入的,按规定由另一位运营人员核对。", kind=KINDS[no.kind]),
    )


@worded(certificates.NoSuchCertificate)
def _(no: certificates.NoSuchCertificate) -> Worded:
    return Worded(t("没有这份证书"), t("编号 {number} 查不到。", number=str(no.certificate_id)))


@worded(onboarding.AnswerWrong)
def _(no: onboarding.AnswerWrong) -> Worded:
    how = (
        t("写这些里的一个:{choices}。", choices=", ".join(no.choices))
        if no.choices
        else tn("写 1 到 {n} 个字。", n=no.longest)
    )
    return Worded(t("{field}不合适", field=FIELDS[no.field]), how)


@worded(licences.LicenceWrong)
def _(no: licences.LicenceWrong) -> Worded:
    again = (doors.apply(t("看申请")),)
    if no.signs != licences.SIGNS:
        said = tn("您写了 {n} 位。请照执照重发。", n=no.signs)
        return Worded(t("统一社会信用代码有 {n} 位", n=licences.SIGNS), said, again)
    if no.place is None:
        return Worded(t("第 {n} 位校验码不对", n=licences.SIGNS), t("多半抄错了一位,请逐位核对执照。"), again)
    if no.place <= licences.DIGITS:
        said = t("前 {n} 位只有数字,这里是「{sign}」。", n=licences.DIGITS, sign=no.sign)
    else:
        said = t("代码里没有「{sign}」;I、O、S、V、Z 也从不出现。", sign=no.sign)
    return Worded(t("执照号第 {n} 位不对", n=no.place), said, again)


@worded(onboarding.ApplicationIncomplete)
def _(no: onboarding.ApplicationIncomplete) -> Worded:
    missing = [FIELDS[field] for field in no.fields]
    if no.licence_file:
        missing.append(t("营业执照的照片或文件"))
    said = missing[0]
    for each in missing[1:]:
        said = t("{one}、{other}", one=said, other=each)
    return Worded(t("申请还没填完"), t("还缺:{fields}。", fields=said), (doors.apply(t("继续填写")),))


@worded(onboarding.ApplicationClosed)
def _(no: onboarding.ApplicationClosed) -> Worded:
    if no.state == "sent":
        return Worded(t("申请已经发出,不能再改"), t("要改就先撤回,再重新申请。"), (doors.apply(t("看申请")),))
    return Worded(t("这份申请已经办结了"), t("可以重新申请。"), (doors.apply(t("看申请")),))


@worded(applicants.TooManyApplications)
def _(no: applicants.TooManyApplications) -> Worded:
    return Worded(t("申请太多了"), t("这个网络地址的申请到了上限,先办完手上的,或明天再来。"))


@worded(applicants.NotCertifiedYet)
def _(no: applicants.NotCertifiedYet) -> Worded:
    return Worded(t("还没有认证"), t("运营人员认证后才能领店主链接和密钥。"))


@worded(applicants.TakenAlready)
def _(no: applicants.TakenAlready) -> Worded:
    return Worded(t("已经领过了"), t("{when} 领的,只能领一次。链接过期了就请运营人员再发。", when=no.at))


@worded(onboarding.NoSuchApplication)
def _(no: onboarding.NoSuchApplication) -> Worded:
    return Worded(t("没有这份申请"), t("编号 {number} 查不到。", number=str(no.application_id)))


@worded(files.TooManyFiles)
def _(no: files.TooManyFiles) -> Worded:
    return Worded(t("文件太多了"), tn("最多 {n} 份。", n=no.most))


@worded(files.FileTooLarge)
def _(no: files.FileTooLarge) -> Worded:
    return Worded(t("文件太大了"), t("一份最多 {n} MB。拍张清楚的照片就行。", n=no.most // 1_000_000))


@worded(files.NoSuchFile)
def _(no: files.NoSuchFile) -> Worded:
    return Worded(t("没有这份文件"), t("可能已经撤掉了。"))


@worded(outlets.OutletTextWrong)
def _(no: outlets.OutletTextWrong) -> Worded:
    if no.field == "name":
        return Worded(t("店名不合适"), tn("写 1 到 {n} 个字。", n=no.longest))
    return Worded(t("太长了"), tn("最多 {n} 个字。", n=no.longest))


@worded(outlets.OutletNameTaken)
def _(no: outlets.OutletNameTaken) -> Worded:
    return Worded(t("已经有一家叫「{name}」的门店", name=no.name), t("换个名字,比如加上路名。"))


@worded(outlets.TillLabelTaken)
def _(no: outlets.TillLabelTaken) -> Worded:
    return Worded(t("已经有一个叫「{label}」的收银台", label=no.label), t("小票要分得清,全店的收银台各用各的名字。"))


@worded(outlets.TillLabelWrong)
def _(no: outlets.TillLabelWrong) -> Worded:
    return Worded(t("收银台的名字不合适"), tn("写 1 到 {n} 个字,比如「1号台」。", n=no.longest))


@worded(outlets.TooManyOutlets)
def _(no: outlets.TooManyOutlets) -> Worded:
    return Worded(
        t("不能再加了"), t("最多 {outlets} 家门店,每家 {tills} 个收银台。", outlets=no.outlets, tills=no.tills)
    )


@worded(outlets.NoSuchOutlet)
def _(no: outlets.NoSuchOutlet) -> Worded:
    return Worded(t("没有这家门店"), t("可能已经关了。"))


@worded(outlets.NoSuchTill)
def _(no: outlets.NoSuchTill) -> Worded:
    return Worded(t("没有这个收银台"), t("可能已经撤了。"), (desk_doors.counter(),))


@worded(shifts.NoShiftOpen)
def _(no: shifts.NoShiftOpen) -> Worded:
    return Worded(t("您现在没有开班"), t("可能已经交班,或被下一班接走了。"), (desk_doors.counter(),))
