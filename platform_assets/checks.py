"""The check of each resource: is it as declared? A new plan for it says so, and in which way it is not."""

from __future__ import annotations

from collections.abc import Iterator, Sequence

import dagster as dg

from lakehouse.targets import Target
from platform_assets.estate import plan_estate
from platform_assets.reconcile.explain import explain_step
from platform_assets.reconcile.plan import Action, Step
from platform_assets.resource_types.model import Resource

CHECK = "matches_declaration"


def describe_check(resource: Resource) -> dg.AssetCheckSpec:
    """Return the spec of a resource's check."""
    key = dg.AssetKey(resource.key.split("/"))
    return dg.AssetCheckSpec(CHECK, asset=key, description="A new plan for this resource has nothing to do.")


def check_resources(
    target: Target, keys: Sequence[str], resources: Sequence[Resource]
) -> Iterator[dg.AssetCheckResult]:
    """Yield the result of each resource's check, from one plan for all."""
    if keys:
        yield from map(_report, plan_estate(target, keys, resources=resources).steps)


def _report(step: Step) -> dg.AssetCheckResult:
    text = "\n".join(explain_step(step)) or "as declared"
    return dg.AssetCheckResult(
        check_name=CHECK,
        asset_key=dg.AssetKey(step.key.split("/")),
        passed=step.action is Action.NONE,
        metadata={"plan": dg.MetadataValue.md(f"```\n{text}\n```")},
    )
