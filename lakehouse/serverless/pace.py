"""Pace: calls are spread so that all steps of a process together stay below what the service allows."""

from __future__ import annotations

import threading
import time
from collections.abc import Callable

# https://docs.databricks.com/aws/en/resources/limits: calls of a workspace in a second, whoever makes them
SUBMITS, RUN_NOWS, QUESTIONS = 35, 20, 100  # for runs/list no limit was found: it counts as runs/get


class Pace:
    """A token bucket: `at_once` calls without waiting, then `per_second`."""

    def __init__(self, per_second: float, at_once: int, clock: Callable[[], float] = time.monotonic) -> None:
        self._per_second, self._at_once = per_second, float(at_once)
        self._clock = clock
        self._lock = threading.Lock()
        self._tokens, self._filled_at = self._at_once, clock()

    def take(self, pause: Callable[[float], None] = time.sleep) -> None:
        """Take a token, or the right to the next one and wait until it is there."""
        with self._lock:
            now = self._clock()
            grown = self._tokens + (now - self._filled_at) * self._per_second
            self._tokens, self._filled_at = min(self._at_once, grown) - 1, now
            wait_s = max(0.0, -self._tokens / self._per_second)
        if wait_s:
            pause(wait_s)


def keep_below(limit: int, clock: Callable[[], float] = time.monotonic) -> Pace:
    """Return a pace that makes at most nine tenths of the limit's calls in any second; a third of them at once."""
    most = limit * 0.9
    at_once = int(most / 3)
    return Pace(most - at_once - 1, at_once, clock)
