"""The check of each resource: is it as declared? A plan for it says so, and in which fields it is not."""

from __future__ import annotations

from collections.abc import Collection, Iterator, Sequence

import dagster as dg
from dagster._core.definitions.asset_checks.asset_check_evaluation import (
    AssetCheckEvaluationTargetMaterializationData as _Checked,
)

from platform_assets.plan_metadata import describe_drift, show_step
from platform_assets.reconcile.plan import Action, Plan, Step
from platform_assets.resource_types.model import Resource

CHECK = "matches_declaration"


def describe_check(resource: Resource) -> dg.AssetCheckSpec:
    """Return the spec of a resource's check."""
    key = dg.AssetKey(resource.key.split("/"))
    return dg.AssetCheckSpec(CHECK, asset=key, description="A new plan for this resource has nothing to do.")


def report_checks(
    plan: Plan, keys: Collection[str], instance: dg.DagsterInstance, run_id: str
) -> Iterator[dg.AssetCheckEvaluation]:
    """Yield the evaluations of the checks of these resources, of the materializations that the run has made by now.

    Evaluations, not results: of each result Dagster would ask its storage which materialization it is about, and look
    at all checks of the step for the one it belongs to.
    """
    steps = [step for step in plan.steps if step.key in keys]
    checked = find_materializations(instance, run_id, [_asset_key(step) for step in steps])
    yield from (_report(step, checked.get(_asset_key(step)), plan.remark) for step in steps)


def find_materializations(
    instance: dg.DagsterInstance, run_id: str, keys: Sequence[dg.AssetKey]
) -> dict[dg.AssetKey, _Checked]:
    """Return the last materialization of each asset that has one: of this run, whose events are not read for it."""
    made = instance.get_asset_event_summary_records(
        dg.DagsterEventType.ASSET_MATERIALIZATION, run_id=run_id, ascending=True
    )
    found = {one.asset_key: _Checked(storage_id=one.storage_id, run_id=run_id, timestamp=one.timestamp) for one in made}
    for record in instance.get_asset_records([key for key in keys if key not in found]):
        entry = record.asset_entry
        if (event := entry.last_materialization_record) is not None:
            found[entry.asset_key] = _Checked(
                storage_id=event.storage_id, run_id=event.run_id, timestamp=event.timestamp
            )
    return found


def _report(step: Step, checked: _Checked | None, remark: str) -> dg.AssetCheckEvaluation:
    sentences = describe_drift(step)
    if sentences and remark:  # such as the grant without which nobody can be named
        sentences.append(remark)
    return dg.AssetCheckEvaluation(
        asset_key=_asset_key(step),
        check_name=CHECK,
        passed=step.action is Action.NONE,
        description="\n".join(sentences) or "as declared",
        metadata=show_step(step),
        target_materialization_data=checked,
    )


def _asset_key(step: Step) -> dg.AssetKey:
    return dg.AssetKey(step.key.split("/"))
