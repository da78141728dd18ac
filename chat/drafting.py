"""Writing a document in chat, part by part: the questions, what takes an answer, what is said where two people publish at once, and
forgetting a draft. What offers and privileges share; what each is asked and how it looks is their features' own.
"""

from __future__ import annotations

from collections.abc import Awaitable, Callable, Mapping, Sequence
from dataclasses import dataclass, replace
from typing import Any, Generic, Protocol, TypeVar

from pydantic import ValidationError

from chat import offer_faults, offer_text
from chat.arguments import number
from chat.feature import Feature
from chat.offer_answers import About, Unread, two
from chat.offer_parts import Part
from chat.offer_text import Said
from chat.refusals import wording
from chat.screen import BLANK, Button, Line, Screen, screen
from chat.till import Post
from chat.turn import Turn
from chat.words import Text, t, tn
from ledger.errors import Refusal
from ledger.redeeming.drafts import KEPT_DAYS, Document, Draft, merged
from ledger.redeeming.spelling import is_chinese

D = TypeVar("D", bound=Draft)
K = TypeVar("K", bound=Draft, covariant=True)


class Kept(Protocol[K]):
    """The drafts of one kind, as `ledger.redeeming` keeps them."""

    def find(self, *args: Any, **how: Any) -> Awaitable[K | None]: ...
    def begin(self, *args: Any, **how: Any) -> Awaitable[K]: ...
    def begin_change(self, *args: Any, **how: Any) -> Awaitable[K]: ...
    def unfinished(self, *args: Any, **how: Any) -> Awaitable[K | None]: ...
    def mine(self, *args: Any, **how: Any) -> Awaitable[K]: ...
    def change(self, *args: Any, **how: Any) -> Awaitable[K]: ...
    def onto_latest(self, *args: Any, **how: Any) -> Awaitable[K]: ...
    def drop(self, *args: Any, **how: Any) -> Awaitable[None]: ...
    def checked(self, document: Document) -> Any: ...


@dataclass(frozen=True)
class Writing(Generic[D]):
    """How one feature writes its documents. Its dialogue step is called «part»; its taps «change», «part», «say», «onto», which
    come here, and «show», «drop», «dropped», which are its own.

    `after`: what is asked next of something new; `home`: where whoever leaves a draft goes; `again`: refusals of an answer, which
    is asked for again; `overview`: the whole draft, with a line in front, the part just answered, or neither; `page_of`: on which
    page of it a part's button stands.
    """

    feature: Feature
    kept: Kept[D]
    parts: Mapping[str, Part]
    labels: Mapping[str, Text]
    said: Callable[[Any, Document, str], Said | None]
    after: Callable[[About, str], str | None]
    run_here: Callable[[Turn, int], Awaitable[Post]]
    about: Callable[[Turn, Post, D], Awaitable[About]]
    overview: Callable[[Turn, Post, D, Line | None, str | None], Awaitable[Screen]]
    home: Callable[[int, Text | None], Button]
    again: tuple[type[Refusal], ...] = ()
    page_of: Callable[[str], int] = lambda part: 0

    def listens(self) -> None:
        """Have the feature's taps and its step come here."""
        for action, run in (("change", self.change), ("part", self.part), ("say", self.say), ("onto", self.onto)):
            self.feature.tap(action)(run)
        self.feature.step("part")(self.typed)

    async def new(
        self, turn: Turn, merchant: str, first: str, known: Callable[[Turn, Post], Awaitable[Document]] | None = None
    ) -> Screen:
        """Begins something new with its `first` question and what else is `known` of it, or goes on with what was begun."""
        post = await self.run_here(turn, number(merchant))
        there = await self.kept.unfinished(turn.tx, post.merchant.id, turn.me.id)
        if there is not None and there.subject_id is None:
            said = t("先接着写这一份。") if there.document.get("name") else None
            if there.guide is None:
                return await self.overview(turn, post, there, said, None)
            return await self.ask(turn, post, there, there.guide, first=said)
        more = await known(turn, post) if known is not None else {}
        nonce, code = turn.nonce(), post.merchant.code
        draft = await self.kept.begin(
            turn.tx,
            merchant_id=post.merchant.id,
            member_id=turn.me.id,
            document={"code": f"{code[:28]}-{nonce}".lower(), "merchant": code, **more},
            guide=first,
            nonce=nonce,
            now=turn.now,
        )
        return await self.ask(turn, post, draft, first)

    async def change(self, turn: Turn, merchant: str, subject: str) -> Screen:
        """Begins to change what is published, or goes on with it."""
        post = await self.run_here(turn, number(merchant))
        who = {"merchant_id": post.merchant.id, "member_id": turn.me.id}
        draft = await self.kept.begin_change(turn.tx, number(subject), **who, nonce=turn.nonce(), now=turn.now)
        return await self.overview(turn, post, draft, None, None)

    async def found(self, turn: Turn, merchant: str, nonce: str, part: str | None = None) -> tuple[Post, D] | None:
        """The draft that a button is of; None: it is done with."""
        post = await self.run_here(turn, number(merchant))
        draft = await self.kept.find(turn.tx, post.merchant.id, turn.me.id)
        if draft is None or draft.nonce != nonce or (part is not None and part not in self.parts):
            return None
        return post, draft

    async def part(self, turn: Turn, merchant: str, nonce: str, part: str) -> Screen:
        """Asks for the part that was tapped."""
        there = await self.found(turn, merchant, nonce, part)
        return gone() if there is None else await self.ask(turn, *there, part)

    async def ask(
        self, turn: Turn, post: Post, draft: D, part: str, *, first: Line | None = None, zh: str = ""
    ) -> Screen:
        """Asks for a part, the usual answers as buttons. `zh`: the Chinese name, where the English one is asked for."""
        here, about = post.merchant.id, await self.about(turn, post, draft)
        button, nonce = self.feature.button, draft.nonce
        turn.goto(self.feature.at("part"), merchant=here, nonce=nonce, part=part, **({"zh": zh} if zh else {}))
        now = self.said(about.terms, draft.document, part)
        guided = draft.guide is not None and not self.parts[part].stays
        name = offer_text.name(draft.document)
        label = self.labels[part]
        heading = t("{part} · {name}", part=label, name=name) if name else t("{part}", part=label)
        lines: list[Line | None] = [
            first,
            t("<b>{heading}</b>", heading=heading),
            t("现在:{said}", said=now) if now is not None and not guided and not zh else None,
        ]
        lines += [t("「{zh}」的英文名叫什么?", zh=zh)] if zh else self.parts[part].ask(about)
        rows: list[list[Button | None]] = [
            [button(words, "say", here, nonce, part, said) for words, said in row]
            for row in self.parts[part].usual(about)
        ]
        rows.append(list(self.parts[part].ways(about, here)))
        if guided:
            look, away = button(t("看草稿"), "show", here, 2), button(t("丢掉"), "drop", here, nonce)
            rows.append([look if draft.document.get("name") else away, self.home(here, t("先放着"))])
        else:
            rows.append([button(t("返回"), "show", here, self.page_of(part))])
        return screen(lines, rows)

    async def say(self, turn: Turn, merchant: str, nonce: str, part: str, *said: str) -> Screen:
        """Takes the answer that a button says."""
        there = await self.found(turn, merchant, nonce, part)
        return gone() if there is None else await self.take(turn, *there, part, ":".join(said))

    async def typed(self, turn: Turn, said: str) -> Screen:
        """Takes what was typed for the part that was asked; where none was, shows the draft."""
        data = turn.dialogue.data
        post = await self.run_here(turn, data["merchant"])
        draft = await self.kept.mine(turn.tx, post.merchant.id, turn.me.id)
        part = data.get("part")
        if part is None or draft.nonce != data.get("nonce"):
            return await self.overview(turn, post, draft, t("要改哪一项?点下面的。"), None)
        if part == "name" and (two(said) is None or data.get("zh")):
            return await self._name(turn, post, draft, said)
        return await self.take(turn, post, draft, part, said)

    async def _name(self, turn: Turn, post: Post, draft: D, said: str) -> Screen:
        """One language of the name: the Chinese first, then the English."""
        words, zh = " ".join(said.split()), str(turn.dialogue.data.get("zh", ""))
        if zh and (names := two(said)) is not None and is_chinese(names["zh"]):  # both after all, the Chinese one anew
            return await self.take(turn, post, draft, "name", said)
        if zh and is_chinese(words) and not is_chinese(zh):  # the English name came first
            return await self.take(turn, post, draft, "name", f"{words}\n{zh}")
        if zh:
            return await self.take(turn, post, draft, "name", f"{zh}\n{words}")
        try:
            self.kept.checked({**draft.document, "name": {"zh": words, "en": "…"}})
        except ValidationError as error:
            return await self.ask(turn, post, draft, "name", first=offer_faults.line(error))
        return await self.ask(turn, post, draft, "name", zh=words)

    async def take(self, turn: Turn, post: Post, draft: D, part: str, said: str) -> Screen:
        """Writes an answer into the draft; what can't be is said, and asked again."""
        about = await self.about(turn, post, draft)
        try:
            parts = self.parts[part].read(about, said)
            guide = draft.guide
            said_so = replace(about, document=merged(about.document, parts))
            if guide is not None and (guide == part or not self.parts[guide].applies(said_so)):
                guide = self.after(said_so, guide)
            draft = await self.kept.change(turn.tx, draft, parts, guide=guide, now=turn.now)
        except Unread as no:
            return await self.ask(turn, post, draft, part, first=no.words)
        except ValidationError as error:
            return await self.ask(turn, post, draft, part, first=offer_faults.line(error))
        except self.again as refused:
            return await self.ask(turn, post, draft, part, first=wording(refused).detail)
        if self.parts[part].stays:
            return await self.ask(turn, post, draft, part)
        if draft.guide is not None:
            return await self.ask(turn, post, draft, draft.guide)
        return await self.overview(turn, post, draft, None, part)

    def told(self, about: About, document: Document, quiet: Mapping[str, Said | None]) -> list[Text]:
        """What a draft says, a line a part; what is as in `quiet` is left out."""
        said = {part: self.said(about.terms, document, part) for part in self.labels}
        return [
            t("{part}:{said}", part=self.labels[part], said=each)
            for part, each in said.items()
            if each is not None and each != quiet.get(part)
        ]

    def moved(
        self,
        turn: Turn,
        post: Post,
        draft: D,
        *,
        who: Text | str,
        version: int,
        theirs: Sequence[Text],
        mine: Sequence[Text],
    ) -> Screen:
        """Somebody else published `version` first: what they changed, what this draft changes, and the two ways on."""
        here, button = post.merchant.id, self.feature.button
        turn.goto(self.feature.at("part"), merchant=here, nonce=draft.nonce)
        lines: list[Line] = [
            t("<b>它刚被{who}改过,还没有发布您的</b>", who=who),
            t("您从第 {mine} 版改起,现在是第 {now} 版。", mine=draft.base_version, now=version),
            BLANK,
            t("这期间改了:"),
            *offer_text.few(theirs),
            t("您改的:"),
            *offer_text.few(mine),
            BLANK,
            t("两边都改的地方,会用您的。"),
        ]
        onto = button(t("在新的上面接着改"), "onto", here, draft.nonce, style="primary")
        return screen(lines, [[onto], [button(t("丢掉我的"), "drop", here, draft.nonce, style="danger")]])

    async def onto(self, turn: Turn, merchant: str, nonce: str) -> Screen:
        """Carries a draft's changes over to what is there now."""
        there = await self.found(turn, merchant, nonce)
        if there is None or there[1].subject_id is None:
            return gone()
        post, draft = there
        try:
            draft = await self.kept.onto_latest(turn.tx, draft, now=turn.now)
        except ValidationError as error:
            here, button = post.merchant.id, self.feature.button
            said = t("两边合不到一起:{why}", why=offer_faults.said(error))
            away = button(t("丢掉我的"), "drop", here, nonce, style="danger")
            return screen([said], [[button(t("再改改"), "show", here)], [away]])
        return await self.overview(turn, post, draft, t("接到最新的一版上了。"), None)

    async def drop(self, turn: Turn, merchant: str, nonce: str, *, kept: Text) -> Screen:
        """Asks before a draft goes. `kept`: what is said where there is something published that stays."""
        there = await self.found(turn, merchant, nonce)
        if there is None:
            return gone()
        here, button = there[0].merchant.id, self.feature.button
        said = t("丢掉这份草稿?写好的就没有了。") if there[1].subject_id is None else kept
        yes = button(t("丢掉"), "dropped", here, nonce, style="danger")
        return screen([said], [[yes, button(t("不丢"), "show", here)]])

    async def dropped(self, turn: Turn, merchant: str, nonce: str, *, said: Text, anew: Button, back: Text) -> Screen:
        """Forgets the draft. `said`: that it is gone; `anew`: the way to another."""
        there = await self.found(turn, merchant, nonce)
        if there is None:
            return gone()
        await self.kept.drop(turn.tx, there[0].merchant.id, turn.me.id)
        turn.finish()
        return screen([said, tn("不丢的草稿留 {n} 天。", n=KEPT_DAYS)], [[anew, self.home(there[0].merchant.id, back)]])


def gone() -> Screen:
    """A button of a draft that is done with. What that one showed stays."""
    return Screen(alert=t("这份草稿已经发布,或者丢掉了。"))


def heading(version: int | None, document: Document, new: Text) -> Text:
    """What a draft is of: the version that it changes, or something new."""
    if version is None:
        return new
    return t("<b>改「{name}」</b> · 第 {version} 版", name=offer_text.name(document), version=version)


def still(labels: Mapping[str, Text], missing: Sequence[str]) -> list[Line]:
    """What has to be written yet, as the last lines of a draft."""
    if not missing:
        return []
    said = labels[missing[0]]
    for part in missing[1:]:
        said = t("{one}、{other}", one=said, other=labels[part])
    return [BLANK, t("还要写:{parts}", parts=said)]


def changed(found: Sequence[Text]) -> list[Line]:
    """What a draft of a change changes."""
    return [BLANK, t("<b>改了:</b>") if found else t("还没有改动。"), *offer_text.few(found, 12)]
