"""Child processes: tied to their parent's life, stopped with all they started."""

from __future__ import annotations

import os
import signal
import subprocess
import sys
import time
from pathlib import Path

from local_workspace.engines.processes import start_process

SPAWN_AND_WAIT = """
import sys, time
from pathlib import Path
from local_workspace.engines.processes import start_process
child = start_process("child", ["sleep", "100"], Path(sys.argv[1]))
print(child.pid, flush=True)
time.sleep(100)
"""


def is_running(pid: int) -> bool:
    try:
        return Path(f"/proc/{pid}/stat").read_text().rpartition(")")[2].split()[0] != "Z"
    except (FileNotFoundError, ProcessLookupError):
        return False


def wait_gone(pid: int) -> None:
    deadline = time.monotonic() + 20
    while is_running(pid):
        assert time.monotonic() < deadline, f"process {pid} is still there"
        time.sleep(0.02)


def test_a_child_dies_with_a_killed_parent(tmp_path: Path) -> None:
    command = [sys.executable, "-c", SPAWN_AND_WAIT, str(tmp_path / "log")]
    parent = subprocess.Popen(command, stdout=subprocess.PIPE)
    assert parent.stdout is not None
    child = int(parent.stdout.readline())
    time.sleep(0.3)  # past the launcher
    assert is_running(child)
    os.kill(parent.pid, signal.SIGKILL)
    parent.wait()
    parent.stdout.close()
    wait_gone(child)


def test_stop_ends_the_whole_group(tmp_path: Path) -> None:
    child = start_process("sh", ["sh", "-c", "sleep 100 & echo $!; wait"], tmp_path / "log")
    while not child.log_tail():
        time.sleep(0.02)
    grandchild = int(child.log_tail())
    assert is_running(grandchild)
    child.stop()
    assert not child.is_alive()
    wait_gone(grandchild)


def test_a_child_that_ignores_sigterm_is_killed(tmp_path: Path) -> None:
    child = start_process("sh", ["sh", "-c", "trap '' TERM; echo ready; while :; do sleep 1; done"], tmp_path / "log")
    while not child.log_tail():
        time.sleep(0.02)
    assert child.stop(grace_s=0.2) == -signal.SIGKILL


def test_environment_and_log(tmp_path: Path) -> None:
    child = start_process("sh", ["sh", "-c", 'echo "$A and $HOME"; exit 3'], tmp_path / "logs" / "x.log", {"A": "b=c"})
    while child.is_alive():
        time.sleep(0.02)
    assert child.exit_code == 3
    assert child.log_tail().startswith("b=c and /")
