"""Jobs of the estate. They select by group or lineage, so a new resource is in them by being declared."""

import dagster as dg
from dagster._core.definitions.unresolved_asset_job_definition import UnresolvedAssetJobDefinition

from platform_assets.assets import build_estate_asset
from platform_assets.jar_flow import run_test_jar_job

ESTATE = build_estate_asset()


def build_jobs() -> list[UnresolvedAssetJobDefinition]:
    """Return the jobs: `estate` reconciles all that is declared, `jar_flow` takes a JAR from source to its output."""
    jar_flow = dg.AssetSelection.assets(run_test_jar_job).upstream()
    return [
        dg.define_asset_job("estate", dg.AssetSelection.assets(ESTATE), description="Reconcile the whole estate"),
        dg.define_asset_job(
            "jar_flow", jar_flow, description="HelloSpark.java: build, upload, copy, declare, run, check"
        ),
    ]
