"""What the screens of a merchant's own privileges share: who runs them, what is written about, and one as members see it."""

from __future__ import annotations

from chat import privilege_words, till
from chat.offer_answers import About
from chat.privilege_text import PrivilegeTerms
from chat.screen import Line
from chat.till import Post
from chat.turn import Turn
from chat.words import Both, t
from ledger.merchants import outlets
from ledger.points import statements
from ledger.points.statements import Currency
from ledger.redeeming.may_use import Facts, Listed, may_use
from ledger.redeeming.offers import Names
from ledger.redeeming.privilege import Privilege
from ledger.redeeming.privilege_drafts import Draft
from ledger.redeeming.privileges import Seen


async def run_here(turn: Turn, merchant_id: int) -> Post:
    """This person's place at a merchant whose privileges they run. `NotStaff`, `NotAllowed`."""
    post = await till.post_at(turn, merchant_id)
    post.staff.demand("run_privileges")
    return post


def named(turn: Turn) -> tuple[dict[str, Both], dict[str, Both]]:
    """The programme's tiers and regions by code, as readers know them."""
    tiers, regions = (
        {each.code: Both(each.name_zh, each.name_en) for each in known}
        for known in (turn.programme.tiers, turn.programme.regions)
    )
    return tiers, regions


async def terms(turn: Turn, post: Post) -> PrivilegeTerms:
    """What words about this merchant's privileges need: the common currency first among those that it may ask for."""
    found = (await statements.currencies(turn.tx)).values()
    known = sorted((c for c in found if c.issuer_id in (None, post.merchant.id)), key=lambda c: c.issuer_id is not None)
    return PrivilegeTerms(known[0], post.merchant.money, turn.programme, known=tuple(known))


async def about(turn: Turn, post: Post, draft: Draft) -> About:
    """What questions about a draft speak of."""
    words = await terms(turn, post)
    open_ = tuple((each.id, each.name) for each in await outlets.of(turn.tx, post.merchant.id))
    return About(draft.document, words, turn.today, new=draft.guide is not None, currencies=words.known, outlets=open_)


def previewed(turn: Turn, post: Post, words: PrivilegeTerms, privilege: Privilege) -> list[Line]:
    """What a member sees who has what it asks, in their list of privileges."""
    here, holds = post.merchant, privilege.holds
    currency: Currency | None = words.of(holds.currency) if holds is not None else None
    one = Listed(
        0,
        0,
        True,
        here.id,
        Names(zh=here.name_zh, en=here.name_en),
        here.status in ("certified", "suspended"),
        here.money,
        currency.id if currency else None,
        Names(zh=currency.name_zh, en=currency.name_en) if currency else None,
        currency is None or currency.issuer_id is None,
        tuple(enumerate(privilege.outlets)),
        privilege,
    )
    tiers, regions = (
        {each.code: (each.name_zh, each.name_en) for each in known}
        for known in (turn.programme.tiers, turn.programme.regions)
    )
    facts = Facts(
        tier=privilege.tiers[0] if privilege.tiers else None,
        tiers=tiers,
        available=holds.points if holds is not None else 0,
        region=privilege.region,
        regions=regions,
    )
    card = privilege_words.card(Seen(one, facts, may_use(one, facts, today=turn.today)))
    return [*card, t("结账时出示会员码,收银员来点。积分不扣。")]
