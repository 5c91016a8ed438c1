"""Jobs of the estate. They select by group, so a new resource is in them by being declared."""

import dagster as dg
from dagster._core.definitions.unresolved_asset_job_definition import UnresolvedAssetJobDefinition

from platform_assets.assets import build_estate_asset

ESTATE = build_estate_asset()
DRIFT = "drift"


def build_jobs() -> list[UnresolvedAssetJobDefinition]:
    """Return the jobs: `estate` reconciles all that is declared, `drift` only looks whether it is so."""
    everything = dg.AssetSelection.assets(ESTATE)
    drift = dg.AssetSelection.checks_for_assets(ESTATE)
    return [
        dg.define_asset_job("estate", everything, description="Reconcile the whole estate"),
        dg.define_asset_job(DRIFT, drift, description="Find what is not as declared; changes nothing"),
    ]
