"""Settings: what is accepted, and that a wrong one is named, explained and never shown when secret."""

from __future__ import annotations

from pathlib import Path

import pytest

from bot.secret_key import key_file, master_key, vault, webhook_secret
from bot.settings import PROJECT_ROOT, Settings, SettingsError, libpq_url, load, unknown_names

SECRET = "s3cr3t-that-must-not-be-shown"


def of(**environ: str) -> Settings:
    return load(environ, env_file=None)


def test_nothing_set_means_the_playground_with_an_embedded_database() -> None:
    settings = of()
    assert settings.bot_token is None and settings.database_url is None
    assert settings.data_dir == PROJECT_ROOT / "data" and not settings.data_dir_is_chosen
    assert settings.zone.key == "Asia/Shanghai"


@pytest.mark.parametrize(
    ("name", "value"),
    [
        ("BOT_TOKEN", SECRET),
        ("PUBLIC_URL", "example.org"),
        ("PUBLIC_URL", "http://example.org"),
        ("PUBLIC_URL", "https://example.org/?a=b"),
        ("PAYMENT_PROVIDER_TOKEN", f"284685063:{SECRET}"),
        ("WEBHOOK_SECRET", f"{SECRET}!"),
        ("TELEGRAM_API_URL", "https://api.example.org/bot"),
        ("TELEGRAM_API_URL", "ftp://api.example.org"),
        ("PROXY_URL", f"socks5://user:{SECRET}@proxy.example.org"),
        ("PROXY_URL", f"gopher://user:{SECRET}@proxy.example.org:1"),
        ("DATABASE_URL", f"mysql://user:{SECRET}@db/jifen"),
        ("DATABASE_URL", f"postgresql://user:{SECRET}@db"),
        ("DATABASE_CONNECTIONS", "1"),
        ("DATA_DIR", __file__),
        ("SECRET_KEY", SECRET),
        ("PROGRAMME_ZONE", "Asia/Nowhere"),
        ("PROGRAMME_ZONE", "../etc/passwd"),
        ("PORT", "eighty"),
        ("PORT", "70000"),
        ("WORKERS", "0"),
        ("WORKERS", "2"),
        ("SHUTDOWN_SECONDS", "-1"),
        ("LOG_LEVEL", "LOUD"),
        ("LOG_FORMAT", "xml"),
    ],
)
def test_a_wrong_value_is_refused_by_name_in_both_languages(name: str, value: str) -> None:
    with pytest.raises(SettingsError) as refused:
        of(**{name: value})
    text = str(refused.value)
    assert text.startswith(name) and "应为" in text and " / must be " in text
    assert "\n" not in text
    assert SECRET not in text


def test_every_wrong_value_gets_its_line() -> None:
    with pytest.raises(SettingsError) as refused:
        of(PORT="x", LOG_LEVEL="y")
    assert [line.split("=")[0] for line in str(refused.value).splitlines()] == ["PORT", "LOG_LEVEL"]


def test_each_form_of_a_database_address_works_for_asyncpg_and_libpq() -> None:
    for given in ("postgres://u:p@h:5/d?sslmode=require", "postgresql+asyncpg://u:p@h:5/d?ssl=require"):
        settings = of(DATABASE_URL=given)
        assert settings.database_url is not None
        url = settings.database_url.get_secret_value()
        assert url == "postgresql+asyncpg://u:p@h:5/d?ssl=require"
        assert libpq_url(url) == "postgresql://u:p@h:5/d?sslmode=require"


def test_secrets_are_hidden_from_whoever_prints_the_settings() -> None:
    settings = of(
        BOT_TOKEN="1:" + "t" * 30,
        SECRET_KEY="k" * 40,
        DATABASE_URL="postgresql://u:passw0rd@h/d",
        PROXY_URL="http://a:pw@h:1",
    )
    for shown in (repr(settings), settings.model_dump_json()):
        assert "ttt" not in shown and "kkk" not in shown and "passw0rd" not in shown and "pw@" not in shown


def test_an_http_address_is_fine_with_a_bot_api_server_of_ones_own() -> None:
    settings = of(PUBLIC_URL="http://bot.local:8080/", TELEGRAM_API_URL="http://127.0.0.1:8081/", WORKERS="2")
    assert settings.public_url == "http://bot.local:8080"
    assert settings.telegram_api_url == "http://127.0.0.1:8081"


def test_relative_data_folders_count_from_the_project() -> None:
    assert of(DATA_DIR="elsewhere").data_dir == PROJECT_ROOT / "elsewhere"
    assert of(DATA_DIR="elsewhere").data_dir_is_chosen


def test_the_env_file_is_read_and_misspelt_names_in_it_are_found(tmp_path: Path) -> None:
    env_file = tmp_path / ".env"
    env_file.write_text("\ufeffPORT=9000\nDATABSE_URL=x\n", encoding="utf-8")
    assert load({}, env_file=env_file).port == 9000
    assert unknown_names(env_file) == ["DATABSE_URL"]


def test_the_key_is_made_once_and_closed_to_others(tmp_path: Path) -> None:
    settings = of(DATA_DIR=str(tmp_path / "data"))
    key = master_key(settings)
    assert len(key) >= 48 and master_key(settings) == key
    assert key_file(settings).stat().st_mode & 0o777 == 0o600
    assert list(key_file(settings).parent.iterdir()) == [key_file(settings)]
    assert 1 <= len(webhook_secret(settings)) <= 256 and key not in webhook_secret(settings)
    assert vault(settings).blind("telegram", 7) == vault(settings).blind("telegram", 7)
    key_file(settings).write_text("short")
    with pytest.raises(SettingsError, match="SECRET_KEY"):
        master_key(settings)
