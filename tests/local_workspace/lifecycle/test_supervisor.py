"""The watch over engines, with engines that do nothing: order, restarts, what a failure does to the others."""

from __future__ import annotations

import threading
import time

import pytest

from local_workspace.lifecycle.supervisor import Supervisor
from tests.waiting import wait_until


class FakeEngine:
    """Counts its starts; fails those it is told to."""

    def __init__(self, failing_starts: frozenset[int] = frozenset(), ready: threading.Event | None = None) -> None:
        self.pid = 0
        self.failing_starts = failing_starts
        self.alive = False
        self.stopped = threading.Event()
        self._ready = ready

    def start(self) -> None:
        self.pid += 1
        if self.pid in self.failing_starts:
            raise OSError(f"start {self.pid} failed")
        self.alive = True

    def wait_ready(self) -> None:
        if self._ready is not None:
            self._ready.wait(30)

    def is_alive(self) -> bool:
        return self.alive

    def stop(self) -> None:
        self.alive = False
        self.stopped.set()


def supervise(**engines: FakeEngine) -> Supervisor:
    return Supervisor({name: lambda engine=engine: engine for name, engine in engines.items()}, lambda: None, {})


def test_a_dead_engine_is_restarted_until_it_stays() -> None:
    engine = FakeEngine(failing_starts=frozenset({2}))
    supervisor = supervise(moto=engine)
    supervisor.start()
    engine.alive = False
    record = supervisor.records["moto"]
    wait_until(lambda: record.state == "failed")
    assert "start 2 failed" in (record.last_failure or "")
    wait_until(lambda: record.state == "ready")
    assert (record.restarts, engine.pid) == (2, 3)
    supervisor.stop()
    assert record.state == "stopped"


def test_a_stopped_engine_is_not_restarted() -> None:
    engine = FakeEngine()
    supervisor = supervise(moto=engine)
    supervisor.start()
    supervisor.stop()
    time.sleep(0.7)  # longer than the watch sleeps
    assert engine.pid == 1


def test_the_first_failure_is_told_before_the_others_are_ready() -> None:
    slow, never = FakeEngine(ready=threading.Event()), FakeEngine(frozenset({1}))
    supervisor = supervise(spark=slow, moto=never)
    with pytest.raises(OSError, match="start 1 failed"):
        supervisor.start()
    assert slow._ready is not None
    slow._ready.set()
    supervisor.stop()
    assert slow.stopped.is_set()


def test_what_follows_a_start_runs_once() -> None:
    engine, told = FakeEngine(), []
    supervisor = Supervisor({"moto": lambda: engine}, lambda: None, {"moto": lambda: told.append(engine.pid)})
    supervisor.start()
    engine.alive = False
    wait_until(lambda: engine.pid == 2)
    supervisor.stop()
    assert told == [1]
