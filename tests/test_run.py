"""`run.py`: what a person without the right Python, network or disk is told, and that a killed install is made good.

The installs here get no packages to download, so they end at the failure that is asked for; what a whole install does is
seen by whoever starts the bot.
"""

from __future__ import annotations

import importlib.util
import os
import shutil
import subprocess
import sys
from pathlib import Path
from types import ModuleType

import pytest

ROOT = Path(__file__).parents[1]


@pytest.fixture
def run(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> ModuleType:
    """`run.py` as a module, in a project of its own without packages or network."""
    shutil.copyfile(ROOT / "run.py", tmp_path / "run.py")
    (tmp_path / "constraints.txt").write_text("")
    (tmp_path / "pyproject.toml").write_text('[project]\nname = "tiny"\nversion = "0"\n')
    spec = importlib.util.spec_from_file_location("tiny_run", tmp_path / "run.py")
    assert spec is not None and spec.loader is not None
    module = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(module)
    monkeypatch.setenv("PIP_NO_INDEX", "1")
    monkeypatch.delenv("PIP_FIND_LINKS", raising=False)
    monkeypatch.setattr(module, "working_uv", lambda: None)
    return module


def test_an_old_python_is_told_which_one_to_get(run: ModuleType) -> None:
    with pytest.raises(run.SetupFailed, match=r"3\.11.*3\.9.*/ Python 3\.11 or newer"):
        run.require_python((3, 9, 2))
    run.require_python((3, 11, 0))
    run.require_python((3, 14, 1))


def test_it_can_be_read_by_pythons_that_are_too_old() -> None:
    compile((ROOT / "run.py").read_text(encoding="utf-8"), "run.py", "exec", dont_inherit=True)
    import ast

    ast.parse((ROOT / "run.py").read_text(encoding="utf-8"), feature_version=(3, 7))


def test_a_python_without_venv_is_told_what_to_install(
    run: ModuleType, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    found = importlib.util.find_spec
    monkeypatch.setattr(importlib.util, "find_spec", lambda name: None if name == "ensurepip" else found(name))
    assert run.main([]) == 1
    assert "apt install python3-venv" in capsys.readouterr().err


def test_a_full_disk_is_told_how_much_is_needed(
    run: ModuleType, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.setattr(shutil, "disk_usage", lambda path: shutil._ntuple_diskusage(1, 1, 50_000_000))  # type: ignore[attr-defined]
    assert run.main(["test"]) == 1
    told = capsys.readouterr().err
    assert "1200 MB" in told and "50 MB" in told and "/ not enough disk space" in told
    assert not run.VENV.exists()


@pytest.mark.slow
def test_without_network_it_says_so_and_can_be_run_again(
    run: ModuleType, capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    assert run.main([]) == 1
    told = capsys.readouterr().err
    assert "PIP_INDEX_URL" in told and "请检查网络" in told and "Traceback" not in told
    # The environment is sound, so it isn't made again; nothing is stamped as installed.
    assert run.usable(None) and not run.INSTALLING.exists() and not list(run.VENV.glob(".stamp-*"))

    # A kill half-way leaves the mark; whatever is there then is thrown away.
    run.INSTALLING.write_text("")
    (run.VENV / "half-a-package").write_text("")
    monkeypatch.setattr(run, "attempt", lambda command, **how: None)
    run.install("test")
    assert not (run.VENV / "half-a-package").exists() and not run.INSTALLING.exists()

    # Installed for tests is installed for running; unchanged requirements take no time; changed ones do.
    monkeypatch.setattr(run, "attempt", lambda command, **how: "must not install again")
    run.install("test")
    run.install("")
    (run.ROOT / "constraints.txt").write_text("click==8.0\n")
    with pytest.raises(run.SetupFailed):
        run.install("")


def test_a_uv_that_does_not_answer_is_not_used(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    spec = importlib.util.spec_from_file_location("plain_run", ROOT / "run.py")
    assert spec is not None and spec.loader is not None
    module = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(module)
    shim = tmp_path / "uv"
    shim.write_text("#!/bin/sh\nexit 127\n")
    shim.chmod(0o755)
    monkeypatch.setenv("PATH", str(tmp_path))
    assert module.working_uv() is None
    shim.write_text("#!/bin/sh\nexit 0\n")
    assert module.working_uv() == str(shim)


@pytest.mark.skipif(os.name == "nt", reason="Windows waits for the command in place of becoming it")
def test_words_reach_the_command_line_from_any_folder(tmp_path: Path) -> None:
    """With the packages there it takes no install: `.venv` is a stand-in that says how it was called."""
    for name in ("run.py", "pyproject.toml", "constraints.txt"):
        shutil.copyfile(ROOT / name, tmp_path / name)
    python = tmp_path / ".venv" / "bin" / "python"
    python.parent.mkdir(parents=True)
    python.write_text('#!/bin/sh\necho "$PWD" "$@"\n')
    python.chmod(0o755)
    spec = importlib.util.spec_from_file_location("stamped_run", tmp_path / "run.py")
    assert spec is not None and spec.loader is not None
    module = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(module)
    for stamp in (".stamp-run", ".stamp-test"):
        (tmp_path / ".venv" / stamp).write_text(module.fingerprint())
    elsewhere = tmp_path / "elsewhere"
    elsewhere.mkdir()
    for words, called in {
        (): f"{elsewhere} -m bot.cli run",
        ("import", "file.csv", "--dry-run"): f"{elsewhere} -m bot.cli import file.csv --dry-run",
        ("test",): f"{tmp_path} -m pytest -n {max(2, min(8, 2 * (os.cpu_count() or 1)))} --dist worksteal",
        ("test", "-k", "burn"): f"{tmp_path} -m pytest -k burn",
        ("bench", "ledger", "--json", "out.json"): f"{elsewhere} -m bench ledger --json out.json",
    }.items():
        command = [sys.executable, str(tmp_path / "run.py"), *words]
        done = subprocess.run(command, cwd=elsewhere, capture_output=True, text=True, check=False)
        assert (done.returncode, done.stdout.strip()) == (0, called), done.stderr
