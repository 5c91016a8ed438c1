"""Dagster's daemon over this project's code locations, as a process of its own."""

from __future__ import annotations

import subprocess
import sys
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

ROOT = Path(__file__).parent.parent


@contextmanager
def run_daemon(home: Path) -> Iterator[None]:
    """Run it over the instance in `home`, which is there already, while the block runs; it logs to `daemon.log`."""
    command = [str(Path(sys.executable).with_name("dagster-daemon")), "run", "-w", "workspace.yaml"]
    with (home / "daemon.log").open("wb") as log:
        daemon = subprocess.Popen(["env", f"DAGSTER_HOME={home}", *command], cwd=ROOT, stdout=log, stderr=log)
    try:
        yield
    finally:
        daemon.terminate()
        daemon.wait(60)
