"""Keeps the appointments of schedules while the workspace is up: each time that fell due is called once.

What fell due while it was down is not made up for, as where a schedule is resumed.
"""

from __future__ import annotations

import logging
import threading
from abc import ABC, abstractmethod
from collections.abc import Callable, Hashable, Iterable
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from typing import Any

from local_workspace.services.jobs.quartz import parse_schedule

log = logging.getLogger(__name__)
TICK_S = 0.5
# Between two calls of a schedule, whatever its expression says: https://docs.databricks.com/aws/en/jobs/scheduled
SHORTEST = timedelta(seconds=10)


@dataclass(frozen=True)
class Appointment:
    """Whose schedule, when, and what is then called; it returns the ids of what it started."""

    owner: Hashable
    expression: str
    zone: str
    call: Callable[[datetime], list[Any]]


class Clock(ABC):
    """Looks every half second which appointments are due."""

    def __init__(self, name: str) -> None:
        self._name = name
        self._next: dict[Hashable, datetime | None] = {}
        self._stopped = threading.Event()

    @abstractmethod
    def list_appointments(self) -> Iterable[Appointment]:
        """Return those of all schedules that are not paused."""

    def start(self) -> None:
        """Begin to look."""
        threading.Thread(target=self._run, name=self._name, daemon=True).start()

    def stop(self) -> None:
        """Look no more."""
        self._stopped.set()

    def tick(self, now: datetime) -> list[Any]:
        """Call what is due, once for each time, and return the ids of what that started."""
        before, self._next = self._next, {}
        started = []
        for one in self.list_appointments():
            schedule, key = parse_schedule(one.expression, one.zone), (one.owner, one.expression, one.zone)
            due = before[key] if key in before else schedule.next_after(now)
            if due is not None and due <= now:
                started += one.call(due)
                due = schedule.next_after(max(now, due + SHORTEST - timedelta(microseconds=1)))
            self._next[key] = due
        return started

    def _run(self) -> None:
        while not self._stopped.wait(TICK_S):
            try:
                self.tick(datetime.now(UTC))
            except Exception:
                log.exception("%s could not be looked at", self._name)
