"""Threads for work of several owners: one that has much to do does not keep the others from theirs.

So much runs at once in all; who has nothing running starts at once, however much others run. A thread that comes free
goes to the owner that has the least running, among those to the one whose turn was the longest ago.
"""

from __future__ import annotations

import threading
from collections import Counter, deque
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor

Work = Callable[[], None]
_UNBOUNDED = 10_000  # threads are made when there is work for them


class TooMuchWaiting(Exception):
    """The owner has as much waiting as it may."""


class FairThreads:
    """Runs work in threads; safe for use by many."""

    def __init__(self, at_once: int, most_waiting: int, name: str) -> None:
        self._at_once = at_once
        self._most_waiting = most_waiting
        self._threads = ThreadPoolExecutor(_UNBOUNDED, thread_name_prefix=name)
        self._lock = threading.Lock()
        self._running: Counter[str] = Counter()
        self._waiting: dict[str, deque[Work]] = {}  # in the order of turns; who has nothing waiting is not in it

    def submit(self, owner: str, work: Work) -> None:
        """Run the work when it is its turn.

        Raises:
            TooMuchWaiting: nothing was taken.
        """
        with self._lock:
            waiting = self._waiting.setdefault(owner, deque())
            if len(waiting) >= self._most_waiting:
                raise TooMuchWaiting(owner)
            waiting.append(work)
            self._start_next()

    def withdraw(self, owner: str, work: Work) -> bool:
        """Say whether the work had not begun, and now never does."""
        with self._lock:
            if work not in self._waiting.get(owner, ()):
                return False
            self._waiting[owner].remove(work)
            self._forget_if_empty(owner)
            return True

    def close(self) -> None:
        """Take no more work and forget what waits; what runs goes on."""
        with self._lock:
            self._waiting.clear()
            self._threads.shutdown(wait=False, cancel_futures=True)

    def _start_next(self) -> None:
        while self._waiting:
            owner = min(self._waiting, key=lambda name: self._running[name])  # of equal ones the first in the order
            if self._running.total() >= self._at_once and self._running[owner]:
                return
            waiting = self._waiting.pop(owner)
            work = waiting.popleft()
            if waiting:
                self._waiting[owner] = waiting  # behind the others
            self._running[owner] += 1
            self._threads.submit(self._run, owner, work)

    def _run(self, owner: str, work: Work) -> None:
        try:
            work()
        finally:
            with self._lock:
                self._running[owner] -= 1
                if not self._running[owner]:
                    del self._running[owner]
                self._start_next()

    def _forget_if_empty(self, owner: str) -> None:
        if not self._waiting[owner]:
            del self._waiting[owner]
