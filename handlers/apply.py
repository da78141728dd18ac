"""Applying to be a merchant: a few questions one after the other, then the papers, a look over it all, and off it goes.

The answers are written down as they come (`ledger.merchants.onboarding`), so leaving, a restart or another day lose nothing.
"""

from __future__ import annotations

from typing import get_args

from chat import desk, desk_doors, doors, merchants
from chat.arguments import number
from chat.feature import Feature
from chat.merchants import FIELDS
from chat.offers import CATEGORIES
from chat.screen import BLANK, Button, Line, Onward, Screen, grid, screen
from chat.turn import Turn
from chat.words import Both, Text, t, tn
from ledger.merchants import files, licences, onboarding
from ledger.merchants.files import Paper
from ledger.merchants.onboarding import NATIONWIDE, Application, Field

feature = Feature("apply", order=60)

STEPS = len(onboarding.FIELDS) + 1
"""The questions, and the papers."""
OVERVIEW = "overview"
"""In a button: after this answer back to the overview, not on to the next question."""

QUESTIONS: dict[Field, Text] = {
    "name_zh": t("店的中文名叫什么?发给我。"),
    "name_en": t("英文名呢?没有就用拼音。"),
    "category": t("做哪一行?点一个。"),
    "region": t("在哪个地区?"),
    "contact": t("我们找谁?把称呼和电话发给我。只有运营人员看得到;申请没通过就删掉。"),
    "licence": t("营业执照上的统一社会信用代码是多少?发给我。"),
}

ABROAD = t("商业登记号是多少?照登记证发给我。")


@feature.command("apply", t("申请成为商户"), said="入驻,申请加盟,become a merchant")
async def command(turn: Turn, words: str = "") -> Screen:
    """Begins an application, or shows where it stands."""
    return await home(turn)


@feature.tap("home")
async def home(turn: Turn) -> Screen:
    """Shows where an application stands; what it takes, where there is none."""
    turn.finish()
    found = await onboarding.current(turn.tx, turn.me.id, vault=turn.vault)
    if found is not None:
        return await waiting(turn, found) if found.state == "sent" else await overview(turn, found)
    last = await onboarding.latest(turn.tx, turn.me.id)
    if last is not None and last.state == "accepted" and turn.me.role_at(last.merchant_id or 0) is not None:
        mine: list[Line] = [t("您的店 <b>{name}</b> 已经加入联盟", name=name_of(last))]
        rows = [[desk_doors.merchant(), desk_doors.counter()], [feature.button(t("再申请一家"), "begin"), doors.home()]]
        return screen(mine, rows)
    lines: list[Line | None] = [
        t("<b>成为联盟商户</b>"),
        t("上次的申请没有通过:{reason}", reason=last.reason) if last is not None and last.reason else None,
        t("会员在您店里消费就得分,拿分来店里花。"),
        BLANK,
        tn("一共 {n} 步:店名、行业、地区、联系人、执照,再发几张照片。随时可以停下,下次接着填。", n=STEPS),
    ]
    begin_ = feature.button(t("开始申请"), "begin", style="primary")
    return screen(lines, [[begin_], [doors.home()]])


@feature.tap("begin")
async def begin(turn: Turn) -> Screen | Onward:
    """Begins, or goes on with the first question that has no answer."""
    found = await onboarding.begin(turn.tx, turn.me.id, now=turn.now)
    if found.state != "draft":
        return await home(turn)
    return await after(turn, found)


async def after(turn: Turn, draft: Application) -> Screen | Onward:
    """The next question; then the papers; then the overview."""
    if draft.unanswered:
        return ask(turn, draft, draft.unanswered[0], then="")
    papers = await files.of_application(turn.tx, draft.id)
    return await overview(turn, draft) if papers else Onward(doors.application_papers(t("文件")))


def ask(turn: Turn, draft: Application, field: Field, *, then: str) -> Screen:
    """One question; where there are few answers, as buttons."""
    turn.goto(feature.at("answer"), field=field, then=then)
    step = onboarding.FIELDS.index(field) + 1
    lines: list[Line] = [
        t("<b>{field}</b>", field=FIELDS[field])
        if then == OVERVIEW
        else t("<b>{field}</b> · 第 {n} 步,共 {all} 步", field=FIELDS[field], n=step, all=STEPS),
        ABROAD if field == "licence" and not licences.on_mainland(turn.programme, draft.region) else QUESTIONS[field],
    ]
    choices: list[Button] = []
    if field == "category":
        choices = [feature.button(words, "choose", "category", code, then) for code, words in CATEGORIES.items()]
    elif field == "region":
        choices = [
            feature.button(t("{region}", region=merchants.region(turn.programme, code)), "choose", "region", code, then)
            for code in [*(each.code for each in turn.programme.regions), NATIONWIDE]
        ]
    rows = grid(choices, 2)
    back = feature.button(t("看已填的"), "home") if len(draft.unanswered) < len(onboarding.FIELDS) else None
    return screen(lines, [*rows, [back, doors.home(t("先不填了"))]])


@feature.tap("ask")
async def ask_again(turn: Turn, field: str) -> Screen:
    """Asks a question anew, from the overview."""
    draft = await onboarding.begin(turn.tx, turn.me.id, now=turn.now)
    if draft.state != "draft" or field not in get_args(Field):
        return await home(turn)
    return ask(turn, draft, field, then=OVERVIEW)  # type: ignore[arg-type]  # it is one of them


@feature.step("answer")
async def answered(turn: Turn, said: str) -> Screen | Onward:
    """Takes an answer as typed; what is chosen by buttons is asked again."""
    field: Field = turn.dialogue.data["field"]
    then = str(turn.dialogue.data["then"])
    draft = await onboarding.begin(turn.tx, turn.me.id, now=turn.now)
    if field in ("category", "region"):
        return ask(turn, draft, field, then=then)
    return await took(turn, draft, field, said, then)


@feature.tap("choose")
async def chosen(turn: Turn, field: str, code: str, then: str = "") -> Screen | Onward:
    """Takes an answer as tapped."""
    draft = await onboarding.begin(turn.tx, turn.me.id, now=turn.now)
    regions = {NATIONWIDE, *(each.code for each in turn.programme.regions)}
    known: dict[str, set[str]] = {"category": set(CATEGORIES), "region": regions}
    if draft.state != "draft" or code not in known.get(field, ()):
        return await home(turn)
    return await took(turn, draft, field, code, then)  # type: ignore[arg-type]  # category or region


async def took(turn: Turn, draft: Application, field: Field, said: str, then: str) -> Screen | Onward:
    """Writes an answer down and goes on."""
    now = await onboarding.answer(turn.tx, draft.id, field, said, programme=turn.programme, vault=turn.vault)
    return await overview(turn, now) if then == OVERVIEW else await after(turn, now)


# -- looking it over, and sending it


async def overview(turn: Turn, draft: Application) -> Screen:
    """Everything answered so far, each to be changed; complete, it can be sent."""
    turn.finish()
    draft = await onboarding.by_id(turn.tx, draft.id, vault=turn.vault)
    sent = await files.of_application(turn.tx, draft.id)
    lines: list[Line | None] = [t("<b>您的申请</b>"), *answers(turn, draft), paper_line(sent)]
    complete = not draft.unanswered and any(each.purpose == "licence" for each in sent)
    if complete:
        lines += [BLANK, t("都齐了。发出后由运营人员审核,期间不能再改。")]
    edits: list[Button | None] = [
        feature.button(t("改{field}", field=FIELDS[field]), "ask", field)
        for field in onboarding.FIELDS
        if draft.answered(field)
    ]
    rows: list[list[Button | None]] = [
        [feature.button(t("发出申请"), "send", draft.id, style="primary") if complete else None],
        [feature.button(t("继续填写"), "begin") if draft.unanswered else None],
        *grid(edits, 2),
        [doors.application_papers(t("文件({n})", n=len(sent)) if sent else t("发营业执照"))],
        [feature.button(t("撤回申请"), "withdraw", draft.id, style="danger"), doors.home()],
    ]
    return screen(lines, rows)


def name_of(application: Application) -> Both:
    """What the shop is called."""
    return Both(application.name_zh or "", application.name_en or "")


def answers(turn: Turn, draft: Application) -> list[Line]:
    """What was answered, a line each."""
    lines: list[Line] = []
    for field in onboarding.FIELDS:
        if not draft.answered(field):
            lines.append(t("{field}:还没填", field=FIELDS[field]))
            continue
        said: object = getattr(draft, field)
        if field == "category":
            said = merchants.category(draft.category or "")
        elif field == "region":
            said = merchants.region(turn.programme, draft.region)
        lines.append(t("{field}:{said}", field=FIELDS[field], said=said))
    return lines


def paper_line(sent: list[Paper]) -> Line:
    """How many papers there are."""
    if not any(each.purpose == "licence" for each in sent):
        return t("文件:还没有营业执照")
    return tn("文件:{n} 份", n=len(sent))


@feature.tap("send")
async def send(turn: Turn, application_id: str) -> Screen:
    """Sends the application and tells the operators; a second tap shows that it is on its way."""
    found = await onboarding.current(turn.tx, turn.me.id)
    if found is None or found.state != "draft" or found.id != number(application_id):
        return await home(turn)
    done = await onboarding.send(turn.tx, found.id, programme=turn.programme, by=turn.actor, now=turn.now)
    for admin in await desk.holders(turn.tx, "admin"):
        turn.tell(admin, merchants.applied(done), key=f"applied:{done.id}:{admin}")
    return await waiting(turn, done)


async def waiting(turn: Turn, application: Application) -> Screen:
    """What was sent and waits."""
    lines: list[Line] = [
        t("<b>{name}</b> 的申请在审核", name=name_of(application)),
        t("{when} 发出。有结果会在这里告诉您。", when=application.sent_at),
    ]
    return screen(lines, [[feature.button(t("撤回申请"), "withdraw", application.id, style="danger"), doors.home()]])


@feature.tap("withdraw")
async def withdraw(turn: Turn, application_id: str) -> Screen:
    """Asks before an application is taken back."""
    found = await onboarding.current(turn.tx, turn.me.id)
    if found is None:
        return await home(turn)
    yes = feature.button(t("确认撤回"), "withdrawn", found.id, style="danger")
    lines: list[Line] = [t("撤回申请?"), t("填的内容和文件都会删掉。以后可以重新申请。")]
    return screen(lines, [[yes, feature.button(t("不撤了"), "home")]])


@feature.tap("withdrawn")
async def withdrawn(turn: Turn, application_id: str) -> Screen:
    """Takes the application back; a second tap shows the same."""
    found = await onboarding.current(turn.tx, turn.me.id)
    if found is not None and found.id == number(application_id):
        await onboarding.withdraw(turn.tx, found.id, by=turn.actor, now=turn.now)
    turn.finish()
    return screen([t("申请已撤回,内容都删掉了。")], [[doors.apply(t("重新申请")), doors.home()]])
