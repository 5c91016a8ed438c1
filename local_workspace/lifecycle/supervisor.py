"""Keeps the engines of one gateway process running: starts them side by side, restarts what dies, tells how they are.

What an engine does is in `engines/`; which ones a workspace has is decided in serve.py.
"""

from __future__ import annotations

import logging
import threading
import time
from collections.abc import Callable, Mapping
from concurrent.futures import ThreadPoolExecutor, as_completed
from dataclasses import dataclass
from typing import Any, Protocol

log = logging.getLogger(__name__)

WATCH_INTERVAL_S = 0.5
LONGEST_PAUSE_S = 30.0


class Engine(Protocol):
    """A child process with a life: what the supervisor needs of it."""

    @property
    def pid(self) -> int | None:
        """Its process, None before the first start."""

    def start(self) -> Any:
        """Start it, or start it again after it died."""

    def is_alive(self) -> bool:
        """Say whether it runs."""

    def stop(self) -> None:
        """End it, keeping its state."""


@dataclass
class EngineRecord:
    """What is known of one engine. `state`: waiting, starting, ready, restarting, failed or stopped."""

    name: str
    make: Callable[[], Engine]
    engine: Engine | None = None
    state: str = "waiting"
    since: float = 0.0
    start_seconds: float = 0.0
    restarts: int = 0
    last_failure: str | None = None
    next_try: float = 0.0

    def enter(self, state: str) -> None:
        """Note a new state and when it began."""
        self.state, self.since = state, time.time()


class Supervisor:
    """Starts, watches and stops engines.

    `on_change` is told after every change of state; `after` holds what follows an engine's first start.
    """

    def __init__(
        self,
        makers: Mapping[str, Callable[[], Engine]],
        on_change: Callable[[], None],
        after: Mapping[str, Callable[[], None]],
    ) -> None:
        self.records = {name: EngineRecord(name, make) for name, make in makers.items()}
        self._on_change = on_change
        self._after = dict(after)
        self._stopping = threading.Event()
        self._watcher = threading.Thread(target=self._watch, name="engine-watch", daemon=True)

    def start(self) -> None:
        """Start all engines at once and return when all are ready.

        Raises:
            Exception: whatever the first engine to fail raised.
        """
        threads = ThreadPoolExecutor(max(1, len(self.records)), thread_name_prefix="engine-start")
        try:
            for future in as_completed([threads.submit(self._start_one, record) for record in self.records.values()]):
                future.result()
        finally:
            threads.shutdown(wait=False)  # one failed: do not wait for the others to be ready
        self._watcher.start()

    def stop(self) -> None:
        """Stop the engines, all but moto side by side: the others may still write to it."""
        self._stopping.set()
        if self._watcher.is_alive():
            self._watcher.join()
        others = [record for record in self.records.values() if record.name != "moto"]
        with ThreadPoolExecutor(max(1, len(others)), thread_name_prefix="engine-stop") as threads:
            list(threads.map(self._stop_one, others))
        if "moto" in self.records:
            self._stop_one(self.records["moto"])

    def _start_one(self, record: EngineRecord) -> None:
        if self._stopping.is_set():
            return
        record.enter("starting")
        self._on_change()
        engine = record.make()
        if self._stopping.is_set():  # told to stop while the tools were fetched
            return
        record.engine = engine
        self._bring_up(record, engine)
        if record.name in self._after:
            self._after[record.name]()

    def _bring_up(self, record: EngineRecord, engine: Engine) -> None:
        began = time.monotonic()
        engine.start()
        wait_ready = getattr(engine, "wait_ready", None)
        if wait_ready is not None:
            wait_ready()
        record.start_seconds = round(time.monotonic() - began, 2)
        record.enter("ready")
        log.info("engine %s is ready after %.1f s, pid %s", record.name, record.start_seconds, engine.pid)
        self._on_change()

    def _stop_one(self, record: EngineRecord) -> None:
        if record.engine is not None:
            record.engine.stop()
        record.enter("stopped")

    def _watch(self) -> None:
        while not self._stopping.wait(WATCH_INTERVAL_S):
            for record in self.records.values():
                if record.engine is not None and not record.engine.is_alive() and time.monotonic() > record.next_try:
                    self._restart(record, record.engine)

    def _restart(self, record: EngineRecord, engine: Engine) -> None:
        record.restarts += 1
        record.last_failure = f"{record.name} (pid {engine.pid}) ended by itself at {time.strftime('%H:%M:%S')}"
        log.error("engine %s; restart number %s", record.last_failure, record.restarts)
        record.enter("restarting")
        self._on_change()
        try:
            self._bring_up(record, engine)
        except Exception as error:  # kept in the record, shown by status, tried again after a pause
            pause = min(LONGEST_PAUSE_S, 2.0**record.restarts)
            record.last_failure = f"{record.name} did not come back: {error}"
            record.next_try = time.monotonic() + pause
            record.enter("failed")
            log.exception("engine %s did not come back; next try in %.0f s", record.name, pause)
            self._on_change()
