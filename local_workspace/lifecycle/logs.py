"""Reading a workspace's log files: the last lines of each, then what comes, as it comes."""

from __future__ import annotations

import time
from collections.abc import Iterator
from pathlib import Path

from local_workspace.lifecycle.files import workspace_home


class NoSuchLog(Exception):
    """Nothing of that name writes a log; the message says what does."""


def read_logs(
    name: str, home: Path, engine: str | None = None, lines: int = 50, follow: bool = False, interval_s: float = 0.3
) -> Iterator[tuple[str, str]]:
    """Yield (engine, line): the last `lines` of each log, and with `follow` all further ones until closed.

    Raises:
        NoSuchLog: the workspace has none, or none of that engine.
    """
    directory = workspace_home(home, name) / "logs"
    _require_log(directory, name, engine)
    offsets: dict[Path, int] = {}
    for path in _log_files(directory, engine):
        data = path.read_bytes()
        offsets[path] = data.rfind(b"\n") + 1
        for line in data[: offsets[path]].decode(errors="replace").splitlines()[-lines:]:
            yield path.stem, line
    while follow:
        yield from _read_new(directory, engine, offsets)
        time.sleep(interval_s)


def _require_log(directory: Path, name: str, engine: str | None) -> None:
    known = [path.stem for path in _log_files(directory, None)]
    if not known:
        raise NoSuchLog(f"Workspace '{name}' was never up: there are no logs in {directory}")
    if engine is not None and engine not in known:
        raise NoSuchLog(f"Workspace '{name}' has no log of {engine!r}; there are {', '.join(known)}")


def _read_new(directory: Path, engine: str | None, offsets: dict[Path, int]) -> Iterator[tuple[str, str]]:
    for path in _log_files(directory, engine):
        with path.open("rb") as file:
            file.seek(offsets.get(path, 0))
            data = file.read()
        complete = data[: data.rfind(b"\n") + 1]
        offsets[path] = offsets.get(path, 0) + len(complete)
        for line in complete.decode(errors="replace").splitlines():
            yield path.stem, line


def _log_files(directory: Path, engine: str | None) -> list[Path]:
    return sorted(directory.glob(f"{engine or '*'}.log"))
