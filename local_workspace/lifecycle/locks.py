"""Locks of a local workspace: held by living processes only, so a crash never leaves one behind."""

from __future__ import annotations

import contextlib
import fcntl
import os
import time
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path


class LockHeld(Exception):
    """Another process holds the lock."""


@contextmanager
def hold_lock(path: Path, timeout_s: float | None = None) -> Iterator[None]:
    """Hold the lock for the block; its file tells who does. `timeout_s` None waits for ever, 0 not at all.

    Raises:
        LockHeld: somebody else holds it.
    """
    path.parent.mkdir(parents=True, exist_ok=True)
    handle = os.open(path, os.O_RDWR | os.O_CREAT, 0o600)
    try:
        _acquire(handle, path, timeout_s)
        os.ftruncate(handle, 0)
        os.pwrite(handle, str(os.getpid()).encode(), 0)
        yield
    finally:
        os.close(handle)


def lock_holder(path: Path) -> int | None:
    """Return the process that holds the lock, None when nobody does."""
    with contextlib.suppress(FileNotFoundError):
        handle = os.open(path, os.O_RDWR)
        try:
            fcntl.flock(handle, fcntl.LOCK_SH | fcntl.LOCK_NB)
        except BlockingIOError:
            return int(os.pread(handle, 20, 0) or 0) or None
        finally:
            os.close(handle)
    return None


def _acquire(handle: int, path: Path, timeout_s: float | None) -> None:
    deadline = None if timeout_s is None else time.monotonic() + timeout_s
    while True:
        try:
            fcntl.flock(handle, fcntl.LOCK_EX | fcntl.LOCK_NB)
            return
        except BlockingIOError:
            if deadline is not None and time.monotonic() >= deadline:
                raise LockHeld(f"{path} is held by process {os.pread(handle, 20, 0).decode()}") from None
            time.sleep(0.05)
