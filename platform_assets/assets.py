"""The estate as assets: one per resource, reconciled together in one step, each with a check that it is as declared.

A process or step per resource would not scale, so there is one multi_asset that takes any selection.
"""

from collections.abc import Iterator, Sequence
from typing import Any

import dagster as dg

from lakehouse.targets import Target, current_target
from platform_assets.declarations import RESOURCES
from platform_assets.estate import apply_estate, plan_estate
from platform_assets.reconcile.apply import Result, Status
from platform_assets.reconcile.explain import explain_plan
from platform_assets.reconcile.plan import Action
from platform_assets.resource_types.model import Resource

CHECK = "matches_declaration"
OWNER = "team:data-platform"


def describe_asset(resource: Resource, target: Target) -> dg.AssetSpec:
    """Return the resource's asset spec."""
    return dg.AssetSpec(
        key=dg.AssetKey(resource.key.split("/")),
        deps=[dg.AssetKey(key.split("/")) for key in resource.dependencies],
        description=resource.description,
        group_name=resource.group,
        kinds=set(resource.kinds),
        owners=[OWNER],
        tags={"domain": "platform", "resource_type": resource.type_name},
        metadata={"physical_name": resource.physical_name(target)},
        skippable=True,
    )


def describe_check(resource: Resource) -> dg.AssetCheckSpec:
    """Return the check that a second plan for the resource is empty."""
    key = dg.AssetKey(resource.key.split("/"))
    return dg.AssetCheckSpec(CHECK, asset=key, description="A new plan for this resource has nothing to do.")


def build_estate_asset(resources: Sequence[Resource] = RESOURCES) -> dg.AssetsDefinition:
    """Return the multi-asset of the resources."""
    target = current_target()

    @dg.multi_asset(
        name="reconcile_estate",
        specs=[describe_asset(resource, target) for resource in resources],
        check_specs=[describe_check(resource) for resource in resources],
        can_subset=True,
    )
    def reconcile_estate(context: dg.AssetExecutionContext) -> Iterator[Any]:
        keys = ["/".join(key.path) for key in context.selected_asset_keys]
        checked = ["/".join(check.asset_key.path) for check in context.selected_asset_check_keys]
        failures: tuple[Result, ...] = ()
        if keys:
            report = apply_estate(current_target(), keys, lambda result: _tell(context, result))
            failures = report.failures
            yield from (_materialize(result) for result in report.results if not result.error)
        yield from _check(checked)
        if failures:
            raise dg.Failure("\n".join(result.error for result in failures), allow_retries=False)

    return reconcile_estate


def _tell(context: dg.AssetExecutionContext, result: Result) -> None:
    if result.error:
        context.log.error("%s", result.error)
    elif result.status is not Status.UNCHANGED:
        context.log.info("%s %s", result.key, result.status.value)


def _materialize(result: Result) -> dg.MaterializeResult[Any]:
    return dg.MaterializeResult(asset_key=dg.AssetKey(result.key.split("/")), metadata={"action": result.status.value})


def _check(keys: Sequence[str]) -> Iterator[dg.AssetCheckResult]:
    if not keys:
        return
    plan = plan_estate(current_target(), keys)
    for step in plan.steps:
        yield dg.AssetCheckResult(
            check_name=CHECK,
            asset_key=dg.AssetKey(step.key.split("/")),
            passed=step.action is Action.NONE,
            metadata={"plan": dg.MetadataValue.md(f"```\n{explain_plan(type(plan)((step,)))}\n```")},
        )
