"""Fires the schedules of jobs: one run at each time that an unpaused schedule names."""

from __future__ import annotations

import logging
from collections.abc import Iterator
from datetime import datetime
from functools import partial
from typing import TYPE_CHECKING, Any

from local_workspace.services.jobs import jobs
from local_workspace.services.jobs.appointments import Appointment, Clock

if TYPE_CHECKING:
    from local_workspace.gateway.workspace import Workspace

log = logging.getLogger(__name__)


class ScheduleClock(Clock):
    """Starts a run of each job that is due."""

    def __init__(self, workspace: Workspace) -> None:
        super().__init__("schedules")
        self._workspace = workspace

    def list_appointments(self) -> Iterator[Appointment]:
        """Yield those of jobs."""
        for job, schedule in jobs.scheduled_jobs(self._workspace.store):
            expression, zone = schedule["quartz_cron_expression"], schedule["timezone_id"]
            yield Appointment(job["job_id"], expression, zone, partial(self._fire, job))

    def _fire(self, job: dict[str, Any], due: datetime) -> list[int]:
        token = f"schedule-{job['job_id']}:{due.isoformat()}"
        try:
            run = jobs.start_job(self._workspace, job, {}, job["creator"], token, "PERIODIC")
        except Exception:  # one job that cannot start keeps no other from it
            log.exception("job %s could not be started by its schedule", job["job_id"])
            return []
        log.info("job %s: run %s of its schedule", job["job_id"], run["run_id"])
        return [run["run_id"]]
