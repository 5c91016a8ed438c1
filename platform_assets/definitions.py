"""Code location 1: what Dagster loads."""

import dagster as dg

from lakehouse.executor import threaded_executor
from platform_assets.jar_flow import run_test_jar_job
from platform_assets.jobs import ESTATE, build_jobs
from platform_assets.schedules import hourly_drift

defs = dg.Definitions(
    assets=[ESTATE, run_test_jar_job], jobs=build_jobs(), schedules=[hourly_drift], executor=threaded_executor
)
