"""The description is made from the models, is true of the server, and is shown without any outside address."""

from __future__ import annotations

import asyncio
import os
import re
import sys
from pathlib import Path

import pytest
from jsonschema import Draft202012Validator

from bot.merchant_api import openapi, page
from bot.merchant_api.operations import OPERATIONS
from tests.bot.merchant_api.scene import EVERYTHING, Scene, shop
from tests.conftest import Database

CONFIG = """
[checks.positive_data_acceptance]
# What can be read and can't be right is 422, what is too fast 429: neither is wrong in form.
expected-statuses = ["2xx", "401", "403", "404", "409", "422", "429"]

[checks.negative_data_rejection]
# What is too long is not looked at further.
expected-statuses = ["400", "401", "403", "404", "405", "409", "413", "415", "422", "429"]
"""


async def schemathesis(scene: Scene, folder: Path, *more: str) -> tuple[int, str]:
    """Let schemathesis loose on the server; its exit code and what it said."""
    config = folder / "schemathesis.toml"
    config.write_text(CONFIG, encoding="utf-8")
    _, key = await scene.new_key(*EVERYTHING, per_minute=1_000_000)
    process = await asyncio.create_subprocess_exec(
        sys.executable, "-m", "schemathesis.cli", "--config-file", str(config), "run",
        f"{scene.addresses[0]}/openapi.json", "--header", f"Authorization: Bearer {key}", "--checks", "all", 
        "--phases", "coverage,fuzzing",
        "--generation-deterministic", "--no-color", *more,
        stdout=asyncio.subprocess.PIPE, stderr=asyncio.subprocess.STDOUT, cwd=folder, env={**os.environ, "COLUMNS": "160"},
    )  # fmt: skip
    said, _ = await process.communicate()
    return process.returncode or 0, said.decode()


@pytest.mark.slow
async def test_the_server_is_as_it_is_described(
    database: Database, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("bot.merchant_api.applying.ADDRESS_PER_MINUTE", 1_000_000)
    async with shop(database) as scene:
        code, said = await schemathesis(scene, tmp_path, "--max-examples", "8")
        assert code == 0, said
        assert f"{len(OPERATIONS)} selected" in re.sub(r"\s+", " ", said) or "No issues found" in said, said
        assert await scene.holds()


async def test_answers_of_real_business_fit_their_schemas(database: Database) -> None:
    async with shop(database) as scene:
        about = openapi.document(OPERATIONS)

        async def fits(method: str, path: str, body: object = None) -> None:
            said = await scene.ask(method, path, body)
            response = about["paths"][path][method.lower()]["responses"][str(said.status)]
            (media,) = response["content"]
            assert said.headers["Content-Type"].partition(";")[0] == media
            schema = {**response["content"][media]["schema"], "components": about["components"]}
            Draft202012Validator(schema).validate(said.json)

        rows = [scene.purchase(), scene.purchase(0), scene.purchase(50), scene.purchase(member={"card": "00000000"})]
        for row in rows:
            await fits("POST", "/v1/purchases", row)
        await fits("POST", "/v1/purchases:batch", {"purchases": [*rows, scene.purchase()]})
        await fits("POST", "/v1/quote", {"lines": [{"amount_minor": 990}]})
        back = {"kind": "all", "document": "back", "of": rows[0]["document"], "occurred_at": scene.now().isoformat()}
        await fits("POST", "/v1/refunds", back)
        await fits("POST", "/v1/members:lookup", {"card": await scene.card()})
        for path in ("/v1/purchases", "/v1/catalog", "/v1/privileges", "/v1/rules", "/v1/statements"):
            await fits("GET", path)


async def test_every_operation_is_described_from_its_models(database: Database) -> None:
    async with shop(database) as scene:
        said = await scene.ask("GET", "/openapi.json", key="")
        about = said.json
        assert about == openapi.document(OPERATIONS) and about["openapi"] == "3.1.0"
        paths = {(method.upper(), path) for path, methods in about["paths"].items() for method in methods}
        assert paths == {(each.method, each.path) for each in OPERATIONS}


@pytest.mark.parametrize(
    ("how", "language", "tag"),
    [
        ("", "", "zh-CN"),
        ("", "en-GB", "en"),
        ("?lang=en", "zh", "en"),
        ("?lang=zh", "en", "zh-CN"),
        ("?lang=fr", "de", "zh-CN"),
    ],
)
async def test_the_page_tells_everything_in_the_readers_language_and_leads_nowhere_outside(
    database: Database, how: str, language: str, tag: str
) -> None:
    async with shop(database) as scene:
        said = await scene.ask("GET", f"/docs{how}", key="", language=language)
        assert said.status == 200 and "default-src 'none'" in said.headers["Content-Security-Policy"]
        assert said.headers["Content-Language"] == tag and f'<html lang="{tag}">' in said.text
        assert said.headers["Vary"] == "Accept-Language"
        assert not re.search(r"""(src|href)=["'](https?:)?//""", said.text) and "<script" not in said.text
        for each in OPERATIONS:
            assert each.path in said.text
        other = {"zh-CN": "?lang=en", "en": "?lang=zh"}[tag]
        assert f'href="{other}"' in said.text and 'id="idempotency_key_reused"' in said.text
        zh = tag == "zh-CN"
        assert ("幂等键用过了" in said.text) is zh and ("记一笔消费,按现行规则得分" in said.text) is zh
        assert ("Book a purchase" in said.text) is not zh
        if not zh:  # but for the way to the other page
            assert set(re.findall(r"[\u4e00-\u9fff]+", said.text)) <= {"中文", "测试会员"}


def test_every_sentence_of_the_description_has_its_chinese_and_none_is_left_over() -> None:
    told, known = page.sentences(openapi.document(OPERATIONS)), page.chinese()
    assert told - known.keys() == set()
    assert known.keys() - told == set()
    for english, chinese in known.items():
        assert re.search(r"[\u4e00-\u9fff]", chinese), english
        for code in re.findall(r"`[^`]+`", english):
            assert code in chinese or code == "`jt_…`", (english, code)
