"""What has to end with a Dagster run that is terminated, whether or not a step of it is at work just then."""

from __future__ import annotations

import threading
from collections import defaultdict
from collections.abc import Callable

_lock = threading.Lock()
_ends: defaultdict[str, list[Callable[[], object]]] = defaultdict(list)


def when_terminated(run_id: str, end: Callable[[], object]) -> None:
    """Call `end` if the Dagster run is terminated in this process."""
    with _lock:
        _ends[run_id].append(end)


def end_all(run_id: str) -> None:
    """End what belongs to the Dagster run; for its executor, when its steps have ended."""
    with _lock:
        ends = _ends.pop(run_id, [])
    for end in ends:
        end()
