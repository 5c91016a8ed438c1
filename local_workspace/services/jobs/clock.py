"""Fires the schedules of jobs: one run at each time that an unpaused schedule names, while the workspace is up.

What fell due while it was down is not made up for, as where a schedule is resumed.
"""

from __future__ import annotations

import logging
import threading
from datetime import UTC, datetime, timedelta
from typing import TYPE_CHECKING, Any

from local_workspace.services.jobs import jobs
from local_workspace.services.jobs.quartz import parse_schedule

if TYPE_CHECKING:
    from local_workspace.gateway.workspace import Workspace

log = logging.getLogger(__name__)
TICK_S = 0.5
# Between two runs of a schedule, whatever its expression says: https://docs.databricks.com/aws/en/jobs/scheduled
SHORTEST = timedelta(seconds=10)


class ScheduleClock:
    """Looks every half second which schedules are due."""

    def __init__(self, workspace: Workspace) -> None:
        self._workspace = workspace
        self._next: dict[tuple[int, str, str], datetime | None] = {}
        self._stopped = threading.Event()

    def start(self) -> None:
        """Begin to fire."""
        threading.Thread(target=self._run, name="schedules", daemon=True).start()

    def stop(self) -> None:
        """Fire no more."""
        self._stopped.set()

    def tick(self, now: datetime) -> list[int]:
        """Start a run of each job that is due and return their ids; a run is started once for each time."""
        before, self._next = self._next, {}
        started = []
        for job, schedule in jobs.scheduled_jobs(self._workspace.store):
            expression, zone = schedule["quartz_cron_expression"], schedule["timezone_id"]
            key = (job["job_id"], expression, zone)
            due = before[key] if key in before else parse_schedule(expression, zone).next_after(now)
            if due is not None and due <= now:
                started += self._fire(job, due)
                due = parse_schedule(expression, zone).next_after(max(now, due + SHORTEST - timedelta(microseconds=1)))
            self._next[key] = due
        return started

    def _run(self) -> None:
        while not self._stopped.wait(TICK_S):
            try:
                self.tick(datetime.now(UTC))
            except Exception:
                log.exception("schedules could not be looked at")

    def _fire(self, job: dict[str, Any], due: datetime) -> list[int]:
        token = f"schedule-{job['job_id']}:{due.isoformat()}"
        try:
            run = jobs.start_job(self._workspace, job, {}, job["creator"], token, "PERIODIC")
        except Exception:  # one job that cannot start keeps no other from it
            log.exception("job %s could not be started by its schedule", job["job_id"])
            return []
        log.info("job %s: run %s of its schedule", job["job_id"], run["run_id"])
        return [run["run_id"]]
