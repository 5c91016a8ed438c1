"""`deploy/set_up.py` with a uv of the test's own, which leaves what the real one leaves when it is killed."""

from __future__ import annotations

import json
import os
import signal
import subprocess
import sys
import time
from pathlib import Path

import pytest

SCRIPT = Path(__file__).parents[2] / "deploy" / "set_up.py"
# As the real uv does: a package whose RECORD is there counts as installed, whatever else is missing.
UV = """#!{python}
import os, signal, sys, time
from pathlib import Path
if sys.argv[1] == "--version":
    sys.exit()
told = Path("told").read_text() if Path("told").exists() else ""
Path("told").unlink(missing_ok=True)
if told == "full":
    sys.exit("error: failed to write: No space left on device (os error 28)")
if told == "unreachable":
    sys.exit("error: tcp connect error")
site = Path(".venv/lib/python3.11/site-packages")
record = site / "sales-1.dist-info" / "RECORD"
if not record.exists():
    record.parent.mkdir(parents=True)
    Path(".venv/bin").mkdir()
    Path(".venv/bin/python").symlink_to({python!r})
    record.write_text("sales/__init__.py,sha256=x,5\\n")
    if told == "die":
        os.killpg(0, signal.SIGKILL)
    time.sleep(0.5 if told == "slow" else 0)
    (site / "sales").mkdir()
    (site / "sales/__init__.py").write_text("x = 1")
"""
INSTALLED = Path(".venv/lib/python3.11/site-packages/sales/__init__.py")


@pytest.fixture
def clone(tmp_path: Path) -> Path:
    """A clone with an engines' set-up that has nothing to do, and the uv above on its path."""
    engines = tmp_path / "local_workspace" / "engines"
    engines.mkdir(parents=True)
    (engines / "set_up.py").write_text("")
    uv = tmp_path / "bin" / "uv"
    uv.parent.mkdir()
    uv.write_text(UV.format(python=sys.executable))
    uv.chmod(0o755)
    return tmp_path


def start(clone: Path, *told: str) -> subprocess.Popen[str]:
    if told:
        (clone / "told").write_text(told[0])
    command = [sys.executable, str(SCRIPT), "--root", str(clone), "--tools", str(clone / "tools")]
    command += ["--cache", str(clone / "cache"), "--uv-version", "0"]
    environment = {**os.environ, "PATH": f"{clone / 'bin'}:{os.environ['PATH']}"}
    return subprocess.Popen(
        command, env=environment, stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True, start_new_session=True
    )


def set_up(clone: Path, *told: str, code: int = 0) -> str:
    process = start(clone, *told)
    stdout, stderr = process.communicate(timeout=60)
    assert process.returncode == code, stderr
    return stdout + stderr


def is_ready(clone: Path) -> bool:
    return (clone / ".venv" / ".ready").exists()


def test_a_set_up_killed_while_it_installs_is_not_ready_and_the_next_one_starts_over(clone: Path) -> None:
    set_up(clone, "die", code=-signal.SIGKILL)
    assert not is_ready(clone)
    assert not (clone / INSTALLED).exists()
    assert "was interrupted" in set_up(clone)
    assert is_ready(clone)
    assert (clone / INSTALLED).exists()


@pytest.mark.parametrize("content", [None, "x ="])
def test_a_file_that_is_missing_or_cut_off_is_installed_again(clone: Path, content: str | None) -> None:
    set_up(clone)
    (clone / INSTALLED).unlink()
    if content is not None:
        (clone / INSTALLED).write_text(content)
    check = subprocess.run(
        [sys.executable, str(SCRIPT), "--root", str(clone), "--check"], capture_output=True, text=True, check=True
    )
    (problem,) = json.loads(check.stdout)
    assert "sales/__init__.py" in problem
    assert "lack files" in set_up(clone)
    assert (clone / INSTALLED).read_text() == "x = 1"


def test_a_second_set_up_finds_all_there(clone: Path) -> None:
    set_up(clone)
    before = (clone / INSTALLED).stat().st_mtime_ns
    assert set_up(clone) == ""
    assert (clone / INSTALLED).stat().st_mtime_ns == before
    assert is_ready(clone)


@pytest.mark.parametrize(
    ("told", "remedy"), [("full", "UV_CACHE_DIR and XDG_CACHE_HOME"), ("unreachable", "UV_DEFAULT_INDEX")]
)
def test_a_failed_installation_says_what_to_do(clone: Path, told: str, remedy: str) -> None:
    assert remedy in set_up(clone, told, code=1)
    assert not is_ready(clone)
    set_up(clone)
    assert is_ready(clone)


def test_engines_that_cannot_be_set_up_leave_the_clone_not_ready(clone: Path) -> None:
    (clone / "local_workspace" / "engines" / "set_up.py").write_text("raise SystemExit(1)")
    assert "make setup" in set_up(clone, code=1)
    assert not is_ready(clone)


def test_two_at_once_install_once(clone: Path) -> None:
    first = start(clone, "slow")
    while not (clone / ".venv.installing").exists():
        time.sleep(0.01)
    assert "waiting for it" in set_up(clone)
    assert first.wait(60) == 0
    assert (clone / INSTALLED).exists()


def test_a_uv_that_is_only_a_part_of_a_program_is_not_used(clone: Path) -> None:
    (clone / "bin" / "uv").write_bytes(b"\x7fELF")
    output = set_up(clone, code=1)  # nor can version 0 be installed in its place
    assert "Installing uv 0" in output
