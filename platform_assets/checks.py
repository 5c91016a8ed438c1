"""The check of each resource: is it as declared? A plan for it says so, and in which fields it is not."""

from __future__ import annotations

from collections.abc import Collection, Iterator

import dagster as dg

from platform_assets.plan_metadata import describe_drift, show_step
from platform_assets.reconcile.plan import Action, Plan, Step
from platform_assets.resource_types.model import Resource

CHECK = "matches_declaration"


def describe_check(resource: Resource) -> dg.AssetCheckSpec:
    """Return the spec of a resource's check."""
    key = dg.AssetKey(resource.key.split("/"))
    return dg.AssetCheckSpec(CHECK, asset=key, description="A new plan for this resource has nothing to do.")


def report_checks(plan: Plan, keys: Collection[str]) -> Iterator[dg.AssetCheckResult]:
    """Yield the results of the checks of these resources."""
    yield from (_report(step) for step in plan.steps if step.key in keys)


def _report(step: Step) -> dg.AssetCheckResult:
    return dg.AssetCheckResult(
        check_name=CHECK,
        asset_key=dg.AssetKey(step.key.split("/")),
        passed=step.action is Action.NONE,
        description="\n".join(describe_drift(step)) or "as declared",
        metadata=show_step(step),
    )
