"""Dagster's daemon over this project's code locations, as `make dev` starts it."""

from __future__ import annotations

import signal
import subprocess
import sys
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

from local_workspace.engines.processes import free_port

ROOT = Path(__file__).parent.parent


@contextmanager
def run_daemon(home: Path) -> Iterator[None]:
    """Run it over the instance in `home`, which is there already, while the block runs; it logs to `daemon.log`.

    With `dagster dev`, whose code locations stay loaded: a daemon by itself loads both anew each minute.
    """
    dagster = str(Path(sys.executable).with_name("dagster"))
    command = ["env", f"DAGSTER_HOME={home}", dagster, "dev", "-w", "workspace.yaml", "-h", "127.0.0.1", "-p"]

    def heed_signals() -> None:
        """A shell starts what runs in the background with SIGINT ignored; Dagster then ignores SIGTERM as well."""
        signal.signal(signal.SIGINT, signal.SIG_DFL)

    with (home / "daemon.log").open("wb") as log:
        daemon = subprocess.Popen(
            [*command, str(free_port())], cwd=ROOT, stdout=log, stderr=log, preexec_fn=heed_signals
        )
    try:
        yield
    finally:
        daemon.terminate()
        daemon.wait(60)
