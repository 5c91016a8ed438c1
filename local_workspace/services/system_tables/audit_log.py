"""The audit log of one workspace: a file to which each event is one line, appended by one write.

So a gateway that is killed loses nothing that it answered, and a request waits for no lock of the store.
"""

from __future__ import annotations

import json
import os
import threading
from collections.abc import Iterator, Mapping
from pathlib import Path
from typing import Any

_NEWLINE = b"\n"


class AuditLog:
    """Events, oldest first. Thread-safe; one process writes."""

    def __init__(self, path: Path) -> None:
        self._path = path
        self._lock = threading.Lock()
        self._file: int | None = None

    def append(self, event: Mapping[str, Any]) -> None:
        """Add an event."""
        line = json.dumps(event).encode() + _NEWLINE
        with self._lock:
            if self._file is None:
                self._file = self._open()
            os.write(self._file, line)

    def read(self) -> Iterator[dict[str, Any]]:
        """Yield all events; what a full disk cut off is none."""
        if not self._path.exists():
            return
        with self._path.open("rb") as file:
            for line in file:
                try:
                    yield json.loads(line)
                except ValueError:
                    continue

    def _open(self) -> int:
        file = os.open(self._path, os.O_RDWR | os.O_APPEND | os.O_CREAT, 0o600)
        size = os.fstat(file).st_size
        if size and os.pread(file, 1, size - 1) != _NEWLINE:
            os.write(file, _NEWLINE)
        return file
