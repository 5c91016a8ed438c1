"""Jobs of the tables, selected by group and tag so that a new table joins by itself."""

import dagster as dg

from data_assets.remote_steps import PIPES_VOLUME
from data_assets.tables import LAYERS
from lakehouse.names import volume_path
from lakehouse.targets import current_target

# Two arrivals at once would write the same gold tables; deploy/dagster.yaml lets one run at a time have this tag.
ONE_AT_A_TIME = {"lakehouse/one_at_a_time": "arrival"}

LAYER_GROUPS = tuple(f"flights_{layer}" for layer in LAYERS)
ALL_TABLES = dg.AssetSelection.groups(*LAYER_GROUPS)

arrival = dg.define_asset_job(
    "arrival",
    selection=ALL_TABLES,
    tags=ONE_AT_A_TIME,
    description="Bronze to gold over a range of days: what the arrival sensor and range backfills run",
)

whole_tables = dg.define_asset_job(
    "whole_tables",
    selection=ALL_TABLES & dg.AssetSelection.tag("load", "whole"),
    description="The tables that are loaded as a whole, and take only what is new: weather and reference data",
)

collect = dg.define_asset_job(
    "collect",
    selection=ALL_TABLES,
    description="Follows a run that Databricks started and reports its tables; the sensor databricks_runs asks for it",
)

deploy = dg.define_asset_job(
    "deploy",
    selection=dg.AssetSelection.groups("persistent_jobs"),
    description="The tables as persistent jobs of Databricks: created, or reset where they are not as declared",
)


costs = dg.define_asset_job(
    "costs",
    selection=dg.AssetSelection.groups("flights_ops"),
    description="What each task of each job run has used, from the system tables, where they may be read",
)


@dg.op
def remove_old_messages(context: dg.OpExecutionContext) -> int:
    """Remove what steps reported more than a week ago from the volume that it came through."""
    from lakehouse.serverless import clean_messages
    from lakehouse.workspace import open_workspace

    target = current_target()
    removed = 0
    workspace = open_workspace(target, "pipeline")
    for run_id in clean_messages(workspace, volume_path(target, PIPES_VOLUME), context.instance):
        context.log.info("Removed the messages of run %s", run_id)
        removed += 1
    return removed


@dg.job(description="Removes messages of serverless runs that nobody will collect any more")
def clean_up() -> None:
    """Keep the volume of messages small."""
    remove_old_messages()


JOBS = (arrival, whole_tables, collect, deploy, costs, clean_up)  # what the code location loads
