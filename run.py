#!/usr/bin/env python3
"""From a fresh clone to a running bot, with nothing but Python 3.11 or newer.

    python3 run.py                    install, then start (`jifen run`)
    python3 run.py test               install what tests need, then all of them, several at a time
    python3 run.py test WORDS         ... then pytest WORDS, in one process
    python3 run.py lint               format, lint, types and import contracts
    python3 run.py check [...]        lint, then test
    python3 run.py bench [NAME] [--json FILE]
    python3 run.py COMMAND [...]      any other word goes to the command line `jifen`

Standard library only, and readable by old Pythons, so that they too can say what is missing. Packages go to `.venv`
with the versions of constraints.txt; uv is used where it is there and works, else pip.
"""

import hashlib
import importlib.util
import os
import shutil
import subprocess
import sys
from contextlib import contextmanager
from pathlib import Path

ROOT = Path(__file__).resolve().parent
VENV = ROOT / ".venv"
PYTHON = VENV / ("Scripts/python.exe" if os.name == "nt" else "bin/python")
# There while packages are being installed: found at a start, the last install was killed half-way.
INSTALLING = VENV / ".installing"
DISK_BYTES_MIN = {"": 600_000_000, "test": 1_200_000_000}

LINT = {
    "ruff format": ["-m", "ruff", "format", "--check", "."],
    "ruff check": ["-m", "ruff", "check", "."],
    "mypy": ["-m", "mypy"],
    "lint-imports": ["-c", "from importlinter.cli import lint_imports_command as run; run()"],
}


class SetupFailed(Exception):
    """Something is missing that a person must provide; the message says what, in Chinese and English."""


def main(words):
    for stream in (sys.stdout, sys.stderr):
        if hasattr(stream, "reconfigure"):
            stream.reconfigure(errors="replace")  # a terminal that can't show Chinese still starts the bot
    try:
        require_python(sys.version_info)
        word = words[0] if words else ""
        with one_at_a_time():
            install("test" if word in ("test", "lint", "check", "bench") else "")
    except SetupFailed as failed:
        print(failed, file=sys.stderr)
        return 1
    except KeyboardInterrupt:
        return 130
    keep_bytecode()
    if word == "test":
        return run_in_root(pytest(words[1:]))
    if word == "bench":
        return replace_by(["-m", "bench", *words[1:]])
    if word in ("lint", "check"):
        return check(words[1:], tests=word == "check")
    return replace_by(["-m", "bot.cli", *(words or ["run"])])


def keep_bytecode():
    """What one process compiled, the next one finds: tests start hundreds of them."""
    os.environ.pop("PYTHONDONTWRITEBYTECODE", None)


def require_python(version):
    if tuple(version[:2]) < (3, 11):
        raise SetupFailed(
            "需要 Python 3.11 或更新版本,现在是 {0}.{1};装好后用它运行,例如 python3.11 run.py / Python 3.11 or newer "
            "is required, this is {0}.{1}: install one and start with it, e.g. python3.11 run.py".format(*version[:2])
        )


def install(extra):
    """Make `.venv` hold the project with this extra; returns at once where it already does."""
    wanted = fingerprint()
    stamp = VENV / (".stamp-" + (extra or "run"))
    if stamp.exists() and stamp.read_text() == wanted and PYTHON.exists() and not INSTALLING.exists():
        return
    free = shutil.disk_usage(str(ROOT)).free
    if free < DISK_BYTES_MIN[extra]:
        raise SetupFailed(
            "磁盘空间不足:安装约需 {0} MB,{2} 只剩 {1} MB / not enough disk space: installing takes about {0} MB, "
            "{1} MB are left".format(DISK_BYTES_MIN[extra] // 1_000_000, free // 1_000_000, ROOT)
        )
    say("正在准备环境(首次约一分钟)… / preparing (about a minute the first time) …")
    uv = working_uv()
    if INSTALLING.exists() or not usable(uv):
        make_venv(uv)
    INSTALLING.write_text("")
    what = ["-c", "constraints.txt", "-e", f".[{extra}]" if extra else "."]
    output = None
    if uv:
        # uv reads no pip.conf, so where it fails pip may still know a mirror.
        output = attempt([uv, "pip", "install", "-p", str(PYTHON), *what], own_progress=True)
        if output is not None and not has_pip():
            if importlib.util.find_spec("ensurepip") is None:
                raise failed_install(output)
            attempt([str(PYTHON), "-m", "ensurepip"])
    if not uv or output is not None:
        output = attempt(
            [str(PYTHON), "-m", "pip", "install", "--disable-pip-version-check", *what], count="Collecting "
        )
    INSTALLING.unlink()
    if output is not None:
        raise failed_install(output)
    for name in ("run", extra or "run"):
        (VENV / (".stamp-" + name)).write_text(wanted)
    say("环境已就绪 / ready")


def fingerprint():
    """Changes when an install would bring something else: other requirements, another Python, another place."""
    digest = hashlib.sha256(f"{ROOT}|{sys.version_info[:2]}|{sys.platform}".encode())
    for name in ("pyproject.toml", "constraints.txt"):
        digest.update((ROOT / name).read_bytes())
    return digest.hexdigest()


def make_venv(uv):
    """An empty `.venv`, whatever a killed install left there."""
    if VENV.exists():
        shutil.rmtree(str(VENV))
    if uv and attempt([uv, "venv", "-q", str(VENV), "--python", sys.executable]) is None:
        return
    if any(importlib.util.find_spec(name) is None for name in ("venv", "ensurepip")):
        raise SetupFailed(
            "这个 Python 缺少 venv。Debian/Ubuntu:apt install python3-venv;或者先装好 uv,再运行一次 / "
            "this Python lacks venv. On Debian or Ubuntu: apt install python3-venv; or install uv; then run this again"
        )
    import venv

    try:
        venv.create(str(VENV), with_pip=True)
    except (OSError, subprocess.CalledProcessError) as error:
        raise SetupFailed(f"建不了虚拟环境 {VENV}:{error} / the virtual environment could not be made") from error


def usable(uv):
    """True when `.venv` has a Python that runs and something to install with."""
    if not PYTHON.exists() or not (VENV / "pyvenv.cfg").exists():
        return False
    return subprocess.call([str(PYTHON), "-c", ""], stderr=subprocess.DEVNULL) == 0 and bool(uv or has_pip())


def has_pip():
    return subprocess.call([str(PYTHON), "-c", "import pip"], stderr=subprocess.DEVNULL) == 0


def working_uv():
    """The path of uv, if there is one that answers (version managers leave dead shims on PATH)."""
    uv = shutil.which("uv")
    if not uv:
        return None
    answer = subprocess.call([uv, "--version"], stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL)
    return uv if answer == 0 else None


def attempt(command, count=None, own_progress=False):
    """Run a command in the project; None when it succeeds, else the end of what it said.

    `count`: lines that begin so are counted before the person's eyes. `own_progress`: it shows its own on a terminal.
    """
    if own_progress and sys.stderr.isatty():
        return None if subprocess.call(command, cwd=str(ROOT)) == 0 else ""
    lines = []
    counted = 0
    with subprocess.Popen(
        command, cwd=str(ROOT), stdout=subprocess.PIPE, stderr=subprocess.STDOUT, text=True, errors="replace"
    ) as process:
        for line in process.stdout:
            lines = [*lines[-30:], line.rstrip()]
            if count and line.startswith(count):
                counted += 1
                show(counted, line[len(count) :].split()[0])
    if counted and sys.stderr.isatty():
        print(file=sys.stderr)
    return None if process.returncode == 0 else "\n".join(lines)


def failed_install(output):
    reason = (
        "磁盘空间不足,请腾出空间再试 / no disk space left: free some and try again"
        if "No space left" in output
        else "装不上依赖。请检查网络;需要镜像时设 PIP_INDEX_URL(uv 用 UV_DEFAULT_INDEX),然后再运行一次 / "
        "packages could not be installed. Check the network; for a mirror set PIP_INDEX_URL (uv: UV_DEFAULT_INDEX); "
        "then run this again"
    )
    return SetupFailed("{}\n\n{}".format("\n".join(output.splitlines()[-12:]), reason))


@contextmanager
def one_at_a_time():
    """Two starts at once would install over each other; the second waits."""
    try:
        import fcntl
    except ImportError:  # Windows
        yield
        return
    with (ROOT / "pyproject.toml").open() as handle:
        try:
            fcntl.flock(handle, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except OSError:
            say("另一个 run.py 正在安装,等它完成 … / another run.py is installing, waiting for it …")
            fcntl.flock(handle, fcntl.LOCK_EX)
        yield


def check(words, tests):
    """Run every check even when one fails; the last lines say which did."""
    results = {name: run_in_root(command) for name, command in LINT.items()}
    if tests:
        results["pytest"] = run_in_root(pytest(words))
    print()
    for name, code in results.items():
        print("{:<14}{}".format(name, "ok" if code == 0 else "FAILED"))
    return 1 if any(results.values()) else 0


def pytest(words):
    """The command for all tests on several processes, or for what the words name in one.

    Tests wait for a database more than they compute, so there are two processes to a processor; each has its own server.
    """
    if words:
        return ["-m", "pytest", *words]
    processes = max(2, min(8, 2 * (os.cpu_count() or 1)))
    return ["-m", "pytest", "-n", str(processes), "--dist", "worksteal"]


def run_in_root(arguments):
    try:
        return subprocess.call([str(PYTHON), *arguments], cwd=str(ROOT))
    except KeyboardInterrupt:
        return 130


def replace_by(arguments):
    """Become the command, so that signals reach it; Windows can only wait for it."""
    command = [str(PYTHON), *arguments]
    if os.name == "nt":
        return subprocess.call(command)
    sys.stdout.flush()
    os.execv(command[0], command)


def say(line):
    print(line, file=sys.stderr, flush=True)


def show(number, name):
    """Progress: a line that the next one overwrites; where nobody watches, one now and then."""
    if sys.stderr.isatty():
        print(f"\r{number:>4} {name[:60]:<60}", end="", file=sys.stderr, flush=True)
    elif number % 25 == 0:
        say(f"{number:>4} {name}")


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
