"""A backfill from the command line: the job `arrival` over a range, one serverless run per table."""

from __future__ import annotations

import time
from collections.abc import Sequence
from dataclasses import asdict, dataclass
from datetime import date, timedelta
from typing import Any

from rich.console import Console

from data_assets.arrival.selection import RANGE_TAGS
from demo import dagster_jobs
from demo.dagster_runs import open_instance, run_job
from demo.failures import DemoFailed
from demo.flights_data import check_days
from demo.locking import only_one
from demo.main_job import prepare, reconcile
from demo.phases import Phases
from demo.questions import count_rows
from lakehouse.targets import Settings, Target
from lakehouse.workspace import open_aws_client


class NotLanded(DemoFailed):
    """Days of the range have no file."""


@dataclass(frozen=True)
class Backfill:
    """What a backfill did."""

    first: str
    last: str
    run_id: str
    seconds: float
    rows: dict[str, int]

    def as_json(self) -> dict[str, Any]:
        """Return all of it."""
        return asdict(self)


def backfill(settings: Settings, first: date, last: date, console: Console) -> Backfill:
    """Load the landed days of a range again, from bronze to gold.

    Raises:
        NotLanded: naming the days that are missing.
        RunFailed: with the failed steps.
    """
    check_days(first, last)
    phases, target = Phases(console), settings.target
    with only_one(settings.home, console):
        prepare(settings, phases)
        with phases.phase("Look what has landed"):
            require_landed(target, first, last)
        with open_instance(settings.dagster_home) as instance:
            reconcile(instance, phases)
            started = time.monotonic()
            with phases.phase(f"Run bronze to gold, {first} to {last}") as say:
                tags = dict(zip(RANGE_TAGS, (str(first), str(last)), strict=True))
                run = run_job(instance, dagster_jobs.arrival, say, tags)
            seconds = round(time.monotonic() - started, 1)
        rows = count_rows(target)
    return Backfill(str(first), str(last), run.run_id, seconds, rows)


def require_landed(target: Target, first: date, last: date) -> None:
    """Refuse a range of which a day has no flights file.

    Raises:
        NotLanded: naming days and the command that lands them.
    """
    wanted = [str(first + timedelta(number)) for number in range((last - first).days + 1)]
    missing = sorted(set(wanted) - _landed_days(target))
    if missing:
        raise NotLanded(
            f"{len(missing)} of {len(wanted)} days have not landed ({_some(missing)}): "
            f"run `lakehouse demo land --from {first} --to {last}` first"
        )


def _landed_days(target: Target) -> set[str]:
    pages = open_aws_client(target, "pipeline", "s3").get_paginator("list_objects_v2")
    found = pages.paginate(Bucket=target.bucket("landing"), Prefix="flights/date=", Delimiter="/")
    return {
        entry["Prefix"].removeprefix("flights/date=").rstrip("/")
        for page in found
        for entry in page.get("CommonPrefixes", [])
    }


def _some(days: Sequence[str]) -> str:
    return ", ".join(days[:3]) + (" …" if len(days) > 3 else "")
