"""Code location 2: what Dagster loads."""

import dagster as dg

from data_assets.assets import build_assets
from data_assets.deployment import build_checks, build_deployments
from data_assets.jobs import arrival, clean_up, collect, costs, deploy, whole_tables
from data_assets.schedules import daily_clean_up, daily_costs, daily_refresh, lost_events
from data_assets.sensors import automation, databricks_runs, landing_arrival
from lakehouse.executor import threaded_executor

defs = dg.Definitions(
    assets=[*build_assets(), *build_deployments()],
    asset_checks=build_checks(),
    jobs=[arrival, whole_tables, collect, deploy, costs, clean_up],
    schedules=[daily_refresh, lost_events, daily_costs, daily_clean_up],
    sensors=[landing_arrival, databricks_runs, automation],
    executor=threaded_executor,
)
