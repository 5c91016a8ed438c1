"""What a step reported, as Dagster's events: each partition of a range gets its own metadata and check results.

A step says under `partitions` what it says of each day (steps/_days.py). All results are yielded before a failure is
raised, so that a bad day is recorded beside the good ones.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping
from typing import Any

import dagster as dg

# Dagster exports it only as the type of a field; without it a check of a partition counts as none.
from dagster._core.definitions.asset_checks.asset_check_evaluation import AssetCheckEvaluationTargetMaterializationData

from data_assets.steps._days import PARTITIONS, say_failed
from lakehouse.event_log import stored_together

Context = dg.AssetExecutionContext
Result = dg.MaterializeResult[Any] | dg.AssetCheckResult
_PAGE = 1000


def report(context: Context, results: Iterable[Result]) -> Iterator[Any]:
    """Yield what Dagster records of a step's results, tables first: a check is of a materialization.

    Raises:
        dg.Failure: a blocking check failed; it names the days. It is not tried again: the data would be the same.
    """
    tables: list[dg.MaterializeResult[Any]] = []
    checks: list[dg.AssetCheckResult] = []
    for result in results:
        if isinstance(result, dg.AssetCheckResult):
            checks.append(result)
        else:
            tables.append(result)
    is_by_day = context.assets_def.partitions_def is not None
    days = context.partition_keys if is_by_day else ()
    with stored_together(context):
        for table in tables:
            yield _spread_table(context, table) if is_by_day else table
        if not is_by_day:
            yield from checks
    if is_by_day:
        yield from _report_checks(context, checks, days)
    _require_good(context, checks, days)


def _spread_table(context: Context, table: dg.MaterializeResult[Any]) -> dg.MaterializeResult[Any]:
    """Give each partition its own metadata and return what they have in common."""
    metadata = dict(table.metadata or {})
    for day, own in _pop_days(metadata).items():
        context.add_asset_metadata(own, table.asset_key, day)
    return table._replace(metadata=metadata)


def _report_checks(
    context: Context, checks: Iterable[dg.AssetCheckResult], days: Iterable[str]
) -> Iterator[dg.AssetCheckEvaluation | dg.Output[None]]:
    specs = {(spec.asset_key, spec.name): spec for spec in context.assets_def.check_specs}
    targets = {key: _find_materializations(context, key, days) for key in context.selected_asset_keys}
    with stored_together(context):
        for result in checks:
            assert result.asset_key is not None and result.check_name is not None  # a step names both
            spec = specs[result.asset_key, result.check_name]
            yield dg.Output(None, spec.get_python_identifier())
            for day, passed, metadata in _list_verdicts(result, days):
                yield dg.AssetCheckEvaluation(
                    spec.asset_key,
                    spec.name,
                    passed,
                    metadata,
                    targets[spec.asset_key].get(day),
                    result.severity,
                    blocking=spec.blocking,
                    partition=day,
                )


def _list_verdicts(
    result: dg.AssetCheckResult, days: Iterable[str]
) -> Iterator[tuple[str, bool, Mapping[str, dg.MetadataValue]]]:
    """Yield the verdict on each day; where a step says nothing of a day, that on the whole range is the day's."""
    metadata = dict(result.metadata)
    told = _pop_days(metadata)
    for day in days:
        own = dict(told[day]) if day in told else None
        yield (day, own.pop("passed"), own) if own is not None else (day, result.passed, metadata)


def _pop_days(metadata: dict[str, Any]) -> dict[str, Any]:
    found = metadata.pop(PARTITIONS, None)
    return dict(found.value) if isinstance(found, dg.JsonMetadataValue) and isinstance(found.value, dict) else {}


def _find_materializations(
    context: Context, key: dg.AssetKey, days: Iterable[str]
) -> dict[str, AssetCheckEvaluationTargetMaterializationData]:
    """Return this run's materialization of each day, as a check points to it."""
    missing, found, cursor = set(days), {}, None
    while missing:
        page = context.instance.fetch_materializations(key, limit=_PAGE, cursor=cursor)
        for record in page.records:
            if record.run_id == context.run.run_id and record.partition_key in missing:
                missing.remove(record.partition_key)
                found[record.partition_key] = point_to(record)
        if not page.has_more:
            break
        cursor = page.cursor
    return found


def point_to(record: dg.EventLogRecord) -> AssetCheckEvaluationTargetMaterializationData:
    """Return what a check says of the materialization that it looked at."""
    return AssetCheckEvaluationTargetMaterializationData(
        storage_id=record.storage_id, run_id=record.run_id, timestamp=record.timestamp
    )


def _require_good(context: Context, checks: Iterable[dg.AssetCheckResult], days: Iterable[str]) -> None:
    blocking = {(spec.asset_key, spec.name) for spec in context.assets_def.check_specs if spec.blocking}
    failed = {
        f"{result.check_name} of {result.asset_key.to_user_string()}": _list_passed(result, days)
        for result in checks
        if result.asset_key is not None
        and (result.asset_key, result.check_name) in blocking
        and not result.passed
        and result.severity is dg.AssetCheckSeverity.ERROR
    }
    if failed:
        raise dg.Failure(say_failed(failed), allow_retries=False)


def _list_passed(result: dg.AssetCheckResult, days: Iterable[str]) -> dict[str, bool]:
    return {day: passed for day, passed, _ in _list_verdicts(result, days)}
