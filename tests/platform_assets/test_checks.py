"""Which materialization a check is said to be of."""

from __future__ import annotations

import dagster as dg
from dagster._core.definitions.asset_checks.asset_check_evaluation import AssetCheckEvaluationTargetMaterializationData

from platform_assets.checks import find_materializations


@dg.asset
def left_alone() -> None:
    pass


@dg.asset
def made_again() -> None:
    pass


def test_a_check_is_of_what_its_run_has_made_or_else_of_what_was_made_last() -> None:
    instance = dg.DagsterInstance.ephemeral()
    dg.materialize([left_alone, made_again], instance=instance)
    run_id = dg.materialize([made_again], instance=instance).run_id
    dg.materialize([made_again], instance=instance)
    found = find_materializations(instance, run_id, [left_alone.key, made_again.key, dg.AssetKey("never_made")])
    (first,) = instance.fetch_materializations(left_alone.key, limit=9).records
    _, second, _ = instance.fetch_materializations(made_again.key, limit=9).records
    assert found == {
        record.event_log_entry.asset_materialization.asset_key: AssetCheckEvaluationTargetMaterializationData(
            storage_id=record.storage_id, run_id=record.run_id, timestamp=record.timestamp
        )
        for record in (first, second)
        if record.event_log_entry.asset_materialization
    }
