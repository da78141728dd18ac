"""What `docs/api.md` and `docs/api.en.md` show works as it stands."""

from __future__ import annotations

import asyncio
import re
import sys
import time
from pathlib import Path

from ledger.merchants import api_keys, webhooks
from tests.bot.merchant_api.scene import shop
from tests.conftest import Database

DOCS = Path(__file__).parents[3] / "docs"
CLIENT, VERIFIER = re.findall(r"```python\n(.*?)```", (DOCS / "api.md").read_text(encoding="utf-8"), re.DOTALL)


def test_both_languages_show_the_same_and_name_every_scope_and_event() -> None:
    zh, en = [(DOCS / name).read_text(encoding="utf-8") for name in ("api.md", "api.en.md")]
    for pattern in (r"```python\n(.*?)```", r"^(#+|\||- \*\*)", r"/v1/[a-z/:{}-]+"):
        assert re.findall(pattern, zh, re.DOTALL | re.MULTILINE) == re.findall(pattern, en, re.DOTALL | re.MULTILINE)
    for told in (*api_keys.SCOPES, "jt_", "RateLimit-Policy", "Idempotent-Replayed"):
        assert told in zh and told in en, told


async def test_the_example_client_books_a_purchase(database: Database, tmp_path: Path) -> None:
    assert len([line for line in CLIENT.splitlines() if line.strip()]) <= 20
    script = tmp_path / "client.py"
    script.write_text(CLIENT, encoding="utf-8")
    async with shop(database) as scene:
        process = await asyncio.create_subprocess_exec(
            sys.executable, "-I", str(script), scene.addresses[0], scene.key, await scene.card(),
            stdout=asyncio.subprocess.PIPE, stderr=asyncio.subprocess.PIPE,
        )  # fmt: skip
        said, wrong = await process.communicate()
        assert (said.decode().strip(), wrong.decode()) == ("小明 123", "")
        assert await scene.sql("SELECT points FROM purchase") == [(123,)]


def test_the_example_verifier_believes_what_we_sign_and_nothing_else() -> None:
    space: dict[str, object] = {}
    exec(VERIFIER, space)
    is_ours = space["is_ours"]
    assert callable(is_ours)
    at, body = int(time.time()), '{"event":"退款"}'.encode()
    header = f"t={at},v1={webhooks.signature('whs_1', at, body)}"
    assert is_ours("whs_1", header, body)
    assert not is_ours("whs_2", header, body)
    assert not is_ours("whs_1", header, body + b" ")
    assert not is_ours("whs_1", f"t={at - 900},v1={webhooks.signature('whs_1', at - 900, body)}", body)
