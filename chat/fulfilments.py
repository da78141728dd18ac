"""Words about merchants that hand over one another's offers: where something can be had, who is asked, and what came of it."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Protocol

from sqlalchemy.ext.asyncio import AsyncConnection

from chat import desk_doors, doors, settlement
from chat.offers import both, listing
from chat.refusals import Worded, worded
from chat.screen import BLANK, Button, Line, Screen, grid, screen
from chat.turn import Tell
from chat.words import Both, Text, t, tn
from ledger.redeeming import fulfilments
from ledger.redeeming.fulfilments import Fulfiller, Fulfilment, State
from ledger.redeeming.offers import Names

NAMED = 3
"""So many merchants are named on one line."""

STATES: dict[State, Text] = {
    "asked": t("等答复"),
    "agreed": t("已答应"),
    "declined": t("谢绝了"),
    "left": t("不再兑了"),
}


class Had(Protocol):
    """An offer or a voucher: something that is had at one merchant or at several."""

    @property
    def merchant(self) -> Names: ...

    @property
    def fulfillers(self) -> tuple[Fulfiller, ...]: ...

    @property
    def shops(self) -> tuple[Fulfiller, ...]: ...


def where(had: Had) -> Both | Text:
    """«云山超市», or «云山超市等 3 家»."""
    merchant = both(had.merchant)
    return tn("{merchant}等 {n} 家", n=len(had.shops), merchant=merchant) if had.fulfillers else merchant


def everywhere(had: Had) -> Line | None:
    """The line that names them, where there are several."""
    return t("可到 {merchants}", merchants=some(tuple(shop.name for shop in had.shops))) if had.fulfillers else None


def some(names: Sequence[Names]) -> Text | Both:
    """The first of them by name, and how many there are in all."""
    named = listing(both(each) for each in names[:NAMED])
    return tn("{merchants}等 {n} 家", n=len(names), merchants=named) if len(names) > NAMED else named


def places(had: Had, back: Button) -> Screen:
    """All of them, each with what else it hands over."""
    lines: list[Line] = [tn("<b>{n} 家都能用</b>", n=len(had.shops)), BLANK]
    lines += [t("· {merchant}", merchant=both(shop.name)) for shop in had.shops]
    rows = grid([doors.merchant_offers(t("{merchant}", merchant=both(shop.name)), shop.id) for shop in had.shops], 2)
    return screen(lines, [*rows, [back, doors.home()]])


def many(had: Had, data: str) -> Button | None:
    """The way to `places`, where they don't all stand on one line."""
    return Button(tn("{n} 家都能用", n=len(had.shops)), data=data) if len(had.shops) > NAMED else None


def stands(each: Fulfilment) -> Text:
    """«绿叶书店:等答复»."""
    return t("{merchant}:{state}", merchant=both(each.merchant), state=STATES[each.state])


async def asked(tx: AsyncConnection, offer_id: int) -> list[Tell]:
    """What those who run a merchant hear when it is asked to hand an offer over, or asked again: once each time."""
    tells = []
    for each in await fulfilments.untold(tx, offer_id):
        anew = each.agreed_version is not None
        facts = {"owner": both(each.owner), "offer": both(each.offer.name)}
        lines: list[Line] = [
            t("<b>{owner}</b>改了「{offer}」,还一起兑吗?", **facts)
            if anew
            else t("<b>{owner}</b>请您一起兑「{offer}」", **facts),
            t("您答应之前,新换出的券不到您这里用。") if anew else t("会员拿券来,您这里也能给。谁给的,结算给谁。"),
        ]
        told = screen(lines, [[desk_doors.fulfilment(t("看看再定"), each.merchant_id, each.offer_id), doors.home()]])
        key = f"fulfilment:{each.offer_id}:{each.merchant_id}:{each.version}"
        tells += [
            Tell(member_id, told, key=f"{key}:{member_id}")
            for member_id in await settlement.run_by(tx, each.merchant_id)
        ]
    return tells


def answered(each: Fulfilment) -> Screen:
    """What those hear who run the merchant whose offer it is."""
    facts = {"merchant": both(each.merchant), "offer": both(each.offer.name)}
    lines: list[Line] = (
        [t("<b>{merchant}</b>答应一起兑「{offer}」", **facts), t("会员现在也能到那里用。")]
        if each.state == "agreed"
        else [t("<b>{merchant}</b>没有答应一起兑「{offer}」", **facts), t("它只在答应了的店能用。")]
        if each.state == "declined"
        else [t("<b>{merchant}</b>不再兑「{offer}」了", **facts), t("已换出的券,那里照样能用。")]
    )
    return screen(lines, [[desk_doors.own_offer(each.owner_id, each.offer_id, t("看它")), doors.home()]])


@worded(fulfilments.NotAsked)
def _(no: fulfilments.NotAsked) -> Worded:
    return Worded(t("对方没有请您兑这一项"), t("可能已经改了。有新的会再问您。"))


@worded(fulfilments.FulfillerNotServing)
def _(no: fulfilments.FulfillerNotServing) -> Worded:
    return Worded(t("{merchant} 现在不能代兑", merchant=both(no.merchant)), t("先去掉这一家。"))
