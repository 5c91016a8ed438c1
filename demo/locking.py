"""One main job at a time on a state directory: a second one waits, and then finds nothing to do."""

from __future__ import annotations

import fcntl
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

from rich.console import Console


@contextmanager
def only_one(home: Path, console: Console) -> Iterator[None]:
    """Hold the lock of the state directory for the block; the system lets go of it when the process dies."""
    home.mkdir(parents=True, exist_ok=True)
    with (home / "demo.lock").open("w") as file:
        try:
            fcntl.flock(file, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except BlockingIOError:
            console.print(f"Another main job is at work in {home}; waiting for it", highlight=False)
            fcntl.flock(file, fcntl.LOCK_EX)
        yield
