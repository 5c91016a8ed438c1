"""Asks the arrival sensor until nothing is left to ask for, and runs what it wants on the instance."""

from __future__ import annotations

import time
from collections.abc import Sequence
from dataclasses import dataclass, field
from typing import Any

import dagster as dg

from data_assets.arrival.selection import RANGE_TAGS
from data_assets.sensors import has_run
from demo import dagster_jobs
from demo.dagster_runs import read_step_seconds, run_job
from demo.failures import DemoFailed
from demo.phases import Say
from demo.sensing import RUN_KEY_TAG, Sensing
from demo.unfinished import find_unfinished

SENSOR = "landing_arrival"
_LONGEST_WAIT_FOR_EVENTS_S = 60.0


class NoEvents(DemoFailed):
    """Objects were landed and the sensor saw none of them."""


@dataclass(frozen=True)
class ArrivalRun:
    """A Dagster run that the sensor asked for."""

    run_id: str
    run_key: str
    days: str
    tables: int
    seconds: float
    steps: dict[str, float]  # seconds by step, in order of their start


@dataclass
class Arrivals:
    """What the sensor asked for, tick by tick, and the runs."""

    runs: list[ArrivalRun] = field(default_factory=list)
    ticks: list[str] = field(default_factory=list)

    def as_json(self) -> dict[str, Any]:
        """Return runs and ticks."""
        return {"ticks": self.ticks, "runs": [vars(run) for run in self.runs]}


def run_arrivals(instance: dg.DagsterInstance, are_events_due: bool, say: Say) -> Arrivals:
    """Take up runs that a killed process left behind, then tick and run until the sensor has nothing more.

    Raises:
        RunFailed: a run failed; the next call takes it up again.
        NoEvents: events are due and none came.
    """
    arrivals, sensing = Arrivals(), Sensing(instance, dagster_jobs.load_tables(), SENSOR)
    for run in find_unfinished(instance, SENSOR):
        say(f"taking up {run.tags[RUN_KEY_TAG]}")
        tags = {
            key: value for key, value in run.tags.items() if key in (*RANGE_TAGS, RUN_KEY_TAG, "dagster/sensor_name")
        }
        arrivals.runs.append(_run(instance, say, tags, sorted(run.asset_selection or ()), run.run_id))
    _tick_until_quiet(sensing, arrivals, are_events_due, say)
    return arrivals


def _tick_until_quiet(sensing: Sensing, arrivals: Arrivals, are_events_due: bool, say: Say) -> None:
    deadline = time.monotonic() + _LONGEST_WAIT_FOR_EVENTS_S
    while True:
        sensed = sensing.tick()
        arrivals.ticks.append(sensed.said or "; ".join(request.run_key or "" for request in sensed.requests))
        say(f"sensor: {arrivals.ticks[-1]}")
        for request in sensed.requests:
            are_events_due = False
            if not has_run(sensing.instance, request.run_key or ""):  # as the daemon does
                arrivals.runs.append(_run(sensing.instance, say, sensing.tags_of(request), request.asset_selection))
        if not sensed.requests and sensed.is_settled and not are_events_due:
            return
        if are_events_due and time.monotonic() > deadline:
            raise NoEvents(
                f"Objects were landed but no event has come for {_LONGEST_WAIT_FOR_EVENTS_S:.0f} s: "
                "does the bucket notify the queue (`lakehouse plan`), or does a running daemon (`make dev`) take them?"
            )


def _run(
    instance: dg.DagsterInstance,
    say: Say,
    tags: dict[str, str],
    assets: Sequence[dg.AssetKey] | None,
    retry_of: str | None = None,
) -> ArrivalRun:
    started = time.monotonic()
    run = run_job(instance, dagster_jobs.arrival, say, tags, None if retry_of else assets, retry_of)
    days = [tags[tag] for tag in RANGE_TAGS if tag in tags]
    return ArrivalRun(
        run_id=run.run_id,
        run_key=tags[RUN_KEY_TAG],
        days=" to ".join(days) or "no days",
        tables=len(assets or ()),
        seconds=round(time.monotonic() - started, 1),
        steps=read_step_seconds(instance, run.run_id),
    )
