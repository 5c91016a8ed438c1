"""One thread that serves all who ask for it: started for the first, ended after the last."""

from __future__ import annotations

import threading
import time
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from typing import Generic, TypeVar

T = TypeVar("T")


class ServiceThread(Generic[T]):
    """Calls `serve` with all that are served now, again and again.

    `serve` returns how many seconds to rest, and how many of them when there is news: more may come meanwhile.
    """

    def __init__(self, name: str, serve: Callable[[Sequence[T]], tuple[float, float]]) -> None:
        self._name = name
        self._serve = serve
        self._lock = threading.Lock()
        self._news = threading.Event()
        self._served: list[T] = []
        self._thread: threading.Thread | None = None

    @contextmanager
    def serves(self, one: T) -> Iterator[None]:
        """Serve one more while the block runs."""
        with self._lock:
            self._served.append(one)
            if self._thread is None:
                self._thread = threading.Thread(target=self._follow, name=self._name, daemon=True)
                self._thread.start()
        self.wake()
        try:
            yield
        finally:
            with self._lock:
                self._served.remove(one)

    def wake(self) -> None:
        """Say that there is news."""
        self._news.set()

    def _follow(self) -> None:
        while served := self._take_turn():
            rest_s, gather_s = self._serve(served)
            self._news.wait(max(0.0, rest_s - gather_s))
            time.sleep(gather_s)

    def _take_turn(self) -> list[T]:
        self._news.clear()  # before looking: what comes after is news
        with self._lock:
            if not self._served:
                self._thread = None
            return list(self._served)
