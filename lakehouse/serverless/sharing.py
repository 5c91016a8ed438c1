"""What all steps of a process share for one workspace: poller of runs, feed of messages, paces of what starts runs."""

from __future__ import annotations

import threading
from collections.abc import Callable
from dataclasses import dataclass, field
from typing import TYPE_CHECKING
from weakref import WeakKeyDictionary

from lakehouse.serverless.messages import MessageFeed
from lakehouse.serverless.pace import QUESTIONS, RUN_NOWS, SUBMITS, Pace, keep_below
from lakehouse.serverless.watching import RunWatcher

if TYPE_CHECKING:
    from databricks.sdk import WorkspaceClient

_lock = threading.Lock()
_shared: WeakKeyDictionary[WorkspaceClient, Shared] = WeakKeyDictionary()


@dataclass(frozen=True)
class Shared:
    """One of each per client of a workspace."""

    watcher: RunWatcher
    feed: MessageFeed
    submits: Pace
    run_nows: Pace
    _lock: threading.Lock = field(default_factory=threading.Lock)
    _known: dict[str, int] = field(default_factory=dict)

    def once(self, token: str, submit: Callable[[], int]) -> int:
        """Return the run of a token that several steps submit: the first does, the others wait and get its answer."""
        with self._lock:
            if token not in self._known:
                self._known[token] = submit()
            return self._known[token]


def share(workspace: WorkspaceClient, patience_s: float) -> Shared:
    """Return what the steps of this process share; made for the first of them."""
    with _lock:
        shared = _shared.get(workspace)
        if shared is None:
            watcher = RunWatcher(workspace, patience_s, keep_below(QUESTIONS))
            feed = MessageFeed(workspace, patience_s)
            shared = _shared[workspace] = Shared(watcher, feed, keep_below(SUBMITS), keep_below(RUN_NOWS))
        return shared
