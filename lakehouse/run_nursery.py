"""Loads a code location and forks a process for each run that it is asked for; see run_launcher.py.

Requests are lines of standard input, arguments of `dagster api execute_run`; the answer is the process id, or "stale"
when the sources have changed since they were loaded, after which it ends. It ends with its standard input as well.
"""

from __future__ import annotations

import gc
import json
import os
import signal
import sys
import time
import traceback
from collections.abc import Iterable, Iterator
from pathlib import Path
from typing import NoReturn

STALE = "stale"


def main(serialized_origin: str) -> None:
    """Serve until standard input ends or the sources have changed."""
    started_ns = time.time_ns()
    load(serialized_origin)
    roots = find_roots()
    loaded = list_sources(roots)
    loaded_ns = time.time_ns()
    is_stale = any(started_ns <= changed_ns <= loaded_ns for changed_ns, _ in loaded.values())
    signal.signal(signal.SIGCHLD, signal.SIG_IGN)  # nobody waits for runs: Dagster's storage says how they end
    gc.freeze()  # what is loaded stays shared with the runs
    for line in sys.stdin:
        if is_stale or list_sources(roots) != loaded:
            print(STALE, flush=True)
            return
        pid = os.fork()
        if pid == 0:
            execute(line.strip())
        print(pid, flush=True)


def load(serialized_origin: str) -> None:
    """Import what runs of a code location need."""
    import dagster._cli.api  # noqa: F401
    from dagster._core.definitions.reconstruct import reconstruct_repository_def_from_pointer
    from dagster._core.origin import RepositoryPythonOrigin
    from dagster._serdes import deserialize_value

    origin = deserialize_value(serialized_origin, RepositoryPythonOrigin)
    reconstruct_repository_def_from_pointer(origin.code_pointer, None)


def find_roots() -> set[Path]:
    """Return loaded packages and modules, but for the installed ones, which do not change under a run."""
    installed = tuple({sys.prefix, sys.base_prefix, *(path for path in sys.path if path.endswith("-packages"))})
    files = (getattr(module, "__file__", None) for name, module in list(sys.modules.items()) if "." not in name)
    sources = [Path(file) for file in files if file and not file.startswith(installed)]
    return {path.parent if path.name == "__init__.py" else path for path in sources}


def list_sources(roots: Iterable[Path]) -> dict[str, tuple[int, int]]:
    """Return when each file was changed, in ns since the epoch, and its size."""
    files = [path for root in roots for path in (_walk(root) if root.is_dir() else [root])]
    return {str(path): (path.stat().st_mtime_ns, path.stat().st_size) for path in files}


def execute(arguments: str) -> NoReturn:
    """Be the process of a run: mark the run with it, execute it, end."""
    signal.signal(signal.SIGCHLD, signal.SIG_DFL)
    os.dup2(sys.stderr.fileno(), sys.stdout.fileno())  # the pipe is the nursery's
    os.dup2(os.open(os.devnull, os.O_RDONLY), sys.stdin.fileno())
    try:
        _mark(arguments)
        _call_dagster(arguments)
    except BaseException:
        traceback.print_exc()
        raise
    finally:
        sys.stderr.flush()
        os._exit(0)  # what the nursery does at its end is not for the run to do


def _walk(root: Path) -> Iterator[Path]:
    for directory, folders, names in os.walk(root):
        folders[:] = [name for name in folders if name != "__pycache__"]
        yield from (Path(directory, name) for name in names)


def _mark(arguments: str) -> None:
    from dagster import DagsterInstance
    from dagster._grpc.types import ExecuteRunArgs
    from dagster._serdes import deserialize_value

    from lakehouse.run_launcher import WORKER_TAG, Worker

    given = deserialize_value(arguments, ExecuteRunArgs)
    assert given.instance_ref is not None, "the launcher always gives one"
    with DagsterInstance.from_ref(given.instance_ref) as instance:
        instance.add_run_tags(given.run_id, {WORKER_TAG: json.dumps(Worker.current())})


def _call_dagster(arguments: str) -> None:
    from dagster._cli.api import api_cli

    api_cli.main(["execute_run", arguments], standalone_mode=False)


if __name__ == "__main__":
    main(sys.argv[1])
