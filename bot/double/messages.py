"""A message in a chat as both sides see it, and the buttons under it."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from bot.double.chats import Chat
    from bot.double.files import StoredFile


@dataclass(frozen=True, slots=True)
class Button:
    """One inline button; `data` for callbacks, `url` for links, `raw` the whole object as sent."""

    text: str
    data: str | None
    url: str | None
    raw: dict[str, Any]

    @classmethod
    def of(cls, raw: dict[str, Any]) -> Button:
        """Reads the wire object."""
        return cls(raw["text"], raw.get("callback_data"), raw.get("url"), raw)


class Message:
    """One message; `wire` is the Message object of the Bot API, replaced (never changed) by an edit.

    `edited` counts edits, `touched` orders sends and edits of the whole world, `keyboard` is a reply keyboard sent with it,
    `hidden` says that the person cleared the chat. `payload` is an invoice's, which its payer never sees; None: it is none, or has
    been paid.
    """

    __slots__ = ("chat", "deleted", "edited", "file", "hidden", "keyboard", "payload", "sent_at", "touched", "wire")

    def __init__(self, chat: Chat, wire: dict[str, Any], sent_at: float, touched: int) -> None:
        self.chat = chat
        self.wire = wire
        self.sent_at = sent_at
        self.touched = touched
        self.edited = 0
        self.deleted = False
        self.hidden = False
        self.file: StoredFile | None = None
        self.keyboard: dict[str, Any] | None = None
        self.payload: str | None = None

    @property
    def id(self) -> int:
        """Number within its chat."""
        return int(self.wire["message_id"])

    @property
    def text(self) -> str:
        """The text, empty for media."""
        return str(self.wire.get("text", ""))

    @property
    def caption(self) -> str:
        """The caption, empty when there is none."""
        return str(self.wire.get("caption", ""))

    @property
    def shown(self) -> str:
        """What a person reads: text or caption, or what an invoice is for."""
        invoice = self.wire.get("invoice")
        return f"{invoice['title']}\n{invoice['description']}" if invoice else self.text or self.caption

    @property
    def entities(self) -> list[dict[str, Any]]:
        """Entities of the text or caption; offsets in UTF-16 units."""
        found: list[dict[str, Any]] = self.wire.get("entities") or self.wire.get("caption_entities") or []
        return found

    @property
    def buttons(self) -> list[list[Button]]:
        """Rows of inline buttons."""
        markup = self.wire.get("reply_markup")
        return [[Button.of(raw) for raw in row] for row in markup["inline_keyboard"]] if markup else []

    @property
    def labels(self) -> list[str]:
        """All inline button labels in reading order."""
        return [button.text for row in self.buttons for button in row]

    @property
    def photo(self) -> bytes | None:
        """The picture's bytes, or None when it shows none (or `Keep` let them go)."""
        return self.file.content if self.file is not None and "photo" in self.wire else None

    @property
    def document(self) -> bytes | None:
        """The document's bytes, or None."""
        return self.file.content if self.file is not None and "document" in self.wire else None

    @property
    def from_bot(self) -> bool:
        """Whether the bot sent it."""
        return bool(self.wire.get("from", {}).get("is_bot"))

    def button(self, label: str) -> Button | None:
        """The first inline button whose label contains `label`."""
        for row in self.buttons:
            for button in row:
                if label in button.text:
                    return button
        return None

    def line(self) -> str:
        """One readable paragraph for transcripts."""
        who = "bot" if self.from_bot else str(self.wire.get("from", {}).get("first_name", "?"))
        kind = "[photo] " if "photo" in self.wire else "[document] " if "document" in self.wire else ""
        marks = f" (edited {self.edited}x)" if self.edited else ""
        rows = "".join("\n      " + " ".join(f"[{button.text}]" for button in row) for row in self.buttons)
        body = self.shown.replace("\n", "\n      ")
        return f"  {self.id} {who}{marks}: {kind}{body}{rows}"
