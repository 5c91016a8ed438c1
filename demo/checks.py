"""The latest result of every asset check, as the instance remembers it."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

import dagster as dg
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
    return [_describe(key, records.get(key)) for key in sorted(keys, key=lambda key: (key.asset_key, key.name))]


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
