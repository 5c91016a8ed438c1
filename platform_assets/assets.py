"""The estate as assets: one per resource, reconciled together in one step, each with a check that it is as declared.

A process or step per resource would not scale, so there is one multi_asset that takes any selection.
"""

import hashlib
import json
from collections.abc import Iterable, Iterator, Sequence
from typing import Any

import dagster as dg

from lakehouse.event_log import stored_together
from lakehouse.targets import Target, current_target
from platform_assets.checks import describe_check, report_checks
from platform_assets.declarations import RESOURCES
from platform_assets.declared_values import collect_fields, collect_values, describe_resource, name_resource
from platform_assets.estate import apply_estate, name_drift_makers, plan_estate
from platform_assets.lineage import draw_edges
from platform_assets.object_pages import describe_address, find_page
from platform_assets.plan_metadata import describe_drift, show_step
from platform_assets.reconcile.apply import ApplyReport, Result, Status
from platform_assets.reconcile.declared import require_declared
from platform_assets.reconcile.explain import list_lines
from platform_assets.reconcile.plan import Plan, Step
from platform_assets.resource_types.model import Clients, Resource

OWNER = "team:data-platform"


class ReconcileConfig(dg.Config):
    """How to reconcile. With `dry_run` the plan is observed and checked, and nothing is changed."""

    dry_run: bool = False


def build_estate_asset(resources: Sequence[Resource] = RESOURCES) -> dg.AssetsDefinition:
    """Return the multi-asset of the resources.

    Raises:
        InvalidDeclaration: something declared cannot be applied: what `lakehouse plan` refuses, Dagster does not load.
    """
    target = current_target()
    require_declared(resources, target)
    edges = draw_edges(resources)

    @dg.multi_asset(
        name="reconcile_estate",
        specs=[describe_asset(resource, target, edges[resource.key]) for resource in resources],
        check_specs=[describe_check(resource) for resource in resources],
        can_subset=True,
    )
    def reconcile_estate(context: dg.AssetExecutionContext, config: ReconcileConfig) -> Iterator[Any]:
        keys = ["/".join(key.path) for key in context.selected_asset_keys]
        checked = {"/".join(check.asset_key.path) for check in context.selected_asset_check_keys}
        report = ApplyReport(())
        if keys and not config.dry_run:
            report = apply_estate(target, keys, lambda result: _tell(context, result), resources=resources)
        with stored_together(context):
            yield from (_materialize(result, target) for result in report.results if not result.error)
        seen = checked if not config.dry_run else [*keys, *checked]
        plan = name_drift_makers(target, plan_estate(target, seen, resources=resources)) if seen else Plan(())
        if plan.remark:
            context.log.info("%s", plan.remark)
        for step in plan.steps:
            _tell_drift(context, step)
            if config.dry_run and step.key in keys:
                asset_key = dg.AssetKey(step.key.split("/"))
                context.log_event(dg.AssetObservation(asset_key, metadata=show_step(step)))
        with stored_together(context):
            yield from report_checks(plan, checked, context.instance, context.run.run_id)
        if report.failures:
            raise dg.Failure("\n".join(result.error for result in report.failures), allow_retries=False)

    return reconcile_estate


def describe_asset(resource: Resource, target: Target, edges: Iterable[str] | None = None) -> dg.AssetSpec:
    """Return the resource's asset spec. `edges`: the keys that the graph draws it after, all that it needs if None."""
    needed = resource.dependencies if edges is None else edges
    description, declared = _describe_declared(resource, target)
    return dg.AssetSpec(
        key=dg.AssetKey(resource.key.split("/")),
        deps=[*(dg.AssetKey(key.split("/")) for key in needed), *_list_tables(resource)],
        description=description,
        group_name=resource.group,
        kinds={*resource.kinds, resource.type_name},  # the graph shows them, and of the key its last part only
        owners=[OWNER],
        tags={"domain": "platform", "resource_type": resource.type_name},
        metadata={"physical_name": resource.physical_name(target), **declared},
        skippable=True,  # one that failed is not materialized, the others are
    )


def _describe_declared(resource: Resource, target: Target) -> tuple[str, dict[str, Any]]:
    """Return description and metadata. A plan tells what is wrong with a declaration; the others must load still."""
    try:
        return describe_resource(resource, target), {
            "declared": dg.MetadataValue.json(collect_values(resource, target)),
            "declaration": dg.MetadataValue.json(collect_fields(resource)),
            **describe_address(resource, target),
        }
    except Exception as error:  # noqa: BLE001 - each type reads other sources, which fail in other ways
        return f"{name_resource(resource)}\n\nIts declared values cannot be shown: {error}", {}


def _list_tables(resource: Resource) -> list[dg.AssetKey]:
    """Tables are the other location's assets: here they are keys, which no run of the estate waits for."""
    return [dg.AssetKey(name.key) for name in dict.fromkeys(resource.tables_read)]


def _tell(context: dg.AssetExecutionContext, result: Result) -> None:
    if result.error:
        context.log.error("%s", result.error)
    elif result.status is not Status.UNCHANGED:
        context.log.info("%s %s", result.key, result.status.value)


def _tell_drift(context: dg.AssetExecutionContext, step: Step) -> None:
    for sentence in describe_drift(step):
        context.log.warning("Not as declared: %s", sentence)


def _materialize(result: Result, target: Target) -> dg.MaterializeResult[Any]:
    """What is declared makes the data version: reconciling what did not change says that nothing is new."""
    resource = result.step.resource
    page = find_page(resource, Clients(target))
    lines = "\n".join(f"- `{line}`" for line in list_lines(result.step))
    desired = json.dumps(resource.desired(target), sort_keys=True).encode()
    return dg.MaterializeResult(
        asset_key=dg.AssetKey(result.key.split("/")),
        metadata={
            "action": result.status.value,
            "physical_name": resource.physical_name(target),
            **({"page": dg.MetadataValue.url(page)} if page else {}),
            **({"changes": dg.MetadataValue.md(lines)} if lines else {}),
        },
        data_version=dg.DataVersion(hashlib.sha256(desired).hexdigest()[:12]),
    )
