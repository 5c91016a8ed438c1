"""Jobs of the estate. They select by group or lineage, so a new resource is in them by being declared."""

import dagster as dg
from dagster._core.definitions.unresolved_asset_job_definition import UnresolvedAssetJobDefinition

from platform_assets.assets import build_estate_asset
from platform_assets.estate_snapshot import export_estate_snapshot
from platform_assets.jar_flow import run_test_jar_job

ESTATE = build_estate_asset()
DRIFT = "drift"
SNAPSHOT = "snapshot"


def build_jobs() -> list[UnresolvedAssetJobDefinition]:
    """Return the jobs: `estate` reconciles all that is declared, `drift` only looks whether it is so, `jar_flow` takes
    a JAR from source to its output, `snapshot` writes the estate as it is into the recovery bucket.
    """
    everything = dg.AssetSelection.assets(ESTATE)
    drift = dg.AssetSelection.checks_for_assets(ESTATE)
    snapshot = dg.AssetSelection.assets(export_estate_snapshot)
    jar_flow = dg.AssetSelection.assets(run_test_jar_job).upstream()
    return [
        dg.define_asset_job("estate", everything, description="Reconcile the whole estate"),
        dg.define_asset_job(DRIFT, drift, description="Find what is not as declared; changes nothing"),
        dg.define_asset_job(SNAPSHOT, snapshot, description="Export the estate as it is, if it has changed"),
        dg.define_asset_job("jar_flow", jar_flow, description="HelloSpark: build, upload, copy, declare, run, check"),
    ]
