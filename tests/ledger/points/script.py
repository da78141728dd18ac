"""A small language for rules, and `check`, which plays it against the real engine.

    2026-01-01 accrue 120 expires 2027-01-31
    2026-03-02 burn 50 as lunch
    2026-03-03 burn 100 refused not_enough_points needed=100 available=70
    2026-03-04 reinstate of lunch gives available=50
    on 2027-02-01: available 0 expired 120

A line is a day, whose turn it is (`b:`; left out: `a`), a verb, its figures, and what is expected: `gives` names net changes
by purpose (and facts of the entry, with a point before the name), `refused` a code with facts, `again` the very receipt that the
key had before. `as` names an entry so that `of` can undo it. What is not said has its usual value: issuer 5, merchant 9, common
points, never expiring, available at once, thirty days of grace.

`on DAY:` compares what an owner has on that day. Everything due is settled first and undone after; the statements, which must
show the same without settling, are asked beforehand. `lots` lists the expiry schedule, `issuer:day=points` (issuer 5 is left out).
"""

from __future__ import annotations

import datetime as dt
import re
from dataclasses import dataclass, field
from typing import Any

from sqlalchemy import text
from sqlalchemy.ext.asyncio import AsyncConnection, AsyncEngine

from ledger.errors import Refusal
from ledger.points import commands as c
from ledger.points import statements
from ledger.points.engine import post
from tests.ledger.points import builders

CURRENCIES = {"common": builders.COMMON, "rail": builders.RAIL, "worthless": builders.WORTHLESS}
VERBS: dict[str, type[c.Command]] = {
    kind.verb: kind
    for kind in (
        c.Accrue,
        c.OpenBalance,
        c.Release,
        c.Expire,
        c.Hold,
        c.Burn,
        c.Give,
        c.Void,
        c.Transfer,
        c.ClawBack,
        c.Reinstate,
        c.Reverse,
        c.Restore,
        c.Adjust,
        c.Exchange,
    )
}
LINE = re.compile(
    r"(?P<day>\d{4}-\d\d-\d\d) (?:(?P<who>\w+): )?(?P<verb>\w+)(?P<said>.*?)"
    r"(?: (?P<how>gives|refused|again)\b(?P<expected>.*))?"
)
ON = re.compile(r"on (?P<day>\d{4}-\d\d-\d\d): (?:(?P<who>[a-z]+\d*): )?(?P<expected>.*)")
ENDED = ("burned", "expired", "clawed_back")


@dataclass
class Play:
    """One script being played: who is who, and the entries that were named."""

    base: int = 0
    lines: int = 0
    named: dict[str, c.Receipt] = field(default_factory=dict)
    by_key: dict[str, c.Receipt] = field(default_factory=dict)

    def owner(self, name: str) -> c.Owner:
        """`a`, `b` … are members; names that begin with `pool` are pools."""
        kind = "pool" if name.startswith("pool") else "member"
        return c.Owner(kind, self.base + sum(ord(letter) * 31**n for n, letter in enumerate(name)))

    def command(self, day: dt.date, who: str, verb: str, said: str) -> tuple[c.Command, str | None]:
        """What a line asks for, and the name it gives to the entry."""
        words = said.split()
        asked: dict[str, Any] = {}
        while words:
            word = words.pop(0)
            if re.fullmatch(r"-?\d+", word):
                asked["points"] = int(word)
            elif word == "all":
                asked["points"] = None
            elif word == "movable":
                asked["movable"] = True
            elif word == "locked":
                asked["transferable"] = False
            else:
                asked[word] = words.pop(0)
        self.lines += 1
        label = asked.pop("as", None)
        key = asked.pop("key", builders.fresh_key("script"))
        currency = CURRENCIES[asked.pop("in", "common")]
        fields = builders.common(key=key, owner=self.owner(who), currency=currency, at=builders.moment(day, self.lines))
        fields |= self._figures(day, verb, currency, asked)
        assert not asked, f"not understood: {asked}"
        return VERBS[verb](**fields), label

    def _figures(self, day: dt.date, verb: str, currency: int, asked: dict[str, Any]) -> dict[str, Any]:
        figures: dict[str, Any] = {}
        if verb in ("accrue", "open_balance"):
            figures |= {"available_on": _day(asked.pop("from", str(day))), "rule": asked.pop("rule", None)}
            figures["transferable"] = asked.pop("transferable", True)
        if verb in ("accrue", "open_balance", "adjust", "claw_back"):
            figures["issuer_id"] = int(asked.pop("issuer", 5))
        if verb in ("accrue", "open_balance", "adjust", "exchange", "reverse", "restore"):
            figures["expires_on"] = _day(asked.pop("expires", "never"))
        if verb in ("void", "reinstate", "reverse"):
            figures["grace_days"] = int(asked.pop("grace", 30))
        if verb == "burn":
            figures["merchant_id"] = int(asked.pop("at", 9))
        if verb in ("void", "burn", "give") and "hold" in asked:
            figures["hold_id"] = self._entry(asked.pop("hold"))
        if "movable" in asked:
            figures["movable"] = asked.pop("movable")
        if verb in ("claw_back", "reinstate", "reverse", "restore"):
            figures["entry_id"] = self._entry(asked.pop("of"))
        if verb == "restore":
            figures |= {"last_day": _day(asked.pop("ended", "never"))}
            figures |= {"issuer_id": int(asked.pop("issuer"))} if "issuer" in asked else {}
        if verb == "claw_back" and "pool" in asked:
            figures["pool"] = self.owner(asked.pop("pool"))
        if verb in ("transfer", "give"):
            figures["to"] = self.owner(asked.pop("to"))
        if verb == "adjust":
            figures["reason"] = asked.pop("reason", "counted again")
        if verb == "exchange":
            to = CURRENCIES[asked.pop("to", "rail")]
            money = asked.pop("money", "CNY")
            figures |= {"to_currency": to, "value": builders.VALUES[currency]}
            figures["to_value"] = builders.VALUES[to]._replace(money=money)
        if "points" in asked:
            figures["points"] = asked.pop("points")
        return figures

    def _entry(self, name: str) -> int:
        return int(name) if name.isdigit() else self.named[name].entry_id


async def check(engine: AsyncEngine, script: str) -> Play:
    """Play a script line by line, each in its own transaction, and audit the whole at the end."""
    play = Play(base=1_000_000 * next(_plays))
    for line in filter(None, (line.partition("#")[0].strip() for line in script.splitlines())):
        try:
            if on := ON.fullmatch(line):
                await _compare(engine, play, _day(on["day"]), on["who"] or "a", on["expected"])
            elif asked := LINE.fullmatch(line):
                await _play(engine, play, asked)
            else:
                raise AssertionError("not a line")
        except Exception as error:
            raise AssertionError(f"{line}\n    {error!r}") from error
    await builders.audited(engine)
    return play


_plays = iter(range(1, 10**6))


async def _play(engine: AsyncEngine, play: Play, asked: re.Match[str]) -> None:
    command, label = play.command(_day(asked["day"]), asked["who"] or "a", asked["verb"], asked["said"])
    try:
        async with engine.begin() as tx:
            receipt = await post(tx, command)
    except Refusal as refusal:
        assert asked["how"] == "refused", f"refused: {refusal}"
        code, *facts = asked["expected"].split()
        assert refusal.code == code, f"refused: {refusal}"
        for name, wanted in (fact.split("=") for fact in facts):
            named = play.named.get(wanted)
            assert str(refusal.facts[name]) == (str(named.entry_id) if named else wanted), f"refused: {refusal}"
        return
    assert asked["how"] != "refused", f"not refused: {receipt}"
    assert receipt.repeated == (asked["how"] == "again"), f"repeated: {receipt.repeated}"
    if receipt.repeated:
        assert receipt == play.by_key[command.key]
    play.by_key[command.key] = receipt
    if label:
        play.named[label] = receipt
    for name, wanted in (pair.split("=") for pair in (asked["expected"] or "").split()):
        purpose, _, whose = name.partition("@")
        owner = play.owner(whose) if whose else receipt.owner
        given = receipt.facts[name[1:]] if name.startswith(".") else receipt.moved(purpose, owner)
        assert str(given) == wanted, f"{name}={given}"


async def _compare(engine: AsyncEngine, play: Play, day: dt.date, who: str, expected: str) -> None:
    owner, words = play.owner(who), expected.split()
    currency = CURRENCIES[words.pop()] if words[-1] in CURRENCIES else builders.COMMON
    wanted = dict(zip(words[::2], words[1::2], strict=True))
    async with engine.connect() as tx:
        shown = await _shown(tx, owner, currency, day)
        for command in (c.Expire, c.Release):
            await _settle(tx, command(**builders.common(owner=owner, currency=currency, at=builders.moment(day))))
        settled = await _shown(tx, owner, currency, day)
        ended = await tx.execute(
            text(
                "SELECT a.purpose, sum(p.points)::bigint FROM posting p JOIN account a ON a.id = p.account_id"
                " JOIN lot l ON l.id = p.lot_id WHERE l.owner_kind = :kind AND l.owner_id = :id AND l.currency_id = :currency"
                " AND a.purpose = ANY(:ended) GROUP BY 1"
            ),
            {"kind": owner.kind, "id": owner.id, "currency": currency, "ended": list(ENDED)},
        )
        found = dict.fromkeys(ENDED, "0") | {purpose: str(points) for purpose, points in ended} | settled
        await tx.rollback()
    assert shown == settled, f"the statements say {shown}, settling gives {settled}"
    assert wanted == {name: found[name] for name in wanted}, f"found {found}"


async def _settle(tx: AsyncConnection, command: c.Command) -> None:
    try:
        async with tx.begin_nested():
            await post(tx, command)
    except c.NothingDue:
        pass


async def _shown(tx: AsyncConnection, owner: c.Owner, currency: int, day: dt.date) -> dict[str, str]:
    known = await statements.currencies(tx)
    held = {h.currency.id: h for h in await statements.wallet(tx, owner, today=day)}
    one = held.get(currency) or statements.Holding(known[currency])
    lots = [due for due in await statements.schedule(tx, owner, today=day) if due.currency_id == currency]
    assert sum(due.points for due in lots) == one.available
    ends = [due for due in lots if due.expires_on]
    soonest = (ends[0].expires_on, sum(d.points for d in ends if d.expires_on == ends[0].expires_on)) if ends else None
    assert one.next_expiry == soonest, f"next expiry {one.next_expiry}, the schedule says {soonest}"
    return {
        "available": str(one.available),
        "pending": str(one.pending),
        "held": str(one.held),
        "owes": ",".join(f"{issuer}:{points}" for issuer, points in sorted(one.deficits.items())) or "0",
        "lots": ",".join(_lot(due) for due in lots) or "none",
    }


def _lot(due: statements.Due) -> str:
    return ("" if due.issuer_id == 5 else f"{due.issuer_id}:") + f"{due.expires_on or 'never'}={due.points}"


def _day(said: str) -> Any:
    return None if said == "never" else dt.date.fromisoformat(said)
