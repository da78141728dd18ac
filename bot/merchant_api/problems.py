"""How the API says no: RFC 9457 problem details. A refusal of the ledger is said in its own words (`chat/refusals.py`).

400 is a request that is wrong in form, 422 one that can be read and can't be right; 409 is at odds with what is there.
"""

from __future__ import annotations

import datetime as dt
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field

from pydantic import ValidationError

from bot.merchant_api import faults
from bot.merchant_api.faults import Found
from bot.merchant_api.models import Fault, ProblemOut
from chat.refusals import wording
from chat.words import Speaker, Text, t, tn
from ledger.errors import Refusal
from ledger.values import value

MEDIA_TYPE = "application/problem+json"


@value(frozen=True, slots=True)
class Answer:
    """What goes back: JSON, letter by letter, a problem from 400 on. `kept`: it was given before."""

    status: int
    body: str
    kept: bool = False
    headers: Mapping[str, str] = field(default_factory=dict)


@dataclass(eq=False)
class Problem(Exception):
    """A request that is not done. `later`: the same request may be done later, so its answer is not kept."""

    status: int
    code: str
    title: Text
    detail: Text | None = None
    later: bool = True
    headers: Mapping[str, str] = field(default_factory=dict)
    errors: Sequence[Found] = ()

    def said(self, speaker: Speaker) -> ProblemOut:
        """In one language."""
        return ProblemOut(
            type=f"/docs#{self.code}",
            title=speaker.plain(self.title),
            status=self.status,
            detail=None if self.detail is None else speaker.plain(self.detail),
            code=self.code,
            errors=[Fault(pointer=each.pointer, detail=speaker.plain(each.said)) for each in self.errors] or None,
        )

    def answer(self, speaker: Speaker) -> Answer:
        """As it goes back."""
        return Answer(self.status, self.said(speaker).model_dump_json(exclude_none=True), headers=self.headers)


_STATUS = {
    "not_allowed": 403, "merchant_may_not_issue": 403, "own_activity": 403, "card_unknown": 404, "code_unknown": 404,
    "not_asked": 404,
    "document_taken": 409, "more_than_purchase": 409, "key_reused": 409, "voucher_used": 409, "voucher_taken_back": 409,
    "voucher_returned": 409,
    "voucher_expired": 409, "voucher_of_another": 409, "card_used": 409, "card_expired": 409, "took_part": 409,
    "voucher_let_go": 409, "hold_over": 409, "activity_over": 409, "activity_full": 409, "guessing_paused": 429,
    "too_many_applications": 429, "not_certified_yet": 409, "taken_already": 409, "application_closed": 409,
    "file_too_large": 413, "no_such_tier": 422, "no_such_region": 422, "no_such_campaign": 422,
    "no_such_green_class": 422, "no_such_pool": 422,
}  # fmt: skip


def refused(no: Refusal) -> Problem:
    """A refusal of the ledger, as the API says it. `KeyError` where nobody worded it."""
    said = wording(no)
    status = _STATUS.get(no.code) or (404 if no.code.startswith("no_such_") else 409 if no.may_succeed_later else 422)
    return Problem(status, no.code, said.headline, said.detail, no.may_succeed_later)


def unauthorized() -> Problem:
    """No key, one that nobody was given, or one that has ended: which of them is not said."""
    challenge = {"WWW-Authenticate": 'Bearer realm="jifen"'}
    return Problem(
        401, "key_needed", t("要有有效的密钥"), t("请求头里写 Authorization: Bearer 加密钥。"), headers=challenge
    )


def out_of_scope(scope: str) -> Problem:
    """The key is for other things."""
    return Problem(403, "out_of_scope", t("这把密钥办不了这件事"), t("要有 {scope} 权限。", scope=scope))


def test_key_needed() -> Problem:
    """A live key knocks at the sandbox."""
    return Problem(403, "test_key_needed", t("这是沙箱里的事"), t("换一把测试密钥(jt_ 开头)。"))


def no_sandbox() -> Problem:
    """The database's role may make no databases."""
    said = t("数据库账号没有建库的权限(CREATEDB)。请告诉运营人员。")
    return Problem(503, "no_sandbox", t("这里开不了沙箱"), said)


def sandbox_full(megabytes: int) -> Problem:
    """A sandbox is for trying things, not for keeping them."""
    said = t("最多 {megabytes} MB。用 POST /v1/sandbox:reset 清空再来。", megabytes=megabytes)
    return Problem(409, "sandbox_full", t("沙箱满了"), said)


def enough_members(most: int) -> Problem:
    """A sandbox has its fill of people."""
    return Problem(409, "enough_members", t("测试会员够多了"), tn("最多 {n} 位。", n=most))


def clock_goes_forward(today: dt.date) -> Problem:
    """A day that was, or is."""
    said = t("现在是 {today}。要回到今天,就清空沙箱。", today=today)
    return Problem(422, "clock_goes_forward", t("时间只能往前拨"), said)


def idempotency_key_needed() -> Problem:
    """A write without a key, or with one that is none."""
    said = t("每次写入都要有 Idempotency-Key:1 到 255 个可见的 ASCII 字符。")
    return Problem(400, "idempotency_key_needed", t("缺少幂等键"), said)


def idempotency_key_reused() -> Problem:
    """The key was used for another request."""
    said = t("这个 Idempotency-Key 用过了,那次的内容不一样。换一个再来。")
    return Problem(422, "idempotency_key_reused", t("幂等键用过了"), said)


def in_flight() -> Problem:
    """A request with this key is being worked on."""
    said = t("同一个 Idempotency-Key 的请求还没有办完。稍后再来,会得到它的结果。")
    return Problem(409, "in_flight", t("正在办理"), said, headers={"Retry-After": "1"})


def too_many_for_member() -> Problem:
    """Too many requests of one member at the same time."""
    said = t("同一位会员同时在办的请求太多了。")
    return Problem(429, "too_many_for_member", t("请稍后再来"), said, headers={"Retry-After": "1"})


def too_fast(seconds: int, headers: Mapping[str, str]) -> Problem:
    """The key's rate is used up."""
    said = tn("请求太密了,{n} 秒后再来。", n=seconds)
    return Problem(429, "too_fast", t("请求太密"), said, headers={**headers, "Retry-After": str(seconds)})


def too_large(bytes_most: int) -> Problem:
    """The body is longer than is taken."""
    return Problem(413, "too_large", t("请求太大"), t("正文最多 {bytes} 字节。", bytes=bytes_most))


def not_json() -> Problem:
    """The body is something else."""
    return Problem(415, "not_json", t("只收 JSON"), t("请求头里写 Content-Type: application/json。"))


def not_a_table(media: Sequence[str]) -> Problem:
    """The body is said to be something that is not taken here."""
    return Problem(
        415, "not_a_table", t("只收表格文件"), t("Content-Type 写这些之一:{media}。", media=", ".join(media))
    )


def no_such_path() -> Problem:
    """Nothing is here."""
    return Problem(404, "no_such_path", t("没有这个地址"), t("有哪些,见 /docs。"))


def method_not_allowed(allowed: Sequence[str]) -> Problem:
    """Something is here, for another method."""
    said = t("这里可以用:{methods}。", methods=", ".join(allowed))
    return Problem(405, "method_not_allowed", t("这里不能用这个方法"), said, headers={"Allow": ", ".join(allowed)})


def no_such_member() -> Problem:
    """The reference names nobody here."""
    return Problem(404, "no_such_member", t("没有这位会员"), t("会员引用只在给出它的商户有效。"))


def no_such_outlet() -> Problem:
    """The merchant has no such outlet."""
    return Problem(404, "no_such_outlet", t("没有这家门店"), t("门店要先登记,名字要一样。"))


def another_till() -> Problem:
    """A till's key speaks for that till alone."""
    return Problem(403, "another_till", t("这把密钥只代表自己的收银台"), t("去掉 till,或换成商户的密钥。"))


def in_the_future(minutes: int) -> Problem:
    """What happened has happened."""
    said = tn("occurred_at 比现在晚了 {n} 分钟以上。请对一下收银机的时钟。", n=minutes)
    return Problem(422, "in_the_future", t("时间在将来"), said)


def too_long_ago(days: int) -> Problem:
    """Bringing a till's past over is another scope's."""
    said = tn("occurred_at 早于 {n} 天前。补录历史要有 history 权限。", n=days)
    return Problem(422, "too_long_ago", t("时间太早"), said)


def payments_differ(paid: int, total: int) -> Problem:
    """The payments and the lines come to different sums."""
    said = t("付款合计 {paid},各行合计 {total}(最小货币单位)。", paid=paid, total=total)
    return Problem(422, "payments_differ", t("付款和账单对不上"), said, later=False)


def no_such_place() -> Problem:
    """A cursor that no page gave."""
    return Problem(422, "no_such_place", t("没有这一页"), t("after 要用上一页给的 next。"))


def no_such_statement() -> Problem:
    """No closed week begins on that day."""
    return Problem(404, "no_such_statement", t("没有这一周的对账单"), t("写那一周的星期一,结过账的才有。"))


def ends_before_it_begins() -> Problem:
    """A rule's last day is before its first."""
    return Problem(422, "ends_before_it_begins", t("结束早于开始"), t("valid_to 不能早于 valid_from。"))


def code_of_another() -> Problem:
    """The code is taken by somebody else's offer or rule."""
    return Problem(409, "code_of_another", t("这个代码已有别人在用"), t("换一个代码。"))


def token_needed() -> Problem:
    """No token of an application, or one that is none."""
    challenge = {"WWW-Authenticate": 'Bearer realm="jifen-application"'}
    said = t("请求头里写 Authorization: Bearer 加申请时给的 token。")
    return Problem(401, "token_needed", t("要有申请的 token"), said, headers=challenge)


def not_a_document(media: str) -> Problem:
    """A paper that is not what it says it is."""
    return Problem(415, "not_a_document", t("文件格式不对"), t("内容不是 {media}。", media=media))


def no_bot() -> Problem:
    """No link can be made, for nobody knows the bot's name."""
    return Problem(503, "no_bot", t("现在发不了链接"), t("机器人还没有上线。稍后再来。"))


def not_now() -> Problem:
    """The database is out of reach, or too busy."""
    said = t("什么都没有发生。用同一个 Idempotency-Key 再来一次。")
    return Problem(503, "not_now", t("现在办不了"), said, headers={"Retry-After": "1"})


def broken(code: str) -> Problem:
    """Our fault; `code` is what an operator finds it by."""
    said = t("没有办成,积分没有变动。告诉运营人员编号 {code}。", code=code)
    return Problem(500, "broken", t("出错了"), said)


def malformed(error: ValidationError, body: bytes) -> Problem:
    """A body that does not fit its model: 400 where its form is wrong, 422 where only its sense is."""
    found = faults.found(error, faults.parsed(body))
    if faults.only_sense(error):
        return not_sensible(found)
    return Problem(400, "malformed", t("格式不对"), t("见 errors 和 /docs。"), errors=found)


def malformed_query(error: ValidationError) -> Problem:
    """A query that does not fit its model."""
    return Problem(400, "malformed", t("格式不对"), t("见 errors 和 /docs。"), errors=faults.found_in_query(error))


def not_sensible(found: Sequence[Found]) -> Problem:
    """What can be read and can't be right."""
    return Problem(422, "not_sensible", t("内容不合理"), t("见 errors。"), errors=found)


def repeated_parameter() -> Problem:
    """A query that says a parameter twice."""
    return Problem(400, "malformed", t("格式不对"), t("同一个参数写了两次。"))


def no_document(error: ValidationError, document: object) -> Problem:
    """The document of an offer or a rule is none."""
    found = faults.found(error, document)
    return not_sensible([Found("/document" + each.pointer, each.said) for each in found])


def own() -> list[Problem]:
    """Every problem that is the API's own, for its documentation."""
    return [
        unauthorized(), out_of_scope("award"), idempotency_key_needed(), idempotency_key_reused(), in_flight(),
        too_many_for_member(), too_fast(1, {}), too_large(1), not_json(), not_a_table(["text/csv"]),
        no_such_path(), method_not_allowed(["GET"]),
        no_such_member(), no_such_outlet(), another_till(), in_the_future(5), too_long_ago(30), payments_differ(1, 2),
        no_such_place(), no_such_statement(), ends_before_it_begins(), code_of_another(), not_now(), broken("ABCD"),
        token_needed(), not_a_document("PDF"), no_bot(),
        test_key_needed(), no_sandbox(), sandbox_full(1), enough_members(2), clock_goes_forward(dt.date(2026, 11, 22)),
        Problem(400, "malformed", t("格式不对"), t("见 errors 和 /docs。")),
        Problem(422, "not_sensible", t("内容不合理"), t("见 errors。")),
    ]  # fmt: skip
