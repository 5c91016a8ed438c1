"""The landing bucket as the asset graph sees it: each bronze table is a data set, its partitions are the days.

So a new bronze table is sensed without a line here.
"""

from __future__ import annotations

from collections.abc import Callable, Collection, Mapping

import dagster as dg
from dagster._core.definitions.assets.graph.asset_graph import AssetGraph

from data_assets.arrival.plans import WantedRun
from data_assets.arrival.routes import Layout

RANGE_TAGS = ("dagster/asset_partition_range_start", "dagster/asset_partition_range_end")
_BRONZE = "bronze"

IsThere = Callable[[dg.AssetKey], bool]


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


def select_tables(graph: AssetGraph, run: WantedRun, is_there: IsThere) -> list[dg.AssetKey]:
    """Return the arrived bronze tables and all that depends on them; without days, only what has no partitions.

    What needs a table that is neither among them nor there yet is left out: it will come with that table.
    """
    bronze = find_bronze(graph)
    arrived = dg.AssetSelection.assets(*(bronze[name] for name in run.datasets))
    found = arrived.downstream().resolve(graph) & graph.materializable_asset_keys
    keys = {key for key in found if run.days is not None or graph.get(key).partitions_def is None}
    while lacking := {key for key in keys if not _has_inputs(graph, key, keys, is_there)}:
        keys -= lacking
    return sorted(keys)


def _has_inputs(graph: AssetGraph, key: dg.AssetKey, chosen: Collection[dg.AssetKey], is_there: IsThere) -> bool:
    inputs = graph.get(key).parent_keys & graph.materializable_asset_keys
    return all(parent in chosen or is_there(parent) for parent in inputs)


def make_request(graph: AssetGraph, run: WantedRun, job_name: str, is_there: IsThere) -> dg.RunRequest:
    """Return what Dagster is asked for; `is_there` says whether a table has been built before."""
    return dg.RunRequest(
        run_key=run.run_key,
        job_name=job_name,
        asset_selection=select_tables(graph, run, is_there),
        tags=dict(zip(RANGE_TAGS, run.days, strict=True)) if run.days else {},
    )


def was_built(instance: dg.DagsterInstance) -> IsThere:
    """Return what says whether a table was ever materialized on the instance."""
    return lambda key: instance.get_latest_materialization_event(key) is not None
