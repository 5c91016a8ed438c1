"""Code location 2: what Dagster loads."""

import dagster as dg

from data_assets import schedules, sensors
from data_assets.assets import build_assets
from data_assets.dead_letters import no_dead_letters
from data_assets.deployment import build_checks, build_deployments
from data_assets.jobs import JOBS
from data_assets.lineage import describe_step_runtime
from lakehouse.executor import threaded_executor

defs = dg.Definitions(
    assets=[describe_step_runtime(), *build_assets(), *build_deployments()],
    asset_checks=[*build_checks(), no_dead_letters],
    jobs=JOBS,
    # all that stand in their modules: a new one is loaded by being there
    schedules=[one for one in vars(schedules).values() if isinstance(one, dg.ScheduleDefinition)],
    sensors=[one for one in vars(sensors).values() if isinstance(one, dg.SensorDefinition)],
    executor=threaded_executor,
)
