"""Ciphers for personal data: AES-256-GCM with a key per member, itself wrapped by the programme's key; a keyed blind index for
finding; short signatures for links and buttons.

Forgetting a member deletes the wrapped key, so that what any backup still holds stays unreadable.
"""

from __future__ import annotations

import base64
import hashlib
import hmac
import json
from collections.abc import Mapping
from typing import Any

from cryptography.exceptions import InvalidTag
from cryptography.hazmat.primitives.ciphers.aead import AESGCM
from cryptography.hazmat.primitives.hashes import SHA256
from cryptography.hazmat.primitives.kdf.hkdf import HKDF

_NONCE = 12


class Unreadable(Exception):
    """The box was not written with this key, or was changed."""


class Vault:
    """Everything that needs the programme's secret (`SECRET_KEY`, any length ≥ 16). Derives one key per use.

    `entropy(n)` gives n random bytes and is handed in by the edge.
    """

    def __init__(self, secret: str, entropy: Any) -> None:
        if len(secret) < 16:
            raise ValueError("the secret must have at least 16 characters")
        self._entropy = entropy
        self._wrap = AESGCM(self._derive(secret, b"wrap"))
        self._index = self._derive(secret, b"index")
        self._sign = self._derive(secret, b"sign")

    @staticmethod
    def _derive(secret: str, use: bytes) -> bytes:
        return HKDF(SHA256(), 32, salt=b"jifen", info=use).derive(secret.encode())

    def new_key(self) -> bytes:
        """A fresh data key, wrapped: what `person.key` stores."""
        nonce = self._entropy(_NONCE)
        return bytes(nonce + self._wrap.encrypt(nonce, self._entropy(32), b"key"))

    def seal(self, wrapped: bytes, fields: Mapping[str, Any]) -> bytes:
        """Encrypt JSON fields with a member's (wrapped) key."""
        nonce = self._entropy(_NONCE)
        plain = json.dumps(fields, ensure_ascii=False).encode()
        return bytes(nonce + AESGCM(self._unwrap(wrapped)).encrypt(nonce, plain, b"box"))

    def open(self, wrapped: bytes, box: bytes) -> dict[str, Any]:
        """Decrypt what `seal` made. `Unreadable` when key or box do not fit."""
        try:
            plain = AESGCM(self._unwrap(wrapped)).decrypt(box[:_NONCE], box[_NONCE:], b"box")
        except InvalidTag as error:
            raise Unreadable from error
        fields: dict[str, Any] = json.loads(plain)
        return fields

    def _unwrap(self, wrapped: bytes) -> bytes:
        try:
            return self._wrap.decrypt(wrapped[:_NONCE], wrapped[_NONCE:], b"key")
        except InvalidTag as error:
            raise Unreadable from error

    def blind(self, kind: str, value: object) -> bytes:
        """A keyed index of a value, equal for equal values and useless without the key."""
        return hmac.digest(self._index, f"{kind}:{value}".encode(), hashlib.sha256)

    def sign(self, text: str) -> str:
        """A 10-character signature (60 bits, URL-safe) for links and buttons."""
        mac = hmac.digest(self._sign, text.encode(), hashlib.sha256)
        return base64.urlsafe_b64encode(mac)[:10].decode()

    def signed_by_us(self, text: str, signature: str) -> bool:
        """Whether `signature` is ours for `text`; compared in constant time."""
        return hmac.compare_digest(self.sign(text).encode(), signature.encode())
