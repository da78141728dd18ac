"""What is deployed: each file passes the linter of its format and names only settings that exist."""

from __future__ import annotations

import re
import shutil
import subprocess
import sys
from pathlib import Path

import pytest
import yaml

from bot.settings import Settings

DEPLOY = Path(__file__).parents[2] / "deploy"
SETTINGS = {name.upper() for name in Settings.model_fields}


def tool(name: str) -> str:
    """A linter installed beside this Python."""
    return str(Path(sys.executable).with_name(name))


def test_the_dockerfile_passes_hadolint() -> None:
    done = subprocess.run([tool("hadolint"), str(DEPLOY / "Dockerfile")], capture_output=True, text=True, check=False)
    assert (done.returncode, done.stdout) == (0, ""), done.stdout + done.stderr


def test_the_compose_file_follows_the_specification() -> None:
    command = [tool("check-jsonschema"), "--builtin-schema", "vendor.compose-spec", str(DEPLOY / "compose.yaml")]
    done = subprocess.run(command, capture_output=True, text=True, check=False)
    assert done.returncode == 0, done.stdout + done.stderr


def test_the_unit_passes_systemd(tmp_path: Path) -> None:
    if shutil.which("systemd-analyze") is None:
        pytest.skip("systemd-analyze is not on this machine, the unit file was not verified")
    unit = tmp_path / "jifen.service"
    # The program isn't installed here, and its absence is all that this changes.
    unit.write_text(re.sub(r"ExecStart=\S+", "ExecStart=/bin/true", (DEPLOY / "jifen.service").read_text()))
    done = subprocess.run(["systemd-analyze", "verify", str(unit)], capture_output=True, text=True, check=False)
    complaints = [line for line in done.stderr.splitlines() if "jifen.service" in line]
    assert (done.returncode, complaints) == (0, []), done.stderr


def test_only_settings_that_exist_are_set() -> None:
    compose = yaml.safe_load((DEPLOY / "compose.yaml").read_text(encoding="utf-8"))
    assert set(compose["services"]["bot"]["environment"]) <= SETTINGS
    dockerfile = (DEPLOY / "Dockerfile").read_text(encoding="utf-8")
    set_there = set(re.findall(r"(?:ENV|^    )\s*([A-Z_]+)=", dockerfile, re.MULTILINE)) - {"PYTHONUNBUFFERED"}
    assert set_there == {"DATA_DIR", "HOST", "PORT", "LOG_FORMAT"} <= SETTINGS
    unit = (DEPLOY / "jifen.service").read_text(encoding="utf-8")
    assert set(re.findall(r"^Environment=(\w+)=", unit, re.MULTILINE)) <= SETTINGS


def test_the_image_holds_every_package_and_runs_as_nobody_special() -> None:
    dockerfile = (DEPLOY / "Dockerfile").read_text(encoding="utf-8")
    project = (DEPLOY.parent / "pyproject.toml").read_text(encoding="utf-8")
    packages = re.search(r"^packages = \[(.*)\]", project, re.MULTILINE)
    assert packages is not None
    for name in re.findall(r'"(\w+)"', packages[1]):
        assert f"COPY {name} {name}\n" in dockerfile
    assert re.findall(r"^USER (\S+)$", dockerfile, re.MULTILINE) == ["10001:10001"]


def test_the_port_is_not_open_to_the_world() -> None:
    compose = yaml.safe_load((DEPLOY / "compose.yaml").read_text(encoding="utf-8"))
    assert all(port.startswith("127.0.0.1:") for port in compose["services"]["bot"]["ports"])
    assert "ports" not in compose["services"]["db"]
