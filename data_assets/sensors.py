"""Sensors: objects that arrive in the landing bucket, and the conditions declared on the tables."""

from __future__ import annotations

import dagster as dg

from data_assets.arrival.queue import open_queue
from data_assets.arrival.selection import make_request, read_layout, was_built
from data_assets.arrival.tick import Tick, evaluate
from data_assets.jobs import arrival
from lakehouse.targets import current_target

# A daemon's tick waits in the queue, where news reach it at once; one by hand answers at once.
_PATIENCE_SECONDS = 15

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
    tick = evaluate(
        open_queue(target), layout, context.cursor, lambda key: has_run(context.instance, key), patience=patience
    )
    requests = [make_request(graph, run, arrival.name, was_built(context.instance)) for run in tick.runs]
    return dg.SensorResult(
        run_requests=requests or None,
        skip_reason=None if requests else _say(tick),
        cursor=tick.cursor,
    )


def has_run(instance: dg.DagsterInstance, run_key: str) -> bool:
    """Say whether the sensor's request of that run key has become a run."""
    runs = instance.get_runs(dg.RunsFilter(tags={_RUN_KEY: run_key}))
    return any(run.tags.get(_SENSOR_NAME) == landing_arrival.name for run in runs)


def _say(tick: Tick) -> str:
    return f"{tick.received} messages, {tick.rejected} of them to the dead letters; {tick.deleted} deleted"


automation = dg.AutomationConditionSensorDefinition(
    "automation",
    target=dg.AssetSelection.all(),
    default_status=dg.DefaultSensorStatus.RUNNING,
    minimum_interval_seconds=30,
    description="Requests the tables whose automation condition holds: silver after bronze, gold after silver",
)
