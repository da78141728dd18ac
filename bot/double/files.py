"""Files the bot sent or people sent it, kept within a bound of bytes."""

from __future__ import annotations

import hashlib
from collections import OrderedDict
from dataclasses import dataclass


@dataclass(slots=True)
class StoredFile:
    """One file; `content` becomes None when the store let it go for newer ones."""

    file_id: str
    unique_id: str
    path: str
    name: str
    mime: str
    size: int
    content: bytes | None


class FileStore:
    """Files by id and by download path; the oldest contents are dropped past `bytes_max`."""

    def __init__(self, bytes_max: int) -> None:
        self._bytes_max = bytes_max
        self._bytes = 0
        self._by_id: OrderedDict[str, StoredFile] = OrderedDict()
        self._by_path: dict[str, StoredFile] = {}

    def put(self, content: bytes, *, folder: str, name: str, mime: str) -> StoredFile:
        """Stores `content`; the same bytes stored twice get the same unique id and another file id."""
        number = len(self._by_path) + 1 if not self._by_id else int(next(reversed(self._by_id)).rsplit("-", 1)[1]) + 1
        unique = "AQAD" + hashlib.sha1(content, usedforsecurity=False).hexdigest()[:12]
        suffix = name.rsplit(".", 1)[-1] if "." in name else "bin"
        stored = StoredFile(
            f"{unique}-{number}", unique, f"{folder}/file_{number}.{suffix}", name, mime, len(content), content
        )
        self._by_id[stored.file_id] = stored
        self._by_path[stored.path] = stored
        self._bytes += len(content)
        while self._bytes > self._bytes_max and len(self._by_id) > 1:
            _, old = self._by_id.popitem(last=False)
            del self._by_path[old.path]
            self._bytes -= old.size
            old.content = None
        return stored

    def by_id(self, file_id: str) -> StoredFile | None:
        """The file with this id, or None."""
        return self._by_id.get(file_id)

    def by_path(self, path: str) -> StoredFile | None:
        """The file served under this path, or None."""
        return self._by_path.get(path)
