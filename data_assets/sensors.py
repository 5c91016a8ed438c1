"""Sensors: objects that arrive in the landing bucket, runs that Databricks started, conditions on the tables."""

from __future__ import annotations

import dagster as dg

from data_assets.arrival.queue import open_queue
from data_assets.arrival.selection import make_request, read_layout, was_built
from data_assets.arrival.tick import describe, describe_reasons, evaluate
from data_assets.arrival.wanted import WantedRuns
from data_assets.dead_letters import report_dead_letters
from data_assets.job_runs import look
from data_assets.jobs import arrival, collect
from data_assets.persistent_jobs import PERSISTENT_JOBS
from lakehouse.jobs import describe_others, find_job
from lakehouse.serverless.collection import JOB_RUN_TAG
from lakehouse.targets import current_target

# A daemon's tick waits in the queue, where news reach it at once; one by hand answers at once.
_PATIENCE_SECONDS = 10

_RUN_KEY, _SENSOR_NAME = "dagster/run_key", "dagster/sensor_name"


@dg.sensor(
    job=arrival,
    minimum_interval_seconds=5,
    default_status=dg.DefaultSensorStatus.RUNNING,
    description="Objects in the landing bucket -> one run over each contiguous range of days, bronze to gold",
)
def landing_arrival(context: dg.SensorEvaluationContext) -> dg.SensorResult:
    """Drain the queue of landing events; see `data_assets.arrival.tick`."""
    assert context.repository_def is not None  # Dagster gives it to every sensor of a code location
    graph, target = context.repository_def.asset_graph, current_target()
    layout = read_layout(graph, target.bucket("landing"))
    patience = _PATIENCE_SECONDS if context.last_tick_completion_time else 0
    wanted, queue = WantedRuns(context.instance), open_queue(target)
    tick = evaluate(queue, layout, wanted, lambda key: has_run(context.instance, key), patience=patience)
    for line in describe_reasons(tick):
        context.log.warning("To the dead letters: %s", line)
    if tick.rejected:
        report_dead_letters(context.instance, queue, describe_reasons(tick))
    requests = [make_request(graph, run, arrival.name, was_built(context.instance)) for run in tick.runs]
    return dg.SensorResult(
        run_requests=requests or None,
        skip_reason=None if requests else describe(tick),
        # runs that were wanted and may not exist yet; Dagster passes an empty text over and keeps the last one
        cursor=str(len(wanted.read())),
    )


def has_run(instance: dg.DagsterInstance, run_key: str) -> bool:
    """Say whether the sensor's request of that run key has become a run."""
    runs = instance.get_runs(dg.RunsFilter(tags={_RUN_KEY: run_key}))
    return any(run.tags.get(_SENSOR_NAME) == landing_arrival.name for run in runs)


@dg.sensor(
    job=collect,
    minimum_interval_seconds=10,
    default_status=dg.DefaultSensorStatus.RUNNING,
    description="Runs of persistent jobs that Databricks started -> a Dagster run each, which follows and reports it",
)
def databricks_runs(context: dg.SensorEvaluationContext) -> dg.SensorResult:
    """Ask for the runs that nobody has asked for yet; see `data_assets.job_runs`."""
    from lakehouse.workspace import open_workspace

    target = current_target()
    workspace = open_workspace(target, "pipeline")
    ids = [(job, find_job(workspace, job.physical_name(target), job.mark(target))) for job in PERSISTENT_JOBS]
    deployed = [(job, job_id) for job, job_id in ids if job_id is not None]
    found = look(workspace, deployed, context.cursor, lambda run_id: is_collected(context.instance, run_id))
    for reason in found.refused:
        context.log.warning(reason)
    missing = [job.name for job, job_id in ids if job_id is None]
    for job in (job for job, job_id in ids if job_id is None):
        if others := describe_others(workspace, job.physical_name(target), job.mark(target)):
            context.log.warning("Not followed, since it is not this estate's: %s", others)
    nothing = f"Not deployed: {', '.join(missing)}" if missing else "No run that was not asked for"
    return dg.SensorResult(
        run_requests=list(found.requests) or None,
        skip_reason=None if found.requests else "; ".join(found.refused) or nothing,
        cursor=found.cursor,
    )


def is_collected(instance: dg.DagsterInstance, run_id: int) -> bool:
    """Say whether a Dagster run was asked for that collects the run."""
    return bool(instance.get_runs_count(dg.RunsFilter(tags={JOB_RUN_TAG: str(run_id)})))


automation = dg.AutomationConditionSensorDefinition(
    "automation",
    target=dg.AssetSelection.all(),
    default_status=dg.DefaultSensorStatus.RUNNING,
    minimum_interval_seconds=30,
    description="Requests the tables whose automation condition holds: silver after bronze, gold after silver",
)
