"""The papers of an application: pictures and files as they are sent, each called what it is to prove."""

from __future__ import annotations

from typing import get_args

from chat import doors, merchants
from chat.arguments import number
from chat.feature import Feature
from chat.merchants import PURPOSES
from chat.screen import Button, Line, Onward, Screen, grid, screen
from chat.turn import Turn
from chat.words import t, tn
from ledger.merchants import files, onboarding
from ledger.merchants.files import Paper
from ledger.merchants.onboarding import Application

feature = Feature("apply_papers", order=61)

BACK = doors.apply(t("好了"))


@feature.tap("home")
async def home(turn: Turn) -> Screen | Onward:
    """Asks for papers, and lists those that came."""
    draft = await drafted(turn)
    return await ask(turn, draft) if draft is not None else Onward(BACK)


async def drafted(turn: Turn) -> Application | None:
    """What this member is still filling in."""
    found = await onboarding.current(turn.tx, turn.me.id)
    return found if found is not None and found.state == "draft" else None


async def ask(turn: Turn, draft: Application, got: Paper | None = None) -> Screen:
    """Takes one paper after the other; the first is taken for the licence, and each can be called something else."""
    turn.goto(feature.at("more"))
    sent = await files.of_application(turn.tx, draft.id)
    last = len(onboarding.FIELDS) + 1
    step = t("<b>{field}</b> · 第 {n} 步,共 {all} 步", field=t("文件"), n=last, all=last)
    lines: list[Line] = [t("<b>文件</b>") if sent else step]
    rows: list[list[Button | None]] = []
    if got is not None:
        lines += [
            t("收到了,记作「{purpose}」。不是的话,点一下对的。", purpose=PURPOSES[got.purpose]),
            t("还有就继续发,没有了点「好了」。"),
        ]
        names = [
            feature.button(words, "call", got.id, purpose)
            for purpose, words in PURPOSES.items()
            if purpose != got.purpose
        ]
        rows = grid(names, 2)
    else:
        lines.append(t("把营业执照拍张照,或作为文件发给我。有信用证书、第三方评估、备案文件的,也一起发来。"))
        if sent:
            lines.append(tn("已有 {n} 份,点开可以看、可以撤掉。", n=len(sent)))
        papers = [feature.button(PURPOSES[each.purpose], "show", each.id) for each in sent]
        rows = grid(papers, 3)
    return screen(lines, [*rows, [BACK if sent else doors.apply(t("先跳过"))]])


@feature.file_step("more")
async def sent(turn: Turn) -> Screen | Onward:
    """Keeps a paper."""
    given, draft = turn.file, await drafted(turn)
    if given is None or draft is None:
        return Onward(BACK)
    first = not await files.of_application(turn.tx, draft.id)
    got = await files.add(
        turn.tx,
        application_id=draft.id,
        purpose="licence" if first else "other",
        kind=given.kind,
        given=given.file_id,
        unique_id=given.unique_id,
        name=given.name,
        size=given.size,
        caption=given.caption,
        by=turn.actor,
        now=turn.now,
    )
    return await ask(turn, draft, got)


@feature.step("more")
async def words_instead(turn: Turn, said: str) -> Screen | Onward:
    """Says that pictures and files are awaited."""
    return await home(turn)


@feature.tap("call")
async def call(turn: Turn, file_id: str, purpose: str) -> Screen | Onward:
    """Files a paper under another name."""
    draft = await drafted(turn)
    if draft is None:
        return Onward(BACK)
    paper = await mine(turn, draft, file_id)
    if purpose in get_args(files.Purpose):
        await files.call(turn.tx, draft.id, paper.id, purpose)  # type: ignore[arg-type]  # it is one of them
    return await ask(turn, draft, await files.by_id(turn.tx, paper.id))


@feature.tap("show")
async def show(turn: Turn, file_id: str) -> Screen | Onward:
    """Shows a paper again."""
    draft = await drafted(turn)
    if draft is None:
        return Onward(BACK)
    paper = await mine(turn, draft, file_id)
    lines: list[Line | None] = [
        t("<b>{purpose}</b>", purpose=PURPOSES[paper.purpose]),
        t("{caption}", caption=paper.caption) if paper.caption else None,
    ]
    away = feature.button(t("撤掉这份"), "drop", paper.id, style="danger")
    rows = [[away, feature.button(t("返回"), "home")]]
    return screen(lines, rows, file=await merchants.shown(turn.tx, paper), protect=True)


@feature.tap("drop")
async def drop(turn: Turn, file_id: str) -> Screen | Onward:
    """Takes a paper out."""
    draft = await drafted(turn)
    if draft is not None:
        await files.drop(turn.tx, draft.id, number(file_id))
    return await home(turn)


async def mine(turn: Turn, application: Application, file_id: str) -> Paper:
    """A paper of this application. `NoSuchFile` for another's."""
    paper = await files.by_id(turn.tx, number(file_id))
    if paper.application_id != application.id:
        raise files.NoSuchFile(paper.id)
    return paper
