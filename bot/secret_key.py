"""The master key, and what is derived from it.

It comes from SECRET_KEY or from `secret.key` in the data folder, made on first use. Personal fields can't be read
without it, so it is backed up apart from the database: a dump without the key reveals nobody, and a key without a
dump neither.
"""

from __future__ import annotations

import hashlib
import hmac
import os
import secrets
from contextlib import suppress
from pathlib import Path

from bot.bilingual import both
from bot.settings import Settings, SettingsError
from ledger.members.vault import Vault


def vault(settings: Settings) -> Vault:
    """The ledger's ciphers under this programme's key."""
    return Vault(master_key(settings), secrets.token_bytes)


def master_key(settings: Settings) -> str:
    """The key as given or stored; made, readable by its owner only, when there is none yet.

    Raises:
        SettingsError: the file can't be made or is damaged.
    """
    if settings.secret_key is not None:
        return settings.secret_key.get_secret_value()
    path = key_file(settings)
    try:
        if not path.exists():
            path.parent.mkdir(parents=True, exist_ok=True)
            _make(path)
        key = path.read_text(encoding="ascii").strip()
    except (OSError, UnicodeDecodeError) as error:
        raise SettingsError(
            f"SECRET_KEY: {both(f'读写不了 {path}', f'can neither read nor make it: {error}')}"
        ) from error
    if len(key) < 32:
        raise SettingsError(
            f"SECRET_KEY: {both(f'{path} 已损坏,请从备份取回', 'this file is damaged: restore it from a backup')}"
        )
    return key


def key_file(settings: Settings) -> Path:
    """Where the key lies when SECRET_KEY doesn't give it."""
    return settings.data_dir / "secret.key"


def webhook_secret(settings: Settings) -> str:
    """What Telegram repeats in each webhook request: the setting, or a derived one."""
    if settings.webhook_secret is not None:
        return settings.webhook_secret.get_secret_value()
    return hmac.digest(master_key(settings).encode(), b"jifen:webhook", hashlib.sha256).hex()


def _make(path: Path) -> None:
    """Write beside and link into place: two processes that start together agree on one key, and none sees half."""
    half_made = path.with_name(f"{path.name}.{os.getpid()}")
    with os.fdopen(os.open(half_made, os.O_WRONLY | os.O_CREAT | os.O_EXCL, 0o600), "w") as file:
        file.write(secrets.token_urlsafe(48) + "\n")
        file.flush()
        os.fsync(file.fileno())
    with suppress(FileExistsError):
        os.link(half_made, path)
    half_made.unlink()
