"""Schedules of the estate, in UTC."""

import dagster as dg

from platform_assets.jobs import DRIFT, SNAPSHOT

# Off the hour, when everybody's schedules meet the same rate limits.
hourly_drift = dg.ScheduleDefinition(
    name="hourly_drift",
    job_name=DRIFT,
    cron_schedule="17 * * * *",
    execution_timezone="UTC",
    default_status=dg.DefaultScheduleStatus.RUNNING,
    description="Whether the estate is as declared, every hour; changes nothing",
)
hourly_snapshot = dg.ScheduleDefinition(
    name="hourly_snapshot",
    job_name=SNAPSHOT,
    cron_schedule="47 * * * *",
    execution_timezone="UTC",
    default_status=dg.DefaultScheduleStatus.RUNNING,
    description="The estate as it is into the recovery bucket, every hour; no new version when nothing has changed",
)
