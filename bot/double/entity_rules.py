"""Which entities may stand where: Telegram sorts, merges and splits them until they nest cleanly.

Links, mentions, code and the like ("continuous") never overlap; quotations may hold them; bold and its kin may overlap
anything but are cut at the borders of everything else. Code holds nothing.
"""

from __future__ import annotations

from typing import Any

Entity = dict[str, Any]
SPLITTABLE = ("bold", "italic", "underline", "strikethrough", "spoiler")
QUOTES = frozenset({"blockquote", "expandable_blockquote"})
PRE = frozenset({"pre", "code", "date_time"})
PRIORITY = {
    "blockquote": 0, "expandable_blockquote": 0, "pre": 11, "code": 20, "text_link": 49, "text_mention": 49,
    "bold": 90, "italic": 91, "underline": 92, "strikethrough": 93, "spoiler": 94, "custom_emoji": 99,
}  # fmt: skip


def order(entity: Entity) -> tuple[int, int, int]:
    """Sort key: by offset, longest first, then by kind."""
    return entity["offset"], -entity["length"], PRIORITY.get(entity["type"], 50)


def fix(entities: list[Entity], new: list[Entity] | None = None) -> list[Entity]:
    """Entities as Telegram keeps them.

    Args:
        entities: in any order, all with a positive length.
        new: what it found in the text by itself; gives way to the given ones.
    """
    if len(entities) + len(new or ()) < 2:
        return entities + (new or [])
    entities = sorted(entities, key=order)
    splittable = [entity for entity in entities if entity["type"] in SPLITTABLE]
    quotes = _apart([entity for entity in entities if entity["type"] in QUOTES])
    others = _apart(
        [entity for entity in entities if entity["type"] not in SPLITTABLE and entity["type"] not in QUOTES]
    )
    if new:
        free = [entity for entity in new if not any(_overlap(entity, other) for other in others)]
        others = sorted(others + free, key=order)
    others = [entity for entity in others if not any(_crosses(entity, quote) for quote in quotes)]
    others = sorted(others + quotes, key=order)
    return sorted(others + _split(splittable, others), key=order) if splittable else others


def _apart(entities: list[Entity]) -> list[Entity]:
    """Only those that begin behind the end of the one before."""
    kept: list[Entity] = []
    end = 0
    for entity in entities:
        if entity["offset"] >= end:
            end = entity["offset"] + entity["length"]
            kept.append(entity)
    return kept


def _overlap(one: Entity, other: Entity) -> bool:
    return bool(one["offset"] < other["offset"] + other["length"] and other["offset"] < one["offset"] + one["length"])


def _crosses(entity: Entity, quote: Entity) -> bool:
    inside = quote["offset"] <= entity["offset"] and (
        entity["offset"] + entity["length"] <= quote["offset"] + quote["length"]
    )
    return _overlap(entity, quote) and not inside


class _Splitter:
    """Walks over the borders of the other entities and cuts the splittable ones there."""

    def __init__(self, entities: list[Entity]) -> None:
        self.entities = entities
        self.next = 0
        self.running: dict[str, list[int]] = {}
        self.result: list[Entity] = []

    def flush(self, offset: int) -> None:
        for kind in SPLITTABLE:
            span = self.running.get(kind)
            if span is None or span[0] >= offset:
                continue
            end = min(span[1], offset)
            self.result.append({"type": kind, "offset": span[0], "length": end - span[0]})
            if span[1] <= offset:
                del self.running[kind]
            else:
                span[0] = offset

    def advance(self, offset: int) -> None:
        while self.next < len(self.entities) and self.entities[self.next]["offset"] < offset:
            entity = self.entities[self.next]
            begin, end = entity["offset"], entity["offset"] + entity["length"]
            span = self.running.get(entity["type"])
            if span is not None and begin <= span[1]:
                span[1] = max(span[1], end)
            else:
                self.flush(begin)
                self.running[entity["type"]] = [begin, end]
            self.next += 1
        self.flush(offset)


def _split(splittable: list[Entity], others: list[Entity]) -> list[Entity]:
    splitter = _Splitter(splittable)
    stack: list[Entity] = []

    def reach(offset: int) -> None:
        while stack and offset >= stack[-1]["offset"] + stack[-1]["length"]:
            inner = stack.pop()
            size = len(splitter.result)
            splitter.advance(inner["offset"] + inner["length"])
            if inner["type"] in PRE:
                del splitter.result[size:]
        splitter.advance(offset)

    for other in others:
        reach(other["offset"])
        stack.append(other)
    reach(1 << 31)
    return sorted(splitter.result, key=order)
