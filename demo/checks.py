"""The latest result of every asset check, as the instance remembers it."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, replace
from typing import TYPE_CHECKING, Any

import dagster as dg
from dagster._core.event_api import PartitionKeyFilter
from dagster._core.storage.asset_check_execution_record import AssetCheckExecutionRecordStatus

from data_assets.jobs import LAYER_GROUPS

if TYPE_CHECKING:
    from dagster._core.definitions.assets.graph.asset_graph import AssetGraph


@dataclass(frozen=True)
class CheckResult:
    """`passed` is None when the check has never come to an end."""

    asset: str
    check: str
    passed: bool | None
    severity: str
    description: str

    @property
    def is_error(self) -> bool:
        """Whether it means that something is wrong."""
        return self.passed is False and self.severity == "ERROR"


def read_checks(instance: dg.DagsterInstance, locations: Iterable[dg.Definitions]) -> list[CheckResult]:
    """Return the results of the checks of estate and layers, by asset and name: those that the main job does."""
    graphs = [definitions.resolve_asset_graph() for definitions in locations]
    keys = [key for graph in graphs for key in graph.asset_check_keys if _is_main(graph, key.asset_key)]
    records = instance.event_log_storage.get_latest_asset_check_execution_by_key(keys)
    results = {key: _describe(key, records.get(key)) for key in keys}
    for key, days in _find_failed_days(instance, keys).items():
        results[key] = _describe_days(instance, key, days)
    return [results[key] for key in sorted(keys, key=lambda key: (key.asset_key, key.name))]


def _find_failed_days(
    instance: dg.DagsterInstance, keys: Sequence[dg.AssetCheckKey]
) -> Mapping[dg.AssetCheckKey, list[str]]:
    """Return the partitions whose latest result is a failure; a later good one of another partition hides none."""
    failed: defaultdict[dg.AssetCheckKey, list[str]] = defaultdict(list)
    for info in instance.event_log_storage.get_asset_check_partition_info(keys):
        is_failed = info.latest_execution_status is AssetCheckExecutionRecordStatus.FAILED
        if info.partition_key is not None and is_failed:
            failed[info.check_key].append(info.partition_key)
    return failed


def _describe_days(instance: dg.DagsterInstance, key: dg.AssetCheckKey, days: Sequence[str]) -> CheckResult:
    """Return the failure of the first of the days, and which days have failed."""
    first = min(days)
    wanted = PartitionKeyFilter(key=first)
    records = instance.event_log_storage.get_latest_asset_check_execution_by_key([key], wanted)
    result = _describe(key, records.get(key))
    more = f" and {len(days) - 1} more days" if len(days) > 1 else ""
    return replace(result, description=f"{first}{more}: {result.description}")


def _is_main(graph: AssetGraph, asset: dg.AssetKey) -> bool:
    group = graph.get(asset).group_name
    return group in LAYER_GROUPS or (group.startswith("platform_") and asset.path[0] != "job_run")


def _describe(key: dg.AssetCheckKey, record: object) -> CheckResult:
    from dagster._core.storage.asset_check_execution_record import AssetCheckExecutionRecord

    passed, severity, description = None, "ERROR", ""
    if isinstance(record, AssetCheckExecutionRecord):
        if record.status is not AssetCheckExecutionRecordStatus.PLANNED:
            passed = record.status is AssetCheckExecutionRecordStatus.SUCCEEDED
        event = record.event and record.event.dagster_event
        if event is not None and event.event_type is dg.DagsterEventType.ASSET_CHECK_EVALUATION:
            evaluation = event.asset_check_evaluation_data
            severity, description = evaluation.severity.value, evaluation.description or _say(evaluation.metadata)
    return CheckResult(key.asset_key.to_user_string(), key.name, passed, severity, description)


def _say(metadata: Mapping[str, dg.MetadataValue[Any]]) -> str:
    """Return what the check counted, without what it says about its run."""
    return ", ".join(f"{name} {value.value}" for name, value in metadata.items() if "/" not in name)
