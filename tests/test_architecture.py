"""Who may import whom, and what the ledger may not touch: the contracts hold, and each of them bites when broken.

The contracts themselves are in pyproject.toml. To see that none of them is an empty phrase, a copy of the sources gets
one violation of each planted.
"""

from __future__ import annotations

import ast
import re
import shutil
import subprocess
import sys
import tomllib
from pathlib import Path

import pytest

ROOT = Path(__file__).parents[1]
PACKAGES = ("bot", "handlers", "jobs", "chat", "ledger")

PLANTED = {
    "direction": ("chat/screen.py", "import bot.settings"),
    "rooms": ("ledger/points/commands.py", "import ledger.redeeming.planted"),
    "ledger-apart": ("ledger/members/member.py", "import telegram"),
    "chat-apart": ("chat/words.py", "import aiohttp"),
    "pure": ("ledger/points/working.py", "import asyncio"),
    "features-apart": ("handlers/planted_one.py", "import handlers.planted_two"),
    "jobs-apart": ("jobs/planted_one.py", "import jobs.planted_two"),
    "double-apart": ("bot/double/clock.py", "import ledger.errors"),
}


def sources(*packages: str) -> list[Path]:
    """The Python files of these packages."""
    return sorted(path for package in packages for path in (ROOT / package).rglob("*.py"))


def lint_imports(folder: Path) -> str:
    """The report of import-linter for the sources in a folder."""
    command = "from importlinter.cli import lint_imports_command as run; run(['--no-cache'])"
    done = subprocess.run([sys.executable, "-c", command], cwd=folder, capture_output=True, text=True, check=False)
    assert done.returncode in (0, 1) and "Contracts:" in done.stdout, done.stdout + done.stderr
    return done.stdout


@pytest.fixture
def copy(tmp_path: Path) -> Path:
    """The sources and their contracts, to be spoilt."""
    for package in PACKAGES:
        for path in sources(package):
            target = tmp_path / path.relative_to(ROOT)
            target.parent.mkdir(parents=True, exist_ok=True)
            shutil.copyfile(path, target)
    shutil.copyfile(ROOT / "pyproject.toml", tmp_path / "pyproject.toml")
    return tmp_path


def contract_names() -> dict[str, str]:
    """Id → name of every contract."""
    config = tomllib.loads((ROOT / "pyproject.toml").read_text(encoding="utf-8"))
    return {each["id"]: each["name"] for each in config["tool"]["importlinter"]["contracts"]}


def test_every_import_contract_holds() -> None:
    report = lint_imports(ROOT)
    assert " 0 broken" in report, report[report.index("Contracts:") :]


def test_every_import_contract_bites(copy: Path) -> None:
    for package in ("handlers", "jobs"):
        (copy / package / "planted_two.py").touch()
    (copy / "ledger" / "redeeming" / "planted.py").touch()
    for file, line in PLANTED.values():
        with (copy / file).open("a") as source:
            source.write(f"\n{line}\n")
    report = lint_imports(copy)
    kept = [name for name in contract_names().values() if f"{name} BROKEN" not in report]
    assert kept == [] and set(PLANTED) == set(contract_names())


def test_a_new_room_of_the_ledger_must_be_placed(copy: Path) -> None:
    (copy / "ledger" / "gambling.py").touch()
    assert "gambling" in lint_imports(copy)


@pytest.mark.parametrize(
    "line",
    [
        "import datetime as dt\n\nNOW = dt.datetime.now(dt.UTC)",
        "from datetime import date\n\nTODAY = date.today()",
        "import os\n\nHOME = os.environ",
        "import random",
        "from secrets import token_hex",
        "import uuid",
        "from time import time",
        "from sqlalchemy import func\n\nNOW = func.now()",
    ],
)
def test_a_clock_chance_or_environment_in_the_ledger_is_refused(copy: Path, line: str) -> None:
    planted = copy / "ledger" / "points" / "planted.py"
    planted.write_text(f'"""Planted."""\n\n{line}\n')
    elsewhere = copy / "bot" / "planted.py"
    shutil.copyfile(planted, elsewhere)
    assert "TID251" in ruff(copy, planted)
    assert "TID251" not in ruff(copy, elsewhere)


def ruff(folder: Path, file: Path) -> str:
    """What ruff says about one file."""
    command = [sys.executable, "-m", "ruff", "check", "--no-cache", "--output-format", "concise", str(file)]
    return subprocess.run(command, cwd=folder, capture_output=True, text=True, check=False).stdout


def test_the_ledgers_sql_reads_no_clock_and_no_chance() -> None:
    """Except for the stamps of when a row was made: defaults in the tables, which nothing decides by."""
    banned = re.compile(
        r"\b(now|clock_timestamp|statement_timestamp|transaction_timestamp|random|gen_random_uuid|uuidv7)\s*\("
        r"|\bcurrent_(date|time|timestamp)\b",
        re.IGNORECASE,
    )
    found = []
    for path in sorted((ROOT / "ledger").rglob("*")):
        if path.suffix not in {".py", ".sql"}:
            continue
        for number, line in enumerate(path.read_text(encoding="utf-8").splitlines(), 1):
            declares = path.name == "tables.py" or path.parent.name == "versions"
            stamp = declares and re.search(r'server_default=(sa\.)?text\("now\(\)"\)', line)
            if banned.search(line) and not stamp and not line.lstrip().startswith(("#", "--")):
                found.append(f"{path.relative_to(ROOT)}:{number}: {line.strip()}")
    assert found == []


def test_nothing_waits_by_wait_for() -> None:
    """Until Python 3.12 it swallows a cancellation that meets the end of the wait: what was to stop would go on for ever."""
    assert [path for path in sources(*PACKAGES) if "asyncio.wait_for(" in path.read_text("utf-8")] == []


def test_the_double_imports_nothing_of_the_bots() -> None:
    found = []
    for path in sources("bot/double"):
        for node in ast.walk(ast.parse(path.read_text(encoding="utf-8"))):
            names = [alias.name for alias in node.names] if isinstance(node, ast.Import) else []
            if isinstance(node, ast.ImportFrom):
                names = [node.module or ""]
            found += [f"{path.name}: {name}" for name in names if re.match(r"bot(?!\.double\b)(\.|$)", name)]
    assert found == []


@pytest.mark.parametrize("package", [*PACKAGES, "tests"])
def test_an_init_file_is_a_map_and_nothing_else(package: str) -> None:
    for path in sources(package):
        if path.name == "__init__.py":
            tree = ast.parse(path.read_text(encoding="utf-8"))
            assert ast.get_docstring(tree) and len(tree.body) == 1, path


def test_every_folder_of_tests_has_an_init_file() -> None:
    """Without one, `tests/ledger` would shadow the real `ledger`."""
    for path in sources("tests"):
        assert (path.parent / "__init__.py").exists(), path


def test_no_lock_file_and_no_registry_address_is_kept() -> None:
    listed = subprocess.run(
        ["git", "ls-files", "--cached", "--others", "--exclude-standard"],
        cwd=ROOT,
        capture_output=True,
        text=True,
        check=False,
    )
    if listed.returncode:
        pytest.skip("not a git clone")
    address = re.compile(
        rb"https?://[^\s\"']+/(simple|packages)/|\"resolved\": *\"http|--(extra-)?index-url", re.IGNORECASE
    )
    found = []
    for name in listed.stdout.splitlines():
        path = ROOT / name
        if path.name in {"uv.lock", "poetry.lock"} or path.name.startswith("pylock"):
            found.append(name)
        elif path.is_file() and path.stat().st_size < 2_000_000 and path != Path(__file__):
            found += [f"{name}: {match[0]!r}" for match in [address.search(path.read_bytes())] if match]
    assert found == []
