"""The landing bucket as the asset graph sees it: each bronze table is a data set, its partitions are the days.

So a new bronze table is sensed without a line here.
"""

from __future__ import annotations

from collections.abc import Mapping

import dagster as dg
from dagster._core.definitions.assets.graph.asset_graph import AssetGraph

from data_assets.arrival.plans import WantedRun
from data_assets.arrival.routes import Layout

RANGE_TAGS = ("dagster/asset_partition_range_start", "dagster/asset_partition_range_end")
_BRONZE = "bronze"


class UnequalPartitions(Exception):
    """Bronze tables with different partitions cannot share one run over a range."""


def find_bronze(graph: AssetGraph) -> Mapping[str, dg.AssetKey]:
    """Return the bronze tables by name."""
    tables = (key for key in graph.materializable_asset_keys if len(key.path) == 3 and key.path[1] == _BRONZE)
    return {key.path[-1]: key for key in tables}


def read_layout(graph: AssetGraph, bucket: str) -> Layout:
    """Return the data sets and days that the graph's bronze tables take.

    Raises:
        UnequalPartitions: naming the tables.
    """
    bronze = find_bronze(graph)
    partitions = {name: graph.get(key).partitions_def for name, key in bronze.items()}
    daily = frozenset(name for name, definition in partitions.items() if definition is not None)
    if len({partitions[name] for name in daily}) > 1:
        raise UnequalPartitions(f"{', '.join(sorted(daily))} must have the same partitions to be run together")
    days = next((tuple(found.get_partition_keys()) for found in partitions.values() if found is not None), ())
    return Layout(bucket, days, daily, frozenset(bronze) - daily)


def select_tables(graph: AssetGraph, run: WantedRun) -> list[dg.AssetKey]:
    """Return the arrived bronze tables and all that depends on them; without days, only what has no partitions."""
    bronze = find_bronze(graph)
    arrived = dg.AssetSelection.assets(*(bronze[name] for name in run.datasets))
    keys = arrived.downstream().resolve(graph) & graph.materializable_asset_keys
    return sorted(key for key in keys if run.days is not None or graph.get(key).partitions_def is None)


def make_request(graph: AssetGraph, run: WantedRun, job_name: str) -> dg.RunRequest:
    """Return what Dagster is asked for."""
    return dg.RunRequest(
        run_key=run.run_key,
        job_name=job_name,
        asset_selection=select_tables(graph, run),
        tags=dict(zip(RANGE_TAGS, run.days, strict=True)) if run.days else {},
    )
