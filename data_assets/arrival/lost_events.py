"""Objects in the landing bucket that no run has taken in: found by listing, for the day an event is lost.

Compares each object's time with the start of the run that last materialized its table or partition.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping
from datetime import datetime, timedelta
from typing import TYPE_CHECKING

import dagster as dg
from botocore.exceptions import ClientError
from dagster._core.definitions.assets.graph.asset_graph import AssetGraph

from data_assets.arrival.events import LandedObject
from data_assets.arrival.plans import WantedRun, plan_runs
from data_assets.arrival.routes import Arrival, Layout, route
from data_assets.arrival.selection import find_bronze
from lakehouse.targets import Target
from lakehouse.workspace import open_aws_client

if TYPE_CHECKING:
    from mypy_boto3_s3 import S3Client
    from mypy_boto3_s3.type_defs import ObjectTypeDef


class LandingNotListed(Exception):
    """The landing bucket could not be listed, so nothing can be said about what is in it."""


# Until then an event may just be late, or its run under way.
PATIENCE = timedelta(hours=1)
_PAGE = 1000

Loaded = Mapping[tuple[str, str | None], float]  # (dataset, day) -> when its last run started, in epoch seconds


def find_lost(
    target: Target, graph: AssetGraph, layout: Layout, instance: dg.DagsterInstance, now: datetime
) -> list[WantedRun]:
    """Return the runs that would take in what was missed."""
    client = open_aws_client(target, "pipeline", "s3")
    old = [(arrival, at) for arrival, at in _list_arrivals(client, layout) if at < (now - PATIENCE).timestamp()]
    loaded = read_loaded(instance, graph, layout)
    return list(plan_runs(select_missed(old, loaded), layout))


def select_missed(landed: Iterable[tuple[Arrival, float]], loaded: Loaded) -> list[Arrival]:
    """Return the arrivals that are newer than the start of the last run over their table or partition."""
    return [arrival for arrival, at in landed if at > loaded.get((arrival.dataset, arrival.day), float("-inf"))]


def read_loaded(instance: dg.DagsterInstance, graph: AssetGraph, layout: Layout) -> Loaded:
    """Return when each bronze table, or partition of it, was last loaded."""
    starts = _RunStarts(instance)
    loaded: dict[tuple[str, str | None], float] = {}
    for dataset, key in find_bronze(graph).items():
        for record in _materializations(instance, key):
            day = record.partition_key if dataset in layout.daily else None
            loaded.setdefault((dataset, day), starts.of(record))
            if dataset not in layout.daily or len(loaded) >= len(layout.days) + len(layout.whole):
                break
    return loaded


def _materializations(instance: dg.DagsterInstance, key: dg.AssetKey) -> Iterator[dg.EventLogRecord]:
    """Yield the materializations of an asset, newest first."""
    cursor = None
    while True:
        page = instance.fetch_materializations(key, limit=_PAGE, cursor=cursor)
        yield from page.records
        if not page.has_more:
            return
        cursor = page.cursor


class _RunStarts:
    """When runs started, each asked for once."""

    def __init__(self, instance: dg.DagsterInstance) -> None:
        self._instance = instance
        self._starts: dict[str, float] = {}

    def of(self, record: dg.EventLogRecord) -> float:
        if record.run_id not in self._starts:
            run = self._instance.get_run_record_by_id(record.run_id)
            started = run.start_time if run is not None else None
            self._starts[record.run_id] = record.timestamp if started is None else started
        return self._starts[record.run_id]


def _list_arrivals(client: S3Client, layout: Layout) -> Iterator[tuple[Arrival, float]]:
    for dataset in sorted(layout.datasets):
        for item in _list_objects(client, layout.bucket, f"{dataset}/"):
            at = item["LastModified"].timestamp()
            arrival = route(LandedObject(layout.bucket, item["Key"], f"{item['ETag']} {at}"), layout)
            if isinstance(arrival, Arrival):  # what belongs nowhere has gone to the dead letters, or is a marker
                yield arrival, at


def _list_objects(client: S3Client, bucket: str, prefix: str) -> Iterator[ObjectTypeDef]:
    """Yield the objects.

    Raises:
        LandingNotListed: naming the right that is missing.
    """
    try:
        for page in client.get_paginator("list_objects_v2").paginate(Bucket=bucket, Prefix=prefix):
            yield from page.get("Contents", [])
    except ClientError as error:
        raise LandingNotListed(
            f"s3://{bucket}/{prefix} cannot be listed, so lost events are not looked for: {error}. The pipeline "
            f"needs s3:ListBucket on arn:aws:s3:::{bucket}: allow it in the estate, then run lost_events again"
        ) from error
