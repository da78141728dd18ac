"""Logs: one shape for every library's lines, the turn bound to each, and nothing secret in them."""

from __future__ import annotations

import io
import json
import logging
from collections.abc import Iterator

import pytest
import structlog

from bot.logs import Redaction, configure, name_member, turn_context
from bot.settings import load

TOKEN = "7123456789:AAF-abcdefghijklmnopqrstuvwxyz01234"


@pytest.fixture
def lines() -> Iterator[io.StringIO]:
    root = logging.getLogger()
    before = (root.handlers[:], root.level)
    stream = io.StringIO()
    environ = {
        "BOT_TOKEN": TOKEN,
        "DATABASE_URL": "postgresql://jifen:p4ssw0rd@db/jifen",
        "SECRET_KEY": "K" * 40,
        "LOG_LEVEL": "DEBUG",
        "LOG_FORMAT": "json",
    }
    configure(load(environ, env_file=None), stream)
    yield stream
    root.handlers[:], root.level = before
    structlog.reset_defaults()
    logging.captureWarnings(False)


def test_our_lines_and_a_librarys_have_one_shape_and_name_the_turn(lines: io.StringIO) -> None:
    with turn_context("update:42:7", member_id=12):
        structlog.get_logger("bot.turns").info("turn_done", feature="balance")
        logging.getLogger("somebody.else").warning("watch %s", "out")
    structlog.get_logger("bot.turns").info("after")
    ours, theirs, after = (json.loads(line) for line in lines.getvalue().splitlines())
    assert ours["event"] == "turn_done" and ours["feature"] == "balance"
    assert theirs["event"] == "watch out" and theirs["logger"] == "somebody.else" and theirs["level"] == "warning"
    assert {ours["turn_id"], theirs["turn_id"]} == {"update:42:7"}
    assert {ours["member_id"], theirs["member_id"]} == {12}
    assert "turn_id" not in after
    assert ours["timestamp"].endswith("Z")


def test_a_turn_names_its_member_from_when_it_is_known_and_no_other_turn_does(lines: io.StringIO) -> None:
    logger = structlog.get_logger("bot.turns")
    name_member(99)
    with turn_context("update:42:7"):
        logger.info("before")
        name_member(12)
        logger.info("known")
    with turn_context("update:42:8"):
        logger.info("next")
    before, known, following = (json.loads(line) for line in lines.getvalue().splitlines())
    assert "member_id" not in before and known["member_id"] == 12
    assert following["turn_id"] == "update:42:8" and "member_id" not in following


@pytest.mark.parametrize(
    "spilled",
    [
        f"https://api.telegram.org/bot{TOKEN}/getMe",
        "http://127.0.0.1:8081/bot42:TEST/getMe says 42:TEST",
        "postgresql+asyncpg://jifen:p4ssw0rd@db/jifen",
        "socks5://me:pr0xy-pw@proxy:1080",
        "key " + "K" * 40,
        "call 13812345678 or +86 138 1234 5678 or +447911123456",
    ],
)
def test_secrets_and_phone_numbers_never_reach_a_line(lines: io.StringIO, spilled: str) -> None:
    logger = structlog.get_logger("x")
    logger.info(spilled, url=spilled, nested={"list": [spilled]}, error=ValueError(spilled))
    logging.getLogger("lib").error("failed: %s", spilled)
    try:
        raise RuntimeError(spilled)
    except RuntimeError:
        logger.exception("broke")
    text = lines.getvalue()
    assert len(text.splitlines()) == 3 and "RuntimeError" in text
    for secret in (
        TOKEN,
        TOKEN.split(":")[1],
        "42:TEST/",
        "p4ssw0rd",
        "pr0xy-pw",
        "K" * 40,
        "1381234",
        "138 1234",
        "791112",
    ):
        assert secret not in text


def test_fields_named_as_secrets_are_hidden_whatever_they_hold(lines: io.StringIO) -> None:
    structlog.get_logger("x").info("made", webhook_secret="abc", headers={"Authorization": "Bearer abc"}, points=5)
    line = json.loads(lines.getvalue())
    assert line["webhook_secret"] == "***" and line["headers"] == {"Authorization": "***"} and line["points"] == 5


def test_what_is_no_secret_stays_readable() -> None:
    redact = Redaction()
    for text in (
        "update:42:1381234567",
        "2026-11-22T04:32:56.123456Z",
        "lot 1234 of 13812345678901",
        "job:expire:2026-11-22:3",
        "postgresql://localhost/jifen",
        "¥1,288.00",
        "收 ¥300.00 → 会员 小明 得 600 分",
    ):
        assert redact.text(text) == text


def test_http_libraries_stay_quiet_even_when_we_debug(lines: io.StringIO) -> None:
    logging.getLogger("httpx").info("GET %s", "https://x")
    logging.getLogger("telegram.ext").debug("calling")
    structlog.get_logger("bot").debug("ours")
    assert [json.loads(line)["event"] for line in lines.getvalue().splitlines()] == ["ours"]
