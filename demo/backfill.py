"""A backfill from the command line: the job `arrival` over a range, one serverless run per table.

A day that has not landed is loaded as an empty one, as from the UI, and named.
"""

from __future__ import annotations

import time
from dataclasses import asdict, dataclass
from datetime import date, timedelta
from typing import Any

from rich.console import Console

from data_assets.arrival.selection import RANGE_TAGS
from demo import dagster_jobs
from demo.dagster_runs import open_instance, run_job
from demo.flights_data import check_days
from demo.locking import only_one
from demo.main_job import prepare, reconcile
from demo.phases import Phases
from demo.questions import count_rows
from lakehouse.targets import Settings, Target
from lakehouse.workspace import open_aws_client


@dataclass(frozen=True)
class Backfill:
    """What a backfill did; `not_landed`: days without a flights file."""

    first: str
    last: str
    run_id: str
    seconds: float
    rows: dict[str, int]
    not_landed: list[str]

    def as_json(self) -> dict[str, Any]:
        """Return all of it."""
        return asdict(self)


def backfill(settings: Settings, first: date, last: date, console: Console) -> Backfill:
    """Load the days of a range again, from bronze to gold.

    Raises:
        RunFailed: with the failed steps.
    """
    check_days(first, last)
    phases, target = Phases(console), settings.target
    with only_one(settings.home, console):
        prepare(settings, phases)
        with phases.phase("Look what has landed"):
            not_landed = find_not_landed(target, first, last)
        with open_instance(settings.dagster_home) as instance:
            reconcile(instance, phases)
            started = time.monotonic()
            with phases.phase(f"Run bronze to gold, {first} to {last}") as say:
                tags = dict(zip(RANGE_TAGS, (str(first), str(last)), strict=True))
                run = run_job(instance, dagster_jobs.arrival, say, tags)
            seconds = round(time.monotonic() - started, 1)
        rows = count_rows(target)
    return Backfill(str(first), str(last), run.run_id, seconds, rows, not_landed)


def find_not_landed(target: Target, first: date, last: date) -> list[str]:
    """Return the days of a range without a flights file."""
    wanted = {str(first + timedelta(number)) for number in range((last - first).days + 1)}
    return sorted(wanted - _landed_days(target))


def _landed_days(target: Target) -> set[str]:
    pages = open_aws_client(target, "pipeline", "s3").get_paginator("list_objects_v2")
    found = pages.paginate(Bucket=target.bucket("landing"), Prefix="flights/date=", Delimiter="/")
    return {
        entry["Prefix"].removeprefix("flights/date=").rstrip("/")
        for page in found
        for entry in page.get("CommonPrefixes", [])
    }
