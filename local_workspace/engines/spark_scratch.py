"""Where Spark writes what it may lose: emptied before each start, while no Spark lives that uses it."""

from __future__ import annotations

import fcntl
import os
import shutil
import time
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

from local_workspace.engines.moto_server import EngineFailed

PATIENCE_S = 20.0  # for a Spark that is just ending: its gateway was killed


@contextmanager
def claim_empty(scratch: Path, patience_s: float = PATIENCE_S) -> Iterator[int]:
    """Empty the folder and yield the descriptor of its lock, which a process that inherits it holds until it ends.

    A killed Spark leaves its block managers, artifacts and native libraries.

    Raises:
        EngineFailed: a living process holds the lock, or something cannot be removed.
    """
    scratch.parent.mkdir(parents=True, exist_ok=True)
    path = scratch.with_name(f"{scratch.name}.lock")
    lock = os.open(path, os.O_RDWR | os.O_CREAT, 0o600)
    try:
        _await_lock(lock, path, patience_s)
        _empty(scratch)
        yield lock
    finally:
        os.close(lock)


def _await_lock(lock: int, path: Path, patience_s: float) -> None:
    deadline = time.monotonic() + patience_s
    while True:
        try:
            return fcntl.flock(lock, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except BlockingIOError:
            if time.monotonic() >= deadline:
                raise EngineFailed(
                    f"An earlier Spark of this workspace has not ended after {patience_s:.0f} s: it holds {path}. "
                    f"End it (`fuser {path}` says which process it is) and start the workspace again."
                ) from None
            time.sleep(0.05)


def _empty(scratch: Path) -> None:
    try:
        if scratch.exists():
            shutil.rmtree(scratch)
        scratch.mkdir()
    except OSError as error:
        raise EngineFailed(
            f"Spark's scratch folder {scratch} cannot be emptied before Spark starts: {error}. Remove it by hand."
        ) from error
