"""Code location 1: what Dagster loads."""

import dagster as dg

from lakehouse.executor import threaded_executor
from platform_assets import schedules
from platform_assets.estate_snapshot import export_estate_snapshot
from platform_assets.jar_flow import run_test_jar_job
from platform_assets.jobs import ESTATE, build_jobs

defs = dg.Definitions(
    assets=[ESTATE, run_test_jar_job, export_estate_snapshot],
    jobs=build_jobs(),
    schedules=[one for one in vars(schedules).values() if isinstance(one, dg.ScheduleDefinition)],
    executor=threaded_executor,
)
