"""The texts that the code marks, and the PO that must translate them.

    python -m chat.extract          append what is missing to the English PO, with an empty `msgstr` to be filled in
    python -m chat.extract --tidy   rewrite the PO in the order of the code, without what the code no longer says

Texts are read from the syntax tree and not with Babel's own extractor: that one skips a `t()` inside the arguments of
a `tn()`, and passes over a marked text that isn't a literal, which here is an error.
"""

from __future__ import annotations

import ast
import fcntl
import sys
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

from babel.messages.catalog import Catalog, Message
from babel.messages.pofile import read_po

ROOT = Path(__file__).resolve().parent.parent
PACKAGES = ("chat", "handlers", "jobs", "bot")
PO = ROOT / "chat" / "locale" / "en" / "LC_MESSAGES" / "jifen.po"
HEADER = """\
# English for Jifen. The msgid is the Chinese that the code says; `python -m chat.extract` appends what is missing.
msgid ""
msgstr ""
"Project-Id-Version: jifen\\n"
"Language: en\\n"
"MIME-Version: 1.0\\n"
"Content-Type: text/plain; charset=utf-8\\n"
"Content-Transfer-Encoding: 8bit\\n"
"Plural-Forms: nplurals=2; plural=(n != 1);\\n"
"""


@dataclass(frozen=True, slots=True)
class Marked:
    """One text as the code marks it: where, what, and whether its English has a plural."""

    path: str
    line: int
    msgid: str
    plural: bool


class NotLiteral(Exception):
    """`t()` or `tn()` was given something else than a literal text."""


def marked_in(source: str, path: str) -> Iterator[Marked]:
    """Every `t("…")` and `tn("…", n=…)` of one file, in order. `NotLiteral` names the line that can't be read."""
    calls = [node for node in ast.walk(ast.parse(source)) if isinstance(node, ast.Call)]
    for call in sorted(calls, key=lambda c: (c.lineno, c.col_offset)):
        if not isinstance(call.func, ast.Name) or call.func.id not in ("t", "tn"):
            continue
        first = call.args[0] if call.args else None
        if not isinstance(first, ast.Constant) or not isinstance(first.value, str):
            raise NotLiteral(f"{path}:{call.lineno}: {call.func.id}() takes a literal text")
        yield Marked(path, call.lineno, first.value, call.func.id == "tn")


def marked(root: Path = ROOT) -> list[Marked]:
    """Every marked text of the project, by file and line."""
    found: list[Marked] = []
    for package in PACKAGES:
        for file in sorted((root / package).rglob("*.py")):
            found += marked_in(file.read_text(encoding="utf-8"), file.relative_to(root).as_posix())
    return found


def english(po: Path = PO) -> Catalog:
    """The PO as a Babel catalogue."""
    with po.open("rb") as file:
        return read_po(file, locale="en")


def untranslated(catalogue: Catalog) -> list[str]:
    """The texts whose English, or one of its plurals, is still empty."""
    return [_msgid(message) for message in catalogue if message.id and not all(said_by(message))]


def said_by(message: Message | None) -> tuple[str, ...]:
    """The English of a message: one text, or the singular and the plural. Empty texts where nothing is said yet."""
    said = message.string if message else None
    return (said,) if isinstance(said, str) else tuple(map(str, said or ("",)))


def missing(texts: list[Marked], catalogue: Catalog) -> list[Marked]:
    """The first mark of each text that the catalogue lacks."""
    seen: dict[str, Marked] = {}
    for text in texts:
        if text.msgid not in catalogue:
            seen.setdefault(text.msgid, text)
    return list(seen.values())


def stanza(msgid: str, paths: list[str], plural: bool, said: tuple[str, ...] = ("",)) -> str:
    """A PO entry as text, empty where nothing is said yet."""
    one, many = said[0], said[-1]
    lines = [f"#: {' '.join(paths)}", f"msgid {_quoted(msgid)}"]
    if plural:
        lines += [f"msgid_plural {_quoted(msgid)}", f"msgstr[0] {_quoted(one)}", f"msgstr[1] {_quoted(many)}"]
    else:
        lines += [f"msgstr {_quoted(one)}"]
    return "\n" + "\n".join(lines) + "\n"


def _quoted(words: str) -> str:
    return '"' + words.replace("\\", "\\\\").replace('"', '\\"').replace("\n", "\\n") + '"'


def append() -> int:
    """Adds the missing texts at the end of the PO and leaves all else as it is. Gives how many."""
    if not PO.exists():
        PO.write_text(HEADER, encoding="utf-8")
    with PO.open("a", encoding="utf-8") as file:
        fcntl.flock(file, fcntl.LOCK_EX)  # two people may be adding texts at once
        new = missing(marked(), english())
        for text in new:
            file.write(stanza(text.msgid, [text.path], text.plural))
    return len(new)


def tidy() -> int:
    """Rewrites the PO in the order of the code, with the files that say each text. Gives how many unused ones went."""
    with PO.open("r+", encoding="utf-8") as file:
        fcntl.flock(file, fcntl.LOCK_EX)
        old = english()
        places: dict[str, list[str]] = {}
        plural: dict[str, bool] = {}
        for text in marked():
            where = places.setdefault(text.msgid, [])
            where += [text.path] if text.path not in where else []
            plural[text.msgid] = text.plural
        written = HEADER
        for msgid, paths in places.items():
            written += stanza(msgid, paths, plural[msgid], said_by(old.get(msgid)))
        file.write(written)
        file.truncate()
    return sum(1 for message in old if message.id and _msgid(message) not in places)


def _msgid(message: Message) -> str:
    return message.id if isinstance(message.id, str) else message.id[0]


def main(arguments: list[str]) -> None:
    """The command line."""
    if arguments == ["--tidy"]:
        print(f"{PO.relative_to(ROOT)}: {tidy()} unused texts left out")
    else:
        print(f"{PO.relative_to(ROOT)}: {append()} texts added")
    for msgid in untranslated(english()):
        print("  to translate:", msgid)


if __name__ == "__main__":
    main(sys.argv[1:])
