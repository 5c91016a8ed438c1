"""Jobs of the estate. They select by group, so a new resource is in them by being declared."""

import dagster as dg
from dagster._core.definitions.unresolved_asset_job_definition import UnresolvedAssetJobDefinition

from platform_assets.assets import build_estate_asset

ESTATE = build_estate_asset()


def build_jobs() -> list[UnresolvedAssetJobDefinition]:
    """Return the jobs: `estate` reconciles all that is declared."""
    return [dg.define_asset_job("estate", dg.AssetSelection.assets(ESTATE), description="Reconcile the whole estate")]
