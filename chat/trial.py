"""Trying a proposed rule on a merchant's recent purchases, and what that says in words."""

from __future__ import annotations

import datetime as dt

from chat import known
from chat import rules as words
from chat.screen import Line
from chat.turn import Turn
from ledger.earning import replay, rulebook
from ledger.earning.rules.version import RuleVersion
from ledger.merchants.merchant import Merchant

DAYS = 30
"""A month tells how the weekdays differ."""

PURCHASES_MOST = 5000
"""So many are tried within a screen's patience; where there were more, the newest."""


async def lines(turn: Turn, merchant: Merchant, proposed: RuleVersion) -> list[Line]:
    """What the rule would have given in the last thirty days beside what was given; for a rule of some days, in as many of them."""
    stands = await rulebook.all_of(turn.tx, merchant.id)
    since, until = turn.today - dt.timedelta(days=DAYS), turn.today - dt.timedelta(days=1)
    versions = replay.instead(stands, proposed, since=since)
    done = await replay.replay(
        turn.tx, merchant, versions, since=since, until=until, most=PURCHASES_MOST, vault=turn.vault
    )
    days, extra = None, done.extra
    if proposed.valid_to is not None and done.since is not None:
        days = (proposed.valid_to - proposed.valid_from).days + 1
        extra = round(done.extra * days / ((until - done.since).days + 1))
    names = await known.read(turn.tx)
    worth = names.worth(merchant.terms.currency, abs(extra)) if extra else None
    return [*words.would(done, extra, worth, days=days)]
