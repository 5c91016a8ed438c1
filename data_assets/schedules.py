"""Schedules, in UTC."""

from __future__ import annotations

from collections.abc import Iterator

import dagster as dg

from data_assets.arrival.lost_events import find_lost
from data_assets.arrival.selection import make_request, read_layout, was_built
from data_assets.jobs import arrival, clean_up, costs, whole_tables
from lakehouse.targets import current_target

# The data set is of 2013: no partition is ever "yesterday's". What a day can bring is a new file of the tables that
# are loaded as a whole, and both loads take only what is new.
daily_refresh = dg.ScheduleDefinition(
    name="daily_refresh",
    job=whole_tables,
    cron_schedule="0 5 * * *",
    execution_timezone="UTC",
    default_status=dg.DefaultScheduleStatus.RUNNING,
    description="Weather and reference tables, every day at 05:00 UTC",
)

daily_clean_up = dg.ScheduleDefinition(
    name="daily_clean_up",
    job=clean_up,
    cron_schedule="15 3 * * *",
    execution_timezone="UTC",
    default_status=dg.DefaultScheduleStatus.RUNNING,
    description="Messages of serverless runs that ended more than a week ago, every day at 03:15 UTC",
)

# Stopped until the system tables have been granted; a bill is complete within about half a day.
daily_costs = dg.ScheduleDefinition(
    name="daily_costs",
    job=costs,
    cron_schedule="10 6 * * *",
    execution_timezone="UTC",
    default_status=dg.DefaultScheduleStatus.STOPPED,
    description="Costs of the runs, every day at 06:10 UTC",
)


@dg.schedule(
    job=arrival,
    cron_schedule="30 4 * * *",
    execution_timezone="UTC",
    default_status=dg.DefaultScheduleStatus.RUNNING,
    description="Lists the landing bucket, every day at 04:30 UTC, and loads what no event has told of",
)
def lost_events(context: dg.ScheduleEvaluationContext) -> Iterator[dg.RunRequest | dg.SkipReason]:
    """Ask for the runs that events should have asked for; see `data_assets.arrival.lost_events`."""
    assert context.repository_def is not None  # Dagster gives it to every schedule of a code location
    graph, target = context.repository_def.asset_graph, current_target()
    layout = read_layout(graph, target.bucket("landing"))
    runs = find_lost(target, graph, layout, context.instance, context.scheduled_execution_time)
    if not runs:
        yield dg.SkipReason("Every landed object has been loaded")
    yield from (make_request(graph, run, arrival.name, was_built(context.instance)) for run in runs)
