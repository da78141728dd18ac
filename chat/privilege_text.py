"""A privilege's document in words, part by part, as whoever writes it reads it; and what one says otherwise than another."""

from __future__ import annotations

import json
from collections.abc import Mapping
from dataclasses import dataclass, replace

from chat.offer_rules import when_said
from chat.offer_text import Document, Said, Terms, names, turned
from chat.offers import joined, listing
from chat.privilege_words import off, places
from chat.words import Money, Points, Text, t, tn
from ledger.points.statements import Currency
from ledger.redeeming.windows import When

PARTS: dict[str, Text] = {
    "name": t("名称"),
    "gives": t("优惠"),
    "holds": t("要持有"),
    "purse": t("哪种积分"),
    "tiers": t("等级"),
    "month": t("每月次数"),
    "day": t("每天次数"),
    "least": t("满多少才有"),
    "most_off": t("最多减多少"),
    "when": t("哪几天"),
    "outlets": t("门店"),
    "region": t("地区"),
    "conditions": t("条件"),
}
"""Everything that can be said of a privilege in chat, in the order in which it is told."""

MISSING: Mapping[str, Text] = {**PARTS, "holds": t("持有多少分,或哪个等级")}
"""What still has to be said: one of two ways of saying for whom it is."""


@dataclass(frozen=True, slots=True)
class PrivilegeTerms(Terms):
    """What words about a privilege need; `known` are the currencies that its merchant may ask for."""

    known: tuple[Currency, ...] = ()

    def of(self, code: str) -> Currency:
        """The currency of this code; the usual one where it is not known any more."""
        return next((each for each in self.known if each.code == code), self.currency)

    def held(self, holds: Mapping[str, object]) -> Points:
        """Points that have to be held, under the name of their currency."""
        return replace(self, currency=self.of(str(holds.get("currency", "common")))).points(int(str(holds["points"])))


def said(terms: PrivilegeTerms, document: Document, part: str) -> Said | None:
    """One part in words; None where it is not said, or goes without saying."""
    gives = document.get("gives") or {}
    given = document.get({"month": "per_month", "day": "per_day"}.get(part, part))
    match part:
        case "gives":
            return None if not gives else t("免费") if gives["kind"] == "free" else off(gives["percent"])
        case "least" | "most_off":
            minor = gives.get(f"{part}_minor")
            return t("{minor}", minor=Money(minor, terms.money)) if minor else None
        case "purse":
            return None  # «要持有» names it
        case _ if not given:
            return None
        case "name":
            return names(given)
        case "holds":
            return t("{points}", points=terms.held(given))
        case "tiers":
            return listing(terms.tier(code) for code in given)
        case "month" | "day":
            return tn("{n} 次", n=given)
        case "when":
            return when_said(When.model_validate_json(json.dumps(given)))
        case "outlets":
            return places(given)
        case "region":
            return terms.region(given)
        case _:
            return joined(names(each) for each in given)


def changes(terms: PrivilegeTerms, before: Document, after: Document) -> list[Text]:
    """What another document says otherwise, a line each."""
    lines = []
    for part, label in PARTS.items():
        old, new = said(terms, before, part), said(terms, after, part)
        if old != new:
            lines.append(turned(label, old, new))
    return lines
